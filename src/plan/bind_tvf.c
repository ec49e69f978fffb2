// Windows: the table functions TUMBLE, HOP, CUMULATE and SESSION in FROM, the group windows of the
// old syntax in GROUP BY, and their auxiliary functions.
#include "plan/bind.h"

// ---- arguments by name or place ----------------------------------------------------------------

static const char *const TUMBLE_ARGS[] = {"DATA", "TIMECOL", "SIZE", "OFFSET", NULL};
static const char *const HOP_ARGS[] = {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET", NULL};
static const char *const CUMULATE_ARGS[] = {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET", NULL};
static const char *const SESSION_ARGS[] = {"DATA", "TIMECOL", "GAP", NULL};

static const struct {
    const char *name;
    WindowKind kind;
    const char *const *args;
    uint32_t least;
} WINDOWS[] = {
    {"TUMBLE", WINDOW_TUMBLE, TUMBLE_ARGS, 3},
    {"HOP", WINDOW_HOP, HOP_ARGS, 4},
    {"CUMULATE", WINDOW_CUMULATE, CUMULATE_ARGS, 4},
    {"SESSION", WINDOW_SESSION, SESSION_ARGS, 3},
};

enum { WINDOW_ARGS_MAX = 5 };

static Status sort_args(const AstExpr *ast, const char *const *names, uint32_t least,
                        const AstExpr *out[WINDOW_ARGS_MAX], Error *err) {
    const AstCall *call = ast->call;
    uint32_t most = 0, given = 0;
    while (names[most]) most++;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        const AstExpr *arg = call->arg.at[i];
        uint32_t at = i;
        if (arg->kind == EX_NAMED) {
            at = 0;
            while (at < most && !str_eq_nocase(arg->named.name.name, str_c(names[at]))) at++;
            if (at == most) {
                return error_at(err, ST_VALIDATION, arg->span.place, STR_FMT " has no parameter '"
                                STR_FMT "'", STR_ARG(call->name), STR_ARG(arg->named.name.name));
            }
            arg = arg->named.value;
        }
        if (at >= most || out[at]) {
            return error_at(err, ST_VALIDATION, ast->span.place, "invalid arguments to " STR_FMT,
                            STR_ARG(call->name));
        }
        out[at] = arg;
        given++;
    }
    for (uint32_t i = 0; i < least; i++) {
        if (!out[i]) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "invalid number of arguments to function '" STR_FMT
                            "': %u given, at least %u "
                            "needed",
                            STR_ARG(call->name), given, least);
        }
    }
    return ST_OK;
}

// ---- table functions ---------------------------------------------------------------------------

Status bind_table_arg(Binder *binder, const AstExpr *arg, Plan **plan, Error *err) {
    if (arg->kind == EX_TABLE && !arg->table.query) {
        AstQuery *table = ARENA_NEW(binder->arena, AstQuery);
        *table = (AstQuery){.kind = Q_TABLE, .span = arg->span, .table = arg->table.name};
        Expansion *expansion = binder->context->expansion;
        if (expansion) expansion_argument(expansion, arg, table);
        return bind_query_in(binder, binder->context, table, plan, err);
    }
    Expansion *expansion = arg->kind == EX_QUERY ? binder->context->expansion : NULL;
    if (expansion) expansion_argument(expansion, arg, arg->query);
    const AstQuery *query = arg->kind == EX_TABLE   ? arg->table.query
                            : arg->kind == EX_QUERY ? arg->query
                                                    : NULL;
    if (!query) {
        return error_at(err, ST_VALIDATION, arg->span.place, "a table is needed here: TABLE name");
    }
    return bind_query_in(binder, binder->context, query, plan, err);
}

static Status descriptor_column(const AstExpr *arg, const Type *row, uint32_t *column, Error *err) {
    if (arg->kind != EX_CALL || !str_is(arg->call->name, "DESCRIPTOR") ||
        !arg->call->arg.count || arg->call->arg.at[0]->kind != EX_NAME) {
        return error_at(err, ST_VALIDATION, arg->span.place, "DESCRIPTOR(column) is needed here");
    }
    Str name = ast_name_last(arg->call->arg.at[0]->name);
    for (*column = 0; *column < row->child_count; (*column)++) {
        if (str_eq(row->field[*column], name)) return ST_OK;
    }
    return error_at(err, ST_VALIDATION, arg->call->arg.at[0]->span.place,
                    "unknown identifier '" STR_FMT "'", STR_ARG(name));
}

static Status window_interval(Binder *binder, const AstExpr *ast, bool legacy, int64_t *ms,
                              Error *err) {
    TRY(bind_interval_ms(binder, ast, ms, err));
    if (legacy || ast->kind == EX_LITERAL) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "only constant window descriptors are supported: INTERVAL '…' unit");
}

static Status window_sizes(Binder *binder, const AstExpr *ast, const AstExpr *const *arg,
                           bool legacy, WindowSpec *spec, Error *err) {
    uint32_t at = 2;
    if (spec->kind == WINDOW_HOP || spec->kind == WINDOW_CUMULATE) {
        TRY(window_interval(binder, arg[at++], legacy, &spec->slide_ms, err));
    }
    TRY(window_interval(binder, arg[at++], legacy, &spec->size_ms, err));
    if (spec->kind != WINDOW_SESSION && arg[at]) {
        TRY(window_interval(binder, arg[at], legacy, &spec->offset_ms, err));
    }
    Place place = ast->span.place;
    if (spec->size_ms <= 0 ||
        (spec->kind != WINDOW_TUMBLE && spec->kind != WINDOW_SESSION && spec->slide_ms <= 0)) {
        return error_at(err, ST_VALIDATION, place, "window sizes must be positive");
    }
    int64_t offset = spec->offset_ms < 0 ? -spec->offset_ms : spec->offset_ms;
    if (spec->kind == WINDOW_TUMBLE && offset >= spec->size_ms) {
        return error_at(err, ST_VALIDATION, place,
                        "TUMBLE table function parameters must satisfy abs(offset) < size");
    }
    if (spec->kind == WINDOW_CUMULATE && spec->size_ms % spec->slide_ms) {
        return error_at(
            err, ST_VALIDATION, place,
            "CUMULATE table function requires size must be an integral multiple of step");
    }
    return ST_OK;
}

// The time that windows are made of: a time attribute, and in a batch any timestamp.
static Status window_time(const Plan *input, bool batch, uint32_t column, Place place,
                          WindowSpec *spec, Error *err) {
    if (batch && spec->kind == WINDOW_SESSION) {
        return error_at(err, ST_VALIDATION, place,
                        "SESSION windows are not supported in batch mode");
    }
    const Type *type = input->type->child[column];
    if (batch ? !type_is_timestamp(type) : type->attribute == TIME_NONE) {
        Buf text = {0};
        type_print_summary(type, false, &text);
        Status st = error_at(
            err, ST_VALIDATION, place,
            "the window function requires the timecol is a time attribute type, but is " STR_FMT,
            STR_ARG(buf_str(&text)));
        error_hint(err, "declare WATERMARK FOR the column in its table, or use PROCTIME()");
        buf_free(&text);
        return st;
    }
    spec->time_column = column;
    spec->time_type = type;
    spec->proctime = type->attribute == TIME_PROCTIME;
    return ST_OK;
}

static Status session_partition(Binder *binder, const AstExpr *table, const Plan *input,
                                WindowSpec *spec, Error *err) {
    if (table->kind == EX_TABLE && table->table.has_order && spec->kind == WINDOW_SESSION) {
        return error_at(err, ST_VALIDATION, table->span.place,
                        "SESSION takes no ORDER BY: its rows go by their time");
    }
    if (table->kind != EX_TABLE || !table->table.has_partition) return ST_OK;
    if (spec->kind != WINDOW_SESSION) {
        return error_at(err, ST_VALIDATION, table->span.place,
                        "only tables with set semantics may be partitioned");
    }
    spec->partition_count = table->table.partition.count;
    spec->partition = ARENA_ARRAY(binder->arena, uint32_t, spec->partition_count + 1);
    for (uint32_t i = 0; i < spec->partition_count; i++) {
        const AstExpr *key = table->table.partition.at[i];
        uint32_t c = 0;
        if (key->kind == EX_NAME) {
            while (c < input->type->child_count &&
                   !str_eq(input->type->field[c], ast_name_last(key->name))) {
                c++;
            }
        }
        if (key->kind != EX_NAME || c == input->type->child_count) {
            return error_at(err, ST_VALIDATION, key->span.place,
                            "PARTITION BY needs columns of the table");
        }
        spec->partition[i] = c;
    }
    return ST_OK;
}

static Status window_tvf(Binder *binder, const AstExpr *ast, uint32_t which, Plan **out,
                         Error *err) {
    const AstExpr *arg[WINDOW_ARGS_MAX] = {0};
    TRY(sort_args(ast, WINDOWS[which].args, WINDOWS[which].least, arg, err));
    Plan *input = NULL;
    TRY(bind_table_arg(binder, arg[0], &input, err));
    Arena *arena = binder->arena;
    WindowSpec *spec = ARENA_NEW(arena, WindowSpec);
    spec->kind = WINDOWS[which].kind;
    uint32_t column = 0;
    TRY(descriptor_column(arg[1], input->type, &column, err));
    TRY(window_time(input, binder->context->batch, column, ast->span.place, spec, err));
    Binder constants = {.context = binder->context, .arena = arena};
    constants.scope = scope_single(arena, type_row(arena, 0, NULL, NULL, false), (Str){0});
    TRY(window_sizes(&constants, ast, arg, false, spec, err));
    TRY(session_partition(binder, arg[0], input, spec, err));
    uint32_t count = input->type->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 3);
    Str *name = ARENA_ARRAY(arena, Str, count + 3);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = input->type->child[i];
        name[i] = input->type->field[i];
    }
    child[count] = child[count + 1] = type_timestamp(arena, 3, false);
    bool ltz = spec->time_type->kind == TYPE_TIMESTAMP_LTZ;
    const Type *time = ltz ? type_timestamp_ltz(arena, 3, false) : child[count];
    child[count + 2] = type_attribute(arena, time, spec->proctime ? TIME_PROCTIME : TIME_ROWTIME);
    name[count] = STR("window_start");
    name[count + 1] = STR("window_end");
    name[count + 2] = STR("window_time");
    Plan *plan = plan_new(binder->context, PLAN_WINDOW_TVF,
                          type_row(arena, count + 3, child, name, false), 1);
    plan->input[0] = input;
    plan->window = spec;
    *out = plan;
    return ST_OK;
}

Status bind_table_function(Binder *binder, const AstFrom *from, Plan **plan, Error *err) {
    const AstExpr *ast = from->function.call;
    for (uint32_t i = 0; i < sizeof WINDOWS / sizeof *WINDOWS; i++) {
        if (str_eq_nocase(ast->call->name, str_c(WINDOWS[i].name))) {
            return window_tvf(binder, ast, i, plan, err);
        }
    }
    if (str_eq_nocase(ast->call->name, STR("TO_CHANGELOG"))) {
        return bind_changelog(binder, ast, true, plan, err);
    }
    if (str_eq_nocase(ast->call->name, STR("ML_EVALUATE"))) {
        return bind_evaluate(binder, ast, plan, err);
    }
    if (str_eq_nocase(ast->call->name, STR("ML_PREDICT"))) {
        return bind_predict(binder, ast, plan, err);
    }
    if (str_eq_nocase(ast->call->name, STR("VECTOR_SEARCH"))) {
        return bind_vector_search(binder, ast, plan, err);
    }
    if (str_eq_nocase(ast->call->name, STR("FROM_CHANGELOG"))) {
        return bind_changelog(binder, ast, false, plan, err);
    }
    const Udf *udf;
    TRY(bind_find_udf(binder->context, ast->call, &udf, err));
    if (udf && udf->def->kind == WEIR_PROCESS) return bind_process(binder, ast, udf, plan, err);
    if (udf && udf->def->kind == WEIR_TABLE) return bind_apply(binder, from, udf, plan, err);
    if (udf) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "'" STR_FMT "' gives values, not rows: it cannot stand in FROM",
                        STR_ARG(udf->name));
    }
    return error_at(err, ST_UNSUPPORTED, ast->span.place, "no table function '" STR_FMT "'",
                    STR_ARG(ast->call->name));
}

// ---- group windows -----------------------------------------------------------------------------

static Status check_batch_window(const Type *time, WindowKind kind, Place place, Error *err) {
    if (time->attribute == TIME_PROCTIME) {
        return error_at(err, ST_VALIDATION, place,
                        "window can not be defined over a proctime attribute column in batch mode");
    }
    if (!type_is_timestamp(time)) {
        return error_at(err, ST_VALIDATION, place,
                        "group window aggregate can only be defined over a timestamp column");
    }
    if (kind == WINDOW_SESSION) {
        return error_at(err, ST_VALIDATION, place,
                        "SESSION windows are not supported in batch mode");
    }
    return ST_OK;
}

Status bind_group_window(Binder *binder, const AstExpr *ast, bool *taken, Error *err) {
    *taken = false;
    if (ast->kind != EX_CALL) return ST_OK;
    uint32_t which = 0, count = sizeof WINDOWS / sizeof *WINDOWS;
    while (which < count && !str_eq_nocase(ast->call->name, str_c(WINDOWS[which].name))) which++;
    if (which == count || WINDOWS[which].kind == WINDOW_CUMULATE) return ST_OK;
    Collected *groups = binder->groups;
    const AstCall *call = ast->call;
    uint32_t argc = WINDOWS[which].kind == WINDOW_HOP ? 3 : 2;
    if (call->arg.count != argc || groups->legacy_window) {
        return error_at(err, ST_VALIDATION, ast->span.place, groups->legacy_window
                        ? "only one window in GROUP BY" : "invalid arguments to the group window");
    }
    Binder input = *binder;
    input.groups = NULL;
    Expr *time;
    TRY(bind_expr(&input, call->arg.at[0], &time, err));
    WindowSpec *spec = ARENA_NEW(binder->arena, WindowSpec);
    spec->kind = WINDOWS[which].kind;
    const AstExpr *args[WINDOW_ARGS_MAX] = {0};
    for (uint32_t i = 1; i < argc; i++) args[i + 1] = call->arg.at[i];
    TRY(window_sizes(&input, ast, args, true, spec, err));
    // What is computed of a time attribute will do here, though not in a window function.
    uint8_t attribute = time->type->attribute ? time->type->attribute : time->type->was_attribute;
    if (binder->context->batch) {
        TRY(check_batch_window(time->type, spec->kind, ast->span.place, err));
    } else if (attribute == TIME_NONE) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "group window aggregate can only be defined over a time attribute column");
    }
    spec->time_type = time->type;
    spec->proctime = attribute == TIME_PROCTIME;
    spec->legacy = true;
    groups->legacy_window = spec;
    groups->legacy_time = time;
    groups->window_ast = ast;
    if (binder->context->expansion) expansion_group_window(binder->context->expansion, ast);
    *taken = true;
    return ST_OK;
}

// Same window as in GROUP BY: TUMBLE_START(ts, size) needs the arguments of TUMBLE.
static bool same_window(Binder *binder, const AstExpr *ast) {
    const AstCall *a = ast->call, *b = binder->groups->window_ast->call;
    if (a->arg.count != b->arg.count) return false;
    Binder input = *binder;
    input.groups = NULL;
    input.scope = (Scope *)(uintptr_t)binder->group_scope;
    for (uint32_t i = 0; i < a->arg.count; i++) {
        Expr *x, *y;
        if (bind_expr(&input, a->arg.at[i], &x, NULL) ||
            bind_expr(&input, b->arg.at[i], &y, NULL)) {
            return false;
        }
        if (!expr_equal(x, y)) return false;
    }
    return true;
}

// Argument [i] of GROUPING and its kind: a GROUP BY key.
static Status grouped_key(Binder *binder, const AstExpr *ast, uint32_t i, Expr **out, Error *err) {
    Expr *key;
    if (!bind_expr(binder, ast->call->arg.at[i], &key, NULL) && key->kind == EXPR_COLUMN &&
        key->column < binder->groups->key_count) {
        if (out) *out = key;
        return ST_OK;
    }
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "argument to operator '" STR_FMT "' must be a grouped expression",
                    STR_ARG(ast->call->name));
}

static Status bind_grouping(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const Collected *groups = binder->groups;
    Arena *arena = binder->arena;
    const FuncEnv *env = binder->context->env;
    Expr *sum = NULL;
    if (!ast->call->arg.count && !str_is(ast->call->name, "GROUP_ID")) {
        return error_at(err, ST_VALIDATION, ast->span.place, STR_FMT " wants an argument",
                        STR_ARG(ast->call->name));
    }
    for (uint32_t i = 0; i < ast->call->arg.count && !groups->grouping_sets; i++) {
        TRY(grouped_key(binder, ast, i, NULL, err));
    }
    if (!groups->grouping_sets) {
        *out = expr_i64(arena, TYPE_BIGINT, 0);
        return ST_OK;
    }
    Expr *id = expr_column(arena, groups->key_count, type_of(TYPE_BIGINT, false));
    if (str_is(ast->call->name, "GROUP_ID")) {
        Expr *pair[2] = {id, expr_i64(arena, TYPE_BIGINT, (int64_t)1 << 32)};
        return expr_call(arena, env, "/", pair, 2, ast->span.place, out, err);
    }
    for (uint32_t i = 0; i < ast->call->arg.count; i++) {
        Expr *key = NULL;
        TRY(grouped_key(binder, ast, i, &key, err));
        // (id / 2^bit) % 2 * 2^place
        uint32_t bit = groups->key_count - 1 - key->column;
        Expr *shift[2] = {id, expr_i64(arena, TYPE_BIGINT, (int64_t)1 << bit)}, *part;
        TRY(expr_call(arena, env, "/", shift, 2, ast->span.place, &part, err));
        Expr *low[2] = {part, expr_i64(arena, TYPE_BIGINT, 2)};
        TRY(expr_call(arena, env, "MOD", low, 2, ast->span.place, &part, err));
        Expr *up[2] = {part,
                       expr_i64(arena, TYPE_BIGINT, (int64_t)1 << (ast->call->arg.count - 1 - i))};
        TRY(expr_call(arena, env, "*", up, 2, ast->span.place, &part, err));
        if (sum) {
            Expr *both[2] = {sum, part};
            TRY(expr_call(arena, env, "+", both, 2, ast->span.place, &part, err));
        }
        sum = part;
    }
    *out = sum;
    return ST_OK;
}

Status bind_group_function(Binder *binder, const AstExpr *ast, bool *taken, Expr **out,
                           Error *err) {
    static const struct {
        const char *suffix;
        uint32_t prop;
    } AUX[] = {{"_START", 0}, {"_END", 1}, {"_ROWTIME", 2}, {"_PROCTIME", 2}};
    *taken = false;
    const Collected *groups = binder->groups;
    Str name = ast->call->name;
    if (binder->in_agg) return ST_OK;
    if (str_is(name, "GROUPING") || str_is(name, "GROUPING_ID") || str_is(name, "GROUP_ID")) {
        *taken = true;
        return bind_grouping(binder, ast, out, err);
    }
    for (uint32_t i = 0; i < sizeof AUX / sizeof *AUX; i++) {
        if (!str_ends(name, str_c(AUX[i].suffix))) continue;
        Str window = str_sub(name, 0, name.len - (uint32_t)strlen(AUX[i].suffix));
        if (!str_is(window, "TUMBLE") && !str_is(window, "HOP") && !str_is(window, "SESSION")) {
            continue;
        }
        *taken = true;
        if (!groups->legacy_window || !str_eq_nocase(groups->window_ast->call->name, window) ||
            !same_window(binder, ast)) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "call to auxiliary group function '" STR_FMT
                            "' must have matching call to "
                            "group function '" STR_FMT "' in GROUP BY clause",
                            STR_ARG(name), STR_ARG(window));
        }
        const WindowSpec *spec = groups->legacy_window;
        if (i == 3 && !spec->proctime) {  // there is none, and Flink says NULL
            const Type *null = type_timestamp(binder->arena, 3, true);
            *out = expr_null(binder->arena, type_attribute(binder->arena, null, TIME_ROWTIME));
            return ST_OK;
        }
        if (i == 2 && spec->proctime) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            STR_FMT " does not fit the window's time", STR_ARG(name));
        }
        const Type *type = type_timestamp(binder->arena, 3, false);
        if (i >= 2) {
            if (spec->time_type->kind == TYPE_TIMESTAMP_LTZ) {
                type = type_timestamp_ltz(binder->arena, 3, false);
            }
            if (i == 2) type = type_nullable(binder->arena, type, true);
            type = type_attribute(binder->arena, type, i == 2 ? TIME_ROWTIME : TIME_PROCTIME);
        }
        *out = expr_column(binder->arena, groups->key_count + groups->grouping_sets + AUX[i].prop,
                           type);
        return ST_OK;
    }
    return ST_OK;
}
