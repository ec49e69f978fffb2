// ml/random.h - chance that can be had again: splitmix64 from a seed. A stream of numbers is one
// word, so that a learner's state can be saved; streams of different [stream] do not meet.
#pragma once

#include <math.h>

#include "base/hash.h"

typedef struct Rng {
    uint64_t state;
} Rng;

static inline Rng rng_make(uint64_t seed, uint64_t stream) {
    return (Rng){hash_mix(hash_u64(seed + 0x9e3779b97f4a7c15u), stream)};
}
static inline uint64_t rng_next(Rng *rng) {
    return hash_u64(rng->state += 0x9e3779b97f4a7c15u);
}
static inline uint32_t rng_below(Rng *rng, uint32_t limit) {  // the bias is below 2^-32
    return (uint32_t)(((rng_next(rng) >> 32) * limit) >> 32);
}
static inline double rng_unit(Rng *rng) {  // in [0, 1)
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}
static inline double rng_between(Rng *rng, double low, double high) {
    return low + (high - low) * rng_unit(rng);
}
static inline double rng_normal(Rng *rng) {  // Box-Muller, one of the pair
    double radius = sqrt(-2 * log(1 - rng_unit(rng)));
    return radius * cos(6.283185307179586 * rng_unit(rng));
}
static inline void rng_shuffle(Rng *rng, uint32_t *item, uint32_t count) {  // Fisher-Yates
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = rng_below(rng, i), kept = item[i - 1];
        item[i - 1] = item[j];
        item[j] = kept;
    }
}
