// COUNT, SUM, $SUM0, AVG. Integers are summed modulo 2^64 and cut to their type at the end, which
// is what Java's wrapping additions come to. FLOAT rounds after each step, as Java does.
#include "col/codec.h"
#include "func/agg_int.h"
#include "type/decimal.h"

// ---- COUNT --------------------------------------------------------------------------------------

typedef struct CountState {
    int64_t count;
} CountState;

// The rows that count: those where the one argument that can be NULL is not.
static const uint64_t *count_valid(const AggCall *call, const AggRows *in) {
    return call->argc ? in->arg[*(const uint32_t *)call->bound]->valid : NULL;
}

AGG_INLINE void count_run(const AggCall *call, const AggRows *in, Vec *after) {
    const uint64_t *valid = count_valid(call, in);
    int64_t *out = after ? vec_i64(after) : NULL;
    for (uint32_t row = 0; row < in->rows; row++) {
        CountState *state = (CountState *)agg_state(call, in, row);
        if (agg_row_taken(in, row) && (!valid || bits_get(valid, row))) {
            state->count += agg_sign(in, row);
        }
        if (out) out[row] = state->count;
    }
}

static Status count_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    const uint64_t *valid = count_valid(call, in);
    (void)env, (void)err;
    if (in->single && !in->kinds && !(valid && in->mask)) {
        const uint64_t *bits = valid ? valid : in->mask;
        CountState *state = (CountState *)(in->single + call->offset);
        state->count += bits ? bits_count(bits, in->rows) : in->rows;
    } else {
        count_run(call, in, NULL);
    }
    return ST_OK;
}

static Status count_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                         Error *err) {
    (void)env, (void)err;
    count_run(call, in, after);
    return ST_OK;
}

static Status count_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                          Error *err) {
    (void)call, (void)env, (void)err;
    ((CountState *)dst)->count += ((const CountState *)src)->count;
    return ST_OK;
}

static Status count_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                         uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    vec_i64(out)[row] = ((const CountState *)state)->count;
    return ST_OK;
}

static Status count_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                         uint8_t *state, Error *err) {
    (void)call, (void)env, (void)err;
    ((CountState *)state)->count = vec_i64(in)[row];
    return ST_OK;
}

static char *count_put(const uint8_t *state, char *to) {
    return codec_write_i64(to, ((const CountState *)state)->count);
}

static const AggImpl COUNT_IMPL = {
    .size = sizeof(CountState), .align = 8, .update = count_update, .step = count_step,
    .merge = count_merge, .emit = count_emit, .write = count_emit, .read = count_read,
    .put = count_put,
};

static Status count_bind(AggCall *call, Error *err) {
    uint32_t kept = 0;  // what cannot be NULL does not matter
    uint32_t *counted = ARENA_NEW(call->arena, uint32_t);
    for (uint32_t i = 0; i < call->argc; i++) {
        if (!call->arg[i]->nullable) continue;
        *counted = i;
        kept++;
    }
    call->bound = counted;
    if (kept > 1 || (call->argc > 1 && call->distinct)) {
        call->no_such_type = true;
        return error_set(err, ST_VALIDATION, "We now only support the count of one field.");
    }
    call->result = call->state_type = type_of(TYPE_BIGINT, false);
    call->impl = &COUNT_IMPL;
    return ST_OK;
}

// ---- SUM over integers --------------------------------------------------------------------------

typedef struct SumInt {
    int64_t sum;
    int64_t count;  // of values; no result while 0
} SumInt;

static Status sum_int_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                            Error *err) {
    (void)call, (void)env, (void)err;
    SumInt *to = (SumInt *)dst;
    const SumInt *from = (const SumInt *)src;
    to->sum = (int64_t)((uint64_t)to->sum + (uint64_t)from->sum);
    to->count += from->count;
    return ST_OK;
}

static Status sum_int_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumInt *sum = (const SumInt *)state;
    if (sum->count == 0 && !call->bound) {
        agg_emit_null(call->result, out, row);
    } else {
        vec_set_integer(out, row, sum->sum);
    }
    return ST_OK;
}

static Status sum_int_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    vec_i64(out->child[0])[row] = ((const SumInt *)state)->sum;
    vec_i64(out->child[1])[row] = ((const SumInt *)state)->count;
    return ST_OK;
}

static Status sum_int_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                           uint8_t *state, Error *err) {
    (void)call, (void)env, (void)err;
    *(SumInt *)state = (SumInt){vec_i64(in->child[0])[row], vec_i64(in->child[1])[row]};
    return ST_OK;
}

static char *sum_int_put(const uint8_t *state, char *to) {
    to = codec_write_row_head(to);
    to = codec_write_i64(to, ((const SumInt *)state)->sum);
    return codec_write_i64(to, ((const SumInt *)state)->count);
}

// The loops of one width. The fast path is what a compiler turns into vector code.
#define SUM_INT(name, ctype)                                                                      \
    AGG_INLINE void name##_run(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after) { \
        const ctype *value = in->arg[0]->data;                                                    \
        const uint64_t *valid = in->arg[0]->valid;                                                \
        for (uint32_t row = 0; row < in->rows; row++) {                                           \
            uint8_t *at = agg_state(call, in, row);                                               \
            SumInt *state = (SumInt *)at;                                                         \
            if (agg_row_taken(in, row) && (!valid || bits_get(valid, row))) {                     \
                int64_t sign = agg_sign(in, row);                                                 \
                state->sum = (int64_t)((uint64_t)state->sum +                                     \
                                       (uint64_t)sign * (uint64_t)(int64_t)value[row]);           \
                state->count += sign;                                                             \
            }                                                                                     \
            if (after) (void)call->impl->emit(call, at, env, after, row, NULL);                   \
        }                                                                                         \
    }                                                                                             \
    static Status name##_update(const AggCall *call, const AggRows *in, AggEnv *env,              \
                                Error *err) {                                                     \
        (void)err;                                                                                \
        if (!in->single || in->kinds || in->mask || in->arg[0]->valid) {                          \
            name##_run(call, in, env, NULL);                                                      \
            return ST_OK;                                                                         \
        }                                                                                         \
        const ctype *value = in->arg[0]->data;                                                    \
        uint64_t sum = 0;                                                                         \
        for (uint32_t row = 0; row < in->rows; row++) sum += (uint64_t)(int64_t)value[row];       \
        SumInt *state = (SumInt *)(in->single + call->offset);                                    \
        state->sum = (int64_t)((uint64_t)state->sum + sum);                                       \
        state->count += in->rows;                                                                 \
        return ST_OK;                                                                             \
    }                                                                                             \
    static Status name##_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,    \
                              Error *err) {                                                       \
        (void)err;                                                                                \
        name##_run(call, in, env, after);                                                         \
        return ST_OK;                                                                             \
    }

SUM_INT(sum_i8, int8_t)
SUM_INT(sum_i16, int16_t)
SUM_INT(sum_i32, int32_t)
SUM_INT(sum_i64, int64_t)

#define SUM_INT_IMPL(name)                                                                       \
    {.size = sizeof(SumInt), .align = 8, .update = name##_update, .step = name##_step,           \
     .merge = sum_int_merge, .emit = sum_int_emit, .write = sum_int_write, .read = sum_int_read, \
     .put = sum_int_put}
static const AggImpl SUM_INT_IMPLS[] = {
    [PHYS_I8] = SUM_INT_IMPL(sum_i8), [PHYS_I16] = SUM_INT_IMPL(sum_i16),
    [PHYS_I32] = SUM_INT_IMPL(sum_i32), [PHYS_I64] = SUM_INT_IMPL(sum_i64),
};

// ---- AVG over integers: the same states, another result -----------------------------------------

static Status avg_int_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumInt *sum = (const SumInt *)state;
    if (sum->count == 0) {
        agg_emit_null(call->result, out, row);
    } else if (sum->count == -1) {  // INT64_MIN / -1 traps
        vec_set_integer(out, row, (int64_t)(0 - (uint64_t)sum->sum));
    } else {
        vec_set_integer(out, row, sum->sum / sum->count);
    }
    return ST_OK;
}

#define AVG_INT_IMPL(name)                                                                       \
    {.size = sizeof(SumInt), .align = 8, .update = name##_update, .step = name##_step,           \
     .merge = sum_int_merge, .emit = avg_int_emit, .write = sum_int_write, .read = sum_int_read, \
     .put = sum_int_put}
static const AggImpl AVG_INT_IMPLS[] = {
    [PHYS_I8] = AVG_INT_IMPL(sum_i8), [PHYS_I16] = AVG_INT_IMPL(sum_i16),
    [PHYS_I32] = AVG_INT_IMPL(sum_i32), [PHYS_I64] = AVG_INT_IMPL(sum_i64),
};

// ---- SUM and AVG over FLOAT and DOUBLE ----------------------------------------------------------

typedef struct SumReal {
    double sum;
    int64_t count;
    uint8_t seen;  // a value came at all: the first one is taken as it is, -0.0 included
} SumReal;

typedef enum SumWidth { SUM_IN_F32, SUM_IN_F64 } SumWidth;

AGG_INLINE void sum_real_add(SumReal *state, double value, int64_t sign, SumWidth width) {
    double sum = state->seen || sign < 0 ? state->sum + (sign < 0 ? -value : value) : value;
    state->sum = width == SUM_IN_F32 ? (double)(float)sum : sum;
    state->count += sign;
    state->seen = 1;
}

AGG_INLINE Status sum_real_run(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                               SumWidth width) {
    const Vec *arg = in->arg[0];
    for (uint32_t row = 0; row < in->rows; row++) {
        uint8_t *at = agg_state(call, in, row);
        if (agg_takes(in, arg, row)) {
            double value = arg->phys == PHYS_F32 ? (double)((const float *)arg->data)[row]
                                                 : ((const double *)arg->data)[row];
            sum_real_add((SumReal *)at, value, agg_sign(in, row), width);
        }
        if (after) (void)call->impl->emit(call, at, env, after, row, NULL);
    }
    return ST_OK;
}

static Status sum_f32_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    (void)err;
    return sum_real_run(call, in, env, NULL, SUM_IN_F32);
}
static Status sum_f32_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                           Error *err) {
    (void)err;
    return sum_real_run(call, in, env, after, SUM_IN_F32);
}
static Status sum_f64_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    (void)err;
    return sum_real_run(call, in, env, NULL, SUM_IN_F64);
}
static Status sum_f64_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                           Error *err) {
    (void)err;
    return sum_real_run(call, in, env, after, SUM_IN_F64);
}

static Status sum_real_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                             Error *err) {
    (void)env, (void)err;
    SumReal *to = (SumReal *)dst;
    const SumReal *from = (const SumReal *)src;
    if (!from->seen) return ST_OK;
    sum_real_add(to, from->sum, 1, call->arg[0]->kind == TYPE_FLOAT ? SUM_IN_F32 : SUM_IN_F64);
    to->count += from->count - 1;
    return ST_OK;
}

static void put_real(Vec *out, uint32_t row, double value) {
    if (out->phys == PHYS_F32) {
        vec_f32(out)[row] = (float)value;
    } else {
        vec_f64(out)[row] = value;
    }
}

static Status sum_real_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumReal *sum = (const SumReal *)state;
    if (sum->count == 0 && !call->bound) {
        agg_emit_null(call->result, out, row);
    } else {
        put_real(out, row, sum->sum);
    }
    return ST_OK;
}

static Status avg_real_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumReal *sum = (const SumReal *)state;
    if (sum->count == 0) {
        agg_emit_null(call->result, out, row);
    } else {
        put_real(out, row, sum->sum / (double)sum->count);
    }
    return ST_OK;
}

static Status sum_real_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                             uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const SumReal *sum = (const SumReal *)state;
    vec_f64(out->child[0])[row] = sum->sum;
    vec_i64(out->child[1])[row] = sum->count;
    vec_u8(out->child[2])[row] = sum->seen;
    return ST_OK;
}

static Status sum_real_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                            uint8_t *state, Error *err) {
    (void)call, (void)env, (void)err;
    *(SumReal *)state = (SumReal){vec_f64(in->child[0])[row], vec_i64(in->child[1])[row],
                                  vec_u8(in->child[2])[row]};
    return ST_OK;
}

#define SUM_REAL_IMPL(name, emit_)                                                               \
    {.size = sizeof(SumReal), .align = 8, .update = name##_update, .step = name##_step,          \
     .merge = sum_real_merge, .emit = (emit_), .write = sum_real_write, .read = sum_real_read}
static const AggImpl SUM_F32_IMPL = SUM_REAL_IMPL(sum_f32, sum_real_emit);
static const AggImpl SUM_F64_IMPL = SUM_REAL_IMPL(sum_f64, sum_real_emit);
static const AggImpl AVG_F64_IMPL = SUM_REAL_IMPL(sum_f64, avg_real_emit);  // FLOAT as well

// ---- SUM and AVG over DECIMAL -------------------------------------------------------------------

// An overflow of 38 digits makes the sum NULL. SUM then starts anew with the next value, AVG and
// $SUM0 stay NULL for good: only SUM is `sum IS NULL ? value : sum + value` in Flink.
typedef struct SumDecimal {
    i128_in_group sum;
    int64_t count;
    uint8_t has;      // SUM: the sum is not NULL
    uint8_t lost;     // AVG, $SUM0: it overflowed
} SumDecimal;

static bool sum_decimal_plus(SumDecimal *state, i128 value) {
    i128 sum;
    if (__builtin_add_overflow(state->sum, value, &sum) || !decimal_fits(sum, TYPE_DECIMAL_MAX)) {
        return false;
    }
    state->sum = sum;
    return true;
}

static void sum_decimal_add(SumDecimal *state, i128 value, int64_t count) {
    state->count += count;
    state->has = sum_decimal_plus(state, value);
    if (!state->has) state->sum = 0;  // where the next value starts from
}

static void avg_decimal_add(SumDecimal *state, i128 value, int64_t count) {
    state->count += count;
    if (!sum_decimal_plus(state, value)) state->lost = 1;
}

AGG_INLINE void sum_decimal_run(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                                bool restarts) {
    const Vec *arg = in->arg[0];
    for (uint32_t row = 0; row < in->rows; row++) {
        uint8_t *at = agg_state(call, in, row);
        if (agg_takes(in, arg, row)) {
            int64_t sign = agg_sign(in, row);
            i128 value = vec_i128(arg)[row];
            if (restarts) {
                sum_decimal_add((SumDecimal *)at, sign < 0 ? -value : value, sign);
            } else {
                avg_decimal_add((SumDecimal *)at, sign < 0 ? -value : value, sign);
            }
        }
        if (after) (void)call->impl->emit(call, at, env, after, row, NULL);
    }
}

static Status sum_decimal_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    (void)err;
    sum_decimal_run(call, in, env, NULL, true);
    return ST_OK;
}
static Status sum_decimal_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                               Error *err) {
    (void)err;
    sum_decimal_run(call, in, env, after, true);
    return ST_OK;
}
static Status avg_decimal_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    (void)err;
    sum_decimal_run(call, in, env, NULL, false);
    return ST_OK;
}
static Status avg_decimal_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                               Error *err) {
    (void)err;
    sum_decimal_run(call, in, env, after, false);
    return ST_OK;
}

static Status sum_decimal_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                                Error *err) {
    (void)env, (void)err;
    SumDecimal *to = (SumDecimal *)dst;
    const SumDecimal *from = (const SumDecimal *)src;
    if (call->impl->update == sum_decimal_update) {
        if (from->has) sum_decimal_add(to, from->sum, from->count);
    } else {
        avg_decimal_add(to, from->sum, from->count);
        to->lost |= from->lost;
    }
    return ST_OK;
}

static Status sum_decimal_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                               uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumDecimal *sum = (const SumDecimal *)state;
    if (!sum->has || sum->count == 0) {
        agg_emit_null(call->result, out, row);
    } else {
        vec_i128(out)[row] = sum->sum;
    }
    return ST_OK;
}

static Status sum0_decimal_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                                uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumDecimal *sum = (const SumDecimal *)state;
    if (sum->lost) {
        agg_emit_null(call->result, out, row);
    } else {
        vec_i128(out)[row] = sum->sum;
    }
    return ST_OK;
}

// DECIMAL(38, s) / BIGINT is DECIMAL(38, max(6, s)) by Flink's rule for AVG.
static Status avg_decimal_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                               uint32_t row, Error *err) {
    (void)env, (void)err;
    const SumDecimal *sum = (const SumDecimal *)state;
    i128 value;
    if (sum->count == 0 || sum->lost ||
        !decimal_div(sum->sum, call->arg[0]->scale, sum->count, 0, call->result->scale, &value)) {
        agg_emit_null(call->result, out, row);
    } else {
        vec_i128(out)[row] = value;
    }
    return ST_OK;
}

static Status sum_decimal_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                                uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const SumDecimal *sum = (const SumDecimal *)state;
    vec_i128(out->child[0])[row] = sum->sum;
    vec_i64(out->child[1])[row] = sum->count;
    vec_u8(out->child[2])[row] = sum->has;
    vec_u8(out->child[3])[row] = sum->lost;
    return ST_OK;
}

static Status sum_decimal_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                               uint8_t *state, Error *err) {
    (void)call, (void)env, (void)err;
    SumDecimal sum = {vec_i128(in->child[0])[row], vec_i64(in->child[1])[row],
                      vec_u8(in->child[2])[row], vec_u8(in->child[3])[row]};
    memcpy(state, &sum, sizeof sum);
    return ST_OK;
}

#define SUM_DECIMAL_IMPL(name, emit_)                                                            \
    {.size = sizeof(SumDecimal), .align = 8, .update = name##_update, .step = name##_step,      \
     .merge = sum_decimal_merge, .emit = (emit_), .write = sum_decimal_write,                    \
     .read = sum_decimal_read}
static const AggImpl SUM_DECIMAL_IMPL_ = SUM_DECIMAL_IMPL(sum_decimal, sum_decimal_emit);
static const AggImpl SUM0_DECIMAL_IMPL_ = SUM_DECIMAL_IMPL(avg_decimal, sum0_decimal_emit);
static const AggImpl AVG_DECIMAL_IMPL_ = SUM_DECIMAL_IMPL(avg_decimal, avg_decimal_emit);

// ---- binding ------------------------------------------------------------------------------------

static const Type *sum_state_type(AggCall *call) {
    const Type *i64 = type_of(TYPE_BIGINT, false), *flag = type_of(TYPE_BOOLEAN, false);
    if (type_is_integer(call->arg[0])) {
        return agg_state_row(call->arena, "sum", i64, "count", i64, NULL);
    }
    if (type_is_approx(call->arg[0])) {
        return agg_state_row(call->arena, "sum", type_of(TYPE_DOUBLE, false), "count", i64, "seen",
                             flag, NULL);
    }
    const Type *sum = type_decimal(call->arena, TYPE_DECIMAL_MAX, call->arg[0]->scale, false);
    return agg_state_row(call->arena, "sum", sum, "count", i64, "has", flag, "lost", flag, NULL);
}

static const Type *sum_type(AggCall *call) {
    const Type *arg = call->arg[0];
    if (arg->kind != TYPE_DECIMAL) return arg;
    return type_decimal(call->arena, TYPE_DECIMAL_MAX, arg->scale, arg->nullable);
}

static Status sum_bind(AggCall *call, Error *err) {
    const Type *arg = call->arg[0];
    if (!type_is_numeric(arg)) return agg_mismatch(call, err);
    call->result = agg_type_of_group(call, sum_type(call));
    call->state_type = sum_state_type(call);
    call->impl = type_is_integer(arg)       ? &SUM_INT_IMPLS[type_phys(arg)]
                 : arg->kind == TYPE_FLOAT  ? &SUM_F32_IMPL
                 : arg->kind == TYPE_DOUBLE ? &SUM_F64_IMPL
                                            : &SUM_DECIMAL_IMPL_;
    return ST_OK;
}

// $SUM0 is SUM that starts at 0; [bound] says so to the shared emit functions.
static Status sum0_bind(AggCall *call, Error *err) {
    TRY(sum_bind(call, err));
    static const bool starts_at_zero = true;
    call->bound = &starts_at_zero;
    call->result = type_nullable(call->arena, call->result, false);
    if (call->impl == &SUM_DECIMAL_IMPL_) call->impl = &SUM0_DECIMAL_IMPL_;
    return ST_OK;
}

static Status avg_bind(AggCall *call, Error *err) {
    const Type *arg = call->arg[0];
    if (!type_is_numeric(arg)) return agg_mismatch(call, err);
    const Type *result = arg;
    if (arg->kind == TYPE_DECIMAL) {
        int32_t scale = arg->scale > 6 ? arg->scale : 6;
        result = type_decimal(call->arena, TYPE_DECIMAL_MAX, scale, arg->nullable);
    }
    call->result = agg_type_of_group(call, result);
    call->state_type = sum_state_type(call);
    call->impl = type_is_integer(arg)  ? &AVG_INT_IMPLS[type_phys(arg)]
                 : type_is_approx(arg) ? &AVG_F64_IMPL
                                       : &AVG_DECIMAL_IMPL_;
    return ST_OK;
}

static const AggFunc BASIC_AGGS[] = {
    {.name = "AVG", .args = {ARG_NUMERIC}, .bind = avg_bind,
     .doc = "The average of the values that are not NULL, in their own type: integers are divided "
            "as integers."},
    {.name = "COUNT", .args = {ARG_ANY, ARG_ANY, ARG_ANY, ARG_ANY}, .argc_min = 0, .argc_max = 4,
     .bind = count_bind, .doc = "The number of rows, or of values that are not NULL."},
    {.name = "SUM", .args = {ARG_NUMERIC}, .bind = sum_bind,
     .doc = "The sum of the values that are not NULL, in their own type (DECIMAL: 38 digits)."},
    {.name = "$SUM0", .args = {ARG_NUMERIC}, .bind = sum0_bind,
     .doc = "SUM that is 0 for no values."},
};
const AggTable BASIC_AGG_TABLE = AGG_TABLE("Aggregate functions", BASIC_AGGS);
