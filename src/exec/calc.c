// exec/calc.c - projection and filter: expressions over whole batches. A filter keeps the batch as
// it is when all rows pass, and gathers the survivors otherwise.
#include "exec/operator.h"

typedef struct Project {
    Operator base;
    Program *program;
    Vec **result;
} Project;

static Status project_open(Operator *op, Error *err) {
    Project *self = (Project *)op;
    const Plan *plan = op->plan;
    self->result = ARENA_ARRAY(op->env->arena, Vec *, plan->type->child_count + 1);
    TRY(program_new(plan->expr, plan->type->child_count, plan->input[0]->type, op->env->func,
                    &self->program, err));
    program_watch(self->program, &op->watermark_in);
    return ST_OK;
}

static Status project_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Project *self = (Project *)op;
    Batch *out = batch_new(op->plan->type);
    Status st = program_run(self->program, in->column, in->rows, &out->arena, out->column, err);
    if (st) {
        batch_unref(out);
        return st;
    }
    out->rows = in->rows;
    if (in->kinds) memcpy(batch_need_kinds(out), in->kinds, in->rows);
    batch_keep(out, in);
    return output_batch(op, batch_seal(out), err);
}

static void project_close(Operator *op) {
    program_free(((Project *)op)->program);
}

const OperatorVt PROJECT_OPERATOR = {
    .name = "project",
    .plan_kind = PLAN_PROJECT,
    .size = sizeof(Project),
    .open = project_open,
    .on_batch = project_on_batch,
    .close = project_close,
};

typedef struct Filter {
    Operator base;
    Program *program;
    uint32_t *sel;
    uint32_t sel_cap;
} Filter;

static Status filter_open(Operator *op, Error *err) {
    Filter *self = (Filter *)op;
    Expr *condition = op->plan->condition;
    TRY(program_new(&condition, 1, op->plan->input[0]->type, op->env->func, &self->program, err));
    program_watch(self->program, &op->watermark_in);
    return ST_OK;
}

static Status filter_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Filter *self = (Filter *)op;
    if (self->sel_cap < in->rows + 1) {
        self->sel_cap = in->rows + 1 < BATCH_ROWS_MAX + 1 ? BATCH_ROWS_MAX + 1 : in->rows + 1;
        self->sel = ARENA_ARRAY(op->env->arena, uint32_t, self->sel_cap);
    }
    uint32_t count;
    TRY(program_select(self->program, in->column, in->rows, self->sel, &count, err));
    if (!count) return ST_OK;
    Batch *out = count == in->rows ? batch_ref(in) : batch_gather(in, self->sel, count);
    return output_batch(op, out, err);
}

static void filter_close(Operator *op) {
    program_free(((Filter *)op)->program);
}

const OperatorVt FILTER_OPERATOR = {
    .name = "filter",
    .plan_kind = PLAN_FILTER,
    .size = sizeof(Filter),
    .open = filter_open,
    .on_batch = filter_on_batch,
    .close = filter_close,
};
