// Window functions into the aggregations above them.
//
//   WINDOW_AGG(attached) over [PROJECT] over [FILTER] over WINDOW_TVF
//     becomes WINDOW_AGG over [PROJECT] over [FILTER]
//
// The aggregation then assigns the windows itself: HOP and CUMULATE touch one slice a row instead
// of one group for each window, and a SESSION keeps its accumulators instead of its rows. As
// Flink's PullUpWindowTableFunctionIntoWindowAggregateRule.
#include "plan/rule.h"

// Columns [width, width + 3) of the function are the window's.
static bool reads_window(PlanContext *context, const Expr *expr, uint32_t width) {
    uint64_t *used = ARENA_ARRAY(context->arena, uint64_t, BITS_WORDS(width + 3));
    expr_columns(expr, used);
    return bits_get(used, width) || bits_get(used, width + 1) || bits_get(used, width + 2);
}

// What stands between the aggregation and the window function; NULL: nothing.
typedef struct Between {
    const Plan *project, *filter, *tvf;
} Between;

static bool find_function(const Plan *agg, Between *out) {
    const Plan *at = agg->input[0];
    *out = (Between){0};
    if (at->kind == PLAN_PROJECT) out->project = at, at = at->input[0];
    if (at->kind == PLAN_FILTER) out->filter = at, at = at->input[0];
    out->tvf = at;
    return at->kind == PLAN_WINDOW_TVF;
}

// Projected columns are the same without the window, but for copies of its own columns.
static bool projects_rows(PlanContext *context, const Between *between) {
    const Plan *project = between->project;
    uint32_t width = between->tvf->input[0]->type->child_count;
    for (uint32_t i = 0; project && i < project->type->child_count; i++) {
        const Expr *expr = project->expr[i];
        if (expr->kind == EXPR_COLUMN) continue;
        if (!expr_is_deterministic(expr) || reads_window(context, expr, width)) return false;
    }
    const Plan *filter = between->filter;
    if (!filter) return true;
    // A filter below a SESSION would part what its rows hold together.
    return between->tvf->window->kind != WINDOW_SESSION &&
           expr_is_deterministic(filter->condition) &&
           !reads_window(context, filter->condition, width);
}

// The function's column behind column [column] of the aggregation's input, or -1.
static int64_t source_of(const Between *between, uint32_t column) {
    if (!between->project) return column;
    const Expr *expr = between->project->expr[column];
    return expr->kind == EXPR_COLUMN ? (int64_t)expr->column : -1;
}

static bool is_window_column(const Between *between, uint32_t column) {
    return source_of(between, column) >= (int64_t)between->tvf->input[0]->type->child_count;
}

static bool keys_fit(const Plan *agg, const Between *between) {
    const WindowSpec *window = between->tvf->window;
    for (uint32_t k = 0; k < agg->key_count; k++) {
        if (is_window_column(between, agg->key[k])) return false;
    }
    if (window->kind != WINDOW_SESSION) return true;
    if (agg->key_count != window->partition_count) return false;
    for (uint32_t p = 0; p < window->partition_count; p++) {
        bool found = false;
        for (uint32_t k = 0; k < agg->key_count && !found; k++) {
            found = source_of(between, agg->key[k]) == (int64_t)window->partition[p];
        }
        if (!found) return false;
    }
    return true;
}

static bool merges(PlanContext *context, const AggCall *old) {
    AggCall *call = arena_dup(context->arena, old, sizeof *old);
    call->merge = true;
    call->arg = arena_dup(context->arena, old->arg, (old->argc + 1) * sizeof *old->arg);
    Error ignored = {0};
    bool bound = agg_bind(call, old->func, &ignored) == ST_OK;
    return bound && call->impl->merge;
}

static bool aggs_fit(PlanContext *context, const Plan *agg, const Between *between) {
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        const PlanAgg *one = &agg->agg[i];
        for (uint32_t a = 0; a < one->call->argc; a++) {
            if (is_window_column(between, one->arg[a])) return false;
        }
        if (one->filter >= 0 && is_window_column(between, (uint32_t)one->filter)) return false;
        if (between->tvf->window->kind != WINDOW_TUMBLE && !merges(context, one->call)) {
            return false;
        }
    }
    return true;
}

// The aggregation's input with the time in the place of the window's columns.
static Plan *without_window(PlanContext *context, const Plan *agg, const Between *between) {
    Arena *arena = context->arena;
    const Plan *tvf = between->tvf;
    Plan *input = tvf->input[0];
    uint32_t width = input->type->child_count, count = agg->input[0]->type->child_count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int64_t from = source_of(between, i);
        if (from < 0) {
            expr[i] = between->project->expr[i];
            continue;
        }
        uint32_t column = from < (int64_t)width ? (uint32_t)from : tvf->window->time_column;
        expr[i] = expr_column(arena, column, input->type->child[column]);
    }
    if (between->filter) input = plan_filter(context, input, between->filter->condition);
    return plan_project(context, input, expr, agg->input[0]->type->field, count);
}

static void pull_up(PlanContext *context, Plan *agg) {
    Between between;
    if (!agg->window->attached || !find_function(agg, &between)) return;
    if (!projects_rows(context, &between) || !keys_fit(agg, &between) ||
        !aggs_fit(context, agg, &between)) {
        return;
    }
    agg->input[0] = without_window(context, agg, &between);
    uint32_t time_column = agg->window->start_column;  // see without_window
    agg->window = arena_dup(context->arena, between.tvf->window, sizeof *agg->window);
    agg->window->time_column = time_column;
}

static void walk(PlanContext *context, PlanMemo *memo, Plan *plan) {
    if (plan->id < memo->cap) {
        if (memo->to[plan->id]) return;
        memo->to[plan->id] = plan;
    }
    for (uint32_t i = 0; i < plan->input_count; i++) walk(context, memo, plan->input[i]);
    if (plan->kind == PLAN_WINDOW_AGG) pull_up(context, plan);
}

Status rule_window(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    (void)err;
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) walk(context, &memo, roots[i]);
    return ST_OK;
}
