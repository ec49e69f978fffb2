// User functions as rows of the function tables: one value for each row.
#include "udf/call.h"

static Status scalar_open(const FuncCall *call, void **state, Error *err) {
    UdfCall *self = NEW(UdfCall);
    udf_call_init(self, call->bound);
    self->env = call->env;
    *state = self;
    return udf_call_open(self, err);
}

static void scalar_close(void *state) {
    UdfCall *self = state;
    if (!self) return;
    udf_call_close(self);
    mem_free(self);
}

static Status scalar_kernel(const KernelArgs *args, Vec *out, Error *err) {
    UdfCall *self = args->state;
    udf_call_reset(self);
    udf_call_args(self, args->arg, args->argc);
    udf_call_results(self, &out, 1);
    self->call.first = 0;
    self->call.end = args->rows;
    self->call.selected = args->valid;
    return udf_call_done(self, self->udf->def->eval(&self->call), err);
}

void udf_scalar_row(Udf *udf) {
    const weir_function_def *def = udf->def;
    udf->scalar = (ScalarFunc){
        .name = str_cstr(&udf->arena, udf->name),
        .result_null = RESULT_NULL_ALWAYS,
        .nulls = def->flags & WEIR_STRICT ? NULLS_STRICT : NULLS_OWN,
        .flags = FUNC_CAN_FAIL,
        .kernel = scalar_kernel,
        .open = scalar_open,
        .close = scalar_close,
        .doc = def->doc,
    };
    if (def->flags & WEIR_NONDETERMINISTIC) udf->scalar.flags |= FUNC_NONDETERMINISTIC;
}
