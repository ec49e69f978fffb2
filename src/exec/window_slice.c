// exec/window_slice.c - windows of fixed bounds, by slices: time is cut so that each window is a
// whole number of slices, a row is aggregated once, into its slice, and windows merge slices when
// they fire (Flink's slicing window operators; "No pane, no gain", SIGMOD Record 2005).
//
//   TUMBLE     slice = window.
//   HOP        slice = the greatest common divisor of size and slide; a window merges its slices
//   into
//              groups made for the occasion.
//   CUMULATE   slice = step; a firing step moves its slice into the totals of the big window.
//   attached   the row says its window: slice = window.
//
// Over retractions a HOP follows the chain of Flink's timers: a key's next window is looked at only
// when rows asked for it or the one before was not empty. (A window may hold retractions alone.)
//
// A row is late when the last window of its slice has fired. One whose slice has fired while a
// later window waits still counts there: in HOP through its slice, in CUMULATE through the totals.
//
// Groups are found by the end of their slice through buckets of pointers; those that have left for
// the disk come back a few at a time (state_recall) when their slice's or window's turn comes, so
// that a window may have more groups than memory takes.
#include "exec/window_agg.h"

// ---- taking rows in ----------------------------------------------------------------------------

static bool fired(const WindowAgg *self, int64_t end) {
    return !self->clock.spec->proctime &&
           window_fires_at(&self->clock, end) <= self->base.watermark_in;
}

static int64_t slice_size(const WindowSpec *spec) {
    if (spec->kind != WINDOW_HOP)
        return spec->kind == WINDOW_TUMBLE ? spec->size_ms : spec->slide_ms;
    int64_t a = spec->size_ms, b = spec->slide_ms;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// The ends of the first and the last window that a slice belongs to. Between two windows of a HOP
// whose slide is greater than its size there may be slices of none: the last end lies before
// theirs.
static int64_t first_end(const WindowSpec *spec, int64_t slice_end) {
    if (spec->kind != WINDOW_HOP) return slice_end;
    int64_t start = window_start(slice_end - spec->size_ms, spec->offset_ms, spec->slide_ms);
    if (start + spec->size_ms < slice_end) start += spec->slide_ms;
    return start + spec->size_ms;
}

static int64_t last_end(const WindowSpec *spec, int64_t slice_end) {
    if (spec->attached || spec->kind == WINDOW_TUMBLE) return slice_end;
    int64_t time = slice_end - 1, step = spec->kind == WINDOW_HOP ? spec->slide_ms : spec->size_ms;
    return window_start(time, spec->offset_ms, step) + spec->size_ms;
}

typedef struct Assigned {
    int64_t *end;       // of the slice
    int64_t *start;     // attached: of the window
    uint32_t *kept;     // rows that are not late
    uint32_t kept_count;
    bool in_totals;     // some rows go to the totals at once
} Assigned;

static void assign_slices(WindowAgg *self, const Batch *in, Assigned *out) {
    const WindowSpec *spec = self->clock.spec;
    out->end = ARENA_ARRAY(&self->scratch, int64_t, in->rows);
    out->kept = ARENA_ARRAY(&self->scratch, uint32_t, in->rows);
    const uint64_t *valid = NULL;
    if (spec->attached) {
        out->start = ARENA_ARRAY(&self->scratch, int64_t, in->rows);
        memcpy(out->start, vec_i64(in->column[spec->start_column]), in->rows * sizeof *out->start);
        memcpy(out->end, vec_i64(in->column[spec->end_column]), in->rows * sizeof *out->end);
    } else {
        window_times(&self->clock, in, out->end, &valid);
    }
    int64_t size = spec->attached ? 0 : slice_size(spec), at_start = 1, at_end = 0;
    bool at_late = false, at_fired = false;
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t time = out->end[row];
        // Neighbours mostly share a slice.
        bool same = spec->attached ? time == at_end : time >= at_start && time < at_end;
        if (!same || !at_end) {
            at_start = spec->attached ? time : window_start(time, spec->offset_ms, size);
            at_end = at_start + size;
            at_fired = fired(self, at_end);
            int64_t last = last_end(spec, at_end);
            at_late = last < at_end || (at_fired && fired(self, last));
        }
        out->end[row] = at_end;
        if (at_late || (valid && !bits_get(valid, row))) {
            self->base.late_dropped++;
            continue;
        }
        if (at_fired && spec->kind == WINDOW_CUMULATE && !spec->attached) out->in_totals = true;
        out->kept[out->kept_count++] = row;
    }
}

static void compact(Assigned *assigned) {
    for (uint32_t i = 0; i < assigned->kept_count; i++) {
        assigned->end[i] = assigned->end[assigned->kept[i]];
        if (assigned->start) assigned->start[i] = assigned->start[assigned->kept[i]];
    }
}

static Vec *bigints(Arena *arena, int64_t *values, uint32_t rows) {
    Vec *vec = ARENA_NEW(arena, Vec);
    *vec = (Vec){.type = type_of(TYPE_BIGINT, false), .phys = PHYS_I64, .len = rows, .cap = rows,
                 .data = values, .arena = arena};
    return vec;
}

static int64_t cumulate_start(const WindowSpec *spec, int64_t slice_end) {
    return window_start(slice_end - spec->slide_ms, spec->offset_ms, spec->size_ms);
}

// Finds or makes the groups of the rows in [mask] (NULL all) and files the new ones under
// [bucket_of].
static Status find_groups(WindowAgg *self, StateTable *table, Buckets *buckets, Vec *const *key,
                          uint32_t rows, const uint64_t *mask, const int64_t *bucket_of,
                          uint8_t **group, Error *err) {
    uint8_t *is_new = ARENA_ARRAY(&self->scratch, uint8_t, rows);
    TRY(state_find(table, key, rows, mask, true, 0, group, is_new, err));
    for (uint32_t row = 0; row < rows; row++) {
        if (!is_new[row]) continue;
        window_head(group[row])->end = bucket_of[row];
        window_head(group[row])->at = bucket_add(buckets, bucket_of[row], group[row]);
    }
    return ST_OK;
}

// CUMULATE: rows of slices that have fired go straight to the totals.
static Status find_totals(WindowAgg *self, Vec **key, uint32_t at, Assigned *assigned,
                          uint32_t rows, uint8_t **group, Error *err) {
    const WindowSpec *spec = self->clock.spec;
    uint64_t *early = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(rows));
    uint64_t *late = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(rows));
    int64_t *start = ARENA_ARRAY(&self->scratch, int64_t, rows);
    for (uint32_t row = 0; row < rows; row++) {
        bits_set(fired(self, assigned->end[row]) ? late : early, row);
        start[row] = cumulate_start(spec, assigned->end[row]);
    }
    uint8_t **total = ARENA_ARRAY(&self->scratch, uint8_t *, rows);
    key[at] = bigints(&self->scratch, assigned->end, rows);
    TRY(find_groups(self, self->slices, &self->live, key, rows, early, assigned->end, group, err));
    key[at] = bigints(&self->scratch, start, rows);
    TRY(find_groups(self, self->totals, &self->sums, key, rows, late, start, total, err));
    for (uint32_t row = 0; row < rows; row++) {
        if (!group[row]) group[row] = total[row];
    }
    return ST_OK;
}

// ---- the chain of a key's windows --------------------------------------------------------------

typedef struct ChainRow {
    int64_t next;  // end of the window that follows the last one fired
    bool set;
} ChainRow;

static int64_t unfired_from(const WindowAgg *self, int64_t end, int64_t last);

// Each row asks for the first window of its slice that has not fired.
static void ask_for_windows(WindowAgg *self, const Assigned *assigned, uint8_t **group,
                            uint32_t rows) {
    const WindowSpec *spec = self->clock.spec;
    for (uint32_t row = 0; row < rows; row++) {
        int64_t end = assigned->end[row];
        window_head(group[row])->timer =
            unfired_from(self, first_end(spec, end), last_end(spec, end));
    }
}

// Emits the groups among some of the window's totals whose turn it is, and notes which go on.
static Status follow_chain(WindowAgg *self, uint8_t *const *total, uint32_t rows, int64_t end,
                           Error *err) {
    const Plan *plan = self->base.plan;
    uint32_t kept = 0;
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        key[k] = vec_new(&self->scratch, plan->input[0]->type->child[plan->key[k]], rows);
    }
    for (uint32_t i = 0; i < rows; i++) state_key(self->totals, total[i], key, i);
    uint8_t **chain = ARENA_ARRAY(&self->scratch, uint8_t *, rows);
    uint8_t **turn = ARENA_ARRAY(&self->scratch, uint8_t *, rows);
    TRY(state_find(self->chain, key, rows, NULL, true, 0, chain, NULL, err));
    for (uint32_t i = 0; i < rows; i++) {
        ChainRow *at = (ChainRow *)(void *)chain[i];
        const WindowHead *head = window_head(total[i]);
        bool due = head->timer == end || (at->set && at->next == end);
        if (due && head->count != 0) {
            turn[kept++] = total[i];
            *at = (ChainRow){end + self->clock.spec->slide_ms, true};
        } else {
            state_remove(self->chain, chain[i]);
        }
    }
    if (!kept) return ST_OK;
    return window_agg_emit(self, self->totals, turn, kept, end - self->clock.spec->size_ms, end,
                           err);
}

static Status fold_batch(WindowAgg *self, const Batch *in, Assigned *assigned, Error *err) {
    const Plan *plan = self->base.plan;
    const WindowSpec *spec = self->clock.spec;
    uint32_t rows = in->rows, at = plan->key_count;
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, at + 2);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, rows);
    if (assigned->in_totals) {
        TRY(find_totals(self, key, at, assigned, rows, group, err));
    } else {
        if (spec->attached) key[at++] = bigints(&self->scratch, assigned->start, rows);
        key[at] = bigints(&self->scratch, assigned->end, rows);
        TRY(find_groups(self, self->slices, &self->live, key, rows, NULL, assigned->end, group,
                        err));
    }
    if (self->chain) ask_for_windows(self, assigned, group, rows);
    return window_agg_fold(self, in, 0, rows, group, err);
}

// ---- firing ------------------------------------------------------------------------------------

typedef Status GroupsWork(WindowAgg *self, uint8_t *const *group, uint32_t count, int64_t end,
                          int64_t start, Error *err);

// Hands the groups of a bucket to [work] (NULL: nobody), a few at a time: first those in memory,
// then those that come back from disk. [last]: nobody wants them any more, and the bucket goes.
static Status each_group(WindowAgg *self, StateTable *table, Buckets *buckets, int64_t end,
                         bool last, GroupsWork *work, int64_t start, Error *err) {
    enum { SOME = 8 * BATCH_ROWS_MAX };
    Bucket *bucket = bucket_get(buckets, end);
    if (!bucket) return ST_OK;
    for (uint32_t from = 0; work && from < bucket->count; from += SOME) {
        uint32_t count = bucket->count - from < SOME ? bucket->count - from : SOME;
        arena_reset(&self->scratch);
        TRY(work(self, bucket->row + from, count, end, start, err));
    }
    if (last) {
        for (uint32_t i = 0; i < bucket->count; i++) state_remove(table, bucket->row[i]);
        bucket->count = 0;
    }
    StateRecall recall = {.from_ms = end, .until_ms = end, .borrows = !last};
    Status st = ST_OK;
    while (!st && state_away_due(table, end)) {
        st = state_recall(table, &recall, err);
        if (st || !recall.count) break;
        arena_reset(&self->scratch);
        if (work) st = work(self, recall.row, recall.count, end, start, err);
        for (uint32_t i = 0; !st && i < recall.count; i++) {
            if (last) {
                state_remove(table, recall.row[i]);
            } else {
                state_let_go(table, recall.row[i]);
            }
        }
        if (!last || st) continue;
        bucket->count = 0;
        st = state_table_trim(table, err);
    }
    state_recall_clear(&recall);
    if (last && !st) {
        Bucket taken = bucket_take(buckets, bucket);
        mem_free(taken.row);
    }
    return st;
}

// The start column of an attached group: the second to last of its key.
static int64_t attached_start(WindowAgg *self, uint8_t *group) {
    uint32_t count = self->base.plan->key_count + 2;
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, count);
    for (uint32_t i = 0; i < count; i++) {
        bool own = i + 2 < count;
        key[i] = vec_new(&self->scratch,
                         own ? self->base.plan->type->child[i] : type_of(TYPE_BIGINT, false), 1);
    }
    state_key(self->slices, group, key, 0);
    return vec_i64(key[count - 2])[0];
}

// Windows that end together began together, but for sessions and CUMULATE's restarts.
static Status emit_attached(WindowAgg *self, uint8_t *const *group, uint32_t count, int64_t end,
                            int64_t unused, Error *err) {
    (void)unused;
    const WindowSpec *spec = self->clock.spec;
    if (spec->kind == WINDOW_TUMBLE || spec->kind == WINDOW_HOP) {
        return window_agg_emit(self, self->slices, group, count, end - spec->size_ms, end, err);
    }
    for (uint32_t i = 0; i < count;) {
        int64_t start = attached_start(self, group[i]);
        uint32_t n = 1;
        while (i + n < count && attached_start(self, group[i + n]) == start) n++;
        TRY(window_agg_emit(self, self->slices, group + i, n, start, end, err));
        i += n;
    }
    return ST_OK;
}

static Status emit_slice(WindowAgg *self, uint8_t *const *group, uint32_t count, int64_t end,
                         int64_t start, Error *err) {
    return window_agg_emit(self, self->slices, group, count, start, end, err);
}

static Status fire_slice(WindowAgg *self, Error *err) {
    const WindowSpec *spec = self->clock.spec;
    int64_t end = self->live.at[0].end;
    return each_group(self, self->slices, &self->live, end, true,
                      spec->attached ? emit_attached : emit_slice, end - spec->size_ms, err);
}

// Adds groups of a slice to those of the totals under [bucket_of]: keys read from one table are
// looked up in another.
static Status merge_groups(WindowAgg *self, uint8_t *const *slice, uint32_t count, int64_t end,
                           int64_t bucket_of, Error *err) {
    (void)end;
    const Plan *plan = self->base.plan;
    bool keyed = self->clock.spec->kind == WINDOW_CUMULATE;
    for (uint32_t from = 0; from < count; from += BATCH_ROWS_MAX) {
        uint32_t rows = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        arena_reset(&self->scratch);
        Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 2);
        for (uint32_t k = 0; k < plan->key_count; k++) {
            key[k] = vec_new(&self->scratch, plan->input[0]->type->child[plan->key[k]], rows);
        }
        key[plan->key_count] = vec_new(&self->scratch, type_of(TYPE_BIGINT, false), rows);
        int64_t *bucket = ARENA_ARRAY(&self->scratch, int64_t, rows);
        for (uint32_t i = 0; i < rows; i++) {
            state_key(self->slices, slice[from + i], key, i);
            bucket[i] = bucket_of;
        }
        if (keyed) key[plan->key_count] = bigints(&self->scratch, bucket, rows);
        uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, rows);
        TRY(find_groups(self, self->totals, &self->sums, key, rows, NULL, bucket, group, err));
        for (uint32_t i = 0; i < rows; i++) {
            TRY(window_agg_merge(self, group[i], slice[from + i], err));
            if (window_head(slice[from + i])->timer == bucket_of) {
                window_head(group[i])->timer = bucket_of;
            }
        }
        TRY(state_table_trim(self->totals, err));
    }
    return ST_OK;
}

static Status emit_totals(WindowAgg *self, uint8_t *const *group, uint32_t count, int64_t end,
                          int64_t start, Error *err) {
    if (self->chain) return follow_chain(self, group, count, end, err);
    return window_agg_emit(self, self->totals, group, count, start, end, err);
}

static Status fire_hop(WindowAgg *self, int64_t end, Error *err) {
    const WindowSpec *spec = self->clock.spec;
    int64_t start = end - spec->size_ms;
    // The newest slice first, as Flink's HoppingSlicesIterable: LISTAGG and its like show it.
    uint32_t i = self->live.count;
    while (i > 0 && self->live.at[i - 1].end > end) i--;
    while (i-- > 0 && self->live.at[i].end > start) {
        TRY(each_group(self, self->slices, &self->live, self->live.at[i].end, false, merge_groups,
                       end, err));
    }
    TRY(each_group(self, self->totals, &self->sums, end, true, emit_totals, start, err));
    // The oldest slices were in this window for the last time.
    while (self->live.count && last_end(spec, self->live.at[0].end) <= end) {
        TRY(each_group(self, self->slices, &self->live, self->live.at[0].end, true, NULL, 0, err));
    }
    return ST_OK;
}

// The end of the step is not in the bucket of its totals.
static Status emit_step(WindowAgg *self, uint8_t *const *group, uint32_t count, int64_t start,
                        int64_t end, Error *err) {
    return window_agg_emit(self, self->totals, group, count, start, end, err);
}

static Status fire_step(WindowAgg *self, int64_t end, Error *err) {
    const WindowSpec *spec = self->clock.spec;
    int64_t start = cumulate_start(spec, end);
    TRY(each_group(self, self->slices, &self->live, end, true, merge_groups, start, err));
    return each_group(self, self->totals, &self->sums, start, end == start + spec->size_ms,
                      emit_step, end, err);
}

// The first window end from [end] on, in steps of the slide, that has not fired by self->fired_ms.
static int64_t unfired_from(const WindowAgg *self, int64_t end, int64_t last) {
    while (end < last && window_fires_at(&self->clock, end) <= self->fired_ms)
        end += self->clock.spec->slide_ms;
    return end;
}

// The end of the next window to fire; false when there is none.
static bool next_window(const WindowAgg *self, int64_t *end) {
    const WindowSpec *spec = self->clock.spec;
    bool any = self->live.count > 0;
    *end = INT64_MAX;
    if (any) {
        int64_t slice = self->live.at[0].end;
        *end = spec->kind == WINDOW_HOP && !spec->attached
                   ? unfired_from(self, first_end(spec, slice), last_end(spec, slice))
                   : slice;
    }
    for (uint32_t i = 0; i < self->sums.count; i++) {
        int64_t start = self->sums.at[i].end;
        int64_t step = unfired_from(self, start + spec->slide_ms, start + spec->size_ms);
        if (step < *end) *end = step;
        any = true;
    }
    return any;
}

static Status slice_advance(WindowAgg *self, int64_t ms, Error *err) {
    const WindowSpec *spec = self->clock.spec;
    bool shared = !spec->attached && spec->kind != WINDOW_TUMBLE;
    int64_t end;
    while (next_window(self, &end) && window_fires_at(&self->clock, end) <= ms) {
        if (!shared) {
            TRY(fire_slice(self, err));
        } else if (spec->kind == WINDOW_HOP) {
            TRY(fire_hop(self, end, err));
        } else {
            TRY(fire_step(self, end, err));
        }
        self->fired_ms = window_fires_at(&self->clock, end);
        arena_reset(&self->scratch);
    }
    if (ms > self->fired_ms) self->fired_ms = ms;
    if (spec->proctime && next_window(self, &end)) {
        self->base.env->timer_at(&self->base, window_fires_at(&self->clock, end));
    }
    return ST_OK;
}

static Status slice_on_batch(WindowAgg *self, Batch *in, Error *err) {
    Assigned assigned = {0};
    TRY(window_check_times(&self->clock, in, err));
    assign_slices(self, in, &assigned);
    if (!assigned.kept_count) return ST_OK;
    Status st;
    if (assigned.kept_count < in->rows) {
        Batch *kept = batch_gather(in, assigned.kept, assigned.kept_count);
        compact(&assigned);
        st = fold_batch(self, kept, &assigned, err);
        batch_unref(kept);
    } else {
        st = fold_batch(self, in, &assigned, err);
    }
    int64_t end;
    if (!st && self->clock.spec->proctime && next_window(self, &end)) {
        self->base.env->timer_at(&self->base, window_fires_at(&self->clock, end));
    }
    return st;
}

// ---- snapshots ---------------------------------------------------------------------------------

static void group_save(void *arg, const uint8_t *group, Buf *out) {
    window_agg_save(arg, group, out);
}

static const char *slice_load(void *arg, uint8_t *group, const char *at, Error *err) {
    WindowAgg *self = arg;
    at = window_agg_load(self, group, at, err);
    window_head(group)->at = bucket_add(&self->live, window_head(group)->end, group);
    return at;
}

// The bucket stays, also without groups in memory.
static void leave_bucket(Buckets *buckets, uint8_t *group) {
    WindowHead *head = window_head(group);
    Bucket *bucket = bucket_get(buckets, head->end);
    window_head(bucket_remove(bucket, head->at))->at = head->at;
}

static void slice_leave(void *arg, uint8_t *group) {
    leave_bucket(&((WindowAgg *)arg)->live, group);
}

static void total_leave(void *arg, uint8_t *group) {
    leave_bucket(&((WindowAgg *)arg)->sums, group);
}

static const char *total_load(void *arg, uint8_t *group, const char *at, Error *err) {
    WindowAgg *self = arg;
    at = window_agg_load(self, group, at, err);
    window_head(group)->at = bucket_add(&self->sums, window_head(group)->end, group);
    return at;
}

// A link of the chain h
static void chain_save(void *arg, const uint8_t *row, Buf *out) {
    (void)arg;
    const ChainRow *link = (const ChainRow *)(const void *)row;
    codec_put_i64(out, 0);
    codec_put_i64(out, link->next);
    codec_put_i64(out, link->set);
}

static const char *chain_load(void *arg, uint8_t *row, const char *at, Error *err) {
    (void)arg, (void)err;
    ChainRow *link = (ChainRow *)(void *)row;
    int64_t rows, set;
    at = codec_get_i64(at, &rows);
    at = codec_get_i64(at, &link->next);
    at = codec_get_i64(at, &set);
    link->set = set != 0;
    return at;
}

static void slice_restored(WindowAgg *self) {
    int64_t end;
    if (self->clock.spec->proctime && next_window(self, &end)) {
        self->base.env->timer_at(&self->base, window_fires_at(&self->clock, end));
    }
}

static Status slice_open(WindowAgg *self, Error *err) {
    (void)err;
    const WindowSpec *spec = self->clock.spec;
    WindowTable slices = {.name = "slices", .extra = 1 + spec->attached,
                          .row_size = self->group_size, .plain = true,
                          .clear = window_agg_clear, .save = group_save, .load = slice_load,
                          .leave = slice_leave, .arg = self};
    self->slices = window_agg_table(self, &slices);
    if (!spec->attached && spec->kind == WINDOW_HOP) {
        // The window being emitted is empty between two calls.
        WindowTable window = {.name = "window", .row_size = self->group_size,
                              .clear = window_agg_clear, .save = group_save,
                              .load = total_load, .leave = total_leave, .arg = self};
        self->totals = window_agg_table(self, &window);
        WindowTable chain = {.name = "chain", .row_size = sizeof(ChainRow), .save = chain_save,
                             .load = chain_load, .without_groups = true, .may_leave = true,
                             .arg = self};
        if (self->retracts) self->chain = window_agg_table(self, &chain);
    }
    if (!spec->attached && spec->kind == WINDOW_CUMULATE) {
        WindowTable totals = {.name = "totals",
                              .extra = 1,
                              .row_size = self->group_size,
                              .plain = true,
                              .clear = window_agg_clear,
                              .save = group_save,
                              .load = total_load,
                              .leave = total_leave,
                              .arg = self};
        self->totals = window_agg_table(self, &totals);
    }
    return ST_OK;
}

static void slice_close(WindowAgg *self) {
    buckets_free(&self->live);
    buckets_free(&self->sums);
}

const WindowAggImpl WINDOW_SLICE_IMPL = {slice_open, slice_on_batch, slice_advance, NULL,
                                         slice_close, slice_restored};
