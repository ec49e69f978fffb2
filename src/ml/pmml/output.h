// ml/pmml/output.h - what an output field is, as fast.c sees it.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef enum OutputKind {
    OUTPUT_PREDICTED,
    OUTPUT_PROBABILITY,
    OUTPUT_ENTITY,
    OUTPUT_OTHER
} OutputKind;

typedef struct OutputShape {
    const Field *field;
    OutputKind what;
    Str value;   // the class that it asks for; ptr NULL: the predicted one
    bool other;  // of a segment or a target, or of another rank
} OutputShape;

OutputShape output_shape(const Model *model, uint32_t output);
