// The stores of a watch under several threads at once: what the sanitizers should see, and that
// nothing is lost.
#include <math.h>
#include <stdlib.h>

#include "test/unit.h"
#include "watch/watch.h"

#ifdef WEIR_SQLITE

enum { METRICS = 40, ROUNDS = 60, BATCH = 50, STEP_MS = 60000 };

typedef struct Crowd {
    Watch *watch;
    WatchPlatform *platform;
    WatchMetric *metric[METRICS];
    _Atomic uint64_t pushed, read;
    _Atomic bool done;
    Buf model;  // a model's bytes
} Crowd;

static void pushes(void *arg) {
    Crowd *crowd = arg;
    Error err;
    for (int round = 0; round < ROUNDS; round++) {
        InboxPoint point[BATCH];
        for (int i = 0; i < BATCH; i++) {
            point[i] = (InboxPoint){1 + i % METRICS, (int64_t)round * STEP_MS, i};
        }
        inbox_append(watch_inbox(crowd->watch), point, BATCH);
        CHECK_OK(inbox_commit(watch_inbox(crowd->watch), &err), &err);
        atomic_fetch_add(&crowd->pushed, BATCH);
    }
}

static void reads_inbox(void *arg) {
    Crowd *crowd = arg;
    Error err;
    InboxReader *reader;
    const InboxPoint *point;
    uint32_t count;
    CHECK_OK(inbox_reader_open(watch_inbox(crowd->watch), (InboxPosition){0}, &reader, &err), &err);
    for (;;) {
        bool done = atomic_load(&crowd->done);
        CHECK_OK(inbox_read(reader, &point, &count, &err), &err);
        for (uint32_t i = 0; i < count; i++) {
            if (point[i].key < 0) continue;  // a farewell
            WatchMetric *metric = roster_metric_of(watch_roster(crowd->watch), point[i].key);
            WatchPoint said = {.ts_ms = point[i].ts_ms, .value = point[i].value};
            CHECK_OK(history_add(watch_history(crowd->watch), metric->key, STEP_MS, said.ts_ms,
                                 said.value, &err), &err);
            roster_recent_put(watch_roster(crowd->watch), metric, &said);
            atomic_store(&metric->last_ms, said.ts_ms);
        }
        atomic_fetch_add(&crowd->read, count);
        if (count) CHECK_OK(history_sync(watch_history(crowd->watch), &err), &err);
        else if (done) break;
        else inbox_wait(reader, 5);
    }
    inbox_reader_close(reader);
}

static void registers(void *arg) {
    Crowd *crowd = arg;
    Error err;
    for (int round = 0; round < ROUNDS; round++) {
        MetricSpec spec = {.id = STR("metric_0"), .step_ms = STEP_MS, .sensitivity = round % 3};
        MetricCounts counts;
        CHECK_OK(roster_metrics_put(watch_roster(crowd->watch), crowd->platform, &spec, 1, &counts,
                                    &err), &err);
        WatchLabel label = {.alarm = (uint64_t)round + 1, .kind = WATCH_FALSE_ALARM};
        CHECK_OK(roster_label_add(watch_roster(crowd->watch), crowd->metric[1], &label, &err),
                 &err);
        if (round % 10 == 0) {
            SeriesModel *model;
            CHECK_OK(series_model_load(buf_str(&crowd->model), &model, &err), &err);
            CHECK_OK(watch_model_publish(crowd->watch, crowd->metric[2], model, round, STR("{}"),
                                         &err), &err);
            (void)series_model_unref(model);
        }
        watch_calendars_changed(crowd->watch, crowd->platform);
        // A metric that comes and goes.
        MetricSpec other = {.id = STR("passing"), .step_ms = STEP_MS};
        CHECK_OK(roster_metrics_put(watch_roster(crowd->watch), crowd->platform, &other, 1, &counts,
                                    &err), &err);
        WatchMetric *passing = roster_metric(watch_roster(crowd->watch), crowd->platform, other.id);
        CHECK_OK(history_add(watch_history(crowd->watch), passing->key, STEP_MS, 0, 1, &err), &err);
        CHECK_OK(watch_metric_remove(crowd->watch, passing, &err), &err);
    }
}

static void looks(void *arg) {
    Crowd *crowd = arg;
    Error err;
    double value[100];
    while (!atomic_load(&crowd->done)) {
        for (int i = 0; i < METRICS; i++) {
            Arena arena = {0};
            WatchPoint recent[WATCH_RECENT];
            WatchLabel *label;
            uint32_t number, count;
            WatchMetric *metric = crowd->metric[i];
            CHECK_OK(history_read(watch_history(crowd->watch), metric->key, STEP_MS, 0, 100, value,
                                  &err), &err);
            (void)roster_recent(watch_roster(crowd->watch), metric, recent);
            CHECK_OK(roster_labels(watch_roster(crowd->watch), metric->platform, metric, 0,
                                   ROSTER_ALL, &arena, &label, &count, &err), &err);
            (void)roster_spec(watch_roster(crowd->watch), metric, &arena);
            (void)series_model_unref(watch_model(crowd->watch, metric, &number));
            (void)series_calendar_unref(watch_calendar(crowd->watch, metric));
            arena_clear(&arena);
        }
        CHECK_OK(history_compact(watch_history(crowd->watch), &err), &err);
    }
}

TEST(watch, stores_bear_a_crowd) {
    char path[] = "/tmp/weir-crowd-XXXXXX";
    Arena arena = {0};
    Error err;
    Buf token = {0};
    MetricCounts counts;
    Crowd crowd = {0};
    MetricSpec spec[METRICS];
    OsThread *thread[5];
    CHECK(mkdtemp(path) != NULL);
    WatchSettings settings = {.dir = str_c(path)};
    PlatformSpec shop = {.name = STR("shop")};
    CHECK_OK(watch_open(&settings, &crowd.watch, &err), &err);
    Roster *roster = watch_roster(crowd.watch);
    CHECK_OK(roster_platform_put(roster, &shop, false, &token, &err), &err);
    crowd.platform = roster_platform(roster, STR("shop"));
    for (int i = 0; i < METRICS; i++) {
        spec[i] = (MetricSpec){.id = str_printf(&arena, "metric_%d", i), .step_ms = STEP_MS};
    }
    CHECK_OK(roster_metrics_put(roster, crowd.platform, spec, METRICS, &counts, &err), &err);
    for (int i = 0; i < METRICS; i++) {
        crowd.metric[i] = roster_metric(roster, crowd.platform, spec[i].id);
    }
    static float value[3 * 1440];
    for (int i = 0; i < 3 * 1440; i++) value[i] = (float)(100 + i % 60);
    SeriesHistory history = {.step_ms = STEP_MS, .value = value, .count = 3 * 1440};
    SeriesModel *model;
    CHECK_OK(series_train(&history, &model, &err), &err);
    series_model_save(model, &crowd.model);
    (void)series_model_unref(model);
    CHECK_OK(os()->thread_start(pushes, &crowd, &thread[0], &err), &err);
    CHECK_OK(os()->thread_start(pushes, &crowd, &thread[1], &err), &err);
    CHECK_OK(os()->thread_start(registers, &crowd, &thread[2], &err), &err);
    CHECK_OK(os()->thread_start(reads_inbox, &crowd, &thread[3], &err), &err);
    CHECK_OK(os()->thread_start(looks, &crowd, &thread[4], &err), &err);
    for (int i = 0; i < 3; i++) os()->thread_join(thread[i]);
    atomic_store(&crowd.done, true);
    for (int i = 3; i < 5; i++) os()->thread_join(thread[i]);
    // What was removed says farewell over the inbox, too.
    CHECK(atomic_load(&crowd.read) == atomic_load(&crowd.pushed) + ROUNDS);
    CHECK(atomic_load(&crowd.platform->metrics) == METRICS);
    buf_free(&crowd.model);
    watch_close(crowd.watch);
    buf_free(&token);
    unit_remove_dir(settings.dir);
    arena_clear(&arena);
}

#endif
