// ml/train/forest.c - a decision tree, and forests of them.
#include "ml/train/cart.h"

// clang-format off
#define TREE_OPTIONS(leaf) \
    {"max-depth", ML_OPTION_INT, "0", 0, 1000, \
     .doc = "How many questions a row may be asked; 0: as many as there are."}, \
    {"min-samples-split", ML_OPTION_INT, "2", 2, 1e9, .doc = "A node with fewer rows is a leaf."}, \
    {"min-samples-leaf", ML_OPTION_INT, leaf, 1, 1e9, .doc = "No leaf has fewer rows."}, \
    {"min-impurity-decrease", ML_OPTION_DOUBLE, "0", 0, 1e9, \
     .doc = "A cut that gains less is not made; weighted by the node's part of all rows."}, \
    {"criterion", ML_OPTION_CHOICE, "gini", .choices = "gini entropy", \
     .doc = "What a cut of a classification is judged by; a regression's is the variance."}

static const MlOption TREE_OPTIONS_ROWS[] = {TREE_OPTIONS("1"), {0}};
// clang-format on

enum { DEPTH_MAX = 1000 };  // below tree.h's TREE_DEPTH_MAX

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

static Status train_tree(MlTrainer *trainer, Error *err) {
    Ranks *ranks;
    TRY(ranks_make(trainer, &ranks, err));
    uint32_t rows = trainer->train_rows;
    uint32_t *row = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    for (uint32_t i = 0; i < rows; i++) row[i] = i;
    CartSpec spec = cart_spec(trainer);
    Grove grove = {0};
    cart_grow(trainer, ranks, &spec, row, rows, NULL, NULL, &grove);
    WeirModel *model = trainer->model;
    model->kind = WEIR_TREES;
    model->trees = groves_join(&model->arena, &grove, 1, model->classes ? model->classes : 1);
    model->trees->sum = TREES_MEAN;
    grove_free(&grove);
    trainer->rounds = 1;
    return ST_OK;
}

const MlAlgorithm TRAIN_DECISION_TREE = {
    .name = "decision-tree",
    .tasks = 1 << ML_CLASSIFICATION | 1 << ML_REGRESSION,
    .option = TREE_OPTIONS_ROWS,
    .train = train_tree,
    .doc = "One tree of questions (CART), easy to read and to export.",
};
