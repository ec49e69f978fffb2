// type/datetime.h - calendar arithmetic and ISO text for DATE, TIME, TIMESTAMP. Proleptic
// Gregorian, as java.time, unless "hybrid" says Julian before 1582-10-15; zones are in type/zone.h,
// format patterns in func/java_time.h.
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
// The calendar of java.util.GregorianCalendar: Julian up to 1582-10-04, which 1582-10-15 follows.
// The day may be any number, counted on from the month's first.
int64_t days_from_hybrid(int32_t year, int32_t month, int32_t day);
void hybrid_from_days(int64_t days, int32_t *year, int32_t *month, int32_t *day);
int32_t days_in_month(int32_t year, int32_t month);

static inline int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
}
static inline int64_t floor_mod(int64_t a, int64_t b) {
    return a - floor_div(a, b) * b;
}

// A Timestamp of [ms] and any [nanos] more, normalised.
Timestamp timestamp_add_nanos(Timestamp ts, int64_t nanos);

// Rounds down to [precision] fractional digits of a second: what reading text does.
Timestamp timestamp_truncate(Timestamp ts, int32_t precision);
// CAST between timestamps of two precisions, as Flink's DateTimeUtils.truncate: towards 1970, and
// not at all when the nanosecond of the second, written as a number, is short enough.
Timestamp timestamp_cast(Timestamp ts, int32_t precision);
// CAST to TIME(precision): towards midnight.
int32_t time_truncate(int32_t ms, int32_t precision);
// CAST(TIMESTAMP AS DATE / TIME(3)): both divide towards 1970, so that the last moment of 1969 is
// of 1970-01-01, and its time of day is -1 ms. TIMESTAMP_LTZ is shifted to local time and floors.
int32_t timestamp_to_date(Timestamp ts);
int32_t timestamp_to_time(Timestamp ts);

// Calendar months, the day clipped to the length of the month; ms of the day stay.
int32_t date_add_months(int32_t days, int32_t months);
int64_t timestamp_add_months(int64_t ms, int32_t months);
// Whole months from [b] to [a], of dates and of milliseconds.
int32_t date_months_between(int32_t a, int32_t b);
int32_t timestamp_months_between(int64_t a_ms, int64_t b_ms);

// "2020-01-31", "12:34:56[.789]", "2020-01-31 12:34:56[.fraction]"; return the length written.
// As Flink prints: a year has four digits, the lower ones when there are more; a fraction has
// [precision] digits, but TIME stops after the first one when the rest is 0 ("12:00:00.0").
enum { DATETIME_TEXT_MAX = 48 };
uint32_t date_print(int32_t days, char *out);
uint32_t time_print(int32_t ms, int32_t precision, char *out);
uint32_t timestamp_print(Timestamp ts, int32_t precision, char *out);
// "+1-02" and "-1 02:03:04.567", as CAST(interval AS STRING).
uint32_t interval_months_print(int32_t months, char *out);
uint32_t interval_ms_print(int64_t ms, char *out);

// CAST(text AS DATE / TIME / TIMESTAMP) as Flink reads it (surprises 26); the whole text or false.
bool date_parse(Str text, int32_t *days);
bool time_parse(Str text, int32_t *ms);
bool timestamp_parse(Str text, Timestamp *out);

// java.sql.Date.valueOf and Timestamp.valueOf: 'yyyy-[m]m-[d]d[ hh:mm:ss[.f…]]', where 02-30 is
// 03-01 and an hour may be 25; the calendar is the hybrid one.
bool date_parse_sql(Str text, int32_t *days);
bool timestamp_parse_sql(Str text, Timestamp *out);

// Readers for decoders: 'yyyy-MM-dd HH:mm:ss[.f{0,9}]' or, with [iso], 'T' between the two (and
// then the seconds may be missing), as the SQL and ISO-8601 standards of the json and csv formats;
// with [zulu] a 'Z' must follow (TIMESTAMP_LTZ). Like java.time they clip 02-30 to 02-29 and take
// 24:00:00 for the next day, but for the strict ISO one without zone.
bool timestamp_parse_format(Str text, bool iso, bool zulu, Timestamp *out);
// ISO_LOCAL_DATE: 'yyyy-MM-dd', strict.
bool date_parse_format(Str text, int32_t *days);
// 'HH:mm:ss[.f{0,9}]'; 24:00:00 is midnight.
bool time_parse_format(Str text, int32_t *ms);
