// func/agg_int.h - what the agg_*.c files share; nobody else includes it.
#pragma once

#include "func/agg.h"

enum { AGG_ARGS_MAX = 4 };

// "cannot apply 'SUM' to arguments (STRING)"
Status agg_mismatch(const AggCall *call, Error *err);

// agg_distinct.c: turns a bound call into one that feeds each value only once.
Status agg_distinct_bind(AggCall *call, Error *err);
