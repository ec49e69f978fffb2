// type/zone.c - time zones from TZif files (RFC 8536) and fixed offsets.
//
// A zone is a sorted list of transitions, each to a local time type (offset, summer time or not,
// abbreviation). What the file's POSIX footer promises for the time after its last transition is
// unrolled once, when the file is read, for 400 years; a later instant is moved back by whole
// 400-year cycles, after which the Gregorian calendar repeats, weekdays included. So every question
// is one binary search, and no row ever meets the rule.
//
// Files are read here by libc and not through os/: this folder lies below it, and tzdata is a
// constant of the machine, not an input that a simulation would want to own.
#include "type/zone.h"

#include <pthread.h>
#include <stdio.h>

#include "base/assert.h"
#include "type/datetime.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

enum {
    ZONE_NAME_MAX = 64,
    ZONE_FILE_MAX = 1 << 20,  // the fattest files have 4 KiB
    ZONE_TYPES_MAX = 256,     // the format's own limit; the footer may add two
    CYCLE_YEARS = 400,
};
enum { OFFSET_MAX = 26 * 3600 };  // RFC 8536's, and what keeps offsets in ms within 32 bits
static const int64_t CYCLE_SECONDS = 146097ll * 86400;
static const int64_t LEGACY_START = -2208988800ll;  // 1900-01-01: java.util.TimeZone knows no more

typedef struct ZoneType {
    int32_t offset;  // seconds east of UTC
    bool dst;
    char abbreviation[12];
} ZoneType;

struct Zone {
    Zone *next;  // in the cache
    char name[ZONE_NAME_MAX];
    uint32_t count;  // transitions
    int64_t *at;     // seconds UTC, rising
    uint16_t *to;    // the type from then on
    ZoneType *type;  // [0] rules before the first transition
    uint32_t type_count;
    int64_t
        cycle_start;  // instants from here on repeat every CYCLE_SECONDS; INT64_MAX: they do not
    int32_t legacy_offset;  // seconds; Java's raw offset, and the one before 1900
    bool negative_dst;      // the file calls the higher offset the standard one, Java the lower
    bool utc;
};

static const ZoneType UTC_TYPE = {0, false, "UTC"};
static const Zone UTC = {.name = "UTC",
                         .type = (ZoneType *)&UTC_TYPE,
                         .type_count = 1,
                         .cycle_start = INT64_MAX,
                         .utc = true};

// ---- reading TZif ------------------------------------------------------------------------------

typedef struct ZoneFile {
    const uint8_t *at, *end;
} ZoneFile;

static uint64_t big_endian(const uint8_t *bytes, uint32_t size) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) value = value << 8 | bytes[i];
    return value;
}

typedef struct ZoneCounts {
    uint32_t isut, isstd, leap, time, type, chars;
} ZoneCounts;

static bool read_header(ZoneFile *file, ZoneCounts *counts, uint8_t *version) {
    if (file->end - file->at < 44 || memcmp(file->at, "TZif", 4) != 0) return false;
    *version = file->at[4];
    uint32_t *into[] = {&counts->isut, &counts->isstd, &counts->leap,
                        &counts->time, &counts->type,  &counts->chars};
    for (uint32_t i = 0; i < 6; i++) *into[i] = (uint32_t)big_endian(file->at + 20 + i * 4, 4);
    file->at += 44;
    return counts->type >= 1 && counts->type <= ZONE_TYPES_MAX && counts->time < ZONE_FILE_MAX &&
           counts->chars < ZONE_FILE_MAX && counts->leap < ZONE_FILE_MAX &&
           counts->isut <= ZONE_TYPES_MAX && counts->isstd <= ZONE_TYPES_MAX;
}

static size_t block_size(const ZoneCounts *c, uint32_t time_size) {
    return (size_t)c->time * (time_size + 1) + (size_t)c->type * 6 + c->chars +
           (size_t)c->leap * (time_size + 4) + c->isstd + c->isut;
}

// One date rule of a POSIX footer: when, in a year, a change happens.
typedef struct FooterRule {
    enum { RULE_WEEKDAY, RULE_JULIAN, RULE_DAY } kind;
    int32_t month, week, day;  // RULE_WEEKDAY: week 5 is the last; else day of the year
    int32_t seconds;           // of the day, local time before the change; may be negative
} FooterRule;

typedef struct Footer {
    const char *at;  // NUL-terminated
} Footer;

static bool footer_name(Footer *f, char out[12]) {
    bool quoted = *f->at == '<';
    if (quoted) f->at++;
    uint32_t len = 0;
    for (;; f->at++) {
        char c = *f->at;
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool other = quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-');
        if (!letter && !other) break;
        if (len < 11) out[len++] = c;
    }
    out[len] = 0;
    if (quoted && *f->at++ != '>') return false;
    return len > 0;
}

static bool footer_number(Footer *f, int32_t *out) {
    if (*f->at < '0' || *f->at > '9') return false;
    int32_t value = 0;
    for (; *f->at >= '0' && *f->at <= '9'; f->at++) {
        value = value * 10 + (*f->at - '0');
        if (value > 1000) return false;
    }
    *out = value;
    return true;
}

// [+-]hh[:mm[:ss]] in seconds.
static bool footer_time(Footer *f, int32_t *out) {
    bool negative = *f->at == '-';
    if (*f->at == '-' || *f->at == '+') f->at++;
    int32_t hours, minutes = 0, seconds = 0;
    if (!footer_number(f, &hours)) return false;
    if (*f->at == ':') {
        f->at++;
        if (!footer_number(f, &minutes)) return false;
        if (*f->at == ':') {
            f->at++;
            if (!footer_number(f, &seconds)) return false;
        }
    }
    *out = hours * 3600 + minutes * 60 + seconds;
    if (negative) *out = -*out;
    return true;
}

static bool footer_rule(Footer *f, FooterRule *rule) {
    *rule = (FooterRule){.seconds = 7200};
    if (*f->at++ != ',') return false;
    if (*f->at == 'M') {
        f->at++;
        rule->kind = RULE_WEEKDAY;
        if (!footer_number(f, &rule->month) || *f->at++ != '.') return false;
        if (!footer_number(f, &rule->week) || *f->at++ != '.') return false;
        if (!footer_number(f, &rule->day)) return false;
        if (rule->month < 1 || rule->month > 12 || rule->week < 1 || rule->week > 5) return false;
        if (rule->day > 6) return false;
    } else {
        rule->kind = RULE_DAY;
        if (*f->at == 'J') {
            f->at++;
            rule->kind = RULE_JULIAN;
        }
        if (!footer_number(f, &rule->day)) return false;
    }
    if (*f->at != '/') return true;
    f->at++;
    return footer_time(f, &rule->seconds);
}

// The change in [year], in seconds of the local time that ends with it.
static int64_t rule_seconds(const FooterRule *rule, int32_t year) {
    int32_t days;
    if (rule->kind == RULE_WEEKDAY) {
        int32_t first = days_from_civil(year, rule->month, 1);
        int32_t weekday = (int32_t)floor_mod(first + 4, 7);  // 1970-01-01 was a Thursday
        int32_t day = (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
        while (day >= days_in_month(year, rule->month)) day -= 7;
        days = first + day;
    } else {
        int32_t first = days_from_civil(year, 1, 1);
        bool leap = days_in_month(year, 2) == 29;
        // Julian days 1..365 never count 29 February.
        bool after = rule->kind == RULE_JULIAN && leap && rule->day >= 60;
        days = first + (rule->kind == RULE_JULIAN ? rule->day - 1 + after : rule->day);
    }
    return (int64_t)days * 86400 + rule->seconds;
}

static void zone_append(Zone *zone, int64_t at, uint32_t type) {
    zone->at[zone->count] = at;
    zone->to[zone->count++] = (uint16_t)type;
}

// Unrolls the footer over the years after the last transition.
static bool zone_unroll(Zone *zone, const char *text) {
    if (!*text) return true;
    Footer f = {text};
    ZoneType *std = &zone->type[zone->type_count], *dst = std + 1;
    FooterRule start, stop;
    if (!footer_name(&f, std->abbreviation) || !footer_time(&f, &std->offset)) return false;
    std->offset = -std->offset;  // POSIX counts west of Greenwich
    if (std->offset < -OFFSET_MAX || std->offset > OFFSET_MAX) return false;
    std->dst = false;
    zone->legacy_offset = std->offset;
    if (!*f.at) return true;  // no summer time: the last transition says the same
    if (!footer_name(&f, dst->abbreviation)) return false;
    dst->offset = std->offset + 3600;
    dst->dst = true;
    if (*f.at != ',') {
        if (!footer_time(&f, &dst->offset)) return false;
        dst->offset = -dst->offset;
    }
    if (dst->offset < -OFFSET_MAX || dst->offset > OFFSET_MAX) return false;
    if (!footer_rule(&f, &start) || !footer_rule(&f, &stop) || *f.at) return false;
    // "Negative summer time" (Dublin): Java's tables call the lower offset the standard one.
    if (dst->offset < std->offset) {
        zone->legacy_offset = dst->offset;
        zone->negative_dst = true;
    }
    uint32_t std_type = zone->type_count, dst_type = std_type + 1;
    zone->type_count += 2;

    int64_t last = zone->count ? zone->at[zone->count - 1] : 0;
    int32_t year, month, day;
    civil_from_days((int32_t)floor_div(last, 86400), &year, &month, &day);
    zone->cycle_start = last;
    for (int32_t end = year + CYCLE_YEARS + 1; year <= end; year++) {
        int64_t to_dst = rule_seconds(&start, year) - std->offset;
        int64_t to_std = rule_seconds(&stop, year) - dst->offset;
        bool dst_first = to_dst < to_std;
        int64_t first = dst_first ? to_dst : to_std, second = dst_first ? to_std : to_dst;
        if (first > last) zone_append(zone, first, dst_first ? dst_type : std_type);
        if (second > last) zone_append(zone, second, dst_first ? std_type : dst_type);
    }
    return true;
}

// Reads the 64-bit block and the footer. False when the bytes are not a zone.
static bool zone_decode(Zone *zone, const uint8_t *bytes, size_t size) {
    ZoneFile file = {bytes, bytes + size};
    ZoneCounts c;
    uint8_t version;
    if (!read_header(&file, &c, &version)) return false;
    uint32_t time_size = 4;
    if (version >= '2') {
        size_t skip = block_size(&c, 4);
        if ((size_t)(file.end - file.at) < skip) return false;
        file.at += skip;
        if (!read_header(&file, &c, &version)) return false;
        time_size = 8;
    }
    if ((size_t)(file.end - file.at) < block_size(&c, time_size)) return false;

    size_t room = c.time + 2 * (CYCLE_YEARS + 2);
    zone->at = NEW_ARRAY(int64_t, room);
    zone->to = NEW_ARRAY(uint16_t, room);
    zone->type = NEW_ARRAY(ZoneType, c.type + 2);
    zone->type_count = c.type;
    const uint8_t *times = file.at, *types = times + (size_t)c.time * time_size;
    const uint8_t *infos = types + c.time, *chars = infos + (size_t)c.type * 6;
    for (uint32_t i = 0; i < c.type; i++) {
        const uint8_t *info = infos + (size_t)i * 6;
        zone->type[i].offset = (int32_t)big_endian(info, 4);
        if (zone->type[i].offset < -OFFSET_MAX || zone->type[i].offset > OFFSET_MAX) return false;
        zone->type[i].dst = info[4] != 0;
        for (uint32_t from = info[5], k = 0; from + k < c.chars && chars[from + k] && k < 11; k++) {
            zone->type[i].abbreviation[k] = (char)chars[from + k];
        }
        if (!zone->type[i].dst) zone->legacy_offset = zone->type[i].offset;
    }
    for (uint32_t i = 0; i < c.time; i++) {
        uint64_t raw = big_endian(times + (size_t)i * time_size, time_size);
        int64_t at = time_size == 8 ? (int64_t)raw : (int32_t)raw;
        if (types[i] >= c.type || (i && at <= zone->at[i - 1])) return false;
        zone_append(zone, at, types[i]);
        if (!zone->type[types[i]].dst) zone->legacy_offset = zone->type[types[i]].offset;
    }
    file.at += block_size(&c, time_size);
    char footer[128] = "";
    if (time_size == 8 && file.at < file.end && *file.at == '\n') {
        const uint8_t *end = memchr(file.at + 1, '\n', (size_t)(file.end - file.at - 1));
        size_t len = end ? (size_t)(end - file.at - 1) : 0;
        if (len >= sizeof footer) return false;
        memcpy(footer, file.at + 1, len);
        footer[len] = 0;
    }
    return zone_unroll(zone, footer);
}

static void zone_free(Zone *zone) {
    mem_free(zone->at);
    mem_free(zone->to);
    mem_free(zone->type);
    mem_free(zone);
}

static Zone *zone_load(Str name) {
    char path[sizeof ZONE_FOLDER + ZONE_NAME_MAX];
    (void)snprintf(path, sizeof path, ZONE_FOLDER STR_FMT, STR_ARG(name));
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    uint8_t *bytes = mem_alloc(ZONE_FILE_MAX);
    size_t size = fread(bytes, 1, ZONE_FILE_MAX, file);  // a folder reads as nothing
    (void)fclose(file);
    Zone *zone = NEW(Zone);
    zone->cycle_start = INT64_MAX;
    memcpy(zone->name, name.ptr, name.len);
    if (!zone_decode(zone, bytes, size)) {
        zone_free(zone);
        zone = NULL;
    } else {
        zone->utc = zone->count == 0 && zone->type->offset == 0;
    }
    mem_free(bytes);
    return zone;
}

// ---- names -------------------------------------------------------------------------------------

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static Zone *cache;  // guarded by cache_lock; zones are never taken out

static const Zone *cache_find(Str name) {
    for (Zone *zone = cache; zone; zone = zone->next) {
        if (str_eq(str_c(zone->name), name)) return zone;
    }
    return NULL;
}

static const Zone *cache_add(Zone *zone) {
    if (!zone) return NULL;
    zone->next = cache;
    cache = zone;
    return zone;
}

// Whether [name] can be one of java.time's regions. tzdata has a few more files than Java has.
static bool region_name_valid(Str name) {
    static const char *const NOT_REGIONS[] = {"EST",       "MST",        "HST",   "ROC",  "Factory",
                                              "localtime", "posixrules", "GMT+0", "GMT-0"};
    if (name.len < 2 || name.len >= ZONE_NAME_MAX) return false;
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && i == 0) return false;
        if (!letter && !memchr("0123456789/_+-~", c, 15)) return false;  // no '.': no "../"
    }
    if (str_starts(name, STR("posix/")) || str_starts(name, STR("right/"))) return false;
    for (uint32_t i = 0; i < sizeof NOT_REGIONS / sizeof *NOT_REGIONS; i++) {
        if (str_eq(name, str_c(NOT_REGIONS[i]))) return false;
    }
    return true;
}

static const Zone *zone_region(Str name) {
    if (str_is(name, "UTC")) return &UTC;
    if (!region_name_valid(name)) return NULL;
    pthread_mutex_lock(&cache_lock);
    const Zone *zone = cache_find(name);
    if (!zone) zone = cache_add(zone_load(name));
    pthread_mutex_unlock(&cache_lock);
    return zone;
}

// A fixed offset; [prefix] is "GMT", "UTC", "UT" or "".
static const Zone *zone_fixed(const char *prefix, int32_t seconds) {
    char name[ZONE_NAME_MAX];
    int32_t abs = seconds < 0 ? -seconds : seconds;
    int len = snprintf(name, sizeof name, "%s", prefix);
    if (seconds) {
        len += snprintf(name + len, sizeof name - (size_t)len, "%c%02d:%02d",
                        seconds < 0 ? '-' : '+', abs / 3600, abs / 60 % 60);
        if (abs % 60) len += snprintf(name + len, sizeof name - (size_t)len, ":%02d", abs % 60);
    } else if (!len) {
        len = snprintf(name, sizeof name, "Z");
    }
    pthread_mutex_lock(&cache_lock);
    const Zone *zone = cache_find(str_make(name, (size_t)len));
    if (!zone) {
        Zone *made = NEW(Zone);
        memcpy(made->name, name, sizeof name);
        made->type = NEW(ZoneType);
        made->type_count = 1;
        made->type->offset = made->legacy_offset = seconds;
        (void)snprintf(made->type->abbreviation, sizeof made->type->abbreviation, "%.11s", name);
        made->cycle_start = INT64_MAX;
        made->utc = seconds == 0;
        zone = cache_add(made);
    }
    pthread_mutex_unlock(&cache_lock);
    return zone;
}

static int32_t two_digits(const char *at) {
    bool digits = at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9';
    return digits ? (at[0] - '0') * 10 + (at[1] - '0') : 99;
}

// java.time.ZoneOffset.of: ±h, ±hh, ±hh:mm, ±hhmm, ±hh:mm:ss, ±hhmmss, up to 18 hours.
static bool parse_offset(Str text, int32_t *seconds) {
    if (text.len < 2 || (text.ptr[0] != '+' && text.ptr[0] != '-')) return false;
    const char *at = text.ptr + 1;
    uint32_t len = text.len - 1;
    int32_t hours, minutes = 0, rest = 0;
    if (len == 1) {
        if (*at < '0' || *at > '9') return false;
        hours = *at - '0';
    } else {
        hours = two_digits(at);
        bool colons = len == 5 || len == 8;
        if (len != 2 && len != 4 && len != 6 && !colons) return false;
        if (colons && (at[2] != ':' || (len == 8 && at[5] != ':'))) return false;
        if (len >= 4) minutes = two_digits(at + (colons ? 3 : 2));
        if (len == 6 || len == 8) rest = two_digits(at + (colons ? 6 : 4));
    }
    if (minutes > 59 || rest > 59) return false;
    int32_t total = hours * 3600 + minutes * 60 + rest;
    if (total > 18 * 3600) return false;
    *seconds = text.ptr[0] == '-' ? -total : total;
    return true;
}

// java.util.TimeZone's own: GMT±h, GMT±hh, GMT±h:mm, GMT±hh:mm, GMT±hmm, GMT±hhmm.
static bool parse_custom(Str name, int32_t *seconds) {
    if (name.len < 5 || !str_starts(name, STR("GMT"))) return false;
    if (name.ptr[3] != '+' && name.ptr[3] != '-') return false;
    int32_t parts[2] = {0, 0}, part = 0;
    uint32_t digits = 0, all = 0;
    for (uint32_t i = 4; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == ':') {
            if (part || digits == 0 || digits > 2) return false;
            part = 1;
            digits = 0;
            continue;
        }
        if (c < '0' || c > '9' || ++all > 4) return false;
        digits++;
        parts[part] = parts[part] * 10 + (c - '0');
    }
    if (part ? digits != 2 : digits == 0) return false;
    if (!part && digits > 2) {
        parts[1] = parts[0] % 100;
        parts[0] /= 100;
    }
    if (parts[0] > 23 || parts[1] > 59) return false;
    int32_t total = parts[0] * 3600 + parts[1] * 60;
    *seconds = name.ptr[3] == '-' ? -total : total;
    return true;
}

const Zone *zone_utc(void) {
    return &UTC;
}

const Zone *zone_find_id(Str name) {
    static const char *const PREFIXES[] = {"UTC", "GMT", "UT"};
    int32_t seconds;
    if (str_is(name, "Z")) return zone_fixed("", 0);
    if (name.len && (name.ptr[0] == '+' || name.ptr[0] == '-')) {
        return parse_offset(name, &seconds) ? zone_fixed("", seconds) : NULL;
    }
    for (uint32_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
        Str prefix = str_c(PREFIXES[i]);
        if (!str_starts(name, prefix)) continue;
        Str rest = str_make(name.ptr + prefix.len, name.len - prefix.len);
        if (!rest.len) return i == 0 ? &UTC : zone_fixed(PREFIXES[i], 0);
        if (parse_offset(rest, &seconds)) return zone_fixed(PREFIXES[i], seconds);
        break;
    }
    return zone_region(name);
}

const Zone *zone_find_legacy(Str name) {
    static const char *const SHORT[][2] = {
        {"ACT", "Australia/Darwin"},
        {"AET", "Australia/Sydney"},
        {"AGT", "America/Argentina/Buenos_Aires"},
        {"ART", "Africa/Cairo"},
        {"AST", "America/Anchorage"},
        {"BET", "America/Sao_Paulo"},
        {"BST", "Asia/Dhaka"},
        {"CAT", "Africa/Harare"},
        {"CNT", "America/St_Johns"},
        {"CST", "America/Chicago"},
        {"CTT", "Asia/Shanghai"},
        {"EAT", "Africa/Addis_Ababa"},
        {"ECT", "Europe/Paris"},
        {"IET", "America/Indiana/Indianapolis"},
        {"IST", "Asia/Kolkata"},
        {"JST", "Asia/Tokyo"},
        {"MIT", "Pacific/Apia"},
        {"NET", "Asia/Yerevan"},
        {"NST", "Pacific/Auckland"},
        {"PLT", "Asia/Karachi"},
        {"PNT", "America/Phoenix"},
        {"PRT", "America/Puerto_Rico"},
        {"PST", "America/Los_Angeles"},
        {"SST", "Pacific/Guadalcanal"},
        {"VST", "Asia/Ho_Chi_Minh"},
    };
    static const struct {
        const char *name;
        int32_t hours;
    } FIXED[] = {{"EST", -5}, {"MST", -7}, {"HST", -10}};
    int32_t seconds;
    for (uint32_t i = 0; name.len == 3 && i < sizeof SHORT / sizeof *SHORT; i++) {
        if (str_eq(name, str_c(SHORT[i][0]))) {
            const Zone *zone = zone_region(str_c(SHORT[i][1]));
            return zone ? zone : zone_fixed("GMT", 0);
        }
    }
    for (uint32_t i = 0; name.len == 3 && i < sizeof FIXED / sizeof *FIXED; i++) {
        if (str_eq(name, str_c(FIXED[i].name))) return zone_fixed("GMT", FIXED[i].hours * 3600);
    }
    const Zone *zone = zone_region(name);
    if (zone) return zone;
    return parse_custom(name, &seconds) ? zone_fixed("GMT", seconds) : zone_fixed("GMT", 0);
}

Status zone_find(Str name, const Zone **out, Error *err) {
    int32_t seconds;
    const Zone *zone = zone_region(name);
    if (!zone && parse_custom(name, &seconds)) zone = zone_find_id(name);
    if (!zone) {
        (void)error_set(err, ST_VALIDATION, "invalid time zone '" STR_FMT "'", STR_ARG(name));
        error_hint(err,
                   "use a name such as 'America/Los_Angeles', an offset such as 'GMT+03:00', "
                   "or 'UTC'");
        return ST_VALIDATION;
    }
    *out = zone;
    return ST_OK;
}

// ---- questions ---------------------------------------------------------------------------------

Str zone_name(const Zone *zone) {
    return str_c(zone->name);
}

bool zone_is_utc(const Zone *zone) {
    return zone->utc;
}

// Moves [seconds] into the unrolled span; the result takes the same offset.
static int64_t into_cycle(const Zone *zone, int64_t seconds) {
    if (zone->cycle_start == INT64_MAX || seconds < zone->cycle_start + CYCLE_SECONDS)
        return seconds;
    return seconds - (seconds - zone->cycle_start) / CYCLE_SECONDS * CYCLE_SECONDS;
}

// Which clock the moments of transitions are compared in.
typedef enum Clock { CLOCK_UTC, CLOCK_WALL_FIRST, CLOCK_WALL_LAST } Clock;

// How many transitions happened by [seconds] of that clock. The wall clock reaches a transition
// when it shows what it shows right after (CLOCK_WALL_LAST) or, where an hour is repeated, not
// before the second time round (CLOCK_WALL_FIRST: the repeated hour is still the earlier offset's).
static uint32_t transitions_by(const Zone *zone, int64_t seconds, Clock clock) {
    uint32_t low = 0, high = zone->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int64_t at = zone->at[mid];
        if (clock != CLOCK_UTC) {
            int32_t before = zone->type[mid ? zone->to[mid - 1] : 0].offset;
            int32_t after = zone->type[zone->to[mid]].offset;
            at += clock == CLOCK_WALL_FIRST && before > after ? before : after;
        }
        if (at <= seconds) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static const ZoneType *zone_type_at(const Zone *zone, int64_t ms, Clock clock) {
    int64_t seconds = into_cycle(zone, floor_div(ms, MS_PER_SECOND));
    uint32_t passed = transitions_by(zone, seconds, clock);
    return &zone->type[passed ? zone->to[passed - 1] : 0];
}

int32_t zone_offset_ms(const Zone *zone, int64_t utc_ms) {
    return zone_type_at(zone, utc_ms, CLOCK_UTC)->offset * MS_PER_SECOND;
}

int64_t zone_local_to_utc(const Zone *zone, int64_t local_ms) {
    return local_ms - zone_type_at(zone, local_ms, CLOCK_WALL_FIRST)->offset * MS_PER_SECOND;
}

Str zone_abbreviation(const Zone *zone, int64_t utc_ms) {
    return str_c(zone_type_at(zone, utc_ms, CLOCK_UTC)->abbreviation);
}

bool zone_is_dst(const Zone *zone, int64_t utc_ms) {
    const ZoneType *type = zone_type_at(zone, utc_ms, CLOCK_UTC);
    return zone->negative_dst ? type->offset > zone->legacy_offset : type->dst;
}

int32_t zone_legacy_offset_ms(const Zone *zone, int64_t utc_ms) {
    if (utc_ms < LEGACY_START * MS_PER_SECOND) return zone->legacy_offset * MS_PER_SECOND;
    return zone_offset_ms(zone, utc_ms);
}

int64_t zone_legacy_local_to_utc(const Zone *zone, int64_t local_ms) {
    int64_t utc_ms =
        local_ms - zone_type_at(zone, local_ms, CLOCK_WALL_LAST)->offset * MS_PER_SECOND;
    if (utc_ms >= LEGACY_START * MS_PER_SECOND) return utc_ms;
    return local_ms - zone->legacy_offset * MS_PER_SECOND;
}
