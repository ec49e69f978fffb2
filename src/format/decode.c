#include "format/decode.h"

Vec *vec_new_raw(Arena *arena, const Type *type, uint32_t cap) {
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
            vec->child[i] = type->kind == TYPE_ROW ? vec_new_raw(arena, type->child[i], cap)
                                                   : vec_new(arena, type->child[i], 0);
        }
    }
    return vec;
}

void decoder_open(Decoder *decoder) {
    if (decoder->batch) return;
    Batch *batch = batch_new(decoder->produced);
    for (uint32_t i = 0; i < decoder->produced->child_count; i++) {
        batch->column[i] = vec_new_raw(&batch->arena, decoder->produced->child[i], BATCH_ROWS_MAX);
    }
    decoder->batch = batch;
}

void decoder_reserve(Decoder *decoder, uint32_t rows) {
    for (uint32_t i = 0; i < decoder->produced->child_count; i++) {
        vec_reserve(decoder->batch->column[i], rows);
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
    if (vec->valid) bits_set(vec->valid, row);
    if (vec->phys != PHYS_ROW) return;
    for (uint32_t i = 0; i < vec->type->child_count; i++) slot_undo(vec->child[i], row);
}

void row_undo(Batch *batch, uint32_t row) {
    for (uint32_t i = 0; i < batch->schema->child_count; i++) slot_undo(batch->column[i], row);
}
