// The loops of every kind of machine that this one can run, against what libm and a plain loop
// give.
#include "ml/graph/math.h"

#include <math.h>

#include "base/mem.h"
#include "test/unit.h"

static uint64_t seed = 1;

// Between -1 and 1.
static float chance(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(seed >> 40) / (double)(1 << 23) - 1);
}

// How far apart, in units of the last place of the exact value.
static double ulps(float got, double exact) {
    if (isnan(exact) || isinf(exact)) return isnan(exact) ? !isnan(got) : (double)got != exact;
    double unit = fmax(fabs(exact) * 0x1p-23, 0x1p-149);
    return fabs((double)got - exact) / unit;
}

static double exact_of(MathUnary kind, double x) {
    return kind == MATH_EXP ? exp(x) : kind == MATH_TANH ? tanh(x) : 1 / (1 + exp(-x));
}

TEST(math, functions_are_good_to_a_few_units) {
    static const MathUnary KINDS[] = {MATH_EXP, MATH_TANH, MATH_SIGMOID};
    for (const Math *const *with = math_all(); *with; with++) {
        for (uint32_t k = 0; k < 3; k++) {
            double worst = 0;
            for (uint32_t i = 0; i < 20000; i++) {
                float x = chance() * (i % 3 == 0 ? 1.0f : i % 3 == 1 ? 10.0f : 86.0f), y;
                (*with)->unary[KINDS[k]](&x, &y, 1, 0, 0);
                worst = fmax(worst, ulps(y, exact_of(KINDS[k], (double)x)));
            }
            CHECK(worst < 4);
        }
    }
}

TEST(math, functions_keep_their_ends) {
    for (const Math *const *with = math_all(); *with; with++) {
        float in[5] = {INFINITY, -INFINITY, NAN, 0, 200}, out[5];
        (*with)->unary[MATH_EXP](in, out, 5, 0, 0);
        CHECK(isinf(out[0]) && out[1] == 0 && isnan(out[2]) && out[3] == 1 && isinf(out[4]));
        (*with)->unary[MATH_TANH](in, out, 5, 0, 0);
        CHECK(out[0] == 1 && out[1] == -1 && isnan(out[2]) && out[3] == 0 && out[4] == 1);
        (*with)->unary[MATH_SIGMOID](in, out, 5, 0, 0);
        CHECK(out[0] == 1 && out[1] == 0 && isnan(out[2]) && out[3] == 0.5f && out[4] == 1);
        (*with)->unary[MATH_RELU](in, out, 5, 0, 0);
        CHECK(isinf(out[0]) && out[1] == 0 && isnan(out[2]) && out[3] == 0);
    }
}

TEST(math, products_of_all_sizes_are_those_of_a_plain_loop) {
    static const size_t SIZES[][3] = {{1, 1, 1},   {1, 33, 130}, {2, 5, 16},  {7, 3, 17},
                                      {13, 64, 64}, {25, 100, 1}, {40, 1, 70}, {5, 0, 3}};
    for (const Math *const *with = math_all(); *with; with++) {
        for (uint32_t s = 0; s < sizeof SIZES / sizeof SIZES[0]; s++) {
            size_t rows = SIZES[s][0], k = SIZES[s][1], columns = SIZES[s][2];
            float *a = NEW_ARRAY(float, rows * k + 1), *b = NEW_ARRAY(float, k * columns + 1);
            float *bias = NEW_ARRAY(float, columns), *c = NEW_ARRAY(float, rows * columns);
            float *packed = NEW_ARRAY(float, math_packed(k, columns) + 1);
            for (size_t i = 0; i < rows * k; i++) a[i] = chance();
            for (size_t i = 0; i < k * columns; i++) b[i] = chance();
            for (size_t i = 0; i < columns; i++) bias[i] = chance();
            for (size_t i = 0; i < rows * columns; i++) c[i] = 1;
            math_pack(b, columns, 1, k, columns, packed);
            (*with)->gemm(a, k, packed, bias, c, columns, rows, k, columns, true);
            for (size_t i = 0; i < rows; i++) {
                for (size_t j = 0; j < columns; j++) {
                    double sum = 1 + (double)bias[j];
                    for (size_t n = 0; n < k; n++) {
                        sum += (double)a[i * k + n] * (double)b[n * columns + j];
                    }
                    CHECK(fabs((double)c[i * columns + j] - sum) < 1e-5 * (1 + (double)k / 8));
                }
            }
            mem_free(a);
            mem_free(b);
            mem_free(bias);
            mem_free(c);
            mem_free(packed);
        }
    }
}

TEST(math, operands_of_one_value_are_repeated) {
    for (const Math *const *with = math_all(); *with; with++) {
        float a[21], b[21], out[21], one = 3;
        for (uint32_t i = 0; i < 21; i++) a[i] = chance(), b[i] = chance();
        (*with)->binary[MATH_SUB](a, b, out, 21, 0);
        for (uint32_t i = 0; i < 21; i++) CHECK(out[i] == a[i] - b[i]);
        (*with)->binary[MATH_SUB](&one, b, out, 21, 1);
        for (uint32_t i = 0; i < 21; i++) CHECK(out[i] == 3 - b[i]);
        (*with)->binary[MATH_DIV](a, &one, out, 21, 2);
        for (uint32_t i = 0; i < 21; i++) CHECK(out[i] == a[i] / 3);
        CHECK(fabsf((*with)->sum(a, 21) + (*with)->dot(a, b, 0) - (*with)->sum(a, 21)) == 0);
    }
}
