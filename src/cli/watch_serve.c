// weir watch serve: the watch as a platform, over HTTP, until a signal.
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/os.h"
#include "server/watch_api.h"
#include "spi/option.h"

static int watch_serve_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"--dir", "-d", "DIR", "where the watch keeps all that it knows; made when there is none"},
    {"--listen", NULL, "HOST:PORT", "where to listen (127.0.0.1:8502); port 0: any free one"},
    {"--token-file", NULL, "FILE", "who makes platforms must show what stands in it"},
    {"--kafka", NULL, "BROKERS", "alarms go to each platform's topic there, in transactions"},
    {"--points", NULL, "PATTERN", "reads points of topics whose names match; behind the last '.' "
                                  "stands the platform (points\\..+)"},
    {"--points-format", NULL, "FORMAT", "json or csv (json): metric, ts, value"},
    {"--kafka-options", NULL, "SQL", "more of the Kafka tables' WITH: \"'properties.x' = 'y'\""},
    {"--sql", NULL, "FILE", "a script that runs in the job's session first: SET, CREATE"},
    {"--checkpoint", NULL, "TIME", "between checkpoints (250 ms): alarms on Kafka are as late"},
    {"--retrain", NULL, "TIME", "how old a model grows, in the time of its points (14 d)"},
    {"--quiet", NULL, "TIME", "nothing of a metric for so long before it can be silent (1 min)"},
    {"--keep", NULL, "TIME", "points, alarms and labels, in the time of the points (800 d)"},
    {"--workers", NULL, "N", "threads of the detection (1)"},
    {"--trainers", NULL, "N", "threads that train, when no other wants to run (1)"},
    {"--print", NULL, NULL, "prints alarms to standard output, too"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum { ARG_DIR, ARG_LISTEN, ARG_TOKEN, ARG_KAFKA, ARG_POINTS, ARG_FORMAT, ARG_OPTIONS, ARG_SQL,
       ARG_CHECKPOINT, ARG_RETRAIN, ARG_QUIET, ARG_KEEP, ARG_WORKERS, ARG_TRAINERS, ARG_PRINT };

const Command WATCH_SERVE_COMMAND = {
    .name = "watch serve",
    .run = watch_serve_main,
    .usage = "--dir DIR [OPTION]...",
    .doc =
        "Watches the metrics of whoever registers them: learns each, forecasts it, sends alarms.\n"
        "docs/watch-platform.md has the pages and the formats.",
    .args = ARGS,
};

typedef struct Serve {
    WatchSettings watch;
    WatchApiSettings api;
    char host[64];
    Buf token, sql;
} Serve;

static void say(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "weir watch: %s\n", line);
}

static bool read_listen(const char *text, Serve *out) {
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !str_to_i64(str_c(colon + 1), &port) || port < 0 || port > 65535) return false;
    size_t len = (size_t)(colon - text);
    if (len > 1 && text[0] == '[' && text[len - 1] == ']') {  // [::1]:8502
        text++;
        len -= 2;
    }
    if (len + 1 > sizeof out->host) return false;
    memcpy(out->host, text, len);
    out->host[len] = 0;
    out->api.host = len ? out->host : "0.0.0.0";
    out->api.port = (uint16_t)port;
    return true;
}

static bool read_threads(const char *text, uint32_t *out) {
    int64_t number;
    if (!str_to_i64(str_c(text), &number) || number < 1 || number > 64) return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_time(const char *text, int64_t *ms) {
    return option_read_duration(str_c(text), ms) && *ms > 0;
}

// The value of an option; false: it is none. *st: its file cannot be read.
static bool take_option(Serve *self, int at, const char *value, Status *st, Error *err) {
    switch (at) {
        case ARG_DIR: self->watch.dir = str_c(value); return *value != 0;
        case ARG_LISTEN: return read_listen(value, self);
        case ARG_TOKEN:
            *st = os_read_file(str_c(value), &self->token, err);
            self->api.token = str_trim(buf_str(&self->token));
            return *st || self->api.token.len;
        case ARG_KAFKA: self->watch.kafka = value; return true;
        case ARG_POINTS: self->watch.kafka_points = value; return true;
        case ARG_FORMAT:
            self->watch.kafka_format = value;
            return strcmp(value, "json") == 0 || strcmp(value, "csv") == 0;
        case ARG_OPTIONS: self->watch.kafka_options = value; return true;
        case ARG_SQL:
            *st = os_read_file(str_c(value), &self->sql, err);
            if (!*st) self->watch.sql = buf_cstr(&self->sql);
            return true;
        case ARG_CHECKPOINT: return read_time(value, &self->watch.checkpoint_ms);
        case ARG_RETRAIN: return read_time(value, &self->watch.retrain_ms);
        case ARG_QUIET: return read_time(value, &self->watch.quiet_ms);
        case ARG_KEEP: return read_time(value, &self->watch.keep_ms);
        case ARG_WORKERS: return read_threads(value, &self->watch.workers);
        case ARG_TRAINERS: return read_threads(value, &self->watch.trainers);
        default: self->watch.print = true; return true;
    }
}

static int failed(Status st, const Error *err) {
    (void)fprintf(stderr, "weir watch: %s\n", err->message);
    if (err->hint[0]) (void)fprintf(stderr, "hint: %s\n", err->hint);
    return st == ST_VALIDATION || st == ST_UNSUPPORTED || st == ST_USAGE ? EXIT_WRONG
                                                                         : EXIT_FAILED;
}

// Until somebody wants an end, or the job has met one that it cannot mend.
static bool serve_until_signal(Watch *watch, const sigset_t *signals, Error *why) {
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        int got = sigtimedwait(signals, NULL, &second);
        if (got == SIGINT || got == SIGTERM) return true;
        if (!watch_runs(watch, why)) return false;
    }
}

static int serve(Serve *self) {
    Error err = {0};
    Watch *watch = NULL;
    WatchApi *api = NULL;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);  // also in the threads to come
    Status st = watch_open(&self->watch, &watch, &err);
    if (!st) st = watch_start(watch, &err);
    self->api.watch = watch;
    if (!st) st = watch_api_start(&self->api, &api, &err);
    int code = st ? failed(st, &err) : EXIT_FINE;
    if (!st) {
        bool v6 = strchr(self->api.host, ':') != NULL;
        printf("watching at http://%s%s%s:%u\n", v6 ? "[" : "", self->api.host, v6 ? "]" : "",
               watch_api_port(api));
        (void)fflush(stdout);
        if (!serve_until_signal(watch, &signals, &err)) code = EXIT_FAILED;
    }
    watch_api_stop(api);
    if (watch) watch_stop(watch);
    watch_close(watch);
    return code;
}

static int watch_serve_main(int argc, char **argv) {
    Serve self = {.api = {.host = "127.0.0.1", .port = 8502}, .watch = {.say = say}};
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    Error err = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    self.api.threads = cores > 1 && cores < 64 ? (uint32_t)cores : 1;
    int code = -1;
    for (int at; code < 0 && (at = args_next(&args, &err)) != ARGS_END;) {
        Status st = ST_OK;
        if (at == ARGS_WRONG) {
            code = usage_error(&WATCH_SERVE_COMMAND, &err);
        } else if (at == ARGS_OPERAND) {
            (void)error_set(&err, ST_USAGE, "what is '%s'?", args.value);
            code = usage_error(&WATCH_SERVE_COMMAND, &err);
        } else if (at > ARG_PRINT) {
            code = usage_print(&WATCH_SERVE_COMMAND);
        } else if (!take_option(&self, at, args.value, &st, &err)) {
            (void)error_set(&err, ST_USAGE, "'%s' is not a value for %s", args.value,
                            ARGS[at].name);
            code = usage_error(&WATCH_SERVE_COMMAND, &err);
        } else if (st) {
            code = usage_error(&WATCH_SERVE_COMMAND, &err);
        }
    }
    if (code < 0 && !self.watch.dir.len) {
        (void)error_set(&err, ST_USAGE, "which directory?");
        error_hint(&err, "weir watch serve --dir watch/");
        code = usage_error(&WATCH_SERVE_COMMAND, &err);
    }
    if (code < 0 && self.watch.kafka_points && !self.watch.kafka) {
        (void)error_set(&err, ST_USAGE, "--points needs --kafka BROKERS");
        code = usage_error(&WATCH_SERVE_COMMAND, &err);
    }
    if (code < 0) code = serve(&self);
    buf_free(&self.token);
    buf_free(&self.sql);
    return code;
}
