#include "cli/shell_complete.h"

#include "test/unit.h"

static void offers(Session *session, const char *text, const char *wanted) {
    Arena arena;
    arena_init(&arena);
    Completions *out = ARENA_NEW(&arena, Completions);
    out->arena = &arena;
    complete(session, str_c(text), out);
    Buf words = {0};
    for (uint32_t i = 0; i < out->count; i++) buf_printf(&words, "%s ", out->word[i]);
    if (strcmp(buf_cstr(&words), wanted) != 0) fail_msg("%s: %s", text, buf_cstr(&words));
    buf_free(&words);
    arena_clear(&arena);
}

TEST(shell_complete, offers_what_may_stand_at_the_cursor) {
    Session *session = NULL;
    Error err = {0};
    SessionConfig config = {.default_zone = "UTC"};
    CHECK_OK(session_new(&config, &session, &err), &err);
    CHECK_OK(session_execute(session,
                             STR("CREATE TABLE orders (amount INT, `my id` INT) WITH "
                                 "('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv')"),
                             NULL, &err),
             &err);
    offers(session, "sel", "select ");
    offers(session, "SEL", "SELECT ");
    offers(session, "SELECT * FROM or", "orders ");
    offers(session, "SELECT o. FROM", "");
    offers(session, "SELECT amount FROM orders AS o WHERE o.", "`my id` amount ");
    offers(session, "SELECT amount FROM orders o WHERE am", "amount ");
    offers(session, "CREATE TABLE t (a INT) WITH ('conn", "connector ");
    offers(session, "CREATE TABLE t (a INT) WITH ('connector' = 'upsert", "upsert-kafka ");
    offers(session,
           "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'sink.partition-commit.t",
           "sink.partition-commit.trigger ");
    offers(session,
           "CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', "
           "'sink.partition-commit.trigger' = 'proc",
           "process-time ");
    offers(session, "SET 'table.local", "table.local-time-zone ");
    offers(session, "SET 'execution.runtime-mode' = '", "BATCH STREAMING ");
    offers(session, "SELECT 'sel", "");  // a text of the user's own
    offers(session, "USE defa", "default_database ");
    session_free(session);
}

TEST(shell_complete, the_common_part_ends_at_a_character) {
    Completions out = {.word = {"ab\xC3\xA9", "ab\xC3\xA8"}, .count = 2};
    CHECK_INT(completions_common(&out), 2);
}
