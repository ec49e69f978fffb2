// ml/train/recurrent.c - forecasters: LSTM and GRU over windows of rows, trained by
// back-propagation through the steps of a window (truncated there: Williams, Peng, 1990).
//
// Windows come in two ways. 'window' = 0: a row is one window, its columns the steps in order of
// time, 'step-features' of them a step (LAG(x, 3), LAG(x, 2), LAG(x, 1)). 'window' = n: rows are
// points in time; the label and all columns of n rows are a window, and the label of the rows that
// follow is what is learned. A model of the second kind takes each column as an array of n values.
#include <math.h>
#include <stdlib.h>

#include "ml/train/net.h"
#include "ml/vector.h"

enum { HORIZON_MAX = 1000 };

// clang-format off
#define RECURRENT_OPTIONS \
    {"window", ML_OPTION_INT, "0", 0, 10000, \
     .doc = "Rows that are one window; 0: each row holds a window, its columns in order of time."}, \
    {"step-features", ML_OPTION_INT, "1", 1, 10000, \
     .doc = "With `window` 0: columns that are one step."}, \
    {"horizon", ML_OPTION_INT, "1", 1, HORIZON_MAX, \
     .doc = "With a `window`: rows ahead that are forecast, all of them at once."}, \
    {"series", ML_OPTION_TEXT, "", \
     .doc = "With a `window`: a column that tells series apart; no window holds rows of two."}, \
    {"units", ML_OPTION_INT, "32", 1, 1024, .doc = "Of a layer."}, \
    {"layers", ML_OPTION_INT, "1", 1, 8, .doc = "Recurrent layers, one upon the other."}, \
    NET_OPTIONS("100", "32", "0.005", "0")

static const MlOption RECURRENT_ROWS[] = {RECURRENT_OPTIONS, {0}};
// clang-format on

Recurrent *recurrent_make(Arena *arena, CellKind kind, uint32_t steps, uint32_t step_features,
                          uint32_t units, uint32_t cells, uint32_t horizon, double **param,
                          uint32_t *params) {
    Recurrent *net = ARENA_NEW(arena, Recurrent);
    *net = (Recurrent){.kind = kind, .steps = steps, .step_features = step_features,
                       .cells = cells, .horizon = horizon, .target_scale = 1};
    net->cell = ARENA_ARRAY(arena, Cell, cells);
    size_t count = (size_t)horizon * (units + 1), gates = (size_t)cell_gates(kind) * units;
    for (uint32_t l = 0; l < cells; l++) {
        net->cell[l] = (Cell){.in = l ? units : step_features, .units = units};
        count += gates * (net->cell[l].in + units + 1) + (kind == CELL_GRU ? units : 0);
    }
    double *at = *param = ARENA_ARRAY(arena, double, count);
    *params = (uint32_t)count;
    for (uint32_t l = 0; l < cells; l++) {
        Cell *cell = &net->cell[l];
        cell->weight = at;
        cell->recurrent = at += gates * cell->in;
        cell->bias = at += gates * units;
        at += gates;
        if (kind == CELL_GRU) {
            cell->bias_n = at;
            at += units;
        }
    }
    net->weight = at;
    net->bias = at + (size_t)horizon * units;
    return net;
}

// ---- slopes
//
// The state of a window: for each layer its inputs, h and c (with a zero step in front), gates and
// the recurrent part of a GRU's n, all steps; then the slopes of one layer's inputs.

typedef struct Track {
    double *in;     // [steps][in]
    double *h, *c;  // [steps + 1][units]
    double *gate;   // [steps][gates * units]
    double *back;   // [steps][units]
} Track;

static size_t track_size(const Recurrent *net, const Cell *cell) {
    return (size_t)net->steps * (cell->in + cell_gates(net->kind) * cell->units + cell->units) +
           (size_t)2 * (net->steps + 1) * cell->units;
}

static Track track_at(const Recurrent *net, const Cell *cell, double *state) {
    Track track = {.in = state};
    track.h = track.in + (size_t)net->steps * cell->in;
    track.c = track.h + (size_t)(net->steps + 1) * cell->units;
    track.gate = track.c + (size_t)(net->steps + 1) * cell->units;
    track.back = track.gate + (size_t)net->steps * cell_gates(net->kind) * cell->units;
    return track;
}

static uint32_t widest(const Recurrent *net) {
    uint32_t units = net->step_features;
    for (uint32_t l = 0; l < net->cells; l++) {
        if (net->cell[l].units > units) units = net->cell[l].units;
    }
    return units;
}

RecurrentTask recurrent_task(Arena *arena, Recurrent *net, const double *x, const double *y) {
    size_t size = net->horizon + (size_t)2 * net->steps * widest(net) + (size_t)16 * widest(net);
    for (uint32_t l = 0; l < net->cells; l++) size += track_size(net, &net->cell[l]);
    return (RecurrentTask){.net = net, .x = x, .y = y, .state = ARENA_ARRAY(arena, double, size)};
}

// All layers of a window; the forecasts' errors go to [off]. Returns the loss.
static double window_forward(const RecurrentTask *self, uint32_t sample, double *off) {
    const Recurrent *net = self->net;
    double *state = self->state;
    const double *from = self->x + (size_t)sample * net->steps * net->step_features;
    for (uint32_t l = 0; l < net->cells; l++) {
        const Cell *cell = &net->cell[l];
        uint32_t units = cell->units, gates = cell_gates(net->kind) * units;
        Track track = track_at(net, cell, state);
        memcpy(track.in, from, (size_t)net->steps * cell->in * sizeof *from);
        memset(track.h, 0, units * sizeof *track.h);
        memset(track.c, 0, units * sizeof *track.c);
        for (uint32_t t = 0; t < net->steps; t++) {
            CellState at = {.h_before = track.h + (size_t)t * units,
                            .c_before = track.c + (size_t)t * units,
                            .h = track.h + (size_t)(t + 1) * units,
                            .c = track.c + (size_t)(t + 1) * units,
                            .gate = track.gate + (size_t)t * gates,
                            .back = track.back + (size_t)t * units};
            cell_step(net->kind, cell, track.in + (size_t)t * cell->in, &at);
        }
        from = track.h + units;
        state += track_size(net, cell);
    }
    uint32_t units = net->cell[net->cells - 1].units;
    const double *h = from + (size_t)(net->steps - 1) * units;
    double loss = 0;
    for (uint32_t o = 0; o < net->horizon; o++) {
        off[o] = net->bias[o] + vector_dot(net->weight + (size_t)o * units, h, units) -
                 self->y[(size_t)sample * net->horizon + o];
        loss += off[o] * off[o] / 2;
    }
    return loss;
}

// The slopes before the gates' functions, from those of h and c after the step, which become those
// before it (but for what comes back through the recurrent weights).
static void lstm_back(const Cell *cell, const Track *track, uint32_t t, double *dh, double *dc,
                      double *d) {
    uint32_t units = cell->units;
    const double *gate = track->gate + (size_t)t * 4 * units;
    const double *c_before = track->c + (size_t)t * units, *c = c_before + units;
    for (uint32_t u = 0; u < units; u++) {
        double i = gate[u], f = gate[units + u], g = gate[2 * units + u], o = gate[3 * units + u];
        double th = tanh(c[u]);
        double all = dc[u] + dh[u] * o * (1 - th * th);
        d[u] = all * g * i * (1 - i);
        d[units + u] = all * c_before[u] * f * (1 - f);
        d[2 * units + u] = all * i * (1 - g * g);
        d[3 * units + u] = dh[u] * th * o * (1 - o);
        dc[u] = all * f;
        dh[u] = 0;
    }
}

static void gru_back(const Cell *cell, const Track *track, uint32_t t, double *dh, double *d) {
    uint32_t units = cell->units;
    const double *gate = track->gate + (size_t)t * 3 * units;
    const double *before = track->h + (size_t)t * units, *back = track->back + (size_t)t * units;
    for (uint32_t u = 0; u < units; u++) {
        double r = gate[u], z = gate[units + u], n = gate[2 * units + u];
        double dn = dh[u] * (1 - z) * (1 - n * n);
        d[2 * units + u] = dn;
        d[u] = dn * back[u] * r * (1 - r);
        d[units + u] = dh[u] * (before[u] - n) * z * (1 - z);
        dh[u] *= z;
    }
}

// One layer's slopes, from the last step to the first. [above]: of its outputs, [steps][units];
// becomes those of its inputs, [steps][in].
static void layer_back(const Recurrent *net, const Cell *cell, const Track *track,
                       const double *base, double *slope, double *above, double *below,
                       double *scratch) {
    uint32_t units = cell->units, gates = cell_gates(net->kind) * units;
    double *dh = scratch, *dc = dh + units, *d = dc + units;
    double *weight = slope + (cell->weight - base), *recurrent = slope + (cell->recurrent - base);
    double *bias = slope + (cell->bias - base);
    bool gru = net->kind == CELL_GRU;
    memset(scratch, 0, (gates + 3 * units) * sizeof *scratch);
    for (uint32_t t = net->steps; t-- > 0;) {
        const double *in = track->in + (size_t)t * cell->in;
        const double *before = track->h + (size_t)t * units;
        double *to = below + (size_t)t * cell->in;
        vector_add(dh, 1, above + (size_t)t * units, units);
        if (gru) gru_back(cell, track, t, dh, d);
        else lstm_back(cell, track, t, dh, dc, d);
        memset(to, 0, cell->in * sizeof *to);
        for (uint32_t g = 0; g < gates; g++) {
            double whole = d[g];
            bool n = gru && g >= 2 * units;
            // What a GRU's n remembers went through the reset gate.
            double part = n ? whole * track->gate[(size_t)t * gates + g - 2 * units] : whole;
            bias[g] += whole;
            if (n) slope[cell->bias_n - base + (g - 2 * units)] += part;
            vector_add(weight + (size_t)g * cell->in, whole, in, cell->in);
            vector_add(to, whole, cell->weight + (size_t)g * cell->in, cell->in);
            vector_add(recurrent + (size_t)g * units, part, before, units);
            vector_add(dh, part, cell->recurrent + (size_t)g * units, units);
        }
    }
}

double recurrent_slope(void *arg, const uint32_t *sample, uint32_t count, double *slope) {
    const RecurrentTask *self = arg;
    const Recurrent *net = self->net;
    const double *base = net->cell[0].weight;
    size_t tracks = 0, wide = widest(net);
    for (uint32_t l = 0; l < net->cells; l++) tracks += track_size(net, &net->cell[l]);
    double *off = self->state + tracks, *above = off + net->horizon;
    double *below = above + (size_t)net->steps * wide, *scratch = below + (size_t)net->steps * wide;
    double loss = 0;
    for (uint32_t s = 0; s < count; s++) {
        loss += window_forward(self, sample[s], off);
        double *state = self->state + tracks;
        uint32_t units = net->cell[net->cells - 1].units;
        memset(above, 0, (size_t)net->steps * wide * sizeof *above);
        double *last = above + (size_t)(net->steps - 1) * units;
        for (uint32_t l = net->cells; l-- > 0;) {
            const Cell *cell = &net->cell[l];
            state -= track_size(net, cell);
            Track track = track_at(net, cell, state);
            for (uint32_t o = 0; l + 1 == net->cells && o < net->horizon; o++) {
                const double *h = track.h + (size_t)net->steps * units;
                vector_add(slope + (net->weight - base) + (size_t)o * units, off[o], h, units);
                slope[net->bias - base + o] += off[o];
                vector_add(last, off[o], net->weight + (size_t)o * units, units);
            }
            layer_back(net, cell, &track, base, slope, above, below, scratch);
            double *kept = above;
            above = below;
            below = kept;
        }
    }
    return loss;
}

double recurrent_loss(void *arg, uint32_t from, uint32_t to) {
    const RecurrentTask *self = arg;
    size_t tracks = 0;
    for (uint32_t l = 0; l < self->net->cells; l++) {
        tracks += track_size(self->net, &self->net->cell[l]);
    }
    double sum = 0;
    for (uint32_t s = from; s < to; s++) sum += window_forward(self, s, self->state + tracks);
    return sum;
}

// ---- windows

// Where the windows of a training lie: [window] rows from row[begin] on, the targets behind them.
typedef struct Windows {
    uint32_t *row;          // rows of the trainer, series by series
    uint32_t *begin;  // of a window, an index of [row]; those to be judged on are the last ones
    uint32_t count, judged;
    uint32_t steps, horizon, step_features;
    uint32_t *feature;      // of a step; the last one is the label itself with a 'window'
} Windows;

static int64_t series_feature(const MlTrainer *trainer, Error *err) {
    const WeirModel *model = trainer->model;
    Str name = option_text(trainer, "series");
    for (uint32_t f = 0; f < model->features; f++) {
        if (str_eq_nocase(model->feature[f].name, name)) return f;
    }
    error_set(err, ST_VALIDATION, "option 'series': there is no column '" STR_FMT "'",
              STR_ARG(name));
    return -1;
}

typedef struct Placed {
    double series;
    uint32_t row;
} Placed;

static int by_series(const void *a, const void *b) {
    const Placed *x = a, *y = b;
    if (x->series != y->series) return x->series < y->series ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

// Rows series by series, each in its order; end[i] is where the series of place i ends.
static void place_rows(MlTrainer *trainer, int64_t series, uint32_t *row, uint32_t *end) {
    Placed *placed = ARENA_ARRAY(&trainer->arena, Placed, trainer->rows);
    for (uint32_t i = 0; i < trainer->rows; i++) {
        double key = series >= 0 ? trainer->x[series][i] : 0;
        placed[i] = (Placed){isnan(key) ? INFINITY : key, i};
    }
    qsort(placed, trainer->rows, sizeof *placed, by_series);
    for (uint32_t i = trainer->rows; i-- > 0;) {
        row[i] = placed[i].row;
        bool last = i + 1 == trainer->rows || placed[i + 1].series != placed[i].series;
        end[i] = last ? i + 1 : end[i + 1];
    }
}

// Of each series the last windows are those to be judged on.
static void cut_windows(MlTrainer *trainer, int64_t series, Windows *out) {
    uint32_t rows = trainer->rows, need = out->steps + out->horizon;
    uint32_t *end = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    uint32_t *late = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    out->row = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    out->begin = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    place_rows(trainer, series, out->row, end);
    double split = option_number(trainer, "validation-split");
    for (uint32_t from = 0; from < rows; from = end[from]) {
        uint32_t length = end[from] - from, windows = length < need ? 0 : length - need + 1;
        uint32_t learned = windows - (uint32_t)(windows * split);
        for (uint32_t i = 0; i < windows; i++) {
            if (i < learned) out->begin[out->count++] = from + i;
            else late[out->judged++] = from + i;
        }
    }
    memcpy(out->begin + out->count, late, out->judged * sizeof *late);
}

static Status check_numbers(const MlTrainer *trainer, int64_t series, Error *err) {
    const WeirModel *model = trainer->model;
    for (uint32_t f = 0; f < model->features; f++) {
        if (model->feature[f].type != ML_TEXT || f == series) continue;
        error_set(err, ST_VALIDATION, "column '" STR_FMT "': a forecast takes numbers, not texts",
                  STR_ARG(model->feature[f].name));
        error_hint(err, "name it in 'series' if it tells series apart, else leave it out");
        return ST_VALIDATION;
    }
    return ST_OK;
}

static Status plan_windows(MlTrainer *trainer, Windows *out, Error *err) {
    const WeirModel *model = trainer->model;
    uint32_t window = option_count(trainer, "window");
    int64_t series = -1;
    *out = (Windows){.steps = window, .horizon = option_count(trainer, "horizon")};
    if (option_text(trainer, "series").len) {
        series = series_feature(trainer, err);
        if (series < 0) return ST_VALIDATION;
    }
    TRY(check_numbers(trainer, window ? series : -1, err));
    if (!window) {
        out->step_features = option_count(trainer, "step-features");
        out->steps = model->features / out->step_features;
        out->horizon = 1;
        out->count = trainer->train_rows;
        out->judged = trainer->rows - trainer->train_rows;
        if (model->features % out->step_features == 0) return ST_OK;
        return error_set(err, ST_VALIDATION,
                         "%u columns are no whole number of steps with %u features each",
                         model->features, out->step_features);
    }
    out->feature = ARENA_ARRAY(&trainer->arena, uint32_t, model->features);
    for (uint32_t f = 0; f < model->features; f++) {
        if (f != series) out->feature[out->step_features++] = f;
    }
    out->step_features++;
    cut_windows(trainer, series, out);
    if (out->count >= 2) return ST_OK;
    return error_set(err, ST_VALIDATION, "%u rows hold %u windows of %u steps and %u ahead",
                     trainer->rows, out->count, out->steps, out->horizon);
}

// The value [j] of the step at a row; of the label without a name beside it.
static double step_value(const MlTrainer *trainer, const Windows *windows, uint32_t row,
                         uint32_t j) {
    if (j + 1 == windows->step_features) return trainer->y[row];
    return trainer->x[windows->feature[j]][row];
}

// Means and deviations of steps and targets, of the windows to be learned from.
static void measure(MlTrainer *trainer, const Windows *windows, Recurrent *net) {
    WeirModel *model = trainer->model;
    double sum = 0, squares = 0;
    uint32_t rows = trainer->train_rows;
    net->mean = ARENA_ARRAY(&model->arena, double, net->step_features);
    net->scale = ARENA_ARRAY(&model->arena, double, net->step_features);
    for (uint32_t i = 0; i < rows; i++) sum += trainer->y[i];
    net->target_mean = sum / rows;
    for (uint32_t i = 0; i < rows; i++) {
        squares += (trainer->y[i] - net->target_mean) * (trainer->y[i] - net->target_mean);
    }
    net->target_scale = squares > 0 ? sqrt(squares / rows) : 1;
    for (uint32_t j = 0; j < net->step_features; j++) {
        if (net->windows) {
            bool label = j + 1 == net->step_features;
            const Feature *feature = label ? NULL : &model->feature[windows->feature[j]];
            net->mean[j] = label ? net->target_mean : feature->mean;
            net->scale[j] = label ? net->target_scale : feature->scale;
            continue;
        }
        double mean = 0, spread = 0;  // over all steps of that column's kind
        for (uint32_t t = 0; t < net->steps; t++) {
            mean += model->feature[t * net->step_features + j].mean / net->steps;
        }
        for (uint32_t t = 0; t < net->steps; t++) {
            const Feature *at = &model->feature[t * net->step_features + j];
            double off = at->mean - mean;
            spread += (at->scale * at->scale + off * off) / net->steps;
        }
        net->mean[j] = mean;
        net->scale[j] = spread > 0 ? sqrt(spread) : 1;
    }
}

static Status fill_samples(MlTrainer *trainer, const Windows *windows, const Recurrent *net,
                           double **x, double **y, Error *err) {
    uint32_t count = windows->count + windows->judged;
    uint64_t cells = (uint64_t)count * net->steps * net->step_features;
    TRY(trainer_charge(trainer, (cells + (uint64_t)count * net->horizon) * 8, err));
    double *to = *x = ARENA_ARRAY(&trainer->arena, double, cells);
    double *target = *y = ARENA_ARRAY(&trainer->arena, double, (size_t)count * net->horizon);
    double *row = ARENA_ARRAY(&trainer->arena, double, trainer->model->features);
    for (uint32_t s = 0; s < count; s++) {
        if (!net->windows) trainer_row(trainer, s, row);
        for (uint32_t t = 0; t < net->steps; t++, to += net->step_features) {
            if (!net->windows) {
                recurrent_input(net, row, t, to);
                continue;
            }
            uint32_t at = windows->row[windows->begin[s] + t];
            for (uint32_t j = 0; j < net->step_features; j++) {
                double value = step_value(trainer, windows, at, j);
                to[j] = isnan(value) ? 0 : (value - net->mean[j]) / net->scale[j];
            }
        }
        for (uint32_t o = 0; o < net->horizon; o++) {
            uint32_t at = net->windows ? windows->row[windows->begin[s] + net->steps + o] : s;
            *target++ = (trainer->y[at] - net->target_mean) / net->target_scale;
        }
    }
    return ST_OK;
}

// A model over windows takes each column as an array of steps, and the label with them.
static void take_windows(MlTrainer *trainer, const Windows *windows) {
    WeirModel *model = trainer->model;
    MlField *in = ARENA_ARRAY(&model->arena, MlField, windows->step_features);
    Feature *feature = ARENA_ARRAY(&model->arena, Feature,
                                   (size_t)windows->step_features * windows->steps);
    Str shape = str_printf(&model->arena, "%u", windows->steps);
    for (uint32_t j = 0; j < windows->step_features; j++) {
        bool label = j + 1 == windows->step_features;
        Str name = label ? model->label : model->feature[windows->feature[j]].name;
        in[j] = (MlField){.name = name, .type = ML_DOUBLE, .width = windows->steps, .shape = shape};
        for (uint32_t t = 0; t < windows->steps; t++) {
            feature[j * windows->steps + t] = (Feature){
                .name = str_printf(&model->arena, STR_FMT "[%u]", STR_ARG(name), t),
                .type = ML_DOUBLE, .column = j, .index = t, .scale = 1};
        }
    }
    model->in = in;
    model->in_count = windows->step_features;
    model->feature = feature;
    model->features = windows->step_features * windows->steps;
}

static void set_weights(const MlTrainer *trainer, Recurrent *net) {
    Rng rng = rng_make(trainer->seed, 6);
    for (uint32_t l = 0; l < net->cells; l++) {
        Cell *cell = &net->cell[l];
        uint32_t gates = cell_gates(net->kind);
        for (uint32_t g = 0; g < gates; g++) {
            net_glorot(&rng, cell->weight + (size_t)g * cell->units * cell->in, cell->in,
                       cell->units, 1);
            net_glorot(&rng, cell->recurrent + (size_t)g * cell->units * cell->units, cell->units,
                       cell->units, 1);
        }
        // Cells remember before they have learned to forget (Jozefowicz and others, 2015).
        for (uint32_t u = 0; net->kind == CELL_LSTM && u < cell->units; u++) {
            cell->bias[cell->units + u] = 1;
        }
    }
    net_glorot(&rng, net->weight, net->cell[net->cells - 1].units, net->horizon, 1);
}

// Metrics of the first step ahead, window by window.
static Status judge_windows(MlTrainer *trainer, const RecurrentTask *task, const Windows *windows,
                            Error *err) {
    const Recurrent *net = task->net;
    double off[HORIZON_MAX], value[2];
    MlField field = {.name = STR("prediction"), .type = ML_DOUBLE, .width = 1};
    MlColumn truth = {.number = &value[0]}, said = {.number = &value[1]};
    for (uint32_t s = 0; s < windows->count + windows->judged; s++) {
        MlEval **eval = &trainer->eval[s >= windows->count];
        if (!*eval) *eval = ml_eval_new(&(MlEvalSpec){.task = ML_FORECASTING});
        (void)window_forward(task, s, off);
        value[0] = task->y[(size_t)s * net->horizon] * net->target_scale + net->target_mean;
        value[1] = value[0] + off[0] * net->target_scale;
        MlEvalBatch row = {.label = &field, .label_column = &truth, .out = &field,
                           .out_column = &said, .out_count = 1, .rows = 1};
        TRY(ml_eval_add(*eval, &row, err));
    }
    return ST_OK;
}

static Status train_recurrent(MlTrainer *trainer, CellKind kind, Error *err) {
    WeirModel *model = trainer->model;
    Windows windows;
    TRY(plan_windows(trainer, &windows, err));
    NetTask task = {.samples = windows.count, .judged = windows.judged, .slope = recurrent_slope,
                    .loss = recurrent_loss};
    Recurrent *net = recurrent_make(&model->arena, kind, windows.steps, windows.step_features,
                                    option_count(trainer, "units"), option_count(trainer, "layers"),
                                    windows.horizon, &task.param, &task.params);
    net->windows = option_count(trainer, "window") > 0;
    measure(trainer, &windows, net);
    double *x, *y;
    TRY(fill_samples(trainer, &windows, net, &x, &y, err));
    set_weights(trainer, net);
    RecurrentTask recurrent = recurrent_task(&trainer->arena, net, x, y);
    task.arg = &recurrent;
    bool *shrink = ARENA_ARRAY(&trainer->arena, bool, task.params);
    memset(shrink, true, task.params);
    task.shrink = shrink;
    TRY(net_train(trainer, &task, err));
    TRY(judge_windows(trainer, &recurrent, &windows, err));
    if (net->windows) take_windows(trainer, &windows);
    model->kind = WEIR_RECURRENT;
    model->recurrent = net;
    return ST_OK;
}

static Status train_lstm(MlTrainer *trainer, Error *err) {
    return train_recurrent(trainer, CELL_LSTM, err);
}

static Status train_gru(MlTrainer *trainer, Error *err) {
    return train_recurrent(trainer, CELL_GRU, err);
}

const MlAlgorithm TRAIN_LSTM = {
    .name = "lstm",
    .tasks = 1 << ML_FORECASTING,
    .option = RECURRENT_ROWS,
    .train = train_lstm,
    .doc = "Forecasts from a window of steps, by a network with a memory (LSTM).",
};

const MlAlgorithm TRAIN_GRU = {
    .name = "gru",
    .tasks = 1 << ML_FORECASTING,
    .option = RECURRENT_ROWS,
    .train = train_gru,
    .doc = "As `lstm`, with a simpler memory (GRU).",
};
