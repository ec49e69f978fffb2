#include "cli/shell_line.h"

#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/rows.h"
#include "os/library.h"

#define FUNCTIONS(X)                                                                              \
    X(el_deletestr) X(el_end) X(el_get) X(el_gets) X(el_init) X(el_insertstr) X(el_line)          \
    X(el_set) X(el_source) X(history) X(history_end) X(history_init)
#define MEMBER(name) __typeof__(&name) name;
#define NAME(name) #name,
static struct {
    FUNCTIONS(MEMBER)
} libedit;
static const char *const LIBEDIT_NAMES[] = {FUNCTIONS(NAME)};
static Library libedit_library = {
    .file = "libedit.so.2",
    .purpose = "the shell's prompt",
    .package = "libedit2",
    .symbol = LIBEDIT_NAMES,
    .functions = &libedit,
    .count = sizeof LIBEDIT_NAMES / sizeof *LIBEDIT_NAMES,
};

enum {
    HISTORY_MAX = 2000,
    LISTED_MAX = 120,  // completions shown at once; more are counted
};

struct LineReader {
    EditLine *edit;
    History *history;
    LineSetup setup;
    char *history_path;  // owned
    const char *prompt;
    bool cancelled;
};

static char *prompt_of(EditLine *edit) {
    LineReader *self;
    (void)libedit.el_get(edit, EL_CLIENTDATA, &self);
    return (char *)self->prompt;
}

// --- Keys --------------------------------------------------------------------------------------

static unsigned char on_cancel(EditLine *edit, int key) {
    LineReader *self;
    (void)libedit.el_get(edit, EL_CLIENTDATA, &self);
    const LineInfo *line = libedit.el_line(edit);
    self->cancelled = true;
    libedit.el_deletestr(edit, (int)(line->cursor - line->buffer));
    (void)fputs("^C\n", stdout);
    return CC_NEWLINE;
}

static uint32_t terminal_width(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

// The words below each other in columns, as a shell lists them.
static void list_words(const Completions *found) {
    uint32_t widest = 0, shown = found->count < LISTED_MAX ? found->count : LISTED_MAX;
    for (uint32_t i = 0; i < shown; i++) {
        uint32_t width = text_columns(str_c(found->word[i]));
        if (width > widest) widest = width;
    }
    uint32_t across = terminal_width() / (widest + 2);
    if (!across) across = 1;
    uint32_t down = (shown + across - 1) / across;
    (void)fputc('\n', stdout);
    for (uint32_t row = 0; row < down; row++) {
        for (uint32_t i = row; i < shown; i += down) {
            uint32_t width = text_columns(str_c(found->word[i]));
            bool last = i + down >= shown;
            printf("%s%*s", found->word[i], last ? 0 : (int)(widest + 2 - width), "");
        }
        (void)fputc('\n', stdout);
    }
    if (shown < found->count) printf("… and %u more\n", found->count - shown);
}

static unsigned char on_complete(EditLine *edit, int key) {
    LineReader *self;
    (void)libedit.el_get(edit, EL_CLIENTDATA, &self);
    const LineInfo *line = libedit.el_line(edit);
    Str before = str_make(line->buffer, (size_t)(line->cursor - line->buffer));
    Arena arena;
    arena_init(&arena);
    Completions *found = ARENA_NEW(&arena, Completions);
    found->arena = &arena;
    self->setup.complete(self->setup.arg, before, found);
    unsigned char result = CC_NORM;
    uint32_t begun = before.len - found->from, common = completions_common(found);
    if (!found->count) {
        result = CC_ERROR;
    } else if (common > begun || found->count == 1) {
        Buf text = {0};
        buf_put(&text, found->word[0], common);
        if (found->count == 1 && found->quoted && !str_ends(buf_str(&text), STR("."))) {
            buf_putc(&text, '\'');
        } else if (found->count == 1 && !found->quoted) {
            buf_putc(&text, ' ');
        }
        libedit.el_deletestr(edit, (int)begun);  // the case may change
        if (libedit.el_insertstr(edit, buf_cstr(&text))) result = CC_ERROR;
        if (result == CC_NORM) result = CC_REFRESH;
        buf_free(&text);
    } else {
        list_words(found);
        result = CC_REDISPLAY;
    }
    arena_clear(&arena);
    return result;
}

// --- Life --------------------------------------------------------------------------------------

LineReader *line_open(const LineSetup *setup, Error *err) {
    if (library_load(&libedit_library, err)) return NULL;
    LineReader *self = NEW(LineReader);
    HistEvent event;
    self->setup = *setup;
    self->prompt = "";
    self->history = libedit.history_init();
    (void)libedit.history(self->history, &event, H_SETSIZE, HISTORY_MAX);
    (void)libedit.history(self->history, &event, H_SETUNIQUE, 1);
    if (setup->history_path) {
        self->history_path = mem_strdup(setup->history_path);
        (void)libedit.history(self->history, &event, H_LOAD, self->history_path);
    }
    self->edit = libedit.el_init("weir", stdin, stdout, stderr);
    (void)libedit.el_set(self->edit, EL_CLIENTDATA, self);
    (void)libedit.el_set(self->edit, EL_PROMPT, prompt_of);
    (void)libedit.el_set(self->edit, EL_EDITOR, "emacs");
    (void)libedit.el_set(self->edit, EL_HIST, libedit.history, self->history);
    (void)libedit.el_set(self->edit, EL_ADDFN, "weir-complete", "completes the word", on_complete);
    (void)libedit.el_set(self->edit, EL_ADDFN, "weir-cancel", "drops the line", on_cancel);
    (void)libedit.el_source(self->edit, NULL);  // ~/.editrc
    (void)libedit.el_set(self->edit, EL_BIND, "^I", "weir-complete", NULL);
    // Ctrl-C as a key: a signal would not get past libedit's reading.
    (void)libedit.el_set(self->edit, EL_SETTY, "-d", "-isig", NULL);
    (void)libedit.el_set(self->edit, EL_BIND, "^C", "weir-cancel", NULL);
    (void)libedit.el_set(self->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)libedit.el_set(self->edit, EL_BIND, "\033[1;5C", "em-next-word", NULL);
    (void)libedit.el_set(self->edit, EL_BIND, "\033[1;5D", "ed-prev-word", NULL);
    (void)libedit.el_set(self->edit, EL_SIGNAL, 1);  // follows the size of the window
    return self;
}

void line_close(LineReader *self) {
    if (!self) return;
    libedit.el_end(self->edit);
    libedit.history_end(self->history);
    mem_free(self->history_path);
    mem_free(self);
}

LineResult line_read(LineReader *self, const char *prompt, Str *out) {
    int count = 0;
    self->prompt = prompt;
    self->cancelled = false;
    const char *text = libedit.el_gets(self->edit, &count);
    if (self->cancelled) return LINE_CANCELLED;
    if (!text || count <= 0) return LINE_END;
    *out = str_make(text, (size_t)count);
    if (str_ends(*out, STR("\n"))) out->len--;
    return LINE_READ;
}

void line_remember(LineReader *self, Str statement) {
    // The editor knows one line only; line ends become blanks unless a comment would swallow the
    // rest.
    Buf line = {0};
    bool has_comment = str_find(statement, STR("--"), 0) >= 0;
    for (uint32_t i = 0; i < statement.len; i++) {
        char c = statement.ptr[i];
        buf_putc(&line, c == '\n' && !has_comment ? ' ' : c);
    }
    HistEvent event;
    (void)libedit.history(self->history, &event, H_ENTER, buf_cstr(&line));
    if (self->history_path)
        (void)libedit.history(self->history, &event, H_SAVE, self->history_path);
    buf_free(&line);
}
