// ml/pmml/model_neural.c - <NeuralNetwork>: layer after layer of neurons.
#include <math.h>

#include "ml/pmml/pmml_int.h"

typedef enum Activation {
    ACT_THRESHOLD,
    ACT_LOGISTIC,
    ACT_TANH,
    ACT_IDENTITY,
    ACT_EXPONENTIAL,
    ACT_RECIPROCAL,
    ACT_SQUARE,
    ACT_GAUSS,
    ACT_SINE,
    ACT_COSINE,
    ACT_ELLIOTT,
    ACT_ARCTAN,
    ACT_RECTIFIER,
    ACT_RADIAL,
} Activation;

typedef struct Connection {
    uint32_t from;
    double weight;
} Connection;

typedef struct Neuron {
    double bias, width;
    Connection *connection;
    uint32_t connections;
} Neuron;

typedef struct Layer {
    uint8_t activation, normalization;
    double threshold, leakage, altitude;
    bool leaks;
    Neuron *neuron;
    uint32_t neurons;
} Layer;

typedef struct NeuralOutput {
    uint32_t neuron;
    Str target;
    Value category;              // of a classification
    const NormContinuous *norm;  // of a regression; NULL: as it is
} NeuralOutput;

typedef struct Neural {
    const Expr **input;
    uint32_t inputs;
    Layer *layer;
    uint32_t layers;
    NeuralOutput *output;
    uint32_t outputs;
    Str *id;  // of inputs and neurons
    uint32_t neurons;
} Neural;

typedef struct Build {
    Load *load;
    Model *model;
    Neural *self;
    Map *number;  // of a neuron's id, plus 1
} Build;

static void name_neuron(Build *b, const Xml *at) {
    Str id = need_attr(b->load, at, "id");
    b->self->id[b->self->neurons++] = id;
    if (map_put(b->number, id, (void *)(uintptr_t)b->self->neurons)) {
        load_fail(b->load, at, "the id '" STR_FMT "' is there twice", STR_ARG(id));
    }
}

static uint32_t neuron_number(Build *b, const Xml *at, const char *attribute) {
    Str id = need_attr(b->load, at, attribute);
    uintptr_t number = (uintptr_t)map_get(b->number, id);
    if (number == 0)
        load_fail(b->load, at, "there is no neuron '" STR_FMT "' before it", STR_ARG(id));
    return (uint32_t)number - 1;
}

static void layer_compile(Build *b, const Xml *at, Layer *layer) {
    static const char *const ACTIVATIONS[] = {
        "threshold", "logistic", "tanh", "identity", "exponential", "reciprocal", "square", "Gauss",
        "sine", "cosine", "Elliott", "arctan", "rectifier", "radialBasis", ""};
    static const char *const NORMALIZATIONS[] = {"none", "simplemax", "softmax", ""};
    Load *load = b->load;
    const Xml *net = b->model->xml;
    int activation = attr_enum(load, net, "activationFunction", ACTIVATIONS, ACT_LOGISTIC);
    layer->activation = (uint8_t)attr_enum(load, at, "activationFunction", ACTIVATIONS, activation);
    int normalization = attr_enum(load, net, "normalizationMethod", NORMALIZATIONS, 0);
    layer->normalization =
        (uint8_t)attr_enum(load, at, "normalizationMethod", NORMALIZATIONS, normalization);
    layer->threshold = attr_number(load, at, "threshold", attr_number(load, net, "threshold", 0));
    layer->altitude = attr_number(load, at, "altitude", attr_number(load, net, "altitude", 1));
    layer->leakage = attr_number(load, at, "leakage", attr_number(load, net, "leakage", NAN));
    layer->leaks = !isnan(layer->leakage);
    double width = attr_number(load, at, "width", attr_number(load, net, "width", NAN));
    layer->neuron = ARENA_ARRAY(load->arena, Neuron, xml_count(at, "Neuron"));
    for (const Xml *n = xml_child(at, "Neuron"); n; n = xml_next(n, "Neuron")) {
        Neuron *neuron = &layer->neuron[layer->neurons++];
        neuron->bias = attr_number(load, n, "bias", 0);
        neuron->width = attr_number(load, n, "width", width);
        neuron->connection = ARENA_ARRAY(load->arena, Connection, xml_count(n, "Con"));
        for (const Xml *c = xml_child(n, "Con"); c; c = xml_next(c, "Con")) {
            neuron->connection[neuron->connections++] = (Connection){
                neuron_number(b, c, "from"), need_number(load, c, "weight")};
        }
    }
    for (const Xml *n = xml_child(at, "Neuron"); n; n = xml_next(n, "Neuron")) name_neuron(b, n);
}

// The expression of an output; one that only names a derived field is that field's.
static const Xml *output_expression(Build *b, const Xml *at) {
    const Xml *expr = expr_child(need_child(b->load, at, "DerivedField"));
    if (!expr) load_fail(b->load, at, "an output without an expression");
    if (!xml_is(expr, "FieldRef")) return expr;
    Str name = need_attr(b->load, expr, "field");
    const Xml *field = map_get(&b->model->local, name);
    if (!field) field = map_get(&b->load->derived, name);
    const Xml *inner = field ? expr_child(field) : NULL;
    return inner ? inner : expr;
}

static void output_compile(Build *b, const Xml *at, NeuralOutput *output) {
    const Xml *expr = output_expression(b, at);
    output->neuron = neuron_number(b, at, "outputNeuron");
    output->target = need_attr(b->load, expr, "field");
    if (xml_is(expr, "NormDiscrete")) {
        output->category =
            category_value(b->load, b->model, expr, need_attr(b->load, expr, "value"));
    } else if (xml_is(expr, "NormContinuous")) {
        output->norm = norm_compile(b->load, NULL, expr);
    } else if (!xml_is(expr, "FieldRef")) {
        load_unsupported(b->load, expr, "this expression of an output");
    }
}

static void compile(Load *load, Model *model) {
    Neural *self = ARENA_NEW(load->arena, Neural);
    const Xml *at = model->xml;
    const Xml *inputs = need_child(load, at, "NeuralInputs");
    const Xml *outputs = need_child(load, at, "NeuralOutputs");
    Build b = {.load = load, .model = model, .self = self, .number = &model->names};
    uint32_t count = xml_count(inputs, "NeuralInput");
    self->input = ARENA_ARRAY(load->arena, const Expr *, count);
    for (const Xml *l = xml_child(at, "NeuralLayer"); l; l = xml_next(l, "NeuralLayer")) {
        count += xml_count(l, "Neuron");
    }
    self->id = ARENA_ARRAY(load->arena, Str, count);
    for (const Xml *i = xml_child(inputs, "NeuralInput"); i; i = xml_next(i, "NeuralInput")) {
        const Xml *expr = expr_child(need_child(load, i, "DerivedField"));
        if (!expr) load_fail(load, i, "an input without an expression");
        self->input[self->inputs++] = expr_compile(load, model, NULL, expr);
    }
    for (const Xml *i = xml_child(inputs, "NeuralInput"); i; i = xml_next(i, "NeuralInput"))
        name_neuron(&b, i);
    self->layer = ARENA_ARRAY(load->arena, Layer, xml_count(at, "NeuralLayer"));
    for (const Xml *l = xml_child(at, "NeuralLayer"); l; l = xml_next(l, "NeuralLayer")) {
        layer_compile(&b, l, &self->layer[self->layers++]);
    }
    self->output = ARENA_ARRAY(load->arena, NeuralOutput, xml_count(outputs, "NeuralOutput"));
    for (const Xml *o = xml_child(outputs, "NeuralOutput"); o; o = xml_next(o, "NeuralOutput")) {
        output_compile(&b, o, &self->output[self->outputs++]);
    }
    if (self->outputs == 0) load_fail(load, outputs, "there is no output");
    model->impl = self;
}

static double activate(const Layer *layer, double x) {
    switch ((Activation)layer->activation) {
        case ACT_THRESHOLD: return x > layer->threshold ? 1 : 0;
        case ACT_LOGISTIC: return 1 / (1 + exp(-x));
        case ACT_TANH: return tanh(x);
        case ACT_IDENTITY:
        case ACT_RADIAL: return x;
        case ACT_EXPONENTIAL: return exp(x);
        case ACT_RECIPROCAL: return 1 / x;
        case ACT_SQUARE: return x * x;
        case ACT_GAUSS: return exp(-x * x);
        case ACT_SINE: return sin(x);
        case ACT_COSINE: return cos(x);
        case ACT_ELLIOTT: return x / (1 + fabs(x));
        case ACT_ARCTAN: return 2 * atan(x) / M_PI;
        case ACT_RECTIFIER: return x > 0 ? x : layer->leaks ? x * layer->leakage : 0;
    }
    return x;
}

static double neuron_value(const Layer *layer, const Neuron *neuron, const double *value) {
    double sum = 0;
    if (layer->activation == ACT_RADIAL) {
        for (uint32_t i = 0; i < neuron->connections; i++) {
            double d = value[neuron->connection[i].from] - neuron->connection[i].weight;
            sum += d * d;
        }
        return exp(neuron->connections * log(layer->altitude) -
                   sum / (2 * neuron->width * neuron->width));
    }
    for (uint32_t i = 0; i < neuron->connections; i++) {
        sum += value[neuron->connection[i].from] * neuron->connection[i].weight;
    }
    return activate(layer, sum + neuron->bias);
}

static void normalize(uint8_t how, double *x, uint32_t count) {
    double most = -INFINITY, sum = 0;
    if (how == 0) return;
    for (uint32_t i = 0; i < count; i++) most = fmax(most, x[i]);
    for (uint32_t i = 0; i < count; i++) sum += how == 2 ? (x[i] = exp(x[i] - most)) : x[i];
    for (uint32_t i = 0; i < count && sum != 0; i++) x[i] /= sum;
}

static bool forward(Row *row, const Neural *self, double *value) {
    for (uint32_t i = 0; i < self->inputs; i++) {
        Value input = expr_value(row, self->input[i]);
        if (is_missing(input)) return false;
        value[i] = value_as_number(input);
    }
    double *to = value + self->inputs;
    for (uint32_t l = 0; l < self->layers; l++) {
        const Layer *layer = &self->layer[l];
        for (uint32_t n = 0; n < layer->neurons; n++)
            to[n] = neuron_value(layer, &layer->neuron[n], value);
        normalize(layer->normalization, to, layer->neurons);
        to += layer->neurons;
        row->steps += layer->neurons;
    }
    return true;
}

static void classify(const Model *model, Row *row, const Neural *self, const double *value,
                     Result *out) {
    Value *category = ROW_ARRAY(row, Value, self->outputs);
    out->score = ROW_ARRAY(row, double, self->outputs);
    for (uint32_t i = 0; i < self->outputs; i++) {
        category[i] = self->output[i].category;
        out->score[i] = value[self->output[i].neuron];
    }
    out->category = category;
    out->count = self->outputs;
    result_class(model, row, PROBABILITY, out);
    out->entity = self->id[self->output[result_winner(out)].neuron];
}

static double output_number(const NeuralOutput *output, const double *value) {
    double x = value[output->neuron];
    return output->norm ? norm_inverse(output->norm, x) : x;
}

static void score(const Model *model, Row *row, Result *out) {
    const Neural *self = model->impl;
    double *value = ROW_ARRAY(row, double, self->neurons + 1);
    if (!forward(row, self, value)) {
        result_missing(model, row, out);
        return;
    }
    if (model->function == MINE_CLASSIFICATION) {
        classify(model, row, self, value, out);
        return;
    }
    Result *at = out;
    for (uint32_t i = 0; i < self->outputs; i++) {
        if (i) {
            Result *next = ROW_ARRAY(row, Result, 1);
            at->more = next;
            at = next;
        }
        at->target = self->output[i].target;
        const Target *target = target_named(model, at->target);
        double x = output_number(&self->output[i], value);
        if (i == 0 || !target) {
            result_number(model, row, x, at);
        } else if (!value_cast(value_double(target_rescale(target, x)), target->type, row->arena,
                               &at->value)) {
            row_fail(row, "a prediction that is not of its type");
        }
    }
}

const ModelKind NEURAL_MODEL = {"NeuralNetwork", compile, score};
