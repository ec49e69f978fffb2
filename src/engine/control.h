// engine/control.h - running jobs as other processes see them: which there are, savepoints of them,
// and stopping them.
//
// A job listens at <runtime directory>/<first half of its id>.sock, for its user alone. The runtime
// directory is $WEIR_RUNTIME_DIR, else weir below $XDG_RUNTIME_DIR, else weir-<uid> below $TMPDIR.
// A request is one line, "stop /savepoints"; the answer is "ok" or a failure in the first line and
// what there is to say behind it.
//
// Threads: one a job listens; requests that take time have one each.
#pragma once

#include "base/map.h"
#include "run/control.h"

typedef struct Control Control;

typedef struct ControlSpec {
    Str name;            // of the job
    Str savepoint_dir;   // where savepoints go unless it is said; empty: it must be
    Str checkpoint_dir;  // empty: it has none that last
    _Atomic int *stop;   // JobSpec.stop
    const char *why_not;  // no savepoints can be taken; NULL: they can
} ControlSpec;

// Texts are borrowed and outlive the control.
NODISCARD Status control_open(const ControlSpec *spec, Control **out, Error *err);
// Requests under way are answered first. NULL is fine, here and below.
void control_close(Control *control);
void control_status(Control *control, const char *status);
// The job has failed and will begin again. The last FAILURES_KEPT reasons are kept.
enum { FAILURES_KEPT = 16 };  // as many as Flink's web.exception-history-size
void control_failed(Control *control, Str why);
JobControl *control_of_job(Control *control);

// ---- the other side ----------------------------------------------------------------------------

typedef struct JobInfo {
    Str id;         // 32 hexadecimal digits
    Str name;
    Str status;     // "RUNNING"
    int64_t started_ms;
    int64_t pid;
    int64_t restarts;
    Str checkpoint_dir, savepoint_dir;  // may be empty
    Str socket;
} JobInfo;

// All running jobs of this user, oldest first.
NODISCARD Status control_jobs(Arena *arena, JobInfo **out, uint32_t *count, Error *err);
// The job of that id (or what an id begins with) or name.
NODISCARD Status control_find(Arena *arena, Str job, JobInfo *out, Error *err);

typedef struct JobFailure {
    int64_t time_ms;
    Str why;        // one line
} JobFailure;
// Why the job has begun again, the last times; oldest first.
NODISCARD Status control_failures(Arena *arena, const JobInfo *job, JobFailure *out,
                                  uint32_t *count, Error *err);

typedef enum ControlVerb {
    CONTROL_SAVEPOINT,  // [dir]: where; empty: the job's own setting
    CONTROL_STOP,       // with a savepoint
    CONTROL_DRAIN,      // the same, but the sources end first; without a directory, no savepoint
    CONTROL_CANCEL,     // as Ctrl-C does
} ControlVerb;

// Blocks until the job has done it. *path: of the savepoint.
NODISCARD Status control_request(Arena *arena, const JobInfo *job, ControlVerb verb, Str dir,
                                 Str *path, Error *err);
