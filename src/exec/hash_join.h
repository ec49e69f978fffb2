// exec/hash_join.h - shared by hash_join.c (the operator: which side is built, rows put aside) and
// hash_probe.c (the table and what comes out of it).
#pragma once

#include "exec/spill.h"

// A row of the side that was built. Its bytes are those of a record: see join_record.
typedef struct BuildRow {
    struct BuildRow *next;   // with the same slot; before the table is made, of the same side
    uint64_t hash;
    uint32_t key_size, size; // of the key's bytes, of all bytes
    bool matched;
    char bytes[];            // the key as codec_put_key writes it, then the row by codec_put
} BuildRow;

// Rows kept in slabs, in the order they came.
typedef struct RowList {
    Budget *budget;
    BuildRow *first, *last;
    uint64_t rows;
    char **slab;
    uint32_t slab_count, slab_cap;
    char *slab_next, *slab_end;
    int64_t bytes;           // charged
} RowList;

void row_list_init(RowList *self, Budget *budget);
// A record: hash, size of the key, key, row.
NODISCARD Status row_list_add(RowList *self, Str record, Error *err);
void row_list_clear(RowList *self);

typedef struct JoinSide {
    const Type *row;
    const uint32_t *key;
    bool outer;              // its rows without a match are sent, padded with NULLs
    uint32_t columns;
} JoinSide;

typedef struct HashJoin {
    Operator base;
    JoinSide side[2];
    bool semi, anti;
    Program *condition;      // over left columns then right columns; NULL: none
    Budget *own;             // the operator's
    int64_t share;
    Arena scratch;
    Buf record;
    // The table of the side [build].
    uint32_t build;
    RowList list;
    BuildRow **slot;
    uint64_t slot_count;
    bool last_chunk;         // no more rows of the built side will be shown to the probing ones
    // Pairs found and not sent yet: row of the batch that probes, row of the table.
    uint32_t *pair_row;
    BuildRow **pair_build;
    uint32_t pair_count;
    struct JoinStage *stage; // hash_join.c
} HashJoin;

// The record of row [row], in self->record; false when a key that is compared with "=" is NULL.
bool join_record(HashJoin *self, uint32_t side, const Batch *in, uint32_t row);
// Row [row] of side [side] has no match and never will have: sends it where the join wants that.
NODISCARD Status join_unmatched(HashJoin *self, uint32_t side, const Batch *in,
                                const uint32_t *rows, uint32_t count, Error *err);
// Makes self->list the table of side [build].
NODISCARD Status join_build(HashJoin *self, uint32_t build, Error *err);
// Joins the rows of the other side with the table. [matched]: a bit a row, set when it has met a
// match in this or an earlier chunk of the built side.
NODISCARD Status join_probe(HashJoin *self, Batch *in, uint64_t *matched, Error *err);
// All rows of the other side have probed: sends what that says of the table's rows, and forgets it.
NODISCARD Status join_build_done(HashJoin *self, Error *err);
void join_build_drop(HashJoin *self);
