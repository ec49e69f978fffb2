// ml/series/detect_window.c - how far the last points are off their forecasts, through windows of
// several widths and with forecasts of several ages.
#include "ml/series/detect_int.h"

const SeriesLens SERIES_LENS[SERIES_LENSES] = {
    {1, 1},   {2, 2},   {3, 3},   {4, 4},   {6, 6},   {8, 8},    {12, 12},  {16, 16},
    {16, 32}, {24, 24}, {24, 64}, {32, 32}, {32, 96}, {48, 48}, {60, 120}, {30, 0},
};
enum { WIDEST = 60 };

// Deviance of a sum under a negative binomial with variance linear * mean + square * mean^2, in
// units of [linear]; its limits are Poisson (square = 0) and gamma (linear = 0).
double series_deviation(double sum, double mean, double linear, double square) {
    double variance = linear * mean + square * mean * mean;
    if (!(variance > 0)) return 0;
    double z = (sum - mean) / sqrt(variance);
    if (fabs(z) < 1 || mean <= 0 || sum < 0) return z;  // the root is near it there
    double skew = (linear + 2 * square * mean) / sqrt(variance);
    if (fabs(z) < 3 && fabs(z) * skew < 0.4) return z - z * z * skew / 6;  // its series, to 1 %
    double twice;
    if (linear <= 1e-9 * square * mean) {
        double ratio = fmax(sum / mean, 1e-6);
        twice = 2 / square * (ratio - 1 - log(ratio));
    } else {
        double y = sum / linear, m = mean / linear, k = square > 1e-9 ? square : 1e-9;
        twice = -2 * (y + 1 / k) * log1p(k * (y - m) / (1 + k * m));
        if (y > 0) twice += 2 * y * log(y / m);
    }
    return twice > 0 ? copysign(sqrt(twice), z) : 0;
}

typedef struct Sums {
    double value, mean, square;
    uint32_t points;
} Sums;

static void add(const Detector *d, int64_t slot, Sums *sums) {
    uint32_t at = ring_at(slot);
    double mean = (double)d->ring.mean[at], value = (double)d->ring.value[at];
    sums->value += value;
    sums->mean += mean;
    sums->square += mean * mean;
    sums->points += mean != 0 || value != 0;
}

// The deviation of sums from a level with a variance of its own.
static void judge(const Detector *d, const Sums *sums, double level, double gain, double unsure,
                  WindowView *out) {
    const SeriesModel *model = d->model;
    double noise = (double)d->base.noise;
    out->sum = sums->value;
    out->points = sums->points;
    if (model->scaled) {
        out->mean = sums->mean * gain;
        out->square = sums->square * gain * gain;
        double share = sums->mean > 0 ? sums->square / (sums->mean * sums->mean) : 0;
        out->deviation = series_deviation(sums->value, out->mean, model->linear * noise,
                                          model->square * noise * share + unsure);
    } else {
        out->mean = sums->mean + sums->points * level;
        out->square = 0;
        double variance = noise * (sums->points * model->flat + model->linear * fabs(out->mean));
        variance += (double)sums->points * sums->points * unsure + series_tiny(out->mean);
        out->deviation = (sums->value - out->mean) / sqrt(variance);
    }
    if (!(fabs(out->deviation) < 1e6)) out->deviation = copysign(1e6, sums->value - out->mean);
}

static double lens_level(const Detector *d, uint32_t lens, double *unsure) {
    const double *p = d->level.p;
    double growth = (double)d->ring.growth[ring_at(d->slot - SERIES_LENS[lens].width / 2)];
    *unsure = (double)d->lead[lens] + d->unsure * d->unsure + growth * growth * p[5];
    if (lens == SERIES_SLOW) return d->mean_level + growth * d->level.holiday;
    uint32_t from = ring_at(d->slot - SERIES_LENS[lens].since);
    double decay = (double)d->decay[lens];
    *unsure += p[0] * decay * decay + 2 * p[1] * decay + p[3];
    return (double)d->ring.wander[from] * decay + (double)d->ring.drift[from] +
           growth * (double)d->ring.holiday[from];
}

static bool lens_there(const Detector *d, uint32_t lens) {
    uint32_t wants = SERIES_LENS[lens].since > SERIES_LENS[lens].width ? SERIES_LENS[lens].since
                                                                       : SERIES_LENS[lens].width;
    return d->depth > wants;
}

// exp(level) from one that is near: most lenses differ by a few per cent.
static double gain_near(double off, double gain) {
    if (fabs(off) > 0.1) return gain * exp(off);
    return gain * (1 + off * (1 + off / 2 * (1 + off / 3 * (1 + off / 4 * (1 + off / 5)))));
}

void window_scan(Detector *d) {
    Sums sums[WIDEST + 1], sum = {0};
    uint32_t depth = d->depth < WIDEST ? d->depth : WIDEST;
    for (uint32_t i = 0; i < depth; i++) {
        add(d, d->slot - i, &sum);
        sums[i + 1] = sum;
    }
    double now = level_now(d, d->moment.growth), gain = d->model->scaled ? exp(now) : 1;
    for (uint32_t lens = 0; lens < SERIES_LENSES; lens++) {
        d->deviation[lens] = 0;
        if (!lens_there(d, lens) || !sums[SERIES_LENS[lens].width].points) continue;
        double unsure, level = lens_level(d, lens, &unsure);
        WindowView view;
        judge(d, &sums[SERIES_LENS[lens].width], level, gain_near(level - now, gain), unsure,
              &view);
        d->deviation[lens] = (float)view.deviation;
    }
}

static Sums sum_of(const Detector *d, uint32_t width) {
    Sums sums = {0};
    for (uint32_t i = 0; i < width && i < d->depth; i++) add(d, d->slot - i, &sums);
    return sums;
}

void window_view(const Detector *d, uint32_t lens, WindowView *out) {
    Sums sums = sum_of(d, SERIES_LENS[lens].width);
    double unsure, level = lens_level(d, lens, &unsure);
    judge(d, &sums, level, d->model->scaled ? exp(level) : 1, unsure, out);
}

double window_without_worst(const Detector *d, uint32_t lens, int sign) {
    Sums sums = sum_of(d, SERIES_LENS[lens].width);
    double unsure, level = lens_level(d, lens, &unsure);
    double gain = d->model->scaled ? exp(level) : 1, most = -HUGE_VAL;
    uint32_t worst = 0;
    for (uint32_t i = 0; i < SERIES_LENS[lens].width && i < d->depth; i++) {
        uint32_t at = ring_at(d->slot - i);
        double mean = (double)d->ring.mean[at], value = (double)d->ring.value[at];
        if (mean == 0 && value == 0) continue;
        double expected = d->model->scaled ? mean * gain : mean + level;
        if (sign * (value - expected) > most) most = sign * (value - expected), worst = at;
    }
    if (sums.points < 2) return 0;
    double mean = (double)d->ring.mean[worst];
    sums.value -= (double)d->ring.value[worst];
    sums.mean -= mean;
    sums.square -= mean * mean;
    sums.points--;
    WindowView view;
    judge(d, &sums, level, d->model->scaled ? exp(level) : 1, unsure, &view);
    return view.deviation;
}

// Newest first; 0 where there is no point.
void window_residuals(const Detector *d, uint32_t lens, float *residual) {
    double unsure, level = lens_level(d, lens, &unsure);
    double gain = d->model->scaled ? exp(level) : 1;
    for (uint32_t i = 0; i < SERIES_RING; i++) {
        uint32_t at = ring_at(d->slot - i);
        double mean = (double)d->ring.mean[at], value = (double)d->ring.value[at];
        residual[i] = 0;
        if (i >= d->depth || (mean == 0 && value == 0)) continue;
        double expected = d->model->scaled ? mean * gain : mean + level;
        double variance = level_noise(d, expected, (double)d->base.noise);
        double off = (value - expected) / sqrt(variance);
        residual[i] = (float)fmax(-1e6, fmin(1e6, off));
    }
}

void window_recent(const Detector *d, uint32_t width, WindowView *out, double *variance) {
    Sums sums = sum_of(d, width);
    double growth = (double)d->ring.growth[ring_at(d->slot)];
    double unsure = level_variance(d, growth), level = level_now(d, growth);
    judge(d, &sums, level, d->model->scaled ? exp(level) : 1, unsure, out);
    double slope = d->model->scaled ? out->mean : sums.points, noise = (double)d->base.noise;
    *variance = noise * (d->model->flat * sums.points + d->model->linear * fabs(out->mean) +
                         d->model->square * out->square) +
                slope * slope * unsure + series_tiny(out->mean);
}

double window_earlier(const Detector *d, uint32_t width) {
    Sums sums = sum_of(d, width);
    double unsure, level = lens_level(d, SERIES_SLOW, &unsure);
    WindowView view;
    judge(d, &sums, level, d->model->scaled ? exp(level) : 1, unsure, &view);
    return view.deviation;
}
