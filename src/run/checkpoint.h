// run/checkpoint.h - the inside of checkpointing, shared by checkpoint.c and snapshot.c.
#pragma once

#include "ckpt/store.h"
#include "run/control.h"
#include "run/disk_files.h"
#include "run/worker.h"

// Bytes of a worker's snapshot file on their way to the disk.
typedef struct Chunk {
    struct Chunk *next;
    uint32_t worker;
    bool last;
    Buf bytes;             // frames without hashes, or
    const StateTableDef *copied;  // set: copies of rows of this table, which has
    uint32_t number;       // this one in the file
    StateBackend *disk;    // set: the files of its database are to be fixed and copied; no bytes
    StateTable *swept;     // set: its rows are to be taken, as table [number]; no bytes
} Chunk;

// Asks for checkpoints, writes what the workers hand over, and makes it durable: one thread a job.
struct Checkpointer {
    Job *job;
    const CheckpointSpec *spec;
    OsThread *thread;
    OsMonitor lock;        // of the chunks and of [done]
    Chunk *first, *last;
    Chunk *spare;          // with room for copies of rows
    uint32_t spare_count;
    uint32_t done;         // workers that have nothing left to do
    bool gone;             // the thread: nobody takes chunks any more
    // Read by workers without the lock.
    _Atomic uint64_t asked, ended;  // ids: the last one asked for, the last one that ended
    _Atomic int64_t queued_bytes;   // handed over, not written yet
    _Atomic int full;               // of [asked]
    _Atomic int savepoint;          // [asked] is one
    _Atomic int halt;               // the job ends with [asked], its input left
    _Atomic uint64_t unaligned;     // the checkpoint whose barriers overtake rows
    _Atomic int durable;            // of [ended]
    _Atomic int aside;              // [ended] is a savepoint: increments do not stand on it
    _Atomic int commits;            // of [ended]: what was prepared for it is committed
    _Atomic int over;               // workers may leave
    _Atomic int cut;                // a worker has come to cut_after
    // Of the checkpoint under way, counted by workers: elements in flight, batches among them.
    _Atomic uint64_t in_flight, in_flight_batches, in_flight_bytes;
    // The thread's own.
    Arena arena;           // of the checkpoints' names
    CheckpointOperator *op;  // of the job, described once
    uint32_t op_count;
    CheckpointFile *file;  // of the last durable one, newest first
    uint32_t file_count;
    DiskFile *disk_file;   // of the last durable one that had any
    uint32_t disk_file_count;
    int64_t full_bytes, more_bytes;  // of the last full one, and of those that stand on it
    uint32_t failures;
    uint64_t durable_count;  // durable checkpoints of this attempt
    JobAsk *ask;             // what was asked for and has not been answered
    JobAsk cut_ask;          // by nobody, where a cut is to be a savepoint
    Status status;
    Error error;
};

// A checkpoint's database files on their way.
typedef struct DiskFiles {
    DiskFile *file;
    uint32_t count, cap;
    int64_t bytes;   // copied: the files that no checkpoint had
} DiskFiles;

// disk_files.c: the files of a worker's database join those of checkpoint [id], which lies at
// [path]; those that the last checkpoint had are named again. Names lie in the checkpointer's
// arena.
NODISCARD Status disk_files_take(Checkpointer *self, StateBackend *backend, uint32_t worker,
                                 uint64_t id, Str path, DiskFiles *out, Error *err);

Checkpointer *checkpointer_new(Job *job, const CheckpointSpec *spec);
// snapshot.c: the worker's state of this instant goes into its frames; its tables follow in steps.
NODISCARD Status worker_snapshot_begin(Worker *worker, Error *err);
// checkpoint.c: the worker's database is as the checkpoint wants it.
void worker_hand_disk(Worker *worker);
// checkpoint.c: copies of rows go to the thread, which writes them as rows.
void worker_hand_copies(Worker *worker, const StateTableDef *table, uint32_t number, Buf *rows);
// checkpoint.c: the thread takes the table's rows itself.
void worker_hand_sweep(Worker *worker, StateTable *table, uint32_t number);
// What operators keep beside their tables, when the tables are written; true when that is all.
bool worker_snapshot_more(Worker *worker, int64_t until_ns);
