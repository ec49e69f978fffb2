// exec/partial.h - partial results of groups on their way from one worker to another: how many rows
// went in, then each aggregate's state, as bytes by col/codec.h.
//
// Threads: the worker's own.
#pragma once

#include "exec/operator.h"

// The calls of an aggregation, laid out within a group.
typedef struct PartialCalls {
    AggCall *const *call;
    uint32_t count;
    uint32_t group_size;
    AggEnv *env;
} PartialCalls;

// The rows of [in] whose BOOLEAN column [filter] is true, as a mask; NULL for all where there is no
// such column (-1).
const uint64_t *filter_mask(const Batch *in, int32_t filter, Arena *scratch);

// Writes the partial of each group to [out], of BYTES. [rows]: of each. *size (may be NULL) is how
// many bytes that is.
NODISCARD Status partials_write(const PartialCalls *self, const uint8_t *const *group,
                                const int64_t *rows, uint32_t count, Vec *out, Arena *scratch,
                                uint64_t *size, Error *err);
// Adds partial [i] of [in] to group [i], for all; rows[i] is how many rows are in it.
NODISCARD Status partials_merge(const PartialCalls *self, const Vec *in, uint8_t *const *group,
                                int64_t *rows, Arena *scratch, Error *err);
