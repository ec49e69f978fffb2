// Tables on disk: what is fetched, what leaves, what a snapshot takes.
//
// A key on disk is [8 bytes that name the table][key group, big-endian][the encoded key], so that a
// table's rows, and of them a key group's, lie together; a value is [time of writing][`save`'s
// bytes]. Every row in memory knows whether the disk has it, and as it is (RowFlag); one that was
// removed stays as a note (ROW_GONE) until the disk has been told.
//
// Eviction is second chance (Corbató 1968) over the list of rows in memory, oldest first. What has
// to leave is not counted in bytes, which operators hang off rows in pools of their own and do not
// give back to their budgets: once those have reached the limit, an eighth of a table's rows leaves
// whenever the blocks that are free run out, or the budgets have grown all the same.
//
// A snapshot wants the disk as of its instant. From the barrier on nothing younger is written there
// (what was changed since does not leave); rows of before the barrier are written in small steps or
// just before they change; and once all are, the database is fixed by a RocksDB snapshot and work
// goes on without limits. The pause at the barrier does not know how many rows there are.
//
// Rows that are waited for (windows, sessions, rows of timed joins) leave with a note of when they
// are wanted back: [8 bytes that name the table's notes][time, big-endian][key group][the encoded
// key], so that the earliest come first. Notes are hints: one of a row that has come back
// meanwhile, or is gone, does nothing, and so no snapshot needs them: a restored table is read
// through and makes them anew.
#include "state/disk.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/hash.h"
#include "os/os.h"
#include "state/memory.h"
#include "state/rocks.h"

struct StateDisk {
    StateDiskOptions options;
    Arena arena;         // of the texts
    Str dir;             // of this job alone, below options.dir
    RocksCache *cache;
    Budget *budget;
    int64_t charged;
};

// A worker's part.
typedef struct Disk {
    StateDisk *of;
    Str dir;             // of the database
    Rocks *rocks;        // NULL: nothing has left memory yet
    int64_t now_ms;      // the last time told to it
    int64_t mark;        // bytes in memory that are accepted for now
    bool held;           // nothing younger than the barrier may be written
    _Atomic int fixing;  // another thread is to link the files
    RocksWalk *walk;     // of the snapshot under way
    StateTable *walking;
    Status status;       // the first failure that nobody has been told of
    Error error;
    Arena scratch;       // of a batch
    Buf key, value;
} Disk;

// ---- the job's part ----------------------------------------------------------------------------

Status state_disk_new(const StateDiskOptions *options, Budget *budget, StateDisk **out,
                      Error *err) {
    StateDisk *disk = NEW(StateDisk);
    disk->options = *options;
    disk->budget = budget;
    disk->dir = str_printf(&disk->arena, STR_FMT "/weir-state-%ld-%llx", STR_ARG(options->dir),
                           (long)getpid(), (unsigned long long)os()->random());
    int64_t bytes = options->blocks_bytes + options->memtable_bytes * options->workers;
    Status st = rocks_cache_new(options->blocks_bytes, &disk->cache, err);
    if (!st && budget) st = budget_charge(budget, bytes, err);
    if (st) {
        state_disk_free(disk);
        return st;
    }
    disk->charged = budget ? bytes : 0;
    *out = disk;
    return ST_OK;
}

static Status remove_file(void *arg, Str name, Error *err) {
    const Str *dir = arg;
    Arena arena = {0};
    Status st = os()->remove(str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(*dir), STR_ARG(name)),
                             err);
    arena_clear(&arena);
    return st;
}

// RocksDB's directories hold files alone. What cannot be removed is left: it hurts nobody.
static void remove_dir(Str dir) {
    OsStat stat;
    if (os()->stat(dir, &stat, NULL) || !stat.is_dir) return;
    if (!os()->list(dir, remove_file, &dir, NULL)) (void)!os()->remove(dir, NULL);
}

void state_disk_free(StateDisk *disk) {
    if (!disk) return;
    rocks_cache_free(disk->cache);
    remove_dir(disk->dir);
    if (disk->charged) budget_release(disk->budget, disk->charged);
    arena_clear(&disk->arena);
    mem_free(disk);
}

void state_backend_use(StateBackend *backend, StateDisk *of, uint32_t worker) {
    Disk *disk = NEW(Disk);
    disk->of = of;
    disk->dir = str_printf(&of->arena, STR_FMT "/%u", STR_ARG(of->dir), worker);
    backend->disk = disk;
    backend->groups = of->options.groups;
}

void disk_free(StateBackend *backend) {
    Disk *disk = backend->disk;
    rocks_walk_free(disk->walk);
    rocks_close(disk->rocks);
    remove_dir(disk->dir);
    arena_clear(&disk->scratch);
    buf_free(&disk->key);
    buf_free(&disk->value);
    mem_free(disk);
}

// ---- the worker's part -------------------------------------------------------------------------

// What goes wrong where nobody can be told is told at the next state_trim.
static void note(Disk *disk, Status st, const Error *err) {
    if (!st || disk->status) return;
    disk->status = st;
    disk->error = *err;
}

static Status disk_open(StateBackend *backend, Error *err) {
    Disk *disk = backend->disk;
    if (disk->rocks) return ST_OK;
    const StateDiskOptions *given = &disk->of->options;
    TRY(os()->make_dirs(disk->dir, err));
    RocksOptions options = {.cache = disk->of->cache, .memtable_bytes = given->memtable_bytes,
                            .background = given->background};
    TRY(rocks_open(&options, disk->dir, &disk->rocks, err));
    for (StateTable *table = backend->tables; table; table = table->next) {
        if (table->on_disk) rocks_expire(disk->rocks, table->prefix, table->def.ttl_ms);
    }
    return ST_OK;
}

// Names the table wherever its rows are read, also by another program.
static uint64_t prefix_of(uint64_t operator_id, Str name) {
    return hash_mix(operator_id, hash_bytes(name.ptr, name.len, 0));
}

void disk_table_open(StateTable *table) {
    if (!table->def.may_leave || table->def.derived || !table->def.save || !table->def.load) return;
    table->on_disk = true;
    table->whole = table->counted = true;
    table->away_first_ms = INT64_MAX;
    for (const StateTable *at = table->next; at; at = at->next) {
        if (at->def.budget == table->def.budget) table->counted &= !at->counted;
    }
    table->prefix = prefix_of(table->def.operator_id, str_c(table->def.name));
    if (!table->epoch) table->epoch = 1;
    Disk *disk = table->backend->disk;
    if (disk->rocks) rocks_expire(disk->rocks, table->prefix, table->def.ttl_ms);
}

void disk_table_free(StateTable *table) {
    mem_free(table->owner_hashes);
}

static void put_key_head(Buf *out, uint64_t prefix, uint16_t group) {
    uint8_t big[2] = {(uint8_t)(group >> 8), (uint8_t)group};
    out->len = 0;
    buf_put(out, &prefix, sizeof prefix);
    buf_put(out, big, sizeof big);
}
enum { KEY_HEAD = ROCKS_PREFIX + 2, VALUE_HEAD = 8, BATCH_SIZE = 1 << 20 };

static uint16_t group_in(Str key) {
    const uint8_t *big = (const uint8_t *)key.ptr + ROCKS_PREFIX;
    return (uint16_t)(big[0] << 8 | big[1]);
}

// ---- rows that leave ---------------------------------------------------------------------------

void disk_save(StateTable *table, RowHead *row) {
    Disk *disk = table->backend->disk;
    Error err = {0};
    Status st = disk_open(table->backend, &err);
    if (!st) {
        put_key_head(&disk->key, table->prefix, group_of(table, row));
        buf_put(&disk->key, key_of(table, row), row->key_size);
        if (row->flags & ROW_GONE) {
            if (row->flags & ROW_STORED) rocks_delete(disk->rocks, buf_str(&disk->key));
            row->flags &= (uint8_t)~ROW_STORED;
        } else {
            disk->value.len = 0;
            buf_put(&disk->value, &row->written_ms, VALUE_HEAD);
            table->def.save(table->def.clear_arg, row_of(row), &disk->value);
            rocks_put(disk->rocks, buf_str(&disk->key), buf_str(&disk->value));
            row->flags |= ROW_STORED;
        }
        if (rocks_batch_bytes(disk->rocks) >= BATCH_SIZE) st = rocks_write(disk->rocks, &err);
    }
    row->flags &= (uint8_t)~ROW_DIRTY;
    note(disk, st, &err);
}

bool disk_remove(StateTable *table, RowHead *row) {
    if (row->changed != table->epoch) row_changes(table, row);
    row->flags &= (uint8_t)~ROW_PINNED;
    if (!(row->flags & ROW_STORED)) {
        if (table->cursor == row) table->cursor = row->newer;
        return false;
    }
    row->flags |= ROW_GONE;
    table->gone++;
    return true;
}

void disk_revive(StateTable *table, RowHead *row, int64_t now_ms) {
    if (row->changed != table->epoch) row_changes(table, row);
    row->flags &= (uint8_t)~ROW_GONE;
    row->written_ms = table->def.leave ? NO_NOTE : now_ms;
    table->gone--;
}

static void to_the_end(StateTable *table, RowHead *row) {
    if (!row->newer) return;
    if (table->cursor == row) table->cursor = row->newer;
    *(row->older ? &row->older->newer : &table->oldest) = row->newer;
    row->newer->older = row->older;
    row->older = table->newest;
    row->newer = NULL;
    table->newest->newer = row;
    table->newest = row;
}

static void put_note(StateTable *table, RowHead *row);

static void row_evict(StateTable *table, RowHead *row) {
    bool noted = table->def.leave && !(row->flags & ROW_GONE);
    if (noted) put_note(table, row);
    row_leaves(table, row);
    if (noted) table->def.leave(table->def.clear_arg, row_of(row));
    if (table->cursor == row) table->cursor = row->newer;
    if (row->flags & ROW_GONE) {
        table->gone--;
    } else {
        table->whole = false;
        table->disk_rows++;
        if (table->def.clear) table->def.clear(table->def.clear_arg, row_of(row));
    }
    row_take_out(table, slot_of(table, row));
}

// Lets up to [count] rows go, [all]: also those used of late.
static void table_evict(StateTable *table, uint64_t count, bool all) {
    const StateBackend *backend = table->backend;
    const Disk *disk = backend->disk;
    RowHead *row = table->oldest;
    // Each row is looked at twice at most: once to take its second chance away.
    for (uint64_t look = 2 * table->count; row && look && count; look--) {
        RowHead *next = row->newer;
        bool young = disk->held && row->flags & ROW_DIRTY && row->changed > backend->taking;
        if (row->flags & ROW_PINNED || young || (row->flags & ROW_USED && !all)) {
            row->flags &= (uint8_t)~ROW_USED;
            to_the_end(table, row);
        } else {
            row_evict(table, row);
            count--;
        }
        row = next;
    }
}

// Bytes that the operators whose rows may leave hold in memory; each operator has one budget.
static int64_t bytes_held(const StateBackend *backend) {
    int64_t bytes = 0;
    for (const StateTable *table = backend->tables; table; table = table->next) {
        if (!table->counted) continue;
        bytes += atomic_load_explicit(&table->def.budget->bytes, memory_order_relaxed);
    }
    return bytes;
}

// Whether the table, or what hangs off its rows, would soon ask for more memory.
static bool runs_out(const StateTable *table) {
    enum { PART = 16 };
    return table->spare < table->count / PART;
}

// [only]: rows of that table alone leave; NULL: of all.
static Status trim(StateBackend *backend, StateTable *only, int64_t limit, int64_t bytes,
                   Error *err) {
    enum { PART = 8 };
    Disk *disk = backend->disk;
    bool grown = bytes > disk->mark;
    for (StateTable *table = backend->tables; table; table = table->next) {
        if (!table->on_disk || (only && table != only) || !(grown || runs_out(table))) continue;
        table_evict(table, limit ? table->count / PART + 1 : table->count, !limit);
    }
    if (grown) disk->mark = limit ? bytes_held(backend) : 0;
    return disk->rocks ? rocks_write(disk->rocks, err) : ST_OK;
}

static Status trim_when_full(StateBackend *backend, StateTable *only, Error *err) {
    Disk *disk = backend->disk;
    int64_t limit = disk->of->options.rows_bytes;
    int64_t bytes = limit ? bytes_held(backend) : 1;
    if (bytes <= limit) {
        disk->mark = limit;
    } else if (!disk->status) {
        Error failure = {0};
        note(disk, trim(backend, only, limit, bytes, &failure), &failure);
    }
    if (!disk->status) return ST_OK;
    if (err) *err = disk->error;
    return disk->status;
}

Status state_trim(StateBackend *backend, Error *err) {
    return backend->disk ? trim_when_full(backend, NULL, err) : ST_OK;
}

// ---- rows that come ----------------------------------------------------------------------------

static Status row_read(StateTable *table, RowHead *row, Str value, Error *err) {
    const char *end = table->def.load(table->def.clear_arg, row_of(row), value.ptr, err);
    if (end && end != str_end(value)) {
        return error_set(err, ST_INTERNAL, "table '%s': a row of %u bytes was read as %lld",
                         table->def.name, value.len, (long long)(end - value.ptr));
    }
    return end ? ST_OK : err && err->status ? err->status : ST_RUNTIME;
}

typedef struct Fetch {
    StateTable *table;
    const Str *key;          // on disk
    const uint64_t *hash;
    int64_t now_ms;
} Fetch;

static Status fetched(void *arg, uint32_t at, Str value, Error *err) {
    const Fetch *fetch = arg;
    StateTable *table = fetch->table;
    Str disk_key = fetch->key[at], key = str_sub(disk_key, KEY_HEAD, disk_key.len);
    if (value.len < VALUE_HEAD) return error_set(err, ST_RUNTIME, "a row on disk is cut short");
    int64_t written_ms;
    memcpy(&written_ms, value.ptr, VALUE_HEAD);
    if (table->def.ttl_ms && fetch->now_ms - written_ms >= table->def.ttl_ms) return ST_OK;
    uint64_t slot;
    TRY(slot_reserve(table, fetch->hash[at], key, &slot, err));
    if (table->slot[slot].row) return ST_OK;  // the key is twice in the batch
    table->group = group_in(disk_key);
    RowHead *row;
    TRY(row_add(table, slot, fetch->hash[at], key, written_ms, &row, err));
    row->flags |= ROW_STORED | ROW_USED;
    row->written_ms = written_ms;
    if (table->disk_rows) table->disk_rows--;
    return row_read(table, row, str_sub(value, VALUE_HEAD, value.len), err);
}

// The row of the key in memory, also one that is gone; or NULL.
static RowHead *in_memory(const StateTable *table, uint64_t hash, Str key) {
    uint64_t at = hash & (table->slot_count - 1);
    for (RowHead *row; (row = table->slot[at].row); at = (at + 1) & (table->slot_count - 1)) {
        if (table->slot[at].hash == hash && key_is(table, row, key)) return row;
    }
    return NULL;
}

static void hash_owners(StateTable *table, Vec *const *key, uint32_t rows) {
    const StateTableDef *def = &table->def;
    uint32_t count = def->group ? def->group_count : def->key->child_count;
    table->owner_hashes = mem_realloc(table->owner_hashes, (rows + 1) * sizeof(uint64_t));
    memset(table->owner_hashes, 0, (rows + 1) * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        Vec column = *key[def->group ? def->group[i] : i];
        column.len = rows;  // what is looked up, whatever its maker says
        vec_hash_into(&column, table->owner_hashes);
    }
}

Status disk_fetch(StateTable *table, Vec *const *key, uint32_t rows, const uint64_t *mask,
                  int64_t now_ms, Error *err) {
    Disk *disk = table->backend->disk;
    hash_owners(table, key, rows);
    if (table->def.ttl_ms && now_ms > disk->now_ms) {
        disk->now_ms = now_ms;
        if (disk->rocks) rocks_now(disk->rocks, now_ms);
    }
    if (table->whole) return ST_OK;
    arena_reset(&disk->scratch);
    Str *missing = ARENA_ARRAY(&disk->scratch, Str, rows + 1);
    uint64_t *hash = ARENA_ARRAY(&disk->scratch, uint64_t, rows + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (mask && !bits_get(mask, i)) continue;
        Str at = str_make(table->keys.ptr + table->key_at[i],
                          table->key_at[i + 1] - table->key_at[i]);
        if (in_memory(table, table->hashes[i], at)) continue;
        disk_group(table, i);
        put_key_head(&disk->key, table->prefix, table->group);
        buf_put(&disk->key, at.ptr, at.len);
        hash[count] = table->hashes[i];
        missing[count++] = str_dup(&disk->scratch, buf_str(&disk->key));
    }
    if (!count) return ST_OK;
    TRY(rocks_write(disk->rocks, err));
    Fetch fetch = {table, missing, hash, now_ms};
    return rocks_find(disk->rocks, missing, count, fetched, &fetch, err);
}

// ---- rows that are wanted back ------------------------------------------------------------------

enum { NOTE_TIME = ROCKS_PREFIX, NOTE_GROUP = NOTE_TIME + 8, NOTE_HEAD = NOTE_GROUP + 2 };

// [key group][key], as they stand in a note and in a row's key alike.
static void put_note_head(Buf *out, const StateTable *table, int64_t at_ms) {
    uint64_t prefix = hash_mix(table->prefix, 1), big = (uint64_t)at_ms ^ (uint64_t)1 << 63;
    big = __builtin_bswap64(big);
    out->len = 0;
    buf_put(out, &prefix, sizeof prefix);
    buf_put(out, &big, sizeof big);
}

static int64_t time_in(Str note) {
    uint64_t big;
    memcpy(&big, note.ptr + NOTE_TIME, sizeof big);
    return (int64_t)(__builtin_bswap64(big) ^ (uint64_t)1 << 63);
}

static void put_note(StateTable *table, RowHead *row) {
    static const char NOTHING[VALUE_HEAD];  // where rows have their time
    Disk *disk = table->backend->disk;
    int64_t at_ms = table->def.wanted(table->def.clear_arg, row_of(row));
    if (at_ms == INT64_MAX) return;  // a note of earlier does nothing
    if (at_ms < table->away_first_ms) table->away_first_ms = at_ms;
    if (row->written_ms == at_ms) return;  // it is still there
    row->written_ms = at_ms;
    uint16_t group = group_of(table, row);
    uint8_t big[2] = {(uint8_t)(group >> 8), (uint8_t)group};
    put_note_head(&disk->key, table, at_ms);
    buf_put(&disk->key, big, sizeof big);
    buf_put(&disk->key, key_of(table, row), row->key_size);
    Error err = {0};
    Status st = disk_open(table->backend, &err);
    if (!st) {
        rocks_put(disk->rocks, buf_str(&disk->key), str_make(NOTHING, sizeof NOTHING));
        if (rocks_batch_bytes(disk->rocks) >= BATCH_SIZE) st = rocks_write(disk->rocks, &err);
    }
    note(disk, st, &err);
}

bool state_may_leave(const StateTable *table) {
    return table->on_disk;
}

int64_t state_away_first(const StateTable *table) {
    return table->on_disk && table->def.leave ? table->away_first_ms : INT64_MAX;
}

// The keys of the next notes, as their rows' keys on disk; the notes are deleted.
static Status take_notes(StateTable *table, StateRecall *recall, Str key[RECALL_MAX],
                         uint32_t *count, Error *err) {
    Disk *disk = table->backend->disk;
    RocksWalk *walk = rocks_walk(disk->rocks);
    bool first = !recall->at.len, covered = recall->from_ms <= table->away_first_ms;
    if (first) {
        int64_t from_ms = covered ? table->away_first_ms : recall->from_ms;
        put_note_head(&recall->at, table, from_ms);
    }
    rocks_walk_seek(walk, buf_str(&recall->at));
    int64_t next_ms = INT64_MAX;
    Str at, value;
    for (*count = 0; rocks_walk_at(walk, &at, &value); rocks_walk_next(walk)) {
        if (at.len < NOTE_HEAD || memcmp(at.ptr, recall->at.ptr, NOTE_TIME) != 0) break;
        if (!first && str_eq(at, buf_str(&recall->at))) continue;
        next_ms = time_in(at);
        if (next_ms > recall->until_ms || *count == RECALL_MAX) break;
        disk->key.len = 0;
        buf_put(&disk->key, &table->prefix, sizeof table->prefix);
        buf_put_str(&disk->key, str_sub(at, NOTE_GROUP, at.len));
        key[(*count)++] = str_dup(&disk->scratch, buf_str(&disk->key));
        rocks_delete(disk->rocks, at);
        recall->at.len = 0;
        buf_put_str(&recall->at, at);
        first = false;
        next_ms = INT64_MAX;
    }
    if (covered && !recall->borrows) table->away_first_ms = next_ms;
    Status st = rocks_walk_status(walk, err);
    rocks_walk_free(walk);
    return st;
}

typedef struct Recalled {
    Fetch fetch;
    StateRecall *recall;
} Recalled;

static Status recalled(void *arg, uint32_t at, Str value, Error *err) {
    Recalled *self = arg;
    StateTable *table = self->fetch.table;
    Str disk_key = self->fetch.key[at], key = str_sub(disk_key, KEY_HEAD, disk_key.len);
    uint64_t hash = self->fetch.hash[at], slot;
    if (in_memory(table, hash, key)) return ST_OK;  // it has two notes
    TRY(fetched(&self->fetch, at, value, err));
    TRY(slot_reserve(table, hash, key, &slot, err));
    RowHead *row = table->slot[slot].row;
    row->written_ms = NO_NOTE;
    self->recall->row[self->recall->count++] = row_of(row);
    return ST_OK;
}

Status state_recall(StateTable *table, StateRecall *recall, Error *err) {
    recall->count = 0;
    if (!state_away_due(table, recall->until_ms)) return ST_OK;
    Disk *disk = table->backend->disk;
    Str key[RECALL_MAX];
    uint64_t hash[RECALL_MAX];
    for (uint32_t notes = RECALL_MAX; !recall->count && notes == RECALL_MAX;) {
        arena_reset(&disk->scratch);
        TRY(rocks_write(disk->rocks, err));
        TRY(take_notes(table, recall, key, &notes, err));
        uint32_t missing = 0;
        for (uint32_t i = 0; i < notes; i++) {
            Str own = str_sub(key[i], KEY_HEAD, key[i].len);
            hash[missing] = hash_bytes(own.ptr, own.len, 0);
            key[missing] = key[i];
            RowHead *row = in_memory(table, hash[missing], own);
            if (row) {
                row->written_ms = NO_NOTE;
            } else {
                missing++;
            }
        }
        Recalled take = {{table, key, hash, disk->now_ms}, recall};
        TRY(rocks_find(disk->rocks, key, missing, recalled, &take, err));
    }
    return ST_OK;
}

void state_recall_clear(StateRecall *recall) {
    buf_free(&recall->at);
}

void state_let_go(StateTable *table, uint8_t *row) {
    RowHead *head = head_of(row);
    if (table->on_disk && !(head->flags & (ROW_DIRTY | ROW_PINNED))) row_evict(table, head);
}

// While a snapshot waits for rows of before its barrier, younger ones cannot leave: whoever needs
// the room now helps it along.
static void let_snapshot_pass(StateBackend *backend) {
    enum { STEP_NS = 1000000 };
    const Disk *disk = backend->disk;
    while (disk->held && backend->taking) {
        if (disk_waits(backend)) os()->sleep_ms(1);
        (void)state_snapshot_step(backend, os_monotonic_ns() + STEP_NS);
    }
}

Status state_table_trim(StateTable *table, Error *err) {
    if (!table->on_disk) return ST_OK;
    const Disk *disk = table->backend->disk;
    int64_t limit = disk->of->options.rows_bytes;
    if (disk->held && limit && bytes_held(table->backend) > disk->mark) {
        let_snapshot_pass(table->backend);
    }
    return trim_when_full(table->backend, table, err);
}

// ---- rows of snapshots
// ---------------------------------------------------------------------------

static Status there(void *arg, uint32_t at, Str value, Error *err) {
    (void)at, (void)value, (void)err;
    *(bool *)arg = true;
    return ST_OK;
}

// The row is read, so that the operator learns what it has to wait for; then it leaves again,
// unless it is waited for.
static Status load_through(StateTable *table, Str key, Str value, int64_t written_ms, Error *err) {
    uint64_t hash = hash_bytes(key.ptr, key.len, 0), slot;
    TRY(slot_reserve(table, hash, key, &slot, err));
    if (table->slot[slot].row) return ST_OK;
    RowHead *row;
    TRY(row_add(table, slot, hash, key, written_ms, &row, err));
    row_changes(table, row);
    TRY(row_read(table, row, value, err));
    if (!(row->flags & ROW_PINNED)) row_evict(table, row);
    return table->backend->disk->status;
}

Status disk_load(StateTable *table, Str key, uint64_t owner_hash, Str value, int64_t written_ms,
                 bool newest, Error *err) {
    Disk *disk = table->backend->disk;
    TRY(disk_open(table->backend, err));
    table->group = (uint16_t)((owner_hash >> 32) % table->backend->groups);
    put_key_head(&disk->key, table->prefix, table->group);
    buf_put(&disk->key, key.ptr, key.len);
    Str disk_key = buf_str(&disk->key);
    if (!newest) {
        bool known = false;
        TRY(rocks_write(disk->rocks, err));
        TRY(rocks_find(disk->rocks, &disk_key, 1, there, &known, err));
        if (known) return ST_OK;
    }
    if (table->def.load_all) return load_through(table, key, value, written_ms, err);
    disk->value.len = 0;
    buf_put(&disk->value, &written_ms, VALUE_HEAD);
    buf_put_str(&disk->value, value);
    rocks_put(disk->rocks, disk_key, buf_str(&disk->value));
    table->whole = false;
    table->disk_rows++;
    return rocks_batch_bytes(disk->rocks) < BATCH_SIZE ? ST_OK : rocks_write(disk->rocks, err);
}

// ---- snapshots ---------------------------------------------------------------------------------

void disk_snapshot_begin(StateBackend *backend) {
    backend->disk->held = true;
}

// Goes to the first row of the next table, from [table] on, that has rows on disk.
static void walk_table(Disk *disk, StateTable *table) {
    while (table && !table->draining) table = table->next;
    disk->walking = table;
    if (!table) return;
    rocks_walk_seek(disk->walk, str_make((const char *)&table->prefix, sizeof table->prefix));
}

void disk_snapshot_saved(StateBackend *backend) {
    Disk *disk = backend->disk;
    disk->held = false;
    Error err = {0};
    Status st = disk->rocks ? rocks_write(disk->rocks, &err) : ST_OK;
    note(disk, st, &err);
    if (st || !disk->rocks) return;
    if (backend->out.files) {
        disk->held = true;
        atomic_store(&disk->fixing, 1);
        backend->out.files(backend->out.arg, backend);
        return;
    }
    disk->walk = rocks_walk(disk->rocks);
    walk_table(disk, backend->tables);
}

bool disk_waits(const StateBackend *backend) {
    return atomic_load(&backend->disk->fixing) != 0;
}

Status state_disk_fix(StateBackend *backend, Str dir, Error *err) {
    Disk *disk = backend->disk;
    Status st = dir.len ? rocks_checkpoint(disk->rocks, dir, err) : ST_OK;
    atomic_store(&disk->fixing, 0);
    return st;
}

Str state_disk_dir(const StateBackend *backend) {
    return backend->disk->dir;
}

// Hands the row at hand out; false at the table's end.
static bool walk_row(Disk *disk) {
    StateTable *table = disk->walking;
    Str key, value;
    int64_t written_ms;
    if (!rocks_walk_at(disk->walk, &key, &value) || key.len < KEY_HEAD || value.len < VALUE_HEAD ||
        memcmp(key.ptr, &table->prefix, sizeof table->prefix) != 0) {
        return false;
    }
    memcpy(&written_ms, value.ptr, VALUE_HEAD);
    if (!table->def.ttl_ms || disk->now_ms - written_ms < table->def.ttl_ms) {
        rows_put(&table->writer, str_sub(key, KEY_HEAD, key.len),
                 str_sub(value, VALUE_HEAD, value.len), written_ms);
        rows_hand_out_part(table);
    }
    rocks_walk_next(disk->walk);
    return true;
}

bool disk_snapshot_step(StateBackend *backend, int64_t until_ns) {
    enum { STEP_ROWS = 64 };
    Disk *disk = backend->disk;
    if (disk_waits(backend)) return false;
    if (backend->out.files) disk->held = false;
    while (disk->walking) {
        for (uint32_t i = 0; i < STEP_ROWS && disk->walking; i++) {
            if (walk_row(disk)) continue;
            Error err = {0};
            note(disk, rocks_walk_status(disk->walk, &err), &err);
            rows_hand_out(disk->walking);
            walk_table(disk, disk->walking->next);
        }
        if (os_monotonic_ns() >= until_ns) break;
    }
    return !disk->walking;
}

void disk_snapshot_end(StateBackend *backend) {
    Disk *disk = backend->disk;
    disk->held = false;
    rocks_walk_free(disk->walk);
    disk->walk = NULL;
    disk->walking = NULL;
}

// ---- restoring from files ----------------------------------------------------------------------

Status state_disk_adopt(StateBackend *backend, Error *err) {
    ASSERT(!((Disk *)backend->disk)->rocks);
    return disk_open(backend, err);
}

// Hands all rows with that prefix in [rocks] that lie in key groups [from, to) to [take].
static Status each_row(Rocks *rocks, uint64_t prefix, uint32_t from, uint32_t to,
                       Status (*take)(void *arg, uint16_t group, Str key, Str value,
                                      int64_t written_ms, Error *err),
                       void *arg, Error *err) {
    Buf first = {0};
    RocksWalk *walk = rocks_walk(rocks);
    put_key_head(&first, prefix, (uint16_t)from);
    rocks_walk_seek(walk, buf_str(&first));
    Status st = ST_OK;
    Str key, value;
    for (; !st && rocks_walk_at(walk, &key, &value); rocks_walk_next(walk)) {
        if (key.len < KEY_HEAD || memcmp(key.ptr, &prefix, sizeof prefix) != 0) break;
        if (group_in(key) >= to) break;
        int64_t written_ms;
        if (value.len < VALUE_HEAD) {
            st = error_set(err, ST_RUNTIME, "a row on disk is cut short");
            break;
        }
        memcpy(&written_ms, value.ptr, VALUE_HEAD);
        st = take(arg, group_in(key), str_sub(key, KEY_HEAD, key.len),
                  str_sub(value, VALUE_HEAD, value.len), written_ms, err);
    }
    if (!st) st = rocks_walk_status(walk, err);
    rocks_walk_free(walk);
    buf_free(&first);
    return st;
}

// Reads a row so that the operator learns what it has to wait for.
static Status look_at_row(void *arg, uint16_t group, Str key, Str value, int64_t written_ms,
                          Error *err) {
    StateTable *table = arg;
    uint64_t hash = hash_bytes(key.ptr, key.len, 0), slot;
    TRY(slot_reserve(table, hash, key, &slot, err));
    ASSERT(!table->slot[slot].row);
    RowHead *row;
    table->group = group;
    TRY(row_add(table, slot, hash, key, written_ms, &row, err));
    row->flags |= ROW_STORED;
    TRY(row_read(table, row, value, err));
    if (table->disk_rows) table->disk_rows--;
    if (!(row->flags & ROW_PINNED)) row_evict(table, row);
    return ST_OK;
}

typedef struct Parts {
    Status (*rows)(void *arg, Str bytes, Error *err);
    void *arg;
    Buf bytes;
    RowsWriter writer;  // of these
} Parts;

static Status add_to_part(void *arg, uint16_t group, Str key, Str value, int64_t written_ms,
                          Error *err) {
    enum { PART_SIZE = 1 << 18 };
    (void)group;
    Parts *self = arg;
    rows_put(&self->writer, key, value, written_ms);
    if (self->bytes.len < PART_SIZE) return ST_OK;
    Status st = self->rows(self->arg, buf_str(&self->bytes), err);
    rows_clear(&self->writer);
    return st;
}

static Status hand_rows(Rocks *rocks, uint64_t prefix, const StateShare *share, Parts *parts,
                        Error *err) {
    // The first key group that is the worker's, and the first that is the next one's.
    uint32_t from = 0, to = UINT16_MAX;
    parts->writer = (RowsWriter){.out = &parts->bytes};
    if (share && share->count > 1) {
        from = (share->index * share->groups + share->count - 1) / share->count;
        to = ((share->index + 1) * share->groups + share->count - 1) / share->count;
    }
    Status st = each_row(rocks, prefix, from, to, add_to_part, parts, err);
    if (!st && parts->bytes.len) st = parts->rows(parts->arg, buf_str(&parts->bytes), err);
    buf_free(&parts->bytes);
    return st;
}

static Status load_part(void *arg, Str bytes, Error *err) {
    StateTable *table = arg;
    StateShare all = {0, 1, table->backend->groups, true};
    return state_load(table, bytes, &all, NULL, err);
}

Status state_disk_take(StateTable *table, uint64_t rows, Error *err) {
    Disk *disk = table->backend->disk;
    uint64_t prefix = prefix_of(table->def.operator_id, str_c(table->def.name));
    if (!table->on_disk) {
        Parts parts = {.rows = load_part, .arg = table};
        return hand_rows(disk->rocks, prefix, NULL, &parts, err);
    }
    table->whole = false;
    table->disk_rows = rows;
    if (!table->def.load_all) return ST_OK;
    return each_row(disk->rocks, prefix, 0, UINT16_MAX, look_at_row, table, err);
}

Status state_disk_read(Str dir, uint64_t operator_id, Str table, const StateShare *share,
                       Status (*rows)(void *arg, Str bytes, Error *err), void *arg, Error *err) {
    enum { CACHE = 8 << 20 };
    RocksCache *cache = NULL;
    Rocks *rocks = NULL;
    TRY(rocks_cache_new(CACHE, &cache, err));
    RocksOptions options = {.cache = cache, .memtable_bytes = CACHE, .background = 1};
    Parts parts = {.rows = rows, .arg = arg};
    Status st = rocks_open_read(&options, dir, &rocks, err);
    if (!st) st = hand_rows(rocks, prefix_of(operator_id, table), share, &parts, err);
    rocks_close(rocks);
    rocks_cache_free(cache);
    return st;
}
