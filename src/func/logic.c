// Three-valued logic and the functions that choose: AND OR NOT, IS …, COALESCE, IFNULL, IF.
//
// The rows flagged FUNC_SHORT_CIRCUIT may be evaluated by parts by the executor, so that a guarded
// division never runs; the kernels here are right for arguments evaluated in full.
#include "func/func.h"

static Status refuse_null(const FuncCall *call, Error *err) {
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->kind == TYPE_NULL) {
            return error_set(err, ST_VALIDATION, "illegal use of NULL as an argument of '%s'",
                             call->func->name);
        }
    }
    return ST_OK;
}

static Status logic_bind(FuncCall *call, Error *err) {
    return refuse_null(call, err);
}

// The value that decides alone: FALSE of AND, TRUE of OR.
static Status decide_kernel(const KernelArgs *args, Vec *out, bool decider) {
    uint8_t *result = vec_u8(out);
    uint32_t rows = args->rows;
    bool nulls = false;
    for (uint32_t i = 0; i < args->argc; i++) nulls |= args->arg[i]->valid != NULL;
    if (!nulls) {
        if (rows) memcpy(result, args->arg[0]->data, rows);
        for (uint32_t i = 1; i < args->argc; i++) {
            const uint8_t *value = vec_u8(args->arg[i]);
            if (decider) {
                for (uint32_t row = 0; row < rows; row++) result[row] |= value[row];
            } else {
                for (uint32_t row = 0; row < rows; row++) result[row] &= value[row];
            }
        }
        return ST_OK;
    }
    for (uint32_t row = 0; row < rows; row++) {
        bool decided = false, unknown = false;
        for (uint32_t i = 0; i < args->argc && !decided; i++) {
            const Vec *value = args->arg[i];
            if (vec_is_null(value, row)) {
                unknown = true;
            } else {
                decided = vec_u8(value)[row] == decider;
            }
        }
        if (decided) {
            result[row] = decider;
        } else if (unknown) {
            vec_set_null(out, row);
        } else {
            result[row] = !decider;
        }
    }
    return ST_OK;
}
static Status and_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return decide_kernel(args, out, false);
}
static Status or_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return decide_kernel(args, out, true);
}

static Status not_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const uint8_t *value = vec_u8(args->arg[0]);
    uint8_t *result = vec_u8(out);
    for (uint32_t row = 0; row < args->rows; row++) {
        result[row] = (uint8_t)(!value[row] && kernel_row_valid(args, row));
    }
    return ST_OK;
}

// ---- IS …
// ----------------------------------------------------------------------------------------

static Status is_null_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *value = args->arg[0];
    bool wanted = !str_starts(str_c(args->call->func->name), STR("IS NOT"));
    uint8_t *result = vec_u8(out);
    if (!value->valid) {
        memset(result, !wanted, args->rows);
        return ST_OK;
    }
    for (uint32_t row = 0; row < args->rows; row++) {
        result[row] = bits_get(value->valid, row) != wanted;
    }
    return ST_OK;
}

static Status is_value_kernel(const KernelArgs *args, Vec *out, bool value, bool negated) {
    const Vec *in = args->arg[0];
    const uint8_t *at = vec_u8(in);
    uint8_t *result = vec_u8(out);
    for (uint32_t row = 0; row < args->rows; row++) {
        bool is = !vec_is_null(in, row) && at[row] == value;
        result[row] = is != negated;
    }
    return ST_OK;
}
static Status is_true_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return is_value_kernel(args, out, true, false);
}
static Status is_not_true_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return is_value_kernel(args, out, true, true);
}
static Status is_false_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return is_value_kernel(args, out, false, false);
}
static Status is_not_false_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return is_value_kernel(args, out, false, true);
}

// ---- COALESCE, IF
// --------------------------------------------------------------------------------

static Status coalesce_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        uint32_t i = 0;
        while (i + 1 < args->argc && vec_is_null(args->arg[i], row)) i++;
        vec_share_value(out, row, args->arg[i], row);
    }
    return ST_OK;
}

static Status coalesce_bind(FuncCall *call, Error *err) {
    bool nullable = true, all_null = true;
    for (uint32_t i = 0; i < call->argc; i++) {
        const Type *type = call->arg[i];
        nullable &= type->nullable || type->kind == TYPE_NULL;
        all_null &= type->kind == TYPE_NULL;
    }
    if (all_null) return refuse_null(call, err);
    const Type *common = type_merge(call->arena, call->arg, call->argc);
    if (!common) {
        return error_set(err, ST_VALIDATION, "the arguments of '%s' have no common type",
                         call->func->name);
    }
    for (uint32_t i = 0; i < call->argc; i++) {
        bool null = call->arg[i]->nullable || call->arg[i]->kind == TYPE_NULL;
        call->arg[i] = type_nullable(call->arena, common, null);
    }
    call->result = type_nullable(call->arena, common, nullable);
    return ST_OK;
}

// IFNULL of texts that are never NULL is the first one as it is, of its own length.
static Status ifnull_bind(FuncCall *call, Error *err) {
    const Type *first = call->arg[0];
    TRY(coalesce_bind(call, err));
    if (first->nullable || !(type_is_text(first) || type_is_bytes(first))) return ST_OK;
    call->arg[0] = call->result = first;
    return ST_OK;
}

static Status if_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const uint8_t *condition = vec_u8(args->arg[0]);  // a NULL slot is 0: the other branch
    for (uint32_t row = 0; row < args->rows; row++) {
        vec_share_value(out, row, args->arg[condition[row] ? 1 : 2], row);
    }
    return ST_OK;
}

static Status if_bind(FuncCall *call, Error *err) {
    TRY(refuse_null(call, err));
    const Type *then = call->arg[1], *otherwise = call->arg[2];
    const Type *common = type_common(call->arena, call->arg + 1, 2);
    // Two timestamps keep the first one's precision here, unlike in CASE.
    if (common && type_is_timestamp(common) && then->kind == otherwise->kind) common = then;
    if (!common || common->child_count) {
        return error_set(err, ST_VALIDATION, "the branches of IF have no common type");
    }
    bool nullable = call->arg[0]->nullable || then->nullable || otherwise->nullable;
    call->arg[1] = type_nullable(call->arena, common, then->nullable);
    call->arg[2] = type_nullable(call->arena, common, otherwise->nullable);
    call->result = type_nullable(call->arena, common, nullable);
    return ST_OK;
}

#define IS_BOOLEAN(symbol, run, what, ...)                                               \
    {.name = (symbol), .args = {ARG_BOOLEAN}, .result = RESULT_BOOLEAN,                  \
     .result_null = RESULT_NULL_NEVER, .nulls = NULLS_OWN, .flags = FUNC_HIDDEN,         \
     .bind = logic_bind, .kernel = (run), .doc = (what), __VA_ARGS__}
#define IS_NULL(symbol, what, ...)                                                       \
    {.name = (symbol), .args = {ARG_ANY}, .result = RESULT_BOOLEAN,                      \
     .result_null = RESULT_NULL_NEVER, .nulls = NULLS_OWN, .flags = FUNC_HIDDEN,         \
     .kernel = is_null_kernel, .doc = (what), __VA_ARGS__}

static const ScalarFunc LOGIC_FUNCS[] = {
    {.name = "AND", .args = {ARG_BOOLEAN, ARG_BOOLEAN}, .argc_min = 2, .argc_max = FUNC_VARIADIC,
     .result = RESULT_BOOLEAN, .nulls = NULLS_OWN, .flags = FUNC_HIDDEN | FUNC_SHORT_CIRCUIT,
     .bind = logic_bind, .kernel = and_kernel,
     .doc = "FALSE when one is FALSE, else NULL when one is NULL, else TRUE.",
     .example = "TRUE AND FALSE", .gives = "FALSE"},
    {.name = "OR", .args = {ARG_BOOLEAN, ARG_BOOLEAN}, .argc_min = 2, .argc_max = FUNC_VARIADIC,
     .result = RESULT_BOOLEAN, .nulls = NULLS_OWN, .flags = FUNC_HIDDEN | FUNC_SHORT_CIRCUIT,
     .bind = logic_bind, .kernel = or_kernel,
     .doc = "TRUE when one is TRUE, else NULL when one is NULL, else FALSE.",
     .example = "UNKNOWN OR TRUE", .gives = "TRUE"},
    {.name = "NOT", .args = {ARG_BOOLEAN}, .result = RESULT_BOOLEAN, .flags = FUNC_HIDDEN,
     .bind = logic_bind, .kernel = not_kernel, .doc = "The contrary; NULL of NULL.",
     .example = "NOT FALSE", .gives = "TRUE"},
    IS_NULL("IS NULL", "TRUE when the value is NULL.", .example = "NULL IS NULL", .gives = "TRUE"),
    IS_NULL("IS NOT NULL", "TRUE when the value is not NULL.", .example = "1 IS NOT NULL",
            .gives = "TRUE"),
    IS_BOOLEAN("IS TRUE", is_true_kernel, "TRUE when the value is TRUE, FALSE of NULL.",
               .example = "UNKNOWN IS TRUE", .gives = "FALSE"),
    IS_BOOLEAN("IS NOT TRUE", is_not_true_kernel, "TRUE when the value is FALSE or NULL.",
               .example = "UNKNOWN IS NOT TRUE", .gives = "TRUE"),
    IS_BOOLEAN("IS FALSE", is_false_kernel, "TRUE when the value is FALSE, FALSE of NULL.",
               .example = "FALSE IS FALSE", .gives = "TRUE"),
    IS_BOOLEAN("IS NOT FALSE", is_not_false_kernel, "TRUE when the value is TRUE or NULL.",
               .example = "FALSE IS NOT FALSE", .gives = "FALSE"),
    IS_BOOLEAN("IS UNKNOWN", is_null_kernel, "TRUE when the BOOLEAN is NULL.",
               .example = "UNKNOWN IS UNKNOWN", .gives = "TRUE"),
    IS_BOOLEAN("IS NOT UNKNOWN", is_null_kernel, "TRUE when the BOOLEAN is not NULL.",
               .example = "TRUE IS NOT UNKNOWN", .gives = "TRUE"),
    {.name = "COALESCE", .args = {ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .nulls = NULLS_OWN, .flags = FUNC_SHORT_CIRCUIT, .bind = coalesce_bind,
     .kernel = coalesce_kernel, .doc = "The first value that is not NULL.",
     .example = "COALESCE(NULL, 5)", .gives = "5"},
    {.name = "IFNULL", .args = {ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN, .flags = FUNC_SHORT_CIRCUIT,
     .bind = ifnull_bind, .kernel = coalesce_kernel,
     .doc = "The second value when the first is NULL.", .example = "IFNULL(NULL, 5)",
     .gives = "5"},
    {.name = "IF", .args = {ARG_BOOLEAN, ARG_ANY, ARG_ANY}, .nulls = NULLS_OWN,
     .flags = FUNC_SHORT_CIRCUIT, .bind = if_bind, .kernel = if_kernel,
     .doc = "The second value when the condition is TRUE, else the third.",
     .example = "IF(1 > 2, 'a', 'b')", .gives = "b"},
};
const FuncTable LOGIC_TABLE = FUNC_TABLE("Logic and conditions", LOGIC_FUNCS);
