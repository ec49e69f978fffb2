// func/java_time.c - DateTimeFormatter patterns: the compiler and the printer.
//
// A pattern compiles to a flat list of elements, with OPEN and CLOSE around optional sections. What
// java.time calls adjacent value parsing is settled here too: in "yyyyMMdd" the year learns that
// four digits belong to its fixed-width neighbours.
#include "func/java_time_int.h"

#include "base/assert.h"

enum { PATTERN_ELEMENTS_MAX = 512, PATTERN_DEPTH_MAX = 32 };

const char *const MONTH_NAMES[12] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
const char *const DAY_NAMES[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                  "Thursday", "Friday", "Saturday"};

// ---- names -------------------------------------------------------------------------------------

uint32_t time_field_names(TimeField field) {
    switch (field) {
        case FIELD_MONTH: return 12;
        case FIELD_WEEKDAY: return 7;
        case FIELD_QUARTER: return 4;
        case FIELD_AMPM:
        case FIELD_ERA: return 2;
        default: return 0;
    }
}

const char *time_field_name(TimeField field, NameStyle style, int64_t value) {
    // Short and narrow ones.
    static const char *const MONTHS[2][12] = {
        {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
        {"J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"}};
    static const char *const DAYS[2][7] = {{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
                                           {"S", "M", "T", "W", "T", "F", "S"}};
    static const char *const QUARTERS[3][4] = {
        {"Q1", "Q2", "Q3", "Q4"},
        {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"},
        {"1", "2", "3", "4"}};
    static const char *const ERAS[3][2] = {
        {"BC", "AD"}, {"Before Christ", "Anno Domini"}, {"B", "A"}};
    static const char *const AMPM[] = {"AM", "PM"};
    switch (field) {
        case FIELD_MONTH:
            if (value < 1 || value > 12) return NULL;
            if (style == NAME_FULL) return MONTH_NAMES[value - 1];
            return MONTHS[style == NAME_NARROW][value - 1];
        case FIELD_WEEKDAY:
            if (value < 1 || value > 7) return NULL;
            if (style == NAME_FULL) return DAY_NAMES[value % 7];
            return DAYS[style == NAME_NARROW][value % 7];
        case FIELD_QUARTER: return value < 1 || value > 4 ? NULL : QUARTERS[style][value - 1];
        case FIELD_ERA: return value < 0 || value > 1 ? NULL : ERAS[style][value];
        case FIELD_AMPM: return value < 0 || value > 1 ? NULL : AMPM[value];
        default: return NULL;
    }
}

// ---- the compiler ------------------------------------------------------------------------------

typedef struct Compiler {
    Str text;
    Element element[PATTERN_ELEMENTS_MAX];
    uint32_t count;
    uint32_t open[PATTERN_DEPTH_MAX];     // indices of the OPENs around
    int32_t base[PATTERN_DEPTH_MAX + 1];  // the number that adjacent ones widen; -1: none
    uint32_t depth;
    uint8_t pad;  // for the next element
    Error *err;
} Compiler;

static Status bad_pattern(const Compiler *c, const char *what) {
    return error_set(c->err, ST_RUNTIME, "invalid datetime pattern '" STR_FMT "': %s",
                     STR_ARG(c->text), what);
}

static Status add(Compiler *c, Element element) {
    if (c->count == PATTERN_ELEMENTS_MAX) return bad_pattern(c, "too long");
    element.pad = c->pad;
    c->pad = 0;
    c->base[c->depth] = -1;
    c->element[c->count++] = element;
    return ST_OK;
}

// A number, which may stand next to the one before it.
static Status add_number(Compiler *c, Element element) {
    if (element.width_min > 19) return bad_pattern(c, "a number has 1 to 19 digits");
    int32_t base = c->base[c->depth];
    bool fixed = element.width_min == element.width_max && element.sign == SIGN_NEVER;
    if (base < 0) {
        TRY(add(c, element));
        c->base[c->depth] = (int32_t)c->count - 1;
        return ST_OK;
    }
    Element *before = &c->element[base];
    if (fixed) {
        before->following = (int8_t)(before->following < 0 ? 0 : before->following);
        before->following = (int8_t)(before->following + element.width_max);
        element.following = -1;
        TRY(add(c, element));
        c->base[c->depth] = base;
    } else {
        before->following = -1;
        TRY(add(c, element));
        c->base[c->depth] = (int32_t)c->count - 1;
    }
    return ST_OK;
}

static Element number(TimeField field, uint32_t width_min, uint32_t width_max, SignRule sign) {
    return (Element){.kind = ELEMENT_NUMBER,
                     .field = field,
                     .sign = sign,
                     .width_min = (uint8_t)(width_min > 255 ? 255 : width_min),
                     .width_max = (uint8_t)(width_max > 255 ? 255 : width_max)};
}

// One letter: as many digits as the value has; two: exactly two.
static Status add_plain(Compiler *c, TimeField field, uint32_t count) {
    return add_number(c, count == 1 ? number(field, 1, 19, SIGN_NORMAL)
                                    : number(field, count, count, SIGN_NEVER));
}

static Status add_year(Compiler *c, TimeField field, uint32_t count) {
    if (count == 2) {
        Element element = number(field, 2, 2, SIGN_NEVER);
        element.kind = ELEMENT_YEAR2;
        return add_number(c, element);
    }
    return add_number(c, number(field, count, 19, count < 4 ? SIGN_NORMAL : SIGN_EXCEEDS));
}

static Status add_text(Compiler *c, TimeField field, uint32_t count) {
    NameStyle style = count <= 3 ? NAME_SHORT : count == 4 ? NAME_FULL : NAME_NARROW;
    if (count > 5) return bad_pattern(c, "too many pattern letters");
    return add(c, (Element){.kind = ELEMENT_TEXT, .field = field, .style = style});
}

static Status add_offset(Compiler *c, char letter, uint32_t count) {
    bool rfc = letter == 'Z';
    if (count > 5) return bad_pattern(c, "too many pattern letters");
    if (rfc && count == 4) return add(c, (Element){.kind = ELEMENT_ZONE});
    uint32_t form = rfc ? (count == 5 ? 5 : 2) : count;
    return add(c, (Element){.kind = ELEMENT_OFFSET,
                            .field = FIELD_OFFSET,
                            .offset_form = (uint8_t)form,
                            .offset_zulu = letter == 'X' || (rfc && count == 5)});
}

static Status add_letters(Compiler *c, char letter, uint32_t count) {
    bool too_many = false;
    switch (letter) {
        case 'G': return add_text(c, FIELD_ERA, count);
        case 'u': return add_year(c, FIELD_YEAR, count);
        case 'y': return add_year(c, FIELD_YEAR_OF_ERA, count);
        case 'Y': return add_year(c, FIELD_WEEK_YEAR, count);
        case 'Q':
        case 'q':
            return count <= 2 ? add_plain(c, FIELD_QUARTER, count)
                              : add_text(c, FIELD_QUARTER, count);
        case 'M':
        case 'L':
            return count <= 2 ? add_plain(c, FIELD_MONTH, count) : add_text(c, FIELD_MONTH, count);
        case 'E': return add_text(c, FIELD_WEEKDAY, count);
        case 'c':
        case 'e':
            if (letter == 'c' && count == 2) return bad_pattern(c, "'cc'");
            if (count > 2) return add_text(c, FIELD_WEEKDAY, count);
            return add_number(c, number(FIELD_WEEKDAY_LOCAL, count, count, SIGN_NEVER));
        case 'w':
            if (count > 2) return bad_pattern(c, "too many pattern letters");
            return add_number(c, number(FIELD_WEEK_OF_YEAR, count, 2, SIGN_NEVER));
        case 'W':
            if (count > 1) return bad_pattern(c, "too many pattern letters");
            return add_number(c, number(FIELD_WEEK_OF_MONTH, 1, 1, SIGN_NEVER));
        case 'D':
            if (count == 1) return add_plain(c, FIELD_DAY_OF_YEAR, 1);
            if (count > 3) return bad_pattern(c, "too many pattern letters");
            return add_number(c, number(FIELD_DAY_OF_YEAR, count, 3, SIGN_NEVER));
        case 'g': return add_number(c, number(FIELD_JULIAN_DAY, count, 19, SIGN_NORMAL));
        case 'A': return add_number(c, number(FIELD_MILLI_OF_DAY, count, 19, SIGN_NEVER));
        case 'n': return add_number(c, number(FIELD_NANO, count, 19, SIGN_NEVER));
        case 'N': return add_number(c, number(FIELD_NANO_OF_DAY, count, 19, SIGN_NEVER));
        case 'a':
            if (count > 1) return bad_pattern(c, "too many pattern letters");
            return add_text(c, FIELD_AMPM, 1);
        case 'S': {
            if (count > 9) return bad_pattern(c, "a fraction has 1 to 9 digits");
            Element element = number(FIELD_NANO, count, count, SIGN_NEVER);
            element.kind = ELEMENT_FRACTION;
            return add_number(c, element);
        }
        case 'F': too_many = count > 1; break;
        case 'd':
        case 'h':
        case 'H':
        case 'k':
        case 'K':
        case 'm':
        case 's': too_many = count > 2; break;
        case 'X':
        case 'x':
        case 'Z': return add_offset(c, letter, count);
        case 'V':
            if (count != 2) return bad_pattern(c, "'V' must be doubled");
            return add(c, (Element){.kind = ELEMENT_ZONE});
        case 'z':
            if (count > 4) return bad_pattern(c, "too many pattern letters");
            return add(c, (Element){.kind = ELEMENT_ZONE});
        case 'v':
        case 'O':
            if (count != 1 && count != 4) return bad_pattern(c, "wrong number of pattern letters");
            return add(c, (Element){.kind = ELEMENT_ZONE});
        case 'B':
            if (count != 1 && count != 4 && count != 5) {
                return bad_pattern(c, "wrong number of pattern letters");
            }
            return add(c, (Element){.kind = ELEMENT_DAY_PERIOD,
                                    .style = count == 5 ? NAME_NARROW : NAME_SHORT});
        default: return bad_pattern(c, "unknown pattern letter");
    }
    if (too_many) return bad_pattern(c, "too many pattern letters");
    static const TimeField FIELDS[] = {['F'] = FIELD_WEEKDAY_IN_MONTH,
                                       ['d'] = FIELD_DAY_OF_MONTH,
                                       ['h'] = FIELD_CLOCK_HOUR_OF_AMPM,
                                       ['H'] = FIELD_HOUR,
                                       ['k'] = FIELD_CLOCK_HOUR,
                                       ['K'] = FIELD_HOUR_OF_AMPM,
                                       ['m'] = FIELD_MINUTE,
                                       ['s'] = FIELD_SECOND};
    return add_plain(c, FIELDS[(unsigned char)letter], count);
}

static bool is_letter(char byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// How often the byte at [at] is repeated.
static uint32_t run_length(Str text, uint32_t at) {
    uint32_t end = at + 1;
    while (end < text.len && text.ptr[end] == text.ptr[at]) end++;
    return end - at;
}

static Status add_run(Compiler *c, uint32_t *at) {
    uint32_t count = run_length(c->text, *at);
    char letter = c->text.ptr[*at];
    *at += count;
    if (letter == 'p') {
        if (*at == c->text.len || !is_letter(c->text.ptr[*at])) {
            return bad_pattern(c, "'p' must be followed by a pattern");
        }
        c->pad = (uint8_t)(count > 255 ? 255 : count);
        letter = c->text.ptr[*at];
        count = run_length(c->text, *at);
        *at += count;
    }
    return add_letters(c, letter, count);
}

static Status add_quoted(Compiler *c, Arena *arena, uint32_t *at) {
    Str text = c->text;
    Buf content = {0};
    uint32_t end = *at + 1;
    for (; end < text.len; end++) {
        if (text.ptr[end] == '\'') {
            if (end + 1 == text.len || text.ptr[end + 1] != '\'') break;
            end++;
        }
        buf_putc(&content, text.ptr[end]);
    }
    if (end == text.len) {
        buf_free(&content);
        return bad_pattern(c, "incomplete string literal");
    }
    if (content.len == 0) buf_putc(&content, '\'');
    *at = end + 1;
    Str literal = str_make(arena_dup(arena, content.ptr, content.len), content.len);
    buf_free(&content);
    return add(c, (Element){.kind = ELEMENT_LITERAL, .text = literal});
}

static Status close_section(Compiler *c) {
    uint32_t open = c->open[--c->depth];
    TRY(add(c, (Element){.kind = ELEMENT_CLOSE}));
    c->element[open].partner = (uint16_t)(c->count - 1);
    return ST_OK;
}

static Status compile_all(Compiler *c, Arena *arena) {
    c->base[0] = -1;
    for (uint32_t at = 0; at < c->text.len;) {
        char byte = c->text.ptr[at];
        if (is_letter(byte)) {
            TRY(add_run(c, &at));
            continue;
        }
        if (byte == '\'') {
            TRY(add_quoted(c, arena, &at));
            continue;
        }
        if (byte == '[') {
            if (c->depth == PATTERN_DEPTH_MAX) return bad_pattern(c, "too deep");
            c->open[c->depth] = c->count;
            TRY(add(c, (Element){.kind = ELEMENT_OPEN}));
            c->base[++c->depth] = -1;
        } else if (byte == ']') {
            if (!c->depth) return bad_pattern(c, "']' without '['");
            TRY(close_section(c));
            c->base[c->depth] = -1;
        } else if (byte == '{' || byte == '}' || byte == '#') {
            return bad_pattern(c, "reserved character");
        } else {
            Str literal = str_make(arena_dup(arena, &byte, 1), 1);
            TRY(add(c, (Element){.kind = ELEMENT_LITERAL, .text = literal}));
        }
        at++;
    }
    while (c->depth) TRY(close_section(c));
    return ST_OK;
}

Status time_pattern_compile(Arena *arena, Str text, const TimePattern **out, Error *err) {
    Compiler *c = NEW(Compiler);
    c->text = text;
    c->err = err;
    Status st = compile_all(c, arena);
    if (!st) {
        TimePattern *pattern = ARENA_NEW(arena, TimePattern);
        pattern->element = arena_dup(arena, c->element, c->count * sizeof(Element));
        pattern->count = c->count;
        *out = pattern;
    }
    mem_free(c);
    return st;
}

int64_t time_pattern_step_ms(const TimePattern *pattern) {
    int64_t step = MS_PER_DAY;
    for (uint32_t i = 0; i < pattern->count; i++) {
        const Element *e = &pattern->element[i];
        int64_t own = MS_PER_DAY;
        if (e->kind == ELEMENT_DAY_PERIOD) own = 60 * MS_PER_SECOND;
        if (e->kind <= ELEMENT_TEXT && e->field >= FIELD_AMPM) {
            own = e->field < FIELD_MINUTE    ? 3600ll * MS_PER_SECOND
                  : e->field == FIELD_MINUTE ? 60ll * MS_PER_SECOND
                  : e->field == FIELD_SECOND ? MS_PER_SECOND
                                             : 0;
        }
        if (own < step) step = own;
    }
    return step;
}

// ---- the printer -------------------------------------------------------------------------------

int64_t time_week_number(int32_t day, int32_t weekday) {
    return (day - weekday + 13) / 7;
}

int64_t time_week_year(int32_t year, int32_t day_of_year, int32_t weekday, int64_t *week) {
    *week = time_week_number(day_of_year, weekday);
    int32_t length = days_in_month(year, 2) + 337;
    if (day_of_year + 7 - weekday <= length) return year;
    *week = 1;  // its Saturday is of the next year, whose first week it is
    return year + 1;
}

static int64_t field_value(TimeField field, const Civil *civil, int32_t days) {
    int64_t day_seconds = civil->hour * 3600 + civil->minute * 60 + civil->second;
    int32_t day_of_year = days - days_from_civil(civil->year, 1, 1) + 1;
    int32_t weekday = (int32_t)floor_mod((int64_t)days + 4, 7) + 1;  // Sunday is 1
    int64_t week;
    switch (field) {
        case FIELD_ERA: return civil->year >= 1;
        case FIELD_YEAR_OF_ERA: return civil->year >= 1 ? civil->year : 1 - civil->year;
        case FIELD_YEAR: return civil->year;
        case FIELD_QUARTER: return (civil->month + 2) / 3;
        case FIELD_MONTH: return civil->month;
        case FIELD_DAY_OF_YEAR: return day_of_year;
        case FIELD_DAY_OF_MONTH: return civil->day;
        case FIELD_WEEKDAY_IN_MONTH: return (civil->day - 1) % 7 + 1;
        case FIELD_WEEKDAY: return (weekday + 5) % 7 + 1;
        case FIELD_WEEKDAY_LOCAL: return weekday;
        case FIELD_WEEK_YEAR: return time_week_year(civil->year, day_of_year, weekday, &week);
        case FIELD_WEEK_OF_YEAR:
            (void)time_week_year(civil->year, day_of_year, weekday, &week);
            return week;
        case FIELD_WEEK_OF_MONTH: return time_week_number(civil->day, weekday);
        case FIELD_JULIAN_DAY: return days + 40587ll;
        case FIELD_AMPM: return civil->hour / 12;
        case FIELD_HOUR: return civil->hour;
        case FIELD_CLOCK_HOUR: return civil->hour ? civil->hour : 24;
        case FIELD_HOUR_OF_AMPM: return civil->hour % 12;
        case FIELD_CLOCK_HOUR_OF_AMPM: return civil->hour % 12 ? civil->hour % 12 : 12;
        case FIELD_MINUTE: return civil->minute;
        case FIELD_SECOND: return civil->second;
        case FIELD_NANO: return civil->nanos;
        case FIELD_MILLI_OF_DAY: return day_seconds * 1000 + civil->nanos / NS_PER_MS;
        case FIELD_NANO_OF_DAY: return day_seconds * 1000000000 + civil->nanos;
        default: UNREACHABLE();
    }
    return 0;
}

static Status print_number(const Element *e, int64_t value, Buf *out, Error *err) {
    char digits[20];
    uint32_t count = 0;
    uint64_t abs = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + abs % 10);
        abs /= 10;
    } while (abs);
    if (count > e->width_max) {
        return error_set(err, ST_RUNTIME, "the value %lld exceeds the pattern's width of %u",
                         (long long)value, e->width_max);
    }
    if (value < 0) {
        if (e->sign == SIGN_NEVER) {
            return error_set(err, ST_RUNTIME, "the value %lld is negative", (long long)value);
        }
        buf_putc(out, '-');
    } else if (e->sign == SIGN_EXCEEDS && count > e->width_min) {
        buf_putc(out, '+');
    }
    for (uint32_t i = count; i < e->width_min; i++) buf_putc(out, '0');
    while (count) buf_putc(out, digits[--count]);
    return ST_OK;
}

static const char *day_period(const Civil *civil, NameStyle style) {
    bool narrow = style == NAME_NARROW;
    bool sharp = civil->minute == 0;
    if (sharp && civil->hour == 0) return narrow ? "mi" : "midnight";
    if (sharp && civil->hour == 12) return narrow ? "n" : "noon";
    if (civil->hour >= 6 && civil->hour < 12) return "in the morning";
    if (civil->hour >= 12 && civil->hour < 18) return "in the afternoon";
    return civil->hour >= 18 && civil->hour < 21 ? "in the evening" : "at night";
}

static Status print_element(const Element *e, const Civil *civil, int32_t days, Buf *out,
                            Error *err) {
    int64_t value = 0;
    if (e->kind <= ELEMENT_TEXT) value = field_value(e->field, civil, days);
    switch (e->kind) {
        case ELEMENT_NUMBER: return print_number(e, value, out, err);
        case ELEMENT_YEAR2: return print_number(e, (value < 0 ? -value : value) % 100, out, err);
        case ELEMENT_FRACTION: {
            int64_t weight = 100000000;
            for (uint32_t i = 0; i < e->width_max; i++, weight /= 10) {
                buf_putc(out, (char)('0' + value / weight % 10));
            }
            return ST_OK;
        }
        case ELEMENT_TEXT: buf_puts(out, time_field_name(e->field, e->style, value)); return ST_OK;
        case ELEMENT_LITERAL: buf_put_str(out, e->text); return ST_OK;
        case ELEMENT_DAY_PERIOD: buf_puts(out, day_period(civil, e->style)); return ST_OK;
        default: return error_set(err, ST_RUNTIME, "a timestamp without zone has no zone to print");
    }
}

static Status print_padded(const Element *e, const Civil *civil, int32_t days, Buf *out,
                           Error *err) {
    size_t start = out->len;
    TRY(print_element(e, civil, days, out, err));
    size_t len = out->len - start;
    if (len > e->pad) {
        return error_set(err, ST_RUNTIME, "%zu characters exceed the pad width of %u", len, e->pad);
    }
    size_t blanks = e->pad - len;
    (void)buf_reserve(out, blanks);
    memmove(out->ptr + start + blanks, out->ptr + start, len);
    memset(out->ptr + start, ' ', blanks);
    out->len += blanks;
    return ST_OK;
}

Status time_pattern_print(const TimePattern *pattern, Timestamp local, Buf *out, Error *err) {
    Civil civil = civil_from_timestamp(local);
    int32_t days = (int32_t)floor_div(local.ms, MS_PER_DAY);
    // An optional section that cannot be printed is left out whole.
    struct {
        uint32_t open;
        size_t len;
    } section[PATTERN_DEPTH_MAX];
    uint32_t depth = 0;
    for (uint32_t i = 0; i < pattern->count; i++) {
        const Element *e = &pattern->element[i];
        if (e->kind == ELEMENT_OPEN) {
            section[depth].open = i;
            section[depth++].len = out->len;
            continue;
        }
        if (e->kind == ELEMENT_CLOSE) {
            depth--;
            continue;
        }
        bool zone = e->kind == ELEMENT_OFFSET || e->kind == ELEMENT_ZONE;
        if (zone && depth) {
            depth--;
            out->len = section[depth].len;
            i = pattern->element[section[depth].open].partner;
            continue;
        }
        TRY((e->pad ? print_padded : print_element)(e, &civil, days, out, err));
    }
    return ST_OK;
}
