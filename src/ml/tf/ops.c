// ml/tf/ops.c - TensorFlow's operators that work value by value, on shapes and on lists: which
// kernel each is, and how its attributes become the kernel's parameters. An attribute that has its
// default may be missing.
#include <math.h>

#include "ml/tf/tf_int.h"

// --- One and two operands ---

static Status unary(Setup *s, double a, double b) {
    UnaryParams *params = SETUP_PARAMS(s, UnaryParams);
    params->a = (float)a;
    params->b = (float)b;
    return ST_OK;
}

static Status one(Setup *s, Error *err) {
    return unary(s, 1, 0);
}

static Status relu6(Setup *s, Error *err) {
    return unary(s, 0, 6);
}

static Status selu(Setup *s, Error *err) {
    return unary(s, 1.67326324235437728481, 1.05070098735548049342);
}

static Status leaky_relu(Setup *s, Error *err) {
    return unary(s, setup_float(s, "alpha", 0.2), 0);
}

static Status cast_to(Setup *s, const char *attribute, CastParams *params, Error *err) {
    int64_t to = setup_int(s, attribute, 0);
    params->to = tf_type(to);
    params->bits = stored_bits(tf_stored(to));
    params->no_sign = stored_unsigned(tf_stored(to));
    if (params->to && params->to != TENSOR_LIST) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "a cast to data type %lld", (long long)to);
}

static Status cast(Setup *s, Error *err) {
    return cast_to(s, "DstT", SETUP_PARAMS(s, CastParams), err);
}

static Status bitcast(Setup *s, Error *err) {
    CastParams *params = SETUP_PARAMS(s, CastParams);
    TRY(cast_to(s, "type", params, err));
    if (!params->bits && params->to != TENSOR_STR) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "Bitcast to this type");
}

static Status text_of(Setup *s, Error *err) {
    CastParams *params = SETUP_PARAMS(s, CastParams);
    params->to = TENSOR_STR;
    return ST_OK;
}

// --- Reductions ---

static Status reduce(Setup *s, Error *err) {
    ReduceParams *params = SETUP_PARAMS(s, ReduceParams);
    params->keep = setup_int(s, "keep_dims", 0) != 0;
    params->none_is_none = true;
    return ST_OK;
}

static Status reduce_all(Setup *s, Error *err) {
    (void)SETUP_PARAMS(s, ReduceParams);
    return ST_OK;
}

static Status arg_extreme(Setup *s, Error *err) {
    ArgParams *params = SETUP_PARAMS(s, ArgParams);
    params->axis_input = true;
    params->type = tf_type(setup_int(s, "output_type", 9));
    if (tensor_is_int(params->type)) return ST_OK;
    return error_set(err, ST_VALIDATION, "places are integers");
}

static Status cumulate(Setup *s, Error *err) {
    CumulateParams *params = SETUP_PARAMS(s, CumulateParams);
    params->exclusive = setup_int(s, "exclusive", 0) != 0;
    params->reverse = setup_int(s, "reverse", 0) != 0;
    params->product = str_is(str_c(s->op->name), "Cumprod");
    return ST_OK;
}

static Status top(Setup *s, Error *err) {
    TopParams *params = SETUP_PARAMS(s, TopParams);
    params->axis = -1;
    params->type = TENSOR_I32;
    return ST_OK;
}

// --- Shapes ---

static Status reshape(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->zero_is_zero = true;
    return ST_OK;
}

static Status squeeze(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->axes = setup_ints(s, "squeeze_dims", &params->count);
    if (!params->count) params->axes = setup_ints(s, "axis", &params->count);
    params->given = true;
    return ST_OK;
}

static Status from_input(Setup *s, Error *err) {
    (void)SETUP_PARAMS(s, ShapeParams);
    return ST_OK;
}

static Status shape(Setup *s, Error *err) {
    ShapeParams *params = SETUP_PARAMS(s, ShapeParams);
    params->last = TENSOR_RANK_MAX;
    params->type = tf_type(setup_int(s, "out_type", 3));
    if (tensor_is_int(params->type)) return ST_OK;
    return error_set(err, ST_VALIDATION, "shapes are integers");
}

static Status one_hot(Setup *s, Error *err) {
    OneHotParams *params = SETUP_PARAMS(s, OneHotParams);
    params->axis = setup_int(s, "axis", -1);
    return ST_OK;
}

static Status join(Setup *s, int64_t axis, int32_t axis_input, int32_t size_input, bool new_axis) {
    JoinParams *params = SETUP_PARAMS(s, JoinParams);
    *params = (JoinParams){.axis = axis, .axis_input = axis_input, .size_input = size_input,
                           .new_axis = new_axis};
    return ST_OK;
}

static Status concat_last(Setup *s, Error *err) {
    if (s->node->in_count < 2) return error_set(err, ST_VALIDATION, "nothing to join");
    return join(s, 0, (int32_t)s->node->in_count - 1, -1, false);
}

static Status concat_first(Setup *s, Error *err) {
    return join(s, 0, 0, -1, false);
}

static Status pack(Setup *s, Error *err) {
    return join(s, setup_int(s, "axis", 0), -1, -1, true);
}

static Status split(Setup *s, Error *err) {
    return join(s, 0, 0, -1, false);
}

static Status split_sizes(Setup *s, Error *err) {
    return join(s, 0, 2, 1, false);
}

// An unpacked dimension has one value an output.
static Status unpack_run(const Call *call, Error *err) {
    const JoinParams *params = call->params;
    const Tensor *in = call->in[0];
    uint32_t axis;
    TRY(axis_of(params->axis, in->rank, &axis, err));
    if (in->dim[axis] != call->out_count) {
        return error_set(err, ST_RUNTIME, "%lld values for %u outputs", (long long)in->dim[axis],
                         call->out_count);
    }
    return call->out_count ? kernel_split(call, err) : ST_OK;
}

static Status pad(Setup *s, Error *err) {
    PadParams *params = SETUP_PARAMS(s, PadParams);
    Str mode = setup_str(s, "mode", "");
    params->pairs = true;
    params->mode = str_is(mode, "REFLECT")     ? PADDING_REFLECT
                   : str_is(mode, "SYMMETRIC") ? PADDING_SYMMETRIC
                                               : PADDING_CONSTANT;
    return ST_OK;
}

static Status strided_slice(Setup *s, Error *err) {
    StridedParams *params = SETUP_PARAMS(s, StridedParams);
    params->begin_mask = setup_int(s, "begin_mask", 0);
    params->end_mask = setup_int(s, "end_mask", 0);
    params->ellipsis_mask = setup_int(s, "ellipsis_mask", 0);
    params->new_axis_mask = setup_int(s, "new_axis_mask", 0);
    params->shrink_mask = setup_int(s, "shrink_axis_mask", 0);
    return ST_OK;
}

static Status reverse_sequence(Setup *s, Error *err) {
    ReverseParams *params = SETUP_PARAMS(s, ReverseParams);
    params->seq_axis = setup_int(s, "seq_dim", 0);
    params->batch_axis = setup_int(s, "batch_dim", 0);
    return ST_OK;
}

static Status gather_by(Setup *s, int32_t axis_input) {
    GatherParams *params = SETUP_PARAMS(s, GatherParams);
    *params = (GatherParams){.axis_input = axis_input,
                             .batch_dims = setup_int(s, "batch_dims", 0)};
    return ST_OK;
}

static Status gather(Setup *s, Error *err) {
    return gather_by(s, -1);
}

static Status gather_axis(Setup *s, Error *err) {
    return gather_by(s, 2);
}

static Status scatter(Setup *s, Error *err) {
    ScatterParams *params = SETUP_PARAMS(s, ScatterParams);
    Str name = str_c(s->op->name);
    params->kind = str_ends(name, STR("Add")) || str_is(name, "ScatterNd") ? SCATTER_ADD
                   : str_ends(name, STR("Min"))                            ? SCATTER_MIN
                   : str_ends(name, STR("Max"))                            ? SCATTER_MAX
                                                                           : SCATTER_SET;
    return ST_OK;
}

static Status resize(Setup *s, Error *err) {
    ResizeParams *params = SETUP_PARAMS(s, ResizeParams);
    bool linear = str_is(str_c(s->op->name), "ResizeBilinear");
    bool corners = setup_int(s, "align_corners", 0) != 0;
    bool half = setup_int(s, "half_pixel_centers", 0) != 0;
    *params = (ResizeParams){.mode = linear ? RESIZE_LINEAR : RESIZE_NEAREST,
                             .place = corners          ? RESIZE_CORNERS
                                      : half && linear ? RESIZE_HALF
                                      : half           ? RESIZE_HALF_NEAREST
                                                       : RESIZE_ASYMMETRIC,
                             .round = corners ? RESIZE_PREFER_CEIL : RESIZE_FLOOR,
                             .axis = {1, 2}, .axis_count = 2};
    return ST_OK;
}

static Status blocks(Setup *s, Error *err) {
    BlockParams *params = SETUP_PARAMS(s, BlockParams);
    params->size = setup_int(s, "block_size", 1);
    params->channels_last = !str_is(setup_str(s, "data_format", "NHWC"), "NCHW");
    return ST_OK;
}

// --- Counts ---

typedef struct BucketParams {
    const float *boundary;
    uint32_t count;
    bool binary;  // of DenseBincount: 1 instead of how often
} BucketParams;

static Status buckets(Setup *s, Error *err) {
    BucketParams *params = SETUP_PARAMS(s, BucketParams);
    params->boundary = setup_floats(s, "boundaries", &params->count);
    params->binary = setup_int(s, "binary_output", 0) != 0;
    return ST_OK;
}

// How many of the boundaries, which are sorted, a value has reached.
static Status bucketize_run(const Call *call, Error *err) {
    const BucketParams *params = call->params;
    const Tensor *in = call->in[0];
    TRY(call_want_number(call, 0, err));
    TRY(call_like(call, 0, TENSOR_I32, in, err));
    for (int64_t i = 0; i < in->count; i++) {
        double x = tensor_number(in, i);
        uint32_t low = 0, high = params->count;
        while (low < high) {
            uint32_t middle = (low + high) / 2;
            if ((double)params->boundary[middle] <= x) low = middle + 1;
            else high = middle;
        }
        tensor_i32(&call->out[0])[i] = (int32_t)low;
    }
    return ST_OK;
}

// How often each number up to [size] stands in a row. Inputs: numbers, size, weights or nothing.
static Status bincount_run(const Call *call, Error *err) {
    const BucketParams *params = call->params;
    const Tensor *in = call->in[0], *weights = call->in[2];
    int64_t size;
    uint32_t count;
    TRY(call_integers(call->in[1], &size, 1, &count, err));
    TRY(call_want_number(call, 2, err));
    if (!tensor_is_int(in->type) || in->rank < 1 || in->rank > 2 || !count ||
        (weights->count && weights->count != in->count)) {
        return call_misfit(in, weights, err);
    }
    int64_t rows = in->rank == 2 ? in->dim[0] : 1, dim[2] = {rows, size};
    TRY(call_new(call, 0, weights->type, in->rank, in->rank == 2 ? dim : &size, err));
    const Tensor *out = &call->out[0];
    memset(out->data, 0, (size_t)out->count * tensor_size(out->type));
    for (int64_t i = 0; i < in->count; i++) {
        int64_t value = tensor_integer(in, i);
        if (value < 0 || value >= size) continue;
        int64_t at = i / (in->count / rows) * size + value;
        double more = weights->count ? tensor_number(weights, i) : 1;
        tensor_put_number(out, at, params->binary ? 1 : tensor_number(out, at) + more);
    }
    return ST_OK;
}

// --- Lists ---

static Status list_of(Setup *s, const char *type, int32_t which) {
    ListParams *params = SETUP_PARAMS(s, ListParams);
    const Attr *shape = setup_attr(s, "element_shape");
    params->type = tf_type(setup_int(s, type, 0));
    params->list = which;
    params->known_shape = shape && shape->s.len && tf_shape(shape->s, &params->rank, params->dim);
    for (uint32_t d = 0; d < params->rank; d++) {
        if (params->dim[d] < 0) params->known_shape = false;
    }
    return ST_OK;
}

static Status list(Setup *s, Error *err) {
    return list_of(s, "element_dtype", 0);
}

static Status list_length(Setup *s, Error *err) {
    (void)list_of(s, "element_dtype", 0);
    ((ListParams *)s->node->params)->type = TENSOR_I32;
    return ST_OK;
}

// A TensorArray's flow is the list.
static Status array_1(Setup *s, Error *err) {
    (void)list_of(s, "", 1);
    ((ListParams *)s->node->params)->type = TENSOR_I32;
    return ST_OK;
}

static Status array_2(Setup *s, Error *err) {
    return list_of(s, "dtype", 2);
}

static Status array_3(Setup *s, Error *err) {
    return list_of(s, "T", 3);
}

static Status array_scatter_run(const Call *call, Error *err) {
    const Tensor *indices = call->in[1];
    for (int64_t i = 0; i < indices->count; i++) {
        if (!tensor_is_int(indices->type) || tensor_integer(indices, i) != i) {
            return error_set(err, ST_UNSUPPORTED, "items in another order than their own");
        }
    }
    return kernel_list_split(call, err);
}

// --- The table ---

#define UNARY(NAME, KIND) {NAME, kernel_unary, NULL, KIND, 1, 1, 0}
#define UNARY_WITH(NAME, KIND, PREPARE) {NAME, kernel_unary, PREPARE, KIND, 1, 1, 0}
#define BINARY(NAME, KIND) {NAME, kernel_binary, NULL, KIND, 2, 2, 0}
#define REDUCE(NAME, KIND) {NAME, kernel_reduce, reduce, KIND, 2, 2, 0}

// clang-format off
const Op TF_OPS[] = {
    UNARY("Abs", UNARY_ABS), UNARY("Neg", UNARY_NEG), UNARY("Sign", UNARY_SIGN),
    UNARY("Ceil", UNARY_CEIL), UNARY("Floor", UNARY_FLOOR), UNARY("Round", UNARY_ROUND),
    UNARY("Rint", UNARY_ROUND), UNARY("Sqrt", UNARY_SQRT), UNARY("Rsqrt", UNARY_RSQRT),
    UNARY("Square", UNARY_SQUARE), UNARY("Reciprocal", UNARY_RECIPROCAL),
    UNARY("Inv", UNARY_RECIPROCAL), UNARY("Exp", UNARY_EXP), UNARY("Expm1", UNARY_EXPM1),
    UNARY("Log", UNARY_LOG), UNARY("Log1p", UNARY_LOG1P), UNARY("Sin", UNARY_SIN),
    UNARY("Cos", UNARY_COS), UNARY("Tan", UNARY_TAN), UNARY("Asin", UNARY_ASIN),
    UNARY("Acos", UNARY_ACOS), UNARY("Atan", UNARY_ATAN), UNARY("Sinh", UNARY_SINH),
    UNARY("Cosh", UNARY_COSH), UNARY("Tanh", UNARY_TANH), UNARY("Asinh", UNARY_ASINH),
    UNARY("Acosh", UNARY_ACOSH), UNARY("Atanh", UNARY_ATANH), UNARY("Erf", UNARY_ERF),
    UNARY("Erfc", UNARY_ERFC), UNARY("Lgamma", UNARY_LGAMMA), UNARY("Sigmoid", UNARY_SIGMOID),
    UNARY("Relu", UNARY_RELU), UNARY("Softplus", UNARY_SOFTPLUS),
    UNARY("Softsign", UNARY_SOFTSIGN), UNARY_WITH("Relu6", UNARY_CLIP, relu6),
    UNARY_WITH("Elu", UNARY_ELU, one), UNARY_WITH("Selu", UNARY_SELU, selu),
    UNARY_WITH("LeakyRelu", UNARY_LEAKY_RELU, leaky_relu),
    {"ClipByValue", kernel_clip, NULL, 0, 3, 3, 0},
    {"LogicalNot", kernel_test, NULL, TEST_NOT, 1, 1, 0},
    {"IsNan", kernel_test, NULL, TEST_NAN, 1, 1, 0},
    {"IsInf", kernel_test, NULL, TEST_INF, 1, 1, 0},
    {"IsFinite", kernel_test, NULL, TEST_FINITE, 1, 1, 0},
    {"Cast", kernel_cast, cast, 0, 1, 1, 0},
    {"Bitcast", kernel_bitcast, bitcast, 0, 1, 1, 0},
    {"AsString", kernel_cast, text_of, 0, 1, 1, 0},
    {"IdentityN", kernel_same, NULL, 0, 0, OP_ANY, 0},

    BINARY("Add", BINARY_ADD), BINARY("AddV2", BINARY_ADD), BINARY("Sub", BINARY_SUB),
    BINARY("Mul", BINARY_MUL), BINARY("Div", BINARY_DIV), BINARY("RealDiv", BINARY_DIV),
    BINARY("TruncateDiv", BINARY_DIV), BINARY("DivNoNan", BINARY_DIV_NO_NAN),
    BINARY("FloorDiv", BINARY_FLOORDIV), BINARY("FloorMod", BINARY_MOD),
    BINARY("Mod", BINARY_FMOD), BINARY("TruncateMod", BINARY_FMOD), BINARY("Pow", BINARY_POW),
    BINARY("Minimum", BINARY_MIN), BINARY("Maximum", BINARY_MAX), BINARY("Atan2", BINARY_ATAN2),
    BINARY("SquaredDifference", BINARY_SQUARED_DIFFERENCE), BINARY("Xlogy", BINARY_XLOGY),
    BINARY("LogicalAnd", BINARY_AND), BINARY("LogicalOr", BINARY_OR),
    BINARY("BitwiseAnd", BINARY_AND), BINARY("BitwiseOr", BINARY_OR),
    BINARY("BitwiseXor", BINARY_XOR), BINARY("Equal", BINARY_EQUAL),
    BINARY("NotEqual", BINARY_NOT_EQUAL), BINARY("Less", BINARY_LESS),
    BINARY("LessEqual", BINARY_LESS_EQUAL), BINARY("Greater", BINARY_GREATER),
    BINARY("GreaterEqual", BINARY_GREATER_EQUAL),
    {"AddN", kernel_variadic, NULL, BINARY_ADD, 1, OP_ANY, 0},
    {"AccumulateNV2", kernel_variadic, NULL, BINARY_ADD, 1, OP_ANY, 0},
    {"Select", kernel_where, NULL, 1, 3, 3, 0},
    {"SelectV2", kernel_where, NULL, 0, 3, 3, 0},
    {"BroadcastTo", kernel_expand, NULL, 1, 2, 2, 0},
    {"BroadcastArgs", kernel_broadcast_shapes, NULL, 0, 2, 2, 0},

    REDUCE("Sum", REDUCE_SUM), REDUCE("Mean", REDUCE_MEAN), REDUCE("Max", REDUCE_MAX),
    REDUCE("Min", REDUCE_MIN), REDUCE("Prod", REDUCE_PROD), REDUCE("All", REDUCE_ALL),
    REDUCE("Any", REDUCE_ANY), REDUCE("EuclideanNorm", REDUCE_L2),
    {"L2Loss", kernel_reduce, reduce_all, REDUCE_HALF_SQUARE, 1, 1, 0},
    {"ArgMax", kernel_arg, arg_extreme, 1, 2, 2, 0},
    {"ArgMin", kernel_arg, arg_extreme, 0, 2, 2, 0},
    {"Cumsum", kernel_cumulate, cumulate, 0, 2, 2, 0},
    {"Cumprod", kernel_cumulate, cumulate, 0, 2, 2, 0},
    {"TopKV2", kernel_top, top, 0, 2, 2, 0},

    {"Reshape", kernel_reshape, reshape, 0, 2, 2, 0},
    {"Squeeze", kernel_squeeze, squeeze, 0, 1, 1, 0},
    {"ExpandDims", kernel_unsqueeze, from_input, 0, 2, 2, 0},
    {"Transpose", kernel_transpose, from_input, 0, 2, 2, 0},
    {"Shape", kernel_shape, shape, 0, 1, 1, 0},
    {"ShapeN", kernel_shape, shape, 0, 1, OP_ANY, 0},
    {"Size", kernel_size, shape, 0, 1, 1, 0},
    {"Rank", kernel_size, shape, 1, 1, 1, 0},
    {"Fill", kernel_fill, NULL, 0, 2, 2, 0},
    {"ZerosLike", kernel_fill_like, NULL, 0, 1, 1, 0},
    {"OnesLike", kernel_fill_like, NULL, 1, 1, 1, 0},
    {"Range", kernel_range, NULL, 0, 3, 3, 0},
    {"LinSpace", kernel_linspace, NULL, 0, 3, 3, 0},
    {"OneHot", kernel_one_hot, one_hot, 0, 4, 4, 0},
    {"InvertPermutation", kernel_turn_axes, NULL, 0, 1, 1, 0},
    {"ConcatV2", kernel_concat, concat_last, 0, 2, OP_ANY, 0},
    {"Concat", kernel_concat, concat_first, 0, 2, OP_ANY, 0},
    {"Pack", kernel_concat, pack, 0, 1, OP_ANY, 0},
    {"Unpack", unpack_run, pack, 0, 1, 1, 0},
    {"Split", kernel_split, split, 1, 2, 2, 0},
    {"SplitV", kernel_split, split_sizes, 0, 3, 3, 0},
    {"Tile", kernel_tile, NULL, 0, 2, 2, 0},
    {"Pad", kernel_pad, pad, 0, 2, 2, 0},
    {"PadV2", kernel_pad, pad, 0, 3, 3, 0},
    {"MirrorPad", kernel_pad, pad, 0, 2, 2, 0},
    {"Slice", kernel_slice_sizes, NULL, 0, 3, 3, 0},
    {"StridedSlice", kernel_strided_slice, strided_slice, 0, 4, 4, 0},
    {"ReverseV2", kernel_reverse, NULL, 0, 2, 2, 0},
    {"Roll", kernel_roll, NULL, 0, 3, 3, 0},
    {"ReverseSequence", kernel_reverse_sequence, reverse_sequence, 0, 2, 2, 0},
    {"MatrixBandPart", kernel_band, NULL, 0, 3, 3, 0},
    {"SpaceToBatchND", kernel_space_batch, NULL, 0, 3, 3, 0},
    {"BatchToSpaceND", kernel_space_batch, NULL, 1, 3, 3, 0},
    {"DepthToSpace", kernel_depth_to_space, blocks, 0, 1, 1, 0},
    {"SpaceToDepth", kernel_space_to_depth, blocks, 0, 1, 1, 0},
    {"ResizeNearestNeighbor", kernel_resize, resize, 0, 2, 2, 0},
    {"ResizeBilinear", kernel_resize, resize, 0, 2, 2, 0},
    {"Gather", kernel_gather, gather, 0, 2, 2, 0},
    {"GatherV2", kernel_gather, gather_axis, 0, 3, 3, 0},
    {"ResourceGather", kernel_gather, gather, 0, 2, 2, 0},
    {"GatherNd", kernel_gather_nd, gather, 0, 2, 2, 0},
    {"ScatterNd", kernel_scatter_nd, scatter, 1, 3, 3, 0},
    {"TensorScatterUpdate", kernel_scatter_nd, scatter, 0, 3, 3, 0},
    {"TensorScatterAdd", kernel_scatter_nd, scatter, 0, 3, 3, 0},
    {"TensorScatterMin", kernel_scatter_nd, scatter, 0, 3, 3, 0},
    {"TensorScatterMax", kernel_scatter_nd, scatter, 0, 3, 3, 0},
    {"Where", kernel_nonzero, NULL, 1, 1, 1, 0},
    {"Bucketize", bucketize_run, buckets, 0, 1, 1, 0},
    {"DenseBincount", bincount_run, buckets, 0, 3, 3, 0},

    {"TensorListReserve", kernel_list_new, NULL, 1, 2, 2, 0},
    {"EmptyTensorList", kernel_list_new, NULL, -1, 2, 2, 0},
    {"TensorListFromTensor", kernel_list_split, NULL, 0, 2, 2, 0},
    {"TensorListGetItem", kernel_list_get, list, 0, 3, 3, 0},
    {"TensorListSetItem", kernel_list_set, list, 0, 3, 3, 0},
    {"TensorListStack", kernel_list_stack, list, 0, 2, 2, 0},
    {"TensorListPushBack", kernel_list_push, list, 0, 2, 2, 0},
    {"TensorListPopBack", kernel_list_pop, list, 0, 2, 2, 0},
    {"TensorListLength", kernel_list_length, list_length, 0, 1, 1, 0},
    {"TensorListGather", kernel_list_gather, list, 0, 3, 3, 0},
    {"TensorListResize", kernel_list_resize, list, 0, 2, 2, 0},
    {"TensorArrayV3", kernel_list_new, NULL, 0, 1, 1, 0},
    {"TensorArrayReadV3", kernel_list_get, array_2, 0, 3, 3, 0},
    {"TensorArrayWriteV3", kernel_list_set, array_3, 0, 4, 4, 0},
    {"TensorArrayGatherV3", kernel_list_gather, array_2, 0, 3, 3, 0},
    {"TensorArrayScatterV3", array_scatter_run, NULL, 2, 4, 4, 0},
    {"TensorArraySizeV3", kernel_list_length, array_1, 0, 2, 2, 0},
    {0},
};
// clang-format on
