// The detection job: weir's SQL on weir's engine, written here and run by a session of its own in a
// thread of its own. Its state lies in DIR/checkpoints, from whose newest it goes on.
//
//     sources ─ UNION ALL ─ WATCH_JUDGE OVER (PARTITION BY metric) ─┬─ history
//                                                                  ├─ alarms (the registry)
//                                                                  ├─ alarms (Kafka, in
//                                                                  transactions) └─ alarms (print)
//
// The statements stay the same from run to run as long as the settings do: a checkpoint finds its
// operators by what they mean.
#include <stdio.h>

#include "engine/session.h"
#include "sql/parser.h"
#include "watch/watch_int.h"

struct WatchJob {
    Watch *watch;
    Session *session;
    OsThread *thread;
    OsMonitor monitor;  // of what follows
    bool ended;
    Error why;
    Map config;         // key -> owned text
};

// ---- the script --------------------------------------------------------------------------------

static void put_table(Buf *out, const char *name, const char *columns, const char *connector,
                      int64_t number) {
    buf_printf(out,
               "CREATE TEMPORARY TABLE %s (%s) WITH ('connector' = '%s', 'watch' = '%lld');\n",
               name, columns, connector, (long long)number);
}

static void put_kafka(const WatchSettings *settings, Buf *out) {
    buf_printf(out, "'properties.bootstrap.servers' = '%s'%s%s", settings->kafka,
               settings->kafka_options ? ", " : "",
               settings->kafka_options ? settings->kafka_options : "");
}

// Points of all platforms, each on a topic that ends in its name. What cannot be read is passed
// over: one platform's slip must not stop the others.
static void put_kafka_points(const WatchSettings *settings, Buf *out) {
    const char *format = settings->kafka_format ? settings->kafka_format : "json";
    buf_printf(out,
               "CREATE TEMPORARY TABLE kafka_points (topic STRING METADATA VIRTUAL, metric STRING,"
               " ts STRING, `value` DOUBLE) WITH ('connector' = 'kafka', 'topic-pattern' = '%s',"
               " 'format' = '%s', '%s.ignore-parse-errors' = 'true',"
               " 'scan.startup.mode' = 'earliest-offset',"
               " 'scan.topic-partition-discovery.interval' = '5 s',"
               " 'properties.group.id' = 'weir-watch', ",
               settings->kafka_points, format, format);
    put_kafka(settings, out);
    buf_puts(out, ");\n");
}

static void put_sources(const Watch *watch, Buf *out) {
    const WatchSettings *settings = &watch->settings;
    long long number = (long long)watch->number;
    put_table(out, "watch_inbox", "metric BIGINT, ts BIGINT, v DOUBLE, asks INT", "watch-inbox",
              number);
    bool kafka = settings->kafka && settings->kafka_points;
    if (kafka) put_kafka_points(settings, out);
    buf_puts(out, "CREATE TEMPORARY VIEW watch_points AS SELECT metric, ts, v, asks FROM"
             " watch_inbox");
    if (kafka) {
        buf_printf(out,
                   " UNION ALL SELECT metric, ts, v, 0 AS asks FROM (SELECT WATCH_KEY(%lld, topic, "
                   "metric) AS"
                   " metric, WATCH_TIME(ts) AS ts, `value` AS v FROM kafka_points)"
                   " WHERE metric IS NOT NULL AND ts IS NOT NULL AND v IS NOT NULL",
                   number);
    }
    buf_printf(
        out,
        ";\nCREATE TEMPORARY VIEW watch_judged AS SELECT metric, ts, v,"
        " WATCH_JUDGE(%lld + %d * asks, metric, ts, v) OVER (PARTITION BY metric ORDER BY now_"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS j"
        " FROM (SELECT metric, ts, v, asks, PROCTIME() AS now_ FROM watch_points);\n",
        number, WATCH_JUDGE_ASKS);
}

static void put_sinks(const Watch *watch, Buf *out) {
    const WatchSettings *settings = &watch->settings;
    put_table(out, "watch_history",
              "metric BIGINT, ts BIGINT, v DOUBLE, forecast DOUBLE, low DOUBLE, high DOUBLE,"
              " score DOUBLE, alarm BOOLEAN, cold BOOLEAN, kept BOOLEAN",
              "watch-history", watch->number);
    put_table(out, "watch_alarms",
              "id STRING, metric BIGINT, seq BIGINT, event INT, opened BIGINT, ts BIGINT,"
              " message STRING",
              "watch-alarms", watch->number);
    if (settings->print) {
        buf_puts(out,
                 "CREATE TEMPORARY TABLE watch_print (message STRING) WITH ('connector' = 'print',"
                 " 'print-identifier' = 'alarm');\n");
    }
    if (settings->kafka) {
        buf_printf(out,
                   "CREATE TEMPORARY TABLE watch_topics (id STRING, message STRING,"
                   " topic STRING METADATA) WITH ('connector' = 'kafka', 'topic-pattern' = '.+',"
                   " 'key.format' = 'raw', 'key.fields' = 'id', 'value.format' = 'raw',"
                   " 'value.fields-include' = 'EXCEPT_KEY',"
                   " 'sink.delivery-guarantee' = 'exactly-once',"
                   " 'sink.transactional-id-prefix' = 'weir-watch-%lld', ",
                   (long long)watch->number);
        put_kafka(settings, out);
        buf_puts(out, ");\n");
    }
}

static void put_job(const Watch *watch, Buf *out) {
    buf_puts(out,
             "EXECUTE STATEMENT SET BEGIN\n"
             "INSERT INTO watch_history SELECT metric, ts, v, j.forecast, j.low, j.high, j.score,"
             " j.alarm, j.cold, j.kept FROM watch_judged;\n"
             "INSERT INTO watch_alarms SELECT j.id, metric, j.seq, j.event, j.opened, ts,"
             " j.message FROM watch_judged WHERE j.event > 0;\n");
    if (watch->settings.print) {
        buf_puts(out, "INSERT INTO watch_print SELECT j.message FROM watch_judged"
                      " WHERE j.event > 0;\n");
    }
    if (watch->settings.kafka) {
        buf_puts(out, "INSERT INTO watch_topics SELECT j.id, j.message, j.topic FROM watch_judged"
                      " WHERE j.event > 0 AND j.topic <> '';\n");
    }
    buf_puts(out, "END;\n");
}

// ---- the thread --------------------------------------------------------------------------------

static void set(WatchJob *self, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void set(WatchJob *self, const char *key, const char *fmt, ...) {
    char text[4096];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    mem_free(map_put(&self->config, str_c(key), mem_strdup(text)));
}

static void configure(WatchJob *self) {
    const WatchSettings *settings = &self->watch->settings;
    set(self, "pipeline.name", "watch");
    set(self, "parallelism.default", "%u", settings->workers);
    set(self, "pipeline.max-parallelism", "128");
    set(self, "execution.checkpointing.dir", STR_FMT "/checkpoints", STR_ARG(self->watch->dir));
    set(self, "execution.checkpointing.interval", "%lld ms", (long long)settings->checkpoint_ms);
    set(self, "execution.checkpointing.incremental", "true");
    set(self, "execution.checkpointing.num-retained", "2");
    set(self, "execution.checkpointing.tolerable-failed-checkpoints", "10");
    // Metrics that were removed; alarms of theirs whose numbers might come again are gone by then.
    set(self, "table.exec.state.ttl", "%lld ms", (long long)settings->keep_ms);
    set(self, "restart-strategy.type", "exponential-delay");
    set(self, "weir.reuse-processing-time", "true");  // one judge for all who read its verdicts
    set(self, "weir.resume", "true");
}

static void print(void *arg, Str line, bool to_stderr) {
    WatchJob *self = arg;
    if (to_stderr) {
        if (str_starts(line, STR("weir: "))) line = str_sub(line, 6, line.len);
        watch_say(self->watch, STR_FMT, STR_ARG(line));
        return;
    }
    (void)fprintf(stdout, STR_FMT "\n", STR_ARG(line));
    (void)fflush(stdout);
}

// Runs the statements of [script] one after the other.
static Status run_script(WatchJob *self, Str script, Error *err) {
    const ResultSink sink = {0};
    Str statement;
    Place first;
    for (uint32_t at = 0; sql_split(script, &at, &statement, &first, NULL);) {
        TRY(session_execute(self->session, statement, &sink, err));
    }
    return ST_OK;
}

static void run(void *arg) {
    WatchJob *self = arg;
    Buf script = {0};
    Error err = {0};
    put_sources(self->watch, &script);
    put_sinks(self->watch, &script);
    put_job(self->watch, &script);
    const char *own = self->watch->settings.sql;
    Status st = own ? run_script(self, str_c(own), &err) : ST_OK;
    if (!st) st = run_script(self, buf_str(&script), &err);
    buf_free(&script);
    if (st && st != ST_CANCELLED) watch_say(self->watch, "the job has ended: %s", err.message);
    os_lock(&self->monitor);
    self->ended = true;
    self->why = err;
    os_tell(&self->monitor);
    os_unlock(&self->monitor);
}

Status watch_job_start(Watch *watch, WatchJob **out, Error *err) {
    TRY(watch_functions_register(err));
    connector_register(&WATCH_INBOX_CONNECTOR);
    connector_register(&WATCH_HISTORY_CONNECTOR);
    connector_register(&WATCH_ALARMS_CONNECTOR);
    WatchJob *self = NEW(WatchJob);
    self->watch = watch;
    os()->monitor_init(&self->monitor);
    configure(self);
    SessionConfig config = {.config = &self->config, .default_zone = "UTC", .print = print,
                            .print_arg = self, .control = true};
    Status st = session_new(&config, &self->session, err);
    if (!st) st = os()->thread_start(run, self, &self->thread, err);
    if (st) {
        watch_job_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

bool watch_job_runs(WatchJob *self, Error *why) {
    os_lock(&self->monitor);
    bool runs = !self->ended;
    if (!runs && why) *why = self->why;
    os_unlock(&self->monitor);
    return runs;
}

void watch_job_stop(WatchJob *self) {
    enum { PATIENCE_MS = 10000, LOOK_MS = 100 };
    if (!self) return;
    if (self->session && self->thread) {
        session_stop(self->session);
        os_lock(&self->monitor);
        for (int waited = 0; !self->ended && waited < PATIENCE_MS; waited += LOOK_MS) {
            os_wait(&self->monitor, LOOK_MS);
        }
        bool ended = self->ended;
        os_unlock(&self->monitor);
        if (!ended) session_stop(self->session);
        os()->thread_join(self->thread);
    }
    session_free(self->session);
    for (uint32_t i = 0; i < self->config.count; i++) mem_free(self->config.entry[i].value);
    map_clear(&self->config);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}
