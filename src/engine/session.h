// engine/session.h - a session: catalogs, settings, and the execution of statements, one at a time.
//
// INSERT, EXECUTE STATEMENT SET and queries run until their job has finished (a streaming query
// over an unbounded source: until session_stop). Threads: one caller; session_stop from any thread
// or a signal handler.
#pragma once

#include "plan/plan.h"
#include "run/job.h"

typedef struct Session Session;

typedef struct SessionConfig {
    const Map *config;         // initial settings ('key' -> NUL-terminated value); NULL: defaults
    int64_t memory_bytes_max;  // 0: from the machine
    const char *default_zone;  // NULL: the system's; case files: "UTC"
    // Where `print` sinks write; NULL: standard output and error.
    void (*print)(void *arg, Str line, bool to_stderr);
    void *print_arg;
    const char *record_dir;    // --record; NULL: none
    const char *replay_dir;    // --replay; NULL: none
    bool control;              // jobs are found and asked for savepoints from other processes
    const char *catalog_path;  // the file of default_catalog; NULL: in memory
} SessionConfig;

// Receives what a statement gives. All slots may be NULL. [row] and batches are valid during the
// call; keep a reference to a batch to hold it longer.
typedef struct ResultSink {
    void *arg;
    // Rows will come, of this type (time attributes are plain timestamps already). [ordered]: SHOW
    // and DESCRIBE, whose order means something.
    Status (*schema)(void *arg, const Type *row, bool ordered, Error *err);
    Status (*batch)(void *arg, Batch *batch, Error *err);
    // "OK", and what INSERT says when its job is done.
    void (*message)(void *arg, Str text);
    // At the end: what a reader of a table has read (JobSpec.was_read).
    void (*was_read)(void *arg, Str table, Str splits);
} ResultSink;

NODISCARD Status session_new(const SessionConfig *config, Session **out, Error *err);
void session_free(Session *session);

// Executes one statement (no script; sql_split cuts those). ST_PARSE, ST_VALIDATION or
// ST_UNSUPPORTED before anything ran, other statuses while it ran. Places in [err] count from the
// statement's start.
NODISCARD Status session_execute(Session *session, Str sql, const ResultSink *sink, Error *err);

// The first call lets sources stop and the dataflow drain; the second gives up at once. One that
// comes while nothing runs is for the next statement, unless session_rearm forgets it.
void session_stop(Session *session);
void session_rearm(Session *session);

// Figures of the job that ran last; NULL before the first. Owned by the session.
const JobStats *session_stats(const Session *session);
// Figures of the running job, for a status line; false when none runs. Any thread.
bool session_progress(Session *session, JobProgress *out);

// For printing values as the session would (func/cast.h).
const FuncEnv *session_env(const Session *session);
const Map *session_settings(const Session *session);
bool session_controls(const Session *session);  // SessionConfig.control
Catalogs *session_catalogs(Session *session);
