// ml/series/sort.c - floats in order, by radix where there are many: with qsort, medians were a
// tenth of a training.
#include <stdlib.h>

#include "ml/series/series_int.h"

static int by_value(const void *a, const void *b) {
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

void series_sort(float *value, size_t count) {
    enum { BITS = 11, BINS = 1 << BITS, FEW = 4 * BINS };
    if (count < FEW) {
        qsort(value, count, sizeof *value, by_value);
        return;
    }
    uint32_t *key = NEW_ARRAY(uint32_t, count), *to = NEW_ARRAY(uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        memcpy(&key[i], &value[i], sizeof key[i]);
        key[i] ^= key[i] >> 31 ? UINT32_MAX : 1u << 31;  // negative ones count backwards
    }
    for (uint32_t shift = 0; shift < 32; shift += BITS) {
        uint32_t begin[BINS + 1] = {0};
        for (size_t i = 0; i < count; i++) begin[(key[i] >> shift) % BINS + 1]++;
        for (uint32_t bin = 0; bin < BINS; bin++) begin[bin + 1] += begin[bin];
        for (size_t i = 0; i < count; i++) to[begin[(key[i] >> shift) % BINS]++] = key[i];
        uint32_t *swap = key;
        key = to;
        to = swap;
    }
    for (size_t i = 0; i < count; i++) {
        key[i] ^= key[i] >> 31 ? 1u << 31 : UINT32_MAX;
        memcpy(&value[i], &key[i], sizeof key[i]);
    }
    mem_free(key);
    mem_free(to);
}
