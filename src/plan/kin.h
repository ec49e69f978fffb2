// plan/kin.h - operators and columns in words that survive changes of the query around them: for
// state that a changed query takes over, and for telling of it (run/upgrade.h).
#pragma once

#include "plan/plan.h"

// Which operator of another version of the query may take this one's state; 0: none.
uint64_t plan_kin(const Plan *plan);
// What it is to a user, behind its name: " by user_id", " orders".
void plan_about(const Plan *plan, Buf *out);
// A column of the plan's output in words of the tables it comes from: "price * qty".
void plan_column_text(const Plan *plan, uint32_t column, Buf *out);
// An aggregate of the plan: "SUM(price * qty) FILTER (WHERE paid)"; each text once.
void plan_agg_text(const Plan *plan, uint32_t agg, Buf *out);
