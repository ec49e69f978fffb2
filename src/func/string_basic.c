// Text: length, case, pieces, positions, joining. The rules are those of Flink's
// BinaryStringDataUtil and SqlFunctionUtils; characters are code points except where noted.
#include <stdlib.h>

#include "func/text_int.h"

// ---- length, case ------------------------------------------------------------------------------

static Status char_length_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    int32_t *length = vec_i32(out);
    for (uint32_t row = 0; row < args->rows; row++) length[row] = (int32_t)utf8_count(text[row]);
    return ST_OK;
}

// [put] changes the letters of any script; those from [first] on are ASCII's, and most text has no
// others.
static Status case_kernel(const KernelArgs *args, Vec *out, char first, void (*put)(Buf *, Str)) {
    const Str *text = vec_str(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!text[row].len) continue;
        char *to = vec_text_room(out, text[row].len);
        if (ascii_change_case(text[row], first, to)) {
            vec_str(out)[row] = str_make(to, text[row].len);
            continue;
        }
        buf.len = 0;
        put(&buf, text[row]);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

static Status upper_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return case_kernel(args, out, 'a', buf_put_upper);
}

static Status lower_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return case_kernel(args, out, 'A', buf_put_lower);
}

// Words are runs of ASCII letters and digits, as in Calcite: 'élan' becomes 'éLan'.
static void put_initcap(Buf *out, Str text) {
    bool start = true;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        if (start && lower) c = (char)(c - 32);
        if (!start && upper) c = (char)(c + 32);
        start = !(upper || lower || (c >= '0' && c <= '9'));
        buf_putc(out, c);
    }
}

static Status initcap_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        buf.len = 0;
        put_initcap(&buf, text[row]);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

static Str reversed(Arena *arena, Str text) {
    char *copy = arena_alloc_aligned(arena, text.len, 1), *to = copy + text.len;
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t size = char_size(p, end);
        to -= size;
        memcpy(to, p, size);
        p += size;
    }
    return (Str){copy, text.len};
}

static Status reverse_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++)
        set_piece(out, row, reversed(out->arena, text[row]));
    return ST_OK;
}

// ---- pieces ------------------------------------------------------------------------------------

// Positions count from 1, negative ones from the end, 0 is 1. Where the start lies outside there is
// nothing; false stands for NULL, the answer to a negative length.
static bool substring(Str text, int32_t pos, int32_t len, Str *out) {
    *out = (Str){"", 0};
    if (len < 0) return false;
    const char *end = str_end(text), *from = text.ptr;
    if (!text.len) return true;
    if (pos > 0) {
        from = chars_skip(from, end, pos - 1);
    } else if (pos < 0) {
        int64_t start = (int64_t)utf8_count(text) + pos;
        if (start < 0) return true;
        from = chars_skip(from, end, start);
    }
    *out = str_between(from, len == INT32_MAX ? end : chars_skip(from, end, len));
    return true;
}

static Status substring_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    const int32_t *pos = vec_i32(args->arg[1]);
    const int32_t *len = args->argc > 2 ? vec_i32(args->arg[2]) : NULL;
    for (uint32_t row = 0; row < args->rows; row++) {
        Str piece;
        bool found = substring(text[row], pos[row], len ? len[row] : INT32_MAX, &piece);
        set_piece(out, row, piece);
        if (!found && kernel_row_valid(args, row)) vec_set_null(out, row);
    }
    return ST_OK;
}

static Status left_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    const int32_t *count = vec_i32(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        const char *begin = text[row].ptr, *end = str_end(text[row]);
        set_piece(out, row, str_between(begin, chars_skip(begin, end, count[row])));
    }
    return ST_OK;
}

static Status right_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    const int32_t *count = vec_i32(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        const char *begin = text[row].ptr, *end = str_end(text[row]);
        if (count[row] <= 0) continue;
        int64_t skip = (int64_t)utf8_count(text[row]) - count[row];
        set_piece(out, row, str_between(chars_skip(begin, end, skip), end));
    }
    return ST_OK;
}

// VARCHAR of the first argument's length, always nullable: SUBSTRING, LEFT, RIGHT.
static Status piece_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_varchar(call->arena, type_length(call->arg[0]), true);
    return ST_OK;
}

// ---- trimming ----------------------------------------------------------------------------------

enum { TRIM_LEADING = 1, TRIM_TRAILING = 2, TRIM_BOTH = 3 };

static bool char_in(Str set, const char *c, uint32_t size) {
    return memmem(set.ptr, set.len, c, size) != NULL;
}

// Takes characters that occur in [set] off the ends.
static Str trimmed(Str text, Str set, int ends) {
    const char *begin = text.ptr, *end = str_end(text);
    if (!set.len) return text;
    if (ends & TRIM_LEADING) {
        while (begin < end && char_in(set, begin, char_size(begin, end))) {
            begin += char_size(begin, end);
        }
    }
    while (ends & TRIM_TRAILING && begin < end) {
        const char *last = end - 1;
        while (last > begin && is_continuation(*last)) last--;
        if (!char_in(set, last, (uint32_t)(end - last))) break;
        end = last;
    }
    return str_between(begin, end);
}

static void trim_rows(const KernelArgs *args, const Vec *from, const Vec *chars, int ends,
                      Vec *out) {
    const Str *text = vec_str(from), *set = chars ? vec_str(chars) : NULL;
    for (uint32_t row = 0; row < args->rows; row++) {
        set_piece(out, row, trimmed(text[row], set ? set[row] : STR(" "), ends));
    }
}

// TRIM (BOTH|LEADING|TRAILING, chars, from), as the parser hands it over.
static Status trim_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    if (!args->rows) return ST_OK;
    Str flag = vec_str(args->arg[0])[0];
    int ends = str_is(flag, "LEADING") ? TRIM_LEADING
               : str_is(flag, "TRAILING") ? TRIM_TRAILING : TRIM_BOTH;
    trim_rows(args, args->arg[2], args->arg[1], ends, out);
    return ST_OK;
}

static Status ltrim_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    trim_rows(args, args->arg[0], args->argc > 1 ? args->arg[1] : NULL, TRIM_LEADING, out);
    return ST_OK;
}

static Status rtrim_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    trim_rows(args, args->arg[0], args->argc > 1 ? args->arg[1] : NULL, TRIM_TRAILING, out);
    return ST_OK;
}

static Status btrim_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    trim_rows(args, args->arg[0], args->argc > 1 ? args->arg[1] : NULL, TRIM_BOTH, out);
    return ST_OK;
}

static Status trim_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_varchar(call->arena, type_length(call->arg[2]), call_any_nullable(call));
    return ST_OK;
}

static Status ltrim_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_varchar(call->arena, type_length(call->arg[0]), call_any_nullable(call));
    return ST_OK;
}

// ---- positions ---------------------------------------------------------------------------------

// Position of [part] in [text] from character [from] on, both from 1; 0: not there. The empty text
// is found at 1, wherever the search starts. The smallest int wraps and starts behind the end.
static int32_t position(Str text, Str part, int32_t from) {
    if (!part.len) return 1;
    const char *end = str_end(text);
    const char *begin = chars_skip(text.ptr, end, from == INT32_MIN ? INT32_MAX : from - 1);
    const char *hit = memmem(begin, (size_t)(end - begin), part.ptr, part.len);
    if (!hit) return 0;
    return (int32_t)utf8_count(str_between(text.ptr, hit)) + 1;
}

static void position_rows(const KernelArgs *args, const Vec *in, const Vec *of, const Vec *start,
                          Vec *out) {
    const Str *text = vec_str(in), *part = vec_str(of);
    const int32_t *from = start ? vec_i32(start) : NULL;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        vec_i32(out)[row] = position(text[row], part[row], from ? from[row] : 1);
    }
}

static Status position_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    position_rows(args, args->arg[1], args->arg[0], args->argc > 2 ? args->arg[2] : NULL, out);
    return ST_OK;
}

// A negative start searches the reversed texts; the nth occurrence may overlap the one before.
static Status instr(const KernelArgs *args, Str text, Str part, int32_t start, int32_t nth,
                    int32_t *out, Error *err) {
    if (nth <= 0) {
        return error_set(err, ST_RUNTIME, "INSTR: the occurrence must be positive, not %d", nth);
    }
    *out = 0;
    if (start == 0) return ST_OK;
    if (start < 0) {
        if (start == INT32_MIN) return ST_OK;
        int32_t back;
        TRY(instr(args, reversed(args->scratch, text), reversed(args->scratch, part), -start, nth,
                  &back, err));
        if (back) *out = (int32_t)utf8_count(text) + 2 - back - (int32_t)utf8_count(part);
        return ST_OK;
    }
    for (int32_t i = 0; i < nth; i++) {
        int32_t at = position(text, part, start);
        if (at == 0 || !part.len) return *out = at, ST_OK;
        *out = at;
        start = at + 1;
        if (i + 1 < nth) *out = 0;
    }
    return ST_OK;
}

static Status instr_kernel(const KernelArgs *args, Vec *out, Error *err) {
    if (args->argc == 2) {
        position_rows(args, args->arg[0], args->arg[1], NULL, out);
        return ST_OK;
    }
    const Str *text = vec_str(args->arg[0]), *part = vec_str(args->arg[1]);
    const int32_t *start = vec_i32(args->arg[2]);
    const int32_t *nth = args->argc > 3 ? vec_i32(args->arg[3]) : NULL;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        TRY(instr(args, text[row], part[row], start[row], nth ? nth[row] : 1, &vec_i32(out)[row],
                  err));
    }
    return ST_OK;
}

// ---- joining -----------------------------------------------------------------------------------

static Status concat_kernel(const KernelArgs *args, Vec *out, Error *err) {
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        uint64_t size = 0;
        for (uint32_t i = 0; i < args->argc; i++) size += vec_str(args->arg[i])[row].len;
        TRY(text_check(size, args, err));
        char *at = vec_text_room(out, size);
        vec_str(out)[row] = str_make(at, size);
        for (uint32_t i = 0; i < args->argc; i++) {
            Str part = vec_str(args->arg[i])[row];
            if (part.len) memcpy(at, part.ptr, part.len);
            at += part.len;
        }
    }
    return ST_OK;
}

// CHAR beside CHAR stays CHAR; lengths add up.
static Status concat_bind(FuncCall *call, Error *err) {
    (void)err;
    bool fixed = call->arg[0]->kind == TYPE_CHAR && call->arg[1]->kind == TYPE_CHAR;
    int32_t length = length_sum(type_length(call->arg[0]), type_length(call->arg[1]));
    bool nullable = call_any_nullable(call);
    call->result = fixed ? type_char(call->arena, length, nullable)
                         : type_varchar(call->arena, length, nullable);
    return ST_OK;
}

// A NULL separator gives NULL, a NULL part is left out with its separator.
static Status concat_ws_kernel(const KernelArgs *args, Vec *out, Error *err) {
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (vec_is_null(args->arg[0], row)) {
            vec_set_null(out, row);
            continue;
        }
        Str separator = vec_str(args->arg[0])[row];
        bool first = true;
        buf.len = 0;
        for (uint32_t i = 1; i < args->argc && !st; i++) {
            if (vec_is_null(args->arg[i], row)) continue;
            if (!first) buf_put_str(&buf, separator);
            buf_put_str(&buf, vec_str(args->arg[i])[row]);
            first = false;
            st = text_check(buf.len, args, err);
        }
        if (!st) vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return st;
}

// ---- codes -------------------------------------------------------------------------------------

// The first byte, signed as Java's are: 'é' is -61.
static Status ascii_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        vec_i32(out)[row] = text[row].len ? (signed char)text[row].ptr[0] : 0;
    }
    return ST_OK;
}

static Status chr_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const int64_t *code = vec_i64(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (code[row] < 0 || !kernel_row_valid(args, row)) continue;
        char bytes[4];
        vec_set_text(out, row, str_make(bytes, utf8_put(bytes, (uint32_t)(code[row] & 0xFF))));
    }
    return ST_OK;
}

static Status hash_code_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        int32_t hash = java_hash(text[row]);
        vec_i32(out)[row] = hash == INT32_MIN ? hash : abs(hash);  // Math.abs
    }
    return ST_OK;
}

// Java's hashCode of the boxed number; of a DECIMAL, BigDecimal's.
static Status hash_number_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *in = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        uint64_t bits = 0;
        uint32_t hash;
        switch (in->type->kind) {
            case TYPE_BOOLEAN: hash = vec_u8(in)[row] ? 1231 : 1237; break;
            case TYPE_FLOAT: memcpy(&hash, &vec_f32(in)[row], sizeof hash); break;
            case TYPE_DOUBLE:
                memcpy(&bits, &vec_f64(in)[row], sizeof bits);
                hash = (uint32_t)(bits ^ bits >> 32);
                break;
            case TYPE_BIGINT:
                bits = (uint64_t)vec_i64(in)[row];
                hash = (uint32_t)(bits ^ bits >> 32);
                break;
            case TYPE_DECIMAL:
                hash = (uint32_t)java_decimal_hash(vec_i128(in)[row], in->type->scale);
                break;
            default: hash = (uint32_t)vec_integer(in, row);
        }
        if (kernel_row_valid(args, row)) vec_i32(out)[row] = (int32_t)hash;
    }
    return ST_OK;
}

// ---- starts, ends ------------------------------------------------------------------------------

static Status startswith_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]), *part = vec_str(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        vec_u8(out)[row] = kernel_row_valid(args, row) && str_starts(text[row], part[row]);
    }
    return ST_OK;
}

static Status endswith_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]), *part = vec_str(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        vec_u8(out)[row] = kernel_row_valid(args, row) && str_ends(text[row], part[row]);
    }
    return ST_OK;
}

static const ScalarFunc STRING_FUNCS[] = {
    {.name = "CHAR_LENGTH", .alias = {"CHARACTER_LENGTH"}, .args = {ARG_STRING},
     .result = RESULT_INT, .kernel = char_length_kernel,
     .doc = "The number of characters in the text.",
     .example = "CHAR_LENGTH('水位')", .gives = "2"},
    {.name = "UPPER", .args = {ARG_STRING}, .result = RESULT_ARG0, .kernel = upper_kernel,
     .doc = "The text in upper case.", .example = "UPPER('flink')", .gives = "FLINK"},
    {.name = "LOWER", .args = {ARG_STRING}, .result = RESULT_ARG0, .kernel = lower_kernel,
     .doc = "The text in lower case.", .example = "LOWER('ÄB')", .gives = "äb"},
    {.name = "INITCAP", .args = {ARG_STRING}, .result = RESULT_ARG0, .kernel = initcap_kernel,
     .doc = "Words of ASCII letters and digits with a capital first letter, the rest in lower "
            "case.", .example = "INITCAP('hello wORLD')", .gives = "Hello World"},
    {.name = "REVERSE", .args = {ARG_STRING}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = reverse_kernel,
     .doc = "The text read backwards.", .example = "REVERSE('abc')", .gives = "cba"},
    {.name = "SUBSTRING", .args = {ARG_STRING, ARG_INT, ARG_INT}, .argc_min = 2, .argc_max = 3,
     .bind = piece_bind, .kernel = substring_kernel,
     .doc = "The part of the text from a position on (from 1; negative counts from the end), at "
            "most as long as the third argument says.",
     .example = "SUBSTRING('hello', 2, 3)", .gives = "ell"},
    {.name = "SUBSTR", .args = {ARG_STRING, ARG_INT, ARG_INT}, .argc_min = 2, .argc_max = 3,
     .bind = piece_bind, .kernel = substring_kernel,
     .doc = "The same as SUBSTRING.", .example = "SUBSTR('hello', -2)", .gives = "lo"},
    {.name = "LEFT", .args = {ARG_STRING, ARG_INT}, .bind = piece_bind, .kernel = left_kernel,
     .doc = "The first characters of the text.", .example = "LEFT('hello', 2)", .gives = "he"},
    {.name = "RIGHT", .args = {ARG_STRING, ARG_INT}, .bind = piece_bind, .kernel = right_kernel,
     .doc = "The last characters of the text.", .example = "RIGHT('hello', 2)", .gives = "lo"},
    {.name = "TRIM", .args = {ARG_SYMBOL, ARG_STRING, ARG_STRING}, .bind = trim_bind,
     .kernel = trim_kernel,
     .doc = "The text without the given characters (blanks) at both ends, or at one.",
     .example = "TRIM(LEADING 'x' FROM 'xxax')", .gives = "ax"},
    {.name = "LTRIM", .args = {ARG_STRING, ARG_STRING}, .argc_min = 1, .argc_max = 2,
     .bind = ltrim_bind, .kernel = ltrim_kernel,
     .doc = "The text without leading blanks, or without the characters of the second argument.",
     .example = "LTRIM('xya', 'yx')", .gives = "a"},
    {.name = "RTRIM", .args = {ARG_STRING, ARG_STRING}, .argc_min = 1, .argc_max = 2,
     .bind = ltrim_bind, .kernel = rtrim_kernel,
     .doc = "The text without trailing blanks, or without the characters of the second argument.",
     .example = "RTRIM('axy', 'yx')", .gives = "a"},
    {.name = "BTRIM", .args = {ARG_STRING, ARG_STRING}, .argc_min = 1, .argc_max = 2,
     .result = RESULT_STRING, .flags = FUNC_TAKES_NULL, .kernel = btrim_kernel,
     .doc = "The text without blanks, or the characters of the second argument, at both ends.",
     .example = "BTRIM('xax', 'x')", .gives = "a"},
    {.name = "POSITION", .args = {ARG_STRING, ARG_STRING, ARG_INT}, .argc_min = 2, .argc_max = 3,
     .result = RESULT_INT, .kernel = position_kernel,
     .doc = "The position of the first text in the second, from 1; 0 when it is not there.",
     .example = "POSITION('b' IN 'abc')", .gives = "2"},
    {.name = "LOCATE", .args = {ARG_STRING, ARG_STRING, ARG_INT}, .argc_min = 2, .argc_max = 3,
     .result = RESULT_INT, .kernel = position_kernel,
     .doc = "The position of the first text in the second, searched from a position on.",
     .example = "LOCATE('c', 'abcabc', 4)", .gives = "6"},
    {.name = "INSTR", .args = {ARG_STRING, ARG_STRING, ARG_INT, ARG_INT}, .argc_min = 2,
     .argc_max = 4, .result = RESULT_INT, .flags = FUNC_CAN_FAIL, .kernel = instr_kernel,
     .doc = "The position of the nth occurrence of the second text in the first, searched from a "
            "position on (backwards from the end when negative).",
     .example = "INSTR('abcabc', 'c', -1, 2)", .gives = "3"},
    {.name = "||", .args = {ARG_STRING, ARG_STRING}, .flags = FUNC_HIDDEN, .bind = concat_bind,
     .kernel = concat_kernel, .doc = "The two texts, one behind the other.",
     .example = "'ab' || 'c'", .gives = "abc"},
    {.name = "CONCAT", .args = {ARG_STRING}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .result = RESULT_STRING, .kernel = concat_kernel,
     .doc = "All texts, one behind the other; NULL when one is NULL.",
     .example = "CONCAT('a', 'b', 'c')", .gives = "abc"},
    {.name = "CONCAT_WS", .args = {ARG_STRING}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .result = RESULT_STRING, .nulls = NULLS_OWN, .kernel = concat_ws_kernel,
     .doc = "The texts that are not NULL with the first argument between them.",
     .example = "CONCAT_WS('-', 'a', 'b')", .gives = "a-b"},
    {.name = "ASCII", .args = {ARG_STRING}, .result = RESULT_INT, .kernel = ascii_kernel,
     .doc = "The first byte of the text as a number, 0 of the empty text.",
     .example = "ASCII('A')", .gives = "65"},
    {.name = "CHR", .args = {ARG_BIGINT}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = chr_kernel,
     .doc = "The character of a code, modulo 256; empty for a negative one.",
     .example = "CHR(97)", .gives = "a"},
    {.name = "HASH_CODE", .args = {ARG_STRING}, .result = RESULT_INT, .kernel = hash_code_kernel,
     .doc = "The absolute value of Java's hash of the text.", .example = "HASH_CODE('ab')",
     .gives = "3105"},
    {.name = "HASH_CODE", .args = {ARG_NUMERIC}, .result = RESULT_INT,
     .kernel = hash_number_kernel, .doc = "Java's hash of the number."},
    {.name = "HASH_CODE", .args = {ARG_BOOLEAN}, .result = RESULT_INT,
     .kernel = hash_number_kernel, .doc = "Java's hash of the truth value."},
    {.name = "STARTSWITH", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_BOOLEAN,
     .flags = FUNC_TAKES_NULL, .kernel = startswith_kernel,
     .doc = "Whether the text or bytes begin with the second argument.",
     .example = "STARTSWITH('hello', 'he')", .gives = "TRUE"},
    {.name = "STARTSWITH", .args = {ARG_BYTES, ARG_BYTES}, .result = RESULT_BOOLEAN,
     .kernel = startswith_kernel, .doc = "Whether the bytes begin with the second argument.",
     .example = "STARTSWITH(x'0102', x'01')", .gives = "TRUE"},
    {.name = "ENDSWITH", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_BOOLEAN,
     .flags = FUNC_TAKES_NULL, .kernel = endswith_kernel,
     .doc = "Whether the text or bytes end with the second argument.",
     .example = "ENDSWITH('hello', 'lo')", .gives = "TRUE"},
    {.name = "ENDSWITH", .args = {ARG_BYTES, ARG_BYTES}, .result = RESULT_BOOLEAN,
     .kernel = endswith_kernel, .doc = "Whether the bytes end with the second argument.",
     .example = "ENDSWITH(x'0102', x'02')", .gives = "TRUE"},
};
const FuncTable STRING_BASIC_TABLE = FUNC_TABLE("String functions", STRING_FUNCS);
