// ml/train/optimize.h - finds the least of a smooth function of many numbers, plus the sum of their
// sizes: L-BFGS (Liu, Nocedal, 1989), in its orthant-wise form where there is such a sum (Andrew,
// Gao, 2007).
#pragma once

#include "ml/train/train_int.h"

// The value at [w], and its slope there.
typedef double (*Objective)(void *arg, const double *w, double *slope);

// [w] is where to begin and what comes of it. [size_weight]: of each number's size; NULL: none.
// Ends after [steps], or when the largest slope is below [tolerance] times what it was, at least 1.
Status minimise(MlTrainer *trainer, Objective objective, void *arg, double *w, uint32_t count,
                const double *size_weight, uint32_t steps, double tolerance, Error *err);
