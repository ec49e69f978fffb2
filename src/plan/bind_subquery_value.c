// Subqueries for a value: scalar ones, and IN, EXISTS and comparisons with SOME and ALL anywhere
// but as a conjunct of WHERE. Each becomes a join whose right side has at most one row for a row of
// the left; over groups the join waits until the groups are made.
#include "plan/bind_subquery.h"

// What the rows of [input] with the same keys come to: [count] aggregates, each of one column,
// behind the keys.
typedef struct AggOf {
    const char *name;
    uint32_t column;
} AggOf;

static Status aggs_of(Binder *binder, Plan *input, const uint32_t *key, uint32_t key_count,
                      const AggOf *of, uint32_t count, Plan **out, Error *err) {
    Arena *arena = binder->arena;
    Plan *agg = plan_new(binder->context, PLAN_AGG, NULL, 1);
    const Type **child = ARENA_ARRAY(arena, const Type *, key_count + count);
    Str *field = ARENA_ARRAY(arena, Str, key_count + count);
    agg->key = arena_dup(arena, key, key_count * sizeof *key);
    agg->key_count = key_count;
    for (uint32_t i = 0; i < key_count; i++) {
        child[i] = type_attribute(arena, input->type->child[key[i]], TIME_NONE);
        field[i] = input->type->field[key[i]];
    }
    agg->agg = ARENA_ARRAY(arena, PlanAgg, count);
    agg->agg_count = count;
    for (uint32_t i = 0; i < count; i++) {
        AggCall *call = ARENA_NEW(arena, AggCall);
        *call = (AggCall){.arena = arena, .argc = 1, .arg = ARENA_ARRAY(arena, const Type *, 1),
                          .literal = ARENA_ARRAY(arena, const Vec *, 1),
                          .env = binder->context->env, .grouped = key_count > 0};
        call->arg[0] = input->type->child[of[i].column];
        TRY(agg_bind(call, agg_find(str_c(of[i].name)), err));
        child[key_count + i] = call->result;
        field[key_count + i] = str_printf(arena, "$value%u", i);
        agg->agg[i] = (PlanAgg){.call = call, .arg = ARENA_ARRAY(arena, uint32_t, 1), .filter = -1,
                                .name = str_c(of[i].name)};
        agg->agg[i].arg[0] = of[i].column;
    }
    agg->type = type_row(arena, key_count + count, child, field, false);
    agg->input[0] = input;
    *out = agg;
    return ST_OK;
}

// ---- attaching ---------------------------------------------------------------------------------

// A plan to be joined once the groups are made, and the placeholders that are to name its columns.
struct Late {
    Plan *right;
    JoinType type;
    Expr *condition;
    Expr **column;
    Late *next;
};

// The columns of the subquery's side, in a condition, behind [left] others.
static Expr *move_inner(Arena *arena, const Expr *expr, uint32_t left) {
    if (!expr) return NULL;
    if (expr->kind == EXPR_COLUMN &&
        (expr->column < INNER_BASE || expr->column >= 2 * INNER_BASE)) {
        return (Expr *)(uintptr_t)expr;  // a placeholder among them
    }
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    if (expr->kind == EXPR_COLUMN) copy->column = expr->column - INNER_BASE + left;
    if (!expr->arg_count) return copy;
    copy->arg = ARENA_ARRAY(arena, Expr *, expr->arg_count);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        copy->arg[i] = move_inner(arena, expr->arg[i], left);
    }
    return copy;
}

// Joins [right] to the plan; column[i] is its i-th column. The condition has right's columns at
// INNER_BASE. Over groups the plan is not there yet: the join is made when it is.
static Status attach(Binder *binder, Plan *right, JoinType type, Expr *condition, Expr **column,
                     Error *err) {
    Arena *arena = binder->arena;
    uint32_t count = right->type->child_count;
    if (binder->groups && !binder->in_agg) {
        if (!binder->late) {
            return error_set(err, ST_UNSUPPORTED,
                             "a subquery cannot stand beside these aggregates");
        }
        Late *late = ARENA_NEW(arena, Late);
        *late = (Late){.right = right, .type = type, .condition = condition};
        late->column = ARENA_ARRAY(arena, Expr *, count + 1);
        for (uint32_t i = 0; i < count; i++) {
            const Type *of = right->type->child[i];
            bool nullable = of->nullable || type == JOIN_TYPE_LEFT;
            // Until it has its place no two placeholders are equal.
            column[i] = late->column[i] =
                expr_column(arena, UINT32_MAX / 2 - binder->late->count++,
                            type_nullable(arena, of, nullable));
        }
        Late **last = &binder->late->first;
        while (*last) last = &(*last)->next;
        *last = late;
        return ST_OK;
    }
    if (!binder->plan || !binder->scope) {
        return error_set(err, ST_UNSUPPORTED, "a subquery cannot stand here");
    }
    uint32_t before = binder->plan->type->child_count;
    TRY(plan_join(binder->context, binder->plan, right, type, move_inner(arena, condition, before),
                  &binder->plan, err));
    const Type *row = binder->plan->type;
    bool *hidden = ARENA_ARRAY(arena, bool, row->child_count + 1);
    memset(hidden, 1, row->child_count);
    memcpy(hidden, binder->scope->hidden, before * sizeof(bool));
    binder->scope->hidden = hidden;
    binder->scope->row = row;
    for (uint32_t i = 0; i < count; i++) {
        column[i] = expr_column(arena, before + i, row->child[before + i]);
    }
    return ST_OK;
}

Status bind_late_joins(Binder *binder, Error *err) {
    for (Late *late = binder->late ? binder->late->first : NULL; late; late = late->next) {
        uint32_t before = binder->plan->type->child_count;
        TRY(plan_join(binder->context, binder->plan, late->right, late->type,
                      move_inner(binder->arena, late->condition, before), &binder->plan, err));
        for (uint32_t i = 0; i < late->right->type->child_count; i++) {
            late->column[i]->column = before + i;
        }
    }
    return ST_OK;
}

BindMark bind_mark(const Binder *binder) {
    BindMark mark = {.plan = binder->plan};
    if (binder->scope) {
        mark.row = binder->scope->row;
        mark.hidden = binder->scope->hidden;
    }
    if (!binder->late) return mark;
    mark.last_late = &binder->late->first;
    while (*mark.last_late) mark.last_late = &(*mark.last_late)->next;
    return mark;
}

// Whether [expr] reads what came after [mark]: columns of joins, or placeholders of late ones.
static bool reads_after(const BindMark *mark, bool joined, const Expr *expr) {
    if (expr->kind == EXPR_COLUMN) {
        const Late *late = mark->last_late ? *mark->last_late : NULL;
        for (; late; late = late->next) {
            for (uint32_t i = 0; i < late->right->type->child_count; i++) {
                if (late->column[i]->column == expr->column) return true;
            }
        }
        bool outer = expr->column >= OUTER_BASE && expr->column < INNER_BASE;
        return joined && !outer && expr->column >= mark->plan->type->child_count;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_after(mark, joined, expr->arg[i])) return true;
    }
    return false;
}

void bind_drop_unread(Binder *binder, const BindMark *mark, const Expr *expr) {
    bool late = mark->last_late && *mark->last_late, joined = mark->plan != binder->plan;
    if (!mark->plan || (joined && binder->groups)) return;  // joined below the groups
    if ((!late && !joined) || reads_after(mark, joined, expr)) return;
    binder->plan = mark->plan;
    binder->scope->row = mark->row;
    binder->scope->hidden = mark->hidden;
    if (late) *mark->last_late = NULL;
}

static Expr **columns_of(Arena *arena, const Plan *plan) {
    return ARENA_ARRAY(arena, Expr *, plan->type->child_count + 1);
}

static bool ast_has_count(const AstExpr *ast) {
    if (ast->kind == EX_CAST) return ast_has_count(ast->cast.value);
    if (ast->kind != EX_CALL) return ast->kind == EX_CASE;  // who knows
    if (str_is(ast->call->name, "COUNT")) return true;
    for (uint32_t i = 0; i < ast->call->arg.count; i++) {
        if (ast_has_count(ast->call->arg.at[i])) return true;
    }
    return false;
}

// Does the query give exactly one row whatever its input? SELECT COUNT(*) … without GROUP BY.
bool is_global_agg(PlanContext *context, const AstQuery *query) {
    if (query->kind != Q_SELECT || query->select->has_group || query->fetch || query->offset) {
        return false;
    }
    for (uint32_t i = 0; i < query->select->item_count; i++) {
        if (ast_has_agg(context, query->select->item[i].expr)) return !query->select->having;
    }
    return false;
}

// Whether every correlated conjunct is inner = outer: then the two sides of each.
static bool split_ties(Binder *binder, const Correlation *correlation, Expr ***inner,
                       Expr ***outer) {
    *inner = ARENA_ARRAY(binder->arena, Expr *, correlation->count + 1);
    *outer = ARENA_ARRAY(binder->arena, Expr *, correlation->count + 1);
    for (uint32_t i = 0; i < correlation->count; i++) {
        Expr *part = correlation->conjunct[i];
        bool equal = part->kind == EXPR_CALL && strcmp(part->call->func->name, "=") == 0;
        bool swapped = equal && reads_outer(part->arg[0]);
        Expr *a = equal ? part->arg[swapped] : NULL, *b = equal ? part->arg[!swapped] : NULL;
        if (!equal || reads_outer(a) || !reads_outer(b)) return false;
        (*inner)[i] = a;
        (*outer)[i] = b;
    }
    return true;
}

// outer[i] = column i of [right], over the rows of the plan and of [right]. A time of the outer row
// and a plain one make a join by time where the plain one was written first: behind the attribute
// it is cast, and no column any more.
static Status tie_condition(Binder *binder, const AstExpr *ast, const Correlation *ties,
                            const Plan *right, Expr *const *outer, uint32_t count, Expr **out,
                            Error *err) {
    for (uint32_t i = 0; i < count; i++) {
        Expr *equal, *left = join_side(binder->arena, outer[i], 0);
        TRY(call2(binder, "=", left,
                  expr_column(binder->arena, INNER_BASE + i, right->type->child[i]),
                  ast->span.place, &equal, err));
        equal->times_right = !reads_outer(ties->conjunct[i]->arg[0]) &&
                             expr_times_right(left->type, right->type->child[i]);
        *out = expr_and(binder->arena, binder->context->env, *out, equal);
    }
    return ST_OK;
}

// (SELECT agg(x) FROM u WHERE u.k = t.k): grouped by u.k, joined on it. Joined as JOIN_TYPE_INNER,
// as Flink does with LATERAL, a row without a group is lost, and none is counted as 0.
Status correlated_agg(Binder *binder, const AstExpr *ast, const AstQuery *query, JoinType type,
                      bool *taken, Expr **out, Error *err) {
    *taken = false;
    const AstSelect *select = query->select;
    if (!is_global_agg(binder->context, query) || select->item_count != 1 || !select->from ||
        !select->where || binder->groups) {
        return ST_OK;
    }
    const AstExpr *written = select->item[0].expr;
    bool counts = written->kind == EX_CALL && str_is(written->call->name, "COUNT");
    if (!counts && ast_has_count(written)) return ST_OK;  // COUNT(*) + 1 of no rows is 1
    Arena *arena = binder->arena;
    Correlation correlation = {.outer = binder->scope};
    Binder own = {
        .context = binder->context, .arena = arena, .parent = binder, .correlation = &correlation};
    own.select = select;
    TRY(bind_from(&own, select->from, &own.plan, &own.scope, err));
    TRY(bind_where(&own, select->where, err));
    if (!correlation.count) return ST_OK;
    Collected *groups = ARENA_NEW(arena, Collected);
    Expr **outer;
    groups->key_count = groups->key_cap = correlation.count;
    if (!split_ties(binder, &correlation, &groups->key, &outer)) return ST_OK;
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
    TRY(tie_condition(binder, ast, &correlation, right, outer, keys, &condition, err));
    Expr **column = columns_of(arena, right);
    TRY(attach(binder, right, type, condition, column, err));
    *out = column[keys];
    *taken = true;
    if (type == JOIN_TYPE_INNER) return ST_OK;
    if (counts) {  // of no rows: 0, not NULL
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
    if (query->kind != Q_SELECT || !query->select->where || query->select->item_count != 1 ||
        binder->groups) {
        return ST_OK;
    }
    Inner inner;
    TRY(bind_inner(binder, query, false, &inner, err));
    uint32_t keys = inner.correlation.count;
    if (!keys || inner.key_count || inner.item_count != 1 || reads_outer(inner.item[0])) {
        return ST_OK;
    }
    Expr **key, **outer;
    if (!split_ties(binder, &inner.correlation, &key, &outer)) return ST_OK;
    Expr **expr = ARENA_ARRAY(arena, Expr *, keys + 1);
    Str *name = ARENA_ARRAY(arena, Str, keys + 1);
    uint32_t *place = ARENA_ARRAY(arena, uint32_t, keys + 1);
    for (uint32_t i = 0; i < keys; i++) {
        expr[i] = key[i];
        name[i] = str_printf(arena, "$key%u", i);
        place[i] = i;
    }
    expr[keys] = inner.item[0];
    name[keys] = STR("$value");
    Plan *right = plan_project(binder->context, inner.plan, expr, name, keys + 1);
    const AggOf single = {"SINGLE_VALUE", keys};
    TRY(aggs_of(binder, right, place, keys, &single, 1, &right, err));
    Expr *condition = NULL, **column = columns_of(arena, right);
    TRY(tie_condition(binder, ast, &inner.correlation, right, outer, keys, &condition, err));
    TRY(attach(binder, right, JOIN_TYPE_LEFT, condition, column, err));
    *out = column[keys];
    *taken = true;
    return ST_OK;
}

// ---- by their domain ---------------------------------------------------------------------------

// The items of the subquery, its domain's columns and a TRUE, as one plan.
typedef struct Marked {
    Plan *plan;
    uint32_t *key;  // where the domain's columns are
    uint32_t mark;
} Marked;

static Marked mark_rows(Binder *binder, Inner *inner) {
    Arena *arena = binder->arena;
    uint32_t items = inner->item_count, keys = inner->key_count, count = items + keys;
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    Marked marked = {.key = ARENA_ARRAY(arena, uint32_t, keys + 1), .mark = count};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = i < items ? 0 : inner->key[i - items];
        expr[i] = i < items ? inner->item[i]
                            : expr_column(arena, key, inner->plan->type->child[key]);
        name[i] = str_printf(arena, "$in%u", i);
        if (i >= items) marked.key[i - items] = i;
    }
    expr[count] = expr_bool(arena, true);
    name[count] = STR("$mark");
    marked.plan = plan_project(binder->context, inner->plan, expr, name, count + 1);
    for (uint32_t i = 0; i < items; i++) {
        inner->item[i] = expr_column(arena, i, marked.plan->type->child[i]);
    }
    return marked;
}

// The outer row's values are those of the domain, in the columns from [at] on. A NULL is not: of
// such a row Flink finds nothing either, whatever the subquery would say of it.
static Status domain_condition(Binder *binder, const Inner *inner, const Plan *right,
                               const uint32_t *at, Expr **condition, Error *err) {
    Arena *arena = binder->arena;
    for (uint32_t i = 0; i < inner->key_count; i++) {
        uint32_t column = at ? at[i] : i;
        Expr *same, *outer = join_side(arena, inner->correlation.conjunct[i]->arg[0], 0);
        TRY(call2(binder, "=", outer,
                  expr_column(arena, INNER_BASE + column, right->type->child[column]), (Place){0},
                  &same, err));
        *condition = expr_and(arena, binder->context->env, *condition, same);
    }
    return ST_OK;
}

// [count] aggregates of the marked rows of each outer row. Without a domain they are the same for
// all, and there is no row at all before the subquery has one, as in Flink; but for conjuncts of
// HAVING, which Flink makes semi and anti joins of.
static Status attach_aggs(Binder *binder, const Inner *inner, const Marked *marked, const AggOf *of,
                          uint32_t count, Expr **out, Error *err) {
    Plan *right;
    TRY(aggs_of(binder, marked->plan, marked->key, inner->key_count, of, count, &right, err));
    Expr *condition = NULL, **column = columns_of(binder->arena, right);
    TRY(domain_condition(binder, inner, right, NULL, &condition, err));
    bool outer = inner->key_count || binder->is_conjunct;
    TRY(attach(binder, right, outer ? JOIN_TYPE_LEFT : JOIN_TYPE_INNER, condition, column, err));
    for (uint32_t i = 0; i < count; i++) {
        out[i] = column[inner->key_count + i];
        if (strcmp(of[i].name, "COUNT") != 0 || !outer) continue;
        TRY(call2(binder, "COALESCE", out[i], expr_i64(binder->arena, TYPE_BIGINT, 0), (Place){0},
                  &out[i], err));
    }
    return ST_OK;
}

Status bind_scalar_value(Binder *binder, const AstExpr *ast, const AstQuery *query, Expr **out,
                         Error *err) {
    Arena *arena = binder->arena;
    Inner inner;
    TRY(bind_inner(binder, query, true, &inner, err));
    bool taken;
    if (inner.key_count) {  // a tie by equality needs no domain
        if (!correlated_agg(binder, ast, query, JOIN_TYPE_LEFT, &taken, out, NULL) && taken) {
            return ST_OK;
        }
        if (!correlated_row(binder, ast, query, &taken, out, NULL) && taken) return ST_OK;
    }
    if (inner.item_count != 1) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "a scalar subquery gives one column, this one %u", inner.item_count);
    }
    Marked marked = mark_rows(binder, &inner);
    Plan *right = marked.plan;
    bool single = is_global_agg(binder->context, query);
    const uint32_t *keys = single ? marked.key : NULL;
    uint32_t value = single ? 0 : inner.key_count, mark = single ? marked.mark : value + 1;
    if (!single) {
        const AggOf of[2] = {{"SINGLE_VALUE", 0}, {"COUNT", marked.mark}};
        TRY(aggs_of(binder, marked.plan, marked.key, inner.key_count, of, 2, &right, err));
    }
    Expr *condition = NULL, **column = columns_of(arena, right);
    TRY(domain_condition(binder, &inner, right, keys, &condition, err));
    TRY(attach(binder, right, JOIN_TYPE_LEFT, condition, column, err));
    *out = column[value];
    const Expr *empty = inner.key_count && inner.empty ? inner.empty[0] : NULL;
    if (!empty || empty->kind != EXPR_LITERAL || vec_is_null(empty->value, 0)) return ST_OK;
    Expr *choice[3] = {NULL, *out, expr_cast(arena, (Expr *)(uintptr_t)empty, (*out)->type, false)};
    TRY(expr_call(arena, binder->context->env, "IS NOT NULL", &column[mark], 1, ast->span.place,
                  &choice[0], err));
    Expr *cases = ARENA_NEW(arena, Expr);
    *cases = (Expr){.kind = EXPR_CASE, .type = (*out)->type, .place = ast->span.place,
                    .arg = arena_dup(arena, choice, sizeof choice), .arg_count = 3};
    *out = cases;
    return ST_OK;
}

// Whether x IN (query) is unknown where nothing matches: x is NULL and the query has rows, or one
// of its values is. *out is NULL then, FALSE otherwise.
static Status unknown_in(Binder *binder, const Inner *inner, const Marked *marked, Expr *value,
                         Place place, Expr **out, Error *err) {
    Expr *count[2], *none, *some, *lacks;
    const AggOf of[2] = {{"COUNT", 0}, {"COUNT", marked->mark}};
    TRY(attach_aggs(binder, inner, marked, of, 2, count, err));
    TRY(expr_call(binder->arena, binder->context->env, "IS NULL", &value, 1, place, &none, err));
    TRY(call2(binder, ">", count[1], expr_i64(binder->arena, TYPE_BIGINT, 0), place, &some, err));
    TRY(call2(binder, "AND", none, some, place, &none, err));
    TRY(call2(binder, "<", count[0], count[1], place, &lacks, err));
    TRY(call2(binder, "OR", none, lacks, place, out, err));
    return call2(binder, "NULLIF", *out, expr_bool(binder->arena, true), place, out, err);
}

// Their times are those of groups: rows of these may come behind the watermark.
static Plan *distinct_rows(Binder *binder, Plan *input) {
    uint32_t count = input->type->child_count;
    const Type **child = ARENA_ARRAY(binder->arena, const Type *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = type_attribute(binder->arena, input->type->child[i], TIME_NONE);
    }
    const Type *row = type_row(binder->arena, count, child, input->type->field, false);
    Plan *distinct = plan_new(binder->context, PLAN_AGG, row, 1);
    distinct->input[0] = input;
    distinct->key_count = count;
    distinct->key = ARENA_ARRAY(binder->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) distinct->key[i] = i;
    return distinct;
}

// IN and EXISTS as a value: a left join to the distinct values and a mark.
static Status mark_value(Binder *binder, const AstExpr *ast, Predicate predicate, Expr **out,
                         Error *err) {
    Arena *arena = binder->arena;
    const FuncEnv *env = binder->context->env;
    const AstExpr *call = ast;
    while (str_is(call->call->name, "NOT")) call = call->call->arg.at[0];
    bool in = predicate == PRED_IN || predicate == PRED_NOT_IN;
    bool positive = predicate == PRED_IN || predicate == PRED_EXISTS;
    bool two_valued = binder->two_valued;
    binder->two_valued = false;
    Inner inner;
    TRY(bind_inner(binder, query_arg(call), true, &inner, err));
    if (!in && is_global_agg(binder->context, query_arg(call))) {  // one row, whatever it has
        return *out = expr_bool(arena, positive), ST_OK;
    }
    if (in && inner.item_count > 1) {
        return error_at(err, ST_VALIDATION, call->span.place,
                        "IN with several columns is a condition of WHERE, no value");
    }
    if (!in) inner.item_count = 0;
    Marked marked = mark_rows(binder, &inner);
    Plan *right = distinct_rows(binder, marked.plan);
    Expr *condition = NULL, **column = columns_of(arena, right);
    if (in) TRY(in_condition(binder, call, &inner, false, INNER_BASE, &condition, err));
    TRY(domain_condition(binder, &inner, right, marked.key, &condition, err));
    TRY(attach(binder, right, JOIN_TYPE_LEFT, condition, column, err));
    Expr *mark = column[marked.mark];
    if (!in) {
        return expr_call(arena, env, positive ? "IS NOT NULL" : "IS NULL", &mark, 1,
                         ast->span.place, out, err);
    }
    Expr *left, *unknown, *value;
    TRY(bind_expr(binder, call->call->arg.at[0], &left, err));
    TRY(expr_call(arena, env, "IS NOT NULL", &mark, 1, ast->span.place, &value, err));
    bool unknowns = left->type->nullable || inner.item[0]->type->nullable;
    if (unknowns && !(positive && two_valued)) {
        TRY(unknown_in(binder, &inner, &marked, left, ast->span.place, &unknown, err));
        TRY(call2(binder, "OR", value, unknown, ast->span.place, &value, err));
    }
    if (positive) return *out = value, ST_OK;
    return expr_call(arena, env, "NOT", &value, 1, ast->span.place, out, err);
}

// x > SOME (query) is x > the least value, and so on; unknown where that is not so and a value is
// NULL; FALSE of no rows. x > ALL (query) is not x <= SOME (query).
static Status quantified(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    static const char *const INVERSE[][2] = {{">", "<="}, {">=", "<"}, {"<", ">="},
                                             {"<=", ">"}, {"=", "<>"}};
    Arena *arena = binder->arena;
    Place place = ast->span.place;
    Str name = ast->call->name;
    Str written = str_sub(name, 0, (uint32_t)str_find(name, STR(" "), 0));
    bool all = str_ends(name, STR("ALL"));
    const char *op = str_cstr(arena, written);
    for (size_t i = 0; all && i < sizeof INVERSE / sizeof *INVERSE; i++) {
        if (str_eq(written, str_c(INVERSE[i][0]))) op = INVERSE[i][1];
    }
    Inner inner;
    TRY(bind_inner(binder, query_arg(ast), true, &inner, err));
    if (inner.item_count != 1) {
        return error_at(err, ST_VALIDATION, place,
                        "a subquery that is compared with gives one column, this one %u",
                        inner.item_count);
    }
    Marked marked = mark_rows(binder, &inner);
    const AggOf of[4] = {{"COUNT", marked.mark}, {"COUNT", 0}, {"MIN", 0}, {"MAX", 0}};
    Expr *column[4], *value, *holds, *lacks, *some;
    TRY(attach_aggs(binder, &inner, &marked, of, 4, column, err));
    TRY(bind_expr(binder, ast->call->arg.at[0], &value, err));
    TRY(call2(binder, op, value, column[op[0] == '>' || op[1] == '>' ? 2 : 3], place, &holds, err));
    if (strcmp(op, "<>") == 0) {
        Expr *other;
        TRY(call2(binder, op, value, column[3], place, &other, err));
        TRY(call2(binder, "OR", holds, other, place, &holds, err));
    }
    TRY(call2(binder, ">", column[0], column[1], place, &lacks, err));
    TRY(call2(binder, "NULLIF", lacks, expr_bool(arena, true), place, &lacks, err));
    TRY(call2(binder, ">", column[0], expr_i64(arena, TYPE_BIGINT, 0), place, &some, err));
    TRY(call2(binder, "OR", holds, lacks, place, &holds, err));
    TRY(call2(binder, "AND", some, holds, place, out, err));
    if (all) {
        Expr *any = *out;
        TRY(expr_call(arena, binder->context->env, "NOT", &any, 1, place, out, err));
    }
    if (!inner.key_count && !value->type->nullable && !inner.item[0]->type->nullable) {
        (*out)->type = type_of(TYPE_BOOLEAN, false);  // there is a row, and nothing is NULL
    }
    return ST_OK;
}

// x > SOME (a, b) is x > a OR x > b, and ALL their AND; a and b become of x's type, as after IN. A
// row is compared value by value.
static Status quantified_pair(Binder *binder, const AstExpr *left, const AstExpr *right,
                              const char *op, Place place, Expr **out, Error *err) {
    bool rows = left->kind == EX_CALL && str_is(left->call->name, "ROW") && op[0] == '=' &&
                right->kind == EX_CALL && str_is(right->call->name, "ROW") &&
                left->call->arg.count == right->call->arg.count;
    if (rows) {
        *out = NULL;
        for (uint32_t i = 0; i < left->call->arg.count; i++) {
            Expr *equal;
            TRY(quantified_pair(binder, left->call->arg.at[i], right->call->arg.at[i], op, place,
                                &equal, err));
            *out = expr_and(binder->arena, binder->context->env, *out, equal);
        }
        return ST_OK;
    }
    Expr *value, *item;
    TRY(bind_expr(binder, left, &value, err));
    TRY(bind_expr(binder, right, &item, err));
    bool null = item->type->kind == TYPE_NULL;
    if (!null && !cast_allowed(item->type, value->type)) {
        return error_at(err, ST_VALIDATION, place,
                        "values passed to %s SOME or ALL must have compatible types", op);
    }
    item = null ? expr_null(binder->arena, type_nullable(binder->arena, value->type, true))
                : expr_cast(binder->arena, item, value->type, false);
    return call2(binder, op, value, item, place, out, err);
}

bool is_quantified_list(const AstExpr *ast) {
    Str name = ast->call->name;
    return !query_arg(ast) && (str_ends(name, STR(" SOME")) || str_ends(name, STR(" ALL")));
}

Status bind_quantified_list(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Place place = ast->span.place;
    Str name = ast->call->name;
    uint32_t end = (uint32_t)str_find(name, STR(" "), 0);
    const char *op = str_cstr(binder->arena, str_sub(name, 0, end));
    const char *join = str_ends(name, STR("ALL")) ? "AND" : "OR";
    *out = NULL;
    for (uint32_t i = 1; i < ast->call->arg.count; i++) {
        Expr *part;
        TRY(quantified_pair(binder, ast->call->arg.at[0], ast->call->arg.at[i], op, place, &part,
                            err));
        if (*out) TRY(call2(binder, join, *out, part, place, &part, err));
        *out = part;
    }
    return ST_OK;
}

Status bind_scalar_subquery(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    Status st;
    bool *in_value = &binder->context->in_value, outside = *in_value;
    *in_value |= !binder->is_conjunct;
    if (ast->kind == EX_QUERY) {
        st = bind_scalar_value(binder, ast, ast->query, out, err);
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
            st = ST_OK;
            for (uint32_t i = 0; i < ast->call->arg.count && !st; i++) {
                st = bind_expr(binder, ast->call->arg.at[i], &arg[i], err);
            }
            if (!st)
                st = expr_call(binder->arena, binder->context->env, str_cstr(binder->arena, name),
                               arg, ast->call->arg.count, ast->span.place, out, err);
        }
    }
    *in_value = outside;
    if (st) error_place(err, ast->span.place);
    return st;
}

Status bind_having(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    if (ast->kind == EX_CALL && str_is(ast->call->name, "AND")) {
        Expr *part[2];
        TRY(bind_having(binder, ast->call->arg.at[0], &part[0], err));
        TRY(bind_having(binder, ast->call->arg.at[1], &part[1], err));
        return call2(binder, "AND", part[0], part[1], ast->span.place, out, err);
    }
    binder->is_conjunct = predicate_of(ast) != PRED_NONE && !binder->context->in_value;
    Status st = bind_condition(binder, ast, "HAVING", out, err);
    binder->is_conjunct = false;
    return st;
}
