// ml/pmml/fast_trees.c - from nodes with any number of children, each with a predicate, to nodes
// that ask one question.
//
// A node with the children p1: a, p2: b, p3: c becomes "p1 ? a : p2 ? b : p3 ? c : no true child".
// Where p2 is the contrary of p1 it need not be asked: only a missing value makes a difference
// then.
#include "ml/pmml/fast_trees.h"

#include <math.h>

enum { DEPTH_MAX = 2000, CLASSES_MAX = 256, CATEGORIES_MAX = 4096, NODES_MAX = 1 << 24 };

typedef struct Grow {
    Arena *arena;
    TreeSpec spec;
    uint32_t node_cap, value_cap, set_cap, feature_cap;
    FastFeature *feature;
    const PmmlNode **leaf;
    const TreeModel *tree;  // the one being flattened
    bool classes, votes, exact;
    bool single;            // a tree's numbers are rounded to float before they are added up
    double weight;
    Value *category;
    uint32_t categories, depth;
} Grow;

static void *grow_array(void *array, uint32_t count, uint32_t *cap, size_t size) {
    if (count < *cap) return array;
    *cap = *cap ? *cap * 2 : 256;
    return mem_realloc(array, size * *cap);
}

static bool new_node(Grow *g, uint32_t *out) {
    if (g->spec.nodes == NODES_MAX) return false;
    uint32_t cap = g->node_cap;
    g->spec.node = grow_array(g->spec.node, g->spec.nodes, &g->node_cap, sizeof *g->spec.node);
    if (cap != g->node_cap) g->leaf = mem_realloc(g->leaf, sizeof *g->leaf * g->node_cap);
    *out = g->spec.nodes++;
    g->spec.node[*out] = (TreeNode){0};
    g->leaf[*out] = NULL;
    return true;
}

static void put_value(Grow *g, double value) {
    g->spec.value = grow_array(g->spec.value, g->spec.values, &g->value_cap, sizeof value);
    g->spec.value[g->spec.values++] = value;
}

// -- Leaves ---------------------------------------------------------------------------------------

static int64_t class_number(const Grow *g, Value value) {
    for (uint32_t i = 0; i < g->categories; i++) {
        if (value_eq(g->category[i], value)) return i;
    }
    return -1;
}

static double share_of(const Grow *g, const PmmlNode *node, uint32_t k) {
    if (g->votes) return value_eq(g->category[k], node->score) ? 1 : 0;
    for (uint32_t i = 0; i < node->categories; i++) {
        if (value_eq(g->category[k], node->category[i])) return node->probability[i];
    }
    return 0;
}

// NULL: no prediction, which is not for sums.
static bool leaf(Grow *g, const PmmlNode *node, uint32_t *out) {
    if (!new_node(g, out)) return false;
    g->spec.node[*out] = (TreeNode){.test = TREE_LEAF, .left = g->spec.values};
    g->leaf[*out] = node;
    if (node && node->embedded) return false;
    if (node && (!node->has_score || (g->classes && !g->votes && node->categories == 0)))
        node = NULL;
    if (!g->classes) {
        double number = node ? node->number : (double)NAN;
        put_value(g, (g->single ? (double)(float)number : number) * g->weight);
        return true;
    }
    for (uint32_t k = 0; k < g->categories; k++) {
        put_value(g, node ? share_of(g, node, k) * g->weight : (double)NAN);
    }
    return true;
}

// -- Questions ------------------------------------------------------------------------------------

// Outputs of other models are not known before these have run; dates are no numbers.
static bool usable(const Field *field, bool text) {
    if (field->kind == FIELD_DECLARED || field->optype == OP_ORDINAL) return false;
    if (text) return field->type.type == PT_STRING;
    PmmlType type = (PmmlType)field->type.type;
    return type == PT_BOOLEAN || (type_is_number(type) && type < PT_DAYS);
}

static bool feature_of(Grow *g, const Field *field, bool by_category, uint32_t *out) {
    for (uint32_t f = 0; f < g->spec.features; f++) {
        if (g->feature[f].field != field || g->feature[f].by_category != by_category) continue;
        *out = f;
        return true;
    }
    if (g->spec.features == 4096) return false;
    g->feature = grow_array(g->feature, g->spec.features, &g->feature_cap, sizeof *g->feature);
    *out = g->spec.features++;
    g->feature[*out] = (FastFeature){.field = field, .by_category = by_category};
    return true;
}

static bool code_of(FastFeature *feature, Value value, Arena *arena, uint32_t *out) {
    for (*out = 0; *out < feature->categories; ++*out) {
        if (value_eq(feature->category[*out], value)) return true;
    }
    uint32_t count = feature->categories;
    if (count == CATEGORIES_MAX) return false;
    if ((count & (count - 1)) == 0) {  // a power of two: full
        Value *more = ARENA_ARRAY(arena, Value, count ? count * 2 : 1);
        if (count) memcpy(more, feature->category, sizeof *more * count);
        feature->category = more;
    }
    feature->category[feature->categories++] = value;
    return true;
}

typedef struct Question {
    TreeNode node;
    bool yes_left;  // where the predicate is true
} Question;

static bool category_question(Grow *g, const Predicate *p, Question *out) {
    if (!feature_of(g, p->field, true, &out->node.feature)) return false;
    FastFeature *feature = &g->feature[out->node.feature];
    out->yes_left = p->kind == PRED_EQUAL || p->kind == PRED_IN;
    uint32_t code, most = 0,
                   count = p->kind == PRED_EQUAL || p->kind == PRED_NOT_EQUAL ? 1 : p->parts;
    const Value *value = count == 1 && p->kind <= PRED_NOT_EQUAL ? &p->value : p->values;
    for (uint32_t i = 0; i < count; i++) {
        if (!code_of(feature, value[i], g->arena, &code)) return false;
        if (code > most) most = code;
    }
    out->node.test = TREE_IN;
    out->node.set = g->spec.set_words;
    out->node.set_words = (uint16_t)(most / 64 + 1);
    for (uint32_t w = 0; w <= most / 64; w++) {
        g->spec.set = grow_array(g->spec.set, g->spec.set_words, &g->set_cap, sizeof *g->spec.set);
        g->spec.set[g->spec.set_words++] = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        (void)code_of(feature, value[i], g->arena, &code);
        g->spec.set[out->node.set + code / 64] |= (uint64_t)1 << (code % 64);
    }
    return true;
}

static bool number_question(Grow *g, const Predicate *p, Question *out) {
    bool number = type_is_number((PmmlType)p->value.type) || p->value.type == PT_BOOLEAN;
    if (!number || isnan(p->value.number)) return false;
    if (!feature_of(g, p->field, false, &out->node.feature)) return false;
    bool single = p->field->type.type == PT_FLOAT;
    double t = p->value.number;
    out->node.test = TREE_LE;
    out->node.threshold = t;
    out->yes_left = true;
    switch ((PredicateKind)p->kind) {
        case PRED_EQUAL: out->node.test = TREE_EQ; return true;
        case PRED_NOT_EQUAL: out->node.test = TREE_EQ; out->yes_left = false; return true;
        case PRED_LESS_OR_EQUAL: return true;
        case PRED_GREATER: out->yes_left = false; return true;
        case PRED_LESS: out->node.threshold = tree_below(t, single); return true;
        case PRED_GREATER_OR_EQUAL:
            out->node.threshold = tree_below(t, single);
            out->yes_left = false;
            return true;
        default: return false;
    }
}

static bool question(Grow *g, const Predicate *p, Question *out) {
    *out = (Question){0};
    if (p->kind >= PRED_AND || !p->field) return false;
    bool text = usable(p->field, true);
    if (!text && !usable(p->field, false)) return false;
    if (p->kind == PRED_IS_MISSING || p->kind == PRED_IS_NOT_MISSING) {
        out->node.test = TREE_MISSING;
        out->yes_left = p->kind == PRED_IS_MISSING;
        return feature_of(g, p->field, text, &out->node.feature);
    }
    if (text || p->kind == PRED_IN || p->kind == PRED_NOT_IN) {
        return (text ? p->kind <= PRED_NOT_EQUAL || p->kind >= PRED_IN : true) &&
               category_question(g, p, out);
    }
    return number_question(g, p, out);
}

static bool same_values(const Predicate *a, const Predicate *b) {
    if (a->kind < PRED_IN) return value_eq(a->value, b->value);
    if (a->parts != b->parts) return false;
    for (uint32_t i = 0; i < a->parts; i++) {
        if (!value_eq(a->values[i], b->values[i])) return false;
    }
    return true;
}

static bool contrary(const Predicate *a, const Predicate *b) {
    static const uint8_t OTHER[] = {[PRED_EQUAL] = PRED_NOT_EQUAL,
                                    [PRED_NOT_EQUAL] = PRED_EQUAL,
                                    [PRED_LESS] = PRED_GREATER_OR_EQUAL,
                                    [PRED_GREATER_OR_EQUAL] = PRED_LESS,
                                    [PRED_GREATER] = PRED_LESS_OR_EQUAL,
                                    [PRED_LESS_OR_EQUAL] = PRED_GREATER,
                                    [PRED_IN] = PRED_NOT_IN,
                                    [PRED_NOT_IN] = PRED_IN,
                                    [PRED_AND] = 0};
    return a->kind < PRED_AND && a->field && a->field == b->field && OTHER[a->kind] == b->kind &&
           b->kind != PRED_TRUE && same_values(a, b);
}

// -- Nodes ----------------------------------------------------------------------------------------

static bool below(Grow *g, const PmmlNode *node, uint32_t *out);

// Where a missing value goes at child [i], as far as the strategy makes it a direction.
static bool missing_is_yes(Grow *g, const PmmlNode *node, uint32_t i, bool last) {
    if (g->tree->missing == MISSING_DEFAULT_CHILD && node->fallback && i == 0) {
        if (node->fallback == &node->child[0]) return true;
        if (!last || node->fallback != &node->child[1]) g->exact = false;
        return false;
    }
    // Without a strategy an unknown predicate is one that is not true; a pair of contraries has
    // then no true child, which one question cannot say.
    if (g->tree->missing != MISSING_NONE || last) g->exact = false;
    return false;
}

static bool choose(Grow *g, const PmmlNode *node, uint32_t i, uint32_t *out) {
    if (i == node->children) {
        return leaf(g, g->tree->last_prediction && node->has_score ? node : NULL, out);
    }
    const PmmlNode *child = &node->child[i];
    if (child->predicate->kind == PRED_TRUE) return below(g, child, out);
    if (child->predicate->kind == PRED_FALSE) return choose(g, node, i + 1, out);
    Question q;
    if (++g->depth > DEPTH_MAX || !question(g, child->predicate, &q) || !new_node(g, out))
        return false;
    bool pair = i + 1 < node->children && contrary(child->predicate, node->child[i + 1].predicate);
    if (q.node.test != TREE_MISSING) {
        bool yes = missing_is_yes(g, node, i, pair);
        q.node.missing_left = yes == q.yes_left;
    }
    uint32_t yes, no;
    if (!below(g, child, &yes)) return false;
    if (pair ? !below(g, &node->child[i + 1], &no) : !choose(g, node, i + 1, &no)) return false;
    q.node.left = q.yes_left ? yes : no;
    q.node.right = q.yes_left ? no : yes;
    g->spec.node[*out] = q.node;
    g->depth--;
    return true;
}

static bool below(Grow *g, const PmmlNode *node, uint32_t *out) {
    if (node->children == 0) return leaf(g, node, out);
    if (++g->depth > DEPTH_MAX) return false;
    bool done = choose(g, node, 0, out);
    g->depth--;
    return done;
}

static bool add_tree(Grow *g, const Model *model, double weight) {
    g->tree = model->impl;
    g->weight = weight;
    g->single = model->single || model->target[0].type.type == PT_FLOAT;
    if (g->tree->root.predicate->kind != PRED_TRUE || model->outputs || model->target[0].rescales)
        return false;
    if ((model->function == MINE_CLASSIFICATION) != g->classes) return false;
    uint32_t root;
    if (!below(g, &g->tree->root, &root)) return false;
    g->spec.tree[g->spec.trees++] = (Tree){.root = root, .outs = g->classes ? g->categories : 1};
    return true;
}

// -- Models ---------------------------------------------------------------------------------------

static bool put_class(Grow *g, Value value) {
    if (is_missing(value) || class_number(g, value) >= 0) return true;
    if (g->categories == CLASSES_MAX) return false;
    g->category[g->categories++] = value;
    return true;
}

// All classes of a tree, in the order in which they stand in it.
static bool collect_classes(Grow *g, const PmmlNode *node) {
    for (uint32_t i = 0; i < node->categories && !g->votes; i++) {
        if (!put_class(g, node->category[i])) return false;
    }
    if (node->has_score && !put_class(g, node->score)) return false;
    for (uint32_t i = 0; i < node->children; i++) {
        if (!collect_classes(g, &node->child[i])) return false;
    }
    return true;
}

static bool is_tree(const Model *model) {
    return strcmp(model->kind->element, "TreeModel") == 0;
}

static bool add_forest(Grow *g, const Model *model, double *divisor) {
    const Mining *mining = model->impl;
    Method method = (Method)mining->method;
    bool weighted = method == METHOD_WEIGHTED_VOTE || method == METHOD_WEIGHTED_AVERAGE ||
                    method == METHOD_WEIGHTED_SUM;
    bool sums = method == METHOD_SUM || method == METHOD_WEIGHTED_SUM;
    bool averages = method == METHOD_AVERAGE || method == METHOD_WEIGHTED_AVERAGE;
    g->votes = method == METHOD_VOTE || method == METHOD_WEIGHTED_VOTE;
    if (!(g->votes ? g->classes : averages || (sums && !g->classes))) return false;
    double weights = 0;
    for (uint32_t i = 0; i < mining->segments; i++) {
        const Segment *segment = &mining->segment[i];
        if (!is_tree(segment->model) || segment->predicate->kind != PRED_TRUE) return false;
        if (g->classes && !collect_classes(g, &((const TreeModel *)segment->model->impl)->root))
            return false;
    }
    for (uint32_t i = 0; i < mining->segments; i++) {
        double weight = weighted ? mining->segment[i].weight : 1;
        if (!add_tree(g, mining->segment[i].model, weight)) return false;
        weights += weight;
    }
    *divisor = sums ? 1 : weights;
    return weights > 0;
}

static bool finish(Grow *g, FastTrees *out) {
    g->spec.outputs = g->classes ? g->categories : 1;
    g->spec.single = NEW_ARRAY(bool, g->spec.features + 1);
    for (uint32_t f = 0; f < g->spec.features; f++) {
        g->spec.single[f] =
            !g->feature[f].by_category && g->feature[f].field->type.type == PT_FLOAT;
    }
    bool made = tree_new(&g->spec, &out->trees, NULL) == ST_OK;
    mem_free(g->spec.single);
    return made;
}

bool fast_trees_new(const Model *model, Arena *arena, FastTrees *out) {
    *out = (FastTrees){.divisor = 1};
    bool single = is_tree(model), mining = strcmp(model->kind->element, "MiningModel") == 0;
    if (!single && !mining) return false;
    Grow g = {.arena = arena, .exact = true, .classes = model->function == MINE_CLASSIFICATION};
    if (!g.classes && model->function != MINE_REGRESSION) return false;
    uint32_t segments = mining ? ((const Mining *)model->impl)->segments : 1;
    g.category = ARENA_ARRAY(arena, Value, CLASSES_MAX);
    g.spec.tree = NEW_ARRAY(Tree, segments);
    bool good;
    if (single) {
        const TreeModel *tree = model->impl;
        Model bare = *model;  // its outputs and targets are not part of the tree
        bare.outputs = 0;
        Target target = model->target[0];
        target.rescales = false;
        bare.target = &target;
        good = tree->root.predicate->kind == PRED_TRUE &&
               (!g.classes || collect_classes(&g, &tree->root)) && add_tree(&g, &bare, 1);
    } else {
        good = add_forest(&g, model, &out->divisor);
    }
    good = good && finish(&g, out);
    if (good) {
        out->feature = arena_dup(arena, g.feature, sizeof *g.feature * g.spec.features);
        out->features = g.spec.features;
        out->exact = g.exact;
        out->classes = g.classes;
        out->category = g.category;
        out->categories = g.categories;
        if (single) out->leaf = arena_dup(arena, g.leaf, sizeof *g.leaf * g.spec.nodes);
    }
    mem_free(g.spec.node);
    mem_free(g.spec.value);
    mem_free(g.spec.set);
    mem_free(g.spec.tree);
    mem_free(g.feature);
    mem_free(g.leaf);
    return good;
}
