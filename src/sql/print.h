// sql/print.h - tree to text.
//
// SQL_PLAIN   says what was written, so that the text parses to the same tree again.
// SQL_FLINK   says it as Flink does in SHOW CREATE, DESCRIBE and in the queries of its views: every
//             name in back-ticks, INTEGER for INT, CASE WHEN x = 1 for CASE x WHEN 1, defaults
//             spelt out. Functions written as one unquoted name print in upper case: Flink has
//             resolved them by then. Where Flink loses something (hints of tables), so does this.
// SQL_VALIDATED   as SQL_FLINK, and what Flink's validator writes otherwise than its parser: NULLIF
//             is CASE, YEAR(x) is EXTRACT(YEAR FROM x), a subquery for a value stands in three
//             pairs of parentheses, hints of tables are there. For the queries of views, once they
//             are expanded (plan/expansion.h).
//
// Both put each clause of a query on a line of its own and indent nothing. Threads: any.
#pragma once

#include "sql/ast.h"

typedef enum SqlStyle { SQL_PLAIN, SQL_FLINK, SQL_VALIDATED } SqlStyle;

void sql_print(const AstStmt *stmt, SqlStyle style, Buf *out);
void sql_print_query(const AstQuery *query, SqlStyle style, Buf *out);
void sql_print_expr(const AstExpr *expr, SqlStyle style, Buf *out);
void sql_print_window(const AstWindow *window, SqlStyle style, Buf *out);  // without its name

void sql_print_name(Str name, Buf *out);   // `a``b`, always quoted
void sql_print_text(Str text, Buf *out);   // 'it''s'
