// Process table functions in FROM:
//
//     f(input => TABLE t PARTITION BY k ORDER BY ts, n => 5, on_time => DESCRIPTOR(ts), uid => 'x')
//
// by name or by place; on_time and uid stand behind the function's own arguments. The output is the
// partition's keys (or, with WEIR_PASS_COLUMNS_THROUGH, all columns of the table), what the
// function gives, and with on_time the time of the row or timer that gave it, as `rowtime`.
#include "plan/bind.h"

typedef struct ProcessArgs {
    const AstExpr *arg[UDF_ARGS_MAX];
    const AstExpr *on_time, *uid;
} ProcessArgs;

static Status sort_args(const AstExpr *ast, const Udf *udf, ProcessArgs *out, Error *err) {
    const AstCall *call = ast->call;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        const AstExpr *arg = call->arg.at[i];
        uint32_t at = i;
        if (arg->kind == EX_NAMED) {
            Str name = arg->named.name.name;
            for (at = 0; at < udf->in_count; at++) {
                if (str_eq_nocase(udf->in[at].name, name)) break;
            }
            if (at == udf->in_count && str_eq_nocase(name, STR("uid"))) at++;
            else if (at == udf->in_count && !str_eq_nocase(name, STR("on_time"))) at += 2;
            arg = arg->named.value;
        }
        const AstExpr **to = at < udf->in_count        ? &out->arg[at]
                             : at == udf->in_count     ? &out->on_time
                             : at == udf->in_count + 1 ? &out->uid
                                                       : NULL;
        if (!to || *to) {
            (void)error_at(err, ST_VALIDATION, call->arg.at[i]->span.place,
                           "'" STR_FMT "' has no such argument, or it is given twice",
                           STR_ARG(udf->name));
            error_hint(err, STR_FMT "%s, on_time => DESCRIPTOR, uid => STRING", STR_ARG(udf->name),
                       udf->def->signature);
            return ST_VALIDATION;
        }
        *to = arg->kind == EX_DEFAULT ? NULL : arg;
    }
    return ST_OK;
}

static Status find_column(const Type *row, const AstExpr *ast, const char *what, uint32_t *out,
                          Error *err) {
    if (ast->kind == EX_NAME) {
        Str name = ast_name_last(ast->name);
        for (*out = 0; *out < row->child_count; (*out)++) {
            if (str_eq(row->field[*out], name)) return ST_OK;
        }
        return error_at(err, ST_VALIDATION, ast->span.place, "%s: the table has no column '" STR_FMT
                        "'", what, STR_ARG(name));
    }
    return error_at(err, ST_VALIDATION, ast->span.place, "%s needs columns of the table", what);
}

// ---- the table ---------------------------------------------------------------------------------

static Status read_partition(Binder *binder, const AstExpr *table, const Udf *udf, Plan *plan,
                             Error *err) {
    uint32_t flags = udf->def->flags;
    bool given = table->kind == EX_TABLE && table->table.has_partition;
    Place place = table->span.place;
    if (given && !(flags & WEIR_SET_SEMANTICS)) {
        return error_at(err, ST_VALIDATION, place,
                        "only tables with set semantics may be partitioned: '" STR_FMT
                        "' takes its table row by row",
                        STR_ARG(udf->name));
    }
    if (!given && flags & WEIR_SET_SEMANTICS && !(flags & WEIR_OPTIONAL_PARTITION_BY)) {
        (void)error_at(err, ST_VALIDATION, place,
                       "'" STR_FMT "' takes a table with set semantics: it needs PARTITION BY",
                       STR_ARG(udf->name));
        error_hint(err, "TABLE t PARTITION BY key");
        return ST_VALIDATION;
    }
    if (!given) return ST_OK;
    plan->key_count = table->table.partition.count;
    plan->key = ARENA_ARRAY(binder->arena, uint32_t, plan->key_count + 1);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        TRY(find_column(plan->input[0]->type, table->table.partition.at[i], "PARTITION BY",
                        &plan->key[i], err));
    }
    return ST_OK;
}

static Status read_order(Binder *binder, const AstExpr *table, const Udf *udf, Plan *plan,
                         ProcessSpec *spec, Error *err) {
    if (table->kind != EX_TABLE || !table->table.has_order) return ST_OK;
    const Type *row = plan->input[0]->type;
    const AstOrders *order = &table->table.order;
    if (!(udf->def->flags & WEIR_SET_SEMANTICS)) {
        return error_at(err, ST_VALIDATION, table->span.place,
                        "only tables with set semantics may be ordered");
    }
    plan->order = ARENA_ARRAY(binder->arena, OrderKey, order->count + 1);
    plan->order_count = order->count;
    for (uint32_t i = 0; i < order->count; i++) {
        OrderKey *key = &plan->order[i];
        TRY(find_column(row, order->at[i].expr, "ORDER BY", &key->column, err));
        key->descending = order->at[i].descending;
        key->nulls_first = order->at[i].nulls == NULLS_UNSAID
                               ? !key->descending
                               : order->at[i].nulls == NULLS_FIRST;
    }
    if (row->child[plan->order[0].column]->attribute != TIME_ROWTIME || plan->order[0].descending) {
        return error_at(err, ST_VALIDATION, order->at[0].expr->span.place,
                        "ORDER BY of a process table function begins with a time attribute, "
                        "ascending");
    }
    spec->ordered = true;
    return ST_OK;
}

// A declared ROW is what the function sees: the table's columns are cast to it by their places.
static Status fit_table(Binder *binder, const AstExpr *ast, const Udf *udf, const UdfArg *arg,
                        Plan **input, Error *err) {
    if (!arg->type) return ST_OK;
    const Type *row = (*input)->type, *wanted = arg->type;
    uint32_t count = wanted->child_count;
    Expr **expr = ARENA_ARRAY(binder->arena, Expr *, count + 1);
    bool fits = row->child_count == count;
    for (uint32_t i = 0; fits && i < count; i++) {
        const Type *type = row->child[i];
        fits = type_equal_but_null(type, wanted->child[i]) ||
               type_casts_implicitly(type, wanted->child[i]);
        expr[i] = expr_cast(binder->arena, expr_column(binder->arena, i, type), wanted->child[i],
                            false);
    }
    if (fits) {
        *input = plan_project(binder->context, *input, expr, wanted->field, count);
        return ST_OK;
    }
    Buf given = {0}, takes = {0};
    type_print_summary(row, false, &given);
    type_print_summary(wanted, false, &takes);
    Status st = error_at(err, ST_VALIDATION, ast->span.place,
                         "'" STR_FMT "' takes a table of " STR_FMT ", this one is of " STR_FMT,
                         STR_ARG(udf->name), STR_ARG(buf_str(&takes)), STR_ARG(buf_str(&given)));
    buf_free(&given);
    buf_free(&takes);
    return st;
}

static Status read_on_time(const AstExpr *ast, const Udf *udf, Place place, Plan *plan,
                           ProcessSpec *spec, Error *err) {
    if (!ast && udf->def->flags & WEIR_REQUIRE_ON_TIME) {
        (void)error_at(err, ST_VALIDATION, place, "'" STR_FMT "' works with time: it needs on_time",
                       STR_ARG(udf->name));
        error_hint(err, "on_time => DESCRIPTOR(ts), ts a column with a watermark");
        return ST_VALIDATION;
    }
    if (!ast) return ST_OK;
    if (ast->kind != EX_CALL || !str_is(ast->call->name, "DESCRIPTOR") ||
        ast->call->arg.count != 1) {
        return error_at(err, ST_VALIDATION, ast->span.place, "on_time needs DESCRIPTOR(column)");
    }
    TRY(find_column(plan->input[0]->type, ast->call->arg.at[0], "on_time", &plan->time_column,
                    err));
    if (plan->input[0]->type->child[plan->time_column]->attribute != TIME_ROWTIME) {
        (void)error_at(err, ST_VALIDATION, ast->span.place,
                       "on_time needs a time attribute: a TIMESTAMP column with a watermark");
        error_hint(err, "declare WATERMARK FOR the column in its table");
        return ST_VALIDATION;
    }
    spec->timed = true;
    return ST_OK;
}

static Status read_table(Binder *binder, const AstExpr *ast, const ProcessArgs *args,
                         const Udf *udf, uint32_t i, Plan *plan, ProcessSpec *spec, Error *err) {
    const AstExpr *table = args->arg[i];
    if (!table || (table->kind != EX_TABLE && table->kind != EX_QUERY)) {
        return error_at(err, ST_VALIDATION, table ? table->span.place : ast->span.place,
                        "'" STR_FMT "' needs a table: TABLE t", STR_ARG(udf->name));
    }
    TRY(bind_table_arg(binder, table, &plan->input[0], err));
    // Keys, order and time are named as the table names them.
    TRY(read_partition(binder, table, udf, plan, err));
    TRY(read_order(binder, table, udf, plan, spec, err));
    TRY(read_on_time(args->on_time, udf, ast->span.place, plan, spec, err));
    TRY(fit_table(binder, table, udf, &udf->in[i], &plan->input[0], err));
    spec->table = plan->input[0]->type;
    return ST_OK;
}

// ---- the other arguments -----------------------------------------------------------------------

static Status constant(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Binder alone = {.context = binder->context, .arena = binder->arena};
    const Type *none = type_row(binder->arena, 0, NULL, NULL, false);
    alone.scope = scope_single(binder->arena, none, (Str){0});
    TRY(bind_expr(&alone, ast, out, err));
    TRY(expr_fold(binder->context, out, err));
    if ((*out)->kind == EXPR_LITERAL) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "arguments of a process table function are constants");
}

static Status read_uid(Binder *binder, const AstExpr *ast, const Udf *udf, ProcessSpec *spec,
                       Error *err) {
    Expr *uid;
    spec->uid = udf->name;
    if (!ast) return ST_OK;
    TRY(constant(binder, ast, &uid, err));
    if (!type_is_text(uid->type) || vec_is_null(uid->value, 0) || !vec_str(uid->value)[0].len) {
        return error_at(err, ST_VALIDATION, ast->span.place, "uid needs a text");
    }
    spec->uid = vec_str(uid->value)[0];
    spec->uid_given = true;
    return ST_OK;
}

static Status read_scalar(Binder *binder, const AstExpr *ast, const Udf *udf, uint32_t i,
                          Place place, Expr **out, Error *err) {
    const UdfArg *arg = &udf->in[i];
    if (!ast) {
        return error_at(err, ST_VALIDATION, place,
                        "'" STR_FMT "' is called without its argument %u (" STR_FMT ")",
                        STR_ARG(udf->name), i + 1, STR_ARG(arg->name));
    }
    TRY(constant(binder, ast, out, err));
    const Type *type = (*out)->type;
    if (type->kind != TYPE_NULL && !type_equal_but_null(type, arg->type) &&
        !type_casts_implicitly(type, arg->type)) {
        Buf takes = {0};
        type_print_summary(arg->type, false, &takes);
        Status st = error_at(err, ST_VALIDATION, ast->span.place,
                             "argument %u of '" STR_FMT "' is a " STR_FMT, i + 1,
                             STR_ARG(udf->name), STR_ARG(buf_str(&takes)));
        buf_free(&takes);
        return st;
    }
    *out = expr_cast(binder->arena, *out, arg->type, false);
    return expr_fold(binder->context, out, err);
}

// ---- the output --------------------------------------------------------------------------------

typedef struct Columns {
    const Type **type;
    Str *name;
    uint32_t count;
} Columns;

// Adds a column; of two with one name the later one gets a number, as in Flink.
static void add_column(Arena *arena, Columns *out, const Type *type, Str name) {
    Str unique = name;
    for (uint32_t n = 0, i = 0; i < out->count; i++) {
        if (!str_eq(out->name[i], unique)) continue;
        unique = str_printf(arena, STR_FMT "%u", STR_ARG(name), n++);
        i = UINT32_MAX;  // from the start
    }
    out->type[out->count] = type;
    out->name[out->count++] = unique;
}

static const Type *output_row(Arena *arena, const Plan *plan, const ProcessSpec *spec) {
    const Type *row = plan->input[0]->type, *result = spec->udf->result;
    bool all = spec->udf->def->flags & WEIR_PASS_COLUMNS_THROUGH;
    uint32_t most = row->child_count + plan->key_count + result->child_count + 1;
    Columns out = {ARENA_ARRAY(arena, const Type *, most), ARENA_ARRAY(arena, Str, most), 0};
    for (uint32_t i = 0; i < (all ? row->child_count : plan->key_count); i++) {
        uint32_t from = all ? i : plan->key[i];
        const Type *plain = type_attribute(arena, row->child[from], TIME_NONE);
        add_column(arena, &out, plain, row->field[from]);
    }
    for (uint32_t i = 0; i < result->child_count; i++) {
        add_column(arena, &out, result->child[i], result->field[i]);
    }
    if (spec->timed) {
        const Type *time = type_nullable(arena, row->child[plan->time_column], true);
        add_column(arena, &out, type_attribute(arena, time, TIME_ROWTIME), STR("rowtime"));
    }
    return type_row(arena, out.count, out.type, out.name, false);
}

Status bind_process(Binder *binder, const AstExpr *ast, const Udf *udf, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    Place place = ast->span.place;
    ProcessArgs args = {0};
    TRY(sort_args(ast, udf, &args, err));
    ProcessSpec *spec = ARENA_NEW(arena, ProcessSpec);
    spec->udf = udf;
    spec->arg = ARENA_ARRAY(arena, Expr *, udf->in_count + 1);
    Plan *plan = plan_new(binder->context, PLAN_PROCESS, NULL, 1);
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (udf->in[i].table) TRY(read_table(binder, ast, &args, udf, i, plan, spec, err));
    }
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (udf->in[i].table) continue;
        TRY(read_scalar(binder, args.arg[i], udf, i, place, &spec->arg[i], err));
    }
    TRY(read_uid(binder, args.uid, udf, spec, err));
    plan->process = spec;
    plan->function = udf->name;
    plan->type = output_row(arena, plan, spec);
    *out = plan;
    return ST_OK;
}
