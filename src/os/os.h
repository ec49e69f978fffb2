// os/os.h - the one door to what is not deterministic: clock, random, files, and which thread runs
// when. Everything goes through a table of functions, so that the simulator can put its own behind
// it (os_use).
//
// Threads: the functions of the real system may be called by any thread. Blocking calls say so.
#pragma once

#include <pthread.h>

#include "base/text.h"

typedef struct OsFile OsFile;      // opaque
typedef struct OsThread OsThread;  // opaque

// A lock, and the news that what it guards has changed.
typedef struct OsMonitor {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Of the simulator, which has one thread and so needs neither of the two.
    bool held;
    uint64_t news;
} OsMonitor;

typedef struct OsStat {
    bool exists, is_dir;
    int64_t size;          // bytes
    int64_t modified_ms;   // epoch
} OsStat;

// Called for each entry of a directory, in byte order of names.
typedef Status (*OsVisit)(void *arg, Str name, Error *err);

// OS_SCRATCH: a new file of nobody's but the one who opens it, to be written and read again; it
// must not be there yet. OS_HOLD: a file, made if need be, that one opener at a time holds until it
// is closed or its process has gone; *out is NULL when somebody else does. An object is held for
// as long as its owner writes it anew, which a thread of ours does: after a standstill another may
// have it, and `sync` fails with ST_VALIDATION. Its first line says who holds it.
enum { OS_READ, OS_WRITE, OS_APPEND, OS_SCRATCH, OS_HOLD };

typedef struct Os {
    int64_t (*now_ms)(void);        // wall clock, epoch
    int64_t (*monotonic_ns)(void);
    uint64_t (*random)(void);
    void (*sleep_ms)(int64_t ms);   // blocking

    Status (*open)(Str path, int mode, OsFile **out, Error *err);
    // Bytes read at [offset]; 0 at the end.
    Status (*read_at)(OsFile *file, int64_t offset, void *bytes, size_t size, size_t *got,
                      Error *err);
    Status (*write)(OsFile *file, const void *bytes, size_t size, Error *err);
    Status (*sync)(OsFile *file, Error *err);
    Status (*close)(OsFile *file, Error *err);  // NULL is fine
    Status (*rename)(Str from, Str to, Error *err);
    Status (*remove)(Str path, Error *err);     // a file or an empty directory
    // With parents; fine when there. The names of those that were made are durable.
    Status (*make_dirs)(Str path, Error *err);
    Status (*sync_dir)(Str path, Error *err);
    Status (*stat)(Str path, OsStat *out, Error *err);  // exists == false is not an error
    Status (*list)(Str path, OsVisit visit, void *arg, Error *err);

    Status (*thread_start)(void (*run)(void *arg), void *arg, OsThread **out, Error *err);
    void (*thread_join)(OsThread *thread);       // blocking; frees it; NULL is fine
    void (*monitor_init)(OsMonitor *monitor);
    void (*monitor_clear)(OsMonitor *monitor);
    void (*lock)(OsMonitor *monitor);            // blocking
    void (*unlock)(OsMonitor *monitor);
    // With the lock held, which is given up meanwhile: until somebody tells, at most [ms].
    void (*wait)(OsMonitor *monitor, int64_t ms);
    void (*tell)(OsMonitor *monitor);            // all who wait look again
    void (*tell_one)(OsMonitor *monitor);        // one of them at least
} Os;

// The path of an object in a store such as S3: what is written is seen when the file is synced or
// closed, whole or not at all; nothing is appended or renamed; directories are names and no more.
bool os_is_object(Str path);

const Os *os(void);              // the table in use
void os_use(const Os *replacement);  // NULL: the real system again; before threads start

static inline int64_t os_now_ms(void) {
    return os()->now_ms();
}
static inline int64_t os_monotonic_ns(void) {
    return os()->monotonic_ns();
}
static inline void os_lock(OsMonitor *monitor) {
    os()->lock(monitor);
}
static inline void os_unlock(OsMonitor *monitor) {
    os()->unlock(monitor);
}
static inline void os_wait(OsMonitor *monitor, int64_t ms) {
    os()->wait(monitor, ms);
}
static inline void os_tell(OsMonitor *monitor) {
    os()->tell(monitor);
}
static inline void os_tell_one(OsMonitor *monitor) {
    os()->tell_one(monitor);
}

// The calling thread runs from now on when no other wants to. Where the system knows no such thing,
// nothing happens.
void os_thread_yields(void);

// Whole small files, on top of the table.
NODISCARD Status os_read_file(Str path, Buf *out, Error *err);
NODISCARD Status os_write_file(Str path, Str bytes, Error *err);
// Durable, and there whole or not at all; in a directory. On a disk by the name [path].part, which
// a dead process may have left.
NODISCARD Status os_put_file(Str path, Str bytes, Error *err);
