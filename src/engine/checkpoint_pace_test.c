// When checkpoints are taken and given up: timeout, tolerable failures, the pause between two and
// how many are under way. The disk of these jobs is slow or broken for chosen checkpoints; slow
// means that the clock leaps by an hour, so that no test waits.
#include <stdlib.h>

#include "engine/session.h"
#include "os/os.h"
#include "test/unit.h"

enum { CHECKPOINTS_MAX = 64, HOUR_MS = 3600000 };

// Of each checkpoint, by the clock: when its file was opened, when it was there, else 0.
typedef struct Seen {
    int64_t begun_ns, complete_ns;
} Seen;

static struct {
    Os real;
    uint64_t slow, broken;  // a bit for each checkpoint; broken ones are so once
    uint64_t stop_at;       // the checkpoint at which the job is stopped; 0: it runs to its end
    Session *session;
    _Atomic int64_t ahead_ns;  // of the real clock
    _Atomic bool begun;        // a checkpoint was
    Seen seen[CHECKPOINTS_MAX];
} disk;

static int64_t leaping_ns(void) {
    return disk.real.monotonic_ns() + atomic_load(&disk.ahead_ns);
}

static void leap_ms(int64_t ms) {
    atomic_fetch_add(&disk.ahead_ns, ms * 1000000);
}

// The number behind the last [mark] of the path.
static uint64_t number_behind(Str path, Str mark) {
    int64_t at = -1, next = -1;
    while ((next = str_find(path, mark, (uint32_t)(next + 1))) >= 0) at = next;
    return at < 0 ? 0 : strtoull(path.ptr + at + mark.len, NULL, 10);
}

static Status disk_open(Str path, int mode, OsFile **out, Error *err) {
    uint64_t id = mode == OS_WRITE ? number_behind(path, STR("/shared/")) : 0;
    if (id && id < CHECKPOINTS_MAX) {
        uint64_t bit = UINT64_C(1) << id;
        disk.seen[id].begun_ns = leaping_ns();
        atomic_store(&disk.begun, true);
        if (id == disk.stop_at) session_stop(disk.session);
        if (disk.slow & bit) leap_ms(HOUR_MS);
        if (disk.broken & bit) {
            disk.broken &= ~bit;
            return error_set(err, ST_IO, "no space left on device");
        }
    }
    return disk.real.open(path, mode, out, err);
}

static Status disk_rename(Str from, Str to, Error *err) {
    TRY(disk.real.rename(from, to, err));
    uint64_t id = str_ends(to, STR("/_metadata")) ? number_behind(to, STR("/chk-")) : 0;
    if (id && id < CHECKPOINTS_MAX) disk.seen[id].complete_ns = leaping_ns();
    return ST_OK;
}

typedef struct Option {
    const char *key, *value;  // of execution.checkpointing; the last one is NULL
} Option;

static void execute(const char *sql) {
    Error err;
    CHECK_OK(session_execute(disk.session, str_c(sql), NULL, &err), &err);
}

// Batches that take an hour each.
static enum { NO_BATCH, EACH_BATCH, UNTIL_A_CHECKPOINT } long_batches;

static Status take_batch(void *arg, Batch *batch, Error *err) {
    (void)arg, (void)batch, (void)err;
    bool is_long = long_batches == EACH_BATCH ||
                   (long_batches == UNTIL_A_CHECKPOINT && !atomic_load(&disk.begun));
    if (!is_long) return ST_OK;
    disk.real.sleep_ms(20);
    leap_ms(HOUR_MS);
    return ST_OK;
}

// Runs [query] over a source that gives 10 rows a second, for 20 hours and 10 s.
static Status run(const char *query, const Option *option, JobStats *stats, Error *err) {
    Arena arena = {0};
    char *dir = arena_printf(&arena, "%s/weir-pace-test-XXXXXX",
                             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CHECK(mkdtemp(dir) != NULL);
    os_use(NULL);
    disk.real = *os();
    Os leaping = disk.real;
    leaping.monotonic_ns = leaping_ns;
    leaping.open = disk_open;
    leaping.rename = disk_rename;
    os_use(&leaping);

    Error made;
    SessionConfig config = {.default_zone = "UTC"};
    CHECK_OK(session_new(&config, &disk.session, &made), &made);
    execute(arena_printf(&arena, "SET 'execution.checkpointing.dir' = '%s'", dir));
    execute("SET 'execution.checkpointing.interval' = '10 ms'");
    execute("SET 'restart-strategy.type' = 'fixed-delay'");
    execute("SET 'restart-strategy.fixed-delay.delay' = '0 ms'");
    for (; option->key; option++) {
        execute(arena_printf(&arena, "SET 'execution.checkpointing.%s' = '%s'", option->key,
                             option->value));
    }
    execute("CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', "
            "'rows-per-second' = '10', 'number-of-rows' = '720100')");
    execute("CREATE TABLE half (id BIGINT) WITH ('connector' = 'datagen', "
            "'rows-per-second' = '20', 'number-of-rows' = '30')");
    execute("CREATE TABLE o (id BIGINT) WITH ('connector' = 'blackhole')");
    ResultSink sink = {.batch = take_batch};
    Status st = session_execute(disk.session, str_c(query), &sink, err);
    if (!st) *stats = *session_stats(disk.session);
    session_free(disk.session);
    os_use(NULL);
    unit_remove_dir(str_c(dir));
    arena_clear(&arena);
    return st;
}

#define OPTIONS(...) ((const Option[]){__VA_ARGS__, {NULL, NULL}})
#define INSERT "INSERT INTO o SELECT id FROM g"

static void new_disk(uint64_t slow, uint64_t broken, uint64_t stop_at) {
    memset(&disk, 0, sizeof disk);
    disk.slow = slow;
    disk.broken = broken;
    disk.stop_at = stop_at;
    long_batches = NO_BATCH;
}

TEST(checkpoint_pace, failures_that_are_tolerable_are_counted_in_a_row) {
    JobStats stats;
    Error err = {0};
    new_disk(1 << 1 | 1 << 3, 1 << 5 | 1 << 6, 8);
    CHECK_OK(run("SELECT id FROM g", OPTIONS({"tolerable-failed-checkpoints", "2"}), &stats, &err),
             &err);
    CHECK(stats.halted);
    CHECK_INT(stats.checkpoints_failed, 4);
    for (uint32_t id = 1; id < 9; id++) {
        bool failed = id == 1 || id == 3 || id == 5 || id == 6;
        CHECK_INT(disk.seen[id].complete_ns == 0, failed);
    }
}

TEST(checkpoint_pace, one_failure_more_is_the_job_s) {
    JobStats stats;
    Error err = {0};
    new_disk(1 << 2 | 1 << 3, 0, 0);
    CHECK_INT(run("SELECT id FROM g", OPTIONS({"tolerable-failed-checkpoints", "1"}), &stats,
                  &err), ST_RUNTIME);
    CHECK(strstr(err.message, "Exceeded checkpoint tolerable failure threshold"));
    CHECK(strstr(err.message, "checkpoint, 3, failed"));
    CHECK(strstr(err.message, "Checkpoint expired before completing"));
    CHECK(strstr(err.message, "execution.checkpointing.timeout"));
}

TEST(checkpoint_pace, by_default_the_first_failure_restarts_the_job) {
    JobStats stats;
    Error err = {0};
    new_disk(0, 1 << 2, 4);
    CHECK_OK(run(INSERT, OPTIONS({"timeout", "1 h"}), &stats, &err), &err);
    CHECK(stats.halted);
    // By default one restart: a second failure is the end.
    new_disk(1 << 2, 0, 0);
    CHECK_INT(run(INSERT, OPTIONS({"timeout", "59 min"}), &stats, &err), ST_RUNTIME);
    CHECK(strstr(err.message, "Exceeded checkpoint tolerable failure threshold"));
}

TEST(checkpoint_pace, a_barrier_that_does_not_come_through_expires) {
    JobStats stats;
    Error err = {0};
    new_disk(0, 0, 0);
    long_batches = EACH_BATCH;
    CHECK_INT(run("SELECT id FROM g", OPTIONS({"timeout", "1 s"}), &stats, &err), ST_RUNTIME);
    CHECK(strstr(err.message, "Checkpoint expired before completing"));
}

TEST(checkpoint_pace, the_next_one_waits_from_the_end_of_the_last) {
    JobStats stats;
    Error err = {0};
    new_disk(0, 0, 5);
    CHECK_OK(run(INSERT, OPTIONS({"min-pause", "60 ms"}, {"max-concurrent-checkpoints", "3"}),
                 &stats, &err), &err);
    // The sixth is the one that the job halts with, and waits for nobody.
    for (uint32_t id = 1; id < 5; id++) {
        CHECK(disk.seen[id].complete_ns > 0);
        CHECK(disk.seen[id + 1].begun_ns - disk.seen[id].complete_ns >= 60 * 1000000);
    }
}

TEST(checkpoint_pace, one_that_failed_is_followed_without_the_pause) {
    JobStats stats;
    Error err = {0};
    new_disk(0, 1 << 1, 2);
    long_batches = UNTIL_A_CHECKPOINT;  // the first checkpoint waits for the pause, too
    CHECK_OK(
        run("SELECT id FROM g",
            OPTIONS({"min-pause", "30 min"}, {"timeout", "20 h"},
                    {"tolerable-failed-checkpoints", "1"}), &stats, &err),
        &err);
    CHECK(stats.halted);  // else its end would have come first
    CHECK_INT(stats.checkpoints_failed, 1);
}

// One of two sources has ended at once, the other one goes on for a second.
#define BOTH                                        \
    "INSERT INTO o SELECT id FROM half UNION ALL " \
    "SELECT id FROM (VALUES CAST(1 AS BIGINT)) v (id)"

TEST(checkpoint_pace, they_go_on_when_a_source_has_ended_unless_told_not_to) {
    JobStats stats;
    Error err = {0};
    new_disk(0, 0, 0);
    CHECK_OK(run(BOTH, OPTIONS({"num-retained", "1"}), &stats, &err), &err);
    CHECK(stats.checkpoints > 5);
    new_disk(0, 0, 0);
    CHECK_OK(run(BOTH, OPTIONS({"checkpoints-after-tasks-finish", "false"}), &stats, &err), &err);
    CHECK(stats.checkpoints > 0 && stats.checkpoints < 5);
    CHECK_INT(stats.rows_in, 31);
}

TEST(checkpoint_pace, what_flink_refuses_is_refused_by_name) {
    static const Option REFUSED[] = {{"timeout", "9 ms"}, {"max-concurrent-checkpoints", "0"},
                                      {"tolerable-failed-checkpoints", "-1"}};
    for (uint32_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        Error err = {0};
        JobStats stats;
        new_disk(0, 0, 0);
        CHECK_INT(run(INSERT, OPTIONS(REFUSED[i]), &stats, &err), ST_VALIDATION);
        CHECK(strstr(err.message, REFUSED[i].key));
    }
}
