// ml/pmml/func_text.c - texts: lengths and places count UTF-16 units, as Java's do; regular
// expressions are run by PCRE2.
#include "ml/pmml/func_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/unicode.h"
#include "ml/pmml/regex.h"
#include "type/datetime.h"
#include "type/number.h"

static Str text_of(Row *row, Value v) {
    return value_str(v, row->arena);
}

static void limit(Row *row, Buf *buf) {
    if (buf->len <= TEXT_BYTES_MAX) return;
    buf_free(buf);
    row_fail(row, "a function makes a text that is too long");
}

static Value keep(Row *row, Buf *buf) {
    limit(row, buf);
    Value value = value_text(str_dup(row->arena, buf_str(buf)));
    buf_free(buf);
    return value;
}

Value func_uppercase(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self, (void)args;
    Buf buf = {0};
    buf_put_upper(&buf, text_of(row, arg[0]));
    return keep(row, &buf);
}

Value func_lowercase(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self, (void)args;
    Buf buf = {0};
    buf_put_lower(&buf, text_of(row, arg[0]));
    return keep(row, &buf);
}

Value func_string_length(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self, (void)args;
    return value_number(utf8_units16(text_of(row, arg[0])), PT_INTEGER);
}

// The byte at which the UTF-16 unit [units] begins; the end, when there are not so many.
static uint32_t byte_of_unit(Str text, double units) {
    uint32_t at = 0, code;
    while (at < text.len && units >= 1) {
        at += utf8_next(text.ptr + at, text.ptr + text.len, &code);
        units -= code >= 0x10000 ? 2 : 1;
    }
    return at;
}

Value func_substring(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)args;
    Str text = text_of(row, arg[0]);
    double from = value_as_number(arg[1]), length = value_as_number(arg[2]);
    if (!(from >= 1) || !(length >= 0))
        row_fail(row, "%s: a place outside of the text", self->name);
    uint32_t begin = byte_of_unit(text, from - 1);
    Str rest = str_sub(text, begin, text.len - begin);
    return value_text(str_sub(rest, 0, byte_of_unit(rest, length)));
}

Value func_trim_blanks(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self, (void)args;
    Str text = text_of(row, arg[0]);
    while (text.len && (unsigned char)text.ptr[0] <= ' ') text = str_sub(text, 1, text.len - 1);
    while (text.len && (unsigned char)text.ptr[text.len - 1] <= ' ') text.len--;
    return value_text(text);
}

Value func_concat(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self;
    Buf buf = {0};
    for (uint32_t i = 0; i < args; i++) {
        if (!is_missing(arg[i])) buf_put_str(&buf, text_of(row, arg[i]));
        limit(row, &buf);
    }
    return keep(row, &buf);
}

Value func_replace(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)args;
    bool ok;
    Regex *regex = regex_new(row, text_of(row, arg[1]), false);
    Str text = regex_replace(row, regex, text_of(row, arg[0]), text_of(row, arg[2]), &ok);
    regex_free(regex);
    if (!ok) row_fail(row, "%s: the pattern takes too long", self->name);
    return value_text(text);
}

Value func_matches(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self, (void)args;
    uint32_t begin, end;
    Regex *regex = regex_new(row, text_of(row, arg[1]), false);
    bool found = regex_find(row, regex, text_of(row, arg[0]), 0, &begin, &end);
    regex_free(regex);
    return value_bool(found);
}

// -- Formats --------------------------------------------------------------------------------------

// "1234.5" as "1,234.5".
static void group_digits(const char *text, Buf *out) {
    size_t digit = strspn(text, "+- ("), whole = strspn(text + digit, "0123456789");
    buf_put(out, text, digit);
    for (size_t i = 0; i < whole; i++) {
        if (i && (whole - i) % 3 == 0) buf_putc(out, ',');
        buf_putc(out, text[digit + i]);
    }
    buf_puts(out, text + digit + whole);
}

// A tie of the number as it is written goes up, as in java.util.Formatter: 2.55 is 2.6, though the
// double is a little less.
static double no_tie(double x, uint32_t digits) {
    char text[NUMBER_TEXT_MAX + 1];
    uint32_t len = f64_print(x, text);
    text[len] = 0;
    const char *point = strchr(text, '.');
    bool tie = point && !strchr(text, 'E') && strlen(point + 1) == digits + 1 &&
               text[len - 1] == '5';
    if (tie) text[len - 1] = '6';
    if (tie) (void)f64_parse(str_make(text, len), &x);
    return x;
}

// One conversion of java.util.Formatter from its % on; returns what comes behind it.
static uint32_t convert_number(Row *row, Str format, uint32_t at, Value v, Buf *out) {
    char spec[32] = "%", text[512];
    uint32_t len = 1, i = at + 1;
    bool groups = false;
    for (; i < format.len && strchr("-#+ 0,.123456789", format.ptr[i]) && len < 16; i++) {
        if (format.ptr[i] == ',') groups = true;
        else spec[len++] = format.ptr[i];
    }
    char kind = i < format.len ? format.ptr[i] : 0;
    double x = value_as_number(v);
    if (kind == '%') {
        buf_putc(out, '%');
        return i + 1;
    }
    int width = 0, precision = 6;
    const char *digits = spec + 1 + strspn(spec + 1, "-#+ 0"), *point = strchr(digits, '.');
    if (*digits != '.') (void)sscanf(digits, "%d", &width);
    if (point) precision = atoi(point + 1);
    if (width > 200 || precision > 100 || !strchr("dfeEgGsxXo", kind ? kind : '?')) {
        row_fail(row, "'" STR_FMT "' is not a format of a number", STR_ARG(str_sub(format, 0, 64)));
    }
    if (kind == 's') {
        buf_put_str(out, text_of(row, v));
        return i + 1;
    }
    bool integer = strchr("dxXo", kind) != NULL;
    if (kind == 'f') x = no_tie(x, (uint32_t)precision);
    if (integer && kind != 'd' && x < 0 && x >= INT32_MIN) x += 0x1p32;  // of 32 bits
    (void)snprintf(spec + len, sizeof spec - len, integer ? "ll%c" : "%c", kind);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"  // checked letter by letter above
    if (integer) (void)snprintf(text, sizeof text, spec, (long long)fmax(fmin(x, 9e18), -9e18));
    else (void)snprintf(text, sizeof text, spec, x);
#pragma GCC diagnostic pop
    if (groups) group_digits(text, out);
    else buf_puts(out, text);
    return i + 1;
}

Value func_format_number(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)self, (void)args;
    Str format = text_of(row, arg[1]);
    Buf buf = {0};
    for (uint32_t i = 0; i < format.len;) {
        limit(row, &buf);
        if (format.ptr[i] == '%') i = convert_number(row, format, i, arg[0], &buf);
        else buf_putc(&buf, format.ptr[i++]);
    }
    return keep(row, &buf);
}

static bool moment_of(Row *row, Value v, double *seconds) {
    Value cast;
    if (value_cast(v, (DataType){.type = PT_DATE_TIME}, row->arena, &cast) ||
        value_cast(v, (DataType){.type = PT_TIME}, row->arena, &cast)) {
        *seconds = cast.number;
        return true;
    }
    return false;
}

static void put_moment(char kind, double seconds, Buf *out) {
    static const char *const MONTHS[] = {"January", "February", "March", "April", "May", "June",
                                         "July", "August", "September", "October", "November",
                                         "December"};
    static const char *const DAYS[] = {"Thursday", "Friday", "Saturday", "Sunday", "Monday",
                                       "Tuesday", "Wednesday"};  // from 1970-01-01 on
    int64_t whole = (int64_t)floor(seconds), date = floor_div(whole, 86400);
    int32_t time = (int32_t)floor_mod(whole, 86400), year, month, day;
    civil_from_days((int32_t)date, &year, &month, &day);
    int32_t hour = time / 3600, minute = time / 60 % 60, second = time % 60;
    int32_t of_year = (int32_t)date - days_from_civil(year, 1, 1) + 1;
    int32_t half = hour % 12 ? hour % 12 : 12,
            ms = (int32_t)((seconds - (double)whole) * 1000 + 0.5);
    const char *name = DAYS[floor_mod(date, 7)];
    switch (kind) {
        case 'Y': buf_printf(out, "%04d", year); break;
        case 'C': buf_printf(out, "%02d", year / 100); break;
        case 'y': buf_printf(out, "%02d", year % 100); break;
        case 'm': buf_printf(out, "%02d", month); break;
        case 'd': buf_printf(out, "%02d", day); break;
        case 'e': buf_printf(out, "%d", day); break;
        case 'j': buf_printf(out, "%03d", of_year); break;
        case 'B': buf_puts(out, MONTHS[month - 1]); break;
        case 'b':
        case 'h': buf_printf(out, "%.3s", MONTHS[month - 1]); break;
        case 'A': buf_puts(out, name); break;
        case 'a': buf_printf(out, "%.3s", name); break;
        case 'H': buf_printf(out, "%02d", hour); break;
        case 'k': buf_printf(out, "%d", hour); break;
        case 'I': buf_printf(out, "%02d", half); break;
        case 'l': buf_printf(out, "%d", half); break;
        case 'M': buf_printf(out, "%02d", minute); break;
        case 'S': buf_printf(out, "%02d", second); break;
        case 'L': buf_printf(out, "%03d", ms); break;
        case 'p': buf_puts(out, hour < 12 ? "am" : "pm"); break;
        case 's': buf_printf(out, "%lld", (long long)whole); break;
        case 'R': buf_printf(out, "%02d:%02d", hour, minute); break;
        case 'T': buf_printf(out, "%02d:%02d:%02d", hour, minute, second); break;
        case 'r':
            buf_printf(out, "%02d:%02d:%02d %s", half, minute, second, hour < 12 ? "AM" : "PM");
            break;
        case 'D': buf_printf(out, "%02d/%02d/%02d", month, day, year % 100); break;
        case 'F': buf_printf(out, "%04d-%02d-%02d", year, month, day); break;
        case '%': buf_putc(out, '%'); break;
        default: buf_printf(out, "%%%c", kind); break;
    }
}

Value func_format_datetime(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)args;
    Str format = text_of(row, arg[1]);
    double seconds;
    if (!moment_of(row, arg[0], &seconds)) {
        row_fail(row, "%s: '" STR_FMT "' is no date or time", self->name,
                 STR_ARG(text_of(row, arg[0])));
    }
    Buf buf = {0};
    for (uint32_t i = 0; i < format.len; i++) {
        limit(row, &buf);
        if (format.ptr[i] == '%' && i + 1 < format.len) put_moment(format.ptr[++i], seconds, &buf);
        else buf_putc(&buf, format.ptr[i]);
    }
    return keep(row, &buf);
}
