// run/worker.h - shared by the files of run/ and nobody else: workers, exchanges, sources.
#pragma once

#include "ckpt/frames.h"
#include "run/job.h"
#include "run/record.h"
#include "state/disk.h"

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

// Elements without a bound, oldest first.
typedef struct ElementQueue {
    Element *element;
    uint32_t from, count, cap;
} ElementQueue;
void element_queue_add(ElementQueue *queue, Element element);
bool element_queue_take(ElementQueue *queue, Element *out);  // false when empty
void element_queue_clear(ElementQueue *queue);

// A bounded single-producer single-consumer ring. Lamport's queue with cached indexes.
// A batch holds on to the text of the block that it was read from: a ring of batches is some MiB.
enum { RING_SIZE = 32 };
typedef struct Ring {
    _Alignas(64) _Atomic uint32_t head;  // consumer's
    _Alignas(64) _Atomic uint32_t tail;  // producer's
    // Where the producer's snapshot for checkpoint [cut] lies among what it sent: below [cut_tail]
    // is what it had sent before. Kept in jobs whose barriers may overtake rows.
    _Atomic uint32_t cut_tail;
    _Atomic uint64_t cut;
    uint32_t most;  // elements at a time: RING_SIZE, or weir.exchange-size
    _Atomic int awaited;  // the producer waits for room, and wants to be told of it
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
    ElementQueue *pending;
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
    ElementQueue *replay;  // per channel: restored, it comes before what is in the ring
    bool *blocked;       // per channel: waiting for the others' barrier
    bool *recording;     // per channel: what comes before its sender's cut goes into the snapshot
    uint32_t recordings;
    uint32_t barriers;
    uint32_t ended;
    uint64_t barrier;    // of the checkpoint under way
    uint64_t passed;     // the last checkpoint whose barrier was handed on
    // The senders that what is taken in here may come to: while one of them waits for room, this
    // one takes nothing in.
    ExchangeOut **leads_to;
    uint32_t leads_to_count;
} ExchangeIn;

struct Exchange {
    const Plan *producer;    // whose rows it carries
    const uint32_t *key;     // columns; key_count 0: everything to worker 0
    uint32_t key_count;
    uint32_t targets;        // so many of the workers take rows: the first ones
    uint64_t type_hash;      // of the producer's row type
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
    bool begun;              // it has been polled
    bool searches;           // some of its splits may not be known yet: SPLIT_UNKNOWN is told
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

// An element that a snapshot found on its way from one worker to another.
typedef struct InFlight {
    const Exchange *exchange;
    uint32_t from, to;
    bool queued;  // with its sender, behind a full ring
    Element element;
} InFlight;

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
    uint32_t restoring;  // while the job is restored: the worker of the old job whose file is read
    FrameWriter frames;        // of the one being written
    bool writing, tables_written;
    int64_t snapped_ns, written_ns;  // when its snapshot began, and how long it was written since
    bool idle;                 // the last round brought no work: the snapshot may have all the time
    uint32_t more_at;          // the operator that comes next to write more of what it keeps
    bool overtaking;           // the barrier at hand is not sent: it overtakes what is in the rings
    InFlight *in_flight;       // of this worker's snapshot, not written yet
    uint32_t in_flight_from, in_flight_count, in_flight_cap;
    bool source_read;          // the last look at the sources gave something
    bool halted;               // that one is the last
    bool told_done;
    uint64_t polls;            // of sources, that gave something
    int64_t pause_ns;          // when the barrier at hand came
    Durations pauses;  // how long checkpoints kept the worker from its work
    int64_t align_max_ns;
    uint64_t align_batches;    // taken in between a barrier and its snapshot
    Status status;
    Error error;
};

struct Job {
    Checkpointer *checkpointer;  // NULL: no checkpoints
    const JobSpec *spec;
    Worker *worker;
    uint32_t workers;
    uint32_t groups;         // key groups: pipeline.max-parallelism
    StateDisk *disk;         // NULL: state is in memory
    Arena arena;
    Exchange *exchanges;
    uint32_t exchange_count;
    struct AlignGroup *align;  // sources that wait for each other
    uint32_t plan_count;     // largest plan id + 1
    _Atomic int failed;
    _Atomic int draining;    // sources are to end: a savepoint was asked for that drains
    _Atomic uint32_t finished;  // sources that have ended
};

// disk.c: the backend that the job's options name; *out is left alone for that in memory.
NODISCARD Status job_state_disk(const JobSpec *spec, uint32_t workers, uint32_t groups,
                                StateDisk **out, Error *err);
NODISCARD Status worker_build(Worker *worker, Error *err);   // build.c
// worker.c: nothing waits for room in a ring any more.
bool worker_outputs_clear(Worker *worker);
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
// Tests: a job that is cut, its barriers overtaking rows, leaves what it sends in the rings for
// them to overtake.
bool worker_holds(const Worker *worker);
NODISCARD Status worker_checkpoint(Worker *worker, bool *progress, Error *err);
// This worker has nothing left to do; true when all may leave.
bool worker_may_leave(Worker *worker, bool done);
NODISCARD Status checkpointer_start(Job *job, Error *err);
// Waits for its thread; the first failure of a checkpoint is the job's.
NODISCARD Status checkpointer_stop(Job *job, Error *err);
void checkpointer_wake(Checkpointer *self);
void checkpointer_free(Checkpointer *self);
// inflight.c: unaligned checkpoints. What is in flight to and from this worker at its snapshot …
void in_flight_begin(Worker *worker);
// … and what the senders had sent before their own; true when all that is known and written.
bool in_flight_step(Worker *worker, int64_t until_ns);
void in_flight_put(Worker *worker, InFlight at);
void in_flight_clear(Worker *worker);
// What is left on a channel that is being recorded, once its sender's cut is known; or false.
bool in_flight_channel(ExchangeIn *self, uint32_t from);
// What a frame of it holds goes back to where it was.
NODISCARD Status in_flight_restore(ExchangeIn *self, Str bytes, Error *err);
// snapshot.c: puts the state of spec->checkpoint->restore into the opened workers.
NODISCARD Status job_restore(Job *job, Error *err);
// The job's next checkpoint is that behind [id].
void job_number_from(Job *job, uint64_t id);
void operator_frame_name(const Worker *worker, uint32_t index, FrameName *out);

extern const OperatorVt EXCHANGE_OUT_OPERATOR, EXCHANGE_IN_OPERATOR, SOURCE_OPERATOR;
NODISCARD Status exchange_in_poll(ExchangeIn *self, bool *progress, Error *err);
// The barrier of [checkpoint] passes though rows before it have not come yet.
NODISCARD Status exchange_in_overtake(ExchangeIn *self, uint64_t checkpoint, Error *err);
// What is taken in here may come to a sender that waits for room.
bool exchange_in_stuck(const ExchangeIn *self);
// Something is there that a worker with nothing to do could take in.
bool exchange_in_stirs(const ExchangeIn *self);
// There is room for something that waits for it.
bool exchange_out_stirs(const ExchangeOut *self);
// What is sent from now on comes after this worker's snapshot for [checkpoint].
void exchange_out_cut(ExchangeOut *self, uint64_t checkpoint);
Ring *exchange_ring(const Exchange *exchange, uint32_t workers, uint32_t from, uint32_t to);
bool exchange_out_flush(ExchangeOut *self);   // true when nothing waits any more
// Nothing is there for this worker's reader, and that is known.
bool source_is_empty(const Source *source);
// The number here of a split that the reader of a worker of the old job had, the one restored last;
// -1: another worker has it.
int64_t source_split_here(const Source *source, uint32_t split, uint32_t from_worker);
// What is held, as bytes; and back, what is not another worker's now.
NODISCARD Status source_save_held(const Source *source, Buf *out, Error *err);
NODISCARD Status source_load_held(Source *source, Str *bytes, uint32_t from_worker,
                                  Error *err);
NODISCARD Status source_poll(Source *source, bool *progress, Error *err);
