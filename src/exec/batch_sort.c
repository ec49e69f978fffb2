// exec/batch_sort.c - ORDER BY of a bounded input. With a LIMIT of few rows only those are held;
// else all are sorted, on disk when they outgrow the memory (exec/sorter.h).
#include "col/codec.h"
#include "exec/sorter.h"
#include "exec/stored.h"

enum { TOP_MAX = 10000 };  // rows of ORDER BY … LIMIT that are kept sorted instead

typedef struct BatchSort {
    Operator base;
    bool top;
    Sorter sorter;
    SortedRows rows;   // top
    RowPool pool;
    Builder out;
    uint32_t columns;
} BatchSort;

static int64_t last_place(const Plan *plan) {
    return plan->fetch < 0 ? INT64_MAX : plan->offset + plan->fetch;
}

static Status batch_sort_open(Operator *op, Error *err) {
    (void)err;
    BatchSort *self = (BatchSort *)op;
    const Plan *plan = op->plan;
    self->columns = plan->type->child_count;
    self->top = last_place(plan) <= TOP_MAX;
    row_pool_init(&self->pool, op->budget);
    builder_init(&self->out, plan->type);
    sorter_init(&self->sorter, op, plan->order, plan->order_count, self->columns);
    return ST_OK;
}

static Status top_batch(BatchSort *self, const Batch *in, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t most = (uint32_t)last_place(plan);
    for (uint32_t row = 0; row < in->rows && most; row++) {
        if (self->rows.count == most) {  // most rows are behind the last one kept
            Buf *key = &self->pool.scratch;
            key->len = 0;
            sort_key_put(plan->order, plan->order_count, in->column, row, key);
            if (str_cmp(buf_str(key), row_key(sorted_last(&self->rows))) >= 0) continue;
        }
        StoredRow *stored;
        TRY(row_store(&self->pool, plan->order, plan->order_count, in->column, self->columns, row,
                      &stored, err));
        (void)sorted_add(&self->rows, stored);
        if (self->rows.count <= most) continue;
        StoredRow *last = sorted_last(&self->rows);
        sorted_remove(&self->rows, sorted_last_at(&self->rows));
        row_free(&self->pool, last);
    }
    return ST_OK;
}

static Status batch_sort_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    BatchSort *self = (BatchSort *)op;
    return self->top ? top_batch(self, in, err) : sorter_add(&self->sorter, in, err);
}

static Status emit(BatchSort *self, const char *bytes, Error *err) {
    uint32_t at = builder_row(&self->out, ROW_INSERT);
    Vec **column = self->out.batch->column;
    for (uint32_t c = 0; c < self->columns; c++) bytes = codec_get(bytes, column[c], at);
    return output_builder(&self->base, &self->out, false, err);
}

static Status emit_top(BatchSort *self, Error *err) {
    int64_t place = 0;
    const StoredRow *row;
    for (SortedAt at = sorted_first(&self->rows); (row = sorted_row(&self->rows, at));
         at = sorted_next(&self->rows, at)) {
        if (place++ >= self->base.plan->offset) TRY(emit(self, row_bytes(row).ptr, err));
    }
    return ST_OK;
}

static Status emit_sorted(BatchSort *self, Error *err) {
    TRY(sorter_finish(&self->sorter, err));
    int64_t end = last_place(self->base.plan);
    for (int64_t place = 0; place < end; place++) {
        Str key, row;
        TRY(sorter_next(&self->sorter, &key, &row, err));
        if (!key.ptr) break;
        if (place >= self->base.plan->offset) TRY(emit(self, row.ptr, err));
    }
    return ST_OK;
}

static Status batch_sort_on_end(Operator *op, Error *err) {
    BatchSort *self = (BatchSort *)op;
    TRY(self->top ? emit_top(self, err) : emit_sorted(self, err));
    sorter_clear(&self->sorter);  // what comes behind may want the memory
    return output_builder(op, &self->out, true, err);
}

static void batch_sort_close(Operator *op) {
    BatchSort *self = (BatchSort *)op;
    sorter_clear(&self->sorter);
    sorted_free(&self->rows);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
}

const OperatorVt BATCH_SORT_OPERATOR = {
    .name = "sort",
    .plan_kind = PLAN_SORT,
    .size = sizeof(BatchSort),
    .open = batch_sort_open,
    .on_batch = batch_sort_on_batch,
    .on_end = batch_sort_on_end,
    .close = batch_sort_close,
};
