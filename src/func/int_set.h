// func/int_set.h - a set of whole numbers, NULL among them: what COUNT(DISTINCT id) holds where
// values only come. No counts and no hashes beside the values: 8 bytes a slot, half to three
// quarters of them taken.
//
// Empty when zeroed, charged to env->budget, may be moved with memcpy. One thread at a time.
#pragma once

#include "base/hash.h"
#include "func/agg_store.h"

typedef struct IntSet {
    int64_t *slot;        // open addressing; 0: free
    uint32_t slot_count;  // a power of two, or none at all
    uint32_t used;        // slots taken
    bool has_zero, has_null;
} IntSet;

static inline void int_set_fetch(const IntSet *set, int64_t value) {
    if (!set->slot) return;
    __builtin_prefetch(&set->slot[hash_u64((uint64_t)value) & (set->slot_count - 1)]);
}

// *added: it was not there.
NODISCARD Status int_set_add(IntSet *set, int64_t value, bool *added, AggEnv *env, Error *err);
static inline bool int_set_add_null(IntSet *set) {
    bool added = !set->has_null;
    set->has_null = true;
    return added;
}
uint32_t int_set_count(const IntSet *set);  // NULL counts too
// Walks the numbers, in no order: `for (uint32_t i = 0; int_set_next(&set, &i, &value);)`.
bool int_set_next(const IntSet *set, uint32_t *i, int64_t *value);
void int_set_free(IntSet *set, AggEnv *env);
