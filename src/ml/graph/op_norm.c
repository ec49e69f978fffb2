// ml/graph/op_norm.c - softmax and the layers that normalise.
#include <math.h>

#include "ml/graph/kernels.h"
#include "ml/graph/math.h"

// --- Softmax ---

// A line of values, [step] apart.
static void soft_line(SoftKind kind, const Tensor *in, const Tensor *out, int64_t at, int64_t n,
                      int64_t step) {
    double most = -INFINITY, sum = 0;
    int64_t greatest = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = tensor_number(in, at + i * step);
        if (x > most) most = x, greatest = i;
    }
    for (int64_t i = 0; i < n && kind != SOFT_HARD; i++) {
        sum += exp(tensor_number(in, at + i * step) - most);
    }
    for (int64_t i = 0; i < n; i++) {
        double x = tensor_number(in, at + i * step) - most;
        double y = kind == SOFT_HARD ? (i == greatest) : kind == SOFT_LOG ? x - log(sum)
                                                                          : exp(x) / sum;
        tensor_put_number(out, at + i * step, y);
    }
}

static void soft_line_f32(const float *in, float *out, size_t n) {
    const Math *with = math();
    float most = with->max(in, n);
    with->binary[MATH_SUB](in, &most, out, n, n == 1 ? 0 : 2);
    with->unary[MATH_EXP](out, out, n, 0, 0);
    float scale = 1 / with->sum(out, n);
    with->binary[MATH_MUL](out, &scale, out, n, n == 1 ? 0 : 2);
}

Status kernel_softmax(const Call *call, Error *err) {
    const SoftParams *params = call->params;
    const Tensor *in = call->in[0];
    if (!tensor_is_float(in->type)) return call_no_type(in, err);
    uint32_t axis = 0;
    bool flat = params->flat && params->axis == in->rank;
    if (in->rank && !flat) TRY(axis_of(params->axis, in->rank, &axis, err));
    TRY(call_reuse(call, 0, in->type, 0, err));
    int64_t n = !in->rank || flat ? 1
                : params->flat    ? tensor_span(in, axis, in->rank)
                                  : in->dim[axis];
    int64_t inner = params->flat || !in->rank ? 1 : tensor_span(in, axis + 1, in->rank);
    const Tensor *out = &call->out[0];
    if (!in->count) return ST_OK;
    for (int64_t line = 0; line < in->count / n; line++) {
        int64_t at = line / inner * inner * n + line % inner;
        if (in->type == TENSOR_F32 && inner == 1 && call->arg == SOFT_MAX) {
            soft_line_f32(tensor_f32(in) + at, tensor_f32(out) + at, (size_t)n);
        } else {
            soft_line((SoftKind)call->arg, in, out, at, n, inner);
        }
    }
    return ST_OK;
}

// --- Batches, layers, instances, groups ---

// Value [i] of input [in], or what stands for one that is left out.
static double weight(const Call *call, uint32_t in, int64_t i, double otherwise) {
    const Tensor *t = in < call->in_count ? call->in[in] : NULL;
    return t ? tensor_number(t, i) : otherwise;
}

static Status want_weights(const Call *call, int64_t count, Error *err) {
    for (uint32_t i = 1; i < call->in_count; i++) {
        if (!call->in[i]) continue;
        TRY(call_want_number(call, i, err));
        if (call->in[i]->count != count) return call_misfit(call->in[0], call->in[i], err);
    }
    return ST_OK;
}

// Inputs: image, scale, shift, mean, variance. All that is known becomes a factor and a summand.
static Status norm_batch(const Call *call, const NormParams *params, Error *err) {
    const Tensor *in = call->in[0];
    uint32_t axis;
    if (call->in_count < 5 || !call->in[3] || !call->in[4]) {
        return error_set(err, ST_RUNTIME, "mean and variance are missing");
    }
    TRY(axis_of(params->axis, in->rank, &axis, err));
    int64_t channels = in->dim[axis], inner = tensor_span(in, axis + 1, in->rank);
    TRY(want_weights(call, channels, err));
    void *scratch;
    TRY(call_scratch(call, (size_t)channels * 2 * sizeof(double) + 1, &scratch, err));
    double *factor = scratch, *summand = factor + channels;
    for (int64_t c = 0; c < channels; c++) {
        factor[c] = weight(call, 1, c, 1) /
                    sqrt(weight(call, 4, c, 1) + (double)params->epsilon);
        summand[c] = weight(call, 2, c, 0) - weight(call, 3, c, 0) * factor[c];
    }
    TRY(call_reuse(call, 0, in->type, 0, err));
    const Tensor *out = &call->out[0];
    for (int64_t i = 0, c = 0; i < in->count; i += inner, c = c + 1 == channels ? 0 : c + 1) {
        for (int64_t k = i; k < i + inner; k++) {
            tensor_put_number(out, k, tensor_number(in, k) * factor[c] + summand[c]);
        }
    }
    return ST_OK;
}

// Takes the mean off [n] values from [at] on and divides by their deviation.
static void normalise(const Call *call, const NormParams *params, const Tensor *in, int64_t at,
                      int64_t n, int64_t line) {
    const Tensor *out = &call->out[0];
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n && !params->rms; i++) mean += tensor_number(in, at + i);
    mean /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        double x = tensor_number(in, at + i) - mean;
        variance += x * x;
    }
    double factor = 1 / sqrt(variance / (double)n + (double)params->epsilon);
    if (call->arg == NORM_LAYER && call->out_count > 1 && call->out[1].type) {
        tensor_put_number(&call->out[1], line, mean);
    }
    if (call->arg == NORM_LAYER && call->out_count > 2 && call->out[2].type) {
        tensor_put_number(&call->out[2], line, factor);
    }
    for (int64_t i = 0; i < n; i++) {
        tensor_put_number(out, at + i, (tensor_number(in, at + i) - mean) * factor);
    }
}

static Status norm_layer(const Call *call, const NormParams *params, Error *err) {
    const Tensor *in = call->in[0];
    uint32_t axis;
    TRY(axis_of(params->axis, in->rank, &axis, err));
    int64_t n = tensor_span(in, axis, in->rank), lines = tensor_span(in, 0, axis);
    TRY(want_weights(call, n, err));
    int64_t dim[TENSOR_RANK_MAX];
    for (uint32_t d = 0; d < in->rank; d++) dim[d] = d < axis ? in->dim[d] : 1;
    for (uint32_t i = 1; i < call->out_count; i++) {
        TRY(call_new(call, i, in->type, in->rank, dim, err));
    }
    TRY(call_like(call, 0, in->type, in, err));
    for (int64_t i = 0; i < lines && n; i++) {
        normalise(call, params, in, i * n, n, i);
        for (int64_t k = 0; k < n; k++) {
            double x = tensor_number(&call->out[0], i * n + k);
            tensor_put_number(&call->out[0], i * n + k,
                              x * weight(call, 1, k, 1) + weight(call, 2, k, 0));
        }
    }
    return ST_OK;
}

// Channels first; a group of channels is normalised together, an instance has a group a channel.
static Status norm_group(const Call *call, const NormParams *params, Error *err) {
    const Tensor *in = call->in[0];
    if (in->rank < 2) return call_misfit(in, in, err);
    int64_t channels = in->dim[1], pixels = tensor_span(in, 2, in->rank);
    int64_t groups = call->arg == NORM_INSTANCE ? channels : params->groups;
    if (groups < 1 || channels % groups) {
        return error_set(err, ST_RUNTIME, "%lld channels in %lld groups", (long long)channels,
                         (long long)groups);
    }
    TRY(want_weights(call, params->group_weights ? groups : channels, err));
    TRY(call_like(call, 0, in->type, in, err));
    int64_t n = channels / groups * pixels;
    for (int64_t i = 0; n && i < in->count / n; i++) normalise(call, params, in, i * n, n, 0);
    const Tensor *out = &call->out[0];
    for (int64_t i = 0; i < out->count; i++) {
        int64_t c = i / pixels % channels;
        if (params->group_weights) c /= channels / groups;
        tensor_put_number(out, i, tensor_number(out, i) * weight(call, 1, c, 1) +
                                      weight(call, 2, c, 0));
    }
    return ST_OK;
}

Status kernel_norm(const Call *call, Error *err) {
    const NormParams *params = call->params;
    if (!tensor_is_float(call->in[0]->type)) return call_no_type(call->in[0], err);
    switch ((NormKind)call->arg) {
        case NORM_BATCH: return norm_batch(call, params, err);
        case NORM_LAYER: return norm_layer(call, params, err);
        case NORM_INSTANCE:
        case NORM_GROUP: return norm_group(call, params, err);
    }
    return ST_OK;
}

// Over neighbouring channels.
Status kernel_lrn(const Call *call, Error *err) {
    const LrnParams *params = call->params;
    const Tensor *in = call->in[0];
    if (!tensor_is_float(in->type) || in->rank < 2) return call_no_type(in, err);
    if (params->size < 1 || params->size > 1 << 20) {
        return error_set(err, ST_RUNTIME, "a window of %lld channels", (long long)params->size);
    }
    uint32_t axis = params->channels_last ? in->rank - 1 : 1;
    int64_t channels = in->dim[axis], inner = tensor_span(in, axis + 1, in->rank);
    TRY(call_work(call, (double)in->count * (double)params->size, err));
    TRY(call_like(call, 0, in->type, in, err));
    int64_t before = (params->size - 1) / 2, after = params->size - 1 - before;
    for (int64_t i = 0; i < in->count; i++) {
        int64_t c = i / inner % channels;
        double sum = 0;
        for (int64_t k = c - before; k <= c + after; k++) {
            if (k < 0 || k >= channels) continue;
            double x = tensor_number(in, i + (k - c) * inner);
            sum += x * x;
        }
        double scale = (double)params->bias + (double)params->alpha * sum;
        tensor_put_number(&call->out[0], i,
                          tensor_number(in, i) / pow(scale, (double)params->beta));
    }
    return ST_OK;
}

Status kernel_lp_norm(const Call *call, Error *err) {
    const LpParams *params = call->params;
    const Tensor *in = call->in[0];
    uint32_t axis;
    if (!tensor_is_float(in->type)) return call_no_type(in, err);
    TRY(axis_of(params->axis, in->rank, &axis, err));
    TRY(call_like(call, 0, in->type, in, err));
    int64_t n = in->dim[axis], inner = tensor_span(in, axis + 1, in->rank);
    for (int64_t line = 0; n && line < in->count / n; line++) {
        int64_t at = line / inner * inner * n + line % inner;
        double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            double x = fabs(tensor_number(in, at + i * inner));
            sum += params->p == 1 ? x : x * x;
        }
        if (params->p != 1) sum = sqrt(sum);
        for (int64_t i = 0; i < n; i++) {
            double x = tensor_number(in, at + i * inner);
            tensor_put_number(&call->out[0], at + i * inner, sum != 0 ? x / sum : 0);
        }
    }
    return ST_OK;
}
