// + - * / % and the signs, for numbers; dates and intervals have rows of their own elsewhere.
//
// Types follow Flink: integers give the wider one and wrap; an approximate operand makes the result
// approximate (FLOAT beside integers stays FLOAT, beside DECIMAL becomes DOUBLE); DECIMAL grows by
// the rules of SQL Server, capped at 38 digits with at least six decimals kept. A DECIMAL result
// that does not fit is NULL. Division by zero is an error for exact numbers only.
#include <math.h>

#include "func/func.h"
#include "type/decimal.h"

static int32_t max_i32(int32_t a, int32_t b) {
    return a > b ? a : b;
}
static int32_t min_i32(int32_t a, int32_t b) {
    return a < b ? a : b;
}

// What a DECIMAL kernel needs to know; made at bind time.
typedef struct DecimalOp {
    bool (*apply)(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out);
    int32_t a_scale, b_scale, scale, precision;
    bool divides;
} DecimalOp;

static Status decimal_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const DecimalOp *op = args->call->bound;
    const i128 *a = vec_i128(args->arg[0]), *b = vec_i128(args->arg[1]);
    i128 *result = vec_i128(out);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (op->divides && b[row] == 0) return error_set(err, ST_RUNTIME, "division by zero");
        i128 value;
        if (op->apply(a[row], op->a_scale, b[row], op->b_scale, op->scale, &value) &&
            decimal_fits(value, op->precision)) {
            result[row] = value;
        } else {
            vec_set_null(out, row);
        }
    }
    return ST_OK;
}

// ---- loops over machine numbers
// ------------------------------------------------------------------

// Integers wrap, so the work is done in the unsigned type of the width. The count is copied first:
// the compiler cannot know that the results do not overwrite it, and would not vectorise.
#define WRAP_KERNEL(name, phys, ctype, utype, op)                                              \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {                         \
        (void)err;                                                                             \
        const ctype *a = vec_##phys(args->arg[0]), *b = vec_##phys(args->arg[1]);              \
        ctype *result = vec_##phys(out);                                                       \
        for (uint32_t row = 0, rows = args->rows; row < rows; row++) {                         \
            result[row] = (ctype)(utype)((utype)a[row] op (utype)b[row]);                      \
        }                                                                                      \
        return ST_OK;                                                                          \
    }
#define FLOAT_KERNEL(name, phys, ctype, op)                                                    \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {                         \
        (void)err;                                                                             \
        const ctype *a = vec_##phys(args->arg[0]), *b = vec_##phys(args->arg[1]);              \
        ctype *result = vec_##phys(out);                                                       \
        for (uint32_t row = 0, rows = args->rows; row < rows; row++) {                         \
            result[row] = a[row] op b[row];                                                    \
        }                                                                                      \
        return ST_OK;                                                                          \
    }
#define ARITH_KERNELS(name, op)                                                                \
    WRAP_KERNEL(name##_i8, i8, int8_t, uint32_t, op)                                           \
    WRAP_KERNEL(name##_i16, i16, int16_t, uint32_t, op)                                        \
    WRAP_KERNEL(name##_i32, i32, int32_t, uint32_t, op)                                        \
    WRAP_KERNEL(name##_i64, i64, int64_t, uint64_t, op)                                        \
    FLOAT_KERNEL(name##_f32, f32, float, op)                                                   \
    FLOAT_KERNEL(name##_f64, f64, double, op)                                                  \
    static const Kernel name##_kernels[] = {                                                   \
        [PHYS_I8] = name##_i8,   [PHYS_I16] = name##_i16, [PHYS_I32] = name##_i32,             \
        [PHYS_I64] = name##_i64, [PHYS_F32] = name##_f32, [PHYS_F64] = name##_f64,             \
    };
ARITH_KERNELS(add, +)
ARITH_KERNELS(sub, -)
ARITH_KERNELS(mul, *)
FLOAT_KERNEL(div_f32, f32, float, /)
FLOAT_KERNEL(div_f64, f64, double, /)

// Quotient and remainder as Java's: towards zero, MIN / -1 wraps to MIN.
#define DIVIDE_KERNEL(name, phys, ctype)                                                       \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {                         \
        const ctype *a = vec_##phys(args->arg[0]), *b = vec_##phys(args->arg[1]);              \
        ctype *result = vec_##phys(out);                                                       \
        for (uint32_t row = 0; row < args->rows; row++) {                                      \
            if (b[row] == -1) {                                                                \
                result[row] = (ctype)(0 - (uint64_t)a[row]);                                   \
            } else if (b[row] != 0) {                                                          \
                result[row] = (ctype)(a[row] / b[row]);                                        \
            } else if (kernel_row_valid(args, row)) {                                          \
                return error_set(err, ST_RUNTIME, "division by zero");                         \
            }                                                                                  \
        }                                                                                      \
        return ST_OK;                                                                          \
    }
DIVIDE_KERNEL(div_i8, i8, int8_t)
DIVIDE_KERNEL(div_i16, i16, int16_t)
DIVIDE_KERNEL(div_i32, i32, int32_t)
DIVIDE_KERNEL(div_i64, i64, int64_t)

static const Kernel div_kernels[] = {
    [PHYS_I8] = div_i8,   [PHYS_I16] = div_i16, [PHYS_I32] = div_i32,
    [PHYS_I64] = div_i64, [PHYS_F32] = div_f32, [PHYS_F64] = div_f64,
};

// The remainder has the type of the divisor, whichever is wider.
static Status mod_integer_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Vec *a = args->arg[0], *b = args->arg[1];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t by = vec_integer(b, row);
        if (by == 0) return error_set(err, ST_RUNTIME, "division by zero");
        vec_set_integer(out, row, by == -1 ? 0 : vec_integer(a, row) % by);
    }
    return ST_OK;
}

// DECIMAL % INT is an INT again, as far as both are whole numbers.
static Status mod_decimal_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const i128 *a = vec_i128(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int64_t by = vec_integer(args->arg[1], row);
        if (by == 0) return error_set(err, ST_RUNTIME, "division by zero");
        vec_set_integer(out, row, (int64_t)(a[row] % by));
    }
    return ST_OK;
}

// ---- types
// ---------------------------------------------------------------------------------------

// p digits of which s are decimals, cut to 38: the whole digits first, but six decimals stay.
static const Type *decimal_adjusted(Arena *arena, int32_t p, int32_t s) {
    if (p > TYPE_DECIMAL_MAX) {
        int32_t whole = p - s;
        s = max_i32(TYPE_DECIMAL_MAX - whole, min_i32(s, 6));
        p = TYPE_DECIMAL_MAX;
    }
    return type_decimal(arena, p, s, false);
}

static const Type *decimal_result(Arena *arena, char op, const Type *a, const Type *b) {
    int32_t p1 = type_exact_precision(a), s1 = type_exact_scale(a);
    int32_t p2 = type_exact_precision(b), s2 = type_exact_scale(b);
    int32_t s = max_i32(s1, s2);
    switch (op) {
        case '*': return decimal_adjusted(arena, p1 + p2 + 1, s1 + s2);
        case '/':
            s = max_i32(6, s1 + p2 + 1);
            return decimal_adjusted(arena, p1 - s1 + s2 + s, s);
        case '%':
            return type_decimal(arena, min_i32(min_i32(p1 - s1, p2 - s2) + s, TYPE_DECIMAL_MAX), s,
                                false);
        default: return decimal_adjusted(arena, max_i32(p1 - s1, p2 - s2) + s + 1, s);
    }
}

static const Type *as_decimal(Arena *arena, const Type *type) {
    if (type->kind == TYPE_DECIMAL) return type;
    return type_decimal(arena, type_exact_precision(type), 0, type->nullable);
}

static const Type *with_null_of(Arena *arena, const Type *type, const Type *like) {
    return type_nullable(arena, type, like->nullable);
}

static Status refuse(const FuncCall *call, Error *err) {
    Buf given = {0};
    for (uint32_t i = 0; i < call->argc; i++) {
        if (i) buf_puts(&given, ", ");
        type_print_summary(call->arg[i], false, &given);
    }
    Status st = error_set(err, ST_VALIDATION, "cannot apply '%s' to " STR_FMT, call->func->name,
                          STR_ARG(buf_str(&given)));
    buf_free(&given);
    return st;
}

typedef bool (*DecimalApply)(i128, int32_t, i128, int32_t, int32_t, i128 *);

static Status bind_binary(FuncCall *call, char op, DecimalApply apply, const Kernel *kernels,
                          Error *err) {
    const Type *a = call->arg[0], *b = call->arg[1];
    if (!type_is_numeric(a) || !type_is_numeric(b)) return refuse(call, err);
    bool nullable = a->nullable || b->nullable;
    if (!type_is_approx(a) && !type_is_approx(b) &&
        (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL)) {
        const Type *result = decimal_result(call->arena, op, a, b);
        if (op == '%' && !type_exact_scale(a) && !type_exact_scale(b)) {
            if (b->kind != TYPE_DECIMAL) {
                call->result = type_nullable(call->arena, b, nullable);
                call->kernel = mod_decimal_kernel;
                return ST_OK;
            }
            result = b;  // of whole numbers, the divisor's type
        }
        // It may overflow to NULL even when typed NOT NULL: as in Flink, the sink finds out.
        call->result = type_nullable(call->arena, result, nullable);
        DecimalOp *bound = ARENA_NEW(call->arena, DecimalOp);
        *bound = (DecimalOp){apply, type_exact_scale(a), type_exact_scale(b), result->scale,
                             result->precision, op == '/' || op == '%'};
        call->bound = bound;
        call->arg[0] = as_decimal(call->arena, a);
        call->arg[1] = as_decimal(call->arena, b);
        call->kernel = decimal_kernel;
        return ST_OK;
    }
    if (op == '%') {
        if (type_is_approx(a) || type_is_approx(b)) return refuse(call, err);
        call->result = type_nullable(call->arena, b, nullable);
        call->kernel = mod_integer_kernel;
        return ST_OK;
    }
    const Type *common = type_common(call->arena, call->arg, 2);
    call->result = type_nullable(call->arena, common, nullable);
    call->arg[0] = with_null_of(call->arena, common, a);
    call->arg[1] = with_null_of(call->arena, common, b);
    call->kernel = kernels[type_phys(common)];
    return ST_OK;
}

static Status add_bind(FuncCall *call, Error *err) {
    return bind_binary(call, '+', decimal_add, add_kernels, err);
}
static Status sub_bind(FuncCall *call, Error *err) {
    return bind_binary(call, '-', decimal_sub, sub_kernels, err);
}
static Status mul_bind(FuncCall *call, Error *err) {
    return bind_binary(call, '*', decimal_mul, mul_kernels, err);
}
static Status div_bind(FuncCall *call, Error *err) {
    return bind_binary(call, '/', decimal_div, div_kernels, err);
}
static Status mod_bind(FuncCall *call, Error *err) {
    return bind_binary(call, '%', decimal_rem, NULL, err);
}
// Division that cannot fail, so that it needs no guarding by the executor.
static Status div_approx_bind(FuncCall *call, Error *err) {
    if (!type_is_approx(call->arg[0]) && !type_is_approx(call->arg[1])) return refuse(call, err);
    return div_bind(call, err);
}

// ---- signs
// ---------------------------------------------------------------------------------------

static bool is_signed(const Type *type) {
    return type_is_numeric(type) || type_is_interval(type);
}

static Status negate_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *in = args->arg[0];
    uint32_t rows = args->rows;
    switch (in->phys) {
        case PHYS_I128:
            for (uint32_t row = 0; row < rows; row++) vec_i128(out)[row] = -vec_i128(in)[row];
            break;
        case PHYS_F32:
            for (uint32_t row = 0; row < rows; row++) vec_f32(out)[row] = -vec_f32(in)[row];
            break;
        case PHYS_F64:
            for (uint32_t row = 0; row < rows; row++) vec_f64(out)[row] = -vec_f64(in)[row];
            break;
        default:
            for (uint32_t row = 0; row < rows; row++) {
                vec_set_integer(out, row, (int64_t)(0 - (uint64_t)vec_integer(in, row)));
            }
    }
    return ST_OK;
}

static Status same_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    uint32_t size = phys_size(out->phys);
    memcpy(out->data, args->arg[0]->data, (size_t)args->rows * size);
    return ST_OK;
}

static Status abs_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *in = args->arg[0];
    uint32_t rows = args->rows;
    switch (in->phys) {
        case PHYS_I128:
            for (uint32_t row = 0; row < rows; row++) {
                i128 value = vec_i128(in)[row];
                vec_i128(out)[row] = value < 0 ? -value : value;
            }
            break;
        case PHYS_F32:
            for (uint32_t row = 0; row < rows; row++) vec_f32(out)[row] = fabsf(vec_f32(in)[row]);
            break;
        case PHYS_F64:
            for (uint32_t row = 0; row < rows; row++) vec_f64(out)[row] = fabs(vec_f64(in)[row]);
            break;
        default:
            for (uint32_t row = 0; row < rows; row++) {
                int64_t value = vec_integer(in, row);  // the least one stays as it is: it wraps
                vec_set_integer(out, row, value < 0 ? (int64_t)(0 - (uint64_t)value) : value);
            }
    }
    return ST_OK;
}

static Status sign_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *in = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        switch (in->phys) {
            case PHYS_I128: {
                i128 value = vec_i128(in)[row], one;
                const Type *type = out->type;
                if (!decimal_rescale((value > 0) - (value < 0), 0, type->precision, type->scale,
                                     &one)) {
                    vec_set_null(out, row);
                } else {
                    vec_i128(out)[row] = one;
                }
                break;
            }
            case PHYS_F32: {
                float value = vec_f32(in)[row];
                vec_f32(out)[row] = value > 0 ? 1.f : value < 0 ? -1.f : value;
                break;
            }
            case PHYS_F64: {
                double value = vec_f64(in)[row];
                vec_f64(out)[row] = value > 0 ? 1. : value < 0 ? -1. : value;
                break;
            }
            default: {
                int64_t value = vec_integer(in, row);
                vec_set_integer(out, row, (value > 0) - (value < 0));
            }
        }
    }
    return ST_OK;
}

static Status sign_bind(FuncCall *call, Error *err) {
    const Type *type = call->arg[0];
    if (!is_signed(type)) return refuse(call, err);
    call->result = type;
    return ST_OK;
}
static Status number_sign_bind(FuncCall *call, Error *err) {
    if (!type_is_numeric(call->arg[0])) return refuse(call, err);
    return sign_bind(call, err);
}

static const ScalarFunc ARITH_FUNCS[] = {
    {.name = "+", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN, .bind = add_bind,
     .doc = "The sum. Integers wrap around; a DECIMAL that does not fit is NULL.",
     .example = "1.5 + 2", .gives = "3.5"},
    {.name = "-", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN, .bind = sub_bind,
     .doc = "The difference.", .example = "7 - 10", .gives = "-3"},
    {.name = "*", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN, .bind = mul_bind,
     .doc = "The product.", .example = "1.50 * 1.5", .gives = "2.250"},
    {.name = "/", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN, .bind = div_approx_bind,
     .doc = "The quotient; by zero it is Infinity or NaN.", .example = "5e0 / 2", .gives = "2.5"},
    {.name = "/", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN | FUNC_CAN_FAIL,
     .bind = div_bind,
     .doc = "The quotient; of integers an integer, towards zero. Division by zero is an error.",
     .example = "7 / 2", .gives = "3"},
    {.name = "%", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_HIDDEN | FUNC_CAN_FAIL,
     .bind = mod_bind, .doc = "The remainder, with the sign of the dividend.",
     .example = "-7 % 3", .gives = "-1"},
    {.name = "MOD", .args = {ARG_ANY, ARG_ANY}, .flags = FUNC_CAN_FAIL, .bind = mod_bind,
     .doc = "The remainder of a division of exact numbers, with the sign of the dividend.",
     .example = "MOD(7, 3)", .gives = "1"},
    {.name = "UNARY -", .args = {ARG_ANY}, .flags = FUNC_HIDDEN, .bind = sign_bind,
     .kernel = negate_kernel, .doc = "The number with its sign turned.", .example = "- (2 + 3)",
     .gives = "-5"},
    {.name = "UNARY +", .args = {ARG_ANY}, .flags = FUNC_HIDDEN, .bind = sign_bind,
     .kernel = same_kernel, .doc = "The number itself.", .example = "+5", .gives = "5"},
    {.name = "ABS", .args = {ARG_ANY}, .bind = number_sign_bind, .kernel = abs_kernel,
     .doc = "The absolute value of a number.", .example = "ABS(-1.25)",
     .gives = "1.25"},
    {.name = "SIGN", .args = {ARG_ANY}, .bind = number_sign_bind, .kernel = sign_kernel,
     .doc = "-1, 0 or 1 in the type of the number.", .example = "SIGN(-3.5)", .gives = "-1.0"},
};
const FuncTable ARITH_TABLE = FUNC_TABLE("Arithmetic", ARITH_FUNCS);
