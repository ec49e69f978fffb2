// spi/filter.h - the simple part of a WHERE, told to decoders early: they need not read the rest of
// a record that fails it.
//
// A filter is a list of terms, all of which must be TRUE for a row to be kept. The operator that
// filters stays in the plan: whoever cannot use a term ignores it, and where it is not clear that a
// term fails (NaN) it passes. Only what certainly fails may be dropped.
#pragma once

#include "col/vec.h"

typedef enum TermOp {
    TERM_EQUAL,
    TERM_NOT_EQUAL,
    TERM_LESS,
    TERM_LESS_EQUAL,
    TERM_GREATER,
    TERM_GREATER_EQUAL,
    TERM_IN,
    TERM_IS_NULL,
    TERM_NOT_NULL,
} TermOp;

typedef struct FilterTerm {
    uint32_t column;          // of the rows that the spec around it describes
    TermOp op;
    // What it is compared with: not NULL, of the column's family (any integers, any timestamps,
    // DECIMALs of one type, texts …). One, but for IN; none for IS [NOT] NULL.
    const Vec *const *value;  // each of one row
    uint32_t value_count;
} FilterTerm;

// Whether columns of [type] can be compared with values of type [value] by a term.
bool filter_can_compare(const Type *type, const Type *value, TermOp op);
// Whether [term] holds, or may hold, for slot [row] of its column.
bool filter_term_passes(const FilterTerm *term, const Vec *column, uint32_t row);
