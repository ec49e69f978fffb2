// The job runs on a thread of its own and puts its rows into a ShownRows; the main thread reads
// keys and paints. One lock is between them. Nothing is painted but when something came or a key
// was hit, at most ten times a second.
#include "cli/shell_view.h"

#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/os.h"

enum {
    SOON_MS = 400,  // a job that ends by then is printed, not viewed
    PAINT_MS = 100,
    ROWS_MAX = 1000000,  // sql-client.execution.max-table-result.rows
    FRAME_LINES = 5,     // title, head, rule; rule, keys
    SIDE_STEP = 8,       // columns of the terminal that an arrow moves
};

typedef struct View {
    Executor *executor;
    ResultMode mode;
    Str sql;
    pthread_t thread;
    pthread_mutex_t lock;  // guards what follows, up to [status]
    Arena arena;           // the schema
    Arena scratch;
    bool open, dirty;
    uint32_t columns;
    Str *name;
    bool *number;
    ShownRows rows;
    uint64_t changes;
    bool done;
    Status status;
    Error error;
    // Of the main thread:
    struct termios before;
    uint32_t height, width;
    uint32_t top, side;  // first row and column shown
    bool follow;         // stay at the end (a log)
    double seconds;
} View;

// --- The job's side ----------------------------------------------------------------------------

static uint32_t rows_max(const Map *settings) {
    const char *text = map_get(settings, STR("sql-client.execution.max-table-result.rows"));
    int64_t rows;
    return text && str_to_i64(str_c(text), &rows) && rows > 0 && rows < UINT32_MAX ? (uint32_t)rows
                                                                                   : ROWS_MAX;
}

static Status take_schema(void *arg, const Type *row, bool ordered, Error *err) {
    View *self = arg;
    (void)pthread_mutex_lock(&self->lock);
    self->columns = row->child_count;
    self->name = ARENA_ARRAY(&self->arena, Str, self->columns + 1);
    self->number = ARENA_ARRAY(&self->arena, bool, self->columns + 1);
    shown_init(&self->rows, self->columns, self->mode == RESULT_CHANGELOG,
               rows_max(session_settings(self->executor->session)));
    for (uint32_t i = 0; i < self->columns; i++) {
        self->name[i] = str_dup(&self->arena, row->field[i]);
        self->number[i] = type_is_numeric(row->child[i]);
        self->rows.width[i] = text_columns(self->name[i]);
    }
    self->open = true;
    (void)pthread_mutex_unlock(&self->lock);
    return ST_OK;
}

static Status take_batch(void *arg, Batch *batch, Error *err) {
    View *self = arg;
    const FuncEnv *env = session_env(self->executor->session);
    (void)pthread_mutex_lock(&self->lock);
    for (uint32_t r = 0; r < batch->rows; r++) {
        arena_reset(&self->scratch);
        Str *cell = ARENA_ARRAY(&self->scratch, Str, self->columns + 1);
        for (uint32_t i = 0; i < self->columns; i++) {
            cell[i] = result_cell(&self->scratch, env, batch->column[i], r);
        }
        shown_apply(&self->rows, batch_kind(batch, r), cell);
        self->changes++;
    }
    self->dirty = true;
    (void)pthread_mutex_unlock(&self->lock);
    return ST_OK;
}

static void *run(void *arg) {
    View *self = arg;
    ResultSink sink = {.arg = self, .schema = take_schema, .batch = take_batch};
    int64_t start_ns = os_monotonic_ns();
    Error error = {0};
    Status status = session_execute(self->executor->session, self->sql, &sink, &error);
    (void)pthread_mutex_lock(&self->lock);
    self->seconds = (double)(os_monotonic_ns() - start_ns) / 1e9;
    self->status = status;
    self->error = error;
    self->done = true;
    self->dirty = true;
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

static bool is_done(View *self) {
    (void)pthread_mutex_lock(&self->lock);
    bool done = self->done;
    (void)pthread_mutex_unlock(&self->lock);
    return done;
}

// --- The screen --------------------------------------------------------------------------------

static void screen_size(View *self) {
    struct winsize size;
    self->height = 24;
    self->width = 80;
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row > FRAME_LINES && size.ws_col > 20) {
        self->height = size.ws_row;
        self->width = size.ws_col;
    }
}

static void screen_begin(View *self) {
    (void)tcgetattr(STDIN_FILENO, &self->before);
    struct termios raw = self->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    (void)fputs("\033[?1049h\033[?25l", stdout);  // the other screen, no cursor
}

static void screen_end(View *self) {
    (void)fputs("\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &self->before);
}

// Columns [from, from + width) of a line, filled up with blanks.
static void put_cut(Buf *out, Str line, uint32_t from, uint32_t width) {
    uint32_t column = 0, used = 0, code;
    for (const char *at = line.ptr, *end = str_end(line); at < end;) {
        uint32_t size = utf8_next(at, end, &code);
        uint32_t columns = text_columns(str_make(at, size));
        if (column >= from) {
            if (used + columns > width) break;
            buf_put(out, at, size);
            used += columns;
        } else if (column + columns > from) {  // a wide character, cut in half
            buf_putc(out, ' ');
            used++;
        }
        column += columns;
        at += size;
    }
    while (used++ < width) buf_putc(out, ' ');
}

static void put_cells(const View *self, const char *op, const Str *cell, Buf *line) {
    line->len = 0;
    buf_putc(line, ' ');
    if (self->mode == RESULT_CHANGELOG) buf_printf(line, "%-2s  ", op);
    for (uint32_t i = 0; i < self->columns; i++) {
        uint32_t columns = text_columns(cell[i]);
        uint32_t fill = self->rows.width[i] > columns ? self->rows.width[i] - columns : 0;
        if (i) buf_puts(line, "  ");
        if (self->number[i]) buf_printf(line, "%*s", (int)fill, "");
        buf_put_str(line, cell[i]);
        if (!self->number[i]) buf_printf(line, "%*s", (int)fill, "");
    }
}

static void put_rule(const View *self, Buf *screen) {
    for (uint32_t i = 0; i < self->width; i++) buf_puts(screen, "─");
    buf_puts(screen, "\r\n");
}

static uint32_t page(const View *self) {
    return self->height - FRAME_LINES;
}

static uint32_t last_top(const View *self) {
    uint32_t rows = shown_count(&self->rows);
    return rows > page(self) ? rows - page(self) : 0;
}

static void put_title(View *self, Buf *screen, Buf *line) {
    line->len = 0;
    buf_printf(line, " %s  ", self->mode == RESULT_TABLE ? "table" : "changelog");
    for (uint32_t i = 0; i < self->sql.len; i++) {
        char c = self->sql.ptr[i];
        if (c != '\n' || (i && self->sql.ptr[i - 1] != '\n'))
            buf_putc(line, c < ' ' && c >= 0 ? ' ' : c);
    }
    buf_puts(screen, "\033[7m");
    put_cut(screen, buf_str(line), 0, self->width);
    buf_puts(screen, "\033[0m\r\n");
}

static void put_keys(View *self, Buf *screen, Buf *line) {
    uint32_t rows = shown_count(&self->rows), shown = rows - self->top;
    if (shown > page(self)) shown = page(self);
    line->len = 0;
    buf_putc(line, ' ');
    if (rows) {
        buf_printf(line, "%u-%u of %u  ", self->top + 1, self->top + shown, rows);
    } else {
        buf_puts(line, "no rows  ");
    }
    JobProgress progress;
    if (self->done) {
        buf_puts(line, self->status ? "failed" : "finished");
    } else if (session_progress(self->executor->session, &progress)) {
        double seconds = (double)(progress.elapsed_ms ? progress.elapsed_ms : 1) / 1000;
        status_line(&progress, (double)progress.rows_in / seconds, (double)self->changes / seconds,
                    os_now_ms(), self->width, line);
    } else {
        buf_puts(line, "starting");
    }
    const char *keys = "  q quit  ↑↓←→ PgUp PgDn g G ";
    uint32_t room =
        self->width > text_columns(str_c(keys)) ? self->width - text_columns(str_c(keys)) : 0;
    if (room < 20) room = self->width;
    put_cut(screen, buf_str(line), 0, room);
    if (room < self->width) buf_printf(screen, "\033[2m%s\033[0m", keys);
}

static void paint(View *self) {
    Buf screen = {0}, line = {0};
    (void)pthread_mutex_lock(&self->lock);
    self->dirty = false;
    screen_size(self);
    shown_compact(&self->rows);
    if (self->follow || self->top > last_top(self)) self->top = last_top(self);
    buf_puts(&screen, "\033[H");
    put_title(self, &screen, &line);
    put_cells(self, "op", self->name, &line);
    buf_puts(&screen, "\033[1m");
    put_cut(&screen, buf_str(&line), self->side, self->width);
    buf_puts(&screen, "\033[0m\r\n");
    put_rule(self, &screen);
    for (uint32_t i = 0; i < page(self); i++) {
        line.len = 0;
        if (self->top + i < self->rows.used) {
            const ShownRow *row = self->rows.row[self->top + i];
            put_cells(self, row_kind_name(row->kind), row->cell, &line);
        }
        put_cut(&screen, buf_str(&line), self->side, self->width);
        buf_puts(&screen, "\r\n");
    }
    put_rule(self, &screen);
    put_keys(self, &screen, &line);
    (void)pthread_mutex_unlock(&self->lock);
    (void)fwrite(screen.ptr, 1, screen.len, stdout);
    (void)fflush(stdout);
    buf_free(&screen);
    buf_free(&line);
}

// --- Keys --------------------------------------------------------------------------------------

typedef enum Key {
    KEY_NONE,
    KEY_QUIT,
    KEY_UP,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_FIRST,
    KEY_LAST,
    KEY_REFRESH,
} Key;

static Key read_key(int wait_ms) {
    static const struct {
        const char *bytes;
        Key key;
    } KEYS[] = {
        {"q", KEY_QUIT},       {"Q", KEY_QUIT},
        {"\003", KEY_QUIT},    {"\033[A", KEY_UP},
        {"k", KEY_UP},         {"\033[B", KEY_DOWN},
        {"j", KEY_DOWN},       {"\033[C", KEY_RIGHT},
        {"\033[D", KEY_LEFT},  {"\033OA", KEY_UP},
        {"\033OB", KEY_DOWN},  {"\033OC", KEY_RIGHT},
        {"\033OD", KEY_LEFT},  {"\033[5~", KEY_PAGE_UP},
        {"p", KEY_PAGE_UP},    {"P", KEY_PAGE_UP},
        {"b", KEY_PAGE_UP},    {"\033[6~", KEY_PAGE_DOWN},
        {"n", KEY_PAGE_DOWN},  {"N", KEY_PAGE_DOWN},
        {" ", KEY_PAGE_DOWN},  {"g", KEY_FIRST},
        {"\033[H", KEY_FIRST}, {"\033[1~", KEY_FIRST},
        {"G", KEY_LAST},       {"L", KEY_LAST},
        {"l", KEY_LAST},       {"\033[F", KEY_LAST},
        {"\033[4~", KEY_LAST}, {"r", KEY_REFRESH},
        {"R", KEY_REFRESH},    {"\033", KEY_QUIT},
    };
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[16];
    if (poll(&input, 1, wait_ms) <= 0) return KEY_NONE;
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got <= 0) return KEY_QUIT;  // nobody is there any more
    Str text = str_make(bytes, (size_t)got);
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        if (str_eq(text, str_c(KEYS[i].bytes))) return KEYS[i].key;
    }
    // Several keys at once, as when one is held down: the first counts.
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        Str key = str_c(KEYS[i].bytes);
        if (str_starts(text, key) && !str_is(key, "\033")) return KEYS[i].key;
    }
    return KEY_REFRESH;
}

static void move_to(View *self, int64_t top) {
    (void)pthread_mutex_lock(&self->lock);
    int64_t last = last_top(self);
    self->top = (uint32_t)(top < 0 ? 0 : top > last ? last : top);
    self->follow = self->mode == RESULT_CHANGELOG && top >= last;
    (void)pthread_mutex_unlock(&self->lock);
}

// Up to where the last column shows.
static void move_right(View *self) {
    (void)pthread_mutex_lock(&self->lock);
    uint32_t all = self->mode == RESULT_CHANGELOG ? 5 : 1;
    for (uint32_t i = 0; i < self->columns; i++) all += self->rows.width[i] + 2;
    if (self->side + self->width < all) self->side += SIDE_STEP;
    (void)pthread_mutex_unlock(&self->lock);
}

// False when the user leaves.
static bool act(View *self, Key key) {
    switch (key) {
        case KEY_QUIT: return false;
        case KEY_UP: move_to(self, (int64_t)self->top - 1); break;
        case KEY_DOWN: move_to(self, (int64_t)self->top + 1); break;
        case KEY_PAGE_UP: move_to(self, (int64_t)self->top - page(self)); break;
        case KEY_PAGE_DOWN: move_to(self, (int64_t)self->top + page(self)); break;
        case KEY_FIRST: move_to(self, 0); break;
        case KEY_LAST: move_to(self, INT64_MAX); break;
        case KEY_LEFT: self->side -= self->side < SIDE_STEP ? self->side : SIDE_STEP; break;
        case KEY_RIGHT: move_right(self); break;
        case KEY_NONE:
        case KEY_REFRESH: break;
    }
    return true;
}

static void watch(View *self) {
    screen_begin(self);
    self->follow = self->mode == RESULT_CHANGELOG;
    int64_t painted_ms = 0;
    bool wants_paint = true;
    for (;;) {
        int64_t now = os_monotonic_ns() / 1000000;
        (void)pthread_mutex_lock(&self->lock);
        wants_paint |= self->dirty || !self->done;
        (void)pthread_mutex_unlock(&self->lock);
        if (wants_paint && now - painted_ms >= PAINT_MS) {
            paint(self);
            painted_ms = now;
            wants_paint = false;
        }
        Key key = read_key(PAINT_MS);
        if (!act(self, key)) break;
        if (key != KEY_NONE) {
            wants_paint = true;
            painted_ms = 0;
        }
    }
    screen_end(self);
}

// --- All together ------------------------------------------------------------------------------

// Prints the result as it stands, framed.
static void print_all(View *self, bool complete) {
    if (!self->open) return;
    bool changes = self->mode == RESULT_CHANGELOG;
    result_print(&self->rows, self->name, self->number, changes, complete,
                 complete ? self->seconds : -1, stdout);
}

static bool fits(View *self) {
    (void)pthread_mutex_lock(&self->lock);
    screen_size(self);
    bool fits = shown_count(&self->rows) + FRAME_LINES <= self->height;
    (void)pthread_mutex_unlock(&self->lock);
    return fits;
}

int view_query(Executor *executor, Str script, Str sql, Place first, ResultMode mode) {
    View *self = NEW(View);
    self->executor = executor;
    self->mode = mode;
    self->sql = sql;
    arena_init(&self->arena);
    arena_init(&self->scratch);
    (void)pthread_mutex_init(&self->lock, NULL);
    int code = EXIT_FAILED;
    if (pthread_create(&self->thread, NULL, run, self)) {
        (void)fputs("cannot start a thread\n", stderr);
        goto done;
    }
    for (int waited = 0; waited < SOON_MS && !is_done(self); waited += 5) os()->sleep_ms(5);
    bool viewed = !is_done(self) || (!self->status && !fits(self));
    if (viewed) {
        watch(self);
        if (!is_done(self)) session_stop(executor->session);
    }
    (void)pthread_join(self->thread, NULL);
    code = EXIT_FINE;
    if (viewed) {
        printf("%u row%s%s\n", shown_count(&self->rows), shown_count(&self->rows) == 1 ? "" : "s",
               self->status ? ", stopped" : "");
    } else {
        print_all(self, self->status == ST_OK);
    }
    if (self->status && self->status != ST_CANCELLED) {
        if (!self->error.source[0]) sql_place_in_script(first, &self->error.place);
        code = executor_failed(&self->error, STR(""), script);
    }
    if (executor->timing) printf("Time: %.3f ms\n", self->seconds * 1e3);

done:
    shown_clear(&self->rows);
    arena_clear(&self->arena);
    arena_clear(&self->scratch);
    (void)pthread_mutex_destroy(&self->lock);
    mem_free(self);
    return code;
}
