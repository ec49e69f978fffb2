// ml/train/forest.c - a decision tree, a random forest (Breiman, 2001), and a forest that isolates
// outliers (Liu, Ting, Zhou, 2008).
#include <math.h>
#include <stdlib.h>

#include "base/bits.h"
#include "ml/train/cart.h"

enum { DEPTH_MAX = 1000 };  // below tree.h's TREE_DEPTH_MAX

// clang-format off
#define TREE_OPTIONS \
    {"max-depth", ML_OPTION_INT, "0", 0, DEPTH_MAX, \
     .doc = "How many questions a row may be asked; 0: as many as there are."}, \
    {"min-samples-split", ML_OPTION_INT, "2", 2, 1e9, .doc = "A node with fewer rows is a leaf."}, \
    {"min-samples-leaf", ML_OPTION_INT, "1", 1, 1e9, .doc = "No leaf has fewer rows."}, \
    {"min-impurity-decrease", ML_OPTION_DOUBLE, "0", 0, 1e9, \
     .doc = "A cut that gains less is not made; weighted by the node's part of all rows."}, \
    {"criterion", ML_OPTION_CHOICE, "gini", .choices = "gini entropy", \
     .doc = "What a cut of a classification is judged by; a regression's is the variance."}

static const MlOption TREE_ROWS[] = {TREE_OPTIONS, {0}};

static const MlOption FOREST_ROWS[] = {
    {"trees", ML_OPTION_INT, "100", 1, 100000, .doc = "How many."},
    TREE_OPTIONS,
    {"max-features", ML_OPTION_CHOICE, "auto", .choices = "auto sqrt log2 third all",
     .doc = "Features tried for each cut; `auto`: the square root of all for classes, all for a "
            "number."},
    {"bootstrap", ML_OPTION_BOOL, "true",
     .doc = "Each tree learns from as many rows drawn with replacement, else from all."},
    {0},
};

static const MlOption ISOLATION_ROWS[] = {
    {"trees", ML_OPTION_INT, "100", 1, 100000, .doc = "How many."},
    {"max-samples", ML_OPTION_INT, "256", 2, 1e6, .doc = "Rows that each tree is grown from."},
    {"contamination", ML_OPTION_DOUBLE, "0", 0, 0.5,
     .doc = "The part of the rows that are outliers; 0: those with a score above 0.5."},
    {0},
};
// clang-format on

static CartSpec cart_spec(const MlTrainer *trainer) {
    uint32_t depth = option_count(trainer, "max-depth");
    CartSpec spec = {
        .criterion = option_choice(trainer, "criterion") ? CART_ENTROPY : CART_GINI,
        .depth_max = depth ? depth : DEPTH_MAX,
        .split_min = option_count(trainer, "min-samples-split"),
        .leaf_min = option_count(trainer, "min-samples-leaf"),
        .gain_min = option_number(trainer, "min-impurity-decrease"),
        .classes = trainer->model->classes,
    };
    if (!spec.classes) spec.criterion = CART_VARIANCE;
    return spec;
}

static void keep_trees(MlTrainer *trainer, Grove *grove, uint32_t count, TreesSum sum) {
    WeirModel *model = trainer->model;
    bool classes = sum == TREES_MEAN && model->classes;
    model->kind = WEIR_TREES;
    model->trees = groves_join(&model->arena, grove, count, classes ? model->classes : 1);
    model->trees->sum = sum;
    trainer->rounds = count;
}

static Status train_tree(MlTrainer *trainer, Error *err) {
    Ranks *ranks;
    TRY(ranks_make(trainer, &ranks, err));
    uint32_t rows = trainer->train_rows;
    uint32_t *row = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    for (uint32_t i = 0; i < rows; i++) row[i] = i;
    CartSpec spec = cart_spec(trainer);
    Grove grove = {0};
    cart_grow(trainer, ranks, &spec, row, rows, NULL, NULL, &grove);
    keep_trees(trainer, &grove, 1, TREES_MEAN);
    grove_free(&grove);
    return ST_OK;
}

// ---- many trees

// Trees are grown a handful at a time, so that a training can be stopped between; each has a stream
// of chance of its own and so does not depend on its thread.
typedef struct Grower {
    MlTrainer *trainer;
    const Ranks *ranks;
    CartSpec spec;
    bool bootstrap;
    uint32_t samples, depth_max;  // of isolation
    Grove *grove;
    uint32_t first;
} Grower;

enum { TREE_STREAM = 1000, CHUNK = 16 };

static Status grow_all(Grower *grower, uint32_t trees,
                       void (*work)(void *arg, uint32_t i, uint32_t worker), Error *err) {
    MlTrainer *trainer = grower->trainer;
    uint32_t chunk = CHUNK * trainer->threads;
    for (grower->first = 0; grower->first < trees; grower->first += chunk) {
        TRY(trainer_check(trainer, err));
        uint32_t count = trees - grower->first < chunk ? trees - grower->first : chunk;
        parallel(trainer_threads(trainer, count), count, work, grower);
        trainer_say(trainer, "%u of %u trees", grower->first + count, trees);
    }
    return ST_OK;
}

static void groves_free(Grove *grove, uint32_t count) {
    for (uint32_t t = 0; t < count; t++) grove_free(&grove[t]);
    mem_free(grove);
}

static void grow_one(void *arg, uint32_t i, uint32_t worker) {
    (void)worker;
    const Grower *self = arg;
    uint32_t tree = self->first + i, rows = self->trainer->train_rows, count = 0;
    Rng rng = rng_make(self->trainer->seed, TREE_STREAM + tree);
    uint32_t *row = NEW_ARRAY(uint32_t, rows);
    double *weight = self->bootstrap ? NEW_ARRAY(double, rows) : NULL;
    for (uint32_t r = 0; weight && r < rows; r++) weight[rng_below(&rng, rows)]++;
    for (uint32_t r = 0; r < rows; r++) {
        if (!weight || weight[r] > 0) row[count++] = r;
    }
    cart_grow(self->trainer, self->ranks, &self->spec, row, count, weight, &rng,
              &self->grove[tree]);
    mem_free(row);
    mem_free(weight);
}

static uint32_t features_tried(const MlTrainer *trainer) {
    enum { AUTO, SQRT, LOG2, THIRD, ALL };
    double features = trainer->model->features, tried = features;
    uint32_t choice = option_choice(trainer, "max-features");
    if (choice == AUTO) choice = trainer->model->classes ? SQRT : ALL;
    if (choice == SQRT) tried = sqrt(features);
    if (choice == LOG2) tried = log2(features);
    if (choice == THIRD) tried = features / 3;
    return tried < 1 ? 1 : (uint32_t)tried;
}

static Status train_forest(MlTrainer *trainer, Error *err) {
    uint32_t trees = option_count(trainer, "trees");
    Grower grower = {.trainer = trainer, .spec = cart_spec(trainer),
                     .bootstrap = option_bool(trainer, "bootstrap")};
    grower.spec.features_max = features_tried(trainer);
    Ranks *ranks;
    TRY(ranks_make(trainer, &ranks, err));
    grower.ranks = ranks;
    grower.grove = NEW_ARRAY(Grove, trees);
    Status st = grow_all(&grower, trees, grow_one, err);
    if (!st) keep_trees(trainer, grower.grove, trees, TREES_MEAN);
    groves_free(grower.grove, trees);
    return st;
}

// ---- isolation

// The place of a cut: a number between the least and the most, or a category of those here.
static bool choose_cut(const Grower *self, const uint32_t *row, uint32_t count, uint32_t feature,
                       Rng *rng, double *least, double *threshold) {
    const double *x = self->trainer->x[feature];
    double low = INFINITY, high = -INFINITY;
    for (uint32_t i = 0; i < count; i++) {
        low = fmin(low, x[row[i]]);  // NaN is left out
        high = fmax(high, x[row[i]]);
    }
    if (!(low < high)) return false;
    *least = low;
    *threshold = rng_between(rng, low, high);
    return true;
}

static void isolate(const Grower *self, Grove *grove, uint32_t *row, uint32_t count, uint32_t depth,
                    Rng *rng) {
    const WeirModel *model = self->trainer->model;
    uint32_t at = grove_node(grove), feature = 0;
    double least = 0, threshold = 0;
    bool found = false;
    for (uint32_t tries = 0; tries < 2 * model->features + 8 && !found; tries++) {
        if (count < 2 || depth >= self->depth_max) break;
        feature = rng_below(rng, model->features);
        found = choose_cut(self, row, count, feature, rng, &least, &threshold);
    }
    grove->node[at].rows = count;
    if (!found) {
        uint32_t value = grove_values(grove, 1);
        grove->value[value] = depth + trees_normal_depth(count);
        grove->node[at].left = value;
        return;
    }
    WeirNode node = {.feature = (int32_t)feature, .threshold = threshold, .rows = count};
    node.missing_left = rng_next(rng) >> 63;
    bool text = model->feature[feature].type == ML_TEXT;
    if (text) {  // a half of the categories by chance, at least one that is here
        uint32_t categories = model->feature[feature].categories;
        node.set_words = (uint32_t)BITS_WORDS(categories);
        node.set = grove_set(grove, node.set_words);
        for (uint32_t c = 0; c < categories; c++) {
            if (rng_next(rng) >> 63) bits_set(grove->set + node.set, c);
        }
        bits_set(grove->set + node.set, (uint32_t)least);
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        double x = self->trainer->x[feature][row[i]];
        bool goes = isnan(x) ? node.missing_left
                    : text   ? bits_get(grove->set + node.set, (uint32_t)x)
                             : x <= threshold;
        if (!goes) continue;
        uint32_t kept = row[left];
        row[left++] = row[i];
        row[i] = kept;
    }
    node.left = grove->nodes;
    isolate(self, grove, row, left, depth + 1, rng);
    node.right = grove->nodes;
    isolate(self, grove, row + left, count - left, depth + 1, rng);
    grove->node[at] = node;
}

static void isolate_one(void *arg, uint32_t i, uint32_t worker) {
    (void)worker;
    const Grower *self = arg;
    uint32_t tree = self->first + i, rows = self->trainer->train_rows;
    Rng rng = rng_make(self->trainer->seed, TREE_STREAM + tree);
    uint32_t *row = NEW_ARRAY(uint32_t, rows);
    for (uint32_t r = 0; r < rows; r++) row[r] = r;
    for (uint32_t r = 0; r < self->samples; r++) {
        uint32_t j = r + rng_below(&rng, rows - r), kept = row[r];
        row[r] = row[j];
        row[j] = kept;
    }
    isolate(self, &self->grove[tree], row, self->samples, 0, &rng);
    mem_free(row);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The score that so many of the rows are above.
static Status score_above(MlTrainer *trainer, double part, double *out, Error *err) {
    TRY(weir_model_finish(trainer->model, err));
    uint32_t rows = trainer->train_rows;
    double *score = ARENA_ARRAY(&trainer->arena, double, (size_t)rows * 2);
    weir_score(trainer->model, (const double *const *)trainer->x, 0, rows, score, &trainer->arena);
    tree_free(trainer->model->trees->ensemble);
    trainer->model->trees->ensemble = NULL;
    for (uint32_t i = 0; i < rows; i++) score[i] = score[2 * i];
    qsort(score, rows, sizeof *score, by_value);
    *out = score[(uint32_t)((rows - 1) * (1 - part))];
    return ST_OK;
}

static Status train_isolation(MlTrainer *trainer, Error *err) {
    uint32_t trees = option_count(trainer, "trees"), samples = option_count(trainer, "max-samples");
    if (samples > trainer->train_rows) samples = trainer->train_rows;
    Grower grower = {.trainer = trainer, .samples = samples};
    grower.depth_max = (uint32_t)ceil(log2(samples));
    grower.grove = NEW_ARRAY(Grove, trees);
    Status st = grow_all(&grower, trees, isolate_one, err);
    if (!st) keep_trees(trainer, grower.grove, trees, TREES_ISOLATION);
    groves_free(grower.grove, trees);
    if (st) return st;
    Trees *kept = trainer->model->trees;
    kept->base_count = 2;
    kept->base = ARENA_ARRAY(&trainer->model->arena, double, 2);
    kept->base[0] = trees_normal_depth(samples);
    kept->base[1] = 0.5;
    double part = option_number(trainer, "contamination");
    return part > 0 ? score_above(trainer, part, &kept->base[1], err) : ST_OK;
}

const MlAlgorithm TRAIN_DECISION_TREE = {
    .name = "decision-tree",
    .tasks = 1 << ML_CLASSIFICATION | 1 << ML_REGRESSION,
    .option = TREE_ROWS,
    .train = train_tree,
    .doc = "One tree of questions (CART), easy to read and to export.",
};

const MlAlgorithm TRAIN_RANDOM_FOREST = {
    .name = "random-forest",
    .tasks = 1 << ML_CLASSIFICATION | 1 << ML_REGRESSION,
    .option = FOREST_ROWS,
    .train = train_forest,
    .doc = "The mean of many trees, each grown from other rows and features. Hard to get wrong.",
};

const MlAlgorithm TRAIN_ISOLATION_FOREST = {
    .name = "isolation-forest",
    .tasks = 1 << ML_OUTLIERS,
    .option = ISOLATION_ROWS,
    .train = train_isolation,
    .doc = "Outliers are rows that few random cuts separate from all others; there is no label.",
};
