// Lookup joins, in two steps. Before the other rules the condition (and a filter above an inner
// join) is taken apart: equalities with a column of the table become keys, what reads one side only
// becomes a filter of that side, the rest is checked over the joined row. Once rule_prune has
// narrowed the right input, projections and filters over a scan by then, it is folded into the
// join: what the connector is asked for, and what is made of the rows that it gives.
#include "plan/rule.h"

static bool is_call(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && expr->arg_count == 2 &&
           strcmp(expr->call->func->name, name) == 0;
}

// The scan's column that column [column] of the right input is, or -1.
static int64_t looked_up(const Plan *right, uint32_t column) {
    for (; right->kind != PLAN_SCAN; right = right->input[0]) {
        if (right->kind == PLAN_FILTER) continue;
        const Expr *expr = right->expr[column];
        if (expr->kind != EXPR_COLUMN) return -1;
        column = expr->column;
    }
    return column < right->desc->physical->child_count ? (int64_t)column : -1;
}

typedef struct Split {
    PlanContext *context;
    Plan *join;             // being made
    Plan *left, *right;
    uint32_t left_columns, columns;
    uint32_t keys_cap, right_cap;
    bool constant_key;      // a column of the table equals a constant
    Conjuncts rest;         // over the joined row
    Expr *left_filter, *right_filter;
} Split;

// left expression = column of the table, in either order.
static bool take_key(Split *self, const Expr *expr) {
    if (!is_call(expr, "=")) return false;
    Expr *a = expr->arg[0], *b = expr->arg[1];
    if (expr_sides(a, self->left_columns) == 2) {
        Expr *swap = a;
        a = b;
        b = swap;
    }
    if (expr_sides(a, self->left_columns) != 1 || b->kind != EXPR_COLUMN ||
        b->column < self->left_columns) {
        return false;
    }
    uint32_t column = b->column - self->left_columns;
    if (looked_up(self->right, column) < 0) return false;
    if (type_phys(a->type) != type_phys(b->type)) return false;
    if (a->type->kind == TYPE_DECIMAL && a->type->scale != b->type->scale) return false;
    Arena *arena = self->context->arena;
    Plan *join = self->join;
    uint32_t key = plan_add_column(self->context, &self->left, a, STR("$key"));
    uint32_t n = join->key_count;
    ARENA_PUSH(arena, join->right_key, n, self->right_cap, column);
    ARENA_PUSH(arena, join->key, join->key_count, self->keys_cap, key);
    return true;
}

static Expr *shift_left(Split *self, const Expr *expr) {
    uint32_t *map = ARENA_ARRAY(self->context->arena, uint32_t, self->columns);
    for (uint32_t i = 0; i < self->columns; i++) map[i] = i - self->left_columns;
    return expr_renumber(self->context->arena, expr, map);
}

static bool is_constant_key(const Expr *expr) {
    if (!is_call(expr, "=")) return false;
    return (expr->arg[0]->kind == EXPR_COLUMN && expr_is_constant(expr->arg[1])) ||
           (expr->arg[1]->kind == EXPR_COLUMN && expr_is_constant(expr->arg[0]));
}

static Status take_conjunct(Split *self, Expr *expr, Error *err) {
    PlanContext *context = self->context;
    unsigned sides = expr_is_deterministic(expr) ? expr_sides(expr, self->left_columns) : 3;
    if (sides == 3 && is_call(expr, "IS NOT DISTINCT FROM")) {
        (void)error_set(err, ST_VALIDATION,
                        "LookupJoin doesn't support a join condition with IS NOT DISTINCT FROM");
        error_hint(err, "write =; a NULL finds no row then");
        return ST_VALIDATION;
    }
    if (sides == 2) {
        self->constant_key |= is_constant_key(expr);
        self->right_filter = expr_and(context->arena, context->env, self->right_filter,
                                      shift_left(self, expr));
    } else if (sides == 1 && self->join->join == JOIN_TYPE_INNER) {
        self->left_filter = expr_and(context->arena, context->env, self->left_filter, expr);
    } else if (sides != 3 || !take_key(self, expr)) {
        ARENA_PUSH(context->arena, self->rest.at, self->rest.count, self->rest.cap, expr);
    }
    return ST_OK;
}

static const Type *joined_row(Arena *arena, const Plan *old, const Type *left, uint32_t had) {
    uint32_t right = old->type->child_count - had, count = left->child_count + right;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        bool l = i < left->child_count;
        uint32_t from = had + i - left->child_count;
        child[i] = l ? left->child[i] : old->type->child[from];
        name[i] = l ? left->field[i] : old->type->field[from];
    }
    return type_row(arena, count, child, name, false);
}

static Status no_key(const Plan *join, Error *err) {
    Buf name = {0};
    buf_printf(&name, STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(join->table->name.catalog),
               STR_ARG(join->table->name.database), STR_ARG(join->table->name.object));
    (void)error_set(err, ST_VALIDATION,
                    "Temporal table join requires an equality condition on fields of table "
                    "[" STR_FMT "]",
                    STR_ARG(buf_str(&name)));
    buf_free(&name);
    error_hint(err, "compare a column of the table itself, of one type, with = to the left side; "
                    "a cast may stand on the left");
    return ST_VALIDATION;
}

// Takes [condition] apart and gives the plan of the join, its columns as they were.
static Status split_join(PlanContext *context, Plan *old, Expr *condition, Plan **out,
                         Error *err) {
    Arena *arena = context->arena;
    Split self = {.context = context, .join = plan_new(context, PLAN_LOOKUP_JOIN, old->type, 2),
                  .left = old->input[0], .right = old->input[1],
                  .left_columns = old->input[0]->type->child_count,
                  .columns = old->type->child_count};
    Plan *join = self.join;
    join->join = old->join;
    join->table = old->table;
    join->desc = old->desc;
    join->connector = old->connector;
    join->lookup = old->lookup;
    Conjuncts parts = {0};
    if (condition && !expr_is_true(condition)) expr_split_and(arena, condition, &parts);
    for (uint32_t i = 0; i < parts.count; i++) TRY(take_conjunct(&self, parts.at[i], err));
    // A connector that takes filters over sees no key in "column = constant", as in Flink.
    if (!join->key_count && (join->connector->filter_taken || !self.constant_key)) {
        return no_key(join, err);
    }
    join->null_safe = ARENA_ARRAY(arena, uint8_t, join->key_count + 1);
    join->input[0] = plan_filter(context, self.left, self.left_filter);
    join->input[1] = plan_filter(context, self.right, self.right_filter);
    join->type = joined_row(arena, old, join->input[0]->type, self.left_columns);
    // Keys may have widened the left side.
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, self.columns + 1);
    for (uint32_t i = 0; i < self.columns; i++) {
        bool left = i < self.left_columns;
        map[i] = left ? i : join->input[0]->type->child_count + (i - self.left_columns);
    }
    for (uint32_t i = 0; i < self.rest.count; i++) {
        join->condition = expr_and(arena, context->env, join->condition,
                                   expr_renumber(arena, self.rest.at[i], map));
    }
    *out = join;
    if (join->type->child_count == self.columns) return ST_OK;
    Expr **expr = ARENA_ARRAY(arena, Expr *, self.columns + 1);
    for (uint32_t i = 0; i < self.columns; i++) {
        expr[i] = expr_column(arena, map[i], join->type->child[map[i]]);
    }
    *out = plan_project(context, join, expr, old->type->field, self.columns);
    return ST_OK;
}

static bool is_whole(const Plan *plan) {  // not taken apart yet
    return plan->kind == PLAN_LOOKUP_JOIN && !plan->null_safe;
}

static Status lookup_walk(PlanContext *context, PlanMemo *memo, Plan **at, Error *err) {
    Plan *plan = *at;
    uint32_t id = plan->id;
    if (id < memo->cap && memo->to[id]) return *at = memo->to[id], ST_OK;
    Plan *below = plan->input_count ? plan->input[0] : NULL;
    bool filtered = plan->kind == PLAN_FILTER && is_whole(below) && below->join == JOIN_TYPE_INNER;
    Plan *join = filtered ? below : plan;
    for (uint32_t i = 0; i < join->input_count; i++) {
        TRY(lookup_walk(context, memo, &join->input[i], err));
    }
    if (is_whole(join)) {
        Expr *condition = join->condition;
        if (filtered) {
            condition = expr_and(context->arena, context->env, condition, plan->condition);
        }
        TRY(split_join(context, join, condition, &plan, err));
    }
    if (id < memo->cap) memo->to[id] = plan;
    *at = plan;
    return ST_OK;
}

Status rule_lookup(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) TRY(lookup_walk(context, &memo, &roots[i], err));
    return ST_OK;
}

// ---- the right input as what is asked ----------------------------------------------------------

// The scan's row without what nobody reads; *map: old column -> new.
static ScanSpec *narrow_scan(Arena *arena, const ScanSpec *old, const uint64_t *used,
                             uint32_t *map) {
    ScanSpec *scan = arena_dup(arena, old, sizeof *old);
    uint32_t total = old->produced->child_count, physical = old->wanted->child_count, count = 0;
    const Type **child = ARENA_ARRAY(arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(arena, Str, total + 1);
    MetadataColumn *metadata = ARENA_ARRAY(arena, MetadataColumn, total + 1);
    scan->metadata_count = 0;
    for (uint32_t i = 0; i <= total; i++) {
        if (i == physical) scan->wanted = type_row(arena, count, child, name, false);
        if (i == total || !bits_get(used, i)) continue;
        if (i >= physical) metadata[scan->metadata_count++] = old->metadata[i - physical];
        map[i] = count;
        child[count] = old->produced->child[i];
        name[count++] = old->produced->field[i];
    }
    scan->metadata = metadata;
    scan->early = NULL;  // its terms name the old columns
    scan->early_count = 0;
    scan->produced = type_row(arena, count, child, name, false);
    return scan;
}

static uint32_t physical_column(const TableDesc *desc, Str name) {
    uint32_t c = 0;
    while (!str_eq(desc->physical->field[c], name)) c++;
    return c;
}

// The keys hold the table's primary key.
static bool keys_are_unique(const TableDesc *desc, const LookupSpec *spec) {
    uint32_t found = 0;
    for (uint32_t p = 0; p < desc->primary_key_count; p++) {
        for (uint32_t k = 0; k < spec->key_count; k++) {
            if (spec->key[k] != desc->primary_key[p]) continue;
            found++;
            break;
        }
    }
    return desc->primary_key_count && found == desc->primary_key_count;
}

const Plan *lookup_fold(PlanContext *context, const Plan *at, LookupPlan *lookup) {
    Arena *arena = context->arena;
    lookup->right = at->type;
    uint32_t count = at->type->child_count;
    Expr **project = ARENA_ARRAY(arena, Expr *, count + 1), *filter = NULL;
    for (uint32_t i = 0; i < count; i++) project[i] = expr_column(arena, i, at->type->child[i]);
    for (; at->kind != PLAN_SCAN; at = at->input[0]) {
        if (at->kind == PLAN_FILTER) {
            filter = expr_and(arena, context->env, filter, at->condition);
            continue;
        }
        ASSERT(at->kind == PLAN_PROJECT);
        for (uint32_t i = 0; i < count; i++) {
            project[i] = expr_substitute(arena, project[i], at->expr);
        }
        if (filter) filter = expr_substitute(arena, filter, at->expr);
    }
    uint32_t columns = at->type->child_count;
    uint64_t *used = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(columns + 1));
    for (uint32_t i = 0; i < count; i++) expr_columns(project[i], used);
    if (filter) expr_columns(filter, used);
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, columns + 1);
    lookup->scan = narrow_scan(arena, at->scan, used, map);
    for (uint32_t i = 0; i < count; i++) project[i] = expr_renumber(arena, project[i], map);
    lookup->project = project;
    lookup->filter = filter ? expr_renumber(arena, filter, map) : NULL;
    lookup->connector = at->connector;
    return at;
}

static void settle(PlanContext *context, Plan *join) {
    Arena *arena = context->arena;
    LookupPlan *lookup = join->lookup = arena_dup(arena, join->lookup, sizeof *join->lookup);
    const Plan *at = lookup_fold(context, join->input[1], lookup);
    LookupSpec *spec = ARENA_NEW(arena, LookupSpec);
    *spec = (LookupSpec){.table = join->desc, .wanted = lookup->scan->wanted,
                         .key_count = join->key_count, .filter = at->scan->filter,
                         .filter_count = at->scan->filter_count};
    uint32_t *key = ARENA_ARRAY(arena, uint32_t, join->key_count + 1);
    const Type **type = ARENA_ARRAY(arena, const Type *, join->key_count + 1);
    for (uint32_t k = 0; k < join->key_count; k++) {
        const Expr *column = lookup->project[join->right_key[k]];
        key[k] = physical_column(join->desc, lookup->scan->produced->field[column->column]);
        type[k] = join->input[0]->type->child[join->key[k]];
    }
    spec->key = key;
    spec->key_type = type;
    lookup->spec = spec;
    lookup->unique = keys_are_unique(join->desc, spec);
    join->input_count = 1;
}

static void settle_walk(PlanContext *context, PlanMemo *memo, Plan *plan) {
    if (memo->to[plan->id]) return;
    memo->to[plan->id] = plan;
    if (plan->kind == PLAN_LOOKUP_JOIN) settle(context, plan);
    for (uint32_t i = 0; i < plan->input_count; i++) settle_walk(context, memo, plan->input[i]);
}

void rule_lookup_settle(PlanContext *context, Plan **roots, uint32_t count) {
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) settle_walk(context, &memo, roots[i]);
}
