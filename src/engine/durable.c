#include "engine/durable.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ckpt/store.h"
#include "engine/control.h"
#include "engine/restart.h"

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

// A directory as Flink's users write it: file:///d, file:/d, s3://bucket/d, or a path.
static Status directory(const Map *config, const char *key, Str *out, Error *err) {
    Str text = config_str(config, key);
    if (str_starts(text, STR("file://"))) {
        text = str_sub(text, 7, text.len);
    } else if (str_starts(text, STR("file:"))) {
        text = str_sub(text, 5, text.len);
    } else if (str_find(text, STR("://"), 0) >= 0 && !os_is_object(text)) {
        (void)error_set(err, ST_UNSUPPORTED,
                        "'%s' = '" STR_FMT
                        "': weir keeps checkpoints in local directories and in S3",
                        key, STR_ARG(text));
        error_hint(err, "give a path, file:///path, or s3://bucket/path");
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

// What becomes of the checkpoints when the job is over: execution.checkpointing.
// externalized-checkpoint-retention. Not given, all are kept: --resume stands on them.
typedef enum Retention { RETAIN_ALL, RETAIN_ON_CANCELLATION, DELETE_ON_CANCELLATION, RETAIN_NONE
} Retention;

typedef struct Durable {
    Arena arena;
    JobSpec *spec;
    CheckpointSpec checkpoint;
    Retention retention;
    Str savepoint_dir;  // where savepoints go unless it is said; may be empty
    Control *control;  // who asks for savepoints from outside is heard; NULL: nobody is
    Str temporary;    // a directory that goes with the job; empty: none
    OsFile *held;     // that nobody else writes to the job's directory; NULL: it cannot be known
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

// Flink's limits of what says when checkpoints are taken and given up.
static Status check_pace(const Map *config, Error *err) {
    enum { TIMEOUT_MIN_MS = 10 };
    if (config_ms(config, "execution.checkpointing.timeout", TIMEOUT_MIN_MS) < TIMEOUT_MIN_MS) {
        return error_set(err, ST_VALIDATION,
                         "'execution.checkpointing.timeout' must be at least %d ms",
                         TIMEOUT_MIN_MS);
    }
    if (config_int(config, "execution.checkpointing.max-concurrent-checkpoints", 1) < 1) {
        return error_set(err, ST_VALIDATION,
                         "'execution.checkpointing.max-concurrent-checkpoints' must be at least 1");
    }
    if (config_int(config, "execution.checkpointing.tolerable-failed-checkpoints", 0) < 0) {
        return error_set(err, ST_VALIDATION,
                         "'execution.checkpointing.tolerable-failed-checkpoints'"
                         " must be 0 or more");
    }
    return ST_OK;
}

// Barriers that overtake rows, and what Flink does not let them be combined with.
static Status read_unaligned(Durable *self, Error *err) {
    const Map *config = self->spec->config;
    CheckpointSpec *out = &self->checkpoint;
    // The second key is the one of Flink 1.
    out->unaligned = config_bool(config, "execution.checkpointing.unaligned.enabled", false) ||
                     config_bool(config, "execution.checkpointing.unaligned", false);
    out->aligned_timeout_ms =
        config_ms(config, "execution.checkpointing.aligned-checkpoint-timeout", 0);
    if (!out->unaligned) return ST_OK;
    if (config_int(config, "execution.checkpointing.max-concurrent-checkpoints", 1) > 1) {
        return error_set(err, ST_VALIDATION,
                         "'execution.checkpointing.max-concurrent-checkpoints' cannot be above 1 "
                         "with 'execution.checkpointing.unaligned.enabled'");
    }
    Str mode = config_str(config, "execution.checkpointing.mode");
    if (mode.len && !str_eq_nocase(mode, STR("EXACTLY_ONCE"))) {
        say(self, "checkpoints are aligned: unaligned ones need 'execution.checkpointing.mode' = "
                  "'EXACTLY_ONCE'");
        out->unaligned = false;
    }
    return ST_OK;
}

// One of [values] (ends with NULL), as its number; [none] when the option is not set.
static Status one_of(const Map *config, const char *key, const char *const *values, int none,
                     int *out, Error *err) {
    Str text = config_str(config, key);
    *out = none;
    if (!text.len) return ST_OK;
    for (*out = 0; values[*out]; ++*out) {
        if (str_eq_nocase(text, str_c(values[*out]))) return ST_OK;
    }
    (void)error_set(err, ST_VALIDATION, "'%s' = '" STR_FMT "' is not known", key, STR_ARG(text));
    Buf list = {0};
    for (uint32_t i = 0; values[i]; i++) buf_printf(&list, "%s%s", i ? ", " : "", values[i]);
    error_hint(err, "one of %s", buf_cstr(&list));
    buf_free(&list);
    return ST_VALIDATION;
}

static Status read_recovery(Durable *self, Error *err) {
    static const char *const CLAIMS[] = {"NO_CLAIM", "CLAIM", "LEGACY", NULL};
    enum { NO_CLAIM, CLAIM, LEGACY };
    const Map *config = self->spec->config;
    CheckpointSpec *out = &self->checkpoint;
    int claim;
    TRY(directory(config, "execution.state-recovery.path", &out->restore, err));
    TRY(one_of(config, "execution.state-recovery.claim-mode", CLAIMS, NO_CLAIM, &claim, err));
    if (claim == LEGACY) {
        (void)error_set(err, ST_UNSUPPORTED,
                        "'execution.state-recovery.claim-mode' = 'LEGACY': nobody would own the "
                        "snapshot");
        error_hint(err,
                   "NO_CLAIM leaves it alone, CLAIM removes it when it is not needed any more");
        return ST_UNSUPPORTED;
    }
    static const Str METADATA = {"/_metadata", 10};
    if (str_ends(out->restore, METADATA)) out->restore.len -= METADATA.len;
    if (claim == CLAIM) {
        out->claimed = out->restore;
    } else {
        out->keep_restored = out->restore.len > 0;
    }
    out->allow_non_restored =
        config_bool(config, "execution.state-recovery.ignore-unclaimed-state", false);
    return ST_OK;
}

static Status read_options(Durable *self, Error *err) {
    static const char *const RETENTIONS[] = {"RETAIN_ON_CANCELLATION", "DELETE_ON_CANCELLATION",
                                             "NO_EXTERNALIZED_CHECKPOINTS", NULL};
    static const char *const MODES[] = {"EXACTLY_ONCE", "AT_LEAST_ONCE", NULL};
    const Map *config = self->spec->config;
    CheckpointSpec *out = &self->checkpoint;
    int retention, mode;  // of the modes the stronger one is kept in either case
    TRY(one_of(config, "execution.checkpointing.externalized-checkpoint-retention", RETENTIONS, -1,
               &retention, err));
    TRY(one_of(config, "execution.checkpointing.mode", MODES, 0, &mode, err));
    self->retention = (Retention)(retention + 1);
    Str dir;
    TRY(directory(config, "execution.checkpointing.dir", &dir, err));
    TRY(directory(config, "execution.checkpointing.savepoint-dir", &self->savepoint_dir, err));
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
        .after_end =
            config_bool(config, "execution.checkpointing.checkpoints-after-tasks-finish", true),
        .cut_savepoint = config_bool(config, "weir.cut-savepoint", false),
        .log = self->log, .log_arg = self->log_arg,
    };
    TRY(check_pace(config, err));
    bool concurrent =
        config_int(config, "execution.checkpointing.max-concurrent-checkpoints", 1) > 1;
    if (concurrent && out->interval_ms && !out->min_pause_ms) {  // with a pause Flink has one, too
        say(self, "one checkpoint is under way at a time, although 'execution.checkpointing."
                  "max-concurrent-checkpoints' allows more: when one takes longer than the "
                  "interval, the next begins when it has ended");
    }
    TRY(read_recovery(self, err));
    int64_t retained = config_int(config, "execution.checkpointing.num-retained", 1);
    int64_t tolerable =
        config_int(config, "execution.checkpointing.tolerable-failed-checkpoints", 0);
    out->retained = retained > 0 ? (uint32_t)retained : 1;
    out->tolerable_failures = tolerable > 0 ? (uint32_t)tolerable : 0;
    TRY(read_unaligned(self, err));
    // A bounded job of batch mode begins anew when it fails, as in Flink.
    if (self->spec->env->batch) {
        self->cut_every = 0;
        return ST_OK;
    }
    if (!dir.len && (out->interval_ms || self->cut_every)) {
        dir = self->temporary = temporary_directory(&self->arena);
    }
    if (!dir.len) return ST_OK;
    out->dir = dir;
    if (config_bool(config, "execution.checkpointing.create-subdir", true)) {
        Str name = directory_name(&self->arena, out->job);
        out->dir = str_printf(&self->arena, STR_FMT "/" STR_FMT, STR_ARG(dir), STR_ARG(name));
    }
    // What lies among the job's own is the job's own to claim.
    Str own = str_printf(&self->arena, STR_FMT "/", STR_ARG(out->dir));
    if (str_starts(out->claimed, own)) out->claimed = STR("");
    return ST_OK;
}

// Who holds a directory, by the first line of its file; empty: it cannot be known.
static Str holder_of(Arena *arena, Str path) {
    enum { WHO_MAX = 300 };
    char who[WHO_MAX];
    OsFile *file = NULL;
    size_t got = 0;
    Status st = os()->open(path, OS_READ, &file, NULL);
    if (!st) st = os()->read_at(file, 0, who, sizeof who, &got, NULL);
    Status closed = os()->close(file, NULL);
    if (!st) st = closed;
    Str text = str_make(who, st ? 0 : got);
    return str_dup(arena, str_trim(str_next_line(&text)));
}

static Status held_by_another(Durable *self, Str path, Error *err) {
    Str who = holder_of(&self->arena, path);
    (void)error_set(err, ST_VALIDATION, "another run of the job%s" STR_FMT
                    ", writes its checkpoints to '" STR_FMT "'", who.len ? ", " : "", STR_ARG(who),
                    STR_ARG(self->checkpoint.dir));
    error_hint(err, "stop it first; another job is told apart by 'pipeline.name', or by a "
                    "directory of its own");
    return ST_VALIDATION;
}

// In an object store a run that has gone leaves its word behind, and whether it has gone is seen by
// waiting: that is told.
static Status hold_objects(Durable *self, Str path, Error *err) {
    OsStat there = {0};
    TRY(os()->stat(path, &there, err));
    if (there.exists) {
        Str who = holder_of(&self->arena, path);
        say(self, "'" STR_FMT "' was held by another run, " STR_FMT ": looking whether that lives",
            STR_ARG(self->checkpoint.dir), STR_ARG(who));
    }
    TRY(os()->open(path, OS_HOLD, &self->held, err));
    if (!self->held) return held_by_another(self, path, err);
    self->checkpoint.held = self->held;
    return ST_OK;
}

// Two runs that write to one directory would undo each other's checkpoints, and publish twice what
// sinks without fencing hold: one that was paused and goes on, or one that somebody starts again.
// Where nothing can be held (some network disks) it is not known.
static Status hold_directory(Durable *self, Error *err) {
    enum { PATIENCE_MS = 2000, LOOK_MS = 50, PID_MAX = 28 };
    Str dir = self->checkpoint.dir;
    Str path = str_printf(&self->arena, STR_FMT "/_held", STR_ARG(dir));
    if (os_is_object(dir)) return hold_objects(self, path, err);
    if (os()->make_dirs(dir, NULL)) return ST_OK;
    Status st = os()->open(path, OS_HOLD, &self->held, NULL);
    // One that was killed is gone in a moment.
    for (int waited = 0; !st && !self->held && waited < PATIENCE_MS; waited += LOOK_MS) {
        os()->sleep_ms(LOOK_MS);
        st = os()->open(path, OS_HOLD, &self->held, NULL);
    }
    if (!st && !self->held) return held_by_another(self, path, err);
    if (!st) {
        char who[PID_MAX + 2];
        int size = snprintf(who, sizeof who, "process %-*ld\n", PID_MAX - 8, (long)getpid());
        st = os()->write(self->held, who, (size_t)size, NULL);
    }
    return ST_OK;  // that it cannot be told who holds it is no great matter
}

// What an earlier run of the job has left: to go on from, or to be told of.
static Status look_back(Durable *self, Error *err) {
    CheckpointSpec *out = &self->checkpoint;
    Str latest;
    uint32_t skipped;
    TRY(checkpoint_latest(&self->arena, out->dir, 0, &latest, &skipped, err));
    if (skipped) {
        say(self, "%u newer checkpoint%s below " STR_FMT " %s never complete and passed over",
            skipped, skipped == 1 ? "" : "s", STR_ARG(out->dir), skipped == 1 ? "was" : "were");
    }
    bool resume = config_bool(self->spec->config, "weir.resume", false);
    if (resume && (latest.len || !out->restore.len)) {
        // What the job has reached by itself is further than what it once began from.
        out->restore = latest;
        out->claimed = STR("");
        out->keep_restored = false;
        if (latest.len) {
            say(self, "going on from " STR_FMT, STR_ARG(latest));
        } else {
            say(self, "there is no checkpoint below " STR_FMT ": starting from nothing",
                STR_ARG(out->dir));
        }
        return ST_OK;
    }
    // What lies there is another run's: it is not gone back to, and its files are let alone until
    // there are newer ones.
    TRY(checkpoint_greatest(out->dir, &out->past, err));
    if (latest.len && !out->restore.len) {
        say(self, "starting from nothing, although " STR_FMT " is there (--resume goes on from it)",
            STR_ARG(latest));
    }
    return ST_OK;
}

// ---- attempts ----------------------------------------------------------------------------------

static bool wait_unless_stopped(const JobSpec *spec, int64_t ms) {
    enum { LOOK_MS = 20 };
    int64_t until_ms = os_monotonic_ns() / 1000000 + ms, left_ms;
    while ((left_ms = until_ms - os_monotonic_ns() / 1000000) > 0) {
        if (spec->stop && atomic_load(spec->stop)) return false;
        os()->sleep_ms(left_ms < LOOK_MS ? left_ms : LOOK_MS);
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

// Entry [at] of a list with commas, from its beginning again behind its end.
static Str list_entry(Str list, uint32_t at) {
    uint32_t count = 1, from = 0;
    for (uint32_t i = 0; i < list.len; i++) count += list.ptr[i] == ',';
    for (at %= count; at; at--) from = (uint32_t)str_find(list, STR(","), from) + 1;
    int64_t end = str_find(list, STR(","), from);
    return str_trim(str_sub(list, from, (end < 0 ? list.len : (uint32_t)end) - from));
}

// weir.cut-parallelism, weir.cut-backend: lists, one entry after the other for the parts of a job
// that is cut.
static void next_part(Durable *self) {
    int64_t workers;
    Str parallelism = config_str(self->spec->config, "weir.cut-parallelism");
    if (str_to_i64(list_entry(parallelism, self->cuts), &workers) && workers > 0) {
        self->spec->workers = (uint32_t)workers;
    }
    self->spec->state_backend =
        list_entry(config_str(self->spec->config, "weir.cut-backend"), self->cuts);
    self->cuts++;
}

// What is damaged does not mend itself: the job is not begun again and again.
static void mind_damage(Durable *self, Status st) {
    if (st == ST_RUNTIME && self->spec->stats) self->spec->stats->damaged = true;
}

// Begins from the newest checkpoint; from what the job was told to begin from when there is none.
static Status go_back(Durable *self, Error *err) {
    Str latest;
    Status st = checkpoint_latest(&self->arena, self->checkpoint.dir, self->checkpoint.past,
                                  &latest, NULL, err);
    mind_damage(self, st);
    TRY(st);
    if (!latest.len) return ST_OK;
    self->checkpoint.restore = latest;
    self->checkpoint.keep_restored = false;
    return ST_OK;
}

// What of the job's checkpoints outlives it, as Flink has it: what the option asks for is kept
// after a failure and, of RETAIN_ON_CANCELLATION, when the job was stopped before its end.
static Status sweep_up(Durable *self, Status st, Error *err) {
    const JobStats *stats = self->spec->stats;
    bool stopped = stats && stats->halted && !stats->stopped;
    bool cancelled = st == ST_CANCELLED || (!st && stopped);
    bool keep = self->retention == RETAIN_ALL ||
                (self->retention != RETAIN_NONE && st && !cancelled) ||
                (self->retention == RETAIN_ON_CANCELLATION && cancelled);
    if (keep || !self->checkpoint.dir.len || self->temporary.len) return ST_OK;
    OsFile *held = self->checkpoint.held;
    if (held && os()->sync(held, NULL)) return ST_OK;  // they are another's, or out of reach
    Str kept = self->checkpoint.keep_restored ? self->checkpoint.restore : STR("");
    return checkpoint_retain(self->checkpoint.dir, 0, kept, err);
}

// Rows in flight lie between the workers that there were. Restored with another parallelism, the
// job first lets them come through with that one, reads nothing, and halts with an aligned
// checkpoint.
static Status settle(Durable *self, Error *err) {
    CheckpointSpec *checkpoint = &self->checkpoint;
    Arena arena = {0};
    Checkpoint from = {0};
    Status st = checkpoint_read(&arena, checkpoint->restore, &from, err);
    if (st == ST_RUNTIME) checkpoint_offer(checkpoint->restore, err);
    mind_damage(self, st);
    if (st || !from.in_flight || from.workers == self->spec->workers) goto done;
    CheckpointSpec settling = *checkpoint;
    JobSpec spec = *self->spec;
    settling.settle = true;
    settling.unaligned = false;
    settling.cut_after = 0;
    if (!settling.dir.len) {
        if (!self->temporary.len) self->temporary = temporary_directory(&self->arena);
        settling.dir = str_printf(&self->arena, STR_FMT "/settled", STR_ARG(self->temporary));
        settling.claimed = STR("");
    }
    spec.control = NULL;  // who asks for a savepoint waits for the job itself
    spec.checkpoint = &settling;
    spec.workers = from.workers;
    say(self, "%llu batches and marks in flight between %u workers come through before the job "
        "goes on with %u", (unsigned long long)from.in_flight, from.workers, self->spec->workers);
    st = job_run(&spec, err);
    if (!st) {
        st = checkpoint_latest(&self->arena, settling.dir, settling.past, &checkpoint->restore,
                               NULL, err);
    }

done:
    arena_clear(&arena);
    return st;
}

static Status run_attempts(Durable *self, Error *err) {
    JobSpec *spec = self->spec;
    Restart restart;
    TRY(restart_options(spec->config, self->checkpoint.dir.len && !self->cut_every, &restart, err));
    for (bool back = false;; back = self->checkpoint.dir.len > 0) {
        Error failure;
        failure.hint[0] = 0;
        // A long job is left alone after some cuts: each takes a checkpoint and a restore.
        bool cuts = self->cuts < CUTS_MAX;
        self->checkpoint.cut_after = cuts ? (uint64_t)self->cut_every : 0;
        OsFile *held = self->checkpoint.held;
        Status st = back && held ? os()->sync(held, &failure) : ST_OK;
        if (!st && back) st = go_back(self, &failure);
        if (!st && self->checkpoint.restore.len) st = settle(self, &failure);
        if (!st) st = job_run(spec, &failure);
        if (!st && self->cut_every && spec->stats && spec->stats->halted) {
            next_part(self);
            continue;
        }
        int64_t delay_ms = 0;
        bool damaged = spec->stats && spec->stats->damaged;
        // Whoever asked for a savepoint to stop with has it, and may have begun from it elsewhere.
        bool over = spec->stats && spec->stats->stopped;
        bool again = st && may_restart(st) && !damaged && !over && all_sinks(spec) &&
                     restart_again(&restart, os_monotonic_ns() / 1000000, &delay_ms);
        if (st && over) {
            say(self, "the job failed when its last savepoint was complete: who begins from that "
                      "commits what its sinks had prepared");
        }
        if (!again) {
            if (st && err) *err = failure;
            return st;
        }
        say(self, "the job failed and restarts in %.1f s: %s", (double)delay_ms / 1000,
            failure.message);
        control_failed(self->control, str_c(failure.message));
        if (spec->stats) spec->stats->restarts++;
        if (!wait_unless_stopped(spec, delay_ms)) {
            if (err) *err = failure;
            return st;
        }
        control_status(self->control, "RUNNING");
    }
}

// Makes the job known to `weir list`, and heard. A job runs without that, too.
static void offer_control(Durable *self) {
    JobSpec *spec = self->spec;
    Error err = {0};
    ControlSpec control = {
        .name = self->checkpoint.job,
        .savepoint_dir = self->savepoint_dir,
        .checkpoint_dir = self->temporary.len ? STR("") : self->checkpoint.dir,
        .stop = spec->stop,
        .why_not = spec->env->batch ? "a job of batch mode has no savepoints" : NULL,
    };
    if (control_open(&control, &self->control, &err)) {
        say(self, "savepoints cannot be asked for: %s", err.message);
        return;
    }
    if (!spec->env->batch) spec->control = control_of_job(self->control);
}

Status durable_run(JobSpec *spec, const DurableHost *host, Error *err) {
    Durable self = {.spec = spec, .log = host->log, .log_arg = host->arg};
    arena_init(&self.arena);
    Status st = read_options(&self, err);
    spec->checkpoint = &self.checkpoint;
    bool lasting = self.checkpoint.dir.len && !self.temporary.len;
    if (!st && lasting) st = hold_directory(&self, err);
    if (!st && lasting) st = look_back(&self, err);
    if (!st && host->control) offer_control(&self);
    if (!st) st = run_attempts(&self, err);
    control_close(self.control);
    spec->control = NULL;
    Status swept = sweep_up(&self, st, st ? NULL : err);
    if (!st) st = swept;
    if (self.temporary.len) {
        Status removed = remove_tree(self.temporary, st ? NULL : err);
        if (!st) st = removed;
    }
    Status freed = os()->close(self.held, st ? NULL : err);
    if (!st) st = freed;
    spec->checkpoint = NULL;
    arena_clear(&self.arena);
    return st;
}
