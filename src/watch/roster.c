#include "watch/roster.h"

#include <stdio.h>

#include "base/digest.h"
#include "watch/roster_int.h"

const char *const WATCH_DIRECTIONS[] = {"both", "rise", "fall", NULL};
const char *const WATCH_SENSITIVITIES[] = {"high", "middle", "low", NULL};
const char *const WATCH_LABEL_KINDS[] = {"true_alarm", "false_alarm", "missed", NULL};

enum {
    SCHEMA_VERSION = 3,
    METRICS_MAX_DEFAULT = 100000,
    NAME_MAX_LEN = 64,
    ID_MAX_LEN = 512,
    TEXT_MAX_LEN = 4096,
    STEP_MIN_MS = 1000,
    STEP_MAX_MS = 24 * 3600 * 1000,
    TOKEN_BYTES = 24,
};

static const char SCHEMA[] =
    "CREATE TABLE platform (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,"
    " topic TEXT NOT NULL, webhook TEXT NOT NULL, metrics_max INTEGER NOT NULL,"
    " points_max INTEGER NOT NULL);"
    "CREATE TABLE metric (key INTEGER PRIMARY KEY AUTOINCREMENT, platform INTEGER NOT NULL,"
    " id TEXT NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL, grp TEXT NOT NULL,"
    " labels TEXT NOT NULL, calendar TEXT NOT NULL, step_ms INTEGER NOT NULL,"
    " direction INTEGER NOT NULL, sensitivity INTEGER NOT NULL, importance INTEGER NOT NULL,"
    " silence_ms INTEGER NOT NULL, part_of TEXT NOT NULL, paused INTEGER NOT NULL DEFAULT 0, model "
    "INTEGER NOT NULL "
    "DEFAULT 0,"
    " trained_ms INTEGER NOT NULL DEFAULT 0, rule TEXT NOT NULL DEFAULT '',"
    " UNIQUE (platform, id));"
    "CREATE TABLE label (id INTEGER PRIMARY KEY AUTOINCREMENT, metric INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, alarm INTEGER NOT NULL, from_ms INTEGER NOT NULL,"
    " to_ms INTEGER NOT NULL, note TEXT NOT NULL, UNIQUE (metric, kind, alarm, from_ms, to_ms));"
    "CREATE TABLE promotion (id INTEGER PRIMARY KEY, platform INTEGER NOT NULL, name TEXT NOT NULL,"
    " grp TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
    " UNIQUE (platform, grp, from_ms, to_ms));"
    "CREATE TABLE calendar (name TEXT PRIMARY KEY, csv TEXT NOT NULL);"
    "CREATE TABLE alarm (id TEXT PRIMARY KEY, metric INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " event TEXT NOT NULL, opened_ms INTEGER NOT NULL, ts_ms INTEGER NOT NULL,"
    " message TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX alarm_by_metric ON alarm (metric, opened_ms);"
    "CREATE TABLE delivery (id TEXT NOT NULL, seq INTEGER NOT NULL, metric INTEGER NOT NULL,"
    " made_ms INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (id, seq));"
    "CREATE TABLE model (metric INTEGER NOT NULL, number INTEGER NOT NULL, trained_ms INTEGER NOT"
    " NULL, summary TEXT NOT NULL, PRIMARY KEY (metric, number)) WITHOUT ROWID";

static Str own(Str text) {
    char *bytes = mem_alloc(text.len + 1u);
    if (text.len) memcpy(bytes, text.ptr, text.len);
    bytes[text.len] = 0;
    return str_make(bytes, text.len);
}

static void drop(Str text) {
    mem_free((void *)(uintptr_t)text.ptr);
}

void roster_lock(Roster *roster) {
    os_lock(&roster->monitor);
}

void roster_unlock(Roster *roster) {
    os_unlock(&roster->monitor);
}

// ---- metrics in memory -------------------------------------------------------------------------

static Str full_id(Arena *arena, const WatchPlatform *platform, Str id) {
    return str_printf(arena, "%lld/" STR_FMT, (long long)platform->id, STR_ARG(id));
}

// A spec and its texts as one block.
static MetricSpec *spec_copy(const MetricSpec *spec) {
    const Str *text[] = {&spec->id, &spec->name, &spec->unit, &spec->group, &spec->calendar,
                         &spec->labels, &spec->part_of, &spec->rule};
    size_t size = sizeof *spec;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) size += text[i]->len;
    MetricSpec *copy = mem_alloc(size);
    char *at = (char *)(copy + 1);
    *copy = *spec;
    Str *to[] = {&copy->id, &copy->name, &copy->unit, &copy->group, &copy->calendar,
                 &copy->labels, &copy->part_of, &copy->rule};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        if (text[i]->len) memcpy(at, text[i]->ptr, text[i]->len);
        *to[i] = str_make(at, text[i]->len);
        at += text[i]->len;
    }
    return copy;
}

// A number for the metrics that belong together.
static uint32_t group_of(Roster *self, const WatchPlatform *platform, Str group) {
    Arena arena = {0};
    Str name = full_id(&arena, platform, group);
    uintptr_t number = (uintptr_t)map_get(&self->groups, name);
    if (!number) {
        number = self->groups.count + 1;
        (void)map_put(&self->groups, name, (void *)number);
    }
    arena_clear(&arena);
    return (uint32_t)(number - 1);
}

uint32_t roster_groups(Roster *self) {
    os_lock(&self->monitor);
    uint32_t count = self->groups.count;
    os_unlock(&self->monitor);
    return count;
}

static Status metric_add(Roster *self, WatchPlatform *platform, int64_t key,
                         const MetricSpec *spec, WatchMetric **out, Error *err) {
    int64_t block = key / KEYS_BLOCK;
    if (key < 0 || block >= KEY_BLOCKS_MAX) {
        return error_set(err, ST_UNSUPPORTED, "the registry has given all its %d keys",
                         KEY_BLOCKS_MAX * KEYS_BLOCK);
    }
    WatchMetric **in = atomic_load(&self->block[block]);
    if (!in) {
        in = NEW_ARRAY(WatchMetric *, KEYS_BLOCK);
        atomic_store(&self->block[block], in);
    }
    WatchMetric *metric = NEW(WatchMetric);
    metric->key = key;
    metric->platform = platform;
    metric->id = own(spec->id);
    metric->spec = spec_copy(spec);
    atomic_store(&metric->step_ms, spec->step_ms);
    atomic_store(&metric->version, 1);
    atomic_store(&metric->group, group_of(self, platform, spec->group));
    __atomic_store_n(&in[key % KEYS_BLOCK], metric, __ATOMIC_RELEASE);
    Arena arena = {0};
    (void)map_put(&self->metrics, full_id(&arena, platform, spec->id), metric);
    arena_clear(&arena);
    if (key > atomic_load(&self->keys)) atomic_store(&self->keys, key);
    atomic_fetch_add(&platform->metrics, 1);
    *out = metric;
    return ST_OK;
}

WatchMetric *roster_metric_of(const Roster *self, int64_t key) {
    if (key < 0 || key / KEYS_BLOCK >= KEY_BLOCKS_MAX) return NULL;
    WatchMetric **in = atomic_load(&((Roster *)(uintptr_t)self)->block[key / KEYS_BLOCK]);
    return in ? __atomic_load_n(&in[key % KEYS_BLOCK], __ATOMIC_ACQUIRE) : NULL;
}

int64_t roster_keys(const Roster *self) {
    return atomic_load(&((Roster *)(uintptr_t)self)->keys);
}

WatchMetric *roster_metric(Roster *self, const WatchPlatform *platform, Str id) {
    char room[ID_MAX_LEN + 32];
    if (id.len > ID_MAX_LEN) return NULL;
    int len = snprintf(room, sizeof room, "%lld/" STR_FMT, (long long)platform->id, STR_ARG(id));
    os_lock(&self->monitor);
    WatchMetric *metric = map_get(&self->metrics, str_make(room, (size_t)len));
    os_unlock(&self->monitor);
    return metric;
}

MetricSpec roster_spec(Roster *self, const WatchMetric *metric, Arena *arena) {
    os_lock(&self->monitor);
    MetricSpec spec = *metric->spec;
    Str *text[] = {&spec.id, &spec.name, &spec.unit, &spec.group, &spec.calendar, &spec.labels,
                   &spec.part_of, &spec.rule};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) *text[i] = str_dup(arena, *text[i]);
    os_unlock(&self->monitor);
    return spec;
}

void roster_recent_put(Roster *self, WatchMetric *metric, const WatchPoint *point) {
    os_lock(&self->recent);
    metric->recent[metric->recent_at++ % WATCH_RECENT] = *point;
    os_unlock(&self->recent);
}

uint32_t roster_recent(Roster *self, const WatchMetric *metric, WatchPoint out[WATCH_RECENT]) {
    os_lock(&self->recent);
    uint32_t count = metric->recent_at < WATCH_RECENT ? metric->recent_at : WATCH_RECENT;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = metric->recent[(metric->recent_at - count + i) % WATCH_RECENT];
    }
    os_unlock(&self->recent);
    return count;
}

void roster_drifted(Roster *self, WatchMetric *metric) {
    os_lock(&self->monitor);
    metric->wants_training = true;
    os_unlock(&self->monitor);
}

// ---- what a registration may say ---------------------------------------------------------------

static bool plain_name(Str name) {
    for (uint32_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN;
}

static Status check_spec(const MetricSpec *spec, Error *err) {
    if (!spec->id.len || spec->id.len > ID_MAX_LEN) {
        return error_set(err, ST_VALIDATION, "a metric's id has 1 to %d bytes, this one has %u",
                         ID_MAX_LEN, spec->id.len);
    }
    if (spec->step_ms < STEP_MIN_MS || spec->step_ms > STEP_MAX_MS) {
        return error_set(err, ST_VALIDATION,
                         "metric '" STR_FMT "': a granularity of %lld ms; one second to one day",
                         STR_ARG(spec->id), (long long)spec->step_ms);
    }
    uint32_t texts = spec->name.len + spec->unit.len + spec->group.len + spec->calendar.len +
                     spec->labels.len + spec->part_of.len + spec->rule.len;
    if (texts > TEXT_MAX_LEN) {
        return error_set(err, ST_VALIDATION,
                         "metric '" STR_FMT "': its texts have %u bytes, %d at most",
                         STR_ARG(spec->id), texts, TEXT_MAX_LEN);
    }
    return ST_OK;
}

static bool spec_same(const MetricSpec *a, const MetricSpec *b) {
    return str_eq(a->name, b->name) && str_eq(a->unit, b->unit) && str_eq(a->group, b->group) &&
           str_eq(a->calendar, b->calendar) && str_eq(a->labels, b->labels) &&
           a->step_ms == b->step_ms && a->direction == b->direction &&
           a->sensitivity == b->sensitivity && a->importance == b->importance &&
           a->silence_ms == b->silence_ms && str_eq(a->part_of, b->part_of) &&
           str_eq(a->rule, b->rule);
}

// ---- metrics in the file -----------------------------------------------------------------------

static void put_spec(DbUse *use, const MetricSpec *spec) {
    db_put_text(use, spec->name);
    db_put_text(use, spec->unit);
    db_put_text(use, spec->group);
    db_put_text(use, spec->labels);
    db_put_text(use, spec->calendar);
    db_put_i64(use, spec->step_ms);
    db_put_i64(use, spec->direction);
    db_put_i64(use, spec->sensitivity);
    db_put_i64(use, spec->importance);
    db_put_i64(use, spec->silence_ms);
    db_put_text(use, spec->part_of);
    db_put_text(use, spec->rule);
}

static Status write_spec(Roster *self, WatchPlatform *platform, const MetricSpec *spec,
                         int64_t *key, Error *err) {
    static const char INSERT[] =
        "INSERT INTO metric (name, unit, grp, labels, calendar, step_ms, direction, sensitivity,"
        " importance, silence_ms, part_of, rule, platform, id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (platform, id) DO UPDATE SET name = excluded.name, unit = excluded.unit,"
        " grp = excluded.grp, labels = excluded.labels, calendar = excluded.calendar,"
        " step_ms = excluded.step_ms, direction = excluded.direction,"
        " sensitivity = excluded.sensitivity, importance = excluded.importance,"
        " silence_ms = excluded.silence_ms, part_of = excluded.part_of,"
        " rule = excluded.rule RETURNING key";
    DbUse *use;
    bool row;
    TRY(db_use(self->db, INSERT, &use, err));
    put_spec(use, spec);
    db_put_i64(use, platform->id);
    db_put_text(use, spec->id);
    TRY(db_step(use, &row, err));
    *key = row ? db_i64(use, 0) : 0;
    return db_run(use, err);
}

// The metric that is there, or NULL; with the lock held.
static WatchMetric *find(Roster *self, const WatchPlatform *platform, Arena *arena, Str id) {
    return map_get(&self->metrics, full_id(arena, platform, id));
}

static Status put_all(Roster *self, WatchPlatform *platform, const MetricSpec *spec,
                      uint32_t count, Arena *arena, int64_t *key, MetricCounts *counts,
                      Error *err) {
    Map named = {0};  // one that comes twice in a call counts once
    Status st = ST_OK;
    for (uint32_t i = 0; i < count && !st; i++) {
        st = check_spec(&spec[i], err);
        if (st) break;
        const WatchMetric *there = find(self, platform, arena, spec[i].id);
        bool same = there && spec_same(there->spec, &spec[i]);
        bool again = map_put(&named, spec[i].id, self) != NULL;
        if (there) key[i] = there->key;
        if (same && !again) counts->same++;
        else if (there || again) counts->updated++;
        else counts->added++;
        if (!same || again) st = write_spec(self, platform, &spec[i], &key[i], err);
    }
    map_clear(&named);
    int64_t all = atomic_load(&platform->metrics) + counts->added;
    if (!st && all > platform->metrics_max) {
        (void)error_set(err, ST_VALIDATION,
                        "platform '" STR_FMT "' would have %lld metrics, its quota is %lld",
                        STR_ARG(platform->name), (long long)all,
                        (long long)platform->metrics_max);
        error_hint(err, "remove some, or have the quota raised: POST metrics_max to /v1/platforms");
        st = ST_VALIDATION;
    }
    return st;
}

Status roster_metrics_put(Roster *self, WatchPlatform *platform, const MetricSpec *spec,
                          uint32_t count, MetricCounts *out, Error *err) {
    Arena arena = {0};
    MetricCounts counts = {0};
    int64_t *key = NEW_ARRAY(int64_t, count + 1);
    os_lock(&self->monitor);
    Status st = db_begin(self->db, err);
    if (st) goto done;
    st = put_all(self, platform, spec, count, &arena, key, &counts, err);
    if (!st) st = db_commit(self->db, err);
    if (st) {
        db_rollback(self->db);
        goto done;
    }
    for (uint32_t i = 0; i < count && !st; i++) {
        WatchMetric *metric = find(self, platform, &arena, spec[i].id);
        if (!metric) {
            st = metric_add(self, platform, key[i], &spec[i], &metric, err);
        } else if (!spec_same(metric->spec, &spec[i])) {
            mem_free(metric->spec);
            metric->spec = spec_copy(&spec[i]);
            atomic_store(&metric->step_ms, spec[i].step_ms);
            atomic_store(&metric->group, group_of(self, platform, spec[i].group));
            metric_changed(metric);
        }
    }
    *out = counts;

done:
    os_unlock(&self->monitor);
    mem_free(key);
    arena_clear(&arena);
    return st;
}

Status roster_metric_pause(Roster *self, WatchMetric *metric, bool paused, Error *err) {
    DbUse *use;
    os_lock(&self->monitor);
    Status st = db_use(self->db, "UPDATE metric SET paused = ? WHERE key = ?", &use, err);
    if (!st) {
        db_put_i64(use, paused);
        db_put_i64(use, metric->key);
        st = db_run(use, err);
    }
    if (!st) atomic_store(&metric->paused, paused);
    os_unlock(&self->monitor);
    return st;
}

// Statements with one value, the metric's key, in one transaction.
static Status remove_rows(Roster *self, int64_t key, Error *err) {
    static const char *const SQL[] = {
        "DELETE FROM metric WHERE key = ?", "DELETE FROM label WHERE metric = ?",
        "DELETE FROM alarm WHERE metric = ?", "DELETE FROM delivery WHERE metric = ?",
        "DELETE FROM model WHERE metric = ?"};
    for (size_t i = 0; i < sizeof SQL / sizeof *SQL; i++) {
        DbUse *use;
        TRY(db_use(self->db, SQL[i], &use, err));
        db_put_i64(use, key);
        TRY(db_run(use, err));
    }
    return db_commit(self->db, err);
}

Status roster_metric_remove(Roster *self, WatchMetric *metric, Error *err) {
    Arena arena = {0};
    os_lock(&self->monitor);
    Status st = db_begin(self->db, err);
    if (!st) {
        st = remove_rows(self, metric->key, err);
        if (st) db_rollback(self->db);
    }
    if (!st && !atomic_exchange(&metric->gone, true)) {
        (void)map_remove(&self->metrics, full_id(&arena, metric->platform, metric->id));
        atomic_fetch_sub(&metric->platform->metrics, 1);
    }
    os_unlock(&self->monitor);
    arena_clear(&arena);
    return st;
}

static Status trim_rows(Roster *self, const WatchMetric *metric, int64_t before_ms, Error *err) {
    DbUse *use;
    TRY(db_use(self->db, "DELETE FROM alarm WHERE metric = ? AND opened_ms < ? AND event = 'close'",
               &use, err));
    db_put_i64(use, metric->key);
    db_put_i64(use, before_ms);
    TRY(db_run(use, err));
    TRY(db_use(self->db, "DELETE FROM label WHERE metric = ? AND to_ms < ?", &use, err));
    db_put_i64(use, metric->key);
    db_put_i64(use, before_ms);
    TRY(db_run(use, err));
    return db_commit(self->db, err);
}

Status roster_trim(Roster *self, const WatchMetric *metric, int64_t before_ms, Error *err) {
    os_lock(&self->monitor);
    Status st = db_begin(self->db, err);
    if (!st) {
        st = trim_rows(self, metric, before_ms, err);
        if (st) db_rollback(self->db);
    }
    os_unlock(&self->monitor);
    return st;
}

// ---- platforms ---------------------------------------------------------------------------------

static void hash_of(Str token, char out[65]) {
    static const char HEX[] = "0123456789abcdef";
    uint8_t bytes[DIGEST_SIZE_MAX];
    uint32_t size = digest(DIGEST_SHA256, token, bytes);
    for (uint32_t i = 0; i < size; i++) {
        out[2 * i] = HEX[bytes[i] >> 4];
        out[2 * i + 1] = HEX[bytes[i] & 15];
    }
    out[2 * size] = 0;
}

// "shop.5f3c…": the name says whose it is, the rest is from the system's random numbers. They are
// as hard to guess as a key because the whole of them is hashed, not because the hash is slow.
static void make_token(Str name, Buf *out) {
    buf_put_str(out, name);
    buf_putc(out, '.');
    for (int i = 0; i < TOKEN_BYTES / 8; i++) {
        buf_printf(out, "%016llx", (unsigned long long)os()->random());
    }
}

static WatchPlatform *platform_add(Roster *self, int64_t id, const PlatformSpec *spec) {
    WatchPlatform *platform = NEW(WatchPlatform);
    *platform = (WatchPlatform){.id = id,
                                .name = str_dup(&self->texts, spec->name),
                                .topic = str_cstr(&self->texts, spec->topic),
                                .webhook = str_cstr(&self->texts, spec->webhook),
                                .metrics_max = spec->metrics_max,
                                .points_max = spec->points_max};
    (void)map_put(&self->platforms, spec->name, platform);
    return platform;
}

WatchPlatform *roster_platform(Roster *self, Str name) {
    os_lock(&self->monitor);
    WatchPlatform *platform = map_get(&self->platforms, name);
    os_unlock(&self->monitor);
    return platform;
}

uint32_t roster_platforms(Roster *self, Arena *arena, WatchPlatform ***out) {
    os_lock(&self->monitor);
    uint32_t count = self->platforms.count;
    *out = ARENA_ARRAY(arena, WatchPlatform *, count + 1);
    for (uint32_t i = 0; i < count; i++) (*out)[i] = self->platforms.entry[i].value;
    os_unlock(&self->monitor);
    return count;
}

static Status write_platform(Roster *self, const PlatformSpec *spec, const char *hash,
                             int64_t *id, Error *err) {
    static const char SQL[] =
        "INSERT INTO platform (name, topic, webhook, metrics_max, points_max, hash)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET topic = excluded.topic,"
        " webhook = excluded.webhook, metrics_max = excluded.metrics_max,"
        " points_max = excluded.points_max,"
        " hash = CASE excluded.hash WHEN '' THEN hash ELSE excluded.hash END RETURNING id";
    DbUse *use;
    bool row;
    TRY(db_use(self->db, SQL, &use, err));
    db_put_text(use, spec->name);
    db_put_text(use, spec->topic);
    db_put_text(use, spec->webhook);
    db_put_i64(use, spec->metrics_max);
    db_put_i64(use, spec->points_max);
    db_put_text(use, str_c(hash));
    TRY(db_step(use, &row, err));
    *id = row ? db_i64(use, 0) : 0;
    return db_run(use, err);
}

Status roster_platform_put(Roster *self, const PlatformSpec *given, bool rotate, Buf *token,
                           Error *err) {
    PlatformSpec spec = *given;
    char hash[65] = "";
    int64_t id;
    if (!plain_name(spec.name)) {
        (void)error_set(err, ST_VALIDATION, "'" STR_FMT "' cannot be a platform's name",
                        STR_ARG(spec.name));
        error_hint(err, "letters, digits, - and _, %d at most", NAME_MAX_LEN);
        return ST_VALIDATION;
    }
    if (!spec.metrics_max) spec.metrics_max = METRICS_MAX_DEFAULT;
    os_lock(&self->monitor);
    WatchPlatform *there = map_get(&self->platforms, spec.name);
    if (!there || rotate) {
        make_token(spec.name, token);
        hash_of(buf_str(token), hash);
    }
    Status st = write_platform(self, &spec, hash, &id, err);
    if (!st && !there) {
        (void)platform_add(self, id, &spec);
    } else if (!st) {
        // The texts that were there may be read right now: they stay in the arena.
        atomic_store(&there->topic, str_cstr(&self->texts, spec.topic));
        atomic_store(&there->webhook, str_cstr(&self->texts, spec.webhook));
        atomic_store(&there->metrics_max, spec.metrics_max);
        atomic_store(&there->points_max, spec.points_max);
    }
    os_unlock(&self->monitor);
    return st;
}

WatchPlatform *roster_login(Roster *self, Str token) {
    char given[65], kept[65] = "";
    Arena arena = {0};
    int64_t dot = str_find(token, STR("."), 0);
    Str name = str_sub(token, 0, dot > 0 ? (uint32_t)dot : 0);
    hash_of(token, given);
    DbUse *use;
    bool row = false;
    os_lock(&self->monitor);
    WatchPlatform *platform = map_get(&self->platforms, name);
    Status st = db_use(self->db, "SELECT hash FROM platform WHERE name = ?", &use, NULL);
    if (!st) {
        db_put_text(use, name);
        st = db_step(use, &row, NULL);
    }
    if (!st && row) {
        Str hash = db_text(use, 0, &arena);
        if (hash.len == 64) memcpy(kept, hash.ptr, 64);
        st = db_run(use, NULL);
    }
    os_unlock(&self->monitor);
    arena_clear(&arena);
    unsigned differs = 0;
    for (int i = 0; i < 64; i++) differs |= (unsigned char)given[i] ^ (unsigned char)kept[i];
    return !st && differs == 0 ? platform : NULL;
}

// A registry that was made before metrics had rules gets their column.
static Status add_rules(Roster *self, Error *err) {
    static const char COUNT[] =
        "SELECT COUNT(*) FROM pragma_table_info('metric') WHERE name = 'rule'";
    static const char ADD[] = "ALTER TABLE metric ADD COLUMN rule TEXT NOT NULL DEFAULT ''";
    DbUse *use;
    bool row;
    TRY(db_use(self->db, COUNT, &use, err));
    TRY(db_step(use, &row, err));
    bool there = row && db_i64(use, 0) > 0;
    TRY(db_run(use, err));
    if (there) return ST_OK;
    TRY(db_use(self->db, ADD, &use, err));
    return db_run(use, err);
}

// ---- beginning and end -------------------------------------------------------------------------

static Status read_platforms(Roster *self, Arena *arena, Map *by_id, Error *err) {
    DbUse *use;
    bool row;
    TRY(db_use(self->db,
               "SELECT id, name, topic, webhook, metrics_max, points_max FROM platform ORDER BY id",
               &use, err));
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        PlatformSpec spec = {.name = db_text(use, 1, arena), .topic = db_text(use, 2, arena),
                             .webhook = db_text(use, 3, arena), .metrics_max = db_i64(use, 4),
                             .points_max = db_i64(use, 5)};
        int64_t id = db_i64(use, 0);
        WatchPlatform *platform = platform_add(self, id, &spec);
        (void)map_put(by_id, str_make((const char *)&id, sizeof id), platform);
    }
}

static Status read_metrics(Roster *self, Arena *arena, const Map *by_id, Error *err) {
    DbUse *use;
    bool row;
    TRY(db_use(self->db,
               "SELECT key, platform, id, name, unit, grp, labels, calendar, step_ms, direction,"
               " sensitivity, importance, paused, model, trained_ms,"
               " (SELECT COALESCE(MAX(id), 0) FROM label WHERE metric = key), silence_ms, part_of,"
               " rule"
               " FROM metric ORDER BY key",
               &use, err));
    for (;;) {
        TRY(db_step(use, &row, err));
        if (!row) return ST_OK;
        int64_t owner = db_i64(use, 1);
        WatchPlatform *platform = map_get(by_id, str_make((const char *)&owner, sizeof owner));
        if (!platform) continue;
        MetricSpec spec = {
            .id = db_text(use, 2, arena), .name = db_text(use, 3, arena),
            .unit = db_text(use, 4, arena), .group = db_text(use, 5, arena),
            .labels = db_text(use, 6, arena), .calendar = db_text(use, 7, arena),
            .step_ms = db_i64(use, 8), .direction = (int)db_i64(use, 9),
            .sensitivity = (int)db_i64(use, 10), .importance = (int)db_i64(use, 11),
            .silence_ms = db_i64(use, 16), .part_of = db_text(use, 17, arena),
            .rule = db_text(use, 18, arena)};
        WatchMetric *metric;
        TRY(metric_add(self, platform, db_i64(use, 0), &spec, &metric, err));
        atomic_store(&metric->paused, db_i64(use, 12) != 0);
        metric->model_version = (uint32_t)db_i64(use, 13);
        metric->trained_ms = db_i64(use, 14);
        metric->label_last = db_i64(use, 15);
    }
}

Status roster_open(Str dir, Roster **out, Error *err) {
    Arena arena = {0};
    Map by_id = {0};
    Roster *self = NEW(Roster);
    os()->monitor_init(&self->monitor);
    os()->monitor_init(&self->recent);
    Status st = os()->make_dirs(dir, err);
    if (!st) {
        Str path = str_printf(&arena, STR_FMT "/registry.db", STR_ARG(dir));
        st = db_open(path, SCHEMA, SCHEMA_VERSION, &self->db, err);
    }
    if (!st) st = add_rules(self, err);
    if (!st) st = read_platforms(self, &arena, &by_id, err);
    if (!st) st = read_metrics(self, &arena, &by_id, err);
    map_clear(&by_id);
    arena_clear(&arena);
    if (st) {
        roster_close(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void roster_close(Roster *self) {
    if (!self) return;
    for (uint32_t b = 0; b < KEY_BLOCKS_MAX; b++) {
        WatchMetric **in = atomic_load(&self->block[b]);
        for (uint32_t i = 0; in && i < KEYS_BLOCK; i++) {
            if (!in[i]) continue;
            drop(in[i]->id);
            mem_free(in[i]->spec);
            mem_free(in[i]);
        }
        mem_free(in);
    }
    for (uint32_t i = 0; i < self->platforms.count; i++) {
        mem_free(self->platforms.entry[i].value);
    }
    arena_clear(&self->texts);
    map_clear(&self->platforms);
    map_clear(&self->metrics);
    map_clear(&self->groups);
    db_close(self->db);
    os()->monitor_clear(&self->recent);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}
