#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "asker.h"
#include "base/hash.h"
#include "clickhouse.h"
#include "engine/session.h"
#include "postgres.h"

// ---- one life of the process -------------------------------------------------------------------

typedef struct LifeSetting {
    char key[64], value[64];
} LifeSetting;

enum { SETTINGS_MAX = 32 };

typedef struct Life {
    const SimJob *job;
    bool changed;    // SimJob.changed in place of its last statement
    LifeSetting setting[SETTINGS_MAX];
    uint32_t settings;
    Session *session;
    uint32_t stops;
    Status status;
    Error error;
    bool halted;     // ended by a checkpoint, its input not
} Life;

// What the next life begins with.
typedef struct Legacy {
    uint32_t workers;
    const char *backend;
    uint32_t directory;     // of checkpoints: number of moves to a new one
    char savepoint[64];     // that the job was begun from there; empty: from nothing
    bool changed;
} Legacy;

static void set(Life *life, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void set(Life *life, const char *key, const char *fmt, ...) {
    ASSERT(life->settings < SETTINGS_MAX);
    LifeSetting *at = &life->setting[life->settings++];
    (void)snprintf(at->key, sizeof at->key, "%s", key);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(at->value, sizeof at->value, fmt, args);
    va_end(args);
}

static void print_nothing(void *arg, Str line, bool to_stderr) {
    (void)arg, (void)to_stderr;
    note("says " STR_FMT, STR_ARG(line));
}

// By hand or by death. A second word from the hand would be a hard stop.
static void stop(void *arg, bool hard) {
    Life *life = arg;
    uint32_t wanted = hard ? 2 : 1;
    for (; life->session && life->stops < wanted; life->stops++) session_stop(life->session);
}

static void live(void *arg) {
    Life *life = arg;
    Map config = {0};
    for (uint32_t i = 0; i < life->settings; i++) {
        (void)map_put(&config, str_c(life->setting[i].key), life->setting[i].value);
    }
    SessionConfig with = {.config = &config, .default_zone = "UTC", .print = print_nothing,
                          .memory_bytes_max = (int64_t)256 << 20, .control = true};
    life->error.hint[0] = 0;
    life->status = session_new(&with, &life->session, &life->error);
    for (uint32_t i = 0; i < STATEMENTS_MAX && life->job->statement[i] && !life->status; i++) {
        const char *statement = life->job->statement[i];
        bool last = i + 1 == STATEMENTS_MAX || !life->job->statement[i + 1];
        if (last && life->changed) statement = life->job->changed;
        life->status = session_execute(life->session, str_c(statement), NULL, &life->error);
    }
    const JobStats *stats = life->session && !life->status ? session_stats(life->session) : NULL;
    life->halted = stats && stats->halted;
    Session *session = life->session;
    life->session = NULL;
    session_free(session);
    map_clear(&config);
}

// False when the life never ends by itself.
static bool live_once(Life *life) {
    world.dead = false;
    world.stop = stop;
    world.stop_arg = life;
    life->stops = 0;
    asker.stopped_with[0] = 0;
    if (!fibers_run(live, life)) return false;
    note("life ends: %s%s", life->status ? life->error.message : "well",
          life->halted ? ", halted" : "");
    if (!world.dead) return true;
    world.now_ns = world.died_ns;  // dying takes no time
    platter_crash();
    return true;
}

// ---- output ------------------------------------------------------------------------------------

typedef struct Lines {
    Arena arena;
    Str *line;
    uint32_t count, cap;
    Map latest;      // key -> Str of the value
    Map sums;        // all but the last column -> sum
} Lines;

static void add_line(Lines *lines, Str text) {
    if (lines->count == lines->cap) {
        lines->cap = lines->cap ? lines->cap * 2 : 256;
        lines->line = mem_realloc(lines->line, lines->cap * sizeof *lines->line);
    }
    lines->line[lines->count++] = str_dup(&lines->arena, text);
}

static void take_row(void *arg, const Record *record) {
    add_line(arg, str_make(record->value, record->value_size));
}

static void take_latest(void *arg, const Record *record) {
    Lines *lines = arg;
    Str key = str_make(record->key, record->key_size);
    if (!record->value) {
        (void)map_remove(&lines->latest, key);
        return;
    }
    Str *value = ARENA_NEW(&lines->arena, Str);
    *value = str_dup(&lines->arena, str_make(record->value, record->value_size));
    (void)map_put(&lines->latest, key, value);
}

static void take_sum(void *arg, const Record *record) {
    Lines *lines = arg;
    Str row = str_make(record->value, record->value_size);
    uint32_t comma = row.len;
    while (comma && row.ptr[comma - 1] != ',') comma--;
    int64_t number = 0;
    (void)str_to_i64(str_sub(row, comma, row.len), &number);
    Str key = str_sub(row, 0, comma);
    int64_t *sum = map_get(&lines->sums, key);
    if (!sum) {
        sum = ARENA_NEW(&lines->arena, int64_t);
        *sum = 0;
        (void)map_put(&lines->sums, key, sum);
    }
    *sum += number;
}

static void take_file_line(void *arg, Str file, Str text) {
    Lines *lines = arg;
    add_line(lines, str_printf(&lines->arena, STR_FMT ": " STR_FMT, STR_ARG(file), STR_ARG(text)));
}

// What is asked of a folder of versions: first which one is in use (CURRENT, the file that lies in
// it), then its bytes.
typedef struct CurrentModel {
    uint64_t number, hash;
    bool found;
} CurrentModel;

static void take_number(void *arg, Str file, Str text) {
    CurrentModel *self = arg;
    int64_t number;
    if (file.len || !str_to_i64(str_trim(text), &number)) return;
    self->number = (uint64_t)number;
}

static void take_bytes(void *arg, Str file, Str text) {
    CurrentModel *self = arg;
    char dir[32];
    int len = snprintf(dir, sizeof dir, "/%llu", (unsigned long long)self->number);
    // Beside the model lies meta.json, one line, which knows what time it was.
    bool told = str_starts(text, STR("{\"version\":"));
    if (told || !str_eq(file, str_make(dir, (size_t)len))) return;
    self->found = true;
    self->hash = hash_mix(self->hash, hash_bytes(text.ptr, text.len, text.len));
}

static void take_model(Str path, Lines *lines) {
    CurrentModel model = {0};
    platter_lines(path, take_number, &model);
    platter_lines(path, take_bytes, &model);
    add_line(lines, model.found ? str_printf(&lines->arena, "model of %016llx",
                                             (unsigned long long)model.hash)
                                : STR("no model"));
}

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static void take_table_row(void *arg, Str text) {
    add_line(arg, text);
}

static void take_output(const SimOutput *output, Lines *lines) {
    if (output->judge == JUDGE_FILES) {
        platter_lines(str_c(output->name), take_file_line, lines);
        return;
    }
    if (output->judge == JUDGE_TABLE) {
        postgres_lines(output->name, take_table_row, lines);
        return;
    }
    if (output->judge == JUDGE_STORE) {
        clickhouse_lines(take_table_row, lines);
        return;
    }
    if (output->judge == JUDGE_MODEL) {
        take_model(str_c(output->name), lines);
        return;
    }
    const BrokerTopic *topic = cluster_topic(output->name);
    void (*take)(void *, const Record *) = output->judge == JUDGE_ROWS     ? take_row
                                           : output->judge == JUDGE_LATEST ? take_latest
                                                                           : take_sum;
    cluster_committed(topic, take, lines);
    for (uint32_t i = 0; i < lines->latest.count; i++) {
        const Str *value = lines->latest.entry[i].value;
        add_line(lines, str_printf(&lines->arena, STR_FMT " = " STR_FMT,
                                   STR_ARG(lines->latest.entry[i].key), STR_ARG(*value)));
    }
    for (uint32_t i = 0; i < lines->sums.count; i++) {
        const int64_t *sum = lines->sums.entry[i].value;
        add_line(lines, str_printf(&lines->arena, STR_FMT "%lld",
                                   STR_ARG(lines->sums.entry[i].key), (long long)*sum));
    }
    map_clear(&lines->latest);
    map_clear(&lines->sums);
}

// Everything that a job has put out for good, in order, each line behind the name of its output.
static Str *output_lines(const SimJob *job, Lines *lines) {
    uint32_t from = 0;
    for (uint32_t i = 0; i < OUTPUTS_MAX && job->output[i].name; i++) {
        take_output(&job->output[i], lines);
        for (; from < lines->count; from++) {
            lines->line[from] = str_printf(&lines->arena, "%s: " STR_FMT, job->output[i].name,
                                           STR_ARG(lines->line[from]));
        }
    }
    if (lines->count) qsort(lines->line, lines->count, sizeof *lines->line, by_text);
    return lines->line;
}

static void lines_clear(Lines *lines) {
    mem_free(lines->line);
    arena_clear(&lines->arena);
    *lines = (Lines){0};
}

// ---- what is right -----------------------------------------------------------------------------

enum { VARIANTS = 4, JOBS_MAX = 96 };

typedef struct Reference {
    bool known;
    Lines lines;
    uint64_t steps, calls;  // that it took
} Reference;

static Reference references[JOBS_MAX][VARIANTS];

static void world_begin(uint64_t seed, const SimJob *job, uint32_t variant) {
    Tracing tracing = world.tracing;
    world = (World){.random = seed, .tracing = tracing};
    asker = (Asker){0};
    data_random = hash_mix(variant + 1u, 77);
    platter_format();
    cluster_start();
    postgres_free();
    clickhouse_free();
    job->fill();
}

static void job_settings(Life *life, const SimJob *job) {
    life->job = job;
    for (uint32_t i = 0; i + 1 < sizeof job->setting / sizeof *job->setting && job->setting[i];
         i += 2) {
        set(life, job->setting[i], "%s", job->setting[i + 1]);
    }
}

static const Reference *reference(const SimJob *job, uint32_t variant) {
    ASSERT(JOB_COUNT <= JOBS_MAX);
    Reference *self = &references[job - JOBS][variant];
    if (self->known) return self;
    Tracing tracing = world.tracing;
    world.tracing = TRACE_NOTHING;
    world_begin(1, job, variant);
    Life life = {0};
    job_settings(&life, job);
    if (!live_once(&life) || life.status) {
        printf("job '%s' fails without any fault: %s\n", job->name, life.error.message);
        exit(2);
    }
    cluster_expire_all();
    postgres_settle();
    clickhouse_settle();
    (void)output_lines(job, &self->lines);
    self->steps = world.steps;
    self->calls = world.calls;
    self->known = true;
    world.tracing = tracing;
    return self;
}

// ---- what goes wrong ---------------------------------------------------------------------------

// Swarm testing (Groce et al. 2012): each seed has only some of the faults, at rates of its own.
static uint32_t rate(uint32_t most) {
    if (chance_below(3)) return 0;
    return most >> chance_below(6);
}

static void draw_faults(const SimJob *job) {
    world.plan = (FaultPlan){
        // A calm job must not be at its restarts for as long as its state lives.
        .disk_error = rate(job->calm ? 2000 : 20000),
        .disk_slow = job->calm ? 0 : rate(20000),
        .disk_full = job->calm ? 0 : rate(5000), .clock_jump = job->calm ? 0 : rate(5000),
        .request_lost = rate(50000), .reply_lost = rate(50000), .request_twice = rate(50000),
        .reply_slow = job->calm ? 0 : rate(400000),
        .broker_down = job->calm ? 0 : rate(2000), .stop = rate(1000),
    };
}

// When a life that has faults ends at the latest.
static void draw_crash(const Reference *right) {
    world.crash_step = world.crash_call = 0;
    if (chance_below(2)) {
        world.crash_step = world.steps + 1 + chance_below(right->steps * 2);
    } else {
        world.crash_call = world.calls + 1 + chance_below(right->calls * 2);
    }
}

static void draw_workers(Legacy *legacy) {
    uint32_t workers = chance_below(3) ? legacy->workers : 1 + (uint32_t)chance_below(3);
    const char *backend = chance_below(3)   ? legacy->backend
                          : chance_below(2) ? "hashmap"
                                            : "rocksdb";
    if (workers != legacy->workers) {
        fault(FAULT_RESCALE);
        note("parallelism %u", workers);
    }
    if (backend != legacy->backend) fault(FAULT_BACKEND);
    legacy->workers = workers;
    legacy->backend = backend;
}

// After a stop with a savepoint the query may be another one, and its checkpoints in a place of
// their own; else the job finds by itself where it was.
static void draw_change(Legacy *legacy, const SimJob *job) {
    if (!asker.stopped_with[0]) return;
    if (job->changed && !legacy->changed && chance_below(2)) {
        legacy->changed = true;
        fault(FAULT_CHANGED_QUERY);
        note("the query is another one");
    }
    if (chance_below(2)) return;
    legacy->directory++;
    memcpy(legacy->savepoint, asker.stopped_with, sizeof legacy->savepoint);
    note("checkpoints go to another directory");
}

static void draw_settings(Life *life, const Legacy *legacy) {
    set(life, "execution.checkpointing.dir", "file:///state/checkpoints%u", legacy->directory);
    if (legacy->savepoint[0]) set(life, "execution.state-recovery.path", "%s", legacy->savepoint);
    set(life, "state.backend.type", "%s", legacy->backend);
    set(life, "weir.state-cache", "%s", chance_below(2) ? "0" : "2 kb");
    set(life, "io.tmp.dirs", "/local");
    set(life, "execution.checkpointing.interval", "%lld ms", (long long)chance_between(5, 150));
    set(life, "execution.checkpointing.min-pause", "%lld ms", (long long)chance_between(0, 20));
    set(life, "execution.checkpointing.incremental", "%s", chance_below(2) ? "true" : "false");
    set(life, "execution.checkpointing.num-retained", "%llu",
        (unsigned long long)chance_below(3) + 1);
    set(life, "execution.checkpointing.tolerable-failed-checkpoints", "%s",
        chance_below(2) ? "0" : "100");
    set(life, "execution.checkpointing.unaligned.enabled", "%s",
        chance_below(2) ? "true" : "false");
    set(life, "execution.checkpointing.aligned-checkpoint-timeout", "%lld ms",
        chance_below(2) ? 0 : (long long)chance_between(1, 20));
    set(life, "weir.exchange-size", "%s", chance_below(2) ? "32" : "1");
    set(life, "restart-strategy.type", "fixed-delay");
    set(life, "restart-strategy.fixed-delay.attempts", "1000000");
    set(life, "restart-strategy.fixed-delay.delay", "%lld ms", (long long)chance_between(1, 50));
    set(life, "weir.resume", "true");
    set(life, "parallelism.default", "%u", legacy->workers);
    static const char *const ROWS[] = {"2048", "1", "3", "7"};
    set(life, "weir.batch-rows-max", "%s", ROWS[chance_below(4)]);
    if (world.faulty && !chance_below(6)) {
        fault(FAULT_MEMORY);
        set(life, "weir.refuse-charge", "%lld", (long long)chance_between(1, 600));
    }
}

static void note_settings(const Life *life) {
    Buf line = {0};
    for (uint32_t i = 0; i < life->settings; i++) {
        Str key = str_c(life->setting[i].key);  // its last word says enough
        uint32_t from = key.len;
        while (from && key.ptr[from - 1] != '.') from--;
        buf_printf(&line, "%s" STR_FMT " %s", i ? ", " : "", STR_ARG(str_sub(key, from, key.len)),
                   life->setting[i].value);
    }
    note("a life with " STR_FMT, STR_ARG(buf_str(&line)));
    buf_free(&line);
}

// ---- the whole ---------------------------------------------------------------------------------

static void print_difference(const Lines *right, const Lines *got) {
    enum { SHOWN_MAX = 12 };
    uint32_t r = 0, g = 0, shown = 0, wrong = 0;
    while (r < right->count || g < got->count) {
        int order = r == right->count ? 1
                    : g == got->count ? -1
                                      : str_cmp(right->line[r], got->line[g]);
        if (order) {
            wrong++;
            Str line = order < 0 ? right->line[r] : got->line[g];
            if (shown++ < SHOWN_MAX) {
                printf("  %s " STR_FMT "\n", order < 0 ? "missing   " : "unexpected",
                       STR_ARG(line));
            }
        }
        r += order <= 0;
        g += order >= 0;
    }
    printf("  %u lines are wrong, of %u\n", wrong, right->count);
}

static bool same_lines(const Lines *right, const Lines *got) {
    if (right->count != got->count) return false;
    for (uint32_t i = 0; i < got->count; i++) {
        if (!str_eq(right->line[i], got->line[i])) return false;
    }
    return true;
}

static bool give_up(uint64_t seed, const SimJob *job, const char *why) {
    printf("FAIL seed %llu, job '%s', life %d: %s\n", (unsigned long long)seed, job->name,
           world.life, why);
    return false;
}

static bool expected_failure(Status st) {
    return st == ST_IO || st == ST_CONNECT || st == ST_RUNTIME || st == ST_OVER_BUDGET ||
           st == ST_CANCELLED;
}

static bool run_lives(uint64_t seed, const SimJob *job, const Reference *right) {
    uint32_t faulty_lives = (uint32_t)chance_below(5), healing = 0;
    Legacy legacy = {.workers = 1 + (uint32_t)chance_below(3), .backend = "hashmap"};
    bool asks = !chance_below(3);
    bool again = !chance_below(4);  // a job that has finished is started once more
    draw_faults(job);
    for (world.life = 1;; world.life++) {
        world.faulty = (uint32_t)world.life <= faulty_lives;
        if (world.faulty) {
            draw_crash(right);
        } else {
            world.crash_step = world.crash_call = 0;
            healing++;
        }
        asker.asks = world.faulty && asks;
        draw_change(&legacy, job);
        draw_workers(&legacy);
        Life life = {.changed = legacy.changed};
        job_settings(&life, job);
        draw_settings(&life, &legacy);
        note_settings(&life);
        if (!live_once(&life)) return give_up(seed, job, "it never ends");
        if (world.dead || life.halted || (job->batch && life.stops)) continue;
        if (life.status && world.faulty && expected_failure(life.status)) continue;
        if (life.status) return give_up(seed, job, life.error.message);
        if (!again) return true;
        again = false;
    }
}

// ---- seeds that never end ----------------------------------------------------------------------

// A seed takes some milliseconds. In a loop that no virtual clock sees, nothing would stop it but
// the memory's end.
enum { SECONDS_MAX = 10 };

static char endless[160];

static void on_endless(int signal) {
    (void)signal;
    _exit(write(STDOUT_FILENO, endless, strlen(endless)) < 0 ? 2 : 1);
}

// [seconds] of processor time from now it ends; 0: it may go on.
static void end_in(uint64_t seed, const SimJob *job, int seconds) {
    (void)snprintf(endless, sizeof endless, "FAIL seed %llu, job '%s': it does not end\n",
                   (unsigned long long)seed, job->name);
    (void)signal(SIGVTALRM, on_endless);
    struct itimerval timer = {.it_value = {.tv_sec = seconds}};
    (void)setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

void sim_run(uint64_t seed, const SimJob *only, Tracing tracing, SimResult *out) {
    *out = (SimResult){0};
    world.tracing = tracing;
    uint64_t first = hash_mix(seed, 0x5EED);
    const SimJob *job = only ? only : &JOBS[first % JOB_COUNT];
    uint32_t variant = (uint32_t)(first / JOB_COUNT % VARIANTS);
    const Reference *right = reference(job, variant);
    end_in(seed, job, SECONDS_MAX);
    world_begin(first, job, variant);
    note("seed %llu, job %s", (unsigned long long)seed, job->name);
    out->passed = run_lives(seed, job, right);
    if (out->passed) {
        if (chance_below(2)) platter_crash();  // the power goes, after all is done
        cluster_expire_all();
        postgres_settle();
        clickhouse_settle();
        Lines lines = {0};
        (void)output_lines(job, &lines);
        out->passed = same_lines(&right->lines, &lines);
        if (!out->passed) {
            (void)give_up(seed, job, "the output is wrong");
            print_difference(&right->lines, &lines);
        }
        lines_clear(&lines);
    }
    end_in(seed, job, 0);
    out->job = job;
    out->hash = world.hash;
    out->lives = (uint32_t)world.life;
    out->steps = world.steps;
    memcpy(out->faults, world.faults, sizeof out->faults);
    platter_free();
    cluster_free();
    postgres_free();
    clickhouse_free();
}
