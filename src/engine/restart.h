// engine/restart.h - restart strategies: whether a job that has failed begins again, and after how
// long. Names, values and defaults are Flink's (restart-strategy.*).
#pragma once

#include "run/job.h"

typedef enum RestartKind {
    RESTART_NONE, RESTART_FIXED_DELAY, RESTART_FAILURE_RATE, RESTART_EXPONENTIAL
} RestartKind;

typedef struct Restart {
    RestartKind kind;
    int64_t attempts;        // most restarts; -1: any number
    int64_t delay_ms;        // of the next restart
    int64_t first_ms, most_ms,
        calm_ms;  // exponential: first and greatest delay, when it is first again
    double factor, jitter;
    int64_t interval_ms;     // failure-rate: that many failures in it are too many
    int64_t failed_ms[1024]; // when it failed last
    uint32_t failures;
} Restart;

// [checkpoints]: the job takes some; then it restarts unless it is told not to.
NODISCARD Status restart_options(const Map *config, bool checkpoints, Restart *out, Error *err);
// The job has failed now: whether it starts again, and after how long.
bool restart_again(Restart *self, int64_t now_ms, int64_t *delay_ms);
