// ml/pmml/tree.h - <TreeModel>, as fast.c sees it.
#pragma once

#include "ml/pmml/regression.h"

typedef enum MissingStrategy {
    MISSING_NONE, MISSING_NULL, MISSING_LAST, MISSING_DEFAULT_CHILD, MISSING_WEIGHTED,
    MISSING_AGGREGATE,
} MissingStrategy;

typedef struct PmmlNode PmmlNode;
struct PmmlNode {
    const Predicate *predicate;
    const PmmlNode *child;     // [children], one behind the other
    const PmmlNode *fallback;  // the default child, or NULL
    uint32_t children;
    Str id;
    bool has_score;
    Value score;               // as the target has it
    double number;             // of a regression
    const Value *category;     // of its distribution
    const double *probability, *count, *confidence;  // beside; probabilities sum to 1
    uint32_t categories;
    double records;
    const Regression *embedded;  // answers instead, or NULL
};

typedef struct TreeModel {
    PmmlNode root;
    uint8_t missing;       // MissingStrategy
    bool last_prediction;  // where no child is true
    double penalty;
    uint32_t nodes;
} TreeModel;
