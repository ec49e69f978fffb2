// Ensembles of trees: the block-wise ways agree with the row that walks alone.
#include "ml/tree.h"

#include <math.h>

#include "test/unit.h"

typedef struct Grown {
    TreeSpec spec;
    uint64_t seed;
    uint32_t node_max;
} Grown;

static uint32_t draw(Grown *g, uint32_t below) {
    g->seed = g->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(g->seed >> 33) % below;
}

static uint32_t grow(Grown *g, uint32_t depth, uint32_t outs, uint32_t thresholds) {
    uint32_t n = g->spec.nodes++;
    TreeNode *node = &g->spec.node[n];
    if (depth == 0 || draw(g, 8) == 0 || g->spec.nodes + 64 > g->node_max) {
        *node = (TreeNode){.test = TREE_LEAF, .left = g->spec.values};
        for (uint32_t i = 0; i < outs; i++) g->spec.value[g->spec.values++] = draw(g, 1000) / 16.0;
        return n;
    }
    *node = (TreeNode){.test = TREE_LE, .feature = draw(g, 4), .missing_left = draw(g, 2) == 0,
                       .threshold = draw(g, thresholds) / 10.0};
    if (node->feature == 3) node->test = TREE_IN, node->set = draw(g, 3), node->set_words = 1;
    if (draw(g, 9) == 0) node->test = TREE_EQ;
    if (draw(g, 9) == 0) node->test = TREE_MISSING;
    uint32_t left = grow(g, depth - 1, outs, thresholds),
             right = grow(g, depth - 1, outs, thresholds);
    g->spec.node[n].left = left;
    g->spec.node[n].right = right;
    return n;
}

static void compare(uint32_t trees, uint32_t depth, uint32_t outs, uint32_t thresholds) {
    enum { ROWS = 700, FEATURES = 4 };
    bool single[FEATURES] = {false, true, false, false};
    uint64_t set[3] = {0xF0F3, 0x5555, 1};
    Grown g = {.seed = trees + depth * 77, .node_max = trees << (depth + 1)};
    g.spec = (TreeSpec){.node = mem_alloc(sizeof(TreeNode) * (g.node_max + 128)),
                        .value = mem_alloc(sizeof(double) * (g.node_max + 128) * outs),
                        .tree = mem_alloc(sizeof(Tree) * trees),
                        .trees = trees,
                        .set = set,
                        .set_words = 3,
                        .single = single,
                        .features = FEATURES,
                        .outputs = outs + 1};
    for (uint32_t t = 0; t < trees; t++) {
        uint32_t root = grow(&g, depth, outs, thresholds);
        g.spec.tree[t] = (Tree){.root = root, .out = t % 2, .outs = outs};
    }
    TreeEnsemble *ensemble;
    Error err;
    CHECK_OK(tree_new(&g.spec, &ensemble, &err), &err);
    double *column[FEATURES], *out = NEW_ARRAY(double, ROWS * (outs + 1));
    for (uint32_t f = 0; f < FEATURES; f++) {
        column[f] = NEW_ARRAY(double, ROWS);
        for (uint32_t row = 0; row < ROWS; row++) {
            column[f][row] = f == 3 ? draw(&g, 70) : draw(&g, thresholds) / 10.0;
            if (draw(&g, 7) == 0) column[f][row] = NAN;
        }
    }
    Arena arena;
    arena_init(&arena);
    uint32_t *leaf = NEW_ARRAY(uint32_t, (size_t)ROWS * trees);
    tree_sum(ensemble, (const double *const *)column, ROWS, out, &arena);
    tree_leaves(ensemble, (const double *const *)column, ROWS, leaf, &arena);
    for (uint32_t row = 0; row < ROWS; row++) {
        double feature[FEATURES], alone[8] = {0}, of_leaves[8] = {0};
        for (uint32_t f = 0; f < FEATURES; f++) feature[f] = column[f][row];
        tree_row(ensemble, feature, alone);
        for (uint32_t t = 0; t < trees; t++) {
            const TreeNode *node = &g.spec.node[leaf[t * ROWS + row]];
            CHECK_INT(node->test, TREE_LEAF);
            for (uint32_t i = 0; i < outs; i++)
                of_leaves[t % 2 + i] += g.spec.value[node->left + i];
        }
        for (uint32_t i = 0; i <= outs; i++) {
            CHECK(out[row * (outs + 1) + i] == alone[i]);
            CHECK(of_leaves[i] == alone[i]);
        }
    }
    arena_clear(&arena);
    tree_free(ensemble);
    for (uint32_t f = 0; f < FEATURES; f++) mem_free(column[f]);
    mem_free(out);
    mem_free(leaf);
    mem_free(g.spec.node);
    mem_free(g.spec.value);
    mem_free(g.spec.tree);
}

TEST(tree, small_trees_agree_with_single_rows) {
    compare(1, 0, 1, 10);
    compare(1, 3, 2, 9);
    compare(40, 6, 1, 10);
    compare(40, 6, 1, 200);
}

TEST(tree, large_trees_agree_with_single_rows) {
    compare(30, 10, 3, 2000);
    compare(3, 12, 1, 20000);
}

TEST(tree, folds_take_the_least_and_the_most) {
    TreeNode node[2] = {{.test = TREE_LEAF, .left = 0}, {.test = TREE_LEAF, .left = 1}};
    Tree tree[2] = {{.root = 0, .outs = 1}, {.root = 1, .outs = 1}};
    double value[2] = {4, -3}, least[1] = {INFINITY}, most[1] = {-INFINITY};
    TreeSpec spec = {.node = node,
                     .tree = tree,
                     .value = value,
                     .nodes = 2,
                     .trees = 2,
                     .values = 2,
                     .outputs = 1};
    TreeEnsemble *ensemble;
    Arena arena;
    arena_init(&arena);
    CHECK(tree_new(&spec, &ensemble, NULL) == ST_OK);
    tree_fold(ensemble, NULL, 1, TREE_MIN, least, &arena);
    tree_fold(ensemble, NULL, 1, TREE_MAX, most, &arena);
    CHECK(least[0] == -3 && most[0] == 4);
    arena_clear(&arena);
    tree_free(ensemble);
}

TEST(tree, circles_and_loose_ends_are_refused) {
    TreeNode node[3] = {{.test = TREE_LE, .left = 1, .right = 2}, {.test = TREE_LEAF},
                        {.test = TREE_LE, .left = 0, .right = 1}};
    Tree tree = {.root = 0, .outs = 1};
    double value = 1;
    TreeSpec spec = {.node = node,
                     .tree = &tree,
                     .value = &value,
                     .nodes = 3,
                     .trees = 1,
                     .values = 1,
                     .features = 1,
                     .outputs = 1};
    TreeEnsemble *ensemble;
    CHECK(tree_new(&spec, &ensemble, NULL) == ST_VALIDATION);
    node[0].right = 7;
    CHECK(tree_new(&spec, &ensemble, NULL) == ST_VALIDATION);
    node[0].right = 1;
    CHECK(tree_new(&spec, &ensemble, NULL) == ST_VALIDATION);
}

TEST(tree, below_is_the_nearest_number) {
    CHECK(tree_below(1.0, false) < 1.0 && nextafter(tree_below(1.0, false), 2) == 1.0);
    CHECK((float)tree_below(1.0, true) == nextafterf(1.0f, 0));
}
