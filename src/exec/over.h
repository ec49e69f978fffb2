// exec/over.h - shared by over.c (rows in order of time) and over_sorted.c (in any other order).
#pragma once

#include "exec/saved.h"

// When a key with a bounded RANGE frame is to be cleaned up: by a watermark that comes after
// [since_ms], the one at hand when this was noted.
typedef struct OverCleanup {
    int64_t at_ms, since_ms;
} OverCleanup;

// What a key keeps, before its aggregates' states; zero bytes are a new key.
typedef struct OverPart {
    StoredRow *oldest, *newest;   // a bounded frame's rows
    int64_t kept;
    int64_t waiting;              // rows in the line of those that wait
    int64_t last_ms;              // the last stamp that left; late is what is not above it
    OverCleanup *cleanup;         // bounded RANGE by time: rising; the last one is the true one
    uint32_t cleanup_count, cleanup_cap;
    StoredRow *due, *due_last;    // of the stamp that leaves right now
    SortedRows rows;              // over_sorted.c: all rows
} OverPart;

typedef struct Over {
    Operator base;
    StateTable *parts;
    AggEnv agg_env;
    Arena scratch;        // of a batch
    Arena step;           // of a row (over_sorted.c)
    AggCall **call;
    uint32_t agg_count, columns, group_size;
    bool timed, proctime, closed;
    SortedImage image;    // of [waiting], while a snapshot is written
    SortedRows waiting;   // by time: rows that wait; StoredRow.next is their key's part
    RowPool pool;
    RowLoader loader, sorted_loader;  // without and with a sort key
    AggSaver saver;
    Builder out;
    uint8_t **due;
    uint32_t due_cap;
    // The run at hand: rows that enter and leave frames, their groups, and which of them go out
    // with the results behind which.
    Batch *work;
    uint8_t **group;
    uint32_t work_group_cap;
    uint32_t *out_row, *out_value, out_count;
} Over;

OverPart *over_part(uint8_t *row);
void over_part_clear(void *self, uint8_t *row);
void over_work_begin(Over *self);
// Appends a row that enters (or, with [retract], leaves) the frame of [group]; returns its place.
uint32_t over_work_add(Over *self, const StoredRow *row, uint8_t *group, bool retract);
// Row [row] of the run goes out with the results behind row [value].
void over_work_out(Over *self, uint32_t row, uint32_t value);
// after[a]: the results of aggregate [a] behind each row of the run.
NODISCARD Status over_work_step(Over *self, Vec **after, Error *err);

NODISCARD Status over_sorted_batch(Over *self, const Batch *in, uint8_t **group, Error *err);
