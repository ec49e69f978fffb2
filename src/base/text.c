#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

int str_cmp(Str a, Str b) {
    uint32_t min = a.len < b.len ? a.len : b.len;
    int order = min ? memcmp(a.ptr, b.ptr, min) : 0;
    if (order) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static char lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(Str a, Str b) {
    if (a.len != b.len) return false;
    for (uint32_t i = 0; i < a.len; i++) {
        if (lower_ascii(a.ptr[i]) != lower_ascii(b.ptr[i])) return false;
    }
    return true;
}

bool str_starts(Str s, Str prefix) {
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_ends(Str s, Str suffix) {
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(str_end(s) - suffix.len, suffix.ptr, suffix.len) == 0);
}

int64_t str_find(Str s, Str needle, uint32_t from) {
    if (from > s.len) return -1;
    if (needle.len == 0) return from;
    if (from == s.len) return -1;  // of an empty text there may be no place to look at
    const char *hit = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
    return hit ? hit - s.ptr : -1;
}

Str str_sub(Str s, uint32_t from, uint32_t len) {
    if (from > s.len) from = s.len;
    if (len > s.len - from) len = s.len - from;
    return (Str){from ? s.ptr + from : s.ptr, len};  // of an empty text it may be NULL
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Str str_trim(Str s) {
    while (s.len && is_space(s.ptr[0])) s = (Str){s.ptr + 1, s.len - 1};
    while (s.len && is_space(s.ptr[s.len - 1])) s.len--;
    return s;
}

Str str_dup(Arena *arena, Str s) {
    char *copy = arena_alloc_aligned(arena, s.len + 1u, 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return (Str){copy, s.len};
}

const char *str_cstr(Arena *arena, Str s) {
    return str_dup(arena, s).ptr;
}

char *str_own(Str s) {
    char *copy = mem_alloc(s.len + 1u);
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = 0;
    return copy;
}

Str str_next_line(Str *rest) {
    Str line = *rest;
    if (str_take_line(rest, &line)) return line;
    *rest = str_sub(*rest, rest->len, 0);
    return line;
}

bool str_take_line(Str *rest, Str *line) {
    int64_t end = str_find(*rest, STR("\n"), 0);
    if (end < 0) return false;
    *line = str_sub(*rest, 0, (uint32_t)end);
    *rest = str_sub(*rest, (uint32_t)end + 1, rest->len);
    return true;
}

bool str_take_i64(Str *rest, int64_t *out) {
    int64_t blank = str_find(*rest, STR(" "), 0);
    if (blank < 0 || !str_to_i64(str_sub(*rest, 0, (uint32_t)blank), out)) return false;
    *rest = str_sub(*rest, (uint32_t)blank + 1, rest->len);
    return true;
}

Str str_printf(Arena *arena, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(len >= 0);
    char *text = arena_alloc_aligned(arena, (size_t)len + 1, 1);
    (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return (Str){text, (uint32_t)len};
}

bool str_to_i64(Str s, int64_t *out) {
    uint32_t at = 0;
    bool negative = false;
    if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+')) negative = s.ptr[at++] == '-';
    if (at == s.len) return false;
    int64_t value = 0;
    for (; at < s.len; at++) {
        int digit = s.ptr[at] - '0';
        if (digit < 0 || digit > 9) return false;
        // Collected as a negative number: its range is the larger one.
        if (__builtin_mul_overflow(value, (int64_t)10, &value)) return false;
        if (__builtin_sub_overflow(value, (int64_t)digit, &value)) return false;
    }
    if (!negative && value == INT64_MIN) return false;
    *out = negative ? value : -value;
    return true;
}

bool str_to_f64(Str s, double *out) {
    char small[64], *text = small, *end;
    if (s.len == 0 || is_space(s.ptr[0])) return false;
    if (s.len >= sizeof small) text = mem_alloc(s.len + 1u);
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    *out = strtod(text, &end);  // the process never calls setlocale, so this is the C locale
    bool whole = end == text + s.len;
    if (text != small) mem_free(text);
    return whole;
}

bool str_to_bool(Str s, bool *out) {
    if (str_eq_nocase(s, STR("true"))) return *out = true, true;
    if (str_eq_nocase(s, STR("false"))) return *out = false, true;
    return false;
}

void buf_free(Buf *buf) {
    mem_free(buf->ptr);
    *buf = (Buf){0};
}

void buf_grow(Buf *buf, size_t more) {
    size_t cap = buf->cap ? buf->cap * 2 : 64;
    while (cap - buf->len < more) cap *= 2;
    buf->ptr = mem_realloc(buf->ptr, cap);
    buf->cap = cap;
}

void buf_printf(Buf *buf, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(len >= 0);
    char *at = buf_reserve(buf, (size_t)len + 1);
    (void)vsnprintf(at, (size_t)len + 1, fmt, again);
    va_end(again);
    buf->len += (size_t)len;
}

const char *buf_cstr(Buf *buf) {
    *buf_reserve(buf, 1) = 0;
    return buf->ptr;
}

uint32_t utf8_next(const char *ptr, const char *end, uint32_t *code) {
    const unsigned char *p = (const unsigned char *)ptr;
    size_t left = (size_t)(end - ptr);
    uint32_t c = p[0];
    if (c < 0x80) return *code = c, 1;
    if (c >= 0xC2 && c < 0xE0 && left >= 2 && (p[1] & 0xC0) == 0x80) {
        *code = (c & 0x1Fu) << 6 | (p[1] & 0x3Fu);
        return 2;
    }
    if (c >= 0xE0 && c < 0xF0 && left >= 3 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
        uint32_t value = (c & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        if (value >= 0x800 && (value < 0xD800 || value > 0xDFFF)) return *code = value, 3;
    }
    if (c >= 0xF0 && c < 0xF5 && left >= 4 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80 &&
        (p[3] & 0xC0) == 0x80) {
        uint32_t value =
            (c & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
        if (value >= 0x10000 && value <= 0x10FFFF) return *code = value, 4;
    }
    *code = 0xFFFD;
    return 1;
}

uint32_t utf8_put(char out[4], uint32_t code) {
    if (code < 0x80) return out[0] = (char)code, 1;
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

void buf_put_code(Buf *buf, uint32_t code) {
    char bytes[4];
    buf_put(buf, bytes, utf8_put(bytes, code));
}

uint32_t utf8_count(Str s) {
    uint32_t count = 0, code;
    const char *at = s.ptr, *end = str_end(s);
    for (; at < end; count++) at += utf8_next(at, end, &code);
    return count;
}

bool utf8_valid(Str s) {
    const char *at = s.ptr, *end = str_end(s);
    while (at < end) {
        uint32_t code, taken = utf8_next(at, end, &code);
        if (taken == 1 && (unsigned char)*at >= 0x80) return false;
        at += taken;
    }
    return true;
}

uint32_t utf8_units16(Str s) {
    uint32_t units = 0, code;
    const char *at = s.ptr, *end = str_end(s);
    for (; at < end; units += code >= 0x10000 ? 2 : 1) at += utf8_next(at, end, &code);
    return units;
}

int str_cmp_utf16(Str a, Str b) {
    uint32_t at = 0, min = a.len < b.len ? a.len : b.len;
    while (at < min && a.ptr[at] == b.ptr[at]) at++;
    if (at == min) return a.len < b.len ? -1 : a.len > b.len;
    // Step back to the start of the character that differs.
    while (at > 0 && ((unsigned char)a.ptr[at] & 0xC0) == 0x80) at--;
    uint32_t x, y;
    (void)utf8_next(a.ptr + at, str_end(a), &x);
    (void)utf8_next(b.ptr + at, str_end(b), &y);
    // Surrogates (D800..DFFF) sort below E000..FFFF.
    uint32_t ux = x >= 0x10000 ? 0xD800 + ((x - 0x10000) >> 10) : x;
    uint32_t uy = y >= 0x10000 ? 0xD800 + ((y - 0x10000) >> 10) : y;
    if (ux != uy) return ux < uy ? -1 : 1;
    return x < y ? -1 : x > y;
}

// Optimal string alignment distance: a transposition of neighbours counts one.
static uint32_t edit_distance(Str a, const char *b, size_t b_len) {
    enum { NAME_MAX_LEN = 64 };
    if (a.len > NAME_MAX_LEN || b_len > NAME_MAX_LEN) return UINT32_MAX;
    uint32_t rows[3][NAME_MAX_LEN + 1];
    for (uint32_t j = 0; j <= b_len; j++) rows[0][j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        uint32_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (uint32_t j = 1; j <= b_len; j++) {
            char x = lower_ascii(a.ptr[i - 1]), y = lower_ascii(b[j - 1]);
            uint32_t best = up[j - 1] + (x != y);
            if (up[j] + 1 < best) best = up[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && x == lower_ascii(b[j - 2]) &&
                lower_ascii(a.ptr[i - 2]) == y && up2[j - 2] + 1 < best) {
                best = up2[j - 2] + 1;
            }
            row[j] = best;
        }
    }
    return rows[a.len % 3][b_len];
}

const char *text_nearest(Str name, const char *const *candidates, size_t count) {
    const char *nearest = NULL;
    uint32_t best = name.len / 3 + 1;  // one slip in three characters is still a slip
    if (best > 4) best = 4;
    for (size_t i = 0; i < count; i++) {
        uint32_t distance = edit_distance(name, candidates[i], strlen(candidates[i]));
        if (distance <= best && (!nearest || distance < best)) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
