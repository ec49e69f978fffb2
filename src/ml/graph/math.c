// ml/graph/math.c - the loops for any machine, and the choice among those that were built.
#define WIDTH 4
#define MATH MATH_PLAIN
#define MATH_NAME "plain"
#include "ml/graph/math_int.h"

#include <stdatomic.h>

#include "base/sanitizer.h"

extern const Math MATH_AVX2, MATH_AVX512;

// The best first: what runs the loops of one runs those behind it.
static const Math *const ALL[] = {
#if defined(__x86_64__)
    &MATH_AVX512, &MATH_AVX2,
#endif
    &MATH_PLAIN, NULL,
};

// gcc before 13.3 does not align vectors of 64 bytes in the stack frames that its address sanitizer
// checks for use after return (its bug 110027): that build does without them.
#if SANITIZED_ADDRESS && !defined(__clang__)
enum { WIDE = 0 };
#else
enum { WIDE = 1 };
#endif

static uint32_t choose(void) {
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    return avx2 && avx512 && WIDE ? 0 : avx2 ? 1 : 2;
#else
    return 0;
#endif
}

// Threads that choose at the same time choose the same.
const Math *const *math_all(void) {
    static _Atomic uint32_t chosen;  // + 1
    uint32_t at = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!at) atomic_store_explicit(&chosen, at = choose() + 1, memory_order_relaxed);
    return ALL + at - 1;
}

const Math *math(void) {
    return math_all()[0];
}

void math_pack(const float *b, size_t row_step, size_t column_step, size_t k, size_t columns,
               float *out) {
    for (size_t panel = 0; panel < columns; panel += PANEL) {
        size_t width = columns - panel < PANEL ? columns - panel : PANEL;
        for (size_t i = 0; i < k; i++, out += PANEL) {
            const float *from = b + i * row_step + panel * column_step;
            for (size_t j = 0; j < width; j++) out[j] = from[j * column_step];
            for (size_t j = width; j < PANEL; j++) out[j] = 0;
        }
    }
}
