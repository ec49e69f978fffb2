// Starting, joining and counting the workers of a job.
#include "run/job.h"

#include <stdio.h>
#include <sys/resource.h>

#include "run/checkpoint.h"

// Flink's lower bound of pipeline.max-parallelism when it is not set.
enum { KEY_GROUPS_DEFAULT = 128 };

static int64_t now_of(void *arg) {
    (void)arg;
    return os_now_ms();
}

static void timer_at(Operator *op, int64_t ms) {
    Worker *worker = op->env->owner;
    if (op->timer_ms == INT64_MAX) {
        bool known = false;
        for (Operator *at = worker->timers; at; at = at->next_timer) known |= at == op;
        if (!known) {
            op->next_timer = worker->timers;
            worker->timers = op;
        }
    }
    if (ms < op->timer_ms) op->timer_ms = ms;
}

// The source that the operator reads through a plain chain: what goes by splits stands right above
// it.
static int64_t split_here(const Operator *op, uint32_t split) {
    const Worker *worker = op->env->owner;
    for (const Plan *plan = op->plan; plan; plan = plan->input_count ? plan->input[0] : NULL) {
        for (uint32_t i = 0; i < worker->source_count; i++) {
            const Source *source = worker->source[i];
            if (source->base.plan != plan) continue;
            return source_split_here(source, split, worker->restoring);
        }
    }
    return -1;
}

static void value_text(const TaskEnv *env, const Vec *vec, uint32_t row, Buf *out) {
    const Worker *worker = env->value_arg;
    value_print(vec, row, worker->env.func, true, out);
}

static uint32_t batch_rows_max(const Map *config) {
    int64_t rows = config_int(config, "weir.batch-rows-max", BATCH_ROWS_MAX);
    // Some operators hand on more than a batch's worth at once; that is theirs to decide.
    return rows < 1 || rows >= BATCH_ROWS_MAX ? UINT32_MAX : (uint32_t)rows;
}

// A sub-plan that many plans share is looked at once: [seen], by plan id.
static bool plan_unbounded(const Plan *plan, bool *seen) {
    if (seen[plan->id]) return false;
    seen[plan->id] = true;
    if (plan->kind == PLAN_SCAN && plan->connector->source_bounded &&
        !plan->connector->source_bounded(plan->desc)) {
        return true;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (plan_unbounded(plan->input[i], seen)) return true;
    }
    return false;
}

static bool job_unbounded(const Job *job) {
    bool *seen = NEW_ARRAY(bool, job->plan_count), unbounded = false;
    for (uint32_t i = 0; i < job->spec->root_count && !unbounded; i++) {
        unbounded = plan_unbounded(job->spec->root[i], seen);
    }
    mem_free(seen);
    return unbounded;
}

static Status worker_init(Job *job, uint32_t index, Error *err) {
    const JobSpec *spec = job->spec;
    Worker *worker = &job->worker[index];
    worker->job = job;
    worker->index = index;
    os()->monitor_init(&worker->wake);
    worker->workers_only_source = job->workers == 1;
    worker->state = state_backend_new(spec->budget);
    if (job->disk) state_backend_use(worker->state, job->disk, index);
    worker->task = (TaskEnv){
        .index = index,
        .count = job->workers,
        .zone = spec->env->zone,
        .budget = spec->budget,
        .arena = &worker->arena,
        .print = spec->print,
        .print_arg = spec->print_arg,
        .drifted = spec->drifted,
        .drift_arg = spec->drift_arg,
        .value_print = value_text,
        .value_arg = worker,
        .checkpoints = job_has_checkpoints(job),
        .checkpoint_ms = job_has_checkpoints(job) ? spec->checkpoint->interval_ms : 0,
        .unbounded = job_unbounded(job),
    };
    worker->env = (OpEnv){
        .index = index,
        .count = job->workers,
        .key_groups = job->groups,
        .config = spec->config,
        .func = spec->env,
        .budget = spec->budget,
        .state = worker->state,
        .arena = &worker->arena,
        .now_ms = now_of,
        .timer_at = timer_at,
        .split_here = split_here,
        .task = &worker->task,
        .collect = spec->collect,
        .collect_arg = spec->collect_arg,
        .owner = worker,
        .mini_batch = config_bool(spec->config, "table.exec.mini-batch.enabled", false),
        .batch_rows_max = batch_rows_max(spec->config), .stop = spec->stop, .failed = &job->failed,
    };
    TRY(worker_build(worker, err));
    for (uint32_t i = 0; i < worker->op_count; i++) {
        Operator *op = worker->op[i];
        bool own = op->vt == operator_for(op->plan->kind, spec->env->batch);
        worker->env.spillers += spec->env->batch && own && operator_spills(op->plan->kind);
    }
    return ST_OK;
}

static Status workers_open(Worker *worker, Error *err) {
    // Savepoints alone need it only from the first one on.
    if (job_has_checkpoints(worker->job)) state_track(worker->state);
    for (uint32_t i = 0; i < worker->op_count; i++) {
        Operator *op = worker->op[i];
        if (op->vt->open) TRY(op->vt->open(op, err));
    }
    return ST_OK;
}

// Readers that have nothing end before the others begin, and all workers take note of it. Otherwise
// it would depend on who comes first whether time stands still behind an exchange, and with it
// which rows are late.
static Status settle_empty_readers(Job *job, Error *err) {
    bool progress = false;
    for (uint32_t w = 0; w < job->workers && job->workers > 1; w++) {
        Worker *worker = &job->worker[w];
        for (uint32_t i = 0; i < worker->source_count; i++) {
            bool polled;
            if (worker->source[i]->ended || !source_is_empty(worker->source[i])) continue;
            TRY(source_poll(worker->source[i], &polled, err));
            progress = true;
        }
    }
    while (progress) {
        progress = false;
        for (uint32_t w = 0; w < job->workers; w++) {
            TRY(worker_receive(&job->worker[w], &progress, err));
        }
    }
    return ST_OK;
}

static void worker_main(void *arg) {
    Worker *worker = arg;
    worker->status = worker_run(worker, &worker->error);
    if (worker->status) {
        atomic_store(&worker->job->failed, 1);
        for (uint32_t i = 0; i < worker->job->workers; i++) worker_wake(&worker->job->worker[i]);
    }
}

// What the copies of an operator keep, in all workers.
static void usage_of(const Job *job, uint32_t op, uint64_t *rows, uint64_t *bytes) {
    *rows = *bytes = 0;
    for (uint32_t w = 0; w < job->workers; w++) {
        const Operator *at = job->worker[w].op[op];
        uint64_t table_rows, table_bytes;
        state_backend_usage(job->worker[w].state, at->plan->stable_id, &table_rows, &table_bytes);
        *rows += table_rows;
        *bytes += (uint64_t)atomic_load_explicit(&at->budget->bytes, memory_order_relaxed);
    }
}

// At the memory limit it is of little interest who came last: names the operator that keeps most.
static void name_largest(const Job *job, Error *err) {
    uint64_t most = 0, most_rows = 0;
    const char *name = NULL;
    for (uint32_t i = 0; i < job->worker[0].op_count; i++) {
        uint64_t rows, bytes;
        usage_of(job, i, &rows, &bytes);
        if (bytes <= most) continue;
        most = bytes;
        most_rows = rows;
        name = job->worker[0].op[i]->vt->name;
    }
    if (!name) return;
    error_while(err, "operator '%s' keeps most, %llu rows of state in %llu KiB", name,
                (unsigned long long)most_rows, (unsigned long long)most / 1024);
}

static Status run_workers(Job *job, Error *err) {
    uint32_t started = 1;
    if (job->checkpointer) TRY(checkpointer_start(job, err));
    for (; started < job->workers; started++) {
        Worker *worker = &job->worker[started];
        Status st = os()->thread_start(worker_main, worker, &worker->thread, &job->worker[0].error);
        if (!st) continue;
        atomic_store(&job->failed, 1);
        job->worker[0].status = st;
        break;
    }
    if (started == job->workers) worker_main(&job->worker[0]);
    for (uint32_t i = 1; i < started; i++) os()->thread_join(job->worker[i].thread);
    Status checkpoints = job->checkpointer ? checkpointer_stop(job, err) : ST_OK;
    // The cause is the failure that is not "another worker failed".
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < job->workers; i++) {
            Worker *worker = &job->worker[i];
            if (!worker->status || (pass == 0 && worker->status == ST_CANCELLED)) continue;
            if (pass == 1 && checkpoints) return checkpoints;
            if (err) *err = worker->error;
            return worker->status;
        }
    }
    return ST_OK;
}

// Of each table once, whichever workers have read it.
static void tell_what_was_read(const Job *job) {
    for (uint32_t i = 0; job->spec->was_read && i < job->worker[0].source_count; i++) {
        const Plan *plan = job->worker[0].source[i]->base.plan;
        Buf splits = {0};
        if (!plan->scan) continue;
        for (uint32_t w = 0; w < job->workers; w++) {
            SourceReader *reader =
                i < job->worker[w].source_count ? job->worker[w].source[i]->reader : NULL;
            size_t before = splits.len;
            if (before) buf_putc(&splits, ',');
            size_t begin = splits.len;
            if (reader && reader->vt->tell) reader->vt->tell(reader, &splits);
            if (splits.len == begin) splits.len = before;
        }
        job->spec->was_read(job->spec->read_arg, plan->scan->table->name, buf_str(&splits));
        buf_free(&splits);
    }
}

static void tell_sources(Job *job) {
    tell_what_was_read(job);
    for (uint32_t w = 0; w < job->workers; w++) {
        for (uint32_t i = 0; i < job->worker[w].source_count; i++) {
            SourceReader *reader = job->worker[w].source[i]->reader;
            if (reader && reader->vt->drained) reader->vt->drained(reader);
        }
    }
}

static double cpu_seconds(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void model_stats(const Job *job, uint32_t at, OperatorStats *out) {
    Durations took = {0};
    for (uint32_t w = 0; w < job->workers; w++) {
        const ModelUse *use = job->worker[w].op[at]->model;
        if (!use) return;
        out->model = true;
        out->model_version = use->version;
        if (use->reloads > out->model_reloads) out->model_reloads = use->reloads;
        durations_merge(&took, &use->took);
    }
    Predictor *asker = job->worker[0].op[at]->model->of;
    if (asker && asker->vt->figures) {
        Buf servers = {0};
        buf_putc(&servers, '[');
        asker->vt->figures(asker, &servers);
        buf_putc(&servers, ']');
        out->model_servers = mem_strdup(buf_cstr(&servers));
        buf_free(&servers);
    }
    out->model_p50_ns = durations_quantile(&took, 0.5);
    out->model_p99_ns = durations_quantile(&took, 0.99);
    out->model_max_ns = took.max_ns;
}

static void clear_operators(JobStats *stats) {
    for (uint32_t i = 0; i < stats->op_count; i++) mem_free(stats->op[i].model_servers);
    mem_free(stats->op);
    stats->op_count = 0;
}

static void collect_stats(const Job *job, JobStats *stats) {
    const Worker *first = &job->worker[0];
    stats->op = NEW_ARRAY(OperatorStats, first->op_count + 1);
    stats->op_count = first->op_count;
    for (uint32_t i = 0; i < first->op_count; i++) {
        OperatorStats *out = &stats->op[i];
        const Operator *op = first->op[i];
        bool source = op->vt == &SOURCE_OPERATOR;
        bool sink = op->plan->kind == PLAN_SINK || op->plan->kind == PLAN_COLLECT;
        (void)snprintf(out->name, sizeof out->name, "%s", op->vt->name);
        out->kind = source ? "source" : sink ? "sink" : "operator";
        out->stable_id = op->plan->stable_id;
        for (uint32_t w = 0; w < job->workers; w++) {
            const Operator *at = job->worker[w].op[i];
            out->rows_in += at->rows_in;
            out->rows_out += at->rows_out;
            out->late_dropped += at->late_dropped;
            out->busy_ns += at->busy_ns;
        }
        model_stats(job, i, out);
        usage_of(job, i, &out->state_rows, &out->state_bytes);
        if (source) stats->rows_in += out->rows_in;
        if (sink) stats->rows_out += out->rows_in;
    }
    Durations pauses = {0};
    for (uint32_t w = 0; w < job->workers; w++) {
        const Durations *own = &job->worker[w].pauses;
        durations_merge(&pauses, own);
        stats->align_batches += job->worker[w].align_batches;
        int64_t align_ns = job->worker[w].align_max_ns;
        if (align_ns > stats->align_max_ns) stats->align_max_ns = align_ns;
    }
    stats->pause_p50_ns = durations_quantile(&pauses, 0.5);
    stats->pause_p99_ns = durations_quantile(&pauses, 0.99);
    stats->pause_max_ns = pauses.max_ns;
    stats->memory_peak_bytes = job->spec->budget ? atomic_load(&job->spec->budget->bytes_peak) : 0;
}

void job_stats_clear(JobStats *stats) {
    clear_operators(stats);
    *stats = (JobStats){0};
}

Status job_run(const JobSpec *spec, Error *err) {
    Job job = {
        .spec = spec, .workers = spec->workers ? spec->workers : 1, .plan_count = spec->plan_count};
    job.worker = NEW_ARRAY(Worker, job.workers);
    job.groups = spec->checkpoint ? spec->checkpoint->groups : KEY_GROUPS_DEFAULT;
    if (spec->checkpoint && (spec->checkpoint->dir.len || spec->control)) {
        job.checkpointer = checkpointer_new(&job, spec->checkpoint);
    }
    if (spec->stats) spec->stats->halted = spec->stats->stopped = spec->stats->damaged = false;
    double cpu = cpu_seconds();
    int64_t begin = os_monotonic_ns();
    uint32_t made = 0;
    Status st = job_state_disk(spec, job.workers, job.groups, &job.disk, err);
    for (; made < job.workers && !st; made++) st = worker_init(&job, made, err);
    for (uint32_t i = 0; i < job.workers && !st; i++) st = workers_open(&job.worker[i], err);
    double restore_s = 0;
    if (!st && spec->checkpoint) job_number_from(&job, spec->checkpoint->past);
    if (!st && spec->checkpoint && spec->checkpoint->restore.len) {
        int64_t from = os_monotonic_ns();
        st = job_restore(&job, err);
        restore_s = (double)(os_monotonic_ns() - from) / 1e9;
    }
    if (!st) st = settle_empty_readers(&job, err);
    if (!st) st = run_workers(&job, err);
    if (!st) tell_sources(&job);
    if (st == ST_OVER_BUDGET && made == job.workers) name_largest(&job, err);
    if (spec->stats && !st) {
        clear_operators(spec->stats);
        collect_stats(&job, spec->stats);
        spec->stats->wall_s = (double)(os_monotonic_ns() - begin) / 1e9;
        spec->stats->cpu_s = cpu_seconds() - cpu;
        spec->stats->restore_s = restore_s;
    }
    for (uint32_t i = 0; i < made; i++) worker_close(&job.worker[i]);
    for (Exchange *exchange = job.exchanges; exchange; exchange = exchange->next) {
        for (uint32_t r = 0; r < job.workers * job.workers; r++) {
            Element element;
            while (ring_pop(&exchange->ring[r], &element)) batch_unref(element.batch);
        }
    }
    checkpointer_free(job.checkpointer);
    state_disk_free(job.disk);
    mem_free(job.worker);
    arena_clear(&job.arena);
    return st;
}
