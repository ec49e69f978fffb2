// ml/graph/stored.h - how values lie in a model's file: in more types than tensors have, little
// endian, each held by a tensor of a type wide enough.
#pragma once

#include "ml/graph/tensor.h"

typedef enum StoredType {
    STORED_NONE,  // not known here
    STORED_F16,
    STORED_BF16,
    STORED_F32,
    STORED_F64,
    STORED_I8,
    STORED_U8,
    STORED_I16,
    STORED_U16,
    STORED_I32,
    STORED_U32,
    STORED_I64,
    STORED_U64,
    STORED_BOOL,
    STORED_STR,   // not in raw bytes
    STORED_LIST,
} StoredType;

TensorType stored_tensor(StoredType type);  // that holds it
uint32_t stored_size(StoredType type);      // of a value, in bytes; 0: it has no raw bytes
// Of a smaller integer that is held in a larger one: its bits; 0: any other type.
int32_t stored_bits(StoredType type);
bool stored_unsigned(StoredType type);      // of those: it has no sign

// Sets value [i] of a tensor of stored_tensor(type) from the bits of a stored value; what stands
// above them is ignored.
void stored_put(const Tensor *t, int64_t i, StoredType type, uint64_t bits);
// Sets all of them; [raw] has stored_size(type) bytes for each.
void stored_fill(const Tensor *t, StoredType type, const void *raw);
