// ml/online/adwin.h - ADWIN (Bifet, Gavaldà, 2007): a window over a stream of numbers that grows
// while their mean stands still and drops its older part once the mean of that is another one.
//
// The window is kept as buckets of 1, 2, 4 ... numbers, at most BUCKETS of a size, so that its size
// is the logarithm of the numbers in it. Cuts are tried between buckets, every TICKS numbers.
#pragma once

#include "ml/codec.h"

enum { ADWIN_LEVELS = 40, ADWIN_BUCKETS = 5 };

typedef struct Adwin {
    double delta;     // how sure a change must be: 0.002
    uint32_t levels;  // in use
    uint32_t count[ADWIN_LEVELS];  // buckets of 2^level numbers
    double total[ADWIN_LEVELS][ADWIN_BUCKETS + 1], spread[ADWIN_LEVELS][ADWIN_BUCKETS + 1];
    double width, sum, squares;    // numbers, their sum, their squares about the mean
    uint64_t ticks;
} Adwin;

Adwin adwin_make(double delta);
// True when the mean has changed: the window has been cut.
bool adwin_add(Adwin *self, double value);
static inline double adwin_mean(const Adwin *self) {
    return self->width > 0 ? self->sum / self->width : 0;
}
void adwin_codec(Adwin *self, Codec *codec);
