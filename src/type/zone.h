// type/zone.h - time zones: 'UTC', 'GMT+08:00', 'Asia/Shanghai', from the system's tzdata (TZif:
// transitions and the POSIX footer). A Zone is immutable, cached for the life of the process, and
// may be used by any thread.
//
// Java has two kinds of zones and Flink uses both: java.time's ZoneRules, and the older
// java.util.TimeZone behind SimpleDateFormat, which knows nothing of local mean times before 1900
// and resolves repeated hours the other way. The latter's view is in the functions with "legacy".
#pragma once

#include "base/text.h"

typedef struct Zone Zone;

const Zone *zone_utc(void);
// What 'table.local-time-zone' may hold: a region or GMT+hh:mm, as both of Java's classes read it
// alike. ST_VALIDATION when there is no such zone. Any thread.
NODISCARD Status zone_find(Str name, const Zone **out, Error *err);
// What java.time.ZoneId.of takes: also '+08:00', 'Z', 'UTC+8'. NULL when there is no such zone.
const Zone *zone_find_id(Str name);
// What java.util.TimeZone.getTimeZone takes: also 'PST' and its like; all else is GMT.
const Zone *zone_find_legacy(Str name);
Str zone_name(const Zone *zone);
bool zone_is_utc(const Zone *zone);  // offset 0 always: callers skip the shift
// Milliseconds to add to UTC to get local time, at a UTC instant.
int32_t zone_offset_ms(const Zone *zone, int64_t utc_ms);
// Local wall clock to UTC as java.time's LocalDateTime.atZone: in a gap the later offset's result
// moves forward by the gap, in an overlap the earlier offset wins.
int64_t zone_local_to_utc(const Zone *zone, int64_t local_ms);
// Abbreviation at an instant ("CST"), for DATE_FORMAT's z.
Str zone_abbreviation(const Zone *zone, int64_t utc_ms);
bool zone_is_dst(const Zone *zone, int64_t utc_ms);

// java.util.TimeZone.getOffset, and its wall clock: in a gap as above, in an overlap the later
// offset wins.
int32_t zone_legacy_offset_ms(const Zone *zone, int64_t utc_ms);
int64_t zone_legacy_local_to_utc(const Zone *zone, int64_t local_ms);
