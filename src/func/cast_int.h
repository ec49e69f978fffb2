// func/cast_int.h - what the files of the casts share. For cast*.c only.
#pragma once

#include "func/cast.h"

// One cast of one column. Rows to do are those of [mask] (not NULL, and wanted); the others are set
// NULL by the caller. A value that cannot be cast ends the cast with an error, or, when [failed] is
// there (TRY_CAST), is marked in it: a failing element takes its whole array, map or row along.
typedef struct Cast {
    const Vec *in;
    Vec *out;
    uint32_t rows;
    const uint64_t *mask;  // NULL: all rows
    uint64_t *failed;      // NULL: the first failure is an error
    const FuncEnv *env;
    Arena *scratch;
} Cast;

typedef Status (*CastRun)(const Cast *cast, Error *err);

static inline bool cast_row_wanted(const Cast *cast, uint32_t row) {
    return !cast->mask || bits_get(cast->mask, row);
}

// Marks the row or makes the error "cannot cast 'abc' to INT: <why>".
Status cast_fail(const Cast *cast, uint32_t row, const char *why, Error *err);

// Casts by mask and failure map; makes the validity of [out]. The inner half of cast_vec.
NODISCARD Status cast_masked(const Cast *cast, Error *err);

Status cast_number(const Cast *cast, Error *err);          // between numbers and BOOLEAN
Status cast_number_from_text(const Cast *cast, Error *err);
Status cast_time(const Cast *cast, Error *err);            // between dates, times, timestamps
Status cast_time_from_text(const Cast *cast, Error *err);
Status cast_text(const Cast *cast, Error *err);            // anything to CHAR, VARCHAR
Status cast_bytes(const Cast *cast, Error *err);           // text or bytes to BINARY, VARBINARY
