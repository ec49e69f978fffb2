#include "col/codec.h"

#include <math.h>
#include <stdlib.h>

static void codec_put_value(const Vec *vec, uint32_t row, bool key, Buf *out);

static void put_u32(Buf *out, uint32_t value) {
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
    buf_putc(out, !null);
    if (null) return;
    switch (vec->phys) {
        case PHYS_STR: {
            Str text = vec_str(vec)[row];
            put_u32(out, text.len);
            buf_put_str(out, text);
            return;
        }
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

const char *codec_get(const char *at, Vec *out, uint32_t row) {
    if (!*at++) {
        vec_set_null(out, row);
        return at;
    }
    if (out->valid) bits_set(out->valid, row);
    switch (out->phys) {
        case PHYS_STR: {
            uint32_t len = get_u32(&at);
            vec_set_text(out, row, str_make(at, len));
            return at + len;
        }
        case PHYS_LIST: {
            uint32_t count = get_u32(&at);
            uint32_t from = vec_list_begin(out, row, count);
            for (uint32_t i = 0; i < count; i++) {
                for (uint32_t c = 0; c < out->type->child_count; c++) {
                    at = codec_get(at, out->child[c], from + i);
                }
            }
            return at;
        }
        case PHYS_ROW:
            for (uint32_t c = 0; c < out->type->child_count; c++) {
                at = codec_get(at, out->child[c], row);
            }
            return at;
        default: {
            uint32_t size = phys_size(out->phys);
            memcpy((char *)out->data + (size_t)row * size, at, size);
            return at + size;
        }
    }
}
