// ml/graph/op_list.c - lists of tensors: TF's TensorList and TensorArray (whose "flow" is the list
// itself here), ONNX's sequences.
//
// A list is a value like any other: to set an item gives another list. When nobody else holds the
// old one it is changed in place, so that a loop that fills a list takes a step an item.
#include "ml/graph/kernels.h"

enum { LIST_MAX = 1 << 20 };  // items

static Status new_list(const Call *call, int64_t count, Error *err) {
    if (count < 0 || count > LIST_MAX) {
        return error_set(err, ST_RUNTIME, "a list of %lld items; at most %d are known",
                         (long long)count, LIST_MAX);
    }
    return call_new(call, 0, TENSOR_LIST, 1, &count, err);
}

Status kernel_list_new(const Call *call, Error *err) {
    int64_t count = 0;
    if (call->arg >= 0) {
        TRY(call_want_number(call, (uint32_t)call->arg, err));
        const Tensor *t = call->in[call->arg];
        if (t->count != 1) return error_set(err, ST_RUNTIME, "the size is not one number");
        count = tensor_integer(t, 0);
    }
    // A TensorArray has two outputs, handle and flow: both are the list.
    TRY(new_list(call, count, err));
    if (call->out_count > 1) call->out[1] = tensor_hold(&call->out[0]);
    return ST_OK;
}

static const ListParams *list_of(const Call *call, const Tensor **list, Error *err) {
    const ListParams *params = call->params;
    if (call_want(call, (uint32_t)params->list, TENSOR_LIST, err)) return NULL;
    *list = call->in[params->list];
    return params;
}

// Copies item by item, a part of [in] each.
static Status cut(const Call *call, const Tensor *in, Error *err) {
    if (!in->rank || in->type == TENSOR_LIST) return call_no_type(in, err);
    TRY(new_list(call, in->dim[0], err));
    Tensor *item = tensor_list(&call->out[0]);
    for (int64_t i = 0; i < in->dim[0]; i++) {
        TRY(tensor_new(call_pool(call), in->type, in->rank - 1, in->dim + 1, &item[i], err));
        size_t bytes = (size_t)item[i].count * tensor_size(in->type);
        memcpy(item[i].data, (char *)in->data + (size_t)i * bytes, bytes);
    }
    return ST_OK;
}

Status kernel_list_split(const Call *call, Error *err) {
    return cut(call, call->in[call->arg], err);
}

static Status item_number(const Call *call, int64_t count, int64_t *out, Error *err) {
    TRY(call_want_number(call, 1, err));
    const Tensor *t = call->in[1];
    if (t->count != 1) return error_set(err, ST_RUNTIME, "the index is not one number");
    int64_t at = tensor_integer(t, 0);
    *out = at < 0 ? at + count : at;
    if (*out >= 0 && *out < count) return ST_OK;
    return error_set(err, ST_RUNTIME, "item %lld of a list of %lld", (long long)at,
                     (long long)count);
}

// An item that was never set is zeros, of the shape that the others have or that the node names.
static Status unset_item(const Call *call, const ListParams *params, const Tensor *list,
                         uint32_t shape_in, Error *err) {
    const Tensor *item = tensor_list(list), *like = NULL;
    for (int64_t i = 0; i < list->count && !like; i++) {
        if (item[i].type) like = &item[i];
    }
    if (like && like->type != TENSOR_STR) {
        TRY(call_like(call, 0, like->type, like, err));
    } else {
        int64_t dim[TENSOR_RANK_MAX];
        uint32_t rank = params->rank;
        memcpy(dim, params->dim, sizeof dim);
        if (!params->known_shape && shape_in < call->in_count && call->in[shape_in]) {
            TRY(call_integers(call->in[shape_in], dim, TENSOR_RANK_MAX, &rank, err));
        }
        if (!params->type || params->type >= TENSOR_STR) {
            return error_set(err, ST_RUNTIME, "an item of the list was never set");
        }
        TRY(call_new(call, 0, params->type, rank, dim, err));
    }
    memset(call->out[0].data, 0, (size_t)call->out[0].count * tensor_size(call->out[0].type));
    return ST_OK;
}

// Inputs: list, index, shape of an item. A TensorArray has handle, index, flow.
Status kernel_list_get(const Call *call, Error *err) {
    const Tensor *list = NULL;
    const ListParams *params = list_of(call, &list, err);
    int64_t at = 0;
    if (!params) return ST_RUNTIME;
    TRY(item_number(call, list->count, &at, err));
    const Tensor *item = &tensor_list(list)[at];
    if (!item->type) return unset_item(call, params, list, 2, err);
    call->out[0] = tensor_hold(item);
    return ST_OK;
}

// The list to be changed: the old one when it is nobody else's, else a copy with [count] items.
static Status changeable(const Call *call, uint32_t in, const Tensor *list, int64_t count,
                         Error *err) {
    bool own = in < 32 && call->dying >> in & 1 && list->block && list->block->holders == 1;
    if (own && count == list->count) {
        call->out[0] = tensor_hold(list);
        return ST_OK;
    }
    TRY(new_list(call, count, err));
    Tensor *to = tensor_list(&call->out[0]);
    for (int64_t i = 0; i < count && i < list->count; i++) {
        to[i] = tensor_hold(&tensor_list(list)[i]);
    }
    return ST_OK;
}

// Inputs: list, index, item; of a TensorArray handle, index, item, flow.
Status kernel_list_set(const Call *call, Error *err) {
    const Tensor *list = NULL;
    const ListParams *params = list_of(call, &list, err);
    int64_t at = 0;
    if (!params) return ST_RUNTIME;
    const Tensor *item = call->in[2];
    if (!item || item->type == TENSOR_LIST) {
        return error_set(err, ST_UNSUPPORTED, "a list in a list");
    }
    int64_t count = list->count;
    if (call->in[1]->count == 1 && call->in[1]->type != TENSOR_STR &&
        tensor_integer(call->in[1], 0) == count && count < LIST_MAX) {
        count++;  // a list that grows
    }
    TRY(item_number(call, count, &at, err));
    TRY(changeable(call, (uint32_t)params->list, list, count, err));
    Tensor *slot = &tensor_list(&call->out[0])[at];
    tensor_drop(call_pool(call), slot);
    *slot = tensor_hold(item);
    return ST_OK;
}

Status kernel_list_push(const Call *call, Error *err) {
    TRY(call_want(call, 0, TENSOR_LIST, err));
    const Tensor *list = call->in[0], *item = call->in[1];
    if (!item || item->type == TENSOR_LIST) {
        return error_set(err, ST_UNSUPPORTED, "a list in a list");
    }
    TRY(changeable(call, 0, list, list->count + 1, err));
    tensor_list(&call->out[0])[list->count] = tensor_hold(item);
    return ST_OK;
}

Status kernel_list_pop(const Call *call, Error *err) {
    TRY(call_want(call, 0, TENSOR_LIST, err));
    const Tensor *list = call->in[0];
    if (!list->count || call->out_count < 2) return error_set(err, ST_RUNTIME, "an empty list");
    const Tensor *last = &tensor_list(list)[list->count - 1];
    if (!last->type) return error_set(err, ST_RUNTIME, "an item of the list was never set");
    call->out[1] = tensor_hold(last);
    return changeable(call, OP_ANY, list, list->count - 1, err);
}

Status kernel_list_length(const Call *call, Error *err) {
    const Tensor *list = NULL;
    const ListParams *params = list_of(call, &list, err);
    if (!params) return ST_RUNTIME;
    TRY(call_new(call, 0, params->type ? params->type : TENSOR_I32, 0, NULL, err));
    tensor_put_number(&call->out[0], 0, (double)list->count);
    return ST_OK;
}

// [count] items, those at [index] (NULL: all in order), one behind the other in a new dimension.
static Status stack(const Call *call, const ListParams *params, const Tensor *list,
                    const Tensor *index, int64_t count, Error *err) {
    const Tensor *item = tensor_list(list), *like = NULL;
    for (int64_t i = 0; i < list->count && !like; i++) {
        if (item[i].type) like = &item[i];
    }
    int64_t dim[TENSOR_RANK_MAX + 1] = {count};
    uint32_t rank = like ? like->rank : params->rank;
    if (like) memcpy(dim + 1, like->dim, sizeof like->dim);
    else memcpy(dim + 1, params->dim, sizeof params->dim);
    TensorType type = like ? like->type : params->type;
    if (!like && !params->known_shape && call->in_count > 1 && call->in[1] && !index) {
        TRY(call_integers(call->in[1], dim + 1, TENSOR_RANK_MAX, &rank, err));
        for (uint32_t d = 1; d <= rank; d++) dim[d] = dim[d] < 0 ? 0 : dim[d];
    }
    if (!type || rank + 1 > TENSOR_RANK_MAX) {
        return error_set(err, ST_RUNTIME, "the items of the list were never set");
    }
    TRY(call_new(call, 0, type, rank + 1, dim, err));
    size_t bytes = count ? (size_t)(call->out[0].count / count) * tensor_size(type) : 0;
    char *to = call->out[0].data;
    for (int64_t i = 0; i < count; i++, to += bytes) {
        int64_t at = index ? tensor_integer(index, i) : i;
        if (at < 0 || at >= list->count)
            return error_set(err, ST_RUNTIME, "no item %lld", (long long)at);
        if (!item[at].type) {
            memset(to, 0, bytes);
            continue;
        }
        if (item[at].type != type || (like && !tensor_same_shape(&item[at], like))) {
            return call_misfit(&item[at], like ? like : list, err);
        }
        memcpy(to, item[at].data, bytes);
    }
    return ST_OK;
}

Status kernel_list_stack(const Call *call, Error *err) {
    const Tensor *list = NULL;
    const ListParams *params = list_of(call, &list, err);
    if (!params) return ST_RUNTIME;
    return stack(call, params, list, NULL, list->count, err);
}

// Inputs: list, indices; of a TensorArray handle, indices, flow.
Status kernel_list_gather(const Call *call, Error *err) {
    const Tensor *list = NULL;
    const ListParams *params = list_of(call, &list, err);
    if (!params) return ST_RUNTIME;
    if (!tensor_is_int(call->in[1]->type)) return call_no_type(call->in[1], err);
    return stack(call, params, list, call->in[1], call->in[1]->count, err);
}

Status kernel_list_resize(const Call *call, Error *err) {
    TRY(call_want(call, 0, TENSOR_LIST, err));
    TRY(call_want_number(call, 1, err));
    if (call->in[1]->count != 1) return error_set(err, ST_RUNTIME, "the size is not one number");
    return changeable(call, 0, call->in[0], tensor_integer(call->in[1], 0), err);
}

Status kernel_list_of(const Call *call, Error *err) {
    TRY(new_list(call, call->in_count, err));
    for (uint32_t i = 0; i < call->in_count; i++) {
        const Tensor *item = call->in[i];
        if (!item || item->type == TENSOR_LIST) {
            return error_set(err, ST_UNSUPPORTED, "a list in a list");
        }
        tensor_list(&call->out[0])[i] = tensor_hold(item);
    }
    return ST_OK;
}

// The items behind one another in one of their dimensions, or in a new one.
Status kernel_list_join(const Call *call, Error *err) {
    const ListParams *params = call->params;
    TRY(call_want(call, 0, TENSOR_LIST, err));
    const Tensor *list = call->in[0], *item = tensor_list(list);
    void *scratch;
    if (!list->count) return error_set(err, ST_RUNTIME, "an empty list");
    TRY(call_scratch(call, (size_t)list->count * sizeof(Tensor *), &scratch, err));
    const Tensor **in = scratch;
    for (int64_t i = 0; i < list->count; i++) in[i] = &item[i];
    JoinParams join = {.axis = params->axis, .axis_input = -1, .size_input = -1,
                       .new_axis = params->new_axis};
    Call inner = *call;
    inner.in = in;
    inner.in_count = (uint32_t)list->count;
    inner.params = &join;
    return kernel_concat(&inner, err);
}
