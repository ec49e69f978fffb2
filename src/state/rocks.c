#include "state/rocks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "state/rocks_api.h"

struct RocksCache {
    const RocksApi *api;
    rocksdb_cache_t *lru;
};

typedef struct Expiry {
    uint64_t prefix;
    int64_t ttl_ms;
} Expiry;

enum { EXPIRIES_MAX = 256 };  // tables with a TTL; those beyond expire when they are read

struct Rocks {
    const RocksApi *api;
    rocksdb_t *db;
    char *dir;
    rocksdb_options_t *options;
    rocksdb_compactionfilter_t *filter;
    rocksdb_column_family_t *family;  // the default one; of a database that is written to
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    rocksdb_writebatch_t *batch;
    size_t batch_bytes;
    // Read by the threads that compact.
    _Atomic int64_t now_ms;
    _Atomic uint32_t expiry_count;
    Expiry expiry[EXPIRIES_MAX];
};

struct RocksWalk {
    Rocks *rocks;
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *at;
};

Status rocks_cache_new(int64_t bytes, RocksCache **out, Error *err) {
    const RocksApi *api;
    TRY(rocks_api(&api, err));
    RocksCache *cache = NEW(RocksCache);
    cache->api = api;
    cache->lru = api->cache_create_lru((size_t)bytes);
    *out = cache;
    return ST_OK;
}

void rocks_cache_free(RocksCache *cache) {
    if (!cache) return;
    cache->api->cache_destroy(cache->lru);
    mem_free(cache);
}

// Its text is RocksDB's: "Corruption: block checksum mismatch ... in /dir/000012.sst".
static Status failed(const Rocks *rocks, const char *doing, char *text, Error *err) {
    Status st = error_set(err, ST_IO, "%s the RocksDB state in '%s': %s", doing, rocks->dir, text);
    rocks->api->free(text);
    return st;
}

// RocksDB's threads serve all databases of the process and would outlive them: a child that is
// forked later would wait at its end for threads that it does not have. So the last database that
// is closed sends them home; the next one that is opened calls as many as it wants.
static void count_databases(const RocksApi *api, int change) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int open;
    (void)pthread_mutex_lock(&lock);
    open += change;
    if (!open) {
        rocksdb_env_t *env = api->create_default_env();
        api->env_set_background_threads(env, 0);
        api->env_set_high_priority_background_threads(env, 0);
        api->env_destroy(env);
    }
    (void)pthread_mutex_unlock(&lock);
}

// ---- opening -----------------------------------------------------------------------------------

static unsigned char drop_expired(void *arg, int level, const char *key, size_t key_size,
                                  const char *value, size_t value_size, char **new_value,
                                  size_t *new_size, unsigned char *changed) {
    (void)level, (void)new_value, (void)new_size;
    const Rocks *rocks = arg;
    *changed = 0;
    uint64_t prefix;
    int64_t written_ms;
    if (key_size < sizeof prefix || value_size < sizeof written_ms) return 0;
    memcpy(&prefix, key, sizeof prefix);
    memcpy(&written_ms, value, sizeof written_ms);
    int64_t now_ms = atomic_load_explicit(&rocks->now_ms, memory_order_relaxed);
    uint32_t count = atomic_load_explicit(&rocks->expiry_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (rocks->expiry[i].prefix != prefix) continue;
        return now_ms - written_ms >= rocks->expiry[i].ttl_ms;
    }
    return 0;
}

static const char *filter_name(void *arg) {
    (void)arg;
    return "weir.ttl";
}

static void nothing(void *arg) {
    (void)arg;
}

static rocksdb_options_t *options_new(Rocks *rocks, const RocksOptions *given) {
    enum { BLOCK_SIZE = 16 << 10, LZ4 = 4, ERROR_LEVEL = 3, FORMAT = 5, TWO_LEVELS = 2 };
    const double BLOOM_BITS = 10;
    const RocksApi *api = rocks->api;
    rocksdb_block_options_t *blocks = api->block_based_options_create();
    api->block_based_options_set_block_size(blocks, BLOCK_SIZE);
    api->block_based_options_set_block_cache(blocks, given->cache->lru);
    api->block_based_options_set_filter_policy(blocks,
                                               api->filterpolicy_create_bloom_full(BLOOM_BITS));
    api->block_based_options_set_whole_key_filtering(blocks, 1);
    api->block_based_options_set_format_version(blocks, FORMAT);
    // Indexes and filters share the cache with the blocks, so that it bounds them all; in pieces,
    // for the filter of a whole file is more than a shard of the cache takes in, and would be read
    // again for every batch.
    api->block_based_options_set_index_type(blocks, TWO_LEVELS);
    api->block_based_options_set_partition_filters(blocks, 1);
    api->block_based_options_set_pin_top_level_index_and_filter(blocks, 1);
    api->block_based_options_set_cache_index_and_filter_blocks(blocks, 1);
    api->block_based_options_set_cache_index_and_filter_blocks_with_high_priority(blocks, 1);
    api->block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(blocks, 1);

    rocksdb_options_t *options = api->options_create();
    api->options_set_create_if_missing(options, 1);
    api->options_set_block_based_table_factory(options, blocks);
    api->block_based_options_destroy(blocks);
    api->options_set_write_buffer_size(options, (size_t)given->memtable_bytes / 2);
    api->options_set_max_write_buffer_number(options, 2);
    // Most keys of a growing state are asked for once and are not there: also in memory a filter
    // says so first.
    api->options_set_memtable_prefix_bloom_size_ratio(options, 0.02);
    api->options_set_memtable_whole_key_filtering(options, 1);
    api->options_set_max_background_jobs(options, (int)given->background);
    api->options_set_max_open_files(options, -1);
    api->options_set_compression(options, LZ4);
    api->options_set_level_compaction_dynamic_level_bytes(options, 1);
    api->options_set_info_log_level(options, ERROR_LEVEL);
    api->options_set_keep_log_file_num(options, 1);
    api->options_set_stats_dump_period_sec(options, 0);
    rocks->filter = api->compactionfilter_create(rocks, nothing, drop_expired, filter_name);
    api->options_set_compaction_filter(options, rocks->filter);
    return options;
}

static Status rocks_new(const RocksOptions *options, Str dir, bool read_only, Rocks **out,
                        Error *err) {
    static const char *const FAMILY[] = {"default"};
    const RocksApi *api;
    TRY(rocks_api(&api, err));
    Rocks *rocks = NEW(Rocks);
    rocks->api = api;
    rocks->dir = str_own(dir);
    rocks->options = options_new(rocks, options);
    rocks->read = api->readoptions_create();
    rocks->write = api->writeoptions_create();
    api->writeoptions_disable_WAL(rocks->write, 1);
    rocks->batch = api->writebatch_create();
    char *text = NULL;
    count_databases(api, 1);
    if (read_only) {
        rocks->db = api->open_for_read_only(rocks->options, rocks->dir, 0, &text);
    } else {
        const rocksdb_options_t *of_family[] = {rocks->options};
        rocks->db = api->open_column_families(rocks->options, rocks->dir, 1, FAMILY, of_family,
                                              &rocks->family, &text);
    }
    if (text) {
        Status st = failed(rocks, "opening", text, err);
        rocks->db = NULL;
        rocks_close(rocks);
        return st;
    }
    *out = rocks;
    return ST_OK;
}

Status rocks_open(const RocksOptions *options, Str dir, Rocks **out, Error *err) {
    return rocks_new(options, dir, false, out, err);
}

Status rocks_open_read(const RocksOptions *options, Str dir, Rocks **out, Error *err) {
    return rocks_new(options, dir, true, out, err);
}

void rocks_close(Rocks *rocks) {
    if (!rocks) return;
    const RocksApi *api = rocks->api;
    if (rocks->family) api->column_family_handle_destroy(rocks->family);
    if (rocks->db) api->close(rocks->db);
    api->writebatch_destroy(rocks->batch);
    api->writeoptions_destroy(rocks->write);
    api->readoptions_destroy(rocks->read);
    api->options_destroy(rocks->options);
    api->compactionfilter_destroy(rocks->filter);
    count_databases(api, -1);
    mem_free(rocks->dir);
    mem_free(rocks);
}

void rocks_expire(Rocks *rocks, uint64_t prefix, int64_t ttl_ms) {
    uint32_t count = atomic_load(&rocks->expiry_count);
    if (!ttl_ms || count == EXPIRIES_MAX) return;
    rocks->expiry[count] = (Expiry){prefix, ttl_ms};
    atomic_store_explicit(&rocks->expiry_count, count + 1, memory_order_release);
}

void rocks_now(Rocks *rocks, int64_t now_ms) {
    atomic_store_explicit(&rocks->now_ms, now_ms, memory_order_relaxed);
}

// ---- writing and reading -----------------------------------------------------------------------

void rocks_put(Rocks *rocks, Str key, Str value) {
    rocks->api->writebatch_put(rocks->batch, key.ptr, key.len, value.ptr, value.len);
    rocks->batch_bytes += key.len + value.len;
}

void rocks_delete(Rocks *rocks, Str key) {
    rocks->api->writebatch_delete(rocks->batch, key.ptr, key.len);
    rocks->batch_bytes += key.len;
}

size_t rocks_batch_bytes(const Rocks *rocks) {
    return rocks->batch_bytes;
}

Status rocks_write(Rocks *rocks, Error *err) {
    if (!rocks->batch_bytes) return ST_OK;
    char *text = NULL;
    rocks->api->write(rocks->db, rocks->write, rocks->batch, &text);
    rocks->api->writebatch_clear(rocks->batch);
    rocks->batch_bytes = 0;
    return text ? failed(rocks, "writing", text, err) : ST_OK;
}

Status rocks_find(Rocks *rocks, const Str *key, uint32_t count,
                  Status (*found)(void *arg, uint32_t at, Str value, Error *err), void *arg,
                  Error *err) {
    const RocksApi *api = rocks->api;
    const char *keys[ROCKS_MANY_MAX];
    size_t sizes[ROCKS_MANY_MAX];
    rocksdb_pinnableslice_t *slice[ROCKS_MANY_MAX];
    char *text[ROCKS_MANY_MAX];
    Status st = ST_OK;
    for (uint32_t from = 0; from < count && !st; from += ROCKS_MANY_MAX) {
        uint32_t some = count - from < ROCKS_MANY_MAX ? count - from : ROCKS_MANY_MAX;
        for (uint32_t i = 0; i < some; i++) {
            keys[i] = key[from + i].ptr;
            sizes[i] = key[from + i].len;
        }
        api->batched_multi_get_cf(rocks->db, rocks->read, rocks->family, some, keys, sizes, slice,
                                  text, false);
        for (uint32_t i = 0; i < some; i++) {
            if (text[i]) {
                if (st) api->free(text[i]);
                else st = failed(rocks, "reading", text[i], err);
            }
            if (!slice[i]) continue;
            size_t size;
            const char *value = api->pinnableslice_value(slice[i], &size);
            if (!st) st = found(arg, from + i, str_make(value, size), err);
            api->pinnableslice_destroy(slice[i]);
        }
    }
    return st;
}

// ---- walks -------------------------------------------------------------------------------------

RocksWalk *rocks_walk(Rocks *rocks) {
    enum { READ_AHEAD = 1 << 20 };
    const RocksApi *api = rocks->api;
    RocksWalk *walk = NEW(RocksWalk);
    walk->rocks = rocks;
    walk->snapshot = api->create_snapshot(rocks->db);
    walk->read = api->readoptions_create();
    api->readoptions_set_snapshot(walk->read, walk->snapshot);
    api->readoptions_set_fill_cache(walk->read, 0);
    api->readoptions_set_readahead_size(walk->read, READ_AHEAD);
    walk->at = api->create_iterator(rocks->db, walk->read);
    return walk;
}

void rocks_walk_free(RocksWalk *walk) {
    if (!walk) return;
    const RocksApi *api = walk->rocks->api;
    api->iter_destroy(walk->at);
    api->readoptions_destroy(walk->read);
    api->release_snapshot(walk->rocks->db, walk->snapshot);
    mem_free(walk);
}

void rocks_walk_seek(RocksWalk *walk, Str key) {
    walk->rocks->api->iter_seek(walk->at, key.ptr, key.len);
}

bool rocks_walk_at(const RocksWalk *walk, Str *key, Str *value) {
    const RocksApi *api = walk->rocks->api;
    if (!api->iter_valid(walk->at)) return false;
    size_t size;
    const char *bytes = api->iter_key(walk->at, &size);
    *key = str_make(bytes, size);
    bytes = api->iter_value(walk->at, &size);
    *value = str_make(bytes, size);
    return true;
}

void rocks_walk_next(RocksWalk *walk) {
    walk->rocks->api->iter_next(walk->at);
}

Status rocks_walk_status(const RocksWalk *walk, Error *err) {
    char *text = NULL;
    walk->rocks->api->iter_get_error(walk->at, &text);
    return text ? failed(walk->rocks, "reading", text, err) : ST_OK;
}

// ---- files -------------------------------------------------------------------------------------

Status rocks_checkpoint(Rocks *rocks, Str dir, Error *err) {
    const RocksApi *api = rocks->api;
    Arena arena = {0};
    char *text = NULL;
    rocksdb_checkpoint_t *checkpoint = api->checkpoint_object_create(rocks->db, &text);
    // 0: the tables in memory are always written out first, for there is no log to replay.
    if (!text) api->checkpoint_create(checkpoint, str_cstr(&arena, dir), 0, &text);
    if (checkpoint) api->checkpoint_object_destroy(checkpoint);
    arena_clear(&arena);
    return text ? failed(rocks, "taking a checkpoint of", text, err) : ST_OK;
}

int64_t rocks_bytes(Rocks *rocks) {
    char *text = rocks->api->property_value(rocks->db, "rocksdb.total-sst-files-size");
    int64_t bytes = text ? strtoll(text, NULL, 10) : 0;
    if (text) rocks->api->free(text);
    return bytes;
}
