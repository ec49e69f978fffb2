// ml/graph/math_int.h - the code of math.h for one kind of machine. The file that includes it sets
// WIDTH, the floats of a vector, and MATH, the name of its table.
#pragma once

#include <math.h>
#include <string.h>

#include "ml/graph/math.h"

typedef float V __attribute__((vector_size(WIDTH * 4)));
typedef int32_t I __attribute__((vector_size(WIDTH * 4)));
#define INLINE static inline __attribute__((always_inline))

INLINE V load(const float *at) {
    V v;
    memcpy(&v, at, sizeof v);
    return v;
}
INLINE void store(float *at, V v) {
    memcpy(at, &v, sizeof v);
}
INLINE V fill(float x) {
    return (V){0} + x;
}
INLINE V pick(I mask, V yes, V no) {
    return (V)(((I)yes & mask) | ((I)no & ~mask));
}
INLINE V least(V a, V b) {  // NaN of a stays
    return pick(b < a, b, a);
}
INLINE V most(V a, V b) {
    return pick(b > a, b, a);
}
INLINE V absolute(V x) {
    return (V)((I)x & 0x7FFFFFFF);
}

// Beyond the clamps the result is 0 or infinite. 2^n is made in two factors, for n reaches 128 and
// -150, which no exponent of a float holds.
INLINE V v_exp(V x) {
    x = least(x, fill(89.0f));
    x = most(x, fill(-104.0f));
    V n = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;  // rounds to the nearest
    V r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    I whole = __builtin_convertvector(pick(n == n, n, fill(0)), I);
    I half = whole >> 1;
    V low = (V)((half + 127) << 23), high = (V)((whole - half + 127) << 23);
    return p * low * high;
}

INLINE V v_sigmoid(V x) {
    return 1.0f / (1.0f + v_exp(-x));
}

INLINE V v_tanh(V x) {
    V size = absolute(x), square = x * x;
    V p = square * -5.70498872745e-3f + 2.06390887954e-2f;
    p = p * square + -5.37397155531e-2f;
    p = p * square + 1.33314422036e-1f;
    p = p * square + -3.33332819422e-1f;
    V near = p * square * x + x;
    V far = 1.0f - 2.0f / (v_exp(size + size) + 1.0f);
    far = (V)((I)far | ((I)x & (int32_t)0x80000000));  // the sign of x
    return pick(size < 0.625f, near, pick(x == x, far, x));
}

INLINE V v_sqrt(V x) {
    for (int i = 0; i < WIDTH; i++) x[i] = sqrtf(x[i]);
    return x;
}

#define UNARY(NAME, EXPRESSION)                                                             \
    static void NAME(const float *in, float *out, size_t n, float a, float b) {             \
        (void)a, (void)b;                                                                   \
        size_t i = 0;                                                                       \
        for (; i + WIDTH <= n; i += WIDTH) {                                                \
            V x = load(in + i);                                                             \
            store(out + i, EXPRESSION);                                                     \
        }                                                                                   \
        if (i == n) return;                                                                 \
        float rest[WIDTH] = {0};                                                            \
        memcpy(rest, in + i, (n - i) * sizeof(float));                                      \
        V x = load(rest);                                                                   \
        store(rest, EXPRESSION);                                                            \
        memcpy(out + i, rest, (n - i) * sizeof(float));                                     \
    }

UNARY(exp_all, v_exp(x))
UNARY(tanh_all, v_tanh(x))
UNARY(sigmoid_all, v_sigmoid(x))
UNARY(relu_all, pick(x < 0.0f, fill(0), x))
UNARY(sqrt_all, v_sqrt(x))
UNARY(rsqrt_all, 1.0f / v_sqrt(x))
UNARY(square_all, x * x)
UNARY(neg_all, -x)
UNARY(abs_all, absolute(x))
UNARY(reciprocal_all, 1.0f / x)
UNARY(elu_all, pick(x < 0.0f, a * (v_exp(x) - 1.0f), x))
UNARY(leaky_relu_all, pick(x < 0.0f, a * x, x))
UNARY(clip_all, least(most(x, fill(a)), fill(b)))
UNARY(linear_all, least(most(a * x + b, fill(0)), fill(1)))

#define BINARY(NAME, EXPRESSION)                                                            \
    INLINE void NAME##_of(const float *a, const float *b, float *out, size_t n, size_t sa,  \
                          size_t sb) {                                                      \
        size_t i = 0;                                                                       \
        for (; i + WIDTH <= n; i += WIDTH) {                                                \
            V x = sa ? load(a + i) : fill(*a), y = sb ? load(b + i) : fill(*b);             \
            store(out + i, EXPRESSION);                                                     \
        }                                                                                   \
        if (i == n) return;                                                                 \
        float left[WIDTH] = {0}, right[WIDTH] = {0};                                        \
        for (size_t k = i; k < n; k++) left[k - i] = a[k * sa], right[k - i] = b[k * sb];   \
        V x = load(left), y = load(right);                                                  \
        store(left, EXPRESSION);                                                            \
        memcpy(out + i, left, (n - i) * sizeof(float));                                     \
    }                                                                                       \
    static void NAME(const float *a, const float *b, float *out, size_t n, int one) {       \
        if (one == 0) NAME##_of(a, b, out, n, 1, 1);                                        \
        if (one == 1) NAME##_of(a, b, out, n, 0, 1);                                        \
        if (one == 2) NAME##_of(a, b, out, n, 1, 0);                                        \
    }

BINARY(add_all, x + y)
BINARY(sub_all, x - y)
BINARY(mul_all, x * y)
BINARY(div_all, x / y)
BINARY(min_all, pick(y == y, least(x, y), y))
BINARY(max_all, pick(y == y, most(x, y), y))

// ROWS rows of c by PARTS panels: all sums stay in registers while k runs.
enum { PARTS_OF_PANEL = PANEL / WIDTH };
#define BLOCK(NAME, ROWS, PANELS)                                                           \
    INLINE void NAME(const float *a, size_t a_step, const float *b, size_t k, V sum[]) {    \
        V s[(ROWS) * (PANELS) * PARTS_OF_PANEL];                                            \
        for (int i = 0; i < (ROWS) * (PANELS) * PARTS_OF_PANEL; i++) s[i] = fill(0);        \
        for (size_t at = 0; at < k; at++) {                                                 \
            _Pragma("GCC unroll 16") for (int p = 0; p < (PANELS) * PARTS_OF_PANEL; p++) {  \
                V column = load(b + ((size_t)(p / PARTS_OF_PANEL) * k + at) * PANEL +       \
                                (size_t)(p % PARTS_OF_PANEL) * WIDTH);                      \
                _Pragma("GCC unroll 16") for (int r = 0; r < (ROWS); r++) {                 \
                    s[r * (PANELS) * PARTS_OF_PANEL + p] += a[(size_t)r * a_step + at] * column; \
                }                                                                           \
            }                                                                               \
        }                                                                                   \
        for (int i = 0; i < (ROWS) * (PANELS) * PARTS_OF_PANEL; i++) sum[i] = s[i];         \
    }

#if WIDTH == 16
enum { ROWS_MAX = 12 };
#else
enum { ROWS_MAX = 6 };
#endif
BLOCK(block_many, ROWS_MAX, 1)
BLOCK(block_four, 4, 1)
BLOCK(block_one, 1, 1)
BLOCK(block_wide, 1, 4)

// Writes [panels] panels of a row of sums: all of them full but perhaps the last.
INLINE void put_row(const V *sum, int panels, const float *bias, float *c, size_t columns,
                    bool add) {
    float row[4 * PANEL];
    if (columns == (size_t)panels * PANEL) {
        for (int i = 0; i < panels * PARTS_OF_PANEL; i++) {
            V v = sum[i];
            if (bias) v += load(bias + i * WIDTH);
            if (add) v += load(c + i * WIDTH);
            store(c + i * WIDTH, v);
        }
        return;
    }
    for (int i = 0; i < panels * PARTS_OF_PANEL; i++) store(row + i * WIDTH, sum[i]);
    for (size_t i = 0; i < columns; i++) {
        c[i] = row[i] + (bias ? bias[i] : 0) + (add ? c[i] : 0);
    }
}

// One row: four panels at a time, for their sums do not wait for each other.
static void gemm_row(const float *a, const float *b, const float *bias, float *c, size_t k,
                     size_t columns, bool add) {
    size_t j = 0;
    V sum[4 * PARTS_OF_PANEL];
    for (; j + 4 * PANEL <= columns; j += 4 * PANEL) {
        block_wide(a, 0, b + j * k, k, sum);
        put_row(sum, 4, bias ? bias + j : NULL, c + j, 4 * PANEL, add);
    }
    for (; j < columns; j += PANEL) {
        block_one(a, 0, b + j * k, k, sum);
        size_t left = columns - j < PANEL ? columns - j : PANEL;
        put_row(sum, 1, bias ? bias + j : NULL, c + j, left, add);
    }
}

#define ROWS_OF_BLOCK(BLOCK_OF, ROWS)                                                       \
    for (; i + (ROWS) <= rows; i += (ROWS)) {                                               \
        V sum[(ROWS) * PARTS_OF_PANEL];                                                     \
        BLOCK_OF(a + i * a_step, a_step, b + j * k, k, sum);                                \
        for (size_t r = 0; r < (ROWS); r++) {                                               \
            put_row(sum + r * PARTS_OF_PANEL, 1, bias ? bias + j : NULL,                    \
                    c + (i + r) * c_step + j, left, add);                                   \
        }                                                                                   \
    }

static void gemm_all(const float *a, size_t a_step, const float *b, const float *bias, float *c,
                     size_t c_step, size_t rows, size_t k, size_t columns, bool add) {
    if (rows == 1) {
        gemm_row(a, b, bias, c, k, columns, add);
        return;
    }
    for (size_t j = 0; j < columns; j += PANEL) {
        size_t left = columns - j < PANEL ? columns - j : PANEL, i = 0;
        ROWS_OF_BLOCK(block_many, (size_t)ROWS_MAX)
        ROWS_OF_BLOCK(block_four, (size_t)4)
        ROWS_OF_BLOCK(block_one, (size_t)1)
    }
}

static float dot_all(const float *a, const float *b, size_t n) {
    V s = fill(0);
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) s += load(a + i) * load(b + i);
    float sum = 0;
    for (int k = 0; k < WIDTH; k++) sum += s[k];
    for (; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static float sum_all(const float *a, size_t n) {
    V s = fill(0);
    size_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) s += load(a + i);
    float sum = 0;
    for (int k = 0; k < WIDTH; k++) sum += s[k];
    for (; i < n; i++) sum += a[i];
    return sum;
}

static float max_of_all(const float *a, size_t n) {
    float most_of = -INFINITY;
    size_t i = 0;
    if (n >= WIDTH) {
        V s = load(a);
        for (i = WIDTH; i + WIDTH <= n; i += WIDTH) s = most(s, load(a + i));
        for (int k = 0; k < WIDTH; k++) most_of = s[k] > most_of ? s[k] : most_of;
    }
    for (; i < n; i++) most_of = a[i] > most_of ? a[i] : most_of;
    return most_of;
}

extern const Math MATH;
const Math MATH = {
    .name = MATH_NAME,
    .unary = {exp_all, tanh_all, sigmoid_all, relu_all, sqrt_all, rsqrt_all, square_all, neg_all,
              abs_all, reciprocal_all, elu_all, leaky_relu_all, clip_all, linear_all},
    .binary = {add_all, sub_all, mul_all, div_all, min_all, max_all},
    .gemm = gemm_all,
    .dot = dot_all,
    .sum = sum_all,
    .max = max_of_all,
};
