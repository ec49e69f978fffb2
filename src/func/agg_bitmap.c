// BITMAP_*_AGG and their _CARDINALITY_ twins: sets built of numbers or combined of bitmaps.
//
// Without retractions the state is the set. With them BUILD, OR and AND count how often each number
// came; a number is in the result when its count is positive, or, for AND, that of all bitmaps. XOR
// takes a bitmap back by adding it again.
#include "func/agg_int.h"
#include "func/roaring.h"

typedef enum BitmapOp { BITMAP_BUILD, BITMAP_AND, BITMAP_OR, BITMAP_XOR } BitmapOp;

typedef struct BitmapBound {
    BitmapOp op;
    bool cardinality;  // the result is the size
    bool counts;       // the state is [bag], not [set]
} BitmapBound;

typedef struct BitmapState {
    Roaring set;
    size_t charged;    // bytes of it
    SortedBag bag;     // by unsigned number
    int64_t inputs;    // bitmaps taken minus retracted, or numbers
} BitmapState;

// Charges what the set grew by since the last time; a set has its own memory.
static Status charge_growth(BitmapState *state, AggEnv *env, Error *err) {
    if (!env->budget) return ST_OK;
    size_t bytes = state->set.bytes;
    if (bytes > state->charged) {
        TRY(budget_charge(env->budget, (int64_t)(bytes - state->charged), err));
    } else {
        budget_release(env->budget, (int64_t)(state->charged - bytes));
    }
    state->charged = bytes;
    return ST_OK;
}

static Status set_combine(BitmapState *state, const Roaring *other, RoaringOp op, AggEnv *env,
                          Error *err) {
    Roaring result = {0};
    roaring_combine(&state->set, other, op, &result);
    roaring_free(&state->set);
    state->set = result;
    return charge_growth(state, env, err);
}

static Status bag_count(SortedBag *bag, uint32_t value, int64_t delta, AggEnv *env, Error *err) {
    return bag_add(bag, PHYS_I64, (BagKey){.i64 = value}, delta, env, err);
}

static Status take_bitmap(const BitmapBound *bound, BitmapState *state, Str bytes, int64_t sign,
                          AggEnv *env, Error *err) {
    Roaring other;
    Status st = ST_OK;
    (void)roaring_read(bytes, &other);
    if (bound->counts) {
        uint32_t value;
        for (RoaringAt at = {0}; !st && roaring_next(&other, &at, &value);) {
            st = bag_count(&state->bag, value, sign, env, err);
        }
    } else {
        RoaringOp op = bound->op == BITMAP_XOR ? ROARING_XOR
                       : bound->op == BITMAP_AND && state->inputs ? ROARING_AND
                                                                  : ROARING_OR;
        st = set_combine(state, &other, op, env, err);
    }
    roaring_free(&other);
    state->inputs += sign;
    return st;
}

static Status bitmap_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const BitmapBound *bound = call->bound;
    const Vec *arg = in->arg[0];
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, arg, row)) continue;
        BitmapState *state = (BitmapState *)agg_state(call, in, row);
        int64_t sign = agg_sign(in, row);
        if (bound->op != BITMAP_BUILD) {
            TRY(take_bitmap(bound, state, vec_str(arg)[row], sign, env, err));
        } else if (bound->counts) {
            TRY(bag_count(&state->bag, (uint32_t)vec_i32(arg)[row], sign, env, err));
        } else {
            roaring_add(&state->set, (uint32_t)vec_i32(arg)[row]);
            TRY(charge_growth(state, env, err));
        }
    }
    return ST_OK;
}

static Status bitmap_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                           Error *err) {
    const BitmapBound *bound = call->bound;
    BitmapState *to = (BitmapState *)dst;
    const BitmapState *from = (const BitmapState *)src;
    BagAt at = {0};
    for (const BagItem *item; (item = bag_next(&from->bag, &at));) {
        TRY(bag_add(&to->bag, PHYS_I64, item->key, item->count, env, err));
    }
    // One taken back and another taken leave no number of inputs, and with XOR a difference.
    bool always = bound->op == BITMAP_BUILD || bound->op == BITMAP_XOR;
    if (!bound->counts && (from->inputs || always)) {
        RoaringOp op = bound->op == BITMAP_XOR                ? ROARING_XOR
                       : bound->op == BITMAP_AND && to->inputs ? ROARING_AND
                                                               : ROARING_OR;
        TRY(set_combine(to, &from->set, op, env, err));
    }
    to->inputs += from->inputs;
    return ST_OK;
}

// The set that the counts stand for.
static void set_of_counts(const BitmapBound *bound, const BitmapState *state, Roaring *out) {
    BagAt at = {0};
    for (const BagItem *item; (item = bag_next(&state->bag, &at));) {
        bool in = bound->op == BITMAP_AND ? item->count == state->inputs : item->count > 0;
        if (in) roaring_add(out, (uint32_t)item->key.i64);
    }
}

static Status bitmap_emit(const AggCall *call, const uint8_t *data, AggEnv *env, Vec *out,
                          uint32_t row, Error *err) {
    (void)env, (void)err;
    const BitmapBound *bound = call->bound;
    const BitmapState *state = (const BitmapState *)data;
    Roaring counted = {0};
    if (bound->counts) set_of_counts(bound, state, &counted);
    const Roaring *set = bound->counts ? &counted : &state->set;
    bool none = bound->op == BITMAP_BUILD ? set->count == 0 : state->inputs <= 0;
    if (none) {
        vec_set_null(out, row);
    } else if (bound->cardinality) {
        vec_i64(out)[row] = (int64_t)roaring_count(set);
    } else {
        Buf bytes = {0};
        roaring_write(set, &bytes);
        vec_set_text(out, row, buf_str(&bytes));
        buf_free(&bytes);
    }
    roaring_free(&counted);
    return ST_OK;
}

static void bitmap_clear(const AggCall *call, uint8_t *data, AggEnv *env) {
    (void)call;
    BitmapState *state = (BitmapState *)data;
    if (env->budget) budget_release(env->budget, (int64_t)state->charged);
    roaring_free(&state->set);
    bag_free(&state->bag, env);
}

static Status bitmap_write(const AggCall *call, const uint8_t *data, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const BitmapState *state = (const BitmapState *)data;
    Buf bytes = {0};
    roaring_write(&state->set, &bytes);
    vec_set_text(out->child[0], row, buf_str(&bytes));
    buf_free(&bytes);
    store_write_bag(&state->bag, out->child[1], row);
    vec_i64(out->child[2])[row] = state->inputs;
    return ST_OK;
}

static Status bitmap_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                          uint8_t *data, Error *err) {
    (void)call;
    BitmapState *state = (BitmapState *)data;
    (void)roaring_read(vec_str(in->child[0])[row], &state->set);
    TRY(charge_growth(state, env, err));
    TRY(store_read_bag(&state->bag, in->child[1], row, env, err));
    state->inputs = vec_i64(in->child[2])[row];
    return ST_OK;
}

static const AggImpl BITMAP_IMPL = {
    .size = sizeof(BitmapState), .align = 8, .flags = AGG_OWNS, .update = bitmap_update,
    .merge = bitmap_merge, .emit = bitmap_emit, .clear = bitmap_clear, .write = bitmap_write,
    .read = bitmap_read,
};

// "BITMAP_<OP>_AGG" or "BITMAP_<OP>_CARDINALITY_AGG": the name says what to do.
static Status bitmap_bind(AggCall *call, Error *err) {
    static const struct {
        const char *prefix;
        BitmapOp op;
    } OPS[] = {{"BITMAP_BUILD_", BITMAP_BUILD}, {"BITMAP_AND_", BITMAP_AND},
               {"BITMAP_OR_", BITMAP_OR}, {"BITMAP_XOR_", BITMAP_XOR}};
    (void)err;
    BitmapBound *bound = ARENA_NEW(call->arena, BitmapBound);
    Str name = str_c(call->func->name);
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        if (str_starts(name, str_c(OPS[i].prefix))) bound->op = OPS[i].op;
    }
    bound->cardinality = str_ends(name, STR("CARDINALITY_AGG"));
    bound->counts = call->retract && bound->op != BITMAP_XOR;
    const Type *i64 = type_of(TYPE_BIGINT, false);
    call->bound = bound;
    call->result = type_of(bound->cardinality ? TYPE_BIGINT : TYPE_BITMAP, true);
    call->state_type = agg_state_row(call->arena, "set", type_of(TYPE_BITMAP, false), "counts",
                                     store_counts_type(call->arena, i64), "inputs", i64, NULL);
    call->impl = &BITMAP_IMPL;
    return ST_OK;
}

#define BITMAP_AGG(name_, arg_, doc_)                                                            \
    {.name = (name_), .args = {arg_}, .bind = bitmap_bind, .doc = (doc_)}
static const AggFunc BITMAP_AGGS[] = {
    BITMAP_AGG("BITMAP_AND_AGG", ARG_BITMAP, "The numbers that are in all bitmaps."),
    BITMAP_AGG("BITMAP_AND_CARDINALITY_AGG", ARG_BITMAP, "How many numbers are in all bitmaps."),
    BITMAP_AGG("BITMAP_BUILD_AGG", ARG_INT, "A bitmap of the numbers; NULL for none."),
    BITMAP_AGG("BITMAP_BUILD_CARDINALITY_AGG", ARG_INT,
               "How many different numbers there are; NULL for none."),
    BITMAP_AGG("BITMAP_OR_AGG", ARG_BITMAP, "The numbers that are in any bitmap."),
    BITMAP_AGG("BITMAP_OR_CARDINALITY_AGG", ARG_BITMAP, "How many numbers are in any bitmap."),
    BITMAP_AGG("BITMAP_XOR_AGG", ARG_BITMAP, "The numbers that are in an odd number of bitmaps."),
    BITMAP_AGG("BITMAP_XOR_CARDINALITY_AGG", ARG_BITMAP,
               "How many numbers are in an odd number of bitmaps."),
};
const AggTable BITMAP_AGG_TABLE = AGG_TABLE("Bitmap functions", BITMAP_AGGS);
