// type/datetime.c - calendar arithmetic and ISO text.
//
// The calendar algorithms are Howard Hinnant's ("chrono-Compatible Low-Level Date Algorithms"):
// years start in March, so that the leap day comes last, and eras have 400 years.
//
// The readers follow three of Flink's: parseDate and parseTime, which split at '-' and ':' and trim
// the pieces; the DateTimeFormatter behind CAST AS TIMESTAMP; and the ones of the formats. The last
// is the hot one: two or three 8-byte loads check and split "yyyy-MM-dd HH:mm:ss" at once, and
// whatever is not of that shape goes the slow, complete way.
#include "type/datetime.h"

#include <string.h>

#include "base/assert.h"

enum {
    YEAR_MAX = 999999999,  // java.time.Year.MAX_VALUE
    SECONDS_PER_DAY = 86400,
    MS_PER_MINUTE = 60 * MS_PER_SECOND,
    MS_PER_HOUR = 60 * MS_PER_MINUTE,
};

static const int32_t POW10[] = {1,      10,      100,      1000,      10000,
                                100000, 1000000, 10000000, 100000000, 1000000000};

// ---- the calendar ------------------------------------------------------------------------------

// Days in 64 bits, for the farthest timestamps: DATE has 32.
static int64_t civil_days(int32_t year, int32_t month, int32_t day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void days_civil(int64_t days, int32_t *year, int32_t *month, int32_t *day) {
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    uint32_t day_of_era = (uint32_t)(z - era * 146097);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int32_t)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int32_t)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int32_t)(year_of_era + era * 400) + (*month <= 2);
}

int32_t days_from_civil(int32_t year, int32_t month, int32_t day) {
    return (int32_t)civil_days(year, month, day);
}

void civil_from_days(int32_t days, int32_t *year, int32_t *month, int32_t *day) {
    days_civil(days, year, month, day);
}

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t days_in_month(int32_t year, int32_t month) {
    static const int8_t LENGTH[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : LENGTH[month];
}

enum { GREGORIAN_START = -141427 };  // 1582-10-15

// The same algorithm without the century rule: 1461 days in four years.
int64_t days_from_hybrid(int32_t year, int32_t month, int32_t day) {
    int64_t gregorian = civil_days(year, month, 1) + day - 1;
    if (gregorian >= GREGORIAN_START) return gregorian;
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 4);
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 1461 + (y - era * 4) * 365 + day_of_year - 719470;
}

void hybrid_from_days(int64_t days, int32_t *year, int32_t *month, int32_t *day) {
    if (days >= GREGORIAN_START) {
        days_civil(days, year, month, day);
        return;
    }
    int64_t z = days + 719470;
    int64_t era = floor_div(z, 1461);
    int32_t day_of_era = (int32_t)(z - era * 1461);
    int32_t year_of_era = (day_of_era - day_of_era / 1460) / 365;
    int32_t day_of_year = day_of_era - 365 * year_of_era;
    int32_t march_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *month = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = (int32_t)(year_of_era + era * 4) + (*month <= 2);
}

bool civil_valid(int32_t year, int32_t month, int32_t day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

Civil civil_from_timestamp(Timestamp ts) {
    int64_t days = floor_div(ts.ms, MS_PER_DAY);
    int32_t ms = (int32_t)(ts.ms - days * MS_PER_DAY);
    Civil civil;
    days_civil(days, &civil.year, &civil.month, &civil.day);
    civil.hour = ms / MS_PER_HOUR;
    civil.minute = ms / MS_PER_MINUTE % 60;
    civil.second = ms / MS_PER_SECOND % 60;
    civil.nanos = ms % MS_PER_SECOND * NS_PER_MS + ts.ns;
    return civil;
}

Timestamp timestamp_from_civil(Civil civil) {
    int64_t days = civil_days(civil.year, civil.month, civil.day);
    int64_t seconds = days * SECONDS_PER_DAY + civil.hour * 3600 + civil.minute * 60 + civil.second;
    return (Timestamp){seconds * MS_PER_SECOND + civil.nanos / NS_PER_MS, civil.nanos % NS_PER_MS,
                       0};
}

// ---- arithmetic --------------------------------------------------------------------------------

Timestamp timestamp_add_nanos(Timestamp ts, int64_t nanos) {
    int64_t total = ts.ns + nanos;
    int64_t ms = floor_div(total, NS_PER_MS);
    return (Timestamp){ts.ms + ms, (int32_t)(total - ms * NS_PER_MS), 0};
}

Timestamp timestamp_truncate(Timestamp ts, int32_t precision) {
    if (precision >= 9) return ts;
    if (precision > 3) {
        ts.ns -= ts.ns % POW10[9 - precision];
        return ts;
    }
    ts.ns = 0;
    ts.ms -= floor_mod(ts.ms, POW10[3 - precision]);
    return ts;
}

Timestamp timestamp_cast(Timestamp ts, int32_t precision) {
    int64_t nanos = floor_mod(ts.ms, MS_PER_SECOND) * NS_PER_MS + ts.ns;
    int32_t digits = 1;
    while (digits < 9 && nanos >= POW10[digits]) digits++;
    if (digits <= precision) return ts;
    if (precision > 3) {
        ts.ns -= ts.ns % POW10[9 - precision];
        return ts;
    }
    ts.ns = 0;
    ts.ms -= ts.ms % POW10[3 - precision];
    return ts;
}

int32_t time_truncate(int32_t ms, int32_t precision) {
    return precision >= 3 ? ms : ms - ms % POW10[3 - precision];
}

int32_t timestamp_to_date(Timestamp ts) {
    return (int32_t)(ts.ms / MS_PER_DAY);
}

int32_t timestamp_to_time(Timestamp ts) {
    return (int32_t)(ts.ms % MS_PER_DAY);
}

int32_t date_add_months(int32_t days, int32_t months) {
    int32_t year, month, day;
    civil_from_days(days, &year, &month, &day);
    int64_t total = (int64_t)year * 12 + (month - 1) + months;
    year = (int32_t)floor_div(total, 12);
    month = (int32_t)floor_mod(total, 12) + 1;
    int32_t last = days_in_month(year, month);
    return days_from_civil(year, month, day < last ? day : last);
}

int64_t timestamp_add_months(int64_t ms, int32_t months) {
    int64_t days = floor_div(ms, MS_PER_DAY);
    return (int64_t)date_add_months((int32_t)days, months) * MS_PER_DAY + (ms - days * MS_PER_DAY);
}

// Flink counts a month as whole when adding it to the earlier date does not pass the later one, so
// that clipped days count: from 01-31 to 02-29 is one month.
int32_t date_months_between(int32_t a, int32_t b) {
    if (a < b) return -date_months_between(b, a);
    int32_t year[2], month[2], day;
    civil_from_days(a, &year[0], &month[0], &day);
    civil_from_days(b, &year[1], &month[1], &day);
    int32_t months = (year[0] - year[1]) * 12 + (month[0] - month[1]);
    return date_add_months(b, months) > a ? months - 1 : months;
}

int32_t timestamp_months_between(int64_t a_ms, int64_t b_ms) {
    int32_t a = (int32_t)floor_div(a_ms, MS_PER_DAY), b = (int32_t)floor_div(b_ms, MS_PER_DAY);
    int32_t months = date_months_between(a, b);
    bool earlier = floor_mod(a_ms, MS_PER_DAY) < floor_mod(b_ms, MS_PER_DAY);
    return earlier && date_add_months(b, months) == a ? months - 1 : months;
}

// ---- printing ----------------------------------------------------------------------------------

static char *put2(char *at, int32_t value) {
    at[0] = (char)('0' + value / 10 % 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

// Years below 0 come out as Flink's arithmetic on characters makes them.
static char *put_date(char *at, int32_t year, int32_t month, int32_t day) {
    at = put2(at, year / 100);
    at = put2(at, year);
    *at++ = '-';
    at = put2(at, month);
    *at++ = '-';
    return put2(at, day);
}

static char *put_clock(char *at, int32_t hour, int32_t minute, int32_t second) {
    at = put2(at, hour);
    *at++ = ':';
    at = put2(at, minute);
    *at++ = ':';
    return put2(at, second);
}

uint32_t date_print(int32_t days, char *out) {
    int32_t year, month, day;
    civil_from_days(days, &year, &month, &day);
    return (uint32_t)(put_date(out, year, month, day) - out);
}

uint32_t time_print(int32_t ms, int32_t precision, char *out) {
    while (ms < 0) ms += MS_PER_DAY;
    char *at = put_clock(out, ms / MS_PER_HOUR, ms / MS_PER_MINUTE % 60, ms / MS_PER_SECOND % 60);
    if (precision <= 0) return (uint32_t)(at - out);
    *at++ = '.';
    int32_t rest = ms % MS_PER_SECOND;
    for (int32_t digit = 0; digit < precision; digit++) {
        *at++ = (char)('0' + rest / 100);
        rest = rest % 100 * 10;
        if (rest == 0) break;
    }
    return (uint32_t)(at - out);
}

uint32_t timestamp_print(Timestamp ts, int32_t precision, char *out) {
    Civil civil = civil_from_timestamp(ts);
    char *at = put_date(out, civil.year, civil.month, civil.day);
    *at++ = ' ';
    at = put_clock(at, civil.hour, civil.minute, civil.second);
    if (precision > 0) {
        *at++ = '.';
        uint32_t digits = precision < 9 ? (uint32_t)precision : 9;
        uint32_t value = (uint32_t)civil.nanos / (uint32_t)POW10[9 - digits];
        for (uint32_t i = digits; i > 0; i--, value /= 10) at[i - 1] = (char)('0' + value % 10);
        at += digits;
    }
    return (uint32_t)(at - out);
}

static char *put_number(char *at, uint64_t value) {
    char digits[20];
    uint32_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count) *at++ = digits[--count];
    return at;
}

uint32_t interval_months_print(int32_t months, char *out) {
    char *at = out;
    *at++ = months < 0 ? '-' : '+';
    uint32_t abs = months < 0 ? 0u - (uint32_t)months : (uint32_t)months;
    at = put_number(at, abs / 12);
    *at++ = '-';
    return (uint32_t)(put2(at, (int32_t)(abs % 12)) - out);
}

uint32_t interval_ms_print(int64_t ms, char *out) {
    char *at = out;
    *at++ = ms < 0 ? '-' : '+';
    uint64_t abs = ms < 0 ? 0u - (uint64_t)ms : (uint64_t)ms;
    int32_t days = (int32_t)(uint32_t)(abs / MS_PER_DAY);  // Flink counts them in an int
    if (days < 0) *at++ = '-';
    at = put_number(at, days < 0 ? 0u - (uint32_t)days : (uint32_t)days);
    *at++ = ' ';
    int32_t rest = (int32_t)(abs % MS_PER_DAY);
    at = put_clock(at, rest / MS_PER_HOUR, rest / MS_PER_MINUTE % 60, rest / MS_PER_SECOND % 60);
    *at++ = '.';
    *at++ = (char)('0' + rest % 1000 / 100);
    return (uint32_t)(put2(at, rest % 100) - out);
}

// ---- reading by pieces: DATE and TIME ----------------------------------------------------------

// An unsigned number between blanks, as Java's trim and parseInt; false for anything else.
static bool read_piece(const char *from, const char *to, int32_t *out) {
    if (from > to) return false;
    while (from < to && (unsigned char)*from <= ' ') from++;
    while (from < to && (unsigned char)to[-1] <= ' ') to--;
    if (from == to) return false;
    int64_t value = 0;
    for (; from < to; from++) {
        if (*from < '0' || *from > '9') return false;
        value = value * 10 + (*from - '0');
        if (value > INT32_MAX) return false;
    }
    *out = (int32_t)value;
    return true;
}

static const char *find_byte(const char *from, const char *to, char byte) {
    return from < to ? memchr(from, byte, (size_t)(to - from)) : NULL;
}

bool date_parse(Str text, int32_t *days) {
    const char *from = text.ptr, *to = str_end(text);
    const char *blank = find_byte(from, to, ' ');
    if (blank && blank > from) to = blank;  // a timestamp is read as its date
    int32_t year, month = 1, day = 1;
    const char *first = find_byte(from, to, '-');
    if (!first) {
        if (!read_piece(from, to, &year)) return false;
    } else {
        const char *second = find_byte(first + 1, to, '-');
        if (!read_piece(from, first, &year)) return false;
        if (!read_piece(first + 1, second ? second : to, &month)) return false;
        if (second && !read_piece(second + 1, to, &day)) return false;
    }
    if (year > 9999 || !civil_valid(year, month, day)) return false;
    *days = days_from_civil(year, month, day);
    return true;
}

// Three digits, the third rounded by the fourth; what is no digit counts as 0.
static int32_t read_milliseconds(const char *from, const char *to) {
    while (from < to && (unsigned char)*from <= ' ') from++;
    while (from < to && (unsigned char)to[-1] <= ' ') to--;
    int32_t ms = 0, weight = 100;
    for (; from < to; from++, weight /= 10) {
        if (*from >= '0' && *from <= '9') ms += weight * (*from - '0');
        if (weight < 10) {
            if (from + 1 < to && (unsigned char)from[1] >= '5') ms++;
            break;
        }
    }
    return ms;
}

// "h[:m[:s[.f]]]" and, after '-' or '+', an offset that is (as in Flink) applied with its sign.
bool time_parse(Str text, int32_t *ms) {
    const char *from = text.ptr, *to = str_end(text), *end = to;
    int32_t sign = -1, zone_hour = 0, zone_minute = 0;
    const char *zone = find_byte(from, to, '-');
    if (!zone) {
        zone = find_byte(from, to, '+');
        sign = 1;
    }
    if (zone) {
        end = zone;
        const char *colon = find_byte(zone, to, ':');
        if (!read_piece(zone + 1, colon ? colon : to, &zone_hour)) return false;
        if (colon && !read_piece(colon + 1, to, &zone_minute)) return false;
    }
    int32_t hour, minute = 0, second = 0, fraction = 0;
    const char *first = find_byte(from, to, ':');
    if (!first) {
        if (!read_piece(from, end, &hour)) return false;
    } else {
        const char *colon = find_byte(first + 1, to, ':');
        if (!read_piece(from, first, &hour)) return false;
        if (!read_piece(first + 1, colon ? colon : end, &minute)) return false;
        const char *dot = colon ? find_byte(colon, to, '.') : NULL;
        if (colon && !read_piece(colon + 1, dot ? dot : end, &second)) return false;
        if (dot && dot + 1 > end) return false;
        if (dot) fraction = read_milliseconds(dot + 1, end);
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    int64_t total = (int64_t)(hour + sign * (int64_t)zone_hour) * MS_PER_HOUR +
                    (minute + sign * (int64_t)zone_minute) * MS_PER_MINUTE;
    *ms = (int32_t)(total + second * MS_PER_SECOND + fraction);  // wraps, as Java's int
    return true;
}

// ---- reading by format: TIMESTAMP --------------------------------------------------------------

typedef struct Reader {
    const char *at, *end;
} Reader;

static bool is_digit(const Reader *r, ptrdiff_t offset) {
    return r->end - r->at > offset && (unsigned char)(r->at[offset] - '0') < 10;
}

static bool take(Reader *r, char byte) {
    if (r->at == r->end || *r->at != byte) return false;
    r->at++;
    return true;
}

static bool take2(Reader *r, int32_t *value) {
    if (!is_digit(r, 0) || !is_digit(r, 1)) return false;
    *value = (r->at[0] - '0') * 10 + (r->at[1] - '0');
    r->at += 2;
    return true;
}

// All digits that follow; values beyond every field's range are cut to YEAR_MAX + 1.
static int32_t take_digits(Reader *r, uint32_t *count) {
    int64_t value = 0;
    const char *from = r->at;
    while (is_digit(r, 0)) {
        if (value <= YEAR_MAX) value = value * 10 + (*r->at - '0');
        r->at++;
    }
    *count = (uint32_t)(r->at - from);
    return value > YEAR_MAX ? YEAR_MAX + 1 : (int32_t)value;
}

// "yyyy": four digits, or a sign and more than four (Java's SignStyle.EXCEEDS_PAD).
static bool take_year(Reader *r, bool negative_too, int32_t *year) {
    bool plus = take(r, '+'), minus = !plus && take(r, '-');
    uint32_t count;
    *year = take_digits(r, &count);
    if (count < 4 || *year > YEAR_MAX) return false;
    if (plus) return count > 4;
    if (minus) {
        *year = -*year;
        return negative_too && *year != 0;
    }
    return count == 4;
}

// A '.' and up to nine digits, none of it required.
static void take_fraction(Reader *r, int32_t *nanos) {
    *nanos = 0;
    if (!take(r, '.')) return;
    int32_t count = 0;
    for (; count < 9 && is_digit(r, 0); count++) *nanos = *nanos * 10 + (*r->at++ - '0');
    *nanos *= POW10[9 - count];
}

// The pattern letters "[MM][M]": two digits, or any number of them, or none, in which case the
// value stays; and, since both parts may match, the same number twice. False for a negative
// number, which matches but is out of every range.
static bool take_one_or_two(Reader *r, int32_t *value) {
    uint32_t count;
    if (r->at < r->end && *r->at == '-' && is_digit(r, 1)) return false;
    if (take2(r, value)) {
        Reader again = *r;
        int32_t second = take_digits(&again, &count);
        if (count && second == *value) *r = again;
    } else if (is_digit(r, 0)) {
        *value = take_digits(r, &count);
    }
    return true;
}

// Makes the value of fields that java.time's SMART resolver accepts: a day up to 31 is clipped to
// the month, 24:00:00 is the midnight that follows.
static bool resolve_smart(Civil civil, Timestamp *out) {
    if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31) return false;
    bool midnight = civil.hour == 24 && !civil.minute && !civil.second && !civil.nanos;
    if (midnight) civil.hour = 0;
    if (civil.hour > 23 || civil.minute > 59 || civil.second > 59) return false;
    if (civil.day > 28) {
        int32_t last = days_in_month(civil.year, civil.month);
        if (civil.day > last) civil.day = last;
    }
    *out = timestamp_from_civil(civil);
    if (midnight) out->ms += MS_PER_DAY;
    return true;
}

static bool timestamp_parse_slow(Str text, Timestamp *out) {
    Reader r = {text.ptr, str_end(text)};
    Civil civil = {.month = -1, .day = -1, .minute = -1, .second = -1};  // -1: not there
    bool fraction = false;
    if (!take_year(&r, false, &civil.year) || civil.year < 1 || !take(&r, '-')) return false;
    if (!take_one_or_two(&r, &civil.month) || !take(&r, '-')) return false;
    if (!take_one_or_two(&r, &civil.day)) return false;
    if (take(&r, ' ')) {
        if (!take_one_or_two(&r, &civil.hour) || !take(&r, ':')) return false;
        if (!take_one_or_two(&r, &civil.minute) || !take(&r, ':')) return false;
        if (!take_one_or_two(&r, &civil.second)) return false;
        fraction = r.at < r.end;
        take_fraction(&r, &civil.nanos);
    }
    if (r.at != r.end) return false;
    // java.time makes a time of what is there unless a field is missing in the middle, and has a
    // day to add to only when the date is whole; 24:00 depends on both.
    bool gap =
        (civil.minute < 0 && (civil.second >= 0 || fraction)) || (civil.second < 0 && fraction);
    bool whole_date = civil.month >= 0 && civil.day >= 0;
    if (civil.hour == 24 && gap) return false;
    if (civil.month < 0) civil.month = 1;
    if (civil.day < 0) civil.day = 1;
    if (civil.minute < 0) civil.minute = 0;
    if (civil.second < 0) civil.second = 0;
    if (!resolve_smart(civil, out)) return false;
    if (civil.hour == 24 && !whole_date) out->ms -= MS_PER_DAY;
    return true;
}

// Eight characters against a shape such as "0000-00-": '0' stands for a digit, all else for itself.
// On success the lanes hold the digits' values.
static inline bool match8(const char *text, const char shape[8], uint8_t lane[8]) {
    uint64_t word, pattern, slack, zeros;
    memcpy(&word, text, 8);
    memcpy(&pattern, shape, 8);
    // In a lane of a digit x the sum stays below 0x80 when x <= 9; in another, when x is 0.
    memset(&zeros, '0', 8);
    uint64_t is_other = pattern ^ zeros;  // nonzero lanes: separators, 0x1d for '-' and so on
    is_other |= is_other >> 1 & 0x7f7f7f7f7f7f7f7fu;
    is_other |= is_other >> 2 & 0x3f3f3f3f3f3f3f3fu;
    is_other |= is_other >> 4 & 0x0f0f0f0f0f0f0f0fu;
    is_other &= 0x0101010101010101u;
    slack = 0x7676767676767676u + is_other * 9;  // the compiler folds all of this for constants
    word ^= pattern;
    if (((word + slack) | word) & 0x8080808080808080u) return false;
    memcpy(lane, &word, 8);
    return true;
}

// "yyyy-MM-dd?HH:mm:ss", nineteen characters, '?' as given.
static inline bool match_datetime(const char *text, bool iso, Civil *civil) {
    uint8_t date[8], middle[8], clock[8];
    if (!match8(text, "0000-00-", date)) return false;
    if (!(iso ? match8(text + 8, "00T00:00", middle) : match8(text + 8, "00 00:00", middle))) {
        return false;
    }
    if (!match8(text + 11, "00:00:00", clock)) return false;
    civil->year = date[0] * 1000 + date[1] * 100 + date[2] * 10 + date[3];
    civil->month = date[5] * 10 + date[6];
    civil->day = middle[0] * 10 + middle[1];
    civil->hour = clock[0] * 10 + clock[1];
    civil->minute = clock[3] * 10 + clock[4];
    civil->second = clock[6] * 10 + clock[7];
    return true;
}

bool timestamp_parse(Str text, Timestamp *out) {
    Civil civil;
    if (text.len < 19 || !match_datetime(text.ptr, false, &civil) || civil.year < 1) {
        return timestamp_parse_slow(text, out);
    }
    Reader r = {text.ptr + 19, str_end(text)};
    if (is_digit(&r, 0)) return timestamp_parse_slow(text, out);  // "…:0505" is "…:05" twice
    take_fraction(&r, &civil.nanos);
    return r.at == r.end && resolve_smart(civil, out);
}

static bool take_iso_date(Reader *r, Civil *civil) {
    return take_year(r, true, &civil->year) && take(r, '-') && take2(r, &civil->month) &&
           take(r, '-') && take2(r, &civil->day);
}

static bool timestamp_parse_format_slow(Reader *r, bool iso, bool strict, Civil *civil) {
    civil->second = civil->nanos = 0;
    if (!take_iso_date(r, civil)) return false;
    bool apart = take(r, iso ? 'T' : ' ');
    if (iso && !apart) apart = take(r, 't');  // ISO_LOCAL_DATE_TIME ignores case
    if (!apart || !take2(r, &civil->hour) || !take(r, ':') || !take2(r, &civil->minute)) {
        return false;
    }
    Reader seconds = *r;
    if (take(&seconds, ':') && take2(&seconds, &civil->second)) {
        *r = seconds;
        take_fraction(r, &civil->nanos);
        return true;
    }
    return strict;  // only ISO_LOCAL_TIME has optional seconds
}

bool timestamp_parse_format(Str text, bool iso, bool zulu, Timestamp *out) {
    bool strict = iso && !zulu;  // ISO_LOCAL_DATE_TIME itself; the others are built from parts
    Civil civil;
    Reader r = {text.ptr, str_end(text)};
    if (text.len >= 19 && match_datetime(text.ptr, iso, &civil)) {
        r.at += 19;
        take_fraction(&r, &civil.nanos);
    } else if (!timestamp_parse_format_slow(&r, iso, strict, &civil)) {
        return false;
    }
    if (zulu && !take(&r, 'Z')) return false;
    if (r.at != r.end) return false;
    if (strict && (civil.hour > 23 || !civil_valid(civil.year, civil.month, civil.day))) {
        return false;
    }
    return resolve_smart(civil, out);
}

bool date_parse_format(Str text, int32_t *days) {
    Civil civil;
    Reader r = {text.ptr, str_end(text)};
    if (!take_iso_date(&r, &civil) || r.at != r.end) return false;
    if (!civil_valid(civil.year, civil.month, civil.day)) return false;
    *days = days_from_civil(civil.year, civil.month, civil.day);
    return true;
}

bool time_parse_format(Str text, int32_t *ms) {
    Reader r = {text.ptr, str_end(text)};
    Civil civil = {.year = 1970, .month = 1, .day = 1};
    if (!take2(&r, &civil.hour) || !take(&r, ':') || !take2(&r, &civil.minute)) return false;
    if (!take(&r, ':') || !take2(&r, &civil.second)) return false;
    take_fraction(&r, &civil.nanos);
    Timestamp ts;
    if (r.at != r.end || !resolve_smart(civil, &ts)) return false;
    *ms = (int32_t)(ts.ms % MS_PER_DAY);
    return true;
}

// ---- reading as java.sql -----------------------------------------------------------------------

// Integer.parseInt of exactly [from, to).
static bool read_int(const char *from, const char *to, int32_t *out) {
    bool negative = from < to && *from == '-';
    if (from < to && (*from == '-' || *from == '+')) from++;
    if (from == to) return false;
    int64_t value = 0;
    for (; from < to; from++) {
        if (*from < '0' || *from > '9') return false;
        value = value * 10 + (*from - '0');
        if (value > INT32_MAX) return false;
    }
    *out = (int32_t)(negative ? -value : value);
    return true;
}

// "yyyy-[m]m-[d]d"; the date itself is made of the fields later.
static bool read_sql_date(const char *from, const char *to, Civil *civil) {
    const char *first = find_byte(from, to, '-');
    const char *second = first ? find_byte(first + 1, to, '-') : NULL;
    if (!second || first - from != 4) return false;
    if (second - first < 2 || second - first > 3 || to - second < 2 || to - second > 3)
        return false;
    return read_int(from, first, &civil->year) && read_int(first + 1, second, &civil->month) &&
           read_int(second + 1, to, &civil->day) && civil->month >= 1 && civil->month <= 12 &&
           civil->day >= 1 && civil->day <= 31;
}

// The fields of a hybrid date taken for those of a Gregorian one, as LocalDate does with Date's.
static int64_t regregorise(int64_t days) {
    int32_t year, month, day;
    hybrid_from_days(days, &year, &month, &day);
    return civil_days(year, month, day);
}

bool date_parse_sql(Str text, int32_t *days) {
    Civil civil;
    if (!read_sql_date(text.ptr, str_end(text), &civil)) return false;
    *days = (int32_t)regregorise(days_from_hybrid(civil.year, civil.month, civil.day));
    return true;
}

bool timestamp_parse_sql(Str text, Timestamp *out) {
    const char *from = text.ptr, *to = str_end(text);
    const char *blank = find_byte(from, to, ' ');
    Civil civil;
    if (!blank || !read_sql_date(from, blank, &civil)) return false;
    const char *first = find_byte(blank + 1, to, ':');
    const char *second = first ? find_byte(first + 1, to, ':') : NULL;
    const char *dot = second ? find_byte(second + 1, to, '.') : NULL;
    if (!second || second + 1 == to) return false;
    if (!read_int(blank + 1, first, &civil.hour) || !read_int(first + 1, second, &civil.minute)) {
        return false;
    }
    if (!read_int(second + 1, dot ? dot : to, &civil.second)) return false;
    civil.nanos = 0;
    if (dot) {
        ptrdiff_t digits = to - dot - 1;
        if (digits < 1 || digits > 9 || dot[1] < '0' || dot[1] > '9') return false;
        if (!read_int(dot + 1, to, &civil.nanos)) return false;
        civil.nanos *= POW10[9 - digits];
    }
    int64_t seconds = civil.hour * 3600ll + civil.minute * 60ll + civil.second;
    int64_t days = days_from_hybrid(civil.year, civil.month, civil.day);
    int64_t carried = floor_div(seconds, SECONDS_PER_DAY);
    seconds -= carried * SECONDS_PER_DAY;
    int64_t ms = (regregorise(days + carried) * SECONDS_PER_DAY + seconds) * MS_PER_SECOND;
    *out = (Timestamp){ms + civil.nanos / NS_PER_MS, civil.nanos % NS_PER_MS, 0};
    return true;
}
