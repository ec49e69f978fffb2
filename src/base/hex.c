#include "base/hex.h"

#include <string.h>

void hex_write(const void *bytes, size_t size, char *out) {
    static const char DIGITS[] = "0123456789abcdef";
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) {
        *out++ = DIGITS[byte[i] >> 4];
        *out++ = DIGITS[byte[i] & 15];
    }
}

void buf_put_hex(Buf *out, Str bytes) {
    hex_write(bytes.ptr, bytes.len, buf_reserve(out, (size_t)bytes.len * 2));
    out->len += (size_t)bytes.len * 2;
}

void percent_encode(Str text, const char *also, Buf *out) {
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && (strchr("-._~", c) || strchr(also, c)));
        if (plain) {
            buf_putc(out, c);
        } else {
            buf_printf(out, "%%%02X", (unsigned char)c);
        }
    }
}

Str percent_decode(Arena *arena, Str text) {
    char *out = arena_alloc_aligned(arena, text.len + 1u, 1);
    uint32_t len = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        bool whole = text.ptr[i] == '%' && i + 2 < text.len;
        int high = whole ? hex_digit(text.ptr[i + 1]) : -1;
        int low = whole ? hex_digit(text.ptr[i + 2]) : -1;
        bool escape = high >= 0 && low >= 0;
        out[len++] = escape ? (char)(high * 16 + low) : text.ptr[i];
        if (escape) i += 2;
    }
    out[len] = 0;
    return str_make(out, len);
}
