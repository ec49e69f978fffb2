// ml/pmml/value.h - one value of one row: what a field holds or an expression gives.
//
// Types are PMML's data types. Numbers of all of them travel as doubles; those of type float have
// been rounded to one. Dates are days since 1970-01-01, times seconds since midnight, dateTimes
// seconds since 1970-01-01; "dateDaysSince[1960]" and the like are whole numbers of days or seconds
// since that year began.
#pragma once

#include "base/text.h"

typedef enum PmmlType {
    PT_NONE,  // of a value: it is missing; of a field: unknown
    PT_STRING,
    PT_INTEGER,
    PT_FLOAT,
    PT_DOUBLE,
    PT_BOOLEAN,
    PT_DATE,
    PT_TIME,
    PT_DATE_TIME,
    PT_DAYS,     // dateDaysSince[...]
    PT_SECONDS,  // dateTimeSecondsSince[...]
    PT_TIME_SECONDS,
} PmmlType;

typedef enum OpType { OP_NONE, OP_CONTINUOUS, OP_CATEGORICAL, OP_ORDINAL } OpType;

typedef struct DataType {
    uint8_t type;  // PmmlType
    int16_t year;  // of PT_DAYS and PT_SECONDS
} DataType;

typedef struct Value {
    uint8_t type;  // PmmlType; PT_NONE: missing, nothing else is set
    bool invalid;  // not of its field's domain, let through all the same
    bool list;
    uint32_t items;
    double number;
    Str text;                  // PT_STRING
    const struct Value *item;  // of a list
} Value;

#define MISSING ((Value){0})

static inline bool is_missing(Value v) {
    return v.type == PT_NONE;
}
static inline bool type_is_number(PmmlType type) {
    return type == PT_DOUBLE || type == PT_INTEGER || type == PT_FLOAT || type >= PT_DAYS;
}
static inline Value value_number(double number, PmmlType type) {
    return (Value){.type = (uint8_t)type, .number = number == 0 ? 0 : number};
}
static inline Value value_double(double number) {
    return value_number(number, PT_DOUBLE);
}
static inline Value value_bool(bool yes) {
    return (Value){.type = PT_BOOLEAN, .number = yes};
}
static inline Value value_text(Str text) {
    return (Value){.type = PT_STRING, .text = text};
}

bool data_type_parse(Str text, DataType *out);  // "double", "dateDaysSince[1970]"
OpType op_type_parse(Str text);
OpType op_type_of(PmmlType type);  // by default

// The text as a value of that type; false when it is none.
bool value_parse(Str text, DataType type, Value *out);
// As another type, as PMML casts: 1.0 is an integer, 1.5 is not. Texts made are in [arena].
bool value_cast(Value v, DataType type, Arena *arena, Value *out);
// A constant without a data type: 1 is an integer, 1.0 a double, anything else a string.
Value value_guess(Str text);
Str value_str(Value v, Arena *arena);  // "" of a missing one; items of a list with '|'
// Numbers by value whatever their types; strings against numbers as numbers where they are some.
bool value_eq(Value a, Value b);
// <0 0 >0; numbers and booleans by value, else texts.
int value_cmp(Value a, Value b);
double value_as_number(Value v);  // NaN when it is none
