// exec/stored.h - rows kept outside of batches: what sorts, Top-N, OVER and session windows wait
// with.
//
// A stored row is one block: a sort key that compares with memcmp (by the ORDER BY it was stored
// for), then the row's values as col/codec.h writes them. Blocks come from a pool of size classes
// over slabs, charged to the operator's budget by the slab.
//
// A SortedRows keeps stored rows in the order of their sort keys, equal keys in order of arrival,
// in chunks of at most SORTED_CHUNK pointers: two binary searches and a short move for any change,
// and a walk from the front for ranks. A B-tree of two levels is enough: a million rows are 8,000
// chunks.
//
// Threads: the worker's own.
#pragma once

#include "col/batch.h"
#include "plan/plan.h"

typedef struct StoredRow StoredRow;
struct StoredRow {
    StoredRow *next;  // the operator's, to use as it likes
    uint32_t key_size, row_size;
    uint8_t kind;   // RowKind of the row as it came
    uint8_t class;  // of the block
    char bytes[];   // the sort key, then the row
};

enum { ROW_CLASSES = 160 };

typedef struct RowPool {
    Budget *budget;
    void *free_block[ROW_CLASSES];
    char *slab_next, *slab_end;
    void **slab;
    uint32_t slab_count, slab_cap;
    int64_t bytes;  // charged
    bool timed;     // rows have a row_time
    uint32_t images;     // that are not written yet: freed rows wait for them
    StoredRow *waiting;  // freed meanwhile; free for good a few at a time
    Buf scratch;
} RowPool;

void row_pool_init(RowPool *pool, Budget *budget);
// The same for rows with a row_time each.
void row_pool_init_timed(RowPool *pool, Budget *budget);
// Frees all rows at once, also those still held somewhere.
void row_pool_clear(RowPool *pool);

// The order-preserving bytes of the sort key of row [row].
void sort_key_put(const OrderKey *order, uint32_t count, Vec *const *column, uint32_t row,
                  Buf *out);

// The first bytes of a sort key as a number that compares as they do, where they differ; not 0.
uint64_t sort_key_head(Str key);

// Stores row [row] of [count] columns; [order] (may be empty) gives its sort key.
NODISCARD Status row_store(RowPool *pool, const OrderKey *order, uint32_t order_count,
                           Vec *const *column, uint32_t count, uint32_t row, StoredRow **out,
                           Error *err);
void row_free(RowPool *pool, StoredRow *row);
// Writes the row to row [at] of [count] columns, which share an arena.
void row_load(const StoredRow *row, Vec *const *column, uint32_t count, uint32_t at);
// Equal values, whatever the sort key.
bool row_same(const StoredRow *a, const StoredRow *b);

// A number of the operator's beside the row, a time as a rule; 0 at first. Of timed pools alone.
static inline int64_t *row_time(const StoredRow *row) {
    return (int64_t *)(uintptr_t)row - 1;
}
static inline Str row_key(const StoredRow *row) {
    return (Str){row->bytes, row->key_size};
}
static inline Str row_bytes(const StoredRow *row) {
    return (Str){row->bytes + row->key_size, row->row_size};
}

enum { SORTED_CHUNK = 128 };

typedef struct SortedChunk {
    uint32_t count;       // never 0
    uint16_t cap;         // grows from 4 up to SORTED_CHUNK
    bool left;            // only an image has it: the set has another by now
    uint32_t epoch;       // below the set's: an image has it, too, and it is not changed
    StoredRow *row[];
} SortedChunk;

// Zero bytes are the empty set.
typedef struct SortedRows {
    SortedChunk **chunk;
    uint32_t chunk_count, chunk_cap;
    uint32_t count;
    uint32_t epoch;  // one more with each image
} SortedRows;

typedef struct SortedAt {
    uint32_t chunk, index;
} SortedAt;

void sorted_free(SortedRows *rows);  // not the stored rows themselves
// Adds after those of an equal key; returns its place.
SortedAt sorted_add(SortedRows *rows, StoredRow *row);
void sorted_remove(SortedRows *rows, SortedAt at);
SortedAt sorted_first(const SortedRows *rows);
// The first row with a key not below [key]; may be the end.
SortedAt sorted_find(const SortedRows *rows, Str key);
// The row at [at], or NULL at the end.
StoredRow *sorted_row(const SortedRows *rows, SortedAt at);
SortedAt sorted_next(const SortedRows *rows, SortedAt at);
// The place before [at]; [at] must not be the first.
SortedAt sorted_prev(const SortedRows *rows, SortedAt at);
StoredRow *sorted_last(const SortedRows *rows);
SortedAt sorted_last_at(const SortedRows *rows);
// How many rows stand before [at].
uint32_t sorted_rank(const SortedRows *rows, SortedAt at);
// The place of the row of rank [rank] (from 0).
SortedAt sorted_at(const SortedRows *rows, uint32_t rank);

// The rows of a set as they are at one instant, to be written while work goes on (copy on write,
// chunk by chunk). Rows that are freed meanwhile stay until the image ends.
typedef struct SortedImage {
    RowPool *pool;  // NULL: there is none
    SortedChunk **chunk;
    uint32_t count, at, dropped, epoch;
} SortedImage;

void sorted_image_begin(SortedImage *image, SortedRows *rows, RowPool *pool);
// The next chunk that is still to be written, good until the next call; NULL at the end.
const SortedChunk *sorted_image_next(SortedImage *image);
// Before the rows' set is freed, and before another image of it begins.
void sorted_image_end(SortedImage *image);
