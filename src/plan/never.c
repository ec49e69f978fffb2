// What the conjuncts of a condition say of one operand: an interval, the values it may have, those
// it may not. Where nothing is left, or two of them deny each other, no row passes.
#include "plan/never.h"

#include "type/decimal.h"

enum { SAID_MAX = 64 };  // literals about one operand; more are not looked at

typedef struct Said {
    const Expr *low, *high;           // NULL: open
    bool low_closed, high_closed;
    const Expr *one_of[SAID_MAX];     // where [listed]: nothing else
    uint32_t one_of_count;
    const Expr *none_of[SAID_MAX];
    uint32_t none_of_count;
    bool listed, null, not_null;
} Said;

static bool is_name(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, name) == 0;
}

static bool is_null(const Expr *expr) {
    return expr->kind == EXPR_LITERAL && vec_is_null(expr->value, 0);
}

static int order(const Expr *a, const Expr *b) {
    const Vec *x = a->value, *y = b->value;
    if (x->phys == PHYS_I128) {
        return decimal_cmp(vec_i128(x)[0], x->type->scale, vec_i128(y)[0], y->type->scale);
    }
    return vec_compare(x, 0, y, 0);
}

// Whether [literal] has the layout of the operand's values, so that all of one operand compare.
static bool is_alike(const Expr *operand, const Expr *literal) {
    const Type *a = operand->type, *b = literal->type;
    if (literal->kind != EXPR_LITERAL || literal->value->phys != type_phys(a)) return false;
    if (type_is_text(a)) return type_is_text(b);
    return a->kind == b->kind && (a->kind == TYPE_DECIMAL || a->precision == b->precision);
}

// a OP b as one of the six; -1: none of them.
static int comparison(const Expr *expr) {
    static const char *const OPS[] = {"=", "<>", "<", ">", "<=", ">="};
    for (int i = 0; i < 6; i++) {
        if (expr->arg_count == 2 && is_name(expr, OPS[i])) return i;
    }
    return -1;
}

static void at_least(Said *said, const Expr *value, bool closed) {
    int c = said->low ? order(value, said->low) : 1;
    if (c < 0 || (!c && closed)) return;
    said->low = value;
    said->low_closed = closed;
}

static void at_most(Said *said, const Expr *value, bool closed) {
    int c = said->high ? order(value, said->high) : -1;
    if (c > 0 || (!c && closed)) return;
    said->high = value;
    said->high_closed = closed;
}

static bool among(const Expr *const *list, uint32_t count, const Expr *value) {
    for (uint32_t i = 0; i < count; i++) {
        if (!order(list[i], value)) return true;
    }
    return false;
}

// The operand is one of these: what was allowed before and is not among them goes.
static void one_of(Said *said, Expr *const *value, uint32_t count) {
    if (count > SAID_MAX) return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (is_null(value[i])) continue;
        if (said->listed && !among(said->one_of, said->one_of_count, value[i])) continue;
        said->one_of[kept++] = value[i];
    }
    said->one_of_count = kept;
    said->listed = true;
}

static void none_of(Said *said, Expr *const *value, uint32_t count) {
    for (uint32_t i = 0; i < count && said->none_of_count < SAID_MAX; i++) {
        said->none_of[said->none_of_count++] = value[i];
    }
}

static bool all_literal(const Expr *call) {
    for (uint32_t i = 1; i < call->arg_count; i++) {
        if (!is_alike(call->arg[0], call->arg[i])) return false;
    }
    return call->arg_count > 1 && call->arg[0]->kind != EXPR_LITERAL;
}

// The operand that a conjunct speaks of, NULL for none; what it says goes into [said].
static const Expr *take(const Expr *part, const Expr *operand, Said *said) {
    int op = comparison(part);
    if (op >= 0) {
        bool swapped = part->arg[0]->kind == EXPR_LITERAL;
        Expr *value = part->arg[!swapped];
        if (part->arg[swapped]->kind == EXPR_LITERAL) return NULL;
        if (!is_alike(part->arg[swapped], value)) return NULL;
        if (!said) return part->arg[swapped];
        if (swapped && op >= 2) op ^= 1;
        said->not_null = true;
        if (op == 0) one_of(said, &value, 1);
        if (op == 1) none_of(said, &value, 1);
        if (op == 2 || op == 4) at_most(said, value, op == 4);
        if (op == 3 || op == 5) at_least(said, value, op == 5);
        return operand;
    }
    bool null = is_name(part, "IS NULL"), not_null = is_name(part, "IS NOT NULL");
    if (null || not_null) {
        const Expr *of = part->arg[0];
        const Expr *inner = take(of, NULL, NULL);  // a comparison is NULL where its operand is
        if (inner && comparison(of) >= 0) of = inner;
        if (!said) return of;
        said->null |= null;
        said->not_null |= not_null;
        return operand;
    }
    bool in = is_name(part, "IN"), not_in = is_name(part, "NOT IN");
    bool between = is_name(part, "BETWEEN ASYMMETRIC");
    if ((!in && !not_in && !between) || !all_literal(part)) return NULL;
    if (!said) return part->arg[0];
    said->not_null = true;
    if (in) one_of(said, part->arg + 1, part->arg_count - 1);
    if (not_in) none_of(said, part->arg + 1, part->arg_count - 1);
    if (between) {
        at_least(said, part->arg[1], true);
        at_most(said, part->arg[2], true);
    }
    return operand;
}

static bool allowed(const Said *said, const Expr *value) {
    int low = said->low ? order(value, said->low) : 1;
    int high = said->high ? order(value, said->high) : -1;
    if (low < 0 || (!low && !said->low_closed) || high > 0 || (!high && !said->high_closed)) {
        return false;
    }
    return !among(said->none_of, said->none_of_count, value);
}

static bool nothing_left(const Said *said) {
    if (said->null && said->not_null) return true;
    if (said->listed) {
        for (uint32_t i = 0; i < said->one_of_count; i++) {
            if (allowed(said, said->one_of[i])) return false;
        }
        return true;
    }
    if (!said->low || !said->high) return false;
    int c = order(said->low, said->high);
    return c > 0 || (!c && !allowed(said, said->low));
}

// Whether one of them says what the other denies: LIKE and NOT LIKE, x and NOT x.
static bool deny(const Expr *a, const Expr *b) {
    if (is_name(b, "NOT") && expr_equal(a, b->arg[0])) return true;
    if (a->kind != EXPR_CALL || b->kind != EXPR_CALL || a->arg_count != b->arg_count) return false;
    const char *name = b->call->func->name;
    if (strncmp(name, "NOT ", 4) != 0 || !is_name(a, name + 4)) return false;
    for (uint32_t i = 0; i < a->arg_count; i++) {
        if (!expr_equal(a->arg[i], b->arg[i])) return false;
    }
    return true;
}

static bool conjuncts_deny(Expr *const *part, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            if (k != i && expr_is_deterministic(part[i]) && deny(part[i], part[k])) return true;
        }
        const Expr *operand = take(part[i], NULL, NULL);
        if (!operand || !expr_is_deterministic(operand)) continue;
        Said said = {0};
        (void)take(part[i], operand, &said);
        for (uint32_t k = i + 1; k < count; k++) {
            const Expr *other = take(part[k], NULL, NULL);
            if (!other || !expr_equal(operand, other)) continue;
            (void)take(part[k], operand, &said);
        }
        if (nothing_left(&said)) return true;
    }
    return false;
}

// Whether what compares with NULL does so for every row.
static bool compares_with_null(const Expr *expr) {
    if (comparison(expr) >= 0) return is_null(expr->arg[0]) || is_null(expr->arg[1]);
    if (is_name(expr, "BETWEEN ASYMMETRIC") || is_name(expr, "NOT IN")) {
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            if (is_null(expr->arg[i])) return true;
        }
    }
    return is_name(expr, "IN") && is_null(expr->arg[0]);
}

// x = x, folded already to CASE WHEN x IS NULL THEN NULL ELSE TRUE END: whether no branch of a CASE
// is [value].
static bool case_never(const Expr *expr, bool value) {
    if (expr->kind != EXPR_CASE) return false;
    for (uint32_t i = 1; i <= expr->arg_count; i += 2) {
        const Expr *then = expr->arg[i < expr->arg_count ? i : expr->arg_count - 1];
        if (then->kind != EXPR_LITERAL) return false;
        if (!vec_is_null(then->value, 0) && vec_u8(then->value)[0] == value) return false;
    }
    return true;
}

bool expr_is_never(Arena *arena, const Expr *condition) {
    if (condition->kind == EXPR_LITERAL) return !expr_is_true(condition);
    if (case_never(condition, true)) return true;
    if (is_name(condition, "IS TRUE")) return expr_is_never(arena, condition->arg[0]);
    if (is_name(condition, "OR")) {
        for (uint32_t i = 0; i < condition->arg_count; i++) {
            if (!expr_is_never(arena, condition->arg[i])) return false;
        }
        return true;
    }
    if (is_name(condition, "NOT")) {
        const Expr *of = condition->arg[0];
        bool in_null = false;
        for (uint32_t i = 0; is_name(of, "IN") && i < of->arg_count; i++) {
            in_null |= is_null(of->arg[i]);
        }
        return in_null || (comparison(of) >= 0 && compares_with_null(of)) || case_never(of, false);
    }
    if (compares_with_null(condition)) return true;
    Conjuncts parts = {0};
    expr_split_and(arena, (Expr *)(uintptr_t)condition, &parts);
    for (uint32_t i = 0; parts.count > 1 && i < parts.count; i++) {
        if (expr_is_never(arena, parts.at[i])) return true;
    }
    return conjuncts_deny(parts.at, parts.count);
}
