#include "exec/timers.h"

#include <string.h>

static Status grow(Timers *timers, void **array, uint32_t *cap, size_t size, Error *err) {
    uint32_t grown = *cap ? *cap * 2 : 4;
    TRY(budget_charge(timers->budget, (int64_t)((grown - *cap) * size), err));
    *array = mem_realloc(*array, grown * size);
    *cap = grown;
    return ST_OK;
}

// ---- the times of a key ------------------------------------------------------------------------

static uint32_t find_time(const TimerTimes *times, int64_t ms) {
    uint32_t low = times->from, high = times->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (times->at[mid] < ms) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static Status add_time(Timers *timers, TimerTimes *times, uint32_t place, int64_t ms, Error *err) {
    if (times->count == times->cap && times->from > times->count / 2) {
        // More than half has fired: move the rest to the front.
        memmove(times->at, times->at + times->from,
                (times->count - times->from) * sizeof *times->at);
        times->count -= times->from;
        place -= times->from;
        times->from = 0;
    }
    if (times->count == times->cap) {
        void *at = times->at;
        TRY(grow(timers, &at, &times->cap, sizeof *times->at, err));
        times->at = at;
    }
    memmove(times->at + place + 1, times->at + place, (times->count - place) * sizeof *times->at);
    times->at[place] = ms;
    times->count++;
    return ST_OK;
}

void timer_times_free(Timers *timers, TimerTimes *times) {
    timers_forget(timers, times);
    budget_release(timers->budget, (int64_t)(times->cap * sizeof *times->at));
    mem_free(times->at);
    *times = (TimerTimes){0};
}

// ---- the heap ----------------------------------------------------------------------------------

static void put(Timers *timers, uint32_t at, Timer timer) {
    timers->timer[at] = timer;
    if (timers->one_each) timer.times->heap_at = at;
}

static void sift_up(Timers *timers, uint32_t at) {
    Timer timer = timers->timer[at];
    for (; at > 1 && timer.ms < timers->timer[at / 2].ms; at /= 2) {
        put(timers, at, timers->timer[at / 2]);
    }
    put(timers, at, timer);
}

// [end]: the last index there is.
static void sift_down(Timers *timers, uint32_t at, uint32_t end) {
    Timer timer = timers->timer[at];
    for (;;) {
        uint32_t child = at * 2;
        if (child > end) break;
        if (child + 1 <= end && timers->timer[child + 1].ms < timers->timer[child].ms) child++;
        if (timers->timer[child].ms >= timer.ms) break;
        put(timers, at, timers->timer[child]);
        at = child;
    }
    put(timers, at, timer);
}

Status timers_add(Timers *timers, void *key, TimerTimes *times, int64_t ms, Error *err) {
    uint32_t place = find_time(times, ms);
    if (place < times->count && times->at[place] == ms) return ST_OK;
    if (timers->count + 1 >= timers->cap) {
        void *array = timers->timer;
        TRY(grow(timers, &array, &timers->cap, sizeof *timers->timer, err));
        timers->timer = array;
    }
    bool first = place == times->from;
    TRY(add_time(timers, times, place, ms, err));
    if (!times->heap_at) {
        timers->timer[++timers->count] = (Timer){ms, key, times};
        sift_up(timers, timers->count);
    } else if (first) {
        timers->timer[times->heap_at].ms = ms;
        sift_up(timers, times->heap_at);
    }
    return ST_OK;
}

int64_t timers_first(const Timers *timers) {
    return timers->count ? timers->timer[1].ms : INT64_MAX;
}

void timers_forget(Timers *timers, TimerTimes *times) {
    uint32_t at = times->heap_at;
    if (!at) return;
    Timer last = timers->timer[timers->count--];
    times->heap_at = 0;
    if (last.times == times) return;
    put(timers, at, last);
    sift_up(timers, at);
    sift_down(timers, last.times->heap_at, timers->count);
}

bool timers_due(Timers *timers, int64_t ms, Timer *out) {
    if (!timers->count || timers->timer[1].ms > ms) return false;
    *out = timers->timer[1];
    TimerTimes *times = out->times;
    times->from++;
    if (timers->one_each) {
        if (timer_times_empty(times)) {
            timers_forget(timers, times);
        } else {
            timers->timer[1].ms = times->at[times->from];
            sift_down(timers, 1, timers->count);
        }
        return true;
    }
    // The last timer goes to the front and sinks, while its old place still counts: as in Flink.
    uint32_t end = timers->count;
    if (end > 1) {
        timers->timer[1] = timers->timer[end];
        sift_down(timers, 1, end);
    }
    timers->count--;
    return true;
}

void timers_free(Timers *timers) {
    budget_release(timers->budget, (int64_t)(timers->cap * sizeof *timers->timer));
    mem_free(timers->timer);
    *timers = (Timers){.budget = timers->budget, .one_each = timers->one_each};
}
