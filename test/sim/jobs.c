#include "clickhouse.h"
#include "jobs.h"
#include "postgres.h"

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

#define CDC_SOURCE(topic, columns, format)                                                       \
    "CREATE TABLE " topic " (" columns ") WITH ('connector' = 'kafka', 'topic' = '" topic        \
    "', 'format' = '" format "', 'scan.startup.mode' = 'earliest-offset', " FROM_START           \
    ", " SERVERS ")"
#define CDC_SINK(topic, columns, format)                                                         \
    "CREATE TABLE " topic " (" columns ") WITH ('connector' = 'kafka', 'topic' = '" topic        \
    "', 'format' = '" format "', " ONCE(topic) ", " SERVERS ")"

#define JDBC(table, columns, options)                                                            \
    "CREATE TABLE " table " (" columns ") WITH ('connector' = 'jdbc', 'url' = "                  \
    "'jdbc:postgresql://simulated/shop', 'table-name' = '" table "'" options ")"

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

static void fill_batch(void) {
    platter_put(STR("/local/here"), (Str){0});  // where the rows go that memory does not take
    fill_two();
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

// The changes of a table of a database as tools tell of them that read its log: each with the row
// before it and after it, all of a key in one partition. Keys of one partition sometimes change
// together, which is one message in Canal's format.
typedef struct Logged {
    bool there;
    uint32_t g, v;
} Logged;

enum { LOGGED_KEYS = 20, DEBEZIUM_TOLD_TWICE = 9 };

static void put_image(const Logged *row, uint32_t id, Buf *out) {
    if (row->there) {
        buf_printf(out, "{\"id\":%u,\"g\":%u,\"v\":%u}", id, row->g, row->v);
    } else {
        buf_puts(out, "null");
    }
}

static void change(Logged *row, bool goes) {
    *row = goes ? (Logged){0}
                : (Logged){true, (uint32_t)data_below(4), (uint32_t)data_below(100)};
}

// [twice]: some messages come once more, as after a restart of the tool.
static void fill_log(const char *name, bool twice) {
    BrokerTopic *topic = cluster_create(name, PARTITIONS);
    Logged rows[LOGGED_KEYS] = {0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        Buf text = {0};
        uint32_t id = (uint32_t)data_below(LOGGED_KEYS);
        Logged before = rows[id];
        change(&rows[id], before.there && !data_below(5));
        buf_puts(&text, "{\"before\":");
        put_image(&before, id, &text);
        buf_puts(&text, ",\"after\":");
        put_image(&rows[id], id, &text);
        buf_printf(&text, ",\"op\":\"%s\"}",
                   !before.there ? "c" : rows[id].there ? "u" : "d");
        for (uint32_t times = twice && !data_below(DEBEZIUM_TOLD_TWICE) ? 2 : 1; times; times--) {
            cluster_append(topic, id % PARTITIONS, (Str){0}, buf_str(&text),
                          (int64_t)i * SPREAD_MS / EVENTS * 1000000);
        }
        buf_free(&text);
    }
    outputs();
}

static void fill_debezium(void) {
    fill_log("logged", false);
}

static void fill_debezium_twice(void) {
    fill_log("logged", true);
}

static void put_canal_row(const Logged *row, uint32_t id, Buf *out) {
    buf_printf(out, "{\"id\":\"%u\",\"g\":\"%u\",\"v\":\"%u\"}", id, row->g, row->v);
}

static void fill_canal(void) {
    BrokerTopic *topic = cluster_create("logged", PARTITIONS);
    Logged rows[LOGGED_KEYS] = {0};
    for (uint32_t i = 0; i < EVENTS; i++) {
        Buf data = {0}, old = {0};
        uint32_t first = (uint32_t)data_below(LOGGED_KEYS);
        bool there = rows[first].there, goes = there && !data_below(5);
        // Every PARTITIONS-th key lies in the same partition: those that can go the same way.
        for (uint32_t id = first; id < LOGGED_KEYS; id += PARTITIONS) {
            if (rows[id].there != there || (id > first && data_below(2))) continue;
            Logged before = rows[id];
            change(&rows[id], goes);
            if (data.len) buf_putc(&data, ',');
            if (old.len) buf_putc(&old, ',');
            put_canal_row(goes ? &before : &rows[id], id, &data);
            if (there && !goes) buf_printf(&old, "{\"g\":\"%u\",\"v\":\"%u\"}", before.g, before.v);
        }
        Buf text = {0};
        buf_printf(&text, "{\"data\":[" STR_FMT "],", STR_ARG(buf_str(&data)));
        if (old.len) buf_printf(&text, "\"old\":[" STR_FMT "],", STR_ARG(buf_str(&old)));
        buf_printf(&text, "\"type\":\"%s\"}", !there ? "INSERT" : goes ? "DELETE" : "UPDATE");
        cluster_append(topic, first % PARTITIONS, (Str){0}, buf_str(&text),
                      (int64_t)i * SPREAD_MS / EVENTS * 1000000);
        buf_free(&data);
        buf_free(&old);
        buf_free(&text);
    }
    outputs();
}

// Places, to which rows look for the nearest; no two are as far.
static void fill_vectors(void) {
    enum { PLACES = 30 };
    Buf text = {0};
    for (uint32_t p = 0; p < PLACES; p++) {
        buf_printf(&text, "{\"p\":%u,\"x\":[%u.%03u,%u.%03u]}\n", p, (uint32_t)data_below(7),
                   (uint32_t)data_below(1000), (uint32_t)data_below(100),
                   (uint32_t)data_below(1000));
    }
    platter_put(STR("/places/all.json"), buf_str(&text));
    buf_free(&text);
    fill_one();
}

// The same rows in files, which are read in parts.
static void fill_files(void) {
    enum { FILES = 4 };
    for (uint32_t file = 0; file < FILES; file++) {
        Buf text = {0};
        char path[32];
        for (uint32_t i = 0; i < EVENTS / FILES; i++) {
            buf_printf(&text, "%u,%u,%u\n", file * EVENTS / FILES + i, (uint32_t)data_below(7),
                       (uint32_t)data_below(100));
        }
        (void)snprintf(path, sizeof path, "/in/part-%u.csv", file);
        platter_put(str_c(path), buf_str(&text));
        buf_free(&text);
    }
    outputs();
}

static void fill_database(void) {
    fill_one();
    postgres_table("copies", "id bigint, v integer", 0);
    postgres_table("names", "k integer, name text", 1);
    for (uint32_t k = 0; k < 6; k++) {  // one has none
        char row[32];
        (void)snprintf(row, sizeof row, "%u,name %u", k, k);
        postgres_row("names", row);
    }
}

static void fill_orders(void) {
    enum { ORDERS = 5000 };  // a part of them is more than a batch
    outputs();
    postgres_table("orders", "id bigint, v integer", 0);
    for (uint32_t i = 0; i < ORDERS; i++) {
        char row[32];
        (void)snprintf(row, sizeof row, "%u,%u", i, (uint32_t)data_below(100));
        postgres_row("orders", row);
    }
}

static void fill_store(void) {
    fill_one();
    clickhouse_table("id\tInt64\nv\tInt32\n", false);
}

static void fill_store_of_changes(void) {
    fill_changes();
    clickhouse_table("g\tInt32\nn\tInt64\nt\tInt32\nSign\tInt8\n", true);
}

static void fill_database_of_changes(void) {
    fill_changes();
    postgres_table("totals", "g integer, n bigint, t integer", 1);
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
    {.name = "session-groups",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          SINK("answers", "s TIMESTAMP(3), k INT, n BIGINT, d BIGINT"),
          "INSERT INTO answers SELECT SESSION_START(ts, INTERVAL '1' SECOND), k, COUNT(*), "
          "COUNT(DISTINCT v) FROM events GROUP BY SESSION(ts, INTERVAL '1' SECOND), k"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "cumulate",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          SINK("answers", "s TIMESTAMP(3), e TIMESTAMP(3), k INT, n BIGINT, t STRING"),
          "INSERT INTO answers SELECT window_start, window_end, k, COUNT(*), "
          "MIN(CAST(v AS STRING)) FROM CUMULATE(TABLE events, DESCRIPTOR(ts), INTERVAL '2' "
          "SECOND, INTERVAL '8' SECOND) GROUP BY window_start, window_end, k"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "tumble-two-phase",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          SINK("answers", "s TIMESTAMP(3), k INT, n BIGINT, d BIGINT, m INT"),
          "INSERT INTO answers SELECT window_start, k, COUNT(*), COUNT(DISTINCT v), MAX(v) "
          "FROM TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '3' SECOND) GROUP BY "
          "window_start, window_end, k"},
     .output = {{JUDGE_ROWS, "answers"}},
     .setting = {"table.optimizer.agg-phase-strategy", "TWO_PHASE"}},
    // Fires by the clock as well: what it comes to is compared.
    {.name = "early-fire",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS ON_TIME),
                   UPSERT_SINK("answers",
                               "s TIMESTAMP(3), k INT, n BIGINT, t INT, PRIMARY KEY (s, "
                               "k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT TUMBLE_START(ts, INTERVAL '5' SECOND), k, COUNT(*), "
                   "SUM(v) FROM events GROUP BY TUMBLE(ts, INTERVAL '5' SECOND), k ON CONFLICT DO "
                   "DEDUPLICATE"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {"table.exec.emit.early-fire.enabled", "true", "table.exec.emit.early-fire.delay",
                 "30 ms"}},
    {.name = "window-ranks",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          SINK("answers", "s TIMESTAMP(3), k INT, r BIGINT, id BIGINT"),
          SINK("counts", "s TIMESTAMP(3), k INT, id BIGINT"),
          "EXECUTE STATEMENT SET BEGIN "
          "INSERT INTO answers SELECT window_start, k, r, id FROM (SELECT *, ROW_NUMBER() "
          "OVER (PARTITION BY window_start, window_end, k ORDER BY v DESC, id) AS r FROM "
          "TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE r <= 2; "
          "INSERT INTO counts SELECT window_start, k, id FROM (SELECT *, ROW_NUMBER() OVER "
          "(PARTITION BY window_start, window_end, k ORDER BY ts DESC) AS r FROM "
          "TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE r = 1; END"},
     .output = {{JUDGE_ROWS, "answers"}, {JUDGE_ROWS, "counts"}}},
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
     .changed =
         "INSERT INTO answers SELECT e.id, o.id FROM (SELECT * FROM events WHERE v >= 3) AS e "
         "JOIN (SELECT * FROM others WHERE v >= 0) AS o ON e.k = o.k AND e.v = o.v + 3",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "left-join",
     .fill = fill_two,
     .statement = {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
                   UPSERT_SINK("answers", "id BIGINT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED"),
                   "INSERT INTO answers SELECT e.id, COUNT(o.id) FROM events AS e LEFT JOIN others "
                   "AS o ON e.k = o.k AND e.v < o.v GROUP BY e.id"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "anti-join",
     .fill = fill_two,
     .statement = {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
                   UPSERT_SINK("answers", "id BIGINT, v INT, PRIMARY KEY (id) NOT ENFORCED"),
                   "INSERT INTO answers SELECT id, v FROM events AS e WHERE NOT EXISTS (SELECT 1 "
                   "FROM others AS o WHERE o.k = e.k AND o.v = e.v) ON CONFLICT DO DEDUPLICATE"},
     .output = {{JUDGE_LATEST, "answers"}}},
    // Neither side knows the key of the sink, which therefore keeps its rows.
    {.name = "full-join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
          UPSERT_SINK("answers", "k INT, n BIGINT, m BIGINT, PRIMARY KEY (k) NOT ENFORCED"),
          "INSERT INTO answers SELECT COALESCE(a.k, b.k), a.n, b.n FROM (SELECT k, "
          "COUNT(*) AS n FROM events GROUP BY k) AS a FULL JOIN (SELECT k, COUNT(*) AS n "
          "FROM others WHERE v < 70 GROUP BY k) AS b ON a.k = b.k ON CONFLICT DO DEDUPLICATE"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "mini-batch-join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SOURCE("others", COLUMNS),
          UPSERT_SINK("answers",
                      "k INT, id BIGINT, n BIGINT, PRIMARY KEY (k) NOT "
                      "ENFORCED"),
          "INSERT INTO answers SELECT a.k, a.id, b.n FROM (SELECT k, id FROM (SELECT *, "
          "ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS r FROM events) WHERE r = "
          "1) AS a LEFT JOIN (SELECT k, COUNT(*) AS n FROM others GROUP BY k) AS b ON a.k "
          "= b.k ON CONFLICT DO DEDUPLICATE"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {MINI_BATCH("10")}},
    {.name = "window-join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SOURCE("others", COLUMNS ON_TIME),
          SINK("answers", "a BIGINT, b BIGINT"),
          "INSERT INTO answers SELECT a.id, b.id FROM (SELECT * FROM TUMBLE(TABLE events, "
          "DESCRIPTOR(ts), INTERVAL '4' SECOND)) AS a LEFT JOIN (SELECT * FROM TUMBLE(TABLE "
          "others, DESCRIPTOR(ts), INTERVAL '4' SECOND)) AS b ON a.k = b.k AND a.window_start = "
          "b.window_start AND a.window_end = b.window_end AND a.v < b.v"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "interval-join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SOURCE("others", COLUMNS ON_TIME),
          SINK("answers", "a BIGINT, b BIGINT"),
          "INSERT INTO answers SELECT e.id, o.id FROM events AS e JOIN others AS o ON e.k = "
          "o.k AND o.ts BETWEEN e.ts - INTERVAL '3' SECOND AND e.ts + INTERVAL '1' "
          "SECOND"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "outer-interval-join",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SOURCE("others", COLUMNS ON_TIME),
          SINK("answers", "a BIGINT, b BIGINT"),
          "INSERT INTO answers SELECT e.id, o.id FROM events AS e FULL JOIN others AS o ON e.k = "
          "o.k AND o.ts BETWEEN e.ts - INTERVAL '1' SECOND AND e.ts + INTERVAL '2' SECOND AND e.v "
          "< o.v"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "cross-join",
     .fill = fill_two,
     .statement = {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
                   UPSERT_SINK("answers", "k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT e.k, COUNT(*) FROM events AS e CROSS JOIN (SELECT "
                   "MAX(v) AS m FROM others) AS o WHERE e.v < o.m - 20 GROUP BY e.k"},
     .output = {{JUDGE_LATEST, "answers"}}},
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
     .changed =
         "INSERT INTO answers SELECT k, r, id, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION "
         "BY k ORDER BY v DESC, id) AS r FROM events WHERE v >= 0) WHERE r <= 3",
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "top-of-counts",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "g INT, r BIGINT, v INT, n BIGINT, PRIMARY KEY (g, r) NOT ENFORCED"),
                   "INSERT INTO answers SELECT g, r, v, n FROM (SELECT *, ROW_NUMBER() OVER "
                   "(PARTITION BY g ORDER BY n DESC, v) AS r FROM (SELECT MOD(v, 3) AS g, v, "
                   "COUNT(*) AS n FROM events GROUP BY v)) WHERE r <= 3"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "top-of-changes",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS),
          UPSERT_SINK("answers", "r BIGINT, k INT, n BIGINT, PRIMARY KEY (r) NOT ENFORCED"),
          "INSERT INTO answers SELECT r, k, n FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY "
          "n DESC, k) AS r FROM (SELECT k, COUNT(DISTINCT v) AS n FROM events GROUP BY k)) "
          "WHERE r <= 4"},
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
     .changed = "INSERT INTO answers SELECT id, SUM(v) OVER w, COUNT(*) OVER w FROM (SELECT * FROM "
                "events WHERE v >= 0) WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 3 "
                "PRECEDING AND CURRENT ROW)",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "over-range",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SINK("answers", "id BIGINT, a INT, d BIGINT"),
          SINK("counts", "id BIGINT, n BIGINT, f INT"),
          "EXECUTE STATEMENT SET BEGIN "
          "INSERT INTO answers SELECT id, SUM(v) OVER w, COUNT(DISTINCT v) OVER w FROM events "
          "WINDOW w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND "
          "CURRENT ROW); "
          "INSERT INTO counts SELECT id, COUNT(*) OVER w, LAST_VALUE(v) OVER w FROM events WINDOW "
          "w AS (PARTITION BY k ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW); "
          "END"},
     .output = {{JUDGE_ROWS, "answers"}, {JUDGE_ROWS, "counts"}}},
    // What the metric watch is made of.
    {.name = "detector",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          SINK("answers", "id BIGINT, forecast DOUBLE, score DOUBLE, event STRING"),
          "INSERT INTO answers SELECT id, d.forecast_value, d.score, d.event FROM (SELECT id, "
          "ML_DETECT_ANOMALIES(v, ts, JSON_OBJECT('granularitySeconds' VALUE 1, 'sensitivity' "
          "VALUE 'high')) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING AND "
          "CURRENT ROW) AS d FROM events)"},
     .output = {{JUDGE_ROWS, "answers"}}},
    // sim_lulls (functions.c): state of each kind, timers, two tables in one order of time.
    {.name = "process",
     .fill = fill_two,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SOURCE("others", COLUMNS ON_TIME),
          SINK("answers", "k INT, a BIGINT, b BIGINT, d BIGINT, ids STRING"),
          "INSERT INTO answers SELECT k, events, others, kinds, ids FROM sim_lulls(events => TABLE "
          "events PARTITION BY k ORDER BY ts, others => TABLE others PARTITION BY k ORDER BY ts, "
          "gap => INTERVAL '1.050' SECOND, on_time => DESCRIPTOR(ts))"},
     .changed = "INSERT INTO answers SELECT k, events, others, kinds, ids FROM sim_lulls(events => "
                "(SELECT * FROM events WHERE v >= 0) PARTITION BY k ORDER BY ts, others => TABLE "
                "others PARTITION BY k ORDER BY ts, gap => INTERVAL '1.050' SECOND, on_time => "
                "DESCRIPTOR(ts))",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "sort",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME),
          UPSERT_SINK("answers", "always INT, n BIGINT, PRIMARY KEY (always) NOT ENFORCED"),
          SINK("counts", "id BIGINT, ts TIMESTAMP(3)"),
          "EXECUTE STATEMENT SET BEGIN "
          "INSERT INTO answers SELECT 1, COUNT(*) FROM (SELECT id FROM events LIMIT 50) ON "
          "CONFLICT DO DEDUPLICATE; "
          "INSERT INTO counts SELECT id, ts FROM events ORDER BY ts; END"},
     .output = {{JUDGE_LATEST, "answers"}, {JUDGE_ROWS, "counts"}}},
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
     .changed =
         "INSERT INTO answers SELECT * FROM (SELECT * FROM events WHERE v >= 0) MATCH_RECOGNIZE "
         "(PARTITION BY k ORDER BY ts MEASURES FIRST(A.id) AS a, C.id AS c, COUNT(B.id) AS n "
         "AFTER MATCH SKIP PAST LAST ROW PATTERN (A B+ C) DEFINE B AS B.v > 30, C AS C.v <= "
         "30)",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "match-within",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS ON_TIME), SINK("answers", "a BIGINT, b BIGINT, n BIGINT"),
          "INSERT INTO answers SELECT a, b, n FROM events MATCH_RECOGNIZE (PARTITION BY k ORDER BY "
          "ts MEASURES A.id AS a, LAST(B.id) AS b, COUNT(B.id) AS n AFTER MATCH SKIP TO NEXT ROW "
          "PATTERN (A B{1,3}? C) WITHIN INTERVAL '5' SECOND DEFINE A AS A.v < 60, B AS B.v > "
          "AVG(A.v), C AS C.v < LAST(B.v))"},
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
    {.name = "states",
     .fill = fill_changes,
     .statement =
         {UPSERT_SOURCE("changes", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED"),
          UPSERT_SINK("answers",
                      "g INT, d BIGINT, a INT, s BIGINT, f BIGINT, PRIMARY KEY (g) NOT "
                      "ENFORCED"),
          "INSERT INTO answers SELECT g, COUNT(DISTINCT v), MIN(v), SUM(DISTINCT id), COUNT(*) "
          "FILTER (WHERE v > 50) FROM changes GROUP BY g"},
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
    {.name = "debezium",
     .fill = fill_debezium,
     .statement = {CDC_SOURCE("logged", "id INT, g INT, v INT", "debezium-json"),
                   UPSERT_SINK("answers",
                               "g INT, n BIGINT, t INT, m INT, PRIMARY KEY (g) NOT ENFORCED"),
                   "INSERT INTO answers SELECT g, COUNT(*), SUM(v), MAX(v) FROM logged GROUP BY "
                   "g"},
     .output = {{JUDGE_LATEST, "answers"}}},
    // What is told twice is a change once.
    {.name = "debezium-twice",
     .fill = fill_debezium_twice,
     .statement = {CDC_SOURCE("logged", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED",
                              "debezium-json"),
                   UPSERT_SINK("answers", "g INT, n BIGINT, t INT, PRIMARY KEY (g) NOT ENFORCED"),
                   SINK("counts", "id INT, v INT, kind STRING"),
                   "EXECUTE STATEMENT SET BEGIN "
                   "INSERT INTO answers SELECT g, COUNT(*), SUM(v) FROM logged GROUP BY g; "
                   "INSERT INTO counts SELECT id, v, op FROM TO_CHANGELOG(input => TABLE logged); "
                   "END"},
     .output = {{JUDGE_LATEST, "answers"}, {JUDGE_ROWS, "counts"}},
     .setting = {"table.exec.source.cdc-events-duplicate", "true"}},
    // Messages of several rows, and changes as they go out.
    {.name = "canal",
     .fill = fill_canal,
     .statement = {CDC_SOURCE("logged", "id INT, g INT, v INT", "canal-json"),
                   CDC_SINK("answers", "id INT, g INT, v INT", "debezium-json"),
                   "INSERT INTO answers SELECT id, g, v FROM logged"},
     .changed = "INSERT INTO answers SELECT id, g, v FROM logged WHERE v >= 0",
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "canal-upsert",
     .fill = fill_canal,
     .statement =
         {CDC_SOURCE("logged", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED", "canal-json"),
          UPSERT_SINK("answers", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED"),
          "INSERT INTO answers SELECT id, g, v FROM logged"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "grouping-sets",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "k INT, v INT, n BIGINT, d BIGINT, PRIMARY KEY (k, v) NOT ENFORCED"),
                   "INSERT INTO answers SELECT COALESCE(k, -1), COALESCE(w, -1), COUNT(*), "
                   "COUNT(DISTINCT v) FROM (SELECT k, v, MOD(v, 5) AS w FROM events) GROUP BY "
                   "GROUPING SETS ((k), (w), ()) ON CONFLICT DO DEDUPLICATE"},
     .output = {{JUDGE_LATEST, "answers"}}},
    // DISTINCT in two levels, each of which keeps its own.
    {.name = "distinct-split",
     .fill = fill_wide,
     .statement = {SOURCE("events", COLUMNS),
                   UPSERT_SINK("answers",
                               "g INT, n BIGINT, d BIGINT, t INT, PRIMARY KEY (g) NOT ENFORCED"),
                   "INSERT INTO answers SELECT MOD(k, 4), COUNT(*), COUNT(DISTINCT v), "
                   "SUM(DISTINCT v) FROM events GROUP BY MOD(k, 4)"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {MINI_BATCH("9"), "table.optimizer.distinct-agg.split.enabled", "true"}},
    {.name = "unnest",
     .fill = fill_one,
     .statement = {SOURCE("events", COLUMNS), SINK("answers", "id BIGINT, x INT, n BIGINT"),
                   "INSERT INTO answers SELECT id, x, n FROM events CROSS JOIN UNNEST(ARRAY[k, v]) "
                   "AS u (x), LATERAL TABLE(sim_digits(id)) AS d (n)"},
     .output = {{JUDGE_ROWS, "answers"}}},
    {.name = "vector-search",
     .fill = fill_vectors,
     .statement =
         {SOURCE("events", COLUMNS),
          "CREATE TABLE places (p INT, x ARRAY<FLOAT>) WITH ('connector' = 'filesystem', 'path' = "
          "'/places', 'format' = 'json', 'lookup.cache' = 'FULL')",
          SINK("answers", "id BIGINT, p INT, score DOUBLE"),
          "INSERT INTO answers SELECT id, p, score FROM events, LATERAL TABLE(VECTOR_SEARCH(TABLE "
          "places, DESCRIPTOR(x), ARRAY[CAST(k AS FLOAT), CAST(v AS FLOAT)], 2, MAP['metric', "
          "'l2']))"},
     .output = {{JUDGE_ROWS, "answers"}}},
    // Bounded: it begins anew when it fails, and puts what its memory does not take on disk.
    {.name = "batch",
     .fill = fill_batch,
     .statement =
         {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
          UPSERT_SINK("answers",
                      "k INT, n BIGINT, d BIGINT, m BIGINT, PRIMARY KEY (k) NOT ENFORCED"),
          UPSERT_SINK("counts", "id BIGINT, s INT, PRIMARY KEY (id) NOT ENFORCED"),
          "EXECUTE STATEMENT SET BEGIN "
          "INSERT INTO answers SELECT e.k, COUNT(*), COUNT(DISTINCT o.id), MAX(o.id) FROM events "
          "AS e JOIN others AS o ON e.k = o.k AND e.v < o.v GROUP BY e.k; "
          "INSERT INTO counts SELECT id, SUM(v) OVER (PARTITION BY k ORDER BY v DESC, id) FROM "
          "events; END"},
     .output = {{JUDGE_LATEST, "answers"}, {JUDGE_LATEST, "counts"}},
     .setting = {"execution.runtime-mode", "batch", "weir.spill-share", "1 kb", "io.tmp.dirs",
                 "/local"},
     .batch = true},
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
    {.name = "set-difference",
     .fill = fill_two,
     .statement = {SOURCE("events", COLUMNS), SOURCE("others", COLUMNS),
                   UPSERT_SINK("answers", "v INT, n BIGINT, PRIMARY KEY (v) NOT ENFORCED"),
                   "INSERT INTO answers SELECT v, COUNT(*) FROM (SELECT v FROM events EXCEPT ALL "
                   "SELECT v FROM others) GROUP BY v"},
     .output = {{JUDGE_LATEST, "answers"}}},
    {.name = "read-files",
     .fill = fill_files,
     .statement = {"CREATE TABLE parts (id BIGINT, k INT, v INT) WITH ('connector' = 'filesystem', "
                   "'path' = '/in', 'format' = 'csv')",
                   SINK("answers", "id BIGINT, v INT"),
                   UPSERT_SINK("counts", "k INT, n BIGINT, t INT, PRIMARY KEY (k) NOT ENFORCED"),
                   "EXECUTE STATEMENT SET BEGIN INSERT INTO answers SELECT id, v FROM parts; "
                   "INSERT INTO counts SELECT k, COUNT(*), SUM(v) FROM parts GROUP BY k; END"},
     .output = {{JUDGE_ROWS, "answers"}, {JUDGE_LATEST, "counts"}}},
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
    {.name = "jdbc-once",
     .fill = fill_database,
     .statement = {SOURCE("events", COLUMNS),
                   JDBC("copies", "id BIGINT, v INT",
                        ", 'sink.delivery-guarantee' = 'exactly-once', "
                        "'sink.transactional-id-prefix' = 'copies', 'sink.buffer-flush.max-rows' "
                        "= '10', 'sink.buffer-flush.interval' = '20 ms'"),
                   "INSERT INTO copies SELECT id, v FROM events"},
     .output = {{JUDGE_TABLE, "copies"}}},
    {.name = "jdbc-upsert",
     .fill = fill_database_of_changes,
     .statement = {UPSERT_SOURCE("changes", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED"),
                   JDBC("totals", "g INT, n BIGINT, t INT, PRIMARY KEY (g) NOT ENFORCED",
                        ", 'sink.buffer-flush.max-rows' = '5'"),
                   "INSERT INTO totals SELECT g, COUNT(*), SUM(v) FROM changes GROUP BY g"},
     .output = {{JUDGE_TABLE, "totals"}}},
    {.name = "jdbc-scan",
     .fill = fill_orders,
     .statement = {JDBC("orders", "id BIGINT, v INT",
                        ", 'scan.partition.column' = 'id', 'scan.partition.num' = '2', "
                        "'scan.partition.lower-bound' = '0', 'scan.partition.upper-bound' = "
                        "'4999'"),
                   UPSERT_SINK("answers",
                               "k INT, n BIGINT, t BIGINT, PRIMARY KEY (k) NOT ENFORCED"),
                   "INSERT INTO answers SELECT v, COUNT(*), SUM(id) FROM orders GROUP BY v"},
     .output = {{JUDGE_LATEST, "answers"}},
     .setting = {MINI_BATCH("1000")}},
    {.name = "jdbc-lookup",
     .fill = fill_database,
     .statement = {SOURCE("events", COLUMNS ", pt AS PROCTIME()"),
                   JDBC("names", "k INT, name STRING", ", 'lookup.cache' = 'NONE'"),
                   SINK("answers", "id BIGINT, name STRING"),
                   "INSERT INTO answers SELECT id, name FROM events AS e LEFT JOIN names FOR "
                   "SYSTEM_TIME AS OF e.pt AS n ON e.k = n.k"},
     .output = {{JUDGE_ROWS, "answers"}}},
    // What became of an insert the server's log knows; or it keeps the names of inserts.
    {.name = "clickhouse",
     .fill = fill_store,
     .statement = {SOURCE("events", COLUMNS),
                   "CREATE TABLE store (id BIGINT, v INT) WITH ('connector' = 'clickhouse', 'url' "
                   "= 'clickhouse://simulated', 'table-name' = 'store', 'sink.delivery-guarantee' "
                   "= 'exactly-once')",
                   "INSERT INTO store SELECT id, v FROM events"},
     .output = {{JUDGE_STORE, "store"}}},
    {.name = "clickhouse-signs",
     .fill = fill_store_of_changes,
     .statement = {UPSERT_SOURCE("changes", "id INT, g INT, v INT, PRIMARY KEY (id) NOT ENFORCED"),
                   "CREATE TABLE store (g INT, n BIGINT, t INT, PRIMARY KEY (g) NOT ENFORCED) WITH "
                   "('connector' = 'clickhouse', 'url' = 'clickhouse://simulated', 'table-name' = "
                   "'store', 'table.collapsing.field' = 'Sign', 'sink.delivery-guarantee' = "
                   "'exactly-once')",
                   "INSERT INTO store SELECT g, COUNT(*), SUM(v) FROM changes GROUP BY g"},
     .output = {{JUDGE_STORE, "store"}}},
    // Both kinds of cache, of a table that stays as it is.
    {.name = "jdbc-lookup-cached",
     .fill = fill_database,
     .statement =
         {SOURCE("events", COLUMNS ", pt AS PROCTIME()"),
          JDBC("names", "k INT, name STRING", ""), SINK("answers", "id BIGINT, name STRING"),
          SINK("counts", "id BIGINT, name STRING"),
          "EXECUTE STATEMENT SET BEGIN "
          "INSERT INTO answers SELECT id, name FROM events AS e JOIN names /*+ "
          "OPTIONS('lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '3', "
          "'lookup.partial-cache.expire-after-write' = '20 ms') */ FOR SYSTEM_TIME AS OF e.pt AS n "
          "ON e.k = n.k; "
          "INSERT INTO counts SELECT id, name FROM events AS e LEFT JOIN names /*+ "
          "OPTIONS('lookup.cache' = 'FULL', 'lookup.full-cache.periodic-reload.interval' = '2 "
          "s') */ FOR SYSTEM_TIME AS OF e.pt AS n ON e.k = n.k; END"},
     .output = {{JUDGE_ROWS, "answers"}, {JUDGE_ROWS, "counts"}}},
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
    {.name = "evaluate",
     .fill = fill_one,
     .statement =
         {SOURCE("events", COLUMNS),
          UPSERT_SINK("answers",
                      "always INT, n DOUBLE, a DOUBLE, PRIMARY KEY (always) NOT "
                      "ENFORCED"),
          "CREATE MODEL sides WITH ('provider' = 'weir', 'algorithm' = 'decision-tree', "
          "'path' = '/out/sides') AS SELECT v, side FROM (VALUES (0, 'low'), (0, 'low'), "
          "(99, 'high'), (99, 'high')) AS t (v, side)",
          "CREATE TEMPORARY VIEW judged AS SELECT v, CASE WHEN v + k > 50 THEN 'high' ELSE "
          "'low' END AS side FROM events",
          "INSERT INTO answers SELECT 1, `result`['Accuracy'], `result`['F1'] FROM "
          "ML_EVALUATE(INPUT => TABLE judged, MODEL => MODEL sides, LABEL => "
          "DESCRIPTOR(side), ARGS => DESCRIPTOR(v), TASK => 'classification') ON CONFLICT DO "
          "DEDUPLICATE"},
     .output = {{JUDGE_LATEST, "answers"}}},
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
