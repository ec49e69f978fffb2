#include "sql/print.h"

#include "sql/parser.h"
#include "test/unit.h"

// Parsed, printed and parsed again: the second text is the first, in both styles.
static void check_round_trip(const char *text) {
    Arena arena;
    Error err = {0};
    AstStmt *first, *second;
    Buf plain = {0}, again = {0}, flink = {0}, flink_again = {0};
    arena_init(&arena);
    CHECK_OK(sql_parse(&arena, str_c(text), &first, &err), &err);
    sql_print(first, SQL_PLAIN, &plain);
    sql_print(first, SQL_FLINK, &flink);
    if (sql_parse(&arena, buf_str(&plain), &second, &err)) {
        fail_msg("%s\nprints as\n%s\nwhich does not parse: %s", text, buf_cstr(&plain),
                 err.message);
    }
    sql_print(second, SQL_PLAIN, &again);
    sql_print(second, SQL_FLINK, &flink_again);
    CHECK_STR(buf_cstr(&plain), buf_cstr(&again));
    CHECK_STR(buf_cstr(&flink), buf_cstr(&flink_again));
    buf_free(&plain);
    buf_free(&again);
    buf_free(&flink);
    buf_free(&flink_again);
    arena_clear(&arena);
}

TEST(sql_print, what_is_printed_parses_to_the_same) {
    static const char *const cases[] = {
#define OK(text) text,
#define NO(text)
#include "sql/grammar_cases.inc"
#undef OK
#undef NO
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_round_trip(cases[i]);
}

// Found by fuzzing; each broke the round trip once.
TEST(sql_print, findings_of_the_fuzzer_stay_fixed) {
    static const char *const cases[] = {
        "SELECT INTERVAL (-1) DAY",
        "SELECT CONTAINS_SUBSTR(a, b, JSON_SCOPE => 'x')",
        "SELECT - - a, + + 'x', - + - a",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_round_trip(cases[i]);
}

static void check_flink(const char *text, const char *want) {
    Arena arena;
    Error err = {0};
    AstStmt *stmt;
    Buf out = {0};
    arena_init(&arena);
    CHECK_OK(sql_parse(&arena, str_c(text), &stmt, &err), &err);
    sql_print(stmt, SQL_FLINK, &out);
    CHECK_STR(buf_cstr(&out), want);
    buf_free(&out);
    arena_clear(&arena);
}

// The texts are what Flink's own unparser gives.
TEST(sql_print, flink_style_is_flinks) {
    check_flink(
        "select a, b as c from t where a and b or c limit 3",
        "SELECT `a`, `b` AS `c`\nFROM `t`\nWHERE `a` AND `b` OR `c`\nFETCH NEXT 3 ROWS ONLY");
    check_flink("SELECT * FROM t1, t2 JOIN (t3 CROSS JOIN t4) ON x",
                "SELECT *\nFROM `t1`,\n`t2`\nINNER JOIN (`t3` CROSS JOIN `t4`) ON `x`");
    check_flink("SELECT CASE a WHEN 1 THEN b WHEN 2, 3 THEN c END",
                "SELECT CASE WHEN `a` = 1 THEN `b` WHEN `a` IN (2, 3) THEN `c` ELSE NULL END");
    check_flink("SELECT CAST(a AS INT), TRIM(a), SUBSTRING(a FROM 1 FOR 2), EXTRACT(day FROM a)",
                "SELECT CAST(`a` AS INTEGER), TRIM(BOTH ' ' FROM `a`), SUBSTRING(`a`, 1, 2), "
                "EXTRACT(DAY FROM `a`)");
    check_flink(
        "SELECT 1e3, .5, 5., 1.50, -0e0, E'a\\tb', 'é', U&'\\0041', x'0a', 'it''s'",
        "SELECT 1E3, 0.5, 5, 1.50, 0E0, _UTF16'a\tb', u&'\\00e9', _UTF16'A', X'0A', 'it''s'");
    check_flink("SELECT 1 + SUM(x) OVER w, (a OR b) IS NULL, NOT (a AND b), a - (b - c)",
                "SELECT 1 + (SUM(`x`) OVER `w`), (`a` OR `b`) IS NULL, NOT (`a` AND `b`), "
                "`a` - (`b` - `c`)");
    check_flink("SELECT JSON_QUERY(a, b), JSON_OBJECT(a VALUE b)",
                "SELECT JSON_QUERY(`a`, `b` WITHOUT ARRAY WRAPPER NULL ON EMPTY NULL ON ERROR), "
                "JSON_OBJECT(KEY `a` VALUE `b` NULL ON NULL)");
    check_flink("INSERT INTO t (a) VALUES (1), (2)",
                "INSERT INTO `t` (`a`)\nVALUES ROW(1),\nROW(2)");
    check_flink("SELECT a FROM f(TABLE t, DESCRIPTOR(b), x => MODEL m)",
                "SELECT `a`\nFROM TABLE(F(TABLE `t`, DESCRIPTOR(`b`), `x` => (MODEL `m`)))");
    check_flink("WITH x AS (VALUES 1) SELECT 1 UNION ALL (SELECT 2 ORDER BY a)",
                "WITH `x` AS (VALUES ROW(1)) SELECT 1\nUNION ALL\n(SELECT 2\nORDER BY `a`)");
    check_flink(
        "CREATE TABLE t (a INT NOT NULL COMMENT 'x', b AS a * 2, c ROW<d STRING>, PRIMARY KEY (a) "
        "NOT ENFORCED, WATERMARK FOR e AS e - INTERVAL '5' SECOND) WITH ('k' = 'v')",
        "CREATE TABLE `t` (\n  `a` INTEGER NOT NULL COMMENT 'x',\n  `b` AS `a` * 2,\n"
        "  `c` ROW< `d` STRING >,\n  PRIMARY KEY (`a`) NOT ENFORCED,\n"
        "  WATERMARK FOR `e` AS `e` - INTERVAL '5' SECOND\n)\nWITH (\n  'k' = 'v'\n)");
}
