// col/vec.h - a column: up to some thousand values of one type, Arrow's layout in spirit.
//
// A Vec is flat: slot i of [data] is row i (layout per type in type/type.h), bit i of [valid] says
// whether it is not NULL; no bitmap means no nulls. A NULL slot always holds the zero value (0,
// empty text, empty list), so that kernels may compute over it without a branch.
//   ROW    has no data of its own: child[i] is field i, with the same length. A NULL row has NULL
//          fields.
//   ARRAY, MULTISET, MAP hold a ListView a row into shared children: child[0] elements or keys,
//          child[1] values or counts. Slices may lie anywhere, overlap and leave gaps, so a filter
//          moves views and leaves the children alone.
//   text, bytes hold a Str a row over bytes that the batch's arena, or a batch it keeps, owns.
//
// Life: vec_new, writes, then reads only. Writers go through the functions or write data directly
// and keep the invariants. Memory: everything lies in the arena the Vec was made in.
// Threads: one writer; after the batch is sealed any number of readers.
#pragma once

#include "base/assert.h"
#include "base/bits.h"
#include "type/type.h"
#include "type/value.h"

typedef struct Vec Vec;
struct Vec {  // open: hot loops read the fields
    const Type *type;
    Phys phys;
    uint32_t len;     // rows
    uint32_t cap;     // slots that data and valid have room for
    uint64_t *valid;  // NULL: no row is NULL
    void *data;
    Vec **child;  // type->child_count of them
    Arena *arena;     // for growth and for the bytes of text
};

// A vec of [len] rows, all slots zero and not NULL (ROW children likewise, list children empty).
Vec *vec_new(Arena *arena, const Type *type, uint32_t len);
// Grows to at least [cap] slots keeping the content; new slots are zero.
void vec_reserve(Vec *vec, uint32_t cap);
// Sets the length, growing if needed; also of ROW children.
void vec_resize(Vec *vec, uint32_t len);
static inline void vec_set_len(Vec *vec, uint32_t len) {
    if (len <= vec->cap && vec->phys != PHYS_ROW && vec->phys != PHYS_NONE) {
        vec->len = len;  // a builder's rows come one by one
    } else {
        vec_resize(vec, len);
    }
}

static inline bool vec_is_null(const Vec *vec, uint32_t row) {
    return vec->valid && !bits_get(vec->valid, row);
}
void vec_need_valid(Vec *vec);            // makes the bitmap, all rows valid, unless it is there
void vec_set_null(Vec *vec, uint32_t row);  // and zeroes the slot, also in the children of a ROW
bool vec_has_nulls(const Vec *vec);
void vec_set_all_null(Vec *vec);

// Typed slots. The caller knows the physical type.
static inline uint8_t *vec_u8(const Vec *vec) {
    DASSERT(vec->phys == PHYS_U8);
    return vec->data;
}
static inline int8_t *vec_i8(const Vec *vec) {
    DASSERT(vec->phys == PHYS_I8);
    return vec->data;
}
static inline int16_t *vec_i16(const Vec *vec) {
    DASSERT(vec->phys == PHYS_I16);
    return vec->data;
}
static inline int32_t *vec_i32(const Vec *vec) {
    DASSERT(vec->phys == PHYS_I32);
    return vec->data;
}
static inline int64_t *vec_i64(const Vec *vec) {
    DASSERT(vec->phys == PHYS_I64);
    return vec->data;
}
static inline float *vec_f32(const Vec *vec) {
    DASSERT(vec->phys == PHYS_F32);
    return vec->data;
}
static inline double *vec_f64(const Vec *vec) {
    DASSERT(vec->phys == PHYS_F64);
    return vec->data;
}
static inline i128 *vec_i128(const Vec *vec) {
    DASSERT(vec->phys == PHYS_I128);
    return vec->data;
}
static inline Timestamp *vec_ts(const Vec *vec) {
    DASSERT(vec->phys == PHYS_TS);
    return vec->data;
}
static inline Str *vec_str(const Vec *vec) {
    DASSERT(vec->phys == PHYS_STR);
    return vec->data;
}
static inline ListView *vec_list(const Vec *vec) {
    DASSERT(vec->phys == PHYS_LIST);
    return vec->data;
}

// TIMESTAMP and TIMESTAMP_LTZ of any precision.
static inline Timestamp vec_timestamp(const Vec *vec, uint32_t row) {
    if (vec->phys == PHYS_TS) return ((const Timestamp *)vec->data)[row];
    return (Timestamp){((const int64_t *)vec->data)[row], 0, 0};
}
// Truncates to what the slot can hold; the caller has rounded to the type's precision.
static inline void vec_set_timestamp(Vec *vec, uint32_t row, Timestamp value) {
    if (vec->phys == PHYS_TS) {
        ((Timestamp *)vec->data)[row] = value;
    } else {
        ((int64_t *)vec->data)[row] = value.ms;
    }
}
// Any of the integer-like layouts (I8..I64, U8) as an int64.
int64_t vec_integer(const Vec *vec, uint32_t row);
// Any number, also DECIMAL and BOOLEAN, as a double.
double vec_number(const Vec *vec, uint32_t row);
void vec_set_integer(Vec *vec, uint32_t row, int64_t value);  // the caller checked the range

// Text of row [row]; the bytes are copied into the vec's arena.
void vec_set_text(Vec *vec, uint32_t row, Str text);
// Room for [len] bytes owned by the vec's arena, for writers that build in place:
//     char *at = vec_text_room(out, n); …; vec_str(out)[row] = str_make(at, n);
static inline char *vec_text_room(Vec *vec, size_t len) {
    return arena_alloc_aligned(vec->arena, len, 1);
}

// Begins row [row] of a list: its elements are appended to the children next. Returns the child
// slot to write element [i] at: grows children by [count].
uint32_t vec_list_begin(Vec *vec, uint32_t row, uint32_t count);

// Copies row [from] of [src] to row [to] of [dst] (same type but for nullability), bytes included:
// [dst] does not depend on [src]'s memory afterwards.
void vec_copy_value(Vec *dst, uint32_t to, const Vec *src, uint32_t from);
// The same but text and list children stay shared where they can: [dst] must not outlive [src].
void vec_share_value(Vec *dst, uint32_t to, const Vec *src, uint32_t from);

// New vec in [arena] of the chosen rows, in that order; text bytes and list children are shared
// with [src], which must be kept alive.
Vec *vec_gather(Arena *arena, const Vec *src, const uint32_t *rows, uint32_t count);
// The same with a copy of the text: the new vec needs nothing of [src]'s. Not for lists.
Vec *vec_gather_own(Arena *arena, const Vec *src, const uint32_t *rows, uint32_t count);
// Rows [from, from + count) without copying fixed slots where alignment allows.
Vec *vec_slice(Arena *arena, const Vec *src, uint32_t from, uint32_t count);
// [a] from row 0 on and [b] from row [at] on, between them undefined; both of one type and of at
// most [at] rows. Bytes and list children are shared or moved into [arena].
Vec *vec_concat(Arena *arena, const Vec *a, const Vec *b, uint32_t at);
// [count] times row [row] of [src], shared as in vec_gather.
Vec *vec_repeat(Arena *arena, const Vec *src, uint32_t row, uint32_t count);
// A view of the same values under another type of the same layout (nullability, length, name).
Vec *vec_retype(Arena *arena, const Vec *src, const Type *type);

// Order of two values of one type: <0, 0, >0. NULLs are equal to each other and come first.
// Text compares bytewise, as Flink's BinaryStringData; NaN is equal to itself and greatest.
int vec_compare(const Vec *a, uint32_t i, const Vec *b, uint32_t j);
// Equality as of keys: NULL equals NULL, -0.0 differs from 0.0, NaN equals NaN.
bool vec_key_equal(const Vec *a, uint32_t i, const Vec *b, uint32_t j);
// hashes[row] = mix(hashes[row], hash of the key value); rows [0, len).
void vec_hash_into(const Vec *vec, uint64_t *hashes);
uint64_t vec_hash_value(const Vec *vec, uint32_t row);
