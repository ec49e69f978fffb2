#include "plan/monotonic.h"

static uint8_t *filled(Arena *arena, uint32_t count, Monotony value) {
    uint8_t *mono = arena_alloc(arena, count + 1);
    memset(mono, value, count + 1);
    return mono;
}

static bool all_constant(const uint8_t *mono, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (mono[i] != MONO_CONSTANT) return false;
    }
    return true;
}

static const Expr *without_casts(const Expr *expr) {
    while (expr->kind == EXPR_CAST) expr = expr->arg[0];
    return expr;
}

static const uint8_t *of_project(Arena *arena, const Plan *plan, const uint8_t *in) {
    uint8_t *mono = filled(arena, plan->type->child_count, MONO_CONSTANT);
    if (all_constant(in, plan->input[0]->type->child_count)) return mono;
    for (uint32_t i = 0; i < plan->type->child_count; i++) {
        const Expr *expr = without_casts(plan->expr[i]);
        mono[i] = expr->kind == EXPR_COLUMN ? in[expr->column] : MONO_NONE;
    }
    return mono;
}

// The first operand that is a column an update can change.
static const Expr *changing_operand(const Expr *call, const uint8_t *in) {
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const Expr *arg = without_casts(call->arg[i]);
        if (arg->kind == EXPR_COLUMN && in[arg->column] != MONO_CONSTANT) return arg;
    }
    return NULL;
}

// Whether an update can make a row fail [condition] that it passed before.
static bool can_fall_out(const Expr *condition, const uint8_t *in) {
    if (condition->kind == EXPR_COLUMN) return in[condition->column] != MONO_CONSTANT;
    if (condition->kind != EXPR_CALL) return false;
    const char *name = condition->call->func->name;
    if (!strcmp(name, "AND") || !strcmp(name, "OR") || !strcmp(name, "NOT") ||
        !strncmp(name, "IS ", 3)) {
        for (uint32_t i = 0; i < condition->arg_count; i++) {
            if (can_fall_out(condition->arg[i], in)) return true;
        }
        return false;
    }
    const Expr *changing = changing_operand(condition, in);
    if (!changing) return false;
    if (!strcmp(name, ">") || !strcmp(name, ">=")) return in[changing->column] != MONO_INCREASING;
    if (!strcmp(name, "<") || !strcmp(name, "<=")) return in[changing->column] != MONO_DECREASING;
    return !strcmp(name, "=") || !strcmp(name, "<>") || !strcmp(name, "IN") ||
           !strcmp(name, "NOT IN") || !strncmp(name, "BETWEEN", 7);
}

static const uint8_t *of_filter(Arena *arena, const Plan *plan, const uint8_t *in) {
    uint32_t count = plan->type->child_count;
    return can_fall_out(plan->condition, in) ? filled(arena, count, MONO_NONE) : in;
}

// ---- signs of values: a SUM of what is never negative only grows --------------------------------

enum { SIGN_NOT_NEGATIVE = 1, SIGN_NOT_POSITIVE = 2 };

static int sign_of_literal(const Expr *expr) {
    const Vec *value = expr->value;
    if (expr->kind != EXPR_LITERAL || vec_is_null(value, 0) || !type_is_numeric(expr->type))
        return 0;
    double number = value->phys == PHYS_I128  ? (double)vec_i128(value)[0]
                    : value->phys == PHYS_F64 ? vec_f64(value)[0]
                    : value->phys == PHYS_F32 ? (double)vec_f32(value)[0]
                                              : (double)vec_integer(value, 0);
    return (number >= 0 ? SIGN_NOT_NEGATIVE : 0) | (number <= 0 ? SIGN_NOT_POSITIVE : 0);
}

// What a conjunct "column op literal" says of the column.
static int sign_of_condition(const Expr *condition, uint32_t column) {
    if (condition->kind != EXPR_CALL || condition->arg_count != 2) return 0;
    const char *name = condition->call->func->name;
    if (!strcmp(name, "AND")) {
        return sign_of_condition(condition->arg[0], column) |
               sign_of_condition(condition->arg[1], column);
    }
    bool turned = condition->arg[0]->kind == EXPR_LITERAL;
    const Expr *left = without_casts(condition->arg[turned]), *right = condition->arg[!turned];
    if (left->kind != EXPR_COLUMN || left->column != column) return 0;
    int sign = sign_of_literal(right);
    if (!strcmp(name, "=")) return sign;
    if (name[0] == (turned ? '<' : '>') && name[1] != '>') return sign & SIGN_NOT_NEGATIVE;
    if (name[0] == (turned ? '>' : '<') && name[1] != '>') return sign & SIGN_NOT_POSITIVE;
    return 0;
}

static int sign_of_column(const Plan *plan, uint32_t column) {
    switch (plan->kind) {
        case PLAN_FILTER:
            return sign_of_condition(plan->condition, column) |
                   sign_of_column(plan->input[0], column);
        case PLAN_WATERMARK: return sign_of_column(plan->input[0], column);
        case PLAN_PROJECT: {
            const Expr *expr = without_casts(plan->expr[column]);
            if (expr->kind == EXPR_COLUMN) return sign_of_column(plan->input[0], expr->column);
            return sign_of_literal(expr);
        }
        case PLAN_AGG: {
            if (column < plan->key_count) return sign_of_column(plan->input[0], plan->key[column]);
            const PlanAgg *agg = &plan->agg[column - plan->key_count];
            const char *name = agg->call->func->name;
            if (!strcmp(name, "COUNT")) return SIGN_NOT_NEGATIVE;
            bool keeps = !strcmp(name, "SUM") || !strcmp(name, "MAX") || !strcmp(name, "MIN");
            return keeps ? sign_of_column(plan->input[0], agg->arg[0]) : 0;
        }
        default: return 0;
    }
}

static Monotony of_agg_call(const Plan *plan, const PlanAgg *agg, const uint8_t *in,
                            bool input_updates) {
    const char *name = agg->call->func->name;
    if (!strcmp(name, "COUNT")) return MONO_INCREASING;
    if (!strcmp(name, "SUM") && !input_updates) {
        int sign = sign_of_column(plan->input[0], agg->arg[0]);
        return sign & SIGN_NOT_NEGATIVE   ? MONO_INCREASING
               : sign & SIGN_NOT_POSITIVE ? MONO_DECREASING
                                          : MONO_NONE;
    }
    Monotony mono = !strcmp(name, "MAX")   ? MONO_INCREASING
                    : !strcmp(name, "MIN") ? MONO_DECREASING
                                           : MONO_NONE;
    if (!input_updates) return mono;
    return agg->call->argc == 1 && in[agg->arg[0]] == mono ? mono : MONO_NONE;
}

static const uint8_t *of_agg(Arena *arena, const Plan *plan, const uint8_t *in) {
    bool updates = !all_constant(in, plan->input[0]->type->child_count);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (in[plan->key[i]] != MONO_CONSTANT) return NULL;
    }
    uint8_t *mono = filled(arena, plan->type->child_count, MONO_CONSTANT);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        mono[plan->key_count + i] = (uint8_t)of_agg_call(plan, &plan->agg[i], in, updates);
    }
    return mono;
}

static const uint8_t *of_join(Arena *arena, const Plan *plan) {
    const uint8_t *left = plan_monotony(arena, plan->input[0]);
    const uint8_t *right = plan_monotony(arena, plan->input[1]);
    // Padded rows are taken back when a match comes, and so are those of ANTI.
    bool inner = plan->join == JOIN_TYPE_INNER || plan->join == JOIN_TYPE_SEMI;
    if (!left || !right || !inner) return NULL;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (left[plan->key[i]] != MONO_CONSTANT || right[plan->right_key[i]] != MONO_CONSTANT) {
            return NULL;
        }
    }
    uint32_t lefts = plan->input[0]->type->child_count, rights = plan->input[1]->type->child_count;
    bool updates = !all_constant(left, lefts) || !all_constant(right, rights);
    if (updates && plan->condition) return NULL;
    if (plan->join == JOIN_TYPE_SEMI) return left;
    uint8_t *mono = filled(arena, lefts + rights, MONO_CONSTANT);
    memcpy(mono, left, lefts);
    memcpy(mono + lefts, right, rights);
    return mono;
}

static const uint8_t *of_union(Arena *arena, const Plan *plan) {
    const uint8_t *first = plan_monotony(arena, plan->input[0]);
    uint32_t count = plan->type->child_count;
    bool same = true;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const uint8_t *mono = plan_monotony(arena, plan->input[i]);
        if (!mono) return NULL;
        same = same && memcmp(mono, first, count) == 0;
    }
    return same ? first : filled(arena, count, MONO_NONE);
}

// The partition and the rank stay; the first order key moves towards the front.
static const uint8_t *of_rank(Arena *arena, const Plan *plan, const uint8_t *in) {
    uint32_t columns = plan->input[0]->type->child_count;
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (in[plan->key[i]] != MONO_CONSTANT) return NULL;
    }
    uint8_t *mono = filled(arena, plan->type->child_count, MONO_NONE);
    for (uint32_t i = 0; i < plan->key_count; i++) mono[plan->key[i]] = MONO_CONSTANT;
    if (plan->rank_output) mono[columns] = MONO_CONSTANT;
    if (!plan->order_count) return mono;
    const OrderKey *first = &plan->order[0];
    uint8_t was = in[first->column];
    if (plan->input[0]->type->child[first->column]->attribute != TIME_NONE) was = MONO_INCREASING;
    bool up = was == MONO_INCREASING || was == MONO_CONSTANT;
    bool down = was == MONO_DECREASING || was == MONO_CONSTANT;
    mono[first->column] = up && first->descending      ? MONO_INCREASING
                          : down && !first->descending ? MONO_DECREASING
                                                       : MONO_NONE;
    return mono;
}

const uint8_t *plan_monotony(Arena *arena, const Plan *plan) {
    uint32_t count = plan->type->child_count;
    const uint8_t *in = NULL;
    if (plan->input_count == 1) {
        in = plan_monotony(arena, plan->input[0]);
        if (!in) return NULL;
    }
    switch (plan->kind) {
        case PLAN_SCAN:
        case PLAN_VALUES:
            return filled(arena, count, plan->changes == CHANGE_INSERT ? MONO_CONSTANT : MONO_NONE);
        case PLAN_PROJECT: return of_project(arena, plan, in);
        case PLAN_FILTER: return of_filter(arena, plan, in);
        case PLAN_AGG: return of_agg(arena, plan, in);
        case PLAN_RANK:
        case PLAN_DEDUP: return of_rank(arena, plan, in);
        case PLAN_JOIN: return of_join(arena, plan);
        case PLAN_UNION: return of_union(arena, plan);
        case PLAN_OVER:
            // By time it only adds; in any other order it corrects the rows behind.
            if (plan->changes == CHANGE_INSERT) return filled(arena, count, MONO_CONSTANT);
            return plan->changes & CHANGE_DELETE ? NULL : filled(arena, count, MONO_NONE);
        case PLAN_INTERVAL_JOIN: return filled(arena, count, MONO_CONSTANT);
        case PLAN_WATERMARK:
        case PLAN_EXPAND:
        case PLAN_DROP_BEFORE:
        case PLAN_LOOKUP_JOIN:
        case PLAN_UNNEST:
        case PLAN_APPLY:
        case PLAN_PREDICT:
        case PLAN_VECTOR_SEARCH:
        case PLAN_TABLE_FUNC: {
            bool constant = all_constant(in, plan->input[0]->type->child_count);
            return filled(arena, count, constant ? MONO_CONSTANT : MONO_NONE);
        }
        default: return NULL;
    }
}
