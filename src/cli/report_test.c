#include "cli/report.h"

#include "test/unit.h"

TEST(report, the_caret_stands_below_what_is_wrong) {
    Error err = {.status = ST_VALIDATION,
                 .place = {2, 8, 2, 12},
                 .message = "column 'amout' not found",
                 .hint = "did you mean 'amount'?"};
    Buf out = {0};
    report_error(&err, STR("a.sql"), STR("-- x\nSELECT amout\tFROM t\n"), &out);
    CHECK_STR(buf_cstr(&out),
              "a.sql:2:8: 42000: column 'amout' not found\n"
              "  SELECT amout FROM t\n"
              "         ^^^^^\n"
              "hint: did you mean 'amount'?\n");
    out.len = 0;
    err = (Error){.status = ST_PARSE, .place = {1, 11, 1, 11}, .message = "m"};
    report_error(&err, STR(""), STR("SELECT '😀' x"), &out);  // two UTF-16 units
    CHECK_STR(buf_cstr(&out), "1:11: 42601: m\n  SELECT '😀' x\n           ^\n");
    out.len = 0;
    err = (Error){.status = ST_RUNTIME, .message = "bad", .source = "t-0@7"};
    report_error(&err, STR("a.sql"), STR("SELECT 1"), &out);
    CHECK_STR(buf_cstr(&out), "t-0@7: 22000: bad\n");
    buf_free(&out);
}
