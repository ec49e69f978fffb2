#include "type/java_print.h"

#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

void print_decimal(i128 value, int32_t scale, bool plain, bool strip, Buf *out) {
    if (strip) {
        while (value != 0 && value % 10 == 0) {
            value /= 10;
            scale--;
        }
        if (value == 0) scale = 0;
    }
    char digits[DECIMAL_TEXT_MAX];
    uint32_t len = decimal_print(value < 0 ? -value : value, 0, digits);
    if (value < 0) buf_putc(out, '-');
    // BigDecimal.toString: no exponent when 0 <= scale and the adjusted exponent is at least -6.
    int32_t adjusted = (int32_t)len - 1 - scale;
    if (!plain && (scale < 0 || adjusted < -6)) {
        buf_putc(out, digits[0]);
        if (len > 1) {
            buf_putc(out, '.');
            buf_put(out, digits + 1, len - 1);
        }
        buf_printf(out, "E%+d", (int)adjusted);
        return;
    }
    if (scale <= 0) {
        buf_put(out, digits, len);
        for (; scale < 0; scale++) buf_putc(out, '0');
        return;
    }
    if ((int32_t)len <= scale) {
        buf_puts(out, "0.");
        for (int32_t i = (int32_t)len; i < scale; i++) buf_putc(out, '0');
        buf_put(out, digits, len);
        return;
    }
    buf_put(out, digits, len - (uint32_t)scale);
    buf_putc(out, '.');
    buf_put(out, digits + len - (uint32_t)scale, (uint32_t)scale);
}

static void put_two(Buf *out, int32_t value) {
    buf_putc(out, (char)('0' + value / 10 % 10));
    buf_putc(out, (char)('0' + value % 10));
}

void print_date(int32_t days, Buf *out) {
    int32_t year, month, day;
    civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) {
        buf_putc(out, year < 0 ? '-' : '+');
        if (year < 0) year = -year;
    }
    if (year > 9999) {
        buf_printf(out, "%d", (int)year);
    } else {
        put_two(out, year / 100);
        put_two(out, year % 100);
    }
    buf_putc(out, '-');
    put_two(out, month);
    buf_putc(out, '-');
    put_two(out, day);
}

static void put_clock(int32_t ms, int32_t nanos, Buf *out) {
    put_two(out, ms / 3600000);
    buf_putc(out, ':');
    put_two(out, ms / 60000 % 60);
    buf_putc(out, ':');
    put_two(out, ms / 1000 % 60);
    int32_t fraction = ms % 1000 * 1000000 + nanos;
    if (!fraction) return;
    buf_putc(out, '.');
    for (int32_t unit = 100000000; fraction; unit /= 10) {
        buf_putc(out, (char)('0' + fraction / unit));
        fraction %= unit;
    }
}

void print_time(int32_t ms, Buf *out) {
    put_clock(ms, 0, out);
}

void print_timestamp(Timestamp ts, char between, bool zulu, Buf *out) {
    int64_t days = floor_div(ts.ms, MS_PER_DAY);
    print_date((int32_t)days, out);
    buf_putc(out, between);
    put_clock((int32_t)(ts.ms - days * MS_PER_DAY), ts.ns, out);
    if (zulu) buf_putc(out, 'Z');
}

static void put_groups(int32_t nanos, Buf *out) {
    if (!nanos) return;
    if (nanos % 1000000 == 0) {
        buf_printf(out, ".%03d", (int)(nanos / 1000000));
    } else if (nanos % 1000 == 0) {
        buf_printf(out, ".%06d", (int)(nanos / 1000));
    } else {
        buf_printf(out, ".%09d", (int)nanos);
    }
}

static void put_short_clock(int32_t ms, int32_t ns, bool seconds, Buf *out) {
    int32_t second = ms / 1000 % 60, nanos = ms % 1000 * 1000000 + ns;
    put_two(out, ms / 3600000);
    buf_putc(out, ':');
    put_two(out, ms / 60000 % 60);
    if (!second && !nanos && !seconds) return;
    buf_putc(out, ':');
    put_two(out, second);
    put_groups(nanos, out);
}

void print_local_time(int32_t ms, Buf *out) {
    put_short_clock(ms, 0, false, out);
}

static void put_short_stamp(Timestamp ts, bool seconds, Buf *out) {
    int64_t days = floor_div(ts.ms, MS_PER_DAY);
    print_date((int32_t)days, out);
    buf_putc(out, 'T');
    put_short_clock((int32_t)(ts.ms - days * MS_PER_DAY), ts.ns, seconds, out);
}

void print_local_date_time(Timestamp ts, Buf *out) {
    put_short_stamp(ts, false, out);
}

void print_instant(Timestamp ts, Buf *out) {
    put_short_stamp(ts, true, out);
    buf_putc(out, 'Z');
}

void print_i64(int64_t value, Buf *out) {
    char *at = buf_reserve(out, NUMBER_TEXT_MAX);
    out->len += i64_print(value, at);
}

void print_f64(double value, Buf *out) {
    char *at = buf_reserve(out, NUMBER_TEXT_MAX);
    out->len += f64_print(value, at);
}

void print_f32(float value, Buf *out) {
    char *at = buf_reserve(out, NUMBER_TEXT_MAX);
    out->len += f32_print(value, at);
}

void print_base64(Str bytes, Buf *out) {
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    for (uint32_t i = 0; i < bytes.len; i += 3) {
        uint32_t left = bytes.len - i;
        uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0);
        buf_putc(out, DIGITS[group >> 18]);
        buf_putc(out, DIGITS[group >> 12 & 63]);
        buf_putc(out, left > 1 ? DIGITS[group >> 6 & 63] : '=');
        buf_putc(out, left > 2 ? DIGITS[group & 63] : '=');
    }
}
