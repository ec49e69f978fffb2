// weir run: scripts, statement by statement.
#include <locale.h>

#include "cli/cli.h"
#include "cli/statement.h"

static int run_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"-D", NULL, "KEY=VALUE", "sets a configuration key, as the statement SET does"},
    {"-e", NULL, "SQL", "runs this text"},
    {"--memory", NULL, "SIZE", "the most memory that data may take (512m, 4g)"},
    {"--catalog", NULL, "FILE", "keeps the default catalog in this file, made when there is none"},
    {"--stats", NULL, "json", "prints figures of each job at its end, a JSON object a line"},
    {"--record", NULL, "DIR", "keeps what the sources handed in"},
    {"--replay", NULL, "DIR", "hands in what --record kept, instead of asking the sources"},
    {"--checkpoint-dir", NULL, "DIR", "where checkpoints go (execution.checkpointing.dir)"},
    {"--resume", NULL, NULL, "goes on from the newest checkpoint there, if there is one"},
    {"--from-savepoint", NULL, "DIR", "begins from this savepoint or checkpoint"},
    {"--allow-non-restored-state", NULL, NULL, "drops state that no operator of the job takes"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum {
    ARG_SET,
    ARG_TEXT,
    ARG_MEMORY,
    ARG_CATALOG,
    ARG_STATS,
    ARG_RECORD,
    ARG_REPLAY,
    ARG_CHECKPOINT_DIR,
    ARG_RESUME,
    ARG_FROM_SAVEPOINT,
    ARG_ALLOW_NON_RESTORED,
    ARG_HELP
};

const Command RUN_COMMAND = {
    .name = "run",
    .run = run_main,
    .usage = "[OPTION]... FILE...",
    .doc = "Runs the statements of each FILE ('-': standard input), or of -e, in one session.",
    .args = ARGS,
};

// One thing to run: a file, or the text of -e.
typedef struct Work {
    const char *text;
    bool is_file;
} Work;

static void set(Executor *self, const char *key, const char *value) {
    (void)map_put(&self->config, str_c(key), (void *)(uintptr_t)value);  // as -D: borrowed
}

static int read_args(Executor *self, int argc, char **argv, Work *work, int *count, Error *err) {
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    for (int at; (at = args_next(&args, err)) != ARGS_END;) {
        bool good = true;
        switch (at) {
            case ARGS_WRONG: return EXIT_WRONG;
            case ARGS_OPERAND: work[(*count)++] = (Work){args.value, true}; break;
            case ARG_TEXT: work[(*count)++] = (Work){args.value, false}; break;
            case ARG_SET: good = args_pair(args.value, &self->config); break;
            case ARG_MEMORY:
                good = option_read_size(str_c(args.value), &self->memory) && self->memory > 0;
                break;
            case ARG_CATALOG: self->catalog = args.value; break;
            case ARG_STATS:
                good = strcmp(args.value, "json") == 0;
                self->stats = true;
                break;
            case ARG_RECORD: self->record = args.value; break;
            case ARG_REPLAY: self->replay = args.value; break;
            case ARG_CHECKPOINT_DIR:
                set(self, "execution.checkpointing.dir", args.value);
                break;
            case ARG_RESUME: set(self, "weir.resume", "true"); break;
            case ARG_FROM_SAVEPOINT: set(self, "execution.state-recovery.path", args.value); break;
            case ARG_ALLOW_NON_RESTORED:
                set(self, "execution.state-recovery.ignore-unclaimed-state", "true");
                break;
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

static int run_main(int argc, char **argv) {
    Executor self = {.mode = RESULT_TABLEAU};
    Error err = {0};
    Work *work = NEW_ARRAY(Work, argc);
    int count = 0;
    (void)setlocale(LC_CTYPE, "C.UTF-8");  // for the widths of characters
    int code = read_args(&self, argc, argv, work, &count, &err);
    if (code < 0) {
        code = usage_print(&RUN_COMMAND);
    } else if (code != EXIT_FINE) {
        code = usage_error(&RUN_COMMAND, &err);
    } else {
        code = executor_open(&self);
        for (int i = 0; code == EXIT_FINE && !self.quit && i < count; i++) {
            code = work[i].is_file ? executor_file(&self, work[i].text)
                                   : executor_script(&self, STR("-e"), str_c(work[i].text));
        }
        executor_close(&self);
    }
    map_clear(&self.config);
    mem_free(work);
    return code;
}
