// ml/series/detect_level.c - where the mean of a metric stands: a Kalman filter over the level.
//
// level = wander + drift + growth * holiday. The wander returns to 0 with the model's time
// constant, the drift walks, the holiday's coefficient stands; it starts with what earlier holidays
// were like and is learned while `growth` says how much of it is felt, first in the afternoon
// before.
//
// When a promotion that was announced begins, nobody knows how far the level will rise: the wander
// is unsure, follows the first points, and stays nimble; when it ends the wander is nothing, or
// what the first points say.
//
// A point says where the level is with a weight that its noise allows, and no point says much more
// than 2.5 deviations' worth (Huber).
#include "ml/series/detect_int.h"

enum { FF, FS, FG, SS, SG, GG };

static const double CLIP = 2.5, HOLIDAY_FAR = 3;
// The days of the week are known from a few weeks only, holidays hardly at all.
static const double MIDNIGHT_SD = 0.3, HOLIDAY_MIDNIGHT_SD = 1.0;  // of the spread

static const double PROMOTION_SD = 0.6, PROMOTION_END_SD = 0.3, PROMOTION_MINUTE_SD = 0.05;
enum { PROMOTION_END_MS = 2 * 3600000 };

// What is added to a level by a holiday is added by its crowd: little in the hours in which hardly
// anybody comes, most in the busiest. Where levels multiply, that goes without saying.
static double crowd(const Detector *d, const SeriesBase *base) {
    if (!(d->quiet < 0)) return 1;
    return fmax(0.1, fmin(3, 1 - (base->mean - d->model->base) / d->quiet));
}

void level_moment(const Detector *d, int64_t ts_ms, SeriesMoment *moment, SeriesBase *base) {
    series_moment(d->settings.calendar, ts_ms, moment);
    series_model_at(d->model, moment, ts_ms, base);
    moment->growth *= crowd(d, base);
}

void level_place(Detector *d, int64_t slot) {
    level_moment(d, slot * d->settings.step_ms, &d->moment, &d->base);
    net_state_correct(d->net, d->model, d->settings.calendar, slot, &d->base);
}

void level_derive(Detector *d) {
    const SeriesModel *model = d->model;
    d->step_decay = exp(-1 / model->wander_tau);
    d->quiet = 0;
    for (uint32_t i = 0; i < 2 * model->knots && !model->scaled; i++) {
        d->quiet = fmin(d->quiet, (double)model->knot[i % 2][i / 2]);
    }
    if (d->quiet > -model->spread) d->quiet = 0;
    double wander = model->wander_sd * model->wander_sd;
    for (uint32_t i = 0; i < SERIES_LENSES; i++) {
        double lead = SERIES_LENS[i].since - 0.5 * (SERIES_LENS[i].width - 1);
        double decay = exp(-lead / model->wander_tau);
        d->decay[i] = (float)decay;
        d->lead[i] = (float)(wander * (1 - decay * decay) +
                               model->drift_sd * model->drift_sd * lead);
    }
    d->decay[SERIES_SLOW] = 0;
    d->lead[SERIES_SLOW] = (float)(model->spread * model->spread);
}

void level_begin(Detector *d, double level) {
    const SeriesModel *model = d->model;
    d->level = (DetectLevel){.drift = level};
    d->level.p[FF] = model->wander_sd * model->wander_sd;
    d->level.p[SS] = model->spread * model->spread;
    d->mean_level = level;
    d->run = INT32_MIN;
}

double level_now(const Detector *d, double growth) {
    return d->level.wander + d->level.drift + growth * d->level.holiday;
}

double level_variance(const Detector *d, double growth) {
    const double *p = d->level.p;
    return d->unsure * d->unsure + p[FF] + 2 * p[FS] + p[SS] +
           growth * (2 * (p[FG] + p[SG]) + growth * p[GG]);
}

bool level_promoted(const Detector *d) {
    // Divided, not multiplied: it may never have turned, and that is long ago.
    return d->promoted || d->slot - d->turned <= (PROMOTION_END_MS - 1) / d->settings.step_ms;
}

// What a promotion's deviations are shares of.
static double promotion_unit(const Detector *d) {
    return d->model->scaled ? 1 : fabs(d->base.mean + d->mean_level) + d->model->spread;
}

static void promote(Detector *d) {
    double *p = d->level.p, unit = promotion_unit(d);
    double stationary = d->model->wander_sd * d->model->wander_sd;
    if (d->moment.promotion != d->promoted) {
        double sd = (d->promoted ? PROMOTION_END_SD : PROMOTION_SD) * unit;
        if (d->promoted) {
            d->level.wander = 0;
            p[FS] = p[FG] = 0;
        }
        p[FF] = stationary + sd * sd;
        d->unsure = fmax(d->unsure, sd);
        d->promoted = d->moment.promotion;
        d->turned = d->slot;
    } else if (d->promoted) {
        double sd = PROMOTION_MINUTE_SD * unit, most = PROMOTION_SD * unit;
        double grown = p[FF] + sd * sd * fmin((double)d->settings.step_ms / 60000, 100);
        p[FF] = fmin(grown, stationary + most * most);
    }
}

void level_predict(Detector *d, bool midnight) {
    const SeriesModel *model = d->model;
    double a = d->step_decay, *p = d->level.p;
    d->level.wander *= a;
    p[FF] = p[FF] * a * a + model->wander_sd * model->wander_sd * (1 - a * a);
    if (d->moment.promotion || d->promoted) promote(d);
    p[FS] *= a;
    p[FG] *= a;
    p[SS] += model->drift_sd * model->drift_sd;
    if (midnight) {
        double sd = model->spread * (d->moment.holiday ? HOLIDAY_MIDNIGHT_SD : MIDNIGHT_SD);
        p[SS] += sd * sd;
    }
    if (d->moment.growth > 0 && d->moment.run != d->run) {
        d->run = d->moment.run;
        d->level.holiday = model->growth;
        p[FG] = p[SG] = 0;
        p[GG] = model->growth_sd * model->growth_sd;
    }
}

double level_noise(const Detector *d, double mean, double noise) {
    const SeriesModel *model = d->model;
    return noise * (model->flat + model->linear * fabs(mean) + model->square * mean * mean) +
           series_tiny(mean);
}

double level_forecast(const Detector *d, double mean, double growth, double noise,
                      double *variance) {
    double level = level_now(d, growth);
    double expected = d->model->scaled ? mean * exp(level) : mean + level;
    double slope = d->model->scaled ? expected : 1;
    *variance = level_noise(d, expected, noise) + slope * slope * level_variance(d, growth);
    return expected;
}

void level_learn(Detector *d, double value, double mean, double growth) {
    const SeriesModel *model = d->model;
    double variance, expected = level_forecast(d, mean, growth, (double)d->base.noise, &variance);
    double slope = d->model->scaled ? expected : 1;
    if (!(slope > 0) || !(variance > 0)) return;
    double off = (value - expected) / slope, s = variance / (slope * slope);
    double most = CLIP * sqrt(s);
    if (off > most) off = most;
    if (off < -most) off = -most;
    double *p = d->level.p;
    double kf = (p[FF] + p[FS] + growth * p[FG]) / s, ks = (p[FS] + p[SS] + growth * p[SG]) / s;
    double kg = (p[FG] + p[SG] + growth * p[GG]) / s;
    d->level.wander += kf * off;
    d->level.drift += ks * off;
    // No holiday is like any other, but what is too far from all is no holiday.
    double far = HOLIDAY_FAR * model->growth_sd, holiday = d->level.holiday + kg * off;
    d->level.holiday = fmax(model->growth - far, fmin(model->growth + far, holiday));
    p[FF] -= kf * kf * s;
    p[FS] -= kf * ks * s;
    p[FG] -= kf * kg * s;
    p[SS] -= ks * ks * s;
    p[SG] -= ks * kg * s;
    p[GG] -= kg * kg * s;
}

void level_keep(Detector *d) {
    uint32_t at = ring_at(d->slot);
    d->ring.wander[at] = (float)d->level.wander;
    d->ring.drift[at] = (float)d->level.drift;
    d->ring.holiday[at] = (float)d->level.holiday;
}

// What was not known `since` slots ago is what is not known now: the filter has long settled.
void level_rewind(Detector *d, uint32_t since) {
    const SeriesModel *model = d->model;
    uint32_t from = ring_at(d->slot - since);
    double wander = (double)d->ring.wander[from], *p = d->level.p;
    d->level.drift = (double)d->ring.drift[from];
    if (d->run == d->moment.run) d->level.holiday = (double)d->ring.holiday[from];
    for (uint32_t i = since; i-- > 0;) {
        wander *= d->step_decay;
        uint32_t at = ring_at(d->slot - i);
        d->ring.wander[at] = (float)wander;
        d->ring.drift[at] = (float)d->level.drift;
        d->ring.holiday[at] = (float)d->level.holiday;
    }
    d->level.wander = wander;
    double a = exp(-(double)since / model->wander_tau);
    p[FF] = p[FF] * a * a + model->wander_sd * model->wander_sd * (1 - a * a);
    p[FS] *= a;
    p[FG] *= a;
    p[SS] += model->drift_sd * model->drift_sd * since;
}

void level_again(Detector *d, int64_t from) {
    int64_t last = d->slot;
    uint32_t before = ring_at(from - 1);
    d->level.wander = (double)d->ring.wander[before];
    d->level.drift = (double)d->ring.drift[before];
    d->level.holiday = (double)d->ring.holiday[before];
    for (int64_t slot = from; slot <= last; slot++) {
        uint32_t at = ring_at(slot);
        d->slot = slot;
        level_predict(d, false);
        if (d->ring.mean[at] != 0 || d->ring.value[at] != 0) {
            level_learn(d, (double)d->ring.value[at], (double)d->ring.mean[at],
                        (double)d->ring.growth[at]);
        }
        level_keep(d);
    }
}

void level_settle(Detector *d) {
    if (level_promoted(d)) return;
    double off = d->level.wander + d->level.drift - d->mean_level, most = 2 * d->model->spread;
    if (off > most) off = most;
    if (off < -most) off = -most;
    double steps = 1.5 * SERIES_DAY_MS / (double)d->settings.step_ms;
    d->mean_level += off / fmax(steps, 64);
}
