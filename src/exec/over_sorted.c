// exec/over_sorted.c - OVER in an order that is no time: a row takes its place at once, and the
// rows behind it, whose results it changes, are sent again (-U, +U). As Flink's
// NonTimeRangeUnbounded- and NonTimeRowsUnboundedPrecedingFunction; frames are always unbounded
// below.
//
// A row that comes last, the usual case, is one step of its key's group. Any other change runs the
// key's rows through an empty group twice, without it and with it.
#include "exec/over.h"

typedef struct Results {
    Vec **after;    // per aggregate
    uint32_t rows;
} Results;

static Status emit(Over *self, RowKind kind, const StoredRow *row, const Results *from, uint32_t at,
                   Error *err) {
    if (kind == ROW_UPDATE_BEFORE && !self->base.plan->emit_before) return ST_OK;
    uint32_t to = builder_row(&self->out, kind);
    Vec **column = self->out.batch->column;
    row_load(row, column, self->columns, to);
    for (uint32_t a = 0; a < self->agg_count; a++) {
        vec_copy_value(column[self->columns + a], to, from->after[a], at);
    }
    return output_builder(&self->base, &self->out, false, err);
}

// Whether Flink's accumulator would differ though the result does not: most count what they saw.
static bool always_counts(const AggCall *call, const Vec *const *arg, uint32_t row) {
    static const char *const PURE[] = {"MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"};
    for (size_t i = 0; i < sizeof PURE / sizeof *PURE; i++) {
        if (strcmp(call->func->name, PURE[i]) == 0) return false;
    }
    // A SUM is planned as $SUM0 and, where the value can be NULL, a COUNT.
    if (strcmp(call->func->name, "SUM") == 0 && !call->retract && !call->arg[0]->nullable)
        return false;
    return !call->argc || !vec_is_null(arg[0], row) || strcmp(call->func->name, "ARRAY_AGG") == 0;
}

static bool counts_row(Over *self, const Batch *in, uint32_t row) {
    for (uint32_t a = 0; a < self->agg_count; a++) {
        const PlanAgg *agg = &self->base.plan->agg[a];
        const Vec *first = agg->call->argc ? in->column[agg->arg[0]] : NULL;
        if (always_counts(self->call[a], &first, row)) return true;
    }
    return false;
}

static bool differs(const Over *self, const Results *a, uint32_t i, const Results *b, uint32_t j) {
    for (uint32_t k = 0; k < self->agg_count; k++) {
        if (!vec_key_equal(a->after[k], i, b->after[k], j)) return true;
    }
    return false;
}

// ---- all rows of a key -------------------------------------------------------------------------

// Runs the rows through an empty group. Where frames are RANGE, peers get the result of the last.
static Status run_all(Over *self, const SortedRows *rows, Results *out, Error *err) {
    uint8_t *group = arena_zalloc(&self->step, self->group_size);
    over_work_begin(self);
    const StoredRow *row;
    for (SortedAt at = sorted_first(rows); (row = sorted_row(rows, at));
         at = sorted_next(rows, at)) {
        (void)over_work_add(self, row, group, false);
    }
    uint32_t count = out->rows = self->work->rows;
    Vec **after = ARENA_ARRAY(&self->step, Vec *, self->agg_count + 1);
    out->after = ARENA_ARRAY(&self->step, Vec *, self->agg_count + 1);
    Status st = over_work_step(self, after, err);
    uint32_t *place = ARENA_ARRAY(&self->step, uint32_t, count + 1);
    SortedAt at = sorted_first(rows);
    for (uint32_t i = 0; i < count; i++, at = sorted_next(rows, at)) {
        place[i] = i;
        if (self->base.plan->frame.rows || i == 0) continue;
        bool peer =
            str_eq(row_key(sorted_row(rows, at)), row_key(sorted_row(rows, sorted_prev(rows, at))));
        for (uint32_t p = i; peer && p-- > 0 && place[p] == i - 1;) place[p] = i;
    }
    for (uint32_t a = 0; a < self->agg_count && !st; a++) {
        out->after[a] = vec_new(&self->step, self->call[a]->result, count);
        for (uint32_t i = 0; i < count; i++) vec_copy_value(out->after[a], i, after[a], place[i]);
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        if (self->call[a]->impl->flags & AGG_OWNS) agg_clear(self->call[a], group, &self->agg_env);
    }
    self->work = batch_unref(self->work);
    return st;
}

// The results of a key's group, as of its last row.
static Status group_results(Over *self, const uint8_t *group, Results *out, Error *err) {
    out->rows = 1;
    out->after = ARENA_ARRAY(&self->step, Vec *, self->agg_count + 1);
    for (uint32_t a = 0; a < self->agg_count; a++) {
        out->after[a] = vec_new(&self->step, self->call[a]->result, 1);
        TRY(agg_emit_one(self->call[a], group, &self->agg_env, out->after[a], 0, err));
    }
    return ST_OK;
}

static Status group_fold(Over *self, const StoredRow *row, uint8_t *group, bool retract,
                         Error *err) {
    over_work_begin(self);
    (void)over_work_add(self, row, group, retract);
    Status st = ST_OK;
    for (uint32_t a = 0; a < self->agg_count && !st; a++) {
        const AggCall *call = self->call[a];
        const Vec **arg = ARENA_ARRAY(&self->step, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) {
            arg[i] = self->work->column[self->base.plan->agg[a].arg[i]];
        }
        AggRows rows = {.rows = 1, .arg = arg, .single = group, .kinds = self->work->kinds};
        st = agg_update(call, &rows, &self->agg_env, err);
    }
    self->work = batch_unref(self->work);
    return st;
}

// The group of all rows, made again: aggregates that depend on the order are not undone by a row.
static Status group_again(Over *self, uint8_t *group, Error *err) {
    OverPart *part = over_part(group);
    for (uint32_t a = 0; a < self->agg_count; a++) {
        if (self->call[a]->impl->flags & AGG_OWNS) agg_clear(self->call[a], group, &self->agg_env);
    }
    memset(group + sizeof(OverPart), 0, self->group_size - sizeof(OverPart));
    over_work_begin(self);
    const StoredRow *row;
    for (SortedAt at = sorted_first(&part->rows); (row = sorted_row(&part->rows, at));
         at = sorted_next(&part->rows, at)) {
        (void)over_work_add(self, row, group, false);
    }
    Vec **after = ARENA_ARRAY(&self->step, Vec *, self->agg_count + 1);
    Status st = over_work_step(self, after, err);
    self->work = batch_unref(self->work);
    return st;
}

// ---- changes -----------------------------------------------------------------------------------

// Rows [at, …) of [rows], [i] by number in the new results, were rows [i - shift] of the old ones.
static Status correct_rows(Over *self, const SortedRows *rows, SortedAt at, uint32_t count,
                           const Results *before, uint32_t i, const Results *after, uint32_t j,
                           bool counts, Error *err) {
    for (uint32_t n = 0; n < count; n++, i++, j++, at = sorted_next(rows, at)) {
        const StoredRow *row = sorted_row(rows, at);
        if (!counts && !differs(self, before, i, after, j)) continue;
        TRY(emit(self, ROW_UPDATE_BEFORE, row, before, i, err));
        TRY(emit(self, ROW_UPDATE_AFTER, row, after, j, err));
    }
    return ST_OK;
}

static uint32_t first_peer(const Over *self, const SortedRows *rows, SortedAt at, uint32_t rank) {
    if (self->base.plan->frame.rows) return rank;
    return sorted_rank(rows, sorted_find(rows, row_key(sorted_row(rows, at))));
}

static Status add_last(Over *self, uint8_t *group, StoredRow *row, RowKind kind, bool counts,
                       Error *err) {
    SortedRows *rows = &over_part(group)->rows;
    Results before, after;
    TRY(group_results(self, group, &before, err));
    SortedAt at = sorted_add(rows, row);
    TRY(group_fold(self, row, group, false, err));
    TRY(group_results(self, group, &after, err));
    uint32_t rank = rows->count - 1, peer = first_peer(self, rows, at, rank);
    for (SortedAt p = sorted_at(rows, peer); peer < rank; peer++, p = sorted_next(rows, p)) {
        TRY(correct_rows(self, rows, p, 1, &before, 0, &after, 0, counts, err));
    }
    return emit(self, kind, row, &after, 0, err);
}

static Status add_row(Over *self, uint8_t *group, StoredRow *row, RowKind kind, bool counts,
                      Error *err) {
    SortedRows *rows = &over_part(group)->rows;
    const StoredRow *last = sorted_last(rows);
    if (!last || str_cmp(row_key(last), row_key(row)) <= 0) {
        return add_last(self, group, row, kind, counts, err);
    }
    Results before, after;
    TRY(run_all(self, rows, &before, err));
    SortedAt at = sorted_add(rows, row);
    TRY(run_all(self, rows, &after, err));
    uint32_t rank = sorted_rank(rows, at), peer = first_peer(self, rows, at, rank);
    TRY(correct_rows(self, rows, sorted_at(rows, peer), rank - peer, &before, peer, &after, peer,
                     counts, err));
    TRY(emit(self, kind, row, &after, rank, err));
    TRY(correct_rows(self, rows, sorted_next(rows, at), rows->count - rank - 1, &before, rank,
                     &after, rank + 1, counts, err));
    return group_again(self, group, err);
}

static Status remove_row(Over *self, uint8_t *group, StoredRow *row, bool counts, Error *err) {
    SortedRows *rows = &over_part(group)->rows;
    SortedAt at = sorted_find(rows, row_key(row));
    StoredRow *found;
    while ((found = sorted_row(rows, at)) && str_eq(row_key(found), row_key(row)) &&
           !row_same(found, row)) {
        at = sorted_next(rows, at);
    }
    bool there = found && str_eq(row_key(found), row_key(row));
    row_free(&self->pool, row);
    if (!there) return ST_OK;
    Results before, after;
    TRY(run_all(self, rows, &before, err));
    uint32_t rank = sorted_rank(rows, at), peer = first_peer(self, rows, at, rank);
    // Peers that came before it are corrected first.
    sorted_remove(rows, at);
    Status st = run_all(self, rows, &after, err);
    if (!st) {
        st = correct_rows(self, rows, sorted_at(rows, peer), rank - peer, &before, peer, &after,
                          peer, counts, err);
    }
    if (!st) st = emit(self, ROW_DELETE, found, &before, rank, err);
    row_free(&self->pool, found);
    TRY(st);
    TRY(correct_rows(self, rows, sorted_at(rows, rank), rows->count - rank, &before, rank + 1,
                     &after, rank, counts, err));
    return group_again(self, group, err);
}

Status over_sorted_batch(Over *self, const Batch *in, uint8_t **group, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t row = 0; row < in->rows; row++) {
        StoredRow *stored;
        arena_reset(&self->step);
        TRY(row_store(&self->pool, plan->order, plan->order_count, in->column, self->columns, row,
                      &stored, err));
        bool counts = counts_row(self, in, row);
        RowKind kind = batch_kind(in, row);
        if (row_kind_is_add(kind)) {
            TRY(add_row(self, group[row], stored, kind, counts, err));
        } else {
            TRY(remove_row(self, group[row], stored, counts, err));
        }
    }
    return output_builder(&self->base, &self->out, true, err);
}
