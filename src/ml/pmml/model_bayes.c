// ml/pmml/model_bayes.c - <NaiveBayesModel>: each input by itself makes a class more or less
// likely.
#include <math.h>

#include "ml/pmml/pmml_int.h"

typedef struct Counts {  // of one value of an input
    Value value;
    double *count;  // of each class; NaN: not there
} Counts;

typedef struct Spread {  // of a continuous input, in one class
    bool given, poisson;
    double mean, variance;
} Spread;

typedef struct BayesInput {
    const Field *field;
    const Expr *derived;  // makes categories of the field's value; or NULL
    DataType type;        // of these
    Counts *counts;
    uint32_t values;
    double *sum;          // of all counts, by class
    Spread *spread;       // or NULL
} BayesInput;

typedef struct Bayes {
    double threshold;
    Value *category;
    double *prior;
    uint32_t categories;
    BayesInput *input;
    uint32_t inputs;
} Bayes;

static int64_t class_of(Load *load, const Model *model, const Bayes *self, const Xml *at) {
    Value value = category_value(load, model, at, need_attr(load, at, "value"));
    for (uint32_t i = 0; i < self->categories; i++) {
        if (value_eq(self->category[i], value)) return i;
    }
    return -1;
}

static void counts_compile(Load *load, const Model *model, const Bayes *self, const Xml *at,
                           DataType type, BayesInput *input, Counts *counts) {
    Str text = need_attr(load, at, "value");
    if (!value_parse(text, type, &counts->value)) counts->value = value_text(text);
    counts->count = load_array(load, at, self->categories, sizeof(double));
    for (uint32_t i = 0; i < self->categories; i++) counts->count[i] = (double)NAN;
    const Xml *list = need_child(load, at, "TargetValueCounts");
    for (const Xml *c = xml_child(list, "TargetValueCount"); c;
         c = xml_next(c, "TargetValueCount")) {
        int64_t k = class_of(load, model, self, c);
        if (k < 0) continue;
        counts->count[k] = need_number(load, c, "count");
        input->sum[k] += counts->count[k];
    }
}

static void spreads_compile(Load *load, const Model *model, const Bayes *self, const Xml *at,
                            BayesInput *input) {
    input->spread = load_array(load, at, self->categories, sizeof(Spread));
    for (const Xml *s = xml_child(at, "TargetValueStat"); s; s = xml_next(s, "TargetValueStat")) {
        int64_t k = class_of(load, model, self, s);
        if (k < 0) continue;
        const Xml *gauss = xml_child(s, "GaussianDistribution"),
                  *poisson = xml_child(s, "PoissonDistribution");
        if (!gauss && !poisson) load_unsupported(load, s, "this distribution");
        Spread *spread = &input->spread[k];
        spread->given = true;
        spread->poisson = !gauss;
        spread->mean = need_number(load, gauss ? gauss : poisson, "mean");
        if (gauss) spread->variance = need_number(load, gauss, "variance");
        if (gauss && !(spread->variance > 0))
            load_fail(load, gauss, "the variance is not above zero");
    }
}

static void input_compile(Load *load, Model *model, const Bayes *self, const Xml *at,
                          BayesInput *input) {
    input->field = field_find(load, model, need_attr(load, at, "fieldName"), at);
    input->type = input->field->type;
    const Xml *stats = xml_child(at, "TargetValueStats"), *derived = xml_child(at, "DerivedField");
    if (derived) {
        const Xml *expr = expr_child(derived);
        if (!expr) load_fail(load, derived, "a derived field without an expression");
        input->derived = expr_compile(load, model, NULL, expr);
        input->type = attr_type(load, derived, "dataType");
    }
    input->sum = load_array(load, at, self->categories, sizeof(double));
    if (stats) spreads_compile(load, model, self, stats, input);
    input->counts = ARENA_ARRAY(load->arena, Counts, xml_count(at, "PairCounts"));
    for (const Xml *p = xml_child(at, "PairCounts"); p; p = xml_next(p, "PairCounts")) {
        counts_compile(load, model, self, p, input->type, input, &input->counts[input->values++]);
    }
}

static void compile(Load *load, Model *model) {
    Bayes *self = ARENA_NEW(load->arena, Bayes);
    self->threshold = need_number(load, model->xml, "threshold");
    const Xml *inputs = need_child(load, model->xml, "BayesInputs");
    const Xml *output = need_child(load, model->xml, "BayesOutput");
    const Xml *list = need_child(load, output, "TargetValueCounts");
    uint32_t count = xml_count(list, "TargetValueCount");
    self->category = ARENA_ARRAY(load->arena, Value, count);
    self->prior = ARENA_ARRAY(load->arena, double, count);
    for (const Xml *c = xml_child(list, "TargetValueCount"); c;
         c = xml_next(c, "TargetValueCount")) {
        self->category[self->categories] =
            category_value(load, model, c, need_attr(load, c, "value"));
        self->prior[self->categories++] = need_number(load, c, "count");
    }
    if (count == 0) load_fail(load, list, "there is no class");
    self->input = ARENA_ARRAY(load->arena, BayesInput, xml_count(inputs, "BayesInput"));
    for (const Xml *i = xml_child(inputs, "BayesInput"); i; i = xml_next(i, "BayesInput")) {
        input_compile(load, model, self, i, &self->input[self->inputs++]);
    }
    model->impl = self;
}

static double density(const Spread *spread, double x) {
    if (spread->poisson) return exp(x * log(spread->mean) - spread->mean - lgamma(x + 1));
    double d = x - spread->mean;
    return exp(-d * d / (2 * spread->variance)) / sqrt(2 * M_PI * spread->variance);
}

static void continuous(const Bayes *self, const BayesInput *input, double x, double *log_sum) {
    for (uint32_t k = 0; k < self->categories; k++) {
        if (input->spread[k].given)
            log_sum[k] += log(fmax(density(&input->spread[k], x), self->threshold));
    }
}

static void discrete(const Bayes *self, const BayesInput *input, Value value, double *log_sum) {
    for (uint32_t i = 0; i < input->values; i++) {
        const Counts *counts = &input->counts[i];
        if (!value_eq(counts->value, value)) continue;
        for (uint32_t k = 0; k < self->categories; k++) {
            double count = counts->count[k];
            if (isnan(count)) continue;
            log_sum[k] += log(count == 0 ? self->threshold : count / input->sum[k]);
        }
        return;
    }
}

static void score(const Model *model, Row *row, Result *out) {
    const Bayes *self = model->impl;
    double *x = ROW_ARRAY(row, double, self->categories), most = -INFINITY, sum = 0;
    for (uint32_t k = 0; k < self->categories; k++) x[k] = log(self->prior[k]);
    for (uint32_t i = 0; i < self->inputs; i++) {
        const BayesInput *input = &self->input[i];
        Value value = field_value(row, input->field);
        if (is_missing(value)) continue;
        if (input->spread) {
            continuous(self, input, value_as_number(value), x);
            continue;
        }
        Value category = input->derived ? expr_value(row, input->derived) : value;
        if (!is_missing(category)) discrete(self, input, category, x);
    }
    for (uint32_t k = 0; k < self->categories; k++) most = fmax(most, x[k]);
    for (uint32_t k = 0; k < self->categories; k++) sum += x[k] = exp(x[k] - most);
    for (uint32_t k = 0; k < self->categories; k++) x[k] /= sum;
    out->category = self->category;
    out->score = x;
    out->count = self->categories;
    result_class(model, row, PROBABILITY, out);
}

const ModelKind BAYES_MODEL = {"NaiveBayesModel", compile, score};
