// ml/pmml/func.c - the built-in functions of PMML 4.4, a row each.
//
// Arithmetic on integers stays there, division too. What has no answer (a division by zero among
// integers) is NaN, which the <Apply> around treats as invalid.
#include "ml/pmml/func.h"

#include <math.h>
#include <stdlib.h>

#include "ml/pmml/func_text.h"
#include "type/datetime.h"

enum {
    F_ADD, F_SUBTRACT, F_MULTIPLY, F_DIVIDE, F_MODULO, F_POW, F_THRESHOLD,
    F_MIN, F_MAX, F_SUM, F_AVG, F_PRODUCT, F_MEDIAN,
    F_LOG10, F_LN, F_LN1P, F_EXP, F_EXPM1, F_SQRT, F_ABS, F_RINT, F_FLOOR, F_CEIL, F_ROUND,
    F_SIN, F_COS, F_TAN, F_ASIN, F_ACOS, F_ATAN, F_SINH, F_COSH, F_TANH, F_ATAN2, F_HYPOT, F_ERF,
    F_NORMAL_CDF, F_NORMAL_PDF, F_NORMAL_IDF,
    F_IS_MISSING, F_IS_NOT_MISSING, F_IS_VALID, F_IS_NOT_VALID,
    F_EQUAL, F_NOT_EQUAL, F_LESS, F_LESS_OR_EQUAL, F_GREATER, F_GREATER_OR_EQUAL,
    F_AND, F_OR, F_IN, F_NOT_IN,
    F_DAYS_SINCE, F_SECONDS_SINCE, F_SECONDS_SINCE_MIDNIGHT,
};

static bool whole(Value v) {
    return v.type == PT_INTEGER || v.type == PT_DAYS || v.type == PT_SECONDS;
}

static PmmlType common(Value a, Value b) {
    if (whole(a) && whole(b)) return PT_INTEGER;
    if ((a.type == PT_FLOAT || whole(a)) && (b.type == PT_FLOAT || whole(b))) return PT_FLOAT;
    return PT_DOUBLE;
}

static Value number(double x, PmmlType type) {
    return value_number(type == PT_FLOAT ? (double)(float)x : x, type);
}

static Value arithmetic(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row;
    double x = value_as_number(arg[0]);
    if (args == 1) return number(self->op == F_SUBTRACT ? -x : x, (PmmlType)arg[0].type);
    double y = value_as_number(arg[1]), z = 0;
    PmmlType type = common(arg[0], arg[1]);
    switch (self->op) {
        case F_ADD: z = x + y; break;
        case F_SUBTRACT: z = x - y; break;
        case F_MULTIPLY: z = x * y; break;
        case F_DIVIDE:
            z = type == PT_INTEGER && y == 0 ? (double)NAN : x / y;
            if (type == PT_INTEGER) z = trunc(z);
            break;
        case F_MODULO: z = y == 0 && type == PT_INTEGER ? (double)NAN : x - floor(x / y) * y; break;
        case F_POW: z = pow(x, y); break;
        default: z = x > y; break;
    }
    return number(z, type);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(Row *row, const Value *arg, uint32_t args) {
    double *x = ROW_ARRAY(row, double, args);
    uint32_t count = 0;
    for (uint32_t i = 0; i < args; i++) {
        if (!is_missing(arg[i])) x[count++] = value_as_number(arg[i]);
    }
    qsort(x, count, sizeof *x, by_size);
    return count % 2 ? x[count / 2] : (x[count / 2 - 1] + x[count / 2]) / 2;
}

static Value statistic(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    double sum = 0, product = 1, least = INFINITY, most = -INFINITY;
    uint32_t count = 0;
    Value type = MISSING;
    for (uint32_t i = 0; i < args; i++) {
        if (is_missing(arg[i])) continue;
        double x = value_as_number(arg[i]);
        sum += x, product *= x, least = fmin(least, x), most = fmax(most, x);
        if (isnan(x)) least = most = x;
        type.type = (uint8_t)(count++ ? common(type, arg[i]) : arg[i].type);
    }
    if (count == 0) return MISSING;
    switch (self->op) {
        case F_MIN: return number(least, (PmmlType)type.type);
        case F_MAX: return number(most, (PmmlType)type.type);
        case F_SUM: return number(sum, (PmmlType)type.type);
        case F_PRODUCT: return number(product, (PmmlType)type.type);
        case F_AVG: return number(sum / count, type.type == PT_FLOAT ? PT_FLOAT : PT_DOUBLE);
        default: return value_double(median(row, arg, args));
    }
}

static double round_half_up(double x) {  // as Java's Math.round
    return floor(x + 0.5);
}

static Value of_number(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row, (void)args;
    double x = value_as_number(arg[0]);
    PmmlType type = (PmmlType)arg[0].type;
    switch (self->op) {
        case F_LOG10: return value_double(log10(x));
        case F_LN: return value_double(log(x));
        case F_LN1P: return value_double(log1p(x));
        case F_EXP: return value_double(exp(x));
        case F_EXPM1: return value_double(expm1(x));
        case F_SQRT: return value_double(sqrt(x));
        case F_ABS: return number(fabs(x), type);
        case F_RINT: return number(rint(x), type);
        case F_FLOOR: return value_number(floor(x), PT_INTEGER);
        case F_CEIL: return value_number(ceil(x), PT_INTEGER);
        case F_ROUND: return value_number(round_half_up(x), PT_INTEGER);
        case F_SIN: return value_double(sin(x));
        case F_COS: return value_double(cos(x));
        case F_TAN: return value_double(tan(x));
        case F_ASIN: return value_double(asin(x));
        case F_ACOS: return value_double(acos(x));
        case F_ATAN: return value_double(atan(x));
        case F_SINH: return value_double(sinh(x));
        case F_COSH: return value_double(cosh(x));
        case F_TANH: return value_double(tanh(x));
        default: return value_double(erf(x));
    }
}

static Value of_two(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row, (void)args;
    double x = value_as_number(arg[0]), y = value_as_number(arg[1]);
    return value_double(self->op == F_HYPOT ? hypot(x, y) : atan2(x, y));
}

// The inverse of the normal distribution: Acklam's rational approximation, then two of Halley's
// steps, which is all that a double holds.
static double normal_inverse(double p) {
    static const double A[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double B[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double C[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double D[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    if (!(p > 0) || !(p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : (double)NAN;
    double x;
    if (p > 0.02425 && p < 1 - 0.02425) {
        double q = p - 0.5, r = q * q;
        x = (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q /
            (((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1);
    } else {
        double q = sqrt(-2 * log(p < 0.5 ? p : 1 - p));
        x = (((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5]) /
            ((((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1);
        if (p > 0.5) x = -x;
    }
    for (int i = 0; i < 2; i++) {
        double e = 0.5 * erfc(-x / M_SQRT2) - p, u = e * sqrt(2 * M_PI) * exp(x * x / 2);
        x -= u / (1 + x * u / 2);
    }
    return x;
}

static Value normal(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row;
    double x = value_as_number(arg[0]);
    double mean = args == 3 ? value_as_number(arg[1]) : 0;
    double deviation = args == 3 ? value_as_number(arg[2]) : 1;
    if (self->op == F_NORMAL_IDF) return value_double(normal_inverse(x) * deviation + mean);
    double z = (x - mean) / deviation;
    if (self->op == F_NORMAL_CDF) return value_double(0.5 * erfc(-z / M_SQRT2));
    return value_double(exp(-z * z / 2) / (deviation * sqrt(2 * M_PI)));
}

static bool is_invalid(Value v) {
    return v.invalid || (type_is_number((PmmlType)v.type) && !v.list && isnan(v.number));
}

static Value about(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row, (void)args;
    bool missing = is_missing(arg[0]), invalid = !missing && is_invalid(arg[0]);
    switch (self->op) {
        case F_IS_MISSING: return value_bool(missing);
        case F_IS_NOT_MISSING: return value_bool(!missing);
        case F_IS_VALID: return value_bool(!missing && !invalid);
        default: return value_bool(invalid);
    }
}

// As the first one's type has the second.
static Value alike(Value with, Value other) {
    Value cast;
    if (other.type != PT_STRING || with.type == PT_STRING || other.list) return other;
    return value_parse(other.text, (DataType){.type = with.type}, &cast) ? cast : other;
}

static Value compared(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)args;
    Value a = arg[0], b = alike(arg[0], arg[1]);
    if (a.type == PT_FLOAT && !b.list) b.number = (double)(float)b.number;
    if (a.type == PT_STRING && b.type != PT_STRING) b = value_text(value_str(b, row->arena));
    if (self->op == F_EQUAL) return value_bool(value_eq(a, b));
    if (self->op == F_NOT_EQUAL) return value_bool(!value_eq(a, b));
    int order = value_cmp(a, b);
    return value_bool(self->op == F_LESS            ? order < 0
                      : self->op == F_LESS_OR_EQUAL ? order <= 0
                      : self->op == F_GREATER       ? order > 0
                                                    : order >= 0);
}

static bool truth(Value v) {
    return v.type == PT_STRING ? str_eq_nocase(v.text, STR("true")) : v.number != 0;
}

static Value logical(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row;
    bool missing = false;
    for (uint32_t i = 0; i < args; i++) {
        missing |= is_missing(arg[i]);
        if (!is_missing(arg[i]) && truth(arg[i]) == (self->op == F_OR))
            return value_bool(self->op == F_OR);
    }
    return missing ? MISSING : value_bool(self->op == F_AND);
}

static Value negated(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row, (void)self, (void)args;
    return value_bool(!truth(arg[0]));
}

static Value member(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row;
    bool found = false;
    for (uint32_t i = 1; i < args && !found; i++) found = value_eq(arg[0], alike(arg[0], arg[i]));
    return value_bool(found == (self->op == F_IN));
}

static bool as_type(Row *row, Value v, PmmlType type, double *out) {
    Value cast;
    if (!value_cast(v, (DataType){.type = (uint8_t)type}, row->arena, &cast)) return false;
    *out = cast.number;
    return true;
}

static Value moment(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    double x, year = args > 1 ? value_as_number(arg[1]) : 0;
    if (!(year >= 0 && year <= 9999)) row_fail(row, "%s: a year that is none", self->name);
    double epoch = args > 1 ? days_from_civil((int32_t)year, 1, 1) : 0;
    if (self->op == F_DAYS_SINCE) {
        if (as_type(row, arg[0], PT_DATE, &x)) return value_number(x - epoch, PT_INTEGER);
        if (as_type(row, arg[0], PT_DATE_TIME, &x)) {
            return value_number(floor(x / 86400) - epoch, PT_INTEGER);
        }
    } else if (self->op == F_SECONDS_SINCE) {
        if (as_type(row, arg[0], PT_DATE_TIME, &x)) {
            return value_number(floor(x) - epoch * 86400, PT_INTEGER);
        }
    } else if (as_type(row, arg[0], PT_TIME, &x)) {
        return value_number(floor(x), PT_INTEGER);
    } else if (as_type(row, arg[0], PT_DATE_TIME, &x)) {
        return value_number(floor(x) - floor(x / 86400) * 86400, PT_INTEGER);
    }
    row_fail(row, "%s: '" STR_FMT "' is no date or time", self->name,
             STR_ARG(value_str(arg[0], row->arena)));
}

static Value unreached(Row *row, const Builtin *self, const Value *arg, uint32_t args) {
    (void)row, (void)self, (void)arg, (void)args;
    return MISSING;
}

enum { ANY = 255 };

static const Builtin BUILTINS[] = {
    {"+", arithmetic, 1, 2, F_ADD, false, PT_NONE, false},
    {"-", arithmetic, 1, 2, F_SUBTRACT, false, PT_NONE, false},
    {"*", arithmetic, 2, 2, F_MULTIPLY, false, PT_NONE, false},
    {"/", arithmetic, 2, 2, F_DIVIDE, false, PT_NONE, false},
    {"modulo", arithmetic, 2, 2, F_MODULO, false, PT_NONE, false},
    {"x-modulo", arithmetic, 2, 2, F_MODULO, false, PT_NONE, false},
    {"pow", arithmetic, 2, 2, F_POW, false, PT_NONE, false},
    {"threshold", arithmetic, 2, 2, F_THRESHOLD, false, PT_NONE, false},
    {"min", statistic, 1, ANY, F_MIN, true, PT_NONE, false},
    {"max", statistic, 1, ANY, F_MAX, true, PT_NONE, false},
    {"sum", statistic, 1, ANY, F_SUM, true, PT_NONE, false},
    {"avg", statistic, 1, ANY, F_AVG, true, PT_DOUBLE, false},
    {"product", statistic, 1, ANY, F_PRODUCT, true, PT_NONE, false},
    {"median", statistic, 1, ANY, F_MEDIAN, true, PT_DOUBLE, false},
    {"log10", of_number, 1, 1, F_LOG10, false, PT_DOUBLE, false},
    {"ln", of_number, 1, 1, F_LN, false, PT_DOUBLE, false},
    {"ln1p", of_number, 1, 1, F_LN1P, false, PT_DOUBLE, false},
    {"x-ln1p", of_number, 1, 1, F_LN1P, false, PT_DOUBLE, false},
    {"exp", of_number, 1, 1, F_EXP, false, PT_DOUBLE, false},
    {"expm1", of_number, 1, 1, F_EXPM1, false, PT_DOUBLE, false},
    {"x-expm1", of_number, 1, 1, F_EXPM1, false, PT_DOUBLE, false},
    {"sqrt", of_number, 1, 1, F_SQRT, false, PT_DOUBLE, false},
    {"abs", of_number, 1, 1, F_ABS, false, PT_NONE, false},
    {"rint", of_number, 1, 1, F_RINT, false, PT_NONE, false},
    {"x-rint", of_number, 1, 1, F_RINT, false, PT_NONE, false},
    {"floor", of_number, 1, 1, F_FLOOR, false, PT_INTEGER, false},
    {"ceil", of_number, 1, 1, F_CEIL, false, PT_INTEGER, false},
    {"round", of_number, 1, 1, F_ROUND, false, PT_INTEGER, false},
    {"sin", of_number, 1, 1, F_SIN, false, PT_DOUBLE, false},
    {"cos", of_number, 1, 1, F_COS, false, PT_DOUBLE, false},
    {"tan", of_number, 1, 1, F_TAN, false, PT_DOUBLE, false},
    {"asin", of_number, 1, 1, F_ASIN, false, PT_DOUBLE, false},
    {"acos", of_number, 1, 1, F_ACOS, false, PT_DOUBLE, false},
    {"atan", of_number, 1, 1, F_ATAN, false, PT_DOUBLE, false},
    {"sinh", of_number, 1, 1, F_SINH, false, PT_DOUBLE, false},
    {"cosh", of_number, 1, 1, F_COSH, false, PT_DOUBLE, false},
    {"tanh", of_number, 1, 1, F_TANH, false, PT_DOUBLE, false},
    {"atan2", of_two, 2, 2, F_ATAN2, false, PT_DOUBLE, false},
    {"x-atan2", of_two, 2, 2, F_ATAN2, false, PT_DOUBLE, false},
    {"hypot", of_two, 2, 2, F_HYPOT, false, PT_DOUBLE, false},
    {"x-hypot", of_two, 2, 2, F_HYPOT, false, PT_DOUBLE, false},
    {"erf", of_number, 1, 1, F_ERF, false, PT_DOUBLE, false},
    {"normalCDF", normal, 3, 3, F_NORMAL_CDF, false, PT_DOUBLE, false},
    {"stdNormalCDF", normal, 1, 1, F_NORMAL_CDF, false, PT_DOUBLE, false},
    {"normalPDF", normal, 3, 3, F_NORMAL_PDF, false, PT_DOUBLE, false},
    {"stdNormalPDF", normal, 1, 1, F_NORMAL_PDF, false, PT_DOUBLE, false},
    {"normalIDF", normal, 3, 3, F_NORMAL_IDF, false, PT_DOUBLE, false},
    {"stdNormalIDF", normal, 1, 1, F_NORMAL_IDF, false, PT_DOUBLE, false},
    {"isMissing", about, 1, 1, F_IS_MISSING, true, PT_BOOLEAN, false},
    {"isNotMissing", about, 1, 1, F_IS_NOT_MISSING, true, PT_BOOLEAN, false},
    {"isValid", about, 1, 1, F_IS_VALID, true, PT_BOOLEAN, false},
    {"isNotValid", about, 1, 1, F_IS_NOT_VALID, true, PT_BOOLEAN, false},
    {"equal", compared, 2, 2, F_EQUAL, false, PT_BOOLEAN, false},
    {"notEqual", compared, 2, 2, F_NOT_EQUAL, false, PT_BOOLEAN, false},
    {"lessThan", compared, 2, 2, F_LESS, false, PT_BOOLEAN, true},
    {"lessOrEqual", compared, 2, 2, F_LESS_OR_EQUAL, false, PT_BOOLEAN, true},
    {"greaterThan", compared, 2, 2, F_GREATER, false, PT_BOOLEAN, true},
    {"greaterOrEqual", compared, 2, 2, F_GREATER_OR_EQUAL, false, PT_BOOLEAN, true},
    {"and", logical, 2, ANY, F_AND, true, PT_BOOLEAN, false},
    {"or", logical, 2, ANY, F_OR, true, PT_BOOLEAN, false},
    {"not", negated, 1, 1, 0, false, PT_BOOLEAN, false},
    {"isIn", member, 2, ANY, F_IN, true, PT_BOOLEAN, false},
    {"isNotIn", member, 2, ANY, F_NOT_IN, true, PT_BOOLEAN, false},
    {"if", unreached, 2, 3, 0, true, PT_NONE, false},  // expr.c looks at one arm only
    {"uppercase", func_uppercase, 1, 1, 0, false, PT_STRING, false},
    {"lowercase", func_lowercase, 1, 1, 0, false, PT_STRING, false},
    {"stringLength", func_string_length, 1, 1, 0, false, PT_INTEGER, false},
    {"substring", func_substring, 3, 3, 0, false, PT_STRING, false},
    {"trimBlanks", func_trim_blanks, 1, 1, 0, false, PT_STRING, false},
    {"concat", func_concat, 1, ANY, 0, true, PT_STRING, false},
    {"replace", func_replace, 3, 3, 0, false, PT_STRING, false},
    {"matches", func_matches, 2, 2, 0, false, PT_BOOLEAN, false},
    {"formatNumber", func_format_number, 2, 2, 0, false, PT_STRING, false},
    {"formatDatetime", func_format_datetime, 2, 2, 0, false, PT_STRING, false},
    {"dateDaysSinceYear", moment, 2, 2, F_DAYS_SINCE, false, PT_INTEGER, false},
    {"dateSecondsSinceYear", moment, 2, 2, F_SECONDS_SINCE, false, PT_INTEGER, false},
    {"dateSecondsSinceMidnight", moment, 1, 1, F_SECONDS_SINCE_MIDNIGHT, false, PT_INTEGER, false},
};

const Builtin *builtin_find(Str name) {
    for (size_t i = 0; i < sizeof BUILTINS / sizeof *BUILTINS; i++) {
        if (str_eq(name, str_c(BUILTINS[i].name))) return &BUILTINS[i];
    }
    return NULL;
}
