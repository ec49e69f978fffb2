// col/bytes.h - a block of bytes with a count of references: what files and sockets are read into,
// so that the text of batches can point into it. A batch that does keeps the block
// (batch_keep_bytes in col/batch.h) and the block goes with the last of them.
//
// Memory:  [cap] bytes plus BYTES_PADDING readable ones behind them, so that scanners may load
// whole
//          vectors. Blocks are sized by data: the one who makes them charges their budget.
// Threads: one writer until the block is shared, then readers only; the count is atomic.
#pragma once

#include "base/mem.h"

enum { BYTES_PADDING = 64 };

typedef struct Bytes {
    char *ptr;   // cap + BYTES_PADDING bytes
    size_t len;  // in use; the owner's to set
    size_t cap;
    Budget *budget;  // borrowed, outlives the block; NULL: nobody was charged
    _Atomic uint32_t refs;
} Bytes;

// A block for at least [cap] bytes, charged to [budget] (may be NULL) until it is freed.
NODISCARD Status bytes_new(size_t cap, Budget *budget, Bytes **out, Error *err);
Bytes *bytes_ref(Bytes *bytes);
Bytes *bytes_unref(Bytes *bytes);  // NULL is fine; always returns NULL
