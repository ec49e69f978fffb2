#include "exec/window.h"

#include "exec/bucket.h"
#include "test/unit.h"

static WindowClock clock_in(const char *zone_name, FuncEnv *func, OpEnv *env, WindowSpec *spec) {
    const Zone *zone = NULL;
    CHECK(zone_find(str_c(zone_name), &zone, NULL) == ST_OK);
    *func = (FuncEnv){.zone = zone};
    *env = (OpEnv){.func = func};
    *spec = (WindowSpec){.kind = WINDOW_TUMBLE, .time_type = type_of(TYPE_TIMESTAMP_LTZ, true)};
    WindowClock clock;
    window_clock_init(&clock, spec, env);
    return clock;
}

TEST(window, starts_are_below_also_before_1970) {
    CHECK(window_start(12, 0, 10) == 10);
    CHECK(window_start(10, 0, 10) == 10);
    CHECK(window_start(-1, 0, 10) == -10);
    CHECK(window_start(-10, 0, 10) == -10);
    CHECK(window_start(12, 3, 10) == 3);
    CHECK(window_start(2, -3, 10) == -3);
}

TEST(window, ends_fire_at_the_instant_the_wall_clock_shows_them) {
    enum { HOUR = 3600000 };
    FuncEnv func;
    OpEnv env;
    WindowSpec spec;
    WindowClock utc = clock_in("UTC", &func, &env, &spec);
    CHECK(window_fires_at(&utc, 1000) == 999);
    WindowClock york = clock_in("America/New_York", &func, &env, &spec);
    // 2024-01-01 00:00 there is 05:00 UTC.
    int64_t midnight = (int64_t)1704067200000;
    CHECK(window_fires_at(&york, midnight) == midnight + 5 * HOUR - 1);
    CHECK(window_local(&york, window_instant(&york, midnight)) == midnight);
    // 2024-11-03 01:00 to 02:00 comes twice: a window that ends at 02:00 waits for the second time.
    int64_t two = (int64_t)1730599200000;
    CHECK(window_fires_at(&york, two) == two + 5 * HOUR - 1);
    // 2024-03-10 02:00 to 03:00 does not come: a window that ends in it fires when the gap begins.
    int64_t gap = (int64_t)1710037800000;  // 02:30
    CHECK(window_fires_at(&york, gap) == (int64_t)1710036000000 + 5 * HOUR);
}

TEST(window, buckets_are_in_order_of_their_ends) {
    Buckets buckets = {0};
    uint8_t rows[4];
    static const int64_t ENDS[] = {30, 10, 20, 10};
    for (uint32_t i = 0; i < 4; i++) (void)bucket_add(&buckets, ENDS[i], &rows[i]);
    CHECK(buckets.count == 3 && buckets.at[0].end == 10 && buckets.at[2].end == 30);
    CHECK(bucket_get(&buckets, 10)->count == 2 && bucket_get(&buckets, 10)->row[1] == &rows[3]);
    CHECK(!bucket_get(&buckets, 15));
    Bucket taken = bucket_take(&buckets, &buckets.at[0]);
    CHECK(taken.end == 10 && buckets.count == 2 && buckets.at[0].end == 20);
    mem_free(taken.row);
    buckets_free(&buckets);
}
