// ml/tree.h - ensembles of decision trees as flat arrays: whoever reads trees from a file or grows
// them fills a TreeSpec, tree_new checks it and lays it out for speed, and rows are scored in
// batches, column by column.
//
// Values are doubles, NaN where one is missing. A node asks one question of one feature: yes goes
// to [left], no to [right]. All comparisons of the known formats come down to TREE_LE:
//     x <= t: TREE_LE, t                  x > t:  the same with its children exchanged
//     x < t:  TREE_LE, tree_below(t)      x >= t: that with its children exchanged
//     x == t: TREE_EQ
// A missing value goes where [missing_left] says, whatever the test; TREE_MISSING asks for nothing
// else. Where a format knows features as single precision (XGBoost, ONNX) the feature's [single] is
// set: its values are rounded so before they are compared, and thresholds ought to be.
//
// Results: tree_sum adds up, over all trees, what the leaves hold; averages, weights and votes come
// down to sums when leaves are filled accordingly. tree_leaves tells the leaf that each row
// reached.
//
// Memory: an ensemble owns all it needs; a TreeSpec may go once tree_new has returned.
// Threads: an ensemble never changes; any number of threads.
//
// How: the trees of an ensemble ask few different questions, again and again, and small trees have
// few leaves. So (tree_slice.c) a block of 256 rows is turned into one bit vector of 256 bits for
// each different question, and a tree is walked once for the whole block: at each node the vector
// of the rows that are here splits in two. The leaf's number is put together from bits, too. That
// is the idea of bit slicing (Knuth 7.1.3) applied to QuickScorer's conditions (Lucchese et al.,
// SIGIR 2015). Where trees are large rows walk, eight of them abreast, so that their cache
// misses overlap; a single row walks through eight trees at a time.
#pragma once

#include "base/mem.h"

typedef enum TreeTest {
    TREE_LEAF,
    TREE_LE,       // value <= threshold
    TREE_EQ,       // value == threshold
    TREE_IN,       // a category, 0, 1, 2 ..., whose bit is set: see [set]; others: no
    TREE_MISSING,  // value is NaN
} TreeTest;

typedef struct TreeNode {
    double threshold;
    uint32_t left, right;  // nodes; of a leaf: left is where its values begin in TreeSpec.value
    uint32_t feature;
    uint32_t set;          // TREE_IN: the first word of its bits in TreeSpec.set
    uint16_t set_words;
    uint8_t test;          // TreeTest
    bool missing_left;
} TreeNode;

typedef struct Tree {
    uint32_t root;       // a node
    uint32_t out, outs;  // its leaves hold [outs] values for the outputs from [out] on
} Tree;

typedef struct TreeSpec {
    TreeNode *node;  // each has one parent, but for roots
    Tree *tree;
    double *value;   // of leaves
    uint64_t *set;   // bits of TREE_IN
    bool *single;    // a feature, or NULL: none
    uint32_t nodes, trees, values, set_words, features;
    uint32_t outputs;
} TreeSpec;

typedef enum TreeFold { TREE_SUM, TREE_MIN, TREE_MAX } TreeFold;

enum {
    TREE_NODES_MAX = 1 << 28,
    TREE_DEPTH_MAX = 4096,  // deeper is a list, not a tree; walks keep a stack
};

typedef struct TreeEnsemble TreeEnsemble;  // opaque, see tree_int.h

// The largest double (of a [single] feature: float) below [threshold], for x < threshold.
double tree_below(double threshold, bool single);

// ST_VALIDATION when numbers point nowhere, a node has two parents or trees are too deep.
NODISCARD Status tree_new(const TreeSpec *spec, TreeEnsemble **out, Error *err);
void tree_free(TreeEnsemble *self);  // NULL is fine
uint64_t tree_bytes(const TreeEnsemble *self);
uint32_t tree_nodes(const TreeEnsemble *self);

// Folds the leaves' values into out[row * outputs + output], which the caller has filled (zeros, a
// base score). [column]: an array of [rows] values a feature; features that no node asks for may
// be NULL.
void tree_fold(const TreeEnsemble *self, const double *const *column, uint32_t rows, TreeFold fold,
               double *out, Arena *scratch);
static inline void tree_sum(const TreeEnsemble *self, const double *const *column, uint32_t rows,
                            double *out, Arena *scratch) {
    tree_fold(self, column, rows, TREE_SUM, out, scratch);
}
// The nodes that are the rows' leaves: leaf[tree * rows + row], numbers of TreeSpec.node.
void tree_leaves(const TreeEnsemble *self, const double *const *column, uint32_t rows,
                 uint32_t *leaf, Arena *scratch);
// One row, its features one after the other: the quickest way for a single one.
void tree_row(const TreeEnsemble *self, const double *feature, double *out);
