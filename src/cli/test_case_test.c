#include "cli/test_case.h"

#include "test/unit.h"

TEST(test_case, retractions_take_equal_rows_away) {
    CaseOutcome outcome = {0};
    case_outcome_clear(&outcome);
    outcome.types = STR("INT");
    case_outcome_add(&outcome, ROW_INSERT, STR("2"));
    case_outcome_add(&outcome, ROW_INSERT, STR("1"));
    case_outcome_add(&outcome, ROW_INSERT, STR("2"));
    case_outcome_add(&outcome, ROW_DELETE, STR("7"));  // not there: nothing happens
    case_outcome_add(&outcome, ROW_UPDATE_BEFORE, STR("2"));
    case_outcome_add(&outcome, ROW_UPDATE_AFTER, STR("0"));
    Buf out = {0};
    case_answer_print(CASE_QUERY_ROWS, &outcome, &out);
    CHECK_STR(buf_cstr(&out), "INT\n0\n1\n2\n");
    out.len = 0;
    case_answer_print(CASE_QUERY_ORDERED, &outcome, &out);
    CHECK_STR(buf_cstr(&out), "INT\n2\n1\n0\n");
    out.len = 0;
    case_answer_print(CASE_QUERY_CHANGES, &outcome, &out);
    CHECK_STR(buf_cstr(&out), "INT\n+I\t2\n+I\t1\n+I\t2\n-D\t7\n-U\t2\n+U\t0\n");
    buf_free(&out);
    arena_clear(&outcome.arena);
}

TEST(test_case, a_change_log_comes_to_its_rows) {
    CaseFile file;
    Error err = {0};
    Str text = STR("query changelog\nSELECT 1\n----\nINT\n+I\t2\n+I\t1\n-U\t2\n+U\t0\n");
    CHECK_OK(case_file_parse(text, &file, &err), &err);
    Arena arena;
    arena_init(&arena);
    CaseRecord rows = case_materialised(&arena, &file.record[0]);
    CHECK(rows.kind == CASE_QUERY_ROWS);
    CHECK(str_is(rows.answer, "----\nINT\n0\n1\n"));
    CHECK(file.record[0].kind == CASE_QUERY_CHANGES);
    case_file_clear(&file);
    // What is no change log stays what it is, to be judged as that.
    Str wrong = STR("query changelog\nSELECT 1\n----\nINT\n+X\t2\n");
    CHECK_OK(case_file_parse(wrong, &file, &err), &err);
    CHECK(case_materialised(&arena, &file.record[0]).kind == CASE_QUERY_CHANGES);
    case_file_clear(&file);
    arena_clear(&arena);
}

TEST(test_case, folders_become_placeholders_again) {
    Arena arena;
    arena_init(&arena);
    CaseDirs dirs = {STR("/d/data"), STR("/t/x")};
    Str sql = case_expand(&arena, &dirs, STR("'${DATA}/a' '${TMP}/b' '${OTHER}'"));
    CHECK(str_is(sql, "'/d/data/a' '/t/x/b' '${OTHER}'"));
    CHECK(str_is(case_collapse(&arena, &dirs, sql), "'${DATA}/a' '${TMP}/b' '${OTHER}'"));
    arena_clear(&arena);
}

static bool passes(const char *text, Status status, CaseOutcome *outcome) {
    CaseFile file;
    Error err = {.status = status};
    CHECK_OK(case_file_parse(str_c(text), &file, &err), &err);
    Buf report = {0};
    err.status = status;
    bool result = case_passes(&file.record[0], status, &err, outcome, &report);
    CHECK(result == (report.len == 0));
    buf_free(&report);
    case_file_clear(&file);
    return result;
}

TEST(test_case, errors_pass_in_the_named_stage_only) {
    CaseOutcome none = {0};
    CHECK(passes("query error\nx\n----\nvalidation\n", ST_VALIDATION, &none));
    CHECK(passes("query error\nx\n----\nvalidation\n", ST_UNSUPPORTED, &none));
    CHECK(passes("statement error\nx\n", ST_IO, &none));
    CHECK(!passes("query error\nx\n----\nvalidation\n", ST_RUNTIME, &none));
    CHECK(!passes("query error\nx\n----\nvalidation\n", ST_OK, &none));
    CHECK(!passes("statement ok\nx\n", ST_PARSE, &none));
    CHECK(passes("statement ok\nx\n", ST_OK, &none));
    CHECK(!passes("query rows\nx\n----\nINT\n", ST_OK, &none));
    none.has_rows = true;
    none.types = STR("INT");
    CHECK(passes("query rows\nx\n----\nINT\n", ST_OK, &none));
    CHECK(!passes("query rows\nx\n", ST_OK, &none));  // no answer is recorded
}
