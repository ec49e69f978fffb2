// run/worker.h - shared by the files of run/ and nobody else: workers, exchanges, sources.
#pragma once

#include "ckpt/frames.h"
#include "run/job.h"
#include "run/record.h"

typedef struct Job Job;
typedef struct Worker Worker;
typedef struct Exchange Exchange;
typedef struct Checkpointer Checkpointer;

// What flows through a ring.
typedef enum ElementKind {
    ELEMENT_BATCH,
    ELEMENT_WATERMARK,
    ELEMENT_IDLE,
    ELEMENT_BARRIER,
    ELEMENT_END
} ElementKind;

typedef struct Element {
    ElementKind kind;
    Batch *batch;    // ELEMENT_BATCH: one reference
    int64_t value;   // watermark, idle flag, checkpoint
} Element;

// A bounded single-producer single-consumer ring. Lamport's queue with cached indexes.
// A batch holds on to the text of the block that it was read from: a ring of batches is some MiB.
enum { RING_SIZE = 32 };
typedef struct Ring {
    _Alignas(64) _Atomic uint32_t head;  // consumer's
    _Alignas(64) _Atomic uint32_t tail;  // producer's
    _Alignas(64) Element element[RING_SIZE];
} Ring;
_Static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "indexes run over 2^32");
bool ring_push(Ring *ring, Element element);  // false when full
bool ring_pop(Ring *ring, Element *out);      // false when empty

// The sending half on one worker: an operator whose "consumers" are rings.
typedef struct ExchangeOut {
    Operator base;
    Exchange *exchange;
    // Elements that found their ring full, per target worker, oldest first. While any wait, the
    // worker takes nothing new in.
    struct Pending {
        Element *element;
        uint32_t from, count, cap;
    } *pending;
    // Of the batch at hand: hashes, targets, and its rows target by target.
    uint64_t *hashes;
    uint32_t *target, *rows;
    uint32_t rows_cap;
    uint32_t *begin;         // per target and one more: where its rows begin
    bool waiting;
} ExchangeOut;

// The receiving half: an operator with one input per sending worker, fed from rings.
typedef struct ExchangeIn {
    Operator base;
    Exchange *exchange;
    bool *blocked;       // per channel: waiting for the others' barrier
    uint32_t barriers;
    uint32_t ended;
    uint64_t barrier;    // of the checkpoint under way
    uint64_t passed;     // the last checkpoint whose barrier was handed on
} ExchangeIn;

struct Exchange {
    const Plan *producer;    // whose rows it carries
    const uint32_t *key;     // columns; key_count 0: everything to worker 0
    uint32_t key_count;
    uint32_t stage;          // topological number; later stages are served first
    Ring *ring;              // [from * workers + to]
    Exchange *next;
    const Plan *consumer;
    uint32_t input;          // which input of the consumer
};

// What a reader has given and the dataflow has not seen yet: when batches are cut smaller than they
// come (weir.batch-rows-max).
typedef struct Held {
    Batch *batch;   // NULL: the split begins or ends
    uint32_t at;    // rows handed on already
    uint32_t split;
    bool split_ends;
} Held;

typedef struct Source {
    Operator base;
    SourceReader *reader;
    Recorder *recorder;      // --record, or NULL
    SourceOutput output;
    bool ended;
    bool drained;            // the reader has ended; what is held goes first
    bool started;            // a split has been seen
    bool idle;               // told the operators behind not to wait for this reader
    int64_t downstream_ns;   // of the poll at hand: spent in the operators behind
    uint32_t values_at;      // PLAN_VALUES
    uint32_t batch_rows;     // weir.batch-rows-max: most rows of a batch handed on
    Held *held;
    uint32_t held_from, held_count, held_cap;
    struct Align *align;     // waits for other sources, or NULL
} Source;

// align.c
typedef struct Align Align;
void align_join(Job *job, Source *source);  // when the worker is built
bool align_waits(Source *source);  // it has run ahead: it is not read now
void align_leave(Source *source);  // nobody waits for it any more

// How long checkpoints kept a worker from its work, counted by size: eight steps to a doubling.
enum { PAUSE_STEPS = 8, PAUSE_SIZES = 48 * PAUSE_STEPS };
typedef struct Pauses {
    uint64_t count[PAUSE_SIZES];
    int64_t max_ns;
} Pauses;
void pauses_add(Pauses *pauses, int64_t ns);
// What [share] of them, 0 to 1, do not exceed, to an eighth.
int64_t pauses_quantile(const Pauses *pauses, double share);

struct Worker {
    Job *job;
    uint32_t index;
    OsThread *thread;        // NULL: the thread of the job's caller
    Arena arena;
    OpEnv env;
    TaskEnv task;
    StateBackend *state;
    Operator **op;           // by order of creation: consumers first
    uint32_t op_count, op_cap;
    Operator **by_plan;      // by plan id: the operator, once built
    Source **source;
    uint32_t source_count;
    ExchangeIn **in;         // by stage, last first
    uint32_t in_count;
    ExchangeOut **out;
    uint32_t out_count;
    Operator *timers;
    // Sleeping until a ring gets something.
    OsMonitor wake;
    _Atomic int sleeping;
    bool workers_only_source;  // alone: may sleep inside its reader
    int64_t busy_ns, flush_at_ms;
    // Of what a status line shows: when it was told last, and what.
    int64_t told_ns, told_busy_ns;
    uint64_t told_rows;
    // Checkpoints (checkpoint.c): the last one asked for, whose state was taken, that has ended.
    uint64_t aligning, snapped, ended;
    FrameWriter frames;        // of the one being written
    bool writing;
    bool halted;               // that one is the last
    bool told_done;
    uint64_t polls;            // of sources, that gave something
    int64_t pause_ns;          // when the barrier at hand came
    Pauses pauses;
    Status status;
    Error error;
};

struct Job {
    Checkpointer *checkpointer;  // NULL: no checkpoints
    const JobSpec *spec;
    Worker *worker;
    uint32_t workers;
    uint32_t groups;         // key groups: pipeline.max-parallelism
    Arena arena;
    Exchange *exchanges;
    uint32_t exchange_count;
    struct AlignGroup *align;  // sources that wait for each other
    uint32_t plan_count;     // largest plan id + 1
    _Atomic int failed;
    _Atomic int draining;    // sources are to end: a savepoint was asked for that drains
    _Atomic uint32_t finished;  // sources that have ended
};

NODISCARD Status worker_build(Worker *worker, Error *err);   // build.c
// One look at what the other workers have sent; worker.c.
NODISCARD Status worker_receive(Worker *worker, bool *progress, Error *err);
NODISCARD Status worker_run(Worker *worker, Error *err);     // worker.c
void worker_wake(Worker *worker);
void worker_close(Worker *worker);

// Checkpoints are taken without being asked for: the job's end is one of them.
static inline bool job_has_checkpoints(const Job *job) {
    return job->spec->checkpoint && job->spec->checkpoint->dir.len;
}

// checkpoint.c. Between barrier and snapshot a worker takes nothing in, nor after the snapshot that
// the job halts with.
static inline bool worker_aligning(const Worker *worker) {
    return worker->aligning > worker->snapped || worker->halted;
}
NODISCARD Status worker_checkpoint(Worker *worker, bool *progress, Error *err);
// This worker has nothing left to do; true when all may leave.
bool worker_may_leave(Worker *worker, bool done);
NODISCARD Status checkpointer_start(Job *job, Error *err);
// Waits for its thread; the first failure of a checkpoint is the job's.
NODISCARD Status checkpointer_stop(Job *job, Error *err);
void checkpointer_wake(Checkpointer *self);
void checkpointer_free(Checkpointer *self);
// restore.c: puts the state of spec->checkpoint->restore into the opened workers.
NODISCARD Status job_restore(Job *job, Error *err);
void operator_frame_name(const Worker *worker, uint32_t index, FrameName *out);

extern const OperatorVt EXCHANGE_OUT_OPERATOR, EXCHANGE_IN_OPERATOR, SOURCE_OPERATOR;
NODISCARD Status exchange_in_poll(ExchangeIn *self, bool *progress, Error *err);
bool exchange_out_flush(ExchangeOut *self);   // true when nothing waits any more
// Nothing is there for this worker's reader, and that is known.
bool source_is_empty(const Source *source);
// What is held, as bytes; and back, what is not another worker's now.
NODISCARD Status source_save_held(const Source *source, Buf *out, Error *err);
NODISCARD Status source_load_held(Source *source, Str *bytes, uint32_t from_worker,
                                   Error *err);
NODISCARD Status source_poll(Source *source, bool *progress, Error *err);
