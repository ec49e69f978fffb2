#include "type/type.h"

#include "base/assert.h"
#include "type/value.h"

static const Str MULTISET_COUNT_NONE = {"", 0};

static const char *const KIND_NAMES[TYPE_KIND_COUNT_] = {
    [TYPE_NULL] = "NULL",
    [TYPE_BOOLEAN] = "BOOLEAN",
    [TYPE_TINYINT] = "TINYINT",
    [TYPE_SMALLINT] = "SMALLINT",
    [TYPE_INT] = "INT",
    [TYPE_BIGINT] = "BIGINT",
    [TYPE_FLOAT] = "FLOAT",
    [TYPE_DOUBLE] = "DOUBLE",
    [TYPE_DECIMAL] = "DECIMAL",
    [TYPE_CHAR] = "CHAR",
    [TYPE_VARCHAR] = "VARCHAR",
    [TYPE_BINARY] = "BINARY",
    [TYPE_VARBINARY] = "VARBINARY",
    [TYPE_DATE] = "DATE",
    [TYPE_TIME] = "TIME",
    [TYPE_TIMESTAMP] = "TIMESTAMP",
    [TYPE_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
    [TYPE_INTERVAL_MONTHS] = "INTERVAL YEAR TO MONTH",
    [TYPE_INTERVAL_SECONDS] = "INTERVAL DAY TO SECOND",
    [TYPE_ARRAY] = "ARRAY",
    [TYPE_MULTISET] = "MULTISET",
    [TYPE_MAP] = "MAP",
    [TYPE_ROW] = "ROW",
    [TYPE_VARIANT] = "VARIANT",
    [TYPE_BITMAP] = "BITMAP",
    [TYPE_RAW] = "RAW",
    [TYPE_SYMBOL] = "SYMBOL",
    [TYPE_DESCRIPTOR] = "DESCRIPTOR",
};

const char *type_kind_name(TypeKind kind) {
    return KIND_NAMES[kind];
}

#define BOTH(k, ...) [k] = {{.kind = k, __VA_ARGS__}, {.kind = k, .nullable = true, __VA_ARGS__}}
static const Type STATIC_TYPES[TYPE_KIND_COUNT_][2] = {
    BOTH(TYPE_NULL, .precision = 0),
    BOTH(TYPE_BOOLEAN, .precision = 0),
    BOTH(TYPE_TINYINT, .precision = 0),
    BOTH(TYPE_SMALLINT, .precision = 0),
    BOTH(TYPE_INT, .precision = 0),
    BOTH(TYPE_BIGINT, .precision = 0),
    BOTH(TYPE_FLOAT, .precision = 0),
    BOTH(TYPE_DOUBLE, .precision = 0),
    BOTH(TYPE_DECIMAL, .precision = 10),
    BOTH(TYPE_CHAR, .length = 1),
    BOTH(TYPE_VARCHAR, .length = TYPE_LENGTH_MAX),
    BOTH(TYPE_BINARY, .length = 1),
    BOTH(TYPE_VARBINARY, .length = TYPE_LENGTH_MAX),
    BOTH(TYPE_DATE, .precision = 0),
    BOTH(TYPE_TIME, .precision = 0),
    BOTH(TYPE_TIMESTAMP, .precision = 6),
    BOTH(TYPE_TIMESTAMP_LTZ, .precision = 6),
    BOTH(TYPE_INTERVAL_MONTHS, .units = UNITS_YEAR_TO_MONTH, .precision = 2),
    BOTH(TYPE_INTERVAL_SECONDS, .units = UNITS_DAY_TO_SECOND, .precision = 2, .scale = 6),
    BOTH(TYPE_VARIANT, .precision = 0),
    BOTH(TYPE_BITMAP, .precision = 0),
    BOTH(TYPE_RAW, .precision = 0),
    BOTH(TYPE_SYMBOL, .precision = 0),
    BOTH(TYPE_DESCRIPTOR, .precision = 0),
};

const Type *type_of(TypeKind kind, bool nullable) {
    ASSERT(kind < TYPE_KIND_COUNT_);
    ASSERT(kind != TYPE_ARRAY && kind != TYPE_MAP && kind != TYPE_MULTISET && kind != TYPE_ROW);
    return &STATIC_TYPES[kind][nullable];
}

static Type *type_new(Arena *arena, TypeKind kind, bool nullable) {
    Type *type = ARENA_NEW(arena, Type);
    type->kind = kind;
    type->nullable = nullable;
    return type;
}

static const Type *type_with_length(Arena *arena, TypeKind kind, int32_t length, bool nullable) {
    Type *type = type_new(arena, kind, nullable);
    type->length = length;
    return type;
}

static const Type *type_with_precision(Arena *arena, TypeKind kind, int32_t precision,
                                       bool nullable) {
    Type *type = type_new(arena, kind, nullable);
    type->precision = precision;
    return type;
}

const Type *type_decimal(Arena *arena, int32_t precision, int32_t scale, bool nullable) {
    Type *type = type_new(arena, TYPE_DECIMAL, nullable);
    type->precision = precision;
    type->scale = scale;
    return type;
}

const Type *type_char(Arena *arena, int32_t length, bool nullable) {
    return type_with_length(arena, TYPE_CHAR, length, nullable);
}
const Type *type_varchar(Arena *arena, int32_t length, bool nullable) {
    return type_with_length(arena, TYPE_VARCHAR, length, nullable);
}
const Type *type_binary(Arena *arena, int32_t length, bool nullable) {
    return type_with_length(arena, TYPE_BINARY, length, nullable);
}
const Type *type_varbinary(Arena *arena, int32_t length, bool nullable) {
    return type_with_length(arena, TYPE_VARBINARY, length, nullable);
}
const Type *type_time(Arena *arena, int32_t precision, bool nullable) {
    return type_with_precision(arena, TYPE_TIME, precision, nullable);
}
const Type *type_timestamp(Arena *arena, int32_t precision, bool nullable) {
    return type_with_precision(arena, TYPE_TIMESTAMP, precision, nullable);
}
const Type *type_timestamp_ltz(Arena *arena, int32_t precision, bool nullable) {
    return type_with_precision(arena, TYPE_TIMESTAMP_LTZ, precision, nullable);
}

const Type *type_interval(Arena *arena, IntervalUnits units, int32_t precision, int32_t fraction,
                          bool nullable) {
    TypeKind kind = units >= UNITS_YEAR && units <= UNITS_MONTH ? TYPE_INTERVAL_MONTHS
                                                                : TYPE_INTERVAL_SECONDS;
    Type *type = type_new(arena, kind, nullable);
    type->units = (uint8_t)units;
    type->precision = precision;
    type->scale = fraction;
    return type;
}

static const Type *type_with_children(Arena *arena, TypeKind kind, const Type *first,
                                      const Type *second, bool nullable) {
    Type *type = type_new(arena, kind, nullable);
    const Type **child = ARENA_ARRAY(arena, const Type *, 2);
    child[0] = first;
    child[1] = second;
    type->child = child;
    type->child_count = second ? 2 : 1;
    return type;
}

const Type *type_array(Arena *arena, const Type *element, bool nullable) {
    return type_with_children(arena, TYPE_ARRAY, element, NULL, nullable);
}
const Type *type_multiset(Arena *arena, const Type *element, bool nullable) {
    return type_with_children(arena, TYPE_MULTISET, element, type_of(TYPE_INT, false), nullable);
}
const Type *type_map(Arena *arena, const Type *key, const Type *value, bool nullable) {
    return type_with_children(arena, TYPE_MAP, key, value, nullable);
}

const Type *type_row(Arena *arena, uint32_t count, const Type *const *child, const Str *field,
                     bool nullable) {
    Type *type = type_new(arena, TYPE_ROW, nullable);
    type->child_count = count;
    type->child = arena_dup(arena, child, count * sizeof *child);
    type->field = arena_dup(arena, field, count * sizeof *field);
    return type;
}

const Type *type_structured(Arena *arena, Str class_name, uint32_t count, const Type *const *child,
                            const Str *field, bool nullable) {
    Type *type = arena_dup(arena, type_row(arena, count, child, field, nullable), sizeof *type);
    type->class_name = class_name;
    return type;
}

const Type *type_nullable(Arena *arena, const Type *type, bool nullable) {
    if (type->nullable == nullable) return type;
    Type *copy = arena_dup(arena, type, sizeof *type);
    copy->nullable = nullable;
    return copy;
}

const Type *type_attribute(Arena *arena, const Type *type, TimeAttribute attribute) {
    if (type->attribute == attribute) return type;
    Type *copy = arena_dup(arena, type, sizeof *type);
    if (attribute == TIME_NONE) copy->was_attribute = type->attribute;
    copy->attribute = (uint8_t)attribute;
    return copy;
}

const Type *type_plain(Arena *arena, const Type *type) {
    if (!type->attribute && !type->was_attribute) return type;
    Type *copy = arena_dup(arena, type, sizeof *type);
    copy->attribute = copy->was_attribute = TIME_NONE;
    return copy;
}

const Type *type_dup(Arena *arena, const Type *type) {
    Type *copy = arena_dup(arena, type, sizeof *type);
    if (type_is_structured(type)) copy->class_name = str_dup(arena, type->class_name);
    if (!type->child_count) return copy;
    const Type **child = ARENA_ARRAY(arena, const Type *, type->child_count);
    for (uint32_t i = 0; i < type->child_count; i++) child[i] = type_dup(arena, type->child[i]);
    copy->child = child;
    if (type->field) {
        Str *field = ARENA_ARRAY(arena, Str, type->child_count);
        for (uint32_t i = 0; i < type->child_count; i++) {
            field[i] = str_dup(arena, type->field[i]);
        }
        copy->field = field;
    }
    if (type->comment) {
        Str *comment = ARENA_ARRAY(arena, Str, type->child_count);
        for (uint32_t i = 0; i < type->child_count; i++) {
            comment[i] = type->comment[i].ptr ? str_dup(arena, type->comment[i])
                                              : MULTISET_COUNT_NONE;
        }
        copy->comment = comment;
    }
    return copy;
}

static bool type_same(const Type *a, const Type *b, bool with_null) {
    if (a == b) return true;
    if (a->kind != b->kind || (with_null && a->nullable != b->nullable)) return false;
    if (a->length != b->length || a->child_count != b->child_count) return false;
    if (!str_eq(a->class_name, b->class_name)) return false;
    if (type_is_interval(a)) return true;  // units are for printing only
    if (a->precision != b->precision || a->scale != b->scale) return false;
    for (uint32_t i = 0; i < a->child_count; i++) {
        if (!type_same(a->child[i], b->child[i], with_null)) return false;
        if (a->kind == TYPE_ROW && !str_eq(a->field[i], b->field[i])) return false;
    }
    return true;
}

bool type_equal(const Type *a, const Type *b) {
    return type_same(a, b, true);
}
bool type_equal_but_null(const Type *a, const Type *b) {
    return type_same(a, b, false);
}

static const char *const UNIT_NAMES[][2] = {
    [UNITS_YEAR] = {"YEAR", NULL},           [UNITS_YEAR_TO_MONTH] = {"YEAR", "MONTH"},
    [UNITS_MONTH] = {"MONTH", NULL},         [UNITS_DAY] = {"DAY", NULL},
    [UNITS_DAY_TO_HOUR] = {"DAY", "HOUR"},   [UNITS_DAY_TO_MINUTE] = {"DAY", "MINUTE"},
    [UNITS_DAY_TO_SECOND] = {"DAY", "SECOND"}, [UNITS_HOUR] = {"HOUR", NULL},
    [UNITS_HOUR_TO_MINUTE] = {"HOUR", "MINUTE"},
    [UNITS_HOUR_TO_SECOND] = {"HOUR", "SECOND"}, [UNITS_MINUTE] = {"MINUTE", NULL},
    [UNITS_MINUTE_TO_SECOND] = {"MINUTE", "SECOND"}, [UNITS_SECOND] = {"SECOND", NULL},
};

static void interval_print(const Type *type, Buf *out) {
    const char *first = UNIT_NAMES[type->units][0], *last = UNIT_NAMES[type->units][1];
    buf_printf(out, "INTERVAL %s", first);
    if (type->kind == TYPE_INTERVAL_MONTHS) {
        if (type->units != UNITS_MONTH) buf_printf(out, "(%d)", type->precision);
        if (last) buf_printf(out, " TO %s", last);
        return;
    }
    bool day = type->units >= UNITS_DAY && type->units <= UNITS_DAY_TO_SECOND;
    bool fraction = (last ? strcmp(last, "SECOND") : strcmp(first, "SECOND")) == 0;
    if (day) buf_printf(out, "(%d)", type->precision);
    if (last) buf_printf(out, " TO %s", last);
    if (fraction) buf_printf(out, "(%d)", type->scale);
}

static void name_print(Str name, Buf *out) {
    buf_putc(out, '`');
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`') buf_putc(out, '`');
        buf_putc(out, name.ptr[i]);
    }
    buf_putc(out, '`');
}

static void type_print_any(const Type *type, bool summary, bool with_null, Buf *out) {
    switch (type->kind) {
        case TYPE_CHAR:
        case TYPE_BINARY: buf_printf(out, "%s(%d)", KIND_NAMES[type->kind], type->length); break;
        case TYPE_VARCHAR:
        case TYPE_VARBINARY:
            if (summary && type->length == TYPE_LENGTH_MAX) {
                buf_puts(out, type->kind == TYPE_VARCHAR ? "STRING" : "BYTES");
            } else {
                buf_printf(out, "%s(%d)", KIND_NAMES[type->kind], type->length);
            }
            break;
        case TYPE_DECIMAL:
            buf_printf(out, "DECIMAL(%d, %d)", type->precision, type->scale);
            break;
        case TYPE_TIME: buf_printf(out, "TIME(%d)", type->precision); break;
        case TYPE_TIMESTAMP: buf_printf(out, "TIMESTAMP(%d)", type->precision); break;
        case TYPE_TIMESTAMP_LTZ:
            if (summary) {
                buf_printf(out, "TIMESTAMP_LTZ(%d)", type->precision);
            } else {
                buf_printf(out, "TIMESTAMP(%d) WITH LOCAL TIME ZONE", type->precision);
            }
            break;
        case TYPE_INTERVAL_MONTHS:
        case TYPE_INTERVAL_SECONDS: interval_print(type, out); break;
        case TYPE_ARRAY:
        case TYPE_MULTISET:
        case TYPE_MAP:
            buf_printf(out, "%s<", KIND_NAMES[type->kind]);
            type_print_any(type->child[0], summary, true, out);
            if (type->kind == TYPE_MAP) {
                buf_puts(out, ", ");
                type_print_any(type->child[1], summary, true, out);
            }
            buf_putc(out, '>');
            break;
        case TYPE_ROW:
            if (type_is_structured(type)) {
                buf_printf(out, "STRUCTURED<'" STR_FMT "', ", STR_ARG(type->class_name));
            } else {
                buf_puts(out, "ROW<");
            }
            for (uint32_t i = 0; i < type->child_count; i++) {
                if (i) buf_puts(out, ", ");
                name_print(type->field[i], out);
                buf_putc(out, ' ');
                type_print_any(type->child[i], summary, true, out);
                if (type->comment && type->comment[i].len) {
                    buf_printf(out, " '" STR_FMT "'", STR_ARG(type->comment[i]));
                }
            }
            buf_putc(out, '>');
            break;
        default: buf_puts(out, KIND_NAMES[type->kind]); break;
    }
    if (with_null && !type->nullable) buf_puts(out, " NOT NULL");
    uint8_t attribute = type->attribute ? type->attribute : type->was_attribute;
    if (summary && attribute == TIME_ROWTIME) buf_puts(out, " *ROWTIME*");
    if (summary && attribute == TIME_PROCTIME) buf_puts(out, " *PROCTIME*");
}

void type_print(const Type *type, Buf *out) {
    type_print_any(type, false, true, out);
}
void type_print_summary(const Type *type, bool with_null, Buf *out) {
    type_print_any(type, true, with_null, out);
}

Phys type_phys(const Type *type) {
    switch (type->kind) {
        case TYPE_BOOLEAN: return PHYS_U8;
        case TYPE_TINYINT: return PHYS_I8;
        case TYPE_SMALLINT: return PHYS_I16;
        case TYPE_INT:
        case TYPE_DATE:
        case TYPE_TIME:
        case TYPE_INTERVAL_MONTHS: return PHYS_I32;
        case TYPE_BIGINT:
        case TYPE_INTERVAL_SECONDS: return PHYS_I64;
        case TYPE_FLOAT: return PHYS_F32;
        case TYPE_DOUBLE: return PHYS_F64;
        case TYPE_DECIMAL: return PHYS_I128;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: return type->precision <= 3 ? PHYS_I64 : PHYS_TS;
        case TYPE_ARRAY:
        case TYPE_MULTISET:
        case TYPE_MAP: return PHYS_LIST;
        case TYPE_ROW: return PHYS_ROW;
        case TYPE_NULL:
        case TYPE_DESCRIPTOR: return PHYS_NONE;
        default: return PHYS_STR;
    }
}

uint32_t phys_size(Phys phys) {
    static const uint8_t SIZES[] = {
        [PHYS_NONE] = 0, [PHYS_U8] = 1,   [PHYS_I8] = 1,    [PHYS_I16] = 2, [PHYS_I32] = 4,
        [PHYS_I64] = 8,  [PHYS_F32] = 4,  [PHYS_F64] = 8,   [PHYS_I128] = 16,
        [PHYS_TS] = sizeof(Timestamp), [PHYS_STR] = sizeof(Str), [PHYS_LIST] = sizeof(ListView),
        [PHYS_ROW] = 0,
    };
    return SIZES[phys];
}
