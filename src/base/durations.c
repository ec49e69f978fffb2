#include "base/durations.h"

// ns lies in [(8 + step) << e, (9 + step) << e): the three bits behind the first one are the step.
void durations_add(Durations *durations, int64_t ns) {
    uint64_t value = ns > DURATION_STEPS ? (uint64_t)ns : DURATION_STEPS;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - 3;
    uint64_t at = shift * DURATION_STEPS + (value >> shift) - DURATION_STEPS;
    durations->count[at < DURATION_SIZES ? at : DURATION_SIZES - 1]++;
    if (ns > durations->max_ns) durations->max_ns = ns;
}

void durations_merge(Durations *durations, const Durations *from) {
    for (uint32_t i = 0; i < DURATION_SIZES; i++) durations->count[i] += from->count[i];
    if (from->max_ns > durations->max_ns) durations->max_ns = from->max_ns;
}

int64_t durations_quantile(const Durations *durations, double share) {
    uint64_t all = 0, seen = 0;
    for (uint32_t i = 0; i < DURATION_SIZES; i++) all += durations->count[i];
    for (uint32_t i = 0; i < DURATION_SIZES && all; i++) {
        seen += durations->count[i];
        if ((double)seen < share * (double)all) continue;
        int64_t most = (int64_t)(i % DURATION_STEPS + DURATION_STEPS + 1) << (i / DURATION_STEPS);
        return most < durations->max_ns ? most : durations->max_ns;
    }
    return 0;
}
