#include "exec/emitted.h"

void emitted_init(Emitted *self, const Type *row, uint32_t before, uint32_t own) {
    *self = (Emitted){.row = row, .before = before, .own = own};
    self->from = NEW_ARRAY(uint32_t, BATCH_ROWS_MAX);
    self->kinds = NEW_ARRAY(uint8_t, BATCH_ROWS_MAX);
}

void emitted_clear(Emitted *self) {
    self->batch = batch_unref(self->batch);
    mem_free(self->from);
    mem_free(self->kinds);
    *self = (Emitted){0};
}

void emitted_begin(Emitted *self, UdfCall *call) {
    enum { CAP_FIRST = 64 };
    if (!self->batch) {
        self->batch = batch_new(self->row);
        self->cap = CAP_FIRST;
        for (uint32_t i = self->before; i < self->before + self->own; i++) {
            self->batch->column[i] = vec_new(&self->batch->arena, self->row->child[i], 0);
            vec_reserve(self->batch->column[i], self->cap);
        }
    }
    udf_call_results(call, self->batch->column + self->before, self->own);
}

uint32_t emitted_row(Emitted *self, UdfCall *call, uint32_t from, uint8_t kind) {
    ASSERT(self->count < BATCH_ROWS_MAX);
    Vec **own = self->batch->column + self->before;
    bool moved = self->count == self->cap;
    if (moved) self->cap *= 2;
    for (uint32_t i = 0; i < self->own; i++) {
        if (moved) vec_reserve(own[i], self->cap);
        vec_resize(own[i], self->count + 1);
    }
    if (moved || self->count == 0) udf_results_moved(call);
    self->from[self->count] = from;
    self->kinds[self->count] = kind;
    self->changes |= kind != ROW_INSERT;
    return self->count++;
}

void emitted_pad(Emitted *self, UdfCall *call, uint32_t from, uint8_t kind) {
    uint32_t row = emitted_row(self, call, from, kind);
    for (uint32_t i = 0; i < self->own; i++) {
        vec_set_null(self->batch->column[self->before + i], row);
    }
}

Batch *emitted_take(Emitted *self, Vec *const *before, const Vec *time) {
    Batch *out = self->batch;
    if (!self->count) return NULL;
    self->batch = NULL;
    for (uint32_t i = 0; i < self->before; i++) {
        out->column[i] = vec_gather(&out->arena, before[i], self->from, self->count);
    }
    uint32_t last = self->before + self->own;
    if (last < self->row->child_count) {
        out->column[last] = vec_gather(&out->arena, time, self->from, self->count);
    }
    out->rows = self->count;
    if (self->changes) memcpy(batch_need_kinds(out), self->kinds, self->count);
    self->count = 0;
    self->changes = false;
    return batch_seal(out);
}
