// state/memory.h - the inside of the memory backend, shared by the files of state/ and nobody else.
//
// One open-addressing index over rows in slabs. A row is [header][operator's part][encoded key].
// Keys are encoded to bytes (NULL bitmap, fixed slots, text with its length), so that equality is
// memcmp and one hash serves all types. Rows never move; free rows of a size class are reused. The
// index keeps the hash beside the row's place, so that a probe of a full table touches one cache
// line before it touches the row.
#pragma once

#include "state/table.h"

typedef struct RowHead {
    uint64_t hash;
    int64_t written_ms;      // for the TTL
    struct RowHead *older, *newer;  // in order of addition
    uint32_t key_size;
    uint16_t class;          // of the block's size
    bool live;               // in the table, not in a free list
    // Epochs end where snapshots begin; 0: nobody takes snapshots.
    uint32_t changed;        // the last epoch in which the row changed
    uint32_t saved;          // the epoch whose snapshot took the row last; 0: none
} RowHead;

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

enum { SLAB_SIZE = 1 << 18 };

struct StateTable {
    StateTableDef def;
    StateBackend *backend;
    StateTable *next;
    Slot *slot;
    uint64_t slot_count;     // power of two
    uint64_t count;
    uint64_t bytes;          // charged to the budget
    RowHead *oldest, *newest;
    RowHead *free_row[CLASS_COUNT];
    char *slab_next, *slab_end;
    void **slab;
    uint32_t slab_count, slab_cap;
    Buf keys;                // encoded keys of the batch at hand
    uint32_t *key_at;        // BATCH rows + 1 offsets
    uint64_t *hashes;
    uint32_t batch_cap;
    uint32_t number;         // in the snapshot under way
    // What the next snapshot needs: rows changed and keys removed since the last one began.
    uint32_t epoch;          // the backend's
    RowList changed;
    Buf removed;
    // The snapshot under way.
    RowList to_save;         // not used by a full one, which walks all rows
    uint64_t to_save_at;
    RowHead *cursor;         // of a full one
    Buf rows;                // not handed out yet
};

struct StateBackend {
    Budget *budget;
    StateTable *tables;
    uint32_t epoch;
    uint32_t taking;         // the epoch whose snapshot is under way; 0: none
    uint32_t floor;          // it holds rows changed since that one
    uint32_t durable;        // the epoch of the last snapshot that was confirmed; 0: none
    StateTable *sweeping;    // the table it has come to
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

// table.c: a new row for the key, whose free slot is [at]; the slot of a key, taken or free, after
// room for one more was made.
NODISCARD Status row_add(StateTable *table, uint64_t at, uint64_t hash, Str key, int64_t now_ms,
                         RowHead **out, Error *err);
NODISCARD Status slot_reserve(StateTable *table, uint64_t hash, Str key, uint64_t *at, Error *err);

// snapshot.c: a row of a tracked table is about to change, or to go.
void row_changes(StateTable *table, RowHead *row);
void row_goes(StateTable *table, RowHead *row);
