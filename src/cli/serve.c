// weir serve-model: models over HTTP, until a signal.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/os.h"
#include "server/serve_model.h"
#include "spi/option.h"

static int serve_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"--listen", NULL, "HOST:PORT", "where to listen (127.0.0.1:8501); port 0: any free one"},
    {"--token-file", NULL, "FILE", "requests must show what stands in it as X-AUTH-TOKEN"},
    {"--threads", NULL, "N", "how many answer (the machine's cores)"},
    {"--max-body", NULL, "SIZE", "the largest request (16m)"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum { ARG_LISTEN, ARG_TOKEN, ARG_THREADS, ARG_BODY };

const Command SERVE_COMMAND = {
    .name = "serve-model",
    .run = serve_main,
    .usage = "[OPTION]... DIR|FILE|NAME=FILE...",
    .doc =
        "Serves models over HTTP: POST /v1/models/NAME:predict; those of a DIR by the names of the "
        "files.\n"
        "A file that changes is taken over while requests come; SIGHUP looks at once.",
    .args = ARGS,
};

static bool read_listen(const char *text, ServeSettings *out, char *host, size_t size) {
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !str_to_i64(str_c(colon + 1), &port) || port < 0 || port > 65535) return false;
    size_t len = (size_t)(colon - text);
    if (len > 1 && text[0] == '[' && text[len - 1] == ']') {  // [::1]:8501
        text++;
        len -= 2;
    }
    if (len + 1 > size) return false;
    memcpy(host, text, len);
    host[len] = 0;
    out->host = len ? host : "0.0.0.0";
    out->port = (uint16_t)port;
    return true;
}

static Status read_token(const char *path, Buf *bytes, Str *out, Error *err) {
    TRY(os_read_file(str_c(path), bytes, err));
    *out = str_trim(buf_str(bytes));
    if (out->len) return ST_OK;
    return error_set(err, ST_VALIDATION, "%s holds no token", path);
}

static void say(void *arg, const char *line) {
    (void)arg;
    (void)fprintf(stderr, "weir serve-model: %s\n", line);
}

// Until somebody wants an end; files are looked at every second.
static void serve_until_signal(ModelServer *server, const sigset_t *signals) {
    const struct timespec second = {.tv_sec = 1};
    for (;;) {
        int got = sigtimedwait(signals, NULL, &second);
        if (got == SIGINT || got == SIGTERM) return;
        model_server_refresh(server);
    }
}

static int serve(const ServeSettings *settings, Error *err) {
    ModelServer *server;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);  // also in the threads to come
    Status st = model_server_start(settings, &server, err);
    if (st) {
        (void)fprintf(stderr, "weir serve-model: %s\n", err->message);
        if (err->hint[0]) (void)fprintf(stderr, "hint: %s\n", err->hint);
        return st == ST_VALIDATION || st == ST_UNSUPPORTED || st == ST_USAGE ? EXIT_WRONG
                                                                             : EXIT_FAILED;
    }
    bool v6 = strchr(settings->host, ':') != NULL;
    printf("serving %u model%s at http://%s%s%s:%u\n", model_server_models(server),
           model_server_models(server) == 1 ? "" : "s", v6 ? "[" : "", settings->host,
           v6 ? "]" : "", model_server_port(server));
    (void)fflush(stdout);
    serve_until_signal(server, &signals);
    model_server_stop(server);
    return EXIT_FINE;
}

static int serve_main(int argc, char **argv) {
    enum { HOST_MAX = 64, THREADS_MAX = 256 };
    ServeSettings settings = {.host = "127.0.0.1", .port = 8501, .say = say};
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    Error err = {0};
    Buf token = {0};
    char host[HOST_MAX];
    const char **source = NEW_ARRAY(const char *, argc);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    settings.threads = cores > 0 && cores < THREADS_MAX ? (uint32_t)cores : 1;
    int code = -1;
    for (int at; code < 0 && (at = args_next(&args, &err)) != ARGS_END;) {
        int64_t number = 0;
        bool good = true;
        switch (at) {
            case ARGS_WRONG: code = usage_error(&SERVE_COMMAND, &err); break;
            case ARGS_OPERAND: source[settings.source_count++] = args.value; break;
            case ARG_LISTEN: good = read_listen(args.value, &settings, host, sizeof host); break;
            case ARG_TOKEN:
                if (read_token(args.value, &token, &settings.token, &err)) {
                    code = usage_error(&SERVE_COMMAND, &err);
                }
                break;
            case ARG_THREADS:
                good = str_to_i64(str_c(args.value), &number) && number > 0 &&
                       number <= THREADS_MAX;
                if (good) settings.threads = (uint32_t)number;
                break;
            case ARG_BODY:
                good = option_read_size(str_c(args.value), &number) && number > 0 &&
                       number <= INT32_MAX;
                settings.body_max = (size_t)number;
                break;
            default: code = usage_print(&SERVE_COMMAND);
        }
        if (good) continue;
        (void)error_set(&err, ST_USAGE, "'%s' is not a value for %s", args.value, ARGS[at].name);
        code = usage_error(&SERVE_COMMAND, &err);
    }
    if (code < 0 && !settings.source_count) {
        (void)error_set(&err, ST_USAGE, "which models?");
        error_hint(&err, "weir serve-model models/, or weir serve-model m.pmml");
        code = usage_error(&SERVE_COMMAND, &err);
    }
    settings.source = source;
    if (code < 0) code = serve(&settings, &err);
    buf_free(&token);
    mem_free(source);
    return code;
}
