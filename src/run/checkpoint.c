// Checkpoints: one thread a job asks for them, takes the workers' bytes, and makes them durable.
//
// The barrier of a checkpoint enters at the sources of every worker and travels with the rows
// (Chandy and Lamport 1985; Carbone et al. 2015). A worker whose inputs have all brought it takes
// nothing in until the barrier has passed every operator it runs: then its whole state is of one
// instant, the snapshot begins, and work goes on at once (state/table.h copies on write). Nothing
// that follows a barrier is sent before its sender has sent the barrier everywhere, so that workers
// that wait for each other cannot wait in a circle.
//
// Two-phase commit: sinks prepare at that instant, what they prepared is in the snapshot, and they
// commit when the checkpoint is durable. Its ids go on from those of the checkpoint restored from.
#include "run/checkpoint.h"

#include <stdio.h>

// ---- the workers' side -------------------------------------------------------------------------

static void hand_over(Worker *worker, bool last) {
    Checkpointer *self = worker->job->checkpointer;
    Chunk *chunk = NEW(Chunk);
    chunk->worker = worker->index;
    chunk->last = last;
    chunk->bytes = frames_take(&worker->frames);
    os_lock(&self->lock);
    if (self->last) {
        self->last->next = chunk;
    } else {
        self->first = chunk;
    }
    self->last = chunk;
    os_tell(&self->lock);
    os_unlock(&self->lock);
}

// The barrier has passed all operators: every exchange has brought it, or has ended.
static bool aligned(const Worker *worker) {
    for (uint32_t i = 0; i < worker->in_count; i++) {
        const ExchangeIn *in = worker->in[i];
        if (!in->base.ended && in->passed < worker->aligning) return false;
    }
    return true;
}

static Status inject(Worker *worker, uint64_t id, Error *err) {
    worker->aligning = id;
    for (uint32_t i = 0; i < worker->source_count; i++) {
        if (!worker->source[i]->ended) TRY(output_barrier(&worker->source[i]->base, id, err));
    }
    return ST_OK;
}

static Status commit(Worker *worker, uint64_t id, Error *err) {
    for (uint32_t i = 0; i < worker->op_count; i++) {
        Operator *op = worker->op[i];
        if (op->vt->commit) TRY(op->vt->commit(op, id, err));
    }
    for (uint32_t i = 0; i < worker->source_count; i++) {
        SourceReader *reader = worker->source[i]->reader;
        if (reader && reader->vt->checkpoint_complete) {
            TRY(reader->vt->checkpoint_complete(reader, id, err));
        }
    }
    return ST_OK;
}

Status worker_checkpoint(Worker *worker, bool *progress, Error *err) {
    enum { STEP_NS = 500000, CHUNK_SIZE = 1 << 20 };
    Checkpointer *self = worker->job->checkpointer;
    if (!self) return ST_OK;
    const CheckpointSpec *spec = self->spec;
    if (spec->cut_after && worker->polls == spec->cut_after && !atomic_load(&self->cut)) {
        atomic_store(&self->cut, 1);
        checkpointer_wake(self);
    }
    int64_t begin = os_monotonic_ns();
    uint64_t asked = atomic_load_explicit(&self->asked, memory_order_acquire);
    uint64_t ended = atomic_load_explicit(&self->ended, memory_order_acquire);
    if (asked <= worker->aligning && worker->aligning == worker->snapped && !worker->writing &&
        ended <= worker->ended) {
        return ST_OK;
    }
    // First: the next one may have been asked for already.
    if (ended > worker->ended) {
        *progress = true;
        worker->ended = ended;
        bool durable = atomic_load(&self->durable) != 0;
        state_snapshot_end(worker->state, durable);
        if (durable) TRY(commit(worker, ended, err));
    }
    if (asked > worker->aligning) {
        *progress = true;
        worker->pause_ns = begin;
        TRY(inject(worker, asked, err));
    }
    if (worker->aligning > worker->snapped && aligned(worker)) {
        *progress = true;
        TRY(worker_snapshot_begin(worker, err));
        worker->snapped = worker->aligning;
        worker->halted = atomic_load(&self->halt) != 0;
        worker->writing = true;
        int64_t pause = os_monotonic_ns() - worker->pause_ns;
        if (pause > worker->pause_max_ns) worker->pause_max_ns = pause;
    }
    if (worker->writing) {
        *progress = true;
        bool all = state_snapshot_step(worker->state, os_monotonic_ns() + STEP_NS);
        if (all) frames_end(&worker->frames);
        worker->writing = !all;
        if (all || worker->frames.bytes.len >= CHUNK_SIZE) hand_over(worker, all);
    }
    return ST_OK;
}

bool worker_may_leave(Worker *worker, bool done) {
    Checkpointer *self = worker->job->checkpointer;
    if (!self) return done;
    if (done && !worker->told_done) {
        worker->told_done = true;
        os_lock(&self->lock);
        self->done++;
        os_tell(&self->lock);
        os_unlock(&self->lock);
    }
    // What the last checkpoint made durable is committed first.
    return atomic_load_explicit(&self->over, memory_order_acquire) &&
           worker->ended == atomic_load(&self->ended);
}

// ---- the thread --------------------------------------------------------------------------------

void checkpointer_wake(Checkpointer *self) {
    os_lock(&self->lock);
    os_tell(&self->lock);
    os_unlock(&self->lock);
}

static void wake_workers(Checkpointer *self) {
    for (uint32_t i = 0; i < self->job->workers; i++) worker_wake(&self->job->worker[i]);
}

static bool failed(const Checkpointer *self) {
    return atomic_load_explicit(&self->job->failed, memory_order_relaxed) != 0;
}

static void PRINTF_LIKE(2, 3) tell(const Checkpointer *self, const char *fmt, ...) {
    if (!self->spec->log) return;
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len >= (int)sizeof text) len = sizeof text - 1;
    self->spec->log(self->spec->log_arg, str_make(text, (size_t)len));
}

// One checkpoint on its way.
typedef struct Writing {
    uint64_t id;
    bool full, finished;
    Str path;         // of the checkpoint
    OsFile **file;    // a worker
    int64_t *size;
    uint32_t ended;   // workers that have handed over all
    Status status;    // the first failure; what comes after it is thrown away
    Error error;
    int64_t begin_ns;
} Writing;

static Status open_file(Checkpointer *self, Writing *at, uint32_t worker) {
    Arena arena = {0};
    Str name = checkpoint_file_path(&arena, at->id, worker, false);
    Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(at->path), STR_ARG(name));
    Status st = os()->make_dirs(at->path, &at->error);
    Str shared = str_printf(&arena, STR_FMT "/shared", STR_ARG(self->spec->dir));
    if (!st) st = os()->make_dirs(shared, &at->error);
    if (!st) st = os()->open(path, OS_WRITE, &at->file[worker], &at->error);
    arena_clear(&arena);
    return st;
}

static void write_chunk(Checkpointer *self, Writing *at, const Chunk *chunk) {
    uint32_t worker = chunk->worker;
    if (!at->status && !at->file[worker]) at->status = open_file(self, at, worker);
    if (!at->status) {
        at->status = os()->write(at->file[worker], chunk->bytes.ptr, chunk->bytes.len, &at->error);
        at->size[worker] += (int64_t)chunk->bytes.len;
    }
    if (chunk->last) {
        at->ended++;
        if (!at->status) at->status = os()->sync(at->file[worker], &at->error);
        if (at->file[worker]) {
            Status closed = os()->close(at->file[worker], at->status ? NULL : &at->error);
            if (!at->status) at->status = closed;
            at->file[worker] = NULL;
        }
    }
}

static void name_operators(const Job *job, Buf *out) {
    const Worker *worker = &job->worker[0];
    for (uint32_t i = 0; i < worker->op_count; i++) {
        FrameName name;
        uint64_t rows, bytes;
        operator_frame_name(worker, i, &name);
        state_backend_usage(worker->state, name.operator_id, &rows, &bytes);
        buf_printf(out, "%016llx %u " STR_FMT "\n", (unsigned long long)name.operator_id,
                   name.ordinal, STR_ARG(name.name));
    }
}

static Status make_durable(Checkpointer *self, Writing *at, Error *err) {
    Job *job = self->job;
    uint32_t before = at->full ? 0 : self->file_count;
    CheckpointFile *file = ARENA_ARRAY(&self->arena, CheckpointFile, before + job->workers);
    int64_t bytes = 0;
    for (uint32_t i = 0; i < job->workers; i++) {
        file[i] = (CheckpointFile){checkpoint_file_path(&self->arena, at->id, i, false), at->id, i,
                                   at->size[i]};
        bytes += at->size[i];
    }
    if (before) memcpy(file + job->workers, self->file, before * sizeof *file);
    Buf operators = {0};
    name_operators(job, &operators);
    Checkpoint checkpoint = {
        .id = at->id, .job = self->spec->job, .workers = job->workers, .groups = job->groups,
        .time_ms = os_now_ms(), .full = at->full, .finished = at->finished, .file = file,
        .file_count = before + job->workers, .operators = buf_str(&operators),
    };
    Arena scratch = {0};
    Str shared = str_printf(&scratch, STR_FMT "/shared", STR_ARG(self->spec->dir));
    Status st = os()->sync_dir(shared, err);
    if (!st) st = checkpoint_write(at->path, &checkpoint, err);
    buf_free(&operators);
    arena_clear(&scratch);
    TRY(st);
    self->file = file;
    self->file_count = checkpoint.file_count;
    if (at->full) {
        self->full_bytes = bytes;
        self->more_bytes = 0;
    } else {
        self->more_bytes += bytes;
    }
    JobStats *stats = job->spec->stats;
    if (stats) {
        stats->checkpoints++;
        stats->checkpoint_bytes = bytes;
    }
    return checkpoint_retain(self->spec->dir, self->spec->retained, err);
}

static Chunk *take_chunk(Checkpointer *self) {
    Chunk *chunk = self->first;
    if (chunk) self->first = chunk->next;
    if (!self->first) self->last = NULL;
    return chunk;
}

static void chunk_free(Chunk *chunk) {
    buf_free(&chunk->bytes);
    mem_free(chunk);
}

// Takes one checkpoint; called and left with the lock held.
static Status take_checkpoint(Checkpointer *self, bool finished, bool halt, bool *durable,
                              Error *err) {
    enum { CHAIN_MAX = 32, WAIT_MS = 100 };
    Job *job = self->job;
    uint64_t id = atomic_load(&self->asked) + 1;
    // A chain of increments is cut when reading it would take twice as long as a full one.
    bool full = !self->spec->incremental || self->more_bytes > self->full_bytes ||
                self->file_count > CHAIN_MAX * job->workers;
    Writing at = {.id = id, .finished = finished, .begin_ns = os_monotonic_ns(),
                  .path = checkpoint_path(&self->arena, self->spec->dir, id)};
    at.file = NEW_ARRAY(OsFile *, job->workers);
    at.size = NEW_ARRAY(int64_t, job->workers);
    atomic_store(&self->full, full);
    atomic_store(&self->halt, halt);
    atomic_store_explicit(&self->asked, id, memory_order_release);
    wake_workers(self);
    while (at.ended < job->workers && !failed(self)) {
        Chunk *chunk = take_chunk(self);
        if (!chunk) {
            os_wait(&self->lock, WAIT_MS);
            int64_t took_ms = (os_monotonic_ns() - at.begin_ns) / 1000000;
            if (!at.status && self->spec->timeout_ms && took_ms > self->spec->timeout_ms) {
                at.status = error_set(&at.error, ST_RUNTIME,
                                      "it expired after %lld ms (execution.checkpointing.timeout)",
                                      (long long)took_ms);
            }
            continue;
        }
        os_unlock(&self->lock);
        write_chunk(self, &at, chunk);
        chunk_free(chunk);
        os_lock(&self->lock);
    }
    os_unlock(&self->lock);
    at.full = atomic_load(&self->full) != 0;
    if (failed(self)) at.status = ST_CANCELLED;
    if (!at.status) at.status = make_durable(self, &at, &at.error);
    for (uint32_t i = 0; i < job->workers; i++) {
        if (at.file[i] && os()->close(at.file[i], NULL)) {
            // The checkpoint has failed already.
        }
    }
    mem_free(at.file);
    mem_free(at.size);
    os_lock(&self->lock);
    *durable = !at.status;
    atomic_store(&self->durable, *durable);
    atomic_store_explicit(&self->ended, id, memory_order_release);
    wake_workers(self);
    if (*durable) {
        self->failures = 0;
        return ST_OK;
    }
    if (at.status == ST_CANCELLED) return ST_OK;
    if (job->spec->stats) job->spec->stats->checkpoints_failed++;
    tell(self, "checkpoint %llu failed: %s", (unsigned long long)id, at.error.message);
    if (self->failures++ < self->spec->tolerable_failures && !finished) return ST_OK;
    if (err) *err = at.error;
    error_while(err, "taking checkpoint %llu", (unsigned long long)id);
    return at.status;
}

// Until when the next one waits; INT64_MAX: until somebody asks.
static int64_t next_at(const Checkpointer *self, int64_t began_ms, int64_t ended_ms) {
    if (!self->spec->interval_ms) return INT64_MAX;
    int64_t at = began_ms + self->spec->interval_ms;
    int64_t paused = ended_ms + self->spec->min_pause_ms;
    return at > paused ? at : paused;
}

static Status serve(Checkpointer *self, Error *err) {
    enum { LOOK_MS = 50 };
    Job *job = self->job;
    int64_t began_ms = os_now_ms(), ended_ms = began_ms;
    for (;;) {
        int stop = job->spec->stop ? atomic_load(job->spec->stop) : 0;
        bool all_done = self->done == job->workers;
        bool halt = !all_done && (stop || atomic_load(&self->cut));
        if (failed(self)) return ST_OK;
        int64_t now = os_now_ms(), next = next_at(self, began_ms, ended_ms);
        if (all_done || halt || now >= next) {
            began_ms = now;
            bool durable = false;
            TRY(take_checkpoint(self, all_done, halt, &durable, err));
            ended_ms = os_now_ms();
            if (halt && job->spec->stats) job->spec->stats->halted = durable;
            if (!(all_done || halt)) continue;
            atomic_store_explicit(&self->over, 1, memory_order_release);
            wake_workers(self);
            return ST_OK;
        }
        int64_t left = next - now;
        os_wait(&self->lock, left < LOOK_MS ? left : LOOK_MS);
    }
}

static void checkpointer_main(void *arg) {
    Checkpointer *self = arg;
    os_lock(&self->lock);
    self->status = serve(self, &self->error);
    os_unlock(&self->lock);
    if (self->status) {
        atomic_store(&self->job->failed, 1);
        wake_workers(self);
    }
}

Checkpointer *checkpointer_new(Job *job, const CheckpointSpec *spec) {
    Checkpointer *self = NEW(Checkpointer);
    self->job = job;
    self->spec = spec;
    os()->monitor_init(&self->lock);
    arena_init(&self->arena);
    return self;
}

Status checkpointer_start(Job *job, Error *err) {
    Checkpointer *self = job->checkpointer;
    return os()->thread_start(checkpointer_main, self, &self->thread, err);
}

Status checkpointer_stop(Job *job, Error *err) {
    Checkpointer *self = job->checkpointer;
    if (!self->thread) return ST_OK;
    checkpointer_wake(self);
    os()->thread_join(self->thread);
    self->thread = NULL;
    if (self->status && err) *err = self->error;
    return self->status;
}

void checkpointer_free(Checkpointer *self) {
    if (!self) return;
    for (Chunk *chunk; (chunk = take_chunk(self));) chunk_free(chunk);
    os()->monitor_clear(&self->lock);
    arena_clear(&self->arena);
    mem_free(self);
}
