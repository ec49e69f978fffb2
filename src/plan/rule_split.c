// DISTINCT aggregates in two levels ('table.optimizer.distinct-agg.split.enabled', Flink's
// SplitAggregateRule): the first groups by the keys and a bucket of the value besides, so that the
// values of a hot key are counted by many workers; the second adds the buckets up.
//
//     SELECT k, COUNT(DISTINCT v), COUNT(*) FROM t GROUP BY k
//  =  SELECT k, $SUM0(c), $SUM0(n) FROM (
//         SELECT k, MOD(HASH_CODE(v), 1024), COUNT(DISTINCT v) AS c, COUNT(*) AS n
//         FROM t GROUP BY k, MOD(HASH_CODE(v), 1024)) GROUP BY k
//
// Where there is more than one such value, MIN's and MAX's among them, each row goes in once for
// each of them, with the other buckets NULL, and once for the aggregates that have none.
//
// Without mini-batch the change log shows the second level taking one bucket's result back and
// adding the next, as Flink's does. With it nothing is seen of the split but its cost, two to five
// times the CPU time (Nexmark q15, q16): there it is made from SPLIT_WORKERS workers on, who can
// pay for it. Flink splits beside LISTAGG, FIRST_VALUE and LAST_VALUE too, whose values then come
// in the order of buckets; and beside AVG, as a sum and a count.
#include <string.h>

#include "plan/rule.h"

enum { SPLIT_SETS_MAX = 16, SPLIT_WORKERS = 8 };

typedef struct Split {
    PlanContext *context;
    Plan *agg;
    uint32_t argument[SPLIT_SETS_MAX];  // whose buckets: columns of the input
    uint32_t count;
    bool plain;  // there are aggregates without a bucket
} Split;

static bool is(const PlanAgg *agg, const char *name) {
    return strcmp(agg->call->func->name, name) == 0;
}

static bool is_bucketed(const PlanAgg *agg) {
    return agg->call->distinct || is(agg, "MIN") || is(agg, "MAX");
}

// The aggregate that adds up the buckets' results, or NULL when there is none.
static const char *final_of(const PlanAgg *agg) {
    static const char *const SAME[] = {"SUM", "MIN", "MAX"};
    if (is(agg, "COUNT")) return "$SUM0";
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        if (is(agg, SAME[i])) return SAME[i];
    }
    return NULL;
}

static bool find_sets(Split *self) {
    const Plan *agg = self->agg;
    bool distinct = false;
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        const PlanAgg *at = &agg->agg[i];
        if (!final_of(at) || (at->call->distinct && at->call->argc != 1)) return false;
        distinct |= at->call->distinct;
        if (!is_bucketed(at)) {
            self->plain = true;
            continue;
        }
        uint32_t s = 0;
        while (s < self->count && self->argument[s] != at->arg[0]) s++;
        if (s == SPLIT_SETS_MAX) return false;
        self->argument[s] = at->arg[0];
        if (s == self->count) self->count++;
    }
    return distinct;
}

// The set that an aggregate takes its rows from.
static uint32_t set_of(const Split *self, const PlanAgg *agg) {
    if (!is_bucketed(agg)) return self->count;
    uint32_t s = 0;
    while (self->argument[s] != agg->arg[0]) s++;
    return s;
}

// All columns of [input], and [more] behind them.
static Plan *widen(const Split *self, Plan *input, Expr *const *more, uint32_t count,
                   const char *name) {
    Arena *arena = self->context->arena;
    uint32_t columns = input->type->child_count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, columns + count);
    Str *names = ARENA_ARRAY(arena, Str, columns + count);
    for (uint32_t c = 0; c < columns; c++) {
        expr[c] = expr_column(arena, c, input->type->child[c]);
        names[c] = input->type->field[c];
    }
    for (uint32_t i = 0; i < count; i++) {
        expr[columns + i] = more[i];
        names[columns + i] = str_printf(arena, "$%s%u", name, i);
    }
    return plan_project(self->context, input, expr, names, columns + count);
}

// MOD(HASH_CODE(value), buckets) for each set.
static Status add_buckets(const Split *self, Plan **plan, Error *err) {
    Arena *arena = self->context->arena;
    const Map *config = self->context->config;
    int64_t buckets = config_int(config, "table.optimizer.distinct-agg.split.bucket-num", 1024);
    Expr *bucket[SPLIT_SETS_MAX];
    for (uint32_t s = 0; s < self->count; s++) {
        uint32_t column = self->argument[s];
        Expr *value = expr_column(arena, column, (*plan)->type->child[column]), *hash;
        TRY(expr_call(arena, self->context->env, "HASH_CODE", &value, 1, (Place){0}, &hash, err));
        Expr *arg[] = {hash, expr_i64(arena, TYPE_INT, buckets > 0 ? buckets : 1)};
        TRY(expr_call(arena, self->context->env, "MOD", arg, 2, (Place){0}, &bucket[s], err));
    }
    *plan = widen(self, *plan, bucket, self->count, "b");
    return ST_OK;
}

// Each row once for each set; behind the columns is the number of the set.
static Plan *expand(const Split *self, Plan *input) {
    Arena *arena = self->context->arena;
    uint32_t columns = input->type->child_count, first = columns - self->count;
    const Type **child = ARENA_ARRAY(arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        child[c] = input->type->child[c];
        if (c >= first) child[c] = type_nullable(arena, child[c], true);
        name[c] = input->type->field[c];
    }
    child[columns] = type_of(TYPE_BIGINT, false);
    name[columns] = STR("$e");
    Plan *plan = plan_new(self->context, PLAN_EXPAND,
                          type_row(arena, columns + 1, child, name, false), 1);
    plan->input[0] = input;
    plan->set_count = self->count + self->plain;
    plan->keep = ARENA_ARRAY(arena, uint8_t *, plan->set_count);
    plan->expand_id = ARENA_ARRAY(arena, int64_t, plan->set_count);
    for (uint32_t s = 0; s < plan->set_count; s++) {
        plan->keep[s] = ARENA_ARRAY(arena, uint8_t, columns + 1);
        memset(plan->keep[s], 1, first);
        if (s < self->count) plan->keep[s][first + s] = 1;
        plan->expand_id[s] = s;
    }
    return plan;
}

// A flag for each aggregate: its set's rows, of which its FILTER is true. filter[i] is its column.
static Status add_filters(const Split *self, Plan **plan, int32_t *filter, Error *err) {
    Arena *arena = self->context->arena;
    const Plan *agg = self->agg;
    const FuncEnv *env = self->context->env;
    uint32_t columns = (*plan)->type->child_count;
    Expr **flag = ARENA_ARRAY(arena, Expr *, agg->agg_count);
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        Expr *arg[] = {expr_column(arena, columns - 1, (*plan)->type->child[columns - 1]),
                       expr_i64(arena, TYPE_BIGINT, set_of(self, &agg->agg[i]))};
        TRY(expr_call(arena, env, "=", arg, 2, (Place){0}, &flag[i], err));
        if (agg->agg[i].filter >= 0) {
            uint32_t column = (uint32_t)agg->agg[i].filter;
            flag[i] = expr_and(arena, env, flag[i],
                               expr_column(arena, column, (*plan)->type->child[column]));
        }
        filter[i] = (int32_t)(columns + i);
    }
    *plan = widen(self, *plan, flag, agg->agg_count, "g");
    return ST_OK;
}

static Status make_partial(const Split *self, Plan *input, const int32_t *filter, uint32_t first,
                           Plan **out, Error *err) {
    Arena *arena = self->context->arena;
    const Plan *agg = self->agg;
    uint32_t keys = agg->key_count + self->count, total = keys + agg->agg_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, total);
    Str *name = ARENA_ARRAY(arena, Str, total);
    Plan *plan = plan_new(self->context, PLAN_AGG, NULL, 1);
    plan->input[0] = input;
    plan->key_count = keys;
    plan->key = ARENA_ARRAY(arena, uint32_t, keys);
    plan->agg_count = agg->agg_count;
    plan->agg = arena_dup(arena, agg->agg, agg->agg_count * sizeof *plan->agg);
    for (uint32_t k = 0; k < keys; k++) {
        plan->key[k] = k < agg->key_count ? agg->key[k] : first + k - agg->key_count;
        child[k] = type_attribute(arena, input->type->child[plan->key[k]], TIME_NONE);
        name[k] = input->type->field[plan->key[k]];
    }
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        AggCall *call = arena_dup(arena, agg->agg[i].call, sizeof *call);
        call->grouped = filter[i] < 0;
        call->arg = arena_dup(arena, call->arg, (call->argc + 1) * sizeof *call->arg);
        TRY(agg_bind(call, call->func, err));
        plan->agg[i].call = call;
        plan->agg[i].filter = filter[i];
        child[keys + i] = call->result;
        name[keys + i] = str_printf(arena, "$f%u", i);
    }
    plan->type = type_row(arena, total, child, name, false);
    *out = plan;
    return ST_OK;
}

static Status make_final(const Split *self, Plan *partial, PlanAgg *final, Error *err) {
    Arena *arena = self->context->arena;
    const Plan *agg = self->agg;
    uint32_t from = partial->key_count;
    for (uint32_t i = 0; i < agg->agg_count; i++) {
        AggCall *call = arena_dup(arena, agg->agg[i].call, sizeof *call);
        call->argc = 1;
        call->distinct = false;
        call->arg = ARENA_ARRAY(arena, const Type *, 2);
        call->literal = ARENA_ARRAY(arena, const Vec *, 2);
        call->arg[0] = partial->type->child[from + i];
        TRY(agg_bind(call, agg_find(str_c(final_of(&agg->agg[i]))), err));
        // A projection in between would be needed where a sum of sums were wider.
        if (type_phys(call->result) != type_phys(agg->type->child[agg->key_count + i])) {
            return error_set(err, ST_UNSUPPORTED, "the sum of sums has another type");
        }
        final[i] = agg->agg[i];
        final[i].call = call;
        final[i].filter = -1;
        final[i].arg = ARENA_ARRAY(arena, uint32_t, 1);
        final[i].arg[0] = from + i;
    }
    return ST_OK;
}

// Splits the aggregation, or leaves it as it is: where a value has no HASH_CODE, for one.
static void split(PlanContext *context, Plan *agg) {
    Split self = {.context = context, .agg = agg};
    if (!agg->agg_count || !find_sets(&self)) return;
    Arena *arena = context->arena;
    int32_t *filter = ARENA_ARRAY(arena, int32_t, agg->agg_count);
    PlanAgg *final = ARENA_ARRAY(arena, PlanAgg, agg->agg_count);
    Plan *plan = agg->input[0];
    uint32_t first = plan->type->child_count;  // the first bucket
    if (add_buckets(&self, &plan, NULL)) return;
    for (uint32_t i = 0; i < agg->agg_count; i++) filter[i] = agg->agg[i].filter;
    if (self.count > 1) {
        plan = expand(&self, plan);
        if (add_filters(&self, &plan, filter, NULL)) return;
    }
    if (make_partial(&self, plan, filter, first, &plan, NULL)) return;
    if (make_final(&self, plan, final, NULL)) return;
    agg->input[0] = plan;
    agg->agg = final;
    agg->key = ARENA_ARRAY(arena, uint32_t, agg->key_count + 1);
    for (uint32_t k = 0; k < agg->key_count; k++) agg->key[k] = k;
}

static void visit(PlanContext *context, Plan *plan, uint8_t *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = 1;
    for (uint32_t i = 0; i < plan->input_count; i++) visit(context, plan->input[i], seen);
    if (plan->kind == PLAN_AGG) split(context, plan);
}

void rule_split(PlanContext *context, Plan **roots, uint32_t count) {
    const Map *config = context->config;
    bool mini = config_bool(config, "table.exec.mini-batch.enabled", false);
    bool few = config_int(config, "parallelism.default", 1) < SPLIT_WORKERS;
    if (context->batch || (mini && few) ||
        !config_bool(config, "table.optimizer.distinct-agg.split.enabled", false)) {
        return;
    }
    uint8_t *seen = ARENA_ARRAY(context->arena, uint8_t, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) visit(context, roots[i], seen);
}
