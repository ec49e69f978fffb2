// ml/pmml/model_rules.c - <RuleSetModel>: rules that fire, and which of them has the say.
#include "ml/pmml/pmml_int.h"

enum { WEIGHTED_SUM, WEIGHTED_MAX, FIRST_HIT };

typedef struct Rule {
    const Predicate *predicate;
    Str id;
    Value score;
    double weight, confidence;
    struct Rule *inner;  // of a compound rule
    uint32_t inners;
    bool compound;
} Rule;

typedef struct RuleSet {
    Rule *rule;
    uint32_t rules, simple;
    uint8_t criterion;
    bool has_default;
    Value otherwise;
    double confidence;
} RuleSet;

static bool is_rule(const Xml *at) {
    return xml_is(at, "SimpleRule") || xml_is(at, "CompoundRule");
}

static Rule *rules_compile(Load *load, Model *model, const Xml *at, RuleSet *set, uint32_t *count) {
    uint32_t n = xml_count(at, "SimpleRule") + xml_count(at, "CompoundRule");
    Rule *rules = ARENA_ARRAY(load->arena, Rule, n);
    load_deeper(load, at);
    for (const Xml *r = at->first; r; r = r->next) {
        if (!is_rule(r)) continue;
        Rule *rule = &rules[(*count)++];
        rule->predicate = predicate_compile(load, model, predicate_child(load, r));
        rule->compound = xml_is(r, "CompoundRule");
        if (rule->compound) {
            rule->inner = rules_compile(load, model, r, set, &rule->inners);
            continue;
        }
        rule->id = xml_attr(r, "id");
        set->simple++;
        if (!rule->id.ptr) rule->id = str_printf(load->arena, "%u", set->simple);
        rule->score = category_value(load, model, r, need_attr(load, r, "score"));
        rule->weight = attr_number(load, r, "weight", 1);
        rule->confidence = attr_number(load, r, "confidence", 1);
    }
    load->depth--;
    return rules;
}

static void compile(Load *load, Model *model) {
    static const char *const CRITERIA[] = {"weightedSum", "weightedMax", "firstHit", ""};
    RuleSet *self = ARENA_NEW(load->arena, RuleSet);
    const Xml *set = need_child(load, model->xml, "RuleSet");
    const Xml *method = need_child(load, set, "RuleSelectionMethod");
    (void)need_attr(load, method, "criterion");
    self->criterion = (uint8_t)attr_enum(load, method, "criterion", CRITERIA, 0);
    self->rule = rules_compile(load, model, set, self, &self->rules);
    Str otherwise = xml_attr(set, "defaultScore");
    self->has_default = otherwise.ptr != NULL;
    if (otherwise.ptr) self->otherwise = category_value(load, model, set, otherwise);
    self->confidence = attr_number(load, set, "defaultConfidence", 0);
    model->impl = self;
}

typedef struct Fired {
    const Rule **rule;
    uint32_t count;
} Fired;

static void fire(Row *row, const Rule *rule, uint32_t count, Fired *fired) {
    for (uint32_t i = 0; i < count; i++) {
        if (predicate_truth(row, rule[i].predicate) != YES) continue;
        if (rule[i].compound) fire(row, rule[i].inner, rule[i].inners, fired);
        else fired->rule[fired->count++] = &rule[i];
    }
}

static void by_default(const Model *model, Row *row, const RuleSet *self, Result *out) {
    if (!self->has_default) {
        result_missing(model, row, out);
        return;
    }
    out->category = &self->otherwise;
    out->score = ROW_ARRAY(row, double, 1);
    out->score[0] = self->confidence;
    out->count = 1;
    result_class(model, row, CONFIDENCE, out);
}

static void score(const Model *model, Row *row, Result *out) {
    const RuleSet *self = model->impl;
    Fired fired = {.rule = ROW_ARRAY(row, const Rule *, self->simple + 1)};
    fire(row, self->rule, self->rules, &fired);
    if (fired.count == 0) {
        by_default(model, row, self, out);
        return;
    }
    Value *category = ROW_ARRAY(row, Value, fired.count);
    const Rule **heaviest = ROW_ARRAY(row, const Rule *, fired.count);
    out->score = ROW_ARRAY(row, double, fired.count);
    for (uint32_t i = 0; i < fired.count; i++) {
        const Rule *rule = fired.rule[i];
        uint32_t at = 0;
        while (at < out->count && !value_eq(category[at], rule->score)) at++;
        if (at == out->count) category[out->count++] = rule->score;
        if (self->criterion == WEIGHTED_SUM) out->score[at] += rule->weight / fired.count;
        bool first = heaviest[at] == NULL;
        if (!first && (self->criterion == FIRST_HIT || rule->weight <= heaviest[at]->weight))
            continue;
        heaviest[at] = rule;
        if (self->criterion != WEIGHTED_SUM) out->score[at] = rule->confidence;
    }
    out->category = category;
    result_class(model, row, CONFIDENCE, out);
    uint32_t winner = self->criterion == FIRST_HIT ? 0 : result_winner(out);
    if (!value_cast(category[winner], model->target[0].type, row->arena, &out->value)) {
        out->value = category[winner];
    }
    out->entity = heaviest[winner]->id;
}

const ModelKind RULE_SET_MODEL = {"RuleSetModel", compile, score};
