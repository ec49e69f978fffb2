#include "cli/test_file.h"

#include "test/unit.h"

static const char SAMPLE[] =
    "# a head comment\n"
    "\n"
    "# first\n"
    "statement ok\n"
    "CREATE TABLE t (\n"
    "  a INT)\n"
    "\n\n"
    "# columns: a\n"
    "# quirk: odd\n"
    "query  rows   ordered \n"
    "SELECT a\n"
    "FROM t\n"
    "----\n"
    "INT\n"
    "1\n"
    "\n"
    "query error\n"
    "SELECT";

TEST(test_file, records_are_views_with_their_places) {
    CaseFile file;
    Error err = {0};
    CHECK_OK(case_file_parse(STR(SAMPLE), &file, &err), &err);
    CHECK_INT(file.count, 3);
    CHECK_INT(file.record[0].kind, CASE_STATEMENT_OK);
    CHECK_INT(file.record[0].line, 4);
    CHECK(str_is(file.record[0].sql, "CREATE TABLE t (\n  a INT)"));
    CHECK(!file.record[0].optional && !file.record[0].answered);
    CHECK_INT(file.record[1].kind, CASE_QUERY_ORDERED);
    CHECK(file.record[1].optional && file.record[1].answered);
    uint32_t at = 0;
    Str line;
    CHECK(case_answer_line(&file.record[1], &at, &line) && str_is(line, "INT"));
    CHECK(case_answer_line(&file.record[1], &at, &line) && str_is(line, "1"));
    CHECK(!case_answer_line(&file.record[1], &at, &line));
    CHECK_INT(file.record[2].kind, CASE_QUERY_ERROR);
    CHECK(str_is(file.record[2].sql, "SELECT") && !file.record[2].answered);
    case_file_clear(&file);
}

TEST(test_file, what_is_no_record_is_refused_with_its_line) {
    CaseFile file;
    Error err = {0};
    CHECK_INT(case_file_parse(STR("\n\nquery rowsordered\nSELECT 1\n"), &file, &err), ST_PARSE);
    CHECK_INT(err.place.line, 3);
    CHECK_INT(case_file_parse(STR("statement ok\n\nquery rows\nx"), &file, &err), ST_PARSE);
    CHECK_INT(err.place.line, 1);
    CHECK_INT(case_file_parse(STR("query rows extra\nSELECT 1\n"), &file, &err), ST_PARSE);
}

TEST(test_file, printing_without_answers_gives_the_text_back) {
    CaseFile file;
    Error err = {0};
    CHECK_OK(case_file_parse(STR(SAMPLE), &file, &err), &err);
    CaseAnswer none[3] = {{0}};
    Buf out = {0};
    case_file_print(&file, none, &out);
    CHECK_STR(buf_cstr(&out), SAMPLE);
    buf_free(&out);
    case_file_clear(&file);
}

TEST(test_file, new_answers_replace_old_ones_and_leave_the_rest) {
    CaseFile file;
    Error err = {0};
    CHECK_OK(case_file_parse(STR(SAMPLE), &file, &err), &err);
    CaseAnswer answers[3] = {
        {CASE_STATEMENT_OK, {0}, NULL},
        {CASE_QUERY_ORDERED, STR("BIGINT\n2\n3"), "# columns: b"},
        {CASE_QUERY_ROWS, STR("INT\n1\n"), "# columns: c\n"},
    };
    Buf out = {0};
    case_file_print(&file, answers, &out);
    CHECK_STR(buf_cstr(&out),
              "# a head comment\n\n# first\nstatement ok\nCREATE TABLE t (\n  a INT)\n\n\n"
              "# quirk: odd\n# columns: b\nquery  rows   ordered \nSELECT a\nFROM "
              "t\n----\nBIGINT\n2\n3\n\n"
              "# columns: c\nquery rows\nSELECT\n----\nINT\n1\n");
    buf_free(&out);
    case_file_clear(&file);
}
