// ml/pmml/mining_int.h - <MiningModel>, as fast.c sees it.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef enum Method {
    METHOD_VOTE, METHOD_WEIGHTED_VOTE, METHOD_AVERAGE, METHOD_WEIGHTED_AVERAGE, METHOD_MEDIAN,
    METHOD_WEIGHTED_MEDIAN, METHOD_MAX, METHOD_SUM, METHOD_WEIGHTED_SUM, METHOD_SELECT_FIRST,
    METHOD_SELECT_ALL, METHOD_CHAIN, METHOD_MULTI_CHAIN,
} Method;

typedef struct Segment {
    Str id;
    double weight;
    const Predicate *predicate;
    const Model *model;
} Segment;

typedef struct Mining {
    uint8_t method;      // Method
    uint8_t on_missing;  // of model_mining.c
    double threshold;    // the share of weights without a prediction above which there is none
    Segment *segment;
    uint32_t segments;
} Mining;
