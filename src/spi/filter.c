#include "spi/filter.h"

typedef enum Family {
    FAMILY_NONE,
    FAMILY_INTEGER,
    FAMILY_REAL,
    FAMILY_STAMP,
    FAMILY_DECIMAL,
} Family;

static Family family_of(const Type *type) {
    switch (type->kind) {
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: return FAMILY_INTEGER;
        case TYPE_FLOAT:
        case TYPE_DOUBLE: return FAMILY_REAL;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return FAMILY_STAMP;
        case TYPE_DECIMAL: return FAMILY_DECIMAL;
        default: return FAMILY_NONE;
    }
}

bool filter_can_compare(const Type *type, const Type *value, TermOp op) {
    bool equality = op == TERM_EQUAL || op == TERM_NOT_EQUAL || op == TERM_IN;
    if (type->kind == TYPE_VARCHAR) {  // bytes tell equal from different, but not the order
        return equality && (value->kind == TYPE_VARCHAR || value->kind == TYPE_CHAR);
    }
    if (type->kind == TYPE_BOOLEAN || type->kind == TYPE_DATE || type->kind == TYPE_TIME) {
        return value->kind == type->kind;
    }
    Family family = family_of(type);
    if (family == FAMILY_NONE || family != family_of(value)) return false;
    if (family == FAMILY_DECIMAL) return type->scale == value->scale;
    return family != FAMILY_STAMP || type->kind == value->kind;
}

static double real_at(const Vec *vec, uint32_t row) {
    return vec->phys == PHYS_F32 ? (double)vec_f32(vec)[row] : vec_f64(vec)[row];
}

static int order_of(bool less, bool more) {
    return less ? -1 : more;
}

// The order of slot [row] and [value]; false where there is none.
static bool compare(const Vec *column, uint32_t row, const Vec *value, int *order) {
    switch (column->phys) {
        case PHYS_STR: *order = !str_eq(vec_str(column)[row], vec_str(value)[0]); return true;
        case PHYS_F32:
        case PHYS_F64: {
            double a = real_at(column, row), b = real_at(value, 0);
            *order = order_of(a < b, a > b);
            // NaN, and the two zeros, are left to who knows the rules.
            return a == a && b == b && (a != 0 || b != 0);
        }
        case PHYS_I128: {
            i128 a = vec_i128(column)[row], b = vec_i128(value)[0];
            *order = order_of(a < b, a > b);
            return true;
        }
        case PHYS_U8: *order = (int)vec_u8(column)[row] - (int)vec_u8(value)[0]; return true;
        default: break;
    }
    if (family_of(column->type) == FAMILY_STAMP) {
        Timestamp a = vec_timestamp(column, row), b = vec_timestamp(value, 0);
        *order = a.ms != b.ms ? order_of(a.ms < b.ms, true) : order_of(a.ns < b.ns, a.ns > b.ns);
        return true;
    }
    int64_t a = vec_integer(column, row), b = vec_integer(value, 0);
    *order = order_of(a < b, a > b);
    return true;
}

static bool is_in(const FilterTerm *term, const Vec *column, uint32_t row) {
    for (uint32_t i = 0; i < term->value_count; i++) {
        int order;
        if (!compare(column, row, term->value[i], &order) || order == 0) return true;
    }
    return false;
}

bool filter_term_passes(const FilterTerm *term, const Vec *column, uint32_t row) {
    bool is_null = vec_is_null(column, row);
    if (term->op == TERM_IS_NULL) return is_null;
    if (is_null) return false;
    if (term->op == TERM_NOT_NULL) return true;
    if (term->op == TERM_IN) return is_in(term, column, row);
    int order;
    if (!compare(column, row, term->value[0], &order)) return true;
    switch (term->op) {
        case TERM_EQUAL: return order == 0;
        case TERM_NOT_EQUAL: return order != 0;
        case TERM_LESS: return order < 0;
        case TERM_LESS_EQUAL: return order <= 0;
        case TERM_GREATER: return order > 0;
        case TERM_GREATER_EQUAL: return order >= 0;
        case TERM_IN:
        case TERM_IS_NULL:
        case TERM_NOT_NULL: break;
    }
    UNREACHABLE();
}
