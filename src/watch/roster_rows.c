// The registry's rows beside platforms and metrics: read from the file when somebody asks.
#include "watch/roster_int.h"

// An array that grows in an arena by doubling.
static void *grown(Arena *arena, void *array, uint32_t count, uint32_t *cap, size_t size) {
    if (count < *cap) return array;
    uint32_t wanted = *cap ? *cap * 2 : 16;
    void *bigger = arena_zalloc(arena, wanted * size);
    if (count) memcpy(bigger, array, count * size);
    *cap = wanted;
    return bigger;
}

// ---- labels ------------------------------------------------------------------------------------

Status roster_label_add(Roster *self, WatchMetric *metric, const WatchLabel *label,
                        Error *err) {
    static const char SQL[] =
        "INSERT INTO label (metric, kind, alarm, from_ms, to_ms, note) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (metric, kind, alarm, from_ms, to_ms) DO NOTHING RETURNING id";
    DbUse *use;
    bool row = false;
    if (label->to_ms < label->from_ms) {
        return error_set(err, ST_VALIDATION, "a label of '" STR_FMT "' ends before it begins",
                         STR_ARG(metric->id));
    }
    os_lock(&self->monitor);
    Status st = db_use(self->db, SQL, &use, err);
    if (!st) {
        db_put_i64(use, metric->key);
        db_put_i64(use, label->kind);
        db_put_i64(use, (int64_t)label->alarm);
        db_put_i64(use, label->from_ms);
        db_put_i64(use, label->to_ms);
        db_put_text(use, label->note);
        st = db_step(use, &row, err);
    }
    int64_t id = !st && row ? db_i64(use, 0) : 0;
    if (!st && row) st = db_run(use, err);
    if (!st && id) {
        metric->label_last = id;
        metric->wants_training = true;
        metric_changed(metric);
    }
    os_unlock(&self->monitor);
    return st;
}

#define LABEL_COLUMNS \
    "SELECT l.id, l.kind, l.from_ms, l.to_ms, l.note, l.alarm, l.metric FROM label l "

static Status read_labels(Roster *self, const WatchPlatform *platform, const WatchMetric *metric,
                          int64_t after, uint32_t limit, Arena *arena, WatchLabel **out,
                          uint32_t *count, Error *err) {
    static const char OF_METRIC[] =
        LABEL_COLUMNS "WHERE l.metric = ? AND l.id > ? ORDER BY l.id LIMIT ?";
    static const char OF_PLATFORM[] =
        LABEL_COLUMNS "JOIN metric m ON m.key = l.metric WHERE m.platform = ? AND l.id > ?"
                      " ORDER BY l.id LIMIT ?";
    DbUse *use;
    bool row;
    uint32_t cap = 0;
    TRY(db_use(self->db, metric ? OF_METRIC : OF_PLATFORM, &use, err));
    db_put_i64(use, metric ? metric->key : platform->id);
    db_put_i64(use, after);
    db_put_i64(use, limit);
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        *out = grown(arena, *out, *count, &cap, sizeof **out);
        (*out)[(*count)++] = (WatchLabel){.id = db_i64(use, 0),
                                          .kind = (int)db_i64(use, 1),
                                          .from_ms = db_i64(use, 2),
                                          .to_ms = db_i64(use, 3),
                                          .note = db_text(use, 4, arena),
                                          .alarm = (uint64_t)db_i64(use, 5),
                                          .key = db_i64(use, 6)};
    }
}

Status roster_labels(Roster *self, const WatchPlatform *platform, const WatchMetric *metric,
                     int64_t after, uint32_t limit, Arena *arena, WatchLabel **out,
                     uint32_t *count, Error *err) {
    *out = NULL;
    *count = 0;
    os_lock(&self->monitor);
    Status st = read_labels(self, platform, metric, after, limit, arena, out, count, err);
    os_unlock(&self->monitor);
    return st;
}

// ---- promotions --------------------------------------------------------------------------------

void roster_touch(Roster *self, const WatchPlatform *platform) {
    os_lock(&self->monitor);
    for (uint32_t i = 0; i < self->metrics.count; i++) {
        WatchMetric *metric = self->metrics.entry[i].value;
        if (!platform || metric->platform == platform) metric_changed(metric);
    }
    os_unlock(&self->monitor);
}

Status roster_promotion_add(Roster *self, WatchPlatform *platform,
                            const WatchPromotion *promotion, Error *err) {
    static const char SQL[] =
        "INSERT INTO promotion (platform, name, grp, from_ms, to_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (platform, grp, from_ms, to_ms) DO UPDATE SET name = excluded.name";
    DbUse *use;
    if (promotion->to_ms <= promotion->from_ms) {
        return error_set(err, ST_VALIDATION, "promotion '" STR_FMT "' ends before it begins",
                         STR_ARG(promotion->name));
    }
    os_lock(&self->monitor);
    Status st = db_use(self->db, SQL, &use, err);
    if (!st) {
        db_put_i64(use, platform->id);
        db_put_text(use, promotion->name);
        db_put_text(use, promotion->group);
        db_put_i64(use, promotion->from_ms);
        db_put_i64(use, promotion->to_ms);
        st = db_run(use, err);
    }
    os_unlock(&self->monitor);
    return st;
}

static Status read_promotions(Roster *self, const WatchPlatform *platform,
                              const WatchMetric *metric, Arena *arena, WatchPromotion **out,
                              uint32_t *count, Error *err) {
    DbUse *use;
    bool row;
    uint32_t cap = 0;
    TRY(db_use(self->db,
               "SELECT name, grp, from_ms, to_ms FROM promotion WHERE platform = ?"
               " ORDER BY from_ms",
               &use, err));
    db_put_i64(use, platform->id);
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        Str group = db_text(use, 1, arena);
        if (metric && group.len && !str_eq(group, metric->spec->group)) continue;
        *out = grown(arena, *out, *count, &cap, sizeof **out);
        (*out)[(*count)++] = (WatchPromotion){.name = db_text(use, 0, arena),
                                              .group = group,
                                              .from_ms = db_i64(use, 2),
                                              .to_ms = db_i64(use, 3)};
    }
}

Status roster_promotions(Roster *self, const WatchPlatform *platform,
                         const WatchMetric *metric, Arena *arena, WatchPromotion **out,
                         uint32_t *count, Error *err) {
    *out = NULL;
    *count = 0;
    os_lock(&self->monitor);
    Status st = read_promotions(self, platform, metric, arena, out, count, err);
    os_unlock(&self->monitor);
    return st;
}

// ---- calendars ---------------------------------------------------------------------------------

Status roster_calendar_put(Roster *self, Str name, Str csv, Error *err) {
    DbUse *use;
    os_lock(&self->monitor);
    Status st = db_use(self->db,
                       "INSERT INTO calendar (name, csv) VALUES (?, ?)"
                       " ON CONFLICT (name) DO UPDATE SET csv = excluded.csv",
                       &use, err);
    if (!st) {
        db_put_text(use, name);
        db_put_text(use, csv);
        st = db_run(use, err);
    }
    os_unlock(&self->monitor);
    return st;
}

Status roster_calendar(Roster *self, Str name, Arena *arena, Str *csv, Error *err) {
    DbUse *use;
    bool row;
    *csv = STR("");
    os_lock(&self->monitor);
    Status st = db_use(self->db, "SELECT csv FROM calendar WHERE name = ?", &use, err);
    if (!st) {
        db_put_text(use, name);
        st = db_step(use, &row, err);
    }
    if (!st && row) {
        *csv = db_text(use, 0, arena);
        st = db_run(use, err);
    }
    os_unlock(&self->monitor);
    return st;
}

// ---- alarms ------------------------------------------------------------------------------------

static Status put_alarm(Roster *self, const WatchAlarm *alarm, Error *err) {
    static const char SQL[] =
        "INSERT INTO alarm (id, metric, seq, event, opened_ms, ts_ms, message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq,"
        " event = excluded.event, ts_ms = excluded.ts_ms, message = excluded.message"
        " WHERE excluded.seq > seq RETURNING 1";
    const WatchMetric *metric = roster_metric_of(self, alarm->key);
    DbUse *use;
    bool is_new;
    if (!metric || atomic_load(&metric->gone)) return ST_OK;  // removed meanwhile
    TRY(db_use(self->db, SQL, &use, err));
    db_put_text(use, alarm->id);
    db_put_i64(use, alarm->key);
    db_put_i64(use, alarm->seq);
    db_put_text(use, alarm->event);
    db_put_i64(use, alarm->opened_ms);
    db_put_i64(use, alarm->ts_ms);
    db_put_text(use, alarm->message);
    TRY(db_step(use, &is_new, err));
    if (!is_new) return ST_OK;  // it was there before a restart
    TRY(db_run(use, err));
    if (!*atomic_load(&metric->platform->webhook)) return ST_OK;
    TRY(db_use(self->db,
               "INSERT OR IGNORE INTO delivery (id, seq, metric, made_ms, message)"
               " VALUES (?, ?, ?, ?, ?)",
               &use, err));
    db_put_text(use, alarm->id);
    db_put_i64(use, alarm->seq);
    db_put_i64(use, alarm->key);
    db_put_i64(use, os_now_ms());
    db_put_text(use, alarm->message);
    return db_run(use, err);
}

Status roster_alarms_put(Roster *self, const WatchAlarm *alarm, uint32_t count, Error *err) {
    os_lock(&self->monitor);
    Status st = db_begin(self->db, err);
    if (!st) {
        for (uint32_t i = 0; !st && i < count; i++) st = put_alarm(self, &alarm[i], err);
        if (!st) st = db_commit(self->db, err);
        if (st) db_rollback(self->db);
    }
    os_unlock(&self->monitor);
    return st;
}

static WatchAlarm alarm_of(DbUse *use, Arena *arena) {
    return (WatchAlarm){.id = db_text(use, 0, arena), .key = db_i64(use, 1),
                        .seq = db_i64(use, 2), .event = db_text(use, 3, arena),
                        .opened_ms = db_i64(use, 4), .ts_ms = db_i64(use, 5),
                        .message = db_text(use, 6, arena)};
}

#define ALARM_COLUMNS \
    "SELECT a.id, a.metric, a.seq, a.event, a.opened_ms, a.ts_ms, a.message FROM alarm a "

static Status read_alarms(Roster *self, const WatchPlatform *platform, const WatchMetric *metric,
                          int64_t since_ms, uint32_t limit, Arena *arena, WatchAlarm **out,
                          uint32_t *count, Error *err) {
    static const char OF_METRIC[] =
        ALARM_COLUMNS "WHERE a.metric = ? AND a.opened_ms >= ? ORDER BY a.opened_ms DESC LIMIT ?";
    static const char OF_PLATFORM[] =
        ALARM_COLUMNS "JOIN metric m ON m.key = a.metric WHERE m.platform = ?"
                      " AND a.opened_ms >= ? ORDER BY a.opened_ms DESC LIMIT ?";
    DbUse *use;
    bool row;
    uint32_t cap = 0;
    TRY(db_use(self->db, metric ? OF_METRIC : OF_PLATFORM, &use, err));
    db_put_i64(use, metric ? metric->key : platform->id);
    db_put_i64(use, since_ms);
    db_put_i64(use, limit);
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        *out = grown(arena, *out, *count, &cap, sizeof **out);
        (*out)[(*count)++] = alarm_of(use, arena);
    }
}

Status roster_alarms(Roster *self, const WatchPlatform *platform, const WatchMetric *metric,
                     int64_t since_ms, uint32_t limit, Arena *arena, WatchAlarm **out,
                     uint32_t *count, Error *err) {
    *out = NULL;
    *count = 0;
    os_lock(&self->monitor);
    Status st = read_alarms(self, platform, metric, since_ms, limit, arena, out, count, err);
    os_unlock(&self->monitor);
    return st;
}

static Status read_by_id(Roster *self, const WatchPlatform *platform, Str after, uint32_t limit,
                         Arena *arena, WatchAlarm **out, uint32_t *count, Error *err) {
    // Ids begin with the platform's name and a slash, behind which comes '0': the key is the way.
    static const char SQL[] = ALARM_COLUMNS "WHERE a.id > ? AND a.id < ? ORDER BY a.id LIMIT ?";
    DbUse *use;
    bool row;
    uint32_t cap = 0;
    Str first = str_printf(arena, STR_FMT "/", STR_ARG(platform->name));
    TRY(db_use(self->db, SQL, &use, err));
    db_put_text(use, after.len ? after : first);
    db_put_text(use, str_printf(arena, STR_FMT "0", STR_ARG(platform->name)));
    db_put_i64(use, limit);
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        WatchAlarm alarm = alarm_of(use, arena);
        if (!str_starts(alarm.id, first)) continue;
        *out = grown(arena, *out, *count, &cap, sizeof **out);
        (*out)[(*count)++] = alarm;
    }
}

Status roster_alarms_by_id(Roster *self, const WatchPlatform *platform, Str after, uint32_t limit,
                           Arena *arena, WatchAlarm **out, uint32_t *count, Error *err) {
    *out = NULL;
    *count = 0;
    os_lock(&self->monitor);
    Status st = read_by_id(self, platform, after, limit, arena, out, count, err);
    os_unlock(&self->monitor);
    return st;
}

Status roster_alarm(Roster *self, const WatchPlatform *platform, Str id, Arena *arena,
                    WatchAlarm *out, Error *err) {
    static const char SQL[] =
        ALARM_COLUMNS "JOIN metric m ON m.key = a.metric WHERE a.id = ? AND m.platform = ?";
    DbUse *use;
    bool row = false;
    os_lock(&self->monitor);
    Status st = db_use(self->db, SQL, &use, err);
    if (!st) {
        db_put_text(use, id);
        db_put_i64(use, platform->id);
        st = db_step(use, &row, err);
    }
    if (!st && row) {
        *out = alarm_of(use, arena);
        st = db_run(use, err);
    } else if (!st) {
        st = error_set(err, ST_VALIDATION, "there is no alarm '" STR_FMT "'", STR_ARG(id));
        error_hint(err, "GET /v1/alarms lists them");
    }
    os_unlock(&self->monitor);
    return st;
}

// ---- deliveries --------------------------------------------------------------------------------

static Status read_deliveries(Roster *self, uint32_t limit, Arena *arena, WatchDelivery **out,
                              uint32_t *count, Error *err) {
    DbUse *use;
    bool row;
    uint32_t cap = 0;
    TRY(db_use(self->db,
               "SELECT id, seq, metric, made_ms, message FROM delivery ORDER BY rowid LIMIT ?",
               &use, err));
    db_put_i64(use, limit);
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        const WatchMetric *metric = roster_metric_of(self, db_i64(use, 2));
        *out = grown(arena, *out, *count, &cap, sizeof **out);
        (*out)[(*count)++] = (WatchDelivery){
            .id = db_text(use, 0, arena),
            .seq = db_i64(use, 1),
            .made_ms = metric ? db_i64(use, 3) : 0,  // nobody's: too old
            .message = db_text(use, 4, arena),
            .url = metric ? str_c(atomic_load(&metric->platform->webhook)) : STR(""),
            .platform = metric ? metric->platform->name : STR("")};
    }
}

Status roster_deliveries(Roster *self, uint32_t limit, Arena *arena, WatchDelivery **out,
                         uint32_t *count, Error *err) {
    *out = NULL;
    *count = 0;
    os_lock(&self->monitor);
    Status st = read_deliveries(self, limit, arena, out, count, err);
    os_unlock(&self->monitor);
    return st;
}

Status roster_delivered(Roster *self, const WatchDelivery *delivery, Error *err) {
    DbUse *use;
    os_lock(&self->monitor);
    Status st = db_use(self->db, "DELETE FROM delivery WHERE id = ? AND seq = ?", &use, err);
    if (!st) {
        db_put_text(use, delivery->id);
        db_put_i64(use, delivery->seq);
        st = db_run(use, err);
    }
    os_unlock(&self->monitor);
    return st;
}

// ---- models ------------------------------------------------------------------------------------

static Status write_model(Roster *self, const WatchMetric *metric, uint32_t number,
                          int64_t trained_ms, Str summary, Error *err) {
    enum { MODELS_KEPT = 20 };
    DbUse *use;
    TRY(db_use(self->db,
               "INSERT OR REPLACE INTO model (metric, number, trained_ms, summary)"
               " VALUES (?, ?, ?, ?)",
               &use, err));
    db_put_i64(use, metric->key);
    db_put_i64(use, number);
    db_put_i64(use, trained_ms);
    db_put_text(use, summary);
    TRY(db_run(use, err));
    TRY(db_use(self->db, "DELETE FROM model WHERE metric = ? AND number <= ?", &use, err));
    db_put_i64(use, metric->key);
    db_put_i64(use, (int64_t)number - MODELS_KEPT);
    TRY(db_run(use, err));
    TRY(db_use(self->db, "UPDATE metric SET model = ?, trained_ms = ? WHERE key = ?", &use, err));
    db_put_i64(use, number);
    db_put_i64(use, trained_ms);
    db_put_i64(use, metric->key);
    return db_run(use, err);
}

Status roster_model_set(Roster *self, WatchMetric *metric, uint32_t number, int64_t trained_ms,
                        Str summary, void *model, void **before, Error *err) {
    os_lock(&self->monitor);
    Status st = ST_OK;
    if (atomic_load(&metric->gone)) {
        st = error_set(err, ST_RUNTIME, "metric '" STR_FMT "' was removed", STR_ARG(metric->id));
    }
    if (!st) st = db_begin(self->db, err);
    if (!st) {
        st = write_model(self, metric, number, trained_ms, summary, err);
        if (!st) st = db_commit(self->db, err);
        if (st) db_rollback(self->db);
    }
    if (!st) {
        *before = metric->model;
        metric->model = model;
        metric->model_version = number;
        metric->trained_ms = trained_ms;
        metric->wants_training = false;
        metric_changed(metric);
    }
    os_unlock(&self->monitor);
    return st;
}

Status roster_model_summary(Roster *self, const WatchMetric *metric, Arena *arena,
                            Str *summary, Error *err) {
    DbUse *use;
    bool row = false;
    *summary = STR("");
    os_lock(&self->monitor);
    Status st = db_use(self->db, "SELECT summary FROM model WHERE metric = ? AND number = ?", &use,
                       err);
    if (!st) {
        db_put_i64(use, metric->key);
        db_put_i64(use, metric->model_version);
        st = db_step(use, &row, err);
    }
    if (!st && row) {
        *summary = db_text(use, 0, arena);
        st = db_run(use, err);
    }
    os_unlock(&self->monitor);
    return st;
}
