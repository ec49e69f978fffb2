// Points of a made-up shop: its days, its incidents, and the odd things that collectors send.
#include "ml/random.h"
#include "ml/series/learn.h"
#include "ml/series/net.h"
#include "test/unit.h"

enum { MINUTE = 60000, DAY = 1440, BEGIN_DAY = 20150 };  // a Monday

static double around(double hour, double at, double square) {
    double away = fabs(hour - at);
    if (away > 12) away = 24 - away;
    return exp(-0.5 * away * away / square);
}

static double weekend(int64_t day) {
    return (BEGIN_DAY + day + 3) % 7 >= 5 ? log(0.7) : 0;
}

// Two busy times a day, quieter weekends, and no jump at midnight.
static double shop_mean(int64_t minute) {
    int64_t day = minute / DAY, in_day = minute % DAY;
    double hour = (double)in_day / 60, factor = weekend(day);
    if (in_day < 30) factor += (weekend(day - 1) - factor) * (30 - (double)in_day) / 60;
    if (in_day >= DAY - 30)
        factor += (weekend(day + 1) - factor) * ((double)in_day - DAY + 30) / 60;
    return 400 * (0.05 + around(hour, 11, 6) + around(hour, 20, 5)) * exp(factor);
}

static double poisson(Rng *rng, double mean) {
    if (mean > 50) return fmax(0, rint(mean + sqrt(mean) * rng_normal(rng)));
    double limit = exp(-mean), product = rng_unit(rng);
    int count = 0;
    for (; product > limit; count++) product *= rng_unit(rng);
    return count;
}

static float *shop(uint32_t days, double scale, uint64_t seed) {
    Rng rng = rng_make(seed, 1);
    float *value = NEW_ARRAY(float, days * DAY);
    double wander = 0;
    for (uint32_t i = 0; i < days * DAY; i++) {
        wander += -wander / 180 + 0.02 * sqrt(2.0 / 180) * rng_normal(&rng);
        value[i] = (float)poisson(&rng, scale * shop_mean(i) * exp(wander));
    }
    return value;
}

static int64_t at(uint32_t minute) {
    return (int64_t)BEGIN_DAY * SERIES_DAY_MS + (int64_t)minute * MINUTE;
}

static SeriesModel *trained_with(const float *value, uint32_t days, SeriesNetKind nets) {
    SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value,
                             .count = days * DAY, .nets = nets};
    SeriesModel *model = NULL;
    Error err = {0};
    CHECK_OK(series_train(&history, &model, &err), &err);
    return model;
}

static SeriesModel *trained(const float *value, uint32_t days) {
    return trained_with(value, days, SERIES_NET_NONE);
}

static Detector *watcher(SeriesModel *model, DetectDirection direction) {
    DetectSettings settings = {.step_ms = MINUTE, .direction = direction,
                               .sensitivity = DETECT_MIDDLE};
    Detector *detector = detector_new(&settings);
    detector_use(detector, model);
    return detector;
}

// Shows the points of days [from, to); returns how many alarms open, the last one at point *last,
// which may be NULL.
static uint32_t show_days(Detector *detector, const float *value, uint32_t from, uint32_t to,
                          uint32_t *last) {
    uint32_t opened = 0;
    for (uint32_t i = from * DAY; i < to * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i), (double)value[i], &verdict);
        if (verdict.event != DETECT_OPEN) continue;
        if (last) *last = i;
        opened++;
    }
    return opened;
}

TEST(series, a_drop_opens_one_alarm_and_closes_it) {
    float *value = shop(23, 1, 7);
    for (uint32_t i = 22 * DAY + 700; i < 22 * DAY + 730; i++) value[i] = rintf(value[i] * 0.5f);
    SeriesModel *model = trained(value, 21);
    Detector *detector = watcher(model, DETECT_DROP);
    uint32_t opened = 0, closed = 0, opens = 0;
    for (uint32_t i = 21 * DAY; i < 23 * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i), (double)value[i], &verdict);
        if (verdict.event == DETECT_OPEN) opened = i, opens++;
        if (verdict.event == DETECT_CLOSE) closed = i;
        CHECK(isfinite(verdict.score) && isfinite(verdict.forecast));
    }
    CHECK_INT(opens, 1);
    CHECK(opened >= 22 * DAY + 700 && opened <= 22 * DAY + 703);
    CHECK(closed >= 22 * DAY + 730 && closed <= 22 * DAY + 740);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

// Two days are learned, the second with a rush that never comes again. Neither its absence nor the
// first day of rest is a fault; an outage is.
TEST(series, what_was_seen_once_is_not_expected_firmly) {
    float *value = shop(5, 1, 23);
    for (uint32_t i = DAY + 120; i < DAY + 250; i++) value[i] = rintf(value[i] * 2.5f);
    for (uint32_t i = 4 * DAY + 700; i < 4 * DAY + 760; i++) value[i] = rintf(value[i] * 0.05f);
    SeriesModel *model = trained(value, 2);
    Detector *detector = watcher(model, DETECT_DROP);
    uint32_t opened = 0;
    CHECK_INT(show_days(detector, value, 2, 5, &opened), 1);
    CHECK(opened >= 4 * DAY + 700 && opened <= 4 * DAY + 715);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

TEST(series, a_rise_is_no_alarm_where_drops_are_watched) {
    float *value = shop(22, 1, 8);
    for (uint32_t i = 21 * DAY + 600; i < 21 * DAY + 660; i++) value[i] *= 2;
    SeriesModel *model = trained(value, 21);
    Detector *detector = watcher(model, DETECT_DROP);
    uint32_t excursion = 0;
    for (uint32_t i = 21 * DAY; i < 22 * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i), (double)value[i], &verdict);
        CHECK(verdict.event == DETECT_NONE);
        excursion += (verdict.flags & DETECT_EXCURSION) != 0;
    }
    CHECK(excursion > 40 && excursion < 90);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

TEST(series, a_few_events_an_hour_that_stop_are_noticed) {
    float *value = shop(22, 0.006, 9);  // about one a minute
    for (uint32_t i = 21 * DAY + 600; i < 21 * DAY + 690; i++) value[i] = 0;
    SeriesModel *model = trained(value, 21);
    Detector *detector = watcher(model, DETECT_DROP);
    uint32_t opened = 0;
    (void)show_days(detector, value, 20, 22, &opened);
    CHECK(opened > 21 * DAY + 600 && opened < 21 * DAY + 660);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

TEST(series, saved_and_loaded_a_detector_goes_on_bit_for_bit) {
    float *value = shop(17, 1, 10);
    for (uint32_t i = 15 * DAY + 700; i < 15 * DAY + 760; i++) value[i] = 3;
    SeriesModel *model = trained(value, 14), *copy = NULL;
    Error err = {0};
    Buf bytes = {0};
    series_model_save(model, &bytes);
    CHECK_OK(series_model_load(buf_str(&bytes), &copy, &err), &err);
    Detector *one = watcher(model, DETECT_BOTH), *two = watcher(copy, DETECT_BOTH);
    for (uint32_t i = 14 * DAY; i < 17 * DAY; i++) {
        DetectVerdict a, b;
        if (i % 11 == 3) continue;
        detector_push(one, at(i), (double)value[i], &a);
        detector_push(two, at(i), (double)value[i], &b);
        CHECK(memcmp(&a.score, &b.score, sizeof a.score) == 0);
        CHECK(memcmp(&a.forecast, &b.forecast, sizeof a.forecast) == 0);
        CHECK(a.event == b.event && a.alarm_id == b.alarm_id && a.flags == b.flags);
        if (i % 97 && !a.event) continue;
        bytes.len = 0;
        detector_save(two, &bytes);
        detector_free(two);
        CHECK_OK(detector_load(buf_str(&bytes), copy, &two, &err), &err);
    }
    detector_free(one);
    detector_free(two);
    series_model_unref(model);
    series_model_unref(copy);
    buf_free(&bytes);
    mem_free(value);
}

TEST(series, cut_or_changed_bytes_are_refused_or_harmless) {
    float *value = shop(15, 1, 11);
    SeriesModel *model = trained(value, 14);
    Detector *detector = watcher(model, DETECT_BOTH), *loaded;
    (void)show_days(detector, value, 14, 15, NULL);
    Buf bytes = {0}, saved = {0};
    series_model_save(model, &bytes);
    detector_save(detector, &saved);
    for (size_t cut = 0; cut < bytes.len; cut += 13) {
        SeriesModel *none;
        CHECK(series_model_load(str_make(bytes.ptr, cut), &none, NULL));
    }
    for (size_t cut = 0; cut < saved.len; cut += 13) {
        CHECK(detector_load(str_make(saved.ptr, cut), model, &loaded, NULL));
    }
    Rng rng = rng_make(1, 2);
    for (uint32_t i = 0; i < 500; i++) {
        size_t place = rng_below(&rng, (uint32_t)saved.len);
        char kept = saved.ptr[place];
        saved.ptr[place] = (char)rng_next(&rng);
        if (!detector_load(buf_str(&saved), model, &loaded, NULL)) {
            DetectVerdict verdict;
            detector_push(loaded, at(15 * DAY), 100, &verdict);
            detector_free(loaded);
        }
        saved.ptr[place] = kept;
    }
    detector_free(detector);
    series_model_unref(model);
    buf_free(&bytes);
    buf_free(&saved);
    mem_free(value);
}

TEST(series, a_learner_trains_itself_and_survives_a_restart) {
    float *value = shop(9, 1, 12);
    for (uint32_t i = 8 * DAY + 600; i < 8 * DAY + 620; i++) value[i] = 0;
    LearnSettings settings = {.detect = {.direction = DETECT_DROP}};
    Learner *learner = learner_new(&settings);
    Error err = {0};
    uint64_t opened = 0;
    for (uint32_t i = 0; i < 9 * DAY; i++) {
        DetectVerdict verdict;
        learner_push(learner, at(i), (double)value[i], &verdict);
        if (verdict.event == DETECT_OPEN) opened = i;
        if (i != 5 && i != 100 && i != 3 * DAY) continue;
        Buf bytes = {0};
        learner_save(learner, &bytes);
        learner_free(learner);
        CHECK_OK(learner_load(buf_str(&bytes), &learner, &err), &err);
        buf_free(&bytes);
    }
    CHECK(learner_trainings(learner) >= 2);
    CHECK_INT(detector_settings(learner_detector(learner))->step_ms, MINUTE);
    CHECK(opened >= 8 * DAY + 600 && opened <= 8 * DAY + 605);
    learner_free(learner);
    mem_free(value);
}

// What is read back has no more room than it needs, one point at the least.
TEST(series, a_learner_survives_a_restart_at_any_of_its_first_points) {
    for (uint32_t cut = 0; cut < 20; cut++) {
        LearnSettings settings = {.detect = {.step_ms = MINUTE}};
        Learner *learner = learner_new(&settings);
        Error err = {0};
        for (uint32_t i = 0; i < 40; i++) {
            DetectVerdict verdict;
            learner_push(learner, at(i), i, &verdict);
            if (i != cut) continue;
            Buf bytes = {0};
            learner_save(learner, &bytes);
            learner_free(learner);
            CHECK_OK(learner_load(buf_str(&bytes), &learner, &err), &err);
            buf_free(&bytes);
        }
        CHECK_INT(detector_settings(learner_detector(learner))->step_ms, MINUTE);
        learner_free(learner);
    }
}

TEST(series, too_little_history_says_so) {
    float *value = shop(1, 1, 13);
    SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value, .count = DAY};
    SeriesModel *model;
    Error err = {0};
    CHECK(series_train(&history, &model, &err) == ST_RUNTIME);
    CHECK_STR(err.message, "history of 1.00 days; a model wants 2");
    mem_free(value);
}

// Line 5 of what collectors do: none of it raises an alarm, none of it leaves a number that is
// none.
TEST(series, odd_points_are_flagged_and_do_no_harm) {
    float *value = shop(16, 1, 14);
    SeriesModel *model = trained(value, 14);
    Detector *detector = watcher(model, DETECT_DROP);
    DetectVerdict verdict;
    (void)show_days(detector, value, 14, 15, NULL);
    detector_push(detector, at(15 * DAY - 1), 0, &verdict);
    CHECK(verdict.flags & DETECT_DUPLICATE);
    detector_push(detector, at(15 * DAY), (double)NAN, &verdict);
    CHECK(verdict.flags == DETECT_INVALID && isfinite(verdict.score) && isfinite(verdict.forecast));
    detector_push(detector, at(15 * DAY + 1), 1e300, &verdict);
    CHECK(verdict.flags & DETECT_INVALID);
    detector_push(detector, at(15 * DAY + 5), (double)value[15 * DAY + 5], &verdict);
    CHECK(verdict.flags & DETECT_FILLED && verdict.why.filled == 5);
    detector_push(detector, at(15 * DAY + 3), (double)value[15 * DAY + 3], &verdict);
    CHECK(verdict.flags == DETECT_LATE);
    detector_push(detector, at(15 * DAY + 3), (double)value[15 * DAY + 3], &verdict);
    CHECK(verdict.flags == (DETECT_LATE | DETECT_DUPLICATE));
    detector_push(detector, at(15 * DAY - 5000), 0, &verdict);
    CHECK(verdict.flags == DETECT_LATE);
    detector_push(detector, at(15 * DAY + 6), -50, &verdict);
    CHECK(!verdict.alarm && isfinite(verdict.score));
    for (uint32_t i = 15 * DAY + 7; i < 15 * DAY + 60; i++) {
        detector_push(detector, at(i), (double)value[i], &verdict);
        CHECK(!verdict.alarm && isfinite(verdict.score) && isfinite(verdict.forecast));
    }
    // The clock goes a year ahead, and then a day back for good.
    detector_push(detector, at(380 * DAY), (double)value[15 * DAY], &verdict);
    CHECK(verdict.flags & DETECT_JUMP && !verdict.alarm);
    for (uint32_t i = 0; i < 200; i++) {
        detector_push(detector, at(379 * DAY + i), (double)value[15 * DAY + i], &verdict);
        CHECK(i != 28 || verdict.flags & DETECT_LATE);
        CHECK(isfinite(verdict.score) && isfinite(verdict.forecast));
    }
    CHECK(!(verdict.flags & DETECT_LATE));
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

TEST(series, constants_and_silence_are_normal_and_their_end_is_not) {
    float *value = NEW_ARRAY(float, 8 * DAY);
    for (uint32_t kind = 0; kind < 3; kind++) {
        Rng rng = rng_make(15, kind);
        for (uint32_t i = 0; i < 8 * DAY; i++) {
            value[i] = kind == 0 ? 0 : kind == 1 ? 7.5f : rng_below(&rng, 500) == 0;
        }
        SeriesModel *model = trained(value, 7);
        Detector *detector = watcher(model, DETECT_BOTH);
        DetectVerdict verdict;
        uint32_t false_alarms = 0, opened = 0;
        for (uint32_t i = 7 * DAY; i < 8 * DAY; i++) {
            detector_push(detector, at(i), (double)value[i], &verdict);
            false_alarms += verdict.event == DETECT_OPEN;
            CHECK(isfinite(verdict.score) && isfinite(verdict.forecast));
        }
        CHECK_INT(false_alarms, 0);
        for (uint32_t i = 8 * DAY; i < 8 * DAY + 30; i++) {
            detector_push(detector, at(i), 40, &verdict);
            opened += verdict.event == DETECT_OPEN;
        }
        CHECK_INT(opened, 1);
        detector_free(detector);
        series_model_unref(model);
    }
    mem_free(value);
}

TEST(series, a_unit_that_changes_is_one_alarm_and_then_the_new_normal) {
    float *value = shop(18, 1, 16);
    SeriesModel *model = trained(value, 14);
    Detector *detector = watcher(model, DETECT_BOTH);
    uint32_t opened = 0, open = 0;
    for (uint32_t i = 14 * DAY; i < 18 * DAY; i++) {
        DetectVerdict verdict;
        double unit = i < 15 * DAY ? 1 : 1000;
        detector_push(detector, at(i), unit * (double)value[i], &verdict);
        opened += verdict.event == DETECT_OPEN;
        open += verdict.alarm && i > 16 * DAY + 120;
    }
    CHECK(opened >= 1 && opened <= 2);
    CHECK(open < 60);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

// A job that runs every 50 minutes: what a day's profile would blur.
TEST(series, another_period_than_a_day_is_found_and_forecast) {
    enum { DAYS = 4, PERIOD = 50 };
    Rng rng = rng_make(21, 1);
    float *value = NEW_ARRAY(float, DAYS * DAY);
    for (uint32_t i = 0; i < DAYS * DAY; i++) {
        value[i] = (float)(40.5 + (i % PERIOD < 10 ? 25 : 0) + rng_normal(&rng));
    }
    SeriesModel *model = trained(value, DAYS);
    CHECK_INT(model->kind, SERIES_PERIODIC);
    CHECK_INT(model->period, PERIOD);
    Detector *detector = watcher(model, DETECT_BOTH);
    DetectVerdict verdict;
    uint32_t opened = 0;
    double off = 0;
    for (uint32_t i = 0; i < DAY; i++) {
        double now = 40.5 + ((DAYS * DAY + i) % PERIOD < 10 ? 25 : 0) + rng_normal(&rng);
        detector_push(detector, at(DAYS * DAY + i), now, &verdict);
        off += fabs(now - verdict.forecast) / DAY;
        opened += verdict.event == DETECT_OPEN;
    }
    CHECK(off < 1.5);
    CHECK_INT(opened, 0);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

static SeriesCalendar *calendar_of(const SeriesDay *day, uint32_t days, const SeriesSpan *span,
                                   uint32_t spans) {
    return series_calendar_new(0, day, days, span, spans);
}

// A promotion in the third hour of the morning's rise: 2.2 times as many, fading; then it ends.
static void promote(float *value, uint32_t from, uint32_t minutes) {
    for (uint32_t i = 0; i < minutes; i++) {
        double lift = 1.2 * exp(-(double)i / (0.4 * minutes)) * fmin(1, (i + 1) / 4.0);
        value[from + i] = rintf(value[from + i] * (float)(1 + lift));
    }
}

TEST(series, an_announced_promotion_and_its_end_are_no_news_but_an_outage_in_it_is) {
    enum { FROM = 15 * DAY + 600, LONG = 120 };
    float *value = shop(17, 1, 31);
    SeriesModel *model = trained(value, 14);
    promote(value, FROM, LONG);
    SeriesSpan span = {at(FROM), at(FROM + LONG)};
    SeriesCalendar *calendar = calendar_of(NULL, 0, &span, 1);
    for (uint32_t kind = 0; kind < 3; kind++) {  // not announced; announced; with an outage in it
        DetectSettings settings = {.step_ms = MINUTE, .sensitivity = DETECT_MIDDLE,
                                   .calendar = kind ? calendar : NULL};
        Detector *detector = detector_new(&settings);
        detector_use(detector, model);
        uint32_t opened = 0, at_minute = 0;
        double off = 0;
        for (uint32_t i = 14 * DAY; i < 17 * DAY; i++) {
            DetectVerdict verdict;
            bool outage = kind == 2 && i >= FROM + 60 && i < FROM + 75;
            detector_push(detector, at(i), outage ? 5 : (double)value[i], &verdict);
            if (verdict.event == DETECT_OPEN) opened++, at_minute = i;
            if (i >= FROM + 10 && i < FROM + 60) {
                off += fabs((double)value[i] - verdict.forecast) / (double)value[i] / 50;
                CHECK(!kind == !(verdict.flags & DETECT_PROMOTION));
            }
        }
        CHECK_INT(opened, kind != 1);
        if (kind) CHECK(off < 0.1);  // forecasts follow it
        if (kind == 2) CHECK(at_minute >= FROM + 60 && at_minute <= FROM + 63);
        detector_free(detector);
    }
    series_calendar_unref(calendar);
    series_model_unref(model);
    mem_free(value);
}

TEST(series, training_leaves_promotions_out) {
    float *value = shop(14, 1, 32);
    SeriesSpan span[14];
    for (uint32_t day = 0; day < 14; day++) {  // each day at the same time
        uint32_t from = day * DAY + 600;
        span[day] = (SeriesSpan){at(from), at(from + 90)};
        for (uint32_t i = 0; i < 90; i++) value[from + i] *= 2;
    }
    SeriesCalendar *calendar = calendar_of(NULL, 0, span, 14);
    SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value,
                             .count = 14 * DAY, .calendar = calendar};
    SeriesModel *model;
    Error err = {0};
    SeriesMoment moment;
    SeriesBase before, within;
    CHECK_OK(series_train(&history, &model, &err), &err);
    series_moment(NULL, at(14 * DAY + 595), &moment);
    series_model_at(model, &moment, at(14 * DAY + 595), &before);
    series_moment(NULL, at(14 * DAY + 640), &moment);
    series_model_at(model, &moment, at(14 * DAY + 640), &within);
    CHECK(within.mean < 1.3 * before.mean);
    series_model_unref(model);
    series_calendar_unref(calendar);
    mem_free(value);
}

// Half as many again on three days; the second day brings another model.
TEST(series, a_model_that_comes_in_the_middle_of_a_holiday_changes_no_forecast_much) {
    enum { HOLIDAY = 21 };
    float *value = shop(28, 1, 33);
    SeriesDay day[6];
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t first = i < 3 ? 8 : HOLIDAY;
        day[i] = (SeriesDay){BEGIN_DAY + (int32_t)(first + i % 3), SERIES_HOLIDAY};
    }
    SeriesCalendar *calendar = calendar_of(day, 6, NULL, 0);
    for (uint32_t i = 0; i < 28 * DAY; i++) {
        uint32_t at_day = i / DAY;
        bool holiday = (at_day >= 8 && at_day < 11) || (at_day >= HOLIDAY && at_day < HOLIDAY + 3);
        if (holiday) value[i] = rintf(value[i] * 1.5f / (float)exp(weekend(at_day)) * 0.7f);
    }
    SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value,
                             .count = (HOLIDAY - 1) * DAY, .calendar = calendar};
    DetectSettings settings = {.step_ms = MINUTE, .calendar = calendar,
                               .sensitivity = DETECT_MIDDLE};
    SeriesModel *model, *later;
    Error err = {0};
    CHECK_OK(series_train(&history, &model, &err), &err);
    history.count = (HOLIDAY + 1) * DAY + 700;
    CHECK_OK(series_train(&history, &later, &err), &err);
    Detector *one = detector_new(&settings), *two = detector_new(&settings);
    detector_use(one, model);
    detector_use(two, model);
    uint32_t opened[2] = {0};
    double apart = 0, off = 0;
    for (uint32_t i = (HOLIDAY - 1) * DAY; i < 28 * DAY; i++) {
        DetectVerdict a, b;
        detector_push(one, at(i), (double)value[i], &a);
        detector_push(two, at(i), (double)value[i], &b);
        opened[0] += a.event == DETECT_OPEN && i > (HOLIDAY + 1) * DAY + 700;
        opened[1] += b.event == DETECT_OPEN && i > (HOLIDAY + 1) * DAY + 700;
        if (i == (HOLIDAY + 1) * DAY + 700) detector_use(two, later);
        if (i > (HOLIDAY + 1) * DAY + 700 && i < (HOLIDAY + 1) * DAY + 1000) {
            apart = fmax(apart, fabs(a.forecast / b.forecast - 1));
            off += fabs(b.forecast / (double)value[i] - 1) / 300;
        }
    }
    CHECK(apart < 0.05);
    CHECK(off < 0.06);
    CHECK(opened[1] <= opened[0]);
    detector_free(one);
    detector_free(two);
    series_model_unref(model);
    series_model_unref(later);
    series_calendar_unref(calendar);
    mem_free(value);
}

// What is known of a holiday's growth does not suffer from the first minutes of the next one.
TEST(series, training_as_a_holiday_begins_keeps_what_is_known_of_holidays) {
    float *value = shop(22, 1, 36);
    SeriesDay day[6];
    double growth[2];
    for (uint32_t i = 0; i < 6; i++) {
        int32_t first = i < 3 ? 8 : 20;
        day[i] = (SeriesDay){BEGIN_DAY + first + (int32_t)(i % 3), SERIES_HOLIDAY};
    }
    SeriesCalendar *calendar = calendar_of(day, 6, NULL, 0);
    for (uint32_t i = 8 * DAY; i < 11 * DAY; i++) value[i] = rintf(value[i] * 1.5f);
    for (uint32_t n = 0; n < 2; n++) {
        SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value,
                                 .count = 20 * DAY + 6 * n, .calendar = calendar};
        SeriesModel *model = NULL;
        Error err = {0};
        CHECK_OK(series_train(&history, &model, &err), &err);
        growth[n] = model->growth;
        series_model_unref(model);
    }
    CHECK(growth[0] > 0.2);
    CHECK(fabs(growth[1] - growth[0]) < 0.02);
    series_calendar_unref(calendar);
    mem_free(value);
}

// Down by 40 %, for good: an alarm, no second one, and a model that knows it a day later.
TEST(series, a_level_that_has_moved_is_learned_anew_and_a_fault_is_not) {
    for (uint32_t kind = 0; kind < 2; kind++) {
        float *value = shop(24, 1, 34);
        uint32_t from = 15 * DAY + 600, to = kind ? from + 9 * 60 : 24 * DAY;
        for (uint32_t i = from; i < to; i++) value[i] = rintf(value[i] * 0.6f);
        LearnSettings settings = {.detect = {.step_ms = MINUTE, .direction = DETECT_DROP,
                                             .sensitivity = DETECT_MIDDLE}};
        Learner *learner = learner_new(&settings);
        uint32_t opened = 0, before = 0, accepted = 0, drifts = 0;
        double off = 0;
        for (uint32_t i = 0; i < 24 * DAY; i++) {
            DetectVerdict verdict;
            learner_push(learner, at(i), (double)value[i], &verdict);
            if (i == from) before = learner_trainings(learner);
            if (i < from) continue;
            if (verdict.flags & DETECT_ACCEPTED) accepted = i;
            drifts += (verdict.flags & DETECT_DRIFT) != 0;
            opened += verdict.event == DETECT_OPEN;
            if (i >= 18 * DAY) off += fabs(verdict.forecast / shop_mean(i) - (kind ? 1 : 0.6));
        }
        CHECK_INT(opened, 1);
        CHECK_INT(accepted > 0, !kind);
        CHECK_INT(drifts > 0, !kind);
        if (!kind) CHECK(learner_trainings(learner) > before);
        CHECK(off / (6 * DAY) < 0.08);
        if (!kind) CHECK(accepted <= from + DAY + 5);
        learner_free(learner);
        mem_free(value);
    }
}

// The level climbs by a twentieth a day: no alarm, and a new model before two weeks are over.
TEST(series, a_slow_drift_asks_for_a_new_model) {
    float *value = shop(28, 1, 35);
    for (uint32_t i = 14 * DAY; i < 28 * DAY; i++) {
        value[i] = rintf(value[i] * (float)pow(1.05, (double)(i - 14 * DAY) / DAY));
    }
    SeriesModel *model = trained(value, 14);
    Detector *detector = watcher(model, DETECT_DROP);
    uint32_t drifted = 0, first = 0;
    for (uint32_t i = 14 * DAY; i < 28 * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i), (double)value[i], &verdict);
        CHECK(verdict.event == DETECT_NONE);
        if (verdict.flags & DETECT_DRIFT && !drifted++) first = i;
    }
    CHECK(drifted > 0 && drifted < 14);
    CHECK(first > 15 * DAY && first < 24 * DAY);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

// A job takes part of the orders away each night from the 15th day on.
static float *nightly(uint32_t days, uint64_t seed, uint32_t *first) {
    float *value = shop(days, 1, seed);
    *first = 15 * DAY + 200;
    for (uint32_t from = *first; from + 15 < days * DAY; from += DAY) {
        for (uint32_t i = from; i < from + 15; i++) value[i] = rintf(value[i] * 0.35f);
    }
    return value;
}

TEST(series, a_label_false_alarm_changes_the_next_such_case_and_no_other) {
    enum { DAYS = 20 };
    uint32_t first;
    float *value = nightly(DAYS, 41, &first);
    SeriesModel *model = trained(value, 15);
    for (uint32_t i = 17 * DAY + 900; i < 17 * DAY + 910; i++) value[i] = rintf(value[i] * 0.35f);
    Detector *detector = watcher(model, DETECT_DROP);
    Error err = {0};
    Buf bytes = {0};
    uint32_t nights = 0, others = 0, again = 0;
    for (uint32_t i = 15 * DAY; i < DAYS * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i), (double)value[i], &verdict);
        bool night = i % DAY >= 200 && i % DAY < 230;
        if (verdict.event == DETECT_OPEN) {
            others += !night;
            if (night) nights += i < 18 * DAY, again += i >= 18 * DAY;
        }
        if (i == first + 300) detector_label(detector, 1, DETECT_FALSE_ALARM);
        if (i == first + DAY + 300) {  // it was said twice, if once was not enough
            if (nights > 1) detector_label(detector, 2, DETECT_FALSE_ALARM);
            detector_save(detector, &bytes);
            detector_free(detector);
            CHECK_OK(detector_load(buf_str(&bytes), model, &detector, &err), &err);
        }
        if (i == 18 * DAY) {  // and it was one, after all
            for (uint64_t alarm = 1; alarm <= nights; alarm++) {
                detector_label(detector, alarm, DETECT_TRUE_ALARM);
            }
        }
    }
    CHECK(nights >= 1 && nights <= 2);
    CHECK_INT(others, 1);
    CHECK_INT(again, 2);
    detector_free(detector);
    series_model_unref(model);
    buf_free(&bytes);
    mem_free(value);
}

TEST(series, a_label_missed_in_training_makes_the_next_such_case_an_alarm) {
    float *value = shop(23, 1, 42);
    uint32_t faint[] = {20 * DAY + 900, 22 * DAY + 900};
    for (uint32_t n = 0; n < 2; n++) {
        for (uint32_t i = faint[n]; i < faint[n] + 3; i++) value[i] = rintf(value[i] * 0.83f);
    }
    SeriesLabel label = {at(faint[0]), at(faint[0] + 2), true};
    for (uint32_t labels = 0; labels < 2; labels++) {
        SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value,
                                 .count = 21 * DAY, .label = &label, .labels = labels};
        SeriesModel *model = NULL;
        Error err = {0};
        uint32_t opened = 0;
        CHECK_OK(series_train(&history, &model, &err), &err);
        CHECK_INT(model->taste.labels, labels);
        Detector *detector = watcher(model, DETECT_DROP);
        for (uint32_t i = 21 * DAY; i < 23 * DAY; i++) {
            DetectVerdict verdict;
            detector_push(detector, at(i), (double)value[i], &verdict);
            opened += verdict.event == DETECT_OPEN && i >= faint[1] && i < faint[1] + 8;
        }
        CHECK_INT(opened, labels);
        detector_free(detector);
        series_model_unref(model);
    }
    mem_free(value);
}

// A model that is wrong has the detector see faults where there are none, and where the level
// stands is that model's mistake then: the next one must not inherit it.
TEST(series, a_model_that_was_wrong_does_not_hand_its_level_on) {
    enum { FROM = 14, DAYS = 18 };
    float *value = shop(DAYS, 1, 61), *large = shop(DAYS, 1.6, 62);
    SeriesModel *wrong = trained(large, FROM), *right = trained(value, FROM);
    Detector *detector = watcher(wrong, DETECT_DROP);
    uint32_t opened = 0, last = 0;
    for (uint32_t i = FROM * DAY; i < DAYS * DAY; i++) {
        DetectVerdict verdict;
        if (i == FROM * DAY + 1200) {
            CHECK_INT(opened, 1);
            detector_use(detector, right);
        }
        detector_push(detector, at(i), (double)value[i], &verdict);
        opened += verdict.event == DETECT_OPEN;
        if (verdict.alarm) last = i;
    }
    CHECK_INT(opened, 1);
    CHECK(last > FROM * DAY + 1000 && last < FROM * DAY + 1260);
    detector_free(detector);
    series_model_unref(wrong);
    series_model_unref(right);
    mem_free(value);
    mem_free(large);
}

// At night hardly anybody asks, least of all on a Sunday, and one that fails is a tenth: the share
// that fails is what it is at noon, seen through few. Cells of ten minutes without any are most of
// them.
TEST(series, a_share_of_few_is_learned_from_the_few) {
    enum { DAYS = 35, LEARNED = 28 };
    float *value = NEW_ARRAY(float, DAYS * DAY);
    Rng rng = rng_make(7, 1);
    for (uint32_t i = 0; i < DAYS * DAY; i++) {
        double asked = fmax(1, poisson(&rng, 0.5 * shop_mean(i) + 3));
        value[i] = (float)(100 - 100 * fmin(1, poisson(&rng, 0.006 * asked) / asked));
    }
    SeriesModel *model = trained(value, LEARNED);
    CHECK(model->ceiling != 0);
    for (uint32_t hour = 0; hour < 24; hour += 3) {
        SeriesMoment moment;
        SeriesBase base;
        int64_t ts_ms = at(LEARNED * DAY - DAY + hour * 60 + 30);  // a Sunday
        series_moment(NULL, ts_ms, &moment);
        series_model_at(model, &moment, ts_ms, &base);
        CHECK(base.mean * exp(model->level) > 0.3 && base.mean * exp(model->level) < 1.2);
    }
    Detector *detector = watcher(model, DETECT_DROP);
    CHECK_INT(show_days(detector, value, LEARNED, DAYS, NULL), 0);
    detector_free(detector);
    series_model_unref(model);
    mem_free(value);
}

// A processor's load is a floor and what the crowd adds: half as many people more on a holiday add
// nothing at night and a lot at noon.
TEST(series, a_holiday_adds_to_a_level_what_its_crowd_adds) {
    enum { DAYS = 32, LEARNED = 28 };
    float *value = NEW_ARRAY(float, DAYS * DAY);
    Rng rng = rng_make(8, 1);
    SeriesDay day[6];
    for (int32_t i = 0; i < 6; i++) {
        day[i] = (SeriesDay){BEGIN_DAY + (i < 3 ? 15 : 26) + i, SERIES_HOLIDAY};
    }
    SeriesCalendar *calendar = calendar_of(day, 6, NULL, 0);
    for (uint32_t i = 0; i < DAYS * DAY; i++) {
        SeriesMoment moment;
        series_moment(calendar, at(i), &moment);
        int64_t like = moment.holiday ? 5 * DAY + i % DAY : i;  // a Saturday
        double crowd = exp(0.6 * moment.growth) * shop_mean(like) / 400;
        value[i] = (float)(20 + 16 * crowd + 2 * rng_normal(&rng));
    }
    SeriesHistory history = {.from_ms = at(0), .step_ms = MINUTE, .value = value,
                             .count = LEARNED * DAY, .calendar = calendar};
    SeriesModel *model = NULL;
    Error err = {0};
    CHECK_OK(series_train(&history, &model, &err), &err);
    CHECK(!model->scaled && model->growth > 0);
    DetectSettings settings = {.step_ms = MINUTE, .direction = DETECT_RISE,
                               .sensitivity = DETECT_MIDDLE, .calendar = calendar};
    Detector *detector = detector_new(&settings);
    detector_use(detector, model);
    CHECK_INT(show_days(detector, value, LEARNED, DAYS, NULL), 0);
    detector_free(detector);
    series_model_unref(model);
    series_calendar_unref(calendar);
    mem_free(value);
}

// Fridays are long: what two shapes of days cannot hold.
static float *long_fridays(uint32_t days, double scale, uint64_t seed) {
    float *value = shop(days, scale, seed);
    for (uint32_t i = 0; i < days * DAY; i++) {
        uint32_t weekday = (BEGIN_DAY + i / DAY + 3) % 7;
        double hour = i % DAY / 60.0, more = 0;
        if (weekday == 4) more = 0.6 * exp(-0.5 * (hour - 20) * (hour - 20) / 2.5);
        if (weekday == 0) more = -0.35 * exp(-0.5 * (hour - 9) * (hour - 9) / 4);
        value[i] = rintf(value[i] * (float)(1 + more));
    }
    return value;
}

// The mean share that forecasts are off by on a Friday evening's and a Monday morning's hours.
static double off_on(Detector *detector, const float *value, uint32_t from, uint32_t to,
                     uint32_t *opened) {
    double off = 0;
    uint32_t count = 0;
    for (uint32_t i = from; i < to; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i), (double)value[i], &verdict);
        *opened += verdict.event == DETECT_OPEN;
        uint32_t weekday = (BEGIN_DAY + i / DAY + 3) % 7, hour = i % DAY / 60;
        if (!(weekday == 4 && hour >= 17) && !(weekday == 0 && hour < 12)) continue;
        off += fabs(verdict.forecast / fmax((double)value[i], 1) - 1);
        count++;
    }
    return off / fmax(count, 1);
}

TEST(series, a_network_wins_where_the_profile_does_not_hold_and_judges_by_the_same_detector) {
    enum { DAYS = 42, UNTIL = 56 };
    float *value = long_fridays(UNTIL, 1, 51);
    for (uint32_t i = 52 * DAY + 700; i < 52 * DAY + 720; i++) value[i] = 3;
    SeriesModel *plain = trained_with(value, DAYS, SERIES_NET_NONE);
    CHECK(!plain->net);
    for (int kind = SERIES_NET_DENSE; kind <= SERIES_NET_LSTM; kind++) {
        SeriesModel *model = trained_with(value, DAYS, (SeriesNetKind)kind), *copy = NULL;
        CHECK(model->net != NULL);
        if (!model->net) break;
        CHECK(model->net->loss[1] < 0.9 * model->net->loss[0]);
        Error err = {0};
        Buf bytes = {0};
        series_model_save(model, &bytes);
        CHECK_OK(series_model_load(buf_str(&bytes), &copy, &err), &err);
        Detector *one = watcher(plain, DETECT_BOTH), *two = watcher(copy, DETECT_BOTH);
        uint32_t opened[2] = {0};
        double without = off_on(one, value, DAYS * DAY, UNTIL * DAY, &opened[0]);
        double with = off_on(two, value, DAYS * DAY, UNTIL * DAY, &opened[1]);
        CHECK(with < without);
        // The outage and one long evening at most; the profile takes each of them for an alarm.
        CHECK(opened[1] >= 1 && opened[1] <= 2);
        CHECK(opened[0] > 2 * opened[1]);
        // Saved and loaded, it goes on bit for bit.
        DetectVerdict a, b;
        Detector *three = NULL;
        bytes.len = 0;
        detector_save(two, &bytes);
        CHECK_OK(detector_load(buf_str(&bytes), copy, &three, &err), &err);
        for (uint32_t i = 0; i < 300; i++) {
            double now = 100 + i % 7;
            detector_push(two, at(UNTIL * DAY + i), now, &a);
            detector_push(three, at(UNTIL * DAY + i), now, &b);
            CHECK(memcmp(&a.forecast, &b.forecast, sizeof a.forecast) == 0 && a.event == b.event);
        }
        detector_free(one);
        detector_free(two);
        detector_free(three);
        series_model_unref(model);
        series_model_unref(copy);
        buf_free(&bytes);
    }
    series_model_unref(plain);
    mem_free(value);
}

TEST(series, a_network_that_is_no_better_than_the_profile_is_not_taken) {
    float *value = shop(28, 1, 52);
    SeriesModel *model = trained_with(value, 28, SERIES_NET_LSTM);
    CHECK(!model->net);
    series_model_unref(model);
    mem_free(value);
}

// Where alarms open, as minutes, of the last two of 23 days, [weeks] later and [scale] times as
// large.
static uint32_t openings(const float *value, int64_t weeks, float scale, uint32_t *minute) {
    enum { ALARMS_MAX = 16 };
    float *scaled = NEW_ARRAY(float, 23 * DAY);
    for (uint32_t i = 0; i < 23 * DAY; i++) scaled[i] = value[i] * scale;
    int64_t later = weeks * 7 * SERIES_DAY_MS;
    SeriesHistory history = {.from_ms = at(0) + later, .step_ms = MINUTE, .value = scaled,
                             .count = 21 * DAY};
    SeriesModel *model = NULL;
    Error err = {0};
    CHECK_OK(series_train(&history, &model, &err), &err);
    Detector *detector = watcher(model, DETECT_BOTH);
    uint32_t count = 0;
    for (uint32_t i = 21 * DAY; i < 23 * DAY; i++) {
        DetectVerdict verdict;
        detector_push(detector, at(i) + later, (double)scaled[i], &verdict);
        if (verdict.event == DETECT_OPEN && count < ALARMS_MAX) minute[count++] = i;
    }
    detector_free(detector);
    series_model_unref(model);
    mem_free(scaled);
    return count;
}

TEST(series, other_weeks_and_other_units_have_the_same_alarms) {
    uint32_t plain[16], other[16];
    float *latency = NEW_ARRAY(float, 23 * DAY), *orders = shop(23, 1, 17);
    Rng rng = rng_make(18, 1);
    for (uint32_t i = 0; i < 23 * DAY; i++) {
        latency[i] = (float)((40 + 0.02 * shop_mean(i)) * exp(0.08 * rng_normal(&rng)));
        if (i >= 22 * DAY + 300 && i < 22 * DAY + 330) latency[i] *= 1.6f, orders[i] = 0;
    }
    uint32_t count = openings(latency, 0, 1, plain);
    CHECK_INT(count, 1);
    CHECK_INT(openings(latency, 5, 1, other), count);
    CHECK(memcmp(plain, other, count * sizeof *plain) == 0);
    CHECK_INT(openings(latency, 0, 1024, other), count);
    CHECK(memcmp(plain, other, count * sizeof *plain) == 0);
    CHECK_INT(openings(latency, 0, 0.001f, other), count);
    CHECK(memcmp(plain, other, count * sizeof *plain) == 0);
    count = openings(orders, 0, 1, plain);
    CHECK_INT(count, 1);
    CHECK_INT(openings(orders, 3, 1, other), count);
    CHECK(memcmp(plain, other, count * sizeof *plain) == 0);
    CHECK_INT(openings(orders, 0, 0.001f, other), count);  // thousands of orders: no whole numbers
    mem_free(latency);
    mem_free(orders);
}
