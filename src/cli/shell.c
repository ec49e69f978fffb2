// weir: the SQL shell. Statements end with ';' and may take several lines; a line that begins with
// '\' is a command of the shell's own, as psql users know them.
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/shell_line.h"
#include "cli/shell_view.h"
#include "os/os.h"
#include "weir.h"

static int shell_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"-D", NULL, "KEY=VALUE", "sets a configuration key, as the statement SET does"},
    {"-i", "--init", "FILE", "runs this script first"},
    {"--memory", NULL, "SIZE", "the most memory that data may take (512m, 4g)"},
    {"--catalog", NULL, "FILE",
     "keeps the default catalog in this file; at a terminal there is one "
     "already, 'memory' is none"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum { ARG_SET, ARG_INIT, ARG_MEMORY, ARG_CATALOG, ARG_HELP };

const Command SHELL_COMMAND = {
    .name = "",
    .run = shell_main,
    .usage = "[OPTION]...",
    .doc = "The SQL shell. When standard input is no terminal: runs what it holds.",
    .args = ARGS,
};

typedef struct Shell {
    Executor executor;
    LineReader *reader;
    Buf text;  // the statement so far
} Shell;

// --- Commands ----------------------------------------------------------------------------------

static void run_text(Shell *self, Str script);

static void print_help(void) {
    (void)fputs(
        "Statements end with ';' and may take several lines. Tab completes keywords, names and "
        "options.\n"
        "\n"
        "  HELP;  \\?           this\n"
        "  QUIT;  EXIT;  \\q    leaves; so does Ctrl-D\n"
        "  CLEAR;              clears the screen\n"
        "  SOURCE FILE;  \\i    runs a script\n"
        "  SET;                shows the settings; SET 'key' = 'value'; changes one, RESET 'key';\n"
        "  \\d [TABLE]          tables, or the columns of one    \\dt tables  \\dv views\n"
        "  \\df  \\l  \\dm        functions, databases, models\n"
        "  \\timing             tells how long each statement takes, or no longer\n"
        "\n"
        "SET 'sql-client.execution.result-mode' = 'table';      the result, kept up to date\n"
        "                                         'changelog'   its changes, as they come\n"
        "                                         'tableau'     its changes, printed here\n"
        "Ctrl-C stops a query; a second one stops it at once.\n",
        stdout);
}

static void run_file(Shell *self, Str path) {
    if (path.len >= 2 && (path.ptr[0] == '\'' || path.ptr[0] == '"') &&
        path.ptr[path.len - 1] == path.ptr[0]) {
        path = str_sub(path, 1, path.len - 2);
    }
    if (!path.len) {
        (void)fputs("which file?\n", stderr);
        return;
    }
    Arena arena;
    arena_init(&arena);
    ResultMode mode = self->executor.mode;
    self->executor.mode = RESULT_TABLEAU;  // a script is no place to stop and look
    (void)executor_file(&self->executor, str_cstr(&arena, path));
    self->executor.mode = mode;
    arena_clear(&arena);
}

// Takes [word] (any case) off the front of [line] when it stands there alone.
static bool take_word(Str *line, const char *word) {
    Str name = str_c(word);
    if (line->len < name.len || !str_eq_nocase(str_sub(*line, 0, name.len), name)) return false;
    if (line->len > name.len && line->ptr[name.len] != ' ' && line->ptr[name.len] != '\t')
        return false;
    *line = str_trim(str_sub(*line, name.len, line->len));
    return true;
}

// A line that begins with '\'.
static void run_backslash(Shell *self, Str line) {
    static const struct {
        const char *name, *sql;
    } SHORT[] = {
        {"\\dt", "SHOW TABLES"},   {"\\dv", "SHOW VIEWS"},    {"\\df", "SHOW FUNCTIONS"},
        {"\\dm", "SHOW MODELS"},   {"\\l", "SHOW DATABASES"}, {"\\dn", "SHOW DATABASES"},
        {"\\dc", "SHOW CATALOGS"}, {"\\set", "SET"},
    };
    if (str_ends(line, STR(";"))) line = str_trim(str_sub(line, 0, line.len - 1));
    for (size_t i = 0; i < sizeof SHORT / sizeof *SHORT; i++) {
        if (!str_eq(line, str_c(SHORT[i].name))) continue;
        run_text(self, str_c(SHORT[i].sql));
        return;
    }
    if (take_word(&line, "\\q")) {
        self->executor.quit = true;
    } else if (take_word(&line, "\\?") || take_word(&line, "\\h")) {
        print_help();
    } else if (take_word(&line, "\\timing")) {
        bool on = str_eq_nocase(line, STR("on")), off = str_eq_nocase(line, STR("off"));
        self->executor.timing = on || (!off && !self->executor.timing);
        printf("Timing is %s.\n", self->executor.timing ? "on" : "off");
    } else if (take_word(&line, "\\i")) {
        run_file(self, line);
    } else if (take_word(&line, "\\d")) {
        Buf sql = {0};
        buf_puts(&sql, line.len ? "DESCRIBE " : "SHOW TABLES");
        buf_put_str(&sql, line);
        run_text(self, buf_str(&sql));
        buf_free(&sql);
    } else {
        (void)fprintf(stderr, "no such command: " STR_FMT "; \\? lists them\n", STR_ARG(line));
    }
}

// --- Statements --------------------------------------------------------------------------------

static bool is_query(Str sql) {
    Arena arena = {0};
    AstStmt *stmt;
    bool query = !sql_parse(&arena, sql, &stmt, NULL) && stmt->kind == STMT_QUERY;
    arena_clear(&arena);
    return query;
}

static void run_statement(Shell *self, Str script, Str sql, Place first) {
    Str rest = str_trim(sql);
    if (take_word(&rest, "HELP") && !rest.len) {
        print_help();
        return;
    }
    rest = str_trim(sql);
    if (take_word(&rest, "CLEAR") && !rest.len) {
        (void)fputs("\033[H\033[2J\033[3J", stdout);
        return;
    }
    rest = str_trim(sql);
    if (take_word(&rest, "SOURCE")) {
        run_file(self, rest);
        return;
    }
    ResultMode mode = result_mode_of(session_settings(self->executor.session), RESULT_TABLE);
    executor_rearm(&self->executor);
    if (mode != RESULT_TABLEAU && isatty(STDOUT_FILENO) && is_query(sql)) {
        (void)view_query(&self->executor, script, sql, first, mode);
    } else {
        (void)executor_statement(&self->executor, STR(""), script, sql, first);
    }
}

// All complete statements of [script].
static void run_text(Shell *self, Str script) {
    uint32_t at = 0;
    Str sql;
    Place first;
    while (!self->executor.quit && sql_split(script, &at, &sql, &first, NULL)) {
        run_statement(self, script, sql, first);
    }
}

// Whether [text] holds no statement that still waits for its ';'.
static bool is_complete(Str text) {
    uint32_t at = 0;
    Str sql;
    Place first;
    bool complete = true;
    while (sql_split(text, &at, &sql, &first, &complete)) {
        if (!complete) return false;
    }
    return true;
}

// --- The loop ----------------------------------------------------------------------------------

static void on_complete(void *arg, Str line, Completions *out) {
    Shell *self = arg;
    size_t before = self->text.len;
    Buf all = {0};
    buf_put_str(&all, buf_str(&self->text));
    buf_put_str(&all, line);
    Str text = str_dup(out->arena, buf_str(&all));
    buf_free(&all);
    complete(self->executor.session, text, out);
    out->from = out->from > before ? out->from - (uint32_t)before : 0;
}

// QUIT and its kin need no ';'.
static bool is_bare_word(Str line) {
    static const char *const WORDS[] = {"QUIT", "EXIT", "HELP", "CLEAR",
                                        "quit", "exit", "help", "clear"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (str_eq(line, str_c(WORDS[i]))) return true;
    }
    return false;
}

static void take_line(Shell *self, Str line) {
    Str trimmed = str_trim(line);
    if (!self->text.len && str_starts(trimmed, STR("\\"))) {
        line_remember(self->reader, trimmed);
        run_backslash(self, trimmed);
        return;
    }
    if (!self->text.len && !trimmed.len) return;
    if (!self->text.len && is_bare_word(trimmed)) {
        line_remember(self->reader, trimmed);
        run_text(self, trimmed);
        return;
    }
    buf_put_str(&self->text, line);
    if (!is_complete(buf_str(&self->text))) {
        buf_putc(&self->text, '\n');
        return;
    }
    Str script = buf_str(&self->text);
    line_remember(self->reader, str_trim(script));
    run_text(self, script);
    self->text.len = 0;
}

static const char *history_path(Arena *arena) {
    const char *home = getenv("HOME");
    return home && *home ? str_printf(arena, "%s/.weir_history", home).ptr : NULL;
}

static int talk(Shell *self) {
    Arena arena;
    Error err = {0};
    arena_init(&arena);
    LineSetup setup = {history_path(&arena), on_complete, self};
    self->reader = line_open(&setup, &err);
    if (!self->reader) {
        arena_clear(&arena);
        return usage_error(&SHELL_COMMAND, &err);
    }
    printf("weir %s, Flink SQL. HELP; helps, QUIT; leaves.\n", weir_version());
    while (!self->executor.quit) {
        Str line;
        LineResult result = line_read(self->reader, self->text.len ? "   -> " : "weir> ", &line);
        if (result == LINE_END) {
            (void)fputc('\n', stdout);
            break;
        }
        if (result == LINE_CANCELLED) {
            self->text.len = 0;
        } else {
            take_line(self, line);
        }
        (void)fflush(stdout);
    }
    line_close(self->reader);
    arena_clear(&arena);
    return EXIT_FINE;
}

// --- The command -------------------------------------------------------------------------------

static int read_args(Executor *self, int argc, char **argv, const char **init, Error *err) {
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    for (int at; (at = args_next(&args, err)) != ARGS_END;) {
        bool good = true;
        switch (at) {
            case ARGS_WRONG: return EXIT_WRONG;
            case ARGS_OPERAND:
                (void)error_set(err, ST_USAGE, "unexpected '%s'", args.value);
                error_hint(err, "weir run %s", args.value);
                return EXIT_WRONG;
            case ARG_SET: good = args_pair(args.value, &self->config); break;
            case ARG_INIT: *init = args.value; break;
            case ARG_CATALOG: self->catalog = args.value; break;
            case ARG_MEMORY:
                good = option_read_size(str_c(args.value), &self->memory) && self->memory > 0;
                break;
            default: return -1;  // --help
        }
        if (good) continue;
        (void)error_set(err, ST_USAGE, "'%s' is not a value for %s", args.value, ARGS[at].name);
        return EXIT_WRONG;
    }
    return EXIT_FINE;
}

// Where the tables of the shell are kept: below XDG_DATA_HOME, or where that is by default. NULL
// where there is no home, or no terminal: a script begins with nothing.
static char *default_catalog(void) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    bool own = data && *data == '/';
    if (!isatty(STDIN_FILENO) || (!own && (!home || *home != '/'))) return NULL;
    Buf path = {0};
    buf_printf(&path, "%s%s/weir/catalog.db", own ? data : home, own ? "" : "/.local/share");
    return mem_strdup(buf_cstr(&path));
}

static int run(Shell *self, const char *init) {
    char *path = self->executor.catalog ? NULL : default_catalog();
    if (path) self->executor.catalog = path;
    if (self->executor.catalog && strcmp(self->executor.catalog, "memory") == 0) {
        self->executor.catalog = NULL;
    }
    int code = executor_open(&self->executor);
    if (code == EXIT_FINE && init) code = executor_file(&self->executor, init);
    if (code == EXIT_FINE && !isatty(STDIN_FILENO)) {
        code = executor_file(&self->executor, "-");
    } else if (code == EXIT_FINE) {
        self->executor.tell = true;
        code = talk(self);
    }
    executor_close(&self->executor);
    mem_free(path);
    buf_free(&self->text);
    return code;
}

static int shell_main(int argc, char **argv) {
    Shell self = {.executor = {.mode = RESULT_TABLEAU}};
    const char *init = NULL;
    Error err = {0};
    (void)setlocale(LC_CTYPE, "C.UTF-8");  // for the widths of characters
    int code = read_args(&self.executor, argc, argv, &init, &err);
    if (code < 0) {
        code = usage_print(&SHELL_COMMAND);
    } else {
        code = code == EXIT_FINE ? run(&self, init) : usage_error(&SHELL_COMMAND, &err);
    }
    map_clear(&self.executor.config);
    return code;
}
