#include "os/http.h"

void http_encode(Str text, Buf *out) {
    static const char HEX[] = "0123456789ABCDEF";
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            buf_putc(out, (char)c);
        } else {
            buf_putc(out, '%');
            buf_putc(out, HEX[c >> 4]);
            buf_putc(out, HEX[c & 15]);
        }
    }
}
