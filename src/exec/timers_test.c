#include "exec/timers.h"

#include "test/unit.h"

enum { KEYS = 7, STEPS = 20000 };

// The earliest of all keys' times that are not forgotten, found the slow way; INT64_MAX: none.
static int64_t earliest(const TimerTimes *times, const bool *forgotten) {
    int64_t least = INT64_MAX;
    for (uint32_t k = 0; k < KEYS; k++) {
        if (forgotten[k] || timer_times_empty(&times[k])) continue;
        if (times[k].at[times[k].from] < least) least = times[k].at[times[k].from];
    }
    return least;
}

// Times come, fire and are forgotten with their keys, in any order.
TEST(timers, the_earliest_fires_first_whoever_leaves) {
    Timers timers = {.one_each = true};
    TimerTimes times[KEYS] = {0};
    bool forgotten[KEYS] = {0};
    uint64_t random = 11;
    for (uint32_t step = 0; step < STEPS; step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t key = (uint32_t)(random >> 33) % KEYS;
        int64_t ms = (int64_t)(random >> 40) % 50;
        Timer fired;
        switch ((random >> 60) % 4) {
            case 0:
            case 1:
                if (forgotten[key]) break;
                CHECK(timers_add(&timers, &times[key], &times[key], ms, NULL) == ST_OK);
                break;
            case 2: {
                int64_t first_ms = earliest(times, forgotten);
                CHECK_INT(timers_first(&timers), first_ms);
                CHECK(timers_due(&timers, ms, &fired) == (first_ms <= ms));
                if (first_ms <= ms) CHECK_INT(fired.ms, first_ms);
                break;
            }
            default:  // it leaves, or is back with nothing
                if (!forgotten[key]) {
                    timers_forget(&timers, &times[key]);
                } else {
                    timer_times_free(&timers, &times[key]);
                }
                forgotten[key] = !forgotten[key];
        }
    }
    for (uint32_t k = 0; k < KEYS; k++) timer_times_free(&timers, &times[k]);
    CHECK_INT(timers_first(&timers), INT64_MAX);
    timers_free(&timers);
}

// By itself each time of a key fires once, and equal ones as in a binary heap from 1.
TEST(timers, all_times_of_a_key_are_in_the_heap_otherwise) {
    Timers timers = {0};
    TimerTimes times[2] = {0};
    Timer fired;
    for (int64_t ms = 3; ms > 0; ms--) {
        CHECK(timers_add(&timers, &times[0], &times[0], ms, NULL) == ST_OK);
        CHECK(timers_add(&timers, &times[0], &times[0], ms, NULL) == ST_OK);
    }
    CHECK(timers_add(&timers, &times[1], &times[1], 2, NULL) == ST_OK);
    CHECK_INT(timers.count, 4);
    for (uint32_t i = 0; i < 4; i++) CHECK(timers_due(&timers, 3, &fired));
    CHECK(!timers_due(&timers, 3, &fired));
    timer_times_free(&timers, &times[0]);
    timer_times_free(&timers, &times[1]);
    timers_free(&timers);
}
