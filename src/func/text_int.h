// func/text_int.h - what the text functions share: steps over characters, positions in UTF-16
// units, types of results. For the files of this folder.
//
// Three ways to count: bytes; characters (code points), the SQL way; and UTF-16 units, where Flink
// hands the work to java.lang.String. Half a surrogate pair has no UTF-8: it becomes '?', as there.
#pragma once

#include "base/unicode.h"
#include "func/func.h"

enum { TEXT_BYTES_MAX = 1 << 28 };  // of one result: REPEAT and LPAD are told how much by the data

// ST_RUNTIME when a result of [bytes] is too long.
static inline Status text_check(uint64_t bytes, const KernelArgs *args, Error *err) {
    if (bytes <= TEXT_BYTES_MAX) return ST_OK;
    return error_set(err, ST_RUNTIME, "the result of %s would be %llu bytes long; the limit is %d",
                     args->call->func->name, (unsigned long long)bytes, TEXT_BYTES_MAX);
}

// Bytes of the character at [p], told by its first byte as in Flink's BinaryStringData, clamped.
static inline uint32_t char_size(const char *p, const char *end) {
    unsigned char c = (unsigned char)*p;
    uint32_t size = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return size <= (size_t)(end - p) ? size : (uint32_t)(end - p);
}

static inline bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

// [count] characters further, or [end].
static inline const char *chars_skip(const char *p, const char *end, int64_t count) {
    while (count-- > 0 && p < end) p += char_size(p, end);
    return p;
}

static inline Str str_between(const char *from, const char *to) {
    return (Str){from, (uint32_t)(to - from)};
}

// The text result of a row that is a piece of an argument: shared, not copied (exec/program.h lets
// results point into the inputs).
static inline void set_piece(Vec *out, uint32_t row, Str piece) {
    vec_str(out)[row] = piece;
}

// Appends the UTF-16 units [from, to) of [text].
void put_units16(Buf *out, Str text, uint64_t from, uint64_t to);
// java.lang.String.hashCode.
int32_t java_hash(Str text);
int32_t java_decimal_hash(i128 value, int32_t scale);  // java.math.BigDecimal.hashCode
// What java.lang.String(bytes, UTF_8) makes of bytes that may be malformed.
void put_repaired(Buf *out, Str bytes);
// java.util.Base64: the encoder; the decoder fails with ST_RUNTIME.
void put_base64(Buf *out, Str bytes);
NODISCARD Status put_base64_decoded(Buf *out, Str text, Error *err);

static inline bool call_any_nullable(const FuncCall *call) {
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->nullable || call->arg[i]->kind == TYPE_NULL) return true;
    }
    return false;
}
// Declared length of a text or bytes type, TYPE_LENGTH_MAX of anything else.
static inline int32_t type_length(const Type *type) {
    return type_is_text(type) || type_is_bytes(type) ? type->length : TYPE_LENGTH_MAX;
}
static inline int32_t length_sum(int32_t a, int32_t b) {
    int64_t sum = (int64_t)a + b;
    return sum > TYPE_LENGTH_MAX ? TYPE_LENGTH_MAX : (int32_t)sum;
}
// The constant text of argument [i], or false when it is no constant or NULL.
static inline bool call_text(const FuncCall *call, uint32_t i, Str *out) {
    if (i >= call->argc || !call->literal[i] || call->literal[i]->phys != PHYS_STR ||
        vec_is_null(call->literal[i], 0)) {
        return false;
    }
    *out = vec_str(call->literal[i])[0];
    return true;
}
