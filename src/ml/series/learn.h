// ml/series/learn.h - a detector that trains itself: it keeps the metric's points, as many as
// `history_points_max`, and makes a model of them as soon as they suffice (two days), again as they
// double, from four weeks on every two weeks; and at once when it does not fit any more. For
// replays and for SQL, where no platform keeps history and trains beside the stream.
//
// Memory: four bytes a point kept, and of those a quarter more than are trained on, beside the
// detector. Threads: one at a time. A push takes long (tens of milliseconds) when it trains.
#pragma once

#include "ml/series/detect.h"

typedef struct Learner Learner;

typedef struct LearnSettings {
    DetectSettings detect;         // step_ms == 0: found from the first points
    uint32_t history_points_max;   // 0: six weeks, 60,480 points at most
    SeriesNetKind nets;            // networks that training may try (model.h); takes time
    SeriesGeneral *general;        // borrowed, not saved; NULL: no general network
    const DetectEar *ear;          // of the detector; may be NULL
    bool untrained;                // never train: somebody else gives models
} LearnSettings;

Learner *learner_new(const LearnSettings *settings);
void learner_free(Learner *learner);  // NULL is fine
void learner_push(Learner *learner, int64_t ts_ms, double value, DetectVerdict *out);
// NULL until the step is known.
Detector *learner_detector(Learner *learner);
uint32_t learner_trainings(const Learner *learner);

void learner_save(const Learner *learner, Buf *out);
NODISCARD Status learner_load(Str bytes, Learner **out, Error *err);
size_t learner_bytes(const Learner *learner);
