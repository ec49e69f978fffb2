// Where rows are: which worker an operator wants them at, and whether they are there already. An
// exchange stands wherever the answer is no and there is more than one worker.
#include <string.h>

#include "plan/plan.h"

bool plan_distribution(const Plan *plan, uint32_t input, const uint32_t **key, uint32_t *count) {
    *key = NULL;
    *count = 0;
    switch (plan->kind) {
        case PLAN_COLLECT:
        case PLAN_SORT:
        case PLAN_EVALUATE:
        case PLAN_LIMIT: return true;
        case PLAN_AGG:
        case PLAN_WINDOW_AGG:
        case PLAN_RANK:
        case PLAN_DEDUP:
        case PLAN_WINDOW_RANK:
        case PLAN_OVER:
        case PLAN_MATCH:
        case PLAN_NORMALIZE:
        case PLAN_MATERIALIZE: *key = plan->key; break;
        case PLAN_PROCESS:
            if (!(plan->process->udf->def->flags & WEIR_SET_SEMANTICS)) return false;
            *key = plan->process->table[input].key;
            break;
        case PLAN_WINDOW_TVF:
            if (plan->window->kind != WINDOW_SESSION) return false;
            *key = plan->window->partition;
            *count = plan->window->partition_count;
            return true;
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
        case PLAN_TEMPORAL_JOIN:
        case PLAN_WINDOW_JOIN: *key = input ? plan->right_key : plan->key; break;
        default: return false;
    }
    *count = plan->key_count;
    return true;
}

static bool same_columns(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count) {
    return a_count == b_count && !memcmp(a, b, b_count * sizeof *b);
}

// Matched rows have equal keys on both sides; a side that an outer join pads with NULLs says
// nothing.
static bool join_spread_by(const Plan *plan, const uint32_t *key, uint32_t count) {
    uint32_t left_columns = plan->input[0]->type->child_count;
    bool left = plan->join != JOIN_TYPE_RIGHT && plan->join != JOIN_TYPE_FULL;
    bool right = plan->join == JOIN_TYPE_INNER || plan->join == JOIN_TYPE_RIGHT;
    if (count != plan->key_count) return false;
    for (uint32_t k = 0; k < count; k++) {
        left &= key[k] == plan->key[k];
        right &= key[k] == left_columns + plan->right_key[k];
    }
    return left || right;
}

// Only the very same columns in the same order count: so an operator's state always lies where the
// hash of its whole key says.
bool plan_spread_by(const Plan *plan, const uint32_t *key, uint32_t count) {
    uint32_t mapped[16];
    if (!count || count > sizeof mapped / sizeof *mapped) return false;
    for (uint32_t k = 0; k < count; k++) mapped[k] = key[k];
    switch (plan->kind) {
        case PLAN_PROJECT:
            for (uint32_t k = 0; k < count; k++) {
                const Expr *expr = plan->expr[key[k]];
                if (expr->kind != EXPR_COLUMN) return false;
                mapped[k] = expr->column;
            }
            return plan_spread_by(plan->input[0], mapped, count);
        case PLAN_FILTER:
        case PLAN_WATERMARK:
        case PLAN_LOCAL_AGG:
        case PLAN_DROP_BEFORE: return plan_spread_by(plan->input[0], key, count);
        case PLAN_RANK:
        case PLAN_DEDUP:
        case PLAN_WINDOW_RANK:
        case PLAN_OVER:
        case PLAN_NORMALIZE:  // the input's columns come first
            return same_columns(plan->key, plan->key_count, key, count);
        case PLAN_AGG:
        case PLAN_WINDOW_AGG:  // so do the keys
            for (uint32_t k = 0; k < count; k++) mapped[k] = k;
            return count == plan->key_count && same_columns(mapped, count, key, count);
        case PLAN_JOIN:
        case PLAN_INTERVAL_JOIN:
        case PLAN_TEMPORAL_JOIN:
        case PLAN_WINDOW_JOIN: return join_spread_by(plan, key, count);
        default: return false;
    }
}
