// plan/keys.h - which columns tell the rows of a changelog apart: sets of columns of which no two
// rows that stand at the same time have the same values.
#pragma once

#include "plan/plan.h"

typedef struct PlanKeys {
    uint64_t **set;   // bitmaps of columns
    uint32_t count;
} PlanKeys;

// The known keys of [plan]'s output, in [arena]; those that other keys contain may be among them.
// As Flink's FlinkRelMdUpsertKeys, for the nodes that keep keys.
const PlanKeys *plan_keys(Arena *arena, const Plan *plan);
