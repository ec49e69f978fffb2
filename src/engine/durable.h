// engine/durable.h - a job's life beyond one attempt: where its checkpoints lie, from which it
// begins, what happens when it fails, and who may ask for savepoints. Option names, values and
// defaults are Flink's (execution.checkpointing.*, execution.state-recovery.*, restart-strategy.*).
#pragma once

#include "run/job.h"

typedef struct DurableHost {
    void (*log)(void *arg, Str line);  // one line for what a user should know; may be NULL
    void *arg;
    bool control;  // the job is found and asked for savepoints from outside (engine/control.h)
} DurableHost;

// Runs the job of [spec] (whose checkpoint and control fields are filled here) until it has ended,
// is stopped, or has failed more often than its restart strategy allows.
NODISCARD Status durable_run(JobSpec *spec, const DurableHost *host, Error *err);
