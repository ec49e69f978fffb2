#include "exec/window.h"

void window_clock_init(WindowClock *clock, const WindowSpec *spec, OpEnv *env) {
    *clock = (WindowClock){.spec = spec, .env = env};
    const Zone *zone = env->func->zone;
    if (spec->time_type->kind == TYPE_TIMESTAMP_LTZ && zone && !zone_is_utc(zone)) {
        clock->zone = zone;
    }
}

int64_t window_local(const WindowClock *clock, int64_t ms) {
    return clock->zone ? ms + zone_offset_ms(clock->zone, ms) : ms;
}

int64_t window_instant(const WindowClock *clock, int64_t local_ms) {
    return clock->zone ? zone_local_to_utc(clock->zone, local_ms) : local_ms;
}

// A local time that the clock shows twice fires the second time; one that it skips fires when the
// gap begins.
int64_t window_fires_at(const WindowClock *clock, int64_t end_ms) {
    enum { MS_PER_HOUR = 3600000 };
    int64_t local = end_ms - 1;
    if (!clock->zone || local >= WATERMARK_MAX - 2 * (int64_t)MS_PER_DAY) return local;
    int64_t first = zone_local_to_utc(clock->zone, local);
    int64_t later = zone_local_to_utc(clock->zone, local + MS_PER_HOUR);
    if (later - first > MS_PER_HOUR) return later - MS_PER_HOUR;
    if (later == first) return first - first % MS_PER_HOUR;
    return first;
}

void window_times(const WindowClock *clock, const Batch *in, int64_t *local,
                  const uint64_t **valid) {
    *valid = NULL;
    if (clock->spec->proctime) {
        int64_t now = window_local(clock, clock->env->now_ms(clock->env->now_arg));
        for (uint32_t row = 0; row < in->rows; row++) local[row] = now;
        return;
    }
    const Vec *time = in->column[clock->spec->time_column];
    *valid = time->valid;
    if (time->phys == PHYS_I64 && !clock->zone) {
        memcpy(local, time->data, in->rows * sizeof *local);
        return;
    }
    for (uint32_t row = 0; row < in->rows; row++) {
        local[row] = window_local(clock, vec_timestamp(time, row).ms);
    }
}

Status window_check_times(const WindowClock *clock, const Batch *in, Error *err) {
    const WindowSpec *spec = clock->spec;
    if (spec->proctime || spec->legacy || spec->attached) return ST_OK;
    if (!vec_has_nulls(in->column[spec->time_column])) return ST_OK;
    return error_set(err, ST_RUNTIME,
                     "the time attribute of a row is NULL: no window takes it; filter such rows");
}
