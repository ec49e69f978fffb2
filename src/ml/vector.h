// ml/vector.h - sums over rows of numbers, eight at a time. The order of the additions is written
// down, so that every build gives the same bits.
#pragma once

#include <stdint.h>
#include <string.h>

typedef double Vector2 __attribute__((vector_size(16)));

static inline Vector2 vector_at(const double *from) {  // from any place
    Vector2 out;
    memcpy(&out, from, sizeof out);
    return out;
}

static inline double vector_dot(const double *a, const double *b, uint32_t count) {
    Vector2 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) {
        s0 += vector_at(a + i) * vector_at(b + i);
        s1 += vector_at(a + i + 2) * vector_at(b + i + 2);
        s2 += vector_at(a + i + 4) * vector_at(b + i + 4);
        s3 += vector_at(a + i + 6) * vector_at(b + i + 6);
    }
    s0 += s1 + (s2 + s3);
    double sum = s0[0] + s0[1];
    for (; i < count; i++) sum += a[i] * b[i];
    return sum;
}

static inline void vector_add(double *to, double times, const double *from, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) to[i] += times * from[i];
}

static inline double vector_distance(const double *a, const double *b, uint32_t count) {  // squared
    Vector2 s0 = {0}, s1 = {0};
    uint32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        Vector2 d0 = vector_at(a + i) - vector_at(b + i);
        Vector2 d1 = vector_at(a + i + 2) - vector_at(b + i + 2);
        s0 += d0 * d0;
        s1 += d1 * d1;
    }
    s0 += s1;
    double sum = s0[0] + s0[1];
    for (; i < count; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}
