// ml/graph/tensor.h - tensors: values of one type in a box of up to eight dimensions, row-major.
//
// A tensor is a small struct, copied freely; its values lie in a block that counts its holders, or
// in a constant of the graph, which outlives every run and counts nobody (block NULL). Blocks come
// from a pool, one a run, which keeps the freed ones for the next node: after the first batch a
// graph runs without asking the system for memory.
// Threads: a pool and its blocks belong to one thread at a time.
#pragma once

#include "base/text.h"

// Other types of files are held in one of these: small integers in TENSOR_I32, unsigned 32 and 64
// bits in TENSOR_I64, half floats in TENSOR_F32.
typedef enum TensorType {
    TENSOR_NONE,
    TENSOR_F32,
    TENSOR_F64,
    TENSOR_I32,
    TENSOR_I64,
    TENSOR_BOOL,  // bytes, 0 or 1
    TENSOR_STR,   // Str, bytes borrowed from the graph or the arena of the run
    TENSOR_LIST,  // Tensor: a TensorList, a TensorArray, a sequence
} TensorType;

enum { TENSOR_RANK_MAX = 8 };
// Beyond it no shape is believed: counts and products of them stay far from overflow.
#define TENSOR_COUNT_MAX ((int64_t)1 << 31)

typedef struct TensorBlock {
    struct TensorBlock *next;  // in the pool's free list
    size_t size;               // of the values, in bytes, as the pool counts them
    uint32_t holders;
    uint32_t tensors;  // of a list: how many stand in it and are let go with it
} TensorBlock;

typedef struct Tensor {
    TensorType type;
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX];
    int64_t count;  // the product of the dimensions
    void *data;
    TensorBlock *block;  // NULL: the values are a constant's
    // Of smaller integers, when that is known: their bits (of constants, and behind a cast); else
    // 0.
    uint8_t bits;
    bool no_sign;
} Tensor;

// Blocks of a power of two or one and a half times that.
enum { POOL_CLASSES = 128 };
typedef struct TensorPool {
    TensorBlock *free[POOL_CLASSES];
    size_t bytes, bytes_max;  // held from the system, in use or free
    size_t idle;              // of these the free ones
} TensorPool;

static inline float *tensor_f32(const Tensor *t) {
    return (float *)t->data;
}
static inline double *tensor_f64(const Tensor *t) {
    return (double *)t->data;
}
static inline int32_t *tensor_i32(const Tensor *t) {
    return (int32_t *)t->data;
}
static inline int64_t *tensor_i64(const Tensor *t) {
    return (int64_t *)t->data;
}
static inline uint8_t *tensor_bool(const Tensor *t) {
    return (uint8_t *)t->data;
}
static inline Str *tensor_str(const Tensor *t) {
    return (Str *)t->data;
}
static inline Tensor *tensor_list(const Tensor *t) {
    return (Tensor *)t->data;
}

uint32_t tensor_size(TensorType type);  // of a value, in bytes
const char *tensor_type_name(TensorType type);
static inline bool tensor_is_float(TensorType type) {
    return type == TENSOR_F32 || type == TENSOR_F64;
}
static inline bool tensor_is_int(TensorType type) {
    return type == TENSOR_I32 || type == TENSOR_I64;
}

// The product of the dimensions; ST_RUNTIME when one is negative or the product too large.
NODISCARD Status tensor_count(uint32_t rank, const int64_t *dim, int64_t *out, Error *err);
bool tensor_same_shape(const Tensor *a, const Tensor *b);
// "[2,3]", for messages.
const char *tensor_shape_text(const Tensor *t, char out[128]);
// The product of the dimensions from [from] up to [to].
int64_t tensor_span(const Tensor *t, uint32_t from, uint32_t to);

// Value [i] of a number or boolean, whatever its type.
double tensor_number(const Tensor *t, int64_t i);
int64_t tensor_integer(const Tensor *t, int64_t i);  // floats are cut, and kept in range
void tensor_put_number(const Tensor *t, int64_t i, double value);

// A new tensor, its values not set (those of a list: empty). ST_RUNTIME at the pool's limit.
NODISCARD Status tensor_new(TensorPool *pool, TensorType type, uint32_t rank, const int64_t *dim,
                            Tensor *out, Error *err);
Tensor tensor_hold(const Tensor *t);                // one more holder
void tensor_drop(TensorPool *pool, Tensor *t);      // one less; the tensor is empty after it
void pool_clear(TensorPool *pool);                  // all free blocks go back to the system
NODISCARD Status pool_take(TensorPool *pool, size_t size, TensorBlock **out, Error *err);
void pool_give(TensorPool *pool, TensorBlock *block);
static inline void *block_data(TensorBlock *block) {
    return (char *)block + 64;
}
