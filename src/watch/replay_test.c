#include "watch/replay.h"

#include "os/os.h"
#include "test/unit.h"

TEST(replay, times_come_in_several_forms) {
    int64_t ts = 0;
    CHECK(replay_time_parse(STR("2025-03-31 00:00:00"), &ts) && ts == 1743379200000);
    CHECK(replay_time_parse(STR("2025-03-31T00:00:01.250Z"), &ts) && ts == 1743379201250);
    CHECK(replay_time_parse(STR("2025-03-31 00:05"), &ts) && ts == 1743379500000);
    CHECK(replay_time_parse(STR("1743379200"), &ts) && ts == 1743379200000);
    CHECK(replay_time_parse(STR("1743379200123"), &ts) && ts == 1743379200123);
    CHECK(!replay_time_parse(STR("yesterday"), &ts));
    CHECK(!replay_time_parse(STR("2025-13-31 00:00:00"), &ts));
    CHECK(!replay_time_parse(STR(""), &ts));
}

static Status count_point(void *arg, const ReplayPoint *point, Error *err) {
    (void)err;
    CHECK(str_is(point->metric->name, "a/b"));
    ++*(uint32_t *)arg;
    return ST_OK;
}

TEST(replay, a_folder_of_files_is_named_by_paths_and_bad_lines_are_counted) {
    Error err = {0};
    ReplayTotals totals;
    uint32_t points = 0;
    ReplayOptions options = {.point = count_point, .arg = &points};
    CHECK_OK(os()->make_dirs(STR("replay-test/a"), &err), &err);
    CHECK_OK(os_write_file(STR("replay-test/a/b.csv"),
                           STR("timestamp,value\n2025-03-31 00:00:00,1\n2025-03-31 00:05:00,oh\n"
                               "2025-03-31 00:10:00,3.5\n"), &err), &err);
    CHECK_OK(replay_run(STR("replay-test"), &options, &totals, &err), &err);
    CHECK_INT(points, 2);
    CHECK_INT(totals.bad_lines, 1);
    CHECK_INT(totals.metrics, 1);
    CHECK(replay_run(STR("replay-test-none"), &options, &totals, &err) == ST_VALIDATION);
    unit_remove_dir(STR("replay-test"));
}
