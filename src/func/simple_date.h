// func/simple_date.h - format patterns of java.text.SimpleDateFormat, which FROM_UNIXTIME,
// UNIX_TIMESTAMP, TO_DATE, CONVERT_TZ and DATE_FORMAT of text use: lenient fields (13 is a month),
// the calendar that was Julian before 1582, java.util.TimeZone, English names.
#pragma once

#include "type/datetime.h"
#include "type/zone.h"

typedef struct DatePattern DatePattern;  // immutable; lies in the arena it was compiled in

// ST_RUNTIME when the pattern is none.
NODISCARD Status date_pattern_compile(Arena *arena, Str text, const DatePattern **out, Error *err);

void date_pattern_print(const DatePattern *pattern, int64_t utc_ms, const Zone *zone, Buf *out);

// Reads the beginning of [text]; what follows does not matter. [now_ms] decides the century of
// two-digit years. False when the text is not of the pattern.
bool date_pattern_read(const DatePattern *pattern, Str text, const Zone *zone, int64_t now_ms,
                       int64_t *utc_ms);
