// exec/limit.c - LIMIT and OFFSET without an order over inserts: rows [offset, offset + fetch) as
// they come. (Over changing input the planner makes it a Top-N without an order.)
#include "col/codec.h"
#include "exec/operator.h"

typedef struct Limit {
    Operator base;
    int64_t seen;
} Limit;

static Status limit_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Limit *self = (Limit *)op;
    const Plan *plan = op->plan;
    int64_t from = plan->offset - self->seen, to = in->rows;
    if (from < 0) from = 0;
    if (plan->fetch >= 0 && to > plan->offset + plan->fetch - self->seen) {
        to = plan->offset + plan->fetch - self->seen;
    }
    self->seen += in->rows;
    if (from >= to) return ST_OK;
    if (from == 0 && to == in->rows) return output_batch(op, batch_ref(in), err);
    return output_batch(op, batch_slice(in, (uint32_t)from, (uint32_t)(to - from)), err);
}

static Status limit_save(Operator *op, Buf *out, Error *err) {
    (void)err;
    codec_put_i64(out, ((Limit *)op)->seen);
    return ST_OK;
}

// Rows are counted in one place.
static Status limit_restore(Operator *op, Str bytes, Error *err) {
    (void)err;
    if (op->env->index) return ST_OK;
    int64_t seen;
    (void)codec_get_i64(bytes.ptr, &seen);
    ((Limit *)op)->seen += seen;
    return ST_OK;
}

const OperatorVt LIMIT_OPERATOR = {
    .name = "limit", .plan_kind = PLAN_LIMIT, .size = sizeof(Limit), .on_batch = limit_on_batch,
    .save = limit_save, .restore = limit_restore,
    .save_plain = true,
};
