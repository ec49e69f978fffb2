#include "engine/durable.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ckpt/store.h"

// ---- options -----------------------------------------------------------------------------------

enum { GROUPS_MIN = 128, GROUPS_MAX = 32768, CUTS_MAX = 40 };

// Flink's default: half as many again as workers, as a power of two, at least 128.
static uint32_t groups_for(uint32_t workers) {
    uint32_t wanted = workers + workers / 2, groups = GROUPS_MIN;
    while (groups < wanted && groups < GROUPS_MAX) groups *= 2;
    return groups;
}

static Str config_str(const Map *config, const char *key) {
    const char *text = config_get(config, key);
    return text ? str_trim(str_c(text)) : STR("");
}

// A directory as Flink's users write it: file:///d, file:/d, or a path.
static Status directory(const Map *config, const char *key, Str *out, Error *err) {
    Str text = config_str(config, key);
    if (str_starts(text, STR("file://"))) {
        text = str_sub(text, 7, text.len);
    } else if (str_starts(text, STR("file:"))) {
        text = str_sub(text, 5, text.len);
    } else if (str_find(text, STR("://"), 0) >= 0) {
        (void)error_set(err, ST_UNSUPPORTED,
                        "'%s' = '" STR_FMT
                        "': weir keeps checkpoints in local "
                        "directories",
                        key, STR_ARG(text));
        error_hint(err, "give a path, or file:///path");
        return ST_UNSUPPORTED;
    }
    while (text.len > 1 && text.ptr[text.len - 1] == '/') text.len--;
    *out = text;
    return ST_OK;
}

// The name of the job as Flink makes it, unless pipeline.name gives one.
static Str job_name(Arena *arena, const JobSpec *spec) {
    Str given = config_str(spec->config, "pipeline.name");
    if (given.len) return given;
    Buf name = {0};
    for (uint32_t i = 0; i < spec->root_count; i++) {
        const Plan *root = spec->root[i];
        buf_puts(&name, i ? "," : root->kind == PLAN_SINK ? "insert-into_" : "collect");
        if (root->kind == PLAN_SINK) buf_put_str(&name, root->sink->table->name);
    }
    Str out = str_dup(arena, buf_str(&name));
    buf_free(&name);
    return out;
}

// The same as the name of a directory.
static Str directory_name(Arena *arena, Str name) {
    enum { NAME_MAX_LEN = 200 };
    char *text = arena_dup(arena, name.ptr, name.len);
    for (uint32_t i = 0; i < name.len; i++) {
        if (text[i] == '/' || text[i] == 0) text[i] = '_';
    }
    return str_make(text, name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
}

typedef struct Durable {
    Arena arena;
    JobSpec *spec;
    CheckpointSpec checkpoint;
    Str temporary;    // a directory that goes with the job; empty: none
    int64_t cut_every;
    uint32_t cuts;
    void (*log)(void *arg, Str line);
    void *log_arg;
} Durable;

static void PRINTF_LIKE(2, 3) say(const Durable *self, const char *fmt, ...) {
    if (!self->log) return;
    char text[ERROR_MESSAGE_MAX + ERROR_SOURCE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len >= (int)sizeof text) len = sizeof text - 1;
    self->log(self->log_arg, str_make(text, (size_t)len));
}

static Str temporary_directory(Arena *arena) {
    const char *base = getenv("TMPDIR");
    return str_printf(arena, "%s/weir-%ld-%llx", base && *base ? base : "/tmp", (long)getpid(),
                      (unsigned long long)os()->random());
}

static Status remove_tree(Str path, Error *err);

static Status remove_entry(void *arg, Str name, Error *err) {
    const Str *parent = arg;
    Arena arena = {0};
    Str path = str_printf(&arena, STR_FMT "/" STR_FMT, STR_ARG(*parent), STR_ARG(name));
    Status st = remove_tree(path, err);
    arena_clear(&arena);
    return st;
}

static Status remove_tree(Str path, Error *err) {
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    if (!stat.exists) return ST_OK;
    if (stat.is_dir) TRY(os()->list(path, remove_entry, &path, err));
    return os()->remove(path, err);
}

static Status read_options(Durable *self, Error *err) {
    const Map *config = self->spec->config;
    CheckpointSpec *out = &self->checkpoint;
    Str dir, restore;
    TRY(directory(config, "execution.checkpointing.dir", &dir, err));
    TRY(directory(config, "execution.state-recovery.path", &restore, err));
    int64_t groups = config_int(config, "pipeline.max-parallelism", -1);
    if (groups == 0 || groups > GROUPS_MAX) {
        return error_set(err, ST_VALIDATION, "'pipeline.max-parallelism' must be 1 to %d",
                         GROUPS_MAX);
    }
    if (groups > 0 && groups < self->spec->workers) {
        return error_set(err, ST_VALIDATION,
                         "'parallelism.default' (%u) is above 'pipeline.max-parallelism' (%lld)",
                         self->spec->workers, (long long)groups);
    }
    self->cut_every = config_int(config, "weir.cut-every", 0);
    *out = (CheckpointSpec){
        .job = job_name(&self->arena, self->spec),
        .groups = groups > 0 ? (uint32_t)groups : groups_for(self->spec->workers),
        .interval_ms = config_ms(config, "execution.checkpointing.interval", 0),
        .min_pause_ms = config_ms(config, "execution.checkpointing.min-pause", 0),
        .timeout_ms = config_ms(config, "execution.checkpointing.timeout", 600000),
        .incremental = config_bool(config, "execution.checkpointing.incremental", false),
        .restore = restore,
        .allow_non_restored =
            config_bool(config, "execution.state-recovery.ignore-unclaimed-state", false),
        .log = self->log, .log_arg = self->log_arg,
    };
    int64_t retained = config_int(config, "execution.checkpointing.num-retained", 1);
    int64_t tolerable =
        config_int(config, "execution.checkpointing.tolerable-failed-checkpoints", 0);
    out->retained = retained > 0 ? (uint32_t)retained : 1;
    out->tolerable_failures = tolerable > 0 ? (uint32_t)tolerable : 0;
    // A bounded job of batch mode begins anew when it fails, as in Flink.
    if (self->spec->env->batch) {
        self->cut_every = 0;
        return ST_OK;
    }
    if (!dir.len && (out->interval_ms || self->cut_every)) {
        dir = self->temporary = temporary_directory(&self->arena);
    }
    if (!dir.len) return ST_OK;
    Str name = directory_name(&self->arena, out->job);
    out->dir = str_printf(&self->arena, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(name));
    return ST_OK;
}

// What an earlier run of the job has left: to go on from, or to be told of.
static Status look_back(Durable *self, Error *err) {
    CheckpointSpec *out = &self->checkpoint;
    Str latest;
    uint32_t skipped;
    TRY(checkpoint_latest(&self->arena, out->dir, &latest, &skipped, err));
    if (skipped) {
        say(self, "%u newer checkpoint%s below " STR_FMT " %s not whole and passed over", skipped,
            skipped == 1 ? "" : "s", STR_ARG(out->dir), skipped == 1 ? "is" : "are");
    }
    bool resume = config_bool(self->spec->config, "weir.resume", false);
    if (resume && !out->restore.len) {
        out->restore = latest;
        if (latest.len) {
            say(self, "going on from " STR_FMT, STR_ARG(latest));
        } else {
            say(self, "there is no checkpoint below " STR_FMT ": starting from nothing",
                STR_ARG(out->dir));
        }
    } else if (latest.len && !out->restore.len) {
        say(self, "starting from nothing, although " STR_FMT " is there (--resume goes on from it)",
            STR_ARG(latest));
    }
    return ST_OK;
}

// ---- restarts ----------------------------------------------------------------------------------

typedef enum RestartKind {
    RESTART_NONE, RESTART_FIXED_DELAY, RESTART_FAILURE_RATE, RESTART_EXPONENTIAL
} RestartKind;

typedef struct Restart {
    RestartKind kind;
    int64_t attempts;        // most restarts; -1: any number
    int64_t delay_ms;        // of the next restart
    int64_t first_ms, most_ms,
        calm_ms;  // exponential: first and greatest delay, when it is first again
    double factor, jitter;
    int64_t interval_ms;     // failure-rate: that many failures in it are too many
    int64_t failed_ms[64];   // when it failed last
    uint32_t failures;
} Restart;

static Status restart_options(const Map *config, bool checkpoints, Restart *out, Error *err) {
    Str type = config_str(config, "restart-strategy.type");
    if (!type.len) type = config_str(config, "restart-strategy");
    *out = (Restart){.kind = checkpoints ? RESTART_EXPONENTIAL : RESTART_NONE, .attempts = -1};
    if (str_eq_nocase(type, STR("none")) || str_eq_nocase(type, STR("off")) ||
        str_eq_nocase(type, STR("disable"))) {
        out->kind = RESTART_NONE;
    } else if (str_eq_nocase(type, STR("fixed-delay")) || str_eq_nocase(type, STR("fixeddelay"))) {
        out->kind = RESTART_FIXED_DELAY;
    } else if (str_eq_nocase(type, STR("failure-rate")) ||
               str_eq_nocase(type, STR("failurerate"))) {
        out->kind = RESTART_FAILURE_RATE;
    } else if (str_eq_nocase(type, STR("exponential-delay")) ||
               str_eq_nocase(type, STR("exponentialdelay"))) {
        out->kind = RESTART_EXPONENTIAL;
    } else if (type.len) {
        (void)error_set(err, ST_VALIDATION, "'restart-strategy.type' = '" STR_FMT "' is not known",
                        STR_ARG(type));
        error_hint(err, "one of none, fixed-delay, failure-rate, exponential-delay");
        return ST_VALIDATION;
    }
    switch (out->kind) {
        case RESTART_NONE: break;
        case RESTART_FIXED_DELAY:
            out->attempts = config_int(config, "restart-strategy.fixed-delay.attempts", 1);
            out->delay_ms = config_ms(config, "restart-strategy.fixed-delay.delay", 1000);
            break;
        case RESTART_FAILURE_RATE:
            out->attempts =
                config_int(config, "restart-strategy.failure-rate.max-failures-per-interval", 1);
            out->interval_ms =
                config_ms(config, "restart-strategy.failure-rate.failure-rate-interval", 60000);
            out->delay_ms = config_ms(config, "restart-strategy.failure-rate.delay", 1000);
            break;
        case RESTART_EXPONENTIAL: {
            out->first_ms =
                config_ms(config, "restart-strategy.exponential-delay.initial-backoff", 1000);
            out->most_ms =
                config_ms(config, "restart-strategy.exponential-delay.max-backoff", 60000);
            out->calm_ms = config_ms(
                config, "restart-strategy.exponential-delay.reset-backoff-threshold", 3600000);
            out->factor = 1.5;
            out->jitter = 0.1;
            Str factor =
                config_str(config, "restart-strategy.exponential-delay.backoff-multiplier");
            Str jitter = config_str(config, "restart-strategy.exponential-delay.jitter-factor");
            if ((factor.len && !str_to_f64(factor, &out->factor)) ||
                (jitter.len && !str_to_f64(jitter, &out->jitter))) {
                return error_set(err, ST_VALIDATION,
                                 "'restart-strategy.exponential-delay': factors are numbers");
            }
            out->attempts = config_int(
                config, "restart-strategy.exponential-delay.attempts-before-reset-backoff", -1);
            out->delay_ms = out->first_ms;
            break;
        }
    }
    return ST_OK;
}

// The job has failed now: whether it starts again, and after how long.
static bool restart_again(Restart *self, int64_t now_ms, int64_t *delay_ms) {
    enum { TIMES = sizeof self->failed_ms / sizeof *self->failed_ms };
    int64_t last_ms = self->failures ? self->failed_ms[(self->failures - 1) % TIMES] : now_ms;
    *delay_ms = self->delay_ms;
    switch (self->kind) {
        case RESTART_NONE: return false;
        case RESTART_FIXED_DELAY:
            self->failures++;
            return self->failures <= self->attempts;
        case RESTART_FAILURE_RATE: {
            self->failed_ms[self->failures++ % TIMES] = now_ms;
            int64_t recent = 0;
            for (uint32_t i = 0; i < self->failures && i < TIMES; i++) {
                recent += now_ms - self->failed_ms[i] < self->interval_ms;
            }
            return recent <= self->attempts;
        }
        case RESTART_EXPONENTIAL: {
            if (self->failures && now_ms - last_ms - self->delay_ms > self->calm_ms) {
                self->failures = 0;
                self->delay_ms = self->first_ms;
            }
            self->failed_ms[self->failures++ % TIMES] = now_ms;
            if (self->attempts >= 0 && self->failures > self->attempts) return false;
            double random = (double)(os()->random() >> 11) / 9007199254740992.0 * 2 - 1;
            *delay_ms = (int64_t)((double)self->delay_ms * (1 + self->jitter * random));
            double next = (double)self->delay_ms * self->factor;
            self->delay_ms = next > (double)self->most_ms ? self->most_ms : (int64_t)next;
            return true;
        }
    }
    return false;
}

static bool wait_unless_stopped(const JobSpec *spec, int64_t ms) {
    enum { LOOK_MS = 20 };
    int64_t until = os_now_ms() + ms;
    while (os_now_ms() < until) {
        if (spec->stop && atomic_load(spec->stop)) return false;
        os()->sleep_ms(until - os_now_ms() < LOOK_MS ? until - os_now_ms() : LOOK_MS);
    }
    return true;
}

static bool may_restart(Status st) {
    return st == ST_RUNTIME || st == ST_IO || st == ST_CONNECT || st == ST_OVER_BUDGET;
}

static bool all_sinks(const JobSpec *spec) {
    for (uint32_t i = 0; i < spec->root_count; i++) {
        if (spec->root[i]->kind != PLAN_SINK) return false;
    }
    return true;
}

// weir.cut-parallelism: a list, one after the other for the parts of a job that is cut.
static void next_parallelism(Durable *self) {
    Str list = config_str(self->spec->config, "weir.cut-parallelism");
    uint32_t count = 1, at = 0;
    for (uint32_t i = 0; i < list.len; i++) count += list.ptr[i] == ',';
    uint32_t wanted = self->cuts++ % count;
    for (; wanted; wanted--) at = (uint32_t)str_find(list, STR(","), at) + 1;
    int64_t end = str_find(list, STR(","), at), workers;
    Str text = str_sub(list, at, (end < 0 ? list.len : (uint32_t)end) - at);
    if (str_to_i64(str_trim(text), &workers) && workers > 0)
        self->spec->workers = (uint32_t)workers;
}

// Begins from the newest checkpoint; from what the job was told to begin from when there is none.
static Status go_back(Durable *self, Error *err) {
    Str latest;
    TRY(checkpoint_latest(&self->arena, self->checkpoint.dir, &latest, NULL, err));
    if (latest.len) self->checkpoint.restore = latest;
    return ST_OK;
}

static Status run_attempts(Durable *self, Error *err) {
    JobSpec *spec = self->spec;
    Restart restart;
    TRY(restart_options(spec->config, self->checkpoint.dir.len && !self->cut_every, &restart, err));
    for (;;) {
        Error failure;
        failure.hint[0] = 0;
        // A long job is left alone after some cuts: each takes a checkpoint and a restore.
        bool cuts = self->cuts < CUTS_MAX;
        self->checkpoint.cut_after = cuts ? (uint64_t)self->cut_every : 0;
        Status st = job_run(spec, &failure);
        if (!st && self->cut_every && spec->stats && spec->stats->halted) {
            TRY(go_back(self, err));
            next_parallelism(self);
            continue;
        }
        int64_t delay_ms = 0;
        bool again = st && may_restart(st) && all_sinks(spec) &&
                     restart_again(&restart, os_now_ms(), &delay_ms);
        if (!again) {
            if (st && err) *err = failure;
            return st;
        }
        say(self, "the job failed and restarts in %.1f s: %s", (double)delay_ms / 1000,
            failure.message);
        if (!wait_unless_stopped(spec, delay_ms)) return ST_CANCELLED;
        if (self->checkpoint.dir.len) TRY(go_back(self, err));
    }
}

Status durable_run(JobSpec *spec, void (*log)(void *arg, Str line), void *log_arg, Error *err) {
    Durable self = {.spec = spec, .log = log, .log_arg = log_arg};
    arena_init(&self.arena);
    Status st = read_options(&self, err);
    spec->checkpoint = &self.checkpoint;
    if (!st && self.checkpoint.dir.len && !self.temporary.len) st = look_back(&self, err);
    if (!st) st = run_attempts(&self, err);
    if (self.temporary.len) {
        Status removed = remove_tree(self.temporary, st ? NULL : err);
        if (!st) st = removed;
    }
    spec->checkpoint = NULL;
    arena_clear(&self.arena);
    return st;
}
