// exec/kept.h - rows that the timed joins keep: encoded by col/codec, in a list per key, some of
// them also in a heap by time. Owned by whoever put them in a list.
#pragma once

#include "col/codec.h"
#include "exec/operator.h"

typedef struct KeptRow KeptRow;
typedef struct KeptList KeptList;

struct KeptRow {
    KeptRow *older, *newer;  // in the list
    KeptList *list;
    int64_t time_ms;
    uint64_t order;          // of arrival
    uint32_t size;
    uint32_t heap_at;        // index + 1 in the heap; 0: in none
    uint8_t kind;            // RowKind
    bool matched;
    char bytes[];
};

// Part of a state row: zero bytes are the empty list.
struct KeptList {
    KeptRow *oldest, *newest;
    uint64_t count;
};

NODISCARD Status kept_add(Budget *budget, KeptList *list, const Batch *batch, uint32_t row,
                          int64_t time_ms, uint64_t order, KeptRow **out, Error *err);
// The same of a row's bytes.
NODISCARD Status kept_add_bytes(Budget *budget, KeptList *list, Str bytes, int64_t time_ms,
                                uint64_t order, KeptRow **out, Error *err);
void kept_remove(Budget *budget, KeptRow *row);
void kept_clear(Budget *budget, KeptList *list);
// Writes the row's [count] columns to row [at] of [column].
void kept_load(const KeptRow *row, Vec *const *column, uint32_t count, uint32_t at);
// Appends the columns of a row to a builder's open row from column [to] on; NULL row: NULLs.
void kept_emit(const KeptRow *row, Vec *const *column, uint32_t count, uint32_t at);
bool kept_same(const KeptRow *a, const Batch *batch, uint32_t row, Buf *scratch);

// A binary heap of rows, earliest time first, equal times in order of arrival.
typedef struct KeptHeap {
    KeptRow **row;
    uint32_t count, cap;
} KeptHeap;

void heap_push(KeptHeap *heap, KeptRow *row);
KeptRow *heap_first(const KeptHeap *heap);  // NULL when empty
void heap_remove(KeptHeap *heap, KeptRow *row);
void heap_free(KeptHeap *heap);

// Type of the key columns [key] of [row], for a state table.
const Type *kept_key_type(Arena *arena, const Type *row, const uint32_t *key, uint32_t count);
// Type of the rows that a join's condition sees: the columns of [left], then those of [right], each
// of which an outer join may fill with NULLs.
const Type *kept_both_type(Arena *arena, const Type *left, const Type *right);
// Type of a state table's value that is a KeptList: ROW<rows>.
const Type *kept_list_type(Arena *arena, const Type *row);
// The event time in [column] of row [row]; ST_RUNTIME when it is NULL.
NODISCARD Status kept_time(const Batch *batch, uint32_t column, uint32_t row, int64_t *ms,
                           Error *err);

// An operator that keeps the rows of each key of its plan (plan->key), and sends rows of its
// input's type: what the normaliser and the sink's materialiser have in common.
typedef struct KeptTable {
    Operator base;
    StateTable *rows;  // key -> KeptList
    Builder out;
    Arena scratch;     // emptied by kept_table_find
    Buf bytes;         // for kept_same
} KeptTable;

NODISCARD Status kept_table_open(Operator *op, Error *err);
void kept_table_close(Operator *op);
// The list of each row's key, made where there is none; in the scratch arena. Their TTL starts
// again.
NODISCARD Status kept_table_find(KeptTable *self, const Batch *in, KeptList ***lists, Error *err);
// Keys without rows leave the state, each once.
void kept_table_drop_empty(KeptTable *self, KeptList **lists, uint32_t count);
NODISCARD Status kept_table_emit(KeptTable *self, RowKind kind, const KeptRow *row, Error *err);
