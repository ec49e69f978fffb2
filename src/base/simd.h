// base/simd.h - sixteen bytes at a time, for scanners of text. SSE2 and NEON are part of their
// 64-bit baselines, so this needs no dispatch at run time; the portable version is for the rest.
//
// Masks have one bit a byte, the first byte lowest. Loads are unaligned and read all 16 bytes:
// the caller guarantees that they may be read (format.h's DECODE_PADDING).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
typedef __m128i Simd16;
static inline Simd16 simd_load(const void *from) {
    return _mm_loadu_si128((const __m128i *)from);
}
static inline Simd16 simd_fill(char c) {
    return _mm_set1_epi8(c);
}
static inline Simd16 simd_eq(Simd16 a, Simd16 b) {
    return _mm_cmpeq_epi8(a, b);
}
static inline Simd16 simd_or(Simd16 a, Simd16 b) {
    return _mm_or_si128(a, b);
}
// Unsigned a <= b.
static inline Simd16 simd_le(Simd16 a, Simd16 b) {
    return _mm_cmpeq_epi8(_mm_min_epu8(a, b), a);
}
static inline uint32_t simd_mask(Simd16 a) {
    return (uint32_t)_mm_movemask_epi8(a);
}
#elif defined(__aarch64__)
#include <arm_neon.h>
typedef uint8x16_t Simd16;
static inline Simd16 simd_load(const void *from) {
    return vld1q_u8((const uint8_t *)from);
}
static inline Simd16 simd_fill(char c) {
    return vdupq_n_u8((uint8_t)c);
}
static inline Simd16 simd_eq(Simd16 a, Simd16 b) {
    return vceqq_u8(a, b);
}
static inline Simd16 simd_or(Simd16 a, Simd16 b) {
    return vorrq_u8(a, b);
}
static inline Simd16 simd_le(Simd16 a, Simd16 b) {
    return vcleq_u8(a, b);
}
static inline uint32_t simd_mask(Simd16 a) {
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t set = vandq_u8(a, bit);
    return (uint32_t)vaddv_u8(vget_low_u8(set)) | (uint32_t)vaddv_u8(vget_high_u8(set)) << 8;
}
#else
typedef struct Simd16 {
    uint8_t byte[16];
} Simd16;
static inline Simd16 simd_load(const void *from) {
    Simd16 out;
    memcpy(out.byte, from, 16);
    return out;
}
static inline Simd16 simd_fill(char c) {
    Simd16 out;
    memset(out.byte, c, 16);
    return out;
}
static inline Simd16 simd_eq(Simd16 a, Simd16 b) {
    for (int i = 0; i < 16; i++) a.byte[i] = a.byte[i] == b.byte[i] ? 0xFF : 0;
    return a;
}
static inline Simd16 simd_or(Simd16 a, Simd16 b) {
    for (int i = 0; i < 16; i++) a.byte[i] |= b.byte[i];
    return a;
}
static inline Simd16 simd_le(Simd16 a, Simd16 b) {
    for (int i = 0; i < 16; i++) a.byte[i] = a.byte[i] <= b.byte[i] ? 0xFF : 0;
    return a;
}
static inline uint32_t simd_mask(Simd16 a) {
    uint32_t mask = 0;
    for (uint32_t i = 0; i < 16; i++) mask |= (uint32_t)(a.byte[i] >> 7) << i;
    return mask;
}
#endif

// Bit i is set when an odd number of bits of [mask] up to and including i is set: what lies between
// two quotes, the opening one included.
static inline uint64_t bits_between(uint64_t mask) {
    mask ^= mask << 1;
    mask ^= mask << 2;
    mask ^= mask << 4;
    mask ^= mask << 8;
    mask ^= mask << 16;
    mask ^= mask << 32;
    return mask;
}
