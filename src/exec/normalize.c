// exec/normalize.c - makes a full changelog of upserts, or of a changelog with duplicates: by key,
// the last row is kept, and with it the -U before each +U and the whole row of each -D. After
// Flink's ProcTimeDeduplicateKeepLastRowFunction with "generate update before". State: key -> the
// last row.
#include "exec/kept.h"

static Status emit_new(KeptTable *self, RowKind kind, const Batch *in, uint32_t row, Error *err) {
    uint32_t at = builder_row(&self->out, kind);
    for (uint32_t c = 0; c < in->schema->child_count; c++) {
        vec_copy_value(self->out.batch->column[c], at, in->column[c], row);
    }
    return output_builder(&self->base, &self->out, false, err);
}

static Status normalize_row(KeptTable *self, const Batch *in, uint32_t row, KeptList *list,
                            Error *err) {
    Budget *budget = self->base.budget;
    RowKind kind = batch_kind(in, row);
    KeptRow *old = list->oldest;
    if (kind == ROW_UPDATE_BEFORE) return ST_OK;  // made anew from what is kept
    if (kind == ROW_DELETE) {
        if (!old) return ST_OK;  // nothing to take back: a deletion that came twice
        TRY(kept_table_emit(self, ROW_DELETE, old, err));
        kept_clear(budget, list);
        return ST_OK;
    }
    if (old && kept_same(old, in, row, &self->bytes) && !self->base.plan->ttl_ms) return ST_OK;
    if (old && self->base.plan->emit_before)
        TRY(kept_table_emit(self, ROW_UPDATE_BEFORE, old, err));
    TRY(emit_new(self, old ? ROW_UPDATE_AFTER : ROW_INSERT, in, row, err));
    kept_clear(budget, list);
    return kept_add(budget, list, in, row, 0, 0, NULL, err);
}

static Status normalize_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    KeptTable *self = (KeptTable *)op;
    KeptList **lists = NULL;
    TRY(kept_table_find(self, in, &lists, err));
    for (uint32_t row = 0; row < in->rows; row++)
        TRY(normalize_row(self, in, row, lists[row], err));
    kept_table_drop_empty(self, lists, in->rows);
    return output_builder(op, &self->out, true, err);
}

const OperatorVt NORMALIZE_OPERATOR = {
    .name = "changelog-normalize",
    .plan_kind = PLAN_NORMALIZE,
    .size = sizeof(KeptTable),
    .open = kept_table_open,
    .on_batch = normalize_on_batch,
    .close = kept_table_close,
};
