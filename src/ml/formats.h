// ml/formats.h - what the folders below hand to the list of readers (ml/formats.c).
#pragma once

#include "ml/model.h"

extern const MlFormat WEIR_FORMAT;  // ml/weir/: what ml_train makes
extern const MlFormat ONLINE_FORMAT;  // ml/online/: what a learner of a stream knows
extern const MlFormat ONNX_FORMAT;  // ml/onnx/: ONNX's graphs and classical models
extern const MlFormat TENSORFLOW_FORMAT;  // ml/tf/: frozen graphs and SavedModels
extern const MlFormat ONNX_LIBRARY_FORMAT;  // the same files, run by ONNX Runtime
extern const MlFormat TENSORFLOW_LIBRARY_FORMAT;  // the same, run by TensorFlow
