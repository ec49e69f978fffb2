// Correlated subqueries of any shape. The values of the outer query's columns that a subquery names
// are its domain: the distinct ones are joined to its FROM, its groups are kept apart by them, and
// they come out as columns behind its items. The subquery is none of its outer row's any more then,
// and is joined to the outer query on them. (T. Neumann, A. Kemper, "Unnesting Arbitrary Queries",
// BTW 2015; Flink's way, Calcite's RelDecorrelator, has the same idea and calls it value
// generator.)
//
// A name that reaches two queries outwards is a column of the domain of the query between, which
// has to be tied to one of the two: Flink has no plan for others.
#include "plan/bind_subquery.h"

enum { BASE_UNKNOWN = UINT32_MAX };

// The distinct values of [column] of the outer plan.
static Plan *domain_plan(const Domain *domain) {
    PlanContext *context = domain->outer->context;
    Arena *arena = context->arena;
    const Type *row = domain->outer->plan->type;
    Expr **expr = ARENA_ARRAY(arena, Expr *, domain->count + 1);
    Str *name = ARENA_ARRAY(arena, Str, domain->count + 1);
    const Type **child = ARENA_ARRAY(arena, const Type *, domain->count + 1);
    for (uint32_t i = 0; i < domain->count; i++) {
        expr[i] = expr_column(arena, domain->column[i], row->child[domain->column[i]]);
        child[i] = type_attribute(arena, expr[i]->type, TIME_NONE);
        name[i] = str_printf(arena, "$d%u", i);
    }
    Plan *values = plan_project(context, domain->outer->plan, expr, name, domain->count);
    Plan *distinct = plan_new(context, PLAN_AGG, NULL, 1);
    distinct->type = type_row(arena, domain->count, child, name, false);
    distinct->input[0] = values;
    distinct->key = ARENA_ARRAY(arena, uint32_t, domain->count + 1);
    distinct->key_count = domain->count;
    for (uint32_t i = 0; i < domain->count; i++) distinct->key[i] = i;
    return distinct;
}

Status bind_domain_join(Binder *binder, Error *err) {
    Domain *domain = binder->domain;
    Plan *values = domain_plan(domain);
    uint32_t base = binder->plan->type->child_count;
    if (base) {
        TRY(plan_join(binder->context, binder->plan, values, JOIN_TYPE_INNER, NULL, &binder->plan,
                      err));
    } else {
        binder->plan = values;
    }
    const Type *row = binder->plan->type;
    bool *hidden = ARENA_ARRAY(binder->arena, bool, row->child_count + 1);
    memset(hidden, 1, row->child_count);
    memcpy(hidden, binder->scope->hidden, base * sizeof(bool));
    binder->scope->hidden = hidden;
    binder->scope->row = row;
    domain->base = base;
    return ST_OK;
}

Status bind_domain_name(Binder *binder, const AstExpr *ast, Expr **out) {
    Domain *domain = binder->domain;
    if (domain->base == BASE_UNKNOWN) return ST_END;
    Binder outer = {.context = binder->context,
                    .arena = binder->arena,
                    .scope = domain->outer->scope,
                    .plan = domain->outer->plan,
                    .domain = domain->outer->domain,
                    .reaching = true};
    Expr *expr;
    if (bind_expr(&outer, ast, &expr, NULL)) return ST_END;
    if (outer.domain) bind_domain_reached(&outer, expr);
    uint32_t columns = outer.scope->row->child_count;
    uint32_t *map = ARENA_ARRAY(binder->arena, uint32_t, columns + 1);
    const Expr *column = expr;
    while (column->arg_count) column = column->arg[0];  // fields of it
    if (column->kind != EXPR_COLUMN) return ST_END;
    for (uint32_t i = 0; i < domain->count; i++) {
        if (domain->column[i] != column->column) continue;
        domain->used[i] = true;
        domain->direct |= !binder->reaching;
        map[column->column] = domain->base + i;
        *out = expr_renumber(binder->arena, expr, map);
        return ST_OK;
    }
    return ST_END;
}

void bind_domain_reached(const Binder *binder, const Expr *expr) {
    if (expr->kind == EXPR_COLUMN && expr->column < binder->domain->base) {
        binder->domain->direct = true;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) bind_domain_reached(binder, expr->arg[i]);
}

bool bind_domain_has_key(const Domain *domain, uint32_t key) {
    for (uint32_t i = 0; domain->key && i < domain->count; i++) {
        if (domain->key[i] == key) return true;
    }
    return false;
}

Expr *bind_domain_column(const Binder *binder, uint32_t index) {
    const Domain *domain = binder->domain;
    const Type *row = binder->groups ? binder->group_scope->row : binder->plan->type;
    const Type *type = row->child[domain->base + index];
    uint32_t column = domain->base + index;
    if (binder->groups && !binder->in_agg) column = domain->key[index];
    return expr_column(binder->arena, column, type);
}

// An aggregate of no rows is 0 when it counts, else NULL.
Status bind_domain_empty(Binder *binder, Expr *const *item, uint32_t count, Error *err) {
    const Collected *groups = binder->groups;
    Arena *arena = binder->arena;
    uint32_t columns = groups->key_count + groups->agg_count;
    Expr **value = ARENA_ARRAY(arena, Expr *, columns + 1);
    for (uint32_t i = 0; i < groups->key_count; i++) {
        value[i] = expr_null(arena, type_nullable(arena, groups->key[i]->type, true));
    }
    for (uint32_t i = 0; i < groups->agg_count; i++) {
        const AggCall *call = groups->agg[i].call;
        bool counts = strcmp(call->func->name, "COUNT") == 0;
        value[groups->key_count + i] =
            counts ? expr_i64(arena, TYPE_BIGINT, 0)
                   : expr_null(arena, type_nullable(arena, call->result, true));
    }
    binder->domain->empty = ARENA_ARRAY(arena, Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        Expr *empty = expr_substitute(arena, item[i], value);
        TRY(expr_fold(binder->context, &empty, err));
        binder->domain->empty[i] = empty;
    }
    return ST_OK;
}

static Status bind_once(Binder *outer, const AstQuery *query, Domain *domain, Plan **out,
                        Error *err) {
    domain->outer = outer;
    domain->used = ARENA_ARRAY(outer->arena, bool, domain->count + 1);
    domain->base = BASE_UNKNOWN;
    return bind_query_domain(outer, outer->context, query, domain, out, err);
}

Status bind_correlated(Binder *outer, const AstQuery *query, Domain *domain, Plan **out,
                       Error *err) {
    Arena *arena = outer->arena;
    *domain = (Domain){0};
    bool may = query->kind == Q_SELECT && !query->with_count && outer->plan && outer->scope &&
               !outer->groups;
    if (!may) return bind_query_in(outer, outer->context, query, out, err);
    // All columns could be named: the first time tells which are.
    Domain all = {.count = outer->scope->row->child_count};
    if (all.count > outer->plan->type->child_count) all.count = outer->plan->type->child_count;
    all.column = ARENA_ARRAY(arena, uint32_t, all.count + 1);
    for (uint32_t i = 0; i < all.count; i++) all.column[i] = i;
    TRY(bind_once(outer, query, &all, out, err));
    domain->column = ARENA_ARRAY(arena, uint32_t, all.count + 1);
    for (uint32_t i = 0; i < all.count; i++) {
        if (all.used[i]) domain->column[domain->count++] = i;
    }
    if (!domain->count) return bind_query_in(outer, outer->context, query, out, err);
    if (query->fetch || query->offset) {
        return error_at(err, ST_VALIDATION, query->span.place,
                        "a subquery with LIMIT cannot name columns of the outer query");
    }
    TRY(bind_once(outer, query, domain, out, err));
    if (domain->direct) return ST_OK;
    (void)error_at(err, ST_VALIDATION, query->span.place,
                   "a subquery within this one is tied to the query around it alone, this one to "
                   "none");
    error_hint(err, "tie the inner subquery to this one, too, or this one to the query around it");
    return ST_VALIDATION;
}

bool bind_correlated_from(Binder *own, Binder *outer, const AstFrom *from, Domain *domain) {
    // Of an aggregate without groups there is a row even where nothing is tied to the outer one.
    bool alone = from->kind == FROM_QUERY && !from->lateral && !from->column.count &&
                 !from->sample && !is_global_agg(own->context, from->query);
    Plan *plan;
    if (!alone || bind_correlated(outer, from->query, domain, &plan, NULL) || !domain->count) {
        return false;
    }
    uint32_t items = plan->type->child_count - domain->count;
    bool *hidden = ARENA_ARRAY(own->arena, bool, plan->type->child_count + 1);
    memset(hidden + items, 1, domain->count);
    own->plan = plan;
    own->scope = scope_single(own->arena, plan->type, from->alias.name);
    own->scope->hidden = hidden;
    return true;
}

Status bind_domain_from(Binder *binder, const AstFrom *from, Error *err) {
    Domain *domain = binder->domain, own = {0};
    Error first = {0};
    Status st = bind_from(binder, from, &binder->plan, &binder->scope, &first);
    if (st && !bind_correlated_from(binder, domain->outer, from, &own)) {
        if (err) *err = first;
        return st;
    }
    uint32_t items = binder->plan->type->child_count - own.count;
    TRY(bind_domain_join(binder, err));
    for (uint32_t i = 0; i < own.count; i++) {
        uint32_t at = 0;
        while (at < domain->count && domain->column[at] != own.column[i]) at++;
        ASSERT(at < domain->count);
        domain->used[at] = domain->direct = true;
        const Type *row = binder->plan->type;
        uint32_t a = items + i, b = domain->base + at;
        Expr *same;
        TRY(call2(binder, "IS NOT DISTINCT FROM", expr_column(binder->arena, a, row->child[a]),
                  expr_column(binder->arena, b, row->child[b]), (Place){0}, &same, err));
        TRY(plan_where(binder->context, binder->plan, same, &binder->plan, err));
    }
    return ST_OK;
}
