// Expressions: calls to functions, CAST and CASE, with Flink's implicit casts; keys of GROUP BY.
#include "plan/bind_subquery.h"
#include "sql/print.h"
#include "type/datetime.h"
#include "type/decimal.h"

// ---- calls -------------------------------------------------------------------------------------

static Expr *symbol(Arena *arena, Str text) {
    Vec *value = vec_new(arena, type_of(TYPE_SYMBOL, false), 1);
    vec_set_text(value, 0, text);
    return expr_literal(arena, value);
}

static Status null_check(const Expr *expr, Error *err) {
    if (expr->type->kind != TYPE_NULL) return ST_OK;
    return error_at(err, ST_VALIDATION, expr->place, "illegal use of NULL");
}

// CAST(5 AS INTERVAL DAY): of a number as it is written, that many units. (Of any other integer it
// is months or milliseconds, in Flink too.)
static Expr *number_as_interval(Arena *arena, const Expr *number, const Type *to) {
    static const int64_t FACTOR[] = {[UNITS_YEAR] = 12,      [UNITS_MONTH] = 1,
                                     [UNITS_DAY] = 86400000, [UNITS_HOUR] = 3600000,
                                     [UNITS_MINUTE] = 60000, [UNITS_SECOND] = 1000};
    Phys phys = number->value->phys;
    int64_t factor = to->units < sizeof FACTOR / sizeof *FACTOR ? FACTOR[to->units] : 0;
    if (!factor || vec_is_null(number->value, 0)) return NULL;
    i128 amount;
    if (phys == PHYS_I128) {
        if (!decimal_mul(vec_i128(number->value)[0], number->type->scale, factor, 0, 0, &amount)) {
            return NULL;
        }
    } else {
        amount = (i128)vec_integer(number->value, 0) * factor;
    }
    Vec *vec = vec_new(arena, to, 1);
    vec_set_integer(vec, 0, (int64_t)amount);
    return expr_literal(arena, vec);
}

static bool is_written_number(const AstExpr *ast) {
    if (ast->kind == EX_CALL && str_is(ast->call->name, "UNARY -")) ast = ast->call->arg.at[0];
    return ast->kind == EX_LITERAL &&
           (ast->literal.kind == LIT_INTEGER || ast->literal.kind == LIT_DECIMAL);
}

// A number that was only cast to FLOAT or DOUBLE on the way keeps its decimal value:
// CAST(CAST(0.1 AS FLOAT) AS DOUBLE) is 0.1.
static Expr *number_behind_casts(Expr *value) {
    Expr *number = value;
    while (number->kind == EXPR_CAST && type_is_approx(number->type)) number = number->arg[0];
    return number->kind == EXPR_LITERAL && type_is_numeric(number->type) ? number : value;
}

// TIMESTAMP '…' cast to fewer digits loses the others as they are written; a stamp of a row before
// 1970 is cut towards 1970.
static bool cuts_written_stamp(const Expr *value, const Type *to) {
    return value->kind == EXPR_LITERAL && !vec_is_null(value->value, 0) &&
           value->type->kind == TYPE_TIMESTAMP && to->kind == TYPE_TIMESTAMP &&
           to->precision < value->type->precision;
}

static Status bind_cast(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const Type *to;
    Expr *value;
    Arena *arena = binder->arena;
    TRY(bind_type(arena, ast->cast.type, &to, err));
    TRY(bind_expr(binder, ast->cast.value, &value, err));
    const Type *from = value->type;
    if (from->kind == TYPE_NULL) {
        *out = expr_null(arena, interval_normal(arena, to));
        return ST_OK;
    }
    bool units = type_is_interval(to) && value->kind == EXPR_LITERAL && !ast->cast.try_cast &&
                 is_written_number(ast->cast.value) && from->kind != TYPE_BIGINT;
    if (units) {
        *out = number_as_interval(arena, value, to);
        if (*out) {
            (*out)->type = type_nullable(arena, interval_normal(arena, to), false);
            (*out)->value = vec_retype(arena, (*out)->value, (*out)->type);
            (*out)->place = ast->span.place;
            return ST_OK;
        }
    }
    if (!cast_allowed(from, to)) {
        Buf a = {0}, b = {0};
        type_print_summary(from, false, &a);
        type_print_summary(to, false, &b);
        Status st =
            error_at(err, ST_VALIDATION, ast->span.place,
                     "cast function cannot convert value of type " STR_FMT " to type " STR_FMT,
                     STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
        buf_free(&a);
        buf_free(&b);
        return st;
    }
    to = interval_normal(arena, to);
    if (cuts_written_stamp(value, to)) {
        Vec *vec = vec_new(arena, type_nullable(arena, to, false), 1);
        vec_set_timestamp(vec, 0,
                          timestamp_truncate(vec_timestamp(value->value, 0), to->precision));
        *out = expr_literal(arena, vec);
        (*out)->place = ast->span.place;
        if (!ast->cast.try_cast) return ST_OK;
        value = *out;
    }
    if (type_is_approx(to) || to->kind == TYPE_DECIMAL) value = number_behind_casts(value);
    *out = expr_cast(arena, value, to, ast->cast.try_cast);
    // Of the nullability only the outermost stays as it was: fields and elements have the new one.
    const Type *inner = type_nullable(arena, to, from->nullable);
    bool renewed = to->child_count && !type_equal(inner, from);
    if (*out == value && (renewed || type_plain(arena, from) != from)) {
        // The cast takes the time attribute off.
        *out = ARENA_NEW(arena, Expr);
        const Type *type = renewed ? inner : type_plain(arena, from);
        if (renewed && ast->cast.try_cast) type = type_nullable(arena, type, true);
        **out = (Expr){.kind = EXPR_CAST, .type = type, .try_cast = ast->cast.try_cast,
                       .arg_count = 1, .arg = arena_dup(arena, &value, sizeof(Expr *))};
    }
    if (ast->cast.try_cast && *out == value) {
        // TRY_CAST is nullable even when nothing can go wrong.
        *out = ARENA_NEW(arena, Expr);
        **out = (Expr){.kind = EXPR_CAST, .type = type_nullable(arena, from, true),
                       .try_cast = true, .arg_count = 1,
                       .arg = arena_dup(arena, &value, sizeof(Expr *))};
    }
    (*out)->place = ast->span.place;
    return ST_OK;
}

// A bare NULL where a condition stands is UNKNOWN.
static Expr *condition_of(Arena *arena, Expr *when) {
    return when->type->kind == TYPE_NULL ? expr_null(arena, type_of(TYPE_BOOLEAN, true)) : when;
}

// WHEN a, b: equal to one of them.
static Status bind_case_when(Binder *binder, const AstExpr *ast, Expr *operand, Expr **out,
                             Error *err) {
    Arena *arena = binder->arena;
    const FuncEnv *env = binder->context->env;
    if (!operand) {
        TRY(bind_expr(binder, ast, out, err));
        *out = condition_of(arena, *out);
        return ST_OK;
    }
    bool list = ast->kind == EX_CALL && str_is(ast->call->name, "LIST");
    uint32_t count = list ? ast->call->arg.count : 1;
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        Expr *pair[2] = {operand, NULL}, *equal;
        TRY(bind_expr(binder, list ? ast->call->arg.at[i] : ast, &pair[1], err));
        TRY(expr_call(arena, env, "=", pair, 2, ast->span.place, &equal, err));
        Expr *both[2] = {*out, equal};
        if (*out) TRY(expr_call(arena, env, "OR", both, 2, ast->span.place, &equal, err));
        *out = equal;
    }
    return ST_OK;
}

static bool is_null_constant(const Expr *expr) {
    while (expr->kind == EXPR_CAST) expr = expr->arg[0];
    return expr->kind == EXPR_LITERAL && vec_is_null(expr->value, 0);
}

// CAST(NULL AS INT) beside points in time becomes one of them: numbers are brought to their type,
// which fails for all but NULL.
static void nulls_beside_times(Arena *arena, Expr **arg, uint32_t count, bool dates) {
    const Type *time = NULL;
    for (uint32_t i = 0; i < count && !time; i++) {
        bool fits = dates ? type_is_datetime(arg[i]->type) : type_is_timestamp(arg[i]->type);
        if (fits) time = type_plain(arena, arg[i]->type);
    }
    for (uint32_t i = 0; i < count && time; i++) {
        if (!type_is_integer(arg[i]->type) || !is_null_constant(arg[i])) continue;
        Place place = arg[i]->place;
        arg[i] = expr_null(arena, type_nullable(arena, time, true));
        arg[i]->place = place;
    }
}

static Status bind_case(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Arena *arena = binder->arena;
    uint32_t branches = ast->cases.branch_count, count = branches * 2 + 1;
    Expr **arg = ARENA_ARRAY(arena, Expr *, count);
    const Type **value_type = ARENA_ARRAY(arena, const Type *, branches + 1);
    uint32_t type_count = 0;
    Expr *operand = NULL;
    if (ast->cases.operand) TRY(bind_expr(binder, ast->cases.operand, &operand, err));
    for (uint32_t i = 0; i < branches; i++) {
        Expr *when;
        TRY(bind_case_when(binder, ast->cases.branch[i].when, operand, &when, err));
        if (when->type->kind != TYPE_BOOLEAN) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "CASE needs conditions of type BOOLEAN");
        }
        arg[i * 2] = when;
        TRY(bind_expr(binder, ast->cases.branch[i].then, &arg[i * 2 + 1], err));
    }
    if (ast->cases.otherwise) {
        TRY(bind_expr(binder, ast->cases.otherwise, &arg[count - 1], err));
    } else {
        arg[count - 1] = expr_null(arena, type_of(TYPE_NULL, true));
    }
    Expr **values = ARENA_ARRAY(arena, Expr *, branches + 1);
    for (uint32_t i = 0; i <= branches; i++) values[i] = arg[i < branches ? i * 2 + 1 : count - 1];
    nulls_beside_times(arena, values, branches + 1, true);
    for (uint32_t i = 0; i <= branches; i++) {
        arg[i < branches ? i * 2 + 1 : count - 1] = values[i];
        value_type[type_count++] = values[i]->type;
    }
    const Type *type = type_common(arena, value_type, type_count);
    if (!type || type->kind == TYPE_NULL) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "illegal mixing of types in CASE or COALESCE statement");
    }
    for (uint32_t i = 0; i <= branches; i++) {
        Expr **value = &arg[i < branches ? i * 2 + 1 : count - 1];
        *value = expr_cast(arena, *value, type, false);
    }
    Expr *expr = ARENA_NEW(arena, Expr);
    *expr = (Expr){.kind = EXPR_CASE, .type = type_attribute(arena, type, TIME_NONE),
                   .place = ast->span.place, .arg = arg, .arg_count = count};
    *out = expr;
    return ST_OK;
}

// The clauses of the JSON functions follow their arguments, each a literal:
//
//   JSON_EXISTS   on_error
//   JSON_VALUE    returning, a NULL of the type; on_empty, its default or NULL; on_error, the same
//   JSON_QUERY    returning, wrapper, on_empty, on_error
//
// with symbols "ERROR" "NULL" "DEFAULT" "EMPTY ARRAY" "EMPTY OBJECT" "TRUE" "FALSE" "UNKNOWN",
// "WITHOUT" "CONDITIONAL" "UNCONDITIONAL". Before those of JSON_OBJECT and JSON_ARRAY stand two:
// NULL_ON_NULL or ABSENT_ON_NULL, and a 'j' for each value that is JSON already, '.' for others.
static Str json_do(AstJsonDo what, const char *fallback) {
    switch (what) {
        case JSON_ERROR: return STR("ERROR");
        case JSON_NULL: return STR("NULL");
        case JSON_DEFAULT: return STR("DEFAULT");
        case JSON_EMPTY_ARRAY: return STR("EMPTY ARRAY");
        case JSON_EMPTY_OBJECT: return STR("EMPTY OBJECT");
        case JSON_TRUE: return STR("TRUE");
        case JSON_FALSE: return STR("FALSE");
        case JSON_UNKNOWN: return STR("UNKNOWN");
        default: return str_c(fallback);
    }
}

static Status json_default(Binder *binder, const AstExpr *ast, const Type *type, Expr **out,
                           Error *err) {
    if (!ast) return *out = expr_null(binder->arena, type), ST_OK;
    TRY(bind_expr(binder, ast, out, err));
    *out = expr_cast(binder->arena, *out, type, false);
    return ST_OK;
}

bool bind_is_json_text(const Expr *expr) {
    while (expr->kind == EXPR_CAST && type_is_text(expr->type)) expr = expr->arg[0];
    if (expr->kind != EXPR_CALL) return false;
    Str name = str_c(expr->call->func->name);
    return str_is(name, "JSON_OBJECT") || str_is(name, "JSON_ARRAY") || str_is(name, "JSON");
}

static Str json_marks(Arena *arena, Expr *const *arg, uint32_t count, bool pairs) {
    char *marks = arena_alloc_aligned(arena, count + 1, 1);
    uint32_t values = 0;
    for (uint32_t i = pairs; i < count; i += pairs ? 2 : 1) {
        marks[values++] = bind_is_json_text(arg[i]) ? 'j' : '.';
    }
    return str_make(marks, values);
}

static Status bind_json(Binder *binder, const AstCall *call, Expr **arg, uint32_t *count,
                        Error *err) {
    static const AstJson NONE = {0};
    const AstJson *json = call->json ? call->json : &NONE;
    Arena *arena = binder->arena;
    const Type *returning = type_of(TYPE_VARCHAR, true);
    if (json->returning) TRY(bind_type(arena, json->returning, &returning, err));
    uint32_t n = *count;
    if (str_is(call->name, "JSON_EXISTS")) {
        arg[n++] = symbol(arena, json_do(json->on_error, "FALSE"));
    } else if (str_is(call->name, "JSON_VALUE")) {
        arg[n++] = expr_null(arena, returning);
        arg[n++] = symbol(arena, json_do(json->on_empty, "NULL"));
        TRY(json_default(binder, json->empty_default, returning, &arg[n++], err));
        arg[n++] = symbol(arena, json_do(json->on_error, "NULL"));
        TRY(json_default(binder, json->error_default, returning, &arg[n++], err));
    } else if (str_is(call->name, "JSON_QUERY")) {
        arg[n++] = expr_null(arena, returning);
        arg[n++] = symbol(arena, json->wrapper == WRAPPER_CONDITIONAL     ? STR("CONDITIONAL")
                                 : json->wrapper == WRAPPER_UNCONDITIONAL ? STR("UNCONDITIONAL")
                                                                          : STR("WITHOUT"));
        arg[n++] = symbol(arena, json_do(json->on_empty, "NULL"));
        arg[n++] = symbol(arena, json_do(json->on_error, "NULL"));
    } else if (str_is(call->name, "JSON_OBJECT") || str_is(call->name, "JSON_ARRAY")) {
        bool absent = json->nulls == ABSENT_ON_NULL ||
                      (json->nulls == JSON_NULLS_UNSAID && str_is(call->name, "JSON_ARRAY"));
        for (uint32_t i = 0; json->format_json && i < n; i++) {
            if (!json->format_json[i]) continue;
            return error_at(err, ST_VALIDATION, arg[i]->place, "FORMAT JSON is not supported");
        }
        Str marks = json_marks(arena, arg, n, str_is(call->name, "JSON_OBJECT"));
        memmove(arg + 2, arg, n * sizeof *arg);
        arg[0] = symbol(arena, absent ? STR("ABSENT_ON_NULL") : STR("NULL_ON_NULL"));
        arg[1] = symbol(arena, marks);
        n += 2;
    }
    *count = n;
    return ST_OK;
}

static bool is_json_function(Str name) {
    return str_is(name, "JSON_EXISTS") || str_is(name, "JSON_VALUE") ||
           str_is(name, "JSON_QUERY") || str_is(name, "JSON_OBJECT") || str_is(name, "JSON_ARRAY");
}

static Status unknown_function(const AstExpr *ast, Error *err) {
    const AstCall *call = ast->call;
    Str name = call->path.count ? ast_name_last(call->path) : call->name;
    (void)error_at(err, ST_VALIDATION, ast->span.place, "no function '" STR_FMT "'", STR_ARG(name));
    const char *near = func_nearest(name);
    if (near) error_hint(err, "did you mean %s?", near);
    return ST_VALIDATION;
}

// ARRAY(a, b) and MAP(a, b): they parse, but only the forms with [a, b] are functions.
static bool is_collection_call(const AstCall *call) {
    return call->syntax == SYN_FUNCTION &&
           (str_is(call->name, "ARRAY") || str_is(call->name, "MAP"));
}

// Calcite infers the type of MAP['a', NULL] only where nothing stands around it.
static bool is_map_of_null(const AstExpr *ast) {
    if (ast->kind != EX_CALL || !str_is(ast->call->name, "MAP")) return false;
    for (uint32_t i = 1; i < ast->call->arg.count; i += 2) {
        const AstExpr *value = ast->call->arg.at[i];
        if (value->kind == EX_LITERAL && value->literal.kind == LIT_NULL) return true;
    }
    return false;
}

static Status bind_args(Binder *binder, const AstCall *call, Expr ***out, uint32_t *count,
                        Error *err) {
    enum { JSON_EXTRA = 6 };
    Expr **arg = ARENA_ARRAY(binder->arena, Expr *, call->arg.count + JSON_EXTRA);
    for (uint32_t i = 0; i < call->arg.count; i++) {
        const AstExpr *ast = call->arg.at[i];
        if (ast->kind == EX_NAMED) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "'" STR_FMT "' takes no named arguments", STR_ARG(call->name));
        }
        if (is_map_of_null(ast)) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "parameters must be of the same type");
        }
        TRY(bind_expr(binder, ast, &arg[i], err));
    }
    *out = arg;
    *count = call->arg.count;
    return ST_OK;
}

static bool takes_null(Str name) {
    static const char *const NAMES[] = {"ARRAY",
                                        "MAP",
                                        "ROW",
                                        "IS NULL",
                                        "IS NOT NULL",
                                        "COALESCE",
                                        "IN",
                                        "NOT IN",
                                        "NULLIF",
                                        "IFNULL",
                                        "TYPEOF",
                                        "=",
                                        "<>",
                                        "<",
                                        "<=",
                                        ">",
                                        ">=",
                                        "IS DISTINCT FROM",
                                        "IS NOT DISTINCT FROM",
                                        "BETWEEN ASYMMETRIC",
                                        "NOT BETWEEN ASYMMETRIC",
                                        "BETWEEN SYMMETRIC",
                                        "NOT BETWEEN SYMMETRIC"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq(name, str_c(NAMES[i]))) return true;
    }
    uint32_t count;
    const ScalarFunc *const *func = func_find(name, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (func[i]->flags & FUNC_TAKES_NULL) return true;
    }
    return false;
}

static bool has_query(const AstCall *call) {
    for (uint32_t i = 0; i < call->arg.count; i++) {
        if (call->arg.at[i]->kind == EX_QUERY) return true;
    }
    return false;
}

// A number with signs is one literal: -2147483648 is an INT, -(-2147483648) a BIGINT.
static bool bind_signed_number(Binder *binder, const AstExpr *ast, Expr **out, Status *st,
                               Error *err) {
    bool negative = false, any = false;
    while (ast->kind == EX_CALL && str_is(ast->call->name, "UNARY -")) {
        negative = !negative;
        any = true;
        ast = ast->call->arg.at[0];
    }
    if (!any || ast->kind != EX_LITERAL) return false;
    if (ast->literal.kind < LIT_INTEGER || ast->literal.kind > LIT_APPROX) return false;
    *st = bind_number(binder->arena, ast, negative, out, err);
    return true;
}

// (1, NULL) IS NULL: a constructed row is never NULL, and here alone may hold a bare NULL.
static bool is_row_null_test(const AstCall *call) {
    if (!str_is(call->name, "IS NULL") && !str_is(call->name, "IS NOT NULL")) return false;
    const AstExpr *arg = call->arg.at[0];
    return arg->kind == EX_CALL && str_is(arg->call->name, "ROW");
}

static Status bind_row_null_test(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const AstCall *row = ast->call->arg.at[0]->call;
    for (uint32_t i = 0; i < row->arg.count; i++) {
        Expr *field;
        TRY(bind_expr(binder, row->arg.at[i], &field, err));
    }
    *out = expr_bool(binder->arena, str_is(ast->call->name, "IS NOT NULL"));
    (*out)->place = ast->span.place;
    return ST_OK;
}

// IF, COALESCE and IFNULL become CASE where a part that is not chosen could fail.
static Status guard_choice(Binder *binder, Expr **at, Error *err) {
    Expr *call = *at;
    const char *name = call->call->func->name;
    bool is_if = strcmp(name, "IF") == 0;
    if (!is_if && strcmp(name, "COALESCE") != 0 && strcmp(name, "IFNULL") != 0) return ST_OK;
    bool risky = false;
    for (uint32_t i = 1; i < call->arg_count; i++) risky |= expr_can_fail(call->arg[i]);
    if (!risky) return ST_OK;
    Arena *arena = binder->arena;
    Expr *cases = ARENA_NEW(arena, Expr);
    *cases = (Expr){.kind = EXPR_CASE, .type = call->type, .place = call->place};
    if (is_if) {
        cases->arg = call->arg;
        cases->arg_count = 3;
    } else {
        uint32_t last = call->arg_count - 1;
        cases->arg = ARENA_ARRAY(arena, Expr *, last * 2 + 1);
        for (uint32_t i = 0; i < last; i++) {
            TRY(expr_call(arena, binder->context->env, "IS NOT NULL", &call->arg[i], 1, call->place,
                          &cases->arg[i * 2], err));
            cases->arg[i * 2 + 1] = call->arg[i];
        }
        cases->arg[last * 2] = call->arg[last];
        cases->arg_count = last * 2 + 1;
    }
    *at = cases;
    return ST_OK;
}

// {fn UCASE('a')}: JDBC's names of functions.
static Status bind_jdbc_call(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    static const char *const NAMES[][2] = {
        {"UCASE", "UPPER"},          {"LCASE", "LOWER"},  {"LENGTH", "CHAR_LENGTH"}, {"LOG", "LN"},
        {"CURDATE", "CURRENT_DATE"}, {"CURTIME", "LOCALTIME"}, {"NOW", "CURRENT_TIMESTAMP"},
        {"CONCAT", "||"}};
    const AstExpr *inner = ast->call->arg.at[0];
    AstCall *call = arena_dup(binder->arena, inner->call, sizeof *call);
    AstExpr *renamed = arena_dup(binder->arena, inner, sizeof *renamed);
    renamed->call = call;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq_nocase(call->name, str_c(NAMES[i][0]))) call->name = str_c(NAMES[i][1]);
    }
    return bind_expr(binder, renamed, out, err);
}

// Rows and arrays have no order, but one that is compared with itself needs none: r < r is FALSE.
// Such a comparison is bound as <> or =, which folding then decides.
static Str order_with_itself(Str name, Expr *const *arg, uint32_t count) {
    if (count != 2 || !arg[0]->type->child_count || !expr_equal(arg[0], arg[1])) return name;
    if (str_is(name, "<") || str_is(name, ">")) return STR("<>");
    if (str_is(name, "<=") || str_is(name, ">=")) return STR("=");
    return name;
}

static bool is_row_call(const Expr *expr) {
    while (expr->kind == EXPR_CAST && !expr->try_cast) expr = expr->arg[0];  // field by field
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, "ROW") == 0;
}

static Status bind_call(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const AstCall *call = ast->call;
    Arena *arena = binder->arena;
    Str name = call->name;
    bool taken = false;
    if (binder->match) TRY(bind_match_call(binder, ast, &taken, out, err));
    if (taken) return ST_OK;
    if (call->over) return bind_over_call(binder, ast, out, err);
    const AggFunc *agg = bind_agg_named(binder->context, call);
    uint32_t overloads;
    const ScalarFunc *const *known = func_find(name, &overloads);
    if (binder->context->expansion && (agg || overloads)) {
        expansion_function(binder->context->expansion, ast,
                           func_is_defined_only(agg ? agg->name : known[0]->name));
    }
    if (agg) return bind_agg_call(binder, ast, agg, out, err);
    const Udf *udf;
    TRY(bind_find_udf(binder->context, call, &udf, err));
    if (call->filter || call->quantifier == QUANT_DISTINCT) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "'" STR_FMT
                        "' is no aggregate function: DISTINCT and FILTER do not go with it",
                        STR_ARG(name));
    }
    if (has_query(call)) return bind_scalar_subquery(binder, ast, out, err);
    if (is_quantified_list(ast)) return bind_quantified_list(binder, ast, out, err);
    if (udf) return bind_udf_call(binder, ast, udf, out, err);
    Status st;
    if (bind_signed_number(binder, ast, out, &st, err)) return st;
    if (is_row_null_test(call)) return bind_row_null_test(binder, ast, out, err);
    if (str_is(name, "{fn}")) return bind_jdbc_call(binder, ast, out, err);
    if (str_is(name, "INTERVAL")) return bind_interval_call(binder, ast, out, err);
    if (str_is(name, "PERIOD")) {  // OVERLAPS takes rows
        AstCall *row = arena_dup(arena, call, sizeof *row);
        AstExpr *renamed = arena_dup(arena, ast, sizeof *renamed);
        row->name = STR("ROW");
        renamed->call = row;
        return bind_expr(binder, renamed, out, err);
    }
    if (str_is(name, "DOT")) {
        Expr *row;
        TRY(bind_expr(binder, call->arg.at[0], &row, err));
        AstName path = {.part = call->arg.at[1]->name.part - 1, .count = 2, .span = ast->span};
        AstIdent pair[2] = {call->arg.at[1]->name.part[0], call->arg.at[1]->name.part[0]};
        path.part = pair;
        TRY(bind_fields(binder, &path, 1, &row, err));
        *out = row;
        return ST_OK;
    }
    if (binder->groups) TRY(bind_group_function(binder, ast, &taken, out, err));
    if (taken) return ST_OK;
    if (!overloads || is_collection_call(call)) return unknown_function(ast, err);
    if (str_is(name, "JSON") && !binder->json_values) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "JSON() may only stand among the values of JSON_OBJECT or JSON_ARRAY");
    }
    Expr **arg = NULL;
    uint32_t count = 0;
    bool json_values = binder->json_values;
    binder->json_values = str_is(name, "JSON_OBJECT") || str_is(name, "JSON_ARRAY");
    st = bind_args(binder, call, &arg, &count, err);
    binder->json_values = json_values;
    if (st) return st;
    for (uint32_t i = 0; i < count && !takes_null(name); i++) TRY(null_check(arg[i], err));
    if (is_json_function(name)) TRY(bind_json(binder, call, arg, &count, err));
    if (str_is(name, "ARRAY")) nulls_beside_times(arena, arg, count, false);
    const char *text = str_cstr(arena, order_with_itself(name, arg, count));
    TRY(expr_call(arena, binder->context->env, text, arg, count, ast->span.place, out, err));
    if (count == 2 && str_is(name, "=") && arg[0]->type->kind == TYPE_ROW) {
        FuncCall *equal = arena_dup(arena, (*out)->call, sizeof *equal);
        if (!is_row_call(arg[0]) || !is_row_call(arg[1])) compare_rows_whole(equal);
        (*out)->call = equal;
    }
    return guard_choice(binder, out, err);
}

// ---- the whole ---------------------------------------------------------------------------------

static Expr *key_column(Binder *binder, uint32_t i, Place place) {
    const Collected *groups = binder->groups;
    const Type *type = type_attribute(binder->arena, groups->key[i]->type, TIME_NONE);
    if (groups->key_type_nullable >> i & 1) type = type_nullable(binder->arena, type, true);
    Expr *column = expr_column(binder->arena, i, type);
    column->place = place;
    return column;
}

// An expression with a subquery is a key when it is written as that: it may not be bound for a try,
// for it would leave a join behind. So is one that is not determined, which equals nothing.
static bool written_as_key(Binder *binder, const AstExpr *ast, Expr **out) {
    const Collected *groups = binder->groups;
    bool found = false;
    Buf text = {0}, key = {0};
    for (uint32_t i = 0; i < groups->key_count && !found; i++) {
        if (!groups->key_ast[i]) continue;
        text.len = key.len = 0;
        sql_print_expr(ast, SQL_PLAIN, &text);
        sql_print_expr(groups->key_ast[i], SQL_PLAIN, &key);
        found = str_eq(buf_str(&text), buf_str(&key));
        if (found) *out = key_column(binder, i, ast->span.place);
    }
    buf_free(&text);
    buf_free(&key);
    return found;
}

// Over groups: an expression that equals a GROUP BY expression is that key.
static bool bind_as_key(Binder *binder, const AstExpr *ast, Expr **out) {
    Collected *groups = binder->groups;
    if (!groups || binder->in_agg || ast->kind == EX_LITERAL) return false;
    if (ast_has_query(ast)) return written_as_key(binder, ast, out);
    Binder probe = *binder;
    probe.groups = NULL;
    probe.allow_agg = probe.allow_over = false;
    probe.scope = (Scope *)(uintptr_t)binder->group_scope;
    Expr *bound;
    if (bind_expr(&probe, ast, &bound, NULL)) return false;
    if (expr_fold(binder->context, &bound, NULL)) return false;  // as the keys are
    if (!expr_is_deterministic(bound)) return written_as_key(binder, ast, out);
    for (uint32_t i = 0; i < groups->key_count; i++) {
        // What a correlated subquery is grouped by is not among the keys that were written.
        if (binder->domain && bind_domain_has_key(binder->domain, i)) continue;
        if (!expr_equal(groups->key[i], bound)) continue;
        *out = key_column(binder, i, ast->span.place);
        return true;
    }
    return false;
}

static const AstExpr *aliased_item(const AstSelect *select, Str name) {
    for (uint32_t i = 0; i < select->item_count; i++) {
        if (str_eq(select->item[i].alias.name, name)) return select->item[i].expr;
    }
    return NULL;
}

// In ORDER BY and QUALIFY an alias of the select stands for its item, columns or not.
static Status bind_alias(Binder *binder, const AstExpr *ast, bool *taken, Expr **out, Error *err) {
    *taken = false;
    if (!binder->aliases || ast->kind != EX_NAME || ast->name.count != 1) return ST_OK;
    const AstExpr *item = aliased_item(binder->aliases, ast->name.part[0].name);
    if (!item) return ST_OK;
    *taken = true;
    const AstSelect *aliases = binder->aliases;
    binder->aliases = NULL;
    binder->alias_hits += ast_has_over(item);
    Status st = bind_expr(binder, item, out, err);
    binder->aliases = aliases;
    return st;
}

static Status bind_kind(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    bool taken;
    TRY(bind_alias(binder, ast, &taken, out, err));
    if (taken) return ST_OK;
    if (bind_as_key(binder, ast, out)) return ST_OK;
    switch (ast->kind) {
        case EX_LITERAL: return bind_literal(binder->arena, ast, out, err);
        case EX_NAME:
            if (binder->groups && !binder->in_agg) {
                // Tell an unknown column from one that is not grouped.
                Binder probe = *binder;
                Expr *bound;
                probe.groups = NULL;
                probe.scope = (Scope *)(uintptr_t)binder->group_scope;
                TRY(bind_name(&probe, ast, &bound, err));
                return error_at(err, ST_VALIDATION, ast->span.place,
                                "expression '" STR_FMT "' is not being grouped",
                                STR_ARG(ast_name_last(ast->name)));
            }
            return bind_name(binder, ast, out, err);
        case EX_CALL:
            if (str_is(ast->call->name, "IS TRUE") || str_is(ast->call->name, "IS NOT TRUE")) {
                binder->two_valued = predicate_of(ast->call->arg.at[0]) == PRED_IN;
            }
            TRY(bind_call(binder, ast, out, err));
            if ((*out)->kind == EXPR_CALL && strcmp((*out)->call->func->name, "=") == 0) {
                (*out)->times_right =
                    expr_times_right((*out)->arg[0]->type, (*out)->arg[1]->type);
            }
            return ST_OK;
        case EX_CASE: return bind_case(binder, ast, out, err);
        case EX_CAST: return bind_cast(binder, ast, out, err);
        case EX_SYMBOL: *out = symbol(binder->arena, ast->symbol.text); return ST_OK;
        case EX_TYPE: {
            const Type *type;
            TRY(bind_type(binder->arena, ast->type, &type, err));
            *out = expr_null(binder->arena, interval_normal(binder->arena, type));
            return ST_OK;
        }
        case EX_QUERY: return bind_scalar_subquery(binder, ast, out, err);
        case EX_STAR: return error_at(err, ST_VALIDATION, ast->span.place, "'*' cannot stand here");
        default: break;
    }
    return error_at(err, ST_VALIDATION, ast->span.place, "this cannot be used as an expression");
}

Status bind_expr(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    TRY(bind_kind(binder, ast, out, err));
    if (binder->typed) bind_as_grouped(binder->arena, binder->typed, ast, out);
    return ST_OK;
}

Status bind_condition(Binder *binder, const AstExpr *ast, const char *what, Expr **out,
                      Error *err) {
    BindMark mark = bind_mark(binder);
    TRY(bind_expr(binder, ast, out, err));
    TypeKind kind = (*out)->type->kind;
    if (kind == TYPE_NULL && strcmp(what, "FILTER") != 0) {
        return *out = expr_null(binder->arena, type_of(TYPE_BOOLEAN, true)), ST_OK;
    }
    if (kind != TYPE_BOOLEAN) {
        return error_at(err, ST_VALIDATION, ast->span.place, "%s clause must be a condition", what);
    }
    TRY(expr_fold(binder->context, out, err));
    bind_drop_unread(binder, &mark, *out);
    return ST_OK;
}

Status bind_interval_ms(Binder *binder, const AstExpr *ast, int64_t *ms, Error *err) {
    Expr *expr;
    TRY(bind_expr(binder, ast, &expr, err));
    TRY(expr_fold(binder->context, &expr, err));
    if (expr->kind != EXPR_LITERAL || expr->type->kind != TYPE_INTERVAL_SECONDS ||
        vec_is_null(expr->value, 0)) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "a constant interval of days, hours, minutes or seconds is needed here");
    }
    *ms = vec_i64(expr->value)[0];
    return ST_OK;
}

Status bind_row_expr(PlanContext *context, const AstExpr *ast, const Type *input, Expr **out,
                     Error *err) {
    Binder binder = {.context = context, .arena = context->arena};
    Str none = {0};
    binder.scope = scope_single(context->arena, input, none);
    TRY(bind_expr(&binder, ast, out, err));
    return expr_fold(context, out, err);
}
