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
    if (!window && !model->features) {
        error_set(err, ST_VALIDATION, "there is no column to learn from");
        error_hint(err, "the label's own past is one with 'window' = '10'");
        return ST_VALIDATION;
    }
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

static float standard(double value, const Recurrent *net, uint32_t j) {
    return (float)(isnan(value) ? 0 : (value - net->mean[j]) / net->scale[j]);
}

static Status fill_samples(MlTrainer *trainer, const Windows *windows, const Recurrent *net,
                           float **x, float **y, Error *err) {
    uint32_t count = windows->count + windows->judged;
    uint64_t cells = (uint64_t)count * net->steps * net->step_features;
    TRY(trainer_charge(trainer, (cells + (uint64_t)count * net->horizon) * 4, err));
    float *to = *x = ARENA_ARRAY(&trainer->arena, float, cells);
    float *target = *y = ARENA_ARRAY(&trainer->arena, float, (size_t)count * net->horizon);
    double *row = ARENA_ARRAY(&trainer->arena, double, trainer->model->features);
    for (uint32_t s = 0; s < count; s++) {
        if (!net->windows) trainer_row(trainer, s, row);
        for (uint32_t t = 0; t < net->steps; t++, to += net->step_features) {
            for (uint32_t j = 0; !net->windows && j < net->step_features; j++) {
                to[j] = standard(row[t * net->step_features + j], net, j);
            }
            if (!net->windows) continue;
            uint32_t at = windows->row[windows->begin[s] + t];
            for (uint32_t j = 0; j < net->step_features; j++) {
                to[j] = standard(step_value(trainer, windows, at, j), net, j);
            }
        }
        for (uint32_t o = 0; o < net->horizon; o++) {
            uint32_t at = net->windows ? windows->row[windows->begin[s] + net->steps + o] : s;
            *target++ = (float)((trainer->y[at] - net->target_mean) / net->target_scale);
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
    double value[2];
    MlField field = {.name = STR("prediction"), .type = ML_DOUBLE, .width = 1};
    MlColumn truth = {.number = &value[0]}, said = {.number = &value[1]};
    uint32_t count = windows->count + windows->judged;
    for (uint32_t from = 0, to; from < count; from = to) {
        to = count - from < task->windows ? count : from + task->windows;
        const float *forecast = recurrent_forecasts(task, from, to);
        for (uint32_t s = from; s < to; s++, forecast += net->horizon) {
            MlEval **eval = &trainer->eval[s >= windows->count];
            if (!*eval) *eval = ml_eval_new(&(MlEvalSpec){.task = ML_FORECASTING});
            value[0] = (double)task->y[(size_t)s * net->horizon];
            value[1] = (double)forecast[0];
            for (int i = 0; i < 2; i++) {
                value[i] = value[i] * net->target_scale + net->target_mean;
            }
            MlEvalBatch row = {.label = &field, .label_column = &truth, .out = &field,
                               .out_column = &said, .out_count = 1, .rows = 1};
            TRY(ml_eval_add(*eval, &row, err));
        }
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
    float *x, *y;
    TRY(fill_samples(trainer, &windows, net, &x, &y, err));
    set_weights(trainer, net);
    RecurrentTask *recurrent = task.arg = recurrent_task(&trainer->arena, net, x, y);
    bool *shrink = ARENA_ARRAY(&trainer->arena, bool, task.params);
    memset(shrink, true, task.params);
    task.shrink = shrink;
    TRY(net_train(trainer, &task, err));
    recurrent_pack(net, recurrent->weights);
    TRY(judge_windows(trainer, recurrent, &windows, err));
    if (net->windows) take_windows(trainer, &windows);
    model->kind = WEIR_RECURRENT;
    model->recurrent = net;
    net->packed = recurrent_weights(&model->arena, net);
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
