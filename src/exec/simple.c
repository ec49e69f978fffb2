// exec/simple.c - operators that only pass rows on: UNION ALL, the collecting end of a query, and
// EXPAND, which makes a copy of the row per grouping set.
#include "exec/operator.h"

static Status pass_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    if (in->schema == op->plan->type) return output_batch(op, batch_ref(in), err);
    // The same columns under the union's own names and nullability.
    Batch *out = batch_new(op->plan->type);
    for (uint32_t i = 0; i < op->plan->type->child_count; i++) out->column[i] = in->column[i];
    out->rows = in->rows;
    if (in->kinds) memcpy(batch_need_kinds(out), in->kinds, in->rows);
    batch_keep(out, in);
    return output_batch(op, batch_seal(out), err);
}

const OperatorVt UNION_OPERATOR = {
    .name = "union", .plan_kind = PLAN_UNION, .size = sizeof(Operator), .on_batch = pass_on_batch,
};

// What Flink holds as an object can be NULL even where its type says NOT NULL (a DECIMAL that
// overflowed, ARRAY_AGG of no rows); the end of a query finds out, as Flink's constraint enforcer
// does. Java's primitives cannot.
static bool is_primitive(const Type *type) {
    switch (type_phys(type)) {
        case PHYS_U8:
        case PHYS_I8:
        case PHYS_I16:
        case PHYS_I32:
        case PHYS_F32:
        case PHYS_F64: return true;
        case PHYS_I64: return !type_is_timestamp(type);
        default: return false;
    }
}

static Status collect_check(const Operator *op, const Batch *in, Error *err) {
    const Type *row = op->plan->type;
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (row->child[c]->nullable || is_primitive(row->child[c])) continue;
        if (!vec_has_nulls(in->column[c])) continue;
        return error_set(err, ST_RUNTIME,
                         "column '" STR_FMT
                         "' is NOT NULL, however, a null value is being written into it",
                         STR_ARG(row->field[c]));
    }
    return ST_OK;
}

static Status collect_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    TRY(collect_check(op, in, err));
    return op->env->collect(op->env->collect_arg, in, err);
}

const OperatorVt COLLECT_OPERATOR = {
    .name = "collect",
    .plan_kind = PLAN_COLLECT,
    .size = sizeof(Operator),
    .on_batch = collect_on_batch,
};

static Status expand_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    const Plan *plan = op->plan;
    uint32_t columns = plan->type->child_count - 1;
    // Row by row through the sets, as Flink does, so that the changelog keeps its order.
    uint32_t total = in->rows * plan->set_count;
    Batch *out = batch_new(plan->type);
    uint32_t *rows = ARENA_ARRAY(&out->arena, uint32_t, total + 1);
    for (uint32_t i = 0; i < total; i++) rows[i] = i / plan->set_count;
    for (uint32_t c = 0; c < columns; c++) {
        Vec *vec = vec_gather(&out->arena, in->column[c], rows, total);
        vec->type = plan->type->child[c];
        for (uint32_t s = 0; s < plan->set_count; s++) {
            if (plan->keep[s][c]) continue;
            for (uint32_t i = s; i < total; i += plan->set_count) vec_set_null(vec, i);
        }
        out->column[c] = vec;
    }
    Vec *id = out->column[columns] = vec_new(&out->arena, plan->type->child[columns], total);
    for (uint32_t i = 0; i < total; i++) vec_i64(id)[i] = plan->expand_id[i % plan->set_count];
    out->rows = total;
    if (in->kinds) {
        uint8_t *kinds = batch_need_kinds(out);
        for (uint32_t i = 0; i < total; i++) kinds[i] = in->kinds[rows[i]];
    }
    batch_keep(out, in);
    return output_batch(op, batch_seal(out), err);
}

const OperatorVt EXPAND_OPERATOR = {
    .name = "expand",
    .plan_kind = PLAN_EXPAND,
    .size = sizeof(Operator),
    .on_batch = expand_on_batch,
};
