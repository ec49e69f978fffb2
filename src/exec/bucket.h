// exec/bucket.h - state rows by the end of their window: what fires next is at the front.
#pragma once

#include "state/table.h"

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

// What stands first in a row that leaves its bucket when it leaves memory.
typedef struct BucketPlace {
    int64_t end;
    uint32_t at;  // in the bucket
} BucketPlace;

void bucket_put(Buckets *buckets, int64_t end, uint8_t *row);
// StateTableDef.wanted and, for the buckets, leave. A bucket stays also when all its rows are away.
int64_t bucket_wanted(void *arg, const uint8_t *row);
void bucket_leave(Buckets *buckets, uint8_t *row);

// Hands each row of the first bucket to [fire] (NULL: nobody) and removes it from the table: those
// in memory, then those that come back from disk, a few at a time. The bucket goes.
typedef Status BucketFire(void *arg, uint8_t *row, Error *err);
NODISCARD Status bucket_fire(Buckets *buckets, StateTable *table, BucketFire *fire, void *arg,
                             Error *err);
