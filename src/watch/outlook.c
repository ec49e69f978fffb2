#include "watch/outlook.h"

#include <math.h>

#include "watch/judge.h"
#include "watch/watch_int.h"

// A holiday's coefficient is known to whoever has seen its first minute, the network wants a day
// and a half; what lies further back than the longest time between two trainings is no use.
enum { DAYS_LEAST = 10, DAYS_MOST = 30, READ_POINTS = 4096 };

static Status walk(Watch *watch, const WatchMetric *metric, Detector *detector, int64_t from_ms,
                   int64_t last_ms, Error *err) {
    const int64_t step_ms = detector_settings(detector)->step_ms;
    double value[READ_POINTS];
    DetectVerdict ignored;
    for (int64_t ms = from_ms; ms <= last_ms; ms += READ_POINTS * step_ms) {
        int64_t left = (last_ms - ms) / step_ms + 1;
        uint32_t count = left < READ_POINTS ? (uint32_t)left : READ_POINTS;
        TRY(history_read(watch_history(watch), metric->key, step_ms, ms, count, value, err));
        for (uint32_t i = 0; i < count; i++) {
            if (!isnan(value[i])) detector_push(detector, ms + i * step_ms, value[i], &ignored);
        }
    }
    return ST_OK;
}

static int64_t begin_of(const SeriesModel *model, int64_t first_ms, int64_t last_ms) {
    int64_t from_ms = model->to_ms, day_ms = SERIES_DAY_MS;
    if (from_ms > last_ms - DAYS_LEAST * day_ms) from_ms = last_ms - DAYS_LEAST * day_ms;
    if (from_ms < last_ms - DAYS_MOST * day_ms) from_ms = last_ms - DAYS_MOST * day_ms;
    if (from_ms < first_ms) from_ms = first_ms;
    return from_ms - from_ms % model->step_ms;
}

Status watch_outlook(Watch *watch, WatchMetric *metric, uint32_t ahead, DetectVerdict *out,
                     uint32_t *count, Error *err) {
    int64_t first_ms, last_ms, silence_ms;
    uint32_t number;
    *count = 0;
    if (!watch_span(watch, metric, &first_ms, &last_ms)) return ST_OK;
    SeriesModel *model = watch_model(watch, metric, &number);
    DetectSettings settings = judge_settings(watch, metric, &silence_ms);
    Status st = ST_OK;
    if (model && model->step_ms == settings.step_ms) {
        Detector *detector = detector_new(&settings);
        detector_use(detector, model);
        st = walk(watch, metric, detector, begin_of(model, first_ms, last_ms), last_ms, err);
        for (uint32_t i = 0; !st && i < ahead; i++) {
            if (detector_forecast(detector, i + 1, &out[i])) *count = i + 1;
        }
        detector_free(detector);
    }
    (void)series_calendar_unref(settings.calendar);
    (void)series_model_unref(model);
    return st;
}
