#include "watch/watch.h"

#include <stdio.h>

#include "type/datetime.h"
#include "watch/watch_int.h"

enum { WATCHES_MAX = 16, KEEP_DAYS = 800 };

// Those that are open, by number - 1.
static OsMonitor open_monitor = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                 .changed = PTHREAD_COND_INITIALIZER};
static Watch *open_watch[WATCHES_MAX];

Watch *watch_of(int64_t number) {
    os_lock(&open_monitor);
    Watch *watch = number > 0 && number <= WATCHES_MAX ? open_watch[number - 1] : NULL;
    os_unlock(&open_monitor);
    return watch;
}

static Status take_number(Watch *self, Error *err) {
    os_lock(&open_monitor);
    for (int i = 0; i < WATCHES_MAX && !self->number; i++) {
        if (open_watch[i]) continue;
        open_watch[i] = self;
        self->number = i + 1;
    }
    os_unlock(&open_monitor);
    if (self->number) return ST_OK;
    return error_set(err, ST_UNSUPPORTED, "%d watches are open in this process", WATCHES_MAX);
}

Roster *watch_roster(Watch *self) {
    return self->roster;
}
History *watch_history(Watch *self) {
    return self->history;
}
Inbox *watch_inbox(Watch *self) {
    return self->inbox;
}
uint64_t watch_judged(const Watch *self) {
    return atomic_load(&((Watch *)(uintptr_t)self)->judged);
}

void watch_say(const Watch *self, const char *fmt, ...) {
    va_list args;
    char line[ERROR_MESSAGE_MAX + 256];
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (self->settings.say) self->settings.say(self->settings.arg, line);
}

// ---- calendars ---------------------------------------------------------------------------------

// China's public holidays, and the weekend days that are worked for them, as the State Council has
// announced them: each November for the year that follows. The years behind those hold the days
// that the law itself names (State Council decree 795 of 2024: thirteen days, New Year's Eve of the
// moon among them); which days are moved for them will be known when it is announced.
static const struct {
    const char *from, *to;
    SeriesDayKind kind;
} CHINA[] = {
    {"2023-01-01", "2023-01-02", SERIES_HOLIDAY}, {"2023-01-21", "2023-01-27", SERIES_HOLIDAY},
    {"2023-01-28", "2023-01-29", SERIES_WORKDAY}, {"2023-04-05", "2023-04-05", SERIES_HOLIDAY},
    {"2023-04-23", "2023-04-23", SERIES_WORKDAY}, {"2023-04-29", "2023-05-03", SERIES_HOLIDAY},
    {"2023-05-06", "2023-05-06", SERIES_WORKDAY}, {"2023-06-22", "2023-06-24", SERIES_HOLIDAY},
    {"2023-06-25", "2023-06-25", SERIES_WORKDAY}, {"2023-09-29", "2023-10-06", SERIES_HOLIDAY},
    {"2023-10-07", "2023-10-08", SERIES_WORKDAY}, {"2023-12-30", "2024-01-01", SERIES_HOLIDAY},
    {"2024-02-04", "2024-02-04", SERIES_WORKDAY}, {"2024-02-10", "2024-02-17", SERIES_HOLIDAY},
    {"2024-02-18", "2024-02-18", SERIES_WORKDAY}, {"2024-04-04", "2024-04-06", SERIES_HOLIDAY},
    {"2024-04-07", "2024-04-07", SERIES_WORKDAY}, {"2024-04-28", "2024-04-28", SERIES_WORKDAY},
    {"2024-05-01", "2024-05-05", SERIES_HOLIDAY}, {"2024-05-11", "2024-05-11", SERIES_WORKDAY},
    {"2024-06-08", "2024-06-10", SERIES_HOLIDAY}, {"2024-09-14", "2024-09-14", SERIES_WORKDAY},
    {"2024-09-15", "2024-09-17", SERIES_HOLIDAY}, {"2024-09-29", "2024-09-29", SERIES_WORKDAY},
    {"2024-10-01", "2024-10-07", SERIES_HOLIDAY}, {"2024-10-12", "2024-10-12", SERIES_WORKDAY},
    {"2025-01-01", "2025-01-01", SERIES_HOLIDAY}, {"2025-01-26", "2025-01-26", SERIES_WORKDAY},
    {"2025-01-28", "2025-02-04", SERIES_HOLIDAY}, {"2025-02-08", "2025-02-08", SERIES_WORKDAY},
    {"2025-04-04", "2025-04-06", SERIES_HOLIDAY}, {"2025-04-27", "2025-04-27", SERIES_WORKDAY},
    {"2025-05-01", "2025-05-05", SERIES_HOLIDAY}, {"2025-05-31", "2025-06-02", SERIES_HOLIDAY},
    {"2025-09-28", "2025-09-28", SERIES_WORKDAY}, {"2025-10-01", "2025-10-08", SERIES_HOLIDAY},
    {"2025-10-11", "2025-10-11", SERIES_WORKDAY}, {"2026-01-01", "2026-01-03", SERIES_HOLIDAY},
    {"2026-01-04", "2026-01-04", SERIES_WORKDAY}, {"2026-02-14", "2026-02-14", SERIES_WORKDAY},
    {"2026-02-15", "2026-02-23", SERIES_HOLIDAY}, {"2026-02-28", "2026-02-28", SERIES_WORKDAY},
    {"2026-04-04", "2026-04-06", SERIES_HOLIDAY}, {"2026-05-01", "2026-05-05", SERIES_HOLIDAY},
    {"2026-05-09", "2026-05-09", SERIES_WORKDAY}, {"2026-06-19", "2026-06-21", SERIES_HOLIDAY},
    {"2026-09-20", "2026-09-20", SERIES_WORKDAY}, {"2026-09-25", "2026-09-27", SERIES_HOLIDAY},
    {"2026-10-01", "2026-10-07", SERIES_HOLIDAY}, {"2026-10-10", "2026-10-10", SERIES_WORKDAY},
    // By law only, from here on.
    {"2027-01-01", "2027-01-01", SERIES_HOLIDAY}, {"2027-02-05", "2027-02-08", SERIES_HOLIDAY},
    {"2027-04-05", "2027-04-05", SERIES_HOLIDAY}, {"2027-05-01", "2027-05-02", SERIES_HOLIDAY},
    {"2027-06-09", "2027-06-09", SERIES_HOLIDAY}, {"2027-09-15", "2027-09-15", SERIES_HOLIDAY},
    {"2027-10-01", "2027-10-03", SERIES_HOLIDAY}, {"2028-01-01", "2028-01-01", SERIES_HOLIDAY},
    {"2028-01-25", "2028-01-28", SERIES_HOLIDAY}, {"2028-04-04", "2028-04-04", SERIES_HOLIDAY},
    {"2028-05-01", "2028-05-02", SERIES_HOLIDAY}, {"2028-05-28", "2028-05-28", SERIES_HOLIDAY},
    {"2028-10-01", "2028-10-03", SERIES_HOLIDAY}, {"2029-01-01", "2029-01-01", SERIES_HOLIDAY},
    {"2029-02-12", "2029-02-15", SERIES_HOLIDAY}, {"2029-04-04", "2029-04-04", SERIES_HOLIDAY},
    {"2029-05-01", "2029-05-02", SERIES_HOLIDAY}, {"2029-06-16", "2029-06-16", SERIES_HOLIDAY},
    {"2029-09-22", "2029-09-22", SERIES_HOLIDAY}, {"2029-10-01", "2029-10-03", SERIES_HOLIDAY},
    {"2030-01-01", "2030-01-01", SERIES_HOLIDAY}, {"2030-02-02", "2030-02-05", SERIES_HOLIDAY},
    {"2030-04-05", "2030-04-05", SERIES_HOLIDAY}, {"2030-05-01", "2030-05-02", SERIES_HOLIDAY},
    {"2030-06-05", "2030-06-05", SERIES_HOLIDAY}, {"2030-09-12", "2030-09-12", SERIES_HOLIDAY},
    {"2030-10-01", "2030-10-03", SERIES_HOLIDAY},
};
enum { CHINA_ZONE_MS = 8 * 3600 * 1000 };

static void put_day(Buf *days, int32_t day, SeriesDayKind kind) {
    SeriesDay one = {day, kind};
    buf_put(days, &one, sizeof one);
}

static void put_china(Buf *days) {
    for (size_t i = 0; i < sizeof CHINA / sizeof *CHINA; i++) {
        int32_t from, to;
        if (!series_day_parse(str_c(CHINA[i].from), &from)) continue;
        if (!series_day_parse(str_c(CHINA[i].to), &to)) continue;
        for (int32_t day = from; day <= to; day++) put_day(days, day, CHINA[i].kind);
    }
}

bool watch_calendar_built_in(Str name, Buf *out) {
    if (!str_eq_nocase(name, STR("china"))) return false;
    Buf days = {0};
    put_china(&days);
    buf_puts(out, "zone,+08:00\n");
    for (size_t at = 0; at < days.len; at += sizeof(SeriesDay)) {
        SeriesDay day;
        char text[16];
        memcpy(&day, days.ptr + at, sizeof day);
        buf_put(out, text, date_print(day.day, text));
        buf_puts(out, day.kind == SERIES_WORKDAY ? ",workday\n" : ",holiday\n");
    }
    buf_free(&days);
    return true;
}

// "2025-10-01,holiday"; the line "zone,+08:00" says whose days they are.
static Status read_days(Str csv, Buf *days, int64_t *zone_ms, Error *err) {
    uint32_t line = 0;
    for (uint32_t at = 0; at < csv.len;) {
        int64_t end = str_find(csv, STR("\n"), at);
        Str text = str_trim(str_sub(csv, at, (end < 0 ? csv.len : (uint32_t)end) - at));
        at = end < 0 ? csv.len : (uint32_t)end + 1;
        line++;
        int64_t comma = str_find(text, STR(","), 0);
        Str day = str_trim(str_sub(text, 0, comma < 0 ? text.len : (uint32_t)comma));
        // date,kind or date,name,kind
        for (int64_t more = comma; more >= 0; more = str_find(text, STR(","), (uint32_t)more + 1)) {
            comma = more;
        }
        Str kind =
            comma < 0 ? STR("holiday") : str_trim(str_sub(text, (uint32_t)comma + 1, text.len));
        int32_t number;
        int64_t hours = 0, minutes = 0;
        if (!text.len) continue;
        if (str_is(day, "zone") && kind.len == 6 && str_to_i64(str_sub(kind, 1, 2), &hours) &&
            str_to_i64(str_sub(kind, 4, 2), &minutes)) {
            *zone_ms = (hours * 60 + minutes) * 60000 * (kind.ptr[0] == '-' ? -1 : 1);
        } else if (series_day_parse(day, &number) &&
                   days->len / sizeof(SeriesDay) < SERIES_CALENDAR_MAX) {
            put_day(days, number, str_is(kind, "workday") ? SERIES_WORKDAY : SERIES_HOLIDAY);
        } else if (line > 1 || (day.len && day.ptr[0] >= '0' && day.ptr[0] <= '9')) {
            (void)error_set(err, ST_VALIDATION, "line %u of the calendar: '" STR_FMT "'", line,
                            STR_ARG(text));
            error_hint(err, "a line is 2025-10-01,holiday or 2025-10-11,workday or zone,+08:00");
            return ST_VALIDATION;
        }
    }
    return ST_OK;
}

Status watch_calendar_check(Str csv, Error *err) {
    Buf days = {0};
    int64_t zone_ms = 0;
    Status st = read_days(csv, &days, &zone_ms, err);
    buf_free(&days);
    return st;
}

static SeriesCalendar *make_calendar(Watch *self, const WatchMetric *metric, Str name,
                                     Arena *arena) {
    Buf days = {0}, spans = {0};
    int64_t zone_ms = 0;
    Str csv = STR("");
    WatchPromotion *promotion = NULL;
    uint32_t promotions = 0;
    Error err;
    Status st = name.len ? roster_calendar(self->roster, name, arena, &csv, &err) : ST_OK;
    if (!st && csv.len) {
        st = read_days(csv, &days, &zone_ms, &err);
    } else if (!st && str_eq_nocase(name, STR("china"))) {
        put_china(&days);
        zone_ms = CHINA_ZONE_MS;
    }
    if (!st) {
        st = roster_promotions(self->roster, metric->platform, metric, arena, &promotion,
                               &promotions, &err);
    }
    if (st) watch_say(self, "calendar '" STR_FMT "': %s", STR_ARG(name), err.message);
    for (uint32_t i = 0; !st && i < promotions; i++) {
        SeriesSpan span = {promotion[i].from_ms, promotion[i].to_ms};
        buf_put(&spans, &span, sizeof span);
    }
    SeriesCalendar *calendar = NULL;
    if (days.len || spans.len) {
        calendar = series_calendar_new(zone_ms, (const SeriesDay *)(const void *)days.ptr,
                                       (uint32_t)(days.len / sizeof(SeriesDay)),
                                       (const SeriesSpan *)(const void *)spans.ptr,
                                       (uint32_t)(spans.len / sizeof(SeriesSpan)));
    }
    buf_free(&days);
    buf_free(&spans);
    return calendar;
}

SeriesCalendar *watch_calendar(Watch *self, const WatchMetric *metric) {
    Arena arena = {0};
    MetricSpec spec = roster_spec(self->roster, metric, &arena);
    Str key = str_printf(&arena, STR_FMT "|%lld|" STR_FMT, STR_ARG(spec.calendar),
                         (long long)metric->platform->id, STR_ARG(spec.group));
    os_lock(&self->monitor);
    bool known = map_has(&self->calendars, key);
    SeriesCalendar *calendar = series_calendar_ref(map_get(&self->calendars, key));
    if (!known) {
        calendar = make_calendar(self, metric, spec.calendar, &arena);
        (void)map_put(&self->calendars, key, series_calendar_ref(calendar));
    }
    os_unlock(&self->monitor);
    arena_clear(&arena);
    return calendar;
}

bool watch_calendar_known(Watch *self, Str name) {
    Arena arena = {0};
    Str csv = STR("");
    if (!name.len || str_eq_nocase(name, STR("china"))) return true;
    bool known = !roster_calendar(self->roster, name, &arena, &csv, NULL) && csv.len;
    arena_clear(&arena);
    return known;
}

static void forget_calendars(Watch *self) {
    os_lock(&self->monitor);
    for (uint32_t i = 0; i < self->calendars.count; i++) {
        (void)series_calendar_unref(self->calendars.entry[i].value);
    }
    map_clear(&self->calendars);
    os_unlock(&self->monitor);
}

void watch_calendars_changed(Watch *self, const WatchPlatform *platform) {
    forget_calendars(self);  // first: who is told then finds no old one
    roster_touch(self->roster, platform);
}

// ---- models ------------------------------------------------------------------------------------

static Str model_dir(Watch *self, Arena *arena, int64_t key) {
    return str_printf(arena, STR_FMT "/models/%03lld", STR_ARG(self->dir), (long long)(key % 1000));
}

static Str model_path(Watch *self, Arena *arena, const WatchMetric *metric, uint32_t number) {
    return str_printf(arena, STR_FMT "/%lld-%u.model",
                      STR_ARG(model_dir(self, arena, metric->key)), (long long)metric->key, number);
}

// Reads the file of the version in use; a model that is not to be had is made again.
static SeriesModel *load_model(Watch *self, WatchMetric *metric, uint32_t number) {
    Arena arena = {0};
    Buf bytes = {0};
    Error err;
    SeriesModel *model = NULL;
    Status st = os_read_file(model_path(self, &arena, metric, number), &bytes, &err);
    if (!st) st = series_model_load(buf_str(&bytes), &model, &err);
    if (st) {
        watch_say(self, "metric '" STR_FMT "', model %u: %s; it will be trained again",
                  STR_ARG(metric->id), number, err.message);
        roster_drifted(self->roster, metric);
    }
    buf_free(&bytes);
    arena_clear(&arena);
    return st ? NULL : model;
}

SeriesModel *watch_model(Watch *self, WatchMetric *metric, uint32_t *number) {
    roster_lock(self->roster);
    *number = metric->model_version;
    SeriesModel *model = series_model_ref(metric->model);
    roster_unlock(self->roster);
    if (model || !*number) return model;
    model = load_model(self, metric, *number);
    roster_lock(self->roster);
    if (model && !metric->model && metric->model_version == *number) {
        metric->model = series_model_ref(model);
    }
    roster_unlock(self->roster);
    return model;
}

SeriesModel *watch_model_version(Watch *self, WatchMetric *metric, uint32_t number) {
    uint32_t in_use;
    SeriesModel *model = watch_model(self, metric, &in_use);
    if (in_use == number) return model;
    (void)series_model_unref(model);
    Arena arena = {0};
    Buf bytes = {0};
    Status st = os_read_file(model_path(self, &arena, metric, number), &bytes, NULL);
    if (!st) st = series_model_load(buf_str(&bytes), &model, NULL);
    buf_free(&bytes);
    arena_clear(&arena);
    return st ? NULL : model;
}

Status watch_model_publish(Watch *self, WatchMetric *metric, SeriesModel *model,
                           int64_t trained_ms, Str summary, Error *err) {
    Arena arena = {0};
    Buf bytes = {0};
    void *before = NULL;
    roster_lock(self->roster);
    uint32_t number = metric->model_version + 1;
    roster_unlock(self->roster);
    Str path = model_path(self, &arena, metric, number);
    uint32_t slash = path.len;
    while (slash && path.ptr[slash - 1] != '/') slash--;
    series_model_save(model, &bytes);
    Status st = os()->make_dirs(str_sub(path, 0, slash - 1), err);
    if (!st) st = os_put_file(path, buf_str(&bytes), err);
    if (!st) {
        st = roster_model_set(self->roster, metric, number, trained_ms, summary,
                              series_model_ref(model), &before, err);
        if (st) {  // the metric was removed, perhaps
            (void)series_model_unref(model);
            (void)os()->remove(path, NULL);
        }
    }
    (void)series_model_unref(before);
    if (!st && number > 2) {  // the one before stays, to go back to by hand
        (void)os()->remove(model_path(self, &arena, metric, number - 2), NULL);
    }
    buf_free(&bytes);
    arena_clear(&arena);
    return st;
}

bool watch_span(Watch *self, WatchMetric *metric, int64_t *first_ms, int64_t *last_ms) {
    if (!history_span(self->history, metric->key, first_ms, last_ms)) return false;
    int64_t judged_ms = atomic_load(&metric->last_ms), now_ms = os_now_ms();
    if (judged_ms > *first_ms && judged_ms < *last_ms && *last_ms > now_ms) *last_ms = judged_ms;
    return true;
}

// ---- removal -----------------------------------------------------------------------------------

typedef struct ModelFiles {
    Str dir, prefix;
} ModelFiles;

static Status remove_model(void *arg, Str name, Error *err) {
    const ModelFiles *files = arg;
    Arena arena = {0};
    Status st = ST_OK;
    if (str_starts(name, files->prefix)) {
        st = os()->remove(str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(files->dir),
                                     STR_ARG(name)),
                          err);
    }
    arena_clear(&arena);
    return st;
}

static Status remove_models(Watch *self, int64_t key, Error *err) {
    Arena arena = {0};
    OsStat stat;
    ModelFiles files = {.dir = model_dir(self, &arena, key),
                        .prefix = str_printf(&arena, "%lld-", (long long)key)};
    Status st = os()->stat(files.dir, &stat, err);
    if (!st && stat.exists) st = os()->list(files.dir, remove_model, &files, err);
    arena_clear(&arena);
    return st;
}

Status watch_forget(Watch *self, int64_t key, Error *err) {
    // Its judge's state goes when the judge hears of it; the points go last, for it is they who
    // tell after a sudden end that something is to be done.
    InboxPoint farewell = {.key = -key};
    inbox_append(self->inbox, &farewell, 1);
    TRY(inbox_commit(self->inbox, err));
    TRY(remove_models(self, key, err));
    history_forget(self->history, key);
    return ST_OK;
}

Status watch_metric_remove(Watch *self, WatchMetric *metric, Error *err) {
    TRY(roster_metric_remove(self->roster, metric, err));
    roster_lock(self->roster);
    SeriesModel *model = metric->model;
    metric->model = NULL;
    roster_unlock(self->roster);
    (void)series_model_unref(model);
    return watch_forget(self, metric->key, err);
}

// ---- beginning and end -------------------------------------------------------------------------

Status watch_open(const WatchSettings *settings, Watch **out, Error *err) {
    Watch *self = NEW(Watch);
    self->settings = *settings;
    if (!self->settings.workers) self->settings.workers = 1;
    if (!self->settings.trainers) self->settings.trainers = 1;
    if (!self->settings.checkpoint_ms) self->settings.checkpoint_ms = 250;
    if (!self->settings.retrain_ms) self->settings.retrain_ms = (int64_t)14 * SERIES_DAY_MS;
    if (!self->settings.quiet_ms) self->settings.quiet_ms = 60000;
    if (!self->settings.keep_ms) self->settings.keep_ms = (int64_t)KEEP_DAYS * SERIES_DAY_MS;
    char *dir = mem_alloc(settings->dir.len + 1u);
    memcpy(dir, settings->dir.ptr, settings->dir.len);
    dir[settings->dir.len] = 0;
    self->dir = self->settings.dir = str_make(dir, settings->dir.len);
    os()->monitor_init(&self->monitor);
    Status st = take_number(self, err);
    self->generals = generals_new(self);
    if (!st) st = roster_open(self->dir, &self->roster, err);
    if (!st) st = history_open(self->dir, &self->history, err);
    if (!st) st = inbox_open(self->dir, &self->inbox, err);
    if (st) {
        watch_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

Status watch_start(Watch *self, Error *err) {
    TRY(watch_job_start(self, &self->job, err));
    TRY(webhooks_start(self, &self->webhooks, err));
    TRY(warden_start(self, &self->warden, err));
    return trainer_start(self, &self->trainer, err);
}

bool watch_runs(Watch *self, Error *why) {
    return self->job && watch_job_runs(self->job, why);
}

SeriesGeneral *watch_general(Watch *self, const WatchPlatform *platform, GeneralFacts *facts) {
    return generals_net(self->generals, platform, facts);
}

WatchTrainerFigures watch_trainer_figures(Watch *self) {
    return self->trainer ? trainer_figures(self->trainer) : (WatchTrainerFigures){0};
}

void watch_stop(Watch *self) {
    trainer_stop(self->trainer);
    self->trainer = NULL;
    warden_stop(self->warden);
    self->warden = NULL;
    watch_job_stop(self->job);
    self->job = NULL;
    webhooks_stop(self->webhooks);
    self->webhooks = NULL;
}

void watch_close(Watch *self) {
    if (!self) return;
    watch_stop(self);
    for (int64_t key = 0; self->roster && key <= roster_keys(self->roster); key++) {
        WatchMetric *metric = roster_metric_of(self->roster, key);
        if (metric) metric->model = series_model_unref(metric->model);
    }
    forget_calendars(self);
    generals_free(self->generals);
    inbox_close(self->inbox);
    history_close(self->history);
    roster_close(self->roster);
    if (self->number) {
        os_lock(&open_monitor);
        open_watch[self->number - 1] = NULL;
        os_unlock(&open_monitor);
    }
    os()->monitor_clear(&self->monitor);
    mem_free((void *)(uintptr_t)self->dir.ptr);
    mem_free(self);
}

bool watch_time_parse(Str text, int64_t *ms) {
    enum { SECONDS_BELOW = 100000000 };  // thousands of them: the year 5138
    char room[40];
    int64_t number;
    double real;
    Timestamp stamp;
    text = str_trim(text);
    if (str_to_i64(text, &number)) {
        bool seconds =
            number > -(int64_t)SECONDS_BELOW * 1000 && number < (int64_t)SECONDS_BELOW * 1000;
        *ms = seconds ? number * 1000 : number;
        return true;
    }
    if (str_to_f64(text, &real) && real > -1e11 && real < 1e11) {  // Prometheus: 1700000000.123
        *ms = (int64_t)(real * 1000);
        return true;
    }
    int32_t day;
    if (text.len == 10 && series_day_parse(text, &day)) {  // its midnight
        *ms = (int64_t)day * SERIES_DAY_MS;
        return true;
    }
    if (text.len && text.ptr[text.len - 1] == 'Z') text.len--;
    if (text.len >= sizeof room) return false;
    memcpy(room, text.ptr, text.len);
    if (text.len > 10 && room[10] == 'T') room[10] = ' ';
    if (!timestamp_parse(str_make(room, text.len), &stamp)) return false;
    *ms = stamp.ms;
    return true;
}
