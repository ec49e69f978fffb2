// ckpt/store.h - the directory of a job's checkpoints: which there are, and what each consists of.
//
// Threads: one at a time a directory.
#pragma once

#include "os/os.h"

typedef struct CheckpointFile {
    Str path;             // relative to the checkpoint's own directory
    uint64_t checkpoint;  // that wrote it
    uint32_t worker;
    int64_t size;
    uint64_t digest;      // frames_digest of all of it
} CheckpointFile;

// An operator of the job that took it: what another version of the query goes by.
typedef struct CheckpointOperator {
    uint64_t id, kin;    // Plan.stable_id, plan_kin
    uint32_t ordinal;    // among those of that id and name
    Str name, about;     // "group-aggregate", " by user_id"
    Str input[2];        // types of the rows that come in; empty: there is no such input
    Str columns[2];      // their columns in words of the tables, a line each
} CheckpointOperator;

// A file of the RocksDB database of a worker. Such files never change, so later checkpoints name
// them again.
typedef struct DiskFile {
    Str path;             // relative to the checkpoint's own directory
    Str name;             // in the database
    uint32_t worker;
    int64_t size;
    uint64_t hash;        // of its bytes: checkpoint_copy
} DiskFile;

// What _metadata says. Texts lie in the arena it was read into.
typedef struct Checkpoint {
    uint64_t id;
    Str job;
    uint32_t workers, groups;   // parallelism, pipeline.max-parallelism
    int64_t time_ms;
    bool savepoint, full;
    bool finished;              // the job had come to its end: nothing is left to do
    bool drained;               // its sources were told to end: they go on, time begins anew
    uint64_t in_flight;         // elements that barriers overtook: they belong to this parallelism
    CheckpointFile *file;       // newest first
    uint32_t file_count;
    DiskFile *disk_file;
    uint32_t disk_file_count;
    CheckpointOperator *op;
    uint32_t op_count;
} Checkpoint;

// <dir>/chk-7 or, for a savepoint, the directory given.
Str checkpoint_path(Arena *arena, Str dir, uint64_t id);
// The path, from the checkpoint's directory, of what [worker] writes for [id].
Str checkpoint_file_path(Arena *arena, uint64_t id, uint32_t worker, bool savepoint);

// Copies a file, synced; its size, and the hash of its bytes.
NODISCARD Status checkpoint_copy(Str from, Str to, int64_t *size, uint64_t *hash, Error *err);

// Writes _metadata into [path] (its directory) so that it is there whole or not at all. The files
// it names are synced already.
NODISCARD Status checkpoint_write(Str path, const Checkpoint *checkpoint, Error *err);
// Reads it. [path]: the directory, or its _metadata.
NODISCARD Status checkpoint_read(Arena *arena, Str path, Checkpoint *out, Error *err);
// The newest checkpoint below [dir] whose number is above [past]: its path, or the empty text. One
// that was never complete, for it has no _metadata, is passed over; *skipped (may be NULL) says how
// many. ST_RUNTIME when the newest was complete and is not whole now: to begin from an older one
// would be to give out twice what sinks have published since, which nobody but the user can want.
NODISCARD Status checkpoint_latest(Arena *arena, Str dir, uint64_t past, Str *path,
                                   uint32_t *skipped, Error *err);
// The greatest number that a checkpoint or a savepoint of the jobs of [dir] has had, as far as
// [dir] knows; 0: none.
NODISCARD Status checkpoint_greatest(Str dir, uint64_t *id, Error *err);
// All files are there, and as long as they should be. ST_RUNTIME names the one that is not.
NODISCARD Status checkpoint_check(Str path, const Checkpoint *checkpoint, Error *err);
// Tells, as the hint of [err], from which checkpoint before the one at [path] a job can begin.
void checkpoint_offer(Str path, Error *err);
// Removes all checkpoints of [dir] but the newest [retained] and [kept] (its path, or empty), and
// the files that none of them names.
NODISCARD Status checkpoint_retain(Str dir, uint32_t retained, Str kept, Error *err);
// Removes a checkpoint or savepoint wherever it lies, and the files that were its alone.
NODISCARD Status checkpoint_remove(Str path, Error *err);

// A job that was stopped with a savepoint goes on from there and not from the checkpoint before it:
// leaves the word of it in the job's directory; a newer checkpoint makes it void.
NODISCARD Status checkpoint_leave_word(Str dir, uint64_t id, Str savepoint, Error *err);
