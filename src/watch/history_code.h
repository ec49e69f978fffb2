// watch/history_code.h - a run of points of one metric as bytes.
//
// Points lie at a fixed step, so no times are written. Where points are missing (NAN) their places
// are written as runs. Values that are whole multiples of a power of ten, as most metrics are, go
// as differences from what came before, in Golomb-Rice codes whose parameter fits 64 of them; what
// is left goes as XORs of doubles (Pelkonen et al., "Gorilla", VLDB 2015). Every value comes back
// with its bits, but for minus zero, which becomes zero, and for infinities, which are missing.
#pragma once

#include "base/text.h"

enum { HISTORY_POINTS_MAX = 1 << 16 };

// [count]: HISTORY_POINTS_MAX at most.
void history_encode(const double *value, uint32_t count, Buf *out);
// ST_RUNTIME: these bytes are no [count] points.
NODISCARD Status history_decode(Str bytes, double *value, uint32_t count, Error *err);
