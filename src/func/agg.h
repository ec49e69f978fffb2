// func/agg.h - aggregate functions: signature, result type, state, a row each. The operators that
// group, window and frame rows hold the states; what lies in a state only this folder knows.
//
// Life of a call:  the binder finds the rows of a name (agg_find), agg_bind accepts the arguments,
//     gives the result type and, from what is known about the input (can it retract, are states
//     merged), chooses the cheapest implementation (call->impl). agg_layout gives each call of an
//     operator its place within one "group": a block of call->impl->size bytes a call.
// Life of a group: the operator's memory; ALL ZERO BYTES ARE THE EMPTY STATE of every function, so
//     there is no init. States hold no pointer into themselves: a group may be moved with memcpy.
//     agg_clear releases what a state owns outside the group and makes it empty again; a call
//     without AGG_OWNS owns nothing and needs no clear.
// Work: agg_update folds a batch; agg_step folds it and writes the result after every row (the
//     record-exact changelog); agg_emit writes the results of some groups; agg_merge adds one state
//     to another (sessions, two-phase, pane sharing). agg_write and agg_read move states to and
//     from a column of type call->state_type: the described layout a checkpoint stores.
//
// DISTINCT and FILTER: DISTINCT is done here (call->distinct; the state then holds the set of
//     values with their counts). FILTER is the operator's: it evaluates the predicate into [mask].
// NULLs: every function treats them itself (most ignore them).
// Memory:  variable-size parts are charged to env->budget. Threads: a group belongs to one thread;
//     a bound call is read-only and may be shared.
#pragma once

#include "func/func.h"

typedef struct AggFunc AggFunc;
typedef struct AggCall AggCall;
typedef struct AggImpl AggImpl;

// What an evaluation may use. One a thread.
typedef struct AggEnv {
    Budget *budget;       // for the variable-size parts of states; NULL: not charged
    Arena *scratch;       // emptied by the caller, after the batch at the latest
    const FuncEnv *func;  // zone and clock
} AggEnv;

// One batch of input for some call.
typedef struct AggRows {
    uint32_t rows;
    const Vec *const *arg;   // call->argc columns of the types the call was bound to
    uint8_t *const *group;   // one group a row; not read when [single] is set
    uint8_t *single;         // the group of all rows (global aggregation), else NULL
    const uint8_t *kinds;    // a RowKind a row as Batch has them; NULL: all are inserts. -U and -D
                             // retract, and come only when the call was bound with [retract]
    const uint64_t *mask;    // rows to take (FILTER); NULL: all. To agg_update, others may have no
                             // group: NULL, of rows that were put aside
} AggRows;

static inline uint8_t *agg_group(const AggRows *in, uint32_t row) {
    return in->single ? in->single : in->group[row];
}
static inline bool agg_row_taken(const AggRows *in, uint32_t row) {
    return !in->mask || bits_get(in->mask, row);
}
static inline bool agg_row_retracts(const AggRows *in, uint32_t row) {
    return in->kinds && (in->kinds[row] & 1);  // -U is 1, -D is 3
}

enum {
    AGG_OWNS = 1,        // states own memory outside the group: agg_clear before they are dropped
    AGG_NO_RETRACT = 2,  // the function cannot take retractions at all (APPROX_COUNT_DISTINCT)
    AGG_NO_MERGE = 4,    // states cannot be merged (FIRST_VALUE in session or cumulating windows)
    AGG_BATCH_ONLY = 8,  // refused in streaming mode
    AGG_NEW_ARRAY = 16,  // results are arrays made anew each time, see agg_same_result
    AGG_HIDDEN = 32,     // not listed by SHOW FUNCTIONS
    AGG_OVER_ONLY = 64,  // makes sense with OVER alone (LAG)
    AGG_FOREIGN = 128,   // a user's code, which only the worker's thread runs
};

// One implementation; the functions below call it. [state] pointers point at the call's own part
// of the group. An operator needs only size, align and flags.
struct AggImpl {
    uint32_t size, align;  // align is 8 at most: 128-bit parts of states do with that
    uint32_t flags;
    Status (*update)(const AggCall *call, const AggRows *in, AggEnv *env, Error *err);
    // NULL: one update and one emit a row.
    Status (*step)(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after, Error *err);
    Status (*merge)(const AggCall *call, uint8_t *dst, const uint8_t *src, AggEnv *env, Error *err);
    Status (*emit)(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out, uint32_t row,
                   Error *err);
    // The same for many groups at once; NULL: a loop over emit.
    Status (*emit_all)(const AggCall *call, const uint8_t *const *group, uint32_t count,
                       AggEnv *env, Vec *out, Error *err);
    void (*clear)(const AggCall *call, uint8_t *state, AggEnv *env);
    Status (*write)(const AggCall *call, const uint8_t *state, AggEnv *env, Vec *out, uint32_t row,
                    Error *err);
    Status (*read)(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env, uint8_t *state,
                   Error *err);
    // Writes what `write` writes as codec_put has it, where there is room for codec_size_max bytes,
    // and returns the end: for states that are a few numbers. Snapshots are made of little else.
    // NULL: by `write`.
    char *(*put)(const uint8_t *state, char *to);
};

// A call, fixed once bound. The binder fills the upper half.
struct AggCall {
    Arena *arena;          // for types and bound data; lives as long as the plan
    uint32_t argc;         // COUNT(*) has 0
    const Type **arg;      // in: argument types; out: types to cast the arguments to implicitly
    const Vec **literal;   // literal[i]: one row, when argument i is a constant, else NULL
    const FuncEnv *env;
    bool distinct;
    bool grouped;          // there is a GROUP BY key and no FILTER: a group has at least one row,
                           // so that SUM of NOT NULL is NOT NULL
    bool retract;          // the input can retract (updates, bounded OVER frames). False for MAX of
                           // a value that only grows (a COUNT) although the input updates, as
                           // Flink plans it: the call then ignores -U and -D
    bool merge;            // states will be merged
    bool batch;            // execution.runtime-mode = batch
    bool absent_on_null;   // JSON_ARRAYAGG, JSON_OBJECTAGG: the ABSENT ON NULL clause in force (the
                           // default of the first; the second's is NULL ON NULL)
    uint32_t raw_json;     // the same: bit i, argument i is JSON text made by a JSON constructor
                           // (JSON_OBJECT, JSON_ARRAY …) and goes in as it is
    bool respect_nulls;    // RESPECT NULLS was written
    bool ignore_nulls;     // IGNORE NULLS was written

    bool no_such_type;       // out: failed by a type that Flink looks at when it runs the call
    const char *refused;     // why it cannot be run; it may stand where nobody reads its value
    const AggFunc *func;     // out
    const Type *result;      // out: type of the value
    const Type *state_type;  // out: type of a written state
    const AggImpl *impl;     // out
    const void *bound;       // out: whatever the implementation wants from bind
    const AggCall *inner;    // out: what a DISTINCT call feeds
    uint32_t offset;         // by agg_layout: place of the state within the group
};

// Checks the call, sets result, state_type, impl. ST_VALIDATION: does not take these arguments.
typedef Status (*AggBind)(AggCall *call, Error *err);

struct AggFunc {
    const char *name;     // upper case
    const char *alias[3]; // NULL-filled
    uint8_t args[4];      // ArgSpec
    uint8_t argc_min, argc_max;  // 0, 0: exactly the declared ones
    uint8_t flags;        // AGG_NO_RETRACT …: known before the implementation is chosen
    AggBind bind;
    // Over groups the planner asks for "$M2" and COUNT instead and applies this scalar function to
    // (m2, count, a value of the result's type): so Flink plans it, and so it sends an update
    // whenever one of the two changes, be the result the same.
    const char *reduced;
    const char *doc, *example;
};

typedef struct AggTable {
    const char *topic;
    const AggFunc *row;
    uint32_t count;
} AggTable;
#define AGG_TABLE(topic_, rows) \
    {.topic = (topic_), .row = (rows), .count = sizeof(rows) / sizeof *(rows)}

// All tables; listed once, in func/builtin.c.
extern const AggTable *const AGG_TABLES[];
extern const uint32_t AGG_TABLE_COUNT;

// The row of a name (any case), or NULL. Names are canonical: "JSON_ARRAYAGG", "LISTAGG", "SUM".
const AggFunc *agg_find(Str name);

// Binds [call] (upper half set) to [func].
NODISCARD Status agg_bind(AggCall *call, const AggFunc *func, Error *err);

// Sets offset of each call; returns the size of a group, a multiple of *align. [offset]: bytes the
// operator wants for itself at the front.
uint32_t agg_layout(AggCall *const *calls, uint32_t count, uint32_t offset, uint32_t *align);

// The work, for one call over groups.
NODISCARD Status agg_update(const AggCall *call, const AggRows *in, AggEnv *env, Error *err);
// Folds the rows one after another; after[i] is the group's result right after row i, also for rows
// the mask excludes. [after]: in->rows slots of type call->result.
NODISCARD Status agg_step(const AggCall *call, const AggRows *in, AggEnv *env, Vec *after,
                          Error *err);
// Row i of [out]: the result of group[i].
NODISCARD Status agg_emit(const AggCall *call, const uint8_t *const *group, uint32_t count,
                          AggEnv *env, Vec *out, Error *err);
NODISCARD Status agg_emit_one(const AggCall *call, const uint8_t *group, AggEnv *env, Vec *out,
                              uint32_t row, Error *err);
NODISCARD Status agg_merge(const AggCall *call, uint8_t *dst_group, const uint8_t *src_group,
                           AggEnv *env, Error *err);
void agg_clear(const AggCall *call, uint8_t *group, AggEnv *env);
// The state as a value of call->state_type, and back into an empty group.
NODISCARD Status agg_write(const AggCall *call, const uint8_t *group, AggEnv *env, Vec *out,
                           uint32_t row, Error *err);
NODISCARD Status agg_read(const AggCall *call, const Vec *in, uint32_t row, AggEnv *env,
                          uint8_t *group, Error *err);

// Whether an aggregation need not send an update from value [i] of [a] to [j] of [b]. As Flink's
// generated equalisers have it: NaN differs from itself, and so do maps with a NULL value and
// arrays of ARRAY_AGG with a NULL element.
bool agg_same_result(const AggCall *call, const Vec *a, uint32_t i, const Vec *b, uint32_t j);
