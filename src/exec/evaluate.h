// exec/evaluate.h - shared by the files of ML_EVALUATE's operator and nobody else: the watch over a
// model's errors (evaluate_drift.c).
#pragma once

#include "exec/operator.h"
#include "ml/evaluate.h"

typedef struct DriftWatch DriftWatch;
DriftWatch *drift_watch_new(MlTask task);
void drift_watch_free(DriftWatch *self);  // NULL is fine
void drift_watch_reset(DriftWatch *self);
// True when the errors have become more.
bool drift_watch_rows(DriftWatch *self, const MlEvalBatch *batch);
void drift_watch_save(DriftWatch *self, Buf *out);
NODISCARD Status drift_watch_load(DriftWatch *self, Str bytes, Error *err);
