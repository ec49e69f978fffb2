// Subqueries: IN, EXISTS and their negations as conjuncts of WHERE become semi and anti joins;
// anywhere else they, and scalar subqueries, become left joins whose right side has at most one row
// per row of the left. Correlation is undone while binding: a conjunct of the subquery's WHERE that
// names a column of the outer query goes up into the join's condition.
// INTERSECT and EXCEPT are semi and anti joins of distinct rows.
#include "plan/bind.h"

// Columns of the outer row, while a subquery is bound: EXPR_COLUMN with this added.
enum { OUTER_BASE = 1 << 20 };

typedef struct Correlation {
    const Scope *outer;
    Expr **conjunct;      // over the inner row, outer columns + OUTER_BASE
    uint32_t count, cap;
    bool used;
} Correlation;

Status bind_outer_name(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Correlation *correlation = binder->correlation;
    Binder outer = {.context = binder->context,
                    .arena = binder->arena,
                    .scope = (Scope *)(uintptr_t)correlation->outer};
    Expr *expr;
    if (bind_expr(&outer, ast, &expr, NULL)) return ST_END;
    (void)err;
    uint32_t columns = correlation->outer->row->child_count;
    uint32_t *map = ARENA_ARRAY(binder->arena, uint32_t, columns + 1);
    for (uint32_t i = 0; i < columns; i++) map[i] = OUTER_BASE + i;
    *out = expr_renumber(binder->arena, expr, map);
    correlation->used = true;
    return ST_OK;
}

static bool reads_outer(const Expr *expr) {
    if (expr->kind == EXPR_COLUMN) return expr->column >= OUTER_BASE;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_outer(expr->arg[i])) return true;
    }
    return false;
}

// [expr] over (left row, right row): inner columns moved behind the left's [left_columns], outer
// ones made the left's own.
static Expr *join_side(Arena *arena, const Expr *expr, uint32_t left_columns) {
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

static Status call2(Binder *binder, const char *name, Expr *a, Expr *b, Place place, Expr **out,
                    Error *err) {
    Expr *pair[2] = {a, b};
    return expr_call(binder->arena, binder->context->env, name, pair, 2, place, out, err);
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

static bool has_query(const AstExpr *ast) {
    if (!ast) return false;
    if (ast->kind == EX_QUERY) return true;
    if (ast->kind == EX_CAST) return has_query(ast->cast.value);
    if (ast->kind == EX_CASE) {
        bool found = has_query(ast->cases.operand) || has_query(ast->cases.otherwise);
        for (uint32_t i = 0; i < ast->cases.branch_count; i++) {
            found |= has_query(ast->cases.branch[i].when) || has_query(ast->cases.branch[i].then);
        }
        return found;
    }
    if (ast->kind != EX_CALL) return false;
    for (uint32_t i = 0; i < ast->call->arg.count; i++) {
        if (has_query(ast->call->arg.at[i])) return true;
    }
    return false;
}

Status bind_where(Binder *binder, const AstExpr *where, Error *err) {
    if (ast_has_agg(binder->context, where)) {
        return error_at(err, ST_VALIDATION, where->span.place,
                        "aggregate expression is illegal in WHERE clause");
    }
    if (has_query(where) || binder->correlation) {
        TRY(where_parts(binder, where, err));
    } else {
        Expr *condition;
        TRY(bind_condition(binder, where, "WHERE", &condition, err));
        TRY(plan_where(binder->context, binder->plan, condition, &binder->plan, err));
    }
    return ST_OK;
}

// ---- the right side ----------------------------------------------------------------------------

typedef struct Inner {
    Plan *plan;
    Expr **item;         // select items over the plan's row
    uint32_t item_count;
    Correlation correlation;
} Inner;

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

// Binds [query] with the names of [binder]'s scope visible behind its own. A plain SELECT leaves
// its correlated conjuncts in [inner]; anything else must not be correlated.
static Status bind_inner(Binder *binder, const AstQuery *query, Inner *inner, Error *err) {
    *inner = (Inner){.correlation = {.outer = binder->scope}};
    Arena *arena = binder->arena;
    if (!is_plain_select(binder->context, query)) {
        TRY(bind_query_in(binder, binder->context, query, &inner->plan, err));
        inner->item_count = inner->plan->type->child_count;
        inner->item = ARENA_ARRAY(arena, Expr *, inner->item_count + 1);
        for (uint32_t i = 0; i < inner->item_count; i++) {
            inner->item[i] = expr_column(arena, i, inner->plan->type->child[i]);
        }
        return ST_OK;
    }
    Binder own = {.context = binder->context,
                  .arena = arena,
                  .parent = binder,
                  .correlation = &inner->correlation};
    const AstSelect *select = query->select;
    own.select = select;
    TRY(bind_from(&own, select->from, &own.plan, &own.scope, err));
    if (select->where) TRY(bind_where(&own, select->where, err));
    TRY(bind_select_items(&own, select, &inner->item, &inner->item_count, err));
    inner->plan = own.plan;
    return ST_OK;
}

static Expr *correlated_condition(Binder *binder, const Inner *inner, uint32_t left_columns,
                                  Expr *condition) {
    for (uint32_t i = 0; i < inner->correlation.count; i++) {
        Expr *part = join_side(binder->arena, inner->correlation.conjunct[i], left_columns);
        condition = expr_and(binder->arena, binder->context->env, condition, part);
    }
    return condition;
}

// value = item for each pair; [unknown_too]: also true where the comparison is unknown (NOT IN).
static Status in_condition(Binder *binder, const AstExpr *ast, const Inner *inner, bool unknown_too,
                           Expr **out, Error *err) {
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
    uint32_t shift = binder->plan->type->child_count;
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
static const AstQuery *query_arg(const AstExpr *ast) {
    if (ast->kind != EX_CALL || !ast->call->arg.count) return NULL;
    const AstExpr *last = ast->call->arg.at[ast->call->arg.count - 1];
    return last->kind == EX_QUERY ? last->query : NULL;
}

typedef enum Predicate { PRED_NONE, PRED_IN, PRED_NOT_IN, PRED_EXISTS, PRED_NOT_EXISTS } Predicate;

static Predicate predicate_of(const AstExpr *ast) {
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

Status bind_where_subquery(Binder *binder, const AstExpr *part, bool *done, Error *err) {
    Predicate predicate = predicate_of(part);
    *done = false;
    if (predicate == PRED_NONE) return ST_OK;
    const AstExpr *call = part;
    while (str_is(call->call->name, "NOT")) call = call->call->arg.at[0];
    Inner inner;
    bool in = predicate == PRED_IN || predicate == PRED_NOT_IN;
    TRY(bind_inner(binder, query_arg(call), &inner, err));
    Expr *condition = NULL;
    if (in) TRY(in_condition(binder, call, &inner, predicate == PRED_NOT_IN, &condition, err));
    condition = correlated_condition(binder, &inner, binder->plan->type->child_count, condition);
    JoinType type =
        predicate == PRED_IN || predicate == PRED_EXISTS ? JOIN_TYPE_SEMI : JOIN_TYPE_ANTI;
    *done = true;
    return plan_join(binder->context, binder->plan, inner.plan, type, condition, &binder->plan,
                     err);
}

// ---- values ------------------------------------------------------------------------------------

static Status one_agg(Binder *binder, const char *name, Plan *input, const uint32_t *key,
                      uint32_t key_count, uint32_t arg, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    AggCall *call = ARENA_NEW(arena, AggCall);
    *call = (AggCall){.arena = arena, .argc = 1, .arg = ARENA_ARRAY(arena, const Type *, 1),
                      .literal = ARENA_ARRAY(arena, const Vec *, 1), .env = binder->context->env,
                      .grouped = key_count > 0};
    call->arg[0] = input->type->child[arg];
    TRY(agg_bind(call, agg_find(str_c(name)), err));
    Plan *agg = plan_new(binder->context, PLAN_AGG, NULL, 1);
    const Type **child = ARENA_ARRAY(arena, const Type *, key_count + 1);
    Str *field = ARENA_ARRAY(arena, Str, key_count + 1);
    agg->key = arena_dup(arena, key, key_count * sizeof *key);
    agg->key_count = key_count;
    for (uint32_t i = 0; i < key_count; i++) {
        child[i] = type_attribute(arena, input->type->child[key[i]], TIME_NONE);
        field[i] = input->type->field[key[i]];
    }
    child[key_count] = call->result;
    field[key_count] = STR("$value");
    agg->agg = ARENA_NEW(arena, PlanAgg);
    *agg->agg = (PlanAgg){
        .call = call, .arg = ARENA_ARRAY(arena, uint32_t, 1), .filter = -1, .name = str_c(name)};
    agg->agg->arg[0] = arg;
    agg->agg_count = 1;
    agg->type = type_row(arena, key_count + 1, child, field, false);
    agg->input[0] = input;
    *out = agg;
    return ST_OK;
}

// Joins [right], whose last column is the value, to the plan; *out is the value.
static Status attach_as(Binder *binder, Plan *right, JoinType type, Expr *condition, Expr **out,
                        Error *err) {
    if (!binder->plan || binder->groups || binder->in_agg || !binder->scope) {
        return error_set(err, ST_UNSUPPORTED, "a subquery beside aggregates is not supported yet");
    }
    uint32_t before = binder->plan->type->child_count;
    TRY(plan_join(binder->context, binder->plan, right, type, condition, &binder->plan, err));
    uint32_t column = before + right->type->child_count - 1;
    const Type *row = binder->plan->type;
    bool *hidden = ARENA_ARRAY(binder->arena, bool, row->child_count + 1);
    memset(hidden, 1, row->child_count);
    memcpy(hidden, binder->scope->hidden, before * sizeof(bool));
    binder->scope->hidden = hidden;
    binder->scope->row = row;
    *out = expr_column(binder->arena, column, row->child[column]);
    return ST_OK;
}

static Status attach(Binder *binder, Plan *right, Expr *condition, Expr **out, Error *err) {
    return attach_as(binder, right, JOIN_TYPE_LEFT, condition, out, err);
}

// Does the query give exactly one row whatever its input? SELECT COUNT(*) … without GROUP BY.
static bool is_global_agg(PlanContext *context, const AstQuery *query) {
    if (query->kind != Q_SELECT || query->select->has_group || query->fetch || query->offset) {
        return false;
    }
    for (uint32_t i = 0; i < query->select->item_count; i++) {
        if (ast_has_agg(context, query->select->item[i].expr)) return !query->select->having;
    }
    return false;
}

// Every correlated conjunct must be inner = outer: the two sides of each.
static Status split_ties(Binder *binder, const AstExpr *ast, const Correlation *correlation,
                         Expr ***inner, Expr ***outer, Error *err) {
    *inner = ARENA_ARRAY(binder->arena, Expr *, correlation->count + 1);
    *outer = ARENA_ARRAY(binder->arena, Expr *, correlation->count + 1);
    for (uint32_t i = 0; i < correlation->count; i++) {
        Expr *part = correlation->conjunct[i];
        bool equal = part->kind == EXPR_CALL && strcmp(part->call->func->name, "=") == 0;
        bool swapped = equal && reads_outer(part->arg[0]);
        Expr *a = equal ? part->arg[swapped] : NULL, *b = equal ? part->arg[!swapped] : NULL;
        if (!equal || reads_outer(a) || !reads_outer(b)) {
            return error_at(
                err, ST_UNSUPPORTED, ast->span.place,
                "a correlated subquery for a value can only be tied to the outer query by "
                "equality");
        }
        (*inner)[i] = a;
        (*outer)[i] = b;
    }
    return ST_OK;
}

// outer[i] = column i of [right], over the rows of the plan and of [right].
static Status tie_condition(Binder *binder, const AstExpr *ast, const Plan *right,
                            Expr *const *outer, uint32_t count, Expr **out, Error *err) {
    uint32_t shift = binder->plan->type->child_count;
    for (uint32_t i = 0; i < count; i++) {
        Expr *equal, *left = join_side(binder->arena, outer[i], shift);
        TRY(call2(binder, "=", left, expr_column(binder->arena, shift + i, right->type->child[i]),
                  ast->span.place, &equal, err));
        *out = expr_and(binder->arena, binder->context->env, *out, equal);
    }
    return ST_OK;
}

// (SELECT agg(x) FROM u WHERE u.k = t.k): grouped by u.k, joined on it. Joined as JOIN_TYPE_INNER,
// as Flink does with LATERAL, a row without a group is lost, and none is counted as 0.
static Status correlated_agg(Binder *binder, const AstExpr *ast, const AstQuery *query,
                             JoinType type, bool *taken, Expr **out, Error *err) {
    *taken = false;
    const AstSelect *select = query->select;
    if (!is_global_agg(binder->context, query) || select->item_count != 1 || !select->from ||
        !select->where) {
        return ST_OK;
    }
    Arena *arena = binder->arena;
    Correlation correlation = {.outer = binder->scope};
    Binder own = {
        .context = binder->context, .arena = arena, .parent = binder, .correlation = &correlation};
    own.select = select;
    TRY(bind_from(&own, select->from, &own.plan, &own.scope, err));
    TRY(bind_where(&own, select->where, err));
    if (!correlation.count) return ST_OK;
    *taken = true;
    Collected *groups = ARENA_NEW(arena, Collected);
    Expr **outer;
    groups->key_count = groups->key_cap = correlation.count;
    TRY(split_ties(binder, ast, &correlation, &groups->key, &outer, err));
    for (uint32_t i = 0; i < groups->key_count; i++) {
        ARENA_PUSH(arena, groups->input_expr, groups->input_count, groups->input_cap,
                   groups->key[i]);
    }
    own.correlation = NULL;
    own.groups = groups;
    own.group_scope = own.scope;
    own.allow_agg = true;
    Expr *item;
    TRY(bind_expr(&own, select->item[0].expr, &item, err));
    TRY(bind_group_plan(&own, select, err));
    uint32_t keys = groups->key_count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, keys + 1);
    Str *name = ARENA_ARRAY(arena, Str, keys + 1);
    for (uint32_t i = 0; i < keys; i++) {
        expr[i] = expr_column(arena, i, own.plan->type->child[i]);
        name[i] = own.plan->type->field[i];
    }
    expr[keys] = item;
    name[keys] = STR("$value");
    Plan *right = plan_project(binder->context, own.plan, expr, name, keys + 1);
    Expr *condition = NULL;
    TRY(tie_condition(binder, ast, right, outer, keys, &condition, err));
    TRY(attach_as(binder, right, type, condition, out, err));
    if (type == JOIN_TYPE_INNER) return ST_OK;
    // COUNT of no rows is 0, not NULL.
    const AstExpr *call = select->item[0].expr;
    if (call->kind == EX_CALL && str_is(call->call->name, "COUNT")) {
        Expr *zero = expr_i64(arena, TYPE_BIGINT, 0);
        TRY(call2(binder, "COALESCE", *out, zero, ast->span.place, out, err));
        (*out)->type = type_nullable(arena, (*out)->type, true);  // as Flink types it
    }
    return ST_OK;
}

// (SELECT x FROM u WHERE u.k = t.k): the one x of each key, joined on it.
static Status correlated_row(Binder *binder, const AstExpr *ast, const AstQuery *query, bool *taken,
                             Expr **out, Error *err) {
    Arena *arena = binder->arena;
    *taken = false;
    if (!is_plain_select(binder->context, query) || !query->select->where ||
        query->select->item_count != 1)
        return ST_OK;
    Inner inner;
    TRY(bind_inner(binder, query, &inner, err));
    uint32_t keys = inner.correlation.count;
    if (!keys || inner.item_count != 1 || reads_outer(inner.item[0])) return ST_OK;
    *taken = true;
    Expr **key, **outer;
    TRY(split_ties(binder, ast, &inner.correlation, &key, &outer, err));
    Expr **expr = ARENA_ARRAY(arena, Expr *, keys + 1);
    Str *name = ARENA_ARRAY(arena, Str, keys + 1);
    uint32_t *column = ARENA_ARRAY(arena, uint32_t, keys + 1);
    for (uint32_t i = 0; i < keys; i++) {
        expr[i] = key[i];
        name[i] = str_printf(arena, "$key%u", i);
        column[i] = i;
    }
    expr[keys] = inner.item[0];
    name[keys] = STR("$value");
    Plan *right = plan_project(binder->context, inner.plan, expr, name, keys + 1);
    TRY(one_agg(binder, "SINGLE_VALUE", right, column, keys, keys, &right, err));
    Expr *condition = NULL;
    TRY(tie_condition(binder, ast, right, outer, keys, &condition, err));
    return attach(binder, right, condition, out, err);
}

static Status scalar_value(Binder *binder, const AstExpr *ast, const AstQuery *query, Expr **out,
                           Error *err) {
    bool taken;
    TRY(correlated_agg(binder, ast, query, JOIN_TYPE_LEFT, &taken, out, err));
    if (taken) return ST_OK;
    TRY(correlated_row(binder, ast, query, &taken, out, err));
    if (taken) return ST_OK;
    Plan *right;
    TRY(bind_query_in(binder, binder->context, query, &right, err));
    if (right->type->child_count != 1) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "a scalar subquery gives one column, this one %u",
                        right->type->child_count);
    }
    if (!is_global_agg(binder->context, query))
        TRY(one_agg(binder, "SINGLE_VALUE", right, NULL, 0, 0, &right, err));
    return attach(binder, right, NULL, out, err);
}

// Whether x IN (query) is unknown where nothing matches: x is NULL and the query has rows, or one
// of its values is. [values] gives the value and a mark. *out is NULL then, FALSE otherwise.
static Status unknown_in(Binder *binder, Plan *values, const AstExpr *call, Expr **out,
                         Error *err) {
    Place place = call->span.place;
    Expr *value, *count[2], *none, *some, *lacks;
    for (uint32_t i = 0; i < 2; i++) {
        Plan *total;
        TRY(one_agg(binder, "COUNT", values, NULL, 0, i, &total, err));
        TRY(attach(binder, total, NULL, &count[i], err));
    }
    TRY(bind_expr(binder, call->call->arg.at[0], &value, err));
    TRY(expr_call(binder->arena, binder->context->env, "IS NULL", &value, 1, place, &none, err));
    TRY(call2(binder, ">", count[1], expr_i64(binder->arena, TYPE_BIGINT, 0), place, &some, err));
    TRY(call2(binder, "AND", none, some, place, &none, err));
    TRY(call2(binder, "<", count[0], count[1], place, &lacks, err));
    TRY(call2(binder, "OR", none, lacks, place, out, err));
    // Without rows there are no counts.
    TRY(call2(binder, "COALESCE", *out, expr_bool(binder->arena, false), place, out, err));
    return call2(binder, "NULLIF", *out, expr_bool(binder->arena, true), place, out, err);
}

// IN and EXISTS as a value: a left join to the distinct values and a mark.
static Status mark_value(Binder *binder, const AstExpr *ast, Predicate predicate, Expr **out,
                         Error *err) {
    Arena *arena = binder->arena;
    const AstExpr *call = ast;
    while (str_is(call->call->name, "NOT")) call = call->call->arg.at[0];
    bool in = predicate == PRED_IN || predicate == PRED_NOT_IN;
    Inner inner;
    TRY(bind_inner(binder, query_arg(call), &inner, err));
    if (inner.correlation.count) {
        return error_at(err, ST_UNSUPPORTED, ast->span.place,
                        "a correlated subquery is supported as a condition of WHERE only");
    }
    Plan *right = inner.plan;
    uint32_t keys = in ? inner.item_count : 0;
    Expr **expr = ARENA_ARRAY(arena, Expr *, keys + 1);
    Str *name = ARENA_ARRAY(arena, Str, keys + 1);
    for (uint32_t i = 0; i < keys; i++) {
        expr[i] = inner.item[i];
        name[i] = str_printf(arena, "$in%u", i);
    }
    expr[keys] = expr_bool(arena, true);
    name[keys] = STR("$mark");
    right = plan_project(binder->context, right, expr, name, keys + 1);
    Plan *distinct = plan_new(binder->context, PLAN_AGG, right->type, 1);
    distinct->input[0] = right;
    distinct->key_count = keys + 1;
    distinct->key = ARENA_ARRAY(arena, uint32_t, keys + 1);
    for (uint32_t i = 0; i <= keys; i++) distinct->key[i] = i;
    for (uint32_t i = 0; i < keys; i++) {
        inner.item[i] = expr_column(arena, i, right->type->child[i]);
    }
    Expr *condition = NULL;
    if (in) TRY(in_condition(binder, call, &inner, false, &condition, err));
    TRY(attach(binder, distinct, condition, out, err));
    bool positive = predicate == PRED_IN || predicate == PRED_EXISTS;
    Expr *mark = *out;
    if (keys == 1) {
        Expr *found, *unknown;
        TRY(unknown_in(binder, right, call, &unknown, err));
        TRY(expr_call(arena, binder->context->env, "IS NOT NULL", &mark, 1, ast->span.place,
                      &found, err));
        TRY(call2(binder, "OR", found, unknown, ast->span.place, out, err));
        if (positive) return ST_OK;
        Expr *value = *out;
        return expr_call(arena, binder->context->env, "NOT", &value, 1, ast->span.place, out, err);
    }
    return expr_call(arena, binder->context->env, positive ? "IS NOT NULL" : "IS NULL", &mark, 1,
                     ast->span.place, out, err);
}

// x > SOME (query) is x > the least value, and so on.
static Status quantified(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Str name = ast->call->name;
    int64_t space = str_find(name, STR(" "), 0);
    Str op = str_sub(name, 0, (uint32_t)space);
    bool some = str_ends(name, STR("SOME")), greater = op.ptr[0] == '>';
    if (str_is(op, "=") || str_is(op, "<>")) {
        return error_at(err, ST_UNSUPPORTED, ast->span.place,
                        STR_FMT " (subquery) is not supported", STR_ARG(name));
    }
    Plan *right;
    TRY(bind_query_in(binder, binder->context, query_arg(ast), &right, err));
    TRY(one_agg(binder, greater == some ? "MIN" : "MAX", right, NULL, 0, 0, &right, err));
    Expr *value, *limit;
    TRY(bind_expr(binder, ast->call->arg.at[0], &value, err));
    TRY(attach(binder, right, NULL, &limit, err));
    TRY(call2(binder, str_cstr(binder->arena, op), value, limit, ast->span.place, out, err));
    if (some) return ST_OK;
    Expr *empty;  // of ALL over nothing
    TRY(expr_call(binder->arena, binder->context->env, "IS NULL", &limit, 1, ast->span.place,
                  &empty, err));
    return call2(binder, "OR", empty, *out, ast->span.place, out, err);
}

Status bind_scalar_subquery(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Status st;
    if (ast->kind == EX_QUERY) {
        st = scalar_value(binder, ast, ast->query, out, err);
    } else {
        Predicate predicate = predicate_of(ast);
        Str name = ast->call->name;
        if (predicate != PRED_NONE) {
            st = mark_value(binder, ast, predicate, out, err);
        } else if (str_ends(name, STR(" SOME")) || str_ends(name, STR(" ALL"))) {
            st = quantified(binder, ast, out, err);
        } else if (str_is(name, "ARRAY") || str_is(name, "MAP") || str_is(name, "MULTISET") ||
                   str_is(name, "CURSOR")) {
            st = error_at(err, ST_UNSUPPORTED, ast->span.place,
                          STR_FMT "(subquery) is not supported", STR_ARG(name));
        } else {
            // An ordinary operator with a scalar subquery among its arguments.
            Expr **arg = ARENA_ARRAY(binder->arena, Expr *, ast->call->arg.count + 1);
            for (uint32_t i = 0; i < ast->call->arg.count; i++) {
                TRY(bind_expr(binder, ast->call->arg.at[i], &arg[i], err));
            }
            st = expr_call(binder->arena, binder->context->env, str_cstr(binder->arena, name), arg,
                           ast->call->arg.count, ast->span.place, out, err);
        }
    }
    if (st) error_place(err, ast->span.place);
    return st;
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

// ---- LATERAL (query) ---------------------------------------------------------------------------

Status bind_lateral_query(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope,
                          JoinType type, Plan **plan, Scope **scope, Error *err) {
    Arena *arena = binder->arena;
    const AstFrom *right = from->join.right;
    const AstQuery *query = right->query;
    Str printed = bind_relation_alias(binder, right);
    // A subquery that is attached widens the scope it is bound in: the join's own stays as it is.
    Scope *seen = arena_dup(arena, left_scope, sizeof *left_scope);
    Binder outer = {
        .context = binder->context, .arena = arena, .parent = binder, .scope = seen, .plan = left};
    uint32_t shift = left->type->child_count, count;
    Expr **expr;
    Str *name;
    if (is_plain_select(binder->context, query)) {
        Inner inner;
        TRY(bind_inner(&outer, query, &inner, err));
        Expr *condition = correlated_condition(binder, &inner, shift, NULL);
        TRY(plan_join(binder->context, left, inner.plan, type, condition, plan, err));
        count = inner.item_count;
        expr = ARENA_ARRAY(arena, Expr *, shift + count + 1);
        for (uint32_t i = 0; i < count; i++) {
            expr[shift + i] = join_side(arena, inner.item[i], shift);
            if (type == JOIN_TYPE_LEFT && !expr[shift + i]->type->nullable) {
                Expr *nullable = arena_dup(arena, expr[shift + i], sizeof *nullable);
                nullable->type = type_nullable(arena, nullable->type, true);
                expr[shift + i] = nullable;
            }
        }
    } else {
        AstExpr ast = {
            .kind = EX_QUERY, .span = right->span, .query = (AstQuery *)(uintptr_t)query};
        bool taken = false;
        count = 1;
        expr = ARENA_ARRAY(arena, Expr *, shift + 2);
        if (query->kind == Q_SELECT) {
            TRY(correlated_agg(&outer, &ast, query, type, &taken, &expr[shift], err));
        }
        if (!taken) {
            Plan *alone;
            TRY(bind_query_in(binder, binder->context, query, &alone, err));
            TRY(plan_join(binder->context, left, alone, type, NULL, plan, err));
            count = alone->type->child_count;
            expr = ARENA_ARRAY(arena, Expr *, shift + count + 1);
            for (uint32_t i = 0; i < count; i++) {
                expr[shift + i] = expr_column(arena, shift + i, (*plan)->type->child[shift + i]);
            }
        } else {
            *plan = outer.plan;
        }
    }
    name = ARENA_ARRAY(arena, Str, shift + count + 1);
    for (uint32_t i = 0; i < shift; i++) {
        expr[i] = expr_column(arena, i, (*plan)->type->child[i]);
        name[i] = left->type->field[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        const AstItem *item = query->kind == Q_SELECT && i < query->select->item_count
                                  ? &query->select->item[i]
                                  : NULL;
        name[shift + i] = right->column.count > i ? right->column.at[i].name
                          : item && ast_ident_given(item->alias) ? item->alias.name
                          : item && item->expr->kind == EX_NAME ? ast_name_last(item->expr->name)
                                                                : str_printf(arena, "EXPR$%u", i);
    }
    *plan = plan_project(binder->context, *plan, expr, name, shift + count);
    const Type *row = (*plan)->type;
    Scope *own = scope_single(
        arena, type_row(arena, count, row->child + shift, name + shift, false), right->alias.name);
    own->item[0].printed = printed;
    *scope = scope_join(arena, left_scope, own, row);
    return ST_OK;
}
