// base/text.h - text: a borrowed view (Str), a growing buffer (Buf), UTF-8.
//
// A Str is 16 bytes, as a text column holds it: place and length over bytes that somebody else
// owns. It is not NUL-terminated. The empty text may have a NULL ptr.
#pragma once

#include <string.h>

#include "base/mem.h"
#include "base/status.h"

typedef struct Str {
    const char *ptr;  // borrowed
    uint32_t len;     // bytes
} Str;

#define STR(literal) ((Str){(literal), (uint32_t)(sizeof(literal) - 1)})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

static inline Str str_make(const char *ptr, size_t len) {
    return (Str){ptr, (uint32_t)len};
}
static inline Str str_c(const char *text) {  // NULL gives the empty text
    return text ? (Str){text, (uint32_t)strlen(text)} : (Str){"", 0};
}
static inline const char *str_end(Str s) {  // also of the empty text, whose place may be NULL
    return s.len ? s.ptr + s.len : s.ptr;
}
static inline bool str_eq(Str a, Str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
#define str_is(s, literal) str_eq((s), STR(literal))
int str_cmp(Str a, Str b);  // bytewise (which is code point order for UTF-8), <0 0 >0
bool str_eq_nocase(Str a, Str b);  // ASCII case only
bool str_starts(Str s, Str prefix);
bool str_ends(Str s, Str suffix);
int64_t str_find(Str s, Str needle, uint32_t from);  // byte index or -1
Str str_sub(Str s, uint32_t from, uint32_t len);     // clamped to s
Str str_trim(Str s);                                 // ASCII white space at both ends
Str str_dup(Arena *arena, Str s);
const char *str_cstr(Arena *arena, Str s);  // NUL-terminated copy
char *str_own(Str s);                       // the same on the heap: for mem_free

// Cut off the front of what is left: a line, without its end, or all when there is no '\n'; a line
// that must have its '\n'; a number with the blank behind it. false: it is not there.
Str str_next_line(Str *rest);
bool str_take_line(Str *rest, Str *line);
bool str_take_i64(Str *rest, int64_t *out);
Str str_printf(Arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Whole-text number reading; false when anything but the number stands there or it overflows.
bool str_to_i64(Str s, int64_t *out);
bool str_to_f64(Str s, double *out);  // C syntax, independent of locale
bool str_to_bool(Str s, bool *out);   // true/false, any case

// A growing byte buffer. Zero-initialised is empty and ready.
typedef struct Buf {
    char *ptr;  // owned; not NUL-terminated
    size_t len, cap;
} Buf;

void buf_free(Buf *buf);
// buf_reserve, when there is not room enough: seldom, so that it need not be inlined.
__attribute__((cold, noinline)) void buf_grow(Buf *buf, size_t more);
// Room for [more] bytes; returns the end to write at.
static inline char *buf_reserve(Buf *buf, size_t more) {
    if (buf->cap - buf->len < more) buf_grow(buf, more);
    return buf->len ? buf->ptr + buf->len : buf->ptr;  // no bytes of an empty buffer may be NULL
}
static inline void buf_put(Buf *buf, const void *bytes, size_t size) {
    if (buf->cap - buf->len < size) buf_grow(buf, size);
    if (size) memcpy(buf->ptr + buf->len, bytes, size);
    buf->len += size;
}
static inline void buf_putc(Buf *buf, char c) {
    if (buf->len == buf->cap) (void)buf_reserve(buf, 1);
    buf->ptr[buf->len++] = c;
}
static inline void buf_puts(Buf *buf, const char *text) {
    buf_put(buf, text, strlen(text));
}
static inline void buf_put_str(Buf *buf, Str s) {
    buf_put(buf, s.ptr, s.len);
}
void buf_printf(Buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
static inline Str buf_str(const Buf *buf) {
    return (Str){buf->ptr ? buf->ptr : "", (uint32_t)buf->len};
}
const char *buf_cstr(Buf *buf);  // terminates in place

// UTF-8. Malformed bytes count as one character (U+FFFD) each, as Java's decoder replaces them.
uint32_t utf8_count(Str s);                           // code points
uint32_t utf8_next(const char *ptr, const char *end, uint32_t *code);  // bytes taken, >= 1
uint32_t utf8_put(char out[4], uint32_t code);        // bytes written
void buf_put_code(Buf *buf, uint32_t code);
bool utf8_valid(Str s);
uint32_t utf8_units16(Str s);           // length in UTF-16 code units, as Java's String.length()
int str_cmp_utf16(Str a, Str b);        // order of UTF-16 code units, as Java's compareTo

// The candidate nearest to [name] by edit distance, or NULL when none is close enough to suggest.
const char *text_nearest(Str name, const char *const *candidates, size_t count);
