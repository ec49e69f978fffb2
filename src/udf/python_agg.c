// Aggregate functions in Python. A group's state is its accumulator as pickle has it: a batch goes
// to a worker with the accumulators of its groups and comes back with the new ones. So any worker
// does, checkpoints need none, and what accumulators hold is charged to the budget like all state.
//
// To merge, a state keeps the other's accumulator beside its own; the worker makes one of them when
// it sees them next. A new group has none, and the worker makes it.
#include "udf/python_int.h"

typedef struct PyState {
    char *bytes;  // owned: of each part u32 its size, then its bytes
    uint32_t size;
    uint32_t parts;
} PyState;

static PyState *state_of(const AggCall *call, uint8_t *group) {
    return (PyState *)(void *)(group + call->offset);
}
static PyFunction *function_of(const AggCall *call) {
    return udf_of_agg(call->func)->arg;
}

// ---- states ------------------------------------------------------------------------------------

static void drop_state(PyState *state, AggEnv *env) {
    budget_release(env->budget, state->size);
    mem_free(state->bytes);
    *state = (PyState){0};
}

static Status add_parts(PyState *state, const char *bytes, uint32_t size, uint32_t parts,
                        AggEnv *env, Error *err) {
    if ((uint64_t)state->size + size > TYPE_LENGTH_MAX) {
        return error_set(err, ST_RUNTIME, "an accumulator is above 2 GiB");
    }
    TRY(budget_charge(env->budget, size, err));
    state->bytes = mem_realloc(state->bytes, state->size + size);
    memcpy(state->bytes + state->size, bytes, size);
    state->size += size;
    state->parts += parts;
    return ST_OK;
}

static Status set_state(PyState *state, Str pickled, AggEnv *env, Error *err) {
    drop_state(state, env);
    TRY(add_parts(state, (const char *)&pickled.len, sizeof pickled.len, 0, env, err));
    return add_parts(state, pickled.ptr, pickled.len, 1, env, err);
}

// The next part of a state; false at its end, or where it is torn.
static bool next_part(const char *bytes, uint32_t size, uint32_t *at, Str *part) {
    uint32_t length;
    if (size - *at < sizeof length) return false;
    memcpy(&length, bytes + *at, sizeof length);
    *at += (uint32_t)sizeof length;
    if (length > size - *at) return false;
    *part = (Str){bytes + *at, length};
    *at += length;
    return true;
}

// The parts of some states as ARRAY<BYTES>; the bytes stay where they are.
static Vec *parts_of(Arena *arena, PyState *const *state, uint32_t count) {
    const Type *type = type_array(arena, type_of(TYPE_VARBINARY, false), false);
    Vec *vec = vec_new(arena, type, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t to = vec_list_begin(vec, i, state[i]->parts);
        Str part;
        for (uint32_t at = 0; next_part(state[i]->bytes, state[i]->size, &at, &part);) {
            vec_str(vec->child[0])[to++] = part;
        }
    }
    return vec;
}

// ---- an exchange -------------------------------------------------------------------------------

typedef struct Exchange {
    const AggCall *call;
    AggEnv *env;
    Arena arena;
    PyWorker *worker;
    PyMessage question, answer;
} Exchange;

static Status exchange_open(Exchange *self, const AggCall *call, AggEnv *env, Error *err) {
    *self = (Exchange){.call = call, .env = env};
    arena_init(&self->arena);
    return python_borrow(function_of(call), &self->worker, err);
}

// Names the function in what went wrong.
static Status exchange_close(Exchange *self, Status st, Error *err) {
    python_return(function_of(self->call), self->worker);
    py_free(&self->question);
    py_free(&self->answer);
    arena_clear(&self->arena);
    if (st) error_while(err, "function '%s' failed", function_of(self->call)->name);
    return st;
}

static Status ask(Exchange *self, Error *err) {
    return python_ask(function_of(self->call), self->worker, &self->question, &self->answer, err);
}

static Status put_schema(Exchange *self, const Type *type, Error *err) {
    return py_put_columns(&self->question, &type, NULL, 1, 0, 0, self->env->func, err);
}

// Reads one column of [rows] values out of a section of the answer.
static Status take(Exchange *self, uint32_t section, const Type *type, uint32_t rows, Vec **out,
                   Error *err) {
    static const Str NAME = {"f0", 2};
    const Type *row = type_row(&self->arena, 1, &type, &NAME, false);
    Vec **column;
    uint32_t count;
    if (section >= self->answer.count) return error_set(err, ST_RUNTIME, "the answer is torn");
    TRY(arrow_read_batch(self->answer.section[section], row, &self->arena, &column, &count, err));
    if (count != rows) return error_set(err, ST_RUNTIME, "it gave %u values for %u", count, rows);
    *out = column[0];
    return ST_OK;
}

// ---- rows in -----------------------------------------------------------------------------------

typedef struct Groups {
    PyState **state;
    uint32_t count;
    Vec *number;  // of each row's
} Groups;

// Which states the rows belong to: each once, in the order of their first rows. A row that is not
// taken may have no group at all, and counts to the first where nobody wants a value [after] it.
static Groups find_groups(Exchange *self, const AggRows *in, bool after) {
    uint32_t slots = 64;
    while (slots < 2 * in->rows) slots *= 2;
    uint32_t *slot = ARENA_ARRAY(&self->arena, uint32_t, slots);
    Groups groups = {.state = ARENA_ARRAY(&self->arena, PyState *, in->rows + 1),
                     .number = vec_new(&self->arena, type_of(TYPE_INT, false), in->rows)};
    for (uint32_t row = 0; row < in->rows; row++) {
        vec_i32(groups.number)[row] = 0;
        if (!after && !agg_row_taken(in, row)) continue;
        PyState *state = state_of(self->call, agg_group(in, row));
        uint32_t at = (uint32_t)((uintptr_t)state / 8 * 0x9E3779B1u) & (slots - 1);
        while (slot[at] && groups.state[slot[at] - 1] != state) at = (at + 1) & (slots - 1);
        if (!slot[at]) {
            groups.state[groups.count++] = state;
            slot[at] = groups.count;
        }
        vec_i32(groups.number)[row] = (int32_t)slot[at] - 1;
    }
    return groups;
}

// What is to be done with each row: 0 accumulate, 1 retract, 2 nothing (FILTER).
static Vec *find_actions(Exchange *self, const AggRows *in) {
    Vec *action = vec_new(&self->arena, type_of(TYPE_TINYINT, false), in->rows);
    for (uint32_t row = 0; row < in->rows; row++) {
        vec_i8(action)[row] = agg_row_taken(in, row) ? (int8_t)agg_row_retracts(in, row) : 2;
    }
    return action;
}

static Status put_rows(Exchange *self, const AggRows *in, const Groups *groups, Error *err) {
    const Vec *column[2 + UDF_AGG_ARGS_MAX] = {groups->number, find_actions(self, in)};
    const Type *type[2 + UDF_AGG_ARGS_MAX];
    uint32_t count = 2 + self->call->argc;
    ASSERT(self->call->argc <= UDF_AGG_ARGS_MAX);
    for (uint32_t i = 2; i < count; i++) column[i] = in->arg[i - 2];
    for (uint32_t i = 0; i < count; i++) type[i] = column[i]->type;
    return py_put_columns(&self->question, type, column, count, 0, in->rows, self->env->func, err);
}

static Status put_states(Exchange *self, PyState *const *state, uint32_t count, Error *err) {
    const Vec *parts = parts_of(&self->arena, state, count);
    return py_put_columns(&self->question, &parts->type, &parts, 1, 0, count, self->env->func, err);
}

// [after]: where the value after each row goes, or NULL.
static Status feed(Exchange *self, const AggRows *in, Vec *after, Error *err) {
    const Type *bytes = type_of(TYPE_VARBINARY, false);
    Groups groups = find_groups(self, in, after);
    if (!groups.count) return ST_OK;
    Vec *states = NULL, *values = NULL;
    py_begin(&self->question, PYTHON_AGGREGATE, 4);
    if (after)
        TRY(put_schema(self, self->call->result, err));
    else
        py_put(&self->question, (Str){0});
    TRY(put_schema(self, bytes, err));
    TRY(put_rows(self, in, &groups, err));
    TRY(put_states(self, groups.state, groups.count, err));
    TRY(ask(self, err));
    TRY(take(self, 0, bytes, groups.count, &states, err));
    for (uint32_t i = 0; i < groups.count; i++) {
        TRY(set_state(groups.state[i], vec_str(states)[i], self->env, err));
    }
    if (!after) return ST_OK;
    TRY(take(self, 1, self->call->result, in->rows, &values, err));
    for (uint32_t row = 0; row < in->rows; row++) vec_copy_value(after, row, values, row);
    return ST_OK;
}

static Status python_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    Exchange self;
    Status st = exchange_open(&self, call, env, err);
    if (!st) st = feed(&self, in, NULL, err);
    return exchange_close(&self, st, err);
}

static Status python_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                          Error *err) {
    Exchange self;
    Status st = exchange_open(&self, call, env, err);
    if (!st) st = feed(&self, in, after, err);
    return exchange_close(&self, st, err);
}

// ---- values out --------------------------------------------------------------------------------

static Status values(Exchange *self, PyState *const *state, uint32_t count, Vec *out, uint32_t row,
                     Error *err) {
    Vec *got = NULL;
    py_begin(&self->question, PYTHON_VALUES, 2);
    TRY(put_schema(self, self->call->result, err));
    TRY(put_states(self, state, count, err));
    TRY(ask(self, err));
    TRY(take(self, 0, self->call->result, count, &got, err));
    for (uint32_t i = 0; i < count; i++) vec_copy_value(out, row + i, got, i);
    return ST_OK;
}

static Status python_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                          uint32_t row, Error *err) {
    Exchange self;
    PyState *of = (PyState *)(uintptr_t)state;
    Status st = exchange_open(&self, call, env, err);
    if (!st) st = values(&self, &of, 1, out, row, err);
    return exchange_close(&self, st, err);
}

static Status python_emit_all(const AggCall *call, const uint8_t *const *group, uint32_t count,
                              AggEnv *env, Vec *out, Error *err) {
    Exchange self;
    Status st = exchange_open(&self, call, env, err);
    PyState **state = ARENA_ARRAY(&self.arena, PyState *, count + 1);
    for (uint32_t i = 0; i < count; i++) state[i] = state_of(call, (uint8_t *)(uintptr_t)group[i]);
    if (!st) st = values(&self, state, count, out, 0, err);
    return exchange_close(&self, st, err);
}

// ---- states to and fro -------------------------------------------------------------------------

static Status python_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                           Error *err) {
    const PyState *other = (const PyState *)(const void *)src;
    (void)call;
    if (!other->parts) return ST_OK;
    return add_parts((PyState *)(void *)dst, other->bytes, other->size, other->parts, env, err);
}

static void python_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    drop_state((PyState *)(void *)state, env);
}

static Status python_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    const PyState *self = (const PyState *)(const void *)state;
    (void)call;
    (void)env;
    (void)err;
    if (self->parts)
        vec_set_text(out, row, (Str){self->bytes, self->size});
    else
        vec_set_null(out, row);
    return ST_OK;
}

static Status python_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                          uint8_t *state, Error *err) {
    if (vec_is_null(in, row)) return ST_OK;
    Str bytes = vec_str(in)[row], part;
    uint32_t parts = 0, at = 0;
    while (next_part(bytes.ptr, bytes.len, &at, &part)) parts++;
    if (at != bytes.len) {
        return error_set(err, ST_RUNTIME, "function '%s': a stored accumulator is torn",
                         function_of(call)->name);
    }
    return add_parts((PyState *)(void *)state, bytes.ptr, bytes.len, parts, env, err);
}

const AggImpl PYTHON_AGG = {
    .size = sizeof(PyState),
    .align = 8,
    .flags = AGG_OWNS | AGG_FOREIGN,
    .update = python_update,
    .step = python_step,
    .emit = python_emit,
    .emit_all = python_emit_all,
    .merge = python_merge,
    .clear = python_clear,
    .write = python_write,
    .read = python_read,
};
