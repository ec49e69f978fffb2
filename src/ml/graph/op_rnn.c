// ml/graph/op_rnn.c - recurrent layers: plain, LSTM and GRU, as ONNX defines them (TF's are graphs
// of smaller operators).
//
// A step is two products, input by weights and state by weights, into one matrix with the gates of
// all rows, then the gates' functions and the new state. Weights are packed when the model is
// loaded. Gates stand as ONNX orders them: i o f c of an LSTM, z r h of a GRU.
#include <math.h>

#include "base/assert.h"
#include "ml/graph/graph.h"
#include "ml/graph/kernels.h"
#include "ml/graph/math.h"

static uint32_t gates_of(RnnKind kind) {
    return kind == RNN_LSTM ? 4 : kind == RNN_GRU ? 3 : 1;
}

// --- Weights ---

// Sizes of what a direction holds, in floats.
static size_t weights_size(const RnnParams *params, size_t in) {
    size_t hidden = (size_t)params->hidden, gates = gates_of(params->kind);
    return math_packed(in, gates * hidden) + math_packed(hidden, gates * hidden) +
           math_packed(hidden, hidden) + (gates + 1) * hidden;
}

static void weights_fill(const RnnParams *params, const Tensor *w, const Tensor *r,
                         const Tensor *b, uint32_t direction, float *to, RnnWeights *out) {
    size_t hidden = (size_t)params->hidden, gates = gates_of(params->kind), in = (size_t)w->dim[2];
    size_t rows = gates * hidden, state_rows = params->kind == RNN_GRU ? 2 * hidden : rows;
    const float *from_w = tensor_f32(w) + direction * rows * in;
    const float *from_r = tensor_f32(r) + direction * rows * hidden;
    out->input = to;
    math_pack(from_w, 1, in, in, rows, to);
    to += math_packed(in, rows);
    out->hidden = to;
    math_pack(from_r, 1, hidden, hidden, state_rows, to);
    to += math_packed(hidden, rows);
    if (params->kind == RNN_GRU) {
        out->hidden_new = to;
        math_pack(from_r + 2 * hidden * hidden, 1, hidden, hidden, hidden, to);
    }
    to += math_packed(hidden, hidden);
    if (!b) return;
    const float *from_b = tensor_f32(b) + direction * 2 * rows;
    out->bias = to;
    out->bias_new = to + rows;
    for (size_t i = 0; i < rows; i++) {
        bool apart = params->kind == RNN_GRU && params->reset_after && i >= 2 * hidden;
        to[i] = from_b[i] + (apart ? 0 : from_b[rows + i]);
        if (apart) to[rows + i - 2 * hidden] = from_b[rows + i];
    }
}

static Status check_weights(const RnnParams *params, const Tensor *w, const Tensor *r,
                            const Tensor *b, Error *err) {
    int64_t rows = params->hidden * gates_of(params->kind), directions = params->directions;
    bool fine = w->type == TENSOR_F32 && w->rank == 3 && w->dim[0] == directions &&
                w->dim[1] == rows && r->type == TENSOR_F32 && r->rank == 3 &&
                r->dim[0] == directions && r->dim[1] == rows && r->dim[2] == params->hidden &&
                (!b || (b->type == TENSOR_F32 && b->rank == 2 && b->dim[0] == directions &&
                        b->dim[1] == 2 * rows));
    return fine ? ST_OK : call_misfit(w, r, err);
}

Status rnn_prepare(Setup *setup, RnnParams *params, Error *err) {
    const Tensor *w = setup->constant(setup, 1), *r = setup->constant(setup, 2);
    const Tensor *b = setup->constant(setup, 3);
    bool has_bias = setup->node->in_count > 3 && setup->node->in[3] != VALUE_NONE;
    if (params->hidden < 0 || params->hidden > 1 << 20) {
        return error_set(err, ST_VALIDATION, "hidden_size is %lld", (long long)params->hidden);
    }
    if (!params->hidden && r && r->rank == 3) params->hidden = r->dim[2];
    if (!w || !r || (has_bias && !b)) return ST_OK;
    TRY(check_weights(params, w, r, b, err));
    size_t size = weights_size(params, (size_t)w->dim[2]);
    for (uint32_t d = 0; d < params->directions; d++) {
        float *to = arena_alloc_aligned(setup->arena, size * sizeof(float), 64);
        weights_fill(params, w, r, b, d, to, &params->weights[d]);
    }
    params->known = true;
    return ST_OK;
}

// --- The functions of gates ---

static void act(const RnnParams *params, uint32_t direction, uint32_t which, float *x, size_t n) {
    const Math *with = math();
    float a = params->alpha[direction][which], b = params->beta[direction][which];
    switch (params->act[direction][which]) {
        case ACT_TANH: with->unary[MATH_TANH](x, x, n, 0, 0); return;
        case ACT_SIGMOID: with->unary[MATH_SIGMOID](x, x, n, 0, 0); return;
        case ACT_RELU: with->unary[MATH_RELU](x, x, n, 0, 0); return;
        case ACT_LINEAR: return;
        case ACT_HARD_SIGMOID: with->unary[MATH_LINEAR](x, x, n, a, b); return;
        case ACT_ELU: with->unary[MATH_ELU](x, x, n, a, 0); return;
        case ACT_LEAKY_RELU: with->unary[MATH_LEAKY_RELU](x, x, n, a, 0); return;
        case ACT_SOFTSIGN:
            for (size_t i = 0; i < n; i++) x[i] = x[i] / (1 + fabsf(x[i]));
            return;
        case ACT_AFFINE:
            for (size_t i = 0; i < n; i++) x[i] = a * x[i] + b;
            return;
        case ACT_THRESHOLDED_RELU:
            for (size_t i = 0; i < n; i++) x[i] = x[i] >= a ? x[i] : 0;
            return;
        case ACT_SOFTPLUS:
            for (size_t i = 0; i < n; i++) x[i] = log1pf(expf(x[i]));
            return;
        case ACT_SCALED_TANH:
            for (size_t i = 0; i < n; i++) x[i] = a * tanhf(b * x[i]);
            return;
    }
}

static void clip(const RnnParams *params, float *x, size_t n) {
    if (params->clip > 0) math()->unary[MATH_CLIP](x, x, n, -params->clip, params->clip);
}

// --- Steps ---

typedef struct Layer {
    const RnnParams *params;
    const RnnWeights *weights;
    const float *peephole;   // of this direction: i o f; NULL: none
    const Tensor *lengths;   // NULL: all rows have all steps
    uint32_t direction;
    bool backward;
    int64_t steps, rows, in, hidden, gates;
    const float *x;
    int64_t x_step, x_row;   // from step to step, from row to row
    float *y;                // NULL: not asked for
    int64_t y_step, y_row;
    float *state, *cell;     // rows × hidden, the state that is given back
    float *gate;             // rows × gates · hidden
    float *next;             // rows × hidden
    float *gathered;         // rows × in, when rows have lengths of their own
} Layer;

static void step_lstm(const Layer *l, int64_t row) {
    const RnnParams *p = l->params;
    size_t h = (size_t)l->hidden;
    float *i = l->gate + row * l->gates * l->hidden, *o = i + h, *f = o + h, *c = f + h;
    float *cell = l->cell + (size_t)row * h, *state = l->state + (size_t)row * h;
    const float *pi = l->peephole, *po = pi ? pi + h : NULL, *pf = pi ? po + h : NULL;
    for (size_t k = 0; pi && k < h; k++) i[k] += pi[k] * cell[k], f[k] += pf[k] * cell[k];
    clip(p, i, 4 * h);
    if (!pi && !p->couple) {
        act(p, l->direction, 0, i, 3 * h);  // i, o and f in one go
    } else {
        act(p, l->direction, 0, i, h);
        act(p, l->direction, 0, f, h);
    }
    act(p, l->direction, 1, c, h);
    for (size_t k = 0; p->couple && k < h; k++) f[k] = 1 - i[k];
    for (size_t k = 0; k < h; k++) cell[k] = f[k] * cell[k] + i[k] * c[k];
    if (pi || p->couple) {
        for (size_t k = 0; pi && k < h; k++) o[k] += po[k] * cell[k];
        act(p, l->direction, 0, o, h);
    }
    memcpy(state, cell, h * sizeof(float));
    act(p, l->direction, 2, state, h);
    for (size_t k = 0; k < h; k++) state[k] *= o[k];
}

static void step_gru(const Layer *l, int64_t row) {
    const RnnParams *p = l->params;
    size_t h = (size_t)l->hidden;
    float *z = l->gate + row * l->gates * l->hidden, *r = z + h, *n = r + h;
    float *state = l->state + (size_t)row * h, *next = l->next + (size_t)row * h;
    // z and r have their functions already; next is the state's part of the new gate.
    for (size_t k = 0; k < h; k++) n[k] += p->reset_after ? r[k] * next[k] : next[k];
    clip(p, n, h);
    act(p, l->direction, 1, n, h);
    for (size_t k = 0; k < h; k++) state[k] = (1 - z[k]) * n[k] + z[k] * state[k];
}

// z and r of all rows, then the state's part of the new gate.
static void gates_gru(const Layer *l) {
    const RnnParams *p = l->params;
    size_t h = (size_t)l->hidden, width = (size_t)(l->gates * l->hidden), rows = (size_t)l->rows;
    for (size_t row = 0; row < rows; row++) {
        float *z = l->gate + row * width;
        clip(p, z, 2 * h);
        act(p, l->direction, 0, z, 2 * h);
    }
    const float *from = l->state;
    if (!p->reset_after) {
        for (size_t row = 0; row < rows; row++) {
            const float *r = l->gate + row * width + h;
            for (size_t k = 0; k < h; k++) l->next[row * h + k] = r[k] * l->state[row * h + k];
        }
        // The product reads what it would write: through the place of the new state's gates.
        memcpy(l->gathered, l->next, rows * h * sizeof(float));
        from = l->gathered;
    }
    math()->gemm(from, h, l->weights->hidden_new, p->reset_after ? l->weights->bias_new : NULL,
                 l->next, h, rows, h, h, false);
}

static void step_plain(const Layer *l, int64_t row) {
    size_t h = (size_t)l->hidden;
    float *x = l->gate + (size_t)row * h;
    clip(l->params, x, h);
    act(l->params, l->direction, 0, x, h);
    memcpy(l->state + (size_t)row * h, x, h * sizeof(float));
}

static int64_t length_of(const Layer *l, int64_t row) {
    if (!l->lengths) return l->steps;
    int64_t length = tensor_integer(l->lengths, row);
    return length < 0 ? 0 : length > l->steps ? l->steps : length;
}

// Which step of the input a row reads in its [t]th step; -1: it has ended.
static int64_t step_at(const Layer *l, int64_t row, int64_t t) {
    int64_t length = length_of(l, row);
    if (t >= length) return -1;
    return l->backward ? length - 1 - t : t;
}

static void run_step(const Layer *l, int64_t t, float *gathered_x) {
    const Math *with = math();
    size_t width = (size_t)(l->gates * l->hidden), in = (size_t)l->in, rows = (size_t)l->rows;
    const float *x = l->x + (l->backward ? l->steps - 1 - t : t) * l->x_step;
    size_t x_row = (size_t)l->x_row;
    if (l->lengths) {
        for (int64_t row = 0; row < l->rows; row++) {
            int64_t at = step_at(l, row, t);
            float *to = gathered_x + (size_t)row * in;
            if (at < 0) memset(to, 0, in * sizeof(float));
            else memcpy(to, l->x + at * l->x_step + row * l->x_row, in * sizeof(float));
        }
        x = gathered_x;
        x_row = in;
    }
    size_t state_width = l->params->kind == RNN_GRU ? 2 * (size_t)l->hidden : width;
    with->gemm(x, x_row, l->weights->input, l->weights->bias, l->gate, width, rows, in, width,
               false);
    with->gemm(l->state, (size_t)l->hidden, l->weights->hidden, NULL, l->gate, width, rows,
               (size_t)l->hidden, state_width, true);
    if (l->params->kind == RNN_GRU) gates_gru(l);
    for (int64_t row = 0; row < l->rows; row++) {
        int64_t at = step_at(l, row, t);
        if (at < 0) continue;  // its state stays
        switch (l->params->kind) {
            case RNN_LSTM: step_lstm(l, row); break;
            case RNN_GRU: step_gru(l, row); break;
            case RNN_PLAIN: step_plain(l, row); break;
        }
        if (l->y) {
            memcpy(l->y + at * l->y_step + row * l->y_row, l->state + row * l->hidden,
                   (size_t)l->hidden * sizeof(float));
        }
    }
}

// --- The layer ---

static const Tensor *given(const Call *call, uint32_t i) {
    return i < call->in_count ? call->in[i] : NULL;
}

// State [input] into [to] for one direction, zeros when it is not given.
static Status first_state(const Layer *l, const Tensor *t, float *to, Error *err) {
    size_t size = (size_t)(l->rows * l->hidden);
    int64_t directions = l->params->directions;
    if (!t) {
        memset(to, 0, size * sizeof(float));
        return ST_OK;
    }
    if (t->type != TENSOR_F32 || t->count != directions * l->rows * l->hidden) {
        return error_set(err, ST_RUNTIME, "the first state has not the shape of the layer's");
    }
    bool batch_first = l->params->batch_first;
    int64_t step = batch_first ? directions * l->hidden : l->hidden;
    const float *from = tensor_f32(t) + l->direction * (batch_first ? l->hidden
                                                                    : l->rows * l->hidden);
    for (int64_t row = 0; row < l->rows; row++) {
        memcpy(to + row * l->hidden, from + row * step, (size_t)l->hidden * sizeof(float));
    }
    return ST_OK;
}

static void last_state(const Layer *l, const float *from, const Tensor *out) {
    bool batch_first = l->params->batch_first;
    int64_t step = batch_first ? (int64_t)l->params->directions * l->hidden : l->hidden;
    float *to = tensor_f32(out) + l->direction * (batch_first ? l->hidden : l->rows * l->hidden);
    for (int64_t row = 0; row < l->rows; row++) {
        memcpy(to + row * step, from + row * l->hidden, (size_t)l->hidden * sizeof(float));
    }
}

static Status outputs(const Call *call, const RnnParams *params, int64_t steps, int64_t rows,
                      Error *err) {
    int64_t d = params->directions, h = params->hidden;
    int64_t all[4] = {steps, d, rows, h}, all_batch[4] = {rows, steps, d, h};
    int64_t last[3] = {d, rows, h}, last_batch[3] = {rows, d, h};
    TRY(call_new(call, 0, TENSOR_F32, 4, params->batch_first ? all_batch : all, err));
    memset(call->out[0].data, 0, (size_t)call->out[0].count * sizeof(float));
    for (uint32_t i = 1; i < call->out_count; i++) {
        TRY(call_new(call, i, TENSOR_F32, 3, params->batch_first ? last_batch : last, err));
    }
    return ST_OK;
}

static Status run_direction(const Call *call, Layer *l, const RnnWeights *weights, Error *err) {
    const RnnParams *params = l->params;
    size_t rows = (size_t)l->rows, h = (size_t)l->hidden, in = (size_t)l->in;
    void *scratch;
    size_t need = rows * h * 4 + rows * (size_t)l->gates * h + rows * in + 1;
    TRY(call_scratch(call, need * sizeof(float), &scratch, err));
    l->weights = weights;
    l->state = scratch;
    l->cell = l->state + rows * h;
    l->next = l->cell + rows * h;
    l->gathered = l->next + rows * h;
    l->gate = l->gathered + rows * h;
    float *gathered_x = l->gate + rows * (size_t)l->gates * h;
    TRY(first_state(l, given(call, 5), l->state, err));
    TRY(first_state(l, params->kind == RNN_LSTM ? given(call, 6) : NULL, l->cell, err));
    for (int64_t t = 0; t < l->steps; t++) run_step(l, t, gathered_x);
    if (call->out_count > 1) last_state(l, l->state, &call->out[1]);
    if (call->out_count > 2) last_state(l, l->cell, &call->out[2]);
    return ST_OK;
}

Status kernel_rnn(const Call *call, Error *err) {
    RnnParams params = *(const RnnParams *)call->params;
    const Tensor *x = call->in[0], *w = call->in[1], *r = call->in[2], *b = given(call, 3);
    TRY(call_want(call, 0, TENSOR_F32, err));
    if (!params.hidden && r->rank == 3) params.hidden = r->dim[2];
    if (!params.known) TRY(check_weights(&params, w, r, b, err));
    if (x->rank != 3 || x->dim[2] != w->dim[2]) return call_misfit(x, w, err);
    int64_t steps = x->dim[params.batch_first ? 1 : 0], rows = x->dim[params.batch_first ? 0 : 1];
    const Tensor *lengths = given(call, 4), *peephole = given(call, 7);
    if (lengths && (!tensor_is_int(lengths->type) || lengths->count != rows)) {
        return call_misfit(x, lengths, err);
    }
    if (peephole && (params.kind != RNN_LSTM || peephole->type != TENSOR_F32 ||
                     peephole->count != params.directions * 3 * params.hidden)) {
        return call_misfit(w, peephole, err);
    }
    TRY(outputs(call, &params, steps, rows, err));
    Layer layer = {.params = &params, .lengths = lengths, .steps = steps, .rows = rows,
                   .in = x->dim[2], .hidden = params.hidden, .gates = gates_of(params.kind),
                   .x = tensor_f32(x)};
    int64_t d = params.directions, h = params.hidden;
    layer.x_step = params.batch_first ? layer.in : rows * layer.in;
    layer.x_row = params.batch_first ? steps * layer.in : layer.in;
    layer.y_step = params.batch_first ? d * h : d * rows * h;
    layer.y_row = params.batch_first ? steps * d * h : h;
    TRY(call_work(call, (double)(steps * d) * (double)rows * (double)(layer.in + h) *
                            (double)(layer.gates * h), err));
    for (uint32_t i = 0; i < params.directions; i++) {
        layer.direction = i;
        layer.backward = i == 1 || params.first_backward;
        layer.y = tensor_f32(&call->out[0]) + (params.batch_first ? i * h : i * rows * h);
        layer.peephole = peephole ? tensor_f32(peephole) + i * 3 * h : NULL;
        RnnWeights made = {0};
        if (!params.known) {
            void *to;
            size_t size = weights_size(&params, (size_t)layer.in);
            TRY(call_scratch(call, size * sizeof(float), &to, err));
            weights_fill(&params, w, r, b, i, to, &made);
        }
        TRY(run_direction(call, &layer, params.known ? &params.weights[i] : &made, err));
        call_scratch_end(call);
    }
    return ST_OK;
}
