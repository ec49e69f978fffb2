// The structural index of CSV: where separators, line ends and quotes stand. Each 64 bytes become
// one bit mask by comparing whole vectors (Langdale and Lemire, "Parsing gigabytes of JSON per
// second", 2019), and the set bits become places. Quotes are not resolved here, as simdjson and its
// CSV relatives do by a prefix sum: in Jackson's dialect a quote in the middle of a field is an
// ordinary byte, which only the walk over the fields can know.
#include "base/simd.h"
#include "format/csv/csv_int.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Appends the places of the set bits, eight at a time: stores past the count are overwritten by the
// next call, which is cheaper than a branch for each bit.
static inline uint32_t *put_bits(uint32_t *out, uint64_t mask, uint32_t base) {
    uint32_t count = (uint32_t)__builtin_popcountll(mask);
    uint32_t *end = out + count;
    while (mask) {
        for (int i = 0; i < 8; i++) {
            *out++ = base + (uint32_t)(mask ? __builtin_ctzll(mask) : 0);
            mask &= mask - 1;
        }
    }
    return end;
}

static inline uint64_t last_mask(uint32_t left) {
    return left >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << left) - 1;
}

static uint32_t index_simd16(const char *bytes, uint32_t size, CsvMarks marks, uint32_t *out) {
    uint32_t *at = out;
    Simd16 mark[5];
    for (int i = 0; i < 5; i++) mark[i] = simd_fill(marks.byte[i]);
    for (uint32_t base = 0; base < size; base += 64) {
        uint64_t mask = 0;
        for (uint32_t part = 0; part < 64; part += 16) {
            Simd16 in = simd_load(bytes + base + part);
            Simd16 hit = simd_or(simd_or(simd_eq(in, mark[0]), simd_eq(in, mark[1])),
                                 simd_or(simd_eq(in, mark[2]), simd_eq(in, mark[3])));
            hit = simd_or(hit, simd_eq(in, mark[4]));
            mask |= (uint64_t)simd_mask(hit) << part;
        }
        at = put_bits(at, mask & last_mask(size - base), base);
    }
    return (uint32_t)(at - out);
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))) static uint32_t index_avx2(
    const char *bytes, uint32_t size, CsvMarks marks, uint32_t *out) {
    uint32_t *at = out;
    __m256i mark[5];
    for (int i = 0; i < 5; i++) mark[i] = _mm256_set1_epi8(marks.byte[i]);
    for (uint32_t base = 0; base < size; base += 64) {
        uint64_t mask = 0;
        for (uint32_t part = 0; part < 64; part += 32) {
            __m256i in = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + base + part));
            __m256i hit = _mm256_or_si256(
                _mm256_or_si256(_mm256_cmpeq_epi8(in, mark[0]), _mm256_cmpeq_epi8(in, mark[1])),
                _mm256_or_si256(_mm256_cmpeq_epi8(in, mark[2]), _mm256_cmpeq_epi8(in, mark[3])));
            hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(in, mark[4]));
            mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(hit) << part;
        }
        at = put_bits(at, mask & last_mask(size - base), base);
    }
    return (uint32_t)(at - out);
}
#endif

uint32_t csv_index(const char *bytes, uint32_t size, CsvMarks marks, uint32_t *out) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
        return index_avx2(bytes, size, marks, out);
    }
#endif
    return index_simd16(bytes, size, marks, out);
}
