// ml/weir/recurrent.c - recurrent layers forward, forecasts of a model, and its place in a file.
#include "ml/weir/recurrent.h"

#include <math.h>

#include "ml/graph/math.h"

uint32_t cell_gates(CellKind kind) {
    return kind == CELL_LSTM ? 4 : 3;
}

uint32_t recurrent_windows(const Recurrent *net) {
    enum { WINDOWS = 64, VALUES = 1 << 21 };
    uint64_t values = 0;
    for (uint32_t l = 0; l < net->cells; l++) {
        values += (uint64_t)net->steps * (cell_gates(net->kind) + 3) * net->cell[l].units;
    }
    uint64_t fit = VALUES / (values + 1);
    return fit < 1 ? 1 : fit > WINDOWS ? WINDOWS : (uint32_t)fit;
}

// ---- weights

RecurrentWeights *recurrent_weights(Arena *arena, const Recurrent *net) {
    RecurrentWeights *out = ARENA_NEW(arena, RecurrentWeights);
    size_t room = 0;
    out->cell = ARENA_ARRAY(arena, CellWeights, net->cells);
    for (uint32_t l = 0; l < net->cells; l++) {
        const Cell *cell = &net->cell[l];
        CellWeights *to = &out->cell[l];
        size_t gates = (size_t)cell_gates(net->kind) * cell->units;
        size_t in = math_packed(cell->in, gates), back = math_packed(cell->units, gates);
        to->weight = ARENA_ARRAY(arena, float, in);
        to->recurrent = ARENA_ARRAY(arena, float, back);
        to->bias = ARENA_ARRAY(arena, float, gates);
        if (net->kind == CELL_GRU) to->bias_back = ARENA_ARRAY(arena, float, gates);
        if (room < in) room = in;
        if (room < back) room = back;
    }
    uint32_t units = net->cell[net->cells - 1].units;
    size_t head = math_packed(units, net->horizon);
    out->head = ARENA_ARRAY(arena, float, head);
    out->bias = ARENA_ARRAY(arena, float, net->horizon);
    out->scratch = ARENA_ARRAY(arena, float, room > head ? room : head);
    recurrent_pack(net, out);
    return out;
}

// [from] is [columns][k]. The columns from [twice] to [end] doubled.
static void pack(const double *from, size_t k, size_t columns, size_t twice, size_t end,
                 float *scratch, float *out) {
    for (size_t j = 0; j < columns; j++) {
        double times = j >= twice && j < end ? 2 : 1;
        for (size_t i = 0; i < k; i++) scratch[j * k + i] = (float)(from[j * k + i] * times);
    }
    math_pack(scratch, 1, k, k, columns, out);
}

void recurrent_pack(const Recurrent *net, RecurrentWeights *weights) {
    for (uint32_t l = 0; l < net->cells; l++) {
        const Cell *cell = &net->cell[l];
        CellWeights *to = &weights->cell[l];
        size_t units = cell->units, gates = cell_gates(net->kind) * units;
        // tanh(x) = 2 sigmoid(2x) - 1: all gates of an LSTM are one call of the sigmoid.
        size_t twice = net->kind == CELL_LSTM ? 2 * units : gates, end = 3 * units;
        pack(cell->weight, cell->in, gates, twice, end, weights->scratch, to->weight);
        pack(cell->recurrent, units, gates, twice, end, weights->scratch, to->recurrent);
        for (size_t g = 0; g < gates; g++) {
            to->bias[g] = (float)(cell->bias[g] * (g >= twice && g < end ? 2 : 1));
            if (to->bias_back && g >= 2 * units) {
                to->bias_back[g] = (float)cell->bias_n[g - 2 * units];
            }
        }
    }
    size_t units = net->cell[net->cells - 1].units;
    pack(net->weight, units, net->horizon, 0, 0, weights->scratch, weights->head);
    for (uint32_t o = 0; o < net->horizon; o++) weights->bias[o] = (float)net->bias[o];
}

// ---- forward

RecurrentBlock *recurrent_block(Arena *arena, const Recurrent *net, uint32_t windows, bool keep) {
    RecurrentBlock *block = ARENA_NEW(arena, RecurrentBlock);
    *block = (RecurrentBlock){.net = net, .keep = keep};
    size_t steps = net->steps, kept = keep ? steps : 1;
    block->in = ARENA_ARRAY(arena, float, steps * windows * net->step_features);
    block->out = ARENA_ARRAY(arena, float, (size_t)windows * net->horizon);
    block->cell = ARENA_ARRAY(arena, CellTrace, net->cells);
    for (uint32_t l = 0; l < net->cells; l++) {
        CellTrace *trace = &block->cell[l];
        size_t units = (size_t)windows * net->cell[l].units, gates = cell_gates(net->kind) * units;
        trace->h = ARENA_ARRAY(arena, float, (steps + 1) * units);
        trace->gate = ARENA_ARRAY(arena, float, kept * gates);
        if (net->kind == CELL_LSTM) {
            trace->c = ARENA_ARRAY(arena, float, (kept + 1) * units);
            trace->tanh_c = ARENA_ARRAY(arena, float, kept * units);
        } else {
            trace->back = ARENA_ARRAY(arena, float, kept * gates);
        }
    }
    return block;
}

typedef struct Step {
    uint32_t windows, units;
    bool first;  // nothing is remembered yet
    const float *h_before, *c_before;
    float *h, *c, *tanh_c, *gate, *back;
} Step;

static void lstm_step(const Step *at, const CellWeights *weights) {
    const Math *m = math();
    size_t units = at->units, gates = 4 * units;
    if (!at->first) {
        m->gemm(at->h_before, units, weights->recurrent, NULL, at->gate, gates, at->windows, units,
                gates, true);
    }
    m->unary[MATH_SIGMOID](at->gate, at->gate, at->windows * gates, 0, 0);
    for (size_t w = 0; w < at->windows; w++) {
        float *restrict gate = at->gate + w * gates, *restrict c = at->c + w * units;
        const float *before = at->c_before + w * units;
        for (size_t u = 0; u < units; u++) {
            float g = gate[2 * units + u] = 2 * gate[2 * units + u] - 1;
            c[u] = gate[units + u] * before[u] + gate[u] * g;
        }
    }
    m->unary[MATH_TANH](at->c, at->tanh_c, at->windows * units, 0, 0);
    for (size_t w = 0; w < at->windows; w++) {
        const float *restrict open = at->gate + w * gates + 3 * units;
        const float *restrict tanh_c = at->tanh_c + w * units;
        float *restrict h = at->h + w * units;
        for (size_t u = 0; u < units; u++) h[u] = open[u] * tanh_c[u];
    }
}

static void gru_step(const Step *at, const CellWeights *weights) {
    const Math *m = math();
    size_t units = at->units, gates = 3 * units;
    m->gemm(at->h_before, units, weights->recurrent, weights->bias_back, at->back, gates,
            at->windows, units, gates, false);
    for (size_t w = 0; w < at->windows; w++) {
        float *restrict gate = at->gate + w * gates;
        const float *restrict back = at->back + w * gates, *before = at->h_before + w * units;
        for (size_t u = 0; u < 2 * units; u++) gate[u] += back[u];
        m->unary[MATH_SIGMOID](gate, gate, 2 * units, 0, 0);
        float *n = gate + 2 * units, *h = at->h + w * units;
        for (size_t u = 0; u < units; u++) n[u] += gate[u] * back[2 * units + u];
        m->unary[MATH_TANH](n, n, units, 0, 0);
        for (size_t u = 0; u < units; u++) {
            h[u] = (1 - gate[units + u]) * n[u] + gate[units + u] * before[u];
        }
    }
}

static void cell_forward(const RecurrentBlock *block, uint32_t l, const CellWeights *weights,
                         uint32_t windows) {
    const Recurrent *net = block->net;
    const Cell *cell = &net->cell[l];
    CellTrace *trace = &block->cell[l];
    size_t units = (size_t)windows * cell->units, gates = cell_gates(net->kind) * units;
    memset(trace->h, 0, units * sizeof *trace->h);
    if (trace->c) memset(trace->c, 0, units * sizeof *trace->c);
    for (size_t t = 0; t < net->steps; t++) {
        size_t kept = block->keep ? t : 0;
        Step at = {.windows = windows, .units = cell->units, .first = t == 0,
                   .h_before = trace->h + t * units, .h = trace->h + (t + 1) * units,
                   .gate = trace->gate + kept * gates};
        math()->gemm(trace->in + t * windows * cell->in, cell->in, weights->weight, weights->bias,
                     at.gate, gates / windows, windows, cell->in, gates / windows, false);
        if (net->kind == CELL_LSTM) {
            at.c_before = trace->c + (block->keep ? t : t & 1) * units;
            at.c = trace->c + (block->keep ? t + 1 : (t + 1) & 1) * units;
            at.tanh_c = trace->tanh_c + kept * units;
            lstm_step(&at, weights);
        } else {
            at.back = trace->back + kept * gates;
            gru_step(&at, weights);
        }
    }
}

void recurrent_forward(RecurrentBlock *block, const RecurrentWeights *weights, uint32_t windows) {
    const Recurrent *net = block->net;
    size_t units = net->step_features;
    const float *from = block->in;
    for (uint32_t l = 0; l < net->cells; l++) {
        block->cell[l].in = from;
        cell_forward(block, l, &weights->cell[l], windows);
        units = net->cell[l].units;
        from = block->cell[l].h + windows * units;
    }
    math()->gemm(from + (net->steps - 1) * windows * units, units, weights->head, weights->bias,
                 block->out, net->horizon, windows, units, net->horizon, false);
}

// ---- forecasts

// [x] has a column for each feature.
void recurrent_score(const WeirModel *model, const double *const *x, uint32_t from, uint32_t rows,
                     double *out, Arena *scratch) {
    const Recurrent *net = model->recurrent;
    uint32_t most = recurrent_windows(net), features = net->step_features;
    if (most > rows) most = rows;
    RecurrentBlock *block = recurrent_block(scratch, net, most, false);
    for (uint32_t at = 0; at < rows; at += most) {
        uint32_t windows = rows - at < most ? rows - at : most;
        float *to = block->in;
        for (uint32_t t = 0; t < net->steps; t++) {
            for (uint32_t w = 0; w < windows; w++) {
                for (uint32_t j = 0; j < features; j++) {
                    size_t f = net->windows ? (size_t)j * net->steps + t : (size_t)t * features + j;
                    double value = x[f][from + at + w];
                    *to++ = (float)(isnan(value) ? 0 : (value - net->mean[j]) / net->scale[j]);
                }
            }
        }
        recurrent_forward(block, net->packed, windows);
        for (size_t i = 0; i < (size_t)windows * net->horizon; i++) {
            *out++ = (double)block->out[i] * net->target_scale + net->target_mean;
        }
    }
}

// ---- the file

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
    if (codec_reads(codec) && !codec->failed) net->packed = recurrent_weights(&model->arena, net);
}
