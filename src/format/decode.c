#include "format/decode.h"

// All NULL and zero, with everything below but the children of lists.
static Vec *sparse_column(Arena *arena, const Type *type, uint32_t cap) {
    Vec *vec = vec_new(arena, type, cap);
    if (type->kind == TYPE_ROW) {
        for (uint32_t i = 0; i < type->child_count; i++) {
            vec->child[i] = sparse_column(arena, type->child[i], cap);
        }
    }
    vec_need_valid(vec);
    memset(vec->valid, 0, BITS_WORDS(cap) * 8);
    return vec;
}

Vec *decoder_column(Arena *arena, const Type *type, uint32_t cap) {
    if (type->kind == TYPE_ROW) return sparse_column(arena, type, cap);
    Vec *vec = ARENA_NEW(arena, Vec);
    vec->type = type;
    vec->phys = type_phys(type);
    vec->arena = arena;
    vec->cap = cap;
    uint32_t size = phys_size(vec->phys);
    if (size) vec->data = arena_alloc_aligned(arena, (size_t)cap * size, 64);
    if (type->child_count) {
        vec->child = ARENA_ARRAY(arena, Vec *, type->child_count);
        for (uint32_t i = 0; i < type->child_count; i++) {
            vec->child[i] = vec_new(arena, type->child[i], 0);
        }
    }
    return vec;
}

// What the columns of a row of [type] take, so that the arena gets it in one piece.
static size_t row_bytes(const Type *type) {
    size_t bytes = phys_size(type_phys(type)) + 1;  // and a bit or so for NULL
    if (type->kind == TYPE_ROW) {
        for (uint32_t i = 0; i < type->child_count; i++) bytes += row_bytes(type->child[i]);
    }
    return bytes;
}

void decoder_open(Decoder *decoder) {
    if (decoder->batch) return;
    Batch *batch = batch_new(decoder->produced);
    size_t bytes = row_bytes(decoder->produced) * BATCH_ROWS_MAX;
    if (bytes > batch->arena.chunk_size) batch->arena.chunk_size = bytes;
    for (uint32_t i = 0; i < decoder->produced->child_count; i++) {
        batch->column[i] =
            decoder_column(&batch->arena, decoder->produced->child[i], BATCH_ROWS_MAX);
    }
    decoder->batch = batch;
}

static void sparse_grown(Vec *vec, uint32_t from) {
    for (uint32_t row = from; row < vec->cap; row++) bits_clear(vec->valid, row);
    if (vec->phys != PHYS_ROW) return;
    for (uint32_t i = 0; i < vec->type->child_count; i++) sparse_grown(vec->child[i], from);
}

void decoder_reserve(Decoder *decoder, uint32_t rows) {
    for (uint32_t i = 0; i < decoder->produced->child_count; i++) {
        Vec *vec = decoder->batch->column[i];
        uint32_t had = vec->cap;
        if (rows <= had) continue;
        vec_reserve(vec, rows);
        if (vec->phys == PHYS_ROW) sparse_grown(vec, had);
    }
}

void slot_null_slow(Vec *vec, uint32_t row) {
    if (!vec->valid) vec_need_valid(vec);
    bits_clear(vec->valid, row);
    switch (vec->phys) {
        case PHYS_NONE: break;
        case PHYS_U8:
        case PHYS_I8: ((uint8_t *)vec->data)[row] = 0; break;
        case PHYS_I16: ((int16_t *)vec->data)[row] = 0; break;
        case PHYS_I32:
        case PHYS_F32: ((int32_t *)vec->data)[row] = 0; break;
        case PHYS_I64:
        case PHYS_F64:
        case PHYS_LIST: ((int64_t *)vec->data)[row] = 0; break;
        case PHYS_STR: ((Str *)vec->data)[row] = (Str){NULL, 0}; break;
        case PHYS_I128:
        case PHYS_TS: ((i128 *)vec->data)[row] = 0; break;
        case PHYS_ROW:
            for (uint32_t i = 0; i < vec->type->child_count; i++) slot_null(vec->child[i], row);
            break;
    }
}

void slot_undo(Vec *vec, uint32_t row) {
    if (vec->phys == PHYS_ROW) {
        slot_null_slow(vec, row);
    } else if (vec->valid) {
        bits_set(vec->valid, row);
    }
}

void row_undo(Batch *batch, uint32_t row) {
    for (uint32_t i = 0; i < batch->schema->child_count; i++) slot_undo(batch->column[i], row);
}
