// exec/emitted.h - the rows that a user's function gives: its own columns, between columns of the
// row they were given for and, perhaps, a time.
//
// Order of calls: emitted_begin, then emitted_row for each row; when emitted_full, or at the end,
// emitted_take makes a batch of them. Threads: the worker's own.
#pragma once

#include "exec/operator.h"
#include "udf/call.h"

typedef struct Emitted {
    const Type *row;   // of the output
    uint32_t before;   // columns in front of the function's own
    uint32_t own;
    Batch *batch;      // being filled; NULL when none is open
    uint32_t *from;    // per row: the row of the input
    uint8_t *kinds;
    uint32_t count, cap;
    bool changes;      // some row is no insert
} Emitted;

void emitted_init(Emitted *self, const Type *row, uint32_t before, uint32_t own);
void emitted_clear(Emitted *self);
// Opens a batch if there is none, and makes its columns the call's results.
void emitted_begin(Emitted *self, UdfCall *call);
// The next row; returns its index.
uint32_t emitted_row(Emitted *self, UdfCall *call, uint32_t from, uint8_t kind);
// A row whose own columns are NULL.
void emitted_pad(Emitted *self, UdfCall *call, uint32_t from, uint8_t kind);
static inline bool emitted_full(const Emitted *self) {
    return self->count == BATCH_ROWS_MAX;
}
// The rows so far, beside [before] (columns to gather from, the text of which the batch shares: the
// caller keeps it alive with batch_keep) and, when there is one more column, the time of each row.
// NULL when there are no rows.
Batch *emitted_take(Emitted *self, Vec *const *before, const Vec *time);
