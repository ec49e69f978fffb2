// ml/graph/op_conv.c - convolutions, as products: the patches under the window become the rows of a
// matrix (position by position, the channels of one together), a tile of them at a time, and the
// kernel, in the same order, is packed when the model is loaded.
#include "base/assert.h"
#include "ml/graph/math.h"
#include "ml/graph/window.h"

enum { TILE = 256 };  // patches at a time: with 288 values each, 288 KiB

// The kernel, whichever way the file has it.
typedef struct Kernel {
    const Tensor *t;
    int64_t groups, in, out;  // channels of a group
    int64_t positions;
    bool last, depthwise;
} Kernel;

static Status kernel_init(Kernel *self, Window *window, const WindowParams *params,
                          const Tensor *t, int64_t channels, Error *err) {
    if (t->rank < 3 || t->rank > 2 + SPACE_MAX || t->type != TENSOR_F32 || !t->count) {
        char shape[128];
        return error_set(err, ST_RUNTIME, "a kernel of %s values and shape %s",
                         tensor_type_name(t->type), tensor_shape_text(t, shape));
    }
    uint32_t space = t->rank - 2;
    *self = (Kernel){.t = t, .last = params->kernel_last, .depthwise = params->depthwise};
    int64_t a = t->dim[self->last ? space : 0], b = t->dim[self->last ? space + 1 : 1];
    if (self->depthwise) {
        *self = (Kernel){.t = t, .last = true, .depthwise = true, .groups = a, .in = 1, .out = b};
    } else {
        self->in = self->last ? a : b;
        int64_t out = self->last ? b : a;
        self->groups = self->last ? (channels < 0 ? 1 : channels / self->in) : params->groups;
        if (self->groups < 1 || out % self->groups) {
            return error_set(err, ST_RUNTIME, "%lld channels in %lld groups", (long long)out,
                             (long long)self->groups);
        }
        self->out = out / self->groups;
    }
    if (channels >= 0 && channels != self->in * self->groups) {
        return error_set(err, ST_RUNTIME, "an image of %lld channels for a kernel of %lld",
                         (long long)channels, (long long)(self->in * self->groups));
    }
    self->positions = tensor_span(t, self->last ? 0 : 2, self->last ? space : t->rank);
    for (uint32_t d = 0; window && d < SPACE_MAX; d++) {
        uint32_t lacking = SPACE_MAX - space;
        window->kernel[d] = d < lacking ? 1 : t->dim[d - lacking + (self->last ? 0 : 2)];
    }
    return ST_OK;
}

static float weight(const Kernel *self, int64_t group, int64_t out, int64_t in, int64_t position) {
    const float *w = tensor_f32(self->t);
    if (self->depthwise) return w[(position * self->groups + group) * self->out + out];
    if (self->last) {
        return w[((position * self->in) + in) * self->out * self->groups + group * self->out + out];
    }
    return w[((group * self->out + out) * self->in + in) * self->positions + position];
}

static size_t packed_size(const Kernel *self) {
    return math_packed((size_t)(self->positions * self->in), (size_t)self->out);
}

static void pack(const Kernel *self, int64_t group, float *scratch, float *out) {
    float *to = scratch;
    for (int64_t position = 0; position < self->positions; position++) {
        for (int64_t in = 0; in < self->in; in++) {
            for (int64_t k = 0; k < self->out; k++) *to++ = weight(self, group, k, in, position);
        }
    }
    math_pack(scratch, (size_t)self->out, 1, (size_t)(self->positions * self->in),
              (size_t)self->out, out);
}

Status conv_prepare(const Setup *setup, WindowParams *params, Error *err) {
    const Tensor *t = setup->constant(setup, 1);
    if (!t) return ST_OK;
    Kernel
        kernel;  // TF's groups are known with the image only: here they are one, as they mostly are
    TRY(kernel_init(&kernel, NULL, params, t, -1, err));
    const float **packed = ARENA_ARRAY(setup->arena, const float *, kernel.groups);
    float *scratch = mem_alloc((size_t)(kernel.positions * kernel.in * kernel.out) * sizeof(float));
    for (int64_t g = 0; g < kernel.groups; g++) {
        float *to = arena_alloc_aligned(setup->arena, packed_size(&kernel) * sizeof(float), 64);
        pack(&kernel, g, scratch, to);
        packed[g] = to;
    }
    mem_free(scratch);
    params->packed = packed;
    return ST_OK;
}

// The patches of output pixels [from, from + count) as rows.
static void patches(const Window *w, const float *image, int64_t channel, int64_t channels,
                    int64_t from, int64_t count, float *out) {
    for (int64_t pixel = from; pixel < from + count; pixel++) {
        int64_t x = pixel % w->out[2], y = pixel / w->out[2] % w->out[1];
        int64_t z = pixel / w->out[2] / w->out[1];
        for (int64_t i = 0; i < w->kernel[0]; i++) {
            int64_t at_z = window_place(w, 0, z, i);
            for (int64_t j = 0; j < w->kernel[1]; j++) {
                int64_t at_y = window_place(w, 1, y, j);
                for (int64_t k = 0; k < w->kernel[2]; k++, out += channels) {
                    int64_t at_x = window_place(w, 2, x, k);
                    if (at_x < 0 || at_y < 0 || at_z < 0) {
                        memset(out, 0, (size_t)channels * sizeof(float));
                        continue;
                    }
                    const float *in = image + at_z * w->step[0] + at_y * w->step[1] +
                                      at_x * w->step[2] + channel * w->channel_step;
                    if (w->channel_step == 1) {
                        memcpy(out, in, (size_t)channels * sizeof(float));
                        continue;
                    }
                    for (int64_t c = 0; c < channels; c++) out[c] = in[c * w->channel_step];
                }
            }
        }
    }
}

// What a convolution works with.
typedef struct Conv {
    Window w;
    Kernel kernel;
    const float *bias;
    const float *const *packed;
    float *tile, *result;
} Conv;

// A result with channels first is turned tile by tile.
static void put_tile(const Conv *self, int64_t group, int64_t from, int64_t count, float *out) {
    const float *in = self->result;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t c = 0; c < self->kernel.out; c++) {
            int64_t channel = group * self->kernel.out + c;
            int64_t at = self->w.channels_last
                             ? (from + i) * self->kernel.out * self->kernel.groups + channel
                             : channel * self->w.pixels + from + i;
            out[at] = *in++;
        }
    }
}

static void convolve(const Conv *self, const float *image, float *out) {
    const Kernel *k = &self->kernel;
    size_t depth = (size_t)(k->positions * k->in);
    bool straight = self->w.channels_last && k->groups == 1;
    for (int64_t from = 0; from < self->w.pixels; from += TILE) {
        int64_t count = self->w.pixels - from < TILE ? self->w.pixels - from : TILE;
        for (int64_t g = 0; g < k->groups; g++) {
            patches(&self->w, image, g * k->in, k->in, from, count, self->tile);
            math()->gemm(self->tile, depth, self->packed[g],
                         self->bias ? self->bias + g * k->out : NULL,
                         straight ? out + from * k->out : self->result, (size_t)k->out,
                         (size_t)count, depth, (size_t)k->out, false);
            if (!straight) put_tile(self, g, from, count, out);
        }
    }
}

// Packs a kernel that is not known before the run.
static Status pack_now(const Call *call, Conv *self, Error *err) {
    void *all, *list;
    size_t size = packed_size(&self->kernel), groups = (size_t)self->kernel.groups;
    size_t plain = (size_t)(self->kernel.positions * self->kernel.in * self->kernel.out);
    TRY(call_scratch(call, groups * sizeof(float *), &list, err));
    TRY(call_scratch(call, (groups * size + plain) * sizeof(float), &all, err));
    const float **packed = list;
    float *to = all, *scratch = to + groups * size;
    for (size_t g = 0; g < groups; g++, to += size) {
        pack(&self->kernel, (int64_t)g, scratch, to);
        packed[g] = to;
    }
    self->packed = packed;
    return ST_OK;
}

static Status bias_of(const Call *call, int64_t channels, const float **out, Error *err) {
    const Tensor *t = call->in_count > 2 ? call->in[2] : NULL;
    *out = NULL;
    if (!t) return ST_OK;
    TRY(call_want(call, 2, TENSOR_F32, err));
    if (t->count != channels) return call_misfit(call->in[1], t, err);
    *out = tensor_f32(t);
    return ST_OK;
}

Status kernel_conv(const Call *call, Error *err) {
    const WindowParams *params = call->params;
    const Tensor *image = call->in[0];
    Conv conv = {.packed = params->packed};
    TRY(call_want(call, 0, TENSOR_F32, err));
    TRY(window_image(&conv.w, params, image, err));
    Kernel *kernel = &conv.kernel;
    TRY(kernel_init(kernel, &conv.w, params, call->in[1], conv.w.channels, err));
    TRY(window_result(&conv.w, params, err));
    int64_t channels = kernel->out * kernel->groups;
    TRY(bias_of(call, channels, &conv.bias, err));
    if (!conv.packed || (kernel->last && !kernel->depthwise && kernel->groups > 1)) {
        TRY(pack_now(call, &conv, err));
    }
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX];
    window_shape(&conv.w, channels, &rank, dim);
    TRY(call_new(call, 0, TENSOR_F32, rank, dim, err));
    int64_t depth = kernel->positions * kernel->in;
    TRY(call_work(call, (double)call->out[0].count * (double)depth, err));
    void *tile, *result;
    TRY(call_scratch(call, (size_t)(TILE * depth) * sizeof(float), &tile, err));
    TRY(call_scratch(call, (size_t)(TILE * kernel->out) * sizeof(float), &result, err));
    conv.tile = tile;
    conv.result = result;
    float *out = tensor_f32(&call->out[0]);
    for (int64_t n = 0; n < conv.w.batch; n++, out += conv.w.pixels * channels) {
        convolve(&conv, tensor_f32(image) + n * conv.w.batch_step, out);
    }
    return ST_OK;
}

// --- Turned convolutions: each value of the image is spread over the result ---

// The result's size; [w] was made for the image and becomes the window that walks over the result.
static Status turned_result(Window *w, const WindowParams *params, const int64_t *wanted,
                            int64_t in[SPACE_MAX], Error *err) {
    for (uint32_t d = 0; d < SPACE_MAX; d++) {
        in[d] = w->in[d];
        int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1;
        int64_t full = (w->in[d] - 1) * w->stride[d] + reach + w->out_pad[d];
        bool same = params->pad_kind == PAD_SAME_UPPER || params->pad_kind == PAD_SAME_LOWER;
        int64_t size = same ? w->in[d] * w->stride[d] : full - w->front[d] - w->back[d];
        uint32_t lacking = SPACE_MAX - w->space;
        if (wanted && d >= lacking) size = wanted[d - lacking];
        if (size < 0) return error_set(err, ST_RUNTIME, "a result of negative size");
        if (same || wanted) {
            int64_t pad = full > size ? full - size : 0;
            w->front[d] = params->pad_kind == PAD_SAME_LOWER ? pad - pad / 2 : pad / 2;
            if (params->pad_kind == PAD_VALID) w->front[d] = 0;
        }
        w->out[d] = size;
    }
    return tensor_count(SPACE_MAX, w->out, &w->pixels, err);
}

// Where a value at [place] of the image lands under position [k]; negative: outside.
static int64_t landing(const Window *w, int d, int64_t place, int64_t k) {
    int64_t at = place * w->stride[d] + k * w->dilation[d] - w->front[d];
    return at < w->out[d] ? at : -1;
}

static void spread_value(const Window *w, const Kernel *kernel, const int64_t place[SPACE_MAX],
                         int64_t group, int64_t channel, float value, float *out,
                         const int64_t step[SPACE_MAX], int64_t channel_step) {
    int64_t position = 0;
    for (int64_t i = 0; i < w->kernel[0]; i++) {
        for (int64_t j = 0; j < w->kernel[1]; j++) {
            for (int64_t k = 0; k < w->kernel[2]; k++, position++) {
                int64_t z = landing(w, 0, place[0], i), y = landing(w, 1, place[1], j);
                int64_t x = landing(w, 2, place[2], k);
                if (z < 0 || y < 0 || x < 0) continue;
                float *to = out + z * step[0] + y * step[1] + x * step[2];
                // In a turned kernel the image's channels are those that a straight one gives.
                for (int64_t c = 0; c < kernel->in; c++) {
                    to[(group * kernel->in + c) * channel_step] +=
                        value * weight(kernel, group, channel, c, position);
                }
            }
        }
    }
}

Status kernel_conv_turned(const Call *call, Error *err) {
    const WindowParams *params = call->params;
    bool tf = call->arg == 1;
    const Tensor *image = call->in[tf ? 2 : 0];
    TRY(call_want(call, tf ? 2 : 0, TENSOR_F32, err));
    Window w;
    Kernel kernel;
    TRY(window_image(&w, params, image, err));
    TRY(kernel_init(&kernel, &w, params, call->in[1], -1, err));
    if (w.channels != kernel.out * kernel.groups) return call_misfit(image, call->in[1], err);
    int64_t wanted[TENSOR_RANK_MAX] = {0}, in[SPACE_MAX], channels = kernel.in * kernel.groups;
    uint32_t count = 0;
    if (tf) TRY(call_integers(call->in[0], wanted, TENSOR_RANK_MAX, &count, err));
    if (tf && count != image->rank) return call_misfit(image, call->in[0], err);
    const int64_t *sizes = tf ? wanted + (w.channels_last ? 1 : 2)
                              : params->has_out_shape ? params->out_shape : NULL;
    TRY(turned_result(&w, params, sizes, in, err));
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX];
    window_shape(&w, channels, &rank, dim);
    TRY(call_new(call, 0, TENSOR_F32, rank, dim, err));
    const Tensor *result = &call->out[0];
    TRY(call_work(call, (double)image->count * (double)kernel.positions * (double)kernel.in, err));
    const float *bias = NULL;
    if (!tf) TRY(bias_of(call, channels, &bias, err));
    int64_t step[SPACE_MAX], channel_step = w.channels_last ? 1 : w.pixels;
    int64_t pixel_step = w.channels_last ? channels : 1;
    step[2] = pixel_step;
    step[1] = step[2] * w.out[2];
    step[0] = step[1] * w.out[1];
    float *out = tensor_f32(result);
    for (int64_t i = 0; i < result->count; i++) {
        int64_t channel = w.channels_last ? i % channels : i / (w.pixels ? w.pixels : 1) % channels;
        out[i] = bias ? bias[channel] : 0;
    }
    int64_t pixels = in[0] * in[1] * in[2];
    for (int64_t n = 0; n < w.batch; n++, out += w.pixels * channels) {
        const float *from = tensor_f32(image) + n * w.batch_step;
        for (int64_t p = 0; p < pixels; p++) {
            int64_t place[SPACE_MAX] = {p / in[2] / in[1], p / in[2] % in[1], p % in[2]};
            int64_t at = place[0] * w.step[0] + place[1] * w.step[1] + place[2] * w.step[2];
            for (int64_t c = 0; c < w.channels; c++) {
                spread_value(&w, &kernel, place, c / kernel.out, c % kernel.out,
                             from[at + c * w.channel_step], out, step, channel_step);
            }
        }
    }
    return ST_OK;
}
