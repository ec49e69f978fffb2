// Partitions that a scan need not read: those of which every filter above it knows, by their values
// alone, that no row passes. A partition whose value is NULL has no directory that Flink could
// name: where one is left to be read, the query is refused, as there.
//
// Runs when equal scans are one already, so that a scan's consumers are all there is to ask, and
// before columns are renumbered.
#include "plan/rule.h"

typedef struct Needed {
    Plan *scan;
    Partitions partitions;
    bool *at;  // per partition
    struct Needed *next;
} Needed;

typedef struct Partitioned {
    PlanContext *context;
    bool *seen;  // by plan id
    Needed *first;
} Partitioned;

static Status needed_of(Partitioned *self, Plan *scan, Needed **out, Error *err) {
    for (Needed *at = self->first; at; at = at->next) {
        if (at->scan == scan) return *out = at, ST_OK;
    }
    Arena *arena = self->context->arena;
    Needed *needed = ARENA_NEW(arena, Needed);
    needed->scan = scan;
    TRY(scan->connector->partitions(scan->desc, arena, &needed->partitions, err));
    needed->at = ARENA_ARRAY(arena, bool, needed->partitions.count + 1);
    needed->next = self->first;
    *out = self->first = needed;
    return ST_OK;
}

static int64_t key_of_column(const TableDesc *desc, uint32_t column) {
    if (column >= desc->physical->child_count) return -1;  // metadata
    for (uint32_t k = 0; k < desc->partition_key_count; k++) {
        if (str_eq(desc->partition_key[k], desc->physical->field[column])) return k;
    }
    return -1;
}

static bool reads_keys_only(const TableDesc *desc, const Expr *expr) {
    if (expr->kind == EXPR_COLUMN) return key_of_column(desc, expr->column) >= 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!reads_keys_only(desc, expr->arg[i])) return false;
    }
    return true;
}

// Whether a row of partition [row] may pass [condition].
static bool may_pass(Partitioned *self, const Needed *needed, const Expr *condition, uint32_t row) {
    if (condition->kind == EXPR_CALL && strcmp(condition->call->func->name, "AND") == 0) {
        for (uint32_t i = 0; i < condition->arg_count; i++) {
            if (!may_pass(self, needed, condition->arg[i], row)) return false;
        }
        return true;
    }
    const TableDesc *desc = needed->scan->desc;
    if (!expr_is_deterministic(condition) || !reads_keys_only(desc, condition)) return true;
    Arena *arena = self->context->arena;
    uint32_t columns = needed->scan->type->child_count;
    Expr **value = ARENA_ARRAY(arena, Expr *, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        int64_t key = key_of_column(desc, c);
        if (key < 0) continue;
        const Vec *all = needed->partitions.value[key];
        Vec *one = vec_new(arena, all->type, 1);
        vec_copy_value(one, 0, all, row);
        value[c] = expr_literal(arena, one);
    }
    Expr *outcome = expr_substitute(arena, (Expr *)(uintptr_t)condition, value);
    Vec *result;
    if (self->context->evaluate(outcome, self->context->env, arena, &result, NULL)) return true;
    return !vec_is_null(result, 0) && vec_u8(result)[0];
}

static Status visit(Partitioned *self, Plan *plan, Error *err) {
    if (self->seen[plan->id]) return ST_OK;
    self->seen[plan->id] = true;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        Plan *scan = plan->input[i];
        TRY(visit(self, scan, err));
        if (scan->kind != PLAN_SCAN || !scan->desc->partition_key_count ||
            !scan->connector->partitions) {
            continue;
        }
        Needed *needed;
        TRY(needed_of(self, scan, &needed, err));
        for (uint32_t p = 0; p < needed->partitions.count; p++) {
            needed->at[p] |=
                plan->kind != PLAN_FILTER || may_pass(self, needed, plan->condition, p);
        }
    }
    return ST_OK;
}

static Status settle(PlanContext *context, const Needed *needed, Error *err) {
    const TableDesc *desc = needed->scan->desc;
    uint32_t keys = desc->partition_key_count, count = needed->partitions.count;
    ScanSpec *scan = needed->scan->scan;
    Str *left_out = ARENA_ARRAY(context->arena, Str, (size_t)count * keys + 1);
    for (uint32_t p = 0; p < count; p++) {
        const Str *name = needed->partitions.name + (size_t)p * keys;
        for (uint32_t k = 0; k < keys && needed->at[p]; k++) {
            if (name[k].ptr) continue;
            (void)error_set(err, ST_VALIDATION,
                            "table '" STR_FMT "' has a partition in which '" STR_FMT
                            "' is NULL, and such a one cannot be read",
                            STR_ARG(desc->name), STR_ARG(desc->partition_key[k]));
            error_hint(err, "filter it away: WHERE " STR_FMT " IS NOT NULL",
                       STR_ARG(desc->partition_key[k]));
            return ST_VALIDATION;
        }
        if (needed->at[p]) continue;
        memcpy(left_out + (size_t)scan->left_out_count++ * keys, name, keys * sizeof *name);
    }
    scan->left_out = left_out;
    return ST_OK;
}

Status rule_partition(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    Partitioned self = {.context = context,
                        .seen = ARENA_ARRAY(context->arena, bool, context->next_id + 1)};
    for (uint32_t i = 0; i < count; i++) TRY(visit(&self, roots[i], err));
    for (const Needed *at = self.first; at; at = at->next) TRY(settle(context, at, err));
    return ST_OK;
}
