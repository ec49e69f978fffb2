// JSON as text again: what a STRING column gets for an object, an array or (from a tree) a number.
// Jackson builds a tree and prints it: blanks go, of equal keys the last value stands in the place
// of the first, escapes are the fewest, numbers are printed anew.
#include "format/json/json_int.h"
#include "type/java_print.h"
#include "type/number.h"

// BigDecimal.toString of a number of any length, trailing zeros stripped as Jackson's factory does.
static void put_big(Str number, Buf *out) {
    Buf digits = {0};
    int64_t scale = 0, exponent = 0;
    bool negative = number.ptr[0] == '-', point = false;
    uint32_t at = negative;
    for (; at < number.len; at++) {
        char c = number.ptr[at];
        if (c == '.') {
            point = true;
        } else if (json_is_digit(c)) {
            if (digits.len || c != '0') buf_putc(&digits, c);
            scale += point;
        } else {
            break;
        }
    }
    if (at < number.len && (!str_to_i64(str_sub(number, at + 1, number.len), &exponent) ||
                            exponent > 1000000 || exponent < -1000000)) {
        buf_put_str(out, number);
        buf_free(&digits);
        return;
    }
    scale -= exponent;
    while (digits.len && digits.ptr[digits.len - 1] == '0') {
        digits.len--;
        scale--;
    }
    if (!digits.len) {
        buf_putc(out, '0');
        return;
    }
    if (negative) buf_putc(out, '-');
    int64_t adjusted = (int64_t)digits.len - 1 - scale;
    if (scale < 0 || adjusted < -6) {
        buf_putc(out, digits.ptr[0]);
        if (digits.len > 1) buf_putc(out, '.');
        buf_put(out, digits.ptr + 1, digits.len - 1);
        buf_printf(out, "E%+d", (int)adjusted);
    } else {
        int64_t before = (int64_t)digits.len - scale;  // digits before the point
        if (before <= 0) buf_puts(out, "0.");
        for (int64_t i = before; i < 0; i++) buf_putc(out, '0');
        for (int64_t i = 0; i < (int64_t)digits.len; i++) {
            if (i == before && i > 0) buf_putc(out, '.');
            buf_putc(out, digits.ptr[i]);
        }
    }
    buf_free(&digits);
}

static bool put_number(Str number, bool whole, bool big_numbers, Buf *out) {
    double value;
    if (whole) {
        if (str_is(number, "-0")) number = STR("0");
        buf_put_str(out, number);
    } else if (big_numbers) {
        put_big(number, out);
    } else {
        if (!f64_parse(number, &value)) return false;
        print_f64(value, out);
    }
    return true;
}

typedef struct Printer {
    const char *end;
    bool big_numbers;
    uint32_t depth;
} Printer;

static const char *skip_blank(const Printer *printer, const char *at) {
    while (at < printer->end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) at++;
    return at;
}

static const char *put_value(Printer *printer, const char *at, Buf *out);

// The string at [at] resolved into [text] (to be freed); the byte behind it or NULL.
static const char *take_string(const Printer *printer, const char *at, Buf *text) {
    bool escaped;
    if (at >= printer->end || *at != '"') return NULL;
    const char *to = json_string_end((char *)(uintptr_t)at + 1, printer->end, false, &escaped);
    if (!to) return NULL;
    buf_put(text, at + 1, (size_t)(to - at) - 2);
    if (escaped) {
        uint32_t len = json_unescape(text->ptr, (uint32_t)text->len);
        if (len == UINT32_MAX) return NULL;
        text->len = len;
    }
    return to;
}

typedef struct Member {
    Buf key, value;
} Member;

static const char *put_object(Printer *printer, const char *at, Buf *out) {
    Member *members = NULL;
    Map places = {0};  // key -> index + 1
    uint32_t count = 0, cap = 0;
    const char *result = NULL;
    at = skip_blank(printer, at);
    if (at < printer->end && *at == '}') result = at + 1;
    while (!result) {
        Member member = {0};
        const char *next = take_string(printer, at, &member.key);
        if (next) next = skip_blank(printer, next);
        if (next && next < printer->end && *next == ':') {
            next = put_value(printer, skip_blank(printer, next + 1), &member.value);
        } else {
            next = NULL;
        }
        uintptr_t place = (uintptr_t)map_get(&places, buf_str(&member.key));
        if (place) {
            buf_free(&members[place - 1].value);
            members[place - 1].value = member.value;
            buf_free(&member.key);
        } else {
            if (count == cap) {
                cap = cap ? cap * 2 : 8;
                members = mem_realloc(members, cap * sizeof *members);
            }
            members[count++] = member;
            (void)map_put(&places, buf_str(&member.key), (void *)(uintptr_t)count);
        }
        if (!next) break;
        at = skip_blank(printer, next);
        if (at >= printer->end || (*at != ',' && *at != '}')) break;
        if (*at == '}') {
            result = at + 1;
        } else {
            at = skip_blank(printer, at + 1);
        }
    }
    buf_putc(out, '{');
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_putc(out, ',');
        json_print_text(buf_str(&members[i].key), 0, out);
        buf_putc(out, ':');
        buf_put(out, members[i].value.ptr, members[i].value.len);
        buf_free(&members[i].key);
        buf_free(&members[i].value);
    }
    buf_putc(out, '}');
    mem_free(members);
    map_clear(&places);
    return result;
}

static const char *put_array(Printer *printer, const char *at, Buf *out) {
    buf_putc(out, '[');
    at = skip_blank(printer, at);
    if (at < printer->end && *at == ']') {
        buf_putc(out, ']');
        return at + 1;
    }
    for (;;) {
        at = put_value(printer, at, out);
        if (!at) return NULL;
        at = skip_blank(printer, at);
        if (at >= printer->end || (*at != ',' && *at != ']')) return NULL;
        buf_putc(out, *at);
        if (*at == ']') return at + 1;
        at = skip_blank(printer, at + 1);
    }
}

static const char *put_value(Printer *printer, const char *at, Buf *out) {
    static const Str WORDS[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    if (at >= printer->end) return NULL;
    if (*at == '{' || *at == '[') {
        if (++printer->depth > JSON_DEPTH_MAX) return NULL;
        at = *at == '{' ? put_object(printer, at + 1, out) : put_array(printer, at + 1, out);
        printer->depth--;
        return at;
    }
    if (*at == '"') {
        Buf text = {0};
        at = take_string(printer, at, &text);
        if (at) json_print_text(buf_str(&text), 0, out);
        buf_free(&text);
        return at;
    }
    if (*at == '-' || json_is_digit(*at)) {
        bool whole;
        const char *to = json_number_end((char *)(uintptr_t)at, printer->end, &whole);
        if (!to || to > printer->end) return NULL;
        Str number = str_make(at, (size_t)(to - at));
        return put_number(number, whole, printer->big_numbers, out) ? to : NULL;
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if ((size_t)(printer->end - at) < WORDS[i].len) continue;
        if (memcmp(at, WORDS[i].ptr, WORDS[i].len) != 0) continue;
        buf_put_str(out, WORDS[i]);
        return at + WORDS[i].len;
    }
    return NULL;
}

bool json_normalise(const char *at, const char *end, bool big_numbers, Buf *out) {
    Printer printer = {.end = end, .big_numbers = big_numbers};
    return put_value(&printer, at, out) == end;
}
