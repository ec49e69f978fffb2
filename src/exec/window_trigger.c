// exec/window_trigger.c - group windows of the old syntax that fire before or after their time:
// table.exec.emit.early-fire, late-fire and allow-lateness. What a window sent is corrected by its
// next firing (-U/+U), so that a consumer always has the latest result.
//
// As Flink's AggregateWindowOperator with its element, processing-time and event-time triggers: a
// window fires early with each row (delay 0) or a delay after the first row since it last fired; at
// its end when the result has changed; and late, within the lateness, in the same two ways. Each
// window is a group of its own here: slices could not be asked for results at any time.
//
// With RocksDB windows leave memory and come back at their end, and to go when their lateness is
// over; one that has a delayed firing before it stays.
#include "exec/window_agg.h"

typedef struct TriggerHead {  // before the aggregates' states
    WindowHead head;
    int64_t start;
    int64_t timer_ms;   // processing time of the delayed firing; 0: none
    StoredRow *sent;    // the results sent last; NULL: none stand
    bool ended;         // it has fired at its end
    bool past;          // it is in the bucket of those whose end has come
} TriggerHead;

typedef struct Trigger {
    WindowAgg *agg;
    StateTable *windows;  // keys, start
    Buckets open, ended;  // by end: before their time; within the lateness
    RowPool pool;
    RowLoader loader;
    bool early, late;
    int64_t early_ms, late_ms, lateness_ms;
    bool closed;
} Trigger;

static TriggerHead *trigger_head(uint8_t *group) {
    return (TriggerHead *)(void *)group;
}

static void trigger_clear(void *arg, uint8_t *group) {
    Trigger *self = arg;
    if (self->closed) return;
    window_agg_clear(self->agg, group);
    if (trigger_head(group)->sent) row_free(&self->pool, trigger_head(group)->sent);
}

static void file_window(Trigger *self, uint8_t *group, bool past) {
    WindowHead *head = window_head(group);
    trigger_head(group)->past = past;
    head->at = bucket_add(past ? &self->ended : &self->open, head->end, group);
}

static void trigger_leave(void *arg, uint8_t *group) {
    Trigger *self = arg;
    const WindowHead *head = window_head(group);
    Buckets *buckets = trigger_head(group)->past ? &self->ended : &self->open;
    Bucket *bucket = bucket_get(buckets, head->end);
    window_head(bucket_remove(bucket, head->at))->at = head->at;
}

static bool passed(const Trigger *self, int64_t end, int64_t lateness_ms) {
    const WindowClock *clock = &self->agg->clock;
    int64_t now = clock->spec->proctime ? clock->env->now_ms(clock->env->now_arg)
                                        : self->agg->base.watermark_in;
    int64_t at = window_fires_at(clock, end);
    return at > INT64_MAX - lateness_ms ? now == INT64_MAX : at + lateness_ms <= now;
}

// ---- firing ------------------------------------------------------------------------------------

static Status send(Trigger *self, RowKind kind, uint8_t *group, Vec *const *result, Error *err) {
    WindowAgg *agg = self->agg;
    const Plan *plan = agg->base.plan;
    const TriggerHead *head = trigger_head(group);
    if (kind == ROW_UPDATE_BEFORE && !plan->emit_before) return ST_OK;
    uint32_t at = builder_row(&agg->out, kind);
    Vec **column = agg->out.batch->column, **prop = column + plan->key_count;
    Vec **key = ARENA_ARRAY(&agg->scratch, Vec *, plan->key_count + 1);
    memcpy(key, column, plan->key_count * sizeof *key);
    key[plan->key_count] = vec_new(&agg->scratch, type_of(TYPE_BIGINT, false), at + 1);
    state_key(self->windows, group, key, at);
    vec_i64(prop[PROP_START])[at] = head->start;
    vec_i64(prop[PROP_END])[at] = head->head.end;
    vec_i64(prop[PROP_TIME])[at] = window_instant(&agg->clock, head->head.end - 1);
    for (uint32_t a = 0; a < agg->agg_count; a++) vec_copy_value(prop[3 + a], at, result[a], 0);
    return output_builder(&agg->base, &agg->out, false, err);
}

static Vec **result_row(Trigger *self) {
    Vec **row = ARENA_ARRAY(&self->agg->scratch, Vec *, self->agg->agg_count + 1);
    for (uint32_t a = 0; a < self->agg->agg_count; a++) {
        row[a] = vec_new(&self->agg->scratch, self->agg->call[a]->result, 1);
    }
    return row;
}

static Status send_sent(Trigger *self, RowKind kind, uint8_t *group, Error *err) {
    Vec **was = result_row(self);
    row_load(trigger_head(group)->sent, was, self->agg->agg_count, 0);
    return send(self, kind, group, was, err);
}

static bool unchanged(Trigger *self, const StoredRow *sent, Vec *const *is) {
    Vec **was = result_row(self);
    row_load(sent, was, self->agg->agg_count, 0);
    for (uint32_t a = 0; a < self->agg->agg_count; a++) {
        if (!agg_same_result(self->agg->call[a], was[a], 0, is[a], 0)) return false;
    }
    return true;
}

static Status fire(Trigger *self, uint8_t *group, Error *err) {
    WindowAgg *agg = self->agg;
    TriggerHead *head = trigger_head(group);
    if (head->timer_ms) state_pin(self->windows, group, false);
    head->timer_ms = 0;
    if (agg->retracts && head->head.count == 0) {
        if (!head->sent) return ST_OK;
        TRY(send_sent(self, ROW_DELETE, group, err));
        row_free(&self->pool, head->sent);
        head->sent = NULL;
        return ST_OK;
    }
    Vec **is = result_row(self);
    for (uint32_t a = 0; a < agg->agg_count; a++) {
        TRY(agg_emit_one(agg->call[a], group, &agg->agg_env, is[a], 0, err));
    }
    if (head->sent && unchanged(self, head->sent, is)) return ST_OK;
    StoredRow *sent;
    TRY(row_store(&self->pool, NULL, 0, is, agg->agg_count, 0, &sent, err));
    if (head->sent) {
        TRY(send_sent(self, ROW_UPDATE_BEFORE, group, err));
        row_free(&self->pool, head->sent);
    }
    RowKind kind = head->sent ? ROW_UPDATE_AFTER : ROW_INSERT;
    head->sent = sent;
    return send(self, kind, group, is, err);
}

// A row has entered the window: now, later, or not before its end.
static Status touch(Trigger *self, uint8_t *group, Error *err) {
    TriggerHead *head = trigger_head(group);
    bool over = passed(self, head->head.end, 0);
    bool wanted = over ? true : self->early;
    int64_t delay = over ? (head->ended && self->late ? self->late_ms : 0) : self->early_ms;
    if (!wanted) return ST_OK;
    if (delay <= 0) return fire(self, group, err);
    if (head->timer_ms) return ST_OK;
    OpEnv *env = self->agg->base.env;
    head->timer_ms = env->now_ms(env->now_arg) + delay;
    state_pin(self->windows, group, true);
    env->timer_at(&self->agg->base, head->timer_ms);
    return ST_OK;
}

// ---- rows --------------------------------------------------------------------------------------

static Status window_row(Trigger *self, const Batch *in, uint32_t row, int64_t start, int64_t end,
                         Error *err) {
    WindowAgg *agg = self->agg;
    const Plan *plan = agg->base.plan;
    Vec **key = ARENA_ARRAY(&agg->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        key[k] = vec_slice(&agg->scratch, in->column[plan->key[k]], row, 1);
    }
    key[plan->key_count] = vec_new(&agg->scratch, type_of(TYPE_BIGINT, false), 1);
    vec_i64(key[plan->key_count])[0] = start;
    uint8_t *group, is_new;
    TRY(state_find(self->windows, key, 1, NULL, true, 0, &group, &is_new, err));
    if (is_new) {
        TriggerHead *head = trigger_head(group);
        head->start = start;
        head->head.end = end;
        file_window(self, group, passed(self, end, 0));
    }
    TRY(window_agg_fold(agg, in, row, 1, &group, err));
    return touch(self, group, err);
}

static Status trigger_row(Trigger *self, const Batch *in, uint32_t row, int64_t ms, Error *err) {
    const WindowSpec *spec = self->agg->clock.spec;
    int64_t step = spec->kind == WINDOW_HOP ? spec->slide_ms : spec->size_ms;
    bool dropped = true;
    for (int64_t start = window_start(ms, spec->offset_ms, step); start > ms - spec->size_ms;
         start -= step) {
        int64_t end = start + spec->size_ms;
        if (!spec->proctime && passed(self, end, self->lateness_ms)) continue;
        dropped = false;
        TRY(window_row(self, in, row, start, end, err));
    }
    self->agg->base.late_dropped += dropped;
    return ST_OK;
}

static Status trigger_on_batch(WindowAgg *agg, Batch *in, Error *err) {
    Trigger *self = agg->trigger;
    const uint64_t *valid;
    int64_t *local = mem_alloc(in->rows * sizeof *local);  // the scratch is emptied row by row
    window_times(&agg->clock, in, local, &valid);
    Status st = ST_OK;
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        arena_reset(&agg->scratch);
        if (!valid || bits_get(valid, row)) st = trigger_row(self, in, row, local[row], err);
    }
    mem_free(local);
    if (agg->clock.spec->proctime && self->open.count) {
        agg->base.env->timer_at(&agg->base, window_fires_at(&agg->clock, self->open.at[0].end));
    }
    return st ? st : output_builder(&agg->base, &agg->out, true, err);
}

// ---- time --------------------------------------------------------------------------------------

// The windows of the first open bucket that are in memory have come to their end.
static Status end_here(Trigger *self, Error *err) {
    Bucket *bucket = &self->open.at[0];
    for (uint32_t i = 0; i < bucket->count; i++) {
        uint8_t *group = bucket->row[i];
        arena_reset(&self->agg->scratch);
        state_write(self->windows, group);
        trigger_head(group)->ended = true;
        TRY(fire(self, group, err));
        file_window(self, group, true);
    }
    bucket->count = 0;
    return ST_OK;
}

// All windows of that bucket: those on disk come back a few at a time.
static Status end_windows(Trigger *self, Error *err) {
    int64_t end = self->open.at[0].end;
    StateRecall recall = {.from_ms = end, .until_ms = end};
    Status st = end_here(self, err);
    while (!st && state_away_due(self->windows, end)) {
        st = state_recall(self->windows, &recall, err);
        if (st || !recall.count) break;
        st = end_here(self, err);
        if (!st) st = state_table_trim(self->windows, err);
    }
    state_recall_clear(&recall);
    Bucket taken = bucket_take(&self->open, &self->open.at[0]);
    mem_free(taken.row);
    return st;
}

static Status trigger_advance(WindowAgg *agg, int64_t ms, Error *err) {
    Trigger *self = agg->trigger;
    while (self->open.count && window_fires_at(&agg->clock, self->open.at[0].end) <= ms) {
        TRY(end_windows(self, err));
    }
    TRY(output_builder(&agg->base, &agg->out, true, err));
    while (self->ended.count && passed(self, self->ended.at[0].end, self->lateness_ms)) {
        TRY(bucket_fire(&self->ended, self->windows, NULL, NULL, err));
    }
    return ST_OK;
}

static Status trigger_on_timer(WindowAgg *agg, int64_t now_ms, Error *err) {
    Trigger *self = agg->trigger;
    if (agg->clock.spec->proctime) TRY(trigger_advance(agg, now_ms, err));
    int64_t next = INT64_MAX;
    uint64_t cursor = 0;
    for (uint8_t *group; (group = state_next(self->windows, &cursor));) {
        int64_t timer = trigger_head(group)->timer_ms;
        if (!timer) continue;
        if (timer <= now_ms) {
            state_write(self->windows, group);
            TRY(fire(self, group, err));
        } else if (timer < next) {
            next = timer;
        }
    }
    if (next < INT64_MAX) agg->base.env->timer_at(&agg->base, next);
    return output_builder(&agg->base, &agg->out, true, err);
}

// ---- snapshots ---------------------------------------------------------------------------------

// What a snapshot has as "ended". A window of late rows alone is past, and has not fired at its
// end.
enum { WINDOW_ENDED = 1, WINDOW_PAST = 2 };

static void trigger_save(void *arg, const uint8_t *group, Buf *out) {
    Trigger *self = arg;
    const TriggerHead *head = (const TriggerHead *)(const void *)group;
    codec_put_i64(out, head->head.count);
    codec_put_i64(out, head->head.end);
    codec_put_i64(out, head->timer_ms);
    codec_put_u8(out, head->ended ? WINDOW_ENDED : head->past ? WINDOW_PAST : 0);
    codec_put_list_head(out, head->sent != NULL);
    if (head->sent) stored_save(&self->pool, head->sent, out);
    aggs_save(&self->agg->saver, group, out);
}

static const char *trigger_load(void *arg, uint8_t *group, const char *at, Error *err) {
    Trigger *self = arg;
    WindowAgg *agg = self->agg;
    TriggerHead *head = trigger_head(group);
    uint8_t ended;
    uint32_t sent;
    at = codec_get_i64(at, &head->head.count);
    at = codec_get_i64(at, &head->head.end);
    at = codec_get_i64(at, &head->timer_ms);
    at = codec_get_u8(at, &ended);
    at = codec_get_list_head(at, &sent);
    if (sent) at = stored_load(&self->loader, at, &head->sent, err);
    head->ended = ended == WINDOW_ENDED;
    head->start = saved_key_i64(self->windows, group, agg->base.plan->key_count);
    file_window(self, group, ended != 0);
    if (head->timer_ms) {
        state_pin(self->windows, group, true);
        agg->base.env->timer_at(&agg->base, head->timer_ms);
    }
    return at ? aggs_load(&agg->saver, group, at, err) : NULL;
}

static void trigger_restored(WindowAgg *agg) {
    Trigger *self = agg->trigger;
    if (agg->clock.spec->proctime && self->open.count) {
        agg->base.env->timer_at(&agg->base, window_fires_at(&agg->clock, self->open.at[0].end));
    }
}

static const Type *result_type(Arena *arena, const WindowAgg *agg) {
    const Type **child = ARENA_ARRAY(arena, const Type *, agg->agg_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, agg->agg_count + 1);
    for (uint32_t a = 0; a < agg->agg_count; a++) {
        child[a] = agg->call[a]->result;
        name[a] = agg->base.plan->agg[a].name;
    }
    return type_row(arena, agg->agg_count, child, name, false);
}

// ---- life --------------------------------------------------------------------------------------

static Status trigger_open(WindowAgg *agg, Error *err) {
    (void)err;
    Trigger *self = agg->trigger = ARENA_NEW(agg->base.env->arena, Trigger);
    const Map *config = agg->base.env->config;
    self->agg = agg;
    self->early = config_bool(config, "table.exec.emit.early-fire.enabled", false);
    self->late = config_bool(config, "table.exec.emit.late-fire.enabled", false);
    self->early_ms = config_ms(config, "table.exec.emit.early-fire.delay", 0);
    self->late_ms = config_ms(config, "table.exec.emit.late-fire.delay", 0);
    int64_t ttl = config_ms(config, "table.exec.state.ttl", 0);
    if (self->late) self->lateness_ms = config_ms(config, "table.exec.emit.allow-lateness", ttl);
    row_pool_init(&self->pool, agg->base.budget);
    uint32_t align = 16;
    agg->group_size = agg_layout(agg->call, agg->agg_count, sizeof(TriggerHead), &align);
    const Type *result = result_type(agg->base.env->arena, agg);
    row_loader_init(&self->loader, &self->pool, NULL, 0, result);
    FieldList more = {.arena = agg->base.env->arena};
    field_add(&more, "ended", type_of(TYPE_TINYINT, false));
    field_add(&more, "sent", stored_rows_type(more.arena, result));
    WindowTable windows = {.name = "windows", .extra = 1, .row_size = agg->group_size,
                           .more = &more, .clear = trigger_clear, .save = trigger_save,
                           .load = trigger_load, .leave = trigger_leave, .arg = self};
    self->windows = window_agg_table(agg, &windows);
    return ST_OK;
}

static void trigger_close(WindowAgg *agg) {
    Trigger *self = agg->trigger;
    if (!self || !self->windows) return;
    uint64_t cursor = 0;
    for (uint8_t *group; (group = state_next(self->windows, &cursor));) trigger_clear(self, group);
    self->closed = true;
    row_loader_clear(&self->loader);
    buckets_free(&self->open);
    buckets_free(&self->ended);
    row_pool_clear(&self->pool);
}

const WindowAggImpl WINDOW_TRIGGER_IMPL = {trigger_open, trigger_on_batch, trigger_advance,
                                           trigger_on_timer, trigger_close,
                                           trigger_restored};
