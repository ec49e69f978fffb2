// Constant folding: what has no column and always the same value is computed once, while planning.
#include "plan/bind.h"

// Calcite divides constants exactly while it simplifies, and refuses a zero divisor there.
static Status quotient_check(PlanContext *context, const Expr *expr, Error *err) {
    if (expr->kind != EXPR_CALL || strcmp(expr->call->func->name, "/") != 0) return ST_OK;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!expr_is_constant(expr->arg[i])) return ST_OK;
    }
    Vec *value;
    if (!context->evaluate(expr, context->env, context->arena, &value, err)) return ST_OK;
    if (err) err->status = ST_VALIDATION;
    return ST_VALIDATION;
}

Status expr_fold(PlanContext *context, Expr **at, Error *err) {
    Expr *expr = *at;
    if (expr->kind == EXPR_LITERAL || expr->kind == EXPR_COLUMN) return ST_OK;
    if (expr_is_constant(expr)) {
        Vec *value;
        if (!context->evaluate(expr, context->env, context->arena, &value, NULL)) {
            Expr *literal = expr_literal(context->arena, value);
            literal->place = expr->place;
            *at = literal;
            return ST_OK;
        }
        // What fails is left as it is and fails again when the job runs, as in Flink; only a constant
        // quotient is refused at once (below, when the failing part is the division itself).
    }
    if (!expr->arg_count) return ST_OK;
    Expr *copy = arena_dup(context->arena, expr, sizeof *expr);
    copy->arg = arena_dup(context->arena, expr->arg, expr->arg_count * sizeof *expr->arg);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->kind == EXPR_CASE) {
            // A branch that is never taken may hold anything: leave what fails for run time.
            Expr *arg = copy->arg[i];
            if (!expr_fold(context, &arg, NULL)) copy->arg[i] = arg;
            continue;
        }
        TRY(expr_fold(context, &copy->arg[i], err));
    }
    *at = copy;
    return quotient_check(context, copy, err);
}
