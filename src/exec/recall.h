// exec/recall.h - rows of a table that are due, of which some may be on disk (state/table.h): they
// come back a few at a time, so that memory takes them, and are due in the order of their times.
#pragma once

#include "state/table.h"

// Does what is due at [ms] or earlier, of what is in memory. No pointer to a row of the table is
// good afterwards.
typedef Status TakeDue(void *arg, int64_t ms, Error *err);

// Calls [take] once and again, with times up to [ms]: when it is called with one, all that is due
// by then is in memory. The last one is [ms].
NODISCARD Status recall_until(StateTable *table, int64_t ms, TakeDue *take, void *arg, Error *err);
