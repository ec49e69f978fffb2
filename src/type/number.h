// type/number.h - numbers as text, the way Java reads and prints them.
#pragma once

#include "base/text.h"

enum { NUMBER_TEXT_MAX = 32 };
// JDK 17's Double.toString and Float.toString, digit for digit ("1.0E10", "NaN"); length written.
uint32_t f64_print(double value, char out[NUMBER_TEXT_MAX]);
uint32_t f32_print(float value, char out[NUMBER_TEXT_MAX]);
uint32_t i64_print(int64_t value, char out[NUMBER_TEXT_MAX]);
// Fast readers for decoders: the whole text or false; no leading or trailing blanks.
bool f64_parse(Str text, double *out);
bool f32_parse(Str text, float *out);  // rounded once, not by way of a double
// As Java's Double.parseDouble and Float.parseFloat: blanks around, "NaN", "Infinity", hexadecimal,
// a trailing d or f.
bool f64_parse_java(Str text, double *out);
bool f32_parse_java(Str text, float *out);
// Strict: an optional sign and digits, in range; no blanks.
bool i64_parse(Str text, int64_t *out);
