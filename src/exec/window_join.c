// exec/window_join.c - joins of two windowed inputs on the same window: rows are kept per key and
// window (the window's start and end are among the join keys) and joined once, when the watermark
// passes the window's end. Append-only, whatever the join type.
// State: key -> rows of the left, rows of the right; buckets of them by the end of their window.
// With RocksDB keys leave memory and their buckets, and come back when their window's time has
// come.
#include "exec/bucket.h"
#include "exec/saved.h"
#include "exec/window.h"

typedef struct WindowLists {
    BucketPlace place;
    KeptList side[2];
    bool matches;  // no key is NULL where NULLs do not match
} WindowLists;

typedef struct WindowJoin {
    Operator base;
    StateTable *windows;
    const uint32_t *key[2];
    uint32_t end_key;        // which of the keys is the window's end
    uint32_t columns[2];
    Program *condition;
    const Type *both;
    Builder out;
    Arena scratch;
    uint64_t arrivals;
    WindowClock clock;
    Buckets live;
} WindowJoin;

static void window_clear(void *arg, uint8_t *row) {
    WindowJoin *self = arg;
    WindowLists *lists = (WindowLists *)(void *)row;
    for (uint32_t s = 0; s < 2; s++) kept_clear(self->base.budget, &lists->side[s]);
}

static void ask_timer(WindowJoin *self);

static void window_save(void *arg, const uint8_t *row, Buf *out) {
    (void)arg;
    const WindowLists *lists = (const WindowLists *)(const void *)row;
    codec_put_u8(out, lists->matches);
    for (uint32_t s = 0; s < 2; s++) kept_list_save(&lists->side[s], out);
}

static const char *window_load(void *arg, uint8_t *row, const char *at, Error *err) {
    WindowJoin *self = arg;
    const Plan *plan = self->base.plan;
    WindowLists *lists = (WindowLists *)(void *)row;
    uint8_t matches;
    at = codec_get_u8(at, &matches);
    lists->matches = matches != 0;
    for (uint32_t s = 0; s < 2 && at; s++) {
        at = kept_list_load(self->base.budget, &lists->side[s], plan->input[s]->type, at, err);
    }
    bucket_put(&self->live, saved_key_i64(self->windows, row, self->end_key), row);
    ask_timer(self);
    return at;
}

static void window_leave(void *arg, uint8_t *row) {
    bucket_leave(&((WindowJoin *)arg)->live, row);
}

static const Type *window_value(Arena *arena, const Type *left, const Type *right) {
    FieldList list = {.arena = arena};
    field_add(&list, "matches", type_of(TYPE_TINYINT, false));
    field_add(&list, "left", kept_rows_type(arena, left));
    field_add(&list, "right", kept_rows_type(arena, right));
    return field_row(&list);
}

static Status window_join_open(Operator *op, Error *err) {
    WindowJoin *self = (WindowJoin *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    self->key[0] = plan->key;
    self->key[1] = plan->right_key;
    self->end_key = plan->window->end_column;
    window_clock_init(&self->clock, plan->window, op->env);
    const Type *left = plan->input[0]->type, *right = plan->input[1]->type;
    self->columns[0] = left->child_count;
    self->columns[1] = right->child_count;
    self->both = kept_both_type(arena, left, right);
    StateTableDef def = {
        .name = "windows",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(arena, left, plan->key, plan->key_count),
        .value = window_value(arena, left, right),
        .version = 1,
        .row_size = sizeof(WindowLists),
        .clear = window_clear,
        .save = window_save,
        .load = window_load,
        .may_leave = true,
        .load_all = true,
        .wanted = bucket_wanted,
        .leave = window_leave,
        .clear_arg = self,
    };
    self->windows = state_table_open(op->env->state, &def);
    builder_init(&self->out, plan->type);
    if (!plan->condition) return ST_OK;
    Expr *condition = plan->condition;
    return program_new(&condition, 1, self->both, op->env->func, &self->condition, err);
}

// The next window of processing time wants a timer.
static void ask_timer(WindowJoin *self) {
    if (!self->clock.spec->proctime || !self->live.count) return;
    self->base.env->timer_at(&self->base, window_fires_at(&self->clock, self->live.at[0].end));
}

static bool all_match(const Plan *plan, Vec *const *key, uint32_t row) {
    for (uint32_t k = 0; k < plan->key_count; k++) {
        if (!plan->null_safe[k] && vec_is_null(key[k], row)) return false;
    }
    return true;
}

static Status window_join_on_batch(Operator *op, uint32_t s, Batch *in, Error *err) {
    WindowJoin *self = (WindowJoin *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[self->key[s][k]];
    uint64_t *mask = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(in->rows));
    const Vec *end = key[self->end_key];
    for (uint32_t row = 0; row < in->rows; row++) {
        // Late: the window has been joined already.
        bool late = !self->clock.spec->proctime &&
                    window_fires_at(&self->clock, vec_i64(end)[row]) <= op->watermark_in;
        op->late_dropped += late;
        if (!late) bits_set(mask, row);
    }
    uint8_t **found = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    uint8_t *is_new = ARENA_ARRAY(&self->scratch, uint8_t, in->rows);
    TRY(state_find(self->windows, key, in->rows, mask, true, 0, found, is_new, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!found[row]) continue;
        WindowLists *lists = (WindowLists *)(void *)found[row];
        if (is_new[row]) {
            lists->matches = all_match(plan, key, row);
            bucket_put(&self->live, vec_i64(end)[row], found[row]);
        }
        KeptRow *kept = NULL;
        TRY(kept_add(op->budget, &lists->side[s], in, row, 0, self->arrivals++, &kept, err));
    }
    ask_timer(self);
    return ST_OK;
}

static Status emit(WindowJoin *self, const KeptRow *left, const KeptRow *right, bool semi,
                   Error *err) {
    uint32_t at = builder_row(&self->out, ROW_INSERT);
    Vec **out = self->out.batch->column;
    kept_emit(left, out, self->columns[0], at);
    if (!semi) kept_emit(right, out + self->columns[0], self->columns[1], at);
    return output_builder(&self->base, &self->out, false, err);
}

// All pairs of a window that the condition lets pass are marked and, but for semi and anti, sent.
static Status join_pairs(WindowJoin *self, WindowLists *lists, bool send, Error *err) {
    Arena *scratch = &self->scratch;
    uint32_t rights = (uint32_t)lists->side[1].count, total = self->columns[0] + self->columns[1];
    KeptRow **right = ARENA_ARRAY(scratch, KeptRow *, rights + 1);
    Vec **both = ARENA_ARRAY(scratch, Vec *, total);
    uint32_t n = 0;
    for (uint32_t c = self->columns[0]; c < total; c++) {
        both[c] = vec_new(scratch, self->both->child[c], rights);
    }
    for (KeptRow *at = lists->side[1].oldest; at; at = at->newer) {
        right[n] = at;
        kept_load(at, both + self->columns[0], self->columns[1], n++);
    }
    uint32_t *sel = ARENA_ARRAY(scratch, uint32_t, rights + 1);
    for (KeptRow *left = lists->side[0].oldest; left; left = left->newer) {
        uint32_t passed = rights;
        if (self->condition) {
            Arena work = {0};
            for (uint32_t c = 0; c < self->columns[0]; c++) {
                both[c] = vec_new(&work, self->both->child[c], 1);
            }
            kept_load(left, both, self->columns[0], 0);
            for (uint32_t c = 0; c < self->columns[0]; c++) {
                both[c] = vec_repeat(&work, both[c], 0, rights);
            }
            Status st = program_select(self->condition, both, rights, sel, &passed, err);
            arena_clear(&work);
            TRY(st);
        }
        for (uint32_t i = 0; i < passed; i++) {
            KeptRow *at = right[self->condition ? sel[i] : i];
            left->matched = at->matched = true;
            if (send) TRY(emit(self, left, at, false, err));
        }
    }
    return ST_OK;
}

static Status fire(void *arg, uint8_t *row, Error *err) {
    WindowJoin *self = arg;
    WindowLists *lists = (WindowLists *)(void *)row;
    arena_reset(&self->scratch);
    state_write(self->windows, row);  // its rows become matched ones
    JoinType type = self->base.plan->join;
    bool semi = type == JOIN_TYPE_SEMI || type == JOIN_TYPE_ANTI;
    if (lists->matches && lists->side[0].count && lists->side[1].count) {
        TRY(join_pairs(self, lists, !semi, err));
    }
    bool left_outer = type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL;
    for (KeptRow *left = lists->side[0].oldest; left; left = left->newer) {
        if (semi ? left->matched == (type == JOIN_TYPE_SEMI) : left_outer && !left->matched) {
            TRY(emit(self, left, NULL, semi, err));
        }
    }
    if (type != JOIN_TYPE_RIGHT && type != JOIN_TYPE_FULL) return ST_OK;
    for (KeptRow *right = lists->side[1].oldest; right; right = right->newer) {
        if (!right->matched) TRY(emit(self, NULL, right, false, err));
    }
    return ST_OK;
}

static Status advance(WindowJoin *self, int64_t ms, Error *err) {
    while (self->live.count && window_fires_at(&self->clock, self->live.at[0].end) <= ms) {
        TRY(bucket_fire(&self->live, self->windows, fire, self, err));
    }
    return output_builder(&self->base, &self->out, true, err);
}

static Status window_join_on_watermark(Operator *op, int64_t ms, Error *err) {
    WindowJoin *self = (WindowJoin *)op;
    if (!self->clock.spec->proctime) TRY(advance(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status window_join_on_timer(Operator *op, int64_t now_ms, Error *err) {
    WindowJoin *self = (WindowJoin *)op;
    TRY(advance(self, now_ms, err));
    ask_timer(self);
    return ST_OK;
}

static void window_join_close(Operator *op) {
    WindowJoin *self = (WindowJoin *)op;
    program_free(self->condition);
    buckets_free(&self->live);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
}

const OperatorVt WINDOW_JOIN_OPERATOR = {
    .name = "window-join",
    .plan_kind = PLAN_WINDOW_JOIN,
    .size = sizeof(WindowJoin),
    .open = window_join_open,
    .on_batch = window_join_on_batch,
    .on_watermark = window_join_on_watermark,
    .on_timer = window_join_on_timer,
    .close = window_join_close,
};
