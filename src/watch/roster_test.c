#include "watch/roster.h"

#include <stdio.h>
#include <stdlib.h>

#include "test/unit.h"

#ifdef WEIR_SQLITE

static Str new_dir(Arena *arena) {
    char path[] = "/tmp/weir-roster-XXXXXX";
    CHECK(mkdtemp(path) != NULL);
    return str_dup(arena, str_c(path));
}

static MetricSpec spec_of(Arena *arena, int i) {
    return (MetricSpec){.id = str_printf(arena, "metric_%d", i), .name = STR("a name"),
                        .unit = STR("orders"), .group = STR("g"), .step_ms = 60000};
}

TEST(roster, what_is_registered_is_there_tomorrow) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    Roster *roster;
    Buf token = {0};
    MetricCounts counts;
    enum { MANY = 10000 };
    MetricSpec *spec = ARENA_ARRAY(&arena, MetricSpec, MANY);
    for (int i = 0; i < MANY; i++) spec[i] = spec_of(&arena, i);
    CHECK_OK(roster_open(dir, &roster, &err), &err);
    PlatformSpec shop = {.name = STR("shop"), .topic = STR("alarms.shop")};
    CHECK_OK(roster_platform_put(roster, &shop, false, &token, &err), &err);
    WatchPlatform *platform = roster_platform(roster, STR("shop"));
    CHECK_OK(roster_metrics_put(roster, platform, spec, MANY, &counts, &err), &err);
    CHECK(counts.added == MANY);
    spec[5].sensitivity = WATCH_LOW;
    CHECK_OK(roster_metrics_put(roster, platform, spec, MANY, &counts, &err), &err);
    CHECK(counts.added == 0 && counts.updated == 1 && counts.same == MANY - 1);
    WatchMetric *metric = roster_metric(roster, platform, STR("metric_5"));
    CHECK(metric && atomic_load(&metric->version) == 2 && metric->spec->sensitivity == WATCH_LOW);
    CHECK(roster_metric_of(roster, metric->key) == metric);
    CHECK_OK(roster_metric_pause(roster, metric, true, &err), &err);
    WatchLabel label = {.alarm = 3, .kind = WATCH_FALSE_ALARM, .note = STR("sale")};
    CHECK_OK(roster_label_add(roster, metric, &label, &err), &err);
    CHECK_OK(roster_label_add(roster, metric, &label, &err), &err);  // once
    CHECK_OK(roster_metric_remove(roster, roster_metric(roster, platform, STR("metric_6")), &err),
             &err);
    roster_close(roster);

    CHECK_OK(roster_open(dir, &roster, &err), &err);
    platform = roster_login(roster, buf_str(&token));
    CHECK(platform && str_is(str_c(platform->topic), "alarms.shop") &&
          platform->metrics == MANY - 1);
    metric = roster_metric(roster, platform, STR("metric_5"));
    CHECK(metric && atomic_load(&metric->paused) && metric->spec->sensitivity == WATCH_LOW);
    CHECK(!roster_metric(roster, platform, STR("metric_6")));
    WatchLabel *labels;
    uint32_t count;
    CHECK_OK(roster_labels(roster, platform, metric, 0, ROSTER_ALL, &arena, &labels, &count, &err),
             &err);
    CHECK(count == 1 && labels[0].alarm == 3 && labels[0].kind == WATCH_FALSE_ALARM);
    CHECK_OK(roster_labels(roster, platform, metric, labels[0].id, ROSTER_ALL, &arena, &labels,
                           &count, &err), &err);
    CHECK(count == 0);
    // What was removed comes back under another key.
    CHECK_OK(roster_metrics_put(roster, platform, &spec[6], 1, &counts, &err), &err);
    CHECK(counts.added == 1);
    CHECK(roster_metric(roster, platform, STR("metric_6"))->key > MANY);
    roster_close(roster);
    buf_free(&token);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(roster, tokens_and_quotas_hold) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    Roster *roster;
    Buf token = {0}, next = {0};
    MetricCounts counts;
    MetricSpec spec[3] = {spec_of(&arena, 1), spec_of(&arena, 2), spec_of(&arena, 3)};
    CHECK_OK(roster_open(dir, &roster, &err), &err);
    PlatformSpec shop = {.name = STR("shop"), .metrics_max = 2};
    CHECK_OK(roster_platform_put(roster, &shop, false, &token, &err), &err);
    WatchPlatform *platform = roster_login(roster, buf_str(&token));
    CHECK(platform);
    CHECK(!roster_login(roster, STR("shop")) && !roster_login(roster, STR("shop.")));
    CHECK(!roster_login(roster, STR("")) && !roster_login(roster, STR("other.00")));
    CHECK_OK(roster_platform_put(roster, &shop, true, &next, &err), &err);
    CHECK(!roster_login(roster, buf_str(&token)) && roster_login(roster, buf_str(&next)));
    CHECK(roster_metrics_put(roster, platform, spec, 3, &counts, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "quota is 2"));
    CHECK(platform->metrics == 0);
    spec[1].step_ms = 5;
    CHECK(roster_metrics_put(roster, platform, spec, 2, &counts, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "metric_2"));
    CHECK(!roster_metric(roster, platform, STR("metric_1")));
    shop.name = STR("no name");
    CHECK(roster_platform_put(roster, &shop, false, &next, &err) == ST_VALIDATION);
    roster_close(roster);
    buf_free(&token);
    buf_free(&next);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

TEST(roster, an_alarm_s_messages_count_once) {
    Arena arena = {0};
    Str dir = new_dir(&arena);
    Error err;
    Roster *roster;
    Buf token = {0};
    MetricCounts counts;
    MetricSpec spec = spec_of(&arena, 1);
    CHECK_OK(roster_open(dir, &roster, &err), &err);
    PlatformSpec shop = {.name = STR("shop")};
    CHECK_OK(roster_platform_put(roster, &shop, false, &token, &err), &err);
    WatchPlatform *platform = roster_platform(roster, STR("shop"));
    CHECK_OK(roster_metrics_put(roster, platform, &spec, 1, &counts, &err), &err);
    WatchAlarm alarm[] = {
        {.id = STR("a"), .key = 1, .seq = 1, .event = STR("open"), .opened_ms = 5},
        {.id = STR("a"), .key = 1, .seq = 2, .event = STR("close"), .opened_ms = 5, .ts_ms = 9}};
    CHECK_OK(roster_alarms_put(roster, alarm, 2, &err), &err);
    CHECK_OK(roster_alarms_put(roster, alarm, 1, &err), &err);  // again, after a restart
    WatchAlarm *found, one;
    uint32_t count;
    CHECK_OK(roster_alarms(roster, platform, NULL, 0, 10, &arena, &found, &count, &err), &err);
    CHECK(count == 1 && found[0].seq == 2 && str_is(found[0].event, "close"));
    CHECK_OK(roster_alarm(roster, platform, STR("a"), &arena, &one, &err), &err);
    CHECK(one.ts_ms == 9);
    CHECK(roster_alarm(roster, platform, STR("b"), &arena, &one, &err) == ST_VALIDATION);
    roster_close(roster);
    buf_free(&token);
    unit_remove_dir(dir);
    arena_clear(&arena);
}

#endif
