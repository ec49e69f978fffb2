#include "server/snappy.h"
#include "test/unit.h"
#include "watch/watch.h"

TEST(snappy, blocks_are_unpacked) {
    Buf out = {0};
    Error err;
    // "abcd" four times: a literal, then a copy that reaches into itself.
    CHECK_OK(snappy_read(STR("\x10\x0c" "abcd" "\x2e\x04\x00"), 1 << 10, &out, &err), &err);
    CHECK(str_is(buf_str(&out), "abcdabcdabcdabcd"));
    CHECK_OK(snappy_read(STR("\x00"), 1 << 10, &out, &err), &err);
    CHECK(out.len == 0);
    buf_free(&out);
}

TEST(snappy, what_is_no_block_is_refused) {
    Buf out = {0};
    Error err;
    CHECK(snappy_read(STR(""), 64, &out, &err) == ST_VALIDATION);
    CHECK(snappy_read(STR("\x10\x0c" "abcd"), 64, &out, &err) == ST_VALIDATION);        // too short
    // A copy of what was never written.
    CHECK(snappy_read(STR("\x10\x0c" "abcd" "\x2e\x05\x00"), 64, &out, &err) == ST_VALIDATION);
    CHECK(snappy_read(STR("\x10\x0c" "abcd" "\x2e\x00\x00"), 64, &out, &err) == ST_VALIDATION);
    CHECK(snappy_read(STR("\xff\xff\xff\xff\x0f" "\x00"), 64, &out, &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "64 at most"));
    buf_free(&out);
}

TEST(watch, times_are_read_as_they_are_written) {
    int64_t ms;
    CHECK(watch_time_parse(STR("1743379200"), &ms) && ms == 1743379200000);
    CHECK(watch_time_parse(STR("1743379200000"), &ms) && ms == 1743379200000);
    CHECK(watch_time_parse(STR("1743379200.25"), &ms) && ms == 1743379200250);
    CHECK(watch_time_parse(STR("2025-03-31 00:00:00"), &ms) && ms == 1743379200000);
    CHECK(watch_time_parse(STR("2025-03-31T00:00:00Z"), &ms) && ms == 1743379200000);
    CHECK(watch_time_parse(STR("2025-03-31T00:00:00.5Z"), &ms) && ms == 1743379200500);
    CHECK(watch_time_parse(STR("2025-03-31"), &ms) && ms == 1743379200000);
    CHECK(!watch_time_parse(STR("2025-03-32"), &ms));
    CHECK(!watch_time_parse(STR("yesterday"), &ms) && !watch_time_parse(STR(""), &ms));
}

TEST(watch, a_calendar_that_is_built_in_can_be_taken_and_given_back) {
    Buf csv = {0};
    Error err;
    CHECK(watch_calendar_built_in(STR("china"), &csv));
    CHECK(str_find(buf_str(&csv), STR("zone,+08:00\n"), 0) == 0);
    CHECK(str_find(buf_str(&csv), STR("\n2026-02-15,holiday\n"), 0) > 0);
    CHECK(str_find(buf_str(&csv), STR("\n2026-10-10,workday\n"), 0) > 0);
    // Not announced yet: the days of the law, from the moon's last evening of the year on.
    CHECK(str_find(buf_str(&csv), STR("\n2027-02-05,holiday\n2027-02-06,holiday\n"), 0) > 0);
    CHECK(str_find(buf_str(&csv), STR("\n2030-10-03,holiday\n"), 0) > 0);
    CHECK_OK(watch_calendar_check(buf_str(&csv), &err), &err);
    CHECK(!watch_calendar_built_in(STR("atlantis"), &csv));
    buf_free(&csv);
}

TEST(watch, a_calendar_s_lines_are_checked) {
    Error err;
    CHECK_OK(watch_calendar_check(STR("date,kind\n2025-10-01,holiday\n2025-10-11,workday\n"
                                      "zone,+08:00\n"), &err), &err);
    CHECK(watch_calendar_check(STR("date,kind\n2025-10-32,holiday\n"), &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "line 2"));
    CHECK(watch_calendar_check(STR("2025-13-01,holiday\n"), &err) == ST_VALIDATION);
    CHECK(strstr(err.message, "line 1"));
}
