// ml/graph/math_avx512.c - the loops for machines with AVX512 (math.c asks before it calls).
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "ml/graph/math.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma")
#endif

#define WIDTH 16
#define MATH MATH_AVX512
#define MATH_NAME "avx512"
#include "ml/graph/math_int.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
typedef int MathNothing;  // a file is never empty
#endif
