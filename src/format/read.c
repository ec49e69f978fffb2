#include "format/read.h"

#include <string.h>

Str read_trim(Str text) {
    while (text.len && (unsigned char)text.ptr[0] <= ' ') text = (Str){text.ptr + 1, text.len - 1};
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ') text.len--;
    return text;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool read_integer(Str text, int64_t min, int64_t max, int64_t *out) {
    int64_t value;
    if (!str_to_i64(text, &value) || value < min || value > max) return false;
    *out = value;
    return true;
}

bool read_decimal(Str text, int32_t precision, int32_t scale, i128 *out, bool *fits) {
    uint32_t at = 0;
    bool negative = false, point = false;
    if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+')) {
        negative = text.ptr[at++] == '-';
    }
    // The significant digits lie in [from, to), the point somewhere among them or nowhere.
    uint32_t from = at, to, digits = 0;
    int64_t fraction = 0, significant = 0;
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        if (c == '.' && !point) {
            point = true;
        } else if (is_digit(c)) {
            digits++;
            fraction += point;
            if (significant || c != '0') significant++;
        } else {
            break;
        }
    }
    to = at;
    if (!digits) return false;
    int64_t exponent = 0;
    if (at < text.len && (text.ptr[at] | 0x20) == 'e') {
        Str rest = str_sub(text, at + 1, text.len);
        if (!str_to_i64(rest, &exponent)) return false;
        if (exponent > INT32_MAX || exponent < INT32_MIN) return false;
        at = text.len;
    }
    if (at != text.len) return false;

    // [keep] digits belong to the unscaled value; the one after them rounds.
    int64_t keep = significant + exponent - fraction + scale;
    *fits = true;
    *out = 0;
    if (!significant || keep < 0) return true;
    if (keep > precision) return *fits = false, true;
    u128 value = 0;
    bool started = false, up = false;
    for (uint32_t i = from; i < to; i++) {
        char c = text.ptr[i];
        if (c == '.' || (!started && c == '0')) continue;
        started = true;
        if (keep == 0) {
            up = c >= '5';
            break;
        }
        value = value * 10 + (u128)(c - '0');
        keep--;
    }
    while (keep-- > 0) value *= 10;
    value += up;
    if (!decimal_fits((i128)value, precision)) return *fits = false, true;
    *out = negative ? -(i128)value : (i128)value;
    return true;
}

bool read_bool(Str text) {
    return str_eq_nocase(read_trim(text), STR("true"));
}

bool read_timestamp_slow(TimeCache *cache, const char *at, size_t len, TimeStyle style,
                         Timestamp *out) {
    bool zulu = style == TIME_SQL_ZULU || style == TIME_ISO_ZULU;
    Str text = str_make(at, len);
    if (!timestamp_parse_format(text, style == TIME_ISO || style == TIME_ISO_ZULU, zulu, out)) {
        return false;
    }
    // Remembered when the first 16 bytes are all that says which minute it is.
    if (len >= 19 && at[4] == '-' && at[13] == ':' &&
        !str_starts(str_sub(text, 11, 2), STR("24"))) {
        memcpy(cache->text, at, 16);
        cache->base_ms = out->ms - floor_mod(out->ms, 60000);
    }
    return true;
}

bool read_date_lenient(Str text, int32_t *days) {
    int32_t part[3] = {0};
    uint32_t at = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t digits = 0;
        if (i && (at >= text.len || text.ptr[at++] != '-')) return false;
        for (; at < text.len && is_digit(text.ptr[at]) && digits < 4; at++, digits++) {
            part[i] = part[i] * 10 + (text.ptr[at] - '0');
        }
        if (i == 0 ? digits != 4 : digits < 1 || digits > 2) return false;
    }
    if (at != text.len || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31) return false;
    *days = days_from_civil(part[0], part[1], 1) + part[2] - 1;
    return true;
}

bool read_time_short(Str text, int32_t *ms) {
    char whole[9];
    if (text.len != 5) return time_parse_format(text, ms) && !str_starts(text, STR("24"));
    memcpy(whole, text.ptr, 5);
    memcpy(whole + 5, ":00", 3);
    return time_parse_format((Str){whole, 8}, ms) && !str_starts(text, STR("24"));
}

static int32_t base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

bool read_base64(Str text, char *out, uint32_t *len) {
    uint32_t at = 0, made = 0;
    while (at < text.len) {
        if ((unsigned char)text.ptr[at] <= ' ') {  // blanks between groups are skipped
            at++;
            continue;
        }
        int32_t value[4];
        uint32_t got = 0;
        while (got < 4 && at < text.len && (value[got] = base64_value(text.ptr[at])) >= 0) {
            at++;
            got++;
        }
        if (got < 2) return false;
        if (got < 4) {  // the last group is padded to four
            uint32_t padding = 4 - got;
            for (uint32_t i = 0; i < padding; i++) {
                if (at >= text.len || text.ptr[at++] != '=') return false;
            }
        }
        out[made++] = (char)(value[0] << 2 | value[1] >> 4);
        if (got > 2) out[made++] = (char)(value[1] << 4 | value[2] >> 2);
        if (got > 3) out[made++] = (char)(value[2] << 6 | value[3]);
    }
    *len = made;
    return true;
}
