// Constant folding: what has no column and always the same value is computed once, while planning.
//
// A constant that cannot be computed (CAST('abc' AS INT)) is left as it is and fails when it runs,
// as in Flink; only a division by a constant zero is refused at once. A comparison of an expression
// with itself is decided without looking, also for NaN.
#include "plan/bind.h"
#include "plan/never.h"
#include "type/datetime.h"

static bool is_name(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, name) == 0;
}

static bool is_zero(const Expr *expr) {
    if (expr->kind != EXPR_LITERAL || vec_is_null(expr->value, 0)) return false;
    switch (expr->value->phys) {
        case PHYS_F32: return vec_f32(expr->value)[0] == 0;
        case PHYS_F64: return vec_f64(expr->value)[0] == 0;
        case PHYS_I128: return vec_i128(expr->value)[0] == 0;
        default: return type_is_integer(expr->type) && vec_integer(expr->value, 0) == 0;
    }
}

// x = x is TRUE unless x is NULL, x < x FALSE, x IS DISTINCT FROM x FALSE.
static Status fold_same(PlanContext *context, Expr **at, Error *err) {
    static const struct {
        const char *name;
        bool outcome, three_valued;
    } SAME[] = {{"=", true, true},   {"<=", true, true}, {">=", true, true},
                {"<>", false, true}, {"<", false, true}, {">", false, true},
                {"IS DISTINCT FROM", false, false}, {"IS NOT DISTINCT FROM", true, false}};
    const Expr *expr = *at;
    if (expr->kind != EXPR_CALL || expr->arg_count != 2) return ST_OK;
    if (!expr_equal(expr->arg[0], expr->arg[1]) || !expr_is_deterministic(expr)) return ST_OK;
    if (expr->arg[0]->kind == EXPR_LITERAL) return ST_OK;
    if (expr->arg[0]->type->kind == TYPE_ROW && is_name(expr, "=") &&
        !compares_rows_whole(expr->call)) {
        return ST_OK;  // field by field
    }
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        if (!is_name(expr, SAME[i].name)) continue;
        Arena *arena = context->arena;
        Expr *outcome = expr_bool(arena, SAME[i].outcome);
        if (SAME[i].three_valued && expr->type->nullable) {
            Expr **arg = ARENA_ARRAY(arena, Expr *, 3);
            TRY(expr_call(arena, context->env, "IS NULL", expr->arg, 1, expr->place, &arg[0], err));
            arg[1] = expr_null(arena, type_of(TYPE_BOOLEAN, true));
            arg[2] = outcome;
            outcome = ARENA_NEW(arena, Expr);
            *outcome = (Expr){.kind = EXPR_CASE, .type = expr->type, .arg = arg, .arg_count = 3};
        }
        outcome->place = expr->place;
        *at = outcome;
        return ST_OK;
    }
    return ST_OK;
}

static bool is_arithmetic(const Expr *expr) {
    static const char *const NAMES[] = {"+", "-", "*", "/"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (is_name(expr, NAMES[i]) && expr->arg_count == 2) return true;
    }
    return false;
}

// a + b IS NOT NULL asks a and b, and never what comes out: so a division by zero is not seen, nor
// a DECIMAL that overflows into NULL.
static Status fold_null_test(PlanContext *context, Expr **at, Error *err) {
    Expr *expr = *at;
    bool positive = is_name(expr, "IS NOT NULL");
    if (!positive && !is_name(expr, "IS NULL")) return ST_OK;
    Expr *value = expr->arg[0];
    if (!is_arithmetic(value) || !expr_is_deterministic(value)) return ST_OK;
    Expr *both[2];
    for (uint32_t i = 0; i < 2; i++) {
        TRY(expr_call(context->arena, context->env, positive ? "IS NOT NULL" : "IS NULL",
                      &value->arg[i], 1, expr->place, &both[i], err));
        if (!value->arg[i]->type->nullable) both[i] = expr_bool(context->arena, positive);
        TRY(fold_null_test(context, &both[i], err));
    }
    if (both[0]->kind == EXPR_LITERAL) {
        *at = both[1];
        return ST_OK;
    }
    if (both[1]->kind == EXPR_LITERAL) {
        *at = both[0];
        return ST_OK;
    }
    return expr_call(context->arena, context->env, positive ? "AND" : "OR", both, 2, expr->place,
                     at, err);
}

// What cannot be NULL is not asked. (A cast of text may be typed so and fail: it stays.)
static void fold_never_null(PlanContext *context, Expr **at) {
    const Expr *expr = *at;
    bool negative = is_name(expr, "IS NULL") || is_name(expr, "IS UNKNOWN");
    if (!negative && !is_name(expr, "IS NOT NULL") && !is_name(expr, "IS NOT UNKNOWN")) return;
    if (expr->arg[0]->type->nullable || expr_can_fail(expr->arg[0])) return;
    *at = expr_bool(context->arena, !negative);
    (*at)->place = expr->place;
}

static bool is_null(const Expr *expr) {
    return expr->kind == EXPR_LITERAL && vec_is_null(expr->value, 0);
}

static bool is_bool(const Expr *expr, bool value);
static Expr *with_type(Arena *arena, const Expr *expr, const Type *type);
static Status fold_value(PlanContext *context, Expr **at, Error *err);

// x IS NOT DISTINCT FROM NULL asks x itself, and not what x would be in the type of that NULL.
static Status fold_distinct_null(PlanContext *context, Expr **at, Error *err) {
    const Expr *expr = *at;
    bool same = is_name(expr, "IS NOT DISTINCT FROM");
    if (!same && !is_name(expr, "IS DISTINCT FROM")) return ST_OK;
    bool first = is_null(expr->arg[0]);
    if (!first && !is_null(expr->arg[1])) return ST_OK;
    Expr *value = expr->arg[first];
    while (value->kind == EXPR_CAST && value->implicit) value = value->arg[0];
    const Type *type = expr->type;
    TRY(expr_call(context->arena, context->env, same ? "IS NULL" : "IS NOT NULL", &value, 1,
                  expr->place, at, err));
    (*at)->type = type;
    return ST_OK;
}

static bool is_comparison(const Expr *expr) {
    static const char *const NAMES[] = {"=", "<>", "<", "<=", ">", ">="};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (is_name(expr, NAMES[i])) return true;
    }
    return false;
}

static bool is_between(const Expr *expr) {
    return is_name(expr, "BETWEEN ASYMMETRIC") || is_name(expr, "NOT BETWEEN ASYMMETRIC");
}

// What need not be computed: arithmetic and comparisons with NULL are NULL, whatever stands on the
// other side; a BETWEEN of constants is decided by the half that can be computed.
static Status fold_around(PlanContext *context, Expr **at, Error *err) {
    Expr *expr = *at;
    bool null = false;
    if (is_arithmetic(expr) || is_comparison(expr)) {
        null = is_null(expr->arg[0]) || is_null(expr->arg[1]);
    } else if (is_name(expr, "IN") && expr->arg_count == 2) {
        null = is_null(expr->arg[0]) || is_null(expr->arg[1]);
    } else if (is_between(expr) && !expr_is_constant(expr)) {
        null = is_null(expr->arg[0]) || (is_null(expr->arg[1]) && is_null(expr->arg[2]));
    } else if (is_name(expr, "BETWEEN ASYMMETRIC")) {
        uint32_t nulls = 0;
        for (uint32_t i = 0; i < 2; i++) {
            Expr *pair[] = {expr->arg[0], expr->arg[i + 1]}, *half;
            TRY(expr_call(context->arena, context->env, i ? "<=" : ">=", pair, 2, expr->place,
                          &half, err));
            TRY(fold_value(context, &half, err));
            if (is_bool(half, false)) {
                half->type = expr->type;
                *at = half;
                return ST_OK;
            }
            nulls += is_null(half);
        }
        null = nulls == 2;
    }
    if (!null || !expr->type->nullable) return ST_OK;
    *at = expr_null(context->arena, expr->type);
    (*at)->place = expr->place;
    return ST_OK;
}

static bool is_integer(const Expr *expr, int64_t value) {
    if (expr->kind != EXPR_LITERAL || vec_is_null(expr->value, 0)) return false;
    return type_is_integer(expr->type) && vec_integer(expr->value, 0) == value;
}

// x + 0, x - 0, x * 1, x / 1 and - (- x) are x: it may be a key, and what is computed is none.
static void fold_neutral(PlanContext *context, Expr **at) {
    const Expr *expr = *at;
    Expr *same = NULL;
    if (is_name(expr, "UNARY -")) {
        if (is_name(expr->arg[0], "UNARY -")) same = expr->arg[0]->arg[0];
    } else if (is_arithmetic(expr)) {
        int64_t neutral = is_name(expr, "*") || is_name(expr, "/");
        bool commutes = is_name(expr, "+") || is_name(expr, "*");
        if (is_integer(expr->arg[1], neutral)) {
            same = expr->arg[0];
        } else if (commutes && is_integer(expr->arg[0], neutral)) {
            same = expr->arg[1];
        }
    }
    if (!same || !type_is_numeric(same->type) || !type_is_numeric(expr->type)) return;
    same = expr_cast(context->arena, same, expr->type, false);
    *at = with_type(context->arena, same, expr->type);
}

static Status fold_value(PlanContext *context, Expr **at, Error *err) {
    Expr *expr = *at;
    if (is_name(expr, "/") && is_zero(expr->arg[1]) && expr->arg[0]->kind == EXPR_LITERAL) {
        return error_at(err, ST_VALIDATION, expr->place, "division by zero");
    }
    Vec *value;
    if (context->evaluate(expr, context->env, context->arena, &value, NULL)) {
        return fold_around(context, at, err);
    }
    // Flink's planner holds constants as decimals, which know no negative zero.
    if (value->phys == PHYS_F32 && vec_f32(value)[0] == 0) vec_f32(value)[0] = 0;
    if (value->phys == PHYS_F64 && vec_f64(value)[0] == 0) vec_f64(value)[0] = 0;
    Expr *literal = expr_literal(context->arena, value);
    literal->place = expr->place;
    *at = literal;
    return ST_OK;
}

static bool has_constant_stamp(const Expr *expr) {
    if (expr->kind == EXPR_CAST && expr->arg[0]->kind == EXPR_LITERAL) {
        return type_is_timestamp(expr->type);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (has_constant_stamp(expr->arg[i])) return true;
    }
    return false;
}

// TYPEOF does not compute its argument: TYPEOF(flag < '5') does not fail. But Flink makes constant
// timestamps while it generates code, so TYPEOF(ts < '5') does.
static void fold_typeof(PlanContext *context, Expr *expr) {
    if (!is_name(expr, "TYPEOF") || has_constant_stamp(expr->arg[0])) return;
    expr->arg[0] = expr_null(context->arena, expr->arg[0]->type);
}

// A constant takes at most the length of its type: UPPER('ß') is a CHAR(1), so 'S', though UPPER of
// a column gives 'SS'. Within a constant expression nothing is cut.
static void fit_length(PlanContext *context, Expr **at) {
    Expr *expr = *at;
    if (expr->kind != EXPR_LITERAL || !type_is_text(expr->type) || vec_is_null(expr->value, 0)) {
        return;
    }
    if (context->env->legacy_cast) return;
    Str text = vec_str(expr->value)[0];
    if (text.len <= (uint32_t)expr->type->length) return;
    const char *p = text.ptr, *end = str_end(text);
    for (int32_t i = 0; i < expr->type->length && p < end; i++) {
        uint32_t code;
        p += utf8_next(p, end, &code);
    }
    if (p == end) return;
    Vec *value = vec_new(context->arena, expr->type, 1);
    vec_set_text(value, 0, str_make(text.ptr, (size_t)(p - text.ptr)));
    *at = expr_literal(context->arena, value);
    (*at)->place = expr->place;
}

static Status fold(PlanContext *context, Expr **at, bool within_constant, Error *err);

// Whether [expr] is the BOOLEAN literal [value].
static bool is_bool(const Expr *expr, bool value) {
    return expr->kind == EXPR_LITERAL && expr->type->kind == TYPE_BOOLEAN &&
           !vec_is_null(expr->value, 0) && vec_u8(expr->value)[0] == value;
}

// The same value under the type (the nullability) that the place of it has.
static Expr *with_type(Arena *arena, const Expr *expr, const Type *type) {
    Expr *copy = arena_dup(arena, expr, sizeof *expr);
    copy->type = type;
    return copy;
}

// Branches that are never taken go before anything in them is looked at.
static Status fold_case(PlanContext *context, Expr **at, bool constant, Error *err) {
    Expr *copy = *at;
    uint32_t kept = 0, branches = copy->arg_count / 2;
    Expr *otherwise = copy->arg[copy->arg_count - 1];
    for (uint32_t i = 0; i < branches; i++) {
        Expr *when = copy->arg[i * 2], *then = copy->arg[i * 2 + 1];
        TRY(fold(context, &when, constant, err));
        if (is_bool(when, true)) {
            otherwise = then;
            break;
        }
        if (when->kind == EXPR_LITERAL || expr_is_never(context->arena, when)) continue;
        TRY(fold(context, &then, constant, err));
        copy->arg[kept * 2] = when;
        copy->arg[kept * 2 + 1] = then;
        kept++;
    }
    TRY(fold(context, &otherwise, constant, err));
    while (kept && expr_equal(copy->arg[kept * 2 - 1], otherwise) &&
           !expr_can_fail(copy->arg[kept * 2 - 2])) {
        kept--;  // the last branch says the same as the rest
    }
    copy->arg[kept * 2] = otherwise;
    copy->arg_count = kept * 2 + 1;
    if (kept) return ST_OK;
    // Where all its branches were time attributes, what is left of it is one.
    const Expr *bare = otherwise;
    while (bare->kind == EXPR_CAST && bare->implicit) bare = bare->arg[0];
    TimeAttribute attribute = bare->type->attribute;
    if (attribute != TIME_NONE && attribute == copy->type->was_attribute) {
        *at =
            with_type(context->arena, bare, type_attribute(context->arena, copy->type, attribute));
        return ST_OK;
    }
    *at = with_type(context->arena, otherwise, copy->type);
    if (otherwise->type->attribute == copy->type->attribute) return ST_OK;
    (*at)->kind = EXPR_CAST;
    (*at)->arg = ARENA_ARRAY(context->arena, Expr *, 1);
    (*at)->arg[0] = otherwise;
    (*at)->arg_count = 1;
    return ST_OK;
}

// TRUE AND x is x, FALSE AND x is FALSE; OR likewise.
static void fold_logic(PlanContext *context, Expr **at) {
    Expr *expr = *at;
    bool is_and = is_name(expr, "AND");
    if ((!is_and && !is_name(expr, "OR")) || expr->arg_count != 2) return;
    for (uint32_t i = 0; i < 2; i++) {
        if (is_bool(expr->arg[i], !is_and)) {
            *at = with_type(context->arena, expr->arg[i], expr->type);
        }
        if (is_bool(expr->arg[i], is_and)) {
            *at = with_type(context->arena, expr->arg[1 - i], expr->type);
        }
        if (*at != expr) return;
    }
}

// COALESCE of a first value that is never NULL is that value: nobody asks for the others.
static void fold_coalesce(PlanContext *context, Expr **at) {
    Expr *expr = *at;
    if (!is_name(expr, "COALESCE") || expr->arg_count < 2) return;
    const Type *first = expr->arg[0]->type;
    if (expr->arg[0]->kind == EXPR_LITERAL ? is_null(expr->arg[0]) : first->nullable) return;
    if (!type_equal_but_null(first, expr->type)) return;
    *at = with_type(context->arena, expr->arg[0], expr->type);
}

// A constant text that is compared for equality with a point in time is read while planning: where
// its cast is still there, it is none.
static Status check_constant_time(const Expr *expr, Error *err) {
    if (expr->kind != EXPR_CALL) return ST_OK;
    if (!expr_is_equality(expr->call->func->name) && !is_name(expr, "NULLIF")) return ST_OK;
    if (is_comparison(expr) && (is_null(expr->arg[0]) || is_null(expr->arg[1]))) return ST_OK;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        const Expr *arg = expr->arg[i];
        if (arg->kind != EXPR_CAST || !arg->implicit || arg->arg[0]->kind != EXPR_LITERAL) continue;
        if (!type_is_text(arg->arg[0]->type) || !type_is_datetime(arg->type)) continue;
        return error_at(err, ST_VALIDATION, arg->place, "this text is no %s",
                        type_kind_name(arg->type->kind));
    }
    return ST_OK;
}

static Status fold(PlanContext *context, Expr **at, bool within_constant, Error *err) {
    Expr *expr = *at;
    if (expr->kind == EXPR_LITERAL || expr->kind == EXPR_COLUMN) return ST_OK;
    bool constant = expr_is_constant(expr);
    if (expr->arg_count) {
        Expr *copy = arena_dup(context->arena, expr, sizeof *expr);
        copy->arg = arena_dup(context->arena, expr->arg, expr->arg_count * sizeof *expr->arg);
        if (expr->kind == EXPR_CASE) {
            TRY(fold_case(context, &copy, constant, err));
        } else {
            for (uint32_t i = 0; i < expr->arg_count; i++) {
                TRY(fold(context, &copy->arg[i], constant, err));
            }
            fold_typeof(context, copy);
            fold_logic(context, &copy);
            fold_coalesce(context, &copy);
        }
        *at = expr = copy;
    }
    TRY(check_constant_time(expr, err));
    if (expr->kind == EXPR_CALL && expr->call->refused) return ST_OK;
    if (expr->kind != EXPR_LITERAL && expr->kind != EXPR_COLUMN) {
        constant = expr_is_constant(expr);
        TRY(constant ? fold_value(context, at, err) : fold_same(context, at, err));
        if (!constant) {
            TRY(fold_distinct_null(context, at, err));
            TRY(fold_null_test(context, at, err));
            fold_never_null(context, at);
            fold_neutral(context, at);
            TRY(fold_around(context, at, err));
        }
    }
    if (!within_constant) fit_length(context, at);
    return ST_OK;
}

// A date or time that is no more than a literal must be one that could be written. What was folded
// on into something else may have passed any date.
static Status check_literal(const Vec *value, Place place, Error *err) {
    if (vec_is_null(value, 0)) return ST_OK;
    if (value->type->kind == TYPE_DATE) {
        int32_t year, month, day;
        civil_from_days(vec_i32(value)[0], &year, &month, &day);
        if (year < 1 || year > 9999) {
            return error_at(err, ST_VALIDATION, place, "year out of range: %d", year);
        }
    }
    if (value->type->kind == TYPE_TIME) {
        int32_t ms = vec_i32(value)[0];
        if (ms < 0 || ms >= MS_PER_DAY) {
            return error_at(err, ST_VALIDATION, place, "time of day out of range");
        }
    }
    for (uint32_t i = 0; value->type->kind == TYPE_ROW && i < value->type->child_count; i++) {
        TRY(check_literal(value->child[i], place, err));
    }
    return ST_OK;
}

static Status check_literals(const Expr *expr, Error *err) {
    if (expr->kind == EXPR_LITERAL) return check_literal(expr->value, expr->place, err);
    for (uint32_t i = 0; i < expr->arg_count; i++) TRY(check_literals(expr->arg[i], err));
    return ST_OK;
}

Status expr_fold(PlanContext *context, Expr **at, Error *err) {
    TRY(fold(context, at, false, err));
    return check_literals(*at, err);
}
