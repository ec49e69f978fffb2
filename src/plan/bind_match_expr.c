// Expressions of DEFINE and MEASURES: names, navigation and aggregates become slots (plan/match.h).
//
// A plain A.px means LAST(A.px, 0), in DEFINE with the row at hand as the last one of the variable
// that is being defined; a plain px asks all variables. FIRST(x + 1, n) reads every name within as
// of that row. PREV and NEXT know rows of the partition in the standard; Flink has them with an
// offset of 0 only, but for PREV of another variable, which it reads as LAST.
#include "plan/bind_match.h"

bool match_variable(const struct MatchBinding *match, Str name, int32_t *var) {
    *var = MATCH_NONE;
    for (uint32_t i = 0; i < match->spec->part_count; i++) {
        if (!str_eq(match->spec->part[i].name, name)) continue;
        *var = (int32_t)i;
        return true;
    }
    for (uint32_t i = 0; i < match->ast->define_count; i++) {
        if (str_eq(match->ast->define[i].var.name, name)) return true;
    }
    for (uint32_t i = 0; i < match->ast->subset_count; i++) {
        if (str_eq(match->ast->subset[i].name.name, name)) return true;
    }
    return false;
}

// ---- what may stand where ----------------------------------------------------------------------

typedef enum CallKind { CALL_OTHER, CALL_PHYSICAL, CALL_LOGICAL, CALL_AGG, CALL_SCOPE } CallKind;

// Calcite knows these aggregates; of others it does not check the variables, see bind_agg.
static bool is_plain_agg(Str name) {
    static const char *const NAMES[] = {"SUM", "AVG", "COUNT", "MAX", "MIN"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (str_eq(name, str_c(NAMES[i]))) return true;
    }
    return false;
}

static CallKind kind_of(const AstCall *call) {
    if (str_is(call->name, "PREV") || str_is(call->name, "NEXT")) return CALL_PHYSICAL;
    if (str_is(call->name, "FIRST") || str_is(call->name, "LAST")) return CALL_LOGICAL;
    if (str_is(call->name, "FINAL") || str_is(call->name, "RUNNING")) return CALL_SCOPE;
    return call->syntax == SYN_FUNCTION && is_plain_agg(call->name) ? CALL_AGG : CALL_OTHER;
}

static void vars_add(MatchVars *vars, const MatchVars *more) {
    if (!more->any) return;
    vars->many |= more->many || (vars->any && !str_eq(vars->one, more->one));
    if (!vars->any) vars->one = more->one;
    vars->any = true;
}

// What surrounds an expression.
typedef struct Around {
    bool measures, logical, physical, agg;
    uint32_t index, count;  // it is argument [index] of [count]
} Around;

static Status check(const AstExpr *ast, Around around, MatchVars *vars, Error *err);

static Status check_part(const AstExpr *ast, Around around, uint32_t index, uint32_t count,
                         MatchVars *vars, Error *err) {
    if (!ast) return ST_OK;
    MatchVars own = {0};
    around.index = index;
    around.count = count;
    TRY(check(ast, around, &own, err));
    vars_add(vars, &own);
    return ST_OK;
}

static Status check_place(const AstExpr *ast, const Around *around, CallKind kind, Error *err) {
    Place place = ast->span.place;
    Str name = ast->call->name;
    bool navigation = kind == CALL_PHYSICAL || kind == CALL_LOGICAL;
    if (kind == CALL_PHYSICAL && around->measures) {
        return error_at(err, ST_VALIDATION, place, "cannot use PREV/NEXT in MEASURES");
    }
    if (navigation && around->logical) {
        return error_at(err, ST_VALIDATION, place, "cannot nest " STR_FMT " under LAST/FIRST",
                        STR_ARG(name));
    }
    if (kind == CALL_AGG && (around->logical || around->physical)) {
        return error_at(err, ST_VALIDATION, place, "cannot use an aggregation in navigation");
    }
    if (kind == CALL_SCOPE && !around->measures) {
        return error_at(err, ST_VALIDATION, place, "cannot use RUNNING/FINAL in DEFINE");
    }
    if (ast->call->quantifier == QUANT_DISTINCT) {
        return error_at(err, ST_VALIDATION, place,
                        "DISTINCT is not allowed within MATCH_RECOGNIZE");
    }
    return ST_OK;
}

static Status check_call(const AstExpr *ast, Around around, MatchVars *vars, Error *err) {
    const AstCall *call = ast->call;
    CallKind kind = kind_of(call);
    TRY(check_place(ast, &around, kind, err));
    around.physical |= kind == CALL_PHYSICAL;
    around.logical |= kind == CALL_LOGICAL;
    around.agg |= kind == CALL_AGG;
    // The offset, given or not, is an argument.
    bool navigation = kind == CALL_PHYSICAL || kind == CALL_LOGICAL;
    uint32_t count = navigation ? 2 : call->arg.count;
    for (uint32_t i = 0; i < call->arg.count; i++) {
        TRY(check_part(call->arg.at[i], around, i, count, vars, err));
    }
    if (!navigation && kind != CALL_AGG) return ST_OK;
    if (vars->many) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "multiple pattern variables in " STR_FMT, STR_ARG(call->name));
    }
    if (!vars->any && !str_is(call->name, "COUNT")) {
        return error_at(err, ST_VALIDATION, ast->span.place, "null parameters in " STR_FMT,
                        STR_ARG(call->name));
    }
    return ST_OK;
}

// A constant counts as a variable of its own unless it is the last argument: FIRST(A.x + 1) is fine
// and FIRST(1 + A.x) is not. As odd as it is, so it is in Calcite.
static void check_literal(const AstExpr *ast, const Around *around, MatchVars *vars) {
    bool last = around->count != 1 && around->index + 1 >= around->count;
    if (last || !(around->logical || around->physical)) return;
    if (ast->literal.kind == LIT_NULL || ast->literal.kind == LIT_INTERVAL) return;
    bool truth = ast->literal.kind == LIT_BOOLEAN;
    *vars = (MatchVars){.any = true, .one = ast->literal.text};
    if (truth) vars->one = ast->literal.boolean ? STR("TRUE") : STR("FALSE");
}

static Status check(const AstExpr *ast, Around around, MatchVars *vars, Error *err) {
    switch (ast->kind) {
        case EX_LITERAL: check_literal(ast, &around, vars); return ST_OK;
        case EX_NAME:
            if (around.logical || around.physical || around.agg) {
                vars->any = true;
                vars->one = ast->name.count > 1 ? ast->name.part[0].name : STR("*");
            }
            return ST_OK;
        case EX_CALL: return check_call(ast, around, vars, err);
        case EX_CAST: return check_part(ast->cast.value, around, 0, 2, vars, err);
        case EX_CASE:
            TRY(check_part(ast->cases.operand, around, 0, 4, vars, err));
            for (uint32_t i = 0; i < ast->cases.branch_count; i++) {
                TRY(check_part(ast->cases.branch[i].when, around, 1, 4, vars, err));
                TRY(check_part(ast->cases.branch[i].then, around, 2, 4, vars, err));
            }
            return check_part(ast->cases.otherwise, around, 3, 4, vars, err);
        case EX_QUERY:
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "a subquery cannot stand within MATCH_RECOGNIZE");
        default: return ST_OK;
    }
}

Status match_check(const AstExpr *ast, bool measures, Error *err) {
    MatchVars vars = {0};
    return check(ast, (Around){.measures = measures, .count = 1}, &vars, err);
}

// ---- slots -------------------------------------------------------------------------------------

static void read_slot(const struct MatchBinding *match, Arena *arena, uint32_t index) {
    MatchExpr *target = match->target;
    for (uint32_t i = 0; i < target->slot_count; i++) {
        if (target->slot[i] == index) return;
    }
    ARENA_PUSH(arena, target->slot, target->slot_count, target->slot_cap, index);
}

static bool same_slot(const MatchSlot *a, const MatchSlot *b) {
    if (a->kind != b->kind || a->var != b->var) return false;
    if (a->kind == SLOT_ROW) return a->first == b->first && a->offset == b->offset;
    if (a->kind != SLOT_AGG) return a->kind == SLOT_PROC_TIME;
    if (a->call->func != b->call->func || a->call->argc != b->call->argc) return false;
    if (a->call->respect_nulls != b->call->respect_nulls) return false;
    if (a->call->ignore_nulls != b->call->ignore_nulls) return false;
    if (a->call->absent_on_null != b->call->absent_on_null) return false;
    for (uint32_t i = 0; i < a->call->argc; i++) {
        if (!expr_equal(a->arg[i], b->arg[i]) || !expr_is_deterministic(a->arg[i])) return false;
    }
    return true;
}

// The first column of the slot, which takes [columns] of them when it is new.
static uint32_t slot_column(struct MatchBinding *match, Arena *arena, MatchSlot slot,
                            uint32_t columns) {
    MatchSpec *spec = match->spec;
    uint32_t index = 0;
    while (index < spec->slot_count && !same_slot(&spec->slot[index], &slot)) index++;
    if (index == spec->slot_count) {
        slot.column = match->width;
        match->width += columns;
        ARENA_PUSH(arena, spec->slot, spec->slot_count, spec->slot_cap, slot);
    }
    read_slot(match, arena, index);
    return spec->slot[index].column;
}

// ---- names -------------------------------------------------------------------------------------

static bool find_column(const Type *row, Str name, uint32_t *column) {
    for (*column = 0; *column < row->child_count; (*column)++) {
        if (str_eq(row->field[*column], name)) return true;
    }
    return false;
}

// Which variable and column a name speaks of; *used parts of it are used up. False: none.
static bool resolve(const struct MatchBinding *match, const AstName *name, int32_t *var,
                    uint32_t *column, uint32_t *used) {
    const Type *row = match->input->row;
    *used = 2;
    if (name->count > 1 && match_variable(match, name->part[0].name, var)) {
        return find_column(row, name->part[1].name, column);
    }
    // The table's own name is taken for a variable too, one that no row is mapped to.
    *var = MATCH_NONE;
    if (name->count > 1 && match->input->item[0].name.ptr &&
        str_eq(name->part[0].name, match->input->item[0].name)) {
        return find_column(row, name->part[1].name, column);
    }
    *var = MATCH_ANY;
    *used = 1;
    return find_column(row, name->part[0].name, column);
}

Status bind_match_name(Binder *binder, const AstExpr *ast, Expr **out, uint32_t *used, Error *err) {
    struct MatchBinding *match = binder->match;
    const AstName *name = &ast->name;
    const Type *row = match->input->row;
    int32_t var;
    uint32_t column;
    if (!resolve(match, name, &var, &column, used)) {
        if (name->count == 1 || !match_variable(match, name->part[0].name, &var)) return ST_END;
        return error_at(err, ST_VALIDATION, name->span.place,
                        "column '" STR_FMT "' not found in '" STR_FMT "'",
                        STR_ARG(name->part[1].name), STR_ARG(name->part[0].name));
    }
    match->used[column] = true;
    if (match->in_agg) {
        MatchVars one = {.any = true, .one = *used > 1 ? name->part[0].name : STR("*")};
        vars_add(&match->agg_vars, &one);
    } else if (match->measures || match->first || match->offset ||
               (var != match->current && var != MATCH_ANY)) {
        MatchSlot slot = {
            .kind = SLOT_ROW, .var = var, .first = match->first, .offset = match->offset};
        uint32_t from = slot_column(match, binder->arena, slot, row->child_count);
        // The time of a match is MATCH_ROWTIME(): that of one of its rows is behind it.
        const Type *type = type_attribute(binder->arena, row->child[column], TIME_NONE);
        *out = expr_column(binder->arena, from + column, type);
        return ST_OK;
    }
    *out = expr_column(binder->arena, column, row->child[column]);
    return ST_OK;
}

// ---- navigation --------------------------------------------------------------------------------

static Status offset_of(const AstCall *call, int32_t otherwise, int32_t *offset, Error *err) {
    *offset = otherwise;
    if (call->arg.count < 2) return ST_OK;
    const AstExpr *ast = call->arg.at[1];
    int64_t value;
    if (ast->kind != EX_LITERAL || ast->literal.kind != LIT_INTEGER ||
        !str_to_i64(ast->literal.text, &value) || value > INT32_MAX || value < INT32_MIN) {
        return error_at(err, ST_VALIDATION, ast->span.place, "an offset is a whole number");
    }
    *offset = (int32_t)value;
    return ST_OK;
}

static Status bind_as_of_row(Binder *binder, const AstExpr *ast, bool first, int32_t offset,
                             Expr **out, Error *err) {
    struct MatchBinding *match = binder->match;
    bool outer_first = match->first;
    int32_t outer_offset = match->offset;
    match->first = first;
    match->offset = offset;
    Status st = bind_expr(binder, ast, out, err);
    match->first = outer_first;
    match->offset = outer_offset;
    return st;
}

static bool is_other_variable(const struct MatchBinding *match, const AstExpr *ast) {
    int32_t var = MATCH_ANY;
    if (ast->kind != EX_NAME) return false;
    if (ast->name.count > 1) (void)match_variable(match, ast->name.part[0].name, &var);
    return var != match->current || var == MATCH_NONE;
}

// PREV(A.px, n) and PREV(A.px + A.v, n), A being another variable than the one at hand.
static bool is_prev_of_other(const struct MatchBinding *match, const AstExpr *arg) {
    if (arg->kind != EX_CALL) return is_other_variable(match, arg);
    for (uint32_t i = 0; i < arg->call->arg.count; i++) {
        if (!is_other_variable(match, arg->call->arg.at[i])) return false;
    }
    return true;
}

static Status bind_physical(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const AstCall *call = ast->call;
    const AstExpr *arg = call->arg.at[0];
    int32_t offset;
    TRY(offset_of(call, 1, &offset, err));
    bool nested = arg->kind == EX_CALL && kind_of(arg->call) == CALL_PHYSICAL;
    bool prev = str_is(call->name, "PREV") && is_prev_of_other(binder->match, arg);
    if (nested || (offset != 0 && !prev)) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "physical offsets within a partition are not supported");
    }
    return bind_as_of_row(binder, arg, false, offset, out, err);
}

// ---- aggregates --------------------------------------------------------------------------------

static Status agg_variable(const struct MatchBinding *match, const AstExpr *ast, bool star,
                           int32_t *var, Error *err) {
    *var = MATCH_ANY;
    if (match->agg_vars.many) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "an aggregation must be applied to a single pattern variable");
    }
    if (!match->agg_vars.any && !star) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "no pattern variable specified in the aggregate");
    }
    if (star || str_is(match->agg_vars.one, "*")) return ST_OK;
    (void)match_variable(match, match->agg_vars.one, var);
    return ST_OK;
}

static Status bind_agg(Binder *binder, const AstExpr *ast, const AggFunc *func, Expr **out,
                       Error *err) {
    struct MatchBinding *match = binder->match;
    if (match->in_agg) {
        return error_at(err, ST_VALIDATION, ast->span.place, "aggregates cannot be nested");
    }
    if (ast->call->filter || (func->flags & AGG_OVER_ONLY)) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        ast->call->filter ? "FILTER is not supported within MATCH_RECOGNIZE"
                                          : "OVER clause is necessary for window functions");
    }
    if (ast->call->arg.count && ast->call->arg.at[0]->kind == EX_STAR &&
        ast->call->arg.at[0]->name.count) {
        return error_at(err, ST_VALIDATION, ast->span.place, "unknown field '*'");
    }
    PlanAgg agg = {0};
    MatchSlot slot = {.kind = SLOT_AGG};
    match->in_agg = true;
    match->agg_vars = (MatchVars){0};
    Status st = bind_agg_args(binder, ast, func, false, &slot.arg, &agg, err);
    match->in_agg = false;
    TRY(st);
    if (agg.call->refused) {
        return error_at(err, ST_VALIDATION, ast->span.place, "%s", agg.call->refused);
    }
    slot.call = agg.call;
    slot.type = agg.call->result;
    TRY(agg_variable(match, ast, agg.call->argc == 0, &slot.var, err));
    uint32_t column = slot_column(match, binder->arena, slot, 1);
    *out = expr_column(binder->arena, column, agg.call->result);
    return ST_OK;
}

// ---- the match's time --------------------------------------------------------------------------

static Status bind_row_time(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    struct MatchBinding *match = binder->match;
    const AstCall *call = ast->call;
    Arena *arena = binder->arena;
    const Type *type = type_attribute(arena, type_timestamp(arena, 3, false), TIME_ROWTIME);
    if (call->arg.count > 1) {
        return error_at(err, ST_VALIDATION, ast->span.place, "MATCH_ROWTIME takes one argument");
    }
    if (call->arg.count) {  // only its type counts
        MatchSpec *spec = match->spec;
        MatchExpr none = {0}, *target = match->target;
        uint32_t slots = spec->slot_count, width = match->width;
        Expr *arg = NULL;
        match->target = &none;
        Status st = bind_expr(binder, call->arg.at[0], &arg, err);
        match->target = target;
        match->width = width;
        spec->slot_count = slots;
        TRY(st);
        if (arg->type->attribute != TIME_ROWTIME && arg->type->was_attribute != TIME_ROWTIME) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "the function MATCH_ROWTIME requires its argument to be a row time "
                            "attribute");
        }
        type = type_attribute(arena, arg->type, TIME_ROWTIME);
    }
    MatchSlot slot = {.kind = SLOT_ROW_TIME, .type = type};
    *out = expr_column(arena, slot_column(match, arena, slot, 1), type);
    return ST_OK;
}

static void bind_proc_time(Binder *binder, Expr **out) {
    Arena *arena = binder->arena;
    const Type *type = type_attribute(arena, type_timestamp_ltz(arena, 3, false), TIME_PROCTIME);
    MatchSlot slot = {.kind = SLOT_PROC_TIME, .type = type};
    *out = expr_column(arena, slot_column(binder->match, arena, slot, 1), type);
}

// ---- calls -------------------------------------------------------------------------------------

Status bind_match_call(Binder *binder, const AstExpr *ast, bool *taken, Expr **out, Error *err) {
    const AstCall *call = ast->call;
    Str name = call->name;
    CallKind kind = kind_of(call);
    const AggFunc *agg = bind_agg_named(binder->context, call);
    int32_t offset;
    *taken = true;
    if (call->over) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "OVER cannot stand within MATCH_RECOGNIZE");
    }
    if (kind == CALL_LOGICAL) {
        TRY(offset_of(call, 0, &offset, err));
        return bind_as_of_row(binder, call->arg.at[0], str_is(name, "FIRST"), offset, out, err);
    }
    if (kind == CALL_PHYSICAL) return bind_physical(binder, ast, out, err);
    if (str_is(name, "FINAL")) return bind_expr(binder, call->arg.at[0], out, err);
    if (kind == CALL_SCOPE || str_is(name, "CLASSIFIER") || str_is(name, "MATCH_NUMBER")) {
        return error_at(err, ST_VALIDATION, ast->span.place, STR_FMT " is not supported",
                        STR_ARG(name));
    }
    if (str_is(name, "MATCH_ROWTIME")) return bind_row_time(binder, ast, out, err);
    if (str_is(name, "MATCH_PROCTIME") && !call->arg.count) {
        bind_proc_time(binder, out);
        return ST_OK;
    }
    if (agg) return bind_agg(binder, ast, agg, out, err);
    *taken = false;
    return ST_OK;
}
