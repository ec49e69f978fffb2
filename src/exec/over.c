// exec/over.c - OVER: each row again, with aggregates over the rows up to it.
//
// Ordered by time, rows wait for the watermark (or the clock) to pass them, then leave in order of
// time; equal stamps of one key together, so that RANGE frames see them all. Lateness is Flink's:
// with an unbounded frame a row at or below the watermark is late, with a bounded one a row at or
// below the last stamp that left for its key, which starts at 0. A bounded RANGE also forgets keys,
// one and a half ranges behind a stamp: see "cleanups". Frames of processing time need not wait,
// but for RANGE. Ordered by anything else (over_sorted.c) rows take their places as they come, and
// those behind are corrected.
//
// Work is done by the batch: what is due is laid out as a run of additions and retractions (rows
// that leave a bounded frame), and agg_step gives the result after each. State: key -> the rows its
// frame still holds, and its group.
#include "exec/over.h"

OverPart *over_part(uint8_t *row) {
    return (OverPart *)(void *)row;
}

void over_part_clear(void *arg, uint8_t *row) {
    Over *self = arg;
    OverPart *part = over_part(row);
    for (uint32_t i = 0; i < self->agg_count && !self->closed; i++) {
        if (self->call[i]->impl->flags & AGG_OWNS) agg_clear(self->call[i], row, &self->agg_env);
    }
    for (StoredRow *at = self->closed ? NULL : part->oldest, *next; at; at = next) {
        next = at->next;
        row_free(&self->pool, at);
    }
    for (uint32_t c = 0; c < part->rows.chunk_count && !self->closed; c++) {
        for (uint32_t i = 0; i < part->rows.chunk[c]->count; i++) {
            row_free(&self->pool, part->rows.chunk[c]->row[i]);
        }
    }
    sorted_free(&part->rows);
    mem_free(part->cleanup);
    part->cleanup = NULL;
    part->cleanup_count = part->cleanup_cap = 0;
}

// ---- a run of additions and retractions --------------------------------------------------------

void over_work_begin(Over *self) {
    self->work = batch_new_columns(self->base.plan->input[0]->type, 0);
    self->work_group_cap = 0;
    self->group = NULL;
    self->out_count = 0;
}

static void work_grow(Over *self) {
    uint32_t cap = self->work_group_cap ? self->work_group_cap * 2 : 256;
    uint8_t **group = ARENA_ARRAY(&self->work->arena, uint8_t *, cap);
    uint32_t *out = ARENA_ARRAY(&self->work->arena, uint32_t, cap);
    uint32_t *value = ARENA_ARRAY(&self->work->arena, uint32_t, cap);
    if (self->group) {
        memcpy(group, self->group, self->work_group_cap * sizeof *group);
        memcpy(out, self->out_row, self->out_count * sizeof *out);
        memcpy(value, self->out_value, self->out_count * sizeof *value);
    }
    self->group = group;
    self->out_row = out;
    self->out_value = value;
    self->work_group_cap = cap;
}

uint32_t over_work_add(Over *self, const StoredRow *row, uint8_t *group, bool retract) {
    uint32_t at = self->work->rows;
    if (at == self->work_group_cap) work_grow(self);
    batch_set_rows(self->work, at + 1);
    row_load(row, self->work->column, self->columns, at);
    if (retract || self->work->kinds) {
        batch_need_kinds(self->work)[at] = retract ? ROW_DELETE : ROW_INSERT;
    }
    self->group[at] = group;
    return at;
}

void over_work_out(Over *self, uint32_t row, uint32_t value) {
    self->out_row[self->out_count] = row;
    self->out_value[self->out_count++] = value;
}

Status over_work_step(Over *self, Vec **after, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t a = 0; a < self->agg_count; a++) {
        const AggCall *call = self->call[a];
        const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, call->argc + 1);
        for (uint32_t i = 0; i < call->argc; i++) arg[i] = self->work->column[plan->agg[a].arg[i]];
        AggRows rows = {
            .rows = self->work->rows, .arg = arg, .group = self->group, .kinds = self->work->kinds};
        after[a] = vec_new(&self->work->arena, call->result, self->work->rows);
        TRY(agg_step(call, &rows, &self->agg_env, after[a], err));
    }
    return ST_OK;
}

// Sends the rows noted by over_work_out with the results they are to have.
static Status work_send(Over *self, Error *err) {
    Vec **after = ARENA_ARRAY(&self->scratch, Vec *, self->agg_count + 1);
    TRY(over_work_step(self, after, err));
    Batch *out = batch_new(self->base.plan->type);
    for (uint32_t c = 0; c < self->columns; c++) {
        out->column[c] =
            vec_gather(&out->arena, self->work->column[c], self->out_row, self->out_count);
    }
    for (uint32_t a = 0; a < self->agg_count; a++) {
        out->column[self->columns + a] =
            vec_gather(&out->arena, after[a], self->out_value, self->out_count);
    }
    out->rows = self->out_count;
    batch_keep(out, self->work);
    return output_batch(&self->base, batch_seal(out), err);
}

static Status work_flush(Over *self, Error *err) {
    Status st = self->out_count ? work_send(self, err) : ST_OK;
    self->work = batch_unref(self->work);
    return st;
}

// ---- frames ------------------------------------------------------------------------------------

static void keep_row(OverPart *part, StoredRow *row) {
    row->next = NULL;
    *(part->oldest ? &part->newest->next : &part->oldest) = row;
    part->newest = row;
    part->kept++;
}

static void leave_oldest(Over *self, OverPart *part, uint8_t *group) {
    StoredRow *row = part->oldest;
    part->oldest = row->next;
    if (!part->oldest) part->newest = NULL;
    part->kept--;
    (void)over_work_add(self, row, group, true);
    row_free(&self->pool, row);
}

// The rows of one key and stamp, as a list: they enter the frame, and leave as output.
static void frame_rows(Over *self, uint8_t *group, StoredRow *first) {
    const OverFrame *frame = &self->base.plan->frame;
    OverPart *part = over_part(group);
    uint32_t from = self->out_count, last = 0;
    if (!frame->rows && frame->preceding >= 0) {
        while (part->oldest && *row_time(part->oldest) < *row_time(first) - frame->preceding) {
            leave_oldest(self, part, group);
        }
    }
    part->last_ms = *row_time(first);
    for (StoredRow *row = first, *next; row; row = next) {
        next = row->next;
        if (frame->rows && frame->preceding >= 0 && part->kept > frame->preceding) {
            leave_oldest(self, part, group);
        }
        last = over_work_add(self, row, group, false);
        over_work_out(self, last, last);
        if (frame->preceding >= 0) {
            keep_row(part, row);
        } else {
            row_free(&self->pool, row);
        }
    }
    // Peers share the result of the last of them.
    for (uint32_t i = from; i < self->out_count && !frame->rows; i++) self->out_value[i] = last;
}

// ---- cleanups ----------------------------------------------------------------------------------

// Flink's RowTimeRangeBoundedPrecedingFunction notes for a row when its key may be cleaned up, a
// range and a half behind it, unless that is noted far enough ahead already. Notes that have been
// overtaken stay: when time passes one, the key's last stamp is that of the note. When time passes
// the last one, the key is as new, and takes even old rows. Here nobody wakes up for a note: those
// that have come due are looked at when the key is.

static bool has_cleanups(const Over *self) {
    const OverFrame *frame = &self->base.plan->frame;
    return self->timed && !self->proctime && !frame->rows && frame->preceding >= 0;
}

static void note_cleanup(Over *self, OverPart *part, int64_t ms) {
    int64_t range = self->base.plan->frame.preceding;
    uint32_t count = part->cleanup_count;
    if (count && part->cleanup[count - 1].at_ms >= ms + range + 1) return;
    if (count == part->cleanup_cap) {
        part->cleanup_cap = count ? count * 2 : 2;
        part->cleanup = mem_realloc(part->cleanup, part->cleanup_cap * sizeof *part->cleanup);
    }
    int64_t at_ms = ms + (int64_t)((double)range * 1.5) + 1;
    part->cleanup[part->cleanup_count++] = (OverCleanup){at_ms, self->base.watermark_in};
}

// Time has passed the notes up to [until_ms].
static void pass_cleanups(Over *self, OverPart *part, int64_t until_ms) {
    uint32_t due = 0;
    while (due < part->cleanup_count && part->cleanup[due].at_ms <= until_ms &&
           part->cleanup[due].since_ms < self->base.watermark_in) {
        part->last_ms = part->cleanup[due++].at_ms;
    }
    if (!due) return;
    if (due == part->cleanup_count) part->last_ms = 0;
    part->cleanup_count -= due;
    memmove(part->cleanup, part->cleanup + due, part->cleanup_count * sizeof *part->cleanup);
}

// No row of a key that was cleaned up is in the frame of a new one, be that ever so late.
static void forget_frame(Over *self, uint8_t *group) {
    OverPart *part = over_part(group);
    if (!part->oldest) return;
    for (StoredRow *at = part->oldest, *next; at; at = next) {
        next = at->next;
        row_free(&self->pool, at);
    }
    part->oldest = part->newest = NULL;
    part->kept = 0;
    for (uint32_t i = 0; i < self->agg_count; i++) {
        if (self->call[i]->impl->flags & AGG_OWNS) agg_clear(self->call[i], group, &self->agg_env);
    }
    memset(group + sizeof(OverPart), 0, self->group_size - sizeof(OverPart));
}

// ---- by time -----------------------------------------------------------------------------------

// Takes the rows of the oldest stamp out of the waiting ones and hands them on key by key.
static void release_stamp(Over *self, int64_t stamp) {
    uint32_t keys = 0;
    StoredRow *row;
    while ((row = sorted_row(&self->waiting, sorted_first(&self->waiting))) &&
           *row_time(row) == stamp) {
        uint8_t *group = (uint8_t *)row->next;
        OverPart *part = over_part(group);
        sorted_remove(&self->waiting, sorted_first(&self->waiting));
        row->next = NULL;
        if (!--part->waiting) state_pin(self->parts, group, false);
        if (!part->due) {
            if (keys == self->due_cap) {
                self->due_cap = self->due_cap ? self->due_cap * 2 : 64;
                self->due = mem_realloc(self->due, self->due_cap * sizeof *self->due);
            }
            self->due[keys++] = group;
            part->due = part->due_last = row;
        } else {
            part->due_last->next = row;
            part->due_last = row;
        }
    }
    for (uint32_t i = 0; i < keys; i++) {
        OverPart *part = over_part(self->due[i]);
        state_write(self->parts, self->due[i]);
        StoredRow *first = part->due;
        part->due = part->due_last = NULL;
        pass_cleanups(self, part, stamp);
        frame_rows(self, self->due[i], first);
    }
}

static Status release(Over *self, int64_t until_ms, Error *err) {
    const StoredRow *row;
    while ((row = sorted_row(&self->waiting, sorted_first(&self->waiting))) &&
           *row_time(row) <= until_ms) {
        over_work_begin(self);
        while (self->work->rows < BATCH_ROWS_MAX && row && *row_time(row) <= until_ms) {
            release_stamp(self, *row_time(row));
            row = sorted_row(&self->waiting, sorted_first(&self->waiting));
        }
        TRY(work_flush(self, err));
    }
    return ST_OK;
}

// [row] stands in line until time has passed it, and its part stays in memory.
static void wait_for_time(Over *self, StoredRow *row, uint8_t *group) {
    row->next = (StoredRow *)(void *)group;
    (void)sorted_add(&self->waiting, row);
    if (!over_part(group)->waiting++) state_pin(self->parts, group, true);
}

static bool is_late(const Over *self, const OverPart *part, int64_t ms) {
    if (self->base.plan->frame.preceding >= 0) return ms <= part->last_ms;
    return ms <= self->base.watermark_in;
}

static Status timed_batch(Over *self, const Batch *in, uint8_t **group, Error *err) {
    const OrderKey *order = self->base.plan->order;
    OrderKey stamp = {order[0].column, false, true};
    const Vec *time = in->column[stamp.column];
    bool cleanups = has_cleanups(self);
    int64_t now = self->proctime ? self->base.env->now_ms(self->base.env->now_arg) : 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        OverPart *part = over_part(group[row]);
        int64_t ms = self->proctime ? now : vec_timestamp(time, row).ms;
        if (cleanups) {
            pass_cleanups(self, part, self->base.watermark_in);
            if (!part->cleanup_count) forget_frame(self, group[row]);
        }
        if (!self->proctime && is_late(self, part, ms)) {
            self->base.late_dropped++;
            continue;
        }
        StoredRow *stored;
        TRY(row_store(&self->pool, &stamp, self->proctime ? 0 : 1, in->column, self->columns, row,
                      &stored, err));
        *row_time(stored) = ms;
        if (cleanups) note_cleanup(self, part, ms);
        wait_for_time(self, stored, group[row]);
    }
    if (self->proctime) self->base.env->timer_at(&self->base, now + 1);
    return ST_OK;
}

// Frames of rows as they come: ROWS by processing time, and all that is unbounded.
static Status arrival_batch(Over *self, const Batch *in, uint8_t **group, Error *err) {
    int64_t now = self->base.env->now_ms(self->base.env->now_arg);
    over_work_begin(self);
    for (uint32_t row = 0; row < in->rows; row++) {
        StoredRow *stored;
        TRY(row_store(&self->pool, NULL, 0, in->column, self->columns, row, &stored, err));
        *row_time(stored) = now;
        frame_rows(self, group[row], stored);
    }
    return work_flush(self, err);
}

// Nothing leaves the frame: the batch itself is the run.
static Status running_batch(Over *self, Batch *in, uint8_t **group, Error *err) {
    Vec **after = ARENA_ARRAY(&self->scratch, Vec *, self->agg_count + 1);
    Batch *out = batch_new(self->base.plan->type);
    self->work = in;
    self->group = group;
    Status st = over_work_step(self, after, err);
    self->work = NULL;
    if (st) {
        batch_unref(out);
        return st;
    }
    memcpy(out->column, in->column, self->columns * sizeof *out->column);
    memcpy(out->column + self->columns, after, self->agg_count * sizeof *after);
    out->rows = in->rows;
    batch_keep(out, in);
    return output_batch(&self->base, batch_seal(out), err);
}

// ---- snapshots ---------------------------------------------------------------------------------

enum { CLEANUPS = 3 };  // the field of that name: pairs of at_ms and since_ms

static void part_save(void *arg, const uint8_t *at, Buf *out) {
    Over *self = arg;
    const OverPart *part = (const OverPart *)(const void *)at;
    codec_put_i64(out, part->last_ms);
    codec_put_list_head(out, (uint32_t)part->kept);
    for (const StoredRow *row = part->oldest; row; row = row->next) {
        stored_save(&self->pool, row, out);
    }
    sorted_save(&self->pool, &part->rows, out);
    codec_put_list_head(out, part->cleanup_count * 2);
    for (uint32_t i = 0; i < part->cleanup_count; i++) {
        codec_put_i64(out, part->cleanup[i].at_ms);
        codec_put_i64(out, part->cleanup[i].since_ms);
    }
    aggs_save(&self->saver, at, out);
}

static const char *part_load(void *arg, uint8_t *row, const char *at, Error *err) {
    Over *self = arg;
    OverPart *part = over_part(row);
    uint32_t count;
    at = codec_get_i64(at, &part->last_ms);
    at = codec_get_list_head(at, &count);
    for (; count; count--) {
        StoredRow *kept;
        at = stored_load(&self->loader, at, &kept, err);
        if (!at) return NULL;
        keep_row(part, kept);
    }
    at = sorted_load(&self->sorted_loader, &part->rows, at, err);
    if (!at) return NULL;
    at = codec_get_list_head(at, &count);
    part->cleanup = count ? NEW_ARRAY(OverCleanup, count / 2) : NULL;
    for (; count; count -= 2) {
        OverCleanup *cleanup = &part->cleanup[part->cleanup_count++];
        at = codec_get_i64(at, &cleanup->at_ms);
        at = codec_get_i64(at, &cleanup->since_ms);
    }
    part->cleanup_cap = part->cleanup_count;
    return at ? aggs_load(&self->saver, row, at, err) : NULL;
}

static const Type *part_value(Arena *arena, const Plan *plan) {
    const Type *rows = stored_rows_type(arena, plan->input[0]->type);
    const Type **child = ARENA_ARRAY(arena, const Type *, plan->agg_count + 4);
    Str *name = ARENA_ARRAY(arena, Str, plan->agg_count + 4);
    child[0] = type_of(TYPE_BIGINT, false);
    name[0] = STR("last");
    child[1] = child[2] = rows;
    name[1] = STR("frame");
    name[2] = STR("rows");
    child[CLEANUPS] = type_array(arena, type_of(TYPE_BIGINT, false), false);
    name[CLEANUPS] = STR("cleanups");
    agg_state_fields(arena, plan, child, name, 4);
    return type_row(arena, plan->agg_count + 4, child, name, false);
}

// Snapshots of before there were cleanups.
static bool part_begin(void *arg, uint32_t field, Buf *out) {
    (void)arg;
    if (field == CLEANUPS) codec_put_list_head(out, 0);
    return field == CLEANUPS;
}

// Rows that wait for time to pass stand in one line, whatever their key.
static void over_save_begin(Operator *op) {
    Over *self = (Over *)op;
    sorted_image_begin(&self->image, &self->waiting, &self->pool);
}

static bool over_save_more(Operator *op, Buf *out) {
    return image_save(&((Over *)op)->image, out);
}

static Status over_restore(Operator *op, Str bytes, Error *err) {
    Over *self = (Over *)op;
    const Plan *plan = op->plan;
    OrderKey stamp = {plan->order[0].column, false, true};
    RowLoader loader;
    row_loader_init(&loader, &self->pool, &stamp, self->proctime ? 0 : 1, plan->input[0]->type);
    Vec **key = ARENA_ARRAY(op->env->arena, Vec *, plan->key_count + 1);
    uint32_t count;
    const char *at = codec_get_list_head(bytes.ptr, &count);
    Status st = ST_OK;
    for (; count && !st; count--) {
        StoredRow *row;
        at = stored_load(&loader, at, &row, err);
        if (!at) {
            st = ST_OVER_BUDGET;
            break;
        }
        for (uint32_t k = 0; k < plan->key_count; k++) key[k] = loader.column[plan->key[k]];
        if (!key_is_mine(op, key, plan->key_count)) {
            row_free(&self->pool, row);
            continue;
        }
        uint8_t *group;
        st = state_find(self->parts, key, 1, NULL, true, 0, &group, NULL, err);
        if (!st) wait_for_time(self, row, group);
    }
    row_loader_clear(&loader);
    if (self->proctime && self->waiting.count) {
        op->env->timer_at(op, op->env->now_ms(op->env->now_arg) + 1);
    }
    return st;
}

// ---- the operator ------------------------------------------------------------------------------

static Status over_open(Operator *op, Error *err) {
    (void)err;
    Over *self = (Over *)op;
    const Plan *plan = op->plan;
    const Type *input = plan->input[0]->type;
    Arena *arena = op->env->arena;
    self->columns = input->child_count;
    self->agg_count = plan->agg_count;
    self->proctime = plan->proctime_order;
    self->timed = input->child[plan->order[0].column]->attribute != TIME_NONE;
    self->call = ARENA_ARRAY(arena, AggCall *, plan->agg_count + 1);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        self->call[i] = arena_dup(arena, plan->agg[i].call, sizeof(AggCall));
    }
    uint32_t align = 16;
    self->group_size = agg_layout(self->call, plan->agg_count, sizeof(OverPart), &align);
    self->agg_env = (AggEnv){op->budget, &self->scratch, op->env->func};
    row_pool_init_timed(&self->pool, op->budget);
    row_loader_init(&self->loader, &self->pool, NULL, 0, input);
    row_loader_init(&self->sorted_loader, &self->pool, plan->order, plan->order_count, input);
    agg_saver_init(&self->saver, self->call, self->agg_count, &self->agg_env);
    builder_init(&self->out, plan->type);
    bool waits =
        self->timed && !(self->proctime && (plan->frame.rows || plan->frame.preceding < 0));
    StateTableDef def = {
        .name = "frames",
        .operator_id = plan->stable_id, .budget = op->budget,
        .key = kept_key_type(arena, input, plan->key, plan->key_count),
        .value = part_value(arena, plan),
        .version = 1,
        .row_size = self->group_size,
        .ttl_ms = waits ? 0 : plan->ttl_ms,
        .clear = over_part_clear,
        .save = part_save,
        .load = part_load,
        .begin = part_begin,
        .may_leave = true,
        .clear_arg = self,
    };
    self->parts = state_table_open(op->env->state, &def);
    return ST_OK;
}

static Status over_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Over *self = (Over *)op;
    const Plan *plan = op->plan;
    arena_reset(&self->scratch);
    int64_t now = plan->ttl_ms ? op->env->now_ms(op->env->now_arg) : 0;
    Vec **key = ARENA_ARRAY(&self->scratch, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) key[k] = in->column[plan->key[k]];
    uint8_t **group = ARENA_ARRAY(&self->scratch, uint8_t *, in->rows);
    TRY(state_find(self->parts, key, in->rows, NULL, true, now, group, NULL, err));
    for (uint32_t row = 0; row < in->rows && plan->ttl_ms; row++) {
        state_touch(self->parts, group[row], now);
    }
    if (!self->timed) return over_sorted_batch(self, in, group, err);
    if (self->proctime && plan->frame.preceding < 0) return running_batch(self, in, group, err);
    if (self->proctime && plan->frame.rows) return arrival_batch(self, in, group, err);
    return timed_batch(self, in, group, err);
}

static Status over_on_watermark(Operator *op, int64_t ms, Error *err) {
    Over *self = (Over *)op;
    arena_reset(&self->scratch);
    if (self->timed && !self->proctime) TRY(release(self, ms, err));
    return output_watermark(op, ms, err);
}

static Status over_on_timer(Operator *op, int64_t now_ms, Error *err) {
    Over *self = (Over *)op;
    arena_reset(&self->scratch);
    TRY(release(self, now_ms - 1, err));
    if (self->waiting.count) op->env->timer_at(op, now_ms + 1);
    return ST_OK;
}

static void over_close(Operator *op) {
    Over *self = (Over *)op;
    sorted_image_end(&self->image);
    uint64_t cursor = 0;
    for (uint8_t *row; self->parts && (row = state_next(self->parts, &cursor));) {
        over_part_clear(self, row);
    }
    self->closed = true;
    row_loader_clear(&self->loader);
    row_loader_clear(&self->sorted_loader);
    agg_saver_clear(&self->saver);
    sorted_free(&self->waiting);
    row_pool_clear(&self->pool);
    builder_clear(&self->out);
    batch_unref(self->work);
    arena_clear(&self->scratch);
    arena_clear(&self->step);
    mem_free(self->due);
}

const OperatorVt OVER_OPERATOR = {
    .name = "over-aggregate",
    .plan_kind = PLAN_OVER,
    .size = sizeof(Over),
    .open = over_open,
    .on_batch = over_on_batch,
    .on_watermark = over_on_watermark,
    .on_timer = over_on_timer,
    .save_begin = over_save_begin,
    .save_more = over_save_more,
    .restore_more = over_restore,
    .close = over_close,
};
