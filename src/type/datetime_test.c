#include "type/datetime.h"

#include "test/unit.h"

static uint64_t seed = 20240229;
static uint64_t next_random(void) {  // xorshift64
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
static int64_t random_in(int64_t low, int64_t high) {
    return low + (int64_t)(next_random() % (uint64_t)(high - low + 1));
}

TEST(datetime, days_and_dates_are_inverse) {
    for (int32_t i = 0; i < 200000; i++) {
        int32_t days = (int32_t)random_in(-5000000, 5000000), year, month, day;
        civil_from_days(days, &year, &month, &day);
        CHECK(civil_valid(year, month, day));
        CHECK(days_from_civil(year, month, day) == days);
    }
    CHECK(days_from_civil(1970, 1, 1) == 0 && days_from_civil(2000, 3, 1) == 11017);
    CHECK(days_from_civil(0, 1, 1) == -719528 && days_from_civil(-1, 12, 31) == -719529);
}

TEST(datetime, what_is_printed_reads_back) {
    for (int32_t i = 0; i < 100000; i++) {
        Timestamp ts = {random_in(-62135596800000, 253402300799999), (int32_t)random_in(0, 999999),
                        0};
        int32_t precision = (int32_t)random_in(0, 9);
        ts = timestamp_truncate(ts, precision);
        char text[DATETIME_TEXT_MAX];
        uint32_t len = timestamp_print(ts, precision, text);
        Timestamp back;
        CHECK(timestamp_parse(str_make(text, len), &back) && back.ms == ts.ms && back.ns == ts.ns);
        CHECK(timestamp_parse_format(str_make(text, len), false, false, &back));
        CHECK(back.ms == ts.ms && back.ns == ts.ns);
        text[10] = 'T';
        CHECK(timestamp_parse_format(str_make(text, len), true, false, &back));
        CHECK(back.ms == ts.ms && back.ns == ts.ns);
        CHECK(!timestamp_parse(str_make(text, len), &back));
        int32_t days;
        CHECK(date_parse(str_make(text, 10), &days) && days == floor_div(ts.ms, MS_PER_DAY));
    }
}

static const char *read_timestamp(const char *text) {
    static char out[DATETIME_TEXT_MAX + 1];
    Timestamp ts;
    if (!timestamp_parse(str_c(text), &ts)) return "no";
    out[timestamp_print(ts, 0, out)] = 0;
    return out;
}

TEST(datetime, cast_to_timestamp_clips_days_and_rolls_midnight) {
    CHECK_STR(read_timestamp("2020-02-30"), "2020-02-29 00:00:00");
    CHECK_STR(read_timestamp("2019-02-29 1:2:3"), "2019-02-28 01:02:03");
    CHECK_STR(read_timestamp("2020-01-02 24:00:00"), "2020-01-03 00:00:00");
    CHECK_STR(read_timestamp("2020-01-02 24:00:01"), "no");
    CHECK_STR(read_timestamp("2020-01-02 03:04:05."), "2020-01-02 03:04:05");
    CHECK_STR(read_timestamp("2020-01-02 03:04:05.1234567891"), "no");
    CHECK_STR(read_timestamp("2020-01-02 03:04:0505"), "2020-01-02 03:04:05");
    CHECK_STR(read_timestamp("2020-01-02 03:04:0506"), "no");
    CHECK_STR(read_timestamp("2020-01-02 03:04"), "no");
    CHECK_STR(read_timestamp("2020-01-02T03:04:05"), "no");
    CHECK_STR(read_timestamp("0000-01-01"), "no");
    CHECK_STR(read_timestamp("+10000-01-01"), "0000-01-01 00:00:00");
    CHECK_STR(read_timestamp("10000-01-01"), "no");
    CHECK_STR(read_timestamp("2020-13-01"), "no");
    CHECK_STR(read_timestamp(""), "no");
}

TEST(datetime, decoders_know_both_standards) {
    Timestamp ts;
    CHECK(timestamp_parse_format(STR("2020-01-02 03:04:05.5"), false, false, &ts));
    CHECK(ts.ms == 1577934245500);
    CHECK(timestamp_parse_format(STR("2020-01-02T03:04:05.000001Z"), true, true, &ts) &&
          ts.ns == 1000);
    CHECK(timestamp_parse_format(STR("2020-01-02T03:04"), true, false, &ts));
    CHECK(!timestamp_parse_format(STR("2020-01-02T03:04Z"), true, true, &ts));
    CHECK(!timestamp_parse_format(STR("2020-01-02T03:04:05Z"), true, false, &ts));
    CHECK(!timestamp_parse_format(STR("2020-01-02T03:04:05"), true, true, &ts));
    CHECK(!timestamp_parse_format(STR("2020-01-02T03:04:05"), false, false, &ts));
    CHECK(!timestamp_parse_format(STR("2020-02-30T03:04:05"), true, false, &ts));
    CHECK(timestamp_parse_format(STR("2020-02-30 03:04:05"), false, false, &ts));
    CHECK(!timestamp_parse_format(STR("2020-0\xFF-01 03:04:05"), false, false, &ts));
    CHECK(!timestamp_parse_format(STR("2020-01-02 03:04:0:"), false, false, &ts));
}

TEST(datetime, time_of_day_is_read_by_pieces) {
    int32_t ms;
    CHECK(time_parse(STR("03"), &ms) && ms == 3 * 3600000);
    CHECK(time_parse(STR(" 3 : 4 :5"), &ms) && ms == 11045000);
    CHECK(time_parse(STR("03:04:05.1239"), &ms) && ms == 11045124);
    CHECK(time_parse(STR("12:00:00+01:00"), &ms) && ms == 13 * 3600000);
    CHECK(time_parse(STR("01:00:00-05:00"), &ms) && ms == -4 * 3600000);
    CHECK(!time_parse(STR("24:00:00"), &ms) && !time_parse(STR("12:00:00 PM"), &ms));
    CHECK(!time_parse(STR("-01:00:00"), &ms) && !time_parse(STR(""), &ms));
    char text[DATETIME_TEXT_MAX + 1];
    text[time_print(11045120, 3, text)] = 0;
    CHECK_STR(text, "03:04:05.12");
    text[time_print(11045000, 3, text)] = 0;
    CHECK_STR(text, "03:04:05.0");
}

TEST(datetime, dates_are_read_by_pieces) {
    int32_t days;
    CHECK(date_parse(STR("2020-1-2"), &days) && days == days_from_civil(2020, 1, 2));
    CHECK(date_parse(STR("2020"), &days) && days == days_from_civil(2020, 1, 1));
    CHECK(date_parse(STR(" 2020-06 "), &days) && days == days_from_civil(2020, 6, 1));
    CHECK(date_parse(STR("2020-06-07 25:99"), &days) && days == days_from_civil(2020, 6, 7));
    CHECK(!date_parse(STR("2020-02-30"), &days) && !date_parse(STR("-1-1-1"), &days));
    CHECK(!date_parse(STR("10000-01-01"), &days) && !date_parse(STR(""), &days));
}

TEST(datetime, months_clip_to_the_last_day) {
    CHECK(date_add_months(days_from_civil(2020, 1, 31), 1) == days_from_civil(2020, 2, 29));
    CHECK(date_add_months(days_from_civil(2020, 3, 31), -13) == days_from_civil(2019, 2, 28));
    CHECK(date_months_between(days_from_civil(2020, 2, 29), days_from_civil(2020, 1, 31)) == 1);
    CHECK(date_months_between(days_from_civil(2020, 1, 31), days_from_civil(2020, 2, 29)) == -1);
    CHECK(timestamp_months_between(0, 1) == -1);
}

TEST(datetime, casts_divide_towards_1970) {
    Timestamp last = {-1, 0, 0};
    CHECK(timestamp_to_date(last) == 0 && timestamp_to_time(last) == -1);
    CHECK(timestamp_cast(last, 0).ms == 0 && timestamp_truncate(last, 0).ms == -1000);
    CHECK(timestamp_cast((Timestamp){0, 50, 0}, 4).ns == 50);  // written "50": short enough
    char text[DATETIME_TEXT_MAX + 1];
    text[interval_ms_print(-93784567, text)] = 0;
    CHECK_STR(text, "-1 02:03:04.567");
    text[interval_months_print(-14, text)] = 0;
    CHECK_STR(text, "-1-02");
}
