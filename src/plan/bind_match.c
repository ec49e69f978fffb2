// MATCH_RECOGNIZE: its clauses, and the plan.
//
// All is bound twice: over the whole input, to learn which columns are read, then over a projection
// to those, so that the rows which wait for a match are no larger than they must be.
#include "plan/bind_match.h"

static Status refuse(Place place, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, place, "%s", what);
}

// Notes what can be planned and cannot run; of several reasons the first.
static void refuse_later(MatchSpec *spec, Place place, const char *what) {
    if (spec->refused) return;
    spec->refused = what;
    spec->refused_at = place;
}

// ---- PARTITION BY, ORDER BY --------------------------------------------------------------------

typedef struct MatchInput {
    Plan *plan;
    Scope *scope;
    uint32_t *key;
    uint32_t key_count;
    OrderKey *order;  // without the first key when that is processing time
    uint32_t order_count;
    uint32_t time_column;
    bool proctime;
    MatchSpec later;  // what ORDER BY is refused for
} MatchInput;

// PARTITION BY and ORDER BY name columns, nothing else.
static Status bind_column(Binder *binder, const AstExpr *ast, const char *clause, uint32_t *column,
                          Error *err) {
    Expr *expr;
    TRY(bind_expr(binder, ast, &expr, err));
    if (expr->kind != EXPR_COLUMN) {
        return error_at(err, ST_VALIDATION, ast->span.place, "%s takes columns only", clause);
    }
    *column = expr->column;
    return ST_OK;
}

static Status bind_partition(Binder *binder, const AstMatch *match, MatchInput *in, Error *err) {
    in->key = ARENA_ARRAY(binder->arena, uint32_t, match->partition.count + 1);
    for (uint32_t i = 0; i < match->partition.count; i++) {
        const AstExpr *ast = match->partition.at[i];
        TRY(bind_column(binder, ast, "PARTITION BY", &in->key[i], err));
        for (uint32_t k = 0; k < i; k++) {
            if (in->key[k] != in->key[i]) continue;
            return refuse(ast->span.place, "a column is named twice in PARTITION BY", err);
        }
    }
    in->key_count = match->partition.count;
    return ST_OK;
}

static Status bind_match_order(Binder *binder, const AstFrom *from, MatchInput *in, Error *err) {
    const AstMatch *match = from->match.match;
    if (!match->order.count) {
        return refuse(from->span.place, "you must specify either rowtime or proctime for ORDER BY",
                      err);
    }
    in->order = ARENA_ARRAY(binder->arena, OrderKey, match->order.count);
    for (uint32_t i = 0; i < match->order.count; i++) {
        const AstOrder *order = &match->order.at[i];
        uint32_t column = 0;
        TRY(bind_column(binder, order->expr, "ORDER BY", &column, err));
        if (order->nulls != NULLS_UNSAID) {
            return refuse(order->span.place,
                          "NULLS FIRST and NULLS LAST are not supported within MATCH_RECOGNIZE",
                          err);
        }
        const Type *type = in->plan->type->child[column];
        bool timed = type->attribute != TIME_NONE;
        if (binder->context->batch) timed = type_is_timestamp(type);  // no attributes there
        if (i == 0 && !timed) {
            refuse_later(
                &in->later, order->span.place,
                "you must specify either rowtime or proctime for ORDER BY as the first one");
        }
        if (i == 0 && order->descending) {
            refuse_later(&in->later, order->span.place,
                         "primary sort order of a streaming table must be ascending on time");
        }
        if (i == 0) in->proctime = type->attribute == TIME_PROCTIME;
        if (i == 0) in->time_column = column;
        if (i == 0 && in->proctime) continue;
        in->order[in->order_count++] = (OrderKey){column, order->descending, !order->descending};
    }
    return ST_OK;
}

// ---- PATTERN -----------------------------------------------------------------------------------

static Status add_part(MatchSpec *spec, const AstPattern *var, const AstPattern *quantifier,
                       Error *err) {
    Place place = quantifier->span.place;
    MatchPart part = {.name = var->var.name, .low = 1, .high = 1};
    for (uint32_t i = 0; i < spec->part_count; i++) {
        if (!str_eq(spec->part[i].name, part.name)) continue;
        return refuse(place, "pattern variables must be unique", err);
    }
    if (quantifier->quantified) {
        part.low = quantifier->low;
        part.high = quantifier->high;
        bool optional = part.low == 0 && part.high == 1;
        if (part.low < 0) return refuse(place, "a quantifier needs its lower bound", err);
        if (part.high >= 0 && (part.high < part.low || part.high == 0)) {
            return refuse(place, "the upper bound of a quantifier must not be below the lower one",
                          err);
        }
        if (optional && quantifier->reluctant) {
            refuse_later(spec, place, "reluctant optional variables are not supported");
        }
        part.greedy = !quantifier->reluctant && !optional && part.low != part.high;
        bool follows_greedy = spec->part_count && spec->part[spec->part_count - 1].greedy;
        if (follows_greedy && (optional || (part.low == 0 && part.high < 0))) {
            refuse_later(spec, place, "an optional variable cannot follow a greedy one");
        }
    }
    spec->part[spec->part_count++] = part;
    return ST_OK;
}

static uint32_t count_variables(const AstPattern *pattern) {
    uint32_t count = pattern->kind == PATTERN_VAR;
    for (uint32_t i = 0; i < pattern->item_count; i++) count += count_variables(pattern->item[i]);
    return count;
}

// (A) is A, and A (B C) is A B C: round brackets alone make no group.
static const AstPattern *without_brackets(const AstPattern *pattern) {
    while (pattern->kind == PATTERN_GROUP && !pattern->quantified) pattern = pattern->item[0];
    return pattern;
}

static Status add_pattern(MatchSpec *spec, const AstPattern *pattern, Error *err) {
    const AstPattern *quantifier = pattern = without_brackets(pattern);
    Place place = pattern->span.place;
    if (pattern->kind == PATTERN_GROUP) pattern = without_brackets(pattern->item[0]);
    switch (pattern->kind) {
        case PATTERN_ALTER:
            refuse_later(spec, place, "branching patterns, |, are not supported");
            break;
        case PATTERN_PERMUTE:
            refuse_later(spec, place, "PERMUTE patterns are not supported");
            break;
        case PATTERN_EXCLUDE: refuse_later(spec, place, "{- -} patterns are not supported"); break;
        case PATTERN_VAR:
            if (quantifier == pattern || !pattern->quantified) {
                return add_part(spec, pattern, quantifier, err);
            }
            refuse_later(spec, place, "group patterns are not supported");
            return add_part(spec, pattern, pattern, err);
        case PATTERN_CONCAT:
            if (quantifier != pattern)
                refuse_later(spec, place, "group patterns are not supported");
            break;
        case PATTERN_GROUP: refuse_later(spec, place, "group patterns are not supported"); break;
    }
    for (uint32_t i = 0; i < pattern->item_count; i++) {
        TRY(add_pattern(spec, pattern->item[i], err));
    }
    return ST_OK;
}

static Status bind_pattern(Binder *binder, const AstMatch *match, MatchSpec *spec, Error *err) {
    Place place = match->pattern->span.place;
    spec->part = ARENA_ARRAY(binder->arena, MatchPart, count_variables(match->pattern) + 1);
    TRY(add_pattern(spec, match->pattern, err));
    bool empty = true;
    for (uint32_t i = 0; i < spec->part_count; i++) empty &= spec->part[i].low == 0;
    if (empty) {
        refuse_later(spec, place,
                     "patterns that can produce empty matches are not supported: there must be at "
                     "least one variable that is not optional");
    }
    if (spec->part[spec->part_count - 1].greedy) {
        refuse_later(
            spec, place,
            "greedy quantifiers are not allowed as the last element of a pattern: finish it "
            "with either a simple variable or a reluctant quantifier");
    }
    return ST_OK;
}

// ---- AFTER MATCH, WITHIN, SUBSET ---------------------------------------------------------------

static Status bind_skip(const struct MatchBinding *match, Error *err) {
    const AstMatch *ast = match->ast;
    MatchSpec *spec = match->spec;
    switch (ast->skip) {
        case SKIP_UNSAID:
        case SKIP_TO_NEXT_ROW: spec->skip = MATCH_SKIP_TO_NEXT; return ST_OK;
        case SKIP_PAST_LAST_ROW: spec->skip = MATCH_SKIP_PAST_LAST; return ST_OK;
        case SKIP_TO_FIRST: spec->skip = MATCH_SKIP_TO_FIRST; break;
        case SKIP_TO_LAST:
        case SKIP_TO_VAR: spec->skip = MATCH_SKIP_TO_LAST; break;
    }
    if (match_variable(match, ast->skip_var.name, &spec->skip_var)) return ST_OK;
    return error_at(err, ST_VALIDATION, ast->skip_var.span.place, "unknown pattern '" STR_FMT "'",
                    STR_ARG(ast->skip_var.name));
}

static Status bind_within(Binder *binder, const MatchInput *in, const AstMatch *match,
                          MatchSpec *spec, Error *err) {
    if (!match->within) return ST_OK;
    Place place = match->within->span.place;
    const Type *time = in->plan->type->child[in->time_column];
    if (!in->proctime && !type_is_timestamp(time)) {
        return refuse(place, "the first column of ORDER BY must be a TIMESTAMP when WITHIN is used",
                      err);
    }
    TRY(bind_interval_ms(binder, match->within, &spec->within_ms, err));
    return spec->within_ms < 0 ? refuse(place, "the interval must not be negative", err) : ST_OK;
}

static Status check_subsets(const struct MatchBinding *match, Error *err) {
    const AstMatch *ast = match->ast;
    for (uint32_t i = 0; i < ast->subset_count; i++) {
        const AstSubset *subset = &ast->subset[i];
        struct MatchBinding before = *match;
        AstMatch rest = *ast;
        int32_t var;
        before.ast = &rest;
        rest.subset_count = i;
        if (match_variable(&before, subset->name.name, &var)) {
            return error_at(err, ST_VALIDATION, subset->name.span.place,
                            "pattern variable '" STR_FMT "' has already been defined",
                            STR_ARG(subset->name.name));
        }
        rest.subset_count = i + 1;
        for (uint32_t k = 0; k < subset->var.count; k++) {
            if (match_variable(&before, subset->var.at[k].name, &var)) continue;
            return error_at(err, ST_VALIDATION, subset->var.at[k].span.place,
                            "unknown pattern '" STR_FMT "'", STR_ARG(subset->var.at[k].name));
        }
    }
    return ST_OK;
}

// ---- DEFINE, MEASURES --------------------------------------------------------------------------

// Constants are folded where they can be; Flink computes them for each row, so that one which fails
// is an error of the row.
static void fold(Binder *binder, Expr **expr) {
    Expr *folded = *expr;
    if (!expr_fold(binder->context, &folded, NULL)) *expr = folded;
}

static Status bind_defines(Binder *binder, struct MatchBinding *match, Error *err) {
    MatchSpec *spec = match->spec;
    spec->define = ARENA_ARRAY(binder->arena, MatchExpr, spec->part_count);
    for (uint32_t i = 0; i < match->ast->define_count; i++) {
        const AstDefine *define = &match->ast->define[i];
        for (uint32_t k = 0; k < i; k++) {
            if (!str_eq(match->ast->define[k].var.name, define->var.name)) continue;
            return error_at(err, ST_VALIDATION, define->span.place,
                            "pattern variable '" STR_FMT "' has already been defined",
                            STR_ARG(define->var.name));
        }
    }
    for (uint32_t i = 0; i < match->ast->define_count; i++) {
        const AstDefine *define = &match->ast->define[i];
        MatchExpr unused = {0};
        (void)match_variable(match, define->var.name, &match->current);
        match->target = match->current >= 0 ? &spec->define[match->current] : &unused;
        Expr *condition;
        TRY(match_check(define->condition, false, err));
        TRY(bind_expr(binder, define->condition, &condition, err));
        if (condition->type->kind != TYPE_BOOLEAN) {
            return refuse(define->span.place, "the DEFINE clause must be a condition", err);
        }
        fold(binder, &condition);
        match->target->expr = condition;
    }
    return ST_OK;
}

// Names of the output are unique: keys, then measures.
static bool name_is_taken(const AstMatch *ast, uint32_t measure, const MatchInput *in) {
    Str name = ast->measure[measure].alias.name;
    for (uint32_t i = 0; i < in->key_count; i++) {
        if (str_eq(in->plan->type->field[in->key[i]], name)) return true;
    }
    for (uint32_t i = 0; i < measure; i++) {
        if (str_eq(ast->measure[i].alias.name, name)) return true;
    }
    return false;
}

// A measure's ROW is typed anew from its fields: it may be NULL where one of them may.
static void row_like_fields(Arena *arena, Expr **expr) {
    const Expr *row = *expr;
    if (row->kind != EXPR_CALL || strcmp(row->call->func->name, "ROW") != 0) return;
    bool nullable = row->type->nullable;
    for (uint32_t i = 0; i < row->arg_count; i++) nullable |= row->arg[i]->type->nullable;
    if (nullable == row->type->nullable) return;
    *expr = arena_dup(arena, row, sizeof *row);
    (*expr)->type = type_nullable(arena, row->type, true);
}

static Status bind_measures(Binder *binder, struct MatchBinding *match, const AstFrom *from,
                            const MatchInput *in, Error *err) {
    const AstMatch *ast = match->ast;
    MatchSpec *spec = match->spec;
    if (!ast->measure_count) return refuse(from->span.place, "MATCH_RECOGNIZE needs MEASURES", err);
    match->measures = true;
    match->target = &spec->measures;
    spec->measure = ARENA_ARRAY(binder->arena, Expr *, ast->measure_count);
    for (uint32_t i = 0; i < ast->measure_count; i++) {
        const AstItem *item = &ast->measure[i];
        if (name_is_taken(ast, i, in)) {
            return error_at(err, ST_VALIDATION, item->span.place,
                            "column '" STR_FMT "' is ambiguously defined",
                            STR_ARG(item->alias.name));
        }
        Expr *expr;
        TRY(match_check(item->expr, true, err));
        TRY(bind_expr(binder, item->expr, &expr, err));
        if (expr->type->kind == TYPE_NULL)
            return refuse(item->span.place, "illegal use of NULL", err);
        if (expr->type->kind == TYPE_SYMBOL || expr->type->kind == TYPE_DESCRIPTOR) {
            return refuse(item->span.place, "this is no value", err);
        }
        fold(binder, &expr);
        row_like_fields(binder->arena, &expr);
        spec->measure[i] = expr;
    }
    spec->measure_count = ast->measure_count;
    return ST_OK;
}

// ---- the whole ---------------------------------------------------------------------------------

// How EXPLAIN calls the columns of a slot: A.px, FIRST(A.px, 1), SUM(A.px).

static Str variable_name(const MatchSpec *spec, int32_t var) {
    if (var == MATCH_ANY) return STR("*");
    return var == MATCH_NONE ? STR("?") : spec->part[var].name;
}

static Str column_name(Arena *arena, const MatchSpec *spec, const MatchSlot *slot, Str field) {
    Str var = variable_name(spec, slot->var);
    const char *what = slot->first ? "FIRST" : "LAST";
    if (!slot->first && !slot->offset) {
        return str_printf(arena, STR_FMT "." STR_FMT, STR_ARG(var), STR_ARG(field));
    }
    return str_printf(arena, "%s(" STR_FMT "." STR_FMT ", %d)", what, STR_ARG(var), STR_ARG(field),
                      slot->offset);
}

static Str slot_name(Arena *arena, const MatchSpec *spec, const MatchSlot *slot,
                     const Type *input) {
    if (slot->kind == SLOT_ROW_TIME) return STR("MATCH_ROWTIME()");
    if (slot->kind == SLOT_PROC_TIME) return STR("MATCH_PROCTIME()");
    uint32_t columns = input->child_count;
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        name[c] = column_name(arena, spec, slot, input->field[c]);
    }
    const Type *row = type_row(arena, columns, input->child, name, false);
    Buf text = {0};
    buf_printf(&text, "%s(", slot->call->func->name);
    for (uint32_t i = 0; i < slot->call->argc; i++) {
        if (i) buf_puts(&text, ", ");
        expr_print(slot->arg[i], row, &text);
    }
    buf_puts(&text, slot->call->argc ? ")" : "*)");
    Str kept = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return kept;
}

static const Type *expressions_row(Arena *arena, const MatchSpec *spec, const Type *input,
                                   uint32_t width) {
    const Type **child = ARENA_ARRAY(arena, const Type *, width + 1);
    Str *name = ARENA_ARRAY(arena, Str, width + 1);
    uint32_t columns = input->child_count;
    memcpy(child, input->child, columns * sizeof *child);
    memcpy(name, input->field, columns * sizeof *name);
    for (uint32_t i = 0; i < spec->slot_count; i++) {
        const MatchSlot *slot = &spec->slot[i];
        if (slot->kind != SLOT_ROW) {
            child[slot->column] = slot->type;
            name[slot->column] = slot_name(arena, spec, slot, input);
            continue;
        }
        memcpy(child + slot->column, input->child, columns * sizeof *child);
        for (uint32_t c = 0; c < columns; c++) {
            name[slot->column + c] = column_name(arena, spec, slot, input->field[c]);
        }
    }
    return type_row(arena, width, child, name, false);
}

static Status bind_clauses(Binder *binder, const AstFrom *from, const MatchInput *in, bool *used,
                           MatchSpec **out, Error *err) {
    MatchSpec *spec = ARENA_NEW(binder->arena, MatchSpec);
    struct MatchBinding match = {
        .spec = spec,
        .ast = from->match.match,
        .input = in->scope,
        .used = used,
        .width = in->plan->type->child_count,
    };
    TRY(bind_pattern(binder, match.ast, spec, err));
    TRY(bind_within(binder, in, match.ast, spec, err));
    TRY(check_subsets(&match, err));
    TRY(bind_skip(&match, err));
    Binder inner = *binder;
    inner.scope = in->scope;
    inner.match = &match;
    inner.groups = NULL;
    inner.allow_agg = inner.allow_over = false;
    TRY(bind_defines(&inner, &match, err));
    TRY(bind_measures(&inner, &match, from, in, err));
    spec->row = expressions_row(binder->arena, spec, in->plan->type, match.width);
    *out = spec;
    return ST_OK;
}

// Takes away the columns that nobody reads.
static void project_used(Binder *binder, MatchInput *in, bool *used) {
    Arena *arena = binder->arena;
    const Type *row = in->plan->type;
    for (uint32_t i = 0; i < in->key_count; i++) used[in->key[i]] = true;
    for (uint32_t i = 0; i < in->order_count; i++) used[in->order[i].column] = true;
    if (!in->proctime) used[in->time_column] = true;
    Expr **expr = ARENA_ARRAY(arena, Expr *, row->child_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, row->child_count + 1);
    uint32_t *map = ARENA_ARRAY(arena, uint32_t, row->child_count + 1), count = 0;
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (!used[i] && (count || i + 1 < row->child_count)) continue;
        map[i] = count;
        name[count] = row->field[i];
        expr[count++] = expr_column(arena, i, row->child[i]);
    }
    if (count == row->child_count) return;
    in->plan = plan_project(binder->context, in->plan, expr, name, count);
    in->scope = scope_single(arena, in->plan->type, in->scope->item[0].name);
    for (uint32_t i = 0; i < in->key_count; i++) in->key[i] = map[in->key[i]];
    for (uint32_t i = 0; i < in->order_count; i++) in->order[i].column = map[in->order[i].column];
    in->time_column = in->proctime ? 0 : map[in->time_column];
}

static Plan *match_plan(Binder *binder, const AstMatch *ast, const MatchInput *in,
                        MatchSpec *spec) {
    Arena *arena = binder->arena;
    uint32_t keys = in->key_count, count = keys + spec->measure_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, count + 1);
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        bool key = i < keys;
        child[i] = key ? in->plan->type->child[in->key[i]] : spec->measure[i - keys]->type;
        name[i] = key ? in->plan->type->field[in->key[i]] : ast->measure[i - keys].alias.name;
    }
    Plan *plan =
        plan_new(binder->context, PLAN_MATCH, type_row(arena, count, child, name, false), 1);
    plan->input[0] = in->plan;
    plan->key = in->key;
    plan->key_count = keys;
    plan->order = in->order;
    plan->order_count = in->order_count;
    plan->time_column = in->time_column;
    plan->proctime_order = in->proctime;
    plan->match = spec;
    return plan;
}

Status bind_match(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope, Error *err) {
    const AstMatch *ast = from->match.match;
    MatchInput in = {0};
    MatchSpec *spec;
    if (ast->rows == ALL_ROWS_PER_MATCH) {
        return refuse(from->span.place, "ALL ROWS PER MATCH is not supported", err);
    }
    if (from->column.count) {
        return refuse(from->column.at[0].span.place, "MATCH_RECOGNIZE takes no list of columns",
                      err);
    }
    Str alias = bind_relation_alias(binder, from);
    TRY(bind_from(binder, from->match.input, &in.plan, &in.scope, err));
    Binder inner = *binder;
    inner.scope = in.scope;
    inner.plan = in.plan;
    inner.groups = NULL;
    inner.allow_agg = inner.allow_over = false;
    TRY(bind_partition(&inner, ast, &in, err));
    TRY(bind_match_order(&inner, from, &in, err));
    bool *used = ARENA_ARRAY(binder->arena, bool, in.plan->type->child_count + 1);
    const Plan *whole = in.plan;
    TRY(bind_clauses(&inner, from, &in, used, &spec, err));
    project_used(binder, &in, used);
    if (in.plan != whole) TRY(bind_clauses(&inner, from, &in, used, &spec, err));
    if (in.later.refused) refuse_later(spec, in.later.refused_at, in.later.refused);
    *plan = match_plan(binder, ast, &in, spec);
    *scope = scope_single(binder->arena, (*plan)->type, from->alias.name);
    (*scope)->item[0].printed = alias;
    return ST_OK;
}
