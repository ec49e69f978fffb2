// func/simple_date.c - SimpleDateFormat patterns: compiler and printer; the reader is in
// simple_date_read.c.
#include "func/simple_date_int.h"

#include "base/assert.h"
#include "func/java_time.h"

// ---- the compiler ------------------------------------------------------------------------------

static Status bad_pattern(Str text, const char *what, Error *err) {
    return error_set(err, ST_RUNTIME, "invalid date pattern '" STR_FMT "': %s", STR_ARG(text),
                     what);
}

static bool is_letter(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// Quotes: '' is one quote, inside and outside of quoted text.
Status date_pattern_compile(Arena *arena, Str text, const DatePattern **out, Error *err) {
    DatePattern *pattern = ARENA_NEW(arena, DatePattern);
    pattern->part = ARENA_ARRAY(arena, DatePart, text.len + 1);
    bool quoted = false;
    for (uint32_t at = 0; at < text.len;) {
        char byte = text.ptr[at];
        DatePart *part = &pattern->part[pattern->count];
        if (byte == '\'') {
            if (at + 1 < text.len && text.ptr[at + 1] == '\'') {
                *part = (DatePart){.byte = '\''};
                pattern->count++;
                at += 2;
            } else {
                quoted = !quoted;
                at++;
            }
            continue;
        }
        if (quoted || !is_letter(byte)) {
            *part = (DatePart){.byte = byte};
            pattern->count++;
            at++;
            continue;
        }
        if (!memchr("GyMdkHmsSEDFwWahKzZYuXL", byte, 23)) {
            return bad_pattern(text, "illegal pattern character", err);
        }
        uint32_t count = 1;
        while (at + count < text.len && text.ptr[at + count] == byte) count++;
        if (byte == 'X' && count > 3) return bad_pattern(text, "too many 'X'", err);
        *part = (DatePart){.letter = byte, .count = count};
        pattern->count++;
        at += count;
    }
    if (quoted) return bad_pattern(text, "unterminated quote", err);
    *out = pattern;
    return ST_OK;
}

// ---- the printer -------------------------------------------------------------------------------

// A moment on the hybrid calendar. Weeks start on Sunday; one day makes the first week.
typedef struct Moment {
    int32_t year, month, day;                   // astronomical year
    int32_t day_of_year, year_length, weekday;  // Sunday is 1
    int32_t hour, minute, second, ms;
} Moment;

static Moment moment_of(int64_t local_ms) {
    Moment m;
    int64_t days = floor_div(local_ms, MS_PER_DAY);
    int32_t rest = (int32_t)(local_ms - days * MS_PER_DAY);
    hybrid_from_days(days, &m.year, &m.month, &m.day);
    int64_t first = days_from_hybrid(m.year, 1, 1);
    m.day_of_year = (int32_t)(days - first) + 1;
    m.year_length = (int32_t)(days_from_hybrid(m.year + 1, 1, 1) - first);
    m.weekday = (int32_t)floor_mod(days + 4, 7) + 1;
    m.hour = rest / 3600000;
    m.minute = rest / 60000 % 60;
    m.second = rest / 1000 % 60;
    m.ms = rest % 1000;
    return m;
}

static void put_padded(Buf *out, int64_t value, uint32_t width) {
    if (value < 0) {  // the sign is not of the width
        buf_putc(out, '-');
        value = -value;
    }
    buf_printf(out, "%0*lld", (int)(width > 64 ? 64 : width), (long long)value);
}

static void put_name(Buf *out, const char *name, uint32_t count) {
    buf_put(out, name, count >= 4 ? strlen(name) : 3);
}

static void put_year(Buf *out, int64_t year, uint32_t count) {
    if (count == 2) {
        if (year < 0) buf_putc(out, '-');
        put_padded(out, (year < 0 ? -year : year) % 100, 2);
    } else {
        put_padded(out, year, count);
    }
}

static void put_offset(Buf *out, char letter, uint32_t count, int32_t offset_ms) {
    int32_t minutes = offset_ms / 60000;
    if (letter == 'X' && offset_ms == 0) {
        buf_putc(out, 'Z');
        return;
    }
    buf_putc(out, minutes < 0 ? '-' : '+');
    if (minutes < 0) minutes = -minutes;
    put_padded(out, minutes / 60, 2);
    if (letter == 'X' && count == 1) return;
    if (letter == 'X' && count == 3) buf_putc(out, ':');
    put_padded(out, minutes % 60, 2);
}

// Zones without letters for a name show their offset, as Java does for those it has no name for.
static void put_zone(Buf *out, const Zone *zone, int64_t utc_ms, int32_t offset_ms) {
    Str name = zone_abbreviation(zone, utc_ms);
    if (name.len && is_letter(name.ptr[0])) {
        buf_put_str(out, name);
        return;
    }
    int32_t minutes = offset_ms / 60000, abs = minutes < 0 ? -minutes : minutes;
    buf_printf(out, "GMT%c%02d:%02d", minutes < 0 ? '-' : '+', abs / 60, abs % 60);
}

static int32_t week_number(int32_t day, int32_t weekday) {
    return (day - weekday + 13) / 7;
}

void date_pattern_print(const DatePattern *pattern, int64_t utc_ms, const Zone *zone, Buf *out) {
    int32_t offset_ms = zone_legacy_offset_ms(zone, utc_ms);
    Moment m = moment_of(utc_ms + offset_ms);
    bool christian = m.year >= 1;
    int32_t year_of_era = christian ? m.year : 1 - m.year;
    bool next_year = m.day_of_year + 7 - m.weekday > m.year_length;  // the week has its 1 January
    for (uint32_t i = 0; i < pattern->count; i++) {
        DatePart part = pattern->part[i];
        switch (part.letter) {
            case 0: buf_putc(out, part.byte); break;
            case 'G': buf_puts(out, christian ? "AD" : "BC"); break;  // however many letters
            case 'y': put_year(out, year_of_era, part.count); break;
            case 'Y': put_year(out, m.year + next_year, part.count); break;
            case 'M':
            case 'L':
                if (part.count >= 3) {
                    put_name(out, MONTH_NAMES[m.month - 1], part.count);
                } else {
                    put_padded(out, m.month, part.count);
                }
                break;
            case 'w':
                put_padded(out, next_year ? 1 : week_number(m.day_of_year, m.weekday), part.count);
                break;
            case 'W': put_padded(out, week_number(m.day, m.weekday), part.count); break;
            case 'D': put_padded(out, m.day_of_year, part.count); break;
            case 'd': put_padded(out, m.day, part.count); break;
            case 'F': put_padded(out, (m.day - 1) / 7 + 1, part.count); break;
            case 'E': put_name(out, DAY_NAMES[m.weekday - 1], part.count); break;
            case 'u': put_padded(out, (m.weekday + 5) % 7 + 1, part.count); break;
            case 'a': buf_puts(out, m.hour < 12 ? "AM" : "PM"); break;
            case 'H': put_padded(out, m.hour, part.count); break;
            case 'k': put_padded(out, m.hour ? m.hour : 24, part.count); break;
            case 'K': put_padded(out, m.hour % 12, part.count); break;
            case 'h': put_padded(out, m.hour % 12 ? m.hour % 12 : 12, part.count); break;
            case 'm': put_padded(out, m.minute, part.count); break;
            case 's': put_padded(out, m.second, part.count); break;
            case 'S': put_padded(out, m.ms, part.count); break;
            case 'z': put_zone(out, zone, utc_ms, offset_ms); break;
            case 'Z':
            case 'X': put_offset(out, part.letter, part.count, offset_ms); break;
            default: UNREACHABLE();
        }
    }
}
