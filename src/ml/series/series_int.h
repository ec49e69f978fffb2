// ml/series/series_int.h - what model, training and detector share.
#pragma once

#include <math.h>

#include "ml/series/detect.h"

// How a window looks at the past: the last `width` points against the forecast that was made
// `since` points ago. Widths grow, so that one pass over the points serves them all. Wide and late
// windows are for what comes slowly: by the time a fault is large its beginning is in every
// forecast that is not old. The last one stands against the mean of days.
typedef struct SeriesLens {
    uint16_t width, since;
} SeriesLens;
extern const SeriesLens SERIES_LENS[SERIES_LENSES];
enum { SERIES_RING = 128, SERIES_SLOW = SERIES_LENSES - 1 };

// The deviation of a sum from its mean in standard deviations, signed: Gaussian, or of sums of
// counts and shares the root of the deviance of a negative binomial with the same variance.
double series_deviation(double sum, double mean, double linear, double square);

void series_sort(float *value, size_t count);  // none of them NAN

// A point's part in the unrest of a metric: one outlier says little.
static inline double series_unrest(double deviation) {
    return fmin(deviation * deviation, 9);
}

// The floor under a variance, so that a constant metric divides by something.
static inline double series_tiny(double scale) {
    return 1e-12 * scale * scale + 1e-18;
}

// Training's ear at the detector: the deviations through all lenses at the point pushed last, the
// level, and whether it was taken for healthy.
typedef struct DetectorInside {
    const float *deviation;  // SERIES_LENSES
    double level, mean_level;
    bool healthy;
} DetectorInside;
void detector_inside(const Detector *detector, DetectorInside *out);
// The case that the newest point is, and its score before all doubts. There is a model.
double detector_case(const Detector *detector, TasteCase *at);

// A slot of a metric with that step: its time is one that can be told.
static inline void series_code_slot(Codec *codec, int64_t *slot, int64_t step_ms) {
    const int64_t most = INT64_MAX / 4 / (step_ms > 0 ? step_ms : 1);
    codec_i64(codec, slot);
    if (*slot >= -most && *slot <= most) return;
    codec_fail(codec, "a time is out of range");
    *slot = 0;
}
static inline void series_code_f32s(Codec *codec, float *value, size_t count) {
    _Static_assert(sizeof(float) == sizeof(uint32_t), "floats are words");
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &value[i], sizeof word);
        codec_u32(codec, &word);
        memcpy(&value[i], &word, sizeof word);
    }
}
