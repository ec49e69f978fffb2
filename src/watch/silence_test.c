#include "watch/silence.h"

#include "test/unit.h"

static const int64_t STEP_MS = 60000, MINUTE_MS = 60000, HOUR_MS = 3600 * 1000,
                     DAY_MS = 24 * 3600 * 1000;

static int64_t patience(const Silence *silence) {
    return silence_patience_ms(silence, STEP_MS, 0);
}

static void hear(Silence *silence, int64_t from_ms, int64_t to_ms, int64_t step_ms) {
    for (int64_t at = from_ms; at < to_ms; at += step_ms) {
        silence_heard(silence, at, patience(silence));
    }
}

TEST(silence, five_steps_are_too_many) {
    Silence silence = {0};
    hear(&silence, 0, 10 * MINUTE_MS, STEP_MS);
    CHECK(patience(&silence) == INT64_MAX);  // too few points to know
    CHECK(!silence_asked(&silence, DAY_MS, patience(&silence), false));
    hear(&silence, 10 * MINUTE_MS, 60 * MINUTE_MS, STEP_MS);
    CHECK(patience(&silence) == 5 * MINUTE_MS);
    CHECK(silence_patience_ms(&silence, STEP_MS, -1) == INT64_MAX);
    CHECK(silence_patience_ms(&silence, STEP_MS, 1000) == 1000);
    CHECK(!silence_asked(&silence, 63 * MINUTE_MS, patience(&silence), false));
    CHECK(silence_asked(&silence, 64 * MINUTE_MS, patience(&silence), false));
    CHECK(silence.open && silence.number == 1 && silence.begin_ms == 59 * MINUTE_MS);
    CHECK(!silence_asked(&silence, 65 * MINUTE_MS, patience(&silence), false));  // once
    silence_heard(&silence, 3 * HOUR_MS, patience(&silence));
    CHECK(!silence.open && patience(&silence) == 5 * MINUTE_MS);  // that was no habit
    CHECK(silence_asked(&silence, 4 * HOUR_MS, patience(&silence), false) && silence.number == 2);
}

TEST(silence, who_is_often_silent_is_known_for_it) {
    Silence silence = {0};
    // Points now and then, from the beginning.
    for (int64_t i = 0; i < 40; i++) silence_heard(&silence, i * HOUR_MS, patience(&silence));
    CHECK(patience(&silence) == 2 * HOUR_MS);
    // Nothing at night: three nights are told, the fourth is the last.
    silence = (Silence){0};
    int told = 0;
    for (int64_t day = 0; day < 10; day++) {
        hear(&silence, day * DAY_MS, day * DAY_MS + 16 * HOUR_MS, STEP_MS);
        told += silence_asked(&silence, day * DAY_MS + 18 * HOUR_MS, patience(&silence), false);
    }
    CHECK(told == 4 && patience(&silence) > 16 * HOUR_MS);
    // A month without nights, and it is forgotten.
    hear(&silence, 10 * DAY_MS, 40 * DAY_MS, STEP_MS);
    CHECK(patience(&silence) == 5 * MINUTE_MS);
}

TEST(silence, a_false_alarm_is_learned_at_once) {
    Silence silence = {0};
    hear(&silence, 0, HOUR_MS, STEP_MS);
    CHECK(silence_asked(&silence, 2 * HOUR_MS, patience(&silence), false));
    silence_was_fine(&silence, 7);  // another one is meant
    CHECK(silence.open);
    silence_was_fine(&silence, 1);
    CHECK(!silence.open && patience(&silence) == 2 * (HOUR_MS + MINUTE_MS));
    CHECK(!silence_asked(&silence, 2 * HOUR_MS + MINUTE_MS, patience(&silence), false));
    CHECK(silence_asked(&silence, 4 * HOUR_MS, patience(&silence), false));
    silence_heard(&silence, 9 * HOUR_MS, patience(&silence));
    silence_was_fine(&silence, 2);
    CHECK(patience(&silence) == 2 * (8 * HOUR_MS + MINUTE_MS));
}

TEST(silence, it_comes_back_from_its_bytes) {
    Silence silence = {0}, back = {0};
    Buf bytes = {0};
    Error err;
    hear(&silence, 0, HOUR_MS, STEP_MS);
    CHECK(silence_asked(&silence, 2 * HOUR_MS, patience(&silence), false));
    Codec out = {.out = &bytes, .what = "a silence"};
    silence_code(&out, &silence);
    Codec in = {.in = buf_str(&bytes), .what = "a silence"};
    silence_code(&in, &back);
    CHECK_OK(codec_end(&in, &err), &err);
    CHECK(!silence_asked(&back, 3 * HOUR_MS, patience(&back), false) && back.number == 1);
    silence_heard(&back, 3 * HOUR_MS, patience(&back));
    CHECK(!back.open && back.told_ms == 2 * HOUR_MS + MINUTE_MS);
    buf_free(&bytes);
}

TEST(silence, a_group_s_is_over_when_anybody_is_heard_and_a_label_is_about_the_group) {
    Silence silence = {0};
    for (int i = 0; i < SILENCE_POINTS; i++) {
        silence_heard(&silence, i * (int64_t)STEP_MS, patience(&silence));
    }
    int64_t last = (SILENCE_POINTS - 1) * (int64_t)STEP_MS;
    CHECK(!silence_group_back(&silence));
    CHECK(silence_asked(&silence, last + 6 * STEP_MS, patience(&silence), true));
    CHECK(silence.open && silence.group);
    CHECK(silence_group_back(&silence) && !silence.open && !silence_group_back(&silence));
    // Alone it is another matter, and with another number.
    CHECK(silence_asked(&silence, last + 7 * STEP_MS, patience(&silence), false));
    CHECK(!silence.group && silence.number == 2 && !silence_group_back(&silence));
    silence_heard(&silence, last + 8 * STEP_MS, patience(&silence));
    CHECK(silence_asked(&silence, last + 20 * STEP_MS, patience(&silence), true));
    int64_t before = patience(&silence);
    silence_was_fine(&silence, 3);
    CHECK(!silence.open && silence.group_gap_ms == 12 * STEP_MS && patience(&silence) == before);
    Buf bytes = {0};
    Silence back = {0};
    Codec out = {.out = &bytes, .what = "it"};
    silence_group_code(&out, &silence);
    Codec in = {.in = buf_str(&bytes), .what = "it"};
    silence_group_code(&in, &back);
    CHECK(back.group && back.group_gap_ms == silence.group_gap_ms);
    buf_free(&bytes);
}

// The warden's side.
TEST(silence, is_asked_for_when_time_has_gone_on) {
    const int64_t last = 1000 * (int64_t)DAY_MS, now = last + 10 * MINUTE_MS;
    SilenceView view = {.now_ms = now, .group_ms = INT64_MIN, .last_ms = last, .step_ms = STEP_MS,
                        .quiet_ms = MINUTE_MS, .patience_ms = 5 * MINUTE_MS,
                        .unheard_ms = 10 * MINUTE_MS, .asked_ms = -1};
    CHECK(silence_question(&view) == now);
    SilenceView other = view;
    other.silent = true;
    CHECK(silence_question(&other) == INT64_MIN);
    other = view;
    other.unheard_ms = 30 * 1000;  // a point came just now, though an old one
    CHECK(silence_question(&other) == INT64_MIN);
    other = view;
    other.rhythm_ms = 15 * MINUTE_MS;  // points come in batches
    CHECK(silence_question(&other) == INT64_MIN);
    other = view;
    other.patience_ms = INT64_MAX;
    CHECK(silence_question(&other) == INT64_MIN);
    other = view;
    other.patience_ms = 0;  // after a restart: its judge is asked, once
    CHECK(silence_question(&other) == now);
    other.asked_ms = HOUR_MS;
    CHECK(silence_question(&other) == INT64_MIN);
    // A replay of last year: the clock says nothing, the group does.
    other = view;
    other.now_ms = last + 365 * (int64_t)DAY_MS;
    CHECK(silence_question(&other) == INT64_MIN);
    other.group_ms = last + 6 * MINUTE_MS;
    CHECK(silence_question(&other) == other.group_ms);
    other.group_ms = last + 4 * MINUTE_MS;
    CHECK(silence_question(&other) == INT64_MIN);
}
