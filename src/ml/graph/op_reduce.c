// ml/graph/op_reduce.c - sums, extremes, places of extremes, running sums, the first k.
#include <math.h>
#include <stdlib.h>

#include "ml/graph/kernels.h"
#include "ml/graph/math.h"

// --- Reductions ---

// The axes as bits; all of them when none are named.
static Status axes_of(const Call *call, const ReduceParams *params, uint32_t rank, uint32_t *bits,
                      Error *err) {
    int64_t axis[TENSOR_RANK_MAX * 2];
    uint32_t count = params->axis_count;
    const int64_t *at = params->axes;
    const Tensor *t = call->in_count > 1 ? call->in[1] : NULL;
    if (t) {
        TRY(call_integers(t, axis, TENSOR_RANK_MAX * 2, &count, err));
        at = axis;
    }
    *bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t one;
        TRY(axis_of(at[i], rank, &one, err));
        *bits |= (uint32_t)1 << one;
    }
    // In TF an empty list means no axes, in ONNX all of them unless the node says otherwise.
    if (!count && !params->none_is_none) *bits = ((uint32_t)1 << rank) - 1;
    return ST_OK;
}

typedef struct Reduction {
    uint32_t out_rank, kept_rank, gone_rank;
    int64_t out_dim[TENSOR_RANK_MAX];
    int64_t kept[TENSOR_RANK_MAX], kept_step[TENSOR_RANK_MAX];
    int64_t gone[TENSOR_RANK_MAX], gone_step[TENSOR_RANK_MAX];
    int64_t gone_count;
} Reduction;

static void reduction_init(Reduction *self, const Tensor *in, uint32_t bits, bool keep) {
    *self = (Reduction){.gone_count = 1};
    int64_t step = in->count;
    for (uint32_t d = 0; d < in->rank; d++) {
        step = in->dim[d] ? step / in->dim[d] : 0;
        if (bits >> d & 1) {
            self->gone[self->gone_rank] = in->dim[d];
            self->gone_step[self->gone_rank++] = step;
            self->gone_count *= in->dim[d];
            if (keep) self->out_dim[self->out_rank++] = 1;
        } else {
            self->kept[self->kept_rank] = in->dim[d];
            self->kept_step[self->kept_rank++] = step;
            self->out_dim[self->out_rank++] = in->dim[d];
        }
    }
}

static int64_t place(const int64_t *dim, const int64_t *step, uint32_t rank, int64_t i) {
    int64_t at = 0;
    for (uint32_t d = rank; d-- > 0;) {
        at += i % dim[d] * step[d];
        i /= dim[d];
    }
    return at;
}

static double start_of(ReduceKind kind) {
    switch (kind) {
        case REDUCE_MAX: return -INFINITY;
        case REDUCE_MIN: return INFINITY;
        case REDUCE_PROD:
        case REDUCE_ALL: return 1;
        default: return 0;
    }
}

static double fold_in(ReduceKind kind, double sum, double x) {
    switch (kind) {
        case REDUCE_SUM:
        case REDUCE_MEAN:
        case REDUCE_LOG_SUM: return sum + x;
        case REDUCE_MAX: return x > sum || x != x ? x : sum;
        case REDUCE_MIN: return x < sum || x != x ? x : sum;
        case REDUCE_PROD: return sum * x;
        case REDUCE_L1: return sum + fabs(x);
        case REDUCE_L2:
        case REDUCE_SUM_SQUARE:
        case REDUCE_HALF_SQUARE: return sum + x * x;
        case REDUCE_ALL: return sum != 0 && x != 0;
        case REDUCE_ANY: return sum != 0 || x != 0;
        case REDUCE_LOG_SUM_EXP: return sum;
    }
    return sum;
}

static double end_of(ReduceKind kind, double sum, int64_t count) {
    switch (kind) {
        case REDUCE_MEAN: return sum / (double)count;
        case REDUCE_L2: return sqrt(sum);
        case REDUCE_LOG_SUM: return log(sum);
        case REDUCE_HALF_SQUARE: return sum / 2;
        default: return sum;
    }
}

static double log_sum_exp(const Reduction *r, const Tensor *in, int64_t base) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < r->gone_count; i++) {
        most = fmax(most, tensor_number(in, base + place(r->gone, r->gone_step, r->gone_rank, i)));
    }
    if (isinf(most)) return most;
    for (int64_t i = 0; i < r->gone_count; i++) {
        int64_t at = base + place(r->gone, r->gone_step, r->gone_rank, i);
        sum += exp(tensor_number(in, at) - most);
    }
    return most + log(sum);
}

// Integers of 64 bits do not go by way of doubles.
static int64_t reduce_integers(ReduceKind kind, const Reduction *r, const Tensor *in,
                               int64_t base) {
    uint64_t sum = kind == REDUCE_PROD ? 1 : 0;
    int64_t extreme = kind == REDUCE_MAX ? INT64_MIN : INT64_MAX;
    for (int64_t i = 0; i < r->gone_count; i++) {
        int64_t x = tensor_integer(in, base + place(r->gone, r->gone_step, r->gone_rank, i));
        if (kind == REDUCE_PROD) sum *= (uint64_t)x;
        else if (kind == REDUCE_SUM_SQUARE) sum += (uint64_t)x * (uint64_t)x;
        else if (kind == REDUCE_L1) sum += x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
        else sum += (uint64_t)x;
        if (kind == REDUCE_MAX ? x > extreme : x < extreme) extreme = x;
    }
    if (kind == REDUCE_MAX || kind == REDUCE_MIN) return extreme;
    if (kind == REDUCE_MEAN) return r->gone_count ? (int64_t)sum / r->gone_count : 0;
    return (int64_t)sum;
}

static double reduce_at(ReduceKind kind, const Reduction *r, const Tensor *in, int64_t base) {
    if (kind == REDUCE_LOG_SUM_EXP) return log_sum_exp(r, in, base);
    double sum = start_of(kind);
    for (int64_t i = 0; i < r->gone_count; i++) {
        int64_t at = base + place(r->gone, r->gone_step, r->gone_rank, i);
        sum = fold_in(kind, sum, tensor_number(in, at));
    }
    return end_of(kind, sum, r->gone_count);
}

Status kernel_reduce(const Call *call, Error *err) {
    const ReduceParams *params = call->params;
    const Tensor *in = call->in[0];
    ReduceKind kind = (ReduceKind)call->arg;
    uint32_t bits;
    TRY(call_want_number(call, 0, err));
    TRY(axes_of(call, params, in->rank, &bits, err));
    if (bits == 0 && kind <= REDUCE_PROD) {
        call_pass(call, 0, in, in->rank, in->dim);
        return ST_OK;
    }
    Reduction r;
    reduction_init(&r, in, bits, params->keep);
    TRY(call_new(call, 0, in->type, r.out_rank, r.out_dim, err));
    const Tensor *out = &call->out[0];
    TRY(call_work(call, (double)out->count * (double)r.gone_count, err));
    bool line = r.gone_rank == 1 && r.gone_step[0] == 1 && in->type == TENSOR_F32;
    for (int64_t i = 0; i < out->count; i++) {
        int64_t base = place(r.kept, r.kept_step, r.kept_rank, i);
        if (line && kind <= REDUCE_MEAN) {
            float sum = math()->sum(tensor_f32(in) + base, (size_t)r.gone_count);
            tensor_f32(out)[i] = kind == REDUCE_MEAN ? sum / (float)r.gone_count : sum;
        } else if (in->type == TENSOR_I64) {
            tensor_i64(out)[i] = reduce_integers(kind, &r, in, base);
        } else {
            tensor_put_number(out, i, reduce_at(kind, &r, in, base));
        }
    }
    return ST_OK;
}

// --- Places of extremes ---

Status kernel_arg(const Call *call, Error *err) {
    const ArgParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t wanted = params->axis;
    uint32_t axis;
    TRY(call_want_number(call, 0, err));
    if (params->axis_input) {
        uint32_t count;
        TRY(call_integers(call->in[1], &wanted, 1, &count, err));
    }
    TRY(axis_of(wanted, in->rank, &axis, err));
    Reduction r;
    reduction_init(&r, in, (uint32_t)1 << axis, params->keep);
    if (!r.gone_count) return error_set(err, ST_RUNTIME, "the greatest of no values");
    TRY(call_new(call, 0, params->type, r.out_rank, r.out_dim, err));
    for (int64_t i = 0; i < call->out[0].count; i++) {
        int64_t base = place(r.kept, r.kept_step, r.kept_rank, i), best = 0;
        double found = tensor_number(in, base);
        for (int64_t k = 1; k < r.gone_count; k++) {
            double x = tensor_number(in, base + k * r.gone_step[0]);
            bool better = call->arg ? x > found : x < found;
            if (!better && !(params->last && x == found)) continue;
            best = k;
            found = x;
        }
        tensor_put_number(&call->out[0], i, (double)best);
    }
    return ST_OK;
}

// --- Running sums ---

Status kernel_cumulate(const Call *call, Error *err) {
    const CumulateParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t wanted;
    uint32_t axis, count;
    TRY(call_want_number(call, 0, err));
    TRY(call_integers(call->in[1], &wanted, 1, &count, err));
    TRY(axis_of(count ? wanted : 0, in->rank, &axis, err));
    TRY(call_like(call, 0, in->type, in, err));
    int64_t n = in->dim[axis], step = tensor_span(in, axis + 1, in->rank);
    for (int64_t line = 0; n && line < in->count / n; line++) {
        int64_t first = line / step * step * n + line % step;
        double sum = params->product ? 1 : 0;
        for (int64_t i = 0; i < n; i++) {
            int64_t at = first + (params->reverse ? n - 1 - i : i) * step;
            double x = tensor_number(in, at), next = params->product ? sum * x : sum + x;
            tensor_put_number(&call->out[0], at, params->exclusive ? sum : next);
            sum = next;
        }
    }
    return ST_OK;
}

// --- The first k ---

typedef struct Ranked {
    double x;
    int64_t at;
} Ranked;

static int greater_first(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    if (x->x != y->x) return x->x > y->x ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

Status kernel_top(const Call *call, Error *err) {
    const TopParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t k = params->k;
    uint32_t axis, count;
    TRY(call_want_number(call, 0, err));
    if (call->in_count > 1) TRY(call_integers(call->in[1], &k, 1, &count, err));
    TRY(axis_of(params->axis, in->rank, &axis, err));
    int64_t n = in->dim[axis], step = tensor_span(in, axis + 1, in->rank);
    if (k < 0 || k > n) {
        return error_set(err, ST_RUNTIME, "the first %lld of %lld values", (long long)k,
                         (long long)n);
    }
    int64_t dim[TENSOR_RANK_MAX];
    memcpy(dim, in->dim, sizeof dim);
    dim[axis] = k;
    TRY(call_new(call, 0, in->type, in->rank, dim, err));
    if (call->out_count > 1) TRY(call_new(call, 1, params->type, in->rank, dim, err));
    void *scratch;
    TRY(call_scratch(call, (size_t)n * sizeof(Ranked) + 1, &scratch, err));
    Ranked *ranked = scratch;
    for (int64_t line = 0; n && line < in->count / n; line++) {
        int64_t first = line / step * step * n + line % step;
        int64_t out = line / step * step * k + line % step;
        for (int64_t i = 0; i < n; i++) {
            double x = tensor_number(in, first + i * step);
            ranked[i] = (Ranked){params->least ? -x : x, i};
        }
        qsort(ranked, (size_t)n, sizeof *ranked, greater_first);
        for (int64_t i = 0; i < k; i++) {
            double x = tensor_number(in, first + ranked[i].at * step);
            tensor_put_number(&call->out[0], out + i * step, x);
            if (call->out_count < 2) continue;
            tensor_put_number(&call->out[1], out + i * step, (double)ranked[i].at);
        }
    }
    return ST_OK;
}
