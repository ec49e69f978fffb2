// plan/advice.h - what could be better or go wrong with a plan: EXPLAIN PLAN_ADVICE, and the check
// of 'table.optimizer.non-deterministic-update.strategy' = 'TRY_RESOLVE'.
#pragma once

#include "plan/plan.h"

typedef struct Advice {
    Str *text;      // in the order of their numbers, which begin with 1
    uint32_t count, cap;
    Str *label;     // by Plan.id: the numbers of what is said of the node, "1, 3"; or ptr NULL
    uint32_t ids;
} Advice;

// The plans of a statement set after plan_optimize. What is said lies in the statement's arena.
void plan_advise(PlanContext *context, Plan *const *roots, uint32_t count, Advice *out);
// Whether every update finds the row that it means: a column that is computed anew for the row
// before and the row after must not tell rows apart. ST_VALIDATION names what could change. (ndu.c)
NODISCARD Status plan_check_updates(PlanContext *context, Plan *const *roots, uint32_t count,
                                    Error *err);
// The same as a text for EXPLAIN, with the plan above which it was found; false when all is well.
bool plan_find_update_risk(PlanContext *context, Plan *const *roots, uint32_t count, Buf *out);
