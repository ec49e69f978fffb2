// exec/session.h - merging windows: per key the sessions that are still open, each with data of the
// operator's (an aggregation's group, a list of rows), and the heap of times at which they close.
//
// As Flink's MergingWindowSet: a row's own window [time, time + gap) is merged with all it meets or
// touches; it is late when the merged window should have fired already. What merges goes into the
// session that began first.
//
// With RocksDB keys may leave memory, and their sessions the heap; those that are due come back
// when time has come to them (state_recall).
//
// Order of calls: sessions_keys for a batch, sessions_add a row, sessions_settle after the batch;
// sessions_fire when time advances. Threads: the worker's own.
#pragma once

#include "exec/saved.h"
#include "exec/window.h"

typedef struct Session Session;
typedef struct SessionKey SessionKey;

struct Session {
    _Alignas(16) int64_t start, end;  // local time
    SessionKey *key;
    Session *next;    // of the key, by start; or of the free list
    uint64_t number;  // in order of birth: sessions that end together leave in this order
    uint32_t heap_at; // index + 1 in the heap; 0: in none
};

static inline void *session_data(Session *session) {
    return session + 1;
}

typedef struct SessionsDef {
    const char *name;
    Operator *op;
    const WindowClock *clock;
    const Type *input;         // ROW of the input
    const uint32_t *key;       // columns
    uint32_t key_count;
    uint32_t data_size;
    // [from] ends; what it held goes behind what [into] holds, which is older.
    Status (*merge)(void *arg, Session *into, Session *from, Error *err);
    // The session closes: emit it. clear follows.
    Status (*fire)(void *arg, Session *session, Error *err);
    void (*clear)(void *arg, Session *session);
    // The session's data as fields, of these types, and back.
    const FieldList *fields;
    void (*save)(void *arg, Session *session, Buf *out);
    const char *(*load)(void *arg, Session *session, const char *at, Error *err);
    // StateTableDef.begin of the row in that field of the data; NULL: there is none.
    bool (*begin)(void *arg, uint32_t field, Buf *out);
    const char *begin_of;
    void *arg;
} SessionsDef;

typedef struct SessionTimer {
    int64_t at_ms;
    uint64_t number;
    Session *session;
} SessionTimer;

typedef struct Sessions {
    SessionsDef def;
    StateTable *keys;
    Arena arena;
    Session *unused;
    SessionTimer *heap;
    uint32_t heap_count, heap_cap;
    uint64_t born;
    int64_t charged;  // bytes
    bool closed;
} Sessions;

void sessions_open(Sessions *sessions, const SessionsDef *def);
void sessions_close(Sessions *sessions);
// The key of each row; NULL for rows that [valid] (may be NULL) leaves out.
NODISCARD Status sessions_keys(Sessions *sessions, Vec *const *key, uint32_t rows,
                               const uint64_t *valid, SessionKey **out, Error *err);
// The session that a row at local time [ms] belongs to, after merging; NULL when it is late.
NODISCARD Status sessions_add(Sessions *sessions, SessionKey *key, int64_t ms, Session **out,
                              Error *err);
// Forgets keys that ended the batch without a session.
void sessions_settle(Sessions *sessions, SessionKey **keys, uint32_t rows);
// Closes all sessions due at watermark (or processing time) [ms].
NODISCARD Status sessions_fire(Sessions *sessions, int64_t ms, Error *err);
// Writes the key of a session to row [at] of the columns.
void sessions_key(const Sessions *sessions, const Session *session, Vec **out, uint32_t at);
