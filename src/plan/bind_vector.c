// VECTOR_SEARCH(TABLE t, DESCRIPTOR(v), q, k [, MAP['metric', 'cosine']]): the k rows of t whose
// vectors v are nearest to the vector q of each row of the left side, and a score. The rules are
// those of Flink's SqlVectorSearchTableFunction.
//
// In Flink a connector answers, as a vector database would; weir answers from memory for a table
// that is kept there ('lookup.cache' = 'FULL'). Whether a table can be searched is asked when the
// query is planned, so that a view may name any, as in Flink.
#include "plan/bind.h"
#include "plan/rule.h"

enum { TOP_K_MAX = 65536 };  // a batch of queries holds so many answers each

// In the order of the call.
typedef struct VectorArgs {
    const AstExpr *table, *search, *query, *top_k, *config;
} VectorArgs;

static Status no_match(const AstExpr *ast, const char *what, Error *err) {
    (void)error_at(err, ST_VALIDATION, ast->span.place, "%s function 'VECTOR_SEARCH'", what);
    error_hint(err, "supported form: VECTOR_SEARCH(TABLE search_table, "
                    "DESCRIPTOR(column_to_search), column_to_query, top_k "
                    "[, MAP['metric', 'cosine']])");
    return ST_VALIDATION;
}

static bool is_descriptor(const AstExpr *ast) {
    return ast->kind == EX_CALL && str_is(ast->call->name, "DESCRIPTOR");
}

static Status sort_args(const AstExpr *ast, VectorArgs *out, Error *err) {
    static const char *const NAMES[] = {"SEARCH_TABLE", "COLUMN_TO_SEARCH", "COLUMN_TO_QUERY",
                                        "TOP_K", "CONFIG"};
    const AstExpr **const slot[] = {&out->table, &out->search, &out->query, &out->top_k,
                                    &out->config};
    const AstCall *call = ast->call;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        const AstExpr *arg = call->arg.at[i];
        uint32_t at = i;
        if (arg->kind == EX_NAMED) {
            for (at = 0; at < 5 && !str_eq_nocase(arg->named.name.name, str_c(NAMES[at])); at++) {}
        }
        if (at >= 5) return no_match(ast, "invalid number of arguments to", err);
        *slot[at] = arg->kind == EX_NAMED ? arg->named.value : arg;
    }
    if (!out->table || !out->search || !out->query || !out->top_k) {
        return no_match(ast, "invalid number of arguments to", err);
    }
    bool table = out->table->kind == EX_TABLE || out->table->kind == EX_QUERY;
    if (table && is_descriptor(out->search) && !is_descriptor(out->query)) return ST_OK;
    return no_match(ast, "invalid types of arguments to", err);
}

// ---- arguments ---------------------------------------------------------------------------------

static bool is_vector(const Type *type) {
    return type->kind == TYPE_ARRAY &&
           (type->child[0]->kind == TYPE_FLOAT || type->child[0]->kind == TYPE_DOUBLE);
}

static Status search_column(const AstExpr *ast, const Type *row, uint32_t *out, Error *err) {
    const AstExprs *arg = &ast->call->arg;
    if (arg->count != 1) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "COLUMN_TO_SEARCH of VECTOR_SEARCH is one column, but there are %u",
                        arg->count);
    }
    Str name = arg->at[0]->kind == EX_NAME ? ast_name_last(arg->at[0]->name) : (Str){0};
    for (*out = 0; *out < row->child_count && !str_eq(row->field[*out], name); (*out)++) {}
    if (*out == row->child_count) {
        return error_at(err, ST_VALIDATION, arg->at[0]->span.place,
                        "unknown identifier '" STR_FMT "'", STR_ARG(name));
    }
    if (is_vector(row->child[*out])) return ST_OK;
    Buf text = {0};
    type_print(row->child[*out], &text);
    Status st = error_at(err, ST_VALIDATION, arg->at[0]->span.place,
                         "search column '" STR_FMT
                         "' must be ARRAY<FLOAT> or ARRAY<DOUBLE>, but is " STR_FMT,
                         STR_ARG(name), STR_ARG(buf_str(&text)));
    buf_free(&text);
    return st;
}

static Status query_vector(Binder *row, const AstExpr *ast, const Type *search, Expr **out,
                           Error *err) {
    if (ast->kind == EX_LITERAL && ast->literal.kind == LIT_NULL) {
        return error_at(err, ST_VALIDATION, ast->span.place, "illegal use of NULL");
    }
    TRY(bind_expr(row, ast, out, err));
    const Type *from = (*out)->type, *to = type_nullable(row->arena, search, from->nullable);
    if (type_equal(from, to)) return ST_OK;
    if (type_casts_implicitly(from, to)) {
        *out = expr_cast(row->arena, *out, to, false);
        return expr_fold(row->context, out, err);
    }
    Buf text = {0};
    type_print(from, &text);
    buf_puts(&text, ", which is not that of the search column, ");
    type_print(search, &text);
    Status st = error_at(err, ST_VALIDATION, ast->span.place,
                         "the query column is of type " STR_FMT, STR_ARG(buf_str(&text)));
    buf_free(&text);
    return st;
}

static Status read_top_k(const AstExpr *ast, uint32_t *out, Error *err) {
    int64_t value;
    if (ast->kind != EX_LITERAL || ast->literal.kind != LIT_INTEGER ||
        !str_to_i64(ast->literal.text, &value) || value > INT32_MAX || value < INT32_MIN) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "TOP_K of VECTOR_SEARCH is an INTEGER NOT NULL literal");
    }
    if (value <= 0 || value > TOP_K_MAX) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "TOP_K must be greater than 0, and %d at most, but was %lld", TOP_K_MAX,
                        (long long)value);
    }
    *out = (uint32_t)value;
    return ST_OK;
}

static Status bad_config(const AstExpr *ast, Str key, Str value, const char *wanted, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place,
                    "CONFIG of VECTOR_SEARCH: '" STR_FMT "' cannot be '" STR_FMT "', it takes %s",
                    STR_ARG(key), STR_ARG(value), wanted);
}

// Those that say how to ask a connector are read as Flink reads them; a table in memory is not
// waited for.
static Status read_config(Binder *binder, const AstExpr *ast, VectorSpec *spec, Error *err) {
    static const char *const METRICS[] = {"cosine", "dot", "l2"};
    Expr *map;
    if (!ast) return ST_OK;
    TRY(bind_config(binder, ast, &map, err));
    ListView view = vec_list(map->value)[0];
    for (uint32_t i = view.offset; i < view.offset + view.count; i++) {
        Str key = vec_str(map->value->child[0])[i], value = vec_str(map->value->child[1])[i];
        bool yes;
        int64_t ms;
        if (str_is(key, "async") && !str_to_bool(value, &yes)) {
            return bad_config(ast, key, value, "'true' or 'false'", err);
        }
        if (str_is(key, "timeout") && !option_read_duration(value, &ms)) {
            return bad_config(ast, key, value, "a duration like '10 s'", err);
        }
        if (str_is(key, "output-mode") && !str_eq_nocase(value, STR("ORDERED")) &&
            !str_eq_nocase(value, STR("ALLOW_UNORDERED"))) {
            return bad_config(ast, key, value, "'ORDERED' or 'ALLOW_UNORDERED'", err);
        }
        if (!str_is(key, "metric")) continue;
        uint32_t metric = 0;
        while (metric < 3 && !str_eq_nocase(value, str_c(METRICS[metric]))) metric++;
        if (metric == 3) return bad_config(ast, key, value, "'cosine', 'dot' or 'l2'", err);
        spec->metric = (VectorMetric)metric;
    }
    return ST_OK;
}

// ---- the table ---------------------------------------------------------------------------------

static void fold_table(Binder *binder, const Plan *right, Plan *plan, VectorSpec *spec) {
    const Plan *at = right;
    while (at->kind == PLAN_PROJECT) at = at->input[0];
    plan->lookup = ARENA_NEW(binder->arena, LookupPlan);
    plan->lookup->right = right->type;
    if (at->kind == PLAN_FILTER) {
        spec->unfit = "VECTOR_SEARCH does not support a filter on the table that it searches";
    } else if (at->kind != PLAN_SCAN || !at->connector) {
        spec->unfit = "VECTOR_SEARCH searches a table, not what is computed of one";
    } else {
        const Plan *scan = lookup_fold(binder->context, right, plan->lookup);
        plan->table = scan->table;
        plan->desc = scan->desc;
        plan->connector = scan->connector;
    }
}

// The left side's columns, the table's and the score.
static const Type *found_row(Arena *arena, const Type *left, const Type *right, bool outer) {
    uint32_t before = left->child_count, own = right->child_count, count = before + own + 1;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < before; i++) {
        child[i] = left->child[i];
        name[i] = left->field[i];
    }
    for (uint32_t i = 0; i <= own; i++) {
        const Type *of = i < own ? type_attribute(arena, right->child[i], TIME_NONE)
                                 : type_of(TYPE_DOUBLE, false);
        child[before + i] = outer ? type_nullable(arena, of, true) : of;
        name[before + i] = i < own ? right->field[i] : STR("score");
    }
    for (uint32_t number = 0, i = 0; i < own; i++) {
        if (!str_eq(right->field[i], name[count - 1])) continue;
        name[count - 1] = str_printf(arena, "score%u", number++);
        i = UINT32_MAX;  // again from the first
    }
    return type_row(arena, count, child, name, false);
}

static Status search_plan(Binder *binder, const AstExpr *ast, Plan *left, const Scope *left_scope,
                          bool outer, Plan **out, Error *err) {
    VectorArgs args = {0};
    Plan *right;
    Expr *query;
    Binder row = *binder;
    VectorSpec *spec = ARENA_NEW(binder->arena, VectorSpec);
    spec->place = ast->span.place;
    TRY(sort_args(ast, &args, err));
    if (args.table->kind == EX_TABLE && args.table->table.has_partition) {
        return error_at(err, ST_VALIDATION, args.table->span.place,
                        "only tables with set semantics may be partitioned");
    }
    TRY(bind_table_arg(binder, args.table, &right, err));
    TRY(search_column(args.search, right->type, &spec->column, err));
    row.scope = (Scope *)(uintptr_t)left_scope;
    row.allow_agg = row.allow_over = false;
    row.groups = NULL;
    TRY(query_vector(&row, args.query, right->type->child[spec->column], &query, err));
    TRY(read_top_k(args.top_k, &spec->top_k, err));
    TRY(read_config(binder, args.config, spec, err));
    Plan *plan = plan_new(binder->context, PLAN_VECTOR_SEARCH,
                          found_row(binder->arena, left->type, right->type, outer), 1);
    plan->input[0] = left;
    plan->vector = spec;
    plan->outer = outer;
    plan->func_arg = ARENA_ARRAY(binder->arena, Expr *, 1);
    plan->func_arg[0] = query;
    plan->func_arg_count = 1;
    fold_table(binder, right, plan, spec);
    *out = plan;
    return ST_OK;
}

Status bind_vector_search(Binder *binder, const AstExpr *ast, Plan **out, Error *err) {
    Scope *none;
    Plan *one = bind_one_row(binder, &none);
    return search_plan(binder, ast, one, none, false, out, err);
}

Status bind_vector_lateral(Binder *binder, const AstFrom *from, Plan *left,
                           const Scope *left_scope, JoinType type, const AstExpr *on, Plan **plan,
                           Scope **scope, Error *err) {
    Arena *arena = binder->arena;
    TRY(search_plan(binder, from->function.call, left, left_scope, type == JOIN_TYPE_LEFT, plan,
                    err));
    Plan *search = *plan;
    uint32_t in = left->type->child_count, own = search->type->child_count - in;
    if (from->column.count && from->column.count != own) {
        return error_at(err, ST_VALIDATION, from->column.at[0].span.place,
                        "list of column aliases must have same degree as table; table has %u "
                        "columns, whereas alias list has %u columns",
                        own, from->column.count);
    }
    Str *name = arena_dup(arena, search->type->field, (in + own) * sizeof *name);
    for (uint32_t i = 0; i < from->column.count; i++) name[in + i] = from->column.at[i].name;
    search->type = type_row(arena, in + own, search->type->child, name, false);
    const Type *right = type_row(arena, own, search->type->child + in, name + in, false);
    Scope *found = scope_single(arena, right, from->alias.name);
    found->item[0].printed = bind_relation_alias(binder, from);
    *scope = scope_join(arena, left_scope, found, search->type);
    if (!on) return ST_OK;
    Binder row = *binder;
    Expr *condition;
    row.scope = *scope;
    row.allow_agg = row.allow_over = false;
    row.groups = NULL;
    TRY(bind_condition(&row, on, "ON", &condition, err));
    if (type == JOIN_TYPE_LEFT && !expr_is_true(condition)) {
        return error_at(err, ST_VALIDATION, on->span.place,
                        "LEFT JOIN with VECTOR_SEARCH takes no condition but TRUE");
    }
    *plan = plan_filter(binder->context, search, condition);
    return ST_OK;
}
