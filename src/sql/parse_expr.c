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

AstExpr *make_null(Parser *p, AstSpan span) {
    AstExpr *expr = expr_new(p, EX_LITERAL, span);
    expr->literal.kind = LIT_NULL;
    return expr;
}

static AstExprs args_of(Parser *p, AstExpr *a, AstExpr *b, AstExpr *c) {
    AstExprs args = {0};
    exprs_push(p, &args, a);
    if (b) exprs_push(p, &args, b);
    if (c) exprs_push(p, &args, c);
    return args;
}

// ---- literals ----------------------------------------------------------------------------------

Status parse_number(Parser *p, AstExpr **out) {
    static const AstLiteralKind KINDS[] = {
        [TOK_INTEGER] = LIT_INTEGER, [TOK_DECIMAL] = LIT_DECIMAL, [TOK_APPROX] = LIT_APPROX};
    uint32_t start = p->at;
    AstExpr *expr;
    if (take_word(p, KW_DECIMAL)) {  // DECIMAL '1.50'
        Str text;
        TRY(parse_plain_text(p, &text));
        double value;
        if (!str_to_f64(text, &value)) {
            return parser_fail(p, start, "'" STR_FMT "' is not a number", STR_ARG(text));
        }
        expr = expr_new(p, EX_LITERAL, span_since(p, start));
        expr->literal.kind = LIT_DECIMAL;
        expr->literal.style = TEXT_PREFIXED;
        expr->literal.text = text;
    } else if (is_kind(p, 0, TOK_INTEGER) || is_kind(p, 0, TOK_DECIMAL) ||
               is_kind(p, 0, TOK_APPROX)) {
        const Token *token = parser_token(p, 0);
        skip_token(p);
        expr = expr_new(p, EX_LITERAL, span_since(p, start));
        expr->literal.kind = KINDS[token->kind];
        expr->literal.text = str_dup(p->arena, token_text(p->text, token));
    } else {
        parser_expect(p, "a number");
        return parser_unexpected(p);
    }
    *out = expr;
    return ST_OK;
}

static Status parse_charset(Parser *p, const Token *token, Str *out) {
    static const char *const CHARSETS[] = {
        "UTF8", "UTF-8", "UTF16", "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "ISO-8859-1",
        "LATIN1", "US-ASCII", "ASCII", "GBK", "GB2312", "GB18030", "BIG5", "SHIFT_JIS", "EUC-JP",
        "EUC-KR", "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252",
    };
    Str text = token_text(p->text, token);
    uint32_t quote = 0;
    while (text.ptr[quote] != '\'') quote++;
    *out = str_dup(p->arena, str_sub(text, 0, quote));
    if (text.ptr[0] != '_') return ST_OK;  // N'…'
    Str name = str_sub(text, 1, quote - 1);
    for (size_t i = 0; i < sizeof CHARSETS / sizeof *CHARSETS; i++) {
        if (str_eq_nocase(name, str_c(CHARSETS[i]))) return ST_OK;
    }
    return parser_fail(p, p->at, "unknown character set '" STR_FMT "'", STR_ARG(name));
}

// U&'…' [UESCAPE 'x']: the escape character stands behind the text (and its further pieces).
static Status unicode_escape(Parser *p, char *out) {
    uint32_t ahead = 1;
    while (is_kind(p, ahead, TOK_TEXT)) ahead++;
    *out = '\\';
    if (!is_word(p, ahead, KW_UESCAPE) || !is_kind(p, ahead + 1, TOK_TEXT)) return ST_OK;
    Str text = token_unquote(p->arena, p->text, parser_token(p, ahead + 1));
    bool fits = text.len == 1;
    if (fits) {
        char c = text.ptr[0], lower = (char)(c | 32);
        fits = !(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f') && c != '+' && c != '"' &&
               c != ' ' && c != '\t' && c != '\n' && c != '\r';
    }
    if (!fits) {
        return error_at(p->err, ST_PARSE, token_place(p->text, parser_token(p, ahead + 1)),
                        "UESCAPE takes one character, no hexadecimal digit, blank, plus or quote");
    }
    *out = text.ptr[0];
    return ST_OK;
}

static Status parse_text_piece(Parser *p, AstExpr **out) {
    const Token *token = parser_token(p, 0);
    AstExpr *expr = expr_new(p, EX_LITERAL, span_between(p, p->at, p->at));
    AstLiteral *literal = &expr->literal;
    literal->kind = token->kind == TOK_BINARY ? LIT_BINARY : LIT_TEXT;
    switch (token->kind) {
        case TOK_TEXT: literal->text = token_unquote(p->arena, p->text, token); break;
        case TOK_TEXT_PREFIXED:
            literal->style = TEXT_PREFIXED;
            TRY(parse_charset(p, token, &literal->charset));
            literal->text = token_unquote(p->arena, p->text, token);
            break;
        case TOK_TEXT_UNICODE: {
            char escape;
            literal->style = TEXT_UNICODE;
            TRY(unicode_escape(p, &escape));
            TRY(token_decode_unicode(p->arena, p->text, token, escape, &literal->text, p->err));
            break;
        }
        case TOK_TEXT_C:
            literal->style = TEXT_C_STYLE;
            TRY(token_decode_c(p->arena, p->text, token, &literal->text, p->err));
            break;
        case TOK_BINARY:
            TRY(token_decode_binary(p->arena, p->text, token, &literal->text, p->err));
            break;
        default: parser_expect(p, "a text"); return parser_unexpected(p);
    }
    skip_token(p);
    *out = expr;
    return ST_OK;
}

// Further pieces behind the first: 'a' <line end> 'b'. They are of the first one's kind.
static Status parse_pieces(Parser *p, AstExpr *first, AstExpr **out) {
    AstExprs pieces = {0};
    Buf joined = {0};
    Status st = ST_OK;
    bool one_line = false;
    exprs_push(p, &pieces, first);
    buf_put_str(&joined, first->literal.text);
    while (is_kind(p, 0, TOK_TEXT)) {
        AstExpr *piece = NULL;
        const Token *token = parser_token(p, 0);
        if (first->literal.kind == LIT_BINARY) {
            piece = expr_new(p, EX_LITERAL, span_between(p, p->at, p->at));
            piece->literal.kind = LIT_BINARY;
            st = token_decode_binary(p->arena, p->text, token, &piece->literal.text, p->err);
            skip_token(p);
        } else {
            st = parse_text_piece(p, &piece);
        }
        if (st) goto done;
        const AstExpr *last = pieces.at[pieces.count - 1];
        if (last->span.place.end_line == piece->span.place.line) one_line = true;
        buf_put_str(&joined, piece->literal.text);
        exprs_push(p, &pieces, piece);
    }
    AstExpr *expr =
        expr_new(p, EX_LITERAL, span_join(first->span, pieces.at[pieces.count - 1]->span));
    expr->literal = first->literal;
    expr->literal.text = str_dup(p->arena, buf_str(&joined));
    expr->literal.piece = pieces;
    expr->literal.pieces_on_one_line = one_line;
    expr->height = 2;
    *out = expr;

done:
    buf_free(&joined);
    return st;
}

Status parse_text(Parser *p, AstExpr **out) {
    AstExpr *expr;
    TRY(parse_text_piece(p, &expr));
    if (expr->literal.style != TEXT_C_STYLE && is_kind(p, 0, TOK_TEXT)) {
        TRY(parse_pieces(p, expr, &expr));
    }
    if (expr->literal.style == TEXT_UNICODE && take_word(p, KW_UESCAPE)) {
        Str ignored;  // the pieces were decoded with it
        TRY(parse_plain_text(p, &ignored));
    }
    *out = expr;
    return ST_OK;
}

// ---- intervals ---------------------------------------------------------------------------------

static AstUnit unit_of(const Token *token) {
    if (token->kind != TOK_WORD) return UNIT_NONE;
    switch (token->word) {
        case KW_YEAR: case KW_YEARS: return UNIT_YEAR;
        case KW_QUARTER: case KW_QUARTERS: return UNIT_QUARTER;
        case KW_MONTH: case KW_MONTHS: return UNIT_MONTH;
        case KW_WEEK: case KW_WEEKS: return UNIT_WEEK;
        case KW_DAY: case KW_DAYS: return UNIT_DAY;
        case KW_HOUR: case KW_HOURS: return UNIT_HOUR;
        case KW_MINUTE: case KW_MINUTES: return UNIT_MINUTE;
        case KW_SECOND: case KW_SECONDS: return UNIT_SECOND;
        default: return UNIT_NONE;
    }
}

bool at_interval_unit(const Parser *p, uint32_t ahead) {
    return unit_of(parser_token(p, ahead)) != UNIT_NONE;
}

// Does `TO unit` follow, with a unit that fits behind [from]? Else the TO is somebody else's.
static bool at_to_unit(const Parser *p, AstUnit from) {
    if (!is_word(p, 0, KW_TO)) return false;
    AstUnit to = unit_of(parser_token(p, 1));
    if (from == UNIT_YEAR) return to == UNIT_MONTH;
    return from >= UNIT_DAY && to > from;
}

Status parse_interval_qualifier(Parser *p, AstInterval *out) {
    AstInterval interval = {.precision = -1, .fraction = -1};
    interval.from = unit_of(parser_token(p, 0));
    if (interval.from == UNIT_NONE) {
        parser_expect(p, "a unit of time");
        return parser_unexpected(p);
    }
    skip_token(p);
    if (take_kind(p, TOK_LPAREN)) {
        TRY(parse_unsigned(p, &interval.precision));
        if (interval.from == UNIT_SECOND && take_kind(p, TOK_COMMA)) {
            TRY(parse_unsigned(p, &interval.fraction));
        }
        TRY(need_kind(p, TOK_RPAREN));
    }
    if (at_to_unit(p, interval.from)) {
        skip_token(p);
        interval.to = unit_of(parser_token(p, 0));
        skip_token(p);
        if (interval.to == UNIT_SECOND && take_kind(p, TOK_LPAREN)) {
            TRY(parse_unsigned(p, &interval.fraction));
            TRY(need_kind(p, TOK_RPAREN));
        }
    }
    *out = interval;
    return ST_OK;
}

static AstExpr *interval_type(Parser *p, AstInterval interval, AstSpan span) {
    AstExpr *expr = expr_new(p, EX_TYPE, span);
    expr->type = ARENA_NEW(p->arena, AstType);
    *expr->type = (AstType){.kind = AT_INTERVAL, .precision = -1, .scale = -1, .interval = interval,
                            .span = span};
    return expr;
}

static Status parse_expr_above(Parser *p, int min, bool stop_at_and, AstExpr **out);

// What may stand between INTERVAL and its unit when it is no literal: a number, a name, (expr).
static Status parse_interval_value(Parser *p, AstExpr **out) {
    uint32_t start = p->at;
    if (is_kind(p, 0, TOK_MINUS) || is_kind(p, 0, TOK_PLUS)) {
        bool minus = is_kind(p, 0, TOK_MINUS);
        skip_token(p);
        AstExpr *value;
        TRY(parser_enter(p));
        TRY(parse_interval_value(p, &value));
        parser_leave(p);
        return make_call(p, minus ? "UNARY -" : "UNARY +", SYN_PREFIX, span_since(p, start),
                         args_of(p, value, NULL, NULL), out);
    }
    if (take_kind(p, TOK_LPAREN)) {
        TRY(parser_enter(p));
        TRY(parse_expr(p, out));
        parser_leave(p);
        return need_kind(p, TOK_RPAREN);
    }
    if (at_ident(p, 0)) {
        AstExpr *expr = expr_new(p, EX_NAME, span_between(p, p->at, p->at));
        TRY(parse_name(p, &expr->name));
        expr->span = expr->name.span;
        *out = expr;
        return ST_OK;
    }
    return parse_number(p, out);
}

// Behind INTERVAL.
static Status parse_interval(Parser *p, AstExpr **out) {
    uint32_t start = p->at - 1, text_at = 0;
    if (is_kind(p, 0, TOK_MINUS) || is_kind(p, 0, TOK_PLUS)) text_at = 1;
    if (is_kind(p, text_at, TOK_TEXT)) {
        AstExpr *expr = expr_new(p, EX_LITERAL, span_since(p, start));
        expr->literal.kind = LIT_INTERVAL;
        expr->literal.negative = is_kind(p, 0, TOK_MINUS);
        p->at += text_at;
        TRY(parse_plain_text(p, &expr->literal.text));
        if (!expr->literal.text.len) {
            return parser_fail(p, start, "an INTERVAL literal is not empty");
        }
        TRY(parse_interval_qualifier(p, &expr->literal.interval));
        expr->span = span_since(p, start);
        *out = expr;
        return ST_OK;
    }
    AstExpr *value;
    AstInterval interval;
    TRY(parse_interval_value(p, &value));
    uint32_t unit = p->at;
    TRY(parse_interval_qualifier(p, &interval));
    if (interval.to != UNIT_NONE) {
        return parser_fail(p, unit + 1, "only INTERVAL literals go from one unit to another");
    }
    AstExpr *type = interval_type(p, interval, span_since(p, unit));
    return make_call(p, "INTERVAL", SYN_SPECIAL, span_since(p, start),
                     args_of(p, value, type, NULL), out);
}

// ---- literals with a word before them ----------------------------------------------------------

static AstExpr *word_literal(Parser *p, AstLiteralKind kind, bool value) {
    AstExpr *expr = expr_new(p, EX_LITERAL, span_between(p, p->at, p->at));
    expr->literal.kind = kind;
    expr->literal.boolean = value;
    skip_token(p);
    return expr;
}

// DATE '…', TIME '…', TIMESTAMP '…' [WITH LOCAL TIME ZONE], DATETIME '…': the text is not checked
// here. *done is false when no text follows the word.
static Status parse_datetime_literal(Parser *p, AstExpr **out, bool *done) {
    uint32_t start = p->at, words = 1;
    AstLiteralKind kind;
    switch (parser_token(p, 0)->word) {
        case KW_DATE: kind = LIT_DATE; break;
        case KW_TIME: kind = LIT_TIME; break;
        case KW_TIMESTAMP: kind = LIT_TIMESTAMP; break;
        case KW_DATETIME: kind = LIT_DATETIME; break;
        default: return ST_OK;
    }
    if (kind == LIT_TIMESTAMP && is_word(p, 1, KW_WITH) && is_word(p, 2, KW_LOCAL) &&
        is_word(p, 3, KW_TIME) && is_word(p, 4, KW_ZONE)) {
        kind = LIT_TIMESTAMP_LTZ;
        words = 5;
    }
    if (!is_kind(p, words, TOK_TEXT)) return ST_OK;
    p->at += words;
    Str text;
    TRY(parse_plain_text(p, &text));
    AstExpr *expr = expr_new(p, EX_LITERAL, span_since(p, start));
    expr->literal.kind = kind;
    expr->literal.text = text;
    *out = expr;
    *done = true;
    return ST_OK;
}

// Any literal or none; numbers without sign.
static Status parse_maybe_literal(Parser *p, AstExpr **out, bool *done) {
    const Token *token = parser_token(p, 0);
    *done = true;
    switch (token->kind) {
        case TOK_INTEGER: case TOK_DECIMAL: case TOK_APPROX: return parse_number(p, out);
        case TOK_TEXT: case TOK_TEXT_PREFIXED: case TOK_TEXT_UNICODE: case TOK_TEXT_C:
        case TOK_BINARY:
            return parse_text(p, out);
        case TOK_WORD: break;
        default: *done = false; return ST_OK;
    }
    switch (token->word) {
        case KW_TRUE: *out = word_literal(p, LIT_BOOLEAN, true); return ST_OK;
        case KW_FALSE: *out = word_literal(p, LIT_BOOLEAN, false); return ST_OK;
        case KW_UNKNOWN: *out = word_literal(p, LIT_UNKNOWN, false); return ST_OK;
        case KW_NULL: *out = word_literal(p, LIT_NULL, false); return ST_OK;
        case KW_DECIMAL: return parse_number(p, out);
        case KW_INTERVAL: skip_token(p); return parse_interval(p, out);
        default: *done = false; return parse_datetime_literal(p, out, done);
    }
}

Status parse_literal(Parser *p, AstExpr **out) {
    bool done;
    if (is_kind(p, 0, TOK_MINUS) || is_kind(p, 0, TOK_PLUS)) {
        uint32_t start = p->at;
        bool minus = is_kind(p, 0, TOK_MINUS);
        skip_token(p);
        AstExpr *number;
        TRY(parse_number(p, &number));
        if (minus) {
            number->literal.text = str_printf(p->arena, "-" STR_FMT, STR_ARG(number->literal.text));
        }
        number->span = span_since(p, start);
        *out = number;
        return ST_OK;
    }
    TRY(parse_maybe_literal(p, out, &done));
    if (done && (*out)->kind == EX_LITERAL) return ST_OK;
    parser_expect(p, "a literal");
    return parser_unexpected(p);
}

// Three whole numbers between [separator]s, each within its bounds, off the front of [text].
static bool take_fields(Str *text, char separator, const int64_t (*bounds)[2], int64_t *field) {
    for (int i = 0; i < 3; i++) {
        uint32_t digits = 0;
        while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9') digits++;
        if (digits == 0 || digits > 4 || !str_to_i64(str_sub(*text, 0, digits), &field[i])) {
            return false;
        }
        if (field[i] < bounds[i][0] || field[i] > bounds[i][1]) return false;
        *text = str_sub(*text, digits, text->len - digits);
        if (i == 2) break;
        if (text->len == 0 || text->ptr[0] != separator) return false;
        *text = str_sub(*text, 1, text->len - 1);
    }
    return true;
}

static bool take_date(Str *text) {
    static const int64_t BOUNDS[3][2] = {{0, 9999}, {1, 12}, {1, 31}};
    static const int64_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t field[3];
    if (!take_fields(text, '-', BOUNDS, field)) return false;
    bool leap = (field[0] % 4 == 0 && field[0] % 100 != 0) || field[0] % 400 == 0;
    return field[2] <= DAYS[field[1] - 1] + (field[1] == 2 && leap);
}

static bool take_time(Str *text) {
    static const int64_t BOUNDS[3][2] = {{0, 23}, {0, 59}, {0, 59}};
    int64_t field[3];
    if (!take_fields(text, ':', BOUNDS, field)) return false;
    if (text->len < 2 || text->ptr[0] != '.') return true;
    uint32_t digits = 1;
    while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9') digits++;
    *text = str_sub(*text, digits, text->len - digits);
    return true;
}

// Inside braces the text of a date is checked by the parser already, as Flink's does.
static bool escape_fits(TokenKind kind, Str text) {
    if (kind != TOK_LBRACE_T && !take_date(&text)) return false;
    if (kind == TOK_LBRACE_TS && text.len && text.ptr[0] == ' ')
        text = str_sub(text, 1, text.len - 1);
    else if (kind == TOK_LBRACE_TS) return text.len == 0;
    return (kind == TOK_LBRACE_D || take_time(&text)) && text.len == 0;
}

// {d '…'}, {t '…'}, {ts '…'}, {fn f(…)}: JDBC's escapes.
static Status parse_braces(Parser *p, AstExpr **out) {
    uint32_t start = p->at;
    TokenKind kind = (TokenKind)parser_token(p, 0)->kind;
    skip_token(p);
    AstExpr *expr;
    if (kind == TOK_LBRACE_FN) {
        AstExpr *call = NULL;
        bool done = false;
        if (is_word(p, 0, KW_TIMESTAMPADD) || is_word(p, 0, KW_TIMESTAMPDIFF)) {
            TRY(parse_special_call(p, &call, &done));
        }
        if (!done) {
            // Any word may be a function's name here, be it reserved.
            const Token *token = parser_token(p, 0);
            if (token->kind != TOK_WORD && token->kind != TOK_QUOTED) return parser_unexpected(p);
            AstIdent name = {.quoted = token->kind == TOK_QUOTED,
                             .span = span_between(p, p->at, p->at)};
            name.name = name.quoted ? token_unquote(p->arena, p->text, token)
                                    : str_dup(p->arena, token_text(p->text, token));
            call = expr_new(p, EX_CALL, name.span);
            call->call = ARENA_NEW(p->arena, AstCall);
            call->call->path = name_of(p, name);
            call->call->name = name.name;
            skip_token(p);
            uint32_t open = p->at;
            TRY(parse_arguments(p, call->call));
            call->span = span_join(name.span, span_between(p, open, p->at - 1));
            for (uint32_t i = 0; i < call->call->arg.count; i++) {
                TRY(expr_grow(p, call, call->call->arg.at[i]->height));
            }
        }
        TRY(need_kind(p, TOK_RBRACE));
        return make_call(p, "{fn}", SYN_SPECIAL, span_since(p, start), args_of(p, call, NULL, NULL),
                         out);
    }
    Str text;
    TRY(parse_plain_text(p, &text));
    if (!escape_fits(kind, text)) {
        return parser_fail(p, p->at - 1, "'" STR_FMT "' is no %s", STR_ARG(text),
                           kind == TOK_LBRACE_D ? "date: yyyy-MM-dd"
                           : kind == TOK_LBRACE_T ? "time: HH:mm:ss"
                                                  : "timestamp: yyyy-MM-dd HH:mm:ss");
    }
    TRY(need_kind(p, TOK_RBRACE));
    expr = expr_new(p, EX_LITERAL, span_since(p, start));
    expr->literal.kind = kind == TOK_LBRACE_D ? LIT_DATE : kind == TOK_LBRACE_T ? LIT_TIME
                                                                                 : LIT_TIMESTAMP;
    expr->literal.text = text;
    *out = expr;
    return ST_OK;
}

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
        AstExpr *type = interval_type(p, interval, span_since(p, unit));
        AstExprs args = args_of(p, minus->call->arg.at[0], minus->call->arg.at[1], type);
        TRY(make_call(p, "MINUS_DATE", SYN_SPECIAL, span_since(p, start), args, out));
    }
    return ST_OK;
}

// ROW (a, b): behind the word.
static Status parse_row(Parser *p, AstExpr **out) {
    uint32_t start = p->at - 1;
    AstExprs list = {0};
    TRY(need_kind(p, TOK_LPAREN));
    TRY(parser_enter(p));
    do {
        AstExpr *item;
        if (is_word(p, 0, KW_DEFAULT)) {
            item = expr_new(p, EX_DEFAULT, span_between(p, p->at, p->at));
            skip_token(p);
        } else {
            TRY(parse_expr(p, &item));
        }
        exprs_push(p, &list, item);
    } while (take_kind(p, TOK_COMMA));
    parser_leave(p);
    TRY(need_kind(p, TOK_RPAREN));
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
static Status parse_expr_above(Parser *p, int min, bool stop_at_and, AstExpr **out) {
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
