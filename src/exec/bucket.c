#include "exec/bucket.h"

#include <string.h>

static uint32_t bucket_find(const Buckets *buckets, int64_t end) {
    uint32_t low = 0, high = buckets->count;
    // Rows come roughly in order of time: try the newest first.
    if (high && buckets->at[high - 1].end < end) return high;
    if (high && buckets->at[high - 1].end == end) return high - 1;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (buckets->at[mid].end < end) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

Bucket *bucket_get(const Buckets *buckets, int64_t end) {
    uint32_t at = bucket_find(buckets, end);
    return at < buckets->count && buckets->at[at].end == end ? &buckets->at[at] : NULL;
}

uint32_t bucket_add(Buckets *buckets, int64_t end, uint8_t *row) {
    uint32_t at = bucket_find(buckets, end);
    if (at == buckets->count || buckets->at[at].end != end) {
        if (buckets->count == buckets->cap) {
            buckets->cap = buckets->cap ? buckets->cap * 2 : 16;
            buckets->at = mem_realloc(buckets->at, buckets->cap * sizeof *buckets->at);
        }
        memmove(buckets->at + at + 1, buckets->at + at,
                (buckets->count - at) * sizeof *buckets->at);
        buckets->at[at] = (Bucket){.end = end};
        buckets->count++;
    }
    Bucket *bucket = &buckets->at[at];
    if (bucket->count == bucket->cap) {
        bucket->cap = bucket->cap ? bucket->cap * 2 : 4;
        bucket->row = mem_realloc(bucket->row, bucket->cap * sizeof *bucket->row);
    }
    bucket->row[bucket->count] = row;
    return bucket->count++;
}

uint8_t *bucket_remove(Bucket *bucket, uint32_t at) {
    return bucket->row[at] = bucket->row[--bucket->count];
}

Bucket bucket_take(Buckets *buckets, Bucket *bucket) {
    Bucket taken = *bucket;
    uint32_t at = (uint32_t)(bucket - buckets->at);
    buckets->count--;
    memmove(buckets->at + at, buckets->at + at + 1, (buckets->count - at) * sizeof *buckets->at);
    return taken;
}

void buckets_free(Buckets *buckets) {
    for (uint32_t i = 0; i < buckets->count; i++) mem_free(buckets->at[i].row);
    mem_free(buckets->at);
    *buckets = (Buckets){0};
}
