#include "spi/lookup.h"

static const char *const CACHES[] = {"NONE", "PARTIAL", "FULL", NULL};
static const char *const STRATEGIES[] = {"PERIODIC", "TIMED", NULL};
static const char *const MODES[] = {"FIXED_DELAY", "FIXED_RATE", NULL};

const OptionDef LOOKUP_OPTIONS[] = {
    {.key = "lookup.cache",
     .kind = OPTION_ENUM,
     .fallback = "NONE",
     .values = CACHES,
     .doc = "what lookup joins keep: nothing, the keys that were asked for, or the whole table"},
    {.key = "lookup.max-retries",
     .kind = OPTION_INT,
     .fallback = "3",
     .doc = "tries after a lookup that failed"},
    {.key = "lookup.partial-cache.expire-after-access",
     .kind = OPTION_DURATION,
     .doc = "a key not asked for so long is forgotten"},
    {.key = "lookup.partial-cache.expire-after-write",
     .kind = OPTION_DURATION,
     .doc = "a key is asked for again after so long"},
    {.key = "lookup.partial-cache.max-rows",
     .kind = OPTION_INT,
     .doc = "keys kept; the one not asked for the longest goes first"},
    {.key = "lookup.partial-cache.cache-missing-key",
     .kind = OPTION_BOOL,
     .fallback = "true",
     .doc = "whether keys without rows are kept, too"},
    {.key = "lookup.full-cache.reload-strategy",
     .kind = OPTION_ENUM,
     .fallback = "PERIODIC",
     .values = STRATEGIES,
     .doc = "when the table is read again: every so often, or at a time of the day"},
    {.key = "lookup.full-cache.periodic-reload.interval",
     .kind = OPTION_DURATION,
     .doc = "how often; without it the table is read once"},
    {.key = "lookup.full-cache.periodic-reload.schedule-mode",
     .kind = OPTION_ENUM,
     .fallback = "FIXED_DELAY",
     .values = MODES,
     .doc = "whether the interval begins at the end or at the start of the last reading"},
    {.key = "lookup.full-cache.timed-reload.iso-time",
     .doc = "TIMED: the time of the day: '10:15', '10:15Z', '10:15+07:00'"},
    {.key = "lookup.full-cache.timed-reload.interval-in-days",
     .kind = OPTION_INT,
     .fallback = "1",
     .doc = "TIMED: every so many days"},
    {0},
};

enum { DAY_MS = 86400000 };

static int64_t duration_or(const Options *options, const char *key, int64_t fallback) {
    return options_has(options, key) ? options_int(options, key) : fallback;
}

static bool take_two(Str *text, int64_t *value) {
    if (text->len < 2 || !str_to_i64(str_sub(*text, 0, 2), value) || *value < 0) return false;
    *text = str_sub(*text, 2, text->len);
    return true;
}

static bool take_char(Str *text, char c) {
    if (!text->len || text->ptr[0] != c) return false;
    *text = str_sub(*text, 1, text->len);
    return true;
}

// "10:15", "10:15:30", then nothing or Z (UTC) or an offset.
static bool read_time(Str text, int64_t *ms) {
    int64_t hour, minute, second = 0, off_hour = 0, off_minute = 0;
    if (!take_two(&text, &hour) || !take_char(&text, ':') || !take_two(&text, &minute))
        return false;
    if (take_char(&text, ':') && !take_two(&text, &second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    bool minus = text.len && text.ptr[0] == '-';
    if (take_char(&text, '+') || take_char(&text, '-')) {
        if (!take_two(&text, &off_hour) || !take_char(&text, ':') || !take_two(&text, &off_minute))
            return false;
    } else {
        (void)take_char(&text, 'Z');
    }
    if (text.len) return false;
    int64_t offset = (off_hour * 60 + off_minute) * 60000 * (minus ? -1 : 1);
    int64_t local = ((hour * 60 + minute) * 60 + second) * 1000;
    *ms = ((local - offset) % DAY_MS + DAY_MS) % DAY_MS;
    return true;
}

static Status read_full(const Options *options, LookupOptions *out, Error *err) {
    static const char AT[] = "lookup.full-cache.timed-reload.iso-time",
                      EVERY[] = "lookup.full-cache.periodic-reload.interval";
    out->reload_timed = options_enum(options, "lookup.full-cache.reload-strategy") == 1;
    out->reload_ms = duration_or(options, EVERY, 0);
    out->reload_fixed_rate =
        options_enum(options, "lookup.full-cache.periodic-reload.schedule-mode") == 1;
    if (!out->reload_timed) return ST_OK;
    const char *at = options_get(options, AT);
    if (!at || !read_time(str_c(at), &out->reload_at_ms)) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': a timed reload needs '%s', like '10:15Z'",
                         STR_ARG(options->owner), AT);
    }
    out->reload_days = options_int(options, "lookup.full-cache.timed-reload.interval-in-days");
    if (out->reload_days > 0) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "table '" STR_FMT
                     "': 'lookup.full-cache.timed-reload.interval-in-days' must be above 0",
                     STR_ARG(options->owner));
}

// JDBC's old names: both or none.
static Status read_legacy(const Options *options, LookupOptions *out, Error *err) {
    static const char ROWS[] = "lookup.cache.max-rows", TTL[] = "lookup.cache.ttl";
    bool rows = options_has(options, ROWS), ttl = options_has(options, TTL);
    if (rows != ttl) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT "': '%s' and '%s' go together: give both or none",
                         STR_ARG(options->owner), ROWS, TTL);
    }
    if (!rows || out->cache != LOOKUP_CACHE_NONE) return ST_OK;
    (void)str_to_i64(str_trim(str_c(options_get(options, ROWS))), &out->rows_max);
    (void)option_read_duration(str_c(options_get(options, TTL)), &out->expire_after_write_ms);
    if (out->rows_max > 0 && out->expire_after_write_ms > 0) out->cache = LOOKUP_CACHE_PARTIAL;
    const char *missing = options_get(options, "lookup.cache.caching-missing-key");
    if (missing) (void)str_to_bool(str_c(missing), &out->cache_missing);
    return ST_OK;
}

Status lookup_options(const TableDesc *table, LookupOptions *out, Error *err) {
    Options options = table->options;
    options.defs = LOOKUP_OPTIONS;
    *out = (LookupOptions){
        .cache = (LookupCache)options_enum(&options, "lookup.cache"),
        .expire_after_access_ms =
            duration_or(&options, "lookup.partial-cache.expire-after-access", -1),
        .expire_after_write_ms =
            duration_or(&options, "lookup.partial-cache.expire-after-write", -1),
        .rows_max = duration_or(&options, "lookup.partial-cache.max-rows", -1),
        .cache_missing = options_bool(&options, "lookup.partial-cache.cache-missing-key"),
        .retries_max = options_int(&options, "lookup.max-retries"),
    };
    if (out->retries_max < 0) {
        return error_set(err, ST_VALIDATION,
                         "table '" STR_FMT
                         "': 'lookup.max-retries' must not be negative, but is %lld",
                         STR_ARG(options.owner), (long long)out->retries_max);
    }
    if (out->cache == LOOKUP_CACHE_FULL) TRY(read_full(&options, out, err));
    if (out->cache == LOOKUP_CACHE_PARTIAL && out->expire_after_access_ms < 0 &&
        out->expire_after_write_ms < 0 && out->rows_max < 0) {
        (void)error_set(err, ST_VALIDATION,
                        "table '" STR_FMT "': a PARTIAL cache without any limit grows for ever",
                        STR_ARG(options.owner));
        error_hint(err, "give 'lookup.partial-cache.max-rows', '….expire-after-access' or "
                        "'….expire-after-write'");
        return ST_VALIDATION;
    }
    return read_legacy(&options, out, err);
}
