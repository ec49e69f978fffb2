// ml/pmml/target.c - targets: from what a model has found to what it predicts.
#include <math.h>

#include "ml/pmml/pmml_int.h"

static Str unnamed(void) {
    return STR("_target");
}

static void target_values(Load *load, Target *self, const Xml *at) {
    uint32_t count = xml_count(at, "TargetValue");
    self->value = ARENA_ARRAY(load->arena, TargetValue, count);
    for (const Xml *v = xml_child(at, "TargetValue"); v; v = xml_next(v, "TargetValue")) {
        TargetValue *value = &self->value[self->values++];
        Str text = xml_attr(v, "value");
        if (text.ptr) value->value = need_value(load, v, text, self->type);
        value->display = xml_attr(v, "displayValue");
        value->prior = attr_number(load, v, "priorProbability", NAN);
        value->otherwise = attr_number(load, v, "defaultValue", NAN);
    }
}

static void target_element(Load *load, Target *self, const Xml *at) {
    static const char *const CASTS[] = {"round", "ceiling", "floor", ""};
    self->factor = attr_number(load, at, "rescaleFactor", 1);
    self->constant = attr_number(load, at, "rescaleConstant", 0);
    self->min = attr_number(load, at, "min", -INFINITY);
    self->max = attr_number(load, at, "max", INFINITY);
    int cast = attr_enum(load, at, "castInteger", CASTS, -1);
    if (cast >= 0) self->cast = (uint8_t)*CASTS[cast];
    self->rescales = true;
    OpType optype = op_type_parse(xml_attr(at, "optype"));
    if (optype) self->optype = (uint8_t)optype;
    target_values(load, self, at);
}

static void target_new(Load *load, Model *model, Str name, const Xml *mining) {
    Target *self = &model->target[model->targets++];
    *self = (Target){
        .name = name, .factor = 1, .min = -INFINITY, .max = INFINITY, .synthetic = !mining};
    const Xml *data = mining ? map_get(&load->data_fields, name) : NULL;
    if (data) {
        self->type = attr_type(load, data, "dataType");
        self->optype = (uint8_t)op_type_parse(xml_attr(data, "optype"));
        self->domain = domain_compile(load, data, self->type);
    } else if (model->function == MINE_REGRESSION) {
        self->type.type = model->single ? PT_FLOAT : PT_DOUBLE;
    } else {
        self->type.type = PT_STRING;
    }
    OpType optype = mining ? op_type_parse(xml_attr(mining, "optype")) : OP_NONE;
    if (optype) self->optype = (uint8_t)optype;
    if (!self->optype) self->optype = (uint8_t)op_type_of(self->type.type);
    const Xml *targets = xml_child(model->xml, "Targets");
    const Xml *target = targets ? xml_child(targets, "Target") : NULL;
    for (; target; target = xml_next(target, "Target")) {
        Str field = xml_attr(target, "field");
        if (field.ptr ? str_eq(field, name) : true) target_element(load, self, target);
    }
}

void targets_compile(Load *load, Model *model) {
    const Xml *schema = need_child(load, model->xml, "MiningSchema");
    model->target = ARENA_ARRAY(load->arena, Target, xml_count(schema, "MiningField") + 1);
    for (const Xml *m = xml_child(schema, "MiningField"); m; m = xml_next(m, "MiningField")) {
        Str usage = xml_attr(m, "usageType");
        if (str_is(usage, "target") || str_is(usage, "predicted")) {
            target_new(load, model, need_attr(load, m, "name"), m);
        }
    }
    if (model->targets) return;
    target_new(load, model, unnamed(), NULL);
    // A classifier that is part of a classifier speaks of the same classes.
    const Model *around = model->parent;
    if (around && around->function == MINE_CLASSIFICATION &&
        model->function == MINE_CLASSIFICATION && around->targets == 1) {
        model->target[0].type = around->target[0].type;
    }
}

const Target *target_named(const Model *model, Str name) {
    for (uint32_t i = 0; i < model->targets; i++) {
        if (name.len == 0 || str_eq(model->target[i].name, name)) return &model->target[i];
    }
    return NULL;
}

double target_rescale(const Target *target, double value) {
    if (!target->rescales) return value;
    value = fmin(fmax(value, target->min), target->max) * target->factor + target->constant;
    if (target->cast == 'r') return floor(value + 0.5);
    if (target->cast == 'c') return ceil(value);
    return target->cast == 'f' ? floor(value) : value;
}

void result_number(const Model *model, Row *row, double value, Result *out) {
    const Target *target = &model->target[0];
    value = target_rescale(target, value);
    Value number = value_number(model->single ? (double)(float)value : value,
                                model->single ? PT_FLOAT : PT_DOUBLE);
    out->value = number;
    Value cast;
    if (value_cast(number, target->type, row->arena, &cast)) out->value = cast;
    else if (target->type.type == PT_INTEGER || target->type.type == PT_BOOLEAN) {
        row_fail(row, "the prediction %.17g is not of the target's type", value);
    }
}

static bool higher_wins(Scores scores) {
    return scores != DISTANCE;
}

uint32_t result_winner(const Result *result) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < result->count; i++) {
        double a = result->score[i], b = result->score[best];
        if (higher_wins(result->scores) ? a > b : a < b) best = i;
    }
    return best;
}

void result_class(const Model *model, Row *row, Scores scores, Result *out) {
    out->scores = (uint8_t)scores;
    if (out->count == 0) row_fail(row, "there is no class to choose");
    Value value = out->category[result_winner(out)];
    if (!value_cast(value, model->target[0].type, row->arena, &out->value)) out->value = value;
}

void result_missing(const Model *model, Row *row, Result *out) {
    const Target *target = &model->target[0];
    if (target->values == 0) return;
    if (model->function == MINE_REGRESSION) {
        if (!isnan(target->value[0].otherwise)) {
            result_number(model, row, target->value[0].otherwise, out);
        }
        return;
    }
    Value *category = ROW_ARRAY(row, Value, target->values);
    out->score = ROW_ARRAY(row, double, target->values);
    double sum = 0;
    for (uint32_t i = 0; i < target->values; i++) {
        if (isnan(target->value[i].prior)) return;
        category[i] = target->value[i].value;
        out->score[i] = target->value[i].prior;
        sum += out->score[i];
    }
    for (uint32_t i = 0; i < target->values; i++) out->score[i] /= sum;
    out->category = category;
    out->count = target->values;
    result_class(model, row, PROBABILITY, out);
}

Value category_value(Load *load, const Model *model, const Xml *at, Str text) {
    (void)load, (void)at;
    Value value;
    return value_parse(text, model->target[0].type, &value) ? value : value_text(text);
}
