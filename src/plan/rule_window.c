// Window aggregates that assign their windows themselves.
//
// GROUP BY window_start, window_end over TUMBLE(…) was bound as two nodes: the window function
// copies each row into its windows, the aggregate groups the copies. Where nothing else reads the
// window's columns the copies need not be: the aggregate takes the time instead, and keeps a row
// once per slice (exec/window_slice.c). A SESSION is taken in when its partition is the
// aggregate's.
//
//     WINDOW_AGG [EXPAND] [PROJECT] [FILTER] WINDOW_TVF x   ->   WINDOW_AGG [EXPAND] [PROJECT]
//     [FILTER] x
#include "plan/rule.h"

typedef struct Chain {
    Plan *expand, *project, *filter, *tvf;  // NULL: not there
} Chain;

static bool chain_find(const Plan *agg, Chain *out) {
    *out = (Chain){0};
    Plan *at = agg->input[0];
    if (at->kind == PLAN_EXPAND) {
        out->expand = at;
        at = at->input[0];
    }
    if (at->kind == PLAN_PROJECT) {
        out->project = at;
        at = at->input[0];
    }
    if (at->kind == PLAN_FILTER) {
        out->filter = at;
        at = at->input[0];
    }
    if (at->kind != PLAN_WINDOW_TVF) return false;
    out->tvf = at;
    // An EXPAND always stands on the projection that widens its row.
    return !out->expand || out->project;
}

static uint32_t plain_columns(const Chain *chain) {
    return chain->tvf->input[0]->type->child_count;
}

static bool reads_window(const Chain *chain, const Expr *expr) {
    uint64_t *used = NEW_ARRAY(uint64_t, BITS_WORDS(chain->tvf->type->child_count + 1));
    expr_columns(expr, used);
    bool reads = false;
    for (uint32_t c = plain_columns(chain); c < chain->tvf->type->child_count; c++) {
        reads |= bits_get(used, c);
    }
    mem_free(used);
    return reads;
}

// Whether column [column] of the aggregate's input is one of the window's, passed on.
static bool is_window_column(const Chain *chain, uint32_t column) {
    if (!chain->project) return column >= plain_columns(chain);
    if (column >= chain->project->type->child_count) return false;  // the expand id
    const Expr *expr = chain->project->expr[column];
    return expr->kind == EXPR_COLUMN && expr->column >= plain_columns(chain);
}

static bool same_partition(const Chain *chain, const Plan *agg) {
    const WindowSpec *spec = chain->tvf->window;
    if (spec->kind != WINDOW_SESSION) return true;
    if (spec->partition_count != agg->key_count || chain->expand) return false;
    for (uint32_t k = 0; k < agg->key_count; k++) {
        uint32_t column = agg->key[k], p = 0;
        if (chain->project) {
            const Expr *expr = chain->project->expr[column];
            if (expr->kind != EXPR_COLUMN) return false;
            column = expr->column;
        }
        while (p < spec->partition_count && spec->partition[p] != column) p++;
        if (p == spec->partition_count) return false;
    }
    return true;
}

static bool can_fuse(const Chain *chain, const Plan *agg) {
    if (chain->filter && reads_window(chain, chain->filter->condition)) return false;
    for (uint32_t c = 0; chain->project && c < chain->project->type->child_count; c++) {
        if (!is_window_column(chain, c) && reads_window(chain, chain->project->expr[c])) {
            return false;
        }
    }
    for (uint32_t k = 0; k < agg->key_count; k++) {
        if (is_window_column(chain, agg->key[k])) return false;
    }
    for (uint32_t a = 0; a < agg->agg_count; a++) {
        for (uint32_t i = 0; i < agg->agg[a].call->argc; i++) {
            if (is_window_column(chain, agg->agg[a].arg[i])) return false;
        }
        if (agg->agg[a].filter >= 0 && is_window_column(chain, (uint32_t)agg->agg[a].filter)) {
            return false;
        }
    }
    for (uint32_t s = 0; chain->expand && s < chain->expand->set_count; s++) {
        // Every grouping set has the window.
        if (!chain->expand->keep[s][agg->window->start_column]) return false;
        if (!chain->expand->keep[s][agg->window->end_column]) return false;
    }
    return same_partition(chain, agg);
}

// The projection over the window function's input, with the time where the window's columns were.
static Plan *project_without(PlanContext *context, const Chain *chain, Plan *input) {
    const Plan *project = chain->project;
    uint32_t count = project->type->child_count, time = chain->tvf->window->time_column;
    Expr **expr = ARENA_ARRAY(context->arena, Expr *, count + 1);
    for (uint32_t c = 0; c < count; c++) {
        expr[c] = is_window_column(chain, c)
                      ? expr_column(context->arena, time, input->type->child[time])
                      : project->expr[c];
    }
    return plan_project(context, input, expr, project->type->field, count);
}

static Plan *expand_without(PlanContext *context, const Chain *chain, Plan *input) {
    const Plan *old = chain->expand;
    Arena *arena = context->arena;
    uint32_t count = old->type->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    for (uint32_t c = 0; c < count; c++) {
        child[c] = is_window_column(chain, c) ? input->type->child[c] : old->type->child[c];
    }
    Plan *expand =
        plan_new(context, PLAN_EXPAND, type_row(arena, count, child, old->type->field, false), 1);
    expand->input[0] = input;
    expand->keep = old->keep;
    expand->expand_id = old->expand_id;
    expand->set_count = old->set_count;
    return expand;
}

static void fuse(PlanContext *context, Plan *agg) {
    Chain chain;
    if (!agg->window->attached || !chain_find(agg, &chain) || !can_fuse(&chain, agg)) return;
    const WindowSpec *tvf = chain.tvf->window;
    Plan *plan = chain.tvf->input[0];
    if (chain.filter) plan = plan_filter(context, plan, chain.filter->condition);
    uint32_t time = tvf->time_column;
    if (chain.project) {
        plan = project_without(context, &chain, plan);
        time = agg->window->start_column;
    }
    if (chain.expand) plan = expand_without(context, &chain, plan);
    agg->input[0] = plan;
    agg->window = arena_dup(context->arena, agg->window, sizeof *agg->window);
    agg->window->attached = false;
    agg->window->time_column = time;
}

static void window_walk(PlanContext *context, PlanMemo *memo, Plan *plan) {
    if (plan->id < memo->cap && memo->to[plan->id]) return;
    if (plan->id < memo->cap) memo->to[plan->id] = plan;
    if (plan->kind == PLAN_WINDOW_AGG) fuse(context, plan);
    for (uint32_t i = 0; i < plan->input_count; i++) window_walk(context, memo, plan->input[i]);
}

Status rule_window(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    (void)err;
    if (context->batch) return ST_OK;  // PLAN_AGG groups by the window's columns
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) window_walk(context, &memo, roots[i]);
    return ST_OK;
}
