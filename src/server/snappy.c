// As format_description.txt of the Snappy library has it: the size as a varint, then literals and
// copies of what was written before.
#include "server/snappy.h"

typedef struct Reader {
    const uint8_t *at, *end;
} Reader;

static bool read_le(Reader *in, uint32_t bytes, uint32_t *out) {
    if ((size_t)(in->end - in->at) < bytes) return false;
    *out = 0;
    for (uint32_t i = 0; i < bytes; i++) *out |= (uint32_t)in->at[i] << 8 * i;
    in->at += bytes;
    return true;
}

static bool read_size(Reader *in, uint64_t *out) {
    *out = 0;
    for (uint32_t shift = 0; shift < 35 && in->at < in->end; shift += 7) {
        uint8_t byte = *in->at++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

static bool literal(Reader *in, uint32_t tag, uint64_t size, Buf *out) {
    enum { SHORT = 60 };
    uint32_t length = tag >> 2;
    if (length >= SHORT && !read_le(in, length - SHORT + 1, &length)) return false;
    uint64_t bytes = (uint64_t)length + 1;
    if (bytes > (uint64_t)(in->end - in->at) || bytes > size - out->len) return false;
    buf_put(out, in->at, bytes);
    in->at += bytes;
    return true;
}

static bool copy(Reader *in, uint32_t tag, uint64_t size, Buf *out) {
    uint32_t length = (tag >> 2) + 1, offset = 0;
    if ((tag & 3) == 1) {
        if (!read_le(in, 1, &offset)) return false;
        length = (tag >> 2 & 7) + 4;
        offset |= tag >> 5 << 8;
    } else if (!read_le(in, (tag & 3) == 2 ? 2 : 4, &offset)) {
        return false;
    }
    if (!offset || offset > out->len || length > size - out->len) return false;
    (void)buf_reserve(out, length);
    // Byte by byte: a copy may reach into itself.
    for (uint32_t i = 0; i < length; i++) {
        out->ptr[out->len] = out->ptr[out->len - offset];
        out->len++;
    }
    return true;
}

Status snappy_read(Str bytes, size_t size_max, Buf *out, Error *err) {
    Reader in = {(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len};
    uint64_t size;
    bool good = bytes.len && read_size(&in, &size);
    out->len = 0;
    if (good && size > size_max) {
        return error_set(err, ST_VALIDATION, "the body unpacks to %llu bytes, %zu at most",
                         (unsigned long long)size, size_max);
    }
    // A copy of two bytes gives 64: what is promised beyond that cannot come.
    good = good && size <= (uint64_t)bytes.len * 64;
    if (good) (void)buf_reserve(out, (size_t)size + 1);
    while (good && in.at < in.end) {
        uint32_t tag = *in.at++;
        good = (tag & 3) ? copy(&in, tag, size, out) : literal(&in, tag, size, out);
    }
    if (good && out->len == size) return ST_OK;
    return error_set(err, ST_VALIDATION, "the body is no Snappy block");
}
