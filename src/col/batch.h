// col/batch.h - a batch: up to BATCH_ROWS_MAX rows of one schema, column by column, each row with
// the change it stands for. Batches are the only data that flows between operators.
//
// Life:       batch_new, columns are set and written, batch_seal, then reads only.
// Invariants: all columns have the same length; a sealed batch never changes again.
// Memory:     counted references. A batch owns an arena; columns and text lie in it or in batches
//             it keeps (batch_keep), which stay alive as long as it does.
// Threads:    one writer until the seal, any number of readers after it; the count is atomic.
#pragma once

#include "col/bytes.h"
#include "col/vec.h"

enum { BATCH_ROWS_MAX = 2048 };  // 16 KiB per 8-byte column: two inputs, one result fill a 48K L1d

typedef struct Batch Batch;
struct Batch {  // open for reading: operators walk the columns
    const Type *schema;  // a ROW type; borrowed, outlives the batch
    uint32_t rows;
    Vec **column;      // schema->child_count of them
    uint8_t *kinds;    // one RowKind a row, or NULL when all are inserts: the common, fast case
    uint32_t kinds_cap;
    Arena arena;
    Batch **kept;      // in the arena
    uint32_t kept_count, kept_cap;
    Bytes **kept_bytes;  // in the arena
    uint32_t kept_bytes_count, kept_bytes_cap;
    _Atomic uint32_t refs;
};

// An empty batch: columns are NULL pointers to be set by the writer (vec_new on &batch->arena, a
// gathered vec, or a column of a kept batch as it is).
Batch *batch_new(const Type *schema);
// The same with columns of [rows] zero rows made for the writer to fill.
Batch *batch_new_columns(const Type *schema, uint32_t rows);
void batch_set_rows(Batch *batch, uint32_t rows);
uint8_t *batch_need_kinds(Batch *batch);  // all +I at first
// Keeps [other] (one more reference) alive as long as [batch].
void batch_keep(Batch *batch, Batch *other);
// The same for a block of bytes that the batch's text points into.
void batch_keep_bytes(Batch *batch, Bytes *bytes);
// Takes the kinds array away when every row is an insert. Call when all is written.
Batch *batch_seal(Batch *batch);

Batch *batch_ref(Batch *batch);    // one more reader; returns its argument
Batch *batch_unref(Batch *batch);  // one less; NULL is fine; always returns NULL

static inline RowKind batch_kind(const Batch *batch, uint32_t row) {
    return batch->kinds ? (RowKind)batch->kinds[row] : ROW_INSERT;
}

// A new batch of the chosen rows / of a range; shares bytes with, and keeps, [src].
Batch *batch_gather(Batch *src, const uint32_t *rows, uint32_t count);
// The same, but its text is copied and [src] is not kept, unless it has lists: those are shared.
Batch *batch_gather_own(Batch *src, const uint32_t *rows, uint32_t count);
// Chosen rows of a batch, each as the change kinds[i], under another schema of the same layouts.
typedef struct Picks {
    uint32_t *row;
    uint8_t *kind;  // RowKind
    uint32_t count;
} Picks;
void picks_init(Picks *picks, Arena *arena, uint32_t most);
static inline void picks_add(Picks *picks, RowKind kind, uint32_t row) {
    picks->row[picks->count] = row;
    picks->kind[picks->count++] = (uint8_t)kind;
}
Batch *picks_gather(const Picks *picks, Batch *src, const Type *schema);
Batch *batch_slice(Batch *src, uint32_t from, uint32_t count);
// A copy that depends on nobody.
Batch *batch_copy(const Batch *src);

// Appends rows one by one from anywhere; for operators whose output is built row by row.
// Zero-initialise, then builder_init. Text is copied in.
typedef struct Builder {
    const Type *schema;
    Batch *batch;  // being filled; NULL when none is open
    uint32_t cap;  // rows its columns have slots for; lengths are set by builder_take
} Builder;
void builder_init(Builder *builder, const Type *schema);
// Opens the next row, of the given kind, all columns NULL-free zero; returns its index in
// builder->batch. The caller fills the columns by vec_copy_value and friends; their lengths are not
// good before builder_take.
uint32_t builder_row(Builder *builder, RowKind kind);
static inline bool builder_full(const Builder *builder) {
    return builder->batch && builder->batch->rows == BATCH_ROWS_MAX;
}
Batch *builder_take(Builder *builder);  // the sealed batch (owned by the caller) or NULL if empty
void builder_clear(Builder *builder);
