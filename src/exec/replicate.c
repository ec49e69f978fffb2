// exec/replicate.c - sends each row as often as its last column says, without that column: the end
// of INTERSECT ALL and EXCEPT ALL. Changes pass through with their kind.
#include "exec/operator.h"

static Status replicate_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    uint32_t columns = op->plan->type->child_count;
    const Vec *times = in->column[columns];
    uint64_t total = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t n = vec_is_null(times, row) ? 0 : vec_i64(times)[row];
        if (n > 0) total += (uint64_t)n;
    }
    if (!total) return ST_OK;
    if (total > UINT32_MAX / 2) {
        return error_set(err, ST_RUNTIME, "a row would have to be repeated 2^31 times");
    }
    Batch *out = batch_new(op->plan->type);
    uint32_t *rows = ARENA_ARRAY(&out->arena, uint32_t, total), count = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        int64_t n = vec_is_null(times, row) ? 0 : vec_i64(times)[row];
        while (n-- > 0) rows[count++] = row;
    }
    for (uint32_t c = 0; c < columns; c++) {
        out->column[c] = vec_gather(&out->arena, in->column[c], rows, count);
    }
    out->rows = count;
    if (in->kinds) {
        uint8_t *kinds = batch_need_kinds(out);
        for (uint32_t i = 0; i < count; i++) kinds[i] = in->kinds[rows[i]];
    }
    batch_keep(out, in);
    return output_batch(op, batch_seal(out), err);
}

const OperatorVt REPLICATE_OPERATOR = {
    .name = "replicate-rows",
    .plan_kind = PLAN_TABLE_FUNC,
    .size = sizeof(Operator),
    .on_batch = replicate_on_batch,
};
