// Models: CREATE MODEL, with columns or AS a query whose rows it is trained on; ALTER, DROP.
//
// A trained model is a new version in a folder of versions (model/registry.h), below
// 'weir.models.dir' unless 'path' says where; the catalog keeps how to find it. CREATE OR REPLACE
// MODEL trains the next version, and what runs takes it up.
//
// With an algorithm that learns online the statement is a job: an INSERT into a table of the
// connector 'model' (model/learner.c), which learns for as long as the stream flows and adds
// versions on its way.
#include "base/bits.h"
#include "base/json.h"
#include "engine/ddl.h"
#include "ml/online.h"
#include "ml/train.h"
#include "model/columns.h"
#include "model/registry.h"
#include "os/os.h"

static Status model_row(Arena *arena, const AstSchema *schema, const Type **out, Error *err) {
    const Type **child = ARENA_ARRAY(arena, const Type *, schema->column_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, schema->column_count + 1);
    Str *comment = ARENA_ARRAY(arena, Str, schema->column_count + 1);
    bool commented = false;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *column = &schema->column[i];
        if (column->kind != COLUMN_PHYSICAL) {
            return error_at(err, ST_VALIDATION, column->span.place,
                            "a model has physical columns only");
        }
        TRY(bind_type(arena, column->type, &child[i], err));
        child[i] = type_dup(arena, child[i]);
        name[i] = str_dup(arena, ast_name_last(column->name));
        if (column->comment.ptr) comment[i] = str_dup(arena, column->comment);
        commented |= column->comment.ptr != NULL;
    }
    Type *row = (Type *)(uintptr_t)type_row(arena, schema->column_count, child, name, false);
    if (commented) row->comment = comment;
    *out = row;
    return ST_OK;
}

static void model_free(Model *model) {
    if (!model) return;
    map_clear(&model->options);
    Arena arena = model->arena;
    arena_clear(&arena);
    mem_free(model);
}

static Status models_of(DdlContext *ddl, const AstName *name, bool temporary, ObjectName *full,
                        Map **out, Error *err) {
    TRY(catalogs_resolve(ddl->catalogs, name, full, err));
    Database *database = catalogs_database(ddl->catalogs, full->catalog, full->database);
    if (!database) {
        return error_at(err, ST_VALIDATION, name->span.place,
                        "database '" STR_FMT "' does not exist", STR_ARG(full->database));
    }
    *out = temporary ? &database->temporary_models : &database->models;
    return ST_OK;
}

// ---- rows to learn from ------------------------------------------------------------------------

// The rows of the query, column by column. [number] or [text] of a column has room for [cap] rows.
typedef struct Training {
    DdlContext *ddl;
    const Type *row;
    MlField *field;
    MlColumn *column;
    Arena texts;
    Budget budget;
    uint32_t rows, cap;
} Training;

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

static Status take_schema(void *arg, const Type *row, bool ordered, Error *err) {
    (void)ordered;
    Training *self = arg;
    Arena *arena = self->ddl->plan->arena;
    self->row = row;
    self->field = ARENA_ARRAY(arena, MlField, row->child_count + 1);
    self->column = ARENA_ARRAY(arena, MlColumn, row->child_count + 1);
    for (uint32_t c = 0; c < row->child_count; c++) {
        TRY(field_of(row->child[c], row->field[c], &self->field[c], err));
    }
    return ST_OK;
}

static void training_clear(Training *self) {
    for (uint32_t c = 0; self->row && c < self->row->child_count; c++) {
        mem_free(self->column[c].number);
        mem_free(self->column[c].text);
        mem_free(self->column[c].valid);
    }
    arena_clear(&self->texts);
    budget_release(&self->budget, atomic_load(&self->budget.bytes));
}

// ---- training ----------------------------------------------------------------------------------

// Options that say where and what for; all others are the algorithm's.
static bool is_place(Str key) {
    static const Str KEYS[] = {{"provider", 8}, {"algorithm", 9},         {"label", 5},
                               {"path", 4},     {"refresh-interval", 16}, {"on-error", 8},
                               {"version", 7}};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        if (str_eq(key, KEYS[i])) return true;
    }
    return false;
}

static Status find_label(const Training *rows, const MlAlgorithm *algorithm, const Map *options,
                         int32_t *out, Error *err) {
    const char *name = map_get(options, STR("label"));
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

static void put_json_fields(const MlField *field, uint32_t count, Buf *out) {
    static const char *const TYPES[] = {[ML_DOUBLE] = "DOUBLE", [ML_FLOAT] = "FLOAT",
                                        [ML_INTEGER] = "BIGINT", [ML_BOOLEAN] = "BOOLEAN",
                                        [ML_TEXT] = "STRING"};
    buf_putc(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_print_text(field[i].name, 0, out);
        buf_printf(out, ",\"type\":\"%s\"}", TYPES[field[i].type]);
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

// What meta.json tells of the version: where it comes from and how good it is.
static void put_lineage(const Training *rows, const Map *options, const MlModel *model,
                        const MlReport *report, Buf *out) {
    buf_puts(out, "\"algorithm\":");
    json_print_text(str_c(map_get(options, STR("algorithm"))), 0, out);
    buf_printf(out, ",\"created_ms\":%lld,\"query\":", (long long)os_now_ms());
    json_print_text(str_trim(rows->ddl->text), 0, out);
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
    buf_puts(out, ",\"input\":");
    put_json_fields(model->in, model->in_count, out);
    buf_puts(out, ",\"output\":");
    put_json_fields(model->out, model->out_count, out);
    put_json_metrics("metrics", report->train, report->train_count, out);
    put_json_metrics("validation_metrics", report->validation, report->validation_count, out);
}

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

static void say_result(const Training *rows, const Model *model, const MlModel *made,
                       const MlReport *report, uint64_t version) {
    Buf line = {0};
    buf_printf(&line, "model '" STR_FMT "' version %llu: ", STR_ARG(model->name.object),
               (unsigned long long)version);
    if (made->vt->describe) made->vt->describe(made, &line);
    buf_printf(&line, "; %u rows in %lld ms", report->rows, (long long)report->time_ms);
    const MlMetric *metric = report->validation_count ? report->validation : report->train;
    uint32_t count = report->validation_count ? report->validation_count : report->train_count;
    enum { SHOWN_MAX = 4 };
    for (uint32_t i = 0; i < count && i < SHOWN_MAX; i++) {
        buf_printf(&line, "%s %s %.4g", i ? "," : report->validation_count ? "; held back:" : ";",
                   metric[i].name, metric[i].value);
    }
    say(rows->ddl, buf_str(&line));
    buf_free(&line);
}

static Status learn(Training *rows, Model *model, Error *err) {
    const Map *options = &model->options;
    const MlAlgorithm *algorithm;
    MlTrainSpec spec = {.budget = &rows->budget, .progress = say, .arg = rows->ddl};
    TRY(find_algorithm(options, &algorithm, err));
    spec.algorithm = str_c(algorithm->name);
    TRY(find_label(rows, algorithm, options, &spec.label, err));
    MlSetting *setting = ARENA_ARRAY(rows->ddl->plan->arena, MlSetting, options->count + 1);
    for (uint32_t i = 0; i < options->count; i++) {
        if (is_place(options->entry[i].key)) continue;
        setting[spec.setting_count++] =
            (MlSetting){options->entry[i].key, str_c(options->entry[i].value)};
    }
    spec.setting = setting;
    MlTable table = {.field = rows->field, .column = rows->column,
                     .columns = rows->row->child_count, .rows = rows->rows};
    MlModel *made;
    MlReport report = {0};
    TRY(ml_train(&spec, &table, &made, &report, err));
    Buf file = {0}, meta = {0};
    uint64_t version;
    Status st = made->vt->save(made, &file, err);
    if (!st) {
        put_lineage(rows, options, made, &report, &meta);
        st = registry_publish(str_c(map_get(options, STR("path"))), STR("weir"), buf_str(&file),
                              buf_str(&meta), &version, err);
    }
    if (!st) {
        model->input = trained_input(&model->arena, rows, made);
        model->output = trained_output(&model->arena, rows, spec.label, made);
        say_result(rows, model, made, &report, version);
    }
    buf_free(&file);
    buf_free(&meta);
    ml_free(made);
    return st;
}

// Checked before the query runs, which may take long.
static Status check_training(const Map *options, const MlAlgorithm **algorithm, Error *err) {
    const char *provider = map_get(options, STR("provider"));
    if (!provider || !str_is(str_c(provider), "weir")) {
        (void)error_set(err, ST_VALIDATION,
                        "CREATE MODEL … AS SELECT trains a model: only with 'provider' = 'weir'");
        error_hint(err, "other providers take models that are trained already");
        return ST_VALIDATION;
    }
    return find_algorithm(options, algorithm, err);
}

static Status learn_online(DdlContext *ddl, const AstCreateModel *create, Model *model,
                           Error *err);

static Status train(DdlContext *ddl, const AstCreateModel *create, Model *model, Error *err) {
    Training rows = {.ddl = ddl};
    Map *options = &model->options;
    const MlAlgorithm *algorithm;
    TRY(check_training(options, &algorithm, err));
    if (!map_get(options, STR("path"))) {
        const char *dir = config_get(ddl->config, "weir.models.dir");
        (void)map_put(options, STR("path"),
                      (void *)(uintptr_t)str_cstr(&model->arena,
                                                  str_printf(&model->arena, "%s/" STR_FMT, dir,
                                                             STR_ARG(model->name.object))));
    }
    if (!algorithm) return learn_online(ddl, create, model, err);
    budget_init(&rows.budget, ddl->budget, "training", 0);
    ResultSink sink = {.arg = &rows, .schema = take_schema, .batch = take_rows};
    Status st = ddl->query(ddl, create->query, &sink, err);
    if (!st && !rows.rows) {
        st = error_set(err, ST_VALIDATION, "there are no rows to train model '" STR_FMT "' on",
                       STR_ARG(model->name.object));
    }
    if (!st) st = learn(&rows, model, err);
    if (st) error_place(err, create->name.span.place);
    training_clear(&rows);
    return st;
}

// ---- learning online ---------------------------------------------------------------------------

static void text_option(Arena *arena, AstOptions *options, Str key, Str value, AstSpan span) {
    AstExpr *text = ARENA_NEW(arena, AstExpr);
    *text = (AstExpr){.kind = EX_LITERAL, .span = span};
    text->literal.kind = LIT_TEXT;
    text->literal.text = value;
    options->at[options->count++] =
        (AstOption){.key = {.name = key, .span = span}, .key_is_text = true, .value = text,
                    .span = span};
}

static AstName one_name(Arena *arena, Str name, AstSpan span) {
    AstIdent *part = ARENA_NEW(arena, AstIdent);
    *part = (AstIdent){.name = name, .span = span};
    return (AstName){.part = part, .count = 1, .span = span};
}

static const Type *named_columns(const MlField *field, uint32_t count, Arena *arena) {
    const Type *row = model_columns_type(field, count, arena);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t c = 0; c < count; c++) name[c] = column_name(arena, row->field[c]);
    return type_row(arena, count, row->child, name, false);
}

// The columns of the version in use.
static Status published_columns(Model *model, Error *err) {
    Arena *arena = &model->arena;
    Str path = str_c(map_get(&model->options, STR("path")));
    uint64_t version;
    bool found;
    RegistryVersion current;
    MlModel *made;
    TRY(registry_current(path, &version, &found, err));
    if (!found) {
        return error_set(err, ST_VALIDATION, "there are no rows to train model '" STR_FMT "' on",
                         STR_ARG(model->name.object));
    }
    TRY(registry_open(path, version, arena, &current, err));
    TRY(ml_load(current.path, str_cstr(arena, current.format), &made, err));
    model->input = named_columns(made->in, made->in_count, arena);
    model->output = named_columns(made->out, made->out_count, arena);
    ml_free(made);
    return ST_OK;
}

static Status learn_online(DdlContext *ddl, const AstCreateModel *create, Model *model,
                           Error *err) {
    Arena *arena = ddl->plan->arena;
    const Map *options = &model->options;
    AstSpan span = create->name.span;
    Str name = str_printf(arena, STR_FMT "$model", STR_ARG(model->name.object));
    AstCreateTable table = {.or_replace = true, .query = create->query};
    table.name = one_name(arena, name, span);
    table.options.at = ARENA_ARRAY(arena, AstOption, options->count + 2);
    text_option(arena, &table.options, STR("connector"), STR("model"), span);
    text_option(arena, &table.options, STR("sink.parallelism"), STR("1"), span);
    for (uint32_t i = 0; i < options->count; i++) {
        Str key = options->entry[i].key;
        if (str_is(key, "provider")) continue;
        text_option(arena, &table.options, key, str_c(options->entry[i].value), span);
    }
    Status st = ddl_create_table(ddl, &table, err);
    AstDrop drop = {.what = OBJ_TABLE, .name = table.name, .if_exists = true};
    if (ddl_drop(ddl, &drop, st ? NULL : err) && !st) st = ST_INTERNAL;
    return st ? st : published_columns(model, err);
}

// ---- the statements ----------------------------------------------------------------------------

Status ddl_create_model(DdlContext *ddl, const AstCreateModel *create, Error *err) {
    ObjectName name;
    Map *models = NULL;
    if (create->query && (create->input.column_count || create->output.column_count)) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "CREATE MODEL AS SELECT takes its columns from the query: INPUT and OUTPUT "
                        "cannot be given");
    }
    TRY(models_of(ddl, &create->name, create->temporary, &name, &models, err));
    Model *old = map_get(models, name.object);
    if (old && !create->replace) {
        if (create->if_not_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "model '" STR_FMT "' already exists", STR_ARG(name.object));
    }
    if (!create->options.count) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "a model needs options: WITH ('provider' = …)");
    }
    if (create->input.column_count && !create->output.column_count) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "output column list can not be empty with non-empty input column list");
    }
    Model *model = NEW(Model);
    model->temporary = create->temporary;
    model->name =
        (ObjectName){str_dup(&model->arena, name.catalog), str_dup(&model->arena, name.database),
                     str_dup(&model->arena, name.object)};
    if (create->comment.ptr) model->comment = str_dup(&model->arena, create->comment);
    Status st = model_row(&model->arena, &create->input, &model->input, err);
    if (!st) st = model_row(&model->arena, &create->output, &model->output, err);
    if (!st) st = ddl_options(&model->arena, &model->options, &create->options, true, err);
    if (!st && create->query) st = train(ddl, create, model, err);
    if (st) {
        model_free(model);
        return st;
    }
    model_free(map_put(models, name.object, model));
    return ST_OK;
}

// 'version' of a folder of versions is the one in use, for running queries too; nothing is said of
// it in the catalog, so that the next version that is trained is taken up again.
static Status use_version(const Model *model, const AstAlter *alter, bool *taken, Error *err) {
    const char *path = map_get(&model->options, STR("path"));
    uint64_t current;
    bool found = false;
    *taken = false;
    for (uint32_t i = 0; path && i < alter->options.count; i++) {
        const AstOption *option = &alter->options.at[i];
        int64_t version;
        if (!str_is(option->key.name, "version") || !option->value) continue;
        if (map_has(&model->options, STR("version"))) continue;  // pinned: the option says it all
        TRY(registry_current(str_c(path), &current, &found, err));
        if (!found) continue;
        if (!str_to_i64(option->value->literal.text, &version) || version < 1) {
            return error_at(err, ST_VALIDATION, option->key.span.place,
                            "'version' must be the number of one");
        }
        TRY(registry_use(str_c(path), (uint64_t)version, err));
        *taken = true;
    }
    return ST_OK;
}

Status ddl_alter_model(DdlContext *ddl, const AstAlter *alter, Error *err) {
    ObjectName name;
    Map *models = NULL;
    TRY(models_of(ddl, &alter->name, false, &name, &models, err));
    Model *model = map_get(models, name.object);
    if (!model) {
        if (alter->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "model '" STR_FMT "' doesn't exist", STR_ARG(name.object));
    }
    if (alter->kind == ALTER_RENAME) {
        Str to = ast_name_last(alter->target);
        if (map_has(models, to)) {
            return error_at(err, ST_VALIDATION, alter->target.span.place,
                            "model '" STR_FMT "' already exists", STR_ARG(to));
        }
        (void)map_remove(models, name.object);
        model->name.object = str_dup(&model->arena, to);
        (void)map_put(models, to, model);
        return ST_OK;
    }
    if (!alter->options.count) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "ALTER MODEL needs at least one option");
    }
    if (alter->kind == ALTER_SET) {
        bool taken;
        TRY(use_version(model, alter, &taken, err));
        TRY(ddl_options(&model->arena, &model->options, &alter->options, true, err));
        if (taken) (void)map_remove(&model->options, STR("version"));
        return ST_OK;
    }
    for (uint32_t i = 0; i < alter->options.count; i++) {
        (void)map_remove(&model->options, alter->options.at[i].key.name);
    }
    return ST_OK;
}

Status ddl_drop_model(DdlContext *ddl, const AstDrop *drop, Error *err) {
    ObjectName name;
    Map *models = NULL;
    TRY(models_of(ddl, &drop->name, drop->temporary, &name, &models, err));
    Model *model = map_remove(models, name.object);
    if (!model && !drop->if_exists) {
        return error_at(err, ST_VALIDATION, drop->name.span.place,
                        "model '" STR_FMT "' doesn't exist", STR_ARG(name.object));
    }
    model_free(model);
    return ST_OK;
}
