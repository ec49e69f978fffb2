// Expressions: precedence climbing over Calcite's table of operators. Where its climbing gives
// unexpected trees (LIKE to the right, BETWEEN in BETWEEN refused), so does this one.
#include "sql/parser_int.h"

// ---- nodes -------------------------------------------------------------------------------------

AstExpr *expr_new(Parser *p, AstExprKind kind, AstSpan span) {
    AstExpr *expr = ARENA_NEW(p->arena, AstExpr);
    expr->kind = kind;
    expr->span = span;
    expr->height = 1;
    return expr;
}

Status expr_grow(Parser *p, AstExpr *expr, uint32_t child_height) {
    if (child_height + 1 > expr->height) expr->height = child_height + 1;
    if (expr->height > p->height) p->height = expr->height;
    if (expr->height <= SQL_HEIGHT_MAX) return ST_OK;
    return error_at(p->err, ST_PARSE, expr->span.place,
                    "the expression is more than %d levels high", SQL_HEIGHT_MAX);
}

Status make_call(Parser *p, const char *name, AstSyntax syntax, AstSpan span, AstExprs args,
                 AstExpr **out) {
    AstExpr *expr = expr_new(p, EX_CALL, span);
    expr->call = ARENA_NEW(p->arena, AstCall);
    expr->call->name = str_c(name);
    expr->call->syntax = syntax;
    expr->call->arg = args;
    for (uint32_t i = 0; i < args.count; i++) TRY(expr_grow(p, expr, args.at[i]->height));
    *out = expr;
    return ST_OK;
}

AstExpr *expr_symbol(Parser *p, const char *text, AstSpan span) {
    AstExpr *expr = expr_new(p, EX_SYMBOL, span);
    expr->symbol.text = str_c(text);
    return expr;
}

AstExprs args_of(Parser *p, AstExpr *a, AstExpr *b, AstExpr *c) {
    AstExprs args = {0};
    exprs_push(p, &args, a);
    if (b) exprs_push(p, &args, b);
    if (c) exprs_push(p, &args, c);
    return args;
}

// ---- operators ---------------------------------------------------------------------------------

// Calcite's precedences, doubled, with 1 added to the side that refuses its equal: an operator is
// taken when its [left] is not below what the operator before it asked for on its right.
typedef struct Operator {
    enum { OP_BINARY, OP_POSTFIX, OP_LIKE, OP_BETWEEN, OP_IN, OP_QUANTIFIED } kind;
    const char *name;
    int left, right;
    uint32_t words;  // tokens of the operator
} Operator;

#define BINARY(name_, precedence, words_) \
    (Operator){OP_BINARY, name_, 2 * (precedence), 2 * (precedence) + 1, words_}
#define POSTFIX(name_, words_) (Operator){OP_POSTFIX, name_, 56, 0, words_}

// IS …: at IS.
static bool operator_is(const Parser *p, Operator *op) {
    bool not = is_word(p, 1, KW_NOT);
    uint32_t i = not ? 2 : 1;
#define IS(keyword, name_)      \
    if (is_word(p, i, keyword)) \
    return *op = POSTFIX(not ? "IS NOT " name_ : "IS " name_, i + 1), true
    IS(KW_NULL, "NULL");
    IS(KW_TRUE, "TRUE");
    IS(KW_FALSE, "FALSE");
    IS(KW_UNKNOWN, "UNKNOWN");
    IS(KW_EMPTY, "EMPTY");
#undef IS
    if (is_word(p, i, KW_A) && is_word(p, i + 1, KW_SET)) {
        return *op = POSTFIX(not ? "IS NOT A SET" : "IS A SET", i + 2), true;
    }
    if (is_word(p, i, KW_DISTINCT) && is_word(p, i + 1, KW_FROM)) {
        return *op = BINARY(not ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", 30, i + 2), true;
    }
    if (!is_word(p, i, KW_JSON)) return false;
#define IS_JSON(keyword, name_) \
    if (is_word(p, i + 1, keyword)) \
        return *op = POSTFIX(not ? "IS NOT JSON " name_ : "IS JSON " name_, i + 2), true
    IS_JSON(KW_VALUE, "VALUE");
    IS_JSON(KW_OBJECT, "OBJECT");
    IS_JSON(KW_ARRAY, "ARRAY");
    IS_JSON(KW_SCALAR, "SCALAR");
#undef IS_JSON
    return *op = POSTFIX(not ? "IS NOT JSON" : "IS JSON", i + 1), true;
}

// [NOT] LIKE, ILIKE, RLIKE, SIMILAR TO, BETWEEN, IN, SUBMULTISET OF: [i] is behind the NOT.
static bool operator_predicate(const Parser *p, bool not, Operator *op) {
    uint32_t i = not ? 1 : 0;
#define NAMED(name_) (not ? "NOT " name_ : name_)
#define LIKE(name_, words_) (Operator){OP_LIKE, NAMED(name_), 65, 64, i + words_}
    switch (parser_token(p, i)->kind == TOK_WORD ? parser_token(p, i)->word : KW_IDENTIFIER) {
        case KW_LIKE: *op = LIKE("LIKE", 1); return true;
        case KW_ILIKE: *op = LIKE("ILIKE", 1); return true;
        case KW_RLIKE: *op = LIKE("RLIKE", 1); return true;
        case KW_SIMILAR:
            if (!is_word(p, i + 1, KW_TO)) return false;
            *op = LIKE("SIMILAR TO", 2);
            return true;
        case KW_BETWEEN: {
            uint32_t words = 1;
            bool symmetric = is_word(p, i + 1, KW_SYMMETRIC);
            if (symmetric || is_word(p, i + 1, KW_ASYMMETRIC)) words = 2;
            *op = (Operator){OP_BETWEEN,
                             symmetric ? NAMED("BETWEEN SYMMETRIC") : NAMED("BETWEEN ASYMMETRIC"),
                             64, 65, i + words};
            return true;
        }
        case KW_IN:
            if (!is_kind(p, i + 1, TOK_LPAREN)) return false;
            *op = (Operator){OP_IN, NAMED("IN"), 64, 65, i + 1};
            return true;
        case KW_SUBMULTISET:
            if (!is_word(p, i + 1, KW_OF)) return false;
            *op = BINARY(NAMED("SUBMULTISET OF"), 30, i + 2);
            return true;
        default: return false;
    }
#undef LIKE
#undef NAMED
}

// MULTISET UNION|INTERSECT|EXCEPT [ALL|DISTINCT].
static bool operator_multiset(const Parser *p, Operator *op) {
    bool distinct = is_word(p, 2, KW_DISTINCT);
    uint32_t words = distinct || is_word(p, 2, KW_ALL) ? 3 : 2;
#define MULTISET(name_) (distinct ? "MULTISET " name_ " DISTINCT" : "MULTISET " name_)
    if (is_word(p, 1, KW_UNION)) return *op = BINARY(MULTISET("UNION"), 14, words), true;
    if (is_word(p, 1, KW_EXCEPT)) return *op = BINARY(MULTISET("EXCEPT"), 14, words), true;
    if (is_word(p, 1, KW_INTERSECT)) return *op = BINARY(MULTISET("INTERSECT"), 18, words), true;
#undef MULTISET
    return false;
}

// = SOME (…), < ALL (…): the comparison's name, or NULL when no quantifier follows.
static const char *quantified_name(const Parser *p, const char *some, const char *all) {
    if (!is_kind(p, 2, TOK_LPAREN)) {
        return is_word(p, 1, KW_ANY) || is_word(p, 1, KW_ALL) ? some : NULL;
    }
    if (is_word(p, 1, KW_SOME) || is_word(p, 1, KW_ANY)) return some;
    return is_word(p, 1, KW_ALL) ? all : NULL;
}

static Operator operator_comparison(const Parser *p, const char *name, const char *some,
                                    const char *all) {
    const char *quantified = quantified_name(p, some, all);
    if (quantified) return (Operator){OP_QUANTIFIED, quantified, 64, 65, 2};
    return BINARY(name, 30, 1);
}

static bool operator_word(const Parser *p, Operator *op) {
    switch (parser_token(p, 0)->word) {
        case KW_AND: *op = BINARY("AND", 24, 1); return true;
        case KW_OR: *op = BINARY("OR", 22, 1); return true;
        case KW_IS: return operator_is(p, op);
        case KW_NOT: return operator_predicate(p, true, op);
        case KW_MULTISET: return operator_multiset(p, op);
        case KW_MEMBER:
            if (!is_word(p, 1, KW_OF)) return false;
            *op = BINARY("MEMBER OF", 30, 2);
            return true;
        case KW_CONTAINS: *op = BINARY("CONTAINS", 30, 1); return true;
        case KW_OVERLAPS: *op = BINARY("OVERLAPS", 30, 1); return true;
        case KW_EQUALS: *op = BINARY("EQUALS", 30, 1); return true;
        case KW_PRECEDES: *op = BINARY("PRECEDES", 30, 1); return true;
        case KW_SUCCEEDS: *op = BINARY("SUCCEEDS", 30, 1); return true;
        case KW_IMMEDIATELY:
            if (is_word(p, 1, KW_PRECEDES)) {
                return *op = BINARY("IMMEDIATELY PRECEDES", 30, 2), true;
            }
            if (is_word(p, 1, KW_SUCCEEDS)) {
                return *op = BINARY("IMMEDIATELY SUCCEEDS", 30, 2), true;
            }
            return false;
        default: return operator_predicate(p, false, op);
    }
}

// The operator that comes next behind an operand; false when none does.
static bool operator_next(const Parser *p, Operator *op) {
    switch (parser_token(p, 0)->kind) {
        case TOK_WORD: return operator_word(p, op);
        case TOK_PLUS: *op = BINARY("+", 40, 1); return true;
        case TOK_MINUS: *op = BINARY("-", 40, 1); return true;
        case TOK_STAR: *op = BINARY("*", 60, 1); return true;
        case TOK_SLASH: *op = BINARY("/", 60, 1); return true;
        case TOK_PERCENT: *op = BINARY("%", 60, 1); return true;
        case TOK_CONCAT: *op = BINARY("||", 60, 1); return true;
        case TOK_EQ: *op = operator_comparison(p, "=", "= SOME", "= ALL"); return true;
        case TOK_NE: *op = operator_comparison(p, "<>", "<> SOME", "<> ALL"); return true;
        case TOK_LT: *op = operator_comparison(p, "<", "< SOME", "< ALL"); return true;
        case TOK_LE: *op = operator_comparison(p, "<=", "<= SOME", "<= ALL"); return true;
        case TOK_GT: *op = operator_comparison(p, ">", "> SOME", "> ALL"); return true;
        case TOK_GE: *op = operator_comparison(p, ">=", ">= SOME", ">= ALL"); return true;
        default: return false;
    }
}

static Status parse_between(Parser *p, const Operator *op, AstExpr *left, AstExpr **out) {
    AstExpr *low, *high;
    uint32_t start = p->at - 1;
    TRY(parse_expr_above(p, 0, true, &low));
    if (!take_word(p, KW_AND)) {
        if (is_kind(p, 0, TOK_END)) return parser_fail(p, start, "BETWEEN has no AND");
        return parser_unexpected(p);
    }
    if (is_word(p, 0, KW_NOT)) return parser_unexpected(p);  // weaker than BETWEEN
    TRY(parse_expr_above(p, op->right, false, &high));
    return make_call(p, op->name, SYN_SPECIAL, span_join(left->span, high->span),
                     args_of(p, left, low, high), out);
}

static Status parse_like(Parser *p, const Operator *op, bool stop_at_and, AstExpr *left,
                         AstExpr **out) {
    AstExpr *pattern, *escape = NULL;
    TRY(parse_expr_above(p, op->right, stop_at_and, &pattern));
    if (take_word(p, KW_ESCAPE)) TRY(parse_expr_above(p, op->right, stop_at_and, &escape));
    return make_call(p, op->name, SYN_SPECIAL,
                     span_join(left->span, (escape ? escape : pattern)->span),
                     args_of(p, left, pattern, escape), out);
}

// IN (…), = SOME (…): at the parenthesis.
static Status parse_in(Parser *p, const Operator *op, AstExpr *left, AstExpr **out) {
    AstExprs list, args = {0};
    bool no_query = p->no_query;
    p->no_query = false;
    uint32_t open = p->at;
    TRY(parse_query_or_list(p, &list));
    p->no_query = no_query;
    exprs_push(p, &args, left);
    for (uint32_t i = 0; i < list.count; i++) exprs_push(p, &args, list.at[i]);
    return make_call(p, op->name, SYN_SPECIAL,
                     span_join(left->span, span_between(p, open, p->at - 1)), args, out);
}

// -1 is a literal, not an operator on one; so is +1, and - - 1.
static bool fold_sign(Parser *p, bool minus, AstExpr *operand, AstSpan span) {
    AstLiteral *literal = &operand->literal;
    if (operand->kind != EX_LITERAL || literal->kind < LIT_INTEGER || literal->kind > LIT_APPROX) {
        return false;
    }
    if (minus && literal->text.len && literal->text.ptr[0] == '-') {
        literal->text = str_sub(literal->text, 1, literal->text.len - 1);
    } else if (minus) {
        literal->text = str_printf(p->arena, "-" STR_FMT, STR_ARG(literal->text));
    }
    operand->span = span;
    return true;
}

static Status parse_prefixed(Parser *p, bool stop_at_and, AstExpr **out) {
    static const struct {
        TokenKind kind;
        Keyword word;
        const char *name;
        int right;
    } PREFIXES[] = {
        {TOK_MINUS, 0, "UNARY -", 160}, {TOK_PLUS, 0, "UNARY +", 160},
        {TOK_WORD, KW_NOT, "NOT", 52},  {TOK_WORD, KW_EXISTS, "EXISTS", 80},
        {TOK_WORD, KW_UNIQUE, "UNIQUE", 80},
    };
    for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
        bool here = PREFIXES[i].kind == TOK_WORD ? is_word(p, 0, PREFIXES[i].word)
                                                 : is_kind(p, 0, PREFIXES[i].kind);
        if (!here) continue;
        uint32_t start = p->at;
        AstExpr *operand;
        skip_token(p);
        TRY(parser_enter(p));
        TRY(parse_expr_above(p, PREFIXES[i].right, stop_at_and, &operand));
        parser_leave(p);
        AstSpan span = span_join(span_between(p, start, start), operand->span);
        if (PREFIXES[i].kind != TOK_WORD &&
            fold_sign(p, PREFIXES[i].kind == TOK_MINUS, operand, span)) {
            *out = operand;
            return ST_OK;
        }
        return make_call(p, PREFIXES[i].name, SYN_PREFIX, span, args_of(p, operand, NULL, NULL),
                         out);
    }
    return parse_operand(p, out);
}

// An expression of operators that bind at least as strongly as [min]. [stop_at_and]: within
// BETWEEN … the first AND ends the lower bound, however weak the operators before it are.
Status parse_expr_above(Parser *p, int min, bool stop_at_and, AstExpr **out) {
    AstExpr *left;
    Operator op;
    TRY(parse_prefixed(p, stop_at_and, &left));
    while (operator_next(p, &op) && op.left >= min) {
        if (stop_at_and && is_word(p, 0, KW_AND)) break;
        uint32_t start = p->at;
        p->at += op.words;
        AstExpr *right;
        switch (op.kind) {
            case OP_BINARY:
                TRY(parser_enter(p));
                TRY(parse_expr_above(p, op.right, stop_at_and, &right));
                parser_leave(p);
                TRY(make_call(p, op.name, SYN_BINARY, span_join(left->span, right->span),
                              args_of(p, left, right, NULL), &left));
                break;
            case OP_POSTFIX:
                TRY(make_call(p, op.name, SYN_POSTFIX,
                              span_join(left->span, span_between(p, start, p->at - 1)),
                              args_of(p, left, NULL, NULL), &left));
                break;
            case OP_LIKE:
                TRY(parser_enter(p));
                TRY(parse_like(p, &op, stop_at_and, left, &left));
                parser_leave(p);
                break;
            case OP_BETWEEN:
                if (stop_at_and) return parser_fail(p, start, "BETWEEN has no AND");
                TRY(parser_enter(p));
                TRY(parse_between(p, &op, left, &left));
                parser_leave(p);
                break;
            case OP_IN: case OP_QUANTIFIED: TRY(parse_in(p, &op, left, &left)); break;
        }
    }
    if (is_kind(p, 0, TOK_BANG)) {
        Status st = parser_unexpected(p);
        error_hint(p->err, "write <> for \"not equal\"; Flink refuses !=");
        return st;
    }
    *out = left;
    return ST_OK;
}

Status parse_expr(Parser *p, AstExpr **out) {
    TRY(parser_enter(p));
    TRY(parse_expr_above(p, 0, false, out));
    parser_leave(p);
    return ST_OK;
}

Status parse_expr_no_query(Parser *p, AstExpr **out) {
    bool no_query = p->no_query;
    p->no_query = true;
    TRY(parse_expr(p, out));
    p->no_query = no_query;
    return ST_OK;
}

Status parse_exprs(Parser *p, AstExprs *out) {
    AstExprs list = {0};
    do {
        AstExpr *expr;
        TRY(parse_expr(p, &expr));
        exprs_push(p, &list, expr);
    } while (take_kind(p, TOK_COMMA));
    *out = list;
    return ST_OK;
}
