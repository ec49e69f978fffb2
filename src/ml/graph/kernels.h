// ml/graph/kernels.h - what the operators of all formats are made of. A format's table names a
// kernel, what it does ([arg], of the enums below), and its prepare fills the parameters.
#pragma once

#include "ml/graph/op.h"

// --- One operand (op_unary.c) ---

typedef enum UnaryKind {
    UNARY_EXP, UNARY_TANH, UNARY_SIGMOID, UNARY_RELU, UNARY_SQRT, UNARY_RSQRT, UNARY_SQUARE,
    UNARY_NEG, UNARY_ABS, UNARY_RECIPROCAL, UNARY_ELU, UNARY_LEAKY_RELU, UNARY_CLIP,
    UNARY_LINEAR,  // those above in the order of MathUnary
    UNARY_LOG, UNARY_LOG1P, UNARY_EXPM1, UNARY_SIN, UNARY_COS, UNARY_TAN, UNARY_ASIN, UNARY_ACOS,
    UNARY_ATAN, UNARY_SINH, UNARY_COSH, UNARY_ASINH, UNARY_ACOSH, UNARY_ATANH, UNARY_ERF,
    UNARY_ERFC, UNARY_CEIL, UNARY_FLOOR, UNARY_ROUND /* half to even */, UNARY_SIGN,
    UNARY_SOFTPLUS, UNARY_SOFTSIGN, UNARY_SELU, UNARY_CELU, UNARY_THRESHOLDED_RELU,
    UNARY_HARD_SWISH, UNARY_MISH, UNARY_SWISH /* x sigmoid(a x) */, UNARY_GELU, UNARY_GELU_TANH,
    UNARY_LGAMMA, UNARY_SHRINK,
} UnaryKind;
typedef struct UnaryParams {
    float a, b;
} UnaryParams;
Status kernel_unary(const Call *call, Error *err);
typedef enum TestKind {
    TEST_NOT,
    TEST_NAN,
    TEST_INF,
    TEST_INF_ABOVE,
    TEST_INF_BELOW,
    TEST_FINITE,
    TEST_NEVER
} TestKind;
Status kernel_test(const Call *call, Error *err);
Status kernel_clip(const Call *call, Error *err);  // bounds as inputs 1 and 2, or parameters
typedef struct CastParams {
    TensorType to;
    int32_t bits;  // of a smaller integer that is held in [to]; 0: none
    bool no_sign;
} CastParams;
Status kernel_cast(const Call *call, Error *err);
Status kernel_bit_not(const Call *call, Error *err);
Status kernel_bitcast(const Call *call, Error *err);
Status kernel_same(const Call *call, Error *err);     // output i is input i

// --- Two operands, broadcast (op_binary.c) ---

typedef enum BinaryKind {
    BINARY_ADD, BINARY_SUB, BINARY_MUL, BINARY_DIV, BINARY_MIN, BINARY_MAX,  // as MathBinary
    BINARY_POW, BINARY_MOD /* the sign of the divisor */, BINARY_FMOD, BINARY_FLOORDIV,
    BINARY_ATAN2, BINARY_SQUARED_DIFFERENCE, BINARY_PRELU, BINARY_AND, BINARY_OR, BINARY_XOR,
    BINARY_SHIFT_LEFT, BINARY_SHIFT_RIGHT, BINARY_DIV_NO_NAN, BINARY_XLOGY,
    BINARY_EQUAL, BINARY_NOT_EQUAL, BINARY_LESS, BINARY_LESS_EQUAL, BINARY_GREATER,
    BINARY_GREATER_EQUAL,  // those from BINARY_EQUAL on give booleans
} BinaryKind;
Status kernel_binary(const Call *call, Error *err);
Status kernel_variadic(const Call *call, Error *err);  // BINARY_ADD, _MIN, _MAX over all inputs
Status kernel_mean_of(const Call *call, Error *err);
Status kernel_bias(const Call *call, Error *err);      // TF's BiasAdd; arg 1: channels first
Status kernel_where(const Call *call, Error *err);     // arg 1: TF's Select, whose condition may be
                                                       // a vector over the first dimension
Status kernel_expand(const Call *call, Error *err);    // input 1 is the shape; arg 1: exactly that

// --- Products (op_matmul.c) ---

typedef struct MatmulParams {
    bool a_turned, b_turned;
    bool flat;          // no batches: Gemm, TF's MatMul
    float alpha, beta;  // of the product and of input 2, if there is one
    const float *packed;  // input 1 when it is known and has two dimensions, else NULL
    int64_t k, columns;   // of the packed one
} MatmulParams;
void matmul_prepare(const Setup *setup, MatmulParams *params);  // packs what is known
Status kernel_matmul(const Call *call, Error *err);
typedef struct EinsumParams {
    Str equation;
} EinsumParams;
Status kernel_einsum(const Call *call, Error *err);

// --- Windows (op_conv.c, op_pool.c) ---

enum { SPACE_MAX = 3 };  // dimensions of space
typedef enum PadKind { PAD_GIVEN, PAD_VALID, PAD_SAME_UPPER, PAD_SAME_LOWER } PadKind;
typedef struct WindowParams {
    bool channels_last;
    PadKind pad_kind;
    uint32_t space;  // dimensions that are given below; 0: all by default
    int64_t kernel[SPACE_MAX], stride[SPACE_MAX], dilation[SPACE_MAX];
    int64_t pad_front[SPACE_MAX], pad_back[SPACE_MAX];
    int64_t out_pad[SPACE_MAX], out_shape[SPACE_MAX];  // of a turned convolution
    bool has_out_shape;
    bool round_up, count_pad;  // of pools
    int64_t groups;
    bool kernel_last;   // the kernel is [space..., in, out] (TF) instead of [out, in, space...]
    bool depthwise;     // TF's [space..., in, times]
    const float *const *packed;  // a panel matrix a group, when the kernel is known
} WindowParams;
Status conv_prepare(const Setup *setup, WindowParams *params, Error *err);
Status kernel_conv(const Call *call, Error *err);  // image, kernel, bias or nothing
Status kernel_conv_turned(const Call *call,
                          Error *err);  // the same; arg 1: TF's (shape, kernel, image)
typedef enum PoolKind { POOL_MAX, POOL_MEAN, POOL_LP } PoolKind;
Status kernel_pool(const Call *call, Error *err);
Status kernel_global_pool(const Call *call, Error *err);  // over all space, channels first

// --- Normalisation (op_norm.c) ---

typedef enum SoftKind { SOFT_MAX, SOFT_LOG, SOFT_HARD } SoftKind;
typedef struct SoftParams {
    int64_t axis;
    bool flat;  // over all dimensions from the axis on
} SoftParams;
Status kernel_softmax(const Call *call, Error *err);
typedef enum NormKind { NORM_BATCH, NORM_LAYER, NORM_INSTANCE, NORM_GROUP } NormKind;
typedef struct NormParams {
    float epsilon;
    int64_t axis;        // of layers: the first that is normalised; of batches: the channels'
    int64_t groups;
    bool group_weights;  // a weight a group, not a channel
    // Which inputs are scale, shift, mean, variance.
    bool rms;            // no mean is taken off
} NormParams;
Status kernel_norm(const Call *call, Error *err);
typedef struct LrnParams {
    int64_t size;  // channels
    float alpha, beta, bias;
    bool channels_last;
} LrnParams;
Status kernel_lrn(const Call *call, Error *err);
typedef struct LpParams {
    int64_t axis;
    int32_t p;
} LpParams;
Status kernel_lp_norm(const Call *call, Error *err);

// --- Recurrent layers (op_rnn.c) ---

typedef enum RnnKind { RNN_PLAIN, RNN_LSTM, RNN_GRU } RnnKind;
typedef enum RnnAct { ACT_TANH, ACT_SIGMOID, ACT_RELU, ACT_LINEAR, ACT_HARD_SIGMOID, ACT_SOFTSIGN,
                      ACT_ELU, ACT_LEAKY_RELU, ACT_AFFINE, ACT_THRESHOLDED_RELU, ACT_SOFTPLUS,
                      ACT_SCALED_TANH } RnnAct;
typedef struct RnnWeights {
    const float *input, *hidden, *hidden_new;  // packed, of one direction; the last of a GRU
    const float *bias;                         // of gates; NULL: none
    const float *bias_new;                     // of a GRU that resets after the product
} RnnWeights;
typedef struct RnnParams {
    RnnKind kind;
    uint32_t directions;
    bool first_backward;  // the only direction runs from the end
    bool batch_first;
    bool reset_after;     // a GRU's linear_before_reset
    bool couple;          // an LSTM's input_forget
    float clip;           // 0: none
    RnnAct act[2][3];
    float alpha[2][3], beta[2][3];
    int64_t hidden;
    RnnWeights weights[2];  // when they are known
    bool known;
} RnnParams;
Status rnn_prepare(Setup *setup, RnnParams *params, Error *err);
Status kernel_rnn(const Call *call, Error *err);  // inputs and outputs as ONNX has them

// --- Reductions (op_reduce.c) ---

typedef enum ReduceKind {
    REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_L1, REDUCE_L2,
    REDUCE_LOG_SUM, REDUCE_LOG_SUM_EXP, REDUCE_SUM_SQUARE, REDUCE_ALL, REDUCE_ANY,
    REDUCE_HALF_SQUARE,  // TF's L2Loss
} ReduceKind;
typedef struct ReduceParams {
    const int64_t *axes;  // when they are no input
    uint32_t axis_count;
    bool keep;            // reduced dimensions stay, of size 1
    bool none_is_none;    // no axes: nothing is reduced, instead of all
} ReduceParams;
Status kernel_reduce(const Call *call, Error *err);
typedef struct ArgParams {
    int64_t axis;
    bool keep, last;  // the last of equals, not the first
    bool axis_input;
    TensorType type;  // of the result
} ArgParams;
Status kernel_arg(const Call *call, Error *err);  // arg 1: the greatest, 0: the least
typedef struct CumulateParams {
    bool exclusive, reverse, product;
} CumulateParams;
Status kernel_cumulate(const Call *call, Error *err);  // axis is input 1
typedef struct TopParams {
    int64_t axis, k;    // k when it is no input
    bool least;
    TensorType type;    // of the indices
} TopParams;
Status kernel_top(const Call *call, Error *err);

// --- Shapes (op_shape.c) ---

typedef struct ShapeParams {
    const int64_t *axes;  // or sizes; when they are no input
    uint32_t count;
    bool given;           // they stand here, not in an input
    int64_t axis, first, last;
    TensorType type;      // of the result
    bool zero_is_zero;    // of a Reshape: 0 is a size, not "as it was"
} ShapeParams;
Status kernel_reshape(const Call *call, Error *err);
Status kernel_flatten(const Call *call, Error *err);
Status kernel_squeeze(const Call *call, Error *err);
Status kernel_unsqueeze(const Call *call, Error *err);
Status kernel_transpose(const Call *call, Error *err);
Status kernel_shape(const Call *call, Error *err);  // of all inputs, from first to last
Status kernel_size(const Call *call, Error *err);   // arg 1: the rank
Status kernel_fill(const Call *call,
                   Error *err);  // arg 0: (shape, value); 1: ONNX's, value as parameter
typedef struct FillParams {
    Tensor value;
} FillParams;
Status kernel_fill_like(const Call *call, Error *err);  // arg is the number
Status kernel_range(const Call *call, Error *err);
Status kernel_linspace(const Call *call, Error *err);
Status kernel_eye(const Call *call, Error *err);
typedef struct OneHotParams {
    int64_t axis;
    bool pair;  // ONNX: input 2 is [off, on]; else inputs 2, 3 are on, off
} OneHotParams;
Status kernel_one_hot(const Call *call, Error *err);
Status kernel_broadcast_shapes(const Call *call, Error *err);
Status kernel_turn_axes(const Call *call, Error *err);  // InvertPermutation

// --- Parts and wholes (op_join.c, op_slice.c, op_gather.c) ---

typedef struct JoinParams {
    int64_t axis;
    int32_t axis_input;  // -1: none
    const int64_t *size;
    uint32_t size_count;
    int32_t size_input;  // -1: none
    bool new_axis, keep;
} JoinParams;
Status kernel_concat(const Call *call, Error *err);  // also Pack, with a new axis
Status kernel_split(const Call *call, Error *err);   // also Unpack, whose axis goes; arg: the
                                                     // input that is split
Status kernel_tile(const Call *call, Error *err);
typedef enum PadMode { PADDING_CONSTANT, PADDING_REFLECT, PADDING_EDGE, PADDING_SYMMETRIC } PadMode;
typedef struct PadParams {
    PadMode mode;
    const int64_t *pads;  // when they are no input: all in front, then all behind
    uint32_t count;
    bool pairs;           // as an input: (front, behind) by dimension
    double value;
} PadParams;
Status kernel_pad(const Call *call, Error *err);
typedef struct SliceParams {
    const int64_t *starts, *ends, *axes;
    uint32_t count;
    bool given;
} SliceParams;
Status kernel_slice(const Call *call, Error *err);       // ONNX
Status kernel_slice_sizes(const Call *call, Error *err); // TF's Slice: begin, size
typedef struct StridedParams {
    int64_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask;
} StridedParams;
Status kernel_strided_slice(const Call *call, Error *err);
typedef struct ReverseParams {
    int64_t seq_axis, batch_axis;
} ReverseParams;
Status kernel_reverse(const Call *call, Error *err);           // axes are input 1
Status kernel_roll(const Call *call, Error *err);              // shifts are input 1, axes 2
Status kernel_reverse_sequence(const Call *call, Error *err);
typedef struct TriangleParams {
    bool upper;
} TriangleParams;
Status kernel_triangle(const Call *call, Error *err);  // Trilu
Status kernel_band(const Call *call, Error *err);      // MatrixBandPart
typedef struct BlockParams {
    int64_t size;
    bool columns_first;  // CRD
    bool channels_last;
} BlockParams;
Status kernel_depth_to_space(const Call *call, Error *err);
Status kernel_space_to_depth(const Call *call, Error *err);
Status kernel_space_batch(const Call *call, Error *err);  // SpaceToBatchND; arg 1: back

// --- Other sizes (op_resize.c) ---

typedef enum ResizeMode { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_CUBIC } ResizeMode;
typedef enum ResizePlace {
    RESIZE_HALF,
    RESIZE_HALF_PYTORCH,
    RESIZE_HALF_SYMMETRIC,
    RESIZE_HALF_NEAREST,
    RESIZE_CORNERS,
    RESIZE_ASYMMETRIC
} ResizePlace;
typedef enum ResizeRound {
    RESIZE_PREFER_FLOOR,
    RESIZE_PREFER_CEIL,
    RESIZE_FLOOR,
    RESIZE_CEIL
} ResizeRound;
typedef struct ResizeParams {
    ResizeMode mode;
    ResizePlace place;
    ResizeRound round;  // RESIZE_NEAREST
    double cubic;
    bool exclude_outside;
    int64_t axis[TENSOR_RANK_MAX];  // those that sizes are said of; none: all
    uint32_t axis_count;
} ResizeParams;
// Input 0 is resized; the last input that is there tells the sizes or, as floats, the scales.
Status kernel_resize(const Call *call, Error *err);

typedef struct GatherParams {
    int64_t axis, batch_dims;
    int32_t axis_input;  // -1: none
} GatherParams;
Status kernel_gather(const Call *call, Error *err);
Status kernel_gather_elements(const Call *call, Error *err);
Status kernel_gather_nd(const Call *call, Error *err);
typedef enum ScatterKind {
    SCATTER_SET,
    SCATTER_ADD,
    SCATTER_MUL,
    SCATTER_MIN,
    SCATTER_MAX
} ScatterKind;
typedef struct ScatterParams {
    int64_t axis;
    ScatterKind kind;
} ScatterParams;
Status kernel_scatter_elements(const Call *call, Error *err);
Status kernel_scatter_nd(const Call *call, Error *err);  // arg 1: TF's (indices, updates, shape)
Status kernel_nonzero(const Call *call, Error *err);     // arg 1: TF's Where, turned
Status kernel_compress(const Call *call, Error *err);

// --- Lists (op_list.c) ---

Status kernel_list_new(const Call *call, Error *err);     // arg: the input with the size, -1: 0
Status kernel_list_split(const Call *call, Error *err);   // TensorListFromTensor
Status kernel_list_get(const Call *call, Error *err);
Status kernel_list_set(const Call *call, Error *err);
Status kernel_list_stack(const Call *call, Error *err);
Status kernel_list_push(const Call *call, Error *err);
Status kernel_list_pop(const Call *call, Error *err);
Status kernel_list_length(const Call *call, Error *err);
Status kernel_list_gather(const Call *call, Error *err);
Status kernel_list_resize(const Call *call, Error *err);
typedef struct ListParams {
    TensorType type;    // of the items
    int32_t list;       // which input is the list
    bool known_shape;   // of items that were never set
    uint32_t rank;
    int64_t dim[TENSOR_RANK_MAX];
    int64_t axis;
    bool new_axis;
} ListParams;
Status kernel_list_of(const Call *call, Error *err);      // SequenceConstruct
Status kernel_list_join(const Call *call, Error *err);    // ConcatFromSequence

// --- Loops and branches (op_flow.c) ---

// Bodies take the loop's variables and then what they capture, which stands behind the variables
// among the node's inputs.
typedef struct FlowParams {
    uint32_t variables;   // of a loop
    uint32_t scans_in, scans_out;
    const uint32_t *capture_first;  // where each body's captures begin among the node's inputs
    int64_t scan_backward_in, scan_backward_out;  // bits
    bool greedy;          // else: a Case, whose branch is a number
} FlowParams;
Status kernel_if(const Call *call, Error *err);     // input 0 chooses; body 0 when true
Status kernel_case(const Call *call, Error *err);   // input 0 is the number of the body
Status kernel_while(const Call *call, Error *err);  // bodies: condition, body
Status kernel_loop(const Call *call, Error *err);   // ONNX's Loop
Status kernel_scan(const Call *call, Error *err);   // ONNX's Scan, of opset 9 and later
