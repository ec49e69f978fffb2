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
// The text in the bytes of a text that is not NULL.
Str codec_text(Str bytes);
