// format/json/json_scan.h - finding ends in JSON text: of strings, of numbers, of whole values.
//
// All scanners take a pointer into text that may be read 64 bytes past its [end] and answer a
// pointer past what they found, or NULL where the text is no JSON. They may look past [end], and
// end a few bytes behind it: the caller checks once a member that it has not been passed.
#pragma once

#include "base/simd.h"

// The first byte at or behind [at] that is a quote, a backslash or a line feed. Other control
// characters may stand in strings as they are: Flink's parsers allow it. Bytes past [end] count as
// found.
static inline char *json_string_stop(char *at, const char *end) {
    const Simd16 quote = simd_fill('"'), slash = simd_fill('\\'), feed = simd_fill('\n');
    for (;;) {
        Simd16 in = simd_load(at);
        uint32_t mask =
            simd_mask(simd_or(simd_or(simd_eq(in, quote), simd_eq(in, slash)), simd_eq(in, feed)));
        if (mask) return at + __builtin_ctz(mask);
        at += 16;
        if (at >= end) return at;
    }
}

// Behind the closing quote of the string whose first byte behind the opening one is [at]; NULL when
// it does not close in time, or not on its line with [lines]. *escaped says whether there are
// backslashes inside.
static inline char *json_string_end(char *at, const char *end, bool lines, bool *escaped) {
    *escaped = false;
    for (;;) {
        at = json_string_stop(at, end);
        if (at >= end) return NULL;
        if (*at == '"') return at + 1;
        if (*at == '\\') {
            if (lines && at[1] == '\n') return NULL;
            *escaped = true;
            at += 2;
        } else if (lines) {
            return NULL;
        } else {
            at++;
        }
    }
}

static inline bool json_is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

static inline char *json_digits_end(char *at, const char *end) {
    while (json_is_digit(*at) && at < end) at++;
    return at;
}

// Behind the number at [at], by the grammar of JSON: no leading zeros, no bare points. *whole: it
// has neither fraction nor exponent.
static inline char *json_number_end(char *at, const char *end, bool *whole) {
    *whole = true;
    if (*at == '-') at++;
    if (!json_is_digit(*at) || (*at == '0' && json_is_digit(at[1]))) return NULL;
    at = json_digits_end(at, end);
    if (*at == '.') {
        *whole = false;
        if (!json_is_digit(*++at)) return NULL;
        at = json_digits_end(at, end);
    }
    if ((*at | 0x20) == 'e') {
        *whole = false;
        at++;
        if (*at == '+' || *at == '-') at++;
        if (!json_is_digit(*at)) return NULL;
        at = json_digits_end(at, end);
    }
    return at;
}

// Behind the object or array whose first byte behind the bracket is [at]: brackets outside of
// strings are counted, 64 bytes at a time; what stands between them is not looked at. A line feed
// with [lines] is no JSON: there the record ends.
char *json_container_end(char *at, const char *end, bool lines);

// Behind the word at [at]: true, false or null.
static inline char *json_word_end(char *at) {
    if (memcmp(at, "null", 4) == 0 || memcmp(at, "true", 4) == 0) return at + 4;
    return memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
}

// Behind any value.
static inline char *json_value_end(char *at, const char *end, bool lines) {
    bool unused;
    if (*at == '"') return json_string_end(at + 1, end, lines, &unused);
    if (*at == '{' || *at == '[') return json_container_end(at + 1, end, lines);
    if (json_is_digit(*at) || *at == '-') return json_number_end(at, end, &unused);
    return json_word_end(at);
}
