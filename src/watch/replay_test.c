#include "watch/report.h"

#include "os/os.h"
#include "test/unit.h"

TEST(replay, times_come_in_several_forms) {
    int64_t ts = 0;
    CHECK(replay_time_parse(STR("2025-03-31 00:00:00"), &ts) && ts == 1743379200000);
    CHECK(replay_time_parse(STR("2025-03-31T00:00:01.250Z"), &ts) && ts == 1743379201250);
    CHECK(replay_time_parse(STR("2025-03-31 00:05"), &ts) && ts == 1743379500000);
    CHECK(replay_time_parse(STR("1743379200"), &ts) && ts == 1743379200000);
    CHECK(replay_time_parse(STR("1743379200123"), &ts) && ts == 1743379200123);
    CHECK(replay_time_parse(STR("2025-03-31"), &ts) && ts == 1743379200000);
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

static Status put_point(void *arg, const ReplayPoint *point, Error *err) {
    (void)err;
    replay_put_point(point, arg);
    return ST_OK;
}

TEST(replay, any_number_of_threads_writes_the_same_lines_in_the_order_of_the_input) {
    Error err = {0};
    Buf values = {0}, out[2] = {{0}, {0}};
    buf_puts(&values, "metric,ts,value\n");
    for (uint32_t i = 0; i < 14000; i++) {  // more points than a block holds
        for (uint32_t m = 0; m < 6; m++) {
            if ((i + m) % 7 == 0 && i) continue;
            buf_printf(&values, "m%u,%llu,%u\n", m, 1743379200ull + 60 * i,
                       (i % 1440 < 20 ? 900 : 1000) + i * (7919 + m) % 61);
        }
    }
    CHECK_OK(os()->make_dirs(STR("threads-test"), &err), &err);
    CHECK_OK(os_write_file(STR("threads-test/values.csv"), buf_str(&values), &err), &err);
    for (uint32_t t = 0; t < 2; t++) {
        ReplayTotals totals;
        ReplayOptions options = {.threads = t ? 3 : 1, .point = put_point, .arg = &out[t]};
        CHECK_OK(replay_run(STR("threads-test"), &options, &totals, &err), &err);
        CHECK(totals.points > 65536 && totals.trainings >= 6);
    }
    CHECK(str_eq(buf_str(&out[0]), buf_str(&out[1])));
    Str first = buf_str(&out[0]), last = str_sub(first, first.len - 60, first.len);
    CHECK(str_starts(first, STR("m0,1743379200,")));
    CHECK(str_find(last, STR("\nm5,1744219140,"), 0) >= 0);
    buf_free(&values);
    buf_free(&out[0]);
    buf_free(&out[1]);
    unit_remove_dir(STR("threads-test"));
}

// Three days of a metric with a label on a drop in the last one.
TEST(replay, a_report_counts_what_labels_say_and_shows_each_alarm) {
    Error err = {0};
    Buf values = {0}, page = {0};
    buf_puts(&values, "metric,ts,value\n");
    for (uint32_t i = 0; i < 4 * 1440; i++) {
        bool drop = i >= 3 * 1440 + 600 && i < 3 * 1440 + 630;
        buf_printf(&values, "<m>,%llu,%u\n", 1743379200ull + 60 * i,
                   drop ? 20 : 1000 + i * 7919 % 61);
    }
    CHECK_OK(os()->make_dirs(STR("report-test"), &err), &err);
    CHECK_OK(os_write_file(STR("report-test/values.csv"), buf_str(&values), &err), &err);
    CHECK_OK(os_write_file(STR("report-test/labels.csv"),
                           STR("metric,incident,start,end,type,kind\n"
                               "<m>,a,2025-04-03 10:00:00,2025-04-03 10:29:00,outage,incident\n"
                               "<m>,b,2025-04-03 20:00:00,2025-04-03 20:29:00,ghost,incident\n"),
                           &err), &err);
    ReportSettings settings = {.title = "test", .labels = STR("report-test/labels.csv"),
                               .after_ms = 1743379200000 + 2 * SERIES_DAY_MS};
    Report *report;
    ReportFigures figures;
    ReplayTotals totals;
    CHECK_OK(report_new(&settings, &report, &err), &err);
    ReplayOptions options = {.point = report_point, .arg = report};
    CHECK_OK(replay_run(STR("report-test"), &options, &totals, &err), &err);
    report_write(report, &totals, &page);
    report_figures(report, &figures);
    CHECK_INT(figures.incidents, 2);
    CHECK_INT(figures.found, 1);
    CHECK_INT(figures.alarms, 1);
    CHECK_INT(figures.false_alarms, 0);
    CHECK(figures.delay_s <= 120);
    CHECK(str_find(buf_str(&page), STR("&lt;m&gt;"), 0) > 0);
    CHECK(str_find(buf_str(&page), STR("data-kind=missed"), 0) > 0);
    CHECK(str_find(buf_str(&page), STR("<m>"), 0) < 0);
    report_free(report);
    buf_free(&values);
    buf_free(&page);
    unit_remove_dir(STR("report-test"));
}
