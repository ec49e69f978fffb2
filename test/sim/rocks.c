// RocksDB as state/rocks.h has it, over the simulated disk: in place of state/rocks.c, and of the
// library, whose threads would come and go by no seed. What the engine makes of a database is all
// real: which rows leave and come back, which files a checkpoint takes and which it has already.
//
// A database is its rows in memory, sorted, and files of which each holds what has changed since
// the one before. Only rocks_checkpoint writes files; now and then it puts all of them into one, as
// a compaction does, and drops rows that have outlived their TTL. FILES lists them. Their numbers
// go on where the list left off: one that was opened from a checkpoint may come to names that
// others have given, as RocksDB's does.
#include "state/rocks.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "world.h"

struct RocksCache {
    int64_t bytes;
};

typedef struct Entry {
    Str key, value;  // of the database's arena
    bool gone;
    bool changed;    // since the last file
} Entry;

typedef struct Entries {
    Entry *entry;    // by key
    uint32_t count, cap;
} Entries;

typedef struct Ttl {
    uint64_t prefix;
    int64_t ttl_ms;
} Ttl;

enum { FILES_MAX = 64, TTLS_MAX = 16 };

struct Rocks {
    Arena arena;      // of the texts; what is replaced stays until the end
    Str dir;
    Entries rows;
    Entries batch;    // in order of arrival
    size_t batch_bytes;
    uint32_t file[FILES_MAX], files, next_file;
    int64_t now_ms, bytes;
    Ttl ttl[TTLS_MAX];
    uint32_t ttls;
    bool linking;     // a checkpoint is being taken: the only one
    bool torn;        // what the last file was to hold is in none
};

struct RocksWalk {
    Arena arena;
    Entry *entry;
    uint32_t count, at;
};

Status rocks_cache_new(int64_t bytes, RocksCache **out, Error *err) {
    (void)err;  // there is a RocksDB here
    *out = NEW(RocksCache);
    (*out)->bytes = bytes;
    return ST_OK;
}

void rocks_cache_free(RocksCache *cache) {
    mem_free(cache);
}

// ---- rows --------------------------------------------------------------------------------------

// Where [key] is, or would be.
static uint32_t place_of(const Entries *rows, Str key) {
    uint32_t from = 0, to = rows->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (str_cmp(rows->entry[middle].key, key) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static Entry *entry_at(Entries *rows, uint32_t at) {
    if (rows->count == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 64;
        rows->entry = mem_realloc(rows->entry, rows->cap * sizeof *rows->entry);
    }
    memmove(&rows->entry[at + 1], &rows->entry[at], (rows->count - at) * sizeof *rows->entry);
    rows->count++;
    return &rows->entry[at];
}

static void apply(Rocks *rocks, const Entry *change) {
    uint32_t at = place_of(&rocks->rows, change->key);
    bool there = at < rocks->rows.count && str_eq(rocks->rows.entry[at].key, change->key);
    *(there ? &rocks->rows.entry[at] : entry_at(&rocks->rows, at)) = *change;
}

static void add_change(Rocks *rocks, Str key, Str value, bool gone) {
    *entry_at(&rocks->batch, rocks->batch.count) =
        (Entry){str_dup(&rocks->arena, key), str_dup(&rocks->arena, value), gone, true};
    rocks->batch_bytes += key.len + value.len;
}

void rocks_put(Rocks *rocks, Str key, Str value) {
    add_change(rocks, key, value, false);
}

void rocks_delete(Rocks *rocks, Str key) {
    add_change(rocks, key, STR(""), true);
}

size_t rocks_batch_bytes(const Rocks *rocks) {
    return rocks->batch_bytes;
}

Status rocks_write(Rocks *rocks, Error *err) {
    (void)err;
    for (uint32_t i = 0; i < rocks->batch.count; i++) apply(rocks, &rocks->batch.entry[i]);
    rocks->batch.count = 0;
    rocks->batch_bytes = 0;
    return ST_OK;
}

Status rocks_find(Rocks *rocks, const Str *key, uint32_t count,
                  Status (*found)(void *arg, uint32_t at, Str value, Error *err), void *arg,
                  Error *err) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = place_of(&rocks->rows, key[i]);
        if (at == rocks->rows.count) continue;
        const Entry *entry = &rocks->rows.entry[at];
        if (str_eq(entry->key, key[i]) && !entry->gone) TRY(found(arg, i, entry->value, err));
    }
    return ST_OK;
}

void rocks_expire(Rocks *rocks, uint64_t prefix, int64_t ttl_ms) {
    if (!ttl_ms || rocks->ttls == TTLS_MAX) return;
    rocks->ttl[rocks->ttls++] = (Ttl){prefix, ttl_ms};
}

void rocks_now(Rocks *rocks, int64_t now_ms) {
    rocks->now_ms = now_ms;
}

// ---- walks -------------------------------------------------------------------------------------

RocksWalk *rocks_walk(Rocks *rocks) {
    RocksWalk *walk = NEW(RocksWalk);
    walk->entry = ARENA_ARRAY(&walk->arena, Entry, rocks->rows.count + 1);
    for (uint32_t i = 0; i < rocks->rows.count; i++) {
        if (rocks->rows.entry[i].gone) continue;
        walk->entry[walk->count++] = rocks->rows.entry[i];  // texts stay as long as the database
    }
    return walk;
}

void rocks_walk_free(RocksWalk *walk) {
    if (!walk) return;
    arena_clear(&walk->arena);
    mem_free(walk);
}

void rocks_walk_seek(RocksWalk *walk, Str key) {
    Entries all = {walk->entry, walk->count, walk->count};
    walk->at = place_of(&all, key);
}

bool rocks_walk_at(const RocksWalk *walk, Str *key, Str *value) {
    if (walk->at >= walk->count) return false;
    *key = walk->entry[walk->at].key;
    *value = walk->entry[walk->at].value;
    return true;
}

void rocks_walk_next(RocksWalk *walk) {
    walk->at++;
}

Status rocks_walk_status(const RocksWalk *walk, Error *err) {
    (void)walk, (void)err;
    return ST_OK;
}

// ---- files -------------------------------------------------------------------------------------

static Str file_path(Arena *arena, Str dir, uint32_t number) {
    return str_printf(arena, STR_FMT "/%06u.sst", STR_ARG(dir), number);
}

typedef struct EntryHead {
    uint32_t key_size, value_size, gone;
} EntryHead;

static Status read_rows(Rocks *rocks, Str bytes, Error *err) {
    while (bytes.len) {
        EntryHead head;
        if (bytes.len < sizeof head)
            return error_set(err, ST_IO, "Corruption: a file is cut short");
        memcpy(&head, bytes.ptr, sizeof head);
        uint32_t size = (uint32_t)sizeof head + head.key_size + head.value_size;
        if (bytes.len < size) return error_set(err, ST_IO, "Corruption: a file is cut short");
        Str key = str_sub(bytes, sizeof head, head.key_size);
        Str value = str_sub(bytes, (uint32_t)sizeof head + head.key_size, head.value_size);
        Entry entry = {str_dup(&rocks->arena, key), str_dup(&rocks->arena, value), head.gone != 0,
                       false};
        apply(rocks, &entry);
        bytes = str_sub(bytes, size, bytes.len);
    }
    return ST_OK;
}

static Status read_files(Rocks *rocks, Error *err) {
    Arena arena = {0};
    Buf list = {0}, bytes = {0};
    Str name = str_printf(&arena, STR_FMT "/FILES", STR_ARG(rocks->dir));
    OsStat stat;
    Status st = os()->stat(name, &stat, err);
    if (!st && stat.exists) st = os_read_file(name, &list, err);
    unsigned number = 0;
    int taken = 0;
    const char *at = buf_cstr(&list);
    if (!st && list.len && sscanf(at, "%u%n", &number, &taken) == 1) rocks->next_file = number;
    for (at += taken; !st && list.len && sscanf(at, "%u%n", &number, &taken) == 1; at += taken) {
        bytes.len = 0;
        ASSERT(rocks->files < FILES_MAX);
        rocks->file[rocks->files++] = number;
        st = os_read_file(file_path(&arena, rocks->dir, number), &bytes, err);
        if (!st) st = read_rows(rocks, buf_str(&bytes), err);
    }
    buf_free(&list);
    buf_free(&bytes);
    arena_clear(&arena);
    return st;
}

Status rocks_open(const RocksOptions *options, Str dir, Rocks **out, Error *err) {
    (void)options;
    Rocks *rocks = NEW(Rocks);
    rocks->dir = str_dup(&rocks->arena, dir);
    rocks->next_file = 1;
    Status st = read_files(rocks, err);
    if (st) {
        rocks_close(rocks);
        return st;
    }
    *out = rocks;
    return ST_OK;
}

Status rocks_open_read(const RocksOptions *options, Str dir, Rocks **out, Error *err) {
    return rocks_open(options, dir, out, err);
}

void rocks_close(Rocks *rocks) {
    if (!rocks) return;
    mem_free(rocks->rows.entry);
    mem_free(rocks->batch.entry);
    arena_clear(&rocks->arena);
    mem_free(rocks);
}

// What a compaction would not keep.
static bool outlived(const Rocks *rocks, const Entry *entry) {
    int64_t written_ms;
    if (entry->gone) return true;
    memcpy(&written_ms, entry->value.ptr, sizeof written_ms);
    for (uint32_t i = 0; i < rocks->ttls; i++) {
        const Ttl *ttl = &rocks->ttl[i];
        if (memcmp(entry->key.ptr, &ttl->prefix, sizeof ttl->prefix) != 0) continue;
        return rocks->now_ms - written_ms >= ttl->ttl_ms;
    }
    return false;
}

static void put_row(const Entry *entry, Buf *out) {
    EntryHead head = {entry->key.len, entry->value.len, entry->gone};
    buf_put(out, &head, sizeof head);
    buf_put_str(out, entry->key);
    buf_put_str(out, entry->value);
}

// What has changed becomes a file; or all there is, and the older files go.
static Status write_file(Rocks *rocks, Error *err) {
    Arena arena = {0};
    Buf bytes = {0};
    bool all = rocks->torn || rocks->files >= FILES_MAX - 1 || !chance_below(4);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rocks->rows.count; i++) {
        Entry *entry = &rocks->rows.entry[i];
        if (all && outlived(rocks, entry)) continue;
        if (all || entry->changed) put_row(entry, &bytes);
        entry->changed = false;
        rocks->rows.entry[kept++] = *entry;
    }
    rocks->rows.count = kept;
    rocks->torn = true;
    Status st = ST_OK;
    if (bytes.len) {
        st = os_write_file(file_path(&arena, rocks->dir, rocks->next_file), buf_str(&bytes), err);
    }
    for (uint32_t i = 0; all && i < rocks->files && !st; i++) {
        if (os()->remove(file_path(&arena, rocks->dir, rocks->file[i]), NULL)) continue;  // no harm
    }
    if (!st && all) rocks->files = 0;
    if (!st && bytes.len) rocks->file[rocks->files++] = rocks->next_file++;
    if (!st) rocks->torn = false;
    rocks->bytes = all ? (int64_t)bytes.len : rocks->bytes + (int64_t)bytes.len;
    buf_free(&bytes);
    arena_clear(&arena);
    return st;
}

static Status copy_file(Str from, Str to, Error *err) {
    Buf bytes = {0};
    Status st = os_read_file(from, &bytes, err);
    if (!st) st = os_write_file(to, buf_str(&bytes), err);
    buf_free(&bytes);
    return st;
}

static Status link_files(Rocks *rocks, Str dir, Error *err) {
    TRY(write_file(rocks, err));
    TRY(os()->make_dirs(dir, err));
    Arena arena = {0};
    Buf list = {0};
    buf_printf(&list, "%u", rocks->next_file);
    Status st = ST_OK;
    for (uint32_t i = 0; i < rocks->files && !st; i++) {
        buf_printf(&list, " %u", rocks->file[i]);
        st = copy_file(file_path(&arena, rocks->dir, rocks->file[i]),
                       file_path(&arena, dir, rocks->file[i]), err);
    }
    Str name = str_printf(&arena, STR_FMT "/FILES", STR_ARG(dir));
    if (!st) st = os_write_file(name, buf_str(&list), err);
    buf_free(&list);
    arena_clear(&arena);
    return st;
}

Status rocks_checkpoint(Rocks *rocks, Str dir, Error *err) {
    ASSERT(!rocks->linking);
    rocks->linking = true;
    Status st = link_files(rocks, dir, err);
    rocks->linking = false;
    return st;
}

int64_t rocks_bytes(Rocks *rocks) {
    return rocks->bytes;
}
