// type/java_print.h - values as text, as java.time's formatters and java.math write them: what text
// formats and the print connector put out. (CAST to STRING has rules of its own: func/cast.h.)
// Each function appends to [out].
#pragma once

#include "base/text.h"
#include "type/value.h"

// java.math.BigDecimal of [value] * 10^-[scale]: toPlainString, or toString with its exponents
// ("1E+3", "1.2E-7"). [strip] takes trailing zeros away first, also those before the point.
void print_decimal(i128 value, int32_t scale, bool plain, bool strip, Buf *out);

// ISO_LOCAL_DATE: "2024-01-31", "+12345-01-01", "-0001-01-01".
void print_date(int32_t days, Buf *out);
// ISO_LOCAL_TIME: "10:00:00", "10:00:00.5"; no more digits of the second than needed.
void print_time(int32_t ms, Buf *out);
// The two with [between] in the middle; 'Z' behind with [zulu].
void print_timestamp(Timestamp ts, char between, bool zulu, Buf *out);

// toString() of java.time's LocalTime ("10:00", "10:00:00.500"), LocalDateTime ("2024-01-31T10:00")
// and Instant ("2024-01-31T10:00:00Z"): seconds only where there are some, three, six or nine
// digits.
void print_local_time(int32_t ms, Buf *out);
void print_local_date_time(Timestamp ts, Buf *out);
void print_instant(Timestamp ts, Buf *out);

void print_i64(int64_t value, Buf *out);
void print_f64(double value, Buf *out);
void print_f32(float value, Buf *out);
void print_base64(Str bytes, Buf *out);
