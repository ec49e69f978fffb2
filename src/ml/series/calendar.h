// ml/series/calendar.h - what is known about days in advance: holidays, weekend days that are
// worked, promotions; and what kind of day a moment lies in.
//
// Days are counted from 1970-01-01 in the calendar's own zone. A calendar never changes once it is
// made and is shared by the metrics that use it.
#pragma once

#include "ml/codec.h"

enum { SERIES_DAY_MS = 86400000, SERIES_CALENDAR_MAX = 100000 };

typedef enum SeriesDayKind { SERIES_HOLIDAY, SERIES_WORKDAY, SERIES_DAY_KINDS } SeriesDayKind;

typedef struct SeriesDay {
    int32_t day;
    SeriesDayKind kind;
} SeriesDay;

typedef struct SeriesSpan {
    int64_t from_ms, to_ms;  // to_ms is outside
} SeriesSpan;

typedef struct SeriesCalendar {
    _Atomic uint32_t refs;
    int64_t zone_ms;  // local time is UTC and this
    SeriesDay *day;   // by day
    uint32_t days;
    SeriesSpan *promotion;  // by start; a rise within is no news, and neither is its end
    uint32_t promotions;
} SeriesCalendar;

// Copies; sorts; of a day that is named twice the last naming stands.
SeriesCalendar *series_calendar_new(int64_t zone_ms, const SeriesDay *day, uint32_t days,
                                    const SeriesSpan *promotion, uint32_t promotions);
SeriesCalendar *series_calendar_ref(SeriesCalendar *calendar);    // NULL is fine, here and below
SeriesCalendar *series_calendar_unref(SeriesCalendar *calendar);  // always NULL
void series_calendar_code(Codec *codec, SeriesCalendar **calendar);

// "2025-03-16" as a day; false if it is none.
bool series_day_parse(Str text, int32_t *day);

// Where a moment stands: the local day, the time in it, and the holiday that it belongs to.
typedef struct SeriesMoment {
    int32_t day;
    int32_t at_ms;      // since local midnight
    uint8_t weekday;    // 0: Monday
    bool rest;          // weekend, or holiday
    bool holiday;
    bool promotion;
    int32_t run;        // the holiday's first day, if growth > 0
    double growth;      // how much of the holiday's growth is felt: 0 no day off near, 1 within
    // Days do not end with a bang: within half an hour of midnight the other day counts, too.
    float near;         // its weight, at most a half
    uint8_t near_weekday;
    bool near_rest, near_holiday;
} SeriesMoment;
void series_moment(const SeriesCalendar *calendar, int64_t ts_ms, SeriesMoment *out);
// Of one day alone.
bool series_day_rests(const SeriesCalendar *calendar, int32_t day, bool *holiday);
