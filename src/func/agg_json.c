// JSON_ARRAYAGG, JSON_OBJECTAGG. Values become JSON texts on their way in, by the function
// JSON_STRING, as Flink's planner wraps them; values that are JSON already (call->raw_json) do not.
#include <stdlib.h>

#include "base/json.h"
#include "func/agg_int.h"

typedef struct JsonBound {
    FuncCall string;  // JSON_STRING of the value
    bool raw;
} JsonBound;

// The values as JSON texts; a NULL stays NULL.
static Status json_texts(const AggCall *call, const AggRows *in, uint32_t arg, AggEnv *env,
                         const Vec **texts, Error *err) {
    const JsonBound *bound = call->bound;
    *texts = in->arg[arg];
    if (bound->raw) return ST_OK;
    Vec *out = vec_new(env->scratch, type_of(TYPE_VARCHAR, true), in->rows);
    if (in->arg[arg]->valid && bound->string.func->nulls == NULLS_STRICT) {
        vec_need_valid(out);
        memcpy(out->valid, in->arg[arg]->valid, BITS_WORDS(in->rows) * sizeof *out->valid);
    }
    const bool constant = false;
    KernelArgs args = {.rows = in->rows, .argc = 1, .arg = &in->arg[arg], .constant = &constant,
                       .valid = in->arg[arg]->valid, .call = &bound->string,
                       .scratch = env->scratch, .env = env->func};
    *texts = out;
    return bound->string.kernel(&args, out, err);
}

static Status json_bind_value(AggCall *call, uint32_t arg, Error *err) {
    JsonBound *bound = ARENA_NEW(call->arena, JsonBound);
    bound->raw = call->raw_json >> arg & 1;
    call->bound = bound;
    if (bound->raw) return ST_OK;
    uint32_t count;
    const ScalarFunc *const *func = func_find(STR("JSON_STRING"), &count);
    if (!count) return error_set(err, ST_UNSUPPORTED, "JSON_STRING is missing");
    const Type **type = ARENA_ARRAY(call->arena, const Type *, 1);
    const Vec **literal = ARENA_ARRAY(call->arena, const Vec *, 1);
    type[0] = call->arg[arg];
    bound->string = (FuncCall){.arena = call->arena, .argc = 1, .arg = type, .literal = literal,
                               .env = call->env};
    TRY(func_bind(&bound->string, func[0], err));
    call->arg[arg] = type[0];
    return ST_OK;
}

static const Type *json_result(AggCall *call) {
    enum { CALCITES_JSON_LENGTH = 2000 };
    return type_varchar(call->arena, CALCITES_JSON_LENGTH, false);
}

// ---- JSON_ARRAYAGG ------------------------------------------------------------------------------

static Status json_array_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const Vec *texts;
    TRY(json_texts(call, in, 0, env, &texts, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_row_taken(in, row)) continue;
        bool null = vec_is_null(texts, row);
        if (null && call->absent_on_null) continue;
        Str text = null ? STR("null") : vec_str(texts)[row];
        ValueList *list = (ValueList *)agg_state(call, in, row);
        if (agg_row_retracts(in, row)) {
            (void)list_remove(list, text);
        } else {
            TRY(list_add(list, text, env, err));
        }
    }
    return ST_OK;
}

static Status json_array_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                              uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const ValueList *list = (const ValueList *)state;
    char *text = vec_text_room(out, list->size + 2), *end = text;
    Str value;
    *end++ = '[';
    for (uint32_t at = 0; list_next(list, &at, &value);) {
        if (end > text + 1) *end++ = ',';
        memcpy(end, value.ptr, value.len);
        end += value.len;
    }
    *end++ = ']';
    vec_str(out)[row] = str_make(text, (size_t)(end - text));
    return ST_OK;
}

static void json_array_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    list_free((ValueList *)state, env);
}

// The texts are kept bare, without the codec's head: written one by one.
static Status json_array_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                               uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const ValueList *list = (const ValueList *)state;
    uint32_t to = vec_list_begin(out, row, list->count);
    Str value;
    for (uint32_t at = 0; list_next(list, &at, &value);) vec_set_text(out->child[0], to++, value);
    return ST_OK;
}

static Status json_array_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                              uint8_t *state, Error *err) {
    (void)call;
    ListView view = vec_list(in)[row];
    for (uint32_t i = 0; i < view.count; i++) {
        TRY(list_add((ValueList *)state, vec_str(in->child[0])[view.offset + i], env, err));
    }
    return ST_OK;
}

static const AggImpl JSON_ARRAY_IMPL = {
    .size = sizeof(ValueList), .align = 8, .flags = AGG_OWNS, .update = json_array_update,
    .emit = json_array_emit, .clear = json_array_clear, .write = json_array_write,
    .read = json_array_read,
};

static Status json_arrayagg_bind(AggCall *call, Error *err) {
    if (call->merge) {
        return error_set(err, ST_VALIDATION,
                         "JSON_ARRAYAGG cannot be merged: it is not supported in this window");
    }
    TRY(json_bind_value(call, 0, err));
    call->result = json_result(call);
    call->state_type = type_array(call->arena, type_of(TYPE_VARCHAR, false), false);
    call->impl = &JSON_ARRAY_IMPL;
    return ST_OK;
}

// ---- JSON_OBJECTAGG -----------------------------------------------------------------------------

// Keys are entries, the JSON text of the value is the entry's extra (empty for null). [early] holds
// what was retracted before it came, and matters to merges only.
typedef struct JsonObject {
    ValueMap map, early;
} JsonObject;

static Status json_object_put(JsonObject *object, Str key, Str value, AggEnv *env, Error *err) {
    if (value_map_find(&object->map, key)) {
        return error_set(err, ST_RUNTIME,
                         "Key '" STR_FMT "' is already present. Duplicate keys are not allowed in "
                         "JSON_OBJECTAGG. Please ensure that keys are unique.", STR_ARG(key));
    }
    return value_map_add(&object->map, key, value, 1, NULL, env, err);
}

static Status json_object_take(JsonObject *object, Str key, Str value, AggEnv *env, Error *err) {
    const ValueEntry *entry = value_map_find(&object->map, key);
    if (entry && str_eq(entry_extra(entry), value)) {
        return value_map_add(&object->map, key, (Str){0}, -1, NULL, env, err);
    }
    if (value_map_find(&object->early, key)) return ST_OK;
    return value_map_add(&object->early, key, value, 1, NULL, env, err);
}

static Status json_object_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const Vec *texts;
    TRY(json_texts(call, in, 1, env, &texts, err));
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_row_taken(in, row)) continue;
        if (vec_is_null(in->arg[0], row)) {
            return error_set(err, ST_RUNTIME, "JSON_OBJECTAGG: a key is NULL");
        }
        JsonObject *object = (JsonObject *)agg_state(call, in, row);
        Str key = vec_str(in->arg[0])[row];
        bool null = vec_is_null(texts, row), absent = null && call->absent_on_null;
        Str value = null ? (Str){0} : vec_str(texts)[row];
        if (agg_row_retracts(in, row)) {
            if (!absent) TRY(json_object_take(object, key, value, env, err));
        } else if (!absent) {
            TRY(json_object_put(object, key, value, env, err));
        } else if (value_map_find(&object->map, key)) {
            TRY(json_object_put(object, key, value, env, err));  // fails, naming the key
        }
    }
    return ST_OK;
}

static Status json_object_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                                Error *err) {
    (void)call;
    JsonObject *to = (JsonObject *)dst;
    const JsonObject *from = (const JsonObject *)src;
    const ValueEntry *entry;
    for (uint32_t i = 0; (entry = value_map_next(&from->early, &i));) {
        TRY(json_object_take(to, entry_key(entry), entry_extra(entry), env, err));
    }
    for (uint32_t i = 0; (entry = value_map_next(&from->map, &i));) {
        const ValueEntry *early = value_map_find(&to->early, entry_key(entry));
        if (early && str_eq(entry_extra(early), entry_extra(entry))) {
            TRY(value_map_add(&to->early, entry_key(entry), (Str){0}, -1, NULL, env, err));
        } else {
            TRY(json_object_put(to, entry_key(entry), entry_extra(entry), env, err));
        }
    }
    return ST_OK;
}

static int key_order(const void *a, const void *b) {
    return str_cmp_utf16(entry_key(*(const ValueEntry *const *)a),
                         entry_key(*(const ValueEntry *const *)b));
}

static Status json_object_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                               uint32_t row, Error *err) {
    (void)call, (void)err;
    const ValueMap *map = &((const JsonObject *)state)->map;
    const ValueEntry **entry = ARENA_ARRAY(env->scratch, const ValueEntry *, map->live + 1);
    for (uint32_t i = 0, n = 0; n < map->live;) entry[n++] = value_map_next(map, &i);
    qsort(entry, map->live, sizeof *entry, key_order);
    Buf text = {0};
    buf_putc(&text, '{');
    for (uint32_t i = 0; i < map->live; i++) {
        if (i) buf_putc(&text, ',');
        json_print_text(entry_key(entry[i]), 0, &text);
        buf_putc(&text, ':');
        Str value = entry_extra(entry[i]);
        buf_put_str(&text, value.len ? value : STR("null"));
    }
    buf_putc(&text, '}');
    vec_set_text(out, row, buf_str(&text));
    buf_free(&text);
    return ST_OK;
}

static void json_object_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    value_map_free(&((JsonObject *)state)->map, env);
    value_map_free(&((JsonObject *)state)->early, env);
}

// Both maps in one list of ROW<key, value, early>.
static Status json_object_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                                uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const JsonObject *object = (const JsonObject *)state;
    uint32_t to = vec_list_begin(out, row, object->map.live + object->early.live);
    Vec *const *field = out->child[0]->child;
    for (int early = 0; early < 2; early++) {
        const ValueMap *map = early ? &object->early : &object->map;
        uint32_t i = 0;
        for (const ValueEntry *entry; (entry = value_map_next(map, &i)); to++) {
            vec_set_text(field[0], to, entry_key(entry));
            vec_set_text(field[1], to, entry_extra(entry));
            vec_u8(field[2])[to] = (uint8_t)early;
        }
    }
    return ST_OK;
}

static Status json_object_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                               uint8_t *state, Error *err) {
    (void)call;
    JsonObject *object = (JsonObject *)state;
    ListView view = vec_list(in)[row];
    Vec *const *field = in->child[0]->child;
    for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
        ValueMap *map = vec_u8(field[2])[i] ? &object->early : &object->map;
        TRY(value_map_add(map, vec_str(field[0])[i], vec_str(field[1])[i], 1, NULL, env, err));
    }
    return ST_OK;
}

static const AggImpl JSON_OBJECT_IMPL = {
    .size = sizeof(JsonObject), .align = 8, .flags = AGG_OWNS, .update = json_object_update,
    .merge = json_object_merge, .emit = json_object_emit, .clear = json_object_clear,
    .write = json_object_write, .read = json_object_read,
};

static Status json_objectagg_bind(AggCall *call, Error *err) {
    TRY(json_bind_value(call, 1, err));
    const Type *text = type_of(TYPE_VARCHAR, false);
    const Type *entry = agg_state_row(call->arena, "key", text, "value", text, "early",
                                      type_of(TYPE_BOOLEAN, false), NULL);
    call->result = json_result(call);
    call->state_type = type_array(call->arena, entry, false);
    call->impl = &JSON_OBJECT_IMPL;
    return ST_OK;
}

static const AggFunc JSON_AGGS[] = {
    {.name = "JSON_ARRAYAGG", .args = {ARG_ANY}, .bind = json_arrayagg_bind,
     .flags = AGG_NO_MERGE,
     .doc = "The values as a JSON array; NULLs are left out (ABSENT ON NULL, the default) or "
            "become null (NULL ON NULL)."},
    {.name = "JSON_OBJECTAGG", .args = {ARG_STRING, ARG_ANY}, .bind = json_objectagg_bind,
     .doc = "Keys and values as a JSON object. Keys must be unique. A NULL becomes null (NULL ON "
            "NULL, the default) or is left out (ABSENT ON NULL)."},
};
const AggTable JSON_AGG_TABLE = AGG_TABLE("Aggregate functions", JSON_AGGS);
