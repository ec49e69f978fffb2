// exec/batch_over.c - OVER of a bounded input: any frame, and functions that look ahead.
//
// The rows are sorted by partition and order (exec/sorter.h: on disk when they outgrow the memory),
// then each partition is laid out as columns, its frames are found (exec/frame.h) and each function
// is computed down the rows. Where no row looks beyond its peers (running totals, ranks) a
// partition is handed on in pieces and never held as a whole.
//
// Aggregates over frames: those that only grow are stepped through; where rows leave, they are
// taken back if the function was bound so (plan/optimize.c), and else the frame is aggregated anew
// for each row.
#include "col/codec.h"
#include "exec/frame.h"
#include "exec/sorter.h"

enum { PIECE_ROWS = 2 * BATCH_ROWS_MAX };

typedef struct BatchOver {
    Operator base;
    Sorter sorter;
    OrderKey *order;      // the partition's columns, then the window's order
    uint32_t columns;
    AggCall **call;
    uint8_t *group;       // of the partition at hand
    uint32_t group_size;
    AggEnv agg_env;
    Arena scratch;
    bool running;         // partitions may be handed on in pieces
    // The piece at hand.
    Batch *part;
    uint32_t *peer, *peer_end, cap;
    Buf last_key;
    int64_t charged;
    // Of the partition, before the piece.
    int64_t rows_before, groups_before;
} BatchOver;

typedef enum OverCall {
    OVER_AGGREGATE,
    OVER_ROW_NUMBER,
    OVER_RANK,
    OVER_DENSE_RANK,
    OVER_PERCENT_RANK,
    OVER_CUME_DIST,
    OVER_NTILE,
    OVER_LAG,
    OVER_LEAD,
} OverCall;

static OverCall call_of(const PlanAgg *agg) {
    static const char *const NAMES[] = {
        [OVER_ROW_NUMBER] = "ROW_NUMBER", [OVER_RANK] = "RANK", [OVER_DENSE_RANK] = "DENSE_RANK",
        [OVER_PERCENT_RANK] = "PERCENT_RANK", [OVER_CUME_DIST] = "CUME_DIST",
        [OVER_NTILE] = "NTILE", [OVER_LAG] = "LAG", [OVER_LEAD] = "LEAD",
    };
    for (OverCall i = OVER_ROW_NUMBER; i <= OVER_LEAD; i++) {
        if (str_eq(agg->name, str_c(NAMES[i]))) return i;
    }
    return OVER_AGGREGATE;
}

static bool runs(const Plan *plan) {
    const OverFrame *frame = &plan->frame;
    if (!frame->low.unbounded || frame->high.unbounded || frame->high.rows || frame->high.range) {
        return false;
    }
    for (uint32_t a = 0; a < plan->agg_count; a++) {
        if (call_of(&plan->agg[a]) > OVER_DENSE_RANK) return false;
    }
    return true;
}

static Status batch_over_open(Operator *op, Error *err) {
    (void)err;
    BatchOver *self = (BatchOver *)op;
    const Plan *plan = op->plan;
    Arena *arena = op->env->arena;
    self->columns = plan->input[0]->type->child_count;
    uint32_t count = plan->key_count + plan->order_count;
    self->order = ARENA_ARRAY(arena, OrderKey, count + 1);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        self->order[i] = (OrderKey){.column = plan->key[i], .nulls_first = true};
    }
    for (uint32_t i = 0; i < plan->order_count; i++) {
        self->order[plan->key_count + i] = plan->order[i];
    }
    sorter_init(&self->sorter, op, self->order, count, self->columns);
    self->call = ARENA_ARRAY(arena, AggCall *, plan->agg_count + 1);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        self->call[i] = arena_dup(arena, plan->agg[i].call, sizeof(AggCall));
    }
    uint32_t align = 16;
    self->group_size = agg_layout(self->call, plan->agg_count, 0, &align);
    self->group = arena_alloc_aligned(arena, self->group_size + 1, align);
    memset(self->group, 0, self->group_size);
    self->agg_env = (AggEnv){op->budget, &self->scratch, op->env->func};
    self->running = runs(plan);
    return ST_OK;
}

static Status batch_over_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    return sorter_add(&((BatchOver *)op)->sorter, in, err);
}

// ---- ranks -------------------------------------------------------------------------------------

static Status bad_buckets(int64_t buckets, Error *err) {
    return error_set(err, ST_RUNTIME, "NTILE needs at least one bucket, not %lld",
                     (long long)buckets);
}

// Buckets of equal size, the first ones a row larger when it does not come out even.
static Status ntile(const BatchOver *self, const PlanAgg *agg, Vec *out, Error *err) {
    const Vec *arg = self->part->column[agg->arg[0]];
    int64_t rows = self->part->rows;
    for (uint32_t i = 0; i < rows; i++) {
        int64_t buckets = vec_is_null(arg, i) ? 0 : vec_integer(arg, i);
        if (buckets < 1) return bad_buckets(buckets, err);
        int64_t size = rows / buckets, larger = rows % buckets;
        int64_t in_larger = larger * (size + 1);
        vec_i64(out)[i] =
            i < in_larger ? i / (size + 1) + 1 : larger + (i - in_larger) / size + 1;
    }
    return ST_OK;
}

static Status rank(const BatchOver *self, const PlanAgg *agg, OverCall call, Vec *out, Error *err) {
    uint32_t rows = self->part->rows;
    int64_t groups = self->groups_before;
    if (call == OVER_NTILE) return ntile(self, agg, out, err);
    for (uint32_t i = 0; i < rows; i++) {
        groups += self->peer[i] == i;
        switch (call) {
            case OVER_ROW_NUMBER: vec_i64(out)[i] = self->rows_before + i + 1; break;
            case OVER_RANK: vec_i64(out)[i] = self->rows_before + self->peer[i] + 1; break;
            case OVER_DENSE_RANK: vec_i64(out)[i] = groups; break;
            case OVER_PERCENT_RANK:
                vec_f64(out)[i] = rows > 1 ? (double)self->peer[i] / (double)(rows - 1) : 0;
                break;
            default: vec_f64(out)[i] = (double)self->peer_end[i] / (double)rows; break;
        }
    }
    return ST_OK;
}

// ---- LAG and LEAD ------------------------------------------------------------------------------

// A NULL that the type of the result has no place for, because the default is NOT NULL: Flink's
// generated code reads the type's own default, and has none for all types.
static Status null_value(Vec *out, uint32_t row, Error *err) {
    switch (out->phys) {
        case PHYS_U8: vec_u8(out)[row] = 0; return ST_OK;
        case PHYS_I8:
        case PHYS_I16:
        case PHYS_I32:
        case PHYS_I64:
            if (out->type->kind == TYPE_DECIMAL || type_is_timestamp(out->type)) break;
            vec_set_integer(out, row, -1);
            return ST_OK;
        case PHYS_F32: vec_f32(out)[row] = -1; return ST_OK;
        case PHYS_F64: vec_f64(out)[row] = -1; return ST_OK;
        case PHYS_STR: return ST_OK;  // the empty text, as the slot has it
        default: break;
    }
    return error_set(err, ST_RUNTIME,
                     "the result of LAG or LEAD is NOT NULL, however, a null value is being "
                     "written into it");
}

static Status shifted(const BatchOver *self, const PlanAgg *agg, bool lead, Vec *out, Error *err) {
    const AggCall *call = agg->call;
    const Vec *value = self->part->column[agg->arg[0]];
    const Vec *otherwise = call->argc > 2 ? self->part->column[agg->arg[2]] : NULL;
    int64_t by = call->argc > 1 ? vec_integer(call->literal[1], 0) : 1;
    if (!lead) by = -by;
    for (uint32_t i = 0; i < self->part->rows; i++) {
        int64_t at = i + by;
        if (at >= 0 && at < self->part->rows) {
            bool fits = call->result->nullable || !vec_is_null(value, (uint32_t)at);
            if (fits) vec_share_value(out, i, value, (uint32_t)at);
            if (!fits) TRY(null_value(out, i, err));
        } else if (otherwise) {
            vec_share_value(out, i, otherwise, i);
        } else {
            vec_set_null(out, i);
        }
    }
    return ST_OK;
}

// ---- aggregates over frames --------------------------------------------------------------------

static void group_clear(BatchOver *self, const AggCall *call) {
    if (call->impl->flags & AGG_OWNS) agg_clear(call, self->group, &self->agg_env);
    memset(self->group + call->offset, 0, call->impl->size);
}

static const Vec **args_of(BatchOver *self, const PlanAgg *agg, uint32_t from, uint32_t count) {
    const Vec **arg = ARENA_ARRAY(&self->scratch, const Vec *, agg->call->argc + 1);
    for (uint32_t i = 0; i < agg->call->argc; i++) {
        arg[i] = vec_slice(&self->scratch, self->part->column[agg->arg[i]], from, count);
    }
    return arg;
}

// Rows [from, end) enter the frame or leave it.
static Status fold(BatchOver *self, const PlanAgg *agg, const AggCall *call, uint32_t from,
                   uint32_t end, bool leave, Error *err) {
    static const uint8_t LEAVE[BATCH_ROWS_MAX] = {[0 ... BATCH_ROWS_MAX - 1] = ROW_DELETE};
    while (from < end) {
        uint32_t count = end - from < BATCH_ROWS_MAX ? end - from : BATCH_ROWS_MAX;
        AggRows rows = {.rows = count, .arg = args_of(self, agg, from, count),
                        .single = self->group, .kinds = leave ? LEAVE : NULL};
        TRY(agg_update(call, &rows, &self->agg_env, err));
        from += count;
    }
    return ST_OK;
}

// The frame grows from the partition's first row to the current one or the last of its peers: the
// result of row i is that behind row high[i] - 1.
static Status grow(BatchOver *self, const PlanAgg *agg, const AggCall *call, const uint32_t *high,
                   Vec **out, Error *err) {
    uint32_t rows = self->part->rows;
    Arena *arena = &self->part->arena;
    Vec *after = vec_new(arena, call->result, rows);
    if (call->result->nullable) vec_need_valid(after);
    for (uint32_t from = 0; from < rows; from += BATCH_ROWS_MAX) {
        uint32_t count = rows - from < BATCH_ROWS_MAX ? rows - from : BATCH_ROWS_MAX;
        AggRows in = {.rows = count, .arg = args_of(self, agg, from, count), .single = self->group};
        Vec *part = vec_slice(arena, after, from, count);
        TRY(agg_step(call, &in, &self->agg_env, part, err));
    }
    uint32_t *last = ARENA_ARRAY(&self->scratch, uint32_t, rows + 1);
    for (uint32_t i = 0; i < rows; i++) last[i] = high[i] - 1;
    *out = vec_gather(arena, after, last, rows);
    return ST_OK;
}

static Status slide(BatchOver *self, const PlanAgg *agg, const AggCall *call, const uint32_t *low,
                    const uint32_t *high, Vec *out, Error *err) {
    uint32_t from = 0, end = 0;  // what the group holds
    bool anew = !call->retract && !self->base.plan->frame.low.unbounded;
    for (uint32_t i = 0; i < self->part->rows; i++) {
        if (i && low[i] == low[i - 1] && high[i] == high[i - 1]) {
            vec_share_value(out, i, out, i - 1);
            continue;
        }
        if (anew && from != low[i]) {
            group_clear(self, call);
            from = end = low[i];
        }
        uint32_t enter = end > low[i] ? end : low[i];
        TRY(fold(self, agg, call, enter, high[i], false, err));
        TRY(fold(self, agg, call, from, low[i] < end ? low[i] : end, true, err));
        from = low[i];
        if (end < high[i]) end = high[i];
        TRY(agg_emit_one(call, self->group, &self->agg_env, out, i, err));
    }
    group_clear(self, call);
    return ST_OK;
}

static Status aggregate(BatchOver *self, const PlanAgg *agg, const AggCall *call, Vec **out,
                        Error *err) {
    const OverFrame *frame = &self->base.plan->frame;
    const Plan *plan = self->base.plan;
    uint32_t rows = self->part->rows;
    Arena *arena = &self->part->arena;
    uint32_t *low = ARENA_ARRAY(&self->scratch, uint32_t, rows + 1);
    uint32_t *high = ARENA_ARRAY(&self->scratch, uint32_t, rows + 1);
    FrameRows in = {rows, self->peer, self->peer_end,
                    plan->order_count ? self->part->column[plan->order[0].column] : NULL,
                    plan->order_count && plan->order[0].descending};
    frame_bounds(frame, &in, low, high);
    bool flat = !call->result->child_count;  // no children that slices of the result would share
    if (frame->low.unbounded && !frame->high.unbounded && !frame->high.preceding && flat &&
        !frame->high.rows && !frame->high.range) {
        return grow(self, agg, call, high, out, err);
    }
    *out = vec_new(arena, call->result, rows);
    return slide(self, agg, call, low, high, *out, err);
}

// ---- partitions --------------------------------------------------------------------------------

static Status compute(BatchOver *self, uint32_t a, Vec **out, Error *err) {
    const PlanAgg *agg = &self->base.plan->agg[a];
    OverCall call = call_of(agg);
    if (call == OVER_AGGREGATE) return aggregate(self, agg, self->call[a], out, err);
    *out = vec_new(&self->part->arena, agg->call->result, self->part->rows);
    if (call < OVER_LAG) return rank(self, agg, call, *out, err);
    return shifted(self, agg, call == OVER_LEAD, *out, err);
}

static Status send(BatchOver *self, Vec *const *result, Error *err) {
    const Plan *plan = self->base.plan;
    for (uint32_t from = 0; from < self->part->rows; from += BATCH_ROWS_MAX) {
        uint32_t rest = self->part->rows - from;
        Batch *out = batch_new(plan->type);
        out->rows = rest < BATCH_ROWS_MAX ? rest : BATCH_ROWS_MAX;
        for (uint32_t c = 0; c < plan->type->child_count; c++) {
            const Vec *whole =
                c < self->columns ? self->part->column[c] : result[c - self->columns];
            out->column[c] = vec_slice(&out->arena, whole, from, out->rows);
        }
        batch_keep(out, self->part);
        TRY(output_batch(&self->base, batch_seal(out), err));
    }
    return ST_OK;
}

static void piece_drop(BatchOver *self) {
    self->part = batch_unref(self->part);
    budget_release(self->base.budget, self->charged);
    self->charged = 0;
}

// Computes and hands on the rows at hand; [last]: with them the partition ends.
static Status piece_done(BatchOver *self, bool last, Error *err) {
    const Plan *plan = self->base.plan;
    Batch *part = self->part;
    if (!part || !part->rows) return ST_OK;
    arena_reset(&self->scratch);
    for (uint32_t i = part->rows, end = part->rows; i-- > 0;) {
        self->peer_end[i] = end;
        if (self->peer[i] == i) end = i;
    }
    Vec **result = ARENA_ARRAY(&part->arena, Vec *, plan->agg_count + 1);
    for (uint32_t a = 0; a < plan->agg_count; a++) TRY(compute(self, a, &result[a], err));
    for (uint32_t i = 0; i < part->rows; i++) self->groups_before += self->peer[i] == i;
    self->rows_before += part->rows;
    TRY(send(self, result, err));
    piece_drop(self);
    if (!last) return ST_OK;
    self->rows_before = self->groups_before = 0;
    for (uint32_t a = 0; a < plan->agg_count; a++) {
        if (call_of(&plan->agg[a]) == OVER_AGGREGATE) group_clear(self, self->call[a]);
    }
    return ST_OK;
}

static Status piece_room(BatchOver *self, uint32_t rows, Error *err) {
    if (!self->part) self->part = batch_new_columns(self->base.plan->input[0]->type, 0);
    int64_t more = (int64_t)self->part->arena.bytes - self->charged;
    if (more > 0) {  // a partition that is looked at as a whole has to fit
        TRY(budget_charge(self->base.budget, more, err));
        self->charged += more;
    }
    if (rows > self->cap) {
        self->cap = self->cap ? self->cap * 2 : PIECE_ROWS;
        self->peer = mem_realloc(self->peer, self->cap * sizeof *self->peer);
        self->peer_end = mem_realloc(self->peer_end, self->cap * sizeof *self->peer_end);
    }
    batch_set_rows(self->part, rows);
    return ST_OK;
}

static void load(BatchOver *self, const char *bytes, uint32_t at) {
    for (uint32_t c = 0; c < self->columns; c++) {
        bytes = codec_get(bytes, self->part->column[c], at);
    }
}

static bool same_partition(const BatchOver *self, uint32_t at) {
    const Plan *plan = self->base.plan;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const Vec *key = self->part->column[plan->key[k]];
        if (vec_compare(key, at - 1, key, at)) return false;
    }
    return true;
}

static Status take_row(BatchOver *self, Str key, Str row, Error *err) {
    uint32_t at = self->part ? self->part->rows : 0;
    bool peer = at && str_eq(key, buf_str(&self->last_key));
    if (self->running && at >= BATCH_ROWS_MAX && !peer) {
        // Only the partition of the piece's last row can go on; a single row tells.
        TRY(piece_room(self, at + 1, err));
        load(self, row.ptr, at);
        bool goes_on = same_partition(self, at);
        batch_set_rows(self->part, at);
        TRY(piece_done(self, !goes_on, err));
        at = 0;
    }
    TRY(piece_room(self, at + 1, err));
    load(self, row.ptr, at);
    if (at && !peer && !same_partition(self, at)) {
        batch_set_rows(self->part, at);
        TRY(piece_done(self, true, err));
        at = 0;
        TRY(piece_room(self, 1, err));
        load(self, row.ptr, 0);
    }
    self->peer[at] = peer ? self->peer[at - 1] : at;
    self->last_key.len = 0;
    buf_put_str(&self->last_key, key);
    return ST_OK;
}

static Status batch_over_on_end(Operator *op, Error *err) {
    BatchOver *self = (BatchOver *)op;
    TRY(sorter_finish(&self->sorter, err));
    for (;;) {
        Str key, row;
        TRY(sorter_next(&self->sorter, &key, &row, err));
        if (!key.ptr) break;
        TRY(take_row(self, key, row, err));
    }
    TRY(piece_done(self, true, err));
    sorter_clear(&self->sorter);
    return ST_OK;
}

static void batch_over_close(Operator *op) {
    BatchOver *self = (BatchOver *)op;
    for (uint32_t a = 0; self->group && a < op->plan->agg_count; a++) {
        if (call_of(&op->plan->agg[a]) == OVER_AGGREGATE) group_clear(self, self->call[a]);
    }
    piece_drop(self);
    sorter_clear(&self->sorter);
    arena_clear(&self->scratch);
    buf_free(&self->last_key);
    mem_free(self->peer);
    mem_free(self->peer_end);
}

const OperatorVt BATCH_OVER_OPERATOR = {
    .name = "over-aggregate",
    .plan_kind = PLAN_OVER,
    .size = sizeof(BatchOver),
    .open = batch_over_open,
    .on_batch = batch_over_on_batch,
    .on_end = batch_over_on_end,
    .close = batch_over_close,
};
