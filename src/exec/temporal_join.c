// exec/temporal_join.c - joins each left row with the version of the right table that was valid at
// the left row's event time. Left rows wait until the watermark has passed their time: by then all
// versions that old have come. Left rows are sent in the order of their times; versions that no
// future row can ask for are dropped, but for the newest one. After Flink's
// TemporalRowTimeJoinOperator.
// State: key -> right versions by time; key -> left rows; a heap of the left rows by time.
#include "exec/saved.h"

typedef struct TemporalJoin {
    Operator base;
    StateTable *versions, *waiting;
    KeptHeap heap;
    uint32_t columns[2];
    Program *condition;
    const Type *both;
    Builder out;
    Arena scratch;
    uint64_t arrivals;
} TemporalJoin;

static void list_clear(void *arg, uint8_t *row) {
    TemporalJoin *self = arg;
    kept_clear(self->base.budget, (KeptList *)(void *)row);
}

static void list_save(void *arg, const uint8_t *row, Buf *out) {
    (void)arg;
    kept_list_save((const KeptList *)(const void *)row, out);
}

static const char *load(TemporalJoin *self, uint8_t *row, bool waits, const char *at, Error *err) {
    KeptList *list = (KeptList *)(void *)row;
    const Type *type = self->base.plan->input[waits ? 0 : 1]->type;
    at = kept_list_load(self->base.budget, list, type, at, err);
    for (KeptRow *kept = list->oldest; kept; kept = kept->newer) {
        if (waits) heap_push(&self->heap, kept);
        if (kept->order >= self->arrivals) self->arrivals = kept->order + 1;
    }
    return at;
}

static const char *waiting_load(void *arg, uint8_t *row, const char *at, Error *err) {
    return load(arg, row, true, at, err);
}
static const char *versions_load(void *arg, uint8_t *row, const char *at, Error *err) {
    return load(arg, row, false, at, err);
}

static Status temporal_join_open(Operator *op, Error *err) {
    TemporalJoin *self = (TemporalJoin *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    const Type *row[2] = {plan->input[0]->type, plan->input[1]->type};
    self->both = kept_both_type(arena, row[0], row[1]);
    for (uint32_t s = 0; s < 2; s++) {
        StateTableDef def = {
            .name = s ? "versions" : "waiting",
            .operator_id = plan->stable_id, .budget = op->budget,
            .key = kept_key_type(arena, row[s], s ? plan->right_key : plan->key, plan->key_count),
            .value = kept_list_type(arena, row[s]),
            .version = 1,
            .row_size = sizeof(KeptList),
            .clear = list_clear,
            .save = list_save,
            .load = s ? versions_load : waiting_load,
            .clear_arg = self,
        };
        self->columns[s] = row[s]->child_count;
        *(s ? &self->versions : &self->waiting) = state_table_open(op->env->state, &def);
    }
    builder_init(&self->out, plan->type);
    if (!plan->condition) return ST_OK;
    Expr *condition = plan->condition;
    return program_new(&condition, 1, self->both, op->env->func, &self->condition, err);
}

static Status temporal_join_on_batch(Operator *op, uint32_t s, Batch *in, Error *err) {
    TemporalJoin *self = (TemporalJoin *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        key[k] = in->column[s ? plan->right_key[k] : plan->key[k]];
    }
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(s ? self->versions : self->waiting, key, in->rows, NULL, true, 0, found, NULL,
                   err));
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t time = 0;
        TRY(kept_time(in, s ? plan->right_time_column : plan->time_column, row, &time, err));
        RowKind kind = batch_kind(in, row);
        if (s && kind == ROW_UPDATE_BEFORE) continue;  // the version after it says it all
        KeptRow *kept = NULL;
        TRY(kept_add(op->budget, (KeptList *)(void *)found[row], in, row, time,
                     self->arrivals++, &kept, err));
        if (!s) heap_push(&self->heap, kept);
    }
    return ST_OK;
}

// The newest version not younger than [time]; of equal times the one that came last.
static const KeptRow *version_at(const KeptList *list, int64_t time) {
    const KeptRow *best = NULL;
    for (const KeptRow *at = list->oldest; at; at = at->newer) {
        if (at->time_ms <= time && (!best || at->time_ms >= best->time_ms)) best = at;
    }
    return best && best->kind != ROW_DELETE ? best : NULL;
}

static Status emit(TemporalJoin *self, const KeptRow *left, const KeptRow *right, Error *err) {
    uint32_t at = builder_row(&self->out, (RowKind)left->kind);
    Vec **out = self->out.batch->column;
    kept_emit(left, out, self->columns[0], at);
    kept_emit(right, out + self->columns[0], self->columns[1], at);
    return output_builder(&self->base, &self->out, false, err);
}

static Status join_row(TemporalJoin *self, const KeptRow *left, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t total = self->columns[0] + self->columns[1], passed = 1, sel[1];
    Vec **both = ARENA_ARRAY(&self->scratch, Vec *, total);
    for (uint32_t c = 0; c < total; c++) both[c] = vec_new(&self->scratch, self->both->child[c], 1);
    kept_load(left, both, self->columns[0], 0);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    bool has_key = true;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        key[k] = both[plan->key[k]];
        has_key &= plan->null_safe[k] || !vec_is_null(key[k], 0);
    }
    uint8_t *found = NULL;
    TRY(state_find(self->versions, key, 1, NULL, false, 0, &found, NULL, err));
    const KeptRow *right =
        found && has_key ? version_at((KeptList *)(void *)found, left->time_ms) : NULL;
    if (right && self->condition) {
        kept_load(right, both + self->columns[0], self->columns[1], 0);
        TRY(program_select(self->condition, both, 1, sel, &passed, err));
        if (!passed) right = NULL;
    }
    if (!right && plan->join == JOIN_TYPE_INNER) return ST_OK;
    return emit(self, left, right, err);
}

// Versions older than the one valid at [ms] will not be asked for again.
static void drop_versions(TemporalJoin *self, int64_t ms) {
    uint64_t cursor = 0;
    for (uint8_t *row; (row = state_next(self->versions, &cursor));) {
        KeptList *list = (KeptList *)(void *)row;
        int64_t newest = INT64_MIN;
        for (KeptRow *at = list->oldest; at; at = at->newer) {
            if (at->time_ms <= ms && at->time_ms > newest) newest = at->time_ms;
        }
        for (KeptRow *at = list->oldest, *next; at; at = next) {
            next = at->newer;
            if (at->time_ms >= newest) continue;
            state_write(self->versions, row);
            kept_remove(self->base.budget, at);
        }
    }
}

static Status temporal_join_on_watermark(Operator *op, int64_t ms, Error *err) {
    TemporalJoin *self = (TemporalJoin *)op;
    arena_reset(&self->scratch);
    for (KeptRow *left; (left = heap_first(&self->heap)) && left->time_ms <= ms;) {
        TRY(join_row(self, left, err));
        KeptList *list = left->list;
        state_write(self->waiting, (uint8_t *)list);
        heap_remove(&self->heap, left);
        kept_remove(op->budget, left);
        if (!list->count) state_remove(self->waiting, (uint8_t *)list);
    }
    drop_versions(self, ms);
    TRY(output_builder(op, &self->out, true, err));
    return output_watermark(op, ms, err);
}

static void temporal_join_close(Operator *op) {
    TemporalJoin *self = (TemporalJoin *)op;
    for (uint32_t i = 0; i < self->heap.count; i++) self->heap.row[i]->heap_at = 0;
    heap_free(&self->heap);
    program_free(self->condition);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
}

const OperatorVt TEMPORAL_JOIN_OPERATOR = {
    .name = "temporal-join", .plan_kind = PLAN_TEMPORAL_JOIN, .size = sizeof(TemporalJoin),
    .open = temporal_join_open, .on_batch = temporal_join_on_batch,
    .on_watermark = temporal_join_on_watermark, .close = temporal_join_close,
};
