#include "jobs.h"

#include <stdio.h>

#define SERVERS "'properties.bootstrap.servers' = 'simulated:9092'"
#define FROM_START                                                                               \
    "'scan.bounded.mode' = 'latest-offset', 'properties.auto.offset.reset' = 'earliest'"
#define ONCE(topic)                                                                              \
    "'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '" topic "'"

#define COLUMNS "id BIGINT, k INT, v INT, ts TIMESTAMP(3)"
#define ON_TIME ", WATERMARK FOR ts AS ts - INTERVAL '2' SECOND"
#define SOURCE(topic, columns)                                                                   \
    "CREATE TABLE " topic " (" columns ") WITH ('connector' = 'kafka', 'topic' = '" topic        \
    "', 'format' = 'csv', 'scan.startup.mode' = 'earliest-offset', " FROM_START ", " SERVERS ")"
#define UPSERT_SOURCE(topic, columns)                                                            \
    "CREATE TABLE " topic " (" columns ") WITH ('connector' = 'upsert-kafka', 'topic' = '" topic \
    "', 'key.format' = 'csv', 'value.format' = 'csv', " FROM_START ", " SERVERS ")"
#define SINK(topic, columns)                                                                     \
    "CREATE TABLE " topic " (" columns ") WITH ('connector' = 'kafka', 'topic' = '" topic        \
    "', 'format' = 'csv', " ONCE(topic) ", " SERVERS ")"
#define UPSERT_SINK(topic, columns)                                                              \
    "CREATE TABLE " topic " (" columns ") WITH ('connector' = 'upsert-kafka', 'topic' = '" topic \
    "', 'key.format' = 'csv', 'value.format' = 'csv', " ONCE(topic) ", " SERVERS ")"

#define MINI_BATCH(size)                                                                         \
    "table.exec.mini-batch.enabled", "true", "table.exec.mini-batch.allow-latency", "50 ms",     \
        "table.exec.mini-batch.size", size

// ---- data --------------------------------------------------------------------------------------

uint64_t data_random;

// The data has a generator of its own: it is the same whatever happens in a run.
static uint64_t data_below(uint64_t limit) {
    uint64_t keep = world.random;
    world.random = data_random;
    uint64_t value = chance_below(limit);
    data_random = world.random;
    world.random = keep;
    return value;
}

enum { EVENTS = 160, PARTITIONS = 3, SLOT_MS = 200, DISORDER = 8, SPREAD_MS = 600 };
static const int64_t EPOCH_MS = 1700000000000;

static void print_time(int64_t ms, char out[32]) {
    // 2023-11-14 22:13:20 is EPOCH_MS; the data spans less than the rest of that hour.
    int64_t seconds = 13 * 60 + 20 + (ms - EPOCH_MS) / 1000;
    (void)snprintf(out, 32, "2023-11-14 22:%02d:%02d.%03d", (int)(seconds / 60),
                   (int)(seconds % 60), (int)((ms - EPOCH_MS) % 1000));
}

// [count] rows id,k,v,ts whose times are each another, at most DISORDER slots out of order. All
// rows of a key are in one partition, and nothing is late: so what comes out does not depend on who
// was faster.
static void fill_events(const char *name, uint32_t count, uint32_t keys, int64_t first_ms,
                        int64_t from_visible_ms) {
    BrokerTopic *topic = cluster_topic(name);
    if (!topic) topic = cluster_create(name, PARTITIONS);
    uint32_t *slot = NEW_ARRAY(uint32_t, count);
    for (uint32_t i = 0; i < count; i++) slot[i] = i;
    for (uint32_t i = 0; i + DISORDER / 2 < count; i += DISORDER / 2) {
        uint32_t other = i + (uint32_t)data_below(DISORDER / 2), kept = slot[i];
        slot[i] = slot[other];
        slot[other] = kept;
    }
    for (uint32_t i = 0; i < count; i++) {
        char row[128], time[32];
        uint32_t key = (uint32_t)data_below(keys);
        print_time(EPOCH_MS + first_ms + (int64_t)slot[i] * SLOT_MS, time);
        int len = snprintf(row, sizeof row, "%u,%u,%u,%s", i, key, (uint32_t)data_below(100), time);
        int64_t visible_ms = from_visible_ms + (int64_t)i * SPREAD_MS / count;
        cluster_append(topic, key % PARTITIONS, (Str){0}, str_make(row, (size_t)len),
                      visible_ms * 1000000);
    }
    mem_free(slot);
}

static void outputs(void) {
    (void)cluster_create("answers", 2);
    (void)cluster_create("counts", 1);
}

static void fill_one(void) {
    fill_events("events", EVENTS, 7, 0, 0);
    outputs();
}

// More keys than a snapshot writes out in one go: they change while it does.
static void fill_wide(void) {
    fill_events("events", EVENTS * 3, 150, 0, 0);
    outputs();
}

static void fill_two(void) {
    fill_events("events", EVENTS, 7, 0, 0);
    fill_events("others", EVENTS, 9, 100, 0);
    outputs();
}

// A quiet time in between, in which state goes, and a last row much later, so that whatever the
// clock has to do is done before the input ends.
static void fill_with_pause(void) {
    fill_events("events", EVENTS / 2, 7, 0, 0);
    fill_events("events", EVENTS / 2, 7, 60000, 40000);
    outputs();
}

// Versions of a rate by key, and rows that ask for it. Their time is known only behind the table
// that makes changes of them, where partitions are mixed: there is one, so that none is late.
static void fill_rates(void) {
    BrokerTopic *rates = cluster_create("rates", 1);
    for (uint32_t i = 0; i < 60; i++) {
        char key[16], row[128], time[32];
        uint32_t k = (uint32_t)data_below(7);
        print_time(EPOCH_MS + (int64_t)i * 600, time);
        int key_len = snprintf(key, sizeof key, "%u", k);
        int len = snprintf(row, sizeof row, "%u,%u,%s", k, (uint32_t)data_below(1000), time);
        cluster_append(rates, 0, str_make(key, (size_t)key_len), str_make(row, (size_t)len),
                      (int64_t)i * SPREAD_MS / 60 * 1000000);
    }
    fill_one();
}

// One partition: what learns from rows learns from their order.
static void fill_line(void) {
    BrokerTopic *line = cluster_create("line", 1);
    for (uint32_t i = 0; i < EVENTS; i++) {
        char row[128], time[32];
        print_time(EPOCH_MS + (int64_t)i * SLOT_MS, time);
        int len = snprintf(row, sizeof row, "%u,%u,%u,%s", i, (uint32_t)data_below(7),
                           (uint32_t)data_below(100), time);
        cluster_append(line, 0, (Str){0}, str_make(row, (size_t)len),
                       (int64_t)i * SPREAD_MS / EVENTS * 1000000);
    }
}

// A change log by key, with deletions.
static void fill_changes(void) {
    BrokerTopic *changes = cluster_create("changes", PARTITIONS);
    for (uint32_t i = 0; i < EVENTS; i++) {
        char key[16], row[64];
        uint32_t k = (uint32_t)data_below(20);
        int key_len = snprintf(key, sizeof key, "%u", k);
        int len = snprintf(row, sizeof row, "%u,%u,%u", k, k % 4, (uint32_t)data_below(100));
        Str value = data_below(6) ? str_make(row, (size_t)len) : (Str){0};
        cluster_append(changes, k % PARTITIONS, str_make(key, (size_t)key_len), value,
                      (int64_t)i * SPREAD_MS / EVENTS * 1000000);
    }
    outputs();
}

// ---- jobs --------------------------------------------------------------------------------------

const SimJob JOBS[] = {
    {.name = "pass-through",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS), SINK("answers", COLUMNS),
                   "INSERT INTO answers SELECT * FROM events WHERE v <> 50"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "tumble",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS ON_TIME),
                   SINK("answers", "s TIMESTAMP(3), k INT, n BIGINT, total INT"),
                   "INSERT INTO answers SELECT window_start, k, COUNT(*), SUM(v) FROM TUMBLE(TABLE "
                   "events, DESCRIPTOR(ts), INTERVAL '5' SECOND) GROUP BY window_start, "
                   "window_end, k"},
     .changed = "INSERT INTO answers SELECT s, k, n, t FROM (SELECT window_start AS s, k, COUNT(v) "
                "AS x, COUNT(*) AS n, SUM(v) AS t FROM TUMBLE(TABLE events, DESCRIPTOR(ts), "
                "INTERVAL '5' SECOND) GROUP BY window_start, window_end, k) WHERE x >= 0",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "hop",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS ON_TIME),
                   SINK("answers", "s TIMESTAMP(3), k INT, n BIGINT, m INT"),
                   "INSERT INTO answers SELECT window_start, k, COUNT(DISTINCT v), MAX(v) FROM "
                   "HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '9' SECOND) "
                   "GROUP BY window_start, window_end, k"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "session",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS ON_TIME),
                   SINK("answers", "s TIMESTAMP(3), e TIMESTAMP(3), k INT, n BIGINT"),
                   "INSERT INTO answers SELECT window_start, window_end, k, COUNT(*) FROM "
                   "SESSION(TABLE events PARTITION BY k, DESCRIPTOR(ts), INTERVAL '2' SECOND) "
                   "GROUP BY window_start, window_end, k"},
     .changed = "INSERT INTO answers SELECT s, e, k, n FROM (SELECT window_start AS s, window_end "
                "AS e, k, COUNT(k) AS x, COUNT(*) AS n FROM SESSION(TABLE events PARTITION BY k, "
                "DESCRIPTOR(ts), INTERVAL '2' SECOND) GROUP BY window_start, window_end, k) WHERE "
                "x >= 0",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
          SINK("answers", "a BIGINT, b BIGINT"),
          "INSERT INTO answers SELECT e.id, o.id FROM events AS e JOIN others AS o ON e.k = "
          "o.k AND e.v = o.v + 3"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "left-join",
     .fill = fill_two,
     .statement = {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
                   UPSERT_SINK("answers", "id BIGINT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED"),
                   "INSERT INTO answers SELECT e.id, COUNT(o.id) FROM events AS e LEFT JOIN others "
                   "AS o ON e.k = o.k AND e.v < o.v GROUP BY e.id"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "interval-join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SOURCE("others", COLUMNS ON_TIME),
          SINK("answers", "a BIGINT, b BIGINT"),
          "INSERT INTO answers SELECT e.id, o.id FROM events AS e JOIN others AS o ON e.k = "
          "o.k AND o.ts BETWEEN e.ts - INTERVAL '3' SECOND AND e.ts + INTERVAL '1' "
          "SECOND"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "temporal-join",
     .fill = fill_rates,
     .statement = {SOURCE("events", COLUMNS ON_TIME),
                   UPSERT_SOURCE("rates",
                                 "k INT, rate INT, since TIMESTAMP(3), WATERMARK FOR since AS since"
                                 ", PRIMARY KEY (k) NOT ENFORCED"),
                   SINK("answers", "id BIGINT, rate INT"),
                   "INSERT INTO answers SELECT e.id, r.rate FROM events AS e LEFT JOIN rates FOR "
                   "SYSTEM_TIME AS OF e.ts AS r ON e.k = r.k"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "top-n",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "k INT, r BIGINT, id BIGINT, v INT, PRIMARY KEY (k, r) NOT "
                               "ENFORCED"),
                   "INSERT INTO answers SELECT k, r, id, v FROM (SELECT *, ROW_NUMBER() OVER "
                   "(PARTITION BY k ORDER BY v DESC, id) AS r FROM events) WHERE r <= 3"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "dedup-first",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ", pt AS PROCTIME()"), SINK("answers", "k INT, id BIGINT"),
          "INSERT INTO answers SELECT v, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY "
          "k, v ORDER BY pt) AS r FROM events) WHERE r = 1"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "dedup-last",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          UPSERT_SINK("answers", "k INT, id BIGINT, PRIMARY KEY (k) NOT ENFORCED"),
          "INSERT INTO answers SELECT k, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY "
          "k ORDER BY ts DESC) AS r FROM events) WHERE r = 1"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "over",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SINK("answers", "id BIGINT, a INT, n BIGINT"),
          "INSERT INTO answers SELECT id, SUM(v) OVER w, COUNT(*) OVER w FROM events WINDOW "
          "w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "match",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          SINK("answers",
               "k INT, a BIGINT, c BIGINT, n "
               "BIGINT"),
          "INSERT INTO answers SELECT * FROM events MATCH_RECOGNIZE (PARTITION BY k ORDER BY "
          "ts MEASURES FIRST(A.id) AS a, C.id AS c, COUNT(B.id) AS n AFTER MATCH SKIP PAST "
          "LAST ROW PATTERN (A B+ C) DEFINE B AS B.v > 30, C AS C.v <= 30)"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "group",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "k INT, n BIGINT, d BIGINT, m INT, PRIMARY KEY (k) NOT "
                               "ENFORCED"),
                   "INSERT INTO answers SELECT k, COUNT(*), COUNT(DISTINCT v), MIN(v) FROM events "
                   "GROUP BY k"},
     .changed = "INSERT INTO answers SELECT k, n, d, m FROM (SELECT k, MAX(v) AS x, MIN(v) AS m, "
                "COUNT(DISTINCT v) AS d, COUNT(*) AS n FROM events GROUP BY k) WHERE x IS NULL OR "
                "x > -1",
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "wide",
     .fill = fill_wide,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers", "k INT, n BIGINT, t INT, PRIMARY KEY (k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "mini-batch",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers", "k INT, n BIGINT, t INT, PRIMARY KEY (k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {MINI_BATCH("20")}},
    {.name = "two-phase",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "k INT, n BIGINT, d BIGINT, t INT, m INT, PRIMARY KEY (k) NOT "
                               "ENFORCED"),
                   "INSERT INTO answers SELECT k, COUNT(*), COUNT(DISTINCT v), SUM(v), MAX(v) FROM "
                   "events GROUP BY k"},
     .changed = "INSERT INTO answers SELECT k, n, d, t, m FROM (SELECT k, MIN(v) AS x, MAX(v) AS "
                "m, SUM(v) AS t, COUNT(DISTINCT v) AS d, COUNT(*) AS n FROM events GROUP BY k) "
                "WHERE x IS NULL OR x > -1",
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {MINI_BATCH("7"), "table.optimizer.agg-phase-strategy", "TWO_PHASE"}},
    {.name = "two-phase-twice",
     .fill = fill_wide,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "n BIGINT, c BIGINT, d BIGINT, m INT, PRIMARY KEY (n) NOT "
                               "ENFORCED"),
                   "INSERT INTO answers SELECT n, COUNT(*), COUNT(DISTINCT m), MAX(m) FROM (SELECT "
                   "k, COUNT(*) AS n, MIN(v) AS m FROM events GROUP BY k) GROUP BY n"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {MINI_BATCH("30"), "table.optimizer.agg-phase-strategy", "TWO_PHASE"}},
    {.name = "changes",
     .fill = fill_changes,
     .statement =
         {UPSERT_SOURCE("changes", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED"),
          UPSERT_SINK("answers",
                      "g INT, n BIGINT, t INT, m INT, PRIMARY KEY (g) NOT "
                      "ENFORCED"),
          "INSERT INTO answers SELECT g, COUNT(*), SUM(v), MAX(v) FROM changes GROUP BY g"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "ttl",
     .fill = fill_with_pause,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers", "k INT, n BIGINT, t INT, PRIMARY KEY (k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {"table.exec.state.ttl", "20 s"},
     .calm = true},
    {.name = "proctime",
     .fill = fill_with_pause,
     .statement = {SOURCE("events", COLUMNS ", pt AS PROCTIME()"),
                   SINK("answers", "k INT, n BIGINT"),
                   "CREATE TEMPORARY VIEW early AS SELECT * FROM events WHERE ts < TIMESTAMP "
                   "'2023-11-14 22:14:00'",
                   "INSERT INTO answers SELECT k, COUNT(*) FROM TUMBLE(TABLE early, "
                   "DESCRIPTOR(pt), INTERVAL '1' SECOND) GROUP BY window_start, window_end, k"},
     .output = {{JUDGE_SUMS, "answers"}},
     .calm = true},
    {.name = "union",
     .fill = fill_two,
     .statement = {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
                   UPSERT_SINK("answers", "k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT k, COUNT(DISTINCT v) FROM (SELECT k, v FROM events "
                   "UNION ALL SELECT k, v FROM others) GROUP BY k"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "files",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   "CREATE TABLE files (id BIGINT, v INT, k INT) PARTITIONED BY (k) WITH "
                   "('connector' = 'filesystem', 'path' = '/out/files', 'format' = 'csv', "
                   "'sink.rolling-policy.file-size' = '60b', 'sink.partition-commit.policy.kind' = "
                   "'success-file')",
                   "INSERT INTO files SELECT id, v, k FROM events"},
     .output = {{JUDGE_FILES, "/out/files"}}},
    {.name = "files-compacted",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   "CREATE TABLE files (id BIGINT, k INT) WITH ('connector' = 'filesystem', 'path' "
                   "= '/out/files', 'format' = 'csv', 'sink.rolling-policy.file-size' = '60b', "
                   "'auto-compaction' = 'true', 'compaction.file-size' = '200b')",
                   "INSERT INTO files SELECT id, k FROM events"},
     .output = {{JUDGE_FILES, "/out/files"}}},
    {.name = "learner",
     .fill = fill_line,
     .statement = {SOURCE("line", COLUMNS),
                   "CREATE TABLE learner (a INT, b BIGINT, c STRING) WITH ('connector' = 'model', "
                   "'path' = '/out/learned', 'algorithm' = 'online-logistic-regression', "
                   "'publish-interval' = '40 ms', 'sink.parallelism' = '1')",
                   "INSERT INTO learner SELECT v, MOD(id, 7), CASE WHEN v + k > 50 THEN 'high' "
                   "ELSE 'low' END FROM line"},
     .output = {{JUDGE_MODEL, "/out/learned"}}},
    // Trained again and again beside the job, which takes each version up; all say the same.
    {.name = "model",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS), SINK("answers", "id BIGINT, side STRING"),
                   "CREATE MODEL sides WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', "
                   "'path' = '/out/sides', 'retrain.interval' = '60 ms', 'refresh-interval' = "
                   "'10 ms') AS SELECT v, side FROM (VALUES (0, 'low'), (0, 'low'), (0, 'low'), "
                   "(99, 'high'), (99, 'high'), (99, 'high')) AS t (v, side)",
                   "INSERT INTO answers SELECT id, prediction FROM ML_PREDICT(TABLE events, MODEL "
                   "sides, DESCRIPTOR(v))"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "set",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS ON_TIME), SINK("answers", "id BIGINT, v INT"),
                   "CREATE TABLE files (id BIGINT, v INT) WITH ('connector' = 'filesystem', 'path' "
                   "= '/out/files', 'format' = 'csv')",
                   SINK("counts", "s TIMESTAMP(3), n BIGINT"),
                   "EXECUTE STATEMENT SET BEGIN "
                   "INSERT INTO answers SELECT id, v FROM events WHERE k < 3; "
                   "INSERT INTO files SELECT id, v FROM events WHERE k >= 3; "
                   "INSERT INTO counts SELECT window_start, COUNT(*) FROM TUMBLE(TABLE events, "
                   "DESCRIPTOR(ts), INTERVAL '5' SECOND) GROUP BY window_start, window_end; END"},
     .output = {{JUDGE_ROWS, "answers"}, {JUDGE_FILES, "/out/files"}, {JUDGE_ROWS, "counts"}}},
};
const uint32_t JOB_COUNT = sizeof JOBS / sizeof *JOBS;
