// ml/series/net.c - blocks, their residuals, features, and what a network says of them.
#include "ml/series/net.h"

#include <math.h>

#include "ml/formats.h"
#include "ml/series/series_int.h"
#include "ml/weir/weir.h"

enum { STRETCHES = 10, STRETCH = NET_WINDOW / STRETCHES, SCALES = 7, LEAST = NET_DAY_BLOCKS / 2 };
static const double CUT = 5;
static const double DOUBT = 0.5;  // of a correction: what it may be off by
static const double TURN = 6.283185307179586;

uint32_t net_block_steps(int64_t step_ms) {
    if (step_ms <= 0 || SERIES_DAY_MS % step_ms) return 0;
    int64_t day = SERIES_DAY_MS / step_ms;
    return day % NET_DAY_BLOCKS || day < 2 * NET_DAY_BLOCKS || day > 20 * NET_DAY_BLOCKS
               ? 0
               : (uint32_t)(day / NET_DAY_BLOCKS);
}

uint32_t net_lead(uint32_t block_steps) {
    return (SERIES_RING + block_steps - 1) / block_steps + 1;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t block_ms(const SeriesModel *model) {
    return model->step_ms * net_block_steps(model->step_ms);
}

float net_residual(const SeriesModel *model, const SeriesCalendar *calendar, int64_t block,
                   double mean) {
    SeriesMoment moment;
    SeriesBase base;
    if (isnan(mean)) return NAN;
    int64_t ts_ms = block * block_ms(model) + block_ms(model) / 2;
    series_moment(calendar, ts_ms, &moment);
    if (moment.growth > 0 || moment.promotion) return NAN;  // known to be otherwise
    series_model_at(model, &moment, ts_ms, &base);
    if (!model->scaled) return (float)(mean - base.mean);
    double least = model->counts ? 0.3 / net_block_steps(model->step_ms) : 1e-30;
    return (float)log(fmax(mean, least) / fmax(base.mean, 1e-30));
}

// -- Features -------------------------------------------------------------------------------------

// The mean of [count] blocks up to and with [last]; 0 if none is there.
static double mean_of(const float *off, uint32_t last, uint32_t count) {
    double sum = 0, there = 0;
    for (uint32_t i = last + 1 - count; i <= last; i++) {
        if (!isnan(off[i])) sum += (double)off[i], there++;
    }
    return there > 0 ? sum / there : 0;
}

static double size_of(const float *off, uint32_t last, uint32_t count) {
    double sum = 0, there = 0;
    for (uint32_t i = last + 1 - count; i <= last; i++) {
        if (!isnan(off[i])) sum += (double)off[i] * (double)off[i], there++;
    }
    return there > 0 ? sqrt(sum / there) : 0;
}

static uint32_t put_time(const SeriesMoment *moment, double *x) {
    uint32_t n = 0;
    double turn = TURN * moment->at_ms / SERIES_DAY_MS;
    for (uint32_t k = 1; k <= 3; k++) x[n++] = sin(k * turn), x[n++] = cos(k * turn);
    for (uint32_t i = 0; i < 7; i++) x[n++] = moment->weekday == i;
    x[n++] = moment->rest;
    return n;
}

static uint32_t dense_features(const float *off, uint32_t lead, const SeriesMoment *moment,
                               double *x) {
    enum { LAST = NET_WINDOW - 1 };
    uint32_t n = put_time(moment, x);
    for (uint32_t k = 0; k < SCALES; k++) {
        uint32_t width = 1u << k;
        double late = mean_of(off, LAST, width);
        if (k % 2) x[n++] = late;
        x[n++] = late - mean_of(off, LAST - width, width);
    }
    x[n++] = size_of(off, LAST, 16);
    x[n++] = size_of(off, LAST, 64);
    // The same time of the day before.
    uint32_t day = LAST + lead - NET_DAY_BLOCKS;
    bool there = lead < NET_DAY_BLOCKS && day + 1 <= LAST;
    x[n++] = there ? mean_of(off, day, 1) : 0;
    x[n++] = there ? mean_of(off, day + 1, 3) : 0;
    return n;
}

static uint32_t lstm_features(const float *off, const SeriesMoment *moment, double *x) {
    uint32_t n = 0;
    for (uint32_t s = 0; s < STRETCHES; s++) {
        uint32_t last = (s + 1) * STRETCH - 1;
        x[n++] = mean_of(off, last, STRETCH);
        x[n++] = mean_of(off, last, STRETCH / 2) -
                 mean_of(off, last - STRETCH / 2, STRETCH / 2);
        x[n++] = size_of(off, last, STRETCH);
        n += put_time(moment, x + n);
    }
    return n;
}

static uint32_t features_of(SeriesNetKind kind) {
    float off[NET_WINDOW] = {0};
    double x[NET_FEATURES_MAX];
    SeriesMoment moment = {0};
    return kind == SERIES_NET_LSTM ? lstm_features(off, &moment, x)
                                   : dense_features(off, 1, &moment, x);
}

uint32_t net_features(const SeriesNet *net, const float *window, uint32_t lead,
                      const SeriesMoment *moment, double *x, double *level) {
    float off[NET_WINDOW];
    uint32_t there = 0;
    *level = mean_of(window, NET_WINDOW - 1, NET_DAY_BLOCKS);
    for (uint32_t i = 0; i < NET_WINDOW; i++) {
        double from = (double)window[i] - *level, most = CUT * net->sd;
        off[i] = isnan(window[i]) ? window[i] : (float)fmax(-most, fmin(most, from));
        there += !isnan(window[i]);
    }
    if (there < LEAST) return 0;
    return net->kind == SERIES_NET_LSTM ? lstm_features(off, moment, x)
                                        : dense_features(off, lead, moment, x);
}

double net_answer(const SeriesNet *net, const double *x, uint32_t features) {
    const WeirModel *model = weir_model_of(net->model);
    const double *column[NET_FEATURES_MAX];
    Arena scratch;
    double answer = 0, most = CUT * net->sd;
    if (model->features != features) return 0;
    for (uint32_t i = 0; i < features; i++) column[i] = &x[i];
    arena_init(&scratch);
    weir_score(model, column, 0, 1, &answer, &scratch);
    arena_clear(&scratch);
    return isfinite(answer) ? fmax(-most, fmin(most, answer)) : 0;
}

// -- In the stream --------------------------------------------------------------------------------

static uint32_t ring_of(int64_t block) {
    return (uint32_t)((uint64_t)block & (NET_RING - 1));
}

static void empty(NetState *state) {
    for (uint32_t i = 0; i < NET_RING; i++) state->past.mean[i] = state->off[i] = NAN;
    state->past.started = false;
    state->past.sum = state->past.points = 0;
    state->at[0] = state->at[1] = INT64_MIN;
}

void net_state_use(NetState **state, const SeriesModel *model, const SeriesCalendar *calendar) {
    if (!model || !model->net) {
        mem_free(*state);
        *state = NULL;
        return;
    }
    bool fresh = !*state;
    if (fresh) {
        *state = NEW(NetState);
        empty(*state);
        (*state)->past = model->net->past;
    }
    NetState *self = *state;
    self->at[0] = self->at[1] = INT64_MIN;
    if (!self->past.started) return;
    for (uint32_t i = 1; i < NET_RING; i++) {
        int64_t block = self->past.block - i;
        self->off[ring_of(block)] =
            net_residual(model, calendar, block, (double)self->past.mean[ring_of(block)]);
    }
}

static void close_block(NetState *self, const SeriesModel *model, const SeriesCalendar *calendar) {
    NetPast *past = &self->past;
    uint32_t at = ring_of(past->block);
    bool enough = 3 * past->points >= net_block_steps(model->step_ms) && past->points;
    past->mean[at] = enough ? (float)(past->sum / past->points) : NAN;
    self->off[at] = net_residual(model, calendar, past->block, (double)past->mean[at]);
    past->sum = past->points = 0;
    past->block++;
}

void net_state_advance(NetState *self, const SeriesModel *model, const SeriesCalendar *calendar,
                       int64_t slot) {
    if (!self) return;
    int64_t block = floor_div(slot, net_block_steps(model->step_ms));
    NetPast *past = &self->past;
    if (past->started && (block < past->block || block - past->block >= NET_RING)) empty(self);
    if (!past->started) past->block = block, past->started = true;
    while (past->block < block) close_block(self, model, calendar);
}

void net_state_add(NetState *self, double value) {
    if (!self) return;
    self->past.sum += value;
    self->past.points++;
}

void net_state_forget(NetState *self, const SeriesModel *model, int64_t slot) {
    if (!self || !self->past.started) return;
    NetPast *past = &self->past;
    int64_t from = floor_div(slot, net_block_steps(model->step_ms));
    for (int64_t b = past->block - from < NET_RING ? from : past->block; b < past->block; b++) {
        past->mean[ring_of(b)] = self->off[ring_of(b)] = NAN;
    }
    past->sum = past->points = 0;
}

static double correction_at(const NetState *self, const SeriesModel *model,
                            const SeriesCalendar *calendar, int64_t block) {
    uint32_t lead = net_lead(net_block_steps(model->step_ms));
    float window[NET_WINDOW];
    double x[NET_FEATURES_MAX], level;
    SeriesMoment moment;
    if (!self->past.started) return 0;
    for (uint32_t i = 0; i < NET_WINDOW; i++) {
        int64_t from = block - lead - (NET_WINDOW - 1 - i);
        bool there = from < self->past.block && self->past.block - from < NET_RING;
        window[i] = there ? self->off[ring_of(from)] : NAN;
    }
    series_moment(calendar, block * block_ms(model) + block_ms(model) / 2, &moment);
    if (moment.growth > 0) return 0;  // holidays have a coefficient of their own
    uint32_t features = net_features(model->net, window, lead, &moment, x, &level);
    return features ? net_answer(model->net, x, features) : 0;
}

static double correction_of(NetState *self, const SeriesModel *model,
                            const SeriesCalendar *calendar, int64_t block) {
    uint32_t side = (uint32_t)((uint64_t)block & 1);
    if (self->at[side] != block) {
        self->correction[side] = correction_at(self, model, calendar, block);
        self->at[side] = block;
    }
    return self->correction[side];
}

void net_state_correct(NetState *self, const SeriesModel *model, const SeriesCalendar *calendar,
                       int64_t slot, SeriesBase *base) {
    if (!self || !model->net) return;
    uint32_t steps = net_block_steps(model->step_ms);
    int64_t block = floor_div(slot, steps);
    double from = ((double)(slot - block * steps) + 0.5) / steps - 0.5;  // from the block's middle
    double here = correction_of(self, model, calendar, block);
    double there = correction_of(self, model, calendar, from < 0 ? block - 1 : block + 1);
    double right = here + fabs(from) * (there - here);
    base->mean = model->scaled ? base->mean * exp(right) : base->mean + right;
    base->unsure = (float)fmax((double)base->unsure, DOUBT * fabs(right));
}

// -- Saving and loading ---------------------------------------------------------------------------

void net_free(SeriesNet *net) {
    if (!net) return;
    ml_free(net->model);
    mem_free(net);
}

void net_past_code(Codec *codec, NetPast *past) {
    codec_bool(codec, &past->started);
    series_code_slot(codec, &past->block, 1);
    codec_f64(codec, &past->sum);
    codec_u32(codec, &past->points);
    series_code_f32s(codec, past->mean, NET_RING);
}

static Str net_bytes(Codec *codec) {
    uint32_t len = 0;
    codec_count(codec, &len, UINT32_MAX, 1);
    Str part = str_make(codec->in.ptr, len);
    codec->in = str_make(codec->in.ptr + len, codec->in.len - len);
    return part;
}

static void net_read(Codec *codec, SeriesNet *net) {
    Error err = {0};
    Str bytes = net_bytes(codec);
    if (codec->failed) return;
    if (WEIR_FORMAT.load(STR("the network"), bytes, &net->model, &err)) {
        codec_fail(codec, "%.100s", err.message);
        return;
    }
    const WeirModel *model = weir_model_of(net->model);
    bool lstm = net->kind == SERIES_NET_LSTM;
    bool fits = model && model->kind == (lstm ? WEIR_RECURRENT : WEIR_DENSE) && !model->classes &&
                model->features == features_of(net->kind) && weir_scores(model) == 1;
    for (uint32_t i = 0; fits && i < model->features; i++) {
        fits = model->feature[i].type != ML_TEXT;
    }
    if (!fits) codec_fail(codec, "the network is none for its features");
}

void net_code(Codec *codec, SeriesNet **net, int64_t step_ms) {
    bool there = *net != NULL;
    codec_bool(codec, &there);
    if (!there || codec->failed) return;
    if (codec_reads(codec)) *net = NEW(SeriesNet);
    SeriesNet *self = *net;
    int kind = (int)self->kind;
    codec_kind(codec, &kind, SERIES_NETS);
    self->kind = (SeriesNetKind)kind;
    codec_f64(codec, &self->sd);
    codec_f64s_at(codec, self->loss, 2);
    if (!(self->sd > 0 && self->sd < HUGE_VAL) || !net_block_steps(step_ms)) {
        codec_fail(codec, "the network is none for such a series");
    }
    net_past_code(codec, &self->past);
    if (codec->failed) return;
    if (codec_reads(codec)) {
        net_read(codec, self);
        return;
    }
    Buf bytes = {0};
    (void)self->model->vt->save(self->model, &bytes, NULL);
    codec_str(codec, &(Str){bytes.ptr, (uint32_t)bytes.len});
    buf_free(&bytes);
}
