#include "exec/kept.h"

#include "exec/saved.h"

Status kept_add_bytes(Budget *budget, KeptList *list, Str bytes, int64_t time_ms, uint64_t order,
                      KeptRow **out, Error *err) {
    TRY(budget_charge(budget, (int64_t)(sizeof(KeptRow) + bytes.len), err));
    KeptRow *kept = mem_alloc(sizeof *kept + bytes.len);
    *kept = (KeptRow){.older = list->newest, .list = list, .time_ms = time_ms, .order = order,
                      .size = bytes.len};
    if (bytes.len) memcpy(kept->bytes, bytes.ptr, bytes.len);
    *(list->newest ? &list->newest->newer : &list->oldest) = kept;
    list->newest = kept;
    list->count++;
    *out = kept;
    return ST_OK;
}

Status kept_add(Budget *budget, KeptList *list, const Batch *batch, uint32_t row, int64_t time_ms,
                uint64_t order, KeptRow **out, Error *err) {
    Buf bytes = {0};
    for (uint32_t c = 0; c < batch->schema->child_count; c++) {
        codec_put(batch->column[c], row, &bytes);
    }
    KeptRow *kept;
    Status st = kept_add_bytes(budget, list, buf_str(&bytes), time_ms, order, &kept, err);
    if (!st) kept->kind = (uint8_t)batch_kind(batch, row);
    if (!st && out) *out = kept;
    buf_free(&bytes);
    return st;
}

void kept_remove(Budget *budget, KeptRow *row) {
    KeptList *list = row->list;
    ASSERT(!row->heap_at);
    *(row->older ? &row->older->newer : &list->oldest) = row->newer;
    *(row->newer ? &row->newer->older : &list->newest) = row->older;
    list->count--;
    budget_release(budget, (int64_t)(sizeof *row + row->size));
    mem_free(row);
}

void kept_clear(Budget *budget, KeptList *list) {
    while (list->oldest) {
        list->oldest->heap_at = 0;
        kept_remove(budget, list->oldest);
    }
}

void kept_load(const KeptRow *row, Vec *const *column, uint32_t count, uint32_t at) {
    const char *bytes = row->bytes;
    for (uint32_t c = 0; c < count; c++) bytes = codec_get(bytes, column[c], at);
}

void kept_emit(const KeptRow *row, Vec *const *column, uint32_t count, uint32_t at) {
    if (row) {
        kept_load(row, column, count, at);
        return;
    }
    for (uint32_t c = 0; c < count; c++) vec_set_null(column[c], at);
}

bool kept_same(const KeptRow *a, const Batch *batch, uint32_t row, Buf *scratch) {
    scratch->len = 0;
    for (uint32_t c = 0; c < batch->schema->child_count; c++) {
        codec_put(batch->column[c], row, scratch);
    }
    return scratch->len == a->size && memcmp(scratch->ptr, a->bytes, a->size) == 0;
}

static bool before(const KeptRow *a, const KeptRow *b) {
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->order < b->order;
}

static void heap_put(KeptHeap *heap, uint32_t at, KeptRow *row) {
    heap->row[at] = row;
    row->heap_at = at + 1;
}

static void heap_up(KeptHeap *heap, uint32_t at) {
    KeptRow *row = heap->row[at];
    for (; at && before(row, heap->row[(at - 1) / 2]); at = (at - 1) / 2) {
        heap_put(heap, at, heap->row[(at - 1) / 2]);
    }
    heap_put(heap, at, row);
}

static void heap_down(KeptHeap *heap, uint32_t at) {
    KeptRow *row = heap->row[at];
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= heap->count) break;
        if (child + 1 < heap->count && before(heap->row[child + 1], heap->row[child])) child++;
        if (!before(heap->row[child], row)) break;
        heap_put(heap, at, heap->row[child]);
        at = child;
    }
    heap_put(heap, at, row);
}

void heap_push(KeptHeap *heap, KeptRow *row) {
    if (heap->count == heap->cap) {
        heap->cap = heap->cap ? heap->cap * 2 : 64;
        heap->row = mem_realloc(heap->row, heap->cap * sizeof *heap->row);
    }
    heap->row[heap->count++] = row;
    heap_up(heap, heap->count - 1);
}

KeptRow *heap_first(const KeptHeap *heap) {
    return heap->count ? heap->row[0] : NULL;
}

void heap_remove(KeptHeap *heap, KeptRow *row) {
    uint32_t at = row->heap_at - 1;
    row->heap_at = 0;
    KeptRow *last = heap->row[--heap->count];
    if (last == row) return;
    heap_put(heap, at, last);
    heap_down(heap, at);
    heap_up(heap, last->heap_at - 1);
}

void heap_free(KeptHeap *heap) {
    mem_free(heap->row);
    *heap = (KeptHeap){0};
}

const Type *kept_key_type(Arena *arena, const Type *row, const uint32_t *key, uint32_t count) {
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = row->child[key[i]];
        name[i] = row->field[key[i]];
    }
    return type_row(arena, count, child, name, false);
}

const Type *kept_both_type(Arena *arena, const Type *left, const Type *right) {
    const Type *side[2] = {left, right};
    uint32_t count = left->child_count + right->child_count, n = 0;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t s = 0; s < 2; s++) {
        for (uint32_t c = 0; c < side[s]->child_count; c++) {
            child[n] = type_nullable(arena, side[s]->child[c], true);
            name[n++] = side[s]->field[c];
        }
    }
    return type_row(arena, count, child, name, false);
}

Status kept_time(const Batch *batch, uint32_t column, uint32_t row, int64_t *ms, Error *err) {
    const Vec *time = batch->column[column];
    if (vec_is_null(time, row)) {
        return error_set(err, ST_RUNTIME, "the time attribute '" STR_FMT "' of a row is NULL",
                         STR_ARG(batch->schema->field[column]));
    }
    *ms = vec_timestamp(time, row).ms;
    return ST_OK;
}

static void kept_table_clear(void *arg, uint8_t *row) {
    KeptTable *self = arg;
    kept_clear(self->base.budget, (KeptList *)(void *)row);
}

static void kept_table_save(void *arg, const uint8_t *row, Buf *out) {
    kept_list_save((const KeptList *)(const void *)row, out);
}

static const char *kept_table_load(void *arg, uint8_t *row, const char *at, Error *err) {
    KeptTable *self = arg;
    return kept_list_load(self->base.budget, (KeptList *)(void *)row, self->base.plan->type,
                          at, err);
}

const Type *kept_list_type(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "rows", kept_rows_type(arena, row));
    return field_row(&list);
}

Status kept_table_open(Operator *op, Error *err) {
    (void)err;
    KeptTable *self = (KeptTable *)op;
    const Plan *plan = op->plan;
    StateTableDef def = {
        .name = "rows",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(op->env->arena, plan->type, plan->key, plan->key_count),
        .value = kept_list_type(op->env->arena, plan->type),
        .version = 1,
        .row_size = sizeof(KeptList),
        .ttl_ms = plan->ttl_ms,
        .clear = kept_table_clear,
        .save = kept_table_save,
        .load = kept_table_load,
        .may_leave = true,
        .rows_fixed = plan->kind == PLAN_MATERIALIZE,
        .clear_arg = self,
    };
    self->rows = state_table_open(op->env->state, &def);
    builder_init(&self->out, plan->type);
    return ST_OK;
}

void kept_table_close(Operator *op) {
    KeptTable *self = (KeptTable *)op;
    builder_clear(&self->out);
    buf_free(&self->bytes);
    arena_clear(&self->scratch);
}

Status kept_table_find(KeptTable *self, const Batch *in, KeptList ***lists, Error *err) {
    const Plan *plan = self->base.plan;
    arena_reset(&self->scratch);
    int64_t now = self->base.env->now_ms(self->base.env->now_arg);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(self->rows, key, in->rows, NULL, true, now, found, NULL, err));
    for (uint32_t row = 0; row < in->rows; row++) state_touch(self->rows, found[row], now);
    *lists = (KeptList **)(void *)found;
    return ST_OK;
}

void kept_table_drop_empty(KeptTable *self, KeptList **lists, uint32_t count) {
    for (uint32_t row = 0; row < count; row++) {
        KeptList *gone = lists[row];
        if (!gone || gone->count) continue;
        for (uint32_t later = row; later < count; later++) {
            if (lists[later] == gone) lists[later] = NULL;
        }
        state_remove(self->rows, (uint8_t *)gone);
    }
}

Status kept_table_emit(KeptTable *self, RowKind kind, const KeptRow *row, Error *err) {
    uint32_t at = builder_row(&self->out, kind);
    kept_load(row, self->out.batch->column, self->base.plan->type->child_count, at);
    return output_builder(&self->base, &self->out, false, err);
}
