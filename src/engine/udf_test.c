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
            if (vec_is_null(batch->column[c], row)) buf_puts(&taken->text, "NULL");
            else value_print(batch->column[c], row, taken->env, true, &taken->text);
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
    CHECK_STR(run(session, "SELECT plus_one(x), copies(`text` => 'ab', n => 2) FROM (VALUES (1), "
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
    run(session, "CREATE VIEW things AS SELECT * FROM (VALUES ('a', 'x'), ('b', 'x'), ('a', 'y'), "
                 "('a', 'x'), ('a', 'forget'), ('a', 'x')) AS v (who, item)");
    CHECK_STR(run(session, "SELECT * FROM history(TABLE things PARTITION BY who)"),
              "a|x|1|x|NULL\nb|x|1|x|NULL\na|y|1|xy|x\na|x|2|xyx|y\na|x|1|x|NULL\n");
    CHECK_STR(run(session, "SELECT COUNT(*) FROM history(TABLE things) WHERE n = 2"), "1\n");
    CHECK(strstr(run(session, "SELECT * FROM history(TABLE things PARTITION BY who) UNION ALL "
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
    CHECK_STR(run(session, "SELECT * FROM follow_up(input => TABLE events PARTITION BY id, "
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

// Functions in Python: hints and declarations, NULLs, what goes wrong, and a worker that dies.
TEST(udf, python) {
    static const char MODULE[] =
        "import datetime, decimal, os\n"
        "from typing import Optional\n"
        "from pyflink.table import DataTypes\n"
        "from pyflink.table.udf import udf, ScalarFunction\n"
        "def add(a: int, b: Optional[int]) -> int:\n"
        "    return None if b is None else a + b\n"
        "@udf(result_type=DataTypes.STRING(), input_types=[DataTypes.STRING(), DataTypes.INT()])\n"
        "def repeat(s, n): return s * n\n"
        "@udf(result_type='STRING', input_types=['DECIMAL(10, 2)', 'DATE', 'TIMESTAMP(3)',\n"
        "     'TIMESTAMP(6)', 'BOOLEAN', 'BYTES', 'TINYINT', 'FLOAT'])\n"
        "def show(*a): return '|'.join(str(x) for x in a)\n"
        "class Plus(ScalarFunction):\n"
        "    def open(self, context): self.k = 100\n"
        "    def eval(self, x: int) -> float: return x + self.k\n"
        "def double(x: decimal.Decimal) -> decimal.Decimal: return x * 2\n"
        "def later(t: datetime.datetime) -> datetime.datetime:\n"
        "    return t + datetime.timedelta(seconds=1)\n"
        "def bad(x: int) -> int: return 1 // x\n"
        "def die(x: int) -> int: os._exit(3)\n"
        "def wrong(x: int) -> int: return 'text'\n"
        "def unhinted(x): return x\n";
    char folder[] = "/tmp/weir-udf-XXXXXX";
    Session *session = open_session();
    Buf sql = {0};
    Error err;
    if (system("python3 -c '' >/dev/null 2>&1") != 0) {
        print_message("SKIP udf.python: no python3\n");
        session_free(session);
        return;
    }
    CHECK(mkdtemp(folder) != NULL);
    buf_printf(&sql, "%s/weir_mine.py", folder);
    CHECK_OK(os_write_file(buf_str(&sql), str_c(MODULE), &err), &err);
    sql.len = 0;
    buf_printf(&sql, "SET 'python.files' = '%s/weir_mine.py'", folder);
    CHECK_STR(run(session, buf_cstr(&sql)), "");
    static const char *const NAMES[] = {"add", "repeat", "show", "Plus", "double", "later",
                                        "bad", "die", "wrong", "unhinted", "nothing"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        sql.len = 0;
        buf_printf(&sql, "CREATE FUNCTION py_%s AS 'weir_mine.%s' LANGUAGE PYTHON", NAMES[i],
                   NAMES[i]);
        CHECK_STR(run(session, buf_cstr(&sql)), "");
    }
    run(session, "CREATE VIEW t AS SELECT * FROM (VALUES (1, 2, 'aé'), (2, CAST(NULL AS INT), '')) "
                 "AS v (x, y, s)");
    CHECK_STR(
        run(session, "SELECT py_add(x, y), py_repeat(s, 2), py_plus(x), py_double(x * 1.5) FROM t"),
        "3|aéaé|101.0|3.000000000000000000\nNULL||102.0|6.000000000000000000\n");
    CHECK_STR(run(session,
                  "SELECT py_later(TIMESTAMP '2024-02-28 23:59:59.123456'), "
                  "py_show(-12.34, DATE '1969-12-31', TIMESTAMP '2024-01-01 00:00:00.001', "
                  "TIMESTAMP '1969-01-01 00:00:00.000001', TRUE, x'ff00', "
                  "CAST(-1 AS TINYINT), CAST(1.5 AS FLOAT))"),
              "2024-02-29 00:00:00.123456|-12.34|1969-12-31|2024-01-01 00:00:00.001000|"
              "1969-01-01 00:00:00.000001|True|b'\\xff\\x00'|-1|1.5\n");
    CHECK(strstr(run(session, "SELECT py_bad(x - 1) FROM t"),
                 "function 'py_bad' failed: ZeroDivisionError: integer division or modulo by zero "
                 "(weir_mine.py, line 18), for the row (0,)"));
    CHECK(
        strstr(run(session, "SELECT py_die(x) FROM t"), "worker is gone: it ended with status 3"));
    CHECK(strstr(run(session, "SELECT py_wrong(x) FROM t"), "not of the declared type"));
    CHECK(strstr(run(session, "SELECT py_unhinted(x) FROM t"),
                 "the type of argument 'x' is not known"));
    CHECK(strstr(run(session, "SELECT py_nothing(x) FROM t"), "has no attribute 'nothing'"));
    // More rows than a message takes, and by bundles of seven.
    run(session, "DROP FUNCTION py_add");
    run(session, "SET 'python.fn-execution.bundle.size' = '7'");
    run(session, "CREATE FUNCTION py_add AS 'weir_mine.add' LANGUAGE PYTHON");
    create(session, "series");
    CHECK_STR(run(session, "SELECT SUM(py_add(n, 1)) FROM TABLE(series(3000)) AS s (n) HAVING "
                           "COUNT(*) = 3000"),
              "+U 4504500\n");
    sql.len = 0;
    buf_printf(&sql, "rm -r %s", folder);
    CHECK(system(buf_cstr(&sql)) == 0);
    buf_free(&sql);
    session_free(session);
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
