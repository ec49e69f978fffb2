// weir model: what is in a model's file, and whether it answers as it should.
#include <math.h>
#include <stdio.h>

#include "base/bits.h"
#include "cli/cli.h"
#include "cli/model_csv.h"
#include "cli/model_file.h"
#include "type/number.h"

enum { BATCH_ROWS = 1000, OPERANDS_MAX = 4, DIFFERENCES_SHOWN = 10 };

static int model_main(int argc, char **argv);

static const ArgDef ARGS[] = {
    {"--tolerance", NULL, "R", "check: numbers may differ by this share of the larger one (1e-5)"},
    {"--absolute", NULL, "A", "check: or by this much (1e-7)"},
    {"--library", NULL, NULL, "runs ONNX and TensorFlow models by the library that is installed"},
    {"--help", "-h", NULL, "shows this"},
    {0},
};
enum { ARG_TOLERANCE, ARG_ABSOLUTE, ARG_LIBRARY, ARG_HELP };

const Command MODEL_COMMAND = {
    .name = "model",
    .run = model_main,
    .usage = "show MODEL | predict MODEL INPUT.csv | check MODEL INPUT.csv EXPECTED.csv [OPTION]..."
             " | export MODEL FILE.pmml",
    .doc =
        "Shows what a model's file takes and gives, asks it, checks its answers against expected\n"
        "ones; writes a model that was trained here as PMML.\n\n"
        "MODEL is a file (pmml, onnx, pb, weir), the folder of a SavedModel, or a folder of\n"
        "versions, which stands for the one in use. The first line of a CSV file names fields,\n"
        "unless it holds nothing but numbers; N/A, NA and an empty cell of a number are missing\n"
        "values, | parts the items of a list. Columns go to fields by name, else in their order;\n"
        "_target is the first one that the model gives.",
    .args = ARGS,
};

static int failed(const Error *err) {
    (void)fprintf(stderr, "weir model: %s\n", err->message);
    if (err->hint[0]) (void)fprintf(stderr, "hint: %s\n", err->hint);
    return EXIT_FAILED;
}

// -- show -----------------------------------------------------------------------------------------

static bool by_library;

static Status load(const char *path, MlModel **out, Error *err) {
    if (!by_library) return model_file_load(path, out, err);
    bool onnx = str_ends(str_c(path), STR(".onnx"));
    return ml_load(str_c(path), onnx ? "onnx-library" : "tensorflow-library", out, err);
}

static void put_fields(const char *title, const MlField *field, uint32_t count, Buf *out) {
    static const char *const TYPES[] = {[ML_DOUBLE] = "double", [ML_FLOAT] = "float",
                                        [ML_INTEGER] = "integer", [ML_BOOLEAN] = "boolean",
                                        [ML_TEXT] = "text"};
    buf_printf(out, "%s\n", title);
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(out, "  " STR_FMT "  %s%s", STR_ARG(field[i].name), TYPES[field[i].type],
                   field[i].list ? ", any number of them" : "");
        if (field[i].shape.len) buf_printf(out, " " STR_FMT, STR_ARG(field[i].shape));
        buf_putc(out, '\n');
    }
}

static int show(char *const *operand, double tolerance, double absolute) {
    (void)tolerance, (void)absolute;
    MlModel *model;
    Error err = {0};
    if (load(operand[0], &model, &err)) return failed(&err);
    Buf out = {0};
    buf_printf(&out, "format: %s\n", model->vt->format);
    if (model->vt->describe) {
        buf_puts(&out, "model: ");
        model->vt->describe(model, &out);
        buf_putc(&out, '\n');
    }
    put_fields("in:", model->in, model->in_count, &out);
    put_fields("out:", model->out, model->out_count, &out);
    (void)fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
    ml_free(model);
    return EXIT_FINE;
}

// -- check ----------------------------------------------------------------------------------------

typedef struct Check {
    MlModel *model;
    CsvTable input, expected;
    CsvPlace *place;  // of the expected columns
    double tolerance, absolute;
    uint64_t passed, failed;
    uint32_t shown;
} Check;

// Single precision comes out of sums of numbers near 1: what is smaller has no more digits.
static bool near(const Check *self, MlType type, double a, double b) {
    if (a == b || (isnan(a) && isnan(b))) return true;
    double size = fmax(fmax(fabs(a), fabs(b)), type == ML_FLOAT ? 1 : 0);
    return fabs(a - b) <= fmax(self->absolute, self->tolerance * size);
}

// As the languages print it that expected answers come from: "inf", "True".
static bool number_of(MlType type, Str text, double *out) {
    static const struct { Str text; double value; } NAMES[] = {
        {{"inf", 3}, INFINITY}, {{"+inf", 4}, INFINITY}, {{"-inf", 4}, -INFINITY},
        {{"nan", 3}, NAN},      {{"true", 4}, 1},        {{"false", 5}, 0}};
    if (f64_parse_java(text, out)) return true;
    for (size_t i = 0; type != ML_TEXT && i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (!str_eq_nocase(text, NAMES[i].text)) continue;
        *out = NAMES[i].value;
        return true;
    }
    return false;
}

static bool same(const Check *self, MlType type, Str got, Str expected) {
    double a, b;
    if (str_eq(got, expected)) return true;
    return number_of(type, got, &a) && number_of(type, expected, &b) && near(self, type, a, b);
}

static void tell(Check *self, uint64_t row, uint32_t column, Str got, Str expected) {
    if (self->shown++ >= DIFFERENCES_SHOWN) return;
    printf("row %llu, column " STR_FMT ": " STR_FMT ", not " STR_FMT "\n",
           (unsigned long long)row + 1, STR_ARG(self->expected.name[column]), STR_ARG(got),
           STR_ARG(expected));
}

// The items of a list, between '|'.
static void put_items(const MlField *field, const MlColumn *column, uint32_t row, Buf *out) {
    for (uint32_t i = column->offset[row]; i < column->offset[row + 1]; i++) {
        if (i > column->offset[row]) buf_putc(out, '|');
        ml_print(field, column, i, out);
    }
}

static bool is_there(const MlColumn *column, uint32_t row) {
    return !column->valid || bits_get(column->valid, row);
}

// Value [i] of a row, or all of a list.
static void put_value(const MlField *field, const MlColumn *column, uint32_t row, uint32_t i,
                      Buf *out) {
    if (!is_there(column, row)) buf_puts(out, "N/A");
    else if (field->list) put_items(field, column, row, out);
    else ml_print(field, column, row * field->width + i, out);
}

// What the model says where column [c] of the file has something else, perhaps.
static void put_answer(const Check *self, uint32_t c, const MlColumn *out, uint32_t row,
                       Buf *text) {
    CsvPlace place = self->place[c];
    const MlField *field = &self->model->out[place.field];
    const MlColumn *column = &out[place.field];
    if (!place.spread || !is_there(column, row)) {
        put_value(field, column, row, place.value, text);
    } else if (place.value < column->offset[row + 1] - column->offset[row]) {
        ml_print(field, column, column->offset[row] + place.value, text);
    }
}

// Item for item, of lists.
static bool same_cells(const Check *self, const MlField *field, Str got, Str expected) {
    if (csv_missing(got) && csv_missing(expected)) return true;
    MlType type = field ? field->type : ML_TEXT;
    if (!field || !field->list) return same(self, type, got, expected);
    for (;;) {
        int64_t a = str_find(got, STR("|"), 0), b = str_find(expected, STR("|"), 0);
        Str one = str_sub(got, 0, a < 0 ? got.len : (uint32_t)a);
        Str other = str_sub(expected, 0, b < 0 ? expected.len : (uint32_t)b);
        if (!same(self, type, one, other) || (a < 0) != (b < 0)) return false;
        if (a < 0) return true;
        got = str_sub(got, one.len + 1, got.len - one.len - 1);
        expected = str_sub(expected, other.len + 1, expected.len - other.len - 1);
    }
}

// Row [at] of the batch is row [row] of the file.
static void judge(Check *self, const MlColumn *out, uint32_t at, uint64_t row) {
    bool good = true;
    Buf text = {0};
    for (uint32_t c = 0; c < self->expected.columns; c++) {
        int32_t field = self->place[c].field;
        Str expected = self->expected.cell[row * self->expected.columns + c];
        text.len = 0;
        if (field < 0) buf_puts(&text, "nothing of that name");
        else put_answer(self, c, out, at, &text);
        Str got = buf_str(&text);
        if (same_cells(self, field < 0 ? NULL : &self->model->out[field], got, expected)) continue;
        tell(self, row, c, got, csv_missing(expected) ? STR("N/A") : expected);
        good = false;
    }
    buf_free(&text);
    if (good) self->passed++;
    else self->failed++;
}

static Status predict(Check *self, uint32_t first, uint32_t rows, MlColumn *out, Arena *arena,
                      Error *err) {
    MlColumn *in = ARENA_ARRAY(arena, MlColumn, self->model->in_count + 1);
    TRY(csv_inputs(&self->input, self->model, first, rows, in, arena, err));
    return self->model->vt->predict(self->model, in, rows, out, arena, err);
}

// A batch that fails is asked for again row by row.
static void check_batch(Check *self, uint32_t first, uint32_t rows) {
    Error err = {0};
    Arena arena;
    arena_init(&arena);
    MlColumn *out = ARENA_ARRAY(&arena, MlColumn, self->model->out_count + 1);
    if (predict(self, first, rows, out, &arena, &err) == ST_OK) {
        for (uint32_t i = 0; i < rows; i++) judge(self, out, i, first + i);
    } else if (rows > 1) {
        for (uint32_t i = 0; i < rows; i++) check_batch(self, first + i, 1);
    } else {
        if (self->shown++ < DIFFERENCES_SHOWN) {
            const char *what =
                strncmp(err.message, "row 1: ", 7) == 0 ? err.message + 7 : err.message;
            printf("row %u: %s\n", first + 1, what);
        }
        self->failed++;
    }
    arena_clear(&arena);
}

static void find_columns(Check *self) {
    CsvTable *expected = &self->expected;
    self->place = csv_places(expected, self->model->out, self->model->out_count, &expected->arena);
    for (uint32_t c = 0; c < expected->columns; c++) {
        if (self->place[c].field < 0 && str_is(expected->name[c], "_target") &&
            self->model->out_count) {
            self->place[c].field = 0;
        }
    }
}

static int check(char *const *operand, double tolerance, double absolute) {
    Check self = {.tolerance = tolerance, .absolute = absolute};
    Error err = {0};
    Status st = load(operand[0], &self.model, &err);
    if (!st) st = csv_table_read(operand[1], &self.input, &err);
    if (!st) st = csv_table_read(operand[2], &self.expected, &err);
    // Answers may begin with a label where the inputs are numbers only.
    if (!st && self.input.nameless && self.input.rows == self.expected.rows + 1) {
        csv_table_unname(&self.expected);
    }
    if (!st && self.input.rows != self.expected.rows) {
        st = error_set(&err, ST_VALIDATION, "%u rows of input, %u expected", self.input.rows,
                       self.expected.rows);
    }
    int code = st ? failed(&err) : EXIT_FINE;
    if (!st) {
        find_columns(&self);
        for (uint32_t row = 0; row < self.input.rows; row += BATCH_ROWS) {
            uint32_t left = self.input.rows - row;
            check_batch(&self, row, left < BATCH_ROWS ? left : BATCH_ROWS);
        }
        if (self.shown > DIFFERENCES_SHOWN) printf("... %u more\n", self.shown - DIFFERENCES_SHOWN);
        printf("%llu passed, %llu failed\n", (unsigned long long)self.passed,
               (unsigned long long)self.failed);
        if (self.failed) code = EXIT_FAILED;
    }
    csv_table_clear(&self.input);
    csv_table_clear(&self.expected);
    ml_free(self.model);
    return code;
}

static int export(char *const *operand, double tolerance, double absolute) {
    (void)tolerance, (void)absolute;
    Error err = {0};
    return model_file_export(operand[0], operand[1], &err) ? failed(&err) : EXIT_FINE;
}

// -- predict --------------------------------------------------------------------------------------

static void put_cell(Str text, Buf *out) {
    bool plain = true;
    for (uint32_t i = 0; i < text.len && plain; i++) plain = !memchr(",;\t\"\r\n", text.ptr[i], 6);
    if (plain) {
        buf_put_str(out, text);
        return;
    }
    buf_putc(out, '"');
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') buf_putc(out, '"');
        buf_putc(out, text.ptr[i]);
    }
    buf_putc(out, '"');
}

static void put_header(const MlModel *model, Buf *out) {
    for (uint32_t f = 0, cells = 0; f < model->out_count; f++) {
        for (uint32_t i = 0; i < model->out[f].width; i++) {
            Buf name = {0};
            buf_put_str(&name, model->out[f].name);
            if (model->out[f].width > 1) buf_printf(&name, "[%u]", i);
            if (cells++) buf_putc(out, ',');
            put_cell(buf_str(&name), out);
            buf_free(&name);
        }
    }
    buf_putc(out, '\n');
}

static void put_row(const MlModel *model, const MlColumn *column, uint32_t row, Buf *out) {
    Buf cell = {0};
    for (uint32_t f = 0, cells = 0; f < model->out_count; f++) {
        for (uint32_t i = 0; i < model->out[f].width; i++) {
            cell.len = 0;
            put_value(&model->out[f], &column[f], row, i, &cell);
            if (cells++) buf_putc(out, ',');
            put_cell(buf_str(&cell), out);
        }
    }
    buf_putc(out, '\n');
    buf_free(&cell);
}

static int predict_file(char *const *operand, double tolerance, double absolute) {
    (void)tolerance, (void)absolute;
    Check self = {0};
    Error err = {0};
    Status st = load(operand[0], &self.model, &err);
    if (!st) st = csv_table_read(operand[1], &self.input, &err);
    Buf out = {0};
    if (!st) put_header(self.model, &out);
    for (uint32_t first = 0; !st && first < self.input.rows; first += BATCH_ROWS) {
        uint32_t left = self.input.rows - first, rows = left < BATCH_ROWS ? left : BATCH_ROWS;
        Arena arena;
        arena_init(&arena);
        MlColumn *column = ARENA_ARRAY(&arena, MlColumn, self.model->out_count + 1);
        st = predict(&self, first, rows, column, &arena, &err);
        for (uint32_t row = 0; !st && row < rows; row++) put_row(self.model, column, row, &out);
        (void)fwrite(out.ptr, 1, out.len, stdout);
        out.len = 0;
        arena_clear(&arena);
    }
    buf_free(&out);
    csv_table_clear(&self.input);
    ml_free(self.model);
    return st ? failed(&err) : EXIT_FINE;
}

// -- The command ----------------------------------------------------------------------------------

typedef struct Verb {
    const char *name;
    int operands;  // behind the name
    int (*run)(char *const *operand, double tolerance, double absolute);
} Verb;

static const Verb VERBS[] = {{"show", 1, show}, {"predict", 2, predict_file}, {"check", 3, check},
                             {"export", 2, export}};

static const Verb *verb_of(const char *name, int operands) {
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++) {
        if (name && strcmp(VERBS[i].name, name) == 0 && VERBS[i].operands == operands)
            return &VERBS[i];
    }
    return NULL;
}

static int model_main(int argc, char **argv) {
    Args args = {.argc = argc, .argv = argv, .defs = ARGS};
    Error err = {0};
    char *operand[OPERANDS_MAX] = {0};
    int operands = 0;
    double tolerance = 1e-5, absolute = 1e-7;
    for (int at; (at = args_next(&args, &err)) != ARGS_END;) {
        double *number = at == ARG_TOLERANCE ? &tolerance : &absolute;
        switch (at) {
            case ARGS_WRONG: return usage_error(&MODEL_COMMAND, &err);
            case ARG_HELP: return usage_print(&MODEL_COMMAND);
            case ARG_LIBRARY: by_library = true; break;
            case ARGS_OPERAND:
                if (operands < OPERANDS_MAX) operand[operands] = (char *)(uintptr_t)args.value;
                operands++;
                break;
            default:
                if (str_to_f64(str_c(args.value), number) && *number >= 0) break;
                (void)error_set(&err, ST_USAGE, "'%s' is not a value for %s", args.value,
                                ARGS[at].name);
                return usage_error(&MODEL_COMMAND, &err);
        }
    }
    const Verb *verb = verb_of(operand[0], operands - 1);
    if (verb) return verb->run(operand + 1, tolerance, absolute);
    (void)error_set(&err, ST_USAGE, "what is to be done?");
    error_hint(&err, "weir model show MODEL, or weir model check MODEL INPUT.csv EXPECTED.csv, or "
                     "weir model export MODEL FILE.pmml");
    return usage_error(&MODEL_COMMAND, &err);
}
