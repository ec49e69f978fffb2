// ml/onnx/ml_tree.c - tree ensembles of ai.onnx.ml: columns of numbers, one entry a node and one a
// weight of a leaf, become a TreeSpec (ml/tree.h).
#include <math.h>
#include <stdlib.h>

#include "ml/onnx/ml_int.h"
#include "ml/onnx/scores.h"
#include "ml/tree.h"

typedef enum Aggregate { AGGREGATE_AVERAGE, AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX } Aggregate;

typedef struct TreeParams {
    TreeEnsemble *trees;
    uint32_t features, outputs, tree_count;
    bool classifier;
    Labels labels;
    Transform transform;
    Aggregate aggregate;
    const double *base;
    uint32_t base_count;
    bool *used;         // outputs that any leaf has a weight for
    uint32_t used_count;
    bool all_positive;  // no weight is negative
} TreeParams;

static void release(void *trees) {
    tree_free(trees);
}

// A list of numbers that stands as floats or, when they are doubles, as a tensor.
static const double *numbers(const Setup *s, const char *name, const char *tensor,
                             uint32_t *count) {
    const Attr *attr = setup_attr(s, tensor);
    double *out = NULL;
    if (attr && attr->tensor.type) {
        *count = (uint32_t)attr->tensor.count;
        out = ARENA_ARRAY(s->arena, double, *count + 1);
        for (uint32_t i = 0; i < *count; i++) out[i] = tensor_number(&attr->tensor, i);
        return out;
    }
    const float *list = setup_floats(s, name, count);
    out = ARENA_ARRAY(s->arena, double, *count + 1);
    for (uint32_t i = 0; i < *count; i++) out[i] = (double)list[i];
    return out;
}

// --- The columns ---

// A node by the numbers of tree and node.
typedef struct NodeKey {
    int64_t tree, node;
    uint32_t at;
} NodeKey;

static int by_key(const void *a, const void *b) {
    const NodeKey *x = a, *y = b;
    if (x->tree != y->tree) return x->tree < y->tree ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

typedef struct Columns {
    const int64_t *tree, *node, *feature, *yes, *no, *tracks;
    const double *value;
    const Str *mode;
    uint32_t count, track_count;
    const int64_t *weight_tree, *weight_node, *weight_out;
    const double *weight;
    uint32_t weights;
    NodeKey *key;  // sorted
    bool single;
} Columns;

static int64_t find_node(const Columns *c, int64_t tree, int64_t node) {
    NodeKey wanted = {tree, node, 0};
    const NodeKey *found = bsearch(&wanted, c->key, c->count, sizeof wanted, by_key);
    return found ? (int64_t)found->at : -1;
}

static Status read_columns(Setup *s, bool classifier, Columns *c, Error *err) {
    uint32_t n[8], w[4];
    c->tree = setup_ints(s, "nodes_treeids", &n[0]);
    c->node = setup_ints(s, "nodes_nodeids", &n[1]);
    c->feature = setup_ints(s, "nodes_featureids", &n[2]);
    c->yes = setup_ints(s, "nodes_truenodeids", &n[3]);
    c->no = setup_ints(s, "nodes_falsenodeids", &n[4]);
    c->tracks = setup_ints(s, "nodes_missing_value_tracks_true", &c->track_count);
    c->value = numbers(s, "nodes_values", "nodes_values_as_tensor", &n[5]);
    const Attr *values = setup_attr(s, "nodes_values_as_tensor");
    c->single = !values || values->tensor.type != TENSOR_F64;
    const Attr *modes = setup_attr(s, "nodes_modes");
    n[6] = modes ? modes->str_count : 0;
    c->mode = modes ? modes->strs : NULL;
    c->count = n[0];
    for (uint32_t i = 1; i < 7; i++) {
        if (n[i] != n[0]) return error_set(err, ST_VALIDATION, "its columns are not as long");
    }
    c->weight_tree = setup_ints(s, classifier ? "class_treeids" : "target_treeids", &w[0]);
    c->weight_node = setup_ints(s, classifier ? "class_nodeids" : "target_nodeids", &w[1]);
    c->weight_out = setup_ints(s, classifier ? "class_ids" : "target_ids", &w[2]);
    c->weight = numbers(s, classifier ? "class_weights" : "target_weights",
                        classifier ? "class_weights_as_tensor" : "target_weights_as_tensor", &w[3]);
    c->weights = w[0];
    if (!c->count || w[1] != w[0] || w[2] != w[0] || w[3] != w[0] ||
        (c->track_count && c->track_count != c->count)) {
        return error_set(err, ST_VALIDATION, "its columns are not as long");
    }
    c->key = ARENA_ARRAY(s->arena, NodeKey, c->count);
    for (uint32_t i = 0; i < c->count; i++) c->key[i] = (NodeKey){c->tree[i], c->node[i], i};
    qsort(c->key, c->count, sizeof *c->key, by_key);
    for (uint32_t i = 1; i < c->count; i++) {
        if (by_key(&c->key[i - 1], &c->key[i]) == 0) {
            return error_set(err, ST_VALIDATION, "a node stands twice");
        }
    }
    return ST_OK;
}

// --- Nodes ---

// A question of ONNX as one of ours, children exchanged where that is needed; false: unknown.
static bool question(Str mode, bool single, bool tracks, TreeNode *node) {
    bool swap = false, missing_yes = tracks;
    node->test = TREE_LE;
    if (str_is(mode, "BRANCH_LT") || str_is(mode, "BRANCH_GTE")) {
        node->threshold = tree_below(node->threshold, single);
    }
    if (str_is(mode, "BRANCH_GT") || str_is(mode, "BRANCH_GTE")) {
        swap = true;
    } else if (str_is(mode, "BRANCH_EQ") || str_is(mode, "BRANCH_NEQ")) {
        node->test = TREE_EQ;
        swap = str_is(mode, "BRANCH_NEQ");
        if (swap) missing_yes = true;  // NaN is unequal to all
    } else if (!str_is(mode, "BRANCH_LT") && !str_is(mode, "BRANCH_LEQ")) {
        return false;
    }
    if (swap) {
        uint32_t left = node->left;
        node->left = node->right;
        node->right = left;
    }
    node->missing_left = missing_yes != swap;
    return true;
}

static Status fill_nodes(const Columns *c, TreeSpec *spec, bool *child, Error *err) {
    for (uint32_t i = 0; i < c->count; i++) {
        TreeNode *node = &spec->node[i];
        if (str_is(c->mode[i], "LEAF")) continue;
        int64_t yes = find_node(c, c->tree[i], c->yes[i]), no = find_node(c, c->tree[i], c->no[i]);
        if (yes < 0 || no < 0 || c->feature[i] < 0 || c->feature[i] >= UINT16_MAX * 256) {
            return error_set(err, ST_VALIDATION, "node %lld of tree %lld points nowhere",
                             (long long)c->node[i], (long long)c->tree[i]);
        }
        node->left = (uint32_t)yes;
        node->right = (uint32_t)no;
        node->feature = (uint32_t)c->feature[i];
        node->threshold = c->value[i];
        child[yes] = child[no] = true;
        if (node->feature >= spec->features) spec->features = node->feature + 1;
        bool tracks = c->track_count && c->tracks[i];
        if (question(c->mode[i], c->single, tracks, node)) continue;
        return error_set(err, ST_UNSUPPORTED, "nodes of mode '" STR_FMT "'", STR_ARG(c->mode[i]));
    }
    return ST_OK;
}

// The trees: a root is a node that is nobody's child. [tree_of] a node's place in spec->tree comes
// from its number in the file.
static void fill_trees(Setup *s, const Columns *c, TreeSpec *spec, const bool *child) {
    uint32_t roots = 0;
    for (uint32_t i = 0; i < c->count; i++) roots += !child[i];
    spec->tree = ARENA_ARRAY(s->arena, Tree, roots + 1);
    for (uint32_t i = 0; i < c->count; i++) {
        if (!child[i]) spec->tree[spec->trees++].root = i;
    }
}

// What an output begins with: a leaf that has no weight for it changes nothing.
static double neutral(Aggregate aggregate) {
    return aggregate == AGGREGATE_MIN ? INFINITY : aggregate == AGGREGATE_MAX ? -INFINITY : 0;
}

// One more weight of a leaf for an output.
static double with_weight(Aggregate aggregate, double value, double weight) {
    if (aggregate == AGGREGATE_MIN) return fmin(value, weight);
    return aggregate == AGGREGATE_MAX ? fmax(value, weight) : value + weight;
}

// Which outputs the leaves of a tree have weights for: the trees of boosted classes have one each.
typedef struct Range {
    int64_t tree;
    uint32_t first, last;
    bool any;
} Range;

static Range *range_of(Range *range, uint32_t count, int64_t tree) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (range[middle].tree < tree) low = middle + 1;
        else high = middle;
    }
    return &range[low];
}

static Range *ranges(Setup *s, const Columns *c, uint32_t *count) {
    Range *range = ARENA_ARRAY(s->arena, Range, c->count);
    *count = 0;
    for (uint32_t i = 0; i < c->count; i++) {  // keys are sorted by tree
        if (*count && range[*count - 1].tree == c->key[i].tree) continue;
        range[(*count)++].tree = c->key[i].tree;
    }
    for (uint32_t i = 0; i < c->weights; i++) {
        Range *at = range_of(range, *count, c->weight_tree[i]);
        if (at == range + *count || at->tree != c->weight_tree[i]) continue;
        uint32_t out = (uint32_t)c->weight_out[i];
        at->first = !at->any || out < at->first ? out : at->first;
        at->last = !at->any || out > at->last ? out : at->last;
        at->any = true;
    }
    return range;
}

static Status fill_leaves(Setup *s, const Columns *c, Aggregate how, TreeSpec *spec, Error *err) {
    uint32_t count, leaves = 0;
    uint64_t values = 0;
    Range *range = ranges(s, c, &count);
    for (uint32_t i = 0; i < c->count; i++) {
        if (!str_is(c->mode[i], "LEAF")) continue;
        const Range *at = range_of(range, count, c->tree[i]);
        spec->node[i].left = (uint32_t)values;
        values += at->last - at->first + 1;
        leaves++;
        if (values > (uint64_t)1 << 28) return error_set(err, ST_VALIDATION, "too many leaves");
    }
    spec->values = (uint32_t)values;
    spec->value = ARENA_ARRAY(s->arena, double, values + 1);
    for (uint64_t i = 0; i < values; i++) spec->value[i] = neutral(how);
    for (uint32_t i = 0; i < c->weights; i++) {
        int64_t at = find_node(c, c->weight_tree[i], c->weight_node[i]);
        if (at < 0 || !str_is(c->mode[at], "LEAF")) {
            return error_set(err, ST_VALIDATION, "a weight for node %lld of tree %lld, no leaf",
                             (long long)c->weight_node[i], (long long)c->weight_tree[i]);
        }
        uint32_t first = range_of(range, count, c->weight_tree[i])->first;
        double *value = &spec->value[spec->node[at].left + (uint32_t)c->weight_out[i] - first];
        *value = with_weight(how, *value, c->weight[i]);
    }
    for (uint32_t i = 0; i < spec->trees; i++) {
        const Range *at = range_of(range, count, c->tree[spec->tree[i].root]);
        spec->tree[i].out = at->first;
        spec->tree[i].outs = at->last - at->first + 1;
    }
    return leaves ? ST_OK : error_set(err, ST_VALIDATION, "it has no leaves");
}

static Status check_outputs(const Columns *c, TreeParams *params, Error *err) {
    params->all_positive = true;
    for (uint32_t i = 0; i < c->weights; i++) {
        if (c->weight_out[i] < 0 || c->weight_out[i] >= params->outputs) {
            return error_set(err, ST_VALIDATION, "a weight for output %lld of %u",
                             (long long)c->weight_out[i], params->outputs);
        }
        if (!params->used[c->weight_out[i]]) params->used_count++;
        params->used[c->weight_out[i]] = true;
        if (c->weight[i] < 0) params->all_positive = false;
    }
    return ST_OK;
}

static Status finish(Setup *s, TreeParams *params, TreeSpec *spec, bool single, Error *err) {
    spec->outputs = params->outputs;
    if (!spec->features) spec->features = 1;
    spec->single = ARENA_ARRAY(s->arena, bool, spec->features);
    for (uint32_t i = 0; i < spec->features; i++) spec->single[i] = single;
    TRY(tree_new(spec, &params->trees, err));
    setup_owns(s, release, params->trees);
    params->features = spec->features;
    params->tree_count = spec->trees;
    return ST_OK;
}

enum { TREE_OUTPUTS_MAX = 1 << 16 };

static Status read_trees(Setup *s, TreeParams *params, Error *err) {
    Columns c = {0};
    TRY(read_columns(s, params->classifier, &c, err));
    if (!params->outputs || params->outputs > TREE_OUTPUTS_MAX) {
        return error_set(err, ST_VALIDATION, "it has %u outputs", params->outputs);
    }
    params->used = ARENA_ARRAY(s->arena, bool, params->outputs);
    TRY(check_outputs(&c, params, err));
    TreeSpec spec = {.nodes = c.count};
    spec.node = ARENA_ARRAY(s->arena, TreeNode, c.count);
    bool *child = ARENA_ARRAY(s->arena, bool, c.count);
    TRY(fill_nodes(&c, &spec, child, err));
    fill_trees(s, &c, &spec, child);
    TRY(fill_leaves(s, &c, params->aggregate, &spec, err));
    TRY(finish(s, params, &spec, c.single, err));
    params->base = numbers(s, "base_values", "base_values_as_tensor", &params->base_count);
    return ST_OK;
}

Status tree_classifier_prepare(Setup *s, Error *err) {
    TreeParams *params = SETUP_PARAMS(s, TreeParams);
    params->classifier = true;
    params->aggregate = AGGREGATE_SUM;
    params->labels = labels_of(s, "classlabels_strings", "classlabels_int64s");
    params->outputs = params->labels.count;
    TRY(transform_of(s, &params->transform, err));
    return read_trees(s, params, err);
}

Status tree_regressor_prepare(Setup *s, Error *err) {
    static const char *const NAMES[] = {"AVERAGE", "SUM", "MIN", "MAX"};
    TreeParams *params = SETUP_PARAMS(s, TreeParams);
    int64_t targets = setup_int(s, "n_targets", 1);
    Str how = setup_str(s, "aggregate_function", "SUM");
    params->outputs = targets < 1 || targets > TREE_OUTPUTS_MAX ? 0 : (uint32_t)targets;
    params->aggregate = AGGREGATE_SUM;
    for (uint32_t i = 0; i < 4; i++) {
        if (str_eq(str_c(NAMES[i]), how)) params->aggregate = (Aggregate)i;
    }
    TRY(transform_of(s, &params->transform, err));
    return read_trees(s, params, err);
}

// --- TreeEnsemble, of ai.onnx.ml 5: nodes and leaves by place, no numbers of trees ---

static const char *const MODES[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT",
                                    "BRANCH_EQ", "BRANCH_NEQ"};

Status tree_ensemble_prepare(Setup *s, Error *err) {
    TreeParams *params = SETUP_PARAMS(s, TreeParams);
    uint32_t n[8], leaves, targets, roots;
    const int64_t *feature = setup_ints(s, "nodes_featureids", &n[0]);
    const int64_t *yes = setup_ints(s, "nodes_truenodeids", &n[1]);
    const int64_t *no = setup_ints(s, "nodes_falsenodeids", &n[2]);
    const int64_t *yes_leaf = setup_ints(s, "nodes_trueleafs", &n[3]);
    const int64_t *no_leaf = setup_ints(s, "nodes_falseleafs", &n[4]);
    const int64_t *tracks = setup_ints(s, "nodes_missing_value_tracks_true", &n[5]);
    const int64_t *root = setup_ints(s, "tree_roots", &roots);
    const int64_t *target = setup_ints(s, "leaf_targetids", &targets);
    const double *split = numbers(s, "", "nodes_splits", &n[6]);
    const double *weight = numbers(s, "", "leaf_weights", &leaves);
    const double *mode = numbers(s, "", "nodes_modes", &n[7]);
    int64_t outputs = setup_int(s, "n_targets", 1), transform = setup_int(s, "post_transform", 0);
    int64_t aggregate = setup_int(s, "aggregate_function", 1);
    static const Transform TRANSFORMS[] = {TRANSFORM_NONE, TRANSFORM_SOFTMAX, TRANSFORM_LOGISTIC,
                                           TRANSFORM_SOFTMAX_ZERO, TRANSFORM_PROBIT};
    for (uint32_t i = 1; i < 8; i++) {
        bool may_lack = i == 5 && !n[5];
        if (n[i] != n[0] && !may_lack) {
            return error_set(err, ST_VALIDATION, "its columns are not as long");
        }
    }
    if (!n[0] || targets != leaves || !roots || outputs < 1 || outputs > TREE_OUTPUTS_MAX ||
        transform < 0 || transform > 4 || aggregate < 0 || aggregate > 3) {
        return error_set(err, ST_VALIDATION, "its columns do not fit");
    }
    params->outputs = (uint32_t)outputs;
    params->transform = TRANSFORMS[transform];
    params->aggregate = (Aggregate)aggregate;
    const Attr *splits = setup_attr(s, "nodes_splits");
    bool single = splits && splits->tensor.type != TENSOR_F64;
    // Leaves become nodes behind the others; a tree that is one leaf has a root whose two sides are
    // that leaf, which is then there twice.
    uint32_t all = n[0] * 3;
    TreeSpec spec = {.node = ARENA_ARRAY(s->arena, TreeNode, all),
                     .value = ARENA_ARRAY(s->arena, double, (uint64_t)n[0] * 2 * (uint64_t)outputs),
                     .tree = ARENA_ARRAY(s->arena, Tree, roots), .nodes = n[0]};
    for (uint32_t i = 0; i < n[0]; i++) {
        TreeNode *node = &spec.node[i];
        int64_t next[2] = {yes[i], no[i]}, leaf[2] = {yes_leaf[i], no_leaf[i]};
        uint32_t side[2];
        for (uint32_t k = 0; k < 2; k++) {
            if (next[k] < 0 || next[k] >= (leaf[k] ? leaves : n[0]) ||
                (leaf[k] && (target[next[k]] < 0 || target[next[k]] >= outputs))) {
                return error_set(err, ST_VALIDATION, "node %u points nowhere", i);
            }
            side[k] = (uint32_t)next[k];
            if (!leaf[k]) continue;
            side[k] = spec.nodes++;
            spec.node[side[k]].left = spec.values;
            double *value = spec.value + spec.values;
            for (int64_t o = 0; o < outputs; o++) value[o] = neutral(params->aggregate);
            value[target[next[k]]] = weight[next[k]];
            spec.values += (uint32_t)outputs;
        }
        if (feature[i] < 0 || feature[i] >= UINT16_MAX * 256 || !(mode[i] >= 0 && mode[i] < 6)) {
            return error_set(err, ST_UNSUPPORTED, "a node of mode %g", mode[i]);
        }
        *node = (TreeNode){.left = side[0], .right = side[1], .threshold = split[i],
                           .feature = (uint32_t)feature[i]};
        if (node->feature >= spec.features) spec.features = node->feature + 1;
        (void)question(str_c(MODES[(uint32_t)mode[i]]), single, n[5] && tracks[i], node);
    }
    for (uint32_t i = 0; i < roots; i++) {
        if (root[i] < 0 || root[i] >= n[0]) return error_set(err, ST_VALIDATION, "no root");
        spec.tree[spec.trees++] = (Tree){(uint32_t)root[i], 0, (uint32_t)outputs};
    }
    return finish(s, params, &spec, single, err);
}

// --- Scoring ---

// Columns of doubles out of rows of whatever the tensor holds.
static Status columns_of(const Call *call, const Tensor *in, int64_t rows, int64_t width,
                         uint32_t features, const double ***out, Error *err) {
    void *values, *list;
    TRY(call_scratch(call, (size_t)rows * features * sizeof(double) + 1, &values, err));
    TRY(call_scratch(call, features * sizeof(double *) + 1, &list, err));
    double *to = values;
    *out = list;
    for (uint32_t f = 0; f < features; f++, to += rows) {
        (*out)[f] = to;
        if (in->type == TENSOR_F32) {
            const float *from = tensor_f32(in) + f;
            for (int64_t i = 0; i < rows; i++) to[i] = (double)from[i * width];
        } else {
            for (int64_t i = 0; i < rows; i++) to[i] = tensor_number(in, i * width + f);
        }
    }
    return ST_OK;
}

static Status sums(const Call *call, const TreeParams *params, const Tensor *in, int64_t rows,
                   int64_t width, double *score, Error *err) {
    const double **column;
    TRY(columns_of(call, in, rows, width, params->features, &column, err));
    double start = neutral(params->aggregate);
    for (int64_t i = 0; i < rows * (int64_t)params->outputs; i++) score[i] = start;
    if (rows == 1) {
        void *row;
        TRY(call_scratch(call, params->features * sizeof(double), &row, err));
        for (uint32_t f = 0; f < params->features; f++) ((double *)row)[f] = column[f][0];
        if (start == 0) {
            tree_row(params->trees, row, score);
            return ST_OK;
        }
    }
    TreeFold fold = params->aggregate == AGGREGATE_MIN   ? TREE_MIN
                    : params->aggregate == AGGREGATE_MAX ? TREE_MAX
                                                         : TREE_SUM;
    tree_fold(params->trees, column, (uint32_t)rows, fold, score, call_arena(call));
    return ST_OK;
}

static void regress(const TreeParams *params, double *score) {
    for (uint32_t i = 0; i < params->outputs; i++) {
        if (params->aggregate == AGGREGATE_AVERAGE) score[i] /= params->tree_count;
        if (score[i] == neutral(params->aggregate)) score[i] = 0;  // no tree says anything
        if (params->base_count == params->outputs) score[i] += params->base[i];
        else if (params->base_count == 1) score[i] += params->base[0];
    }
    transform_scores(params->transform, score, params->outputs);
}

// Two classes of which the leaves know one: its score tells the other's.
static int64_t one_of_two(const TreeParams *params, double *score) {
    double s = score[0] + (params->base_count == 1 ? params->base[0] : 0);
    if (params->all_positive) {
        score[0] = 1 - s;
        score[1] = s;
        return s > 0.5;
    }
    bool logistic = params->transform == TRANSFORM_LOGISTIC;
    score[0] = logistic ? 1 / (1 + exp(s)) : -s;
    score[1] = logistic ? 1 / (1 + exp(-s)) : s;
    return s > 0;
}

static int64_t classify(const TreeParams *params, double *score) {
    uint32_t n = params->outputs;
    if (n == 2 && params->used_count == 1 && params->used[0] && params->base_count < 2) {
        return one_of_two(params, score);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (params->base_count == n) score[i] += params->base[i];
        else if (params->base_count == 1 && n == 2 && i == 0) score[i] += params->base[0];
    }
    // Of two classes the second wins when its score is positive, however great the first's is.
    int64_t class = n == 2 && params->used_count == 1 ? score[1] > (params->all_positive ? 0.5 : 0)
                                                      : (int64_t)greatest_of(score, n);
    transform_scores(params->transform, score, n);
    return class;
}

Status tree_ensemble_run(const Call *call, Error *err) {
    const TreeParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t rows, width;
    TRY(table_of(call, 0, &rows, &width, err));
    if (width < params->features) {
        return error_set(err, ST_RUNTIME, "%lld features for trees that ask for %u",
                         (long long)width, params->features);
    }
    void *scratch;
    TRY(call_scratch(call, (size_t)rows * params->outputs * sizeof(double) + 1, &scratch, err));
    double *score = scratch;
    TRY(call_work(call, (double)rows * params->tree_count * 16, err));
    if (rows) TRY(sums(call, params, in, rows, width, score, err));
    uint32_t scores = params->classifier ? 1 : 0;  // the output they are
    if (params->classifier) TRY(labels_new(call, 0, &params->labels, rows, err));
    int64_t dim[2] = {rows, params->outputs};
    bool wanted = call->out_count > scores;
    TensorType type = in->type == TENSOR_F64 && !params->classifier ? TENSOR_F64 : TENSOR_F32;
    if (wanted) TRY(call_new(call, scores, type, 2, dim, err));
    for (int64_t i = 0; i < rows; i++, score += params->outputs) {
        if (params->classifier)
            label_put(&call->out[0], i, &params->labels, classify(params, score));
        else regress(params, score);
        for (uint32_t k = 0; wanted && k < params->outputs; k++) {
            tensor_put_number(&call->out[scores], i * (int64_t)params->outputs + k, score[k]);
        }
    }
    return ST_OK;
}
