// exec/process_wait.h - the rows of a table with ORDER BY of a process table function, until the
// watermark has passed them: in one order for the worker, and by key for checkpoints.
// Threads: the worker's own.
#pragma once

#include "exec/operator.h"
#include "exec/stored.h"

typedef struct ProcessWait {
    Operator *op;
    const ProcessTable *table;
    const Type *row;   // of the input
    SortedRows rows;   // of all keys; a row's [next] is its key's row in the state
    StateTable *keys;  // key -> SortedRows of its own
    RowPool pool;
    bool closed;
} ProcessWait;

void process_wait_open(ProcessWait *self, Operator *op, uint32_t table);
void process_wait_close(ProcessWait *self);
// Takes the rows of a batch; those at or behind the watermark are late.
NODISCARD Status process_wait_add(ProcessWait *self, const Batch *in, Vec *const *key, Error *err);
int64_t process_wait_first(const ProcessWait *self);  // INT64_MAX: none waits
// Moves the next row into [ready] if its time is [ms].
bool process_wait_take(ProcessWait *self, int64_t ms, Builder *ready);
