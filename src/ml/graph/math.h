// ml/graph/math.h - the inner loops over floats: functions of one and two operands and the product
// of matrices, in vectors of the widest kind that the machine has.
//
// math_int.h is the code, compiled once for any machine, once for AVX2 with FMA and once for
// AVX-512; math() picks one. The functions are good to two or three units in the last place: the
// exponential by reduction to [-ln 2 / 2, ln 2 / 2] and a polynomial of degree 6, tanh by a
// rational form near zero and by the exponential elsewhere (the polynomials are those of Cephes,
// S. Moshier, 1992).
#pragma once

#include "base/status.h"

typedef enum MathUnary {
    MATH_EXP,
    MATH_TANH,
    MATH_SIGMOID,
    MATH_RELU,
    MATH_SQRT,
    MATH_RSQRT,
    MATH_SQUARE,
    MATH_NEG,
    MATH_ABS,
    MATH_RECIPROCAL,
    MATH_ELU,         // x < 0 ? a (e^x - 1) : x
    MATH_LEAKY_RELU,  // x < 0 ? a x : x
    MATH_CLIP,        // between a and b
    MATH_LINEAR,      // clip(a x + b, 0, 1): the hard sigmoid
    MATH_UNARY_COUNT_
} MathUnary;

typedef enum MathBinary {
    MATH_ADD,
    MATH_SUB,
    MATH_MUL,
    MATH_DIV,
    MATH_MIN,
    MATH_MAX,
    MATH_BINARY_COUNT_
} MathBinary;

// Columns of a packed matrix lie in panels of that many.
enum { PANEL = 16 };

typedef struct Math {
    const char *name;
    // May work in place.
    void (*unary[MATH_UNARY_COUNT_])(const float *in, float *out, size_t n, float a, float b);
    // Operands of one value are repeated: [one] is 0, or 1 when the left one is, 2 the right.
    void (*binary[MATH_BINARY_COUNT_])(const float *a, const float *b, float *out, size_t n,
                                       int one);
    // c = a × b + bias (or, with [add], + c). a is rows × k with [a_step] floats from row to row;
    // b packed (math_pack); bias of [columns] floats or NULL.
    void (*gemm)(const float *a, size_t a_step, const float *b, const float *bias, float *c,
                 size_t c_step, size_t rows, size_t k, size_t columns, bool add);
    float (*dot)(const float *a, const float *b, size_t n);
    float (*sum)(const float *a, size_t n);
    float (*max)(const float *a, size_t n);  // NaN where one is met: any of both
} Math;

const Math *math(void);
// All that this machine can run, NULL at the end: for tests.
const Math *const *math_all(void);

// The size in floats of a packed k × columns matrix.
static inline size_t math_packed(size_t k, size_t columns) {
    return (columns + PANEL - 1) / PANEL * PANEL * k;
}
// Packs b, whose value in row i and column j is b[i * row_step + j * column_step].
void math_pack(const float *b, size_t row_step, size_t column_step, size_t k, size_t columns,
               float *out);
