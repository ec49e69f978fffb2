// ml/series/tail.h - how improbable is a quantity (an error, a distance; never negative), given all
// that came before it? An answer on the same scale for every series: powers of ten.
//
// The body of the distribution is counted, in bins of a quarter octave. Beyond its 98th percentile
// so little is seen that a law has to help: the excess over it decays exponentially, with the mean
// that recent excesses had (peaks over threshold; the exponential is the middle of the three shapes
// that theory allows). Excesses count up to a limit, so that one monster does not blind it.
//
// Nothing depends on the unit: times a constant, the answers stay the same.
#pragma once

#include "ml/codec.h"

enum {
    TAIL_BINS = 128,  // 16 octaves to either side of the first quantity
    TAIL_LEARN = 100, // quantities before it says anything: two of them lie beyond
    TAIL_MAX = 5,     // powers of ten; past that, only "never"
};

typedef struct SeriesTail {
    double unit;    // the first quantity that was not 0
    uint32_t seen;  // quantities in the bins; halved with them
    uint16_t bin[TAIL_BINS];
    uint32_t judged, beyond;  // since it learned; how many were beyond the percentile
    double from, guess;       // the percentile, and the mean excess that the body lets expect
    double excess, weight;    // the mean of recent excesses; how many it stands for
} SeriesTail;

// -log10 of the probability of a quantity as large, and 0 while it learns; then learns it.
double series_tail_push(SeriesTail *tail, double quantity);
void series_tail_code(Codec *codec, SeriesTail *tail);
