// func/agg_int.h - what the agg_*.c files share; nobody else includes it.
#pragma once

#include "func/agg.h"
#include "func/agg_store.h"

enum { AGG_ARGS_MAX = 4 };

#define AGG_INLINE static inline __attribute__((always_inline))

// "cannot apply 'SUM' to arguments (STRING)"
Status agg_mismatch(const AggCall *call, Error *err);

// The type of an argument as a result: not null only where a group cannot be empty.
const Type *agg_type_of_group(const AggCall *call, const Type *type);

// Writes the absence of a result. A column that Flink promises to be NOT NULL and whose value is a
// Java primitive shows -1 there (STDDEV_SAMP of one row in a group of NOT NULL values).
void agg_emit_null(const Type *result, Vec *out, uint32_t row);

// A ROW type of up to four NOT NULL fields, for written states; pairs of name and type, then NULL.
const Type *agg_state_row(Arena *arena, ...);

static inline bool agg_takes(const AggRows *in, const Vec *arg, uint32_t row) {
    return agg_row_taken(in, row) && !vec_is_null(arg, row);
}
static inline int64_t agg_sign(const AggRows *in, uint32_t row) {
    return agg_row_retracts(in, row) ? -1 : 1;
}
static inline uint8_t *agg_state(const AggCall *call, const AggRows *in, uint32_t row) {
    return agg_group(in, row) + call->offset;
}

// agg_distinct.c: turns a bound call into one that feeds each value only once.
Status agg_distinct_bind(AggCall *call, Error *err);

// Writing and reading stores: [out] and [in] are of type ARRAY<T> for lists and ARRAY<ROW<value T,
// count BIGINT>> for maps and bags; the bytes of lists and maps must be those of one T.
const Type *store_counts_type(Arena *arena, const Type *value);
void store_write_list(const ValueList *list, Vec *out, uint32_t row);
Status store_read_list(ValueList *list, const Vec *in, uint32_t row, AggEnv *env, Error *err);
void store_write_map(const ValueMap *map, Vec *out, uint32_t row);
Status store_read_map(ValueMap *map, const Vec *in, uint32_t row, AggEnv *env, Error *err);
void store_write_bag(const SortedBag *bag, Vec *out, uint32_t row);
Status store_read_bag(SortedBag *bag, const Vec *in, uint32_t row, AggEnv *env, Error *err);
