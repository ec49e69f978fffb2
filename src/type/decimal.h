// type/decimal.h - DECIMAL values: an unscaled 128-bit integer, the scale lies in the type.
// Results of more than 38 digits are "overflow" and the caller decides (Flink: NULL). Rounding is
// HALF_UP (away from zero on ties) everywhere, as java.math.BigDecimal in Flink.
#pragma once

#include "base/text.h"
#include "type/value.h"

enum { DECIMAL_DIGITS_MAX = 38 };  // what 128 bits hold, and TYPE_DECIMAL_MAX of type/type.h

i128 decimal_pow10(int32_t exponent);  // 0..38
int32_t decimal_digits(i128 value);    // significant decimal digits; 0 for 0 counts 1
bool decimal_fits(i128 value, int32_t precision);

// Changes the scale (rounding when it shrinks) and checks the precision; false on overflow.
bool decimal_rescale(i128 value, int32_t scale, int32_t to_precision, int32_t to_scale, i128 *out);

// Results at scale [scale] rounded from the exact value; false on overflow of 38 digits or, for
// div and rem, a zero divisor (the caller has tested it to tell the two apart).
bool decimal_add(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out);
bool decimal_sub(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out);
bool decimal_mul(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out);
bool decimal_div(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out);
bool decimal_rem(i128 a, int32_t a_scale, i128 b, int32_t b_scale, int32_t scale, i128 *out);
int decimal_cmp(i128 a, int32_t a_scale, i128 b, int32_t b_scale);

bool decimal_from_i64(int64_t value, int32_t precision, int32_t scale, i128 *out);
bool decimal_from_f64(double value, int32_t precision, int32_t scale, i128 *out);
int64_t decimal_to_i64(i128 value, int32_t scale);  // truncates, wraps as Java's longValue
double decimal_to_f64(i128 value, int32_t scale);   // correctly rounded

// Reads digits, sign, point and exponent ("-1.5e3"); the whole text or false. Rounds to [scale].
bool decimal_parse(Str text, int32_t precision, int32_t scale, i128 *out);
enum { DECIMAL_TEXT_MAX = 44 };
// Plain notation with [scale] decimals ("-0.50"); returns the length written.
uint32_t decimal_print(i128 value, int32_t scale, char out[DECIMAL_TEXT_MAX]);
