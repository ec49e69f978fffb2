// func/simple_date_read.c - SimpleDateFormat patterns: the reader.
//
// A lenient one: blanks before a number are skipped, numbers may be of any size and sign, and
// GregorianCalendar makes a moment of whatever they are. Which of competing fields (day of month,
// day of year, week and weekday) make the date is decided by which was read last.
#include "func/simple_date_int.h"

#include "func/java_time.h"

typedef enum CalendarField {
    CALENDAR_ERA,
    CALENDAR_YEAR,
    CALENDAR_WEEK_YEAR,
    CALENDAR_MONTH,  // from 0
    CALENDAR_DAY,
    CALENDAR_DAY_OF_YEAR,
    CALENDAR_WEEK_OF_YEAR,
    CALENDAR_WEEK_OF_MONTH,
    CALENDAR_WEEKDAY,           // Sunday is 1
    CALENDAR_WEEKDAY_IN_MONTH,  // the second Monday: 2
    CALENDAR_AMPM,
    CALENDAR_HOUR,  // of the half day
    CALENDAR_HOUR_OF_DAY,
    CALENDAR_MINUTE,
    CALENDAR_SECOND,
    CALENDAR_MS,
    CALENDAR_OFFSET,  // milliseconds, summer time included
    CALENDAR_FIELD_COUNT_
} CalendarField;

// Fields and when each was set; 0 is never.
typedef struct Calendar {
    int32_t value[CALENDAR_FIELD_COUNT_];
    uint32_t stamp[CALENDAR_FIELD_COUNT_];
    uint32_t next;
    bool ambiguous_year;  // two digits that are those of the pivot year
} Calendar;

static void set(Calendar *c, CalendarField field, int32_t value) {
    c->value[field] = value;
    c->stamp[field] = ++c->next;
}

static bool is_set(const Calendar *c, CalendarField field) {
    return c->stamp[field] != 0;
}

// ---- reading -----------------------------------------------------------------------------------

typedef struct Reader {
    Str text;
    int64_t at;
    int64_t now_ms;
    const Zone *zone;
    Calendar calendar;
} Reader;

static int digit_at(const Reader *r, int64_t at) {
    if (at >= r->text.len) return -1;
    unsigned digit = (unsigned)(unsigned char)r->text.ptr[at] - '0';
    return digit < 10 ? (int)digit : -1;
}

// A whole number with an optional minus, reading no further than [end]. An int is made of it as
// Java does: of a long by its low bits, of what exceeds that (a double) by the nearest int.
static bool read_number(Reader *r, int64_t end, int32_t *out) {
    bool negative = r->at < end && r->text.ptr[r->at] == '-';
    int64_t at = r->at + negative;
    uint64_t value = 0;
    int64_t start = at;
    bool fits = true;
    for (; at < end && digit_at(r, at) >= 0; at++) {
        uint64_t digit = (uint64_t)digit_at(r, at);
        fits = fits && value <= (INT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (at == start) return false;
    r->at = at;
    if (!fits) {
        *out = negative ? INT32_MIN : INT32_MAX;
    } else {
        *out = (int32_t)(uint32_t)(negative ? 0 - value : value);
    }
    return true;
}

// A name at [at] regardless of case, whole or its first three letters: the longest that fits.
static int read_name(Reader *r, int64_t at, const char *const *names, int count) {
    int found = -1;
    uint32_t best = 0;
    for (int i = 0; i < count; i++) {
        uint32_t lengths[2] = {3, (uint32_t)strlen(names[i])};
        for (int k = 0; k < 2; k++) {
            Str name = {names[i], lengths[k]};
            if (name.len <= best || at + name.len > r->text.len) continue;
            if (str_eq_nocase(name, str_make(r->text.ptr + at, name.len))) {
                found = i;
                best = name.len;
            }
        }
    }
    if (found >= 0) r->at = at + best;
    return found;
}

static bool starts_nocase(const Reader *r, int64_t at, Str word) {
    return r->text.len - at >= word.len &&
           str_eq_nocase(word, str_make(r->text.ptr + at, word.len));
}

// hh, hhmm or hh:mm after a sign. [count] as the letters of X; 0: minutes are required.
static bool read_offset(Reader *r, int32_t sign, uint32_t count, bool colon) {
    int64_t at = r->at;
    if (digit_at(r, at) < 0) return false;
    int32_t hours = digit_at(r, at++), minutes = 0;
    if (digit_at(r, at) >= 0) {
        hours = hours * 10 + digit_at(r, at++);
    } else if (count > 0 || !colon) {
        return false;  // only GMT+h:mm may have one digit
    }
    if (hours > 23) return false;
    if (count != 1) {
        if (colon) {
            if (at >= r->text.len || r->text.ptr[at] != ':') return false;
            at++;
        }
        int tens = digit_at(r, at), ones = digit_at(r, at + 1);
        if (tens < 0 || ones < 0) return false;
        minutes = tens * 10 + ones;
        if (minutes > 59) return false;
        at += 2;
    }
    r->at = at;
    set(&r->calendar, CALENDAR_OFFSET, sign * (hours * 60 + minutes) * 60000);
    return true;
}

// Names of zones that texts have; Java knows them by the locale's tables. Summer names carry the
// shift, others are standard time.
static bool read_zone_name(Reader *r) {
    static const struct {
        const char *name;
        int32_t minutes;
    } NAMES[] = {
        {"UTC", 0},    {"UT", 0},     {"EST", -300}, {"EDT", -240}, {"CST", -360},  {"CDT", -300},
        {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420}, {"AKST", -540}, {"AKDT", -480},
        {"HST", -600}, {"AST", -240}, {"ADT", -180}, {"NST", -210}, {"NDT", -150},  {"WET", 0},
        {"WEST", 60},  {"CET", 60},   {"CEST", 120}, {"EET", 120},  {"EEST", 180},  {"MSK", 180},
        {"BST", 60},   {"IST", 330},  {"JST", 540},  {"KST", 540},  {"HKT", 480},   {"SGT", 480},
        {"AWST", 480}, {"ACST", 570}, {"AEST", 600}, {"AEDT", 660}, {"NZST", 720},  {"NZDT", 780},
    };
    int64_t best = -1;
    uint32_t best_len = 0;
    for (uint32_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        Str name = str_c(NAMES[i].name);
        if (name.len > best_len && starts_nocase(r, r->at, name)) {
            best = i;
            best_len = name.len;
        }
    }
    if (best < 0) return false;
    r->at += best_len;
    set(&r->calendar, CALENDAR_OFFSET, NAMES[best].minutes * 60000);
    return true;
}

static bool read_zone(Reader *r, DatePart part) {
    if (r->at >= r->text.len) return false;
    char c = r->text.ptr[r->at];
    int32_t sign = c == '+' ? 1 : c == '-' ? -1 : 0;
    if (part.letter == 'X') {
        if (c == 'Z') {
            r->at++;
            set(&r->calendar, CALENDAR_OFFSET, 0);
            return true;
        }
        if (!sign) return false;
        r->at++;
        return read_offset(r, sign, part.count, part.count == 3);
    }
    if (sign) {
        r->at++;
        return read_offset(r, sign, 0, false);
    }
    if (starts_nocase(r, r->at, STR("GMT"))) {
        r->at += 3;
        c = r->at < r->text.len ? r->text.ptr[r->at] : 0;
        sign = c == '+' ? 1 : c == '-' ? -1 : 0;
        if (!sign) {
            set(&r->calendar, CALENDAR_OFFSET, 0);
            return true;
        }
        r->at++;
        return read_offset(r, sign, 0, true);
    }
    // The session's own abbreviation first, as Java looks in its own zone's names first.
    Str own = zone_abbreviation(r->zone, r->now_ms);
    if (own.len && digit_at(r, r->at) < 0 && starts_nocase(r, r->at, own)) {
        r->at += own.len;
        set(&r->calendar, CALENDAR_OFFSET, zone_legacy_offset_ms(r->zone, r->now_ms));
        return true;
    }
    return read_zone_name(r);
}

// Two digits are a year of the hundred that began eighty years ago.
static int32_t full_year(Reader *r, int32_t value) {
    int32_t year, month, day;
    hybrid_from_days(floor_div(r->now_ms, MS_PER_DAY), &year, &month, &day);
    int32_t pivot = year - 80;
    r->calendar.ambiguous_year = value == pivot % 100;
    return value + pivot / 100 * 100 + (value < pivot % 100 ? 100 : 0);
}

static bool read_text_field(Reader *r, DatePart part) {
    static const char *const ERAS[] = {"BC", "AD"};
    static const char *const LONG_ERAS[] = {"Before Christ", "Anno Domini"};
    static const char *const AMPM[] = {"AM", "PM"};
    int found = -1;
    int64_t start = r->at;
    switch (part.letter) {
        case 'G':
            for (int i = 0; i < 2 && found < 0; i++) {
                Str shortest = str_c(ERAS[i]), longest = str_c(LONG_ERAS[i]);
                Str name = starts_nocase(r, start, longest) ? longest : shortest;
                if (!starts_nocase(r, start, name)) continue;
                found = i;
                r->at = start + name.len;
            }
            if (found >= 0) set(&r->calendar, CALENDAR_ERA, found);
            break;
        case 'a':
            for (int i = 0; i < 2 && found < 0; i++) {
                if (!starts_nocase(r, start, str_c(AMPM[i]))) continue;
                found = i;
                r->at = start + 2;
            }
            if (found >= 0) set(&r->calendar, CALENDAR_AMPM, found);
            break;
        case 'E':
            found = read_name(r, start, DAY_NAMES, 7);
            if (found >= 0) set(&r->calendar, CALENDAR_WEEKDAY, found + 1);
            break;
        default:
            found = read_name(r, start, MONTH_NAMES, 12);
            if (found >= 0) set(&r->calendar, CALENDAR_MONTH, found);
    }
    return found >= 0;
}

static bool is_text_field(DatePart part) {
    bool month = part.letter == 'M' || part.letter == 'L';
    return part.letter == 'G' || part.letter == 'a' || part.letter == 'E' ||
           (month && part.count >= 3);
}

static void set_number(Reader *r, DatePart part, int32_t value, bool two_digits) {
    Calendar *c = &r->calendar;
    switch (part.letter) {
        case 'y':
        case 'Y':
            if (part.count <= 2 && two_digits) value = full_year(r, value);
            set(c, part.letter == 'y' ? CALENDAR_YEAR : CALENDAR_WEEK_YEAR, value);
            break;
        case 'M':
        case 'L': set(c, CALENDAR_MONTH, (int32_t)((uint32_t)value - 1)); break;
        case 'd': set(c, CALENDAR_DAY, value); break;
        case 'k': set(c, CALENDAR_HOUR_OF_DAY, value == 24 ? 0 : value); break;
        case 'H': set(c, CALENDAR_HOUR_OF_DAY, value); break;
        case 'h': set(c, CALENDAR_HOUR, value == 12 ? 0 : value); break;
        case 'K': set(c, CALENDAR_HOUR, value); break;
        case 'm': set(c, CALENDAR_MINUTE, value); break;
        case 's': set(c, CALENDAR_SECOND, value); break;
        case 'S': set(c, CALENDAR_MS, value); break;
        case 'D': set(c, CALENDAR_DAY_OF_YEAR, value); break;
        case 'F': set(c, CALENDAR_WEEKDAY_IN_MONTH, value); break;
        case 'w': set(c, CALENDAR_WEEK_OF_YEAR, value); break;
        case 'W': set(c, CALENDAR_WEEK_OF_MONTH, value); break;
        default: {  // u: Monday is 1
            bool valid = value >= 1 && value <= 7;
            set(c, CALENDAR_WEEKDAY, valid ? value % 7 + 1 : value);
        }
    }
}

// [next] is what follows the part, or NULL: a number that touches another takes its letters only.
static bool read_part(Reader *r, DatePart part, const DatePart *next) {
    int64_t start = r->at;
    while (r->at < r->text.len && (r->text.ptr[r->at] == ' ' || r->text.ptr[r->at] == '\t'))
        r->at++;
    if (r->at >= r->text.len) return false;
    if (part.letter == 'z' || part.letter == 'Z' || part.letter == 'X') return read_zone(r, part);
    if (is_text_field(part)) {
        r->at = start;  // names are looked for before the blanks
        return read_text_field(r, part);
    }
    bool touches = next && next->letter && !is_text_field(*next) && next->letter != 'z' &&
                   next->letter != 'Z' && next->letter != 'X';
    int64_t end = r->text.len;
    if (touches) {
        if (start + part.count > end) return false;
        end = start + part.count;
    }
    int64_t number_start = r->at;
    int32_t value;
    if (!read_number(r, end, &value)) return false;
    bool two_digits = r->at - number_start == 2 && r->text.ptr[number_start] != '-';
    set_number(r, part, value, two_digits);
    return true;
}

// ---- resolving ---------------------------------------------------------------------------------

static uint32_t later(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

// When both of a pair were set; never, when one was not.
static uint32_t pair_stamp(uint32_t a, uint32_t b) {
    return a && b ? later(a, b) : 0;
}

// The last day at or before [days] that is the [weekday].
static int64_t weekday_at_or_before(int64_t days, int32_t weekday) {
    return days - floor_mod(days + 4 - (weekday - 1), 7);
}

static int64_t week_start(int64_t first, int32_t weekday) {  // of the week that has day [first]
    int64_t sunday = weekday_at_or_before(first, 1);
    return weekday_at_or_before(sunday + 6, weekday);
}

static int64_t date_in_month(const Calendar *c, int64_t first, bool by_week) {
    int32_t weekday = is_set(c, CALENDAR_WEEKDAY) ? c->value[CALENDAR_WEEKDAY] : 1;
    if (by_week) return week_start(first, weekday) + 7ll * (c->value[CALENDAR_WEEK_OF_MONTH] - 1);
    int64_t count = is_set(c, CALENDAR_WEEKDAY_IN_MONTH) ? c->value[CALENDAR_WEEKDAY_IN_MONTH] : 1;
    if (count >= 0) return weekday_at_or_before(first + 7 * count - 1, weekday);
    int32_t year, month, day;
    hybrid_from_days(first, &year, &month, &day);
    int64_t next =
        month == 12 ? days_from_hybrid(year + 1, 1, 1) : days_from_hybrid(year, month + 1, 1);
    return weekday_at_or_before(next - 1 + 7 * (count + 1), weekday);
}

// The date, as java.util.Calendar.selectFields chooses it.
static int64_t calendar_days(const Calendar *c) {
    int32_t year = is_set(c, CALENDAR_YEAR) ? c->value[CALENDAR_YEAR] : 1970;
    if (is_set(c, CALENDAR_ERA) && c->value[CALENDAR_ERA] == 0) year = 1 - year;
    int32_t month = is_set(c, CALENDAR_MONTH) ? c->value[CALENDAR_MONTH] : 0;
    const uint32_t *stamp = c->stamp;
    uint32_t weekday = stamp[CALENDAR_WEEKDAY];
    uint32_t by_day = stamp[CALENDAR_DAY];
    uint32_t by_month_week = pair_stamp(stamp[CALENDAR_WEEK_OF_MONTH], weekday);
    uint32_t by_weekday = pair_stamp(stamp[CALENDAR_WEEKDAY_IN_MONTH], weekday);
    uint32_t by_year_day = stamp[CALENDAR_DAY_OF_YEAR];
    uint32_t by_year_week = pair_stamp(stamp[CALENDAR_WEEK_OF_YEAR], weekday);
    uint32_t best =
        later(later(by_day, by_month_week), later(by_weekday, later(by_year_day, by_year_week)));
    if (!best) {  // halves of pairs will do
        by_month_week = stamp[CALENDAR_WEEK_OF_MONTH];
        by_weekday = later(stamp[CALENDAR_WEEKDAY_IN_MONTH], weekday);
        by_year_week = stamp[CALENDAR_WEEK_OF_YEAR];
        best = later(by_month_week, later(by_weekday, by_year_week));
        if (!best) best = by_day = stamp[CALENDAR_MONTH];
    }
    bool month_week =
        best == by_month_week && stamp[CALENDAR_WEEK_OF_MONTH] >= stamp[CALENDAR_WEEK_OF_YEAR];
    bool month_weekday =
        best == by_weekday && stamp[CALENDAR_WEEKDAY_IN_MONTH] >= stamp[CALENDAR_WEEK_OF_YEAR];
    if (best == by_day || month_week || month_weekday) {
        int64_t in_year = floor_mod(month, 12);
        year = (int32_t)(year + floor_div(month, 12));
        int32_t day = is_set(c, CALENDAR_DAY) ? c->value[CALENDAR_DAY] : 1;
        if (best == by_day) return days_from_hybrid(year, (int32_t)in_year + 1, day);
        int64_t first = days_from_hybrid(year, (int32_t)in_year + 1, 1);
        bool by_week =
            month_week && (by_month_week != by_weekday ||
                           stamp[CALENDAR_WEEK_OF_MONTH] >= stamp[CALENDAR_WEEKDAY_IN_MONTH]);
        return date_in_month(c, first, by_week);
    }
    int64_t first = days_from_hybrid(year, 1, 1);
    if (best == by_year_day) return first + c->value[CALENDAR_DAY_OF_YEAR] - 1;
    int32_t day = weekday ? c->value[CALENDAR_WEEKDAY] : 1;
    return week_start(first, day) + 7 * ((int64_t)c->value[CALENDAR_WEEK_OF_YEAR] - 1);
}

// Y, when it was read after any y: a week date.
static int64_t calendar_week_days(const Calendar *c) {
    int64_t week = is_set(c, CALENDAR_WEEK_OF_YEAR) ? c->value[CALENDAR_WEEK_OF_YEAR] : 1;
    int32_t weekday = is_set(c, CALENDAR_WEEKDAY) ? c->value[CALENDAR_WEEKDAY] : 1;
    if (weekday > 7) {  // what 'u' could not turn into a weekday moves the week
        week += (weekday - 1) / 7;
        weekday = (weekday - 1) % 7 + 1;
        weekday = weekday % 7 + 1;
    } else if (weekday < 1) {
        week += floor_div(weekday - 1, 7);
        weekday = (int32_t)floor_mod(weekday - 1, 7) + 1;
        weekday = weekday % 7 + 1;
    }
    int64_t first = days_from_hybrid(c->value[CALENDAR_WEEK_YEAR], 1, 1);
    return weekday_at_or_before(first, 1) + (weekday - 1) + 7 * (week - 1);
}

static int64_t calendar_ms_of_day(const Calendar *c) {
    int64_t hours = 0;
    uint32_t by_day = c->stamp[CALENDAR_HOUR_OF_DAY];
    uint32_t by_half = pair_stamp(c->stamp[CALENDAR_HOUR], c->stamp[CALENDAR_AMPM]);
    uint32_t best = later(by_day, by_half);
    if (!best) best = later(c->stamp[CALENDAR_HOUR], c->stamp[CALENDAR_AMPM]);
    if (best && best == by_day) {
        hours = c->value[CALENDAR_HOUR_OF_DAY];
    } else if (best) {
        hours = c->value[CALENDAR_HOUR] + 12ll * c->value[CALENDAR_AMPM];
    }
    return ((hours * 60 + c->value[CALENDAR_MINUTE]) * 60 + c->value[CALENDAR_SECOND]) * 1000 +
           c->value[CALENDAR_MS];
}

static int64_t calendar_utc(const Calendar *c, const Zone *zone) {
    bool week_date = c->stamp[CALENDAR_WEEK_YEAR] > c->stamp[CALENDAR_YEAR];
    int64_t days = week_date ? calendar_week_days(c) : calendar_days(c);
    int64_t local = days * MS_PER_DAY + calendar_ms_of_day(c);
    if (is_set(c, CALENDAR_OFFSET)) return local - c->value[CALENDAR_OFFSET];
    return zone_legacy_local_to_utc(zone, local);
}

bool date_pattern_read(const DatePattern *pattern, Str text, const Zone *zone, int64_t now_ms,
                       int64_t *utc_ms) {
    Reader r = {.text = text, .now_ms = now_ms, .zone = zone};
    for (uint32_t i = 0; i < pattern->count; i++) {
        DatePart part = pattern->part[i];
        if (!part.letter) {
            if (r.at >= text.len || text.ptr[r.at] != part.byte) return false;
            r.at++;
            continue;
        }
        const DatePart *next = i + 1 < pattern->count ? &pattern->part[i + 1] : NULL;
        if (!read_part(&r, part, next)) return false;
    }
    if (r.at == 0) return false;  // Java takes a text of which nothing was read for an error
    *utc_ms = calendar_utc(&r.calendar, zone);
    int32_t year, month, day;
    int64_t today = floor_div(now_ms, MS_PER_DAY);
    hybrid_from_days(today, &year, &month, &day);
    int64_t pivot =
        days_from_hybrid(year - 80, month, day) * MS_PER_DAY + floor_mod(now_ms, MS_PER_DAY);
    if (r.calendar.ambiguous_year && *utc_ms < pivot) {
        r.calendar.value[CALENDAR_YEAR] += 100;
        r.calendar.value[CALENDAR_WEEK_YEAR] += 100;
        *utc_ms = calendar_utc(&r.calendar, zone);
    }
    return true;
}
