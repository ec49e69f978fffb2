// exec/hash_agg.c - GROUP BY and DISTINCT of a bounded input: each group once, at the end.
//
// Groups lie in a table in memory. When that has reached its share, no more groups are made: rows
// of those that are there go on being folded into them, the others are put aside as they came, in
// files by a few bits of their key's hash. At the end the groups go out, their memory is given
// back, and each file is aggregated in the same way, by the next bits of the hash. Every pass
// finishes some groups, so it ends for any data and any function: states are never merged. (Graefe,
// Query Evaluation Techniques, 1993, 4.2: hybrid hashing with overflow.)
#include "base/hash.h"
#include "col/codec.h"
#include "exec/kept.h"
#include "exec/spill.h"

enum {
    PART_BITS = 4,
    PARTS = 1 << PART_BITS,
    LEVELS_MAX = 64 / PART_BITS,  // then the hash has no more bits: all groups stay in memory
    GROUP_HEAD = 16,              // whether a row was folded in; keeps states aligned
};

// Rows put aside by their keys' hashes.
typedef struct Parts {
    SpillFile file[PARTS];
} Parts;

typedef struct HashAgg {
    Operator base;
    Budget *own;             // the operator's: groups, and what their states own
    int64_t share;
    StateBackend *backend;   // of the pass at hand
    StateTable *groups;
    StateTableDef def;
    AggCall **call;
    uint32_t agg_count;
    AggEnv agg_env;
    Arena scratch;
    Buf row;
    Parts *parts;            // of the pass at hand, when it had to put rows aside
    uint32_t level;
} HashAgg;

static uint8_t *group_used(uint8_t *group) {
    return group;
}

static void group_clear(void *arg, uint8_t *row) {
    HashAgg *self = arg;
    for (uint32_t i = 0; i < self->agg_count; i++) {
        if (self->call[i]->impl->flags & AGG_OWNS) agg_clear(self->call[i], row, &self->agg_env);
    }
}

static void pass_begin(HashAgg *self) {
    self->backend = state_backend_new(self->own);
    self->groups = state_table_open(self->backend, &self->def);
}

static void pass_end(HashAgg *self) {
    state_backend_free(self->backend);
    self->backend = NULL;
    self->groups = NULL;
}

static Status hash_agg_open(Operator *op, Error *err) {
    (void)err;
    HashAgg *self = (HashAgg *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    const Type *input = plan->input[0]->type;
    self->agg_count = plan->agg_count;
    self->call = ARENA_ARRAY(arena, AggCall *, plan->agg_count + 1);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        self->call[i] = arena_dup(arena, plan->agg[i].call, sizeof(AggCall));
    }
    uint32_t align = 16;
    uint32_t size = agg_layout(self->call, plan->agg_count, GROUP_HEAD, &align);
    self->own = op->budget;
    self->share = spill_share(op->env);
    self->agg_env = (AggEnv){self->own, &self->scratch, op->env->func};
    self->def = (StateTableDef){
        .name = "groups", .operator_id = plan->stable_id,
        .key = kept_key_type(arena, input, plan->key, plan->key_count), .value = plan->type,
        .version = 1, .row_size = size, .clear = group_clear, .clear_arg = self,
    };
    pass_begin(self);
    return ST_OK;
}

// ---- rows in -----------------------------------------------------------------------------------

static Status put_aside(HashAgg *self, const Batch *in, Vec *const *key, uint8_t *const *group,
                        Error *err) {
    const Plan *plan = self->base.plan;
    uint64_t *hash = ARENA_ARRAY(&self->scratch, uint64_t, in->rows);
    for (uint32_t k = 0; k < plan->key_count; k++) vec_hash_into(key[k], hash);
    for (uint32_t row = 0; row < in->rows; row++) {
        if (group[row]) continue;
        self->row.len = 0;
        for (uint32_t c = 0; c < in->schema->child_count; c++) {
            codec_put(in->column[c], row, &self->row);
        }
        uint64_t bits = hash_u64(hash[row]) >> (64 - PART_BITS * (self->level + 1));
        SpillFile *file = &self->parts->file[bits % PARTS];
        TRY(spill_put(file, self->base.env, buf_str(&self->row), err));
    }
    return ST_OK;
}

static const uint64_t *rows_taken(HashAgg *self, const Batch *in, uint8_t *const *group,
                                  int32_t filter) {
    if (!self->parts && filter < 0) return NULL;
    uint64_t *mask = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(in->rows));
    const Vec *flag = filter < 0 ? NULL : in->column[filter];
    for (uint32_t i = 0; i < in->rows; i++) {
        bool wanted = !flag || (vec_u8(flag)[i] && !vec_is_null(flag, i));
        if (group[i] && wanted) bits_set(mask, i);
    }
    return mask;
}

static Status fold(HashAgg *self, const Batch *in, uint8_t **group, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t i = 0; i < in->rows; i++) {
        if (group[i]) *group_used(group[i]) = 1;
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        const AggCall *call = self->call[a];
        const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) arg[i] = in->column[plan->agg[a].arg[i]];
        AggRows rows = {.rows = in->rows, .arg = arg, .group = group,
                        .mask = rows_taken(self, in, group, plan->agg[a].filter)};
        TRY(agg_update(call, &rows, &self->agg_env, err));
    }
    return ST_OK;
}

static Status absorb(HashAgg *self, const Batch *in, Error *err) {
    const Plan *plan = self->base.plan;
    arena_reset(&self->scratch);
    ASSERT(!in->kinds);  // the planner saw to it
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    bool can_spill = plan->key_count && self->level < LEVELS_MAX;
    if (!self->parts && can_spill && atomic_load(&self->own->bytes) > self->share) {
        self->parts = NEW(Parts);
    }
    Status st = state_find(self->groups, key, in->rows, NULL, !self->parts, 0, group, NULL, err);
    if (st == ST_OVER_BUDGET && can_spill && state_count(self->groups)) {
        // Others hold the rest of the memory. What was made for this batch stays, empty.
        self->parts = NEW(Parts);
        st = state_find(self->groups, key, in->rows, NULL, false, 0, group, NULL, err);
    }
    TRY(st);
    if (self->parts) TRY(put_aside(self, in, key, group, err));
    return fold(self, in, group, err);
}

static Status hash_agg_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    return absorb((HashAgg *)op, in, err);
}

// ---- groups out --------------------------------------------------------------------------------

static Status emit_some(HashAgg *self, uint8_t *const *group, uint32_t count, Error *err) {
    const Plan *plan = self->base.plan;
    Batch *out = batch_new_columns(plan->type, count);
    Status st = ST_OK;
    for (uint32_t i = 0; i < count; i++) state_key(self->groups, group[i], out->column, i);
    for (uint32_t a = 0; a < self->agg_count && !st; a++) {
        st = agg_emit(self->call[a], (const uint8_t *const *)group, count, &self->agg_env,
                      out->column[plan->key_count + a], err);
    }
    if (!st) return output_batch(&self->base, batch_seal(out), err);
    batch_unref(out);
    return st;
}

static Status emit_groups(HashAgg *self, Error *err) {
    uint8_t *group[BATCH_ROWS_MAX];
    uint32_t count = 0;
    uint64_t cursor = 0;
    for (uint8_t *row; (row = state_next(self->groups, &cursor));) {
        if (!*group_used(row)) continue;
        group[count++] = row;
        if (count < BATCH_ROWS_MAX) continue;
        arena_reset(&self->scratch);
        TRY(emit_some(self, group, count, err));
        count = 0;
    }
    arena_reset(&self->scratch);
    return count ? emit_some(self, group, count, err) : ST_OK;
}

static Status absorb_file(HashAgg *self, SpillFile *file, Error *err) {
    const Type *type = self->base.plan->input[0]->type;
    Builder rows = {0};
    SpillReader reader = {0};
    builder_init(&rows, type);
    Status st = spill_seal(file, err);
    spill_read(&reader, file, 0, file->size);
    for (Str record = {0}; !st;) {
        st = spill_next(&reader, &record, err);
        if (!st && record.ptr) {
            uint32_t at = builder_row(&rows, ROW_INSERT);
            const char *bytes = record.ptr;
            for (uint32_t c = 0; c < type->child_count; c++) {
                bytes = codec_get(bytes, rows.batch->column[c], at);
            }
            if (!builder_full(&rows)) continue;
        }
        Batch *batch = st ? NULL : builder_take(&rows);
        if (batch) st = absorb(self, batch, err);
        batch_unref(batch);
        if (!record.ptr) break;
    }
    builder_clear(&rows);
    spill_read_end(&reader);
    spill_close(file);
    return st;
}

static void parts_free(Parts *parts) {
    for (uint32_t i = 0; parts && i < PARTS; i++) spill_close(&parts->file[i]);
    mem_free(parts);
}

// Sends the groups of the pass at hand, then those of the rows it put aside.
static Status finish_pass(HashAgg *self, Error *err) {
    TRY(emit_groups(self, err));
    Parts *parts = self->parts;
    self->parts = NULL;
    if (!parts) return ST_OK;
    Status st = ST_OK;
    self->level++;
    for (uint32_t i = 0; i < PARTS && !st; i++) {
        if (!parts->file[i].rows) continue;
        pass_end(self);
        pass_begin(self);
        st = absorb_file(self, &parts->file[i], err);
        if (!st) st = finish_pass(self, err);
    }
    self->level--;
    parts_free(parts);
    return st;
}

static Status hash_agg_on_end(Operator *op, Error *err) {
    HashAgg *self = (HashAgg *)op;
    // A global aggregate over nothing still has its one row.
    if (!op->plan->key_count && !state_count(self->groups) && op->env->index == 0) {
        uint8_t *row;
        TRY(state_find(self->groups, NULL, 1, NULL, true, 0, &row, NULL, err));
        *group_used(row) = 1;
    }
    TRY(finish_pass(self, err));
    pass_end(self);
    return ST_OK;
}

static void hash_agg_close(Operator *op) {
    HashAgg *self = (HashAgg *)op;
    pass_end(self);
    parts_free(self->parts);
    arena_clear(&self->scratch);
    buf_free(&self->row);
}

const OperatorVt HASH_AGG_OPERATOR = {
    .name = "group-aggregate",
    .plan_kind = PLAN_AGG,
    .size = sizeof(HashAgg),
    .open = hash_agg_open,
    .on_batch = hash_agg_on_batch,
    .on_end = hash_agg_on_end,
    .close = hash_agg_close,
};
