// A worker's state as frames: what it hands over at a checkpoint, and how a job takes it back.
//
// Operators are known by their stable id and name (and by which of several with both they are). The
// time that an operator has seen, and which of its inputs have ended, is part of its state: so a
// restored job goes on in the middle of a window as if nothing had happened. Restored with another
// parallelism, keyed rows go to the worker that owns their key now, and every operator's time is
// the least that any of its former copies had.
#include <stdio.h>

#include "col/codec.h"
#include "run/upgrade.h"
#include "state/rows.h"

void operator_frame_name(const Worker *worker, uint32_t index, FrameName *out) {
    const Operator *op = worker->op[index];
    *out = (FrameName){op->plan->stable_id, str_c(op->vt->name), 0};
    for (uint32_t i = 0; i < index; i++) {
        const Operator *other = worker->op[i];
        out->ordinal += other->plan->stable_id == op->plan->stable_id && other->vt == op->vt;
    }
}

// ---- taking ------------------------------------------------------------------------------------

static void table_part(void *arg, const StateTableDef *table, uint32_t number, StatePart part,
                       Str bytes) {
    FrameWriter *frames = &((Worker *)arg)->frames;
    switch (part) {
        case STATE_TABLE: break;
        case STATE_ROWS: frames_put_rows(frames, PART_ROWS, number, bytes); return;
        case STATE_REMOVED: frames_put_rows(frames, PART_REMOVED, number, bytes); return;
        case STATE_ON_DISK: frames_put_rows(frames, PART_ON_DISK, number, bytes); return;
    }
    Buf key = {0}, value = {0};
    type_print(table->key, &key);
    type_print(table->value, &value);
    FrameTable head = {table->operator_id, str_c(table->name), table->version, buf_str(&key),
                       buf_str(&value)};
    frames_put_table(frames, &head);
    buf_free(&key);
    buf_free(&value);
}

static void table_copies(void *arg, const StateTableDef *table, uint32_t number, Buf *rows) {
    worker_hand_copies(arg, table, number, rows);
}

static void table_sweep(void *arg, StateTable *table, uint32_t number) {
    worker_hand_sweep(arg, table, number);
}

static void disk_ready(void *arg, StateBackend *backend) {
    (void)backend;
    worker_hand_disk(arg);
}

// What every operator has, as it lies in a frame; one watermark an input behind it.
typedef struct OperatorTime {
    int64_t watermark_in, watermark_out;
    uint64_t idle_inputs, ended_inputs;
    uint32_t input_count;
    uint32_t ended;
} OperatorTime;

static Status put_operator(Worker *worker, uint32_t index, Buf *bytes, Error *err) {
    Operator *op = worker->op[index];
    FrameName name;
    operator_frame_name(worker, index, &name);
    OperatorTime time = {op->watermark_in, op->watermark_out, op->idle_inputs, op->ended_inputs,
                         op->input_count,  op->ended};
    bytes->len = 0;
    buf_put(bytes, &time, sizeof time);
    buf_put(bytes, op->watermark, op->input_count * sizeof *op->watermark);
    if (op->vt->save) TRY(op->vt->save(op, bytes, err));
    frames_put_named(&worker->frames, PART_OPERATOR, &name, buf_str(bytes));
    if (op->vt->save_begin) op->vt->save_begin(op);
    if (op->vt->prepare) {
        bytes->len = 0;
        TRY(op->vt->prepare(op, worker->aligning, bytes, err));
        if (bytes->len) frames_put_named(&worker->frames, PART_SINK, &name, buf_str(bytes));
    }
    return ST_OK;
}

// A source's frame: whether it has ended, how many literal rows it has sent; behind it the reader's
// position, and what the source holds.
typedef struct SourceHead {
    uint32_t ended, values_at;
    uint32_t position;  // bytes of it
    uint32_t unused;
} SourceHead;

static Status put_source(Worker *worker, uint32_t index, Buf *bytes, Error *err) {
    Source *source = (Source *)worker->op[index];
    FrameName name;
    operator_frame_name(worker, index, &name);
    SourceHead head = {source->ended, source->values_at, 0, 0};
    bytes->len = 0;
    buf_put(bytes, &head, sizeof head);
    SourceReader *reader = source->reader;
    if (reader && reader->vt->snapshot) TRY(reader->vt->snapshot(reader, bytes, err));
    uint32_t position = (uint32_t)(bytes->len - sizeof head);
    memcpy(bytes->ptr + offsetof(SourceHead, position), &position, sizeof position);
    TRY(source_save_held(source, bytes, err));
    frames_put_named(&worker->frames, PART_SOURCE, &name, buf_str(bytes));
    return ST_OK;
}

Status worker_snapshot_begin(Worker *worker, Error *err) {
    Checkpointer *self = worker->job->checkpointer;
    frames_begin_loose(&worker->frames);
    Buf bytes = {0};
    Status st = ST_OK;
    for (uint32_t i = 0; i < worker->op_count && !st; i++) {
        st = worker->op[i]->vt == &SOURCE_OPERATOR ? put_source(worker, i, &bytes, err) : ST_OK;
        if (!st) st = put_operator(worker, i, &bytes, err);
    }
    buf_free(&bytes);
    TRY(st);
    bool full = atomic_load(&self->full) != 0;
    state_track(worker->state);  // a job that has only savepoints begins with the first
    // Savepoints are read anywhere; increments are RocksDB's own files, which never change.
    bool files = self->spec->incremental && !atomic_load(&self->savepoint);
    state_snapshot_begin(worker->state, &full,
                         (StateOut){table_part, worker, files ? disk_ready : NULL, table_copies,
                                    table_sweep});
    if (full) atomic_store(&self->full, 1);
    return ST_OK;
}

bool worker_snapshot_more(Worker *worker, int64_t until_ns) {
    bool all = true;
    Buf bytes = {0};
    while (worker->more_at < worker->op_count) {
        Operator *op = worker->op[worker->more_at];
        if (!op->vt->save_more) {
            worker->more_at++;
            continue;
        }
        FrameName name;
        operator_frame_name(worker, worker->more_at, &name);
        bytes.len = 0;
        worker->more_at += op->vt->save_more(op, &bytes);
        if (bytes.len) frames_put_named(&worker->frames, PART_MORE, &name, buf_str(&bytes));
        if (os_monotonic_ns() < until_ns) continue;
        all = worker->more_at == worker->op_count;
        break;
    }
    buf_free(&bytes);
    return all;
}

// ---- restoring ---------------------------------------------------------------------------------

typedef struct RestoredTable {
    StateTable *table;   // NULL: no operator has it
    const UpgradeTable *how;
    FrameTable name;     // of the texts, only that of the table is kept
    Map *gone, *removed;  // keys removed after the file at hand, and by it
} RestoredTable;

typedef struct Restore {
    Worker *worker;
    const CheckpointSpec *spec;
    const Upgrade *upgrade;
    Checkpoint from;
    bool same;           // nothing has changed, neither workers nor operators
    Buf moved, moved_key;  // rows or keys made those of now
    Map gone;            // keys that were removed after the file at hand, by table name and id
    RestoredTable *table;  // of the file at hand, in the order in which they are described
    uint32_t table_count, table_cap;
    bool *seen;          // operators that have had their time
    Arena arena;         // of the operators' bytes
    Str *later;          // operators take theirs when all tables are there
    bool *later_more;    // it is PART_MORE
    uint32_t later_count, later_cap;
    Str path;            // of the checkpoint
    Str room;            // for the databases of other workers, each in a directory of its number
    bool adopted;        // the database is the worker's own now
} Restore;

static Status orphan(const Restore *self, uint64_t id, Str name, Error *err) {
    if (self->spec->allow_non_restored) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "the checkpoint holds state of '" STR_FMT
                    "' (%016llx), which no operator of this job takes",
                    STR_ARG(name), (unsigned long long)id);
    error_hint(err, "the query has changed; --allow-non-restored-state drops such state");
    return ST_VALIDATION;
}

// Everything that an operator has seen of time, least of all copies.
static void take_time(Restore *self, uint32_t index, const OperatorTime *time,
                      const int64_t *watermark) {
    if (self->from.drained) return;  // time had come to its end, and begins anew
    Operator *op = self->worker->op[index];
    bool first = !self->seen[index], same = self->same;
    self->seen[index] = true;
    // With another parallelism sources have other splits: they come to their ends again.
    if (same && time->input_count == op->input_count) {
        memcpy(op->watermark, watermark, op->input_count * sizeof *watermark);
        op->idle_inputs = time->idle_inputs;
        op->ended_inputs = time->ended_inputs;
        op->ended = time->ended != 0;
    } else {
        for (uint32_t i = 0; i < op->input_count; i++) {
            // An exchange has an input a worker: what they all had seen, each had.
            bool one_to_one = time->input_count == op->input_count;
            int64_t ms = one_to_one ? watermark[i] : time->watermark_in;
            if (first || ms < op->watermark[i]) op->watermark[i] = ms;
        }
    }
    if (first || time->watermark_in < op->watermark_in) op->watermark_in = time->watermark_in;
    if (first || time->watermark_out < op->watermark_out) op->watermark_out = time->watermark_out;
    if (op->vt == &EXCHANGE_IN_OPERATOR) {
        ((ExchangeIn *)op)->ended = (uint32_t)__builtin_popcountll(op->ended_inputs);
    }
}

// What an operator keeps beside its tables is rows as they came in: of other columns they cannot be
// read. [drop]: and are not missed.
static Status check_rows(const Restore *self, const FrameName *name, bool *drop, Error *err) {
    if (upgrade_same_rows(self->upgrade, name)) return ST_OK;
    *drop = self->spec->allow_non_restored;
    if (*drop) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "what '" STR_FMT "' (%016llx) keeps beside its tables is rows as they came in "
                    "then; they have other columns now",
                    STR_ARG(name->name), (unsigned long long)name->operator_id);
    error_hint(err, "begin with the query that took it, or drop what it has kept with "
                    "--allow-non-restored-state");
    return ST_VALIDATION;
}

static Status take_operator(Restore *self, Str bytes, Error *err) {
    FrameName name;
    Str rest;
    TRY(frame_name(bytes, &name, &rest, err));
    uint32_t index;
    Operator *op = upgrade_operator(self->upgrade, self->worker, &name, &index);
    OperatorTime time;
    if (rest.len < sizeof time) return error_set(err, ST_RUNTIME, "a frame is cut short");
    memcpy(&time, rest.ptr, sizeof time);
    uint32_t head = (uint32_t)(sizeof time + time.input_count * sizeof(int64_t));
    if (time.input_count > OPERATOR_INPUTS_MAX || rest.len < head) {
        return error_set(err, ST_RUNTIME, "a frame is cut short");
    }
    // Exchanges come and go with the parallelism; others are missed only if they kept something.
    if (!op) return rest.len > head ? orphan(self, name.operator_id, name.name, err) : ST_OK;
    int64_t watermark[OPERATOR_INPUTS_MAX];
    memcpy(watermark, rest.ptr + sizeof time, time.input_count * sizeof *watermark);
    take_time(self, index, &time, watermark);
    if (rest.len == head || !op->vt->restore) return ST_OK;
    bool drop = false;
    if (!op->vt->save_plain) TRY(check_rows(self, &name, &drop, err));
    return drop ? ST_OK : op->vt->restore(op, str_sub(rest, head, rest.len), err);
}

static Status take_more(Restore *self, Str bytes, Error *err) {
    FrameName name;
    Str rest;
    TRY(frame_name(bytes, &name, &rest, err));
    uint32_t index;
    Operator *op = upgrade_operator(self->upgrade, self->worker, &name, &index);
    if (!op || !op->vt->restore_more) return orphan(self, name.operator_id, name.name, err);
    bool drop = false;
    TRY(check_rows(self, &name, &drop, err));
    return drop ? ST_OK : op->vt->restore_more(op, rest, err);
}

static Status take_source(Restore *self, uint32_t from_worker, Str bytes, Error *err) {
    FrameName name;
    Str rest;
    TRY(frame_name(bytes, &name, &rest, err));
    uint32_t index;
    Operator *op = upgrade_operator(self->upgrade, self->worker, &name, &index);
    if (!op) return orphan(self, name.operator_id, name.name, err);
    SourceHead head;
    if (rest.len < sizeof head) return error_set(err, ST_RUNTIME, "a frame is cut short");
    memcpy(&head, rest.ptr, sizeof head);
    Source *source = (Source *)op;
    if (source->base.plan->kind == PLAN_VALUES) {
        // Literal rows are worker 0's.
        if (from_worker == 0 && self->worker->index == 0) source->values_at = head.values_at;
    }
    if (self->same && !self->from.drained) source->ended = head.ended != 0;
    rest = str_sub(rest, sizeof head, rest.len);
    if (rest.len < head.position) return error_set(err, ST_RUNTIME, "a frame is cut short");
    Str position = str_sub(rest, 0, head.position);
    rest = str_sub(rest, head.position, rest.len);
    SourceReader *reader = source->reader;
    if (reader && reader->vt->restore && position.len) {
        TRY(reader->vt->restore(reader, position, err));
    }
    int64_t held;
    (void)codec_get_i64(rest.ptr, &held);
    if (held && !upgrade_same_rows(self->upgrade, &name)) {
        return error_set(err, ST_VALIDATION,
                         "the source holds rows, and they have other columns now");
    }
    return source_load_held(source, &rest, from_worker, err);
}

static Status take_in_flight(Restore *self, Str bytes, Error *err) {
    FrameName name;
    Str rest;
    TRY(frame_name(bytes, &name, &rest, err));
    if (self->from.workers != self->worker->job->workers) {
        return error_set(err, ST_UNSUPPORTED,
                         "the checkpoint holds rows in flight between %u workers, this job has %u",
                         self->from.workers, self->worker->job->workers);
    }
    uint32_t index;
    Operator *op = upgrade_operator(self->upgrade, self->worker, &name, &index);
    if (!op || op->vt != &EXCHANGE_IN_OPERATOR) {
        return orphan(self, name.operator_id, name.name, err);
    }
    return in_flight_restore((ExchangeIn *)op, rest, err);
}

static Status take_sink(Restore *self, Str bytes, Error *err) {
    FrameName name;
    Str rest;
    TRY(frame_name(bytes, &name, &rest, err));
    uint32_t index;
    Operator *op = upgrade_operator(self->upgrade, self->worker, &name, &index);
    if (!op) return orphan(self, name.operator_id, name.name, err);
    return op->vt->recommit ? op->vt->recommit(op, rest, err) : ST_OK;
}

// The keys of a table that later checkpoints removed.
static Map *gone_of(Map *all, const FrameTable *table) {
    char name[128];
    (void)snprintf(name, sizeof name, "%016llx " STR_FMT, (unsigned long long)table->operator_id,
                   STR_ARG(table->name));
    Map *gone = map_get(all, str_c(name));
    if (gone) return gone;
    gone = NEW(Map);
    (void)map_put(all, str_c(name), gone);
    return gone;
}

static Status take_table(Restore *self, Map *removed, Str bytes, Error *err) {
    FrameTable table;
    TRY(frame_table(bytes, &table, err));
    if (self->table_count == self->table_cap) {
        self->table_cap = self->table_cap ? self->table_cap * 2 : 16;
        self->table = mem_realloc(self->table, self->table_cap * sizeof *self->table);
    }
    RestoredTable *at = &self->table[self->table_count++];
    at->how = upgrade_table(self->upgrade, table.operator_id, table.name);
    uint64_t id = at->how ? at->how->id : 0;  // no operator: an error once there are rows
    at->table = id ? state_table_find(self->worker->state, id, table.name) : NULL;
    at->name = table;
    at->gone = gone_of(&self->gone, &table);
    at->removed = gone_of(removed, &table);
    return ST_OK;
}

static Status take_removed(Restore *self, const RestoredTable *table, Str bytes, Error *err) {
    Map *removed = table->removed;
    Migration *key = table->how ? table->how->key : NULL;
    while (bytes.len) {
        uint32_t size;
        if (bytes.len < sizeof size) return error_set(err, ST_RUNTIME, "a frame is cut short");
        memcpy(&size, bytes.ptr, sizeof size);
        if (bytes.len - sizeof size < size) {
            return error_set(err, ST_RUNTIME, "a frame is cut short");
        }
        Str gone = str_make(bytes.ptr + sizeof size, size);
        if (key) {
            self->moved.len = 0;
            (void)migrate_row(key, gone.ptr, &self->moved);
            gone = buf_str(&self->moved);
        }
        (void)map_put(removed, gone, removed);
        bytes = str_sub(bytes, (uint32_t)sizeof size + size, bytes.len);
    }
    return ST_OK;
}

// Rows of a table whose layout has changed, as rows of now.
static Status migrate_part(Restore *self, const UpgradeTable *how, Str *bytes, Error *err) {
    RowsReader from = rows_reader(*bytes);
    RowsWriter to = {.out = &self->moved};
    self->moved.len = 0;
    while (rows_next(&from)) {
        Str key = from.key;
        if (how->key) {
            self->moved_key.len = 0;
            (void)migrate_row(how->key, key.ptr, &self->moved_key);
            key = buf_str(&self->moved_key);
        }
        (void)rows_begin(&to, key, from.written_ms, 0);
        if (how->value) {
            (void)migrate_row(how->value, from.value.ptr, to.out);
        } else {
            buf_put_str(to.out, from.value);
        }
        rows_end(&to, to.out->ptr + to.out->len);
    }
    if (from.at != from.end) return error_set(err, ST_RUNTIME, "rows of a snapshot are cut short");
    *bytes = buf_str(&self->moved);
    return ST_OK;
}

static void put_off(Restore *self, Str bytes, bool more) {
    if (self->later_count == self->later_cap) {
        self->later_cap = self->later_cap ? self->later_cap * 2 : 32;
        self->later = mem_realloc(self->later, self->later_cap * sizeof *self->later);
        self->later_more =
            mem_realloc(self->later_more, self->later_cap * sizeof *self->later_more);
    }
    self->later_more[self->later_count] = more;
    self->later[self->later_count++] = str_dup(&self->arena, bytes);
}

// Rows of a table, made those of now, go into it.
static Status take_rows(Restore *self, const RestoredTable *at, Str bytes, const StateShare *share,
                        const Map *gone, Error *err) {
    if (!at->table) return orphan(self, at->name.operator_id, STR("a table"), err);
    if (at->how->key || at->how->value) TRY(migrate_part(self, at->how, &bytes, err));
    return state_load(at->table, bytes, share, gone, err);
}

typedef struct DiskRows {
    Restore *self;
    const RestoredTable *table;
    const StateShare *share;
} DiskRows;

static Status take_disk_rows(void *arg, Str bytes, Error *err) {
    const DiskRows *rows = arg;
    return take_rows(rows->self, rows->table, bytes, rows->share, NULL, err);
}

// The rows of a table that lie in the database of worker [from]: it has become this worker's own,
// or they are read from a copy.
static Status take_on_disk(Restore *self, const RestoredTable *at, uint32_t from, Str bytes,
                           const StateShare *share, Error *err) {
    uint64_t rows;
    if (bytes.len < sizeof rows) return error_set(err, ST_RUNTIME, "a frame is cut short");
    memcpy(&rows, bytes.ptr, sizeof rows);
    if (!rows) return ST_OK;
    if (!at->table) return orphan(self, at->name.operator_id, STR("a table"), err);
    if (self->adopted) return state_disk_take(at->table, rows, err);
    Arena arena = {0};
    Str dir = str_printf(&arena, STR_FMT "/%u", STR_ARG(self->room), from);
    OsStat stat;
    bool found = true;
    Status st = os()->stat(dir, &stat, err);
    if (!st && !stat.exists) st = disk_files_bring(self->path, &self->from, from, dir, &found, err);
    if (!st && !found) {
        st = error_set(err, ST_RUNTIME,
                       "the files of table '" STR_FMT "' are not in the checkpoint",
                       STR_ARG(at->name.name));
    }
    DiskRows to = {self, at, share};
    // Rows that change their keys change their groups.
    const StateShare *groups = at->how->key ? NULL : share;
    if (!st) {
        st = state_disk_read(dir, at->name.operator_id, at->name.name, groups, take_disk_rows, &to,
                             err);
    }
    arena_clear(&arena);
    return st;
}

static Status take_frames(Restore *self, const CheckpointFile *file, FrameReader *reader,
                          const FrameHead *head, Map *removed, Error *err) {
    Worker *worker = self->worker;
    bool newest = file->checkpoint == self->from.id;
    bool mine = self->from.workers == worker->job->workers ? head->worker == worker->index : true;
    StateShare share = {worker->index, worker->job->workers, worker->job->groups, newest};
    if (self->from.workers == share.count && !upgrade_rekeys(self->upgrade)) {  // its own file
        share.index = 0;
        share.count = 1;
    }
    self->table_count = 0;
    for (;;) {
        PartKind kind;
        Str bytes;
        TRY(frames_next(reader, &kind, &bytes, err));
        switch (kind) {
            case PART_END: return ST_OK;
            case PART_TABLE: TRY(take_table(self, removed, bytes, err)); break;
            case PART_REMOVED:
            case PART_ON_DISK:
            case PART_ROWS: {
                uint32_t number;
                TRY(frame_rows(bytes, &number, &bytes, err));
                if (number >= self->table_count) {
                    return error_set(err, ST_RUNTIME, "a frame names no table of its file");
                }
                RestoredTable *at = &self->table[number];
                if (kind == PART_REMOVED) {
                    TRY(take_removed(self, at, bytes, err));
                } else if (kind == PART_ON_DISK) {
                    if (newest) TRY(take_on_disk(self, at, head->worker, bytes, &share, err));
                } else {
                    TRY(take_rows(self, at, bytes, &share, at->gone, err));
                }
                break;
            }
            case PART_IN_FLIGHT:
                if (newest) TRY(take_in_flight(self, bytes, err));
                break;
            case PART_OPERATOR:
            case PART_MORE:
                if (newest && mine) put_off(self, bytes, kind == PART_MORE);
                break;
            case PART_SOURCE:
                if (newest && mine) TRY(take_source(self, head->worker, bytes, err));
                break;
            case PART_SINK:
                if (newest && head->worker % worker->job->workers == worker->index) {
                    TRY(take_sink(self, bytes, err));
                }
                break;
        }
    }
}

static void maps_free(Map *maps) {
    for (uint32_t i = 0; i < maps->count; i++) {
        map_clear(maps->entry[i].value);
        mem_free(maps->entry[i].value);
    }
    map_clear(maps);
}

// What the file at hand removed is gone for the older ones.
static void add_gone(Map *all, const Map *removed) {
    for (uint32_t i = 0; i < removed->count; i++) {
        const Map *keys = removed->entry[i].value;
        Map *gone = map_get(all, removed->entry[i].key);
        for (uint32_t k = 0; k < keys->count; k++) (void)map_put(gone, keys->entry[k].key, gone);
    }
}

// What goes by the numbers of splits is restored while the sources know those of this file's
// worker.
static Status take_by_split(Restore *self, uint32_t from, Error *err) {
    for (uint32_t i = from; i < self->later_count; i++) {
        FrameName name;
        Str rest;
        uint32_t index;
        if (self->later_more[i]) continue;
        TRY(frame_name(self->later[i], &name, &rest, err));
        const Operator *op = upgrade_operator(self->upgrade, self->worker, &name, &index);
        if (!op || !op->vt->restore_by_split) continue;
        TRY(take_operator(self, self->later[i], err));
        self->later[i] = (Str){0};
    }
    return ST_OK;
}

static Status take_file(Restore *self, Str path, const CheckpointFile *file, Error *err) {
    FrameReader *reader;
    FrameHead head;
    TRY(frames_open(path, &reader, &head, err));
    Map removed = {0};
    Status st = ST_OK;
    if (head.checkpoint != file->checkpoint || head.worker != file->worker) {
        st = error_set(err, ST_RUNTIME, "it is the file of worker %u and checkpoint %llu",
                       head.worker, (unsigned long long)head.checkpoint);
    }
    uint32_t later = self->later_count;
    self->worker->restoring = head.worker;
    if (!st) st = take_frames(self, file, reader, &head, &removed, err);
    if (!st) st = take_by_split(self, later, err);
    if (!st && frames_digest(reader) != file->digest) {
        st = error_set(err, ST_RUNTIME, "it is not the file that the checkpoint was made of");
    }
    if (st) error_while(err, "restoring from '" STR_FMT "'", STR_ARG(path));
    if (!st) add_gone(&self->gone, &removed);
    maps_free(&removed);
    frames_close(reader);
    return st;
}

// Where nothing has changed a worker goes on with its own database.
static Status adopt(Restore *self, Error *err) {
    Worker *worker = self->worker;
    if (!worker->job->disk || !self->same) return ST_OK;
    TRY(disk_files_bring(self->path, &self->from, worker->index, state_disk_dir(worker->state),
                         &self->adopted, err));
    return self->adopted ? state_disk_adopt(worker->state, err) : ST_OK;
}

static Status restore_worker(Worker *worker, Str path, const Checkpoint *from,
                             const Upgrade *upgrade, Str room, Error *err) {
    Arena arena = {0};
    Restore self = {.worker = worker, .spec = worker->job->spec->checkpoint, .from = *from,
                    .upgrade = upgrade, .path = path, .room = room};
    bool own = from->workers == worker->job->workers;  // what a worker wrote is its own
    self.same = own && !upgrade_differs(upgrade);
    self.seen = ARENA_ARRAY(&arena, bool, worker->op_count + 1);
    Status st = adopt(&self, err);
    for (uint32_t i = 0; i < from->file_count && !st; i++) {
        const CheckpointFile *file = &from->file[i];
        if (own && !upgrade_rekeys(upgrade) && file->worker != worker->index) continue;
        st = take_file(&self, str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(path),
                                         STR_ARG(file->path)), file, err);
    }
    for (uint32_t i = 0; i < self.later_count && !st; i++) {
        if (!self.later[i].ptr) continue;
        st = self.later_more[i] ? take_more(&self, self.later[i], err)
                                : take_operator(&self, self.later[i], err);
    }
    maps_free(&self.gone);
    mem_free(self.table);
    buf_free(&self.moved);
    buf_free(&self.moved_key);
    mem_free(self.later);
    mem_free(self.later_more);
    arena_clear(&self.arena);
    arena_clear(&arena);
    return st;
}

void job_number_from(Job *job, uint64_t id) {
    for (uint32_t i = 0; i < job->workers; i++) {
        Worker *worker = &job->worker[i];
        worker->aligning = worker->snapped = worker->ended = id;
    }
    if (!job->checkpointer) return;
    atomic_store(&job->checkpointer->asked, id);
    atomic_store(&job->checkpointer->ended, id);
}

Status job_restore(Job *job, Error *err) {
    const CheckpointSpec *spec = job->spec->checkpoint;
    Arena arena = {0};
    Checkpoint from;
    Str path = spec->restore;
    static const Str METADATA = {"/_metadata", 10};
    if (str_ends(path, METADATA)) path = str_sub(path, 0, path.len - METADATA.len);
    Status st = checkpoint_read(&arena, path, &from, err);
    if (!st) st = checkpoint_check(path, &from, err);
    if (!st && job_has_checkpoints(job) && str_starts(path, spec->dir) &&
        !str_eq(from.job, spec->job)) {
        st = error_set(err, ST_RUNTIME, "'" STR_FMT "' is a checkpoint of the job '" STR_FMT
                       "', not of '" STR_FMT "'", STR_ARG(path), STR_ARG(from.job),
                       STR_ARG(spec->job));
    }
    if (!st && from.groups != job->groups) {
        st = error_set(
            err, ST_VALIDATION,
            "the checkpoint was taken with 'pipeline.max-parallelism' = %u, this job has %u",
            from.groups, job->groups);
    }
    if (!st && from.drained && spec->log) {
        spec->log(spec->log_arg, STR("the savepoint was drained: its time had come to the end, and "
                                     "what comes now may be late for windows that fired then"));
    }
    Upgrade *upgrade = NULL;
    if (!st) st = upgrade_new(&arena, job, path, &from, &upgrade, err);
    Str room = st || !from.disk_file_count ? STR("") : disk_files_room(&arena, job->spec->config);
    for (uint32_t i = 0; i < job->workers && !st; i++) {
        st = restore_worker(&job->worker[i], path, &from, upgrade, room, err);
    }
    for (uint32_t i = 0; room.len && i < from.workers; i++) {
        disk_files_remove(str_printf(&arena, STR_FMT "/%u", STR_ARG(room), i));
    }
    if (room.len) disk_files_remove(room);
    if (!st && from.id > spec->past) job_number_from(job, from.id);
    // Damage does not mend itself: the job is not begun again and again.
    if (st == ST_RUNTIME) checkpoint_offer(path, err);
    if (st == ST_RUNTIME && job->spec->stats) job->spec->stats->damaged = true;
    arena_clear(&arena);
    return st;
}
