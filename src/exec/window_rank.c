// exec/window_rank.c - Top-N and deduplication per window: ROW_NUMBER() OVER (PARTITION BY
// window_start, window_end, … ORDER BY …) between two ranks. Only the top rows of each partition
// are kept; they leave, in order of rank, when the window closes. Inserts in, inserts out; a row of
// a closed window is late.
//
// For the last row by time, one of an equal stamp replaces the one before it, as in Flink's window
// deduplication; in any other order the first to come ranks first.
//
// With RocksDB partitions leave memory and their buckets, and come back when their window closes.
#include "exec/bucket.h"
#include "exec/saved.h"
#include "exec/window.h"

typedef struct WindowPart {  // a row of the state table
    BucketPlace place;
    SortedRows rows;
} WindowPart;

typedef struct WindowRank {
    Operator base;
    WindowClock clock;
    StateTable *parts;
    Buckets live;
    RowPool pool;
    RowLoader loader;
    uint32_t end_key;  // which of the keys is the window's end
    Arena scratch;
    Builder out;
    uint32_t columns;
    bool last_wins, closed;
} WindowRank;

static WindowPart *part_of(uint8_t *row) {
    return (WindowPart *)(void *)row;
}

static void part_clear(void *arg, uint8_t *row) {
    WindowRank *self = arg;
    SortedRows *rows = &part_of(row)->rows;
    for (uint32_t c = 0; c < rows->chunk_count && !self->closed; c++) {
        for (uint32_t i = 0; i < rows->chunk[c]->count; i++)
            row_free(&self->pool, rows->chunk[c]->row[i]);
    }
    sorted_free(rows);
}

static void part_save(void *arg, const uint8_t *row, Buf *out) {
    sorted_save(&((WindowRank *)arg)->pool, &((const WindowPart *)(const void *)row)->rows, out);
}

static const char *part_load(void *arg, uint8_t *row, const char *at, Error *err) {
    WindowRank *self = arg;
    int64_t end = saved_key_i64(self->parts, row, self->end_key);
    bucket_put(&self->live, end, row);
    if (self->clock.spec->proctime) {
        self->base.env->timer_at(&self->base, window_fires_at(&self->clock, end));
    }
    return sorted_load(&self->loader, &part_of(row)->rows, at, err);
}

static void part_leave(void *arg, uint8_t *row) {
    bucket_leave(&((WindowRank *)arg)->live, row);
}

static const Type *part_value(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "rows", stored_rows_type(arena, row));
    return field_row(&list);
}

static void drop_at(WindowRank *self, SortedRows *rows, SortedAt at) {
    StoredRow *row = sorted_row(rows, at);
    sorted_remove(rows, at);
    row_free(&self->pool, row);
}

static void take_row(WindowRank *self, SortedRows *rows, StoredRow *row) {
    uint64_t most = (uint64_t)self->base.plan->rank_end;
    const StoredRow *worst = sorted_last(rows);
    int order = worst ? str_cmp(row_key(row), row_key(worst)) : -1;
    if (rows->count >= most && (order > 0 || (order == 0 && !self->last_wins))) {
        row_free(&self->pool, row);
        return;
    }
    if (rows->count >= most) drop_at(self, rows, sorted_last_at(rows));
    (void)sorted_add(rows, row);
}

static Status window_rank_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    WindowRank *self = (WindowRank *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    const int64_t *end = vec_i64(in->column[plan->window->end_column]);
    uint64_t *mask = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(in->rows));
    for (uint32_t row = 0; row < in->rows; row++) {
        bool late = !self->clock.spec->proctime &&
                    window_fires_at(&self->clock, end[row]) <= op->watermark_in;
        op->late_dropped += late;
        if (!late) bits_set(mask, row);
    }
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **part = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    uint8_t *is_new = ARENA_ARRAY(&self->scratch, uint8_t, in->rows);
    TRY(state_find(self->parts, key, in->rows, mask, true, 0, part, is_new, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!part[row]) continue;
        if (is_new[row]) bucket_put(&self->live, end[row], part[row]);
        StoredRow *stored;
        TRY(row_store(&self->pool, plan->order, plan->order_count, in->column, self->columns, row,
                      &stored, err));
        take_row(self, &part_of(part[row])->rows, stored);
    }
    if (self->clock.spec->proctime && self->live.count) {
        op->env->timer_at(op, window_fires_at(&self->clock, self->live.at[0].end));
    }
    return ST_OK;
}

static Status emit_part(void *arg, uint8_t *part, Error *err) {
    WindowRank *self = arg;
    const SortedRows *rows = &part_of(part)->rows;
    const Plan *plan = self->base.plan;
    int64_t rank = 0;
    const StoredRow *row;
    for (SortedAt at = sorted_first(rows); (row = sorted_row(rows, at));
         at = sorted_next(rows, at)) {
        if (++rank < plan->rank_start) continue;
        uint32_t to = builder_row(&self->out, ROW_INSERT);
        row_load(row, self->out.batch->column, self->columns, to);
        if (plan->rank_output) vec_i64(self->out.batch->column[self->columns])[to] = rank;
        TRY(output_builder(&self->base, &self->out, false, err));
    }
    return ST_OK;
}

static Status advance(WindowRank *self, int64_t ms, Error *err) {
    while (self->live.count && window_fires_at(&self->clock, self->live.at[0].end) <= ms) {
        TRY(bucket_fire(&self->live, self->parts, emit_part, self, err));
    }
    return output_builder(&self->base, &self->out, true, err);
}

static Status window_rank_on_watermark(Operator *op, int64_t ms, Error *err) {
    WindowRank *self = (WindowRank *)op;
    if (!self->clock.spec->proctime) TRY(advance(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status window_rank_on_timer(Operator *op, int64_t now_ms, Error *err) {
    WindowRank *self = (WindowRank *)op;
    TRY(advance(self, now_ms, err));
    if (self->live.count)
        op->env->timer_at(op, window_fires_at(&self->clock, self->live.at[0].end));
    return ST_OK;
}

static Status window_rank_open(Operator *op, Error *err) {
    (void)err;
    WindowRank *self = (WindowRank *)op;
    const Plan *plan = op->plan;
    const Type *input = plan->input[0]->type;
    Arena *arena = op->env->arena;
    window_clock_init(&self->clock, plan->window, op->env);
    self->columns = input->child_count;
    self->last_wins = plan->keep_last;
    row_pool_init(&self->pool, op->budget);
    row_loader_init(&self->loader, &self->pool, plan->order, plan->order_count, input);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        if ((int32_t)plan->key[k] == (int32_t)plan->window->end_column) self->end_key = k;
    }
    builder_init(&self->out, plan->type);
    StateTableDef def = {
        .name = "windows",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(arena, input, plan->key, plan->key_count),
        .value = part_value(arena, input),
        .version = 1,
        .row_size = sizeof(WindowPart),
        .clear = part_clear,
        .save = part_save,
        .load = part_load,
        .may_leave = true,
        .load_all = true,
        .wanted = bucket_wanted,
        .leave = part_leave,
        .clear_arg = self,
    };
    self->parts = state_table_open(op->env->state, &def);
    return ST_OK;
}

static void window_rank_close(Operator *op) {
    WindowRank *self = (WindowRank *)op;
    self->closed = true;
    row_loader_clear(&self->loader);
    buckets_free(&self->live);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
}

const OperatorVt WINDOW_RANK_OPERATOR = {
    .name = "window-rank",
    .plan_kind = PLAN_WINDOW_RANK,
    .size = sizeof(WindowRank),
    .open = window_rank_open,
    .on_batch = window_rank_on_batch,
    .on_watermark = window_rank_on_watermark,
    .on_timer = window_rank_on_timer,
    .close = window_rank_close,
};
