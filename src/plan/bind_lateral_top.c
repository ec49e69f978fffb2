// The first rows for each key, written as a join:
//
//   SELECT … FROM (SELECT DISTINCT k FROM t) s,
//     LATERAL (SELECT a, b FROM t WHERE t.k = s.k ORDER BY b DESC LIMIT 3)
//
// Both sides read the same rows, so it is a Top-N of t partitioned by k: nothing is joined. This is
// the one correlated subquery with LIMIT that Flink has a plan for (its CorrelateSortToRankRule),
// and as there, rows whose key is NULL are ranked, too, though no NULL equals another.
#include "plan/bind_subquery.h"
#include "plan/rule.h"

// What both sides read, and where the columns of one side are in it.
typedef struct Columns {
    Plan *base;
    uint32_t *at;
    uint32_t count;
} Columns;

// Looks through projections that only pick columns.
static Columns columns_of(Arena *arena, Plan *plan) {
    Columns self = {plan, NULL, plan->type->child_count};
    self.at = ARENA_ARRAY(arena, uint32_t, self.count + 1);
    for (uint32_t i = 0; i < self.count; i++) self.at[i] = i;
    while (self.base->kind == PLAN_PROJECT) {
        for (uint32_t i = 0; i < self.base->type->child_count; i++) {
            if (self.base->expr[i]->kind != EXPR_COLUMN) return self;
        }
        for (uint32_t i = 0; i < self.count; i++) {
            self.at[i] = self.base->expr[self.at[i]]->column;
        }
        self.base = self.base->input[0];
    }
    return self;
}

static bool is_same(const Plan *a, const Plan *b) {
    if (a == b) return true;
    if (a->kind != b->kind || a->input_count != b->input_count) return false;
    for (uint32_t i = 0; i < a->input_count; i++) {
        if (!is_same(a->input[i], b->input[i])) return false;
    }
    Buf left = {0}, right = {0};
    plan_fingerprint(a, &left);
    plan_fingerprint(b, &right);
    bool same = str_eq(buf_str(&left), buf_str(&right));
    buf_free(&left);
    buf_free(&right);
    return same;
}

// The distinct keys on the left: each column of [left] as a column of what they are read from.
static bool left_keys(Arena *arena, Plan *left, Columns *out) {
    *out = columns_of(arena, left);
    const Plan *agg = out->base;
    if (agg->kind != PLAN_AGG || agg->agg_count || agg->window || !agg->key_count) return false;
    Columns in = columns_of(arena, agg->input[0]);
    for (uint32_t i = 0; i < out->count; i++) out->at[i] = in.at[agg->key[out->at[i]]];
    out->base = in.base;
    return out->count == agg->key_count;
}

static bool bind_column(Binder *binder, const AstExpr *ast, uint32_t *column) {
    Expr *expr;
    if (ast->kind != EX_NAME || bind_expr(binder, ast, &expr, NULL)) return false;
    if (expr->kind != EXPR_COLUMN) return false;
    *column = expr->column;
    return true;
}

// Whether [where] is `own = outer` for each of the [keys], and nothing else.
static bool ties_keys(Binder *own, Binder *outer, const AstExpr *where, const Columns *keys,
                      bool *tied) {
    if (where->kind != EX_CALL || where->call->arg.count != 2) return false;
    const AstExpr *a = where->call->arg.at[0], *b = where->call->arg.at[1];
    if (str_is(where->call->name, "AND")) {
        return ties_keys(own, outer, a, keys, tied) && ties_keys(own, outer, b, keys, tied);
    }
    uint32_t inside, outside;
    if (!str_is(where->call->name, "=")) return false;
    bool found = (bind_column(own, a, &inside) && bind_column(outer, b, &outside)) ||
                 (bind_column(own, b, &inside) && bind_column(outer, a, &outside));
    Columns read = columns_of(own->arena, own->plan);
    if (!found || outside >= keys->count || keys->at[outside] != read.at[inside]) return false;
    tied[outside] = true;
    return true;
}

bool bind_lateral_top(Binder *outer, const AstQuery *query, Plan **out) {
    Arena *arena = outer->arena;
    Columns keys;
    bool may = query->kind == Q_SELECT && !query->with_count && query->order.count &&
               query->fetch && !query->offset && query->select->from && query->select->where &&
               !query->select->has_group && query->select->quantifier != QUANT_DISTINCT;
    if (!may || !left_keys(arena, outer->plan, &keys)) return false;
    Binder own = {.context = outer->context, .arena = arena, .parent = outer->parent};
    if (bind_from(&own, query->select->from, &own.plan, &own.scope, NULL)) return false;
    bool *tied = ARENA_ARRAY(arena, bool, keys.count + 1);
    if (!ties_keys(&own, outer, query->select->where, &keys, tied)) return false;
    for (uint32_t i = 0; i < keys.count; i++) {
        if (!tied[i]) return false;
    }
    // The subquery without its WHERE gives the items and the order.
    AstSelect select = *query->select;
    AstQuery alone = *query;
    Plan *sort;
    select.where = NULL;
    alone.select = &select;
    if (bind_query_in(outer->parent, outer->context, &alone, &sort, NULL)) return false;
    if (sort->kind != PLAN_SORT || sort->fetch < 1) return false;  // or by more than its items
    Columns items = columns_of(arena, sort->input[0]);
    if (!is_same(items.base, keys.base)) return false;
    Plan *rank = plan_new(outer->context, PLAN_RANK, items.base->type, 1);
    rank->input[0] = items.base;
    rank->key = keys.at;
    rank->key_count = keys.count;
    rank->rank_start = 1;
    rank->rank_end = sort->fetch;
    rank->rank_end_column = -1;
    rank->order = sort->order;
    rank->order_count = sort->order_count;
    for (uint32_t i = 0; i < rank->order_count; i++) {
        rank->order[i].column = items.at[rank->order[i].column];
    }
    uint32_t count = keys.count + items.count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i < keys.count ? keys.at[i] : items.at[i - keys.count];
        expr[i] = expr_column(arena, at, rank->type->child[at]);
        name[i] = i < keys.count ? outer->plan->type->field[i]
                                 : sort->type->field[i - keys.count];
    }
    *out = plan_project(outer->context, rank, expr, name, count);
    return true;
}
