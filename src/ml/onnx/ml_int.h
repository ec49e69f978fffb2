// ml/onnx/ml_int.h - the operators of ai.onnx.ml, by file; ops_ml.c lists them.
#pragma once

#include "ml/graph/op.h"

// ml_tree.c
Status tree_classifier_prepare(Setup *setup, Error *err);
Status tree_regressor_prepare(Setup *setup, Error *err);
Status tree_ensemble_prepare(Setup *setup, Error *err);
Status tree_ensemble_run(const Call *call, Error *err);

// ml_linear.c: linear models and support vectors
Status linear_prepare(Setup *setup, Error *err);
Status linear_classifier_run(const Call *call, Error *err);
Status linear_regressor_run(const Call *call, Error *err);
Status svm_prepare(Setup *setup, Error *err);
Status svm_classifier_run(const Call *call, Error *err);
Status svm_regressor_run(const Call *call, Error *err);
