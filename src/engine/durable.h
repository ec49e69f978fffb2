// engine/durable.h - a job's life beyond one attempt: where its checkpoints lie, from which it
// begins, and what happens when it fails. Option names, values and defaults are Flink's
// (execution.checkpointing.*, execution.state-recovery.*, restart-strategy.*).
#pragma once

#include "run/job.h"

// Runs the job of [spec] (whose checkpoint field is filled here) until it has ended, is stopped, or
// has failed more often than its restart strategy allows. [log]: one line for what a user should
// know of it; may be NULL.
NODISCARD Status durable_run(JobSpec *spec, void (*log)(void *arg, Str line), void *log_arg,
                             Error *err);
