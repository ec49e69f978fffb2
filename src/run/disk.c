// Where keyed state lies: the options of state backends, named and meant as in Flink.
#include <stdlib.h>
#include <unistd.h>

#include "run/disk_files.h"
#include "run/worker.h"
#include "spi/option.h"

static Status size_of(const Map *config, const char *key, int64_t fallback, int64_t *out,
                      Error *err) {
    const char *text = config_get(config, key);
    *out = fallback;
    if (!text || option_read_size(str_trim(str_c(text)), out)) return ST_OK;
    return error_set(err, ST_VALIDATION, "'%s' = '%s' is no size, as '256 mb' is", key, text);
}

static Status ratio_of(const Map *config, const char *key, double fallback, double *out,
                       Error *err) {
    const char *text = config_get(config, key);
    *out = fallback;
    if (!text) return ST_OK;
    if (str_to_f64(str_trim(str_c(text)), out) && *out >= 0 && *out <= 1) return ST_OK;
    return error_set(err, ST_VALIDATION, "'%s' = '%s' is no number from 0 to 1", key, text);
}

static Status backend_named(const JobSpec *spec, bool *rocks, Error *err) {
    const char *text = config_get(spec->config, "state.backend.type");
    if (!text) text = config_get(spec->config, "state.backend");  // its name before Flink 2
    Str name = text ? str_trim(str_c(text)) : STR("hashmap");
    if (spec->state_backend.len) name = spec->state_backend;
    *rocks = str_eq_nocase(name, STR("rocksdb"));
    if (*rocks || str_eq_nocase(name, STR("hashmap"))) return ST_OK;
    if (str_eq_nocase(name, STR("forst"))) {
        (void)error_set(err, ST_UNSUPPORTED, "'state.backend.type' = 'forst': weir has no ForSt");
    } else {
        (void)error_set(err, ST_VALIDATION,
                        "Cannot find configured state backend factory class: " STR_FMT,
                        STR_ARG(name));
    }
    error_hint(err, "'state.backend.type' is hashmap (state in memory) or rocksdb (on disk)");
    return err ? err->status : ST_VALIDATION;
}

// Several directories, as Flink takes them, are one here: the first.
static Str directory(const Map *config) {
    const char *text = config_get(config, "state.backend.rocksdb.localdir");
    if (!text) text = config_get(config, "state.backend.local-dir");
    if (!text) text = config_get(config, "io.tmp.dirs");
    if (!text) text = getenv("TMPDIR");
    Str dir = text && *text ? str_trim(str_c(text)) : STR("/tmp");
    for (uint32_t i = 0; i < dir.len; i++) {
        if (dir.ptr[i] == ',' || (dir.ptr[i] == ':' && (!i || dir.ptr[i - 1] != 'e'))) dir.len = i;
    }
    if (str_starts(dir, STR("file://"))) dir = str_sub(dir, 7, dir.len);
    else if (str_starts(dir, STR("file:"))) dir = str_sub(dir, 5, dir.len);
    return dir;
}

Str disk_files_room(Arena *arena, const Map *config) {
    static const Map NOTHING = {0};
    Str dir = directory(config ? config : &NOTHING);
    return str_printf(arena, STR_FMT "/weir-restore-%ld-%llx", STR_ARG(dir), (long)getpid(),
                      (unsigned long long)os()->random());
}

// Of the job's memory, a quarter holds rows, an eighth RocksDB's blocks, and up to an eighth what
// it has not written yet: what it needs besides, and its files in the system's cache, need room
// too.
Status job_state_disk(const JobSpec *spec, uint32_t workers, uint32_t groups, StateDisk **out,
                      Error *err) {
    enum { MEMTABLE_MAX = 64 << 20, MEMTABLE_MIN = 1 << 20, BACKGROUND = 2 };
    const int64_t UNLIMITED = (int64_t)4 << 30;
    const Map *config = spec->config;
    bool rocks;
    TRY(backend_named(spec, &rocks, err));
    if (!rocks || spec->env->batch) return ST_OK;  // batch mode spills by itself
    int64_t memory = spec->budget && spec->budget->bytes_max ? spec->budget->bytes_max : UNLIMITED;
    int64_t rows, slot, background;
    double ratio;
    TRY(size_of(config, "weir.state-cache", memory / 4, &rows, err));
    TRY(size_of(config, "state.backend.rocksdb.memory.fixed-per-slot", 0, &slot, err));
    TRY(ratio_of(config, "state.backend.rocksdb.memory.write-buffer-ratio", 0.5, &ratio, err));
    background = config_int(config, "state.backend.rocksdb.thread.num", BACKGROUND);
    int64_t memtable = memory / 8 / workers, blocks = memory / 8;
    if (memtable > MEMTABLE_MAX) memtable = MEMTABLE_MAX;
    if (slot) {
        memtable = (int64_t)((double)slot * ratio);
        blocks = slot * workers - memtable * workers;
    }
    StateDiskOptions options = {
        .dir = directory(config), .rows_bytes = rows / workers, .blocks_bytes = blocks,
        .memtable_bytes = memtable > MEMTABLE_MIN ? memtable : MEMTABLE_MIN,
        .background = background > 0 ? (uint32_t)background : BACKGROUND,
        .workers = workers, .groups = groups,
    };
    return state_disk_new(&options, spec->budget, out, err);
}
