// ml/graph/op_shape.c - tensors under other shapes, and tensors made from shapes.
#include <math.h>

#include "ml/graph/kernels.h"

// The axes of a squeeze or the sizes of a reshape: of the node or of input 1.
static Status numbers_of(const Call *call, const ShapeParams *params, int64_t *out,
                         uint32_t *count, Error *err) {
    const Tensor *t = call->in_count > 1 ? call->in[1] : NULL;
    if (!params->given && t) return call_integers(t, out, TENSOR_RANK_MAX, count, err);
    if (params->count > TENSOR_RANK_MAX) {
        return error_set(err, ST_RUNTIME, "%u dimensions; at most %d are known", params->count,
                         TENSOR_RANK_MAX);
    }
    if (params->count) memcpy(out, params->axes, params->count * sizeof *out);
    *count = params->count;
    return ST_OK;
}

Status kernel_reshape(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t dim[TENSOR_RANK_MAX], count;
    uint32_t rank;
    TRY(numbers_of(call, params, dim, &rank, err));
    int32_t open = -1;
    for (uint32_t d = 0; d < rank; d++) {
        if (dim[d] == 0 && !params->zero_is_zero) {
            if (d >= in->rank) return error_set(err, ST_RUNTIME, "dimension %u is not there", d);
            dim[d] = in->dim[d];
        }
        if (dim[d] != -1) continue;
        if (open >= 0) return error_set(err, ST_RUNTIME, "two dimensions are left open");
        open = (int32_t)d;
        dim[d] = 1;
    }
    TRY(tensor_count(rank, dim, &count, err));
    if (open >= 0 && count && in->count % count == 0) {
        dim[open] = in->count / count;
        count = in->count;
    } else if (open >= 0 && !count) {
        dim[open] = 0;
    }
    if (count != in->count) {
        Tensor wanted = {.rank = rank};
        memcpy(wanted.dim, dim, sizeof dim);
        return call_misfit(in, &wanted, err);
    }
    call_pass(call, 0, in, rank, dim);
    return ST_OK;
}

Status kernel_flatten(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    uint32_t axis = in->rank;
    if (params->axis != in->rank) TRY(axis_of(params->axis, in->rank, &axis, err));
    int64_t dim[2] = {tensor_span(in, 0, axis), tensor_span(in, axis, in->rank)};
    call_pass(call, 0, in, 2, dim);
    return ST_OK;
}

Status kernel_squeeze(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t axes[TENSOR_RANK_MAX], dim[TENSOR_RANK_MAX];
    uint32_t count, rank = 0, bits = 0;
    TRY(numbers_of(call, params, axes, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis;
        TRY(axis_of(axes[i], in->rank, &axis, err));
        if (in->dim[axis] != 1) {
            return error_set(err, ST_RUNTIME, "dimension %u has size %lld, not 1", axis,
                             (long long)in->dim[axis]);
        }
        bits |= (uint32_t)1 << axis;
    }
    for (uint32_t d = 0; d < in->rank; d++) {
        if (count ? !(bits >> d & 1) : in->dim[d] != 1) dim[rank++] = in->dim[d];
    }
    call_pass(call, 0, in, rank, dim);
    return ST_OK;
}

Status kernel_unsqueeze(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t axes[TENSOR_RANK_MAX], dim[TENSOR_RANK_MAX];
    uint32_t count, bits = 0, from = 0;
    TRY(numbers_of(call, params, axes, &count, err));
    uint32_t rank = in->rank + count;
    if (rank > TENSOR_RANK_MAX) return error_set(err, ST_RUNTIME, "%u dimensions", rank);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t axis;
        TRY(axis_of(axes[i], rank, &axis, err));
        if (bits >> axis & 1) return error_set(err, ST_RUNTIME, "axis %u is named twice", axis);
        bits |= (uint32_t)1 << axis;
    }
    for (uint32_t d = 0; d < rank; d++) dim[d] = bits >> d & 1 ? 1 : in->dim[from++];
    call_pass(call, 0, in, rank, dim);
    return ST_OK;
}

// --- Transposition ---

// Copies [n] values of [size] bytes that stand [step] values apart.
static void gather_line(const char *from, char *to, int64_t n, int64_t step, size_t size) {
    if (step == 1) {
        memcpy(to, from, (size_t)n * size);
    } else if (size == 4) {
        const uint32_t *in = (const uint32_t *)(const void *)from;
        uint32_t *out = (uint32_t *)(void *)to;
        for (int64_t i = 0; i < n; i++) out[i] = in[i * step];
    } else {
        for (int64_t i = 0; i < n; i++, to += size)
            memcpy(to, from + (size_t)(i * step) * size, size);
    }
}

Status kernel_transpose(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    int64_t order[TENSOR_RANK_MAX], dim[TENSOR_RANK_MAX], step[TENSOR_RANK_MAX];
    uint32_t count = 0, bits = 0;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(numbers_of(call, params, order, &count, err));
    if (!count) {
        for (uint32_t d = 0; d < in->rank; d++) order[d] = in->rank - 1 - d;
        count = in->rank;
    }
    for (uint32_t d = 0; d < count && count == in->rank; d++) {
        uint32_t axis;
        TRY(axis_of(order[d], in->rank, &axis, err));
        bits |= (uint32_t)1 << axis;
        dim[d] = in->dim[axis];
        step[d] = tensor_span(in, axis + 1, in->rank);
    }
    if (count != in->rank || bits != ((uint32_t)1 << count) - 1) {
        return error_set(err, ST_RUNTIME, "the order names not each of %u dimensions once",
                         in->rank);
    }
    TRY(call_new(call, 0, in->type, count, dim, err));
    const Tensor *out = &call->out[0];
    if (!out->count) return ST_OK;
    size_t size = tensor_size(in->type);
    int64_t n = count ? dim[count - 1] : 1, inner = count ? step[count - 1] : 1;
    int64_t index[TENSOR_RANK_MAX] = {0}, at = 0;
    char *to = out->data;
    for (int64_t i = 0; i < out->count / n; i++, to += (size_t)n * size) {
        gather_line((const char *)in->data + (size_t)at * size, to, n, inner, size);
        for (uint32_t d = count - (count > 0); d-- > 0;) {
            at += step[d];
            if (++index[d] < dim[d]) break;
            at -= step[d] * dim[d];
            index[d] = 0;
        }
    }
    return ST_OK;
}

// --- Shapes as tensors ---

static Status new_vector(const Call *call, uint32_t out, TensorType type, int64_t count,
                         Error *err) {
    return call_new(call, out, type, 1, &count, err);
}

Status kernel_shape(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    for (uint32_t i = 0; i < call->out_count && i < call->in_count; i++) {
        const Tensor *in = call->in[i];
        int64_t rank = in->rank, first = params->first, last = params->last;
        if (first < 0) first += rank;
        if (last < 0) last += rank;
        first = first < 0 ? 0 : first > rank ? rank : first;
        last = last > rank ? rank : last < first ? first : last;
        TRY(new_vector(call, i, params->type, last - first, err));
        for (int64_t d = first; d < last; d++) {
            tensor_put_number(&call->out[i], d - first, (double)in->dim[d]);
        }
    }
    return ST_OK;
}

Status kernel_size(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    TRY(call_new(call, 0, params->type, 0, NULL, err));
    tensor_put_number(&call->out[0], 0, call->arg ? (double)in->rank : (double)in->count);
    return ST_OK;
}

static void fill(const Tensor *out, const void *value) {
    size_t size = tensor_size(out->type);
    char *to = out->data;
    for (int64_t i = 0; i < out->count; i++, to += size) memcpy(to, value, size);
}

Status kernel_fill(const Call *call, Error *err) {
    const FillParams *params = call->params;
    const Tensor *value = call->arg ? &params->value : call->in[1];
    int64_t dim[TENSOR_RANK_MAX];
    uint32_t rank;
    if (!value || value->count != 1 || value->type == TENSOR_LIST) {
        return error_set(err, ST_RUNTIME, "it is filled with one value");
    }
    TRY(call_integers(call->in[0], dim, TENSOR_RANK_MAX, &rank, err));
    TRY(call_new(call, 0, value->type, rank, dim, err));
    fill(&call->out[0], value->data);
    return ST_OK;
}

Status kernel_fill_like(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    TRY(call_like(call, 0, in->type, in, err));
    for (int64_t i = 0; i < in->count; i++) tensor_put_number(&call->out[0], i, call->arg);
    return ST_OK;
}

static Status want_scalars(const Call *call, uint32_t count, Error *err) {
    for (uint32_t i = 0; i < count; i++) {
        TRY(call_want_number(call, i, err));
        if (call->in[i]->count != 1) {
            return error_set(err, ST_RUNTIME, "input %u has not one value", i + 1);
        }
    }
    return ST_OK;
}

Status kernel_range(const Call *call, Error *err) {
    TRY(want_scalars(call, 3, err));
    TensorType type = call->in[0]->type;
    double first = tensor_number(call->in[0], 0), last = tensor_number(call->in[1], 0);
    double step = tensor_number(call->in[2], 0), count = ceil((last - first) / step);
    if (step == 0 || !(count < (double)TENSOR_COUNT_MAX)) {
        return error_set(err, ST_RUNTIME, "a range from %g to %g by %g", first, last, step);
    }
    TRY(new_vector(call, 0, type, count > 0 ? (int64_t)count : 0, err));
    const Tensor *out = &call->out[0];
    for (int64_t i = 0; i < out->count; i++) {
        tensor_put_number(out, i, first + (double)i * step);
    }
    return ST_OK;
}

Status kernel_linspace(const Call *call, Error *err) {
    TRY(want_scalars(call, 3, err));
    double first = tensor_number(call->in[0], 0), last = tensor_number(call->in[1], 0);
    int64_t count = tensor_integer(call->in[2], 0);
    TRY(new_vector(call, 0, call->in[0]->type, count, err));
    for (int64_t i = 0; i < count; i++) {
        double part = count > 1 ? (double)i / (double)(count - 1) : 0;
        tensor_put_number(&call->out[0], i, first + (last - first) * part);
    }
    return ST_OK;
}

// Ones on a diagonal of a matrix shaped as the input.
Status kernel_eye(const Call *call, Error *err) {
    const ShapeParams *params = call->params;
    const Tensor *in = call->in[0];
    if (in->rank != 2) return call_misfit(in, in, err);
    TensorType type = params->type ? params->type : in->type;
    TRY(call_like(call, 0, type, in, err));
    const Tensor *out = &call->out[0];
    if (!tensor_size(type) || type == TENSOR_STR) return call_no_type(out, err);
    for (int64_t i = 0; i < out->count; i++) {
        tensor_put_number(out, i, i % in->dim[1] - i / in->dim[1] == params->axis);
    }
    return ST_OK;
}

Status kernel_one_hot(const Call *call, Error *err) {
    const OneHotParams *params = call->params;
    const Tensor *in = call->in[0], *on = call->in[2], *off = params->pair ? on : call->in[3];
    int64_t depth, dim[TENSOR_RANK_MAX];
    uint32_t count, axis;
    TRY(call_want_number(call, 0, err));
    TRY(call_integers(call->in[1], &depth, 1, &count, err));
    if (!count || in->rank + 1 > TENSOR_RANK_MAX || on->type != off->type ||
        on->count != (params->pair ? 2 : 1) || off->count != on->count ||
        on->type == TENSOR_LIST) {
        return error_set(err, ST_RUNTIME, "depth and values do not fit");
    }
    TRY(axis_of(params->axis, in->rank + 1, &axis, err));
    for (uint32_t d = 0; d <= in->rank; d++) {
        dim[d] = d < axis ? in->dim[d] : d == axis ? depth : in->dim[d - 1];
    }
    TRY(call_new(call, 0, on->type, in->rank + 1, dim, err));
    const Tensor *out = &call->out[0];
    size_t size = tensor_size(on->type);
    const char *hot = (const char *)on->data + (params->pair ? size : 0), *cold = off->data;
    int64_t inner = tensor_span(in, axis, in->rank);
    for (int64_t i = 0; i < out->count; i++) {
        int64_t place = i / inner % depth;
        int64_t value = tensor_integer(in, i / inner / depth * inner + i % inner);
        if (value < 0 && params->pair) value += depth;
        memcpy((char *)out->data + (size_t)i * size, value == place ? hot : cold, size);
    }
    return ST_OK;
}

Status kernel_broadcast_shapes(const Call *call, Error *err) {
    int64_t a[TENSOR_RANK_MAX], b[TENSOR_RANK_MAX];
    uint32_t a_rank, b_rank;
    TRY(call_integers(call->in[0], a, TENSOR_RANK_MAX, &a_rank, err));
    TRY(call_integers(call->in[1], b, TENSOR_RANK_MAX, &b_rank, err));
    uint32_t rank = a_rank > b_rank ? a_rank : b_rank;
    TRY(new_vector(call, 0, call->in[0]->type, rank, err));
    for (uint32_t d = 0; d < rank; d++) {
        int64_t x = d < rank - a_rank ? 1 : a[d - (rank - a_rank)];
        int64_t y = d < rank - b_rank ? 1 : b[d - (rank - b_rank)];
        if (x != y && x != 1 && y != 1) {
            return error_set(err, ST_RUNTIME, "dimensions %lld and %lld do not fit", (long long)x,
                             (long long)y);
        }
        tensor_put_number(&call->out[0], d, (double)(x == 1 ? y : x));
    }
    return ST_OK;
}

Status kernel_turn_axes(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    if (!tensor_is_int(in->type) || in->rank != 1) return call_no_type(in, err);
    TRY(call_like(call, 0, in->type, in, err));
    for (int64_t i = 0; i < in->count; i++) tensor_put_number(&call->out[0], i, 0);
    for (int64_t i = 0; i < in->count; i++) {
        int64_t at = tensor_integer(in, i);
        if (at < 0 || at >= in->count) return error_set(err, ST_RUNTIME, "no permutation");
        tensor_put_number(&call->out[0], at, (double)i);
    }
    return ST_OK;
}
