// fuzz_series_model: the files of models (ml/series/model.h). What is read forecasts any moment, is
// used by a detector, and is written and read again.
#include <math.h>

#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "ml/series/detect.h"

enum { POINTS = 30, BYTES_MAX = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > BYTES_MAX) return 0;
    SeriesModel *model = NULL, *again = NULL;
    Error err = {0};
    if (series_model_load(str_make((const char *)data, size), &model, &err)) {
        ASSERT(err.message[0] && !model);
        return 0;
    }
    SeriesMoment moment;
    SeriesBase base;
    Buf line = {0}, bytes = {0};
    static const int64_t TIMES[] = {0, -1, 1760054400000, INT64_MAX / 2, INT64_MIN / 2};
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++) {
        series_moment(NULL, TIMES[i], &moment);
        series_model_at(model, &moment, TIMES[i], &base);
    }
    DetectSettings settings = {.step_ms = model->step_ms};
    Detector *detector = detector_new(&settings);
    DetectVerdict verdict;
    detector_use(detector, model);
    for (int64_t i = 0; i < POINTS && model->step_ms < INT64_MAX / 1000000; i++) {
        detector_push(detector, (500000 + i) * model->step_ms, (double)(i * i), &verdict);
        ASSERT(isfinite(verdict.score));
    }
    detector_free(detector);
    series_model_describe(model, &line);
    series_model_save(model, &bytes);
    ASSERT(!series_model_load(buf_str(&bytes), &again, &err));
    (void)series_model_unref(again);
    (void)series_model_unref(model);
    buf_free(&line);
    buf_free(&bytes);
    return 0;
}
