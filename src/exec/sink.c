// exec/sink.c - the end of an INSERT: constraints of the table, then the connector's writer.
#include "exec/operator.h"

typedef struct Sink {
    Operator base;
    SinkWriter *writer;
    bool drop_nulls;        // table.exec.sink.not-null-enforcer = DROP
    uint32_t *rows;
    uint32_t rows_cap;
} Sink;

static Status sink_open(Operator *op, Error *err) {
    Sink *self = (Sink *)op;
    const char *enforcer = config_get(op->env->config, "table.exec.sink.not-null-enforcer");
    self->drop_nulls = enforcer && str_eq_nocase(str_c(enforcer), STR("DROP"));
    // 'sink.parallelism' below the number of workers: the first ones write, as if they were all.
    // The others have writers, too: what was prepared by former ones is committed by them.
    const TaskEnv *task = op->env->task;
    uint32_t writers = op->plan->parallelism;
    if (writers && writers < task->count && task->index < writers) {
        TaskEnv *own = ARENA_NEW(op->env->arena, TaskEnv);
        *own = *task;
        own->count = writers;
        task = own;
    }
    return op->plan->connector->sink_open(op->plan->sink, task, &self->writer, err);
}

// Rows that keep the NOT NULL columns' promise and are of a kind the sink takes.
static Status sink_filter(Sink *self, const Batch *in, uint32_t *count, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t taken = plan->sink->changes;
    if (plan->sink->leaves) taken |= CHANGE_UPDATE_BEFORE;
    *count = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!(taken & 1u << batch_kind(in, row))) continue;
        bool good = true;
        for (uint32_t c = 0; c < plan->type->child_count && good; c++) {
            if (!plan->not_null[c] || !vec_is_null(in->column[c], row)) continue;
            if (!self->drop_nulls) {
                (void)error_set(err, ST_RUNTIME,
                                "column '" STR_FMT
                                "' is NOT NULL, however, a null value is being written into it",
                                STR_ARG(plan->type->field[c]));
                error_hint(err,
                           "set 'table.exec.sink.not-null-enforcer' = 'DROP' to drop such rows");
                return ST_RUNTIME;
            }
            good = false;
        }
        if (good) self->rows[(*count)++] = row;
    }
    return ST_OK;
}

// Rows that wait in the writer must leave in time, though no more come.
static void ask_for_timer(Sink *self) {
    SinkWriter *writer = self->writer;
    int64_t due_ms = writer->vt->due_ms ? writer->vt->due_ms(writer) : INT64_MAX;
    if (due_ms != INT64_MAX) self->base.env->timer_at(&self->base, due_ms);
}

static Status sink_write(Sink *self, const Batch *batch, Error *err) {
    TRY(self->writer->vt->write(self->writer, batch, err));
    ask_for_timer(self);
    return ST_OK;
}

static Status sink_on_timer(Operator *op, int64_t now_ms, Error *err) {
    Sink *self = (Sink *)op;
    int64_t due_ms = self->writer->vt->due_ms(self->writer);
    if (due_ms <= now_ms) TRY(self->writer->vt->flush(self->writer, false, err));
    ask_for_timer(self);
    return ST_OK;
}

static Status sink_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Sink *self = (Sink *)op;
    if (self->rows_cap < in->rows) {
        self->rows_cap = in->rows < BATCH_ROWS_MAX ? BATCH_ROWS_MAX : in->rows;
        self->rows = ARENA_ARRAY(op->env->arena, uint32_t, self->rows_cap);
    }
    // A sink that takes every kind of change takes these.
    bool check = in->kinds && (op->plan->sink->changes & CHANGES_ALL) != CHANGES_ALL;
    for (uint32_t c = 0; c < op->plan->type->child_count; c++) {
        check |= op->plan->not_null[c] && in->column[c]->valid;
    }
    if (!check) return sink_write(self, in, err);
    uint32_t count = 0;
    TRY(sink_filter(self, in, &count, err));
    if (!count) return ST_OK;
    bool leaves = op->plan->sink->leaves && in->kinds;
    if (count == in->rows && !leaves) return sink_write(self, in, err);
    Batch *kept = batch_gather(in, self->rows, count);
    for (uint32_t row = 0; leaves && kept->kinds && row < count; row++) {
        if (kept->kinds[row] == ROW_UPDATE_BEFORE) kept->kinds[row] = ROW_DELETE;
    }
    Status st = sink_write(self, kept, err);
    batch_unref(kept);
    return st;
}

static Status sink_on_watermark(Operator *op, int64_t ms, Error *err) {
    (void)err;
    SinkWriter *writer = ((Sink *)op)->writer;
    if (writer->vt->watermark) writer->vt->watermark(writer, ms);
    return ST_OK;
}

static Status sink_on_end(Operator *op, Error *err) {
    Sink *self = (Sink *)op;
    return self->writer->vt->flush ? self->writer->vt->flush(self->writer, true, err) : ST_OK;
}

static Status sink_prepare(Operator *op, uint64_t checkpoint, Buf *committable, Error *err) {
    Sink *self = (Sink *)op;
    if (self->writer->vt->flush && !op->ended)
        TRY(self->writer->vt->flush(self->writer, false, err));
    if (!self->writer->vt->prepare) return ST_OK;
    return self->writer->vt->prepare(self->writer, checkpoint, committable, err);
}

static Status sink_commit(Operator *op, uint64_t checkpoint, Error *err) {
    Sink *self = (Sink *)op;
    if (!self->writer->vt->commit) return ST_OK;
    // Behind the end nothing comes that could be waited for.
    return self->writer->vt->commit(self->writer, op->ended ? UINT64_MAX : checkpoint, err);
}

static Status sink_recommit(Operator *op, Str committable, Error *err) {
    Sink *self = (Sink *)op;
    if (!self->writer->vt->restore) return ST_OK;
    return self->writer->vt->restore(self->writer, committable, err);
}

static void sink_close(Operator *op) {
    Sink *self = (Sink *)op;
    if (self->writer) self->writer->vt->close(self->writer);
}

const OperatorVt SINK_OPERATOR = {
    .name = "sink",
    .plan_kind = PLAN_SINK,
    .size = sizeof(Sink),
    .open = sink_open,
    .on_batch = sink_on_batch,
    .on_watermark = sink_on_watermark,
    .on_timer = sink_on_timer,
    .on_end = sink_on_end,
    .prepare = sink_prepare,
    .commit = sink_commit,
    .recommit = sink_recommit,
    .close = sink_close,
};
