// Aggregation in two phases: rows of a group fold into one where they are, before they go to the
// worker that owns the group. So a hot key costs its worker little, and few rows change hands.
//
// As Flink plans it: with mini-batch alone, unless 'table.optimizer.agg-phase-strategy' says
// ONE_PHASE, and only when every aggregate's states can be merged. AUTO is weir's to refine: the
// local phase then looks at what it saves, and stands aside where that is little
// (exec/local_agg.c).
#include <string.h>

#include "plan/rule.h"

static bool named(const AggCall *call, const char *const *names) {
    while (*names && strcmp(call->func->name, *names) != 0) names++;
    return *names;
}

static bool in_one_phase(const AggCall *call) {
    // Flink has no merge for these; weir's would show values in another order than they came.
    static const char *const ORDERED[] = {"FIRST_VALUE", "LAST_VALUE", "JSON_ARRAYAGG", NULL};
    // Mean and deviation of rows that cancel out in number say nothing: those cannot be merged.
    static const char *const DEVIATIONS[] = {"STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP",
                                             "$M2", NULL};
    static const char *const PERCENTILE[] = {"PERCENTILE", NULL};
    if (!call->impl->merge || call->func->flags & AGG_NO_MERGE || named(call, ORDERED)) return true;
    // The first row of a group says which percentage it is.
    if (named(call, PERCENTILE) && !call->literal[1]) return true;
    return call->retract && named(call, DEVIATIONS);
}

// Bound anew as calls whose states are merged; false when one cannot be.
static bool bind_merging(PlanContext *context, const Plan *agg, PlanAgg *out) {
    memcpy(out, agg->agg, agg->agg_count * sizeof *out);
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        const AggCall *old = agg->agg[i].call;
        if (in_one_phase(old)) return false;
        AggCall *call = arena_dup(context->arena, old, sizeof *old);
        call->merge = true;
        call->arg = arena_dup(context->arena, old->arg, (old->argc + 1) * sizeof *old->arg);
        if (agg_bind(call, old->func, NULL) || !call->impl->merge) return false;
        out[i].call = call;
    }
    return true;
}

static void split_phases(PlanContext *context, Plan *agg) {
    const uint32_t *key;
    uint32_t key_count;
    if (!plan_distribution(agg, 0, &key, &key_count) ||
        plan_spread_by(agg->input[0], key, key_count)) {
        return;  // no row changes hands
    }
    PlanAgg *merging = ARENA_ARRAY(context->arena, PlanAgg, agg->agg_count + 1);
    if (!bind_merging(context, agg, merging)) return;
    agg->agg = merging;
    Plan *input = agg->input[0];
    uint32_t columns = input->type->child_count;
    const Type **child = ARENA_ARRAY(context->arena, const Type *, columns + 1);
    Str *field = ARENA_ARRAY(context->arena, Str, columns + 1);
    memcpy(child, input->type->child, columns * sizeof *child);
    memcpy(field, input->type->field, columns * sizeof *field);
    child[columns] = type_of(TYPE_VARBINARY, true);
    field[columns] = STR("$partial");
    Plan *local = plan_new(context, PLAN_LOCAL_AGG,
                           type_row(context->arena, columns + 1, child, field, false), 1);
    local->input[0] = input;
    local->key = agg->key;
    local->key_count = agg->key_count;
    local->agg = agg->agg;
    local->agg_count = agg->agg_count;
    local->changes = input->changes;
    local->emit_before = input->emit_before;
    local->stable_id = agg->stable_id;  // its frames bear its own operator's name besides
    agg->input[0] = local;
}

static void visit(PlanContext *context, Plan *plan, uint8_t *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = 1;
    for (uint32_t i = 0; i < plan->input_count; i++) visit(context, plan->input[i], seen);
    if (plan->kind == PLAN_AGG) split_phases(context, plan);
}

void rule_phase(PlanContext *context, Plan **roots, uint32_t count) {
    const char *phase = config_get(context->config, "table.optimizer.agg-phase-strategy");
    bool mini = config_bool(context->config, "table.exec.mini-batch.enabled", false);
    if (context->batch || !mini || str_eq_nocase(str_c(phase), STR("ONE_PHASE"))) return;
    uint8_t *seen = ARENA_ARRAY(context->arena, uint8_t, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) visit(context, roots[i], seen);
}
