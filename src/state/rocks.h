// state/rocks.h - a RocksDB database as the state of one worker uses it: keys and values are bytes,
// writes go in batches, reads too, and nothing is logged, since what a checkpoint does not hold is
// thrown away after a failure.
//
// A value begins with the time at which its row was written (8 bytes, milliseconds), by which
// compactions drop what has outlived its table's TTL (rocks_expire).
//
// Threads: the worker's own, but for rocks_checkpoint and rocks_bytes, which any thread may call.
#pragma once

#include "base/text.h"

typedef struct Rocks Rocks;
typedef struct RocksCache RocksCache;

enum { ROCKS_PREFIX = 8 };  // bytes at the front of every key that name its table

typedef struct RocksOptions {
    RocksCache *cache;       // shared by all databases of a job; borrowed
    int64_t memtable_bytes;  // most bytes of rows not written to files yet, in two halves
    uint32_t background;     // threads that flush and compact
} RocksOptions;

// The cache of blocks. Fails when the system has no RocksDB.
NODISCARD Status rocks_cache_new(int64_t bytes, RocksCache **out, Error *err);
void rocks_cache_free(RocksCache *cache);  // NULL is fine; after the databases

// Opens the database in [dir], made when it is not there.
NODISCARD Status rocks_open(const RocksOptions *options, Str dir, Rocks **out, Error *err);
// The same to read alone.
NODISCARD Status rocks_open_read(const RocksOptions *options, Str dir, Rocks **out, Error *err);
void rocks_close(Rocks *rocks);  // NULL is fine; the files stay

// Rows of the table named by [prefix] that were written [ttl_ms] before the time told last are
// dropped when their files are compacted.
void rocks_expire(Rocks *rocks, uint64_t prefix, int64_t ttl_ms);
void rocks_now(Rocks *rocks, int64_t now_ms);

// Changes lie in a batch until rocks_write, which the caller comes to before it reads.
void rocks_put(Rocks *rocks, Str key, Str value);
void rocks_delete(Rocks *rocks, Str key);
size_t rocks_batch_bytes(const Rocks *rocks);
NODISCARD Status rocks_write(Rocks *rocks, Error *err);

enum { ROCKS_MANY_MAX = 256 };
// Looks [count] keys up at once; [found] is called for those that are there, in their order.
NODISCARD Status rocks_find(Rocks *rocks, const Str *key, uint32_t count,
                            Status (*found)(void *arg, uint32_t at, Str value, Error *err),
                            void *arg, Error *err);

// A walk over the keys as they are when it begins, whatever is written meanwhile.
typedef struct RocksWalk RocksWalk;
RocksWalk *rocks_walk(Rocks *rocks);
void rocks_walk_free(RocksWalk *walk);  // NULL is fine; before the database
void rocks_walk_seek(RocksWalk *walk, Str key);
bool rocks_walk_at(const RocksWalk *walk, Str *key, Str *value);  // false: at the end
void rocks_walk_next(RocksWalk *walk);
NODISCARD Status rocks_walk_status(const RocksWalk *walk, Error *err);

// Writes what is in memory out and links all files into [dir], which must not exist.
NODISCARD Status rocks_checkpoint(Rocks *rocks, Str dir, Error *err);
// Bytes of the files.
int64_t rocks_bytes(Rocks *rocks);
