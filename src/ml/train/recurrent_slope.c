// ml/train/recurrent_slope.c - slopes of recurrent layers, by back-propagation through the steps of
// a window, truncated there (Williams, Peng, 1990), for a block of windows at once: what lies
// between the steps is element by element, all else are products of matrices (ml/graph/math.h).
#include "ml/graph/math.h"
#include "ml/train/net.h"

// Room for one layer's way back. The widest layer sizes it.
typedef struct Slopes {
    float *head_back;    // packed, horizon x units
    float *back;         // packed, gates * units x units: from gates to what was remembered
    float *below_back;   // packed, gates * units x in
    float *unpacked;
    float *off;          // [windows][horizon]
    float *above, *below;  // of a layer's outputs and inputs, [steps][windows][..]
    float *d;            // before the gates' functions, [steps][windows][gates * units]
    float *part;         // GRU: of the recurrent part; of an LSTM the same array
    float *dh, *dc;      // [windows][units]
    float *turned;       // [units or in, + 1][steps * windows]
    float *packed;       // [steps * windows] x gates * units
    float *sum;          // [units or in, + 1][gates * units]
} Slopes;

static size_t widest(const Recurrent *net) {
    size_t units = net->step_features;
    for (uint32_t l = 0; l < net->cells; l++) {
        if (net->cell[l].units > units) units = net->cell[l].units;
    }
    return units;
}

RecurrentTask *recurrent_task(Arena *arena, Recurrent *net, const float *x, const float *y) {
    RecurrentTask *task = ARENA_NEW(arena, RecurrentTask);
    uint32_t windows = recurrent_windows(net);
    *task = (RecurrentTask){.net = net, .x = x, .y = y, .windows = windows};
    task->weights = recurrent_weights(arena, net);
    task->block = recurrent_block(arena, net, windows, true);
    Slopes *s = task->slopes = ARENA_NEW(arena, Slopes);
    size_t wide = widest(net), gates = cell_gates(net->kind) * wide, horizon = net->horizon;
    size_t rows = (size_t)net->steps * windows;
    size_t across = gates > horizon ? gates : horizon, last = rows > windows ? rows : windows;
    s->head_back = ARENA_ARRAY(arena, float, math_packed(horizon, wide));
    s->back = ARENA_ARRAY(arena, float, math_packed(gates, wide));
    s->below_back = ARENA_ARRAY(arena, float, math_packed(gates, wide));
    s->unpacked = ARENA_ARRAY(arena, float, across * wide);
    s->off = ARENA_ARRAY(arena, float, windows * horizon);
    s->above = ARENA_ARRAY(arena, float, rows * wide);
    s->below = ARENA_ARRAY(arena, float, rows * wide);
    s->part = s->d = ARENA_ARRAY(arena, float, rows * gates);
    if (net->kind == CELL_GRU) s->part = ARENA_ARRAY(arena, float, rows * gates);
    s->dh = ARENA_ARRAY(arena, float, windows * wide);
    s->dc = ARENA_ARRAY(arena, float, windows * wide);
    s->turned = ARENA_ARRAY(arena, float, (wide + 1) * last);
    s->packed = ARENA_ARRAY(arena, float, math_packed(last, across));
    s->sum = ARENA_ARRAY(arena, float, (wide + 1) * across);
    return task;
}

// ---- forward

static void take_sample(const RecurrentTask *task, uint32_t sample, uint32_t w, uint32_t windows) {
    const Recurrent *net = task->net;
    size_t features = net->step_features;
    const float *from = task->x + (size_t)sample * net->steps * features;
    float *to = task->block->in + w * features;
    for (uint32_t t = 0; t < net->steps; t++) {
        for (size_t j = 0; j < features; j++) to[j] = from[j];
        from += features;
        to += windows * features;
    }
}

const float *recurrent_forecasts(const RecurrentTask *task, uint32_t from, uint32_t to) {
    for (uint32_t s = from; s < to; s++) take_sample(task, s, s - from, to - from);
    recurrent_forward(task->block, task->weights, to - from);
    return task->block->out;
}

double recurrent_loss(void *arg, uint32_t from, uint32_t to) {
    const RecurrentTask *task = arg;
    double sum = 0;
    recurrent_pack(task->net, task->weights);
    for (uint32_t at = from; at < to; at += task->windows) {
        uint32_t end = to - at < task->windows ? to : at + task->windows;
        const float *said = recurrent_forecasts(task, at, end);
        const float *truth = task->y + (size_t)at * task->net->horizon;
        for (size_t i = 0; i < (size_t)(end - at) * task->net->horizon; i++) {
            double off = (double)said[i] - (double)truth[i];
            sum += off * off / 2;
        }
    }
    return sum;
}

// ---- back

// [from] is [k][columns], as the network keeps its weights.
static void pack(const double *from, size_t k, size_t columns, float *unpacked, float *out) {
    for (size_t i = 0; i < k * columns; i++) unpacked[i] = (float)from[i];
    math_pack(unpacked, columns, 1, k, columns, out);
}

// The slopes before the gates' functions, from those of h and c after a step; those of c become
// those before it.
static void lstm_back(const CellTrace *trace, size_t t, size_t windows, size_t units, Slopes *s) {
    size_t at = t * windows * units;
    for (size_t w = 0; w < windows; w++, at += units) {
        const float *restrict gate = trace->gate + 4 * at;
        const float *restrict before = trace->c + at, *restrict th = trace->tanh_c + at;
        const float *restrict dh = s->dh + w * units;
        float *restrict dc = s->dc + w * units, *restrict d = s->d + 4 * at;
        for (size_t u = 0; u < units; u++) {
            float i = gate[u], f = gate[units + u], g = gate[2 * units + u];
            float o = gate[3 * units + u];
            float all = dc[u] + dh[u] * o * (1 - th[u] * th[u]);
            d[u] = all * g * i * (1 - i);
            d[units + u] = all * before[u] * f * (1 - f);
            d[2 * units + u] = all * i * (1 - g * g);
            d[3 * units + u] = dh[u] * th[u] * o * (1 - o);
            dc[u] = all * f;
        }
    }
}

// The same; those of h become what goes round the gates.
static void gru_back(const CellTrace *trace, size_t t, size_t windows, size_t units, Slopes *s) {
    size_t at = t * windows * units;
    for (size_t w = 0; w < windows; w++, at += units) {
        const float *restrict gate = trace->gate + 3 * at, *restrict back = trace->back + 3 * at;
        const float *restrict before = trace->h + at;
        float *restrict dh = s->dh + w * units;
        float *restrict d = s->d + 3 * at, *restrict part = s->part + 3 * at;
        for (size_t u = 0; u < units; u++) {
            float r = gate[u], z = gate[units + u], n = gate[2 * units + u];
            float dn = dh[u] * (1 - z) * (1 - n * n);
            d[u] = part[u] = dn * back[2 * units + u] * r * (1 - r);
            d[units + u] = part[units + u] = dh[u] * (before[u] - n) * z * (1 - z);
            d[2 * units + u] = dn;
            part[2 * units + u] = dn * r;  // what n remembered went through the reset gate
            dh[u] *= z;
        }
    }
}

// Adds to slopes: for each column of [d] ([rows][columns]) its products with the columns of [from]
// ([rows][width]), to weight[column][width], and its sum, to bias[column], where it is not NULL.
static void add_products(Slopes *s, const float *d, size_t rows, size_t columns, const float *from,
                         size_t width, double *weight, double *bias) {
    for (size_t j = 0; j < width; j++) {
        float *to = s->turned + j * rows;
        for (size_t i = 0; i < rows; i++) to[i] = from[i * width + j];
    }
    size_t across = width + (bias ? 1 : 0);
    for (size_t i = 0; bias && i < rows; i++) s->turned[width * rows + i] = 1;
    math_pack(d, columns, 1, rows, columns, s->packed);
    math()->gemm(s->turned, rows, s->packed, NULL, s->sum, columns, across, rows, columns, false);
    for (size_t c = 0; c < columns; c++) {
        for (size_t j = 0; j < width; j++) {
            weight[c * width + j] += (double)s->sum[j * columns + c];
        }
        if (bias) bias[c] += (double)s->sum[width * columns + c];
    }
}

// One layer's slopes, from the last step to the first; s->above, of its outputs, gives s->below, of
// its inputs, where another layer is below.
static void layer_back(const RecurrentTask *task, uint32_t l, uint32_t windows, double *slope) {
    const Recurrent *net = task->net;
    const Cell *cell = &net->cell[l];
    const CellTrace *trace = &task->block->cell[l];
    const double *base = net->cell[0].weight;
    Slopes *s = task->slopes;
    const Math *m = math();
    size_t units = cell->units, gates = cell_gates(net->kind) * units, rows = windows * units;
    bool gru = net->kind == CELL_GRU;
    pack(cell->recurrent, gates, units, s->unpacked, s->back);
    memset(s->dh, 0, rows * sizeof *s->dh);
    memset(s->dc, 0, rows * sizeof *s->dc);
    for (size_t t = net->steps; t-- > 0;) {
        m->binary[MATH_ADD](s->dh, s->above + t * rows, s->dh, rows, 0);
        if (gru) gru_back(trace, t, windows, units, s);
        else lstm_back(trace, t, windows, units, s);
        if (t) {
            m->gemm(s->part + t * windows * gates, gates, s->back, NULL, s->dh, units, windows,
                    gates, units, gru);
        }
    }
    size_t all = (size_t)net->steps * windows;
    add_products(s, s->d, all, gates, trace->in, cell->in, slope + (cell->weight - base),
                 slope + (cell->bias - base));
    add_products(s, s->part, all, gates, trace->h, units, slope + (cell->recurrent - base), NULL);
    for (size_t i = 0; gru && i < all; i++) {
        double *to = slope + (cell->bias_n - base);
        for (size_t u = 0; u < units; u++) to[u] += (double)s->part[i * gates + 2 * units + u];
    }
    if (l) {
        pack(cell->weight, gates, cell->in, s->unpacked, s->below_back);
        m->gemm(s->d, gates, s->below_back, NULL, s->below, cell->in, all, gates, cell->in, false);
    }
}

// The linear layer: its slopes, and those of the last step's outputs.
static void head_back(const RecurrentTask *task, uint32_t windows, double *slope) {
    const Recurrent *net = task->net;
    const double *base = net->cell[0].weight;
    Slopes *s = task->slopes;
    size_t units = net->cell[net->cells - 1].units, before = net->steps - 1;
    const float *h = task->block->cell[net->cells - 1].h + (size_t)net->steps * windows * units;
    add_products(s, s->off, windows, net->horizon, h, units, slope + (net->weight - base),
                 slope + (net->bias - base));
    memset(s->above, 0, before * windows * units * sizeof *s->above);
    pack(net->weight, net->horizon, units, s->unpacked, s->head_back);
    math()->gemm(s->off, net->horizon, s->head_back, NULL, s->above + before * windows * units,
                 units, windows, net->horizon, units, false);
}

static double block_slope(const RecurrentTask *task, const uint32_t *sample, uint32_t windows,
                          double *slope) {
    const Recurrent *net = task->net;
    Slopes *s = task->slopes;
    size_t horizon = net->horizon;
    double loss = 0;
    for (uint32_t w = 0; w < windows; w++) take_sample(task, sample[w], w, windows);
    recurrent_forward(task->block, task->weights, windows);
    for (uint32_t w = 0; w < windows; w++) {
        const float *said = task->block->out + w * horizon;
        const float *truth = task->y + sample[w] * horizon;
        for (size_t o = 0; o < horizon; o++) {
            double off = (double)said[o] - (double)truth[o];
            s->off[w * horizon + o] = (float)off;
            loss += off * off / 2;
        }
    }
    head_back(task, windows, slope);
    for (uint32_t l = net->cells; l-- > 0;) {
        layer_back(task, l, windows, slope);
        float *above = s->above;
        s->above = s->below;
        s->below = above;
    }
    return loss;
}

double recurrent_slope(void *arg, const uint32_t *sample, uint32_t count, double *slope) {
    const RecurrentTask *task = arg;
    double loss = 0;
    recurrent_pack(task->net, task->weights);
    for (uint32_t at = 0; at < count; at += task->windows) {
        uint32_t windows = count - at < task->windows ? count - at : task->windows;
        loss += block_slope(task, sample + at, windows, slope);
    }
    return loss;
}
