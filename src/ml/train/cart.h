// ml/train/cart.h - grows one tree (CART: Breiman, Friedman, Olshen, Stone, 1984).
//
// Values are ranks: a feature's distinct values in order, once for all trees. A split of a node
// comes from a histogram over ranks, or, where the node has few rows, from sorting its ranks; both
// see every cut there is. Texts are cut by sets: categories in the order of their mean target,
// which is optimal for a number and for two classes (Breiman 4.2.2, Fisher); with more classes the
// order of each class is tried.
#pragma once

#include "ml/train/train_int.h"

typedef struct Ranks {
    uint32_t *rank;    // [rows]; a missing value has the rank [distinct]
    double *value;     // [distinct], ascending
    uint32_t distinct;
    bool text;
} Ranks;

typedef enum Criterion { CART_GINI, CART_ENTROPY, CART_VARIANCE } Criterion;

typedef struct CartSpec {
    Criterion criterion;
    uint32_t depth_max, split_min, leaf_min;  // rows, by weight
    uint32_t features_max;  // tried for each node; 0: all
    double gain_min;        // of impurity, weighted by the node's part of all rows
    uint32_t classes;       // 0: y is a number
} CartSpec;

// Trees as they grow, to be put together.
typedef struct Grove {
    WeirNode *node;
    double *value;
    uint64_t *set;
    uint32_t nodes, values, set_words;
    uint32_t node_cap, value_cap, set_cap;
} Grove;

void grove_free(Grove *grove);
uint32_t grove_node(Grove *grove);                    // one more, zeroed
uint32_t grove_values(Grove *grove, uint32_t count);  // where they begin
uint32_t grove_set(Grove *grove, uint32_t words);
// All trees of [grove][count] in the model's arena.
Trees *groves_join(Arena *arena, const Grove *grove, uint32_t count, uint32_t outputs);

Status ranks_make(MlTrainer *trainer, Ranks **out, Error *err);

// [row][count] are the rows to learn from, put into another order; [weight] of each row of the
// trainer, NULL: 1.
void cart_grow(const MlTrainer *trainer, const Ranks *ranks, const CartSpec *spec, uint32_t *row,
               uint32_t count, const double *weight, Rng *rng, Grove *out);
