// ml/graph/op_resize.c - tensors of another size, by values between (Resize and Upsample of ONNX,
// ResizeBilinear and ResizeNearestNeighbor of TensorFlow), along any number of axes.
//
// Each axis says for each place of the output which of the input's it is made of, and by what
// weights; an element is the sum over the products of them. Cubic: R. Keys, "Cubic convolution
// interpolation for digital image processing", 1981.
#include <math.h>
#include <string.h>

#include "ml/graph/kernels.h"

enum { TAPS_MAX = 4 };

typedef struct Taps {
    int64_t at[TAPS_MAX];  // in elements
    double weight[TAPS_MAX];
    uint32_t count;
} Taps;

typedef struct Axis {
    int64_t in, out;
    float scale;
    int64_t step;  // of the input, in elements
    Taps *taps;    // for each place of the output
} Axis;

static int64_t within(int64_t at, int64_t count) {
    return at < 0 ? 0 : at >= count ? count - 1 : at;
}

// Where place [at] of the output lies in the input. In floats, as others do it: places that fall
// between two are rounded as there.
static float source_of(const ResizeParams *params, const Axis *axis, int64_t at) {
    float x = (float)at, in = (float)axis->in, out = (float)axis->out, scale = axis->scale;
    switch (params->place) {
        case RESIZE_CORNERS: return axis->out > 1 ? x * (in - 1) / (out - 1) : 0;
        case RESIZE_ASYMMETRIC: return x / scale;
        case RESIZE_HALF_NEAREST: return (x + 0.5F) / scale;
        case RESIZE_HALF_PYTORCH: return axis->out > 1 ? (x + 0.5F) / scale - 0.5F : 0;
        case RESIZE_HALF_SYMMETRIC:
            return in / 2 * (1 - out / (scale * in)) + (x + 0.5F) / scale - 0.5F;
        case RESIZE_HALF: break;
    }
    return (x + 0.5F) / scale - 0.5F;
}

static int64_t rounded(ResizeRound round, double x) {
    switch (round) {
        case RESIZE_FLOOR: return (int64_t)floor(x);
        case RESIZE_CEIL: return (int64_t)ceil(x);
        case RESIZE_PREFER_CEIL: return (int64_t)floor(x + 0.5);
        case RESIZE_PREFER_FLOOR: break;
    }
    return (int64_t)ceil(x - 0.5);
}

// Four places around x; [exclude_outside]: those that are none count for nothing.
static void cubic_taps(const ResizeParams *params, const Axis *axis, double x, Taps *taps) {
    double a = params->cubic, low = floor(x), sum = 0;
    taps->count = TAPS_MAX;
    for (int k = 0; k < TAPS_MAX; k++) {
        int64_t at = (int64_t)low + k - 1;
        double far = fabs(x - (double)at);
        double weight = far <= 1 ? ((a + 2) * far - (a + 3)) * far * far + 1
                                 : ((a * far - 5 * a) * far + 8 * a) * far - 4 * a;
        if (params->exclude_outside && (at < 0 || at >= axis->in)) weight = 0;
        taps->at[k] = within(at, axis->in) * axis->step;
        taps->weight[k] = weight;
        sum += weight;
    }
    for (int k = 0; k < TAPS_MAX && params->exclude_outside; k++) taps->weight[k] /= sum;
}

static void linear_taps(const Axis *axis, double x, Taps *taps) {
    double most = (double)(axis->in - 1);
    x = x < 0 ? 0 : x > most ? most : x;
    int64_t low = (int64_t)x;
    double part = x - (double)low;
    *taps = (Taps){.at = {low * axis->step, within(low + 1, axis->in) * axis->step},
                   .weight = {1 - part, part}, .count = part > 0 ? 2 : 1};
}

static void fill_axis(const ResizeParams *params, const Axis *axis) {
    for (int64_t i = 0; i < axis->out; i++) {
        Taps *taps = &axis->taps[i];
        double x = (double)source_of(params, axis, i);
        if (axis->in == axis->out && axis->scale == 1) {
            *taps = (Taps){.at = {i * axis->step}, .weight = {1}, .count = 1};
        } else if (params->mode == RESIZE_CUBIC) {
            cubic_taps(params, axis, x, taps);
        } else if (params->mode == RESIZE_LINEAR) {
            linear_taps(axis, x, taps);
        } else {
            int64_t at = within(rounded(params->round, x), axis->in);
            *taps = (Taps){.at = {at * axis->step}, .weight = {1}, .count = 1};
        }
    }
}

static double sum_of(const Tensor *in, const Taps *const *taps, uint32_t rank, int64_t from) {
    while (rank && taps[rank - 1]->count == 1 && taps[rank - 1]->weight[0] == 1) {
        from += taps[--rank]->at[0];
    }
    if (!rank) return tensor_number(in, from);
    const Taps *own = taps[rank - 1];
    double sum = 0;
    for (uint32_t k = 0; k < own->count; k++) {
        sum += own->weight[k] * sum_of(in, taps, rank - 1, from + own->at[k]);
    }
    return sum;
}

// The axes that change, and to what size: sizes or, as floats, scales, of all axes, of those that
// the parameters name, or (TensorFlow) of the two of an image.
static Status read_sizes(const Call *call, const Tensor *in, Axis *axis, Error *err) {
    const ResizeParams *params = call->params;
    const Tensor *wanted = NULL;
    for (uint32_t i = 1; i < call->in_count; i++) {
        if (call->in[i] && call->in[i]->count) wanted = call->in[i];
    }
    uint32_t named = params->axis_count ? params->axis_count : in->rank;
    if (!wanted || wanted->count != named || wanted->type == TENSOR_STR ||
        wanted->type == TENSOR_LIST) {
        return error_set(err, ST_RUNTIME, "it is not told the size of each axis");
    }
    for (uint32_t i = 0; i < named; i++) {
        int64_t d = params->axis_count ? params->axis[i] : i;
        if (d < 0) d += in->rank;
        if (d < 0 || d >= in->rank) {
            return error_set(err, ST_RUNTIME, "there is no axis %lld", (long long)d);
        }
        double value = tensor_number(wanted, i), was = (double)axis[d].in;
        double size = tensor_is_float(wanted->type) ? floor(value * was) : value;
        if (!(size >= 1) || size > 1e6) return error_set(err, ST_RUNTIME, "a size of %g", size);
        axis[d].out = (int64_t)size;
        axis[d].scale = (float)(tensor_is_float(wanted->type) ? value : size / was);
    }
    return ST_OK;
}

Status kernel_resize(const Call *call, Error *err) {
    const ResizeParams *params = call->params;
    const Tensor *in = call->in[0];
    Axis axis[TENSOR_RANK_MAX];
    int64_t dim[TENSOR_RANK_MAX], step = 1;
    const Taps *taps[TENSOR_RANK_MAX];
    TRY(call_want_number(call, 0, err));
    if (!in->count) return error_set(err, ST_RUNTIME, "nothing has no other size");
    for (uint32_t d = in->rank; d-- > 0; step *= in->dim[d]) {
        axis[d] = (Axis){.in = in->dim[d], .out = in->dim[d], .scale = 1, .step = step};
    }
    TRY(read_sizes(call, in, axis, err));
    for (uint32_t d = 0; d < in->rank; d++) {
        void *table;
        TRY(call_scratch(call, (size_t)axis[d].out * sizeof(Taps), &table, err));
        axis[d].taps = table;
        fill_axis(params, &axis[d]);
        dim[d] = axis[d].out;
    }
    bool between = params->mode != RESIZE_NEAREST && tensor_is_int(in->type);
    TRY(call_new(call, 0, between ? TENSOR_F32 : in->type, in->rank, dim, err));
    for (int64_t i = 0; i < call->out[0].count; i++) {
        int64_t rest = i;
        for (uint32_t d = in->rank; d-- > 0; rest /= dim[d]) taps[d] = &axis[d].taps[rest % dim[d]];
        tensor_put_number(&call->out[0], i, sum_of(in, taps, in->rank, 0));
    }
    return ST_OK;
}
