// exec/local_agg.c - the first of two phases: rows of a group fold into one partial result before
// they go to the worker that owns the group (Flink's LocalGroupAggregate).
//
// Stands before an exchange only: where rows stay with their worker, run/ leaves it out. Its output
// has the columns of its input and one more, BYTES: a row with a partial there (exec/partial.h) has
// nothing in the other columns but its keys; a row without is a row as it came.
//
// That second form is for AUTO: where keys hardly repeat, or DISTINCT sets are as large as what
// went into them, folding costs more than it saves. So folding is tried with a short bundle first;
// where it does not pay, rows pass as they are for a while, twice as long each time, before the
// next try. TWO_PHASE always folds.
//
// A bundle ends with the mini-batch, when it holds GROUPS_MAX groups, and before a barrier: so
// there is nothing to save.
#include "exec/partial.h"

enum {
    GROUPS_MAX = 8192,  // they, their keys and the slots stay in the second-level cache
    SLOTS = GROUPS_MAX * 2,
    TRY_ROWS = 1 << 14,    // of a short bundle
    JUDGED_MIN = 1 << 12,  // rows of a bundle that says something about what folding saves
    PASS_MIN = 1 << 16,
    PASS_MAX = 1 << 22,  // rows
    ROW_COST = 8,
    GROUP_COST = 16,  // bytes that a passed row, a partial are worth besides its own
    SET_COST = 8,     // times the bytes of DISTINCT sets: they are probed, written and merged
};

typedef struct LocalAgg {
    Operator base;
    PartialCalls calls;
    AggEnv agg_env;
    Arena scratch;
    bool always;            // TWO_PHASE
    uint32_t byte_cost;     // of partials: 1 or SET_COST
    bool pays;              // the last bundle that was judged did
    uint64_t folded_max;    // `table.exec.mini-batch.size`
    uint64_t pass, passes;  // rows still to pass; how many it will be the next time
    // The bundle: group i has row i of [keys], its memory, its rows.
    Batch *keys;            // of the output's layout
    uint8_t *memory;        // group_size each
    uint64_t *hash;
    int64_t *rows;
    uint32_t *slot;         // 1 + group, open addressing
    uint32_t count, cap;
    uint64_t folded;
    int64_t charged;
} LocalAgg;

static Status local_agg_open(Operator *op, Error *err) {
    LocalAgg *self = (LocalAgg *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    const Map *config = op->env->config;
    AggCall **call = ARENA_ARRAY(arena, AggCall *, plan->agg_count + 1);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        call[i] = arena_dup(arena, plan->agg[i].call, sizeof(AggCall));
    }
    uint32_t align = 16;
    uint32_t size = agg_layout(call, plan->agg_count, 0, &align);
    self->agg_env = (AggEnv){op->budget, &self->scratch, op->env->func};
    self->calls = (PartialCalls){call, plan->agg_count, size ? size : align, &self->agg_env};
    Str strategy = str_c(config_get(config, "table.optimizer.agg-phase-strategy"));
    self->always = str_eq_nocase(strategy, STR("TWO_PHASE"));
    self->folded_max = (uint64_t)config_int(config, "table.exec.mini-batch.size", -1);
    self->passes = PASS_MIN;
    self->byte_cost = 1;
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        if (call[i]->distinct) self->byte_cost = SET_COST;
    }
    self->slot = ARENA_ARRAY(arena, uint32_t, SLOTS);
    (void)err;
    return ST_OK;
}

static uint8_t *group_at(const LocalAgg *self, uint32_t i) {
    return self->memory + (size_t)i * self->calls.group_size;
}

static Status grow(LocalAgg *self, Error *err) {
    enum { FIRST = 256 };
    uint32_t cap = self->cap ? self->cap * 2 : FIRST;
    size_t each = self->calls.group_size + sizeof *self->hash + sizeof *self->rows;
    int64_t more = (int64_t)((cap - self->cap) * each);
    TRY(budget_charge(self->base.budget, more, err));
    self->charged += more;
    self->memory = mem_realloc(self->memory, (size_t)cap * self->calls.group_size);
    self->hash = mem_realloc(self->hash, cap * sizeof *self->hash);
    self->rows = mem_realloc(self->rows, cap * sizeof *self->rows);
    memset(group_at(self, self->cap), 0, (size_t)(cap - self->cap) * self->calls.group_size);
    self->cap = cap;
    return ST_OK;
}

static bool same_key(const LocalAgg *self, const Batch *in, uint32_t row, uint32_t group) {
    const Plan *plan = self->base.plan;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        uint32_t column = plan->key[k];
        if (!vec_key_equal(in->column[column], row, self->keys->column[column], group)) {
            return false;
        }
    }
    return true;
}

// The group of row [row], made when it is not there.
static Status find_group(LocalAgg *self, const Batch *in, uint32_t row, uint64_t hash,
                         uint32_t *out, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t at = (uint32_t)hash & (SLOTS - 1);
    for (uint32_t group; (group = self->slot[at]); at = (at + 1) & (SLOTS - 1)) {
        group--;
        if (self->hash[group] == hash && same_key(self, in, row, group)) {
            *out = group;
            return ST_OK;
        }
    }
    if (self->count == self->cap) {
        TRY(grow(self, err));
        batch_set_rows(self->keys, self->cap);
    }
    uint32_t made = self->count++;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        uint32_t column = plan->key[k];
        vec_copy_value(self->keys->column[column], made, in->column[column], row);
    }
    self->hash[made] = hash;
    self->rows[made] = 0;
    self->slot[at] = made + 1;
    *out = made;
    return ST_OK;
}

// Folds rows from [from] on until the bundle is full; *to is where it stopped.
static Status fold(LocalAgg *self, Batch *in, uint32_t from, uint32_t *to, Error *err) {
    const Plan *plan = self->base.plan;
    if (!self->keys) {
        self->keys = batch_new_columns(plan->type, 0);
        batch_set_rows(self->keys, self->cap);
    }
    Batch *part = batch_slice(in, from, in->rows - from);
    uint64_t *hash = ARENA_ARRAY(&self->scratch, uint64_t, part->rows);
    uint32_t *number = ARENA_ARRAY(&self->scratch, uint32_t, part->rows);
    uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, part->rows);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        vec_hash_into(part->column[plan->key[k]], hash);
    }
    uint32_t rows = 0;
    Status st = ST_OK;
    for (; rows < part->rows && self->count < GROUPS_MAX && !st; rows++) {
        st = find_group(self, part, rows, hash[rows], &number[rows], err);
        if (!st) self->rows[number[rows]] += part->kinds && (part->kinds[rows] & 1) ? -1 : 1;
    }
    if (rows < part->rows) {
        Batch *whole = part;
        part = batch_slice(whole, 0, rows);
        batch_unref(whole);
    }
    for (uint32_t i = 0; i < rows; i++) group[i] = group_at(self, number[i]);
    for (uint32_t a = 0; a < self->calls.count && !st; a++) {
        const AggCall *call = self->calls.call[a];
        const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) arg[i] = part->column[plan->agg[a].arg[i]];
        AggRows in_rows = {.rows = rows, .arg = arg, .group = group, .kinds = part->kinds,
                           .mask = filter_mask(part, plan->agg[a].filter, &self->scratch)};
        st = agg_update(call, &in_rows, &self->agg_env, err);
    }
    batch_unref(part);
    self->folded += rows;
    *to = from + rows;
    return st;
}

static void drop_states(LocalAgg *self) {
    for (uint32_t a = 0; a < self->calls.count; a++) {
        if (!(self->calls.call[a]->impl->flags & AGG_OWNS)) continue;
        for (uint32_t i = 0; i < self->count; i++) {
            agg_clear(self->calls.call[a], group_at(self, i), &self->agg_env);
        }
    }
    if (self->count) memset(self->memory, 0, (size_t)self->count * self->calls.group_size);
    memset(self->slot, 0, SLOTS * sizeof *self->slot);
    self->count = 0;
    self->folded = 0;
}

// Whether bundles like this one, of [size] bytes, are worth their making.
static void judge(LocalAgg *self, uint64_t size) {
    if (self->always || self->folded < JUDGED_MIN) return;
    uint64_t cost = size * self->byte_cost + (uint64_t)self->count * GROUP_COST;
    self->pays = cost <= self->folded * ROW_COST;
    if (self->pays) {
        self->passes = PASS_MIN;
        return;
    }
    self->pass = self->passes;
    if (self->passes < PASS_MAX) self->passes *= 2;
}

static Status flush(LocalAgg *self, Error *err) {
    if (!self->count) return ST_OK;
    Batch *out = self->keys;
    self->keys = NULL;
    batch_set_rows(out, self->count);
    const uint8_t **group = ARENA_ARRAY(&self->scratch, const uint8_t *, self->count);
    for (uint32_t i = 0; i < self->count; i++) group[i] = group_at(self, i);
    uint64_t size = 0;
    Status st = partials_write(&self->calls, group, self->rows, self->count,
                               out->column[out->schema->child_count - 1], &self->scratch, &size,
                               err);
    judge(self, size);
    drop_states(self);
    if (st) {
        batch_unref(out);
        return st;
    }
    return output_batch(&self->base, batch_seal(out), err);
}

// Hands rows from [from] on as they came.
static Status pass_on(LocalAgg *self, Batch *whole, uint32_t from, Error *err) {
    const Type *schema = self->base.plan->type;
    uint32_t columns = schema->child_count - 1;
    Batch *in = batch_slice(whole, from, whole->rows - from), *out = batch_new(schema);
    for (uint32_t c = 0; c < columns; c++) out->column[c] = in->column[c];
    out->column[columns] = vec_new(&out->arena, schema->child[columns], in->rows);
    vec_set_all_null(out->column[columns]);
    out->rows = in->rows;
    out->kinds = in->kinds;
    out->kinds_cap = in->rows;
    batch_keep(out, in);
    batch_unref(in);
    self->pass -= out->rows < self->pass ? out->rows : self->pass;
    return output_batch(&self->base, batch_seal(out), err);
}

static Status local_agg_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    LocalAgg *self = (LocalAgg *)op;
    for (uint32_t from = 0; from < in->rows;) {
        arena_reset(&self->scratch);
        // Never past rows that wait in the bundle.
        if (self->pass && !self->count) return pass_on(self, in, from, err);
        TRY(fold(self, in, from, &from, err));
        bool tried = !self->always && !self->pays && self->folded >= TRY_ROWS;
        if (tried || self->count >= GROUPS_MAX || self->folded >= self->folded_max) {
            TRY(flush(self, err));
        }
    }
    return ST_OK;
}

static Status local_agg_on_flush(Operator *op, Error *err) {
    LocalAgg *self = (LocalAgg *)op;
    arena_reset(&self->scratch);
    return flush(self, err);
}

static void local_agg_close(Operator *op) {
    LocalAgg *self = (LocalAgg *)op;
    if (self->memory) drop_states(self);
    batch_unref(self->keys);
    mem_free(self->memory);
    mem_free(self->hash);
    mem_free(self->rows);
    budget_release(op->budget, self->charged);
    arena_clear(&self->scratch);
}

const OperatorVt LOCAL_AGG_OPERATOR = {
    .name = "local-group-aggregate",
    .plan_kind = PLAN_LOCAL_AGG,
    .size = sizeof(LocalAgg),
    .open = local_agg_open,
    .on_batch = local_agg_on_batch,
    .on_flush = local_agg_on_flush,
    .close = local_agg_close,
};
