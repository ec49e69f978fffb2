// ml/pmml/fast_trees.h - <TreeModel>s and models made of them as a flat ensemble.
#pragma once

#include "ml/pmml/mining_int.h"
#include "ml/pmml/tree.h"

typedef struct FastFeature {
    const Field *field;   // an input of the outermost model, or made of such
    bool by_category;     // codes of values; else its numbers
    Value *category;      // [categories]: the code is the index
    uint32_t categories;
} FastFeature;

typedef struct FastTrees {
    TreeEnsemble *trees;
    FastFeature *feature;
    uint32_t features;
    bool exact;           // missing values take directions, as the document says
    bool classes;         // an output a class; else one number
    Value *category;
    uint32_t categories;
    double divisor;       // of the sums
    const PmmlNode **leaf;  // of each node of the ensemble; of a single tree only, else NULL
} FastTrees;

// False: that cannot be done. On success [out] lies in the arena, but for its ensemble.
bool fast_trees_new(const Model *model, Arena *arena, FastTrees *out);
