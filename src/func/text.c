// Helpers of the text functions, see text_int.h.
#include "func/text_int.h"

void put_units16(Buf *out, Str text, uint64_t from, uint64_t to) {
    const char *p = text.ptr, *end = str_end(text);
    uint64_t unit = 0;
    while (p < end && unit < to) {
        uint32_t size = char_size(p, end);
        uint32_t units = size == 4 ? 2 : 1;
        if (unit >= from && unit + units <= to) {
            buf_put(out, p, size);
        } else if (unit + units > from) {
            buf_putc(out, '?');  // one half of a pair
        }
        unit += units;
        p += size;
    }
}

int32_t java_hash(Str text) {
    uint32_t hash = 0;
    const char *end = str_end(text);
    for (const char *p = text.ptr; p < end;) {
        uint32_t code;
        p += utf8_next(p, end, &code);
        if (code >= 0x10000) {
            hash = hash * 31 + (0xD7C0 + (code >> 10));
            code = 0xDC00 + (code & 0x3FF);
        }
        hash = hash * 31 + code;
    }
    return (int32_t)hash;
}

int32_t java_decimal_hash(i128 value, int32_t scale) {
    u128 magnitude = value < 0 ? -(u128)value : (u128)value;
    uint32_t hash = 0;
    for (int shift = 96; shift >= 0; shift -= 32) hash = 31 * hash + (uint32_t)(magnitude >> shift);
    return (int32_t)(31 * (value < 0 ? 0 - hash : hash) + (uint32_t)scale);
}

// How many bytes at [p] make one malformed piece: the longest start of a character (Unicode 3.9,
// "maximal subpart"), as the JDK's decoder steps.
static uint32_t malformed_size(const unsigned char *p, size_t left) {
    unsigned char c = p[0];
    if (c < 0xC2 || c > 0xF4 || left < 2) return 1;
    unsigned char low = 0x80, high = 0xBF;
    if (c == 0xE0) low = 0xA0;
    if (c == 0xF0) low = 0x90;
    if (c == 0xF4) high = 0x8F;
    if (c < 0xE0 || p[1] < low || p[1] > high) return 1;
    // A surrogate written as three bytes is one piece, unlike in Unicode's recommendation.
    if (c == 0xED && p[1] >= 0xA0) return left >= 3 && is_continuation((char)p[2]) ? 3 : 2;
    if (c < 0xF0 || left < 3 || !is_continuation((char)p[2])) return 2;
    return 3;
}

void put_repaired(Buf *out, Str bytes) {
    if (utf8_valid(bytes)) {
        buf_put_str(out, bytes);
        return;
    }
    const char *end = str_end(bytes);
    for (const char *p = bytes.ptr; p < end;) {
        uint32_t code;
        uint32_t size = utf8_next(p, end, &code);
        if (size == 1 && (unsigned char)*p >= 0x80) {
            buf_puts(out, "\xEF\xBF\xBD");
            p += malformed_size((const unsigned char *)p, (size_t)(end - p));
        } else {
            buf_put(out, p, size);
            p += size;
        }
    }
}

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void put_base64(Buf *out, Str bytes) {
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    char *to = buf_reserve(out, ((size_t)bytes.len + 2) / 3 * 4), *begin = to;
    uint32_t i = 0;
    for (; i + 3 <= bytes.len; i += 3) {
        uint32_t group = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) *to++ = BASE64[group >> shift & 63];
    }
    if (i < bytes.len) {
        bool two = bytes.len - i == 2;
        uint32_t group = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);
        *to++ = BASE64[group >> 18];
        *to++ = BASE64[group >> 12 & 63];
        *to++ = two ? BASE64[group >> 6 & 63] : '=';
        *to++ = '=';
    }
    out->len += (size_t)(to - begin);
}

static int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// The padding may be missing altogether, but not half of it; nothing may follow it.
Status put_base64_decoded(Buf *out, Str text, Error *err) {
    uint32_t group = 0, digits = 0, i = 0;
    for (; i < text.len && text.ptr[i] != '='; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0) {
            return error_set(err, ST_RUNTIME, "illegal base64 character 0x%02x at byte %u",
                             (unsigned char)text.ptr[i], i);
        }
        group = group << 6 | (uint32_t)digit;
        if (++digits == 4) {
            buf_putc(out, (char)(group >> 16));
            buf_putc(out, (char)(group >> 8));
            buf_putc(out, (char)group);
            group = digits = 0;
        }
    }
    uint32_t padding = text.len - i;
    bool right =
        digits == 0 ? padding == 0 : digits >= 2 && (padding == 0 || padding == 4 - digits);
    for (uint32_t k = i; k < text.len; k++) right &= text.ptr[k] == '=';
    if (!right) return error_set(err, ST_RUNTIME, "base64 text ends wrongly at byte %u", i);
    if (digits >= 2) buf_putc(out, (char)(group << 6 * (4 - digits) >> 16));
    if (digits == 3) buf_putc(out, (char)(group << 6 >> 8));
    return ST_OK;
}
