// Casts between numbers, BOOLEAN and intervals, as Java converts: integers wrap, doubles saturate
// (and wrap on the way from INT to the smaller ones), NaN is 0. DECIMAL rounds half up, and what
// does not fit is NULL, not an error. Text is read as Flink's BinaryStringDataUtil reads it.
#include <math.h>

#include "func/cast_int.h"
#include "type/decimal.h"
#include "type/number.h"

static int32_t i32_of_f64(double value) {
    if (isnan(value)) return 0;
    if (value >= 2147483647.0) return INT32_MAX;
    return value <= -2147483648.0 ? INT32_MIN : (int32_t)value;
}
static int64_t i64_of_f64(double value) {
    if (isnan(value)) return 0;
    if (value >= 9223372036854775807.0) return INT64_MAX;
    return value <= -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
}

// Rows without a value hold zero in every layout, and zero casts to zero: no branch is needed.
#define LOOP(from, to, convert)                                                       \
    do {                                                                              \
        const from *src = cast->in->data;                                             \
        to *dst = cast->out->data;                                                    \
        for (uint32_t row = 0, rows = cast->rows; row < rows; row++) {                \
            dst[row] = (to)(convert);                                                 \
        }                                                                             \
    } while (0);                                                                      \
    break
#define FROM_INTEGER(from)                                                            \
    switch (cast->out->phys) {                                                        \
        case PHYS_U8: LOOP(from, uint8_t, src[row] != 0);                             \
        case PHYS_I8: LOOP(from, int8_t, src[row]);                                   \
        case PHYS_I16: LOOP(from, int16_t, src[row]);                                 \
        case PHYS_I32: LOOP(from, int32_t, src[row]);                                 \
        case PHYS_I64: LOOP(from, int64_t, src[row]);                                 \
        case PHYS_F32: LOOP(from, float, src[row]);                                   \
        case PHYS_F64: LOOP(from, double, src[row]);                                  \
        default: UNREACHABLE();                                                       \
    }                                                                                 \
    break
#define FROM_FLOAT(from)                                                              \
    switch (cast->out->phys) {                                                        \
        case PHYS_U8: LOOP(from, uint8_t, src[row] != 0);                             \
        case PHYS_I8: LOOP(from, int8_t, i32_of_f64(src[row]));                       \
        case PHYS_I16: LOOP(from, int16_t, i32_of_f64(src[row]));                     \
        case PHYS_I32: LOOP(from, int32_t, i32_of_f64(src[row]));                     \
        case PHYS_I64: LOOP(from, int64_t, i64_of_f64(src[row]));                     \
        case PHYS_F32: LOOP(from, float, src[row]);                                   \
        case PHYS_F64: LOOP(from, double, src[row]);                                  \
        default: UNREACHABLE();                                                       \
    }                                                                                 \
    break

static void cast_machine_number(const Cast *cast) {
    switch (cast->in->phys) {
        case PHYS_U8: FROM_INTEGER(uint8_t);
        case PHYS_I8: FROM_INTEGER(int8_t);
        case PHYS_I16: FROM_INTEGER(int16_t);
        case PHYS_I32: FROM_INTEGER(int32_t);
        case PHYS_I64: FROM_INTEGER(int64_t);
        case PHYS_F32: FROM_FLOAT(float);
        case PHYS_F64: FROM_FLOAT(double);
        default: UNREACHABLE();
    }
}

static Status cast_to_decimal(const Cast *cast, Error *err) {
    const Vec *in = cast->in;
    i128 *out = vec_i128(cast->out);
    int32_t precision = cast->out->type->precision, scale = cast->out->type->scale;
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        bool fits;
        switch (in->phys) {
            case PHYS_I128:
                fits = decimal_rescale(vec_i128(in)[row], in->type->scale, precision, scale,
                                       &out[row]);
                break;
            case PHYS_F32:
            case PHYS_F64: {
                double value = in->phys == PHYS_F32 ? vec_f32(in)[row] : vec_f64(in)[row];
                if (!isfinite(value)) {  // not even for TRY_CAST, which Flink does not guard here
                    Cast strict = *cast;
                    strict.failed = NULL;
                    return cast_fail(&strict, row, "no decimal has this value", err);
                }
                fits = decimal_from_f64(value, precision, scale, &out[row]);
                break;
            }
            default: fits = decimal_from_i64(vec_integer(in, row), precision, scale, &out[row]);
        }
        if (!fits) vec_set_null(cast->out, row);
    }
    return ST_OK;
}

static void cast_from_decimal(const Cast *cast) {
    const i128 *in = vec_i128(cast->in);
    Vec *out = cast->out;
    int32_t scale = cast->in->type->scale;
    for (uint32_t row = 0; row < cast->rows; row++) {
        switch (out->phys) {
            case PHYS_U8: vec_u8(out)[row] = in[row] != 0; break;
            case PHYS_F32: vec_f32(out)[row] = (float)decimal_to_f64(in[row], scale); break;
            case PHYS_F64: vec_f64(out)[row] = decimal_to_f64(in[row], scale); break;
            default: vec_set_integer(out, row, decimal_to_i64(in[row], scale));
        }
    }
}

Status cast_number(const Cast *cast, Error *err) {
    if (cast->out->phys == PHYS_I128) return cast_to_decimal(cast, err);
    if (cast->in->phys == PHYS_I128) {
        cast_from_decimal(cast);
    } else {
        cast_machine_number(cast);
    }
    return ST_OK;
}

// ---- text
// ----------------------------------------------------------------------------------------

static Str trim_spaces(Str text) {  // ' ' alone, as BinaryStringData.trim
    while (text.len && text.ptr[0] == ' ') text = str_sub(text, 1, text.len - 1);
    while (text.len && text.ptr[text.len - 1] == ' ') text.len--;
    return text;
}

// A whole number; decimals are cut off but must be digits ("1.5", "5.", even "."). NULL or why not.
static const char *read_integer(Str text, int64_t least, int64_t most, int64_t *out) {
    text = trim_spaces(text);
    if (!text.len) return "the text is empty";
    uint32_t at = 0;
    bool negative = text.ptr[0] == '-';
    if (negative || text.ptr[0] == '+') at++;
    if (at == text.len) return "a sign is no number";
    uint64_t value = 0;
    bool over = false;
    for (; at < text.len && text.ptr[at] != '.'; at++) {
        uint32_t digit = (uint32_t)(text.ptr[at] - '0');
        if (digit > 9) return "there is a character that is no digit";
        over |= __builtin_mul_overflow(value, 10u, &value);
        over |= __builtin_add_overflow(value, digit, &value);
    }
    for (at++; at < text.len; at++) {
        if ((uint32_t)(text.ptr[at] - '0') > 9) return "there is a character that is no digit";
    }
    uint64_t limit = negative ? -(uint64_t)least : (uint64_t)most;
    if (over || value > limit) return "the number is out of range";
    *out = (int64_t)(negative ? -value : value);
    return NULL;
}

static bool is_decimal_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t';
}

// Flink has two readers of decimals. The one for short texts of small types lets one wrong
// character end the number ("1a" is 1, "t" is 0); the other is BigDecimal's and strict.
static bool read_small_decimal(Str text, int32_t precision, int32_t scale, i128 *out) {
    const char *at = text.ptr, *end = str_end(text);
    while (at < end && is_decimal_blank(*at)) at++;
    if (at == end) return false;
    bool negative = *at == '-';
    if (negative || *at == '+') at++;
    if (at == end) return false;
    int64_t digits = 0;
    int32_t digits_scale = 0, exponent = 0;
    bool point = false;
    char c = 0;
    while (at < end) {
        c = *at++;
        if (c >= '0' && c <= '9') {
            digits = digits * 10 + (c - '0');  // at most 18 bytes: no overflow
            digits_scale += point;
        } else if (c == '.' && !point) {
            point = true;
        } else if (c == '.') {
            return false;
        } else {
            break;
        }
    }
    if ((c == 'e' || c == 'E') && at < end) {
        bool down = *at == '-';
        if (down || *at == '+') at++;
        if (at == end) return false;
        while (at < end) {
            c = *at++;
            if (c < '0' || c > '9') break;
            if (exponent < 100000) exponent = exponent * 10 + (c - '0');
        }
        if (down) exponent = -exponent;
    }
    while (at < end) {
        if (!is_decimal_blank(*at++)) return false;
    }
    if (digits == 0) return *out = 0, true;
    int32_t shift = digits_scale - exponent;
    if (shift - scale > DECIMAL_DIGITS_MAX) return *out = 0, true;
    if (shift - scale < -DECIMAL_DIGITS_MAX) return false;
    return decimal_rescale(negative ? -digits : digits, shift - scale, precision, 0, out);
}

// The value of a decimal digit of any script, as Character.digit; else 10.
static uint32_t digit_of(uint32_t code) {
    static const uint16_t ZEROS[] = {0x30,   0x660,  0x6F0,  0x7C0,  0x966,  0x9E6,  0xA66,
                                     0xAE6,  0xB66,  0xBE6,  0xC66,  0xCE6,  0xD66,  0xE50,
                                     0xED0,  0xF20,  0x1040, 0x17E0, 0x1810, 0xFF10};
    for (size_t i = 0; i < sizeof ZEROS / sizeof *ZEROS; i++) {
        if (code - ZEROS[i] <= 9) return code - ZEROS[i];
    }
    return 10;
}

static bool read_big_decimal(Str text, int32_t precision, int32_t scale, i128 *out) {
    while (text.len && is_decimal_blank(text.ptr[0])) text = str_sub(text, 1, text.len - 1);
    while (text.len && is_decimal_blank(text.ptr[text.len - 1])) text.len--;
    if (decimal_parse(text, precision, scale, out)) return true;
    bool ascii = true;
    for (uint32_t i = 0; i < text.len; i++) ascii &= !(text.ptr[i] & 0x80);
    if (ascii) return false;
    Buf plain = {0};
    for (const char *at = text.ptr, *end = str_end(text); at < end;) {
        uint32_t code;
        at += utf8_next(at, end, &code);
        uint32_t digit = digit_of(code);
        buf_putc(&plain, digit < 10 ? (char)('0' + digit) : code < 0x80 ? (char)code : '?');
    }
    bool read = decimal_parse(buf_str(&plain), precision, scale, out);
    buf_free(&plain);
    return read;
}

static bool read_decimal(Str text, int32_t precision, int32_t scale, i128 *out) {
    enum { COMPACT = 18 };  // digits that Flink keeps in a long
    if (precision <= COMPACT && text.len <= COMPACT) {
        return read_small_decimal(text, precision, scale, out);
    }
    return read_big_decimal(text, precision, scale, out);
}

static bool read_boolean(Str text, uint8_t *out) {
    static const char *const WORDS[] = {"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"};
    for (uint32_t i = 0; i < 10; i++) {
        if (str_eq_nocase(text, str_c(WORDS[i]))) return *out = i < 5, true;
    }
    return false;
}

Status cast_number_from_text(const Cast *cast, Error *err) {
    static const int64_t LEAST[] = {[PHYS_I8] = INT8_MIN, [PHYS_I16] = INT16_MIN,
                                    [PHYS_I32] = INT32_MIN, [PHYS_I64] = INT64_MIN};
    static const int64_t MOST[] = {[PHYS_I8] = INT8_MAX, [PHYS_I16] = INT16_MAX,
                                   [PHYS_I32] = INT32_MAX, [PHYS_I64] = INT64_MAX};
    const Str *text = vec_str(cast->in);
    Vec *out = cast->out;
    for (uint32_t row = 0; row < cast->rows; row++) {
        if (!cast_row_wanted(cast, row)) continue;
        const char *why = "the text is no number";
        bool read;
        switch (out->phys) {
            case PHYS_U8:
                why = "the text is neither true nor false";
                read = read_boolean(text[row], &vec_u8(out)[row]);
                break;
            case PHYS_F32: read = f32_parse_java(text[row], &vec_f32(out)[row]); break;
            case PHYS_F64: read = f64_parse_java(text[row], &vec_f64(out)[row]); break;
            case PHYS_I128:
                why = "the text is no number that fits";
                read = read_decimal(text[row], out->type->precision, out->type->scale,
                                    &vec_i128(out)[row]);
                break;
            default: {
                int64_t value = 0;
                why = read_integer(text[row], LEAST[out->phys], MOST[out->phys], &value);
                read = !why;
                if (read) vec_set_integer(out, row, value);
            }
        }
        if (!read) TRY(cast_fail(cast, row, why, err));
    }
    return ST_OK;
}
