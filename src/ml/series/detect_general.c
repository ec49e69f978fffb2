// ml/series/detect_general.c - a doubt as the general network sees it (ml/series/general.h): what
// has no unit, so that all metrics look alike that behave alike.
//
// Residuals are those of the ring's points from the forecast that the doubt's window is held
// against, in deviations of a point's noise, the side of the doubt being positive. Haar wavelets of
// them, by widths of one to 32 points, say what is going on now (the last coefficient of each) and
// how restless such changes were before the window (their mean square).
#include "base/assert.h"
#include "ml/series/detect_int.h"

enum { SCALES = 6, SHORT_PAST = 16, LONG_PAST = 64 };
static const double TURN = 6.283185307179586;

typedef struct Sight {
    GeneralCase *at;
    uint32_t count;
} Sight;

static void put(Sight *sight, double value, double most) {
    if (!(fabs(value) < HUGE_VAL)) value = 0;
    sight->at->x[sight->count++] = (float)fmax(-most, fmin(most, value));
}

static void put_lenses(const Detector *d, int sign, double threshold, Sight *out) {
    for (uint32_t i = 0; i < SERIES_LENSES; i++) {
        double tail = (double)d->model->tail[i][sign > 0];
        put(out, sign * (double)d->deviation[i] / tail / threshold, 3);
    }
}

// sum[i] is the sum of the newest [i] residuals.
static double between(const double *sum, uint32_t from, uint32_t width) {
    return sum[from + width] - sum[from];
}

static void put_wavelets(const double *sum, uint32_t past, Sight *out) {
    for (uint32_t k = 0; k < SCALES; k++) {
        uint32_t width = 1u << k;
        double norm = sqrt(2.0 * width), square = 0, blocks = 0;
        put(out, asinh((between(sum, 0, width) - between(sum, width, width)) / norm), 8);
        for (uint32_t at = past; at + 2 * width <= SERIES_RING; at += 2 * width) {
            double off = (between(sum, at, width) - between(sum, at + width, width)) / norm;
            square += off * off, blocks++;
        }
        put(out, blocks > 0 ? log1p(square / blocks) : 0, 8);
    }
}

static void put_residuals(const Detector *d, uint32_t lens, int sign, Sight *out) {
    float residual[SERIES_RING];
    double sum[SERIES_RING + 1] = {0}, square = 0;
    uint32_t width = SERIES_LENS[lens].width;
    window_residuals(d, lens, residual);
    for (uint32_t i = 0; i < SERIES_RING; i++) sum[i + 1] = sum[i] + sign * (double)residual[i];
    put_wavelets(sum, width, out);
    put(out, asinh(between(sum, width, SHORT_PAST) / sqrt(SHORT_PAST)), 8);
    put(out, asinh(between(sum, width, LONG_PAST) / sqrt(LONG_PAST)), 8);
    double mean = sum[width] / width;
    for (uint32_t i = 0; i < width; i++) {
        double off = sign * (double)residual[i] - mean;
        square += off * off;
    }
    put(out, log1p(square / width), 8);
    put(out, asinh(mean), 8);
}

static void put_level(const Detector *d, int sign, Sight *out) {
    const SeriesModel *model = d->model;
    double spread = fmax(model->spread, 1e-300), most = 0, least = 0;
    for (uint32_t i = 0; i < d->depth; i++) {
        uint32_t at = ring_at(d->slot - i);
        double off = sign * ((double)(d->ring.wander[at] + d->ring.drift[at]) - d->mean_level);
        most = fmax(most, off), least = fmin(least, off);
    }
    put(out, sign * (d->level.wander + d->level.drift - d->mean_level) / spread, 6);
    put(out, most / spread, 8);
    put(out, -least / spread, 8);
    put(out, sign * d->level.wander / fmax(model->wander_sd, 1e-300), 6);
    put(out, d->unsure / spread, 8);
    put(out, d->moment.growth, 1);
    put(out, model->unrest > 0 ? sqrt(d->unrest / model->unrest) - 1 : 0, 3);
    put(out, d->off, 1);
    double since = (double)(d->slot - d->closed) * (double)d->settings.step_ms;
    put(out, exp(-since / 3600000), 1);
}

static void put_time(const SeriesMoment *moment, Sight *out) {
    double turn = TURN * moment->at_ms / SERIES_DAY_MS, week = TURN * moment->weekday / 7;
    put(out, sin(turn), 1);
    put(out, cos(turn), 1);
    put(out, sin(week), 1);
    put(out, cos(week), 1);
    put(out, moment->rest, 1);
    put(out, (double)moment->near, 1);
    put(out, moment->holiday, 1);
}

static void put_kind(const Detector *d, bool rise, double share, Sight *out) {
    const SeriesModel *model = d->model;
    for (int kind = 0; kind < SERIES_CLASSES; kind++) put(out, (int)model->kind == kind, 1);
    put(out, model->counts, 1);
    put(out, model->scaled, 1);
    put(out, model->ceiling != 0, 1);
    put(out, rise ? 1 : -1, 1);
    put(out, d->settings.sensitivity == DETECT_HIGH, 1);
    put(out, d->settings.sensitivity == DETECT_LOW, 1);
    put(out, share > 0 ? log(share) : 0, 6);
    put(out, log((double)model->step_ms / 60000), 6);
    put(out, log((double)(model->to_ms - model->from_ms) / SERIES_DAY_MS), 4);
}

void detect_general_case(const Detector *d, uint32_t lens, int sign, double threshold,
                         const DetectWhy *why, double rest, GeneralCase *at) {
    Sight out = {.at = at};
    WindowView view;
    window_view(d, lens, &view);
    bool rise = (d->model->ceiling != 0) != (sign > 0);
    put_lenses(d, sign, threshold, &out);
    put(&out, log2((double)why->points) / 6, 1);
    put(&out, log2(1.0 + why->since) / 7, 1);
    put(&out, why->in_a_row / 16.0, 2);
    put(&out, sign * (double)why->earlier / threshold, 3);
    put(&out, rest / threshold, 3);
    put(&out, view.mean != 0 ? asinh(3 * sign * (view.sum / view.mean - 1)) : 0, 4);
    put_residuals(d, lens, sign, &out);
    put_level(d, sign, &out);
    put_time(&d->moment, &out);
    double expected = view.points ? view.mean / view.points : 0;
    double sd = sqrt(level_noise(d, expected, (double)d->base.noise));
    put_kind(d, rise, expected != 0 ? sd / fabs(expected) : 0, &out);
    ASSERT(out.count == GENERAL_FEATURES);
}
