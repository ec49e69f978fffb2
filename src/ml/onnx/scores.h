// ml/onnx/scores.h - what the classifiers of ai.onnx.ml share: labels, and scores made into
// probabilities. Where the standard says little, as ONNX Runtime does it.
#pragma once

#include "ml/graph/op.h"

typedef enum Transform { TRANSFORM_NONE, TRANSFORM_SOFTMAX, TRANSFORM_SOFTMAX_ZERO,
                         TRANSFORM_LOGISTIC, TRANSFORM_PROBIT } Transform;

// Labels of classes: texts or numbers.
typedef struct Labels {
    const Str *text;
    const int64_t *number;
    uint32_t count;
} Labels;

Labels labels_of(const Setup *setup, const char *texts, const char *numbers);
NODISCARD Status transform_of(const Setup *setup, Transform *out, Error *err);
void transform_scores(Transform transform, double *score, uint32_t count);
// Output [out] of the node: [rows] labels of classes, which label_put fills.
NODISCARD Status labels_new(const Call *call, uint32_t out, const Labels *labels, int64_t rows,
                            Error *err);
void label_put(const Tensor *out, int64_t row, const Labels *labels, int64_t class);
uint32_t greatest_of(const double *score, uint32_t count);

// Rows and columns of an input: a vector is one row. Numbers only.
NODISCARD Status table_of(const Call *call, uint32_t in, int64_t *rows, int64_t *columns,
                          Error *err);
