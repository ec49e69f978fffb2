// state/memory.h - the inside of the memory backend, shared by the files of state/ and nobody else.
//
// One open-addressing index over rows in slabs. A row is [header][operator's part][encoded key].
// Keys are encoded to bytes (NULL bitmap, fixed slots, text with its length), so that equality is
// memcmp and one hash serves all types. Rows never move; free rows of a size class are reused. The
// index keeps the hash beside the row's place, so that a probe of a full table touches one cache
// line before it touches the row.
#pragma once

#include <stdatomic.h>

#include "state/rows.h"
#include "state/table.h"

typedef struct RowHead {
    uint64_t slab : 24;      // in which it lies
    uint64_t hash : 40;      // the lowest bits
    int64_t written_ms;      // for the TTL; of tables with `leave`: the time of its note on disk
    struct RowHead *older, *newer;  // in order of addition
    uint32_t key_size;
    uint8_t class;           // of the block's size
    uint8_t flags;           // RowFlag
    uint16_t unused;
    // Epochs end where snapshots begin; 0: nobody takes snapshots.
    uint32_t changed;        // the last epoch in which the row changed
    uint32_t saved;          // an epoch whose snapshot knew the row; 0: none did
} RowHead;

static const uint64_t ROW_HASH = ((uint64_t)1 << 40) - 1;

// All but the last are of tables with a disk.
typedef enum RowFlag {
    ROW_USED = 1,    // found since eviction passed it by
    ROW_STORED = 2,  // the disk has it, as it is or as it was
    ROW_DIRTY = 4,   // but not as it is
    ROW_GONE = 8,    // removed, and the disk still has it; for everybody else it is not there
    ROW_PINNED = 16,
    ROW_LIVE = 32,    // in the table, not in a free list
} RowFlag;

// Rows that changed in an epoch, each at least once; some are gone by now.
typedef struct RowList {
    RowHead **row;
    uint64_t count, cap;
} RowList;

typedef struct Slot {
    RowHead *row;  // NULL: free
    uint64_t hash;
} Slot;

// All blocks of a class have one size, so that a freed one serves any row of its class: up to 1 KiB
// each multiple of 16, beyond it four sizes to a doubling.
enum {
    CLASS_UNIT = 16,
    CLASS_EXACT = 64,
    CLASS_SHIFT_MIN = 10,  // 64 * 16
    CLASS_SHIFT_MAX = 33,  // a key has 4 GiB at most
    CLASS_COUNT = CLASS_EXACT + 1 + (CLASS_SHIFT_MAX - CLASS_SHIFT_MIN) * 4,
};

_Static_assert(CLASS_COUNT <= UINT8_MAX, "RowHead.class");

// Rows lie in slabs one behind the other. A block that has its size never gets another one.
typedef struct Slab {
    _Alignas(16) struct Slab *next;
    char *end;               // of its rows, when it is full
    bool in_block;
} Slab;

enum { SLAB_SIZE = 1 << 18, SLABS_MAX = 1 << 24 };  // 4 TiB

// A table whose snapshot another thread takes, slab by slab (sweep.c).
typedef struct Sweep {
    bool on;                 // the snapshot under way is taken so
    _Atomic int saving;      // the worker has its turn
    // How many slabs the thread has taken, times SWEEP_ONE; SWEEP_READS: it is at the next one.
    _Atomic uint64_t at;
    uint32_t recent;         // the slab that the worker changed rows of last
    // When the snapshot began: how many there were, the one of them that is the first to be taken,
    // after the newest comes the oldest, and where the newest ended.
    uint32_t slabs, first;
    char *newest_end;
    const Slab *oldest;
    const Slab *next;        // the thread's: that it reads next
    Buf copy;                // of a slab
} Sweep;

enum { SWEEP_READS = 1, SWEEP_ONE = 2 };

static const int64_t NO_NOTE = INT64_MIN;

struct StateTable {
    StateTableDef def;
    StateBackend *backend;
    StateTable *next;
    Slot *slot;
    uint64_t slot_count;     // power of two
    uint64_t count;          // of rows in the index
    uint64_t bytes;          // charged to the budget
    RowHead *oldest, *newest;
    RowHead *free_row[CLASS_COUNT];
    uint64_t spare;          // rows in those lists
    char *slab_next, *slab_end;
    Slab **slab;             // in the order in which they were made
    uint32_t slab_count, slab_cap;
    // Of a table that has become large: slabs lie in blocks, on large pages.
    void **block;
    uint32_t block_count;
    char *block_next, *block_end;
    Buf keys;                // encoded keys of the batch at hand
    uint32_t *key_at;        // BATCH rows + 1 offsets
    uint64_t *hashes;
    uint32_t batch_cap;
    uint32_t number;         // in the snapshot under way
    // What the next snapshot needs: rows changed and keys removed since the last one began.
    uint32_t epoch;          // the backend's
    RowList changed;
    bool many_change;        // more than are worth a list: it ends early, and begins no more
    uint64_t changes;        // how many there were, listed or not
    Buf removed;
    // The snapshot under way.
    RowList to_save;         // not used by a full one, which walks all rows
    uint64_t to_save_at;
    RowHead *cursor;         // of a full one
    Buf rows;                // not handed out yet
    RowsWriter writer;       // of these
    bool copies;             // as RowCopy
    Sweep sweep;
    // With a disk (disk.c); the rows above are a cache of those there.
    bool on_disk;
    bool counted;            // the first with its budget
    bool whole;              // no row is on disk alone: what is not here is nowhere
    bool draining;           // the snapshot under way takes its rows from the disk
    uint64_t prefix;         // of its keys on disk
    uint64_t disk_rows;      // on disk alone; with a TTL some of them have expired
    int64_t away_first_ms;   // no row on disk is wanted back before; of tables with `leave`
    uint64_t gone;           // rows in the index that are ROW_GONE
    uint64_t *owner_hashes;  // of the batch at hand
    uint16_t group;          // key group of the row about to be added
};

struct StateBackend {
    Budget *budget;
    struct Disk *disk;       // NULL: all state is in memory
    uint32_t groups;         // with a disk: pipeline.max-parallelism
    StateTable *tables;
    uint32_t epoch;
    uint32_t taking;         // the epoch whose snapshot is under way; 0: none
    uint32_t floor;          // it holds rows changed since that one
    uint32_t durable;        // the epoch of the last snapshot that was confirmed; 0: none
    StateTable *draining;    // first the table whose rows go to disk for it
    StateTable *sweeping;    // then the table whose rows are handed out
    StateOut out;
};

static inline uint8_t *row_of(RowHead *head) {
    return (uint8_t *)(head + 1);
}
static inline RowHead *head_of(uint8_t *row) {
    return (RowHead *)(void *)row - 1;
}
static inline const char *key_of(const StateTable *table, RowHead *head) {
    return (const char *)row_of(head) + table->def.row_size;
}

// The row's key is that one. Whoever asks has found their hashes equal, so that it hardly ever is
// not; most keys are a number and its mark.
static inline bool key_is(const StateTable *table, RowHead *row, Str key) {
    uint32_t size = row->key_size;
    const char *own = key_of(table, row);
    if (size != key.len) return false;
    if (size < 8 || size > 16) return memcmp(own, key.ptr, size) == 0;
    uint64_t first[2], last[2];
    memcpy(&first[0], own, 8);
    memcpy(&first[1], key.ptr, 8);
    memcpy(&last[0], own + size - 8, 8);
    memcpy(&last[1], key.ptr + size - 8, 8);
    return first[0] == first[1] && last[0] == last[1];
}

// The key group behind the key of a row on disk.
static inline uint16_t group_of(const StateTable *table, RowHead *head) {
    uint16_t group;
    memcpy(&group, key_of(table, head) + head->key_size, sizeof group);
    return group;
}

// table.c: a new row for the key, whose free slot is [at]; the slot of a key, taken or free, after
// room for one more was made; the slot of a row.
NODISCARD Status row_add(StateTable *table, uint64_t at, uint64_t hash, Str key, int64_t now_ms,
                         RowHead **out, Error *err);
NODISCARD Status slot_reserve(StateTable *table, uint64_t hash, Str key, uint64_t *at, Error *err);
uint64_t slot_of(const StateTable *table, const RowHead *row);
// Takes a row out of the table, whose operator's part is cleared, and its block is free.
void row_take_out(StateTable *table, uint64_t at);

// The size of the blocks of a class.
size_t class_size(uint32_t class);

// sweep.c: slabs are left to take. What was taken before the snapshot's end stays so.
static inline bool sweep_under_way(const StateTable *table) {
    uint64_t at = atomic_load_explicit(&table->sweep.at, memory_order_acquire);
    return table->sweep.on && at / SWEEP_ONE < table->sweep.slabs;
}
// The worker has a turn, which must be short: from one to the other no slab is begun. Returns where
// the sweep is, for sweep_took.
uint64_t sweep_enter(StateTable *table);
void sweep_leave(StateTable *table);
uint64_t sweep_take_away(StateTable *table, uint64_t at);
// Within a turn: the slab, which was there when the snapshot began, has been taken; false: nor will
// it be during this turn. [at]: where the sweep is.
static inline bool sweep_took(StateTable *table, uint32_t slab, uint64_t *at) {
    const Sweep *self = &table->sweep;
    uint32_t rank = slab >= self->first ? slab - self->first : slab + self->slabs - self->first;
    if (rank == *at / SWEEP_ONE && *at & SWEEP_READS) *at = sweep_take_away(table, *at);
    return rank < *at / SWEEP_ONE;
}
// The slabs that there are now are to be taken.
void sweep_begin(StateTable *table);
void sweep_free(StateTable *table);

// snapshot.c: a row has been added to a tracked table, is about to change, or to go.
void row_is_new(StateTable *table, RowHead *row);
void row_changes(StateTable *table, RowHead *row);
// All of these few that are not NULL are about to change, perhaps not for the first time.
void rows_change(StateTable *table, uint8_t *const *row, uint32_t rows);
void row_goes(StateTable *table, RowHead *row);
// A row of a table on disk is about to leave memory.
void row_leaves(StateTable *table, RowHead *row);
// Appends a row's bytes, with its key behind them, as STATE_ROWS has it, for a table with
// save_copy.
void row_copy_put(const StateTableDef *table, const uint8_t *row, uint32_t key_size,
                  int64_t written_ms, RowsWriter *to);
// Those of a table that are to be handed out are, when they are enough; all of them.
void rows_hand_out_part(StateTable *table);
void rows_hand_out(StateTable *table);
// The hash by which exchanges spread the key's rows; [column]: one row of each key column.
uint64_t key_owner_hash(const StateTable *table, Str key, Vec *const *column);

// disk.c: what the other files ask when a table lies on disk.
// The table has been opened; it may have its rows on disk.
void disk_table_open(StateTable *table);
void disk_table_free(StateTable *table);
void disk_free(StateBackend *backend);
// Before a batch's keys are looked up: fetches those that are not in memory.
NODISCARD Status disk_fetch(StateTable *table, Vec *const *key, uint32_t rows, const uint64_t *mask,
                            int64_t now_ms, Error *err);
// Sets the group of the row about to be added for key [row] of the batch at hand.
static inline void disk_group(StateTable *table, uint32_t row) {
    table->group = (uint16_t)((table->owner_hashes[row] >> 32) % table->backend->groups);
}
// The disk gets the row as it is: now, or when the batch of writes is full.
void disk_save(StateTable *table, RowHead *row);
// A row is removed: true when it stays in the index, to be deleted on disk.
bool disk_remove(StateTable *table, RowHead *row);
// A row that is gone comes to life again, new.
void disk_revive(StateTable *table, RowHead *row, int64_t now_ms);
// A row of a snapshot; for tables that read theirs through (load_all), it is in memory already.
NODISCARD Status disk_load(StateTable *table, Str key, uint64_t owner_hash, Str value,
                           int64_t written_ms, bool newest, Error *err);
// The snapshot under way begins: from now on the disk stays as it is but for what disk_save writes
// of before that instant; all of it is there now; rows are handed out, true when all are; it is
// over.
void disk_snapshot_begin(StateBackend *backend);
void disk_snapshot_saved(StateBackend *backend);
bool disk_snapshot_step(StateBackend *backend, int64_t until_ns);
bool disk_waits(const StateBackend *backend);
void disk_snapshot_end(StateBackend *backend);
