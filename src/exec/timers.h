// exec/timers.h - timers of keys, the earliest first. Equal ones fire in the order that Flink's own
// queue (HeapPriorityQueue, a binary heap from index 1) happens to give: operators whose keys'
// output is interleaved by their timers come to the same interleaving with it.
//
// A key's times are held once each: its TimerTimes lie in its state row, zero bytes at first.
//
// Of keys that may leave memory the heap holds the earliest time alone (one_each), and knows where:
// so a key can be forgotten. What is equal then fires in no order that could be told.
// Memory: charged to the budget. Threads: the worker's own.
#pragma once

#include "base/mem.h"

// The times of one key that wait, ascending.
typedef struct TimerTimes {
    int64_t *at;
    uint32_t from, count, cap;  // at[from] to at[count - 1]
    uint32_t heap_at;           // with one_each: of the key in the heap; 0: it is not there
} TimerTimes;

typedef struct Timer {
    int64_t ms;
    void *key;
    TimerTimes *times;
} Timer;

typedef struct Timers {
    Budget *budget;
    bool one_each;
    Timer *timer;  // from index 1
    uint32_t count, cap;
} Timers;

// A timer for [key] at [ms], unless it has one. [times] must stay where it is.
NODISCARD Status timers_add(Timers *timers, void *key, TimerTimes *times, int64_t ms, Error *err);
// The earliest one, taken away, if it is due at [ms].
bool timers_due(Timers *timers, int64_t ms, Timer *out);
// With one_each: no timer of the key fires any more, though its times stay.
void timers_forget(Timers *timers, TimerTimes *times);
int64_t timers_first(const Timers *timers);  // INT64_MAX when there is none
static inline bool timer_times_empty(const TimerTimes *times) {
    return times->from == times->count;
}
// With one_each they are forgotten, too.
void timer_times_free(Timers *timers, TimerTimes *times);
void timers_free(Timers *timers);
