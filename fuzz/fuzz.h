// fuzz/fuzz.h - what a fuzz target is: one function that takes any bytes and must neither crash,
// nor hang, nor leak, nor break a promise that it checks with ASSERT. It answers 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
