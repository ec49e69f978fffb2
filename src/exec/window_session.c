// exec/window_session.c - aggregation per session: exec/session.h merges the windows, the groups
// lie behind them. Rows are aggregated batch-wise; where two sessions merge, what was assigned so
// far is folded in first, so that the states that merge are whole.
#include "exec/window_agg.h"

static Status fold_pending(WindowAgg *self, Error *err) {
    uint32_t from = self->pending_from, rows = self->pending_rows;
    self->pending_from += rows;
    self->pending_rows = 0;
    if (!self->pending_batch) return ST_OK;
    return window_agg_fold(self, self->pending_batch, from, rows, self->pending + from, err);
}

static Status session_merge(void *arg, Session *into, Session *from, Error *err) {
    WindowAgg *self = arg;
    TRY(fold_pending(self, err));
    return window_agg_merge(self, session_data(into), session_data(from), err);
}

static void session_clear(void *arg, Session *session) {
    window_agg_clear(arg, session_data(session));
}

static void session_save(void *arg, Session *session, Buf *out) {
    codec_put_row_head(out);
    window_agg_save(arg, session_data(session), out);
}

static const char *session_load(void *arg, Session *session, const char *at, Error *err) {
    return window_agg_load(arg, session_data(session), codec_get_row_head(at), err);
}

static Status session_fire(void *arg, Session *session, Error *err) {
    WindowAgg *self = arg;
    const Plan *plan = self->base.plan;
    uint8_t *group = session_data(session);
    if (self->retracts && window_head(group)->count == 0) return ST_OK;
    uint32_t at = builder_row(&self->out, ROW_INSERT);
    Vec **column = self->out.batch->column, **prop = column + plan->key_count;
    sessions_key(&self->sessions, session, column, at);
    vec_i64(prop[PROP_START])[at] = session->start;
    vec_i64(prop[PROP_END])[at] = session->end;
    vec_i64(prop[PROP_TIME])[at] = window_instant(&self->clock, session->end - 1);
    for (uint32_t a = 0; a < self->agg_count; a++) {
        TRY(agg_emit_one(self->call[a], group, &self->agg_env, prop[3 + a], at, err));
    }
    return output_builder(&self->base, &self->out, false, err);
}

static Status assign_sessions(WindowAgg *self, Batch *in, Error *err) {
    const Plan *plan = self->base.plan;
    const uint64_t *valid;
    int64_t *local = ARENA_ARRAY(&self->scratch, int64_t, in->rows);
    TRY(window_check_times(&self->clock, in, err));
    window_times(&self->clock, in, local, &valid);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    SessionKey **keys = ARENA_ARRAY(&self->scratch, SessionKey *, in->rows);
    TRY(sessions_keys(&self->sessions, key, in->rows, valid, keys, err));
    self->pending = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    self->pending_batch = in;
    self->pending_from = self->pending_rows = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        Session *session = NULL;
        if (keys[row]) TRY(sessions_add(&self->sessions, keys[row], local[row], &session, err));
        if (!session) {  // late: what stands before it is one run, what follows another
            self->base.late_dropped++;
            TRY(fold_pending(self, err));
            self->pending_from = row + 1;
            continue;
        }
        self->pending[row] = session_data(session);
        self->pending_rows++;
    }
    TRY(fold_pending(self, err));
    sessions_settle(&self->sessions, keys, in->rows);
    return ST_OK;
}

static Status session_on_batch(WindowAgg *self, Batch *in, Error *err) {
    Status st = assign_sessions(self, in, err);
    self->pending_batch = NULL;
    return st;
}

static Status session_advance(WindowAgg *self, int64_t ms, Error *err) {
    TRY(sessions_fire(&self->sessions, ms, err));
    return output_builder(&self->base, &self->out, true, err);
}

static Status session_open(WindowAgg *self, Error *err) {
    (void)err;
    const Plan *plan = self->base.plan;
    FieldList fields = {.arena = self->base.env->arena};
    field_add(&fields, "group", window_agg_group_type(fields.arena, plan));
    SessionsDef def = {
        .name = "sessions", .op = &self->base, .clock = &self->clock, .input = plan->input[0]->type,
        .key = plan->key, .key_count = plan->key_count, .data_size = self->group_size,
        .merge = session_merge, .fire = session_fire, .clear = session_clear,
        .fields = &fields, .save = session_save, .load = session_load,
        .begin = window_agg_begin, .begin_of = "group", .arg = self,
    };
    sessions_open(&self->sessions, &def);
    return ST_OK;
}

static void session_close(WindowAgg *self) {
    sessions_close(&self->sessions);
}

const WindowAggImpl WINDOW_SESSION_IMPL = {session_open, session_on_batch, session_advance, NULL,
                                           session_close, NULL};
