// Which values may be compared, and how. Flink's validator casts both sides of = to their least
// common type, leaves numbers and timestamps of < as they are, and turns text into what stands on
// the other side; = between text and a number alone is refused.
#include <math.h>

#include "func/compare_int.h"
#include "type/decimal.h"

bool type_contains_null(const Type *type) {
    if (type->nullable || type->kind == TYPE_NULL) return true;
    if (type->kind != TYPE_ROW) return false;
    for (uint32_t i = 0; i < type->child_count; i++) {
        if (type_contains_null(type->child[i])) return true;
    }
    return false;
}

Status compare_refuse(const FuncCall *call, Error *err) {
    Buf given = {0};
    for (uint32_t i = 0; i < call->argc; i++) {
        if (i) buf_puts(&given, ", ");
        type_print_summary(call->arg[i], false, &given);
    }
    Status st = error_set(err, ST_VALIDATION, "cannot compare by '%s': " STR_FMT, call->func->name,
                          STR_ARG(buf_str(&given)));
    buf_free(&given);
    return st;
}

static void cast_arg(FuncCall *call, uint32_t i, const Type *to) {
    call->arg[i] = type_nullable(call->arena, to, call->arg[i]->nullable ||
                                                      call->arg[i]->kind == TYPE_NULL);
}

// What kinds of types the arguments are; NULL literals left out.
typedef struct Mix {
    uint32_t count, null, numeric, text, bytes, boolean, datetime, interval;
    bool decimal, floating, approx;
    const Type *first;     // the first that is no NULL
    bool same_kind;
} Mix;

static Mix mix_of(const FuncCall *call, uint32_t count) {
    Mix mix = {.count = count, .same_kind = true};
    for (uint32_t i = 0; i < count; i++) {
        const Type *type = call->arg[i];
        if (type->kind == TYPE_NULL) {
            mix.null++;
            continue;
        }
        if (!mix.first) mix.first = type;
        mix.same_kind &= type->kind == mix.first->kind;
        mix.numeric += type_is_numeric(type);
        mix.text += type_is_text(type);
        mix.bytes += type_is_bytes(type);
        mix.boolean += type->kind == TYPE_BOOLEAN;
        mix.decimal |= type->kind == TYPE_DECIMAL;
        mix.floating |= type->kind == TYPE_DOUBLE;
        mix.approx |= type_is_approx(type);
        mix.datetime += type_is_datetime(type);
        mix.interval += type_is_interval(type);
    }
    return mix;
}

// Exact numbers: integers to the widest, DECIMALs keep their scales.
static void unify_exact(FuncCall *call, uint32_t count, bool decimal, CompareHow *how) {
    if (decimal) {
        for (uint32_t i = 0; i < count; i++) {
            const Type *type = call->arg[i];
            if (type->kind == TYPE_DECIMAL) continue;
            int32_t precision = type->kind == TYPE_NULL ? 1 : type_exact_precision(type);
            cast_arg(call, i, type_decimal(call->arena, precision, 0, false));
        }
        *how = COMPARE_DECIMAL;
        return;
    }
    TypeKind widest = TYPE_TINYINT;
    for (uint32_t i = 0; i < count; i++) {
        if (call->arg[i]->kind != TYPE_NULL && call->arg[i]->kind > widest) {
            widest = call->arg[i]->kind;
        }
    }
    for (uint32_t i = 0; i < count; i++) cast_arg(call, i, type_of(widest, false));
}

static void cast_all(FuncCall *call, uint32_t count, const Type *to) {
    for (uint32_t i = 0; i < count; i++) cast_arg(call, i, to);
}

// One kind of date or time, any precision; text beside it is read as it. A TIMESTAMP beside one of
// the session's zone is a time of that zone.
static Status unify_datetime(FuncCall *call, uint32_t count, Error *err) {
    const Type *common = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const Type *type = call->arg[i];
        if (!type_is_datetime(type)) continue;
        if (!common) {
            common = type;
            continue;
        }
        common = type_common(call->arena, (const Type *const[]){common, type}, 2);
        if (!common) return compare_refuse(call, err);
    }
    cast_all(call, count, common);
    return ST_OK;
}

static Status unify_same(FuncCall *call, uint32_t count, bool order, Error *err) {
    const Type *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (call->arg[i]->kind != TYPE_NULL && !first) first = call->arg[i];
    }
    bool nested = first->child_count || first->kind == TYPE_VARIANT || first->kind == TYPE_RAW;
    if (order && nested) return compare_refuse(call, err);
    const Type *common = type_common(call->arena, call->arg, count);
    if (!common) return compare_refuse(call, err);
    cast_all(call, count, common);
    return ST_OK;
}

// Text and bytes need no cast to one length.
static Status unify_strings(FuncCall *call, uint32_t count, const Type *first) {
    for (uint32_t i = 0; i < count; i++) {
        if (call->arg[i]->kind == TYPE_NULL) cast_arg(call, i, first);
    }
    return ST_OK;
}

static bool is_null_literal(const FuncCall *call, uint32_t i) {
    return call->literal && call->literal[i] && vec_is_null(call->literal[i], 0);
}

Status compare_unify_equal(FuncCall *call, uint32_t count, CompareHow *how, Error *err) {
    *how = COMPARE_PLAIN;
    Mix mix = mix_of(call, count);
    uint32_t some = count - mix.null;
    if (some == 0) {
        cast_all(call, count, type_of(TYPE_INT, true));
        return ST_OK;
    }
    if (mix.numeric == some) {
        // The common DECIMAL may have less scale than its operands: 1.5 of DECIMAL(38, 18) equals 2
        // of DECIMAL(38, 0), which leaves no room for decimals. So it does in Flink.
        cast_all(call, count, type_common(call->arena, call->arg, count));
        return ST_OK;
    }
    if (mix.text == some || mix.bytes == some) return unify_strings(call, count, mix.first);
    if (mix.datetime && mix.datetime + mix.text == some) {
        return unify_datetime(call, count, err);
    }
    if (mix.text && (mix.boolean || mix.interval) &&
        mix.text + mix.boolean + mix.interval == some) {
        *how = COMPARE_NEVER;
        return ST_OK;
    }
    // Text beside a NULL that is a number: Flink has the answer before it asks how to compare.
    bool null_number = mix.text && mix.text + mix.numeric == some && count == 2 &&
                       (is_null_literal(call, 0) || is_null_literal(call, 1));
    if (null_number) {
        *how = COMPARE_NEVER;
        return ST_OK;
    }
    if (!mix.same_kind) return compare_refuse(call, err);
    return unify_same(call, count, false, err);
}

// Flink orders texts by UTF-16 units as long as both are still Java strings, else by bytes, and a
// CHAR that was padded never was one. It only matters for surrogates beside U+E000 to U+FFFF.
static bool has_padded_char(const FuncCall *call, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (call->arg[i]->kind == TYPE_CHAR && !(call->literal && call->literal[i])) return true;
    }
    return false;
}

Status compare_unify_order(FuncCall *call, uint32_t count, CompareHow *how, Error *err) {
    *how = COMPARE_PLAIN;
    Mix mix = mix_of(call, count);
    uint32_t some = count - mix.null;
    if (some == 0) {
        cast_all(call, count, type_of(TYPE_INT, true));
        return ST_OK;
    }
    if (mix.numeric && mix.numeric + mix.text == some) {
        if (mix.decimal && mix.approx && !mix.text) {
            cast_all(call, count, type_of(TYPE_DOUBLE, false));
            *how = COMPARE_TOTAL;
        } else if (mix.approx) {
            bool wide = mix.floating || mix.decimal;
            cast_all(call, count, type_of(wide ? TYPE_DOUBLE : TYPE_FLOAT, false));
        } else if (mix.text) {  // all to BIGINT, or to the DECIMAL that holds BIGINT too
            const Type *common = type_of(TYPE_BIGINT, false);
            for (uint32_t i = 0; i < count; i++) {
                if (!type_is_numeric(call->arg[i])) continue;
                common = type_common(call->arena, (const Type *const[]){common, call->arg[i]}, 2);
            }
            cast_all(call, count, common);
            if (mix.decimal) *how = COMPARE_DECIMAL;
        } else {
            unify_exact(call, count, mix.decimal, how);
        }
        return ST_OK;
    }
    if (mix.text == some || mix.bytes == some) {
        if (mix.text && has_padded_char(call, count)) *how = COMPARE_BYTES;
        return unify_strings(call, count, mix.first);
    }
    if (mix.datetime && mix.datetime + mix.text == some) {
        return unify_datetime(call, count, err);
    }
    if (mix.boolean && mix.boolean + mix.text == some) {
        cast_all(call, count, type_of(TYPE_BOOLEAN, false));
        return ST_OK;
    }
    if (!mix.same_kind) return compare_refuse(call, err);
    return unify_same(call, count, true, err);
}

// ---- values
// --------------------------------------------------------------------------------------

static int order_f64(double a, double b) {
    if (a < b) return -1;
    if (a > b) return 1;
    return a == b ? 0 : UNORDERED;
}

static int order_total(double a, double b) {
    if (isnan(a) || isnan(b)) return (int)isnan(a) - (int)isnan(b);
    if (a != b) return a < b ? -1 : 1;
    return (int)signbit(b) - (int)signbit(a);
}

static int order_stamp(Timestamp a, Timestamp b) {
    if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
    return a.ns < b.ns ? -1 : a.ns > b.ns;
}

int compare_order(CompareHow how, const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    switch (how) {
        case COMPARE_DECIMAL:
            return decimal_cmp(vec_i128(a)[i], a->type->scale, vec_i128(b)[j], b->type->scale);
        case COMPARE_TOTAL: return order_total(vec_f64(a)[i], vec_f64(b)[j]);
        case COMPARE_STAMP: return order_stamp(vec_timestamp(a, i), vec_timestamp(b, j));
        case COMPARE_BYTES: return str_cmp(vec_str(a)[i], vec_str(b)[j]);
        default: break;
    }
    switch (a->phys) {
        case PHYS_F32: return order_f64(vec_f32(a)[i], vec_f32(b)[j]);
        case PHYS_F64: return order_f64(vec_f64(a)[i], vec_f64(b)[j]);
        case PHYS_STR:
            // Java's String.compareTo, by which Flink orders texts that were never serialised.
            if (type_is_text(a->type)) return str_cmp_utf16(vec_str(a)[i], vec_str(b)[j]);
            return str_cmp(vec_str(a)[i], vec_str(b)[j]);
        default: return vec_compare(a, i, b, j);
    }
}

// Maps are equal when each key of one has an equal value in the other; NULL values equal nothing,
// while in arrays NULL equals NULL.
static bool maps_equal(const Vec *a, ListView x, const Vec *b, ListView y) {
    if (x.count != y.count) return false;
    for (uint32_t k = 0; k < x.count; k++) {
        uint32_t m = 0;
        while (m < y.count &&
               !vec_key_equal(a->child[0], x.offset + k, b->child[0], y.offset + m)) {
            m++;
        }
        if (m == y.count) return false;
        uint32_t i = x.offset + k, j = y.offset + m;
        if (vec_is_null(a->child[1], i) || !vec_key_equal(a->child[1], i, b->child[1], j)) {
            return false;
        }
    }
    return true;
}

bool compare_equal(CompareHow how, const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    switch (how) {
        case COMPARE_DECIMAL:
        case COMPARE_TOTAL:
        case COMPARE_STAMP: return compare_order(how, a, i, b, j) == 0;
        case COMPARE_KEY: return vec_key_equal(a, i, b, j);
        case COMPARE_NEVER: return false;
        case COMPARE_BYTES:
        case COMPARE_PLAIN: break;
    }
    switch (a->phys) {
        case PHYS_F32: return vec_f32(a)[i] == vec_f32(b)[j];
        case PHYS_F64: return vec_f64(a)[i] == vec_f64(b)[j];
        case PHYS_STR: return str_eq(vec_str(a)[i], vec_str(b)[j]);
        case PHYS_LIST:
            if (a->type->kind == TYPE_MAP) return maps_equal(a, vec_list(a)[i], b, vec_list(b)[j]);
            return vec_key_equal(a, i, b, j);
        default: return vec_key_equal(a, i, b, j);
    }
}

Truth compare_rows_equal(const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    Truth all = TRUTH_TRUE;
    for (uint32_t c = 0; c < a->type->child_count; c++) {
        const Vec *x = a->child[c], *y = b->child[c];
        Truth one;
        if (vec_is_null(x, i) || vec_is_null(y, j)) {
            one = TRUTH_UNKNOWN;
        } else if (x->phys == PHYS_ROW) {
            one = compare_rows_equal(x, i, y, j);
        } else {
            one = compare_equal(COMPARE_PLAIN, x, i, y, j) ? TRUTH_TRUE : TRUTH_FALSE;
        }
        if (one == TRUTH_FALSE) return TRUTH_FALSE;
        if (one == TRUTH_UNKNOWN) all = TRUTH_UNKNOWN;
    }
    return all;
}
