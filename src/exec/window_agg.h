// exec/window_agg.h - shared by the files of window aggregation and nobody else.
//
//   window_agg.c      the operator: opening, what all kinds share, dispatch
//   window_slice.c    windows of fixed bounds, by slices
//   window_session.c  sessions
//   window_trigger.c  group windows of the old syntax that fire early or late
#pragma once

#include "exec/bucket.h"
#include "exec/saved.h"
#include "exec/session.h"

typedef struct WindowAgg WindowAgg;

// What stands before the aggregates' states in a group.
typedef struct WindowHead {
    int64_t count;  // rows added minus rows retracted; kept only when the input retracts
    int64_t end;    // of its slice or window
    int64_t timer;  // HOP over retractions: the first window its rows ask for
    uint32_t at;    // in its bucket; in no snapshot
} WindowHead;

typedef struct WindowAggImpl {
    Status (*open)(WindowAgg *self, Error *err);
    Status (*on_batch)(WindowAgg *self, Batch *in, Error *err);
    // Fires what is due at watermark or processing time [ms].
    Status (*advance)(WindowAgg *self, int64_t ms, Error *err);
    // A timer of processing time; NULL: advance.
    Status (*on_timer)(WindowAgg *self, int64_t now_ms, Error *err);
    void (*close)(WindowAgg *self);
    // After all tables were loaded; NULL: nothing to do.
    void (*restored)(WindowAgg *self);
} WindowAggImpl;

extern const WindowAggImpl WINDOW_SLICE_IMPL, WINDOW_SESSION_IMPL, WINDOW_TRIGGER_IMPL;

struct WindowAgg {
    Operator base;
    const WindowAggImpl *impl;
    WindowClock clock;
    Arena scratch;
    AggEnv agg_env;
    AggSaver saver;
    AggEnv copy_env;
    AggSaver copies;       // the thread's that writes snapshots; unused when groups own something
    AggCall **call;        // copies with their offsets
    uint32_t agg_count;
    uint32_t group_size;
    bool retracts;         // the input can retract
    bool closed;
    bool restored;
    uint32_t *own_key;     // of the tables: the columns that are keys of the aggregation
    Builder out;
    // Slices.
    StateTable *slices;    // keys and end (attached: start and end)
    Buckets live;
    StateTable *totals;    // HOP: the window being emitted. CUMULATE: keys and window start
    Buckets sums;          // groups of totals; CUMULATE: by window start
    StateTable *chain;     // HOP over retractions: keys whose last window was not empty
    int64_t fired_ms;      // time has advanced to here
    // Sessions.
    Sessions sessions;
    uint8_t **pending;     // groups of the rows not yet aggregated
    uint32_t pending_from, pending_rows;
    const Batch *pending_batch;
    struct Trigger *trigger;
};

static inline WindowHead *window_head(uint8_t *group) {
    return (WindowHead *)(void *)group;
}

// Rows [from, from + rows) of [in] go into their groups: one call after the other, each over all.
NODISCARD Status window_agg_fold(WindowAgg *self, const Batch *in, uint32_t from, uint32_t rows,
                                 uint8_t *const *group, Error *err);
NODISCARD Status window_agg_merge(WindowAgg *self, uint8_t *into, const uint8_t *from, Error *err);
void window_agg_clear(void *self, uint8_t *group);
// Emits the groups of one window; their keys are the first columns of [table]'s key.
NODISCARD Status window_agg_emit(WindowAgg *self, StateTable *table, uint8_t *const *group,
                                 uint32_t count, int64_t start, int64_t end, Error *err);
// The head and the states of a group, as fields of a state row, and back.
void window_agg_save(WindowAgg *self, const uint8_t *group, Buf *out);
const char *window_agg_load(WindowAgg *self, uint8_t *group, const char *at, Error *err);
const Type *window_agg_group_type(Arena *arena, const Plan *plan);
// StateTableDef.begin of such a row.
bool window_agg_begin(void *arg, uint32_t field, Buf *out);
// A table of groups, its key those of the aggregation and [extra] BIGINT columns. [more]: fields of
// the value beside those of the groups; NULL: none.
typedef struct WindowTable {
    const char *name;
    uint32_t extra, row_size;
    const FieldList *more;
    bool without_groups;  // the value is the head alone
    bool plain;           // a row is head and states, no more
    bool may_leave;       // nobody points at its rows between calls
    void (*leave)(void *arg, uint8_t *group);  // StateTableDef.leave; NULL: rows stay in memory
    void (*clear)(void *arg, uint8_t *group);
    void (*save)(void *arg, const uint8_t *group, Buf *out);
    const char *(*load)(void *arg, uint8_t *group, const char *at, Error *err);
    void *arg;
} WindowTable;
StateTable *window_agg_table(WindowAgg *self, const WindowTable *table);
