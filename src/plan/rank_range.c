// The range of ranks in a condition, found as Flink finds it (RankUtil.extractRankRange). What
// compares the rank with constants becomes one set of ranks (Calcite's Sarg); only when that is one
// piece it is a range. So "rn <= 3 AND rn <> 2" has none, and its ROW_NUMBER stays what it is: the
// rows are the same, their changes are not.
#include "plan/rank_range.h"

enum { PIECES_MAX = 16, CONJUNCTS_MAX = 32 };

// Pieces of the number line, apart from each other and in order. Bounds are doubled, so that the
// odd numbers are the open ends: rn < 3 ends at 5, rn <= 3 at 6, and between rn <= 2 and rn = 3 is
// a gap.
typedef struct RankSet {
    uint32_t count;
    int64_t from[PIECES_MAX], to[PIECES_MAX];
} RankSet;

static bool is_call(const Expr *expr, const char *name, uint32_t args) {
    return expr->kind == EXPR_CALL && expr->arg_count == args &&
           strcmp(expr->call->func->name, name) == 0;
}

static bool is_rank(const Expr *expr, uint32_t column) {
    return expr->kind == EXPR_COLUMN && expr->column == column;
}

static bool rank_constant(const Expr *expr, int64_t *out) {
    if (expr->kind != EXPR_LITERAL || !type_is_integer(expr->type) || vec_is_null(expr->value, 0)) {
        return false;
    }
    *out = vec_integer(expr->value, 0);
    return *out > INT64_MIN / 4 && *out < INT64_MAX / 4;
}

static RankSet set_piece(int64_t from, int64_t to) {
    return (RankSet){.count = 1, .from = {from}, .to = {to}};
}

static RankSet set_not(const RankSet *set) {
    RankSet out = {.count = 0};
    int64_t from = INT64_MIN;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->from[i] > from) {
            out.from[out.count] = from;
            out.to[out.count++] = set->from[i] - 1;
        }
        if (set->to[i] == INT64_MAX) return out;
        from = set->to[i] + 1;
    }
    if (out.count == PIECES_MAX) return out;  // sets are kept below that
    out.from[out.count] = from;
    out.to[out.count++] = INT64_MAX;
    return out;
}

static bool set_and(RankSet *set, const RankSet *other) {
    RankSet out = {.count = 0};
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t k = 0; k < other->count; k++) {
            int64_t from = set->from[i] > other->from[k] ? set->from[i] : other->from[k];
            int64_t to = set->to[i] < other->to[k] ? set->to[i] : other->to[k];
            if (from > to) continue;
            if (out.count == PIECES_MAX - 1) return false;
            out.from[out.count] = from;
            out.to[out.count++] = to;
        }
    }
    *set = out;
    return true;
}

static bool set_or(RankSet *set, const RankSet *other) {
    RankSet a = set_not(set), b = set_not(other);
    if (!set_and(&a, &b)) return false;
    *set = set_not(&a);
    return set->count < PIECES_MAX;
}

// rank [op] value
static RankSet set_compare(const char *op, int64_t value) {
    int64_t at = value * 2;
    bool equal = strchr(op, '=') != NULL;
    if (op[0] == '=') return set_piece(at, at);
    if (strcmp(op, "<>") == 0) {
        RankSet point = set_piece(at, at);
        return set_not(&point);
    }
    if (op[0] == '<') return set_piece(INT64_MIN, equal ? at : at - 1);
    return set_piece(equal ? at : at + 1, INT64_MAX);
}

static bool set_of(const Expr *expr, uint32_t column, RankSet *out);

static bool set_of_in(const Expr *expr, uint32_t column, RankSet *out) {
    bool negated = strcmp(expr->call->func->name, "NOT IN") == 0;
    if (!negated && strcmp(expr->call->func->name, "IN") != 0) return false;
    if (!is_rank(expr->arg[0], column)) return false;
    *out = (RankSet){.count = 0};
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        int64_t value;
        if (!rank_constant(expr->arg[i], &value)) return false;
        RankSet one = set_compare("=", value);
        if (!set_or(out, &one)) return false;
    }
    if (negated) *out = set_not(out);
    return true;
}

static bool set_of_between(const Expr *expr, uint32_t column, RankSet *out) {
    bool negated = is_call(expr, "NOT BETWEEN ASYMMETRIC", 3);
    int64_t low, high;
    if (!negated && !is_call(expr, "BETWEEN ASYMMETRIC", 3)) return false;
    if (!is_rank(expr->arg[0], column) || !rank_constant(expr->arg[1], &low) ||
        !rank_constant(expr->arg[2], &high)) {
        return false;
    }
    *out = low <= high ? set_piece(low * 2, high * 2) : (RankSet){.count = 0};
    if (negated) *out = set_not(out);
    return true;
}

// CASE WHEN rn = 1 THEN TRUE … END: conditions on the rank alone, and constants.
static bool set_of_case(const Expr *expr, uint32_t column, RankSet *out) {
    RankSet rest = set_piece(INT64_MIN, INT64_MAX);
    *out = (RankSet){.count = 0};
    for (uint32_t i = 0; i < expr->arg_count; i += 2) {
        bool last = i + 1 == expr->arg_count;
        const Expr *then = expr->arg[last ? i : i + 1];
        RankSet when = rest;
        if (then->kind != EXPR_LITERAL || then->type->kind != TYPE_BOOLEAN) return false;
        if (!last) {
            RankSet not;
            if (!set_of(expr->arg[i], column, &when)) return false;
            not = set_not(&when);
            if (!set_and(&when, &rest) || !set_and(&rest, &not)) return false;
        }
        bool passes = !vec_is_null(then->value, 0) && vec_u8(then->value)[0];
        if (passes && !set_or(out, &when)) return false;
    }
    return true;
}

static bool set_of_pair(const Expr *expr, uint32_t column, bool both, RankSet *out) {
    RankSet right;
    if (!set_of(expr->arg[0], column, out) || !set_of(expr->arg[1], column, &right)) return false;
    return both ? set_and(out, &right) : set_or(out, &right);
}

// The ranks for which [expr] holds; false when it is not about the rank and constants alone.
static bool set_of(const Expr *expr, uint32_t column, RankSet *out) {
    static const char *const OPS[][3] = {
        {"=", "=", "="},   {"<>", "<>", "<>"}, {"<", "<", ">"},
        {"<=", "<=", ">="}, {">", ">", "<"},    {">=", ">=", "<="},
        {"IS DISTINCT FROM", "<>", "<>"},       {"IS NOT DISTINCT FROM", "=", "="}};
    if (expr->kind == EXPR_CASE) return set_of_case(expr, column, out);
    if (expr->kind != EXPR_CALL) return false;
    if (is_call(expr, "AND", 2)) return set_of_pair(expr, column, true, out);
    if (is_call(expr, "OR", 2)) return set_of_pair(expr, column, false, out);
    // The rank is never NULL, so that IS TRUE says nothing and IS FALSE is NOT.
    bool not = is_call(expr, "NOT", 1) || is_call(expr, "IS FALSE", 1) ||
               is_call(expr, "IS NOT TRUE", 1);
    if (not || is_call(expr, "IS TRUE", 1) || is_call(expr, "IS NOT FALSE", 1)) {
        if (!set_of(expr->arg[0], column, out)) return false;
        if (not) *out = set_not(out);
        return true;
    }
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        int64_t value;
        if (!is_call(expr, OPS[i][0], 2)) continue;
        if (is_rank(expr->arg[0], column) && rank_constant(expr->arg[1], &value)) {
            *out = set_compare(OPS[i][1], value);
            return true;
        }
        if (is_rank(expr->arg[1], column) && rank_constant(expr->arg[0], &value)) {
            *out = set_compare(OPS[i][2], value);
            return true;
        }
        return false;
    }
    return set_of_between(expr, column, out) || set_of_in(expr, column, out);
}

static const Expr *without_casts(const Expr *expr) {
    while (expr->kind == EXPR_CAST) expr = expr->arg[0];
    return expr;
}

static bool reads_rank(const Expr *expr, uint32_t column) {
    if (is_rank(expr, column)) return true;
    // The rank is never NULL: nobody asks it.
    bool asks = is_call(expr, "IS NOT NULL", 1) || is_call(expr, "IS NULL", 1);
    if (asks && is_rank(without_casts(expr->arg[0]), column)) return false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (reads_rank(expr->arg[i], column)) return true;
    }
    return false;
}

// A comparison of the rank with something of the row: a bound that Flink can use where it is an
// upper one and the other side a column (< counts as <=, as there), and else one that it stumbles
// over.
typedef enum Limit { LIMIT_NONE, LIMIT_COLUMN, LIMIT_OTHER } Limit;

static Limit limit_of(const Expr *expr, uint32_t column, int32_t *variable) {
    bool less = is_call(expr, "<", 2) || is_call(expr, "<=", 2);
    bool more = is_call(expr, ">", 2) || is_call(expr, ">=", 2);
    if (!less && !more && !is_call(expr, "=", 2)) return LIMIT_NONE;
    const Expr *first = without_casts(expr->arg[0]), *second = without_casts(expr->arg[1]);
    bool left = reads_rank(first, column), upper = left ? less : more;
    if (left == reads_rank(second, column)) return LIMIT_NONE;
    const Expr *other = left ? second : first;
    if (other->kind == EXPR_LITERAL && vec_is_null(other->value, 0)) return LIMIT_NONE;
    if (!is_rank(left ? first : second, column)) return LIMIT_OTHER;  // MOD(rn, 2) = 1
    if (other->kind == EXPR_LITERAL) return LIMIT_NONE;  // of another type than integers
    if (!upper || other->kind != EXPR_COLUMN) return LIMIT_OTHER;
    *variable = (int32_t)other->column;
    return LIMIT_COLUMN;
}

// Whether it is a comparison of the rank with a constant that is no integer: rn < 2.5.
static bool compares_rank(const Expr *expr, uint32_t column) {
    if (expr->kind != EXPR_CALL || expr->arg_count != 2) return false;
    const Expr *first = expr->arg[0], *second = expr->arg[1];
    if (first->implicit) first = first->arg[0];
    if (second->implicit) second = second->arg[0];
    return (is_rank(first, column) && second->kind == EXPR_LITERAL) ||
           (is_rank(second, column) && first->kind == EXPR_LITERAL);
}

static uint32_t conjuncts(Expr *expr, Expr **out, uint32_t count) {
    if (count == CONJUNCTS_MAX) return count;
    if (!is_call(expr, "AND", 2) || count + 2 > CONJUNCTS_MAX) return out[count] = expr, count + 1;
    count = conjuncts(expr->arg[0], out, count);
    return conjuncts(expr->arg[1], out, count);
}

void rank_range_split(PlanContext *context, Expr *condition, uint32_t column, RankRange *range,
                      Expr **rest) {
    Expr *part[CONJUNCTS_MAX], *others = NULL, *constants = NULL;
    uint32_t count = conjuncts(condition, part, 0), bounds = 0, columns = 0;
    bool read = false;  // the rank, by what stays a filter
    RankSet all = set_piece(INT64_MIN, INT64_MAX);
    *range = (RankRange){.start = 1, .end = INT64_MAX, .variable = -1};
    *rest = condition;
    if (count == CONJUNCTS_MAX) return;
    for (uint32_t i = 0; i < count; i++) {
        RankSet set;
        if (is_call(part[i], "IS NOT NULL", 1) && is_rank(part[i]->arg[0], column)) continue;
        if (set_of(part[i], column, &set) && set_and(&all, &set)) {
            constants = expr_and(context->arena, context->env, constants, part[i]);
            continue;
        }
        Limit limit = limit_of(part[i], column, &range->variable);
        bounds += limit == LIMIT_OTHER;
        columns += limit == LIMIT_COLUMN;
        if (limit != LIMIT_NONE) continue;
        others = expr_and(context->arena, context->env, others, part[i]);
        read |= reads_rank(part[i], column) && !compares_rank(part[i], column);
    }
    bool one = constants && all.count == 1;
    if (bounds || read || columns + one != 1) {
        range->variable = -1;
        return;
    }
    *rest = others;
    if (constants && !one) *rest = expr_and(context->arena, context->env, *rest, constants);
    range->any = true;
    range->bounded = columns || all.to[0] != INT64_MAX;
    if (!one) return;
    if (all.from[0] != INT64_MIN && all.from[0] > 2) range->start = (all.from[0] + 1) / 2;
    if (all.to[0] != INT64_MAX) range->end = all.to[0] >= 0 ? all.to[0] / 2 : (all.to[0] - 1) / 2;
}
