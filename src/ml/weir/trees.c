// ml/weir/trees.c - trees and sums of trees: one decision tree, forests, boosted trees, isolation.
#include <math.h>

#include "base/bits.h"
#include "ml/weir/weir.h"

enum { TREES_MAX = 1 << 20, NODES_MAX = 1 << 28 };

static bool goes_left(const Trees *trees, const WeirNode *node, double x) {
    if (isnan(x)) return node->missing_left;
    if (!node->set_words) return x <= node->threshold;
    uint32_t category = (uint32_t)x;
    return category < node->set_words * 64 && bits_get(trees->set + node->set, category);
}

static const double *leaf_of(const Trees *trees, uint32_t tree, const double *x) {
    const WeirNode *node = &trees->node[trees->root[tree]];
    while (node->feature >= 0) {
        node = &trees->node[goes_left(trees, node, x[node->feature]) ? node->left : node->right];
    }
    return trees->value + node->left;
}

static void score_mean(const Trees *trees, const double *x, double *out) {
    memset(out, 0, trees->outputs * sizeof *out);
    for (uint32_t t = 0; t < trees->trees; t++) {
        const double *leaf = leaf_of(trees, t, x);
        for (uint32_t i = 0; i < trees->outputs; i++) out[i] += leaf[i];
    }
    for (uint32_t i = 0; i < trees->outputs; i++) out[i] /= trees->trees;
}

static double sum_of(const Trees *trees, const double *x, uint32_t first, uint32_t step) {
    double sum = 0;
    for (uint32_t t = first; t < trees->trees; t += step) sum += *leaf_of(trees, t, x);
    return sum;
}

void trees_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    (void)scratch;
    const Trees *trees = model->trees;
    switch (trees->sum) {
        case TREES_MEAN: score_mean(trees, x, out); break;
        case TREES_SUM: out[0] = trees->base[0] + sum_of(trees, x, 0, 1); break;
        case TREES_LOGISTIC:
            out[1] = 1 / (1 + exp(-(trees->base[0] + sum_of(trees, x, 0, 1))));
            out[0] = 1 - out[1];
            break;
        case TREES_SOFTMAX:
            for (uint32_t c = 0; c < model->classes; c++) {
                out[c] = trees->base[c] + sum_of(trees, x, c, model->classes);
            }
            softmax(out, model->classes);
            break;
        case TREES_ISOLATION:
            out[0] = exp2(-sum_of(trees, x, 0, 1) / trees->trees / trees->base[0]);
            out[1] = out[0] > trees->base[1];
    }
}

static void node_codec(const WeirModel *model, Codec *codec, WeirNode *node, uint32_t i) {
    const Trees *trees = model->trees;
    uint32_t feature = (uint32_t)(node->feature + 1);
    codec_u32(codec, &feature);
    codec_u32(codec, &node->left);
    codec_f64(codec, &node->rows);
    node->feature = (int32_t)feature - 1;
    if (!feature) {
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
    bool forward = node->left > i && node->right > i && node->left < trees->nodes &&
                   node->right < trees->nodes;
    if (feature > model->features || !forward ||
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
    switch (trees->sum) {
        case TREES_MEAN: return trees->outputs == (classes ? classes : 1) && trees->trees;
        case TREES_SUM: return trees->outputs == 1 && trees->base_count == 1 && !classes;
        case TREES_LOGISTIC: return trees->outputs == 1 && trees->base_count == 1 && classes == 2;
        case TREES_SOFTMAX: return trees->outputs == 1 && trees->base_count == classes && classes;
        case TREES_ISOLATION:
            return trees->outputs == 1 && trees->base_count == 2 && trees->trees &&
                   model->task == ML_OUTLIERS;
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
