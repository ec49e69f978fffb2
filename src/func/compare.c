// The comparison operators: = <> < <= > >=, IS [NOT] DISTINCT FROM, BETWEEN, IN, and the functions
// that compare: NULLIF, GREATEST, LEAST. What is compared with what is in compare_types.c.
#include "func/cast.h"
#include "func/in_set.h"

// ---- loops
// ---------------------------------------------------------------------------------------

// The constant side is held in a register: a filter's loop then reads one column and vectorises.
#define COMPARE_KERNEL(name, ctype, op)                                                   \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {                    \
        (void)err;                                                                        \
        const ctype *a = args->arg[0]->data, *b = args->arg[1]->data;                     \
        uint8_t *result = vec_u8(out);                                                    \
        uint32_t rows = args->rows;                                                       \
        if (rows && args->constant[1]) {                                                  \
            ctype right = b[0];                                                           \
            for (uint32_t row = 0; row < rows; row++) result[row] = a[row] op right;      \
        } else if (rows && args->constant[0]) {                                           \
            ctype left = a[0];                                                            \
            for (uint32_t row = 0; row < rows; row++) result[row] = left op b[row];       \
        } else {                                                                          \
            for (uint32_t row = 0; row < rows; row++) result[row] = a[row] op b[row];     \
        }                                                                                 \
        /* A NULL slot is zero and compares as such; it must read zero again. */          \
        if (args->valid) {                                                                \
            for (uint32_t row = 0; row < rows; row++) {                                   \
                result[row] &= (uint8_t)bits_get(args->valid, row);                       \
            }                                                                             \
        }                                                                                 \
        return ST_OK;                                                                     \
    }
#define COMPARE_KERNELS(name, op)                                                         \
    COMPARE_KERNEL(name##_u8, uint8_t, op)                                                \
    COMPARE_KERNEL(name##_i8, int8_t, op)                                                 \
    COMPARE_KERNEL(name##_i16, int16_t, op)                                               \
    COMPARE_KERNEL(name##_i32, int32_t, op)                                               \
    COMPARE_KERNEL(name##_i64, int64_t, op)                                               \
    COMPARE_KERNEL(name##_f32, float, op)                                                 \
    COMPARE_KERNEL(name##_f64, double, op)                                                \
    COMPARE_KERNEL(name##_i128, i128, op)                                                 \
    static const Kernel name##_kernels[PHYS_ROW + 1] = {                                  \
        [PHYS_U8] = name##_u8,   [PHYS_I8] = name##_i8,   [PHYS_I16] = name##_i16,        \
        [PHYS_I32] = name##_i32, [PHYS_I64] = name##_i64, [PHYS_F32] = name##_f32,        \
        [PHYS_F64] = name##_f64, [PHYS_I128] = name##_i128,                               \
    };
COMPARE_KERNELS(eq, ==)
COMPARE_KERNELS(ne, !=)
COMPARE_KERNELS(lt, <)
COMPARE_KERNELS(le, <=)
COMPARE_KERNELS(gt, >)
COMPARE_KERNELS(ge, >=)

typedef enum CompareOp { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE } CompareOp;

static const Kernel *const OP_KERNELS[] = {
    [OP_EQ] = eq_kernels, [OP_NE] = ne_kernels, [OP_LT] = lt_kernels,
    [OP_LE] = le_kernels, [OP_GT] = gt_kernels, [OP_GE] = ge_kernels,
};

typedef struct CompareBound {
    CompareOp op;
    CompareHow how;
} CompareBound;

static bool order_is(CompareOp op, int order) {
    if (order == UNORDERED) return op == OP_NE;
    switch (op) {
        case OP_EQ: return order == 0;
        case OP_NE: return order != 0;
        case OP_LT: return order < 0;
        case OP_LE: return order <= 0;
        case OP_GT: return order > 0;
        default: return order >= 0;
    }
}

// What no loop above is made for: texts, timestamps of 16 bytes, DECIMALs of two scales.
static Status order_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const CompareBound *bound = args->call->bound;
    const Vec *a = args->arg[0], *b = args->arg[1];
    uint8_t *result = vec_u8(out);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        result[row] = order_is(bound->op, compare_order(bound->how, a, row, b, row));
    }
    return ST_OK;
}

static Status equal_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const CompareBound *bound = args->call->bound;
    const Vec *a = args->arg[0], *b = args->arg[1];
    uint8_t *result = vec_u8(out);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        result[row] = compare_equal(bound->how, a, row, b, row) == (bound->op == OP_EQ);
    }
    return ST_OK;
}

static Status text_equal_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const CompareBound *bound = args->call->bound;
    const Str *a = vec_str(args->arg[0]), *b = vec_str(args->arg[1]);
    uint8_t *result = vec_u8(out);
    bool wanted = bound->op == OP_EQ;
    for (uint32_t row = 0; row < args->rows; row++) {
        result[row] = (str_eq(a[row], b[row]) == wanted) & (uint8_t)kernel_row_valid(args, row);
    }
    return ST_OK;
}

// ROW = ROW is field = field AND …; ROW <> ROW is not its negation: there NULL equals NULL.
static Status row_equal_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const CompareBound *bound = args->call->bound;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (bound->op == OP_NE) {
            vec_u8(out)[row] = !vec_key_equal(args->arg[0], row, args->arg[1], row);
            continue;
        }
        Truth truth = compare_rows_equal(args->arg[0], row, args->arg[1], row);
        vec_u8(out)[row] = truth == TRUTH_TRUE;
        if (truth == TRUTH_UNKNOWN) vec_set_null(out, row);
    }
    return ST_OK;
}

// Rows of which one is no ROW(…) are compared whole: there NULL equals NULL.
static Status whole_row_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        vec_u8(out)[row] = vec_key_equal(args->arg[0], row, args->arg[1], row);
    }
    return ST_OK;
}

void compare_rows_whole(FuncCall *call) {
    if (call->kernel == row_equal_kernel) call->kernel = whole_row_kernel;
}

bool compares_rows_whole(const FuncCall *call) {
    return call->kernel == whole_row_kernel;
}

static Status compare_bind(FuncCall *call, CompareOp op, Error *err) {
    CompareBound *bound = ARENA_NEW(call->arena, CompareBound);
    bool nullable = type_contains_null(call->arg[0]) || type_contains_null(call->arg[1]);
    bool equality = op <= OP_NE;
    TRY(equality ? compare_unify_equal(call, 2, &bound->how, err)
                 : compare_unify_order(call, 2, &bound->how, err));
    bound->op = op;
    call->bound = bound;
    call->result = type_of(TYPE_BOOLEAN, nullable);
    const Type *a = call->arg[0], *b = call->arg[1];
    Phys phys = type_phys(a);
    bool plain = bound->how == COMPARE_PLAIN ||
                 (bound->how == COMPARE_DECIMAL && a->scale == b->scale);
    if (plain && OP_KERNELS[op][phys]) {
        call->kernel = OP_KERNELS[op][phys];
    } else if (plain && phys == PHYS_ROW) {
        call->kernel = row_equal_kernel;
    } else if (plain && phys == PHYS_STR && equality) {
        call->kernel = text_equal_kernel;
    } else {
        call->kernel = equality ? equal_kernel : order_kernel;
    }
    return ST_OK;
}

static Status eq_bind(FuncCall *call, Error *err) {
    return compare_bind(call, OP_EQ, err);
}
static Status ne_bind(FuncCall *call, Error *err) {
    return compare_bind(call, OP_NE, err);
}
static Status lt_bind(FuncCall *call, Error *err) {
    return compare_bind(call, OP_LT, err);
}
static Status le_bind(FuncCall *call, Error *err) {
    return compare_bind(call, OP_LE, err);
}
static Status gt_bind(FuncCall *call, Error *err) {
    return compare_bind(call, OP_GT, err);
}
static Status ge_bind(FuncCall *call, Error *err) {
    return compare_bind(call, OP_GE, err);
}

// ---- IS DISTINCT FROM
// ----------------------------------------------------------------------------

static bool is_distinct(CompareHow how, const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    bool a_null = vec_is_null(a, i), b_null = vec_is_null(b, j);
    if (a_null || b_null) return a_null != b_null;
    return !compare_equal(how, a, i, b, j);
}

static Status distinct_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const CompareBound *bound = args->call->bound;
    const Vec *a = args->arg[0], *b = args->arg[1];
    bool wanted = bound->op == OP_NE;
    for (uint32_t row = 0; row < args->rows; row++) {
        bool is = true;
        if (a->phys == PHYS_ROW && !vec_is_null(a, row) && !vec_is_null(b, row)) {
            // Of rows Flink asks each field and wants all of them to agree, also when it asks for
            // distinctness: (1, 2) and (1, 3) are neither distinct nor not distinct.
            for (uint32_t c = 0; c < a->type->child_count && is; c++) {
                is = is_distinct(bound->how, a->child[c], row, b->child[c], row) == wanted;
            }
        } else {
            is = is_distinct(bound->how, a, row, b, row) == wanted;
        }
        vec_u8(out)[row] = is;
    }
    return ST_OK;
}

static Status distinct_bind_as(FuncCall *call, CompareOp op, Error *err) {
    CompareBound *bound = ARENA_NEW(call->arena, CompareBound);
    // Numbers are not brought to a common type here, unlike for =: FLOAT is compared as DOUBLE.
    bool numbers = type_is_numeric(call->arg[0]) && type_is_numeric(call->arg[1]);
    TRY(numbers ? compare_unify_order(call, 2, &bound->how, err)
                : compare_unify_equal(call, 2, &bound->how, err));
    bound->op = op;
    call->bound = bound;
    call->result = type_of(TYPE_BOOLEAN, false);
    return ST_OK;
}
static Status distinct_bind(FuncCall *call, Error *err) {
    return distinct_bind_as(call, OP_NE, err);
}
static Status not_distinct_bind(FuncCall *call, Error *err) {
    return distinct_bind_as(call, OP_EQ, err);
}

// ---- BETWEEN
// -------------------------------------------------------------------------------------

typedef struct BetweenBound {
    CompareHow how;
    bool symmetric, negated;
} BetweenBound;

static Truth truth_order(CompareHow how, CompareOp op, const Vec *a, const Vec *b, uint32_t row) {
    if (vec_is_null(a, row) || vec_is_null(b, row)) return TRUTH_UNKNOWN;
    return order_is(op, compare_order(how, a, row, b, row)) ? TRUTH_TRUE : TRUTH_FALSE;
}
static Truth truth_and(Truth a, Truth b) {
    if (a == TRUTH_FALSE || b == TRUTH_FALSE) return TRUTH_FALSE;
    return a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : TRUTH_TRUE;
}
static Truth truth_or(Truth a, Truth b) {
    if (a == TRUTH_TRUE || b == TRUTH_TRUE) return TRUTH_TRUE;
    return a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

static void put_truth(Vec *out, uint32_t row, Truth truth, bool negated) {
    if (truth == TRUTH_UNKNOWN) {
        vec_set_null(out, row);
    } else {
        vec_u8(out)[row] = (truth == TRUTH_TRUE) != negated;
    }
}

static Status between_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const BetweenBound *bound = args->call->bound;
    const Vec *value = args->arg[0], *low = args->arg[1], *high = args->arg[2];
    for (uint32_t row = 0; row < args->rows; row++) {
        Truth truth = truth_and(truth_order(bound->how, OP_GE, value, low, row),
                                truth_order(bound->how, OP_LE, value, high, row));
        if (bound->symmetric) {
            truth = truth_or(truth, truth_and(truth_order(bound->how, OP_GE, value, high, row),
                                              truth_order(bound->how, OP_LE, value, low, row)));
        }
        put_truth(out, row, truth, bound->negated);
    }
    return ST_OK;
}

static Status between_bind(FuncCall *call, Error *err) {
    BetweenBound *bound = ARENA_NEW(call->arena, BetweenBound);
    bool nullable = false;
    for (uint32_t i = 0; i < 3; i++) nullable |= type_contains_null(call->arg[i]);
    TRY(compare_unify_order(call, 3, &bound->how, err));
    Str name = str_c(call->func->name);
    bound->negated = str_starts(name, STR("NOT "));
    bound->symmetric = str_ends(name, STR(" SYMMETRIC"));
    call->bound = bound;
    call->result = type_of(TYPE_BOOLEAN, nullable);
    return ST_OK;
}

// ---- IN
// ------------------------------------------------------------------------------------------

typedef struct InBound {
    CompareHow how;
    bool negated;
} InBound;

// The rows that equal item [i] are set in [found]; of constants the loops vectorise.
static void in_mark(const KernelArgs *args, CompareHow how, uint32_t i, uint8_t *found) {
    const Vec *value = args->arg[0], *item = args->arg[i];
    uint32_t rows = args->rows;
    if (args->constant[i] && how == COMPARE_PLAIN && rows) {
        if (vec_is_null(item, 0)) return;
        switch (value->phys) {
            case PHYS_I32: {
                const int32_t *at = vec_i32(value), wanted = vec_i32(item)[0];
                for (uint32_t row = 0; row < rows; row++) found[row] |= at[row] == wanted;
                return;
            }
            case PHYS_I64: {
                const int64_t *at = vec_i64(value), wanted = vec_i64(item)[0];
                for (uint32_t row = 0; row < rows; row++) found[row] |= at[row] == wanted;
                return;
            }
            case PHYS_STR: {
                const Str *at = vec_str(value), wanted = vec_str(item)[0];
                for (uint32_t row = 0; row < rows; row++) {
                    if (at[row].len == wanted.len) found[row] |= str_eq(at[row], wanted);
                }
                return;
            }
            default: break;
        }
    }
    for (uint32_t row = 0; row < rows; row++) {
        if (found[row] || vec_is_null(value, row) || vec_is_null(item, row)) continue;
        found[row] = value->phys == PHYS_ROW
                         ? compare_rows_equal(value, row, item, row) == TRUTH_TRUE
                         : compare_equal(how, value, row, item, row);
    }
}

static bool in_unknown(const KernelArgs *args, uint32_t row) {
    const Vec *value = args->arg[0];
    if (vec_is_null(value, row)) return true;
    for (uint32_t i = 1; i < args->argc; i++) {
        if (vec_is_null(args->arg[i], row)) return true;
        if (value->phys == PHYS_ROW &&
            compare_rows_equal(value, row, args->arg[i], row) == TRUTH_UNKNOWN) {
            return true;
        }
    }
    return false;
}

static Status in_open(const FuncCall *call, void **state, Error *err) {
    (void)err;
    *state = in_set_new(call, ((const InBound *)call->bound)->how);
    return ST_OK;
}

static void in_close(void *state) {
    in_set_free(state);
}

static void in_by_set(const KernelArgs *args, const InSet *set, bool negated, Vec *out) {
    const Vec *value = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        bool null = vec_is_null(value, row);
        put_truth(out, row, null ? TRUTH_UNKNOWN : in_set_find(set, value, row), negated);
    }
}

static Status in_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const InBound *bound = args->call->bound;
    if (args->state) return in_by_set(args, args->state, bound->negated, out), ST_OK;
    uint8_t *found = vec_u8(out);
    bool nulls = args->arg[0]->valid || args->arg[0]->phys == PHYS_ROW;
    for (uint32_t i = 1; i < args->argc; i++) {
        in_mark(args, bound->how, i, found);
        nulls |= args->arg[i]->valid != NULL;
    }
    for (uint32_t row = 0; row < args->rows; row++) {
        if (nulls && vec_is_null(args->arg[0], row)) {
            vec_set_null(out, row);
        } else if (nulls && !found[row] && in_unknown(args, row)) {
            vec_set_null(out, row);
        } else {
            found[row] = found[row] != bound->negated;
        }
    }
    return ST_OK;
}

// Items become what the value is, even when that cuts them (1 IN (1.5) is TRUE): Flink compares
// VALUE = CAST(item) unless both have the same kind of type.
static Status in_bind(FuncCall *call, Error *err) {
    InBound *bound = ARENA_NEW(call->arena, InBound);
    bool nullable = false;
    for (uint32_t i = 0; i < call->argc; i++) nullable |= type_contains_null(call->arg[i]);
    const Type *items = type_common(call->arena, call->arg + 1, call->argc - 1);
    if (!items) {
        return error_set(err, ST_VALIDATION, "the values of the IN list have no common type");
    }
    const Type *value = call->arg[0];
    // A bare NULL in the list keeps Flink from bringing both sides to one type; and bytes and text
    // never come to one.
    const Type *const both[] = {value, items};
    bool bare_null = false;
    for (uint32_t i = 1; i < call->argc; i++) bare_null |= call->arg[i]->kind == TYPE_NULL;
    bool bytes_and_text = (type_is_bytes(value) && type_is_text(items)) ||
                          (type_is_text(value) && type_is_bytes(items));
    if (bytes_and_text || (bare_null && !type_common(call->arena, both, 2))) {
        return error_set(err, ST_VALIDATION,
                         "the value and the values of the IN list have no common type");
    }
    if (value->kind == TYPE_NULL) {
        if (items->kind == TYPE_NULL) items = type_of(TYPE_INT, true);
        value = call->arg[0] = type_nullable(call->arena, items, true);
    }
    bool text = type_is_text(value) || type_is_text(items) || items->kind == TYPE_NULL;
    if (!text || value->child_count || items->child_count) {
        FuncCall probe = *call;
        const Type *pair[] = {value, items};
        probe.arg = pair;
        probe.argc = 2;
        CompareHow how;
        TRY(compare_unify_equal(&probe, 2, &how, err));
    }
    for (uint32_t i = 1; type_is_interval(value) && i < call->argc; i++) {
        if (!type_is_text(call->arg[i])) continue;
        return error_set(err, ST_VALIDATION, "a text cannot be cast to an INTERVAL");
    }
    bound->how = value->kind == TYPE_DECIMAL ? COMPARE_DECIMAL
                 : type_is_timestamp(value)  ? COMPARE_STAMP
                                             : COMPARE_PLAIN;
    for (uint32_t i = 1; i < call->argc; i++) {
        const Type *item = call->arg[i];
        bool alike = item->kind == value->kind && !value->child_count;
        if (value->kind == TYPE_VARCHAR && item->kind == TYPE_CHAR) alike = true;
        if (alike) continue;
        bool item_nullable = item->nullable || item->kind == TYPE_NULL;
        call->arg[i] = type_nullable(call->arena, value, item_nullable);
    }
    // Flink looks several constants up in a hash set, so x IN (0, 1) does not find -0.0.
    bool constant = call->argc > 2;
    for (uint32_t i = 1; i < call->argc; i++) constant &= call->literal[i] != NULL;
    if (constant && type_is_approx(value)) bound->how = COMPARE_KEY;
    bound->negated = str_starts(str_c(call->func->name), STR("NOT "));
    call->bound = bound;
    call->result = type_of(TYPE_BOOLEAN, nullable);
    return ST_OK;
}

// ---- NULLIF, GREATEST, LEAST
// ---------------------------------------------------------------------

typedef struct NullifBound {
    CompareHow how;
    const Type *compared;  // what the first argument is cast to for the comparison, or NULL
} NullifBound;

static Status nullif_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const NullifBound *bound = args->call->bound;
    const Vec *value = args->arg[0], *left = value, *right = args->arg[1];
    if (bound->compared) {
        Vec *cast = vec_new(args->scratch, bound->compared, args->rows);
        // A text that is no point in time equals none.
        bool lenient = type_is_text(value->type) && type_is_datetime(bound->compared);
        TRY(cast_vec(value, args->rows, NULL, lenient, args->env, args->scratch, cast, err));
        left = cast;
    }
    for (uint32_t row = 0; row < args->rows; row++) {
        bool equal = false;
        if (!vec_is_null(left, row) && !vec_is_null(right, row)) {
            equal = left->phys == PHYS_ROW
                        ? compare_rows_equal(left, row, right, row) == TRUTH_TRUE
                        : compare_equal(bound->how, left, row, right, row);
        }
        if (equal) {
            vec_set_null(out, row);
        } else {
            vec_share_value(out, row, value, row);
        }
    }
    return ST_OK;
}

static Status nullif_bind(FuncCall *call, Error *err) {
    const Type *value = call->arg[0];
    if (value->kind == TYPE_NULL) {
        return error_set(err, ST_VALIDATION, "NULLIF needs a value that is not the bare NULL");
    }
    NullifBound *bound = ARENA_NEW(call->arena, NullifBound);
    TRY(compare_unify_equal(call, 2, &bound->how, err));
    if (!type_equal_but_null(call->arg[0], value)) {
        bound->compared = type_nullable(call->arena, call->arg[0], true);
        const Vec *literal = call->literal[0];
        if (literal && type_is_text(value) && type_is_datetime(bound->compared)) {
            Vec *cast = vec_new(call->arena, bound->compared, 1);
            if (cast_vec(literal, 1, NULL, false, call->env, call->arena, cast, NULL)) {
                return error_set(err, ST_VALIDATION, "this text is no %s",
                                 type_kind_name(bound->compared->kind));
            }
        }
    }
    call->arg[0] = value;
    call->bound = bound;
    call->result = type_nullable(call->arena, value, true);
    return ST_OK;
}

// The extreme by Java's compareTo: NaN is greater than all numbers.
static Status extreme_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const bool *greatest = args->call->bound;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        uint32_t best = 0;
        for (uint32_t i = 1; i < args->argc; i++) {
            const Vec *a = args->arg[i], *b = args->arg[best];
            int order = a->phys == PHYS_STR ? compare_order(COMPARE_PLAIN, a, row, b, row)
                                            : vec_compare(a, row, b, row);
            if (*greatest ? order > 0 : order < 0) best = i;
        }
        vec_share_value(out, row, args->arg[best], row);
    }
    return ST_OK;
}

static Status extreme_bind(FuncCall *call, Error *err) {
    bool nullable = false;
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->kind == TYPE_NULL) return compare_refuse(call, err);
        nullable |= call->arg[i]->nullable;
    }
    const Type *common = type_merge(call->arena, call->arg, call->argc);
    if (!common || common->child_count) return compare_refuse(call, err);
    for (uint32_t i = 0; i < call->argc; i++) {
        // A TIMESTAMP would be cut to the DATE or TIME beside it.
        bool cut = call->arg[i]->kind == TYPE_TIMESTAMP && !type_is_timestamp(common);
        if (cut) return compare_refuse(call, err);
        call->arg[i] = type_nullable(call->arena, common, call->arg[i]->nullable);
    }
    bool *greatest = ARENA_NEW(call->arena, bool);
    *greatest = str_is(str_c(call->func->name), "GREATEST");
    call->bound = greatest;
    call->result = type_nullable(call->arena, common, nullable);
    return ST_OK;
}

#define OPERATOR(symbol, hook, what, ...)                                                   \
    {.name = (symbol), .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN, .bind = (hook), \
     .doc = (what), __VA_ARGS__}
#define BETWEEN(symbol, what, ...)                                                          \
    {.name = (symbol), .args = {ARG_ANY, ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN,           \
     .nulls = NULLS_OWN, .bind = between_bind, .kernel = between_kernel, .doc = (what), __VA_ARGS__}

static const ScalarFunc COMPARE_FUNCS[] = {
    OPERATOR("=", eq_bind, "TRUE when both are equal; NULL when one is NULL.",
             .example = "1 = 1.0", .gives = "TRUE"),
    OPERATOR("<>", ne_bind, "TRUE when they differ; NULL when one is NULL.", .example = "1 <> 2",
             .gives = "TRUE"),
    OPERATOR("<", lt_bind, "TRUE when the first is less.", .example = "'10' < '9'",
             .gives = "TRUE"),
    OPERATOR("<=", le_bind, "TRUE when the first is less or equal.", .example = "3 <= 2",
             .gives = "FALSE"),
    OPERATOR(">", gt_bind, "TRUE when the first is greater.", .example = "'5' > 10",
             .gives = "FALSE"),
    OPERATOR(">=", ge_bind, "TRUE when the first is greater or equal.", .example = "3 >= 3",
             .gives = "TRUE"),
    OPERATOR("IS DISTINCT FROM", distinct_bind,
             "TRUE when they differ, where NULL is a value like others.", .nulls = NULLS_OWN,
             .kernel = distinct_kernel, .example = "1 IS DISTINCT FROM NULL", .gives = "TRUE"),
    OPERATOR("IS NOT DISTINCT FROM", not_distinct_bind,
             "TRUE when they are equal or both NULL.", .nulls = NULLS_OWN,
             .kernel = distinct_kernel, .example = "NULL IS NOT DISTINCT FROM NULL",
             .gives = "TRUE"),
    BETWEEN("BETWEEN ASYMMETRIC", "value >= low AND value <= high.",
            .example = "12 BETWEEN 10 AND 15", .gives = "TRUE"),
    BETWEEN("NOT BETWEEN ASYMMETRIC", "value < low OR value > high.",
            .example = "12 NOT BETWEEN 10 AND 15", .gives = "FALSE"),
    BETWEEN("BETWEEN SYMMETRIC", "BETWEEN with the two limits in either order.",
            .example = "12 BETWEEN SYMMETRIC 15 AND 10", .gives = "TRUE"),
    BETWEEN("NOT BETWEEN SYMMETRIC", "NOT BETWEEN with the two limits in either order.",
            .example = "12 NOT BETWEEN SYMMETRIC 15 AND 10", .gives = "FALSE"),
    {.name = "IN", .args = {ARG_ANY, ARG_ANY}, .argc_min = 2, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .flags = FUNC_HIDDEN | FUNC_LITERAL_SET, .bind = in_bind,
     .kernel = in_kernel, .open = in_open, .close = in_close,
     .doc = "TRUE when the value equals one of the list.", .example = "3 IN (1, 2, 3)",
     .gives = "TRUE"},
    {.name = "NOT IN", .args = {ARG_ANY, ARG_ANY}, .argc_min = 2, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .flags = FUNC_HIDDEN | FUNC_LITERAL_SET, .bind = in_bind,
     .kernel = in_kernel, .open = in_open, .close = in_close,
     .doc = "TRUE when the value equals none of the list.", .example = "3 NOT IN (1, 2)",
     .gives = "TRUE"},
    {.name = "NULLIF", .args = {ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN, .bind = nullif_bind,
     .kernel = nullif_kernel, .doc = "NULL when both are equal, else the first.",
     .example = "NULLIF(5, 0)", .gives = "5"},
    {.name = "GREATEST", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .bind = extreme_bind, .kernel = extreme_kernel,
     .doc = "The greatest of the values; NULL when one is NULL.", .example = "GREATEST(1, 3, 2)",
     .gives = "3"},
    {.name = "LEAST", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .bind = extreme_bind, .kernel = extreme_kernel,
     .doc = "The least of the values; NULL when one is NULL.", .example = "LEAST('b', 'a', 'ab')",
     .gives = "a"},
};
const FuncTable COMPARE_TABLE = FUNC_TABLE("Comparison", COMPARE_FUNCS);
