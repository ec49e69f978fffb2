// ml/train/testing.h - tables for the tests of learners: made by a rule, from a seed.
#pragma once

#include <math.h>

#include "ml/formats.h"
#include "ml/random.h"
#include "ml/train.h"

enum { TRAIN_COLUMNS_MAX = 16 };

typedef struct TrainCase {
    MlTable table;
    MlField field[TRAIN_COLUMNS_MAX];
    MlColumn column[TRAIN_COLUMNS_MAX];
    Arena arena;
    Rng rng;
} TrainCase;

// The table points into the case, and so must be set again where the case lies: train_number does.
static inline TrainCase train_case(uint32_t rows, uint64_t seed) {
    TrainCase c = {.rng = rng_make(seed, 0)};
    c.table.rows = rows;
    return c;
}

static inline void train_case_clear(TrainCase *c) {
    arena_clear(&c->arena);
}

static inline MlColumn *train_column(TrainCase *c, const char *name, MlType type) {
    uint32_t at = c->table.columns++;
    c->table.field = c->field;
    c->table.column = c->column;
    c->field[at] = (MlField){.name = str_c(name), .type = type, .width = 1};
    if (type == ML_TEXT) c->column[at].text = ARENA_ARRAY(&c->arena, Str, c->table.rows);
    else c->column[at].number = ARENA_ARRAY(&c->arena, double, c->table.rows);
    return &c->column[at];
}

static inline double *train_number(TrainCase *c, const char *name) {
    return train_column(c, name, ML_DOUBLE)->number;
}

static inline double *train_integer(TrainCase *c, const char *name) {
    return train_column(c, name, ML_INTEGER)->number;
}

static inline Str *train_text(TrainCase *c, const char *name) {
    return train_column(c, name, ML_TEXT)->text;
}

// Two numbers, and a label of two classes: inside or outside of a ring.
static inline void train_rings(TrainCase *c) {
    double *x = train_number(c, "x"), *y = train_number(c, "y"), *in = train_integer(c, "inside");
    for (uint32_t i = 0; i < c->table.rows; i++) {
        x[i] = rng_between(&c->rng, -1, 1);
        y[i] = rng_between(&c->rng, -1, 1);
        in[i] = x[i] * x[i] + y[i] * y[i] < 0.5;
    }
}

// Asks the model for the rows of the case; the fields are found by name.
static inline Status train_predict(TrainCase *c, const MlModel *model, MlColumn *out, Error *err) {
    MlColumn in[TRAIN_COLUMNS_MAX];
    for (uint32_t i = 0; i < model->in_count; i++) {
        in[i] = c->column[ml_field(c->field, c->table.columns, model->in[i].name)];
    }
    return model->vt->predict(model, in, c->table.rows, out, &c->arena, err);
}
