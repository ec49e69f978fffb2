// plan/keys.h - which columns tell the rows of a changelog apart: sets of columns of which no two
// rows that stand at the same time have the same values.
#pragma once

#include "plan/plan.h"

typedef struct PlanKeys {
    uint64_t **set;   // bitmaps of columns
    uint32_t count;
} PlanKeys;

// The known keys of [plan]'s output, in [arena]; those that other keys contain may be among them.
// As Flink's FlinkRelMdUniqueKeys, for the nodes that keep keys.
const PlanKeys *plan_keys(Arena *arena, const Plan *plan);

// Those among them whose changes come in their order, whatever the number of workers: a row that
// moves from one partition to another is deleted and added by two workers, of which either may be
// first. Who lets a new row replace the one with its key must go by these. As Flink's
// FlinkRelMdUpsertKeys.
const PlanKeys *plan_upsert_keys(Arena *arena, const Plan *plan);
