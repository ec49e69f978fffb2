// exec/frame.h - frames of OVER windows over a whole partition: for each row, which rows it looks
// at.
//
// The rows are in the window's order. Rows with equal order keys are peers: peer[i] is the number
// of the first row among the peers of row i, and peer_end[i] that of the first row behind them. A
// frame is the range [low[i], high[i]), empty when both are equal; neither ever falls from one row
// to the next, so whoever walks the rows only adds rows at one end and takes them away at the
// other.
#pragma once

#include "col/batch.h"
#include "plan/plan.h"

typedef struct FrameRows {
    uint32_t rows;
    const uint32_t *peer, *peer_end;
    const Vec *order;      // RANGE with an offset: the one order column; else not looked at
    bool descending;
} FrameRows;

// Fills [low] and [high], [in->rows] numbers each.
void frame_bounds(const OverFrame *frame, const FrameRows *in, uint32_t *low, uint32_t *high);
