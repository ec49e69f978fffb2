// sql/print_int.h - what the files of the printer share: print_literal.c (names and literals),
// print_expr.c, print_type.c, print_query.c (queries, FROM), print_stmt.c (statements), print_ddl.c
// (CREATE, ALTER).
#pragma once

#include "sql/keyword.h"
#include "sql/print.h"

typedef struct Printer {
    Buf *out;
    SqlStyle style;
} Printer;

static inline bool is_flink(const Printer *pr) { return pr->style != SQL_PLAIN; }
static inline bool is_validated(const Printer *pr) { return pr->style == SQL_VALIDATED; }
static inline void put(Printer *pr, const char *text) { buf_puts(pr->out, text); }
static inline void put_str(Printer *pr, Str text) { buf_put_str(pr->out, text); }
static inline void put_text(Printer *pr, Str text) { sql_print_text(text, pr->out); }

// Between the items of a list: nothing before the first.
static inline void put_comma(Printer *pr, uint32_t index) {
    if (index) put(pr, ", ");
}

void print_ident(Printer *pr, AstIdent ident);
void print_name(Printer *pr, AstName name);
void print_idents(Printer *pr, AstIdents idents);      // a, b
void print_ident_list(Printer *pr, AstIdents idents);  // (a, b)
// An expression between operators that bind with [left] and [right]: parentheses where needed. 0,
// 0: where none are.
void print_expr_within(Printer *pr, const AstExpr *expr, int left, int right);
void print_expr(Printer *pr, const AstExpr *expr);
void print_exprs(Printer *pr, AstExprs exprs);  // a, b
void print_literal(Printer *pr, const AstExpr *expr);
void print_type(Printer *pr, const AstType *type);  // with its nullability
void print_interval_qualifier(Printer *pr, const AstInterval *interval);
void print_orders(Printer *pr, AstOrders orders);
void print_window(Printer *pr, const AstWindow *window);  // with parentheses
void print_item(Printer *pr, const AstItem *item);
void print_query(Printer *pr, const AstQuery *query);
void print_from(Printer *pr, const AstFrom *from);
void print_hints(Printer *pr, AstHints hints);
void print_columns(Printer *pr, const AstColumn *column, uint32_t count);
void print_stmt(Printer *pr, const AstStmt *stmt);
void print_create(Printer *pr, const AstStmt *stmt);
void print_alter(Printer *pr, const AstStmt *stmt);
// ( 'k' = 'v', … ) on lines of their own; with [keys] the keys alone.
void print_option_lines(Printer *pr, const AstOptions *options, bool keys);
void print_partition(Printer *pr, const AstOptions *spec);  // (a = 1, b = 2)
