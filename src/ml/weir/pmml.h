// ml/weir/pmml.h - writing PMML 4.4 (ml_write_pmml of ml/train.h): what its parts share.
//
// Fields stand there by the names of features. Numbers are doubles but for the integers of trees
// and of Bayes; where a missing number counts as its mean the mining schema says so. A text that
// was not there in training counts as missing.
#pragma once

#include "ml/train.h"
#include "ml/weir/weir.h"

typedef struct PmmlWriter {
    const WeirModel *model;
    Buf *out;
    uint32_t depth;
    bool means;        // a missing number counts as its mean
    bool unwritable;   // a text holds what XML cannot
} PmmlWriter;

// One line: the start of an element, or all of it with "/>"; %s are names and numbers that need no
// escape. pmml_open goes one in.
void pmml_line(PmmlWriter *self, const char *fmt, ...) PRINTF_LIKE(2, 3);
void pmml_open(PmmlWriter *self, const char *fmt, ...) PRINTF_LIKE(2, 3);
void pmml_close(PmmlWriter *self, const char *element);

typedef struct PmmlText {  // of an attribute, escaped
    char text[1024];
} PmmlText;
PmmlText pmml_text(PmmlWriter *self, Str text);
typedef struct PmmlNumber {
    char text[32];
} PmmlNumber;
PmmlNumber pmml_number(double value);

bool pmml_is_integer(const PmmlWriter *self, const Feature *feature);
// Fields that [model] takes, its target if [target]; then its outputs if it is the whole.
void pmml_schema(PmmlWriter *self, bool target);
void pmml_outputs(PmmlWriter *self);

void pmml_trees(PmmlWriter *self);
