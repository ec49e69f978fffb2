// base/durations.h - how long things took, counted by size, for quantiles. Eight steps to a
// doubling, so that an answer is right to an eighth; a fixed size, however many were counted.
#pragma once

#include <stdint.h>

enum { DURATION_STEPS = 8, DURATION_SIZES = 48 * DURATION_STEPS };

// Zero-initialised is empty and ready. One thread at a time.
typedef struct Durations {
    uint64_t count[DURATION_SIZES];
    int64_t max_ns;
} Durations;

void durations_add(Durations *durations, int64_t ns);
void durations_merge(Durations *durations, const Durations *from);
// What [share] of them, 0 to 1, do not exceed; 0 when there are none.
int64_t durations_quantile(const Durations *durations, double share);
