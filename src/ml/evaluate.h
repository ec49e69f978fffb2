// ml/evaluate.h - how good a model is: metrics by task, counted row by row.
//
// An MlEval takes labels and predictions a batch at a time, can be merged with another (partial
// results of workers), saved, and restored: the same numbers come out as if nothing had been cut.
// With a fading factor or a window it is prequential: each row is first predicted, then judged, and
// old rows weigh less or nothing.
#pragma once

#include "ml/model.h"

typedef enum MlTask {
    ML_CLASSIFICATION,
    ML_REGRESSION,
    ML_CLUSTERING,
    ML_OUTLIERS,
    ML_FORECASTING,
    ML_EMBEDDING,
    ML_TEXT_GENERATION,
    ML_TASKS_
} MlTask;

enum { ML_METRICS_MAX = 160, ML_METRIC_NAME_MAX = 48 };

typedef struct MlMetric {
    char name[ML_METRIC_NAME_MAX];
    double value;
} MlMetric;

const char *ml_task_name(MlTask task);         // "classification"
bool ml_task_named(Str name, MlTask *out);     // without regard to case
