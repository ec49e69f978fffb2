#include "sql/parser.h"
#include "sql/print.h"
#include "test/unit.h"

static Status parse(Arena *arena, const char *text, AstStmt **stmt, Error *err) {
    *err = (Error){0};
    return sql_parse(arena, str_c(text), stmt, err);
}

TEST(sql_parser, accepts_and_refuses_what_flink_does) {
    static const struct {
        bool ok;
        const char *text;
    } cases[] = {
#define OK(text) {true, text},
#define NO(text) {false, text},
#include "sql/grammar_cases.inc"
#undef OK
#undef NO
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena;
        Error err;
        AstStmt *stmt;
        arena_init(&arena);
        Status st = parse(&arena, cases[i].text, &stmt, &err);
        if ((st == ST_OK) != cases[i].ok) {
            fail_msg("%s: %s", cases[i].text, st ? err.message : "was accepted");
        }
        CHECK(st == ST_OK || (st == ST_PARSE && err.message[0] && err.place.line > 0));
        arena_clear(&arena);
    }
}

// The tree of an expression in prefix form, operators only.
static void tree(const AstExpr *expr, Buf *out) {
    if (expr->kind != EX_CALL) {
        sql_print_expr(expr, SQL_PLAIN, out);
        return;
    }
    buf_printf(out, "(" STR_FMT, STR_ARG(expr->call->name));
    for (uint32_t i = 0; i < expr->call->arg.count; i++) {
        buf_putc(out, ' ');
        tree(expr->call->arg.at[i], out);
    }
    buf_putc(out, ')');
}

TEST(sql_parser, operators_bind_as_in_flink) {
    static const char *const cases[][2] = {
        {"x + y * z - w", "(- (+ x (* y z)) w)"},
        {"x || y + z", "(+ (|| x y) z)"},
        {"NOT x = y AND z OR w", "(OR (AND (NOT (= x y)) z) w)"},
        {"x = y IS NULL", "(IS NULL (= x y))"},
        {"x IS NULL = y", "(= (IS NULL x) y)"},
        {"x < y = z", "(= (< x y) z)"},
        {"x LIKE y LIKE z", "(LIKE x (LIKE y z))"},
        {"x LIKE y || z ESCAPE w AND v", "(AND (LIKE x (|| y z) w) v)"},
        {"x BETWEEN y AND z AND w", "(AND (BETWEEN ASYMMETRIC x y z) w)"},
        {"x BETWEEN y OR v AND z + 1 = w", "(= (BETWEEN ASYMMETRIC x (OR y v) (+ z 1)) w)"},
        {"x NOT BETWEEN SYMMETRIC 1 AND 2", "(NOT BETWEEN SYMMETRIC x 1 2)"},
        {"x IS DISTINCT FROM y + z", "(IS DISTINCT FROM x (+ y z))"},
        {"x IN (1, 2) AND y", "(AND (IN x 1 2) y)"},
        {"x = ANY (1, 2)", "(= SOME x 1 2)"},
        {"x + NOT y = z", "(+ x (NOT (= y z)))"},
        {"- x[1].f", "(UNARY - (DOT (ITEM x 1) f))"},
        {"-1 - -2", "(- -1 -2)"},
        {"- -1", "1"},
        {"-(1)", "-1"},
        {"EXISTS x + y", "(EXISTS (+ x y))"},
        {"x MULTISET UNION y OR z", "(MULTISET UNION x (OR y z))"},
        {"x OVERLAPS y = z", "(= (OVERLAPS x y) z)"},
        {"(x, y) = (z, w)", "(= (ROW x y) (ROW z w))"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena;
        Error err;
        AstExpr *expr;
        Buf out = {0};
        arena_init(&arena);
        CHECK_OK(sql_parse_expr(&arena, str_c(cases[i][0]), &expr, &err), &err);
        tree(expr, &out);
        CHECK_STR(buf_cstr(&out), cases[i][1]);
        buf_free(&out);
        arena_clear(&arena);
    }
}

TEST(sql_parser, spans_give_the_source_back) {
    Arena arena;
    Error err;
    AstStmt *stmt;
    Str text =
        STR("CREATE TABLE t (a INT,\n  b AS (a + 1) * 2 COMMENT 'x',\n  WATERMARK FOR c AS c - "
            "INTERVAL '5' SECOND)");
    arena_init(&arena);
    CHECK_OK(sql_parse(&arena, text, &stmt, &err), &err);
    const AstSchema *schema = &stmt->create_table->schema;
    const AstExpr *twice = schema->column[1].expr;
    CHECK(str_is(sql_slice(text, twice->span), "(a + 1) * 2"));
    CHECK(twice->span.place.line == 2 && twice->span.place.column == 9 &&
          twice->span.place.end_column == 18);
    CHECK(str_is(sql_slice(text, schema->watermark[0].expr->span), "c - INTERVAL '5' SECOND"));
    CHECK(str_is(sql_slice(text, schema->column[0].span), "a INT"));
    arena_clear(&arena);
}

static void check_error(const char *text, uint32_t line, uint32_t column, const char *part,
                        const char *hint) {
    Arena arena;
    Error err;
    AstStmt *stmt;
    arena_init(&arena);
    CHECK(parse(&arena, text, &stmt, &err) == ST_PARSE);
    if (err.place.line != line || err.place.column != column || !strstr(err.message, part) ||
        (hint && !strstr(err.hint, hint))) {
        fail_msg("%s: %u:%u: %s (%s)", text, err.place.line, err.place.column, err.message,
                 err.hint);
    }
    arena_clear(&arena);
}

TEST(sql_parser, errors_say_where_and_what_was_expected) {
    check_error("CREATE TABEL t (a INT)", 1, 8, "unexpected 'TABEL', expected", "'TABLE'");
    check_error("SELECT a\nFORM t\nWHERE b", 2, 6, "unexpected 't'", "'FROM'");
    check_error("SELECT a FROM t WHERE", 1, 22, "unexpected end, expected", NULL);
    check_error("SELECT a FROM t GROUP a", 1, 23, "expected BY", NULL);
    check_error("SELECT a AS value FROM t", 1, 13, "unexpected 'value'", "`value`");
    check_error("SELECT 1 != 2", 1, 10, "'!='", "<>");
    check_error("SELECT \"a\"", 1, 8, "'\"'", "back-ticks");
    check_error("SELECT 'a", 1, 8, "no closing quote", NULL);
    check_error("INSERT t SELECT 1", 1, 8, "expected OVERWRITE or INTO", NULL);
    check_error("SELECT a FROM t LIMIT 1, 2", 1, 24, "LIMIT count OFFSET start", NULL);
    check_error("SELECT 1 BETWEEN 2", 1, 10, "BETWEEN has no AND", NULL);
    check_error("SELECT 1,\n '\xc3\xa9\xff'", 2, 4, "not UTF-8: byte 0xff", NULL);
    check_error("SHOW NOPE", 1, 6, "unexpected 'NOPE', expected CREATE", NULL);
}

// [count] times [open], then [middle], then [count] times [close].
static Status parse_nested(const char *open, uint32_t count, const char *middle, const char *close,
                           Error *err) {
    Arena arena;
    Buf text = {0};
    AstStmt *stmt;
    arena_init(&arena);
    buf_puts(&text, "SELECT ");
    for (uint32_t i = 0; i < count; i++) buf_puts(&text, open);
    buf_puts(&text, middle);
    for (uint32_t i = 0; i < count; i++) buf_puts(&text, close);
    *err = (Error){0};
    Status st = sql_parse(&arena, buf_str(&text), &stmt, err);
    buf_free(&text);
    arena_clear(&arena);
    return st;
}

TEST(sql_parser, nesting_has_a_limit) {
    Error err;
    CHECK_OK(parse_nested("(", 50, "1", ")", &err), &err);
    CHECK_OK(parse_nested("f(", 50, "1", ")", &err), &err);
    CHECK_OK(parse_nested("1 + ", 1900, "1", "", &err), &err);
    CHECK(parse_nested("(", 100000, "1", ")", &err) == ST_PARSE);
    CHECK(parse_nested("f(", 100000, "1", ")", &err) == ST_PARSE);
    CHECK(parse_nested("- ", 100000, "a", "", &err) == ST_PARSE);
    CHECK(parse_nested("a[", 100000, "1", "]", &err) == ST_PARSE);
    CHECK(parse_nested("(SELECT ", 100000, "1", ")", &err) == ST_PARSE);
    CHECK(parse_nested("CASE WHEN ", 100000, "1", " THEN 1 END", &err) == ST_PARSE);
    CHECK(parse_nested("CAST(1 AS ARRAY<", 1, "INT", ">)", &err) == ST_OK);
    CHECK(parse_nested("1 + ", 100000, "1", "", &err) == ST_PARSE);
    CHECK(parse_nested("1 UNION SELECT ", 100000, "1", "", &err) == ST_PARSE);
}

TEST(sql_parser, client_words_need_no_quotes) {
    Arena arena;
    Error err;
    AstStmt *stmt;
    arena_init(&arena);
    CHECK_OK(parse(&arena, "SET table.local-time-zone = Europe/Berlin;", &stmt, &err), &err);
    CHECK(stmt->kind == STMT_SET && str_is(stmt->set->key, "table.local-time-zone") &&
          str_is(stmt->set->value, "Europe/Berlin"));
    CHECK_OK(parse(&arena, "set a='b c'", &stmt, &err), &err);
    CHECK(str_is(stmt->set->key, "a") && str_is(stmt->set->value, "b c"));
    CHECK_OK(parse(&arena, "SET 'a' = 'b'", &stmt, &err), &err);
    CHECK(str_is(stmt->set->key, "a") && str_is(stmt->set->value, "b"));
    CHECK_OK(parse(&arena, "SET", &stmt, &err), &err);
    CHECK(stmt->kind == STMT_SET && !stmt->set->key.ptr);
    CHECK_OK(parse(&arena, "RESET pipeline.name", &stmt, &err), &err);
    CHECK(stmt->kind == STMT_RESET && str_is(stmt->set->key, "pipeline.name"));
    CHECK_OK(parse(&arena, "quit;", &stmt, &err), &err);
    CHECK(stmt->kind == STMT_CLIENT && str_is(stmt->client->word, "QUIT"));
    CHECK(parse(&arena, "SET a = b c", &stmt, &err) == ST_PARSE);
    arena_clear(&arena);
}

TEST(sql_split, statements_end_where_their_semicolon_is) {
    Str script =
        STR("-- head\nSELECT 1;\n\n;SELECT ';', `;` /* ; */ -- ;\n FROM t ;"
            "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN 1 END; "
            "INSERT INTO b VALUES (1); END; BEGIN STATEMENT SET; INSERT INTO a VALUES (1); END;"
            "EXPLAIN STATEMENT SET BEGIN INSERT INTO a VALUES (1); END;\nSELECT 'open");
    static const char *const want[] = {
        "SELECT 1", "SELECT ';', `;` /* ; */ -- ;\n FROM t",
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN 1 END; "
         "INSERT INTO b VALUES (1); END"),
        "BEGIN STATEMENT SET; INSERT INTO a VALUES (1); END",
        "EXPLAIN STATEMENT SET BEGIN INSERT INTO a VALUES (1); END", "SELECT 'open",
    };
    uint32_t at = 0, count = 0;
    Str stmt;
    Place first;
    bool complete;
    while (sql_split(script, &at, &stmt, &first, &complete)) {
        CHECK(count < sizeof want / sizeof *want);
        CHECK(str_eq(stmt, str_c(want[count])));
        CHECK(complete == (count + 1 < sizeof want / sizeof *want));
        if (count == 0) CHECK(first.line == 2 && first.column == 1);
        if (count == 1) CHECK(first.line == 4 && first.column == 2);
        count++;
    }
    CHECK_INT(count, sizeof want / sizeof *want);
}

TEST(sql_split, broken_characters_do_not_stop_the_cutting) {
    Str script = STR("SELECT # 1; SELECT `; SELECT 2");
    uint32_t at = 0;
    Str stmt;
    Place first;
    CHECK(sql_split(script, &at, &stmt, &first, NULL) && str_is(stmt, "SELECT # 1"));
    CHECK(sql_split(script, &at, &stmt, &first, NULL) && str_is(stmt, "SELECT `"));
    CHECK(sql_split(script, &at, &stmt, &first, NULL) && str_is(stmt, "SELECT 2"));
    CHECK(!sql_split(script, &at, &stmt, &first, NULL));
}

TEST(sql_split, places_move_into_the_script) {
    Place place = {1, 8, 1, 9}, first = {5, 3, 5, 3};
    sql_place_in_script(first, &place);
    CHECK(place.line == 5 && place.column == 10 && place.end_line == 5 && place.end_column == 11);
    place = (Place){2, 8, 3, 9};
    sql_place_in_script(first, &place);
    CHECK(place.line == 6 && place.column == 8 && place.end_line == 7 && place.end_column == 9);
}
