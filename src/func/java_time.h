// func/java_time.h - format patterns of java.time.format.DateTimeFormatter ("yyyy-MM-dd HH:mm"), in
// which DATE_FORMAT prints timestamps and TO_TIMESTAMP reads text: English names, weeks that start
// on Sunday, the SMART resolver. The older SimpleDateFormat is in func/simple_date.h.
#pragma once

#include "type/datetime.h"

typedef struct TimePattern TimePattern;  // immutable; lies in the arena it was compiled in

// ST_RUNTIME when the pattern is none; Flink learns of that when it evaluates.
NODISCARD Status time_pattern_compile(Arena *arena, Str text, const TimePattern **out, Error *err);

// Appends [local] to [out]. ST_RUNTIME when the pattern asks for what a local timestamp has not (a
// zone) or has no room for a value.
NODISCARD Status time_pattern_print(const TimePattern *pattern, Timestamp local, Buf *out,
                                    Error *err);

// Milliseconds of a day, an hour, a minute or a second: two timestamps within one such step print
// alike. 0 when the pattern shows fractions.
int64_t time_pattern_step_ms(const TimePattern *pattern);

typedef enum TimeRead {
    TIME_READ_OK,
    TIME_READ_NOT,      // the text is not of the pattern: TO_TIMESTAMP then tries 'yyyy-M-d H:m:s'
    TIME_READ_INVALID,  // it is, but makes no timestamp: an error
} TimeRead;

// Missing fields are those of 1970-01-01 00:00:00.
TimeRead time_pattern_read(const TimePattern *pattern, Str text, Timestamp *out);

// English names, shared with simple_date.c. [index] from 0: January, Sunday.
extern const char *const MONTH_NAMES[12];
extern const char *const DAY_NAMES[7];
