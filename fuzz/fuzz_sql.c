// fuzz_sql: the SQL parser. What parses must print, the printed text must parse, and print the same
// again, in both styles. Cutting a script into statements must end and stay within the script. Each
// finding also becomes a case of src/sql/print_test.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "sql/parser.h"
#include "sql/print.h"

static void give_up(const char *what, const Buf *first, const Buf *second) {
    fprintf(stderr, "%s\n---\n%.*s\n---\n%.*s\n", what, (int)first->len,
            first->ptr ? first->ptr : "", (int)second->len, second->ptr ? second->ptr : "");
    abort();
}

static void check_split(Str script) {
    uint32_t at = 0, before = 0;
    Str stmt;
    Place first;
    while (sql_split(script, &at, &stmt, &first, NULL)) {
        if (at <= before || at > script.len) abort();
        if (stmt.ptr < script.ptr || stmt.ptr + stmt.len > script.ptr + script.len) abort();
        before = at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_make((const char *)data, size);
    Arena arena;
    Error err = {0};
    AstStmt *stmt, *again;
    arena_init(&arena);
    check_split(text);
    if (sql_parse(&arena, text, &stmt, &err) == ST_OK) {
        Buf plain = {0}, flink = {0}, plain_again = {0}, flink_again = {0};
        sql_print(stmt, SQL_PLAIN, &plain);
        sql_print(stmt, SQL_FLINK, &flink);
        if (sql_parse(&arena, buf_str(&plain), &again, &err)) {
            // Parentheses that the printer adds may be too many for what was just within the limit.
            if (str_starts(str_c(err.message), STR("nested more"))) goto done;
            fprintf(stderr, "%s\n", err.message);
            give_up("the printed text does not parse", &plain, &flink);
        }
        sql_print(again, SQL_PLAIN, &plain_again);
        sql_print(again, SQL_FLINK, &flink_again);
        if (!str_eq(buf_str(&plain), buf_str(&plain_again))) {
            give_up("the text changes when it is printed again", &plain, &plain_again);
        }
        if (!str_eq(buf_str(&flink), buf_str(&flink_again))) {
            give_up("the text changes in Flink's style", &flink, &flink_again);
        }
    done:
        buf_free(&plain);
        buf_free(&flink);
        buf_free(&plain_again);
        buf_free(&flink_again);
    } else {
        bool second = err.status == ST_VALIDATION && strstr(err.message, "single statement");
        if ((err.status != ST_PARSE && !second) || err.message[0] == '\0') abort();
    }
    arena_clear(&arena);
    return 0;
}
