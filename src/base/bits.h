// base/bits.h - bitmaps in 64-bit words, bit i of word i / 64 first; Arrow's validity layout.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BITS_WORDS(bits) (((size_t)(bits) + 63) / 64)

static inline bool bits_get(const uint64_t *words, uint32_t i) {
    return words[i >> 6] >> (i & 63) & 1;
}
static inline void bits_set(uint64_t *words, uint32_t i) {
    words[i >> 6] |= (uint64_t)1 << (i & 63);
}
static inline void bits_clear(uint64_t *words, uint32_t i) {
    words[i >> 6] &= ~((uint64_t)1 << (i & 63));
}
static inline void bits_put(uint64_t *words, uint32_t i, bool value) {
    words[i >> 6] = (words[i >> 6] & ~((uint64_t)1 << (i & 63))) | (uint64_t)value << (i & 63);
}
// Sets the first [bits] bits, clears the rest of the last word.
static inline void bits_fill(uint64_t *words, uint32_t bits) {
    size_t whole = bits / 64;
    memset(words, 0xFF, whole * 8);
    if (bits % 64) words[whole] = ((uint64_t)1 << (bits % 64)) - 1;
}
static inline uint32_t bits_count(const uint64_t *words, uint32_t bits) {
    uint32_t count = 0;
    for (size_t i = 0; i < bits / 64; i++) count += (uint32_t)__builtin_popcountll(words[i]);
    if (bits % 64) {
        uint64_t last = words[bits / 64] & (((uint64_t)1 << (bits % 64)) - 1);
        count += (uint32_t)__builtin_popcountll(last);
    }
    return count;
}
