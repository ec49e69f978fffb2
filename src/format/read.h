// format/read.h - text to values, as Java reads them: what the text formats share. Everything here
// takes the exact text of one value and answers false when it is not one; nothing allocates.
//
// The rules are Java's because Flink's are: Integer.parseInt takes a sign and leading zeros,
// java.time formatters resolve "smart" (30 February becomes
// the last day of February) or strictly (it is an error).
#pragma once

#include "base/text.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/value.h"

// String.trim(): strips all bytes up to and including the blank.
Str read_trim(Str text);

// Integer.parseInt and its sisters: sign, digits, no blanks; false beyond [min, max].
bool read_integer(Str text, int64_t min, int64_t max, int64_t *out);
// new BigDecimal(text) fitted to the type, rounding half up; *fits is false where the precision
// does not suffice, which is NULL in Flink and no error.
bool read_decimal(Str text, int32_t precision, int32_t scale, i128 *out, bool *fits);

// Boolean.parseBoolean of the trimmed text: whatever is not "true" is false.
bool read_bool(Str text);

// How dates and times of a format are written.
typedef enum TimeStyle {
    TIME_SQL,        // 2024-01-31 12:34:56[.f…], smart
    TIME_SQL_ZULU,   // the same and 'Z'
    TIME_ISO,        // 2024-01-31T12:34[:56[.f…]], strict
    TIME_ISO_ZULU,   // the same and 'Z', smart
} TimeStyle;

// The minute read last: stamps of one stream mostly share it. Zero-initialised is empty.
typedef struct TimeCache {
    char text[16];    // "2024-01-31 12:34"
    int64_t base_ms;  // of the minute's start
} TimeCache;

bool read_timestamp_slow(TimeCache *cache, const char *at, size_t len, TimeStyle style,
                         Timestamp *out);

// Reads the [len] bytes at [at]; 16 bytes may be loaded from there.
static inline bool read_timestamp(TimeCache *cache, const char *at, size_t len, TimeStyle style,
                                  Timestamp *out) {
    // The usual shapes "… :56" and "… :56.789" within the minute of the last one.
    if ((len == 19 || len == 23) && memcmp(at, cache->text, 16) == 0 && at[16] == ':' &&
        (style == TIME_SQL || style == TIME_ISO)) {
        uint32_t tens = (uint32_t)(at[17] - '0'), ones = (uint32_t)(at[18] - '0');
        if (tens <= 5 && ones <= 9) {
            int64_t ms = cache->base_ms + (int64_t)(tens * 10 + ones) * 1000;
            if (len == 19) return *out = (Timestamp){.ms = ms}, true;
            uint32_t a = (uint32_t)(at[20] - '0'), b = (uint32_t)(at[21] - '0'),
                     c = (uint32_t)(at[22] - '0');
            if (at[19] == '.' && a <= 9 && b <= 9 && c <= 9) {
                return *out = (Timestamp){.ms = ms + a * 100 + b * 10 + c}, true;
            }
        }
    }
    return read_timestamp_slow(cache, at, len, style, out);
}

// java.sql.Date.valueOf: one or two digits of month and day, 31 February rolls over into March.
bool read_date_lenient(Str text, int32_t *days);
// LocalTime.parse: "HH:mm[:ss[.f…]]". Milliseconds of the day.
bool read_time_short(Str text, int32_t *ms);

// Base64 with or without padding; the bytes go to [out], which has room for len / 4 * 3 + 3.
bool read_base64(Str text, char *out, uint32_t *len);
