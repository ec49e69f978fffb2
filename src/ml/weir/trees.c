// ml/weir/trees.c - trees and sums of trees: one decision tree, forests, boosted trees, isolation.
#include <math.h>

#include "base/bits.h"
#include "ml/weir/weir.h"

enum { TREES_MAX = 1 << 20, NODES_MAX = 1 << 28 };

static void spec_node(const WeirNode *from, TreeNode *to) {
    if (from->feature < 0) {
        *to = (TreeNode){.test = TREE_LEAF, .left = from->left};
        return;
    }
    *to = (TreeNode){.test = from->set_words ? TREE_IN : TREE_LE, .threshold = from->threshold,
                     .left = from->left, .right = from->right, .feature = (uint32_t)from->feature,
                     .set = from->set, .set_words = (uint16_t)from->set_words,
                     .missing_left = from->missing_left};
}

Status trees_finish(WeirModel *model, Error *err) {
    Trees *trees = model->trees;
    bool by_class = trees->sum == TREES_SOFTMAX;
    TreeSpec spec = {
        .node = NEW_ARRAY(TreeNode, trees->nodes), .tree = NEW_ARRAY(Tree, trees->trees),
        .value = NEW_ARRAY(double, trees->values), .set = trees->set, .nodes = trees->nodes,
        .trees = trees->trees, .values = trees->values, .set_words = trees->set_words,
        .features = model->features, .outputs = by_class ? model->classes : trees->outputs,
    };
    bool mean = trees->sum == TREES_MEAN || trees->sum == TREES_ISOLATION;
    for (uint32_t i = 0; i < trees->values; i++) {
        spec.value[i] = mean ? trees->value[i] / trees->trees : trees->value[i];
    }
    for (uint32_t i = 0; i < trees->nodes; i++) spec_node(&trees->node[i], &spec.node[i]);
    for (uint32_t t = 0; t < trees->trees; t++) {
        spec.tree[t] = (Tree){.root = trees->root[t], .outs = trees->outputs};
        if (by_class) spec.tree[t].out = t % model->classes;
    }
    Status st = tree_new(&spec, &trees->ensemble, err);
    mem_free(spec.node);
    mem_free(spec.tree);
    mem_free(spec.value);
    return st;
}

double trees_normal_depth(double rows) {
    if (rows <= 1) return 0;
    if (rows <= 2) return 1;
    return 2 * (log(rows - 1) + 0.5772156649015329) - 2 * (rows - 1) / rows;
}

void trees_score(const WeirModel *model, const double *const *x, uint32_t rows, double *out,
                 Arena *scratch) {
    const Trees *trees = model->trees;
    if (trees->sum == TREES_MEAN) {  // as many scores as outputs
        tree_sum(trees->ensemble, x, rows, out, scratch);
        return;
    }
    uint32_t scores = weir_scores(model);
    uint32_t outputs = trees->sum == TREES_SOFTMAX ? model->classes : 1;
    double *sum = ARENA_ARRAY(scratch, double, (size_t)rows * outputs);
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t o = 0; o < outputs && trees->sum != TREES_ISOLATION; o++) {
            sum[(size_t)i * outputs + o] = trees->base[o];
        }
    }
    tree_sum(trees->ensemble, x, rows, sum, scratch);
    for (uint32_t i = 0; i < rows; i++) {
        double *to = out + (size_t)i * scores;
        const double *from = sum + (size_t)i * outputs;
        memcpy(to, from, outputs * sizeof *to);
        if (trees->sum == TREES_SOFTMAX) {
            softmax(to, outputs);
        } else if (trees->sum == TREES_LOGISTIC) {
            to[1] = 1 / (1 + exp(-from[0]));
            to[0] = 1 - to[1];
        } else if (trees->sum == TREES_ISOLATION) {
            to[0] = exp2(-from[0] / trees->base[0]);
            to[1] = to[0] > trees->base[1];
        }
    }
}

static void node_codec(const WeirModel *model, Codec *codec, WeirNode *node, uint32_t i) {
    const Trees *trees = model->trees;
    uint32_t feature = (uint32_t)(node->feature + 1);
    codec_u32(codec, &feature);
    codec_u32(codec, &node->left);
    codec_f64(codec, &node->rows);
    if (feature > model->features) codec_fail(codec, "a node of a tree asks for no feature");
    node->feature = codec->failed ? -1 : (int32_t)feature - 1;
    if (node->feature < 0) {
        if (!codec->failed && (uint64_t)node->left + trees->outputs > trees->values) {
            codec_fail(codec, "a leaf without a value");
        }
        return;
    }
    codec_u32(codec, &node->right);
    codec_f64(codec, &node->threshold);
    codec_u32(codec, &node->set);
    codec_u32(codec, &node->set_words);
    codec_bool(codec, &node->missing_left);
    if (codec->failed) return;
    if (node->set_words > BITS_WORDS(WEIR_CATEGORIES_MAX)) codec_fail(codec, "too large a set");
    bool forward = node->left > i && node->right > i && node->left < trees->nodes &&
                   node->right < trees->nodes;
    if (!forward ||
        (uint64_t)node->set + node->set_words > trees->set_words) {
        codec_fail(codec, "a node of a tree leads nowhere");
        return;
    }
    if ((model->feature[node->feature].type == ML_TEXT) != (node->set_words > 0)) {
        codec_fail(codec, "a node of a tree asks a text for a number");
    }
}

// As many values and bases as the kind of sum takes.
static bool shape_is_right(const WeirModel *model) {
    const Trees *trees = model->trees;
    uint32_t classes = model->classes;
    if ((model->task == ML_OUTLIERS) != (trees->sum == TREES_ISOLATION)) return false;
    switch (trees->sum) {
        case TREES_MEAN: return trees->outputs == (classes ? classes : 1) && trees->trees;
        case TREES_SUM: return trees->outputs == 1 && trees->base_count == 1 && !classes;
        case TREES_LOGISTIC: return trees->outputs == 1 && trees->base_count == 1 && classes == 2;
        case TREES_SOFTMAX: return trees->outputs == 1 && trees->base_count == classes && classes;
        case TREES_ISOLATION:
            return trees->outputs == 1 && trees->base_count == 2 && trees->trees;
    }
    return false;
}

void trees_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->trees = ARENA_NEW(&model->arena, Trees);
    Trees *trees = model->trees;
    int sum = (int)trees->sum;
    codec_kind(codec, &sum, TREES_ISOLATION + 1);
    trees->sum = (TreesSum)sum;
    codec_u32(codec, &trees->outputs);
    codec_count(codec, &trees->base_count, WEIR_CLASSES_MAX, 8);
    codec_f64s(codec, &trees->base, trees->base_count);
    codec_count(codec, &trees->trees, TREES_MAX, 4);
    codec_u32s(codec, &trees->root, trees->trees);
    codec_count(codec, &trees->values, NODES_MAX, 8);
    codec_f64s(codec, &trees->value, trees->values);
    codec_count(codec, &trees->set_words, NODES_MAX, 8);
    codec_u64s(codec, &trees->set, trees->set_words);
    codec_count(codec, &trees->nodes, NODES_MAX, 16);
    WeirNode *node = codec_room(codec, trees->nodes, sizeof *node, 16);
    if (node) trees->node = node;
    for (uint32_t i = 0; i < trees->nodes && !codec->failed; i++) {
        node_codec(model, codec, &trees->node[i], i);
    }
    for (uint32_t t = 0; t < trees->trees && !codec->failed; t++) {
        if (trees->root[t] >= trees->nodes) codec_fail(codec, "a tree has no root");
    }
    if (!codec->failed && !shape_is_right(model)) {
        codec_fail(codec, "the trees do not go with the task");
    }
}
