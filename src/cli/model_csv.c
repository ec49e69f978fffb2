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
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, size -= 3;
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

// The number behind a field's name: y_2, y[2], y.2, y(2); false: the column is none of the field's.
// A list has no more items than the table has columns.
static bool numbered(const CsvTable *table, uint32_t c, const MlField *field, uint32_t *out) {
    Str name = table->name[c];
    if ((field->width == 1 && !field->list) || !str_starts(name, field->name)) return false;
    Str rest = str_sub(name, field->name.len, name.len - field->name.len);
    if (rest.len < 2 || !memchr("_.[(: ", rest.ptr[0], 6)) return false;
    bool closed = rest.ptr[rest.len - 1] == ']' || rest.ptr[rest.len - 1] == ')';
    int64_t number;
    if (!str_to_i64(str_sub(rest, 1, rest.len - 1 - closed), &number)) return false;
    if (number < 0 || number > (field->list ? table->columns : field->width)) return false;
    *out = (uint32_t)number;
    return true;
}

// Numbers count from 0, or from 1 where no column is 0.
static void place_numbered(const CsvTable *table, const MlField *field, int32_t f,
                           CsvPlace *place) {
    uint32_t number, least = 1;
    for (uint32_t c = 0; c < table->columns; c++) {
        if (place[c].field < 0 && numbered(table, c, field, &number) && !number) least = 0;
    }
    for (uint32_t c = 0; c < table->columns; c++) {
        if (place[c].field >= 0 || !numbered(table, c, field, &number)) continue;
        if (field->list || number - least < field->width) {
            place[c] = (CsvPlace){.field = f, .value = number - least};
        }
    }
}

// A name that stands several times: one value after the other.
static void place_named(const CsvTable *table, const MlField *field, int32_t f, CsvPlace *place) {
    uint32_t value = 0, most = field->list ? COLUMNS_MAX : field->width;
    for (uint32_t c = 0; c < table->columns; c++) {
        if (place[c].field >= 0 || !str_eq(field->name, table->name[c])) continue;
        place[c] = (CsvPlace){.field = f, .value = value < most ? value++ : most - 1};
    }
}

static uint32_t columns_of(const CsvTable *table, const CsvPlace *place, int32_t field) {
    uint32_t count = 0;
    for (uint32_t c = 0; c < table->columns; c++) count += place[c].field == field;
    return count;
}

// Without names: all values in their order, or, of a model with one list, all for it.
static void place_by_order(const CsvTable *table, const MlField *field, uint32_t count,
                           CsvPlace *place) {
    uint64_t values = 0;
    for (uint32_t f = 0; f < count; f++) values += field[f].width;
    bool list = count == 1 && field[0].list && table->columns > 1;
    if (!list && values != table->columns) return;
    for (uint32_t c = 0, f = 0, v = 0; c < table->columns; c++) {
        while (!list && v == field[f].width) f++, v = 0;
        place[c] = (CsvPlace){.field = (int32_t)f, .value = v++};
    }
}

// The columns that are left go to the one tensor that is left, when they are as many as its values.
static void place_the_rest(const CsvTable *table, const MlField *field, uint32_t count,
                           CsvPlace *place) {
    int32_t open = -1;
    for (uint32_t f = 0; f < count; f++) {
        if (field[f].width == 1 || columns_of(table, place, (int32_t)f)) continue;
        if (open >= 0) return;
        open = (int32_t)f;
    }
    if (open < 0 || columns_of(table, place, -1) != field[open].width) return;
    for (uint32_t c = 0, v = 0; c < table->columns; c++) {
        if (place[c].field < 0) place[c] = (CsvPlace){.field = open, .value = v++};
    }
}

CsvPlace *csv_places(const CsvTable *table, const MlField *field, uint32_t count, Arena *arena) {
    CsvPlace *place = ARENA_ARRAY(arena, CsvPlace, table->columns + 1);
    for (uint32_t c = 0; c < table->columns; c++) place[c].field = -1;
    for (uint32_t f = 0; f < count && !table->nameless; f++) {
        place_named(table, &field[f], (int32_t)f, place);
    }
    for (uint32_t f = 0; f < count && !table->nameless; f++) {
        if (!columns_of(table, place, (int32_t)f)) {
            place_numbered(table, &field[f], (int32_t)f, place);
        }
    }
    if (columns_of(table, place, -1) == table->columns) place_by_order(table, field, count, place);
    else place_the_rest(table, field, count, place);
    for (uint32_t f = 0; f < count; f++) {
        bool spread = field[f].list && columns_of(table, place, (int32_t)f) > 1;
        for (uint32_t c = 0; spread && c < table->columns; c++) {
            if (place[c].field == (int32_t)f) place[c].spread = true;
        }
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

// A list whose items stand in columns of their own; those behind the last that is there are none,
// those before it are missing.
static void put_spread(const CsvTable *table, const CsvPlace *place, int32_t f, uint32_t first,
                       uint32_t rows, const MlField *field, MlColumn *column, Arena *arena) {
    uint32_t most = 0, columns = table->columns;
    for (uint32_t c = 0; c < columns; c++) {
        if (place[c].field == f && place[c].value >= most) most = place[c].value + 1;
    }
    column->offset = ARENA_ARRAY(arena, uint32_t, rows + 1);
    if (field->type == ML_TEXT) column->text = ARENA_ARRAY(arena, Str, (size_t)most * rows + 1);
    else column->number = ARENA_ARRAY(arena, double, (size_t)most * rows + 1);
    for (uint32_t row = 0; row < rows; row++) {
        const Str *cell = table->cell + (size_t)(first + row) * columns;
        uint32_t items = 0, begin = column->offset[row];
        for (uint32_t c = 0; c < columns; c++) {
            if (place[c].field != f || csv_missing(cell[c])) continue;
            for (; items <= place[c].value; items++)
                put_one(field, column, begin + items, (Str){0});
            put_one(field, column, begin + place[c].value, cell[c]);
        }
        if (items) bits_set(column->valid, row);
        column->offset[row + 1] = begin + items;
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
            if (!place[c].spread) put_lists(table, c, first, rows, field, column, arena);
            else if (!column->offset)
                put_spread(table, place, place[c].field, first, rows, field, column, arena);
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
