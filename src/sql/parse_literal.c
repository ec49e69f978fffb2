// Literals: numbers, texts in pieces and prefixes, intervals, what has a word before it, and the
// forms of ODBC in braces.
#include "sql/parser_int.h"

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

AstExpr *expr_interval_type(Parser *p, AstInterval interval, AstSpan span) {
    AstExpr *expr = expr_new(p, EX_TYPE, span);
    expr->type = ARENA_NEW(p->arena, AstType);
    *expr->type = (AstType){.kind = AT_INTERVAL, .precision = -1, .scale = -1, .interval = interval,
                            .span = span};
    return expr;
}

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
    AstExpr *type = expr_interval_type(p, interval, span_since(p, unit));
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
Status parse_maybe_literal(Parser *p, AstExpr **out, bool *done) {
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
Status parse_braces(Parser *p, AstExpr **out) {
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
