#include "col/batch.h"

#include <stdatomic.h>

Batch *batch_new(const Type *schema) {
    ASSERT(schema->kind == TYPE_ROW);
    Batch *batch = NEW(Batch);
    batch->schema = schema;
    arena_init(&batch->arena);
    batch->column = ARENA_ARRAY(&batch->arena, Vec *, schema->child_count);
    atomic_init(&batch->refs, 1);
    return batch;
}

Batch *batch_new_columns(const Type *schema, uint32_t rows) {
    Batch *batch = batch_new(schema);
    for (uint32_t i = 0; i < schema->child_count; i++) {
        batch->column[i] = vec_new(&batch->arena, schema->child[i], rows);
    }
    batch->rows = rows;
    return batch;
}

void batch_set_rows(Batch *batch, uint32_t rows) {
    batch->rows = rows;
    for (uint32_t i = 0; i < batch->schema->child_count; i++) {
        vec_set_len(batch->column[i], rows);
    }
}

uint8_t *batch_need_kinds(Batch *batch) {
    if (!batch->kinds || batch->kinds_cap < batch->rows) {
        uint32_t cap = batch->rows > BATCH_ROWS_MAX ? batch->rows * 2 : BATCH_ROWS_MAX;
        uint8_t *kinds = arena_zalloc(&batch->arena, cap);  // ROW_INSERT is 0
        if (batch->kinds) memcpy(kinds, batch->kinds, batch->kinds_cap);
        batch->kinds = kinds;
        batch->kinds_cap = cap;
    }
    return batch->kinds;
}

void batch_keep(Batch *batch, Batch *other) {
    if (batch == other) return;
    for (uint32_t i = 0; i < batch->kept_count; i++) {
        if (batch->kept[i] == other) return;
    }
    if (batch->kept_count == batch->kept_cap) {
        uint32_t cap = batch->kept_cap ? batch->kept_cap * 2 : 4;
        Batch **kept = ARENA_ARRAY(&batch->arena, Batch *, cap);
        if (batch->kept_count) memcpy(kept, batch->kept, batch->kept_count * sizeof *kept);
        batch->kept = kept;
        batch->kept_cap = cap;
    }
    batch->kept[batch->kept_count++] = batch_ref(other);
}

void batch_keep_bytes(Batch *batch, Bytes *bytes) {
    // Readers hand out batches block by block: the same block comes again and again, last.
    uint32_t count = batch->kept_bytes_count;
    if (count && batch->kept_bytes[count - 1] == bytes) return;
    if (count == batch->kept_bytes_cap) {
        uint32_t cap = count ? count * 2 : 4;
        Bytes **kept = ARENA_ARRAY(&batch->arena, Bytes *, cap);
        if (count) memcpy(kept, batch->kept_bytes, count * sizeof *kept);
        batch->kept_bytes = kept;
        batch->kept_bytes_cap = cap;
    }
    batch->kept_bytes[batch->kept_bytes_count++] = bytes_ref(bytes);
}

Batch *batch_seal(Batch *batch) {
    if (batch->kinds) {
        uint32_t row = 0;
        while (row < batch->rows && batch->kinds[row] == ROW_INSERT) row++;
        if (row == batch->rows) batch->kinds = NULL;
    }
    for (uint32_t i = 0; i < batch->schema->child_count; i++) {
        DASSERT(batch->column[i] && batch->column[i]->len == batch->rows);
    }
    return batch;
}

Batch *batch_ref(Batch *batch) {
    atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    return batch;
}

Batch *batch_unref(Batch *batch) {
    if (!batch) return NULL;
    if (atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1) return NULL;
    for (uint32_t i = 0; i < batch->kept_count; i++) batch_unref(batch->kept[i]);
    for (uint32_t i = 0; i < batch->kept_bytes_count; i++) bytes_unref(batch->kept_bytes[i]);
    arena_clear(&batch->arena);
    mem_free(batch);
    return NULL;
}

static bool has_lists(const Vec *vec) {
    if (vec->phys == PHYS_LIST) return true;
    for (uint32_t c = 0; c < vec->type->child_count; c++) {
        if (has_lists(vec->child[c])) return true;
    }
    return false;
}

static Batch *gather(Batch *src, const uint32_t *rows, uint32_t count, bool own) {
    Batch *batch = batch_new(src->schema);
    for (uint32_t i = 0; i < src->schema->child_count; i++) {
        const Vec *from = src->column[i];
        bool shares = !own || has_lists(from);
        batch->column[i] = shares ? vec_gather(&batch->arena, from, rows, count)
                                  : vec_gather_own(&batch->arena, from, rows, count);
        if (shares) batch_keep(batch, src);
    }
    batch->rows = count;
    if (src->kinds) {
        uint8_t *kinds = batch_need_kinds(batch);
        for (uint32_t i = 0; i < count; i++) kinds[i] = src->kinds[rows[i]];
    }
    return batch_seal(batch);
}

Batch *batch_gather(Batch *src, const uint32_t *rows, uint32_t count) {
    return gather(src, rows, count, false);
}

Batch *batch_gather_own(Batch *src, const uint32_t *rows, uint32_t count) {
    return gather(src, rows, count, true);
}

void picks_init(Picks *picks, Arena *arena, uint32_t most) {
    *picks = (Picks){.row = arena_alloc(arena, most * sizeof *picks->row),
                     .kind = arena_alloc(arena, most)};
}

Batch *picks_gather(const Picks *picks, Batch *src, const Type *schema) {
    Batch *batch = batch_new(schema);
    for (uint32_t i = 0; i < schema->child_count; i++) {
        batch->column[i] = vec_gather(&batch->arena, src->column[i], picks->row, picks->count);
    }
    batch->rows = picks->count;
    memcpy(batch_need_kinds(batch), picks->kind, picks->count);
    batch_keep(batch, src);
    return batch_seal(batch);
}

Batch *batch_slice(Batch *src, uint32_t from, uint32_t count) {
    Batch *batch = batch_new(src->schema);
    for (uint32_t i = 0; i < src->schema->child_count; i++) {
        batch->column[i] = vec_slice(&batch->arena, src->column[i], from, count);
    }
    batch->rows = count;
    if (src->kinds) memcpy(batch_need_kinds(batch), src->kinds + from, count);
    batch_keep(batch, src);
    return batch_seal(batch);
}

Batch *batch_copy(const Batch *src) {
    Batch *batch = batch_new_columns(src->schema, src->rows);
    for (uint32_t i = 0; i < src->schema->child_count; i++) {
        for (uint32_t row = 0; row < src->rows; row++) {
            vec_copy_value(batch->column[i], row, src->column[i], row);
        }
    }
    if (src->kinds) memcpy(batch_need_kinds(batch), src->kinds, src->rows);
    return batch_seal(batch);
}

void builder_init(Builder *builder, const Type *schema) {
    *builder = (Builder){.schema = schema};
}

enum { BUILDER_ROWS_FIRST = 16 };

uint32_t builder_row(Builder *builder, RowKind kind) {
    if (!builder->batch) {
        builder->batch = batch_new_columns(builder->schema, BUILDER_ROWS_FIRST);
        builder->batch->rows = 0;
        builder->cap = BUILDER_ROWS_FIRST;
    }
    Batch *batch = builder->batch;
    uint32_t row = batch->rows++;
    if (row == builder->cap) {
        builder->cap *= 2;
        for (uint32_t i = 0; i < builder->schema->child_count; i++)
            vec_set_len(batch->column[i], builder->cap);
    }
    if (kind != ROW_INSERT || batch->kinds) batch_need_kinds(batch)[row] = (uint8_t)kind;
    return row;
}

Batch *builder_take(Builder *builder) {
    Batch *batch = builder->batch;
    builder->batch = NULL;
    if (!batch) return NULL;
    batch_set_rows(batch, batch->rows);
    return batch_seal(batch);
}

void builder_clear(Builder *builder) {
    builder->batch = batch_unref(builder->batch);
}
