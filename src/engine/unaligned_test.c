// Checkpoints while a sink is slow and the rings before it are full: aligned ones wait until what
// lies before their barriers is worked off, unaligned ones take it along.
#include "engine/session.h"
#include "os/os.h"
#include "test/unit.h"

enum { ROWS = 4000, GROUPS = 7 };

typedef struct Taken {
    uint64_t rows;
    int64_t last;
} Taken;

// A sink that takes its time for each batch.
static Status take_slowly(void *arg, Batch *batch, Error *err) {
    Taken *taken = arg;
    (void)err;
    taken->rows += batch->rows;
    taken->last = vec_i64(batch->column[0])[batch->rows - 1];
    os()->sleep_ms(1);
    return ST_OK;
}

static void set(Session *session, const char *key, const char *value) {
    Buf sql = {0};
    Error err;
    buf_printf(&sql, "SET '%s' = '%s'", key, value);
    CHECK_OK(session_execute(session, buf_str(&sql), NULL, &err), &err);
    buf_free(&sql);
}

static JobStats run(const char *unaligned, const char *timeout) {
    SessionConfig config = {.default_zone = "UTC"};
    Session *session;
    Error err;
    CHECK_OK(session_new(&config, &session, &err), &err);
    set(session, "parallelism.default", "2");
    set(session, "weir.batch-rows-max", "8");
    set(session, "execution.checkpointing.interval", "20 ms");
    set(session, "execution.checkpointing.unaligned.enabled", unaligned);
    set(session, "execution.checkpointing.aligned-checkpoint-timeout", timeout);
    Buf sql = {0};
    buf_printf(&sql,
               "CREATE TABLE g (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '%d', "
               "'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '%d')",
               ROWS, ROWS);
    CHECK_OK(session_execute(session, buf_str(&sql), NULL, &err), &err);
    sql.len = 0;
    buf_printf(&sql, "SELECT SUM(n) FROM (SELECT COUNT(*) AS n FROM g GROUP BY MOD(id, %d))",
               GROUPS);
    Taken taken = {0};
    ResultSink sink = {.arg = &taken, .batch = take_slowly};
    CHECK_OK(session_execute(session, buf_str(&sql), &sink, &err), &err);
    CHECK(taken.last == ROWS);
    JobStats stats = *session_stats(session);
    CHECK(stats.rows_in == ROWS);
    CHECK(stats.checkpoints > 1);
    CHECK(stats.checkpoints_failed == 0);
    buf_free(&sql);
    session_free(session);
    return stats;
}

TEST(unaligned, aligned_checkpoints_wait_for_the_rows_before_them) {
    JobStats stats = run("false", "0 ms");
    CHECK(stats.checkpoints_unaligned == 0);
    CHECK(stats.in_flight_batches == 0);
    CHECK(stats.align_batches > 0);
}

TEST(unaligned, unaligned_ones_take_them_along) {
    JobStats stats = run("true", "0 ms");
    CHECK(stats.checkpoints_unaligned == stats.checkpoints);
    CHECK(stats.in_flight_batches > 0);
    CHECK(stats.in_flight_bytes > stats.in_flight_batches);
    CHECK(stats.align_batches == 0);
}

TEST(unaligned, alignment_is_given_up_after_its_time) {
    // A batch takes the sink a millisecond, and more than one waits before it.
    JobStats stats = run("true", "1 ms");
    CHECK(stats.checkpoints_unaligned > 0);
    CHECK(stats.in_flight_batches > 0);
    CHECK(run("true", "1 h").checkpoints_unaligned == 0);
}
