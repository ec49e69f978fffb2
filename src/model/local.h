// model/local.h - providers that read a file and predict in this process.
#pragma once

#include "spi/model.h"

extern const ModelProvider ONNX_PROVIDER, PMML_PROVIDER, TENSORFLOW_PROVIDER, WEIR_PROVIDER;
