// fuzz/fuzz_onnx.c - ONNX files (ml/onnx/).
#include "fuzz/fuzz_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    return fuzz_graph(&ONNX_FORMAT, STR("nowhere/fuzz.onnx"), bytes, size);
}
