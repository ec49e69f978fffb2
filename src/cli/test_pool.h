// cli/test_pool.h - runs case files in child processes, several at a time, so that a crash or an
// endless loop costs one record and not the run.
//
// A child runs one file from some record on and tells over a pipe what it begins and how it ended.
// When it dies or takes too long, the record at hand has failed and another child goes on behind
// it: it first runs the file's earlier statements again, silently, to have their tables.
//
// Order of calls: fill a CaseRun for each file, case_runs, read the verdicts, case_run_clear.
// Threads: one, and the process must have no others: it forks.
#pragma once

#include "cli/test_case.h"

// What runs SQL, within a child.
typedef struct CaseEngine {
    // A fresh session: what the records of one file share. [arg] is from CasePool.
    Status (*open)(void *arg, const CaseDirs *dirs, void **session, Error *err);
    // [sql] has its placeholders filled in. What comes out goes to [outcome].
    Status (*execute)(void *session, Str sql, const CaseDirs *dirs, CaseOutcome *outcome,
                      Error *err);
    void (*close)(void *session);
} CaseEngine;

typedef enum Verdict {
    VERDICT_NONE,  // not asked for
    VERDICT_PASSED,
    VERDICT_DIFFERS,
    VERDICT_DIED,  // crashed or took too long
} Verdict;

typedef struct CaseAttempt {
    uint8_t verdict;
    bool replay_dies;  // a later child that ran it silently died of it: never again
    char *report;      // owned; indented lines, or NULL
} CaseAttempt;

typedef struct CaseRun {
    const char *path;   // owned by the caller, as is:
    const char *data;   // what ${DATA} stands for, absolute
    uint32_t only;      // run this record alone (counted from 1); 0: all
    CaseFile file;      // parsed by the caller
    CaseAttempt *attempt;  // one a record; made by case_runs
    CaseAnswer *answer;    // when recording: one a record, texts owned
    char *failure;  // of the file as such: cannot be read (set by the caller: then it is not run),
                    // cannot open a session, a bad end; or NULL
    bool done;
} CaseRun;

typedef struct CasePool {
    const CaseEngine *engine;
    void *engine_arg;
    uint32_t jobs;          // children at a time
    int64_t timeout_ms;     // of one record
    bool recording;         // answers are wanted, not verdicts
    bool materialised;      // change logs need only come to the same rows
    void (*finished)(void *arg, CaseRun *run);  // as soon as a file is through; may be NULL
    void *arg;
} CasePool;

// Runs them all. ST_CANCELLED after SIGINT or SIGTERM, with no child left behind.
NODISCARD Status case_runs(const CasePool *pool, CaseRun *runs, uint32_t count, Error *err);
void case_run_clear(CaseRun *run);
