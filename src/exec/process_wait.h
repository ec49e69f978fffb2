// exec/process_wait.h - the rows of a table with ORDER BY of a process table function, until the
// watermark has passed them: in one order for the worker, and by key for checkpoints. With RocksDB
// keys leave memory, and come back when their first row's time has come.
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
    OrderKey *order;   // the table's, and the number of arrival, so that no two rows are equal
    uint32_t order_count;
    int64_t arrived;
    bool closed;
} ProcessWait;

void process_wait_open(ProcessWait *self, Operator *op, uint32_t table);
void process_wait_close(ProcessWait *self);
// Takes the rows of a batch; those at or behind the watermark are late.
NODISCARD Status process_wait_add(ProcessWait *self, const Batch *in, Vec *const *key, Error *err);
int64_t process_wait_first(const ProcessWait *self);  // INT64_MAX: none waits
// Moves the next row into [ready] if its time is [ms]; *taken: whether there was one. Rows up to
// [until_ms] will be taken next.
NODISCARD Status process_wait_take(ProcessWait *self, int64_t ms, int64_t until_ms, Builder *ready,
                                   bool *taken, Error *err);
