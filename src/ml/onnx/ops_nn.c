// ml/onnx/ops_nn.c - the operators of ai.onnx that networks are made of: products, windows,
// normalisation, recurrent layers, and weights of eight bits.
#include "ml/graph/kernels.h"
#include "ml/onnx/onnx_int.h"

// --- Products ---

static Status matmul(Setup *s, Error *err) {
    MatmulParams *params = SETUP_PARAMS(s, MatmulParams);
    params->alpha = (float)setup_float(s, "alpha", 1);
    params->beta = (float)setup_float(s, "beta", 1);
    params->a_turned = setup_int(s, "transA", 0) != 0;
    params->b_turned = setup_int(s, "transB", 0) != 0;
    params->flat = str_is(str_c(s->op->name), "Gemm");
    matmul_prepare(s, params);
    return ST_OK;
}

static Status einsum(Setup *s, Error *err) {
    EinsumParams *params = SETUP_PARAMS(s, EinsumParams);
    params->equation = str_dup(s->arena, setup_str(s, "equation", ""));
    return ST_OK;
}

// --- Windows ---

static Status copy_list(Setup *s, const char *name, int64_t otherwise, int64_t *out,
                        uint32_t *space, Error *err) {
    uint32_t count;
    const int64_t *list = setup_ints(s, name, &count);
    for (uint32_t i = 0; i < SPACE_MAX; i++) out[i] = otherwise;
    if (!count) return ST_OK;
    if (count > SPACE_MAX || (*space && *space != count)) {
        return error_set(err, ST_VALIDATION, "%s has %u values", name, count);
    }
    memcpy(out, list, count * sizeof *out);
    *space = count;
    return ST_OK;
}

Status onnx_window(Setup *s, WindowParams *params, Error *err) {
    uint32_t count, *space = &params->space;
    TRY(copy_list(s, "kernel_shape", 0, params->kernel, space, err));
    TRY(copy_list(s, "strides", 1, params->stride, space, err));
    TRY(copy_list(s, "dilations", 1, params->dilation, space, err));
    TRY(copy_list(s, "output_padding", 0, params->out_pad, space, err));
    params->has_out_shape = setup_attr(s, "output_shape") != NULL;
    TRY(copy_list(s, "output_shape", 0, params->out_shape, space, err));
    const int64_t *pads = setup_ints(s, "pads", &count);
    if (count && (count > 2 * SPACE_MAX || count % 2 || (*space && count != 2 * *space))) {
        return error_set(err, ST_VALIDATION, "pads has %u values", count);
    }
    if (count) *space = count / 2;
    for (uint32_t i = 0; i < count / 2; i++) {
        params->pad_front[i] = pads[i];
        params->pad_back[i] = pads[count / 2 + i];
    }
    Str kind = setup_str(s, "auto_pad", "NOTSET");
    params->pad_kind = str_is(kind, "VALID")        ? PAD_VALID
                       : str_is(kind, "SAME_UPPER") ? PAD_SAME_UPPER
                       : str_is(kind, "SAME_LOWER") ? PAD_SAME_LOWER
                                                    : PAD_GIVEN;
    params->groups = setup_int(s, "group", 1);
    params->round_up = setup_int(s, "ceil_mode", 0) != 0;
    params->count_pad = setup_int(s, "count_include_pad", 0) != 0;
    return ST_OK;
}

static Status conv(Setup *s, Error *err) {
    WindowParams *params = SETUP_PARAMS(s, WindowParams);
    TRY(onnx_window(s, params, err));
    return conv_prepare(s, params, err);
}

static Status conv_turned(Setup *s, Error *err) {
    WindowParams *params = SETUP_PARAMS(s, WindowParams);
    return onnx_window(s, params, err);
}

static Status pool(Setup *s, Error *err) {
    WindowParams *params = SETUP_PARAMS(s, WindowParams);
    TRY(onnx_window(s, params, err));
    params->groups = setup_int(s, "p", 2);
    if (setup_int(s, "storage_order", 0)) {
        return error_set(err, ST_UNSUPPORTED, "storage_order 1: places count row by row");
    }
    if (params->space && params->kernel[0]) return ST_OK;
    return error_set(err, ST_VALIDATION, "kernel_shape is missing");
}

// --- Normalisation ---

static Status softmax(Setup *s, Error *err) {
    SoftParams *params = SETUP_PARAMS(s, SoftParams);
    params->flat = s->opset < 13;
    params->axis = setup_int(s, "axis", params->flat ? 1 : -1);
    return ST_OK;
}

static Status norm_of(Setup *s, int64_t axis, double epsilon) {
    NormParams *params = SETUP_PARAMS(s, NormParams);
    params->epsilon = (float)setup_float(s, "epsilon", epsilon);
    params->axis = setup_int(s, "axis", axis);
    params->groups = setup_int(s, "num_groups", 1);
    params->group_weights = s->opset < 21;
    return ST_OK;
}

static Status batch_norm(Setup *s, Error *err) {
    if (setup_int(s, "training_mode", 0)) {
        return error_set(err, ST_UNSUPPORTED, "training_mode is set");
    }
    s->node->out_count = s->node->out_count ? 1 : 0;  // the others are of training
    return norm_of(s, 1, 1e-5);
}

static Status layer_norm(Setup *s, Error *err) {
    return norm_of(s, -1, 1e-5);
}

static Status rms_norm(Setup *s, Error *err) {
    (void)norm_of(s, -1, 1e-5);
    ((NormParams *)s->node->params)->rms = true;
    return ST_OK;
}

static Status other_norm(Setup *s, Error *err) {
    return norm_of(s, 1, 1e-5);
}

static Status lrn(Setup *s, Error *err) {
    LrnParams *params = SETUP_PARAMS(s, LrnParams);
    params->size = setup_int(s, "size", 1);
    params->alpha = (float)(setup_float(s, "alpha", 0.0001) / (double)params->size);
    params->beta = (float)setup_float(s, "beta", 0.75);
    params->bias = (float)setup_float(s, "bias", 1);
    return ST_OK;
}

static Status lp_norm(Setup *s, Error *err) {
    LpParams *params = SETUP_PARAMS(s, LpParams);
    params->axis = setup_int(s, "axis", -1);
    params->p = (int32_t)setup_int(s, "p", 2);
    return ST_OK;
}

// --- Recurrent layers ---

static const struct {
    const char *name;
    RnnAct act;
    float alpha, beta;  // when the node names none
} ACTS[] = {{"Tanh", ACT_TANH, 0, 0},
            {"Sigmoid", ACT_SIGMOID, 0, 0},
            {"Relu", ACT_RELU, 0, 0},
            {"Affine", ACT_AFFINE, 1, 0},
            {"LeakyRelu", ACT_LEAKY_RELU, 0.01f, 0},
            {"ThresholdedRelu", ACT_THRESHOLDED_RELU, 1, 0},
            {"ScaledTanh", ACT_SCALED_TANH, 1, 1},
            {"HardSigmoid", ACT_HARD_SIGMOID, 0.2f, 0.5f},
            {"Elu", ACT_ELU, 1, 0},
            {"Softsign", ACT_SOFTSIGN, 0, 0},
            {"Softplus", ACT_SOFTPLUS, 0, 0}};

static Status acts(Setup *s, RnnParams *params, Error *err) {
    static const char *const DEFAULT[3][3] = {
        [RNN_PLAIN] = {"Tanh"}, [RNN_LSTM] = {"Sigmoid", "Tanh", "Tanh"},
        [RNN_GRU] = {"Sigmoid", "Tanh"}};
    uint32_t each = params->kind == RNN_LSTM ? 3 : params->kind == RNN_GRU ? 2 : 1;
    uint32_t alphas, betas;
    const float *given_alpha = setup_floats(s, "activation_alpha", &alphas);
    const float *given_beta = setup_floats(s, "activation_beta", &betas);
    const Attr *names = setup_attr(s, "activations");
    for (uint32_t i = 0; i < params->directions * each; i++) {
        uint32_t direction = i / each, which = i % each;
        Str name = names && i < names->str_count ? names->strs[i]
                                                 : str_c(DEFAULT[params->kind][which]);
        bool found = false;
        for (uint32_t k = 0; k < sizeof ACTS / sizeof ACTS[0]; k++) {
            if (!str_eq_nocase(str_c(ACTS[k].name), name)) continue;
            params->act[direction][which] = ACTS[k].act;
            params->alpha[direction][which] = i < alphas ? given_alpha[i] : ACTS[k].alpha;
            params->beta[direction][which] = i < betas ? given_beta[i] : ACTS[k].beta;
            found = true;
        }
        if (!found) {
            return error_set(err, ST_UNSUPPORTED, "activation '" STR_FMT "'", STR_ARG(name));
        }
    }
    return ST_OK;
}

static Status rnn(Setup *s, Error *err) {
    RnnParams *params = SETUP_PARAMS(s, RnnParams);
    Str direction = setup_str(s, "direction", "forward");
    params->kind = (RnnKind)s->op->arg;
    params->directions = str_is(direction, "bidirectional") ? 2 : 1;
    params->first_backward = str_is(direction, "reverse");
    params->batch_first = setup_int(s, "layout", 0) != 0;
    params->reset_after = setup_int(s, "linear_before_reset", 0) != 0;
    params->couple = setup_int(s, "input_forget", 0) != 0;
    params->clip = (float)setup_float(s, "clip", 0);
    params->hidden = setup_int(s, "hidden_size", 0);
    TRY(acts(s, params, err));
    return rnn_prepare(s, params, err);
}

// clang-format off
const Op ONNX_NN_OPS[] = {
    {"MatMul", kernel_matmul, matmul, 0, 2, 2, 0},
    {"Gemm", kernel_matmul, matmul, 0, 2, 3, 0},
    {"Einsum", kernel_einsum, einsum, 0, 1, 2, 0},
    {"Conv", kernel_conv, conv, 0, 2, 3, 0},
    {"ConvTranspose", kernel_conv_turned, conv_turned, 0, 2, 3, 0},
    {"MaxPool", kernel_pool, pool, POOL_MAX, 1, 1, 0},
    {"AveragePool", kernel_pool, pool, POOL_MEAN, 1, 1, 0},
    {"LpPool", kernel_pool, pool, POOL_LP, 1, 1, 0},
    {"GlobalMaxPool", kernel_global_pool, NULL, POOL_MAX, 1, 1, 0},
    {"GlobalAveragePool", kernel_global_pool, NULL, POOL_MEAN, 1, 1, 0},
    {"Softmax", kernel_softmax, softmax, SOFT_MAX, 1, 1, 0},
    {"LogSoftmax", kernel_softmax, softmax, SOFT_LOG, 1, 1, 0},
    {"Hardmax", kernel_softmax, softmax, SOFT_HARD, 1, 1, 0},
    {"BatchNormalization", kernel_norm, batch_norm, NORM_BATCH, 5, 5, 0},
    {"LayerNormalization", kernel_norm, layer_norm, NORM_LAYER, 2, 3, 0},
    {"RMSNormalization", kernel_norm, rms_norm, NORM_LAYER, 2, 2, 0},
    {"InstanceNormalization", kernel_norm, other_norm, NORM_INSTANCE, 3, 3, 0},
    {"GroupNormalization", kernel_norm, other_norm, NORM_GROUP, 3, 3, 0},
    {"LRN", kernel_lrn, lrn, 0, 1, 1, 0},
    {"LpNormalization", kernel_lp_norm, lp_norm, 0, 1, 1, 0},
    {"RNN", kernel_rnn, rnn, RNN_PLAIN, 3, 6, 0},
    {"LSTM", kernel_rnn, rnn, RNN_LSTM, 3, 8, 0},
    {"GRU", kernel_rnn, rnn, RNN_GRU, 3, 6, 0},
    {0},
};
// clang-format on
