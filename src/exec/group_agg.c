// exec/group_agg.c - GROUP BY and DISTINCT over streams: one state row per group, changes out.
//
// Mini-batch off (Flink's default), every input row gives the exact changes that Flink's
// GroupAggFunction gives for it: nothing when the result is unchanged, +I for the first row of a
// group, -U/+U when it changes, -D when its last row goes. A batch is worked through in runs of
// rows of one group or, for mixed keys, row by row over the batched lookups. Mini-batch on, a batch
// is folded first and each touched group emits once.
//
// In two phases (Flink's GlobalGroupAggregate) rows may come folded already, as partial results:
// see exec/local_agg.c.
//
// State: group -> [row count, "sent" flag][aggregate states]. The count of rows (COUNT(*) over
// inserts minus retractions) says when a group is empty; an append-only input needs none.
#include "exec/partial.h"
#include "exec/saved.h"

typedef struct GroupHead {
    int64_t count;     // rows accumulated minus retracted
    int64_t dirty;     // mini-batch: 1 + index in the list of touched groups
} GroupHead;

typedef struct GroupAgg {
    Operator base;
    StateTable *groups;
    AggEnv agg_env;
    AggSaver saver;
    AggEnv copy_env;
    AggSaver copies;     // the thread's that writes snapshots
    Arena scratch;
    AggCall **call;      // copies with their offsets
    uint32_t agg_count;
    PartialCalls calls;  // the same
    bool two_phase;      // the last column of the input is a partial result, or NULL
    bool retracts;       // the input can retract
    bool batch_mode;     // results only at the end
    bool mini_batch;
    bool always_send;    // a TTL is set: every row starts it again downstream too
    int64_t now_ms;
    Builder out;
    // Mini-batch: the groups touched since the last flush and what they had sent before.
    uint8_t **dirty;
    uint32_t dirty_count, dirty_cap;
    uint64_t folded, folded_max;  // rows since the last flush; `table.exec.mini-batch.size`
    Batch *dirty_before;   // keys + results before, or kinds: row i belongs to dirty[i]
} GroupAgg;

enum { DIRTY_MAX = 50000 };

static void group_clear(void *arg, uint8_t *row) {
    GroupAgg *self = arg;
    for (uint32_t i = 0; i < self->agg_count; i++) {
        if (self->call[i]->impl->flags & AGG_OWNS) agg_clear(self->call[i], row, &self->agg_env);
    }
}

static GroupHead *head_of(uint8_t *row) {
    return (GroupHead *)(void *)row;
}

static const Type *state_type(Arena *arena, const Plan *plan) {
    const Type **child = ARENA_ARRAY(arena, const Type *, plan->agg_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, plan->agg_count + 1);
    child[0] = type_of(TYPE_BIGINT, false);
    name[0] = STR("rows");
    agg_state_fields(arena, plan, child, name, 1);
    return type_row(arena, plan->agg_count + 1, child, name, false);
}

static void group_save(void *arg, const uint8_t *row, Buf *out) {
    GroupAgg *self = arg;
    codec_put_i64(out, ((const GroupHead *)(const void *)row)->count);
    aggs_save(&self->saver, row, out);
}

static char *group_save_copy(void *arg, const uint8_t *row, char *to) {
    to = codec_write_i64(to, ((const GroupHead *)(const void *)row)->count);
    return aggs_save_at(arg, row, to);
}

static const char *group_load(void *arg, uint8_t *row, const char *at, Error *err) {
    GroupAgg *self = arg;
    at = codec_get_i64(at, &head_of(row)->count);
    return aggs_load(&self->saver, row, at, err);
}

static bool group_begin(void *arg, uint32_t field, Buf *out) {
    return agg_state_begin(&((GroupAgg *)arg)->saver, field, out);
}

static Status group_agg_open(Operator *op, Error *err) {
    (void)err;
    GroupAgg *self = (GroupAgg *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    self->agg_count = plan->agg_count;
    self->call = ARENA_ARRAY(arena, AggCall *, plan->agg_count + 1);
    self->always_send = plan->ttl_ms > 0;
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        self->call[i] = arena_dup(arena, plan->agg[i].call, sizeof(AggCall));
    }
    uint32_t align = 16;
    uint32_t size = agg_layout(self->call, plan->agg_count, sizeof(GroupHead), &align);
    self->agg_env = (AggEnv){op->budget, &self->scratch, op->env->func};
    self->calls = (PartialCalls){self->call, self->agg_count, size, &self->agg_env};
    self->two_phase = plan->input[0]->kind == PLAN_LOCAL_AGG;
    agg_saver_init(&self->saver, self->call, self->agg_count, &self->agg_env);
    self->retracts = plan->input[0]->changes & (CHANGE_DELETE | CHANGE_UPDATE_BEFORE);
    self->saver.first = 1;
    self->saver.group_size = self->retracts ? 0 : size;
    self->batch_mode = op->env->func->batch;
    self->mini_batch = op->env->mini_batch && !self->batch_mode;
    self->folded_max = (uint64_t)config_int(op->env->config, "table.exec.mini-batch.size", -1);
    StateTableDef def = {
        .name = "groups",
        .operator_id = plan->stable_id,
        .budget = op->budget,
        .key = kept_key_type(arena, plan->input[0]->type, plan->key, plan->key_count),
        .value = state_type(arena, plan),
        .version = 1,
        .row_size = size,
        .ttl_ms = plan->ttl_ms,
        .clear = group_clear,
        .save = group_save,
        .load = group_load,
        .may_leave = true,
        .begin = group_begin,
        .clear_arg = self,
    };
    self->copy_env = self->agg_env;
    if (agg_copy_saver_init(&self->copies, self->call, self->agg_count, &self->copy_env)) {
        def.save_copy = group_save_copy;
        def.copy_max = CODEC_I64_MAX + self->copies.size_max;
        def.copy_arg = &self->copies;
    }
    self->groups = state_table_open(op->env->state, &def);
    builder_init(&self->out, plan->type);
    return ST_OK;
}

static void columns_of(const Batch *in, const uint32_t *index, uint32_t count, Vec **out) {
    for (uint32_t i = 0; i < count; i++) out[i] = in->column[index[i]];
}

// Appends a row: keys from row [row] of [in], results from [value] at [at].
static void emit_row(GroupAgg *self, RowKind kind, const Batch *in, uint32_t row, Vec *const *value,
                     uint32_t at) {
    const Plan *plan = self->base.plan;
    uint32_t out_row = builder_row(&self->out, kind);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        vec_copy_value(self->out.batch->column[k], out_row, in->column[plan->key[k]], row);
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        vec_copy_value(self->out.batch->column[plan->key_count + a], out_row, value[a], at);
    }
}

static bool same_values(const GroupAgg *self, Vec *const *a, uint32_t i, Vec *const *b,
                        uint32_t j) {
    for (uint32_t k = 0; k < self->agg_count; k++) {
        if (!agg_same_result(self->call[k], a[k], i, b[k], j)) return false;
    }
    return true;
}

// What one row did to its group, given the results before and after it.
static void emit_change(GroupAgg *self, const Batch *in, uint32_t row, bool first, bool emptied,
                        Vec *const *before, uint32_t before_at, Vec *const *after,
                        uint32_t after_at) {
    bool send_before = self->base.plan->emit_before;
    if (first) {
        if (!emptied) emit_row(self, ROW_INSERT, in, row, after, after_at);
        return;
    }
    if (emptied) {
        emit_row(self, ROW_DELETE, in, row, before, before_at);
        return;
    }
    if (!self->agg_count && !self->always_send) return;  // DISTINCT: nothing new
    if (!self->always_send && same_values(self, before, before_at, after, after_at)) return;
    if (self->agg_count == 0) return;
    if (send_before) emit_row(self, ROW_UPDATE_BEFORE, in, row, before, before_at);
    emit_row(self, ROW_UPDATE_AFTER, in, row, after, after_at);
}

// What to send, gathered at once at the end: which key row, which result, which kind.
typedef struct Changes {
    uint32_t *key_row, *value_row;
    uint8_t *kind;
    uint32_t count;
} Changes;

static void changes_add(Changes *changes, RowKind kind, uint32_t key_row, uint32_t value_row) {
    changes->key_row[changes->count] = key_row;
    changes->value_row[changes->count] = value_row;
    changes->kind[changes->count++] = (uint8_t)kind;
}

// The changes of each row in turn. Results before the batch come from agg_emit, after each row from
// agg_step; both lie in one column a call: row i is "before row i", row [stride] + i "after row i".
static Status exact_batch(GroupAgg *self, const Batch *in, uint8_t **group, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t stride = (in->rows + 63) / 64 * 64;  // so that both halves have bitmaps of their own
    Batch *out = batch_new(plan->type);
    Arena *arena = &out->arena;
    Vec **value = ARENA_ARRAY(&self->scratch, Vec *, self->agg_count + 1);
    Status st = ST_OK;
    for (uint32_t a = 0; a < self->agg_count && !st; a++) {
        const AggCall *call = self->call[a];
        const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) arg[i] = in->column[plan->agg[a].arg[i]];
        Vec *before = vec_new(arena, call->result, in->rows),
            *after = vec_new(arena, call->result, in->rows);
        st = agg_emit(call, (const uint8_t *const *)group, in->rows, &self->agg_env, before, err);
        AggRows rows = {.rows = in->rows, .arg = arg, .group = group, .kinds = in->kinds,
                        .mask = filter_mask(in, plan->agg[a].filter, &self->scratch)};
        if (!st) st = agg_step(call, &rows, &self->agg_env, after, err);
        if (!st) value[a] = vec_concat(arena, before, after, stride);
    }
    if (st) {
        batch_unref(out);
        return st;
    }
    Changes changes = {.key_row = ARENA_ARRAY(arena, uint32_t, in->rows * 2 + 1),
                       .value_row = ARENA_ARRAY(arena, uint32_t, in->rows * 2 + 1),
                       .kind = ARENA_ARRAY(arena, uint8_t, in->rows * 2 + 1)};
    for (uint32_t row = 0; row < in->rows; row++) {
        GroupHead *head = head_of(group[row]);
        bool retract = in->kinds && (in->kinds[row] & 1);
        // A retraction of a group that is not there (expired, or never seen) is ignored.
        if (head->count == 0 && retract) continue;
        bool first = head->count == 0;
        head->count += retract ? -1 : 1;
        // dirty holds 1 + the row of this batch that touched the group last.
        uint32_t was = head->dirty ? stride + (uint32_t)head->dirty - 1 : row;
        head->dirty = (int64_t)row + 1;
        if (first) {
            changes_add(&changes, ROW_INSERT, row, stride + row);
        } else if (head->count == 0) {
            changes_add(&changes, ROW_DELETE, row, was);
        } else if (self->always_send || (self->agg_count &&
                   !same_values(self, value, was, value, stride + row))) {
            if (plan->emit_before) changes_add(&changes, ROW_UPDATE_BEFORE, row, was);
            changes_add(&changes, ROW_UPDATE_AFTER, row, stride + row);
        }
    }
    for (uint32_t row = 0; row < in->rows; row++) head_of(group[row])->dirty = 0;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        out->column[k] =
            vec_gather(arena, in->column[plan->key[k]], changes.key_row, changes.count);
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        out->column[plan->key_count + a] =
            vec_gather(arena, value[a], changes.value_row, changes.count);
    }
    out->rows = changes.count;
    out->kinds = changes.kind;
    out->kinds_cap = in->rows * 2 + 1;
    batch_keep(out, (Batch *)(uintptr_t)in);
    return output_batch(&self->base, batch_seal(out), err);
}

// Groups that a batch emptied leave the state (each once).
static void drop_empty(GroupAgg *self, uint8_t **group, uint32_t rows) {
    for (uint32_t row = 0; row < rows; row++) {
        uint8_t *at = group[row];
        if (!at || head_of(at)->count != 0 || head_of(at)->dirty < 0) continue;
        head_of(at)->dirty = -1;
        for (uint32_t later = row + 1; later < rows; later++) {
            if (group[later] == at) group[later] = NULL;
        }
        state_remove(self->groups, at);
        group[row] = NULL;
    }
}

// True when some group occurs twice and is emptied in between: then its aggregate state must be
// dropped at that point, and the batch is cut there.
static uint32_t safe_prefix(const Batch *in, uint8_t **group) {
    if (!in->kinds) return in->rows;
    uint32_t row = 0;
    for (; row < in->rows; row++) {
        GroupHead *head = head_of(group[row]);
        if (head->dirty == -2) break;  // emptied earlier in this prefix
        bool retract = in->kinds[row] & 1;
        // [dirty] counts rows up to here; the sum says how many are left.
        if (retract && head->count + head->dirty <= 0) {
            row++;  // ignored retraction: alone at the end of the prefix, its state is thrown away
            break;
        }
        head->dirty += retract ? -1 : 1;
        if (head->count + head->dirty == 0) head->dirty = -2;
    }
    for (uint32_t i = 0; i < in->rows; i++) head_of(group[i])->dirty = 0;
    return row;
}

static Status find_groups(GroupAgg *self, const Batch *in, uint8_t **group, uint8_t *is_new,
                          Error *err) {
    const Plan *plan = self->base.plan;
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    columns_of(in, plan->key, plan->key_count, key);
    TRY(state_find(self->groups, key, in->rows, NULL, true, self->now_ms, group, is_new, err));
    if (plan->ttl_ms) {
        for (uint32_t i = 0; i < in->rows; i++) state_touch(self->groups, group[i], self->now_ms);
    }
    return ST_OK;
}

static Status exact(GroupAgg *self, Batch *in, Error *err) {
    uint32_t from = 0;
    while (from < in->rows) {
        Batch *part = from ? batch_slice(in, from, in->rows - from) : batch_ref(in);
        uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, part->rows);
        uint8_t *is_new = ARENA_ARRAY(&self->scratch, uint8_t, part->rows);
        Status st = find_groups(self, part, group, is_new, err);
        uint32_t count = st ? 0 : safe_prefix(part, group);
        if (!st && count < part->rows) {
            // Rows beyond the prefix may have made groups of their own: they are found again later.
            Batch *prefix = batch_slice(part, 0, count);
            batch_unref(part);
            part = prefix;
        }
        if (!st) st = exact_batch(self, part, group, err);
        if (!st && part->kinds) drop_empty(self, group, count);
        batch_unref(part);
        if (st) return st;
        from += count;
    }
    return ST_OK;
}

// ---- mini-batch and batch mode -----------------------------------------------------------------

static Status fold_rows(GroupAgg *self, const Batch *in, uint8_t **group, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t row = 0; row < in->rows; row++) {
        head_of(group[row])->count += in->kinds && (in->kinds[row] & 1) ? -1 : 1;
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        const AggCall *call = self->call[a];
        const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) arg[i] = in->column[plan->agg[a].arg[i]];
        AggRows rows = {.rows = in->rows, .arg = arg, .group = group, .kinds = in->kinds,
                        .mask = filter_mask(in, plan->agg[a].filter, &self->scratch)};
        TRY(agg_update(call, &rows, &self->agg_env, err));
    }
    return ST_OK;
}

// Whether a batch holds partial results: all of its rows do, or none. With one worker there is no
// local phase, and no column for them.
static bool is_partial(const GroupAgg *self, const Batch *in) {
    if (!self->two_phase || in->schema->child_count < self->base.plan->input[0]->type->child_count)
        return false;
    return !vec_is_null(in->column[in->schema->child_count - 1], 0);
}

static Status fold_partials(GroupAgg *self, const Batch *in, uint8_t **group, Error *err) {
    int64_t *rows = ARENA_ARRAY(&self->scratch, int64_t, in->rows);
    TRY(partials_merge(&self->calls, in->column[in->schema->child_count - 1], group, rows,
                       &self->scratch, err));
    for (uint32_t row = 0; row < in->rows; row++) head_of(group[row])->count += rows[row];
    return ST_OK;
}

static Status fold(GroupAgg *self, Batch *in, Error *err) {
    const Plan *plan = self->base.plan;
    uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(find_groups(self, in, group, NULL, err));
    if (self->mini_batch) {
        for (uint32_t row = 0; row < in->rows; row++) {
            GroupHead *head = head_of(group[row]);
            if (head->dirty) continue;
            if (self->dirty_count == self->dirty_cap) {
                self->dirty_cap = self->dirty_cap ? self->dirty_cap * 2 : 1024;
                self->dirty = mem_realloc(self->dirty, self->dirty_cap * sizeof *self->dirty);
            }
            self->dirty[self->dirty_count++] = group[row];
            state_pin(self->groups, group[row], true);
            head->dirty = self->dirty_count;
            // What was sent before the fold, to take it back: only kept where -U or an equality
            // test needs it.
            if (!self->dirty_before) self->dirty_before = batch_new_columns(plan->type, 0);
            Batch *before = self->dirty_before;
            uint32_t at = before->rows;
            batch_set_rows(before, at + 1);
            for (uint32_t k = 0; k < plan->key_count; k++) {
                vec_copy_value(before->column[k], at, in->column[plan->key[k]], row);
            }
            batch_need_kinds(before)[at] = head->count == 0;  // 1: nothing was sent
            for (uint32_t a = 0; a < self->agg_count; a++) {
                TRY(agg_emit_one(self->call[a], group[row], &self->agg_env,
                                 before->column[plan->key_count + a], at, err));
            }
        }
    }
    return is_partial(self, in) ? fold_partials(self, in, group, err)
                                : fold_rows(self, in, group, err);
}

static Status flush_dirty(GroupAgg *self, Error *err) {
    const Plan *plan = self->base.plan;
    Batch *before = self->dirty_before;
    if (!self->dirty_count) return ST_OK;
    Vec **after = ARENA_ARRAY(&self->scratch, Vec *, self->agg_count + 1);
    for (uint32_t a = 0; a < self->agg_count; a++) {
        after[a] = vec_new(&self->scratch, self->call[a]->result, self->dirty_count);
        TRY(agg_emit(self->call[a], (const uint8_t *const *)self->dirty, self->dirty_count,
                     &self->agg_env, after[a], err));
    }
    // [before] has the output's layout: its first columns serve as the keys.
    Plan keys_first = *plan;
    uint32_t *identity = ARENA_ARRAY(&self->scratch, uint32_t, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) identity[k] = k;
    keys_first.key = identity;
    const Plan *own = self->base.plan;
    self->base.plan = &keys_first;
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->dirty_count && !st; i++) {
        GroupHead *head = head_of(self->dirty[i]);
        head->dirty = 0;
        state_pin(self->groups, self->dirty[i], false);
        if (head->count < 0) head->count = 0;
        emit_change(self, before, i, before->kinds[i], head->count == 0,
                    before->column + plan->key_count, i, after, i);
        if (head->count == 0) state_remove(self->groups, self->dirty[i]);
        st = output_builder(&self->base, &self->out, false, err);
    }
    self->base.plan = own;
    self->dirty_count = 0;
    self->folded = 0;
    self->dirty_before = batch_unref(before);
    TRY(st);
    return output_builder(&self->base, &self->out, true, err);
}

static Status group_agg_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    GroupAgg *self = (GroupAgg *)op;
    arena_reset(&self->scratch);
    // Within a bundle the clock stands still: no group that it holds may expire under it.
    if (!self->dirty_count) self->now_ms = op->env->now_ms(op->env->now_arg);
    if (self->mini_batch || self->batch_mode) {
        TRY(fold(self, in, err));
        self->folded += in->rows;
        bool full = self->folded >= self->folded_max || self->dirty_count >= DIRTY_MAX;
        return full ? flush_dirty(self, err) : ST_OK;
    }
    TRY(exact(self, in, err));
    return output_builder(op, &self->out, true, err);
}

static Status group_agg_on_flush(Operator *op, Error *err) {
    GroupAgg *self = (GroupAgg *)op;
    arena_reset(&self->scratch);
    return flush_dirty(self, err);
}

static Status group_agg_on_end(Operator *op, Error *err) {
    GroupAgg *self = (GroupAgg *)op;
    const Plan *plan = op->plan;
    if (!self->batch_mode) return ST_OK;
    // A global aggregate over nothing still has its one row.
    if (!plan->key_count && !state_count(self->groups) && op->env->index == 0) {
        uint8_t *row;
        TRY(state_find(self->groups, NULL, 1, NULL, true, 0, &row, NULL, err));
        head_of(row)->count = 1;
    }
    uint64_t cursor = 0;
    for (uint8_t *row; (row = state_next(self->groups, &cursor));) {
        if (head_of(row)->count <= 0) continue;
        uint32_t at = builder_row(&self->out, ROW_INSERT);
        state_key(self->groups, row, self->out.batch->column, at);
        for (uint32_t a = 0; a < self->agg_count; a++) {
            TRY(agg_emit_one(self->call[a], row, &self->agg_env,
                             self->out.batch->column[plan->key_count + a], at, err));
        }
        TRY(output_builder(op, &self->out, false, err));
    }
    return output_builder(op, &self->out, true, err);
}

static void group_agg_close(Operator *op) {
    GroupAgg *self = (GroupAgg *)op;
    builder_clear(&self->out);
    batch_unref(self->dirty_before);
    mem_free(self->dirty);
    arena_clear(&self->scratch);
    agg_saver_clear(&self->saver);
    agg_saver_clear(&self->copies);
}

const OperatorVt GROUP_AGG_OPERATOR = {
    .name = "group-aggregate",
    .plan_kind = PLAN_AGG,
    .size = sizeof(GroupAgg),
    .open = group_agg_open,
    .on_batch = group_agg_on_batch,
    .on_flush = group_agg_on_flush,
    .on_end = group_agg_on_end,
    .close = group_agg_close,
};
