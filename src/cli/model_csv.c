#include "cli/model_csv.h"

#include <math.h>

#include "base/bits.h"
#include "os/os.h"
#include "type/number.h"

enum { COLUMNS_MAX = 1 << 20 };

static char separator_of(Str header) {
    for (const char *s = ";\t,"; *s; s++) {
        if (header.len && memchr(header.ptr, *s, header.len)) return *s;
    }
    return ',';
}

// One cell from *at on; what follows is its separator, the end of its line or of the text.
static Str read_cell(char *text, size_t size, size_t *at, char separator) {
    if (*at < size && text[*at] == '"') {
        char *to = text + *at;  // unquoted in place
        uint32_t len = 0;
        for (++*at; *at < size; ++*at) {
            if (text[*at] == '"' && !(*at + 1 < size && text[*at + 1] == '"')) break;
            if (text[*at] == '"') ++*at;
            to[len++] = text[*at];
        }
        if (*at < size) ++*at;
        return str_make(to, len);
    }
    size_t from = *at;
    while (*at < size && text[*at] != separator && text[*at] != '\n') ++*at;
    size_t end = *at;
    if (end > from && text[end - 1] == '\r') end--;
    return str_make(text + from, end - from);
}

typedef struct Cells {
    Str *cell;
    size_t count, cap;
} Cells;

static void put_cell(Cells *cells, Str cell) {
    if (cells->count == cells->cap) {
        cells->cap = cells->cap ? cells->cap * 2 : 1024;
        cells->cell = mem_realloc(cells->cell, sizeof *cells->cell * cells->cap);
    }
    cells->cell[cells->count++] = cell;
}

// A line of cells, filled up or cut to [columns] unless that is 0; returns how many there were.
static uint32_t read_line(char *text, size_t size, size_t *at, char separator, uint32_t columns,
                          Cells *cells) {
    uint32_t count = 0;
    for (;;) {
        Str cell = read_cell(text, size, at, separator);
        if (!cell.ptr) cell.ptr = "";
        if (columns == 0 || count < columns) put_cell(cells, cell);
        count++;
        while (*at < size && text[*at] == '\r') ++*at;
        if (*at >= size || text[*at] != separator || count == COLUMNS_MAX) break;
        ++*at;
    }
    while (*at < size && text[*at] != '\n') ++*at;
    if (*at < size) ++*at;
    for (uint32_t i = count; i < columns; i++) put_cell(cells, (Str){0});
    return count;
}

Status csv_table_read(const char *path, CsvTable *out, Error *err) {
    *out = (CsvTable){0};
    arena_init(&out->arena);
    TRY(os_read_file(str_c(path), &out->text, err));
    char *text = out->text.ptr;
    size_t size = out->text.len, at = 0;
    if (size == 0) return error_set(err, ST_VALIDATION, "%s: an empty file", path);
    char *end = memchr(text, '\n', size);
    char separator = separator_of(str_make(text, end ? (size_t)(end - text) : size));
    Cells cells = {0};
    out->columns = read_line(text, size, &at, separator, 0, &cells);
    while (at < size) {
        (void)read_line(text, size, &at, separator, out->columns, &cells);
        out->rows++;
    }
    out->name = arena_dup(&out->arena, cells.cell, sizeof *cells.cell * cells.count);
    out->cell = out->name + out->columns;
    mem_free(cells.cell);
    bool numbers = true;
    for (uint32_t c = 0; c < out->columns && numbers; c++) {
        double value;
        numbers = csv_missing(out->name[c]) || f64_parse_java(out->name[c], &value);
    }
    if (numbers) csv_table_unname(out);
    return ST_OK;
}

void csv_table_unname(CsvTable *table) {
    if (table->nameless) return;
    table->nameless = true;
    table->cell = table->name;
    table->name = ARENA_ARRAY(&table->arena, Str, table->columns + 1);
    for (uint32_t c = 0; c < table->columns; c++) {
        table->name[c] = str_printf(&table->arena, "%u", c + 1);
    }
    table->rows++;
}

void csv_table_clear(CsvTable *table) {
    buf_free(&table->text);
    arena_clear(&table->arena);
}

bool csv_missing(Str cell) {
    return cell.len == 0 || str_is(cell, "N/A") || str_is(cell, "NA");
}

CsvPlace *csv_places(const CsvTable *table, const MlField *field, uint32_t count, Arena *arena) {
    CsvPlace *place = ARENA_ARRAY(arena, CsvPlace, table->columns + 1);
    uint64_t values = 0;
    bool known = false;
    for (uint32_t f = 0; f < count; f++) values += field[f].width;
    for (uint32_t c = 0; c < table->columns; c++) {
        place[c].field = -1;
        for (uint32_t f = 0; f < count && place[c].field < 0; f++) {
            if (!table->nameless && str_eq(field[f].name, table->name[c]))
                place[c].field = (int32_t)f;
        }
        known |= place[c].field >= 0;
    }
    if (known || values != table->columns) return place;
    for (uint32_t c = 0, f = 0, v = 0; c < table->columns; c++) {
        while (v == field[f].width) f++, v = 0;
        place[c] = (CsvPlace){(int32_t)f, v++};
    }
    return place;
}

static double number_of(Str cell) {
    double value;
    if (f64_parse_java(cell, &value)) return value;
    if (str_eq_nocase(cell, STR("true"))) return 1;
    return str_eq_nocase(cell, STR("false")) ? 0 : (double)NAN;
}

static void make_column(const MlField *field, uint32_t rows, MlColumn *column, Arena *arena) {
    *column = (MlColumn){.valid = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(rows) + 1)};
    if (field->list) return;
    size_t values = (size_t)rows * field->width + 1;
    if (field->type == ML_TEXT) column->text = ARENA_ARRAY(arena, Str, values);
    else column->number = ARENA_ARRAY(arena, double, values);
}

static void put_one(const MlField *field, MlColumn *column, size_t at, Str cell) {
    if (field->type == ML_TEXT) column->text[at] = cell;
    else column->number[at] = csv_missing(cell) ? (double)NAN : number_of(cell);
}

// A list in one cell: its items between '|'.
static void put_lists(const CsvTable *table, uint32_t c, uint32_t first, uint32_t rows,
                      const MlField *field, MlColumn *column, Arena *arena) {
    uint32_t items = 0;
    column->offset = ARENA_ARRAY(arena, uint32_t, rows + 1);
    for (uint32_t row = 0; row < rows; row++) {
        Str cell = table->cell[(size_t)(first + row) * table->columns + c];
        if (!csv_missing(cell)) items++;
        for (uint32_t i = 0; !csv_missing(cell) && i < cell.len; i++) items += cell.ptr[i] == '|';
        column->offset[row + 1] = items;
    }
    if (field->type == ML_TEXT) column->text = ARENA_ARRAY(arena, Str, items + 1);
    else column->number = ARENA_ARRAY(arena, double, items + 1);
    for (uint32_t row = 0; row < rows; row++) {
        Str cell = table->cell[(size_t)(first + row) * table->columns + c];
        if (!csv_missing(cell)) bits_set(column->valid, row);
        for (uint32_t i = column->offset[row]; i < column->offset[row + 1]; i++) {
            int64_t bar = str_find(cell, STR("|"), 0);
            uint32_t len = bar < 0 ? cell.len : (uint32_t)bar;
            put_one(field, column, i, str_sub(cell, 0, len));
            cell = str_sub(cell, len + 1, cell.len);
        }
    }
}

Status csv_inputs(const CsvTable *table, const MlModel *model, uint32_t first, uint32_t rows,
                  MlColumn *in, Arena *arena, Error *err) {
    CsvPlace *place = csv_places(table, model->in, model->in_count, arena);
    bool any = model->in_count == 0;
    for (uint32_t f = 0; f < model->in_count; f++) make_column(&model->in[f], rows, &in[f], arena);
    for (uint32_t c = 0; c < table->columns; c++) {
        if (place[c].field < 0) continue;
        any = true;
        const MlField *field = &model->in[place[c].field];
        MlColumn *column = &in[place[c].field];
        if (field->list) {
            put_lists(table, c, first, rows, field, column, arena);
            continue;
        }
        for (uint32_t row = 0; row < rows; row++) {
            Str cell = table->cell[(size_t)(first + row) * table->columns + c];
            // An empty cell is a missing number, but a text like any other.
            bool empty_text = field->type == ML_TEXT && cell.ptr && cell.len == 0;
            if (!csv_missing(cell) || empty_text || field->width > 1) bits_set(column->valid, row);
            put_one(field, column, (size_t)row * field->width + place[c].value, cell);
        }
    }
    if (!any) {
        return error_set(err, ST_VALIDATION,
                         "no column of the input is one of the model's, and their "
                         "number is another than that of its values");
    }
    for (uint32_t f = 0; f < model->in_count; f++) {  // a list that no column has: no items
        if (model->in[f].list && !in[f].offset)
            in[f].offset = ARENA_ARRAY(arena, uint32_t, rows + 1);
    }
    return ST_OK;
}
