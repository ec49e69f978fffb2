// run/job.h - a job: physical plans turned into one dataflow per worker, run to the end.
//
// Each worker is a thread that runs a whole copy of the dataflow for the keys that it owns. Where a
// node needs its rows by key (or all in one place) and parallelism is above one, an exchange stands
// before it: bounded rings from every worker to every worker. FIFO rings mean that watermarks,
// barriers and ends need no other protocol; bounded rings are the back-pressure.
#pragma once

#include <stdatomic.h>

#include "exec/operator.h"

typedef struct OperatorStats {
    char name[64];           // "group-aggregate"
    const char *kind;        // "source", "operator", "sink"
    uint64_t stable_id;
    uint64_t rows_in, rows_out, late_dropped;
    int64_t busy_ns;         // own time; measured for sources and sinks
    uint64_t state_rows, state_bytes;
    // ML_PREDICT: the version in use at the end, how often a worker has taken another, and how long
    // the model took for a batch (or a request).
    bool model;
    uint64_t model_version, model_reloads;
    int64_t model_p50_ns, model_p99_ns, model_max_ns;
    char *model_servers;     // of a model elsewhere: a JSON array of its servers; or NULL
} OperatorStats;

typedef struct JobStats {
    double wall_s, cpu_s;
    double restore_s;              // of wall_s: until all state was there again
    int64_t memory_peak_bytes;     // of the budget
    uint64_t restarts;             // after failures
    uint64_t checkpoints, checkpoints_failed;
    int64_t checkpoint_bytes;      // of the last one
    // How long checkpoints kept a worker from its work: the half, 99 of 100, all were no longer.
    int64_t pause_p50_ns, pause_p99_ns, pause_max_ns;
    uint64_t checkpoints_unaligned;  // whose barriers overtook rows
    uint64_t in_flight_batches, in_flight_bytes;  // that went into all snapshots
    uint64_t align_batches;        // taken in between a worker's barrier and its snapshot
    int64_t align_max_ns;          // the longest time from a worker's barrier to its snapshot
    bool halted;                   // ended by a checkpoint, with input left
    bool damaged;                  // what it should have begun from is not whole
    bool stopped;                  // ended by a savepoint that was asked for
    uint64_t rows_in, rows_out;    // of sources, of sinks
    // Versions trained while the job ran, those of them that were made current, and attempts that
    // failed (engine/retrain.h).
    uint64_t trainings, trainings_in_use, trainings_failed;
    OperatorStats *op;
    uint32_t op_count;
} JobStats;

typedef struct JobProgress {
    uint64_t rows_in, rows_out;
    int64_t watermark_ms;          // INT64_MIN: none
    int64_t elapsed_ms;
    double busy;                   // share of the workers' time spent working
} JobProgress;

// How a job's state is kept (run/checkpoint.c). Option names and defaults are Flink's.
typedef struct CheckpointSpec {
    Str dir;                  // of this job; empty: no checkpoints
    Str job;                  // its name
    uint32_t groups;          // pipeline.max-parallelism
    int64_t interval_ms;      // 0: only at the end and when asked for
    int64_t min_pause_ms, timeout_ms;
    uint32_t tolerable_failures, retained;
    bool incremental;
    // Barriers may overtake rows: at once, or when alignment takes longer than that.
    bool unaligned;
    int64_t aligned_timeout_ms;
    // Nothing is read: what was in flight comes through, and the job halts with an aligned
    // checkpoint. So the rows of an unaligned one get to another parallelism.
    bool settle;
    uint64_t past;            // the greatest number that [dir] knows: the job's own go on from it
    Str restore;              // the checkpoint or savepoint to begin from; empty: from nothing
    bool keep_restored;       // it is not the job's to remove, though it lies in [dir]
    Str claimed;              // one that lies elsewhere and goes when new ones have taken its place
    bool after_end;           // checkpoints go on when some source has ended
    bool allow_non_restored;  // state that no operator takes is dropped
    // Tests: each worker stops reading after that many batches; the job then halts with a
    // checkpoint, its input not ended. 0: never. [cut_savepoint]: with a savepoint.
    uint64_t cut_after;
    bool cut_savepoint;
    // Asked before a checkpoint is made to count: whether [dir] is this run's still (OS_HOLD).
    // NULL: nothing of that kind can happen.
    OsFile *held;
    void (*log)(void *arg, Str line);
    void *log_arg;
} CheckpointSpec;

typedef struct JobSpec {
    const CheckpointSpec *checkpoint;  // NULL: no checkpoints
    Plan *const *root;
    uint32_t root_count;
    uint32_t plan_count;           // above every plan's id
    uint32_t workers;
    Str state_backend;             // instead of the one that [config] names; empty: that one
    const Map *config;
    const FuncEnv *env;
    Budget *budget;
    void (*print)(void *arg, Str line, bool to_stderr);
    void *print_arg;
    // What TaskEnv.drifted calls; NULL: nobody listens.
    void (*drifted)(void *arg, Str path);
    void *drift_arg;
    // When the job has ended well: what was read of [table], as its readers tell it
    // (SourceVt.tell), or nothing. May be NULL.
    void (*was_read)(void *arg, Str table, Str splits);
    void *read_arg;
    // Where PLAN_COLLECT's rows go; called by one worker only.
    Status (*collect)(void *arg, Batch *batch, Error *err);
    void *collect_arg;
    // Recordings of what sources hand in (run/record.h): written, read instead; NULL: neither.
    const char *record_dir, *replay_dir;
    uint32_t number;               // of the job in its session; names its recordings
    _Atomic int *stop;             // 1: drain, 2: give up; polled
    struct JobControl *control;    // savepoints are asked for there (run/control.h); NULL: nowhere
    JobStats *stats;               // filled at the end; free with job_stats_clear
    _Atomic uint64_t *progress_in, *progress_out;
    _Atomic int64_t *progress_watermark;
    _Atomic int64_t *progress_busy_ns;  // of all workers
} JobSpec;

// Runs the job in the calling thread and workers - 1 others. ST_CANCELLED after a hard stop.
NODISCARD Status job_run(const JobSpec *spec, Error *err);
void job_stats_clear(JobStats *stats);
