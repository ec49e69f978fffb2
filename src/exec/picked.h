// exec/picked.h - output rows taken from stored ones: which row, as which change, of which rank.
//
// A Top-N shows a row again whenever it moves: what it was, then what it is, and soon once more.
// So each stored row is decoded once a batch, and the batch made of those by gathering columns.
//
// Threads: the worker's own.
#pragma once

#include "exec/stored.h"

typedef struct Picked {
    const Type *schema;  // of the output
    uint32_t columns;    // of a stored row; a BIGINT behind them is the rank
    bool marks;          // rows' [next] is ours: it says where a row was decoded to
    Builder row;         // decoded ones
    uint64_t turn;       // of marking; each batch is one
    uint32_t *slot;      // per output row: its decoded row
    uint8_t *kind;
    int64_t *rank;
    uint32_t count;
} Picked;

// [schema]: the stored rows' columns, then the rank if it has one more. [marks]: the rows' [next]
// is free for use.
void picked_init(Picked *picked, Arena *arena, const Type *schema, uint32_t columns, bool marks);
// Adds an output row; true when it is time to take the batch. [row] may be freed afterwards.
bool picked_add(Picked *picked, RowKind kind, const StoredRow *row, int64_t rank);
// The batch (the caller's), or NULL when nothing was added.
Batch *picked_take(Picked *picked);
void picked_clear(Picked *picked);
