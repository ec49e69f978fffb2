// Which type several values have in common, and what converts without being asked.
//
// Flink has two answers to the first question and both are visible: the SQL validator's (Calcite's
// leastRestrictive: CASE, IN, ARRAY[…], VALUES, set operations) and the function system's
// (LogicalTypeMerging: COALESCE, IFNULL, GREATEST, LEAST, collection functions). They differ for
// FLOAT beside DOUBLE or DECIMAL and among dates and timestamps; the rest is shared here.
#include "func/func.h"

static int32_t max_i32(int32_t a, int32_t b) {
    return a > b ? a : b;
}
static int32_t min_i32(int32_t a, int32_t b) {
    return a < b ? a : b;
}

int32_t type_exact_precision(const Type *type) {
    switch (type->kind) {
        case TYPE_TINYINT: return 3;
        case TYPE_SMALLINT: return 5;
        case TYPE_INT: return 10;
        case TYPE_BIGINT: return 19;
        default: return type->precision;
    }
}
int32_t type_exact_scale(const Type *type) {
    return type->kind == TYPE_DECIMAL ? type->scale : 0;
}

// Room for the whole digits of both; the fraction gets what is left of 38.
static const Type *common_exact(Arena *arena, const Type *a, const Type *b) {
    if (a->kind != TYPE_DECIMAL && b->kind != TYPE_DECIMAL) return a->kind >= b->kind ? a : b;
    int32_t whole = max_i32(type_exact_precision(a) - type_exact_scale(a),
                            type_exact_precision(b) - type_exact_scale(b));
    whole = min_i32(whole, TYPE_DECIMAL_MAX);
    int32_t scale = max_i32(type_exact_scale(a), type_exact_scale(b));
    scale = min_i32(scale, TYPE_DECIMAL_MAX - whole);
    return type_decimal(arena, whole + scale, scale, false);
}

static const Type *common_numeric(Arena *arena, const Type *a, const Type *b, bool merging) {
    bool a_approx = type_is_approx(a), b_approx = type_is_approx(b);
    if (!a_approx && !b_approx) return common_exact(arena, a, b);
    if (a_approx && b_approx) {
        // FLOAT and DOUBLE have the same precision for the validator, so it keeps the first.
        return merging && b->kind == TYPE_DOUBLE ? b : a;
    }
    const Type *approx = a_approx ? a : b, *exact = a_approx ? b : a;
    if (exact->kind != TYPE_DECIMAL) return approx;
    if (merging && b_approx) return approx;
    return type_of(TYPE_DOUBLE, false);
}

// CHAR of one length stays CHAR, else the variable kind of the greater length; bytes likewise.
static const Type *common_string(Arena *arena, const Type *a, const Type *b) {
    int32_t length = max_i32(a->length, b->length);
    bool text = type_is_text(a);
    TypeKind fixed = text ? TYPE_CHAR : TYPE_BINARY;
    if (a->kind == fixed && b->kind == fixed && a->length == b->length) return a;
    return text ? type_varchar(arena, length, false) : type_varbinary(arena, length, false);
}

static const Type *common_datetime(Arena *arena, const Type *a, const Type *b, bool merging) {
    if (type_is_timestamp(a) && type_is_timestamp(b)) {
        int32_t precision = max_i32(a->precision, b->precision);
        // The validator takes the last kind when the precisions differ, strange as it is.
        bool local = merging ? a->kind == TYPE_TIMESTAMP_LTZ || b->kind == TYPE_TIMESTAMP_LTZ
                     : a->precision == b->precision ? a->kind == TYPE_TIMESTAMP_LTZ
                                                    : b->kind == TYPE_TIMESTAMP_LTZ;
        return local ? type_timestamp_ltz(arena, precision, false)
                     : type_timestamp(arena, precision, false);
    }
    if (a->kind == b->kind) return a->precision >= b->precision ? a : b;
    if (!merging) return NULL;
    // The function system casts a TIMESTAMP down to the DATE or TIME beside it.
    if (a->kind == TYPE_TIMESTAMP && b->kind != TYPE_TIMESTAMP_LTZ) return b;
    if (b->kind == TYPE_TIMESTAMP && a->kind != TYPE_TIMESTAMP_LTZ) return a;
    return NULL;
}

static const Type *common_of(Arena *arena, const Type *const *types, uint32_t count, bool merging);

static const Type *common_constructed(Arena *arena, const Type *a, const Type *b, bool merging) {
    if (a->child_count != b->child_count || !str_eq(a->class_name, b->class_name)) return NULL;
    const Type **child = ARENA_ARRAY(arena, const Type *, a->child_count);
    for (uint32_t i = 0; i < a->child_count; i++) {
        child[i] = common_of(arena, (const Type *const[]){a->child[i], b->child[i]}, 2, merging);
        if (!child[i]) return NULL;
    }
    switch (a->kind) {
        case TYPE_ARRAY: return type_array(arena, child[0], false);
        case TYPE_MULTISET: return type_multiset(arena, child[0], false);
        case TYPE_MAP: return type_map(arena, child[0], child[1], false);
        default:
            if (!type_is_structured(a)) {
                return type_row(arena, a->child_count, child, a->field, false);
            }
            return type_structured(arena, a->class_name, a->child_count, child, a->field, false);
    }
}

static const Type *common_pair(Arena *arena, const Type *a, const Type *b, bool merging) {
    // The validator takes the first type with the nullability of its elements; merging mends that.
    if (type_equal_but_null(a, b) && !(merging && a->child_count)) return a;
    if (type_is_numeric(a) && type_is_numeric(b)) return common_numeric(arena, a, b, merging);
    if ((type_is_text(a) && type_is_text(b)) || (type_is_bytes(a) && type_is_bytes(b))) {
        return common_string(arena, a, b);
    }
    if (type_is_datetime(a) && type_is_datetime(b)) return common_datetime(arena, a, b, merging);
    if (a->kind != b->kind) return NULL;
    if (a->child_count) return common_constructed(arena, a, b, merging);
    return a;
}

static const Type *common_of(Arena *arena, const Type *const *types, uint32_t count, bool merging) {
    const Type *common = NULL;
    bool nullable = false;
    for (uint32_t i = 0; i < count; i++) {
        nullable |= types[i]->nullable || types[i]->kind == TYPE_NULL;
        if (types[i]->kind == TYPE_NULL) continue;
        common = common ? common_pair(arena, common, types[i], merging) : types[i];
        if (!common) return NULL;
    }
    if (!common) return count ? type_of(TYPE_NULL, true) : NULL;
    return type_nullable(arena, common, nullable);
}

const Type *type_common(Arena *arena, const Type *const *types, uint32_t count) {
    return common_of(arena, types, count, false);
}

const Type *type_merge(Arena *arena, const Type *const *types, uint32_t count) {
    return common_of(arena, types, count, true);
}

// LogicalTypeCasts.supportsImplicitCast, by type roots.
bool type_casts_implicitly(const Type *from, const Type *to) {
    if (from->kind == TYPE_NULL) return true;
    switch (to->kind) {
        case TYPE_VARCHAR: return type_is_text(from);
        case TYPE_VARBINARY: return type_is_bytes(from);
        case TYPE_DECIMAL:
        case TYPE_DOUBLE: return type_is_numeric(from);
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT: return type_is_integer(from) && from->kind <= to->kind;
        case TYPE_FLOAT: return type_is_numeric(from) && from->kind != TYPE_DOUBLE;
        case TYPE_DATE:
        case TYPE_TIME: return from->kind == to->kind || from->kind == TYPE_TIMESTAMP;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return type_is_timestamp(from);
        default: break;
    }
    if (from->kind != to->kind || from->child_count != to->child_count) return false;
    for (uint32_t i = 0; i < to->child_count; i++) {
        if (!type_casts_implicitly(from->child[i], to->child[i])) return false;
    }
    return true;
}
