// Forecasts beyond the newest point know what the judge knows: the holiday, the network, an outage.
#include "watch/outlook.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "test/unit.h"

#ifdef WEIR_SQLITE

enum { STEP_MS = 120000, DAY = 720, LEARNED = 28, AHEAD = 90, FRIDAYS_LEARNED = 42 };
static const int64_t T0 = 1759104000000;  // Monday, 2025-09-29
static const int32_t DAY0 = 20360;

typedef double (*Mean)(int64_t i);

static double day_of(int64_t i) {
    return 4000 + 2400 * sin(2 * M_PI * ((double)(i % DAY) / DAY - 0.3));
}

// Half as much again on the eleventh and the thirty-first day of it, and the two that follow.
static double with_holidays(int64_t i) {
    const SeriesDay day[] = {{DAY0 + 10, SERIES_HOLIDAY}, {DAY0 + 11, SERIES_HOLIDAY},
                             {DAY0 + 12, SERIES_HOLIDAY}, {DAY0 + 30, SERIES_HOLIDAY},
                             {DAY0 + 31, SERIES_HOLIDAY}, {DAY0 + 32, SERIES_HOLIDAY}};
    SeriesMoment moment;
    SeriesCalendar *calendar = series_calendar_new(0, day, 6, NULL, 0);
    series_moment(calendar, T0 + i * STEP_MS, &moment);
    (void)series_calendar_unref(calendar);
    return day_of(i) * exp(0.4 * moment.growth);
}

// Fridays have long evenings, Mondays late mornings: no profile of two kinds of days holds that.
static double with_fridays(int64_t i) {
    double hour = (double)(i % DAY) / 30;
    int64_t weekday = i / DAY % 7;
    if (weekday == 4) return day_of(i) * (1 + 0.8 * exp(-0.5 * (hour - 20) * (hour - 20) / 2.5));
    if (weekday == 0) return day_of(i) * (1 - 0.4 * exp(-0.5 * (hour - 9) * (hour - 9) / 4));
    return day_of(i);
}

static double value_at(Mean mean, int64_t i) {
    double noise = 0;
    for (uint64_t k = 0; k < 12; k++) {
        noise += (double)(hash_u64((uint64_t)i * 12 + k) >> 11) * 0x1p-53;
    }
    return nearbyint(mean(i) + sqrt(mean(i)) * (noise - 6));
}

typedef struct Stage {
    Arena arena;
    Str dir;
    Watch *watch;
    WatchMetric *metric;
    SeriesModel *model;
} Stage;

static void stage_open(Stage *self, Mean mean, const char *calendar, int64_t days,
                       SeriesNetKind nets) {
    char path[] = "/tmp/weir-outlook-XXXXXX";
    Error err;
    Buf token = {0};
    MetricCounts counts;
    *self = (Stage){0};
    CHECK(mkdtemp(path) != NULL);
    self->dir = str_dup(&self->arena, str_c(path));
    WatchSettings settings = {.dir = self->dir};
    PlatformSpec shop = {.name = STR("shop")};
    MetricSpec spec = {.id = STR("orders"), .step_ms = STEP_MS, .calendar = str_c(calendar)};
    CHECK_OK(watch_open(&settings, &self->watch, &err), &err);
    Roster *roster = watch_roster(self->watch);
    Str holidays = STR("2025-10-09,holiday\n2025-10-10,holiday\n2025-10-11,holiday\n"
                   "2025-10-29,holiday\n2025-10-30,holiday\n2025-10-31,holiday\n");
    CHECK_OK(roster_calendar_put(roster, STR("fair"), holidays, &err), &err);
    CHECK_OK(roster_platform_put(roster, &shop, false, &token, &err), &err);
    WatchPlatform *platform = roster_platform(roster, STR("shop"));
    CHECK_OK(roster_metrics_put(roster, platform, &spec, 1, &counts, &err), &err);
    self->metric = roster_metric(roster, platform, spec.id);
    float *value = NEW_ARRAY(float, (size_t)(days * DAY));
    for (int64_t i = 0; i < days * DAY; i++) value[i] = (float)value_at(mean, i);
    SeriesHistory history = {.from_ms = T0, .step_ms = STEP_MS, .value = value,
                             .count = (uint32_t)(days * DAY), .nets = nets,
                             .calendar = watch_calendar(self->watch, self->metric)};
    CHECK_OK(series_train(&history, &self->model, &err), &err);
    CHECK_OK(watch_model_publish(self->watch, self->metric, self->model, T0, STR("{}"), &err),
             &err);
    (void)series_calendar_unref(history.calendar);
    mem_free(value);
    buf_free(&token);
}

static void stage_close(Stage *self) {
    (void)series_model_unref(self->model);
    watch_close(self->watch);
    unit_remove_dir(self->dir);
    arena_clear(&self->arena);
}

static void add(Stage *self, Mean mean, int64_t from, int64_t to, double share) {
    Error err;
    for (int64_t i = from; i < to; i++) {
        CHECK_OK(history_add(watch_history(self->watch), self->metric->key, STEP_MS,
                             T0 + i * STEP_MS, share * value_at(mean, i), &err), &err);
    }
}

// The mean share that the outlook behind point [last] is off by.
static double off_by(Stage *self, Mean mean, int64_t last) {
    DetectVerdict verdict[AHEAD];
    uint32_t count;
    double off = 0;
    Error err;
    CHECK_OK(watch_outlook(self->watch, self->metric, AHEAD, verdict, &count, &err), &err);
    CHECK_INT(count, AHEAD);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(verdict[i].ts_ms == T0 + (last + 1 + i) * STEP_MS);
        CHECK(verdict[i].low < verdict[i].forecast && verdict[i].forecast < verdict[i].high);
        off += fabs(verdict[i].forecast / mean(last + 1 + i) - 1);
    }
    return off / AHEAD;
}

TEST(outlook, nothing_is_known_without_a_model_or_points) {
    Stage stage;
    DetectVerdict verdict[1];
    uint32_t count = 7;
    Error err;
    stage_open(&stage, day_of, "", LEARNED, SERIES_NET_NONE);
    CHECK_OK(watch_outlook(stage.watch, stage.metric, 1, verdict, &count, &err), &err);
    CHECK_INT(count, 0);
    stage_close(&stage);
}

TEST(outlook, a_holiday_s_growth_is_in_it_and_an_outage_is_not) {
    Stage stage;
    stage_open(&stage, with_holidays, "fair", LEARNED, SERIES_NET_NONE);
    int64_t noon = 31 * DAY + DAY / 2;
    add(&stage, with_holidays, 20 * DAY, noon, 1);
    CHECK(off_by(&stage, with_holidays, noon - 1) < 0.04);
    add(&stage, with_holidays, noon, noon + 60, 0.2);  // two hours of next to nothing
    CHECK(off_by(&stage, with_holidays, noon + 59) < 0.08);
    stage_close(&stage);
    // The evening before: what is not felt yet is known all the same.
    stage_open(&stage, with_holidays, "fair", LEARNED, SERIES_NET_NONE);
    int64_t evening = 29 * DAY + DAY * 11 / 12;
    add(&stage, with_holidays, LEARNED * DAY, evening, 1);
    CHECK(off_by(&stage, with_holidays, evening - 1) < 0.1);
    stage_close(&stage);
}

TEST(outlook, the_network_has_its_say) {
    Stage stage;
    int64_t late = (FRIDAYS_LEARNED + 4) * DAY + 18 * 30;  // Friday, 18:00
    double off[2];
    for (int net = 0; net < 2; net++) {
        stage_open(&stage, with_fridays, "", FRIDAYS_LEARNED,
                   net ? SERIES_NET_DENSE : SERIES_NET_NONE);
        CHECK((stage.model->net != NULL) == net);
        add(&stage, with_fridays, 30 * DAY, late, 1);
        off[net] = off_by(&stage, with_fridays, late - 1);
        stage_close(&stage);
    }
    CHECK(off[1] < 0.6 * off[0]);
}

#endif
