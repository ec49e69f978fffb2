// The pool against an engine of its own: SQL is a word that says what happens.
#include "cli/test_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sanitizer.h"
#include "test/unit.h"

typedef struct Toy {
    uint32_t made;  // by 'make': what replay must bring back
} Toy;

static Status toy_open(void *arg, const CaseDirs *dirs, void **session, Error *err) {
    *session = NEW(Toy);
    return access(dirs->tmp.ptr, W_OK) ? error_set(err, ST_IO, "no scratch folder") : ST_OK;
}

static Status toy_execute(void *session, Str sql, const CaseDirs *dirs, CaseOutcome *outcome,
                          Error *err) {
    Toy *self = session;
    if (str_is(sql, "make")) self->made++;
    if (str_is(sql, "crash")) abort();
    if (str_is(sql, "crash once made") && self->made > 1) abort();
    if (str_is(sql, "hang")) (void)pause();
    if (str_is(sql, "fail")) return error_set(err, ST_VALIDATION, "no");
    if (!str_is(sql, "made")) return ST_OK;
    outcome->has_rows = true;
    outcome->types = STR("INT");
    char text[16];
    (void)snprintf(text, sizeof text, "%u", self->made);
    case_outcome_add(outcome, ROW_INSERT, str_c(text));
    return ST_OK;
}

static void toy_close(void *session) {
    mem_free(session);
}

static const CaseEngine TOY = {toy_open, toy_execute, toy_close};

// A child's last word, under a sanitizer, is about all the memory that the tests before it have
// left.
enum { TIMEOUT_MS = SANITIZED_ADDRESS || SANITIZED_THREAD ? 10000 : 500 };

static void run(const char *text, bool recording, CaseRun *out) {
    Error err = {0};
    CasePool pool = {
        .engine = &TOY, .jobs = 2, .timeout_ms = TIMEOUT_MS, .recording = recording};
    *out = (CaseRun){.path = "x.test", .data = "/nowhere"};
    CHECK_OK(case_file_parse(str_c(text), &out->file, &err), &err);
    CHECK_OK(case_runs(&pool, out, 1, &err), &err);
    if (out->failure) CHECK_STR(out->failure, "");
    CHECK(out->done);
}

TEST(test_pool, a_crash_costs_one_record) {
    CaseRun r;
    run("statement ok\nmake\n\nquery rows\ncrash\n\nstatement ok\nmake\n\nquery rows\nmade\n----\n"
        "INT\n2\n\nquery rows\nmade\n----\nINT\n3\n\nstatement ok\nhang\n\nstatement ok\nfail\n\n"
        "query rows\nmade\n----\nINT\n2\n",
        false, &r);
    static const Verdict WANTED[] = {VERDICT_PASSED,  VERDICT_DIED,    VERDICT_PASSED,
                                     VERDICT_PASSED,  VERDICT_DIFFERS, VERDICT_DIED,
                                     VERDICT_DIFFERS, VERDICT_PASSED};
    for (uint32_t i = 0; i < r.file.count; i++) CHECK_INT(r.attempt[i].verdict, WANTED[i]);
    CHECK(strstr(r.attempt[1].report, "crashed"));
    CHECK(strstr(r.attempt[5].report, "took longer"));
    case_run_clear(&r);
    case_file_clear(&r.file);
}

TEST(test_pool, a_statement_that_dies_when_replayed_is_left_out) {
    CaseRun r;
    run("statement ok\nmake\n\nstatement ok\ncrash once made\n\nstatement ok\nmake\n\n"
        "statement ok\ncrash once made\n\nquery rows\nmade\n----\nINT\n2\n",
        false, &r);
    CHECK_INT(r.attempt[1].verdict, VERDICT_PASSED);
    CHECK_INT(r.attempt[3].verdict, VERDICT_DIED);
    CHECK_INT(r.attempt[4].verdict, VERDICT_PASSED);
    case_run_clear(&r);
    case_file_clear(&r.file);
}

TEST(test_pool, recording_brings_answers_in_the_kind_that_fits) {
    CaseRun r;
    run("query error\nmade\n\nquery rows\nfail\n\nstatement ok\nmake\n", true, &r);
    CHECK_INT(r.answer[0].kind, CASE_QUERY_ROWS);
    CHECK_STR(r.answer[0].text.ptr, "INT\n0\n");
    CHECK_INT(r.answer[1].kind, CASE_QUERY_ERROR);
    CHECK_STR(r.answer[1].text.ptr, "validation");
    CHECK_STR(r.answer[1].comment, "# message: no");
    CHECK_INT(r.answer[2].kind, CASE_STATEMENT_OK);
    CHECK_STR(r.answer[2].text.ptr, "");
    case_run_clear(&r);
    case_file_clear(&r.file);
}
