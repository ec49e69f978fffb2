// exec/changelog.c - TO_CHANGELOG and FROM_CHANGELOG: the kind of a change as a column, and back.
#include "exec/operator.h"

static Status to_changelog(Operator *op, Batch *in, Error *err) {
    const Plan *plan = op->plan;
    const Str *code[4] = {NULL, NULL, NULL, NULL};
    for (uint32_t i = 0; i < plan->op_count; i++) code[plan->op_kind[i]] = &plan->op_code[i];
    Batch *out = batch_new(plan->type);
    uint32_t *rows = ARENA_ARRAY(&out->arena, uint32_t, in->rows + 1), count = 0;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (code[batch_kind(in, row)]) rows[count++] = row;  // kinds without a code are dropped
    }
    Vec *ops = out->column[0] = vec_new(&out->arena, plan->type->child[0], count);
    for (uint32_t i = 0; i < count; i++) vec_str(ops)[i] = *code[batch_kind(in, rows[i])];
    for (uint32_t c = 0; c < in->schema->child_count; c++) {
        out->column[c + 1] = vec_gather(&out->arena, in->column[c], rows, count);
    }
    out->rows = count;
    batch_keep(out, in);
    return output_batch(op, batch_seal(out), err);
}

static Status from_changelog(Operator *op, Batch *in, Error *err) {
    const Plan *plan = op->plan;
    const Vec *ops = in->column[plan->op_column];
    Batch *out = batch_new(plan->type);
    out->rows = in->rows;
    uint8_t *kinds = batch_need_kinds(out);
    for (uint32_t row = 0; row < in->rows; row++) {
        Str code = vec_str(ops)[row];
        uint32_t i = 0;
        while (i < plan->op_count && !str_eq(plan->op_code[i], code)) i++;
        if (i == plan->op_count || vec_is_null(ops, row)) {
            batch_unref(out);
            return error_set(err, ST_RUNTIME, "received invalid op code '" STR_FMT "'",
                             STR_ARG(code));
        }
        kinds[row] = plan->op_kind[i];
    }
    for (uint32_t c = 0, to = 0; c < in->schema->child_count; c++) {
        if (c != plan->op_column) out->column[to++] = in->column[c];
    }
    batch_keep(out, in);
    return output_batch(op, batch_seal(out), err);
}

static Status changelog_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    return op->plan->to_changelog ? to_changelog(op, in, err) : from_changelog(op, in, err);
}

const OperatorVt CHANGELOG_OPERATOR = {
    .name = "changelog",
    .plan_kind = PLAN_CHANGELOG,
    .size = sizeof(Operator),
    .on_batch = changelog_on_batch,
};
