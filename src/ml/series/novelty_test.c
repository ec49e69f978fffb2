// What is new to a series, and how new.
#include "ml/random.h"
#include "ml/series/learn.h"
#include "ml/series/novelty.h"
#include "ml/series/tail.h"
#include "test/unit.h"

enum { HOUR = 3600000, DAY = 24, POINTS = 60 * DAY };

static double share(const double *answer, uint32_t count, double least) {
    uint32_t beyond = 0;
    for (uint32_t i = 0; i < count; i++) beyond += answer[i] >= least;
    return (double)beyond / count;
}

TEST(tail, answers_are_powers_of_ten) {
    enum { COUNT = 40000 };
    double *answer = NEW_ARRAY(double, COUNT);
    for (uint32_t law = 0; law < 2; law++) {
        Rng rng = rng_make(7 + law, 1);
        SeriesTail tail = {0};
        for (uint32_t i = 0; i < COUNT; i++) {
            double quantity = law ? fabs(rng_normal(&rng)) : -log(1 - rng_unit(&rng));
            answer[i] = series_tail_push(&tail, quantity);
        }
        CHECK(share(answer, COUNT, 2) > 0.005 && share(answer, COUNT, 2) < 0.02);
        CHECK(share(answer, COUNT, 3) > 0.0002 && share(answer, COUNT, 3) < 0.003);
    }
    mem_free(answer);
}

TEST(tail, answers_know_no_unit) {
    Rng rng = rng_make(3, 1);
    SeriesTail one = {0}, other = {0};
    for (uint32_t i = 0; i < 5000; i++) {
        double quantity = i % 7 ? fabs(rng_normal(&rng)) : 0;
        double a = series_tail_push(&one, quantity), b = series_tail_push(&other, 1024 * quantity);
        CHECK(a == b);
    }
}

TEST(tail, a_monster_does_not_blind) {
    Rng rng = rng_make(5, 1);
    SeriesTail tail = {0};
    for (uint32_t i = 0; i < 2000; i++) (void)series_tail_push(&tail, fabs(rng_normal(&rng)));
    CHECK(series_tail_push(&tail, 1e9) == TAIL_MAX);
    CHECK(series_tail_push(&tail, 12) > 3);
}

TEST(tail, zeros_are_nothing_and_what_is_not_is_all) {
    SeriesTail tail = {0};
    for (uint32_t i = 0; i < 1000; i++) CHECK(series_tail_push(&tail, 0) == 0);
    CHECK(series_tail_push(&tail, 1e-3) == TAIL_MAX);
}

// Hourly, with a rush at ten each day.
static double *hours(uint64_t seed) {
    Rng rng = rng_make(seed, 1);
    double *value = NEW_ARRAY(double, POINTS);
    for (uint32_t i = 0; i < POINTS; i++) {
        value[i] = 100 + (i % DAY == 10 ? 80 : 0) + 4 * rng_normal(&rng);
    }
    return value;
}

static NoveltyReading *readings(const double *value) {
    NoveltyReading *seen = NEW_ARRAY(NoveltyReading, POINTS);
    Novelty *novelty = novelty_new(DAY);
    for (uint32_t i = 0; i < POINTS; i++) novelty_push(novelty, value[i], &seen[i]);
    novelty_free(novelty);
    return seen;
}

static double most_told(const NoveltyReading *seen, uint32_t from, uint32_t to) {
    double most = 0;
    for (uint32_t i = from; i < to; i++) most = fmax(most, seen[i].first);
    return most;
}

TEST(novelty, what_comes_every_day_is_not_new) {
    double *value = hours(1);
    value[40 * DAY + 3] += 80;  // a rush at three, once
    NoveltyReading *seen = readings(value);
    for (uint32_t i = 30 * DAY; i < 40 * DAY; i++) CHECK(seen[i].surprise < 2.5);
    CHECK(seen[40 * DAY + 3].surprise > 3);
    CHECK(most_told(seen, 40 * DAY + 3, 40 * DAY + 8) > 3);
    mem_free(seen);
    mem_free(value);
}

TEST(novelty, a_peak_is_told_once_and_its_like_are_told_less) {
    double *value = hours(2);
    for (uint32_t day = 20; day < 60; day += 9) value[day * DAY + 5] += 300;
    NoveltyReading *seen = readings(value);
    uint32_t told = 0;
    for (uint32_t i = 20 * DAY; i < 21 * DAY; i++) told += seen[i].first >= 2;
    CHECK_INT(told, 1);
    double first = most_told(seen, 20 * DAY, 21 * DAY);
    CHECK(most_told(seen, 56 * DAY, 57 * DAY) < first - 0.5);
    mem_free(seen);
    mem_free(value);
}

TEST(novelty, distance_is_in_spreads) {
    double *value = hours(3);
    value[50 * DAY] = 100 + 10 * 80;
    NoveltyReading *seen = readings(value);
    for (uint32_t i = 20 * DAY; i < 50 * DAY; i++) CHECK(seen[i].distance < 1.5);
    CHECK(seen[50 * DAY].distance > 10);
    mem_free(seen);
    mem_free(value);
}

TEST(novelty, a_constant_holds_nothing_new_until_it_moves) {
    double *value = NEW_ARRAY(double, POINTS);
    for (uint32_t i = 0; i < POINTS; i++) value[i] = i < 30 * DAY ? 0.1 : 0.2;
    NoveltyReading *seen = readings(value);
    for (uint32_t i = 0; i < 30 * DAY; i++) {
        CHECK(seen[i].surprise == 0 && seen[i].first == 0 && seen[i].distance == 0);
    }
    CHECK(seen[30 * DAY].distance > 1.5);
    CHECK(most_told(seen, 30 * DAY, 31 * DAY) > 3);
    mem_free(seen);
    mem_free(value);
}

TEST(novelty, another_unit_changes_nothing) {
    double *value = hours(4), *other = NEW_ARRAY(double, POINTS);
    for (uint32_t i = 0; i < POINTS; i++) other[i] = 256 * value[i];
    NoveltyReading *seen = readings(value), *as = readings(other);
    CHECK(memcmp(seen, as, POINTS * sizeof *seen) == 0);
    mem_free(seen);
    mem_free(as);
    mem_free(value);
    mem_free(other);
}

// A minute's points are folded into blocks of five; the rest is the same.
TEST(novelty, saved_in_the_middle_it_goes_on_as_if_nothing_was) {
    static const uint32_t A_DAY[] = {0, 24, 288, 1440};
    for (uint32_t k = 0; k < 4; k++) {
        Rng rng = rng_make(6, k);
        Novelty *one = novelty_new(A_DAY[k]), *other = NULL;
        NoveltyReading a, b;
        Buf bytes = {0};
        for (uint32_t i = 0; i < 6007; i++) {
            double value = 5 + sin(i * 0.01) + 0.1 * rng_normal(&rng) + (i % 997 == 0 ? 3 : 0);
            novelty_push(one, value, &a);
            if (other) {
                novelty_push(other, value, &b);
                CHECK(memcmp(&a, &b, sizeof a) == 0);
            }
            if (i != 3003) continue;
            Codec out = {.out = &bytes, .what = "the novelty"};
            novelty_code(&out, &one);
            Codec in = {.in = str_make(bytes.ptr, (uint32_t)bytes.len), .what = "the novelty"};
            novelty_code(&in, &other);
            Error err = {0};
            CHECK_OK(codec_end(&in, &err), &err);
        }
        for (uint32_t cut = 0; cut < bytes.len; cut += 97) {
            Codec in = {.in = str_make(bytes.ptr, cut), .what = "the novelty"};
            Novelty *none = NULL;
            novelty_code(&in, &none);
            CHECK(in.failed && !none);
        }
        CHECK(novelty_bytes(one) < 14 * 1024);
        buf_free(&bytes);
        novelty_free(one);
        novelty_free(other);
    }
}

TEST(novelty, decides_where_nobody_said_what_is_wanted) {
    double *value = hours(8);
    for (uint32_t i = 50 * DAY; i < 50 * DAY + 6; i++) value[i] = 900;
    LearnSettings settings = {.detect = {.step_ms = HOUR, .direction = DETECT_ANY}};
    Learner *learner = learner_new(&settings), *other = NULL;
    DetectVerdict verdict, again;
    uint32_t opened = 0, closed = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
        int64_t ts_ms = (20000LL * DAY + i) * HOUR;
        learner_push(learner, ts_ms, value[i], &verdict);
        CHECK(i < 12 || verdict.flags & DETECT_NOVEL);
        if (other) {
            learner_push(other, ts_ms, value[i], &again);
            CHECK(verdict.score == again.score && verdict.event == again.event);
            CHECK(verdict.alarm_id == again.alarm_id && verdict.forecast == again.forecast);
        }
        if (i == 50 * DAY) CHECK(verdict.event == DETECT_OPEN && verdict.alarm);
        if (i >= 50 * DAY) opened += verdict.event == DETECT_OPEN;
        if (i >= 50 * DAY) closed += verdict.event == DETECT_CLOSE;
        if (i != 50 * DAY + 2) continue;
        Buf bytes = {0};
        Error err = {0};
        learner_save(learner, &bytes);
        CHECK_OK(learner_load(str_make(bytes.ptr, (uint32_t)bytes.len), &other, &err), &err);
        buf_free(&bytes);
    }
    CHECK_INT(opened, 1);
    CHECK_INT(closed, 1);
    learner_free(learner);
    learner_free(other);
    mem_free(value);
}
