// ml/nearest.h - which vectors of a table are nearest to some others: the k best of each, exact.
//
//     Nearest *table = nearest_new(NEAREST_COSINE, 384);
//     for (…) nearest_add(table, vector);
//     nearest_find(table, queries, 32, 10, hits, counts);
//
// Two passes. The first is a product of matrices in floats (ml/graph/math.h), the table's vectors
// being its columns; it leaves those that rounding cannot keep from being among the best: a sum of
// n products of floats is off by at most about n 2^-24 |a| |b| (Higham, Accuracy and Stability,
// 3.1). The second computes the few that are left in doubles, so that what comes out is what
// doubles alone would give.
//
// Memory: 4 bytes a number, and 8 more in a table that is [wide]. Threads: one adds; then any
// number may find.
#pragma once

#include "base/mem.h"

typedef enum NearestMetric {
    NEAREST_COSINE,  // the cosine of the angle, the greatest first; 0 with a vector of zeroes
    NEAREST_DOT,     // the product, the greatest first
    NEAREST_L2,      // the Euclidean distance, the smallest first
} NearestMetric;

typedef struct NearestHit {
    uint32_t row;    // in the order of adding, from 0
    double score;
} NearestHit;

typedef struct Nearest Nearest;

// [wide]: vectors are doubles, that floats could not hold.
Nearest *nearest_new(NearestMetric metric, uint32_t dims, bool wide);
void nearest_free(Nearest *self);  // NULL is fine
void nearest_add(Nearest *self, const double *vector);
uint32_t nearest_rows(const Nearest *self);
uint32_t nearest_dims(const Nearest *self);
// What one more row takes.
size_t nearest_row_bytes(uint32_t dims, bool wide);

// The [k] best of each of [queries] vectors that lie behind each other: hit[q * k] and following,
// the best first, of two alike the one that was added first; count[q] of them.
void nearest_find(const Nearest *self, const double *query, uint32_t queries, uint32_t k,
                  NearestHit *hit, uint32_t *count);
