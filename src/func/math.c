// Mathematical functions. Doubles go through libm, whose last digit may differ from Java's; the
// formulas are Flink's (SQRT is POWER(x, 0.5), LOG(b, x) is LN(x) / LN(b)).
#include <math.h>

#include "func/func.h"
#include "type/decimal.h"
#include "type/number.h"

static Status refuse_null(FuncCall *call, Error *err) {
    for (uint32_t i = 0; i < call->argc; i++) {
        if (call->arg[i]->kind == TYPE_NULL) {
            return error_set(err, ST_VALIDATION, "illegal use of NULL as an argument of '%s'",
                             call->func->name);
        }
    }
    return ST_OK;
}

// ---- of doubles
// ----------------------------------------------------------------------------------

static double square_root(double x) {
    return pow(x, 0.5);
}
static double log_base_2(double x) {
    return log(x) / log(2);
}
static double cotangent(double x) {
    return 1 / tan(x);
}
static double to_degrees(double x) {
    return x * (180 / M_PI);
}
static double to_radians(double x) {
    return x * (M_PI / 180);
}
static double log_of_base(double base, double x) {
    return log(x) / log(base);
}

// A NULL slot must stay zero, and EXP(0) is not.
#define MAP_KERNEL(name, function)                                                         \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {                     \
        (void)err;                                                                         \
        const double *x = vec_f64(args->arg[0]);                                           \
        double *result = vec_f64(out);                                                     \
        for (uint32_t row = 0; row < args->rows; row++) {                                  \
            if (kernel_row_valid(args, row)) result[row] = function(x[row]);               \
        }                                                                                  \
        return ST_OK;                                                                      \
    }
#define MAP2_KERNEL(name, function)                                                        \
    static Status name(const KernelArgs *args, Vec *out, Error *err) {                     \
        (void)err;                                                                         \
        const double *x = vec_f64(args->arg[0]), *y = vec_f64(args->arg[1]);               \
        double *result = vec_f64(out);                                                     \
        for (uint32_t row = 0; row < args->rows; row++) {                                  \
            if (kernel_row_valid(args, row)) result[row] = function(x[row], y[row]);       \
        }                                                                                  \
        return ST_OK;                                                                      \
    }
MAP_KERNEL(sqrt_kernel, square_root)
MAP_KERNEL(exp_kernel, exp)
MAP_KERNEL(ln_kernel, log)
MAP_KERNEL(log10_kernel, log10)
MAP_KERNEL(log2_kernel, log_base_2)
MAP_KERNEL(sin_kernel, sin)
MAP_KERNEL(cos_kernel, cos)
MAP_KERNEL(tan_kernel, tan)
MAP_KERNEL(cot_kernel, cotangent)
MAP_KERNEL(asin_kernel, asin)
MAP_KERNEL(acos_kernel, acos)
MAP_KERNEL(atan_kernel, atan)
MAP_KERNEL(sinh_kernel, sinh)
MAP_KERNEL(cosh_kernel, cosh)
MAP_KERNEL(tanh_kernel, tanh)
MAP_KERNEL(degrees_kernel, to_degrees)
MAP_KERNEL(radians_kernel, to_radians)
MAP2_KERNEL(atan2_kernel, atan2)
MAP2_KERNEL(log_base_kernel, log_of_base)

// Java's pow: NaN to the power 0 is 1 as in C, but 1 to the power NaN or Infinity is NaN.
static double power(double x, double y) {
    if (isnan(y) || (fabs(x) == 1 && isinf(y))) return NAN;
    return pow(x, y);
}
MAP2_KERNEL(power_kernel, power)

static Status constant_kernel(const KernelArgs *args, Vec *out, double value) {
    for (uint32_t row = 0; row < args->rows; row++) vec_f64(out)[row] = value;
    return ST_OK;
}
static Status pi_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return constant_kernel(args, out, M_PI);
}
static Status e_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    return constant_kernel(args, out, M_E);
}

// ---- rounding
// ------------------------------------------------------------------------------------

typedef enum Rounding { ROUND_HALF_UP, ROUND_DOWN, ROUND_FLOOR, ROUND_CEILING } Rounding;

// value * 10^-drop as a whole number.
static i128 decimal_drop(i128 value, int32_t drop, Rounding how) {
    if (drop > DECIMAL_DIGITS_MAX) {  // less than one half of the unit
        if (how == ROUND_FLOOR) return value < 0 ? -1 : 0;
        if (how == ROUND_CEILING) return value > 0;
        return 0;
    }
    i128 by = decimal_pow10(drop), whole = value / by, rest = value % by;
    switch (how) {
        case ROUND_HALF_UP: {
            i128 size = rest < 0 ? -rest : rest;
            if (size >= by - size) whole += value < 0 ? -1 : 1;
            break;
        }
        case ROUND_FLOOR: whole -= rest < 0; break;
        case ROUND_CEILING: whole += rest > 0; break;
        case ROUND_DOWN: break;
    }
    return whole;
}

// To [places] decimals (negative: tens, hundreds …), then brought to the scale of [to]; false when
// that does not fit.
static bool round_decimal(i128 value, int32_t scale, int32_t places, Rounding how, const Type *to,
                          i128 *out) {
    if (places < scale) {
        int64_t drop = (int64_t)scale - places;
        value = decimal_drop(
            value, drop > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX + 1 : (int32_t)drop, how);
        scale = places;
    }
    if (value == 0) return *out = 0, true;
    if (scale < -DECIMAL_DIGITS_MAX) return false;
    return decimal_rescale(value, scale, to->precision, to->scale, out);
}

// Of integers: by way of an exact decimal, then wrapped into the type, as BigDecimal.intValue.
static int64_t round_integer(int64_t value, int32_t places, Rounding how) {
    if (places >= 0) return value;
    if (places < -19) return 0;
    i128 whole = decimal_drop(value, -places, how) * decimal_pow10(-places);
    return (int64_t)(uint64_t)whole;
}

// Of doubles: the decimal that Double.toString prints is rounded, so 2.675 becomes 2.68 although
// the double lies below it. Truncating keeps at most 18 decimals.
static double round_double(double value, int32_t places, Rounding how) {
    enum { PLACES_MAX = 400, TRUNCATE_PLACES_MAX = 18 };
    if (!isfinite(value) || value == 0) return value;
    if (how == ROUND_DOWN && places > TRUNCATE_PLACES_MAX) places = TRUNCATE_PLACES_MAX;
    if (places > PLACES_MAX) return value;
    if (places < -PLACES_MAX) places = -PLACES_MAX;
    char text[NUMBER_TEXT_MAX];
    uint32_t len = f64_print(value, text);
    int64_t digits = 0;
    int32_t scale = 0, exponent = 0;
    bool negative = text[0] == '-', point = false;
    for (uint32_t i = negative; i < len; i++) {
        if (text[i] == '.') {
            point = true;
        } else if (text[i] == 'E') {
            int64_t read = 0;
            (void)i64_parse(str_make(text + i + 1, len - i - 1), &read);
            exponent = (int32_t)read;
            break;
        } else {
            digits = digits * 10 + (text[i] - '0');  // at most 18
            scale += point;
        }
    }
    scale -= exponent;
    if (places >= scale) return value;
    i128 whole = decimal_drop(digits, scale - places > DECIMAL_DIGITS_MAX ? DECIMAL_DIGITS_MAX + 1
                                                                          : scale - places,
                              how);
    char rounded[64];
    uint32_t at = i64_print((int64_t)whole, rounded);
    rounded[at++] = 'E';
    at += i64_print(-(int64_t)places, rounded + at);
    double result = 0;
    (void)f64_parse(str_make(rounded, at), &result);
    return negative && result != 0 ? -result : result;
}

static Status round_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Rounding *how = args->call->bound;
    const Vec *in = args->arg[0];
    const int32_t *places = args->argc > 1 ? vec_i32(args->arg[1]) : NULL;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        int32_t to = places ? places[row] : 0;
        switch (in->phys) {
            case PHYS_I128:
                if (!round_decimal(vec_i128(in)[row], in->type->scale, to, *how, out->type,
                                   &vec_i128(out)[row])) {
                    vec_set_null(out, row);
                }
                break;
            case PHYS_F32:
            case PHYS_F64: {
                double value = in->phys == PHYS_F32 ? vec_f32(in)[row] : vec_f64(in)[row];
                if (!isfinite(value) && *how == ROUND_HALF_UP) {
                    return error_set(err, ST_RUNTIME, "cannot round a number that is not finite");
                }
                value = round_double(value, to, *how);
                if (in->phys == PHYS_F32) {
                    vec_f32(out)[row] = (float)value;
                } else {
                    vec_f64(out)[row] = value;
                }
                break;
            }
            default: vec_set_integer(out, row, round_integer(vec_integer(in, row), to, *how));
        }
    }
    return ST_OK;
}

// DECIMAL(p, s) to r decimals has room for the digit that rounding up may bring.
static const Type *round_type(FuncCall *call) {
    const Type *type = call->arg[0];
    if (type->kind != TYPE_DECIMAL) return type;
    int32_t places = 0;
    if (call->argc > 1) {
        const Vec *literal = call->literal ? call->literal[1] : NULL;
        if (!literal || vec_is_null(literal, 0) || literal->phys == PHYS_NONE) return type;
        places = (int32_t)vec_integer(literal, 0);
    }
    if (places >= type->scale) return type;
    if (places < 0) places = 0;
    int32_t precision = 1 + type->precision - type->scale + places;
    if (precision > TYPE_DECIMAL_MAX) precision = TYPE_DECIMAL_MAX;
    return type_decimal(call->arena, precision, places, false);
}

static Status round_bind_as(FuncCall *call, Rounding rounding, Error *err) {
    TRY(refuse_null(call, err));
    bool nullable = call->arg[0]->nullable;
    if (call->argc > 1) {
        nullable |= call->arg[1]->nullable;
        if (call->arg[1]->kind == TYPE_BIGINT) {
            return error_set(err, ST_VALIDATION, "the decimals of '%s' are an INT",
                             call->func->name);
        }
    }
    const Type *result = round_type(call);
    if (call->argc > 1) call->arg[1] = type_of(TYPE_INT, call->arg[1]->nullable);
    Rounding *bound = ARENA_NEW(call->arena, Rounding);
    *bound = rounding;
    call->bound = bound;
    call->result = type_nullable(call->arena, result, nullable);
    return ST_OK;
}
static Status round_bind(FuncCall *call, Error *err) {
    return round_bind_as(call, ROUND_HALF_UP, err);
}
static Status truncate_bind(FuncCall *call, Error *err) {
    return round_bind_as(call, ROUND_DOWN, err);
}

static Status whole_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Rounding *how = args->call->bound;
    bool up = *how == ROUND_CEILING;
    const Vec *in = args->arg[0];
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        switch (in->phys) {
            case PHYS_I128:
                if (!round_decimal(vec_i128(in)[row], in->type->scale, 0, *how, out->type,
                                   &vec_i128(out)[row])) {
                    vec_set_null(out, row);
                }
                break;
            case PHYS_F32: {
                float value = vec_f32(in)[row];
                vec_f32(out)[row] = up ? ceilf(value) : floorf(value);
                break;
            }
            case PHYS_F64: {
                double value = vec_f64(in)[row];
                vec_f64(out)[row] = up ? ceil(value) : floor(value);
                break;
            }
            default: vec_set_integer(out, row, vec_integer(in, row));
        }
    }
    return ST_OK;
}

static Status whole_bind_as(FuncCall *call, Rounding rounding, Error *err) {
    TRY(refuse_null(call, err));
    const Type *type = call->arg[0];
    Rounding *bound = ARENA_NEW(call->arena, Rounding);
    *bound = rounding;
    call->bound = bound;
    call->result = type->kind == TYPE_DECIMAL
                       ? type_decimal(call->arena, type->precision, 0, type->nullable)
                       : type;
    return ST_OK;
}
static Status ceil_bind(FuncCall *call, Error *err) {
    return whole_bind_as(call, ROUND_CEILING, err);
}
static Status floor_bind(FuncCall *call, Error *err) {
    return whole_bind_as(call, ROUND_FLOOR, err);
}

// ---- random
// --------------------------------------------------------------------------------------

// java.util.Random: a linear congruential generator of 48 bits (Knuth 3.2.1).
typedef struct JavaRandom {
    uint64_t seed;
} JavaRandom;

static JavaRandom java_random(int64_t seed) {
    return (JavaRandom){((uint64_t)seed ^ 0x5DEECE66Du) & (((uint64_t)1 << 48) - 1)};
}
static int32_t java_random_next(JavaRandom *random, uint32_t bits) {
    random->seed = (random->seed * 0x5DEECE66Du + 0xBu) & (((uint64_t)1 << 48) - 1);
    return (int32_t)(uint32_t)(random->seed >> (48 - bits));
}
static double java_random_double(JavaRandom *random) {
    int64_t high = (int64_t)java_random_next(random, 26) << 27;
    int64_t low = java_random_next(random, 27);
    return (double)(high + low) * 0x1p-53;
}
static int32_t java_random_below(JavaRandom *random, int32_t bound) {
    int32_t bits = java_random_next(random, 31);
    if ((bound & (bound - 1)) == 0) return (int32_t)((int64_t)bound * bits >> 31);
    // Draws of the last, incomplete run of [bound] numbers are thrown away.
    int32_t value = bits % bound;
    while ((int32_t)((uint32_t)bits - (uint32_t)value + (uint32_t)bound - 1) < 0) {
        bits = java_random_next(random, 31);
        value = bits % bound;
    }
    return value;
}

static JavaRandom random_of(const KernelArgs *args, const Vec *seed, uint32_t row) {
    if (seed) return java_random(vec_i32(seed)[row]);
    return java_random((int64_t)args->env->random(args->env->random_arg));
}

static Status rand_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const Vec *seed = args->argc ? args->arg[0] : NULL;
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        JavaRandom random = random_of(args, seed, row);
        vec_f64(out)[row] = java_random_double(&random);
    }
    return ST_OK;
}

static Status rand_integer_kernel(const KernelArgs *args, Vec *out, Error *err) {
    const Vec *seed = args->argc > 1 ? args->arg[0] : NULL;
    const int32_t *bound = vec_i32(args->arg[args->argc - 1]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        if (bound[row] <= 0) {
            return error_set(err, ST_RUNTIME,
                             "the bound of RAND_INTEGER is %d: it must be positive", bound[row]);
        }
        JavaRandom random = random_of(args, seed, row);
        vec_i32(out)[row] = java_random_below(&random, bound[row]);
    }
    return ST_OK;
}

static Status uuid_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    for (uint32_t row = 0; row < args->rows; row++) {
        uint64_t high = args->env->random(args->env->random_arg);
        uint64_t low = args->env->random(args->env->random_arg);
        high = (high & ~(uint64_t)0xF000) | 0x4000;             // version 4: random
        low = (low & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62;  // RFC 4122
        enum { UUID_LENGTH = 36 };
        char *text = vec_text_room(out, UUID_LENGTH);
        static const char HEX[] = "0123456789abcdef";
        for (uint32_t i = 0, digit = 0; i < UUID_LENGTH; i++) {
            if (i == 8 || i == 13 || i == 18 || i == 23) {
                text[i] = '-';
                continue;
            }
            uint64_t word = digit < 16 ? high : low;
            text[i] = HEX[word >> (60 - 4 * (digit & 15)) & 15];
            digit++;
        }
        vec_str(out)[row] = str_make(text, UUID_LENGTH);
    }
    return ST_OK;
}

static Status uuid_bind(FuncCall *call, Error *err) {
    (void)err;
    call->result = type_char(call->arena, 36, false);
    return ST_OK;
}

static Status bin_kernel(const KernelArgs *args, Vec *out, Error *err) {
    (void)err;
    const int64_t *in = vec_i64(args->arg[0]);
    for (uint32_t row = 0; row < args->rows; row++) {
        if (!kernel_row_valid(args, row)) continue;
        uint64_t value = (uint64_t)in[row];
        uint32_t digits = value ? 64 - (uint32_t)__builtin_clzll(value) : 1;
        char *text = vec_text_room(out, digits);
        for (uint32_t i = 0; i < digits; i++) {
            text[i] = (char)('0' + (value >> (digits - 1 - i) & 1));
        }
        vec_str(out)[row] = str_make(text, digits);
    }
    return ST_OK;
}

#define OF_DOUBLE(symbol, run, what, ...)                                                  \
    {.name = (symbol), .args = {ARG_DOUBLE}, .result = RESULT_DOUBLE, .bind = refuse_null, \
     .kernel = (run), .doc = (what), __VA_ARGS__}

// Two DECIMALs or none: Flink knows no ATAN2 of one beside another number.
static Status atan2_bind(FuncCall *call, Error *err) {
    TRY(refuse_null(call, err));
    bool first = call->arg[0]->kind == TYPE_DECIMAL, second = call->arg[1]->kind == TYPE_DECIMAL;
    if (first != second) {
        return error_set(err, ST_VALIDATION, "ATAN2 takes two DECIMALs or none; cast one of them");
    }
    for (uint32_t i = 0; i < 2; i++) call->arg[i] = type_of(TYPE_DOUBLE, call->arg[i]->nullable);
    return ST_OK;
}

static const ScalarFunc MATH_FUNCS[] = {
    OF_DOUBLE("SQRT", sqrt_kernel, "The square root; NaN of a negative number.",
              .example = "SQRT(2.25)", .gives = "1.5"),
    OF_DOUBLE("EXP", exp_kernel, "e to the power of the number.", .example = "EXP(0)",
              .gives = "1.0"),
    OF_DOUBLE("LN", ln_kernel, "The natural logarithm.", .example = "LN(1)", .gives = "0.0"),
    OF_DOUBLE("LOG10", log10_kernel, "The logarithm to the base 10.", .example = "LOG10(1000)",
              .gives = "3.0"),
    OF_DOUBLE("LOG2", log2_kernel, "The logarithm to the base 2.", .example = "LOG2(8)",
              .gives = "3.0"),
    OF_DOUBLE("LOG", ln_kernel, "The natural logarithm, or to a base given first.",
              .example = "LOG(1)", .gives = "0.0"),
    {.name = "LOG",
     .args = {ARG_DOUBLE, ARG_DOUBLE},
     .result = RESULT_DOUBLE,
     .bind = refuse_null,
     .kernel = log_base_kernel,
     .doc = "The logarithm of the second number to the base of the first.",
     .example = "LOG(2, 1024)",
     .gives = "10.0"},
    {.name = "POWER",
     .args = {ARG_DOUBLE, ARG_DOUBLE},
     .result = RESULT_DOUBLE,
     .bind = refuse_null,
     .kernel = power_kernel,
     .doc = "The first number to the power of the second.",
     .example = "POWER(2, 10)",
     .gives = "1024.0"},
    OF_DOUBLE("SIN", sin_kernel, "The sine.", .example = "SIN(0)", .gives = "0.0"),
    OF_DOUBLE("COS", cos_kernel, "The cosine.", .example = "COS(0)", .gives = "1.0"),
    OF_DOUBLE("TAN", tan_kernel, "The tangent.", .example = "TAN(0)", .gives = "0.0"),
    OF_DOUBLE("COT", cot_kernel, "The cotangent.", .example = "COT(0)", .gives = "Infinity"),
    OF_DOUBLE("ASIN", asin_kernel, "The arc sine.", .example = "ASIN(0)", .gives = "0.0"),
    OF_DOUBLE("ACOS", acos_kernel, "The arc cosine.", .example = "ACOS(1)", .gives = "0.0"),
    OF_DOUBLE("ATAN", atan_kernel, "The arc tangent.", .example = "ATAN(0)", .gives = "0.0"),
    {.name = "ATAN2",
     .args = {ARG_NUMERIC, ARG_NUMERIC},
     .result = RESULT_DOUBLE,
     .bind = atan2_bind,
     .kernel = atan2_kernel,
     .doc = "The angle of the point (second, first).",
     .example = "ATAN2(0, 1)",
     .gives = "0.0"},
    OF_DOUBLE("SINH", sinh_kernel, "The hyperbolic sine.", .example = "SINH(0)", .gives = "0.0"),
    OF_DOUBLE("COSH", cosh_kernel, "The hyperbolic cosine.", .example = "COSH(0)", .gives = "1.0"),
    OF_DOUBLE("TANH", tanh_kernel, "The hyperbolic tangent.", .example = "TANH(0)", .gives = "0.0"),
    OF_DOUBLE("DEGREES", degrees_kernel, "Degrees of an angle in radians.",
              .example = "DEGREES(PI())", .gives = "180.0"),
    OF_DOUBLE("RADIANS", radians_kernel, "Radians of an angle in degrees.",
              .example = "RADIANS(180)", .gives = "3.141592653589793"),
    {.name = "PI",
     .result = RESULT_DOUBLE,
     .result_null = RESULT_NULL_NEVER,
     .kernel = pi_kernel,
     .doc = "The number pi.",
     .example = "PI()",
     .gives = "3.141592653589793"},
    {.name = "E",
     .result = RESULT_DOUBLE,
     .result_null = RESULT_NULL_NEVER,
     .kernel = e_kernel,
     .doc = "The base of the natural logarithm.",
     .example = "E()",
     .gives = "2.718281828459045"},
    {.name = "CEIL",
     .alias = {"CEILING"},
     .args = {ARG_NUMERIC},
     .bind = ceil_bind,
     .kernel = whole_kernel,
     .doc = "The least whole number not below the number.",
     .example = "CEIL(1.2)",
     .gives = "2"},
    {.name = "FLOOR",
     .args = {ARG_NUMERIC},
     .bind = floor_bind,
     .kernel = whole_kernel,
     .doc = "The greatest whole number not above the number.",
     .example = "FLOOR(-1.2)",
     .gives = "-2"},
    {.name = "ROUND",
     .args = {ARG_NUMERIC, ARG_INTEGER},
     .argc_min = 1,
     .argc_max = 2,
     .flags = FUNC_CAN_FAIL,
     .bind = round_bind,
     .kernel = round_kernel,
     .doc = "The number rounded half up to some decimals (none when not given).",
     .example = "ROUND(2.675, 2)",
     .gives = "2.68"},
    {.name = "TRUNCATE",
     .args = {ARG_NUMERIC, ARG_INTEGER},
     .argc_min = 1,
     .argc_max = 2,
     .bind = truncate_bind,
     .kernel = round_kernel,
     .doc = "The number cut off after some decimals (none when not given).",
     .example = "TRUNCATE(-1.999, 2)",
     .gives = "-1.99"},
    {.name = "RAND",
     .result = RESULT_DOUBLE,
     .result_null = RESULT_NULL_NEVER,
     .flags = FUNC_NONDETERMINISTIC,
     .kernel = rand_kernel,
     .doc = "A random number from 0 to below 1."},
    {.name = "RAND",
     .args = {ARG_INT},
     .result = RESULT_DOUBLE,
     .bind = refuse_null,
     .kernel = rand_kernel,
     .doc = "The first random number that java.util.Random gives for a seed.",
     .example = "RAND(42)",
     .gives = "0.7275636800328681"},
    {.name = "RAND_INTEGER",
     .args = {ARG_INT},
     .result = RESULT_INT,
     .flags = FUNC_NONDETERMINISTIC | FUNC_CAN_FAIL,
     .bind = refuse_null,
     .kernel = rand_integer_kernel,
     .doc = "A random whole number from 0 to below the bound."},
    {.name = "RAND_INTEGER",
     .args = {ARG_INT, ARG_INT},
     .result = RESULT_INT,
     .flags = FUNC_CAN_FAIL,
     .bind = refuse_null,
     .kernel = rand_integer_kernel,
     .doc = "The first random whole number below a bound for a seed.",
     .example = "RAND_INTEGER(1, 100)",
     .gives = "85"},
    {.name = "UUID",
     .flags = FUNC_NONDETERMINISTIC,
     .bind = uuid_bind,
     .kernel = uuid_kernel,
     .doc = "A random UUID (RFC 4122, version 4)."},
    {.name = "BIN",
     .args = {ARG_BIGINT},
     .result = RESULT_STRING,
     .bind = refuse_null,
     .kernel = bin_kernel,
     .doc = "The binary digits of a whole number, in two's complement.",
     .example = "BIN(10)",
     .gives = "1010"},
};
const FuncTable MATH_TABLE = FUNC_TABLE("Mathematics", MATH_FUNCS);
