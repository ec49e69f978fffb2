// Odd points as the platform sees them (docs/watch.md, "Odd points"): what is told of them, and
// that a judge which is saved and restored before every single point tells the same, byte by byte.
#include "watch/judge.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "test/unit.h"

#ifdef WEIR_SQLITE

enum { DAY = 1440, DAYS = 4, STEP_MS = 60000 };
static const int64_t T0 = 1759104000000;  // a Monday

typedef struct Stage {
    Arena arena;
    Str dir;
    Watch *watch;
    WatchMetric *metric;
    Judge judge, restored;
    DetectVerdict verdict;
    JudgeMessage message;
    uint32_t opened, closed;
} Stage;

static double usual(int64_t minute) {
    double noise = 0;
    for (uint64_t k = 0; k < 12; k++) {
        noise += (double)(hash_u64((uint64_t)minute * 12 + k) >> 11) * 0x1p-53;
    }
    double day = (double)(minute % DAY) / DAY, mean = 100 + 60 * sin(2 * M_PI * day);
    return nearbyint(mean + sqrt(mean) * (noise - 6));
}

static SeriesModel *model_of_days(double unit) {
    static float value[DAYS * DAY];
    Error err;
    SeriesModel *model;
    for (int64_t i = 0; i < DAYS * DAY; i++) value[i] = (float)(unit * usual(i));
    SeriesHistory history = {.from_ms = T0, .step_ms = STEP_MS, .value = value,
                             .count = DAYS * DAY};
    CHECK_OK(series_train(&history, &model, &err), &err);
    return model;
}

static void publish(Stage *self, double unit) {
    Error err;
    SeriesModel *model = model_of_days(unit);
    CHECK_OK(watch_model_publish(self->watch, self->metric, model, T0, STR("{}"), &err), &err);
    (void)series_model_unref(model);
}

static void stage_open(Stage *self, int sensitivity, bool model) {
    char path[] = "/tmp/weir-judge-XXXXXX";
    Error err;
    Buf token = {0};
    MetricCounts counts;
    *self = (Stage){0};
    CHECK(mkdtemp(path) != NULL);
    self->dir = str_dup(&self->arena, str_c(path));
    WatchSettings settings = {.dir = self->dir};
    PlatformSpec shop = {.name = STR("shop")};
    MetricSpec spec = {.id = STR("orders"), .step_ms = STEP_MS, .sensitivity = sensitivity};
    CHECK_OK(watch_open(&settings, &self->watch, &err), &err);
    Roster *roster = watch_roster(self->watch);
    CHECK_OK(roster_platform_put(roster, &shop, false, &token, &err), &err);
    WatchPlatform *platform = roster_platform(roster, STR("shop"));
    CHECK_OK(roster_metrics_put(roster, platform, &spec, 1, &counts, &err), &err);
    self->metric = roster_metric(roster, platform, spec.id);
    if (model) publish(self, 1);
    buf_free(&token);
}

static void stage_close(Stage *self) {
    judge_clear(&self->judge);
    judge_clear(&self->restored);
    watch_close(self->watch);
    unit_remove_dir(self->dir);
    arena_clear(&self->arena);
}

static void print(Stage *self, const Judge *judge, const DetectVerdict *verdict,
                  const JudgeMessage *message, Buf *out) {
    if (message->event != DETECT_NONE) {
        judge_print(judge, self->watch, self->metric, verdict, message, out);
    }
    buf_printf(out, " %a %a %x", verdict->score, verdict->forecast, verdict->flags);
}

// What a process does that begins with a checkpoint.
static void restore(Judge *judge) {
    Buf bytes = {0};
    Error err;
    judge_save(judge, &bytes);
    judge_clear(judge);
    CHECK_OK(judge_load(judge, buf_str(&bytes), &err), &err);
    buf_free(&bytes);
}

static void push_at(Stage *self, int64_t ts_ms, double value) {
    DetectVerdict verdict;
    JudgeMessage message;
    Error err;
    Buf one = {0}, other = {0};
    CHECK_OK(judge_push(&self->judge, self->watch, self->metric, ts_ms, value, &self->verdict,
                        &self->message, &err), &err);
    restore(&self->restored);
    CHECK_OK(judge_push(&self->restored, self->watch, self->metric, ts_ms, value, &verdict,
                        &message, &err), &err);
    print(self, &self->judge, &self->verdict, &self->message, &one);
    print(self, &self->restored, &verdict, &message, &other);
    CHECK(str_eq(buf_str(&one), buf_str(&other)));
    CHECK(isfinite(self->verdict.score) && self->verdict.score >= 0);
    self->opened += self->message.event == DETECT_OPEN;
    self->closed += self->message.event == DETECT_CLOSE;
    buf_free(&one);
    buf_free(&other);
}

static void push(Stage *self, int64_t minute, double value) {
    push_at(self, T0 + minute * STEP_MS, value);
}

static void push_usual(Stage *self, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) push(self, i, usual(i));
}

enum { BEGIN = DAYS * DAY };

TEST(judge, a_late_point_fills_its_place_and_says_nothing) {
    Stage stage;
    stage_open(&stage, WATCH_HIGH, true);
    push_usual(&stage, BEGIN, BEGIN + 50);
    push_usual(&stage, BEGIN + 51, BEGIN + 60);
    push(&stage, BEGIN + 50, 0);
    CHECK(stage.verdict.flags & DETECT_LATE && stage.message.event == DETECT_NONE);
    CHECK(stage.judge.silence.last_ms == T0 + (int64_t)(BEGIN + 59) * STEP_MS);
    CHECK_INT(stage.opened, 0);
    stage_close(&stage);
}

TEST(judge, of_two_points_for_a_moment_the_first_stands) {
    Stage stage;
    stage_open(&stage, WATCH_HIGH, true);
    push_usual(&stage, BEGIN, BEGIN + 60);
    for (int i = 0; i < 20; i++) push(&stage, BEGIN + 59, 0);
    CHECK(stage.verdict.flags & DETECT_DUPLICATE);
    push_at(&stage, T0 + (int64_t)(BEGIN + 59) * STEP_MS + 20000, 0);  // the same minute
    CHECK(stage.verdict.flags & DETECT_DUPLICATE);
    CHECK_INT(stage.opened, 0);
    stage_close(&stage);
}

TEST(judge, what_is_missing_or_no_number_is_forecast) {
    Stage stage;
    stage_open(&stage, WATCH_MIDDLE, true);
    push_usual(&stage, BEGIN, BEGIN + 60);
    push_usual(&stage, BEGIN + 64, BEGIN + 70);
    push(&stage, BEGIN + 70, (double)NAN);
    CHECK(stage.verdict.flags & DETECT_INVALID && isfinite(stage.verdict.forecast));
    // A metric that sends no numbers is not heard of.
    CHECK(stage.judge.silence.last_ms == T0 + (int64_t)(BEGIN + 69) * STEP_MS);
    push(&stage, BEGIN + 71, (double)INFINITY);
    push(&stage, BEGIN + 72, -1e200);
    CHECK(stage.verdict.flags & DETECT_INVALID);
    push_usual(&stage, BEGIN + 73, BEGIN + 90);
    CHECK_INT(stage.opened, 0);
    CHECK(stage.verdict.flags == 0 || stage.verdict.flags == DETECT_FILLED);
    stage_close(&stage);
}

TEST(judge, one_negative_or_enormous_value_is_no_alarm_two_are) {
    Stage stage;
    for (int kind = 0; kind < 2; kind++) {
        double odd = kind ? -500 : 1e12;
        stage_open(&stage, WATCH_MIDDLE, true);
        push_usual(&stage, BEGIN, BEGIN + 60);
        push(&stage, BEGIN + 60, odd);
        push_usual(&stage, BEGIN + 61, BEGIN + 200);
        CHECK_INT(stage.opened, 0);
        CHECK(stage.verdict.forecast > 20 &&
              stage.verdict.forecast < 250);  // it has spoilt nothing
        for (int i = 0; i < 5; i++) push(&stage, BEGIN + 200 + i, odd);
        CHECK_INT(stage.opened, 1);
        stage_close(&stage);
    }
    stage_open(&stage, WATCH_HIGH, true);
    push_usual(&stage, BEGIN, BEGIN + 60);
    push(&stage, BEGIN + 60, 1e12);
    CHECK_INT(stage.opened, 1);
    stage_close(&stage);
}

TEST(judge, always_zero_is_normal_and_so_is_now_and_then) {
    Stage stage;
    for (int kind = 0; kind < 2; kind++) {
        stage_open(&stage, WATCH_MIDDLE, false);
        for (int64_t i = 0; i < 3 * DAY; i++) {
            if (kind == 0) push(&stage, i, 0);
            // A point every half hour or so, with one or two of something.
            else if (hash_u64((uint64_t)i) % 30 == 0) push(&stage, i, 1 + (double)(i % 2));
        }
        CHECK_INT(stage.opened, 0);
        int64_t patience_ms = silence_patience_ms(&stage.judge.silence, STEP_MS, 0);
        CHECK(kind ? patience_ms > 60 * STEP_MS : patience_ms == 5 * STEP_MS);
        stage_close(&stage);
    }
}

TEST(judge, a_clock_that_jumps_raises_no_alarm) {
    Stage stage;
    stage_open(&stage, WATCH_HIGH, true);
    push_usual(&stage, BEGIN, BEGIN + 60);
    int64_t wrong = BEGIN + 400 * DAY;
    push(&stage, wrong, usual(BEGIN + 60));
    CHECK(stage.verdict.flags & DETECT_JUMP);
    for (int64_t i = BEGIN + 61; i < BEGIN + 200; i++) push(&stage, i, usual(i));  // and back
    CHECK(!(stage.verdict.flags & DETECT_LATE));
    CHECK_INT(stage.opened, 0);
    CHECK(stage.judge.silence.last_ms == T0 + (int64_t)(BEGIN + 199) * STEP_MS);
    stage_close(&stage);
}

TEST(judge, another_unit_is_one_alarm_and_then_the_new_normal) {
    Stage stage;
    stage_open(&stage, WATCH_MIDDLE, true);
    push_usual(&stage, BEGIN, BEGIN + 60);
    for (int64_t i = BEGIN + 60; i < BEGIN + 3 * DAY; i++) push(&stage, i, 1000 * usual(i));
    CHECK(stage.opened >= 1 && stage.opened <= 2 && stage.closed == stage.opened);
    CHECK(stage.verdict.forecast > 20000 && stage.verdict.forecast < 250000);
    stage_close(&stage);
}

static void set_rule(Stage *stage, const char *rule) {
    MetricSpec spec = {.id = STR("orders"), .step_ms = STEP_MS, .sensitivity = WATCH_MIDDLE,
                       .rule = str_c(rule)};
    MetricCounts counts;
    Error err;
    CHECK_OK(roster_metrics_put(watch_roster(stage->watch), stage->metric->platform, &spec, 1,
                                &counts, &err), &err);
    CHECK_INT(counts.updated, 1);
}

TEST(judge, a_rule_decides_where_there_is_one) {
    Stage stage;
    stage_open(&stage, WATCH_MIDDLE, true);
    set_rule(&stage, "actual > 400 AND actual > forecast");
    push_usual(&stage, BEGIN, BEGIN + 60);
    for (int64_t i = 60; i < 80; i++) push(&stage, BEGIN + i, 0);  // what is learned says nothing
    CHECK_INT(stage.opened, 0);
    push(&stage, BEGIN + 80, 500);
    push(&stage, BEGIN + 81, (double)NAN);
    CHECK_INT(stage.opened, 0);
    push(&stage, BEGIN + 82, 500);
    CHECK(stage.opened == 1 && stage.message.rule && stage.verdict.alarm);
    Buf text = {0};
    judge_print(&stage.judge, stage.watch, stage.metric, &stage.verdict, &stage.message, &text);
    CHECK(str_find(buf_str(&text), STR("{\"id\":\"shop/orders/1-r1\",\"seq\":1,\"event\":\"open\","
                                       "\"kind\":\"rule\""), 0) == 0);
    CHECK(str_find(buf_str(&text),
                   STR("\"why\":{\"rule\":\"actual > 400 AND actual > forecast\"}"), 0) > 0);
    CHECK(watch_alarm_number(STR("shop/orders/1-r1")) == (WATCH_RULE_ALARM | 1));
    push(&stage, BEGIN + 83, usual(BEGIN + 83));
    CHECK_INT(stage.closed, 0);
    push(&stage, BEGIN + 84, usual(BEGIN + 84));
    CHECK_INT(stage.closed, 1);
    push(&stage, BEGIN + 85, 500);
    push(&stage, BEGIN + 86, 500);
    set_rule(&stage, "");
    push(&stage, BEGIN + 87, usual(BEGIN + 87));  // without the rule its alarm is over
    CHECK(stage.opened == 2 && stage.closed == 2 && !stage.judge.rule);
    buf_free(&text);
    stage_close(&stage);
}

// A kill between a model's publication and the point that would have taken it up.
TEST(judge, a_restored_judge_takes_up_a_model_as_if_nothing_had_been) {
    Stage stage;
    stage_open(&stage, WATCH_MIDDLE, false);
    push_usual(&stage, BEGIN, BEGIN + 100);
    CHECK(stage.verdict.flags & DETECT_COLD);
    publish(&stage, 1);
    push_usual(&stage, BEGIN + 100, BEGIN + 200);
    CHECK(!(stage.verdict.flags & DETECT_COLD));
    CHECK(stage.verdict.forecast > 20 && stage.verdict.forecast < 250);
    publish(&stage, 1.1);  // that shape, at another height
    push_usual(&stage, BEGIN + 200, BEGIN + 300);
    CHECK_INT(stage.judge.model_number, 2);
    CHECK_INT(stage.opened, 0);
    stage_close(&stage);
}

TEST(judge, a_silence_is_told_once_and_its_end) {
    Stage stage;
    Error err;
    stage_open(&stage, WATCH_MIDDLE, true);
    push_usual(&stage, BEGIN, BEGIN + 60);
    const int64_t last_ms = T0 + (int64_t)(BEGIN + 59) * STEP_MS;
    for (int minute = 1; minute < 30; minute++) {
        restore(&stage.restored);
        CHECK_OK(judge_ask(&stage.judge, stage.watch, stage.metric, last_ms + minute * STEP_MS,
                           ASK_SILENT, &stage.verdict, &stage.message, &err), &err);
        CHECK_OK(judge_ask(&stage.restored, stage.watch, stage.metric, last_ms + minute * STEP_MS,
                           ASK_SILENT, &stage.verdict, &stage.message, &err), &err);
        CHECK(stage.message.event == (minute == 5 ? DETECT_OPEN : DETECT_NONE));
        if (minute == 5) CHECK(stage.message.silence && stage.message.seq == 1);
    }
    Buf text = {0};
    JudgeMessage opened = {.event = DETECT_OPEN, .alarm = 1, .seq = 1, .silence = true,
                           .opened_ms = stage.judge.silence.opened_ms};
    judge_print(&stage.judge, stage.watch, stage.metric, &stage.verdict, &opened, &text);
    CHECK(str_find(buf_str(&text), STR("{\"id\":\"shop/orders/1-s1\",\"seq\":1,\"event\":\"open\","
                                       "\"kind\":\"silence\""), 0) == 0);
    CHECK(watch_alarm_number(STR("shop/orders/1-s1")) == (WATCH_SILENCE_ALARM | 1));
    CHECK(watch_alarm_number(STR("shop/or-ders/1-17")) == 17);
    CHECK(watch_alarm_number(STR("shop/orders")) == 0 && watch_alarm_number(STR("")) == 0);
    push_at(&stage, last_ms + 30 * STEP_MS, usual(BEGIN + 89));
    CHECK(stage.message.event == DETECT_CLOSE && stage.message.silence && stage.message.seq == 2);
    push_at(&stage, last_ms + 31 * STEP_MS, usual(BEGIN + 90));
    CHECK(stage.message.event == DETECT_NONE);
    buf_free(&text);
    stage_close(&stage);
}

#endif
