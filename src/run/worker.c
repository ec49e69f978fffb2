// The loop of a worker: receive, read, fire timers, sleep when there is nothing to do.
#include "run/worker.h"

void worker_wake(Worker *worker) {
    if (!atomic_load_explicit(&worker->sleeping, memory_order_seq_cst)) return;
    os_lock(&worker->wake);
    os_tell(&worker->wake);
    os_unlock(&worker->wake);
}

// What another worker has done since this one looked gives it work.
static bool stirs(const Worker *worker) {
    for (uint32_t i = 0; i < worker->out_count; i++) {
        if (exchange_out_stirs(worker->out[i])) return true;
    }
    for (uint32_t i = 0; i < worker->in_count; i++) {
        if (exchange_in_stirs(worker->in[i])) return true;
    }
    return false;
}

static void worker_sleep(Worker *worker, int64_t ms) {
    os_lock(&worker->wake);
    atomic_store(&worker->sleeping, 1);
    if (!stirs(worker)) os_wait(&worker->wake, ms);
    atomic_store(&worker->sleeping, 0);
    os_unlock(&worker->wake);
}

bool worker_outputs_clear(Worker *worker) {
    bool clear = true;
    for (uint32_t i = 0; i < worker->out_count; i++) clear &= exchange_out_flush(worker->out[i]);
    return clear;
}

// Serves the receivers, last stage first; one whose rows may come to where there is no room waits.
Status worker_receive(Worker *worker, bool *progress, Error *err) {
    for (uint32_t i = 0; i < worker->in_count; i++) {
        (void)worker_outputs_clear(worker);
        if (!exchange_in_stuck(worker->in[i])) {
            TRY(exchange_in_poll(worker->in[i], progress, err));
        }
    }
    return ST_OK;
}

static Status fire_timers(Worker *worker, bool *progress, Error *err) {
    if (worker_aligning(worker)) return ST_OK;
    int64_t now = os_now_ms();
    for (Operator *op = worker->timers; op; op = op->next_timer) {
        if (op->timer_ms > now) continue;
        op->timer_ms = INT64_MAX;
        *progress = true;
        TRY(op->vt->on_timer(op, now, err));
    }
    if (!worker->env.mini_batch || now < worker->flush_at_ms) return ST_OK;
    worker->flush_at_ms =
        now + config_ms(worker->env.config, "table.exec.mini-batch.allow-latency", 100);
    for (uint32_t i = worker->op_count; i-- > 0;) {
        if (worker->op[i]->vt->on_flush) TRY(worker->op[i]->vt->on_flush(worker->op[i], err));
    }
    return ST_OK;
}

static bool worker_done(const Worker *worker) {
    for (uint32_t i = 0; i < worker->source_count; i++) {
        if (!worker->source[i]->ended) return false;
    }
    for (uint32_t i = 0; i < worker->in_count; i++) {
        if (!worker->in[i]->base.ended) return false;
    }
    return true;
}

// What was in flight when the checkpoint was taken goes before new input.
static bool replaying(const Worker *worker) {
    for (uint32_t i = 0; i < worker->in_count; i++) {
        for (uint32_t from = 0; from < worker->job->workers; from++) {
            if (worker->in[i]->replay[from].count) return true;
        }
    }
    return false;
}

static Status poll_sources(Worker *worker, bool *progress, Error *err) {
    const CheckpointSpec *spec = worker->job->spec->checkpoint;
    worker->source_read = false;
    if ((spec && spec->settle) || !worker_outputs_clear(worker) || replaying(worker)) return ST_OK;
    for (uint32_t i = 0; i < worker->source_count; i++) {
        if (worker_aligning(worker) || (spec && spec->cut_after == worker->polls &&
                                        spec->cut_after)) {
            return ST_OK;
        }
        Source *source = worker->source[i];
        if (source->ended) continue;
        bool got = false;
        TRY(source_poll(source, &got, err));
        worker->polls += got;
        worker->source_read |= got;
        *progress |= got;
    }
    return ST_OK;
}

static void stop_sources(Worker *worker) {
    for (uint32_t i = 0; i < worker->source_count; i++) {
        SourceReader *reader = worker->source[i]->reader;
        if (reader && reader->vt->stop) reader->vt->stop(reader);
    }
}

static void rest(Worker *worker) {
    enum { REST_MS = 5 };
    if (worker->workers_only_source && worker->source_count == 1 && !worker->source[0]->ended) {
        SourceReader *reader = worker->source[0]->reader;
        if (reader && reader->vt->wait) {
            reader->vt->wait(reader, REST_MS);
            return;
        }
    }
    worker_sleep(worker, REST_MS);
}

// Tells a status line how far this worker is: rows that reached sinks, time worked, and, of the
// first worker, the watermark behind which its sinks lie.
static void tell_progress(Worker *worker) {
    const JobSpec *spec = worker->job->spec;
    uint64_t rows = 0;
    int64_t watermark = INT64_MAX;
    for (uint32_t i = 0; i < worker->op_count; i++) {
        const Operator *op = worker->op[i];
        if (op->plan->kind == PLAN_SINK) rows += op->rows_in;
        if (op->target_count == 0 && op->watermark_in < watermark) watermark = op->watermark_in;
    }
    if (spec->progress_out) {
        atomic_fetch_add_explicit(spec->progress_out, rows - worker->told_rows,
                                  memory_order_relaxed);
    }
    if (spec->progress_busy_ns) {
        atomic_fetch_add_explicit(spec->progress_busy_ns, worker->busy_ns - worker->told_busy_ns,
                                  memory_order_relaxed);
    }
    if (spec->progress_watermark && worker->index == 0) {
        atomic_store_explicit(spec->progress_watermark, watermark, memory_order_relaxed);
    }
    worker->told_rows = rows;
    worker->told_busy_ns = worker->busy_ns;
}

Status worker_run(Worker *worker, Error *err) {
    enum { TELL_NS = 100000000 };
    Job *job = worker->job;
    bool stopping = false;
    for (;;) {
        bool done = worker_done(worker) && worker_outputs_clear(worker);
        if (worker_may_leave(worker, done)) return ST_OK;
        if (atomic_load_explicit(&job->failed, memory_order_relaxed)) return ST_CANCELLED;
        int stop =
            job->spec->stop ? atomic_load_explicit(job->spec->stop, memory_order_relaxed) : 0;
        if (stop >= 2) return error_set(err, ST_CANCELLED, "the job was cancelled");
        bool drain = atomic_load_explicit(&job->draining, memory_order_relaxed) ||
                     (stop && !job_has_checkpoints(job));
        if (drain && !stopping) {
            stopping = true;
            stop_sources(worker);
        }
        bool progress = false, wrote = false, was_idle = worker->idle;
        int64_t begin = os_monotonic_ns();
        if (begin - worker->told_ns >= TELL_NS) {
            worker->told_ns = begin;
            tell_progress(worker);
        }
        TRY(worker_checkpoint(worker, &wrote, err));
        TRY(worker_receive(worker, &progress, err));
        TRY(poll_sources(worker, &progress, err));
        TRY(fire_timers(worker, &progress, err));
        TRY(state_trim(worker->state, err));
        worker->idle = !progress;
        if (progress || wrote) {
            worker->busy_ns += os_monotonic_ns() - begin;
        } else if (was_idle || !worker->writing) {
            rest(worker);
        }
    }
    return ST_OK;
}

void worker_close(Worker *worker) {
    for (uint32_t i = 0; i < worker->op_count; i++) {
        if (worker->op[i]->vt->close) worker->op[i]->vt->close(worker->op[i]);
    }
    in_flight_clear(worker);
    state_backend_free(worker->state);
    buf_free(&worker->frames.bytes);
    for (uint32_t i = 0; i < worker->op_count; i++) {
        DASSERT(atomic_load(&worker->op[i]->budget->bytes) == 0);  // all was given back
    }
    mem_free(worker->op);
    mem_free(worker->source);
    mem_free(worker->in);
    mem_free(worker->out);
    os()->monitor_clear(&worker->wake);
    arena_clear(&worker->arena);
}
