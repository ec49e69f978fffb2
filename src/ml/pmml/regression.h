// ml/pmml/regression.h - <RegressionModel>, as fast.c sees it.
#pragma once

#include "ml/pmml/link.h"

typedef struct Numeric {
    const Field *field;
    double coefficient, exponent;
} Numeric;

typedef struct Categorical {
    const Field *field;
    Value value;
    double coefficient;
} Categorical;

typedef struct Term {
    const Expr **factor;
    uint32_t factors;
    double coefficient;
} Term;

typedef struct Table {
    double intercept;
    Numeric *numeric;
    Categorical *categorical;
    Term *term;
    uint32_t numerics, categoricals, terms;
} Table;

typedef struct Regression {
    Table *table;
    Value *category;
    uint32_t tables;
    uint8_t normalization;  // Link
    bool ordinal;
} Regression;

// Of a model, or of a node of a tree.
const Regression *regression_new(Load *load, Model *model, const Xml *at);
double regression_value(Row *row, const Regression *self);  // of one table; NaN: missing
// From the sums of the tables to probabilities, in place.
void regression_classes(const Regression *self, double *x);
double regression_mean(const Regression *self, double x);
