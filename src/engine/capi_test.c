// weir.h: what goes out as Arrow comes in again as the same table.
#include "test/unit.h"
#include "weir.h"

static char *text_of(weir_session *session, const char *sql, int flags) {
    struct ArrowArrayStream answer;
    struct ArrowArray rows;
    static char text[4096];
    text[0] = 0;
    if (weir_query(session, sql, flags, &answer)) return strcpy(text, weir_error(session));
    while (answer.get_next(&answer, &rows) == 0 && rows.release) {
        const int32_t *at = rows.children[0]->buffers[1];
        for (int64_t i = 0; i < rows.length; i++) {
            (void)strncat(text, (const char *)rows.children[0]->buffers[2] + at[i],
                          (size_t)(at[i + 1] - at[i]));
            (void)strcat(text, "\n");
        }
        rows.release(&rows);
    }
    const char *why = answer.get_last_error(&answer);
    if (why) (void)strcat(text, why);
    answer.release(&answer);
    return text;
}

TEST(capi, round_trip) {
    weir_session *from = weir_open(), *to = weir_open();
    struct ArrowArrayStream rows;
    CHECK(weir_query(from,
                     "SELECT id, id > 1 AS b, CAST(id AS DECIMAL(20, 3)) AS d, text, "
                     "CAST(text AS BYTES) AS bin, CAST(id AS DOUBLE) / 4 AS f, "
                     "DATE '2024-02-29' AS d1, TIMESTAMP '2024-02-29 12:00:00.123456789' AS t "
                     "FROM (VALUES (1, 'one'), (2, CAST(NULL AS STRING)), (3, '')) AS v (id, text)",
                     0, &rows) == WEIR_OK);
    CHECK(weir_feed(to, "v", NULL, &rows) == WEIR_OK);
    CHECK(!rows.release);  // moved
    CHECK_STR(text_of(to,
                       "SELECT CONCAT_WS('|', CAST(id AS STRING), CAST(b AS STRING), "
                       "CAST(d AS STRING), COALESCE(text, 'none'), "
                       "COALESCE(CAST(bin AS STRING), 'none'), CAST(f AS STRING), "
                       "CAST(d1 AS STRING), CAST(t AS STRING)) FROM v",
                       0),
               "1|FALSE|1.000|one|one|0.25|2024-02-29|2024-02-29 12:00:00.123456789\n"
               "2|TRUE|2.000|none|none|0.5|2024-02-29|2024-02-29 12:00:00.123456789\n"
               "3|TRUE|3.000|||0.75|2024-02-29|2024-02-29 12:00:00.123456789\n");
    // A stream can be read once.
    CHECK(strstr(text_of(to, "SELECT text FROM v", 0), "has been read already"));
    weir_close(to);
    weir_close(from);
}

TEST(capi, nested) {
    weir_session *session = weir_open();
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    CHECK(weir_query(session, "SELECT ARRAY[1, 2, 3], MAP['a', 1], ROW(1, 'x'), TRUE", 0,
                     &stream) == WEIR_OK);
    CHECK(stream.get_schema(&stream, &schema) == 0);
    CHECK_STR(schema.children[0]->format, "+l");
    CHECK_STR(schema.children[1]->format, "+m");
    CHECK_STR(schema.children[1]->children[0]->children[0]->format, "u");
    CHECK_STR(schema.children[2]->children[0]->format, "i");
    schema.release(&schema);
    CHECK(stream.get_next(&stream, &array) == 0 && array.length == 1);
    struct ArrowArray list = *array.children[0];  // a child may outlive its parent
    array.children[0]->release = NULL;
    array.release(&array);
    CHECK(((const int32_t *)list.buffers[1])[1] == 3);
    CHECK(((const int32_t *)list.children[0]->buffers[1])[2] == 3);
    list.release(&list);
    stream.release(&stream);
    weir_close(session);
}

TEST(capi, errors) {
    weir_session *session = weir_open();
    struct ArrowArrayStream stream;
    CHECK(weir_execute(session, "SELECT 1;\nSELECT nothing") == WEIR_WRONG);
    CHECK(strncmp(weir_error(session), "2:8: ", 5) == 0);
    CHECK(weir_query(session, "SELECT PARSE_JSON('1')", 0, &stream) == WEIR_WRONG);
    CHECK(strstr(weir_error(session), "cast it to STRING"));
    CHECK(weir_query(session, "SELECT 1; SELECT 2", 0, &stream) == WEIR_WRONG);
    CHECK(strstr(text_of(session, "SELECT CAST(a AS STRING) FROM (SELECT SUM(x) AS a "
                                  "FROM (VALUES (1), (2)) AS t (x))", 0), "WEIR_CHANGES"));
    // A query without an end ends with its stream.
    CHECK(weir_execute(session, "CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen')") ==
          WEIR_OK);
    CHECK(weir_query(session, "SELECT n FROM numbers", 0, &stream) == WEIR_OK);
    struct ArrowArray array;
    CHECK(stream.get_next(&stream, &array) == 0 && array.length > 0);
    array.release(&array);
    CHECK(weir_execute(session, "SELECT 1") == WEIR_WRONG);  // one at a time
    stream.release(&stream);
    CHECK(weir_execute(session, "SELECT 1") == WEIR_OK);
    weir_close(session);
}

static int repeat(void *arg, const weir_value *args, int argc, weir_value *result) {
    static _Thread_local char text[64];
    (void)arg;
    (void)argc;
    if (args[1].integer < 0) {
        *result = (weir_value){.text = "below zero", .length = 10};
        return 1;
    }
    result->text = text;
    for (int64_t i = 0; i < args[1].integer; i++) {
        memcpy(text + result->length, args[0].text, args[0].length);
        result->length += args[0].length;
    }
    return 0;
}

TEST(capi, function) {
    weir_session *session = weir_open();
    CHECK(weir_function("times", "STRING, INT", "STRING", repeat, NULL) == WEIR_OK);
    CHECK(weir_function("TIMES", "STRING, INT", "STRING", repeat, NULL) == WEIR_WRONG);
    CHECK(weir_function("upper", "STRING", "STRING", repeat, NULL) == WEIR_WRONG);
    CHECK(weir_function("other", "POINT", "STRING", repeat, NULL) == WEIR_WRONG);
    CHECK_STR(
        text_of(session, "SELECT Times(x, n) FROM (VALUES ('ab', 2), ('c', 0)) AS t (x, n)", 0),
        "abab\n\n");
    CHECK(strstr(text_of(session, "SELECT TIMES(x, n) FROM (VALUES ('ab', -2)) AS t (x, n)", 0),
                 "below zero"));
    weir_close(session);
}
