#include "exec/process_wait.h"

#include "col/codec.h"
#include "exec/kept.h"

static SortedRows *rows_of(uint8_t *key) {
    return (SortedRows *)(void *)key;
}

static void key_clear(void *arg, uint8_t *key) {
    ProcessWait *self = arg;
    if (self->closed) return;
    const SortedRows *rows = rows_of(key);
    StoredRow *row;
    for (SortedAt place = sorted_first(rows); (row = sorted_row(rows, place));
         place = sorted_next(rows, place)) {
        row_free(&self->pool, row);
    }
    sorted_free(rows_of(key));
}

static int64_t key_wanted(void *arg, const uint8_t *at) {
    const SortedRows *rows = (const SortedRows *)(const void *)at;
    (void)arg;
    const StoredRow *row = sorted_row(rows, sorted_first(rows));
    return row ? *row_time(row) : INT64_MAX;
}

static void key_leave(void *arg, uint8_t *key) {
    ProcessWait *self = arg;
    const SortedRows *rows = rows_of(key);
    const StoredRow *row;
    for (SortedAt place = sorted_first(rows); (row = sorted_row(rows, place));
         place = sorted_next(rows, place)) {
        sorted_remove(&self->rows, sorted_find(&self->rows, row_key(row)));
    }
}

// An ARRAY of the rows, as codec_put writes it: a stored row is its fields already.
static void key_save(void *arg, const uint8_t *at, Buf *out) {
    (void)arg;
    const SortedRows *rows = (const SortedRows *)(const void *)at;
    const StoredRow *row;
    buf_putc(out, 1);
    buf_put(out, &rows->count, sizeof rows->count);
    for (SortedAt place = sorted_first(rows); (row = sorted_row(rows, place));
         place = sorted_next(rows, place)) {
        buf_putc(out, 1);
        buf_put_str(out, row_bytes(row));
    }
}

// The columns of a batch and, behind them, the numbers of its rows.
static Vec **numbered(ProcessWait *self, Arena *arena, Vec *const *column, uint32_t rows) {
    uint32_t count = self->row->child_count;
    Vec **out = ARENA_ARRAY(arena, Vec *, count + 1);
    memcpy(out, column, count * sizeof *out);
    out[count] = vec_new(arena, type_of(TYPE_BIGINT, false), rows);
    for (uint32_t row = 0; row < rows; row++) vec_i64(out[count])[row] = self->arrived++;
    return out;
}

static Status add(ProcessWait *self, uint8_t *key, Vec *const *column, uint32_t from, int64_t ms,
                  Error *err) {
    StoredRow *row;
    TRY(row_store(&self->pool, self->order, self->order_count, column, self->row->child_count,
                  from, &row, err));
    *row_time(row) = ms;
    row->next = (StoredRow *)(void *)key;
    (void)sorted_add(&self->rows, row);
    (void)sorted_add(rows_of(key), row);
    return ST_OK;
}

static const char *key_load(void *arg, uint8_t *key, const char *at, Error *err) {
    ProcessWait *self = arg;
    Arena scratch = {0};
    Status st = ST_OK;
    Vec *list = vec_new(&scratch, type_array(&scratch, self->row, false), 1);
    at = codec_get(at, list, 0);
    ListView view = vec_list(list)[0];
    const Vec *rows = list->child[0];
    Vec *const *column = numbered(self, &scratch, rows->child, view.offset + view.count);
    for (uint32_t i = view.offset; !st && i < view.offset + view.count; i++) {
        int64_t ms = vec_timestamp(column[self->table->order[0].column], i).ms;
        st = add(self, key, column, i, ms, err);
    }
    arena_clear(&scratch);
    return st ? NULL : at;
}

void process_wait_open(ProcessWait *self, Operator *op, uint32_t table) {
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    const Type *row = plan->input[table]->type, *list = type_array(arena, row, false);
    Str name = STR("rows");
    *self = (ProcessWait){.op = op, .table = &plan->process->table[table], .row = row};
    uint32_t count = self->table->order_count;
    self->order = ARENA_ARRAY(arena, OrderKey, count + 1);
    memcpy(self->order, self->table->order, count * sizeof *self->order);
    self->order[count] = (OrderKey){row->child_count, false, false};
    self->order_count = count + 1;
    row_pool_init_timed(&self->pool, op->budget);
    StateTableDef def = {
        .name = table ? arena_printf(arena, "waiting%u", table) : "waiting",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(arena, row, self->table->key, plan->key_count),
        .value = type_row(arena, 1, &list, &name, false),
        .version = 1,
        .row_size = (sizeof(SortedRows) + 7u) & ~7u,
        .clear = key_clear,
        .save = key_save,
        .load = key_load,
        .may_leave = true, .load_all = true,
        .wanted = key_wanted,
        .leave = key_leave,
        .clear_arg = self,
    };
    self->keys = state_table_open(op->env->state, &def);
}

void process_wait_close(ProcessWait *self) {
    if (!self->op) return;
    uint64_t cursor = 0;
    for (uint8_t *key; (key = state_next(self->keys, &cursor));) key_clear(self, key);
    self->closed = true;
    sorted_free(&self->rows);
    row_pool_clear(&self->pool);
}

Status process_wait_add(ProcessWait *self, const Batch *in, Vec *const *key, Error *err) {
    const Vec *time = in->column[self->table->order[0].column];
    Arena scratch = {0};
    uint64_t *early = ARENA_ARRAY(&scratch, uint64_t, BITS_WORDS(in->rows));
    uint8_t **found = ARENA_ARRAY(&scratch, uint8_t *, in->rows);
    Status st = ST_OK;
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (vec_is_null(time, row)) {
            st = error_set(err, ST_RUNTIME, "function '" STR_FMT "': the time of a row is NULL",
                           STR_ARG(self->op->plan->process->udf->name));
        } else if (vec_timestamp(time, row).ms > self->op->watermark_in) {
            bits_set(early, row);
        } else {
            self->op->late_dropped++;
        }
    }
    if (!st) st = state_find(self->keys, key, in->rows, early, true, 0, found, NULL, err);
    Vec **column = numbered(self, &scratch, in->column, in->rows);
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (!found[row]) continue;
        st = add(self, found[row], column, row, vec_timestamp(time, row).ms, err);
    }
    arena_clear(&scratch);
    return st;
}

int64_t process_wait_first(const ProcessWait *self) {
    const StoredRow *row = sorted_row(&self->rows, sorted_first(&self->rows));
    int64_t here_ms = row ? *row_time(row) : INT64_MAX, away_ms = state_away_first(self->keys);
    return here_ms < away_ms ? here_ms : away_ms;
}

// Some of the keys that are due come back. Nobody holds a row.
static Status recall(ProcessWait *self, int64_t ms, Error *err) {
    TRY(state_table_trim(self->keys, err));
    StateRecall recall = {.from_ms = INT64_MIN, .until_ms = ms};
    Status st = state_recall(self->keys, &recall, err);
    state_recall_clear(&recall);
    return st;
}

Status process_wait_take(ProcessWait *self, int64_t ms, int64_t until_ms, Builder *ready,
                         bool *taken, Error *err) {
    StoredRow *row;
    *taken = false;
    while (!(row = sorted_row(&self->rows, sorted_first(&self->rows))) || *row_time(row) > ms) {
        if (!state_away_due(self->keys, ms)) return ST_OK;
        TRY(recall(self, until_ms, err));
    }
    if (*row_time(row) != ms) return ST_OK;
    uint8_t *key = (uint8_t *)row->next;
    uint32_t at = builder_row(ready, ROW_INSERT);
    row_load(row, ready->batch->column, self->row->child_count, at);
    // The order is one: what is first of all is first of its key.
    state_write(self->keys, key);
    sorted_remove(&self->rows, sorted_first(&self->rows));
    sorted_remove(rows_of(key), sorted_first(rows_of(key)));
    row_free(&self->pool, row);
    if (!rows_of(key)->count) state_remove(self->keys, key);
    *taken = true;
    return ST_OK;
}
