// ml/series/train_noise.c - the noise of points, and how the level goes about.
//
// Noise is what a point differs by from the middle of its neighbours: levels and shapes cancel. The
// level's habits (how far it wanders, for how long, how much stays) are those under which the
// history, in blocks of five minutes, is most likely to a Kalman filter.
#include "ml/series/train_int.h"

static const double CLIP = 12;  // of a squared difference, in variances
enum { NOISE_ROUNDS = 6, BLOCK_MS = 300000 };

typedef struct Sample {
    float mean, square;  // of the profile; of the difference, in variances of one point
    uint8_t kind, hour;
} Sample;

// Differences from the middle of the neighbours; their number.
static uint32_t collect(const Train *train, Sample *sample) {
    const SeriesHistory *history = train->history;
    uint32_t count = 0;
    for (uint32_t i = 1; i + 1 < history->count; i++) {
        if (!train_has(train, i - 1) || !train_has(train, i) || !train_has(train, i + 1)) continue;
        double left = (double)history->value[i - 1], right = (double)history->value[i + 1];
        double off = (double)history->value[i] - 0.5 * (left + right);
        double mean = (left + right + (double)history->value[i]) / 3;
        SeriesMoment moment;
        int64_t ts = train_ts(train, i);
        series_moment(history->calendar, ts, &moment);
        if (train->model->scaled) {
            // The mean of three points that lie low would be low itself, and noise seem large.
            SeriesBase base;
            series_model_at(train->model, &moment, ts, &base);
            uint32_t day = (uint32_t)(moment.day - train->first_day);
            double level = day < train->days ? train->level[day] : (double)NAN;
            if (isnan(level) || train->apart[day]) continue;
            mean = base.mean * exp(level - (double)train->model->weekday[moment.weekday]);
        }
        sample[count++] = (Sample){.mean = (float)mean, .square = (float)(off * off / 1.5),
                                   .kind = moment.rest,
                                   .hour = (uint8_t)((uint32_t)moment.at_ms / 3600000)};
    }
    return count;
}

static double variance_at(const SeriesModel *model, double mean) {
    return model->flat + model->linear * mean + model->square * mean * mean + series_tiny(mean);
}

// Weighted least squares of the squares on mean and mean^2, neither coefficient negative.
static void fit_scaled(SeriesModel *model, const Sample *sample, uint32_t count) {
    double first = 0, weights = 0;
    for (uint32_t i = 0; i < count; i++) {
        double mean = (double)sample[i].mean;
        if (mean > 0) first += fmin((double)sample[i].square / mean, 1e6), weights++;
    }
    model->flat = 0;
    model->linear = model->counts ? 1 : weights > 0 ? first / weights : 1;
    model->square = model->counts ? 0.0025 : 1e-6;
    for (uint32_t round = 0; round < NOISE_ROUNDS; round++) {
        double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
        for (uint32_t i = 0; i < count; i++) {
            double mean = (double)sample[i].mean, square = (double)sample[i].square;
            if (!(mean > 0)) continue;
            double variance = variance_at(model, mean), weight = 1 / (variance * variance);
            square = fmin(square, CLIP * variance);
            double a = mean, b = mean * mean;
            aa += weight * a * a, ab += weight * a * b, bb += weight * b * b;
            ay += weight * a * square, by += weight * b * square;
        }
        if (!(bb > 0)) return;
        double det = aa * bb - ab * ab;
        if (model->ceiling != 0) {
            model->linear = fmax(ay / aa, 1e-12);  // shares of few: binomial
            model->square = 1e-9;
        } else if (model->counts) {
            model->square = fmax((by - ab) / bb, 1e-6);
        } else if (det > 1e-9 * aa * bb) {
            double linear = (ay * bb - by * ab) / det, square = (by * aa - ay * ab) / det;
            if (linear < 0) linear = 0, square = by / bb;
            if (square < 0) square = 0, linear = ay / aa;
            model->linear = linear;
            model->square = fmax(square, 1e-9);
        } else {
            model->linear = 0;
            model->square = fmax(by / bb, 1e-9);
        }
    }
}

static void fit_flat(SeriesModel *model, const Sample *sample, uint32_t count) {
    float *square = NEW_ARRAY(float, count + 1);
    for (uint32_t i = 0; i < count; i++) square[i] = sample[i].square;
    model->linear = model->square = 0;
    model->flat = train_median(square, count) / 0.455;  // the median of chi squared
    mem_free(square);
    for (uint32_t round = 0; round < NOISE_ROUNDS; round++) {
        double sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            sum += fmin((double)sample[i].square, CLIP * model->flat + 1e-30);
        }
        if (count) model->flat = sum / count;
    }
}

// Some hours are noisier than their mean explains: rates of few, jobs that run at night.
static void fit_hours(SeriesModel *model, const Sample *sample, uint32_t count) {
    double sum[2][SERIES_HOURS] = {0}, n[2][SERIES_HOURS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        double variance = variance_at(model, (double)sample[i].mean);
        sum[sample[i].kind][sample[i].hour] += fmin((double)sample[i].square / variance, 4 * CLIP);
        n[sample[i].kind][sample[i].hour]++;
    }
    double trust = model->counts ? 400 : 30;
    for (uint32_t kind = 0; kind < 2; kind++) {
        for (uint32_t hour = 0; hour < SERIES_HOURS; hour++) {
            double share = (sum[kind][hour] + trust) / (n[kind][hour] + trust);
            if (model->counts) share = fmax(0.9, share);
            model->hour[kind][hour] = (float)fmax(share, 1e-3);
        }
    }
}

void train_noise(Train *train) {
    SeriesModel *model = train->model;
    Sample *sample = NEW_ARRAY(Sample, train->history->count + 1);
    uint32_t count = collect(train, sample);
    for (uint32_t i = 0; i < SERIES_HOURS; i++) model->hour[0][i] = model->hour[1][i] = 1;
    if (model->scaled) fit_scaled(model, sample, count);
    else fit_flat(model, sample, count);
    fit_hours(model, sample, count);
    mem_free(sample);
}

// -- The level ------------------------------------------------------------------------------------

typedef struct Block {
    double value, mean, noise;  // sum; of the profile; variance of the sum at the day's level
    float points;
} Block;

typedef struct Habit {
    double wander, tau, drift;  // tau in blocks, drift of a block
} Habit;

// Minus the log likelihood of the blocks, each no worse than 3.5 deviations.
static double unlikely(const SeriesModel *model, const Block *block, uint32_t count, double start,
                       double spread, const Habit *habit) {
    double a = exp(-1 / habit->tau), wander = 0, drift = start, cost = 0;
    double stationary = habit->wander * habit->wander;
    double ff = stationary, fs = 0, ss = spread * spread;
    for (uint32_t i = 0; i < count; i++) {
        wander *= a;
        ff = ff * a * a + stationary * (1 - a * a);
        fs *= a;
        ss += habit->drift * habit->drift;
        const Block *at = &block[i];
        if (at->points <= 0 || !(at->noise > 0)) continue;
        double slope, expected;
        if (model->scaled) {
            slope = expected = at->mean * exp(wander + drift);
        } else {
            slope = (double)at->points;
            expected = at->mean + slope * (wander + drift);
        }
        if (!(slope > 0)) continue;
        double s = at->noise / (slope * slope) + ff + 2 * fs + ss;
        double off = (at->value - expected) / slope, z = off * off / s;
        if (z > 12) {
            cost += 0.5 * 12;
            off *= sqrt(12 / z);
            if (z > 50) off = 0;  // an anomaly, not the level
        } else {
            cost += 0.5 * z;
        }
        cost += 0.5 * log(s * slope * slope / at->noise);
        double kf = (ff + fs) / s, ks = (fs + ss) / s;
        wander += kf * off;
        drift += ks * off;
        ff -= kf * kf * s;
        fs -= kf * ks * s;
        ss -= ks * ks * s;
    }
    return cost;
}

static uint32_t make_blocks(const Train *train, uint32_t steps, Block *block, double *start) {
    const SeriesHistory *history = train->history;
    uint32_t count = 0;
    double got = 0, mean = 0, points = 0;
    for (uint32_t i = 0; i < history->count; i++) {
        if (i % steps == 0) block[count++] = (Block){0};
        if (!train_has(train, i)) continue;
        SeriesMoment moment;
        SeriesBase base;
        int64_t ts = train_ts(train, i);
        series_moment(history->calendar, ts, &moment);
        if (moment.growth > 0) continue;
        series_model_at(train->model, &moment, ts, &base);
        uint32_t day = (uint32_t)(moment.day - train->first_day);
        double level = train->level[day], at = base.mean;
        if (isnan(level)) continue;
        level -= (double)train->model->weekday[moment.weekday];
        at = train->model->scaled ? at * exp(level) : at + level;
        Block *into = &block[count - 1];
        into->value += (double)history->value[i];
        into->mean += base.mean;
        into->noise += (double)base.noise * variance_at(train->model, fabs(at));
        into->points++;
        if (got == 0 || points < (double)SERIES_DAY_MS / (double)history->step_ms) {
            got += (double)history->value[i];
            mean += base.mean;
            points++;
        }
    }
    *start = points <= 0           ? 0
             : train->model->scaled ? log(fmax(got, 0.3) / fmax(mean, 1e-9))
                                    : (got - mean) / points;
    return count;
}

// How far the level of an hour is from that of its day.
static double restless(const Train *train, const Block *block, uint32_t count, uint32_t hour) {
    float *off = NEW_ARRAY(float, count / hour + 2);
    uint32_t found = 0;
    for (uint32_t i = 0; i + hour <= count; i += hour) {
        double value = 0, mean = 0, noise = 0, points = 0;
        for (uint32_t j = i; j < i + hour; j++) {
            value += block[j].value, mean += block[j].mean;
            noise += block[j].noise, points += (double)block[j].points;
        }
        if (points <= 0 || mean == 0) continue;
        if (train->model->scaled && !(value > 0 && noise < 0.01 * value * value)) continue;
        off[found++] = (float)(train->model->scaled ? log(value / mean) : (value - mean) / points);
    }
    double sd = train->model->scaled ? 0.06 : 0;  // not to be seen for noise
    if (found > 8) {
        double middle = train_median(off, found);
        for (uint32_t i = 0; i < found; i++) off[i] = fabsf(off[i] - (float)middle);
        sd = 1.4826 * train_median(off, found);
    }
    mem_free(off);
    return sd;
}

void train_level(Train *train) {
    static const double TAU[] = {8, 20, 45, 120}, SHARE[] = {0.15, 0.3, 0.6, 1},
                        DRIFT[] = {0.1, 0.4, 1};
    SeriesModel *model = train->model;
    int64_t step = train->history->step_ms;
    uint32_t steps = step < BLOCK_MS ? (uint32_t)(BLOCK_MS / step) : 1;
    Block *block = NEW_ARRAY(Block, train->history->count / steps + 2);
    double start, day = (double)SERIES_DAY_MS / (double)(step * steps);
    uint32_t count = make_blocks(train, steps, block, &start);
    uint32_t hour = step * steps < 3600000 ? (uint32_t)(3600000 / (step * steps)) : 1;
    double spread = restless(train, block, count, hour);
    double least = model->scaled ? 0.02 : 0.1 * sqrt(model->flat) + 1e-9 * fabs(train->median);
    spread = fmax(spread, least);
    double best = HUGE_VAL;
    Habit kept = {0};
    for (size_t t = 0; t < sizeof TAU / sizeof *TAU; t++) {
        for (size_t w = 0; w < sizeof SHARE / sizeof *SHARE; w++) {
            for (size_t r = 0; r < sizeof DRIFT / sizeof *DRIFT; r++) {
                Habit habit = {SHARE[w] * spread, TAU[t], DRIFT[r] * spread / sqrt(day)};
                double cost = unlikely(model, block, count, start, spread, &habit);
                if (cost < best) best = cost, kept = habit;
            }
        }
    }
    model->wander_sd = fmax(kept.wander, 0.25 * least);
    model->wander_tau = fmax(kept.tau * steps, 2);
    model->drift_sd = kept.drift / sqrt(steps);
    model->spread = spread;
    mem_free(block);
}
