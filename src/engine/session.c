#include "engine/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "connector/builtin.h"
#include "engine/compiled.h"
#include "engine/ddl.h"
#include "engine/durable.h"
#include "engine/retrain.h"
#include "engine/state_source.h"
#include "engine/train_model.h"
#include "exec/program.h"
#include "format/builtin.h"
#include "model/builtin.h"
#include "os/s3/s3.h"
#include "plan/explain.h"

struct Session {
    Catalogs catalogs;
    Map config;              // values owned
    FuncEnv env;
    Budget budget;
    const char *default_zone;
    const char *record_dir, *replay_dir;
    bool control;
    uint32_t jobs;  // begun so far
    void (*print)(void *arg, Str line, bool to_stderr);
    void *print_arg;
    JobStats stats;
    bool has_stats;
    // BEGIN STATEMENT SET … END, statement by statement.
    Buf collected;
    Status zone_status;  // whether 'table.local-time-zone' is one
    Error zone_error;
    _Atomic int stop;
    _Atomic bool running;
    _Atomic uint64_t rows_in, rows_out;
    _Atomic int64_t watermark_ms;
    _Atomic int64_t busy_ns;
    int64_t started_ms;
};

static int64_t session_now(void *arg) {
    (void)arg;
    return os_now_ms();
}
static uint64_t session_random(void *arg) {
    (void)arg;
    return os()->random();
}

static void print_line(void *arg, Str line, bool to_stderr) {
    (void)arg;
    FILE *out = to_stderr ? stderr : stdout;
    flockfile(out);
    (void)fwrite(line.ptr, 1, line.len, out);
    (void)fputc('\n', out);
    (void)fflush(out);
    funlockfile(out);
}

static int64_t machine_memory(void) {
    // Three quarters of what the machine has: the rest is for threads, libraries and the page
    // cache.
    return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE) / 4 * 3;
}

static void config_set(Map *config, Str key, Str value) {
    char *copy = str_own(value);
    mem_free(map_put(config, key, copy));
    (void)s3_option(key, copy);
}

// Who lists the settings shows them to whoever looks on. The list is Flink's.
static bool is_secret(Str key) {
    static const Str PARTS[] = {{"password", 8},     {"secret", 6},      {"apikey", 6},
                                {"api-key", 7},      {"auth-params", 11}, {"service-key", 11},
                                {"token", 5},        {"basic-auth", 10}, {"jaas.config", 11},
                                {"http-headers", 12}};
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
        if (str_find(key, PARTS[i], 0) >= 0) return true;
    }
    return false;
}

// Settings that the functions' environment mirrors.
static void session_refresh(Session *session) {
    const char *zone = config_get(&session->config, "table.local-time-zone");
    bool by_default = !zone || strcmp(zone, "default") == 0;
    if (by_default) zone = session->default_zone ? session->default_zone : "UTC";
    // SET takes any zone, as Flink's does; the statement that wants to know it fails. A default
    // that weir cannot read (TZ has more forms than names) is UTC.
    session->zone_status = zone_find(str_c(zone), &session->env.zone, &session->zone_error);
    if (session->zone_status) session->env.zone = zone_utc();
    if (by_default) session->zone_status = ST_OK;
    const char *mode = config_get(&session->config, "execution.runtime-mode");
    session->env.batch = mode && str_eq_nocase(str_c(mode), STR("batch"));
    const char *casts = config_get(&session->config, "table.exec.legacy-cast-behaviour");
    session->env.legacy_cast = casts && str_eq_nocase(str_c(casts), STR("enabled"));
    session->env.query_start_ms = os_now_ms();  // planning folds what stands still in batch mode
    session->env.catalog = session->catalogs.current_catalog;
    session->env.database = session->catalogs.current_database;
}

// What a job has to say while it runs goes where errors go.
static void log_line(void *arg, Str line) {
    Session *session = arg;
    Arena arena = {0};
    session->print(session->print_arg, str_printf(&arena, "weir: " STR_FMT, STR_ARG(line)), true);
    arena_clear(&arena);
}

// Flink takes any key; a slip is worth a word all the same.
static void warn(Session *session, Str key, Str value) {
    Buf text = {0};
    if (setting_warning(key, value, &text)) log_line(session, buf_str(&text));
    buf_free(&text);
}

Status session_new(const SessionConfig *config, Session **out, Error *err) {
    formats_register();
    connectors_register();
    models_register();
    connector_register(&STATE_CONNECTOR);
    Session *session = NEW(Session);
    catalogs_init(&session->catalogs);
    for (uint32_t i = 0; config->config && i < config->config->count; i++) {
        const MapEntry *entry = &config->config->entry[i];
        config_set(&session->config, entry->key, str_c(entry->value));
    }
    int64_t memory = config->memory_bytes_max ? config->memory_bytes_max : machine_memory();
    budget_init(&session->budget, NULL, "the job", memory);
    session->default_zone = config->default_zone ? config->default_zone : getenv("TZ");
    session->record_dir = config->record_dir;
    session->replay_dir = config->replay_dir;
    session->control = config->control;
    session->print = config->print ? config->print : print_line;
    session->print_arg = config->print_arg;
    session->env = (FuncEnv){.now_ms = session_now, .random = session_random, .user = STR("weir")};
    session->watermark_ms = INT64_MIN;
    for (uint32_t i = 0; i < session->config.count; i++) {
        warn(session, session->config.entry[i].key, str_c(session->config.entry[i].value));
    }
    session_refresh(session);
    if (config->catalog_path) {
        CatalogEntry *catalog = map_get(&session->catalogs.catalogs, STR("default_catalog"));
        Status st = durable_open(catalog, str_c(config->catalog_path), err);
        if (st) {
            session_free(session);
            return st;
        }
    }
    *out = session;
    return ST_OK;
}

void session_free(Session *session) {
    if (!session) return;
    for (uint32_t i = 0; i < session->catalogs.catalogs.count; i++) {
        durable_close(session->catalogs.catalogs.entry[i].value);
    }
    catalogs_clear(&session->catalogs);
    for (uint32_t i = 0; i < session->config.count; i++) mem_free(session->config.entry[i].value);
    map_clear(&session->config);
    job_stats_clear(&session->stats);
    buf_free(&session->collected);
    mem_free(session);
}

void session_stop(Session *session) {
    atomic_fetch_add(&session->stop, 1);
}

void session_rearm(Session *session) {
    atomic_store(&session->stop, 0);
}

const JobStats *session_stats(const Session *session) {
    return session->has_stats ? &session->stats : NULL;
}
const FuncEnv *session_env(const Session *session) {
    return &session->env;
}
const Map *session_settings(const Session *session) {
    return &session->config;
}
bool session_controls(const Session *session) {
    return session->control;
}
Catalogs *session_catalogs(Session *session) {
    return &session->catalogs;
}

bool session_progress(Session *session, JobProgress *out) {
    *out = (JobProgress){
        .rows_in = atomic_load(&session->rows_in),
        .rows_out = atomic_load(&session->rows_out),
        .watermark_ms = atomic_load(&session->watermark_ms),
        .elapsed_ms = os_now_ms() - session->started_ms,
    };
    int64_t workers = config_workers(&session->config);
    double available_ns = (double)out->elapsed_ms * 1e6 * (double)(workers > 0 ? workers : 1);
    if (available_ns > 0) out->busy = (double)atomic_load(&session->busy_ns) / available_ns;
    return atomic_load(&session->running);
}

// ---- jobs --------------------------------------------------------------------------------------

typedef struct Collecting {
    Session *session;
    const ResultSink *sink;
} Collecting;

static Status collect(void *arg, Batch *batch, Error *err) {
    Collecting *self = arg;
    atomic_fetch_add_explicit(&self->session->rows_out, batch->rows, memory_order_relaxed);
    if (!self->sink || !self->sink->batch) return ST_OK;
    return self->sink->batch(self->sink->arg, batch, err);
}

static void say_line(DdlContext *ddl, Str line) {
    log_line(ddl->session, line);
}

static Status run_plans(Session *session, PlanContext *context, Plan **root, uint32_t count,
                        const Map *config, const ResultSink *sink, Error *err) {
    Collecting collecting = {session, sink};
    job_stats_clear(&session->stats);
    session->has_stats = false;
    atomic_store(&session->rows_in, 0);
    atomic_store(&session->rows_out, 0);
    atomic_store(&session->busy_ns, 0);
    atomic_store(&session->watermark_ms, INT64_MIN);
    session->started_ms = os_now_ms();
    int64_t workers = config_workers(config);
    if (workers < 1 || workers > OPERATOR_INPUTS_MAX) {
        return error_set(err, ST_VALIDATION,
                         "'parallelism.default' (and 'table.exec.resource.default-parallelism') "
                         "must be 1 to %d",
                         OPERATOR_INPUTS_MAX);
    }
    session->budget.refuse = config_int(&session->config, "weir.refuse-charge", 0);
    atomic_store(&session->budget.charges, 0);
    JobSpec spec = {
        .root = root,
        .root_count = count,
        .plan_count = context->next_id + 1,
        .workers = (uint32_t)workers,
        .config = config,
        .env = &session->env,
        .budget = &session->budget,
        .print = session->print,
        .print_arg = session->print_arg,
        .collect = collect,
        .collect_arg = &collecting,
        .record_dir = session->record_dir,
        .replay_dir = session->replay_dir,
        .number = ++session->jobs,
        .stop = &session->stop,
        .stats = &session->stats,
        .was_read = sink ? sink->was_read : NULL,
        .read_arg = sink ? sink->arg : NULL,
        .progress_in = &session->rows_in,
        .progress_out = &session->rows_out,
        .progress_watermark = &session->watermark_ms,
        .progress_busy_ns = &session->busy_ns,
    };
    RetrainHost again = {session, &session->catalogs, &session->config, &session->env,
                         &session->budget, say_line};
    Retrainer *retrainer = NULL;
    if (!session->replay_dir && !session->env.batch) {
        TRY(retrainer_start(&again, root, count, spec.plan_count, &retrainer, err));
    }
    spec.drifted = retrainer_drifted;
    spec.drift_arg = retrainer;
    atomic_store(&session->running, true);
    Status st = durable_run(&spec, &(DurableHost){log_line, session, session->control}, err);
    atomic_store(&session->running, false);
    RetrainStats trained = retrainer_stop(retrainer);
    session->stats.trainings = trained.trained;
    session->stats.trainings_in_use = trained.in_use;
    session->stats.trainings_failed = trained.failed;
    session->has_stats = !st;
    return st;
}

// Nothing is planned in a zone that is none.
static Status check_zone(const Session *session, Error *err) {
    if (session->zone_status && err) *err = session->zone_error;
    return session->zone_status;
}

static Status execute_query(Session *session, PlanContext *context, const AstQuery *query,
                            const Map *config, const ResultSink *sink, Error *err) {
    Plan *plan;
    TRY(check_zone(session, err));
    TRY(bind_query(context, query, &plan, err));
    uint32_t count = plan->type->child_count;
    const Type **child = ARENA_ARRAY(context->arena, const Type *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = type_attribute(context->arena, plan->type->child[i], TIME_NONE);
    }
    const Type *row = type_row(context->arena, count, child, plan->type->field, false);
    Plan *root = plan_new(context, PLAN_COLLECT, row, 1);
    root->input[0] = plan;
    // The schema comes once the plan is known to be possible.
    TRY(plan_optimize(context, &root, 1, err));
    if (sink && sink->schema) TRY(sink->schema(sink->arg, row, false, err));
    return run_plans(session, context, &root, 1, config, sink, err);
}

static Status execute_inserts(Session *session, PlanContext *context, AstStmt *const *stmt,
                              uint32_t count, const ResultSink *sink, Error *err) {
    Plan **root = ARENA_ARRAY(context->arena, Plan *, count + 1);
    TRY(check_zone(session, err));
    for (uint32_t i = 0; i < count; i++) {
        if (stmt[i]->kind != STMT_INSERT) {
            return error_at(err, ST_VALIDATION, stmt[i]->span.place,
                            "only INSERT statements go into a statement set");
        }
        TRY(bind_insert(context, stmt[i]->insert, &root[i], err));
    }
    TRY(plan_optimize(context, root, count, err));
    TRY(run_plans(session, context, root, count, &session->config, sink, err));
    if (sink && sink->message) sink->message(sink->arg, STR("the job has finished"));
    return ST_OK;
}

// The second half of CREATE TABLE … AS.
static Status insert_as(DdlContext *ddl, const AstInsert *insert, Error *err) {
    AstStmt stmt = {.kind = STMT_INSERT, .insert = (AstInsert *)(uintptr_t)insert};
    AstStmt *one = &stmt;
    return execute_inserts(ddl->session, ddl->plan, &one, 1, NULL, err);
}

// The rows of CREATE MODEL … AS: of a bounded input, and none of them taken back.
static Status query_for(DdlContext *ddl, const AstQuery *query, const ResultSink *sink,
                        Error *err) {
    Session *session = ddl->session;
    bool batch = session->env.batch;
    session->env.batch = ddl->plan->batch = true;
    ddl->plan->training = true;
    Map alone = {0};
    train_settings(&session->config, &alone);
    Status st = execute_query(session, ddl->plan, query, &alone, sink, err);
    map_clear(&alone);
    session->env.batch = ddl->plan->batch = batch;
    ddl->plan->training = false;
    return st;
}

static void explain_advice(PlanContext *context, Plan **root, uint32_t count, ExplainSpec *spec,
                           Buf *out) {
    Advice advice;
    plan_advise(context, root, count, &advice);
    spec->advice = &advice;
    plan_explain(context, (const Plan *const *)root, count, spec, out);
    spec->advice = NULL;
    buf_putc(out, '\n');
    for (uint32_t i = 0; i < advice.count; i++) {
        buf_printf(out, "advice[%u]: " STR_FMT "\n", i + 1, STR_ARG(advice.text[i]));
    }
    if (!advice.count) buf_puts(out, "No available advice...\n");
}

// The sections that Flink prints, in its order.
static Status explain_plans(PlanContext *context, Plan **root, uint32_t count, uint32_t details,
                            Buf *out, Error *err) {
    const Plan *const *plans = (const Plan *const *)root;
    ExplainSpec spec = {.form = EXPLAIN_SYNTAX};
    buf_puts(out, "== Abstract Syntax Tree ==\n");
    plan_explain(context, plans, count, &spec, out);
    TRY(plan_optimize(context, root, count, err));
    spec = (ExplainSpec){.form = EXPLAIN_PHYSICAL, .changelog = details & EXPLAIN_CHANGELOG_MODE};
    bool advises = details & EXPLAIN_PLAN_ADVICE;
    buf_printf(out, "\n== Optimized Physical Plan%s ==\n", advises ? " With Advice" : "");
    if (advises) {
        explain_advice(context, root, count, &spec, out);
    } else {
        plan_explain(context, plans, count, &spec, out);
    }
    if (details & EXPLAIN_ESTIMATED_COST) {
        buf_puts(out,
                 "\n== Estimated Cost ==\n"
                 "weir plans by rule and estimates nothing: --stats has what a job did cost\n");
    }
    buf_puts(out, "\n== Optimized Execution Plan ==\n");
    spec = (ExplainSpec){.form = EXPLAIN_EXECUTION};
    plan_explain(context, plans, count, &spec, out);
    if (root[0]->kind == PLAN_SINK) {
        buf_puts(out, "\n== Delivery Guarantee ==\n");
        plan_explain_sinks(plans, count, out);
    }
    if (!(details & EXPLAIN_JSON_EXECUTION_PLAN)) return ST_OK;
    buf_puts(out, "\n== Physical Execution Plan ==\n");
    plan_explain_json(context, plans, count, out);
    return ST_OK;
}

static Status execute_explain(PlanContext *context, const AstExplain *explain, DdlContext *ddl,
                              Error *err) {
    AstStmt *const *stmt = (AstStmt *const *)&explain->stmt;
    uint32_t count = 1;
    if (explain->stmt->kind == STMT_STATEMENT_SET) {
        stmt = explain->stmt->set_of->stmt;
        count = explain->stmt->set_of->stmt_count;
    }
    Plan **root = ARENA_ARRAY(context->arena, Plan *, count + 1);
    context->explaining = true;
    for (uint32_t i = 0; i < count; i++) {
        if (stmt[i]->kind == STMT_INSERT) {
            TRY(bind_insert(context, stmt[i]->insert, &root[i], err));
        } else if (stmt[i]->kind == STMT_QUERY) {
            Plan *plan;
            TRY(bind_query(context, stmt[i]->query, &plan, err));
            root[i] = plan_new(context, PLAN_COLLECT, plan->type, 1);
            root[i]->input[0] = plan;
        } else {
            return error_at(err, ST_VALIDATION, stmt[i]->span.place,
                            "EXPLAIN goes with queries and INSERT");
        }
    }
    Buf text = {0};
    Status st = explain_plans(context, root, count, explain->details, &text, err);
    static const char *const NAMES[] = {"result"};
    Str cell = buf_str(&text);
    if (!st) st = ddl_rows(ddl, NAMES, NULL, 1, &cell, 1, err);
    buf_free(&text);
    return st;
}

// ---- settings ----------------------------------------------------------------------------------

// Only Flink's own dialect is read.
static Status check_dialect(const Session *session, const AstStmt *stmt, Error *err) {
    Str dialect = str_c(config_get(&session->config, "table.sql-dialect"));
    if (stmt->kind == STMT_SET || stmt->kind == STMT_RESET) return ST_OK;
    if (str_eq_nocase(dialect, STR("default"))) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "'table.sql-dialect' = '" STR_FMT "': weir reads Flink's own dialect only, "
                     "'default'",
                     STR_ARG(dialect));
}

static Status execute_set(Session *session, const AstStmt *stmt, DdlContext *ddl, Error *err) {
    const AstSet *set = stmt->set;
    if (stmt->kind == STMT_SET && !set->key.ptr) {
        static const char *const NAMES[] = {"key", "value"};
        Str *cells = ARENA_ARRAY(ddl->plan->arena, Str, session->config.count * 2 + 1);
        for (uint32_t i = 0; i < session->config.count; i++) {
            cells[i * 2] = session->config.entry[i].key;
            bool secret = is_secret(session->config.entry[i].key);
            cells[i * 2 + 1] = secret ? STR("******") : str_c(session->config.entry[i].value);
        }
        return ddl_rows(ddl, NAMES, NULL, 2, cells, session->config.count, err);
    }
    if (stmt->kind == STMT_SET) {
        config_set(&session->config, set->key, set->value);
        warn(session, set->key, set->value);
    } else if (set->key.ptr) {
        mem_free(map_remove(&session->config, set->key));
        (void)s3_option(set->key, NULL);
    } else {
        for (uint32_t i = 0; i < session->config.count; i++) {
            (void)s3_option(session->config.entry[i].key, NULL);
            mem_free(session->config.entry[i].value);
        }
        map_clear(&session->config);
    }
    session_refresh(session);
    ddl_ok(ddl);
    return ST_OK;
}

// ---- the whole ---------------------------------------------------------------------------------

// ---- compiled plans ----------------------------------------------------------------------------

// The session as it was when the plan was compiled, until execute_plan has put it back.
static void take_settings(Session *session, CompiledPlan *plan, char **before) {
    for (uint32_t i = 0; i < plan->setting_count; i++) {
        const char *value = map_get(&session->config, plan->key[i]);
        before[i] = value ? str_own(str_c(value)) : NULL;
        config_set(&session->config, plan->key[i], plan->value[i]);
    }
}

static void give_back_settings(Session *session, CompiledPlan *plan, char **before) {
    for (uint32_t i = 0; i < plan->setting_count; i++) {
        mem_free(before[i] ? map_put(&session->config, plan->key[i], before[i])
                           : map_remove(&session->config, plan->key[i]));
    }
    session_refresh(session);
}

static Status execute_plan(Session *session, DdlContext *ddl, Str path, const ResultSink *sink,
                           Error *err) {
    CompiledPlan plan = {0};
    TRY(compiled_read(ddl, path, &plan, err));
    Status st = compiled_make(ddl, &plan, err);
    if (!st) {
        Catalogs *catalogs = &session->catalogs;
        Str catalog = catalogs->current_catalog, database = catalogs->current_database;
        char **before = ARENA_ARRAY(ddl->plan->arena, char *, plan.setting_count + 1);
        take_settings(session, &plan, before);
        catalogs->current_catalog = plan.catalog;
        catalogs->current_database = plan.database;
        st = session_execute(session, plan.statement, sink, err);
        catalogs->current_catalog = catalog;
        catalogs->current_database = database;
        give_back_settings(session, &plan, before);
        if (st) {
            if (err) err->place = (Place){0};  // of the plan's text, not of this statement's
            error_while(err, "running the plan '" STR_FMT "'", STR_ARG(path));
        }
    }
    compiled_unmake(ddl, &plan);
    return st;
}

static Status execute_compile(Session *session, DdlContext *ddl, const AstPlan *plan,
                              const ResultSink *sink, Error *err) {
    TRY(check_zone(session, err));
    TRY(compiled_write(ddl, plan, err));
    if (plan->execute) return execute_plan(session, ddl, plan->path, sink, err);
    ddl_ok(ddl);
    return ST_OK;
}

// What is read and not done: by its name, with what to do instead.
static Status unsupported(const AstStmt *stmt, Error *err) {
    static const struct {
        AstStmtKind kind;
        const char *name, *hint;
    } STATEMENT[] = {
        {STMT_DELETE, "DELETE",
         "rows go from a table by a change log: INSERT INTO it a query that "
         "takes them back, or delete them in the database itself"},
        {STMT_UPDATE, "UPDATE",
         "a table with a primary key takes INSERT INTO as an update of the "
         "row with that key"},
        {STMT_MERGE, "MERGE",
         "a table with a primary key takes INSERT INTO as an update of the row "
         "with that key"},
        {STMT_TRUNCATE, "TRUNCATE TABLE", "INSERT OVERWRITE puts new files in place of the old"},
        {STMT_ANALYZE, "ANALYZE TABLE", "weir plans by rule and needs no statistics: leave it out"},
        {STMT_JAR, "ADD JAR, REMOVE JAR",
         "there is no JVM: functions are written in C or Python, "
         "CREATE FUNCTION … LANGUAGE PYTHON"},
        {STMT_CALL, "CALL", "a catalog in memory has no procedures"},
        {STMT_CREATE_CONNECTION, "CREATE CONNECTION", "give the options to CREATE TABLE"},
        {STMT_ALTER_CONNECTION, "ALTER CONNECTION", "give the options to CREATE TABLE"},
    };
    const char *name = "this statement", *hint = NULL;
    for (size_t i = 0; i < sizeof STATEMENT / sizeof STATEMENT[0]; i++) {
        if (STATEMENT[i].kind != stmt->kind) continue;
        name = STATEMENT[i].name;
        hint = STATEMENT[i].hint;
    }
    Status st = error_at(err, ST_UNSUPPORTED, stmt->span.place,
                         "%s: weir reads this, but does not run it", name);
    if (hint) error_hint(err, "%s", hint);
    return st;
}

static Status execute_stmt(Session *session, PlanContext *context, AstStmt *stmt, DdlContext *ddl,
                           const ResultSink *sink, Error *err) {
    TRY(check_dialect(session, stmt, err));
    switch (stmt->kind) {
        case STMT_QUERY:
            return execute_query(session, context, stmt->query, &session->config, sink, err);
        case STMT_INSERT: return execute_inserts(session, context, &stmt, 1, sink, err);
        case STMT_STATEMENT_SET:
            return execute_inserts(session, context, stmt->set_of->stmt, stmt->set_of->stmt_count,
                                   sink, err);
        case STMT_EXECUTE: return execute_stmt(session, context, stmt->execute, ddl, sink, err);
        case STMT_EXPLAIN: return execute_explain(context, stmt->explain, ddl, err);
        case STMT_COMPILE_PLAN: return execute_compile(session, ddl, stmt->plan, sink, err);
        case STMT_EXECUTE_PLAN: return execute_plan(session, ddl, stmt->plan->path, sink, err);
        case STMT_SET:
        case STMT_RESET: return execute_set(session, stmt, ddl, err);
        default: break;
    }
    Status st = ddl_execute(ddl, stmt, err);
    if (st != ST_END) return st;
    return unsupported(stmt, err);
}

// Whether the statement may name something in a catalog: then those in files are read.
static bool names_something(const AstStmt *stmt, Str sql) {
    if (stmt->kind == STMT_SET || stmt->kind == STMT_RESET) return false;
    if (stmt->kind != STMT_QUERY) return true;
    static const char *const WORDS[] = {"from", "table", "join"};
    for (uint32_t at = 0; at < sql.len; at++) {
        for (uint32_t w = 0; w < 3; w++) {
            Str here = str_sub(sql, at, (uint32_t)strlen(WORDS[w]));
            if (str_eq_nocase(here, str_c(WORDS[w]))) return true;
        }
    }
    return false;
}

Status session_execute(Session *session, Str sql, const ResultSink *sink, Error *err) {
    Arena arena = {0};
    AstStmt *stmt;
    Status st = sql_parse(&arena, sql, &stmt, err);
    if (!st) {
        session_refresh(session);
        PlanContext context = {
            .arena = &arena,
            .catalogs = &session->catalogs,
            .config = &session->config,
            .env = &session->env,
            .batch = session->env.batch,
            .statement = sql,
            .evaluate = expr_evaluate,
        };
        DdlContext ddl = {
            .session = session,
            .plan = &context,
            .catalogs = &session->catalogs,
            .config = &session->config,
            .text = sql,
            .sink = sink,
            .insert = insert_as,
            .query = query_for,
            .say = say_line,
            .budget = &session->budget,
        };
        if (names_something(stmt, sql)) st = durable_read(&ddl, err);
        if (!st) st = execute_stmt(session, &context, stmt, &ddl, sink, err);
        plan_context_clear(&context);
    }
    arena_clear(&arena);
    return st;
}
