#include "sql/parser_int.h"

#include <stdio.h>

// ---- tokens ------------------------------------------------------------------------------------

// Texts in the tree are UTF-8 for whoever comes after; the first byte that is not is named here.
static Status need_utf8(Str text, Error *err) {
    if (utf8_valid(text)) return ST_OK;
    uint32_t good = 0, step = 1;
    while (good < text.len) {  // the longest valid beginning, by characters
        step = 1;
        while (good + step < text.len && ((unsigned char)text.ptr[good + step] & 0xC0) == 0x80) {
            step++;
        }
        if (!utf8_valid(str_sub(text, good, step))) break;
        good += step;
    }
    Token token = {.from = 0, .to = good + 1, .line = 1, .column = 1};
    Place all = token_place(text, &token);
    Place place = {all.end_line, all.end_column, all.end_line, all.end_column};
    return error_at(err, ST_PARSE, place, "the text is not UTF-8: byte 0x%02x",
                    (unsigned)(unsigned char)text.ptr[good]);
}

static Status parser_open(Parser *p, Arena *arena, Str text, Error *err) {
    *p = (Parser){.arena = arena, .text = text, .err = err};
    if (text.len > SQL_TEXT_MAX) {
        return error_set(err, ST_PARSE, "the statement is longer than %d bytes", SQL_TEXT_MAX);
    }
    TRY(need_utf8(text, err));
    // A guess that is seldom exceeded: a token for each four bytes.
    uint32_t room = text.len / 4 + 16;
    p->token = arena_alloc(arena, room * sizeof(Token));
    Lexer lexer;
    lexer_init(&lexer, text);
    do {
        if (p->count == room) {
            Token *more = arena_alloc(arena, 2 * room * sizeof(Token));
            memcpy(more, p->token, room * sizeof(Token));
            p->token = more;
            room *= 2;
        }
        TRY(lexer_next(&lexer, &p->token[p->count], err));
    } while (p->token[p->count++].kind != TOK_END);
    return ST_OK;
}

void parser_expect(Parser *p, const char *what) {
    if (p->expect_at != p->at) {
        p->expect_at = p->at;
        p->expect_count = 0;
    }
    for (uint32_t i = 0; i < p->expect_count; i++) {
        if (p->expect[i] == what) return;
    }
    if (p->expect_count < EXPECT_MAX) p->expect[p->expect_count++] = what;
}

bool at_word(Parser *p, Keyword word) {
    if (is_word(p, 0, word)) return true;
    parser_expect(p, keyword_text(word));
    return false;
}

bool at_kind(Parser *p, TokenKind kind) {
    if (is_kind(p, 0, kind)) return true;
    parser_expect(p, token_kind_text(kind));
    return false;
}

bool take_word(Parser *p, Keyword word) {
    if (!at_word(p, word)) return false;
    skip_token(p);
    return true;
}

bool take_kind(Parser *p, TokenKind kind) {
    if (!at_kind(p, kind)) return false;
    skip_token(p);
    return true;
}

Status need_word(Parser *p, Keyword word) {
    return take_word(p, word) ? ST_OK : parser_unexpected(p);
}

Status need_kind(Parser *p, TokenKind kind) {
    return take_kind(p, kind) ? ST_OK : parser_unexpected(p);
}

bool take_words(Parser *p, Keyword first, Keyword second) {
    if (!at_word(p, first) || !is_word(p, 1, second)) return false;
    p->at += 2;
    return true;
}

bool take_if_not_exists(Parser *p) {
    if (!at_word(p, KW_IF) || !is_word(p, 1, KW_NOT) || !is_word(p, 2, KW_EXISTS)) return false;
    p->at += 3;
    return true;
}

// ---- errors ------------------------------------------------------------------------------------

enum { EXPECT_SHOWN = 12, TOKEN_SHOWN = 40 };

static bool is_keyword_text(const char *what) {
    return (what[0] >= 'A' && what[0] <= 'Z');
}

// "expected A, B or C", of what was asked for at this token.
static void expected_list(const Parser *p, Buf *out) {
    if (p->expect_at != p->at || p->expect_count == 0) return;
    uint32_t shown = p->expect_count < EXPECT_SHOWN ? p->expect_count : EXPECT_SHOWN;
    buf_puts(out, ", expected ");
    for (uint32_t i = 0; i < shown; i++) {
        if (i > 0) buf_puts(out, i + 1 == shown && shown == p->expect_count ? " or " : ", ");
        buf_puts(out, p->expect[i]);
    }
    if (shown < p->expect_count) buf_puts(out, " or others");
}

// The keyword asked for at this token that [word] is nearly, or NULL.
static const char *nearest_keyword(const Parser *p, Str word) {
    const char *words[EXPECT_MAX];
    size_t count = 0;
    char upper[32];
    if (word.len >= sizeof upper || p->expect_at != p->at) return NULL;
    for (uint32_t i = 0; i < p->expect_count; i++) {
        if (is_keyword_text(p->expect[i])) words[count++] = p->expect[i];
    }
    for (uint32_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    const char *near = text_nearest(str_make(upper, word.len), words, count);
    return near && !str_eq_nocase(str_c(near), word) ? near : NULL;
}

static void nearest_hint(const Parser *p, const Token *token) {
    Str found = token_text(p->text, token);
    bool word = token->kind == TOK_WORD;
    const char *near = word ? nearest_keyword(p, found) : NULL;
    if (near) {
        error_hint(p->err, "did you mean '%s'?", near);
        return;
    }
    if (word && keyword_reserved((Keyword)token->word)) {
        error_hint(p->err, "%s is a reserved word; as a name it is written `" STR_FMT "`",
                   keyword_text((Keyword)token->word), STR_ARG(found));
        return;
    }
    // SELECT a FORM t: the misspelt word was taken for an alias, and what follows it surprises.
    if (p->at == 0) return;
    const Token *before = &p->token[p->at - 1];
    Str name = token_text(p->text, before);
    near =
        before->kind == TOK_WORD && before->word == KW_IDENTIFIER ? nearest_keyword(p, name) : NULL;
    if (near) {
        error_hint(p->err, "did you mean '%s' where '" STR_FMT "' stands?", near, STR_ARG(name));
    }
}

Status parser_unexpected(Parser *p) {
    const Token *token = parser_token(p, 0);
    Buf expected = {0};
    expected_list(p, &expected);
    Place place = token_place(p->text, token);
    Status st;
    if (token->kind == TOK_END) {
        st = error_at(p->err, ST_PARSE, place, "unexpected end" STR_FMT,
                      STR_ARG(buf_str(&expected)));
    } else {
        Str shown = token_text(p->text, token);
        st = error_at(p->err, ST_PARSE, place, "unexpected '" STR_FMT "%s'" STR_FMT,
                      STR_ARG(str_sub(shown, 0, TOKEN_SHOWN)), shown.len > TOKEN_SHOWN ? "…" : "",
                      STR_ARG(buf_str(&expected)));
        nearest_hint(p, token);
    }
    buf_free(&expected);
    return st;
}

Status parser_fail(Parser *p, uint32_t from, const char *fmt, ...) {
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    uint32_t last = p->at > from ? p->at - 1 : from;
    return error_at(p->err, ST_PARSE, span_between(p, from, last).place, "%s", message);
}

Status parser_enter(Parser *p) {
    if (p->depth >= SQL_DEPTH_MAX) {
        return parser_fail(p, p->at, "nested more than %d levels deep", SQL_DEPTH_MAX);
    }
    p->depth++;
    return ST_OK;
}

// ---- spans and lists ---------------------------------------------------------------------------

AstSpan span_between(const Parser *p, uint32_t first, uint32_t last) {
    const Token *a = &p->token[first], *b = &p->token[last];
    Place start = token_place(p->text, a), end = token_place(p->text, b);
    return (AstSpan){
        .place = {start.line, start.column, end.end_line, end.end_column},
        .from = a->from,
        .to = b->to,
    };
}

AstSpan span_join(AstSpan first, AstSpan last) {
    first.place.end_line = last.place.end_line;
    first.place.end_column = last.place.end_column;
    first.to = last.to;
    return first;
}

void *list_room(Arena *arena, void *at, uint32_t count, size_t size) {
    enum { FIRST_ROOM = 4 };
    if (count == 0) return arena_alloc(arena, FIRST_ROOM * size);
    if (count < FIRST_ROOM || (count & (count - 1))) return at;
    void *more = arena_alloc(arena, 2 * (size_t)count * size);
    memcpy(more, at, count * size);
    return more;
}

// ---- names, texts, options ---------------------------------------------------------------------

bool at_ident(const Parser *p, uint32_t ahead) {
    const Token *token = parser_token(p, ahead);
    return token->kind == TOK_QUOTED ||
           (token->kind == TOK_WORD && !keyword_reserved((Keyword)token->word));
}

Status parse_ident(Parser *p, AstIdent *out) {
    if (!at_ident(p, 0)) {
        parser_expect(p, "a name");
        return parser_unexpected(p);
    }
    const Token *token = parser_token(p, 0);
    out->quoted = token->kind == TOK_QUOTED;
    out->name = out->quoted ? token_unquote(p->arena, p->text, token)
                            : str_dup(p->arena, token_text(p->text, token));
    out->span = span_between(p, p->at, p->at);
    if (utf8_units16(out->name) > 256) {
        return parser_fail(p, p->at, "a name is longer than 256 characters");
    }
    skip_token(p);
    return ST_OK;
}

Status parse_name(Parser *p, AstName *out) {
    uint32_t start = p->at;
    AstName name = {0};
    do {
        AstIdent part;
        TRY(parse_ident(p, &part));
        LIST_PUSH(p, name.part, name.count, part);
    } while (take_kind(p, TOK_DOT));
    name.span = span_since(p, start);
    *out = name;
    return ST_OK;
}

AstName name_of(Parser *p, AstIdent ident) {
    AstName name = {.span = ident.span};
    LIST_PUSH(p, name.part, name.count, ident);
    return name;
}

Status parse_idents(Parser *p, AstIdents *out) {
    AstIdents list = {0};
    TRY(need_kind(p, TOK_LPAREN));
    do {
        AstIdent ident;
        TRY(parse_ident(p, &ident));
        LIST_PUSH(p, list.at, list.count, ident);
    } while (take_kind(p, TOK_COMMA));
    TRY(need_kind(p, TOK_RPAREN));
    *out = list;
    return ST_OK;
}

Status parse_names(Parser *p, AstNames *out) {
    AstNames list = {0};
    TRY(need_kind(p, TOK_LPAREN));
    do {
        AstName name;
        TRY(parse_name(p, &name));
        LIST_PUSH(p, list.at, list.count, name);
    } while (take_kind(p, TOK_COMMA));
    TRY(need_kind(p, TOK_RPAREN));
    *out = list;
    return ST_OK;
}

Status parse_plain_text(Parser *p, Str *out) {
    if (!at_kind(p, TOK_TEXT)) return parser_unexpected(p);
    *out = token_unquote(p->arena, p->text, parser_token(p, 0));
    skip_token(p);
    return ST_OK;
}

Status parse_text_value(Parser *p, Str *out) {
    AstExpr *text;
    TRY(parse_text(p, &text));
    *out = text->literal.text;
    return ST_OK;
}

static Status parse_option(Parser *p, bool with_value, AstOption *out) {
    uint32_t start = p->at;
    *out = (AstOption){.key_is_text = true};
    TRY(parse_text_value(p, &out->key.name));
    out->key.span = span_since(p, start);
    if (with_value) {
        TRY(need_kind(p, TOK_EQ));
        TRY(parse_text(p, &out->value));
    }
    out->span = span_since(p, start);
    return ST_OK;
}

static Status parse_option_list(Parser *p, bool with_value, AstOptions *out) {
    AstOptions list = {.present = true};
    TRY(need_kind(p, TOK_LPAREN));
    if (!take_kind(p, TOK_RPAREN)) {
        do {
            AstOption option;
            TRY(parse_option(p, with_value, &option));
            LIST_PUSH(p, list.at, list.count, option);
        } while (take_kind(p, TOK_COMMA));
        TRY(need_kind(p, TOK_RPAREN));
    }
    *out = list;
    return ST_OK;
}

Status parse_options(Parser *p, AstOptions *out) { return parse_option_list(p, true, out); }

Status parse_option_keys(Parser *p, AstOptions *out) { return parse_option_list(p, false, out); }

Status parse_partition(Parser *p, bool bare, AstOptions *out) {
    AstOptions list = {.present = true};
    TRY(need_kind(p, TOK_LPAREN));
    do {
        uint32_t start = p->at;
        AstOption option = {0};
        TRY(parse_ident(p, &option.key));
        if (!bare || at_kind(p, TOK_EQ)) {
            TRY(need_kind(p, TOK_EQ));
            TRY(parse_literal(p, &option.value));
        }
        option.span = span_since(p, start);
        LIST_PUSH(p, list.at, list.count, option);
    } while (take_kind(p, TOK_COMMA));
    TRY(need_kind(p, TOK_RPAREN));
    *out = list;
    return ST_OK;
}

// The options of a hint: names, or literals (numbers and texts), or key = 'value' pairs; the first
// option decides for all of them.
static Status parse_hint_option(Parser *p, const AstHint *hint, AstOption *out) {
    uint32_t start = p->at;
    bool pairs = is_kind(p, 1, TOK_EQ), names = at_ident(p, 0);
    if (hint->option.count > 0) {
        const AstOption *first = &hint->option.at[0];
        bool first_pair = first->key.name.ptr && first->value;
        bool first_name = first->key.name.ptr && !first->value;
        if (first_pair != pairs || (!first_pair && first_name != names)) {
            return parser_unexpected(p);
        }
    }
    *out = (AstOption){0};
    if (names) {
        TRY(parse_ident(p, &out->key));
    } else if (pairs) {
        return parse_option(p, true, out);
    } else {
        TRY(parse_literal(p, &out->value));
        AstLiteralKind kind = out->value->literal.kind;
        bool fits = kind == LIT_TEXT || kind == LIT_BINARY || kind == LIT_INTEGER ||
                    kind == LIT_DECIMAL || kind == LIT_APPROX;
        if (!fits) return parser_fail(p, start, "a hint takes numbers and texts only");
    }
    if (pairs) {
        TRY(need_kind(p, TOK_EQ));
        TRY(parse_text(p, &out->value));
    }
    out->span = span_since(p, start);
    return ST_OK;
}

static Status parse_hint(Parser *p, AstHint *out) {
    uint32_t start = p->at;
    AstHint hint = {0};
    TRY(parse_ident(p, &hint.name));
    if (take_kind(p, TOK_LPAREN)) {
        hint.option.present = true;
        if (!take_kind(p, TOK_RPAREN)) {
            do {
                AstOption option;
                TRY(parse_hint_option(p, &hint, &option));
                LIST_PUSH(p, hint.option.at, hint.option.count, option);
            } while (take_kind(p, TOK_COMMA));
            TRY(need_kind(p, TOK_RPAREN));
        }
    }
    hint.span = span_since(p, start);
    *out = hint;
    return ST_OK;
}

Status parse_hints(Parser *p, AstHints *out) {
    AstHints hints = {0};
    if (take_kind(p, TOK_HINT_OPEN)) {
        do {
            AstHint hint;
            TRY(parse_hint(p, &hint));
            LIST_PUSH(p, hints.at, hints.count, hint);
        } while (take_kind(p, TOK_COMMA));
        TRY(need_kind(p, TOK_HINT_CLOSE));
    }
    *out = hints;
    return ST_OK;
}

Status parse_unsigned(Parser *p, int32_t *out) {
    if (!at_kind(p, TOK_INTEGER)) return parser_unexpected(p);
    int64_t value;
    if (!str_to_i64(token_text(p->text, parser_token(p, 0)), &value) || value > INT32_MAX) {
        return parser_fail(p, p->at, "this number is too large; the largest is %d", INT32_MAX);
    }
    *out = (int32_t)value;
    skip_token(p);
    return ST_OK;
}

// ---- entry points ------------------------------------------------------------------------------

static Status need_end(Parser *p) {
    return at_kind(p, TOK_END) ? ST_OK : parser_unexpected(p);
}

Status sql_parse(Arena *arena, Str text, AstStmt **out, Error *err) {
    Parser p;
    AstStmt *stmt = utf8_valid(text) ? parse_client(arena, text) : NULL;
    if (stmt) {
        *out = stmt;
        return ST_OK;
    }
    TRY(parser_open(&p, arena, text, err));
    TRY(parse_stmt(&p, &stmt));
    bool more = false;
    while (take_kind(&p, TOK_SEMICOLON)) more = true;
    if (more && !at_kind(&p, TOK_END)) {
        AstSpan second = span_between(&p, p.at, p.at);
        AstStmt *next = NULL;
        TRY(parse_stmt(&p, &next));
        return error_at(err, ST_VALIDATION, second.place,
                        "only single statement supported, and here a second one begins");
    }
    TRY(need_end(&p));
    *out = stmt;
    return ST_OK;
}

Status sql_parse_expr(Arena *arena, Str text, AstExpr **out, Error *err) {
    Parser p;
    AstExpr *expr;
    TRY(parser_open(&p, arena, text, err));
    TRY(parse_expr(&p, &expr));
    TRY(need_end(&p));
    *out = expr;
    return ST_OK;
}

Status sql_parse_query(Arena *arena, Str text, AstQuery **out, Error *err) {
    Parser p;
    AstQuery *query;
    TRY(parser_open(&p, arena, text, err));
    TRY(parse_query(&p, &query));
    while (take_kind(&p, TOK_SEMICOLON)) {}
    TRY(need_end(&p));
    *out = query;
    return ST_OK;
}

Status sql_parse_type(Arena *arena, Str text, AstType **out, Error *err) {
    Parser p;
    AstType *type;
    TRY(parser_open(&p, arena, text, err));
    TRY(parse_type_nullable(&p, &type));
    TRY(need_end(&p));
    *out = type;
    return ST_OK;
}

void sql_place_in_script(Place first, Place *place) {
    if (place->line == 1) place->column += first.column - 1;
    if (place->end_line == 1) place->end_column += first.column - 1;
    if (place->line) place->line += first.line - 1;
    if (place->end_line) place->end_line += first.line - 1;
}
