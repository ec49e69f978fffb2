#include "udf/call.h"

// ---- layouts -----------------------------------------------------------------------------------

static const uint32_t LAYOUTS[] = {
    [PHYS_NONE] = WEIR_UINT8,  [PHYS_U8] = WEIR_UINT8,    [PHYS_I8] = WEIR_INT8,
    [PHYS_I16] = WEIR_INT16,   [PHYS_I32] = WEIR_INT32,   [PHYS_I64] = WEIR_INT64,
    [PHYS_F32] = WEIR_FLOAT32, [PHYS_F64] = WEIR_FLOAT64, [PHYS_I128] = WEIR_INT128,
    [PHYS_TS] = WEIR_MOMENT,   [PHYS_STR] = WEIR_TEXT,    [PHYS_LIST] = WEIR_LIST,
    [PHYS_ROW] = WEIR_ROW,
};

// The public structs are the inner ones by another name: columns are handed over as they lie.
_Static_assert(sizeof(weir_text) == sizeof(Str) &&
                   offsetof(weir_text, length) == offsetof(Str, len),
               "weir_text is a Str");
_Static_assert(sizeof(weir_moment) == sizeof(Timestamp) &&
                   offsetof(weir_moment, ns) == offsetof(Timestamp, ns),
               "weir_moment is a Timestamp");
_Static_assert(sizeof(weir_list) == sizeof(ListView) &&
                   offsetof(weir_list, count) == offsetof(ListView, count),
               "weir_list is a ListView");
_Static_assert((int)WEIR_DELETE == (int)ROW_DELETE, "changes are RowKinds");

static void view(Arena *arena, const Vec *vec, const char *name, weir_column *out) {
    uint32_t children = vec->type->child_count;
    weir_column *child = children ? ARENA_ARRAY(arena, weir_column, children) : NULL;
    for (uint32_t i = 0; i < children; i++) {
        const char *field = vec->phys == PHYS_ROW ? str_cstr(arena, vec->type->field[i]) : NULL;
        view(arena, vec->child[i], field, &child[i]);
    }
    *out = (weir_column){.layout = LAYOUTS[vec->phys],
                         .rows = vec->len,
                         .valid = vec->valid,
                         .values = vec->data,
                         .child = child,
                         .child_count = children,
                         .name = name};
}

const weir_column *udf_columns(Arena *arena, const Vec *const *vec, const Type *row,
                               uint32_t count) {
    weir_column *out = ARENA_ARRAY(arena, weir_column, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        view(arena, vec[i], row ? str_cstr(arena, row->field[i]) : NULL, &out[i]);
    }
    return out;
}

void udf_call_args(UdfCall *call, const Vec *const *arg, uint32_t argc) {
    call->arg = arg;
    call->call.args = udf_columns(&call->scratch, arg, NULL, argc);
    call->call.argc = argc;
}

// ---- results -----------------------------------------------------------------------------------

static void result_view(UdfCall *call, Vec *vec, weir_result *out) {
    uint32_t children = vec->type->child_count;
    if (!out->child && children) out->child = ARENA_ARRAY(&call->scratch, weir_result, children);
    for (uint32_t i = 0; i < children; i++) result_view(call, vec->child[i], &out->child[i]);
    out->layout = LAYOUTS[vec->phys];
    out->values = vec->data;
    out->child_count = children;
    out->call = &call->call;
    out->handle = vec;
}

void udf_call_results(UdfCall *call, Vec *const *out, uint32_t count) {
    call->call.result = ARENA_ARRAY(&call->scratch, weir_result, count + 1);
    call->call.result_count = count;
    for (uint32_t i = 0; i < count; i++) result_view(call, out[i], &call->call.result[i]);
}

void udf_results_moved(UdfCall *call) {
    for (uint32_t i = 0; i < call->call.result_count; i++) {
        result_view(call, call->call.result[i].handle, &call->call.result[i]);
    }
}

// ---- what a function asks of us ----------------------------------------------------------------

static UdfCall *call_of(weir_call *call) {
    return (UdfCall *)call;
}

static int host_fail(weir_call *call, const char *text) {
    UdfCall *self = call_of(call);
    // The first fault is the cause of the others.
    if (!self->failed) {
        self->error.hint[0] = 0;
        (void)error_set(&self->error, ST_RUNTIME, "%s", text);
    }
    self->failed = true;
    return 1;
}

static int host_failed(weir_call *call, const Error *err) {
    UdfCall *self = call_of(call);
    if (!self->failed) self->error = *err;
    self->failed = true;
    return 1;
}

static void *host_alloc(weir_call *call, size_t size) {
    return arena_alloc(&call_of(call)->scratch, size ? size : 1);
}

static int host_set_null(weir_result *result, uint32_t row) {
    Vec *vec = result->handle;
    if (!vec->type->nullable) return host_fail(result->call, "it gave NULL for a NOT NULL result");
    vec_set_null(vec, row);
    return 0;
}

static int host_set_text(weir_result *result, uint32_t row, const char *bytes, size_t length) {
    Vec *vec = result->handle;
    if (vec->phys != PHYS_STR) return host_fail(result->call, "its result is no text");
    if (length > TYPE_LENGTH_MAX) return host_fail(result->call, "its text is above 2 GiB");
    Str text = str_make(bytes, length);
    if (type_is_text(vec->type)) {
        if (!utf8_valid(text)) return host_fail(result->call, "it gave text that is not UTF-8");
        if (utf8_count(text) > (uint32_t)vec->type->length) {
            return host_fail(result->call, "its text is longer than the declared type");
        }
    }
    vec_set_text(vec, row, text);
    return 0;
}

static int host_set_list(weir_result *result, uint32_t row, uint32_t count, uint32_t *first) {
    enum { LIST_MAX = 1 << 24 };  // elements of one value
    Vec *vec = result->handle;
    if (vec->phys != PHYS_LIST) return host_fail(result->call, "its result is no list");
    if (count > LIST_MAX) return host_fail(result->call, "its list is above 16 million elements");
    *first = vec_list_begin(vec, row, count);
    // The children have moved.
    for (uint32_t i = 0; i < result->child_count; i++) {
        result_view(call_of(result->call), result->child[i].handle, &result->child[i]);
    }
    return 0;
}

static int host_put(weir_call *call, const void *bytes, size_t size) {
    UdfCall *self = call_of(call);
    if (!self->written) return host_fail(call, "weir_put belongs into write");
    buf_put(self->written, bytes, size);
    return 0;
}

static int host_emit(weir_call *call, uint32_t from, int change, uint32_t *row) {
    UdfCall *self = call_of(call);
    Error err;
    if (!self->services) return host_fail(call, "weir_emit is for table functions");
    if (change < WEIR_INSERT || change > WEIR_DELETE) return host_fail(call, "no such change");
    if (change != WEIR_INSERT && !(self->udf->def->flags & WEIR_GIVES_UPDATES)) {
        return host_fail(call, "it gives updates, which WEIR_GIVES_UPDATES would declare");
    }
    if (self->services->emit(self, from, (uint8_t)change, row, &err)) {
        return host_failed(call, &err);
    }
    return 0;
}

// Whether the function may use entry [entry] so.
static bool state_fits(weir_call *call, uint32_t entry, bool value) {
    const UdfCall *self = call_of(call);
    const weir_function_def *def = self->udf->def;
    if (!self->services || !self->services->state || entry >= def->state_count) {
        (void)host_fail(call, "it has no such state");
        return false;
    }
    if ((def->state[entry].kind == WEIR_STATE_VALUE) == value) return true;
    (void)host_fail(call, "it uses an entry of its state as what it is not");
    return false;
}

static void *host_state(weir_call *call, uint32_t entry, uint32_t row) {
    if (!state_fits(call, entry, true)) {
        // Somewhere to write to, until the failure is seen.
        enum { SPARE = 4096 };
        return arena_zalloc(&call_of(call)->scratch, SPARE);
    }
    return call_of(call)->services->state(call_of(call), entry, row);
}

static int host_state_get(weir_call *call, uint32_t entry, uint32_t row, const void *key,
                          size_t key_size, weir_text *out) {
    UdfCall *self = call_of(call);
    Str value;
    if (!state_fits(call, entry, false)) return 0;
    if (!self->services->state_get(self, entry, row, str_make(key, key_size), &value)) return 0;
    *out = (weir_text){value.ptr, value.len};
    return 1;
}

static int host_state_put(weir_call *call, uint32_t entry, uint32_t row, const void *key,
                          size_t key_size, const void *bytes, size_t size) {
    UdfCall *self = call_of(call);
    Error err;
    if (!state_fits(call, entry, false)) return 1;
    if (size > TYPE_LENGTH_MAX || key_size > TYPE_LENGTH_MAX) {
        return host_fail(call, "a value of its state is above 2 GiB");
    }
    if (self->services->state_put(self, entry, row, str_make(key, key_size), str_make(bytes, size),
                                  bytes == NULL, &err)) {
        return host_failed(call, &err);
    }
    return 0;
}

static int host_state_next(weir_call *call, uint32_t entry, uint32_t row, uint64_t *cursor,
                           weir_text *key, weir_text *out) {
    UdfCall *self = call_of(call);
    Str name, value;
    if (!state_fits(call, entry, false)) return 0;
    if (!self->services->state_next(self, entry, row, cursor, &name, &value)) return 0;
    if (key) *key = (weir_text){name.ptr, name.len};
    *out = (weir_text){value.ptr, value.len};
    return 1;
}

static int host_state_clear(weir_call *call, uint32_t entry, uint32_t row) {
    UdfCall *self = call_of(call);
    if (!self->services || !self->services->state_clear) {
        return host_fail(call, "it has no state");
    }
    if (entry != WEIR_ALL && entry >= self->udf->def->state_count) {
        return host_fail(call, "it has no such state");
    }
    self->services->state_clear(self, entry, row);
    return 0;
}

static int host_timer(weir_call *call, uint32_t row, const char *name, int64_t ms) {
    UdfCall *self = call_of(call);
    Error err;
    if (!self->services || !self->services->timer || !self->udf->def->on_timer) {
        return host_fail(call, "it sets a timer, and has no on_timer");
    }
    if (self->services->timer(self, row, name, ms, &err)) return host_failed(call, &err);
    return 0;
}

static int host_timer_clear(weir_call *call, uint32_t row, const char *name, int64_t ms) {
    UdfCall *self = call_of(call);
    if (self->services && self->services->timer_clear) {
        self->services->timer_clear(self, row, name, ms);
    }
    return 0;
}

static const weir_host HOST = {
    .abi = WEIR_FUNCTION_ABI,
    .size = sizeof(weir_host),
    .error = host_fail,
    .alloc = host_alloc,
    .set_null = host_set_null,
    .set_text = host_set_text,
    .set_list = host_set_list,
    .emit = host_emit,
    .put = host_put,
    .state = host_state,
    .state_get = host_state_get,
    .state_put = host_state_put,
    .state_next = host_state_next,
    .state_clear = host_state_clear,
    .timer = host_timer,
    .timer_clear = host_timer_clear,
};

// ---- the call ----------------------------------------------------------------------------------

void udf_call_init(UdfCall *call, const Udf *udf) {
    *call = (UdfCall){.udf = udf};
    call->call.host = &HOST;
    call->call.arg = udf->arg;
    call->call.watermark_ms = INT64_MIN;
    arena_init(&call->scratch);
}

Status udf_call_open(UdfCall *call, Error *err) {
    call->opened = true;
    if (!call->udf->def->open) return ST_OK;
    return udf_call_done(call, call->udf->def->open(&call->call), err);
}

void udf_call_close(UdfCall *call) {
    if (call->opened && call->udf->def->close) call->udf->def->close(&call->call);
    call->opened = false;
    arena_clear(&call->scratch);
}

void udf_call_reset(UdfCall *call) {
    arena_reset(&call->scratch);
    call->call.args = NULL;
    call->call.result = NULL;
    call->call.argc = call->call.result_count = 0;
}

Status udf_call_done(UdfCall *call, int answer, Error *err) {
    if (!answer && !call->failed) return ST_OK;
    bool told = call->failed && call->error.message[0];
    call->failed = false;
    Status st = error_set(err, told ? call->error.status : ST_RUNTIME,
                          "function '" STR_FMT "' failed%s%s", STR_ARG(call->udf->name),
                          told ? ": " : "", told ? call->error.message : "");
    if (told && call->error.hint[0]) error_hint(err, "%s", call->error.hint);
    return st;
}
