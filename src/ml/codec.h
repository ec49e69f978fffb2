// ml/codec.h - bytes and structures, both ways with one function: what a model or a learner keeps
// is written and read by the same lines, so that the two cannot part.
//
//     static void codec_leaf(Codec *c, Leaf *leaf) {
//         codec_u32(c, &leaf->rows);
//         codec_f64s(c, &leaf->value, leaf->outputs);  // reading: allocated in the codec's arena
//     }
//
// Numbers are little-endian, doubles keep their bits. A reader never trusts: the first wrong thing
// fails the codec for good, every later call leaves zeros, and no count is believed that the bytes
// left could not hold, so that what is allocated stays in proportion to what was given.
#pragma once

#include "base/mem.h"
#include "base/text.h"

typedef struct Codec {
    Buf *out;       // writing; else NULL
    Str in;         // reading: what is left
    Arena *arena;   // reading: of what is allocated; NULL: mem_zalloc
    const char *what;  // in messages: "the model"
    bool failed;
    char why[128];
} Codec;

static inline bool codec_reads(const Codec *codec) {
    return !codec->out;
}
// Says no, once; false so that a check can be handed on.
bool codec_fail(Codec *codec, const char *fmt, ...) PRINTF_LIKE(2, 3);
// ST_VALIDATION with the reason if it failed, or if bytes are left over.
NODISCARD Status codec_end(Codec *codec, Error *err);

void codec_u8(Codec *codec, uint8_t *value);
void codec_u32(Codec *codec, uint32_t *value);
void codec_u64(Codec *codec, uint64_t *value);
void codec_i64(Codec *codec, int64_t *value);
void codec_f64(Codec *codec, double *value);
void codec_bool(Codec *codec, bool *value);
void codec_str(Codec *codec, Str *value);
// A number that counts what follows, [size] bytes or more each, and is [max] at most.
void codec_count(Codec *codec, uint32_t *count, uint32_t max, uint32_t size);
// One of [kinds] kinds.
void codec_kind(Codec *codec, int *kind, int kinds);

// Arrays whose length is known; reading allocates them.
void codec_f64s(Codec *codec, double **value, size_t count);
void codec_u32s(Codec *codec, uint32_t **value, size_t count);
void codec_u64s(Codec *codec, uint64_t **value, size_t count);
// Into (or from) arrays that are there.
void codec_f64s_at(Codec *codec, double *value, size_t count);
void codec_u32s_at(Codec *codec, uint32_t *value, size_t count);
void codec_bytes_at(Codec *codec, void *bytes, size_t size);

// Reading: room for [count] items of [size], zeroed, each of which takes [bytes_min] of the bytes
// left; NULL if they cannot. Writing: NULL, nothing to do.
void *codec_room(Codec *codec, size_t count, size_t size, size_t bytes_min);
