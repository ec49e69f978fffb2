// Types as written to types as meant, with Flink's limits.
#include "plan/bind.h"

static Status length_check(const AstType *ast, int32_t most, Error *err) {
    if (ast->precision >= -1 && ast->precision <= most) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "length or precision %d is out of range: 0 to %d", ast->precision, most);
}

static IntervalUnits interval_units(const AstInterval *ast) {
    switch (ast->from) {
        case UNIT_YEAR: return ast->to == UNIT_MONTH ? UNITS_YEAR_TO_MONTH : UNITS_YEAR;
        case UNIT_MONTH:
        case UNIT_QUARTER: return UNITS_MONTH;
        case UNIT_WEEK: return UNITS_DAY;
        case UNIT_DAY:
            return ast->to == UNIT_HOUR     ? UNITS_DAY_TO_HOUR
                   : ast->to == UNIT_MINUTE ? UNITS_DAY_TO_MINUTE
                   : ast->to == UNIT_SECOND ? UNITS_DAY_TO_SECOND
                                            : UNITS_DAY;
        case UNIT_HOUR:
            return ast->to == UNIT_MINUTE   ? UNITS_HOUR_TO_MINUTE
                   : ast->to == UNIT_SECOND ? UNITS_HOUR_TO_SECOND
                                            : UNITS_HOUR;
        case UNIT_MINUTE: return ast->to == UNIT_SECOND ? UNITS_MINUTE_TO_SECOND : UNITS_MINUTE;
        default: return UNITS_SECOND;
    }
}

const Type *interval_type(Arena *arena, const AstInterval *ast, bool nullable) {
    return type_interval(arena, interval_units(ast), ast->precision < 0 ? 2 : ast->precision,
                         ast->fraction < 0 ? 6 : ast->fraction, nullable);
}

const Type *interval_normal(Arena *arena, const Type *type) {
    enum { MILLIS_DIGITS = 3 };
    if (type->kind == TYPE_INTERVAL_MONTHS) {
        return type_interval(arena, UNITS_MONTH, 2, 0, type->nullable);
    }
    if (type->kind != TYPE_INTERVAL_SECONDS) return type;
    return type_interval(arena, UNITS_SECOND, 2, MILLIS_DIGITS, type->nullable);
}

Status bind_type(Arena *arena, const AstType *ast, const Type **out, Error *err) {
    bool nullable = ast->nullability != NULLABILITY_NOT_NULL;
    int32_t given = ast->precision;
    Place place = ast->span.place;
    switch (ast->kind) {
        case AT_BOOLEAN: *out = type_of(TYPE_BOOLEAN, nullable); return ST_OK;
        case AT_TINYINT: *out = type_of(TYPE_TINYINT, nullable); return ST_OK;
        case AT_SMALLINT: *out = type_of(TYPE_SMALLINT, nullable); return ST_OK;
        case AT_INT: *out = type_of(TYPE_INT, nullable); return ST_OK;
        case AT_BIGINT: *out = type_of(TYPE_BIGINT, nullable); return ST_OK;
        case AT_FLOAT: *out = type_of(TYPE_FLOAT, nullable); return ST_OK;
        case AT_REAL:
            (void)error_at(err, ST_VALIDATION, place, "type REAL is not supported");
            error_hint(err, "FLOAT has the same 32 bits");
            return ST_VALIDATION;
        case AT_DOUBLE: *out = type_of(TYPE_DOUBLE, nullable); return ST_OK;
        case AT_VARIANT: *out = type_of(TYPE_VARIANT, nullable); return ST_OK;
        case AT_BITMAP: *out = type_of(TYPE_BITMAP, nullable); return ST_OK;
        case AT_DATE: *out = type_of(TYPE_DATE, nullable); return ST_OK;
        case AT_STRING: *out = type_of(TYPE_VARCHAR, nullable); return ST_OK;
        case AT_BYTES: *out = type_of(TYPE_VARBINARY, nullable); return ST_OK;
        case AT_RAW: *out = type_of(TYPE_RAW, nullable); return ST_OK;
        case AT_DECIMAL: {
            // Flink's parser lets DECIMAL(39, 0) through and means (38, 0).
            int32_t precision = given < 0                  ? 10
                                : given > TYPE_DECIMAL_MAX ? TYPE_DECIMAL_MAX
                                                           : given;
            int32_t scale = ast->scale < 0 ? 0 : ast->scale;
            if (precision < 1 || scale > precision) {
                return error_at(
                    err, ST_VALIDATION, place,
                    "DECIMAL(%d, %d): the precision must be 1 to 38 and the scale at most "
                    "the precision",
                    precision, scale);
            }
            *out = type_decimal(arena, precision, scale, nullable);
            return ST_OK;
        }
        case AT_CHAR:
        case AT_VARCHAR:
        case AT_BINARY:
        case AT_VARBINARY: {
            TRY(length_check(ast, TYPE_LENGTH_MAX, err));
            // Without a length, the variable ones are as long as can be.
            bool variable = ast->kind == AT_VARCHAR || ast->kind == AT_VARBINARY;
            int32_t length = given >= 0 ? given : variable ? TYPE_LENGTH_MAX : 1;
            *out = ast->kind == AT_CHAR      ? type_char(arena, length, nullable)
                   : ast->kind == AT_VARCHAR ? type_varchar(arena, length, nullable)
                   : ast->kind == AT_BINARY  ? type_binary(arena, length, nullable)
                                             : type_varbinary(arena, length, nullable);
            return ST_OK;
        }
        case AT_TIME:
            // Flink's times of day have milliseconds at most, whatever was asked for.
            *out = type_time(arena, given < 0 ? 0 : given > 3 ? 3 : given, nullable);
            return ST_OK;
        case AT_TIMESTAMP:
            *out = type_timestamp(arena, given < 0 ? 6 : given > 9 ? 9 : given, nullable);
            return ST_OK;
        case AT_TIMESTAMP_LTZ:
            *out = type_timestamp_ltz(arena, given < 0 ? 6 : given > 9 ? 9 : given, nullable);
            return ST_OK;
        case AT_INTERVAL:
            TRY(interval_check(&ast->interval, place, err));
            *out = interval_type(arena, &ast->interval, nullable);
            return ST_OK;
        case AT_ARRAY:
        case AT_MULTISET: {
            const Type *element;
            TRY(bind_type(arena, ast->child[0], &element, err));
            *out = ast->kind == AT_ARRAY ? type_array(arena, element, nullable)
                                         : type_multiset(arena, element, nullable);
            return ST_OK;
        }
        case AT_MAP: {
            const Type *key, *value;
            TRY(bind_type(arena, ast->child[0], &key, err));
            TRY(bind_type(arena, ast->child[1], &value, err));
            *out = type_map(arena, key, value, nullable);
            return ST_OK;
        }
        case AT_STRUCTURED:
        case AT_ROW: {
            if (ast->child_count > TYPE_FIELDS_MAX) {
                return error_at(err, ST_VALIDATION, place, "a ROW has at most %d fields",
                                TYPE_FIELDS_MAX);
            }
            const Type **child = ARENA_ARRAY(arena, const Type *, ast->child_count + 1);
            Str *field = ARENA_ARRAY(arena, Str, ast->child_count + 1);
            for (uint32_t i = 0; i < ast->child_count; i++) {
                TRY(bind_type(arena, ast->child[i], &child[i], err));
                field[i] = str_dup(arena, ast->field[i].name);  // types outlive the tree
                for (uint32_t j = 0; j < i; j++) {
                    if (str_eq(field[i], field[j])) {
                        return error_at(err, ST_VALIDATION, ast->field[i].span.place,
                                        "field '" STR_FMT "' appears twice in the ROW",
                                        STR_ARG(field[i]));
                    }
                }
            }
            Type *row =
                (Type *)(uintptr_t)type_row(arena, ast->child_count, child, field, nullable);
            if (ast->kind == AT_STRUCTURED) row->class_name = str_dup(arena, ast->class_name);
            // What is said of a field is dropped, as Flink drops it.
            *out = row;
            return ST_OK;
        }
        default: break;
    }
    return error_at(err, ST_VALIDATION, place, "this type is not supported");
}
