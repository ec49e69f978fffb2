// Filters over scans go to the connectors that take them: a condition that the other side evaluates
// is not evaluated here, and the columns that it alone read are not fetched.
#include "plan/rule.h"

static bool named(const Expr *expr, const char *name, uint32_t argc) {
    return expr->kind == EXPR_CALL && expr->arg_count == argc &&
           strcmp(expr->call->func->name, name) == 0;
}

// The column under casts that keep its order and its values apart from each other.
static const Expr *bare_column(const Expr *expr) {
    while (expr->kind == EXPR_CAST && !expr->try_cast) {
        const Type *from = expr->arg[0]->type, *to = expr->type;
        bool wider = type_is_integer(from) && (type_is_integer(to) ? to->kind >= from->kind
                                                                   : to->kind == TYPE_DECIMAL);
        bool text = type_is_text(from) && to->kind == TYPE_VARCHAR && to->length >= from->length;
        bool decimal = from->kind == TYPE_DECIMAL && to->kind == TYPE_DECIMAL &&
                       to->scale >= from->scale &&
                       to->precision - to->scale >= from->precision - from->scale;
        if (!wider && !text && !decimal) return NULL;
        expr = expr->arg[0];
    }
    return expr->kind == EXPR_COLUMN ? expr : NULL;
}

static const TableFilter *filter_of(Arena *arena, const Plan *scan, const Expr *expr);

static const TableFilter *filter_both(Arena *arena, FilterOp op, const TableFilter *a,
                                      const TableFilter *b) {
    if (!a || !b) return NULL;
    TableFilter *both = ARENA_NEW(arena, TableFilter);
    *both = (TableFilter){.op = op, .arg = {a, b}};
    return both;
}

static const TableFilter *filter_compare(Arena *arena, const Plan *scan, FilterOp op,
                                         const Expr *left, const Expr *right) {
    static const FilterOp SWAPPED[] = {
        [FILTER_EQUAL] = FILTER_EQUAL,           [FILTER_NOT_EQUAL] = FILTER_NOT_EQUAL,
        [FILTER_LESS] = FILTER_GREATER,          [FILTER_LESS_EQUAL] = FILTER_GREATER_EQUAL,
        [FILTER_GREATER] = FILTER_LESS,          [FILTER_GREATER_EQUAL] = FILTER_LESS_EQUAL,
    };
    const Expr *column = bare_column(left);
    if (!column && op != FILTER_LIKE) {
        column = bare_column(right);
        right = left;
        op = SWAPPED[op];
    }
    if (!column || right->kind != EXPR_LITERAL || vec_is_null(right->value, 0)) return NULL;
    if (column->column >= scan->desc->physical->child_count) return NULL;  // metadata
    TableFilter *made = ARENA_NEW(arena, TableFilter);
    *made = (TableFilter){.op = op, .column = column->column, .value = right->value};
    return made;
}

// a IN (1, 2): a = 1 OR a = 2.
static const TableFilter *filter_in(Arena *arena, const Plan *scan, const Expr *expr) {
    enum { VALUES_MAX = 64 };  // a long list is better evaluated here
    const TableFilter *any = NULL;
    if (expr->arg_count > VALUES_MAX) return NULL;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        const TableFilter *one =
            filter_compare(arena, scan, FILTER_EQUAL, expr->arg[0], expr->arg[i]);
        if (!one) return NULL;
        any = any ? filter_both(arena, FILTER_OR, any, one) : one;
    }
    return any;
}

// The condition as a connector sees it; NULL when it is none of the simple kinds.
static const TableFilter *filter_of(Arena *arena, const Plan *scan, const Expr *expr) {
    static const struct {
        const char *name;
        FilterOp op;
    } COMPARISONS[] = {{"=", FILTER_EQUAL},         {"<>", FILTER_NOT_EQUAL},
                       {"<", FILTER_LESS},          {"<=", FILTER_LESS_EQUAL},
                       {">", FILTER_GREATER},       {">=", FILTER_GREATER_EQUAL},
                       {"LIKE", FILTER_LIKE}};
    if (expr->kind != EXPR_CALL) return NULL;
    for (size_t i = 0; i < sizeof COMPARISONS / sizeof *COMPARISONS; i++) {
        if (!named(expr, COMPARISONS[i].name, 2)) continue;
        return filter_compare(arena, scan, COMPARISONS[i].op, expr->arg[0], expr->arg[1]);
    }
    bool is_null = named(expr, "IS NULL", 1);
    if (is_null || named(expr, "IS NOT NULL", 1)) {
        const Expr *column = bare_column(expr->arg[0]);
        if (!column || column->column >= scan->desc->physical->child_count) return NULL;
        TableFilter *made = ARENA_NEW(arena, TableFilter);
        *made = (TableFilter){.op = is_null ? FILTER_IS_NULL : FILTER_IS_NOT_NULL,
                              .column = column->column};
        return made;
    }
    if (named(expr, "BETWEEN ASYMMETRIC", 3)) {
        return filter_both(
            arena, FILTER_AND,
            filter_compare(arena, scan, FILTER_GREATER_EQUAL, expr->arg[0], expr->arg[1]),
            filter_compare(arena, scan, FILTER_LESS_EQUAL, expr->arg[0], expr->arg[2]));
    }
    if (strcmp(expr->call->func->name, "IN") == 0) return filter_in(arena, scan, expr);
    bool either = strcmp(expr->call->func->name, "OR") == 0;
    if (!either && strcmp(expr->call->func->name, "AND") != 0) return NULL;
    const TableFilter *all = filter_of(arena, scan, expr->arg[0]);
    for (uint32_t i = 1; i < expr->arg_count && all; i++) {
        all = filter_both(arena, either ? FILTER_OR : FILTER_AND, all,
                          filter_of(arena, scan, expr->arg[i]));
    }
    return all;
}

// The filter without the conjuncts that the scan's connector takes, over a scan that has them.
static Plan *push(PlanContext *context, Plan *filter) {
    Arena *arena = context->arena;
    const Plan *scan = filter->input[0];
    Conjuncts parts = {0};
    expr_split_and(arena, filter->condition, &parts);
    uint32_t taken = scan->scan->filter_count;
    const TableFilter **all = ARENA_ARRAY(arena, const TableFilter *, taken + parts.count);
    if (taken) memcpy(all, scan->scan->filter, taken * sizeof *all);
    Expr *rest = NULL;
    for (uint32_t i = 0; i < parts.count; i++) {
        const TableFilter *made = filter_of(arena, scan, parts.at[i]);
        if (made && scan->connector->filter_taken(scan->desc, made)) {
            all[taken++] = made;
        } else {
            rest = expr_and(arena, context->env, rest, parts.at[i]);
        }
    }
    if (taken == scan->scan->filter_count) return filter;
    Plan *made = arena_dup(arena, scan, sizeof *scan);
    made->id = ++context->next_id;
    ScanSpec *spec = arena_dup(arena, scan->scan, sizeof *scan->scan);
    spec->filter = all;
    spec->filter_count = taken;
    made->scan = spec;
    return plan_filter(context, made, rest);
}

static Plan *push_walk(PlanContext *context, PlanMemo *memo, Plan *plan) {
    uint32_t id = plan->id;
    if (id < memo->cap && memo->to[id]) return memo->to[id];
    for (uint32_t i = 0; i < plan->input_count; i++) {
        plan->input[i] = push_walk(context, memo, plan->input[i]);
    }
    if (plan->kind == PLAN_FILTER && plan->input[0]->kind == PLAN_SCAN &&
        plan->input[0]->connector->filter_taken) {
        plan = push(context, plan);
    }
    if (id < memo->cap) memo->to[id] = plan;
    return plan;
}

void rule_push(PlanContext *context, Plan **roots, uint32_t count) {
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) roots[i] = push_walk(context, &memo, roots[i]);
}
