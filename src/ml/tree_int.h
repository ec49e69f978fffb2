// ml/tree_int.h - what tree.c and tree_slice.c share; nobody else includes it.
#pragma once

#include "ml/tree.h"

typedef struct TreeSlice TreeSlice;
typedef struct WalkNode WalkNode;

struct TreeEnsemble {
    TreeSpec spec;     // copies, owned
    bool *used;        // features that some node asks for
    TreeSlice *slice;  // NULL: the trees are too large for it
    uint32_t depth;
    WalkNode *walk;         // all trees, level by level; NULL: some question is not TREE_LE
    uint32_t *walk_node;    // the number of each in [spec]
    uint32_t *walk_root, *walk_depth;  // of each tree
    uint32_t any_feature;   // one that is used
};

enum { SLICE_ROWS = 256 };  // of a block: one AVX2 register has a bit for each

// NULL when walking is quicker.
TreeSlice *slice_new(const TreeEnsemble *self);
void slice_free(TreeSlice *slice);
uint64_t slice_bytes(const TreeSlice *slice);

// What a block of at most SLICE_ROWS rows is asked; [leaf] and [out] as in tree.h, for this block:
// leaf[tree * stride + row].
typedef struct SliceJob {
    const double *const *column;  // of the block, rounded
    uint32_t rows, stride;
    TreeFold fold;
    double *out;     // or NULL
    uint32_t *leaf;  // or NULL
    uint64_t *bits;  // slice_scratch(slice) words, aligned to 32 bytes
} SliceJob;

size_t slice_scratch(const TreeSlice *slice);
void slice_run(const TreeEnsemble *self, const SliceJob *job);

bool tree_yes(const TreeSpec *spec, const TreeNode *node, double value);

static inline void tree_fold_one(double *out, double value, TreeFold fold) {
    if (fold == TREE_SUM) *out += value;
    else if (fold == TREE_MIN ? value < *out : value > *out) *out = value;
}
