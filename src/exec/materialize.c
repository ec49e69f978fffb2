// exec/materialize.c - between a changing query and a sink with a primary key, when the query's
// rows are told apart by other columns than the key: several rows may stand for one key at a time,
// the last one is the sink's. When it is taken back, the one before it stands again. After Flink's
// SinkUpsertMaterializer (ON CONFLICT DO DEDUPLICATE).
// State: key -> the rows that stand, in the order they came.
#include "exec/kept.h"

static Status take_back(KeptTable *self, const Batch *in, uint32_t row, KeptList *list,
                        Error *err) {
    KeptRow *gone = list->newest;
    while (gone && !kept_same(gone, in, row, &self->bytes)) gone = gone->older;
    if (!gone) return ST_OK;  // expired, or never seen
    bool last = gone == list->newest;
    Status st = last && list->count == 1 ? kept_table_emit(self, ROW_DELETE, gone, err) : ST_OK;
    if (!st && last && gone->older) st = kept_table_emit(self, ROW_UPDATE_AFTER, gone->older, err);
    kept_remove(self->base.budget, gone);
    return st;
}

static Status materialize_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    KeptTable *self = (KeptTable *)op;
    KeptList **lists = NULL;
    TRY(kept_table_find(self, in, &lists, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        if (row_kind_is_add(batch_kind(in, row))) {
            KeptRow *kept = NULL;
            TRY(kept_add(op->budget, lists[row], in, row, 0, 0, &kept, err));
            TRY(kept_table_emit(self, lists[row]->count == 1 ? ROW_INSERT : ROW_UPDATE_AFTER, kept,
                                err));
        } else {
            TRY(take_back(self, in, row, lists[row], err));
        }
    }
    kept_table_drop_empty(self, lists, in->rows);
    return output_builder(op, &self->out, true, err);
}

const OperatorVt MATERIALIZE_OPERATOR = {
    .name = "sink-materializer", .plan_kind = PLAN_MATERIALIZE, .size = sizeof(KeptTable),
    .open = kept_table_open, .on_batch = materialize_on_batch, .close = kept_table_close,
};
