// exec/normalize.c - makes a full changelog of upserts, or of a changelog with duplicates: by key,
// the last row is kept, and with it the -U before each +U and the whole row of each -D. After
// Flink's ProcTimeDeduplicateKeepLastRowFunction with "generate update before". State: key -> the
// last row.
#include "exec/kept.h"

typedef struct Normalize {
    Operator base;
    StateTable *rows;
    Builder out;
    Arena scratch;
    Buf bytes;
} Normalize;

static void row_clear(void *arg, uint8_t *row) {
    Normalize *self = arg;
    kept_clear(self->base.env->budget, (KeptList *)(void *)row);
}

static Status normalize_open(Operator *op, Error *err) {
    (void)err;
    Normalize *self = (Normalize *)op;
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

static Status emit_kept(Normalize *self, RowKind kind, const KeptRow *row, Error *err) {
    uint32_t at = builder_row(&self->out, kind);
    kept_load(row, self->out.batch->column, self->base.plan->type->child_count, at);
    return output_builder(&self->base, &self->out, false, err);
}

static Status emit_new(Normalize *self, RowKind kind, const Batch *in, uint32_t row, Error *err) {
    uint32_t at = builder_row(&self->out, kind);
    for (uint32_t c = 0; c < in->schema->child_count; c++) {
        vec_copy_value(self->out.batch->column[c], at, in->column[c], row);
    }
    return output_builder(&self->base, &self->out, false, err);
}

static Status normalize_row(Normalize *self, const Batch *in, uint32_t row, KeptList *list,
                            Error *err) {
    Budget *budget = self->base.env->budget;
    RowKind kind = batch_kind(in, row);
    KeptRow *old = list->oldest;
    if (kind == ROW_UPDATE_BEFORE) return ST_OK;  // made anew from what is kept
    if (kind == ROW_DELETE) {
        if (!old) return ST_OK;  // nothing to take back: a deletion that came twice
        TRY(emit_kept(self, ROW_DELETE, old, err));
        kept_clear(budget, list);
        return ST_OK;
    }
    if (old && kept_same(old, in, row, &self->bytes) && !self->base.plan->ttl_ms) return ST_OK;
    if (old && self->base.plan->emit_before) TRY(emit_kept(self, ROW_UPDATE_BEFORE, old, err));
    TRY(emit_new(self, old ? ROW_UPDATE_AFTER : ROW_INSERT, in, row, err));
    kept_clear(budget, list);
    return kept_add(budget, list, in, row, 0, 0, NULL, err);
}

static Status normalize_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Normalize *self = (Normalize *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    int64_t now = op->env->now_ms(op->env->now_arg);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(self->rows, key, in->rows, NULL, true, now, found, NULL, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        TRY(normalize_row(self, in, row, (KeptList *)(void *)found[row], err));
        state_touch(self->rows, found[row], now);
    }
    // Keys that were deleted leave the state, each once.
    for (uint32_t row = 0; row < in->rows; row++) {
        uint8_t *gone = found[row];
        if (!gone || ((KeptList *)(void *)gone)->count) continue;
        for (uint32_t later = row; later < in->rows; later++) {
            if (found[later] == gone) found[later] = NULL;
        }
        state_remove(self->rows, gone);
    }
    return output_builder(op, &self->out, true, err);
}

static void normalize_close(Operator *op) {
    Normalize *self = (Normalize *)op;
    builder_clear(&self->out);
    buf_free(&self->bytes);
    arena_clear(&self->scratch);
}

const OperatorVt NORMALIZE_OPERATOR = {
    .name = "changelog-normalize",
    .plan_kind = PLAN_NORMALIZE,
    .size = sizeof(Normalize),
    .open = normalize_open,
    .on_batch = normalize_on_batch,
    .close = normalize_close,
};
