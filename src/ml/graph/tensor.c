#include "ml/graph/tensor.h"

#include "base/assert.h"

_Static_assert(sizeof(TensorBlock) <= 64, "values stand one cache line behind the block");

uint32_t tensor_size(TensorType type) {
    switch (type) {
        case TENSOR_F32:
        case TENSOR_I32: return 4;
        case TENSOR_F64:
        case TENSOR_I64: return 8;
        case TENSOR_BOOL: return 1;
        case TENSOR_STR: return sizeof(Str);
        case TENSOR_LIST: return sizeof(Tensor);
        case TENSOR_NONE: break;
    }
    return 0;
}

const char *tensor_type_name(TensorType type) {
    static const char *const NAMES[] = {"nothing", "float",   "double", "int32",
                                        "int64",   "boolean", "string", "list"};
    return NAMES[type];
}

Status tensor_count(uint32_t rank, const int64_t *dim, int64_t *out, Error *err) {
    int64_t count = 1;
    bool none = false;  // an empty box of huge sides is still empty
    for (uint32_t i = 0; i < rank; i++) {
        if (dim[i] < 0) {
            return error_set(err, ST_RUNTIME, "a dimension of %lld", (long long)dim[i]);
        }
        if (dim[i] > TENSOR_COUNT_MAX || (dim[i] && count > TENSOR_COUNT_MAX / dim[i])) {
            return error_set(err, ST_RUNTIME, "a tensor of more than %lld values",
                             (long long)TENSOR_COUNT_MAX);
        }
        if (dim[i]) count *= dim[i];
        none = none || !dim[i];
    }
    *out = none ? 0 : count;
    return ST_OK;
}

bool tensor_same_shape(const Tensor *a, const Tensor *b) {
    return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof a->dim[0]) == 0;
}

const char *tensor_shape_text(const Tensor *t, char out[128]) {
    Buf text = {0};
    buf_putc(&text, '[');
    for (uint32_t i = 0; i < t->rank; i++) {
        buf_printf(&text, i ? ",%lld" : "%lld", (long long)t->dim[i]);
    }
    buf_putc(&text, ']');
    size_t size = text.len < 127 ? text.len : 127;
    memcpy(out, text.ptr, size);
    out[size] = 0;
    buf_free(&text);
    return out;
}

int64_t tensor_span(const Tensor *t, uint32_t from, uint32_t to) {
    int64_t count = 1;
    for (uint32_t i = from; i < to; i++) count *= t->dim[i];
    return count;
}

double tensor_number(const Tensor *t, int64_t i) {
    switch (t->type) {
        case TENSOR_F32: return (double)tensor_f32(t)[i];
        case TENSOR_F64: return tensor_f64(t)[i];
        case TENSOR_I32: return tensor_i32(t)[i];
        case TENSOR_I64: return (double)tensor_i64(t)[i];
        case TENSOR_BOOL: return tensor_bool(t)[i];
        default: return 0;
    }
}

// Out of range, a cast of C has no meaning: what x86 gives is not what others give.
static int64_t cut(double value) {
    if (!(value > -9.2e18)) return value != value ? 0 : INT64_MIN;
    return value < 9.2e18 ? (int64_t)value : INT64_MAX;
}

int64_t tensor_integer(const Tensor *t, int64_t i) {
    switch (t->type) {
        case TENSOR_I32: return tensor_i32(t)[i];
        case TENSOR_I64: return tensor_i64(t)[i];
        case TENSOR_BOOL: return tensor_bool(t)[i];
        default: return cut(tensor_number(t, i));
    }
}

void tensor_put_number(const Tensor *t, int64_t i, double value) {
    switch (t->type) {
        case TENSOR_F32: tensor_f32(t)[i] = (float)value; break;
        case TENSOR_F64: tensor_f64(t)[i] = value; break;
        case TENSOR_I32: tensor_i32(t)[i] = (int32_t)cut(value); break;
        case TENSOR_I64: tensor_i64(t)[i] = cut(value); break;
        case TENSOR_BOOL: tensor_bool(t)[i] = value != 0; break;
        default: UNREACHABLE();
    }
}

// The class of a size: 64 bytes, 96, 128, 192 and so on.
static uint32_t size_class(size_t size, size_t *rounded) {
    size_t at = 64;
    for (uint32_t i = 0;; i += 2, at *= 2) {
        if (size <= at) return *rounded = at, i;
        if (size <= at + at / 2) return *rounded = at + at / 2, i + 1;
    }
}

void pool_clear(TensorPool *pool) {
    for (uint32_t i = 0; i < POOL_CLASSES; i++) {
        while (pool->free[i]) {
            TensorBlock *block = pool->free[i];
            pool->free[i] = block->next;
            pool->bytes -= block->size;
            pool->idle -= block->size;
            mem_free(block);
        }
    }
}

Status pool_take(TensorPool *pool, size_t size, TensorBlock **out, Error *err) {
    size_t rounded;
    uint32_t class = size_class(size, &rounded);
    TensorBlock *block = pool->free[class];
    if (block) {
        pool->free[class] = block->next;
        pool->idle -= rounded;
    } else {
        if (pool->bytes + rounded > pool->bytes_max) pool_clear(pool);
        if (rounded > pool->bytes_max || pool->bytes > pool->bytes_max - rounded) {
            return error_set(err, ST_RUNTIME, "the model needs more than %zu MiB at a time",
                             pool->bytes_max >> 20);
        }
        block = mem_alloc(64 + rounded);
        block->size = rounded;
        pool->bytes += rounded;
    }
    block->holders = 1;
    block->tensors = 0;
    *out = block;
    return ST_OK;
}

void pool_give(TensorPool *pool, TensorBlock *block) {
    size_t rounded;
    uint32_t class = size_class(block->size, &rounded);
    block->next = pool->free[class];
    pool->free[class] = block;
    pool->idle += rounded;
}

Status tensor_new(TensorPool *pool, TensorType type, uint32_t rank, const int64_t *dim,
                  Tensor *out, Error *err) {
    if (rank > TENSOR_RANK_MAX) {
        return error_set(err, ST_RUNTIME, "a tensor of %u dimensions; at most %d are known", rank,
                         TENSOR_RANK_MAX);
    }
    Tensor t = {.type = type, .rank = rank};
    TRY(tensor_count(rank, dim, &t.count, err));
    if (rank) memcpy(t.dim, dim, rank * sizeof t.dim[0]);
    TRY(pool_take(pool, (size_t)t.count * tensor_size(type), &t.block, err));
    t.data = block_data(t.block);
    if (type == TENSOR_LIST) {
        memset(t.data, 0, (size_t)t.count * sizeof(Tensor));
        t.block->tensors = (uint32_t)t.count;
    }
    *out = t;
    return ST_OK;
}

Tensor tensor_hold(const Tensor *t) {
    if (t->block) t->block->holders++;
    return *t;
}

// Lists hold no lists (the kernels see to it), so this calls itself once at most.
void tensor_drop(TensorPool *pool, Tensor *t) {
    TensorBlock *block = t->block;
    if (block && --block->holders == 0) {
        Tensor *item = block_data(block);
        for (uint32_t i = 0; i < block->tensors; i++) tensor_drop(pool, &item[i]);
        pool_give(pool, block);
    }
    *t = (Tensor){0};
}
