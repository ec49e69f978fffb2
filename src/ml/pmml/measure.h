// ml/pmml/measure.h - <ComparisonMeasure>: how far apart two records are, or how alike.
#pragma once

#include "ml/pmml/pmml_int.h"

typedef struct Compared {  // one field of a comparison
    const Field *field;
    uint8_t compare;  // of measure.c
    double weight, scale;
} Compared;

typedef struct Measure {
    uint8_t kind, compare;
    bool similarity;
    double power;        // Minkowski's
    double c[4], d[4];   // of binarySimilarity: 00, 01, 10, 11
} Measure;

void measure_compile(Load *load, const Xml *model, Measure *self);
void compared_compile(Load *load, Model *model, const Xml *at, const Measure *measure,
                      Compared *self);
// The weight of all fields over that of those that are there ([weight] NULL: each 1).
double measure_adjustment(Row *row, const Value *value, const double *weight, uint32_t count);
// Of a row's values and a record's; missing values of the row count as not there.
double measure_value(const Measure *self, const Compared *field, const Value *value,
                     const Value *record, uint32_t count, double adjustment);
