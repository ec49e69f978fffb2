// ml/onnx/ops_quant.c - numbers of eight bits: a real x is (q - zero) * scale, one scale for all or
// one a channel. Integers of eight bits are held in TENSOR_I32; zero points know which they are.
#include <math.h>

#include "ml/graph/kernels.h"
#include "ml/onnx/onnx_int.h"

typedef struct QuantParams {
    int64_t axis;
    int32_t bits;  // of the result, when it is asked for; 0: as the zero point
    bool no_sign;
    MatmulParams product;
    WindowParams window;
} QuantParams;

// -- Scales, zero points, ranges
// --------------------------------------------------------------------

static const Tensor *input(const Call *call, uint32_t i) {
    return i < call->in_count ? call->in[i] : NULL;
}

static double of_channel(const Tensor *t, int64_t channel, double otherwise) {
    if (!t || !t->count) return otherwise;
    return tensor_number(t, t->count == 1 ? 0 : channel);
}

typedef struct Range {
    double low, high;
} Range;

static Range range_of(int32_t bits, bool no_sign) {
    return (Range){no_sign ? 0 : -ldexp(1, bits - 1), ldexp(1, no_sign ? bits : bits - 1) - 1};
}

// What the result's type holds: that of the zero point, or the one asked for, or eight bits without
// a sign.
static Status range_at(const Call *call, const Tensor *zero, Range *out, Error *err) {
    const QuantParams *params = call->params;
    if (params->bits) *out = range_of(params->bits, params->no_sign);
    else if (!zero) *out = range_of(8, true);
    else if (zero->bits) *out = range_of(zero->bits, zero->no_sign);
    else
        return error_set(err, ST_UNSUPPORTED,
                         "a zero point of which nobody says how many bits it has");
    return ST_OK;
}

static int32_t saturated(const Range *range, double x) {
    return isnan(x) ? 0 : (int32_t)fmin(fmax(x, range->low), range->high);
}

// Index [i] of [t] lies in channel i / inner % channels. A tensor of more than one value has one
// for each channel.
static Status channels_of(const Call *call, const Tensor *t, int64_t along, const Tensor *scale,
                          const Tensor *zero, int64_t *inner, int64_t *channels, Error *err) {
    uint32_t axis;
    *inner = *channels = 1;
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (call->in[i]) TRY(call_want_number(call, i, err));
    }
    if ((!scale || scale->count == 1) && (!zero || zero->count <= 1)) return ST_OK;
    TRY(axis_of(along, t->rank, &axis, err));
    *inner = tensor_span(t, axis + 1, t->rank);
    *channels = t->dim[axis];
    if (scale && scale->count != 1 && scale->count != *channels) return call_misfit(t, scale, err);
    if (zero && zero->count > 1 && zero->count != *channels) return call_misfit(t, zero, err);
    return ST_OK;
}

// -- Between reals and integers
// ---------------------------------------------------------------------

static Status axis(Setup *s, Error *err) {
    QuantParams *params = SETUP_PARAMS(s, QuantParams);
    params->axis = setup_int(s, "axis", 1);
    if (!setup_int(s, "block_size", 0)) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "scales of blocks");
}

static Status quantized(Setup *s, Error *err) {
    TRY(axis(s, err));
    QuantParams *params = (QuantParams *)(uintptr_t)s->node->params;
    StoredType type = onnx_stored(setup_int(s, "output_dtype", 0));
    params->bits = stored_bits(type);
    params->no_sign = stored_unsigned(type);
    return ST_OK;
}

static Status dequantize(const Call *call, Error *err) {
    const QuantParams *params = call->params;
    const Tensor *in = call->in[0], *scale = call->in[1], *zero = input(call, 2);
    int64_t inner, channels;
    TRY(channels_of(call, in, params->axis, scale, zero, &inner, &channels, err));
    TRY(call_like(call, 0, TENSOR_F32, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        int64_t c = i / inner % channels;
        double x = tensor_number(in, i) - of_channel(zero, c, 0);
        tensor_f32(&call->out[0])[i] = (float)(x * of_channel(scale, c, 1));
    }
    return ST_OK;
}

static Status quantize(const Call *call, Error *err) {
    const QuantParams *params = call->params;
    const Tensor *in = call->in[0], *scale = call->in[1], *zero = input(call, 2);
    int64_t inner, channels;
    Range range;
    TRY(range_at(call, zero, &range, err));
    TRY(channels_of(call, in, params->axis, scale, zero, &inner, &channels, err));
    TRY(call_like(call, 0, TENSOR_I32, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        int64_t c = i / inner % channels;
        float x = (float)tensor_number(in, i) / (float)of_channel(scale, c, 1);
        tensor_i32(&call->out[0])[i] =
            saturated(&range, rint((double)x) + of_channel(zero, c, 0));
    }
    return ST_OK;
}

// The scale comes from the values: all of them and 0 fit into eight bits.
static Status quantize_dynamically(const Call *call, Error *err) {
    const Range byte = range_of(8, true);
    const Tensor *in = call->in[0];
    float low = 0, high = 0;
    TRY(call_want(call, 0, TENSOR_F32, err));
    for (int64_t i = 0; i < in->count; i++) {
        low = fminf(low, tensor_f32(in)[i]);
        high = fmaxf(high, tensor_f32(in)[i]);
    }
    float scale = high > low ? (high - low) / 255 : 1;
    int32_t zero = saturated(&byte, rint((double)(-low / scale)));
    TRY(call_like(call, 0, TENSOR_I32, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        double x = rint((double)(tensor_f32(in)[i] / scale)) + zero;
        tensor_i32(&call->out[0])[i] = saturated(&byte, x);
    }
    if (call->out_count > 1) {
        TRY(call_new(call, 1, TENSOR_F32, 0, NULL, err));
        tensor_f32(&call->out[1])[0] = scale;
    }
    if (call->out_count > 2) {
        TRY(call_new(call, 2, TENSOR_I32, 0, NULL, err));
        tensor_i32(&call->out[2])[0] = zero;
        call->out[2].bits = 8;
        call->out[2].no_sign = true;
    }
    return ST_OK;
}

// -- Products
// ---------------------------------------------------------------------------------------

// [t] less its zero point, one for all or one along the axis.
static Status centred(const Call *call, const Tensor *t, const Tensor *zero, int64_t along,
                      TensorType type, Tensor *out, Error *err) {
    int64_t inner, channels;
    if (zero && zero->count > 1 && t->rank == 0) return call_misfit(t, zero, err);
    TRY(channels_of(call, t, along, NULL, zero, &inner, &channels, err));
    TRY(tensor_new(call_pool(call), type, t->rank, t->dim, out, err));
    for (int64_t i = 0; i < t->count; i++) {
        double x = tensor_number(t, i) - of_channel(zero, i / inner % channels, 0);
        tensor_put_number(out, i, x);
    }
    return ST_OK;
}

// The kernel's result over both tensors without their zero points. Reals hold a convolution's
// sums exactly as long as they stay below 2^24.
static Status combined(const Call *call, Status (*kernel)(const Call *, Error *),
                       const void *params, const Tensor *a, const Tensor *a_zero, int64_t a_axis,
                       const Tensor *b, const Tensor *b_zero, int64_t b_axis, TensorType type,
                       Tensor *out, Error *err) {
    Tensor left = {0}, right = {0};
    const Tensor *in[] = {&left, &right};
    Call inner = *call;
    inner.in = in;
    inner.in_count = 2;
    inner.out = out;
    inner.out_count = 1;
    inner.params = params;
    inner.dying = 0;
    *out = (Tensor){0};
    Status st = centred(call, a, a_zero, a_axis, type, &left, err);
    if (!st) st = centred(call, b, b_zero, b_axis, type, &right, err);
    if (!st) st = kernel(&inner, err);
    if (st) tensor_drop(call_pool(call), out);
    tensor_drop(call_pool(call), &left);
    tensor_drop(call_pool(call), &right);
    return st;
}

// Sums of products as integers of the result's scale.
static Status rescale(const Call *call, const Tensor *sums, const Tensor *a_scale, int64_t a_axis,
                      const Tensor *b_scale, int64_t b_axis, const Tensor *bias,
                      const Tensor *scale, const Tensor *zero, Error *err) {
    Range range;
    int64_t a_inner, a_channels, b_inner, b_channels;
    TRY(range_at(call, zero, &range, err));
    TRY(channels_of(call, sums, a_axis, a_scale, NULL, &a_inner, &a_channels, err));
    TRY(channels_of(call, sums, b_axis, b_scale, bias, &b_inner, &b_channels, err));
    TRY(call_like(call, 0, TENSOR_I32, sums, err));
    for (int64_t i = 0; i < sums->count; i++) {
        int64_t c = i / b_inner % b_channels;
        double by = of_channel(a_scale, i / a_inner % a_channels, 1) * of_channel(b_scale, c, 1) /
                    of_channel(scale, 0, 1);
        double x = (tensor_number(sums, i) + of_channel(bias, c, 0)) * by;
        tensor_i32(&call->out[0])[i] = saturated(&range, rint(x) + of_channel(zero, 0, 0));
    }
    return ST_OK;
}

static Status product(Setup *s, Error *err) {
    QuantParams *params = SETUP_PARAMS(s, QuantParams);
    params->product = (MatmulParams){.alpha = 1, .beta = 1};
    return ST_OK;
}

static Status matmul_integer(const Call *call, Error *err) {
    const QuantParams *params = call->params;
    return combined(call, kernel_matmul, &params->product, call->in[0], input(call, 2), -2,
                    call->in[1], input(call, 3), -1, TENSOR_I32, &call->out[0], err);
}

static Status matmul_linear(const Call *call, Error *err) {
    const QuantParams *params = call->params;
    Tensor sums;
    TRY(combined(call, kernel_matmul, &params->product, call->in[0], call->in[2], -2, call->in[3],
                 call->in[5], -1, TENSOR_I32, &sums, err));
    Status st = rescale(call, &sums, call->in[1], -2, call->in[4], -1, NULL, call->in[6],
                        call->in[7], err);
    tensor_drop(call_pool(call), &sums);
    return st;
}

static Status conv(Setup *s, Error *err) {
    QuantParams *params = SETUP_PARAMS(s, QuantParams);
    return onnx_window(s, &params->window, err);
}

static Status conv_integer(const Call *call, Error *err) {
    const QuantParams *params = call->params;
    Tensor sums;
    TRY(combined(call, kernel_conv, &params->window, call->in[0], input(call, 2), 1, call->in[1],
                 input(call, 3), 0, TENSOR_F32, &sums, err));
    Status st = call_like(call, 0, TENSOR_I32, &sums, err);
    for (int64_t i = 0; i < sums.count && !st; i++) {
        tensor_put_number(&call->out[0], i, (double)tensor_f32(&sums)[i]);
    }
    tensor_drop(call_pool(call), &sums);
    return st;
}

static Status conv_linear(const Call *call, Error *err) {
    const QuantParams *params = call->params;
    Tensor sums;
    TRY(combined(call, kernel_conv, &params->window, call->in[0], call->in[2], 1, call->in[3],
                 call->in[5], 0, TENSOR_F32, &sums, err));
    Status st = rescale(call, &sums, call->in[1], 1, call->in[4], 1, input(call, 8), call->in[6],
                        call->in[7], err);
    tensor_drop(call_pool(call), &sums);
    return st;
}

// clang-format off
const Op ONNX_QUANT_OPS[] = {
    {"DequantizeLinear", dequantize, axis, 0, 2, 3, 0},
    {"QuantizeLinear", quantize, quantized, 0, 2, 3, 0},
    {"DynamicQuantizeLinear", quantize_dynamically, NULL, 0, 1, 1, 0},
    {"MatMulInteger", matmul_integer, product, 0, 2, 4, 0},
    {"QLinearMatMul", matmul_linear, product, 0, 8, 8, 0},
    {"ConvInteger", conv_integer, conv, 0, 2, 4, 0},
    {"QLinearConv", conv_linear, conv, 0, 8, 9, 0},
    {0},
};
// clang-format on
