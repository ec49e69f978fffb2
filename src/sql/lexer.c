#include "base/hex.h"
#include "sql/lexer.h"

void lexer_init(Lexer *lexer, Str text) {
    *lexer = (Lexer){.text = text, .line = 1, .column = 1};
}

// ---- characters --------------------------------------------------------------------------------

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_ascii_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

// The letters beyond ASCII, as Calcite's grammar lists them.
static bool is_wide_letter(uint32_t code) {
    static const uint32_t RANGES[][2] = {
        {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x1FFF},   {0x3040, 0x318F}, {0x3300, 0x337F},
        {0x3400, 0x3D2D}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF},
    };
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++) {
        if (code >= RANGES[i][0] && code <= RANGES[i][1]) return true;
    }
    return false;
}

static char peek(const Lexer *lexer, uint32_t ahead) {
    uint64_t at = (uint64_t)lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

// Bytes of the letter at [at], 0 when there is none.
static uint32_t letter_size(const Lexer *lexer, uint32_t at) {
    if (at >= lexer->text.len) return 0;
    char c = lexer->text.ptr[at];
    if ((unsigned char)c < 0x80) return is_ascii_letter(c);
    uint32_t code;
    uint32_t size = utf8_next(lexer->text.ptr + at, str_end(lexer->text), &code);
    return size > 1 && is_wide_letter(code) ? size : 0;
}

static uint32_t word_end(const Lexer *lexer, uint32_t at) {
    for (;;) {
        if (at < lexer->text.len && is_digit(lexer->text.ptr[at])) {
            at++;
            continue;
        }
        uint32_t size = letter_size(lexer, at);
        if (size == 0) return at;
        at += size;
    }
}

// Counts places over text[from, to): the place after it.
static void advance_place(Str text, uint32_t from, uint32_t to, uint32_t *line, uint32_t *column) {
    for (uint32_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\n' || (c == '\r' && !(i + 1 < text.len && text.ptr[i + 1] == '\n'))) {
            *line += 1;
            *column = 1;
        } else if (c == '\r') {  // counts with the \n after it
        } else if (c < 0x80) {
            *column += 1;
        } else if (c >= 0xF0) {
            *column += 2;  // a surrogate pair
        } else if (c >= 0xC0) {
            *column += 1;
        }
    }
}

static void advance(Lexer *lexer, uint32_t to) {
    advance_place(lexer->text, lexer->at, to, &lexer->line, &lexer->column);
    lexer->at = to;
}

Place token_place(Str text, const Token *token) {
    Place place = {token->line, token->column, token->line, token->column};
    // The place of the last character: walk all but that.
    uint32_t last = token->to;
    if (last > token->from) last--;
    while (last > token->from && ((unsigned char)text.ptr[last] & 0xC0) == 0x80) last--;
    advance_place(text, token->from, last, &place.end_line, &place.end_column);
    return place;
}

// ---- tokens ------------------------------------------------------------------------------------

static Status lexer_error(const Lexer *lexer, Error *err, const char *message) {
    Place place = {lexer->line, lexer->column, lexer->line, lexer->column};
    return error_at(err, ST_PARSE, place, "%s", message);
}

void lexer_seek(Lexer *lexer, uint32_t at) {
    if (at > lexer->text.len) at = lexer->text.len;
    advance(lexer, at);
}

bool lexer_skip_broken(Lexer *lexer) {
    char c = peek(lexer, 0);
    bool open = c == '\'' || (c == '/' && peek(lexer, 1) == '*');
    // A back-tick is broken also by being empty or by a line's end; the rest of the line is passed.
    if (open || lexer->at >= lexer->text.len) return false;
    advance(lexer, lexer->at + 1);
    return true;
}

// Skips white space and comments. A comment that does not end is an error.
static Status skip_blank(Lexer *lexer, Error *err) {
    for (;;) {
        char c = peek(lexer, 0), d = peek(lexer, 1);
        if (lexer->at >= lexer->text.len) return ST_OK;
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            advance(lexer, lexer->at + 1);
        } else if ((c == '-' && d == '-') || (c == '/' && d == '/')) {
            uint32_t to = lexer->at;
            while (to < lexer->text.len && lexer->text.ptr[to] != '\n' &&
                   lexer->text.ptr[to] != '\r') {
                to++;
            }
            advance(lexer, to);
        } else if (c == '/' && d == '*' && peek(lexer, 2) != '+') {
            int64_t end = str_find(lexer->text, STR("*/"), lexer->at + 2);
            if (end < 0) return lexer_error(lexer, err, "this comment has no end");
            advance(lexer, (uint32_t)end + 2);
        } else {
            return ST_OK;
        }
    }
}

// The end of a text that opens at [at] with [quote], doubled quotes inside; 0 when it has none.
static uint32_t quoted_end(Str text, uint32_t at, char quote) {
    for (uint32_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] != quote) continue;
        if (i + 1 < text.len && text.ptr[i + 1] == quote) i++;
        else return i + 1;
    }
    return 0;
}

// The end of E'…': a backslash takes the next character with it.
static uint32_t c_text_end(Str text, uint32_t at) {
    for (uint32_t i = at + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\') {
            i++;
        } else if (text.ptr[i] == '\'') {
            if (i + 1 < text.len && text.ptr[i + 1] == '\'') i++;
            else return i + 1;
        }
    }
    return 0;
}

// The end of the charset's name in _latin1'…' when a quote follows, else 0.
static uint32_t charset_end(const Lexer *lexer) {
    uint32_t i = lexer->at + 1;
    char first = peek(lexer, 1);
    if (!is_ascii_letter(first) || first == '_' || first == '$') return 0;
    for (; i < lexer->text.len; i++) {
        char c = lexer->text.ptr[i];
        if (c == '\'') return i;
        bool fits = (is_ascii_letter(c) && c != '$') || is_digit(c) || c == ':' || c == '.' ||
                    c == '-';
        if (!fits) return 0;
    }
    return 0;
}

// Texts with a prefix: X'', E'', N'', U&'', _charset''. Answers whether it was one of them.
static bool prefixed_text(const Lexer *lexer, Token *token) {
    char c = peek(lexer, 0);
    uint32_t quote = lexer->at + 1;
    TokenKind kind;
    switch (c) {
        case 'x': case 'X': kind = TOK_BINARY; break;
        case 'n': case 'N': kind = TOK_TEXT_PREFIXED; break;
        case 'e': case 'E': kind = TOK_TEXT_C; break;
        case 'u': case 'U':
            if (peek(lexer, 1) != '&') return false;
            kind = TOK_TEXT_UNICODE;
            quote++;
            break;
        case '_':
            kind = TOK_TEXT_PREFIXED;
            quote = charset_end(lexer);
            if (quote == 0) return false;
            break;
        default: return false;
    }
    if (quote >= lexer->text.len || lexer->text.ptr[quote] != '\'') return false;
    uint32_t end = kind == TOK_TEXT_C ? c_text_end(lexer->text, quote)
                                      : quoted_end(lexer->text, quote, '\'');
    if (end == 0) return false;
    token->kind = (uint8_t)kind;
    token->to = end;
    return true;
}

static void number(const Lexer *lexer, Token *token) {
    Str text = lexer->text;
    uint32_t i = lexer->at;
    TokenKind kind = TOK_INTEGER;
    while (i < text.len && is_digit(text.ptr[i])) i++;
    // In 1..2 the first point belongs to the number, as Flink's lexer takes the longest match.
    if (i < text.len && text.ptr[i] == '.') {
        kind = TOK_DECIMAL;
        i++;
        while (i < text.len && is_digit(text.ptr[i])) i++;
    }
    if (i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
        uint32_t j = i + 1;
        if (j < text.len && (text.ptr[j] == '+' || text.ptr[j] == '-')) j++;
        if (j < text.len && is_digit(text.ptr[j])) {
            while (j < text.len && is_digit(text.ptr[j])) j++;
            kind = TOK_APPROX;
            i = j;
        }
    }
    token->kind = (uint8_t)kind;
    token->to = i;
}

// {d, {t, {ts, {fn with any spaces between, and the plain brace.
static void brace(const Lexer *lexer, Token *token) {
    uint32_t i = lexer->at + 1;
    while (i < lexer->text.len && lexer->text.ptr[i] == ' ') i++;
    char c = i < lexer->text.len ? (char)(lexer->text.ptr[i] | 32) : '\0';
    char d = i + 1 < lexer->text.len ? (char)(lexer->text.ptr[i + 1] | 32) : '\0';
    token->kind = TOK_LBRACE;
    token->to = lexer->at + 1;
    if (c == 'd') token->kind = TOK_LBRACE_D, token->to = i + 1;
    else if (c == 't' && d == 's') token->kind = TOK_LBRACE_TS, token->to = i + 2;
    else if (c == 't') token->kind = TOK_LBRACE_T, token->to = i + 1;
    else if (c == 'f' && d == 'n') token->kind = TOK_LBRACE_FN, token->to = i + 2;
}

// Signs of one and two characters; false for a character that begins nothing.
static bool sign(const Lexer *lexer, Token *token) {
    char c = peek(lexer, 0), d = peek(lexer, 1);
    uint32_t size = 1;
    TokenKind kind;
    switch (c) {
        case '(': kind = TOK_LPAREN; break;
        case ')': kind = TOK_RPAREN; break;
        case '[': kind = TOK_LBRACKET; break;
        case ']': kind = TOK_RBRACKET; break;
        case '}': kind = TOK_RBRACE; break;
        case ';': kind = TOK_SEMICOLON; break;
        case ',': kind = TOK_COMMA; break;
        case '+': kind = TOK_PLUS; break;
        case '-': kind = TOK_MINUS; break;
        case '%': kind = TOK_PERCENT; break;
        case '^': kind = TOK_CARET; break;
        case ':': kind = TOK_COLON; break;
        case '?': kind = TOK_QUESTION; break;
        case '.': kind = d == '.' ? (size = 2, TOK_DOT_DOT) : TOK_DOT; break;
        case '=': kind = d == '>' ? (size = 2, TOK_ARROW) : TOK_EQ; break;
        case '>': kind = d == '=' ? (size = 2, TOK_GE) : TOK_GT; break;
        case '|': kind = d == '|' ? (size = 2, TOK_CONCAT) : TOK_BAR; break;
        case '*': kind = d == '/' ? (size = 2, TOK_HINT_CLOSE) : TOK_STAR; break;
        case '/': kind = d == '*' ? (size = 3, TOK_HINT_OPEN) : TOK_SLASH; break;
        case '<':
            kind = d == '=' ? (size = 2, TOK_LE) : d == '>' ? (size = 2, TOK_NE) : TOK_LT;
            break;
        case '!':
            if (d != '=') return false;
            size = 2;
            kind = TOK_BANG;
            break;
        default: return false;
    }
    token->kind = (uint8_t)kind;
    token->to = lexer->at + size;
    return true;
}

static Status unknown_character(const Lexer *lexer, Error *err) {
    char c = peek(lexer, 0);
    if (c == '\'') return lexer_error(lexer, err, "the text that starts here has no closing quote");
    if (c == '"') {
        Status st = lexer_error(lexer, err, "unexpected '\"'");
        error_hint(err,
                   "names are quoted with back-ticks, `name`; texts with single quotes, 'text'");
        return st;
    }
    uint32_t code;
    uint32_t size =
        utf8_next(lexer->text.ptr + lexer->at, str_end(lexer->text), &code);
    Place place = {lexer->line, lexer->column, lexer->line, lexer->column};
    if ((unsigned char)c < 0x20 || (unsigned char)c == 0x7F) {
        return error_at(err, ST_PARSE, place, "unexpected character 0x%02x", (unsigned)c);
    }
    return error_at(err, ST_PARSE, place, "unexpected character '%.*s'", (int)size,
                    lexer->text.ptr + lexer->at);
}

// `…`: not empty, not over the end of a line.
static Status back_quoted(const Lexer *lexer, Token *token, Error *err) {
    uint32_t end = quoted_end(lexer->text, lexer->at, '`');
    if (end == 0) {
        return lexer_error(lexer, err, "the name that starts here has no closing back-tick");
    }
    if (end == lexer->at + 2) return lexer_error(lexer, err, "a quoted name is empty");
    for (uint32_t i = lexer->at; i < end; i++) {
        if (lexer->text.ptr[i] == '\n' || lexer->text.ptr[i] == '\r') {
            return lexer_error(lexer, err, "a quoted name runs over the end of its line");
        }
    }
    token->kind = TOK_QUOTED;
    token->to = end;
    return ST_OK;
}

Status lexer_next(Lexer *lexer, Token *token, Error *err) {
    TRY(skip_blank(lexer, err));
    *token =
        (Token){.from = lexer->at, .to = lexer->at, .line = lexer->line, .column = lexer->column};
    if (lexer->at >= lexer->text.len) return ST_OK;  // TOK_END

    char c = peek(lexer, 0);
    if (c == '\'') {
        token->kind = TOK_TEXT;
        token->to = quoted_end(lexer->text, lexer->at, '\'');
        if (token->to == 0) return unknown_character(lexer, err);
    } else if (c == '`') {
        TRY(back_quoted(lexer, token, err));
    } else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        number(lexer, token);
    } else if (prefixed_text(lexer, token)) {
    } else if (letter_size(lexer, lexer->at)) {
        token->to = word_end(lexer, lexer->at);
        token->kind = TOK_WORD;
        token->word = (uint16_t)keyword_find(token_text(lexer->text, token));
        if (token->to == lexer->at + 1 && c == '$') token->kind = TOK_DOLLAR;
    } else if (c == '{') {
        brace(lexer, token);
    } else if (!sign(lexer, token)) {
        return unknown_character(lexer, err);
    }
    advance(lexer, token->to);
    return ST_OK;
}

const char *token_kind_text(TokenKind kind) {
    static const char *const TEXTS[TOK_KIND_COUNT_] = {
        [TOK_END] = "the end",
        [TOK_WORD] = "a name",
        [TOK_QUOTED] = "a name",
        [TOK_INTEGER] = "a whole number",
        [TOK_DECIMAL] = "a number",
        [TOK_APPROX] = "a number",
        [TOK_TEXT] = "a text",
        [TOK_TEXT_PREFIXED] = "a text",
        [TOK_TEXT_UNICODE] = "a text",
        [TOK_TEXT_C] = "a text",
        [TOK_BINARY] = "a binary literal",
        [TOK_LPAREN] = "'('",
        [TOK_RPAREN] = "')'",
        [TOK_LBRACKET] = "'['",
        [TOK_RBRACKET] = "']'",
        [TOK_LBRACE] = "'{'",
        [TOK_LBRACE_D] = "'{d'",
        [TOK_LBRACE_T] = "'{t'",
        [TOK_LBRACE_TS] = "'{ts'",
        [TOK_LBRACE_FN] = "'{fn'",
        [TOK_RBRACE] = "'}'",
        [TOK_SEMICOLON] = "';'",
        [TOK_DOT] = "'.'",
        [TOK_DOT_DOT] = "'..'",
        [TOK_COMMA] = "','",
        [TOK_EQ] = "'='",
        [TOK_NE] = "'<>'",
        [TOK_BANG] = "'!='",
        [TOK_LT] = "'<'",
        [TOK_LE] = "'<='",
        [TOK_GT] = "'>'",
        [TOK_GE] = "'>='",
        [TOK_PLUS] = "'+'",
        [TOK_MINUS] = "'-'",
        [TOK_STAR] = "'*'",
        [TOK_SLASH] = "'/'",
        [TOK_PERCENT] = "'%'",
        [TOK_CONCAT] = "'||'",
        [TOK_BAR] = "'|'",
        [TOK_CARET] = "'^'",
        [TOK_DOLLAR] = "'$'",
        [TOK_COLON] = "':'",
        [TOK_QUESTION] = "'?'",
        [TOK_ARROW] = "'=>'",
        [TOK_HINT_OPEN] = "'/*+'",
        [TOK_HINT_CLOSE] = "'*/'",
    };
    return TEXTS[kind];
}

// ---- decoding ----------------------------------------------------------------------------------

// What stands between the outermost quotes of a token.
static Str token_inside(Str text, const Token *token) {
    Str all = token_text(text, token);
    uint32_t open = 0;
    while (open < all.len && all.ptr[open] != '\'' && all.ptr[open] != '`') open++;
    return str_sub(all, open + 1, all.len - open - 2);
}

Str token_unquote(Arena *arena, Str text, const Token *token) {
    Str inside = token_inside(text, token);
    char quote = text.ptr[token->to - 1];
    char *out = arena_alloc(arena, (size_t)inside.len + 1);
    uint32_t len = 0;
    for (uint32_t i = 0; i < inside.len; i++) {
        out[len++] = inside.ptr[i];
        if (inside.ptr[i] == quote) i++;
    }
    out[len] = '\0';
    return (Str){out, len};
}

Status token_decode_binary(Arena *arena, Str text, const Token *token, Str *out, Error *err) {
    Str inside = token_inside(text, token);
    char *digits = arena_alloc(arena, (size_t)inside.len + 1);
    for (uint32_t i = 0; i < inside.len; i++) {
        char c = inside.ptr[i];
        if (c >= 'a' && c <= 'f') c = (char)(c - 32);
        if (!is_digit(c) && !(c >= 'A' && c <= 'F')) {
            return error_at(err, ST_PARSE, token_place(text, token),
                            "a binary literal holds hexadecimal digits only");
        }
        digits[i] = c;
    }
    digits[inside.len] = '\0';
    *out = (Str){digits, inside.len};
    return ST_OK;
}

// [count] hex digits at inside[at]; -1 when they are not all there. Java's reader takes a sign for
// the first digit, and so do we.
static int64_t hex_code(Str inside, uint32_t at, uint32_t count) {
    if (at + count > inside.len) return -1;
    int64_t code = 0;
    for (uint32_t i = 0; i < count; i++) {
        int value = hex_digit(inside.ptr[at + i]);
        if (value < 0 && i == 0 && inside.ptr[at] == '+' && count > 1) value = 0;
        if (value < 0) return -1;
        code = code * 16 + value;
    }
    return code;
}

// A growing text in an arena whose final size is known not to exceed that of its source.
typedef struct Decoded {
    char *ptr;
    uint32_t len;
    uint32_t high;  // a high surrogate that waits for its other half, or 0
} Decoded;

// A high surrogate that no low one followed.
static void decoded_flush(Decoded *out) {
    if (out->high) out->len += utf8_put(out->ptr + out->len, 0xFFFD);
    out->high = 0;
}

static void decoded_code(Decoded *out, uint32_t code) {
    bool low = code >= 0xDC00 && code <= 0xDFFF;
    if (out->high && low) {
        code = 0x10000 + ((out->high - 0xD800) << 10) + (code - 0xDC00);
        out->high = 0;
    } else {
        decoded_flush(out);
        if (code >= 0xD800 && code <= 0xDBFF) {
            out->high = code;
            return;
        }
        if (low || code > 0x10FFFF) code = 0xFFFD;
    }
    out->len += utf8_put(out->ptr + out->len, code);
}

static void decoded_byte(Decoded *out, char c) {
    decoded_flush(out);
    out->ptr[out->len++] = c;
}

static Status bad_escape(Str text, const Token *token, Error *err, uint32_t at, uint32_t digits) {
    return error_at(err, ST_PARSE, token_place(text, token),
                    "the unicode escape at character %u of this text needs %u hexadecimal digits",
                    at + 1, digits);
}

Status token_decode_unicode(Arena *arena, Str text, const Token *token, char escape, Str *out,
                            Error *err) {
    Str inside = token_inside(text, token);
    Decoded decoded = {.ptr = arena_alloc(arena, (size_t)inside.len * 3 + 4)};
    for (uint32_t i = 0; i < inside.len; i++) {
        char c = inside.ptr[i];
        if (c == '\'') {
            decoded_byte(&decoded, c);
            i++;
        } else if (c != escape) {
            decoded_byte(&decoded, c);
        } else if (i + 1 < inside.len && inside.ptr[i + 1] == escape) {
            decoded_byte(&decoded, c);
            i++;
        } else {
            int64_t code = hex_code(inside, i + 1, 4);
            if (code < 0) return bad_escape(text, token, err, i, 4);
            decoded_code(&decoded, (uint32_t)code);
            i += 4;
        }
    }
    decoded_flush(&decoded);
    *out = (Str){decoded.ptr, decoded.len};
    return ST_OK;
}

// One escape of E'…' at inside[i], which is the backslash; moves i to its last character.
static Status c_escape(Str text, const Token *token, Str inside, uint32_t *i, Decoded *out,
                       Error *err) {
    char c = *i + 1 < inside.len ? inside.ptr[*i + 1] : '\0';
    const char *simple = "b\bf\fn\nr\rt\t\\\\''";
    for (const char *s = simple; *s; s += 2) {
        if (c == s[0]) {
            decoded_byte(out, s[1]);
            *i += 1;
            return ST_OK;
        }
    }
    if (c == 'u' || c == 'U') {
        uint32_t digits = c == 'u' ? 4 : 8;
        int64_t code = hex_code(inside, *i + 2, digits);
        if (code < 0) return bad_escape(text, token, err, *i, digits);
        decoded_code(out, code > UINT32_MAX ? 0xFFFD : (uint32_t)code);
        *i += 1 + digits;
        return ST_OK;
    }
    uint32_t at = *i + 1, code = 0, base = 8, most = 3;
    if (c == 'x') at++, base = 16, most = 2;
    uint32_t start = at;
    while (at < inside.len && at - start < most && hex_digit(inside.ptr[at]) >= 0 &&
           hex_digit(inside.ptr[at]) < (int)base) {
        code = code * base + (uint32_t)hex_digit(inside.ptr[at++]);
    }
    if (at == start) {
        decoded_byte(out, '\\');  // no escape of any kind: it stays as it is
        return ST_OK;
    }
    decoded_code(out, code);
    *i = at - 1;
    return ST_OK;
}

Status token_decode_c(Arena *arena, Str text, const Token *token, Str *out, Error *err) {
    Str inside = token_inside(text, token);
    Decoded decoded = {.ptr = arena_alloc(arena, (size_t)inside.len * 3 + 4)};
    for (uint32_t i = 0; i < inside.len; i++) {
        char c = inside.ptr[i];
        if (c == '\\') {
            TRY(c_escape(text, token, inside, &i, &decoded, err));
        } else {
            decoded_byte(&decoded, c);
            if (c == '\'') i++;
        }
    }
    decoded_flush(&decoded);
    *out = (Str){decoded.ptr, decoded.len};
    return ST_OK;
}
