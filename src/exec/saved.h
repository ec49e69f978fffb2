// exec/saved.h - how operators write what they keep into snapshots: the pieces that several need.
//
// What is written is always a value of the type that the state table declares, by col/codec.h: so a
// snapshot can be read without the operator. Threads: the worker's own.
#pragma once

#include "col/codec.h"
#include "exec/operator.h"

// The states of some aggregate calls, one field of call->state_type each.
typedef struct AggSaver {
    AggCall *const *call;
    uint32_t count;
    AggEnv *env;
    Arena scratch;
} AggSaver;

void agg_saver_init(AggSaver *saver, AggCall *const *call, uint32_t count, AggEnv *env);
void agg_saver_clear(AggSaver *saver);
void aggs_save(AggSaver *saver, const uint8_t *group, Buf *out);
// Into an empty group; returns the end of the bytes, NULL on failure.
const char *aggs_load(AggSaver *saver, uint8_t *group, const char *at, Error *err);
// Fields [from] and later of [fields]: name and type of each call's state.
void agg_state_fields(const Plan *plan, const Type **child, Str *name, uint32_t from);
