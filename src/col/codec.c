#include "col/codec.h"

#include <math.h>
#include <stdlib.h>

static void codec_put_value(const Vec *vec, uint32_t row, bool key, Buf *out);

static void put_u32(Buf *out, uint32_t value) {
    buf_put(out, &value, sizeof value);
}

enum { TEXT_SHORT_MAX = 253, TEXT_LONG = 255 };

// One byte of length + 1; a long text has 255 and four bytes of length.
static void put_text(Buf *out, Str text) {
    if (text.len <= TEXT_SHORT_MAX) {
        buf_putc(out, (char)(text.len + 1));
    } else {
        buf_putc(out, (char)TEXT_LONG);
        put_u32(out, text.len);
    }
    buf_put_str(out, text);
}

// Times hardly ever have nanoseconds of their own: the milliseconds alone, as a short number.
static void put_time(Buf *out, Timestamp value) {
    if (value.ns == 0) {
        codec_put_i64(out, value.ms);
        return;
    }
    buf_putc(out, 1);
    buf_put(out, &value, sizeof value);
}

static int entry_order(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

// Equal maps may hold their entries in any order: as keys they are written sorted.
static void put_entries_sorted(const Vec *vec, ListView view, Buf *out) {
    Buf bytes = {0};
    size_t *end = NEW_ARRAY(size_t, view.count);
    Str *entry = NEW_ARRAY(Str, view.count);
    for (uint32_t i = 0; i < view.count; i++) {
        codec_put_value(vec->child[0], view.offset + i, true, &bytes);
        codec_put_value(vec->child[1], view.offset + i, true, &bytes);
        end[i] = bytes.len;
    }
    for (uint32_t i = 0; i < view.count; i++) {
        size_t from = i ? end[i - 1] : 0;
        entry[i] = str_make(bytes.ptr + from, end[i] - from);
    }
    qsort(entry, view.count, sizeof *entry, entry_order);
    for (uint32_t i = 0; i < view.count; i++) buf_put_str(out, entry[i]);
    mem_free(entry);
    mem_free(end);
    buf_free(&bytes);
}

static void put_list(const Vec *vec, ListView view, bool key, Buf *out) {
    put_u32(out, view.count);
    if (key && vec->type->kind != TYPE_ARRAY) {
        put_entries_sorted(vec, view, out);
        return;
    }
    for (uint32_t i = 0; i < view.count; i++) {
        for (uint32_t c = 0; c < vec->type->child_count; c++) {
            codec_put_value(vec->child[c], view.offset + i, key, out);
        }
    }
}

static void codec_put_value(const Vec *vec, uint32_t row, bool key, Buf *out) {
    bool null = vec_is_null(vec, row) || vec->phys == PHYS_NONE;
    if (!null && vec->phys == PHYS_STR) {
        put_text(out, vec_str(vec)[row]);
        return;
    }
    if (!null && vec->phys == PHYS_I64 && !key) {
        codec_put_i64(out, vec_i64(vec)[row]);
        return;
    }
    if (!null && vec->phys == PHYS_TS && !key) {
        put_time(out, vec_ts(vec)[row]);
        return;
    }
    buf_putc(out, !null);
    if (null) return;
    switch (vec->phys) {
        case PHYS_I32: buf_put(out, &vec_i32(vec)[row], 4); return;
        case PHYS_LIST: put_list(vec, vec_list(vec)[row], key, out); return;
        case PHYS_ROW:
            for (uint32_t c = 0; c < vec->type->child_count; c++) {
                codec_put_value(vec->child[c], row, key, out);
            }
            return;
        case PHYS_F32: {
            float value = vec_f32(vec)[row];
            if (key && isnan(value)) value = NAN;
            buf_put(out, &value, sizeof value);
            return;
        }
        case PHYS_F64: {
            double value = vec_f64(vec)[row];
            if (key && isnan(value)) value = NAN;
            buf_put(out, &value, sizeof value);
            return;
        }
        default: {
            uint32_t size = phys_size(vec->phys);
            buf_put(out, (const char *)vec->data + (size_t)row * size, size);
        }
    }
}

void codec_put(const Vec *vec, uint32_t row, Buf *out) {
    codec_put_value(vec, row, false, out);
}
void codec_put_key(const Vec *vec, uint32_t row, Buf *out) {
    codec_put_value(vec, row, true, out);
}

static uint32_t get_u32(const char **at) {
    uint32_t value;
    memcpy(&value, *at, sizeof value);
    *at += sizeof value;
    return value;
}

// [size] bytes, 0 to 8, least significant first; reads no others.
static uint64_t get_short(const char *at, uint32_t size) {
    if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, at, 4);
        memcpy(&high, at + size - 4, 4);
        return low | (uint64_t)high << (size - 4) * 8;
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) value |= (uint64_t)(uint8_t)at[i] << i * 8;
    return value;
}

static int64_t unfold(uint64_t folded) {
    return (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
}

static inline __attribute__((always_inline)) const char *get_value(const char *at, Vec *out,
                                                                    uint32_t row, bool share) {
    const char *(*get)(const char *, Vec *, uint32_t) = share ? codec_get_shared : codec_get;
    uint32_t tag = (uint8_t)*at++;
    if (!tag) {
        vec_set_null(out, row);
        return at;
    }
    if (out->valid) bits_set(out->valid, row);
    switch (out->phys) {
        case PHYS_STR: {
            uint32_t len = tag == TEXT_LONG ? get_u32(&at) : tag - 1;
            if (share) vec_str(out)[row] = str_make(at, len);
            else vec_set_text(out, row, str_make(at, len));
            return at + len;
        }
        case PHYS_I64: {
            if (tag < CODEC_I64_SHORT) {
                memcpy(&vec_i64(out)[row], at, 8);
                return at + 8;
            }
            vec_i64(out)[row] = unfold(get_short(at, tag - CODEC_I64_SHORT));
            return at + tag - CODEC_I64_SHORT;
        }
        case PHYS_TS:
            if (tag < CODEC_I64_SHORT) {
                memcpy(&vec_ts(out)[row], at, sizeof(Timestamp));
                return at + sizeof(Timestamp);
            }
            vec_ts(out)[row] = (Timestamp){.ms = unfold(get_short(at, tag - CODEC_I64_SHORT))};
            return at + tag - CODEC_I64_SHORT;
        case PHYS_I32: memcpy(&vec_i32(out)[row], at, 4); return at + 4;
        case PHYS_LIST: {
            uint32_t count = get_u32(&at);
            uint32_t from = vec_list_begin(out, row, count);
            for (uint32_t i = 0; i < count; i++) {
                for (uint32_t c = 0; c < out->type->child_count; c++) {
                    at = get(at, out->child[c], from + i);
                }
            }
            return at;
        }
        case PHYS_ROW:
            for (uint32_t c = 0; c < out->type->child_count; c++) {
                at = get(at, out->child[c], row);
            }
            return at;
        default: {
            uint32_t size = phys_size(out->phys);
            memcpy((char *)out->data + (size_t)row * size, at, size);
            return at + size;
        }
    }
}

Str codec_text(Str bytes) {
    uint32_t head = (uint8_t)bytes.ptr[0] == TEXT_LONG ? 1 + sizeof(uint32_t) : 1;
    return str_make(bytes.ptr + head, bytes.len - head);
}

// ---- by hand -----------------------------------------------------------------------------------

const char *codec_get(const char *at, Vec *out, uint32_t row) {
    return get_value(at, out, row, false);
}
const char *codec_get_shared(const char *at, Vec *out, uint32_t row) {
    return get_value(at, out, row, true);
}
const char *codec_get_i64(const char *at, int64_t *out) {
    uint32_t tag = (uint8_t)*at++;
    if (tag < CODEC_I64_SHORT) {
        *out = 0;
        if (!tag) return at;
        memcpy(out, at, sizeof *out);
        return at + sizeof *out;
    }
    uint64_t folded = get_short(at, tag - CODEC_I64_SHORT);
    *out = unfold(folded);
    return at + tag - CODEC_I64_SHORT;
}

void codec_put_u8(Buf *out, uint8_t value) {
    buf_putc(out, 1);
    buf_putc(out, (char)value);
}

const char *codec_get_u8(const char *at, uint8_t *out) {
    *out = (uint8_t)at[1];
    return at + 2;
}

void codec_put_text(Buf *out, Str text) {
    put_text(out, text);
}

const char *codec_get_text(const char *at, Str *out) {
    uint32_t tag = (uint8_t)*at++;
    uint32_t len = tag == TEXT_LONG ? get_u32(&at) : tag ? tag - 1 : 0;
    *out = str_make(at, len);
    return at + len;
}

void codec_put_list_head(Buf *out, uint32_t count) {
    buf_putc(out, 1);
    put_u32(out, count);
}

const char *codec_get_list_head(const char *at, uint32_t *count) {
    at++;
    *count = get_u32(&at);
    return at;
}

const char *codec_get_row_head(const char *at) {
    return at + 1;
}

uint32_t codec_size_max(const Type *type) {
    uint32_t size = 1;
    switch (type_phys(type)) {
        case PHYS_STR:
        case PHYS_LIST: return 0;
        case PHYS_NONE: return size;
        case PHYS_ROW:
            for (uint32_t c = 0; c < type->child_count; c++) {
                uint32_t child = codec_size_max(type->child[c]);
                if (!child) return 0;
                size += child;
            }
            return size;
        default: return size + phys_size(type_phys(type));
    }
}

const char *codec_skip(const Type *type, const char *at) {
    uint32_t tag = (uint8_t)*at++;
    if (!tag) return at;
    Phys phys = type_phys(type);
    switch (phys) {
        case PHYS_STR: {
            uint32_t len = tag == TEXT_LONG ? get_u32(&at) : tag - 1;
            return at + len;
        }
        case PHYS_I64:
            return at + (tag < CODEC_I64_SHORT ? sizeof(int64_t) : tag - CODEC_I64_SHORT);
        case PHYS_TS:
            return at + (tag < CODEC_I64_SHORT ? sizeof(Timestamp) : tag - CODEC_I64_SHORT);
        case PHYS_LIST:
            for (uint32_t count = get_u32(&at); count--;) {
                for (uint32_t c = 0; c < type->child_count; c++)
                    at = codec_skip(type->child[c], at);
            }
            return at;
        case PHYS_ROW:
            for (uint32_t c = 0; c < type->child_count; c++) at = codec_skip(type->child[c], at);
            return at;
        default: return at + phys_size(phys);
    }
}
