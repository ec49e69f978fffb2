// type/datetime.h - calendar arithmetic and ISO text for DATE, TIME, TIMESTAMP. Proleptic
// Gregorian, as java.time; zones are in type/zone.h.
#pragma once

#include "base/text.h"
#include "type/value.h"

enum { MS_PER_SECOND = 1000, MS_PER_DAY = 86400000, NS_PER_MS = 1000000 };

typedef struct Civil {
    int32_t year;  // astronomical: 0 is 1 BC
    int32_t month, day;
    int32_t hour, minute, second;
    int32_t nanos;  // of the second
} Civil;

int32_t days_from_civil(int32_t year, int32_t month, int32_t day);
void civil_from_days(int32_t days, int32_t *year, int32_t *month, int32_t *day);
Civil civil_from_timestamp(Timestamp ts);
Timestamp timestamp_from_civil(Civil civil);
bool civil_valid(int32_t year, int32_t month, int32_t day);
int32_t days_in_month(int32_t year, int32_t month);

static inline int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
}
static inline int64_t floor_mod(int64_t a, int64_t b) {
    return a - floor_div(a, b) * b;
}

// Rounds down to [precision] fractional digits of a second.
Timestamp timestamp_truncate(Timestamp ts, int32_t precision);

// "2020-01-31", "12:34:56[.789]", "2020-01-31 12:34:56[.fraction]" with exactly [precision]
// fractional digits; return the length written.
enum { DATETIME_TEXT_MAX = 48 };
uint32_t date_print(int32_t days, char *out);
uint32_t time_print(int32_t ms, int32_t precision, char *out);
uint32_t timestamp_print(Timestamp ts, int32_t precision, char *out);

// CAST(text AS DATE / TIME / TIMESTAMP) as Flink reads it (surprises 26); the whole text or false.
bool date_parse(Str text, int32_t *days);
bool time_parse(Str text, int32_t *ms);
bool timestamp_parse(Str text, Timestamp *out);

// Strict and fast readers for decoders: 'yyyy-MM-dd HH:mm:ss[.f{1,9}]' and, with [iso], 'T' between
// and an optional 'Z' at the end, as the SQL and ISO-8601 standards of the json and csv formats.
bool timestamp_parse_format(Str text, bool iso, bool zulu, Timestamp *out);
