// User aggregate functions as rows of the aggregate tables.
//
// A group's part is eight bytes of ours, 1 once the state is made, and the function's state behind
// them: to the operators all zero bytes are the empty state, and a function may want an init.
#include "udf/call.h"

enum { STATE_HEAD = 8 };

static void *state_of(uint8_t *group) {
    return group + STATE_HEAD;
}

// Makes the state where there is none yet.
static Status state_need(UdfCall *self, uint8_t *group, Error *err) {
    if (group[0]) return ST_OK;
    group[0] = 1;
    const weir_function_def *def = self->udf->def;
    return def->init ? udf_call_done(self, def->init(&self->call, state_of(group)), err) : ST_OK;
}

static const Udf *udf_of(const AggCall *call) {
    return udf_of_agg(call->func);
}

// ---- rows in -----------------------------------------------------------------------------------

static Status states_of_rows(UdfCall *self, const AggCall *call, const AggRows *in, void **state,
                             Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        state[row] = NULL;
        if (!agg_row_taken(in, row)) continue;
        uint8_t *group = agg_group(in, row) + call->offset;
        TRY(state_need(self, group, err));
        state[row] = state_of(group);
    }
    return ST_OK;
}

// Rows go in as runs that all add or all retract: within a group their order matters.
static Status feed(UdfCall *self, const AggCall *call, const AggRows *in, Error *err) {
    const weir_function_def *def = self->udf->def;
    void **state = ARENA_ARRAY(&self->scratch, void *, in->rows + 1);
    TRY(states_of_rows(self, call, in, state, err));
    udf_call_args(self, in->arg, call->argc);
    self->call.selected = in->mask;
    for (uint32_t from = 0, to; from < in->rows; from = to) {
        bool retracts = agg_row_retracts(in, from);
        to = from + 1;
        while (to < in->rows && agg_row_retracts(in, to) == retracts) to++;
        self->call.first = from;
        self->call.end = to;
        ASSERT(!retracts || def->retract);  // AGG_NO_RETRACT says so
        int answer = retracts ? def->retract(&self->call, state)
                              : def->accumulate(&self->call, state);
        TRY(udf_call_done(self, answer, err));
    }
    return ST_OK;
}

static Status user_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    (void)env;
    UdfCall self;
    udf_call_init(&self, udf_of(call));
    Status st = feed(&self, call, in, err);
    udf_call_close(&self);
    return st;
}

// ---- values out --------------------------------------------------------------------------------

static Status put_value(UdfCall *self, const uint8_t *group, uint32_t row, Error *err) {
    const weir_function_def *def = self->udf->def;
    if (group[0]) return udf_call_done(self, def->value(&self->call, group + STATE_HEAD, row), err);
    // The value of an empty group: of a state that is made for it.
    uint8_t *empty = arena_zalloc(&self->scratch, STATE_HEAD + def->state_size);
    TRY(state_need(self, empty, err));
    Status st = udf_call_done(self, def->value(&self->call, state_of(empty), row), err);
    if (def->clear) def->clear(&self->call, state_of(empty));
    return st;
}

static Status user_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                        uint32_t row, Error *err) {
    (void)env;
    UdfCall self;
    udf_call_init(&self, udf_of(call));
    udf_call_results(&self, &out, 1);
    Status st = put_value(&self, state, row, err);
    udf_call_close(&self);
    return st;
}

static Status user_emit_all(const AggCall *call, const uint8_t *const *group, uint32_t count,
                            AggEnv *env, Vec *out, Error *err) {
    (void)env;
    UdfCall self;
    Status st = ST_OK;
    udf_call_init(&self, udf_of(call));
    udf_call_results(&self, &out, 1);
    for (uint32_t i = 0; !st && i < count; i++) {
        st = put_value(&self, group[i] + call->offset, i, err);
    }
    udf_call_close(&self);
    return st;
}

// ---- states ------------------------------------------------------------------------------------

static Status user_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                         Error *err) {
    (void)env;
    if (!src[0]) return ST_OK;
    UdfCall self;
    udf_call_init(&self, udf_of(call));
    Status st = state_need(&self, dst, err);
    if (!st) {
        int answer = self.udf->def->merge(&self.call, state_of(dst), src + STATE_HEAD);
        st = udf_call_done(&self, answer, err);
    }
    udf_call_close(&self);
    return st;
}

static void user_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)env;
    const Udf *udf = udf_of(call);
    if (state[0] && udf->def->clear) {
        UdfCall self;
        udf_call_init(&self, udf);
        udf->def->clear(&self.call, state_of(state));
        udf_call_close(&self);
    }
    memset(state, 0, STATE_HEAD + udf->def->state_size);
}

static Status user_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                         uint32_t row, Error *err) {
    (void)env;
    const Udf *udf = udf_of(call);
    const uint8_t *bytes = state + STATE_HEAD;
    if (!state[0]) {
        vec_set_null(out, row);
        return ST_OK;
    }
    if (!udf->def->write) {
        vec_set_text(out, row, str_make((const char *)bytes, udf->def->state_size));
        return ST_OK;
    }
    UdfCall self;
    Buf written = {0};
    udf_call_init(&self, udf);
    self.written = &written;
    Status st = udf_call_done(&self, udf->def->write(&self.call, bytes), err);
    if (!st) vec_set_text(out, row, buf_str(&written));
    buf_free(&written);
    udf_call_close(&self);
    return st;
}

static Status user_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                        uint8_t *state, Error *err) {
    (void)env;
    const Udf *udf = udf_of(call);
    if (vec_is_null(in, row)) return ST_OK;
    Str bytes = vec_str(in)[row];
    if (!udf->def->read) {
        if (bytes.len != udf->def->state_size) {
            return error_set(err, ST_RUNTIME,
                             "function '" STR_FMT "': a stored state has %u bytes, not %u",
                             STR_ARG(udf->name), bytes.len, udf->def->state_size);
        }
        state[0] = 1;
        memcpy(state_of(state), bytes.ptr, bytes.len);
        return ST_OK;
    }
    UdfCall self;
    udf_call_init(&self, udf);
    Status st = state_need(&self, state, err);
    if (!st) {
        int answer = udf->def->read(&self.call, state_of(state), bytes.ptr, bytes.len);
        st = udf_call_done(&self, answer, err);
    }
    udf_call_close(&self);
    return st;
}

// ---- the row -----------------------------------------------------------------------------------

static Status user_bind(AggCall *call, Error *err) {
    const Udf *udf = udf_of(call);
    const weir_function_def *def = udf->def;
    for (uint32_t i = 0; i < call->argc; i++) {
        const Type *type = udf->in[i < udf->in_count ? i : udf->in_count - 1].type;
        if (!type) {
            if (call->arg[i]->kind == TYPE_NULL) call->arg[i] = type_of(TYPE_VARCHAR, true);
            if (udf->check_type) TRY(udf->check_type(call->arg[i], err));
            continue;
        }
        if (!type_equal_but_null(call->arg[i], type) &&
            !type_casts_implicitly(call->arg[i], type)) {
            Buf given = {0}, wanted = {0};
            type_print_summary(call->arg[i], false, &given);
            type_print_summary(type, false, &wanted);
            Status st = error_set(err, ST_VALIDATION,
                                  "function '" STR_FMT "': argument %u is a " STR_FMT
                                  ", it takes a " STR_FMT,
                                  STR_ARG(udf->name), i + 1, STR_ARG(buf_str(&given)),
                                  STR_ARG(buf_str(&wanted)));
            buf_free(&given);
            buf_free(&wanted);
            return st;
        }
        call->arg[i] = type;
    }
    AggImpl *impl = ARENA_NEW(call->arena, AggImpl);
    *impl = (AggImpl){
        .size = (STATE_HEAD + def->state_size + 7u) & ~7u,
        .align = 8,
        .flags = AGG_FOREIGN | (def->clear ? AGG_OWNS : 0),
        .update = user_update,
        .emit = user_emit,
        .emit_all = user_emit_all,
        .merge = def->merge ? user_merge : NULL,
        .clear = user_clear,
        .write = user_write,
        .read = user_read,
    };
    if (udf->agg_impl) {
        *impl = *udf->agg_impl;
        if (!def->merge) impl->merge = NULL;
    }
    if (call->merge && !def->merge) {
        (void)error_set(err, ST_VALIDATION, "function '" STR_FMT "' cannot merge groups",
                        STR_ARG(udf->name));
        error_hint(err, "sliding and session windows merge; give it a merge callback");
        return ST_VALIDATION;
    }
    call->impl = impl;
    call->result = udf->result;
    call->state_type = type_of(TYPE_VARBINARY, true);
    return ST_OK;
}

void udf_agg_row(Udf *udf) {
    const weir_function_def *def = udf->def;
    udf->agg = (AggFunc){
        .name = str_cstr(&udf->arena, udf->name),
        .argc_min = (uint8_t)(udf->in_count - udf->variadic - udf->optional),
        .argc_max = udf->variadic ? UDF_AGG_ARGS_MAX : (uint8_t)udf->in_count,
        .bind = user_bind,
        .doc = def->doc,
    };
    if (!def->retract) udf->agg.flags |= AGG_NO_RETRACT;
    if (!def->merge) udf->agg.flags |= AGG_NO_MERGE;
}
