// func/compare_int.h - how two values of possibly different types are compared: decided once at
// bind time, used by the comparison operators, IN, BETWEEN, NULLIF, GREATEST. For compare*.c only.
#pragma once

#include "func/func.h"

// What comparing the columns needs beyond their layout.
typedef enum CompareHow {
    COMPARE_PLAIN,    // the same type, or such that differ in length or precision only
    COMPARE_DECIMAL,  // DECIMALs of any scale
    COMPARE_TOTAL,  // doubles by Java's Double.compare: -0.0 before 0.0, NaN equal to itself, last
    COMPARE_BYTES,  // text by its bytes, not its UTF-16 units
    COMPARE_STAMP,  // timestamps of different layout: the bare values
    COMPARE_KEY,    // as keys of a hash table: -0.0 differs from 0.0, NaN equals NaN
    COMPARE_NEVER,  // never equal: BOOLEAN against text
} CompareHow;

// Chooses the types to cast arguments [0, count) of [call] to so that they can be compared for
// equality, or by order. ST_VALIDATION: they cannot.
Status compare_unify_equal(FuncCall *call, uint32_t count, CompareHow *how, Error *err);
Status compare_unify_order(FuncCall *call, uint32_t count, CompareHow *how, Error *err);

enum { UNORDERED = 2 };  // NaN against anything
// -1, 0, 1 or UNORDERED; neither value is NULL.
int compare_order(CompareHow how, const Vec *a, uint32_t i, const Vec *b, uint32_t j);
// Equality of "=": NaN equals nothing, 0.0 equals -0.0; inside arrays and maps NULL equals NULL.
bool compare_equal(CompareHow how, const Vec *a, uint32_t i, const Vec *b, uint32_t j);

// Three-valued equality of ROWs, field by field.
typedef enum Truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN } Truth;
Truth compare_rows_equal(const Vec *a, uint32_t i, const Vec *b, uint32_t j);

// NULL, or a ROW with a field that may be: what decides whether a comparison may be NULL.
bool type_contains_null(const Type *type);
Status compare_refuse(const FuncCall *call, Error *err);
