// How elements enter operators and leave them: counting, watermark combination, ends.
#include "exec/operator.h"

Status operator_batch(Operator *op, uint32_t input, Batch *batch, Error *err) {
    if (!batch->rows) return ST_OK;
    op->rows_in += batch->rows;
    return op->vt->on_batch(op, input, batch, err);
}

static Status output_slices(Operator *op, Batch *batch, Error *err) {
    uint32_t most = op->env->batch_rows_max;
    Status st = ST_OK;
    for (uint32_t from = 0; from < batch->rows && !st; from += most) {
        uint32_t left = batch->rows - from;
        st = output_batch(op, batch_slice(batch, from, left < most ? left : most), err);
    }
    batch_unref(batch);
    return st;
}

// One row in may be any number out: who gives up does not wait for the last of them.
static bool given_up(const OpEnv *env) {
    return (env->stop && atomic_load_explicit(env->stop, memory_order_relaxed) >= 2) ||
           (env->failed && atomic_load_explicit(env->failed, memory_order_relaxed));
}

Status output_batch(Operator *op, Batch *batch, Error *err) {
    Status st = ST_OK;
    if (given_up(op->env)) {
        batch_unref(batch);
        return error_set(err, ST_CANCELLED, "the job was cancelled");
    }
    if (batch->rows > op->env->batch_rows_max) return output_slices(op, batch, err);
    if (batch->rows) {
        op->rows_out += batch->rows;
        for (uint32_t i = 0; i < op->target_count && !st; i++) {
            st = operator_batch(op->target[i].op, op->target[i].input, batch, err);
        }
    }
    batch_unref(batch);
    return st;
}

Status output_builder(Operator *op, Builder *builder, bool force, Error *err) {
    if (!builder->batch || (!force && builder->batch->rows < BATCH_ROWS_MAX)) return ST_OK;
    return output_batch(op, builder_take(builder), err);
}

Status output_watermark(Operator *op, int64_t ms, Error *err) {
    if (ms <= op->watermark_out) return ST_OK;
    op->watermark_out = ms;
    for (uint32_t i = 0; i < op->target_count; i++) {
        TRY(operator_watermark(op->target[i].op, op->target[i].input, ms, err));
    }
    return ST_OK;
}

// The minimum over inputs that are neither idle nor ended; ended inputs count as WATERMARK_MAX.
static Status combine_watermarks(Operator *op, Error *err) {
    int64_t least = WATERMARK_MAX;
    bool any = false;
    for (uint32_t i = 0; i < op->input_count; i++) {
        if (op->idle_inputs >> i & 1) continue;
        any = true;
        if (op->watermark[i] < least) least = op->watermark[i];
    }
    if (!any || least <= op->watermark_in) return ST_OK;
    op->watermark_in = least;
    // Behind an aggregation that folds only group windows and temporal joins go by event time:
    // elsewhere a watermark may pass it.
    bool flushes = least == WATERMARK_MAX || op->plan->below_window;
    if (op->vt->on_flush && flushes) TRY(op->vt->on_flush(op, err));
    if (op->vt->on_watermark) return op->vt->on_watermark(op, least, err);
    return output_watermark(op, least, err);
}

Status operator_watermark(Operator *op, uint32_t input, int64_t ms, Error *err) {
    if (op->env->func->batch) return ST_OK;  // time stands still until all is there: operator_end
    if (ms <= op->watermark[input]) return ST_OK;
    op->watermark[input] = ms;
    op->idle_inputs &= ~((uint64_t)1 << input);
    return combine_watermarks(op, err);
}

Status operator_idle(Operator *op, uint32_t input, bool idle, Error *err) {
    uint64_t bit = (uint64_t)1 << input, before = op->idle_inputs;
    op->idle_inputs = idle ? before | bit : before & ~bit;
    if (op->idle_inputs == before) return ST_OK;
    TRY(combine_watermarks(op, err));
    uint64_t all = op->input_count == 64 ? UINT64_MAX : ((uint64_t)1 << op->input_count) - 1;
    bool was = before == all, is = op->idle_inputs == all;
    if (was == is) return ST_OK;
    if (op->vt->on_idle) TRY(op->vt->on_idle(op, is, err));
    for (uint32_t i = 0; i < op->target_count; i++) {
        TRY(operator_idle(op->target[i].op, op->target[i].input, is, err));
    }
    return ST_OK;
}

Status output_end(Operator *op, Error *err) {
    for (uint32_t i = 0; i < op->target_count; i++) {
        TRY(operator_end(op->target[i].op, op->target[i].input, err));
    }
    return ST_OK;
}

Status output_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    for (uint32_t i = 0; i < op->target_count; i++) {
        TRY(operator_barrier(op->target[i].op, op->target[i].input, checkpoint, err));
    }
    return ST_OK;
}

// The barrier goes on when it has come on every input that is still open.
static Status pass_barrier(Operator *op, uint64_t checkpoint, Error *err) {
    uint64_t all = op->input_count == 64 ? UINT64_MAX : ((uint64_t)1 << op->input_count) - 1;
    if (((op->barrier_inputs | op->ended_inputs) & all) != all) return ST_OK;
    op->barrier_inputs = 0;
    if (op->vt->on_flush) TRY(op->vt->on_flush(op, err));
    if (op->vt->on_barrier) TRY(op->vt->on_barrier(op, checkpoint, err));
    return output_barrier(op, checkpoint, err);
}

Status operator_end(Operator *op, uint32_t input, Error *err) {
    op->ended_inputs |= (uint64_t)1 << input;
    uint64_t all = op->input_count == 64 ? UINT64_MAX : ((uint64_t)1 << op->input_count) - 1;
    if (op->barrier_inputs && (op->ended_inputs & all) != all) {
        TRY(pass_barrier(op, op->barrier, err));
    }
    if (op->ended || (op->ended_inputs & all) != all) return ST_OK;
    op->ended = true;
    if (op->env->func->batch) {
        op->watermark_in = WATERMARK_MAX;
        if (op->vt->on_watermark) TRY(op->vt->on_watermark(op, WATERMARK_MAX, err));
    }
    if (op->vt->on_flush) TRY(op->vt->on_flush(op, err));
    if (op->vt->on_end) TRY(op->vt->on_end(op, err));
    return output_end(op, err);
}

Status operator_barrier(Operator *op, uint32_t input, uint64_t checkpoint, Error *err) {
    op->barrier_inputs |= (uint64_t)1 << input;
    op->barrier = checkpoint;
    return pass_barrier(op, checkpoint, err);
}

Status operator_split(Operator *op, uint32_t split, bool ended, Error *err) {
    if (op->vt->on_split) return op->vt->on_split(op, split, ended, err);
    if (op->vt->plan_kind != PLAN_PROJECT && op->vt->plan_kind != PLAN_FILTER) return ST_OK;
    for (uint32_t i = 0; i < op->target_count; i++) {
        TRY(operator_split(op->target[i].op, split, ended, err));
    }
    return ST_OK;
}
