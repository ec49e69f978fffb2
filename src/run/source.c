// The head of a dataflow: a reader, or literal rows, polled by the worker.
#include "col/codec.h"
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

static void hold(Source *self, Held held) {
    if (self->held_count == self->held_cap) {
        self->held_cap = self->held_cap ? self->held_cap * 2 : 8;
        self->held = mem_realloc(self->held, self->held_cap * sizeof *self->held);
    }
    self->held[self->held_count++] = held;
}

static Status hand_on(Source *self, uint32_t split, Batch *batch, Error *err) {
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

static Status source_batch(SourceOutput *output, uint32_t split, Batch *batch, Error *err) {
    Source *self = (Source *)((char *)output - offsetof(Source, output));
    if (batch->rows <= self->batch_rows && self->held_from == self->held_count) {
        return hand_on(self, split, batch, err);
    }
    hold(self, (Held){.batch = batch, .split = split});
    return ST_OK;
}

static Status tell_split(Source *self, uint32_t split, bool ended, Error *err) {
    for (uint32_t i = 0; i < self->base.target_count; i++) {
        TRY(operator_split(self->base.target[i].op, split, ended, err));
    }
    return ST_OK;
}

static Status source_split(Source *self, uint32_t split, bool ended, Error *err) {
    self->started = true;
    if (self->idle) TRY(source_idle(self, false, err));
    if (self->recorder) TRY(recorder_split(self->recorder, split, ended, err));
    return tell_split(self, split, ended, err);
}
static Status source_split_end(SourceOutput *output, uint32_t split, Error *err) {
    Source *self = (Source *)((char *)output - offsetof(Source, output));
    if (self->held_from == self->held_count) return source_split(self, split, true, err);
    hold(self, (Held){.split = split, .split_ends = true});
    return ST_OK;
}
// Told at once: while rows of other splits are held, time must wait for this one, too.
static Status source_split_start(SourceOutput *output, uint32_t split, Error *err) {
    Source *self = (Source *)((char *)output - offsetof(Source, output));
    return source_split(self, split, false, err);
}

// The next piece of what is held.
static Status release(Source *self, Error *err) {
    Held *held = &self->held[self->held_from];
    Batch *batch = held->batch;
    uint32_t split = held->split;
    if (!batch) {
        bool ends = held->split_ends;
        self->held_from++;
        return source_split(self, split, ends, err);
    }
    uint32_t left = batch->rows - held->at;
    uint32_t rows = left < self->batch_rows ? left : self->batch_rows;
    Batch *piece = rows == batch->rows ? batch_ref(batch) : batch_slice(batch, held->at, rows);
    held->at += rows;
    if (held->at == batch->rows) {
        self->held_from++;
        batch_unref(batch);
    }
    return hand_on(self, split, piece, err);
}

Status source_save_held(const Source *self, Buf *out, Error *err) {
    (void)err;
    codec_put_i64(out, self->held_count - self->held_from);
    for (uint32_t i = self->held_from; i < self->held_count; i++) {
        const Held *held = &self->held[i];
        uint32_t rows = held->batch ? held->batch->rows - held->at : 0;
        codec_put_i64(out, held->split);
        codec_put_u8(out, held->split_ends);
        codec_put_i64(out, rows);
        for (uint32_t row = rows ? held->at : 0; rows; rows--, row++) {
            codec_put_u8(out, (uint8_t)batch_kind(held->batch, row));
            for (uint32_t c = 0; c < held->batch->schema->child_count; c++) {
                codec_put(held->batch->column[c], row, out);
            }
        }
    }
    return ST_OK;
}

int64_t source_split_here(const Source *self, uint32_t split, uint32_t from_worker) {
    if (self->reader && self->reader->vt->takes)
        return self->reader->vt->takes(self->reader, split);
    return from_worker % self->base.env->count == self->base.env->index ? (int64_t)split : -1;
}

Status source_load_held(Source *self, Str *bytes, uint32_t from_worker, Error *err) {
    (void)err;
    int64_t count, split, rows;
    const char *at = codec_get_i64(bytes->ptr, &count);
    for (; count; count--) {
        Held held = {0};
        uint8_t ends, kind;
        at = codec_get_i64(at, &split);
        at = codec_get_u8(at, &ends);
        at = codec_get_i64(at, &rows);
        split = source_split_here(self, (uint32_t)split, from_worker);
        held.split = (uint32_t)split;
        held.split_ends = ends != 0;
        Builder builder;
        builder_init(&builder, self->base.plan->type);
        for (; rows; rows--) {
            at = codec_get_u8(at, &kind);
            uint32_t row = builder_row(&builder, (RowKind)kind);
            for (uint32_t c = 0; c < self->base.plan->type->child_count; c++) {
                at = codec_get(at, builder.batch->column[c], row);
            }
        }
        if (builder.batch) held.batch = builder_take(&builder);
        builder_clear(&builder);
        if (split >= 0) {
            hold(self, held);
        } else {
            batch_unref(held.batch);
        }
    }
    *bytes = str_make(at, (size_t)(str_end(*bytes) - at));
    return ST_OK;
}

// A reader that has nothing to read: it ends where the others will, and else is silent.
typedef struct NothingReader {
    SourceReader base;
    bool bounded;
} NothingReader;

static Status nothing_poll(SourceReader *reader, SourceOutput *out, ReadState *state, Error *err) {
    (void)out, (void)err;
    *state = ((NothingReader *)reader)->bounded ? READ_END : READ_IDLE;
    return ST_OK;
}

static bool nothing_is_empty(SourceReader *reader) {
    (void)reader;
    return true;
}

static void nothing_stop(SourceReader *reader) {
    ((NothingReader *)reader)->bounded = true;
}

static void nothing_close(SourceReader *reader) {
    (void)reader;  // the job's arena has it
}

static const SourceVt NOTHING = {.poll = nothing_poll, .is_empty = nothing_is_empty,
                                 .stop = nothing_stop, .close = nothing_close};

static SourceReader *nothing_open(const Operator *op) {
    const Connector *connector = op->plan->connector;
    NothingReader *reader = ARENA_NEW(op->env->arena, NothingReader);
    reader->base.vt = &NOTHING;
    reader->bounded = connector->source_bounded && connector->source_bounded(op->plan->desc);
    return &reader->base;
}

static Status source_open(Operator *op, Error *err) {
    Source *self = (Source *)op;
    self->output = (SourceOutput){source_batch, source_split_end, source_split_start};
    self->batch_rows = op->env->batch_rows_max;
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
    // 'scan.parallelism' below the number of workers: the others read nothing.
    const TaskEnv *task = op->env->task;
    uint32_t readers = op->plan->parallelism;
    if (readers && readers < task->count) {
        if (task->index >= readers) {
            self->reader = nothing_open(op);
            return ST_OK;
        }
        TaskEnv *own = ARENA_NEW(op->env->arena, TaskEnv);
        *own = *task;
        own->count = readers;
        task = own;
    }
    return op->plan->connector->source_open(op->plan->scan, task, &self->reader, err);
}

static void source_close(Operator *op) {
    Source *self = (Source *)op;
    if (self->reader) self->reader->vt->close(self->reader);
    recorder_close(self->recorder);
    for (uint32_t i = self->held_from; i < self->held_count; i++) batch_unref(self->held[i].batch);
    mem_free(self->held);
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
    uint32_t most = self->batch_rows < BATCH_ROWS_MAX ? self->batch_rows : BATCH_ROWS_MAX;
    uint32_t count = left < most ? left : most;
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
    atomic_fetch_add(&((Worker *)self->base.env->owner)->job->finished, 1);
    align_leave(self);
    // A bounded input ends time: everything waiting for a watermark may fire.
    TRY(output_watermark(&self->base, WATERMARK_MAX, err));
    return output_end(&self->base, err);
}

bool source_is_empty(const Source *self) {
    if (self->base.plan->kind == PLAN_VALUES) return self->base.env->index != 0;
    return self->reader->vt->is_empty && self->reader->vt->is_empty(self->reader);
}

static bool knows_splits(const Source *self) {
    SourceReader *reader = self->reader;
    return !reader || !reader->vt->knows_splits || reader->vt->knows_splits(reader);
}

// Time does not go on by the splits that were restored while others are looked for, which may be
// in no snapshot.
static Status mind_search(Source *self, bool begins, Error *err) {
    bool searches = !self->drained && !knows_splits(self);
    if (begins ? !searches : !self->searches || searches) return ST_OK;
    self->searches = searches;
    return tell_split(self, SPLIT_UNKNOWN, !searches, err);
}

Status source_poll(Source *self, bool *progress, Error *err) {
    // A reader that was restored first tells of its splits, before rows of some raise the
    // watermark; of those that it has read to their end it does not know.
    bool begins = !self->begun;
    self->begun = true;
    TRY(mind_search(self, begins, err));
    for (uint32_t i = self->held_from; begins && i < self->held_count; i++) {
        TRY(source_split(self, self->held[i].split, false, err));
    }
    bool holds = self->held_from < self->held_count;
    if (holds && !begins && (self->drained || knows_splits(self))) {
        *progress = true;
        return release(self, err);
    }
    if (self->held_from == self->held_count) self->held_from = self->held_count = 0;
    if (self->drained) return source_finish(self, err);
    ReadState state = READ_IDLE;
    const Job *job = ((Worker *)self->base.env->owner)->job;
    bool stopping = job->spec->stop && atomic_load_explicit(job->spec->stop, memory_order_relaxed);
    if (self->align && !stopping && align_waits(self)) return ST_OK;
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
    self->drained = state == READ_END;
    return self->drained && !self->held_count ? source_finish(self, err) : ST_OK;
}
