// VAR_*, STDDEV_*, PERCENTILE, APPROX_COUNT_DISTINCT.
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "col/codec.h"
#include "func/agg_int.h"
#include "type/decimal.h"

static double number_of(const Vec *vec, uint32_t row) {
    switch (vec->phys) {
        case PHYS_F32: return (double)vec_f32(vec)[row];
        case PHYS_F64: return vec_f64(vec)[row];
        case PHYS_I128: return decimal_to_f64(vec_i128(vec)[row], vec->type->scale);
        default: return (double)vec_integer(vec, row);
    }
}

// ---- variance: Welford, Technometrics 4 (1962); merging by Chan, Golub and LeVeque (1979) -------

// The steps round as Flink's do, so that what retractions leave behind (an m2 a hair below zero is
// NULL) comes out the same.
typedef struct Welford {
    int64_t count;
    double mean, m2;
} Welford;

static void welford_add(Welford *w, double value) {
    if (++w->count <= 0) return;
    double before = value - w->mean;
    w->mean += before / (double)w->count;
    w->m2 += before * (value - w->mean);
}

static void welford_retract(Welford *w, double value) {
    if (--w->count <= 0) {
        if (w->count == 0) w->mean = w->m2 = 0;
        return;
    }
    double after = value - w->mean;
    w->mean -= after / (double)w->count;
    w->m2 -= (value - w->mean) * after;
}

static Status welford_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    (void)env, (void)err;
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        Welford *w = (Welford *)agg_state(call, in, row);
        if (agg_row_retracts(in, row)) {
            welford_retract(w, number_of(in->arg[0], row));
        } else {
            welford_add(w, number_of(in->arg[0], row));
        }
    }
    return ST_OK;
}

static Status welford_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                            Error *err) {
    (void)call, (void)env, (void)err;
    Welford *to = (Welford *)dst;
    const Welford *from = (const Welford *)src;
    if (from->count <= 0) {
        to->count += from->count;
    } else if (to->count == 0) {
        *to = *from;
    } else {
        int64_t count = to->count + from->count;
        double delta = from->mean - to->mean;
        double mean = to->mean + (double)from->count / (double)count * delta;
        to->m2 = to->m2 + from->m2 +
                 (double)to->count * (double)from->count / (double)count * delta * delta;
        to->mean = mean;
        to->count = count;
    }
    if (to->count <= 0) to->mean = to->m2 = 0;
    return ST_OK;
}

typedef struct VarianceBound {
    bool sample, root;
} VarianceBound;

// CAST(double AS INT) saturates, narrower integers are cut out of the INT.
static int64_t saturate(double value, Phys phys) {
    if (isnan(value)) return 0;
    double low = phys == PHYS_I64 ? (double)INT64_MIN : (double)INT32_MIN;
    double high = phys == PHYS_I64 ? (double)INT64_MAX : (double)INT32_MAX;
    if (value <= low) return phys == PHYS_I64 ? INT64_MIN : INT32_MIN;
    if (value >= high) return phys == PHYS_I64 ? INT64_MAX : INT32_MAX;
    return (int64_t)value;
}

// The variance or deviation; false for none.
static bool variance_of(int64_t count, double m2, const VarianceBound *bound, double *out) {
    if (count <= 0 || m2 < 0 || (bound->sample && count == 1)) return false;
    *out = m2 / (double)(bound->sample ? count - 1 : count);
    if (bound->root) *out = sqrt(*out);
    return true;
}

static bool put_number(Vec *out, uint32_t row, double value) {
    switch (out->phys) {
        case PHYS_F32: vec_f32(out)[row] = (float)value; return true;
        case PHYS_F64: vec_f64(out)[row] = value; return true;
        case PHYS_I128:
            return decimal_from_f64(value, out->type->precision, out->type->scale,
                                    &vec_i128(out)[row]);
        default: vec_set_integer(out, row, saturate(value, out->phys)); return true;
    }
}

static Status welford_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                           uint32_t row, Error *err) {
    (void)env, (void)err;
    const Welford *w = (const Welford *)state;
    double value;
    if (!variance_of(w->count, w->m2, call->bound, &value) || !put_number(out, row, value)) {
        agg_emit_null(call->result, out, row);
    }
    return ST_OK;
}

static Status welford_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                            uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const Welford *w = (const Welford *)state;
    vec_i64(out->child[0])[row] = w->count;
    vec_f64(out->child[1])[row] = w->mean;
    vec_f64(out->child[2])[row] = w->m2;
    return ST_OK;
}

static Status welford_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                           uint8_t *state, Error *err) {
    (void)call, (void)env, (void)err;
    *(Welford *)state = (Welford){vec_i64(in->child[0])[row], vec_f64(in->child[1])[row],
                                  vec_f64(in->child[2])[row]};
    return ST_OK;
}

static Status m2_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                      uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const Welford *w = (const Welford *)state;
    if (w->count <= 0 || w->m2 < 0) {
        vec_set_null(out, row);
    } else {
        vec_f64(out)[row] = w->m2;
    }
    return ST_OK;
}

static const AggImpl M2_IMPL = {
    .size = sizeof(Welford), .align = 8, .update = welford_update, .merge = welford_merge,
    .emit = m2_emit, .write = welford_write, .read = welford_read,
};
static const AggImpl WELFORD_IMPL = {
    .size = sizeof(Welford), .align = 8, .update = welford_update, .merge = welford_merge,
    .emit = welford_emit, .write = welford_write, .read = welford_read,
};

static Status variance_bind(AggCall *call, const VarianceBound *bound) {
    const Type *result = call->arg[0];
    if (result->kind == TYPE_DECIMAL) {
        int32_t scale = result->scale > 6 ? result->scale : 6;
        result = type_decimal(call->arena, TYPE_DECIMAL_MAX, scale, result->nullable);
    }
    const Type *f64 = type_of(TYPE_DOUBLE, false);
    call->result = agg_type_of_group(call, result);
    call->state_type = agg_state_row(call->arena, "count", type_of(TYPE_BIGINT, false), "mean",
                                     f64, "m2", f64, NULL);
    call->bound = bound;
    call->impl = &WELFORD_IMPL;
    return ST_OK;
}

static const VarianceBound VAR_POP = {.sample = false, .root = false},
                           VAR_SAMP = {.sample = true, .root = false},
                           STDDEV_POP = {.sample = false, .root = true},
                           STDDEV_SAMP = {.sample = true, .root = true};

static Status var_pop_bind(AggCall *call, Error *err) {
    (void)err;
    return variance_bind(call, &VAR_POP);
}
static Status var_samp_bind(AggCall *call, Error *err) {
    (void)err;
    return variance_bind(call, &VAR_SAMP);
}
static Status stddev_pop_bind(AggCall *call, Error *err) {
    (void)err;
    return variance_bind(call, &STDDEV_POP);
}
static Status stddev_samp_bind(AggCall *call, Error *err) {
    (void)err;
    return variance_bind(call, &STDDEV_SAMP);
}

static Status m2_bind(AggCall *call, Error *err) {
    TRY(var_pop_bind(call, err));
    call->result = type_of(TYPE_DOUBLE, true);
    call->impl = &M2_IMPL;
    return ST_OK;
}

// The functions of m2 and count that a group's variances are reduced to.
static Status reduced_bind(FuncCall *call, Error *err) {
    static const struct {
        const char *name;
        const VarianceBound *bound;
    } FUNCS[] = {{"$VAR_POP", &VAR_POP}, {"$VAR_SAMP", &VAR_SAMP}, {"$STDDEV_POP", &STDDEV_POP},
                 {"$STDDEV_SAMP", &STDDEV_SAMP}};
    (void)err;
    for (size_t i = 0; i < sizeof FUNCS / sizeof *FUNCS; i++) {
        if (strcmp(FUNCS[i].name, call->func->name) == 0) call->bound = FUNCS[i].bound;
    }
    call->result = call->arg[2];
    return ST_OK;
}

static Status reduced_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *m2 = args->arg[0], *count = args->arg[1];
    for (uint32_t row = 0; row < args->rows; row++) {
        double value;
        bool has = !vec_is_null(m2, row) &&
                   variance_of(vec_i64(count)[row], vec_f64(m2)[row], args->call->bound, &value);
        if (!has || !put_number(out, row, value)) agg_emit_null(args->call->result, out, row);
    }
    return ST_OK;
}

#define REDUCED(name_)                                                                           \
    {.name = (name_), .args = {ARG_DOUBLE, ARG_BIGINT, ARG_ANY}, .nulls = NULLS_OWN,             \
     .flags = FUNC_HIDDEN, .bind = reduced_bind, .kernel = reduced_kernel,                       \
     .doc = "The aggregate, from the sum of squared differences and the count."}
static const ScalarFunc REDUCED_FUNCS[] = {
    REDUCED("$STDDEV_POP"), REDUCED("$STDDEV_SAMP"), REDUCED("$VAR_POP"), REDUCED("$VAR_SAMP"),
};
const FuncTable REDUCED_TABLE = FUNC_TABLE("Aggregate functions", REDUCED_FUNCS);

// ---- PERCENTILE ---------------------------------------------------------------------------------

// Exact: all values with their counts. The percentages are those of the first row.
typedef struct Percentile {
    SortedBag bag;
    double *want;  // owned
    uint32_t wanted;
    uint8_t set;
} Percentile;

static Status percentile_set(Percentile *state, const double *want, uint32_t wanted, AggEnv *env,
                             Error *err) {
    for (uint32_t i = 0; i < wanted; i++) {
        if (want[i] >= 0 && want[i] <= 1) continue;
        return error_set(err, ST_RUNTIME,
                         "Percentage of PERCENTILE should be between [0.0, 1.0], but was '%g'.",
                         want[i]);
    }
    if (wanted) TRY(store_resize(env, &state->want, 0, wanted * sizeof *want, err));
    if (wanted) memcpy(state->want, want, wanted * sizeof *want);
    state->wanted = wanted;
    state->set = 1;
    return ST_OK;
}

static Status percentile_set_from(Percentile *state, const Vec *vec, uint32_t row, AggEnv *env,
                                  Error *err) {
    if (vec->phys != PHYS_LIST) return percentile_set(state, vec_f64(vec) + row, 1, env, err);
    ListView view = vec_list(vec)[row];
    return percentile_set(state, vec_f64(vec->child[0]) + view.offset, view.count, env, err);
}

static Status percentile_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_row_taken(in, row)) continue;
        Percentile *state = (Percentile *)agg_state(call, in, row);
        if (!state->set) TRY(percentile_set_from(state, in->arg[1], row, env, err));
        int64_t times = 1;
        if (call->argc > 2) times = vec_is_null(in->arg[2], row) ? 0 : vec_integer(in->arg[2], row);
        if (times <= 0 || vec_is_null(in->arg[0], row)) continue;
        BagKey key = {.f64 = number_of(in->arg[0], row)};
        TRY(bag_add(&state->bag, PHYS_F64, key, times * agg_sign(in, row), env, err));
    }
    return ST_OK;
}

static Status percentile_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                               Error *err) {
    (void)call;
    Percentile *to = (Percentile *)dst;
    const Percentile *from = (const Percentile *)src;
    if (!to->set && from->set) TRY(percentile_set(to, from->want, from->wanted, env, err));
    BagAt at = {0};
    for (const BagItem *item; (item = bag_next(&from->bag, &at));) {
        TRY(bag_add(&to->bag, PHYS_F64, item->key, item->count, env, err));
    }
    return ST_OK;
}

// The value at [want] of the way from the first to the last of [total] values, linear between two.
static double percentile_at(const SortedBag *bag, int64_t total, double want) {
    double position = want * (double)(total - 1) + 1;
    int64_t lower = (int64_t)floor(position), higher = (int64_t)ceil(position);
    BagAt at = {0};
    const BagItem *item = bag_next(bag, &at);
    int64_t passed = item->count;
    while (passed < lower) {
        item = bag_next(bag, &at);
        passed += item->count;
    }
    if (passed >= higher) return item->key.f64;
    const BagItem *next = bag_next(bag, &at);
    return ((double)higher - position) * item->key.f64 + (position - (double)lower) * next->key.f64;
}

static Status percentile_emit(const AggCall *call, const uint8_t *data, AggEnv *env, Vec *out,
                              uint32_t row, Error *err) {
    (void)env, (void)err;
    const Percentile *state = (const Percentile *)data;
    int64_t total = 0;
    BagAt at = {0};
    for (const BagItem *item; (item = bag_next(&state->bag, &at));) total += item->count;
    if (total <= 0 || !state->wanted) {
        agg_emit_null(call->result, out, row);
    } else if (out->phys == PHYS_LIST) {
        uint32_t to = vec_list_begin(out, row, state->wanted);
        for (uint32_t i = 0; i < state->wanted; i++) {
            vec_f64(out->child[0])[to + i] = percentile_at(&state->bag, total, state->want[i]);
        }
    } else {
        vec_f64(out)[row] = percentile_at(&state->bag, total, state->want[0]);
    }
    return ST_OK;
}

static void percentile_clear(const AggCall *call, uint8_t *data, AggEnv *env) {
    (void)call;
    Percentile *state = (Percentile *)data;
    bag_free(&state->bag, env);
    store_free(env, state->want, state->wanted * sizeof *state->want);
}

static Status percentile_write(const AggCall *call, const uint8_t *data, AggEnv *env, Vec *out,
                               uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const Percentile *state = (const Percentile *)data;
    store_write_bag(&state->bag, out->child[0], row);
    if (!state->set) {
        vec_set_null(out->child[1], row);
        return ST_OK;
    }
    uint32_t to = vec_list_begin(out->child[1], row, state->wanted);
    for (uint32_t i = 0; i < state->wanted; i++) {
        vec_f64(out->child[1]->child[0])[to + i] = state->want[i];
    }
    return ST_OK;
}

static Status percentile_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                              uint8_t *data, Error *err) {
    (void)call;
    Percentile *state = (Percentile *)data;
    TRY(store_read_bag(&state->bag, in->child[0], row, env, err));
    if (vec_is_null(in->child[1], row)) return ST_OK;
    return percentile_set_from(state, in->child[1], row, env, err);
}

static const AggImpl PERCENTILE_IMPL = {
    .size = sizeof(Percentile), .align = 8, .flags = AGG_OWNS, .update = percentile_update,
    .merge = percentile_merge, .emit = percentile_emit, .clear = percentile_clear,
    .write = percentile_write, .read = percentile_read,
};

static Status percentile_bind(AggCall *call, Error *err) {
    const Type *want = call->arg[1], *f64 = type_of(TYPE_DOUBLE, false);
    bool list = want->kind == TYPE_ARRAY;
    const Type *number = list ? want->child[0] : want;
    bool fits = !want->nullable && type_is_numeric(number) && !number->nullable;
    if (fits && !list && call->literal && call->literal[1] && !vec_is_null(call->literal[1], 0)) {
        double value = number_of(call->literal[1], 0);
        fits = value >= 0 && value <= 1;
    }
    if (call->argc > 2) fits = fits && type_is_integer(call->arg[2]);
    if (!fits) return agg_mismatch(call, err);
    call->arg[1] = list ? type_array(call->arena, f64, false) : f64;
    call->result = type_of(TYPE_DOUBLE, true);
    if (list) call->result = type_array(call->arena, call->result, true);
    call->state_type = agg_state_row(call->arena, "values", store_counts_type(call->arena, f64),
                                     "percentages", type_array(call->arena, f64, true), NULL);
    call->impl = &PERCENTILE_IMPL;
    return ST_OK;
}

// ---- APPROX_COUNT_DISTINCT: HyperLogLog (Flajolet et al., 2007) with linear counting ------------

enum { HLL_BITS = 14, HLL_REGISTERS = 1 << HLL_BITS };  // a standard error of 0.81 %

typedef struct Hll {
    uint8_t *rank;  // owned, HLL_REGISTERS of them; NULL: no value yet
} Hll;

static Status hll_need(Hll *hll, AggEnv *env, Error *err) {
    if (hll->rank) return ST_OK;
    TRY(store_resize(env, &hll->rank, 0, HLL_REGISTERS, err));
    memset(hll->rank, 0, HLL_REGISTERS);
    return ST_OK;
}

static Status hll_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err) {
    for (uint32_t row = 0; row < in->rows; row++) {
        if (!agg_takes(in, in->arg[0], row)) continue;
        Hll *hll = (Hll *)agg_state(call, in, row);
        TRY(hll_need(hll, env, err));
        uint64_t hash = hash_u64(vec_hash_value(in->arg[0], row));
        uint32_t slot = (uint32_t)(hash >> (64 - HLL_BITS));
        uint64_t rest = hash << HLL_BITS;
        uint8_t rank = rest ? (uint8_t)(__builtin_clzll(rest) + 1) : 64 - HLL_BITS + 1;
        if (rank > hll->rank[slot]) hll->rank[slot] = rank;
    }
    return ST_OK;
}

static Status hll_merge(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env,
                        Error *err) {
    (void)call;
    Hll *to = (Hll *)dst;
    const Hll *from = (const Hll *)src;
    if (!from->rank) return ST_OK;
    TRY(hll_need(to, env, err));
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        if (from->rank[i] > to->rank[i]) to->rank[i] = from->rank[i];
    }
    return ST_OK;
}

static Status hll_emit(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                       uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const Hll *hll = (const Hll *)state;
    if (!hll->rank) return ST_OK;  // 0
    double sum = 0;
    uint32_t empty = 0;
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        sum += ldexp(1, -hll->rank[i]);
        empty += hll->rank[i] == 0;
    }
    const double m = HLL_REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
    double count = alpha * m * m / sum;
    if (count <= 2.5 * m && empty) count = m * log(m / empty);
    vec_i64(out)[row] = llround(count);
    return ST_OK;
}

static void hll_clear(const AggCall *call, uint8_t *state, AggEnv *env) {
    (void)call;
    store_free(env, ((Hll *)state)->rank, HLL_REGISTERS);
}

static Status hll_write(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out,
                        uint32_t row, Error *err) {
    (void)call, (void)env, (void)err;
    const Hll *hll = (const Hll *)state;
    if (hll->rank) {
        vec_set_text(out, row, str_make((const char *)hll->rank, HLL_REGISTERS));
    } else {
        vec_set_null(out, row);
    }
    return ST_OK;
}

static Status hll_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                       uint8_t *state, Error *err) {
    (void)call;
    Hll *hll = (Hll *)state;
    if (vec_is_null(in, row) || vec_str(in)[row].len != HLL_REGISTERS) return ST_OK;
    TRY(hll_need(hll, env, err));
    memcpy(hll->rank, vec_str(in)[row].ptr, HLL_REGISTERS);
    return ST_OK;
}

static const AggImpl HLL_IMPL = {
    .size = sizeof(Hll), .align = 8, .flags = AGG_OWNS, .update = hll_update, .merge = hll_merge,
    .emit = hll_emit, .clear = hll_clear, .write = hll_write, .read = hll_read,
};

static Status approx_count_distinct_bind(AggCall *call, Error *err) {
    (void)err;
    call->result = type_of(TYPE_BIGINT, false);
    call->state_type = type_of(TYPE_VARBINARY, true);
    call->impl = &HLL_IMPL;
    return ST_OK;
}

static const AggFunc STAT_AGGS[] = {
    {.name = "$M2", .args = {ARG_NUMERIC}, .flags = AGG_HIDDEN, .bind = m2_bind,
     .doc = "The sum of the squared differences from the mean."},
    {.name = "APPROX_COUNT_DISTINCT", .args = {ARG_ANY}, .bind = approx_count_distinct_bind,
     .flags = AGG_BATCH_ONLY | AGG_NO_RETRACT,
     .doc = "The number of different values, give or take one percent."},
    {.name = "PERCENTILE", .args = {ARG_NUMERIC, ARG_ANY, ARG_ANY}, .argc_min = 2, .argc_max = 3,
     .bind = percentile_bind,
     .doc = "The exact value at a percentage between 0.0 and 1.0 of the way through the sorted "
            "values, or an array of them for an array of percentages; the third argument says how "
            "often a value counts."},
    {.name = "STDDEV_POP", .args = {ARG_NUMERIC}, .bind = stddev_pop_bind,
     .reduced = "$STDDEV_POP",
     .doc = "The population standard deviation, in the type of the values."},
    {.name = "STDDEV_SAMP", .alias = {"STDDEV"}, .args = {ARG_NUMERIC}, .bind = stddev_samp_bind,
     .reduced = "$STDDEV_SAMP",
     .doc = "The sample standard deviation, in the type of the values."},
    {.name = "VAR_POP", .args = {ARG_NUMERIC}, .bind = var_pop_bind,
     .reduced = "$VAR_POP",
     .doc = "The population variance, in the type of the values."},
    {.name = "VAR_SAMP", .alias = {"VARIANCE"}, .args = {ARG_NUMERIC}, .bind = var_samp_bind,
     .reduced = "$VAR_SAMP",
     .doc = "The sample variance, in the type of the values."},
};
const AggTable STAT_AGG_TABLE = AGG_TABLE("Aggregate functions", STAT_AGGS);
