// state/table.h - keyed state: tables that operators declare and look batches of keys up in.
//
// A StateTable maps a key (some columns, NULLs equal) to a row of fixed size: bytes that belong to
// the operator, zero when the row is new. What does not fit (lists, text) the operator hangs off it
// and frees in [clear]. The description of key and value types lies beside the data, so that a
// snapshot can be read without the program that wrote it.
//
// Hot path: encode and hash a whole batch of keys, prefetch, then probe.
// Memory: charged to the backend's budget. Threads: the worker's own.
#pragma once

#include "col/batch.h"

typedef struct StateBackend StateBackend;
typedef struct StateTable StateTable;

typedef struct StateTableDef {
    const char *name;          // "groups"
    uint64_t operator_id;      // Plan.stable_id
    const Type *key;           // ROW of the key columns
    const Type *value;         // ROW that describes the value as a snapshot stores it
    uint32_t version;          // of the value's layout
    uint32_t row_size;         // bytes of the operator's part of a row; multiple of 8
    int64_t ttl_ms;            // after the last write; 0: for ever
    void (*clear)(void *arg, uint8_t *row);  // releases what a row owns; may be NULL
    void *clear_arg;
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
// Marks rows written now (starts their TTL again).
void state_touch(StateTable *table, uint8_t *row, int64_t now_ms);
// Removes a row (clear is called). The pointer is dead afterwards.
void state_remove(StateTable *table, uint8_t *row);
// Writes the key of a row into row [at] of the key columns' vecs (types as in def->key).
void state_key(const StateTable *table, const uint8_t *row, Vec **out, uint32_t at);
uint64_t state_count(const StateTable *table);
uint64_t state_bytes(const StateTable *table);
// Both, added up over all tables of an operator.
void state_backend_usage(const StateBackend *backend, uint64_t operator_id, uint64_t *rows,
                         uint64_t *bytes);
// All live rows, in the order they were added. Rows may be removed while iterating, not added.
uint8_t *state_next(StateTable *table, uint64_t *cursor);
