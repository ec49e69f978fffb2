#include <stdio.h>

#include "func/java_time.h"
#include "func/simple_date.h"
#include "func/temporal.h"
#include "test/unit.h"

static Timestamp at(const char *text) {
    Timestamp ts;
    CHECK(timestamp_parse(str_c(text), &ts));
    return ts;
}

// What DateTimeFormatter makes of a timestamp, or the class of its failure.
static const char *print_time(const char *pattern, const char *ts) {
    static char out[256];
    Arena arena;
    arena_init(&arena);
    Buf text = {0};
    const TimePattern *compiled;
    Error err;
    const char *result = "bad pattern";
    if (!time_pattern_compile(&arena, str_c(pattern), &compiled, &err)) {
        result = "unprintable";
        if (!time_pattern_print(compiled, at(ts), &text, &err)) {
            (void)snprintf(out, sizeof out, STR_FMT, STR_ARG(buf_str(&text)));
            result = out;
        }
    }
    buf_free(&text);
    arena_clear(&arena);
    return result;
}

static const char *read_time(const char *pattern, const char *text) {
    static char out[DATETIME_TEXT_MAX + 1];
    static const char *const FAILED[] = {[TIME_READ_NOT] = "not", [TIME_READ_INVALID] = "invalid"};
    Arena arena;
    arena_init(&arena);
    const TimePattern *compiled;
    Error err;
    Timestamp ts;
    CHECK_OK(time_pattern_compile(&arena, str_c(pattern), &compiled, &err), &err);
    TimeRead read = time_pattern_read(compiled, str_c(text), &ts);
    arena_clear(&arena);
    if (read) return FAILED[read];
    out[timestamp_print(ts, 3, out)] = 0;
    return out;
}

TEST(temporal, date_time_formatter_prints) {
    CHECK_STR(print_time("yyyy-MM-dd'T'HH:mm:ss.SSS", "2020-02-29 12:34:56.789"),
              "2020-02-29T12:34:56.789");
    CHECK_STR(print_time("G yyyy QQQ EEE d MMMM h:mm a", "2020-02-29 12:34:56"),
              "AD 2020 Q1 Sat 29 February 12:34 PM");
    CHECK_STR(print_time("YYYY w e", "2000-12-31 00:00:00"), "2001 1 1");
    CHECK_STR(print_time("yyyy年MM月", "2020-02-29 00:00:00"), "2020年02月");
    CHECK_STR(print_time("''HH 'o''clock'", "2020-02-29 08:00:00"), "'08 o'clock");
    CHECK_STR(print_time("ppppd|", "2020-02-03 00:00:00"), "   3|");
    CHECK_STR(print_time("YYYY", "9999-12-31 00:00:00"), "+10000");
    CHECK_STR(print_time("HH[ X]", "2020-02-29 08:00:00"), "08");
    CHECK_STR(print_time("X", "2020-02-29 08:00:00"), "unprintable");
    CHECK_STR(print_time("bogus", "2020-02-29 08:00:00"), "bad pattern");
    CHECK_STR(print_time("'open", "2020-02-29 08:00:00"), "bad pattern");
}

TEST(temporal, date_time_formatter_reads) {
    CHECK_STR(read_time("yyyyMMddHHmmssSSS", "20200229123456789"), "2020-02-29 12:34:56.789");
    CHECK_STR(read_time("yyyy-MM-dd[ HH:mm]", "2020-02-31"), "2020-02-29 00:00:00.000");
    CHECK_STR(read_time("yyyy-MM-dd HH:mm", "2020-01-02 24:00"), "2020-01-03 00:00:00.000");
    CHECK_STR(read_time("d MMM yy hh a", "3 Feb 21 12 AM"), "2021-02-03 00:00:00.000");
    CHECK_STR(read_time("HH:mm:ss", "03:04:05"), "1970-01-01 03:04:05.000");
    CHECK_STR(read_time("YYYY-MM-dd", "2020-05-06"), "1970-05-06 00:00:00.000");
    CHECK_STR(read_time("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-07-01T12:00:00+08:00"),
              "2020-07-01 12:00:00.000");
    CHECK_STR(read_time("EEE yyyy-MM-dd", "Mon 2020-07-01"), "not");
    CHECK_STR(read_time("yyyy-MM-dd", "2020-01-02 extra"), "not");
    CHECK_STR(read_time("yyyy-MM", "2020-13"), "invalid");
}

static const char *print_date(const char *pattern, int64_t ms, const char *zone) {
    static char out[256];
    Arena arena;
    arena_init(&arena);
    Buf text = {0};
    const DatePattern *compiled;
    Error err;
    CHECK_OK(date_pattern_compile(&arena, str_c(pattern), &compiled, &err), &err);
    date_pattern_print(compiled, ms, zone_find_legacy(str_c(zone)), &text);
    (void)snprintf(out, sizeof out, STR_FMT, STR_ARG(buf_str(&text)));
    buf_free(&text);
    arena_clear(&arena);
    return out;
}

static int64_t read_date(const char *pattern, const char *text, const char *zone) {
    Arena arena;
    arena_init(&arena);
    const DatePattern *compiled;
    Error err;
    CHECK_OK(date_pattern_compile(&arena, str_c(pattern), &compiled, &err), &err);
    int64_t now = at("2024-06-01 00:00:00").ms, ms = -1;
    if (!date_pattern_read(compiled, str_c(text), zone_find_legacy(str_c(zone)), now, &ms)) ms = -1;
    arena_clear(&arena);
    return ms;
}

TEST(temporal, simple_date_format_prints) {
    CHECK_STR(print_date("yyyy-MM-dd HH:mm:ss.SSS XXX", 0, "GMT+08:30"),
              "1970-01-01 08:30:00.000 +08:30");
    CHECK_STR(print_date("yyyy-MM-dd", -62135596800000, "UTC"), "0001-01-03");  // Julian
    CHECK_STR(print_date("EEEE, dd MMMM yy u D w", 1583020800000, "UTC"),
              "Sunday, 01 March 20 7 61 10");
    CHECK_STR(print_date("Z X 'at' h a", 0, "UTC"), "+0000 Z at 12 AM");
}

TEST(temporal, simple_date_format_reads_leniently) {
    CHECK(read_date("yyyy-MM-dd", "2020-02-30 and more", "UTC") == at("2020-03-01 00:00:00").ms);
    CHECK(read_date("yyyy-MM-dd HH:mm", "2020-13-01 25:00", "UTC") == at("2021-01-02 01:00:00").ms);
    CHECK(read_date("yyyyMMdd", "20200102", "UTC") == at("2020-01-02 00:00:00").ms);
    CHECK(read_date("dd-MMM-yy", "02-jan-43", "UTC") == at("2043-01-02 00:00:00").ms);
    CHECK(read_date("dd-MMM-yy", "02-January-45", "UTC") == at("1945-01-02 00:00:00").ms);
    CHECK(read_date("yyyy-MM-dd HH:mm:ss X", "1970-01-01 08:00:00 +0800", "UTC") == 0);
    CHECK(read_date("yyyy-MM-dd HH:mm:ss z", "1970-01-01 00:00:00 PST", "UTC") == 28800000);
    CHECK(read_date("yyyy-MM-dd", "1582-10-05", "UTC") == at("1582-10-15 00:00:00").ms);
    CHECK(read_date("yyyy-MM-dd", "abc", "UTC") == -1);
}

TEST(temporal, dates_round_by_the_hybrid_calendar) {
    CHECK(date_round(TIME_DAY, days_from_civil(1, 1, 1), true) == days_from_civil(1, 1, 4));
    CHECK(date_round(TIME_QUARTER, days_from_civil(2020, 4, 1), true) ==
          days_from_civil(2020, 7, 1));
    CHECK(date_round(TIME_WEEK, days_from_civil(2024, 7, 1), false) ==
          days_from_civil(2024, 6, 30));
    CHECK(date_round(TIME_MILLENNIUM, days_from_civil(2000, 12, 31), false) ==
          days_from_civil(1001, 1, 1));
    CHECK(date_extract(TIME_WEEK, days_from_civil(2021, 1, 3)) == 53);
    CHECK(date_extract(TIME_ISOYEAR, days_from_civil(2018, 12, 31)) == 2019);
}
