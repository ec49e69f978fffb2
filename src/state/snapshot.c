// Snapshots of the memory backend: copy on write, row by row, and what changed since the last one.
//
// Time is cut into epochs; a snapshot takes the state at an epoch's end. Each row knows the epoch
// of its last change and the one whose snapshot took it last, so that "still to be written" is two
// comparisons. A snapshot of what changed walks the list of those rows and never the table, so that
// its cost is that of the changes. Rows whose bytes say all are taken by another thread, where
// there is one (sweep.c): then the worker saves those alone that change before that thread comes to
// them.
#include "base/hash.h"
#include "col/codec.h"
#include "os/os.h"
#include "state/memory.h"

static void list_add(RowList *list, RowHead *row) {
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 256;
        list->row = mem_realloc(list->row, list->cap * sizeof(RowHead *));
    }
    list->row[list->count++] = row;
}

enum { ROWS_PART_SIZE = 1 << 18 };

void rows_hand_out(StateTable *table) {
    if (!table->rows.len) return;
    const StateOut *out = &table->backend->out;
    if (table->copies) {
        out->copies(out->arg, &table->def, table->number, &table->rows);
        return;
    }
    out->part(out->arg, &table->def, table->number, STATE_ROWS, buf_str(&table->rows));
    rows_clear(&table->writer);
}

void rows_hand_out_part(StateTable *table) {
    if (table->rows.len >= ROWS_PART_SIZE) rows_hand_out(table);
}

// A row as copied, followed by its bytes and its key, and by what fills the last 16 bytes.
typedef struct RowCopy {
    int64_t written_ms;
    uint32_t key_size, unused;
} RowCopy;
_Static_assert(sizeof(RowCopy) == 16, "rows are aligned to 16 bytes");

static size_t copy_size(const StateTableDef *table, uint32_t key_size) {
    return (sizeof(RowCopy) + table->row_size + (size_t)key_size + 15) & ~(size_t)15;
}

static void row_copy(StateTable *table, RowHead *row) {
    enum { AHEAD = 512 };
    Buf *out = &table->rows;
    size_t size = copy_size(&table->def, row->key_size);
    if (out->cap - out->len < size) (void)buf_reserve(out, ROWS_PART_SIZE + size);
    char *to = out->ptr + out->len;
    // The buffer comes from the other thread, and so do its lines: waiting for them took longer
    // than the row itself.
    for (size_t at = 0; at < size; at += 64) __builtin_prefetch(to + AHEAD + at, 1);
    RowCopy head = {row->written_ms, row->key_size, 0};
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, row_of(row), table->def.row_size + (size_t)row->key_size);
    out->len += size;
}

void row_copy_put(const StateTableDef *table, const uint8_t *row, uint32_t key_size,
                  int64_t written_ms, RowsWriter *to) {
    Str key = str_make((const char *)row + table->row_size, key_size);
    char *value = rows_begin(to, key, written_ms, table->copy_max);
    rows_end(to, table->save_copy(table->copy_arg, row, value));
}

void state_copies_save(const StateTableDef *table, Str copies, Buf *out) {
    RowsWriter to = {.out = out};
    for (const char *at = copies.ptr, *end = str_end(copies); at < end;) {
        RowCopy head;
        memcpy(&head, at, sizeof head);
        row_copy_put(table, (const uint8_t *)at + sizeof head, head.key_size, head.written_ms, &to);
        at += copy_size(table, head.key_size);
    }
}

// The other thread takes a row no more that is marked as saved.
static void row_save_swept(StateTable *table, RowHead *row) {
    uint64_t at = sweep_enter(table);
    row->saved = table->backend->taking;
    if (!sweep_took(table, row->slab, &at)) row_copy(table, row);
    sweep_leave(table);
    rows_hand_out_part(table);
}

static void row_save(StateTable *table, RowHead *row) {
    if (table->draining) {
        disk_save(table, row);
        return;
    }
    if (table->sweep.on) {
        row_save_swept(table, row);
        return;
    }
    row->saved = table->backend->taking;
    if (row->flags & ROW_GONE) return;
    if (table->copies) {
        row_copy(table, row);
    } else {
        Str key = str_make(key_of(table, row), row->key_size);
        (void)rows_begin(&table->writer, key, row->written_ms, 0);
        if (table->def.save) table->def.save(table->def.clear_arg, row_of(row), &table->rows);
        rows_end(&table->writer, table->rows.ptr + table->rows.len);
    }
    rows_hand_out_part(table);
}

// The snapshot under way has not come to the row yet.
static bool row_waits(const StateTable *table, const RowHead *row) {
    const StateBackend *backend = table->backend;
    if (table->draining) return row->flags & ROW_DIRTY && row->changed <= backend->taking;
    if (table->sweep.on && !sweep_under_way(table)) return false;
    return backend->taking && row->saved != backend->taking && row->changed >= backend->floor &&
           row->changed <= backend->taking;
}

static bool are_many(const StateTable *table, uint64_t rows) {
    enum { PART = 16 };
    return table->def.save_copy && rows > table->count / PART;
}

// A row is in this epoch's list. One that another thread may look for needs none where most change,
// or did before the last snapshot.
static void note_change(StateTable *table, RowHead *row) {
    row->changed = table->epoch;
    if (table->on_disk) {
        row->flags |= ROW_DIRTY;
    } else if (table->many_change) {
        table->changes++;
    } else {
        list_add(&table->changed, row);
        table->changes = table->changed.count;
        table->many_change = are_many(table, table->changes);
    }
}

void row_is_new(StateTable *table, RowHead *row) {
    note_change(table, row);
}

// Whoever takes rows leaves no mark on them: one that was there before this epoch is known.
static void mark_known(const StateTable *table, RowHead *row) {
    if (row->changed != table->epoch && !row->saved) row->saved = table->epoch - 1;
}

void row_changes(StateTable *table, RowHead *row) {
    if (row_waits(table, row)) row_save(table, row);
    mark_known(table, row);
    note_change(table, row);
}

// In one turn, which is short: they are not many.
static void rows_change_swept(StateTable *table, uint8_t *const *row, uint32_t rows) {
    uint64_t at = sweep_enter(table);
    for (uint32_t i = 0; i < rows; i++) {
        RowHead *head = row[i] ? head_of(row[i]) : NULL;
        if (!head || head->changed == table->epoch) continue;
        if (row_waits(table, head)) {
            head->saved = table->backend->taking;
            if (!sweep_took(table, head->slab, &at)) row_copy(table, head);
        }
        mark_known(table, head);
        note_change(table, head);
    }
    sweep_leave(table);
    rows_hand_out_part(table);
}

void rows_change(StateTable *table, uint8_t *const *row, uint32_t rows) {
    if (rows && row[rows - 1]) table->sweep.recent = head_of(row[rows - 1])->slab;
    if (sweep_under_way(table)) {
        rows_change_swept(table, row, rows);
        return;
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (row[i] && head_of(row[i])->changed != table->epoch) {
            row_changes(table, head_of(row[i]));
        }
    }
}

void row_leaves(StateTable *table, RowHead *row) {
    if (row_waits(table, row)) row_save(table, row);
    if (row->flags & ROW_DIRTY) disk_save(table, row);
}

void row_goes(StateTable *table, RowHead *row) {
    if (row_waits(table, row)) row_save(table, row);
    if (row == table->cursor) table->cursor = row->newer;
    mark_known(table, row);
    if (!row->saved) return;  // no snapshot knows of it
    buf_put(&table->removed, &row->key_size, sizeof row->key_size);
    buf_put(&table->removed, key_of(table, row), row->key_size);
}

void state_write(StateTable *table, uint8_t *row) {
    if (head_of(row)->changed != table->epoch) row_changes(table, head_of(row));
}


void state_track(StateBackend *backend) {
    if (backend->epoch) return;
    backend->epoch = 1;
    for (StateTable *table = backend->tables; table; table = table->next) {
        if (!table->on_disk) table->epoch = !table->def.derived;
    }
}

// ---- taking one --------------------------------------------------------------------------------

static StateTable *next_draining(StateTable *table) {
    while (table && !table->draining) table = table->next;
    return table;
}

void state_snapshot_begin(StateBackend *backend, bool *full, StateOut out) {
    ASSERT(backend->epoch && !backend->taking);
    *full |= !backend->durable;
    for (StateTable *table = backend->tables; table; table = table->next) {
        // What has not left memory needs no disk to be written out from.
        table->draining = table->on_disk && (out.files || !table->whole);
        *full |= table->on_disk && !out.files;
    }
    backend->draining = next_draining(backend->tables);
    if (backend->draining) disk_snapshot_begin(backend);
    backend->taking = backend->epoch++;
    backend->floor = *full ? 0 : backend->durable + 1;
    backend->out = out;
    backend->sweeping = backend->tables;
    uint32_t number = 0;
    for (StateTable *table = backend->tables; table; table = table->next) {
        if (table->def.derived) continue;
        table->epoch = backend->epoch;
        table->number = number++;
        table->copies = out.copies && table->def.save_copy && !table->on_disk;
        bool many = *full || table->many_change;
        table->sweep.on = table->copies && out.sweep && !backend->disk && many;
        out.part(out.arg, &table->def, table->number, STATE_TABLE, (Str){0});
        if (table->on_disk && out.files) {
            uint64_t rows = state_count(table);
            out.part(out.arg, &table->def, table->number, STATE_ON_DISK,
                     str_make((const char *)&rows, sizeof rows));
        }
        if (!*full && table->removed.len) {
            out.part(out.arg, &table->def, table->number, STATE_REMOVED, buf_str(&table->removed));
        }
        table->removed.len = 0;
        table->cursor = (many && !table->sweep.on) || table->on_disk ? table->oldest : NULL;
        RowList done = table->to_save;
        table->to_save = table->changed;
        table->to_save_at = 0;
        table->changed = (RowList){done.row, 0, done.cap};
        table->many_change &= are_many(table, table->changes);
        table->changes = 0;
        if (many) table->to_save.count = 0;
        if (table->sweep.on) sweep_begin(table);
    }
}

// Some rows of the table; true when there are no more.
static bool table_step(StateTable *table) {
    enum { STEP_ROWS = 64, AHEAD = 16 };
    for (uint32_t i = 0; i < STEP_ROWS; i++) {
        RowHead *row;
        if (table->cursor) {
            row = table->cursor;
            table->cursor = row->newer;
        } else if (table->to_save_at < table->to_save.count) {
            const RowList *list = &table->to_save;
            if (table->to_save_at + AHEAD < list->count) {
                const char *ahead = (const char *)list->row[table->to_save_at + AHEAD];
                __builtin_prefetch(ahead);
                __builtin_prefetch(ahead + 64);
            }
            row = list->row[table->to_save_at++];
        } else {
            rows_hand_out(table);
            return true;
        }
        if (row->flags & ROW_LIVE && row_waits(table, row)) row_save(table, row);
    }
    return false;
}

static bool any_swept(const StateBackend *backend) {
    for (const StateTable *table = backend->tables; table; table = table->next) {
        if (sweep_under_way(table)) return true;
    }
    return false;
}

// What was saved from under the other thread's hands; false while that is at work.
static bool hand_out_swept(StateBackend *backend) {
    if (any_swept(backend)) return false;
    for (StateTable *table = backend->tables; table; table = table->next) {
        if (table->sweep.on) rows_hand_out(table);
    }
    return true;
}

bool state_snapshot_step(StateBackend *backend, int64_t until_ns) {
    do {
        if (backend->draining) {
            StateTable *table = backend->draining;
            if (table_step(table)) backend->draining = next_draining(table->next);
            if (!backend->draining) disk_snapshot_saved(backend);
        } else if (backend->sweeping) {
            StateTable *table = backend->sweeping;
            if (table->sweep.on) {
                backend->out.sweep(backend->out.arg, table, table->number);
                backend->sweeping = table->next;
            } else if (table->draining || table_step(table)) {
                backend->sweeping = table->next;
            }
        } else if (backend->disk) {
            return disk_snapshot_step(backend, until_ns);
        } else {
            return hand_out_swept(backend);
        }
    } while (os_monotonic_ns() < until_ns);
    return false;
}

bool state_snapshot_waits(const StateBackend *backend) {
    if (backend->draining || backend->sweeping) return false;
    return backend->disk ? disk_waits(backend) : any_swept(backend);
}

void state_snapshot_end(StateBackend *backend, bool durable) {
    // What a snapshot held that was given up is in no file: the next one is full.
    backend->durable = durable ? backend->taking : 0;
    backend->taking = 0;
    backend->sweeping = backend->draining = NULL;
    if (backend->disk) disk_snapshot_end(backend);
    for (StateTable *table = backend->tables; table; table = table->next) {
        table->cursor = NULL;
        table->draining = false;
        table->sweep.on = false;
        table->to_save.count = 0;
        buf_free(&table->rows);
        rows_clear(&table->writer);
    }
}

// ---- reading one -------------------------------------------------------------------------------

StateTable *state_table_find(StateBackend *backend, uint64_t operator_id, Str name) {
    for (StateTable *table = backend->tables; table; table = table->next) {
        if (table->def.operator_id == operator_id && str_eq(str_c(table->def.name), name)) {
            return table;
        }
    }
    return NULL;
}

const StateTableDef *state_table_def(const StateTable *table) {
    return &table->def;
}

// The hash by which exchanges spread the key's rows; [column]: one row of each key column.
uint64_t key_owner_hash(const StateTable *table, Str key, Vec *const *column) {
    const char *at = key.ptr;
    for (uint32_t c = 0; c < table->def.key->child_count; c++) at = codec_get(at, column[c], 0);
    uint64_t hash = 0;
    const StateTableDef *def = &table->def;
    uint32_t count = def->group ? def->group_count : def->key->child_count;
    for (uint32_t i = 0; i < count; i++) {
        vec_hash_into(column[def->group ? def->group[i] : i], &hash);
    }
    return hash;
}

// A row of the part at hand, and the hash of its key.
typedef struct LoadedRow {
    Str key, value;
    int64_t written_ms;
    uint64_t hash;
} LoadedRow;

static Status load_row(StateTable *table, const LoadedRow *from, Error *err) {
    Str key = from->key, value = from->value;
    int64_t written_ms = from->written_ms;
    uint64_t hash = from->hash, at;
    TRY(slot_reserve(table, hash, key, &at, err));
    if (table->slot[at].row) return ST_OK;
    RowHead *row;
    TRY(row_add(table, at, hash, key, written_ms, &row, err));
    row->changed = table->epoch;
    if (!table->def.load) return ST_OK;
    const char *end = table->def.load(table->def.clear_arg, row_of(row), value.ptr, err);
    if (end && end != str_end(value)) {
        return error_set(err, ST_INTERNAL, "table '%s': a row of %u bytes was read as %lld",
                         table->def.name, value.len, (long long)(end - value.ptr));
    }
    return end ? ST_OK : err ? err->status : ST_RUNTIME;
}

Status state_load(StateTable *table, Str bytes, const StateShare *share, const Map *gone,
                  Error *err) {
    Arena arena = {0};
    uint32_t columns = table->def.key->child_count;
    Vec **column = ARENA_ARRAY(&arena, Vec *, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        column[c] = vec_new(&arena, table->def.key->child[c], 1);
    }
    RowsReader reader = rows_reader(bytes);
    Status st = ST_OK;
    // Their slots are fetched while the rows before them are read.
    enum { AHEAD = 32 };
    LoadedRow row[AHEAD];
    for (uint32_t count = AHEAD; count == AHEAD && !st;) {
        for (count = 0; count < AHEAD && rows_next(&reader); count++) {
            uint64_t hash = hash_bytes(reader.key.ptr, reader.key.len, 0);
            row[count] = (LoadedRow){reader.key, reader.value, reader.written_ms, hash};
            __builtin_prefetch(&table->slot[row[count].hash & (table->slot_count - 1)]);
        }
        for (uint32_t i = 0; i < count && !st; i++) {
            if (gone && gone->count && map_has(gone, row[i].key)) continue;
            uint64_t hash = 0;
            if (share->count > 1 || table->on_disk)
                hash = key_owner_hash(table, row[i].key, column);
            if (share->count > 1 &&
                state_owner(hash, share->groups, share->count) != share->index) {
                continue;
            }
            st = table->on_disk ? disk_load(table, row[i].key, hash, row[i].value,
                                            row[i].written_ms, share->newest, err)
                                : load_row(table, &row[i], err);
        }
    }
    arena_clear(&arena);
    if (!st && reader.at != reader.end) {
        return error_set(err, ST_RUNTIME, "the rows of table '%s' are cut short", table->def.name);
    }
    return st;
}
