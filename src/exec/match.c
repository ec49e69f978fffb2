// exec/match.c - MATCH_RECOGNIZE: feeds each key's rows, in the order of time, to the automaton of
// exec/nfa.h, answers its questions, and makes a row of each match.
//
// By event time a row waits until the watermark has reached its stamp; rows at or below the
// watermark are late. Each stamp that a key waits for is a timer, and a key that is called takes
// all rows that are due, so keys' matches mingle as they do in Flink's CepOperator. By processing
// time rows go in as they come, or, when there are further sort keys, once the clock has ticked.
//
// Conditions: the part of one that speaks of the row at hand alone is computed for whole batches as
// they come in, a bit per variable; the rest over all runs that wait for an answer, see
// plan/match.h. Measures are computed for many matches at once.
// State: per key, the rows that wait, the runs, and the timers.
#include "exec/kept.h"
#include "exec/nfa.h"
#include "exec/stored.h"
#include "exec/timers.h"

enum { LOCAL_VARS = 64, FOUND_MAX = 512 };

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
    StateTable *keys;
    RowPool pool;
    Timers timers;
    Builder out;
    Arena batch_arena, row_arena;
    const Type *input;
    uint32_t columns;  // of the input
    OrderKey *order;   // of the rows that wait; with processing time, that first
    uint32_t order_count;
    uint64_t rows;  // that went through the automaton
    bool proctime, closed;
    // Per variable: the part of its condition that reads the row at hand alone, and what remains.
    Program **local, **rest;
    Program *measures;
    AggCall **call;       // per slot: an aggregate's call …
    Program **call_arg;   // … and its arguments
    uint32_t *call_size;  // bytes of its state
    StoredRow *row;       // the row at hand
    uint64_t bits;        // of its local conditions
    int64_t time_ms;      // of the row, or up to which time goes
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

// ---- slots -------------------------------------------------------------------------------------

// Whose slots are filled: paths of runs with the row at hand as a candidate for [var], or matches.
typedef struct Filling {
    const NfaNode *const *path;
    const int64_t *time_ms;  // per path
    uint32_t count;
    int32_t var;  // MATCH_NONE: no row at hand
} Filling;

// Whether the row at hand counts among the rows of [var].
static bool counts_in(const Filling *in, int32_t var) {
    return in->var != MATCH_NONE && (var == MATCH_ANY || var == in->var);
}

static const StoredRow *find_row(const MatchOp *self, const Filling *in, const MatchSlot *slot,
                                 uint32_t index) {
    const NfaNode *path = in->path[index];
    uint32_t offset = (uint32_t)slot->offset;
    if (counts_in(in, slot->var)) {
        if (slot->first && offset == nfa_count(path, slot->var)) return self->row;
        if (!slot->first && offset == 0) return self->row;
        if (!slot->first) offset--;
    }
    const NfaNode *node = nfa_find(path, slot->var, slot->first, offset);
    return node ? node->row : NULL;
}

static void load_row(const MatchOp *self, const StoredRow *row, Vec *const *column, uint32_t at) {
    if (row) {
        row_load(row, column, self->columns, at);
        return;
    }
    for (uint32_t c = 0; c < self->columns; c++) vec_set_null(column[c], at);
}

static void new_columns(MatchOp *self, Vec **column, uint32_t rows) {
    for (uint32_t c = 0; c < self->columns; c++) {
        column[c] = vec_new(&self->row_arena, self->input->child[c], rows);
    }
}

static Status fill_rows(MatchOp *self, const Filling *in, const MatchSlot *slot, Vec **column,
                        Error *err) {
    if (slot->offset < 0) {
        return error_set(err, ST_RUNTIME, "index %d out of bounds: there is no such row of a match",
                         slot->offset);
    }
    new_columns(self, column, in->count);
    for (uint32_t i = 0; i < in->count; i++) {
        load_row(self, find_row(self, in, slot, i), column, i);
    }
    return ST_OK;
}

// Folds the rows [row] into the state.
static Status agg_fold(MatchOp *self, uint32_t slot, const StoredRow *const *row, uint32_t rows,
                       uint8_t *state, AggEnv *env, Error *err) {
    const AggCall *call = self->call[slot];
    Vec **column = ARENA_ARRAY(&self->row_arena, Vec *, self->columns + 1);
    Vec **arg = ARENA_ARRAY(&self->row_arena, Vec *, call->argc + 1);
    if (call->argc) {
        new_columns(self, column, rows);
        for (uint32_t i = 0; i < rows; i++) load_row(self, row[i], column, i);
        TRY(program_run(self->call_arg[slot], column, rows, &self->row_arena, arg, err));
    }
    AggRows in = {.rows = rows, .arg = (const Vec *const *)arg, .single = state};
    return agg_update(call, &in, env, err);
}

// The aggregate over the rows of its variable on one path.
static Status fill_agg(MatchOp *self, const Filling *in, uint32_t slot, uint32_t index, Vec *out,
                       Error *err) {
    const MatchSlot *spec = &self->spec->slot[slot];
    const AggCall *call = self->call[slot];
    AggEnv env = {self->base.env->budget, &self->row_arena, self->base.env->func};
    uint8_t *state = arena_zalloc(&self->row_arena, self->call_size[slot]);
    uint32_t on_path = nfa_count(in->path[index], spec->var), rows = on_path;
    const StoredRow **row = ARENA_ARRAY(&self->row_arena, const StoredRow *, on_path + 1);
    const NfaNode *node = nfa_find(in->path[index], spec->var, false, 0);
    for (uint32_t i = on_path; i-- > 0; node = node->prev) row[i] = node->row;
    if (counts_in(in, spec->var)) row[rows++] = self->row;
    Status st = ST_OK;
    for (uint32_t from = 0; from < rows && !st; from += BATCH_ROWS_MAX) {
        uint32_t count = rows - from < BATCH_ROWS_MAX ? rows - from : BATCH_ROWS_MAX;
        st = agg_fold(self, slot, row + from, count, state, &env, err);
    }
    if (!st) st = agg_emit_one(call, state, &env, out, index, err);
    if (call->impl->flags & AGG_OWNS) agg_clear(call, state, &env);
    return st;
}

static Status fill_slot(MatchOp *self, const Filling *in, uint32_t index, Vec **column,
                        Error *err) {
    const MatchSlot *slot = &self->spec->slot[index];
    if (slot->kind == SLOT_ROW) return fill_rows(self, in, slot, column + slot->column, err);
    Vec *out = vec_new(&self->row_arena, slot->type, in->count);
    column[slot->column] = out;
    const OpEnv *env = self->base.env;
    int64_t now = slot->kind == SLOT_PROC_TIME ? env->now_ms(env->now_arg) : 0;
    for (uint32_t i = 0; i < in->count; i++) {
        if (slot->kind == SLOT_AGG) {
            TRY(fill_agg(self, in, index, i, out, err));
        } else {
            int64_t ms = slot->kind == SLOT_PROC_TIME ? now
                         : in->time_ms                ? in->time_ms[i]
                                                      : self->time_ms;
            vec_set_timestamp(out, i, (Timestamp){ms, 0, 0});
        }
    }
    return ST_OK;
}

static Status fill(MatchOp *self, const Filling *in, const MatchExpr *expr, Vec **column,
                   Error *err) {
    for (uint32_t i = 0; i < expr->slot_count; i++) {
        TRY(fill_slot(self, in, expr->slot[i], column, err));
    }
    return ST_OK;
}

// ---- conditions --------------------------------------------------------------------------------

static Status ask_rest(MatchOp *self, const Filling *in, uint8_t *out, Error *err) {
    const MatchSpec *spec = self->spec;
    Vec **column = ARENA_ARRAY(&self->row_arena, Vec *, spec->row->child_count + 1), *suits;
    new_columns(self, column, in->count);
    for (uint32_t i = 0; i < in->count; i++) load_row(self, self->row, column, i);
    TRY(fill(self, in, &spec->define[in->var], column, err));
    TRY(program_run(self->rest[in->var], column, in->count, &self->row_arena, &suits, err));
    for (uint32_t i = 0; i < in->count; i++) out[i] = vec_u8(suits)[i] && !vec_is_null(suits, i);
    return ST_OK;
}

static Status suits(void *arg, uint32_t var, const NfaNode *const *path, uint32_t count,
                    uint8_t *out, Error *err) {
    MatchOp *self = arg;
    bool may = !self->local[var] || (self->bits >> var & 1);
    memset(out, may, count);
    if (!may || !self->rest[var]) return ST_OK;
    for (uint32_t from = 0; from < count; from += BATCH_ROWS_MAX) {
        uint32_t more = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        Filling in = {.path = path + from, .count = more, .var = (int32_t)var};
        TRY(ask_rest(self, &in, out + from, err));
    }
    return ST_OK;
}

// The bits of the local conditions of a batch's rows.
static Status local_bits(MatchOp *self, const Batch *in, uint64_t *bits, Error *err) {
    uint32_t *sel = ARENA_ARRAY(&self->batch_arena, uint32_t, in->rows + 1), count;
    for (uint32_t var = 0; var < self->spec->part_count; var++) {
        if (!self->local[var]) continue;
        TRY(program_select(self->local[var], in->column, in->rows, sel, &count, err));
        for (uint32_t i = 0; i < count; i++) bits[sel[i]] |= (uint64_t)1 << var;
    }
    return ST_OK;
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

static Status emit(MatchOp *self, const Filling *in, Vec **key, Vec **value, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t i = 0; i < in->count; i++) {
        uint32_t at = builder_row(&self->out, ROW_INSERT);
        Vec **out = self->out.batch->column;
        for (uint32_t k = 0; k < plan->key_count; k++) {
            vec_copy_value(out[k], at, key[plan->key[k]], i);
        }
        for (uint32_t m = 0; m < self->spec->measure_count; m++) {
            put_measure(out[plan->key_count + m], at, value[m], i);
        }
        TRY(output_builder(&self->base, &self->out, false, err));
    }
    return ST_OK;
}

static Status emit_found(MatchOp *self, Error *err) {
    if (!self->found_count) return ST_OK;
    const MatchSpec *spec = self->spec;
    const NfaNode *path[FOUND_MAX];
    int64_t time_ms[FOUND_MAX];
    Filling in = {.path = path, .time_ms = time_ms, .count = self->found_count, .var = MATCH_NONE};
    arena_reset(&self->row_arena);
    Vec **column = ARENA_ARRAY(&self->row_arena, Vec *, spec->row->child_count + 1);
    Vec **value = ARENA_ARRAY(&self->row_arena, Vec *, spec->measure_count);
    new_columns(self, column, in.count);
    for (uint32_t i = 0; i < in.count; i++) {
        path[i] = self->found[i].path;
        time_ms[i] = self->found[i].time_ms;
        load_row(self, path[i]->row, column, i);  // for the keys
    }
    Status st = fill(self, &in, &spec->measures, column, err);
    if (!st) st = program_run(self->measures, column, in.count, &self->row_arena, value, err);
    if (!st) st = emit(self, &in, column, value, err);
    for (uint32_t i = 0; i < in.count; i++) nfa_node_unref(self->nfa, self->found[i].path);
    self->found_count = 0;
    return st;
}

static Status match_found(void *arg, NfaNode *path, Error *err) {
    MatchOp *self = arg;
    if (self->found_count == FOUND_MAX) TRY(emit_found(self, err));
    nfa_node_ref(path);
    self->found[self->found_count++] = (FoundMatch){path, self->time_ms};
    return ST_OK;
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
    arena_reset(&self->row_arena);
    self->row = row;
    self->bits = row_get(row);
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
    while ((row = sorted_row(&key->waiting, sorted_first(&key->waiting))) && row->time_ms <= ms) {
        sorted_remove(&key->waiting, sorted_first(&key->waiting));
        Status st = row->time_ms > last_ms ? advance(self, key, row->time_ms, err) : ST_OK;
        last_ms = row->time_ms;
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

static Status fire(MatchOp *self, int64_t ms, Error *err) {
    Timer timer;
    while (timers_due(&self->timers, ms, &timer)) {
        TRY(take_due(self, timer.key, ms, err));
        if (is_idle(timer.key)) state_remove(self->keys, timer.key);
    }
    TRY(emit_found(self, err));
    return output_builder(&self->base, &self->out, true, err);
}

// ---- the operator ------------------------------------------------------------------------------

static Status compile(Expr *expr, const Type *row, const FuncEnv *env, Operator *op, Program **out,
                      Error *err) {
    if (!expr) return ST_OK;
    TRY(program_new(&expr, 1, row, env, out, err));
    program_watch(*out, &op->watermark_in);
    return ST_OK;
}

static bool is_and(const Expr *expr) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, "AND") == 0;
}

// Whether [expr] can be computed ahead, from the row at hand alone.
static bool is_local(MatchOp *self, const Expr *expr) {
    size_t words = BITS_WORDS(self->spec->row->child_count);
    uint64_t *used = ARENA_ARRAY(&self->batch_arena, uint64_t, words);
    expr_columns(expr, used);
    for (uint32_t c = self->columns; c < self->spec->row->child_count; c++) {
        if (bits_get(used, c)) return false;
    }
    return expr_is_deterministic(expr) && !expr_can_fail(expr);
}

// Parts the conjuncts of a condition.
static void split(MatchOp *self, Expr *expr, Expr **local, Expr **rest) {
    if (is_and(expr)) {
        for (uint32_t i = 0; i < expr->arg_count; i++) split(self, expr->arg[i], local, rest);
        return;
    }
    Expr **to = is_local(self, expr) ? local : rest;
    *to = expr_and(self->base.env->arena, self->base.env->func, *to, expr);
}

static Status open_conditions(MatchOp *self, Error *err) {
    Operator *op = &self->base;
    const MatchSpec *spec = self->spec;
    Arena *arena = op->env->arena;
    self->local = ARENA_ARRAY(arena, Program *, spec->part_count);
    self->rest = ARENA_ARRAY(arena, Program *, spec->part_count);
    for (uint32_t var = 0; var < spec->part_count; var++) {
        Expr *condition = spec->define[var].expr, *local = NULL, *rest = condition;
        if (condition && var < LOCAL_VARS) {
            rest = NULL;
            split(self, condition, &local, &rest);
        }
        TRY(compile(local, self->input, op->env->func, op, &self->local[var], err));
        TRY(compile(rest, spec->row, op->env->func, op, &self->rest[var], err));
    }
    return ST_OK;
}

static Status open_measures(MatchOp *self, Error *err) {
    Operator *op = &self->base;
    const MatchSpec *spec = self->spec;
    Arena *arena = op->env->arena;
    self->call = ARENA_ARRAY(arena, AggCall *, spec->slot_count + 1);
    self->call_arg = ARENA_ARRAY(arena, Program *, spec->slot_count + 1);
    self->call_size = ARENA_ARRAY(arena, uint32_t, spec->slot_count + 1);
    for (uint32_t i = 0; i < spec->slot_count; i++) {
        const MatchSlot *slot = &spec->slot[i];
        if (slot->kind != SLOT_AGG) continue;
        uint32_t align = 16;
        self->call[i] = arena_dup(arena, slot->call, sizeof(AggCall));
        self->call_size[i] = agg_layout(&self->call[i], 1, 0, &align);
        if (!slot->call->argc) continue;
        TRY(program_new(slot->arg, slot->call->argc, self->input, op->env->func, &self->call_arg[i],
                        err));
    }
    TRY(program_new(spec->measure, spec->measure_count, spec->row, op->env->func, &self->measures,
                    err));
    program_watch(self->measures, &op->watermark_in);
    return ST_OK;
}

static Status match_open(Operator *op, Error *err) {
    MatchOp *self = (MatchOp *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    self->spec = plan->match;
    self->input = plan->input[0]->type;
    self->columns = self->input->child_count;
    self->proctime = plan->proctime_order;
    self->order = ARENA_ARRAY(arena, OrderKey, plan->order_count + 1);
    if (self->proctime) self->order[self->order_count++] = (OrderKey){self->columns, false, false};
    for (uint32_t i = 0; i < plan->order_count; i++) {
        self->order[self->order_count++] = plan->order[i];
    }
    self->timers.budget = op->env->budget;
    row_pool_init(&self->pool, op->env->budget);
    builder_init(&self->out, plan->type);
    NfaHooks hooks = {self, suits, row_ref, row_unref, match_found};
    TRY(nfa_new(self->spec, &hooks, op->env->budget, &self->nfa, err));
    TRY(open_conditions(self, err));
    TRY(open_measures(self, err));
    StateTableDef def = {
        .name = "runs",
        .operator_id = plan->stable_id,
        .key = kept_key_type(arena, self->input, plan->key, plan->key_count),
        .value = self->input,
        .version = 1,
        .row_size = sizeof(MatchKey),
        .clear = key_clear,
        .clear_arg = self,
    };
    self->keys = state_table_open(op->env->state, &def);
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
    int64_t ms = row->time_ms;
    (void)sorted_add(&key->waiting, row);
    return add_timer(self, key, self->proctime ? ms + 1 : ms, err);
}

// Processing time: the row goes in now.
static Status take_at_once(MatchOp *self, MatchKey *key, StoredRow *row, Error *err) {
    int64_t ms = row->time_ms;
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
        row->time_ms = at_once ? env->now_ms(env->now_arg) : time_ms[i];
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
    Arena *arena = &self->batch_arena;
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
    TRY(local_bits(self, in, bits, err));
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
    int64_t next_ms = timers_first(&self->timers);
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
    nfa_free(self->nfa);
    timers_free(&self->timers);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
    for (uint32_t i = 0; self->local && i < self->spec->part_count; i++) {
        program_free(self->local[i]);
        program_free(self->rest[i]);
    }
    for (uint32_t i = 0; self->call_arg && i < self->spec->slot_count; i++) {
        program_free(self->call_arg[i]);
    }
    program_free(self->measures);
    arena_clear(&self->batch_arena);
    arena_clear(&self->row_arena);
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
    .close = match_close,
};
