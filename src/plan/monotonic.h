// plan/monotonic.h - how updates change a column: not at all, only upwards, only downwards. A MAX
// over what only grows need not keep the values that a retraction would bring back.
#pragma once

#include "plan/plan.h"

typedef enum Monotony {
    MONO_CONSTANT,    // an update leaves it as it is
    MONO_INCREASING,
    MONO_DECREASING,
    MONO_NONE,
} Monotony;

// One Monotony per output column, in [arena]; NULL when rows can be deleted, or nothing is known.
// [plan]'s inputs have their changes inferred. As Flink's FlinkRelMdModifiedMonotonicity; of the
// intervals of values that it knows, only the signs are known here.
const uint8_t *plan_monotony(Arena *arena, const Plan *plan);
