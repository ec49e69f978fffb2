// ml/series/train_kind.c - what kind of series it is; and the profile of one whose period is no
// day.
#include <stdlib.h>

#include "ml/series/spectrum.h"
#include "ml/series/train_int.h"

// The means by phase, from the epoch on; of a level that multiplies, logarithms.
static void fit_phase(Train *train, const double *value, uint32_t period) {
    const SeriesHistory *history = train->history;
    SeriesModel *model = train->model;
    double *phase = NEW_ARRAY(double, period), mean = 0, count = 0;
    (void)spectrum_fold(value, history->count, period, phase);
    for (uint32_t i = 0; i < history->count; i++) {
        if (train_has(train, i)) mean += (double)history->value[i], count++;
    }
    mean /= fmax(count, 1);
    int64_t slot = history->from_ms / history->step_ms % period;
    if (slot < 0) slot += period;
    model->phase = NEW_ARRAY(float, period);
    for (uint32_t k = 0; k < period; k++) {
        double at = phase[k];
        if (model->scaled) at = log(fmax(1 + at / fmax(mean, 1e-3), 1e-3));
        model->phase[((uint32_t)slot + k) % period] = (float)at;
    }
    model->period = period;
    mem_free(phase);
}

void train_kind(Train *train) {
    const SeriesHistory *history = train->history;
    SeriesModel *model = train->model;
    mem_free(model->phase);
    model->phase = NULL;
    model->period = 0;
    if (model->kind == SERIES_CONSTANT) return;
    float *there = NEW_ARRAY(float, history->count);
    for (uint32_t i = 0; i < history->count; i++) {
        there[i] = train_has(train, i) ? history->value[i] : NAN;
    }
    SpectrumLook seen;
    uint32_t day =
        history->step_ms < SERIES_DAY_MS ? (uint32_t)(SERIES_DAY_MS / history->step_ms) : 0;
    spectrum_look(there, history->count, day, &seen);
    if (seen.kind != SERIES_CONSTANT) model->kind = seen.kind;
    if (seen.period && seen.period != day && seen.period <= SERIES_PERIOD_MAX) {
        double *value = NEW_ARRAY(double, history->count);
        if (spectrum_clean(there, history->count, value)) fit_phase(train, value, seen.period);
        mem_free(value);
    }
    mem_free(there);
}
