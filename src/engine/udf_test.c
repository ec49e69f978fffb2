// Functions of the user's, from CREATE FUNCTION to their rows: the library is test/functions, built
// against the public header alone.
#include <stdlib.h>

#include "engine/session.h"
#include "func/cast.h"
#include "os/os.h"
#include "test/unit.h"

typedef struct Taken {
    const FuncEnv *env;
    Buf text;
} Taken;

static Status take(void *arg, Batch *batch, Error *err) {
    Taken *taken = arg;
    (void)err;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (batch_kind(batch, row))
            buf_printf(&taken->text, "%s ", row_kind_name(batch_kind(batch, row)));
        for (uint32_t c = 0; c < batch->schema->child_count; c++) {
            if (c) buf_putc(&taken->text, '|');
            if (vec_is_null(batch->column[c], row))
                buf_puts(&taken->text, "NULL");
            else
                value_print(batch->column[c], row, taken->env, true, &taken->text);
        }
        buf_putc(&taken->text, '\n');
    }
    return ST_OK;
}

// The rows of a query, or why there are none.
static const char *run(Session *session, const char *sql) {
    static Buf shown;
    Taken taken = {.env = session_env(session)};
    ResultSink sink = {.arg = &taken, .batch = take};
    Error err = {0};
    if (session_execute(session, str_c(sql), &sink, &err)) {
        buf_printf(&taken.text, "%s", err.message);
        if (err.hint[0]) buf_printf(&taken.text, " (%s)", err.hint);
    }
    buf_free(&shown);
    shown = taken.text;
    return buf_cstr(&shown);
}

static void create(Session *session, const char *name) {
    Buf sql = {0};
    buf_printf(&sql, "CREATE FUNCTION %s AS '%s' LANGUAGE C USING ARTIFACT '" TEST_FUNCTIONS "'",
               name, name);
    CHECK_STR(run(session, buf_cstr(&sql)), "");
    buf_free(&sql);
}

static Session *open_session(void) {
    SessionConfig config = {.default_zone = "UTC"};
    Session *session;
    Error err;
    CHECK_OK(session_new(&config, &session, &err), &err);
    return session;
}

TEST(udf, scalar) {
    Session *session = open_session();
    create(session, "plus_one");
    create(session, "copies");
    create(session, "squares");
    create(session, "unpack");
    create(session, "count_args");
    CHECK_STR(run(session,
                  "SELECT plus_one(x), copies(`text` => 'ab', n => 2) FROM (VALUES (1), "
                  "(CAST(NULL AS INT))) AS t (x)"),
              "2|abab\nNULL|abab\n");
    CHECK_STR(
        run(session, "SELECT Squares(a, 4) FROM (VALUES (3.0), (CAST(NULL AS DOUBLE))) AS t (a)"),
        "25.0\nNULL\n");
    CHECK_STR(
        run(session,
            "SELECT unpack(ARRAY[1, 2, x]).total, unpack(ARRAY[1, x]) FROM (VALUES (3)) AS t (x)"),
        "6|(4, [2, 6])\n");
    CHECK_STR(run(session, "SELECT count_args(), count_args(1, 2, x) FROM (VALUES (3)) AS t (x)"),
              "0|3\n");
    CHECK(strstr(run(session, "SELECT copies('x', n) FROM (VALUES (-1)) AS t (n)"),
                 "function 'copies' failed: n is -1, below zero"));
    CHECK(strstr(run(session, "SELECT copies('x')"), "takes 2 arguments, 1 are given"));
    CHECK(strstr(run(session, "SELECT copies('x', 'y')"), "argument 2 is a CHAR(1) NOT NULL"));
    session_free(session);
}

TEST(udf, table) {
    Session *session = open_session();
    create(session, "words");
    create(session, "series");
    run(session,
        "CREATE VIEW t AS SELECT * FROM (VALUES (1, 'a bc'), (2, ''), (3, 'def')) AS v (id, x)");
    CHECK_STR(run(session, "SELECT id, word, length FROM t, LATERAL TABLE(words(x))"),
              "1|a|1\n1|bc|2\n3|def|3\n");
    CHECK_STR(
        run(session, "SELECT id, w FROM t LEFT JOIN LATERAL TABLE(words(x)) AS f (w, n) ON TRUE"),
        "1|a\n1|bc\n2|NULL\n3|def\n");
    CHECK_STR(run(session, "SELECT * FROM TABLE(series(3))"), "1\n2\n3\n");
    // More rows than a batch holds, among them.
    CHECK_STR(run(session,
                  "SELECT id, COUNT(*), SUM(n) FROM t, LATERAL TABLE(series(id * 2000)) AS s (n) "
                  "WHERE n > 1 AND id > 1 GROUP BY id HAVING COUNT(*) = id * 2000 - 1"),
              "+U 2|3999|8001999\n+U 3|5999|18002999\n");
    session_free(session);
}

TEST(udf, aggregate) {
    Session *session = open_session();
    create(session, "weighted_average");
    create(session, "longest");
    run(session,
        "CREATE VIEW t AS SELECT * FROM (VALUES ('a', 10, 1), ('b', 7, 1), ('a', 20, 3)) AS v "
        "(k, x, w)");
    run(session, "SET 'execution.runtime-mode' = 'batch'");
    CHECK_STR(run(session, "SELECT k, weighted_average(x, w), longest(k || '!') FROM t GROUP BY k"),
              "a|17|a!\nb|7|b!\n");
    CHECK_STR(run(session, "SELECT k, weighted_average(DISTINCT w, 1) FROM t GROUP BY k"),
              "a|2\nb|1\n");
    run(session, "SET 'execution.runtime-mode' = 'streaming'");
    CHECK_STR(run(session, "SELECT weighted_average(x, w) FROM t"),
              "10\n-U 10\n+U 8\n-U 8\n+U 15\n");
    // Over changing input.
    CHECK_STR(run(session,
                  "SELECT weighted_average(s, 1) FROM (SELECT k, SUM(x) AS s FROM t GROUP BY k)"),
              "10\n-U 10\n+U 8\n-U 8\n+U 7\n-U 7\n+U 18\n");
    CHECK(strstr(
        run(session,
            "SELECT longest(s) FROM (SELECT k, CAST(SUM(x) AS STRING) AS s FROM t GROUP BY k)"),
        "longest cannot take updates or deletions"));
    CHECK_STR(run(session, "SELECT longest(k) FROM t WHERE k = 'z'"), "");
    session_free(session);
}

TEST(udf, process) {
    Session *session = open_session();
    create(session, "greet");
    create(session, "follow_up");
    create(session, "history");
    run(session,
        "CREATE VIEW names AS SELECT * FROM (VALUES ('Bob', 1), ('Alice', 2)) AS v (name, n)");
    CHECK_STR(run(session, "SELECT * FROM greet(TABLE names, 'Hello')"),
              "Hello Bob\nHello Alice\n");
    CHECK_STR(run(session, "SELECT * FROM greet(greeting => 'Hi', input => TABLE names)"),
              "Hi Bob\nHi Alice\n");
    CHECK(strstr(run(session, "SELECT * FROM greet(TABLE names PARTITION BY n, 'Hello')"),
                 "only tables with set semantics"));
    run(session,
        "CREATE VIEW things AS SELECT * FROM (VALUES ('a', 'x'), ('b', 'x'), ('a', 'y'), "
        "('a', 'x'), ('a', 'forget'), ('a', 'x')) AS v (who, item)");
    CHECK_STR(run(session, "SELECT * FROM history(TABLE things PARTITION BY who)"),
              "a|x|1|x|NULL\nb|x|1|x|NULL\na|y|1|xy|x\na|x|2|xyx|y\na|x|1|x|NULL\n");
    CHECK_STR(run(session, "SELECT COUNT(*) FROM history(TABLE things) WHERE n = 2"), "1\n");
    CHECK(strstr(run(session,
                     "SELECT * FROM history(TABLE things PARTITION BY who) UNION ALL "
                     "SELECT * FROM history(TABLE things PARTITION BY item)"),
                 "is called twice with the uid 'history'"));
    session_free(session);
}

// Timers, by name, and rows in order: the table is a file with two rows out of order.
TEST(udf, timers) {
    static const char EVENTS[] =
        "Bob,2025-03-27 07:38:31.134\nAlice,2025-03-27 07:38:31.134\nBob,2025-03-27 07:38:31.2\n"
        "Carl,2025-03-27 07:40:00\nBob,2025-03-27 07:39:31.3\nCarl,2025-03-27 07:40:30\n"
        "Carl,2025-03-27 07:40:29.9999\n";
    char folder[] = "/tmp/weir-udf-XXXXXX";
    Session *session = open_session();
    Buf sql = {0};
    Error err;
    CHECK(mkdtemp(folder) != NULL);
    buf_printf(&sql, "%s/events.csv", folder);
    CHECK_OK(os_write_file(buf_str(&sql), str_c(EVENTS), &err), &err);
    sql.len = 0;
    buf_printf(&sql,
               "CREATE TABLE events (id STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL "
               "'0.001' SECOND) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '%s')",
               folder);
    CHECK_STR(run(session, buf_cstr(&sql)), "");
    create(session, "follow_up");
    // Late rows go in; a timer that is put off fires once.
    CHECK_STR(run(session,
                  "SELECT * FROM follow_up(input => TABLE events PARTITION BY id, "
                  "on_time => DESCRIPTOR(ts))"),
              "Bob|seen|1|2025-03-27 07:38:31.134\nAlice|seen|1|2025-03-27 07:38:31.134\n"
              "Bob|seen|2|2025-03-27 07:38:31.200\nCarl|seen|1|2025-03-27 07:40:00.000\n"
              "Alice|follow-up|1|2025-03-27 07:39:31.134\nBob|follow-up|2|2025-03-27 07:39:31.200\n"
              "Bob|seen|1|2025-03-27 07:39:31.300\nCarl|seen|2|2025-03-27 07:40:30.000\n"
              "Carl|seen|3|2025-03-27 07:40:29.999\nBob|follow-up|1|2025-03-27 07:40:31.300\n"
              "Carl|follow-up|3|2025-03-27 07:41:29.999\n");
    // With ORDER BY they are dropped, and those that are in time come in order.
    CHECK_STR(run(session,
                  "SELECT id, what, n FROM follow_up(input => TABLE events PARTITION BY id "
                  "ORDER BY ts, on_time => DESCRIPTOR(ts))"),
              "Bob|seen|1\nAlice|seen|1\nBob|seen|2\nAlice|follow-up|1\nBob|follow-up|2\n"
              "Carl|seen|1\nCarl|seen|2\nCarl|follow-up|2\n");
    CHECK(strstr(run(session, "DESCRIBE FUNCTION EXTENDED follow_up"), "kind|PROCESS_TABLE\n"));
    CHECK(strstr(run(session, "SELECT * FROM follow_up(TABLE events PARTITION BY id)"),
                 "it needs on_time"));
    CHECK(strstr(run(session, "SELECT * FROM follow_up(TABLE events, DESCRIPTOR(ts))"),
                 "it needs PARTITION BY"));
    sql.len = 0;
    buf_printf(&sql, "%s/events.csv", folder);
    CHECK_OK(os()->remove(buf_str(&sql), &err), &err);
    CHECK_OK(os()->remove(str_c(folder), &err), &err);
    buf_free(&sql);
    session_free(session);
}

// Several tables. What is expected here is what Flink 2.3 gives for the same functions in Java.

static void create_tables(Session *session) {
    run(session,
        "CREATE TABLE a (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH "
        "('connector' = 'filesystem', 'format' = 'csv', 'path' = '" TEST_FUNCTIONS_DATA "/a.csv')");
    run(session,
        "CREATE TABLE b (k2 STRING NOT NULL, t STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS "
        "ts) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = '" TEST_FUNCTIONS_DATA
        "/b.csv')");
    run(session, "CREATE VIEW b2 AS SELECT k2, t, ts AS tb FROM b");
    run(session, "CREATE VIEW ltz AS SELECT k2, CAST(ts AS TIMESTAMP_LTZ(3)) AS tb FROM b");
    run(session, "CREATE VIEW ch AS SELECT CAST('x' AS CHAR(1)) AS k, 1 AS z");
    run(session, "CREATE VIEW bi AS SELECT CAST(1 AS BIGINT) AS k, 1 AS z");
    run(session, "CREATE VIEW ca AS SELECT k, COUNT(*) AS c FROM a GROUP BY k");
    run(session,
        "CREATE VIEW da AS SELECT c, COUNT(*) AS m FROM (SELECT k, COUNT(*) AS c FROM a "
        "GROUP BY k) GROUP BY c");
    run(session,
        "CREATE VIEW kn AS SELECT k, n / 10 AS n, COUNT(*) AS c FROM a GROUP BY k, n / 10");
}

// The rows of a query in order of their text: two inputs are read as they come.
static const char *run_sorted(Session *session, const char *sql) {
    static Buf sorted;
    const char *line[64];
    uint32_t count = 0;
    Buf rows = {0};
    buf_puts(&rows, run(session, sql));
    for (char *at = (char *)(uintptr_t)buf_cstr(&rows), *end; (end = strchr(at, '\n'));
         at = end + 1) {
        *end = 0;
        uint32_t to = count++;
        CHECK(count <= sizeof line / sizeof *line);
        for (; to && strcmp(line[to - 1], at) > 0; to--) line[to] = line[to - 1];
        line[to] = at;
    }
    sorted.len = 0;
    for (uint32_t i = 0; i < count; i++) buf_printf(&sorted, "%s\n", line[i]);
    if (!count) buf_puts(&sorted, buf_cstr(&rows));
    buf_free(&rows);
    return buf_cstr(&sorted);
}

TEST(udf, process_tables) {
    Session *session = open_session();
    static const char *const NAMES[] = {"pair", "pair_timed", "pair_half", "pair_optional",
                                        "optional"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) create(session, NAMES[i]);
    create_tables(session);
    CHECK_STR(run_sorted(session,
                         "SELECT k, k2, nb - na FROM pair(a => TABLE a PARTITION BY k, "
                         "b => TABLE b PARTITION BY k2) WHERE na + nb = 3 OR k = 'z'"),
              "x|x|-1\ny|y|-1\nz|z|1\n");
    // Of two keys with one name, the second has a number.
    CHECK_STR(run_sorted(session,
                         "SELECT k, n, k0, n0, na, nb FROM pair(TABLE a PARTITION BY "
                         "(k, n), TABLE a PARTITION BY (k, n)) WHERE na = nb"),
              "x|1|x|1|1|1\nx|3|x|3|1|1\ny|2|y|2|1|1\ny|4|y|4|1|1\n");
    CHECK_STR(run_sorted(session,
                         "SELECT MAX(na), MAX(nb) FROM pair_optional(TABLE a, TABLE b) "
                         "HAVING MAX(na) + MAX(nb) = 7"),
              "+U 4|3\n");
    CHECK_STR(run_sorted(session,
                         "SELECT k, k0, na, nb FROM pair(TABLE a PARTITION BY k, TABLE ch "
                         "PARTITION BY k) WHERE na + nb = 3"),
              "x|x|2|1\n");
    CHECK(
        strstr(run(session, "SELECT * FROM pair(TABLE a PARTITION BY n, TABLE b PARTITION BY k2)"),
               "the number of columns and their types must be the same"));
    CHECK(
        strstr(run(session, "SELECT * FROM pair(TABLE a PARTITION BY n, TABLE bi PARTITION BY k)"),
               "their types must be the same"));
    CHECK(strstr(
        run(session, "SELECT * FROM pair(TABLE a PARTITION BY (k, n), TABLE b PARTITION BY k2)"),
        "the number of columns"));
    CHECK(strstr(run(session, "SELECT * FROM pair(TABLE a PARTITION BY k, TABLE b)"),
                 "as 'b': it needs PARTITION BY"));
    CHECK(strstr(run(session, "SELECT * FROM pair_optional(TABLE a PARTITION BY k, TABLE b)"),
                 "the number of columns"));
    CHECK(strstr(run(session, "SELECT * FROM pair(a => TABLE a PARTITION BY k)"),
                 "needs a table as 'b'"));
    CHECK_STR(run(session, "SELECT * FROM optional(TABLE a PARTITION BY k) WHERE k = 'x'"),
              "x|NULL\nx|NULL\n");
    CHECK_STR(run(session, "SELECT * FROM optional(TABLE a PARTITION BY k, 2 + 3) WHERE k = 'x'"),
              "x|5\nx|5\n");
    CHECK(strstr(run(session, "SELECT * FROM optional(TABLE a PARTITION BY k, uid => 'bad uid!')"),
                 "uid 'bad uid!': it may have letters"));
    CHECK(strstr(
        run(session,
            "SELECT * FROM pair(TABLE a PARTITION BY k, TABLE b PARTITION BY k2) AS x JOIN pair("
            "TABLE b PARTITION BY k2, TABLE b PARTITION BY k2) AS y ON x.k = y.k2"),
        "is called twice with the uid 'pair'"));
    session_free(session);
}

// All rows wait for the end; then they and the timers come in one order of time.
static const char TIMED_ROWS[] =
    "x|x|a 2|1|0|2024-01-01 00:00:01.000\n"
    "x|x|b|1|1|2024-01-01 00:00:01.000\n"
    "x|x|a 5|2|1|2024-01-01 00:00:03.000\n"
    "x|x|b|2|2|2024-01-01 00:00:03.000\n"
    "y|y|a 3|1|0|2024-01-01 00:00:04.000\n"
    "y|y|b|1|1|2024-01-01 00:00:04.000\n"
    "x|x|later|2|2|2024-01-01 00:00:08.000\n"
    "y|y|later|1|1|2024-01-01 00:00:09.000\n"
    "x|x|NULL|2|2|2024-01-01 00:00:10.000\n"
    "x|x|NULL|2|2|2024-01-01 00:00:12.000\n"
    "y|y|NULL|1|1|2024-01-01 00:00:13.000\n"
    "x|x|a 1|3|2|2024-01-01 00:00:20.000\n"
    "x|x|b|3|3|2024-01-01 00:00:20.000\n"
    "x|x|a 4|4|3|2024-01-01 00:00:22.000\n"
    "x|x|b|4|4|2024-01-01 00:00:22.000\n"
    "x|x|later|4|4|2024-01-01 00:00:27.000\n"
    "x|x|NULL|4|4|2024-01-01 00:00:29.000\n"
    "x|x|a 7|5|4|2024-01-01 00:00:30.000\n"
    "x|x|b|5|5|2024-01-01 00:00:30.000\n"
    "x|x|NULL|5|5|2024-01-01 00:00:31.000\n"
    "x|x|later|5|5|2024-01-01 00:00:35.000\n"
    "x|x|NULL|5|5|2024-01-01 00:00:39.000\n"
    "x|x|a 6|6|5|2024-01-01 00:00:40.000\n"
    "x|x|b|6|6|2024-01-01 00:00:40.000\n"
    "x|x|later|6|6|2024-01-01 00:00:45.000\n"
    "x|x|NULL|6|6|2024-01-01 00:00:49.000\n";

TEST(udf, process_tables_in_time) {
    Session *session = open_session();
    create(session, "pair_timed");
    create(session, "pair_half");
    create_tables(session);
    run(session,
        "CREATE TABLE c (k STRING, n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - "
        "INTERVAL '1' HOUR) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = "
        "'" TEST_FUNCTIONS_DATA "/c.csv')");
    static const char ORDERED[] =
        "SELECT * FROM pair_timed(TABLE c PARTITION BY k ORDER BY ts, TABLE c PARTITION BY k "
        "ORDER BY ts, DESCRIPTOR(ts))";
    CHECK_STR(run(session, ORDERED), TIMED_ROWS);
    // Stopped again and again, rows waiting and timers set, and with another number of workers.
    run(session, "SET 'weir.cut-every' = '1'");
    run(session, "SET 'weir.batch-rows-max' = '1'");
    CHECK_STR(run(session, ORDERED), TIMED_ROWS);
    run(session, "SET 'parallelism.default' = '2'");
    char *sorted = mem_strdup(run_sorted(session, ORDERED));
    run(session, "SET 'weir.cut-parallelism' = '1,3'");
    CHECK_STR(run_sorted(session, ORDERED), sorted);
    run(session, "RESET");
    CHECK_STR(run_sorted(session, ORDERED), sorted);
    // With rows and timers on disk after every batch, and with each other part in memory.
    run(session, "SET 'state.backend.type' = 'rocksdb'");
    run(session, "SET 'weir.state-cache' = '0'");
    static const char *const MORE[] = {
        "'weir.batch-rows-max' = '1'", "'weir.cut-every' = '1'", "'weir.cut-savepoint' = 'true'",
        "'weir.cut-backend' = 'hashmap,rocksdb,rocksdb'", "'weir.cut-parallelism' = '2,1,3'"};
    bool there = !strstr(run(session, "SELECT 1"), "cannot be loaded");
    for (size_t i = 0; there && i < sizeof MORE / sizeof *MORE; i++) {
        char set[128];
        (void)snprintf(set, sizeof set, "SET %s", MORE[i]);
        run(session, set);
        CHECK_STR(run_sorted(session, ORDERED), sorted);
    }
    run(session, "RESET");
    mem_free(sorted);
    CHECK_STR(run_sorted(session,
                         "SELECT said, rowtime FROM pair_timed(TABLE b PARTITION BY k2, "
                         "TABLE b PARTITION BY k2, DESCRIPTOR(ts)) WHERE said = 'later'"),
              "later|2024-01-01 00:00:08.000\nlater|2024-01-01 00:00:10.000\n"
              "later|2024-01-01 00:00:14.000\n");
    static const char *const WRONG[][2] = {
        {"pair_timed(TABLE a PARTITION BY k, TABLE b2 PARTITION BY k2, DESCRIPTOR(ts))",
         "it needs on_time, for its table 'b'"},
        {"pair_half(TABLE a PARTITION BY k, TABLE b2 PARTITION BY k2, DESCRIPTOR(ts))",
         "one table and none of 'b': all tables have one or none"},
        {"pair_half(TABLE a PARTITION BY k, TABLE b2 PARTITION BY k2)",
         "it needs on_time, for its table 'a'"},
        {"pair_half(TABLE a PARTITION BY k, TABLE b2 PARTITION BY k2, DESCRIPTOR(ts, tb, nope))",
         "on_time: the table has no column 'nope'"},
        {"pair_half(TABLE a PARTITION BY k, TABLE ltz PARTITION BY k2, DESCRIPTOR(ts, tb))",
         "on_time needs a time attribute, and 'tb' is none"},
        {"pair_half(TABLE a PARTITION BY k, TABLE b2 PARTITION BY k2, DESCRIPTOR(n, tb))",
         "on_time needs a time attribute, and 'n' is none"},
        {"pair_half(TABLE a PARTITION BY k ORDER BY n, TABLE b PARTITION BY k2, DESCRIPTOR(ts))",
         "begins with a time attribute"},
        {"pair_half(TABLE a PARTITION BY k ORDER BY (ts, ts), TABLE b PARTITION BY k2, "
         "DESCRIPTOR(ts))",
         "names column 'ts' twice"},
    };
    Buf sql = {0};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        sql.len = 0;
        buf_printf(&sql, "SELECT * FROM %s", WRONG[i][0]);
        CHECK(strstr(run(session, buf_cstr(&sql)), WRONG[i][1]));
    }
    buf_free(&sql);
    session_free(session);
}

// A table that is partitioned by its upsert key comes without what was before.
TEST(udf, process_changes) {
    Session *session = open_session();
    static const char *const NAMES[] = {"changes", "changes_before", "changes_by_row",
                                        "changes_of_one", "optional"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) create(session, NAMES[i]);
    create_tables(session);
    CHECK_STR(run(session, "SELECT * FROM changes(TABLE ca PARTITION BY k)"),
              "x|+I 1\ny|+I 1\nx|+U 2\ny|+U 2\n");
    CHECK_STR(run(session, "SELECT * FROM changes_before(TABLE ca PARTITION BY k)"),
              "x|+I 1\ny|+I 1\nx|-U 1\nx|+U 2\ny|-U 1\ny|+U 2\n");
    CHECK_STR(run(session, "SELECT * FROM changes(TABLE ca PARTITION BY c)"),
              "1|+I 1\n1|+I 1\n1|-U 1\n2|+U 2\n1|-U 1\n2|+U 2\n");
    CHECK_STR(run(session, "SELECT said FROM changes(TABLE ca PARTITION BY (k, c))"),
              "+I 1\n+I 1\n-U 1\n+U 2\n-U 1\n+U 2\n");
    CHECK_STR(run(session, "SELECT said FROM changes_by_row(TABLE ca)"),
              "+I 1\n+I 1\n-U 1\n+U 2\n-U 1\n+U 2\n");
    CHECK_STR(run(session, "SELECT * FROM changes(TABLE da PARTITION BY c)"),
              "1|+I 1\n1|+U 2\n1|+U 1\n2|+I 1\n1|-D 1\n2|+U 2\n");
    CHECK_STR(run(session, "SELECT * FROM changes(TABLE kn PARTITION BY k)"),
              "x|+I 1\ny|+I 1\nx|-U 1\nx|+U 2\ny|-U 1\ny|+U 2\n");
    CHECK_STR(run(session, "SELECT * FROM changes(TABLE kn PARTITION BY (n, k))"),
              "0|x|+I 1\n0|y|+I 1\n0|x|+U 2\n0|y|+U 2\n");
    CHECK_STR(run_sorted(session,
                         "SELECT k, said FROM changes_of_one(TABLE ca PARTITION BY k, "
                         "TABLE ch PARTITION BY k)"),
              "x|+I 1\nx|+I 1\nx|+U 2\ny|+I 1\ny|+U 2\n");
    CHECK(strstr(run(session,
                     "SELECT * FROM changes_of_one(TABLE ch PARTITION BY k, TABLE ca "
                     "PARTITION BY k)"),
                 "doesn't support consuming update and delete changes"));
    CHECK(strstr(run(session, "SELECT * FROM optional(TABLE ca PARTITION BY k)"),
                 "doesn't support consuming update and delete changes"));
    CHECK(strstr(run(session,
                     "CREATE FUNCTION f AS 'pair_by_row' LANGUAGE C USING ARTIFACT "
                     "'" TEST_FUNCTIONS "'"),
                 "all tables must have set semantics"));
    CHECK(strstr(run(session,
                     "CREATE FUNCTION f AS 'pair_passing' LANGUAGE C USING ARTIFACT "
                     "'" TEST_FUNCTIONS "'"),
                 "columns do not pass through where there are several tables"));
    CHECK(strstr(run(session,
                     "CREATE FUNCTION f AS 'changes_passing' LANGUAGE C USING ARTIFACT "
                     "'" TEST_FUNCTIONS "'"),
                 "columns of a table that changes do not pass through"));
    session_free(session);
}

// ---- Python ------------------------------------------------------------------------------------
// What functions in Python answer is in test/sql/python; here is what goes wrong, with its words.

typedef struct Python {
    Session *session;
    char folder[32];
} Python;

// WEIR_PYTHON names another interpreter, say one with pandas.
static const char *interpreter(void) {
    const char *named = getenv("WEIR_PYTHON");
    return named ? named : "python3";
}

// Whether the interpreter runs [code]; says that [test] is skipped where it does not.
static bool python_runs(const char *test, const char *code) {
    Buf command = {0};
    buf_printf(&command, "%s -c '%s' >/dev/null 2>&1", interpreter(), code);
    bool runs = system(buf_cstr(&command)) == 0;
    if (!runs) print_message("SKIP %s: %s cannot %s\n", test, interpreter(), code);
    buf_free(&command);
    return runs;
}

// A session with the functions [names] of a module weir_mine.
static Python python_open(const char *module, const char *const *names, size_t count) {
    Python self = {.session = open_session(), .folder = "/tmp/weir-udf-XXXXXX"};
    Buf text = {0};
    Error err;
    CHECK(mkdtemp(self.folder) != NULL);
    buf_printf(&text, "%s/weir_mine.py", self.folder);
    CHECK_OK(os_write_file(buf_str(&text), str_c(module), &err), &err);
    text.len = 0;
    buf_printf(&text, "SET 'python.files' = '%s/weir_mine.py'", self.folder);
    CHECK_STR(run(self.session, buf_cstr(&text)), "");
    text.len = 0;
    buf_printf(&text, "SET 'python.client.executable' = '%s'", interpreter());
    CHECK_STR(run(self.session, buf_cstr(&text)), "");
    for (size_t i = 0; i < count; i++) {
        text.len = 0;
        buf_printf(&text, "CREATE FUNCTION py_%s AS 'weir_mine.%s' LANGUAGE PYTHON", names[i],
                   names[i]);
        CHECK_STR(run(self.session, buf_cstr(&text)), "");
    }
    run(self.session,
        "CREATE VIEW t AS SELECT * FROM (VALUES (1, 2, 'aé'), (2, CAST(NULL AS INT), '')) AS v "
        "(x, y, s)");
    create(self.session, "series");
    buf_free(&text);
    return self;
}

static void python_close(Python *self) {
    Buf command = {0};
    buf_printf(&command, "rm -r %s", self->folder);
    session_free(self->session);
    CHECK(system(buf_cstr(&command)) == 0);
    buf_free(&command);
}

TEST(udf, python_faults) {
    static const char MODULE[] =
        "import os, signal, sys, time\n"
        "from pyflink.table import TableEnvironment\n"
        "from pyflink.table.udf import udf, udtf, udaf, AggregateFunction\n"
        "def inner(x):\n"
        "    return 1 // x\n"
        "def bad(x: int) -> int:\n"
        "    return inner(x)\n"
        "def die(x: int) -> int: os._exit(3)\n"
        "def killed(x: int) -> int: os.kill(os.getpid(), signal.SIGKILL)\n"
        "def leave(x: int) -> int: sys.exit(4)\n"
        "def wrong(x: int) -> int: return 'text'\n"
        "def unhinted(x): return x\n"
        "def loud(x: int) -> int:\n"
        "    print('x' * 70000); os.write(1, b'y' * 70000); print(sys.stdin.read() == '')\n"
        "    os.system('cat; echo from a child')\n"
        "    return x\n"
        "def slow(x: int) -> int:\n"
        "    time.sleep(1.2)\n"
        "    return x\n"
        "def hang(x: int) -> int: time.sleep(60)\n"
        "def deep(x: int) -> int: return deep(x) + 1\n"
        "def jvm(x: int) -> int: return TableEnvironment.create(None)\n"
        "@udtf(result_types=['INT'])\n"
        "def stops(x):\n"
        "    for i in range(5000):\n"
        "        yield i\n"
        "    raise ValueError('at its end')\n"
        "class Sum(AggregateFunction):\n"
        "    def create_accumulator(self): return [0]\n"
        "    def accumulate(self, a, x): a[0] += 10 // x\n"
        "    def get_value(self, a): return a[0]\n"
        "sum = udaf(Sum(), result_type='BIGINT')\n";
    static const char *const NAMES[] = {"bad",      "die",   "killed", "leave",  "wrong",
                                        "unhinted", "loud",  "slow",   "hang",   "deep",
                                        "jvm",      "stops", "sum",    "nothing"};
    if (!python_runs("udf.python_faults", "pass")) return;
    Python self = python_open(MODULE, NAMES, sizeof NAMES / sizeof *NAMES);
    Session *session = self.session;
    const char *said = run(session, "SELECT py_bad(x - 1) FROM t");
    CHECK(strstr(said,
                 "function 'py_bad' failed: ZeroDivisionError: integer division or modulo by "
                 "zero (weir_mine.py, line 5), for the row (0,)\n"));
    CHECK(strstr(said, "weir_mine.py:7 in bad: return inner(x)\n"));
    CHECK(strstr(said, "weir_mine.py:5 in inner: return 1 // x"));
    CHECK(strstr(run(session, "SELECT py_sum(x) FROM (VALUES 1, 0) AS v (x)"),
                 "function 'py_sum' failed: ZeroDivisionError"));
    CHECK(strstr(run(session, "SELECT COUNT(*) FROM TABLE(py_stops(1))"),
                 "function 'py_stops' failed: ValueError: at its end (weir_mine.py, line 27), for "
                 "the row (1,)"));
    CHECK(
        strstr(run(session, "SELECT py_die(x) FROM t"), "worker is gone: it ended with status 3"));
    CHECK(strstr(run(session, "SELECT py_leave(x) FROM t"), "it ended with status 4"));
    CHECK(strstr(run(session, "SELECT py_killed(x) FROM t"), "killed by signal 9 (Killed)"));
    CHECK(strstr(run(session, "SELECT py_wrong(x) FROM t"), "not of the declared type"));
    CHECK(strstr(run(session, "SELECT py_unhinted(x) FROM t"),
                 "the type of its result is not known"));
    CHECK(strstr(run(session, "SELECT py_nothing(x) FROM t"), "has no attribute 'nothing'"));
    CHECK(strstr(run(session, "SELECT py_deep(x) FROM t"), "RecursionError"));
    CHECK(strstr(run(session, "SELECT py_jvm(x) FROM t"), "pyflink's TableEnvironment"));
    CHECK_STR(run(session, "SELECT py_loud(x) FROM t"), "1\n2\n");
    // It gets on, if slowly: each row takes less than the time that none may take. One does not.
    run(session, "SET 'weir.python.timeout' = '3 s'");
    run(session, "DROP FUNCTION py_slow");
    run(session, "DROP FUNCTION py_hang");
    run(session, "CREATE FUNCTION py_slow AS 'weir_mine.slow' LANGUAGE PYTHON");
    run(session, "CREATE FUNCTION py_hang AS 'weir_mine.hang' LANGUAGE PYTHON");
    CHECK_STR(run(session, "SELECT py_slow(n) FROM TABLE(series(3)) AS s (n)"), "1\n2\n3\n");
    CHECK(strstr(run(session, "SELECT py_hang(x) FROM t"),
                 "gave no sign of life for 3 s and was ended (SET 'weir.python.timeout'"));
    run(session, "SET 'python.executable' = '/no/such/python'");
    run(session, "DROP FUNCTION py_bad");
    run(session, "CREATE FUNCTION py_bad AS 'weir_mine.bad' LANGUAGE PYTHON");
    CHECK(strstr(run(session, "SELECT py_bad(1)"), "cannot run '/no/such/python'"));
    python_close(&self);
}

// More rows than a message takes, and by bundles of seven; a worker serves several calls.
TEST(udf, python_bundles) {
    static const char MODULE[] =
        "seen = 0\n"
        "def add(a: int, b: int) -> int:\n"
        "    global seen\n"
        "    seen += 1\n"
        "    return a + b\n"
        "def count() -> int: return seen\n";
    static const char *const NAMES[] = {"add"};
    if (!python_runs("udf.python_bundles", "pass")) return;
    Python self = python_open(MODULE, NAMES, 1);
    CHECK_STR(run(self.session,
                  "SELECT SUM(py_add(n, 1)) FROM TABLE(series(3000)) AS s (n) HAVING "
                  "COUNT(*) = 3000"),
              "+U 4504500\n");
    run(self.session, "DROP FUNCTION py_add");
    run(self.session, "SET 'python.fn-execution.bundle.size' = '7'");
    run(self.session, "CREATE FUNCTION py_add AS 'weir_mine.add' LANGUAGE PYTHON");
    CHECK_STR(run(self.session,
                  "SELECT SUM(py_add(n, py_add(n, 0))) FROM TABLE(series(3000)) AS s "
                  "(n) HAVING COUNT(*) = 3000"),
              "+U 9003000\n");
    python_close(&self);
}

// Without pandas the error names the way out; with it (WEIR_PYTHON) whole columns go to and fro.
TEST(udf, python_pandas) {
    static const char MODULE[] =
        "from pyflink.table import DataTypes\n"
        "from pyflink.table.udf import udf, udaf\n"
        "def vector(of, **more): return udf(result_type=of, func_type='pandas', **more)\n"
        "@vector('BIGINT')\n"
        "def add(a, b): return a + b\n"
        "@vector('STRING')\n"
        "def kinds(*s): return s[0].map(lambda _: '|'.join(str(x.dtype) for x in s))\n"
        "@vector('INT')\n"
        "def short(a): return a[:1]\n"
        "@vector('INT')\n"
        "def no_series(a): return 1\n"
        "@vector('INT')\n"
        "def half(a): return a / 2\n"
        "@vector('INT')\n"
        "def bad(a): raise ValueError('no')\n"
        "@vector(DataTypes.ROW([DataTypes.FIELD('a', DataTypes.INT()),\n"
        "                       DataTypes.FIELD('b', DataTypes.STRING())]))\n"
        "def frame(r):\n"
        "    r['a'] = r['a'] + 1\n"
        "    return r\n"
        "def echo(of): return vector(of)(lambda x: x)\n"
        "boolean, real, text = echo('BOOLEAN'), echo('DOUBLE'), echo('STRING')\n"
        "decimal, day, time = echo('DECIMAL(10, 2)'), echo('DATE'), echo('TIME(3)')\n"
        "ts3, ts9, ltz = echo('TIMESTAMP(3)'), echo('TIMESTAMP(9)'), echo('TIMESTAMP_LTZ(6)')\n"
        "bytes_, list_ = echo('BYTES'), echo('ARRAY<INT>')\n"
        "map_ = echo('MAP<STRING, INT>')\n"
        "@udaf(result_type='DOUBLE', func_type='pandas')\n"
        "def mean(x): return x.mean()\n";
    static const char *const NAMES[] = {"add",     "kinds",  "short",   "no_series", "half",
                                        "bad",     "frame",  "boolean", "real",      "text",
                                        "decimal", "day",    "time",    "ts3",       "ts9",
                                        "ltz",     "bytes_", "list_",   "map_",      "mean"};
    if (!python_runs("udf.python_faults", "pass")) return;
    Python self = python_open(MODULE, NAMES, sizeof NAMES / sizeof *NAMES);
    Session *session = self.session;
    if (!python_runs("udf.python_pandas", "import pandas, pyarrow")) {
        const char *said = run(session, "SELECT py_add(1, 2)");
        CHECK(strstr(said, "func_type='pandas' needs pandas and pyarrow (No module named"));
        CHECK(strstr(said, "-m pip install pandas pyarrow"));
        python_close(&self);
        return;
    }
    CHECK_STR(run(session, "SELECT py_add(x, y), py_text(s), py_half(x * 2) FROM t"),
              "3|aé|1\nNULL||2\n");
    CHECK_STR(run(session,
                  "SELECT SUM(py_add(n, 1)) FROM TABLE(series(3000)) AS s (n) HAVING "
                  "COUNT(*) = 3000"),
              "+U 4504500\n");
    CHECK_STR(run(session,
                  "SELECT py_boolean(x > 1), py_real(x / 4e0), py_decimal(x * 1.25), py_day(DATE "
                  "'2024-02-29'), py_time(TIME '23:59:58.5'), py_ts3(TIMESTAMP '1969-12-31 "
                  "23:59:59.999'), py_ts9(TIMESTAMP '2024-01-01 00:00:00.123456789'), "
                  "py_ltz(TO_TIMESTAMP_LTZ(1, 3)), py_bytes_(x'00ff'), py_list_(ARRAY[x, y]), "
                  "py_map_(MAP['a', y]), py_frame(CAST(ROW(x, s) AS ROW<a INT, b STRING>)) FROM t"),
              "FALSE|0.25|1.25|2024-02-29|23:59:58.5|1969-12-31 23:59:59.999|2024-01-01 "
              "00:00:00.123456789|1970-01-01 00:00:00.001000|x'00ff'|[1, 2]|{a=2}|(2, aé)\n"
              "TRUE|0.5|2.50|2024-02-29|23:59:58.5|1969-12-31 23:59:59.999|2024-01-01 "
              "00:00:00.123456789|1970-01-01 00:00:00.001000|x'00ff'|[2, NULL]|{a=NULL}|(3, )\n");
    CHECK_STR(run(session, "SELECT py_mean(x) FROM t"), "1.0\n-U 1.0\n+U 1.5\n");
    CHECK(strstr(run(session, "SELECT py_kinds(x, x > 1) FROM t"), "int32|bool\n"));
    CHECK(strstr(run(session, "SELECT py_half(x) FROM t"), "not of the declared type: ArrowInv"));
    CHECK(strstr(run(session, "SELECT py_short(x) FROM t"), "its Series has 1 values for 2 rows"));
    CHECK(strstr(run(session, "SELECT py_no_series(x) FROM t"), "this is a int"));
    CHECK(strstr(run(session, "SELECT py_bad(x) FROM t"),
                 "function 'py_bad' failed: ValueError: no (weir_mine.py, line 15)"));
    python_close(&self);
}

TEST(udf, refused) {
    Session *session = open_session();
    CHECK(
        strstr(run(session,
                   "CREATE FUNCTION f AS 'too_new' LANGUAGE C USING ARTIFACT '" TEST_FUNCTIONS "'"),
               "built for version 999"));
    CHECK(strstr(
        run(session,
            "CREATE FUNCTION f AS 'misspelt' LANGUAGE C USING ARTIFACT '" TEST_FUNCTIONS "'"),
        "'STRNG': this type is not supported"));
    CHECK(
        strstr(run(session,
                   "CREATE FUNCTION f AS 'nothing' LANGUAGE C USING ARTIFACT '" TEST_FUNCTIONS "'"),
               "has no symbol 'nothing'"));
    CHECK(strstr(run(session, "CREATE FUNCTION f AS 'f' LANGUAGE C USING ARTIFACT 'nowhere.so'"),
                 "cannot load 'nowhere.so'"));
    CHECK(strstr(run(session, "CREATE FUNCTION f AS 'f' LANGUAGE C"), "needs one shared object"));
    create(session, "bad_text");
    CHECK(strstr(run(session, "SELECT bad_text() FROM (VALUES (1)) AS t (x)"), "not UTF-8"));
    run(session, "CREATE FUNCTION j AS 'a.b.C'");
    CHECK(strstr(run(session, "SELECT j(1)"), "weir runs no JVM"));
    CHECK_STR(run(session, "DROP FUNCTION bad_text"), "");
    CHECK(strstr(run(session, "SELECT bad_text()"), "no function 'bad_text'"));
    session_free(session);
}
