// exec/lookup.h - shared by the files of the lookup join and by VECTOR_SEARCH, whose table is
// a full cache.
//
//   lookup_join.c   the operator: left rows in, joined rows out, in order or as they are found
//   lookup_keys.c   the different keys of a batch; the rows found, by key
//   lookup_ask.c    asks a connector for keys, or for all: the right columns of the answer
//   lookup_cache.c  what is remembered of answers: some keys (PARTIAL) or the whole table (FULL)
#pragma once

#include "exec/operator.h"
#include "spi/lookup.h"

enum { KEY_NONE = UINT32_MAX };  // a key with a NULL finds nothing

// Numbers the different keys of some rows, in the order of their first rows. (lookup_keys.c)
typedef struct KeyIndex {
    Vec *const *column;  // the key columns that it was built over
    uint32_t columns;
    uint32_t keys;
    uint32_t *first;     // per key: its first row
    uint64_t *hash;      // per key
    uint32_t *slot, mask;  // open addressing; 0: free, else the key's number + 1
} KeyIndex;

// key_of[row]: the number of the row's key, or KEY_NONE.
void key_index_build(KeyIndex *index, Arena *arena, Vec *const *column, uint32_t columns,
                     uint32_t rows, uint32_t *key_of);
// The same for rows of other columns of the same layout: KEY_NONE also for keys that are not there.
void key_index_find(const KeyIndex *index, Arena *arena, Vec *const *column, uint32_t rows,
                    uint32_t *key_of);

// Right rows as they were found, each with the number of the key that it answers.
typedef struct RightRows {
    Batch *rows;        // of the join's right columns; any number of rows
    uint32_t *key;      // per row
    uint32_t cap;
    Budget *budget;
    int64_t charged;
    // Per key: which rows, as a stretch of [order]. Set by right_rows_sort.
    uint32_t *from, *order;
} RightRows;

void right_rows_init(RightRows *self, const Type *type, Budget *budget);
void right_rows_clear(RightRows *self);
// Appends row [row] of [column] as an answer to [key].
NODISCARD Status right_rows_add(RightRows *self, Vec *const *column, uint32_t row, uint32_t key,
                                Error *err);
// Groups the rows by key, those of one key in the order they came. from[keys] is the end.
void right_rows_sort(RightRows *self, uint32_t keys);

// Asks the connector; one at a time, by any thread. (lookup_ask.c)
typedef struct LookupAsker LookupAsker;
NODISCARD Status lookup_asker_open(const Plan *plan, const OpEnv *env,
                                   const LookupOptions *options, LookupAsker **out, Error *err);
void lookup_asker_close(LookupAsker *self);
// Appends the rows of [count] keys to [out]; number[i] is what the rows of key i are filed under.
NODISCARD Status lookup_ask(LookupAsker *self, Vec *const *key, const uint32_t *number,
                            uint32_t count, RightRows *out, Error *err);
// All rows of the table, numbered 0.
NODISCARD Status lookup_read_all(LookupAsker *self, RightRows *out, Error *err);
void lookup_cancel(LookupAsker *self);

// PARTIAL: keys and the rows they have. The worker's own. (lookup_cache.c)
typedef struct PartialCache PartialCache;
PartialCache *partial_cache_new(const LookupOptions *options, uint32_t columns, Budget *budget);
void partial_cache_free(PartialCache *self);
// Appends what is known of row [row] of [key] to [out] as key [number]; false when nothing is.
NODISCARD Status partial_cache_get(PartialCache *self, Vec *const *key, uint32_t key_columns,
                                   uint32_t row, int64_t now_ms, uint32_t number, RightRows *out,
                                   bool *known, Error *err);
// Remembers key [number] of [rows] (sorted).
NODISCARD Status partial_cache_put(PartialCache *self, Vec *const *key, uint32_t key_columns,
                                   uint32_t row, int64_t now_ms, const RightRows *rows,
                                   uint32_t number, Error *err);

// FULL: the whole table, read at first use and again as its options say. (lookup_cache.c)
typedef struct FullCache FullCache;
NODISCARD Status full_cache_open(const Plan *plan, const OpEnv *env, const LookupOptions *options,
                                 FullCache **out, Error *err);
void full_cache_close(FullCache *self);
// The table as it is now; it stays good until the next call. key_of[row] as key_index_find.
NODISCARD Status full_cache_find(FullCache *self, Arena *arena, Vec *const *key, uint32_t rows,
                                 int64_t now_ms, uint32_t *key_of, const RightRows **out,
                                 Error *err);
// The same without a key: all rows; *reading is another number each time that they were read anew.
NODISCARD Status full_cache_rows(FullCache *self, int64_t now_ms, const Batch **out,
                                 uint64_t *reading, Error *err);
