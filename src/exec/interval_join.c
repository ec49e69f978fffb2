// exec/interval_join.c - joins of two append-only inputs whose times lie within bounds of each
// other: left.time between right.time + lower and right.time + upper. Rows are kept only as long as
// a partner may still come, by the watermark; outer joins send a row that found none when it
// leaves. Follows Flink's TimeIntervalJoin (what is kept, when it expires, what a late row may
// still meet). State: a table per side, key -> rows; a heap per side says which row expires next.
// With RocksDB keys leave memory; those whose rows expire come back when time has come to them.
#include "exec/recall.h"
#include "exec/saved.h"

typedef struct Side {
    struct IntervalJoin *join;
    StateTable *table;
    KeptHeap heap;
    const uint32_t *key;
    uint32_t time_column;
    uint32_t columns;
    bool outer;
    int64_t reach_ms;  // a row of time t meets rows of the other side up to t + reach …
    int64_t back_ms;   // … and from t - back on
} Side;

typedef struct IntervalJoin {
    Operator base;
    Side side[2];
    Program *condition;
    const Type *both;
    Builder out;
    Arena scratch;
    uint64_t arrivals;
} IntervalJoin;

static void list_clear(void *arg, uint8_t *row) {
    IntervalJoin *self = ((Side *)arg)->join;
    kept_clear(self->base.budget, (KeptList *)(void *)row);
}

static void list_save(void *arg, const uint8_t *row, Buf *out) {
    (void)arg;
    kept_list_save((const KeptList *)(const void *)row, out);
}

static const char *list_load(void *arg, uint8_t *row, const char *at, Error *err) {
    Side *side = arg;
    IntervalJoin *self = side->join;
    KeptList *list = (KeptList *)(void *)row;
    const Type *type = self->base.plan->input[side - self->side]->type;
    at = kept_list_load(self->base.budget, list, type, at, err);
    for (KeptRow *kept = list->oldest; kept; kept = kept->newer) {
        heap_push(&side->heap, kept);
        if (kept->order >= self->arrivals) self->arrivals = kept->order + 1;
    }
    return at;
}

static int64_t list_wanted(void *arg, const uint8_t *row) {
    const Side *side = arg;
    const KeptList *list = (const KeptList *)(const void *)row;
    int64_t first_ms = INT64_MAX;
    for (const KeptRow *kept = list->oldest; kept; kept = kept->newer) {
        if (kept->time_ms < first_ms) first_ms = kept->time_ms;
    }
    return first_ms == INT64_MAX ? first_ms : first_ms + side->reach_ms + 1;
}

static void list_leave(void *arg, uint8_t *row) {
    Side *side = arg;
    for (KeptRow *kept = ((KeptList *)(void *)row)->oldest; kept; kept = kept->newer) {
        if (kept->heap_at) heap_remove(&side->heap, kept);
    }
}

static Status interval_join_open(Operator *op, Error *err) {
    IntervalJoin *self = (IntervalJoin *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    JoinType type = plan->join;
    int64_t lower = plan->lower_ms, upper = plan->upper_ms;
    self->side[0] = (Side){.key = plan->key,
                           .time_column = plan->time_column,
                           .reach_ms = -lower,
                           .back_ms = upper,
                           .outer = type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL};
    self->side[1] = (Side){.key = plan->right_key,
                           .time_column = plan->right_time_column,
                           .reach_ms = upper,
                           .back_ms = -lower,
                           .outer = type == JOIN_TYPE_RIGHT || type == JOIN_TYPE_FULL};
    const Type *left = plan->input[0]->type, *right = plan->input[1]->type;
    self->both = kept_both_type(arena, left, right);
    for (uint32_t s = 0; s < 2; s++) {
        const Type *row = plan->input[s]->type;
        StateTableDef def = {
            .name = s ? "right" : "left",
            .operator_id = plan->stable_id, .budget = op->budget,
            .key = kept_key_type(arena, row, self->side[s].key, plan->key_count),
            .value = kept_list_type(arena, row),
            .version = 1,
            .row_size = sizeof(KeptList),
            .clear = list_clear,
            .save = list_save,
            .load = list_load,
            .may_leave = true,
            .load_all = true,
            .wanted = list_wanted,
            .leave = list_leave,
            .clear_arg = &self->side[s],
        };
        self->side[s].join = self;
        self->side[s].columns = row->child_count;
        self->side[s].table = state_table_open(op->env->state, &def);
    }
    builder_init(&self->out, plan->type);
    if (!plan->condition) return ST_OK;
    Expr *condition = plan->condition;
    return program_new(&condition, 1, self->both, op->env->func, &self->condition, err);
}

static Status emit_padded(IntervalJoin *self, uint32_t s, const KeptRow *row, Error *err) {
    uint32_t at = builder_row(&self->out, ROW_INSERT);
    Vec **out = self->out.batch->column;
    kept_emit(s ? NULL : row, out, self->side[0].columns, at);
    kept_emit(s ? row : NULL, out + self->side[0].columns, self->side[1].columns, at);
    return output_builder(&self->base, &self->out, false, err);
}

static void forget(IntervalJoin *self, uint32_t s, KeptRow *row) {
    Side *side = &self->side[s];
    KeptList *list = row->list;
    state_write(side->table, (uint8_t *)list);
    if (row->heap_at) heap_remove(&side->heap, row);
    kept_remove(self->base.budget, row);
    if (!list->count) state_remove(side->table, (uint8_t *)list);
}

typedef struct Expiry {
    IntervalJoin *join;
    uint32_t side;
} Expiry;

// Rows of a side in memory that nothing can meet any more, at watermark [ms].
static Status expire(void *arg, int64_t ms, Error *err) {
    const Expiry *expiry = arg;
    Side *side = &expiry->join->side[expiry->side];
    for (KeptRow *row; (row = heap_first(&side->heap));) {
        if (ms != WATERMARK_MAX && row->time_ms + side->reach_ms >= ms) break;
        if (side->outer && !row->matched) {
            TRY(emit_padded(expiry->join, expiry->side, row, err));
        }
        forget(expiry->join, expiry->side, row);
    }
    return ST_OK;
}

// Matches row [row] of [in] with the other side's rows [list]; true in *matched when one passed.
static Status match(IntervalJoin *self, uint32_t s, const Batch *in, uint32_t row, int64_t time,
                    KeptList *list, bool *matched, Error *err) {
    Side *own = &self->side[s], *other = &self->side[1 - s];
    uint32_t left = self->side[0].columns, total = left + self->side[1].columns, count = 0;
    KeptRow **found = ARENA_ARRAY(&self->scratch, KeptRow *, list->count + 1);
    for (KeptRow *at = list->oldest; at; at = at->newer) {
        if (at->time_ms >= time - own->back_ms && at->time_ms <= time + own->reach_ms) {
            found[count++] = at;
        }
    }
    if (!count) return ST_OK;
    state_write(other->table, (uint8_t *)list);  // its rows become matched ones
    Vec **both = ARENA_ARRAY(&self->scratch, Vec *, total);
    uint32_t from = s ? left : 0, to = s ? 0 : left;
    uint32_t *rows = ARENA_ARRAY(&self->scratch, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) rows[i] = row;
    for (uint32_t c = 0; c < own->columns; c++) {
        both[from + c] = vec_gather(&self->scratch, in->column[c], rows, count);
    }
    for (uint32_t c = 0; c < other->columns; c++) {
        both[to + c] = vec_new(&self->scratch, self->both->child[to + c], count);
    }
    for (uint32_t i = 0; i < count; i++) kept_load(found[i], both + to, other->columns, i);
    uint32_t *sel = ARENA_ARRAY(&self->scratch, uint32_t, count + 1), passed = count;
    for (uint32_t i = 0; i < count; i++) sel[i] = i;
    if (self->condition) TRY(program_select(self->condition, both, count, sel, &passed, err));
    for (uint32_t i = 0; i < passed; i++) {
        found[sel[i]]->matched = *matched = true;
        uint32_t at = builder_row(&self->out, ROW_INSERT);
        for (uint32_t c = 0; c < total; c++) {
            vec_copy_value(self->out.batch->column[c], at, both[c], sel[i]);
        }
        TRY(output_builder(&self->base, &self->out, false, err));
    }
    return ST_OK;
}

static Status interval_join_on_batch(Operator *op, uint32_t s, Batch *in, Error *err) {
    IntervalJoin *self = (IntervalJoin *)op;
    const Plan *plan = op->plan;
    Side *own = &self->side[s], *other = &self->side[1 - s];
    arena_reset(&self->scratch);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[own->key[k]];
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    uint8_t **mine = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(other->table, key, in->rows, NULL, false, 0, found, NULL, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t time = 0;
        TRY(kept_time(in, own->time_column, row, &time, err));
        bool matched = false, has_key = true;
        for (uint32_t k = 0; k < plan->key_count; k++) {
            has_key &= plan->null_safe[k] || !vec_is_null(key[k], row);
        }
        if (found[row] && has_key) {
            TRY(match(self, s, in, row, time, (KeptList *)(void *)found[row], &matched, err));
        }
        // A partner can still come while the watermark has not passed what this row reaches.
        bool open = op->watermark_in == WATERMARK_NONE || op->watermark_in < time + own->reach_ms;
        if (open && has_key) {
            Vec **one = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
            for (uint32_t k = 0; k < plan->key_count; k++) {
                one[k] = vec_slice(&self->scratch, key[k], row, 1);
            }
            TRY(state_find(own->table, one, 1, NULL, true, 0, &mine[row], NULL, err));
            KeptRow *kept = NULL;
            TRY(kept_add(op->budget, (KeptList *)(void *)mine[row], in, row, time,
                         self->arrivals++, &kept, err));
            kept->matched = matched;
            heap_push(&own->heap, kept);
        } else if (own->outer && !matched) {
            KeptList none = {0};
            KeptRow *kept = NULL;
            TRY(kept_add(op->budget, &none, in, row, time, 0, &kept, err));
            Status st = emit_padded(self, s, kept, err);
            kept_clear(op->budget, &none);
            TRY(st);
        }
    }
    return output_builder(op, &self->out, true, err);
}

static Status interval_join_on_watermark(Operator *op, int64_t ms, Error *err) {
    IntervalJoin *self = (IntervalJoin *)op;
    for (uint32_t s = 0; s < 2; s++) {
        Expiry expiry = {self, s};
        TRY(recall_until(self->side[s].table, ms, expire, &expiry, err));
    }
    TRY(output_builder(op, &self->out, true, err));
    // Padded rows leave late: downstream time must wait for them.
    int64_t delay = self->side[0].reach_ms > self->side[1].reach_ms ? self->side[0].reach_ms
                                                                    : self->side[1].reach_ms;
    if (delay < 0) delay = 0;
    return output_watermark(op, ms == WATERMARK_MAX ? ms : ms - delay, err);
}

static void interval_join_close(Operator *op) {
    IntervalJoin *self = (IntervalJoin *)op;
    for (uint32_t s = 0; s < 2; s++) {
        for (uint32_t i = 0; i < self->side[s].heap.count; i++) {
            self->side[s].heap.row[i]->heap_at = 0;
        }
        heap_free(&self->side[s].heap);
    }
    program_free(self->condition);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
}

const OperatorVt INTERVAL_JOIN_OPERATOR = {
    .name = "interval-join", .plan_kind = PLAN_INTERVAL_JOIN, .size = sizeof(IntervalJoin),
    .open = interval_join_open, .on_batch = interval_join_on_batch,
    .on_watermark = interval_join_on_watermark, .close = interval_join_close,
};
