// exec/process.c - process table functions: a user's function over the rows of a table, with state
// and timers for each key.
//
// Rows go to the function as they come, a batch at a time; with ORDER BY they wait, sorted, until
// the watermark has passed them, and those behind it are dropped and counted. A timer fires when
// the watermark has reached it; among ordered rows it fires after those of its own time and before
// later ones. As in Flink 2.3, late rows go to a function without ORDER BY (it sees the watermark),
// and a timer in the past fires with the next watermark.
//
// Output: the keys, or all columns of the table; what the function gives; with on_time the time of
// the row or timer that gave it.
#include "exec/emitted.h"
#include "exec/process_state.h"
#include "exec/process_wait.h"

typedef struct Process {
    Operator base;
    const ProcessSpec *spec;
    UdfCall call;
    bool keyed;  // set semantics
    ProcessState state;
    Emitted emitted;
    const Vec **constant;  // per argument, BATCH_ROWS_MAX rows; NULL at the table's place
    // What rows are being emitted for: a batch, or the timers that have fired.
    Batch *in;      // borrowed
    Batch *fired;   // keys and times; owned
    const Type *fired_row;
    bool in_timer;
    // ORDER BY
    ProcessWait waiting;
    Builder ready;
} Process;

// ---- rows out ----------------------------------------------------------------------------------

static Status hand_on(Process *self, Error *err) {
    const Plan *plan = self->base.plan;
    Batch *source = self->in_timer ? self->fired : self->in;
    Vec **before = source->column;
    const Vec *time = NULL;
    if (self->in_timer) {
        time = source->column[plan->key_count];
    } else if (!(self->spec->udf->def->flags & WEIR_PASS_COLUMNS_THROUGH)) {
        before = ARENA_ARRAY(&self->call.scratch, Vec *, plan->key_count + 1);
        for (uint32_t k = 0; k < plan->key_count; k++) before[k] = source->column[plan->key[k]];
    }
    if (!self->in_timer && self->spec->timed) time = source->column[plan->time_column];
    Batch *out = emitted_take(&self->emitted, before, time);
    if (!out) return ST_OK;
    batch_keep(out, source);
    return output_batch(&self->base, out, err);
}

static Status process_emit(UdfCall *call, uint32_t from, uint8_t kind, uint32_t *row, Error *err) {
    Process *self = call->owner;
    if (self->in_timer) {
        from = self->fired->column[self->base.plan->key_count]->len - 1;
    } else if (from >= self->in->rows) {
        return error_set(err, ST_RUNTIME, "it emits for row %u, and there are %u", from,
                         self->in->rows);
    }
    if (emitted_full(&self->emitted)) {
        TRY(hand_on(self, err));
        emitted_begin(&self->emitted, call);
    }
    *row = emitted_row(&self->emitted, call, from, kind);
    return ST_OK;
}

// ---- services ----------------------------------------------------------------------------------

static ProcessState *state_of(UdfCall *call) {
    return &((Process *)call->owner)->state;
}
static void *service_state(UdfCall *call, uint32_t entry, uint32_t row) {
    return process_state_value(state_of(call), entry, row);
}
static int service_get(UdfCall *call, uint32_t entry, uint32_t row, Str key, Str *out) {
    return process_state_get(state_of(call), entry, row, key, out);
}
static Status service_put(UdfCall *call, uint32_t entry, uint32_t row, Str key, Str value,
                          bool remove, Error *err) {
    return process_state_put(state_of(call), entry, row, key, value, remove, err);
}
static int service_next(UdfCall *call, uint32_t entry, uint32_t row, uint64_t *cursor, Str *key,
                        Str *out) {
    return process_state_next(state_of(call), entry, row, cursor, key, out);
}
static void service_clear(UdfCall *call, uint32_t entry, uint32_t row) {
    process_state_clear(state_of(call), entry, row);
}
static Status service_timer(UdfCall *call, uint32_t row, const char *name, int64_t ms, Error *err) {
    if (!((Process *)call->owner)->spec->timed) {
        return error_set(err, ST_RUNTIME, "it sets a timer, and was called without on_time");
    }
    return process_state_timer(state_of(call), row, name, ms, err);
}
static void service_timer_clear(UdfCall *call, uint32_t row, const char *name, int64_t ms) {
    process_state_timer_clear(state_of(call), row, name, ms);
}

static const UdfServices ROW_SERVICES = {.emit = process_emit};
static const UdfServices SET_SERVICES = {
    .emit = process_emit,
    .state = service_state,
    .state_get = service_get,
    .state_put = service_put,
    .state_next = service_next,
    .state_clear = service_clear,
    .timer = service_timer,
    .timer_clear = service_timer_clear,
};

// ---- calls -------------------------------------------------------------------------------------

// The arguments; the table's columns when there is a batch.
static void set_args(Process *self, const Batch *in) {
    const Udf *udf = self->spec->udf;
    weir_call *call = &self->call.call;
    const Type *row = self->spec->table;
    weir_column *arg = ARENA_ARRAY(&self->call.scratch, weir_column, udf->in_count + 1);
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (self->constant[i]) {
            arg[i] = *udf_columns(&self->call.scratch, &self->constant[i], NULL, 1);
            continue;
        }
        arg[i] = (weir_column){.layout = WEIR_ROW};
        if (!in) continue;
        arg[i].rows = in->rows;
        arg[i].child_count = row->child_count;
        arg[i].child = udf_columns(&self->call.scratch, (const Vec *const *)in->column, row,
                                   row->child_count);
        if (self->spec->timed) call->time = &arg[i].child[self->base.plan->time_column];
    }
    call->args = arg;
    call->argc = udf->in_count;
    call->watermark_ms = self->base.watermark_in;
}

static Status run_rows(Process *self, Batch *in, Error *err) {
    const Plan *plan = self->base.plan;
    weir_call *call = &self->call.call;
    udf_call_reset(&self->call);
    Vec **key = ARENA_ARRAY(&self->call.scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    self->in = in;
    self->in_timer = false;
    set_args(self, in);
    call->keys = udf_columns(&self->call.scratch, (const Vec *const *)key, NULL, plan->key_count);
    call->key_count = plan->key_count;
    call->changes = in->kinds;
    call->first = 0;
    call->end = in->rows;
    if (self->keyed) TRY(process_state_find(&self->state, key, in->rows, err));
    emitted_begin(&self->emitted, &self->call);
    TRY(udf_call_done(&self->call, self->spec->udf->def->eval(call), err));
    if (self->keyed) process_state_settle(&self->state);
    return hand_on(self, err);
}

// A batch for the keys and times of timers.
static void fired_begin(Process *self) {
    self->fired = batch_new(self->fired_row);
    for (uint32_t c = 0; c < self->fired_row->child_count; c++) {
        self->fired->column[c] = vec_new(&self->fired->arena, self->fired_row->child[c], 0);
    }
}

static Status fired_end(Process *self, Error *err) {
    if (!self->fired) return ST_OK;
    Status st = hand_on(self, err);
    self->fired = batch_unref(self->fired);
    return st;
}

static Status run_timer(Process *self, ProcessKey *of, int64_t ms, const char *name, Error *err) {
    const Plan *plan = self->base.plan;
    weir_call *call = &self->call.call;
    if (!self->fired) fired_begin(self);
    Batch *fired = self->fired;
    uint32_t at = fired->column[plan->key_count]->len;
    for (uint32_t c = 0; c <= plan->key_count; c++) vec_resize(fired->column[c], at + 1);
    process_state_key(&self->state, of, fired->column, at);
    vec_set_timestamp(fired->column[plan->key_count], at, (Timestamp){ms, 0, 0});
    udf_call_reset(&self->call);
    self->in_timer = true;
    Vec **key = ARENA_ARRAY(&self->call.scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        key[k] = vec_slice(&self->call.scratch, fired->column[k], at, 1);
    }
    set_args(self, NULL);
    call->keys = udf_columns(&self->call.scratch, (const Vec *const *)key, NULL, plan->key_count);
    call->key_count = plan->key_count;
    call->time = NULL;
    call->changes = NULL;
    call->timer = name;
    call->timer_ms = ms;
    call->first = 0;
    call->end = 1;
    TRY(process_state_find(&self->state, key, 1, err));
    emitted_begin(&self->emitted, &self->call);
    TRY(udf_call_done(&self->call, self->spec->udf->def->on_timer(call), err));
    process_state_settle(&self->state);
    return at + 1 == BATCH_ROWS_MAX ? fired_end(self, err) : ST_OK;
}

static Status fire(Process *self, int64_t ms, Error *err) {
    ProcessKey *key;
    int64_t at_ms;
    const char *name;
    Status st;
    if (!self->keyed) return ST_OK;
    while (process_state_due(&self->state, ms, &key, &at_ms, &name, &st, err)) {
        TRY(run_timer(self, key, at_ms, name, err));
    }
    if (st) return st;
    return fired_end(self, err);
}

// ---- rows that wait for the watermark ----------------------------------------------------------

static Status wait(Process *self, Batch *in, Error *err) {
    const Plan *plan = self->base.plan;
    Vec **key = ARENA_ARRAY(&self->call.scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    Status st = process_wait_add(&self->waiting, in, key, err);
    udf_call_reset(&self->call);
    return st;
}

// The rows of one time, and the timers before it.
static Status release(Process *self, int64_t ms, Error *err) {
    if (process_state_next_ms(&self->state) < ms) TRY(fire(self, ms - 1, err));
    Status st = ST_OK;
    while (!st && process_wait_take(&self->waiting, ms, &self->ready)) {
        if (!builder_full(&self->ready)) continue;
        Batch *batch = builder_take(&self->ready);
        st = run_rows(self, batch, err);
        batch_unref(batch);
    }
    Batch *batch = st ? NULL : builder_take(&self->ready);
    if (batch) st = run_rows(self, batch, err);
    batch_unref(batch);
    return st;
}

static Status release_until(Process *self, int64_t ms, Error *err) {
    for (int64_t next; (next = process_wait_first(&self->waiting)) <= ms;) {
        TRY(release(self, next, err));
        if (next == INT64_MAX) break;
    }
    return ST_OK;
}

// ---- the operator ------------------------------------------------------------------------------

static Status process_open(Operator *op, Error *err) {
    Process *self = (Process *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    const ProcessSpec *spec = self->spec = plan->process;
    const Udf *udf = spec->udf;
    self->keyed = udf->def->flags & WEIR_SET_SEMANTICS;
    udf_call_init(&self->call, udf);
    self->call.services = self->keyed ? &SET_SERVICES : &ROW_SERVICES;
    self->call.owner = self;
    uint32_t own = udf->result->child_count;
    emitted_init(&self->emitted, plan->type, plan->type->child_count - own - spec->timed, own);
    self->constant = ARENA_ARRAY(arena, const Vec *, udf->in_count + 1);
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (!spec->arg[i]) continue;
        self->constant[i] = vec_repeat(arena, spec->arg[i]->value, 0, BATCH_ROWS_MAX);
    }
    const Type **child = ARENA_ARRAY(arena, const Type *, plan->key_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) child[k] = plan->type->child[k];
    child[plan->key_count] = plan->type->child[plan->type->child_count - 1];  // rowtime, if timed
    for (uint32_t k = 0; k <= plan->key_count; k++) name[k] = STR("");
    self->fired_row = type_row(arena, plan->key_count + 1, child, name, false);
    if (spec->ordered) process_wait_open(&self->waiting, op);
    builder_init(&self->ready, plan->input[0]->type);
    if (self->keyed) TRY(process_state_open(&self->state, op, err));
    return udf_call_open(&self->call, err);
}

static Status process_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Process *self = (Process *)op;
    return self->spec->ordered ? wait(self, in, err) : run_rows(self, in, err);
}

static Status process_on_watermark(Operator *op, int64_t ms, Error *err) {
    Process *self = (Process *)op;
    if (self->spec->ordered) TRY(release_until(self, ms, err));
    TRY(fire(self, ms, err));
    return output_watermark(op, ms, err);
}

static void process_close(Operator *op) {
    Process *self = (Process *)op;
    if (self->call.udf) udf_call_close(&self->call);
    if (self->state.op) process_state_close(&self->state);
    emitted_clear(&self->emitted);
    self->fired = batch_unref(self->fired);
    process_wait_close(&self->waiting);
    builder_clear(&self->ready);
}

const OperatorVt PROCESS_OPERATOR = {
    .name = "process-table-function",
    .plan_kind = PLAN_PROCESS,
    .size = sizeof(Process),
    .open = process_open,
    .on_batch = process_on_batch,
    .on_watermark = process_on_watermark,
    .close = process_close,
};
