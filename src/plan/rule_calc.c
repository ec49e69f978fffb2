#include "plan/rule.h"

PlanMemo plan_memo(PlanContext *context) {
    uint32_t cap = context->next_id + 1;
    return (PlanMemo){ARENA_ARRAY(context->arena, Plan *, cap), cap};
}

static bool all_deterministic(const Plan *project) {
    for (uint32_t i = 0; i < project->type->child_count; i++) {
        if (!expr_is_deterministic(project->expr[i])) return false;
    }
    return true;
}

// A projection of a projection is one projection: the executor shares equal sub-expressions, so
// writing one out twice costs nothing.
static Plan *merge_projects(PlanContext *context, Plan *outer) {
    Plan *inner = outer->input[0];
    if (inner->kind != PLAN_PROJECT || !all_deterministic(inner)) return outer;
    Plan *merged = plan_new(context, PLAN_PROJECT, outer->type, 1);
    merged->input[0] = inner->input[0];
    merged->expr = ARENA_ARRAY(context->arena, Expr *, outer->type->child_count + 1);
    for (uint32_t i = 0; i < outer->type->child_count; i++) {
        merged->expr[i] = expr_substitute(context->arena, outer->expr[i], inner->expr);
    }
    return merged;
}

static Plan *push_filter(PlanContext *context, Plan *filter) {
    Plan *input = filter->input[0];
    if (input->kind == PLAN_FILTER) {
        Expr *both = expr_and(context->arena, context->env, input->condition, filter->condition);
        Plan *merged = plan_filter(context, input->input[0], both);
        return merged->kind == PLAN_FILTER ? push_filter(context, merged) : merged;
    }
    if (input->kind != PLAN_PROJECT || !all_deterministic(input)) return filter;
    Expr *condition = expr_substitute(context->arena, filter->condition, input->expr);
    Plan *below = push_filter(context, plan_filter(context, input->input[0], condition));
    Plan *project = plan_new(context, PLAN_PROJECT, input->type, 1);
    project->input[0] = below;
    project->expr = input->expr;
    return merge_projects(context, project);
}

static bool is_identity(const Plan *project) {
    const Type *in = project->input[0]->type;
    if (in->child_count != project->type->child_count) return false;
    for (uint32_t i = 0; i < in->child_count; i++) {
        if (project->expr[i]->kind != EXPR_COLUMN || project->expr[i]->column != i) return false;
        if (!str_eq(in->field[i], project->type->field[i])) return false;
        if (!type_equal(in->child[i], project->type->child[i])) return false;
        if (in->child[i]->attribute != project->type->child[i]->attribute) return false;
    }
    return true;
}

static Plan *calc(PlanContext *context, PlanMemo *memo, Plan *plan) {
    if (plan->id < memo->cap && memo->to[plan->id]) return memo->to[plan->id];
    uint32_t id = plan->id;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        plan->input[i] = calc(context, memo, plan->input[i]);
    }
    if (plan->kind == PLAN_PROJECT) {
        plan = merge_projects(context, plan);
        if (is_identity(plan)) plan = plan->input[0];
    } else if (plan->kind == PLAN_FILTER) {
        plan = push_filter(context, plan);
    }
    if (id < memo->cap) memo->to[id] = plan;
    return plan;
}

Status rule_calc(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    (void)err;
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) roots[i] = calc(context, &memo, roots[i]);
    return ST_OK;
}
