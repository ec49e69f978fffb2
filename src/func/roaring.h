// func/roaring.h - sets of 32-bit numbers as Roaring bitmaps ("Better bitmap performance with
// Roaring bitmaps", Chambi et al., 2016), in the portable format of the RoaringBitmap libraries:
// that is what a BITMAP column holds.
//
// Numbers with the same upper 16 bits make a part: a sorted array of the lower halves while there
// are at most 4096, a bit for each otherwise. Runs, the third kind of the format, are read, and
// written where they are shorter; in memory they are one of the other two.
//
// Memory: from the heap, counted in [bytes]; roaring_free. Threads: one at a time.
#pragma once

#include "base/text.h"

enum { ROARING_ARRAY_MAX = 4096, ROARING_WORDS = 65536 / 64 };

typedef struct RoaringPart {
    uint16_t key;
    uint32_t count;  // numbers, 1 .. 65536
    uint32_t cap;    // of [array]; 0: the part is [bits]
    union {
        uint16_t *array;
        uint64_t *bits;  // ROARING_WORDS of them
    };
} RoaringPart;

typedef struct Roaring {  // zero-initialised: the empty set
    RoaringPart *part;    // by key
    uint32_t count, cap;
    size_t bytes;         // held from the heap
} Roaring;

typedef enum RoaringOp { ROARING_AND, ROARING_OR, ROARING_XOR, ROARING_ANDNOT } RoaringOp;

void roaring_free(Roaring *set);
void roaring_add(Roaring *set, uint32_t value);
uint64_t roaring_count(const Roaring *set);
// [out], which must be empty, becomes [a] op [b].
void roaring_combine(const Roaring *a, const Roaring *b, RoaringOp op, Roaring *out);

// Walks the numbers upwards: `RoaringAt at = {0}; while (roaring_next(set, &at, &value))`.
typedef struct RoaringAt {
    uint32_t part, index;
} RoaringAt;
bool roaring_next(const Roaring *set, RoaringAt *at, uint32_t *value);

// The portable format. Reading answers false to what is not in it, and leaves *out empty; bytes
// behind the last part are ignored.
bool roaring_read(Str bytes, Roaring *out);
void roaring_write(const Roaring *set, Buf *out);

// "{1,2,4294967295}", what CAST(bitmap AS STRING) gives, of the portable format.
void roaring_print(Str bytes, Buf *out);
