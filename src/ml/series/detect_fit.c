// ml/series/detect_fit.c - whether the model still fits, and the change to another one.
//
// It does not fit where the mean level of days has gone far from where the model left it; where
// healthy points have been off by much more than its noise for a day, as when the day has another
// shape now; where something has been off for most of a day, which faults are not and a weekend
// that a model of four work days forecasts is; and where what was off has been taken for the new
// normal.
#include "ml/series/detect_int.h"

static const double LEVEL_GONE = 5;    // spreads
static const double UNREST_GROWN = 2;  // times the model's own
static const double OFF_DOUBT = 0.25;  // of a day's points: 7 hours, if they were the last
static const double OFF_MOST = 0.45;   // 14 hours
enum { PROFILES_COMPARED = 48 };

// -- Another model --------------------------------------------------------------------------------

// A model of another size may know the new unit already: then it is the metric's own again.
static void unit_settle(Detector *d, const SeriesModel *before) {
    double was = before->base + before->level, is = d->model->base + d->model->level;
    double change = before->scaled && d->model->scaled
                        ? is - was
                        : log(fmax(fabs(is), 1e-30) / fmax(fabs(was), 1e-30));
    if (d->unit == 1 || fabs(change - log(d->unit)) > fabs(change)) return;
    for (uint32_t i = 0; i < SERIES_RING; i++) d->ring.value[i] *= (float)d->unit;
    d->unit = 1;
}

// The ring holds what the model speaks of.
static void turn(Detector *d, double off, const SeriesModel *model, const SeriesModel *before) {
    bool is = model && model->ceiling != 0, was = before && before->ceiling != 0;
    if (is == was && off == 0) return;
    for (uint32_t i = 0; i < SERIES_RING; i++) {
        if (d->ring.mean[i] == 0 && d->ring.value[i] == 0) continue;
        double value = (double)d->ring.value[i];
        if (was) value = before->ceiling - value;
        if (is) value = model->ceiling - value;
        d->ring.value[i] = (float)value;
        if (d->ring.mean[i] == 0) d->ring.mean[i] = 1;
    }
}

// How much higher the level of [before] is than that of [model] where both mean the same: their
// profiles' distance over the last day.
static double level_apart(const Detector *d, const SeriesModel *before, const SeriesModel *model) {
    double sum = 0;
    for (uint32_t i = 0; i < PROFILES_COMPARED; i++) {
        int64_t ts_ms = d->slot * d->settings.step_ms - i * (SERIES_DAY_MS / PROFILES_COMPARED);
        SeriesMoment moment;
        SeriesBase was, is;
        series_moment(d->settings.calendar, ts_ms, &moment);
        series_model_at(before, &moment, ts_ms, &was);
        series_model_at(model, &moment, ts_ms, &is);
        sum += model->scaled ? log(fmax(was.mean, 1e-30) / fmax(is.mean, 1e-30))
                             : was.mean - is.mean;
    }
    return sum / PROFILES_COMPARED;
}

// Levels of the two are the same quantity, but for their profiles.
static bool alike(const SeriesModel *a, const SeriesModel *b) {
    return a && b && a->scaled == b->scaled && a->ceiling == b->ceiling;
}

// Where the level is to stand at the oldest point of the ring. The detector knows better than the
// model, whose history may have ended in the middle of a fault, a holiday or a new normal; unless
// so much was off to it that rather its forecasts were: it would hand their fault on from model to
// model.
static void begin_again(Detector *d, const SeriesModel *before) {
    const SeriesModel *model = d->model;
    if (!d->started || !d->depth || !alike(before, model) || d->off > OFF_DOUBT) {
        level_begin(d, model->level);
        return;
    }
    double apart = level_apart(d, before, model), mean_level = d->mean_level + apart;
    double holiday = d->level.holiday, unsure = d->level.p[5];
    int32_t run = d->run;
    uint32_t first = ring_at(d->slot - (int64_t)d->depth + 1);
    level_begin(d, (double)d->ring.drift[first] + apart);
    d->mean_level = mean_level;
    if (run == INT32_MIN) return;
    d->run = run;
    d->level.holiday = holiday;
    d->level.p[5] = unsure;
}

// The ring's points are seen anew with the model's eyes: profile, then level from the oldest on.
// An alarm stays as it is: its points have no say.
static void see_again(Detector *d) {
    int64_t last = d->slot, first = last - (int64_t)d->depth + 1;
    bool off = d->mode != MODE_NORMAL;
    for (int64_t slot = first; slot <= last; slot++) {
        uint32_t at = ring_at(slot);
        bool there = d->ring.mean[at] != 0 || d->ring.value[at] != 0;
        d->slot = slot;
        level_place(d, slot);
        level_predict(d, false);
        d->ring.growth[at] = (float)d->moment.growth;
        if (there) d->ring.mean[at] = (float)d->base.mean;
        if (there && !(off && slot >= d->alarm.begin)) {
            level_learn(d, (double)d->ring.value[at], d->base.mean, d->moment.growth);
        }
        level_keep(d);
    }
}

void detector_use(Detector *d, SeriesModel *model) {
    SeriesModel *before = d->model;
    d->model = series_model_ref(model);
    if (model && before) unit_settle(d, before);
    turn(d, (model ? model->ceiling : 0) - (before ? before->ceiling : 0), model, before);
    if (model) {
        level_derive(d);
        net_state_use(&d->net, model, d->settings.calendar);
        begin_again(d, before);
        fit_begin(d);
        if (d->started) see_again(d);
    } else {
        net_state_use(&d->net, NULL, NULL);
        d->mode = MODE_NORMAL;
    }
    series_model_unref(before);
}

// -- Does it fit? ---------------------------------------------------------------------------------

static uint32_t day_of(const Detector *d) {
    int64_t steps = SERIES_DAY_MS / d->settings.step_ms;
    return steps < 64 ? 64 : (uint32_t)steps;
}

void fit_begin(Detector *d) {
    d->unrest = d->model->unrest;
    d->fitted = 0;
    d->off = 0;
    d->drifted = d->started ? d->slot : INT64_MIN / 2;
}

void fit_drifted(Detector *d, DetectVerdict *out) {
    if (d->slot - d->drifted < day_of(d)) return;
    d->drifted = d->slot;
    out->flags |= DETECT_DRIFT;
}

void fit_look(Detector *d, DetectVerdict *out) {
    double was = d->off;
    d->off += ((d->mode != MODE_NORMAL) - d->off) / day_of(d);
    if (d->off > OFF_MOST && was <= OFF_MOST) fit_drifted(d, out);
}

void fit_learn(Detector *d, DetectVerdict *out) {
    const SeriesModel *model = d->model;
    if (d->moment.growth > 0 || level_promoted(d)) return;
    uint32_t day = day_of(d);
    d->unrest += (series_unrest((double)d->deviation[0]) - d->unrest) / day;
    if (d->fitted < day) d->fitted++;
    if (d->fitted < day) return;
    bool gone = fabs(d->mean_level - model->level) > LEVEL_GONE * model->spread;
    bool restless = model->unrest > 0 && d->unrest > UNREST_GROWN * model->unrest;
    if (gone || restless) fit_drifted(d, out);
}
