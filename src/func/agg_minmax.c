// MIN and MAX. Inputs that only insert keep one value; inputs that retract keep a sorted bag of all
// values. The planner also asks for the one value when the argument can only grow (MAX of a COUNT):
// retractions are then ignored, as Flink does, so that a MAX may outlive its row.
#include "func/agg_int.h"

// ---- one value ----------------------------------------------------------------------------------

typedef struct BestNumber {
    int64_t value;
    uint8_t has;
} BestNumber;

typedef struct BestValue {  // of any layout; text is owned by the state, [cap] bytes of it
    BagKey key;
    uint32_t cap;
    uint8_t has;
} BestValue;

static bool wants_greatest(const AggCall *call) {
    return call->bound != NULL;
}

// The integer layouts, where the loop matters.
#define BEST_INT(name, ctype)                                                                     \
    AGG_INLINE void name##_run(const AggCall *call, const AggRows *in, Vec *after,                \
                               bool greatest) {                                                   \
        const ctype *value = in->arg[0]->data;                                                    \
        const uint64_t *valid = in->arg[0]->valid;                                                \
        for (uint32_t row = 0; row < in->rows; row++) {                                           \
            BestNumber *best = (BestNumber *)agg_state(call, in, row);                            \
            if (agg_row_taken(in, row) && (!valid || bits_get(valid, row)) &&                     \
                !agg_row_retracts(in, row)) {                                                     \
                bool better = greatest ? value[row] > best->value : value[row] < best->value;     \
                if (!best->has || better) best->value = value[row];                               \
                best->has = 1;                                                                    \
            }                                                                                     \
            if (!after) continue;                                                                 \
            if (best->has) {                                                                      \
                ((ctype *)after->data)[row] = (ctype)best->value;                                 \
            } else {                                                                              \
                agg_emit_null(call->result, after, row);                                          \
            }                                                                                     \
        }                                                                                         \
    }                                                                                             \
    static Status name##_update(const AggCall *call, const AggRows *in, AggEnv *env,              \
                                Error *err) {                                                     \
        (void)env, (void)err;                                                                     \
        if (in->single && in->rows && !in->kinds && !in->mask && !in->arg[0]->valid) {            \
            const ctype *value = in->arg[0]->data;                                                \
            BestNumber *best = (BestNumber *)(in->single + call->offset);                         \
            ctype least = value[0], most = value[0];                                              \
            for (uint32_t row = 1; row < in->rows; row++) {                                       \
                least = value[row] < least ? value[row] : least;                                  \
                most = value[row] > most ? value[row] : most;                                     \
            }                                                                                     \
            int64_t found = wants_greatest(call) ? most : least;                                  \
            bool better = wants_greatest(call) ? found > best->value : found < best->value;       \
            if (!best->has || better) best->value = found;                                        \
            best->has = 1;                                                                        \
        } else if (wants_greatest(call)) {                                                        \
            name##_run(call, in, NULL, true);                                                     \
        } else {                                                                                  \
            name##_run(call, in, NULL, false);                                                    \
        }                                                                                         \
        return ST_OK;                                                                             \
    }                                                                                             \
    static Status name##_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,    \
                              Error *err) {                                                       \
        (void)env, (void)err;                                                                     \
        if (wants_greatest(call)) {                                                               \
            name##_run(call, in, after, true);                                                    \
        } else {                                                                                  \
            name##_run(call, in, after, false);                                                   \
        }                                                                                         \
        return ST_OK;                                                                             \
    }

BEST_INT(best_u8, uint8_t)
BEST_INT(best_i8, int8_t)
BEST_INT(best_i16, int16_t)
BEST_INT(best_i32, int32_t)
BEST_INT(best_i64, int64_t)

static Status best_int_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                             Error *err) {
    (void)env, (void)err;
    BestNumber *to = (BestNumber *)dst;
    const BestNumber *from = (const BestNumber *)src;
    if (!from->has) return ST_OK;
    bool better = wants_greatest(call) ? from->value > to->value : from->value < to->value;
    if (!to->has || better) *to = *from;
    return ST_OK;
}

static Status best_int_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)env, (void)err;
    const BestNumber *best = (const BestNumber *)state;
    if (best->has) {
        vec_set_integer(out, row, best->value);
    } else {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

// The written state of one value is the value itself, NULL for none.
static Status best_int_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                             uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const BestNumber *best = (const BestNumber *)state;
    if (best->has) {
        vec_set_integer(out, row, best->value);
    } else {
        vec_set_null(out, row);
    }
    return ST_OK;
}

static Status best_int_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                            uint8_t *state, Error *err) {
    (void)call, (void)env, (void)err;
    if (vec_is_null(in, row)) return ST_OK;
    *(BestNumber *)state = (BestNumber){vec_integer(in, row), 1};
    return ST_OK;
}

#define BEST_INT_IMPL(name)                                                                      \
    {.size = sizeof(BestNumber), .align = 8, .update = name##_update, .step = name##_step,       \
     .merge = best_int_merge, .emit = best_int_emit, .write = best_int_write,                    \
     .read = best_int_read}
static const AggImpl BEST_INT_IMPLS[] = {
    [PHYS_U8] = BEST_INT_IMPL(best_u8),   [PHYS_I8] = BEST_INT_IMPL(best_i8),
    [PHYS_I16] = BEST_INT_IMPL(best_i16), [PHYS_I32] = BEST_INT_IMPL(best_i32),
    [PHYS_I64] = BEST_INT_IMPL(best_i64),
};

// ---- one value of the other layouts -------------------------------------------------------------

static Status best_set(BestValue *best, Phys phys, BagKey key, AggEnv *env, Error *err) {
    if (phys == PHYS_STR) {
        char *text = (char *)best->key.str.ptr;
        if (key.str.len > best->cap) {
            uint32_t cap = best->cap * 2 > key.str.len ? best->cap * 2 : key.str.len;
            TRY(store_resize(env, &text, best->cap, cap, err));
            best->cap = cap;
        }
        if (key.str.len) memcpy(text, key.str.ptr, key.str.len);
        best->key.str = (Str){text, key.str.len};
    } else {
        best->key = key;
    }
    best->has = 1;
    return ST_OK;
}

static Status best_offer(const AggCall *call, BestValue *best, Phys phys, BagKey key, AggEnv *env,
                         Error *err) {
    if (best->has) {
        int order = bag_compare(phys, key, best->key);
        // Flink's MAX compares objects (NaN is greatest), its MIN the numbers (nothing is < NaN).
        bool real = phys == PHYS_F32 || phys == PHYS_F64;
        if (real && !wants_greatest(call)) order = key.f64 < best->key.f64 ? -1 : 1;
        if (wants_greatest(call) ? order <= 0 : order >= 0) return ST_OK;
    }
    return best_set(best, phys, key, env, err);
}

static Status best_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                        uint32_t row, Error *err) {
    (void)env, (void)err;
    const BestValue *best = (const BestValue *)state;
    if (best->has) {
        bag_put(best->key, out, row);
    } else {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static Status best_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const Vec *arg = in->arg[0];
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, arg, row) || agg_row_retracts(in, row)) continue;
        BestValue *best = (BestValue *)agg_state(call, in, row);
        TRY(best_offer(call, best, arg->phys, bag_key(arg, row), env, err));
    }
    return ST_OK;
}

static Status best_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                         Error *err) {
    const BestValue *from = (const BestValue *)src;
    if (!from->has) return ST_OK;
    return best_offer(call, (BestValue *)dst, type_phys(call->arg[0]), from->key, env, err);
}

static void best_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    BestValue *best = (BestValue *)state;
    if (type_phys(call->arg[0]) == PHYS_STR) {
        store_free(env, (char *)best->key.str.ptr, best->cap);
    }
}

static Status best_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                         uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const BestValue *best = (const BestValue *)state;
    if (best->has) {
        bag_put(best->key, out, row);
    } else {
        vec_set_null(out, row);
    }
    return ST_OK;
}

static Status best_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                        uint8_t *state, Error *err) {
    (void)call;
    if (vec_is_null(in, row)) return ST_OK;
    return best_set((BestValue *)state, in->phys, bag_key(in, row), env, err);
}

static const AggImpl BEST_IMPL = {
    .size = sizeof(BestValue), .align = 8, .flags = AGG_OWNS, .update = best_update,
    .merge = best_merge, .emit = best_emit, .clear = best_clear, .write = best_write,
    .read = best_read,
};

// ---- all values ---------------------------------------------------------------------------------

static Status bag_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const Vec *arg = in->arg[0];
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, arg, row)) continue;
        SortedBag *bag = (SortedBag *)agg_state(call, in, row);
        TRY(bag_add(bag, arg->phys, bag_key(arg, row), agg_sign(in, row), env, err));
    }
    return ST_OK;
}

static Status bag_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                        Error *err) {
    (void)call;
    const SortedBag *from = (const SortedBag *)src;
    BagAt at = {0};
    for (const BagItem *item; (item = bag_next(from, &at));) {
        TRY(bag_add((SortedBag *)dst, from->phys, item->key, item->count, env, err));
    }
    return ST_OK;
}

static Status bag_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                       uint32_t row, Error *err) {
    (void)env, (void)err;
    const SortedBag *bag = (const SortedBag *)state;
    const BagItem *item = wants_greatest(call) ? bag_greatest(bag) : bag_least(bag);
    if (item) {
        bag_put(item->key, out, row);
    } else {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static void bag_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    bag_free((SortedBag *)state, env);
}

static Status bag_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                        uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    store_write_bag((const SortedBag *)state, out, row);
    return ST_OK;
}

static Status bag_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                       uint8_t *state, Error *err) {
    (void)call;
    return store_read_bag((SortedBag *)state, in, row, env, err);
}

static const AggImpl BAG_IMPL = {
    .size = sizeof(SortedBag), .align = 8, .flags = AGG_OWNS, .update = bag_update,
    .merge = bag_merge, .emit = bag_emit, .clear = bag_clear, .write = bag_write, .read = bag_read,
};

// ---- binding ------------------------------------------------------------------------------------

static Status minmax_bind(AggCall *call, Error *err) {
    const Type *arg = call->arg[0];
    bool ordered = type_is_numeric(arg) || type_is_text(arg) || type_is_datetime(arg) ||
                   arg->kind == TYPE_BOOLEAN;
    if (!ordered) {
        call->no_such_type = true;
        return error_set(err, ST_VALIDATION, "%s aggregate function does not support type '%s'",
                         call->func->name, type_kind_name(arg->kind));
    }
    call->result = agg_type_of_group(call, type_attribute(call->arena, arg, TIME_NONE));
    call->distinct = false;  // repeating a value changes neither the least nor the greatest
    Phys phys = type_phys(arg);
    if (call->retract) {
        call->impl = &BAG_IMPL;
        call->state_type = store_counts_type(call->arena, type_nullable(call->arena, arg, false));
    } else {
        call->impl = phys >= PHYS_U8 && phys <= PHYS_I64 ? &BEST_INT_IMPLS[phys] : &BEST_IMPL;
        call->state_type = type_nullable(call->arena, arg, true);
    }
    return ST_OK;
}

static Status max_bind(AggCall *call, Error *err) {
    static const bool greatest = true;
    call->bound = &greatest;
    return minmax_bind(call, err);
}

static const AggFunc MINMAX_AGGS[] = {
    {.name = "MAX", .args = {ARG_ANY}, .bind = max_bind,
     .doc = "The greatest of the values that are not NULL."},
    {.name = "MIN", .args = {ARG_ANY}, .bind = minmax_bind,
     .doc = "The least of the values that are not NULL."},
};
const AggTable MINMAX_AGG_TABLE = AGG_TABLE("Aggregate functions", MINMAX_AGGS);
