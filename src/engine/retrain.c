#include "engine/retrain.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/train_model.h"
#include "exec/program.h"
#include "os/os.h"
#include "sql/parser.h"

enum { HOUR_MS = 3600000, RETRY_MS_MIN = 1000, MODELS_MAX = 256 };

// A model that is trained again and again.
typedef struct Again {
    const ModelDesc *model;  // borrowed from the job's plan
    int64_t interval_ms;     // 0: not by the clock
    int64_t due_ms;          // INT64_MAX: not by the clock
    bool on_drift, drifted;
} Again;

struct Retrainer {
    RetrainHost host;
    Again model[MODELS_MAX];
    uint32_t count;
    Map config;              // the session's, but without checkpoints and for one worker
    FuncEnv env;             // in batch mode
    OsMonitor monitor;       // guards [drifted], [stopping]
    OsThread *thread;
    bool stopping;
    _Atomic bool cancel;     // of the training
    _Atomic int job_stop;    // of its query
    RetrainStats stats;
};

// ---- the query ---------------------------------------------------------------------------------

static Status collect(void *arg, Batch *batch, Error *err) {
    const ResultSink *sink = arg;
    return sink->batch(sink->arg, batch, err);
}

static Status run_query(DdlContext *ddl, const AstQuery *query, const ResultSink *sink,
                        Error *err) {
    Retrainer *self = (Retrainer *)((char *)ddl->config - offsetof(Retrainer, config));
    PlanContext *context = ddl->plan;
    Plan *plan;
    TRY(bind_query(context, query, &plan, err));
    Plan *root = plan_new(context, PLAN_COLLECT, plan->type, 1);
    root->input[0] = plan;
    TRY(plan_optimize(context, &root, 1, err));
    TRY(sink->schema(sink->arg, plan->type, false, err));
    JobSpec spec = {
        .root = &root,
        .root_count = 1,
        .plan_count = context->next_id + 1,
        .workers = 1,
        .config = &self->config,
        .env = &self->env,
        .budget = self->host.budget,
        .collect = collect,
        .collect_arg = (void *)(uintptr_t)sink,
        .was_read = sink->was_read,
        .read_arg = sink->arg,
        .stop = &self->job_stop,
    };
    return job_run(&spec, err);
}

// ---- one model ---------------------------------------------------------------------------------

static const char *option(const Again *again, const char *key) {
    return map_get(again->model->options.map, str_c(key));
}

// What the statement is to all that is made for it.
typedef struct Attempt {
    Arena arena;
    PlanContext context;
    DdlContext ddl;
    TrainJob job;
    AstQuery *query;
} Attempt;

static Status attempt_begin(Retrainer *self, const Again *again, Attempt *out, Error *err) {
    *out = (Attempt){0};
    Str text = str_c(option(again, "retrain.query"));
    self->env.query_start_ms = os_now_ms();
    out->context = (PlanContext){
        .arena = &out->arena,
        .catalogs = self->host.catalogs,
        .config = &self->config,
        .env = &self->env,
        .batch = true,
        .statement = text,
        .evaluate = expr_evaluate,
    };
    out->ddl = (DdlContext){
        .session = self->host.session,
        .plan = &out->context,
        .catalogs = self->host.catalogs,
        .config = &self->config,
        .text = text,
        .query = run_query,
        .say = self->host.say,
        .budget = self->host.budget,
    };
    out->job = (TrainJob){
        .ddl = &out->ddl,
        .statement = text,
        .options = again->model->options.map,
        .name = again->model->name,
        .cancel = &self->cancel,
        .arena = &out->arena,
    };
    TRY(sql_parse_query(&out->arena, text, &out->query, err));
    out->job.query = out->query;
    return ST_OK;
}

static void attempt_end(Attempt *self) {
    plan_context_clear(&self->context);
    arena_clear(&self->arena);
}

static void PRINTF_LIKE(2, 3) say(Attempt *self, const char *fmt, ...) {
    char text[ERROR_MESSAGE_MAX + 256];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len >= (int)sizeof text) len = (int)sizeof text - 1;
    self->ddl.say(&self->ddl, str_make(text, (size_t)len));
}

static int64_t retry_ms(const Again *again) {
    int64_t ms = again->interval_ms ? again->interval_ms / 10 : HOUR_MS;
    if (ms > HOUR_MS) ms = HOUR_MS;
    return ms < RETRY_MS_MIN ? RETRY_MS_MIN : ms;
}

// Trains a version, unless another process has done so meanwhile.
static void train_one(Retrainer *self, Again *again, bool drifted) {
    Attempt attempt;
    Error err = {0};
    Trained made = {0};
    uint64_t newest = 0;
    int64_t due_ms = 0;
    Status st = attempt_begin(self, again, &attempt, &err);
    if (!st) st = train_newest(&attempt.job, &newest, &due_ms, &err);
    if (!st && !drifted && newest && due_ms > os_now_ms()) {
        again->due_ms = due_ms;
        attempt_end(&attempt);
        return;
    }
    attempt.job.again = drifted ? "drift" : "interval";
    if (!st) st = train_model(&attempt.job, &made, &err);
    if (!st) {
        again->due_ms = again->interval_ms ? os_now_ms() + again->interval_ms : INT64_MAX;
        self->stats.trained++;
        self->stats.in_use += made.in_use;
    } else if (!atomic_load(&self->cancel)) {
        int64_t wait_ms = retry_ms(again);
        again->due_ms = os_now_ms() + wait_ms;
        self->stats.failed++;
        say(&attempt, "model '" STR_FMT "' could not be trained again: %s; next attempt in %.0f s",
            STR_ARG(again->model->name), err.message, (double)wait_ms / 1000);
    }
    attempt_end(&attempt);
}

// ---- the thread --------------------------------------------------------------------------------

// The model that is due, or how long there is to wait.
static Again *next_due(Retrainer *self, int64_t *wait_ms) {
    int64_t now_ms = os_now_ms();
    *wait_ms = HOUR_MS;
    for (uint32_t i = 0; i < self->count; i++) {
        Again *again = &self->model[i];
        if (again->drifted || again->due_ms <= now_ms) return again;
        if (again->due_ms - now_ms < *wait_ms) *wait_ms = again->due_ms - now_ms;
    }
    return NULL;
}

static void retrain(void *arg) {
    Retrainer *self = arg;
    os_lock(&self->monitor);
    while (!self->stopping) {
        int64_t wait_ms;
        Again *again = next_due(self, &wait_ms);
        if (!again) {
            os_wait(&self->monitor, wait_ms);
            continue;
        }
        bool drifted = again->drifted;
        os_unlock(&self->monitor);
        train_one(self, again, drifted);
        os_lock(&self->monitor);
        again->drifted = false;  // what was told while it trained is over with this version
    }
    os_unlock(&self->monitor);
}

static void find_models(Retrainer *self, const Plan *plan, uint8_t *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = 1;
    for (uint32_t i = 0; i < plan->input_count; i++) find_models(self, plan->input[i], seen);
    if (plan->kind != PLAN_PREDICT || self->count == MODELS_MAX) return;
    Again again = {.model = plan->predict->model, .due_ms = INT64_MAX};
    const Map *options = again.model->options.map;
    const char *interval = map_get(options, STR("retrain.interval"));
    const char *drift = map_get(options, STR("retrain.on-drift"));
    if (!train_again(options) || !map_has(options, STR("retrain.query"))) return;
    for (uint32_t i = 0; i < self->count; i++) {
        if (str_eq(str_c(option(&self->model[i], "path")), str_c(option(&again, "path")))) return;
    }
    if (interval) (void)option_read_duration(str_c(interval), &again.interval_ms);
    if (drift) (void)str_to_bool(str_c(drift), &again.on_drift);
    self->model[self->count++] = again;
}

// When the next version of each model is due. A broken query is found here, before the job runs.
static Status look_at_models(Retrainer *self, Error *err) {
    for (uint32_t i = 0; i < self->count; i++) {
        Again *again = &self->model[i];
        const MlAlgorithm *algorithm;
        Attempt attempt;
        uint64_t newest;
        TRY(train_check(again->model->options.map, &algorithm, err));
        Status st = attempt_begin(self, again, &attempt, err);
        if (!st) st = train_newest(&attempt.job, &newest, &again->due_ms, err);
        attempt_end(&attempt);
        if (st) {
            error_while(err, "looking at when model '" STR_FMT "' is to be trained again",
                        STR_ARG(again->model->name));
            return st;
        }
        if (!again->interval_ms) again->due_ms = INT64_MAX;
    }
    return ST_OK;
}

Status retrainer_start(const RetrainHost *host, Plan *const *root, uint32_t count,
                       uint32_t plans, Retrainer **out, Error *err) {
    *out = NULL;
    Retrainer *self = NEW(Retrainer);
    self->host = *host;
    uint8_t *seen = NEW_ARRAY(uint8_t, plans);
    for (uint32_t i = 0; i < count; i++) find_models(self, root[i], seen);
    mem_free(seen);
    if (!self->count) {
        mem_free(self);
        return ST_OK;
    }
    static char ONE[] = "1", BATCH[] = "batch";
    train_settings(host->config, &self->config);
    (void)map_put(&self->config, STR("parallelism.default"), ONE);
    (void)map_put(&self->config, STR("execution.runtime-mode"), BATCH);
    self->env = *host->env;
    self->env.batch = true;
    os()->monitor_init(&self->monitor);
    Status st = look_at_models(self, err);
    if (!st) st = os()->thread_start(retrain, self, &self->thread, err);
    if (st) {
        (void)retrainer_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

void retrainer_drifted(void *arg, Str path) {
    Retrainer *self = arg;
    if (!self) return;
    os_lock(&self->monitor);
    for (uint32_t i = 0; i < self->count; i++) {
        Again *again = &self->model[i];
        if (again->on_drift && str_eq(str_c(option(again, "path")), path)) again->drifted = true;
    }
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
}

RetrainStats retrainer_stop(Retrainer *self) {
    if (!self) return (RetrainStats){0};
    os_lock(&self->monitor);
    self->stopping = true;
    atomic_store(&self->cancel, true);
    atomic_store(&self->job_stop, 2);
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
    os()->thread_join(self->thread);
    RetrainStats stats = self->stats;
    os()->monitor_clear(&self->monitor);
    map_clear(&self->config);
    mem_free(self);
    return stats;
}
