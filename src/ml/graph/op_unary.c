// ml/graph/op_unary.c - functions of one operand, tests and casts.
#include <math.h>

#include "base/assert.h"
#include "ml/graph/kernels.h"
#include "ml/graph/math.h"
#include "type/number.h"

_Static_assert((int)UNARY_LINEAR == (int)MATH_LINEAR, "one order in both");

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sign(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

static double unary_exact(UnaryKind kind, double x, double a, double b) {
    switch (kind) {
        case UNARY_EXP: return exp(x);
        case UNARY_TANH: return tanh(x);
        case UNARY_SIGMOID: return sigmoid(x);
        case UNARY_RELU: return x < 0 ? 0 : x;
        case UNARY_SQRT: return sqrt(x);
        case UNARY_RSQRT: return 1 / sqrt(x);
        case UNARY_SQUARE: return x * x;
        case UNARY_NEG: return -x;
        case UNARY_ABS: return fabs(x);
        case UNARY_RECIPROCAL: return 1 / x;
        case UNARY_ELU: return x < 0 ? a * expm1(x) : x;
        case UNARY_LEAKY_RELU: return x < 0 ? a * x : x;
        case UNARY_CLIP: return x < a ? a : x > b ? b : x;
        case UNARY_LINEAR: return fmin(fmax(a * x + b, 0), 1);
        case UNARY_LOG: return log(x);
        case UNARY_LOG1P: return log1p(x);
        case UNARY_EXPM1: return expm1(x);
        case UNARY_SIN: return sin(x);
        case UNARY_COS: return cos(x);
        case UNARY_TAN: return tan(x);
        case UNARY_ASIN: return asin(x);
        case UNARY_ACOS: return acos(x);
        case UNARY_ATAN: return atan(x);
        case UNARY_SINH: return sinh(x);
        case UNARY_COSH: return cosh(x);
        case UNARY_ASINH: return asinh(x);
        case UNARY_ACOSH: return acosh(x);
        case UNARY_ATANH: return atanh(x);
        case UNARY_ERF: return erf(x);
        case UNARY_ERFC: return erfc(x);
        case UNARY_CEIL: return ceil(x);
        case UNARY_FLOOR: return floor(x);
        case UNARY_ROUND: return nearbyint(x);
        case UNARY_SIGN: return sign(x);
        case UNARY_SOFTPLUS: return softplus(x);
        case UNARY_SOFTSIGN: return x / (1 + fabs(x));
        case UNARY_SELU: return x > 0 ? b * x : b * a * expm1(x);
        case UNARY_CELU: return x > 0 ? x : a * expm1(x / a);
        case UNARY_THRESHOLDED_RELU: return x > a ? x : 0;
        case UNARY_HARD_SWISH: return x * fmin(fmax(x / 6 + 0.5, 0), 1);
        case UNARY_MISH: return x * tanh(softplus(x));
        case UNARY_SWISH: return x * sigmoid(a * x);
        case UNARY_GELU: return 0.5 * x * (1 + erf(x * 0.70710678118654752));
        case UNARY_GELU_TANH:
            return 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
        case UNARY_LGAMMA: return lgamma(x);
        case UNARY_SHRINK: return x < -a ? x + b : x > a ? x - b : 0;
    }
    return 0;
}

// The fewest functions mean anything for integers.
static bool unary_integer(UnaryKind kind, int64_t x, double a, double b, int64_t *out) {
    uint64_t bits = (uint64_t)x;
    switch (kind) {
        case UNARY_ABS: *out = x < 0 ? (int64_t)(0 - bits) : x; return true;
        case UNARY_NEG: *out = (int64_t)(0 - bits); return true;
        case UNARY_SQUARE: *out = (int64_t)(bits * bits); return true;
        case UNARY_SIGN: *out = (x > 0) - (x < 0); return true;
        case UNARY_RELU: *out = x < 0 ? 0 : x; return true;
        case UNARY_CLIP:
            *out = (double)x < a ? (int64_t)a : (double)x > b ? (int64_t)b : x;
            return true;
        case UNARY_CEIL:
        case UNARY_FLOOR:
        case UNARY_ROUND: *out = x; return true;
        default: return false;
    }
}

static Status integers(const Call *call, const Tensor *in, const UnaryParams *params, Error *err) {
    TRY(call_reuse(call, 0, in->type, 0, err));
    const Tensor *out = &call->out[0];
    for (int64_t i = 0; i < in->count; i++) {
        int64_t value;
        if (!unary_integer((UnaryKind)call->arg, tensor_integer(in, i), params->a, params->b,
                           &value)) {
            return call_no_type(in, err);
        }
        if (in->type == TENSOR_I64) tensor_i64(out)[i] = value;
        else tensor_i32(out)[i] = (int32_t)value;
    }
    return ST_OK;
}

Status kernel_unary(const Call *call, Error *err) {
    static const UnaryParams NONE = {0};
    const Tensor *in = call->in[0];
    const UnaryParams *params = call->params ? call->params : &NONE;
    if (tensor_is_int(in->type)) return integers(call, in, params, err);
    if (!tensor_is_float(in->type)) return call_no_type(in, err);
    TRY(call_reuse(call, 0, in->type, 0, err));
    const Tensor *out = &call->out[0];
    size_t count = (size_t)in->count;
    if (in->type == TENSOR_F32 && call->arg < MATH_UNARY_COUNT_) {
        math()->unary[call->arg](tensor_f32(in), tensor_f32(out), count, params->a, params->b);
        return ST_OK;
    }
    for (size_t i = 0; i < count; i++) {
        double x = tensor_number(in, (int64_t)i);
        tensor_put_number(out, (int64_t)i,
                          unary_exact((UnaryKind)call->arg, x, params->a, params->b));
    }
    return ST_OK;
}

Status kernel_test(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    TRY(call_like(call, 0, TENSOR_BOOL, in, err));
    uint8_t *out = tensor_bool(&call->out[0]);
    for (int64_t i = 0; i < in->count; i++) {
        double x = tensor_number(in, i);
        switch ((TestKind)call->arg) {
            case TEST_NOT: out[i] = x == 0 ? 1 : 0; break;
            case TEST_NAN: out[i] = x != x; break;
            case TEST_INF: out[i] = isinf(x) != 0; break;
            case TEST_INF_ABOVE: out[i] = isinf(x) && x > 0; break;
            case TEST_INF_BELOW: out[i] = isinf(x) && x < 0; break;
            case TEST_NEVER: out[i] = 0; break;
            case TEST_FINITE: out[i] = isfinite(x) != 0; break;
        }
    }
    return ST_OK;
}

// A bound of a Clip: an input of one value, or nothing.
static double bound(const Call *call, uint32_t in, double otherwise) {
    const Tensor *t = in < call->in_count ? call->in[in] : NULL;
    return t && t->count ? tensor_number(t, 0) : otherwise;
}

Status kernel_clip(const Call *call, Error *err) {
    for (uint32_t i = 0; i < call->in_count; i++) {
        if (call->in[i]) TRY(call_want_number(call, i, err));
    }
    const Tensor *in = call->in[0];
    const UnaryParams *params = call->params;
    double low = bound(call, 1, params ? (double)params->a : -INFINITY);
    double high = bound(call, 2, params ? (double)params->b : INFINITY);
    TRY(call_reuse(call, 0, in->type, 0, err));
    const Tensor *out = &call->out[0];
    if (in->type == TENSOR_F32) {
        math()->unary[MATH_CLIP](tensor_f32(in), tensor_f32(out), (size_t)in->count, (float)low,
                                 (float)high);
        return ST_OK;
    }
    for (int64_t i = 0; i < in->count; i++) {
        double x = tensor_number(in, i);
        tensor_put_number(out, i, x > high ? high : x < low ? low : x);
    }
    return ST_OK;
}

// --- Casts ---

static Status to_text(const Call *call, const Tensor *in, Error *err) {
    TRY(call_like(call, 0, TENSOR_STR, in, err));
    Str *out = tensor_str(&call->out[0]);
    for (int64_t i = 0; i < in->count; i++) {
        char text[NUMBER_TEXT_MAX];
        uint32_t size;
        if (in->type == TENSOR_STR) {
            out[i] = tensor_str(in)[i];
            continue;
        }
        if (tensor_is_float(in->type)) {
            Buf shortest = {0};
            buf_printf(&shortest, "%.9g", tensor_number(in, i));
            out[i] = str_dup(call_arena(call), buf_str(&shortest));
            buf_free(&shortest);
            continue;
        }
        size = i64_print(tensor_integer(in, i), text);
        out[i] = str_dup(call_arena(call), str_make(text, size));
    }
    return ST_OK;
}

static Status from_text(const Call *call, const Tensor *in, TensorType type, Error *err) {
    TRY(call_like(call, 0, type, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        double value;
        if (!str_to_f64(str_trim(tensor_str(in)[i]), &value)) {
            return error_set(err, ST_RUNTIME, "'" STR_FMT "' is no number",
                             STR_ARG(tensor_str(in)[i]));
        }
        tensor_put_number(&call->out[0], i, value);
    }
    return ST_OK;
}

// A small integer wraps as the type that it stands for would.
static int64_t wrapped(int64_t value, int32_t bits, bool no_sign) {
    if (!bits) return value;
    uint64_t mask = ((uint64_t)1 << bits) - 1, low = (uint64_t)value & mask;
    bool negative = !no_sign && low >> (bits - 1);
    return (int64_t)(negative ? low | ~mask : low);
}

Status kernel_bit_not(const Call *call, Error *err) {
    const Tensor *in = call->in[0];
    if (in->type != TENSOR_I32 && in->type != TENSOR_I64) return call_no_type(in, err);
    TRY(call_like(call, 0, in->type, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        int64_t value = wrapped(~tensor_integer(in, i), in->bits, in->no_sign);
        if (in->type == TENSOR_I32) tensor_i32(&call->out[0])[i] = (int32_t)value;
        else tensor_i64(&call->out[0])[i] = value;
    }
    return ST_OK;
}

// Only between types of one width, which are held as they are: not halves, nor small integers.
Status kernel_bitcast(const Call *call, Error *err) {
    const CastParams *params = call->params;
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    if (in->bits || tensor_size(in->type) != tensor_size(params->to)) return call_no_type(in, err);
    TRY(call_like(call, 0, params->to, in, err));
    memcpy(call->out[0].data, in->data, (size_t)in->count * tensor_size(in->type));
    return ST_OK;
}

Status kernel_cast(const Call *call, Error *err) {
    const CastParams *params = call->params;
    const Tensor *in = call->in[0];
    TensorType to = params->to;
    if (in->type == to && !params->bits) {
        call_pass(call, 0, in, in->rank, in->dim);
        return ST_OK;
    }
    if (to == TENSOR_STR) return to_text(call, in, err);
    if (in->type == TENSOR_STR) return from_text(call, in, to, err);
    TRY(call_want_number(call, 0, err));
    TRY(call_like(call, 0, to, in, err));
    const Tensor *out = &call->out[0];
    for (int64_t i = 0; i < in->count; i++) {
        if (to == TENSOR_I32) {
            tensor_i32(out)[i] = (int32_t)wrapped(tensor_integer(in, i), params->bits,
                                                  params->no_sign);
        } else if (to == TENSOR_I64) {
            tensor_i64(out)[i] = wrapped(tensor_integer(in, i), params->bits, params->no_sign);
        } else {
            tensor_put_number(out, i, tensor_number(in, i));
        }
    }
    call->out[0].bits = (uint8_t)params->bits;
    call->out[0].no_sign = params->no_sign;
    return ST_OK;
}

Status kernel_same(const Call *call, Error *err) {
    for (uint32_t i = 0; i < call->out_count; i++) {
        if (i >= call->in_count || !call->in[i]) {
            return error_set(err, ST_RUNTIME, "output %u has no input", i + 1);
        }
        call_pass(call, i, call->in[i], call->in[i]->rank, call->in[i]->dim);
    }
    return ST_OK;
}
