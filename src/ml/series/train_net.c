// ml/series/train_net.c - the network as a challenger of the profile: trained on the first three
// quarters of history, held against the profile on the last one, and taken if it is clearly better;
// then it is trained on all of it.
#include "ml/series/net.h"
#include "ml/series/train_int.h"
#include "ml/train.h"
#include "ml/weir/weir.h"

enum { DAYS_LEAST = 14, ROWS_LEAST = 400 };
static const double BETTER = 0.8;  // of the profile's squares must be what the network's are
static const double CUT_SQUARE = 9;  // times the variance: what is further off says no more

typedef struct Blocks {
    uint32_t count, steps, lead;
    int64_t first;      // number of block 0
    float *mean, *off;  // [count], without what the detector found wrong
    float *all;         // residuals with it: what comes each week was no fault
    double sd;
} Blocks;

typedef struct Rows {
    uint32_t count, features;
    double **x;         // [features + 1][count]; the last column is what is to be known
    uint32_t *block;
} Rows;

typedef struct Sum {
    double sum;
    uint32_t points;
} Sum;

static float mean_of(const Sum *sum, uint32_t steps) {
    return sum->points && 3 * sum->points >= steps ? (float)(sum->sum / sum->points) : NAN;
}

// The residual that all but a fiftieth are below, as a normal deviation's: faults are fewer.
static double spread_of(const float *off, uint32_t count) {
    float *size = NEW_ARRAY(float, count + 1);
    uint32_t n = 0;
    for (uint32_t b = 0; b < count; b++) {
        if (!isnan(off[b])) size[n++] = fabsf(off[b]);
    }
    series_sort(size, n);
    double sd = n ? (double)size[n - 1 - n / 50] / 2.33 : 0;
    mem_free(size);
    return sd;
}

static void make_blocks(const Train *train, Blocks *out) {
    const SeriesHistory *history = train->history;
    const SeriesModel *model = train->model;
    int64_t slot = history->from_ms / history->step_ms - (history->from_ms % history->step_ms < 0);
    out->steps = net_block_steps(history->step_ms);
    out->lead = net_lead(out->steps);
    out->first = slot / out->steps - (slot % out->steps < 0);
    out->count = (uint32_t)((slot + history->count - 1) / out->steps - out->first) + 1;
    out->mean = NEW_ARRAY(float, out->count + 1);
    out->off = NEW_ARRAY(float, out->count + 1);
    out->all = NEW_ARRAY(float, out->count + 1);
    Sum *clean = NEW_ARRAY(Sum, out->count + 1), *all = NEW_ARRAY(Sum, out->count + 1);
    for (uint32_t i = 0; i < history->count; i++) {
        uint32_t b = (uint32_t)((slot + i) / out->steps - out->first);
        double value = (double)history->value[i];
        if (b >= out->count || isnan(value)) continue;
        bool found = train->outside[i] == OUTSIDE_FOUND;
        if (found || !train->outside[i]) all[b].sum += value, all[b].points++;
        if (!train->outside[i]) clean[b].sum += value, clean[b].points++;
    }
    for (uint32_t b = 0; b < out->count; b++) {
        int64_t block = out->first + b;
        out->mean[b] = mean_of(&clean[b], out->steps);
        out->off[b] = net_residual(model, history->calendar, block, (double)out->mean[b]);
        out->all[b] = net_residual(model, history->calendar, block,
                                   (double)mean_of(&all[b], out->steps));
    }
    double level = 0, n = 0;
    for (uint32_t b = 0; b < out->count; b++) {
        if (!isnan(out->off[b])) level += (double)out->off[b], n++;
    }
    float *off = NEW_ARRAY(float, out->count + 1);
    for (uint32_t b = 0; b < out->count; b++) off[b] = out->all[b] - (float)(level / fmax(n, 1));
    out->sd = spread_of(off, out->count);
    mem_free(off);
    mem_free(clean);
    mem_free(all);
}

static Status make_rows(const Train *train, const Blocks *blocks, const SeriesNet *net,
                        Arena *arena, Rows *out) {
    int64_t ms = train->history->step_ms * blocks->steps;
    double x[NET_FEATURES_MAX], level;
    uint32_t from = blocks->lead + NET_WINDOW;
    *out = (Rows){0};
    for (uint32_t b = from; b < blocks->count; b++) {
        SeriesMoment moment;
        if (isnan(blocks->all[b])) continue;
        series_moment(train->history->calendar, (blocks->first + b) * ms + ms / 2, &moment);
        const float *window = blocks->off + b - blocks->lead - (NET_WINDOW - 1);
        uint32_t features = net_features(net, window, blocks->lead, &moment, x, &level);
        if (!features) continue;
        if (!out->x) {
            out->features = features;
            out->x = ARENA_ARRAY(arena, double *, features + 1);
            for (uint32_t f = 0; f <= features; f++) {
                out->x[f] = ARENA_ARRAY(arena, double, blocks->count - from);
            }
            out->block = ARENA_ARRAY(arena, uint32_t, blocks->count - from);
        }
        double most = 5 * net->sd, target = (double)blocks->all[b] - level;
        for (uint32_t f = 0; f < features; f++) out->x[f][out->count] = x[f];
        out->x[features][out->count] = fmax(-most, fmin(most, target));
        out->block[out->count++] = b;
    }
    return ST_OK;
}

// On the first [rows] rows, or every second one of many.
static Status fit(SeriesNetKind kind, const Rows *all, uint32_t rows, Arena *arena,
                  MlModel **out) {
    enum { ROWS_MOST = 2500 };
    uint32_t every = kind == SERIES_NET_DENSE && rows > ROWS_MOST ? 2 : 1, count = rows / every;
    uint32_t columns = all->features + 1;
    MlField *field = ARENA_ARRAY(arena, MlField, columns);
    MlColumn *column = ARENA_ARRAY(arena, MlColumn, columns);
    for (uint32_t f = 0; f < columns; f++) {
        field[f] = (MlField){.name = str_printf(arena, "x%u", f), .type = ML_DOUBLE, .width = 1};
        column[f].number = all->x[f];
        if (every == 1) continue;
        column[f].number = ARENA_ARRAY(arena, double, count);
        for (uint32_t i = 0; i < count; i++) column[f].number[i] = all->x[f][i * every];
    }
    MlTable table = {.field = field, .column = column, .columns = columns, .rows = count};
    const MlSetting dense[] = {{STR("hidden"), STR("24")}, {STR("epochs"), STR("20")},
                               {STR("batch-size"), STR("32")}, {STR("learning-rate"), STR("0.004")},
                               {STR("l2"), STR("0.002")}};
    const MlSetting lstm[] = {{STR("units"), STR("32")}, {STR("epochs"), STR("12")},
                              {STR("step-features"), str_printf(arena, "%u", all->features / 10)},
                              {STR("batch-size"), STR("32")}, {STR("l2"), STR("0.001")}};
    bool recurrent = kind == SERIES_NET_LSTM;
    MlTrainSpec spec = {.algorithm = recurrent ? STR("lstm") : STR("mlp"),
                        .label = (int32_t)all->features,
                        .setting = recurrent ? lstm : dense, .setting_count = 5};
    return ml_train(&spec, &table, out, NULL, NULL);
}

// The means of the squares that the profile, and the network, are off by on rows from [from] on.
static void judge(SeriesNet *net, const Rows *rows, uint32_t from) {
    double x[NET_FEATURES_MAX], square[2] = {0}, most = CUT_SQUARE * net->sd * net->sd;
    for (uint32_t i = from; i < rows->count; i++) {
        for (uint32_t f = 0; f < rows->features; f++) x[f] = rows->x[f][i];
        double target = rows->x[rows->features][i];
        double off = target - net_answer(net, x, rows->features);
        square[0] += fmin(target * target, most);
        square[1] += fmin(off * off, most);
    }
    for (uint32_t k = 0; k < 2; k++) net->loss[k] = square[k] / fmax(rows->count - from, 1);
}

static void keep_past(const Blocks *blocks, NetPast *past) {
    past->started = true;
    past->block = blocks->first + blocks->count;
    for (uint32_t i = 0; i < NET_RING; i++) past->mean[i] = NAN;
    for (uint32_t i = 1; i < NET_RING && i <= blocks->count; i++) {
        int64_t block = past->block - i;
        past->mean[(uint64_t)block & (NET_RING - 1)] = blocks->mean[blocks->count - i];
    }
}

// NULL: it does not win.
static SeriesNet *challenge(const Train *train, const Blocks *blocks, SeriesNetKind kind) {
    Arena arena;
    Rows rows;
    SeriesNet *net = NEW(SeriesNet);
    arena_init(&arena);
    *net = (SeriesNet){.kind = kind, .sd = blocks->sd};
    Status st = make_rows(train, blocks, net, &arena, &rows);
    uint32_t seen = rows.count / 4 * 3;
    bool wins = false;
    if (!st && seen >= ROWS_LEAST) st = fit(kind, &rows, seen, &arena, &net->model);
    if (!st && net->model) {
        judge(net, &rows, seen);
        wins = net->loss[1] < BETTER * net->loss[0];
    }
    if (wins) {
        ml_free(net->model);
        net->model = NULL;
        wins = !fit(kind, &rows, rows.count, &arena, &net->model);
        keep_past(blocks, &net->past);
    }
    arena_clear(&arena);
    if (wins) return net;
    net_free(net);
    return NULL;
}

bool train_net(Train *train, SeriesNetKind best) {
    const SeriesHistory *history = train->history;
    SeriesModel *model = train->model;
    Blocks blocks = {0};
    if (best == SERIES_NET_NONE || model->kind == SERIES_CONSTANT) return false;
    if (!net_block_steps(history->step_ms)) return false;
    if ((int64_t)history->count * history->step_ms < DAYS_LEAST * (int64_t)SERIES_DAY_MS) {
        return false;
    }
    make_blocks(train, &blocks);
    for (int kind = SERIES_NET_DENSE; blocks.sd > 0 && kind <= (int)best; kind++) {
        SeriesNet *net = challenge(train, &blocks, (SeriesNetKind)kind);
        if (net && model->net && net->loss[1] >= model->net->loss[1]) {
            net_free(net);
        } else if (net) {
            net_free(model->net);
            model->net = net;
        }
    }
    mem_free(blocks.mean);
    mem_free(blocks.off);
    mem_free(blocks.all);
    return model->net != NULL;
}
