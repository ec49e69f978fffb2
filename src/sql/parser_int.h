// sql/parser_int.h - what the files of the parser share. The seams: parser.c (entry points, errors,
// names, lists), parse_expr.c (operators), parse_atom.c, parse_literal.c, parse_call.c (functions
// with their own grammar), parse_query.c (SELECT and around it), parse_from.c (FROM), parse_match.c
// (MATCH_RECOGNIZE, PIVOT), parse_type.c, parse_ddl.c (CREATE), parse_alter.c, parse_stmt.c (all
// other statements).
//
// The whole text is cut into tokens first: looking ahead is indexing. Nothing backtracks.
#pragma once

#include "sql/lexer.h"
#include "sql/parser.h"

enum { EXPECT_MAX = 48 };

typedef struct Parser {
    Arena *arena;
    Str text;
    Token *token;    // the last one is TOK_END
    uint32_t count;  // of tokens, TOK_END included
    uint32_t at;     // the next token
    uint32_t depth;  // of nesting, at most SQL_DEPTH_MAX
    uint32_t params; // ? seen so far
    bool no_query;   // a subquery in parentheses is refused here
    bool in_from;    // the next argument list is that of a function in FROM
    uint32_t height; // the highest expression since a subquery began
    Error *err;
    // All that was asked for at token [expect_at]: a failure there lists it.
    uint32_t expect_at, expect_count;
    const char *expect[EXPECT_MAX];  // keywords are pointers into the keyword table
} Parser;

// ---- tokens ------------------------------------------------------------------------------------

static inline const Token *parser_token(const Parser *p, uint32_t ahead) {
    uint32_t i = p->at + ahead;
    return &p->token[i < p->count ? i : p->count - 1];
}
static inline bool is_word(const Parser *p, uint32_t ahead, Keyword word) {
    const Token *token = parser_token(p, ahead);
    return token->kind == TOK_WORD && token->word == word;
}
static inline bool is_kind(const Parser *p, uint32_t ahead, TokenKind kind) {
    return parser_token(p, ahead)->kind == kind;
}
static inline void skip_token(Parser *p) {
    if (p->at + 1 < p->count) p->at++;
}

void parser_expect(Parser *p, const char *what);  // [what] is static: "an expression"

// at_: is it next? (and remembered as expected); take_: if so, go past it; need_: or fail.
bool at_word(Parser *p, Keyword word);
bool at_kind(Parser *p, TokenKind kind);
bool take_word(Parser *p, Keyword word);
bool take_kind(Parser *p, TokenKind kind);
NODISCARD Status need_word(Parser *p, Keyword word);
NODISCARD Status need_kind(Parser *p, TokenKind kind);
// Both words or none: IF EXISTS.
bool take_words(Parser *p, Keyword first, Keyword second);
// IF NOT EXISTS.
bool take_if_not_exists(Parser *p);

// Fails at the next token, naming what was expected.
NODISCARD Status parser_unexpected(Parser *p);
// Fails at the tokens [from, p->at) with a message of its own.
NODISCARD Status parser_fail(Parser *p, uint32_t from, const char *fmt, ...) PRINTF_LIKE(3, 4);

// Around everything that may nest: refuses what is too deep.
NODISCARD Status parser_enter(Parser *p);
static inline void parser_leave(Parser *p) { p->depth--; }

// ---- spans and lists ---------------------------------------------------------------------------

AstSpan span_between(const Parser *p, uint32_t first, uint32_t last);  // token indexes
static inline AstSpan span_since(const Parser *p, uint32_t first) {
    return span_between(p, first, p->at > first ? p->at - 1 : first);
}
AstSpan span_join(AstSpan first, AstSpan last);

// Lists grow by doubling inside the arena, from 4; no room is noted, the count tells it.
void *list_room(Arena *arena, void *at, uint32_t count, size_t size);
#define LIST_PUSH(p, list, count, value)                                             \
    do {                                                                             \
        (list) = list_room((p)->arena, (list), (count), sizeof *(list));             \
        (list)[(count)++] = (value);                                                 \
    } while (0)
static inline void exprs_push(Parser *p, AstExprs *exprs, AstExpr *expr) {
    LIST_PUSH(p, exprs->at, exprs->count, expr);
}

// ---- names, texts, options ---------------------------------------------------------------------

bool at_ident(const Parser *p, uint32_t ahead);  // an unreserved word or a quoted name
NODISCARD Status parse_ident(Parser *p, AstIdent *out);
NODISCARD Status parse_name(Parser *p, AstName *out);           // a.b.c
NODISCARD Status parse_idents(Parser *p, AstIdents *out);       // (a, b)
NODISCARD Status parse_names(Parser *p, AstNames *out);         // (a.b, c)
AstName name_of(Parser *p, AstIdent ident);
NODISCARD Status parse_plain_text(Parser *p, Str *out);  // '…' alone: comments, jobs
NODISCARD Status parse_text(Parser *p, AstExpr **out);   // any text literal, pieces and prefixes
NODISCARD Status parse_text_value(Parser *p, Str *out);
NODISCARD Status parse_options(Parser *p, AstOptions *out);      // ('k' = 'v', …), maybe empty
NODISCARD Status parse_option_keys(Parser *p, AstOptions *out);  // ('k', …), maybe empty
// (a = 1, b = 'x'); with [bare], (a, b = 1) too.
NODISCARD Status parse_partition(Parser *p, bool bare, AstOptions *out);
NODISCARD Status parse_hints(Parser *p, AstHints *out);  // at /*+, or nothing
NODISCARD Status parse_unsigned(Parser *p, int32_t *out);

// ---- expressions -------------------------------------------------------------------------------

AstExpr *expr_new(Parser *p, AstExprKind kind, AstSpan span);
NODISCARD Status expr_grow(Parser *p, AstExpr *expr, uint32_t child_height);  // sets the height
// A call over [args]; [name] is static or in the arena. Checks the height.
NODISCARD Status make_call(Parser *p, const char *name, AstSyntax syntax, AstSpan span,
                           AstExprs args, AstExpr **out);
AstExpr *expr_symbol(Parser *p, const char *text, AstSpan span);

// Up to three arguments; NULL ends them.
AstExprs args_of(Parser *p, AstExpr *a, AstExpr *b, AstExpr *c);

NODISCARD Status parse_expr(Parser *p, AstExpr **out);
// The values of a row, DEFAULT among them, behind its opening parenthesis and with the closing one.
NODISCARD Status parse_row_items(Parser *p, AstExprs *items);
// Up to the first operator that binds less than [min]; [stop_at_and]: or AND, for BETWEEN.
NODISCARD Status parse_expr_above(Parser *p, int min, bool stop_at_and, AstExpr **out);
NODISCARD Status parse_operand(Parser *p, AstExpr **out);  // an atom with .field and [index]
// The same where Flink takes no subquery in parentheses: computed columns.
NODISCARD Status parse_expr_no_query(Parser *p, AstExpr **out);
NODISCARD Status parse_exprs(Parser *p, AstExprs *out);  // a, b, c
NODISCARD Status parse_literal(Parser *p, AstExpr **out);
NODISCARD Status parse_maybe_literal(Parser *p, AstExpr **out, bool *done);  // at a word
NODISCARD Status parse_braces(Parser *p, AstExpr **out);                     // {d '…'}, {fn …}
NODISCARD Status parse_number(Parser *p, AstExpr **out);  // unsigned
NODISCARD Status parse_query_expr(Parser *p, AstExpr **out);  // a query, as EX_QUERY
// (query) or (a, b, …): one EX_QUERY, or the items.
bool at_paren_query(const Parser *p, bool nested);  // see parse_atom.c
NODISCARD Status parse_query_or_list(Parser *p, AstExprs *out);
bool at_interval_unit(const Parser *p, uint32_t ahead);
NODISCARD Status parse_interval_qualifier(Parser *p, AstInterval *out);
AstExpr *expr_interval_type(Parser *p, AstInterval interval, AstSpan span);  // as an EX_TYPE

// parse_call.c: at a word with a grammar of its own; *done says whether it was one.
NODISCARD Status parse_special_call(Parser *p, AstExpr **out, bool *done);
// At the '(' of an ordinary call.
NODISCARD Status parse_arguments(Parser *p, AstCall *call);
// FILTER, OVER … behind an ordinary call.
NODISCARD Status parse_call_suffix(Parser *p, AstExpr *expr);
NODISCARD Status parse_named_call(Parser *p, AstExpr **out);  // f(…), a.f(…)
// f(…) in FROM; [bare]: not within TABLE(…).
NODISCARD Status parse_function_in_from(Parser *p, bool bare, AstExpr **out);
NODISCARD Status parse_time_unit(Parser *p, AstExpr **out);

// ---- types, queries, statements ----------------------------------------------------------------

NODISCARD Status parse_type(Parser *p, AstType **out);
NODISCARD Status parse_type_nullable(Parser *p, AstType **out);  // with [NOT] NULL

bool at_query(const Parser *p, uint32_t ahead);  // SELECT, VALUES, TABLE, WITH
NODISCARD Status parse_query(Parser *p, AstQuery **out);  // with ORDER BY and the like
NODISCARD Status parse_orders(Parser *p, AstOrders *out);  // behind ORDER BY
NODISCARD Status parse_order(Parser *p, AstOrders *out);   // one item, pushed
NODISCARD Status parse_window(Parser *p, AstWindow **out);  // at '('
NODISCARD Status parse_item(Parser *p, bool alias_only_with_as, AstItem *out);

NODISCARD Status parse_from(Parser *p, AstFrom **out);
NODISCARD Status parse_joins(Parser *p, AstFrom **out);     // without commas
NODISCARD Status parse_relation(Parser *p, AstFrom **out);  // one, without joins
NODISCARD Status parse_extend(Parser *p, AstColumn **column, uint32_t *count);  // at '('
NODISCARD Status parse_match(Parser *p, AstMatch **out);     // behind MATCH_RECOGNIZE
NODISCARD Status parse_pivot(Parser *p, AstPivot **out);     // behind PIVOT
NODISCARD Status parse_unpivot(Parser *p, AstUnpivot **out); // behind UNPIVOT

NODISCARD Status parse_stmt(Parser *p, AstStmt **out);
AstStmt *parse_client(Arena *arena, Str text);  // see client.c; NULL when it is not the client's
NODISCARD Status parse_create(Parser *p, AstStmt *stmt);
NODISCARD Status parse_alter(Parser *p, AstStmt *stmt);
NODISCARD Status parse_column(Parser *p, bool position, AstSchema *schema);
NODISCARD Status parse_schema(Parser *p, bool position, AstSchema *out);  // at '('
NODISCARD Status parse_distribution(Parser *p, AstDistribution **out);    // behind DISTRIBUTED
NODISCARD Status parse_function_body(Parser *p, AstCreateFunction *create);  // from the name on
NODISCARD Status parse_refresh_mode(Parser *p, AstRefresh *out);          // behind REFRESH_MODE
NODISCARD Status parse_freshness(Parser *p, AstExpr **out);               // behind FRESHNESS
