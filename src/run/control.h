// run/control.h - what is asked of a running job from outside of it: savepoints, and to stop with
// one.
//
// Threads: any thread asks, and waits for the answer; the thread that takes the job's checkpoints
// answers (run/checkpoint.c). One request at a time, the others wait their turn.
#pragma once

#include "base/text.h"

typedef struct JobControl JobControl;

typedef enum AskKind {
    ASK_SAVEPOINT,  // a savepoint; the job goes on
    ASK_STOP,       // the job ends with a savepoint, its input left, its windows open
    ASK_DRAIN,      // the sources end; then, when all has come out, a savepoint; dir may be empty
} AskKind;

typedef struct JobAsk {
    AskKind kind;
    Str dir;           // where the savepoint's directory is made
    const char *name;  // of that directory
    Str path;          // the answer: where it lies; the asker's memory
    bool taken, answered;
    Status status;
    Error error;
} JobAsk;

JobControl *job_control_new(void);
void job_control_free(JobControl *control);
// Asks, and waits until the job has done it, has failed to, or has ended.
NODISCARD Status job_control_ask(JobControl *control, JobAsk *ask, Error *err);
// From now on there is nobody to ask: [why] is the answer.
void job_control_close(JobControl *control, const char *why);

// The answering side. The request that waits, or NULL; it is the caller's until it is answered.
JobAsk *job_control_take(JobControl *control);
void job_control_answer(JobControl *control, JobAsk *ask, Status status, const Error *error);
