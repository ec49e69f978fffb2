// Aggregates that need no state.
//
// Over groups of one row each, because the keys hold a unique key of the input, SUM, MIN and MAX
// are their argument: the aggregation is a projection, and passes updates on as updates.
//
// Over an input that is known to be empty, a total is known too: one row, which Flink computes
// while planning; over one that merely turns out empty, a stream gives no row at all. What is known
// to be empty is cut off as a whole, before anybody looks whether it could run.
#include "plan/keys.h"
#include "plan/never.h"
#include "plan/rule.h"

static bool agg_is(const PlanAgg *agg, const char *name) {
    return str_eq(agg->name, str_c(name));
}

// Whether some group key is a column as the input has it, through the projections at its top.
// Of keys that are computed Flink does not know whether they tell even single rows apart.
static bool groups_by_column(const Plan *agg) {
    for (uint32_t i = 0; i < agg->key_count; i++) {
        const Plan *plan = agg->input[0];
        uint32_t column = agg->key[i];
        for (;; plan = plan->input[0]) {
            if (plan->kind == PLAN_FILTER) continue;
            if (plan->kind != PLAN_PROJECT) return true;
            const Expr *expr = plan->expr[column];
            while (expr->kind == EXPR_CAST) expr = expr->arg[0];
            if (expr->kind != EXPR_COLUMN) break;
            column = expr->column;
        }
    }
    return false;
}

static bool keys_are_unique(PlanContext *context, const Plan *agg) {
    const Plan *input = agg->input[0], *below = input;
    while (below->kind == PLAN_PROJECT || below->kind == PLAN_FILTER) below = below->input[0];
    if (below->kind == PLAN_WATERMARK) return false;  // Flink sees no keys through it here
    if (below->kind == PLAN_VALUES && below->row_count == 1 && !agg->agg_count) return true;
    uint32_t columns = input->type->child_count;
    const PlanKeys *keys = plan_keys(context->arena, input);
    uint64_t *grouped = ARENA_ARRAY(context->arena, uint64_t, BITS_WORDS(columns + 1));
    for (uint32_t i = 0; i < agg->key_count; i++) bits_set(grouped, agg->key[i]);
    for (uint32_t k = 0; k < keys->count; k++) {
        bool inside = true;
        for (size_t w = 0; w < BITS_WORDS(columns + 1) && inside; w++) {
            inside = !(keys->set[k][w] & ~grouped[w]);
        }
        if (inside) return !agg->agg_count || groups_by_column(agg);
    }
    return false;
}

// Whether the aggregate of one row is its argument.
static bool is_argument(const PlanAgg *agg) {
    return agg->filter < 0 && agg->call->argc == 1 &&
           (agg_is(agg, "SUM") || agg_is(agg, "MIN") || agg_is(agg, "MAX"));
}

static void remove_agg(PlanContext *context, Plan *agg) {
    if (!agg->key_count) return;
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        if (!is_argument(&agg->agg[i])) return;
    }
    if (!keys_are_unique(context, agg)) return;
    Arena *arena = context->arena;
    Expr **expr = ARENA_ARRAY(arena, Expr *, agg->type->child_count + 1);
    const Plan *input = agg->input[0];
    for (uint32_t i = 0; i < agg->type->child_count; i++) {
        uint32_t column = i < agg->key_count ? agg->key[i] : agg->agg[i - agg->key_count].arg[0];
        expr[i] = expr_column(arena, column, input->type->child[column]);
        if (i < agg->key_count) expr[i]->type = agg->type->child[i];
        else expr[i] = expr_cast(arena, expr[i], agg->type->child[i], false);
    }
    agg->kind = PLAN_PROJECT;
    agg->expr = expr;
    agg->key_count = agg->agg_count = 0;
}

// What has been found out about the plans, by their ids: a sub-plan may have many readers, and each
// of them many in turn, so that looking again would take for ever.
typedef struct Look {
    uint8_t *seen;   // visited
    uint8_t *empty;  // 0: not looked at yet, else EMPTY_…
    uint32_t ids;
    Arena *arena;
} Look;

enum { EMPTY_NO = 1, EMPTY_YES };

static bool look_empty(Look *look, const Plan *plan);

static bool is_empty(Look *look, const Plan *plan) {
    if (plan->id >= look->ids) return look_empty(look, plan);  // made here
    uint8_t *known = &look->empty[plan->id];
    if (!*known) *known = look_empty(look, plan) ? EMPTY_YES : EMPTY_NO;
    return *known == EMPTY_YES;
}

static bool look_empty(Look *look, const Plan *plan) {
    switch (plan->kind) {
        case PLAN_VALUES: return !plan->row_count;
        case PLAN_FILTER:
            if (expr_is_never(look->arena, plan->condition)) return true;
            return is_empty(look, plan->input[0]);
        case PLAN_LIMIT: return plan->fetch == 0 || is_empty(look, plan->input[0]);
        case PLAN_AGG: return plan->key_count && is_empty(look, plan->input[0]);
        case PLAN_PROJECT:
        case PLAN_SORT: return is_empty(look, plan->input[0]);
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
            switch (plan->join) {
                case JOIN_TYPE_INNER:
                case JOIN_TYPE_SEMI:
                    if (plan->condition && expr_is_never(look->arena, plan->condition)) return true;
                    return is_empty(look, plan->input[0]) || is_empty(look, plan->input[1]);
                case JOIN_TYPE_LEFT:
                case JOIN_TYPE_ANTI: return is_empty(look, plan->input[0]);
                case JOIN_TYPE_RIGHT: return is_empty(look, plan->input[1]);
                case JOIN_TYPE_FULL:
                    return is_empty(look, plan->input[0]) && is_empty(look, plan->input[1]);
            }
            return false;
        case PLAN_UNION:
            for (uint32_t i = 0; i < plan->input_count; i++) {
                if (!is_empty(look, plan->input[i])) return false;
            }
            return true;
        default: return false;
    }
}

// [first]: the column of the first aggregate; those before it are read by nobody.
static void compute_total(PlanContext *context, Look *look, Plan *agg, uint32_t first) {
    static const char *const NONE[] = {"SUM", "MIN", "MAX", "AVG"};
    if (agg->key_count || !is_empty(look, agg->input[0])) return;
    Vec **value = ARENA_ARRAY(context->arena, Vec *, first + agg->agg_count + 1);
    for (uint32_t i = 0; i < first + agg->agg_count; i++) {
        value[i] = vec_new(context->arena, agg->type->child[i], 1);
    }
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        bool known = agg_is(&agg->agg[i], "COUNT");
        if (known) {
            vec_i64(value[first + i])[0] = 0;
            continue;
        }
        for (size_t n = 0; n < sizeof NONE / sizeof *NONE; n++) {
            known |= agg_is(&agg->agg[i], NONE[n]);
        }
        if (!known) return;
        vec_set_null(value[first + i], 0);
    }
    agg->kind = PLAN_VALUES;
    agg->values = (const Vec **)value;
    agg->row_count = 1;
    agg->input_count = 0;
    agg->agg_count = 0;
}

// A window of the old kind is no key to Flink: GROUP BY it alone, over nothing, gives a total, too,
// unless [project] reads a property of the window, for which Flink then has no value.
static void compute_windowed(PlanContext *context, Look *look, const Plan *project) {
    Plan *agg = project->input[0];
    uint64_t *used =
        ARENA_ARRAY(context->arena, uint64_t, BITS_WORDS(agg->type->child_count + 1));
    for (uint32_t i = 0; i < project->type->child_count; i++) expr_columns(project->expr[i], used);
    for (; agg->kind == PLAN_FILTER; agg = agg->input[0]) expr_columns(agg->condition, used);
    if (agg->kind != PLAN_WINDOW_AGG || !agg->window->legacy) return;
    for (uint32_t i = 0; i < agg->prop_count; i++) {
        if (bits_get(used, agg->key_count + i)) return;
    }
    compute_total(context, look, agg, agg->prop_count);
}

static Plan *no_rows(PlanContext *context, const Type *type) {
    Plan *none = plan_new(context, PLAN_VALUES, type, 0);
    none->values = ARENA_ARRAY(context->arena, const Vec *, type->child_count + 1);
    for (uint32_t i = 0; i < type->child_count; i++) {
        none->values[i] = vec_new(context->arena, type->child[i], 0);
    }
    return none;
}

// Whether no row of an input meets one of the other, which passes padded all the same.
static bool never_meets(Look *look, const Plan *plan, uint32_t input) {
    if (plan->kind != PLAN_JOIN || !plan->condition) return false;
    if (plan->join != (input ? JOIN_TYPE_LEFT : JOIN_TYPE_RIGHT)) return false;
    return expr_is_never(look->arena, plan->condition);
}

static void visit(PlanContext *context, Look *look, Plan *plan) {
    if (look->seen[plan->id]) return;
    look->seen[plan->id] = 1;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (plan->input[i]->kind == PLAN_VALUES) continue;
        if (is_empty(look, plan->input[i]) || never_meets(look, plan, i)) {
            plan->input[i] = no_rows(context, plan->input[i]->type);
        } else {
            visit(context, look, plan->input[i]);
        }
    }
    if (plan->kind == PLAN_PROJECT) compute_windowed(context, look, plan);
    if (plan->kind != PLAN_AGG) return;
    remove_agg(context, plan);
    if (plan->kind == PLAN_AGG) compute_total(context, look, plan, 0);
}

void rule_agg(PlanContext *context, Plan **roots, uint32_t count) {
    Look look = {.ids = context->next_id + 1, .arena = context->arena};
    look.seen = ARENA_ARRAY(context->arena, uint8_t, look.ids);
    look.empty = ARENA_ARRAY(context->arena, uint8_t, look.ids);
    for (uint32_t i = 0; i < count; i++) visit(context, &look, roots[i]);
}
