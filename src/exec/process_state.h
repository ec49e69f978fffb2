// exec/process_state.h - what a process table function remembers for each key: the entries of its
// state, a state table each, and its timers.
//
// Order of calls: process_state_find with the keys of a batch, then the services by row of that
// batch, then process_state_settle; process_state_due in between. Threads: the worker's own.
#pragma once

#include "exec/operator.h"
#include "exec/timers.h"
#include "udf/call.h"

typedef struct ProcessKey ProcessKey;  // a row of the table of timers

struct ProcessState;
typedef struct ProcessEntry {  // what a state table's callbacks get
    struct ProcessState *state;
    uint32_t index;
} ProcessEntry;

typedef struct ProcessState {
    Operator *op;
    ProcessEntry self[UDF_STATES_MAX];
    const weir_function_def *def;
    StateTable *entry[UDF_STATES_MAX];
    int64_t ttl_ms[UDF_STATES_MAX];
    StateTable *keys;  // those with timers; NULL: the function has no on_timer
    Timers timers;
    char *fired;  // name of the timer at hand
    bool closed;
    uint32_t looked_up;  // keys, since some were last let go
    // Of the batch at hand, in [arena]:
    Arena arena;
    uint32_t rows;
    uint8_t **found[UDF_STATES_MAX];
    uint8_t *before[UDF_STATES_MAX];  // values as they were, of entries with a TTL
    uint8_t **key;
} ProcessState;

// The columns that all tables are partitioned by, of any of them: the first one's types, nullable.
const Type *process_key_type(Arena *arena, const Plan *plan);
NODISCARD Status process_state_open(ProcessState *self, Operator *op, Error *err);
void process_state_close(ProcessState *self);

// The state of each row's key, for the services.
NODISCARD Status process_state_find(ProcessState *self, Vec *const *key, uint32_t rows, Error *err);
// Entries and keys without content go.
void process_state_settle(ProcessState *self);

// Takes the earliest timer that is due at [ms]. The name is good until the next call.
bool process_state_due(ProcessState *self, int64_t ms, ProcessKey **key, int64_t *at_ms,
                       const char **name, Status *st, Error *err);
int64_t process_state_next_ms(const ProcessState *self);  // INT64_MAX: no timer
// Writes the key to row [at] of [out].
void process_state_key(const ProcessState *self, const ProcessKey *key, Vec **out, uint32_t at);

// The services of udf/call.h, but for emit.
void *process_state_value(ProcessState *self, uint32_t entry, uint32_t row);
bool process_state_get(ProcessState *self, uint32_t entry, uint32_t row, Str key, Str *out);
NODISCARD Status process_state_put(ProcessState *self, uint32_t entry, uint32_t row, Str key,
                                   Str value, bool remove, Error *err);
bool process_state_next(ProcessState *self, uint32_t entry, uint32_t row, uint64_t *cursor,
                        Str *key, Str *out);
void process_state_clear(ProcessState *self, uint32_t entry, uint32_t row);
NODISCARD Status process_state_timer(ProcessState *self, uint32_t row, const char *name, int64_t ms,
                                     Error *err);
void process_state_timer_clear(ProcessState *self, uint32_t row, const char *name, int64_t ms);
