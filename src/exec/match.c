// exec/match.c - MATCH_RECOGNIZE: feeds each key's rows, in the order of time, to the automaton of
// exec/nfa.h, answers its questions, and makes a row of each match.
//
// By event time a row waits until the watermark has reached its stamp; rows at or below the
// watermark are late. Each stamp that a key waits for is a timer, and a key that is called takes
// all rows that are due, so keys' matches mingle as they do in Flink's CepOperator. By processing
// time rows go in as they come, or, when there are further sort keys, once the clock has ticked.
//
// State: per key, the rows that wait, the runs, and the timers. With RocksDB keys leave memory, and
// come back with their rows or when their first timer is due.
#include "exec/match_eval.h"
#include "exec/saved.h"
#include "exec/timers.h"

enum { FOUND_MAX = 512 };

typedef struct MatchKey {  // a row of the state table
    SortedRows waiting;
    NfaRuns runs;
    TimerTimes times;
    uint64_t leaving;  // is on the list of keys to be dropped
} MatchKey;

typedef struct FoundMatch {
    NfaNode *path;  // counted
    int64_t time_ms;
} FoundMatch;

typedef struct MatchOp {
    Operator base;
    const MatchSpec *spec;
    Nfa *nfa;
    MatchEval eval;
    StateTable *keys;
    RowPool pool;
    RowLoader loader, waiting_loader;  // rows of runs, which have no sort key; rows that wait
    Timers timers;
    Builder out;
    Arena arena;       // until the next batch
    uint32_t columns;  // of the input
    OrderKey *order;   // of the rows that wait; with processing time, that first
    uint32_t order_count;
    uint64_t rows;    // that went through the automaton
    int64_t time_ms;  // of the row at hand, or up to which time goes
    bool proctime, closed;
    // Matches wait here, to be computed together; never from one call of the operator to the next.
    FoundMatch found[FOUND_MAX];
    uint32_t found_count;
} MatchOp;

// ---- rows --------------------------------------------------------------------------------------
//
// A stored row's first field is ours: while it waits, the bits of the local conditions; then the
// count of those who hold it.

static void row_set(StoredRow *row, uint64_t value) {
    row->next = (StoredRow *)(uintptr_t)value;
}

static uint64_t row_get(const StoredRow *row) {
    return (uintptr_t)row->next;
}

static void row_ref(void *arg, void *row) {
    (void)arg;
    row_set(row, row_get(row) + 1);
}

static void row_unref(void *arg, void *row) {
    MatchOp *self = arg;
    row_set(row, row_get(row) - 1);
    if (!row_get(row)) row_free(&self->pool, row);
}

static MatchKey *key_of(uint8_t *row) {
    return (MatchKey *)(void *)row;
}

static void key_clear(void *arg, uint8_t *at) {
    MatchOp *self = arg;
    MatchKey *key = key_of(at);
    if (self->closed) return;
    const StoredRow *row;
    for (SortedAt place = sorted_first(&key->waiting); (row = sorted_row(&key->waiting, place));
         place = sorted_next(&key->waiting, place)) {
        row_free(&self->pool, (StoredRow *)(uintptr_t)row);
    }
    sorted_free(&key->waiting);
    nfa_clear(self->nfa, &key->runs);
    timer_times_free(&self->timers, &key->times);
}

static int64_t key_wanted(void *arg, const uint8_t *row) {
    (void)arg;
    const TimerTimes *times = &((const MatchKey *)(const void *)row)->times;
    return timer_times_empty(times) ? INT64_MAX : times->at[times->from];
}

static void key_leave(void *arg, uint8_t *row) {
    timers_forget(&((MatchOp *)arg)->timers, &key_of(row)->times);
}

// ---- matches -----------------------------------------------------------------------------------

// A column of Java's primitive kind that is NOT NULL holds a default where Flink finds no row.
static void put_default(const Type *type, Vec *out, uint32_t at) {
    switch (out->phys) {
        case PHYS_I8:
        case PHYS_I16:
        case PHYS_I32:
        case PHYS_I64:
            if (type_is_timestamp(type)) return vec_set_null(out, at);
            return vec_set_integer(out, at, -1);
        case PHYS_F32: vec_f32(out)[at] = -1; return;
        case PHYS_F64: vec_f64(out)[at] = -1; return;
        case PHYS_U8: vec_u8(out)[at] = 0; return;
        case PHYS_STR: vec_set_text(out, at, (Str){0}); return;
        default: vec_set_null(out, at); return;
    }
}

static void put_measure(Vec *out, uint32_t at, const Vec *value, uint32_t index) {
    if (vec_is_null(value, index) && !out->type->nullable) {
        put_default(out->type, out, at);
    } else {
        vec_copy_value(out, at, value, index);
    }
}

static Status emit(MatchOp *self, uint32_t count, Vec **row, Vec **measure, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = builder_row(&self->out, ROW_INSERT);
        Vec **out = self->out.batch->column;
        for (uint32_t k = 0; k < plan->key_count; k++) {
            vec_copy_value(out[k], at, row[plan->key[k]], i);
        }
        for (uint32_t m = 0; m < self->spec->measure_count; m++) {
            put_measure(out[plan->key_count + m], at, measure[m], i);
        }
        TRY(output_builder(&self->base, &self->out, false, err));
    }
    return ST_OK;
}

static Status emit_found(MatchOp *self, Error *err) {
    if (!self->found_count) return ST_OK;
    const NfaNode *path[FOUND_MAX];
    int64_t time_ms[FOUND_MAX];
    Vec **row = NULL, **measure = NULL;
    uint32_t count = self->found_count;
    for (uint32_t i = 0; i < count; i++) {
        path[i] = self->found[i].path;
        time_ms[i] = self->found[i].time_ms;
    }
    Status st = match_eval_measures(&self->eval, path, time_ms, count, &row, &measure, err);
    if (!st) st = emit(self, count, row, measure, err);
    for (uint32_t i = 0; i < count; i++) nfa_node_unref(self->nfa, self->found[i].path);
    self->found_count = 0;
    return st;
}

static Status hook_match(void *arg, NfaNode *path, Error *err) {
    MatchOp *self = arg;
    if (self->found_count == FOUND_MAX) TRY(emit_found(self, err));
    nfa_node_ref(path);
    self->found[self->found_count++] = (FoundMatch){path, self->time_ms};
    return ST_OK;
}

static Status hook_suits(void *arg, uint32_t var, const NfaNode *const *path, uint32_t count,
                         uint8_t *out, Error *err) {
    return match_eval_suits(&((MatchOp *)arg)->eval, var, path, count, out, err);
}

static Status hook_enter(void *arg, NfaNode *node, Error *err) {
    return match_eval_enter(&((MatchOp *)arg)->eval, node, err);
}

// ---- a key's rows ------------------------------------------------------------------------------

static Status add_timer(MatchOp *self, MatchKey *key, int64_t ms, Error *err) {
    TRY(timers_add(&self->timers, key, &key->times, ms, err));
    if (self->proctime) self->base.env->timer_at(&self->base, ms);
    return ST_OK;
}

static Status advance(MatchOp *self, MatchKey *key, int64_t ms, Error *err) {
    self->time_ms = ms;
    return nfa_advance(self->nfa, &key->runs, ms, err);
}

// Takes over the row.
static Status take_row(MatchOp *self, MatchKey *key, StoredRow *row, int64_t ms, Error *err) {
    int64_t timeout;
    match_eval_row(&self->eval, row, row_get(row), ms);
    self->time_ms = ms;
    row_set(row, 1);
    Status st = nfa_row(self->nfa, &key->runs, row, self->rows++, ms, err);
    row_unref(self, row);
    TRY(st);
    bool waits = self->spec->within_ms && key->runs.started;
    if (!waits || __builtin_add_overflow(ms, self->spec->within_ms, &timeout)) return ST_OK;
    return add_timer(self, key, timeout, err);
}

// The rows of a key up to [ms], and what their passing does to its runs.
static Status take_due(MatchOp *self, MatchKey *key, int64_t ms, Error *err) {
    StoredRow *row;
    int64_t last_ms = INT64_MIN;
    while ((row = sorted_row(&key->waiting, sorted_first(&key->waiting))) && *row_time(row) <= ms) {
        sorted_remove(&key->waiting, sorted_first(&key->waiting));
        Status st = *row_time(row) > last_ms ? advance(self, key, *row_time(row), err) : ST_OK;
        last_ms = *row_time(row);
        if (st) {
            row_free(&self->pool, row);
            return st;
        }
        TRY(take_row(self, key, row, last_ms, err));
    }
    TRY(advance(self, key, ms, err));
    key->runs.started = false;
    return ST_OK;
}

static bool is_idle(const MatchKey *key) {
    return !key->waiting.count && timer_times_empty(&key->times) && nfa_is_idle(&key->runs);
}

// Some of the keys in memory with a timer up to [due_ms] take their rows up to [ms].
static Status fire_some(MatchOp *self, int64_t due_ms, int64_t ms, Error *err) {
    Timer timer;
    for (uint32_t i = 0; i < RECALL_MAX && timers_due(&self->timers, due_ms, &timer); i++) {
        state_write(self->keys, timer.key);
        TRY(take_due(self, timer.key, ms, err));
        if (is_idle(timer.key)) state_remove(self->keys, timer.key);
    }
    return ST_OK;
}

static int64_t first_ms(const MatchOp *self) {
    int64_t here_ms = timers_first(&self->timers), away_ms = state_away_first(self->keys);
    return here_ms < away_ms ? here_ms : away_ms;
}

static Status fire(MatchOp *self, int64_t ms, Error *err) {
    StateRecall recall = {.from_ms = INT64_MIN, .until_ms = ms};
    Status st = ST_OK;
    for (int64_t next_ms; !st && (next_ms = first_ms(self)) != INT64_MAX && next_ms <= ms;) {
        recall.at.len = 0;
        if (state_away_due(self->keys, next_ms)) st = state_recall(self->keys, &recall, err);
        // Nobody who is still away is due earlier than the first of them.
        int64_t away_ms = state_away_first(self->keys);
        if (!st) st = fire_some(self, away_ms < ms ? away_ms : ms, ms, err);
        // Runs may need more room than the rows that they were made of.
        if (!st) st = state_table_trim(self->keys, err);
    }
    state_recall_clear(&recall);
    TRY(st);
    TRY(emit_found(self, err));
    return output_builder(&self->base, &self->out, true, err);
}

// ---- snapshots ---------------------------------------------------------------------------------

static void put_row(void *arg, const void *row, Buf *out) {
    stored_save(&((MatchOp *)arg)->pool, row, out);
}

static const char *get_row(void *arg, const char *at, void **out, Error *err) {
    StoredRow *row;
    at = stored_load(&((MatchOp *)arg)->loader, at, &row, err);
    if (at) row_set(row, 1);
    *out = row;
    return at;
}

static void key_save(void *arg, const uint8_t *at, Buf *out) {
    MatchOp *self = arg;
    const MatchKey *key = (const MatchKey *)(const void *)at;
    sorted_save(&self->pool, &key->waiting, out);
    codec_put_list_head(out, key->waiting.count);
    const StoredRow *row;
    for (SortedAt place = sorted_first(&key->waiting); (row = sorted_row(&key->waiting, place));
         place = sorted_next(&key->waiting, place)) {
        codec_put_i64(out, (int64_t)row_get(row));
    }
    codec_put_list_head(out, key->times.count - key->times.from);
    for (uint32_t i = key->times.from; i < key->times.count; i++) {
        codec_put_i64(out, key->times.at[i]);
    }
    codec_put_row_head(out);
    nfa_save(self->nfa, &key->runs, put_row, self, out);
}

static const char *key_load(void *arg, uint8_t *row, const char *at, Error *err) {
    MatchOp *self = arg;
    MatchKey *key = key_of(row);
    uint32_t count;
    int64_t value;
    at = sorted_load(&self->waiting_loader, &key->waiting, at, err);
    if (!at) return NULL;
    at = codec_get_list_head(at, &count);
    for (SortedAt place = sorted_first(&key->waiting); count; count--) {
        at = codec_get_i64(at, &value);
        row_set(sorted_row(&key->waiting, place), (uint64_t)value);
        place = sorted_next(&key->waiting, place);
    }
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        at = codec_get_i64(at, &value);
        if (add_timer(self, key, value, err)) return NULL;
    }
    return nfa_load(self->nfa, &key->runs, get_row, self, codec_get_row_head(at), err);
}

static const Type *key_value(Arena *arena, const Type *row) {
    const Type *number = type_of(TYPE_BIGINT, false);
    FieldList list = {.arena = arena};
    field_add(&list, "waiting", stored_rows_type(arena, row));
    field_add(&list, "suits", type_array(arena, number, false));
    field_add(&list, "timers", type_array(arena, number, false));
    field_add(&list, "runs", nfa_type(arena, stored_rows_type(arena, row)));
    return field_row(&list);
}

// Rows that went through the automatons so far: their order must go on rising.
static Status match_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    codec_put_i64(out, (int64_t)((MatchOp *)op)->rows);
    return ST_OK;
}

static Status match_restore(Operator *op, Str bytes, Error *err) {
    (void)err;
    MatchOp *self = (MatchOp *)op;
    int64_t rows;
    (void)codec_get_i64(bytes.ptr, &rows);
    if ((uint64_t)rows > self->rows) self->rows = (uint64_t)rows;
    return ST_OK;
}

// ---- the operator ------------------------------------------------------------------------------

static Status match_open(Operator *op, Error *err) {
    MatchOp *self = (MatchOp *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    self->spec = plan->match;
    const Type *input = plan->input[0]->type;
    self->columns = input->child_count;
    self->proctime = plan->proctime_order;
    self->order = ARENA_ARRAY(arena, OrderKey, plan->order_count + 1);
    if (self->proctime) self->order[self->order_count++] = (OrderKey){self->columns, false, false};
    for (uint32_t i = 0; i < plan->order_count; i++) {
        self->order[self->order_count++] = plan->order[i];
    }
    self->timers.budget = op->budget;
    row_pool_init_timed(&self->pool, op->budget);
    row_loader_init(&self->loader, &self->pool, NULL, 0, input);
    row_loader_init(&self->waiting_loader, &self->pool, self->order, self->order_count, input);
    builder_init(&self->out, plan->type);
    TRY(match_eval_open(&self->eval, op, err));
    NfaHooks hooks = {
        .arg = self,
        .suits = hook_suits,
        .enter = self->eval.kept_size ? hook_enter : NULL,
        .row_ref = row_ref,
        .row_unref = row_unref,
        .match = hook_match,
        .extra_size = self->eval.kept_size,
    };
    TRY(nfa_new(self->spec, &hooks, op->budget, &self->nfa, err));
    StateTableDef def = {
        .name = "runs",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(arena, input, plan->key, plan->key_count),
        .value = key_value(arena, input),
        .version = 1,
        .row_size = sizeof(MatchKey),
        .clear = key_clear,
        .save = key_save,
        .load = key_load,
        .may_leave = true, .load_all = true,
        .wanted = key_wanted,
        .leave = key_leave,
        .clear_arg = self,
    };
    self->keys = state_table_open(op->env->state, &def);
    self->timers.one_each = state_may_leave(self->keys);
    return ST_OK;
}

// Event time: the stamps, and which rows are in time. The others are dropped.
static Status read_times(MatchOp *self, const Batch *in, int64_t *time_ms, uint64_t *in_time,
                         Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        TRY(kept_time(in, self->base.plan->time_column, row, &time_ms[row], err));
        if (time_ms[row] > self->base.watermark_in) {
            bits_set(in_time, row);
        } else {
            self->base.late_dropped++;
        }
    }
    return ST_OK;
}

static Status wait(MatchOp *self, MatchKey *key, StoredRow *row, Error *err) {
    int64_t ms = *row_time(row);
    (void)sorted_add(&key->waiting, row);
    return add_timer(self, key, self->proctime ? ms + 1 : ms, err);
}

// Processing time: the row goes in now.
static Status take_at_once(MatchOp *self, MatchKey *key, StoredRow *row, Error *err) {
    int64_t ms = *row_time(row);
    Status st = advance(self, key, ms, err);
    if (st) {
        row_free(&self->pool, row);
        return st;
    }
    TRY(take_row(self, key, row, ms, err));
    key->runs.started = false;
    return ST_OK;
}

// Keys that a batch came to and left with nothing under way go; many rows may be of one key.
static void drop_idle(MatchOp *self, uint8_t **at, uint32_t rows) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!at[i] || key_of(at[i])->leaving || !is_idle(key_of(at[i]))) continue;
        key_of(at[i])->leaving = true;
        at[count++] = at[i];
    }
    for (uint32_t i = 0; i < count; i++) state_remove(self->keys, at[i]);
}

static Status take_batch(MatchOp *self, const Batch *in, const int64_t *time_ms,
                         const uint64_t *bits, Vec *const *column, uint8_t **at, Error *err) {
    bool at_once = self->proctime && !self->base.plan->order_count;
    const OpEnv *env = self->base.env;
    for (uint32_t i = 0; i < in->rows; i++) {
        if (!at[i]) continue;  // late
        StoredRow *row;
        TRY(row_store(&self->pool, self->order, at_once ? 0 : self->order_count, column,
                      self->columns, i, &row, err));
        // Time goes on while a batch is worked through.
        *row_time(row) = at_once ? env->now_ms(env->now_arg) : time_ms[i];
        row_set(row, bits[i]);
        TRY(at_once ? take_at_once(self, key_of(at[i]), row, err)
                    : wait(self, key_of(at[i]), row, err));
    }
    if (at_once) drop_idle(self, at, in->rows);
    TRY(emit_found(self, err));
    return output_builder(&self->base, &self->out, true, err);
}

static Status match_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    MatchOp *self = (MatchOp *)op;
    const Plan *plan = op->plan;
    Arena *arena = &self->arena;
    arena_reset(arena);
    uint64_t *bits = ARENA_ARRAY(arena, uint64_t, in->rows);
    uint64_t *in_time = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(in->rows));
    uint8_t **at = ARENA_ARRAY(arena, uint8_t *, in->rows);
    Vec **key = ARENA_ARRAY(arena, Vec *, plan->key_count + 1);
    // The time stands behind the columns: processing time is a sort key, but no column.
    Vec **column = ARENA_ARRAY(arena, Vec *, self->columns + 1);
    Vec *time = vec_new(arena, type_of(TYPE_BIGINT, false), in->rows);
    memcpy(column, in->column, self->columns * sizeof *column);
    column[self->columns] = time;
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    TRY(match_eval_local(&self->eval, in, bits, err));
    if (self->proctime) {
        int64_t now = op->env->now_ms(op->env->now_arg);
        for (uint32_t i = 0; i < in->rows; i++) vec_i64(time)[i] = now;
    } else {
        TRY(read_times(self, in, vec_i64(time), in_time, err));
    }
    TRY(state_find(self->keys, key, in->rows, self->proctime ? NULL : in_time, true, 0, at, NULL,
                   err));
    return take_batch(self, in, vec_i64(time), bits, column, at, err);
}

static Status match_on_watermark(Operator *op, int64_t ms, Error *err) {
    MatchOp *self = (MatchOp *)op;
    if (!self->proctime) TRY(fire(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status match_on_timer(Operator *op, int64_t now_ms, Error *err) {
    MatchOp *self = (MatchOp *)op;
    TRY(fire(self, now_ms, err));
    int64_t next_ms = first_ms(self);
    if (next_ms != INT64_MAX) op->env->timer_at(op, next_ms);
    return ST_OK;
}

// Rows that wait for the clock do not wait for one that will not tick.
static Status match_on_end(Operator *op, Error *err) {
    MatchOp *self = (MatchOp *)op;
    return self->proctime ? fire(self, INT64_MAX, err) : ST_OK;
}

static void match_close(Operator *op) {
    MatchOp *self = (MatchOp *)op;
    for (uint32_t i = 0; i < self->found_count; i++) nfa_node_unref(self->nfa, self->found[i].path);
    uint64_t cursor = 0;
    for (uint8_t *row; self->keys && (row = state_next(self->keys, &cursor));) key_clear(self, row);
    self->closed = true;
    row_loader_clear(&self->loader);
    row_loader_clear(&self->waiting_loader);
    nfa_free(self->nfa);
    timers_free(&self->timers);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
    match_eval_close(&self->eval);
    arena_clear(&self->arena);
}

const OperatorVt MATCH_OPERATOR = {
    .name = "match",
    .plan_kind = PLAN_MATCH,
    .size = sizeof(MatchOp),
    .open = match_open,
    .on_batch = match_on_batch,
    .on_watermark = match_on_watermark,
    .on_timer = match_on_timer,
    .on_end = match_on_end,
    .save = match_save,
    .restore = match_restore,
    .save_plain = true,
    .close = match_close,
};
