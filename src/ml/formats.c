// ml/formats.c - the readers of this build, in the order in which they are asked whether a file is
// theirs.
#include "ml/formats.h"
#include "ml/pmml/pmml.h"

const MlFormat *const ML_FORMATS[] = {
    &WEIR_FORMAT,
    &ONLINE_FORMAT,
    &PMML_FORMAT,
    &ONNX_FORMAT,
    &TENSORFLOW_FORMAT,
    &ONNX_LIBRARY_FORMAT,
    &TENSORFLOW_LIBRARY_FORMAT,
    NULL,
};
