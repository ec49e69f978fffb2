// ml/held.h - rows that are held back: no version of a model learns from them, so that versions can
// be compared on them, whenever each was trained.
//
//     TRY(ml_hold_back(&spec, field, column, columns, rows, &held, err));
//     ... train on the first held.kept rows ...
//     TRY(ml_held_score(&held, model, task, label, "RMSE", need, &rows, &value, err));
//     ml_held_clear(&held);
//
// Of rows that stand for themselves, what a row says decides, and how many like it there were
// before: so it is the same rows for all versions, whatever comes to the table. Of series the last
// part of each is held back, in its order, as nobody forecasts what was; the rows before a held row
// are what a forecast of it begins from.
#pragma once

#include "ml/evaluate.h"
#include "ml/model.h"

typedef struct MlHoldSpec {
    double share;    // of the rows, or of each series
    bool windows;    // rows are points of series
    int32_t label;   // with [windows]: rows without one are no point of a series
    int32_t series;  // with [windows]: the column that tells them apart; -1: there is one
} MlHoldSpec;

typedef struct MlHeld {
    const MlField *field;    // borrowed
    const MlColumn *column;  // borrowed; rows [kept, rows) are held back
    uint32_t columns, kept, rows;
    uint32_t *before;        // owned; of series: the row before each row, or ML_HELD_FIRST
} MlHeld;

enum { ML_HELD_FIRST = UINT32_MAX - 1 };

// Moves the rows to be held back behind the others. The arrays of [column], of [rows] rows and of
// one value a row, are owned (mem.h) and made anew; a column must have [valid]. At most UINT32_MAX
// / 8 rows.
NODISCARD Status ml_hold_back(const MlHoldSpec *spec, const MlField *field, MlColumn *column,
                              uint32_t columns, uint32_t rows, Budget *budget, MlHeld *out,
                              Error *err);
void ml_held_clear(MlHeld *held);

// How many rows before a row the model looks at: 0, but of forecasters over series.
uint32_t ml_held_looks_back(const MlHeld *held, const MlModel *model, int32_t label);

// The [metric] of the model on the rows held back that have [need] rows before them in their
// series; [rows] is how many. A forecast of several steps is judged by the first. ST_VALIDATION: it
// takes other columns.
NODISCARD Status ml_held_score(const MlHeld *held, const MlModel *model, MlTask task, int32_t label,
                               const char *metric, uint32_t need, uint32_t *rows, double *out,
                               Error *err);
