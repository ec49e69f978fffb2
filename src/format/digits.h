// format/digits.h - numbers of few digits, eight digits at a time: what nearly all numbers in files
// and messages are. Each function reads at most 25 bytes from [at] and answers the byte behind the
// number, or NULL where it is none of the simple ones and a reader with all the rules must look at
// it.
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint64_t digits_load(const char *at) {
    uint64_t word;
    memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

// How many of the 8 bytes are leading digits. A byte is one when its high half is 3 and adding 6
// does not change that.
static inline uint32_t digits_count(uint64_t word) {
    uint64_t other = ((word & 0xF0F0F0F0F0F0F0F0u) ^ 0x3030303030303030u) |
                     (((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) ^ 0x3030303030303030u);
    return other ? (uint32_t)__builtin_ctzll(other) / 8 : 8;
}

// The value of 8 digits, the first one in the lowest byte: pairs, then fours, then all of them.
static inline uint32_t digits_value(uint64_t word) {
    word = (word & 0x0F0F0F0F0F0F0F0Fu) * 2561 >> 8;
    word = (word & 0x00FF00FF00FF00FFu) * 6553601 >> 16;
    return (uint32_t)((word & 0x0000FFFF0000FFFFu) * 42949672960001 >> 32);
}

// Appends up to 8 digits at *at to *value, moves *at past them and returns how many there were.
static inline uint32_t digits_take(const char **at, uint64_t *value) {
    static const uint32_t TENS[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t word = digits_load(*at);
    uint32_t count = digits_count(word);
    if (!count) return 0;
    *value = *value * TENS[count] + digits_value(word << (64 - count * 8));
    *at += count;
    return count;
}

// An optional '-' and up to 15 digits.
static inline const char *digits_integer(const char *at, int64_t *value) {
    int negative = *at == '-';
    at += negative;
    uint64_t digits = 0;
    uint32_t count = digits_take(&at, &digits);
    if (count == 8) {
        count += digits_take(&at, &digits);
        if (count == 16) return NULL;
    }
    if (!count) return NULL;
    *value = negative ? -(int64_t)digits : (int64_t)digits;
    return at;
}

// Up to 7 digits, a point, up to 7 digits. Clinger's fast path: both the digits and the power of
// ten are exact doubles, so that one division rounds correctly.
static inline const char *digits_real(const char *at, double *value) {
    static const double POWER[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    int negative = *at == '-';
    at += negative;
    uint64_t digits = 0;
    uint32_t before = digits_take(&at, &digits), after = 0;
    if (!before || before == 8) return NULL;
    if (*at == '.') {
        at++;
        after = digits_take(&at, &digits);
        if (!after || after == 8) return NULL;
    }
    double real = (double)digits / POWER[after];
    *value = negative ? -real : real;
    return at;
}
