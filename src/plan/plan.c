#include "plan/plan.h"

#include "plan/bind.h"

static const char *const KIND_NAMES[PLAN_KIND_COUNT_] = {
    [PLAN_SCAN] = "TableSourceScan",   [PLAN_VALUES] = "Values",       [PLAN_PROJECT] = "Calc",
    [PLAN_FILTER] = "Calc",            [PLAN_WATERMARK] = "WatermarkAssigner",
    [PLAN_UNION] = "Union",            [PLAN_AGG] = "GroupAggregate",
    [PLAN_LOCAL_AGG] = "LocalGroupAggregate",
    [PLAN_WINDOW_TVF] = "WindowTableFunction", [PLAN_WINDOW_AGG] = "WindowAggregate",
    [PLAN_EXPAND] = "Expand",          [PLAN_JOIN] = "Join",
    [PLAN_INTERVAL_JOIN] = "IntervalJoin", [PLAN_TEMPORAL_JOIN] = "TemporalJoin",
    [PLAN_LOOKUP_JOIN] = "LookupJoin", [PLAN_WINDOW_JOIN] = "WindowJoin",
    [PLAN_UNNEST] = "Correlate",       [PLAN_TABLE_FUNC] = "Correlate", [PLAN_SORT] = "Sort",
    [PLAN_APPLY] = "Correlate",        [PLAN_PROCESS] = "ProcessTableFunction",
    [PLAN_PREDICT] = "MLPredictTableFunction",
    [PLAN_VECTOR_SEARCH] = "VectorSearchTableFunction",
    [PLAN_EVALUATE] = "MLEvaluateTableFunction",
    [PLAN_LIMIT] = "Limit",            [PLAN_RANK] = "Rank",           [PLAN_DEDUP] = "Deduplicate",
    [PLAN_WINDOW_RANK] = "WindowRank", [PLAN_OVER] = "OverAggregate",  [PLAN_MATCH] = "Match",
    [PLAN_NORMALIZE] = "ChangelogNormalize", [PLAN_DROP_BEFORE] = "DropUpdateBefore",
    [PLAN_MATERIALIZE] = "SinkMaterializer", [PLAN_CHANGELOG] = "ProcessTableFunction",
    [PLAN_SINK] = "Sink",              [PLAN_COLLECT] = "Sink",
};

const char *plan_kind_name(PlanKind kind) {
    return KIND_NAMES[kind];
}

typedef struct PlanMap {
    Map map;
    struct PlanMap *next;
} PlanMap;

Map *plan_map(PlanContext *context) {
    PlanMap *made = ARENA_NEW(context->arena, PlanMap);
    made->next = context->maps;
    context->maps = made;
    return &made->map;
}

void plan_context_clear(PlanContext *context) {
    for (PlanMap *at = context->maps; at; at = at->next) map_clear(&at->map);
    context->maps = NULL;
}

void plan_use(PlanContext *context, PlanUseKind kind, const void *object) {
    PlanUses *uses = context->uses;
    if (!uses) return;
    for (uint32_t i = 0; i < uses->count; i++) {
        if (uses->use[i].object == object) return;
    }
    if (uses->count == uses->capacity) {
        uint32_t capacity = uses->capacity ? uses->capacity * 2 : 16;
        PlanUse *use = ARENA_ARRAY(context->arena, PlanUse, capacity);
        if (uses->count) memcpy(use, uses->use, uses->count * sizeof *use);
        uses->use = use;
        uses->capacity = capacity;
    }
    uses->use[uses->count++] = (PlanUse){kind, object};
}

Plan *plan_new(PlanContext *context, PlanKind kind, const Type *type, uint32_t input_count) {
    Plan *plan = ARENA_NEW(context->arena, Plan);
    plan->kind = kind;
    plan->type = type;
    plan->id = ++context->next_id;
    plan->input = ARENA_ARRAY(context->arena, Plan *, input_count ? input_count : 1);
    plan->input_count = input_count;
    plan->fetch = -1;
    plan->rank_end_column = -1;
    plan->ttl_right_ms = plan->ttl_hint_ms[0] = plan->ttl_hint_ms[1] = -1;
    return plan;
}

Plan *plan_project(PlanContext *context, Plan *input, Expr **expr, const Str *names,
                   uint32_t count) {
    Arena *arena = context->arena;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        child[i] = expr[i]->type;
        // A column passed on keeps its time attribute.
        if (expr[i]->kind == EXPR_COLUMN && input) child[i] = input->type->child[expr[i]->column];
    }
    Plan *plan = plan_new(context, PLAN_PROJECT, type_row(arena, count, child, names, false), 1);
    plan->input[0] = input;
    plan->expr = arena_dup(arena, expr, count * sizeof *expr);
    return plan;
}

Plan *plan_filter(PlanContext *context, Plan *input, Expr *condition) {
    if (!condition || expr_is_true(condition)) return input;
    Plan *plan = plan_new(context, PLAN_FILTER, input->type, 1);
    plan->input[0] = input;
    plan->condition = condition;
    return plan;
}

uint32_t plan_add_column(PlanContext *context, Plan **plan, Expr *expr, Str name) {
    if (expr->kind == EXPR_COLUMN) return expr->column;
    Plan *input = *plan;
    uint32_t count = input->type->child_count;
    Expr **exprs = ARENA_ARRAY(context->arena, Expr *, count + 1);
    Str *names = ARENA_ARRAY(context->arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = expr_column(context->arena, i, input->type->child[i]);
        names[i] = input->type->field[i];
    }
    exprs[count] = expr;
    names[count] = name;
    *plan = plan_project(context, input, exprs, names, count + 1);
    return count;
}

static bool has_key(const Plan *plan, int32_t column) {
    for (uint32_t k = 0; k < plan->key_count; k++) {
        if ((int32_t)plan->key[k] == column) return true;
    }
    return false;
}

bool plan_window_columns(const Plan *plan, WindowColumns *out) {
    switch (plan->kind) {
        case PLAN_WINDOW_TVF: {
            int32_t count = (int32_t)plan->type->child_count;
            *out = (WindowColumns){plan, plan->window, count - 3, count - 2, count - 1};
            return true;
        }
        case PLAN_WINDOW_AGG: {
            *out = (WindowColumns){plan, plan->window, -1, -1, -1};
            int32_t first = (int32_t)plan->key_count;
            for (uint32_t i = 0; i < plan->prop_count; i++) {
                if (plan->prop[i] == PROP_START) out->start = first + (int32_t)i;
                if (plan->prop[i] == PROP_END) out->end = first + (int32_t)i;
                if (plan->prop[i] == PROP_TIME) out->time = first + (int32_t)i;
            }
            return true;
        }
        case PLAN_OVER:
            // A ranking within windows, which may become a Top-N of each.
            return plan->agg_count == 1 && !plan->agg[0].call->argc &&
                   plan_window_columns(plan->input[0], out) && has_key(plan, out->start) &&
                   has_key(plan, out->end);
        case PLAN_WINDOW_JOIN:
        case PLAN_WINDOW_RANK:
        case PLAN_DEDUP:
        case PLAN_FILTER: return plan_window_columns(plan->input[0], out);
        case PLAN_PROJECT: {
            WindowColumns in;
            if (!plan_window_columns(plan->input[0], &in)) return false;
            *out = (WindowColumns){in.source, in.spec, -1, -1, -1};
            for (uint32_t i = 0; i < plan->type->child_count; i++) {
                if (plan->expr[i]->kind != EXPR_COLUMN) continue;
                int32_t from = (int32_t)plan->expr[i]->column;
                if (from == in.start && out->start < 0) out->start = (int32_t)i;
                if (from == in.end && out->end < 0) out->end = (int32_t)i;
                if (from == in.time && out->time < 0) out->time = (int32_t)i;
            }
            return true;
        }
        default: return false;
    }
}
