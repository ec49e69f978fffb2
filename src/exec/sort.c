// exec/sort.c - ORDER BY: all rows at the end of a bounded input (batch mode), or, when the first
// key is an ascending time attribute, row by row as time passes (Flink's temporal sort).
//
// By event time a row waits for the watermark to reach its stamp; rows of one stamp leave in the
// order of the other keys, equal ones in order of arrival. A row is late when its stamp is not
// above the last one that left. By processing time rows wait for the clock to tick; without further
// keys they pass.
#include "exec/saved.h"

typedef struct Sort {
    Operator base;
    SortedRows rows;
    SortedImage image;    // of [rows], while a snapshot is written
    RowPool pool;
    Builder out;
    uint32_t columns;
    int64_t sent_ms;      // the last stamp that left
    bool batch_mode, proctime;
} Sort;

static Status sort_open(Operator *op, Error *err) {
    (void)err;
    Sort *self = (Sort *)op;
    self->columns = op->plan->type->child_count;
    self->batch_mode = op->env->func->batch;
    self->proctime = op->plan->proctime_order;
    self->sent_ms = WATERMARK_NONE;
    row_pool_init_timed(&self->pool, op->budget);
    builder_init(&self->out, op->plan->type);
    return ST_OK;
}

static Status sort_emit(Sort *self, const StoredRow *row, Error *err) {
    uint32_t at = builder_row(&self->out, (RowKind)row->kind);
    row_load(row, self->out.batch->column, self->columns, at);
    return output_builder(&self->base, &self->out, false, err);
}

// Sends the rows up to event time [until_ms].
static Status sort_release(Sort *self, int64_t until_ms, Error *err) {
    StoredRow *row;
    while ((row = sorted_row(&self->rows, sorted_first(&self->rows))) &&
           *row_time(row) <= until_ms) {
        self->sent_ms = *row_time(row);
        TRY(sort_emit(self, row, err));
        sorted_remove(&self->rows, sorted_first(&self->rows));
        row_free(&self->pool, row);
    }
    return output_builder(&self->base, &self->out, true, err);
}

static Status sort_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Sort *self = (Sort *)op;
    const Plan *plan = op->plan;
    if (self->proctime && plan->order_count == 1) return output_batch(op, batch_ref(in), err);
    const Vec *time = self->batch_mode || self->proctime ? NULL : in->column[plan->order[0].column];
    uint32_t skip = self->proctime;  // the clock is no key: all that waits came in one tick
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t ms = time ? vec_timestamp(time, row).ms : WATERMARK_NONE;
        if (time && ms <= self->sent_ms) {
            op->late_dropped++;
            continue;
        }
        StoredRow *stored;
        TRY(row_store(&self->pool, plan->order + skip, plan->order_count - skip, in->column,
                      self->columns, row, &stored, err));
        *row_time(stored) = ms;
        stored->kind = (uint8_t)batch_kind(in, row);
        (void)sorted_add(&self->rows, stored);
    }
    if (self->proctime) op->env->timer_at(op, op->env->now_ms(op->env->now_arg) + 1);
    return ST_OK;
}

static Status sort_on_watermark(Operator *op, int64_t ms, Error *err) {
    Sort *self = (Sort *)op;
    if (!self->batch_mode && !self->proctime) TRY(sort_release(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status sort_on_timer(Operator *op, int64_t now_ms, Error *err) {
    (void)now_ms;
    return sort_release((Sort *)op, WATERMARK_MAX, err);
}

static Status sort_on_end(Operator *op, Error *err) {
    Sort *self = (Sort *)op;
    if (!self->batch_mode) return ST_OK;  // what waits for the clock is lost, as in Flink
    int64_t place = 0, offset = op->plan->offset;
    int64_t end = op->plan->fetch < 0 ? INT64_MAX : offset + op->plan->fetch;
    const StoredRow *row;
    for (SortedAt at = sorted_first(&self->rows);
         (row = sorted_row(&self->rows, at)) && place < end; at = sorted_next(&self->rows, at)) {
        if (place++ >= offset) TRY(sort_emit(self, row, err));
    }
    return output_builder(op, &self->out, true, err);
}

static Status sort_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    Sort *self = (Sort *)op;
    codec_put_i64(out, self->sent_ms);
    return ST_OK;
}

static void sort_save_begin(Operator *op) {
    Sort *self = (Sort *)op;
    sorted_image_begin(&self->image, &self->rows, &self->pool);
}

static bool sort_save_more(Operator *op, Buf *out) {
    return image_save(&((Sort *)op)->image, out);
}

static Status sort_restore(Operator *op, Str bytes, Error *err) {
    (void)err;
    Sort *self = (Sort *)op;
    int64_t sent_ms;
    (void)codec_get_i64(bytes.ptr, &sent_ms);
    if (sent_ms > self->sent_ms) self->sent_ms = sent_ms;
    return ST_OK;
}

static Status sort_restore_more(Operator *op, Str bytes, Error *err) {
    if (op->env->index) return ST_OK;  // all rows are sorted in one place
    Sort *self = (Sort *)op;
    uint32_t skip = self->proctime;
    RowLoader loader;
    row_loader_init(&loader, &self->pool, op->plan->order + skip, op->plan->order_count - skip,
                    op->plan->type);
    const char *at = sorted_load(&loader, &self->rows, bytes.ptr, err);
    row_loader_clear(&loader);
    if (self->proctime && self->rows.count) {
        op->env->timer_at(op, op->env->now_ms(op->env->now_arg) + 1);
    }
    return at ? ST_OK : ST_OVER_BUDGET;
}

static void sort_close(Operator *op) {
    Sort *self = (Sort *)op;
    sorted_image_end(&self->image);
    sorted_free(&self->rows);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
}

const OperatorVt SORT_OPERATOR = {
    .name = "sort",
    .plan_kind = PLAN_SORT,
    .size = sizeof(Sort),
    .open = sort_open,
    .on_batch = sort_on_batch,
    .on_watermark = sort_on_watermark,
    .on_timer = sort_on_timer,
    .on_end = sort_on_end,
    .save = sort_save,
    .restore = sort_restore,
    .save_begin = sort_save_begin,
    .save_more = sort_save_more,
    .restore_more = sort_restore_more,
    .save_plain = true,
    .close = sort_close,
};
