// ml/tf/ops_nn.c - TensorFlow's operators that networks are made of: products, windows, and
// normalisation.
#include "ml/tf/tf_int.h"

static Status matmul(Setup *s, Error *err) {
    MatmulParams *params = SETUP_PARAMS(s, MatmulParams);
    bool flat = str_is(str_c(s->op->name), "MatMul");
    params->alpha = params->beta = 1;
    params->a_turned = setup_int(s, flat ? "transpose_a" : "adj_x", 0) != 0;
    params->b_turned = setup_int(s, flat ? "transpose_b" : "adj_y", 0) != 0;
    params->flat = flat;
    matmul_prepare(s, params);
    return ST_OK;
}

static Status einsum(Setup *s, Error *err) {
    EinsumParams *params = SETUP_PARAMS(s, EinsumParams);
    params->equation = str_dup(s->arena, setup_str(s, "equation", ""));
    return ST_OK;
}

static const Op BIAS_FIRST = {.name = "BiasAdd", .run = kernel_bias, .arg = 1, .in_min = 2,
                              .in_max = 2};

static bool channels_first(const Setup *s) {
    Str format = setup_str(s, "data_format", "NHWC");
    return str_starts(format, STR("NC"));
}

static Status bias(Setup *s, Error *err) {
    if (channels_first(s)) s->node->op = &BIAS_FIRST;
    return ST_OK;
}

// --- Windows ---

// A list by dimension of the image: those of batch and channels, which must be 1, go.
static Status spatial(Setup *s, const char *name, bool last, int64_t *out, uint32_t *space,
                      Error *err) {
    uint32_t count;
    const int64_t *list = setup_ints(s, name, &count);
    for (uint32_t i = 0; i < SPACE_MAX; i++) out[i] = 1;
    if (!count) return ST_OK;
    if (count < 3 || count > 2 + SPACE_MAX || list[0] != 1 || list[last ? count - 1 : 1] != 1) {
        return error_set(err, ST_UNSUPPORTED, "%s goes along other dimensions than those of space",
                         name);
    }
    for (uint32_t i = 0; i < count - 2; i++) out[i] = list[i + (last ? 1 : 2)];
    *space = count - 2;
    return ST_OK;
}

static Status window(Setup *s, WindowParams *params, Error *err) {
    bool last = !channels_first(s);
    Str padding = setup_str(s, "padding", "VALID");
    params->channels_last = last;
    params->groups = 1;
    TRY(spatial(s, "strides", last, params->stride, &params->space, err));
    TRY(spatial(s, "dilations", last, params->dilation, &params->space, err));
    TRY(spatial(s, "ksize", last, params->kernel, &params->space, err));
    if (str_is(padding, "SAME")) {
        params->pad_kind = PAD_SAME_UPPER;
    } else if (str_is(padding, "VALID")) {
        params->pad_kind = PAD_VALID;
    } else {
        uint32_t count;
        const int64_t *pads = setup_ints(s, "explicit_paddings", &count);
        if (count != 2 * (params->space + 2)) {
            return error_set(err, ST_VALIDATION, "explicit_paddings has %u values", count);
        }
        for (uint32_t i = 0; i < params->space; i++) {
            params->pad_front[i] = pads[2 * (i + (last ? 1 : 2))];
            params->pad_back[i] = pads[2 * (i + (last ? 1 : 2)) + 1];
        }
    }
    return ST_OK;
}

static Status conv(Setup *s, Error *err) {
    WindowParams *params = SETUP_PARAMS(s, WindowParams);
    TRY(window(s, params, err));
    params->kernel_last = true;
    params->depthwise = str_is(str_c(s->op->name), "DepthwiseConv2dNative");
    return str_starts(str_c(s->op->name), STR("Conv2DBack")) ||
                   str_starts(str_c(s->op->name), STR("Conv3DBack"))
               ? ST_OK
               : conv_prepare(s, params, err);
}

static Status pool(Setup *s, Error *err) {
    WindowParams *params = SETUP_PARAMS(s, WindowParams);
    return window(s, params, err);
}

// --- Normalisation ---

static Status softmax(Setup *s, Error *err) {
    SoftParams *params = SETUP_PARAMS(s, SoftParams);
    params->axis = -1;
    return ST_OK;
}

static Status batch_norm(Setup *s, Error *err) {
    NormParams *params = SETUP_PARAMS(s, NormParams);
    params->epsilon = (float)setup_float(s, "epsilon", 0.0001);
    params->axis = channels_first(s) ? 1 : -1;
    const Attr *training = setup_attr(s, "is_training");
    if (training && !training->i) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "is_training is set");
}

static Status lrn(Setup *s, Error *err) {
    LrnParams *params = SETUP_PARAMS(s, LrnParams);
    params->size = 2 * setup_int(s, "depth_radius", 5) + 1;
    params->alpha = (float)setup_float(s, "alpha", 1);
    params->beta = (float)setup_float(s, "beta", 0.5);
    params->bias = (float)setup_float(s, "bias", 1);
    params->channels_last = true;
    return ST_OK;
}

// clang-format off
const Op TF_NN_OPS[] = {
    {"MatMul", kernel_matmul, matmul, 0, 2, 2, 0},
    {"BatchMatMul", kernel_matmul, matmul, 0, 2, 2, 0},
    {"BatchMatMulV2", kernel_matmul, matmul, 0, 2, 2, 0},
    {"BatchMatMulV3", kernel_matmul, matmul, 0, 2, 2, 0},
    {"Einsum", kernel_einsum, einsum, 0, 1, 2, 0},
    {"BiasAdd", kernel_bias, bias, 0, 2, 2, 0},
    {"BiasAddV1", kernel_bias, NULL, 0, 2, 2, 0},
    {"Conv2D", kernel_conv, conv, 0, 2, 2, 0},
    {"Conv3D", kernel_conv, conv, 0, 2, 2, 0},
    {"DepthwiseConv2dNative", kernel_conv, conv, 0, 2, 2, 0},
    {"Conv2DBackpropInput", kernel_conv_turned, conv, 1, 3, 3, 0},
    {"Conv3DBackpropInputV2", kernel_conv_turned, conv, 1, 3, 3, 0},
    {"MaxPool", kernel_pool, pool, POOL_MAX, 1, 1, 0},
    {"MaxPool3D", kernel_pool, pool, POOL_MAX, 1, 1, 0},
    {"AvgPool", kernel_pool, pool, POOL_MEAN, 1, 1, 0},
    {"AvgPool3D", kernel_pool, pool, POOL_MEAN, 1, 1, 0},
    {"Softmax", kernel_softmax, softmax, SOFT_MAX, 1, 1, 0},
    {"LogSoftmax", kernel_softmax, softmax, SOFT_LOG, 1, 1, 0},
    {"FusedBatchNorm", kernel_norm, batch_norm, NORM_BATCH, 5, 5, 0},
    {"FusedBatchNormV2", kernel_norm, batch_norm, NORM_BATCH, 5, 5, 0},
    {"FusedBatchNormV3", kernel_norm, batch_norm, NORM_BATCH, 5, 5, 0},
    {"LRN", kernel_lrn, lrn, 0, 1, 1, 0},
    {0},
};
// clang-format on
