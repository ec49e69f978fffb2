// Text as codes and back (ENCODE, DECODE, base64, hex), and tests of what a text is made of.
//
// The charsets that matter are here; the rest is iconv's, which knows the same names as Java but
// for few. What a charset cannot say becomes '?', what is malformed U+FFFD, as in
// java.lang.String.
#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "func/text_int.h"

// ---- charsets ----------------------------------------------------------------------------------

typedef enum Charset {
    CHARSET_OTHER,
    CHARSET_UTF8,
    CHARSET_ASCII,
    CHARSET_LATIN1,
    CHARSET_UTF16,    // with a mark of the byte order, big-endian when written
    CHARSET_UTF16BE,
    CHARSET_UTF16LE,
    CHARSET_UTF32,    // big-endian, no mark when written
    CHARSET_UTF32BE,
    CHARSET_UTF32LE,
} Charset;

static const struct {
    const char *name;
    Charset charset;
} CHARSETS[] = {
    {"UTF-8", CHARSET_UTF8},           {"UTF8", CHARSET_UTF8},
    {"unicode-1-1-utf-8", CHARSET_UTF8},
    {"US-ASCII", CHARSET_ASCII},       {"ASCII", CHARSET_ASCII},
    {"ASCII7", CHARSET_ASCII},         {"ISO646-US", CHARSET_ASCII},
    {"ISO-8859-1", CHARSET_LATIN1},    {"ISO8859_1", CHARSET_LATIN1},
    {"ISO8859-1", CHARSET_LATIN1},     {"ISO_8859-1", CHARSET_LATIN1},
    {"latin1", CHARSET_LATIN1},        {"l1", CHARSET_LATIN1},
    {"UTF-16", CHARSET_UTF16},         {"UTF16", CHARSET_UTF16},
    {"UTF_16", CHARSET_UTF16},         {"unicode", CHARSET_UTF16},
    {"UnicodeBig", CHARSET_UTF16},
    {"UTF-16BE", CHARSET_UTF16BE},     {"UTF_16BE", CHARSET_UTF16BE},
    {"UTF-16LE", CHARSET_UTF16LE},     {"UTF_16LE", CHARSET_UTF16LE},
    {"UTF-32", CHARSET_UTF32},         {"UTF_32", CHARSET_UTF32},
    {"UTF-32BE", CHARSET_UTF32BE},     {"UTF-32LE", CHARSET_UTF32LE},
};

enum { CHARSET_NAME_MAX = 40 };

// A charset at hand: one of ours, or an iconv descriptor to or from UTF-8. Zero-initialised is
// none.
typedef struct Coder {
    char name[CHARSET_NAME_MAX];
    Charset charset;
    iconv_t iconv;
    bool open;
} Coder;

static void coder_close(Coder *coder) {
    if (coder->open) (void)iconv_close(coder->iconv);
    *coder = (Coder){0};
}

// Readies [coder] for [name]; keeps what it has when that is the same. The names Java allows have
// no '/', with which iconv would take instructions.
static Status coder_open(Coder *coder, Str name, bool encode, Error *err) {
    if (coder->name[0] && str_eq(str_c(coder->name), name)) return ST_OK;
    coder_close(coder);
    bool legal = name.len > 0 && name.len < CHARSET_NAME_MAX;
    for (uint32_t i = 0; legal && i < name.len; i++) {
        char c = name.ptr[i];
        legal = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
                (c && strchr("-+.:_", c));
    }
    if (!legal) goto unknown;
    memcpy(coder->name, name.ptr, name.len);
    for (size_t i = 0; i < sizeof CHARSETS / sizeof *CHARSETS; i++) {
        if (str_eq_nocase(name, str_c(CHARSETS[i].name))) {
            coder->charset = CHARSETS[i].charset;
            return ST_OK;
        }
    }
    if (str_eq_nocase(name, STR("UTF-7"))) goto unknown;  // not Java's
    char other[2 * CHARSET_NAME_MAX];  // as iconv calls it: x-windows-874 is CP874
    bool windows = name.len > 10 && str_eq_nocase(str_sub(name, 0, 10), STR("x-windows-"));
    (void)snprintf(other, sizeof other, "%s%s", windows ? "CP" : "",
                   coder->name + (windows ? 10 : 0));
    coder->iconv = encode ? iconv_open(other, "UTF-8") : iconv_open("UTF-8", other);
    coder->open = coder->iconv != (iconv_t)-1;  // NOLINT: iconv's way
    if (coder->open) return ST_OK;
unknown:
    coder_close(coder);
    return error_set(err, ST_RUNTIME, "unsupported encoding '" STR_FMT "'", STR_ARG(name));
}

static void put_unit(Buf *out, uint32_t unit, int bytes, bool little) {
    for (int i = 0; i < bytes; i++) {
        int shift = 8 * (little ? i : bytes - 1 - i);
        buf_putc(out, (char)(unit >> shift & 0xFF));
    }
}

static void put_code_in(Buf *out, Charset charset, uint32_t code) {
    switch (charset) {
        case CHARSET_ASCII: buf_putc(out, code < 0x80 ? (char)code : '?'); break;
        case CHARSET_LATIN1: buf_putc(out, code < 0x100 ? (char)code : '?'); break;
        case CHARSET_UTF32:
        case CHARSET_UTF32BE: put_unit(out, code, 4, false); break;
        case CHARSET_UTF32LE: put_unit(out, code, 4, true); break;
        default: {
            bool little = charset == CHARSET_UTF16LE;
            if (code >= 0x10000) {
                put_unit(out, 0xD7C0 + (code >> 10), 2, little);
                code = 0xDC00 + (code & 0x3FF);
            }
            put_unit(out, code, 2, little);
        }
    }
}

// Runs iconv over [in]. Where it stops, [instead] is put for [step] bytes (0: one UTF-8 character).
static void put_by_iconv(Buf *out, Coder *coder, Str in, Str instead, uint32_t step) {
    char *from = (char *)(uintptr_t)in.ptr;  // iconv promises not to write
    size_t left = in.len;
    (void)iconv(coder->iconv, NULL, NULL, NULL, NULL);
    while (left) {
        size_t room = left * 4 + 16, before = room;
        char *to = buf_reserve(out, room);
        size_t done = iconv(coder->iconv, &from, &left, &to, &room);
        out->len += before - room;
        if (done != (size_t)-1 || errno == E2BIG) continue;
        uint32_t skip = step ? step : char_size(from, from + left);
        buf_put_str(out, instead);
        from += skip;
        left -= skip;
    }
    char *to = buf_reserve(out, 16);
    size_t room = 16;
    (void)iconv(coder->iconv, NULL, NULL, &to, &room);  // back to the initial shift state
    out->len += 16 - room;
}

static void put_encoded(Buf *out, Coder *coder, Str text) {
    if (coder->charset == CHARSET_UTF8) {
        buf_put_str(out, text);
    } else if (coder->charset == CHARSET_OTHER) {
        put_by_iconv(out, coder, text, STR("?"), 0);
    } else {
        if (coder->charset == CHARSET_UTF16 && text.len) put_unit(out, 0xFEFF, 2, false);
        const char *end = str_end(text);
        for (const char *p = text.ptr; p < end;) {
            uint32_t code;
            p += utf8_next(p, end, &code);
            put_code_in(out, coder->charset, code);
        }
    }
}

static uint32_t unit_at(const unsigned char *p, uint32_t bytes, bool little) {
    uint32_t unit = 0;
    for (uint32_t i = 0; i < bytes; i++) unit |= (uint32_t)p[i] << 8 * (little ? i : bytes - 1 - i);
    return unit;
}

static void put_from_utf16(Buf *out, Str bytes, bool little, bool marked) {
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    uint32_t i = 0;
    if (marked && bytes.len >= 2) {
        uint32_t mark = unit_at(p, 2, false);
        little = mark == 0xFFFE;
        if (mark == 0xFEFF || mark == 0xFFFE) i = 2;
    }
    for (; i + 2 <= bytes.len; i += 2) {
        uint32_t unit = unit_at(p + i, 2, little);
        if (unit >= 0xD800 && unit <= 0xDBFF && i + 4 <= bytes.len) {
            uint32_t low = unit_at(p + i + 2, 2, little);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        if (unit >= 0xD800 && unit <= 0xDFFF) unit = 0xFFFD;
        buf_put_code(out, unit);
    }
    if (i < bytes.len) buf_put_code(out, 0xFFFD);
}

static void put_from_utf32(Buf *out, Str bytes, bool little, bool marked) {
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    uint32_t i = 0;
    if (marked && bytes.len >= 4) {
        little = unit_at(p, 4, true) == 0xFEFF;
        if (little || unit_at(p, 4, false) == 0xFEFF) i = 4;
    }
    for (; i + 4 <= bytes.len; i += 4) {
        uint32_t code = unit_at(p + i, 4, little);
        bool bad = code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF);
        buf_put_code(out, bad ? 0xFFFD : code);
    }
    if (i < bytes.len) buf_put_code(out, 0xFFFD);
}

static void put_decoded(Buf *out, Coder *coder, Str bytes) {
    switch (coder->charset) {
        case CHARSET_UTF8: put_repaired(out, bytes); break;
        case CHARSET_OTHER: put_by_iconv(out, coder, bytes, STR("\xEF\xBF\xBD"), 1); break;
        case CHARSET_ASCII:
        case CHARSET_LATIN1:
            for (uint32_t i = 0; i < bytes.len; i++) {
                unsigned char c = (unsigned char)bytes.ptr[i];
                buf_put_code(out, coder->charset == CHARSET_ASCII && c >= 0x80 ? 0xFFFD : c);
            }
            break;
        case CHARSET_UTF16:
        case CHARSET_UTF16BE:
        case CHARSET_UTF16LE:
            put_from_utf16(out, bytes, coder->charset == CHARSET_UTF16LE,
                           coder->charset == CHARSET_UTF16);
            break;
        case CHARSET_UTF32:
        case CHARSET_UTF32BE:
        case CHARSET_UTF32LE:
            put_from_utf32(out, bytes, coder->charset == CHARSET_UTF32LE,
                           coder->charset == CHARSET_UTF32);
            break;
    }
}

static Status code_rows(const KernelArgs *args, bool encode, Vec *out, Error *err) {
    const Str *in = vec_str(args->arg[0]), *name = vec_str(args->arg[1]);
    Coder coder = {0};
    Buf buf = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        st = coder_open(&coder, name[row], encode, err);
        if (st) break;
        buf.len = 0;
        (encode ? put_encoded : put_decoded)(&buf, &coder, in[row]);
        vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    coder_close(&coder);
    return st;
}

static Status encode_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return code_rows(args, true, out, err);
}

static Status decode_kernel(const KernelArgs *args, Vec *out, Error *err) {
    return code_rows(args, false, out, err);
}

// ---- base64, hex -------------------------------------------------------------------------------

static Status to_base64_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *bytes = vec_str(args->arg[0]);
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        buf.len = 0;
        put_base64(&buf, bytes[row]);
        if (buf.len) vec_set_text(out, row, buf_str(&buf));
    }
    buf_free(&buf);
    return ST_OK;
}

static Status from_base64_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Str *text = vec_str(args->arg[0]);
    Buf bytes = {0}, repaired = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < args->rows && !st; row++) {
        if (!kernel_row_valid(args, row)) continue;
        bytes.len = repaired.len = 0;
        st = put_base64_decoded(&bytes, text[row], err);
        if (st) break;
        put_repaired(&repaired, buf_str(&bytes));
        vec_set_text(out, row, buf_str(&repaired));
    }
    buf_free(&bytes);
    buf_free(&repaired);
    return st;
}

static const char HEX_DIGITS[] = "0123456789ABCDEF";

static Status hex_number_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const int64_t *number = vec_i64(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        char text[16];
        uint32_t at = sizeof text;
        uint64_t value = (uint64_t)number[row];
        do text[--at] = HEX_DIGITS[value & 15];
        while (value >>= 4);
        vec_set_text(out, row, str_make(text + at, sizeof text - at));
    }
    return ST_OK;
}

static Status hex_text_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        char *to = vec_text_room(out, (size_t)text[row].len * 2);
        vec_str(out)[row] = str_make(to, (size_t)text[row].len * 2);
        for (uint32_t i = 0; i < text[row].len; i++) {
            unsigned char c = (unsigned char)text[row].ptr[i];
            *to++ = HEX_DIGITS[c >> 4];
            *to++ = HEX_DIGITS[c & 15];
        }
    }
    return ST_OK;
}

// An odd number of digits loses the value of the first one: its byte is 0 (as in Flink 2.3).
static bool unhex(Vec *out, uint32_t row, Str text) {
    uint32_t size = (text.len + 1) / 2, odd = text.len & 1;
    unsigned char *to = (unsigned char *)vec_text_room(out, size);
    if (odd) {
        if (hex_digit(text.ptr[0]) < 0) return false;
        to[0] = 0;
    }
    for (uint32_t i = odd; i < text.len; i += 2) {
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high < 0 || low < 0) return false;
        to[(i + 1) / 2] = (unsigned char)(high << 4 | low);
    }
    vec_str(out)[row] = str_make((char *)to, size);
    return true;
}

static Status unhex_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (kernel_row_valid(args, row) && !unhex(out, row, text[row])) vec_set_null(out, row);
    }
    return ST_OK;
}

// ---- what a text is made of --------------------------------------------------------------------

static bool is_alpha(Str text) {
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t code;
        p += utf8_next(p, end, &code);
        // Java asks each UTF-16 unit; surrogates are no letters.
        if (code >= 0x10000 || !unicode_is_letter(code)) return false;
    }
    return text.len > 0;
}

static bool is_digits(Str text) {
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t code;
        p += utf8_next(p, end, &code);
        if (code >= 0x10000 || unicode_digit(code) < 0) return false;
    }
    return text.len > 0;
}

// Long.parseLong: digits of any script.
static bool is_java_long(Str text) {
    const char *p = text.ptr, *end = str_end(text);
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    int64_t value = 0;
    while (p < end) {
        uint32_t code;
        p += utf8_next(p, end, &code);
        int digit = code < 0x10000 ? unicode_digit(code) : -1;
        if (digit < 0 || __builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value)) {
            return false;
        }
    }
    return negative || value != INT64_MIN;
}

static const char *skip_digits(const char *p, const char *end, bool hex) {
    while (p < end && (hex ? hex_digit(*p) >= 0 : *p >= '0' && *p <= '9')) p++;
    return p;
}

// Double.parseDouble: white space around, NaN, Infinity, hexadecimal with 'p', suffixes f and d.
static bool is_java_double(Str text) {
    const char *p = text.ptr, *end = str_end(text);
    while (p < end && (unsigned char)*p <= ' ') p++;
    while (p < end && (unsigned char)end[-1] <= ' ') end--;
    if (p < end && (*p == '-' || *p == '+')) p++;
    Str rest = str_between(p, end);
    if (str_is(rest, "NaN") || str_is(rest, "Infinity")) return true;
    bool hex = str_starts(rest, STR("0x")) || str_starts(rest, STR("0X"));
    if (hex) p += 2;
    const char *whole = p;
    p = skip_digits(p, end, hex);
    ptrdiff_t digits = p - whole;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p, end, hex);
        digits += p - fraction;
    }
    if (!digits) return false;
    if (p < end && (*p | 32) == (hex ? 'p' : 'e')) {
        if (++p < end && (*p == '-' || *p == '+')) p++;
        const char *exponent = p;
        p = skip_digits(p, end, false);
        if (p == exponent) return false;
    } else if (hex) {
        return false;
    }
    if (p < end && ((*p | 32) == 'f' || (*p | 32) == 'd')) p++;
    return p == end;
}

static bool is_decimal(Str text) {
    return is_java_long(text) || is_java_double(text);
}

// Never NULL: a NULL text is none of them.
static Status test_rows(const KernelArgs *args, bool (*test)(Str), Vec *out) {
    const Str *text = vec_str(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        vec_u8(out)[row] = !vec_is_null(args->arg[0], row) && test(text[row]);
    }
    return ST_OK;
}

static Status is_alpha_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return test_rows(args, is_alpha, out);
}

static Status is_digit_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return test_rows(args, is_digits, out);
}

static Status is_decimal_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return test_rows(args, is_decimal, out);
}

// For numbers the type alone answers, NULL or not.
static Status is_true_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    memset(vec_u8(out), 1, args->rows);
    return ST_OK;
}

static Status is_false_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)args, (void)out, (void)err;
    return ST_OK;
}

static Status is_digit_number_bind(FuncCall *call, Error *err) {
    (void)err;
    if (type_is_integer(call->arg[0])) call->kernel = is_true_kernel;
    return ST_OK;
}

static Status is_decimal_number_bind(FuncCall *call, Error *err) {
    (void)err;
    if (call->arg[0]->kind == TYPE_DECIMAL) call->kernel = is_false_kernel;
    return ST_OK;
}

#define TEST_ROW(name_, kernel_, doc_, example_)                                                \
    {.name = (name_), .args = {ARG_STRING}, .result = RESULT_BOOLEAN,                           \
     .result_null = RESULT_NULL_NEVER, .nulls = NULLS_OWN, .kernel = (kernel_), .doc = (doc_),  \
     .example = (example_), .gives = "TRUE"}
#define TEST_NUMBER_ROW(name_, kernel_, bind_, doc_)                                            \
    {.name = (name_), .args = {ARG_NUMERIC}, .result = RESULT_BOOLEAN,                          \
     .result_null = RESULT_NULL_NEVER, .nulls = NULLS_OWN, .kernel = (kernel_), .bind = (bind_), \
     .doc = (doc_)}

static const ScalarFunc STRING_FUNCS[] = {
    {.name = "ENCODE", .args = {ARG_STRING, ARG_STRING}, .result = RESULT_BYTES,
     .flags = FUNC_CAN_FAIL, .kernel = encode_kernel,
     .doc = "The text as bytes of a charset.", .example = "ENCODE('é', 'UTF-16BE')",
     .gives = "x'00e9'"},
    {.name = "DECODE", .args = {ARG_BYTES, ARG_STRING}, .result = RESULT_STRING,
     .flags = FUNC_CAN_FAIL, .kernel = decode_kernel,
     .doc = "The text that the bytes spell in a charset.", .example = "DECODE(x'e9', 'ISO-8859-1')",
     .gives = "é"},
    {.name = "TO_BASE64", .args = {ARG_TEXT_OR_BYTES}, .result = RESULT_STRING,
     .kernel = to_base64_kernel, .doc = "The bytes of the argument in base64.",
     .example = "TO_BASE64('hello')", .gives = "aGVsbG8="},
    {.name = "FROM_BASE64", .args = {ARG_TEXT_OR_BYTES}, .result = RESULT_STRING,
     .flags = FUNC_CAN_FAIL, .kernel = from_base64_kernel,
     .doc = "The text that a base64 text holds.", .example = "FROM_BASE64('aGVsbG8=')",
     .gives = "hello"},
    {.name = "HEX", .args = {ARG_BIGINT}, .result = RESULT_STRING, .kernel = hex_number_kernel,
     .doc = "The number in hexadecimal digits, negative ones in two's complement of 64 bits.",
     .example = "HEX(255)", .gives = "FF"},
    {.name = "HEX", .args = {ARG_STRING}, .result = RESULT_STRING, .kernel = hex_text_kernel,
     .doc = "The bytes of the text in hexadecimal digits.", .example = "HEX('aé')",
     .gives = "61C3A9"},
    {.name = "UNHEX", .args = {ARG_STRING}, .result = RESULT_BYTES,
     .result_null = RESULT_NULL_ALWAYS, .flags = FUNC_TAKES_NULL, .kernel = unhex_kernel,
     .doc = "The bytes of hexadecimal digits; NULL where there are others.",
     .example = "UNHEX('0aFF')", .gives = "x'0aff'"},
    TEST_ROW("IS_ALPHA", is_alpha_kernel, "Whether the text is made of letters.", "IS_ALPHA('é')"),
    TEST_NUMBER_ROW("IS_ALPHA", is_false_kernel, NULL, "No number is made of letters."),
    TEST_ROW("IS_DIGIT", is_digit_kernel, "Whether the text is made of digits.", "IS_DIGIT('12')"),
    TEST_NUMBER_ROW("IS_DIGIT", is_false_kernel, is_digit_number_bind,
                    "Whether the number is an integer."),
    TEST_ROW("IS_DECIMAL", is_decimal_kernel, "Whether the text reads as a number.",
             "IS_DECIMAL('-1.5e3')"),
    TEST_NUMBER_ROW("IS_DECIMAL", is_true_kernel, is_decimal_number_bind,
                    "TRUE of numbers but DECIMAL ones, as in Flink."),
};
const FuncTable STRING_CODE_TABLE = FUNC_TABLE("String functions", STRING_FUNCS);
