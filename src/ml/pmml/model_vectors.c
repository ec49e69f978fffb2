// ml/pmml/model_vectors.c - <SupportVectorMachineModel>: sums of kernels between a row and vectors.
#include <math.h>

#include "ml/pmml/pmml_int.h"

typedef enum Kernel { KERNEL_LINEAR, KERNEL_POLYNOMIAL, KERNEL_RADIAL, KERNEL_SIGMOID } Kernel;

typedef struct Input {
    const Expr *expr;    // a number
    const Field *field;  // or 1 where this field holds [value]
    Value value;
} Input;

typedef struct Machine {
    double *coefficient;
    const double **vector;  // NULL: the coefficients are those of the inputs
    uint32_t vectors;
    double constant, threshold;
    Value category, alternate;
} Machine;

typedef struct Vectors {
    Input *input;
    uint32_t inputs;
    uint8_t kernel;
    double gamma, coef0, degree;
    Machine *machine;
    uint32_t machines;
    bool one_against_one, max_wins, has_alternate;
    Value alternate;
} Vectors;

static void inputs_compile(Load *load, Model *model, const Xml *at, Vectors *self) {
    uint32_t count = 0;
    for (const Xml *f = at->first; f; f = f->next) count++;
    self->input = ARENA_ARRAY(load->arena, Input, count);
    for (const Xml *f = at->first; f; f = f->next) {
        Input *input = &self->input[self->inputs];
        if (xml_is(f, "FieldRef")) {
            input->expr = expr_compile(load, model, NULL, f);
        } else if (xml_is(f, "CategoricalPredictor")) {
            input->field = field_find(load, model, need_attr(load, f, "name"), f);
            Str text = need_attr(load, f, "value");
            if (!value_parse(text, input->field->type, &input->value))
                input->value = value_text(text);
        } else {
            continue;
        }
        self->inputs++;
    }
}

static const double *vector_of(Load *load, const Vectors *self, const Xml *at) {
    const Xml *array = at->first;
    while (array && !str_ends(array->name, STR("Array"))) array = array->next;
    uint32_t count = 0;
    const double *vector = array ? read_numbers(load, array, &count) : NULL;
    if (count != self->inputs)
        load_fail(load, at, "a vector of %u numbers, not %u", count, self->inputs);
    return vector;
}

static void kernel_compile(Load *load, const Xml *at, Vectors *self) {
    static const char *const NAMES[] = {"LinearKernelType", "PolynomialKernelType",
                                        "RadialBasisKernelType", "SigmoidKernelType"};
    for (uint8_t k = 0; k < 4; k++) {
        const Xml *kernel = xml_child(at, NAMES[k]);
        if (!kernel) continue;
        self->kernel = k;
        self->gamma = attr_number(load, kernel, "gamma", 1);
        self->coef0 = attr_number(load, kernel, "coef0", 1);
        self->degree = attr_number(load, kernel, "degree", 1);
        return;
    }
    load_fail(load, at, "its kernel is missing");
}

static void machine_compile(Load *load, const Model *model, const Map *vectors, const Xml *at,
                            const Vectors *self, Machine *machine) {
    const Xml *coefficients = need_child(load, at, "Coefficients");
    const Xml *list = xml_child(at, "SupportVectors");
    uint32_t count = xml_count(coefficients, "Coefficient");
    machine->constant = attr_number(load, coefficients, "absoluteValue", 0);
    machine->threshold = attr_number(load, model->xml, "threshold", 0);
    machine->threshold = attr_number(load, at, "threshold", machine->threshold);
    machine->coefficient = ARENA_ARRAY(load->arena, double, count);
    const Xml *c = xml_child(coefficients, "Coefficient");
    for (uint32_t i = 0; c; c = xml_next(c, "Coefficient")) {
        machine->coefficient[i++] = attr_number(load, c, "value", 0);
    }
    machine->vectors = count;
    Str category = xml_attr(at, "targetCategory"), other = xml_attr(at, "alternateTargetCategory");
    if (category.ptr) machine->category = category_value(load, model, at, category);
    if (other.ptr) machine->alternate = category_value(load, model, at, other);
    if (!list) {
        if (count != self->inputs) load_fail(load, at, "as many coefficients as inputs are needed");
        return;
    }
    if (xml_count(list, "SupportVector") != count) {
        load_fail(load, at, "as many coefficients as vectors are needed");
    }
    machine->vector = ARENA_ARRAY(load->arena, const double *, count);
    const Xml *v = xml_child(list, "SupportVector");
    for (uint32_t i = 0; v; v = xml_next(v, "SupportVector")) {
        Str id = need_attr(load, v, "vectorId");
        machine->vector[i] = map_get(vectors, id);
        if (!machine->vector[i++])
            load_fail(load, v, "there is no vector '" STR_FMT "'", STR_ARG(id));
    }
}

static void compile(Load *load, Model *model) {
    static const char *const METHODS[] = {"OneAgainstAll", "OneAgainstOne", ""};
    Vectors *self = ARENA_NEW(load->arena, Vectors);
    const Xml *at = model->xml, *dictionary = need_child(load, at, "VectorDictionary");
    inputs_compile(load, model, need_child(load, dictionary, "VectorFields"), self);
    kernel_compile(load, at, self);
    self->one_against_one = attr_enum(load, at, "classificationMethod", METHODS, 0) == 1;
    self->max_wins = attr_bool(load, at, "maxWins", false);
    Str other = xml_attr(at, "alternateBinaryTargetCategory");
    self->has_alternate = other.ptr != NULL;
    if (other.ptr) self->alternate = category_value(load, model, at, other);
    Map *vectors = &model->names;
    const Xml *v = xml_child(dictionary, "VectorInstance");
    for (; v; v = xml_next(v, "VectorInstance")) {
        (void)map_put(vectors, need_attr(load, v, "id"),
                      (void *)(uintptr_t)vector_of(load, self, v));
    }
    const char *element = "SupportVectorMachine";
    self->machine = ARENA_ARRAY(load->arena, Machine, xml_count(at, element));
    for (const Xml *m = xml_child(at, element); m; m = xml_next(m, element)) {
        machine_compile(load, model, vectors, m, self, &self->machine[self->machines++]);
    }
    if (self->machines == 0) load_fail(load, at, "there is no machine");
    model->impl = self;
}

static double kernel(const Vectors *self, const double *x, const double *y) {
    double sum = 0;
    if (self->kernel == KERNEL_RADIAL) {
        for (uint32_t i = 0; i < self->inputs; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
        return exp(-sum * self->gamma);
    }
    for (uint32_t i = 0; i < self->inputs; i++) sum += x[i] * y[i];
    if (self->kernel == KERNEL_POLYNOMIAL)
        return pow(sum * self->gamma + self->coef0, self->degree);
    return self->kernel == KERNEL_SIGMOID ? tanh(sum * self->gamma + self->coef0) : sum;
}

static double machine_value(Row *row, const Vectors *self, const Machine *machine,
                            const double *x) {
    double sum = machine->constant;
    row->steps += machine->vectors;
    for (uint32_t i = 0; i < machine->vectors; i++) {
        sum += machine->coefficient[i] *
               (machine->vector ? kernel(self, x, machine->vector[i]) : x[i]);
    }
    return sum;
}

static bool read_inputs(Row *row, const Vectors *self, double *x) {
    for (uint32_t i = 0; i < self->inputs; i++) {
        const Input *input = &self->input[i];
        Value value = input->expr ? expr_value(row, input->expr) : field_value(row, input->field);
        if (is_missing(value)) return false;
        x[i] = input->expr ? value_as_number(value) : value_eq(value, input->value) ? 1 : 0;
    }
    return true;
}

static Value vote_of(Row *row, const Vectors *self, const Machine *machine, double value) {
    if (self->has_alternate) {
        double rounded = floor(value + 0.5);
        if (rounded != 0 && rounded != 1) row_fail(row, "a decision that is neither 0 nor 1");
        return rounded == 0 ? self->alternate : machine->category;
    }
    return value < machine->threshold ? machine->category : machine->alternate;
}

static void votes(const Model *model, Row *row, const Vectors *self, const double *x, Result *out) {
    Value *category = ROW_ARRAY(row, Value, self->machines);
    out->score = ROW_ARRAY(row, double, self->machines);
    for (uint32_t m = 0; m < self->machines; m++) {
        const Machine *machine = &self->machine[m];
        Value vote = vote_of(row, self, machine, machine_value(row, self, machine, x));
        uint32_t at = 0;
        while (at < out->count && !value_eq(category[at], vote)) at++;
        if (at == out->count) category[out->count++] = vote;
        out->score[at] += 1.0 / self->machines;
    }
    out->category = category;
    result_class(model, row, PROBABILITY, out);
}

static void score(const Model *model, Row *row, Result *out) {
    const Vectors *self = model->impl;
    double *x = ROW_ARRAY(row, double, self->inputs + 1);
    if (!read_inputs(row, self, x)) {
        result_missing(model, row, out);
        return;
    }
    if (model->function != MINE_CLASSIFICATION) {
        result_number(model, row, machine_value(row, self, &self->machine[0], x), out);
        return;
    }
    if (self->one_against_one) {
        votes(model, row, self, x, out);
        return;
    }
    Value *category = ROW_ARRAY(row, Value, self->machines);
    out->score = ROW_ARRAY(row, double, self->machines);
    for (uint32_t m = 0; m < self->machines; m++) {
        category[m] = self->machine[m].category;
        out->score[m] = machine_value(row, self, &self->machine[m], x);
    }
    out->category = category;
    out->count = self->machines;
    result_class(model, row, self->max_wins ? SIMILARITY : DISTANCE, out);
}

const ModelKind VECTOR_MODEL = {"SupportVectorMachineModel", compile, score};
