#include "ml/graph/stored.h"

#include <string.h>

static const struct {
    TensorType tensor;
    uint8_t size;
    uint8_t bits;  // 0: the tensor's values are as wide
    bool no_sign;
} TYPES[] = {
    [STORED_F16] = {TENSOR_F32, 2, 0, false},
    [STORED_BF16] = {TENSOR_F32, 2, 0, false},
    [STORED_F32] = {TENSOR_F32, 4, 0, false},
    [STORED_F64] = {TENSOR_F64, 8, 0, false},
    [STORED_I8] = {TENSOR_I32, 1, 8, false},
    [STORED_U8] = {TENSOR_I32, 1, 8, true},
    [STORED_I16] = {TENSOR_I32, 2, 16, false},
    [STORED_U16] = {TENSOR_I32, 2, 16, true},
    [STORED_I32] = {TENSOR_I32, 4, 0, false},
    [STORED_U32] = {TENSOR_I64, 4, 32, true},
    [STORED_I64] = {TENSOR_I64, 8, 0, false},
    [STORED_U64] = {TENSOR_I64, 8, 0, false},
    [STORED_BOOL] = {TENSOR_BOOL, 1, 0, false},
    [STORED_STR] = {TENSOR_STR, 0, 0, false},
    [STORED_LIST] = {TENSOR_LIST, 0, 0, false},
};

TensorType stored_tensor(StoredType type) {
    return TYPES[type].tensor;
}

uint32_t stored_size(StoredType type) {
    return TYPES[type].size;
}

int32_t stored_bits(StoredType type) {
    return TYPES[type].bits;
}

bool stored_unsigned(StoredType type) {
    return TYPES[type].no_sign;
}

static float half(uint32_t bits) {
    uint32_t sign = bits >> 15 & 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value = exponent == 0    ? (float)fraction * 0x1p-24f
                  : exponent == 31 ? (fraction ? __builtin_nanf("") : __builtin_inff())
                                   : (float)(fraction | 1024) * 0x1p-25f;
    for (uint32_t i = 0; exponent > 0 && exponent < 31 && i < exponent; i++) value *= 2;
    return sign ? -value : value;
}

void stored_put(const Tensor *t, int64_t i, StoredType type, uint64_t bits) {
    uint32_t word = (uint32_t)bits;
    switch (type) {
        case STORED_F16: tensor_f32(t)[i] = half(word & 0xFFFF); break;
        case STORED_BF16: word <<= 16; memcpy(tensor_f32(t) + i, &word, sizeof word); break;
        case STORED_F32: memcpy(tensor_f32(t) + i, &word, sizeof word); break;
        case STORED_F64: memcpy(tensor_f64(t) + i, &bits, sizeof bits); break;
        case STORED_I8: tensor_i32(t)[i] = (int8_t)bits; break;
        case STORED_U8: tensor_i32(t)[i] = (uint8_t)bits; break;
        case STORED_I16: tensor_i32(t)[i] = (int16_t)bits; break;
        case STORED_U16: tensor_i32(t)[i] = (uint16_t)bits; break;
        case STORED_I32: tensor_i32(t)[i] = (int32_t)bits; break;
        case STORED_U32: tensor_i64(t)[i] = word; break;
        case STORED_I64:
        case STORED_U64: tensor_i64(t)[i] = (int64_t)bits; break;
        case STORED_BOOL: tensor_bool(t)[i] = bits != 0 ? 1 : 0; break;
        case STORED_NONE:
        case STORED_STR:
        case STORED_LIST: break;
    }
}

void stored_fill(const Tensor *t, StoredType type, const void *raw) {
    uint32_t size = stored_size(type);
    if (!t->count || !size) return;
    if (size == tensor_size(t->type) && type != STORED_BOOL) {  // they lie there as here
        memcpy(t->data, raw, (size_t)t->count * size);
        return;
    }
    for (int64_t i = 0; i < t->count; i++) {
        uint64_t bits = 0;
        memcpy(&bits, (const char *)raw + (size_t)i * size, size);
        stored_put(t, i, type, bits);
    }
}
