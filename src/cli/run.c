// weir run: scripts, statement by statement.
#include <locale.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/report.h"
#include "cli/result.h"
#include "os/os.h"

static int run_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"-D", NULL, "KEY=VALUE", "sets a configuration key, as the statement SET does"},
    {"-e", NULL, "SQL", "runs this text"},
    {"--memory", NULL, "SIZE", "the most memory that data may take (512m, 4g)"},
    {"--stats", NULL, "json", "prints figures of each job at its end, a JSON object a line"},
    {"--record", NULL, "DIR", "keeps what the sources handed in"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum { ARG_SET, ARG_TEXT, ARG_MEMORY, ARG_STATS, ARG_RECORD, ARG_HELP };

const Command RUN_COMMAND = {
    .name = "run",
    .run = run_main,
    .usage = "[OPTION]... FILE...",
    .doc = "Runs the statements of each FILE ('-': standard input), or of -e, in one session.",
    .args = ARGS,
};

typedef struct Run {
    Session *session;
    Console console;
    bool stats;
    const char *record;
    int64_t memory;
    Map config;
} Run;

static Session *_Atomic interrupted_session;

static void on_interrupt(int signal_number) {
    Session *session = atomic_load(&interrupted_session);
    if (session) session_stop(session);
    (void)signal_number;
}

// --- Results -----------------------------------------------------------------------------------

typedef struct Results {
    Console *console;
    ResultPrinter *printer;
} Results;

static Status take_schema(void *arg, const Type *row, bool ordered, Error *err) {
    Results *self = arg;
    console_lock(self->console);
    result_schema(self->printer, row, ordered);
    console_unlock(self->console);
    return ST_OK;
}

static Status take_batch(void *arg, Batch *batch, Error *err) {
    Results *self = arg;
    console_lock(self->console);
    result_batch(self->printer, batch);
    console_unlock(self->console);
    return ST_OK;
}

// --- Figures -----------------------------------------------------------------------------------

static void print_stats(const JobStats *stats) {
    Buf out = {0};
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    buf_printf(&out,
               "{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"rows_in\":%llu,\"rows_out\":%llu,"
               "\"memory_peak_bytes\":%lld,\"resident_peak_bytes\":%lld,\"operators\":[",
               stats->wall_s, stats->cpu_s, (unsigned long long)stats->rows_in,
               (unsigned long long)stats->rows_out, (long long)stats->memory_peak_bytes,
               (long long)usage.ru_maxrss * 1024);
    for (uint32_t i = 0; i < stats->op_count; i++) {
        const OperatorStats *op = &stats->op[i];
        buf_printf(&out,
                   "%s{\"name\":\"%s\",\"kind\":\"%s\",\"id\":\"%016llx\",\"rows_in\":%llu,"
                   "\"rows_out\":%llu,\"busy_s\":%.6f,\"late_dropped\":%llu,\"state_rows\":%llu,"
                   "\"state_bytes\":%llu}",
                   i ? "," : "", op->name, op->kind ? op->kind : "",
                   (unsigned long long)op->stable_id, (unsigned long long)op->rows_in,
                   (unsigned long long)op->rows_out, (double)op->busy_ns / 1e9,
                   (unsigned long long)op->late_dropped, (unsigned long long)op->state_rows,
                   (unsigned long long)op->state_bytes);
    }
    buf_puts(&out, "]}\n");
    (void)fwrite(out.ptr, 1, out.len, stdout);
    (void)fflush(stdout);
    buf_free(&out);
}

// --- Statements --------------------------------------------------------------------------------

static bool is_sql_error(Status status) {
    return status == ST_PARSE || status == ST_VALIDATION || status == ST_UNSUPPORTED ||
           status == ST_USAGE;
}

static void print_error(const Error *err, Str file, Str text) {
    Buf out = {0};
    report_error(err, file, text, &out);
    (void)fwrite(out.ptr, 1, out.len, stderr);
    buf_free(&out);
}

static int run_statement(Run *self, Str file, Str script, Str sql, Place first) {
    const Map *settings = session_settings(self->session);
    const char *mode = map_get(settings, STR("execution.runtime-mode"));
    bool batch = mode && str_eq_nocase(str_c(mode), STR("batch"));
    Results results = {&self->console, result_new(result_mode_of(settings, RESULT_TABLEAU), !batch,
                                                  session_env(self->session), stdout)};
    ResultSink sink = {.arg = &results, .schema = take_schema, .batch = take_batch};
    const JobStats *before = session_stats(self->session);
    double wall_before = before ? before->wall_s : -1;
    Error err = {0};
    console_begin(&self->console, self->session, results.printer);
    Status st = session_execute(self->session, sql, &sink, &err);
    console_end(&self->console);
    result_end(results.printer, st == ST_OK);
    result_free(results.printer);
    (void)fflush(stdout);
    const JobStats *stats = session_stats(self->session);
    if (self->stats && stats && (!before || stats->wall_s != wall_before)) print_stats(stats);
    if (!st) return EXIT_FINE;
    if (st == ST_CANCELLED) {
        (void)fputs("stopped\n", stderr);
        return EXIT_FAILED;
    }
    if (!err.source[0]) sql_place_in_script(first, &err.place);
    print_error(&err, file, script);
    return is_sql_error(st) ? EXIT_WRONG : EXIT_FAILED;
}

static int run_script(Run *self, Str file, Str script) {
    uint32_t at = 0;
    Str sql;
    Place first;
    while (sql_split(script, &at, &sql, &first, NULL)) {
        int code = run_statement(self, file, script, sql, first);
        if (code != EXIT_FINE) return code;
    }
    return EXIT_FINE;
}

static Status read_input(Buf *out, Error *err) {
    char chunk[1 << 16];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0) buf_put(out, chunk, got);
    return ferror(stdin) ? error_set(err, ST_IO, "cannot read standard input") : ST_OK;
}

static int run_file(Run *self, const char *path) {
    Buf text = {0};
    Error err = {0};
    bool is_input = strcmp(path, "-") == 0;
    Status st = is_input ? read_input(&text, &err) : os_read_file(str_c(path), &text, &err);
    int code = EXIT_WRONG;
    if (st) {
        (void)fprintf(stderr, "weir run: %s\n", err.message);
    } else {
        code = run_script(self, is_input ? STR("<stdin>") : str_c(path), buf_str(&text));
    }
    buf_free(&text);
    return code;
}

// --- The command -------------------------------------------------------------------------------

// One thing to run: a file, or the text of -e.
typedef struct Work {
    const char *text;
    bool is_file;
} Work;

static int read_args(Run *self, int argc, char **argv, Work *work, int *count, Error *err) {
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    for (int at; (at = args_next(&args, err)) != ARGS_END;) {
        bool good = true;
        const char *equals = at == ARG_SET ? strchr(args.value, '=') : NULL;
        switch (at) {
            case ARGS_WRONG: return EXIT_WRONG;
            case ARGS_OPERAND: work[(*count)++] = (Work){args.value, true}; break;
            case ARG_TEXT: work[(*count)++] = (Work){args.value, false}; break;
            case ARG_SET:
                good = equals && equals != args.value;
                if (!good) break;
                (void)map_put(&self->config, str_make(args.value, (size_t)(equals - args.value)),
                              (void *)(equals + 1));
                break;
            case ARG_MEMORY:
                good = option_read_size(str_c(args.value), &self->memory) && self->memory > 0;
                break;
            case ARG_STATS:
                good = strcmp(args.value, "json") == 0;
                self->stats = true;
                break;
            case ARG_RECORD: self->record = args.value; break;
            default: return -1;  // --help
        }
        if (good) continue;
        (void)error_set(err, ST_USAGE, "'%s' is not a value for %s", args.value, ARGS[at].name);
        return EXIT_WRONG;
    }
    if (*count) return EXIT_FINE;
    (void)error_set(err, ST_USAGE, "which file?");
    error_hint(err, "weir run job.sql, or weir run -e \"SELECT 1\"");
    return EXIT_WRONG;
}

static int run_all(Run *self, const Work *work, int count) {
    Error err = {0};
    console_init(&self->console, isatty(STDERR_FILENO) == 1);
    SessionConfig config = {.config = &self->config,
                            .memory_bytes_max = self->memory,
                            .print = console_print,
                            .print_arg = &self->console,
                            .record_dir = self->record};
    if (session_new(&config, &self->session, &err)) {
        print_error(&err, STR("weir run"), STR(""));
        return EXIT_WRONG;
    }
    atomic_store(&interrupted_session, self->session);
    struct sigaction act = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    int code = EXIT_FINE;
    for (int i = 0; code == EXIT_FINE && i < count; i++) {
        code = work[i].is_file ? run_file(self, work[i].text)
                               : run_script(self, STR("-e"), str_c(work[i].text));
    }
    atomic_store(&interrupted_session, NULL);
    session_free(self->session);
    console_clear(&self->console);
    return code;
}

static int run_main(int argc, char **argv) {
    Run self = {0};
    Error err = {0};
    Work *work = NEW_ARRAY(Work, argc);
    int count = 0;
    (void)setlocale(LC_CTYPE, "C.UTF-8");  // for the widths of characters
    int code = read_args(&self, argc, argv, work, &count, &err);
    if (code < 0) {
        code = usage_print(&RUN_COMMAND);
    } else {
        code = code == EXIT_FINE ? run_all(&self, work, count) : usage_error(&RUN_COMMAND, &err);
    }
    map_clear(&self.config);
    mem_free(work);
    return code;
}
