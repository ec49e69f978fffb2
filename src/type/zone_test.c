#include "type/zone.h"

#include "test/unit.h"
#include "type/datetime.h"

static int64_t at(const char *text) {
    Timestamp ts;
    CHECK(timestamp_parse(str_c(text), &ts));
    return ts.ms;
}

// Machines without tzdata cannot know the regions; the fixed offsets do not need it.
static const Zone *region(const char *name) {
    const Zone *zone = NULL;
    if (zone_find(str_c(name), &zone, NULL)) {
        print_message("no tzdata on this machine: %s not tested\n", name);
        skip();
    }
    return zone;
}

TEST(zone, gaps_move_on_and_repeated_hours_come_first) {
    const Zone *la = region("America/Los_Angeles");
    CHECK(zone_local_to_utc(la, at("2020-03-08 02:30:00")) == at("2020-03-08 10:30:00"));
    CHECK(zone_local_to_utc(la, at("2020-11-01 01:30:00")) == at("2020-11-01 08:30:00"));
    CHECK(zone_legacy_local_to_utc(la, at("2020-03-08 02:30:00")) == at("2020-03-08 10:30:00"));
    CHECK(zone_legacy_local_to_utc(la, at("2020-11-01 01:30:00")) == at("2020-11-01 09:30:00"));
    CHECK(str_is(zone_abbreviation(la, at("2020-07-01 00:00:00")), "PDT"));
}

TEST(zone, the_footer_holds_for_all_years) {
    const Zone *la = region("America/Los_Angeles"), *howe = region("Australia/Lord_Howe");
    CHECK(zone_offset_ms(la, at("2100-07-01 00:00:00")) == -7 * 3600000);
    CHECK(zone_offset_ms(la, at("9999-12-31 00:00:00")) == -8 * 3600000);
    CHECK(zone_offset_ms(howe, at("8000-01-01 00:00:00")) == 11 * 3600000);
    CHECK(zone_offset_ms(howe, at("8000-07-01 00:00:00")) == 21 * 1800000);
    CHECK(zone_is_dst(region("Europe/Dublin"), at("2050-07-01 00:00:00")));
    CHECK(!zone_is_dst(region("Europe/Dublin"), at("2050-01-01 00:00:00")));
}

TEST(zone, local_mean_time_is_unknown_to_the_legacy_view) {
    const Zone *shanghai = region("Asia/Shanghai");
    CHECK(zone_offset_ms(shanghai, at("0001-01-01 00:00:00")) == 29143000);
    CHECK(zone_legacy_offset_ms(shanghai, at("0001-01-01 00:00:00")) == 28800000);
    CHECK(zone_legacy_offset_ms(shanghai, at("1900-01-01 00:00:00")) == 29143000);
}

TEST(zone, sessions_take_what_both_java_classes_take) {
    static const char *const GOOD[] = {"UTC", "GMT", "GMT+08:00", "GMT+8", "GMT-0330", "GMT+0"};
    static const char *const BAD[] = {"PST",       "Mars/Olympus", "+08:00",        "UTC+8",
                                      "Z",         "EST",          "utc",           "",
                                      "GMT+19:00", "GMT+08:00:00", "../etc/passwd", "GMT+8:30"};
    const Zone *zone;
    Error err;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        if (i == 1) (void)region("GMT");
        CHECK_OK(zone_find(str_c(GOOD[i]), &zone, &err), &err);
    }
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK(zone_find(str_c(BAD[i]), &zone, &err) == ST_VALIDATION);
    }
}

TEST(zone, names_of_java_time_and_of_the_legacy_class) {
    CHECK(zone_offset_ms(zone_find_id(STR("+08:30")), 0) == 30600000);
    CHECK(zone_offset_ms(zone_find_id(STR("-1")), 0) == -3600000);
    CHECK(zone_offset_ms(zone_find_id(STR("UTC+8")), 0) == 28800000);
    CHECK(str_is(zone_name(zone_find_id(STR("UTC+8"))), "UTC+08:00"));
    CHECK(zone_find_id(STR("+19")) == NULL && zone_find_id(STR("+8:30")) == NULL);
    CHECK(zone_is_utc(zone_find_legacy(STR("nonsense"))));
    CHECK(zone_offset_ms(zone_find_legacy(STR("GMT+830")), 0) == 30600000);
    CHECK(zone_offset_ms(zone_find_legacy(STR("EST")), 0) == -18000000);
    CHECK(zone_find_id(STR("UTC")) == zone_utc() &&
          zone_find_id(STR("+8")) == zone_find_id(STR("+08")));
}
