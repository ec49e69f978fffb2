// plan/rank_range.h - which ranks a condition on a ROW_NUMBER lets through: what makes a Top-N of
// it.
#pragma once

#include "plan/bind.h"

typedef struct RankRange {
    int64_t start, end;  // inclusive
    int32_t variable;    // the input's column that says the end, or -1
    bool any;            // there is a bound
    bool bounded;        // there is an upper one
} RankRange;

// Splits [condition], over an input of [column] columns and the rank behind them, into a range of
// ranks and the [rest] (NULL: nothing else). Where Flink sees no single range, the rest is all.
void rank_range_split(PlanContext *context, Expr *condition, uint32_t column, RankRange *range,
                      Expr **rest);
