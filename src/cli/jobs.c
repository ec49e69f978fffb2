// weir list, savepoint, stop, cancel: the jobs that run in other processes of this user.
#include <stdio.h>

#include "cli/cli.h"
#include "cli/rows.h"
#include "engine/control.h"
#include "os/os.h"
#include "type/datetime.h"

static int list_main(int argc, char **argv);
static int savepoint_main(int argc, char **argv);
static int stop_main(int argc, char **argv);
static int cancel_main(int argc, char **argv);

static const ArgDef LIST_ARGS[] = {{"--help", "-h", NULL, "shows this"}, {0}};
static const ArgDef STOP_ARGS[] = {
    {"--savepoint", "-p", "DIR",
     "where the savepoint goes (execution.checkpointing.savepoint-dir)"},
    {"--drain", "-d", NULL, "lets the sources end and everything come out first"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum { STOP_SAVEPOINT, STOP_DRAIN };

const Command LIST_COMMAND = {
    .name = "list",
    .run = list_main,
    .usage = "[JOB]",
    .doc = "Lists the jobs that run: id, state, since when, and name; of one (its id or name) also "
           "why it has begun again.",
    .args = LIST_ARGS,
};
const Command SAVEPOINT_COMMAND = {
    .name = "savepoint",
    .run = savepoint_main,
    .usage = "JOB [DIR]",
    .doc = "Takes a savepoint of a running job (its id or name); prints the path of it.",
    .args = LIST_ARGS,
};
const Command STOP_COMMAND = {
    .name = "stop",
    .run = stop_main,
    .usage = "[--savepoint DIR] [--drain] JOB",
    .doc = "Stops a running job (its id or name), with a savepoint if it is said where.",
    .args = STOP_ARGS,
};
const Command CANCEL_COMMAND = {
    .name = "cancel",
    .run = cancel_main,
    .usage = "JOB",
    .doc = "Stops a running job as Ctrl-C does.",
    .args = LIST_ARGS,
};

static int failed(const Command *command, Status st, const Error *err) {
    (void)fprintf(stderr, "weir %s: %s\n", command->name, err->message);
    if (err->hint[0]) (void)fprintf(stderr, "hint: %s\n", err->hint);
    return st == ST_VALIDATION || st == ST_UNSUPPORTED ? EXIT_WRONG : EXIT_FAILED;
}

// The operands of a command line, [most] at most; an exit code, or -1 to go on.
typedef struct Operands {
    const char *at[2], *savepoint;
    int count;
    bool drain;
} Operands;

static int read_operands(const Command *command, int argc, char **argv, int least, int most,
                         Operands *out) {
    Args args = {.argc = argc, .argv = argv, .defs = command->args};
    Error err = {0};
    bool stop = command->args == STOP_ARGS;
    for (int at; (at = args_next(&args, &err)) != ARGS_END;) {
        if (at == ARGS_WRONG) return usage_error(command, &err);
        if (at == ARGS_OPERAND && out->count < most) {
            out->at[out->count++] = args.value;
        } else if (at == ARGS_OPERAND) {
            (void)error_set(&err, ST_USAGE, "what is '%s'?", args.value);
            return usage_error(command, &err);
        } else if (stop && at == STOP_SAVEPOINT) {
            out->savepoint = args.value;
        } else if (stop && at == STOP_DRAIN) {
            out->drain = true;
        } else {
            return usage_print(command);
        }
    }
    if (out->count >= least) return -1;
    (void)error_set(&err, ST_USAGE, "which job?");
    error_hint(&err, "'weir list' shows the jobs that run");
    return usage_error(command, &err);
}

static void put_padded(const char *text, uint32_t width, Buf *out) {
    uint32_t columns = text_columns(str_c(text));
    buf_printf(out, "%s%*s", text, columns < width ? (int)(width - columns) : 0, "");
}

static void put_job(Arena *arena, const JobInfo *job, Buf *out) {
    buf_printf(out, STR_FMT "  ", STR_ARG(job->id));
    put_padded(str_cstr(arena, job->status), 10, out);
    int64_t seconds = (os_now_ms() - job->started_ms) / 1000;
    buf_printf(out, "  for %lld:%02lld:%02lld  pid %lld  " STR_FMT, (long long)(seconds / 3600),
               (long long)(seconds / 60 % 60), (long long)(seconds % 60), (long long)job->pid,
               STR_ARG(job->name));
    if (job->restarts) {
        buf_printf(out, "  (%lld restart%s)", (long long)job->restarts,
                   job->restarts == 1 ? "" : "s");
    }
    buf_putc(out, '\n');
}

// One job, and why it has begun again.
static Status list_one(Arena *arena, const char *name, Buf *out, Error *err) {
    JobInfo job;
    JobFailure failure[FAILURES_KEPT];
    uint32_t count;
    TRY(control_find(arena, str_c(name), &job, err));
    TRY(control_failures(arena, &job, failure, &count, err));
    put_job(arena, &job, out);
    for (uint32_t i = 0; i < count; i++) {
        char stamp[64];
        Timestamp time = {.ms = failure[i].time_ms};
        uint32_t len = timestamp_print(time, 3, stamp);
        buf_printf(out, "  %.*s UTC  " STR_FMT "\n", (int)len, stamp, STR_ARG(failure[i].why));
    }
    return ST_OK;
}

static int list_main(int argc, char **argv) {
    Operands operands = {0};
    int code = read_operands(&LIST_COMMAND, argc, argv, 0, 1, &operands);
    if (code >= 0) return code;
    Arena arena = {0};
    JobInfo *job;
    uint32_t count = 0;
    Error err = {0};
    Buf out = {0};
    bool one = operands.count == 1;
    Status st = one ? list_one(&arena, operands.at[0], &out, &err)
                    : control_jobs(&arena, &job, &count, &err);
    code = st ? failed(&LIST_COMMAND, st, &err) : EXIT_FINE;
    if (!st && !one && !count) buf_puts(&out, "no job is running\n");
    for (uint32_t i = 0; !st && i < count; i++) put_job(&arena, &job[i], &out);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
    arena_clear(&arena);
    return code;
}

// Asks the job for it and prints what became of it.
static int request(const Command *command, const char *name, ControlVerb verb, const char *dir) {
    Arena arena = {0};
    Error err = {0};
    JobInfo job;
    Str path;
    Status st = control_find(&arena, str_c(name), &job, &err);
    // Without a place for a savepoint it is stopped without one.
    if (!st && verb == CONTROL_STOP && !dir && !job.savepoint_dir.len) verb = CONTROL_CANCEL;
    if (!st) st = control_request(&arena, &job, verb, str_c(dir), &path, &err);
    if (!st && path.len) printf(STR_FMT "\n", STR_ARG(path));
    int code = st ? failed(command, st, &err) : EXIT_FINE;
    arena_clear(&arena);
    return code;
}

static int savepoint_main(int argc, char **argv) {
    Operands operands = {0};
    int code = read_operands(&SAVEPOINT_COMMAND, argc, argv, 1, 2, &operands);
    if (code >= 0) return code;
    return request(&SAVEPOINT_COMMAND, operands.at[0], CONTROL_SAVEPOINT, operands.at[1]);
}

static int stop_main(int argc, char **argv) {
    Operands operands = {0};
    int code = read_operands(&STOP_COMMAND, argc, argv, 1, 1, &operands);
    if (code >= 0) return code;
    return request(&STOP_COMMAND, operands.at[0], operands.drain ? CONTROL_DRAIN : CONTROL_STOP,
                   operands.savepoint);
}

static int cancel_main(int argc, char **argv) {
    Operands operands = {0};
    int code = read_operands(&CANCEL_COMMAND, argc, argv, 1, 1, &operands);
    if (code >= 0) return code;
    return request(&CANCEL_COMMAND, operands.at[0], CONTROL_CANCEL, NULL);
}
