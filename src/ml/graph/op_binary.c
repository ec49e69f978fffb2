// ml/graph/op_binary.c - functions of two operands of equal or broadcast shapes, as NumPy does it.
//
// Both operands are walked by steps, 0 where a dimension of one is repeated. Neighbouring
// dimensions that both walk alike become one, so that nearly all calls are a few long inner loops.
#include <math.h>

#include "ml/graph/kernels.h"
#include "ml/graph/math.h"

_Static_assert((int)BINARY_MAX == (int)MATH_MAX, "one order in both");

// --- Broadcasting ---

enum { OPERANDS_MAX = 3 };
typedef struct Spread {
    uint32_t operands, rank;
    int64_t dim[TENSOR_RANK_MAX];
    int64_t step[OPERANDS_MAX][TENSOR_RANK_MAX];
    // Of the result, before dimensions were put together.
    uint32_t out_rank;
    int64_t out_dim[TENSOR_RANK_MAX];
} Spread;

static Status result_shape(Spread *self, const Tensor *const *in, Error *err) {
    for (uint32_t i = 0; i < self->operands; i++) {
        if (in[i]->rank > self->out_rank) self->out_rank = in[i]->rank;
    }
    for (uint32_t d = 0; d < self->out_rank; d++) {
        self->out_dim[d] = 1;
        for (uint32_t i = 0; i < self->operands; i++) {
            uint32_t missing = self->out_rank - in[i]->rank;
            int64_t size = d < missing ? 1 : in[i]->dim[d - missing];
            if (size == 1 || size == self->out_dim[d]) continue;
            if (self->out_dim[d] != 1) return call_misfit(in[0], in[i], err);
            self->out_dim[d] = size;
        }
    }
    return ST_OK;
}

static Status spread_init(Spread *self, const Tensor *const *in, uint32_t operands, Error *err) {
    *self = (Spread){.operands = operands};
    TRY(result_shape(self, in, err));
    int64_t count;
    TRY(tensor_count(self->out_rank, self->out_dim, &count, err));
    int64_t at[OPERANDS_MAX] = {1, 1, 1};
    // From the last dimension; the collapsed ones are kept in that order and turned at the end.
    for (uint32_t d = self->out_rank; d-- > 0;) {
        int64_t step[OPERANDS_MAX] = {0};
        for (uint32_t i = 0; i < operands; i++) {
            uint32_t missing = self->out_rank - in[i]->rank;
            int64_t size = d < missing ? 1 : in[i]->dim[d - missing];
            step[i] = size == 1 ? 0 : at[i];
            at[i] *= size;
        }
        if (self->out_dim[d] == 1) continue;
        bool alike = self->rank > 0;
        for (uint32_t i = 0; i < operands && alike; i++) {
            uint32_t last = self->rank - 1;
            alike = step[i] == self->step[i][last] * self->dim[last];
        }
        if (alike) {
            self->dim[self->rank - 1] *= self->out_dim[d];
            continue;
        }
        self->dim[self->rank] = self->out_dim[d];
        for (uint32_t i = 0; i < operands; i++) self->step[i][self->rank] = step[i];
        self->rank++;
    }
    return ST_OK;
}

// The number of inner loops, of dim[0] values each (dim[0] is the innermost).
static int64_t spread_loops(const Spread *self) {
    int64_t loops = 1;
    for (uint32_t d = 1; d < self->rank; d++) loops *= self->dim[d];
    return loops;
}

// Moves [offset] on to the next inner loop; index[] counts.
static void spread_next(const Spread *self, int64_t *index, int64_t *offset) {
    for (uint32_t d = 1; d < self->rank; d++) {
        for (uint32_t i = 0; i < self->operands; i++) offset[i] += self->step[i][d];
        if (++index[d] < self->dim[d]) return;
        for (uint32_t i = 0; i < self->operands; i++) {
            offset[i] -= self->step[i][d] * self->dim[d];
        }
        index[d] = 0;
    }
}

// --- Inner loops ---

#define EACH(EXPRESSION)                              \
    for (int64_t i = 0; i < n; i++) {                 \
        __typeof__(*a) x = a[i * sa], y = b[i * sb];  \
        out[i] = (__typeof__(*out))(EXPRESSION);      \
    }                                                 \
    return true

static double floor_mod(double x, double y) {
    double rest = fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

#define FLOAT_LOOPS(NAME, TYPE)                                                              \
    static bool NAME(BinaryKind kind, const TYPE *a, const TYPE *b, TYPE *out, int64_t n,    \
                     int64_t sa, int64_t sb) {                                               \
        switch (kind) {                                                                      \
            case BINARY_ADD: EACH(x + y);                                                    \
            case BINARY_SUB: EACH(x - y);                                                    \
            case BINARY_MUL: EACH(x * y);                                                    \
            case BINARY_DIV: EACH(x / y);                                                    \
            case BINARY_MIN: EACH(x < y || x != x ? x : y);                                  \
            case BINARY_MAX: EACH(x > y || x != x ? x : y);                                  \
            case BINARY_POW: EACH(pow((double)x, (double)y));                                \
            case BINARY_MOD: EACH(floor_mod((double)x, (double)y));                          \
            case BINARY_FMOD: EACH(fmod((double)x, (double)y));                              \
            case BINARY_FLOORDIV: EACH(floor((double)x / (double)y));                        \
            case BINARY_ATAN2: EACH(atan2((double)x, (double)y));                            \
            case BINARY_SQUARED_DIFFERENCE: EACH((x - y) * (x - y));                         \
            case BINARY_PRELU: EACH(x < 0 ? x * y : x);                                      \
            case BINARY_DIV_NO_NAN: EACH(y == 0 ? 0 : x / y);                                \
            case BINARY_XLOGY: EACH(x == 0 ? 0 : (double)x * log((double)y));                \
            default: return false;                                                           \
        }                                                                                    \
    }
FLOAT_LOOPS(loop_f32, float)
FLOAT_LOOPS(loop_f64, double)

// Integers wrap; a division by 0 gives 0 here and has been refused before where it counts.
static int64_t int_div(int64_t x, int64_t y) {
    return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}
static int64_t int_rest(int64_t x, int64_t y) {
    return y == 0 || y == -1 ? 0 : x % y;
}
static int64_t int_floor_div(int64_t x, int64_t y) {
    int64_t whole = int_div(x, y), rest = int_rest(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? whole - 1 : whole;
}
static int64_t int_floor_mod(int64_t x, int64_t y) {
    int64_t rest = int_rest(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
static int64_t int_pow(int64_t x, int64_t y) {
    uint64_t out = 1, base = (uint64_t)x;
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
    for (; y; y >>= 1, base *= base) {
        if (y & 1) out *= base;
    }
    return (int64_t)out;
}
static int64_t int_squared_difference(int64_t x, int64_t y) {
    uint64_t difference = (uint64_t)x - (uint64_t)y;
    return (int64_t)(difference * difference);
}

#define INT_LOOPS(NAME, TYPE, UNSIGNED)                                                      \
    static bool NAME(BinaryKind kind, const TYPE *a, const TYPE *b, TYPE *out, int64_t n,    \
                     int64_t sa, int64_t sb) {                                               \
        switch (kind) {                                                                      \
            case BINARY_ADD: EACH((UNSIGNED)x + (UNSIGNED)y);                                \
            case BINARY_SUB: EACH((UNSIGNED)x - (UNSIGNED)y);                                \
            case BINARY_MUL: EACH((UNSIGNED)x * (UNSIGNED)y);                                \
            case BINARY_DIV:                                                                 \
            case BINARY_DIV_NO_NAN: EACH(int_div(x, y));                                     \
            case BINARY_MIN: EACH(x < y ? x : y);                                            \
            case BINARY_MAX: EACH(x > y ? x : y);                                            \
            case BINARY_POW: EACH(int_pow(x, y));                                            \
            case BINARY_MOD: EACH(int_floor_mod(x, y));                                      \
            case BINARY_FMOD: EACH(int_rest(x, y));                                          \
            case BINARY_FLOORDIV: EACH(int_floor_div(x, y));                                 \
            case BINARY_SQUARED_DIFFERENCE: EACH(int_squared_difference(x, y));              \
            case BINARY_PRELU: EACH(x < 0 ? (UNSIGNED)x * (UNSIGNED)y : (UNSIGNED)x);        \
            case BINARY_AND: EACH(x & y);                                                    \
            case BINARY_OR: EACH(x | y);                                                     \
            case BINARY_XOR: EACH(x ^ y);                                                    \
            case BINARY_SHIFT_LEFT: EACH(y < 0 || y > 63 ? 0 : (uint64_t)x << y);            \
            case BINARY_SHIFT_RIGHT: EACH(y < 0 || y > 63 ? 0 : (uint64_t)x >> y);           \
            default: return false;                                                           \
        }                                                                                    \
    }
INT_LOOPS(loop_i32, int32_t, uint32_t)
INT_LOOPS(loop_i64, int64_t, uint64_t)

static bool loop_bool(BinaryKind kind, const uint8_t *a, const uint8_t *b, uint8_t *out, int64_t n,
                      int64_t sa, int64_t sb) {
    switch (kind) {
        case BINARY_AND:
        case BINARY_MUL:
        case BINARY_MIN: EACH(x && y);
        case BINARY_OR:
        case BINARY_ADD:
        case BINARY_MAX: EACH(x || y);
        case BINARY_XOR: EACH(x != y);
        default: return false;
    }
}

#define COMPARE_LOOPS(NAME, TYPE)                                                            \
    static bool NAME(BinaryKind kind, const TYPE *a, const TYPE *b, uint8_t *out, int64_t n, \
                     int64_t sa, int64_t sb) {                                               \
        switch (kind) {                                                                      \
            case BINARY_EQUAL: EACH(x == y);                                                 \
            case BINARY_NOT_EQUAL: EACH(x != y);                                             \
            case BINARY_LESS: EACH(x < y);                                                   \
            case BINARY_LESS_EQUAL: EACH(x <= y);                                            \
            case BINARY_GREATER: EACH(x > y);                                                \
            case BINARY_GREATER_EQUAL: EACH(x >= y);                                         \
            default: return false;                                                           \
        }                                                                                    \
    }
COMPARE_LOOPS(compare_f32, float)
COMPARE_LOOPS(compare_f64, double)
COMPARE_LOOPS(compare_i32, int32_t)
COMPARE_LOOPS(compare_i64, int64_t)
COMPARE_LOOPS(compare_bool, uint8_t)

static bool compare_str(BinaryKind kind, const Str *a, const Str *b, uint8_t *out, int64_t n,
                        int64_t sa, int64_t sb) {
    if (kind != BINARY_EQUAL && kind != BINARY_NOT_EQUAL) return false;
    EACH(str_eq(x, y) == (kind == BINARY_EQUAL));
}

static bool compare(BinaryKind kind, TensorType type, const void *a, const void *b, uint8_t *out,
                    int64_t n, int64_t sa, int64_t sb) {
    switch (type) {
        case TENSOR_F32: return compare_f32(kind, a, b, out, n, sa, sb);
        case TENSOR_F64: return compare_f64(kind, a, b, out, n, sa, sb);
        case TENSOR_I32: return compare_i32(kind, a, b, out, n, sa, sb);
        case TENSOR_I64: return compare_i64(kind, a, b, out, n, sa, sb);
        case TENSOR_BOOL: return compare_bool(kind, a, b, out, n, sa, sb);
        case TENSOR_STR: return compare_str(kind, a, b, out, n, sa, sb);
        default: return false;
    }
}

static bool inner(BinaryKind kind, TensorType type, const void *a, const void *b, void *out,
                  int64_t n, int64_t sa, int64_t sb) {
    if (kind >= BINARY_EQUAL) return compare(kind, type, a, b, out, n, sa, sb);
    switch (type) {
        case TENSOR_F32:
            if (kind <= BINARY_MAX && sa <= 1 && sb <= 1 && (sa || sb || n == 1)) {
                int one = n == 1 ? 0 : !sa ? 1 : !sb ? 2 : 0;
                math()->binary[kind](a, b, out, (size_t)n, one);
                return true;
            }
            return loop_f32(kind, a, b, out, n, sa, sb);
        case TENSOR_F64: return loop_f64(kind, a, b, out, n, sa, sb);
        case TENSOR_I32: return loop_i32(kind, a, b, out, n, sa, sb);
        case TENSOR_I64: return loop_i64(kind, a, b, out, n, sa, sb);
        case TENSOR_BOOL: return loop_bool(kind, a, b, out, n, sa, sb);
        default: return false;
    }
}

static Status no_zero(const Tensor *t, BinaryKind kind, Error *err) {
    bool divides = kind == BINARY_DIV || kind == BINARY_MOD || kind == BINARY_FMOD ||
                   kind == BINARY_FLOORDIV;
    if (!divides || !tensor_is_int(t->type)) return ST_OK;
    for (int64_t i = 0; i < t->count; i++) {
        if (tensor_integer(t, i) == 0) return error_set(err, ST_RUNTIME, "division by zero");
    }
    return ST_OK;
}

// The operand in the type of the other: only a power's exponent may differ.
static Status as_type(const Call *call, const Tensor *t, TensorType type, Tensor *out, Error *err) {
    *out = *t;
    out->type = type;
    TRY(call_scratch(call, (size_t)t->count * tensor_size(type), &out->data, err));
    for (int64_t i = 0; i < t->count; i++) tensor_put_number(out, i, tensor_number(t, i));
    return ST_OK;
}

// Whether the result may lie where input [i] lies: it has its shape.
static bool fits(const Spread *spread, const Tensor *t) {
    return t->rank == spread->out_rank &&
           memcmp(t->dim, spread->out_dim, t->rank * sizeof t->dim[0]) == 0;
}

static Status binary(const Call *call, BinaryKind kind, const Tensor *a, const Tensor *b,
                     bool in_place, Error *err) {
    const Tensor *in[2] = {a, b};
    Spread spread;
    TRY(spread_init(&spread, in, 2, err));
    TRY(no_zero(b, kind, err));
    TensorType type = kind >= BINARY_EQUAL ? TENSOR_BOOL : a->type;
    if (in_place && fits(&spread, a)) {
        TRY(call_reuse(call, 0, type, 0, err));
    } else if (in_place && fits(&spread, b)) {
        TRY(call_reuse(call, 0, type, 1, err));
    } else {
        TRY(call_new(call, 0, type, spread.out_rank, spread.out_dim, err));
    }
    Tensor *out = &call->out[0];
    if (!out->count) return ST_OK;
    int64_t n = spread.rank ? spread.dim[0] : 1, loops = spread_loops(&spread);
    int64_t index[TENSOR_RANK_MAX] = {0}, offset[OPERANDS_MAX] = {0};
    size_t size = tensor_size(a->type), out_size = tensor_size(type);
    char *to = out->data;
    for (int64_t i = 0; i < loops; i++, to += (size_t)n * out_size) {
        if (!inner(kind, a->type, (char *)a->data + (size_t)offset[0] * size,
                   (char *)b->data + (size_t)offset[1] * size, to, n, spread.step[0][0],
                   spread.step[1][0])) {
            return call_no_type(a, err);
        }
        spread_next(&spread, index, offset);
    }
    return ST_OK;
}

Status kernel_binary(const Call *call, Error *err) {
    const Tensor *a = call->in[0], *b = call->in[1];
    BinaryKind kind = (BinaryKind)call->arg;
    Tensor other;
    if (a->type != b->type) {
        TRY(call_want_number(call, 0, err));
        TRY(call_want_number(call, 1, err));
        if (kind != BINARY_POW && kind != BINARY_SHIFT_LEFT && kind != BINARY_SHIFT_RIGHT) {
            return error_set(err, ST_RUNTIME, "operands of types %s and %s",
                             tensor_type_name(a->type), tensor_type_name(b->type));
        }
        TRY(as_type(call, b, a->type, &other, err));
        return binary(call, kind, a, &other, false, err);
    }
    if (a->type == TENSOR_STR && kind != BINARY_EQUAL && kind != BINARY_NOT_EQUAL) {
        return call_no_type(a, err);
    }
    // A comparison's bytes may not lie where wider values are still to be read.
    return binary(call, kind, a, b, kind < BINARY_EQUAL, err);
}

Status kernel_variadic(const Call *call, Error *err) {
    for (uint32_t i = 1; i < call->in_count; i++) {
        if (!call->in[i] || call->in[i]->type != call->in[0]->type) {
            return error_set(err, ST_RUNTIME, "operands of different types");
        }
    }
    Tensor sum = tensor_hold(call->in[0]);
    Status st = ST_OK;
    for (uint32_t i = 1; i < call->in_count && !st; i++) {
        st = binary(call, (BinaryKind)call->arg, &sum, call->in[i], false, err);
        Tensor next = call->out[0];
        call->out[0] = (Tensor){0};
        tensor_drop(call_pool(call), &sum);
        sum = next;
    }
    call->out[0] = sum;
    return st;
}

Status kernel_mean_of(const Call *call, Error *err) {
    TRY(kernel_variadic(call, err));
    Tensor *out = &call->out[0];
    if (call->in_count == 1) return ST_OK;
    for (int64_t i = 0; i < out->count; i++) {
        tensor_put_number(out, i, tensor_number(out, i) / call->in_count);
    }
    return ST_OK;
}

Status kernel_bias(const Call *call, Error *err) {
    const Tensor *a = call->in[0], *b = call->in[1];
    if (a->type != b->type || b->rank != 1 || a->rank < 2) return call_misfit(a, b, err);
    Tensor bias = *b;
    if (call->arg == 1 && a->rank > 2) {  // [channels, 1, 1 ...]
        bias.rank = a->rank - 1;
        for (uint32_t d = 1; d < bias.rank; d++) bias.dim[d] = 1;
    }
    return binary(call, BINARY_ADD, a, &bias, true, err);
}

// --- Choice ---

static void choose(const Spread *spread, const uint8_t *yes, const char *a, const char *b,
                   char *to, size_t size) {
    int64_t n = spread->rank ? spread->dim[0] : 1, loops = spread_loops(spread);
    int64_t index[TENSOR_RANK_MAX] = {0}, offset[OPERANDS_MAX] = {0};
    for (int64_t k = 0; k < loops; k++) {
        for (int64_t i = 0; i < n; i++, to += size) {
            bool first = yes[offset[0] + i * spread->step[0][0]];
            const char *from = first ? a + (size_t)(offset[1] + i * spread->step[1][0]) * size
                                     : b + (size_t)(offset[2] + i * spread->step[2][0]) * size;
            memcpy(to, from, size);
        }
        spread_next(spread, index, offset);
    }
}

Status kernel_where(const Call *call, Error *err) {
    TRY(call_want(call, 0, TENSOR_BOOL, err));
    const Tensor *a = call->in[1], *b = call->in[2];
    if (a->type != b->type || a->type == TENSOR_LIST) return call_no_type(b, err);
    Tensor yes = *call->in[0];
    if (call->arg == 1 && yes.rank == 1 && a->rank > 1) {
        for (uint32_t d = 1; d < a->rank; d++) yes.dim[d] = 1;
        yes.rank = a->rank;
    }
    const Tensor *in[3] = {&yes, a, b};
    Spread spread;
    TRY(spread_init(&spread, in, 3, err));
    TRY(call_new(call, 0, a->type, spread.out_rank, spread.out_dim, err));
    if (!call->out[0].count) return ST_OK;
    choose(&spread, tensor_bool(&yes), a->data, b->data, call->out[0].data, tensor_size(a->type));
    return ST_OK;
}

// The value repeated along the dimensions of input 1: a choice between the value and itself.
Status kernel_expand(const Call *call, Error *err) {
    const Tensor *a = call->in[0];
    Tensor shape = {.type = TENSOR_BOOL};
    TRY(call_integers(call->in[1], shape.dim, TENSOR_RANK_MAX, &shape.rank, err));
    TRY(tensor_count(shape.rank, shape.dim, &shape.count, err));
    if (a->type == TENSOR_LIST) return call_no_type(a, err);
    const Tensor *in[2] = {a, &shape};
    Spread spread;
    TRY(spread_init(&spread, in, 2, err));
    if (call->arg == 1 && !fits(&spread, &shape)) return call_misfit(a, &shape, err);
    TRY(call_new(call, 0, a->type, spread.out_rank, spread.out_dim, err));
    if (!call->out[0].count) return ST_OK;
    size_t size = tensor_size(a->type);
    int64_t n = spread.rank ? spread.dim[0] : 1, loops = spread_loops(&spread);
    int64_t index[TENSOR_RANK_MAX] = {0}, offset[OPERANDS_MAX] = {0};
    char *to = call->out[0].data;
    for (int64_t k = 0; k < loops; k++) {
        for (int64_t i = 0; i < n; i++, to += size) {
            memcpy(to, (char *)a->data + (size_t)(offset[0] + i * spread.step[0][0]) * size, size);
        }
        spread_next(&spread, index, offset);
    }
    return ST_OK;
}
