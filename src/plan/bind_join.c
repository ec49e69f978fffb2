// JOIN: conditions are split into equal keys and a rest. What kind of join it becomes (regular,
// interval, window, temporal) is decided by plan/join_kind.c from keys, rest and time attributes.
#include "plan/bind_subquery.h"

void expr_split_and(Arena *arena, Expr *expr, Conjuncts *out) {
    if (expr->kind == EXPR_CALL && strcmp(expr->call->func->name, "AND") == 0) {
        for (uint32_t i = 0; i < expr->arg_count; i++) expr_split_and(arena, expr->arg[i], out);
        return;
    }
    ARENA_PUSH(arena, out->at, out->count, out->cap, expr);
}

unsigned expr_sides(const Expr *expr, uint32_t left_columns) {
    unsigned sides = expr->kind == EXPR_COLUMN ? (expr->column < left_columns ? 1 : 2) : 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) sides |= expr_sides(expr->arg[i], left_columns);
    return sides;
}

static Expr *shift_left(Arena *arena, const Expr *expr, uint32_t columns, uint32_t by) {
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, columns);
    for (uint32_t i = 0; i < columns; i++) map[i] = i - by;
    return expr_renumber(arena, expr, map);
}

typedef struct JoinKeys {
    uint32_t *left, *right;
    uint8_t *null_safe;
    uint32_t count, cap, right_cap, safe_cap;
} JoinKeys;

// Takes a = b or a IS NOT DISTINCT FROM b with one side each as a key; false when it is no such.
static bool take_key(PlanContext *context, Expr *expr, Plan **left, Plan **right,
                     uint32_t left_columns, uint32_t columns, JoinKeys *keys) {
    if (expr->kind != EXPR_CALL || expr->arg_count != 2) return false;
    bool equal = strcmp(expr->call->func->name, "=") == 0;
    bool safe = strcmp(expr->call->func->name, "IS NOT DISTINCT FROM") == 0;
    if (!equal && !safe) return false;
    Expr *a = expr->arg[0], *b = expr->arg[1];
    unsigned a_sides = expr_sides(a, left_columns), b_sides = expr_sides(b, left_columns);
    if (a_sides == 2 && b_sides == 1) {
        Expr *swap = a;
        a = b;
        b = swap;
    } else if (a_sides != 1 || b_sides != 2) {
        return false;
    }
    if (type_phys(a->type) != type_phys(b->type)) return false;
    if (a->type->kind == TYPE_DECIMAL && a->type->scale != b->type->scale) return false;
    if (!expr_is_deterministic(a) || !expr_is_deterministic(b)) return false;
    Arena *arena = context->arena;
    b = shift_left(arena, b, columns, left_columns);
    uint32_t l = plan_add_column(context, left, a, STR("$key"));
    uint32_t r = plan_add_column(context, right, b, STR("$key"));
    uint32_t n = keys->count, m = keys->count;
    ARENA_PUSH(arena, keys->right, n, keys->right_cap, r);
    ARENA_PUSH(arena, keys->null_safe, m, keys->safe_cap, (uint8_t)safe);
    ARENA_PUSH(arena, keys->left, keys->count, keys->cap, l);
    return true;
}

// A key compared with IS NOT DISTINCT FROM has one type on both sides from the start: Flink's joins
// do not cast it, as they do for "=". Of what is computed that goes for [lone] conditions of joins
// that were written as such.
static Status check_null_safe(const Expr *expr, uint32_t left_columns, bool lone, Error *err) {
    if (expr->kind != EXPR_CALL || strcmp(expr->call->func->name, "IS NOT DISTINCT FROM") != 0) {
        return ST_OK;
    }
    const Expr *a = expr->arg[0], *b = expr->arg[1];
    unsigned a_sides = expr_sides(a, left_columns), b_sides = expr_sides(b, left_columns);
    bool key = (a_sides == 1 && b_sides == 2) || (a_sides == 2 && b_sides == 1);
    if (!key || (!a->implicit && !b->implicit)) return ST_OK;
    if (a->implicit) a = a->arg[0];
    if (b->implicit) b = b->arg[0];
    if (!lone && (a->kind != EXPR_COLUMN || b->kind != EXPR_COLUMN)) return ST_OK;
    const Type *left = a->type, *right = b->type;
    Buf text = {0};
    type_print(left, &text);
    buf_put_str(&text, STR(" and "));
    type_print(right, &text);
    Status st = error_at(err, ST_VALIDATION, expr->place,
                         "Join: Equality join predicate on incompatible types: " STR_FMT
                         "; cast one of them",
                         STR_ARG(buf_str(&text)));
    buf_free(&text);
    return st;
}

// Nor do they bring a text to a point in time.
static Status check_text_key(const Expr *expr, uint32_t left_columns, Error *err) {
    if (expr->kind != EXPR_CALL || strcmp(expr->call->func->name, "=") != 0) return ST_OK;
    const Expr *a = expr->arg[0], *b = expr->arg[1];
    unsigned a_sides = expr_sides(a, left_columns), b_sides = expr_sides(b, left_columns);
    if (!((a_sides == 1 && b_sides == 2) || (a_sides == 2 && b_sides == 1))) return ST_OK;
    const Type *left = a->implicit ? a->arg[0]->type : a->type;
    const Type *right = b->implicit ? b->arg[0]->type : b->type;
    bool mixed = (type_is_text(left) && type_is_datetime(right)) ||
                 (type_is_datetime(left) && type_is_text(right));
    if (!mixed) return ST_OK;
    return error_at(err, ST_VALIDATION, expr->place,
                    "a join compares no text with a point in time (%s and %s): cast one of them",
                    type_kind_name(left->kind), type_kind_name(right->kind));
}

static bool is_equality_of_sides(const Expr *expr, uint32_t left_columns) {
    if (expr->kind != EXPR_CALL || strcmp(expr->call->func->name, "=") != 0) return false;
    unsigned a = expr_sides(expr->arg[0], left_columns), b = expr_sides(expr->arg[1], left_columns);
    return (a == 1 && b == 2) || (a == 2 && b == 1);
}

static const Type *join_row(Arena *arena, const Type *left, const Type *right, JoinType type) {
    bool semi = type == JOIN_TYPE_SEMI || type == JOIN_TYPE_ANTI;
    uint32_t count = left->child_count + (semi ? 0 : right->child_count);
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    bool left_null = type == JOIN_TYPE_RIGHT || type == JOIN_TYPE_FULL;
    bool right_null = type == JOIN_TYPE_LEFT || type == JOIN_TYPE_FULL;
    for (uint32_t i = 0; i < count; i++) {
        bool from_left = i < left->child_count;
        const Type *of = from_left ? left->child[i] : right->child[i - left->child_count];
        if (from_left ? left_null : right_null) of = type_nullable(arena, of, true);
        child[i] = of;
        name[i] = from_left ? left->field[i] : right->field[i - left->child_count];
    }
    return type_row(arena, count, child, name, false);
}

static const Type *without_attributes(Arena *arena, const Type *row) {
    const Type **child = ARENA_ARRAY(arena, const Type *, row->child_count + 1);
    for (uint32_t i = 0; i < row->child_count; i++) {
        child[i] = type_attribute(arena, row->child[i], TIME_NONE);
    }
    return type_row(arena, row->child_count, child, row->field, false);
}

// Joins two plans on [condition] over both rows (NULL: none). The result's columns are left's, then
// right's (semi and anti: left's only). [timed]: by times where the condition says so.
static Status join_on(PlanContext *context, Plan *left, Plan *right, JoinType type, bool timed,
                      Expr *condition, Plan **out, Error *err) {
    Arena *arena = context->arena;
    uint32_t left_columns = left->type->child_count, right_columns = right->type->child_count;
    uint32_t columns = left_columns + right_columns;
    Conjuncts parts = {0}, rest = {0};
    JoinKeys keys = {0};
    if (condition && !expr_is_true(condition)) expr_split_and(arena, condition, &parts);
    Plan found = {0};
    bool interval = timed && type <= JOIN_TYPE_FULL && !context->batch &&
                    join_find_interval(left, right, parts.at, &parts.count, &found);
    bool lone = type <= JOIN_TYPE_FULL;
    for (uint32_t i = 0; i < parts.count; i++) {
        lone &= !is_equality_of_sides(parts.at[i], left_columns);
    }
    const char *refused = NULL;
    Place refused_at = {0};
    for (uint32_t i = 0; i < parts.count; i++) {
        Error why = {0};
        TRY(check_text_key(parts.at[i], left_columns, err));
        if (check_null_safe(parts.at[i], left_columns, lone, &why) && !refused) {
            refused = arena_printf(arena, "%s", why.message);
            refused_at = parts.at[i]->place;
        }
        if (take_key(context, parts.at[i], &left, &right, left_columns, columns, &keys)) continue;
        ARENA_PUSH(arena, rest.at, rest.count, rest.cap, parts.at[i]);
    }
    // Keys may have added columns to both sides: the rest is renumbered over the wider row.
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, columns + 1);
    for (uint32_t i = 0; i < columns; i++) {
        map[i] = i < left_columns ? i : left->type->child_count + (i - left_columns);
    }
    Expr *filter = NULL;
    for (uint32_t i = 0; i < rest.count; i++) {
        filter = expr_and(arena, context->env, filter, expr_renumber(arena, rest.at[i], map));
    }
    Plan *join = plan_new(context, PLAN_JOIN, join_row(arena, left->type, right->type, type), 2);
    join->input[0] = left;
    join->input[1] = right;
    join->join = type;
    join->key = keys.left;
    join->right_key = keys.right;
    join->null_safe = keys.null_safe;
    join->key_count = keys.count;
    join->condition = filter;
    join->refused = refused;
    join->refused_at = refused_at;
    uint32_t end_key = 0;
    if (interval) {
        join->kind = PLAN_INTERVAL_JOIN;
        join->lower_ms = found.lower_ms;
        join->upper_ms = found.upper_ms;
        join->time_column = found.time_column;
        join->right_time_column = found.right_time_column;
        join->proctime_order = found.proctime_order;
    } else if (timed && !context->batch &&
               join_find_window(left, right, keys.left, keys.right, keys.count, &end_key)) {
        join->kind = PLAN_WINDOW_JOIN;
        WindowColumns window;
        (void)plan_window_columns(left, &window);
        join->window = arena_dup(arena, window.spec, sizeof *window.spec);
        join->window->attached = true;
        join->window->end_column = end_key;
    } else {
        // A row of a regular join can come at any time: what was a time attribute is one no more.
        join->type = without_attributes(arena, join->type);
    }
    *out = join;
    bool semi = type == JOIN_TYPE_SEMI || type == JOIN_TYPE_ANTI;
    uint32_t wanted = semi ? left_columns : columns;
    if (join->type->child_count == wanted) return ST_OK;
    Expr **expr = ARENA_ARRAY(arena, Expr *, wanted + 1);
    Str *name = ARENA_ARRAY(arena, Str, wanted + 1);
    for (uint32_t i = 0; i < wanted; i++) {
        expr[i] = expr_column(arena, map[i], join->type->child[map[i]]);
        name[i] = join->type->field[map[i]];
    }
    *out = plan_project(context, join, expr, name, wanted);
    return ST_OK;
}

Status plan_join(PlanContext *context, Plan *left, Plan *right, JoinType type, Expr *condition,
                 Plan **out, Error *err) {
    return join_on(context, left, right, type, true, condition, out, err);
}

Status plan_join_versions(PlanContext *context, Plan *left, Plan *right, JoinType type,
                          Expr *condition, Plan **out, Error *err) {
    return join_on(context, left, right, type, false, condition, out, err);
}

// How many columns have that bare name; [column] becomes the first of them.
static uint32_t scope_columns(const Scope *scope, Str name, uint32_t *column) {
    uint32_t found = 0;
    for (uint32_t c = 0; c < scope->row->child_count; c++) {
        if (scope->hidden[c] || !str_eq(scope->row->field[c], name)) continue;
        if (!found++) *column = c;
    }
    return found;
}

// Column [to] stands for columns [l] and [r] and for what these stood for.
static void merge(Arena *arena, Scope *both, uint32_t l, uint32_t r, bool full, uint32_t to) {
    const Merged part[2] = {both->merged[l], both->merged[r]};
    const uint32_t alone[2] = {l, r};
    Merged merged = {.full = full || part[0].full || part[1].full};
    merged.column = ARENA_ARRAY(arena, uint32_t, part[0].count + part[1].count + 2);
    for (uint32_t i = 0; i < 2; i++) {
        if (!part[i].count) merged.column[merged.count++] = alone[i];
        for (uint32_t k = 0; k < part[i].count; k++) {
            merged.column[merged.count++] = part[i].column[k];
        }
    }
    both->merged[to] = merged;
}

// USING (a, b) and NATURAL: equal columns of both sides; the right side's are hidden (the left's
// for RIGHT JOIN).
Status bind_using(Binder *binder, const AstFrom *from, const Scope *left, const Scope *right,
                  Scope *both, Expr **out, Error *err) {
    Arena *arena = binder->arena;
    uint32_t shift = left->row->child_count;
    AstIdents names = from->join.column;
    if (from->join.natural) {
        names.at = ARENA_ARRAY(arena, AstIdent, left->row->child_count + 1);
        names.count = 0;
        for (uint32_t i = 0; i < left->row->child_count; i++) {
            uint32_t other;
            if (left->hidden[i] || scope_columns(right, left->row->field[i], &other) != 1) continue;
            names.at[names.count++] = (AstIdent){.name = left->row->field[i], .span = from->span};
        }
    }
    *out = NULL;
    uint32_t *first = ARENA_ARRAY(arena, uint32_t, names.count + both->first_count + 1), made = 0;
    for (uint32_t i = 0; i < names.count; i++) {
        uint32_t l = 0, r = 0, before = 0;
        while (before < i && !str_eq(names.at[before].name, names.at[i].name)) before++;
        if (before < i) continue;  // USING (k, k)
        // Of several columns of that name USING takes the first.
        uint32_t most = from->join.natural ? 1 : UINT32_MAX;
        uint32_t lefts = scope_columns(left, names.at[i].name, &l);
        uint32_t rights = scope_columns(right, names.at[i].name, &r);
        if (!lefts || !rights || lefts > most || rights > most) {
            return error_at(err, ST_VALIDATION, names.at[i].span.place,
                            "column '" STR_FMT
                            "' not found on both sides of the join, or ambiguous",
                            STR_ARG(names.at[i].name));
        }
        // Of columns merged before it is the first that is compared, as in Flink.
        uint32_t a = both->merged[l].count ? both->merged[l].column[0] : l;
        uint32_t b = both->merged[shift + r].count ? both->merged[shift + r].column[0] : shift + r;
        Expr *pair[2] = {expr_column(arena, a, both->row->child[a]),
                         expr_column(arena, b, both->row->child[b])}, *equal;
        TRY(expr_call(arena, binder->context->env, "=", pair, 2, from->span.place, &equal, err));
        *out = expr_and(arena, binder->context->env, *out, equal);
        bool right_counts = from->join.kind == JOIN_RIGHT;
        both->hidden[right_counts ? l : shift + r] = true;
        first[made] = right_counts ? shift + r : l;
        merge(arena, both, l, shift + r, from->join.kind == JOIN_FULL, first[made++]);
    }
    // The columns of this join come before those of the joins in it.
    for (uint32_t i = 0, own = made; i < both->first_count; i++) {
        uint32_t column = both->first[i], k = 0;
        while (k < own && first[k] != column) k++;
        if (k == own && !both->hidden[column]) first[made++] = column;
    }
    both->first = first;
    both->first_count = made;
    return ST_OK;
}

static bool join_type_of(AstJoinKind kind, JoinType *out) {
    switch (kind) {
        case JOIN_COMMA:
        case JOIN_CROSS:
        case JOIN_INNER: *out = JOIN_TYPE_INNER; return true;
        case JOIN_LEFT: *out = JOIN_TYPE_LEFT; return true;
        case JOIN_RIGHT: *out = JOIN_TYPE_RIGHT; return true;
        case JOIN_FULL: *out = JOIN_TYPE_FULL; return true;
        default: return false;
    }
}

Status bind_join(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope, Error *err) {
    JoinType type;
    if (!join_type_of(from->join.kind, &type)) {
        return error_at(err, ST_UNSUPPORTED, from->span.place,
                        "this kind of join is not supported");
    }
    if (from->join.kind == JOIN_CROSS &&
        (from->join.on || from->join.column.count || from->join.natural)) {
        return error_at(err, ST_VALIDATION, from->span.place,
                        "CROSS JOIN takes no condition (NATURAL, ON or USING)");
    }
    if (from->join.natural && (from->join.on || from->join.column.count)) {
        return error_at(err, ST_VALIDATION, from->span.place,
                        "NATURAL cannot stand with ON or USING");
    }
    bool bare =
        from->join.kind == JOIN_COMMA || from->join.kind == JOIN_CROSS || from->join.natural;
    if (!bare && !from->join.on && !from->join.column.count &&
        from->join.right->kind != FROM_UNNEST && !from->join.right->lateral) {
        return error_at(err, ST_VALIDATION, from->span.place,
                        "INNER, LEFT, RIGHT or FULL join requires a condition (NATURAL keyword or "
                        "ON or USING clause)");
    }
    Plan *left = NULL, *right = NULL;
    Scope *left_scope = NULL, *right_scope = NULL;
    TRY(bind_from(binder, from->join.left, &left, &left_scope, err));
    bool taken = false;
    TRY(bind_lateral(binder, from, left, left_scope, type, plan, scope, &taken, err));
    if (taken) return ST_OK;
    TRY(bind_from(binder, from->join.right, &right, &right_scope, err));
    for (uint32_t l = 0; l < left_scope->item_count; l++) {
        for (uint32_t r = 0; r < right_scope->item_count; r++) {
            Str name = left_scope->item[l].name;
            if (!name.ptr || !str_eq(name, right_scope->item[r].name)) continue;
            return error_at(err, ST_VALIDATION, from->join.right->span.place,
                            "duplicate relation name '" STR_FMT "' in FROM clause", STR_ARG(name));
        }
    }
    Arena *arena = binder->arena;
    const Type *row =
        join_row(arena, left->type, right->type, type == JOIN_TYPE_SEMI ? JOIN_TYPE_INNER : type);
    Scope *both = scope_join(arena, left_scope, right_scope, row);
    // Flink looks for what USING has merged along joins with USING alone, down the left sides.
    uint32_t named = from->join.column.count ? left_scope->row->child_count : 0;
    for (uint32_t c = named; c < row->child_count; c++) both->merged[c].nameless = true;
    Expr *condition = NULL;
    bool queries = from->join.on && ast_has_query(from->join.on);
    if (queries && type != JOIN_TYPE_INNER) {
        return error_at(err, ST_VALIDATION, from->join.on->span.place,
                        "a subquery can stand in ON of an inner join only");
    }
    if (from->join.on && !queries) {
        Binder on = *binder;
        on.scope = both;
        on.allow_agg = on.allow_over = false;
        on.groups = NULL;
        on.correlation = NULL;
        TRY(bind_condition(&on, from->join.on, "ON", &condition, err));
    } else if (from->join.natural || from->join.column.count) {
        TRY(bind_using(binder, from, left_scope, right_scope, both, &condition, err));
    }
    for (uint32_t c = 0; from->join.natural && c < both->row->child_count; c++) {
        both->merged[c].nameless = true;
    }
    TRY(plan_join(binder->context, left, right, type, condition, plan, err));
    Plan *join = (*plan)->kind == PLAN_PROJECT ? (*plan)->input[0] : *plan;
    join->ttl_hint_ms[0] = bind_ttl(binder, from->join.left);
    join->ttl_hint_ms[1] = bind_ttl(binder, from->join.right);
    if (type == JOIN_TYPE_SEMI) {
        *scope = left_scope;
        return ST_OK;
    }
    both->row = (*plan)->type;
    if (queries) {  // ON is a WHERE here
        Binder where = *binder;
        where.scope = both;
        where.plan = *plan;
        where.allow_agg = where.allow_over = false;
        where.groups = NULL;
        where.correlation = NULL;
        where.queries_alone = true;
        TRY(bind_where(&where, from->join.on, err));
        *plan = where.plan;
        if (both->row->child_count == (*plan)->type->child_count) both->row = (*plan)->type;
    }
    *scope = both;
    return ST_OK;
}

// ---- WHERE over a join -------------------------------------------------------------------------

// The whole condition of a join, over both rows.
static Expr *join_condition(PlanContext *context, const Plan *join) {
    Expr *condition = join->condition;
    uint32_t shift = join->input[0]->type->child_count;
    for (uint32_t i = 0; i < join->key_count; i++) {
        Expr *pair[2] = {expr_column(context->arena, join->key[i], join->type->child[join->key[i]]),
                         expr_column(context->arena, shift + join->right_key[i],
                                     join->type->child[shift + join->right_key[i]])};
        Expr *equal = NULL;
        const char *name = join->null_safe[i] ? "IS NOT DISTINCT FROM" : "=";
        Status st =
            expr_call(context->arena, context->env, name, pair, 2, (Place){0}, &equal, NULL);
        ASSERT(!st);
        condition = expr_and(context->arena, context->env, condition, equal);
    }
    return condition;
}

Status plan_where(PlanContext *context, Plan *input, Expr *condition, Plan **out, Error *err) {
    if (input->kind != PLAN_JOIN || input->join != JOIN_TYPE_INNER || expr_is_true(condition)) {
        *out = plan_filter(context, input, condition);
        return ST_OK;
    }
    Arena *arena = context->arena;
    Plan *left = input->input[0], *right = input->input[1];
    uint32_t left_columns = left->type->child_count, columns = input->type->child_count;
    Conjuncts parts = {0};
    expr_split_and(arena, condition, &parts);
    Expr *own[4] = {NULL, NULL, NULL, NULL};  // by the sides it reads
    for (uint32_t i = 0; i < parts.count; i++) {
        parts.at[i] = join_mark_time(arena, left, right, parts.at[i]);
        unsigned sides =
            expr_is_deterministic(parts.at[i]) ? expr_sides(parts.at[i], left_columns) : 0;
        own[sides] = expr_and(arena, context->env, own[sides], parts.at[i]);
    }
    if (own[1]) TRY(plan_where(context, left, own[1], &left, err));
    if (own[2]) {
        TRY(plan_where(context, right, shift_left(arena, own[2], columns, left_columns), &right,
                       err));
    }
    Expr *both = expr_and(arena, context->env, join_condition(context, input), own[3]);
    TRY(plan_join(context, left, right, JOIN_TYPE_INNER, both, out, err));
    Plan *join = (*out)->kind == PLAN_PROJECT ? (*out)->input[0] : *out;
    memcpy(join->ttl_hint_ms, input->ttl_hint_ms, sizeof join->ttl_hint_ms);
    if (input->refused) {
        join->refused = input->refused;
        join->refused_at = input->refused_at;
    }
    *out = plan_filter(context, *out, own[0]);
    return ST_OK;
}
