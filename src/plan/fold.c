// Constant folding: what has no column and always the same value is computed once, while planning.
//
// A constant that fails is left as it is: the job then fails when it runs, as Flink's does. Only a
// division by a constant zero is an error of the statement.
#include "plan/bind.h"

static bool is_division(const Expr *expr) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, "/") == 0;
}

static bool all_literals(const Expr *expr) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->arg[i]->kind != EXPR_LITERAL) return false;
    }
    return true;
}

static Status fold_args(PlanContext *context, Expr **at, Error *err) {
    Expr *expr = *at;
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
    return ST_OK;
}

Status expr_fold(PlanContext *context, Expr **at, Error *err) {
    Expr *expr = *at;
    if (expr->kind == EXPR_LITERAL || expr->kind == EXPR_COLUMN) return ST_OK;
    if (!expr_is_constant(expr)) return expr->arg_count ? fold_args(context, at, err) : ST_OK;
    Vec *value;
    Error failure;
    if (!context->evaluate(expr, context->env, context->arena, &value, &failure)) {
        Expr *literal = expr_literal(context->arena, value);
        literal->place = expr->place;
        *at = literal;
        return ST_OK;
    }
    if (expr->arg_count) TRY(fold_args(context, at, err));
    if (is_division(*at) && all_literals(*at)) {
        if (err) *err = failure;
        if (err) err->status = ST_VALIDATION;
        return ST_VALIDATION;
    }
    return ST_OK;
}
