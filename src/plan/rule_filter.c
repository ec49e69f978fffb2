// Filter push-down. Of a filter right on a scan that nobody else reads, the terms that compare a
// column with constants are told to the scan (spi/filter.h): its decoder need not read the rest of
// a record that fails one, its connector need not open a partition. The filter itself stays where
// it is, as in Flink: decoders may leave out what they cannot use.
//
// Not below a watermark: rows that fail the filter move time on all the same.
#include "plan/rule.h"

enum { TERMS_MAX = 64, VALUES_MAX = 256 };  // of one scan; terms beyond stay with the filter

typedef struct Terms {
    Arena *arena;
    FilterTerm *term;
    uint32_t count;
} Terms;

static bool is_call(const Expr *expr, const char *name) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, name) == 0;
}

static int width_of(const Type *type) {
    return type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE ? type->kind == TYPE_DOUBLE
           : type_is_integer(type)                               ? (int)phys_size(type_phys(type))
                                                                 : 0;
}

// The column that [expr] is, perhaps made wider on its way: that changes no comparison.
static const Expr *column_of(const Expr *expr) {
    while (expr->kind == EXPR_CAST) {
        const Type *from = expr->arg[0]->type, *to = expr->type;
        bool same = from->kind == to->kind &&
                    (from->kind == TYPE_TIMESTAMP || from->kind == TYPE_TIMESTAMP_LTZ
                         ? to->precision >= from->precision
                         : from->kind == TYPE_VARCHAR && to->length >= from->length);
        bool whole = type_is_integer(from) && type_is_integer(to);
        bool real = from->kind == TYPE_FLOAT && to->kind == TYPE_DOUBLE;
        if (!same && !((whole || real) && width_of(to) >= width_of(from))) return NULL;
        expr = expr->arg[0];
    }
    return expr->kind == EXPR_COLUMN ? expr : NULL;
}

static bool is_value(const Expr *expr, const Expr *column, TermOp op) {
    return expr->kind == EXPR_LITERAL && !vec_is_null(expr->value, 0) &&
           filter_can_compare(column->type, expr->value->type, op);
}

static void add_term(Terms *terms, const Expr *operand, TermOp op, Expr *const *value,
                     uint32_t count) {
    const Expr *column = column_of(operand);
    if (!column || terms->count == TERMS_MAX || count > VALUES_MAX) return;
    const Vec **values = ARENA_ARRAY(terms->arena, const Vec *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_value(value[i], column, op)) return;
        values[i] = value[i]->value;
    }
    terms->term[terms->count++] =
        (FilterTerm){.column = column->column, .op = op, .value = values, .value_count = count};
}

static void gather(Terms *terms, const Expr *expr) {
    static const struct {
        const char *name;
        TermOp op, mirrored;
    } OPS[] = {{"=", TERM_EQUAL, TERM_EQUAL},  {"<>", TERM_NOT_EQUAL, TERM_NOT_EQUAL},
               {"<", TERM_LESS, TERM_GREATER},  {"<=", TERM_LESS_EQUAL, TERM_GREATER_EQUAL},
               {">", TERM_GREATER, TERM_LESS},  {">=", TERM_GREATER_EQUAL, TERM_LESS_EQUAL}};
    if (is_call(expr, "AND")) {
        for (uint32_t i = 0; i < expr->arg_count; i++) gather(terms, expr->arg[i]);
    } else if (expr->kind == EXPR_COLUMN) {  // WHERE flag
        Expr *yes = expr_bool(terms->arena, true);
        add_term(terms, expr, TERM_EQUAL, &yes, 1);
    } else if (is_call(expr, "NOT") && expr->arg[0]->kind == EXPR_COLUMN) {
        Expr *no = expr_bool(terms->arena, false);
        add_term(terms, expr->arg[0], TERM_EQUAL, &no, 1);
    } else if (is_call(expr, "IS NULL")) {
        add_term(terms, expr->arg[0], TERM_IS_NULL, NULL, 0);
    } else if (is_call(expr, "IS NOT NULL")) {
        add_term(terms, expr->arg[0], TERM_NOT_NULL, NULL, 0);
    } else if (is_call(expr, "IN")) {
        add_term(terms, expr->arg[0], TERM_IN, expr->arg + 1, expr->arg_count - 1);
    } else if (is_call(expr, "BETWEEN ASYMMETRIC")) {
        add_term(terms, expr->arg[0], TERM_GREATER_EQUAL, &expr->arg[1], 1);
        add_term(terms, expr->arg[0], TERM_LESS_EQUAL, &expr->arg[2], 1);
    }
    for (size_t i = 0; i < sizeof OPS / sizeof *OPS; i++) {
        if (!is_call(expr, OPS[i].name) || expr->arg_count != 2) continue;
        bool mirrored = expr->arg[0]->kind == EXPR_LITERAL;
        add_term(terms, expr->arg[mirrored], mirrored ? OPS[i].mirrored : OPS[i].op,
                 &expr->arg[!mirrored], 1);
    }
}

static void count_readers(const Plan *plan, uint32_t *readers) {
    if (readers[plan->id]++) return;
    for (uint32_t i = 0; i < plan->input_count; i++) count_readers(plan->input[i], readers);
}

static void push(PlanContext *context, Plan *plan, const uint32_t *readers, uint8_t *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = 1;
    for (uint32_t i = 0; i < plan->input_count; i++) push(context, plan->input[i], readers, seen);
    if (plan->kind != PLAN_FILTER || plan->input[0]->kind != PLAN_SCAN) return;
    Plan *scan = plan->input[0];
    if (readers[scan->id] != 1 || !scan->connector->early_filter || scan->scan->limit >= 0) return;
    Terms terms = {.arena = context->arena,
                   .term = ARENA_ARRAY(context->arena, FilterTerm, TERMS_MAX)};
    gather(&terms, plan->condition);
    if (!terms.count) return;
    ScanSpec *spec = arena_dup(context->arena, scan->scan, sizeof *spec);
    spec->early = terms.term;
    spec->early_count = terms.count;
    Plan *told = arena_dup(context->arena, scan, sizeof *scan);
    told->scan = spec;
    plan->input[0] = told;
}

void rule_filter(PlanContext *context, Plan **roots, uint32_t count) {
    uint32_t *readers = ARENA_ARRAY(context->arena, uint32_t, context->next_id + 1);
    uint8_t *seen = ARENA_ARRAY(context->arena, uint8_t, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) count_readers(roots[i], readers);
    for (uint32_t i = 0; i < count; i++) push(context, roots[i], readers, seen);
}
