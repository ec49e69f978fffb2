#include "col/vec.h"

#include <math.h>

#include "base/hash.h"
#include "type/decimal.h"

static uint32_t valid_words(uint32_t cap) {
    return (uint32_t)BITS_WORDS(cap ? cap : 1);
}

Vec *vec_new(Arena *arena, const Type *type, uint32_t len) {
    Vec *vec = ARENA_NEW(arena, Vec);
    vec->type = type;
    vec->phys = type_phys(type);
    vec->arena = arena;
    vec->len = len;
    vec->cap = len;
    uint32_t size = phys_size(vec->phys);
    if (size) {
        size_t bytes = (size_t)len * size;
        vec->data = arena_alloc_aligned(arena, bytes, 64);
        memset(vec->data, 0, bytes);
    }
    if (type->child_count) {
        vec->child = ARENA_ARRAY(arena, Vec *, type->child_count);
        uint32_t child_len = type->kind == TYPE_ROW ? len : 0;
        for (uint32_t i = 0; i < type->child_count; i++) {
            vec->child[i] = vec_new(arena, type->child[i], child_len);
        }
    }
    if (type->kind == TYPE_NULL && len) vec_set_all_null(vec);
    return vec;
}

void vec_reserve(Vec *vec, uint32_t cap) {
    if (cap <= vec->cap) return;
    if (cap < vec->cap * 2) cap = vec->cap * 2;
    if (cap < 16) cap = 16;
    uint32_t size = phys_size(vec->phys);
    if (size) {
        void *data = arena_alloc_aligned(vec->arena, (size_t)cap * size, 64);
        memcpy(data, vec->data, (size_t)vec->cap * size);
        memset((char *)data + (size_t)vec->cap * size, 0, (size_t)(cap - vec->cap) * size);
        vec->data = data;
    }
    if (vec->valid) {
        uint32_t had = valid_words(vec->cap), need = valid_words(cap);
        uint64_t *valid = arena_alloc(vec->arena, need * 8);
        memcpy(valid, vec->valid, had * 8);
        memset(valid + had, 0xFF, (need - had) * 8);
        // Bits past the old capacity in its last word: valid until said otherwise.
        for (uint32_t i = vec->cap; i < had * 64 && i < cap; i++) bits_set(valid, i);
        vec->valid = valid;
    }
    vec->cap = cap;
    if (vec->phys == PHYS_ROW) {
        for (uint32_t i = 0; i < vec->type->child_count; i++) vec_reserve(vec->child[i], cap);
    }
}

void vec_resize(Vec *vec, uint32_t len) {
    vec_reserve(vec, len);
    vec->len = len;
    if (vec->phys == PHYS_ROW) {
        for (uint32_t i = 0; i < vec->type->child_count; i++) vec_set_len(vec->child[i], len);
    }
    if (vec->type->kind == TYPE_NULL && len) vec_set_all_null(vec);
}

void vec_need_valid(Vec *vec) {
    if (vec->valid) return;
    uint32_t words = valid_words(vec->cap);
    vec->valid = arena_alloc(vec->arena, words * 8);
    memset(vec->valid, 0xFF, words * 8);
}

void vec_set_null(Vec *vec, uint32_t row) {
    vec_need_valid(vec);
    bits_clear(vec->valid, row);
    uint32_t size = phys_size(vec->phys);
    if (size) memset((char *)vec->data + (size_t)row * size, 0, size);
    if (vec->phys == PHYS_ROW) {
        for (uint32_t i = 0; i < vec->type->child_count; i++) vec_set_null(vec->child[i], row);
    }
}

void vec_set_all_null(Vec *vec) {
    vec_need_valid(vec);
    memset(vec->valid, 0, valid_words(vec->cap) * 8);
    uint32_t size = phys_size(vec->phys);
    if (size) memset(vec->data, 0, (size_t)vec->cap * size);
    if (vec->phys == PHYS_ROW) {
        for (uint32_t i = 0; i < vec->type->child_count; i++) vec_set_all_null(vec->child[i]);
    }
}

bool vec_has_nulls(const Vec *vec) {
    return vec->valid && bits_count(vec->valid, vec->len) != vec->len;
}

int64_t vec_integer(const Vec *vec, uint32_t row) {
    switch (vec->phys) {
        case PHYS_U8: return ((const uint8_t *)vec->data)[row];
        case PHYS_I8: return ((const int8_t *)vec->data)[row];
        case PHYS_I16: return ((const int16_t *)vec->data)[row];
        case PHYS_I32: return ((const int32_t *)vec->data)[row];
        case PHYS_I64: return ((const int64_t *)vec->data)[row];
        default: UNREACHABLE();
    }
}

double vec_number(const Vec *vec, uint32_t row) {
    switch (vec->phys) {
        case PHYS_F32: return vec_f32(vec)[row];
        case PHYS_F64: return vec_f64(vec)[row];
        case PHYS_I128: return decimal_to_f64(vec_i128(vec)[row], vec->type->scale);
        default: break;
    }
    int64_t value = vec_integer(vec, row);
    bool decimal = vec->type->kind == TYPE_DECIMAL;
    return decimal ? decimal_to_f64(value, vec->type->scale) : (double)value;
}

void vec_set_integer(Vec *vec, uint32_t row, int64_t value) {
    switch (vec->phys) {
        case PHYS_U8: ((uint8_t *)vec->data)[row] = value != 0; break;
        case PHYS_I8: ((int8_t *)vec->data)[row] = (int8_t)value; break;
        case PHYS_I16: ((int16_t *)vec->data)[row] = (int16_t)value; break;
        case PHYS_I32: ((int32_t *)vec->data)[row] = (int32_t)value; break;
        case PHYS_I64: ((int64_t *)vec->data)[row] = value; break;
        default: UNREACHABLE();
    }
}

void vec_set_text(Vec *vec, uint32_t row, Str text) {
    char *copy = vec_text_room(vec, text.len);
    if (text.len) memcpy(copy, text.ptr, text.len);
    vec_str(vec)[row] = (Str){copy, text.len};
}

uint32_t vec_list_begin(Vec *vec, uint32_t row, uint32_t count) {
    uint32_t offset = vec->child[0]->len;
    for (uint32_t i = 0; i < vec->type->child_count; i++) {
        vec_set_len(vec->child[i], offset + count);
    }
    vec_list(vec)[row] = (ListView){offset, count};
    return offset;
}

// Copies the slot; [deep] copies what it refers to as well.
static void vec_move_value(Vec *dst, uint32_t to, const Vec *src, uint32_t from, bool deep) {
    if (vec_is_null(src, from) || src->phys == PHYS_NONE) {
        vec_set_null(dst, to);
        return;
    }
    DASSERT(dst->phys == src->phys);
    if (dst->valid) bits_set(dst->valid, to);
    switch (dst->phys) {
        case PHYS_STR:
            if (deep) {
                vec_set_text(dst, to, vec_str(src)[from]);
            } else {
                vec_str(dst)[to] = vec_str(src)[from];
            }
            break;
        case PHYS_LIST: {
            ListView view = vec_list(src)[from];
            uint32_t at = vec_list_begin(dst, to, view.count);
            for (uint32_t c = 0; c < dst->type->child_count; c++) {
                for (uint32_t i = 0; i < view.count; i++) {
                    vec_move_value(dst->child[c], at + i, src->child[c], view.offset + i, deep);
                }
            }
            break;
        }
        case PHYS_ROW:
            for (uint32_t c = 0; c < dst->type->child_count; c++) {
                vec_move_value(dst->child[c], to, src->child[c], from, deep);
            }
            break;
        case PHYS_I64: vec_i64(dst)[to] = vec_i64(src)[from]; break;
        case PHYS_I32: vec_i32(dst)[to] = vec_i32(src)[from]; break;
        default: {
            uint32_t size = phys_size(dst->phys);
            memcpy((char *)dst->data + (size_t)to * size,
                   (const char *)src->data + (size_t)from * size, size);
        }
    }
}

void vec_copy_value(Vec *dst, uint32_t to, const Vec *src, uint32_t from) {
    vec_move_value(dst, to, src, from, true);
}
void vec_share_value(Vec *dst, uint32_t to, const Vec *src, uint32_t from) {
    vec_move_value(dst, to, src, from, false);
}

#define GATHER(ctype)                                                  \
    do {                                                               \
        const ctype *in_ = src->data;                                  \
        ctype *out_ = data;                                            \
        for (uint32_t i = 0; i < count; i++) out_[i] = in_[rows[i]];   \
    } while (0)

// A Vec whose data is not yet made.
static Vec *vec_shell(Arena *arena, const Vec *src, uint32_t len) {
    Vec *vec = ARENA_NEW(arena, Vec);
    vec->type = src->type;
    vec->phys = src->phys;
    vec->arena = arena;
    vec->len = vec->cap = len;
    if (src->phys == PHYS_LIST) {
        vec->child = src->child;  // shared: views point into it
    } else if (src->phys == PHYS_ROW) {
        vec->child = ARENA_ARRAY(arena, Vec *, src->type->child_count);
    }
    return vec;
}

Vec *vec_gather(Arena *arena, const Vec *src, const uint32_t *rows, uint32_t count) {
    Vec *vec = vec_shell(arena, src, count);
    if (vec_has_nulls(src)) {
        vec->valid = ARENA_ARRAY(arena, uint64_t, valid_words(count));
        bool all = true;
        for (uint32_t i = 0; i < count;) {  // a word at a time, in a register
            uint32_t end = count - i < 64 ? count - i : 64;
            uint64_t word = 0;
            for (uint32_t b = 0; b < end; b++) {
                word |= (uint64_t)bits_get(src->valid, rows[i + b]) << b;
            }
            vec->valid[i >> 6] = word;
            all &= word == UINT64_MAX >> (64 - end);
            i += end;
        }
        if (all) vec->valid = NULL;  // filters leave out the rows without a value
    }
    uint32_t size = phys_size(src->phys);
    void *data = vec->data = size ? arena_alloc_aligned(arena, (size_t)count * size, 64) : NULL;
    switch (size) {
        case 1: GATHER(uint8_t); break;
        case 2: GATHER(uint16_t); break;
        case 4: GATHER(uint32_t); break;
        case 8: GATHER(uint64_t); break;
        case 16: GATHER(i128); break;
        default: break;
    }
    if (src->phys == PHYS_ROW) {
        for (uint32_t c = 0; c < src->type->child_count; c++) {
            vec->child[c] = vec_gather(arena, src->child[c], rows, count);
        }
    }
    return vec;
}

// The bytes of all rows of a text in one piece, in their order.
static void own_text(Vec *vec) {
    Str *text = vec_str(vec);
    size_t bytes = 0;
    for (uint32_t i = 0; i < vec->len; i++) bytes += text[i].len;
    char *at = vec_text_room(vec, bytes);
    for (uint32_t i = 0; i < vec->len; i++) {
        if (!text[i].len) continue;
        text[i].ptr = memcpy(at, text[i].ptr, text[i].len);
        at += text[i].len;
    }
}

static void own_texts(Vec *vec) {
    DASSERT(vec->phys != PHYS_LIST);
    if (vec->phys == PHYS_STR) own_text(vec);
    for (uint32_t c = 0; c < vec->type->child_count; c++) own_texts(vec->child[c]);
}

Vec *vec_gather_own(Arena *arena, const Vec *src, const uint32_t *rows, uint32_t count) {
    Vec *vec = vec_gather(arena, src, rows, count);
    own_texts(vec);
    return vec;
}

Vec *vec_slice(Arena *arena, const Vec *src, uint32_t from, uint32_t count) {
    Vec *vec = vec_shell(arena, src, count);
    if (src->valid) {
        if (from % 64 == 0) {
            vec->valid = src->valid + from / 64;
        } else {
            vec->valid = ARENA_ARRAY(arena, uint64_t, valid_words(count));
            for (uint32_t i = 0; i < count; i++) {
                vec->valid[i >> 6] |= (uint64_t)bits_get(src->valid, from + i) << (i & 63);
            }
        }
    }
    uint32_t size = phys_size(src->phys);
    if (size) vec->data = (char *)src->data + (size_t)from * size;
    if (src->phys == PHYS_ROW) {
        for (uint32_t c = 0; c < src->type->child_count; c++) {
            vec->child[c] = vec_slice(arena, src->child[c], from, count);
        }
    }
    return vec;
}

Vec *vec_concat(Arena *arena, const Vec *a, const Vec *b, uint32_t at) {
    ASSERT(a->len <= at);
    Vec *vec = vec_new(arena, a->type, at + b->len);
    if (a->phys == PHYS_LIST || a->phys == PHYS_ROW) {
        for (uint32_t i = 0; i < a->len; i++) vec_share_value(vec, i, a, i);
        for (uint32_t i = 0; i < b->len; i++) vec_share_value(vec, at + i, b, i);
        return vec;
    }
    uint32_t size = phys_size(a->phys);
    if (size) {
        memcpy(vec->data, a->data, (size_t)a->len * size);
        memcpy((char *)vec->data + (size_t)at * size, b->data, (size_t)b->len * size);
    }
    if (!a->valid && !b->valid) return vec;
    vec_need_valid(vec);
    for (uint32_t i = 0; a->valid && i < a->len; i++)
        bits_put(vec->valid, i, bits_get(a->valid, i));
    for (uint32_t i = 0; b->valid && i < b->len; i++)
        bits_put(vec->valid, at + i, bits_get(b->valid, i));
    return vec;
}

Vec *vec_repeat(Arena *arena, const Vec *src, uint32_t row, uint32_t count) {
    uint32_t *rows = ARENA_ARRAY(arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) rows[i] = row;
    return vec_gather(arena, src, rows, count);
}

Vec *vec_retype(Arena *arena, const Vec *src, const Type *type) {
    DASSERT(type_phys(type) == src->phys);
    Vec *vec = arena_dup(arena, src, sizeof *src);
    vec->type = type;
    return vec;
}

static int compare_f64(double a, double b) {
    if (a < b) return -1;
    if (a > b) return 1;
    if (a == b) return 0;
    return isnan(a) ? (isnan(b) ? 0 : 1) : -1;
}

#define COMPARE(ctype)                                                             \
    do {                                                                           \
        ctype x_ = ((const ctype *)a->data)[i], y_ = ((const ctype *)b->data)[j];  \
        return x_ < y_ ? -1 : x_ > y_;                                             \
    } while (0)

static int compare_lists(const Vec *a, ListView x, const Vec *b, ListView y) {
    uint32_t min = x.count < y.count ? x.count : y.count;
    for (uint32_t k = 0; k < min; k++) {
        for (uint32_t c = 0; c < a->type->child_count; c++) {
            int order = vec_compare(a->child[c], x.offset + k, b->child[c], y.offset + k);
            if (order) return order;
        }
    }
    return x.count < y.count ? -1 : x.count > y.count;
}

int vec_compare(const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    bool a_null = vec_is_null(a, i), b_null = vec_is_null(b, j);
    if (a_null || b_null) return (int)b_null - (int)a_null;
    switch (a->phys) {
        case PHYS_NONE: return 0;
        case PHYS_U8: COMPARE(uint8_t);
        case PHYS_I8: COMPARE(int8_t);
        case PHYS_I16: COMPARE(int16_t);
        case PHYS_I32: COMPARE(int32_t);
        case PHYS_I64: COMPARE(int64_t);
        case PHYS_I128: COMPARE(i128);
        case PHYS_F32:
            return compare_f64(((const float *)a->data)[i], ((const float *)b->data)[j]);
        case PHYS_F64: return compare_f64(vec_f64(a)[i], vec_f64(b)[j]);
        case PHYS_TS: {
            Timestamp x = vec_ts(a)[i], y = vec_ts(b)[j];
            if (x.ms != y.ms) return x.ms < y.ms ? -1 : 1;
            return x.ns < y.ns ? -1 : x.ns > y.ns;
        }
        case PHYS_STR: return str_cmp(vec_str(a)[i], vec_str(b)[j]);
        case PHYS_LIST: return compare_lists(a, vec_list(a)[i], b, vec_list(b)[j]);
        case PHYS_ROW:
            for (uint32_t c = 0; c < a->type->child_count; c++) {
                int order = vec_compare(a->child[c], i, b->child[c], j);
                if (order) return order;
            }
            return 0;
    }
    return 0;
}

// Maps and multisets are equal as sets of entries, whatever their order.
static bool map_key_equal(const Vec *a, ListView x, const Vec *b, ListView y) {
    if (x.count != y.count) return false;
    for (uint32_t k = 0; k < x.count; k++) {
        uint32_t m = 0;
        while (m < y.count &&
               !(vec_key_equal(a->child[0], x.offset + k, b->child[0], y.offset + m) &&
                 vec_key_equal(a->child[1], x.offset + k, b->child[1], y.offset + m))) {
            m++;
        }
        if (m == y.count) return false;
    }
    return true;
}

bool vec_key_equal(const Vec *a, uint32_t i, const Vec *b, uint32_t j) {
    bool a_null = vec_is_null(a, i), b_null = vec_is_null(b, j);
    if (a_null || b_null) return a_null && b_null;
    switch (a->phys) {
        case PHYS_NONE: return true;
        case PHYS_STR: return str_eq(vec_str(a)[i], vec_str(b)[j]);
        case PHYS_LIST: {
            ListView x = vec_list(a)[i], y = vec_list(b)[j];
            if (a->type->kind != TYPE_ARRAY) return map_key_equal(a, x, b, y);
            if (x.count != y.count) return false;
            for (uint32_t k = 0; k < x.count; k++) {
                if (!vec_key_equal(a->child[0], x.offset + k, b->child[0], y.offset + k)) {
                    return false;
                }
            }
            return true;
        }
        case PHYS_ROW:
            for (uint32_t c = 0; c < a->type->child_count; c++) {
                if (!vec_key_equal(a->child[c], i, b->child[c], j)) return false;
            }
            return true;
        case PHYS_F64:
            if (isnan(vec_f64(a)[i])) return isnan(vec_f64(b)[j]);
            break;
        case PHYS_F32:
            if (isnan(vec_f32(a)[i])) return isnan(vec_f32(b)[j]);
            break;
        default: break;
    }
    uint32_t size = phys_size(a->phys);
    return memcmp((const char *)a->data + (size_t)i * size,
                  (const char *)b->data + (size_t)j * size, size) == 0;
}

static const uint64_t HASH_NULL = 0x6e756c6c;

uint64_t vec_hash_value(const Vec *vec, uint32_t row) {
    if (vec_is_null(vec, row)) return HASH_NULL;
    switch (vec->phys) {
        case PHYS_NONE: return HASH_NULL;
        case PHYS_U8:
        case PHYS_I8:
        case PHYS_I16:
        case PHYS_I32:
        case PHYS_I64: return hash_u64((uint64_t)vec_integer(vec, row));
        case PHYS_F32: {
            float value = vec_f32(vec)[row];
            uint32_t bits = 0x7fc00000;
            if (!isnan(value)) memcpy(&bits, &value, sizeof bits);
            return hash_u64(bits);
        }
        case PHYS_F64: {
            double value = vec_f64(vec)[row];
            uint64_t bits = 0x7ff8000000000000u;
            if (!isnan(value)) memcpy(&bits, &value, sizeof bits);
            return hash_u64(bits);
        }
        case PHYS_I128: {
            u128 value = (u128)vec_i128(vec)[row];
            return hash_mix((uint64_t)value, (uint64_t)(value >> 64));
        }
        case PHYS_TS: {
            Timestamp value = vec_ts(vec)[row];
            return hash_mix((uint64_t)value.ms, (uint64_t)value.ns);
        }
        case PHYS_STR: {
            Str text = vec_str(vec)[row];
            return hash_bytes(text.ptr, text.len, 0);
        }
        case PHYS_LIST: {
            ListView view = vec_list(vec)[row];
            uint64_t hash = view.count;
            for (uint32_t i = 0; i < view.count; i++) {
                uint64_t entry = vec_hash_value(vec->child[0], view.offset + i);
                if (vec->type->kind == TYPE_ARRAY) {
                    hash = hash_mix(hash, entry);
                } else {  // order must not matter
                    hash += hash_mix(entry, vec_hash_value(vec->child[1], view.offset + i));
                }
            }
            return hash_u64(hash);
        }
        case PHYS_ROW: {
            uint64_t hash = 0;
            for (uint32_t c = 0; c < vec->type->child_count; c++) {
                hash = hash_mix(hash, vec_hash_value(vec->child[c], row));
            }
            return hash;
        }
    }
    return 0;
}

void vec_hash_into(const Vec *vec, uint64_t *hashes) {
    if (vec->phys == PHYS_I64 && !vec->valid) {
        const int64_t *value = vec_i64(vec);
        for (uint32_t row = 0; row < vec->len; row++) {
            hashes[row] = hash_mix(hashes[row], hash_u64((uint64_t)value[row]));
        }
        return;
    }
    for (uint32_t row = 0; row < vec->len; row++) {
        hashes[row] = hash_mix(hashes[row], vec_hash_value(vec, row));
    }
}
