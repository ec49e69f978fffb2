// Snapshots read with SQL: the connector 'savepoint'. A state table is a table whose columns are
// its key's and its value's; without an operator it is the list of what there is.
//
//     CREATE TABLE counts WITH ('connector' = 'savepoint', 'state.path' = '/savepoints/…',
//                               'operator.uid' = 'group-aggregate by k');
//
// Option names are those of Flink's state processor (FLIP-496, FLIP-512) where it has them. Rows
// are read as a restore reads them: newest file first, what was removed later is passed over. What
// lies in the files of a RocksDB database is read from a copy of them, a worker's at a time.
#include "engine/state_source.h"

#include <stdio.h>

#include "base/map.h"
#include "ckpt/frames.h"
#include "ckpt/store.h"
#include "col/batch.h"
#include "col/codec.h"
#include "col/migrate.h"
#include "plan/plan.h"
#include "run/disk_files.h"
#include "sql/parser.h"
#include "state/disk.h"
#include "state/rows.h"

// clang-format off
static const OptionDef OPTIONS[] = {
    {.key = "connector", .kind = OPTION_TEXT, .required = true, .doc = "'savepoint'."},
    {.key = "state.path", .kind = OPTION_TEXT, .required = true,
     .doc = "The directory of a savepoint or checkpoint."},
    {.key = "operator.uid", .kind = OPTION_TEXT,
     .doc = "The operator: its name and keys as `operator-uid` shows them. Neither this nor the next: the table lists the operators."},
    {.key = "operator.uid.hash", .kind = OPTION_TEXT, .doc = "The operator, by its stable id."},
    {.key = "state.table", .kind = OPTION_TEXT,
     .doc = "Which of the operator's state tables, if it has several."},
    {0},
};
// clang-format on

// A state table as a snapshot describes it.
typedef struct Described {
    const CheckpointOperator *op;
    Str name;
    Str key, value;  // types as text
} Described;

typedef struct Snapshot {
    Str path;
    Checkpoint at;
    Described *table;
    uint32_t table_count;
} Snapshot;

static Options options_of(const TableDesc *desc) {
    Options options = desc->options;
    options.defs = OPTIONS;
    return options;
}

static const CheckpointOperator *operator_of(const Checkpoint *at, uint64_t id) {
    for (uint32_t i = 0; i < at->op_count; i++) {
        if (at->op[i].id == id && !str_starts(at->op[i].name, STR("exchange"))) return &at->op[i];
    }
    return NULL;
}

static Str uid_of(Arena *arena, const CheckpointOperator *op) {
    return str_printf(arena, STR_FMT STR_FMT, STR_ARG(op->name), STR_ARG(op->about));
}

static Str file_path(Arena *arena, const Snapshot *self, uint32_t file) {
    return str_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(self->path),
                      STR_ARG(self->at.file[file].path));
}

static Status describe_tables(Arena *arena, Snapshot *self, FrameReader *reader, Error *err) {
    PartKind kind = PART_TABLE;
    uint32_t cap = 0;
    while (kind != PART_ROWS && kind != PART_END) {
        Str bytes;
        FrameTable table;
        TRY(frames_next(reader, &kind, &bytes, err));
        if (kind != PART_TABLE) continue;
        TRY(frame_table(bytes, &table, err));
        if (self->table_count == cap) {
            Described *grown = ARENA_ARRAY(arena, Described, cap * 2 + 16);
            if (cap) memcpy(grown, self->table, cap * sizeof *grown);
            self->table = grown;
            cap = cap * 2 + 16;
        }
        const CheckpointOperator *op = operator_of(&self->at, table.operator_id);
        if (!op) return error_set(err, ST_RUNTIME, "a state table belongs to no operator");
        self->table[self->table_count++] =
            (Described){op, str_dup(arena, table.name), str_dup(arena, table.key),
                        str_dup(arena, table.value)};
    }
    return ST_OK;
}

static Status snapshot_open(Arena *arena, Str path, Snapshot *self, Error *err) {
    if (str_starts(path, STR("file://"))) path = str_sub(path, 7, path.len);
    if (str_ends(path, STR("/_metadata"))) path.len -= 10;
    *self = (Snapshot){.path = str_dup(arena, path)};
    TRY(checkpoint_read(arena, self->path, &self->at, err));
    // Each file of the newest checkpoint describes all tables.
    for (uint32_t i = 0; i < self->at.file_count; i++) {
        if (self->at.file[i].checkpoint != self->at.id) continue;
        FrameReader *reader;
        FrameHead head;
        TRY(frames_open(file_path(arena, self, i), &reader, &head, err));
        Status st = describe_tables(arena, self, reader, err);
        frames_close(reader);
        return st;
    }
    return ST_OK;
}

// The table that the options name; NULL: the list of all.
static Status choose(Arena *arena, const Options *options, const Snapshot *self,
                     const Described **out, Error *err) {
    Str uid = str_c(options_get(options, "operator.uid"));
    Str hash = str_c(options_get(options, "operator.uid.hash"));
    Str name = str_c(options_get(options, "state.table"));
    *out = NULL;
    if (!uid.len && !hash.len) return ST_OK;
    uint32_t found = 0;
    Buf list = {0};
    for (uint32_t i = 0; i < self->table_count; i++) {
        const Described *at = &self->table[i];
        char id[17];
        (void)snprintf(id, sizeof id, "%016llx", (unsigned long long)at->op->id);
        Str full = uid_of(arena, at->op);
        buf_printf(&list, "%s'" STR_FMT "' (%s, state.table '" STR_FMT "')", i ? ", " : "",
                   STR_ARG(full), id, STR_ARG(at->name));
        if (uid.len && !str_eq(uid, full) && !str_eq(uid, at->op->name)) continue;
        if (hash.len && !str_eq(hash, str_c(id))) continue;
        if (name.len && !str_eq(name, at->name)) continue;
        *out = at;
        found++;
    }
    Status st = ST_OK;
    if (found != 1) {
        st = error_set(err, ST_VALIDATION, "the snapshot has %s such state table for '" STR_FMT "'",
                       found ? "more than one" : "no", STR_ARG(options->owner));
        error_hint(err, "there are: %s", buf_cstr(&list));
    }
    buf_free(&list);
    return st;
}

static Status parse_type(Arena *arena, Str text, const Type **out, Error *err) {
    AstType *ast;
    TRY(sql_parse_type(arena, text, &ast, err));
    return bind_type(arena, ast, out, err);
}

// The fields of key and value one after the other, as they lie in a row of the snapshot; a name
// that comes again gets a number.
static Status row_type(Arena *arena, const Described *table, const Type **out, Error *err) {
    const Type *part[2];
    TRY(parse_type(arena, table->key, &part[0], err));
    TRY(parse_type(arena, table->value, &part[1], err));
    uint32_t count = part[0]->child_count + part[1]->child_count, at = 0;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t p = 0; p < 2; p++) {
        for (uint32_t c = 0; c < part[p]->child_count; c++, at++) {
            child[at] = part[p]->child[c];
            name[at] = part[p]->field[c];
            uint32_t same = 0;
            for (uint32_t i = 0; i < at; i++) same += str_eq(name[i], name[at]);
            if (same) name[at] = str_printf(arena, STR_FMT "_%u", STR_ARG(name[at]), same + 1);
        }
    }
    *out = type_row(arena, count, child, name, false);
    return ST_OK;
}

enum { LIST_COLUMNS = 12 };
static const char *const LIST_NAMES[LIST_COLUMNS] = {
    "checkpoint-id", "operator-name", "operator-uid", "operator-uid-hash", "operator-parallelism",
    "operator-max-parallelism", "operator-coordinator-state-size-in-bytes",
    "operator-total-size-in-bytes", "state-table", "state-rows", "state-key", "state-value"};

static const Type *list_type(Arena *arena) {
    static const TypeKind KINDS[LIST_COLUMNS] = {
        TYPE_BIGINT, TYPE_VARCHAR, TYPE_VARCHAR, TYPE_VARCHAR, TYPE_INT,     TYPE_INT,
        TYPE_BIGINT, TYPE_BIGINT,  TYPE_VARCHAR, TYPE_BIGINT,  TYPE_VARCHAR, TYPE_VARCHAR};
    const Type **child = ARENA_ARRAY(arena, const Type *, LIST_COLUMNS);
    Str *name = ARENA_ARRAY(arena, Str, LIST_COLUMNS);
    for (uint32_t c = 0; c < LIST_COLUMNS; c++) {
        child[c] = type_of(KINDS[c], c >= 8 || c == 1 || c == 2);
        name[c] = str_c(LIST_NAMES[c]);
    }
    return type_row(arena, LIST_COLUMNS, child, name, false);
}

// What there is to read, all columns.
static Status described_type(Arena *arena, const Options *options, Snapshot *self,
                             const Described **table, const Type **out, Error *err) {
    TRY(snapshot_open(arena, str_c(options_get(options, "state.path")), self, err));
    TRY(choose(arena, options, self, table, err));
    if (*table) return row_type(arena, *table, out, err);
    *out = list_type(arena);
    return ST_OK;
}

Status state_source_columns(Arena *arena, const Map *map, const Type **out, Error *err) {
    Options options = {.map = map, .prefix = STR(""), .owner = STR("state"), .defs = OPTIONS};
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    Snapshot snapshot;
    const Described *table;
    TRY(options_check(&options, also, err));
    return described_type(arena, &options, &snapshot, &table, out, err);
}

static Status source_check(const TableDesc *desc, bool as_sink, Error *err) {
    if (as_sink) return error_set(err, ST_VALIDATION, "a savepoint cannot be written with SQL");
    Options options = options_of(desc);
    const OptionDef *const also[] = {TABLE_OPTIONS, NULL};
    return options_check(&options, also, err);
}

// ---- reading -----------------------------------------------------------------------------------

typedef struct StateReader {
    SourceReader base;
    const ScanSpec *spec;
    Arena arena;
    Snapshot snapshot;
    const Described *table;  // NULL: the list
    Migration *migration;    // from all columns to the wanted ones; NULL: they are the same
    const Type *all;
    uint32_t file;           // at hand
    FrameReader *frames;
    FrameHead head;          // of its file
    Str room;                // for copies of databases; empty: none was needed yet
    SourceOutput *out;       // while it is polled
    uint32_t number;         // of the table in it
    uint32_t tables;         // described in it so far
    bool increments;         // a key may come in several files
    Map seen;                // keys of the files before, live or removed
    Map removed;             // by the file at hand
    Builder builder;
    Buf row, moved;
    bool listed;
} StateReader;

// What the operators have, counted frame by frame.
typedef struct Sizes {
    uint64_t *table_rows;    // a table
    int64_t *operator_bytes; // an operator
} Sizes;

static uint32_t operator_index(const Snapshot *self, uint64_t id) {
    const CheckpointOperator *op = operator_of(&self->at, id);
    return op ? (uint32_t)(op - self->at.op) : self->at.op_count;
}

static uint64_t count_rows(Str bytes) {
    uint64_t rows = 0;
    for (RowsReader reader = rows_reader(bytes); rows_next(&reader);) rows++;
    return rows;
}

// About so many lie in the database: what has expired counts until it is compacted away.
static uint64_t rows_on_disk(Str bytes) {
    uint64_t rows = 0;
    if (bytes.len >= sizeof rows) memcpy(&rows, bytes.ptr, sizeof rows);
    return rows;
}

static Status measure_file(const Snapshot *self, FrameReader *reader, bool newest, Sizes *sizes,
                           Error *err) {
    uint32_t tables = 0;
    PartKind kind = PART_TABLE;
    while (kind != PART_END) {
        Str bytes, rest;
        FrameTable table;
        FrameName name;
        uint32_t number;
        TRY(frames_next(reader, &kind, &bytes, err));
        uint32_t op = self->at.op_count;
        switch (kind) {
            case PART_TABLE:
                TRY(frame_table(bytes, &table, err));
                tables++;
                break;
            case PART_ROWS:
            case PART_REMOVED:
            case PART_ON_DISK:
                TRY(frame_rows(bytes, &number, &rest, err));
                if (number >= self->table_count) {
                    return error_set(err, ST_RUNTIME, "a frame names no table of its file");
                }
                if (kind == PART_ROWS) sizes->table_rows[number] += count_rows(rest);
                if (kind == PART_ON_DISK && newest) sizes->table_rows[number] += rows_on_disk(rest);
                op = (uint32_t)(self->table[number].op - self->at.op);
                break;
            case PART_END: break;
            default:
                TRY(frame_name(bytes, &name, &rest, err));
                op = operator_index(self, name.operator_id);
                break;
        }
        sizes->operator_bytes[op] += bytes.len;
    }
    return ST_OK;
}

static void list_row(StateReader *self, uint32_t op_index, const Described *table, uint64_t rows,
                     int64_t bytes) {
    const Checkpoint *at = &self->snapshot.at;
    const CheckpointOperator *op = &at->op[op_index];
    Vec *all[LIST_COLUMNS];
    Arena arena = {0};
    for (uint32_t c = 0; c < LIST_COLUMNS; c++) all[c] = vec_new(&arena, self->all->child[c], 1);
    char id[17];
    (void)snprintf(id, sizeof id, "%016llx", (unsigned long long)op->id);
    vec_i64(all[0])[0] = (int64_t)at->id;
    vec_set_text(all[1], 0, op->name);
    vec_set_text(all[2], 0, uid_of(&arena, op));
    vec_set_text(all[3], 0, str_c(id));
    vec_i32(all[4])[0] = (int32_t)at->workers;
    vec_i32(all[5])[0] = (int32_t)at->groups;
    vec_i64(all[7])[0] = bytes;
    for (uint32_t c = 8; c < LIST_COLUMNS && !table; c++) vec_set_null(all[c], 0);
    if (table) {
        vec_set_text(all[8], 0, table->name);
        vec_i64(all[9])[0] = (int64_t)rows;
        vec_set_text(all[10], 0, table->key);
        vec_set_text(all[11], 0, table->value);
    }
    uint32_t row = builder_row(&self->builder, ROW_INSERT);
    const Type *wanted = self->spec->produced;
    for (uint32_t w = 0; w < wanted->child_count; w++) {
        for (uint32_t c = 0; c < LIST_COLUMNS; c++) {
            if (!str_eq(wanted->field[w], self->all->field[c])) continue;
            vec_copy_value(self->builder.batch->column[w], row, all[c], 0);
        }
    }
    arena_clear(&arena);
}

static Status list_all(StateReader *self, Error *err) {
    Snapshot *snapshot = &self->snapshot;
    Sizes sizes = {ARENA_ARRAY(&self->arena, uint64_t, snapshot->table_count + 1),
                   ARENA_ARRAY(&self->arena, int64_t, snapshot->at.op_count + 1)};
    for (uint32_t i = 0; i < snapshot->at.file_count; i++) {
        FrameReader *reader;
        FrameHead head;
        TRY(frames_open(file_path(&self->arena, snapshot, i), &reader, &head, err));
        bool newest = snapshot->at.file[i].checkpoint == snapshot->at.id;
        Status st = measure_file(snapshot, reader, newest, &sizes, err);
        frames_close(reader);
        TRY(st);
    }
    for (uint32_t o = 0; o < snapshot->at.op_count; o++) {
        bool any = false;
        if (str_starts(snapshot->at.op[o].name, STR("exchange"))) continue;
        for (uint32_t t = 0; t < snapshot->table_count; t++) {
            if (snapshot->table[t].op != &snapshot->at.op[o]) continue;
            list_row(self, o, &snapshot->table[t], sizes.table_rows[t], sizes.operator_bytes[o]);
            any = true;
        }
        if (!any) list_row(self, o, NULL, 0, sizes.operator_bytes[o]);
    }
    return ST_OK;
}

static void take_row(StateReader *self, Str key, Str value) {
    self->row.len = 0;
    buf_put_str(&self->row, key);
    buf_put_str(&self->row, value);
    const char *at = self->row.ptr;
    if (self->migration) {
        self->moved.len = 0;
        (void)migrate_row(self->migration, at, &self->moved);
        at = self->moved.ptr;
    }
    uint32_t row = builder_row(&self->builder, ROW_INSERT);
    for (uint32_t c = 0; c < self->spec->produced->child_count; c++) {
        at = codec_get(at, self->builder.batch->column[c], row);
    }
}

// [increments]: a key may come in several files.
static Status take_rows(StateReader *self, Str bytes, bool increments, Error *err) {
    RowsReader row = rows_reader(bytes);
    while (rows_next(&row)) {
        if (increments) {
            if (map_has(&self->seen, row.key)) continue;
            (void)map_put(&self->removed, row.key, self);  // older files have older rows of it
        }
        take_row(self, row.key, row.value);
    }
    if (row.at == row.end) return ST_OK;
    return error_set(err, ST_RUNTIME, "rows of a snapshot are cut short");
}

static Status take_removed(StateReader *self, Str bytes, Error *err) {
    while (bytes.len) {
        uint32_t size;
        if (bytes.len < sizeof size) return error_set(err, ST_RUNTIME, "a frame is cut short");
        memcpy(&size, bytes.ptr, sizeof size);
        if (bytes.len - sizeof size < size) {
            return error_set(err, ST_RUNTIME, "a frame is cut short");
        }
        (void)map_put(&self->removed, str_make(bytes.ptr + sizeof size, size), self);
        bytes = str_sub(bytes, (uint32_t)sizeof size + size, bytes.len);
    }
    return ST_OK;
}

// Of a file's keys nothing older counts.
static void file_ends(StateReader *self) {
    for (uint32_t i = 0; i < self->removed.count; i++) {
        (void)map_put(&self->seen, self->removed.entry[i].key, self);
    }
    map_clear(&self->removed);
    frames_close(self->frames);
    self->frames = NULL;
    self->file++;
}

static Status hand_on(StateReader *self, uint32_t least, Error *err) {
    if (!self->builder.batch || self->builder.batch->rows < least) return ST_OK;
    return self->out->batch(self->out, 0, builder_take(&self->builder), err);
}

static Status take_database_rows(void *arg, Str bytes, Error *err) {
    StateReader *self = arg;
    TRY(take_rows(self, bytes, false, err));
    return hand_on(self, BATCH_ROWS_MAX, err);
}

// All rows of the table in the database of the worker whose file is at hand: the newest checkpoint
// has them all.
static Status take_database(StateReader *self, Error *err) {
    if (!self->room.len) self->room = disk_files_room(&self->arena, NULL);
    Str dir = str_printf(&self->arena, STR_FMT "/%u", STR_ARG(self->room), self->head.worker);
    bool found;
    Status st = disk_files_bring(self->snapshot.path, &self->snapshot.at, self->head.worker, dir,
                                 &found, err);
    if (!st && !found) {
        st = error_set(err, ST_RUNTIME,
                       "the files of table '" STR_FMT "' are not in the checkpoint",
                       STR_ARG(self->table->name));
    }
    if (!st) {
        st = state_disk_read(dir, self->table->op->id, self->table->name, NULL, take_database_rows,
                             self, err);
    }
    disk_files_remove(dir);
    disk_files_remove(self->room);
    return st;
}

static Status take_part(StateReader *self, PartKind kind, Str bytes, Error *err) {
    if (kind == PART_TABLE) {
        FrameTable table;
        TRY(frame_table(bytes, &table, err));
        bool chosen = table.operator_id == self->table->op->id &&
                      str_eq(table.name, self->table->name);
        if (chosen) self->number = self->tables;
        self->tables++;
        return ST_OK;
    }
    uint32_t number;
    if (kind != PART_ROWS && kind != PART_REMOVED && kind != PART_ON_DISK) return ST_OK;
    TRY(frame_rows(bytes, &number, &bytes, err));
    if (number != self->number) return ST_OK;
    if (kind == PART_ON_DISK) {
        bool newest = self->head.checkpoint == self->snapshot.at.id;
        return newest && rows_on_disk(bytes) ? take_database(self, err) : ST_OK;
    }
    return kind == PART_ROWS ? take_rows(self, bytes, self->increments, err)
                             : take_removed(self, bytes, err);
}

// Reads on until a batch is full or all is read.
static Status read_some(StateReader *self, Error *err) {
    while (self->file < self->snapshot.at.file_count) {
        if (!self->frames) {
            TRY(frames_open(file_path(&self->arena, &self->snapshot, self->file), &self->frames,
                            &self->head, err));
            self->tables = 0;
            self->number = UINT32_MAX;
        }
        PartKind kind;
        Str bytes;
        TRY(frames_next(self->frames, &kind, &bytes, err));
        if (kind == PART_END) {
            file_ends(self);
        } else {
            TRY(take_part(self, kind, bytes, err));
        }
        if (self->builder.batch && self->builder.batch->rows >= BATCH_ROWS_MAX) return ST_OK;
    }
    return ST_OK;
}

static Status state_poll(SourceReader *reader, SourceOutput *out, ReadState *state, Error *err) {
    StateReader *self = (StateReader *)reader;
    *state = READ_END;
    if (!self->spec) return ST_OK;  // another worker reads
    self->out = out;
    if (self->table) {
        TRY(read_some(self, err));
        if (self->file < self->snapshot.at.file_count) *state = READ_MORE;
    } else if (!self->listed) {
        self->listed = true;
        TRY(list_all(self, err));
    }
    return hand_on(self, 1, err);
}

static bool state_is_empty(SourceReader *reader) {
    return !((StateReader *)reader)->spec;
}

static void state_close(SourceReader *reader) {
    StateReader *self = (StateReader *)reader;
    frames_close(self->frames);
    map_clear(&self->seen);
    map_clear(&self->removed);
    if (self->spec) builder_clear(&self->builder);
    buf_free(&self->row);
    buf_free(&self->moved);
    arena_clear(&self->arena);
    mem_free(self);
}

static const SourceVt STATE_SOURCE = {
    .poll = state_poll, .is_empty = state_is_empty, .close = state_close};

// Every wanted column is one that there is.
static Status check_columns(const StateReader *self, Error *err) {
    const Type *wanted = self->spec->produced;
    for (uint32_t w = 0; w < wanted->child_count; w++) {
        bool found = false;
        for (uint32_t c = 0; c < self->all->child_count; c++) {
            found |= str_eq(wanted->field[w], self->all->field[c]);
        }
        if (found) continue;
        Buf list = {0};
        type_print(self->all, &list);
        (void)error_set(err, ST_VALIDATION, "the state has no column '" STR_FMT "'",
                        STR_ARG(wanted->field[w]));
        error_hint(err, "it has %s", buf_cstr(&list));
        buf_free(&list);
        return ST_VALIDATION;
    }
    return ST_OK;
}

static Status state_begin(StateReader *self, const ScanSpec *spec, Error *err) {
    Options options = options_of(spec->table);
    self->spec = spec;
    builder_init(&self->builder, spec->produced);
    TRY(described_type(&self->arena, &options, &self->snapshot, &self->table, &self->all, err));
    TRY(check_columns(self, err));
    self->increments = self->snapshot.at.file_count > self->snapshot.at.workers;
    if (!self->table) return ST_OK;
    Buf said = {0}, text = {0};
    const Type *plain;
    type_print(spec->produced, &text);
    Status st = parse_type(&self->arena, str_dup(&self->arena, buf_str(&text)), &plain, err);
    if (!st) {
        st =
            migrate_rows(&self->arena, self->all, plain, false, NULL, &self->migration, &said, err);
    }
    buf_free(&said);
    buf_free(&text);
    return st;
}

static Status state_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out, Error *err) {
    StateReader *self = NEW(StateReader);
    self->base.vt = &STATE_SOURCE;
    arena_init(&self->arena);
    Status st = env->index == 0 ? state_begin(self, spec, err) : ST_OK;
    if (st) {
        state_close(&self->base);
        return st;
    }
    *out = &self->base;
    return ST_OK;
}

static bool always_bounded(const TableDesc *desc) {
    (void)desc;
    return true;
}

const Connector STATE_CONNECTOR = {
    .name = "savepoint",
    .options = OPTIONS,
    .source = true,
    .check = source_check,
    .source_bounded = always_bounded,
    .source_open = state_open,
    .doc = "The state in a savepoint or checkpoint.",
};
