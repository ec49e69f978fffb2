// Functions of the user's: from a name to a definition, from its signature to types, and from a
// call to an expression.
//
// The order in which a name of one part is looked up is Flink's: temporary system functions, what
// is built in, temporary functions, functions of the catalog; and last what the host program
// registered.
#include "plan/bind.h"
#include "udf/python.h"

// ---- signatures --------------------------------------------------------------------------------

static Status bad_signature(const Udf *udf, Str part, const char *what, Error *err) {
    return error_set(err, ST_VALIDATION,
                     "function '" STR_FMT "': in its signature \"%s\", '" STR_FMT "': %s",
                     STR_ARG(udf->name), udf->def->signature, STR_ARG(part), what);
}

// The end of the part that begins at [from]: a comma or the text's end, outside of brackets.
static uint32_t part_end(Str text, uint32_t from) {
    int depth = 0;
    uint32_t at = from;
    for (char quote = 0; at < text.len; at++) {
        char c = text.ptr[at];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '`' || c == '\'') {
            quote = c;
        } else if (c == '<' || c == '(') {
            depth++;
        } else if (c == '>' || c == ')') {
            depth--;
        } else if (c == ',' && depth == 0) {
            break;
        }
    }
    return at;
}

static bool is_interval(Str text) {
    return text.len > 8 && str_eq_nocase(str_sub(text, 0, 8), STR("INTERVAL"));
}

// Intervals are types in casts alone.
static Status parse_type(Arena *arena, Str text, AstType **out) {
    if (!is_interval(text)) return sql_parse_type(arena, text, out, NULL);
    AstExpr *cast;
    TRY(sql_parse_expr(arena, str_printf(arena, "CAST(NULL AS " STR_FMT ")", STR_ARG(text)), &cast,
                       NULL));
    *out = cast->cast.type;
    return ST_OK;
}

static Status read_type(Udf *udf, Str text, const Type **out, Error *err) {
    Error why;
    AstType *ast;
    *out = NULL;
    if (str_eq_nocase(text, STR("ANY"))) return ST_OK;
    if (parse_type(&udf->arena, text, &ast)) {
        return bad_signature(udf, text, "this is no type", err);
    }
    if (bind_type(&udf->arena, ast, out, &why)) return bad_signature(udf, text, why.message, err);
    *out = interval_normal(&udf->arena, *out);
    return ST_OK;
}

// Takes the first word off [text].
static Str first_word(Str *text) {
    uint32_t at = 0;
    while (at < text->len && text->ptr[at] != ' ' && text->ptr[at] != '\t') at++;
    Str word = str_sub(*text, 0, at);
    *text = str_trim(str_sub(*text, at, text->len - at));
    return word;
}

// Takes the words off [text], from its end, that say what holds for a table.
static uint32_t take_traits(Str *text) {
    static const struct {
        Str word;
        uint32_t flag;
    } TRAITS[] = {
        {{"OPTIONAL_PARTITION_BY", 21}, WEIR_OPTIONAL_PARTITION_BY},
        {{"PASS_COLUMNS_THROUGH", 20}, WEIR_PASS_COLUMNS_THROUGH},
        {{"SUPPORT_UPDATES", 15}, WEIR_TAKES_UPDATES},
        {{"REQUIRE_UPDATE_BEFORE", 21}, WEIR_REQUIRE_UPDATE_BEFORE},
        {{"REQUIRE_FULL_DELETE", 19}, WEIR_REQUIRE_FULL_DELETE},
        {{"REQUIRE_ON_TIME", 15}, WEIR_REQUIRE_ON_TIME},
    };
    uint32_t traits = 0;
    for (size_t i = 0; i < sizeof TRAITS / sizeof *TRAITS; i++) {
        Str word = TRAITS[i].word;
        if (text->len < word.len ||
            !str_eq_nocase(str_sub(*text, text->len - word.len, word.len), word)) {
            continue;
        }
        traits |= TRAITS[i].flag;
        *text = str_trim(str_sub(*text, 0, text->len - word.len));
        i = (size_t)-1;  // from the start: they come in any order
    }
    return traits;
}

// [name] TYPE, or name TABLE [ROW<…>] [TRAIT…]
static Status read_arg(Udf *udf, Str text, UdfArg *arg, Error *err) {
    AstType *ast;
    if (str_eq_nocase(text, STR("ANY")) || !parse_type(&udf->arena, text, &ast)) {
        return read_type(udf, text, &arg->type, err);
    }
    Str rest = text, name = first_word(&rest), kind = rest;
    if (!rest.len) return bad_signature(udf, text, "this is no type", err);
    if (name.len > 2 && name.ptr[0] == '`') name = str_sub(name, 1, name.len - 2);
    arg->name = str_dup(&udf->arena, name);
    if (!str_eq_nocase(first_word(&kind), STR("TABLE"))) {
        return read_type(udf, rest, &arg->type, err);
    }
    arg->table = true;
    arg->traits = udf->def->flags | take_traits(&kind);
    if (!kind.len) return ST_OK;
    TRY(read_type(udf, kind, &arg->type, err));
    if (arg->type && arg->type->kind == TYPE_ROW) return ST_OK;
    return bad_signature(udf, kind, "this is no ROW, and a table's rows have columns", err);
}

static Status read_args(Udf *udf, Str text, Error *err) {
    udf->in = ARENA_ARRAY(&udf->arena, UdfArg, UDF_ARGS_MAX);
    for (uint32_t at = 0, end; at < text.len; at = end + 1) {
        end = part_end(text, at);
        Str part = str_trim(str_sub(text, at, end - at));
        if (udf->in_count == UDF_ARGS_MAX || udf->variadic) {
            return bad_signature(udf, part, "one argument too many", err);
        }
        udf->variadic = str_ends(part, STR("..."));
        if (udf->variadic) part = str_trim(str_sub(part, 0, part.len - 3));
        bool optional = str_ends(part, STR("?"));
        if (optional) part = str_trim(str_sub(part, 0, part.len - 1));
        if (udf->optional && !optional && !udf->variadic) {
            return bad_signature(udf, part, "those before it may be left out, it may not", err);
        }
        udf->optional += optional;
        udf->in[udf->in_count].optional = optional;
        TRY(read_arg(udf, part, &udf->in[udf->in_count++], err));
    }
    return ST_OK;
}

// Rows of table functions have columns: a value that is no ROW is the column EXPR$0.
static void result_columns(Udf *udf) {
    static const Str NAME = {"EXPR$0", 6};
    if (udf->result->kind == TYPE_ROW) return;
    udf->result = type_row(&udf->arena, 1, &udf->result, &NAME, false);
}

static const char *process_fault(const Udf *udf) {
    uint32_t tables = 0, traits = 0;
    for (uint32_t i = 0; i < udf->in_count; i++) {
        tables += udf->in[i].table;
        traits |= udf->in[i].traits;
        if (!udf->in[i].table && !udf->in[i].type) return "its constants have types";
    }
    if (!tables || udf->variadic) return "there must be a TABLE, and no '...'";
    if (tables > UDF_TABLES_MAX) return "there are too many tables";
    if (tables > 1 && !(traits & WEIR_SET_SEMANTICS)) {
        return "all tables must have set semantics (WEIR_SET_SEMANTICS) where there are several";
    }
    if (!(traits & WEIR_PASS_COLUMNS_THROUGH)) return NULL;
    if (tables > 1) return "columns do not pass through where there are several tables";
    if (traits & WEIR_TAKES_UPDATES) return "columns of a table that changes do not pass through";
    if (udf->def->on_timer) return "there are no timers where all columns pass through";
    return NULL;
}

static Status check_kind(const Udf *udf, Str text, Error *err) {
    uint32_t tables = 0, kind = udf->def->kind;
    for (uint32_t i = 0; i < udf->in_count; i++) tables += udf->in[i].table;
    const char *fault = kind == WEIR_PROCESS ? process_fault(udf) : NULL;
    if (fault) return bad_signature(udf, text, fault, err);
    if (kind != WEIR_PROCESS && tables) {
        return bad_signature(udf, text, "only process table functions take a TABLE", err);
    }
    if (kind == WEIR_AGGREGATE && udf->in_count > UDF_AGG_ARGS_MAX) {
        return bad_signature(udf, text, "aggregate functions take 4 arguments at most", err);
    }
    return ST_OK;
}

// Some functions live where not all types are known.
static Status check_types(const Udf *udf, Str text, Error *err) {
    if (!udf->result) return bad_signature(udf, text, "a result has a type", err);
    if (!udf->check_type) return ST_OK;
    for (uint32_t i = 0; i <= udf->in_count; i++) {
        const Type *type = i < udf->in_count ? udf->in[i].type : udf->result;
        Status st = type ? udf->check_type(type, err) : ST_OK;
        if (!st) continue;
        error_while(err, "function '" STR_FMT "'", STR_ARG(udf->name));
        return st;
    }
    return ST_OK;
}

Status bind_signature(Udf *udf, Error *err) {
    Str text = str_trim(str_c(udf->def->signature));
    uint32_t close = 0;
    int depth = 0;
    for (; close < text.len; close++) {
        depth += text.ptr[close] == '(';
        depth -= text.ptr[close] == ')';
        if (!depth) break;
    }
    Str rest = str_trim(str_sub(text, close + 1, text.len));
    if (!text.len || text.ptr[0] != '(' || !str_starts(rest, STR("->"))) {
        return bad_signature(udf, text, "this is not (TYPE, …) -> TYPE", err);
    }
    TRY(read_args(udf, str_trim(str_sub(text, 1, close - 1)), err));
    TRY(read_type(udf, str_trim(str_sub(rest, 2, rest.len - 2)), &udf->result, err));
    TRY(check_kind(udf, text, err));
    TRY(check_types(udf, text, err));
    switch (udf->def->kind) {
        case WEIR_SCALAR: udf_scalar_row(udf); break;
        case WEIR_AGGREGATE: udf_agg_row(udf); break;
        default: result_columns(udf); break;
    }
    return ST_OK;
}

// ---- names -------------------------------------------------------------------------------------

static Status no_jvm(const UserFunction *function, Error *err) {
    (void)error_set(err, ST_UNSUPPORTED,
                    "function '" STR_FMT "' is the Java class '" STR_FMT "': weir runs no JVM",
                    STR_ARG(function->name.object), STR_ARG(function->class_name));
    error_hint(err, "write it in C (LANGUAGE C USING ARTIFACT 'x.so') or Python (LANGUAGE PYTHON)");
    return ST_UNSUPPORTED;
}

// Two functions of one plan must not have one name: those of other databases have theirs before it.
static Str full_name(Arena *arena, const UserFunction *function) {
    ObjectName name = function->name;
    if (function->system ||
        (str_is(name.catalog, "default_catalog") && str_is(name.database, "default_database"))) {
        return name.object;
    }
    return str_printf(arena, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(name.catalog),
                      STR_ARG(name.database), STR_ARG(name.object));
}

static Status python_function(PlanContext *context, const UserFunction *function, Str name,
                              Udf **out, Error *err) {
    enum { TIMEOUT_MS = 600000, ASYNC_ROWS = 10 };
    const Map *config = context->config;
    Str executable = str_c(config_get(config, "python.executable"));
    if (!executable.len) executable = str_c(config_get(config, "python.client.executable"));
    PythonSpec spec = {
        .name = name,
        .target = function->class_name,
        .executable = executable,
        .files = str_c(config_get(config, "python.files")),
        .path = str_c(config_get(config, "python.pythonpath")),
        .parameters = str_c(config_get(config, "pipeline.global-job-parameters")),
        .bundle_rows = config_int(config, "python.fn-execution.bundle.size", 0),
        .arrow_rows = config_int(config, "python.fn-execution.arrow.batch.size", 0),
        .async_rows =
            config_int(config, "table.exec.async-scalar.max-concurrent-operations", ASYNC_ROWS),
        .timeout_ms = config_ms(config, "weir.python.timeout", TIMEOUT_MS),
    };
    return udf_python(&spec, out, err);
}

Status bind_user_function(PlanContext *context, UserFunction *function, Error *err) {
    if (function->udf) return ST_OK;
    Udf *udf = NULL;
    Str name = full_name(context->arena, function);
    const weir_function_def *def;
    switch (function->language) {
        case LANGUAGE_C:
            if (function->artifact_count != 1) {
                (void)error_set(err, ST_VALIDATION,
                                "function '" STR_FMT "' needs one shared object",
                                STR_ARG(function->name.object));
                error_hint(err, "CREATE FUNCTION … LANGUAGE C USING ARTIFACT 'libmine.so'");
                return ST_VALIDATION;
            }
            TRY(udf_load(function->artifact[0], function->class_name, &def, err));
            TRY(udf_new(name, def, NULL, &udf, err));
            break;
        case LANGUAGE_PYTHON: TRY(python_function(context, function, name, &udf, err)); break;
        default: return no_jvm(function, err);
    }
    Status st = bind_signature(udf, err);
    if (st) {
        (void)udf_unref(udf);
        return st;
    }
    function->udf = udf;
    return ST_OK;
}

// Whether [call] names something built in.
static bool is_builtin(const AstCall *call) {
    uint32_t overloads;
    (void)func_find(call->name, &overloads);
    return overloads || agg_find(call->name);
}

Status bind_find_udf(PlanContext *context, const AstCall *call, const Udf **out, Error *err) {
    *out = NULL;
    if (call->syntax != SYN_FUNCTION || !call->path.count) return ST_OK;
    const Catalogs *catalogs = context->catalogs;
    UserFunction *function = catalogs_function(catalogs, &call->path, true);
    if (!function && call->path.count == 1 && is_builtin(call)) return ST_OK;
    if (!function) function = catalogs_function(catalogs, &call->path, false);
    if (!function) {
        if (call->path.count == 1) *out = udf_registered(ast_name_last(call->path));
        return ST_OK;
    }
    Status st = bind_user_function(context, function, err);
    if (st) {
        error_place(err, call->path.span.place);
        return st;
    }
    plan_use(context, USE_FUNCTION, function);
    *out = function->udf;
    return ST_OK;
}

// ---- calls -------------------------------------------------------------------------------------

static Status wrong_type(const Udf *udf, const Expr *arg, const UdfArg *wanted, uint32_t i,
                         Error *err) {
    Buf given = {0}, takes = {0};
    type_print_summary(arg->type, true, &given);
    type_print_summary(wanted->type, true, &takes);
    Status st =
        error_at(err, ST_VALIDATION, arg->place,
                 "function '" STR_FMT "': argument %u is a " STR_FMT ", it takes %s" STR_FMT,
                 STR_ARG(udf->name), i + 1, STR_ARG(buf_str(&given)),
                 wanted->type->nullable ? "a " : "", STR_ARG(buf_str(&takes)));
    buf_free(&given);
    buf_free(&takes);
    return st;
}

static Status fit_arg(Arena *arena, const Udf *udf, uint32_t i, Expr **arg, Error *err) {
    const UdfArg *wanted = &udf->in[i < udf->in_count ? i : udf->in_count - 1];
    const Type *type = (*arg)->type;
    if (!wanted->type) {
        if (type->kind == TYPE_NULL) {
            *arg = expr_cast(arena, *arg, type_of(TYPE_VARCHAR, true), false);
        }
        Status st = udf->check_type ? udf->check_type((*arg)->type, err) : ST_OK;
        if (!st) return ST_OK;
        error_while(err, "argument %u of function '" STR_FMT "'", i + 1, STR_ARG(udf->name));
        error_place(err, (*arg)->place);
        return st;
    }
    bool fits = type->kind == TYPE_NULL || type_equal_but_null(type, wanted->type) ||
                type_casts_implicitly(type, wanted->type);
    if (!fits || (type->nullable && !wanted->type->nullable)) {
        return wrong_type(udf, *arg, wanted, i, err);
    }
    *arg = expr_cast(arena, *arg, wanted->type, false);
    return ST_OK;
}

// Where the argument [ast], the [i]th written, goes.
static Status arg_place(const Udf *udf, const AstExpr *ast, uint32_t i, uint32_t *at, Error *err) {
    *at = i;
    if (ast->kind != EX_NAMED) return ST_OK;
    for (*at = 0; *at < udf->in_count; (*at)++) {
        if (str_eq_nocase(udf->in[*at].name, ast->named.name.name)) return ST_OK;
    }
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "function '" STR_FMT "' has no argument '" STR_FMT "'", STR_ARG(udf->name),
                    STR_ARG(ast->named.name.name));
}

Status bind_udf_args(Binder *binder, const AstExpr *ast, const Udf *udf, Expr ***out,
                     uint32_t *count, Error *err) {
    const AstCall *call = ast->call;
    uint32_t given = call->arg.count, least = udf->in_count - udf->variadic - udf->optional;
    if (given < least || (given > udf->in_count && !udf->variadic)) {
        (void)error_at(err, ST_VALIDATION, ast->span.place,
                       "function '" STR_FMT "' takes %u arguments%s, %u are given",
                       STR_ARG(udf->name), least, udf->variadic || udf->optional ? " or more" : "",
                       given);
        error_hint(err, STR_FMT "%s", STR_ARG(udf->name), udf->def->signature);
        return ST_VALIDATION;
    }
    Expr **arg = ARENA_ARRAY(binder->arena, Expr *, given + 1);
    for (uint32_t i = 0; i < given; i++) {
        const AstExpr *value = call->arg.at[i];
        uint32_t at;
        TRY(arg_place(udf, value, i, &at, err));
        if (arg[at]) {
            return error_at(err, ST_VALIDATION, value->span.place,
                            "argument %u of '" STR_FMT "' is given twice", at + 1,
                            STR_ARG(udf->name));
        }
        if (value->kind == EX_NAMED) value = value->named.value;
        TRY(bind_expr(binder, value, &arg[at], err));
        TRY(fit_arg(binder->arena, udf, at, &arg[at], err));
    }
    *out = arg;
    *count = given;
    return ST_OK;
}

Status bind_udf_call(Binder *binder, const AstExpr *ast, const Udf *udf, Expr **out, Error *err) {
    if (udf->def->kind != WEIR_SCALAR) {
        (void)error_at(err, ST_VALIDATION, ast->span.place,
                       "'" STR_FMT "' gives rows and is no value", STR_ARG(udf->name));
        error_hint(err,
                   udf->def->kind == WEIR_TABLE ? "put it into FROM: LATERAL TABLE(%s(…))"
                                                : "put it into FROM: %s(TABLE …)",
                   str_cstr(binder->arena, udf->name));
        return ST_VALIDATION;
    }
    Arena *arena = binder->arena;
    Expr **arg;
    uint32_t count;
    TRY(bind_udf_args(binder, ast, udf, &arg, &count, err));
    FuncCall *call = ARENA_NEW(arena, FuncCall);
    *call = (FuncCall){.func = &udf->scalar,
                       .arena = arena,
                       .argc = count,
                       .arg = ARENA_ARRAY(arena, const Type *, count + 1),
                       .literal = ARENA_ARRAY(arena, const Vec *, count + 1),
                       .result = udf->result,
                       .kernel = udf->scalar.kernel,
                       .bound = udf,
                       .env = binder->context->env};
    for (uint32_t i = 0; i < count; i++) call->arg[i] = arg[i]->type;
    bool strict = udf->scalar.nulls == NULLS_STRICT;
    for (uint32_t i = 0; strict && i < count; i++) {
        if (arg[i]->type->nullable) call->result = type_nullable(arena, call->result, true);
    }
    Expr *expr = ARENA_NEW(arena, Expr);
    *expr = (Expr){.kind = EXPR_CALL,
                   .type = call->result,
                   .place = ast->span.place,
                   .call = call,
                   .arg = arg,
                   .arg_count = count};
    *out = expr;
    return ST_OK;
}
