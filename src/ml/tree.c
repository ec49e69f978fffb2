// ml/tree.c - checking ensembles, and rows that walk through them. Blocks of rows over small trees:
// tree_slice.c.
#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "ml/tree_int.h"

enum {
    LANES = 8,
    WALK_ROWS = 2048,  // of a block: a tree stays in the cache for so many
    WALK_LEAF = 1 << 30,
    WALK_MISSING_LEFT = 1 << 29,
    WALK_FEATURE = WALK_MISSING_LEFT - 1,
};

// Where all questions are TREE_LE: a node with its children side by side.
struct WalkNode {
    double threshold;
    uint32_t feature;  // and flags
    uint32_t child;    // the left one; a leaf's is itself
};

double tree_below(double threshold, bool single) {
    if (single) return (double)nextafterf((float)threshold, -INFINITY);
    return nextafter(threshold, -INFINITY);
}

static Status check_node(const TreeSpec *spec, uint32_t n, uint32_t outs, Error *err) {
    const TreeNode *node = &spec->node[n];
    if (node->test == TREE_LEAF) {
        if ((uint64_t)node->left + outs <= spec->values) return ST_OK;
        return error_set(err, ST_VALIDATION, "node %u: a leaf without values", n);
    }
    if (node->test > TREE_MISSING) {
        return error_set(err, ST_VALIDATION, "node %u: there is no test %u", n, node->test);
    }
    if (node->feature >= spec->features) {
        return error_set(err, ST_VALIDATION, "node %u: there is no feature %u", n, node->feature);
    }
    if (node->threshold != node->threshold) {
        return error_set(err, ST_VALIDATION, "node %u: its threshold is not a number", n);
    }
    if (node->test == TREE_IN && (uint64_t)node->set + node->set_words > spec->set_words) {
        return error_set(err, ST_VALIDATION, "node %u: a set without bits", n);
    }
    if (node->left >= spec->nodes || node->right >= spec->nodes) {
        return error_set(err, ST_VALIDATION, "node %u: a child that is not there", n);
    }
    return ST_OK;
}

// From the root down, with a stack of our own; a node that is met twice is one of a circle or a
// net.
static Status check_tree(const TreeSpec *spec, uint32_t t, uint64_t *met, uint32_t *depth_max,
                         Error *err) {
    const Tree *tree = &spec->tree[t];
    if (tree->root >= spec->nodes || (uint64_t)tree->out + tree->outs > spec->outputs) {
        return error_set(err, ST_VALIDATION, "tree %u: its root or its outputs are not there", t);
    }
    uint32_t *stack = mem_alloc(sizeof *stack * (TREE_DEPTH_MAX + 1) * 2);
    uint32_t depth = 0;
    Status st = ST_OK;
    stack[depth++] = tree->root;
    while (!st && depth) {
        uint32_t n = stack[--depth];
        if (bits_get(met, n)) {
            st = error_set(err, ST_VALIDATION, "tree %u: node %u has two parents", t, n);
            break;
        }
        bits_set(met, n);
        st = check_node(spec, n, tree->outs, err);
        if (st || spec->node[n].test == TREE_LEAF) continue;
        if (depth + 2 > TREE_DEPTH_MAX) {
            st = error_set(err, ST_VALIDATION, "tree %u: deeper than %d", t, TREE_DEPTH_MAX);
            break;
        }
        stack[depth++] = spec->node[n].right;
        stack[depth++] = spec->node[n].left;
        if (depth > *depth_max) *depth_max = depth;
    }
    mem_free(stack);
    return st;
}

static void *copy(const void *from, size_t size) {
    void *to = mem_alloc(size ? size : 1);
    if (size) memcpy(to, from, size);
    return to;
}

// Lays a tree out level by level.
static void walk_tree(TreeEnsemble *self, uint32_t t, uint32_t *nodes) {
    const TreeSpec *spec = &self->spec;
    uint32_t first = *nodes, end = first + 1, depth = 0;
    self->walk_root[t] = first;
    self->walk_node[first] = spec->tree[t].root;
    for (uint32_t level = end, n = first; n < end; n++) {
        if (n == level) level = end, depth++;
        const TreeNode *node = &spec->node[self->walk_node[n]];
        WalkNode *walk = &self->walk[n];
        if (node->test == TREE_LEAF) {
            *walk = (WalkNode){.feature = WALK_LEAF | self->any_feature, .child = n};
            continue;
        }
        *walk = (WalkNode){.threshold = node->threshold, .child = end,
                           .feature = node->feature | (node->missing_left ? WALK_MISSING_LEFT : 0)};
        self->walk_node[end++] = node->left;
        self->walk_node[end++] = node->right;
    }
    self->walk_depth[t] = depth;
    *nodes = end;
}

static void walk_new(TreeEnsemble *self) {
    const TreeSpec *spec = &self->spec;
    bool any = false;
    for (uint32_t n = 0; n < spec->nodes; n++) {
        if (spec->node[n].test != TREE_LEAF && spec->node[n].test != TREE_LE) return;
        if (spec->node[n].test == TREE_LE) any = true, self->any_feature = spec->node[n].feature;
    }
    if (!any || spec->features >= WALK_FEATURE) return;
    uint32_t nodes = 0;
    self->walk = mem_alloc(sizeof *self->walk * spec->nodes);
    self->walk_node = mem_alloc(sizeof *self->walk_node * spec->nodes);
    self->walk_root = mem_alloc(sizeof *self->walk_root * (spec->trees + 1));
    self->walk_depth = mem_alloc(sizeof *self->walk_depth * (spec->trees + 1));
    for (uint32_t t = 0; t < spec->trees; t++) walk_tree(self, t, &nodes);
}

Status tree_new(const TreeSpec *spec, TreeEnsemble **out, Error *err) {
    *out = NULL;
    if (spec->nodes > TREE_NODES_MAX) {
        return error_set(err, ST_VALIDATION, "an ensemble of %u nodes; at most %d are read",
                         spec->nodes, TREE_NODES_MAX);
    }
    uint64_t *met = NEW_ARRAY(uint64_t, BITS_WORDS(spec->nodes) + 1);
    uint32_t depth = 1;
    Status st = ST_OK;
    for (uint32_t t = 0; !st && t < spec->trees; t++) st = check_tree(spec, t, met, &depth, err);
    mem_free(met);
    if (st) return st;

    TreeEnsemble *self = NEW(TreeEnsemble);
    self->spec = *spec;
    self->spec.node = copy(spec->node, sizeof *spec->node * spec->nodes);
    self->spec.tree = copy(spec->tree, sizeof *spec->tree * spec->trees);
    self->spec.value = copy(spec->value, sizeof *spec->value * spec->values);
    self->spec.set = copy(spec->set, sizeof *spec->set * spec->set_words);
    self->spec.single = NEW_ARRAY(bool, spec->features + 1);
    self->used = NEW_ARRAY(bool, spec->features + 1);
    self->depth = depth;
    for (uint32_t n = 0; n < spec->nodes; n++) {
        if (spec->node[n].test != TREE_LEAF) self->used[spec->node[n].feature] = true;
    }
    for (uint32_t f = 0; spec->single && f < spec->features; f++) {
        self->spec.single[f] = spec->single[f];
    }
    walk_new(self);
    self->slice = slice_new(self);
    *out = self;
    return ST_OK;
}

void tree_free(TreeEnsemble *self) {
    if (!self) return;
    slice_free(self->slice);
    mem_free(self->spec.node);
    mem_free(self->spec.tree);
    mem_free(self->spec.value);
    mem_free(self->spec.set);
    mem_free(self->spec.single);
    mem_free(self->used);
    mem_free(self->walk);
    mem_free(self->walk_node);
    mem_free(self->walk_root);
    mem_free(self->walk_depth);
    mem_free(self);
}

uint64_t tree_bytes(const TreeEnsemble *self) {
    const TreeSpec *spec = &self->spec;
    return sizeof *self + sizeof *spec->node * spec->nodes + sizeof *spec->tree * spec->trees +
           8ull * spec->values + 8ull * spec->set_words + 2ull * spec->features +
           (self->walk ? 20ull * spec->nodes + 8ull * spec->trees : 0) +
           (self->slice ? slice_bytes(self->slice) : 0);
}

uint32_t tree_nodes(const TreeEnsemble *self) {
    return self->spec.nodes;
}

bool tree_yes(const TreeSpec *spec, const TreeNode *node, double value) {
    if (node->test == TREE_LE)
        return value <= node->threshold || (value != value && node->missing_left);
    if (value != value) return node->test == TREE_MISSING || node->missing_left;
    if (node->test == TREE_EQ) return value == node->threshold;
    if (node->test == TREE_MISSING || !(value >= 0 && value < node->set_words * 64.0)) return false;
    uint32_t bit = (uint32_t)value;
    return value == bit && (spec->set[node->set + bit / 64] >> (bit % 64) & 1);
}

static inline double rounded(const TreeSpec *spec, uint32_t f, double value) {
    return spec->single[f] ? (double)(float)value : value;
}

static const TreeNode *leaf_of(const TreeEnsemble *self, uint32_t t, const double *feature) {
    const TreeSpec *spec = &self->spec;
    const TreeNode *node = &spec->node[spec->tree[t].root];
    while (node->test != TREE_LEAF) {
        double value = rounded(spec, node->feature, feature[node->feature]);
        node = &spec->node[tree_yes(spec, node, value) ? node->left : node->right];
    }
    return node;
}

void tree_row(const TreeEnsemble *self, const double *feature, double *out) {
    const TreeSpec *spec = &self->spec;
    for (uint32_t t = 0; t < spec->trees; t++) {
        const Tree *tree = &spec->tree[t];
        const double *value = spec->value + leaf_of(self, t, feature)->left;
        for (uint32_t i = 0; i < tree->outs; i++) out[tree->out + i] += value[i];
    }
}

// One step down; a leaf stays where it is.
static inline uint32_t step_down(const WalkNode *node, uint32_t at, double value) {
    const WalkNode *n = &node[at];
    bool no = (value > n->threshold) | ((value != value) & !(n->feature & WALK_MISSING_LEFT));
    return n->child + (no & !(n->feature & WALK_LEAF));
}

// Rows walk through a tree LANES abreast, so that their cache misses overlap; at[] becomes the
// nodes they end in.
static void walk_flat(const TreeEnsemble *self, uint32_t t, const double *const *column,
                      uint32_t rows, uint32_t *at) {
    const WalkNode *node = self->walk;
    for (uint32_t first = 0; first < rows; first += LANES) {
        uint32_t lane[LANES], lanes = rows - first < LANES ? rows - first : LANES;
        for (uint32_t i = 0; i < LANES; i++) lane[i] = self->walk_root[t];
        for (uint32_t left = self->walk_depth[t]; left; left--) {
            for (uint32_t i = 0; i < LANES; i++) {
                uint32_t row = i < lanes ? first + i : first;
                lane[i] =
                    step_down(node, lane[i], column[node[lane[i]].feature & WALK_FEATURE][row]);
            }
        }
        for (uint32_t i = 0; i < lanes; i++) at[first + i] = self->walk_node[lane[i]];
    }
}

static void put_leaf(const TreeEnsemble *self, const SliceJob *job, uint32_t t, uint32_t row,
                     uint32_t n) {
    const Tree *tree = &self->spec.tree[t];
    const double *value = self->spec.value + self->spec.node[n].left;
    if (job->leaf) job->leaf[(size_t)t * job->stride + row] = n;
    if (!job->out) return;
    double *out = job->out + (size_t)row * self->spec.outputs + tree->out;
    for (uint32_t i = 0; i < tree->outs; i++) tree_fold_one(&out[i], value[i], job->fold);
}

// One row: it walks through LANES trees at a time.
static void walk_alone(const TreeEnsemble *self, const SliceJob *job, uint32_t row) {
    const WalkNode *node = self->walk;
    uint32_t trees = self->spec.trees;
    for (uint32_t first = 0; first < trees; first += LANES) {
        uint32_t lane[LANES], lanes = trees - first < LANES ? trees - first : LANES, depth = 0;
        for (uint32_t i = 0; i < LANES; i++) {
            uint32_t t = i < lanes ? first + i : first;
            lane[i] = self->walk_root[t];
            if (self->walk_depth[t] > depth) depth = self->walk_depth[t];
        }
        for (; depth; depth--) {
            for (uint32_t i = 0; i < LANES; i++) {
                lane[i] = step_down(node, lane[i],
                                    job->column[node[lane[i]].feature & WALK_FEATURE][row]);
            }
        }
        for (uint32_t i = 0; i < lanes; i++)
            put_leaf(self, job, first + i, row, self->walk_node[lane[i]]);
    }
}

// The same for trees with questions of other kinds.
static void walk_any(const TreeEnsemble *self, const Tree *tree, const double *const *column,
                     uint32_t rows, uint32_t *at) {
    const TreeSpec *spec = &self->spec;
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t n = tree->root;
        while (spec->node[n].test != TREE_LEAF) {
            const TreeNode *node = &spec->node[n];
            n = tree_yes(spec, node, column[node->feature][row]) ? node->left : node->right;
        }
        at[row] = n;
    }
}

static void walk_block(const TreeEnsemble *self, const SliceJob *job) {
    const TreeSpec *spec = &self->spec;
    uint32_t at[WALK_ROWS];
    if (self->walk && job->rows < LANES) {
        for (uint32_t row = 0; row < job->rows; row++) walk_alone(self, job, row);
        return;
    }
    for (uint32_t t = 0; t < spec->trees; t++) {
        const Tree *tree = &spec->tree[t];
        if (self->walk) walk_flat(self, t, job->column, job->rows, at);
        else walk_any(self, tree, job->column, job->rows, at);
        if (job->leaf) memcpy(job->leaf + (size_t)t * job->stride, at, sizeof *at * job->rows);
        if (!job->out) continue;
        double *out = job->out + tree->out;
        if (tree->outs == 1 && job->fold == TREE_SUM) {
            for (uint32_t row = 0; row < job->rows; row++, out += spec->outputs) {
                *out += spec->value[spec->node[at[row]].left];
            }
            continue;
        }
        for (uint32_t row = 0; row < job->rows; row++, out += spec->outputs) {
            const double *value = spec->value + spec->node[at[row]].left;
            for (uint32_t i = 0; i < tree->outs; i++) tree_fold_one(&out[i], value[i], job->fold);
        }
    }
}

// Points [at] to the block's part of each column; [single]s are rounded into [copy] first.
static void block_columns(const TreeEnsemble *self, const double *const *column, uint32_t first,
                          uint32_t rows, const double **at, double *copied) {
    for (uint32_t f = 0; f < self->spec.features; f++) {
        at[f] = self->used[f] ? column[f] + first : NULL;
        if (!self->used[f] || !self->spec.single[f]) continue;
        for (uint32_t row = 0; row < rows; row++) copied[row] = (double)(float)at[f][row];
        at[f] = copied;
        copied += WALK_ROWS;
    }
}

static void run(const TreeEnsemble *self, const double *const *column, uint32_t rows, SliceJob *job,
                Arena *scratch) {
    uint32_t features = self->spec.features, singles = 0;
    for (uint32_t f = 0; f < features; f++) singles += self->used[f] && self->spec.single[f];
    const double **at = ARENA_ARRAY(scratch, const double *, features + 1);
    double *copied = singles ? arena_alloc(scratch, sizeof(double) * WALK_ROWS * singles) : NULL;
    bool slices = self->slice && rows >= SLICE_ROWS / 8;
    if (slices) job->bits = arena_alloc_aligned(scratch, 8 * slice_scratch(self->slice), 32);
    job->column = at;
    job->stride = rows;
    double *out = job->out;
    uint32_t *leaf = job->leaf;
    uint32_t block = slices ? SLICE_ROWS : WALK_ROWS;
    for (uint32_t first = 0; first < rows; first += block) {
        job->rows = rows - first < block ? rows - first : block;
        block_columns(self, column, first, job->rows, at, copied);
        if (out) job->out = out + (size_t)first * self->spec.outputs;
        if (leaf) job->leaf = leaf + first;
        if (slices) slice_run(self, job);
        else walk_block(self, job);
    }
}

void tree_fold(const TreeEnsemble *self, const double *const *column, uint32_t rows, TreeFold fold,
               double *out, Arena *scratch) {
    run(self, column, rows, &(SliceJob){.fold = fold, .out = out}, scratch);
}

void tree_leaves(const TreeEnsemble *self, const double *const *column, uint32_t rows,
                 uint32_t *leaf, Arena *scratch) {
    run(self, column, rows, &(SliceJob){.leaf = leaf}, scratch);
}
