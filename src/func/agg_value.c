// FIRST_VALUE, LAST_VALUE, SINGLE_VALUE, LAG: aggregates that hand on one of their values, of any
// type. Order is the order of arrival.
#include <inttypes.h>

#include "col/codec.h"
#include "func/agg_int.h"

// ---- one value of any type ----------------------------------------------------------------------

enum { HELD_INLINE = 16 };

// Fixed layouts lie in the state as they lie in the column, others outside as bytes of the codec.
typedef struct Held {
    union {
        char in[HELD_INLINE];
        char *out;  // owned, [cap] bytes
    } bytes;
    uint32_t len, cap;
    uint8_t has;    // something is held ...
    uint8_t null;   // ... and it is NULL
} Held;

static bool held_inline(Phys phys) {
    return phys != PHYS_STR && phys != PHYS_LIST && phys != PHYS_ROW && phys != PHYS_NONE;
}

static Status held_set(Held *held, const Vec *vec, uint32_t row, AggEnv *env, Error *err) {
    bool null = vec_is_null(vec, row);
    if (!null && held_inline(vec->phys)) {
        uint32_t size = phys_size(vec->phys);
        memcpy(held->bytes.in, (const char *)vec->data + (size_t)row * size, size);
    } else if (!null) {
        Buf bytes = {0};
        codec_put(vec, row, &bytes);
        Status st = bytes.len > INT32_MAX ? error_set(err, ST_RUNTIME, "a value exceeds 2 GiB")
                                          : ST_OK;
        if (!st && bytes.len > held->cap) {
            st = store_resize(env, &held->bytes.out, held->cap, bytes.len, err);
            if (!st) held->cap = (uint32_t)bytes.len;
        }
        if (!st) memcpy(held->bytes.out, bytes.ptr, bytes.len);
        held->len = (uint32_t)bytes.len;
        buf_free(&bytes);
        if (st) return st;
    }
    held->has = 1;
    held->null = null;
    return ST_OK;
}

// Writes what is held; false when nothing or NULL is.
static bool held_get(const Held *held, Vec *out, uint32_t row) {
    if (!held->has || held->null) return false;
    if (held_inline(out->phys)) {
        uint32_t size = phys_size(out->phys);
        memcpy((char *)out->data + (size_t)row * size, held->bytes.in, size);
    } else {
        (void)codec_get(held->bytes.out, out, row);
    }
    return true;
}

static void held_free(Held *held, AggEnv *env) {
    if (held->cap) store_free(env, held->bytes.out, held->cap);
    *held = (Held){0};
}

// ---- FIRST_VALUE, LAST_VALUE over inserts -------------------------------------------------------

static Status first_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        Held *held = (Held *)agg_state(call, in, row);
        if (!held->has) TRY(held_set(held, in->arg[0], row, env, err));
    }
    return ST_OK;
}

static Status last_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        TRY(held_set((Held *)agg_state(call, in, row), in->arg[0], row, env, err));
    }
    return ST_OK;
}

static Status held_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                        uint32_t row, Error *err) {
    (void)env, (void)err;
    if (!held_get((const Held *)state, out, row)) agg_emit_null(call->result, out, row);
    return ST_OK;
}

static void held_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    held_free((Held *)state, env);
}

static Status held_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                         uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    if (!held_get((const Held *)state, out, row)) vec_set_null(out, row);
    return ST_OK;
}

static Status held_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                        uint8_t *state, Error *err) {
    (void)call;
    return vec_is_null(in, row) ? ST_OK : held_set((Held *)state, in, row, env, err);
}

#define HELD_IMPL(update_)                                                                       \
    {.size = sizeof(Held), .align = 8, .flags = AGG_OWNS, .update = (update_),                   \
     .emit = held_emit, .clear = held_clear, .write = held_write, .read = held_read}
static const AggImpl FIRST_IMPL = HELD_IMPL(first_update), LAST_IMPL = HELD_IMPL(last_update);

// ---- the same over input that retracts ----------------------------------------------------------

// A retraction takes back the oldest equal value, as Flink's value-to-orders map does.
static Status ordered_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        ValueList *list = (ValueList *)agg_state(call, in, row);
        bytes.len = 0;
        codec_put_key(in->arg[0], row, &bytes);
        if (agg_row_retracts(in, row)) {
            (void)list_remove(list, buf_str(&bytes));
        } else {
            st = list_add(list, buf_str(&bytes), env, err);
        }
    }
    buf_free(&bytes);
    return st;
}

static Status first_ordered_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                                 uint32_t row, Error *err) {
    (void)env, (void)err;
    Str value;
    if (list_first((const ValueList *)state, &value)) {
        (void)codec_get(value.ptr, out, row);
    } else {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static Status last_ordered_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                                uint32_t row, Error *err) {
    (void)env, (void)err;
    Str value;
    if (list_last((const ValueList *)state, &value)) {
        (void)codec_get(value.ptr, out, row);
    } else {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static void ordered_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    list_free((ValueList *)state, env);
}

static Status ordered_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    store_write_list((const ValueList *)state, out, row);
    return ST_OK;
}

static Status ordered_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                           uint8_t *state, Error *err) {
    (void)call;
    return store_read_list((ValueList *)state, in, row, env, err);
}

#define ORDERED_IMPL(emit_)                                                                      \
    {.size = sizeof(ValueList), .align = 8, .flags = AGG_OWNS, .update = ordered_update,         \
     .emit = (emit_), .clear = ordered_clear, .write = ordered_write, .read = ordered_read}
static const AggImpl FIRST_ORDERED_IMPL = ORDERED_IMPL(first_ordered_emit),
                     LAST_ORDERED_IMPL = ORDERED_IMPL(last_ordered_emit);

static Status end_value_bind(AggCall *call, const AggImpl *plain, const AggImpl *ordered,
                             Error *err) {
    const Type *arg = type_attribute(call->arena, call->arg[0], TIME_NONE);
    if (call->respect_nulls || call->ignore_nulls) {
        return error_set(err, ST_VALIDATION,
                         "Cannot specify IGNORE NULLS or RESPECT NULLS following '%s'",
                         call->func->name);
    }
    if (call->merge) {
        return error_set(err, ST_VALIDATION,
                         "%s cannot be merged: it is not supported in this window",
                         call->func->name);
    }
    call->result = agg_type_of_group(call, arg);
    call->impl = call->retract ? ordered : plain;
    call->state_type = call->retract
                           ? type_array(call->arena, type_nullable(call->arena, arg, false), false)
                           : type_nullable(call->arena, arg, true);
    return ST_OK;
}

static Status first_value_bind(AggCall *call, Error *err) {
    return end_value_bind(call, &FIRST_IMPL, &FIRST_ORDERED_IMPL, err);
}
static Status last_value_bind(AggCall *call, Error *err) {
    return end_value_bind(call, &LAST_IMPL, &LAST_ORDERED_IMPL, err);
}

// ---- SINGLE_VALUE -------------------------------------------------------------------------------

typedef struct Single {
    Held held;
    int64_t count;
} Single;

static Status single_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_row_taken(in, row)) continue;
        Single *single = (Single *)agg_state(call, in, row);
        int64_t sign = agg_sign(in, row);
        if (single->count + sign > 1) {
            return error_set(err, ST_RUNTIME,
                             "SingleValueAggFunction received more than one element.");
        }
        single->count += sign;
        if (sign > 0) {
            TRY(held_set(&single->held, in->arg[0], row, env, err));
        } else {
            single->held.has = 0;
        }
    }
    return ST_OK;
}

static Status single_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                          uint32_t row, Error *err) {
    return held_emit(call, (const uint8_t *)&((const Single *)state)->held, env, out, row, err);
}

static void single_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    held_free(&((Single *)state)->held, env);
}

static Status single_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    const Single *single = (const Single *)state;
    vec_i64(out->child[1])[row] = single->count;
    return held_write(call, (const uint8_t *)&single->held, env, out->child[0], row, err);
}

static Status single_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                          uint8_t *state, Error *err) {
    Single *single = (Single *)state;
    single->count = vec_i64(in->child[1])[row];
    return held_read(call, in->child[0], row, env, (uint8_t *)&single->held, err);
}

static const AggImpl SINGLE_IMPL = {
    .size = sizeof(Single), .align = 8, .flags = AGG_OWNS, .update = single_update,
    .emit = single_emit, .clear = single_clear, .write = single_write, .read = single_read,
};

static Status single_value_bind(AggCall *call, Error *err) {
    const Type *arg = type_attribute(call->arena, call->arg[0], TIME_NONE);
    if (type_is_bytes(arg) || arg->child_count || arg->kind == TYPE_RAW) {
        return error_set(err, ST_VALIDATION,
                         "SINGLE_VALUE aggregate function doesn't support type '%s'.",
                         type_kind_name(arg->kind));
    }
    call->result = type_nullable(call->arena, arg, true);
    call->state_type = agg_state_row(call->arena, "value", call->result, "count",
                                     type_of(TYPE_BIGINT, false), NULL);
    call->impl = &SINGLE_IMPL;
    return ST_OK;
}

// ---- LAG: only in OVER --------------------------------------------------------------------------

// The last [offset] + 1 values and the default of the last row.
typedef struct Lag {
    ValueList list;
    Held otherwise;
} Lag;

typedef struct LagBound {
    int64_t offset;
} LagBound;

static Status lag_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const LagBound *bound = call->bound;
    Buf bytes = {0};
    Status st = ST_OK;
    if (bound->offset < 0) {  // Flink finds this out when the job runs
        return error_set(err, ST_RUNTIME, "Offset(%" PRId64 ") should be positive.", bound->offset);
    }
    for (uint32_t row = 0; row < in->rows && !st; row++) {
        if (!agg_row_taken(in, row)) continue;
        Lag *lag = (Lag *)agg_state(call, in, row);
        bytes.len = 0;
        codec_put_key(in->arg[0], row, &bytes);
        st = list_add(&lag->list, buf_str(&bytes), env, err);
        Str oldest;
        if (lag->list.count > bound->offset + 1 && list_first(&lag->list, &oldest)) {
            (void)list_remove(&lag->list, oldest);
        }
        if (call->argc > 2 && !st) st = held_set(&lag->otherwise, in->arg[2], row, env, err);
    }
    buf_free(&bytes);
    return st;
}

// A NULL before the row where the default is NOT NULL, and so the result: Flink's generated code
// reads the type's own default, -1 for numbers, and has none for the rest.
static Status lag_null(Vec *out, uint32_t row, Error *err) {
    switch (out->phys) {
        case PHYS_U8:
        case PHYS_I8:
        case PHYS_I16:
        case PHYS_I32:
        case PHYS_I64: vec_set_integer(out, row, out->phys == PHYS_U8 ? 0 : -1); break;
        case PHYS_F32: vec_f32(out)[row] = -1; break;
        case PHYS_F64: vec_f64(out)[row] = -1; break;
        default:
            return error_set(err, ST_RUNTIME,
                             "the result of LAG is NOT NULL, however, a null value is being "
                             "written into it");
    }
    bits_set(out->valid, row);
    return ST_OK;
}

static Status lag_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                       uint32_t row, Error *err) {
    (void)env, (void)err;
    const LagBound *bound = call->bound;
    const Lag *lag = (const Lag *)state;
    Str value;
    if (lag->list.count > bound->offset && list_first(&lag->list, &value)) {
        (void)codec_get(value.ptr, out, row);
        if (!call->result->nullable && vec_is_null(out, row)) return lag_null(out, row, err);
    } else if (!held_get(&lag->otherwise, out, row)) {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static void lag_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    Lag *lag = (Lag *)state;
    list_free(&lag->list, env);
    held_free(&lag->otherwise, env);
}

static Status lag_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                        uint32_t row, Error *err) {
    const Lag *lag = (const Lag *)state;
    store_write_list(&lag->list, out->child[0], row);
    return held_write(call, (const uint8_t *)&lag->otherwise, env, out->child[1], row, err);
}

static Status lag_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                       uint8_t *state, Error *err) {
    Lag *lag = (Lag *)state;
    TRY(store_read_list(&lag->list, in->child[0], row, env, err));
    return held_read(call, in->child[1], row, env, (uint8_t *)&lag->otherwise, err);
}

static const AggImpl LAG_IMPL = {
    .size = sizeof(Lag), .align = 8, .flags = AGG_OWNS, .update = lag_update, .emit = lag_emit,
    .clear = lag_clear, .write = lag_write, .read = lag_read,
};

static Status lag_bind(AggCall *call, Error *err) {
    LagBound *bound = ARENA_NEW(call->arena, LagBound);
    bound->offset = 1;
    if (call->argc > 1) {
        if (!call->literal || !call->literal[1] || !type_is_integer(call->arg[1]) ||
            vec_is_null(call->literal[1], 0)) {
            return error_set(err, ST_VALIDATION, "the offset of LAG must be a constant integer");
        }
        bound->offset = vec_integer(call->literal[1], 0);
    }
    const Type *value = type_attribute(call->arena, call->arg[0], TIME_NONE);
    bool nullable = true;
    if (call->argc > 2) {
        bool alike = value->kind == call->arg[2]->kind ||
                     (type_is_text(value) && type_is_text(call->arg[2]));
        alike |= call->batch && type_casts_implicitly(call->arg[2], value);
        alike |= call->batch && type_is_numeric(call->arg[2]) && type_is_numeric(value);
        if (!alike) {
            return error_set(err, ST_VALIDATION, "Please explicitly cast default value %s to %s.",
                             type_kind_name(call->arg[2]->kind), type_kind_name(value->kind));
        }
        nullable = call->arg[2]->nullable;
        call->arg[2] = type_nullable(call->arena, value, call->arg[2]->nullable);
    }
    call->result = type_nullable(call->arena, value, nullable);
    call->state_type = agg_state_row(call->arena, "values", type_array(call->arena, value, false),
                                     "default", type_nullable(call->arena, value, true), NULL);
    call->bound = bound;
    call->impl = &LAG_IMPL;
    return ST_OK;
}

static const AggFunc VALUE_AGGS[] = {
    {.name = "FIRST_VALUE", .args = {ARG_ANY}, .bind = first_value_bind, .flags = AGG_NO_MERGE,
     .doc = "The value that came first, of those that are not NULL."},
    {.name = "LAG", .args = {ARG_ANY, ARG_ANY, ARG_ANY}, .argc_min = 1, .argc_max = 3,
     .bind = lag_bind, .flags = AGG_NO_RETRACT | AGG_NO_MERGE | AGG_OVER_ONLY,
     .doc = "The value [offset] rows before (default 1), or the default where there is none. "
            "Only with OVER."},
    {.name = "LAST_VALUE", .args = {ARG_ANY}, .bind = last_value_bind, .flags = AGG_NO_MERGE,
     .doc = "The value that came last, of those that are not NULL."},
    {.name = "SINGLE_VALUE", .args = {ARG_ANY}, .bind = single_value_bind, .flags = AGG_NO_MERGE,
     .doc = "The only value; a second one is an error. Scalar subqueries stand on it."},
};
const AggTable VALUE_AGG_TABLE = AGG_TABLE("Aggregate functions", VALUE_AGGS);
