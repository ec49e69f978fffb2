// Exact decimal arithmetic on 128-bit integers. Products, aligned sums and dividends may need up to
// 76 digits: they are held in 256 bits (two u128), and a fast path keeps what fits into 128 there.
#include "type/decimal.h"

#include "base/assert.h"
#include "type/number.h"

#define E19 10000000000000000000u
#define P(k) (u128)(k), (u128)(k) * 10u, (u128)(k) * 100u, (u128)(k) * 1000u, (u128)(k) * 10000u
static const u128 POW10[DECIMAL_DIGITS_MAX + 1] = {
    P(1u), P(100000u), P(10000000000u), 1000000000000000u, 10000000000000000u, 100000000000000000u,
    1000000000000000000u, P((u128)E19), P((u128)E19 * 100000u), P((u128)E19 * 10000000000u),
    P((u128)E19 * 1000000000000000u),
};

i128 decimal_pow10(int32_t exponent) {
    DASSERT(exponent >= 0 && exponent <= DECIMAL_DIGITS_MAX);
    return (i128)POW10[exponent];
}

static u128 magnitude(i128 value) {
    return value < 0 ? -(u128)value : (u128)value;
}
static i128 with_sign(u128 value, bool negative) {
    return (i128)(negative ? -value : value);
}

static int32_t digits_of(u128 value) {
    uint64_t high = (uint64_t)(value >> 64);
    int32_t bits = high ? 128 - __builtin_clzll(high)
                        : 64 - __builtin_clzll((uint64_t)value | 1);
    int32_t guess = (int32_t)((uint32_t)bits * 1233u >> 12);  // bits * log10(2), low by at most one
    return guess + (guess <= DECIMAL_DIGITS_MAX && value >= POW10[guess]) + (value == 0);
}

int32_t decimal_digits(i128 value) {
    return digits_of(magnitude(value));
}

bool decimal_fits(i128 value, int32_t precision) {
    return magnitude(value) < POW10[precision];
}

// ---- 256 bits
// ------------------------------------------------------------------------------------

typedef struct Wide {
    u128 low, high;
} Wide;

static Wide wide_mul(u128 a, u128 b) {
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    u128 low = (u128)a0 * b0, mid1 = (u128)a1 * b0, mid2 = (u128)a0 * b1, high = (u128)a1 * b1;
    u128 mid = (low >> 64) + (uint64_t)mid1 + (uint64_t)mid2;
    return (Wide){mid << 64 | (uint64_t)low, high + (mid1 >> 64) + (mid2 >> 64) + (mid >> 64)};
}

static int wide_cmp(Wide a, Wide b) {
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

static Wide wide_add(Wide a, Wide b) {
    u128 low = a.low + b.low;
    return (Wide){low, a.high + b.high + (low < a.low)};
}

static Wide wide_sub(Wide a, Wide b) {
    return (Wide){a.low - b.low, a.high - b.high - (a.low < b.low)};
}

// Divides by a 64-bit number limb by limb; the quotient replaces [*a].
static uint64_t wide_div_small(Wide *a, uint64_t by) {
    uint64_t limb[4] = {(uint64_t)a->low, (uint64_t)(a->low >> 64), (uint64_t)a->high,
                        (uint64_t)(a->high >> 64)};
    u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | limb[i];
        limb[i] = (uint64_t)(rest / by);
        rest %= by;
    }
    a->low = (u128)limb[1] << 64 | limb[0];
    a->high = (u128)limb[3] << 64 | limb[2];
    return (uint64_t)rest;
}

// a / by; the quotient replaces [*a], the remainder is returned. Knuth 4.3.1, algorithm D, for a
// divisor of two 64-bit limbs.
static u128 wide_div(Wide *a, u128 by) {
    if (a->high == 0) {
        u128 rest = a->low % by;
        a->low /= by;
        return rest;
    }
    if (by >> 64 == 0) return wide_div_small(a, (uint64_t)by);
    int32_t shift = __builtin_clzll((uint64_t)(by >> 64));
    by <<= shift;
    uint64_t v1 = (uint64_t)(by >> 64), v0 = (uint64_t)by;
    u128 high = shift ? a->high << shift | a->low >> (128 - shift) : a->high;
    u128 low = a->low << shift;
    uint64_t u[5] = {(uint64_t)low, (uint64_t)(low >> 64), (uint64_t)high, (uint64_t)(high >> 64),
                     shift ? (uint64_t)(a->high >> (128 - shift)) : 0};
    uint64_t quotient[3];
    for (int j = 2; j >= 0; j--) {
        u128 two = (u128)u[j + 2] << 64 | u[j + 1];
        u128 guess = two / v1, rest = two % v1;
        while (guess >> 64 || guess * v0 > (rest << 64 | u[j])) {  // at most twice
            guess--;
            rest += v1;
            if (rest >> 64) break;
        }
        u128 take = guess * v0;
        u128 limb = (u128)u[j] - (uint64_t)take;
        u[j] = (uint64_t)limb;
        u128 borrow = (take >> 64) + (limb >> 64 ? 1 : 0);
        take = guess * v1 + borrow;
        limb = (u128)u[j + 1] - (uint64_t)take;
        u[j + 1] = (uint64_t)limb;
        borrow = (take >> 64) + (limb >> 64 ? 1 : 0);
        bool below = (u128)u[j + 2] < borrow;
        u[j + 2] -= (uint64_t)borrow;
        if (below) {  // one too many, which is rare
            guess--;
            u128 sum = ((u128)u[j + 1] << 64 | u[j]) + by;
            u[j] = (uint64_t)sum;
            u[j + 1] = (uint64_t)(sum >> 64);
        }
        quotient[j] = (uint64_t)guess;
    }
    a->low = (u128)quotient[1] << 64 | quotient[0];
    a->high = quotient[2];
    return ((u128)u[1] << 64 | u[0]) >> shift;
}

// Divides by 10^drop and rounds half up. HALF_UP looks at the first dropped digit only, so dropping
// in several steps is the same as in one as long as only the last step rounds.
static Wide wide_drop(Wide value, int32_t drop) {
    enum { STEP = 19 };  // 10^19 is the greatest power in 64 bits
    for (; drop > STEP; drop -= STEP) wide_div_small(&value, E19);
    if (drop > 0) {
        uint64_t by = (uint64_t)POW10[drop];
        uint64_t rest = wide_div_small(&value, by);
        if (rest >= by - rest) value = wide_add(value, (Wide){1, 0});
    }
    return value;
}

// value * 10^-scale at [to_scale], at most 38 digits.
static bool wide_settle(Wide value, bool negative, int32_t scale, int32_t to_scale, i128 *out) {
    if (scale > to_scale) {
        value = wide_drop(value, scale - to_scale);
    } else if (scale < to_scale) {
        int32_t grow = to_scale - scale;
        if (value.high || value.low >= POW10[DECIMAL_DIGITS_MAX]) return false;
        if (value.low == 0) return *out = 0, true;
        if (grow > DECIMAL_DIGITS_MAX) return false;
        value = wide_mul(value.low, POW10[grow]);
    }
    if (value.high || value.low >= POW10[DECIMAL_DIGITS_MAX]) return false;
    *out = with_sign(value.low, negative);
    return true;
}

// ---- operations
// ----------------------------------------------------------------------------------

bool decimal_rescale(i128 value, int32_t scale, int32_t to_precision, int32_t to_scale, i128 *out) {
    u128 size = magnitude(value);
    if (to_scale < scale) {
        int32_t drop = scale - to_scale;
        if (drop > DECIMAL_DIGITS_MAX) {
            size = 0;
        } else {
            u128 by = POW10[drop], rest;
            if (size >> 64 == 0 && by >> 64 == 0) {
                rest = (uint64_t)size % (uint64_t)by;
                size = (uint64_t)size / (uint64_t)by;
            } else {
                rest = size % by;
                size /= by;
            }
            if (rest >= by - rest) size++;
        }
    } else if (to_scale > scale && size) {
        int32_t grow = to_scale - scale;
        if (grow > DECIMAL_DIGITS_MAX || size >= POW10[DECIMAL_DIGITS_MAX - grow]) return false;
        size *= POW10[grow];
    }
    if (size >= POW10[to_precision]) return false;
    *out = with_sign(size, value < 0);
    return true;
}

static bool add_signed(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out) {
    int32_t common = a_scale > b_scale ? a_scale : b_scale;
    i128 x, y, sum;
    if (!__builtin_mul_overflow(a, (i128)POW10[common - a_scale], &x) &&
        !__builtin_mul_overflow(b, (i128)POW10[common - b_scale], &y) &&
        !__builtin_add_overflow(x, y, &sum)) {
        return decimal_rescale(sum, common, DECIMAL_DIGITS_MAX, scale, out);
    }
    Wide wide_a = wide_mul(magnitude(a), POW10[common - a_scale]);
    Wide wide_b = wide_mul(magnitude(b), POW10[common - b_scale]);
    bool negative = a < 0;
    if ((a < 0) == (b < 0)) {
        wide_a = wide_add(wide_a, wide_b);
    } else if (wide_cmp(wide_a, wide_b) >= 0) {
        wide_a = wide_sub(wide_a, wide_b);
    } else {
        wide_a = wide_sub(wide_b, wide_a);
        negative = !negative;
    }
    return wide_settle(wide_a, negative, common, scale, out);
}

bool decimal_add(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out) {
    return add_signed(a, a_scale, b, b_scale, scale, out);
}

bool decimal_sub(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out) {
    return add_signed(a, a_scale, -b, b_scale, scale, out);
}

bool decimal_mul(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out) {
    i128 product;
    if (!__builtin_mul_overflow(a, b, &product)) {
        return decimal_rescale(product, a_scale + b_scale, DECIMAL_DIGITS_MAX, scale, out);
    }
    Wide wide = wide_mul(magnitude(a), magnitude(b));
    return wide_settle(wide, (a < 0) != (b < 0), a_scale + b_scale, scale, out);
}

// As Flink: first to 38 significant digits (BigDecimal.divide with a MathContext), then to [scale].
bool decimal_div(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out) {
    if (b == 0) return false;
    bool negative = (a < 0) != (b < 0);
    u128 x = magnitude(a), y = magnitude(b);
    if (x == 0) return *out = 0, true;
    // With few digits on both sides the two roundings cannot differ from one: a quotient that is
    // not one half is at least 1 / 2y away from it, far more than the 38th digit.
    int32_t shift = scale + b_scale - a_scale;
    if (shift >= 0 && shift <= 19 && x < POW10[DECIMAL_DIGITS_MAX - shift] && y < POW10[18]) {
        u128 dividend = x * POW10[shift], quotient = dividend / y, rest = dividend % y;
        if (quotient < POW10[18]) {
            *out = with_sign(quotient + (rest >= y - rest), negative);
            return true;
        }
    }
    int32_t up = DECIMAL_DIGITS_MAX - 1 - digits_of(x) + digits_of(y);  // 0..74
    for (;; up++) {
        Wide wide = up <= DECIMAL_DIGITS_MAX ? wide_mul(x, POW10[up]) : (Wide){x, 0};
        if (up > DECIMAL_DIGITS_MAX) {
            // x has fewer than 38 digits here, so the first step stays within 128 bits.
            int32_t first = DECIMAL_DIGITS_MAX - digits_of(x);
            wide = wide_mul(x * POW10[first], POW10[up - first]);
        }
        u128 rest = wide_div(&wide, y);
        DASSERT(wide.high == 0);
        if (wide.low < POW10[DECIMAL_DIGITS_MAX - 1]) continue;  // a digit short
        if (rest >= y - rest) wide.low++;
        return wide_settle(wide, negative, up + a_scale - b_scale, scale, out);
    }
}

bool decimal_rem(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out) {
    if (b == 0) return false;
    u128 x = magnitude(a), y = magnitude(b), rest;
    int32_t common = a_scale > b_scale ? a_scale : b_scale;
    if (a_scale >= b_scale) {
        Wide divisor = wide_mul(y, POW10[a_scale - b_scale]);
        rest = divisor.high ? x : x % divisor.low;
    } else {
        Wide dividend = wide_mul(x, POW10[b_scale - a_scale]);
        rest = wide_div(&dividend, y);
    }
    return decimal_rescale(with_sign(rest, a < 0), common, DECIMAL_DIGITS_MAX, scale, out);
}

int decimal_cmp(i128 a, int32_t a_scale, i128 b, int32_t b_scale) {
    if (a_scale == b_scale) return a < b ? -1 : a > b;
    if ((a < 0) != (b < 0)) return a < 0 ? -1 : 1;
    int32_t common = a_scale > b_scale ? a_scale : b_scale;
    Wide x = wide_mul(magnitude(a), POW10[common - a_scale]);
    Wide y = wide_mul(magnitude(b), POW10[common - b_scale]);
    int order = wide_cmp(x, y);
    return a < 0 ? -order : order;
}

// ---- from and to other numbers
// -------------------------------------------------------------------

bool decimal_from_i64(int64_t value, int32_t precision, int32_t scale, i128 *out) {
    return decimal_rescale(value, 0, precision, scale, out);
}

bool decimal_from_f64(double value, int32_t precision, int32_t scale, i128 *out) {
    char text[NUMBER_TEXT_MAX];
    // By way of the text, as BigDecimal.valueOf: 0.1 is one tenth, not the double next to it.
    return decimal_parse((Str){text, f64_print(value, text)}, precision, scale, out);
}

int64_t decimal_to_i64(i128 value, int32_t scale) {
    u128 size = magnitude(value) / POW10[scale];
    return (int64_t)(uint64_t)(value < 0 ? -size : size);
}

double decimal_to_f64(i128 value, int32_t scale) {
    u128 size = magnitude(value);
    enum { EXACT_POWER_MAX = 22 };
    if (size <= (u128)1 << 53 && scale <= EXACT_POWER_MAX) {
        double result = (double)(uint64_t)size / (double)POW10[scale];
        return value < 0 ? -result : result;
    }
    char text[DECIMAL_TEXT_MAX];
    double result;
    bool read = f64_parse((Str){text, decimal_print(value, scale, text)}, &result);
    DASSERT(read);
    (void)read;
    return result;
}

bool decimal_parse(Str text, int32_t precision, int32_t scale, i128 *out) {
    enum { EXPONENT_MAX = 1000000 };
    const char *at = text.ptr, *end = str_end(text);
    bool negative = false, point = false, any = false;
    if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    // Digits beyond those that 38 can hold only matter for rounding, and there only the first.
    u128 value = 0;
    int32_t value_scale = 0, kept = 0, dropped = 0;
    uint32_t first_dropped = 0;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        uint32_t digit = (uint32_t)(*at - '0');
        if (digit > 9) break;
        any = true;
        if (kept < DECIMAL_DIGITS_MAX) {
            value = value * 10 + digit;
            kept += value != 0;
            value_scale += point;
        } else {
            if (!dropped) first_dropped = digit;
            dropped = 1;
            value_scale -= !point;
        }
    }
    if (!any) return false;
    if (at < end && (*at | 0x20) == 'e') {
        bool down = false;
        if (++at < end && (*at == '-' || *at == '+')) down = *at++ == '-';
        if (at == end) return false;
        int32_t exponent = 0;
        for (; at < end; at++) {
            uint32_t digit = (uint32_t)(*at - '0');
            if (digit > 9) return false;
            if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (int32_t)digit;
        }
        value_scale += down ? exponent : -exponent;
    }
    if (at != end) return false;
    if (value == 0) return *out = 0, true;
    // The 39th digit decides the rounding only when the first 38 are exactly what is kept.
    if (dropped && value_scale == scale && first_dropped >= 5) value++;
    if (value_scale > scale) {
        int32_t drop = value_scale - scale;
        if (drop > DECIMAL_DIGITS_MAX) return *out = 0, true;
        return decimal_rescale(with_sign(value, negative), drop, precision, 0, out);
    }
    int32_t grow = scale - value_scale;
    if (grow > DECIMAL_DIGITS_MAX || value >= POW10[DECIMAL_DIGITS_MAX - grow]) return false;
    value *= POW10[grow];
    if (value >= POW10[precision]) return false;
    *out = with_sign(value, negative);
    return true;
}

uint32_t decimal_print(i128 value, int32_t scale, char out[DECIMAL_TEXT_MAX]) {
    char text[DECIMAL_TEXT_MAX];
    char *at = text + sizeof text;
    u128 rest = magnitude(value);
    int32_t written = 0;
    while (rest || written <= scale) {
        // Nineteen digits at a time: one wide division, then 64-bit ones.
        uint64_t low = (uint64_t)(rest % E19);
        rest /= E19;
        for (int i = 0; i < 19 && (rest || low || written <= scale); i++) {
            if (written == scale && scale) *--at = '.';
            *--at = (char)('0' + low % 10);
            low /= 10;
            written++;
        }
    }
    if (value < 0) *--at = '-';
    uint32_t len = (uint32_t)(text + sizeof text - at);
    memcpy(out, at, len);
    return len;
}
