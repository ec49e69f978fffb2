// LISTAGG, ARRAY_AGG, COLLECT: aggregates that hand on all their values.
#include "col/codec.h"
#include "func/agg_int.h"

// ---- values that can be taken back --------------------------------------------------------------

// [early] holds retractions of values that have not come: they cancel out when states are merged
// (the first half of a two-phase aggregation sees a retraction before its insert).
typedef struct Values {
    ValueList list, early;
} Values;

static Status values_update(const AggCall *call, const AggRows *in, AggEnv *env, bool nulls,
                            Error *err) {
    const Vec *arg = in->arg[0];
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (!agg_row_taken(in, row) || (!nulls && vec_is_null(arg, row))) continue;
        Values *values = (Values *)agg_state(call, in, row);
        bytes.len = 0;
        codec_put_key(arg, row, &bytes);
        if (!agg_row_retracts(in, row)) {
            st = list_add(&values->list, buf_str(&bytes), env, err);
        } else if (!list_remove(&values->list, buf_str(&bytes))) {
            st = list_add(&values->early, buf_str(&bytes), env, err);
        }
    }
    buf_free(&bytes);
    return st;
}

static Status values_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                           Error *err) {
    (void)call;
    Values *to = (Values *)dst;
    const Values *from = (const Values *)src;
    Str value;
    for (uint32_t at = 0; list_next(&from->list, &at, &value);) {
        TRY(list_add(&to->list, value, env, err));
    }
    for (uint32_t at = 0; list_next(&from->early, &at, &value);) {
        TRY(list_add(&to->early, value, env, err));
    }
    if (!to->early.count) return ST_OK;
    ValueList kept = {0};
    for (uint32_t at = 0; list_next(&to->early, &at, &value);) {
        if (!list_remove(&to->list, value)) TRY(list_add(&kept, value, env, err));
    }
    list_free(&to->early, env);
    to->early = kept;
    return ST_OK;
}

static void values_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    list_free(&((Values *)state)->list, env);
    list_free(&((Values *)state)->early, env);
}

static Status values_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    store_write_list(&((const Values *)state)->list, out->child[0], row);
    store_write_list(&((const Values *)state)->early, out->child[1], row);
    return ST_OK;
}

static Status values_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                          uint8_t *state, Error *err) {
    (void)call;
    TRY(store_read_list(&((Values *)state)->list, in->child[0], row, env, err));
    return store_read_list(&((Values *)state)->early, in->child[1], row, env, err);
}

static const Type *values_type(AggCall *call, const Type *element) {
    const Type *list = type_array(call->arena, element, false);
    return agg_state_row(call->arena, "values", list, "retracted_early", list, NULL);
}

// ---- ARRAY_AGG ----------------------------------------------------------------------------------

static Status array_agg_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    return values_update(call, in, env, !call->ignore_nulls, err);
}

static Status array_agg_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                             uint32_t row, Error *err) {
    (void)env, (void)err;
    const Values *values = (const Values *)state;
    if (values->list.count) {
        store_write_list(&values->list, out, row);
    } else {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static const AggImpl ARRAY_AGG_IMPL = {
    .size = sizeof(Values), .align = 8, .flags = AGG_OWNS | AGG_NEW_ARRAY,
    .update = array_agg_update, .merge = values_merge, .emit = array_agg_emit,
    .clear = values_clear, .write = values_write, .read = values_read,
};

static Status array_agg_bind(AggCall *call, Error *err) {
    (void)err;
    const Type *element = type_attribute(call->arena, call->arg[0], TIME_NONE);
    call->result = type_array(call->arena, element, element->nullable);
    call->state_type = values_type(call, element);
    call->impl = &ARRAY_AGG_IMPL;
    return ST_OK;
}

// ---- LISTAGG ------------------------------------------------------------------------------------

typedef struct Text {
    char *ptr;  // owned; NULL: no value yet
    uint32_t len, cap;
} Text;

static Status text_append(Text *text, Str part, AggEnv *env, Error *err) {
    uint64_t need = (uint64_t)text->len + part.len;
    if (need > text->cap || !text->ptr) {
        uint64_t cap = (uint64_t)text->cap * 2 > need ? (uint64_t)text->cap * 2 : need + 16;
        if (cap > INT32_MAX) return error_set(err, ST_RUNTIME, "LISTAGG: text exceeds 2 GiB");
        TRY(store_resize(env, &text->ptr, text->cap, cap, err));
        text->cap = (uint32_t)cap;
    }
    if (part.len) memcpy(text->ptr + text->len, part.ptr, part.len);
    text->len = (uint32_t)need;
    return ST_OK;
}

static Status text_join(const AggCall *call, Text *text, Str part, AggEnv *env, Error *err) {
    if (text->ptr) TRY(text_append(text, *(const Str *)call->bound, env, err));
    return text_append(text, part, env, err);
}

static Status listagg_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        Text *text = (Text *)agg_state(call, in, row);
        TRY(text_join(call, text, vec_str(in->arg[0])[row], env, err));
    }
    return ST_OK;
}

static Status listagg_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                            Error *err) {
    const Text *from = (const Text *)src;
    if (!from->ptr) return ST_OK;
    return text_join(call, (Text *)dst, str_make(from->ptr, from->len), env, err);
}

static Status listagg_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const Text *text = (const Text *)state;
    if (text->ptr) {
        vec_set_text(out, row, str_make(text->ptr, text->len));
    } else {
        vec_set_null(out, row);
    }
    return ST_OK;
}

static void listagg_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    store_free(env, ((Text *)state)->ptr, ((Text *)state)->cap);
}

static Status listagg_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                           uint8_t *state, Error *err) {
    (void)call;
    return vec_is_null(in, row) ? ST_OK
                                : text_append((Text *)state, vec_str(in)[row], env, err);
}

static const AggImpl LISTAGG_IMPL = {
    .size = sizeof(Text), .align = 8, .flags = AGG_OWNS, .update = listagg_update,
    .merge = listagg_merge, .emit = listagg_emit, .clear = listagg_clear, .write = listagg_emit,
    .read = listagg_read,
};

static Status listagg_values_update(const AggCall *call, const AggRows *in, AggEnv *env,
                                    Error *err) {
    return values_update(call, in, env, false, err);
}

static Status listagg_values_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                                  uint32_t row, Error *err) {
    (void)env, (void)err;
    const ValueList *list = &((const Values *)state)->list;
    if (!list->count) {
        vec_set_null(out, row);
        return ST_OK;
    }
    Str separator = *(const Str *)call->bound, value;
    char *text = vec_text_room(out, list->size + (size_t)list->count * separator.len);
    uint32_t len = 0;
    bool first = true;
    for (uint32_t at = 0; list_next(list, &at, &value); first = false) {
        if (!first && separator.len) memcpy(text + len, separator.ptr, separator.len);
        len += first ? 0 : separator.len;
        Str one = codec_text(value);
        if (one.len) memcpy(text + len, one.ptr, one.len);
        len += one.len;
    }
    vec_str(out)[row] = str_make(text, len);
    return ST_OK;
}

static const AggImpl LISTAGG_VALUES_IMPL = {
    .size = sizeof(Values), .align = 8, .flags = AGG_OWNS, .update = listagg_values_update,
    .merge = values_merge, .emit = listagg_values_emit, .clear = values_clear,
    .write = values_write, .read = values_read,
};

// The result has the type of the argument, even CHAR(2) for a longer text: so it is in Flink.
static Status listagg_bind(AggCall *call, Error *err) {
    const Type *arg = call->arg[0];
    Str *separator = ARENA_NEW(call->arena, Str);
    *separator = STR(",");
    if (call->argc > 1) {
        if (!call->literal || !call->literal[1]) {
            return error_set(err, ST_VALIDATION,
                             "Argument to function 'LISTAGG' must be a literal");
        }
        if (vec_is_null(call->literal[1], 0)) {
            return error_set(err, ST_VALIDATION, "Argument to function 'LISTAGG' must not be NULL");
        }
        *separator = vec_str(call->literal[1])[0];
    }
    call->bound = separator;
    call->result = arg;
    call->impl = call->retract ? &LISTAGG_VALUES_IMPL : &LISTAGG_IMPL;
    call->state_type = call->retract
                           ? values_type(call, type_nullable(call->arena, arg, false))
                           : type_of(TYPE_VARCHAR, true);
    return ST_OK;
}

// ---- COLLECT ------------------------------------------------------------------------------------

static Status collect_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    Buf key = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        key.len = 0;
        codec_put_key(in->arg[0], row, &key);
        st = value_map_add((ValueMap *)agg_state(call, in, row), buf_str(&key), (Str){0},
                           agg_sign(in, row), NULL, env, err);
    }
    buf_free(&key);
    return st;
}

static Status collect_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                            Error *err) {
    (void)call;
    uint32_t i = 0;
    for (const ValueEntry *entry; (entry = value_map_next((const ValueMap *)src, &i));) {
        TRY(value_map_add((ValueMap *)dst, entry_key(entry), (Str){0}, entry->count, NULL, env,
                          err));
    }
    return ST_OK;
}

static Status collect_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const ValueMap *map = (const ValueMap *)state;
    uint32_t at = vec_list_begin(out, row, map->live), i = 0;
    for (const ValueEntry *entry; (entry = value_map_next(map, &i)); at++) {
        (void)codec_get(entry_key(entry).ptr, out->child[0], at);
        vec_i32(out->child[1])[at] = (int32_t)entry->count;
    }
    return ST_OK;
}

static void collect_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    value_map_free((ValueMap *)state, env);
}

static Status collect_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    store_write_map((const ValueMap *)state, out, row);
    return ST_OK;
}

static Status collect_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                           uint8_t *state, Error *err) {
    (void)call;
    return store_read_map((ValueMap *)state, in, row, env, err);
}

static const AggImpl COLLECT_IMPL = {
    .size = sizeof(ValueMap), .align = 8, .flags = AGG_OWNS, .update = collect_update,
    .merge = collect_merge, .emit = collect_emit, .clear = collect_clear, .write = collect_write,
    .read = collect_read,
};

static Status collect_bind(AggCall *call, Error *err) {
    (void)err;
    const Type *element = type_attribute(call->arena, call->arg[0], TIME_NONE);
    call->result = type_multiset(call->arena, element, false);
    call->state_type = store_counts_type(call->arena, element);
    call->impl = &COLLECT_IMPL;
    return ST_OK;
}

static const AggFunc LIST_AGGS[] = {
    {.name = "ARRAY_AGG", .args = {ARG_ANY}, .bind = array_agg_bind,
     .doc = "All values as an array in the order of arrival, NULLs among them unless IGNORE NULLS "
            "is said; NULL for no values."},
    {.name = "COLLECT", .args = {ARG_ANY}, .bind = collect_bind,
     .doc = "All values that are not NULL as a multiset."},
    {.name = "LISTAGG", .args = {ARG_STRING, ARG_STRING}, .argc_min = 1, .argc_max = 2,
     .bind = listagg_bind,
     .doc = "The texts that are not NULL, joined with the separator (default ',')."},
};
const AggTable LIST_AGG_TABLE = AGG_TABLE("Aggregate functions", LIST_AGGS);
