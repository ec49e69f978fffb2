#include "cli/result.h"

#include "func/cast.h"
#include "os/os.h"

enum {
    WIDTH_ROWS = 500,     // rows that decide the widths, when so many come at once
    WIDTH_WAIT_MS = 100,  // or those that come in this time after the first
};

struct ResultPrinter {
    ResultMode mode;
    bool changes;   // rows are changes: a column "op"
    bool document;  // a single text (EXPLAIN, SHOW CREATE), printed as it is
    const FuncEnv *env;
    FILE *out;
    Arena arena;    // the schema
    Arena scratch;  // cells of the row at hand
    bool open;      // a schema came
    uint32_t columns;
    Str *name;
    bool *number;  // right-aligned
    uint32_t *width;
    ShownRows rows;    // the table so far, or the changes that wait to be printed
    bool began;        // the head is printed, widths are fixed
    int64_t first_ms;  // when the first waiting row came
    uint64_t total;
    Buf line;
};

ResultMode result_mode_of(const Map *settings, ResultMode fallback) {
    const char *mode = map_get(settings, STR("sql-client.execution.result-mode"));
    if (!mode) return fallback;
    if (str_eq_nocase(str_c(mode), STR("table"))) return RESULT_TABLE;
    if (str_eq_nocase(str_c(mode), STR("changelog"))) return RESULT_CHANGELOG;
    if (str_eq_nocase(str_c(mode), STR("tableau"))) return RESULT_TABLEAU;
    return fallback;
}

ResultPrinter *result_new(ResultMode mode, bool changes, const FuncEnv *env, FILE *out) {
    ResultPrinter *self = NEW(ResultPrinter);
    self->mode = mode;
    self->changes = changes && mode != RESULT_TABLE;
    self->env = env;
    self->out = out;
    arena_init(&self->arena);
    arena_init(&self->scratch);
    return self;
}

void result_free(ResultPrinter *self) {
    if (!self) return;
    shown_clear(&self->rows);
    arena_clear(&self->arena);
    arena_clear(&self->scratch);
    buf_free(&self->line);
    mem_free(self);
}

void result_schema(ResultPrinter *self, const Type *row, bool ordered) {
    if (ordered) {  // SHOW and DESCRIBE give a table, not changes
        self->mode = RESULT_TABLE;
        self->changes = false;
    }
    self->open = true;
    self->document = ordered && row->child_count == 1;
    self->columns = row->child_count;
    self->name = ARENA_ARRAY(&self->arena, Str, self->columns + 1);
    self->number = ARENA_ARRAY(&self->arena, bool, self->columns + 1);
    self->width = ARENA_ARRAY(&self->arena, uint32_t, self->columns + 1);
    for (uint32_t i = 0; i < self->columns; i++) {
        self->name[i] = str_dup(&self->arena, row->field[i]);
        self->number[i] = type_is_numeric(row->child[i]);
        self->width[i] = text_columns(self->name[i]);
    }
    shown_init(&self->rows, self->columns, self->mode != RESULT_TABLE, 0);
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
    for (uint32_t i = 0; i < self->columns; i++) {
        if (self->rows.width[i] > self->width[i]) self->width[i] = self->rows.width[i];
    }
    put_rule(self);
    put_row(self, "op", self->name);
    put_rule(self);
}

static void print_rows(ResultPrinter *self) {
    put_head(self);
    uint32_t at = 0;
    for (const ShownRow *row; (row = shown_next(&self->rows, &at)) != NULL;) {
        put_row(self, row_kind_name(row->kind), row->cell);
    }
    (void)fflush(self->out);
}

static void print_waiting(ResultPrinter *self) {
    print_rows(self);
    shown_clear(&self->rows);
    shown_init(&self->rows, self->columns, true, 0);
}

static void print_change(ResultPrinter *self, RowKind kind, const Str *cell) {
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

// --- Rows --------------------------------------------------------------------------------------

Str result_cell(Arena *arena, const FuncEnv *env, const Vec *vec, uint32_t row) {
    Buf text = {0}, clean = {0};
    value_print(vec, row, env, true, &text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((unsigned char)c >= ' ' && c != 127) {
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
    Str cell = str_dup(arena, buf_str(&clean));
    buf_free(&clean);
    buf_free(&text);
    return cell;
}

static Str raw_cell(Arena *arena, const FuncEnv *env, const Vec *vec, uint32_t row) {
    Buf text = {0};
    value_print(vec, row, env, true, &text);
    Str cell = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return cell;
}

void result_batch(ResultPrinter *self, const Batch *batch) {
    for (uint32_t r = 0; r < batch->rows; r++) {
        arena_reset(&self->scratch);
        Str *cell = ARENA_ARRAY(&self->scratch, Str, self->columns + 1);
        for (uint32_t i = 0; i < self->columns; i++) {
            cell[i] = (self->document ? raw_cell : result_cell)(&self->scratch, self->env,
                                                                batch->column[i], r);
        }
        self->total++;
        if (self->mode == RESULT_CHANGELOG) {
            print_change(self, batch_kind(batch, r), cell);
            continue;
        }
        if (!shown_count(&self->rows)) self->first_ms = os_monotonic_ns() / 1000000;
        shown_apply(&self->rows, batch_kind(batch, r), cell);
        if (self->mode == RESULT_TABLEAU && shown_count(&self->rows) >= WIDTH_ROWS) {
            print_waiting(self);
        }
    }
    if (self->mode == RESULT_CHANGELOG) {
        (void)fflush(self->out);
    } else if (self->mode == RESULT_TABLEAU && self->began && shown_count(&self->rows)) {
        print_waiting(self);
    }
}

bool result_waits(const ResultPrinter *self) {
    return self->open && self->mode == RESULT_TABLEAU && shown_count(&self->rows) > 0 &&
           os_monotonic_ns() / 1000000 - self->first_ms >= WIDTH_WAIT_MS;
}

void result_tick(ResultPrinter *self) {
    print_waiting(self);
}

// A text of several lines that is all there is.
static bool print_document(ResultPrinter *self) {
    uint32_t at = 0;
    if (!self->document || shown_count(&self->rows) != 1) return false;
    Str text = shown_next(&self->rows, &at)->cell[0];
    if (str_find(text, STR("\n"), 0) < 0) return false;
    (void)fwrite(text.ptr, 1, text.len, self->out);
    if (!str_ends(text, STR("\n"))) (void)fputc('\n', self->out);
    return true;
}

static void print_closing(ResultPrinter *self, uint64_t count, double seconds) {
    char took[40] = "";
    if (seconds >= 0) (void)snprintf(took, sizeof took, " (%.2f seconds)", seconds);
    const char *s = count == 1 ? "" : "s";
    if (self->changes) {
        (void)fprintf(self->out, "Received a total of %llu row%s%s\n", (unsigned long long)count, s,
                      took);
    } else if (count == 0) {
        (void)fprintf(self->out, "Empty set%s\n", took);
    } else {
        (void)fprintf(self->out, "%llu row%s in set%s\n", (unsigned long long)count, s, took);
    }
}

void result_end(ResultPrinter *self, bool complete, double seconds) {
    if (!self->open) return;  // the statement gave no rows at all
    if (print_document(self) || self->mode == RESULT_CHANGELOG) {
        (void)fflush(self->out);
        return;
    }
    uint64_t count = self->mode == RESULT_TABLE ? shown_count(&self->rows) : self->total;
    if (count || self->changes) {
        print_rows(self);
        put_rule(self);
    }
    if (complete) print_closing(self, count, seconds);
    (void)fflush(self->out);
}

void result_print(const ShownRows *rows, const Str *name, const bool *number, bool changes,
                  bool complete, double seconds, FILE *out) {
    ResultPrinter self = {.mode = changes ? RESULT_TABLEAU : RESULT_TABLE,
                          .changes = changes,
                          .out = out,
                          .open = true,
                          .columns = rows->columns,
                          .name = (Str *)name,
                          .number = (bool *)number,
                          .rows = *rows,
                          .total = shown_count(rows)};
    self.width = NEW_ARRAY(uint32_t, rows->columns + 1);
    result_end(&self, complete, seconds);
    mem_free(self.width);
    buf_free(&self.line);
}
