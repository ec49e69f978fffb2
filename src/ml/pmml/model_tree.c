// ml/pmml/model_tree.c - <TreeModel>: down from the root, to the first child whose predicate is
// true.
#include <math.h>

#include "ml/pmml/tree.h"

typedef struct Build {
    Load *load;
    Model *model;
    TreeModel *tree;
} Build;

// -- Compiling ------------------------------------------------------------------------------------

static void distribution(Build *b, const Xml *at, PmmlNode *node) {
    uint32_t count = xml_count(at, "ScoreDistribution");
    Value *category = ARENA_ARRAY(b->load->arena, Value, count);
    double *probability = ARENA_ARRAY(b->load->arena, double, count);
    double *records = ARENA_ARRAY(b->load->arena, double, count), *confidence = NULL, sum = 0;
    bool probabilities = false;
    for (const Xml *s = xml_child(at, "ScoreDistribution"); s;
         s = xml_next(s, "ScoreDistribution")) {
        uint32_t i = node->categories++;
        if (i == 0) probabilities = xml_attr(s, "probability").ptr != NULL;
        category[i] = category_value(b->load, b->model, s, need_attr(b->load, s, "value"));
        records[i] = attr_number(b->load, s, "recordCount", 0);
        probability[i] = probabilities ? need_number(b->load, s, "probability")
                                       : need_number(b->load, s, "recordCount");
        sum += probability[i];
        if (!xml_attr(s, "confidence").ptr) continue;
        if (!confidence) confidence = ARENA_ARRAY(b->load->arena, double, count);
        confidence[i] = need_number(b->load, s, "confidence");
    }
    for (uint32_t i = 0; i < count && sum != 0; i++) probability[i] /= sum;
    node->category = category;
    node->probability = probability;
    node->confidence = confidence;
    node->count = records;
}

static void compile_node(Build *b, const Xml *at, PmmlNode *node) {
    Load *load = b->load;
    load_deeper(load, at);
    Str score = xml_attr(at, "score"), fallback = xml_attr(at, "defaultChild");
    node->id = xml_attr(at, "id");
    b->tree->nodes++;
    if (!node->id.ptr) node->id = str_printf(load->arena, "%u", b->tree->nodes);
    node->predicate = predicate_compile(load, b->model, predicate_child(load, at));
    node->has_score = score.ptr != NULL;
    node->records = attr_number(load, at, "recordCount", NAN);
    if (score.ptr) {
        node->score = category_value(load, b->model, at, score);
        if (b->model->function == MINE_REGRESSION) node->number = parse_double(load, at, score);
    }
    distribution(b, at, node);
    const Xml *embedded = xml_child(at, "Regression");
    if (xml_child(at, "DecisionTree") || (embedded && b->model->function != MINE_REGRESSION)) {
        load_unsupported(load, at, "a model inside of a node");
    }
    if (embedded) node->embedded = regression_new(load, b->model, embedded);
    uint32_t count = xml_count(at, "Node");
    PmmlNode *child = ARENA_ARRAY(load->arena, PmmlNode, count);
    node->child = child;
    for (const Xml *c = xml_child(at, "Node"); c; c = xml_next(c, "Node")) {
        compile_node(b, c, &child[node->children++]);
    }
    for (uint32_t i = 0; fallback.ptr && i < count; i++) {
        if (str_eq(child[i].id, fallback)) node->fallback = &child[i];
    }
    if (fallback.ptr && !node->fallback) {
        load_fail(load, at, "its default child '" STR_FMT "' is no child of it", STR_ARG(fallback));
    }
    load->depth--;
}

static void compile(Load *load, Model *model) {
    static const char *const MISSINGS[] = {"none",
                                           "nullPrediction",
                                           "lastPrediction",
                                           "defaultChild",
                                           "weightedConfidence",
                                           "aggregateNodes",
                                           ""};
    static const char *const NO_CHILD[] = {"returnNullPrediction", "returnLastPrediction", ""};
    TreeModel *self = ARENA_NEW(load->arena, TreeModel);
    self->missing = (uint8_t)attr_enum(load, model->xml, "missingValueStrategy", MISSINGS, 0);
    self->last_prediction = attr_enum(load, model->xml, "noTrueChildStrategy", NO_CHILD, 0) == 1;
    self->penalty = attr_number(load, model->xml, "missingValuePenalty", 1);
    Build b = {.load = load, .model = model, .tree = self};
    compile_node(&b, need_child(load, model->xml, "Node"), &self->root);
    model->impl = self;
}

// -- Scoring --------------------------------------------------------------------------------------

typedef struct Walk {
    const PmmlNode *node;  // NULL: no prediction
    uint32_t missings;     // times that something stood in for a missing value
    const PmmlNode *spread;  // weightedConfidence, aggregateNodes: go on below this one, by weights
} Walk;

static const PmmlNode *no_true_child(const TreeModel *self, const PmmlNode *node) {
    return self->last_prediction && node->has_score ? node : NULL;
}

// What a node with an unknown child leads to. NULL: look at its other children.
static bool on_unknown(Row *row, const TreeModel *self, const PmmlNode **node, Walk *walk,
                       bool *done) {
    *done = true;
    switch ((MissingStrategy)self->missing) {
        case MISSING_NONE: return false;
        case MISSING_NULL: walk->node = NULL; return true;
        case MISSING_LAST: walk->node = *node; return true;
        case MISSING_DEFAULT_CHILD:
            if (!(*node)->fallback) row_fail(row, "a tree's node without a default child");
            walk->missings++;
            *node = (*node)->fallback;
            *done = false;
            return true;
        case MISSING_WEIGHTED:
        case MISSING_AGGREGATE: walk->spread = *node; return true;
    }
    return false;
}

static void down(Row *row, const TreeModel *self, const PmmlNode *node, Walk *walk) {
    while (node->children) {
        const PmmlNode *next = NULL;
        bool moved = false;
        for (uint32_t i = 0; i < node->children && !next && !moved; i++) {
            bool surrogate = false, done;
            Truth truth = predicate_truth_noted(row, node->child[i].predicate, &surrogate);
            walk->missings += surrogate;
            if (truth == YES) next = &node->child[i];
            if (truth == UNKNOWN && on_unknown(row, self, &node, walk, &done)) {
                if (done) return;
                moved = true;
            }
        }
        row->steps++;
        if (moved) continue;
        if (!next) {
            walk->node = no_true_child(self, node);
            return;
        }
        node = next;
    }
    walk->node = node;
}

typedef struct Spread {
    const Value *category;
    double *sum, *confidence;
    uint32_t categories;
    double number, weight;  // of a regression
    bool aggregates;
} Spread;

static void spread_leaf(const PmmlNode *node, double weight, Spread *spread) {
    spread->number += node->number * weight;
    spread->weight += weight;
    for (uint32_t i = 0; i < node->categories; i++) {
        for (uint32_t k = 0; k < spread->categories; k++) {
            if (!value_eq(spread->category[k], node->category[i])) continue;
            spread->sum[k] += spread->aggregates ? node->count[i] : node->probability[i] * weight;
            spread->confidence[k] +=
                weight * (node->confidence ? node->confidence[i] : node->probability[i]);
        }
    }
}

// All leaves below that the row might reach, weighted by the records that came there in training.
static void spread_below(Row *row, const PmmlNode *node, double weight, Spread *spread) {
    if (node->children == 0) {
        spread_leaf(node, weight, spread);
        return;
    }
    const PmmlNode *yes = NULL;
    double records = 0;
    bool unknown = false;
    for (uint32_t i = 0; i < node->children && !yes; i++) {
        Truth truth = predicate_truth(row, node->child[i].predicate);
        if (truth == YES && !unknown) yes = &node->child[i];
        unknown |= truth == UNKNOWN;
        if (truth != NO) records += isnan(node->child[i].records) ? 1 : node->child[i].records;
    }
    row->steps++;
    if (yes) {
        spread_below(row, yes, weight, spread);
        return;
    }
    for (uint32_t i = 0; i < node->children && unknown; i++) {
        const PmmlNode *child = &node->child[i];
        if (predicate_truth(row, child->predicate) == NO) continue;
        double share = (isnan(child->records) ? 1 : child->records) / records;
        spread_below(row, child, weight * share, spread);
    }
}

static void spread_result(const Model *model, Row *row, const TreeModel *self, const PmmlNode *from,
                          Result *out) {
    Spread spread = {.category = from->category, .categories = from->categories,
                     .aggregates = self->missing == MISSING_AGGREGATE};
    spread.sum = ROW_ARRAY(row, double, from->categories + 1);
    spread.confidence = ROW_ARRAY(row, double, from->categories + 1);
    spread_below(row, from, 1, &spread);
    out->entity = from->id;
    if (model->function == MINE_REGRESSION) {
        if (spread.weight == 0) result_missing(model, row, out);
        else result_number(model, row, spread.number / spread.weight, out);
        return;
    }
    double sum = 0;
    for (uint32_t i = 0; i < spread.categories; i++) sum += spread.sum[i];
    for (uint32_t i = 0; i < spread.categories && sum > 0; i++) spread.sum[i] /= sum;
    out->category = spread.category;
    out->score = spread.sum;
    out->confidence = spread.confidence;
    out->count = spread.categories;
    result_class(model, row, PROBABILITY, out);
}

static void class_result(const Model *model, Row *row, const TreeModel *self, const Walk *walk,
                         Result *out) {
    const PmmlNode *node = walk->node;
    if (!node->has_score && node->categories == 0) row_fail(row, "a tree's node without a score");
    out->category = node->category;
    out->count = node->categories;
    out->score = (double *)(uintptr_t)node->probability;
    if (node->categories) {
        out->scores = PROBABILITY;
        out->confidence = ROW_ARRAY(row, double, node->categories);  // 0 where the node has none
        double penalty = walk->missings ? pow(self->penalty, walk->missings) : 1;
        for (uint32_t i = 0; node->confidence && i < node->categories; i++) {
            out->confidence[i] = node->confidence[i] * penalty;
        }
    }
    if (!node->has_score) result_class(model, row, PROBABILITY, out);
    else if (!value_cast(node->score, model->target[0].type, row->arena, &out->value)) {
        out->value = node->score;
    }
}

static void number_result(const Model *model, Row *row, const PmmlNode *node, Result *out) {
    double x = node->embedded ? regression_value(row, node->embedded) : (double)NAN;
    if (isnan(x) && !node->has_score) row_fail(row, "a tree's node without a score");
    result_number(model, row, isnan(x) ? node->number : x, out);
}

static void score(const Model *model, Row *row, Result *out) {
    const TreeModel *self = model->impl;
    Walk walk = {0};
    if (predicate_truth_noted(row, self->root.predicate, &(bool){false}) == YES) {
        down(row, self, &self->root, &walk);
    }
    if (walk.spread) {
        spread_result(model, row, self, walk.spread, out);
        return;
    }
    if (!walk.node) {
        result_missing(model, row, out);
        return;
    }
    out->entity = walk.node->id;
    if (model->function == MINE_REGRESSION) {
        number_result(model, row, walk.node, out);
    } else {
        class_result(model, row, self, &walk, out);
    }
}

const ModelKind TREE_MODEL = {"TreeModel", compile, score};
