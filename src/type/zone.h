// type/zone.h - time zones: 'UTC', 'GMT+08:00', 'Asia/Shanghai', from the system's tzdata (TZif:
// transitions and the POSIX footer). A Zone is immutable, cached for the life of the process, and
// may be used by any thread.
#pragma once

#include "base/text.h"

typedef struct Zone Zone;

const Zone *zone_utc(void);
// ST_VALIDATION when there is no such zone. Any thread.
NODISCARD Status zone_find(Str name, const Zone **out, Error *err);
Str zone_name(const Zone *zone);
// Milliseconds to add to UTC to get local time, at a UTC instant.
int32_t zone_offset_ms(const Zone *zone, int64_t utc_ms);
// Local wall clock to UTC as java.time's LocalDateTime.atZone: in a gap the later offset's result
// moves forward by the gap, in an overlap the earlier offset wins.
int64_t zone_local_to_utc(const Zone *zone, int64_t local_ms);
// Abbreviation at an instant ("CST"), for DATE_FORMAT's z.
Str zone_abbreviation(const Zone *zone, int64_t utc_ms);
