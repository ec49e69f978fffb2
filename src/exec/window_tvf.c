// exec/window_tvf.c - TUMBLE, HOP, CUMULATE and SESSION as tables: each row once per window it
// falls into, with window_start, window_end and window_time behind its columns.
//
// Windows of fixed bounds are assigned as the rows pass, in Flink's order: HOP the latest window
// first, CUMULATE the shortest first. A SESSION is known when it closes: its rows wait in state,
// per partition, and leave together when the watermark passes the end of the merged window
// (UnalignedWindowTableFunctionOperator).
#include "exec/session.h"
#include "exec/stored.h"
#include "exec/window.h"

typedef struct Bounds {
    int64_t start, end;
} Bounds;

typedef struct WindowTvf {
    Operator base;
    WindowClock clock;
    Arena scratch;
    // Rows to go out: which row of the batch, in which window.
    uint32_t *row;
    Bounds *bounds;
    uint32_t count, cap;
    Sessions sessions;
    RowPool pool;
    RowLoader loader;
    Builder out;
} WindowTvf;

// ---- windows of fixed bounds -------------------------------------------------------------------

static Status emit_assigned(WindowTvf *self, Batch *in, Error *err) {
    if (!self->count) return ST_OK;
    const Type *type = self->base.plan->type;
    uint32_t columns = type->child_count - 3, count = self->count;
    Batch *out = batch_new(type);
    bool same = count == in->rows;
    for (uint32_t i = 0; i < count && same; i++) same = self->row[i] == i;
    for (uint32_t c = 0; c < columns; c++) {
        out->column[c] =
            same ? in->column[c] : vec_gather(&out->arena, in->column[c], self->row, count);
    }
    Vec *start = vec_new(&out->arena, type->child[columns], count);
    Vec *end = vec_new(&out->arena, type->child[columns + 1], count);
    Vec *time = vec_new(&out->arena, type->child[columns + 2], count);
    for (uint32_t i = 0; i < count; i++) {
        vec_i64(start)[i] = self->bounds[i].start;
        vec_i64(end)[i] = self->bounds[i].end;
        vec_i64(time)[i] = window_instant(&self->clock, self->bounds[i].end - 1);
    }
    out->column[columns] = start;
    out->column[columns + 1] = end;
    out->column[columns + 2] = time;
    out->rows = count;
    if (in->kinds) {
        uint8_t *kinds = batch_need_kinds(out);
        for (uint32_t i = 0; i < count; i++) kinds[i] = in->kinds[self->row[i]];
    }
    batch_keep(out, in);
    self->count = 0;
    return output_batch(&self->base, batch_seal(out), err);
}

static void assign(WindowTvf *self, uint32_t row, int64_t start, int64_t end) {
    if (self->count == self->cap) {
        self->cap = self->cap ? self->cap * 2 : BATCH_ROWS_MAX;
        self->row = mem_realloc(self->row, self->cap * sizeof *self->row);
        self->bounds = mem_realloc(self->bounds, self->cap * sizeof *self->bounds);
    }
    self->row[self->count] = row;
    self->bounds[self->count++] = (Bounds){start, end};
}

static void assign_all(WindowTvf *self, uint32_t row, int64_t ms) {
    const WindowSpec *spec = self->clock.spec;
    int64_t size = spec->size_ms, slide = spec->slide_ms, start;
    switch (spec->kind) {
        case WINDOW_HOP:
            for (start = window_start(ms, spec->offset_ms, slide); start > ms - size;
                 start -= slide) {
                assign(self, row, start, start + size);
            }
            return;
        case WINDOW_CUMULATE:
            start = window_start(ms, spec->offset_ms, size);
            for (int64_t end = window_start(ms, spec->offset_ms, slide) + slide;
                 end <= start + size; end += slide) {
                assign(self, row, start, end);
            }
            return;
        default:
            start = window_start(ms, spec->offset_ms, size);
            assign(self, row, start, start + size);
    }
}

static Status assign_batch(WindowTvf *self, Batch *in, Error *err) {
    const uint64_t *valid;
    int64_t *local = ARENA_ARRAY(&self->scratch, int64_t, in->rows);
    window_times(&self->clock, in, local, &valid);
    for (uint32_t row = 0; row < in->rows; row++) {
        if (valid && !bits_get(valid, row)) continue;  // Flink drops them and counts
        assign_all(self, row, local[row]);
        // A row may fall into thousands of windows: batches stay bounded.
        if (self->count >= 2 * BATCH_ROWS_MAX) TRY(emit_assigned(self, in, err));
    }
    return emit_assigned(self, in, err);
}

// ---- sessions ----------------------------------------------------------------------------------

// The rows of a session, oldest first.
typedef struct SessionRows {
    StoredRow *first, *last;
} SessionRows;

static Status rows_merge(void *arg, Session *into, Session *from, Error *err) {
    (void)arg, (void)err;
    SessionRows *a = session_data(into), *b = session_data(from);
    if (!b->first) return ST_OK;
    *(a->first ? &a->last->next : &a->first) = b->first;
    a->last = b->last;
    *b = (SessionRows){0};
    return ST_OK;
}

static void rows_clear(void *arg, Session *session) {
    WindowTvf *self = arg;
    SessionRows *rows = session_data(session);
    for (StoredRow *row = rows->first, *next; row; row = next) {
        next = row->next;
        row_free(&self->pool, row);
    }
    *rows = (SessionRows){0};
}

static void rows_save(void *arg, Session *session, Buf *out) {
    WindowTvf *self = arg;
    const SessionRows *rows = session_data(session);
    uint32_t count = 0;
    for (const StoredRow *row = rows->first; row; row = row->next) count++;
    codec_put_list_head(out, count);
    for (const StoredRow *row = rows->first; row; row = row->next) {
        stored_save(&self->pool, row, out);
    }
}

static void rows_append(SessionRows *rows, StoredRow *row) {
    *(rows->first ? &rows->last->next : &rows->first) = row;
    rows->last = row;
}

static const char *rows_load(void *arg, Session *session, const char *at, Error *err) {
    WindowTvf *self = arg;
    uint32_t count;
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        StoredRow *row;
        at = stored_load(&self->loader, at, &row, err);
        if (!at) return NULL;
        rows_append(session_data(session), row);
    }
    return at;
}

static Status rows_fire(void *arg, Session *session, Error *err) {
    WindowTvf *self = arg;
    const SessionRows *rows = session_data(session);
    uint32_t columns = self->base.plan->type->child_count - 3;
    for (const StoredRow *row = rows->first; row; row = row->next) {
        uint32_t at = builder_row(&self->out, (RowKind)row->kind);
        Vec *const *column = self->out.batch->column;
        row_load(row, column, columns, at);
        vec_i64(column[columns])[at] = session->start;
        vec_i64(column[columns + 1])[at] = session->end;
        vec_i64(column[columns + 2])[at] = window_instant(&self->clock, session->end - 1);
        TRY(output_builder(&self->base, &self->out, false, err));
    }
    return ST_OK;
}

static Status session_batch(WindowTvf *self, Batch *in, Error *err) {
    const WindowSpec *spec = self->clock.spec;
    const uint64_t *valid;
    int64_t *local = ARENA_ARRAY(&self->scratch, int64_t, in->rows);
    window_times(&self->clock, in, local, &valid);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, spec->partition_count + 1);
    for (uint32_t i = 0; i < spec->partition_count; i++) key[i] = in->column[spec->partition[i]];
    SessionKey **keys = ARENA_ARRAY(&self->scratch, SessionKey *, in->rows);
    TRY(sessions_keys(&self->sessions, key, in->rows, valid, keys, err));
    uint32_t columns = in->schema->child_count;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!keys[row]) continue;
        Session *session;
        TRY(sessions_add(&self->sessions, keys[row], local[row], &session, err));
        if (!session) {
            self->base.late_dropped++;
            continue;
        }
        SessionRows *rows = session_data(session);
        StoredRow *stored;
        TRY(row_store(&self->pool, NULL, 0, in->column, columns, row, &stored, err));
        stored->kind = (uint8_t)batch_kind(in, row);
        rows_append(rows, stored);
    }
    sessions_settle(&self->sessions, keys, in->rows);
    return ST_OK;
}

// ---- the operator ------------------------------------------------------------------------------

static Status window_tvf_open(Operator *op, Error *err) {
    (void)err;
    WindowTvf *self = (WindowTvf *)op;
    const Plan *plan = op->plan;
    window_clock_init(&self->clock, plan->window, op->env);
    row_pool_init(&self->pool, op->budget);
    builder_init(&self->out, plan->type);
    if (plan->window->kind != WINDOW_SESSION) return ST_OK;
    FieldList fields = {.arena = op->env->arena};
    field_add(&fields, "rows", stored_rows_type(fields.arena, plan->input[0]->type));
    row_loader_init(&self->loader, &self->pool, NULL, 0, plan->input[0]->type);
    SessionsDef def = {
        .name = "sessions",
        .op = op,
        .clock = &self->clock,
        .input = plan->input[0]->type,
        .key = plan->window->partition,
        .key_count = plan->window->partition_count,
        .data_size = sizeof(SessionRows),
        .merge = rows_merge,
        .clear = rows_clear,
        .fire = rows_fire,
        .fields = &fields,
        .save = rows_save,
        .load = rows_load,
        .arg = self,
    };
    sessions_open(&self->sessions, &def);
    return ST_OK;
}

static Status window_tvf_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    WindowTvf *self = (WindowTvf *)op;
    arena_reset(&self->scratch);
    return self->clock.spec->kind == WINDOW_SESSION ? session_batch(self, in, err)
                                                    : assign_batch(self, in, err);
}

static Status fire(WindowTvf *self, int64_t ms, Error *err) {
    if (self->clock.spec->kind != WINDOW_SESSION) return ST_OK;
    TRY(sessions_fire(&self->sessions, ms, err));
    return output_builder(&self->base, &self->out, true, err);
}

static Status window_tvf_on_watermark(Operator *op, int64_t ms, Error *err) {
    WindowTvf *self = (WindowTvf *)op;
    if (!self->clock.spec->proctime) TRY(fire(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status window_tvf_on_timer(Operator *op, int64_t now_ms, Error *err) {
    return fire((WindowTvf *)op, now_ms, err);
}

static void window_tvf_close(Operator *op) {
    WindowTvf *self = (WindowTvf *)op;
    sessions_close(&self->sessions);
    row_loader_clear(&self->loader);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
    mem_free(self->row);
    mem_free(self->bounds);
}

const OperatorVt WINDOW_TVF_OPERATOR = {
    .name = "window-table-function",
    .plan_kind = PLAN_WINDOW_TVF,
    .size = sizeof(WindowTvf),
    .open = window_tvf_open,
    .on_batch = window_tvf_on_batch,
    .on_watermark = window_tvf_on_watermark,
    .on_timer = window_tvf_on_timer,
    .close = window_tvf_close,
};
