#include "plan/keys.h"

#include "base/bits.h"

static uint64_t *key_new(Arena *arena, const Plan *plan) {
    return ARENA_ARRAY(arena, uint64_t, BITS_WORDS(plan->type->child_count + 1));
}

static PlanKeys *keys_new(Arena *arena, uint32_t cap) {
    PlanKeys *keys = ARENA_NEW(arena, PlanKeys);
    keys->set = ARENA_ARRAY(arena, uint64_t *, cap + 1);
    return keys;
}

// The keys of the input whose columns all pass a projection as they are.
static PlanKeys *of_project(Arena *arena, const Plan *plan) {
    const PlanKeys *in = plan_keys(arena, plan->input[0]);
    PlanKeys *out = keys_new(arena, in->count);
    uint32_t columns = plan->input[0]->type->child_count;
    for (uint32_t k = 0; k < in->count; k++) {
        uint64_t *set = key_new(arena, plan);
        bool whole = true;
        for (uint32_t c = 0; c < columns && whole; c++) {
            if (!bits_get(in->set[k], c)) continue;
            uint32_t to = 0;
            while (to < plan->type->child_count &&
                   !(plan->expr[to]->kind == EXPR_COLUMN && plan->expr[to]->column == c)) {
                to++;
            }
            whole = to < plan->type->child_count;
            if (whole) bits_set(set, to);
        }
        if (whole) out->set[out->count++] = set;
    }
    return out;
}

static PlanKeys *of_columns(Arena *arena, const Plan *plan, const uint32_t *column,
                            uint32_t count) {
    PlanKeys *out = keys_new(arena, 1);
    out->set[out->count] = key_new(arena, plan);
    for (uint32_t i = 0; i < count; i++) bits_set(out->set[out->count], column[i]);
    out->count++;
    return out;
}

static PlanKeys *of_first(Arena *arena, const Plan *plan, uint32_t count) {
    uint32_t *column = ARENA_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) column[i] = i;
    return of_columns(arena, plan, column, count);
}

// The input's own keys, and the partition with the rank, or alone where the rank is one.
static PlanKeys *of_rank(Arena *arena, const Plan *plan) {
    const PlanKeys *in = plan_keys(arena, plan->input[0]);
    PlanKeys *out = keys_new(arena, in->count + 1);
    bool one = plan->rank_start == plan->rank_end && !plan->rank_kind;
    if (plan->kind == PLAN_DEDUP || one || (plan->rank_output && !plan->rank_kind)) {
        uint64_t *set = out->set[out->count++] = key_new(arena, plan);
        for (uint32_t i = 0; i < plan->key_count; i++) bits_set(set, plan->key[i]);
        if (!one && plan->rank_output) bits_set(set, plan->input[0]->type->child_count);
    }
    for (uint32_t k = 0; k < in->count; k++) {
        uint64_t *set = out->set[out->count++] = key_new(arena, plan);
        memcpy(set, in->set[k], BITS_WORDS(plan->input[0]->type->child_count) * sizeof *set);
    }
    return out;
}

const PlanKeys *plan_keys(Arena *arena, const Plan *plan) {
    switch (plan->kind) {
        case PLAN_SCAN: {
            const TableDesc *desc = plan->desc;
            if (!desc || !desc->primary_key_count) break;
            PlanKeys *out = keys_new(arena, 1);
            out->set[0] = key_new(arena, plan);
            for (uint32_t i = 0; i < desc->primary_key_count; i++) {
                Str name = desc->physical->field[desc->primary_key[i]];
                uint32_t c = 0;
                while (c < plan->type->child_count && !str_eq(plan->type->field[c], name)) c++;
                if (c == plan->type->child_count) return out;  // pruned away
                bits_set(out->set[0], c);
            }
            out->count = 1;
            return out;
        }
        case PLAN_PROJECT: return of_project(arena, plan);
        case PLAN_FILTER:
        case PLAN_WATERMARK:
        case PLAN_DROP_BEFORE:
        case PLAN_NORMALIZE:
        case PLAN_SORT:
        case PLAN_LIMIT: return plan_keys(arena, plan->input[0]);
        case PLAN_AGG: return of_first(arena, plan, plan->key_count);
        case PLAN_RANK:
        case PLAN_DEDUP: return of_rank(arena, plan);
        default: break;
    }
    return keys_new(arena, 0);
}
