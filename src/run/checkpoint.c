// Checkpoints: one thread a job asks for them, takes the workers' bytes, and makes them durable.
//
// The barrier of a checkpoint enters at the sources of every worker and travels with the rows
// (Chandy and Lamport 1985; Carbone et al. 2015). A worker whose inputs have all brought it takes
// nothing in until the barrier has passed every operator it runs: then its whole state is of one
// instant, the snapshot begins, and work goes on at once (state/table.h copies on write). Nothing
// that follows a barrier is sent before its sender has sent the barrier everywhere, so that workers
// that wait for each other cannot wait in a circle.
// Savepoints are asked for from outside (control.h): checkpoints that are full, lie where they are
// wanted, and are nobody's basis; a job may end with one.
//
// Two-phase commit: sinks prepare at that instant, what they prepared is in the snapshot, and they
// commit when the checkpoint is durable. Its ids go on from those of the checkpoint restored from.
#include "run/upgrade.h"

#include <stdio.h>

// ---- the workers' side -------------------------------------------------------------------------

// Called with the lock.
static Chunk *pop(Chunk **first) {
    Chunk *chunk = *first;
    if (chunk) *first = chunk->next;
    return chunk;
}

// Called with the lock.
static void push(Checkpointer *self, Chunk *chunk) {
    chunk->next = NULL;
    *(self->last ? &self->last->next : &self->first) = chunk;
    self->last = chunk;
}

// Of a chunk that nobody will write the worker needs to know only that it may go on.
static void let_go_on(const Chunk *chunk) {
    if (chunk->disk && state_disk_fix(chunk->disk, STR(""), NULL)) return;  // it cannot fail so
}

// [spare]: one that was written comes back in it, or NULL.
static void hand_chunk(Worker *worker, Chunk *chunk, Chunk **spare) {
    Checkpointer *self = worker->job->checkpointer;
    chunk->worker = worker->index;
    atomic_fetch_add(&self->queued_bytes, (int64_t)chunk->bytes.len);
    os_lock(&self->lock);
    if (spare) {
        *spare = pop(&self->spare);
        self->spare_count -= *spare != NULL;
    }
    push(self, chunk);
    bool gone = self->gone;
    os_tell(&self->lock);
    os_unlock(&self->lock);
    if (gone) let_go_on(chunk);
}

static void hand_over(Worker *worker, bool last) {
    Chunk *chunk = NEW(Chunk);
    chunk->last = last;
    chunk->bytes = frames_take(&worker->frames);
    hand_chunk(worker, chunk, NULL);
}

void worker_hand_copies(Worker *worker, const StateTableDef *table, uint32_t number, Buf *rows) {
    if (worker->frames.bytes.len) hand_over(worker, false);
    Chunk *chunk = NEW(Chunk), *spare;
    chunk->copied = table;
    chunk->number = number;
    chunk->bytes = *rows;
    hand_chunk(worker, chunk, &spare);
    *rows = spare ? spare->bytes : (Buf){0};
    mem_free(spare);
}

void worker_hand_disk(Worker *worker) {
    Chunk *chunk = NEW(Chunk);
    chunk->disk = worker->state;
    hand_chunk(worker, chunk, NULL);
}

void worker_hand_sweep(Worker *worker, StateTable *table, uint32_t number) {
    if (worker->frames.bytes.len) hand_over(worker, false);  // which tell of the table
    Chunk *chunk = NEW(Chunk);
    chunk->swept = table;
    chunk->number = number;
    hand_chunk(worker, chunk, NULL);
}

// The barrier has passed all operators: every exchange has brought it, or has ended.
static bool aligned(const Worker *worker) {
    for (uint32_t i = 0; i < worker->in_count; i++) {
        const ExchangeIn *in = worker->in[i];
        if (!in->base.ended && in->passed < worker->aligning) return false;
    }
    return true;
}

// Where barriers may overtake rows the aligned ones have left for good when the snapshot is taken:
// else rows that still wait for room would be in nobody's.
static bool may_snapshot(Worker *worker, bool overtaking) {
    const CheckpointSpec *spec = worker->job->spec->checkpoint;
    return aligned(worker) && (!spec->unaligned || overtaking || worker_outputs_clear(worker));
}

// The barrier passes every operator at once, and leaves the worker as a mark in its rings.
static Status overtake(Worker *worker, Error *err) {
    worker->overtaking = true;
    for (uint32_t i = 0; i < worker->in_count; i++) {
        TRY(exchange_in_overtake(worker->in[i], worker->aligning, err));
    }
    return ST_OK;
}

bool worker_holds(const Worker *worker) {
    const CheckpointSpec *spec = worker->job->spec->checkpoint;
    if (!spec || !spec->cut_after || !spec->unaligned || spec->aligned_timeout_ms) return false;
    // Never while nobody reads: others may wait for what is held.
    return worker->source_read || worker->polls == spec->cut_after;
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

// While there are rows to work on, a snapshot's own steps get a part of the time, and no more is
// handed over than the thread that writes it can take; a row that changes is written at any rate.
// One that is in danger of expiring gets all the time.
static bool may_write(const Worker *worker, int64_t now_ns) {
    enum { PART = 16, QUEUED_MAX = 64 << 20 };
    const Checkpointer *self = worker->job->checkpointer;
    int64_t since_ns = now_ns - worker->snapped_ns;
    if (atomic_load_explicit(&self->queued_bytes, memory_order_relaxed) > QUEUED_MAX) return false;
    int64_t timeout_ms = self->spec->timeout_ms;
    return worker->idle || worker->written_ns * PART <= since_ns ||
           (timeout_ms && since_ns / 1000000 > timeout_ms / 4);
}

// Goes on with the snapshot, and hands over what there is of it.
static void write_on(Worker *worker, bool *progress) {
    enum { STEP_NS = 500000, CHUNK_SIZE = 1 << 20 };
    int64_t begin_ns = os_monotonic_ns(), until_ns = begin_ns + STEP_NS;
    if (!may_write(worker, begin_ns)) return;
    // A worker that only waits for the cuts of others may sleep.
    uint64_t frames = worker->frames.frames;
    bool waits = worker->tables_written || state_snapshot_waits(worker->state);
    if (!waits) {
        worker->tables_written = state_snapshot_step(worker->state, until_ns) &&
                                 worker_snapshot_more(worker, until_ns);
    }
    bool all = in_flight_step(worker, until_ns) && worker->tables_written;
    *progress |= all || !waits || worker->frames.frames != frames;
    worker->writing = !all;
    if (all || worker->frames.bytes.len >= CHUNK_SIZE) hand_over(worker, all);
    worker->written_ns += os_monotonic_ns() - begin_ns;
}

Status worker_checkpoint(Worker *worker, bool *progress, Error *err) {
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
        state_snapshot_end(worker->state, durable && !atomic_load(&self->aside));
        if (!durable) worker->halted = false;
        if (durable && atomic_load(&self->commits)) TRY(commit(worker, ended, err));
    }
    if (asked > worker->aligning) {
        *progress = true;
        worker->pause_ns = begin;
        worker->overtaking = atomic_load(&self->unaligned) == asked;
        TRY(inject(worker, asked, err));
    }
    bool overtaking = atomic_load(&self->unaligned) == worker->aligning;
    if (worker->aligning > worker->snapped && overtaking && !aligned(worker)) {
        *progress = true;
        TRY(overtake(worker, err));
    }
    if (worker->aligning > worker->snapped && may_snapshot(worker, overtaking)) {
        *progress = true;
        int64_t aligned_ns = os_monotonic_ns() - worker->pause_ns;
        if (aligned_ns > worker->align_max_ns) worker->align_max_ns = aligned_ns;
        TRY(worker_snapshot_begin(worker, err));
        if (spec->unaligned) in_flight_begin(worker);
        worker->snapped = worker->aligning;
        worker->halted = atomic_load(&self->halt) != 0;
        worker->writing = true;
        durations_add(&worker->pauses, os_monotonic_ns() - worker->pause_ns);
        worker->tables_written = false;
        worker->more_at = 0;
        worker->snapped_ns = os_monotonic_ns();
        worker->written_ns = 0;
    }
    if (worker->writing) write_on(worker, progress);
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
    bool full, finished, drained, savepoint;
    Str path;         // of the checkpoint
    OsFile **file;    // a worker
    FrameWriter *frames;
    int64_t *size;
    DiskFiles disk;
    uint32_t ended;   // workers that have handed over all
    Status status;    // the first failure; what comes after it is thrown away
    Error error;
    int64_t begin_ns;
} Writing;

static Status open_file(Checkpointer *self, Writing *at, uint32_t worker) {
    Arena arena = {0};
    Str name = checkpoint_file_path(&arena, at->id, worker, at->savepoint);
    Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(at->path), STR_ARG(name));
    Status st = os()->make_dirs(at->path, &at->error);
    Str shared = str_printf(&arena, STR_FMT "/shared", STR_ARG(self->spec->dir));
    if (!st && !at->savepoint) st = os()->make_dirs(shared, &at->error);
    if (!st) st = os()->open(path, OS_WRITE, &at->file[worker], &at->error);
    FrameHead head = {at->id, worker, self->job->workers};
    if (!st) frames_begin(&at->frames[worker], &head);
    arena_clear(&arena);
    return st;
}

// Some rows of a table that is swept; *more: not the last ones.
static void sweep_some(FrameWriter *frames, const Chunk *chunk, bool *more) {
    enum { SLABS = 16 };
    Buf *rows = frames_rows_begin(frames, chunk->number);
    *more = true;
    for (uint32_t i = 0; i < SLABS && *more; i++) *more = state_sweep(chunk->swept, rows);
    frames_rows_end(frames);
}

// What a worker has handed over becomes frames, and those go to its file.
static Status write_frames(Writing *at, Chunk *chunk, bool *more) {
    enum { WRITE_SIZE = 1 << 20 };
    FrameWriter *frames = &at->frames[chunk->worker];
    if (chunk->swept) {
        sweep_some(frames, chunk, more);
    } else if (chunk->copied) {
        Buf *rows = frames_rows_begin(frames, chunk->number);
        state_copies_save(chunk->copied, buf_str(&chunk->bytes), rows);
        frames_rows_end(frames);
    } else {
        frames_join(frames, &chunk->bytes);
    }
    if (chunk->last) frames_end(frames);
    if (!chunk->last && frames->bytes.len < WRITE_SIZE) return ST_OK;
    OsFile *file = at->file[chunk->worker];
    TRY(os()->write(file, frames->bytes.ptr, frames->bytes.len, &at->error));
    at->size[chunk->worker] += (int64_t)frames->bytes.len;
    frames_drop(frames);
    return ST_OK;
}

// True: there is more behind the chunk, in its turn.
static bool write_chunk(Checkpointer *self, Writing *at, Chunk *chunk) {
    bool more = false;
    uint32_t worker = chunk->worker;
    if (chunk->disk) {
        // Of one that has failed the worker needs to know only that it may go on.
        Status st = at->status ? state_disk_fix(chunk->disk, STR(""), NULL)
                               : disk_files_take(self, chunk->disk, worker, at->id, at->path,
                                                 &at->disk, &at->error);
        if (!at->status) at->status = st;
        worker_wake(&self->job->worker[worker]);
        return false;
    }
    if (!at->status && !at->file[worker]) at->status = open_file(self, at, worker);
    if (!at->status) at->status = write_frames(at, chunk, &more);
    if (chunk->swept) {
        if (at->status) more = state_sweep(chunk->swept, NULL);
        if (!more) worker_wake(&self->job->worker[worker]);
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
    return more;
}

// What the job began from goes when it was handed to the job and nothing needs it any more; after
// that, what the new checkpoint has replaced. The checkpoint is durable: a failure is told of only.
static void sweep(Checkpointer *self) {
    const CheckpointSpec *spec = self->spec;
    Error err = {0};
    Str kept = spec->keep_restored ? spec->restore : STR("");
    Status st = checkpoint_retain(spec->dir, spec->retained, kept, &err);
    if (!st && spec->claimed.len && ++self->durable_count == spec->retained) {
        st = checkpoint_remove(spec->claimed, &err);
    }
    if (st) tell(self, "old checkpoints could not be removed: %s", err.message);
}

static Status make_durable(Checkpointer *self, Writing *at, Error *err) {
    Job *job = self->job;
    uint32_t before = at->full || at->savepoint ? 0 : self->file_count;
    CheckpointFile *file = ARENA_ARRAY(&self->arena, CheckpointFile, before + job->workers);
    int64_t bytes = at->disk.bytes;
    for (uint32_t i = 0; i < job->workers; i++) {
        Str path = checkpoint_file_path(&self->arena, at->id, i, at->savepoint);
        file[i] = (CheckpointFile){path, at->id, i, at->size[i],
                                   at->frames[i].digest};
        bytes += at->size[i];
    }
    if (before) memcpy(file + job->workers, self->file, before * sizeof *file);
    if (!self->op) self->op = operators_describe(&self->arena, job, &self->op_count);
    Checkpoint checkpoint = {
        .id = at->id,
        .job = self->spec->job,
        .workers = job->workers,
        .groups = job->groups,
        .time_ms = os_now_ms(),
        .full = at->full,
        .finished = at->finished,
        .drained = at->drained,
        .in_flight = atomic_load(&self->in_flight),
        .savepoint = at->savepoint,
        .file = file,
        .file_count = before + job->workers,
        .disk_file = at->disk.file,
        .disk_file_count = at->disk.count,
        .op = self->op, .op_count = self->op_count,
    };
    Arena scratch = {0};
    Str shared = str_printf(&scratch, STR_FMT "/shared", STR_ARG(self->spec->dir));
    Status st = at->savepoint ? ST_OK : os()->sync_dir(shared, err);
    if (!st && self->spec->held) st = os()->sync(self->spec->held, err);
    if (!st) st = checkpoint_write(at->path, &checkpoint, err);
    arena_clear(&scratch);
    TRY(st);
    JobStats *stats = job->spec->stats;
    if (stats) {
        stats->checkpoints++;
        stats->checkpoint_bytes = bytes;
        stats->checkpoints_unaligned += atomic_load(&self->unaligned) == at->id;
        stats->in_flight_batches += atomic_load(&self->in_flight_batches);
        stats->in_flight_bytes += atomic_load(&self->in_flight_bytes);
    }
    if (at->savepoint) {
        self->file_count = 0;  // no increment stands on what is not ours
        return ST_OK;
    }
    self->file = file;
    self->file_count = checkpoint.file_count;
    self->disk_file = at->disk.file;
    self->disk_file_count = at->disk.count;
    bytes -= at->disk.bytes;
    if (at->full) {
        self->full_bytes = bytes;
        self->more_bytes = 0;
    } else {
        self->more_bytes += bytes;
    }
    sweep(self);
    return ST_OK;
}

static Chunk *take_chunk(Checkpointer *self) {
    Chunk *chunk = pop(&self->first);
    if (!self->first) self->last = NULL;
    return chunk;
}

static void chunk_free(Chunk *chunk) {
    buf_free(&chunk->bytes);
    mem_free(chunk);
}

// Called with the lock: a few of those that held copies are kept for more of them.
static void chunk_done(Checkpointer *self, Chunk *chunk) {
    enum { SPARE_MAX = 8 };
    if (!chunk->copied || self->spare_count == SPARE_MAX) {
        chunk_free(chunk);
        return;
    }
    chunk->bytes.len = 0;
    chunk->next = self->spare;
    self->spare = chunk;
    self->spare_count++;
}

// Why a checkpoint is taken.
typedef struct Want {
    bool finished;  // the job has come to its end
    bool halt;      // the job ends with it, its input left
    bool drained;   // it has come to its end because it was told to
    JobAsk *ask;    // a savepoint, asked for from outside
} Want;

static Status expired(const Checkpointer *self, const Writing *at, Error *err) {
    int64_t took_ms = (os_monotonic_ns() - at->begin_ns) / 1000000;
    if (!self->spec->timeout_ms || took_ms <= self->spec->timeout_ms) return ST_OK;
    return error_set(err, ST_RUNTIME,
                     "Checkpoint expired before completing, after %lld ms "
                     "(execution.checkpointing.timeout = %lld ms)",
                     (long long)took_ms, (long long)self->spec->timeout_ms);
}

// When the time for alignment is over, barriers overtake the rows before them. How long to wait for
// that, [most_ms] at most.
static int64_t until_alignment_ends(Checkpointer *self, const Writing *at, int64_t most_ms) {
    bool may = self->spec->unaligned && !at->savepoint;
    if (!may || atomic_load(&self->unaligned) == at->id) return most_ms;
    int64_t took_ms = (os_monotonic_ns() - at->begin_ns) / 1000000;
    int64_t left_ms = self->spec->aligned_timeout_ms - took_ms;
    if (left_ms > 0) return left_ms < most_ms ? left_ms : most_ms;
    atomic_store(&self->unaligned, at->id);
    wake_workers(self);
    return most_ms;
}

// Takes what the workers hand over until they have handed over all; called and left with the lock.
static void gather(Checkpointer *self, Writing *at, bool patient) {
    enum { WAIT_MS = 100 };
    while (at->ended < self->job->workers && !failed(self)) {
        Chunk *chunk = take_chunk(self);
        if (!chunk) {
            os_wait(&self->lock, until_alignment_ends(self, at, WAIT_MS));
            if (!at->status) at->status = expired(self, at, &at->error);
            // A barrier cannot be called back: who may go on waits for it, who may not fails now.
            if (at->status && !patient) return;
            continue;
        }
        os_unlock(&self->lock);
        atomic_fetch_sub(&self->queued_bytes, (int64_t)chunk->bytes.len);
        bool more = write_chunk(self, at, chunk);
        os_lock(&self->lock);
        if (more) {
            push(self, chunk);
        } else {
            chunk_done(self, chunk);
        }
    }
    if (!at->status) at->status = expired(self, at, &at->error);
}

// What was written of a savepoint that came to nothing.
static void drop_savepoint(const Checkpointer *self, const Writing *at) {
    Arena arena = {0};
    for (uint32_t i = 0; i < self->job->workers; i++) {
        Str name = checkpoint_file_path(&arena, at->id, i, true);
        Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(at->path), STR_ARG(name));
        if (os()->remove(path, NULL)) continue;  // it was not made
    }
    if (os()->remove(at->path, NULL)) tell(self, STR_FMT " is left over", STR_ARG(at->path));
    arena_clear(&arena);
}

static Str place_of(Checkpointer *self, const Want *want, uint64_t id) {
    if (!want->ask) return checkpoint_path(&self->arena, self->spec->dir, id);
    return str_printf(&self->arena, STR_FMT "/%s", STR_ARG(want->ask->dir), want->ask->name);
}

// Takes one checkpoint; called and left with the lock held. ST_OK also when one has failed that
// may: *durable tells.
static Status take_checkpoint(Checkpointer *self, const Want *want, bool *durable, Error *err) {
    enum { CHAIN_MAX = 32 };
    Job *job = self->job;
    uint64_t id = atomic_load(&self->asked) + 1;
    bool savepoint = want->ask != NULL;
    bool tolerable = savepoint || (self->failures < self->spec->tolerable_failures &&
                                   !want->finished && !want->halt);
    // A chain of increments is cut when reading it would take twice as long as a full one.
    bool full = savepoint || !self->spec->incremental || !self->file_count ||
                self->more_bytes > self->full_bytes || self->file_count > CHAIN_MAX * job->workers;
    Writing at = {.id = id, .finished = want->finished && !want->drained, .drained = want->drained,
                  .savepoint = savepoint, .begin_ns = os_monotonic_ns(),
                  .path = place_of(self, want, id)};
    at.file = NEW_ARRAY(OsFile *, job->workers);
    at.frames = NEW_ARRAY(FrameWriter, job->workers);
    at.size = NEW_ARRAY(int64_t, job->workers);
    atomic_store(&self->full, full);
    atomic_store(&self->savepoint, savepoint);
    atomic_store(&self->halt, want->halt);
    atomic_store(&self->in_flight, 0);
    atomic_store(&self->in_flight_batches, 0);
    atomic_store(&self->in_flight_bytes, 0);
    // Savepoints are aligned, as Flink's are.
    bool at_once = self->spec->unaligned && !self->spec->aligned_timeout_ms && !savepoint;
    atomic_store(&self->unaligned, at_once ? id : 0);
    atomic_store_explicit(&self->asked, id, memory_order_release);
    wake_workers(self);
    gather(self, &at, tolerable);
    os_unlock(&self->lock);
    at.full = atomic_load(&self->full) != 0;
    if (failed(self)) at.status = ST_CANCELLED;
    if (!at.status) at.status = make_durable(self, &at, &at.error);
    // Before anything is committed: whoever goes on from the checkpoint before would do it again.
    bool last = savepoint && (want->halt || want->finished) && job_has_checkpoints(job);
    bool whole = !at.status;
    if (whole && last) {
        at.status = checkpoint_leave_word(self->spec->dir, id, at.path, &at.error);
    }
    for (uint32_t i = 0; i < job->workers; i++) {
        if (at.file[i] && os()->close(at.file[i], NULL)) {
            // The checkpoint has failed already.
        }
        buf_free(&at.frames[i].bytes);
    }
    if (!whole && savepoint) drop_savepoint(self, &at);
    mem_free(at.file);
    mem_free(at.size);
    mem_free(at.frames);
    os_lock(&self->lock);
    *durable = !at.status;
    // As in Flink what a savepoint has prepared is committed by the next checkpoint, unless the job
    // ends with it.
    atomic_store(&self->aside, savepoint);
    atomic_store(&self->commits, !savepoint || want->halt || want->finished);
    atomic_store(&self->durable, *durable);
    atomic_store_explicit(&self->ended, id, memory_order_release);
    wake_workers(self);
    if (*durable) {
        if (!savepoint) self->failures = 0;
        if (savepoint) want->ask->path = at.path;
        return ST_OK;
    }
    if (at.status == ST_CANCELLED) return savepoint ? ST_CANCELLED : ST_OK;
    if (job->spec->stats) job->spec->stats->checkpoints_failed++;
    tell(self, "%s %llu failed: %s", savepoint ? "savepoint" : "checkpoint", (unsigned long long)id,
         at.error.message);
    if (!savepoint) self->failures++;
    bool lost = at.status == ST_VALIDATION;  // the directory is another run's now: nothing mends it
    if (tolerable && !savepoint && !lost) return ST_OK;
    if (!savepoint && !want->finished && !want->halt && !lost) {
        return error_set(err, at.status,
                         "Exceeded checkpoint tolerable failure threshold. The latest checkpoint, "
                         "%llu, failed due to: %s", (unsigned long long)id, at.error.message);
    }
    if (err) *err = at.error;
    error_while(err, "taking %s %llu", savepoint ? "a savepoint, checkpoint" : "checkpoint",
                (unsigned long long)id);
    return at.status;
}

static void answer(Checkpointer *self, Status st, const Error *err) {
    Error why = {0};
    if (st == ST_CANCELLED) {
        (void)error_set(&why, ST_RUNTIME, "the job failed before the savepoint was complete");
    }
    if (self->ask != &self->cut_ask) {
        job_control_answer(self->job->spec->control, self->ask, st, why.status ? &why : err);
    } else if (err) {
        self->cut_ask.status = st;
        self->cut_ask.error = *err;
    }
    self->ask = NULL;
}

// Tests: a job that is cut asks for its savepoint itself.
static void ask_for_cut(Checkpointer *self) {
    if (!self->spec->cut_savepoint || self->ask || !atomic_load(&self->cut)) return;
    self->cut_ask = (JobAsk){.kind = ASK_STOP, .name = "savepoint"};
    self->cut_ask.dir = str_printf(&self->arena, STR_FMT "/cut-%llu", STR_ARG(self->spec->dir),
                                   (unsigned long long)atomic_load(&self->asked));
    self->ask = &self->cut_ask;
}

// A savepoint that was asked for, and if the job ends with it, the word of it.
static void take_savepoint(Checkpointer *self, Want *want, bool *durable) {
    Error err = {0};
    want->ask = self->ask;
    *durable = false;
    Status st = take_checkpoint(self, want, durable, &err);
    if (*durable && (want->halt || want->finished)) {
        tell(self, "stopped with savepoint " STR_FMT, STR_ARG(self->ask->path));
    }
    answer(self, st, &err);
}

// Until when the next one waits; INT64_MAX: until somebody asks. As in Flink the pause follows what
// was completed, savepoints too, and not what failed.
static int64_t next_at(const Checkpointer *self, int64_t began_ms, int64_t completed_ms) {
    if (!self->spec->interval_ms || !job_has_checkpoints(self->job)) return INT64_MAX;
    if (!self->spec->after_end && atomic_load(&self->job->finished)) return INT64_MAX;
    int64_t interval_ms = self->spec->interval_ms, pause_ms = self->spec->min_pause_ms;
    int64_t at = began_ms + (interval_ms > pause_ms ? interval_ms : pause_ms);
    int64_t paused = completed_ms + pause_ms;
    return at > paused ? at : paused;
}

static void take_ask(Checkpointer *self) {
    Job *job = self->job;
    if (self->ask || !job->spec->control) return;
    self->ask = job_control_take(job->spec->control);
    if (!self->ask || self->ask->kind != ASK_DRAIN) return;
    atomic_store(&job->draining, 1);
    wake_workers(self);
}

// The workers may leave; without the lock nobody is told.
static void let_go(Checkpointer *self) {
    atomic_store_explicit(&self->over, 1, memory_order_release);
    wake_workers(self);
}

// All has come out that will: the last checkpoint, and the savepoint of a job that was drained.
static Status finish(Checkpointer *self, Error *err) {
    bool durable = false, drained = self->ask && self->ask->kind == ASK_DRAIN;
    JobStats *stats = self->job->spec->stats;
    if (drained && self->ask->dir.len) {
        take_savepoint(self, &(Want){.finished = true, .drained = true}, &durable);
        if (stats) stats->stopped = durable;
        if (durable) return ST_OK;
    }
    // Without the savepoint it is the end of the job all the same: nothing can be undone.
    Status st = ST_OK;
    if (job_has_checkpoints(self->job)) {
        st = take_checkpoint(self, &(Want){.finished = true, .drained = drained}, &durable, err);
    }
    if (self->ask && drained) answer(self, st, err);
    return st;
}

// By the clock that nobody sets: whoever sets the other one back does not put checkpoints off.
static int64_t steady_ms(void) {
    return os_monotonic_ns() / 1000000;
}

static Status serve(Checkpointer *self, Error *err) {
    enum { LOOK_MS = 50 };
    Job *job = self->job;
    JobStats *stats = job->spec->stats;
    int64_t began_ms = steady_ms(), completed_ms = began_ms;
    for (;;) {
        int stop = job->spec->stop ? atomic_load(job->spec->stop) : 0;
        if (failed(self)) return ST_OK;
        take_ask(self);
        if (self->done == job->workers) {
            TRY(finish(self, err));
            let_go(self);
            return ST_OK;
        }
        ask_for_cut(self);
        int64_t now = steady_ms(), next = next_at(self, began_ms, completed_ms);
        bool halt = job_has_checkpoints(job) &&
                    (stop || self->spec->settle || atomic_load(&self->cut));
        bool durable = false;
        if (self->ask && self->ask->kind != ASK_DRAIN) {
            bool stops = self->ask->kind == ASK_STOP;
            take_savepoint(self, &(Want){.halt = stops}, &durable);
            if (self->cut_ask.status) {
                if (err) *err = self->cut_ask.error;
                return self->cut_ask.status;
            }
            if (durable) completed_ms = steady_ms();
            if (!stops || !durable) continue;
            if (stats) stats->halted = stats->stopped = true;
            let_go(self);
            return ST_OK;
        }
        if (halt || now >= next) {
            began_ms = now;
            TRY(take_checkpoint(self, &(Want){.halt = halt}, &durable, err));
            if (durable) completed_ms = steady_ms();
            if (!halt) continue;
            if (stats) stats->halted = durable;
            let_go(self);
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
    if (self->ask) answer(self, ST_CANCELLED, NULL);
    self->gone = true;
    for (const Chunk *chunk = self->first; chunk; chunk = chunk->next) let_go_on(chunk);
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
    for (Chunk *chunk; (chunk = pop(&self->spare));) chunk_free(chunk);
    os()->monitor_clear(&self->lock);
    arena_clear(&self->arena);
    mem_free(self);
}
