// ml/series/taste.h - what people said of a metric's alarms, as a bar against their like: each
// label is a point among cases, and raises or lowers the bar around it, the less the less alike a
// case is (a radial basis function network that grows by what it got wrong: Platt, 1991).
//
// A false alarm raises the bar to above what the alarm reached, a missed incident lowers it to
// below that; a true alarm takes away what others had raised. One label moves the bar by a factor
// of three at most: what is further off than that must be said twice.
#pragma once

#include "ml/codec.h"

enum { TASTE_FEATURES = 7, TASTE_LABELS_MAX = 16 };

// A case, in units in which a distance of one is "not quite the same".
typedef struct TasteCase {
    float x[TASTE_FEATURES];
} TasteCase;

typedef struct Taste {
    uint32_t labels;
    TasteCase at[TASTE_LABELS_MAX];
    float weight[TASTE_LABELS_MAX];  // logarithm of the bar there
} Taste;

// What the threshold is multiplied by for such a case: 0.64 to 6.
double taste_bar(const Taste *taste, const TasteCase *at);
// [score] is what the case reached at most; 1 is where an alarm opens.
void taste_false(Taste *taste, const TasteCase *at, double score);
void taste_true(Taste *taste, const TasteCase *at);
void taste_missed(Taste *taste, const TasteCase *at, double score);
void taste_code(Codec *codec, Taste *taste);
