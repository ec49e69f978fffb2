// exec/watermark.c - assigns event time: evaluates the watermark expression of each row and sends a
// watermark right behind the row that raises it far enough.
//
// As Flink's WatermarkAssignerOperator: the highest watermark seen is sent when it lies more than
// `pipeline.auto-watermark-interval` above the last one sent, which starts at 0; a timer of the
// same interval sends what was held back, and the end of the input sends WATERMARK_MAX. A batch is
// cut only where a watermark follows a row: one scan of the computed column finds those rows.
//
// Where the connector names its splits (Connector.watermark_per_split, Kafka's partitions), each
// has a watermark of its own and the least of the active ones counts, as when Flink pushes the
// assigner into the source. There the strategy of the table decides when it goes out: by the timer
// alone (on-periodic), or behind each row that raises it (on-event).
#include "exec/watermark.h"

#include "col/codec.h"

typedef struct Split {
    uint32_t id;
    int64_t watermark_ms;
    int64_t seen_ms;  // processing time of its last row
    bool idle;
    bool seen;        // rows came
} Split;

typedef struct WatermarkAssigner {
    Operator base;
    Program *program;
    Arena scratch;
    Arena told;  // what watermark_splits answered last
    int64_t interval_ms, idle_timeout_ms;
    int64_t step_ms;  // rows send a watermark that lies more than this above the last one sent
    int64_t sent_ms;
    bool per_split;
    bool by_rows;     // rows send watermarks; else the timer does
    bool idle;
    bool restored;
    Split *split;  // one when the splits do not matter
    uint32_t split_count, split_cap;
} WatermarkAssigner;

static const Plan *scan_below(const Plan *plan) {
    while (plan->kind == PLAN_PROJECT || plan->kind == PLAN_FILTER ||
           plan->kind == PLAN_WATERMARK) {
        plan = plan->input[0];
    }
    return plan;
}

static Split *split_of(WatermarkAssigner *self, uint32_t id) {
    if (!self->per_split) id = 0;
    for (uint32_t i = 0; i < self->split_count; i++) {
        if (self->split[i].id == id) return &self->split[i];
    }
    if (self->split_count == self->split_cap) {
        self->split_cap = self->split_cap ? self->split_cap * 2 : 4;
        self->split = mem_realloc(self->split, self->split_cap * sizeof *self->split);
    }
    self->split[self->split_count] = (Split){.id = id};
    return &self->split[self->split_count++];
}

// A split may be silent from the start.
static void watch_silence(WatermarkAssigner *self, Split *split) {
    OpEnv *env = self->base.env;
    split->seen_ms = env->now_ms(env->now_arg);
    env->timer_at(&self->base, split->seen_ms + self->idle_timeout_ms);
}

static Status watermark_open(Operator *op, Error *err) {
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    const Plan *plan = op->plan, *scan = scan_below(plan);
    Expr *watermark = plan->watermark;
    self->interval_ms = config_ms(op->env->config, "pipeline.auto-watermark-interval", 200);
    self->idle_timeout_ms = plan->idle_timeout_ms;
    self->per_split = scan->kind == PLAN_SCAN && scan->connector->watermark_per_split;
    self->by_rows = !self->per_split || plan->on_event;
    self->step_ms = self->per_split ? 0 : self->interval_ms;
    if (self->per_split && plan->on_event) self->interval_ms = 0;  // nothing is ever held back
    if (!self->per_split && self->idle_timeout_ms > 0) watch_silence(self, split_of(self, 0));
    return program_new(&watermark, 1, plan->input[0]->type, op->env->func, &self->program, err);
}

// The watermark of all active splits, [current] standing in for the one at hand.
static int64_t combined(const WatermarkAssigner *self, const Split *at, int64_t current) {
    int64_t least = current;
    for (uint32_t i = 0; i < self->split_count; i++) {
        const Split *split = &self->split[i];
        if (split != at && !split->idle && split->watermark_ms < least) least = split->watermark_ms;
    }
    return least;
}

static Status send(WatermarkAssigner *self, int64_t ms, Error *err) {
    if (ms <= self->sent_ms) return ST_OK;
    self->sent_ms = ms;
    return output_watermark(&self->base, ms, err);
}

static Status set_idle(WatermarkAssigner *self, bool idle, Error *err) {
    Operator *op = &self->base;
    if (self->idle == idle) return ST_OK;
    self->idle = idle;
    for (uint32_t i = 0; i < op->target_count; i++) {
        TRY(operator_idle(op->target[i].op, op->target[i].input, idle, err));
    }
    return ST_OK;
}

// The first row at or after [from] whose watermark lies above [limit].
static uint32_t next_above(const Vec *mark, uint32_t from, uint32_t rows, int64_t limit) {
    uint32_t row = from;
    if (mark->phys == PHYS_I64) {
        const int64_t *ms = vec_i64(mark);  // a NULL slot holds 0, which is never above
        while (row < rows && ms[row] <= limit) row++;
    } else {
        const Timestamp *ts = vec_ts(mark);
        while (row < rows && ts[row].ms <= limit) row++;
    }
    return row;
}

static int64_t greatest(const Vec *mark, uint32_t rows, int64_t least) {
    for (uint32_t row = 0; row < rows; row++) {
        int64_t ms = vec_timestamp(mark, row).ms;
        if (ms > least) least = ms;
    }
    return least;
}

static Status watermark_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    arena_reset(&self->scratch);
    if (vec_has_nulls(in->column[op->plan->time_column])) {
        return error_set(err, ST_RUNTIME,
                         "RowTime field should not be null, please convert it to a "
                         "non-null long value: column '" STR_FMT "'",
                         STR_ARG(op->plan->type->field[op->plan->time_column]));
    }
    Vec *mark;
    TRY(program_run(self->program, in->column, in->rows, &self->scratch, &mark, err));
    TRY(set_idle(self, false, err));
    Split *split = split_of(self, op->env->split);
    split->idle = false;
    split->seen = true;
    int64_t others = combined(self, split, INT64_MAX);
    uint32_t from = 0;
    // Nothing is sent while another split holds the watermark back.
    bool held = !self->by_rows || others - self->sent_ms <= self->step_ms;
    while (!held) {
        uint32_t row = next_above(mark, from, in->rows, self->sent_ms + self->step_ms);
        if (row == in->rows) break;
        int64_t ms = vec_timestamp(mark, row).ms;
        Batch *part = from == 0 && row + 1 == in->rows ? batch_ref(in)
                                                       : batch_slice(in, from, row + 1 - from);
        from = row + 1;
        TRY(output_batch(op, part, err));
        TRY(send(self, ms < others ? ms : others, err));
        held = others - self->sent_ms <= self->step_ms;
    }
    if (from < in->rows) {
        TRY(output_batch(op, from ? batch_slice(in, from, in->rows - from) : batch_ref(in), err));
    }
    split->watermark_ms = greatest(mark, in->rows, split->watermark_ms);
    bool pending = combined(self, split, split->watermark_ms) > self->sent_ms;
    if ((pending && self->interval_ms > 0) || self->idle_timeout_ms > 0) {
        int64_t now = op->env->now_ms(op->env->now_arg);
        split->seen_ms = now;
        if (self->interval_ms > 0) op->env->timer_at(op, now + self->interval_ms);
        if (self->idle_timeout_ms > 0) op->env->timer_at(op, now + self->idle_timeout_ms);
    }
    return ST_OK;
}

static Status watermark_on_timer(Operator *op, int64_t now_ms, Error *err) {
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    uint32_t active = 0;
    for (uint32_t i = 0; i < self->split_count; i++) {
        Split *split = &self->split[i];
        int64_t left = split->seen_ms + self->idle_timeout_ms - now_ms;
        if (self->idle_timeout_ms > 0 && left <= 0) split->idle = true;
        if (self->idle_timeout_ms > 0 && left > 0) op->env->timer_at(op, now_ms + left);
        active += !split->idle;
    }
    if (active) {
        TRY(send(self, combined(self, NULL, INT64_MAX), err));
    }
    return set_idle(self, !active && self->split_count, err);
}

// What sources say of event time themselves does not count, but for the end.
static Status watermark_on_watermark(Operator *op, int64_t ms, Error *err) {
    if (ms != WATERMARK_MAX) return ST_OK;
    TRY(set_idle((WatermarkAssigner *)op, false, err));
    return output_watermark(op, ms, err);
}

static Status watermark_on_split(Operator *op, uint32_t id, bool ended, Error *err) {
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    if (!self->per_split) return ST_OK;
    Split *split = split_of(self, id);
    if (!ended && self->idle_timeout_ms > 0) watch_silence(self, split);
    if (!ended) return ST_OK;
    *split = self->split[--self->split_count];
    return self->split_count ? send(self, combined(self, NULL, INT64_MAX), err) : ST_OK;
}

static Status watermark_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    codec_put_i64(out, self->sent_ms);
    codec_put_i64(out, op->env->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->split_count; i++) count += self->split[i].id != SPLIT_UNKNOWN;
    codec_put_i64(out, count);
    for (uint32_t i = 0; i < self->split_count; i++) {
        if (self->split[i].id == SPLIT_UNKNOWN) continue;
        codec_put_i64(out, self->split[i].id);
        codec_put_i64(out, self->split[i].watermark_ms);
        codec_put_u8(out, self->split[i].idle);
    }
    return ST_OK;
}

// With another parallelism the splits are others' now. Each takes its watermark along: it may be
// that nothing comes any more, and windows wait for what the last rows said. Without splits the
// first rows will say where they are. A copy that never had a row has sent nothing that counts.
static Status watermark_restore(Operator *op, Str bytes, Error *err) {
    (void)err;
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    int64_t sent_ms, workers, count;
    const char *at = codec_get_i64(bytes.ptr, &sent_ms);
    at = codec_get_i64(at, &workers);
    at = codec_get_i64(at, &count);
    bool others = workers != op->env->count;
    if (others && !count) return ST_OK;
    if (!others || !self->restored || sent_ms < self->sent_ms) self->sent_ms = sent_ms;
    self->restored = true;
    if (others && !self->per_split) return ST_OK;
    int64_t now = op->env->now_ms(op->env->now_arg);
    for (; count; count--) {
        int64_t id, watermark_ms;
        uint8_t idle;
        at = codec_get_i64(at, &id);
        at = codec_get_i64(at, &watermark_ms);
        at = codec_get_u8(at, &idle);
        if (self->per_split) id = op->env->split_here(op, (uint32_t)id);
        if (id < 0) continue;
        Split *split = split_of(self, (uint32_t)id);
        *split = (Split){(uint32_t)id, watermark_ms, now, idle != 0, .seen = true};
    }
    if (self->split_count && self->interval_ms > 0) op->env->timer_at(op, now + self->interval_ms);
    return ST_OK;
}

uint32_t watermark_splits(const Operator *op, const uint32_t **id, const int64_t **ms) {
    WatermarkAssigner *self = (WatermarkAssigner *)(uintptr_t)op;
    uint32_t count = 0;
    arena_reset(&self->told);
    uint32_t *ids = ARENA_ARRAY(&self->told, uint32_t, self->split_count + 1);
    int64_t *marks = ARENA_ARRAY(&self->told, int64_t, self->split_count + 1);
    for (uint32_t i = 0; i < self->split_count; i++) {
        const Split *split = &self->split[i];
        if (split->idle || split->id == SPLIT_UNKNOWN) continue;
        ids[count] = split->id;
        marks[count++] = split->seen ? split->watermark_ms : WATERMARK_NONE;
    }
    *id = ids;
    *ms = marks;
    return count;
}

static void watermark_close(Operator *op) {
    WatermarkAssigner *self = (WatermarkAssigner *)op;
    program_free(self->program);
    arena_clear(&self->scratch);
    arena_clear(&self->told);
    mem_free(self->split);
}

const OperatorVt WATERMARK_OPERATOR = {
    .name = "watermark-assigner",
    .plan_kind = PLAN_WATERMARK,
    .size = sizeof(WatermarkAssigner),
    .open = watermark_open,
    .on_batch = watermark_on_batch,
    .on_watermark = watermark_on_watermark,
    .on_timer = watermark_on_timer,
    .on_split = watermark_on_split,
    .save = watermark_save,
    .restore = watermark_restore,
    .save_plain = true,
    .restore_by_split = true,
    .close = watermark_close,
};
