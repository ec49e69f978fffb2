// ml/onnx/ops.c - the operators of ai.onnx that work value by value, on shapes and on control:
// which kernel each is, and how its attributes become the kernel's parameters. Where an attribute
// became an input in a later opset both are understood.
#include <math.h>

#include "ml/graph/kernels.h"
#include "ml/onnx/onnx_int.h"

// --- One and two operands ---

static Status alpha(Setup *s, double a, double b) {
    UnaryParams *params = SETUP_PARAMS(s, UnaryParams);
    params->a = (float)setup_float(s, "alpha", a);
    params->b = (float)setup_float(s, "beta", setup_float(s, "gamma", b));
    return ST_OK;
}

static Status alpha_1(Setup *s, Error *err) {
    return alpha(s, 1, 0);
}

static Status leaky_relu(Setup *s, Error *err) {
    return alpha(s, 0.01, 0);
}

static Status hard_sigmoid(Setup *s, Error *err) {
    return alpha(s, 0.2, 0.5);
}

static Status selu(Setup *s, Error *err) {
    return alpha(s, 1.67326319217681884765625, 1.05070102214813232421875);
}

static Status shrink(Setup *s, Error *err) {
    UnaryParams *params = SETUP_PARAMS(s, UnaryParams);
    params->a = (float)setup_float(s, "lambd", 0.5);
    params->b = (float)setup_float(s, "bias", 0);
    return ST_OK;
}

static const Op GELU_TANH = {
    .name = "Gelu", .run = kernel_unary, .arg = UNARY_GELU_TANH, .in_min = 1, .in_max = 1};

static Status gelu(Setup *s, Error *err) {
    if (str_is(setup_str(s, "approximate", "none"), "tanh")) s->node->op = &GELU_TANH;
    return ST_OK;
}

static Status clip(Setup *s, Error *err) {
    UnaryParams *params = SETUP_PARAMS(s, UnaryParams);
    params->a = (float)setup_float(s, "min", -INFINITY);
    params->b = (float)setup_float(s, "max", INFINITY);
    return ST_OK;
}

static const Op FMOD = {.name = "Mod", .run = kernel_binary, .arg = BINARY_FMOD, .in_min = 2,
                        .in_max = 2};

static Status mod(Setup *s, Error *err) {
    if (setup_int(s, "fmod", 0)) s->node->op = &FMOD;
    return ST_OK;
}

// What infinities are looked for, by the place of detect_positive + 2 detect_negative.
static const Op IS_INF[] = {
    {.name = "IsInf", .run = kernel_test, .arg = TEST_NEVER, .in_min = 1, .in_max = 1},
    {.name = "IsInf", .run = kernel_test, .arg = TEST_INF_ABOVE, .in_min = 1, .in_max = 1},
    {.name = "IsInf", .run = kernel_test, .arg = TEST_INF_BELOW, .in_min = 1, .in_max = 1},
    {.name = "IsInf", .run = kernel_test, .arg = TEST_INF, .in_min = 1, .in_max = 1},
};

static Status is_inf(Setup *s, Error *err) {
    int above = setup_int(s, "detect_positive", 1) != 0;
    int below = setup_int(s, "detect_negative", 1) != 0;
    s->node->op = &IS_INF[above + 2 * below];
    return ST_OK;
}

static const Op SHIFT_RIGHT = {.name = "BitShift", .run = kernel_binary, .in_min = 2, .in_max = 2,
                               .arg = BINARY_SHIFT_RIGHT};

static Status bit_shift(Setup *s, Error *err) {
    if (str_is(setup_str(s, "direction", "LEFT"), "RIGHT")) s->node->op = &SHIFT_RIGHT;
    return ST_OK;
}

static Status cast(Setup *s, Error *err) {
    CastParams *params = SETUP_PARAMS(s, CastParams);
    int64_t to = setup_int(s, "to", 0);
    params->to = onnx_type(to);
    params->bits = stored_bits(onnx_stored(to));
    params->no_sign = stored_unsigned(onnx_stored(to));
    if (params->to) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "a cast to data type %lld", (long long)to);
}

static Status cast_like(const Call *call, Error *err) {
    CastParams params = {.to = call->in[1]->type};
    Call inner = *call;
    inner.params = &params;
    return kernel_cast(&inner, err);
}

// The mask of a Dropout, which nobody asks for, is all true.
static Status dropout(const Call *call, Error *err) {
    call_pass(call, 0, call->in[0], call->in[0]->rank, call->in[0]->dim);
    if (call->out_count < 2) return ST_OK;
    TRY(call_like(call, 1, TENSOR_BOOL, call->in[0], err));
    memset(call->out[1].data, 1, (size_t)call->out[1].count);
    return ST_OK;
}

// --- Constants ---

static Status constant_run(const Call *call, Error *err) {
    const FillParams *params = call->params;
    call_pass(call, 0, &params->value, params->value.rank, params->value.dim);
    return ST_OK;
}

static Status constant(Setup *s, Error *err) {
    FillParams *params = SETUP_PARAMS(s, FillParams);
    const Attr *attr = setup_attr(s, "value");
    Tensor *t = &params->value;
    t->count = 1;
    if (attr && attr->tensor.type) {
        *t = attr->tensor;
    } else if ((attr = setup_attr(s, "value_float")) || (attr = setup_attr(s, "value_floats"))) {
        uint32_t n = attr->float_count;
        float one = (float)attr->f;
        bool list = str_is(attr->name, "value_floats");
        *t = (Tensor){.type = TENSOR_F32, .rank = list, .dim = {n}, .count = list ? n : 1};
        t->data = arena_dup(s->arena, list ? attr->floats : &one, sizeof(float) * (list ? n : 1));
    } else if ((attr = setup_attr(s, "value_int")) || (attr = setup_attr(s, "value_ints"))) {
        uint32_t n = attr->int_count;
        bool list = str_is(attr->name, "value_ints");
        *t = (Tensor){.type = TENSOR_I64, .rank = list, .dim = {n}, .count = list ? n : 1};
        t->data =
            arena_dup(s->arena, list ? attr->ints : &attr->i, sizeof(int64_t) * (list ? n : 1));
    } else if ((attr = setup_attr(s, "value_string")) || (attr = setup_attr(s, "value_strings"))) {
        uint32_t n = attr->str_count;
        bool list = str_is(attr->name, "value_strings");
        *t = (Tensor){.type = TENSOR_STR, .rank = list, .dim = {n}, .count = list ? n : 1};
        t->data = arena_dup(s->arena, list ? attr->strs : &attr->s, sizeof(Str) * (list ? n : 1));
    } else {
        return error_set(err, ST_UNSUPPORTED, "a constant of an unknown kind");
    }
    return ST_OK;
}

static Status constant_of_shape(Setup *s, Error *err) {
    static float zero = 0;
    FillParams *params = SETUP_PARAMS(s, FillParams);
    const Attr *attr = setup_attr(s, "value");
    params->value = (Tensor){.type = TENSOR_F32, .count = 1, .data = &zero};
    if (attr && attr->tensor.type) params->value = attr->tensor;
    return ST_OK;
}

// --- Reductions ---

static Status reduce(Setup *s, Error *err) {
    ReduceParams *params = SETUP_PARAMS(s, ReduceParams);
    params->axes = setup_ints(s, "axes", &params->axis_count);
    params->keep = setup_int(s, "keepdims", 1) != 0;
    params->none_is_none = setup_int(s, "noop_with_empty_axes", 0) != 0;
    return ST_OK;
}

static Status arg_extreme(Setup *s, Error *err) {
    ArgParams *params = SETUP_PARAMS(s, ArgParams);
    params->axis = setup_int(s, "axis", 0);
    params->keep = setup_int(s, "keepdims", 1) != 0;
    params->last = setup_int(s, "select_last_index", 0) != 0;
    params->type = TENSOR_I64;
    return ST_OK;
}

static Status cumulate(Setup *s, Error *err) {
    CumulateParams *params = SETUP_PARAMS(s, CumulateParams);
    params->exclusive = setup_int(s, "exclusive", 0) != 0;
    params->reverse = setup_int(s, "reverse", 0) != 0;
    params->product = str_is(str_c(s->op->name), "CumProd");
    return ST_OK;
}

static Status top(Setup *s, Error *err) {
    TopParams *params = SETUP_PARAMS(s, TopParams);
    params->axis = setup_int(s, "axis", -1);
    params->k = setup_int(s, "k", 0);
    params->least = setup_int(s, "largest", 1) == 0;
    params->type = TENSOR_I64;
    return ST_OK;
}

// --- Shapes ---

static Status numbers(Setup *s, const char *name) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->axes = setup_ints(s, name, &params->count);
    params->given = setup_attr(s, name) != NULL;
    return ST_OK;
}

static Status reshape(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->axes = setup_ints(s, "shape", &params->count);
    params->given = setup_attr(s, "shape") != NULL;
    params->zero_is_zero = setup_int(s, "allowzero", 0) != 0;
    return ST_OK;
}

static Status axes(Setup *s, Error *err) {
    return numbers(s, "axes");
}

static Status perm(Setup *s, Error *err) {
    return numbers(s, "perm");
}

static Status shape(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->first = setup_int(s, "start", 0);
    params->last = setup_int(s, "end", TENSOR_RANK_MAX);
    params->type = TENSOR_I64;
    return ST_OK;
}

static Status flatten(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->axis = setup_int(s, "axis", 1);
    return ST_OK;
}

static Status eye(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->axis = setup_int(s, "k", 0);
    params->type = onnx_type(setup_int(s, "dtype", 0));
    return ST_OK;
}

static Status one_hot(Setup *s, Error *err) {
    OneHotParams *params = SETUP_PARAMS(s, OneHotParams);
    params->axis = setup_int(s, "axis", -1);
    params->pair = true;
    return ST_OK;
}

static Status concat(Setup *s, Error *err) {
    JoinParams *params = SETUP_PARAMS(s, JoinParams);
    *params = (JoinParams){.axis = setup_int(s, "axis", 1), .axis_input = -1, .size_input = -1};
    return ST_OK;
}

static Status split(Setup *s, Error *err) {
    JoinParams *params = SETUP_PARAMS(s, JoinParams);
    *params = (JoinParams){.axis = setup_int(s, "axis", 0), .axis_input = -1, .size_input = 1};
    params->size = setup_ints(s, "split", &params->size_count);
    return ST_OK;
}

static Status pad(Setup *s, Error *err) {
    PadParams *params = SETUP_PARAMS(s, PadParams);
    Str mode = setup_str(s, "mode", "constant");
    params->pads = setup_ints(s, "pads", &params->count);
    params->value = setup_float(s, "value", 0);
    if (str_is(mode, "constant")) params->mode = PADDING_CONSTANT;
    else if (str_is(mode, "reflect")) params->mode = PADDING_REFLECT;
    else if (str_is(mode, "edge")) params->mode = PADDING_EDGE;
    else return error_set(err, ST_UNSUPPORTED, "mode '" STR_FMT "'", STR_ARG(mode));
    return ST_OK;
}

static Status slice(Setup *s, Error *err) {
    SliceParams *params = SETUP_PARAMS(s, SliceParams);
    uint32_t ends, axis_count;
    params->starts = setup_ints(s, "starts", &params->count);
    params->ends = setup_ints(s, "ends", &ends);
    params->axes = setup_ints(s, "axes", &axis_count);
    params->given = setup_attr(s, "starts") != NULL;
    if (!params->given || (ends == params->count && (!axis_count || axis_count == ends))) {
        return ST_OK;
    }
    return error_set(err, ST_VALIDATION, "starts, ends and axes are not as many");
}

static Status reverse_sequence(Setup *s, Error *err) {
    ReverseParams *params = SETUP_PARAMS(s, ReverseParams);
    params->seq_axis = setup_int(s, "time_axis", 0);
    params->batch_axis = setup_int(s, "batch_axis", 1);
    return ST_OK;
}

static Status triangle(Setup *s, Error *err) {
    TriangleParams *params = SETUP_PARAMS(s, TriangleParams);
    params->upper = setup_int(s, "upper", 1) != 0;
    return ST_OK;
}

static Status blocks(Setup *s, Error *err) {
    BlockParams *params = SETUP_PARAMS(s, BlockParams);
    params->size = setup_int(s, "blocksize", 1);
    params->columns_first = str_is(setup_str(s, "mode", "DCR"), "CRD");
    return ST_OK;
}

// The place of [name] in [names], which ends with NULL; -1: none.
static int named(Str name, const char *const *names) {
    for (int i = 0; names[i]; i++) {
        if (str_eq(str_c(names[i]), name)) return i;
    }
    return -1;
}

static Status resize(Setup *s, Error *err) {
    static const char *const MODES[] = {"nearest", "linear", "cubic", NULL};
    static const char *const PLACES[] = {"half_pixel", "pytorch_half_pixel",
                                         "half_pixel_symmetric", "tf_half_pixel_for_nn",
                                         "align_corners", "asymmetric", NULL};
    static const char *const ROUNDS[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                         NULL};
    ResizeParams *params = SETUP_PARAMS(s, ResizeParams);
    bool old = setup_attr(s, "coordinate_transformation_mode") == NULL && s->opset < 11;
    Str mode = setup_str(s, "mode", "nearest");
    Str place = setup_str(s, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
    Str round = setup_str(s, "nearest_mode", old ? "floor" : "round_prefer_floor");
    int found[] = {named(mode, MODES), named(place, PLACES), named(round, ROUNDS)};
    if (found[0] < 0 || found[1] < 0 || found[2] < 0) {
        return error_set(err, ST_UNSUPPORTED, "mode '" STR_FMT "', '" STR_FMT "', '" STR_FMT "'",
                         STR_ARG(mode), STR_ARG(place), STR_ARG(round));
    }
    if (setup_int(s, "antialias", 0) ||
        !str_is(setup_str(s, "keep_aspect_ratio_policy", "stretch"), "stretch")) {
        return error_set(err, ST_UNSUPPORTED, "antialias or keep_aspect_ratio_policy");
    }
    *params = (ResizeParams){.mode = (ResizeMode)found[0], .place = (ResizePlace)found[1],
                             .round = (ResizeRound)found[2],
                             .cubic = setup_float(s, "cubic_coeff_a", -0.75),
                             .exclude_outside = setup_int(s, "exclude_outside", 0) != 0};
    const int64_t *axis = setup_ints(s, "axes", &params->axis_count);
    if (params->axis_count > TENSOR_RANK_MAX) {
        return error_set(err, ST_UNSUPPORTED, "%u axes", params->axis_count);
    }
    for (uint32_t i = 0; i < params->axis_count; i++) params->axis[i] = axis[i];
    return ST_OK;
}

static Status gather(Setup *s, Error *err) {
    GatherParams *params = SETUP_PARAMS(s, GatherParams);
    *params = (GatherParams){.axis = setup_int(s, "axis", 0), .axis_input = -1,
                             .batch_dims = setup_int(s, "batch_dims", 0)};
    return ST_OK;
}

static Status compress(Setup *s, Error *err) {
    GatherParams *params = SETUP_PARAMS(s, GatherParams);
    bool given = setup_attr(s, "axis") != NULL;
    *params = (GatherParams){.axis = setup_int(s, "axis", 0), .axis_input = given ? -1 : 0};
    return ST_OK;
}

static Status scatter(Setup *s, Error *err) {
    static const struct {
        const char *name;
        ScatterKind kind;
    } KINDS[] = {{"none", SCATTER_SET}, {"add", SCATTER_ADD}, {"mul", SCATTER_MUL},
                 {"min", SCATTER_MIN},  {"max", SCATTER_MAX}};
    ScatterParams *params = SETUP_PARAMS(s, ScatterParams);
    Str kind = setup_str(s, "reduction", "none");
    params->axis = setup_int(s, "axis", 0);
    for (uint32_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!str_eq(str_c(KINDS[i].name), kind)) continue;
        params->kind = KINDS[i].kind;
        return ST_OK;
    }
    return error_set(err, ST_UNSUPPORTED, "reduction '" STR_FMT "'", STR_ARG(kind));
}

// --- Sequences, loops, branches ---

static Status list(Setup *s, Error *err) {
    ListParams *params = SETUP_PARAMS(s, ListParams);
    params->type = onnx_type(setup_int(s, "dtype", 1));
    params->axis = setup_int(s, "axis", 0);
    params->new_axis = setup_int(s, "new_axis", 0) != 0;
    return ST_OK;
}

static Status list_length(Setup *s, Error *err) {
    ListParams *params = SETUP_PARAMS(s, ListParams);
    params->type = TENSOR_I64;
    return ST_OK;
}

static Status branch(Setup *s, Error *err) {
    FlowParams *params = SETUP_PARAMS(s, FlowParams);
    uint32_t count;
    const int64_t *first = setup_ints(s, "(captures)", &count);
    uint32_t *place = ARENA_ARRAY(s->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) place[i] = (uint32_t)first[i];
    params->capture_first = place;
    if (s->node->body_count == 2) return ST_OK;
    return error_set(err, ST_VALIDATION, "it has not two branches");
}

static Status loop(Setup *s, Error *err) {
    FlowParams *params = SETUP_PARAMS(s, FlowParams);
    int64_t own = setup_int(s, "(captures)", 0);
    if (s->node->body_count != 1 || own < 2 || s->node->out_count < own - 2) {
        return error_set(err, ST_VALIDATION, "its body and its variables do not fit");
    }
    params->variables = (uint32_t)own - 2;
    params->scans_out = s->node->out_count - params->variables;
    return ST_OK;
}

static Status scan(Setup *s, Error *err) {
    FlowParams *params = SETUP_PARAMS(s, FlowParams);
    int64_t own = setup_int(s, "(captures)", 0), scanned = setup_int(s, "num_scan_inputs", 0);
    if (s->opset < 9) return error_set(err, ST_UNSUPPORTED, "it is known from opset 9 on");
    if (setup_attr(s, "scan_input_axes") || setup_attr(s, "scan_output_axes")) {
        uint32_t in, out;
        const int64_t *a = setup_ints(s, "scan_input_axes", &in);
        const int64_t *b = setup_ints(s, "scan_output_axes", &out);
        for (uint32_t i = 0; i < in; i++) {
            if (a[i])
                return error_set(err, ST_UNSUPPORTED, "scans along other axes than the first");
        }
        for (uint32_t i = 0; i < out; i++) {
            if (b[i])
                return error_set(err, ST_UNSUPPORTED, "scans along other axes than the first");
        }
    }
    if (s->node->body_count != 1 || scanned < 1 || scanned > own || scanned > 63 ||
        s->node->out_count < own - scanned) {
        return error_set(err, ST_VALIDATION, "its body and its variables do not fit");
    }
    params->variables = (uint32_t)(own - scanned);
    params->scans_in = (uint32_t)scanned;
    params->scans_out = s->node->out_count - params->variables;
    uint32_t in, out;
    const int64_t *a = setup_ints(s, "scan_input_directions", &in);
    const int64_t *b = setup_ints(s, "scan_output_directions", &out);
    for (uint32_t i = 0; i < in && i < 63; i++) params->scan_backward_in |= (a[i] & 1) << i;
    for (uint32_t i = 0; i < out && i < 63; i++) params->scan_backward_out |= (b[i] & 1) << i;
    return ST_OK;
}

// --- The table ---

#define UNARY(NAME, KIND) {NAME, kernel_unary, NULL, KIND, 1, 1, 0}
#define UNARY_WITH(NAME, KIND, PREPARE) {NAME, kernel_unary, PREPARE, KIND, 1, 1, 0}
#define BINARY(NAME, KIND) {NAME, kernel_binary, NULL, KIND, 2, 2, 0}
#define REDUCE(NAME, KIND) {NAME, kernel_reduce, reduce, KIND, 1, 2, 0}

// clang-format off
const Op ONNX_OPS[] = {
    UNARY("Abs", UNARY_ABS), UNARY("Neg", UNARY_NEG), UNARY("Sign", UNARY_SIGN),
    UNARY("Ceil", UNARY_CEIL), UNARY("Floor", UNARY_FLOOR), UNARY("Round", UNARY_ROUND),
    UNARY("Sqrt", UNARY_SQRT), UNARY("Reciprocal", UNARY_RECIPROCAL), UNARY("Exp", UNARY_EXP),
    UNARY("Log", UNARY_LOG), UNARY("Sin", UNARY_SIN), UNARY("Cos", UNARY_COS),
    UNARY("Tan", UNARY_TAN), UNARY("Asin", UNARY_ASIN), UNARY("Acos", UNARY_ACOS),
    UNARY("Atan", UNARY_ATAN), UNARY("Sinh", UNARY_SINH), UNARY("Cosh", UNARY_COSH),
    UNARY("Tanh", UNARY_TANH), UNARY("Asinh", UNARY_ASINH), UNARY("Acosh", UNARY_ACOSH),
    UNARY("Atanh", UNARY_ATANH), UNARY("Erf", UNARY_ERF), UNARY("Relu", UNARY_RELU),
    UNARY("Sigmoid", UNARY_SIGMOID), UNARY("Softplus", UNARY_SOFTPLUS),
    UNARY("Softsign", UNARY_SOFTSIGN), UNARY("HardSwish", UNARY_HARD_SWISH),
    UNARY("Mish", UNARY_MISH),
    UNARY_WITH("LeakyRelu", UNARY_LEAKY_RELU, leaky_relu), UNARY_WITH("Elu", UNARY_ELU, alpha_1),
    UNARY_WITH("Celu", UNARY_CELU, alpha_1), UNARY_WITH("Selu", UNARY_SELU, selu),
    UNARY_WITH("ThresholdedRelu", UNARY_THRESHOLDED_RELU, alpha_1),
    UNARY_WITH("HardSigmoid", UNARY_LINEAR, hard_sigmoid), UNARY_WITH("Gelu", UNARY_GELU, gelu),
    UNARY_WITH("Swish", UNARY_SWISH, alpha_1), UNARY_WITH("Shrink", UNARY_SHRINK, shrink),
    {"Clip", kernel_clip, clip, 0, 1, 3, 0},
    {"Not", kernel_test, NULL, TEST_NOT, 1, 1, 0},
    {"IsNaN", kernel_test, NULL, TEST_NAN, 1, 1, 0},
    {"IsInf", kernel_test, is_inf, TEST_INF, 1, 1, 0},
    {"Cast", kernel_cast, cast, 0, 1, 1, 0},
    {"CastLike", cast_like, NULL, 0, 2, 2, 0},
    {"Identity", kernel_same, NULL, 0, 1, 1, 0},
    {"Dropout", dropout, NULL, 0, 1, 3, 0},

    BINARY("Add", BINARY_ADD), BINARY("Sub", BINARY_SUB), BINARY("Mul", BINARY_MUL),
    BINARY("Div", BINARY_DIV), BINARY("Pow", BINARY_POW), BINARY("PRelu", BINARY_PRELU),
    BINARY("And", BINARY_AND), BINARY("Or", BINARY_OR), BINARY("Xor", BINARY_XOR),
    {"BitwiseNot", kernel_bit_not, NULL, 0, 1, 1, 0},
    BINARY("BitwiseAnd", BINARY_AND), BINARY("BitwiseOr", BINARY_OR),
    BINARY("BitwiseXor", BINARY_XOR), BINARY("Equal", BINARY_EQUAL), BINARY("Less", BINARY_LESS),
    BINARY("LessOrEqual", BINARY_LESS_EQUAL), BINARY("Greater", BINARY_GREATER),
    BINARY("GreaterOrEqual", BINARY_GREATER_EQUAL),
    {"Mod", kernel_binary, mod, BINARY_MOD, 2, 2, 0},
    {"BitShift", kernel_binary, bit_shift, BINARY_SHIFT_LEFT, 2, 2, 0},
    {"Sum", kernel_variadic, NULL, BINARY_ADD, 1, OP_ANY, 0},
    {"Min", kernel_variadic, NULL, BINARY_MIN, 1, OP_ANY, 0},
    {"Max", kernel_variadic, NULL, BINARY_MAX, 1, OP_ANY, 0},
    {"Mean", kernel_mean_of, NULL, BINARY_ADD, 1, OP_ANY, 0},
    {"Where", kernel_where, NULL, 0, 3, 3, 0},
    {"Expand", kernel_expand, NULL, 0, 2, 2, 0},

    REDUCE("ReduceSum", REDUCE_SUM), REDUCE("ReduceMean", REDUCE_MEAN),
    REDUCE("ReduceMax", REDUCE_MAX), REDUCE("ReduceMin", REDUCE_MIN),
    REDUCE("ReduceProd", REDUCE_PROD), REDUCE("ReduceL1", REDUCE_L1),
    REDUCE("ReduceL2", REDUCE_L2), REDUCE("ReduceLogSum", REDUCE_LOG_SUM),
    REDUCE("ReduceLogSumExp", REDUCE_LOG_SUM_EXP), REDUCE("ReduceSumSquare", REDUCE_SUM_SQUARE),
    {"ArgMax", kernel_arg, arg_extreme, 1, 1, 1, 0},
    {"ArgMin", kernel_arg, arg_extreme, 0, 1, 1, 0},
    {"CumSum", kernel_cumulate, cumulate, 0, 2, 2, 0},
    {"CumProd", kernel_cumulate, cumulate, 0, 2, 2, 0},
    {"TopK", kernel_top, top, 0, 1, 2, 0},

    {"Constant", constant_run, constant, 0, 0, 0, 0},
    {"ConstantOfShape", kernel_fill, constant_of_shape, 1, 1, 1, 0},
    {"Reshape", kernel_reshape, reshape, 0, 1, 2, 0},
    {"Flatten", kernel_flatten, flatten, 0, 1, 1, 0},
    {"Squeeze", kernel_squeeze, axes, 0, 1, 2, 0},
    {"Unsqueeze", kernel_unsqueeze, axes, 0, 1, 2, 0},
    {"Transpose", kernel_transpose, perm, 0, 1, 1, 0},
    {"Shape", kernel_shape, shape, 0, 1, 1, 0},
    {"Size", kernel_size, shape, 0, 1, 1, 0},
    {"Range", kernel_range, NULL, 0, 3, 3, 0},
    {"EyeLike", kernel_eye, eye, 0, 1, 1, 0},
    {"OneHot", kernel_one_hot, one_hot, 0, 3, 3, 0},
    {"Concat", kernel_concat, concat, 0, 1, OP_ANY, 0},
    {"Split", kernel_split, split, 0, 1, 2, 0},
    {"Tile", kernel_tile, NULL, 0, 2, 2, 0},
    {"Pad", kernel_pad, pad, 0, 1, 4, 0},
    {"Slice", kernel_slice, slice, 0, 1, 5, 0},
    {"ReverseSequence", kernel_reverse_sequence, reverse_sequence, 0, 2, 2, 0},
    {"Trilu", kernel_triangle, triangle, 0, 1, 2, 0},
    {"DepthToSpace", kernel_depth_to_space, blocks, 0, 1, 1, 0},
    {"SpaceToDepth", kernel_space_to_depth, blocks, 0, 1, 1, 0},
    {"Resize", kernel_resize, resize, 0, 1, 4, 0},
    {"Upsample", kernel_resize, resize, 0, 2, 2, 0},
    {"Gather", kernel_gather, gather, 0, 2, 2, 0},
    {"GatherElements", kernel_gather_elements, gather, 0, 2, 2, 0},
    {"GatherND", kernel_gather_nd, gather, 0, 2, 2, 0},
    {"Scatter", kernel_scatter_elements, scatter, 0, 3, 3, 0},
    {"ScatterElements", kernel_scatter_elements, scatter, 0, 3, 3, 0},
    {"ScatterND", kernel_scatter_nd, scatter, 0, 3, 3, 0},
    {"NonZero", kernel_nonzero, NULL, 0, 1, 1, 0},
    {"Compress", kernel_compress, compress, 0, 2, 2, 0},

    {"SequenceEmpty", kernel_list_new, list, -1, 0, 0, 0},
    {"SequenceConstruct", kernel_list_of, list, 0, 1, OP_ANY, 0},
    {"SequenceInsert", kernel_list_push, list, 0, 2, 2, 0},
    {"SequenceAt", kernel_list_get, list, 0, 2, 2, 0},
    {"SequenceLength", kernel_list_length, list_length, 0, 1, 1, 0},
    {"ConcatFromSequence", kernel_list_join, list, 0, 1, 1, 0},
    {"If", kernel_if, branch, 0, 1, OP_ANY, 0},
    {"Loop", kernel_loop, loop, 0, 0, OP_ANY, 0},
    {"Scan", kernel_scan, scan, 0, 1, OP_ANY, 0},
    {0},
};
// clang-format on
