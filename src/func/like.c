// LIKE and SIMILAR TO.
//
// A LIKE pattern is cut at its '%' into pieces. Nearly all patterns then are one of four plain
// questions: equal, begins with, ends with, contains; without '_' the rest is a search for one
// piece after the other. SIMILAR TO becomes a regular expression, as in Calcite.
#include "func/regexp.h"
#include "func/text_int.h"

// ---- LIKE --------------------------------------------------------------------------------------

typedef struct LikePiece {
    Str text;       // between two '%'; '_' has become the byte LIKE_ANY
    uint32_t from;  // offset in the bytes while they still move
    bool any;       // holds an '_'
} LikePiece;

enum { LIKE_ANY = 0xFF };  // no byte of UTF-8

typedef struct LikePattern {
    Buf source, bytes, pieces;  // what it was made of; unescaped text; LikePieces
    Str escape;
    uint32_t count;
    bool ready;
} LikePattern;

static void like_clear(LikePattern *like) {
    buf_free(&like->source);
    buf_free(&like->bytes);
    buf_free(&like->pieces);
    *like = (LikePattern){0};
}

static LikePiece *like_piece(const LikePattern *like, uint32_t i) {
    return (LikePiece *)(void *)like->pieces.ptr + i;
}

static void like_end_piece(LikePattern *like, uint32_t from, bool any) {
    LikePiece piece = {.from = from, .any = any};
    piece.text.len = (uint32_t)like->bytes.len - from;
    buf_put(&like->pieces, &piece, sizeof piece);
    like->count++;
}

// [escape] is one character or empty for none. An escape stands before '%', '_' or itself.
static Status like_compile(LikePattern *like, Str pattern, Str escape, Status bad, Error *err) {
    like->ready = false;
    like->source.len = like->bytes.len = like->pieces.len = 0;
    like->count = 0;
    if (utf8_units16(escape) > 1) {
        return error_set(err, bad, "invalid escape character '" STR_FMT "'", STR_ARG(escape));
    }
    uint32_t from = 0;
    bool any = false;
    const char *end = str_end(pattern);
    for (const char *p = pattern.ptr; p < end;) {
        uint32_t size = char_size(p, end);
        if (escape.len && str_eq(str_make(p, size), escape)) {
            p += size;
            size = p < end ? char_size(p, end) : 0;
            if (!size || !(*p == '%' || *p == '_' || str_eq(str_make(p, size), escape))) {
                return error_set(err, bad, "invalid escape sequence in LIKE pattern '" STR_FMT "'",
                                 STR_ARG(pattern));
            }
            buf_put(&like->bytes, p, size);
        } else if (*p == '%') {
            like_end_piece(like, from, any);
            from = (uint32_t)like->bytes.len;
            any = false;
        } else if (*p == '_') {
            buf_putc(&like->bytes, (char)LIKE_ANY);
            any = true;
        } else {
            buf_put(&like->bytes, p, size);
        }
        p += size;
    }
    like_end_piece(like, from, any);
    for (uint32_t i = 0; i < like->count; i++) {
        LikePiece *piece = like_piece(like, i);
        piece->text.ptr = like->bytes.ptr ? like->bytes.ptr + piece->from : "";
    }
    buf_put_str(&like->source, pattern);
    like->ready = true;
    return ST_OK;
}

// Bytes of [text] that [piece] takes at its start, or -1.
static int64_t piece_at(const LikePiece *piece, Str text) {
    if (!piece->any) return str_starts(text, piece->text) ? (int64_t)piece->text.len : -1;
    const char *p = text.ptr, *end = str_end(text);
    for (uint32_t i = 0; i < piece->text.len; i++) {
        if (p == end) return -1;
        if ((unsigned char)piece->text.ptr[i] == LIKE_ANY) {
            p += char_size(p, end);
        } else if (*p++ != piece->text.ptr[i]) {
            return -1;
        }
    }
    return p - text.ptr;
}

// The first place of [piece] in [text]: *at, *size; false when there is none.
static bool piece_find(const LikePiece *piece, Str text, uint32_t *at, uint32_t *size) {
    if (!piece->any) {
        int64_t hit = str_find(text, piece->text, 0);
        *at = (uint32_t)hit;
        *size = piece->text.len;
        return hit >= 0;
    }
    const char *end = str_end(text);
    for (const char *p = text.ptr;; p += char_size(p, end)) {
        int64_t taken = piece_at(piece, str_between(p, end));
        if (taken >= 0) {
            *at = (uint32_t)(p - text.ptr);
            *size = (uint32_t)taken;
            return true;
        }
        if (p == end) return false;
    }
}

// Whether [text] ends with [piece]; *size bytes of it.
static bool piece_ends(const LikePiece *piece, Str text, uint32_t *size) {
    *size = piece->text.len;
    if (!piece->any) return str_ends(text, piece->text);
    // As many characters from the end as the piece has.
    uint32_t characters = 0;
    for (uint32_t i = 0; i < piece->text.len; i++)
        characters += !is_continuation(piece->text.ptr[i]);
    const char *p = str_end(text);
    for (; characters; characters--) {
        if (p == text.ptr) return false;
        do p--;
        while (p > text.ptr && is_continuation(*p));
    }
    *size = (uint32_t)(str_end(text) - p);
    return piece_at(piece, str_between(p, str_end(text))) == *size;
}

static bool like_matches(const LikePattern *like, Str text) {
    const LikePiece *first = like_piece(like, 0), *last = like_piece(like, like->count - 1);
    int64_t taken = piece_at(first, text);
    if (taken < 0) return false;
    if (like->count == 1) return taken == text.len;
    text = str_sub(text, (uint32_t)taken, text.len);
    uint32_t at, size;
    if (!piece_ends(last, text, &size)) return false;
    text.len -= size;
    for (const LikePiece *piece = first + 1; piece < last; piece++) {
        if (!piece_find(piece, text, &at, &size)) return false;
        text = str_sub(text, at + size, text.len);
    }
    return true;
}

static Status like_open(const FuncCall *call, void **state, Error *err) {
    (void)call, (void)err;
    *state = NEW(LikePattern);
    return ST_OK;
}

static void like_close(void *state) {
    if (!state) return;
    like_clear(state);
    mem_free(state);
}

// A wrong constant pattern is the planner's error, one that comes with the rows a runtime error.
static Status like_bind(FuncCall *call, Error *err) {
    Str pattern, escape = STR("");
    bool constant = call_text(call, 1, &pattern);
    if (call->argc > 2) constant = call_text(call, 2, &escape) && constant;
    if (!constant) return ST_OK;
    LikePattern like = {0};
    Status st = like_compile(&like, pattern, escape, ST_VALIDATION, err);
    like_clear(&like);
    return st;
}

static Status like_rows(const KernelArgs *args, bool negate, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *pattern = vec_str(args->arg[1]);
    const Str *escape = args->argc > 2 ? vec_str(args->arg[2]) : NULL;
    LikePattern *like = args->state;
    uint8_t *result = vec_u8(out);
    char last_escape[4] = {0};
    like->escape = (Str){last_escape, 0};
    like->ready = false;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        Str mark = escape ? escape[row] : STR("");
        if (!like->ready || !str_eq(pattern[row], buf_str(&like->source)) ||
            !str_eq(mark, like->escape)) {
            if (escape && !mark.len && !args->constant[2]) {
                return error_set(err, ST_RUNTIME, "invalid escape character ''");
            }
            TRY(like_compile(like, pattern[row], mark, ST_RUNTIME, err));
            if (mark.len) memcpy(last_escape, mark.ptr, mark.len);
            like->escape.len = mark.len;
        }
        result[row] = like_matches(like, text[row]) != negate;
    }
    return ST_OK;
}

static Status like_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return like_rows(args, false, out, err);
}

static Status not_like_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return like_rows(args, true, out, err);
}

// ---- SIMILAR TO --------------------------------------------------------------------------------

static const char SIMILAR_SPECIALS[] = "[]()|^-+*_%?{}";
static const char JAVA_SPECIALS[] = "[]()|^-+*?{}$\\.";

static bool is_one_of(char c, const char *set) {
    return c && strchr(set, c);
}

static Status bad_similar(Str pattern, Error *err) {
    return error_set(err, ST_RUNTIME, "invalid regular expression '" STR_FMT "' in SIMILAR TO",
                     STR_ARG(pattern));
}

// The character behind an escape, as a literal of Java's.
static Status put_escaped(Buf *out, Str pattern, const char **at, Str escape, Error *err) {
    const char *end = str_end(pattern);
    uint32_t size = *at < end ? char_size(*at, end) : 0;
    Str next = str_make(*at, size);
    if (size == 1 && is_one_of(**at, SIMILAR_SPECIALS)) {
        if (is_one_of(**at, JAVA_SPECIALS)) buf_putc(out, '\\');
    } else if (!size || !str_eq(next, escape)) {
        return error_set(err, ST_RUNTIME,
                         "invalid escape sequence in SIMILAR TO pattern '" STR_FMT "'",
                         STR_ARG(pattern));
    }
    buf_put_str(out, next);
    *at += size;
    return ST_OK;
}

static const struct {
    const char *name, *java;
} SIMILAR_CLASSES[] = {
    {"[:ALPHA:]", "\\p{Alpha}"},  {"[:alpha:]", "\\p{Alpha}"},
    {"[:UPPER:]", "\\p{Upper}"},  {"[:upper:]", "\\p{Upper}"},
    {"[:LOWER:]", "\\p{Lower}"},  {"[:lower:]", "\\p{Lower}"},
    {"[:DIGIT:]", "\\d"},         {"[:digit:]", "\\d"},
    {"[:SPACE:]", " "},           {"[:space:]", " "},
    {"[:WHITESPACE:]", "\\s"},    {"[:whitespace:]", "\\s"},
    {"[:ALNUM:]", "\\p{Alnum}"},  {"[:alnum:]", "\\p{Alnum}"},
};

// Behind '[', up to its ']', which stays.
static Status put_enumeration(Buf *out, Str pattern, const char **at, Str escape, Error *err) {
    const char *end = str_end(pattern);
    while (*at < end && **at != ']') {
        Str rest = str_between(*at, end);
        uint32_t size = char_size(*at, end);
        if (escape.len && str_starts(rest, escape)) {
            *at += escape.len;
            TRY(put_escaped(out, pattern, at, escape, err));
        } else if (str_starts(rest, STR("[:"))) {
            size_t i = 0, count = sizeof SIMILAR_CLASSES / sizeof *SIMILAR_CLASSES;
            while (i < count && !str_starts(rest, str_c(SIMILAR_CLASSES[i].name))) i++;
            if (i == count) return bad_similar(pattern, err);
            buf_puts(out, SIMILAR_CLASSES[i].java);
            *at += strlen(SIMILAR_CLASSES[i].name);
        } else if (**at != '-' && **at != '^' && is_one_of(**at, SIMILAR_SPECIALS)) {
            return bad_similar(pattern, err);
        } else {
            buf_put(out, *at, size);
            *at += size;
        }
    }
    return *at < end ? ST_OK : bad_similar(pattern, err);
}

// What is special only to Java ('.') stays special, as in Calcite.
static Status similar_translate(Buf *out, Str pattern, Str escape, Error *err) {
    if (utf8_units16(escape) > 1) {
        return error_set(err, ST_RUNTIME, "invalid escape character '" STR_FMT "'",
                         STR_ARG(escape));
    }
    const char *end = str_end(pattern);
    for (const char *p = pattern.ptr; p < end;) {
        if (escape.len && str_starts(str_between(p, end), escape)) {
            p += escape.len;
            TRY(put_escaped(out, pattern, &p, escape, err));
            continue;
        }
        char c = *p++;
        switch (c) {
            case '_': buf_putc(out, '.'); break;
            case '%': buf_puts(out, "(?s:.*)"); break;
            case '[':
                buf_putc(out, '[');
                TRY(put_enumeration(out, pattern, &p, escape, err));
                buf_putc(out, ']');
                p++;
                break;
            case ']': return bad_similar(pattern, err);
            case '\\': buf_puts(out, "\\\\"); break;
            case '$': buf_puts(out, "\\$"); break;
            default: buf_putc(out, c);
        }
    }
    return ST_OK;
}

static Status similar_open(const FuncCall *call, void **state, Error *err) {
    (void)call, (void)err;
    *state = NEW(RegexpCache);
    return ST_OK;
}

static void similar_close(void *state) {
    if (!state) return;
    regexp_cache_clear(state);
    mem_free(state);
}

static Status similar_rows(const KernelArgs *args, bool negate, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *pattern = vec_str(args->arg[1]);
    const Str *escape = args->argc > 2 ? vec_str(args->arg[2]) : NULL;
    bool constant = args->constant[1] && (!escape || args->constant[2]);
    Buf java = {0};
    bool translated = false;
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (!translated || !constant) {
            java.len = 0;
            st = similar_translate(&java, pattern[row], escape ? escape[row] : STR(""), err);
            if (st) break;
            translated = true;
        }
        Regexp *regexp;
        bool matches;
        st = regexp_cache_get(args->state, buf_str(&java), 0, &regexp, err);
        if (!st && !regexp) {
            st = regexp_new(buf_str(&java), 0, &regexp, err);  // again, for its message
            regexp_free(regexp);
        } else if (!st) {
            st = regexp_matches(regexp, text[row], &matches, err);
            if (!st) vec_u8(out)[row] = matches != negate;
        }
    }
    buf_free(&java);
    return st;
}

static Status similar_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return similar_rows(args, false, out, err);
}

static Status not_similar_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return similar_rows(args, true, out, err);
}

#define LIKE_ROW(name_, kernel_, doc_)                                                            \
    {.name = (name_), .args = {ARG_STRING, ARG_STRING, ARG_STRING}, .argc_min = 2, .argc_max = 3, \
     .result = RESULT_BOOLEAN, .flags = FUNC_HIDDEN | FUNC_CAN_FAIL, .bind = like_bind,           \
     .kernel = (kernel_), .open = like_open, .close = like_close, .doc = (doc_)}
#define SIMILAR_ROW(name_, kernel_, doc_)                                                         \
    {.name = (name_), .args = {ARG_STRING, ARG_STRING, ARG_STRING}, .argc_min = 2, .argc_max = 3, \
     .result = RESULT_BOOLEAN, .flags = FUNC_HIDDEN | FUNC_CAN_FAIL, .kernel = (kernel_),         \
     .open = similar_open, .close = similar_close, .doc = (doc_)}

static const ScalarFunc LIKE_FUNCS[] = {
    LIKE_ROW("LIKE", like_kernel,
             "Whether the text is like the pattern: '%' stands for any characters, '_' for one."),
    LIKE_ROW("NOT LIKE", not_like_kernel, "The opposite of LIKE."),
    SIMILAR_ROW("SIMILAR TO", similar_kernel,
                "Whether the text matches the SQL regular expression as a whole."),
    SIMILAR_ROW("NOT SIMILAR TO", not_similar_kernel, "The opposite of SIMILAR TO."),
};
const FuncTable LIKE_TABLE = FUNC_TABLE("Comparison", LIKE_FUNCS);
