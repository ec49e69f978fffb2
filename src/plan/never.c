// What the conjuncts of a condition say of one operand: an interval, the values it may have, those
// it may not. Where nothing is left, or two of them deny each other, no row passes.
#include "plan/never.h"

#include "type/decimal.h"

enum { SAID_MAX = 64 };  // literals about one operand; more are not looked at

typedef struct Said {
    const Expr *low, *high;  // NULL: open
    bool low_closed, high_closed;
    const Expr *one_of[SAID_MAX];  // where [listed]: nothing else
    uint32_t one_of_count;
    const Expr *none_of[SAID_MAX];
    uint32_t none_of_count;
    bool listed, null, not_null;
    bool denied;  // some of it is what a comparison that is not TRUE says, be it FALSE or unknown
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

// The operand is =, <>, <, >, <= or >= the value, in that order of [op].
static void compared(Said *said, int op, Expr *value) {
    if (op == 0) one_of(said, &value, 1);
    if (op == 1) none_of(said, &value, 1);
    if (op == 2 || op == 4) at_most(said, value, op == 4);
    if (op == 3 || op == 5) at_least(said, value, op == 5);
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
        compared(said, op, value);
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
    if (said->denied && !said->not_null) return false;  // NULL is
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

// What it says of its operand that the comparison [part] is not TRUE. False where it is none.
static bool take_denied(const Expr *part, const Expr *operand, Said *said) {
    static const int OPPOSITE[] = {1, 0, 5, 4, 3, 2};  // of the six of comparison()
    int op = comparison(part);
    const Expr *of = op < 0 ? NULL : take(part, NULL, NULL);
    if (!of || !expr_equal(operand, of)) return false;
    bool swapped = part->arg[0]->kind == EXPR_LITERAL;
    Expr *value = part->arg[!swapped];
    if (swapped && op >= 2) op ^= 1;
    op = OPPOSITE[op];
    said->denied = true;
    compared(said, op, value);
    return true;
}

// Whether the conjuncts [part] deny each other, or what the [denied] are not: TRUE.
static bool conjuncts_deny(const Conjuncts *all, const Conjuncts *denied) {
    Expr *const *part = all->at;
    uint32_t count = all->count;
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
        for (uint32_t k = 0; k < denied->count; k++) {
            (void)take_denied(denied->at[k], operand, &said);
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

// ---- CASE --------------------------------------------------------------------------------------

enum { UNKNOWN = 2 };

static const char NOT_BETWEEN[] = "NOT BETWEEN ASYMMETRIC";

// What the literal [value] in place of [operand] makes of [part], which speaks of it: TRUE, FALSE
// or UNKNOWN; -1: it cannot be told.
static int truth(const Expr *part, const Expr *operand, const Expr *value) {
    if (is_name(part, "IS NULL")) return is_null(value);
    if (is_name(part, "IS NOT NULL")) return !is_null(value);
    if (is_null(value)) return UNKNOWN;
    if (!is_alike(operand, value)) return -1;
    Said said = {0};
    if (is_name(part, NOT_BETWEEN)) {
        at_least(&said, part->arg[1], true);
        at_most(&said, part->arg[2], true);
        return !allowed(&said, value);
    }
    (void)take(part, operand, &said);
    if (said.listed && !among(said.one_of, said.one_of_count, value)) return false;
    return allowed(&said, value);
}

// A condition by cases: a CASE of BOOLEANs, or what is said of a CASE, which is said of each of its
// values then (Calcite's ReduceExpressionsRule.pushPredicateIntoCase).
typedef struct Cases {
    const Expr *part, *of;  // of: the CASE, which is [part] itself or what it speaks of
} Cases;

static bool by_cases(const Expr *part, Cases *out) {
    const Expr *of = part->kind == EXPR_CASE ? part : take(part, NULL, NULL);
    if (is_name(part, NOT_BETWEEN) && all_literal(part)) of = part->arg[0];
    *out = (Cases){part, of};
    return of && of->kind == EXPR_CASE && (of != part || part->type->kind == TYPE_BOOLEAN);
}

static uint32_t case_count(const Cases *self) {
    return self->of->arg_count / 2 + 1;
}

static const Expr *case_value(const Cases *self, uint32_t i) {
    return self->of->arg[i + 1 < case_count(self) ? i * 2 + 1 : self->of->arg_count - 1];
}

// What the condition is where case [i] applies, if that is a constant; else -1.
static int case_truth(const Cases *self, uint32_t i) {
    const Expr *value = case_value(self, i);
    if (value->kind != EXPR_LITERAL) return -1;
    if (self->of != self->part) return truth(self->part, self->of, value);
    return is_null(value) ? UNKNOWN : vec_u8(value->value)[0] != 0;
}

// The condition where case [i] applies, whose value is no constant.
static Expr *case_condition(Arena *arena, const Cases *self, uint32_t i) {
    const Expr *value = case_value(self, i);
    if (self->of == self->part) return (Expr *)(uintptr_t)value;
    Expr *made = arena_dup(arena, self->part, sizeof *made);
    made->arg = arena_dup(arena, made->arg, made->arg_count * sizeof *made->arg);
    for (uint32_t a = 0; a < made->arg_count; a++) {
        if (made->arg[a] == self->of) made->arg[a] = (Expr *)(uintptr_t)value;
    }
    return made;
}

// Whether no branch of a CASE makes [part] [value]. (x = x is folded already to CASE WHEN x IS NULL
// THEN NULL ELSE TRUE END.)
static bool case_never(const Expr *part, bool value) {
    Cases cases;
    if (!by_cases(part, &cases)) return false;
    for (uint32_t i = 0; i < case_count(&cases); i++) {
        int known = case_truth(&cases, i);
        if (known < 0 || known == value) return false;
    }
    return true;
}

// What has to hold where case [i] applies and passes: into [out]; what is not TRUE: into [denied].
static void push_case(Arena *arena, const Cases *cases, uint32_t i, Conjuncts *out,
                      Conjuncts *denied) {
    Expr *const *arg = cases->of->arg;
    for (uint32_t k = 0; k < i; k++) {
        if (comparison(arg[k * 2]) >= 0) expr_split_and(arena, arg[k * 2], denied);
    }
    if (i + 1 < case_count(cases)) expr_split_and(arena, arg[i * 2], out);
    if (case_truth(cases, i) < 0) expr_split_and(arena, case_condition(arena, cases, i), out);
}

// [part] by cases of which only one may pass is that case, with what it needs; any other stays as
// it is. False: none of them may.
static bool push_only_case(Arena *arena, Expr *part, Conjuncts *out, Conjuncts *denied) {
    Cases cases;
    if (!by_cases(part, &cases)) {
        expr_split_and(arena, part, out);
        return true;
    }
    uint32_t only = 0, left = 0;
    for (uint32_t i = 0; i < case_count(&cases); i++) {
        int known = case_truth(&cases, i);
        if (known == false || known == UNKNOWN) continue;
        Conjuncts here = {0}, not_here = {0};
        push_case(arena, &cases, i, &here, &not_here);
        if (conjuncts_deny(&here, &not_here)) continue;
        only = i;
        left++;
    }
    if (left == 1)
        push_case(arena, &cases, only, out, denied);
    else
        expr_split_and(arena, part, out);
    return left > 0;
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
    Conjuncts whole = {0}, parts = {0}, denied = {0};
    expr_split_and(arena, (Expr *)(uintptr_t)condition, &whole);
    for (uint32_t i = 0; whole.count > 1 && i < whole.count; i++) {
        if (expr_is_never(arena, whole.at[i])) return true;
    }
    for (uint32_t i = 0; i < whole.count; i++) {
        if (!push_only_case(arena, whole.at[i], &parts, &denied)) return true;
    }
    return conjuncts_deny(&parts, &denied);
}
