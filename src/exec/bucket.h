// exec/bucket.h - state rows by the end of their window: what fires next is at the front.
#pragma once

#include "base/mem.h"

// The rows of one slice or window, in order of birth; those that lie on disk are not among them.
typedef struct Bucket {
    int64_t end;
    uint8_t **row;
    uint32_t count, cap;
} Bucket;

// Zero bytes are no buckets.
typedef struct Buckets {
    Bucket *at;  // by end
    uint32_t count, cap;
} Buckets;

Bucket *bucket_get(const Buckets *buckets, int64_t end);  // NULL when there is none
// Where the row stands in its bucket.
uint32_t bucket_add(Buckets *buckets, int64_t end, uint8_t *row);
// Puts the last row in the place of the one at [at], which goes, and returns it.
uint8_t *bucket_remove(Bucket *bucket, uint32_t at);
// Takes the bucket out; the caller frees its rows array.
Bucket bucket_take(Buckets *buckets, Bucket *bucket);
void buckets_free(Buckets *buckets);
