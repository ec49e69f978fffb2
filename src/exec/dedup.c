// exec/dedup.c - one row per key: ROW_NUMBER() OVER (PARTITION BY key ORDER BY time) = 1.
//
//   first, processing time   the first to come, at once; inserts only.
//   last, processing time    every row replaces the one before it. A row that equals it goes
//   unseen,
//                            unless state has a TTL or the one before went out as an update: Flink
//                            compares the kinds, too, and that one's has been changed. A column of
//                            processing time has no value until it is read, and tells no two rows
//                            apart: it is kept as zero and filled in when the row leaves.
//   first, event time        the row of the least stamp, once the watermark has reached it; inserts
//                            only. Rows below the watermark are late; one at it is not, here.
//   last, event time         a row of the same or a greater stamp replaces the one before it.
// As Flink's deduplicate functions; inserts only come in.
#include "exec/saved.h"

typedef struct DedupKey {  // a row of the state table
    StoredRow *row;        // the row that stands; NULL: it was the first and has been sent
    uint8_t known;
} DedupKey;

enum { KEY_NEW, KEY_KNOWN, KEY_UPDATED };  // known; and its row went out as an update

typedef struct Dedup {
    Operator base;
    StateTable *keys;
    RowPool pool;
    RowLoader loader;
    Arena scratch;
    Builder out;
    Picks picks;        // of the batch at hand
    uint32_t columns;
    Vec **stored_column;  // the batch at hand as it is kept
    int64_t now_ms;
    uint32_t time_column;
    bool proctime, last, batch_mode, closed;
    uint8_t **waiting;  // keys whose first row waits for the watermark, in order of appearance
    uint32_t waiting_count, waiting_cap;
    int64_t waiting_least;  // the least stamp among them
} Dedup;

static DedupKey *key_of(uint8_t *row) {
    return (DedupKey *)(void *)row;
}

static void key_clear(void *arg, uint8_t *row) {
    Dedup *self = arg;
    if (!self->closed && key_of(row)->row) row_free(&self->pool, key_of(row)->row);
}

static bool is_clock(const Dedup *self, uint32_t column) {
    return self->base.plan->input[0]->type->child[column]->attribute == TIME_PROCTIME;
}

static Status emit(Dedup *self, RowKind kind, const StoredRow *row, Error *err) {
    if (kind == ROW_UPDATE_BEFORE && !self->base.plan->emit_before) return ST_OK;
    uint32_t at = builder_row(&self->out, kind);
    Vec **column = self->out.batch->column;
    row_load(row, column, self->columns, at);
    for (uint32_t c = 0; c < self->columns; c++) {
        if (!is_clock(self, c)) continue;
        vec_set_timestamp(column[c], at, (Timestamp){.ms = self->now_ms});
    }
    return output_builder(&self->base, &self->out, false, err);
}

// Replaces what the key holds, without telling anybody.
static void hold(Dedup *self, DedupKey *key, StoredRow *row) {
    if (key->row) row_free(&self->pool, key->row);
    key->row = row;
    if (!key->known) key->known = KEY_KNOWN;
}

// A row that leaves as it came in goes out by reference to its batch; only rows sent after one that
// they take back, which may be of an earlier batch, are copied.
static Status send_last(Dedup *self, DedupKey *key, const StoredRow *row, uint32_t in_row,
                        Error *err) {
    RowKind kind = key->row ? ROW_UPDATE_AFTER : ROW_INSERT;
    if (self->base.plan->emit_before) {
        if (key->row) TRY(emit(self, ROW_UPDATE_BEFORE, key->row, err));
        return emit(self, kind, row, err);
    }
    picks_add(&self->picks, kind, in_row);
    return ST_OK;
}

static Status store(Dedup *self, uint32_t row, int64_t time_ms, StoredRow **out, Error *err) {
    TRY(row_store(&self->pool, NULL, 0, self->stored_column, self->columns, row, out, err));
    *row_time(*out) = time_ms;
    return ST_OK;
}

static Status last_row(Dedup *self, DedupKey *key, uint32_t row, int64_t time_ms, Error *err) {
    if (key->row && !self->proctime && time_ms < *row_time(key->row)) return ST_OK;
    StoredRow *stored;
    TRY(store(self, row, time_ms, &stored, err));
    bool counts = self->proctime && !self->base.plan->ttl_ms && key->known == KEY_KNOWN;
    if (counts && key->row && row_same(key->row, stored)) {
        row_free(&self->pool, stored);
        return ST_OK;
    }
    if (!self->batch_mode) TRY(send_last(self, key, stored, row, err));
    if (key->row) key->known = KEY_UPDATED;
    hold(self, key, stored);
    return ST_OK;
}

static void wait_for(Dedup *self, uint8_t *key, int64_t time_ms) {
    if (time_ms < self->waiting_least) self->waiting_least = time_ms;
    if (key_of(key)->known) return;
    if (self->waiting_count == self->waiting_cap) {
        self->waiting_cap = self->waiting_cap ? self->waiting_cap * 2 : 256;
        self->waiting = mem_realloc(self->waiting, self->waiting_cap * sizeof *self->waiting);
    }
    self->waiting[self->waiting_count++] = key;
    state_pin(self->keys, key, true);
}

static Status first_row(Dedup *self, uint8_t *at, uint32_t row, int64_t time_ms, Error *err) {
    DedupKey *key = key_of(at);
    if (self->proctime) {
        if (!key->known) picks_add(&self->picks, ROW_INSERT, row);
        key->known = KEY_KNOWN;
        return ST_OK;
    }
    bool late = time_ms < self->base.watermark_in;
    bool better = !key->known || (key->row && time_ms < *row_time(key->row));
    if (late || !better) {
        self->base.late_dropped += late;
        return ST_OK;
    }
    StoredRow *stored;
    TRY(store(self, row, time_ms, &stored, err));
    wait_for(self, at, time_ms);
    hold(self, key, stored);
    return ST_OK;
}

static int by_time(const void *a, const void *b) {
    const StoredRow *x = key_of(*(uint8_t *const *)a)->row, *y = key_of(*(uint8_t *const *)b)->row;
    return *row_time(x) < *row_time(y) ? -1 : *row_time(x) > *row_time(y);
}

// Stable: qsort does not promise it, and equal stamps leave in order of arrival.
static void sort_keys(uint8_t **key, uint32_t count, Arena *scratch) {
    uint8_t **half = ARENA_ARRAY(scratch, uint8_t *, count);
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t from = 0; from < count; from += 2 * width) {
            uint32_t mid = from + width < count ? from + width : count;
            uint32_t end = from + 2 * width < count ? from + 2 * width : count;
            uint32_t a = from, b = mid, to = from;
            while (a < mid || b < end) {
                bool left = b == end || (a < mid && by_time(&key[a], &key[b]) <= 0);
                half[to++] = left ? key[a++] : key[b++];
            }
        }
        memcpy(key, half, count * sizeof *key);
    }
}

// The first rows whose stamps the watermark has reached leave, by time.
static Status release(Dedup *self, int64_t watermark_ms, Error *err) {
    if (!self->waiting_count || watermark_ms < self->waiting_least) return ST_OK;
    uint8_t **due = ARENA_ARRAY(&self->scratch, uint8_t *, self->waiting_count);
    uint32_t count = 0, left = 0;
    self->waiting_least = INT64_MAX;
    for (uint32_t i = 0; i < self->waiting_count; i++) {
        uint8_t *key = self->waiting[i];
        int64_t time = *row_time(key_of(key)->row);
        if (time <= watermark_ms) {
            due[count++] = key;
        } else {
            if (time < self->waiting_least) self->waiting_least = time;
            self->waiting[left++] = key;
        }
    }
    self->waiting_count = left;
    sort_keys(due, count, &self->scratch);
    for (uint32_t i = 0; i < count; i++) {
        DedupKey *key = key_of(due[i]);
        state_write(self->keys, due[i]);
        state_pin(self->keys, due[i], false);
        TRY(emit(self, ROW_INSERT, key->row, err));
        row_free(&self->pool, key->row);
        key->row = NULL;
    }
    return output_builder(&self->base, &self->out, true, err);
}

static void key_save(void *arg, const uint8_t *row, Buf *out) {
    const DedupKey *key = (const DedupKey *)(const void *)row;
    codec_put_u8(out, key->known);
    codec_put_list_head(out, key->row != NULL);
    if (key->row) stored_save(&((Dedup *)arg)->pool, key->row, out);
}

static const char *key_load(void *arg, uint8_t *row, const char *at, Error *err) {
    Dedup *self = arg;
    DedupKey *key = key_of(row);
    uint8_t known;
    uint32_t count;
    at = codec_get_u8(at, &known);
    at = codec_get_list_head(at, &count);
    if (count) {
        at = stored_load(&self->loader, at, &key->row, err);
        if (!at) return NULL;
        if (!self->proctime && !self->last) wait_for(self, row, *row_time(key->row));
    }
    key->known = known;
    return at;
}

static const Type *key_value(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "known", type_of(TYPE_TINYINT, false));
    field_add(&list, "rows", stored_rows_type(arena, row));
    return field_row(&list);
}

static Status dedup_open(Operator *op, Error *err) {
    (void)err;
    Dedup *self = (Dedup *)op;
    const Plan *plan = op->plan;
    const Type *input = plan->input[0]->type;
    Arena *arena = op->env->arena;
    self->columns = input->child_count;
    self->time_column = plan->order[0].column;
    self->proctime = plan->proctime_order;
    self->last = plan->keep_last;
    self->batch_mode = op->env->func->batch;
    self->waiting_least = INT64_MAX;
    row_pool_init_timed(&self->pool, op->budget);
    row_loader_init(&self->loader, &self->pool, NULL, 0, input);
    builder_init(&self->out, plan->type);
    bool waits = !self->proctime && !self->last;
    StateTableDef def = {
        .name = "rows",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(arena, input, plan->key, plan->key_count),
        .value = key_value(arena, input),
        .version = 1,
        .row_size = sizeof(DedupKey),
        .ttl_ms = waits ? 0 : plan->ttl_ms,
        .clear = key_clear,
        .save = key_save,
        .load = key_load,
        .may_leave = true,
        .load_all = waits,
        .clear_arg = self,
    };
    self->keys = state_table_open(op->env->state, &def);
    return ST_OK;
}

static Status dedup_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Dedup *self = (Dedup *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    int64_t now = op->env->now_ms(op->env->now_arg);
    self->now_ms = now;
    self->stored_column = ARENA_ARRAY(&self->scratch, Vec *, self->columns + 1);
    for (uint32_t c = 0; c < self->columns; c++) {
        self->stored_column[c] = is_clock(self, c)
                                     ? vec_new(&self->scratch, in->column[c]->type, in->rows)
                                     : in->column[c];
    }
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **at = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(self->keys, key, in->rows, NULL, true, now, at, NULL, err));
    const Vec *time = self->proctime ? NULL : in->column[self->time_column];
    picks_init(&self->picks, &self->scratch, in->rows);
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t time_ms = time ? vec_timestamp(time, row).ms : 0;
        if (plan->ttl_ms && self->last) state_touch(self->keys, at[row], now);
        TRY(self->last ? last_row(self, key_of(at[row]), row, time_ms, err)
                       : first_row(self, at[row], row, time_ms, err));
    }
    if (self->picks.count) {
        TRY(output_batch(op, picks_gather(&self->picks, in, plan->type), err));
    }
    return output_builder(op, &self->out, true, err);
}

static Status dedup_on_watermark(Operator *op, int64_t ms, Error *err) {
    Dedup *self = (Dedup *)op;
    self->now_ms = op->env->now_ms(op->env->now_arg);
    arena_reset(&self->scratch);
    TRY(release(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status dedup_on_end(Operator *op, Error *err) {
    Dedup *self = (Dedup *)op;
    self->now_ms = op->env->now_ms(op->env->now_arg);
    uint64_t cursor = 0;
    for (uint8_t *row; self->batch_mode && (row = state_next(self->keys, &cursor));) {
        if (key_of(row)->row) TRY(emit(self, ROW_INSERT, key_of(row)->row, err));
    }
    return output_builder(op, &self->out, true, err);
}

static void dedup_close(Operator *op) {
    Dedup *self = (Dedup *)op;
    self->closed = true;
    row_loader_clear(&self->loader);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
    mem_free(self->waiting);
}

const OperatorVt DEDUP_OPERATOR = {
    .name = "deduplicate",
    .plan_kind = PLAN_DEDUP,
    .size = sizeof(Dedup),
    .open = dedup_open,
    .on_batch = dedup_on_batch,
    .on_watermark = dedup_on_watermark,
    .on_end = dedup_on_end,
    .close = dedup_close,
};
