// exec/watermark.h - what a source may ask the assigner of its watermarks (run/align.c).
#pragma once

#include "exec/operator.h"

// The splits that [assigner], an operator of PLAN_WATERMARK, does not hold for idle: their numbers
// and how far each has come (WATERMARK_NONE: no row yet), until the next call. One, of number 0,
// where the splits do not matter.
uint32_t watermark_splits(const Operator *assigner, const uint32_t **id, const int64_t **ms);
