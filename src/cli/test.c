// weir test: finds the case files, has them run, and tells what came of it.
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/test_known.h"
#include "cli/test_pool.h"
#include "cli/test_session.h"
#include "os/os.h"

enum { PATHS_MAX = 1 << 16, TIMEOUT_S = 30 };

static const ArgDef ARGS[] = {
    {"--data", NULL, "DIR", "what ${DATA} stands for; default: the nearest folder 'data'"},
    {"--filter", NULL, "GLOB", "only the files whose path or name matches"},
    {"--known", NULL, "FILE", "cases known to fail: they count as skipped, and must fail"},
    {"--exempt", NULL, "FILE", "cases that are run but not judged: they count as skipped"},
    {"--materialised", NULL, NULL, "change logs need only come to the same rows, in any order"},
    {"--record", NULL, NULL, "fills in the answers instead of comparing them"},
    {"-j", "--jobs", "N", "files at a time; default: one per core"},
    {"--timeout", NULL, "SECONDS", "of one record; default 30"},
    {"-D", NULL, "KEY=VALUE", "sets a configuration key before each file"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum {
    ARG_DATA,
    ARG_FILTER,
    ARG_KNOWN,
    ARG_EXEMPT,
    ARG_MATERIALISED,
    ARG_RECORD,
    ARG_JOBS,
    ARG_TIMEOUT,
    ARG_SET,
    ARG_HELP
};

static int test_main(int argc, char **argv);

const Command TEST_COMMAND = {
    .name = "test",
    .run = test_main,
    .usage = "[OPTION]... PATH...",
    .doc =
        "Runs case files: SQL and the answers it must give. A PATH is a file, a folder of *.test\n"
        "files, or FILE:N for the N-th record of a file.",
    .args = ARGS,
};

typedef struct Test {
    const char *data, *filter, *known_path, *exempt_path;
    bool recording, materialised, terminal;
    int64_t jobs, timeout_s;
    Map settings;  // -D
    KnownFailures known, exempt;
    CaseRun *run;
    char **full;  // absolute path of run i; owned
    Buf *text;    // of run i
    uint32_t count, printed, finished;
    uint32_t passed, failed, skipped;
    Arena arena;
} Test;

// --- Finding files -----------------------------------------------------------------------------

static bool matches(const Test *self, const char *path) {
    if (!self->filter) return true;
    const char *slash = strrchr(path, '/');
    return fnmatch(self->filter, path, 0) == 0 ||
           fnmatch(self->filter, slash ? slash + 1 : path, 0) == 0;
}

static Status add_file(Test *self, Str path, uint32_t only, Error *err) {
    const char *name = str_cstr(&self->arena, path);
    if (!matches(self, name)) return ST_OK;
    if (self->count == PATHS_MAX) return error_set(err, ST_USAGE, "too many files");
    uint32_t i = self->count++;
    self->run = mem_realloc(self->run, self->count * sizeof *self->run);
    self->full = mem_realloc(self->full, self->count * sizeof *self->full);
    self->text = mem_realloc(self->text, self->count * sizeof *self->text);
    self->run[i] = (CaseRun){.path = name, .only = only};
    self->text[i] = (Buf){0};
    self->full[i] = realpath(name, NULL);
    if (self->full[i]) return ST_OK;
    self->count--;
    return error_set(err, ST_USAGE, "cannot read '%s': %s", name, strerror(errno));
}

typedef struct Folder {
    Test *test;
    Str path;
} Folder;

static Status add_path(Test *self, Str path, bool given, Error *err);

static Status add_entry(void *arg, Str name, Error *err) {
    Folder *folder = arg;
    if (str_starts(name, STR("."))) return ST_OK;
    Str path = str_printf(&folder->test->arena, STR_FMT "%s" STR_FMT, STR_ARG(folder->path),
                          str_ends(folder->path, STR("/")) ? "" : "/", STR_ARG(name));
    return add_path(folder->test, path, false, err);
}

static Status add_path(Test *self, Str path, bool given, Error *err) {
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    if (stat.is_dir) {
        Folder folder = {self, path};
        return os()->list(path, add_entry, &folder, err);
    }
    if (stat.exists)
        return given || str_ends(path, STR(".test")) ? add_file(self, path, 0, err) : ST_OK;
    // FILE:N
    uint32_t colon = path.len;
    while (colon > 0 && path.ptr[colon - 1] != ':') colon--;
    int64_t record;
    if (colon > 1 && str_to_i64(str_sub(path, colon, path.len), &record) && record > 0 &&
        record <= CASE_RECORDS_MAX) {
        return add_file(self, str_sub(path, 0, colon - 1), (uint32_t)record, err);
    }
    return error_set(err, ST_USAGE, "no such file or folder: '" STR_FMT "'", STR_ARG(path));
}

// The nearest folder named "data" beside or above the file.
static const char *data_of(Test *self, const char *full) {
    Str at = str_c(full);
    while (at.len) {
        while (at.len && at.ptr[at.len - 1] != '/') at.len--;
        Str data = str_printf(&self->arena, STR_FMT "data", STR_ARG(at));
        OsStat stat;
        if (!os()->stat(data, &stat, NULL) && stat.is_dir) return data.ptr;
        if (at.len) at.len--;
    }
    return "/nonexistent/data";
}

// Reads and parses all files. A file that cannot be is one failure.
static void load(Test *self) {
    for (uint32_t i = 0; i < self->count; i++) {
        CaseRun *run = &self->run[i];
        Error err = {0};
        Status st = os_read_file(str_c(self->full[i]), &self->text[i], &err);
        if (!st) st = case_file_parse(buf_str(&self->text[i]), &run->file, &err);
        if (!st && run->only > run->file.count) {
            st = error_set(&err, ST_USAGE, "there is no record %u", run->only);
        }
        if (st) {
            Buf text = {0};
            if (err.place.line) buf_printf(&text, "%u:%u: ", err.place.line, err.place.column);
            buf_printf(&text, "%s%s%s", err.message, err.hint[0] ? "; " : "", err.hint);
            run->failure = mem_strdup(buf_cstr(&text));
            buf_free(&text);
        }
        run->data = self->data ? self->data : data_of(self, self->full[i]);
    }
}

// --- Telling -----------------------------------------------------------------------------------

static void tell(const CaseRun *run, uint32_t index, const char *what, const char *report,
                 Buf *out) {
    const CaseRecord *record = &run->file.record[index];
    buf_printf(out, "FAIL %s:%u: record %u, %s%s%s\n", run->path, record->line, index + 1,
               case_kind_name(record->kind), *what ? ": " : "", what);
    case_sql_print(record, out);
    if (report) buf_puts(out, report);
    buf_putc(out, '\n');
}

static void judge(Test *self, uint32_t r, uint32_t i, Buf *out) {
    CaseRun *run = &self->run[r];
    const CaseAttempt *attempt = &run->attempt[i];
    bool known = known_has(&self->known, str_c(self->full[r]), i + 1);
    if (attempt->verdict == VERDICT_NONE) return;
    if (attempt->verdict != VERDICT_DIED && known_has(&self->exempt, str_c(self->full[r]), i + 1)) {
        self->skipped++;
        if (attempt->verdict == VERDICT_DIFFERS) {  // so that a list can be held to what it needs
            buf_printf(out, "EXEMPT %s:%u: differs\n", run->path, i + 1);
        }
        return;
    }
    switch ((Verdict)attempt->verdict) {
        case VERDICT_NONE:
        case VERDICT_PASSED:
            if (!known) {
                self->passed++;
                return;
            }
            self->failed++;
            tell(run, i, "it passes: take it off the list of known failures", NULL, out);
            return;
        case VERDICT_DIFFERS:
        case VERDICT_DIED: break;
    }
    if (known || (attempt->verdict == VERDICT_DIFFERS && run->file.record[i].optional)) {
        self->skipped++;
        return;
    }
    self->failed++;
    tell(run, i, "", attempt->report, out);
}

// Puts the new answers into the file, by a rename.
static Status write_answers(const CaseRun *run, Error *err) {
    Buf out = {0};
    Arena arena;
    arena_init(&arena);
    case_file_print(&run->file, run->answer, &out);
    Status st = ST_OK;
    if (!str_eq(buf_str(&out), run->file.text)) {
        Str part = str_printf(&arena, "%s.part", run->path);
        st = os_write_file(part, buf_str(&out), err);
        if (!st) st = os()->rename(part, str_c(run->path), err);
    }
    arena_clear(&arena);
    buf_free(&out);
    return st;
}

static void recorded(Test *self, CaseRun *run, Buf *out) {
    for (uint32_t i = 0; i < run->file.count; i++) {
        const CaseRecord *record = &run->file.record[i];
        const CaseAnswer *answer = &run->answer[i];
        if (run->attempt[i].verdict == VERDICT_NONE) continue;
        if (!answer->text.ptr) {
            self->failed++;
            tell(run, i, "no answer", run->attempt[i].report, out);
            continue;
        }
        self->passed++;
        if (answer->kind == record->kind) continue;
        buf_printf(out, "note: %s:%u: '%s' became '%s' %s\n", run->path, record->line,
                   case_kind_name(record->kind), case_kind_name(answer->kind), answer->comment);
    }
    Error err = {0};
    if (!run->failure && write_answers(run, &err)) run->failure = mem_strdup(err.message);
}

static void tell_file(Test *self, uint32_t r) {
    CaseRun *run = &self->run[r];
    Buf out = {0};
    if (run->attempt) {
        if (self->recording) {
            recorded(self, run, &out);
        } else {
            for (uint32_t i = 0; i < run->file.count; i++) judge(self, r, i, &out);
        }
    }
    if (run->failure) {
        self->failed++;
        buf_printf(&out, "FAIL %s: %s\n", run->path, run->failure);
    }
    KnownFailures *const lists[] = {&self->known, &self->exempt};
    for (uint32_t i = 0; i < 2 && run->attempt && !run->only; i++) {
        if (!lists[i]->path) continue;
        self->failed += known_check_file(lists[i], str_c(self->full[r]), run->file.count, &out);
    }
    if (out.len && self->terminal) (void)fputs("\r\033[K", stderr);
    if (out.len) (void)fwrite(out.ptr, 1, out.len, stdout);
    (void)fflush(stdout);
    buf_free(&out);
}

static void on_finished(void *arg, CaseRun *run) {
    Test *self = arg;
    self->finished++;
    for (; self->printed < self->count; self->printed++) {  // in the order of the paths
        CaseRun *next = &self->run[self->printed];
        if (!next->done && !next->failure) break;
        tell_file(self, self->printed);
    }
    if (!self->terminal) return;
    (void)fprintf(stderr, "\r\033[K%u of %u files, %u failed", self->finished, self->count,
                  self->failed);
}

// --- The command -------------------------------------------------------------------------------

static bool find_folder(Test *self, const char *path) {
    char *full = realpath(path, NULL);
    if (!full) return false;
    self->data = str_cstr(&self->arena, str_c(full));
    free(full);
    return true;
}

static int read_args(Test *self, int argc, char **argv, Error *err) {
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    int operands = 0;  // moved to the front of argv: --filter may stand behind them
    for (int at; (at = args_next(&args, err)) != ARGS_END;) {
        bool good = true;
        switch (at) {
            case ARGS_WRONG: return EXIT_WRONG;
            case ARGS_OPERAND: argv[operands++] = (char *)args.value; break;
            case ARG_DATA: good = find_folder(self, args.value); break;
            case ARG_FILTER: self->filter = args.value; break;
            case ARG_KNOWN: self->known_path = args.value; break;
            case ARG_EXEMPT: self->exempt_path = args.value; break;
            case ARG_MATERIALISED: self->materialised = true; break;
            case ARG_RECORD: self->recording = true; break;
            case ARG_JOBS: good = str_to_i64(str_c(args.value), &self->jobs); break;
            case ARG_TIMEOUT: good = str_to_i64(str_c(args.value), &self->timeout_s); break;
            case ARG_SET: good = args_pair(args.value, &self->settings); break;
            default: return -1;  // --help
        }
        if (!good) {
            (void)error_set(err, ST_USAGE, "'%s' is not a value for %s", args.value, ARGS[at].name);
            return EXIT_WRONG;
        }
    }
    if (self->jobs < 1 || self->timeout_s < 1) {
        (void)error_set(err, ST_USAGE, "-j and --timeout take a number above 0");
        return EXIT_WRONG;
    }
    for (int i = 0; i < operands; i++) {
        if (add_path(self, str_c(argv[i]), true, err)) return EXIT_WRONG;
    }
    if (self->count) return EXIT_FINE;
    (void)error_set(err, ST_USAGE, operands ? "no case file found" : "which files?");
    return EXIT_WRONG;
}

static int run_all(Test *self) {
    Error err = {0};
    CasePool pool = {.engine = &SESSION_ENGINE,
                     .engine_arg = &self->settings,
                     .jobs = (uint32_t)self->jobs,
                     .timeout_ms = self->timeout_s * 1000,
                     .recording = self->recording,
                     .materialised = self->materialised,
                     .finished = on_finished,
                     .arg = self};
    if (self->known_path && known_read(self->known_path, &self->known, &err)) {
        return usage_error(&TEST_COMMAND, &err);
    }
    if (self->exempt_path && known_read(self->exempt_path, &self->exempt, &err)) {
        return usage_error(&TEST_COMMAND, &err);
    }
    load(self);
    Status st = case_runs(&pool, self->run, self->count, &err);
    if (self->terminal) (void)fputs("\r\033[K", stderr);
    for (; !st && self->printed < self->count; self->printed++) tell_file(self, self->printed);
    if (st) {
        (void)fprintf(stderr, "weir test: %s\n", err.message);
        return st == ST_CANCELLED ? 130 : EXIT_FAILED;
    }
    Buf out = {0};
    if (self->known.path) self->failed += known_check_gone(&self->known, &out);
    if (self->exempt.path) self->failed += known_check_gone(&self->exempt, &out);
    if (out.len) (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
    if (self->known.path) printf("known failures: %u\n", self->known.count);
    printf("%u passed, %u failed, %u skipped\n", self->passed, self->failed, self->skipped);
    return self->failed ? EXIT_FAILED : EXIT_FINE;
}

static int test_main(int argc, char **argv) {
    Error err = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    Test self = {.jobs = cores > 0 ? cores : 1,
                 .timeout_s = TIMEOUT_S,
                 .terminal = isatty(STDERR_FILENO) == 1};
    arena_init(&self.arena);
    int code = read_args(&self, argc, argv, &err);
    if (code < 0) {
        code = usage_print(&TEST_COMMAND);
    } else if (code != EXIT_FINE) {
        code = usage_error(&TEST_COMMAND, &err);
    } else {
        code = run_all(&self);
    }
    for (uint32_t i = 0; i < self.count; i++) {
        case_run_clear(&self.run[i]);
        case_file_clear(&self.run[i].file);
        buf_free(&self.text[i]);
        free(self.full[i]);
    }
    mem_free(self.run);
    mem_free(self.full);
    mem_free(self.text);
    known_clear(&self.known);
    known_clear(&self.exempt);
    map_clear(&self.settings);
    arena_clear(&self.arena);
    return code;
}
