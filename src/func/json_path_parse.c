// Reads JSON paths. The library's reader has its ways: a single character left over at the end is
// ignored ('$.a[' is '$.a'), and a path without '$' gets one, with a point.
#include <ctype.h>

#include "func/json_path_int.h"

typedef struct PathReader {
    Arena *arena;
    Str text;
    uint32_t at;
    uint32_t depth;
    Error *err;
} PathReader;

enum {
    PATH_STEPS_MAX = 256,
    FILTER_DEPTH_MAX = 64,
};

static Status bad_path(PathReader *in, const char *what) {
    return error_set(in->err, ST_RUNTIME, "JSON path '" STR_FMT "': %s at position %u",
                     STR_ARG(in->text), what, in->at);
}

static char char_at(const PathReader *in, uint32_t at) {
    return at < in->text.len ? in->text.ptr[at] : 0;
}

static char current(const PathReader *in) {
    return char_at(in, in->at);
}

static uint32_t skip_spaces(const PathReader *in, uint32_t at) {
    while (char_at(in, at) == ' ') at++;
    return at;
}

// The last character counts as read.
static bool at_tail(const PathReader *in) {
    return in->at + 1 >= in->text.len;
}

static bool is_digit_char(char c) {
    return c >= '0' && c <= '9';
}

static Str unescaped(PathReader *in, Str text) {
    if (!memchr(text.ptr, '\\', text.len)) return text;
    JsonValue value;
    Str quoted = str_printf(in->arena, "\"" STR_FMT "\"", STR_ARG(text));
    if (!json_parse(in->arena, quoted, 0, &value, NULL, NULL)) return value.text;
    char *copy = arena_alloc_aligned(in->arena, text.len, 1), *to = copy;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len) i++;
        *to++ = text.ptr[i];
    }
    return str_make(copy, (size_t)(to - copy));
}

// ['a', "b"]; at '['.
static Status read_names(PathReader *in, Step *step) {
    char quote = char_at(in, skip_spaces(in, in->at + 1));
    uint32_t at = in->at + 1, names = 0, from = 0;
    bool inside = false, comma = false;
    Str name[PATH_STEPS_MAX];
    for (; at < in->text.len; at++) {
        char c = in->text.ptr[at];
        if (inside && c == '\\') {
            at++;
        } else if (c == quote && inside) {
            char next = char_at(in, skip_spaces(in, at + 1));
            if (next != ']' && next != ',') return bad_path(in, "',' or ']' expected after a name");
            if (names == PATH_STEPS_MAX) return bad_path(in, "too many names");
            name[names++] = unescaped(in, str_sub(in->text, from, at - from));
            inside = false;
        } else if (c == quote) {
            from = at + 1;
            inside = true;
            comma = false;
        } else if (inside) {
            continue;
        } else if (c == ']') {
            break;
        } else if (c == ',') {
            if (comma) return bad_path(in, "a name expected");
            comma = true;
        }
    }
    if (inside || comma || at >= in->text.len) return bad_path(in, "name is not closed");
    in->at = at + 1;
    step->kind = STEP_NAMES;
    step->count = names;
    step->name = arena_dup(in->arena, name, names * sizeof *name);
    return ST_OK;
}

static bool read_int(Str text, int32_t *out) {
    int64_t value;
    if (!str_to_i64(text, &value) || value > INT32_MAX || value < INT32_MIN) return false;
    *out = (int32_t)value;
    return true;
}

// [1,2] or [1:2]; [inner] is what stands between the brackets.
static Status read_indexes(PathReader *in, Str inner, Step *step) {
    const char *colon = memchr(inner.ptr, ':', inner.len);
    if (colon) {
        step->kind = STEP_SLICE;
        Str from = str_make(inner.ptr, (size_t)(colon - inner.ptr));
        Str to = str_make(colon + 1, (size_t)(str_end(inner) - colon - 1));
        const char *second = memchr(to.ptr, ':', to.len);
        if (second) to.len = (uint32_t)(second - to.ptr);  // a step width is ignored
        step->has_from = from.len > 0;
        step->has_to = to.len > 0;
        if (!(step->has_from || step->has_to) || (step->has_from && !read_int(from, &step->from)) ||
            (step->has_to && !read_int(to, &step->to))) {
            return bad_path(in, "bad slice");
        }
        return ST_OK;
    }
    step->kind = STEP_INDEXES;
    step->index = ARENA_ARRAY(in->arena, int32_t, inner.len + 1);
    while (inner.len) {
        const char *comma = memchr(inner.ptr, ',', inner.len);
        uint32_t len = comma ? (uint32_t)(comma - inner.ptr) : inner.len;
        if (!read_int(str_trim(str_sub(inner, 0, len)), &step->index[step->count])) {
            return bad_path(in, "bad index");
        }
        step->count++;
        inner = str_sub(inner, comma ? len + 1 : len, inner.len);
    }
    return step->count ? ST_OK : bad_path(in, "an index expected");
}

// The place of the ')' that belongs to the '(' at [open], or the length.
static uint32_t closing(const PathReader *in, uint32_t open) {
    int depth = 0;
    for (uint32_t at = open; at < in->text.len; at++) {
        char c = in->text.ptr[at];
        if (c == '\'' || c == '"') {
            for (at++; at < in->text.len && in->text.ptr[at] != c; at++) {
                if (in->text.ptr[at] == '\\') at++;
            }
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && --depth == 0) {
            return at;
        }
    }
    return in->text.len;
}

static Status read_filter(PathReader *in, Filter **out);

static Status read_bracket(PathReader *in, Step *step) {
    uint32_t first = skip_spaces(in, in->at + 1);
    char c = char_at(in, first);
    if (c == '\'' || c == '"') return read_names(in, step);
    if (c == '*') {
        uint32_t close = skip_spaces(in, first + 1);
        if (char_at(in, close) != ']') return bad_path(in, "']' expected after '*'");
        step->kind = STEP_WILDCARD;
        in->at = close + 1;
        return ST_OK;
    }
    if (c == '?') {
        uint32_t open = skip_spaces(in, first + 1);
        uint32_t close = closing(in, open);
        uint32_t end = skip_spaces(in, close + 1);
        if (char_at(in, open) != '(' || char_at(in, end) != ']') return bad_path(in, "bad filter");
        PathReader inner = *in;
        inner.text = str_sub(in->text, open + 1, close - open - 1);
        inner.at = 0;
        step->kind = STEP_FILTER;
        TRY(read_filter(&inner, &step->filter));
        if (skip_spaces(&inner, inner.at) < inner.text.len) return bad_path(&inner, "bad filter");
        in->at = end + 1;
        return ST_OK;
    }
    const char *close = memchr(in->text.ptr + in->at, ']', in->text.len - in->at);
    if (!(is_digit_char(c) || c == '-' || c == ':') || !close) {
        return bad_path(in, "?, ', 0-9 or * expected");
    }
    uint32_t end = (uint32_t)(close - in->text.ptr);
    Str inner = str_trim(str_sub(in->text, first, end - first));
    for (uint32_t i = 0; i < inner.len; i++) {
        if (!is_digit_char(inner.ptr[i]) && !strchr(",-: ", inner.ptr[i])) {
            return bad_path(in, "?, ', 0-9 or * expected");
        }
    }
    TRY(read_indexes(in, inner, step));
    in->at = end + 1;
    return ST_OK;
}

static const struct {
    const char *name;
    PathFunction function;
} PATH_FUNCTIONS[] = {
    {"length", PATH_LENGTH}, {"size", PATH_LENGTH}, {"sum", PATH_SUM},       {"min", PATH_MIN},
    {"max", PATH_MAX},       {"avg", PATH_AVG},     {"stddev", PATH_STDDEV}, {"keys", PATH_KEYS},
    {"first", PATH_FIRST},   {"last", PATH_LAST},   {"index", PATH_INDEX},
    {"concat", PATH_CONCAT}, {"append", PATH_APPEND},
};

// name(arguments) with the cursor at '('.
static Status read_function(PathReader *in, Str name, Step *step) {
    uint32_t close = closing(in, in->at);
    if (close >= in->text.len) return bad_path(in, "arguments of a function are not closed");
    step->kind = STEP_FUNCTION;
    size_t i = 0, count = sizeof PATH_FUNCTIONS / sizeof *PATH_FUNCTIONS;
    while (i < count && !str_eq(name, str_c(PATH_FUNCTIONS[i].name))) i++;
    if (i == count) return bad_path(in, "no such function");
    step->function = PATH_FUNCTIONS[i].function;
    Str inner = str_trim(str_sub(in->text, in->at + 1, close - in->at - 1));
    if (inner.len) {
        JsonValue list;
        Str array = str_printf(in->arena, "[" STR_FMT "]", STR_ARG(inner));
        if (json_parse(in->arena, array, 0, &list, NULL, NULL)) {
            return bad_path(in, "arguments of a function must be JSON values");
        }
        step->count = list.count;
        step->argument = list.item;
    }
    in->at = close;
    return at_tail(in) ? ST_OK : bad_path(in, "a function ends a path");
}

static Status read_property(PathReader *in, Step *step) {
    uint32_t from = in->at;
    for (; in->at < in->text.len; in->at++) {
        char c = current(in);
        if (c == ' ') return bad_path(in, "a name with blanks needs brackets and quotes");
        if (c == '.' || c == '[' || c == '(') break;
    }
    Str name = str_sub(in->text, from, in->at - from);
    if (!name.len) return bad_path(in, "a name expected");
    if (current(in) == '(') return read_function(in, name, step);
    step->kind = STEP_NAMES;
    step->count = 1;
    step->name = arena_dup(in->arena, &name, sizeof name);
    return ST_OK;
}

static Status read_step(PathReader *in, Step *step) {
    if (current(in) == '[') return read_bracket(in, step);
    if (current(in) == '*') {
        step->kind = STEP_WILDCARD;
        in->at++;
        return ST_OK;
    }
    return read_property(in, step);
}

static bool step_definite(const Step *step) {
    switch (step->kind) {
        case STEP_NAMES:
        case STEP_FUNCTION: return true;
        case STEP_INDEXES: return step->count == 1;
        default: return false;
    }
}

static Status add_step(PathReader *in, Step *steps, uint32_t *count, const Step *step) {
    if (*count == PATH_STEPS_MAX) return bad_path(in, "too many steps");
    steps[(*count)++] = *step;
    return ST_OK;
}

static Status read_steps(PathReader *in, JsonPath *path) {
    Step steps[PATH_STEPS_MAX];
    uint32_t count = 0;
    do {
        if (current(in) == '.') {
            if (char_at(in, in->at + 1) == '.') {
                Step scan = {.kind = STEP_SCAN};
                TRY(add_step(in, steps, &count, &scan));
                in->at++;
            }
            in->at++;
            if (current(in) == '.') return bad_path(in, "'.' is not expected");
        }
        Step step = {0};
        TRY(read_step(in, &step));
        TRY(add_step(in, steps, &count, &step));
    } while (!at_tail(in));
    path->step = arena_dup(in->arena, steps, count * sizeof *steps);
    path->count = count;
    path->definite = true;
    for (uint32_t i = 0; i < count; i++) {
        path->step[i].upstream_definite = path->definite;
        path->definite &= step_definite(&steps[i]);
    }
    if (count && steps[count - 1].kind == STEP_SCAN) return bad_path(in, "path ends with '..'");
    return ST_OK;
}

Status json_path_parse(Arena *arena, Str text, JsonPath **out, Error *err) {
    while (text.len && text.ptr[text.len - 1] == ' ') text.len--;
    if (text.len && text.ptr[0] != '$' && text.ptr[0] != '@') {
        text = str_printf(arena, "$." STR_FMT, STR_ARG(text));
    }
    PathReader in = {.arena = arena, .text = text, .err = err};
    if (!text.len) return bad_path(&in, "the path is empty");
    if (text.ptr[text.len - 1] == '.') return bad_path(&in, "path ends with '.'");
    JsonPath *path = ARENA_NEW(arena, JsonPath);
    path->from_root = text.ptr[0] == '$';
    in.at = 1;
    if (text.len == 1) {
        path->definite = true;
    } else {
        if (current(&in) != '.' && current(&in) != '[') return bad_path(&in, "'.' or '[' expected");
        TRY(read_steps(&in, path));
    }
    *out = path;
    return ST_OK;
}

// ---- filters -----------------------------------------------------------------------------------

static bool accept(PathReader *in, const char *word) {
    in->at = skip_spaces(in, in->at);
    Str rest = str_sub(in->text, in->at, in->text.len);
    if (!str_starts(rest, str_c(word))) return false;
    in->at += (uint32_t)strlen(word);
    return true;
}

// The end of the path that starts at [at]: a blank, an operator or a ')' outside of its brackets.
static uint32_t path_end(const PathReader *in, uint32_t at) {
    int square = 0, round = 0;
    for (; at < in->text.len; at++) {
        char c = in->text.ptr[at];
        if (c == '\'' || c == '"') {
            for (at++; at < in->text.len && in->text.ptr[at] != c; at++) {
                if (in->text.ptr[at] == '\\') at++;
            }
        } else if (c == '[') {
            square++;
        } else if (c == ']') {
            if (!square--) return at;
        } else if (square) {
            continue;
        } else if (c == '(') {
            round++;
        } else if (c == ')') {
            if (!round--) return at;
        } else if (!round && strchr(" <>=~!&|,", c)) {
            return at;
        }
    }
    return at;
}

static Status read_operand_path(PathReader *in, Operand *out) {
    uint32_t end = path_end(in, in->at);
    Str text = str_sub(in->text, in->at, end - in->at);
    in->at = end;
    return json_path_parse(in->arena, text, &out->path, in->err);
}

static Status read_pattern(PathReader *in, Operand *out) {
    uint32_t from = ++in->at;
    while (in->at < in->text.len && current(in) != '/') in->at += current(in) == '\\' ? 2 : 1;
    if (in->at >= in->text.len) return bad_path(in, "regular expression is not closed");
    out->pattern = true;
    out->value.kind = JK_TEXT;
    out->value.text = str_sub(in->text, from, in->at - from);
    for (in->at++; isalpha((unsigned char)current(in)); in->at++) {
        switch (current(in)) {
            case 'i': out->flags |= REGEXP_CASELESS; break;
            case 'm': out->flags |= REGEXP_MULTILINE; break;
            case 's': out->flags |= REGEXP_DOTALL; break;
            case 'x': out->flags |= REGEXP_COMMENTS; break;
            case 'd': out->flags |= REGEXP_UNIX_LINES; break;
            case 'u': out->flags |= REGEXP_UNICODE_CASE; break;
            case 'U': out->flags |= REGEXP_UNICODE_CLASSES; break;
            default: return bad_path(in, "unknown flag of a regular expression");
        }
    }
    return ST_OK;
}

static Status read_operand(PathReader *in, Operand *out) {
    *out = (Operand){0};
    in->at = skip_spaces(in, in->at);
    char c = current(in);
    if (c == '$' || c == '@') return read_operand_path(in, out);
    if (c == '/') return read_pattern(in, out);
    if (c == '\'') {
        uint32_t from = ++in->at;
        while (in->at < in->text.len && current(in) != '\'') in->at += current(in) == '\\' ? 2 : 1;
        if (in->at >= in->text.len) return bad_path(in, "text is not closed");
        out->value.kind = JK_TEXT;
        out->value.text = unescaped(in, str_sub(in->text, from, in->at++ - from));
        return ST_OK;
    }
    uint32_t end;
    Str rest = str_sub(in->text, in->at, in->text.len);
    if (is_digit_char(c) || c == '-') {  // ends where a number does, whatever follows
        uint32_t len = 0;
        while (len < rest.len &&
               (isalnum((unsigned char)rest.ptr[len]) || strchr("+-.", rest.ptr[len]))) {
            len++;
        }
        rest.len = len;
    }
    if (json_parse(in->arena, rest, 0, &out->value, &end, NULL)) {
        return bad_path(in, "a value or a path expected");
    }
    in->at += end;
    return ST_OK;
}

static const struct {
    const char *name;
    FilterOp op;
} FILTER_OPS[] = {  // longer ones before those they begin with
    {"===", OP_SAME}, {"!==", OP_NOT_SAME}, {"==", OP_EQ}, {"!=", OP_NE},  {"=~", OP_MATCHES},
    {"<=", OP_LE},    {">=", OP_GE},        {"<", OP_LT},  {">", OP_GT},
    {"in ", OP_IN},   {"nin ", OP_NIN},     {"contains ", OP_CONTAINS},
    {"size ", OP_SIZE}, {"empty ", OP_EMPTY}, {"all ", OP_ALL}, {"subsetof ", OP_SUBSETOF},
    {"anyof ", OP_ANYOF}, {"noneof ", OP_NONEOF},
};

static Status read_comparison(PathReader *in, bool negate, Filter **out) {
    Filter *filter = ARENA_NEW(in->arena, Filter);
    TRY(read_operand(in, &filter->left));
    filter->kind = FILTER_EXISTS;
    size_t count = sizeof FILTER_OPS / sizeof *FILTER_OPS;
    for (size_t i = 0; i < count && filter->kind == FILTER_EXISTS; i++) {
        if (!accept(in, FILTER_OPS[i].name)) continue;
        filter->kind = FILTER_COMPARE;
        filter->op = FILTER_OPS[i].op;
        TRY(read_operand(in, &filter->right));
    }
    if (filter->kind == FILTER_EXISTS && !filter->left.path) {
        return bad_path(in, "a comparison expected");
    }
    if (negate) {
        Filter *not = ARENA_NEW(in->arena, Filter);
        *not = (Filter){.kind = FILTER_NOT, .a = filter};
        filter = not;
    }
    *out = filter;
    return ST_OK;
}

static Status read_unary(PathReader *in, Filter **out) {
    if (in->depth++ == FILTER_DEPTH_MAX) return bad_path(in, "filter is nested too deep");
    Status st;
    bool negate = accept(in, "!");
    if (accept(in, "(")) {
        st = read_filter(in, out);
        if (!st && !accept(in, ")")) st = bad_path(in, "')' expected");
        if (!st && negate) {
            Filter *not = ARENA_NEW(in->arena, Filter);
            *not = (Filter){.kind = FILTER_NOT, .a = *out};
            *out = not;
        }
    } else {
        st = read_comparison(in, negate, out);
    }
    in->depth--;
    return st;
}

static Status read_chain(PathReader *in, FilterKind kind, Filter **out) {
    bool conjunction = kind == FILTER_AND;
    TRY(conjunction ? read_unary(in, out) : read_chain(in, FILTER_AND, out));
    while (accept(in, conjunction ? "&&" : "||")) {
        Filter *both = ARENA_NEW(in->arena, Filter);
        *both = (Filter){.kind = kind, .a = *out};
        TRY(conjunction ? read_unary(in, &both->b) : read_chain(in, FILTER_AND, &both->b));
        *out = both;
    }
    return ST_OK;
}

static Status read_filter(PathReader *in, Filter **out) {
    return read_chain(in, FILTER_OR, out);
}
