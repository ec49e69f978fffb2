// ml/codec.c - bytes and structures, both ways with one function.
#include "ml/codec.h"

#include <stdio.h>

bool codec_fail(Codec *codec, const char *fmt, ...) {
    if (codec->failed) return false;
    codec->failed = true;
    va_list args;
    va_start(args, fmt);
    vsnprintf(codec->why, sizeof codec->why, fmt, args);
    va_end(args);
    return false;
}

Status codec_end(Codec *codec, Error *err) {
    if (!codec->failed && codec_reads(codec) && codec->in.len) {
        codec_fail(codec, "%u bytes too many", codec->in.len);
    }
    if (!codec->failed) return ST_OK;
    return error_set(err, ST_VALIDATION, "%s cannot be read: %s", codec->what, codec->why);
}

void codec_bytes_at(Codec *codec, void *bytes, size_t size) {
    if (!codec_reads(codec)) {
        buf_put(codec->out, bytes, size);
        return;
    }
    if (!codec->failed && codec->in.len < size) codec_fail(codec, "it ends too early");
    if (codec->failed) {
        if (size) memset(bytes, 0, size);
        return;
    }
    if (size) memcpy(bytes, codec->in.ptr, size);
    codec->in = str_make(codec->in.ptr + size, codec->in.len - size);
}

void codec_u8(Codec *codec, uint8_t *value) {
    codec_bytes_at(codec, value, 1);
}

// The words of a file are little-endian, whatever the machine's are.
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
static void swap_words(void *words, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++) {
        char *word = (char *)words + i * size;
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            char kept = word[a];
            word[a] = word[b];
            word[b] = kept;
        }
    }
}
#else
static void swap_words(void *words, size_t count, size_t size) {
    (void)words, (void)count, (void)size;
}
#endif

static void words_at(Codec *codec, void *words, size_t count, size_t size) {
    if (!codec_reads(codec)) swap_words(words, count, size);
    codec_bytes_at(codec, words, count * size);
    swap_words(words, count, size);  // into the machine's order, or back to it
}

void codec_u32(Codec *codec, uint32_t *value) {
    words_at(codec, value, 1, sizeof *value);
}

void codec_u64(Codec *codec, uint64_t *value) {
    words_at(codec, value, 1, sizeof *value);
}

void codec_i64(Codec *codec, int64_t *value) {
    words_at(codec, value, 1, sizeof *value);
}

void codec_f64(Codec *codec, double *value) {
    words_at(codec, value, 1, sizeof *value);
}

void codec_bool(Codec *codec, bool *value) {
    uint8_t byte = *value;
    codec_u8(codec, &byte);
    if (byte > 1) codec_fail(codec, "%u is neither true nor false", byte);
    *value = byte == 1;
}

void codec_count(Codec *codec, uint32_t *count, uint32_t max, uint32_t size) {
    codec_u32(codec, count);
    if (codec_reads(codec) && (*count > max || (uint64_t)*count * size > codec->in.len)) {
        codec_fail(codec, "a count of %u is too much", *count);
    }
    if (codec->failed) *count = 0;
}

void codec_kind(Codec *codec, int *kind, int kinds) {
    uint8_t byte = (uint8_t)*kind;
    codec_u8(codec, &byte);
    if (byte >= kinds) codec_fail(codec, "there is no kind %u", byte);
    *kind = codec->failed ? 0 : byte;
}

void codec_str(Codec *codec, Str *value) {
    codec_count(codec, &value->len, UINT32_MAX, 1);
    if (!codec_reads(codec)) {
        buf_put_str(codec->out, *value);
        return;
    }
    char *bytes = codec_room(codec, value->len, 1, 1);
    *value = str_make(bytes ? bytes : "", bytes ? value->len : 0);
    if (bytes) codec_bytes_at(codec, bytes, value->len);
}

void *codec_room(Codec *codec, size_t count, size_t size, size_t bytes_min) {
    if (!codec_reads(codec) || codec->failed) return NULL;
    if (bytes_min && count > codec->in.len / bytes_min) {
        codec_fail(codec, "it ends too early");
        return NULL;
    }
    if (!count) count = 1;
    return codec->arena ? arena_zalloc(codec->arena, count * size) : mem_zalloc(count * size);
}

#define CODEC_ARRAY(name, type)                                           \
    void codec_##name(Codec *codec, type **value, size_t count) {         \
        if (codec_reads(codec)) {                                         \
            *value = codec_room(codec, count, sizeof **value, sizeof **value); \
            if (!*value) return;                                          \
        }                                                                 \
        words_at(codec, *value, count, sizeof **value);                   \
    }
CODEC_ARRAY(f64s, double)
CODEC_ARRAY(u32s, uint32_t)
CODEC_ARRAY(u64s, uint64_t)

void codec_f64s_at(Codec *codec, double *value, size_t count) {
    words_at(codec, value, count, sizeof *value);
}

void codec_u32s_at(Codec *codec, uint32_t *value, size_t count) {
    words_at(codec, value, count, sizeof *value);
}
