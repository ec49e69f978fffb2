// ml/graph/op_join.c - tensors put together, cut apart, repeated and padded.
#include "ml/graph/kernels.h"

// --- Together ---

static Status join_axis(const Call *call, const JoinParams *params, uint32_t rank, uint32_t *axis,
                        Error *err) {
    int64_t wanted = params->axis;
    if (params->axis_input >= 0) {
        uint32_t count;
        const Tensor *t = (uint32_t)params->axis_input < call->in_count
                              ? call->in[params->axis_input] : NULL;
        if (!t) return error_set(err, ST_RUNTIME, "the axis is missing");
        TRY(call_integers(t, &wanted, 1, &count, err));
        if (!count) return error_set(err, ST_RUNTIME, "the axis is missing");
    }
    return axis_of(wanted, rank, axis, err);
}

Status kernel_concat(const Call *call, Error *err) {
    const JoinParams *params = call->params;
    uint32_t first = params->axis_input == 0, end = call->in_count, axis;
    if (params->axis_input > 0) end--;
    if (first >= end || !call->in[first]) return error_set(err, ST_RUNTIME, "nothing to join");
    const Tensor *one = call->in[first];
    uint32_t rank = one->rank + params->new_axis;
    if (rank > TENSOR_RANK_MAX || one->type == TENSOR_LIST) return call_no_type(one, err);
    TRY(join_axis(call, params, rank, &axis, err));
    int64_t dim[TENSOR_RANK_MAX], along = 0;
    for (uint32_t i = first; i < end; i++) {
        const Tensor *t = call->in[i];
        if (!t || t->type != one->type || t->rank != one->rank) {
            return call_misfit(one, t ? t : one, err);
        }
        for (uint32_t d = 0; d < t->rank; d++) {
            if (t->dim[d] != one->dim[d] && (params->new_axis || d != axis)) {
                return call_misfit(one, t, err);
            }
        }
        along += params->new_axis ? 1 : t->dim[axis];
    }
    for (uint32_t d = 0; d < rank; d++) {
        dim[d] = d == axis ? along : one->dim[params->new_axis && d > axis ? d - 1 : d];
    }
    TRY(call_new(call, 0, one->type, rank, dim, err));
    size_t size = tensor_size(one->type);
    int64_t outer = tensor_span(one, 0, axis);
    char *to = call->out[0].data;
    for (int64_t k = 0; k < outer; k++) {
        for (uint32_t i = first; i < end; i++) {
            size_t part = (size_t)(call->in[i]->count / outer) * size;
            memcpy(to, (char *)call->in[i]->data + (size_t)k * part, part);
            to += part;
        }
    }
    return ST_OK;
}

// --- Apart ---

static Status part_sizes(const Call *call, const JoinParams *params, int64_t whole, int64_t *size,
                         Error *err) {
    uint32_t parts = call->out_count, open = parts;
    const Tensor *t = params->size_input >= 0 && (uint32_t)params->size_input < call->in_count
                          ? call->in[params->size_input] : NULL;
    if (params->new_axis) {
        for (uint32_t i = 0; i < parts; i++) size[i] = 1;
    } else if (t || params->size_count) {
        int64_t known = 0;
        if ((t ? t->count : params->size_count) != parts || (t && !tensor_is_int(t->type))) {
            return error_set(err, ST_RUNTIME, "%u parts want as many sizes", parts);
        }
        for (uint32_t i = 0; i < parts; i++) {
            size[i] = t ? tensor_integer(t, i) : params->size[i];
            if (size[i] == -1) open = i;
            if (size[i] < -1 || size[i] > TENSOR_COUNT_MAX) {
                return error_set(err, ST_RUNTIME, "a part of size %lld", (long long)size[i]);
            }
            known += size[i] == -1 ? 0 : size[i];
        }
        if (open < parts) size[open] = whole - known;
    } else {
        int64_t each = (whole + parts - 1) / parts;  // the last may be smaller
        for (uint32_t i = 0; i < parts; i++) {
            int64_t left = whole - each * (int64_t)i;
            size[i] = left < each ? (left < 0 ? 0 : left) : each;
        }
    }
    int64_t sum = 0;
    for (uint32_t i = 0; i < parts; i++) {
        if (size[i] < 0) return error_set(err, ST_RUNTIME, "the parts are more than the whole");
        sum += size[i];
    }
    if (sum == whole) return ST_OK;
    return error_set(err, ST_RUNTIME, "parts of %lld values for %lld", (long long)sum,
                     (long long)whole);
}

Status kernel_split(const Call *call, Error *err) {
    const JoinParams *params = call->params;
    const Tensor *in = call->in[call->arg];
    uint32_t axis;
    void *scratch;
    if (!in || in->type == TENSOR_LIST || !call->out_count) {
        return error_set(err, ST_RUNTIME, "nothing to split");
    }
    TRY(join_axis(call, params, in->rank, &axis, err));
    TRY(call_scratch(call, call->out_count * sizeof(int64_t), &scratch, err));
    int64_t *part = scratch, dim[TENSOR_RANK_MAX], at = 0;
    TRY(part_sizes(call, params, in->dim[axis], part, err));
    int64_t outer = tensor_span(in, 0, axis), inner = tensor_span(in, axis + 1, in->rank);
    size_t size = tensor_size(in->type);
    for (uint32_t i = 0; i < call->out_count; i++) {
        uint32_t rank = 0;
        for (uint32_t d = 0; d < in->rank; d++) {
            if (d == axis && params->new_axis) continue;
            dim[rank++] = d == axis ? part[i] : in->dim[d];
        }
        TRY(call_new(call, i, in->type, rank, dim, err));
        size_t bytes = (size_t)(part[i] * inner) * size;
        char *to = call->out[i].data;
        const char *from = (const char *)in->data + (size_t)(at * inner) * size;
        for (int64_t k = 0; k < outer; k++) {
            memcpy(to, from + (size_t)(k * in->dim[axis] * inner) * size, bytes);
            to += bytes;
        }
        at += part[i];
    }
    return ST_OK;
}

// --- Repeated ---

// Value by value: the place in the result gives the place in the input.
Status kernel_tile(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    int64_t times[TENSOR_RANK_MAX], dim[TENSOR_RANK_MAX], step[TENSOR_RANK_MAX];
    uint32_t count;
    if (in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(call_integers(call->in[1], times, TENSOR_RANK_MAX, &count, err));
    if (count != in->rank) return error_set(err, ST_RUNTIME, "%u counts for %u dimensions", count,
                                            in->rank);
    for (uint32_t d = 0; d < count; d++) {
        if (times[d] < 0 || times[d] > TENSOR_COUNT_MAX) {
            return error_set(err, ST_RUNTIME, "repeated %lld times", (long long)times[d]);
        }
        dim[d] = in->dim[d] * times[d];
        step[d] = tensor_span(in, d + 1, in->rank);
    }
    TRY(call_new(call, 0, in->type, count, dim, err));
    const Tensor *out = &call->out[0];
    size_t size = tensor_size(in->type);
    for (int64_t i = 0; i < out->count; i++) {
        int64_t rest = i, at = 0;
        for (uint32_t d = count; d-- > 0; rest /= dim[d]) {
            at += rest % dim[d] % in->dim[d] * step[d];
        }
        memcpy((char *)out->data + (size_t)i * size, (char *)in->data + (size_t)at * size, size);
    }
    return ST_OK;
}

// --- Padded ---

// Where a place of the padded dimension comes from; -1: from nowhere.
static int64_t unpadded(PadMode mode, int64_t at, int64_t size) {
    if (at >= 0 && at < size) return at;
    if (mode == PADDING_CONSTANT || size == 0) return -1;
    if (mode == PADDING_EDGE) return at < 0 ? 0 : size - 1;
    int64_t period = mode == PADDING_REFLECT ? 2 * (size - 1) : 2 * size;
    if (period <= 0) return 0;
    at %= period;
    if (at < 0) at += period;
    if (at < size) return at;
    return mode == PADDING_REFLECT ? period - at : period - 1 - at;
}

// front[] and back[] of each dimension.
static Status pads_of(const Call *call, const PadParams *params, const Tensor *in, int64_t *front,
                      int64_t *back, Error *err) {
    int64_t all[2 * TENSOR_RANK_MAX], axes[TENSOR_RANK_MAX];
    uint32_t count = params->count, axis_count = in->rank;
    const Tensor *t = call->in_count > 1 ? call->in[1] : NULL;
    for (uint32_t d = 0; d < TENSOR_RANK_MAX; d++) axes[d] = d, front[d] = back[d] = 0;
    if (t) {
        Tensor flat = *t;
        flat.rank = 1;
        TRY(call_integers(&flat, all, 2 * TENSOR_RANK_MAX, &count, err));
    } else if (count <= 2 * TENSOR_RANK_MAX && count) {
        memcpy(all, params->pads, count * sizeof *all);
    }
    if (!params->pairs && call->in_count > 3 && call->in[3]) {
        TRY(call_integers(call->in[3], axes, TENSOR_RANK_MAX, &axis_count, err));
    }
    if (count != 2 * axis_count || axis_count > in->rank) {
        return error_set(err, ST_RUNTIME, "%u pads for %u dimensions", count, axis_count);
    }
    for (uint32_t i = 0; i < axis_count; i++) {
        uint32_t d;
        TRY(axis_of(axes[i], in->rank, &d, err));
        front[d] = params->pairs ? all[2 * i] : all[i];
        back[d] = params->pairs ? all[2 * i + 1] : all[axis_count + i];
        int64_t most = TENSOR_COUNT_MAX;
        if (front[d] < -most || front[d] > most || back[d] < -most || back[d] > most) {
            return error_set(err, ST_RUNTIME, "a pad of more than %lld", (long long)most);
        }
    }
    return ST_OK;
}

Status kernel_pad(const Call *call, Error *err) {
    const PadParams *params = call->params;
    const Tensor *in = call->in[0], *value = call->in_count > 2 ? call->in[2] : NULL;
    int64_t front[TENSOR_RANK_MAX], back[TENSOR_RANK_MAX], dim[TENSOR_RANK_MAX];
    TRY(call_want_number(call, 0, err));
    TRY(pads_of(call, params, in, front, back, err));
    for (uint32_t d = 0; d < in->rank; d++) dim[d] = in->dim[d] + front[d] + back[d];
    TRY(call_new(call, 0, in->type, in->rank, dim, err));
    const Tensor *out = &call->out[0];
    double filler = value && value->count ? tensor_number(value, 0) : params->value;
    size_t size = tensor_size(in->type);
    for (int64_t i = 0; i < out->count; i++) {
        int64_t rest = i, at = 0, step = 1;
        for (uint32_t d = in->rank; d-- > 0 && at >= 0; rest /= dim[d]) {
            int64_t from = unpadded(params->mode, rest % dim[d] - front[d], in->dim[d]);
            at = from < 0 ? -1 : at + from * step;
            step *= in->dim[d];
        }
        if (at < 0) {
            tensor_put_number(out, i, filler);
        } else {
            memcpy((char *)out->data + (size_t)i * size, (char *)in->data + (size_t)at * size,
                   size);
        }
    }
    return ST_OK;
}
