// Numbers as text.
//
// Printing follows JDK 17's algorithm (Steele and White, Dragon4, "How to print floating-point
// numbers accurately", 1990, with the JDK's own stopping rules), because Flink's answers hold its
// digits and they are not always the shortest ones: 1e23 prints as 9.999999999999999E22, 2^62 as
// 4.6116860184273879E18. A shortest printer (Ryu, Schubfach, JDK 19) gives other texts. What the
// JDK does in 32-bit, 64-bit and big integers differs in small ways (overflow of the margin, a tie
// at the upper bound), so the three sizes are kept apart here too; between 64 and 128 bits we use a
// 128-bit integer where the JDK uses a big one.
#include "type/number.h"

#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "type/value.h"

enum {
    FRACTION_BITS = 52,
    EXPONENT_BIAS = 1023,
    DIGITS_MAX = 24,
    POW5_SMALL = 27,   // 5^0 .. 5^26 fit into 62 bits
    BIG_WORDS = 22,    // 1408 bits: 5^325 (755) and what scales it
    E_FORM_LOW = -3,   // Java prints 1.0E-3 and smaller, 1.0E7 and greater with an exponent
    E_FORM_HIGH = 8,
};

static const uint64_t POW5[POW5_SMALL] = {
    1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u,
    244140625u, 1220703125u, 6103515625u, 30517578125u, 152587890625u, 762939453125u,
    3814697265625u, 19073486328125u, 95367431640625u, 476837158203125u, 2384185791015625u,
    11920928955078125u, 59604644775390625u, 298023223876953125u, 1490116119384765625u,
};

static int32_t pow5_bits(int32_t exponent) {
    if (exponent >= POW5_SMALL) return exponent * 3;  // an upper bound is enough, as in the JDK
    return exponent == 0 ? 0 : 64 - __builtin_clzll(POW5[exponent]);
}

// The digits of a number: 0.d1d2d3… times 10^exponent.
typedef struct Digits {
    char digit[DIGITS_MAX];  // '0' .. '9'
    int32_t count;
    int32_t exponent;
} Digits;

static void digits_round_up(Digits *digits) {
    int32_t i = digits->count - 1;
    while (i > 0 && digits->digit[i] == '9') digits->digit[i--] = '0';
    if (digits->digit[i] == '9') {  // 99…9: a one and a greater exponent
        digits->exponent++;
        digits->digit[0] = '1';
        return;
    }
    digits->digit[i]++;
}

// A whole number; its lowest [insignificant] decimal digits are noise below the precision.
static void digits_of_integer(uint64_t value, int32_t insignificant, Digits *out) {
    int32_t exponent = 0;
    if (insignificant) {
        uint64_t pow10 = POW5[insignificant] << insignificant;
        uint64_t residue = value % pow10;
        value /= pow10;
        exponent = insignificant;
        if (residue >= pow10 >> 1) value++;
    }
    while (value % 10 == 0) {
        value /= 10;
        exponent++;
    }
    char text[DIGITS_MAX];
    int32_t at = DIGITS_MAX;
    while (value) {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
        exponent++;
    }
    out->count = DIGITS_MAX - at;
    memcpy(out->digit, text + at, (size_t)out->count);
    out->exponent = exponent;
}

// floor(log10(2^power)), the number of decimal digits that [power] binary ones cannot decide.
static int32_t insignificant_digits(int32_t power) {
    return power > 1 && power < 64 ? (int32_t)((uint32_t)power * 1233u >> 12) : 0;
}

// Exact for the powers that occur (0..63): 1233 / 4096 is a hair above log10(2).
_Static_assert((63u * 1233u >> 12) == 18, "log10(2^63) lies between 18 and 19");

// floor(log10(value)), sometimes one too high; the first digit is then 0 and is dropped.
static int32_t estimate_exponent(uint64_t fraction, int32_t bin_exponent) {
    uint64_t bits =
        (uint64_t)EXPONENT_BIAS << FRACTION_BITS | (fraction & (((uint64_t)1 << 52) - 1));
    double mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    // Written as the JDK evaluates it; a fused multiply-add would give other estimates.
    double scaled = (mantissa - 1.5) * 0.289529654;
    double log2_part = (double)bin_exponent * 0.301029995663981;
    return (int32_t)floor(scaled + 0.176091259 + log2_part);
}

// What all widths of the digit loop share: value = B / S, the margin M is half a unit in the last
// place; B, S and M are fraction * 2^b2 * 5^b5, 2^s2 * 5^s5, 2^m2 * 5^b5.
typedef struct Scaled {
    uint64_t fraction;
    int32_t b2, b5, s2, s5, m2;
    bool shortest;  // may stop at the first digit that tells the value apart
    bool low, high;
    int order;  // of the remainder against one half, when both low and high
} Scaled;

static bool e_form(int32_t exponent) {
    return exponent < E_FORM_LOW || exponent >= E_FORM_HIGH;
}

// The loop in machine integers. The additions wrap, as in Java: the JDK relies on it.
#define DEFINE_GENERATE(name, itype, utype)                                                      \
    static void name(Scaled *in, Digits *out, int32_t *exponent) {                               \
        itype b = (itype)((utype)((utype)in->fraction * (utype)POW5[in->b5]) << in->b2);         \
        itype s = (itype)((utype)POW5[in->s5] << in->s2);                                        \
        itype m = (itype)((utype)POW5[in->b5] << in->m2);                                        \
        itype tens = (itype)((utype)s * 10u);                                                    \
        itype q = b / s;                                                                         \
        b = (itype)(10 * (b % s));                                                               \
        m = (itype)((utype)m * 10u);                                                             \
        in->low = b < m;                                                                         \
        in->high = (itype)((utype)b + (utype)m) > tens;                                          \
        if (q == 0 && !in->high) {                                                               \
            --*exponent;                                                                         \
        } else {                                                                                 \
            out->digit[out->count++] = (char)('0' + q);                                          \
        }                                                                                        \
        if (e_form(*exponent)) in->high = in->low = false; /* Java wants two digits there */     \
        while (!in->low && !in->high) {                                                          \
            q = b / s;                                                                           \
            b = (itype)(10 * (b % s));                                                           \
            m = (itype)((utype)m * 10u);                                                         \
            if (m > 0) {                                                                         \
                in->low = b < m;                                                                 \
                in->high = (itype)((utype)b + (utype)m) > tens;                                  \
            } else { /* it overflowed: certainly greater than b */                               \
                in->low = in->high = true;                                                       \
            }                                                                                    \
            out->digit[out->count++] = (char)('0' + q);                                          \
        }                                                                                        \
        itype half = (itype)((utype)((utype)b << 1) - (utype)tens);                              \
        in->order = half < 0 ? -1 : half > 0;                                                    \
    }
DEFINE_GENERATE(generate_32, int32_t, uint32_t)
DEFINE_GENERATE(generate_64, int64_t, uint64_t)

static u128 pow5_wide(int32_t exponent) {  // up to 5^55
    u128 value = 1;
    while (exponent >= POW5_SMALL) {
        value *= POW5[POW5_SMALL - 1];
        exponent -= POW5_SMALL - 1;
    }
    return value * POW5[exponent];
}

// The rules of big integers in 128 bits: exact, and the upper bound counts as reached.
static void generate_128(Scaled *in, Digits *out, int32_t *exponent) {
    u128 b = in->fraction * pow5_wide(in->b5) << in->b2;
    u128 s = pow5_wide(in->s5) << in->s2;
    u128 m = pow5_wide(in->b5) << in->m2;
    u128 tens = s * 10;
    for (bool first = true;; first = false) {
        // The quotient is below ten: a subtraction loop beats a 128-bit division.
        uint32_t q = 0;
        while (b >= s) {
            b -= s;
            q++;
        }
        b *= 10;
        m *= 10;
        in->low = b < m;
        in->high = tens <= b + m;
        if (first && q == 0 && !in->high) {
            --*exponent;
        } else {
            out->digit[out->count++] = (char)('0' + q);
        }
        if (first && e_form(*exponent)) in->high = in->low = false;
        if (in->low || in->high) break;
    }
    u128 twice = b << 1;
    in->order = twice < tens ? -1 : twice > tens;
}

// ---- big integers, for what does not fit
// ---------------------------------------------------------

typedef struct Big {
    uint64_t word[BIG_WORDS];  // little end first
    uint32_t count;            // words in use, no leading zero
} Big;

static void big_mul_word(Big *big, uint64_t factor) {
    u128 carry = 0;
    for (uint32_t i = 0; i < big->count; i++) {
        carry += (u128)big->word[i] * factor;
        big->word[i] = (uint64_t)carry;
        carry >>= 64;
    }
    if (carry) {
        ASSERT(big->count < BIG_WORDS);
        big->word[big->count++] = (uint64_t)carry;
    }
}

static void big_set(Big *big, uint64_t value, int32_t pow5, int32_t pow2) {
    *big = (Big){.word = {value}, .count = value != 0};
    for (; pow5 >= POW5_SMALL; pow5 -= POW5_SMALL - 1) big_mul_word(big, POW5[POW5_SMALL - 1]);
    big_mul_word(big, POW5[pow5]);
    uint32_t words = (uint32_t)pow2 / 64, bits = (uint32_t)pow2 % 64;
    if (bits) big_mul_word(big, (uint64_t)1 << bits);
    ASSERT(big->count + words <= BIG_WORDS);
    memmove(big->word + words, big->word, big->count * sizeof *big->word);
    memset(big->word, 0, words * sizeof *big->word);
    big->count += words;
}

static int big_cmp(const Big *a, const Big *b) {
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i-- > 0;) {
        if (a->word[i] != b->word[i]) return a->word[i] < b->word[i] ? -1 : 1;
    }
    return 0;
}

static void big_sub(Big *a, const Big *b) {  // a >= b
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        uint64_t take = i < b->count ? b->word[i] : 0, had = a->word[i];
        a->word[i] = had - take - borrow;
        borrow = had < take || (had == take && borrow);
    }
    while (a->count && a->word[a->count - 1] == 0) a->count--;
}

static int big_cmp_sum(const Big *a, const Big *b, const Big *c) {  // of a against b + c
    Big sum = *b;
    while (sum.count < c->count) sum.word[sum.count++] = 0;
    uint64_t carry = 0;
    for (uint32_t i = 0; i < sum.count; i++) {
        u128 add = (u128)sum.word[i] + (i < c->count ? c->word[i] : 0) + carry;
        sum.word[i] = (uint64_t)add;
        carry = (uint64_t)(add >> 64);
    }
    if (carry) {
        ASSERT(sum.count < BIG_WORDS);
        sum.word[sum.count++] = carry;
    }
    return big_cmp(a, &sum);
}

static void generate_big(Scaled *in, Digits *out, int32_t *exponent) {
    Big b, s, m, tens;
    big_set(&b, in->fraction, in->b5, in->b2);
    big_set(&s, 1, in->s5, in->s2);
    big_set(&m, 1, in->b5, in->m2);
    tens = s;
    big_mul_word(&tens, 10);
    for (bool first = true;; first = false) {
        uint32_t q = 0;
        while (big_cmp(&b, &s) >= 0) {
            big_sub(&b, &s);
            q++;
        }
        big_mul_word(&b, 10);
        big_mul_word(&m, 10);
        in->low = big_cmp(&b, &m) < 0;
        in->high = big_cmp_sum(&tens, &b, &m) <= 0;
        if (first && q == 0 && !in->high) {
            --*exponent;
        } else {
            out->digit[out->count++] = (char)('0' + q);
        }
        if (first && e_form(*exponent)) in->high = in->low = false;
        if (in->low || in->high) break;
    }
    big_mul_word(&b, 2);
    in->order = big_cmp(&b, &tens);
}

// fraction is normalised to 53 bits, of which [significant] carry information.
static void digits_of_float(uint64_t fraction, int32_t bin_exponent, int32_t significant,
                            Digits *out) {
    int32_t tail = __builtin_ctzll(fraction);
    int32_t fraction_bits = FRACTION_BITS + 1 - tail;
    int32_t tiny_bits = fraction_bits - bin_exponent - 1;  // to the right of the point
    if (tiny_bits < 0) tiny_bits = 0;
    if (tiny_bits == 0 && bin_exponent <= 62 && fraction_bits < 64) {  // a whole number
        int32_t noise = bin_exponent > significant
                            ? insignificant_digits(bin_exponent - significant - 1)
                            : 0;
        uint64_t whole = bin_exponent >= FRACTION_BITS
                             ? fraction << (bin_exponent - FRACTION_BITS)
                             : fraction >> (FRACTION_BITS - bin_exponent);
        digits_of_integer(whole, noise, out);
        return;
    }
    int32_t exponent = estimate_exponent(fraction, bin_exponent);
    Scaled in = {.fraction = fraction >> tail};
    in.b5 = exponent < 0 ? -exponent : 0;
    in.s5 = exponent > 0 ? exponent : 0;
    in.b2 = in.b5 + tiny_bits + bin_exponent;
    in.s2 = in.s5 + tiny_bits;
    in.m2 = in.b2 - significant;
    in.b2 -= fraction_bits - 1;
    int32_t common = in.b2 < in.s2 ? in.b2 : in.s2;
    in.b2 -= common;
    in.s2 -= common;
    in.m2 -= common;
    // The next smaller number is only half as far from a power of two.
    if (fraction_bits == 1) in.m2--;
    if (in.m2 < 0) {
        in.b2 -= in.m2;
        in.s2 -= in.m2;
        in.m2 = 0;
    }
    int32_t b_bits = fraction_bits + in.b2 + pow5_bits(in.b5);
    int32_t tens_bits = in.s2 + 1 + pow5_bits(in.s5 + 1);
    out->count = 0;
    if (b_bits < 32 && tens_bits < 32) {
        generate_32(&in, out, &exponent);
    } else if (b_bits < 64 && tens_bits < 64) {
        generate_64(&in, out, &exponent);
    } else if (b_bits < 124 && tens_bits < 124) {
        generate_128(&in, out, &exponent);
    } else {
        generate_big(&in, out, &exponent);
    }
    out->exponent = exponent + 1;
    if (!in.high) return;
    if (!in.low || in.order > 0 ||
        (in.order == 0 && (out->digit[out->count - 1] & 1))) {
        digits_round_up(out);
    }
}

static uint32_t digits_layout(const Digits *in, bool negative, char *out) {
    char *at = out;
    if (negative) *at++ = '-';
    if (in->exponent > 0 && in->exponent < E_FORM_HIGH) {
        int32_t whole = in->count < in->exponent ? in->count : in->exponent;
        memcpy(at, in->digit, (size_t)whole);
        at += whole;
        for (int32_t i = whole; i < in->exponent; i++) *at++ = '0';
        *at++ = '.';
        if (in->count > whole) {
            memcpy(at, in->digit + whole, (size_t)(in->count - whole));
            at += in->count - whole;
        } else {
            *at++ = '0';
        }
    } else if (in->exponent <= 0 && in->exponent > E_FORM_LOW) {
        *at++ = '0';
        *at++ = '.';
        for (int32_t i = in->exponent; i < 0; i++) *at++ = '0';
        memcpy(at, in->digit, (size_t)in->count);
        at += in->count;
    } else {
        *at++ = in->digit[0];
        *at++ = '.';
        if (in->count > 1) {
            memcpy(at, in->digit + 1, (size_t)(in->count - 1));
            at += in->count - 1;
        } else {
            *at++ = '0';
        }
        *at++ = 'E';
        at += i64_print(in->exponent - 1, at);
    }
    return (uint32_t)(at - out);
}

static uint32_t print_special(bool nan, bool infinite, bool negative, char *out) {
    const char *text = nan        ? "NaN"
                       : infinite ? (negative ? "-Infinity" : "Infinity")
                                  : (negative ? "-0.0" : "0.0");
    uint32_t len = (uint32_t)strlen(text);
    memcpy(out, text, len);
    return len;
}

uint32_t f64_print(double value, char out[NUMBER_TEXT_MAX]) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool negative = bits >> 63;
    if (!isfinite(value) || value == 0) {
        return print_special(isnan(value), isinf(value), negative, out);
    }
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    int32_t exponent = (int32_t)(bits >> FRACTION_BITS & 0x7FF), significant = FRACTION_BITS + 1;
    if (exponent == 0) {  // subnormal: fewer bits mean anything
        int32_t zeros = __builtin_clzll(fraction), shift = zeros - (63 - FRACTION_BITS);
        fraction <<= shift;
        exponent = 1 - shift;
        significant = 64 - zeros;
    } else {
        fraction |= (uint64_t)1 << FRACTION_BITS;
    }
    Digits digits;
    digits_of_float(fraction, exponent - EXPONENT_BIAS, significant, &digits);
    return digits_layout(&digits, negative, out);
}

uint32_t f32_print(float value, char out[NUMBER_TEXT_MAX]) {
    enum { F32_FRACTION_BITS = 23, F32_BIAS = 127 };
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool negative = bits >> 31;
    if (!isfinite(value) || value == 0) {
        return print_special(isnan(value), isinf(value), negative, out);
    }
    uint32_t fraction = bits & ((1u << F32_FRACTION_BITS) - 1);
    int32_t exponent = (int32_t)(bits >> F32_FRACTION_BITS & 0xFF);
    int32_t significant = F32_FRACTION_BITS + 1;
    if (exponent == 0) {
        int32_t zeros = __builtin_clz(fraction), shift = zeros - (31 - F32_FRACTION_BITS);
        fraction <<= shift;
        exponent = 1 - shift;
        significant = 32 - zeros;
    } else {
        fraction |= 1u << F32_FRACTION_BITS;
    }
    Digits digits;
    digits_of_float((uint64_t)fraction << (FRACTION_BITS - F32_FRACTION_BITS), exponent - F32_BIAS,
                    significant, &digits);
    return digits_layout(&digits, negative, out);
}

uint32_t i64_print(int64_t value, char out[NUMBER_TEXT_MAX]) {
    static const char PAIRS[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    char text[24];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    while (rest >= 100) {
        at -= 2;
        memcpy(at, PAIRS + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        at -= 2;
        memcpy(at, PAIRS + rest * 2, 2);
    } else {
        *--at = (char)('0' + rest);
    }
    if (value < 0) *--at = '-';
    uint32_t len = (uint32_t)(text + sizeof text - at);
    memcpy(out, at, len);
    return len;
}

// ---- reading
// -------------------------------------------------------------------------------------

// A decimal number taken apart: digits * 10^exponent; [exact] when no digit was dropped.
typedef struct Parts {
    uint64_t digits;
    int32_t exponent;
    bool negative, exact;
} Parts;

static bool parts_read(Str text, Parts *out) {
    const char *at = text.ptr, *end = str_end(text);
    enum { DIGITS_EXACT = 19, EXPONENT_MAX = 100000 };
    *out = (Parts){.exact = true};
    if (at < end && (*at == '-' || *at == '+')) out->negative = *at++ == '-';
    uint32_t seen = 0, kept = 0;
    bool point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        uint32_t digit = (uint32_t)(*at - '0');
        if (digit > 9) break;
        seen++;
        if (kept < DIGITS_EXACT) {
            out->digits = out->digits * 10 + digit;
            kept += out->digits != 0;
            out->exponent -= point;
        } else {
            out->exact = out->exact && digit == 0;
            out->exponent += !point;
        }
    }
    if (!seen) return false;
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
        out->exponent += down ? -exponent : exponent;
    }
    return at == end;
}

// digits * 10^exponent correctly rounded to [bits] of mantissa, for exponents whose power of five
// fits into 64 bits: product and quotient are then exact (with a sticky bit), and there is one
// rounding, half to even. That is nearly every number that is written down; the rest is strtod's.
enum { EXACT_POWER_MAX = 27 };
typedef struct Rounded {
    uint64_t mantissa;
    int32_t exponent;  // of two
} Rounded;

static Rounded scale_exactly(uint64_t digits, int32_t exponent, int32_t bits) {
    uint64_t top;
    bool sticky;
    int32_t power = exponent;
    if (exponent >= 0) {
        uint64_t pow5 = exponent < POW5_SMALL ? POW5[exponent] : POW5[POW5_SMALL - 1] * 5;
        u128 product = (u128)digits * pow5;
        uint64_t high = (uint64_t)(product >> 64);
        int32_t shift = high ? 64 - __builtin_clzll(high) : 0;
        top = (uint64_t)(product >> shift);
        sticky = (product & (((u128)1 << shift) - 1)) != 0;
        power += shift;
    } else {
        int32_t up = -exponent;
        uint64_t pow5 = up < POW5_SMALL ? POW5[up] : POW5[POW5_SMALL - 1] * 5;
        int32_t digits_zeros = __builtin_clzll(digits), pow5_zeros = __builtin_clzll(pow5);
        u128 dividend = (u128)(digits << digits_zeros) << 63;
        uint64_t divisor = pow5 << pow5_zeros;  // greater than the dividend's upper half
        top = (uint64_t)(dividend / divisor);
        sticky = dividend % divisor != 0;
        power += pow5_zeros - digits_zeros - 63;
    }
    int32_t zeros = __builtin_clzll(top);
    top <<= zeros;
    power -= zeros;
    int32_t drop = 64 - bits;
    uint64_t rest = top & (((uint64_t)1 << drop) - 1), half = (uint64_t)1 << (drop - 1);
    Rounded result = {top >> drop, power + drop};
    if (rest > half || (rest == half && (sticky || (result.mantissa & 1)))) result.mantissa++;
    return result;
}

// A NUL-terminated copy for strtod; blanks and names have been dealt with.
enum { TEXT_ON_STACK = 64 };
typedef struct CText {
    char small[TEXT_ON_STACK];
    char *text;
} CText;

static char *ctext_open(CText *self, Str text) {
    self->text = text.len < TEXT_ON_STACK ? self->small : mem_alloc(text.len + 1u);
    memcpy(self->text, text.ptr, text.len);
    self->text[text.len] = 0;
    return self->text;
}
static void ctext_close(CText *self) {
    if (self->text != self->small) mem_free(self->text);
}

bool f64_parse(Str text, double *out) {
    Parts parts;
    if (!parts_read(text, &parts)) return false;
    if (parts.digits == 0) return *out = parts.negative ? -0.0 : 0.0, true;
    if (parts.exact && parts.exponent >= -EXACT_POWER_MAX && parts.exponent <= EXACT_POWER_MAX) {
        Rounded rounded = scale_exactly(parts.digits, parts.exponent, FRACTION_BITS + 1);
        // Adding lets a mantissa of 2^53 carry into the exponent; all results are normal numbers.
        uint64_t exponent = (uint64_t)(rounded.exponent + FRACTION_BITS + EXPONENT_BIAS);
        uint64_t hidden = (uint64_t)1 << FRACTION_BITS;
        uint64_t image = (exponent << FRACTION_BITS) + (rounded.mantissa - hidden) +
                         ((uint64_t)parts.negative << 63);
        memcpy(out, &image, sizeof image);
        return true;
    }
    CText copy;
    *out = strtod(ctext_open(&copy, text), NULL);
    ctext_close(&copy);
    return true;
}

bool f32_parse(Str text, float *out) {
    enum { F32_BITS = 24, SAFE_POWER_MAX = 18 };  // 19 digits and 18 more stay below FLT_MAX
    Parts parts;
    if (!parts_read(text, &parts)) return false;
    if (parts.digits == 0) return *out = parts.negative ? -0.0f : 0.0f, true;
    if (parts.exact && parts.exponent >= -EXACT_POWER_MAX && parts.exponent <= SAFE_POWER_MAX) {
        Rounded rounded = scale_exactly(parts.digits, parts.exponent, F32_BITS);
        float value = ldexpf((float)rounded.mantissa, rounded.exponent);
        *out = parts.negative ? -value : value;
        return true;
    }
    CText copy;
    *out = strtof(ctext_open(&copy, text), NULL);
    ctext_close(&copy);
    return true;
}

// What Java's parser takes beyond plain decimals. On success [*rest] is a text that strtod reads as
// Java would, or empty when [*special] is the value.
static bool java_number(Str text, Str *rest, double *special) {
    while (text.len && (uint8_t)text.ptr[0] <= ' ') text = str_sub(text, 1, text.len - 1);
    while (text.len && (uint8_t)text.ptr[text.len - 1] <= ' ') text.len--;
    Str body = text;
    bool negative = false;
    if (body.len && (body.ptr[0] == '-' || body.ptr[0] == '+')) {
        negative = body.ptr[0] == '-';
        body = str_sub(body, 1, body.len - 1);
    }
    *rest = STR("");
    if (str_is(body, "NaN")) return *special = NAN, true;
    if (str_is(body, "Infinity")) return *special = negative ? -INFINITY : INFINITY, true;
    bool hex = body.len > 2 && body.ptr[0] == '0' && (body.ptr[1] | 0x20) == 'x';
    char last = body.len ? (char)(body.ptr[body.len - 1] | 0x20) : 0;
    if (hex) {  // 0xh.hhhp[+-]d: the exponent is required, digits of either side suffice
        uint32_t at = 2, digits = 0, points = 0, exponent_digits = 0;
        for (; at < body.len && (body.ptr[at] | 0x20) != 'p'; at++) {
            char c = body.ptr[at], lower = (char)(c | 0x20);
            bool digit = (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
            if (!digit && !(c == '.' && !points++)) return false;
            digits += digit;
        }
        if (!digits || at == body.len) return false;
        at++;
        if (at < body.len && (body.ptr[at] == '-' || body.ptr[at] == '+')) at++;
        for (; at < body.len && body.ptr[at] >= '0' && body.ptr[at] <= '9'; at++) exponent_digits++;
        if (!exponent_digits) return false;
        bool suffix = at + 1 == body.len && (last == 'd' || last == 'f');
        if (at != body.len && !suffix) return false;
        *rest = str_sub(text, 0, text.len - suffix);
        return true;
    }
    if (last == 'd' || last == 'f') text.len--;
    Parts parts;
    if (!parts_read(text, &parts)) return false;
    *rest = text;
    return true;
}

bool f64_parse_java(Str text, double *out) {
    if (f64_parse(text, out)) return true;
    Str rest;
    if (!java_number(text, &rest, out)) return false;
    if (!rest.len) return true;
    CText copy;
    *out = strtod(ctext_open(&copy, rest), NULL);
    ctext_close(&copy);
    return true;
}

bool f32_parse_java(Str text, float *out) {
    if (f32_parse(text, out)) return true;
    Str rest;
    double special = 0;
    if (!java_number(text, &rest, &special)) return false;
    if (!rest.len) return *out = (float)special, true;
    CText copy;
    *out = strtof(ctext_open(&copy, rest), NULL);
    ctext_close(&copy);
    return true;
}

bool i64_parse(Str text, int64_t *out) {
    uint32_t at = 0;
    bool negative = false;
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+')) negative = text.ptr[at++] == '-';
    if (at == text.len) return false;
    uint64_t value = 0;
    for (; at < text.len; at++) {
        uint32_t digit = (uint32_t)(text.ptr[at] - '0');
        if (digit > 9) return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    if (value > (uint64_t)INT64_MAX + negative) return false;
    *out = (int64_t)(negative ? -value : value);
    return true;
}
