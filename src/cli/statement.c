#include "cli/statement.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/report.h"
#include "os/os.h"

// --- Ctrl-C ------------------------------------------------------------------------------------

static Session *_Atomic interrupted;
static volatile sig_atomic_t interrupt;  // the last signal; 0: none

static void on_interrupt(int signal_number) {
    Session *session = atomic_load(&interrupted);
    interrupt = signal_number;
    if (session) session_stop(session);
}

int executor_open(Executor *self) {
    Error err = {0};
    console_init(&self->console, isatty(STDERR_FILENO) == 1);
    SessionConfig config = {.config = &self->config,
                            .memory_bytes_max = self->memory,
                            .print = console_print,
                            .print_arg = &self->console,
                            .record_dir = self->record,
                            .replay_dir = self->replay,
                            .control = true,
                            .catalog_path = self->catalog};
    if (session_new(&config, &self->session, &err)) {
        console_clear(&self->console);
        return executor_failed(&err, STR("weir"), STR(""));
    }
    atomic_store(&interrupted, self->session);
    struct sigaction act = {.sa_handler = on_interrupt};
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    return EXIT_FINE;
}

void executor_close(Executor *self) {
    if (!self->session) return;
    atomic_store(&interrupted, NULL);
    session_free(self->session);
    console_clear(&self->console);
    self->session = NULL;
}

void executor_rearm(Executor *self) {
    interrupt = 0;
    session_rearm(self->session);
}

// --- Results -----------------------------------------------------------------------------------

typedef struct Results {
    Console *console;
    ResultPrinter *printer;
    bool tell;
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

static void take_message(void *arg, Str text) {
    Results *self = arg;
    if (!self->tell) return;
    console_lock(self->console);
    printf(STR_FMT "\n", STR_ARG(text));
    console_unlock(self->console);
}

// --- Figures -----------------------------------------------------------------------------------

static void print_operator(const OperatorStats *op, Buf *out) {
    buf_printf(out,
               "{\"name\":\"%s\",\"kind\":\"%s\",\"id\":\"%016llx\",\"rows_in\":%llu,"
               "\"rows_out\":%llu,\"busy_s\":%.6f,\"late_dropped\":%llu,\"state_rows\":%llu,"
               "\"state_bytes\":%llu",
               op->name, op->kind ? op->kind : "", (unsigned long long)op->stable_id,
               (unsigned long long)op->rows_in, (unsigned long long)op->rows_out,
               (double)op->busy_ns / 1e9, (unsigned long long)op->late_dropped,
               (unsigned long long)op->state_rows, (unsigned long long)op->state_bytes);
    if (op->model) {
        buf_printf(out,
                   ",\"model_version\":%llu,\"model_reloads\":%llu,\"model_p50_ms\":%.4f,"
                   "\"model_p99_ms\":%.4f,\"model_max_ms\":%.4f",
                   (unsigned long long)op->model_version, (unsigned long long)op->model_reloads,
                   (double)op->model_p50_ns / 1e6, (double)op->model_p99_ns / 1e6,
                   (double)op->model_max_ns / 1e6);
        if (op->model_servers) buf_printf(out, ",\"model_servers\":%s", op->model_servers);
    }
    buf_putc(out, '}');
}

// The most memory that was ever resident. Linux counts into ru_maxrss what the process that started
// this one had, so a small program seems to be as big as a script that calls it.
static long long resident_peak_bytes(void) {
    long long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    for (char line[128]; status && fgets(line, sizeof line, status);) {
        if (sscanf(line, "VmHWM: %lld", &kib) == 1) break;
    }
    if (status) (void)fclose(status);
    struct rusage usage;
    if (kib || getrusage(RUSAGE_SELF, &usage)) return kib * 1024;
    return usage.ru_maxrss * 1024ll;
}

void executor_stats(const Executor *self) {
    const JobStats *stats = session_stats(self->session);
    if (!stats) return;
    Buf out = {0};
    buf_printf(&out,
               "{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"rows_in\":%llu,\"rows_out\":%llu,"
               "\"memory_peak_bytes\":%lld,\"resident_peak_bytes\":%lld,",
               stats->wall_s, stats->cpu_s, (unsigned long long)stats->rows_in,
               (unsigned long long)stats->rows_out, (long long)stats->memory_peak_bytes,
               resident_peak_bytes());
    if (stats->trainings || stats->trainings_failed) {
        buf_printf(&out,
                   "\"trainings\":%llu,\"trainings_in_use\":%llu,\"trainings_failed\":%llu,",
                   (unsigned long long)stats->trainings,
                   (unsigned long long)stats->trainings_in_use,
                   (unsigned long long)stats->trainings_failed);
    }
    buf_printf(&out,
               "\"restarts\":%llu,"
               "\"checkpoints\":%llu,\"checkpoints_failed\":%llu,\"checkpoint_bytes\":%lld,"
               "\"checkpoint_pause_p50_ms\":%.3f,\"checkpoint_pause_p99_ms\":%.3f,"
               "\"checkpoint_pause_max_ms\":%.3f,\"restore_s\":%.6f,",
               (unsigned long long)stats->restarts, (unsigned long long)stats->checkpoints,
               (unsigned long long)stats->checkpoints_failed, (long long)stats->checkpoint_bytes,
               (double)stats->pause_p50_ns / 1e6, (double)stats->pause_p99_ns / 1e6,
               (double)stats->pause_max_ns / 1e6, stats->restore_s);
    buf_printf(&out,
               "\"checkpoints_unaligned\":%llu,\"checkpoint_alignment_max_ms\":%.3f,"
               "\"in_flight_processed_batches\":%llu,\"in_flight_persisted_batches\":%llu,"
               "\"in_flight_persisted_bytes\":%llu,\"operators\":[",
               (unsigned long long)stats->checkpoints_unaligned, (double)stats->align_max_ns / 1e6,
               (unsigned long long)stats->align_batches,
               (unsigned long long)stats->in_flight_batches,
               (unsigned long long)stats->in_flight_bytes);
    for (uint32_t i = 0; i < stats->op_count; i++) {
        if (i) buf_putc(&out, ',');
        print_operator(&stats->op[i], &out);
    }
    buf_puts(&out, "]}\n");
    (void)fwrite(out.ptr, 1, out.len, stdout);
    (void)fflush(stdout);
    buf_free(&out);
}

// --- Statements --------------------------------------------------------------------------------

int executor_failed(const Error *err, Str file, Str script) {
    if (err->status == ST_CANCELLED) {
        (void)fputs("stopped\n", stderr);
        return EXIT_FAILED;
    }
    Buf out = {0};
    report_error(err, file, script, &out);
    (void)fwrite(out.ptr, 1, out.len, stderr);
    buf_free(&out);
    switch (err->status) {
        case ST_PARSE:
        case ST_VALIDATION:
        case ST_UNSUPPORTED:
        case ST_USAGE: return EXIT_WRONG;
        default: return EXIT_FAILED;
    }
}

// QUIT, EXIT, CLEAR, HELP: words of the client, not of the engine.
static bool is_client_word(Executor *self, Str sql) {
    Str word = str_trim(sql);
    if (str_eq_nocase(word, STR("QUIT")) || str_eq_nocase(word, STR("EXIT"))) {
        self->quit = true;
        return true;
    }
    return str_eq_nocase(word, STR("CLEAR")) || str_eq_nocase(word, STR("HELP"));
}

int executor_statement(Executor *self, Str file, Str script, Str sql, Place first) {
    if (is_client_word(self, sql)) return EXIT_FINE;
    const Map *settings = session_settings(self->session);
    const char *runtime = map_get(settings, STR("execution.runtime-mode"));
    bool batch = runtime && str_eq_nocase(str_c(runtime), STR("batch"));
    Results results = {&self->console,
                       result_new(result_mode_of(settings, self->mode), !batch,
                                  session_env(self->session), stdout),
                       self->tell};
    ResultSink sink = {
        .arg = &results, .schema = take_schema, .batch = take_batch, .message = take_message};
    Error err = {0};
    int64_t start_ns = os_monotonic_ns();
    double wall_before = session_stats(self->session) ? session_stats(self->session)->wall_s : -1;
    console_begin(&self->console, self->session, results.printer);
    Status st = session_execute(self->session, sql, &sink, &err);
    console_end(&self->console);
    if (interrupt && self->console.live) (void)fputc('\n', stderr);  // behind the terminal's "^C"
    double seconds = (double)(os_monotonic_ns() - start_ns) / 1e9;
    result_end(results.printer, st == ST_OK, self->tell ? seconds : -1);
    result_free(results.printer);
    (void)fflush(stdout);
    const JobStats *stats = session_stats(self->session);
    if (self->stats && stats && stats->wall_s != wall_before) executor_stats(self);
    if (st && !err.source[0]) sql_place_in_script(first, &err.place);
    int code = st ? executor_failed(&err, file, script) : EXIT_FINE;
    if (self->timing) printf("Time: %.3f ms\n", seconds * 1e3);
    return code;
}

static int say_interrupted(Str file) {
    (void)fprintf(stderr, "weir: interrupted; what follows in " STR_FMT " was not run\n",
                  STR_ARG(file));
    return 128 + interrupt;
}

int executor_script(Executor *self, Str file, Str script) {
    uint32_t at = 0;
    Str sql;
    Place first;
    while (!self->quit && sql_split(script, &at, &sql, &first, NULL)) {
        if (interrupt) return say_interrupted(file);
        int code = executor_statement(self, file, script, sql, first);
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

int executor_file(Executor *self, const char *path) {
    Buf text = {0};
    Error err = {0};
    bool is_input = strcmp(path, "-") == 0;
    Status st = is_input ? read_input(&text, &err) : os_read_file(str_c(path), &text, &err);
    Str name = is_input ? STR("<stdin>") : str_c(path);
    int code = EXIT_WRONG;
    if (st && interrupt) {
        code = say_interrupted(name);  // whoever types it has changed their mind
    } else if (st) {
        (void)fprintf(stderr, "weir: %s\n", err.message);
    } else {
        Str script = buf_str(&text);
        // Some editors begin a file with a byte order mark, which is no part of what was written.
        if (str_starts(script, STR("\xEF\xBB\xBF"))) script = str_sub(script, 3, script.len);
        code = executor_script(self, name, script);
    }
    buf_free(&text);
    return code;
}
