// exec/window.h - shared by the window operators: where windows lie, and when they fire.
//
// Windows of a TIMESTAMP_LTZ attribute (and of processing time) are of the wall clock of the
// session's zone: times are shifted to local ones before windows are assigned, and window ends back
// before they are compared with the watermark, as Flink's TimeWindowUtil does.
#pragma once

#include "exec/operator.h"
#include "type/datetime.h"

typedef struct WindowClock {
    const WindowSpec *spec;
    const Zone *zone;  // NULL: no shift
    OpEnv *env;
} WindowClock;

void window_clock_init(WindowClock *clock, const WindowSpec *spec, OpEnv *env);
// Local time of an instant of the time attribute, and back (for window_time).
int64_t window_local(const WindowClock *clock, int64_t ms);
int64_t window_instant(const WindowClock *clock, int64_t local_ms);
// The watermark (or processing time) at which a window that ends at local time [end_ms] fires.
int64_t window_fires_at(const WindowClock *clock, int64_t end_ms);
// local[row]: the time of each row of [in], shifted; NULL times have their bit in [valid] cleared.
void window_times(const WindowClock *clock, const Batch *in, int64_t *local,
                  const uint64_t **valid);

// An error where an aggregation of windows meets a NULL time; the old group windows drop such rows.
NODISCARD Status window_check_times(const WindowClock *clock, const Batch *in, Error *err);

// The start of the window of size [size_ms] around [ms].
static inline int64_t window_start(int64_t ms, int64_t offset_ms, int64_t size_ms) {
    return ms - floor_mod(ms - offset_ms, size_ms);
}
