// state/table.h - keyed state: tables that operators declare and look batches of keys up in.
//
// A StateTable maps a key (some columns, NULLs equal) to a row of fixed size: bytes that belong to
// the operator, zero when the row is new. What does not fit (lists, text) the operator hangs off it
// and frees in [clear]. The description of key and value types lies beside the data, so that a
// snapshot can be read without the program that wrote it.
//
// Snapshots are taken while work goes on (copy on write, row by row): from the moment a snapshot
// begins, a row that is about to change is written out first as it was; the others follow in small
// steps between batches. A later snapshot holds only what changed since the one that was confirmed.
//
// Hot path: encode and hash a whole batch of keys, prefetch, then probe.
// Memory: charged to the operator's budget. Threads: the worker's own.
#pragma once

#include "base/map.h"
#include "col/batch.h"

typedef struct StateBackend StateBackend;
typedef struct StateTable StateTable;

typedef struct StateTableDef {
    const char *name;          // "groups"
    uint64_t operator_id;      // Plan.stable_id
    Budget *budget;            // charged with rows and index; NULL: the backend's
    const Type *key;           // ROW of the key columns
    const Type *value;         // ROW that describes the value as a snapshot stores it
    uint32_t version;          // of the value's layout
    uint32_t row_size;         // bytes of the operator's part of a row; multiple of 8
    int64_t ttl_ms;            // after the last write; 0: for ever
    void (*clear)(void *arg, uint8_t *row);  // releases what a row owns; may be NULL
    // Appends the row's value: the fields of [value] one after the other, as codec_put writes them.
    void (*save)(void *arg, const uint8_t *row, Buf *out);
    // Set for rows whose own bytes say all: what `save` would write, made of a copy of the row by
    // the thread that writes the snapshot, where there is room for [copy_max] bytes; returns the
    // end. Changes nothing that `save` or the operator uses.
    char *(*save_copy)(void *copy_arg, const uint8_t *row, char *to);
    uint32_t copy_max;
    void *copy_arg;
    // Reads it back into a row of zero bytes whose key is in place, and rebuilds what points at the
    // row from elsewhere (timers, buckets). Returns the end of the value's bytes, NULL on failure.
    const char *(*load)(void *arg, uint8_t *row, const char *at, Error *err);
    // A snapshot of an earlier version of the query may lack field [field] of [value]: appends what
    // it has in such a row; false when it cannot be made up. NULL: only NULL can.
    bool (*begin)(void *arg, uint32_t field, Buf *out);
    const char *begin_of;      // not of [value], but of the row in the field of this name
    bool rows_fixed;           // rows within values are found again by all their columns
    void *clear_arg;           // of clear, save, load and begin
    bool derived;              // made anew from another table: in no snapshot
    // Nobody keeps pointers to its rows between batches, nor needs state_next to give all of them:
    // with a disk (state/disk.h), rows may go there. Rows that are waited for are pinned.
    bool may_leave;
    bool load_all;             // `load` pins rows: a restored table is read through once
    // For tables whose rows are waited for by time, and may leave all the same (both or none; they
    // need may_leave and load_all, and no TTL). When the row is wanted back at the latest;
    // INT64_MAX: only by its key.
    int64_t (*wanted)(void *arg, const uint8_t *row);
    // It is about to leave memory: whatever points at it forgets it; `load` will point at it again.
    void (*leave)(void *arg, uint8_t *row);
    // The columns of [key] by which rows are spread over workers (indexes); NULL: all.
    const uint32_t *group;
    uint32_t group_count;
} StateTableDef;

StateBackend *state_backend_new(Budget *budget);
void state_backend_free(StateBackend *backend);
StateTable *state_table_open(StateBackend *backend, const StateTableDef *def);

// rows_out[i]: the row of the key in row i of the key columns, or NULL when absent and not [add].
// is_new (may be NULL): 1 when this call made the row. [mask]: rows to look up (NULL all; others
// give NULL). Pointers stay good until the row is removed. [now_ms]: processing time, for the TTL.
NODISCARD Status state_find(StateTable *table, Vec *const *key, uint32_t rows, const uint64_t *mask,
                            bool add, int64_t now_ms, uint8_t **rows_out, uint8_t *is_new,
                            Error *err);
// To be called before a row is changed that was not found with [add] since the last barrier:
// through a pointer kept in a timer, a bucket or a heap, or found without [add].
void state_write(StateTable *table, uint8_t *row);
// Marks rows written now (starts their TTL again).
void state_touch(StateTable *table, uint8_t *row, int64_t now_ms);
// Removes a row (clear is called). The pointer is dead afterwards.
void state_remove(StateTable *table, uint8_t *row);
// Writes the key of a row into row [at] of the key columns' vecs (types as in def->key).
void state_key(const StateTable *table, const uint8_t *row, Vec **out, uint32_t at);
// The same as bytes: the columns one after the other, as codec_put_key writes them.
const char *state_key_bytes(const StateTable *table, const uint8_t *row);
uint64_t state_count(const StateTable *table);
uint64_t state_bytes(const StateTable *table);
// Both, added up over all tables of an operator.
void state_backend_usage(const StateBackend *backend, uint64_t operator_id, uint64_t *rows,
                         uint64_t *bytes);
// Somebody keeps a pointer to the row: it stays in memory until that is over.
void state_pin(StateTable *table, uint8_t *row, bool pinned);

// Whether rows of the table may be elsewhere than in memory.
bool state_may_leave(const StateTable *table);
// Of tables with `leave`. When the first of the rows that have left may be wanted back, INT64_MAX:
// none is away.
int64_t state_away_first(const StateTable *table);
// Whether some of them may be wanted back at [ms].
static inline bool state_away_due(const StateTable *table, int64_t ms) {
    int64_t first_ms = state_away_first(table);
    return first_ms != INT64_MAX && first_ms <= ms;
}

enum { RECALL_MAX = 512 };
typedef struct StateRecall {
    int64_t from_ms, until_ms;  // rows wanted back between these times, both included
    bool borrows;               // those that come are let go again (state_let_go)
    uint32_t count;             // of those that have come; 0: there are no more
    uint8_t *row[RECALL_MAX];
    Buf at;                     // how far it has come
} StateRecall;
// The next rows that are not in memory come back, in the order of their times; zero bytes but for
// the times to begin with. Those in memory already are not among them.
NODISCARD Status state_recall(StateTable *table, StateRecall *recall, Error *err);
void state_recall_clear(StateRecall *recall);
// The row may go: it leaves at once if it is on disk as it is.
void state_let_go(StateTable *table, uint8_t *row);
// For an operator that goes through more rows in one call than memory takes: rows of this table
// leave if memory holds more than it should. No pointer to a row of it is good afterwards.
NODISCARD Status state_table_trim(StateTable *table, Error *err);

// All live rows, in the order they were added; of a table with a disk, those in memory. Rows may be
// removed while iterating, not added.
uint8_t *state_next(StateTable *table, uint64_t *cursor);

// ---- snapshots ---------------------------------------------------------------------------------

// The parts of a snapshot, in the order in which they come.
typedef enum StatePart {
    STATE_TABLE,    // a table begins: its definition
    STATE_REMOVED,  // keys that went since the snapshot before; none in a full one
    STATE_ROWS,     // rows, as state/rows.h has them
    STATE_ON_DISK,  // its rows lie in the backend's files: u64 how many, about
} StatePart;

typedef struct StateOut {
    // [number]: of the table, from 0 in the order of the STATE_TABLE parts.
    void (*part)(void *arg, const StateTableDef *table, uint32_t number, StatePart part, Str bytes);
    void *arg;
    // Set: rows on disk are not handed out; once all of them are there this is called, and the
    // snapshot waits for state_disk_fix (state/disk.h). NULL: they are handed out as all others.
    void (*files)(void *arg, StateBackend *backend);
    // Set: rows that have a save_copy are handed out as they lie in memory, which is quicker than
    // to write them; any thread makes STATE_ROWS of them by state_copies_save. Takes the bytes
    // over, and may leave an empty buffer in their place.
    void (*copies)(void *arg, const StateTableDef *table, uint32_t number, Buf *rows);
    // Set, beside [copies]: another thread takes most such rows itself, by state_sweep until that
    // says that there are no more; the snapshot waits for it (state_snapshot_waits). Calls for one
    // table come one after the other.
    void (*sweep)(void *arg, StateTable *table, uint32_t number);
} StateOut;

// Appends some rows of the table as they were when the snapshot began, as STATE_ROWS has them,
// while the table's worker goes on; false: there are no more. NULL: nobody wants them any more.
bool state_sweep(StateTable *table, Buf *out);

// Appends rows that were handed out as copies as STATE_ROWS has them.
void state_copies_save(const StateTableDef *table, Str copies, Buf *out);

// From now on tables remember what changes. Before the first row comes, or before a snapshot that
// is full.
void state_track(StateBackend *backend);
// Begins a snapshot of all tables as they are now: of everything, or of what changed since the last
// confirmed one. A first one, and one after a failure, is always full: *full says so.
void state_snapshot_begin(StateBackend *backend, bool *full, StateOut out);
// Goes on with it until about [until_ns] of the monotonic clock; true when all is written out.
bool state_snapshot_step(StateBackend *backend, int64_t until_ns);
// It has nothing to do until another thread has called state_disk_fix.
bool state_snapshot_waits(const StateBackend *backend);
// The snapshot has become durable, or has been given up.
void state_snapshot_end(StateBackend *backend, bool durable);

// Which keys a worker takes when it reads a snapshot.
typedef struct StateShare {
    uint32_t index, count;  // of the workers
    uint32_t groups;        // pipeline.max-parallelism
    bool newest;            // no row of it has been read from another file
} StateShare;

// The worker among [count] that owns a key of that hash (vec_hash_into over its columns).
static inline uint32_t state_owner(uint64_t hash, uint32_t groups, uint32_t count) {
    uint32_t group = (uint32_t)(hash >> 32) % groups;
    return (uint32_t)((uint64_t)group * count / groups);
}

// The table of that operator and name; NULL when there is none.
StateTable *state_table_find(StateBackend *backend, uint64_t operator_id, Str name);
const StateTableDef *state_table_def(const StateTable *table);
// Reads the bytes of a STATE_ROWS part. Snapshots are read newest first: a key that is there, or in
// [gone] (keys removed later; may be NULL), is passed over.
NODISCARD Status state_load(StateTable *table, Str bytes, const StateShare *share,
                            const Map *gone, Error *err);
