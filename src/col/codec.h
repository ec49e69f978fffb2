// col/codec.h - values and rows as bytes: what keeps a value outside of a column (state, keys of
// sets). The bytes need the type to be read again and say nothing of it.
//
// Layout: one byte, 0 for NULL, and else
//   BIGINT                2 + the count of bytes that follow: the value folded (0, -1, 1, -2, ...)
//                         without its leading zero bytes; in keys 1 and the slot
//   TIMESTAMP             the same of its milliseconds when it has nothing below them; else, and in
//                         keys, 1 and the slot
//   text                  1 + its length; 255 and the length as u32 when that is above 253
//   other types           1, and the slot as it lies in memory (little endian), a list as u32 count
//                         and its children's values entry by entry, a row as its fields.
// Rows in state are many and mostly of the first two; keys are found faster at one size.
#pragma once

#include "col/vec.h"

void codec_put(const Vec *vec, uint32_t row, Buf *out);
// The same for keys: values equal by vec_key_equal, and no others, give equal bytes (one NaN, maps
// and multisets in the order of their entries' bytes).
void codec_put_key(const Vec *vec, uint32_t row, Buf *out);
// Reads the value at [at] into slot [row], which exists already; returns the end of its bytes.
const char *codec_get(const char *at, Vec *out, uint32_t row);
// The same with text that points into the bytes: they must live as long as [out].
const char *codec_get_shared(const char *at, Vec *out, uint32_t row);
// The text in the bytes of a text that is not NULL.
Str codec_text(Str bytes);

// The same without a column, for what an operator writes by hand: values that are not NULL of
// BIGINT, BOOLEAN, TINYINT and text, and what leads the entries of a list and the fields of a row.
// Each reading returns the end of what it read.
//
// A BIGINT is short: its first byte is CODEC_I64_SHORT and how many bytes follow, the low ones of
// the number with its sign folded into bit 0. (1 and all eight bytes, as keys have it, is read
// too.)
enum { CODEC_I64_SHORT = 2, CODEC_I64_MAX = 1 + sizeof(int64_t) };
// Writes where there is room for CODEC_I64_MAX bytes; returns the end of the value.
static inline char *codec_write_i64(char *to, int64_t value) {
    uint64_t folded = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    uint32_t size = folded ? (71 - (uint32_t)__builtin_clzll(folded)) / 8 : 0;
    *to = (char)(CODEC_I64_SHORT + size);
    memcpy(to + 1, &folded, sizeof folded);
    return to + 1 + size;
}
static inline void codec_put_i64(Buf *out, int64_t value) {
    char *to = buf_reserve(out, CODEC_I64_MAX);
    out->len += (size_t)(codec_write_i64(to, value) - to);
}
// How many bytes the value at [at] has, its first byte among them; more than CODEC_I64_MAX: it is
// none.
static inline uint32_t codec_i64_size(const char *at) {
    uint32_t tag = (uint8_t)*at;
    return tag < CODEC_I64_SHORT ? 1 + tag * (uint32_t)sizeof(int64_t) : tag - CODEC_I64_SHORT + 1;
}
const char *codec_get_i64(const char *at, int64_t *out);
void codec_put_u8(Buf *out, uint8_t value);
const char *codec_get_u8(const char *at, uint8_t *out);
void codec_put_text(Buf *out, Str text);
const char *codec_get_text(const char *at, Str *out);
void codec_put_list_head(Buf *out, uint32_t count);
const char *codec_get_list_head(const char *at, uint32_t *count);
static inline char *codec_write_row_head(char *to) {
    *to = 1;
    return to + 1;
}
static inline void codec_put_row_head(Buf *out) {
    buf_putc(out, 1);
}
const char *codec_get_row_head(const char *at);
// How many bytes a value of type [type] has at most; 0: texts and lists know no such size.
uint32_t codec_size_max(const Type *type);
// The end of the value of type [type] at [at].
const char *codec_skip(const Type *type, const char *at);
