#include "connector/file/file_commit.h"

#include <pthread.h>
#include <stdio.h>

#include "base/hex.h"
#include "os/os.h"
#include "type/datetime.h"
#include "type/zone.h"

typedef struct OpenPartition {
    Str directory;  // owned
    int64_t created_ms;
} OpenPartition;

struct FileCommitter {
    const SinkSpec *spec;  // the same for all writers of a sink
    FileCommitter *next;
    uint32_t users, writers;
    OsMonitor lock;
    uint32_t key_count;
    bool by_watermark;
    int64_t delay_ms;
    const Zone *zone;
    char *pattern, *formatter;  // owned; of the time extractor; NULL: none
    char *success_name;         // owned
    OpenPartition *open;
    uint32_t open_count, open_cap;
    int64_t *watermark_ms;      // per writer
    uint64_t *arrived;          // per writer
    uint64_t committed;         // checkpoints up to this one
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static FileCommitter *all;  // guarded by all_lock

bool policy_named(Str list, Str policy) {
    for (int64_t at = 0, comma; at >= 0; at = comma < 0 ? -1 : comma + 1) {
        comma = str_find(list, STR(","), (uint32_t)at);
        uint32_t len = (comma < 0 ? list.len : (uint32_t)comma) - (uint32_t)at;
        if (str_eq_nocase(str_trim(str_sub(list, (uint32_t)at, len)), policy)) return true;
    }
    return false;
}

// Policies of names that nobody knows fail when the job starts, as in Flink.
static Status check_policies(const FileTable *table, Str list, Error *err) {
    for (int64_t at = 0, comma; at >= 0; at = comma < 0 ? -1 : comma + 1) {
        comma = str_find(list, STR(","), (uint32_t)at);
        uint32_t len = (comma < 0 ? list.len : (uint32_t)comma) - (uint32_t)at;
        Str name = str_trim(str_sub(list, (uint32_t)at, len));
        if (str_eq_nocase(name, STR("success-file"))) continue;
        if (str_eq_nocase(name, STR("custom"))) {
            return error_set(err, ST_RUNTIME,
                             "table '" STR_FMT "': 'sink.partition-commit.policy.kind' = 'custom' "
                             "needs a Java class, which cannot be loaded here",
                             STR_ARG(table->desc->name));
        }
        return error_set(err, ST_RUNTIME,
                         "table '" STR_FMT "': unknown partition commit policy '" STR_FMT "'",
                         STR_ARG(table->desc->name), STR_ARG(name));
    }
    const Options *options = &table->options;
    if (options_enum(options, "sink.partition-commit.trigger") == 1 &&
        options_enum(options, "partition.time-extractor.kind") == 1) {
        return error_set(err, ST_RUNTIME,
                         "table '" STR_FMT "': 'partition.time-extractor.kind' = 'custom' needs a "
                         "Java class, which cannot be loaded here",
                         STR_ARG(table->desc->name));
    }
    return ST_OK;
}

static char *copy_option(const Options *options, const char *key) {
    const char *text = options_get(options, key);
    return text ? mem_strdup(text) : NULL;
}

static FileCommitter *committer_new(const SinkSpec *spec, const FileTable *table,
                                    const TaskEnv *env) {
    const Options *options = &table->options;
    FileCommitter *self = NEW(FileCommitter);
    self->spec = spec;
    self->writers = env->count ? env->count : 1;
    os()->monitor_init(&self->lock);
    self->key_count = spec->table->partition_key_count;
    self->by_watermark = options_enum(options, "sink.partition-commit.trigger") == 1;
    self->delay_ms = options_int(options, "sink.partition-commit.delay");
    const char *zone = options_get(options, "sink.partition-commit.watermark-time-zone");
    if (zone_find(str_c(zone), &self->zone, NULL)) self->zone = zone_utc();
    self->pattern = copy_option(options, "partition.time-extractor.timestamp-pattern");
    self->formatter = copy_option(options, "partition.time-extractor.timestamp-formatter");
    self->success_name = copy_option(options, "sink.partition-commit.success-file.name");
    self->watermark_ms = NEW_ARRAY(int64_t, self->writers);
    self->arrived = NEW_ARRAY(uint64_t, self->writers);
    for (uint32_t i = 0; i < self->writers; i++) self->watermark_ms[i] = INT64_MIN;
    return self;
}

Status committer_open(const SinkSpec *spec, const FileTable *table, const TaskEnv *env,
                      FileCommitter **out, Error *err) {
    *out = NULL;
    const char *policies = options_get(&table->options, "sink.partition-commit.policy.kind");
    if (!policies || !spec->table->partition_key_count) return ST_OK;
    TRY(check_policies(table, str_c(policies), err));
    (void)pthread_mutex_lock(&all_lock);
    FileCommitter *at = all;
    while (at && at->spec != spec) at = at->next;
    if (!at) {
        at = committer_new(spec, table, env);
        at->next = all;
        all = at;
    }
    at->users++;
    (void)pthread_mutex_unlock(&all_lock);
    *out = at;
    return ST_OK;
}

void committer_close(FileCommitter *self) {
    if (!self) return;
    (void)pthread_mutex_lock(&all_lock);
    bool last = --self->users == 0;
    FileCommitter **at = &all;
    while (last && *at != self) at = &(*at)->next;
    if (last) *at = self->next;
    (void)pthread_mutex_unlock(&all_lock);
    if (!last) return;
    for (uint32_t i = 0; i < self->open_count; i++) {
        mem_free((char *)(uintptr_t)self->open[i].directory.ptr);
    }
    mem_free(self->open);
    mem_free(self->pattern);
    mem_free(self->formatter);
    mem_free(self->success_name);
    mem_free(self->watermark_ms);
    mem_free(self->arrived);
    os()->monitor_clear(&self->lock);
    mem_free(self);
}

static void add_partition(FileCommitter *self, Str directory, int64_t created_ms) {
    for (uint32_t i = 0; i < self->open_count; i++) {
        if (str_eq(self->open[i].directory, directory)) return;
    }
    if (self->open_count == self->open_cap) {
        self->open_cap = self->open_cap ? self->open_cap * 2 : 8;
        self->open = mem_realloc(self->open, self->open_cap * sizeof *self->open);
    }
    char *copy = mem_alloc(directory.len ? directory.len : 1);
    memcpy(copy, directory.ptr, directory.len);
    self->open[self->open_count++] = (OpenPartition){{copy, directory.len}, created_ms};
}

void committer_wrote(FileCommitter *self, Str directory) {
    os_lock(&self->lock);
    add_partition(self, directory, os_now_ms());
    os_unlock(&self->lock);
}

void committer_watermark(FileCommitter *self, uint32_t writer, int64_t ms) {
    os_lock(&self->lock);
    self->watermark_ms[writer] = ms;
    os_unlock(&self->lock);
}

// Times of partitions ---------------------------------------------------------------------------

// The value of key [name] in ".../name=value/...", or of the first key for a name of length 0.
static Str value_in(const FileCommitter *self, Str directory, Str name, Arena *arena) {
    const TableDesc *desc = self->spec->table;
    uint32_t end = directory.len;
    for (uint32_t k = self->key_count; k > 0; k--) {
        uint32_t from = end;
        while (from > 0 && directory.ptr[from - 1] != '/') from--;
        Str part = str_sub(directory, from, end - from);
        int64_t equals = str_find(part, STR("="), 0);
        bool wanted = name.len ? str_eq(desc->partition_key[k - 1], name) : k == 1;
        if (wanted && equals >= 0) {
            return percent_decode(arena, str_sub(part, (uint32_t)equals + 1, part.len));
        }
        end = from ? from - 1 : 0;
    }
    return (Str){NULL, 0};
}

// The pattern with "$key" replaced, or the first key's value.
static Str time_text(const FileCommitter *self, Str directory, Arena *arena) {
    if (!self->pattern) return value_in(self, directory, (Str){0}, arena);
    Str pattern = str_c(self->pattern);
    Buf text = {0};
    for (uint32_t i = 0; i < pattern.len;) {
        const TableDesc *desc = self->spec->table;
        uint32_t k = 0;
        Str rest = str_sub(pattern, i + 1, pattern.len);
        while (k < desc->partition_key_count && !str_starts(rest, desc->partition_key[k])) k++;
        if (pattern.ptr[i] == '$' && k < desc->partition_key_count) {
            buf_put_str(&text, value_in(self, directory, desc->partition_key[k], arena));
            i += 1 + desc->partition_key[k].len;
        } else {
            buf_putc(&text, pattern.ptr[i++]);
        }
    }
    Str copy = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

// Reads [text] by a formatter of the letters y M d H m s and what stands between them, and hands on
// "yyyy-MM-dd HH:mm:ss".
static bool read_formatted(Str text, const char *formatter, Timestamp *out) {
    static const char LETTERS[] = "yMdHms";
    int field[6] = {1970, 1, 1, 0, 0, 0};
    uint32_t at = 0;
    for (const char *f = formatter; *f;) {
        const char *letter = strchr(LETTERS, *f);
        if (!letter) {
            if (*f != '\'' && (at >= text.len || text.ptr[at++] != *f)) return false;
            f++;
            continue;
        }
        int width = 0, value = 0;
        for (char c = *f; *f == c; f++) width++;
        bool bounded = strchr(LETTERS, *f) && *f;  // digits follow at once
        uint32_t from = at;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9' &&
               (at - from < (uint32_t)width || (!bounded && at - from < 4))) {
            value = value * 10 + (text.ptr[at++] - '0');
        }
        if (at == from) return false;
        field[letter - LETTERS] = value;
    }
    char iso[64];
    int len = snprintf(iso, sizeof iso, "%04d-%02d-%02d %02d:%02d:%02d", field[0], field[1],
                       field[2], field[3], field[4], field[5]);
    return at == text.len && timestamp_parse(str_make(iso, (size_t)len), out);
}

static bool is_due(const FileCommitter *self, const OpenPartition *open, int64_t watermark_ms) {
    if (!self->by_watermark) {
        return self->delay_ms == 0 || os_now_ms() > open->created_ms + self->delay_ms;
    }
    Arena arena;
    arena_init(&arena);
    Timestamp time;
    Str text = time_text(self, open->directory, &arena);
    // A partition without a time is committed at the end.
    bool known = self->formatter ? read_formatted(text, self->formatter, &time)
                                 : timestamp_parse(text, &time);
    arena_clear(&arena);
    return known &&
           watermark_ms > zone_local_to_utc(self->zone, time.ms) + self->delay_ms;
}

// Commits ----------------------------------------------------------------------------------------

// The next checkpoint no longer knows that the file is to be written: it is durable before.
static Status write_success(const FileCommitter *self, Str directory, Error *err) {
    Buf name = {0};
    buf_printf(&name, STR_FMT "/%s", STR_ARG(directory), self->success_name);
    Status st = os_write_file(buf_str(&name), (Str){"", 0}, err);
    if (!st) st = os()->sync_dir(directory, err);
    buf_free(&name);
    return st;
}

static Status commit_due(FileCommitter *self, bool at_end, Error *err) {
    int64_t watermark_ms = INT64_MAX;
    for (uint32_t i = 0; i < self->writers; i++) {
        if (self->watermark_ms[i] < watermark_ms) watermark_ms = self->watermark_ms[i];
    }
    uint32_t kept = 0;
    Status st = ST_OK;
    for (uint32_t i = 0; i < self->open_count; i++) {
        OpenPartition open = self->open[i];
        bool due = !st && (at_end || is_due(self, &open, watermark_ms));
        if (due) st = write_success(self, open.directory, err);
        if (due && !st) {
            mem_free((char *)(uintptr_t)open.directory.ptr);
        } else {
            self->open[kept++] = open;
        }
    }
    self->open_count = kept;
    return st;
}

Status committer_arrived(FileCommitter *self, uint32_t writer, uint64_t checkpoint, Error *err) {
    Status st = ST_OK;
    os_lock(&self->lock);
    if (checkpoint > self->arrived[writer]) self->arrived[writer] = checkpoint;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < self->writers; i++) {
        if (self->arrived[i] < least) least = self->arrived[i];
    }
    if (least > self->committed) {
        self->committed = least;
        st = commit_due(self, least == UINT64_MAX, err);
    }
    os_unlock(&self->lock);
    return st;
}

void committer_save(FileCommitter *self, Buf *out) {
    os_lock(&self->lock);
    for (uint32_t i = 0; i < self->open_count; i++) {
        const OpenPartition *open = &self->open[i];
        buf_put(out, &open->created_ms, sizeof open->created_ms);
        buf_put(out, &open->directory.len, sizeof open->directory.len);
        buf_put_str(out, open->directory);
    }
    os_unlock(&self->lock);
}

bool committer_load(FileCommitter *self, Str bytes) {
    bool good = true;
    os_lock(&self->lock);
    while (good && bytes.len) {
        int64_t created_ms;
        uint32_t len;
        good = bytes.len >= sizeof created_ms + sizeof len;
        if (!good) break;
        memcpy(&created_ms, bytes.ptr, sizeof created_ms);
        memcpy(&len, bytes.ptr + sizeof created_ms, sizeof len);
        bytes = str_sub(bytes, sizeof created_ms + sizeof len, bytes.len);
        good = bytes.len >= len;
        if (!good) break;
        add_partition(self, str_sub(bytes, 0, len), created_ms);
        bytes = str_sub(bytes, len, bytes.len);
    }
    os_unlock(&self->lock);
    return good;
}
