// ml/train/data.c - rows as learners take them: features of doubles, labels as numbers of classes,
// those to be judged on behind those to be learned from.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/map.h"
#include "ml/train/train_int.h"
#include "type/number.h"

static bool is_missing(const MlColumn *column, const MlField *field, uint32_t row) {
    if (column->valid && !bits_get(column->valid, row)) return true;
    return field->type != ML_TEXT && isnan(column->number[(size_t)row * field->width]);
}

Status data_check(const MlTrainSpec *spec, const MlAlgorithm *algorithm, const MlField *field,
                  uint32_t columns, MlTask task, Error *err) {
    bool wants = task != ML_CLUSTERING && task != ML_OUTLIERS;
    if (wants && spec->label < 0) {
        return error_set(err, ST_VALIDATION, "'%s' learns from a label, and no column is one",
                         algorithm->name);
    }
    if (!wants && spec->label >= 0) {
        return error_set(err, ST_VALIDATION, "'%s' takes no label", algorithm->name);
    }
    uint64_t features = 0;
    for (uint32_t c = 0; c < columns; c++) {
        bool label = (int32_t)c == spec->label;
        if (field[c].list || (field[c].type == ML_TEXT && field[c].width > 1)) {
            return error_set(err, ST_VALIDATION, "column '" STR_FMT "': a list is no feature",
                             STR_ARG(field[c].name));
        }
        if (label && field[c].width != 1) {
            return error_set(err, ST_VALIDATION, "the label '" STR_FMT "' is not one value",
                             STR_ARG(field[c].name));
        }
        if (label && field[c].type == ML_TEXT && task != ML_CLASSIFICATION) {
            return error_set(err, ST_VALIDATION,
                             "the label '" STR_FMT "' is a text: %s takes a number",
                             STR_ARG(field[c].name), ml_task_name(task));
        }
        if (!label) features += field[c].width;
    }
    if (!features && task != ML_FORECASTING) {  // the label's own past may do for a forecast
        return error_set(err, ST_VALIDATION, "there is no column to learn from");
    }
    if (features > WEIR_FEATURES_MAX) {
        return error_set(err, ST_VALIDATION, "%" PRIu64 " features are more than %d", features,
                         WEIR_FEATURES_MAX);
    }
    return ST_OK;
}

// ---- fields

static Str copy(WeirModel *model, Str text) {
    return str_dup(&model->arena, text);
}

static void make_features(MlTrainer *trainer) {
    const MlTable *table = trainer->table;
    WeirModel *model = trainer->model;
    for (uint32_t c = 0; c < table->columns; c++) {
        if ((int32_t)c != trainer->spec->label) model->features += table->field[c].width;
    }
    model->in = ARENA_ARRAY(&model->arena, MlField, table->columns);
    model->feature = ARENA_ARRAY(&model->arena, Feature, model->features);
    Feature *feature = model->feature;
    for (uint32_t c = 0; c < table->columns; c++) {
        if ((int32_t)c == trainer->spec->label) continue;
        MlField *field = &model->in[model->in_count];
        *field = table->field[c];
        field->name = copy(model, field->name);
        field->shape = copy(model, field->shape);
        for (uint32_t i = 0; i < field->width; i++, feature++) {
            *feature = (Feature){.name = field->name, .type = field->type, .index = i,
                                 .column = model->in_count, .scale = 1};
            if (field->width == 1) continue;
            feature->name =
                str_printf(&model->arena, STR_FMT "[%u]", STR_ARG(field->name), i);
        }
        model->in_count++;
    }
}

// Field [i] of the model is this column of the table.
static uint32_t column_of(const MlTrainer *trainer, uint32_t i) {
    return i + (trainer->spec->label >= 0 && i >= (uint32_t)trainer->spec->label);
}

// ---- texts and classes

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

// The different texts of a column in order of bytes.
static Status distinct_texts(MlTrainer *trainer, uint32_t column, const uint32_t *row,
                             uint32_t rows, uint32_t max, Str **out, uint32_t *count, Error *err) {
    const MlColumn *from = &trainer->table->column[column];
    const MlField *field = &trainer->table->field[column];
    Map seen = {0};
    Status st = ST_OK;
    for (uint32_t i = 0; i < rows && !st; i++) {
        if (is_missing(from, field, row[i]) || map_has(&seen, from->text[row[i]])) continue;
        if (seen.count == max) {
            st = error_set(err, ST_VALIDATION,
                           "column '" STR_FMT "' has more than %u different texts",
                           STR_ARG(field->name), max);
            error_hint(err, "leave it out of the SELECT, or make fewer of them");
        } else {
            map_put(&seen, from->text[row[i]], trainer);
        }
    }
    Str *text = ARENA_ARRAY(&trainer->model->arena, Str, seen.count + 1);
    for (uint32_t i = 0; i < seen.count; i++) text[i] = copy(trainer->model, seen.entry[i].key);
    qsort(text, seen.count, sizeof *text, by_text);
    *out = text;
    *count = seen.count;
    map_clear(&seen);
    return st;
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// The label's values in order, by number or by bytes, each as it is printed.
static Status make_classes(MlTrainer *trainer, const uint32_t *row, Error *err) {
    uint32_t label = (uint32_t)trainer->spec->label, rows = trainer->rows;
    WeirModel *model = trainer->model;
    const MlField *field = &trainer->table->field[label];
    const MlColumn *from = &trainer->table->column[label];
    if (field->type == ML_TEXT) {
        TRY(distinct_texts(trainer, label, row, rows, WEIR_CLASSES_MAX, &model->class_text,
                           &model->classes, err));
        model->class_number = ARENA_ARRAY(&model->arena, double, model->classes + 1);
    } else {
        double *value = ARENA_ARRAY(&trainer->arena, double, rows);
        for (uint32_t i = 0; i < rows; i++) value[i] = from->number[row[i]];
        qsort(value, rows, sizeof *value, by_number);
        uint32_t classes = 0;
        for (uint32_t i = 0; i < rows; i++) {
            if (!i || value[i] != value[i - 1]) value[classes++] = value[i];
        }
        if (classes > WEIR_CLASSES_MAX) {
            error_set(err, ST_VALIDATION, "the label '" STR_FMT "' has %u different values",
                      STR_ARG(field->name), classes);
            error_hint(err, "to predict the number itself set 'task' = 'regression'");
            return ST_VALIDATION;
        }
        model->classes = classes;
        model->class_number = arena_dup(&model->arena, value, classes * sizeof *value);
        model->class_text = ARENA_ARRAY(&model->arena, Str, classes);
        MlColumn column = {.number = model->class_number};
        Buf text = {0};
        for (uint32_t c = 0; c < classes; c++) {
            text.len = 0;
            ml_print(field, &column, c, &text);
            model->class_text[c] = copy(model, buf_str(&text));
        }
        buf_free(&text);
    }
    if (model->classes > 1) return ST_OK;
    return error_set(err, ST_VALIDATION, "all rows have the same label '" STR_FMT "'",
                     STR_ARG(model->class_text[0]));
}

static uint32_t class_of(const MlTrainer *trainer, uint32_t row) {
    const WeirModel *model = trainer->model;
    const MlColumn *from = &trainer->table->column[trainer->spec->label];
    uint32_t low = 0, high = model->classes - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        bool below = from->text ? str_cmp(model->class_text[middle], from->text[row]) < 0
                                : model->class_number[middle] < from->number[row];
        if (below) low = middle + 1;
        else high = middle;
    }
    return low;
}

// ---- rows

// Rows with a label; those to be judged on are drawn by the seed, of forecasts they are the last.
static Status choose_rows(MlTrainer *trainer, uint32_t *row, Error *err) {
    const MlTable *table = trainer->table;
    int32_t label = trainer->spec->label;
    uint32_t rows = 0;
    for (uint32_t i = 0; i < table->rows; i++) {
        if (label >= 0 && is_missing(&table->column[label], &table->field[label], i)) continue;
        row[rows++] = i;
    }
    trainer->rows = rows;
    uint32_t judged = (uint32_t)(rows * option_number(trainer, "validation-split"));
    trainer->train_rows = rows - judged;
    if (trainer->train_rows < 2) {
        return error_set(err, ST_VALIDATION, "%u row%s to learn from %s not enough",
                         trainer->train_rows, trainer->train_rows == 1 ? "" : "s",
                         trainer->train_rows == 1 ? "is" : "are");
    }
    if (!judged || trainer->task == ML_FORECASTING) return ST_OK;
    Rng rng = rng_make(trainer->seed, 1);
    uint8_t *behind = ARENA_ARRAY(&trainer->arena, uint8_t, rows);
    uint32_t *drawn = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    for (uint32_t i = 0; i < rows; i++) drawn[i] = i;
    rng_shuffle(&rng, drawn, rows);
    for (uint32_t i = 0; i < judged; i++) behind[drawn[i]] = 1;
    uint32_t first = 0, last = trainer->train_rows;
    for (uint32_t i = 0; i < rows; i++) drawn[behind[i] ? last++ : first++] = row[i];
    memcpy(row, drawn, rows * sizeof *row);
    return ST_OK;
}

static void take_numbers(MlTrainer *trainer, const uint32_t *row, uint32_t f) {
    Feature *feature = &trainer->model->feature[f];
    uint32_t column = column_of(trainer, feature->column);
    const MlColumn *from = &trainer->table->column[column];
    uint32_t width = trainer->table->field[column].width, present = 0;
    double *x = trainer->x[f], sum = 0, squares = 0;
    for (uint32_t i = 0; i < trainer->rows; i++) {
        bool missing = from->valid && !bits_get(from->valid, row[i]);
        x[i] = missing ? NAN : from->number[(size_t)row[i] * width + feature->index];
        if (isinf(x[i])) x[i] = NAN;  // no mean and no distance has room for it
        if (i < trainer->train_rows && !isnan(x[i])) sum += x[i], present++;
    }
    feature->mean = present ? sum / present : 0;
    for (uint32_t i = 0; i < trainer->train_rows; i++) {
        if (!isnan(x[i])) squares += (x[i] - feature->mean) * (x[i] - feature->mean);
    }
    feature->scale = present ? sqrt(squares / present) : 0;
    if (!(feature->scale > 1e-12 * fabs(feature->mean))) feature->scale = 1;
}

static Status take_texts(MlTrainer *trainer, const uint32_t *row, uint32_t f, Error *err) {
    Feature *feature = &trainer->model->feature[f];
    uint32_t column = column_of(trainer, feature->column);
    const MlColumn *from = &trainer->table->column[column];
    TRY(distinct_texts(trainer, column, row, trainer->rows, WEIR_CATEGORIES_MAX,
                       &feature->category, &feature->categories, err));
    // One that is always missing has one category that no row is of.
    if (!feature->categories) feature->category[feature->categories++] = STR("");
    for (uint32_t i = 0; i < trainer->rows; i++) {
        bool missing = from->valid && !bits_get(from->valid, row[i]);
        int32_t category = missing ? -1 : feature_category(feature, from->text[row[i]]);
        trainer->x[f][i] = missing ? (double)NAN : category;
    }
    return ST_OK;
}

Status data_take(MlTrainer *trainer, Error *err) {
    const MlTable *table = trainer->table;
    WeirModel *model = trainer->model;
    make_features(trainer);
    uint64_t bytes = (uint64_t)table->rows * (model->features + 3) * sizeof(double);
    TRY(trainer_charge(trainer, bytes, err));
    uint32_t *row = ARENA_ARRAY(&trainer->arena, uint32_t, table->rows);
    TRY(choose_rows(trainer, row, err));
    trainer->x = ARENA_ARRAY(&trainer->arena, double *, model->features);
    for (uint32_t f = 0; f < model->features; f++) {
        trainer->x[f] = ARENA_ARRAY(&trainer->arena, double, trainer->rows);
        if (model->feature[f].type == ML_TEXT) TRY(take_texts(trainer, row, f, err));
        else take_numbers(trainer, row, f);
    }
    if (trainer->spec->label < 0) return ST_OK;
    const MlField *label = &table->field[trainer->spec->label];
    model->label = copy(model, label->name);
    model->label_type = label->type;
    trainer->y = ARENA_ARRAY(&trainer->arena, double, trainer->rows);
    if (trainer->task == ML_CLASSIFICATION) {
        TRY(make_classes(trainer, row, err));
        for (uint32_t i = 0; i < trainer->rows; i++) trainer->y[i] = class_of(trainer, row[i]);
        return ST_OK;
    }
    const double *value = table->column[trainer->spec->label].number;
    for (uint32_t i = 0; i < trainer->rows; i++) {
        trainer->y[i] = value[row[i]];
        if (isinf(value[row[i]])) {
            return error_set(err, ST_VALIDATION, "row %u: the label '" STR_FMT "' is infinite",
                             row[i], STR_ARG(label->name));
        }
    }
    return ST_OK;
}
