// Which join it is: by the time attributes and windows of both sides and what the condition says of
// them. Regular joins keep everything for ever; interval and window joins know when to forget.
#include "plan/bind.h"

// time column +/- constant milliseconds, of one side.
typedef struct TimeTerm {
    uint32_t side, column;
    int64_t shift_ms;
} TimeTerm;

static bool is_call(const Expr *expr, const char *name, uint32_t argc) {
    return expr->kind == EXPR_CALL && expr->arg_count == argc &&
           strcmp(expr->call->func->name, name) == 0;
}

static bool time_term(const Plan *left, const Plan *right, const Expr *expr, TimeTerm *out) {
    if (expr->kind == EXPR_COLUMN) {
        uint32_t columns = left->type->child_count;
        bool is_left = expr->column < columns;
        uint32_t column = is_left ? expr->column : expr->column - columns;
        const Type *type = (is_left ? left : right)->type->child[column];
        if (type->attribute == TIME_NONE) return false;
        *out = (TimeTerm){!is_left, column, 0};
        return true;
    }
    if (expr->kind == EXPR_CAST) {
        // What the user casts is no time attribute any more.
        return expr->implicit && type_is_timestamp(expr->type) &&
               time_term(left, right, expr->arg[0], out);
    }
    bool plus = is_call(expr, "+", 2), minus = is_call(expr, "-", 2);
    if (!plus && !minus) return false;
    const Expr *base = expr->arg[0], *shift = expr->arg[1];
    if (plus && base->kind == EXPR_LITERAL) {
        base = expr->arg[1];
        shift = expr->arg[0];
    }
    if (shift->kind != EXPR_LITERAL || shift->type->kind != TYPE_INTERVAL_SECONDS ||
        vec_is_null(shift->value, 0)) {
        return false;
    }
    if (!time_term(left, right, base, out)) return false;
    int64_t ms = vec_i64(shift->value)[0];
    out->shift_ms += plus ? ms : -ms;
    return true;
}

typedef struct Bounds {
    bool has_lower, has_upper;
    int64_t lower_ms, upper_ms;  // left time - right time lies between
    uint32_t left_column, right_column;
    bool has_columns;
} Bounds;

// a <= b (+ less_ms when strict) of two time terms; false when it bounds nothing.
static bool add_bound(Bounds *bounds, TimeTerm a, TimeTerm b, int64_t strict_ms) {
    if (a.side == b.side) return false;
    TimeTerm left = a.side ? b : a, right = a.side ? a : b;
    if (bounds->has_columns &&
        (bounds->left_column != left.column || bounds->right_column != right.column)) {
        return false;
    }
    bounds->has_columns = true;
    bounds->left_column = left.column;
    bounds->right_column = right.column;
    if (a.side == 0) {  // left + s1 <= right + s2: left - right <= s2 - s1
        int64_t upper = right.shift_ms - left.shift_ms - strict_ms;
        if (!bounds->has_upper || upper < bounds->upper_ms) bounds->upper_ms = upper;
        bounds->has_upper = true;
    } else {  // right + s1 <= left + s2: left - right >= s1 - s2
        int64_t lower = right.shift_ms - left.shift_ms + strict_ms;
        if (!bounds->has_lower || lower > bounds->lower_ms) bounds->lower_ms = lower;
        bounds->has_lower = true;
    }
    return true;
}

static bool take_bound(const Plan *left, const Plan *right, const Expr *expr, Bounds *bounds) {
    TimeTerm a, b, c;
    if (is_call(expr, "BETWEEN ASYMMETRIC", 3)) {
        return time_term(left, right, expr->arg[0], &a) &&
               time_term(left, right, expr->arg[1], &b) &&
               time_term(left, right, expr->arg[2], &c) && a.side != b.side && b.side == c.side &&
               add_bound(bounds, b, a, 0) && add_bound(bounds, a, c, 0);
    }
    static const char *const OPS[] = {"<=", "<", ">=", ">", "="};
    for (uint32_t i = 0; i < 5; i++) {
        if (!is_call(expr, OPS[i], 2)) continue;
        if (!time_term(left, right, expr->arg[0], &a) ||
            !time_term(left, right, expr->arg[1], &b)) {
            return false;
        }
        if (i == 4) {
            // a.ts = b.ts + INTERVAL '1' SECOND is computed below the join, and loses the
            // attribute.
            return expr->arg[0]->kind == EXPR_COLUMN && expr->arg[1]->kind == EXPR_COLUMN &&
                   add_bound(bounds, a, b, 0) && add_bound(bounds, b, a, 0);
        }
        return i < 2 ? add_bound(bounds, a, b, i == 1) : add_bound(bounds, b, a, i == 3);
    }
    return false;
}

// ts = t of a time attribute of one input and a plain timestamp of the other, where the binder saw
// them in this order (Expr.times_right): an interval of no length.
static bool take_plain_time(const Plan *left, const Plan *right, const Expr *expr, Bounds *bounds) {
    uint32_t columns = left->type->child_count;
    if (!expr->times_right || expr->arg[0]->kind != EXPR_COLUMN ||
        expr->arg[1]->kind != EXPR_COLUMN) {
        return false;
    }
    uint32_t a = expr->arg[0]->column, b = expr->arg[1]->column;
    if (a > b) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    if (a >= columns || b < columns) return false;
    bool timed = left->type->child[a]->attribute == TIME_ROWTIME;
    bool right_timed = right->type->child[b - columns]->attribute == TIME_ROWTIME;
    if (timed == right_timed) return false;
    TimeTerm l = {0, a, 0}, r = {1, b - columns, 0};
    return add_bound(bounds, l, r, 0) && add_bound(bounds, r, l, 0);
}

Expr *join_mark_time(Arena *arena, const Plan *left, const Plan *right, Expr *expr) {
    uint32_t columns = left->type->child_count;
    if (!is_call(expr, "=", 2) || expr->arg[0]->kind != EXPR_COLUMN ||
        expr->arg[1]->kind != EXPR_COLUMN) {
        return expr;
    }
    const Type *type[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t column = expr->arg[i]->column;
        type[i] = column < columns ? left->type->child[column]
                                   : right->type->child[column - columns];
    }
    if (!expr_times_right(type[0], type[1])) return expr;
    Expr *marked = arena_dup(arena, expr, sizeof *expr);
    marked->times_right = true;
    return marked;
}

bool join_find_interval(const Plan *left, const Plan *right, Expr **part, uint32_t *count,
                        Plan *out) {
    Bounds bounds = {0};
    uint32_t kept = 0;
    bool plain = false;  // the bounds are those of an equality, which is checked besides
    Expr *rest[256];
    if (*count > 256) return false;
    for (uint32_t i = 0; i < *count; i++) {
        if (take_bound(left, right, part[i], &bounds)) continue;
        plain |= take_plain_time(left, right, part[i], &bounds);
        rest[kept++] = part[i];
    }
    if (!bounds.has_lower || !bounds.has_upper) return false;
    const Type *l = left->type->child[bounds.left_column],
               *r = right->type->child[bounds.right_column];
    if (!plain && l->attribute != r->attribute) return false;
    memcpy(part, rest, kept * sizeof *part);
    *count = kept;
    out->lower_ms = bounds.lower_ms;
    out->upper_ms = bounds.upper_ms;
    out->time_column = bounds.left_column;
    out->right_time_column = bounds.right_column;
    out->proctime_order = l->attribute == TIME_PROCTIME;
    return true;
}

// Both sides windowed the same way, and start and end of both among the keys.
bool join_find_window(const Plan *left, const Plan *right, const uint32_t *left_key,
                      const uint32_t *right_key, uint32_t count, uint32_t *end_key) {
    WindowColumns l, r;
    if (!plan_window_columns(left, &l) || !plan_window_columns(right, &r)) return false;
    bool start = false, end = false;
    for (uint32_t i = 0; i < count; i++) {
        if ((int32_t)left_key[i] == l.start && (int32_t)right_key[i] == r.start) start = true;
        if ((int32_t)left_key[i] == l.end && (int32_t)right_key[i] == r.end) {
            end = true;
            *end_key = i;
        }
    }
    return start && end && l.spec->kind == r.spec->kind && l.spec->size_ms == r.spec->size_ms &&
           l.spec->slide_ms == r.spec->slide_ms && l.spec->offset_ms == r.spec->offset_ms;
}
