#include "engine/train_model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/digest.h"
#include "base/json.h"
#include "ml/held.h"
#include "ml/online.h"
#include "model/columns.h"
#include "model/registry.h"
#include "os/os.h"

enum { DIGEST_HEX = 65 };

// The rows of the query, column by column. [number] or [text] of a column has room for [cap] rows.
typedef struct Training {
    const TrainJob *job;
    const Type *row;
    MlField *field;
    MlColumn *column;
    Arena texts;
    Budget budget;
    uint32_t rows, cap;
    MlHeld held;          // rows held back, behind the others in the same memory
    Buf sources;          // what was read: members of a JSON array
} Training;

// ---- options -----------------------------------------------------------------------------------

// Options that say where, what for and when; all others are the algorithm's.
static bool is_place(Str key) {
    static const Str KEYS[] = {{"provider", 8}, {"algorithm", 9},         {"label", 5},
                               {"path", 4},     {"refresh-interval", 16}, {"on-error", 8},
                               {"version", 7},  {"challenger.version", 18}};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        if (str_eq(key, KEYS[i])) return true;
    }
    return str_starts(key, STR("retrain.")) || str_starts(key, STR("promote."));
}

static Status find_label(const Training *rows, const MlAlgorithm *algorithm, int32_t *out,
                         Error *err) {
    const char *name = map_get(rows->job->options, STR("label"));
    *out = -1;
    bool supervised = algorithm->tasks & (1u << ML_CLASSIFICATION | 1u << ML_REGRESSION |
                                          1u << ML_FORECASTING);
    if (!name) {
        if (supervised) *out = (int32_t)rows->row->child_count - 1;
        return ST_OK;
    }
    *out = ml_field(rows->field, rows->row->child_count, str_c(name));
    if (*out >= 0) return ST_OK;
    (void)error_set(err, ST_VALIDATION, "the query has no column '%s', which 'label' names", name);
    error_hint(err, "without 'label' the last column is what is to be predicted");
    return ST_VALIDATION;
}

// NULL: it learns online.
static Status find_algorithm(const Map *options, const MlAlgorithm **out, Error *err) {
    const char *name = map_get(options, STR("algorithm"));
    *out = name ? ml_algorithm(str_c(name)) : NULL;
    if (*out || (name && ml_online_algorithm(str_c(name)))) return ST_OK;
    (void)(name ? error_set(err, ST_VALIDATION, "there is no algorithm '%s'", name)
                : error_set(err, ST_VALIDATION, "a model to be trained needs 'algorithm'"));
    enum { KNOWN_MAX = 64 };
    const char *known[KNOWN_MAX];
    uint32_t count = 0;
    for (const MlAlgorithm *const *at = ML_ALGORITHMS; *at && count < KNOWN_MAX; at++) {
        known[count++] = (*at)->name;
    }
    const MlOnlineAlgorithm *const *online = ML_ONLINE_ALGORITHMS;
    for (; *online && count < KNOWN_MAX; online++) known[count++] = ml_online_name(*online);
    const char *near = name ? text_nearest(str_c(name), known, count) : NULL;
    if (near) {
        error_hint(err, "did you mean '%s'?", near);
        return ST_VALIDATION;
    }
    Buf names = {0};
    for (const MlAlgorithm *const *at = ML_ALGORITHMS; *at; at++) {
        buf_printf(&names, "%s%s", at == ML_ALGORITHMS ? "" : ", ", (*at)->name);
    }
    for (const MlOnlineAlgorithm *const *at = ML_ONLINE_ALGORITHMS; *at; at++) {
        buf_printf(&names, "%s%s", at == ML_ONLINE_ALGORITHMS ? "; online: " : ", ",
                   ml_online_name(*at));
    }
    error_hint(err, "there are: " STR_FMT, STR_ARG(buf_str(&names)));
    buf_free(&names);
    return ST_VALIDATION;
}

static void say(void *arg, Str line) {
    DdlContext *ddl = arg;
    ddl->say(ddl, line);
}

static Status make_spec(Training *self, const MlAlgorithm **algorithm, MlTrainSpec *out,
                        Error *err) {
    const Map *options = self->job->options;
    TRY(find_algorithm(options, algorithm, err));
    *out = (MlTrainSpec){.algorithm = str_c((*algorithm)->name), .budget = &self->budget,
                         .progress = say, .arg = self->job->ddl, .cancel = self->job->cancel};
    TRY(find_label(self, *algorithm, &out->label, err));
    MlSetting *setting = ARENA_ARRAY(self->job->ddl->plan->arena, MlSetting, options->count + 1);
    for (uint32_t i = 0; i < options->count; i++) {
        if (is_place(options->entry[i].key)) continue;
        setting[out->setting_count++] =
            (MlSetting){options->entry[i].key, str_c(options->entry[i].value)};
    }
    out->setting = setting;
    return ST_OK;
}

// ---- rows to learn from ------------------------------------------------------------------------

static Status field_of(const Type *type, Str name, MlField *out, Error *err) {
    if (model_field_of(type, name, out)) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "a model cannot learn from column '" STR_FMT
                    "': it is neither a number, a text nor a boolean",
                    STR_ARG(name));
    error_hint(err, "leave it out of the SELECT, or CAST it");
    return ST_VALIDATION;
}

static Status training_room(Training *self, uint32_t more, Error *err) {
    if (self->rows + more <= self->cap) return ST_OK;
    uint32_t cap = self->cap ? self->cap : 4096, columns = self->row->child_count;
    while (cap < self->rows + more) {
        if (cap > UINT32_MAX / 4) {
            return error_set(err, ST_RUNTIME, "a model learns from 2 billion rows at most");
        }
        cap *= 2;
    }
    for (uint32_t c = 0; c < columns; c++) {
        bool text = self->field[c].type == ML_TEXT;
        size_t size = text ? sizeof(Str) : sizeof(double);
        TRY(budget_charge(&self->budget, (int64_t)(size * (cap - self->cap)), err));
        if (text) self->column[c].text = mem_realloc(self->column[c].text, cap * size);
        else self->column[c].number = mem_realloc(self->column[c].number, cap * size);
        size_t old = self->cap ? BITS_WORDS(self->cap) : 0, words = BITS_WORDS(cap);
        self->column[c].valid = mem_realloc(self->column[c].valid, words * sizeof(uint64_t));
        memset(self->column[c].valid + old, 0, (words - old) * sizeof(uint64_t));
    }
    self->cap = cap;
    return ST_OK;
}

static Status take_rows(void *arg, Batch *batch, Error *err) {
    Training *self = arg;
    TRY(training_room(self, batch->rows, err));
    for (uint32_t c = 0; c < self->row->child_count; c++) {
        const Vec *vec = batch->column[c];
        MlColumn *to = &self->column[c];
        for (uint32_t r = 0; r < batch->rows; r++) {
            uint32_t at = self->rows + r;
            bool text = self->field[c].type == ML_TEXT;
            if (text) to->text[at] = (Str){0};
            else to->number[at] = 0;
            if (vec_is_null(vec, r)) continue;
            bits_set(to->valid, at);
            if (!text) {
                to->number[at] = vec_number(vec, r);
                continue;
            }
            TRY(budget_charge(&self->budget, vec_str(vec)[r].len, err));
            to->text[at] = str_dup(&self->texts, vec_str(vec)[r]);
        }
    }
    self->rows += batch->rows;
    return ST_OK;
}

static Status find_columns(Training *self, const Type *row, Error *err) {
    Arena *arena = self->job->ddl->plan->arena;
    self->row = row;
    self->field = ARENA_ARRAY(arena, MlField, row->child_count + 1);
    self->column = ARENA_ARRAY(arena, MlColumn, row->child_count + 1);
    for (uint32_t c = 0; c < row->child_count; c++) {
        TRY(field_of(row->child[c], row->field[c], &self->field[c], err));
    }
    return ST_OK;
}

// What cannot be learned so is said before the query runs, which may take long.
static Status take_schema(void *arg, const Type *row, bool ordered, Error *err) {
    (void)ordered;
    Training *self = arg;
    const MlAlgorithm *algorithm;
    MlTrainSpec spec;
    TRY(find_columns(self, row, err));
    TRY(make_spec(self, &algorithm, &spec, err));
    return ml_train_check(&spec, self->field, row->child_count, err);
}

// The tables of the query and what was read of each; a large one does not make meta.json large.
static void take_source(void *arg, Str table, Str splits) {
    enum { SOURCES_BYTES_MAX = 1 << 16 };
    Buf *out = &((Training *)arg)->sources;
    if (out->len + splits.len > SOURCES_BYTES_MAX) return;
    buf_puts(out, out->len ? ",{\"table\":" : "{\"table\":");
    json_print_text(table, 0, out);
    buf_puts(out, ",\"splits\":[");
    buf_put_str(out, splits);
    buf_puts(out, "]}");
}

static void training_clear(Training *self) {
    for (uint32_t c = 0; self->row && c < self->row->child_count; c++) {
        mem_free(self->column[c].number);
        mem_free(self->column[c].text);
        mem_free(self->column[c].valid);
    }
    ml_held_clear(&self->held);
    buf_free(&self->sources);
    arena_clear(&self->texts);
    budget_release(&self->budget, atomic_load(&self->budget.bytes));
}

// ---- rows held back, and what they say of a version --------------------------------------------

static const char *find_option(const Map *options, const char *name) {
    for (uint32_t i = 0; i < options->count; i++) {
        if (ml_same_name(options->entry[i].key, name)) return options->entry[i].value;
    }
    return NULL;
}

// Whether rows are points of series, which a forecaster looks at through a window.
static bool learns_windows(const MlAlgorithm *algorithm, const Map *options) {
    const char *window = find_option(options, "window");
    double rows;
    return window && algorithm->tasks & 1u << ML_FORECASTING && str_to_f64(str_c(window), &rows) &&
           rows > 0;
}

// Holds a part of the rows back: 'validation-split' of them, or a fifth.
static Status hold_back(Training *self, const MlAlgorithm *algorithm, int32_t label, Error *err) {
    const Map *options = self->job->options;
    const char *text = find_option(options, "validation-split");
    const char *series = find_option(options, "series");
    uint32_t columns = self->row->child_count;
    MlHoldSpec spec = {.windows = learns_windows(algorithm, options), .label = label,
                       .series = -1};
    if (self->rows > UINT32_MAX / 8) return ST_OK;
    if (!text || !str_to_f64(str_c(text), &spec.share) || !(spec.share > 0 && spec.share < 1)) {
        spec.share = 0.2;
    }
    if (series) spec.series = ml_field(self->field, columns, str_c(series));
    TRY(ml_hold_back(&spec, self->field, self->column, columns, self->rows, &self->budget,
                     &self->held, err));
    self->rows = self->held.kept;
    return ST_OK;
}

// How a new version did beside the one in use.
typedef struct Verdict {
    bool in_use;        // it becomes the current one
    uint64_t against;   // the version in use
    uint32_t rows, count;
    char metric[ML_METRIC_NAME_MAX];
    double own, other;
    char why[160];      // not compared
} Verdict;

static void PRINTF_LIKE(2, 3) not_compared(Verdict *verdict, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(verdict->why, sizeof verdict->why, fmt, args);
    va_end(args);
}

// The version in use, loaded; NULL with *version 0: there is none.
static Status load_current(Str path, Arena *arena, uint64_t *version, MlModel **out, Error *err) {
    RegistryVersion current;
    bool found;
    *out = NULL;
    *version = 0;
    TRY(registry_current(path, version, &found, err));
    if (!found) return ST_OK;
    TRY(registry_verify(path, *version, arena, &current, err));
    return ml_load(current.path, str_cstr(arena, current.format), out, err);
}

// The metric of the new version and of the one in use, on the same rows. Where [current] cannot be
// compared [out] says so.
static Status compare(const Training *rows, MlTask task, int32_t label, const MlModel *made,
                      const MlModel *current, Verdict *out, Error *err) {
    const MlHeld *held = &rows->held;
    uint32_t need = ml_held_looks_back(held, made, label), its_rows;
    uint32_t its_need = current ? ml_held_looks_back(held, current, label) : 0;
    Error why = {0};
    if (its_need > need) need = its_need;
    TRY(ml_held_score(held, made, task, label, out->metric, need, &out->rows, &out->own, err));
    if (!out->rows) {
        not_compared(out, "no rows were held back to compare versions on");
        return ST_OK;
    }
    if (out->own != out->own) {
        return error_set(err, ST_VALIDATION, "'retrain.metric' = '%s' is none of these rows",
                         out->metric);
    }
    out->count = 1;
    if (!current) return ST_OK;
    if (ml_held_score(held, current, task, label, out->metric, need, &its_rows, &out->other,
                      &why)) {
        not_compared(out, "version %llu cannot be compared: %.80s",
                     (unsigned long long)out->against, why.message);
        out->in_use = false;
        return ST_OK;
    }
    bool less = ml_metric_less_is_better(out->metric);
    out->in_use = less ? !(out->own > out->other) : !(out->own < out->other);
    return ST_OK;
}

// Whether the new version is not worse than the one in use. One that cannot be read any more makes
// room; one that takes other columns stays until somebody decides.
static Status judge(const Training *rows, MlTask task, int32_t label, const MlModel *made,
                    Verdict *out, Error *err) {
    const Map *options = rows->job->options;
    const char *metric = map_get(options, STR("retrain.metric"));
    Str path = str_c(map_get(options, STR("path")));
    Arena arena = {0};
    MlModel *current = NULL;
    Status st = ST_OK;
    if (!metric) metric = ml_task_metric(task);
    out->in_use = true;
    if (load_current(path, &arena, &out->against, &current, NULL)) {
        not_compared(out, "the version in use cannot be read");
    }
    if (!metric) {
        not_compared(out, "there is no label to compare versions by");
    } else {
        (void)snprintf(out->metric, sizeof out->metric, "%s", metric);
        st = compare(rows, task, label, made, current, out, err);
    }
    if (!st && current && out->in_use && map_has(options, STR("promote.when"))) {
        not_compared(out, "it is the challenger until its rule holds");
        out->in_use = false;
    }
    ml_free(current);
    arena_clear(&arena);
    return st;
}

static void put_verdict(const char *again, const Verdict *verdict, Buf *out) {
    buf_printf(out, ",\"retrained\":{\"why\":\"%s\",\"in_use\":%s", again,
               verdict->in_use ? "true" : "false");
    if (verdict->count) {
        buf_printf(out, ",\"held_back\":%u,\"metric\":", verdict->rows);
        json_print_text(str_c(verdict->metric), 0, out);
        buf_printf(out, ",\"value\":%.17g", verdict->own);
    }
    if (verdict->count && !verdict->why[0] && verdict->against) {
        buf_printf(out, ",\"compared_with\":%llu,\"its_value\":%.17g",
                   (unsigned long long)verdict->against, verdict->other);
    }
    buf_putc(out, '}');
}

// ---- what meta.json tells ----------------------------------------------------------------------

static void put_json_fields(const MlField *field, uint32_t count, Buf *out) {
    static const char *const TYPES[] = {[ML_DOUBLE] = "DOUBLE", [ML_FLOAT] = "FLOAT",
                                        [ML_INTEGER] = "BIGINT", [ML_BOOLEAN] = "BOOLEAN",
                                        [ML_TEXT] = "STRING"};
    buf_putc(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_print_text(field[i].name, 0, out);
        const char *type = TYPES[field[i].type];
        if (field[i].width == 1) buf_printf(out, ",\"type\":\"%s\"}", type);
        else buf_printf(out, ",\"type\":\"ARRAY<%s>\",\"size\":%u}", type, field[i].width);
    }
    buf_putc(out, ']');
}

static void put_json_metrics(const char *name, const MlMetric *metric, uint32_t count, Buf *out) {
    if (!count) return;
    buf_printf(out, ",\"%s\":{", name);
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_putc(out, ',');
        json_print_text(str_c(metric[i].name), 0, out);
        if (metric[i].value == metric[i].value && metric[i].value - metric[i].value == 0) {
            buf_printf(out, ":%.17g", metric[i].value);
        } else {
            buf_puts(out, ":null");  // JSON has no infinities
        }
    }
    buf_putc(out, '}');
}

// The options that decide what is learned, and the query: versions of one recipe differ in their
// rows alone.
static void put_recipe(const TrainJob *job, char out[DIGEST_HEX]) {
    Buf text = {0};
    const Map *options = job->options;
    for (uint32_t i = 0; i < options->count; i++) {
        Str key = options->entry[i].key;
        bool counts = !is_place(key) || str_is(key, "algorithm") || str_is(key, "label") ||
                      str_is(key, "retrain.query");
        if (!counts) continue;
        buf_printf(&text, STR_FMT "=%s\n", STR_ARG(key), (const char *)options->entry[i].value);
    }
    uint8_t bytes[DIGEST_SIZE_MAX];
    (void)digest(DIGEST_SHA256, buf_str(&text), bytes);
    for (uint32_t i = 0; i < (DIGEST_HEX - 1) / 2; i++) {
        (void)snprintf(out + i * 2, 3, "%02x", bytes[i]);
    }
    buf_free(&text);
}

static void put_extreme(const char *name, const MlField *field, const MlColumn *column,
                        uint32_t row, Buf *out) {
    enum { SHOWN_BYTES = 64 };
    buf_printf(out, ",\"%s\":", name);
    if (column->text) {
        Str text = column->text[row];
        uint32_t end = 0, code;
        while (end < text.len && end < SHOWN_BYTES) {  // whole characters
            end += utf8_next(text.ptr + end, text.ptr + text.len, &code);
        }
        text.len = end;
        json_print_text(text, 0, out);
    } else if (field->type == ML_BOOLEAN || isfinite(column->number[row])) {
        ml_print(field, column, row, out);
    } else {
        buf_puts(out, "null");  // JSON has no infinities
    }
}

// The least and the greatest value of each column, those held back among them, and how many are
// missing.
static void put_ranges(const Training *rows, Buf *out) {
    uint32_t count = rows->held.rows ? rows->held.rows : rows->rows;
    buf_puts(out, ",\"data\":[");
    for (uint32_t c = 0; c < rows->row->child_count; c++) {
        const MlColumn *column = &rows->column[c];
        uint32_t missing = 0, least = UINT32_MAX, most = UINT32_MAX;
        for (uint32_t i = 0; i < count; i++) {
            if (!bits_get(column->valid, i)) {
                missing++;
                continue;
            }
            bool less = least == UINT32_MAX, more = less;
            if (!less && column->text) {
                less = str_cmp(column->text[i], column->text[least]) < 0;
                more = str_cmp(column->text[i], column->text[most]) > 0;
            } else if (!less) {
                less = column->number[i] < column->number[least];
                more = column->number[i] > column->number[most];
            }
            if (less) least = i;
            if (more) most = i;
        }
        buf_puts(out, c ? ",{\"name\":" : "{\"name\":");
        json_print_text(rows->field[c].name, 0, out);
        buf_printf(out, ",\"missing\":%u", missing);
        if (least != UINT32_MAX) {
            put_extreme("least", &rows->field[c], column, least, out);
            put_extreme("most", &rows->field[c], column, most, out);
        }
        buf_putc(out, '}');
    }
    buf_puts(out, "],\"sources\":[");
    buf_put_str(out, buf_str(&rows->sources));
    buf_putc(out, ']');
}

// What meta.json tells of the version: where it comes from and how good it is.
static void put_lineage(const Training *rows, const Verdict *verdict, const MlModel *model,
                        const MlReport *report, Buf *out) {
    const TrainJob *job = rows->job;
    const Map *options = job->options;
    char recipe[DIGEST_HEX];
    put_recipe(job, recipe);
    buf_puts(out, "\"algorithm\":");
    json_print_text(str_c(map_get(options, STR("algorithm"))), 0, out);
    buf_printf(out, ",\"created_ms\":%lld,\"recipe\":\"%s\",\"query\":",
               (long long)os_now_ms(), recipe);
    json_print_text(str_trim(job->statement), 0, out);
    buf_puts(out, ",\"options\":{");
    bool first = true;
    for (uint32_t i = 0; i < options->count; i++) {
        if (is_place(options->entry[i].key)) continue;
        if (!first) buf_putc(out, ',');
        first = false;
        json_print_text(options->entry[i].key, 0, out);
        buf_putc(out, ':');
        json_print_text(str_c(options->entry[i].value), 0, out);
    }
    buf_printf(
        out, "},\"rows\":%u,\"rows_left_out\":%u,\"validation_rows\":%u,\"training_ms\":%lld",
        report->rows, report->rows_left_out, report->validation_rows, (long long)report->time_ms);
    put_ranges(rows, out);
    buf_puts(out, ",\"input\":");
    put_json_fields(model->in, model->in_count, out);
    buf_puts(out, ",\"output\":");
    put_json_fields(model->out, model->out_count, out);
    put_json_metrics("metrics", report->train, report->train_count, out);
    put_json_metrics("validation_metrics", report->validation, report->validation_count, out);
    if (job->again) put_verdict(job->again, verdict, out);
}

// ---- the columns of the model ------------------------------------------------------------------

// A column's name for a field's: probability(1) is probability_1.
static Str column_name(Arena *arena, Str field) {
    Buf name = {0};
    for (uint32_t i = 0; i < field.len; i++) {
        char c = field.ptr[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '_' || (unsigned char)c >= 0x80;
        if (word) buf_putc(&name, c);
        else if (name.len && name.ptr[name.len - 1] != '_') buf_putc(&name, '_');
    }
    while (name.len > 1 && name.ptr[name.len - 1] == '_') name.len--;
    Str out = str_dup(arena, buf_str(&name));
    buf_free(&name);
    return out;
}

// What the model takes, of the query's types; but a forecaster takes arrays of what it learned
// from.
static const Type *trained_input(Arena *arena, const Training *rows, const MlModel *model) {
    const Type *natural = model_columns_type(model->in, model->in_count, arena);
    const Type **child = ARENA_ARRAY(arena, const Type *, model->in_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, model->in_count + 1);
    for (uint32_t i = 0; i < model->in_count; i++) {
        int32_t c = ml_field(rows->field, rows->row->child_count, model->in[i].name);
        child[i] = natural->child[i];
        if (c >= 0 && rows->field[c].width == model->in[i].width) {
            child[i] = type_dup(arena, type_nullable(arena, rows->row->child[c], true));
        }
        name[i] = str_dup(arena, model->in[i].name);
    }
    return type_row(arena, model->in_count, child, name, false);
}

// The prediction is of the label's type; the rest as the model has it.
static const Type *trained_output(Arena *arena, const Training *rows, int32_t label,
                                  const MlModel *model) {
    const Type *natural = model_columns_type(model->out, model->out_count, arena);
    const Type **child = ARENA_ARRAY(arena, const Type *, model->out_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, model->out_count + 1);
    for (uint32_t i = 0; i < model->out_count; i++) {
        child[i] = natural->child[i];
        if (!i && label >= 0 && model->out[i].width == 1 &&
            !type_is_integer(natural->child[i]) == !type_is_integer(rows->row->child[label])) {
            child[i] = type_dup(arena, type_nullable(arena, rows->row->child[label], true));
        }
        name[i] = column_name(arena, model->out[i].name);
    }
    return type_row(arena, model->out_count, child, name, false);
}

// ---- training ----------------------------------------------------------------------------------

// "; Accuracy 0.97 on 96 rows held back, version 1 has 0.95: in use"
static void say_verdict(const Verdict *verdict, Buf *line) {
    if (verdict->count) {
        buf_printf(line, "; %s %.4g on %u rows held back", verdict->metric, verdict->own,
                   verdict->rows);
        if (!verdict->why[0]) {
            buf_printf(line, ", version %llu has %.4g", (unsigned long long)verdict->against,
                       verdict->other);
        }
    }
    if (verdict->why[0]) buf_printf(line, "; %s", verdict->why);
    if (verdict->in_use) buf_puts(line, ": in use");
    else buf_printf(line, ": version %llu stays in use", (unsigned long long)verdict->against);
}

static void say_result(const TrainJob *job, const Verdict *verdict, const MlModel *made,
                       const MlReport *report, uint64_t version) {
    Buf line = {0};
    buf_printf(&line, "model '" STR_FMT "' version %llu: ", STR_ARG(job->name),
               (unsigned long long)version);
    if (job->again) buf_printf(&line, "trained again (%s), ", job->again);
    if (made->vt->describe) made->vt->describe(made, &line);
    buf_printf(&line, "; %u rows in %lld ms", report->rows, (long long)report->time_ms);
    const MlMetric *metric = report->validation_count ? report->validation : report->train;
    uint32_t count = report->validation_count ? report->validation_count : report->train_count;
    enum { SHOWN_MAX = 4 };
    for (uint32_t i = 0; i < count && i < SHOWN_MAX && !job->again; i++) {
        buf_printf(&line, "%s %s %.4g", i ? "," : report->validation_count ? "; held back:" : ";",
                   metric[i].name, metric[i].value);
    }
    if (job->again) say_verdict(verdict, &line);
    job->ddl->say(job->ddl, buf_str(&line));
    buf_free(&line);
}

static Status publish(const Training *rows, MlTask task, int32_t label, MlModel *made,
                      const MlReport *report, Trained *out, Error *err) {
    const TrainJob *job = rows->job;
    Buf file = {0}, meta = {0};
    Str path = str_c(map_get(job->options, STR("path")));
    Verdict verdict = {.in_use = true};
    Status st = made->vt->save(made, &file, err);
    if (!st && job->again) st = judge(rows, task, label, made, &verdict, err);
    if (!st) {
        put_lineage(rows, &verdict, made, report, &meta);
        st = (verdict.in_use ? registry_publish : registry_add)(
            path, STR("weir"), buf_str(&file), buf_str(&meta), &out->version, err);
    }
    if (!st) {
        out->in_use = verdict.in_use;
        out->input = trained_input(job->arena, rows, made);
        out->output = trained_output(job->arena, rows, label, made);
        say_result(job, &verdict, made, report, out->version);
    }
    buf_free(&file);
    buf_free(&meta);
    return st;
}

static Status learn(Training *rows, Trained *out, Error *err) {
    const MlAlgorithm *algorithm;
    MlTrainSpec spec;
    TRY(make_spec(rows, &algorithm, &spec, err));
    if (train_again(rows->job->options)) TRY(hold_back(rows, algorithm, spec.label, err));
    MlTable table = {.field = rows->field, .column = rows->column,
                     .columns = rows->row->child_count, .rows = rows->rows};
    MlModel *made;
    MlReport report = {0};
    TRY(ml_train(&spec, &table, &made, &report, err));
    Status st = publish(rows, report.task, spec.label, made, &report, out, err);
    ml_free(made);
    return st;
}

// Checked before the query runs, which may take long.
static Status check_again(const Map *options, const MlAlgorithm *algorithm, Error *err) {
    const char *interval = map_get(options, STR("retrain.interval"));
    int64_t ms;
    bool yes;
    if (interval && (!option_read_duration(str_c(interval), &ms) || ms <= 0)) {
        return error_set(err, ST_VALIDATION,
                         "'retrain.interval' = '%s' is no time like '14 d'", interval);
    }
    const char *drift = map_get(options, STR("retrain.on-drift"));
    if (drift && !str_to_bool(str_c(drift), &yes)) {
        return error_set(err, ST_VALIDATION, "'retrain.on-drift' must be 'true' or 'false'");
    }
    if (algorithm || !train_again(options)) return ST_OK;
    (void)error_set(err, ST_VALIDATION, "an algorithm that learns online is not trained again");
    error_hint(err, "leave 'retrain.interval' and 'retrain.on-drift' out; 'on-drift' = 'reset' "
                    "makes it begin anew");
    return ST_VALIDATION;
}

Status train_check(const Map *options, const MlAlgorithm **algorithm, Error *err) {
    const char *provider = map_get(options, STR("provider"));
    if (!provider || !str_is(str_c(provider), "weir")) {
        (void)error_set(err, ST_VALIDATION,
                        "CREATE MODEL … AS SELECT trains a model: only with 'provider' = 'weir'");
        error_hint(err, "other providers take models that are trained already");
        return ST_VALIDATION;
    }
    TRY(find_algorithm(options, algorithm, err));
    return check_again(options, *algorithm, err);
}

void train_settings(const Map *settings, Map *out) {
    static const Str LEFT_OUT[] = {{"execution.checkpointing.", 24},
                                   {"execution.state-recovery.", 25},
                                   {"weir.cut", 8},
                                   {"weir.resume", 11}};
    for (uint32_t i = 0; i < settings->count; i++) {
        const MapEntry *entry = &settings->entry[i];
        bool kept = true;
        for (uint32_t k = 0; k < 4; k++) kept &= !str_starts(entry->key, LEFT_OUT[k]);
        if (kept) (void)map_put(out, entry->key, entry->value);
    }
}

bool train_again(const Map *options) {
    const char *drift = map_get(options, STR("retrain.on-drift"));
    bool yes = false;
    if (drift) (void)str_to_bool(str_c(drift), &yes);
    return yes || map_has(options, STR("retrain.interval"));
}

Status train_model(const TrainJob *job, Trained *out, Error *err) {
    Training rows = {.job = job};
    *out = (Trained){0};
    budget_init(&rows.budget, job->ddl->budget, "training", 0);
    ResultSink sink = {.arg = &rows, .schema = take_schema, .batch = take_rows,
                       .was_read = take_source};
    Status st = job->ddl->query(job->ddl, job->query, &sink, err);
    if (!st && !rows.rows) {
        st = error_set(err, ST_VALIDATION, "there are no rows to train model '" STR_FMT "' on",
                       STR_ARG(job->name));
    }
    if (!st) st = learn(&rows, out, err);
    training_clear(&rows);
    return st;
}

// ---- what is there already ---------------------------------------------------------------------

Status train_newest(const TrainJob *job, uint64_t *version, int64_t *due_ms, Error *err) {
    Arena arena = {0};
    uint64_t *all;
    uint32_t count;
    RegistryVersion newest;
    JsonValue meta;
    char recipe[DIGEST_HEX];
    Str path = str_c(map_get(job->options, STR("path")));
    *version = 0;
    *due_ms = 0;
    Status st = registry_versions(path, &arena, &all, &count, err);
    // What cannot be read is no version to go on from.
    if (!st && count && !registry_open(path, all[count - 1], &arena, &newest, NULL) &&
        !json_parse(&arena, newest.meta, 0, &meta, NULL, NULL)) {
        const JsonValue *made = json_member(&meta, STR("recipe"));
        const JsonValue *at = json_member(&meta, STR("created_ms"));
        const char *interval = map_get(job->options, STR("retrain.interval"));
        int64_t created_ms = 0, interval_ms = 0;
        put_recipe(job, recipe);
        if (made && made->kind == JK_TEXT && str_eq(made->text, str_c(recipe)) && at &&
            str_to_i64(at->text, &created_ms)) {
            *version = all[count - 1];
            *due_ms = INT64_MAX;
            if (interval && option_read_duration(str_c(interval), &interval_ms)) {
                *due_ms = created_ms + interval_ms;
            }
        }
    }
    arena_clear(&arena);
    return st;
}

Status train_columns(const TrainJob *job, uint64_t version, Trained *out, Error *err) {
    Training rows = {.job = job};
    RegistryVersion found;
    const MlAlgorithm *algorithm;
    Plan *plan;
    MlModel *made;
    int32_t label;
    Str path = str_c(map_get(job->options, STR("path")));
    TRY(bind_query(job->ddl->plan, job->query, &plan, err));
    TRY(find_columns(&rows, plan->type, err));
    TRY(find_algorithm(job->options, &algorithm, err));
    TRY(find_label(&rows, algorithm, &label, err));
    TRY(registry_open(path, version, job->arena, &found, err));
    TRY(ml_load(found.path, str_cstr(job->arena, found.format), &made, err));
    *out = (Trained){.version = version, .in_use = true,
                     .input = trained_input(job->arena, &rows, made),
                     .output = trained_output(job->arena, &rows, label, made)};
    ml_free(made);
    return ST_OK;
}

const Type *train_named_columns(const MlField *field, uint32_t count, Arena *arena) {
    const Type *row = model_columns_type(field, count, arena);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t c = 0; c < count; c++) name[c] = column_name(arena, row->field[c]);
    return type_row(arena, count, row->child, name, false);
}
