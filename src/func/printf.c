// PRINTF: java.util.Formatter in English, over the objects that Flink hands it. Whatever Java would
// throw gives NULL. A DECIMAL is an object of Flink's, no number: '%d' and '%f' of it are NULL.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "func/cast.h"
#include "func/text_int.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

typedef struct Spec {
    bool minus, sharp, plus, space, zero, comma, paren;
    int32_t width, precision;  // -1: none
    char conversion;           // in lower case
    bool upper;
} Spec;

enum { PRINTF_WIDTH_MAX = 1 << 20 };

static bool is_null(const Vec *arg, uint32_t row) {
    return arg->type->kind == TYPE_NULL || vec_is_null(arg, row);
}

static void justify(Buf *out, const Spec *spec, Str text) {
    int64_t missing = spec->width - (int64_t)utf8_units16(text);
    for (int64_t i = 0; !spec->minus && i < missing; i++) buf_putc(out, ' ');
    buf_put_str(out, text);
    for (int64_t i = 0; spec->minus && i < missing; i++) buf_putc(out, ' ');
}

// As '%s' does: cut to the precision, in capitals, justified.
static void put_text(Buf *out, const Spec *spec, Str text) {
    Buf cut = {0}, upper = {0};
    if (spec->precision >= 0 && (uint32_t)spec->precision < utf8_units16(text)) {
        put_units16(&cut, text, 0, (uint64_t)spec->precision);
        text = buf_str(&cut);
    }
    if (spec->upper) {
        buf_put_upper(&upper, text);
        text = buf_str(&upper);
    }
    justify(out, spec, text);
    buf_free(&cut);
    buf_free(&upper);
}

// ---- objects as text and hash ------------------------------------------------------------------

// LocalDateTime.toString: no seconds when they are zero, the fraction in groups of three digits.
static void put_timestamp(Buf *out, Timestamp ts) {
    char text[DATETIME_TEXT_MAX];
    uint32_t len = timestamp_print(ts, 9, text);
    while (len > 3 && memcmp(text + len - 3, "000", 3) == 0) len -= 3;
    if (text[len - 1] == '.') len--;
    if (len > 3 && memcmp(text + len - 3, ":00", 3) == 0) len -= 3;
    char *blank = memchr(text, ' ', len);
    if (blank) *blank = 'T';
    buf_put(out, text, len);
}

static void put_object(Buf *out, const Vec *arg, uint32_t row, const FuncEnv *env) {
    char text[DECIMAL_TEXT_MAX + NUMBER_TEXT_MAX];
    switch (arg->type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR: buf_put_str(out, vec_str(arg)[row]); break;
        case TYPE_BOOLEAN: buf_puts(out, vec_u8(arg)[row] ? "true" : "false"); break;
        case TYPE_FLOAT: buf_put(out, text, f32_print(vec_f32(arg)[row], text)); break;
        case TYPE_DOUBLE: buf_put(out, text, f64_print(vec_f64(arg)[row], text)); break;
        case TYPE_DECIMAL:
            buf_put(out, text, decimal_print(vec_i128(arg)[row], arg->type->scale, text));
            break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: put_timestamp(out, vec_timestamp(arg, row)); break;
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_DATE:
        case TYPE_TIME:
        case TYPE_INTERVAL_MONTHS:
        case TYPE_INTERVAL_SECONDS:
            buf_printf(out, "%lld", (long long)vec_integer(arg, row));
            break;
        default: value_print(arg, row, env, true, out);  // Java: the object's address
    }
}

// Flink's BinaryStringData hashes like MurmurHash3, whole words, then signed bytes one by one.
static uint32_t murmur_mix(uint32_t hash, uint32_t word) {
    word *= 0xcc9e2d51;
    word = word << 15 | word >> 17;
    word *= 0x1b873593;
    hash ^= word;
    hash = hash << 13 | hash >> 19;
    return hash * 5 + 0xe6546b64;
}

static uint32_t murmur_text(Str text) {
    uint32_t hash = 42, i = 0;
    for (; i + 4 <= text.len; i += 4) {
        uint32_t word;
        memcpy(&word, text.ptr + i, 4);
        hash = murmur_mix(hash, word);
    }
    for (; i < text.len; i++) hash = murmur_mix(hash, (uint32_t)(signed char)text.ptr[i]);
    hash ^= text.len;
    hash ^= hash >> 16;
    hash *= 0x85ebca6b;
    hash ^= hash >> 13;
    hash *= 0xc2b2ae35;
    return hash ^ hash >> 16;
}

static uint32_t object_hash(const Vec *arg, uint32_t row) {
    uint64_t bits = 0;
    switch (arg->type->kind) {
        case TYPE_CHAR:
        case TYPE_VARCHAR: return murmur_text(vec_str(arg)[row]);
        case TYPE_BOOLEAN: return vec_u8(arg)[row] ? 1231 : 1237;
        case TYPE_DECIMAL: return (uint32_t)java_decimal_hash(vec_i128(arg)[row], arg->type->scale);
        case TYPE_FLOAT: memcpy(&bits, &vec_f32(arg)[row], sizeof(float)); return (uint32_t)bits;
        case TYPE_DOUBLE: memcpy(&bits, &vec_f64(arg)[row], sizeof bits); break;
        case TYPE_BIGINT:
        case TYPE_INTERVAL_SECONDS: bits = (uint64_t)vec_integer(arg, row); break;
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMP_LTZ: {
            Timestamp ts = vec_timestamp(arg, row);
            uint64_t ms = (uint64_t)ts.ms;
            return 31 * (uint32_t)(ms ^ ms >> 32) + (uint32_t)ts.ns;
        }
        case TYPE_TINYINT:
        case TYPE_SMALLINT:
        case TYPE_INT:
        case TYPE_DATE:
        case TYPE_TIME:
        case TYPE_INTERVAL_MONTHS: return (uint32_t)vec_integer(arg, row);
        default: bits = vec_hash_value(arg, row);
    }
    return (uint32_t)(bits ^ bits >> 32);
}

// ---- numbers -----------------------------------------------------------------------------------

static void put_sign(Buf *out, const Spec *spec, bool negative) {
    if (negative) {
        buf_putc(out, spec->paren ? '(' : '-');
    } else if (spec->plus || spec->space) {
        buf_putc(out, spec->plus ? '+' : ' ');
    }
}

// Digits with a point perhaps: groups of three before it, zeros in front up to [width] of [out].
static void put_magnitude(Buf *out, const Spec *spec, Str digits, int32_t width) {
    size_t begin = out->len;
    const char *point = memchr(digits.ptr, '.', digits.len);
    uint32_t whole = point ? (uint32_t)(point - digits.ptr) : digits.len;
    for (uint32_t i = 0; i < digits.len; i++) {
        if (spec->comma && i && i < whole && (whole - i) % 3 == 0) buf_putc(out, ',');
        buf_putc(out, digits.ptr[i]);
    }
    if (!spec->zero || width < 0 || out->len >= (size_t)width) return;
    size_t zeros = (size_t)width - out->len, size = out->len - begin;
    (void)buf_reserve(out, zeros);
    memmove(out->ptr + begin + zeros, out->ptr + begin, size);
    memset(out->ptr + begin, '0', zeros);
    out->len += zeros;
}

static int32_t inner_width(const Spec *spec, bool negative) {
    return spec->width < 0 ? -1 : spec->width - (spec->paren && negative);
}

static void put_integer(Buf *out, const Spec *spec, int64_t value, uint32_t bytes) {
    Buf text = {0};
    char digits[32];
    if (spec->conversion == 'd') {
        bool negative = value < 0;
        uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value;
        int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)magnitude);
        put_sign(&text, spec, negative);
        put_magnitude(&text, spec, str_make(digits, (size_t)len), inner_width(spec, negative));
        if (negative && spec->paren) buf_putc(&text, ')');
    } else {
        uint64_t bits = (uint64_t)value;
        if (bytes < 8) bits &= ((uint64_t)1 << 8 * bytes) - 1;
        bool hex = spec->conversion == 'x';
        int len = snprintf(digits, sizeof digits, hex ? spec->upper ? "%llX" : "%llx" : "%llo",
                           (unsigned long long)bits);
        if (spec->sharp) buf_puts(&text, !hex ? "0" : spec->upper ? "0X" : "0x");
        int32_t missing = spec->width - len - (int32_t)text.len;
        for (int32_t i = 0; spec->zero && i < missing; i++) buf_putc(&text, '0');
        buf_put(&text, digits, (size_t)len);
    }
    justify(out, spec, buf_str(&text));
    buf_free(&text);
}

// The shortest digits of a double as Double.toString has them: 0.d1d2… * 10^exponent.
typedef struct Digits {
    char digit[NUMBER_TEXT_MAX];
    int32_t count, exponent;
} Digits;

static Digits digits_of(double value) {
    char text[NUMBER_TEXT_MAX + 1];
    uint32_t len = f64_print(value, text);
    text[len] = 0;
    Digits out = {.count = 0};
    bool point = false, started = false;
    for (uint32_t i = 0; i < len; i++) {
        if (text[i] == 'E') {
            out.exponent += atoi(text + i + 1);
            break;
        }
        if (text[i] == '.') {
            point = true;
        } else if (text[i] != '0' || started) {
            started = true;
            out.digit[out.count++] = text[i];
            if (!point) out.exponent++;
        } else if (point) {
            out.exponent--;
        }
    }
    while (out.count && out.digit[out.count - 1] == '0') out.count--;
    return out;
}

// Keeps [count] digits, half up; a carry out of the first one moves the exponent.
static void digits_round(Digits *digits, int32_t count) {
    if (count >= digits->count) return;
    if (count < 0) {
        digits->count = 0;
        return;
    }
    bool up = digits->digit[count] >= '5';
    digits->count = count;
    while (up && digits->count && digits->digit[digits->count - 1] == '9') digits->count--;
    if (up && digits->count) {
        digits->digit[digits->count - 1]++;
    } else if (up) {
        digits->digit[digits->count++] = '1';
        digits->exponent++;
    }
}

static void put_fixed(Buf *out, Digits digits, int32_t precision, bool sharp) {
    digits_round(&digits, digits.exponent + precision);
    if (digits.count == 0) digits.exponent = 0;
    if (digits.exponent <= 0) buf_putc(out, '0');
    for (int32_t i = 0; i < digits.exponent; i++) {
        buf_putc(out, i < digits.count ? digits.digit[i] : '0');
    }
    if (precision > 0 || sharp) buf_putc(out, '.');
    for (int32_t i = 0; i < precision; i++) {
        int32_t at = digits.exponent + i;
        buf_putc(out, at >= 0 && at < digits.count ? digits.digit[at] : '0');
    }
}

static void put_scientific(Buf *out, const Spec *spec, Digits digits, int32_t precision, bool sharp,
                           int32_t width) {
    Buf mantissa = {0};
    digits_round(&digits, precision + 1);
    int32_t exponent = digits.count ? digits.exponent - 1 : 0;
    buf_putc(&mantissa, digits.count ? digits.digit[0] : '0');
    if (precision > 0 || sharp) buf_putc(&mantissa, '.');
    for (int32_t i = 1; i <= precision; i++) {
        buf_putc(&mantissa, i < digits.count ? digits.digit[i] : '0');
    }
    char tail[16];
    int len = snprintf(tail, sizeof tail, "%c%c%02d", spec->upper ? 'E' : 'e',
                       exponent < 0 ? '-' : '+', abs(exponent));
    put_magnitude(out, spec, buf_str(&mantissa), width < 0 ? -1 : width - len);
    buf_put(out, tail, (size_t)len);
    buf_free(&mantissa);
}

// Double.toHexString, rounded to [precision] digits when there is one.
static void put_hex_float(Buf *out, const Spec *spec, double value) {
    char text[64];
    bool subnormal = value != 0 && value < 0x1p-1022;
    if (spec->precision >= 0) {
        int32_t precision = spec->precision < 1 ? 1 : spec->precision > 13 ? 13 : spec->precision;
        (void)snprintf(text, sizeof text, "%.*a", precision, value);
    } else if (subnormal) {  // Java prints 0x0.…p-1022
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        (void)snprintf(text, sizeof text, "0x0.%013llxp-1022", (unsigned long long)bits);
        char *p = strchr(text, 'p'), *q = p;
        while (q[-1] == '0' && q[-2] != '.') q--;
        memmove(q, p, strlen(p) + 1);
    } else {
        (void)snprintf(text, sizeof text, "%a", value);
    }
    // C writes "0x1p+0" where Java writes "0x1.0p0".
    for (const char *p = text; *p; p++) {
        if (*p == 'p' && !strchr(text, '.')) buf_puts(out, ".0");
        if (*p == '+') continue;
        buf_putc(out, (char)(spec->upper && *p >= 'a' && *p <= 'z' ? *p - 32 : *p));
    }
}

static void put_float(Buf *out, const Spec *spec, double value) {
    Buf text = {0};
    bool negative = signbit(value) && !isnan(value);
    Spec plain = *spec;
    if (isnan(value)) {
        plain.zero = false;
        buf_puts(&text, spec->upper ? "NAN" : "NaN");
        justify(out, &plain, buf_str(&text));
        buf_free(&text);
        return;
    }
    put_sign(&text, spec, negative);
    int32_t width = inner_width(spec, negative);
    double magnitude = fabs(value);
    int32_t precision = spec->precision < 0 ? 6 : spec->precision;
    if (isinf(value)) {
        buf_puts(&text, spec->upper ? "INFINITY" : "Infinity");
    } else if (spec->conversion == 'a') {
        Buf hex = {0};
        put_hex_float(&hex, spec, magnitude);
        int64_t zeros = spec->zero ? (int64_t)width - (int64_t)(text.len + hex.len) : 0;
        buf_put(&text, hex.ptr, 2);  // "0x"
        for (; zeros > 0; zeros--) buf_putc(&text, '0');
        buf_put(&text, hex.ptr + 2, hex.len - 2);
        buf_free(&hex);
    } else {
        Digits digits = digits_of(magnitude);
        Buf number = {0};
        if (spec->conversion == 'e') {
            put_scientific(&text, spec, digits, precision, spec->sharp, width);
        } else if (spec->conversion == 'f') {
            put_fixed(&number, digits, precision, spec->sharp);
        } else {
            if (precision == 0) precision = 1;
            digits_round(&digits, precision);
            // 10^-4 <= rounded value < 10^precision prints plainly.
            if (!digits.count) {
                put_fixed(&number, digits, precision - 1, false);
            } else if (digits.exponent >= -3 && digits.exponent <= precision) {
                put_fixed(&number, digits, precision - digits.exponent, false);
            } else {
                put_scientific(&text, spec, digits, precision - 1, false, width);
            }
        }
        if (number.len) put_magnitude(&text, spec, buf_str(&number), width);
        buf_free(&number);
    }
    if (negative && spec->paren) buf_putc(&text, ')');
    justify(out, &plain, buf_str(&text));
    buf_free(&text);
}

// ---- conversions -------------------------------------------------------------------------------

static bool flags_fit(const Spec *spec) {
    char c = spec->conversion;
    bool numeric = strchr("doxefga", c) != NULL;
    if ((spec->minus || spec->zero) && spec->width < 0) return false;
    if (spec->minus && spec->zero) return false;
    if (spec->plus && spec->space) return false;
    if (!numeric && (spec->plus || spec->space || spec->zero || spec->comma || spec->paren))
        return false;
    switch (c) {
        case 'd': return !spec->sharp && spec->precision < 0;
        case 'o':
        case 'x': return !spec->comma && spec->precision < 0;
        case 'e': return !spec->comma;
        case 'g': return !spec->sharp;
        case 'a': return !spec->comma && !spec->paren;
        case 'c':
        case '%': return spec->precision < 0 && !spec->sharp;
        case 'n': return spec->precision < 0 && spec->width < 0 && !spec->minus && !spec->sharp;
        case 's':  // '#' is for Formattable objects, which ours are not
        case 'b':
        case 'h': return !spec->sharp;
        default: return true;
    }
}

// Puts one argument; false where Java throws.
static bool put_converted(Buf *out, const Spec *spec, const Vec *arg, uint32_t row,
                          const FuncEnv *env) {
    TypeKind kind = arg->type->kind;
    bool null = is_null(arg, row);
    char text[16];
    if (spec->conversion == 'b') {
        bool truth = !null && (kind != TYPE_BOOLEAN || vec_u8(arg)[row]);
        put_text(out, spec, truth ? STR("true") : STR("false"));
        return true;
    }
    if (null) {
        put_text(out, spec, STR("null"));
        return true;
    }
    switch (spec->conversion) {
        case 's': {
            Buf object = {0};
            put_object(&object, arg, row, env);
            put_text(out, spec, buf_str(&object));
            buf_free(&object);
            return true;
        }
        case 'h':
            (void)snprintf(text, sizeof text, "%x", object_hash(arg, row));
            put_text(out, spec, str_c(text));
            return true;
        case 'c': {
            bool fits = arg->phys == PHYS_I8 || arg->phys == PHYS_I16 || arg->phys == PHYS_I32;
            int64_t code = fits ? vec_integer(arg, row) : -1;
            if (code < 0 || code > 0x10FFFF) return false;
            bool half = code >= 0xD800 && code <= 0xDFFF;
            put_text(out, spec, half ? STR("?") : str_make(text, utf8_put(text, (uint32_t)code)));
            return true;
        }
        case 'd':
        case 'o':
        case 'x':
            if (arg->phys < PHYS_I8 || arg->phys > PHYS_I64 || type_is_timestamp(arg->type))
                return false;
            if (spec->conversion != 'd' && (spec->plus || spec->space || spec->paren)) return false;
            put_integer(out, spec, vec_integer(arg, row), phys_size(arg->phys));
            return true;
        default:
            if (kind == TYPE_FLOAT) {
                put_float(out, spec, (double)vec_f32(arg)[row]);
            } else if (kind == TYPE_DOUBLE) {
                put_float(out, spec, vec_f64(arg)[row]);
            } else {
                return false;
            }
            return true;
    }
}

static int32_t read_number(Str format, uint32_t *at) {
    int64_t number = -1;
    for (; *at < format.len && format.ptr[*at] >= '0' && format.ptr[*at] <= '9'; ++*at) {
        number = (number < 0 ? 0 : number) * 10 + (format.ptr[*at] - '0');
        if (number > PRINTF_WIDTH_MAX) number = PRINTF_WIDTH_MAX + 1;
    }
    return (int32_t)number;
}

static bool read_flags(Str format, uint32_t *at, Spec *spec, bool *same) {
    for (; *at < format.len; ++*at) {
        bool *flag;
        switch (format.ptr[*at]) {
            case '-': flag = &spec->minus; break;
            case '#': flag = &spec->sharp; break;
            case '+': flag = &spec->plus; break;
            case ' ': flag = &spec->space; break;
            case '0': flag = &spec->zero; break;
            case ',': flag = &spec->comma; break;
            case '(': flag = &spec->paren; break;
            case '<': flag = same; break;
            default: return true;
        }
        if (*flag) return false;  // twice
        *flag = true;
    }
    return true;
}

// Behind '%': [index$][flags][width][.precision]conversion. *index: 0 ordinary, -1 the same again.
static bool read_spec(Str format, uint32_t *at, Spec *spec, int32_t *index) {
    *spec = (Spec){.width = -1, .precision = -1};
    *index = 0;
    bool same = false;
    uint32_t back = *at;
    int32_t number = *at < format.len && format.ptr[*at] != '0' ? read_number(format, at) : -1;
    if (number >= 0 && *at < format.len && format.ptr[*at] == '$') {
        *index = number;
        ++*at;
    } else {
        *at = back;
    }
    if (!read_flags(format, at, spec, &same)) return false;
    if (same) *index = -1;
    spec->width = read_number(format, at);
    if (*at < format.len && format.ptr[*at] == '.') {
        ++*at;
        spec->precision = read_number(format, at);
        if (spec->precision < 0) return false;
    }
    if (*at >= format.len || spec->width > PRINTF_WIDTH_MAX || spec->precision > PRINTF_WIDTH_MAX) {
        return false;
    }
    char c = format.ptr[(*at)++];
    spec->upper = c && strchr("BHSCXEGA", c);
    spec->conversion = spec->upper ? (char)(c + 32) : c;
    return c && strchr("bhscdoxefga%n", spec->conversion) && flags_fit(spec);
}

static bool put_formatted(Buf *out, const KernelArgs *args, uint32_t row) {
    Str format = vec_str(args->arg[0])[row];
    uint32_t next = 1, last = 0;
    for (uint32_t at = 0; at < format.len;) {
        const char *percent = memchr(format.ptr + at, '%', format.len - at);
        uint32_t until = percent ? (uint32_t)(percent - format.ptr) : format.len;
        buf_put(out, format.ptr + at, until - at);
        if (!percent) break;
        at = until + 1;
        Spec spec;
        int32_t index;
        if (!read_spec(format, &at, &spec, &index)) return false;
        if (spec.conversion == '%' || spec.conversion == 'n') {
            justify(out, &spec, spec.conversion == '%' ? STR("%") : STR("\n"));
            continue;
        }
        uint32_t arg = index > 0 ? (uint32_t)index : index < 0 ? last : next++;
        if (arg == 0 || arg >= args->argc) return false;
        last = arg;
        if (!put_converted(out, &spec, args->arg[arg], row, args->env)) return false;
        if (out->len > TEXT_BYTES_MAX) return false;
    }
    return true;
}

static Status printf_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    Buf buf = {0};
    for (uint32_t row = 0; row < args->rows; row++) {
        buf.len = 0;
        if (!vec_is_null(args->arg[0], row) && put_formatted(&buf, args, row)) {
            vec_set_text(out, row, buf_str(&buf));
        } else {
            vec_set_null(out, row);
        }
    }
    buf_free(&buf);
    return ST_OK;
}

static const ScalarFunc PRINTF_FUNCS[] = {
    {.name = "PRINTF", .args = {ARG_STRING, ARG_ANY}, .argc_min = 1, .argc_max = FUNC_VARIADIC,
     .result = RESULT_STRING, .result_null = RESULT_NULL_ALWAYS, .nulls = NULLS_OWN,
     .flags = FUNC_TAKES_NULL, .kernel = printf_kernel,
     .doc = "The text with its conversions (%s, %5d, %.2f … as in Java) replaced by the "
            "arguments.", .example = "PRINTF('%s has %,d', 'x', 12345)", .gives = "x has 12,345"},
};
const FuncTable PRINTF_TABLE = FUNC_TABLE("String functions", PRINTF_FUNCS);
