// ml/pmml/output.c - output fields: what a host gets to see of a result.
#include <math.h>
#include <stdlib.h>

#include "ml/pmml/mining.h"
#include "ml/pmml/output.h"

typedef enum Feature {
    FEATURE_PREDICTED_VALUE, FEATURE_PREDICTED_DISPLAY_VALUE, FEATURE_TRANSFORMED_VALUE,
    FEATURE_DECISION, FEATURE_PROBABILITY, FEATURE_AFFINITY, FEATURE_RESIDUAL,
    FEATURE_STANDARD_ERROR, FEATURE_CLUSTER_ID, FEATURE_CLUSTER_AFFINITY, FEATURE_ENTITY_ID,
    FEATURE_ENTITY_AFFINITY, FEATURE_WARNING, FEATURE_RULE_VALUE, FEATURE_REASON_CODE,
    FEATURE_ANTECEDENT, FEATURE_CONSEQUENT, FEATURE_RULE, FEATURE_RULE_ID, FEATURE_CONFIDENCE,
    FEATURE_SUPPORT, FEATURE_LIFT, FEATURE_LEVERAGE,
    FEATURE_REPORT,
    FEATURE_X_REPORT,
} Feature;

static const char *const FEATURES[] = {
    "predictedValue", "predictedDisplayValue", "transformedValue", "decision", "probability",
    "affinity", "residual", "standardError", "clusterId", "clusterAffinity", "entityId",
    "entityAffinity", "warning", "ruleValue", "reasonCode", "antecedent", "consequent", "rule",
    "ruleId", "confidence", "support", "lift", "leverage", "report", "x-report", ""};

enum { EXCLUSIVE_RECOMMENDATION, RECOMMENDATION, RULE_ASSOCIATION };
enum { BY_CONFIDENCE, BY_SUPPORT, BY_LIFT, BY_LEVERAGE, BY_AFFINITY };

struct Output {
    Field *field;
    uint8_t feature, algorithm, basis, rule_feature;
    bool ascending, many, of_segment;
    int64_t rank;
    Str value, target;
    const Expr *expr;
    const Model *segment;      // with [of_segment]; NULL: there is none of that id
    const Field *segment_field;
};

// -- Compiling ------------------------------------------------------------------------------------

// The type of an output that does not say.
static DataType type_of(const Output *self, const Model *model) {
    const Target *target = target_named(self->segment ? self->segment : model, self->target);
    DataType type = {.type = PT_DOUBLE};
    switch ((Feature)self->feature) {
        case FEATURE_PREDICTED_VALUE: return target ? target->type : (DataType){0};
        case FEATURE_TRANSFORMED_VALUE:
        case FEATURE_DECISION:
            if (self->segment_field) return self->segment_field->type;
            return self->expr ? expr_type(self->expr) : (DataType){0};
        case FEATURE_PREDICTED_DISPLAY_VALUE:
        case FEATURE_CLUSTER_ID:
        case FEATURE_ENTITY_ID:
        case FEATURE_WARNING:
        case FEATURE_REPORT:
        case FEATURE_X_REPORT:
        case FEATURE_REASON_CODE:
        case FEATURE_ANTECEDENT:
        case FEATURE_CONSEQUENT:
        case FEATURE_RULE:
        case FEATURE_RULE_ID: type.type = PT_STRING; return type;
        case FEATURE_RULE_VALUE:
            if (self->many || self->rule_feature <= FEATURE_RULE_ID) type.type = PT_STRING;
            return type;
        default: return type;
    }
}

static void rule_attributes(Load *load, const Xml *at, Output *self) {
    static const char *const ALGORITHMS[] = {"exclusiveRecommendation", "recommendation",
                                             "ruleAssociation", ""};
    static const char *const BASES[] = {"confidence", "support",  "lift",
                                        "leverage",   "affinity", ""};
    static const char *const ORDERS[] = {"descending", "ascending", ""};
    static const char *const RULES[] = {"antecedent", "consequent", "rule", "ruleId", "confidence",
                                        "support", "lift", "leverage", ""};
    self->algorithm = (uint8_t)attr_enum(load, at, "algorithm", ALGORITHMS, 0);
    self->basis = (uint8_t)attr_enum(load, at, "rankBasis", BASES, 0);
    self->ascending = attr_enum(load, at, "rankOrder", ORDERS, 0) == 1;
    int rule = xml_attr(at, "ruleFeature").ptr ? attr_enum(load, at, "ruleFeature", RULES, 1) : 1;
    self->rule_feature = (uint8_t)(FEATURE_ANTECEDENT + rule);
    self->many = str_is(xml_attr(at, "isMultiValued"), "1");
    self->rank = attr_int(load, at, "rank", 1);
}

static void output_expression(Load *load, Model *model, const Xml *at, Output *self) {
    if (self->feature != FEATURE_TRANSFORMED_VALUE && self->feature != FEATURE_DECISION) return;
    if (self->of_segment) {
        if (self->segment) {
            self->segment_field =
                map_get(&((Model *)(uintptr_t)self->segment)->fields, self->value);
        }
        return;
    }
    const Xml *expr = expr_child(at);
    if (!expr) load_fail(load, at, "an output without an expression");
    self->expr = expr_compile(load, model, NULL, expr);
}

// Outputs of segments are fields of the model around where segments see each other's; one name is
// one field there.
static Field *field_of(Load *load, Model *model, Str name, DataType type, OpType optype) {
    bool shared = model->parent && mining_shares(model->parent);
    Field *field = shared ? map_get(&model->parent->fields, name) : NULL;
    if (!field || field->kind != FIELD_DECLARED || field->type.type != type.type) {
        field = field_declared(load, name, type, optype);
        if (shared) (void)map_put(&model->parent->fields, name, field);
    }
    (void)map_put(&model->fields, name, field);
    return field;
}

static void output_compile(Load *load, Model *model, const Xml *at, Output *self) {
    Str segment = xml_attr(at, "segmentId");
    self->feature = (uint8_t)attr_enum(load, at, "feature", FEATURES, FEATURE_PREDICTED_VALUE);
    self->value = xml_attr(at, "value");
    self->target = xml_attr(at, "targetField");
    self->of_segment = segment.ptr != NULL;
    if (segment.ptr) self->segment = mining_segment(model, segment);
    rule_attributes(load, at, self);
    output_expression(load, model, at, self);
    DataType type = attr_type(load, at, "dataType");
    if (type.type == PT_NONE) type = type_of(self, model);
    if (self->feature == FEATURE_PREDICTED_VALUE && !self->of_segment && mining_lists(model)) {
        type.type = PT_STRING;
    }
    self->field = field_of(load, model, need_attr(load, at, "name"), type,
                           op_type_parse(xml_attr(at, "optype")));
    if (self->feature != FEATURE_RESIDUAL) return;
    const Target *target = target_named(model, self->target);
    if (!target) load_fail(load, at, "a residual of no target");
    if (!target->field) {  // what was really there is an input, then
        ((Target *)(uintptr_t)target)->field = field_target(load, model, target->name, at);
    }
}

void outputs_compile(Load *load, Model *model) {
    const Xml *output = xml_child(model->xml, "Output");
    if (!output) return;
    model->output = ARENA_ARRAY(load->arena, Output, xml_count(output, "OutputField"));
    for (const Xml *o = xml_child(output, "OutputField"); o; o = xml_next(o, "OutputField")) {
        output_compile(load, model, o, &model->output[model->outputs]);
        model->outputs++;
    }
}

static void list_one(const Field *field, const Field **list, uint32_t *count, uint32_t max) {
    for (uint32_t i = 0; i < *count; i++) {
        if (str_eq(list[i]->name, field->name)) return;
    }
    if (*count < max) list[(*count)++] = field;
}

void outputs_list(const Model *model, const Field **list, uint32_t *count, uint32_t max) {
    uint32_t first, end;
    mining_shown(model, &first, &end);
    for (uint32_t i = first; i < end; i++) outputs_list(mining_model(model, i), list, count, max);
    for (uint32_t i = 0; i < model->outputs; i++)
        list_one(model->output[i].field, list, count, max);
}

OutputShape output_shape(const Model *model, uint32_t output) {
    const Output *self = &model->output[output];
    OutputShape shape = {.field = self->field, .what = OUTPUT_OTHER, .value = self->value};
    if (self->feature == FEATURE_PREDICTED_VALUE) shape.what = OUTPUT_PREDICTED;
    if (self->feature == FEATURE_PROBABILITY) shape.what = OUTPUT_PROBABILITY;
    if (self->feature == FEATURE_ENTITY_ID) shape.what = OUTPUT_ENTITY;
    shape.other = self->of_segment || self->target.ptr || self->rank > 1 || self->expr;
    return shape;
}

// -- Values ---------------------------------------------------------------------------------------

static Value text_or_missing(Str text) {
    return text.ptr ? value_text(text) : MISSING;
}

// The number of the class that an output names; its own when it names none; -1: unknown.
static int64_t class_of(const Output *self, const Result *result) {
    for (uint32_t i = 0; i < result->count; i++) {
        Value category = result->category[i], named;
        if (!self->value.ptr) {
            if (value_eq(category, result->value)) return i;
        } else if (category.type == PT_STRING ? str_eq(category.text, self->value)
                   : value_parse(self->value, (DataType){.type = category.type}, &named) &&
                         value_eq(category, named)) {
            return i;
        }
    }
    return -1;
}

static Value score_of(const Output *self, const Result *result) {
    if (result->scores == SCORES_NONE) return MISSING;
    int64_t i = class_of(self, result);
    if (i < 0) return value_double(result->scores == DISTANCE ? INFINITY : 0);
    return value_double(result->score[i]);
}

static Value confidence_of(const Output *self, const Result *result) {
    if (!result->confidence) return score_of(self, result);
    int64_t i = class_of(self, result);
    return value_double(i < 0 ? 0 : result->confidence[i]);
}

static Value affinity_of(const Output *self, const Result *result) {
    if (self->rank > 1) {
        if (self->rank > result->rankeds || !result->ranked_affinity) return MISSING;
        return value_double(result->ranked_affinity[self->rank - 1]);
    }
    if (!self->value.ptr && result->has_entity_affinity)
        return value_double(result->entity_affinity);
    return score_of(self, result);
}

static Value entity_of(const Output *self, const Result *result) {
    if (self->rank <= 1) return text_or_missing(result->entity);
    return self->rank > result->rankeds ? MISSING : value_text(result->ranked[self->rank - 1]);
}

static Value display_of(const Target *target, const Result *result) {
    if (result->display.ptr) return value_text(result->display);
    for (uint32_t i = 0; target && i < target->values; i++) {
        const TargetValue *value = &target->value[i];
        if (value->display.ptr && value_eq(value->value, result->value))
            return value_text(value->display);
    }
    const Domain *domain = target ? target->domain : NULL;
    for (uint32_t i = 0; domain && target->optype != OP_CONTINUOUS && i < domain->valids; i++) {
        if (domain->display[i].ptr && value_eq(domain->valid[i], result->value)) {
            return value_text(domain->display[i]);
        }
    }
    return result->value;
}

static Value residual_of(Row *row, const Output *self, const Target *target, const Result *result) {
    Value expected = field_value(row, target->field);
    if (is_missing(expected)) return MISSING;
    if (target->optype == OP_CONTINUOUS) {
        return value_double(value_as_number(expected) - value_as_number(result->value));
    }
    int64_t i = class_of(&(Output){0}, result);  // the predicted one
    double probability = i < 0 ? 0 : result->score[i];
    return value_double((value_eq(expected, result->value) ? 1 : 0) - probability);
}

static double basis_of(const RuleHit *rule, uint8_t basis) {
    switch (basis) {
        case BY_CONFIDENCE: return rule->confidence;
        case BY_SUPPORT: return rule->support;
        case BY_LIFT: return rule->lift;
        case BY_LEVERAGE: return rule->leverage;
        default: return rule->affinity;
    }
}

static Value rule_part(const RuleHit *rule, uint8_t feature) {
    switch ((Feature)feature) {
        case FEATURE_ANTECEDENT: return rule->antecedents;
        case FEATURE_CONSEQUENT: return rule->consequents;
        case FEATURE_RULE: return value_text(rule->rule);
        case FEATURE_RULE_ID:
        case FEATURE_ENTITY_ID: return value_text(rule->id);
        case FEATURE_CONFIDENCE: return value_double(rule->confidence);
        case FEATURE_SUPPORT: return value_double(rule->support);
        case FEATURE_LIFT: return rule->has_lift ? value_double(rule->lift) : MISSING;
        case FEATURE_LEVERAGE: return rule->has_leverage ? value_double(rule->leverage) : MISSING;
        default: return rule->has_affinity ? value_double(rule->affinity) : MISSING;
    }
}

// Of the rules that apply by the output's algorithm, best first: one, or some of them.
static Value rules_of(Row *row, const Output *self, const Result *result, uint8_t feature) {
    const RuleHit **hit = ROW_ARRAY(row, const RuleHit *, result->rules + 1);
    uint32_t count = 0;
    for (uint32_t r = 0; r < result->rules; r++) {
        const RuleHit *rule = &result->rule[r];
        bool in = self->algorithm == RECOMMENDATION             ? rule->body
                  : self->algorithm == EXCLUSIVE_RECOMMENDATION ? rule->exclusive
                                                                : rule->whole;
        if (!in) continue;
        uint32_t at = count++;
        double basis = basis_of(rule, self->basis);
        for (; at; at--) {
            double other = basis_of(hit[at - 1], self->basis);
            if (self->ascending ? other <= basis : other >= basis) break;
            hit[at] = hit[at - 1];
        }
        hit[at] = rule;
    }
    if (!self->many) {
        return self->rank < 1 || self->rank > count ? MISSING
                                                    : rule_part(hit[self->rank - 1], feature);
    }
    if (self->rank > 0 && count > self->rank) count = (uint32_t)self->rank;
    Value *item = ROW_ARRAY(row, Value, count + 1);
    for (uint32_t i = 0; i < count; i++) item[i] = rule_part(hit[i], feature);
    return (Value){.type = PT_STRING, .list = true, .items = count, .item = item};
}

static Value value_of(const Model *model, Row *row, const Output *self, const Result *result) {
    const Target *target = target_named(self->segment ? self->segment : model, self->target);
    if (result->is_rules) {
        uint8_t feature = self->feature == FEATURE_RULE_VALUE ? self->rule_feature : self->feature;
        if (self->feature != FEATURE_PREDICTED_VALUE) return rules_of(row, self, result, feature);
    }
    switch ((Feature)self->feature) {
        case FEATURE_PREDICTED_VALUE: return result->value;
        case FEATURE_PREDICTED_DISPLAY_VALUE: return display_of(target, result);
        case FEATURE_PROBABILITY: return score_of(self, result);
        case FEATURE_CONFIDENCE: return confidence_of(self, result);
        case FEATURE_RESIDUAL: return residual_of(row, self, target, result);
        case FEATURE_CLUSTER_ID: return text_or_missing(result->entity);
        case FEATURE_ENTITY_ID: return entity_of(self, result);
        case FEATURE_AFFINITY: return affinity_of(self, result);
        case FEATURE_CLUSTER_AFFINITY:
        case FEATURE_ENTITY_AFFINITY: return affinity_of(self, result);
        case FEATURE_REASON_CODE:
            if (self->rank < 1 || self->rank > result->reasons) return MISSING;
            return text_or_missing(result->reason[self->rank - 1]);
        default: return MISSING;
    }
}

// The result that an output speaks of: the model's, a segment's, that of one target of several.
static const Result *subject(const Output *self, Row *row, const Result *result) {
    if (self->of_segment) {
        const Model *segment = self->segment;
        if (!segment || row->result_stamp[segment->result] != row->now) return NULL;
        result = row->result[segment->result];
    }
    for (const Result *r = result; r && self->target.ptr; r = r->more) {
        if (str_eq(r->target, self->target)) return r;
    }
    return result;
}

static Value output_value(const Model *model, Row *row, const Output *self, const Result *result) {
    const Result *of = subject(self, row, result);
    if (self->expr) return expr_value(row, self->expr);
    if (!of) return MISSING;
    if (self->feature == FEATURE_TRANSFORMED_VALUE || self->feature == FEATURE_DECISION) {
        return self->segment_field ? field_value(row, self->segment_field) : MISSING;
    }
    if (is_missing(of->value) && !of->is_rules && of->count == 0 && !of->entity.ptr) return MISSING;
    return value_of(model, row, self, of);
}

void outputs_run(const Model *model, Row *row, const Result *result) {
    for (uint32_t i = 0; i < model->outputs; i++) {
        const Output *self = &model->output[i];
        Value value = output_value(model, row, self, result), cast;
        if (!value_cast(value, self->field->type, row->arena, &cast)) {
            row_fail(row, "output '" STR_FMT "': '" STR_FMT "' is not of its type",
                     STR_ARG(self->field->name), STR_ARG(value_str(value, row->arena)));
        }
        row->slot[self->field->slot] = cast;
        row->stamp[self->field->slot] = row->now;
    }
}
