// Models: CREATE MODEL, with columns or AS a query whose rows it is trained on; ALTER, DROP.
//
// A trained model is a new version in a folder of versions (model/registry.h), below
// 'weir.models.dir' unless 'path' says where; the catalog keeps how to find it. CREATE OR REPLACE
// MODEL trains the next version, and what runs takes it up.
//
// With an algorithm that learns online the statement is a job: an INSERT into a table of the
// connector 'model' (model/learner.c), which learns for as long as the stream flows and adds
// versions on its way.
//
// With 'retrain.interval' or 'retrain.on-drift' jobs that use the model train it again
// (engine/retrain.h).
#include "engine/train_model.h"
#include "model/columns.h"
#include "model/registry.h"
#include "os/os.h"
#include "sql/parser.h"

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

// ---- training ----------------------------------------------------------------------------------

static void default_path(DdlContext *ddl, Model *model) {
    if (map_get(&model->options, STR("path"))) return;
    const char *dir = config_get(ddl->config, "weir.models.dir");
    Str path = str_printf(&model->arena, "%s/" STR_FMT, dir, STR_ARG(model->name.object));
    (void)map_put(&model->options, STR("path"),
                  (void *)(uintptr_t)str_cstr(&model->arena, path));
}

// A model that is trained again and again keeps its query among its options, with all names in
// full: so it is there when the catalog is read back, and is seen and changed as any option. What
// is kept is what is run.
static Status keep_query(DdlContext *ddl, Model *model, AstQuery **query, Error *err) {
    Str text;
    TRY(ddl_query_text(ddl, *query, &model->arena, &text, err));
    (void)map_put(&model->options, STR("retrain.query"),
                  (void *)(uintptr_t)str_cstr(&model->arena, text));
    return sql_parse_query(ddl->plan->arena, text, query, err);
}

// A script that begins again finds its model as it is: trained anew is what is due.
static Status take_up(const TrainJob *job, Trained *out, Error *err) {
    uint64_t version;
    int64_t due_ms, now_ms = os_now_ms();
    uint64_t current;
    bool found;
    Str path = str_c(map_get(job->options, STR("path")));
    TRY(train_newest(job, &version, &due_ms, err));
    if (!version || due_ms <= now_ms) return ST_OK;
    TRY(registry_current(path, &current, &found, err));
    if (!found) TRY(registry_use(path, version, err));  // the power went just before that
    TRY(train_columns(job, version, out, err));
    Buf line = {0};
    buf_printf(&line, "model '" STR_FMT "' version %llu is there already", STR_ARG(job->name),
               (unsigned long long)version);
    if (due_ms < INT64_MAX) {
        buf_printf(&line, "; it is trained again in %lld s", (long long)(due_ms - now_ms) / 1000);
    }
    job->ddl->say(job->ddl, buf_str(&line));
    buf_free(&line);
    return ST_OK;
}

static Status learn_online(DdlContext *ddl, const AstCreateModel *create, Model *model,
                           Error *err);

static Status train(DdlContext *ddl, const AstCreateModel *create, Model *model, Error *err) {
    const MlAlgorithm *algorithm;
    AstQuery *query = create->query;
    bool again = train_again(&model->options);
    Status st = train_check(&model->options, &algorithm, err);
    if (st) {
        error_place(err, create->name.span.place);
        return st;
    }
    default_path(ddl, model);
    if (!algorithm) return learn_online(ddl, create, model, err);
    if (again) TRY(keep_query(ddl, model, &query, err));
    TrainJob job = {.ddl = ddl, .query = query, .statement = ddl->text,
                    .options = &model->options, .name = model->name.object,
                    .arena = &model->arena};
    Trained made = {0};
    st = again && !create->replace ? take_up(&job, &made, err) : ST_OK;
    if (!st && !made.version) st = train_model(&job, &made, err);
    if (st) {
        error_place(err, create->name.span.place);
        return st;
    }
    model->input = made.input;
    model->output = made.output;
    return ST_OK;
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
    model->input = train_named_columns(made->in, made->in_count, arena);
    model->output = train_named_columns(made->out, made->out_count, arena);
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
        Status st = registry_use(str_c(path), (uint64_t)version, err);
        if (st) {
            error_place(err, option->key.span.place);
            return st;
        }
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
