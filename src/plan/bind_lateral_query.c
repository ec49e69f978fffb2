// JOIN LATERAL (query): the right side may name columns of the left.
#include "plan/bind_subquery.h"

// What column [index] of the subquery is called, where its select calls it [own].
static Str column_name(const AstFrom *from, uint32_t index, Str own) {
    return from->column.count > index ? from->column.at[index].name : own;
}

// The name of the only item.
static Str only_name(const AstItem *item) {
    if (ast_ident_given(item->alias)) return item->alias.name;
    if (item->expr->kind == EX_NAME) return ast_name_last(item->expr->name);
    return STR("EXPR$0");
}

static bool is_true(const AstExpr *ast) {
    return ast->kind == EX_LITERAL && ast->literal.kind == LIT_BOOLEAN && ast->literal.boolean;
}

// ON of the join: over the left's columns and the subquery's, which are [expr] of the joined rows.
static Status on_condition(Binder *binder, const AstFrom *from, const Scope *left,
                           Expr *const *expr, const Str *item_name, uint32_t count, Expr **out,
                           Error *err) {
    Arena *arena = binder->arena;
    const AstFrom *right = from->join.right;
    uint32_t shift = left->row->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, shift + count + 1);
    Str *name = ARENA_ARRAY(arena, Str, shift + count + 1);
    for (uint32_t i = 0; i < shift + count; i++) {
        child[i] = i < shift ? left->row->child[i] : expr[i]->type;
        name[i] =
            i < shift ? left->row->field[i] : column_name(right, i - shift, item_name[i - shift]);
    }
    const Type *row = type_row(arena, shift + count, child, name, false);
    const Type *own = type_row(arena, count, child + shift, name + shift, false);
    Binder on = *binder;
    on.scope = scope_join(arena, left, scope_single(arena, own, right->alias.name), row);
    on.allow_agg = on.allow_over = false;
    on.groups = NULL;
    on.domain = NULL;
    TRY(bind_condition(&on, from->join.on, "ON", out, err));
    *out = expr_substitute(arena, *out, (Expr **)(uintptr_t)expr);
    return ST_OK;
}

// SELECT expressions, without FROM: one row for each of the left. Flink has no plan for it.
static bool is_one_row(PlanContext *context, const AstQuery *query) {
    if (query->kind != Q_SELECT || query->with_count || query->fetch || query->offset) return false;
    const AstSelect *select = query->select;
    if (select->from || select->has_group || select->having || select->qualify) return false;
    for (uint32_t i = 0; i < select->item_count; i++) {
        const AstExpr *item = select->item[i].expr;
        if (item->kind == EX_STAR || ast_has_agg(context, item) || ast_has_over(item)) return false;
    }
    return !select->where;
}

// The columns of the right side, over the rows of [plan], the whole join's.
typedef struct Lateral {
    Plan *plan;
    Expr **item;
    const Str *name;
    uint32_t count;
} Lateral;

// One aggregate is a scalar subquery: a LEFT JOIN gives 0 for none to count.
static Status lateral_agg(Binder *outer, const AstFrom *right, JoinType type, bool *taken,
                          Lateral *out, Error *err) {
    const AstQuery *query = right->query;
    AstExpr ast = {.kind = EX_QUERY, .span = right->span, .query = (AstQuery *)(uintptr_t)query};
    Expr *value = NULL;
    *taken = type == JOIN_TYPE_LEFT;
    if (*taken) {
        TRY(bind_scalar_value(outer, &ast, query, &value, err));
    } else if (correlated_agg(outer, &ast, query, type, taken, &value, NULL)) {
        *taken = false;
    }
    if (!*taken) return ST_OK;
    Str name = only_name(query->select->item);
    *out = (Lateral){.plan = outer->plan, .count = 1,
                     .item = arena_dup(outer->arena, &value, sizeof(Expr *)),
                     .name = arena_dup(outer->arena, &name, sizeof name)};
    return ST_OK;
}

static Status lateral_row(Binder *outer, const AstQuery *query, Lateral *out, Error *err) {
    TRY(bind_select_items(outer, query->select, &out->item, &out->name, &out->count, err));
    out->plan = outer->plan;
    return ST_OK;
}

// The columns of what bind_lateral_top has made, behind the keys'.
static void lateral_top(Arena *arena, Plan *plan, uint32_t keys, Lateral *out) {
    const Type *row = plan->type;
    *out = (Lateral){.plan = plan, .count = row->child_count - keys, .name = row->field + keys};
    out->item = ARENA_ARRAY(arena, Expr *, out->count + 1);
    for (uint32_t i = 0; i < out->count; i++) {
        out->item[i] = expr_column(arena, keys + i, row->child[keys + i]);
    }
}

static Status lateral_join(Binder *binder, Binder *outer, const AstFrom *from, Plan *left,
                           const Scope *left_scope, JoinType type, bool plain_on, Lateral *out,
                           Error *err) {
    Arena *arena = binder->arena;
    uint32_t shift = left->type->child_count;
    Expr *on = NULL;
    Inner inner;
    TRY(bind_inner(outer, from->join.right->query, false, &inner, err));
    Expr **expr = ARENA_ARRAY(arena, Expr *, shift + inner.item_count + 1);
    *out = (Lateral){.item = expr + shift, .name = inner.item_name, .count = inner.item_count};
    for (uint32_t i = 0; i < shift; i++) expr[i] = expr_column(arena, i, left->type->child[i]);
    for (uint32_t i = 0; i < out->count; i++) out->item[i] = join_side(arena, inner.item[i], shift);
    if (!plain_on) {
        TRY(on_condition(binder, from, left_scope, expr, out->name, out->count, &on, err));
    }
    Expr *condition = correlated_condition(binder, &inner, shift, on);
    TRY(plan_join(binder->context, left, inner.plan, type, condition, &out->plan, err));
    for (uint32_t i = 0; i < out->count && type == JOIN_TYPE_LEFT; i++) {
        if (out->item[i]->type->nullable) continue;
        Expr *nullable = arena_dup(arena, out->item[i], sizeof *nullable);
        nullable->type = type_nullable(arena, nullable->type, true);
        out->item[i] = nullable;
    }
    return ST_OK;
}

Status bind_lateral_query(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope,
                          JoinType type, Plan **plan, Scope **scope, Error *err) {
    Arena *arena = binder->arena;
    const AstFrom *right = from->join.right;
    const AstQuery *query = right->query;
    binder->context->correlates++;
    Str printed = bind_relation_alias(binder, right);
    // A subquery that is attached widens the scope it is bound in: the join's own stays as it is.
    Scope *seen = arena_dup(arena, left_scope, sizeof *left_scope);
    Binder outer = {
        .context = binder->context, .arena = arena, .parent = binder, .scope = seen, .plan = left};
    uint32_t shift = left->type->child_count;
    bool taken = false, plain_on = !from->join.on || is_true(from->join.on);
    Lateral own = {0};
    if (plain_on && is_global_agg(binder->context, query) && query->select->item_count == 1) {
        TRY(lateral_agg(&outer, right, type, &taken, &own, err));
    }
    if (!taken && plain_on && is_one_row(binder->context, query)) {
        TRY(lateral_row(&outer, query, &own, err));
    } else if (!taken && type == JOIN_TYPE_INNER && plain_on &&
               bind_lateral_top(&outer, query, plan)) {
        lateral_top(arena, *plan, shift, &own);
    } else if (!taken) {
        TRY(lateral_join(binder, &outer, from, left, left_scope, type, plain_on, &own, err));
    }
    Expr **expr = ARENA_ARRAY(arena, Expr *, shift + own.count + 1);
    Str *name = ARENA_ARRAY(arena, Str, shift + own.count + 1);
    for (uint32_t i = 0; i < shift; i++) {
        expr[i] = expr_column(arena, i, own.plan->type->child[i]);
        name[i] = left->type->field[i];
    }
    for (uint32_t i = 0; i < own.count; i++) {
        expr[shift + i] = own.item[i];
        name[shift + i] = column_name(right, i, own.name[i]);
    }
    *plan = plan_project(binder->context, own.plan, expr, name, shift + own.count);
    const Type *row = (*plan)->type;
    Scope *right_scope =
        scope_single(arena, type_row(arena, own.count, row->child + shift, name + shift, false),
                     right->alias.name);
    right_scope->item[0].printed = printed;
    *scope = scope_join(arena, left_scope, right_scope, row);
    return ST_OK;
}
