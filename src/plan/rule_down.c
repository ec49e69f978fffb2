// Filters go down as far as Flink brings them: through projections, UNION and the keys of
// aggregations, to either side of a join, out of a join's condition, below UNNEST. Where nothing of
// an outer join's padding passes, the join becomes an inner one.
//
// Less comes to be joined and grouped so. And what may be asked of a rank depends on it: a
// condition that meets a ROW_NUMBER there is one with the condition on its rank (rule_rank.c), and
// some that Flink cannot put together it refuses (Calcite's FilterJoinRule,
// FilterAggregateTransposeRule, FilterSetOpTransposeRule).
#include "plan/rule.h"

// A statement may read one plan in very many ways: each filter copies the nodes on its way.
enum { NODES_MAX = 20000 };

typedef struct Down {
    PlanContext *context;
    PlanMemo memo;
    uint32_t made;  // nodes
} Down;

static Plan *down(Down *self, Plan *plan, Expr *condition);

static Plan *copy_of(Down *self, const Plan *plan) {
    Plan *copy = arena_dup(self->context->arena, plan, sizeof *plan);
    copy->id = ++self->context->next_id;
    copy->input = arena_dup(self->context->arena, plan->input,
                            (plan->input_count + 1) * sizeof *plan->input);
    self->made++;
    return copy;
}

static void add(Down *self, Expr **condition, Expr *part) {
    *condition = expr_and(self->context->arena, self->context->env, *condition, part);
}

static bool all_deterministic(const Plan *project) {
    for (uint32_t i = 0; i < project->type->child_count; i++) {
        if (!expr_is_deterministic(project->expr[i])) return false;
    }
    return true;
}

static Plan *below_project(Down *self, Plan *plan, Expr *condition) {
    if (!all_deterministic(plan)) return plan_filter(self->context, plan, condition);
    Plan *copy = copy_of(self, plan);
    Expr *below = expr_substitute(self->context->arena, condition, plan->expr);
    copy->input[0] = down(self, plan->input[0], below);
    return copy;
}

static Plan *below_union(Down *self, Plan *plan, Expr *condition) {
    if (!expr_is_deterministic(condition)) return plan_filter(self->context, plan, condition);
    Plan *copy = copy_of(self, plan);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        copy->input[i] = down(self, plan->input[i], condition);
    }
    return copy;
}

// The columns of [plan] that are columns of its input: map[i] is which, [kept] says whether. Of
// what reads others nothing is known below.
static Plan *below_kept(Down *self, Plan *plan, Expr *condition, const uint32_t *map,
                        const bool *kept) {
    Arena *arena = self->context->arena;
    uint32_t columns = plan->type->child_count;
    Conjuncts parts = {0};
    Expr *below = NULL, *above = NULL;
    expr_split_and(arena, condition, &parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        uint64_t *used = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(columns + 1));
        bool goes = expr_is_deterministic(parts.at[i]), reads = false;
        expr_columns(parts.at[i], used);
        for (uint32_t c = 0; c < columns; c++) {
            reads |= bits_get(used, c);
            goes &= !bits_get(used, c) || kept[c];
        }
        if (goes && reads) add(self, &below, expr_renumber(arena, parts.at[i], map));
        else add(self, &above, parts.at[i]);
    }
    if (!below) return plan_filter(self->context, plan, above);
    Plan *copy = copy_of(self, plan);
    copy->input[0] = down(self, plan->input[0], below);
    return plan_filter(self->context, copy, above);
}

static Plan *below_agg(Down *self, Plan *plan, Expr *condition) {
    Arena *arena = self->context->arena;
    uint32_t columns = plan->type->child_count;
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, columns + 1);
    bool *kept = ARENA_ARRAY(arena, bool, columns + 1);
    for (uint32_t i = 0; i < plan->key_count; i++) {
        map[i] = plan->key[i];
        kept[i] = true;
    }
    return below_kept(self, plan, condition, map, kept);
}

// UNNEST and grouping sets: the input's columns come first; of the latter those that all sets keep.
static Plan *below_rows(Down *self, Plan *plan, Expr *condition) {
    Arena *arena = self->context->arena;
    uint32_t columns = plan->type->child_count;
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, columns + 1);
    bool *kept = ARENA_ARRAY(arena, bool, columns + 1);
    for (uint32_t i = 0; i < plan->input[0]->type->child_count; i++) {
        map[i] = i;
        kept[i] = true;
        for (uint32_t s = 0; plan->kind == PLAN_EXPAND && s < plan->set_count; s++) {
            kept[i] &= plan->keep[s][i] != 0;
        }
    }
    return below_kept(self, plan, condition, map, kept);
}

// ---- joins -------------------------------------------------------------------------------------

// The columns of one side of a join.
typedef struct Side {
    uint32_t from, to;
} Side;

// Whether [expr] is NULL where all columns of [side] are: as much of it as Calcite's Strong knows.
static bool is_null_for(const Expr *expr, Side side) {
    static const char *const NAMES[] = {"=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "NOT"};
    if (expr->kind == EXPR_COLUMN) return expr->column >= side.from && expr->column < side.to;
    if (expr->kind == EXPR_LITERAL) return vec_is_null(expr->value, 0);
    bool strong = expr->kind == EXPR_CAST && !expr->try_cast;
    for (size_t i = 0; expr->kind == EXPR_CALL && i < sizeof NAMES / sizeof *NAMES; i++) {
        strong |= strcmp(expr->call->func->name, NAMES[i]) == 0;
    }
    for (uint32_t i = 0; strong && i < expr->arg_count; i++) {
        if (is_null_for(expr->arg[i], side)) return true;
    }
    return false;
}

// Whether no row passes [expr] in which all columns of [side] are NULL.
static bool drops_nulls(const Expr *expr, Side side) {
    if (expr->kind != EXPR_CALL) return is_null_for(expr, side);
    const char *name = expr->call->func->name;
    if (strcmp(name, "IS NOT NULL") == 0) return is_null_for(expr->arg[0], side);
    if (strcmp(name, "AND") != 0 && strcmp(name, "OR") != 0) return is_null_for(expr, side);
    bool any = false, all = true;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        bool drops = drops_nulls(expr->arg[i], side);
        any |= drops;
        all &= drops;
    }
    return name[0] == 'A' ? any : all;
}

static JoinType inner_by(JoinType type, bool left_padding_goes, bool right_padding_goes) {
    bool left = type == JOIN_TYPE_RIGHT || type == JOIN_TYPE_FULL;
    bool right = type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL;
    left &= !left_padding_goes;
    right &= !right_padding_goes;
    return left ? (right ? JOIN_TYPE_FULL : JOIN_TYPE_RIGHT)
                : (right ? JOIN_TYPE_LEFT : JOIN_TYPE_INNER);
}

static bool is_half(JoinType type) {
    return type == JOIN_TYPE_SEMI || type == JOIN_TYPE_ANTI;
}

static Expr *of_right(Arena *arena, const Expr *expr, uint32_t left_columns, uint32_t columns) {
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, columns + 1);
    for (uint32_t i = left_columns; i < columns; i++) map[i] = i - left_columns;
    return expr_renumber(arena, expr, map);
}

// Takes what reads one side alone out of a join's own condition, where that does not change what
// is padded or kept.
static void split_condition(Down *self, Plan *join, Expr *own[3]) {
    Arena *arena = self->context->arena;
    uint32_t left_columns = join->input[0]->type->child_count;
    uint32_t columns = left_columns + join->input[1]->type->child_count;
    JoinType type = join->join;
    bool left = type == JOIN_TYPE_INNER || type == JOIN_TYPE_SEMI || type == JOIN_TYPE_RIGHT;
    bool right = type != JOIN_TYPE_RIGHT && type != JOIN_TYPE_FULL;
    if (!join->condition) return;
    Conjuncts parts = {0};
    expr_split_and(arena, join->condition, &parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        Expr *part = parts.at[i];
        unsigned sides = expr_is_deterministic(part) ? expr_sides(part, left_columns) : 3;
        if (sides == 1 && left) {
            add(self, &own[0], part);
        } else if (sides == 2 && right) {
            add(self, &own[1], of_right(arena, part, left_columns, columns));
        } else {
            add(self, &own[2], part);
        }
    }
}

// An outer join whose type became another keeps the row that is known of it: what was padded may
// still be NULL to those above.
static Plan *retyped(Down *self, Plan *join, const Type *was, JoinType type) {
    Arena *arena = self->context->arena;
    uint32_t left_columns = join->input[0]->type->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, was->child_count + 1);
    Expr **expr = ARENA_ARRAY(arena, Expr *, was->child_count + 1);
    for (uint32_t i = 0; i < was->child_count; i++) {
        bool from_left = i < left_columns;
        bool padded = from_left ? type == JOIN_TYPE_RIGHT || type == JOIN_TYPE_FULL
                                : type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL;
        const Type *in = from_left ? join->input[0]->type->child[i]
                                   : join->input[1]->type->child[i - left_columns];
        child[i] = padded ? was->child[i] : type_nullable(arena, was->child[i], in->nullable);
        expr[i] = expr_column(arena, i, was->child[i]);
    }
    join->join = type;
    join->type = type_row(arena, was->child_count, child, was->field, false);
    Plan *project = plan_new(self->context, PLAN_PROJECT, was, 1);
    project->input[0] = join;
    project->expr = expr;
    return project;
}

static Plan *below_join(Down *self, Plan *plan, Expr *condition) {
    Arena *arena = self->context->arena;
    uint32_t left_columns = plan->input[0]->type->child_count;
    uint32_t columns = left_columns + plan->input[1]->type->child_count;
    const Side left = {0, left_columns}, right = {left_columns, columns};
    bool left_goes = false, right_goes = false;
    Conjuncts parts = {0};
    expr_split_and(arena, condition, &parts);
    for (uint32_t i = 0; i < parts.count && !is_half(plan->join); i++) {
        left_goes |= drops_nulls(parts.at[i], left);
        right_goes |= drops_nulls(parts.at[i], right);
    }
    JoinType type = is_half(plan->join) ? plan->join : inner_by(plan->join, left_goes, right_goes);
    Expr *own[3] = {NULL, NULL, NULL};
    for (uint32_t i = 0; i < parts.count; i++) {
        Expr *part = parts.at[i];
        unsigned sides = expr_is_deterministic(part) ? expr_sides(part, left_columns) : 3;
        if (sides == 1 && type != JOIN_TYPE_RIGHT && type != JOIN_TYPE_FULL) {
            add(self, &own[0], part);
        } else if (sides == 2 && (type == JOIN_TYPE_INNER || type == JOIN_TYPE_RIGHT)) {
            add(self, &own[1], of_right(arena, part, left_columns, columns));
        } else {
            add(self, &own[2], part);
        }
    }
    if (!own[0] && !own[1] && type == plan->join) {
        return plan_filter(self->context, plan, condition);
    }
    Plan *join = copy_of(self, plan);
    for (uint32_t i = 0; i < 2; i++) {
        if (own[i]) join->input[i] = down(self, plan->input[i], own[i]);
    }
    Plan *top = type == plan->join ? join : retyped(self, join, plan->type, type);
    return plan_filter(self->context, top, own[2]);
}

// ---- the walk ----------------------------------------------------------------------------------

// [plan] without the rows that do not pass [condition].
static Plan *down(Down *self, Plan *plan, Expr *condition) {
    PlanContext *context = self->context;
    if (self->made >= NODES_MAX) return plan_filter(context, plan, condition);
    switch (plan->kind) {
        case PLAN_FILTER: {
            Expr *both = expr_and(context->arena, context->env, plan->condition, condition);
            return down(self, plan->input[0], both);
        }
        case PLAN_PROJECT: return below_project(self, plan, condition);
        case PLAN_UNION: return below_union(self, plan, condition);
        case PLAN_AGG: return below_agg(self, plan, condition);
        case PLAN_UNNEST:
        case PLAN_EXPAND: return below_rows(self, plan, condition);
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN: return below_join(self, plan, condition);
        default: return plan_filter(context, plan, condition);
    }
}

static Plan *walk(Down *self, Plan *plan) {
    uint32_t id = plan->id;
    if (id < self->memo.cap && self->memo.to[id]) return self->memo.to[id];
    Plan *made = plan;
    if (plan->kind == PLAN_FILTER) {
        made = down(self, plan->input[0], plan->condition);
        // One that stays where it is is done with; what it came through may have filters below.
        if (made->kind == PLAN_FILTER && made->input[0] == plan->input[0]) made = plan;
    }
    bool join = made->kind == PLAN_JOIN || made->kind == PLAN_INTERVAL_JOIN;
    Expr *own[3] = {NULL, NULL, NULL};
    if (join) split_condition(self, made, own);
    if (own[0] || own[1]) {
        made->condition = own[2];
        for (uint32_t i = 0; i < 2; i++) {
            if (own[i]) made->input[i] = down(self, made->input[i], own[i]);
        }
    }
    for (uint32_t i = 0; i < made->input_count; i++) made->input[i] = walk(self, made->input[i]);
    if (id < self->memo.cap) self->memo.to[id] = made;
    return made;
}

void rule_down(PlanContext *context, Plan **roots, uint32_t count) {
    Down self = {.context = context, .memo = plan_memo(context)};
    for (uint32_t i = 0; i < count; i++) roots[i] = walk(&self, roots[i]);
}
