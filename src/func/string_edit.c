// Text changed: repeated, replaced, padded, overlaid, translated, split, chosen. OVERLAY, LPAD,
// RPAD, REPLACE and SPLIT by '' count UTF-16 units, because Flink does them with java.lang.String.
#include "base/simd.h"
#include "func/text_int.h"

// ---- repeat, replace, translate ----------------------------------------------------------------

static Status repeat_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    const int32_t *times = vec_i32(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (times[row] <= 0 || !text[row].len || !kernel_row_valid(args, row)) continue;
        uint64_t size = (uint64_t)text[row].len * (uint64_t)times[row];
        TRY(text_check(size, args, err));
        char *at = vec_text_room(out, size);
        vec_str(out)[row] = str_make(at, size);
        for (int32_t i = 0; i < times[row]; i++, at += text[row].len) {
            memcpy(at, text[row].ptr, text[row].len);
        }
    }
    return ST_OK;
}

// Replacing the empty text puts the new one before each UTF-16 unit and at the end.
static void put_between_units(Buf *out, Str text, Str by) {
    const char *end = str_end(text);
    buf_put_str(out, by);
    for (const char *p = text.ptr; p < end;) {
        uint32_t size = char_size(p, end);
        if (size == 4) {  // a surrogate pair, torn apart
            buf_putc(out, '?');
            buf_put_str(out, by);
            buf_putc(out, '?');
        } else {
            buf_put(out, p, size);
        }
        buf_put_str(out, by);
        p += size;
    }
}

static Status replace_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *part = vec_str(args->arg[1]);
    const Str *by = vec_str(args->arg[2]);
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t at = str_find(text[row], part[row], 0);
        if (at < 0 || (!part[row].len && !by[row].len)) {
            set_piece(out, row, text[row]);
            continue;
        }
        buf.len = 0;
        if (!part[row].len) {
            put_between_units(&buf, text[row], by[row]);
        } else {
            uint32_t done = 0;
            for (; at >= 0 && !st; at = str_find(text[row], part[row], done)) {
                buf_put(&buf, text[row].ptr + done, (size_t)at - done);
                buf_put_str(&buf, by[row]);
                done = (uint32_t)at + part[row].len;
                st = text_check(buf.len, args, err);
            }
            buf_put(&buf, text[row].ptr + done, text[row].len - done);
        }
        if (!st) vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return st;
}

// Each character of [from] becomes the one at the same place in [to], or nothing when there is
// none; of two equal characters in [from] the first counts.
static void put_translated(Buf *out, Str text, Str from, Str to) {
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t size = char_size(p, end);
        const char *hit = memmem(from.ptr, from.len, p, size);
        if (!hit) {
            buf_put(out, p, size);
        } else {
            const char *to_end = str_end(to);
            const char *by = chars_skip(to.ptr, to_end, utf8_count(str_between(from.ptr, hit)));
            if (by < to_end) buf_put(out, by, char_size(by, to_end));
        }
        p += size;
    }
}

// Only a NULL text gives NULL: no [from] leaves it as it is, a NULL [to] is an empty one.
static Status translate_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        if (vec_is_null(args->arg[0], row)) {
            vec_set_null(out, row);
            continue;
        }
        Str text = vec_str(args->arg[0])[row], from = vec_str(args->arg[1])[row];
        if (!from.len) {
            set_piece(out, row, text);
            continue;
        }
        buf.len = 0;
        put_translated(&buf, text, from, vec_str(args->arg[2])[row]);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

static Status translate_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_of(TYPE_VARCHAR, call->arg[0]->nullable);
    return ST_OK;
}

// ---- pad, overlay ------------------------------------------------------------------------------

static void put_padding(Buf *out, Str pad, int64_t units) {
    int64_t pad_units = utf8_units16(pad);
    for (; units >= pad_units; units -= pad_units) buf_put_str(out, pad);
    put_units16(out, pad, 0, (uint64_t)units);
}

static Status pad_rows(const KernelArgs *args, bool left, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *pad = vec_str(args->arg[2]);
    const int32_t *len = vec_i32(args->arg[1]);
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (len[row] < 0 || !pad[row].len) {
            vec_set_null(out, row);
            continue;
        }
        int64_t units = utf8_units16(text[row]);
        int64_t missing = len[row] > units ? len[row] - units : 0;
        st = text_check(text[row].len + (uint64_t)missing * 3, args, err);
        if (st) break;
        buf.len = 0;
        if (left) put_padding(&buf, pad[row], missing);
        put_units16(&buf, text[row], 0, (uint64_t)len[row]);
        if (!left) put_padding(&buf, pad[row], missing);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return st;
}

static Status lpad_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return pad_rows(args, true, out, err);
}

static Status rpad_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return pad_rows(args, false, out, err);
}

// A start outside of the text changes nothing; a length of 0 or less cuts off the rest. An end
// beyond the range of an int fails, as in Java.
static Status put_overlaid(Buf *out, Str text, Str by, int64_t start, int64_t len, Error *err) {
    int64_t units = utf8_units16(text);
    if (start <= 0 || start > units) {
        buf_put_str(out, text);
        return ST_OK;
    }
    if (len > INT32_MAX - start) {
        return error_set(err, ST_RUNTIME, "OVERLAY: length %lld from %lld on is out of range",
                         (long long)len, (long long)start);
    }
    put_units16(out, text, 0, (uint64_t)start - 1);
    buf_put_str(out, by);
    if (len > 0 && start + len <= units) {
        put_units16(out, text, (uint64_t)(start + len - 1), (uint64_t)units);
    }
    return ST_OK;
}

static Status overlay_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]), *by = vec_str(args->arg[1]);
    const int64_t *start = vec_i64(args->arg[2]);
    const int64_t *len = args->argc > 3 ? vec_i64(args->arg[3]) : NULL;
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t taken = len ? len[row] : (int64_t)utf8_units16(by[row]);
        buf.len = 0;
        st = put_overlaid(&buf, text[row], by[row], start[row], taken, err);
        if (!st) vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return st;
}

static Status overlay_bind(FuncCall *call, Error *err) {
    (void)err;
    int32_t length = length_sum(type_length(call->arg[0]), type_length(call->arg[1]));
    call->result = type_varchar(call->arena, length, call_any_nullable(call));
    return ST_OK;
}

// ---- split -------------------------------------------------------------------------------------

static uint32_t count_parts(Str text, Str separator) {
    uint32_t count = 1, done = 0;
    for (int64_t at; (at = str_find(text, separator, done)) >= 0; count++) {
        done = (uint32_t)at + separator.len;
    }
    return count;
}

static void split_row(Vec *out, uint32_t row, Str text, Str separator) {
    uint32_t slot = vec_list_begin(out, row, count_parts(text, separator)), done = 0;
    for (int64_t at; (at = str_find(text, separator, done)) >= 0;) {
        vec_str(out->child[0])[slot++] = str_sub(text, done, (uint32_t)at - done);
        done = (uint32_t)at + separator.len;
    }
    vec_str(out->child[0])[slot] = str_sub(text, done, text.len);
}

static void split_units(Vec *out, uint32_t row, Str text) {
    uint32_t slot = vec_list_begin(out, row, utf8_units16(text));
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t size = char_size(p, end);
        Str unit = size == 4 ? STR("?") : str_make(p, size);
        vec_str(out->child[0])[slot++] = unit;
        if (size == 4) vec_str(out->child[0])[slot++] = unit;
        p += size;
    }
}

static Status split_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]), *separator = vec_str(args->arg[1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (!text[row].len) {
            (void)vec_list_begin(out, row, 0);
        } else if (!separator[row].len) {
            split_units(out, row, text[row]);
        } else {
            split_row(out, row, text[row], separator[row]);
        }
    }
    return ST_OK;
}

static Status split_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_array(call->arena, type_of(TYPE_VARCHAR, true), call_any_nullable(call));
    return ST_OK;
}

// The same for a separator of one byte, the usual case.
static bool part_of_byte(Str text, char separator, uint32_t index, Str *out) {
    Simd16 wanted = simd_fill(separator);
    uint32_t begin = 0;
    for (uint32_t at = 0; at < text.len; at += sizeof wanted) {
        char block[sizeof wanted] = {0};
        uint32_t left = text.len - at < sizeof block ? text.len - at : sizeof block;
        bool whole = left == sizeof block;
        if (!whole) memcpy(block, text.ptr + at, left);
        uint32_t mask = simd_mask(simd_eq(simd_load(whole ? text.ptr + at : block), wanted));
        mask &= ((uint32_t)1 << left) - 1;
        for (; mask; mask &= mask - 1, index--) {
            uint32_t place = at + (uint32_t)__builtin_ctz(mask);
            if (index == 0) {
                *out = str_sub(text, begin, place - begin);
                return true;
            }
            begin = place + 1;
        }
    }
    if (index) return false;
    *out = str_sub(text, begin, text.len - begin);
    return true;
}

// Part [index] of [text]; false: there is none. The empty text has no parts at all. The empty
// separator stands for white space, as in commons-lang.
static bool part_of(Str text, Str separator, int32_t index, Str *out) {
    if (index < 0 || !text.len) return false;
    if (separator.len == 1) return part_of_byte(text, separator.ptr[0], (uint32_t)index, out);
    uint32_t done = 0;
    for (;; index--) {
        int64_t at;
        uint32_t width = separator.len;
        if (width) {
            at = str_find(text, separator, done);
        } else {
            uint32_t i = done;
            while (i < text.len &&
                   !(text.ptr[i] == ' ' || (text.ptr[i] >= '\t' && text.ptr[i] <= '\r') ||
                     (text.ptr[i] >= 0x1C && text.ptr[i] <= 0x1F))) {
                i++;
            }
            at = i < text.len ? (int64_t)i : -1;
            width = 1;
        }
        if (index == 0) {
            *out = str_sub(text, done, at < 0 ? text.len : (uint32_t)at - done);
            return true;
        }
        if (at < 0) return false;
        done = (uint32_t)at + width;
    }
}

static Status split_index_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]), *separator = vec_str(args->arg[1]);
    const int32_t *index = vec_i32(args->arg[2]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (!part_of(text[row], separator[row], index[row], &vec_str(out)[row])) {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

// The separator is a character, given by its code in 1..255.
static Status split_index_code_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    const int32_t *code = vec_i32(args->arg[1]), *index = vec_i32(args->arg[2]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        char bytes[4];
        bool known = code[row] >= 1 && code[row] <= 255;
        Str separator = str_make(bytes, known ? utf8_put(bytes, (uint32_t)code[row]) : 0);
        if (!known || !part_of(text[row], separator, index[row], &vec_str(out)[row])) {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

// ---- choose ------------------------------------------------------------------------------------

static Status elt_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        int64_t index = vec_is_null(args->arg[0], row) ? 0 : vec_i64(args->arg[0])[row];
        if (index < 1 || index >= args->argc || vec_is_null(args->arg[index], row)) {
            vec_set_null(out, row);
        } else {
            set_piece(out, row, vec_str(args->arg[index])[row]);
        }
    }
    return ST_OK;
}

// All texts or all bytes; the result is as wide as the widest, and fixed when all are alike.
static Status elt_bind(FuncCall *call, Error *err) {
    const Vec *index = call->literal[0];
    if (index && !vec_is_null(index, 0) && vec_integer(index, 0) < 0) {
        return error_set(err, ST_VALIDATION, "ELT: the index counts from 1, it cannot be %lld",
                         (long long)vec_integer(index, 0));
    }
    bool text = call->arg[1]->kind != TYPE_BINARY && call->arg[1]->kind != TYPE_VARBINARY;
    TypeKind kind = call->arg[1]->kind;
    int32_t length = 0;
    for (uint32_t i = 1; i < call->argc; i++) {
        const Type *type = call->arg[i];
        if (!(text ? type_is_text(type) : type_is_bytes(type))) {
            return error_set(err, ST_VALIDATION,
                             "ELT takes an index and texts, or an index and bytes");
        }
        bool fixed = type->kind == kind && (i == 1 || type_length(type) == length);
        if (!fixed || kind == TYPE_VARCHAR || kind == TYPE_VARBINARY) {
            kind = text ? TYPE_VARCHAR : TYPE_VARBINARY;
        }
        if (type_length(type) > length) length = type_length(type);
    }
    switch (kind) {
        case TYPE_CHAR: call->result = type_char(call->arena, length, true); break;
        case TYPE_BINARY: call->result = type_binary(call->arena, length, true); break;
        case TYPE_VARBINARY: call->result = type_varbinary(call->arena, length, true); break;
        default: call->result = type_varchar(call->arena, length, true);
    }
    return ST_OK;
}

static const ScalarFunc STRING_FUNCS[] = {
    {.name = "REPEAT", .args = {ARG_STRING, ARG_INT}, .result = RESULT_STRING,
     .flags = FUNC_CAN_FAIL, .kernel = repeat_kernel,
     .doc = "The text so many times over.", .example = "REPEAT('ab', 3)", .gives = "ababab"},
    {.name = "REPLACE", .args = {ARG_STRING, ARG_STRING, ARG_STRING}, .result = RESULT_STRING,
     .kernel = replace_kernel, .doc = "The text with each occurrence of the second replaced by the "
                                      "third.",
     .example = "REPLACE('hello', 'l', 'L')", .gives = "heLLo"},
    {.name = "TRANSLATE3", .alias = {"TRANSLATE"}, .args = {ARG_STRING, ARG_STRING, ARG_STRING},
     .nulls = NULLS_OWN, .bind = translate_bind, .kernel = translate_kernel,
     .doc = "The text with each character of the second replaced by the one at its place in the "
            "third, or removed when there is none.",
     .example = "TRANSLATE('abc', 'ab', 'x')", .gives = "xc"},
    {.name = "LPAD", .args = {ARG_STRING, ARG_INT, ARG_STRING}, .result = RESULT_STRING,
     .flags = FUNC_CAN_FAIL, .kernel = lpad_kernel,
     .doc = "The text filled up at the left, or cut, to the given length.",
     .example = "LPAD('7', 3, '0')", .gives = "007"},
    {.name = "RPAD", .args = {ARG_STRING, ARG_INT, ARG_STRING}, .result = RESULT_STRING,
     .flags = FUNC_CAN_FAIL, .kernel = rpad_kernel,
     .doc = "The text filled up at the right, or cut, to the given length.",
     .example = "RPAD('hello', 2, '.')", .gives = "he"},
    {.name = "OVERLAY", .args = {ARG_STRING, ARG_STRING, ARG_BIGINT, ARG_BIGINT}, .argc_min = 3,
     .argc_max = 4, .flags = FUNC_CAN_FAIL, .bind = overlay_bind, .kernel = overlay_kernel,
     .doc = "The text with the second one laid over it from a position on.",
     .example = "OVERLAY('hello' PLACING 'XX' FROM 2)", .gives = "hXXlo"},
    {.name = "SPLIT", .args = {ARG_STRING, ARG_STRING}, .bind = split_bind,
     .flags = FUNC_TAKES_NULL, .kernel = split_kernel,
     .doc = "The parts of the text between separators, empty ones too, as an array.",
     .example = "SPLIT('a,b', ',')", .gives = "[a, b]"},
    {.name = "SPLIT_INDEX", .args = {ARG_STRING, ARG_STRING, ARG_INT}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = split_index_kernel,
     .doc = "Part n, from 0, of the text between separators.",
     .example = "SPLIT_INDEX('a,b', ',', 1)", .gives = "b"},
    {.name = "SPLIT_INDEX", .args = {ARG_STRING, ARG_INT, ARG_INT}, .result = RESULT_STRING,
     .result_null = RESULT_NULL_ALWAYS, .kernel = split_index_code_kernel,
     .doc = "The same with the separator given by its code.",
     .example = "SPLIT_INDEX('a,b', 44, 1)", .gives = "b"},
    {.name = "ELT", .args = {ARG_BIGINT, ARG_TEXT_OR_BYTES}, .argc_min = 2,
     .argc_max = FUNC_VARIADIC, .nulls = NULLS_OWN, .bind = elt_bind, .kernel = elt_kernel,
     .doc = "The text or bytes at the given place, from 1, among the arguments behind it.",
     .example = "ELT(2, 'a', 'b')", .gives = "b"},
};
const FuncTable STRING_EDIT_TABLE = FUNC_TABLE("String functions", STRING_FUNCS);
