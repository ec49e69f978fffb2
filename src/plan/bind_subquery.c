// Subqueries: IN, EXISTS and their negations as conjuncts of WHERE become semi and anti joins;
// anywhere else they, and scalar subqueries, become left joins whose right side has at most one row
// per row of the left. Correlation is undone while binding: a conjunct of the subquery's WHERE that
// names a column of the outer query goes up into the join's condition.
// INTERSECT and EXCEPT are semi and anti joins of distinct rows.
#include "plan/bind_subquery.h"

Status bind_outer_name(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Correlation *correlation = binder->correlation;
    Binder outer = {.context = binder->context,
                    .arena = binder->arena,
                    .scope = (Scope *)(uintptr_t)correlation->outer,
                    .plan = binder->parent ? binder->parent->plan : NULL,
                    .domain = binder->parent ? binder->parent->domain : NULL,
                    .reaching = true};
    Expr *expr;
    if (bind_expr(&outer, ast, &expr, NULL)) return ST_END;
    (void)err;
    if (outer.domain) bind_domain_reached(&outer, expr);
    uint32_t columns = correlation->outer->row->child_count;
    uint32_t *map = ARENA_ARRAY(binder->arena, uint32_t, columns + 1);
    for (uint32_t i = 0; i < columns; i++) map[i] = OUTER_BASE + i;
    *out = expr_renumber(binder->arena, expr, map);
    correlation->used = true;
    return ST_OK;
}

bool reads_outer(const Expr *expr) {
    if (expr->kind == EXPR_COLUMN) return expr->column >= OUTER_BASE;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_outer(expr->arg[i])) return true;
    }
    return false;
}

// [expr] over (left row, right row): inner columns moved behind the left's [left_columns], outer
// ones made the left's own.
Expr *join_side(Arena *arena, const Expr *expr, uint32_t left_columns) {
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    if (expr->kind == EXPR_COLUMN) {
        copy->column =
            expr->column >= OUTER_BASE ? expr->column - OUTER_BASE : expr->column + left_columns;
    }
    if (!expr->arg_count) return copy;
    copy->arg = ARENA_ARRAY(arena, Expr *, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        copy->arg[i] = join_side(arena, expr->arg[i], left_columns);
    }
    return copy;
}

// ---- WHERE -------------------------------------------------------------------------------------

static Status where_part(Binder *binder, const AstExpr *part, Error *err) {
    bool done = false;
    TRY(bind_where_subquery(binder, part, &done, err));
    if (done) return ST_OK;
    Expr *condition;
    TRY(bind_condition(binder, part, "WHERE", &condition, err));
    if (reads_outer(condition)) {
        Correlation *correlation = binder->correlation;
        ARENA_PUSH(binder->arena, correlation->conjunct, correlation->count, correlation->cap,
                   condition);
        return ST_OK;
    }
    return plan_where(binder->context, binder->plan, condition, &binder->plan, err);
}

static Status where_parts(Binder *binder, const AstExpr *where, Error *err) {
    if (where->kind == EX_CALL && str_is(where->call->name, "AND")) {
        TRY(where_parts(binder, where->call->arg.at[0], err));
        return where_parts(binder, where->call->arg.at[1], err);
    }
    return where_part(binder, where, err);
}

bool ast_has_query(const AstExpr *ast) {
    if (!ast) return false;
    if (ast->kind == EX_QUERY) return true;
    if (ast->kind == EX_CAST) return ast_has_query(ast->cast.value);
    if (ast->kind == EX_CASE) {
        bool found = ast_has_query(ast->cases.operand) || ast_has_query(ast->cases.otherwise);
        for (uint32_t i = 0; i < ast->cases.branch_count; i++) {
            found |= ast_has_query(ast->cases.branch[i].when) ||
                     ast_has_query(ast->cases.branch[i].then);
        }
        return found;
    }
    if (ast->kind != EX_CALL) return false;
    for (uint32_t i = 0; i < ast->call->arg.count; i++) {
        if (ast_has_query(ast->call->arg.at[i])) return true;
    }
    return false;
}

Status bind_where(Binder *binder, const AstExpr *where, Error *err) {
    if (ast_has_agg(binder->context, where)) {
        return error_at(err, ST_VALIDATION, where->span.place,
                        "aggregate expression is illegal in WHERE clause");
    }
    if (ast_has_query(where) || binder->correlation) {
        TRY(where_parts(binder, where, err));
    } else {
        Expr *condition;
        TRY(bind_condition(binder, where, "WHERE", &condition, err));
        TRY(plan_where(binder->context, binder->plan, condition, &binder->plan, err));
    }
    return ST_OK;
}

// ---- the right side ----------------------------------------------------------------------------

static bool is_plain_select(PlanContext *context, const AstQuery *query) {
    if (query->kind != Q_SELECT || query->order.count || query->fetch || query->offset) {
        return false;
    }
    const AstSelect *select = query->select;
    if (select->has_group || select->having || select->qualify ||
        select->quantifier == QUANT_DISTINCT) {
        return false;
    }
    for (uint32_t i = 0; i < select->item_count; i++) {
        if (ast_has_agg(context, select->item[i].expr)) return false;
        if (ast_has_over(select->item[i].expr)) return false;
    }
    return select->from != NULL;
}

// [plan] as the right side: its first [items] columns, and the domain's behind them.
static Status inner_of_plan(Binder *binder, Plan *plan, const Domain *domain, Inner *inner,
                            Error *err) {
    Arena *arena = binder->arena;
    *inner = (Inner){.plan = plan, .key_count = domain->count, .empty = domain->empty};
    inner->item_count = plan->type->child_count - domain->count;
    inner->item = ARENA_ARRAY(arena, Expr *, inner->item_count + 1);
    inner->item_name = plan->type->field;
    inner->key = ARENA_ARRAY(arena, uint32_t, domain->count + 1);
    for (uint32_t i = 0; i < inner->item_count; i++) {
        inner->item[i] = expr_column(arena, i, plan->type->child[i]);
    }
    for (uint32_t i = 0; i < domain->count; i++) {
        Expr *same;
        uint32_t column = inner->key[i] = inner->item_count + i;
        const Type *type = binder->plan->type->child[domain->column[i]];
        TRY(call2(binder, "=", expr_column(arena, domain->column[i] + OUTER_BASE, type),
                  expr_column(arena, column, plan->type->child[column]), (Place){0}, &same, err));
        ARENA_PUSH(arena, inner->correlation.conjunct, inner->correlation.count,
                   inner->correlation.cap, same);
    }
    return ST_OK;
}

// The FROM of a subquery. What ties a query in it to the outer row is the subquery's own
// correlation.
static Status inner_from(Binder *outer, Binder *own, const AstFrom *from, Error *err) {
    Error first = {0};
    Status st = bind_from(own, from, &own->plan, &own->scope, &first);
    Domain domain = {0};
    if (st && bind_correlated_from(own, outer, from, &domain)) {
        Inner inner;
        TRY(inner_of_plan(outer, own->plan, &domain, &inner, err));
        Correlation *correlation = own->correlation;
        for (uint32_t i = 0; i < inner.correlation.count; i++) {
            ARENA_PUSH(own->arena, correlation->conjunct, correlation->count, correlation->cap,
                       inner.correlation.conjunct[i]);
        }
        return ST_OK;
    }
    if (st && err) *err = first;
    return st;
}

// Binds [query] with the names of [binder]'s scope visible behind its own. A plain SELECT leaves
// its correlated conjuncts in [inner].
static Status inner_plain(Binder *binder, const AstQuery *query, Inner *inner, Error *err) {
    *inner = (Inner){.correlation = {.outer = binder->scope}};
    Binder own = {.context = binder->context,
                  .arena = binder->arena,
                  .parent = binder,
                  .correlation = &inner->correlation,
                  .correlates = binder->context->correlates};
    const AstSelect *select = query->select;
    own.select = select;
    TRY(inner_from(binder, &own, select->from, err));
    if (select->where) TRY(bind_where(&own, select->where, err));
    TRY(bind_select_items(&own, select, &inner->item, &inner->item_name, &inner->item_count, err));
    inner->plan = own.plan;
    return ST_OK;
}

// Flink has no plan for correlation in ON.
static Status check_alone(const Inner *inner, const AstQuery *query, Error *err) {
    if (!inner->correlation.count) return ST_OK;
    (void)error_at(err, ST_VALIDATION, query->span.place,
                   "a subquery in ON cannot name columns of the join");
    error_hint(err, "in WHERE it can");
    return ST_VALIDATION;
}

Status bind_inner(Binder *binder, const AstQuery *query, bool for_value, Inner *inner, Error *err) {
    const Domain none = {0};
    Plan *alone;
    // Most are not correlated: one look says so, and deep nests are not bound again and again.
    if (for_value && !bind_query_in(binder, binder->context, query, &alone, NULL)) {
        return inner_of_plan(binder, alone, &none, inner, err);
    }
    if (is_plain_select(binder->context, query) && !binder->groups) {
        Status st = inner_plain(binder, query, inner, NULL);
        bool outside = false;  // among the items
        for (uint32_t i = 0; !st && i < inner->item_count; i++) {
            outside |= reads_outer(inner->item[i]);
        }
        bool correlated = inner->correlation.count || outside;
        if (!st && binder->queries_alone) TRY(check_alone(inner, query, err));
        if (!st && !(for_value && correlated)) return ST_OK;
    }
    Domain domain = {0};
    Plan *plan;
    TRY(bind_correlated(binder, query, &domain, &plan, err));
    TRY(inner_of_plan(binder, plan, &domain, inner, err));
    return binder->queries_alone ? check_alone(inner, query, err) : ST_OK;
}

Expr *correlated_condition(Binder *binder, const Inner *inner, uint32_t left_columns,
                           Expr *condition) {
    for (uint32_t i = 0; i < inner->correlation.count; i++) {
        Expr *part = join_side(binder->arena, inner->correlation.conjunct[i], left_columns);
        condition = expr_and(binder->arena, binder->context->env, condition, part);
    }
    return condition;
}

// Whether Flink's decorrelation of EXISTS and IN sees an OR in it: there it turns back and takes
// the outer row's values as a domain, which is joined by equality.
static bool holds_or(const Expr *expr) {
    if (expr->kind == EXPR_CASE) return expr->type->kind == TYPE_BOOLEAN;
    if (expr->kind != EXPR_CALL || expr->type->kind != TYPE_BOOLEAN) return false;
    static const char *const NAMES[] = {"OR", "IS DISTINCT FROM", "IS NOT DISTINCT FROM",
                                        "NOT BETWEEN ASYMMETRIC"};
    const char *name = expr->call->func->name;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(name, NAMES[i]) == 0) return true;
    }
    if (strcmp(name, "IN") == 0 && expr->arg_count > 2) {
        for (uint32_t i = 1; i < expr->arg_count; i++) {
            if (expr->arg[i]->kind != EXPR_LITERAL) return true;
        }
        return false;
    }
    if (strcmp(name, "NOT") == 0) {
        const Expr *of = expr->arg[0];
        if (of->kind != EXPR_CALL) return holds_or(of);
        if (strcmp(of->call->func->name, "OR") == 0) return false;  // NOT a AND NOT b
        return strcmp(of->call->func->name, "AND") == 0 || holds_or(of);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (holds_or(expr->arg[i])) return true;
    }
    return false;
}

// The outer columns of [expr] are not NULL: AND it to *condition for each.
static Status outer_not_null(Binder *binder, const Expr *expr, Expr **condition, Error *err) {
    if (expr->kind == EXPR_COLUMN && expr->column >= OUTER_BASE && expr->type->nullable) {
        Expr *column = join_side(binder->arena, (Expr *)(uintptr_t)expr, 0), *given;
        TRY(expr_call(binder->arena, binder->context->env, "IS NOT NULL", &column, 1, expr->place,
                      &given, err));
        *condition = expr_and(binder->arena, binder->context->env, *condition, given);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        TRY(outer_not_null(binder, expr->arg[i], condition, err));
    }
    return ST_OK;
}

// Rows with a NULL among the values that such a condition reads find nothing, as in Flink; and of
// NOT IN no row passes then whose own value is NULL.
static Status domain_of_or(Binder *binder, const AstExpr *call, bool not_in, const Inner *inner,
                           Expr **condition, Error *err) {
    bool found = false;
    for (uint32_t i = 0; i < inner->correlation.count; i++) {
        found |= holds_or(inner->correlation.conjunct[i]);
    }
    for (uint32_t i = 0; found && i < inner->correlation.count; i++) {
        TRY(outer_not_null(binder, inner->correlation.conjunct[i], condition, err));
    }
    if (!found || !not_in || inner->item_count > 1) return ST_OK;
    Expr *value, *given;
    TRY(bind_expr(binder, call->call->arg.at[0], &value, err));
    if (!value->type->nullable) return ST_OK;
    TRY(expr_call(binder->arena, binder->context->env, "IS NOT NULL", &value, 1, call->span.place,
                  &given, err));
    return plan_where(binder->context, binder->plan, given, &binder->plan, err);
}

// value = item for each pair; [unknown_too]: also true where the comparison is unknown (NOT IN).
Status in_condition(Binder *binder, const AstExpr *ast, const Inner *inner, bool unknown_too,
                    uint32_t shift, Expr **out, Error *err) {
    const AstExpr *value = ast->call->arg.at[0];
    Expr *left[64];
    uint32_t count = 1;
    if (value->kind == EX_CALL && str_is(value->call->name, "ROW") && inner->item_count > 1) {
        count = value->call->arg.count;
        if (count > 64) {
            return error_at(err, ST_VALIDATION, ast->span.place, "more than 64 values before IN");
        }
        for (uint32_t i = 0; i < count; i++) {
            TRY(bind_expr(binder, value->call->arg.at[i], &left[i], err));
        }
    } else {
        TRY(bind_expr(binder, value, &left[0], err));
    }
    if (count != inner->item_count) {
        return error_at(
            err, ST_VALIDATION, ast->span.place,
            "values passed to IN operator must have compatible types: %u columns and %u", count,
            inner->item_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        Expr *equal, *right = join_side(binder->arena, inner->item[i], shift);
        const Type *pair[2] = {left[i]->type, right->type};
        if (!type_common(binder->arena, pair, 2)) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "values passed to IN operator must have compatible types");
        }
        TRY(call2(binder, "=", left[i], right, ast->span.place, &equal, err));
        if (unknown_too && left[i]->type->nullable) {
            Expr *null;
            TRY(expr_call(binder->arena, binder->context->env, "IS NULL", &left[i], 1,
                          ast->span.place, &null, err));
            TRY(call2(binder, "OR", equal, null, ast->span.place, &equal, err));
        }
        if (unknown_too && right->type->nullable) {
            Expr *null;
            TRY(expr_call(binder->arena, binder->context->env, "IS NULL", &right, 1,
                          ast->span.place, &null, err));
            TRY(call2(binder, "OR", equal, null, ast->span.place, &equal, err));
        }
        *out = expr_and(binder->arena, binder->context->env, *out, equal);
    }
    return ST_OK;
}

// The one EX_QUERY argument of IN, EXISTS, = SOME …; NULL when there is none.
const AstQuery *query_arg(const AstExpr *ast) {
    if (ast->kind != EX_CALL || !ast->call->arg.count) return NULL;
    const AstExpr *last = ast->call->arg.at[ast->call->arg.count - 1];
    return last->kind == EX_QUERY ? last->query : NULL;
}

Predicate predicate_of(const AstExpr *ast) {
    if (ast->kind != EX_CALL) return PRED_NONE;
    Str name = ast->call->name;
    if (str_is(name, "NOT")) {
        Predicate inner = predicate_of(ast->call->arg.at[0]);
        return inner == PRED_IN       ? PRED_NOT_IN
               : inner == PRED_EXISTS ? PRED_NOT_EXISTS
               : inner == PRED_NOT_IN ? PRED_IN
               : inner == PRED_NOT_EXISTS ? PRED_EXISTS
                                          : PRED_NONE;
    }
    if (!query_arg(ast)) return PRED_NONE;
    if (str_is(name, "IN") || str_is(name, "= SOME")) return PRED_IN;
    if (str_is(name, "NOT IN") || str_is(name, "<> ALL")) return PRED_NOT_IN;
    return str_is(name, "EXISTS") ? PRED_EXISTS : PRED_NONE;
}

// NOT IN (query) within a subquery for a value: Flink has made its semi and anti joins before it
// takes that apart, and so this becomes a value, too, which counts the query's rows where it may be
// unknown. It makes no anti join either where LATERAL or UNNEST stand on one of its sides.
static Status where_counted(Binder *binder, const AstExpr *part, const AstExpr *call,
                            const Inner *inner, bool *done, Error *err) {
    bool correlates = binder->context->correlates != binder->correlates;
    if (!binder->context->in_value && !correlates) return ST_OK;
    if (inner->correlation.count || inner->key_count) return ST_OK;
    Expr *condition = NULL;
    TRY(in_condition(binder, call, inner, false, binder->plan->type->child_count, &condition, err));
    if (!condition->type->nullable) return ST_OK;
    if (inner->item_count > 1) {
        return error_at(
            err, ST_VALIDATION, part->span.place,
            "NOT IN of several columns, of which some may be NULL, cannot stand in a subquery "
            "for a value, nor beside LATERAL and UNNEST");
    }
    *done = true;
    TRY(bind_scalar_subquery(binder, part, &condition, err));
    return plan_where(binder->context, binder->plan, condition, &binder->plan, err);
}

Status bind_where_subquery(Binder *binder, const AstExpr *part, bool *done, Error *err) {
    Predicate predicate = predicate_of(part);
    *done = false;
    if (predicate == PRED_NONE) return ST_OK;
    const AstExpr *call = part;
    while (str_is(call->call->name, "NOT")) call = call->call->arg.at[0];
    Inner inner;
    bool in = predicate == PRED_IN || predicate == PRED_NOT_IN;
    TRY(bind_inner(binder, query_arg(call), false, &inner, err));
    if (!in && is_global_agg(binder->context, query_arg(call))) {  // one row, whatever it has
        *done = true;
        Expr *exists = expr_bool(binder->arena, predicate == PRED_EXISTS);
        return plan_where(binder->context, binder->plan, exists, &binder->plan, err);
    }
    if (predicate == PRED_NOT_IN) {
        TRY(where_counted(binder, part, call, &inner, done, err));
        if (*done) return ST_OK;
    }
    Expr *condition = NULL;
    uint32_t shift = binder->plan->type->child_count;
    if (in) {
        TRY(in_condition(binder, call, &inner, predicate == PRED_NOT_IN, shift, &condition, err));
    }
    condition = correlated_condition(binder, &inner, binder->plan->type->child_count, condition);
    TRY(domain_of_or(binder, call, predicate == PRED_NOT_IN, &inner, &condition, err));
    JoinType type =
        predicate == PRED_IN || predicate == PRED_EXISTS ? JOIN_TYPE_SEMI : JOIN_TYPE_ANTI;
    *done = true;
    return plan_join(binder->context, binder->plan, inner.plan, type, condition, &binder->plan,
                     err);
}

// ---- INTERSECT, EXCEPT -------------------------------------------------------------------------

// [plan]'s columns and two counters, [l] and [r], as literals.
static Plan *with_counters(Binder *binder, Plan *plan, int64_t l, int64_t r) {
    Arena *arena = binder->arena;
    uint32_t count = plan->type->child_count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 2);
    Str *name = ARENA_ARRAY(arena, Str, count + 2);
    for (uint32_t i = 0; i < count; i++) {
        expr[i] = expr_column(arena, i, plan->type->child[i]);
        name[i] = plan->type->field[i];
    }
    expr[count] = expr_i64(arena, TYPE_BIGINT, l);
    expr[count + 1] = expr_i64(arena, TYPE_BIGINT, r);
    name[count] = STR("$l");
    name[count + 1] = STR("$r");
    return plan_project(binder->context, plan, expr, name, count + 2);
}

static Status sum_of(Binder *binder, const Type *type, uint32_t column, PlanAgg *out, Error *err) {
    Arena *arena = binder->arena;
    AggCall *call = ARENA_NEW(arena, AggCall);
    *call = (AggCall){.arena = arena,
                      .argc = 1,
                      .arg = ARENA_ARRAY(arena, const Type *, 1),
                      .literal = ARENA_ARRAY(arena, const Vec *, 1),
                      .env = binder->context->env,
                      .grouped = true};
    call->arg[0] = type;
    TRY(agg_bind(call, agg_find(STR("SUM")), err));
    *out = (PlanAgg){
        .call = call, .arg = ARENA_ARRAY(arena, uint32_t, 1), .filter = -1, .name = STR("SUM")};
    out->arg[0] = column;
    return ST_OK;
}

// INTERSECT ALL, EXCEPT ALL: rows are counted on both sides and come as often as the counts say.
static Status bind_multiset(Binder *binder, const AstQuery *query, Plan *left, Plan *right,
                            const Type *row, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    uint32_t count = row->child_count;
    Plan *both = plan_new(binder->context, PLAN_UNION, NULL, 2);
    both->input[0] = with_counters(binder, left, 1, 0);
    both->input[1] = with_counters(binder, right, 0, 1);
    both->type = both->input[0]->type;
    Plan *agg = plan_new(binder->context, PLAN_AGG, both->type, 1);
    agg->input[0] = both;
    agg->key = ARENA_ARRAY(arena, uint32_t, count + 1);
    agg->key_count = count;
    for (uint32_t i = 0; i < count; i++) agg->key[i] = i;
    agg->agg = ARENA_ARRAY(arena, PlanAgg, 2);
    agg->agg_count = 2;
    Expr *sum[2], *zero = expr_i64(arena, TYPE_BIGINT, 0), *times;
    for (uint32_t i = 0; i < 2; i++) {
        TRY(sum_of(binder, both->type->child[count + i], count + i, &agg->agg[i], err));
        sum[i] = expr_column(arena, count + i, agg->agg[i].call->result);
    }
    if (query->set.op == SET_INTERSECT) {
        TRY(call2(binder, "LEAST", sum[0], sum[1], query->span.place, &times, err));
    } else {
        TRY(call2(binder, "-", sum[0], sum[1], query->span.place, &times, err));
        TRY(call2(binder, "GREATEST", times, zero, query->span.place, &times, err));
    }
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        expr[i] = expr_column(arena, i, agg->type->child[i]);
        name[i] = agg->type->field[i];
    }
    expr[count] = times;
    name[count] = STR("$times");
    Plan *counted = plan_project(binder->context, agg, expr, name, count + 1);
    Plan *rows = plan_new(binder->context, PLAN_TABLE_FUNC, row, 1);
    rows->input[0] = counted;
    rows->function = STR("$REPLICATE_ROWS");
    *out = rows;
    return ST_OK;
}

Status bind_intersect(Binder *binder, const AstQuery *query, Plan *left, Plan *right,
                      const Type *row, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    if (query->set.all) return bind_multiset(binder, query, left, right, row, out, err);
    Expr *condition = NULL;
    for (uint32_t i = 0; i < row->child_count; i++) {
        Expr *a = expr_column(arena, i, row->child[i]), *same;
        Expr *b = expr_column(arena, row->child_count + i, row->child[i]);
        TRY(call2(binder, "IS NOT DISTINCT FROM", a, b, query->span.place, &same, err));
        condition = expr_and(arena, binder->context->env, condition, same);
    }
    JoinType type = query->set.op == SET_INTERSECT ? JOIN_TYPE_SEMI : JOIN_TYPE_ANTI;
    Plan *join;
    TRY(plan_join(binder->context, left, right, type, condition, &join, err));
    Plan *distinct = plan_new(binder->context, PLAN_AGG, row, 1);
    distinct->input[0] = join;
    distinct->key_count = row->child_count;
    distinct->key = ARENA_ARRAY(arena, uint32_t, row->child_count + 1);
    for (uint32_t i = 0; i < row->child_count; i++) distinct->key[i] = i;
    *out = distinct;
    return ST_OK;
}
