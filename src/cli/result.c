#include "cli/result.h"

#include <wchar.h>

#include "func/cast.h"
#include "os/os.h"

enum {
    WIDTH_ROWS = 500,     // rows that decide the widths, when so many come at once
    WIDTH_WAIT_MS = 100,  // or those that come in this time after the first
};

typedef struct ResultRow {
    RowKind kind;
    Str *cell;  // in the printer's arena
} ResultRow;

struct ResultPrinter {
    ResultMode mode;
    bool changes, ordered;
    const FuncEnv *env;
    FILE *out;
    Arena arena;  // schema and waiting rows
    const Type *type;
    uint32_t columns;
    Str *name;
    bool *number;  // right-aligned
    uint32_t *width;
    ResultRow *row;  // waiting: to be printed (tableau), or the table so far
    uint32_t rows, cap;
    Map live;          // table: row text -> index + 1 of its latest row
    uint32_t *below;   // table: next older row of the same text + 1
    bool began;        // the head is printed, widths are fixed
    int64_t first_ms;  // when the first waiting row came
    uint64_t total;
    Buf line;
};

enum { ROW_GONE = 255 };  // a RowKind no more: taken back

ResultMode result_mode_of(const Map *settings, ResultMode fallback) {
    const char *mode = map_get(settings, STR("sql-client.execution.result-mode"));
    if (!mode) return fallback;
    if (str_eq_nocase(str_c(mode), STR("table"))) return RESULT_TABLE;
    if (str_eq_nocase(str_c(mode), STR("changelog"))) return RESULT_CHANGELOG;
    if (str_eq_nocase(str_c(mode), STR("tableau"))) return RESULT_TABLEAU;
    return fallback;
}

uint32_t text_columns(Str text) {
    uint32_t columns = 0, code;
    for (const char *at = text.ptr, *end = at + text.len; at < end;) {
        at += utf8_next(at, end, &code);
        int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
        columns += width < 0 ? 1 : (uint32_t)width;
    }
    return columns;
}

ResultPrinter *result_new(ResultMode mode, bool changes, const FuncEnv *env, FILE *out) {
    ResultPrinter *self = NEW(ResultPrinter);
    self->mode = mode;
    self->changes = changes;
    self->env = env;
    self->out = out;
    arena_init(&self->arena);
    return self;
}

void result_free(ResultPrinter *self) {
    if (!self) return;
    map_clear(&self->live);
    arena_clear(&self->arena);
    mem_free(self->row);
    mem_free(self->below);
    buf_free(&self->line);
    mem_free(self);
}

void result_schema(ResultPrinter *self, const Type *row, bool ordered) {
    self->type = type_dup(&self->arena, row);
    self->ordered = ordered;
    if (ordered) {  // SHOW and DESCRIBE give a table, not changes
        self->mode = RESULT_TABLE;
        self->changes = false;
    }
    self->columns = row->child_count;
    self->name = ARENA_ARRAY(&self->arena, Str, self->columns + 1);
    self->number = ARENA_ARRAY(&self->arena, bool, self->columns + 1);
    self->width = ARENA_ARRAY(&self->arena, uint32_t, self->columns + 1);
    for (uint32_t i = 0; i < self->columns; i++) {
        self->name[i] = self->type->field[i];
        self->number[i] = type_is_numeric(row->child[i]);
        self->width[i] = text_columns(self->name[i]);
    }
}

// --- Rows --------------------------------------------------------------------------------------

// A value on one line: line ends and tabs would break the frame.
static Str cell_of(ResultPrinter *self, const Vec *vec, uint32_t row, bool raw) {
    Buf text = {0};
    value_print(vec, row, self->env, true, &text);
    Buf clean = {0};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (raw || (unsigned char)c >= ' ') {
            buf_putc(&clean, c);
        } else if (c == '\n') {
            buf_puts(&clean, "\\n");
        } else if (c == '\t') {
            buf_puts(&clean, "\\t");
        } else if (c == '\r') {
            buf_puts(&clean, "\\r");
        } else {
            buf_printf(&clean, "\\x%02x", (unsigned char)c);
        }
    }
    Str cell = str_dup(&self->arena, buf_str(&clean));
    buf_free(&clean);
    buf_free(&text);
    return cell;
}

static ResultRow *row_push(ResultPrinter *self, RowKind kind, Str *cell) {
    if (self->rows == self->cap) {
        self->cap = self->cap ? self->cap * 2 : 64;
        self->row = mem_realloc(self->row, self->cap * sizeof *self->row);
        self->below = mem_realloc(self->below, self->cap * sizeof *self->below);
    }
    if (!self->rows) self->first_ms = os_monotonic_ns() / 1000000;
    self->row[self->rows] = (ResultRow){kind, cell};
    return &self->row[self->rows++];
}

// Table mode: a retraction takes the latest equal row away.
static void table_apply(ResultPrinter *self, RowKind kind, Str *cell) {
    Buf key = {0};
    for (uint32_t i = 0; i < self->columns; i++) {
        buf_put_str(&key, cell[i]);
        buf_putc(&key, 0);
    }
    uintptr_t at = (uintptr_t)map_get(&self->live, buf_str(&key));
    if (row_kind_is_add(kind)) {
        (void)row_push(self, ROW_INSERT, cell);
        self->below[self->rows - 1] = (uint32_t)at;
        (void)map_put(&self->live, buf_str(&key), (void *)(uintptr_t)self->rows);
    } else if (at) {
        self->row[at - 1].kind = (RowKind)ROW_GONE;
        (void)map_put(&self->live, buf_str(&key), (void *)(uintptr_t)self->below[at - 1]);
    }
    buf_free(&key);
}

// --- Printing ----------------------------------------------------------------------------------

static void put_blanks(Buf *line, uint32_t count) {
    while (count--) buf_putc(line, ' ');
}

static void put_rule(ResultPrinter *self) {
    Buf *line = &self->line;
    line->len = 0;
    buf_puts(line, self->changes ? "+----+" : "+");
    for (uint32_t i = 0; i < self->columns; i++) {
        for (uint32_t n = 0; n < self->width[i] + 2; n++) buf_putc(line, '-');
        buf_putc(line, '+');
    }
    buf_putc(line, '\n');
    (void)fwrite(line->ptr, 1, line->len, self->out);
}

static void put_row(ResultPrinter *self, const char *op, const Str *cell) {
    Buf *line = &self->line;
    line->len = 0;
    buf_putc(line, '|');
    if (self->changes) buf_printf(line, " %-2s |", op);
    for (uint32_t i = 0; i < self->columns; i++) {
        uint32_t columns = text_columns(cell[i]);
        uint32_t fill = columns < self->width[i] ? self->width[i] - columns : 0;
        buf_putc(line, ' ');
        if (self->number[i]) put_blanks(line, fill);
        buf_put_str(line, cell[i]);
        if (!self->number[i]) put_blanks(line, fill);
        buf_puts(line, " |");
    }
    buf_putc(line, '\n');
    (void)fwrite(line->ptr, 1, line->len, self->out);
}

static void put_head(ResultPrinter *self) {
    if (self->began) return;
    self->began = true;
    put_rule(self);
    put_row(self, "op", self->name);
    put_rule(self);
}

static void widen(ResultPrinter *self) {
    for (uint32_t r = 0; r < self->rows; r++) {
        for (uint32_t i = 0; i < self->columns; i++) {
            if (self->row[r].kind == (RowKind)ROW_GONE) continue;
            uint32_t width = text_columns(self->row[r].cell[i]);
            if (width > self->width[i]) self->width[i] = width;
        }
    }
}

static void print_waiting(ResultPrinter *self) {
    if (!self->began) widen(self);
    put_head(self);
    for (uint32_t r = 0; r < self->rows; r++) {
        const ResultRow *row = &self->row[r];
        if (row->kind == (RowKind)ROW_GONE) continue;
        put_row(self, row_kind_name(row->kind), row->cell);
    }
    (void)fflush(self->out);
}

static void forget_waiting(ResultPrinter *self) {
    // What is printed goes; the schema moves over into the fresh arena.
    Arena old = self->arena;
    arena_init(&self->arena);
    self->rows = 0;
    self->type = type_dup(&self->arena, self->type);
    for (uint32_t i = 0; i < self->columns; i++) self->name[i] = self->type->field[i];
    self->name = arena_dup(&self->arena, self->name, (self->columns + 1) * sizeof *self->name);
    self->number = arena_dup(&self->arena, self->number, (self->columns + 1) * sizeof(bool));
    self->width = arena_dup(&self->arena, self->width, (self->columns + 1) * sizeof(uint32_t));
    arena_clear(&old);
}

static void print_changelog(ResultPrinter *self, RowKind kind, const Str *cell) {
    Buf *line = &self->line;
    line->len = 0;
    if (self->changes) buf_puts(line, row_kind_name(kind));
    for (uint32_t i = 0; i < self->columns; i++) {
        if (i || self->changes) buf_putc(line, '\t');
        buf_put_str(line, cell[i]);
    }
    buf_putc(line, '\n');
    (void)fwrite(line->ptr, 1, line->len, self->out);
}

// A single long text (EXPLAIN, SHOW CREATE) is printed as it is.
static bool is_document(const ResultPrinter *self) {
    return self->ordered && self->columns == 1;
}

void result_batch(ResultPrinter *self, const Batch *batch) {
    for (uint32_t r = 0; r < batch->rows; r++) {
        Str *cell = ARENA_ARRAY(&self->arena, Str, self->columns + 1);
        for (uint32_t i = 0; i < self->columns; i++) {
            cell[i] = cell_of(self, batch->column[i], r, is_document(self));
        }
        RowKind kind = batch_kind(batch, r);
        self->total++;
        switch (self->mode) {
            case RESULT_TABLE: table_apply(self, kind, cell); break;
            case RESULT_CHANGELOG: print_changelog(self, kind, cell); break;
            case RESULT_TABLEAU:
                (void)row_push(self, kind, cell);
                if (self->rows >= WIDTH_ROWS) {
                    print_waiting(self);
                    forget_waiting(self);
                }
                break;
        }
    }
    if (self->mode == RESULT_CHANGELOG) {
        (void)fflush(self->out);
        forget_waiting(self);
    } else if (self->mode == RESULT_TABLEAU && self->began && self->rows) {
        print_waiting(self);
        forget_waiting(self);
    }
}

bool result_waits(const ResultPrinter *self) {
    return self->mode == RESULT_TABLEAU && self->rows > 0 &&
           os_monotonic_ns() / 1000000 - self->first_ms >= WIDTH_WAIT_MS;
}

void result_tick(ResultPrinter *self) {
    print_waiting(self);
    forget_waiting(self);
}

uint64_t result_rows(const ResultPrinter *self) {
    return self->total;
}

static uint32_t rows_left(const ResultPrinter *self) {
    uint32_t left = 0;
    for (uint32_t r = 0; r < self->rows; r++) left += self->row[r].kind != (RowKind)ROW_GONE;
    return left;
}

void result_end(ResultPrinter *self, bool complete) {
    if (!self->type) return;  // the statement gave no rows at all
    if (is_document(self) && self->rows == 1 && str_find(self->row[0].cell[0], STR("\n"), 0) >= 0) {
        (void)fprintf(self->out, STR_FMT "%s", STR_ARG(self->row[0].cell[0]),
                      str_ends(self->row[0].cell[0], STR("\n")) ? "" : "\n");
        return;
    }
    if (self->mode == RESULT_CHANGELOG) return;
    uint64_t count = self->mode == RESULT_TABLE ? rows_left(self) : self->total;
    if (self->mode == RESULT_TABLE) self->changes = false;
    bool empty = count == 0 && !self->changes;
    if (!empty) {
        print_waiting(self);
        put_rule(self);
    }
    if (!complete) return;
    if (empty) {
        (void)fputs("Empty set\n", self->out);
    } else if (self->changes) {
        (void)fprintf(self->out, "Received a total of %llu row%s\n", (unsigned long long)count,
                      count == 1 ? "" : "s");
    } else {
        (void)fprintf(self->out, "%llu row%s in set\n", (unsigned long long)count,
                      count == 1 ? "" : "s");
    }
    (void)fflush(self->out);
}
