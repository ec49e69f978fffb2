// run/upgrade.h - how the state of a snapshot fits the operators of a job, whose query may be
// another version of the one that was running then.
//
// An operator takes the state of the very same operator (by stable id); else of its kin
// (plan/kin.h), if that is clear. Its tables then are carried over to the layout of now, or
// refused, before anything is restored; what becomes of each operator is told.
//
// Memory: the arena given. Threads: one at a time.
#pragma once

#include "col/migrate.h"
#include "run/checkpoint.h"

typedef struct Upgrade Upgrade;

// A table of the snapshot: whose it is now, and how its rows become rows of now.
typedef struct UpgradeTable {
    uint64_t saved_id;  // of the operator, as the snapshot knows it
    Str name;
    uint64_t id;        // of the operator now; 0: nobody takes it
    Migration *key, *value;  // NULL: the bytes are right as they are
} UpgradeTable;

// Reads the descriptions in the snapshot at [path], tells what becomes of what, and refuses what
// cannot be or would be silently wrong.
NODISCARD Status upgrade_new(Arena *arena, Job *job, Str path, const Checkpoint *from,
                             Upgrade **out, Error *err);
// The worker's operator that takes what [saved] had; NULL: none does.
Operator *upgrade_operator(const Upgrade *upgrade, Worker *worker, const FrameName *saved,
                           uint32_t *index);
// Whether rows of the operator's input look as they did.
bool upgrade_same_rows(const Upgrade *upgrade, const FrameName *saved);
const UpgradeTable *upgrade_table(const Upgrade *upgrade, uint64_t saved_id, Str name);
// Some operator is another one now.
bool upgrade_differs(const Upgrade *upgrade);
// Some keys are other bytes now, so that other workers may own them.
bool upgrade_rekeys(const Upgrade *upgrade);

// The operators of the job as a snapshot describes them.
CheckpointOperator *operators_describe(Arena *arena, const Job *job, uint32_t *count);
