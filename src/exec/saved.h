// exec/saved.h - how operators write what they keep into snapshots: the pieces that several need.
//
// What is written is always a value of the type that the state table declares, by col/codec.h: so a
// snapshot can be read without the operator. Threads: the worker's own.
#pragma once

#include "col/codec.h"
#include "exec/kept.h"
#include "exec/stored.h"

// The states of some aggregate calls, one field of call->state_type each.
typedef struct AggSaver {
    AggCall *const *call;
    uint32_t count;
    AggEnv *env;
    uint32_t first;   // field of the first one, for agg_state_begin
    uint32_t group_size;  // bytes of a group; 0: none may begin empty
    uint32_t *state_max;  // bytes that each state has at most as it is written; 0: who knows
    Vec **state;      // a row each, used again for every group; NULL: its size differs, made anew
    Arena vecs;       // of these
    Arena scratch;
    uint32_t size_max;  // of what a copy saver writes of a group
    Buf bytes;          // of a state, a copy saver's
} AggSaver;

void agg_saver_init(AggSaver *saver, AggCall *const *call, uint32_t count, AggEnv *env);
void agg_saver_clear(AggSaver *saver);
// One for StateTableDef.save_copy, with an environment of its own: false when the states of the
// calls are more than their bytes, or are not for another thread to read.
bool agg_copy_saver_init(AggSaver *saver, AggCall *const *call, uint32_t count, AggEnv *env);
void aggs_save(AggSaver *saver, const uint8_t *group, Buf *out);
// The same by a copy saver, where there is room for [size_max] bytes; returns their end.
char *aggs_save_at(AggSaver *saver, const uint8_t *group, char *to);
// Into an empty group; returns the end of the bytes, NULL on failure.
const char *aggs_load(AggSaver *saver, uint8_t *group, const char *at, Error *err);
// Fields [from] and later of [fields]: the type of each call's state, and for its name the call's
// text, by which another version of the query finds it.
void agg_state_fields(Arena *arena, const Plan *plan, const Type **child, Str *name, uint32_t from);
// StateTableDef.begin for a table whose aggregates are the fields from [saver->first] on: one that
// is new begins empty, unless its input takes rows back that it has not seen.
bool agg_state_begin(AggSaver *saver, uint32_t field, Buf *out);

// Fields of a ROW type, gathered one after the other.
typedef struct FieldList {
    Arena *arena;
    const Type *child[12];
    Str name[12];
    uint32_t count;
} FieldList;

void field_add(FieldList *list, const char *name, const Type *type);
const Type *field_row(const FieldList *list);

// Stored rows: ARRAY<ROW<kind TINYINT, time BIGINT, row ROW<...>>>.
const Type *stored_rows_type(Arena *arena, const Type *row);
// One entry of it.
void stored_save(const RowPool *pool, const StoredRow *row, Buf *out);
void sorted_save(const RowPool *pool, const SortedRows *rows, Buf *out);

// Stores rows again, their sort keys made anew. [order] may name the column behind the row's: the
// row's time, as BIGINT.
typedef struct RowLoader {
    RowPool *pool;
    const OrderKey *order;
    uint32_t order_count;
    const Type *row;
    Vec **column;  // of the row loaded last, one row each
    Arena scratch;
} RowLoader;

// A piece of an image, in the form of sorted_save; true when it was the last.
bool image_save(SortedImage *image, Buf *out);

void row_loader_init(RowLoader *loader, RowPool *pool, const OrderKey *order, uint32_t order_count,
                     const Type *row);
void row_loader_clear(RowLoader *loader);
const char *stored_load(RowLoader *loader, const char *at, StoredRow **out, Error *err);
const char *sorted_load(RowLoader *loader, SortedRows *rows, const char *at, Error *err);

// Kept rows: ARRAY<ROW<kind TINYINT, time BIGINT, arrival BIGINT, matched TINYINT, row ROW<...>>>.
const Type *kept_rows_type(Arena *arena, const Type *row);
void kept_list_save(const KeptList *list, Buf *out);
const char *kept_list_load(Budget *budget, KeptList *list, const Type *row, const char *at,
                           Error *err);

// Whether this worker owns the key in row 0 of the columns.
bool key_is_mine(const Operator *op, Vec *const *key, uint32_t count);
// The BIGINT in column [column] of a state row's key.
int64_t saved_key_i64(const StateTable *table, const uint8_t *row, uint32_t column);
