// exec/sorter.h - sorts any number of rows: in memory up to a share of it, beyond that in sorted
// runs on disk that are merged (Knuth 5.4.1: replacement by a tree of losers). Rows with equal keys
// stay in the order in which they came.
//
// Life: sorter_init, sorter_add…, sorter_finish, sorter_next until there is none, sorter_clear.
// A row is kept as the bytes of its sort key, which compare with memcmp (exec/stored.h), and of its
// values (col/codec.h).
// Memory: charged to the operator's budget. Threads: the worker's own.
#pragma once

#include "exec/spill.h"

typedef struct SortEntry {
    uint64_t prefix;  // the first bytes of the key, to compare without a look at the rest
    char *record;
} SortEntry;

typedef struct SortRun {
    int64_t from, end;  // in the file
} SortRun;

typedef struct SortMerge SortMerge;

typedef struct Sorter {
    const OpEnv *env;
    Budget *budget;        // the operator's
    const OrderKey *order;
    uint32_t order_count, columns;
    int64_t share;         // bytes to hold before a run is written
    int64_t bytes;         // charged
    char **slab;
    uint32_t slab_count, slab_cap;
    char *slab_next, *slab_end;
    SortEntry *entry, *scratch;
    size_t count, cap, next;
    uint64_t rows;
    Buf key;
    SpillFile file;
    SortRun *run;
    uint32_t run_count, run_cap;
    SortMerge *merge;      // when there are runs
} Sorter;

// For [op]; [order] is borrowed.
void sorter_init(Sorter *self, const Operator *op, const OrderKey *order, uint32_t order_count,
                 uint32_t columns);
// Takes all rows of [in] in.
NODISCARD Status sorter_add(Sorter *self, const Batch *in, Error *err);
// No more rows will come.
NODISCARD Status sorter_finish(Sorter *self, Error *err);
// The next row in order, as its key's bytes and its values' (NULL pointers at the end); good until
// the call after it.
NODISCARD Status sorter_next(Sorter *self, Str *key, Str *row, Error *err);
void sorter_clear(Sorter *self);
