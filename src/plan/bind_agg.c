// GROUP BY: keys, aggregate calls, grouping sets, and windows as groups.
//
// The select's expressions are bound over a virtual row of groups:
//     [keys …] [expand id, with grouping sets] [start end time, with a group window of the old
//     syntax] [aggregates …]
// bind_group_plan then makes the operators and a projection that gives exactly that row.
#include "plan/bind_subquery.h"

// ---- looking for aggregates --------------------------------------------------------------------

const AggFunc *bind_agg_named(PlanContext *context, const AstCall *call) {
    if (call->syntax != SYN_FUNCTION) return NULL;
    const Udf *udf = NULL;
    if (!bind_find_udf(context, call, &udf, NULL) && udf) {
        return udf->def->kind == WEIR_AGGREGATE ? &udf->agg : NULL;
    }
    return agg_find(call->name);
}

bool ast_has_agg(PlanContext *context, const AstExpr *ast) {
    if (!ast) return false;
    switch (ast->kind) {
        case EX_CALL: {
            const AstCall *call = ast->call;
            if (!call->over && bind_agg_named(context, call)) return true;
            for (uint32_t i = 0; i < call->arg.count; i++) {
                if (ast_has_agg(context, call->arg.at[i])) return true;
            }
            if (call->over) {
                for (uint32_t i = 0; i < call->over->partition.count; i++) {
                    if (ast_has_agg(context, call->over->partition.at[i])) return true;
                }
                for (uint32_t i = 0; i < call->over->order.count; i++) {
                    if (ast_has_agg(context, call->over->order.at[i].expr)) return true;
                }
            }
            return false;
        }
        case EX_CASE:
            if (ast_has_agg(context, ast->cases.operand)) return true;
            if (ast_has_agg(context, ast->cases.otherwise)) return true;
            for (uint32_t i = 0; i < ast->cases.branch_count; i++) {
                if (ast_has_agg(context, ast->cases.branch[i].when)) return true;
                if (ast_has_agg(context, ast->cases.branch[i].then)) return true;
            }
            return false;
        case EX_CAST: return ast_has_agg(context, ast->cast.value);
        case EX_NAMED: return ast_has_agg(context, ast->named.value);
        default: return false;
    }
}

bool ast_has_over(const AstExpr *ast) {
    if (!ast || ast->kind != EX_CALL) return false;
    if (ast->call->over) return true;
    for (uint32_t i = 0; i < ast->call->arg.count; i++) {
        if (ast_has_over(ast->call->arg.at[i])) return true;
    }
    return false;
}

// ---- aggregate calls ---------------------------------------------------------------------------

// Index of [expr] among the expressions that the aggregation's input projects.
static uint32_t group_input(Arena *arena, Collected *groups, Expr *expr) {
    for (uint32_t i = 0; i < groups->input_count; i++) {
        if (expr_equal(groups->input_expr[i], expr) && expr_is_deterministic(expr)) return i;
    }
    ARENA_PUSH(arena, groups->input_expr, groups->input_count, groups->input_cap, expr);
    return groups->input_count - 1;
}

static uint32_t virtual_agg(const Collected *groups, uint32_t index) {
    return groups->key_count + groups->grouping_sets + (groups->legacy_window ? 3 : 0) + index;
}

static Status agg_refuse(const AstExpr *ast, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, ast->span.place, "aggregate expression is illegal %s",
                    what);
}

// An aggregate of values that it cannot take fails only where its value is read: until that is
// known, one of the same type stands in for it.
static Status bind_agg_func(AggCall *call, const AggFunc *func, Error *err) {
    Error why = {0}, ignored = {0};
    Status st = agg_bind(call, func, &why);
    if (st && err) *err = why;  // who only tries asks for none
    if (!st || !call->no_such_type) return st;
    AggCall other = *call;
    bool counts = strcmp(func->name, "COUNT") == 0;
    const AggFunc *stand_in = call->distinct || counts ? func : agg_find(STR("LAST_VALUE"));
    other.distinct = false;
    if (counts) other.argc = 1;
    if (agg_bind(&other, stand_in, &ignored)) return st;
    other.refused = arena_printf(call->arena, "%s", why.message);
    other.func = func;
    *call = other;
    return ST_OK;
}

// Binds the arguments (over the select's input) and the function; fills [agg] but for arg[].
Status bind_agg_args(Binder *binder, const AstExpr *ast, const AggFunc *func, bool grouped,
                     Expr ***args, PlanAgg *agg, Error *err) {
    const AstCall *ast_call = ast->call;
    Arena *arena = binder->arena;
    uint32_t argc = ast_call->arg.count;
    bool star = argc == 1 && ast_call->arg.at[0]->kind == EX_STAR;
    if (star && ast_call->arg.at[0]->name.count) {
        return error_at(err, ST_VALIDATION, ast->span.place, "unknown field '*'");
    }
    if (star && strcmp(func->name, "COUNT") != 0) {
        return error_at(err, ST_VALIDATION, ast->span.place, "'*' goes with COUNT only");
    }
    if (star) argc = 0;
    bool builtin = agg_find(str_c(func->name)) == func;
    if (!star && argc == 0 && builtin) {
        return error_at(err, ST_VALIDATION, ast->span.place, "'%s' wants an argument", func->name);
    }
    if (ast_call->within_group.count && !ast_call->json) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "aggregate expression '%s' must not contain a WITHIN GROUP clause",
                        func->name);
    }
    if (ast_call->nulls != TREAT_UNSAID && ast_call->filter) {  // as odd as it is
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "FILTER must be applied to aggregate function");
    }
    Expr **arg = ARENA_ARRAY(arena, Expr *, argc + 1);
    for (uint32_t i = 0; i < argc; i++) {
        TRY(bind_expr(binder, ast_call->arg.at[i], &arg[i], err));
        TRY(expr_fold(binder->context, &arg[i], err));
        if (arg[i]->type->kind == TYPE_NULL) {
            return error_at(err, ST_VALIDATION, ast_call->arg.at[i]->span.place,
                            "illegal use of NULL");
        }
    }
    AggCall *call = ARENA_NEW(arena, AggCall);
    *call = (AggCall){
        .arena = arena,
        .argc = argc,
        .arg = ARENA_ARRAY(arena, const Type *, argc + 1),
        .literal = ARENA_ARRAY(arena, const Vec *, argc + 1),
        .env = binder->context->env,
        .distinct = ast_call->quantifier == QUANT_DISTINCT,
        .grouped = grouped,
        .batch = binder->context->batch,
        .respect_nulls = ast_call->nulls == TREAT_RESPECT,
        .ignore_nulls = ast_call->nulls == TREAT_IGNORE,
        .absent_on_null = ast_call->json ? ast_call->json->nulls == ABSENT_ON_NULL : false,
    };
    if (str_is(ast_call->name, "JSON_ARRAYAGG") &&
        (!ast_call->json || ast_call->json->nulls == JSON_NULLS_UNSAID)) {
        call->absent_on_null = true;
    }
    for (uint32_t i = 0; i < argc; i++) {
        call->arg[i] = arg[i]->type;
        call->literal[i] = arg[i]->kind == EXPR_LITERAL ? arg[i]->value : NULL;
        if (bind_is_json_text(arg[i])) call->raw_json |= (uint32_t)1 << i;
    }
    Status st = bind_agg_func(call, func, err);
    if (st) {
        error_place(err, ast->span.place);
        return st;
    }
    for (uint32_t i = 0; i < argc; i++) arg[i] = expr_cast(arena, arg[i], call->arg[i], false);
    *agg = (PlanAgg){.call = call, .filter = -1, .arg = ARENA_ARRAY(arena, uint32_t, argc + 1),
                     .name = str_c(func->name)};
    *args = arg;
    return ST_OK;
}

static bool same_agg(const PlanAgg *a, const PlanAgg *b) {
    if (a->call->func != b->call->func || a->call->argc != b->call->argc) return false;
    if (a->call->distinct != b->call->distinct || a->filter != b->filter) return false;
    if (!a->call->refused != !b->call->refused) return false;
    if (a->call->respect_nulls != b->call->respect_nulls ||
        a->call->ignore_nulls != b->call->ignore_nulls ||
        a->call->absent_on_null != b->call->absent_on_null) {
        return false;
    }
    for (uint32_t i = 0; i < a->call->argc; i++) {
        if (a->arg[i] != b->arg[i]) return false;
    }
    return true;
}

static uint32_t group_agg(Arena *arena, Collected *groups, PlanAgg agg) {
    uint32_t index = 0;
    while (index < groups->agg_count && !same_agg(&groups->agg[index], &agg)) index++;
    if (index == groups->agg_count) {
        ARENA_PUSH(arena, groups->agg, groups->agg_count, groups->agg_cap, agg);
    }
    return index;
}

// A variance: two aggregates of the same rows, and a function of their results.
static Status group_reduced(Binder *binder, const PlanAgg *whole, Place place, Expr **out,
                            Error *err) {
    static const char *const PARTS[] = {"$M2", "COUNT"};
    Arena *arena = binder->arena;
    Expr *arg[3];
    for (uint32_t i = 0; i < 2; i++) {
        PlanAgg part = *whole;
        part.call = arena_dup(arena, whole->call, sizeof *whole->call);
        part.name = str_c(PARTS[i]);
        TRY(agg_bind(part.call, agg_find(part.name), err));
        uint32_t index = group_agg(arena, binder->groups, part);
        arg[i] = expr_column(arena, virtual_agg(binder->groups, index), part.call->result);
    }
    arg[2] = expr_literal(arena, vec_new(arena, whole->call->result, 1));
    return expr_call(arena, binder->context->env, whole->call->func->reduced, arg, 3, place, out,
                     err);
}

Status bind_agg_call(Binder *binder, const AstExpr *ast, const AggFunc *func, Expr **out,
                     Error *err) {
    Collected *groups = binder->groups;
    if (binder->in_agg) return agg_refuse(ast, "inside another aggregate", err);
    if (!groups || !binder->allow_agg) return agg_refuse(ast, "in this clause", err);
    if (func->flags & AGG_OVER_ONLY) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "OVER clause is necessary for window functions");
    }
    Binder input = *binder;
    input.groups = NULL;
    input.in_agg = true;
    input.allow_over = false;
    input.scope = (Scope *)(uintptr_t)binder->group_scope;
    input.typed = bind_group_typed(binder->arena, groups, ast->call);
    Expr **arg, *filter = NULL;
    PlanAgg agg;
    if (ast->call->filter) TRY(bind_condition(&input, ast->call->filter, "FILTER", &filter, err));
    // The keys that a correlated subquery is tied by are none of its own: a total may be NULL.
    bool keyed = groups->key_count > 0 && (!binder->select || binder->select->has_group);
    bool grouped = keyed || groups->legacy_window;
    if (groups->legacy_window && strncmp(func->name, "JSON_", 5) == 0 && !binder->context->batch) {
        (void)error_at(err, ST_VALIDATION, ast->span.place,
                       "%s is not supported over the group windows of the old syntax", func->name);
        error_hint(err, "group by the columns of a window function: FROM TUMBLE(TABLE …, …)");
        return ST_VALIDATION;
    }
    TRY(bind_agg_args(&input, ast, func, grouped && !filter, &arg, &agg, err));
    binder->plan = input.plan;  // subqueries in them have been joined
    for (uint32_t i = 0; i < agg.call->argc; i++) {
        agg.arg[i] = group_input(binder->arena, groups, arg[i]);
    }
    if (filter) agg.filter = (int32_t)group_input(binder->arena, groups, filter);
    if (func->reduced) return group_reduced(binder, &agg, ast->span.place, out, err);
    uint32_t index = group_agg(binder->arena, groups, agg);
    *out = expr_column(binder->arena, virtual_agg(groups, index), agg.call->result);
    (*out)->place = ast->span.place;
    return ST_OK;
}

// ---- keys --------------------------------------------------------------------------------------

typedef struct GroupSets {
    uint64_t *set;  // bit per key
    uint32_t count, cap;
} GroupSets;

enum {
    GROUP_KEYS_MAX = sizeof ((Collected *)0)->key_ast / sizeof(AstExpr *),
    GROUP_SETS_MAX = 4096
};

static Status group_key(Binder *binder, const AstExpr *ast, uint32_t *index, Error *err) {
    Collected *groups = binder->groups;
    Binder input = *binder;
    input.groups = NULL;
    input.allow_agg = input.allow_over = false;
    Expr *expr;
    TRY(bind_expr(&input, ast, &expr, err));
    binder->plan = input.plan;  // a subquery in it has been joined
    TRY(expr_fold(binder->context, &expr, err));
    if (expr->type->kind == TYPE_NULL) {
        return error_at(err, ST_VALIDATION, ast->span.place, "illegal use of NULL");
    }
    for (*index = 0; *index < groups->key_count; (*index)++) {
        if (expr_equal(groups->key[*index], expr)) return ST_OK;
    }
    if (groups->key_count == GROUP_KEYS_MAX) {
        return error_at(err, ST_VALIDATION, ast->span.place, "more than %d GROUP BY keys",
                        GROUP_KEYS_MAX);
    }
    // These are found again by what was written.
    bool written = ast_has_query(ast) || !expr_is_deterministic(expr);
    groups->key_ast[groups->key_count] = written ? ast : NULL;
    ARENA_PUSH(binder->arena, groups->key, groups->key_count, groups->key_cap, expr);
    return ST_OK;
}

static bool sets_has(const GroupSets *sets, uint64_t set) {
    for (uint32_t i = 0; i < sets->count; i++) {
        if (sets->set[i] == set) return true;
    }
    return false;
}

static Status sets_push(Arena *arena, GroupSets *sets, uint64_t set, Place place, Error *err) {
    if (sets->count == GROUP_SETS_MAX) {
        return error_at(err, ST_VALIDATION, place, "more than %d grouping sets", GROUP_SETS_MAX);
    }
    ARENA_PUSH(arena, sets->set, sets->count, sets->cap, set);
    return ST_OK;
}

// Of one ROLLUP or CUBE each set counts once: ROLLUP (a, a).
static Status sets_push_new(Arena *arena, GroupSets *sets, uint64_t set, Place place, Error *err) {
    return sets_has(sets, set) ? ST_OK : sets_push(arena, sets, set, place, err);
}

static Status sets_append(Arena *arena, GroupSets *sets, const GroupSets *more, Place place,
                          Error *err) {
    for (uint32_t i = 0; i < more->count; i++) {
        TRY(sets_push(arena, sets, more->set[i], place, err));
    }
    return ST_OK;
}

// (a, b) or a: the keys of one element, as bits.
static Status group_bits(Binder *binder, const AstGroup *group, uint64_t *bits, Error *err) {
    *bits = 0;
    if (group->kind == GROUP_EXPR) {
        uint32_t index = 0;
        TRY(group_key(binder, group->expr, &index, err));
        *bits = (uint64_t)1 << index;
        return ST_OK;
    }
    for (uint32_t i = 0; i < group->item_count; i++) {
        uint64_t more;
        TRY(group_bits(binder, &group->item[i], &more, err));
        *bits |= more;
    }
    return ST_OK;
}

static Status group_sets(Binder *binder, const AstGroup *group, GroupSets *out, Error *err) {
    Arena *arena = binder->arena;
    Place place = group->span.place;
    if (group->kind == GROUP_EXPR || group->kind == GROUP_LIST) {
        uint64_t bits;
        TRY(group_bits(binder, group, &bits, err));
        return sets_push(arena, out, bits, place, err);
    }
    if (group->kind == GROUP_SETS) {
        for (uint32_t i = 0; i < group->item_count; i++) {
            TRY(group_sets(binder, &group->item[i], out, err));
        }
        return ST_OK;
    }
    uint64_t part[GROUP_KEYS_MAX];
    if (group->item_count > GROUP_KEYS_MAX) {
        return error_at(err, ST_VALIDATION, place, "more than %d GROUP BY keys", GROUP_KEYS_MAX);
    }
    for (uint32_t i = 0; i < group->item_count; i++) {
        TRY(group_bits(binder, &group->item[i], &part[i], err));
    }
    GroupSets once = {0};
    if (group->kind == GROUP_ROLLUP) {
        for (uint32_t n = group->item_count + 1; n-- > 0;) {
            uint64_t bits = 0;
            for (uint32_t i = 0; i < n; i++) bits |= part[i];
            TRY(sets_push_new(arena, &once, bits, place, err));
        }
        return sets_append(arena, out, &once, place, err);
    }
    if (group->item_count > 12) {
        return error_at(err, ST_VALIDATION, place, "CUBE of more than 12 keys");
    }
    for (uint32_t n = (uint32_t)1 << group->item_count; n-- > 0;) {
        uint64_t bits = 0;
        for (uint32_t i = 0; i < group->item_count; i++) {
            if (n >> (group->item_count - 1 - i) & 1) bits |= part[i];
        }
        TRY(sets_push_new(arena, &once, bits, place, err));
    }
    return sets_append(arena, out, &once, place, err);
}

// One element of GROUP BY; a list, and GROUPING SETS of one set, stand for what is in them.
static Status group_by_element(Binder *binder, const AstGroup *group, GroupSets *out, Error *err) {
    while (group->kind == GROUP_SETS && group->item_count == 1) group = &group->item[0];
    if (group->kind == GROUP_LIST && group->item_count) {
        for (uint32_t i = 0; i < group->item_count; i++) {
            TRY(group_by_element(binder, &group->item[i], out, err));
        }
        return ST_OK;
    }
    if (group->kind == GROUP_EXPR) {
        bool taken;
        TRY(bind_group_window(binder, group->expr, &taken, err));
        if (taken) return ST_OK;
    }
    GroupSets element = {0}, product = {0};
    TRY(group_sets(binder, group, &element, err));
    for (uint32_t a = 0; a < out->count; a++) {
        for (uint32_t b = 0; b < element.count; b++) {
            TRY(sets_push(binder->arena, &product, out->set[a] | element.set[b], group->span.place,
                          err));
        }
    }
    *out = product;
    return ST_OK;
}

// GROUP BY a, ROLLUP(b, c): the product of the elements' sets.
static Status group_by(Binder *binder, const AstSelect *select, GroupSets *out, Error *err) {
    TRY(sets_push(binder->arena, out, 0, (Place){0}, err));
    for (uint32_t i = 0; i < select->group_count; i++) {
        TRY(group_by_element(binder, &select->group[i], out, err));
    }
    return ST_OK;
}

// Whether set [a] comes before [b]: the one with the first key that only one of them has.
static bool set_before(uint64_t a, uint64_t b) {
    uint64_t differ = a ^ b;
    return differ && (a & (differ & (~differ + 1)));
}

// The sets in the order in which Flink expands a row, whatever the order they are said in.
static void sets_sort(GroupSets *sets) {
    for (uint32_t i = 1; i < sets->count; i++) {
        uint64_t set = sets->set[i];
        uint32_t at = i;
        for (; at && set_before(set, sets->set[at - 1]); at--) sets->set[at] = sets->set[at - 1];
        sets->set[at] = set;
    }
}

static uint32_t sets_count(const GroupSets *sets, uint64_t set, uint32_t until) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < until; i++) count += sets->set[i] == set;
    return count;
}

// Sets that come n times are aggregated on their own to Flink, once more for each n; a set that is
// alone there and lacks a key is no plain GROUP BY, and there is no plan for it.
static Status check_repeated_sets(const GroupSets *sets, uint64_t all, const AstSelect *select,
                                  Error *err) {
    for (uint32_t times = 2; times <= sets->count; times++) {
        uint32_t count = 0;
        uint64_t last = 0;
        for (uint32_t i = 0; i < sets->count; i++) {
            if (sets_count(sets, sets->set[i], i)) continue;  // seen already
            if (sets_count(sets, sets->set[i], sets->count) < times) continue;
            count++;
            last = sets->set[i];
        }
        if (count != 1 || last == all) continue;
        return error_at(err, ST_VALIDATION, select->group[0].span.place,
                        "GROUPING SETS with this set more than once are not supported");
    }
    return ST_OK;
}

// A correlated subquery's groups are kept apart by its domain, in every set.
static Status domain_keys(Binder *binder, GroupSets *sets, Place place, Error *err) {
    Domain *domain = binder->domain;
    Collected *groups = binder->groups;
    domain->key = ARENA_ARRAY(binder->arena, uint32_t, domain->count + 1);
    for (uint32_t i = 0; i < domain->count; i++) {
        if (groups->key_count == GROUP_KEYS_MAX) {
            return error_at(err, ST_VALIDATION, place, "more than %d GROUP BY keys",
                            GROUP_KEYS_MAX);
        }
        uint32_t column = domain->base + i;
        Expr *key = expr_column(binder->arena, column, binder->scope->row->child[column]);
        domain->key[i] = groups->key_count;
        for (uint32_t s = 0; s < sets->count; s++) {
            sets->set[s] |= (uint64_t)1 << groups->key_count;
        }
        ARENA_PUSH(binder->arena, groups->key, groups->key_count, groups->key_cap, key);
    }
    return ST_OK;
}

Status bind_group(Binder *binder, const AstSelect *select, Error *err) {
    Collected *groups = ARENA_NEW(binder->arena, Collected);
    binder->groups = groups;
    binder->late = ARENA_NEW(binder->arena, LateList);
    binder->group_scope = binder->scope;
    GroupSets sets = {0};
    TRY(group_by(binder, select, &sets, err));
    if (binder->domain) TRY(domain_keys(binder, &sets, (Place){0}, err));
    for (uint32_t i = 0; i < groups->key_count; i++) {
        ARENA_PUSH(binder->arena, groups->input_expr, groups->input_count, groups->input_cap,
                   groups->key[i]);
    }
    if (groups->legacy_window) {
        groups->legacy_time_input = group_input(binder->arena, groups, groups->legacy_time);
    }
    uint64_t all = groups->key_count == 64 ? UINT64_MAX : ((uint64_t)1 << groups->key_count) - 1;
    if (select->group_quantifier == QUANT_DISTINCT) {
        GroupSets once = {0};
        for (uint32_t s = 0; s < sets.count; s++) {
            TRY(sets_push_new(binder->arena, &once, sets.set[s], (Place){0}, err));
        }
        sets = once;
    }
    TRY(check_repeated_sets(&sets, all, select, err));
    if (groups->legacy_window && sets.count > 1) {
        return error_at(err, ST_VALIDATION, select->group[0].span.place,
                        "grouping sets do not go with a group window");
    }
    sets_sort(&sets);
    groups->grouping_sets = sets.count != 1 || sets.set[0] != all;
    if (groups->grouping_sets) {
        groups->set = sets.set;
        groups->set_count = sets.count;
        for (uint32_t i = 0; i < groups->key_count; i++) {
            bool everywhere = true;
            for (uint32_t s = 0; s < sets.count; s++) everywhere &= sets.set[s] >> i & 1;
            if (everywhere) continue;
            // NULL where a set leaves it out.
            groups->key_type_nullable |= (uint64_t)1 << i;
        }
    }
    return ST_OK;
}

// ---- the plan ----------------------------------------------------------------------------------

static Plan *group_input_plan(Binder *binder) {
    Collected *groups = binder->groups;
    Str *name = ARENA_ARRAY(binder->arena, Str, groups->input_count + 1);
    const Type *row = binder->plan->type;
    for (uint32_t i = 0; i < groups->input_count; i++) {
        const Expr *expr = groups->input_expr[i];
        name[i] = expr->kind == EXPR_COLUMN ? row->field[expr->column]
                                            : str_printf(binder->arena, "$f%u", i);
    }
    return plan_project(binder->context, binder->plan, groups->input_expr, name,
                        groups->input_count);
}

// One copy of each row per grouping set, with the keys it leaves out made NULL and the set's id in
// a new last column.
static Plan *expand_plan(Binder *binder, Plan *input) {
    Collected *groups = binder->groups;
    Arena *arena = binder->arena;
    uint32_t columns = input->type->child_count;
    // The keys are nulled in copies, so that aggregates of the same columns see the values: key i
    // is column [columns + i].
    uint32_t total = columns + groups->key_count + 1;
    Expr **expr = ARENA_ARRAY(arena, Expr *, total);
    Str *name = ARENA_ARRAY(arena, Str, total);
    for (uint32_t i = 0; i < columns + groups->key_count; i++) {
        uint32_t from = i < columns ? i : i - columns;
        expr[i] = expr_column(arena, from, input->type->child[from]);
        name[i] = input->type->field[from];
    }
    Plan *wide = plan_project(binder->context, input, expr, name, columns + groups->key_count);
    const Type **child = ARENA_ARRAY(arena, const Type *, total);
    for (uint32_t i = 0; i < columns + groups->key_count; i++) {
        child[i] = wide->type->child[i];
        if (i >= columns && groups->key_type_nullable >> (i - columns) & 1) {
            child[i] = type_nullable(arena, child[i], true);
        }
    }
    child[total - 1] = type_of(TYPE_BIGINT, false);
    name[total - 1] = STR("$e");
    Plan *expand =
        plan_new(binder->context, PLAN_EXPAND, type_row(arena, total, child, name, false), 1);
    expand->input[0] = wide;
    expand->set_count = groups->set_count;
    expand->keep = ARENA_ARRAY(arena, uint8_t *, groups->set_count);
    expand->expand_id = ARENA_ARRAY(arena, int64_t, groups->set_count);
    for (uint32_t s = 0; s < groups->set_count; s++) {
        expand->keep[s] = ARENA_ARRAY(arena, uint8_t, total);
        memset(expand->keep[s], 1, total);
        for (uint32_t k = 0; k < groups->key_count; k++) {
            bool in = groups->set[s] >> k & 1;
            expand->keep[s][columns + k] = in;
            // Bit order of GROUPING_ID over all keys: the first key is the most significant.
            if (!in) expand->expand_id[s] |= (int64_t)1 << (groups->key_count - 1 - k);
        }
        for (uint32_t t = 0; t < s; t++) {
            // The same set twice gives its groups twice: tell them apart.
            if (groups->set[t] == groups->set[s]) expand->expand_id[s] += (int64_t)1 << 32;
        }
    }
    return expand;
}

static const Type *agg_row(Arena *arena, const Plan *input, const uint32_t *key, uint32_t key_count,
                           bool window, const WindowSpec *spec, const PlanAgg *agg,
                           uint32_t agg_count) {
    uint32_t total = key_count + (window ? 3 : 0) + agg_count, n = 0;
    const Type **child = ARENA_ARRAY(arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(arena, Str, total + 1);
    for (uint32_t i = 0; i < key_count; i++) {
        child[n] = type_attribute(arena, input->type->child[key[i]], TIME_NONE);
        name[n++] = input->type->field[key[i]];
    }
    if (window) {
        const Type *edge = type_timestamp(arena, 3, false);
        child[n] = edge;
        name[n++] = STR("window_start");
        child[n] = edge;
        name[n++] = STR("window_end");
        bool ltz = spec->time_type->kind == TYPE_TIMESTAMP_LTZ;
        bool nullable = spec->legacy && !spec->proctime;  // TUMBLE_ROWTIME is, as Flink types it
        const Type *time =
            ltz ? type_timestamp_ltz(arena, 3, nullable) : type_timestamp(arena, 3, nullable);
        child[n] = type_attribute(arena, time, spec->proctime ? TIME_PROCTIME : TIME_ROWTIME);
        name[n++] = STR("window_time");
    }
    for (uint32_t i = 0; i < agg_count; i++) {
        child[n] = agg[i].call->result;
        name[n] = str_printf(arena, "EXPR$%u", n);
        n++;
    }
    return type_row(arena, total, child, name, false);
}

// Which keys are the window columns of the input's window function; false when it is no window
// aggregation (start and end must both be keys).
static bool find_window(const Binder *binder, const Plan *input, const uint32_t *key,
                        uint32_t count, WindowColumns *columns, int32_t role[]) {
    (void)binder;
    if (!plan_window_columns(input, columns)) return false;
    bool start = false, end = false;
    for (uint32_t i = 0; i < count; i++) {
        role[i] = -1;
        int32_t at = (int32_t)key[i];
        if (at == columns->start) role[i] = PROP_START, start = true;
        if (at == columns->end) role[i] = PROP_END, end = true;
        if (at == columns->time) role[i] = PROP_TIME;
    }
    return start && end;
}

// Whether every grouping set has both bounds: where one lacks them, its groups go over windows and
// never end, and all of it is an aggregation as any other.
static bool sets_hold_window(const Collected *groups, const int32_t *role) {
    for (uint32_t s = 0; groups->grouping_sets && s < groups->set_count; s++) {
        for (uint32_t k = 0; k < groups->key_count; k++) {
            bool bound = role[k] == PROP_START || role[k] == PROP_END;
            if (bound && !(groups->set[s] >> k & 1)) return false;
        }
    }
    return true;
}

static uint32_t *count_up(Arena *arena, uint32_t count) {
    uint32_t *list = ARENA_ARRAY(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++) list[i] = i;
    return list;
}

static uint32_t key_of_role(const int32_t *role, const uint32_t *key, uint32_t count,
                            int32_t wanted) {
    for (uint32_t i = 0; i < count; i++) {
        if (role[i] == wanted) return key[i];
    }
    UNREACHABLE();
}

static void agg_over_groups(Binder *binder) {
    Collected *groups = binder->groups;
    Arena *arena = binder->arena;
    PlanContext *context = binder->context;
    Plan *input = group_input_plan(binder);
    uint32_t key_count = groups->key_count, total_keys = key_count;
    uint32_t *key = ARENA_ARRAY(arena, uint32_t, key_count + 2);
    for (uint32_t i = 0; i < key_count; i++) key[i] = i;
    if (groups->grouping_sets) {
        uint32_t columns = input->type->child_count;
        input = expand_plan(binder, input);
        for (uint32_t i = 0; i < key_count; i++) key[i] = columns + i;
        key[total_keys++] = input->type->child_count - 1;
    }
    WindowColumns window_columns;
    int32_t role[GROUP_KEYS_MAX + 2];
    // A batch groups by a window's bounds as by any other columns: they spill as the rest does.
    bool attached = !context->batch && !groups->legacy_window && key_count &&
                    find_window(binder, groups->grouping_sets ? input->input[0]->input[0] : input,
                                groups->grouping_sets ? count_up(arena, key_count) : key, key_count,
                                &window_columns, role);
    attached = attached && sets_hold_window(groups, role);
    Plan *agg =
        plan_new(context, attached || groups->legacy_window ? PLAN_WINDOW_AGG : PLAN_AGG, NULL, 1);
    agg->input[0] = input;
    agg->ttl_hint_ms[0] = bind_ttl(binder, binder->select->from);
    agg->agg = groups->agg;
    agg->agg_count = groups->agg_count;
    agg->key = ARENA_ARRAY(arena, uint32_t, total_keys + 1);
    bool window = agg->kind == PLAN_WINDOW_AGG;
    // Where each virtual key is found in the operator's output.
    uint32_t *place = ARENA_ARRAY(arena, uint32_t, total_keys + 1);
    for (uint32_t i = 0; i < total_keys; i++) {
        if (attached && i < key_count && role[i] >= 0) continue;
        place[i] = agg->key_count;
        agg->key[agg->key_count++] = key[i];
    }
    for (uint32_t i = 0; attached && i < key_count; i++) {
        if (role[i] >= 0) place[i] = agg->key_count + (uint32_t)role[i];
    }
    if (window) {
        agg->window =
            arena_dup(arena, groups->legacy_window ? groups->legacy_window : window_columns.spec,
                      sizeof *agg->window);
        if (attached) {
            agg->window->attached = true;
            agg->window->start_column = (uint32_t)window_columns.start;
            agg->window->end_column = (uint32_t)window_columns.end;
            if (groups->grouping_sets) {
                agg->window->start_column = key_of_role(role, key, key_count, PROP_START);
                agg->window->end_column = key_of_role(role, key, key_count, PROP_END);
            }
        } else {
            agg->window->time_column = groups->legacy_time_input;
        }
        agg->prop_count = 3;
        agg->prop = ARENA_ARRAY(arena, uint8_t, 3);
        for (uint8_t p = 0; p < 3; p++) agg->prop[p] = p;
    }
    agg->type = agg_row(arena, input, agg->key, agg->key_count, window, agg->window, agg->agg,
                        agg->agg_count);
    // The virtual row.
    uint32_t total = virtual_agg(groups, groups->agg_count), n = 0;
    uint32_t props = agg->key_count, results = props + (window ? 3 : 0);
    uint32_t *from = ARENA_ARRAY(arena, uint32_t, total + 1);
    for (uint32_t i = 0; i < total_keys; i++) from[n++] = place[i];
    for (uint32_t i = 0; groups->legacy_window && i < 3; i++) from[n++] = props + i;
    for (uint32_t i = 0; i < groups->agg_count; i++) from[n++] = results + i;
    Expr **expr = ARENA_ARRAY(arena, Expr *, total + 1);
    Str *name = ARENA_ARRAY(arena, Str, total + 1);
    for (uint32_t i = 0; i < total; i++) {
        expr[i] = expr_column(arena, from[i], agg->type->child[from[i]]);
        name[i] = agg->type->field[from[i]];
    }
    binder->plan = plan_project(context, agg, expr, name, total);
}

// DISTINCT with both bounds of a window among the columns: the window's groups, sent when it
// closes.
bool bind_window_distinct(Binder *binder, Plan **plan) {
    Arena *arena = binder->arena;
    Plan *input = *plan;
    uint32_t count = input->type->child_count;
    int32_t *role = ARENA_ARRAY(arena, int32_t, count + 1);
    WindowColumns window;
    if (binder->context->batch) return false;
    if (!find_window(binder, input, count_up(arena, count), count, &window, role)) return false;
    Plan *agg = plan_new(binder->context, PLAN_WINDOW_AGG, NULL, 1);
    agg->input[0] = input;
    agg->key = ARENA_ARRAY(arena, uint32_t, count + 1);
    agg->window = arena_dup(arena, window.spec, sizeof *window.spec);
    agg->window->attached = true;
    agg->window->start_column = (uint32_t)window.start;
    agg->window->end_column = (uint32_t)window.end;
    agg->prop_count = 3;
    agg->prop = ARENA_ARRAY(arena, uint8_t, 3);
    for (uint8_t p = 0; p < 3; p++) agg->prop[p] = p;
    for (uint32_t i = 0; i < count; i++) {
        if (role[i] < 0) agg->key[agg->key_count++] = i;
    }
    agg->type = agg_row(arena, input, agg->key, agg->key_count, true, agg->window, NULL, 0);
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    for (uint32_t i = 0, key = 0; i < count; i++) {
        uint32_t from = role[i] < 0 ? key++ : agg->key_count + (uint32_t)role[i];
        expr[i] = expr_column(arena, from, agg->type->child[from]);
    }
    *plan = plan_project(binder->context, agg, expr, input->type->field, count);
    return true;
}

Status bind_group_plan(Binder *binder, const AstSelect *select, Error *err) {
    (void)select;
    (void)err;
    agg_over_groups(binder);
    binder->scope = scope_single(binder->arena, binder->plan->type, (Str){0});
    return ST_OK;
}
