// type/type.h - SQL types, as Flink's LogicalType: kind, nullability, parameters, children.
//
// A Type is immutable and lives in some arena (or is one of the static ones of type_of). Two types
// are equal by content: compare with type_equal. Names follow Flink: `CHAR(3)`,
// `TIMESTAMP(3) WITH LOCAL TIME ZONE`, ``ROW<`a` INT NOT NULL>``.
//
// Physical layout of a value in a column (col/vec.h), by kind:
//   BOOLEAN u8 · TINYINT i8 · SMALLINT i16 · INT, DATE (days), TIME (ms of the day),
//   INTERVAL YEAR TO MONTH (months) i32 · BIGINT, INTERVAL DAY TO SECOND (ms) i64 · FLOAT f32 ·
//   DOUBLE f64 · DECIMAL i128 unscaled · CHAR, VARCHAR, BINARY, VARBINARY, VARIANT, BITMAP, RAW
//   Str · TIMESTAMP, TIMESTAMP_LTZ: i64 epoch ms when precision <= 3, else Timestamp (16 bytes) ·
//   ARRAY, MAP, MULTISET: ListView into child columns · ROW: child columns only.
#pragma once

#include "base/text.h"

typedef enum TypeKind {
    TYPE_NULL,  // of the bare NULL literal
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,    // precision 1..38, scale 0..precision
    TYPE_CHAR,       // length
    TYPE_VARCHAR,    // length; TYPE_LENGTH_MAX is STRING
    TYPE_BINARY,     // length
    TYPE_VARBINARY,  // length; TYPE_LENGTH_MAX is BYTES
    TYPE_DATE,
    TYPE_TIME,           // precision 0..3 kept
    TYPE_TIMESTAMP,      // precision 0..9
    TYPE_TIMESTAMP_LTZ,  // precision 0..9
    TYPE_INTERVAL_MONTHS,   // YEAR TO MONTH family
    TYPE_INTERVAL_SECONDS,  // DAY TO SECOND family
    TYPE_ARRAY,     // child[0] element
    TYPE_MULTISET,  // child[0] element, child[1] INT NOT NULL count
    TYPE_MAP,       // child[0] key, child[1] value
    TYPE_ROW,       // child[i], field[i]
    TYPE_VARIANT,
    TYPE_BITMAP,
    TYPE_RAW,
    TYPE_SYMBOL,      // time units and other keyword arguments
    TYPE_DESCRIPTOR,  // column lists given to table functions
    TYPE_KIND_COUNT_
} TypeKind;

enum {
    TYPE_LENGTH_MAX = 2147483647,
    TYPE_DECIMAL_MAX = 38,
    TYPE_FIELDS_MAX = 4096,  // of a ROW; keeps foreign schemas from sizing our memory
};

// Which units an interval type was written with; printing and `INTERVAL DAY(2) TO HOUR` need it.
typedef enum IntervalUnits {
    UNITS_NONE,
    UNITS_YEAR,
    UNITS_YEAR_TO_MONTH,
    UNITS_MONTH,
    UNITS_DAY,
    UNITS_DAY_TO_HOUR,
    UNITS_DAY_TO_MINUTE,
    UNITS_DAY_TO_SECOND,
    UNITS_HOUR,
    UNITS_HOUR_TO_MINUTE,
    UNITS_HOUR_TO_SECOND,
    UNITS_MINUTE,
    UNITS_MINUTE_TO_SECOND,
    UNITS_SECOND,
} IntervalUnits;

// The mark of a time attribute. Printed as a plain timestamp outside of DESCRIBE. What is computed
// of one is none any more, for windows and joins; DESCRIBE, as Flink's, still calls it one.
typedef enum TimeAttribute { TIME_NONE, TIME_ROWTIME, TIME_PROCTIME } TimeAttribute;

typedef struct Type Type;
struct Type {
    TypeKind kind;
    bool nullable;
    uint8_t attribute;     // TimeAttribute
    uint8_t was_attribute; // TimeAttribute that DESCRIBE shows where [attribute] is none
    uint8_t units;         // IntervalUnits
    int32_t length;        // CHAR, VARCHAR, BINARY, VARBINARY
    int32_t precision;     // DECIMAL, TIME, TIMESTAMP*, leading precision of intervals
    int32_t scale;         // DECIMAL; fractional precision of intervals
    uint32_t child_count;
    const Type *const *child;   // same arena or longer lived
    const Str *field;           // ROW: child_count names
    const Str *comment;         // ROW: child_count comments, or NULL
    Str class_name;  // ROW: of a STRUCTURED type (OBJECT_OF); ptr is NULL for a plain ROW
};

// Static types with default parameters: INT, STRING (TYPE_VARCHAR), BYTES (TYPE_VARBINARY),
// DECIMAL(10, 0), TIME(0), TIMESTAMP(6), CHAR(1), BINARY(1) …
const Type *type_of(TypeKind kind, bool nullable);

// Parameterised types, made in [arena].
const Type *type_decimal(Arena *arena, int32_t precision, int32_t scale, bool nullable);
const Type *type_char(Arena *arena, int32_t length, bool nullable);
const Type *type_varchar(Arena *arena, int32_t length, bool nullable);
const Type *type_binary(Arena *arena, int32_t length, bool nullable);
const Type *type_varbinary(Arena *arena, int32_t length, bool nullable);
const Type *type_time(Arena *arena, int32_t precision, bool nullable);
const Type *type_timestamp(Arena *arena, int32_t precision, bool nullable);
const Type *type_timestamp_ltz(Arena *arena, int32_t precision, bool nullable);
const Type *type_interval(Arena *arena, IntervalUnits units, int32_t precision, int32_t fraction,
                          bool nullable);
const Type *type_array(Arena *arena, const Type *element, bool nullable);
const Type *type_multiset(Arena *arena, const Type *element, bool nullable);
const Type *type_map(Arena *arena, const Type *key, const Type *value, bool nullable);
// Copies the two arrays, not the strings.
const Type *type_row(Arena *arena, uint32_t count, const Type *const *child, const Str *field,
                     bool nullable);

// A ROW that is a structured type: prints as STRUCTURED<'class', `a` INT>.
const Type *type_structured(Arena *arena, Str class_name, uint32_t count, const Type *const *child,
                            const Str *field, bool nullable);
static inline bool type_is_structured(const Type *type) {
    return type->class_name.ptr != NULL;
}

// The same type with another nullability or time attribute; returns [type] itself when it fits.
const Type *type_nullable(Arena *arena, const Type *type, bool nullable);
const Type *type_attribute(Arena *arena, const Type *type, TimeAttribute attribute);
// Without any trace of a time attribute: of a CAST, of a table's column.
const Type *type_plain(Arena *arena, const Type *type);
const Type *type_dup(Arena *arena, const Type *type);  // deep copy

bool type_equal(const Type *a, const Type *b);             // everything but time attributes
bool type_equal_but_null(const Type *a, const Type *b);    // ignores nullability at all depths

// LogicalType.asSerializableString(): "VARCHAR(2147483647)", "INT NOT NULL".
void type_print(const Type *type, Buf *out);
// asSummaryString(), what DESCRIBE shows: "STRING", "TIMESTAMP(3) *ROWTIME*"; no "NOT NULL" at
// the top when [with_null] is false.
void type_print_summary(const Type *type, bool with_null, Buf *out);
const char *type_kind_name(TypeKind kind);  // "INTEGER" style root names: "BIGINT", "VARCHAR"

static inline bool type_is_integer(const Type *t) {
    return t->kind >= TYPE_TINYINT && t->kind <= TYPE_BIGINT;
}
static inline bool type_is_approx(const Type *t) {
    return t->kind == TYPE_FLOAT || t->kind == TYPE_DOUBLE;
}
static inline bool type_is_numeric(const Type *t) {
    return t->kind >= TYPE_TINYINT && t->kind <= TYPE_DECIMAL;
}
static inline bool type_is_text(const Type *t) {
    return t->kind == TYPE_CHAR || t->kind == TYPE_VARCHAR;
}
static inline bool type_is_bytes(const Type *t) {
    return t->kind == TYPE_BINARY || t->kind == TYPE_VARBINARY;
}
static inline bool type_is_timestamp(const Type *t) {
    return t->kind == TYPE_TIMESTAMP || t->kind == TYPE_TIMESTAMP_LTZ;
}
static inline bool type_is_datetime(const Type *t) {
    return t->kind >= TYPE_DATE && t->kind <= TYPE_TIMESTAMP_LTZ;
}
static inline bool type_is_interval(const Type *t) {
    return t->kind == TYPE_INTERVAL_MONTHS || t->kind == TYPE_INTERVAL_SECONDS;
}
static inline bool type_is_list(const Type *t) {  // held as ListView
    return t->kind == TYPE_ARRAY || t->kind == TYPE_MULTISET || t->kind == TYPE_MAP;
}

// How a value lies in memory; derived from kind and precision.
typedef enum Phys {
    PHYS_NONE,  // TYPE_NULL: no values, only nulls
    PHYS_U8,    // BOOLEAN
    PHYS_I8,
    PHYS_I16,
    PHYS_I32,
    PHYS_I64,
    PHYS_F32,
    PHYS_F64,
    PHYS_I128,
    PHYS_TS,    // Timestamp
    PHYS_STR,   // Str
    PHYS_LIST,  // ListView
    PHYS_ROW,   // children only
} Phys;

Phys type_phys(const Type *type);
uint32_t phys_size(Phys phys);  // bytes of one slot: 0 for PHYS_NONE and PHYS_ROW
