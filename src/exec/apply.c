// exec/apply.c - LATERAL TABLE(f(x)): the rows that a user's table function gives for each row,
// beside that row. With [outer], a row for which it gives none comes once, with NULLs. A change of
// the input is a change of all its rows: the function must give the same for the same arguments.
#include "exec/emitted.h"

typedef struct Apply {
    Operator base;
    UdfCall call;
    Program *program;  // the arguments; NULL: there are none
    Emitted emitted;
    Arena arena;       // of the arguments, until the next batch
    Batch *in;         // at hand
    uint32_t next;     // rows before it have what they get
} Apply;

static uint8_t kind_of(const Apply *self, uint32_t row) {
    return (uint8_t)batch_kind(self->in, row);
}

static Status hand_on(Apply *self, Error *err) {
    Batch *out = emitted_take(&self->emitted, self->in->column, NULL);
    if (!out) return ST_OK;
    batch_keep(out, self->in);
    return output_batch(&self->base, out, err);
}

// Room for one more row.
static Status need_room(Apply *self, Error *err) {
    if (!emitted_full(&self->emitted)) return ST_OK;
    TRY(hand_on(self, err));
    emitted_begin(&self->emitted, &self->call);
    return ST_OK;
}

static Status pad_until(Apply *self, uint32_t row, Error *err) {
    for (; self->next < row && self->base.plan->outer; self->next++) {
        TRY(need_room(self, err));
        emitted_pad(&self->emitted, &self->call, self->next, kind_of(self, self->next));
    }
    return ST_OK;
}

static Status apply_emit(UdfCall *call, uint32_t from, uint8_t kind, uint32_t *row, Error *err) {
    Apply *self = call->owner;
    (void)kind;
    if (from >= self->in->rows || from + 1 < self->next) {
        return error_set(err, ST_RUNTIME, "it emits for row %u, which is no row, or is done", from);
    }
    TRY(pad_until(self, from, err));
    TRY(need_room(self, err));
    self->next = from + 1;
    *row = emitted_row(&self->emitted, call, from, kind_of(self, from));
    return ST_OK;
}

static const UdfServices SERVICES = {.emit = apply_emit};

static Status apply_open(Operator *op, Error *err) {
    Apply *self = (Apply *)op;
    const Plan *plan = op->plan;
    udf_call_init(&self->call, plan->udf);
    self->call.services = &SERVICES;
    self->call.owner = self;
    self->call.env = op->env->func;
    uint32_t before = plan->input[0]->type->child_count;
    emitted_init(&self->emitted, plan->type, before, plan->type->child_count - before);
    if (plan->func_arg_count) {
        TRY(program_new(plan->func_arg, plan->func_arg_count, plan->input[0]->type, op->env->func,
                        &self->program, err));
    }
    return udf_call_open(&self->call, err);
}

static Status apply_on_batch(Operator *op, uint32_t input, Batch *in, Error *err) {
    (void)input;
    Apply *self = (Apply *)op;
    uint32_t argc = op->plan->func_arg_count;
    arena_reset(&self->arena);
    udf_call_reset(&self->call);
    Vec **arg = ARENA_ARRAY(&self->arena, Vec *, argc + 1);
    if (argc) TRY(program_run(self->program, in->column, in->rows, &self->arena, arg, err));
    self->in = in;
    self->next = 0;
    udf_call_args(&self->call, (const Vec *const *)arg, argc);
    emitted_begin(&self->emitted, &self->call);
    self->call.call.first = 0;
    self->call.call.end = in->rows;
    TRY(udf_call_done(&self->call, op->plan->udf->def->eval(&self->call.call), err));
    TRY(pad_until(self, in->rows, err));
    return hand_on(self, err);
}

static void apply_close(Operator *op) {
    Apply *self = (Apply *)op;
    if (self->call.udf) udf_call_close(&self->call);
    program_free(self->program);
    emitted_clear(&self->emitted);
    arena_clear(&self->arena);
}

const OperatorVt APPLY_OPERATOR = {
    .name = "apply",
    .plan_kind = PLAN_APPLY,
    .size = sizeof(Apply),
    .open = apply_open,
    .on_batch = apply_on_batch,
    .close = apply_close,
};
