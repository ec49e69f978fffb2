// ml/pmml/model_regression.c - <RegressionModel>: sums of predictors, a table a class.
#include <math.h>

#include "ml/pmml/regression.h"

static void numeric_predictors(Load *load, Model *model, const Xml *at, Table *table) {
    const char *element = "NumericPredictor";
    table->numeric = ARENA_ARRAY(load->arena, Numeric, xml_count(at, element));
    for (const Xml *p = xml_child(at, element); p; p = xml_next(p, element)) {
        table->numeric[table->numerics++] = (Numeric){
            .field = field_find(load, model, need_attr(load, p, "name"), p),
            .coefficient = need_number(load, p, "coefficient"),
            .exponent = attr_number(load, p, "exponent", 1)};
    }
}

static void categorical_predictors(Load *load, Model *model, const Xml *at, Table *table) {
    const char *element = "CategoricalPredictor";
    table->categorical = ARENA_ARRAY(load->arena, Categorical, xml_count(at, element));
    for (const Xml *p = xml_child(at, element); p; p = xml_next(p, element)) {
        const Field *field = field_find(load, model, need_attr(load, p, "name"), p);
        Str text = need_attr(load, p, "value");
        Value value;
        if (!value_parse(text, field->type, &value)) value = value_text(text);
        table->categorical[table->categoricals++] = (Categorical){
            .field = field, .value = value, .coefficient = need_number(load, p, "coefficient")};
    }
}

static void predictor_terms(Load *load, Model *model, const Xml *at, Table *table) {
    const char *element = "PredictorTerm";
    table->term = ARENA_ARRAY(load->arena, Term, xml_count(at, element));
    for (const Xml *p = xml_child(at, element); p; p = xml_next(p, element)) {
        Term *term = &table->term[table->terms++];
        term->coefficient = need_number(load, p, "coefficient");
        term->factor = ARENA_ARRAY(load->arena, const Expr *, xml_count(p, "FieldRef"));
        for (const Xml *f = xml_child(p, "FieldRef"); f; f = xml_next(f, "FieldRef")) {
            term->factor[term->factors++] = expr_compile(load, model, NULL, f);
        }
    }
}

const Regression *regression_new(Load *load, Model *model, const Xml *at) {
    const char *element = "RegressionTable";
    Regression *self = ARENA_NEW(load->arena, Regression);
    uint32_t count = xml_count(at, element);
    bool classes = model->function == MINE_CLASSIFICATION;
    if (count == 0 || (!classes && count != 1)) load_fail(load, at, "one table a class is needed");
    self->table = ARENA_ARRAY(load->arena, Table, count);
    self->category = ARENA_ARRAY(load->arena, Value, count);
    for (const Xml *t = xml_child(at, element); t; t = xml_next(t, element)) {
        Table *table = &self->table[self->tables];
        table->intercept = attr_number(load, t, "intercept", 0);
        numeric_predictors(load, model, t, table);
        categorical_predictors(load, model, t, table);
        predictor_terms(load, model, t, table);
        Str category = classes ? need_attr(load, t, "targetCategory") : STR("");
        if (classes) self->category[self->tables] = category_value(load, model, t, category);
        self->tables++;
    }
    self->normalization = (uint8_t)attr_link(load, at, "normalizationMethod", LINK_NONE);
    if (classes && self->normalization == LINK_EXP) {
        load_fail(load, at, "probabilities cannot be normalized by exp");
    }
    self->ordinal = model->target[0].optype == OP_ORDINAL;
    return self;
}

static void compile(Load *load, Model *model) {
    model->impl = regression_new(load, model, model->xml);
}

// NaN when a value is missing that must not be.
static double table_value(Row *row, const Table *table) {
    double sum = table->intercept;
    for (uint32_t i = 0; i < table->numerics; i++) {
        const Numeric *p = &table->numeric[i];
        double x = field_number(row, p->field);
        if (isnan(x)) return x;
        sum += p->coefficient * (p->exponent == 1 ? x : pow(x, p->exponent));
    }
    const Field *matched = NULL;
    for (uint32_t i = 0; i < table->categoricals; i++) {
        const Categorical *p = &table->categorical[i];
        if (p->field == matched) continue;
        Value value = field_value(row, p->field);
        if (is_missing(value)) continue;
        if (!value_eq(value, p->value)) continue;
        matched = p->field;
        sum += p->coefficient;
    }
    for (uint32_t i = 0; i < table->terms; i++) {
        const Term *term = &table->term[i];
        double product = term->coefficient;
        for (uint32_t k = 0; k < term->factors; k++) {
            Value value = expr_value(row, term->factor[k]);
            if (is_missing(value)) return (double)NAN;
            product *= value_as_number(value);
        }
        sum += product;
    }
    return sum;
}

static void softmax(double *x, uint32_t count) {
    double most = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < count; i++) most = fmax(most, x[i]);
    for (uint32_t i = 0; i < count; i++) sum += x[i] = exp(x[i] - most);
    for (uint32_t i = 0; i < count; i++) x[i] /= sum;
}

static void simplemax(double *x, uint32_t count) {
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += x[i];
    for (uint32_t i = 0; i < count && sum != 0; i++) x[i] /= sum;
}

static double share(Link link, double x) {
    return link == LINK_NONE ? fmin(fmax(x, 0), 1) : link_inverse(link, x);
}

// Each value says how probable its class or one before it is.
static void ordinal(Link link, double *x, uint32_t count) {
    double sum = 0;
    for (uint32_t i = 0; i + 1 < count; i++) {
        x[i] = share(link, x[i]) - sum;
        sum += x[i];
    }
    x[count - 1] = 1 - sum;
}

static void categorical(const Regression *self, Link link, double *x, uint32_t count) {
    const Table *second = &self->table[1];
    bool plain =
        second->numerics + second->categoricals + second->terms == 0 && second->intercept == 0;
    if (link == LINK_SOFTMAX && count == 2 && plain) link = LINK_LOGIT;
    if (link == LINK_SOFTMAX) {
        softmax(x, count);
    } else if (link == LINK_SIMPLEMAX) {
        simplemax(x, count);
    } else if (count == 2) {
        x[0] = share(link, x[0]);
        x[1] = 1 - x[0];
    } else if (link == LINK_NONE) {
        double sum = 0;
        for (uint32_t i = 0; i + 1 < count; i++) sum += x[i];
        x[count - 1] = 1 - sum;
    } else {
        for (uint32_t i = 0; i < count; i++) x[i] = link_inverse(link, x[i]);
        simplemax(x, count);
    }
}

void regression_classes(const Regression *self, double *x) {
    Link link = (Link)self->normalization;
    bool direct = link == LINK_SOFTMAX || link == LINK_SIMPLEMAX;
    if (self->tables == 1) x[0] = link_inverse(link, x[0]);
    else if (self->ordinal && !direct) ordinal(link, x, self->tables);
    else categorical(self, link, x, self->tables);
}

double regression_mean(const Regression *self, double x) {
    return link_inverse(
        self->normalization == LINK_SOFTMAX ? LINK_LOGIT : (Link)self->normalization, x);
}

double regression_value(Row *row, const Regression *self) {
    return regression_mean(self, table_value(row, &self->table[0]));
}

static void score(const Model *model, Row *row, Result *out) {
    const Regression *self = model->impl;
    if (model->function != MINE_CLASSIFICATION) {
        double x = regression_value(row, self);
        if (isnan(x)) result_missing(model, row, out);
        else result_number(model, row, x, out);
        return;
    }
    double *x = ROW_ARRAY(row, double, self->tables);
    for (uint32_t i = 0; i < self->tables; i++) {
        x[i] = table_value(row, &self->table[i]);
        if (!isnan(x[i])) continue;
        result_missing(model, row, out);
        return;
    }
    regression_classes(self, x);
    out->category = self->category;
    out->score = x;
    out->count = self->tables;
    result_class(model, row, PROBABILITY, out);
}

const ModelKind REGRESSION_MODEL = {"RegressionModel", compile, score};
