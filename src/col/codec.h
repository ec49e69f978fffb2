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
void codec_put_i64(Buf *out, int64_t value);
const char *codec_get_i64(const char *at, int64_t *out);
void codec_put_u8(Buf *out, uint8_t value);
const char *codec_get_u8(const char *at, uint8_t *out);
void codec_put_text(Buf *out, Str text);
const char *codec_get_text(const char *at, Str *out);
void codec_put_list_head(Buf *out, uint32_t count);
const char *codec_get_list_head(const char *at, uint32_t *count);
void codec_put_row_head(Buf *out);
const char *codec_get_row_head(const char *at);
// The end of the value of type [type] at [at].
const char *codec_skip(const Type *type, const char *at);
