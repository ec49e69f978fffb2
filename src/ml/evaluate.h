// ml/evaluate.h - how good a model is: metrics by task, counted row by row.
//
//     MlEval *eval = ml_eval_new(&(MlEvalSpec){.task = ML_CLASSIFICATION});
//     TRY(ml_eval_add(eval, &batch, err));             // as often as there are batches
//     uint32_t count = ml_eval_metrics(eval, metric);  // whenever somebody asks
//
// An MlEval can be merged with another (partial results of workers), saved and restored: the same
// numbers come out, bit for bit, as if nothing had been cut. With a fading factor or a window it is
// prequential (Gama, Sebastião, Rodrigues, 2013): old rows weigh less, or nothing.
//
// Names are Flink's where it has them (Accuracy, Precision, Recall, F1, MAE, RMSE ...); Precision,
// Recall and F1 are means over classes, those of one class are "F1(class)".
//
// Memory: owned by the MlEval; in proportion to classes and clusters, the window, and at most
// 16,384 scores for each class (AUC is exact up to half as many different ones).
// Threads: one at a time.
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

typedef struct MlEvalSpec {
    MlTask task;
    double fading;  // in (0, 1): a row weighs so much for each row after it; 0: all weigh the same
    uint32_t window;  // the last so many rows, of the tasks with one number or class; 0: all
} MlEvalSpec;

typedef struct MlEval MlEval;

// What was true and what the model said of it. Outputs are found by name: "prediction" (also within
// brackets, as "pmml(prediction)"), else the first one; "probability(class)"; "score". Clusters are
// judged by the model's inputs, and need no label.
typedef struct MlEvalBatch {
    const MlField *label;
    const MlColumn *label_column;
    const MlField *out;
    const MlColumn *out_column;
    uint32_t out_count;
    const MlField *in;
    const MlColumn *in_column;
    uint32_t in_count, rows;
} MlEvalBatch;

MlEval *ml_eval_new(const MlEvalSpec *spec);
void ml_eval_free(MlEval *eval);  // NULL is fine
// Rows whose label or prediction is missing are left out and counted ("Skipped").
// ST_VALIDATION: the batch lacks what the task needs.
NODISCARD Status ml_eval_add(MlEval *eval, const MlEvalBatch *batch, Error *err);
// Adds what [from] has seen; both of one spec, without a window.
NODISCARD Status ml_eval_merge(MlEval *eval, const MlEval *from, Error *err);
void ml_eval_save(const MlEval *eval, Buf *out);
NODISCARD Status ml_eval_load(Str bytes, MlEval **out, Error *err);
// Fills [out] (ML_METRICS_MAX) and returns how many; "Rows" is the first.
uint32_t ml_eval_metrics(const MlEval *eval, MlMetric *out);
// The metric by which two models of a task are held against each other; NULL: there is none.
const char *ml_task_metric(MlTask task);
bool ml_metric_less_is_better(const char *name);  // of errors and distances
// NaN when there is none of that name.
double ml_metric(const MlMetric *metric, uint32_t count, const char *name);
