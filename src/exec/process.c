// exec/process.c - process table functions: a user's function over the rows of a table, with state
// and timers for each key.
//
// Rows go to the function as they come, a batch of one table at a time; with ORDER BY they wait,
// sorted, until the watermark has passed them, and those behind it are dropped and counted. A timer
// fires when the watermark has reached it; among ordered rows it fires after those of its own time
// and before later ones. As in Flink 2.3, late rows go to a function without ORDER BY (it sees the
// watermark), and a timer in the past fires with the next watermark.
//
// Unlike there, what one watermark lets go is in one order of time: Flink hands in all rows, key by
// key and table after table, and then fires the timers, those without a name first. Its answers
// depend on how often watermarks come; these do not, and are Flink's when one follows each row.
//
// Output: the keys of each table, or all columns of the one; what the function gives; with on_time
// the time of the row or timer that gave it.
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
    const Vec **constant;  // per argument, BATCH_ROWS_MAX rows; NULL at the tables' places
    // What rows are being emitted for: a batch of a table, or the timers that have fired.
    Batch *in;  // borrowed
    const ProcessTable *table;
    Batch *fired;  // keys and times; owned
    const Type *fired_row;
    bool in_timer;
    // ORDER BY, of each table that has it.
    ProcessWait *waiting;
    Builder *ready;
} Process;

// ---- rows out ----------------------------------------------------------------------------------

// The columns in front of the function's own: the keys, once for each table, or all of the table.
static Vec **columns_before(Process *self, Batch *source) {
    const Plan *plan = self->base.plan;
    if (!self->in_timer && self->table->traits & WEIR_PASS_COLUMNS_THROUGH) return source->column;
    uint32_t tables = self->spec->table_count, count = 0;
    Vec **before = ARENA_ARRAY(&self->call.scratch, Vec *, tables * plan->key_count + 1);
    for (uint32_t t = 0; t < tables; t++) {
        for (uint32_t k = 0; k < plan->key_count; k++) {
            before[count++] = source->column[self->in_timer ? k : self->table->key[k]];
        }
    }
    return before;
}

static Status hand_on(Process *self, Error *err) {
    Batch *source = self->in_timer ? self->fired : self->in;
    const Vec *time = NULL;
    if (self->in_timer) {
        time = source->column[self->base.plan->key_count];
    } else if (self->spec->timed) {
        time = source->column[self->table->time_column];
    }
    Batch *out = emitted_take(&self->emitted, columns_before(self, source), time);
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

// The arguments; the columns of the table at hand when there is a batch.
static void set_args(Process *self, const Batch *in) {
    const Udf *udf = self->spec->udf;
    Arena *scratch = &self->call.scratch;
    weir_call *call = &self->call.call;
    weir_column *arg = ARENA_ARRAY(scratch, weir_column, udf->in_count + 1);
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (self->constant[i])
            arg[i] = *udf_columns(scratch, &self->constant[i], NULL, 1);
        else
            arg[i] = (weir_column){.layout = WEIR_ROW};
    }
    call->table = WEIR_NO_TABLE;
    call->time = NULL;
    if (in) {
        const Type *row = self->table->row;
        weir_column *table = &arg[self->table->arg];
        call->table = self->table->arg;
        table->rows = in->rows;
        table->child_count = row->child_count;
        table->child = udf_columns(scratch, (const Vec *const *)in->column, row, row->child_count);
        if (self->spec->timed) call->time = &table->child[self->table->time_column];
    }
    call->args = arg;
    call->argc = udf->in_count;
    call->watermark_ms = self->base.watermark_in;
}

static Vec **key_columns(const Process *self, Arena *arena, uint32_t table, const Batch *in) {
    uint32_t count = self->base.plan->key_count;
    Vec **key = ARENA_ARRAY(arena, Vec *, count + 1);
    for (uint32_t k = 0; k < count; k++) key[k] = in->column[self->spec->table[table].key[k]];
    return key;
}

static Status run_rows(Process *self, uint32_t table, Batch *in, Error *err) {
    weir_call *call = &self->call.call;
    udf_call_reset(&self->call);
    Vec **key = key_columns(self, &self->call.scratch, table, in);
    self->in = in;
    self->table = &self->spec->table[table];
    self->in_timer = false;
    set_args(self, in);
    call->key_count = self->base.plan->key_count;
    call->keys = udf_columns(&self->call.scratch, (const Vec *const *)key, NULL, call->key_count);
    call->changes = in->kinds;
    call->timer = NULL;
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

static Status wait(Process *self, uint32_t table, Batch *in, Error *err) {
    Vec **key = key_columns(self, &self->call.scratch, table, in);
    Status st = process_wait_add(&self->waiting[table], in, key, err);
    udf_call_reset(&self->call);
    return st;
}

// The rows of one table and time; those up to [until_ms] will be next.
static Status release(Process *self, uint32_t table, int64_t ms, int64_t until_ms, Error *err) {
    Builder *ready = &self->ready[table];
    Status st = ST_OK;
    for (bool taken = true; !st && taken;) {
        st = process_wait_take(&self->waiting[table], ms, until_ms, ready, &taken, err);
        if (st || !builder_full(ready)) continue;
        Batch *batch = builder_take(ready);
        st = run_rows(self, table, batch, err);
        batch_unref(batch);
    }
    Batch *batch = st ? NULL : builder_take(ready);
    if (batch) st = run_rows(self, table, batch, err);
    batch_unref(batch);
    return st;
}

// The time of the first row that waits. False: none does.
static bool next_time(const Process *self, int64_t *ms) {
    bool any = false;
    for (uint32_t t = 0; t < self->spec->table_count; t++) {
        if (!self->spec->table[t].order_count) continue;
        int64_t first = process_wait_first(&self->waiting[t]);
        if (first == INT64_MAX) continue;
        if (!any || first < *ms) *ms = first;
        any = true;
    }
    return any;
}

// Rows of all tables in the order of their times, those of the first table first, and among them
// the timers.
static Status release_until(Process *self, int64_t ms, Error *err) {
    for (int64_t next = 0; next_time(self, &next) && next <= ms;) {
        if (process_state_next_ms(&self->state) < next) TRY(fire(self, next - 1, err));
        for (uint32_t t = 0; t < self->spec->table_count; t++) {
            if (self->spec->table[t].order_count) TRY(release(self, t, next, ms, err));
        }
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
    uint32_t own = udf->result->child_count, tables = spec->table_count;
    emitted_init(&self->emitted, plan->type, plan->type->child_count - own - spec->timed, own);
    self->constant = ARENA_ARRAY(arena, const Vec *, udf->in_count + 1);
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (!spec->arg[i]) continue;
        self->constant[i] = vec_repeat(arena, spec->arg[i]->value, 0, BATCH_ROWS_MAX);
    }
    const Type **child = ARENA_ARRAY(arena, const Type *, plan->key_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, plan->key_count + 1);
    const Type *key = process_key_type(arena, plan);
    for (uint32_t k = 0; k < plan->key_count; k++) child[k] = key->child[k];
    child[plan->key_count] = plan->type->child[plan->type->child_count - 1];  // rowtime, if timed
    for (uint32_t k = 0; k <= plan->key_count; k++) name[k] = STR("");
    self->fired_row = type_row(arena, plan->key_count + 1, child, name, false);
    self->waiting = ARENA_ARRAY(arena, ProcessWait, tables);
    self->ready = ARENA_ARRAY(arena, Builder, tables);
    for (uint32_t t = 0; t < tables; t++) {
        if (!spec->table[t].order_count) continue;
        process_wait_open(&self->waiting[t], op, t);
        builder_init(&self->ready[t], plan->input[t]->type);
    }
    if (self->keyed) TRY(process_state_open(&self->state, op, err));
    return udf_call_open(&self->call, err);
}

static Status process_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    Process *self = (Process *)op;
    bool ordered = self->spec->table[input].order_count;
    return ordered ? wait(self, input, in, err) : run_rows(self, input, in, err);
}

static Status process_on_watermark(Operator *op, int64_t ms, Error *err) {
    Process *self = (Process *)op;
    TRY(release_until(self, ms, err));
    TRY(fire(self, ms, err));
    return output_watermark(op, ms, err);
}

static void process_close(Operator *op) {
    Process *self = (Process *)op;
    if (self->call.udf) udf_call_close(&self->call);
    if (self->state.op) process_state_close(&self->state);
    emitted_clear(&self->emitted);
    self->fired = batch_unref(self->fired);
    for (uint32_t t = 0; self->ready && t < self->spec->table_count; t++) {
        process_wait_close(&self->waiting[t]);
        builder_clear(&self->ready[t]);
    }
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
