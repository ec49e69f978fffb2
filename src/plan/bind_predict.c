// ML_PREDICT(TABLE t, MODEL m, DESCRIPTOR(a, b) [, MAP['async', 'true', …]]) in FROM: the table's
// columns and behind them what the model gives; ML_EVALUATE(TABLE t, MODEL m, DESCRIPTOR(label),
// DESCRIPTOR(a, b), 'task' [, MAP[…]]): how good that is. The rules are those of Flink's
// SqlMLTableFunction.
#include "plan/bind.h"
#include "plan/settings.h"
#include "spi/model.h"

// In the order of the call; the fields of the struct follow that of ML_EVALUATE.
typedef struct ModelArgs {
    const AstExpr *input, *model, *label, *features, *task, *config;
} ModelArgs;

static const AstExpr **arg_slot(ModelArgs *args, bool evaluate, const AstExpr *given, uint32_t at) {
    const char *const names[] = {"INPUT", "MODEL", "LABEL", "ARGS", "TASK", "CONFIG"};
    const AstExpr **const slots[] = {&args->input,    &args->model, &args->label,
                                     &args->features, &args->task,  &args->config};
    for (uint32_t i = 0; i < 6; i++) {
        if (!evaluate && (i == 2 || i == 4)) continue;
        bool named = given->kind == EX_NAMED;
        if (named ? str_eq_nocase(given->named.name.name, str_c(names[i])) : at-- == 0)
            return slots[i];
    }
    return NULL;
}

static Status no_match(const AstExpr *ast, bool evaluate, Error *err) {
    (void)error_at(err, ST_VALIDATION, ast->span.place,
                   "no match found for function signature " STR_FMT, STR_ARG(ast->call->name));
    error_hint(err, evaluate
                        ? "ML_EVALUATE(INPUT => TABLE t, MODEL => MODEL m, LABEL => DESCRIPTOR(y), "
                          "ARGS => DESCRIPTOR(a, …), TASK => 'regression' [, CONFIG => MAP[…]])"
                        : "ML_PREDICT(INPUT => TABLE t, MODEL => MODEL m, ARGS => DESCRIPTOR(a, …) "
                          "[, CONFIG => MAP['async', 'true']])");
    return ST_VALIDATION;
}

static bool is_descriptor(const AstExpr *ast) {
    return ast && ast->kind == EX_CALL && str_is(ast->call->name, "DESCRIPTOR");
}

static Status sort_args(const AstExpr *ast, bool evaluate, ModelArgs *out, Error *err) {
    const AstCall *call = ast->call;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        const AstExpr *arg = call->arg.at[i];
        const AstExpr **slot = arg_slot(out, evaluate, arg, i);
        if (!slot || *slot) return no_match(ast, evaluate, err);
        *slot = arg->kind == EX_NAMED ? arg->named.value : arg;
    }
    bool whole = out->input && out->model && is_descriptor(out->features);
    if (evaluate) whole &= is_descriptor(out->label) && out->task;
    return whole ? ST_OK : no_match(ast, evaluate, err);
}

// ---- the model ---------------------------------------------------------------------------------

static Status no_provider(const Model *model, const char *name, Place place, Error *err) {
    (void)error_at(err, ST_VALIDATION, place, "unknown provider '%s' of model '" STR_FMT "'", name,
                   STR_ARG(model->name.object));
    const char *near = model_provider_nearest(str_c(name));
    if (near) {
        error_hint(err, "did you mean '%s'?", near);
        return ST_VALIDATION;
    }
    Buf names = {0};
    uint32_t count;
    const char *const *list = model_provider_list(&count);
    for (uint32_t i = 0; i < count; i++) buf_printf(&names, "%s%s", i ? ", " : "", list[i]);
    error_hint(err, "there are: " STR_FMT, STR_ARG(buf_str(&names)));
    buf_free(&names);
    return ST_VALIDATION;
}

static Status describe(PlanContext *context, const Model *model, const ModelProvider *provider,
                       ModelDesc **out, Error *err) {
    Arena *arena = context->arena;
    ModelDesc *desc = *out = ARENA_NEW(arena, ModelDesc);
    Map *options = plan_map(context);  // the model may be dropped while the query runs
    for (uint32_t i = 0; i < model->options.count; i++) {
        const MapEntry *entry = &model->options.entry[i];
        (void)map_put(options, entry->key,
                      (void *)(uintptr_t)str_cstr(arena, str_c(entry->value)));
    }
    desc->name = str_dup(arena, model->name.object);
    desc->input = type_dup(arena, model->input);
    desc->output = type_dup(arena, model->output);
    desc->options = (Options){.map = options, .owner = desc->name, .kind = "model",
                              .defs = provider->options};
    const OptionDef *const also[] = {MODEL_OPTIONS, NULL};
    TRY(options_check(&desc->options, also, err));
    if (!desc->output->child_count) {
        if (!provider->columns) {
            (void)error_set(err, ST_VALIDATION, "model '" STR_FMT "' has no columns",
                            STR_ARG(desc->name));
            error_hint(err, "CREATE MODEL m INPUT (…) OUTPUT (…) WITH (…)");
            return ST_VALIDATION;
        }
        TRY(provider->columns(desc, arena, &desc->input, &desc->output, err));
    }
    return provider->check ? provider->check(desc, err) : ST_OK;
}

Status bind_model(Binder *binder, const AstExpr *ast, const Model **out, Error *err) {
    const Catalogs *catalogs = binder->context->catalogs;
    if (ast->kind != EX_MODEL) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "argument 'MODEL' expects a model to be passed: MODEL m");
    }
    ObjectName name;
    TRY(catalogs_resolve(catalogs, &ast->name, &name, err));
    *out = catalogs_model(catalogs, name);
    if (*out) {
        plan_use(binder->context, USE_MODEL, *out);
        return ST_OK;
    }
    (void)error_at(err, ST_VALIDATION, ast->span.place, "model '" STR_FMT "' not found",
                   STR_ARG(name.object));
    const char *near = catalogs_nearest_model(catalogs, name);
    if (near) error_hint(err, "did you mean '%s'?", near);
    return ST_VALIDATION;
}

// The model as its provider sees it, checked.
static Status settle_model(Binder *binder, const Model *model, Place place, PredictSpec *spec,
                           Error *err) {
    const char *name = map_get(&model->options, STR("provider"));
    if (!name) {
        (void)error_at(err, ST_VALIDATION, place,
                       "the options of model '" STR_FMT "' do not contain 'provider'",
                       STR_ARG(model->name.object));
        error_hint(err, "ALTER MODEL " STR_FMT " SET ('provider' = '…')",
                   STR_ARG(model->name.object));
        return ST_VALIDATION;
    }
    spec->provider = model_provider_find(str_c(name));
    if (!spec->provider) return no_provider(model, name, place, err);
    Status st = describe(binder->context, model, spec->provider, &spec->model, err);
    if (st) error_place(err, place);
    return st;
}

// ---- features ----------------------------------------------------------------------------------

static Status feature_column(const AstExpr *ast, const Type *row, uint32_t *out, Error *err) {
    Str name = ast->kind == EX_NAME ? ast_name_last(ast->name) : (Str){0};
    for (*out = 0; *out < row->child_count; (*out)++) {
        if (ast->kind == EX_NAME && str_eq(row->field[*out], name)) return ST_OK;
    }
    (void)error_at(err, ST_VALIDATION, ast->span.place,
                   "descriptor column '" STR_FMT "' not found in table columns", STR_ARG(name));
    Buf names = {0};
    for (uint32_t i = 0; i < row->child_count; i++) {
        buf_printf(&names, "%s" STR_FMT, i ? ", " : "", STR_ARG(row->field[i]));
    }
    error_hint(err, "available columns: " STR_FMT, STR_ARG(buf_str(&names)));
    buf_free(&names);
    return ST_VALIDATION;
}

static Status no_assignment(const AstExpr *ast, uint32_t at, Str name, const Type *from,
                            const Type *to, Error *err) {
    Buf text = {0};
    buf_printf(&text, "descriptor column '" STR_FMT "' type ", STR_ARG(name));
    type_print_summary(from, false, &text);
    buf_puts(&text, " cannot be assigned to model input type ");
    type_print_summary(to, false, &text);
    Status st = error_at(err, ST_VALIDATION, ast->span.place, STR_FMT " at position %u",
                         STR_ARG(buf_str(&text)), at);
    buf_free(&text);
    return st;
}

typedef struct Feature {
    const AstExpr *ast;
    uint32_t column;
} Feature;

// Columns are found before the model's provider is looked for, and compared with what was declared.
static Status read_features(Arena *arena, const AstExpr *ast, const Type *row, Feature **out,
                            Error *err) {
    const AstCall *call = ast->call;
    *out = ARENA_ARRAY(arena, Feature, call->arg.count + 1);
    for (uint32_t i = 0; i < call->arg.count; i++) {
        (*out)[i].ast = call->arg.at[i];
        TRY(feature_column(call->arg.at[i], row, &(*out)[i].column, err));
    }
    return ST_OK;
}

static Status check_features(const AstExpr *ast, const Feature *feature, const Type *row,
                             const Type *input, Error *err) {
    uint32_t count = ast->call->arg.count;
    if (count != input->child_count) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "number of descriptor columns (%u) does not match model input size (%u)",
                        count, input->child_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        const Type *from = row->child[feature[i].column], *to = input->child[i];
        if (!type_casts_implicitly(from, to)) {
            return no_assignment(feature[i].ast, i, row->field[feature[i].column], from, to, err);
        }
    }
    return ST_OK;
}

// ---- CONFIG ------------------------------------------------------------------------------------

static Status bad_config(const AstExpr *ast, Str key, Str value, const char *wanted, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "CONFIG of ML_PREDICT: '" STR_FMT "' cannot be '" STR_FMT "', it takes %s",
                    STR_ARG(key), STR_ARG(value), wanted);
}

Status bind_config(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Binder constants = {.context = binder->context, .arena = binder->arena};
    constants.scope = scope_single(binder->arena, type_row(binder->arena, 0, NULL, NULL, false),
                                   (Str){0});
    TRY(bind_expr(&constants, ast, out, err));
    TRY(expr_fold(binder->context, out, err));
    const Expr *map = *out;
    if (map->kind == EXPR_LITERAL && map->type->kind == TYPE_MAP &&
        type_is_text(map->type->child[0]) && type_is_text(map->type->child[1]) &&
        !vec_is_null(map->value, 0)) {
        return ST_OK;
    }
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "CONFIG needs a constant MAP<STRING, STRING>");
}

static Status read_config(Binder *binder, const AstExpr *ast, PredictSpec *spec, Error *err) {
    enum { AT_A_TIME = 10, TIMEOUT_MS = 180000 };
    const Map *config = binder->context->config;
    spec->async = spec->provider->remote;
    spec->ordered = true;
    spec->at_a_time = (uint32_t)config_int(
        config, "table.exec.async-ml-predict.max-concurrent-operations", AT_A_TIME);
    spec->timeout_ms = config_ms(config, "table.exec.async-ml-predict.timeout", TIMEOUT_MS);
    spec->ordered = !str_eq_nocase(
        str_c(config_get(config, "table.exec.async-ml-predict.output-mode")),
        STR("ALLOW_UNORDERED"));
    if (!ast) return ST_OK;
    Expr *map;
    TRY(bind_config(binder, ast, &map, err));
    ListView view = vec_list(map->value)[0];
    for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
        Str key = vec_str(map->value->child[0])[i], value = vec_str(map->value->child[1])[i];
        int64_t number;
        if (str_is(key, "async")) {
            if (!str_to_bool(value, &spec->async)) {
                return bad_config(ast, key, value, "'true' or 'false'", err);
            }
        } else if (str_is(key, "output-mode")) {
            spec->ordered = str_eq_nocase(value, STR("ORDERED"));
            if (!spec->ordered && !str_eq_nocase(value, STR("ALLOW_UNORDERED"))) {
                return bad_config(ast, key, value, "'ORDERED' or 'ALLOW_UNORDERED'", err);
            }
        } else if (str_is(key, "max-concurrent-operations")) {
            if (!str_to_i64(value, &number) || number < 1 || number > INT32_MAX) {
                return bad_config(ast, key, value, "a whole number above 0", err);
            }
            spec->at_a_time = (uint32_t)number;
        } else if (str_is(key, "timeout")) {
            if (!option_read_duration(value, &spec->timeout_ms) || spec->timeout_ms <= 0) {
                return bad_config(ast, key, value, "a duration like '10 s'", err);
            }
        } else if (str_is(key, "window")) {  // of ML_EVALUATE
            if (!str_to_i64(value, &number) || number < 1 || number > INT32_MAX) {
                return bad_config(ast, key, value, "a number of rows", err);
            }
            spec->window = (uint32_t)number;
        } else if (str_is(key, "fading")) {
            if (!str_to_f64(value, &spec->fading) || !(spec->fading > 0 && spec->fading < 1)) {
                return bad_config(ast, key, value, "a number between 0 and 1", err);
            }
        }
        // Others may be the provider's in Flink, which says nothing of them.
    }
    return ST_OK;
}

// ---- the plan ----------------------------------------------------------------------------------

// A column of the model that has the name of one before it gets the first number that makes it new.
static Str new_name(Arena *arena, const Str *taken, uint32_t count, Str name) {
    Str out = name;
    for (uint32_t number = 0;; number++) {
        bool found = false;
        for (uint32_t i = 0; i < count; i++) found |= str_eq(taken[i], out);
        if (!found) return out;
        out = str_printf(arena, STR_FMT "%u", STR_ARG(name), number);
    }
}

static const Type *output_row(Arena *arena, const Type *input, const Type *model) {
    uint32_t count = input->child_count + model->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        bool of_model = i >= input->child_count;
        const Type *row = of_model ? model : input;
        uint32_t at = of_model ? i - input->child_count : i;
        child[i] = row->child[at];
        name[i] = of_model ? new_name(arena, name, i, row->field[at]) : row->field[at];
    }
    return type_row(arena, count, child, name, false);
}

static Status read_args(Binder *binder, const AstExpr *ast, bool evaluate, ModelArgs *args,
                        Plan **input, const Model **model, Error *err) {
    TRY(sort_args(ast, evaluate, args, err));
    if (args->input->kind == EX_TABLE && args->input->table.has_partition) {
        return error_at(err, ST_VALIDATION, args->input->span.place,
                        "only tables with set semantics may be partitioned");
    }
    TRY(bind_table_arg(binder, args->input, input, err));
    return bind_model(binder, args->model, model, err);
}

static Status predict_plan(Binder *binder, const AstExpr *ast, const ModelArgs *args, Plan *input,
                           const Model *model, const Feature *feature, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    const AstExpr *features = args->features;
    // A model without columns in its declaration has those that its provider knows.
    bool declared = model->output->child_count > 0;
    if (declared) TRY(check_features(features, feature, input->type, model->input, err));
    PredictSpec *spec = ARENA_NEW(arena, PredictSpec);
    TRY(settle_model(binder, model, args->model->span.place, spec, err));
    if (!declared) TRY(check_features(features, feature, input->type, spec->model->input, err));
    TRY(read_config(binder, args->config, spec, err));
    Plan *plan = plan_new(binder->context, PLAN_PREDICT,
                          output_row(arena, input->type, spec->model->output), 1);
    plan->input[0] = input;
    plan->predict = spec;
    spec->of = str_printf(arena, STR_FMT "." STR_FMT, STR_ARG(model->name.catalog),
                          STR_ARG(model->name.database));
    plan->function = ast->call->name;
    plan->func_arg_count = spec->model->input->child_count;
    plan->func_arg = ARENA_ARRAY(arena, Expr *, plan->func_arg_count + 1);
    for (uint32_t i = 0; i < plan->func_arg_count; i++) {
        uint32_t column = feature[i].column;
        const Type *from = input->type->child[column];
        const Type *to = type_nullable(arena, spec->model->input->child[i], from->nullable);
        Expr *expr = expr_column(arena, column, from);
        plan->func_arg[i] = type_equal(from, to) ? expr : expr_cast(arena, expr, to, false);
    }
    *out = plan;
    return ST_OK;
}

Status bind_predict(Binder *binder, const AstExpr *ast, Plan **out, Error *err) {
    ModelArgs args = {0};
    Plan *input;
    const Model *model;
    Feature *feature;
    TRY(read_args(binder, ast, false, &args, &input, &model, err));
    TRY(read_features(binder->arena, args.features, input->type, &feature, err));
    return predict_plan(binder, ast, &args, input, model, feature, out, err);
}

// ---- ML_EVALUATE -------------------------------------------------------------------------------

static Status read_task(const AstExpr *ast, uint8_t *out, Error *err) {
    static const char *const TASKS[] = {
        [EVALUATE_CLASSIFICATION] = "classification", [EVALUATE_REGRESSION] = "regression",
        [EVALUATE_CLUSTERING] = "clustering",         [EVALUATE_OUTLIERS] = "outliers",
        [EVALUATE_FORECASTING] = "forecasting",       [EVALUATE_EMBEDDING] = "embedding",
        [EVALUATE_TEXT_GENERATION] = "text_generation",
    };
    if (ast->kind != EX_LITERAL || ast->literal.kind != LIT_TEXT) {
        return error_at(err, ST_VALIDATION, ast->span.place, "TASK needs a text");
    }
    for (*out = 0; *out < sizeof TASKS / sizeof *TASKS; (*out)++) {
        if (str_eq(ast->literal.text, str_c(TASKS[*out]))) return ST_OK;
    }
    (void)error_at(err, ST_VALIDATION, ast->span.place, "unsupported task: " STR_FMT,
                   STR_ARG(ast->literal.text));
    error_hint(err, "supported tasks are: regression, clustering, classification, embedding, "
                    "text_generation, outliers, forecasting");
    return ST_VALIDATION;
}

static Status read_label(Arena *arena, const AstExpr *ast, const Type *row, Feature *out,
                         Error *err) {
    Feature *label;
    TRY(read_features(arena, ast, row, &label, err));
    if (ast->call->arg.count != 1) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "label descriptor must have exactly one column for evaluation");
    }
    *out = label[0];
    return ST_OK;
}

// Of any task but clustering, which has no use for one.
static Status check_judged(const Feature *label, const Type *row, uint32_t task, Error *err) {
    const Type *type = row->child[label->column];
    if (task == EVALUATE_CLUSTERING || model_can_judge(type)) return ST_OK;
    Buf text = {0};
    type_print_summary(type, false, &text);
    (void)error_at(
        err, ST_VALIDATION, label->ast->span.place,
        "ML_EVALUATE compares numbers, booleans, texts and arrays of numbers, not " STR_FMT,
        STR_ARG(buf_str(&text)));
    error_hint(err, "CAST it");
    buf_free(&text);
    return ST_VALIDATION;
}

static Status check_label(const Feature *label, const Type *row, const Type *output, Error *err) {
    const Type *from = row->child[label->column];
    if (type_casts_implicitly(from, output) || type_casts_implicitly(output, from)) return ST_OK;
    Buf text = {0};
    buf_puts(&text, "label descriptor column type ");
    type_print_summary(from, false, &text);
    buf_puts(&text, " cannot be assigned to model output type ");
    type_print_summary(output, false, &text);
    Status st = error_at(err, ST_VALIDATION, label->ast->span.place, STR_FMT " for evaluation",
                         STR_ARG(buf_str(&text)));
    buf_free(&text);
    return st;
}

// [row] and the number of the version that scored it.
static const Type *with_version(Arena *arena, const Type *row) {
    static const Str NAME = {"$version", 8};
    const Type *number = type_of(TYPE_BIGINT, false);
    return output_row(arena, row, type_row(arena, 1, &number, &NAME, false));
}

// The rows of [predict], the champion's, scored by its challenger, too.
static Status add_challenger(Binder *binder, Plan *predict, EvaluateSpec *spec, Place place,
                             Plan **out, Error *err) {
    Arena *arena = binder->arena;
    const PredictSpec *asked = predict->predict;
    if (!asked->provider->promote) {
        return error_at(err, ST_VALIDATION, place,
                        "models of provider '%s' have no versions, and so no challenger",
                        asked->provider->name);
    }
    PredictSpec *champion = arena_dup(arena, asked, sizeof *asked);
    champion->versioned = true;
    predict->predict = champion;
    predict->type = with_version(arena, predict->type);
    PredictSpec *other = arena_dup(arena, champion, sizeof *champion);
    ModelDesc *model = other->model = arena_dup(arena, asked->model, sizeof *model);
    model->challenger = true;
    Status st = other->provider->check ? other->provider->check(model, err) : ST_OK;
    if (st) {
        error_place(err, place);
        return st;
    }
    spec->challenged = true;
    spec->version_column = predict->type->child_count - 1;
    spec->first_challenger = predict->type->child_count;
    Plan *plan = plan_new(
        binder->context, PLAN_PREDICT,
        with_version(arena, output_row(arena, predict->type, asked->model->output)), 1);
    plan->input[0] = predict;
    plan->predict = other;
    plan->function = predict->function;
    plan->func_arg = predict->func_arg;  // columns of the table, which stand where they stood
    plan->func_arg_count = predict->func_arg_count;
    spec->challenger_version_column = plan->type->child_count - 1;
    *out = plan;
    return ST_OK;
}

static void read_versions(const ModelDesc *model, EvaluateSpec *spec, bool *challenged) {
    const Map *options = model->options.map;
    const char *rule = map_get(options, STR("promote.when"));
    const char *drift = map_get(options, STR("retrain.on-drift"));
    if (rule) spec->promote = str_c(rule);
    if (drift) (void)str_to_bool(str_c(drift), &spec->watched);
    *challenged = rule || map_has(options, STR("challenger.version"));
}

Status bind_evaluate(Binder *binder, const AstExpr *ast, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    ModelArgs args = {0};
    Plan *input, *predict;
    const Model *model;
    Feature *feature, label = {0};
    EvaluateSpec *spec = ARENA_NEW(arena, EvaluateSpec);
    TRY(read_args(binder, ast, true, &args, &input, &model, err));
    TRY(read_task(args.task, &spec->task, err));
    TRY(read_label(arena, args.label, input->type, &label, err));
    TRY(read_features(arena, args.features, input->type, &feature, err));
    if (model->output->child_count == 1) {
        TRY(check_label(&label, input->type, model->output->child[0], err));
    }
    TRY(check_judged(&label, input->type, spec->task, err));
    TRY(predict_plan(binder, ast, &args, input, model, feature, &predict, err));
    const PredictSpec *asked = predict->predict;
    spec->label = label.column;
    spec->first_output = input->type->child_count;
    spec->output_count = asked->model->output->child_count;
    spec->output_name = asked->model->output->field;
    spec->feature_count = predict->func_arg_count;
    spec->feature = ARENA_ARRAY(arena, uint32_t, spec->feature_count + 1);
    for (uint32_t i = 0; i < spec->feature_count; i++) spec->feature[i] = feature[i].column;
    spec->window = asked->window;
    spec->fading = asked->fading;
    spec->model = asked->model;
    spec->provider = asked->provider;
    bool challenged;
    read_versions(asked->model, spec, &challenged);
    if (challenged) {
        TRY(add_challenger(binder, predict, spec, args.model->span.place, &predict, err));
    }
    const Type *map =
        type_map(arena, type_of(TYPE_VARCHAR, false), type_of(TYPE_DOUBLE, false), false);
    static const Str RESULT = {"result", 6};
    Plan *plan =
        plan_new(binder->context, PLAN_EVALUATE, type_row(arena, 1, &map, &RESULT, false), 1);
    plan->input[0] = predict;
    plan->evaluate = spec;
    *out = plan;
    return ST_OK;
}
