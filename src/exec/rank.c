// exec/rank.c - Top-N: the rows of ranks [rank_start, rank_end] per partition, kept up to date.
//
// Three ways, chosen by the planner (Plan.rank_way), with the changelogs of Flink's functions:
//   RANK_APPEND   inserts only come in: only the top rows are kept (AppendOnlyTopNFunction).
//   RANK_UPDATE   each row replaces the one of its row key and only ever rises: again only the top
//                 rows are kept (UpdatableTopNFunction).
//   RANK_RETRACT  anything: all rows are kept (RetractableTopNFunction).
// Where the rank number goes out too, or an offset hides the first ranks, a row that moves makes
// -U/+U of every rank it passes; otherwise only the row that enters (+I) and the one that leaves
// (-D) are seen. A plain Top-1 that never retracts sends -U/+U (FastTop1Function).
//
// State: partition -> its rows in order; RANK_UPDATE also row key -> stored row.
#include "exec/saved.h"
#include "exec/picked.h"

typedef struct RankPart {  // a row of the state table
    SortedRows rows;
    int64_t rank_end;  // of this partition, where it comes from a column; else unused
    uint64_t bar;      // RANK_APPEND: sort_key_head of the worst row of a full partition, else 0
} RankPart;

// A row of the table of row keys; StoredRow.next points back at it.
typedef struct RowKey {
    StoredRow *row;
} RowKey;

typedef struct Rank {
    Operator base;
    StateTable *parts, *row_keys;
    RowPool pool;
    RowLoader loader;
    Arena scratch;
    Picked out;
    Picks picks;           // of the batch at hand
    uint32_t columns;      // of the input
    int64_t start, end;    // ranks; [end] of the partition at hand
    bool numbered;         // the walk with ranks
    bool top1;
    bool batch_mode;
    bool ending;          // a batch's result leaves at its end, whatever its inputs took back
    bool closed;
    int64_t now_ms;
} Rank;

static RankPart *part_of(uint8_t *row) {
    return (RankPart *)(void *)row;
}

static void part_clear(void *arg, uint8_t *row) {
    Rank *self = arg;
    RankPart *part = part_of(row);
    for (uint32_t c = 0; c < part->rows.chunk_count && !self->closed; c++) {
        for (uint32_t i = 0; i < part->rows.chunk[c]->count; i++) {
            StoredRow *stored = part->rows.chunk[c]->row[i];
            if (self->row_keys) state_remove(self->row_keys, (uint8_t *)stored->next);
            row_free(&self->pool, stored);
        }
    }
    sorted_free(&part->rows);
}

// ---- output ------------------------------------------------------------------------------------

static Status emit(Rank *self, RowKind kind, const StoredRow *row, int64_t rank, Error *err) {
    if (self->batch_mode && !self->ending) return ST_OK;
    if (rank < self->start || rank > self->end) return ST_OK;
    if (kind == ROW_UPDATE_BEFORE && !self->base.plan->emit_before) return ST_OK;
    if (!picked_add(&self->out, kind, row, rank)) return ST_OK;
    return output_batch(&self->base, picked_take(&self->out), err);
}

static Status emit_rest(Rank *self, Error *err) {
    Batch *rest = picked_take(&self->out);
    return rest ? output_batch(&self->base, rest, err) : ST_OK;
}

static Status replace(Rank *self, const StoredRow *was, const StoredRow *is, int64_t rank,
                      Error *err) {
    TRY(emit(self, ROW_UPDATE_BEFORE, was, rank, err));
    return emit(self, ROW_UPDATE_AFTER, is, rank, err);
}

// ---- with ranks --------------------------------------------------------------------------------

// [row] stands at [at] now: it and those behind it move down one rank each.
static Status push_down(Rank *self, const SortedRows *rows, SortedAt at, Error *err) {
    int64_t rank = (int64_t)sorted_rank(rows, at) + 1;
    const StoredRow *current = sorted_row(rows, at);
    for (;; rank++) {
        if (rank > self->end) return ST_OK;
        at = sorted_next(rows, at);
        const StoredRow *was = sorted_row(rows, at);
        if (!was) return emit(self, ROW_INSERT, current, rank, err);
        TRY(replace(self, was, current, rank, err));
        current = was;
    }
}

// The row at [at] is about to go: those behind it move up.
static Status pull_up(Rank *self, const SortedRows *rows, SortedAt at, Error *err) {
    int64_t rank = (int64_t)sorted_rank(rows, at) + 1;
    const StoredRow *current = sorted_row(rows, at);
    for (;; rank++) {
        if (rank > self->end) return ST_OK;
        at = sorted_next(rows, at);
        const StoredRow *next = sorted_row(rows, at);
        if (!next) return emit(self, ROW_DELETE, current, rank, err);
        TRY(replace(self, current, next, rank, err));
        current = next;
    }
}

// ---- inserts only ------------------------------------------------------------------------------

static void drop_last(Rank *self, SortedRows *rows) {
    StoredRow *last = sorted_last(rows);
    sorted_remove(rows, sorted_last_at(rows));
    row_free(&self->pool, last);
}

static bool in_range(const Rank *self, const SortedRows *rows, const StoredRow *row) {
    if ((int64_t)rows->count < self->end) return true;
    const StoredRow *worst = sorted_last(rows);
    return worst && str_cmp(row_key(row), row_key(worst)) < 0;
}

// Whether row [row] is worth storing: most rows of a full partition are not, and of most of those
// the head of the sort key says so without a look at the rows.
static bool reaches_top(Rank *self, const RankPart *part, uint64_t head, const Batch *in,
                        uint32_t row) {
    const Plan *plan = self->base.plan;
    const SortedRows *rows = &part->rows;
    if (part->bar && head > part->bar) return false;
    if ((int64_t)rows->count < self->end) return true;
    const StoredRow *worst = sorted_last(rows);
    Buf *key = &self->pool.scratch;
    key->len = 0;
    sort_key_put(plan->order, plan->order_count, in->column, row, key);
    return worst && str_cmp(buf_str(key), row_key(worst)) < 0;
}

// Row [in_row] of the batch, stored as [row], is the new top. When nobody wants the -U it goes out
// by reference to its batch.
static Status append_top1(Rank *self, SortedRows *rows, StoredRow *row, uint32_t in_row,
                          Error *err) {
    StoredRow *top = sorted_last(rows);
    const Plan *plan = self->base.plan;
    Status st = ST_OK;
    if (!plan->emit_before && !plan->rank_output) {
        picks_add(&self->picks, top ? ROW_UPDATE_AFTER : ROW_INSERT, in_row);
    } else {
        st = top ? replace(self, top, row, 1, err) : emit(self, ROW_INSERT, row, 1, err);
    }
    if (top) drop_last(self, rows);
    (void)sorted_add(rows, row);
    return st;
}

static Status append_sorted(Rank *self, RankPart *part, StoredRow *row, uint32_t in_row,
                            Error *err) {
    SortedRows *rows = &part->rows;
    if (self->batch_mode) {
        (void)sorted_add(rows, row);
        if ((int64_t)rows->count > self->end) drop_last(self, rows);
        return ST_OK;
    }
    if (self->top1) return append_top1(self, rows, row, in_row, err);
    SortedAt at = sorted_add(rows, row);
    if (self->numbered) {
        TRY(push_down(self, rows, at, err));
        if ((int64_t)rows->count > self->end) drop_last(self, rows);
        return ST_OK;
    }
    if ((int64_t)rows->count > self->end) {
        TRY(emit(self, ROW_DELETE, sorted_last(rows), self->end, err));
        drop_last(self, rows);
    }
    return emit(self, ROW_INSERT, row, self->end, err);
}

static void set_bar(const Rank *self, RankPart *part) {
    bool full = part->rows.count && (int64_t)part->rows.count >= self->end;
    part->bar = full ? sort_key_head(row_key(sorted_last(&part->rows))) : 0;
}

static Status append_row(Rank *self, RankPart *part, StoredRow *row, uint32_t in_row, Error *err) {
    Status st = append_sorted(self, part, row, in_row, err);
    set_bar(self, part);
    return st;
}

// ---- rows that only rise -----------------------------------------------------------------------

// The place of a row that is surely among the rows of its key.
static SortedAt place_of(const SortedRows *rows, const StoredRow *row) {
    SortedAt at = sorted_find(rows, row_key(row));
    while (sorted_row(rows, at) != row) at = sorted_next(rows, at);
    return at;
}

// A row of the top rose from [old_rank] to where it stands now, at [at]. The order is that of
// UpdatableTopNFunction: what the row itself was goes right after the first row that it displaces.
static Status emit_rise(Rank *self, const SortedRows *rows, SortedAt at, const StoredRow *old,
                        int64_t old_rank, Error *err) {
    int64_t rank = (int64_t)sorted_rank(rows, at) + 1;
    const StoredRow *current = sorted_row(rows, at);
    for (int64_t r = rank; r < old_rank; r++) {
        at = sorted_next(rows, at);
        const StoredRow *was = sorted_row(rows, at);
        TRY(emit(self, ROW_UPDATE_BEFORE, was, r, err));
        if (r == rank) TRY(emit(self, ROW_UPDATE_BEFORE, old, old_rank, err));
        TRY(emit(self, ROW_UPDATE_AFTER, current, r, err));
        current = was;
    }
    if (rank == old_rank) TRY(emit(self, ROW_UPDATE_BEFORE, old, old_rank, err));
    return emit(self, ROW_UPDATE_AFTER, current, old_rank, err);
}

static Status update_known(Rank *self, RankPart *part, RowKey *known, StoredRow *row, Error *err) {
    SortedRows *rows = &part->rows;
    StoredRow *old = known->row;
    SortedAt at = place_of(rows, old);
    int64_t old_rank = (int64_t)sorted_rank(rows, at) + 1;
    row->next = old->next;
    known->row = row;
    Status st;
    if (str_eq(row_key(old), row_key(row))) {
        rows->chunk[at.chunk]->row[at.index] = row;  // its place stays
        st = replace(self, old, row, old_rank, err);
    } else {
        sorted_remove(rows, at);
        at = sorted_add(rows, row);
        st = self->numbered ? emit_rise(self, rows, at, old, old_rank, err)
                            : replace(self, old, row, old_rank, err);
    }
    row_free(&self->pool, old);
    return st;
}

static void forget_last(Rank *self, SortedRows *rows) {
    state_remove(self->row_keys, (uint8_t *)sorted_last(rows)->next);
    drop_last(self, rows);
}

static Status update_row(Rank *self, RankPart *part, Vec *const *row_key, StoredRow *row,
                         Error *err) {
    SortedRows *rows = &part->rows;
    uint8_t *found;
    TRY(state_find(self->row_keys, row_key, 1, NULL, false, self->now_ms, &found, NULL, err));
    if (found) return update_known(self, part, (RowKey *)(void *)found, row, err);
    if (!in_range(self, rows, row)) {
        row_free(&self->pool, row);
        return ST_OK;
    }
    TRY(state_find(self->row_keys, row_key, 1, NULL, true, self->now_ms, &found, NULL, err));
    ((RowKey *)(void *)found)->row = row;
    row->next = (StoredRow *)(void *)found;
    StoredRow *top = sorted_last(rows);
    SortedAt at = sorted_add(rows, row);
    bool full = (int64_t)rows->count > self->end;
    if (self->top1 && top) {
        TRY(replace(self, top, row, 1, err));
    } else if (self->numbered) {
        TRY(push_down(self, rows, at, err));
    } else {
        if (full) TRY(emit(self, ROW_DELETE, sorted_last(rows), self->end, err));
        TRY(emit(self, ROW_INSERT, row, self->end, err));
    }
    if (full) forget_last(self, rows);
    return ST_OK;
}

// ---- anything ----------------------------------------------------------------------------------

static Status retract_add(Rank *self, SortedRows *rows, StoredRow *row, Error *err) {
    SortedAt at = sorted_add(rows, row);
    if (self->numbered) return push_down(self, rows, at, err);
    if ((int64_t)sorted_rank(rows, at) >= self->end) return ST_OK;
    if ((int64_t)rows->count > self->end) {
        const StoredRow *out = sorted_row(rows, sorted_at(rows, (uint32_t)self->end));
        TRY(emit(self, ROW_DELETE, out, self->end, err));
    }
    return emit(self, ROW_INSERT, row, self->end, err);
}

// A row that is not there (its state expired) is ignored. One that is there with other values
// besides those it is sorted by goes without a word, as in Flink, whose count of the rows with a
// sort key falls even when none of them equals the one that is taken back.
static Status retract_remove(Rank *self, SortedRows *rows, StoredRow *row, Error *err) {
    SortedAt at = sorted_find(rows, row_key(row)), last = at;
    StoredRow *found;
    bool alike = false;
    while ((found = sorted_row(rows, at)) && str_eq(row_key(found), row_key(row)) &&
           !row_same(found, row)) {
        alike = true;
        last = at;
        at = sorted_next(rows, at);
    }
    bool there = found && str_eq(row_key(found), row_key(row));
    row_free(&self->pool, row);
    if (!there && alike) {
        found = sorted_row(rows, last);
        sorted_remove(rows, last);
        row_free(&self->pool, found);
    }
    if (!there) return ST_OK;
    int64_t rank = (int64_t)sorted_rank(rows, at) + 1;
    if (self->numbered) {
        TRY(pull_up(self, rows, at, err));
    } else if (rank <= self->end) {
        TRY(emit(self, ROW_DELETE, found, self->end, err));
        if ((int64_t)rows->count > self->end) {
            TRY(emit(self, ROW_INSERT, sorted_row(rows, sorted_at(rows, (uint32_t)self->end)),
                     self->end, err));
        }
    }
    sorted_remove(rows, at);
    row_free(&self->pool, found);
    return ST_OK;
}

// ---- snapshots ---------------------------------------------------------------------------------

static void part_save(void *arg, const uint8_t *row, Buf *out) {
    const RankPart *part = (const RankPart *)(const void *)row;
    codec_put_i64(out, part->rank_end);
    sorted_save(&((Rank *)arg)->pool, &part->rows, out);
}

// The row keys' table is made anew.
static Status know_row(Rank *self, StoredRow *row, Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t count = plan->key_count + plan->row_key_count;
    Vec **key = ARENA_ARRAY(&self->loader.scratch, Vec *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        key[i] = self->loader.column[i < plan->key_count ? plan->key[i]
                                                         : plan->row_key[i - plan->key_count]];
    }
    uint8_t *found;
    TRY(state_find(self->row_keys, key, 1, NULL, true, 0, &found, NULL, err));
    ((RowKey *)(void *)found)->row = row;
    row->next = (StoredRow *)(void *)found;
    return ST_OK;
}

static const char *part_load(void *arg, uint8_t *at, const char *bytes, Error *err) {
    Rank *self = arg;
    RankPart *part = part_of(at);
    uint32_t count;
    bytes = codec_get_i64(bytes, &part->rank_end);
    bytes = codec_get_list_head(bytes, &count);
    for (; count; count--) {
        StoredRow *row;
        bytes = stored_load(&self->loader, bytes, &row, err);
        if (!bytes) return NULL;
        (void)sorted_add(&part->rows, row);
        if (self->row_keys && know_row(self, row, err)) return NULL;
    }
    if (self->base.plan->rank_end_column >= 0) self->end = part->rank_end;
    set_bar(self, part);
    return bytes;
}

static const Type *part_value(Arena *arena, const Type *row) {
    FieldList list = {.arena = arena};
    field_add(&list, "rank_end", type_of(TYPE_BIGINT, false));
    field_add(&list, "rows", stored_rows_type(arena, row));
    return field_row(&list);
}

// ---- the operator ------------------------------------------------------------------------------

static StateTable *open_table(Rank *self, const char *name, const uint32_t *key, uint32_t key_count,
                              const uint32_t *more, uint32_t more_count, uint32_t row_size,
                              bool owns) {
    const Plan *plan = self->base.plan;
    const Type *input = plan->input[0]->type;
    Arena *arena = self->base.env->arena;
    uint32_t count = key_count + more_count;
    uint32_t *column = ARENA_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) column[i] = i < key_count ? key[i] : more[i - key_count];
    StateTableDef def = {
        .name = name,
        .operator_id = plan->stable_id, .budget = self->base.budget,
        .key = kept_key_type(arena, input, column, count),
        .value = part_value(arena, input),
        .version = 1,
        .row_size = row_size,
        .ttl_ms = owns ? plan->ttl_ms : 0,
        .clear = owns ? part_clear : NULL,
        .save = owns ? part_save : NULL,
        .load = owns ? part_load : NULL,
        .rows_fixed = plan->rank_way == RANK_RETRACT,
        .derived = !owns,
        .may_leave = true,
        .clear_arg = self,
    };
    return state_table_open(self->base.env->state, &def);
}

static Status rank_open(Operator *op, Error *err) {
    Rank *self = (Rank *)op;
    const Plan *plan = op->plan;
    if (plan->rank_end_column >= 0) {
        const Type *input = plan->input[0]->type;
        if (!type_is_integer(input->child[plan->rank_end_column])) {
            Str name = input->field[plan->rank_end_column];
            return error_set(err, ST_RUNTIME,
                             "the column '" STR_FMT "' that bounds the rank is no integer",
                             STR_ARG(name));
        }
    }
    self->columns = plan->input[0]->type->child_count;
    self->start = plan->rank_start;
    self->end = plan->rank_end;
    self->batch_mode = op->env->func->batch;
    self->numbered = plan->rank_output || plan->rank_start > 1;
    self->top1 = plan->rank_start == 1 && plan->rank_end == 1 && plan->rank_end_column < 0 &&
                 plan->rank_way != RANK_RETRACT;
    row_pool_init(&self->pool, op->budget);
    row_loader_init(&self->loader, &self->pool, plan->order, plan->order_count,
                    plan->input[0]->type);
    picked_init(&self->out, op->env->arena, plan->type, self->columns,
               plan->rank_way != RANK_UPDATE);
    self->parts =
        open_table(self, "ranks", plan->key, plan->key_count, NULL, 0, sizeof(RankPart), true);
    if (plan->rank_way == RANK_UPDATE) {
        self->row_keys = open_table(self, "rows", plan->key, plan->key_count, plan->row_key,
                                    plan->row_key_count, sizeof(RowKey), false);
    }
    return ST_OK;
}

// Where the last rank comes from a column, the first row of a partition says it for all.
static void set_rank_end(Rank *self, RankPart *part, bool is_new, const Batch *in, uint32_t row) {
    int32_t column = self->base.plan->rank_end_column;
    if (column < 0) return;
    if (is_new) {
        const Vec *vec = in->column[column];
        part->rank_end = vec_is_null(vec, row) ? 0 : vec_integer(vec, row);
    }
    self->end = part->rank_end;
}

static Status rank_row(Rank *self, RankPart *part, const Batch *in, uint32_t row, Error *err) {
    const Plan *plan = self->base.plan;
    StoredRow *stored;
    TRY(row_store(&self->pool, plan->order, plan->order_count, in->column, self->columns, row,
                  &stored, err));
    bool add = row_kind_is_add(batch_kind(in, row));
    if (plan->rank_way == RANK_APPEND) return append_row(self, part, stored, row, err);
    if (plan->rank_way == RANK_UPDATE) {
        uint32_t count = plan->key_count + plan->row_key_count;
        Vec **key = ARENA_ARRAY(&self->scratch, Vec *, count + 1);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t column =
                i < plan->key_count ? plan->key[i] : plan->row_key[i - plan->key_count];
            key[i] = vec_slice(&self->scratch, in->column[column], row, 1);
        }
        return update_row(self, part, key, stored, err);
    }
    return add ? retract_add(self, &part->rows, stored, err)
               : retract_remove(self, &part->rows, stored, err);
}

// The text of a row lies where its record was read, perhaps by another worker.
static void fetch_texts(const Rank *self, const Batch *in, uint32_t row) {
    for (uint32_t c = 0; c < self->columns; c++) {
        const Vec *vec = in->column[c];
        if (vec->phys != PHYS_STR) continue;
        Str text = vec_str(vec)[row];
        __builtin_prefetch(text.ptr);
        if (text.len > 64) __builtin_prefetch(text.ptr + 64);
    }
}

// The heads of the rows' sort keys. The rows that may enter a partition, and what they will be
// compared with, are fetched meanwhile, one pointer of the way at a time.
static uint64_t *sort_heads(Rank *self, const Batch *in, uint8_t *const *part) {
    const Plan *plan = self->base.plan;
    uint64_t *head = ARENA_ARRAY(&self->scratch, uint64_t, in->rows);
    uint32_t *open = ARENA_ARRAY(&self->scratch, uint32_t, in->rows);
    uint32_t count = 0;
    enum { AHEAD = 10 };  // rows of one partition: a top ten, and the first steps into more
    Buf *key = &self->pool.scratch;
    for (uint32_t row = 0; row < in->rows; row++) {
        key->len = 0;
        sort_key_put(plan->order, plan->order_count, in->column, row, key);
        head[row] = sort_key_head(buf_str(key));
        const RankPart *at = part_of(part[row]);
        if (!at->rows.count || (at->bar && head[row] > at->bar)) continue;
        __builtin_prefetch(at->rows.chunk);
        open[count++] = row;
    }
    for (uint32_t i = 0; i < count; i++) {
        const SortedRows *rows = &part_of(part[open[i]])->rows;
        __builtin_prefetch(rows->chunk[rows->chunk_count - 1]);
        fetch_texts(self, in, open[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const SortedRows *rows = &part_of(part[open[i]])->rows;
        const SortedChunk *chunk = rows->chunk[rows->chunk_count - 1];
        for (uint32_t r = 0; r < chunk->count && r < AHEAD; r++) {
            __builtin_prefetch(chunk->row[r]);
        }
    }
    return head;
}

static Status rank_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Rank *self = (Rank *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    self->now_ms = plan->ttl_ms ? op->env->now_ms(op->env->now_arg) : 0;
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **part = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    uint8_t *is_new = ARENA_ARRAY(&self->scratch, uint8_t, in->rows);
    picks_init(&self->picks, &self->scratch, in->rows);
    TRY(state_find(self->parts, key, in->rows, NULL, true, self->now_ms, part, is_new, err));
    uint64_t *head = plan->rank_way == RANK_APPEND ? sort_heads(self, in, part) : NULL;
    for (uint32_t row = 0; row < in->rows; row++) {
        RankPart *at = part_of(part[row]);
        set_rank_end(self, at, is_new[row], in, row);
        if (plan->rank_way == RANK_UPDATE && !row_kind_is_add(batch_kind(in, row))) continue;
        if (plan->ttl_ms) state_touch(self->parts, part[row], self->now_ms);
        if (head && !reaches_top(self, at, head[row], in, row)) continue;
        TRY(rank_row(self, at, in, row, err));
    }
    if (self->picks.count) {
        TRY(output_batch(op, picks_gather(&self->picks, in, plan->type), err));
    }
    return emit_rest(self, err);
}

static Status rank_on_end(Operator *op, Error *err) {
    Rank *self = (Rank *)op;
    if (!self->batch_mode) return ST_OK;
    self->ending = true;
    uint64_t cursor = 0;
    for (uint8_t *part; (part = state_next(self->parts, &cursor));) {
        const SortedRows *rows = &part_of(part)->rows;
        if (op->plan->rank_end_column >= 0) self->end = part_of(part)->rank_end;
        int64_t rank = 1;
        const StoredRow *row;
        for (SortedAt at = sorted_first(rows); rank <= self->end && (row = sorted_row(rows, at));
             at = sorted_next(rows, at)) {
            TRY(emit(self, ROW_INSERT, row, rank++, err));
        }
    }
    return emit_rest(self, err);
}

static void rank_close(Operator *op) {
    Rank *self = (Rank *)op;
    self->closed = true;
    row_loader_clear(&self->loader);
    row_pool_clear(&self->pool);
    picked_clear(&self->out);
    arena_clear(&self->scratch);
}

const OperatorVt RANK_OPERATOR = {
    .name = "rank",
    .plan_kind = PLAN_RANK,
    .size = sizeof(Rank),
    .open = rank_open,
    .on_batch = rank_on_batch,
    .on_end = rank_on_end,
    .close = rank_close,
};
