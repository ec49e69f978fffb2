// The head of a dataflow: a reader, or literal rows, polled by the worker.
#include "run/worker.h"

// A reader without any split (more workers than partitions) must not hold time back for the others.
static Status source_idle(Source *self, bool idle, Error *err) {
    if (self->idle == idle) return ST_OK;
    self->idle = idle;
    for (uint32_t i = 0; i < self->base.target_count; i++) {
        TRY(operator_idle(self->base.target[i].op, self->base.target[i].input, idle, err));
    }
    return ST_OK;
}

static Status source_batch(SourceOutput *output, uint32_t split, Batch *batch, Error *err) {
    Source *self = (Source *)((char *)output - offsetof(Source, output));
    self->started = true;
    if (self->idle) TRY(source_idle(self, false, err));
    self->base.env->split = split;
    self->base.rows_in += batch->rows;
    Worker *worker = self->base.env->owner;
    Status st = self->recorder ? recorder_batch(self->recorder, split, batch, err) : ST_OK;
    if (st) {
        (void)batch_unref(batch);
        return st;
    }
    if (worker->job->spec->progress_in) {
        atomic_fetch_add_explicit(worker->job->spec->progress_in, batch->rows,
                                  memory_order_relaxed);
    }
    int64_t begin = os_monotonic_ns();
    st = output_batch(&self->base, batch, err);
    self->downstream_ns += os_monotonic_ns() - begin;
    return st;
}

static Status source_split(Source *self, uint32_t split, bool ended, Error *err) {
    self->started = true;
    if (self->idle) TRY(source_idle(self, false, err));
    if (self->recorder) TRY(recorder_split(self->recorder, split, ended, err));
    for (uint32_t i = 0; i < self->base.target_count; i++) {
        TRY(operator_split(self->base.target[i].op, split, ended, err));
    }
    return ST_OK;
}
static Status source_split_end(SourceOutput *output, uint32_t split, Error *err) {
    return source_split((Source *)((char *)output - offsetof(Source, output)), split, true, err);
}
static Status source_split_start(SourceOutput *output, uint32_t split, Error *err) {
    return source_split((Source *)((char *)output - offsetof(Source, output)), split, false, err);
}

static Status source_open(Operator *op, Error *err) {
    Source *self = (Source *)op;
    self->output = (SourceOutput){source_batch, source_split_end, source_split_start};
    if (op->plan->kind == PLAN_VALUES) return ST_OK;
    const JobSpec *spec = ((Worker *)op->env->owner)->job->spec;
    if (spec->record_dir) {
        TRY(recorder_open(spec->record_dir, spec->number, op->plan, op->env->index, &self->recorder,
                          err));
    }
    if (spec->replay_dir) {
        return replay_open(spec->replay_dir, spec->number, op->plan, op->env->index, &self->reader,
                           err);
    }
    return op->plan->connector->source_open(op->plan->scan, op->env->task, &self->reader, err);
}

static void source_close(Operator *op) {
    Source *self = (Source *)op;
    if (self->reader) self->reader->vt->close(self->reader);
    recorder_close(self->recorder);
}

const OperatorVt SOURCE_OPERATOR = {
    .name = "source",
    .plan_kind = PLAN_SCAN,
    .size = sizeof(Source),
    .open = source_open,
    .close = source_close,
};

static Status values_poll(Source *self, ReadState *state, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t left = plan->row_count - self->values_at;
    uint32_t count = left < BATCH_ROWS_MAX ? left : BATCH_ROWS_MAX;
    *state = READ_END;
    if (self->base.env->index != 0 || !count) return ST_OK;  // the rows are there once, on worker 0
    Batch *batch = batch_new(plan->type);
    for (uint32_t c = 0; c < plan->type->child_count; c++) {
        batch->column[c] = vec_slice(&batch->arena, plan->values[c], self->values_at, count);
    }
    batch->rows = count;
    self->values_at += count;
    if (self->values_at < plan->row_count) *state = READ_MORE;
    return source_batch(&self->output, 0, batch_seal(batch), err);
}

static Status source_finish(Source *self, Error *err) {
    self->ended = true;
    // A bounded input ends time: everything waiting for a watermark may fire.
    TRY(output_watermark(&self->base, WATERMARK_MAX, err));
    return output_end(&self->base, err);
}

bool source_is_empty(const Source *self) {
    if (self->base.plan->kind == PLAN_VALUES) return self->base.env->index != 0;
    return self->reader->vt->is_empty && self->reader->vt->is_empty(self->reader);
}

Status source_poll(Source *self, bool *progress, Error *err) {
    ReadState state = READ_IDLE;
    int64_t begin = os_monotonic_ns();
    self->downstream_ns = 0;
    Status st = self->base.plan->kind == PLAN_VALUES
                    ? values_poll(self, &state, err)
                    : self->reader->vt->poll(self->reader, &self->output, &state, err);
    // Own time is what reading and decoding took, without the operators behind.
    self->base.busy_ns += os_monotonic_ns() - begin - self->downstream_ns;
    TRY(st);
    if (state == READ_IDLE && !self->started && source_is_empty(self)) {
        TRY(source_idle(self, true, err));
    }
    if (state != READ_IDLE) *progress = true;
    return state == READ_END ? source_finish(self, err) : ST_OK;
}
