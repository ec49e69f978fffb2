// ml/graph/op_gather.c - values picked, and put, by index.
#include "ml/graph/kernels.h"

// An index of a dimension; from the back when negative.
static Status index_of(const Tensor *indices, int64_t i, int64_t size, int64_t *out, Error *err) {
    int64_t at = tensor_integer(indices, i);
    *out = at < 0 ? at + size : at;
    if (*out >= 0 && *out < size) return ST_OK;
    return error_set(err, ST_RUNTIME, "index %lld of a dimension of %lld", (long long)at,
                     (long long)size);
}

static Status want_indices(const Call *call, Error *err) {
    const Tensor *t = call->in[1];
    if (call->in[0]->type == TENSOR_LIST) return call_no_type(call->in[0], err);
    return tensor_is_int(t->type) ? ST_OK : call_no_type(t, err);
}

Status kernel_gather(const Call *call, Error *err) {
    const GatherParams *params = call->params;
    const Tensor *in = call->in[0], *indices = call->in[1];
    int64_t wanted = params->axis, dim[TENSOR_RANK_MAX * 2];
    uint32_t axis, rank = 0, batch_dims = (uint32_t)params->batch_dims;
    TRY(want_indices(call, err));
    if (params->axis_input >= 0 && call->in_count > (uint32_t)params->axis_input) {
        uint32_t count;
        TRY(call_integers(call->in[params->axis_input], &wanted, 1, &count, err));
    }
    TRY(axis_of(wanted, in->rank, &axis, err));
    if (params->batch_dims < 0 || params->batch_dims > axis || batch_dims > indices->rank) {
        return error_set(err, ST_RUNTIME, "batch_dims is %lld", (long long)params->batch_dims);
    }
    for (uint32_t d = 0; d < axis; d++) {
        if (d < batch_dims && in->dim[d] != indices->dim[d]) return call_misfit(in, indices, err);
        dim[rank++] = in->dim[d];
    }
    for (uint32_t d = batch_dims; d < indices->rank; d++) dim[rank++] = indices->dim[d];
    for (uint32_t d = axis + 1; d < in->rank; d++) dim[rank++] = in->dim[d];
    TRY(call_new(call, 0, in->type, rank, dim, err));
    int64_t outer = tensor_span(in, 0, axis), n = in->dim[axis];
    int64_t batches = tensor_span(in, 0, batch_dims), each = batches ? indices->count / batches : 0;
    size_t bytes = (size_t)tensor_span(in, axis + 1, in->rank) * tensor_size(in->type);
    char *to = call->out[0].data;
    for (int64_t k = 0; k < outer; k++) {
        int64_t first = k / (outer / batches) * each;
        for (int64_t i = 0; i < each; i++, to += bytes) {
            int64_t at;
            TRY(index_of(indices, first + i, n, &at, err));
            memcpy(to, (const char *)in->data + (size_t)(k * n + at) * bytes, bytes);
        }
    }
    return ST_OK;
}

// The place in [t] of the value whose place in a tensor of [shape] is [i], with [at] on the axis.
static int64_t elsewhere(const Tensor *t, const Tensor *shape, int64_t i, uint32_t axis,
                         int64_t at) {
    int64_t place = 0, step = 1;
    for (uint32_t d = t->rank; d-- > 0;) {
        place += (d == axis ? at : i % shape->dim[d]) * step;
        i /= shape->dim[d];
        step *= t->dim[d];
    }
    return place;
}

static Status smaller(const Tensor *in, const Tensor *indices, uint32_t axis, Error *err) {
    bool fits = in->rank == indices->rank;
    for (uint32_t d = 0; d < in->rank && fits; d++) {
        fits = d == axis || indices->dim[d] <= in->dim[d];
    }
    return fits ? ST_OK : call_misfit(in, indices, err);
}

Status kernel_gather_elements(const Call *call, Error *err) {
    const GatherParams *params = call->params;
    const Tensor *in = call->in[0], *indices = call->in[1];
    uint32_t axis;
    TRY(want_indices(call, err));
    TRY(axis_of(params->axis, in->rank, &axis, err));
    TRY(smaller(in, indices, axis, err));
    TRY(call_like(call, 0, in->type, indices, err));
    size_t size = tensor_size(in->type);
    for (int64_t i = 0; i < indices->count; i++) {
        int64_t at;
        TRY(index_of(indices, i, in->dim[axis], &at, err));
        int64_t from = elsewhere(in, indices, i, axis, at);
        memcpy((char *)call->out[0].data + (size_t)i * size,
               (char *)in->data + (size_t)from * size, size);
    }
    return ST_OK;
}

// The last dimension of the indices holds places in the leading dimensions of [in], behind the
// batches: how many values each names, and where they begin.
static Status nd_place(const Tensor *in, const Tensor *indices, int64_t tuple, uint32_t batch_dims,
                       int64_t *place, Error *err) {
    int64_t width = indices->dim[indices->rank - 1], at = 0;
    for (int64_t k = 0; k < width; k++) {
        int64_t index, size = in->dim[batch_dims + (uint32_t)k];
        TRY(index_of(indices, tuple * width + k, size, &index, err));
        at = at * size + index;
    }
    *place = at;
    return ST_OK;
}

Status kernel_gather_nd(const Call *call, Error *err) {
    const GatherParams *params = call->params;
    const Tensor *in = call->in[0], *indices = call->in[1];
    uint32_t batch_dims = (uint32_t)params->batch_dims, rank = 0;
    TRY(want_indices(call, err));
    if (!indices->rank || params->batch_dims < 0 || batch_dims >= indices->rank ||
        indices->dim[indices->rank - 1] + batch_dims > in->rank) {
        return call_misfit(in, indices, err);
    }
    uint32_t width = (uint32_t)indices->dim[indices->rank - 1], used = batch_dims + width;
    int64_t dim[2 * TENSOR_RANK_MAX];
    for (uint32_t d = 0; d + 1 < indices->rank; d++) dim[rank++] = indices->dim[d];
    for (uint32_t d = used; d < in->rank; d++) dim[rank++] = in->dim[d];
    TRY(call_new(call, 0, in->type, rank, dim, err));
    int64_t tuples = tensor_span(indices, 0, indices->rank - 1);
    int64_t batches = tensor_span(indices, 0, batch_dims);
    int64_t block = tensor_span(in, batch_dims, used);
    size_t bytes = (size_t)tensor_span(in, used, in->rank) * tensor_size(in->type);
    char *to = call->out[0].data;
    for (int64_t i = 0; i < tuples; i++, to += bytes) {
        int64_t at;
        TRY(nd_place(in, indices, i, batch_dims, &at, err));
        at += i / (tuples / batches) * block;
        memcpy(to, (const char *)in->data + (size_t)at * bytes, bytes);
    }
    return ST_OK;
}

// --- Put ---

static Status put(ScatterKind kind, const Tensor *out, int64_t to, const Tensor *from, int64_t i,
                  Error *err) {
    if (kind == SCATTER_SET) {
        size_t size = tensor_size(out->type);
        memcpy((char *)out->data + (size_t)to * size, (char *)from->data + (size_t)i * size, size);
        return ST_OK;
    }
    if (out->type == TENSOR_STR) return call_no_type(out, err);
    double a = tensor_number(out, to), b = tensor_number(from, i);
    double value = kind == SCATTER_ADD ? a + b
                   : kind == SCATTER_MUL ? a * b
                   : kind == SCATTER_MIN ? (b < a ? b : a)
                                         : (b > a ? b : a);
    tensor_put_number(out, to, value);
    return ST_OK;
}

static Status copy_of(const Call *call, const Tensor *in, Error *err) {
    TRY(call_like(call, 0, in->type, in, err));
    memcpy(call->out[0].data, in->data, (size_t)in->count * tensor_size(in->type));
    return ST_OK;
}

Status kernel_scatter_elements(const Call *call, Error *err) {
    const ScatterParams *params = call->params;
    const Tensor *in = call->in[0], *indices = call->in[1], *updates = call->in[2];
    uint32_t axis;
    TRY(want_indices(call, err));
    TRY(axis_of(params->axis, in->rank, &axis, err));
    TRY(smaller(in, indices, axis, err));
    if (updates->type != in->type || !tensor_same_shape(indices, updates)) {
        return call_misfit(indices, updates, err);
    }
    TRY(copy_of(call, in, err));
    for (int64_t i = 0; i < indices->count; i++) {
        int64_t at;
        TRY(index_of(indices, i, in->dim[axis], &at, err));
        TRY(put(params->kind, &call->out[0], elsewhere(in, indices, i, axis, at), updates, i, err));
    }
    return ST_OK;
}

Status kernel_scatter_nd(const Call *call, Error *err) {
    const ScatterParams *params = call->params;
    bool tf = call->arg == 1;  // indices, updates, shape; what nothing is put to is 0
    const Tensor *indices = call->in[tf ? 0 : 1], *updates = call->in[tf ? 1 : 2];
    if (!tensor_is_int(indices->type) || !indices->rank) return call_no_type(indices, err);
    if (tf) {
        int64_t dim[TENSOR_RANK_MAX];
        uint32_t rank;
        TRY(call_integers(call->in[2], dim, TENSOR_RANK_MAX, &rank, err));
        if (updates->type == TENSOR_LIST || updates->type == TENSOR_STR) {
            return call_no_type(updates, err);
        }
        TRY(call_new(call, 0, updates->type, rank, dim, err));
        memset(call->out[0].data, 0,
               (size_t)call->out[0].count * tensor_size(call->out[0].type));
    } else {
        if (call->in[0]->type == TENSOR_LIST) return call_no_type(call->in[0], err);
        TRY(copy_of(call, call->in[0], err));
    }
    const Tensor *out = &call->out[0];
    int64_t width = indices->dim[indices->rank - 1];
    int64_t tuples = tensor_span(indices, 0, indices->rank - 1);
    if (width > out->rank || updates->type != out->type) return call_misfit(out, indices, err);
    int64_t block = tensor_span(out, (uint32_t)width, out->rank);
    if (updates->count != tuples * block) return call_misfit(indices, updates, err);
    for (int64_t i = 0; i < tuples; i++) {
        int64_t at;
        TRY(nd_place(out, indices, i, 0, &at, err));
        for (int64_t k = 0; k < block; k++) {
            TRY(put(params ? params->kind : SCATTER_ADD, out, at * block + k, updates,
                    i * block + k, err));
        }
    }
    return ST_OK;
}

// --- Found ---

Status kernel_nonzero(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    int64_t found = 0, rank = in->rank ? in->rank : 1;
    for (int64_t i = 0; i < in->count; i++) found += tensor_number(in, i) != 0;
    int64_t wide[2] = {rank, found}, tall[2] = {found, rank};
    TRY(call_new(call, 0, TENSOR_I64, 2, call->arg ? tall : wide, err));
    int64_t *out = tensor_i64(&call->out[0]), n = 0;
    for (int64_t i = 0; i < in->count; i++) {
        if (tensor_number(in, i) == 0) continue;
        int64_t rest = i;
        for (int64_t d = rank; d-- > 0;) {
            int64_t size = in->rank ? in->dim[d] : 1;
            out[call->arg ? n * rank + d : d * found + n] = rest % size;
            rest /= size;
        }
        n++;
    }
    return ST_OK;
}

Status kernel_compress(const Call *call, Error *err) {
    const GatherParams *params = call->params;
    Tensor in = *call->in[0];
    const Tensor *yes = call->in[1];
    TRY(call_want(call, 1, TENSOR_BOOL, err));
    if (in.type == TENSOR_LIST) return call_no_type(&in, err);
    uint32_t axis = 0;
    if (params->axis_input >= 0) {  // no axis: the values in a row
        in.rank = 1;
        in.dim[0] = in.count;
    } else {
        TRY(axis_of(params->axis, in.rank, &axis, err));
    }
    int64_t n = in.dim[axis] < yes->count ? in.dim[axis] : yes->count, kept = 0;
    for (int64_t i = 0; i < n; i++) kept += tensor_bool(yes)[i];
    int64_t dim[TENSOR_RANK_MAX];
    memcpy(dim, in.dim, sizeof dim);
    dim[axis] = kept;
    TRY(call_new(call, 0, in.type, in.rank, dim, err));
    size_t bytes = (size_t)tensor_span(&in, axis + 1, in.rank) * tensor_size(in.type);
    char *to = call->out[0].data;
    for (int64_t k = 0; k < tensor_span(&in, 0, axis); k++) {
        for (int64_t i = 0; i < n; i++) {
            if (!tensor_bool(yes)[i]) continue;
            memcpy(to, (char *)in.data + (size_t)(k * in.dim[axis] + i) * bytes, bytes);
            to += bytes;
        }
    }
    return ST_OK;
}
