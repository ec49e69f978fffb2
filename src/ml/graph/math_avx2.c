// ml/graph/math_avx2.c - the loops for machines with AVX2 (math.c asks before it calls).
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "ml/graph/math.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define WIDTH 8
#define MATH MATH_AVX2
#define MATH_NAME "avx2"
#include "ml/graph/math_int.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
typedef int MathNothing;  // a file is never empty
#endif
