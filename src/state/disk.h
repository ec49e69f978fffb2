// state/disk.h - the backend 'rocksdb': state that is larger than memory.
//
// Rows are worked on in memory, in the very tables of the memory backend, which become a bounded
// cache: what does not fit leaves for the worker's RocksDB database as its table's `save` writes
// it, and comes back by `load` when a batch asks for its key. So operators do not know where their
// rows are, a state that fits costs what it costs in memory, and a larger one a read for each miss
// (the misses of a batch in one call) and a write for each changed row that leaves.
//
// Threads: a StateDisk is made and freed by the job's thread and read by its workers.
#pragma once

#include "state/table.h"

typedef struct StateDiskOptions {
    Str dir;                 // where databases may lie; made when it is not there
    int64_t rows_bytes;      // rows in memory before some of them leave; a worker
    int64_t blocks_bytes;    // cache of RocksDB's blocks; the job
    int64_t memtable_bytes;  // rows that RocksDB has not written to files yet; a worker
    uint32_t background;     // threads a worker's RocksDB may use
    uint32_t workers, groups;
} StateDiskOptions;

typedef struct StateDisk StateDisk;

// Fails where there is no RocksDB. What RocksDB will hold in memory is charged to [budget].
NODISCARD Status state_disk_new(const StateDiskOptions *options, Budget *budget, StateDisk **out,
                                Error *err);
void state_disk_free(StateDisk *disk);  // NULL is fine; after its backends; files go

// From now on tables of the backend that are opened with [may_leave] have their rows there.
void state_backend_use(StateBackend *backend, StateDisk *disk, uint32_t worker);

// The database of the snapshot under way, as it is now, is linked into [dir], which must not exist;
// or, with an empty [dir], the snapshot has been given up. Called once for each call of
// StateOut.files, by any thread; the snapshot goes on when it returns.
NODISCARD Status state_disk_fix(StateBackend *backend, Str dir, Error *err);
// Where the backend's database lies; beside it is room for what its snapshots link.
Str state_disk_dir(const StateBackend *backend);

// Restoring: the files of a database have been put into state_disk_dir, which was not in use.
NODISCARD Status state_disk_adopt(StateBackend *backend, Error *err);
// Takes over the table's rows from there: [rows] of them, about.
NODISCARD Status state_disk_take(StateTable *table, uint64_t rows, Error *err);
// Reads the rows of a table of that operator and name in the database in [dir], and hands them out
// as STATE_ROWS has them. [share]: only of its key groups, or NULL.
NODISCARD Status state_disk_read(Str dir, uint64_t operator_id, Str table, const StateShare *share,
                                 Status (*rows)(void *arg, Str bytes, Error *err), void *arg,
                                 Error *err);

// To be called between batches: when memory holds more than it should, rows leave; also hands on
// what went wrong with the disk since the last call.
NODISCARD Status state_trim(StateBackend *backend, Error *err);
