// func/java_time_read.c - DateTimeFormatter patterns: the reader and the resolver.
//
// Reading collects fields; a field read twice must have one value. Resolving, as java.time's SMART
// style does it, makes a date of the first complete set (year, month, day; year, day of year;
// week year, week, weekday; Julian day), a time of the hour fields, and checks what is left over
// against them.
#include "func/java_time_int.h"

typedef struct Fields {
    uint64_t has;  // bit per TimeField
    int64_t value[FIELD_COUNT_];
} Fields;

static bool has(const Fields *fields, TimeField field) {
    return fields->has >> field & 1;
}

// False when the field is there with another value.
static bool set(Fields *fields, TimeField field, int64_t value) {
    if (has(fields, field) && fields->value[field] != value) return false;
    fields->has |= (uint64_t)1 << field;
    fields->value[field] = value;
    return true;
}

static bool take(Fields *fields, TimeField field, int64_t *value) {
    if (!has(fields, field)) return false;
    fields->has &= ~((uint64_t)1 << field);
    *value = fields->value[field];
    return true;
}

// ---- reading -----------------------------------------------------------------------------------

// Positions are offsets into the text; a reader answers the next one, or -1.
static int64_t digit_at(Str text, int64_t at) {
    if (at >= text.len) return -1;
    unsigned digit = (unsigned)(unsigned char)text.ptr[at] - '0';
    return digit < 10 ? (int64_t)digit : -1;
}

static int64_t read_number(const Element *e, Str text, int64_t at, Fields *fields) {
    if (at == text.len) return -1;
    bool plus = text.ptr[at] == '+', minus = text.ptr[at] == '-';
    if (plus && e->sign != SIGN_EXCEEDS) return -1;
    if (minus && e->sign == SIGN_NEVER) return -1;
    if (plus || minus) at++;
    int64_t start = at, count = 0;
    int64_t width = e->width_max + (e->following > 0 ? e->following : 0);
    while (count < width && digit_at(text, start + count) >= 0) count++;
    if (count < e->width_min) return -1;
    if (e->following > 0) {  // leave the neighbours theirs
        count -= e->following;
        if (count < e->width_min) count = e->width_min;
    }
    i128 value = 0;
    for (int64_t i = 0; i < count; i++) value = value * 10 + digit_at(text, start + i);
    if (value > INT64_MAX) return -1;
    if (minus && value == 0) return -1;
    if (e->sign == SIGN_EXCEEDS && !minus && plus != (count > e->width_min)) return -1;
    int64_t number = minus ? -(int64_t)value : (int64_t)value;
    if (e->kind == ELEMENT_YEAR2) number += 2000;
    return set(fields, e->field, number) ? start + count : -1;
}

static int64_t read_fraction(const Element *e, Str text, int64_t at, Fields *fields) {
    int64_t value = 0;
    for (uint32_t i = 0; i < 9; i++) {
        int64_t digit = 0;
        if (i < e->width_max) digit = digit_at(text, at + i);
        if (digit < 0) return -1;
        value = value * 10 + digit;
    }
    return set(fields, FIELD_NANO, value) ? at + e->width_max : -1;
}

// The longest name wins; of equal narrow names ("J") the last one.
static int64_t read_text(const Element *e, Str text, int64_t at, Fields *fields) {
    int64_t found = -1;
    uint32_t found_len = 0;
    int64_t first = e->field == FIELD_ERA || e->field == FIELD_AMPM ? 0 : 1;
    for (int64_t value = first; value < first + time_field_names(e->field); value++) {
        Str name = str_c(time_field_name(e->field, e->style, value));
        if (name.len < found_len || at + name.len > text.len) continue;
        if (memcmp(text.ptr + at, name.ptr, name.len) == 0) {
            found = value;
            found_len = name.len;
        }
    }
    if (found < 0 || !set(fields, e->field, found)) return -1;
    return at + found_len;
}

static int64_t two_digits(Str text, int64_t at) {
    int64_t tens = digit_at(text, at), ones = digit_at(text, at + 1);
    return tens < 0 || ones < 0 ? -1 : tens * 10 + ones;
}

// X: +HH or +HHmm, XX: +HHMM, XXX: +HH:MM; with four and five letters seconds may follow.
static int64_t read_offset(const Element *e, Str text, int64_t at, Fields *fields) {
    if (at == text.len) return -1;
    uint32_t form = e->offset_form;
    bool colon = form == 3 || form == 5;
    if (e->offset_zulu) {
        if (text.ptr[at] == 'Z') return set(fields, FIELD_OFFSET, 0) ? at + 1 : -1;
    }
    int64_t sign = text.ptr[at] == '+' ? 1 : text.ptr[at] == '-' ? -1 : 0;
    int64_t hours = two_digits(text, at + 1), minutes = 0, seconds = 0;
    if (!sign || hours < 0) return -1;
    at += 3;
    bool mark = colon && at < text.len && text.ptr[at] == ':';
    minutes = colon && !mark ? -1 : two_digits(text, at + mark);
    if (minutes < 0) {
        if (form != 1) return -1;
        minutes = 0;
    } else {
        at += 2 + mark;
        mark = colon && at < text.len && text.ptr[at] == ':';
        seconds = form < 4 || (colon && !mark) ? -1 : two_digits(text, at + mark);
        if (seconds < 0) {
            seconds = 0;
        } else {
            at += 2 + mark;
        }
    }
    if (hours > 23 || minutes > 59 || seconds > 59) return -1;
    int64_t offset = sign * (hours * 3600 + minutes * 60 + seconds);
    return set(fields, FIELD_OFFSET, offset) ? at : -1;
}

// A zone's name is read over, not understood: the result of reading has no zone.
static int64_t read_zone(Str text, int64_t at) {
    int64_t end = at;
    for (; end < text.len; end++) {
        char c = text.ptr[end];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool other = end > at && ((c >= '0' && c <= '9') || memchr("/_+-:", c, 5));
        if (!letter && !other) break;
    }
    return end > at ? end : -1;
}

static int64_t read_element(const Element *e, Str text, int64_t at, Fields *fields) {
    switch (e->kind) {
        case ELEMENT_NUMBER:
        case ELEMENT_YEAR2: return read_number(e, text, at, fields);
        case ELEMENT_FRACTION: return read_fraction(e, text, at, fields);
        case ELEMENT_TEXT: return read_text(e, text, at, fields);
        case ELEMENT_OFFSET: return read_offset(e, text, at, fields);
        case ELEMENT_ZONE: return read_zone(text, at);
        case ELEMENT_LITERAL: {
            bool there = text.len - at >= e->text.len &&
                         memcmp(text.ptr + at, e->text.ptr, e->text.len) == 0;
            return there ? at + e->text.len : -1;
        }
        default: return -1;
    }
}

static int64_t read_padded(const Element *e, Str text, int64_t at, Fields *fields) {
    int64_t end = at + e->pad;
    if (end > text.len) return -1;
    while (at < end && text.ptr[at] == ' ') at++;
    return read_element(e, str_make(text.ptr, (size_t)end), at, fields) == end ? end : -1;
}

// Elements [from, to). A section that does not fit leaves no trace.
static int64_t read_elements(const TimePattern *pattern, uint32_t from, uint32_t to, Str text,
                             int64_t at, Fields *fields) {
    for (uint32_t i = from; i < to && at >= 0; i++) {
        const Element *e = &pattern->element[i];
        if (e->kind == ELEMENT_OPEN) {
            Fields inner = *fields;
            int64_t end = read_elements(pattern, i + 1, e->partner, text, at, &inner);
            if (end >= 0) {
                *fields = inner;
                at = end;
            }
            i = e->partner;
            continue;
        }
        at = (e->pad ? read_padded : read_element)(e, text, at, fields);
    }
    return at;
}

// ---- resolving ---------------------------------------------------------------------------------

enum { JAVA_YEAR_MAX = 999999999 };

typedef struct Resolved {
    Fields left;
    bool has_date, has_time;
    int32_t year, month, day;
    int32_t hour, minute, second, nanos;
    bool next_day;  // 24:00
} Resolved;

static bool in_range(int64_t value, int64_t low, int64_t high) {
    return value >= low && value <= high;
}

static bool resolve_year_of_era(Fields *f) {
    int64_t year, era;
    if (!take(f, FIELD_YEAR_OF_ERA, &year)) return true;
    if (!in_range(year, 1, JAVA_YEAR_MAX + 1ll)) return false;
    if (take(f, FIELD_ERA, &era)) return set(f, FIELD_YEAR, era == 1 ? year : 1 - year);
    bool christian = !has(f, FIELD_YEAR) || f->value[FIELD_YEAR] > 0;
    return set(f, FIELD_YEAR, christian ? year : 1 - year);
}

static void set_date(Resolved *r, int64_t days) {
    civil_from_days((int32_t)days, &r->year, &r->month, &r->day);
    r->has_date = true;
}

// Year, month, week of the month and weekday.
static bool resolve_month_week(Resolved *r) {
    Fields *f = &r->left;
    int64_t year = 0, month = 0, week = 0, weekday = 0;
    if (!has(f, FIELD_MONTH) || !has(f, FIELD_WEEK_OF_MONTH) || !has(f, FIELD_WEEKDAY)) return true;
    (void)take(f, FIELD_YEAR, &year);
    (void)take(f, FIELD_MONTH, &month);
    (void)take(f, FIELD_WEEK_OF_MONTH, &week);
    (void)take(f, FIELD_WEEKDAY, &weekday);
    if (!in_range(year, -JAVA_YEAR_MAX, JAVA_YEAR_MAX) || !in_range(month, 1, 12)) return false;
    if (!in_range(week, 0, 6) || !in_range(weekday, 1, 7)) return false;
    int64_t first = days_from_civil((int32_t)year, (int32_t)month, 1);
    set_date(r, first - floor_mod(first + 4, 7) + (week - 1) * 7 + weekday % 7);
    return true;
}

static bool resolve_week_date(Resolved *r) {
    int64_t year = 0, week = 0, weekday = 0;
    Fields *f = &r->left;
    if (has(f, FIELD_YEAR)) return resolve_month_week(r);
    if (!has(f, FIELD_WEEKDAY) || !has(f, FIELD_WEEK_YEAR) || !has(f, FIELD_WEEK_OF_YEAR)) {
        return true;
    }
    (void)take(f, FIELD_WEEKDAY, &weekday);
    (void)take(f, FIELD_WEEK_YEAR, &year);
    (void)take(f, FIELD_WEEK_OF_YEAR, &week);
    if (!in_range(week, 1, 53) || !in_range(weekday, 1, 7)) return false;
    if (!in_range(year, -JAVA_YEAR_MAX, JAVA_YEAR_MAX)) return false;
    int64_t first = days_from_civil((int32_t)year, 1, 1);
    int64_t sunday = first - floor_mod(first + 4, 7);
    int64_t next = days_from_civil((int32_t)year + 1, 1, 1);
    int64_t last_week = (next - floor_mod(next + 4, 7) - sunday) / 7;
    if (week > last_week) week = last_week;
    set_date(r, sunday + (week - 1) * 7 + weekday % 7);
    return true;
}

static bool resolve_date(Resolved *r) {
    Fields *f = &r->left;
    int64_t year, month, day, value;
    if (!resolve_year_of_era(f)) return false;
    if (take(f, FIELD_WEEKDAY_LOCAL, &value)) {
        if (!in_range(value, 1, 7)) return false;
        f->has &= ~((uint64_t)1 << FIELD_WEEKDAY);  // it wins over the day's name
        (void)set(f, FIELD_WEEKDAY, (value + 5) % 7 + 1);
    }
    if (has(f, FIELD_YEAR) && has(f, FIELD_MONTH) && has(f, FIELD_DAY_OF_MONTH)) {
        (void)take(f, FIELD_YEAR, &year);
        (void)take(f, FIELD_MONTH, &month);
        (void)take(f, FIELD_DAY_OF_MONTH, &day);
        if (!in_range(year, -JAVA_YEAR_MAX, JAVA_YEAR_MAX)) return false;
        if (!in_range(month, 1, 12) || !in_range(day, 1, 31)) return false;
        int32_t last = days_in_month((int32_t)year, (int32_t)month);
        r->year = (int32_t)year;
        r->month = (int32_t)month;
        r->day = day < last ? (int32_t)day : last;
        r->has_date = true;
        return true;
    }
    if (has(f, FIELD_YEAR) && has(f, FIELD_DAY_OF_YEAR)) {
        (void)take(f, FIELD_YEAR, &year);
        (void)take(f, FIELD_DAY_OF_YEAR, &day);
        if (!in_range(year, -JAVA_YEAR_MAX, JAVA_YEAR_MAX)) return false;
        if (!in_range(day, 1, days_in_month((int32_t)year, 2) + 337)) return false;
        int32_t first = days_from_civil((int32_t)year, 1, 1);
        set_date(r, first + day - 1);
        r->year = (int32_t)year;
        return true;
    }
    if (take(f, FIELD_JULIAN_DAY, &value)) {
        if (!in_range(value, INT32_MIN, INT32_MAX)) return false;
        set_date(r, value - 40587);
        return true;
    }
    return resolve_week_date(r);
}

static bool set_time(Resolved *r, int64_t hour, int64_t minute, int64_t second, int64_t nanos) {
    if (hour == 24 && !minute && !second && !nanos) {
        r->next_day = true;
        hour = 0;
    }
    if (!in_range(hour, 0, 23) || !in_range(minute, 0, 59) || !in_range(second, 0, 59))
        return false;
    if (!in_range(nanos, 0, 999999999)) return false;
    r->hour = (int32_t)hour;
    r->minute = (int32_t)minute;
    r->second = (int32_t)second;
    r->nanos = (int32_t)nanos;
    r->has_time = true;
    return true;
}

// The other spellings of the hour become hour-of-day and its companions.
static bool simplify_time(Fields *f) {
    int64_t value, ampm;
    if (take(f, FIELD_CLOCK_HOUR, &value)) {
        if (!in_range(value, 0, 24)) return false;  // 0 is let through, as 24 is
        if (!set(f, FIELD_HOUR, value == 24 ? 0 : value)) return false;
    }
    if (take(f, FIELD_CLOCK_HOUR_OF_AMPM, &value)) {
        if (!in_range(value, 0, 12)) return false;
        if (!set(f, FIELD_HOUR_OF_AMPM, value == 12 ? 0 : value)) return false;
    }
    if (has(f, FIELD_AMPM) && has(f, FIELD_HOUR_OF_AMPM)) {
        (void)take(f, FIELD_AMPM, &ampm);
        (void)take(f, FIELD_HOUR_OF_AMPM, &value);
        if (!in_range(value, 0, 11)) return false;
        if (!set(f, FIELD_HOUR, ampm * 12 + value)) return false;
    }
    if (take(f, FIELD_NANO_OF_DAY, &value)) {
        if (!in_range(value, 0, 86400000000000 - 1)) return false;
        int64_t seconds = value / 1000000000;
        if (!set(f, FIELD_HOUR, seconds / 3600) || !set(f, FIELD_MINUTE, seconds / 60 % 60))
            return false;
        if (!set(f, FIELD_SECOND, seconds % 60) || !set(f, FIELD_NANO, value % 1000000000))
            return false;
    }
    return true;
}

static bool resolve_milli_of_day(Fields *f) {
    int64_t value;
    if (!take(f, FIELD_MILLI_OF_DAY, &value)) return true;
    if (!in_range(value, 0, MS_PER_DAY - 1)) return false;
    int64_t nanos = value % 1000 * NS_PER_MS;
    if (has(f, FIELD_NANO)) nanos += f->value[FIELD_NANO] % NS_PER_MS;  // finer, but no other
    return set(f, FIELD_HOUR, value / 3600000) && set(f, FIELD_MINUTE, value / 60000 % 60) &&
           set(f, FIELD_SECOND, value / 1000 % 60) && set(f, FIELD_NANO, nanos);
}

static bool resolve_time(Resolved *r) {
    Fields *f = &r->left;
    if (!simplify_time(f) || !resolve_milli_of_day(f)) return false;
    bool hour = has(f, FIELD_HOUR), minute = has(f, FIELD_MINUTE);
    bool second = has(f, FIELD_SECOND), nano = has(f, FIELD_NANO);
    int64_t ampm;
    if (!hour && !minute && !second && !nano && take(f, FIELD_AMPM, &ampm)) {
        return set_time(r, ampm * 12 + 6, 0, 0, 0);  // the middle of the half day
    }
    bool gap = (!minute && (second || nano)) || (!second && nano);
    if (nano && !in_range(f->value[FIELD_NANO], 0, 999999999)) return false;
    if (hour && gap) return true;
    if (hour) {
        int64_t part[4] = {0, 0, 0, 0};
        (void)take(f, FIELD_HOUR, &part[0]);
        (void)take(f, FIELD_MINUTE, &part[1]);
        (void)take(f, FIELD_SECOND, &part[2]);
        (void)take(f, FIELD_NANO, &part[3]);
        if (!set_time(r, part[0], part[1], part[2], part[3])) return false;
    }
    // What could not be joined must be in its range at least.
    static const struct {
        TimeField field;
        int64_t high;
    } RANGES[] = {{FIELD_HOUR, 23},        {FIELD_MINUTE, 59},       {FIELD_SECOND, 59},
                  {FIELD_NANO, 999999999}, {FIELD_HOUR_OF_AMPM, 11}, {FIELD_AMPM, 1}};
    for (uint32_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++) {
        TimeField field = RANGES[i].field;
        if (has(f, field) && !in_range(f->value[field], 0, RANGES[i].high)) return false;
    }
    return true;
}

// Fields beside a whole date or time must say the same.
static bool cross_check(const Resolved *r) {
    const Fields *f = &r->left;
    if (r->has_date) {
        int32_t days = days_from_civil(r->year, r->month, r->day);
        int32_t day_of_year = days - days_from_civil(r->year, 1, 1) + 1;
        int32_t weekday = (int32_t)floor_mod((int64_t)days + 4, 7) + 1;
        int64_t week, week_year = time_week_year(r->year, day_of_year, weekday, &week);
        const struct {
            TimeField field;
            int64_t value;
        } SAME[] = {{FIELD_QUARTER, (r->month + 2) / 3},
                    {FIELD_MONTH, r->month},
                    {FIELD_DAY_OF_MONTH, r->day},
                    {FIELD_WEEKDAY_IN_MONTH, (r->day - 1) % 7 + 1},
                    {FIELD_WEEKDAY, floor_mod((int64_t)days + 3, 7) + 1},
                    {FIELD_YEAR, r->year},
                    {FIELD_DAY_OF_YEAR, day_of_year},
                    {FIELD_ERA, r->year >= 1},
                    {FIELD_JULIAN_DAY, days + 40587ll},
                    {FIELD_WEEK_YEAR, week_year},
                    {FIELD_WEEK_OF_YEAR, week},
                    {FIELD_WEEK_OF_MONTH, time_week_number(r->day, weekday)}};
        for (uint32_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
            if (has(f, SAME[i].field) && f->value[SAME[i].field] != SAME[i].value) return false;
        }
    }
    if (r->has_time) {
        if (has(f, FIELD_AMPM) && f->value[FIELD_AMPM] != r->hour / 12) return false;
        if (has(f, FIELD_HOUR_OF_AMPM) && f->value[FIELD_HOUR_OF_AMPM] != r->hour % 12)
            return false;
    }
    return true;
}

// A field from the whole date or time, or alone, or its value in 1970-01-01 00:00:00.
static bool part(const Resolved *r, bool whole, int32_t value, TimeField field, int64_t low,
                 int64_t high, int32_t missing, int32_t *out) {
    *out = missing;
    if (whole) {
        *out = value;
    } else if (has(&r->left, field)) {
        if (!in_range(r->left.value[field], low, high)) return false;
        *out = (int32_t)r->left.value[field];
    }
    return true;
}

TimeRead time_pattern_read(const TimePattern *pattern, Str text, Timestamp *out) {
    Resolved r = {0};
    if (read_elements(pattern, 0, pattern->count, text, 0, &r.left) != text.len)
        return TIME_READ_NOT;
    if (!resolve_date(&r) || !resolve_time(&r) || !cross_check(&r)) return TIME_READ_NOT;
    if (has(&r.left, FIELD_OFFSET) && !in_range(r.left.value[FIELD_OFFSET], -64800, 64800)) {
        if (r.has_date && r.has_time) return TIME_READ_NOT;
    }
    Civil c;
    if (!part(&r, r.has_date, r.year, FIELD_YEAR, -JAVA_YEAR_MAX, JAVA_YEAR_MAX, 1970, &c.year) ||
        !part(&r, r.has_date, r.month, FIELD_MONTH, 1, 12, 1, &c.month) ||
        !part(&r, r.has_date, r.day, FIELD_DAY_OF_MONTH, 1, 31, 1, &c.day) ||
        !part(&r, r.has_time, r.hour, FIELD_HOUR, 0, 23, 0, &c.hour) ||
        !part(&r, r.has_time, r.minute, FIELD_MINUTE, 0, 59, 0, &c.minute) ||
        !part(&r, r.has_time, r.second, FIELD_SECOND, 0, 59, 0, &c.second) ||
        !part(&r, r.has_time, r.nanos, FIELD_NANO, 0, 999999999, 0, &c.nanos)) {
        return TIME_READ_INVALID;
    }
    if (!civil_valid(c.year, c.month, c.day)) return TIME_READ_INVALID;
    *out = timestamp_from_civil(c);
    if (r.next_day && r.has_date) out->ms += MS_PER_DAY;
    return TIME_READ_OK;
}
