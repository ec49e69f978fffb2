// ml/graph/op.c - what preparers and kernels of all operators ask for.
#include "ml/graph/graph.h"

const Attr *setup_attr(const Setup *setup, const char *name) {
    for (uint32_t i = 0; i < setup->attr_count; i++) {
        if (str_eq(setup->attr[i].name, str_c(name))) return &setup->attr[i];
    }
    return NULL;
}

int64_t setup_int(const Setup *setup, const char *name, int64_t otherwise) {
    const Attr *attr = setup_attr(setup, name);
    return attr ? attr->i : otherwise;
}

double setup_float(const Setup *setup, const char *name, double otherwise) {
    const Attr *attr = setup_attr(setup, name);
    return attr ? attr->f : otherwise;
}

Str setup_str(const Setup *setup, const char *name, const char *otherwise) {
    const Attr *attr = setup_attr(setup, name);
    return attr ? attr->s : str_c(otherwise);
}

const int64_t *setup_ints(const Setup *setup, const char *name, uint32_t *count) {
    const Attr *attr = setup_attr(setup, name);
    *count = attr ? attr->int_count : 0;
    return *count ? arena_dup(setup->arena, attr->ints, *count * sizeof(int64_t)) : NULL;
}

const float *setup_floats(const Setup *setup, const char *name, uint32_t *count) {
    const Attr *attr = setup_attr(setup, name);
    *count = attr ? attr->float_count : 0;
    return *count ? arena_dup(setup->arena, attr->floats, *count * sizeof(float)) : NULL;
}

void *setup_params(Setup *setup, size_t size) {
    void *params = arena_zalloc(setup->arena, size);
    setup->node->params = params;
    return params;
}

void setup_owns(const Setup *setup, void (*release)(void *what), void *what) {
    GraphHome *home = setup->graph->home;
    GraphOwned *owned = ARENA_NEW(&home->arena, GraphOwned);
    *owned = (GraphOwned){home->owned, release, what};
    home->owned = owned;
}

Status axis_of(int64_t axis, uint32_t rank, uint32_t *out, Error *err) {
    int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
        return error_set(err, ST_RUNTIME, "axis %lld of a tensor with %u dimensions",
                         (long long)axis, rank);
    }
    *out = (uint32_t)at;
    return ST_OK;
}

Status call_want(const Call *call, uint32_t in, TensorType type, Error *err) {
    const Tensor *t = in < call->in_count ? call->in[in] : NULL;
    if (t && t->type == type) return ST_OK;
    return error_set(err, ST_RUNTIME, "input %u is %s where %s is wanted", in + 1,
                     tensor_type_name(t ? t->type : TENSOR_NONE), tensor_type_name(type));
}

Status call_want_number(const Call *call, uint32_t in, Error *err) {
    const Tensor *t = in < call->in_count ? call->in[in] : NULL;
    if (t && t->type >= TENSOR_F32 && t->type <= TENSOR_BOOL) return ST_OK;
    return error_set(err, ST_RUNTIME, "input %u is %s where numbers are wanted", in + 1,
                     tensor_type_name(t ? t->type : TENSOR_NONE));
}

Status call_misfit(const Tensor *a, const Tensor *b, Error *err) {
    char left[128], right[128];
    return error_set(err, ST_RUNTIME, "shapes %s and %s do not fit", tensor_shape_text(a, left),
                     tensor_shape_text(b, right));
}

Status call_no_type(const Tensor *t, Error *err) {
    return error_set(err, ST_UNSUPPORTED, "it is not known for values of type %s",
                     tensor_type_name(t->type));
}

Status call_integers(const Tensor *t, int64_t *out, uint32_t max, uint32_t *count, Error *err) {
    if (t->type < TENSOR_F32 || t->type > TENSOR_BOOL || t->rank > 1) {
        return error_set(err, ST_RUNTIME, "a shape or axes must be a list of integers");
    }
    if (t->count > max) {
        return error_set(err, ST_RUNTIME, "%lld dimensions or axes; at most %u are known",
                         (long long)t->count, max);
    }
    for (int64_t i = 0; i < t->count; i++) out[i] = tensor_integer(t, i);
    *count = (uint32_t)t->count;
    return ST_OK;
}
