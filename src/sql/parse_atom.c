// What stands between operators: queries, lists, CASE, rows, names, calls, with .field and [index]
// behind them.
#include "sql/parser_int.h"

// ---- atoms -------------------------------------------------------------------------------------

Status parse_query_expr(Parser *p, AstExpr **out) {
    uint32_t height = p->height;
    AstExpr *expr = expr_new(p, EX_QUERY, span_between(p, p->at, p->at));
    p->height = 1;
    TRY(parse_query(p, &expr->query));
    expr->span = expr->query->span;
    TRY(expr_grow(p, expr, p->height));
    if (height > p->height) p->height = height;
    *out = expr;
    return ST_OK;
}

Status parse_query_or_list(Parser *p, AstExprs *out) {
    AstExprs list = {0};
    bool no_query = p->no_query;
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    if (at_query(p, 0)) {
        AstExpr *expr;
        if (no_query) return parser_fail(p, p->at, "a subquery cannot stand here");
        TRY(parse_query_expr(p, &expr));
        exprs_push(p, &list, expr);
    } else {
        TRY(parse_exprs(p, &list));
    }
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
    *out = list;
    return ST_OK;
}

static bool is_call(const AstExpr *expr, Str name) {
    return expr->kind == EX_CALL && str_eq(expr->call->name, name);
}

// Does this '(' open a query, behind any further '('? `((SELECT 1) UNION SELECT 2)` does, and
// `((SELECT 1) + 1)` does not: what follows the inner query's ')' decides. [nested]: is a query in
// nothing but further parentheses one?
bool at_paren_query(const Parser *p, bool nested) {
    uint32_t ahead = 0, open = 0;
    while (is_kind(p, ahead, TOK_LPAREN)) ahead++, open++;
    if (!at_query(p, ahead)) return false;
    if (open == 1) return true;
    uint32_t depth = open;
    for (uint32_t i = ahead; p->at + i < p->count; i++) {
        if (is_kind(p, i, TOK_LPAREN)) depth++;
        if (!is_kind(p, i, TOK_RPAREN)) continue;
        if (--depth == 0) return nested;
        if (depth >= open) continue;
        // Out of one of the opening parentheses: a set operation or a tail makes a query of it all.
        if (is_word(p, i + 1, KW_UNION) || is_word(p, i + 1, KW_INTERSECT) ||
            is_word(p, i + 1, KW_EXCEPT) || is_word(p, i + 1, KW_MINUS) ||
            is_word(p, i + 1, KW_ORDER) || is_word(p, i + 1, KW_LIMIT) ||
            is_word(p, i + 1, KW_OFFSET) || is_word(p, i + 1, KW_FETCH)) {
            return true;
        }
        if (!is_kind(p, i + 1, TOK_RPAREN)) return false;
        open = depth;
    }
    return false;
}

// (query), (expr), (a, b), (a - b) DAY.
static Status parse_parenthesised(Parser *p, AstExpr **out) {
    uint32_t start = p->at;
    if (at_paren_query(p, false)) {
        if (p->no_query) return parser_fail(p, p->at, "a subquery cannot stand here");
        TRY(parser_enter(p));
        skip_token(p);
        TRY(parse_query_expr(p, out));
        TRY(need_kind(p, TOK_RPAREN));
        parser_leave(p);
        AstSpan span = span_since(p, start);
        (*out)->span.from = span.from;
        (*out)->span.to = span.to;
    } else {
        AstExprs list;
        TRY(parse_query_or_list(p, &list));
        if (list.count > 1) {
            TRY(make_call(p, "ROW", SYN_SPECIAL, span_since(p, start), list, out));
        } else {
            AstSpan span = span_since(p, start);
            *out = list.at[0];
            (*out)->span.from = span.from;
            (*out)->span.to = span.to;
        }
    }
    if (at_interval_unit(p, 0)) {
        AstExpr *minus = *out;
        if (!is_call(minus, STR("-")) || minus->call->arg.count != 2) {
            return parser_fail(p, p->at, "a unit of time may follow (a - b) only");
        }
        uint32_t unit = p->at;
        AstInterval interval;
        TRY(parse_interval_qualifier(p, &interval));
        AstExpr *type = expr_interval_type(p, interval, span_since(p, unit));
        AstExprs args = args_of(p, minus->call->arg.at[0], minus->call->arg.at[1], type);
        TRY(make_call(p, "MINUS_DATE", SYN_SPECIAL, span_since(p, start), args, out));
    }
    return ST_OK;
}

Status parse_row_items(Parser *p, AstExprs *items) {
    TRY(parser_enter(p));
    do {
        AstExpr *item;
        if (is_word(p, 0, KW_DEFAULT)) {
            item = expr_new(p, EX_DEFAULT, span_between(p, p->at, p->at));
            skip_token(p);
        } else {
            TRY(parse_expr(p, &item));
        }
        exprs_push(p, items, item);
    } while (take_kind(p, TOK_COMMA));
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
    return ST_OK;
}

// ROW (a, b): behind the word.
static Status parse_row(Parser *p, AstExpr **out) {
    uint32_t start = p->at - 1;
    AstExprs list = {0};
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parse_row_items(p, &list));
    return make_call(p, "ROW", SYN_SPECIAL, span_since(p, start), list, out);
}

// CASE [x] WHEN … THEN … [ELSE …] END: behind CASE. One branch may have several values.
static Status parse_case(Parser *p, AstExpr **out) {
    uint32_t start = p->at - 1;
    bool no_query = p->no_query;
    AstExpr *expr = expr_new(p, EX_CASE, span_since(p, start));
    TRY(parser_enter(p));
    p->no_query = false;
    if (!at_word(p, KW_WHEN)) {
        TRY(parse_expr(p, &expr->cases.operand));
        TRY(expr_grow(p, expr, expr->cases.operand->height));
    }
    TRY(need_word(p, KW_WHEN));
    do {
        uint32_t when_at = p->at;
        AstExprs values;
        AstCaseWhen branch;
        TRY(parse_exprs(p, &values));
        branch.when = values.at[0];
        if (values.count > 1) {
            TRY(make_call(p, "LIST", SYN_SPECIAL, span_since(p, when_at), values, &branch.when));
        }
        TRY(need_word(p, KW_THEN));
        TRY(parse_expr(p, &branch.then));
        LIST_PUSH(p, expr->cases.branch, expr->cases.branch_count, branch);
        TRY(expr_grow(p, expr, branch.when->height));
        TRY(expr_grow(p, expr, branch.then->height));
    } while (take_word(p, KW_WHEN));
    if (take_word(p, KW_ELSE)) {
        TRY(parse_expr(p, &expr->cases.otherwise));
        TRY(expr_grow(p, expr, expr->cases.otherwise->height));
    }
    p->no_query = no_query;
    parser_leave(p);
    TRY(need_word(p, KW_END));
    expr->span = span_since(p, start);
    *out = expr;
    return ST_OK;
}

// ARRAY, MULTISET, MAP: behind the word. [a, b], (query), (a, b).
static Status parse_collection(Parser *p, const char *name, AstExpr **out) {
    uint32_t start = p->at - 1;
    AstExprs list = {0};
    TRY(parser_enter(p));
    if (take_kind(p, TOK_LBRACKET)) {
        // MULTISET[] alone must not be empty.
        bool empty = is_kind(p, 0, TOK_RBRACKET) && strcmp(name, "MULTISET") != 0;
        if (!empty) TRY(parse_exprs(p, &list));
        TRY(need_kind(p, TOK_RBRACKET));
        parser_leave(p);
        return make_call(p, name, SYN_SPECIAL, span_since(p, start), list, out);
    }
    if (!at_kind(p, TOK_LPAREN)) return parser_unexpected(p);
    if (is_kind(p, 1, TOK_RPAREN)) p->at += 2;
    else TRY(parse_query_or_list(p, &list));
    parser_leave(p);
    TRY(make_call(p, name, SYN_FUNCTION, span_since(p, start), list, out));
    (*out)->call->subquery = list.count == 1 && list.at[0]->kind == EX_QUERY;
    return ST_OK;
}

// CURRENT_DATE and its kin: bare, or with arguments where Flink knows the word as a function too.
static Status parse_context_variable(Parser *p, AstExpr **out) {
    Keyword word = (Keyword)parser_token(p, 0)->word;
    if (keyword_function(word) && is_kind(p, 1, TOK_LPAREN)) return parse_named_call(p, out);
    AstSpan span = span_between(p, p->at, p->at);
    skip_token(p);
    return make_call(p, keyword_text(word), SYN_BARE, span, (AstExprs){0}, out);
}

// NEXT VALUE FOR s, CURRENT VALUE FOR s.
static Status parse_sequence(Parser *p, const char *name, AstExpr **out) {
    uint32_t start = p->at;
    p->at += 2;
    TRY(need_word(p, KW_FOR));
    AstExpr *sequence = expr_new(p, EX_NAME, span_since(p, start));
    TRY(parse_name(p, &sequence->name));
    sequence->span = sequence->name.span;
    return make_call(p, name, SYN_PREFIX, span_since(p, start), args_of(p, sequence, NULL, NULL),
                     out);
}

// Words that are expressions of their own shape. *done is false for all others.
static Status parse_word_atom(Parser *p, AstExpr **out, bool *done) {
    *done = true;
    switch (parser_token(p, 0)->word) {
        case KW_CASE: skip_token(p); return parse_case(p, out);
        case KW_ROW: skip_token(p); return parse_row(p, out);
        case KW_ARRAY: skip_token(p); return parse_collection(p, "ARRAY", out);
        case KW_MULTISET: skip_token(p); return parse_collection(p, "MULTISET", out);
        case KW_MAP:
            if (is_kind(p, 1, TOK_LBRACKET) || is_kind(p, 1, TOK_LPAREN)) {
                skip_token(p);
                return parse_collection(p, "MAP", out);
            }
            break;
        case KW_PERIOD: {
            uint32_t start = p->at;
            AstExprs list = {0};
            skip_token(p);
            TRY(need_kind(p, TOK_LPAREN));
            TRY(parser_enter(p));
            for (int i = 0; i < 2; i++) {
                AstExpr *bound;
                if (i > 0) TRY(need_kind(p, TOK_COMMA));
                TRY(parse_expr(p, &bound));
                exprs_push(p, &list, bound);
            }
            parser_leave(p);
            TRY(need_kind(p, TOK_RPAREN));
            return make_call(p, "PERIOD", SYN_SPECIAL, span_since(p, start), list, out);
        }
        case KW_CURRENT_CATALOG: case KW_CURRENT_DATE: case KW_CURRENT_PATH: case KW_CURRENT_ROLE:
        case KW_CURRENT_DEFAULT_TRANSFORM_GROUP: case KW_CURRENT_SCHEMA: case KW_CURRENT_TIME:
        case KW_CURRENT_TIMESTAMP: case KW_CURRENT_USER: case KW_LOCALTIME: case KW_LOCALTIMESTAMP:
        case KW_SESSION_USER: case KW_SYSTEM_USER: case KW_USER:
            return parse_context_variable(p, out);
        case KW_NEXT:
            if (is_word(p, 1, KW_VALUE)) return parse_sequence(p, "NEXT VALUE", out);
            break;
        case KW_CURRENT:
            if (is_word(p, 1, KW_VALUE)) return parse_sequence(p, "CURRENT VALUE", out);
            break;
        case KW_RUNNING: case KW_FINAL: {
            bool final = is_word(p, 0, KW_FINAL);
            bool call = is_kind(p, 1, TOK_WORD) && is_kind(p, 2, TOK_LPAREN) &&
                        !is_word(p, 1, KW_IN) && !is_word(p, 1, KW_AND) && !is_word(p, 1, KW_OR);
            if (final && !at_ident(p, 1) && !call) break;  // a column may be called FINAL
            uint32_t start = p->at;
            AstExpr *inner;
            skip_token(p);
            TRY(parser_enter(p));
            TRY(parse_expr_above(p, 80, false, &inner));
            parser_leave(p);
            return make_call(p, final ? "FINAL" : "RUNNING", SYN_PREFIX, span_since(p, start),
                             args_of(p, inner, NULL, NULL), out);
        }
        case KW_MODEL: {  // MODEL m; else a column called so
            if (!at_ident(p, 1)) break;
            uint32_t start = p->at;
            AstExpr *expr = expr_new(p, EX_MODEL, span_between(p, start, start));
            skip_token(p);
            TRY(parse_name(p, &expr->name));
            expr->span = span_since(p, start);
            *out = expr;
            return ST_OK;
        }
        case KW_NEW: case KW_SPECIFIC: {
            uint32_t start = p->at;
            const char *name = is_word(p, 0, KW_NEW) ? "NEW" : "SPECIFIC";
            AstExpr *call;
            skip_token(p);
            TRY(parse_named_call(p, &call));
            return make_call(p, name, SYN_PREFIX, span_since(p, start),
                             args_of(p, call, NULL, NULL), out);
        }
        default: break;
    }
    return parse_special_call(p, out, done);
}

// a.b.c, a.b.*, f(…), a.f(…).
static Status parse_name_atom(Parser *p, AstExpr **out) {
    const Token *token = parser_token(p, 0);
    if (token->kind == TOK_WORD && keyword_reserved((Keyword)token->word)) {
        if (keyword_function((Keyword)token->word) && is_kind(p, 1, TOK_LPAREN)) {
            return parse_named_call(p, out);
        }
        return parser_unexpected(p);
    }
    uint32_t ahead = 1;
    while (is_kind(p, ahead, TOK_DOT) && at_ident(p, ahead + 1)) ahead += 2;
    if (is_kind(p, ahead, TOK_LPAREN)) return parse_named_call(p, out);

    AstExpr *expr = expr_new(p, EX_NAME, span_between(p, p->at, p->at));
    uint32_t start = p->at;
    for (;;) {
        AstIdent part;
        TRY(parse_ident(p, &part));
        LIST_PUSH(p, expr->name.part, expr->name.count, part);
        if (!is_kind(p, 0, TOK_DOT)) break;
        if (is_kind(p, 1, TOK_STAR)) {
            expr->name.span = span_since(p, start);
            expr->kind = EX_STAR;
            p->at += 2;
            break;
        }
        skip_token(p);
    }
    expr->span = span_since(p, start);
    if (expr->kind == EX_NAME) expr->name.span = expr->span;
    *out = expr;
    return ST_OK;
}

static Status parse_atom(Parser *p, AstExpr **out) {
    bool done;
    switch (parser_token(p, 0)->kind) {
        case TOK_LPAREN: return parse_parenthesised(p, out);
        case TOK_LBRACE_D: case TOK_LBRACE_T: case TOK_LBRACE_TS: case TOK_LBRACE_FN:
            return parse_braces(p, out);
        case TOK_QUESTION: {
            AstExpr *expr = expr_new(p, EX_PARAM, span_between(p, p->at, p->at));
            expr->param = p->params++;
            skip_token(p);
            *out = expr;
            return ST_OK;
        }
        case TOK_QUOTED: return parse_name_atom(p, out);
        case TOK_WORD:
            TRY(parse_maybe_literal(p, out, &done));
            if (done) return ST_OK;
            TRY(parse_word_atom(p, out, &done));
            if (done) return ST_OK;
            parser_expect(p, "an expression");
            return parse_name_atom(p, out);
        default:
            TRY(parse_maybe_literal(p, out, &done));
            if (done) return ST_OK;
            parser_expect(p, "an expression");
            return parser_unexpected(p);
    }
}

// ---- behind an atom: .field and [index] --------------------------------------------------------

// .field or .method(…); after an index only fields.
static Status parse_dot(Parser *p, bool methods, AstExpr *left, AstExpr **out) {
    AstExpr *field;
    AstIdent name;
    skip_token(p);
    uint32_t start = p->at;
    TRY(parse_ident(p, &name));
    if (methods && is_kind(p, 0, TOK_LPAREN)) {
        p->at = start;
        field = expr_new(p, EX_CALL, name.span);
        field->call = ARENA_NEW(p->arena, AstCall);
        field->call->path = name_of(p, name);
        field->call->name = name.name;
        skip_token(p);
        TRY(parse_arguments(p, field->call));
        field->span = span_since(p, start);
        for (uint32_t i = 0; i < field->call->arg.count; i++) {
            TRY(expr_grow(p, field, field->call->arg.at[i]->height));
        }
    } else {
        field = expr_new(p, EX_NAME, name.span);
        field->name = name_of(p, name);
    }
    return make_call(p, "DOT", SYN_SPECIAL, span_join(left->span, field->span),
                     args_of(p, left, field, NULL), out);
}

static Status parse_index(Parser *p, AstExpr *left, AstExpr **out) {
    AstExpr *index;
    bool no_query = p->no_query;
    skip_token(p);
    TRY(parser_enter(p));
    p->no_query = false;
    const char *name = "ITEM";
    Keyword word = (Keyword)parser_token(p, 0)->word;
    bool offset = (word == KW_OFFSET || word == KW_ORDINAL || word == KW_SAFE_OFFSET ||
                   word == KW_SAFE_ORDINAL) && is_kind(p, 1, TOK_LPAREN);
    if (offset) {  // a[OFFSET(1)], of another dialect: the validator refuses it
        name = str_printf(p->arena, "ITEM %s", keyword_text(word)).ptr;
        p->at += 2;
    }
    TRY(parse_expr(p, &index));
    if (offset) TRY(need_kind(p, TOK_RPAREN));
    uint32_t close = p->at;
    TRY(need_kind(p, TOK_RBRACKET));
    p->no_query = no_query;
    parser_leave(p);
    return make_call(p, name, SYN_SPECIAL, span_join(left->span, span_between(p, close, close)),
                     args_of(p, left, index, NULL), out);
}

Status parse_operand(Parser *p, AstExpr **out) {
    AstExpr *expr;
    bool indexed = false;
    TRY(parse_atom(p, &expr));
    for (;;) {
        if (at_kind(p, TOK_DOT) && at_ident(p, 1)) {
            TRY(parse_dot(p, !indexed, expr, &expr));
        } else if (at_kind(p, TOK_LBRACKET)) {
            TRY(parse_index(p, expr, &expr));
            indexed = true;
        } else {
            *out = expr;
            return ST_OK;
        }
    }
}
