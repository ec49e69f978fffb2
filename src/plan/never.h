// plan/never.h - conditions that no row can meet, seen while planning, as Calcite's RexSimplify
// sees them: a branch behind such a filter is known to be empty (plan/rule_agg.c).
#pragma once

#include "plan/bind.h"

// Whether [condition] is TRUE for no row whatever: FALSE for some of them, unknown for others.
bool expr_is_never(Arena *arena, const Expr *condition);
