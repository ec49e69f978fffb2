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

void bucket_put(Buckets *buckets, int64_t end, uint8_t *row) {
    BucketPlace *place = (BucketPlace *)(void *)row;
    place->end = end;
    place->at = bucket_add(buckets, end, row);
}

int64_t bucket_wanted(void *arg, const uint8_t *row) {
    (void)arg;
    return ((const BucketPlace *)(const void *)row)->end;
}

void bucket_leave(Buckets *buckets, uint8_t *row) {
    const BucketPlace *place = (const BucketPlace *)(const void *)row;
    Bucket *bucket = bucket_get(buckets, place->end);
    ((BucketPlace *)(void *)bucket_remove(bucket, place->at))->at = place->at;
}

// Fires the rows of the bucket that are in memory, which then is empty.
static Status fire_here(Bucket *bucket, StateTable *table, BucketFire *fire, void *arg,
                        Error *err) {
    for (uint32_t i = 0; i < bucket->count; i++) {
        if (fire) TRY(fire(arg, bucket->row[i], err));
        state_remove(table, bucket->row[i]);
    }
    bucket->count = 0;
    return ST_OK;
}

Status bucket_fire(Buckets *buckets, StateTable *table, BucketFire *fire, void *arg, Error *err) {
    Bucket *bucket = &buckets->at[0];
    int64_t end = bucket->end;
    StateRecall recall = {.from_ms = end, .until_ms = end};
    Status st = fire_here(bucket, table, fire, arg, err);
    while (!st && state_away_due(table, end)) {
        st = state_recall(table, &recall, err);  // `load` puts them into the bucket
        if (st || !recall.count) break;
        st = fire_here(bucket, table, fire, arg, err);
        if (!st) st = state_table_trim(table, err);
    }
    state_recall_clear(&recall);
    TRY(st);
    Bucket taken = bucket_take(buckets, bucket);
    mem_free(taken.row);
    return ST_OK;
}
