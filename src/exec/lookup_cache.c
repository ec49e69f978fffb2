// What a lookup join remembers. PARTIAL keeps the keys that were asked for, with their rows
// encoded, in a chained hash table and a list by last use: the head is asked for least. FULL keeps
// the whole table by key; when it is due to be read again a thread does that, and the join goes on
// with the old rows until the new ones are complete, as Flink's does.
#include <stdatomic.h>

#include "base/hash.h"
#include "col/codec.h"
#include "exec/lookup.h"
#include "os/os.h"

// ---- PARTIAL -----------------------------------------------------------------------------------

typedef struct CacheEntry CacheEntry;
struct CacheEntry {
    CacheEntry *chain;          // in its bucket
    CacheEntry *older, *newer;  // by last use
    uint64_t hash;
    int64_t written_ms, used_ms;
    uint32_t rows, key_size, size;
    char bytes[];               // the key, then the rows
};

struct PartialCache {
    LookupOptions options;
    uint32_t columns;
    Budget *budget;
    CacheEntry **bucket;
    uint64_t buckets, count;
    CacheEntry *oldest, *newest;
    Buf key, rows;
};

PartialCache *partial_cache_new(const LookupOptions *options, uint32_t columns, Budget *budget) {
    PartialCache *self = NEW(PartialCache);
    *self = (PartialCache){.options = *options, .columns = columns, .budget = budget,
                           .buckets = 1024};
    self->bucket = NEW_ARRAY(CacheEntry *, self->buckets);
    return self;
}

static void unlink_entry(PartialCache *self, CacheEntry *entry) {
    *(entry->older ? &entry->older->newer : &self->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &self->newest) = entry->older;
}

static void link_newest(PartialCache *self, CacheEntry *entry) {
    entry->newer = NULL;
    entry->older = self->newest;
    *(self->newest ? &self->newest->newer : &self->oldest) = entry;
    self->newest = entry;
}

static int64_t entry_bytes(const CacheEntry *entry) {
    return (int64_t)(sizeof *entry + entry->key_size + entry->size);
}

static void forget(PartialCache *self, CacheEntry *entry) {
    CacheEntry **at = &self->bucket[entry->hash & (self->buckets - 1)];
    while (*at != entry) at = &(*at)->chain;
    *at = entry->chain;
    unlink_entry(self, entry);
    self->count--;
    budget_release(self->budget, entry_bytes(entry));
    mem_free(entry);
}

void partial_cache_free(PartialCache *self) {
    if (!self) return;
    while (self->oldest) forget(self, self->oldest);
    mem_free(self->bucket);
    buf_free(&self->key);
    buf_free(&self->rows);
    mem_free(self);
}

static bool expired(const PartialCache *self, const CacheEntry *entry, int64_t now_ms) {
    int64_t access = self->options.expire_after_access_ms;
    int64_t write = self->options.expire_after_write_ms;
    return (access >= 0 && now_ms - entry->used_ms >= access) ||
           (write >= 0 && now_ms - entry->written_ms >= write);
}

// The entry of the key in row [row], its bytes left in self->key; NULL when there is none.
static CacheEntry *entry_find(PartialCache *self, Vec *const *key, uint32_t key_columns,
                              uint32_t row, uint64_t *hash) {
    self->key.len = 0;
    for (uint32_t k = 0; k < key_columns; k++) codec_put_key(key[k], row, &self->key);
    *hash = hash_bytes(self->key.ptr, self->key.len, 0);
    CacheEntry *at = self->bucket[*hash & (self->buckets - 1)];
    for (; at; at = at->chain) {
        if (at->hash == *hash && at->key_size == self->key.len &&
            memcmp(at->bytes, self->key.ptr, self->key.len) == 0) {
            return at;
        }
    }
    return NULL;
}

Status partial_cache_get(PartialCache *self, Vec *const *key, uint32_t key_columns, uint32_t row,
                         int64_t now_ms, uint32_t number, RightRows *out, bool *known,
                         Error *err) {
    uint64_t hash;
    CacheEntry *entry = entry_find(self, key, key_columns, row, &hash);
    *known = entry && !expired(self, entry, now_ms);
    if (entry && !*known) forget(self, entry);
    if (!*known) return ST_OK;
    entry->used_ms = now_ms;
    unlink_entry(self, entry);
    link_newest(self, entry);
    if (!entry->rows) return ST_OK;
    const char *at = entry->bytes + entry->key_size;
    Arena arena;
    arena_init(&arena);
    Vec **column = ARENA_ARRAY(&arena, Vec *, self->columns + 1);
    for (uint32_t c = 0; c < self->columns; c++) {
        column[c] = vec_new(&arena, out->rows->schema->child[c], 1);
    }
    Status st = ST_OK;
    for (uint32_t i = 0; i < entry->rows && !st; i++) {
        for (uint32_t c = 0; c < self->columns; c++) {
            if (column[c]->valid) bits_set(column[c]->valid, 0);
            at = codec_get(at, column[c], 0);
        }
        st = right_rows_add(out, column, 0, number, err);
    }
    arena_clear(&arena);
    return st;
}

static void grow(PartialCache *self) {
    uint64_t buckets = self->buckets * 2;
    CacheEntry **bucket = NEW_ARRAY(CacheEntry *, buckets);
    for (CacheEntry *at = self->oldest; at; at = at->newer) {
        at->chain = bucket[at->hash & (buckets - 1)];
        bucket[at->hash & (buckets - 1)] = at;
    }
    mem_free(self->bucket);
    self->bucket = bucket;
    self->buckets = buckets;
}

Status partial_cache_put(PartialCache *self, Vec *const *key, uint32_t key_columns, uint32_t row,
                         int64_t now_ms, const RightRows *rows, uint32_t number, Error *err) {
    uint32_t from = rows->from[number], to = rows->from[number + 1];
    if (from == to && !self->options.cache_missing) return ST_OK;
    uint64_t hash;
    CacheEntry *old = entry_find(self, key, key_columns, row, &hash);
    if (old) forget(self, old);
    self->rows.len = 0;
    for (uint32_t i = from; i < to; i++) {
        for (uint32_t c = 0; c < self->columns; c++) {
            codec_put(rows->rows->column[c], rows->order[i], &self->rows);
        }
    }
    size_t size = sizeof(CacheEntry) + self->key.len + self->rows.len;
    TRY(budget_charge(self->budget, (int64_t)size, err));
    CacheEntry *entry = mem_zalloc(size);
    *entry = (CacheEntry){.hash = hash, .written_ms = now_ms, .used_ms = now_ms, .rows = to - from,
                          .key_size = (uint32_t)self->key.len, .size = (uint32_t)self->rows.len};
    if (self->key.len) memcpy(entry->bytes, self->key.ptr, self->key.len);
    if (self->rows.len) memcpy(entry->bytes + self->key.len, self->rows.ptr, self->rows.len);
    if (self->count >= self->buckets) grow(self);
    entry->chain = self->bucket[hash & (self->buckets - 1)];
    self->bucket[hash & (self->buckets - 1)] = entry;
    link_newest(self, entry);
    self->count++;
    int64_t most = self->options.rows_max;
    while (self->oldest && ((most >= 0 && self->count > (uint64_t)most) ||
                            expired(self, self->oldest, now_ms))) {
        forget(self, self->oldest);
    }
    return ST_OK;
}

// ---- FULL --------------------------------------------------------------------------------------

// The table as it was read once.
typedef struct Snapshot {
    Arena arena;
    RightRows rows;
    KeyIndex index;
} Snapshot;

struct FullCache {
    const Plan *plan;
    const OpEnv *env;
    LookupOptions options;
    LookupAsker *asker;
    Snapshot *now;           // NULL until the first question
    uint64_t readings;       // that [now] is the last of
    int64_t next_ms;         // when to read again; INT64_MAX: never
    // Reading again: the thread, NULL when there is none, fills [coming].
    OsThread *thread;
    _Atomic int finished;
    Snapshot *coming;
    int64_t started_ms;
    Status status;
    Error error;
};

static void snapshot_free(Snapshot *snapshot) {
    if (!snapshot) return;
    right_rows_clear(&snapshot->rows);
    arena_clear(&snapshot->arena);
    mem_free(snapshot);
}

static Status snapshot_read(FullCache *self, Snapshot **out, Error *err) {
    const Plan *plan = self->plan;
    Snapshot *made = NEW(Snapshot);
    right_rows_init(&made->rows, plan->lookup->right, self->env->budget);
    Status st = lookup_read_all(self->asker, &made->rows, err);
    if (st) {
        snapshot_free(made);
        return st;
    }
    uint32_t rows = made->rows.rows->rows;
    Vec **key = ARENA_ARRAY(&made->arena, Vec *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        key[k] = made->rows.rows->column[plan->right_key[k]];
    }
    if (rows && !made->rows.key) made->rows.key = NEW_ARRAY(uint32_t, rows);
    key_index_build(&made->index, &made->arena, key, plan->key_count, rows, made->rows.key);
    // Rows whose key is NULL are found by nobody: they go behind the last key.
    for (uint32_t i = 0; i < rows; i++) {
        if (made->rows.key[i] == KEY_NONE) made->rows.key[i] = made->index.keys;
    }
    right_rows_sort(&made->rows, made->index.keys + 1);
    *out = made;
    return ST_OK;
}

enum { DAY_MS = 86400000 };

static int64_t next_reading(const FullCache *self, int64_t started_ms, int64_t ended_ms) {
    const LookupOptions *options = &self->options;
    if (options->reload_timed) {
        int64_t day = ended_ms - ((ended_ms % DAY_MS) + DAY_MS) % DAY_MS;
        int64_t next = day + options->reload_at_ms;
        // The first one comes at the next such time, the others so many days later.
        if (!self->now) return next > ended_ms ? next : next + DAY_MS;
        return next <= ended_ms ? next + options->reload_days * DAY_MS : next;
    }
    if (!options->reload_ms) return INT64_MAX;
    return (options->reload_fixed_rate ? started_ms : ended_ms) + options->reload_ms;
}

Status full_cache_open(const Plan *plan, const OpEnv *env, const LookupOptions *options,
                       FullCache **out, Error *err) {
    FullCache *self = NEW(FullCache);
    *self = (FullCache){.plan = plan, .env = env, .options = *options, .next_ms = INT64_MAX};
    *out = self;
    return lookup_asker_open(plan, env, options, &self->asker, err);
}

void full_cache_close(FullCache *self) {
    if (!self) return;
    os()->thread_join(self->thread);
    snapshot_free(self->coming);
    snapshot_free(self->now);
    lookup_asker_close(self->asker);
    mem_free(self);
}

static void read_again(void *arg) {
    FullCache *self = arg;
    self->status = snapshot_read(self, &self->coming, &self->error);
    atomic_store(&self->finished, 1);
}

// Takes over what was read again, and begins to read again when it is time.
static Status renew(FullCache *self, int64_t now_ms, Error *err) {
    if (self->thread && atomic_load(&self->finished)) {
        os()->thread_join(self->thread);
        self->thread = NULL;
        if (self->status) {
            if (err) *err = self->error;
            error_while(err, "reading table '" STR_FMT "' again for its lookup cache",
                        STR_ARG(self->plan->desc->name));
            return self->status;
        }
        snapshot_free(self->now);  // batches made of it keep its rows
        self->now = self->coming;
        self->readings++;
        self->coming = NULL;
        self->next_ms = next_reading(self, self->started_ms, now_ms);
    }
    if (self->thread || now_ms < self->next_ms) return ST_OK;
    atomic_store(&self->finished, 0);
    self->started_ms = now_ms;
    return os()->thread_start(read_again, self, &self->thread, err);
}

// The table as it is now.
static Status see_now(FullCache *self, int64_t now_ms, Error *err) {
    if (self->now) return renew(self, now_ms, err);
    Snapshot *first = NULL;
    TRY(snapshot_read(self, &first, err));
    self->next_ms = next_reading(self, now_ms, self->env->now_ms(self->env->now_arg));
    self->now = first;
    self->readings++;
    return renew(self, now_ms, err);
}

Status full_cache_find(FullCache *self, Arena *arena, Vec *const *key, uint32_t rows,
                       int64_t now_ms, uint32_t *key_of, const RightRows **out, Error *err) {
    TRY(see_now(self, now_ms, err));
    key_index_find(&self->now->index, arena, key, rows, key_of);
    *out = &self->now->rows;
    return ST_OK;
}

Status full_cache_rows(FullCache *self, int64_t now_ms, const Batch **out, uint64_t *reading,
                       Error *err) {
    TRY(see_now(self, now_ms, err));
    *out = self->now->rows.rows;
    *reading = self->readings;
    return ST_OK;
}
