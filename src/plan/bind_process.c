// Process table functions in FROM:
//
//     f(input => TABLE t PARTITION BY k ORDER BY ts, n => 5, on_time => DESCRIPTOR(ts), uid => 'x')
//
// by name or by place; on_time and uid stand behind the function's own arguments. The output is the
// partition's keys, of each table anew (or, with WEIR_PASS_COLUMNS_THROUGH, all columns of the one
// table), what the function gives, and with on_time the time of the row or timer that gave it, as
// `rowtime`. The rules are those of Flink's SystemTypeInference.
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
            if (at == udf->in_count && str_eq_nocase(name, STR("uid")))
                at++;
            else if (at == udf->in_count && !str_eq_nocase(name, STR("on_time")))
                at += 2;
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
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "%s: the table has no column '" STR_FMT "'", what, STR_ARG(name));
    }
    return error_at(err, ST_VALIDATION, ast->span.place, "%s needs columns of the table", what);
}

// ---- a table -----------------------------------------------------------------------------------

static Status read_partition(Binder *binder, const AstExpr *ast, const Udf *udf, const Plan *input,
                             ProcessTable *table, uint32_t *count, Error *err) {
    const UdfArg *arg = &udf->in[table->arg];
    bool given = ast->kind == EX_TABLE && ast->table.has_partition;
    Place place = ast->span.place;
    *count = 0;
    if (given && !(table->traits & WEIR_SET_SEMANTICS)) {
        return error_at(err, ST_VALIDATION, place,
                        "only tables with set semantics may be partitioned: '" STR_FMT
                        "' takes its table row by row",
                        STR_ARG(udf->name));
    }
    if (!given && table->traits & WEIR_SET_SEMANTICS &&
        !(table->traits & WEIR_OPTIONAL_PARTITION_BY)) {
        (void)error_at(err, ST_VALIDATION, place,
                       "'" STR_FMT "' takes a table with set semantics as '" STR_FMT
                       "': it needs PARTITION BY",
                       STR_ARG(udf->name), STR_ARG(arg->name));
        error_hint(err, "TABLE t PARTITION BY key");
        return ST_VALIDATION;
    }
    if (!given) return ST_OK;
    *count = ast->table.partition.count;
    table->key = ARENA_ARRAY(binder->arena, uint32_t, *count + 1);
    for (uint32_t i = 0; i < *count; i++) {
        TRY(find_column(input->type, ast->table.partition.at[i], "PARTITION BY", &table->key[i],
                        err));
    }
    return ST_OK;
}

// Types whose values are the same bytes: no cast would be needed.
static bool keys_agree(const Type *a, const Type *b) {
    if (type_is_text(a) && type_is_text(b)) return true;
    return type_equal_but_null(a, b);
}

// Rows of one key meet, whichever table they come from.
static Status check_partitions(const AstExpr *ast, const Plan *plan, const ProcessTable *table,
                               uint32_t input, uint32_t count, Error *err) {
    const ProcessTable *first = &plan->process->table[0];
    bool agree = count == plan->key_count;
    for (uint32_t k = 0; agree && k < count; k++) {
        agree = keys_agree(plan->input[0]->type->child[first->key[k]],
                           plan->input[input]->type->child[table->key[k]]);
    }
    if (agree) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "PARTITION BY: the number of columns and their types must be the same for all "
                    "tables of '" STR_FMT "'",
                    STR_ARG(plan->process->udf->name));
}

static Status read_order(Binder *binder, const AstExpr *ast, const Plan *input, ProcessTable *table,
                         Error *err) {
    if (ast->kind != EX_TABLE || !ast->table.has_order) return ST_OK;
    const Type *row = input->type;
    const AstOrders *order = &ast->table.order;
    if (!(table->traits & WEIR_SET_SEMANTICS)) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "only tables with set semantics may be ordered");
    }
    table->order = ARENA_ARRAY(binder->arena, OrderKey, order->count + 1);
    table->order_count = order->count;
    for (uint32_t i = 0; i < order->count; i++) {
        OrderKey *key = &table->order[i];
        TRY(find_column(row, order->at[i].expr, "ORDER BY", &key->column, err));
        for (uint32_t before = 0; before < i; before++) {
            if (table->order[before].column != key->column) continue;
            return error_at(err, ST_VALIDATION, order->at[i].expr->span.place,
                            "ORDER BY names column '" STR_FMT "' twice",
                            STR_ARG(row->field[key->column]));
        }
        key->descending = order->at[i].descending;
        key->nulls_first = order->at[i].nulls == NULLS_UNSAID ? !key->descending
                                                              : order->at[i].nulls == NULLS_FIRST;
    }
    if (row->child[table->order[0].column]->attribute != TIME_ROWTIME ||
        table->order[0].descending) {
        return error_at(err, ST_VALIDATION, order->at[0].expr->span.place,
                        "ORDER BY of a process table function begins with a time attribute, "
                        "ascending");
    }
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
        expr[i] =
            expr_cast(binder->arena, expr_column(binder->arena, i, type), wanted->child[i], false);
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

// ---- on_time -----------------------------------------------------------------------------------

static bool names_column(const AstExprs *names, const Type *row, uint32_t column) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->at[i]->kind == EX_NAME &&
            str_eq(ast_name_last(names->at[i]->name), row->field[column])) {
            return true;
        }
    }
    return false;
}

// The one column of the table that on_time names; *found is how many there are.
static Status time_of_table(const AstExpr *ast, const AstExprs *names, const Plan *input,
                            ProcessTable *table, uint32_t *found, Error *err) {
    const Type *row = input->type;
    *found = 0;
    for (uint32_t c = 0; c < row->child_count; c++) {
        if (!names_column(names, row, c)) continue;
        if ((*found)++) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "on_time names two columns of one table, '" STR_FMT "' and '" STR_FMT
                            "'",
                            STR_ARG(row->field[table->time_column]), STR_ARG(row->field[c]));
        }
        table->time_column = c;
        if (row->child[c]->attribute == TIME_ROWTIME) continue;
        (void)error_at(err, ST_VALIDATION, ast->span.place,
                       "on_time needs a time attribute, and '" STR_FMT "' is none",
                       STR_ARG(row->field[c]));
        error_hint(err,
                   "declare WATERMARK FOR a TIMESTAMP column in its table, and leave it as it "
                   "is on its way");
        return ST_VALIDATION;
    }
    if (*found && table->order_count && table->order[0].column != table->time_column) {
        return error_at(
            err, ST_VALIDATION, ast->span.place,
            "ORDER BY and on_time name different columns: '" STR_FMT "' and '" STR_FMT "'",
            STR_ARG(row->field[table->order[0].column]), STR_ARG(row->field[table->time_column]));
    }
    return ST_OK;
}

// Every name must mean something.
static Status check_names(const AstExprs *names, const Plan *plan, Error *err) {
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t at;
        bool found = false;
        for (uint32_t t = 0; !found && t < plan->input_count; t++) {
            found = !find_column(plan->input[t]->type, names->at[i], "on_time", &at, NULL);
        }
        if (found) continue;
        TRY(find_column(plan->input[0]->type, names->at[i], "on_time", &at, err));
    }
    return ST_OK;
}

static Status need_on_time(const AstExpr *ast, const Udf *udf, const ProcessTable *table,
                           Error *err) {
    (void)error_at(err, ST_VALIDATION, ast->span.place,
                   "'" STR_FMT "' works with time: it needs on_time, for its table '" STR_FMT "'",
                   STR_ARG(udf->name), STR_ARG(udf->in[table->arg].name));
    error_hint(err, "on_time => DESCRIPTOR(ts), ts a column with a watermark");
    return ST_VALIDATION;
}

static Status read_on_time(const AstExpr *call, const AstExpr *ast, Plan *plan, ProcessSpec *spec,
                           Error *err) {
    bool wrong = ast && (ast->kind != EX_CALL || !str_is(ast->call->name, "DESCRIPTOR") ||
                         !ast->call->arg.count);
    if (wrong) {
        return error_at(err, ST_VALIDATION, ast->span.place, "on_time needs DESCRIPTOR(column)");
    }
    if (ast) TRY(check_names(&ast->call->arg, plan, err));
    const ProcessTable *without = NULL;
    uint32_t kind = TYPE_NULL;
    for (uint32_t t = 0; t < spec->table_count; t++) {
        ProcessTable *table = &spec->table[t];
        uint32_t found = 0;
        if (ast) {
            TRY(time_of_table(ast, &ast->call->arg, plan->input[t], table, &found, err));
        }
        if (!found && table->traits & WEIR_REQUIRE_ON_TIME) {
            return need_on_time(ast ? ast : call, spec->udf, table, err);
        }
        if (!found) {
            without = table;
            continue;
        }
        uint32_t of = plan->input[t]->type->child[table->time_column]->kind;
        if (spec->timed && of != kind) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "on_time names a TIMESTAMP and a TIMESTAMP_LTZ: it must be one kind");
        }
        kind = of;
        spec->timed = true;
    }
    if (!spec->timed || !without) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "on_time names a column of one table and none of '" STR_FMT
                    "': all tables have one or none",
                    STR_ARG(spec->udf->in[without->arg].name));
}

// ---- the tables --------------------------------------------------------------------------------

static Status read_table(Binder *binder, const AstExpr *call, const AstExpr *ast, Plan *plan,
                         uint32_t input, Error *err) {
    const ProcessSpec *spec = plan->process;
    ProcessTable *table = &spec->table[input];
    uint32_t keys;
    if (!ast || (ast->kind != EX_TABLE && ast->kind != EX_QUERY)) {
        return error_at(err, ST_VALIDATION, ast ? ast->span.place : call->span.place,
                        "'" STR_FMT "' needs a table as '" STR_FMT "': TABLE t",
                        STR_ARG(spec->udf->name), STR_ARG(spec->udf->in[table->arg].name));
    }
    TRY(bind_table_arg(binder, ast, &plan->input[input], err));
    // Keys and order are named as the table names them.
    TRY(read_partition(binder, ast, spec->udf, plan->input[input], table, &keys, err));
    if (!input) plan->key_count = keys;
    TRY(check_partitions(ast, plan, table, input, keys, err));
    return read_order(binder, ast, plan->input[input], table, err);
}

static Status read_tables(Binder *binder, const AstExpr *call, const ProcessArgs *args, Plan *plan,
                          ProcessSpec *spec, Error *err) {
    for (uint32_t t = 0; t < spec->table_count; t++) {
        TRY(read_table(binder, call, args->arg[spec->table[t].arg], plan, t, err));
    }
    TRY(read_on_time(call, args->on_time, plan, spec, err));
    for (uint32_t t = 0; t < spec->table_count; t++) {
        ProcessTable *table = &spec->table[t];
        TRY(fit_table(binder, args->arg[table->arg], spec->udf, &spec->udf->in[table->arg],
                      &plan->input[t], err));
        table->row = plan->input[t]->type;
    }
    plan->key = spec->table[0].key;
    plan->order = spec->table[0].order;
    plan->order_count = spec->table[0].order_count;
    plan->time_column = spec->table[0].time_column;
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

static bool is_uid(Str text) {
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (!i || (c != '-' && (c < '0' || c > '9')))) return false;
    }
    return true;
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
    if (!is_uid(spec->uid)) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "uid '" STR_FMT
                        "': it may have letters, digits, '_' and '-', and begins "
                        "with a letter or '_'",
                        STR_ARG(spec->uid));
    }
    return ST_OK;
}

static Status read_scalar(Binder *binder, const AstExpr *ast, const Udf *udf, uint32_t i,
                          Place place, Expr **out, Error *err) {
    const UdfArg *arg = &udf->in[i];
    if (!ast && arg->optional) {
        *out = expr_null(binder->arena, arg->type);
        return ST_OK;
    }
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
    const Type *result = spec->udf->result, *time = NULL;
    bool all = spec->table[0].traits & WEIR_PASS_COLUMNS_THROUGH;
    uint32_t most = plan->input[0]->type->child_count + plan->key_count * spec->table_count +
                    result->child_count + 1;
    Columns out = {ARENA_ARRAY(arena, const Type *, most), ARENA_ARRAY(arena, Str, most), 0};
    for (uint32_t t = 0; t < spec->table_count; t++) {
        const Type *row = plan->input[t]->type;
        for (uint32_t i = 0; i < (all ? row->child_count : plan->key_count); i++) {
            uint32_t from = all ? i : spec->table[t].key[i];
            const Type *plain = type_attribute(arena, row->child[from], TIME_NONE);
            add_column(arena, &out, plain, row->field[from]);
        }
        const Type *of = spec->timed ? row->child[spec->table[t].time_column] : NULL;
        if (!time || (of && of->precision > time->precision)) time = of;
    }
    for (uint32_t i = 0; i < result->child_count; i++) {
        add_column(arena, &out, result->child[i], result->field[i]);
    }
    if (time) {
        time = type_nullable(arena, time, false);
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
    spec->table = ARENA_ARRAY(arena, ProcessTable, udf->in_count + 1);
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (!udf->in[i].table) continue;
        spec->table[spec->table_count++] = (ProcessTable){.arg = i, .traits = udf->in[i].traits};
    }
    Plan *plan = plan_new(binder->context, PLAN_PROCESS, NULL, spec->table_count);
    plan->process = spec;
    TRY(read_tables(binder, ast, &args, plan, spec, err));
    for (uint32_t i = 0; i < udf->in_count; i++) {
        if (udf->in[i].table) continue;
        TRY(read_scalar(binder, args.arg[i], udf, i, place, &spec->arg[i], err));
    }
    TRY(read_uid(binder, args.uid, udf, spec, err));
    plan->function = udf->name;
    plan->type = output_row(arena, plan, spec);
    *out = plan;
    return ST_OK;
}
