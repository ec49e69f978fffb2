// ml/series/calendar.c - days known in advance.
#include "ml/series/calendar.h"

#include <stdatomic.h>
#include <stdlib.h>

// People leave in the afternoon before a holiday, more and more of them, and are back by the
// morning after it.
enum { RAMP_MS = 10 * 3600000, FADE_MS = 8 * 3600000, NEAR_MS = 30 * 60000, RUN_DAYS_MAX = 60 };

static int by_day(const void *a, const void *b) {
    int32_t left = ((const SeriesDay *)a)->day, right = ((const SeriesDay *)b)->day;
    return (left > right) - (left < right);
}

static int by_start(const void *a, const void *b) {
    int64_t left = ((const SeriesSpan *)a)->from_ms, right = ((const SeriesSpan *)b)->from_ms;
    return (left > right) - (left < right);
}

// Insertion keeps the order of equals, which qsort does not promise; calendars come nearly sorted.
static void sort_days(SeriesDay *day, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        SeriesDay kept = day[i];
        uint32_t at = i;
        for (; at && by_day(&day[at - 1], &kept) > 0; at--) day[at] = day[at - 1];
        day[at] = kept;
    }
}

SeriesCalendar *series_calendar_new(int64_t zone_ms, const SeriesDay *day, uint32_t days,
                                    const SeriesSpan *promotion, uint32_t promotions) {
    SeriesCalendar *self = NEW(SeriesCalendar);
    atomic_store(&self->refs, 1);
    self->zone_ms = zone_ms;
    self->day = NEW_ARRAY(SeriesDay, days + 1);
    if (days) memcpy(self->day, day, days * sizeof *day);
    sort_days(self->day, days);
    for (uint32_t i = 0; i < days; i++) {
        if (self->days && self->day[self->days - 1].day == self->day[i].day) self->days--;
        self->day[self->days++] = self->day[i];
    }
    self->promotion = NEW_ARRAY(SeriesSpan, promotions + 1);
    self->promotions = promotions;
    if (promotions) memcpy(self->promotion, promotion, promotions * sizeof *promotion);
    qsort(self->promotion, promotions, sizeof *promotion, by_start);
    return self;
}

SeriesCalendar *series_calendar_ref(SeriesCalendar *calendar) {
    if (calendar) atomic_fetch_add(&calendar->refs, 1);
    return calendar;
}

SeriesCalendar *series_calendar_unref(SeriesCalendar *calendar) {
    if (calendar && atomic_fetch_sub(&calendar->refs, 1) == 1) {
        mem_free(calendar->day);
        mem_free(calendar->promotion);
        mem_free(calendar);
    }
    return NULL;
}

void series_calendar_code(Codec *codec, SeriesCalendar **calendar) {
    bool there = *calendar != NULL;
    codec_bool(codec, &there);
    if (!there) return;
    if (codec_reads(codec)) *calendar = series_calendar_new(0, NULL, 0, NULL, 0);
    SeriesCalendar *self = *calendar;
    codec_i64(codec, &self->zone_ms);
    codec_count(codec, &self->days, SERIES_CALENDAR_MAX, 5);
    if (codec_reads(codec)) {
        mem_free(self->day);
        self->day = NEW_ARRAY(SeriesDay, self->days + 1);
    }
    for (uint32_t i = 0; i < self->days && !codec->failed; i++) {
        uint32_t day = (uint32_t)self->day[i].day;
        int kind = (int)self->day[i].kind;
        codec_u32(codec, &day);
        codec_kind(codec, &kind, SERIES_DAY_KINDS);
        self->day[i] = (SeriesDay){(int32_t)day, (SeriesDayKind)kind};
    }
    codec_count(codec, &self->promotions, SERIES_CALENDAR_MAX, 16);
    if (codec_reads(codec)) {
        mem_free(self->promotion);
        self->promotion = NEW_ARRAY(SeriesSpan, self->promotions + 1);
    }
    for (uint32_t i = 0; i < self->promotions; i++) {
        codec_i64(codec, &self->promotion[i].from_ms);
        codec_i64(codec, &self->promotion[i].to_ms);
    }
    if (!codec_reads(codec)) return;
    sort_days(self->day, self->days);
    if (codec->failed) *calendar = series_calendar_unref(self);
}

static bool digits(Str text, uint32_t from, uint32_t count, int32_t *out) {
    *out = 0;
    for (uint32_t i = from; i < from + count; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        *out = *out * 10 + (text.ptr[i] - '0');
    }
    return true;
}

// Days from civil, after Howard Hinnant: years begin in March, so that the leap day ends them.
static int32_t day_of(int32_t year, int32_t month, int32_t day) {
    year -= month <= 2;
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    int32_t of_era = year - era * 400;
    int32_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool series_day_parse(Str text, int32_t *day) {
    int32_t y, m, d;
    if (text.len < 10 || text.ptr[4] != '-' || text.ptr[7] != '-') return false;
    if (!digits(text, 0, 4, &y) || !digits(text, 5, 2, &m) || !digits(text, 8, 2, &d)) return false;
    if (m < 1 || m > 12 || d < 1 || d > 31) return false;
    *day = day_of(y, m, d);
    return true;
}

// The first entry of [day] or later.
static uint32_t seek(const SeriesCalendar *calendar, int32_t day) {
    uint32_t low = 0, high = calendar->days;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (calendar->day[mid].day < day) low = mid + 1;
        else high = mid;
    }
    return low;
}

static uint8_t weekday_of(int32_t day) {
    return (uint8_t)(((day + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
}

bool series_day_rests(const SeriesCalendar *calendar, int32_t day, bool *holiday) {
    *holiday = false;
    if (calendar && calendar->days) {
        uint32_t at = seek(calendar, day);
        if (at < calendar->days && calendar->day[at].day == day) {
            *holiday = calendar->day[at].kind == SERIES_HOLIDAY;
            return *holiday;
        }
    }
    return weekday_of(day) >= 5;
}

static void holiday_near(const SeriesCalendar *calendar, int64_t local_ms, SeriesMoment *out) {
    bool before, after;
    (void)series_day_rests(calendar, out->day + 1, &after);
    (void)series_day_rests(calendar, out->day - 1, &before);
    int32_t first = out->day;
    if (out->holiday) {
        out->growth = 1;
    } else if (after) {
        double to_go = (double)((int64_t)(out->day + 1) * SERIES_DAY_MS - local_ms);
        double gone = to_go < RAMP_MS ? 1 - to_go / RAMP_MS : 0;
        out->growth = gone * gone;
        first = out->day + 1;
    }
    if (before && !out->holiday && out->at_ms < FADE_MS) {
        double left = 1 - (double)out->at_ms / FADE_MS;
        if (left > out->growth) out->growth = left, first = out->day - 1;
    }
    if (out->growth <= 0) return;
    bool holiday = true;
    for (int32_t days = 0; days < RUN_DAYS_MAX && first > INT32_MIN / 2; days++) {
        (void)series_day_rests(calendar, first - 1, &holiday);
        if (!holiday) break;
        first--;
    }
    out->run = first;
}

void series_moment(const SeriesCalendar *calendar, int64_t ts_ms, SeriesMoment *out) {
    int64_t local = ts_ms + (calendar ? calendar->zone_ms : 0);
    int64_t day = local / SERIES_DAY_MS - (local % SERIES_DAY_MS < 0);
    *out = (SeriesMoment){.day = (int32_t)day, .at_ms = (int32_t)(local - day * SERIES_DAY_MS)};
    out->weekday = weekday_of(out->day);
    out->rest = series_day_rests(calendar, out->day, &out->holiday);
    if (calendar && calendar->days) {
        uint32_t at = seek(calendar, out->day - 1);
        bool some = at < calendar->days && calendar->day[at].day <= out->day + 1;
        if (some) holiday_near(calendar, local, out);
    }
    int32_t other = out->at_ms < NEAR_MS                   ? out->day - 1
                    : out->at_ms >= SERIES_DAY_MS - NEAR_MS ? out->day + 1
                                                            : out->day;
    if (other != out->day) {
        int32_t away = other < out->day ? out->at_ms : SERIES_DAY_MS - out->at_ms;
        out->near = 0.5f * (1 - (float)away / (float)NEAR_MS);
        out->near_weekday = weekday_of(other);
        out->near_rest = series_day_rests(calendar, other, &out->near_holiday);
    }
    for (uint32_t i = 0; calendar && i < calendar->promotions; i++) {
        if (calendar->promotion[i].from_ms > ts_ms) break;
        if (ts_ms < calendar->promotion[i].to_ms) out->promotion = true;
    }
}
