// ml/series/general_int.h - the weights of the general network, for those who ask and who train.
#pragma once

#include <stdatomic.h>

#include "ml/series/general.h"

// By input: the units of a layer lie side by side, so that they are summed at once.
typedef struct GeneralWeights {
    // An input is seen as its distance from what was usual in lessons, in deviations, and not as
    // further off than GENERAL_FAR: of what was never seen the network should not be all too sure.
    float mean[GENERAL_FEATURES], inverse[GENERAL_FEATURES];  // inverse 0: it was always the same
    float first[GENERAL_FEATURES][GENERAL_FIRST], first_bias[GENERAL_FIRST];
    float second[GENERAL_FIRST][GENERAL_SECOND], second_bias[GENERAL_SECOND];
    float last[GENERAL_SECOND], last_bias;
} GeneralWeights;
_Static_assert(sizeof(GeneralWeights) == GENERAL_WEIGHTS * sizeof(float), "weights are an array");

struct SeriesGeneral {
    _Atomic uint32_t refs;
    uint64_t number;
    GeneralWeights weights;
};

// What the units of both layers give for a case.
typedef struct GeneralUnits {
    float first[GENERAL_FIRST], second[GENERAL_SECOND];
} GeneralUnits;

#define GENERAL_LEAK 0.1f  // of units below zero
#define GENERAL_FAR 4.0f

void general_see(const GeneralWeights *weights, const GeneralCase *at,
                 float seen[GENERAL_FEATURES]);
// The answer to what is seen, before the logistic.
float general_forward(const GeneralWeights *weights, const float *x, GeneralUnits *units);
SeriesGeneral *general_new(const GeneralWeights *weights);  // a copy
