// format/decode.h - what all decoders share: the batch they fill and the way values get into it.
//
// A decoder writes whole columns in place. Its batch has room for BATCH_ROWS_MAX rows from the
// start, in one of two states:
//   dense   (scalars, lists) slots are not cleared and not NULL: each row writes each of them, a
//           value or NULL, exactly once;
//   sparse  (ROW columns and all below them) slots are zero and NULL: a row writes what it has and
//           sets its bits, and the many records without the object cost nothing.
// The children of lists are dense. Records that turn out bad give their row back (row_undo) and the
// next record writes over it.
#pragma once

#include "format/read.h"
#include "spi/format.h"

// Opens a batch in [decoder] unless one is open.
void decoder_open(Decoder *decoder);
// Room for [rows] rows in all; only records that give many rows get past BATCH_ROWS_MAX.
void decoder_reserve(Decoder *decoder, uint32_t rows);

// A column with [cap] slots, sparse for a ROW and dense for all else.
Vec *decoder_column(Arena *arena, const Type *type, uint32_t cap);

// Sets slot [row] to NULL and to the zero value, also below a ROW.
void slot_null_slow(Vec *vec, uint32_t row);
static inline void slot_null(Vec *vec, uint32_t row) {
    if (vec->valid && vec->phys == PHYS_I64) {
        bits_clear(vec->valid, row);
        ((int64_t *)vec->data)[row] = 0;
    } else {
        slot_null_slow(vec, row);
    }
}
// Takes back what an earlier try at this row of a column has left behind.
void slot_undo(Vec *vec, uint32_t row);
void row_undo(Batch *batch, uint32_t row);
// A slot of a sparse column has a value after all.
static inline void slot_present(Vec *vec, uint32_t row) {
    bits_set(vec->valid, row);
}

// Appends one slot to the children of a list and returns its index.
static inline uint32_t list_push(Vec *list) {
    uint32_t at = list->child[0]->len;
    for (uint32_t i = 0; i < list->type->child_count; i++) vec_set_len(list->child[i], at + 1);
    return at;
}

// Copies of the bytes of a value into the batch's memory.
static inline void slot_text_copy(Vec *vec, uint32_t row, Str text) {
    char *copy = vec_text_room(vec, text.len);
    if (text.len) memcpy(copy, text.ptr, text.len);
    ((Str *)vec->data)[row] = (Str){copy, text.len};
}
