// watch/history.h - the points of all metrics, on disk: what models are trained from, and what
// pages show.
//
// A point has a place, its time divided by the metric's step; a second point for a place takes it,
// and to add the same points again changes nothing. Points come in any order; those of a metric
// that come mostly in the order of time are stored well.
//
//   DIR/history/journal-N   what came last, as it came: frames of points, each with its hash
//   DIR/history/points-N    blocks of up to HISTORY_BLOCK points of one metric (history_code.h)
//
// A metric's newest points are its head, in memory. A head that is full becomes a block. When the
// journal has grown, all heads are written to a new one, and the old one goes. Killed at any
// moment, what history_sync has promised is there: a frame that is torn was not promised.
//
// Threads: any; one lock. Reading decodes without it.
#pragma once

#include "base/text.h"

typedef struct History History;

enum { HISTORY_BLOCK = 1024 };

typedef struct HistoryFigures {
    uint64_t points, blocks, block_points, block_bytes;  // points: those in heads, too
    uint64_t journal_bytes;
} HistoryFigures;

NODISCARD Status history_open(Str dir, History **out, Error *err);
void history_close(History *history);  // NULL is fine

// A value that is not finite is passed over. Durable only after history_sync.
NODISCARD Status history_add(History *history, int64_t key, int64_t step_ms, int64_t ts_ms,
                             double value, Error *err);
NODISCARD Status history_sync(History *history, Error *err);
// value[i]: the point at [from_ms] + i * step_ms, NAN where there is none.
NODISCARD Status history_read(History *history, int64_t key, int64_t step_ms, int64_t from_ms,
                              uint32_t count, double *value, Error *err);
// Where the metric's history begins and ends (its last point); false: there is none.
bool history_span(History *history, int64_t key, int64_t *first_ms, int64_t *last_ms);
HistoryFigures history_figures(History *history);

// ---- what leaves (history_drop.c) --------------------------------------------------------------

// The metric's points are nobody's any more. They may be back after a restart: whoever opens a
// history forgets again what is not to be there.
void history_forget(History *history, int64_t key);
// Blocks that end before [before_ms] go; whether there were any.
bool history_trim(History *history, int64_t key, int64_t before_ms);
// The metrics that have points, or have had some.
uint32_t history_keys(History *history, Arena *arena, int64_t **out);
// Gives back the room of what has left, file by file; one thread at a time.
NODISCARD Status history_compact(History *history, Error *err);
