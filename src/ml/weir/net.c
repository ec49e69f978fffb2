// ml/weir/net.c - networks: dense layers (a multi-layer perceptron), LSTM and GRU over a window.
//
// LSTM: Hochreiter, Schmidhuber, 1997, with forget gates (Gers and others, 2000). GRU: Cho and
// others, 2014, in the form where the reset gate is applied after the product, as cuDNN has it.
#include <math.h>

#include "ml/vector.h"
#include "ml/weir/weir.h"

// ---- dense

void layer_forward(const Layer *layer, const double *x, double *out) {
    for (uint32_t o = 0; o < layer->out; o++) {
        out[o] = layer->bias[o] + vector_dot(layer->weight + (size_t)o * layer->in, x, layer->in);
    }
    activate(layer->activation, out, layer->out);
}

void dense_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    const Dense *net = model->dense;
    double *from = scratch, *other = scratch + net->width;
    weir_encode(model->feature, model->features, x, true, from);
    uint32_t units = 0;
    for (uint32_t l = 0; l < net->layers; l++) {
        if (net->layer[l].out > units) units = net->layer[l].out;
    }
    double *space[2] = {other, other + units};
    for (uint32_t l = 0; l < net->layers; l++) {
        layer_forward(&net->layer[l], from, space[l & 1]);
        from = space[l & 1];
    }
    uint32_t outputs = net->layer[net->layers - 1].out;
    for (uint32_t i = 0; i < outputs; i++) {
        out[i] = model->classes ? from[i] : from[i] * net->target_scale + net->target_mean;
    }
}

void dense_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->dense = ARENA_NEW(&model->arena, Dense);
    Dense *net = model->dense;
    codec_f64(codec, &net->target_mean);
    codec_f64(codec, &net->target_scale);
    codec_u32(codec, &net->width);
    codec_count(codec, &net->layers, WEIR_LAYERS_MAX, 9);
    Layer *layer = codec_room(codec, net->layers, sizeof *layer, 9);
    if (layer) net->layer = layer;
    uint32_t in = net->width;
    for (uint32_t l = 0; l < net->layers && !codec->failed; l++) {
        int activation = (int)net->layer[l].activation;
        codec_u32(codec, &net->layer[l].in);
        codec_u32(codec, &net->layer[l].out);
        codec_kind(codec, &activation, ACTIVATIONS_);
        net->layer[l].activation = (Activation)activation;
        if (net->layer[l].in != in || !net->layer[l].out || net->layer[l].out > WEIR_UNITS_MAX) {
            codec_fail(codec, "layer %u does not go with the one before it", l);
        }
        in = net->layer[l].out;
        codec_f64s(codec, &net->layer[l].weight, (size_t)net->layer[l].in * net->layer[l].out);
        codec_f64s(codec, &net->layer[l].bias, net->layer[l].out);
    }
    if (!net->layers || net->width != weir_width(model->feature, model->features) ||
        in != (model->classes ? model->classes : 1) || model->task == ML_OUTLIERS) {
        codec_fail(codec, "the network does not go with the features and the task");
    }
}

// ---- recurrent

uint32_t cell_gates(CellKind kind) {
    return kind == CELL_LSTM ? 4 : 3;
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

void cell_step(CellKind kind, const Cell *cell, const double *x, CellState *at) {
    uint32_t units = cell->units, count = cell_gates(kind) * units;
    double *gate = at->gate;
    for (uint32_t g = 0; g < count; g++) {
        gate[g] = cell->bias[g] + vector_dot(cell->weight + (size_t)g * cell->in, x, cell->in);
        double back = vector_dot(cell->recurrent + (size_t)g * units, at->h_before, units);
        if (kind == CELL_GRU && g >= 2 * units) {
            at->back[g - 2 * units] = back + cell->bias_n[g - 2 * units];
        } else {
            gate[g] += back;
        }
    }
    for (uint32_t u = 0; u < units; u++) {
        double *i = &gate[u], *f = &gate[units + u], *g = &gate[2 * units + u];
        *i = sigmoid(*i);  // of a GRU: reset
        *f = sigmoid(*f);  // of a GRU: how much stays
        if (kind == CELL_LSTM) {
            double *o = &gate[3 * units + u];
            *g = tanh(*g);
            *o = sigmoid(*o);
            at->c[u] = *f * at->c_before[u] + *i * *g;
            at->h[u] = *o * tanh(at->c[u]);
        } else {
            *g = tanh(*g + *i * at->back[u]);
            at->h[u] = (1 - *f) * *g + *f * at->h_before[u];
        }
    }
}

// Step [t] of a row of features, standardised.
void recurrent_input(const Recurrent *net, const double *x, uint32_t t, double *out) {
    for (uint32_t j = 0; j < net->step_features; j++) {
        double value = x[net->windows ? (size_t)j * net->steps + t
                                      : (size_t)t * net->step_features + j];
        out[j] = isnan(value) ? 0 : (value - net->mean[j]) / net->scale[j];
    }
}

static uint32_t units_max(const Recurrent *net) {
    uint32_t units = net->step_features;
    for (uint32_t c = 0; c < net->cells; c++) {
        if (net->cell[c].units > units) units = net->cell[c].units;
    }
    return units;
}

size_t recurrent_scratch(const Recurrent *net) {
    size_t units = units_max(net);
    return units * (net->steps + 9);
}

void recurrent_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    const Recurrent *net = model->recurrent;
    uint32_t units = units_max(net);
    double *input = scratch, *state = scratch + (size_t)net->steps * units;
    for (uint32_t t = 0; t < net->steps; t++) {
        recurrent_input(net, x, t, input + (size_t)t * units);
    }
    for (uint32_t l = 0; l < net->cells; l++) {
        const Cell *cell = &net->cell[l];
        memset(state, 0, (size_t)units * 9 * sizeof *state);
        CellState at = {.h_before = state, .c_before = state + units, .c = state + 2 * units,
                        .h = state + 3 * units, .gate = state + 4 * units,
                        .back = state + 8 * units};
        for (uint32_t t = 0; t < net->steps; t++) {  // a step's output takes its input's place
            cell_step(net->kind, cell, input + (size_t)t * units, &at);
            memcpy(input + (size_t)t * units, at.h, cell->units * sizeof *at.h);
            memcpy(state, at.h, cell->units * sizeof *at.h);
            memcpy(state + units, at.c, cell->units * sizeof *at.c);
        }
    }
    uint32_t last = net->cell[net->cells - 1].units;
    const double *h = input + (size_t)(net->steps - 1) * units;
    for (uint32_t o = 0; o < net->horizon; o++) {
        double value = net->bias[o] + vector_dot(net->weight + (size_t)o * last, h, last);
        out[o] = value * net->target_scale + net->target_mean;
    }
}

static void cell_codec(const Recurrent *net, Codec *codec, Cell *cell, uint32_t in) {
    codec_u32(codec, &cell->in);
    codec_u32(codec, &cell->units);
    if (cell->in != in || !cell->units || cell->units > WEIR_UNITS_MAX) {
        codec_fail(codec, "a layer does not go with the one before it");
    }
    if (codec->failed) return;
    size_t gates = (size_t)cell_gates(net->kind) * cell->units;
    codec_f64s(codec, &cell->weight, gates * cell->in);
    codec_f64s(codec, &cell->recurrent, gates * cell->units);
    codec_f64s(codec, &cell->bias, gates);
    if (net->kind == CELL_GRU) codec_f64s(codec, &cell->bias_n, cell->units);
}

void recurrent_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->recurrent = ARENA_NEW(&model->arena, Recurrent);
    Recurrent *net = model->recurrent;
    int kind = (int)net->kind;
    codec_kind(codec, &kind, CELLS_);
    net->kind = (CellKind)kind;
    codec_u32(codec, &net->steps);
    codec_count(codec, &net->step_features, WEIR_FEATURES_MAX, 16);
    codec_bool(codec, &net->windows);
    codec_f64s(codec, &net->mean, net->step_features);
    codec_f64s(codec, &net->scale, net->step_features);
    codec_f64(codec, &net->target_mean);
    codec_f64(codec, &net->target_scale);
    codec_count(codec, &net->cells, WEIR_LAYERS_MAX, 8);
    Cell *cell = codec_room(codec, net->cells, sizeof *cell, 8);
    if (cell) net->cell = cell;
    uint32_t in = net->step_features;
    for (uint32_t l = 0; l < net->cells && !codec->failed; l++) {
        cell_codec(net, codec, &net->cell[l], in);
        in = net->cell[l].units;
    }
    codec_count(codec, &net->horizon, WEIR_FEATURES_MAX, 8);
    codec_f64s(codec, &net->weight, (size_t)net->horizon * in);
    codec_f64s(codec, &net->bias, net->horizon);
    for (uint32_t f = 0; f < model->features && !codec->failed; f++) {
        if (model->feature[f].type == ML_TEXT) codec_fail(codec, "a text in a window");
    }
    if (!net->cells || !net->steps || !net->horizon || model->task != ML_FORECASTING ||
        (uint64_t)net->steps * net->step_features != model->features) {
        codec_fail(codec, "the network does not go with the features and the task");
    }
}
