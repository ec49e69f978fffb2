// java.util.regex to PCRE2. One pass, recursive over groups and classes, that writes out what each
// piece means instead of trusting that both engines mean the same:
//   .  ^  $  \b  \Z      line ends are \n \r \r\n U+0085 U+2028 U+2029; \b knows letters of all
//                        scripts (JDK 17)
//   [a[b]&&[^c]]         unions and intersections, as look-aheads over plain classes
//   (?i)                 folds ASCII only, unless (?u): letters are spelled out, [aA]
//   \p{IsHan} \p{InGreek} \p{javaUpperCase} \p{Punct}, \uXXXX, \0101, \Q…\E
// Flags are tracked here, group by group; PCRE2 itself only ever sees (?i) for the case of (?iu).
#include "func/regexp.h"

#include "base/assert.h"
#include "base/hex.h"
#include "func/regexp_blocks.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct Reader {
    const char *at, *end, *begin;
    uint32_t flags;
    uint32_t groups;  // opened so far
    uint32_t depth;
    Buf *out;
    Error *err;
} Reader;

enum { REGEXP_DEPTH_MAX = 250 };  // PCRE2's own default for nested parentheses

static const char LINE_ENDS[] = "\\n\\r\\x{85}\\x{2028}\\x{2029}";
static const char WORD_17[] = "\\p{L}\\p{Nd}\\p{Mn}_";  // what \b takes for a word in JDK 17
static const char ANY[] = "(?s:.)";

static Status refuse(Reader *in, const char *what) {
    return error_set(in->err, ST_RUNTIME, "regular expression '" STR_FMT "': %s near index %zu",
                     STR_ARG(str_make(in->begin, (size_t)(in->end - in->begin))), what,
                     (size_t)(in->at - in->begin));
}

static Status cannot(Reader *in, const char *what) {
    Status st = error_set(in->err, ST_UNSUPPORTED,
                          "regular expression '" STR_FMT "': %s is not supported",
                          STR_ARG(str_make(in->begin, (size_t)(in->end - in->begin))), what);
    error_hint(in->err, "say it in another way; all but a few rare forms of java.util.regex work");
    return st;
}

static bool more(const Reader *in) {
    return in->at < in->end;
}

static bool looking_at(const Reader *in, const char *text) {
    size_t len = strlen(text);
    return (size_t)(in->end - in->at) >= len && memcmp(in->at, text, len) == 0;
}

static bool accept(Reader *in, const char *text) {
    if (!looking_at(in, text)) return false;
    in->at += strlen(text);
    return true;
}

static bool is_ascii_letter(uint32_t c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

// Whether letters of ASCII must be folded by us: (?i) without (?u).
static bool folds_ascii(const Reader *in) {
    return in->flags & REGEXP_CASELESS &&
           !(in->flags & (REGEXP_UNICODE_CASE | REGEXP_UNICODE_CLASSES));
}

static bool folds_unicode(uint32_t flags) {
    return flags & REGEXP_CASELESS && flags & (REGEXP_UNICODE_CASE | REGEXP_UNICODE_CLASSES);
}

// One character as PCRE2 reads it literally, inside a class or outside.
static void put_char(Buf *out, uint32_t code) {
    if (code < 0x80 && !is_ascii_letter(code) && !(code >= '0' && code <= '9') && code != '_') {
        if (code < ' ' || code == 0x7F || code == ' ' || code == '#') {
            buf_printf(out, "\\x{%x}", code);
        } else {
            buf_putc(out, '\\');
            buf_putc(out, (char)code);
        }
    } else {
        buf_put_code(out, code);
    }
}

static void put_literal(Reader *in, uint32_t code) {
    if (folds_ascii(in) && is_ascii_letter(code)) {
        buf_printf(in->out, "[%c%c]", (int)code | 32, (int)code & ~32);
    } else {
        put_char(in->out, code);
    }
}

static void put_range(const Reader *in, Buf *items, uint32_t low, uint32_t high) {
    put_char(items, low);
    if (high != low) {
        buf_putc(items, '-');
        put_char(items, high);
    }
    if (!folds_ascii(in)) return;
    for (int upper = 0; upper < 2; upper++) {  // the part among a-z as capitals, and the reverse
        uint32_t first = upper ? 'A' : 'a', last = first + 25;
        uint32_t from = low > first ? low : first, to = high < last ? high : last;
        if (from > to) continue;
        put_char(items, from ^ 32);
        buf_putc(items, '-');
        put_char(items, to ^ 32);
    }
}

// ---- named classes -----------------------------------------------------------------------------

typedef struct ClassName {
    const char *name, *items;
    const char *unicode;  // with UNICODE_CHARACTER_CLASS; NULL: the same
} ClassName;

static const ClassName POSIX_CLASSES[] = {
    {"Lower", "a-z", "\\p{Ll}"},
    {"Upper", "A-Z", "\\p{Lu}"},
    {"ASCII", "\\x00-\\x7F", NULL},
    {"Alpha", "a-zA-Z", "\\p{L}\\p{Nl}"},
    {"Digit", "0-9", "\\p{Nd}"},
    {"Alnum", "a-zA-Z0-9", "\\p{L}\\p{Nl}\\p{Nd}"},
    {"Punct", "!-\\/:-@\\[-`{-~", "\\p{P}"},
    {"Graph", "!-~", NULL},
    {"Print", "\\x20-~", NULL},
    {"Blank", "\\x20\\t", "\\h"},
    {"Cntrl", "\\x00-\\x1F\\x7F", "\\p{Cc}"},
    {"XDigit", "0-9a-fA-F", NULL},
    {"Space", "\\x20\\t\\n\\x0B\\f\\r", NULL},
    {"L1", "\\x{0}-\\x{FF}", NULL},
    {"all", "\\x{0}-\\x{10FFFF}", NULL},
    {"LC", "\\p{Lu}\\p{Ll}\\p{Lt}", NULL},
    {"LD", "\\p{L}\\p{Nd}", NULL},
};

static const ClassName JAVA_CLASSES[] = {
    {"javaLowerCase", "\\p{Lowercase}", NULL},
    {"javaUpperCase", "\\p{Uppercase}", NULL},
    {"javaAlphabetic", "\\p{Alphabetic}", NULL},
    {"javaIdeographic", "\\p{Ideographic}", NULL},
    {"javaTitleCase", "\\p{Lt}", NULL},
    {"javaDigit", "\\p{Nd}", NULL},
    {"javaDefined", "\\x{0}-\\x{10FFFF}", NULL},
    {"javaLetter", "\\p{L}", NULL},
    {"javaLetterOrDigit", "\\p{L}\\p{Nd}", NULL},
    {"javaSpaceChar", "\\p{Z}", NULL},
    {"javaWhitespace", "\\t-\\r\\x1C-\\x20\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200A}\\x{2028}"
                       "\\x{2029}\\x{205F}\\x{3000}", NULL},
    {"javaISOControl", "\\x00-\\x1F\\x{7F}-\\x{9F}", NULL},
    {"javaMirrored", "\\p{Bidi_M}", NULL},
};

// Binary properties of \p{Is…}; the others are categories and scripts, which PCRE2 knows.
static const ClassName IS_CLASSES[] = {
    {"ALPHABETIC", "\\p{Alphabetic}", NULL},   {"IDEOGRAPHIC", "\\p{Ideographic}", NULL},
    {"LETTER", "\\p{L}", NULL},                {"LOWERCASE", "\\p{Lowercase}", NULL},
    {"UPPERCASE", "\\p{Uppercase}", NULL},     {"TITLECASE", "\\p{Lt}", NULL},
    {"PUNCTUATION", "\\p{P}", NULL},           {"CONTROL", "\\p{Cc}", NULL},
    {"DIGIT", "\\p{Nd}", NULL},                {"JOINCONTROL", "\\x{200C}\\x{200D}", NULL},
    {"WHITESPACE", "\\t-\\r\\x20\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}"
                   "\\x{202F}\\x{205F}\\x{3000}", NULL},
    {"HEXDIGIT", "0-9a-fA-F\\x{FF10}-\\x{FF19}\\x{FF21}-\\x{FF26}\\x{FF41}-\\x{FF46}", NULL},
};

static const char *find_class(const ClassName *table, size_t count, Str name, uint32_t flags) {
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(name, str_c(table[i].name))) continue;
        bool unicode = flags & REGEXP_UNICODE_CLASSES && table[i].unicode;
        return unicode ? table[i].unicode : table[i].items;
    }
    return NULL;
}

enum { PROPERTY_NAME_MAX = 64 };

// Upper case without blanks, '_' and '-', as Java compares names of blocks and properties.
static Str normal_name(Str name, char out[PROPERTY_NAME_MAX]) {
    uint32_t len = 0;
    for (uint32_t i = 0; i < name.len && len < PROPERTY_NAME_MAX; i++) {
        char c = name.ptr[i];
        if (c == ' ' || c == '_' || c == '-') continue;
        out[len++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    return (Str){out, len};
}

static bool put_block(Buf *items, Str name) {
    char text[PROPERTY_NAME_MAX];
    Str wanted = normal_name(name, text);
    if (str_is(wanted, "GREEKANDCOPTIC")) wanted = STR("GREEK");
    if (str_is(wanted, "CYRILLICSUPPLEMENT")) wanted = STR("CYRILLICSUPPLEMENTARY");
    if (str_is(wanted, "COMBININGDIACRITICALMARKSFORSYMBOLS")) {
        wanted = STR("COMBININGMARKSFORSYMBOLS");
    }
    for (size_t i = 0; i < COUNT(BLOCKS); i++) {
        if (!str_eq(wanted, str_c(BLOCKS[i].name))) continue;
        buf_printf(items, "\\x{%X}-\\x{%X}", BLOCKS[i].first, BLOCKS[i].last);
        return true;
    }
    return false;
}

// \p{Lu}, \p{IsHan}, \p{InGreek}, \p{sc=Han} …: the items of a class.
static Status put_property(Reader *in, Str name, Buf *items) {
    const char *at = name.len ? memchr(name.ptr, '=', name.len) : NULL;
    bool plain = true;  // safe to hand on: letters, digits, '_', '&' only
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        plain &= is_ascii_letter((unsigned char)c) || (c >= '0' && c <= '9') ||
                 (c && strchr("_ -=", c));
    }
    if (!plain || !name.len) return refuse(in, "unknown character property name");
    if (at) {
        char key_text[PROPERTY_NAME_MAX];
        Str key = normal_name(str_sub(name, 0, (uint32_t)(at - name.ptr)), key_text);
        Str value = str_sub(name, (uint32_t)(at - name.ptr) + 1, name.len);
        if (str_is(key, "BLK") || str_is(key, "BLOCK")) {
            return put_block(items, value) ? ST_OK : refuse(in, "unknown character block name");
        }
        bool known = str_is(key, "SC") || str_is(key, "SCRIPT") || str_is(key, "GC") ||
                     str_is(key, "GENERALCATEGORY");
        if (!known) return refuse(in, "unknown Unicode property");
        bool script = key.ptr[0] == 'S';
        buf_printf(items, script ? "\\p{sc:" STR_FMT "}" : "\\p{" STR_FMT "}", STR_ARG(value));
        return ST_OK;
    }
    if (str_starts(name, STR("In"))) {
        return put_block(items, str_sub(name, 2, name.len))
                   ? ST_OK : refuse(in, "unknown character block name");
    }
    if (str_starts(name, STR("java"))) {
        const char *java = find_class(JAVA_CLASSES, COUNT(JAVA_CLASSES), name, in->flags);
        if (!java) return cannot(in, "this \\p{java…} class");
        buf_puts(items, java);
        return ST_OK;
    }
    if (str_starts(name, STR("Is"))) {
        char text[PROPERTY_NAME_MAX];
        Str rest = str_sub(name, 2, name.len);
        const char *binary =
            find_class(IS_CLASSES, COUNT(IS_CLASSES), normal_name(rest, text), in->flags);
        if (binary) {
            buf_puts(items, binary);
        } else if (rest.len <= 2) {
            buf_printf(items, "\\p{" STR_FMT "}", STR_ARG(rest));  // a category
        } else {
            buf_printf(items, "\\p{sc:" STR_FMT "}", STR_ARG(rest));
        }
        return ST_OK;
    }
    const char *posix = find_class(POSIX_CLASSES, COUNT(POSIX_CLASSES), name, in->flags);
    if (posix) {
        buf_puts(items, posix);
        return ST_OK;
    }
    if (name.len > 2) return refuse(in, "unknown character property name");
    buf_printf(items, "\\p{" STR_FMT "}", STR_ARG(name));
    return ST_OK;
}

// At the letter behind the backslash: d D h H s S v V w W p P. *items receives the items of a
// class, *negated whether it is their complement.
static Status read_class_escape(Reader *in, Buf *items, bool *negated) {
    char c = *in->at++;
    bool unicode = in->flags & REGEXP_UNICODE_CLASSES;
    *negated = c >= 'A' && c <= 'Z';
    switch (c | 32) {
        case 'd': buf_puts(items, unicode ? "\\p{Nd}" : "0-9"); return ST_OK;
        case 'h': buf_puts(items, "\\h"); return ST_OK;
        case 'v': buf_puts(items, "\\v"); return ST_OK;
        case 's':
            buf_puts(items, unicode ? "\\t-\\r\\x20\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}"
                                      "\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
                                    : "\\t-\\r\\x20");
            return ST_OK;
        case 'w':
            buf_puts(items, unicode ? "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200C}\\x{200D}"
                                    : "a-zA-Z0-9_");
            return ST_OK;
        default: break;
    }
    if (!more(in)) return refuse(in, "a character property expected");
    Str name = str_make(in->at, 1);
    if (*in->at++ == '{') {
        const char *close = memchr(in->at, '}', (size_t)(in->end - in->at));
        if (!close) return refuse(in, "unclosed character family");
        name = str_make(in->at, (size_t)(close - in->at));
        if (name.len && name.ptr[0] == '^') {  // not Java
            return refuse(in, "unknown character property name");
        }
        in->at = close + 1;
    }
    return put_property(in, name, items);
}

static bool is_class_escape(char c) {
    return c && strchr("dDhHsSvVwWpP", c);
}

// ---- characters --------------------------------------------------------------------------------

static bool read_hex(Reader *in, int digits, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < digits; i++) {
        if (!more(in) || hex_digit(*in->at) < 0) return false;
        *code = *code << 4 | (uint32_t)hex_digit(*in->at++);
    }
    return true;
}

// Behind "\u"; two escapes may make one character.
static Status read_unicode(Reader *in, uint32_t *code) {
    if (!read_hex(in, 4, code)) return refuse(in, "illegal Unicode escape sequence");
    if (*code >= 0xD800 && *code <= 0xDBFF && looking_at(in, "\\u")) {
        const char *back = in->at;
        uint32_t low;
        in->at += 2;
        if (read_hex(in, 4, &low) && low >= 0xDC00 && low <= 0xDFFF) {
            *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
            return ST_OK;
        }
        in->at = back;
    }
    if (*code >= 0xD800 && *code <= 0xDFFF) return cannot(in, "half of a surrogate pair");
    return ST_OK;
}

// Behind "\0": one to three octal digits, at most 0377.
static Status read_octal(Reader *in, uint32_t *code) {
    *code = 0;
    int digits = 0;
    while (digits < 3 && more(in) && *in->at >= '0' && *in->at <= '7' && *code * 8 + 7 < 0x108) {
        if (digits == 2 && *code > 037) break;
        *code = *code * 8 + (uint32_t)(*in->at++ - '0');
        digits++;
    }
    return digits ? ST_OK : refuse(in, "illegal octal escape sequence");
}

static Status read_hex_escape(Reader *in, uint32_t *code) {
    if (accept(in, "{")) {
        *code = 0;
        int digits = 0;
        while (more(in) && hex_digit(*in->at) >= 0 && *code <= 0x10FFFF) {
            *code = *code << 4 | (uint32_t)hex_digit(*in->at++);
            digits++;
        }
        if (!digits || *code > 0x10FFFF || !accept(in, "}")) {
            return refuse(in, "illegal hexadecimal escape sequence");
        }
        if (*code >= 0xD800 && *code <= 0xDFFF) return cannot(in, "half of a surrogate pair");
        return ST_OK;
    }
    return read_hex(in, 2, code) ? ST_OK : refuse(in, "illegal hexadecimal escape sequence");
}

// Behind a backslash, where it stands for one character.
static Status read_char_escape(Reader *in, uint32_t *code) {
    in->at += utf8_next(in->at, in->end, code);
    switch (*code) {
        case 't': *code = '\t'; return ST_OK;
        case 'n': *code = '\n'; return ST_OK;
        case 'r': *code = '\r'; return ST_OK;
        case 'f': *code = '\f'; return ST_OK;
        case 'a': *code = 7; return ST_OK;
        case 'e': *code = 27; return ST_OK;
        case '0': return read_octal(in, code);
        case 'x': return read_hex_escape(in, code);
        case 'u': return read_unicode(in, code);
        case 'c':
            if (!more(in)) return refuse(in, "illegal control escape sequence");
            in->at += utf8_next(in->at, in->end, code);
            *code ^= 64;
            return ST_OK;
        case 'N': return cannot(in, "\\N{name}");
        default: break;
    }
    if (is_ascii_letter(*code) || (*code >= '1' && *code <= '9')) {
        return refuse(in, "illegal or unsupported escape sequence");
    }
    return ST_OK;
}

// With COMMENTS blanks and what follows '#' do not count, in classes neither.
static void skip_comments(Reader *in) {
    while (in->flags & REGEXP_COMMENTS && more(in)) {
        if ((*in->at >= '\t' && *in->at <= '\r') || *in->at == ' ') {
            in->at++;
        } else if (*in->at == '#') {
            while (more(in) && *in->at != '\n') in->at++;
        } else {
            return;
        }
    }
}

// ---- character classes -------------------------------------------------------------------------

// A class under way: plain items, and expressions for one character that no class can hold. Both
// are united.
typedef struct Union {
    Buf items, others;
    bool any;
} Union;

static void union_free(Union *set) {
    buf_free(&set->items);
    buf_free(&set->others);
    *set = (Union){0};
}

static void union_add_other(Union *set, Str expression) {
    if (set->others.len) buf_putc(&set->others, '|');
    buf_put_str(&set->others, expression);
    set->any = true;
}

static void put_union(Buf *out, const Union *set) {
    if (!set->others.len) {
        buf_printf(out, "[" STR_FMT "]", STR_ARG(buf_str(&set->items)));
    } else if (!set->items.len) {
        buf_printf(out, "(?:" STR_FMT ")", STR_ARG(buf_str(&set->others)));
    } else {
        buf_printf(out, "(?:[" STR_FMT "]|" STR_FMT ")", STR_ARG(buf_str(&set->items)),
                   STR_ARG(buf_str(&set->others)));
    }
}

static Status read_class(Reader *in, Buf *out);

// One character, or the first of a range.
static Status read_class_char(Reader *in, uint32_t *code) {
    if (*in->at == '\\') {
        in->at++;
        if (!more(in)) return refuse(in, "unclosed character class");
        return read_char_escape(in, code);
    }
    in->at += utf8_next(in->at, in->end, code);
    return ST_OK;
}

static Status read_class_item(Reader *in, Union *set) {
    set->any = true;
    if (in->at[0] == '\\' && in->end - in->at >= 2 && is_class_escape(in->at[1])) {
        Buf items = {0};
        bool negated;
        in->at++;
        Status st = read_class_escape(in, &items, &negated);
        if (!st && negated) {
            Buf other = {0};
            buf_printf(&other, "[^" STR_FMT "]", STR_ARG(buf_str(&items)));
            union_add_other(set, buf_str(&other));
            buf_free(&other);
        } else if (!st) {
            buf_put_str(&set->items, buf_str(&items));
        }
        buf_free(&items);
        return st;
    }
    if (accept(in, "\\Q")) {
        while (more(in) && !looking_at(in, "\\E")) {
            uint32_t code;
            in->at += utf8_next(in->at, in->end, &code);
            put_range(in, &set->items, code, code);
        }
        (void)accept(in, "\\E");
        return ST_OK;
    }
    uint32_t low, high;
    TRY(read_class_char(in, &low));
    high = low;
    skip_comments(in);
    if (in->end - in->at >= 2 && in->at[0] == '-' && in->at[1] != ']' && in->at[1] != '[') {
        bool escape = in->at[1] == '\\' && in->end - in->at >= 3;
        if (!(escape && (is_class_escape(in->at[2]) || in->at[2] == 'Q'))) {
            in->at++;
            skip_comments(in);
            TRY(read_class_char(in, &high));
            if (high < low) return refuse(in, "illegal character range");
        }
    }
    put_range(in, &set->items, low, high);
    return ST_OK;
}

// Items up to ']' or "&&", which stays unread.
static Status read_union(Reader *in, Union *set, bool first) {
    for (;;) {
        skip_comments(in);
        if (!more(in)) return refuse(in, "unclosed character class");
        if (looking_at(in, "&&")) return ST_OK;
        if (*in->at == ']' && (set->any || !first)) return ST_OK;
        if (accept(in, "[")) {
            Buf nested = {0};
            Status st = read_class(in, &nested);
            if (!st) union_add_other(set, buf_str(&nested));
            buf_free(&nested);
            if (st) return st;
        } else {
            TRY(read_class_item(in, set));
        }
    }
}

// Behind '['; appends an expression for exactly one character.
static Status read_class(Reader *in, Buf *out) {
    if (in->depth == REGEXP_DEPTH_MAX) return cannot(in, "so deep a nesting");
    in->depth++;
    bool negate = accept(in, "^"), first = true;
    uint32_t operands = 0;
    Union set = {0};
    Buf all = {0};  // the operands of &&, all but the last as look-aheads
    Status st;
    for (;;) {
        st = read_union(in, &set, first);
        if (st) goto done;
        first = false;
        bool last = !accept(in, "&&");
        while (!last && accept(in, "&&")) {}
        if (!set.any) {
            if (last && operands) break;  // [a&&]
            if (last) st = refuse(in, "bad class syntax");
            if (st) goto done;
            continue;
        }
        if (operands++) {
            Buf both = {0};
            buf_printf(&both, "(?=" STR_FMT ")", STR_ARG(buf_str(&all)));
            put_union(&both, &set);
            buf_free(&all);
            all = both;
        } else if (last && !set.others.len) {
            buf_puts(&all, negate ? "[^" : "[");  // the plain case
            buf_put_str(&all, buf_str(&set.items));
            buf_putc(&all, ']');
            negate = false;
        } else {
            put_union(&all, &set);
        }
        union_free(&set);
        if (last) break;
    }
    in->at++;  // ']'
    if (negate) {
        buf_printf(out, "(?:(?!" STR_FMT ")%s)", STR_ARG(buf_str(&all)), ANY);
    } else if (operands > 1) {
        buf_printf(out, "(?:" STR_FMT ")", STR_ARG(buf_str(&all)));
    } else {
        buf_put_str(out, buf_str(&all));
    }
done:
    union_free(&set);
    buf_free(&all);
    in->depth--;
    return st;
}

// ---- groups, atoms, quantifiers ----------------------------------------------------------------

static void put_dot(Reader *in) {
    if (in->flags & REGEXP_DOTALL) {
        buf_puts(in->out, ANY);
    } else if (in->flags & REGEXP_UNIX_LINES) {
        buf_puts(in->out, "[^\\n]");
    } else {
        buf_printf(in->out, "[^%s]", LINE_ENDS);
    }
}

static void put_caret(Reader *in) {
    if (!(in->flags & REGEXP_MULTILINE)) {
        buf_puts(in->out, "\\A");
    } else if (in->flags & REGEXP_UNIX_LINES) {
        buf_puts(in->out, "(?:(?:\\A|(?<=\\n))(?!\\z))");
    } else {
        buf_puts(in->out, "(?:(?:\\A|(?<=[\\n\\x{85}\\x{2028}\\x{2029}])|(?<=\\r)(?!\\n))(?!\\z))");
    }
}

static void put_final_line_end(Reader *in) {
    buf_puts(in->out, in->flags & REGEXP_UNIX_LINES
                          ? "(?=\\n?\\z)"
                          : "(?:(?=\\r\\n\\z|[\\r\\x{85}\\x{2028}\\x{2029}]\\z|\\z)|"
                            "(?<!\\r)(?=\\n\\z))");
}

static void put_dollar(Reader *in) {
    if (!(in->flags & REGEXP_MULTILINE)) {
        put_final_line_end(in);
    } else if (in->flags & REGEXP_UNIX_LINES) {
        buf_puts(in->out, "(?=\\n|\\z)");
    } else {
        buf_puts(in->out, "(?:(?=[\\r\\x{85}\\x{2028}\\x{2029}]|\\z)|(?<!\\r)(?=\\n))");
    }
}

static void put_boundary(Reader *in, bool negated) {
    Buf *out = in->out;
    if (!negated) {
        buf_printf(out, "(?:(?<=[%s])(?![%s])|(?<![%s])(?=[%s]))", WORD_17, WORD_17, WORD_17,
                   WORD_17);
    } else {
        buf_printf(out, "(?:(?<=[%s])(?=[%s])|(?<![%s])(?![%s]))", WORD_17, WORD_17, WORD_17,
                   WORD_17);
    }
}

// Behind "\" and at a digit 1-9: as many digits as name a group that has been opened, at least one.
static Status read_back_reference(Reader *in) {
    uint32_t number = (uint32_t)(*in->at++ - '0');
    while (more(in) && *in->at >= '0' && *in->at <= '9') {
        uint32_t longer = number * 10 + (uint32_t)(*in->at - '0');
        if (longer > in->groups) break;
        number = longer;
        in->at++;
    }
    if (number > in->groups) {
        buf_puts(in->out, "(?!)");  // Java: never matches
    } else if (folds_ascii(in)) {
        buf_printf(in->out, "(?i:\\g{%u})", number);
    } else {
        buf_printf(in->out, "\\g{%u}", number);
    }
    return ST_OK;
}

// A group's name up to [close]; letters and digits, a letter first.
static Status read_group_name(Reader *in, char close, Str *out) {
    const char *from = in->at;
    while (more(in) && (is_ascii_letter((unsigned char)*in->at) ||
                        (in->at > from && *in->at >= '0' && *in->at <= '9'))) {
        in->at++;
    }
    *out = str_make(from, (size_t)(in->at - from));
    if (!out->len || !more(in) || *in->at != close) return refuse(in, "bad name of a group");
    in->at++;
    return ST_OK;
}

static Status read_quoted(Reader *in) {
    while (more(in) && !looking_at(in, "\\E")) {
        uint32_t code;
        in->at += utf8_next(in->at, in->end, &code);
        put_literal(in, code);
    }
    (void)accept(in, "\\E");
    return ST_OK;
}

static Status read_escape(Reader *in) {
    if (!more(in)) return refuse(in, "a lone backslash");
    char c = *in->at;
    if (is_class_escape(c)) {
        Buf items = {0};
        bool negated;
        Status st = read_class_escape(in, &items, &negated);
        if (!st) {
            buf_puts(in->out, negated ? "[^" : "[");
            buf_put_str(in->out, buf_str(&items));
            buf_putc(in->out, ']');
        }
        buf_free(&items);
        return st;
    }
    if (c >= '1' && c <= '9') return read_back_reference(in);
    switch (c) {
        case 'Q': in->at++; return read_quoted(in);
        case 'A':
        case 'G':
        case 'z':
        case 'R':
        case 'X':
            buf_putc(in->out, '\\');
            buf_putc(in->out, *in->at++);
            return ST_OK;
        case 'Z': in->at++; put_final_line_end(in); return ST_OK;
        case 'b':
            in->at++;
            if (looking_at(in, "{")) return cannot(in, "\\b{g}");
            put_boundary(in, false);
            return ST_OK;
        case 'B': in->at++; put_boundary(in, true); return ST_OK;
        case 'k': {
            Str name;
            in->at++;
            if (!accept(in, "<")) return refuse(in, "\\k is not followed by '<'");
            TRY(read_group_name(in, '>', &name));
            buf_printf(in->out, folds_ascii(in) ? "(?i:\\k<" STR_FMT ">)" : "\\k<" STR_FMT ">",
                       STR_ARG(name));
            return ST_OK;
        }
        default: break;
    }
    uint32_t code;
    TRY(read_char_escape(in, &code));
    put_literal(in, code);
    return ST_OK;
}

static Status read_alternatives(Reader *in, bool group);

static bool flag_of(char c, uint32_t *flag) {
    static const struct {
        char letter;
        uint32_t flag;
    } FLAGS[] = {{'i', REGEXP_CASELESS}, {'m', REGEXP_MULTILINE}, {'s', REGEXP_DOTALL},
                 {'u', REGEXP_UNICODE_CASE}, {'x', REGEXP_COMMENTS}, {'d', REGEXP_UNIX_LINES},
                 {'U', REGEXP_UNICODE_CLASSES}};
    for (size_t i = 0; i < COUNT(FLAGS); i++) {
        if (FLAGS[i].letter == c) return *flag = FLAGS[i].flag, true;
    }
    return false;
}

static void put_case_switch(Reader *in, uint32_t before) {
    bool was = folds_unicode(before), is = folds_unicode(in->flags);
    if (was != is) buf_puts(in->out, is ? "(?i)" : "(?-i)");
}

static Status read_group_body(Reader *in, uint32_t outer) {
    TRY(read_alternatives(in, true));
    buf_putc(in->out, ')');
    in->flags = outer;
    return ST_OK;
}

// Behind "(?": flags for the rest of the group around, or for a group of their own.
static Status read_flags(Reader *in, bool *bare) {
    uint32_t outer = in->flags, flag;
    bool on = true;
    for (; more(in) && *in->at != ')' && *in->at != ':'; in->at++) {
        if (*in->at == '-' && on) {
            on = false;
        } else if (flag_of(*in->at, &flag)) {
            in->flags = on ? in->flags | flag : in->flags & ~flag;
        } else {
            return refuse(in, "unknown inline modifier");
        }
    }
    if (!more(in)) return refuse(in, "unclosed group");
    *bare = *in->at++ == ')';
    if (*bare) {
        put_case_switch(in, outer);
        return ST_OK;
    }
    buf_puts(in->out, "(?:");
    put_case_switch(in, outer);
    return read_group_body(in, outer);
}

// Behind '('. *bare: it was flags alone, which no quantifier may follow.
static Status read_group(Reader *in, bool *bare) {
    static const char *const PLAIN[] = {"?:", "?=", "?!", "?>", "?<=", "?<!"};
    uint32_t outer = in->flags;
    for (size_t i = 0; i < COUNT(PLAIN); i++) {
        if (!accept(in, PLAIN[i])) continue;
        buf_printf(in->out, "(%s", PLAIN[i]);
        return read_group_body(in, outer);
    }
    if (accept(in, "?<")) {
        Str name;
        TRY(read_group_name(in, '>', &name));
        in->groups++;
        buf_printf(in->out, "(?<" STR_FMT ">", STR_ARG(name));
        return read_group_body(in, outer);
    }
    if (accept(in, "?")) return read_flags(in, bare);
    in->groups++;
    buf_putc(in->out, '(');
    return read_group_body(in, outer);
}

// {n}, {n,}, {n,m}; behind '{'.
static Status read_repetition(Reader *in) {
    uint32_t bound[2] = {0, 0};
    int bounds = 0;
    bool open = false;
    do {
        const char *from = in->at;
        for (; more(in) && *in->at >= '0' && *in->at <= '9'; in->at++) {
            bound[bounds] = bound[bounds] * 10 + (uint32_t)(*in->at - '0');
            if (bound[bounds] > 65535) return cannot(in, "a repetition of more than 65535");
        }
        if (in->at == from) {
            if (bounds == 0) return refuse(in, "illegal repetition");
            open = true;
        }
        bounds++;
    } while (bounds < 2 && accept(in, ","));
    if (!accept(in, "}")) return refuse(in, "unclosed counted closure");
    if (bounds == 2 && !open && bound[1] < bound[0]) return refuse(in, "illegal repetition range");
    if (bounds == 1) {
        buf_printf(in->out, "{%u}", bound[0]);
    } else if (open) {
        buf_printf(in->out, "{%u,}", bound[0]);
    } else {
        buf_printf(in->out, "{%u,%u}", bound[0], bound[1]);
    }
    return ST_OK;
}

static Status read_quantifier(Reader *in) {
    skip_comments(in);
    if (!more(in)) return ST_OK;
    if (accept(in, "{")) {
        TRY(read_repetition(in));
    } else if (*in->at && strchr("*+?", *in->at)) {
        buf_putc(in->out, *in->at++);
    } else {
        return ST_OK;
    }
    if (more(in) && (*in->at == '?' || *in->at == '+')) buf_putc(in->out, *in->at++);
    return ST_OK;
}

static Status read_atom(Reader *in) {
    bool bare = false;
    char c = *in->at;
    switch (c) {
        case '*':
        case '+':
        case '?': return refuse(in, "dangling meta character");
        case '{':  // a repetition of nothing, as in a{2}{3}
            if (in->end - in->at < 2 || in->at[1] < '0' || in->at[1] > '9') {
                return refuse(in, "illegal repetition");
            }
            buf_puts(in->out, "(?:)");
            break;
        case '(':
            in->at++;
            TRY(read_group(in, &bare));
            if (bare) return ST_OK;
            break;
        case '[':
            in->at++;
            TRY(read_class(in, in->out));
            break;
        case '\\':
            in->at++;
            TRY(read_escape(in));  // of \Q…\E a quantifier takes the last character
            break;
        case '.': in->at++; put_dot(in); break;
        case '^': in->at++; put_caret(in); break;
        case '$': in->at++; put_dollar(in); break;
        default: {
            uint32_t code;
            in->at += utf8_next(in->at, in->end, &code);
            put_literal(in, code);
        }
    }
    return read_quantifier(in);
}

// Up to the end, or with [group] to its ')', which is taken.
static Status read_alternatives(Reader *in, bool group) {
    if (in->depth == REGEXP_DEPTH_MAX) return cannot(in, "so deep a nesting");
    in->depth++;
    for (;;) {
        skip_comments(in);
        if (!more(in)) {
            if (group) return refuse(in, "unclosed group");
            break;
        }
        if (*in->at == ')') {
            if (!group) return refuse(in, "unmatched closing ')'");
            in->at++;
            break;
        }
        if (accept(in, "|")) {
            buf_putc(in->out, '|');
        } else {
            TRY(read_atom(in));
        }
    }
    in->depth--;
    return ST_OK;
}

Status regexp_translate(Str pattern, uint32_t flags, Buf *out, Error *err) {
    const char *begin = pattern.ptr ? pattern.ptr : "";
    Reader in = {.at = begin, .begin = begin, .end = begin + pattern.len, .flags = flags,
                 .out = out, .err = err};
    put_case_switch(&in, 0);
    return read_alternatives(&in, false);
}
