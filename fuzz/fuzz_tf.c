// fuzz/fuzz_tf.c - frozen graphs of TensorFlow (ml/tf/).
#include "fuzz/fuzz_graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    return fuzz_graph(&TENSORFLOW_FORMAT, STR("nowhere/fuzz.pb"), bytes, size);
}
