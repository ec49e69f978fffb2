// exec/materialize.c - between a changing query and a sink with a primary key, when the query's
// rows are told apart by other columns than the key: several rows may stand for one key at a time,
// the last one is the sink's. When it is taken back, the one before it stands again. After Flink's
// SinkUpsertMaterializer (ON CONFLICT DO DEDUPLICATE).
// State: key -> the rows that stand, in the order they came.
#include "exec/kept.h"

typedef struct Materialize {
    Operator base;
    StateTable *rows;
    Builder out;
    Arena scratch;
    Buf bytes;
} Materialize;

static void row_clear(void *arg, uint8_t *row) {
    Materialize *self = arg;
    kept_clear(self->base.env->budget, (KeptList *)(void *)row);
}

static Status materialize_open(Operator *op, Error *err) {
    (void)err;
    Materialize *self = (Materialize *)op;
    const Plan *plan = op->plan;
    StateTableDef def = {
        .name = "rows",
        .operator_id = plan->stable_id,
        .key = kept_key_type(op->env->arena, plan->type, plan->key, plan->key_count),
        .value = plan->type,
        .version = 1,
        .row_size = sizeof(KeptList),
        .ttl_ms = plan->ttl_ms,
        .clear = row_clear,
        .clear_arg = self,
    };
    self->rows = state_table_open(op->env->state, &def);
    builder_init(&self->out, plan->type);
    return ST_OK;
}

static Status emit(Materialize *self, RowKind kind, const KeptRow *row, Error *err) {
    uint32_t at = builder_row(&self->out, kind);
    kept_load(row, self->out.batch->column, self->base.plan->type->child_count, at);
    return output_builder(&self->base, &self->out, false, err);
}

static Status take_back(Materialize *self, const Batch *in, uint32_t row, KeptList *list,
                        Error *err) {
    KeptRow *gone = list->newest;
    while (gone && !kept_same(gone, in, row, &self->bytes)) gone = gone->older;
    if (!gone) return ST_OK;  // expired, or never seen
    bool last = gone == list->newest;
    Status st = last && list->count == 1 ? emit(self, ROW_DELETE, gone, err) : ST_OK;
    if (!st && last && gone->older) st = emit(self, ROW_UPDATE_AFTER, gone->older, err);
    kept_remove(self->base.env->budget, gone);
    return st;
}

static Status materialize_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Materialize *self = (Materialize *)op;
    const Plan *plan = op->plan;
    Budget *budget = op->env->budget;
    arena_reset(&self->scratch);
    int64_t now = op->env->now_ms(op->env->now_arg);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(self->rows, key, in->rows, NULL, true, now, found, NULL, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        KeptList *list = (KeptList *)(void *)found[row];
        if (row_kind_is_add(batch_kind(in, row))) {
            KeptRow *kept = NULL;
            TRY(kept_add(budget, list, in, row, 0, 0, &kept, err));
            TRY(emit(self, list->count == 1 ? ROW_INSERT : ROW_UPDATE_AFTER, kept, err));
        } else {
            TRY(take_back(self, in, row, list, err));
        }
        state_touch(self->rows, found[row], now);
    }
    for (uint32_t row = 0; row < in->rows; row++) {  // keys without rows leave the state, each once
        uint8_t *gone = found[row];
        if (!gone || ((KeptList *)(void *)gone)->count) continue;
        for (uint32_t later = row; later < in->rows; later++) {
            if (found[later] == gone) found[later] = NULL;
        }
        state_remove(self->rows, gone);
    }
    return output_builder(op, &self->out, true, err);
}

static void materialize_close(Operator *op) {
    Materialize *self = (Materialize *)op;
    builder_clear(&self->out);
    buf_free(&self->bytes);
    arena_clear(&self->scratch);
}

const OperatorVt MATERIALIZE_OPERATOR = {
    .name = "sink-materializer", .plan_kind = PLAN_MATERIALIZE, .size = sizeof(Materialize),
    .open = materialize_open, .on_batch = materialize_on_batch, .close = materialize_close,
};
