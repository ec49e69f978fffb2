// model/local.h - providers that read a file and predict in this process.
#pragma once

#include "spi/model.h"

extern const ModelProvider ONNX_PROVIDER, PMML_PROVIDER, TENSORFLOW_PROVIDER;
extern const ModelProvider WEIR_PROVIDER;  // after local_begin()

// Gathers the options of all algorithms, which a model trained here has; once, before any thread
// starts.
void local_begin(void);
