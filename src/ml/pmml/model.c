// ml/pmml/model.c - what all models have: schema, targets, outputs; and which element is which.
#include "ml/pmml/pmml_int.h"

extern const ModelKind ANOMALY_MODEL, ASSOCIATION_MODEL, BAYES_MODEL, CLUSTERING_MODEL,
    GENERAL_REGRESSION_MODEL, MINING_MODEL, NEIGHBOR_MODEL, NEURAL_MODEL, REGRESSION_MODEL,
    RULE_SET_MODEL, SCORECARD_MODEL, TREE_MODEL, VECTOR_MODEL;

const ModelKind *const MODEL_KINDS[] = {
    &TREE_MODEL, &MINING_MODEL, &REGRESSION_MODEL, &GENERAL_REGRESSION_MODEL, &NEURAL_MODEL,
    &BAYES_MODEL, &VECTOR_MODEL, &CLUSTERING_MODEL, &NEIGHBOR_MODEL, &SCORECARD_MODEL,
    &RULE_SET_MODEL, &ASSOCIATION_MODEL, &ANOMALY_MODEL, NULL,
};

static const ModelKind *kind_of(const Xml *at) {
    for (const ModelKind *const *kind = MODEL_KINDS; *kind; kind++) {
        if (xml_is(at, (*kind)->element)) return *kind;
    }
    return NULL;
}

static bool is_false(Str text) {
    return str_is(text, "false") || str_is(text, "0");
}

const Xml *model_child(const Xml *at) {
    for (const Xml *child = at->first; child; child = child->next) {
        if (kind_of(child) && !is_false(xml_attr(child, "isScorable"))) return child;
    }
    return NULL;
}

static MiningFunction mining_function(Load *load, const Xml *at) {
    static const struct { const char *name; MiningFunction function; } NAMES[] = {
        {"regression", MINE_REGRESSION},   {"classification", MINE_CLASSIFICATION},
        {"clustering", MINE_CLUSTERING},   {"associationRules", MINE_ASSOCIATION},
        {"anomalyDetection", MINE_ANOMALY}, {"mixed", MINE_OTHER}};
    Str text = need_attr(load, at, "functionName");
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq(text, str_c(NAMES[i].name))) return NAMES[i].function;
    }
    load_unsupported(load, at, str_cstr(load->arena, text));
}

Model *model_compile(Load *load, Model *parent, const Xml *at) {
    load_deeper(load, at);
    Model *model = ARENA_NEW(load->arena, Model);
    model->made_before = load->models;
    load->models = model;
    model->kind = kind_of(at);
    if (!model->kind) load_unsupported(load, at, "this kind of model");
    if (!attr_bool(load, at, "isScorable", true)) load_fail(load, at, "it is not made for scoring");
    model->xml = at;
    model->parent = parent;
    model->function = (uint8_t)mining_function(load, at);
    model->single = str_is(xml_attr(at, "x-mathContext"), "float");
    model->result = load->pmml->results++;
    targets_compile(load, model);
    schema_compile(load, model);
    model->kind->compile(load, model);
    outputs_compile(load, model);
    load->depth--;
    return model;
}

void model_run(const Model *model, Row *row, Result *out) {
    *out = (Result){0};
    row->steps++;
    model->kind->score(model, row, out);
    row->result[model->result] = out;
    row->result_stamp[model->result] = row->now;
    if (model->outputs) outputs_run(model, row, out);
}
