// exec/predict.h - shared by the files of ML_PREDICT's operator and nobody else.
//
//   predict.c        the operator: rows in, rows with predictions out, in order or as they are
//   answered predict_pool.c   threads that ask a model elsewhere while the worker goes on
#pragma once

#include "exec/operator.h"
#include "spi/model.h"

// Rows under way: a batch or a piece of it.
typedef struct PredictRequest {
    struct PredictRequest *later;  // in the operator's line
    struct PredictRequest *next;   // in the pool's
    Batch *in;                     // NULL: a watermark that waits for those before it
    Batch *out;                    // its arena has the features, and then the predictions
    Vec **feature;
    Vec **answer;
    int64_t watermark_ms;
    int64_t begun_ms;
    int64_t took_ns;               // the model, for it
    Status status;
    Error error;
    bool done;                     // under the pool's lock
} PredictRequest;

typedef struct PredictPool PredictPool;
// Threads with a predictor each, as many as the plan says, 32 at most.
NODISCARD Status predict_pool_open(const PredictSpec *spec, PredictPool **out, Error *err);
void predict_pool_close(PredictPool *self);  // NULL is fine; what is under way is cancelled
void predict_pool_submit(PredictPool *self, PredictRequest *request);
// Whether it is answered; [wait]: not before it is. ST_RUNTIME when it takes longer than the
// timeout.
NODISCARD Status predict_pool_done(PredictPool *self, PredictRequest *request, bool wait,
                                   bool *done, Error *err);
// Between two checkpoints: each thread looks for a newer version of the model before its next
// request.
void predict_pool_refresh(PredictPool *self);
