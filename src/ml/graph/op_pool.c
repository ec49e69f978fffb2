// ml/graph/op_pool.c - the greatest, the mean or the norm of what a window covers.
#include <math.h>

#include "ml/graph/window.h"

// Value of one window of one channel. [covered] counts what a mean is over.
typedef struct Pooled {
    PoolKind kind;
    bool count_pad;
    double p;
} Pooled;

static double pool_one(const Window *w, const Pooled *how, const Tensor *image, int64_t base,
                       const int64_t out[SPACE_MAX], int64_t *greatest) {
    double value = how->kind == POOL_MAX ? -INFINITY : 0;
    int64_t covered = 0;
    *greatest = -1;
    for (int64_t i = 0; i < w->kernel[0]; i++) {
        int64_t z = window_place(w, 0, out[0], i);
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            int64_t y = window_place(w, 1, out[1], j);
            for (int64_t k = 0; k < w->kernel[2]; k++) {
                int64_t x = window_place(w, 2, out[2], k);
                if (z < 0 || y < 0 || x < 0) continue;
                int64_t at = base + z * w->step[0] + y * w->step[1] + x * w->step[2];
                double found = tensor_number(image, at);
                covered++;
                if (how->kind == POOL_LP) value += pow(fabs(found), how->p);
                if (how->kind == POOL_MEAN) value += found;
                if (how->kind == POOL_MAX && (*greatest < 0 || found > value)) {
                    value = found;
                    *greatest = at;
                }
            }
        }
    }
    if (how->kind == POOL_LP) return pow(value, 1 / how->p);
    if (how->kind == POOL_MAX) return value;
    if (!how->count_pad) return covered ? value / (double)covered : 0;
    // Padding counts, but not what lies behind it, where a window that was rounded up reaches.
    double size = 1;
    for (int d = 0; d < SPACE_MAX; d++) {
        int64_t inside = 0, end = w->in[d] + w->back[d];
        for (int64_t k = 0; k < w->kernel[d]; k++) {
            inside += out[d] * w->stride[d] - w->front[d] + k * w->dilation[d] < end;
        }
        size *= (double)inside;
    }
    return value / size;
}

Status kernel_pool(const Call *call, Error *err) {
    const WindowParams *params = call->params;
    const Tensor *image = call->in[0];
    Window w;
    TRY(window_image(&w, params, image, err));
    TRY(window_result(&w, params, err));
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX];
    window_shape(&w, w.channels, &rank, dim);
    TRY(call_new(call, 0, image->type, rank, dim, err));
    bool places = call->out_count > 1;
    if (places) TRY(call_new(call, 1, TENSOR_I64, rank, dim, err));
    const Tensor *out = &call->out[0];
    TRY(call_work(call, (double)out->count * (double)w.positions, err));
    Pooled how = {(PoolKind)call->arg, params->count_pad, (double)params->groups};
    for (int64_t i = 0; i < out->count; i++) {
        int64_t n = i / (w.pixels * w.channels), rest = i % (w.pixels * w.channels);
        int64_t channel = w.channels_last ? rest % w.channels : rest / w.pixels;
        int64_t pixel = w.channels_last ? rest / w.channels : rest % w.pixels;
        int64_t at[SPACE_MAX] = {pixel / w.out[2] / w.out[1], pixel / w.out[2] % w.out[1],
                                 pixel % w.out[2]};
        int64_t greatest;
        int64_t base = n * w.batch_step + channel * w.channel_step;
        tensor_put_number(out, i, pool_one(&w, &how, image, base, at, &greatest));
        if (places) tensor_i64(&call->out[1])[i] = greatest;
    }
    return ST_OK;
}

Status kernel_global_pool(const Call *call, Error *err) {
    const Tensor *image = call->in[0];
    if (image->rank < 3 || !tensor_is_float(image->type)) return call_no_type(image, err);
    int64_t dim[TENSOR_RANK_MAX] = {image->dim[0], image->dim[1]};
    for (uint32_t d = 2; d < image->rank; d++) dim[d] = 1;
    TRY(call_new(call, 0, image->type, image->rank, dim, err));
    int64_t pixels = tensor_span(image, 2, image->rank);
    for (int64_t i = 0; i < call->out[0].count; i++) {
        double value = call->arg == POOL_MAX ? -INFINITY : 0;
        for (int64_t k = 0; k < pixels; k++) {
            double found = tensor_number(image, i * pixels + k);
            if (call->arg == POOL_MAX) value = found > value ? found : value;
            else value += found;
        }
        tensor_put_number(&call->out[0], i,
                          call->arg == POOL_MEAN ? value / (double)pixels : value);
    }
    return ST_OK;
}
