// exec/operator.h - the face of an operator: one struct of functions, called by one thread, its
// worker's: open, then any mix of on_batch, on_watermark, on_timer, on_barrier, on_end, then close.
//
// Operators of a chain call each other directly: output_batch runs the consumers to completion
// before it returns. Watermarks are combined here: an operator with several inputs sees the
// minimum. A slot left NULL takes the documented default.
#pragma once

#include "base/durations.h"
#include "exec/program.h"
#include "plan/plan.h"
#include "state/table.h"

typedef struct Operator Operator;
typedef struct OperatorVt OperatorVt;
typedef struct OpTarget OpTarget;

enum { OPERATOR_INPUTS_MAX = 64 };
#define WATERMARK_NONE INT64_MIN
#define WATERMARK_MAX INT64_MAX

// What a worker offers its operators.
typedef struct OpEnv {
    uint32_t index, count;        // this worker among the job's
    uint32_t key_groups;          // pipeline.max-parallelism
    const Map *config;
    const FuncEnv *func;
    Budget *budget;               // of the job; an operator charges its own
    StateBackend *state;          // keyed state of this worker
    Arena *arena;                 // lives as long as the job
    int64_t (*now_ms)(void *);    // processing time
    void *now_arg;
    // Asks for on_timer at processing time [ms] (once; earlier requests stand).
    void (*timer_at)(Operator *op, int64_t ms);
    const TaskEnv *task;          // for sinks and lookups
    bool mini_batch;
    uint32_t batch_rows_max;      // longer batches are cut: `weir.batch-rows-max`, for tests
    uint32_t spillers;            // operators of the job that share its memory (exec/spill.h)
    // PLAN_COLLECT hands its rows here.
    Status (*collect)(void *arg, Batch *batch, Error *err);
    void *collect_arg;
    // While state is restored: the number that a split of the worker at hand of the old job has in
    // the source below [op] now; -1: it has become another worker's.
    int64_t (*split_here)(const Operator *op, uint32_t split);
    uint32_t split;               // source split of the batch being handed down; run/ keeps it
    // 2: give up at once; non-zero: another worker has failed. NULL: never.
    const _Atomic int *stop, *failed;
    void *owner;                  // the worker; for run/ alone
} OpEnv;

struct OpTarget {
    Operator *op;
    uint32_t input;
};

// What an operator that asks a model has to tell of it.
typedef struct ModelUse {
    uint64_t version;    // in use
    uint64_t reloads;    // newer versions that were taken up
    Durations took;      // of batches, or of requests to a model elsewhere
    Predictor *of;       // one of those that ask; NULL: none yet
} ModelUse;

struct Operator {
    const OperatorVt *vt;
    const Plan *plan;
    OpEnv *env;
    Budget *budget;           // its own, below the job's: what it keeps is charged to it
    OpTarget *target;         // consumers
    uint32_t target_count;
    uint32_t input_count;
    int64_t watermark[OPERATOR_INPUTS_MAX];  // last one seen per input
    int64_t watermark_in;     // minimum over the inputs
    int64_t watermark_out;    // last one sent
    uint64_t idle_inputs;     // bit i: input i is idle and does not hold the watermark back
    uint64_t ended_inputs;
    uint64_t barrier_inputs;  // those whose barrier of the checkpoint under way has come
    uint64_t barrier;         // that checkpoint
    bool ended;
    // numRecordsIn, numRecordsOut, numLateRecordsDropped, busy time.
    uint64_t rows_in, rows_out, late_dropped;
    int64_t busy_ns;
    Operator *next_timer;     // the worker's list of processing-time timers
    int64_t timer_ms;         // INT64_MAX: none
    const ModelUse *model;    // NULL: it asks none
    uint32_t walk;            // of run/, through the dataflow: the last one that came here
};

struct OperatorVt {
    const char *name;         // "group-aggregate"
    PlanKind plan_kind;
    uint32_t size;            // of the struct that begins with Operator
    Status (*open)(Operator *op, Error *err);
    // [in] is the caller's; keep a reference to hold it longer. Empty batches do not come.
    Status (*on_batch)(Operator *op, uint32_t input, Batch *in, Error *err);
    // The combined watermark has advanced to [ms]; NULL: forwarded. An operator that has the slot
    // forwards it itself (output_watermark) after firing.
    Status (*on_watermark)(Operator *op, int64_t ms, Error *err);
    // Processing time has reached what was asked for.
    Status (*on_timer)(Operator *op, int64_t now_ms, Error *err);
    // Mini-batch: emit what was folded (also before barriers and the end).
    Status (*on_flush)(Operator *op, Error *err);
    // All inputs have ended (after watermark WATERMARK_MAX of bounded inputs). The end is forwarded
    // by the caller.
    Status (*on_end)(Operator *op, Error *err);
    Status (*on_barrier)(Operator *op, uint64_t checkpoint, Error *err);
    // What an operator keeps beside its tables, as bytes; and what one of the workers of the job
    // that took the snapshot had: called once for each of those whose state concerns this worker,
    // after the tables are there. NULL: there is nothing.
    Status (*save)(Operator *op, Buf *out, Error *err);
    Status (*restore)(Operator *op, Str bytes, Error *err);
    // More of it, in pieces while work goes on, as it was when [save] (which may be NULL) began:
    // all of it when true. Called until then, before the next [save]. [restore_more] takes each
    // piece.
    void (*save_begin)(Operator *op);
    bool (*save_more)(Operator *op, Buf *out);
    Status (*restore_more)(Operator *op, Str bytes, Error *err);
    bool restore_by_split;    // [restore] asks split_here: it is called right behind the sources
    bool save_plain;          // what [save] writes has nothing to do with the columns of its input
    // Sinks: what is to be committed when the checkpoint is complete; commit it; commit what the
    // job that took the snapshot had prepared and may not have committed.
    Status (*prepare)(Operator *op, uint64_t checkpoint, Buf *committable, Error *err);
    Status (*commit)(Operator *op, uint64_t checkpoint, Error *err);
    Status (*recommit)(Operator *op, Str committable, Error *err);
    // All inputs are idle, or one is active again; consumers are told by the caller.
    Status (*on_idle)(Operator *op, bool idle, Error *err);
    // A split of the source below began or ended; passed down along plain chains only.
    Status (*on_split)(Operator *op, uint32_t split, bool ended, Error *err);
    void (*close)(Operator *op);
};

// Hands [batch] (the reference goes with it) to all consumers.
NODISCARD Status output_batch(Operator *op, Batch *batch, Error *err);
NODISCARD Status output_watermark(Operator *op, int64_t ms, Error *err);
NODISCARD Status output_end(Operator *op, Error *err);
NODISCARD Status output_barrier(Operator *op, uint64_t checkpoint, Error *err);
// An operator without work of its own hands a builder's batch on when it is full (or [force]).
NODISCARD Status output_builder(Operator *op, Builder *builder, bool force, Error *err);

// How elements enter an operator (called by upstream operators, sources, exchanges).
NODISCARD Status operator_batch(Operator *op, uint32_t input, Batch *batch, Error *err);
NODISCARD Status operator_watermark(Operator *op, uint32_t input, int64_t ms, Error *err);
NODISCARD Status operator_idle(Operator *op, uint32_t input, bool idle, Error *err);
NODISCARD Status operator_end(Operator *op, uint32_t input, Error *err);
enum { SPLIT_UNKNOWN = UINT32_MAX };  // stands for splits that a source has not found yet
NODISCARD Status operator_split(Operator *op, uint32_t split, bool ended, Error *err);
NODISCARD Status operator_barrier(Operator *op, uint32_t input, uint64_t checkpoint, Error *err);

// The operator of a physical plan kind, in batch mode or in a stream; NULL when there is none.
// Listed in exec/builtin.c.
const OperatorVt *operator_for(PlanKind kind, bool batch);
// Whether the operator of a batch holds as much of its input as its share of the memory allows, and
// puts the rest aside.
bool operator_spills(PlanKind kind);
