// base/hex.h - hexadecimal digits, and the percent encoding of URLs, which stands on them.
#pragma once

#include "base/mem.h"
#include "base/text.h"

// The value of a digit of either case; -1: it is none.
static inline int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Two lower-case digits a byte; [out] has room for them, and gets no end.
void hex_write(const void *bytes, size_t size, char *out);
void buf_put_hex(Buf *out, Str bytes);

// Every byte but ASCII letters, digits, "-._~" and those of [also] becomes %XX.
void percent_encode(Str text, const char *also, Buf *out);
// The bytes that stand behind %XX; a '%' without two digits is itself. Ends in a NUL.
Str percent_decode(Arena *arena, Str text);
