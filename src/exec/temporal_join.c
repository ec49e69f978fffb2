// exec/temporal_join.c - joins each left row with the version of the right table that was valid at
// the left row's event time. Left rows wait until the watermark has passed their time: by then all
// versions that old have come. Left rows are sent in the order of their times; versions that no
// future row can ask for are dropped when their key is met again, but for the newest one. After
// Flink's TemporalRowTimeJoinOperator.
// State: key -> right versions by time; key -> left rows; a heap of the left rows by time. With
// RocksDB keys leave memory, and keys of left rows come back when time has come to them.
#include "exec/recall.h"
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

static int64_t waiting_wanted(void *arg, const uint8_t *row) {
    (void)arg;
    int64_t first_ms = INT64_MAX;
    const KeptRow *kept = ((const KeptList *)(const void *)row)->oldest;
    for (; kept; kept = kept->newer) {
        if (kept->time_ms < first_ms) first_ms = kept->time_ms;
    }
    return first_ms;
}

static void waiting_leave(void *arg, uint8_t *row) {
    TemporalJoin *self = arg;
    for (KeptRow *kept = ((KeptList *)(void *)row)->oldest; kept; kept = kept->newer) {
        heap_remove(&self->heap, kept);
    }
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
            .may_leave = true,
            .load_all = !s,
            .wanted = s ? NULL : waiting_wanted,
            .leave = s ? NULL : waiting_leave,
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

// Versions older than the one valid at [ms] will not be asked for again.
static void drop_versions(TemporalJoin *self, uint8_t *row, int64_t ms) {
    KeptList *list = (KeptList *)(void *)row;
    int64_t newest = INT64_MIN;
    for (const KeptRow *at = list->oldest; at; at = at->newer) {
        if (at->time_ms <= ms && at->time_ms > newest) newest = at->time_ms;
    }
    for (KeptRow *at = list->oldest, *next; at; at = next) {
        next = at->newer;
        if (at->time_ms >= newest) continue;
        state_write(self->versions, row);
        kept_remove(self->base.budget, at);
    }
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
        if (s) drop_versions(self, found[row], op->watermark_in);
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

// Left rows that are joined together: each with its version, NULL when there is none.
typedef struct Due {
    KeptRow *left[BATCH_ROWS_MAX];
    const KeptRow *right[BATCH_ROWS_MAX];
    uint8_t *versions[BATCH_ROWS_MAX];  // of its key, or NULL
    uint32_t count;
} Due;

// The next rows up to [ms], out of the heap, and the versions of their keys.
static Status take_due(TemporalJoin *self, int64_t ms, Due *due, Error *err) {
    const Plan *plan = self->base.plan;
    due->count = 0;
    for (KeptRow *left; due->count < BATCH_ROWS_MAX && (left = heap_first(&self->heap)) &&
                        left->time_ms <= ms;) {
        heap_remove(&self->heap, left);
        due->left[due->count++] = left;
    }
    if (!due->count) return ST_OK;
    Vec **column = ARENA_ARRAY(&self->scratch, Vec *, self->columns[0]);
    for (uint32_t c = 0; c < self->columns[0]; c++) {
        column[c] = vec_new(&self->scratch, self->both->child[c], due->count);
    }
    for (uint32_t i = 0; i < due->count; i++) kept_load(due->left[i], column, self->columns[0], i);
    uint64_t *has_key = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(due->count));
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    // Versions of a view may be those of NULL, and in Flink a NULL of the left side finds them.
    for (uint32_t i = 0; i < due->count; i++) bits_set(has_key, i);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = column[plan->key[k]];
    TRY(state_find(self->versions, key, due->count, has_key, false, 0, due->versions, NULL, err));
    for (uint32_t i = 0; i < due->count; i++) {
        const KeptList *list = (const KeptList *)(void *)due->versions[i];
        due->right[i] = list ? version_at(list, due->left[i]->time_ms) : NULL;
    }
    return ST_OK;
}

// Pairs that the condition does not let pass are none.
static Status check_condition(TemporalJoin *self, Due *due, Error *err) {
    uint32_t total = self->columns[0] + self->columns[1], pairs = 0, passed = 0;
    uint32_t *row = ARENA_ARRAY(&self->scratch, uint32_t, due->count + 1);
    uint32_t *sel = ARENA_ARRAY(&self->scratch, uint32_t, due->count + 1);
    for (uint32_t i = 0; i < due->count; i++) {
        if (due->right[i]) row[pairs++] = i;
    }
    if (!self->condition || !pairs) return ST_OK;
    Vec **both = ARENA_ARRAY(&self->scratch, Vec *, total);
    for (uint32_t c = 0; c < total; c++) {
        both[c] = vec_new(&self->scratch, self->both->child[c], pairs);
    }
    for (uint32_t i = 0; i < pairs; i++) {
        kept_load(due->left[row[i]], both, self->columns[0], i);
        kept_load(due->right[row[i]], both + self->columns[0], self->columns[1], i);
    }
    TRY(program_select(self->condition, both, pairs, sel, &passed, err));
    for (uint32_t i = 0, next = 0; i < pairs; i++) {
        if (next < passed && sel[next] == i) {
            next++;
        } else {
            due->right[row[i]] = NULL;
        }
    }
    return ST_OK;
}

// Sends the next rows up to [ms]; *count: how many there were.
static Status join_due(TemporalJoin *self, int64_t ms, uint32_t *count, Error *err) {
    arena_reset(&self->scratch);
    Due *due = ARENA_NEW(&self->scratch, Due);
    TRY(take_due(self, ms, due, err));
    TRY(check_condition(self, due, err));
    for (uint32_t i = 0; i < due->count; i++) {
        if (!due->right[i] && self->base.plan->join == JOIN_TYPE_INNER) continue;
        TRY(emit(self, due->left[i], due->right[i], err));
    }
    for (uint32_t i = 0; i < due->count; i++) {
        KeptRow *left = due->left[i];
        // Rows come in the order of their times.
        if (due->versions[i]) drop_versions(self, due->versions[i], left->time_ms);
        KeptList *list = left->list;
        state_write(self->waiting, (uint8_t *)list);
        kept_remove(self->base.budget, left);
        if (!list->count) state_remove(self->waiting, (uint8_t *)list);
    }
    *count = due->count;
    TRY(state_table_trim(self->waiting, err));
    return state_table_trim(self->versions, err);
}

// All of them.
static Status join_all_due(void *arg, int64_t ms, Error *err) {
    for (uint32_t count = 1; count;) TRY(join_due(arg, ms, &count, err));
    return ST_OK;
}

static Status temporal_join_on_watermark(Operator *op, int64_t ms, Error *err) {
    TemporalJoin *self = (TemporalJoin *)op;
    TRY(recall_until(self->waiting, ms, join_all_due, self, err));
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
