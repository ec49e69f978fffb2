// exec/window_agg.c - GROUP BY windows: keys and aggregates per window, emitted when it closes.
//
// What comes in either carries its window already (window_start and window_end columns, from the
// window function below: "attached"), or only its time, and windows are assigned here. Output: the
// keys, window_start, window_end, window_time, the aggregates; inserts only. Windows leave in the
// order of their ends, and within a window groups in the order in which their keys were first seen.
#include "exec/window_agg.h"

void window_agg_clear(void *arg, uint8_t *group) {
    WindowAgg *self = arg;
    if (self->closed) return;
    for (uint32_t i = 0; i < self->agg_count; i++) {
        if (self->call[i]->impl->flags & AGG_OWNS) agg_clear(self->call[i], group, &self->agg_env);
    }
}

static const Type *key_type(Arena *arena, const Plan *plan, uint32_t extra) {
    const Type *input = plan->input[0]->type;
    const Type **child = ARENA_ARRAY(arena, const Type *, plan->key_count + extra + 1);
    Str *name = ARENA_ARRAY(arena, Str, plan->key_count + extra + 1);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        child[i] = input->child[plan->key[i]];
        name[i] = input->field[plan->key[i]];
    }
    for (uint32_t i = 0; i < extra; i++) {
        child[plan->key_count + i] = type_of(TYPE_BIGINT, false);
        name[plan->key_count + i] = str_printf(arena, "$window%u", i);
    }
    return type_row(arena, plan->key_count + extra, child, name, false);
}

static const Type *value_type(Arena *arena, const Plan *plan, const WindowTable *table) {
    const FieldList *more = table->more;
    uint32_t first = 3 + (more ? more->count : 0);
    uint32_t count = first + (table->without_groups ? 0 : plan->agg_count);
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    static const Str HEAD[] = {{"rows", 4}, {"end", 3}, {"timer", 5}};
    for (uint32_t i = 0; i < first; i++) {
        child[i] = i < 3 ? type_of(TYPE_BIGINT, false) : more->child[i - 3];
        name[i] = i < 3 ? HEAD[i] : more->name[i - 3];
    }
    if (!table->without_groups) agg_state_fields(arena, plan, child, name, first);
    return type_row(arena, count, child, name, false);
}

const Type *window_agg_group_type(Arena *arena, const Plan *plan) {
    return value_type(arena, plan, &(WindowTable){0});
}

// Of windows that are open at the time: theirs is what comes from then on.
bool window_agg_begin(void *arg, uint32_t field, Buf *out) {
    WindowAgg *self = arg;
    self->saver.first = 3;
    self->saver.group_size = self->retracts ? 0 : self->group_size;
    return agg_state_begin(&self->saver, field, out);
}

enum { HEAD_MAX = 3 * CODEC_I64_MAX };

static char *save_head(const WindowHead *head, char *to) {
    to = codec_write_i64(to, head->count);
    to = codec_write_i64(to, head->end);
    return codec_write_i64(to, head->timer);
}

static char *save_copy(void *arg, const uint8_t *group, char *to) {
    to = save_head((const WindowHead *)(const void *)group, to);
    return aggs_save_at(arg, group, to);
}

static int64_t group_wanted(void *arg, const uint8_t *group) {
    (void)arg;
    return ((const WindowHead *)(const void *)group)->end;
}

StateTable *window_agg_table(WindowAgg *self, const WindowTable *table) {
    const Plan *plan = self->base.plan;
    Arena *arena = self->base.env->arena;
    StateTableDef def = {
        .name = table->name, .operator_id = plan->stable_id, .budget = self->base.budget,
        .key = key_type(arena, plan, table->extra),
        .value = value_type(arena, plan, table), .version = 1,
        .row_size = table->row_size, .clear = table->clear, .save = table->save,
        .load = table->load, .clear_arg = table->arg, .group = self->own_key,
        .may_leave = table->may_leave || table->leave, .load_all = table->leave != NULL,
        .wanted = table->leave ? group_wanted : NULL, .leave = table->leave,
        .group_count = plan->key_count,
    };
    if (table->arg == self && !table->more && !table->without_groups) def.begin = window_agg_begin;
    if (table->plain && self->copies.call) {
        def.save_copy = save_copy;
        def.copy_max = HEAD_MAX + self->copies.size_max;
        def.copy_arg = &self->copies;
    }
    return state_table_open(self->base.env->state, &def);
}

void window_agg_save(WindowAgg *self, const uint8_t *group, Buf *out) {
    char *to = buf_reserve(out, HEAD_MAX);
    out->len += (size_t)(save_head((const WindowHead *)(const void *)group, to) - to);
    aggs_save(&self->saver, group, out);
}

const char *window_agg_load(WindowAgg *self, uint8_t *group, const char *at, Error *err) {
    WindowHead *head = window_head(group);
    at = codec_get_i64(at, &head->count);
    at = codec_get_i64(at, &head->end);
    at = codec_get_i64(at, &head->timer);
    return aggs_load(&self->saver, group, at, err);
}

// The rows that FILTER takes, from row [from] on; NULL: all.
static const uint64_t *filter_mask(WindowAgg *self, const Batch *in, uint32_t from, uint32_t rows,
                                   int32_t filter) {
    if (filter < 0) return NULL;
    const Vec *flag = in->column[filter];
    uint64_t *mask = ARENA_ARRAY(&self->scratch, uint64_t, BITS_WORDS(rows));
    for (uint32_t i = 0; i < rows; i++) {
        if (vec_u8(flag)[from + i] && !vec_is_null(flag, from + i)) bits_set(mask, i);
    }
    return mask;
}

Status window_agg_fold(WindowAgg *self, const Batch *in, uint32_t from, uint32_t rows,
                       uint8_t *const *group, Error *err) {
    const Plan *plan = self->base.plan;
    if (!rows) return ST_OK;
    const uint8_t *kinds = in->kinds ? in->kinds + from : NULL;
    if (self->retracts) {
        for (uint32_t i = 0; i < rows; i++)
            window_head(group[i])->count += kinds && (kinds[i] & 1) ? -1 : 1;
    }
    bool whole = from == 0 && rows == in->rows;
    for (uint32_t a = 0; a < self->agg_count; a++) {
        const AggCall *call = self->call[a];
        const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) {
            Vec *column = in->column[plan->agg[a].arg[i]];
            arg[i] = whole ? column : vec_slice(&self->scratch, column, from, rows);
        }
        AggRows taken = {.rows = rows, .arg = arg, .group = group, .kinds = kinds,
                         .mask = filter_mask(self, in, from, rows, plan->agg[a].filter)};
        TRY(agg_update(call, &taken, &self->agg_env, err));
    }
    return ST_OK;
}

Status window_agg_merge(WindowAgg *self, uint8_t *into, const uint8_t *from, Error *err) {
    window_head(into)->count += ((const WindowHead *)(const void *)from)->count;
    for (uint32_t a = 0; a < self->agg_count; a++) {
        TRY(agg_merge(self->call[a], into, from, &self->agg_env, err));
    }
    return ST_OK;
}

static Status emit_some(WindowAgg *self, StateTable *table, uint8_t *const *group, uint32_t count,
                        int64_t start, int64_t end, uint32_t extra, Error *err) {
    const Plan *plan = self->base.plan;
    Batch *out = batch_new_columns(plan->type, count);
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + extra + 1);
    memcpy(key, out->column, plan->key_count * sizeof *key);
    for (uint32_t i = 0; i < extra; i++) {
        key[plan->key_count + i] = vec_new(&self->scratch, type_of(TYPE_BIGINT, false), count);
    }
    int64_t time = window_instant(&self->clock, end - 1);
    Vec **prop = out->column + plan->key_count;
    for (uint32_t i = 0; i < count; i++) {
        state_key(table, group[i], key, i);
        vec_i64(prop[PROP_START])[i] = start;
        vec_i64(prop[PROP_END])[i] = end;
        vec_i64(prop[PROP_TIME])[i] = time;
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        Status st = agg_emit(self->call[a], (const uint8_t *const *)group, count, &self->agg_env,
                             prop[3 + a], err);
        if (st) {
            batch_unref(out);
            return st;
        }
    }
    return output_batch(&self->base, batch_seal(out), err);
}

Status window_agg_emit(WindowAgg *self, StateTable *table, uint8_t *const *group, uint32_t count,
                       int64_t start, int64_t end, Error *err) {
    uint8_t **some = ARENA_ARRAY(&self->scratch, uint8_t *, BATCH_ROWS_MAX);
    uint32_t extra = table == self->slices ? 1 + self->clock.spec->attached
                                           : self->clock.spec->kind == WINDOW_CUMULATE;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!self->retracts || window_head(group[i])->count != 0) some[n++] = group[i];
        if (n == BATCH_ROWS_MAX || (n && i + 1 == count)) {
            TRY(emit_some(self, table, some, n, start, end, extra, err));
            n = 0;
        }
    }
    return ST_OK;
}

// ---- the operator ------------------------------------------------------------------------------

static Status window_agg_open(Operator *op, Error *err) {
    WindowAgg *self = (WindowAgg *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    window_clock_init(&self->clock, plan->window, op->env);
    self->agg_count = plan->agg_count;
    self->call = ARENA_ARRAY(arena, AggCall *, plan->agg_count + 1);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        self->call[i] = arena_dup(arena, plan->agg[i].call, sizeof(AggCall));
    }
    uint32_t align = 16;
    self->group_size = agg_layout(self->call, plan->agg_count, sizeof(WindowHead), &align);
    self->agg_env = (AggEnv){op->budget, &self->scratch, op->env->func};
    agg_saver_init(&self->saver, self->call, self->agg_count, &self->agg_env);
    self->copy_env = self->agg_env;
    (void)agg_copy_saver_init(&self->copies, self->call, self->agg_count, &self->copy_env);
    self->own_key = ARENA_ARRAY(arena, uint32_t, plan->key_count + 1);
    for (uint32_t i = 0; i < plan->key_count; i++) self->own_key[i] = i;
    self->retracts = plan->input[0]->changes & (CHANGE_DELETE | CHANGE_UPDATE_BEFORE);
    self->fired_ms = WATERMARK_NONE;
    builder_init(&self->out, plan->type);
    bool session = plan->window->kind == WINDOW_SESSION && !plan->window->attached;
    // See infer_emit.
    bool triggers = plan->window->legacy && (plan->changes & CHANGE_UPDATE_AFTER);
    self->impl = session    ? &WINDOW_SESSION_IMPL
                 : triggers ? &WINDOW_TRIGGER_IMPL
                            : &WINDOW_SLICE_IMPL;
    return self->impl->open(self, err);
}

static Status window_agg_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    WindowAgg *self = (WindowAgg *)op;
    arena_reset(&self->scratch);
    return self->impl->on_batch(self, in, err);
}

static Status window_agg_on_watermark(Operator *op, int64_t ms, Error *err) {
    WindowAgg *self = (WindowAgg *)op;
    arena_reset(&self->scratch);
    if (!self->clock.spec->proctime) TRY(self->impl->advance(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status window_agg_on_timer(Operator *op, int64_t now_ms, Error *err) {
    WindowAgg *self = (WindowAgg *)op;
    arena_reset(&self->scratch);
    return (self->impl->on_timer ? self->impl->on_timer : self->impl->advance)(self, now_ms, err);
}

static Status window_agg_state_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    codec_put_i64(out, ((WindowAgg *)op)->fired_ms);
    return ST_OK;
}

// The least of what the copies before had seen: a window that has fired has no state to fire again.
static Status window_agg_restore(Operator *op, Str bytes, Error *err) {
    (void)err;
    WindowAgg *self = (WindowAgg *)op;
    int64_t fired_ms;
    (void)codec_get_i64(bytes.ptr, &fired_ms);
    if (!self->restored || fired_ms < self->fired_ms) self->fired_ms = fired_ms;
    self->restored = true;
    if (self->impl->restored) self->impl->restored(self);
    return ST_OK;
}

static void window_agg_close(Operator *op) {
    WindowAgg *self = (WindowAgg *)op;
    if (self->impl) self->impl->close(self);
    builder_clear(&self->out);
    arena_clear(&self->scratch);
    agg_saver_clear(&self->saver);
    agg_saver_clear(&self->copies);
}

const OperatorVt WINDOW_AGG_OPERATOR = {
    .name = "window-aggregate",
    .plan_kind = PLAN_WINDOW_AGG,
    .size = sizeof(WindowAgg),
    .open = window_agg_open,
    .on_batch = window_agg_on_batch,
    .on_watermark = window_agg_on_watermark,
    .on_timer = window_agg_on_timer,
    .save = window_agg_state_save,
    .restore = window_agg_restore,
    .save_plain = true,
    .close = window_agg_close,
};
