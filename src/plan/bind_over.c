// OVER: calls over ordered, partitioned rows.
//
// While a select's expressions are bound, each OVER call is noted and stands as a placeholder
// column. When all are known bind_over_plan makes the input (with partition keys, order keys and
// arguments as columns) and one PLAN_OVER per different window, each appending its results; then
// the placeholders learn their places. Whether a window can run is decided later (plan/rule_rank.c,
// plan/optimize.c): a ROW_NUMBER may turn out to be a Top-N.
#include "plan/bind_subquery.h"
#include "sql/print.h"

typedef struct OverKey {
    Expr *expr;
    bool descending, nulls_first;
} OverKey;

typedef struct OverWindow {
    Expr **partition;
    uint32_t partition_count;
    OverKey *order;
    uint32_t order_count;
    OverFrame frame;
    PlanAgg *agg;       // arg[] is set by the plan
    Expr ***arg;        // per aggregate: argument expressions
    Expr **result;      // per aggregate: the placeholder
    uint32_t agg_count, agg_cap, arg_cap, result_cap;
    struct OverWindow *next;
} OverWindow;

struct OverList {
    OverWindow *first, *last;
    uint32_t placeholders;
};

// ---- the window --------------------------------------------------------------------------------

static Status refuse(Place place, const char *what, Error *err) {
    return error_at(err, ST_VALIDATION, place, "%s", what);
}

static const AstWindow *window_named(const Binder *binder, Str name) {
    const AstSelect *select = binder->select;
    for (uint32_t i = 0; select && i < select->window_count; i++) {
        if (str_eq(select->window[i].name.name, name)) return &select->window[i];
    }
    return NULL;
}

// What WINDOW declares: each name once, each window once, of columns that there are.
Status bind_window_clause(Binder *binder, const AstSelect *select, bool grouped, Error *err) {
    Str *text = ARENA_ARRAY(binder->arena, Str, select->window_count + 1);
    for (uint32_t i = 0; i < select->window_count; i++) {
        const AstWindow *window = &select->window[i];
        Buf buf = {0};
        sql_print_window(window, SQL_PLAIN, &buf);
        text[i] = str_dup(binder->arena, buf_str(&buf));
        buf_free(&buf);
        for (uint32_t k = 0; k < i; k++) {
            if (str_eq(window->name.name, select->window[k].name.name)) {
                return refuse(window->name.span.place, "duplicate window names not allowed", err);
            }
            if (str_eq(text[i], text[k])) {
                return refuse(
                    window->span.place,
                    "duplicate window specification not allowed in the same window clause", err);
            }
        }
        Expr *unused;
        for (uint32_t k = 0; !grouped && k < window->partition.count; k++) {
            if (ast_has_query(window->partition.at[k])) continue;
            TRY(bind_expr(binder, window->partition.at[k], &unused, err));
        }
        for (uint32_t k = 0; !grouped && k < window->order.count; k++) {
            if (ast_has_query(window->order.at[k].expr)) continue;
            TRY(bind_expr(binder, window->order.at[k].expr, &unused, err));
        }
    }
    return ST_OK;
}

// What OVER (…) and the window it refers to say together.
static Status window_resolve(const Binder *binder, const AstWindow *ast, AstWindow *out,
                             Error *err) {
    *out = *ast;
    if (!ast_ident_given(ast->ref)) return ST_OK;
    const AstWindow *base = window_named(binder, ast->ref.name);
    if (!base || base == ast) {
        return error_at(err, ST_VALIDATION, ast->ref.span.place, "window '" STR_FMT "' not found",
                        STR_ARG(ast->ref.name));
    }
    AstWindow whole;
    TRY(window_resolve(binder, base, &whole, err));
    if (ast->partition.count) {
        return refuse(ast->span.place, "PARTITION BY not allowed with existing window reference",
                      err);
    }
    if (ast->order.count && whole.order.count) {
        return refuse(ast->span.place, "ORDER BY not allowed in both base and referenced windows",
                      err);
    }
    if (whole.frame != FRAME_NONE && ast->in_parentheses) {
        return refuse(ast->span.place, "referenced window cannot have framing declarations", err);
    }
    out->partition = whole.partition;
    if (whole.order.count) {
        // The frame of an ordered window is settled where it is named: another one is not heard, as
        // in Flink.
        out->order = whole.order;
        out->frame = whole.frame;
        out->low = whole.low;
        out->high = whole.high;
    }
    return ST_OK;
}

// How far a bound is from the current row: *out for streams, and [end] for batches.
static Status bound_offset(Binder *binder, const AstBound *bound, bool rows, int64_t *out,
                           FrameEnd *end, Error *err) {
    Place place = bound->expr->span.place;
    if (!rows) {
        Expr *expr;
        TRY(bind_expr(binder, bound->expr, &expr, err));
        TRY(expr_fold(binder->context, &expr, err));
        if (expr->kind == EXPR_LITERAL && !vec_is_null(expr->value, 0)) end->range = expr->value;
        if (expr->type->kind == TYPE_INTERVAL_MONTHS) {
            return refuse(place, "INTERVAL_YEAR_MONTH type is not allowed for window boundary",
                          err);
        }
        // A number goes with an order that is no time; streams run none such, batches do.
        if (type_is_numeric(expr->type)) return *out = 0, ST_OK;
        return bind_interval_ms(binder, bound->expr, out, err);
    }
    Expr *expr;
    TRY(bind_expr(binder, bound->expr, &expr, err));
    TRY(expr_fold(binder->context, &expr, err));
    // An interval is as many rows as it has milliseconds, as odd as that is.
    bool whole = type_is_integer(expr->type) || expr->type->kind == TYPE_INTERVAL_SECONDS;
    if (expr->type->kind == TYPE_INTERVAL_MONTHS) {
        return refuse(place, "INTERVAL_YEAR_MONTH type is not allowed for window boundary", err);
    }
    if (expr->kind != EXPR_LITERAL || !whole || vec_is_null(expr->value, 0) ||
        vec_integer(expr->value, 0) < 0) {
        return refuse(place, "ROWS value must be a non-negative integral constant", err);
    }
    *out = end->rows = vec_integer(expr->value, 0);
    return ST_OK;
}

static FrameEnd frame_end(AstBoundKind kind) {
    return (FrameEnd){
        .unbounded = kind == BOUND_UNBOUNDED_PRECEDING || kind == BOUND_UNBOUNDED_FOLLOWING,
        .preceding = kind == BOUND_PRECEDING,
    };
}

// How far along the order an end may lie: what comes later in the list may not be the lower end.
static int end_order(AstBoundKind kind) {
    return kind == BOUND_PRECEDING ? 0 : kind == BOUND_CURRENT_ROW ? 1 : 2;
}

static Status check_ends(const AstWindow *ast, const AstBound *low, const AstBound *high,
                         Error *err) {
    Place place = ast->span.place;
    if (low->kind == BOUND_UNBOUNDED_FOLLOWING) {
        return refuse(place, "UNBOUNDED FOLLOWING cannot be the lower frame boundary", err);
    }
    if (high->kind == BOUND_UNBOUNDED_PRECEDING) {
        return refuse(place, "UNBOUNDED PRECEDING cannot be the upper frame boundary", err);
    }
    if (low->kind != BOUND_UNBOUNDED_PRECEDING && high->kind != BOUND_UNBOUNDED_FOLLOWING &&
        end_order(low->kind) > end_order(high->kind)) {
        return refuse(place, "the upper frame boundary lies before the lower one", err);
    }
    return ST_OK;
}

static Status bind_frame(Binder *binder, const AstWindow *ast, bool ranking, OverFrame *frame,
                         Error *err) {
    if (ast->frame == FRAME_NONE) {
        // Without an order the frame is the whole partition.
        *frame = (OverFrame){.preceding = -1, .general = !ast->order.count && !ranking};
        frame->low.unbounded = true;
        frame->high.unbounded = frame->general;
        return ST_OK;
    }
    AstBound current = {.kind = BOUND_CURRENT_ROW};
    const AstBound *low = &ast->low, *high = ast->high.kind == BOUND_NONE ? &current : &ast->high;
    *frame = (OverFrame){.rows = ast->frame == FRAME_ROWS, .preceding = -1};
    frame->general = high->kind != BOUND_CURRENT_ROW ||
                     (low->kind != BOUND_PRECEDING && low->kind != BOUND_UNBOUNDED_PRECEDING);
    TRY(check_ends(ast, low, high, err));
    frame->low = frame_end(low->kind);
    frame->high = frame_end(high->kind);
    int64_t ignored;
    if (high->expr) TRY(bound_offset(binder, high, frame->rows, &ignored, &frame->high, err));
    if (!low->expr) return ST_OK;
    return bound_offset(binder, low, frame->rows, &frame->preceding, &frame->low, err);
}

static bool is_fraction(Str name) {
    return str_is(name, "PERCENT_RANK") || str_is(name, "CUME_DIST");
}

// An offset of RANGE is counted along one column that it can be added to.
static Status check_range(const OverWindow *window, Place place, Error *err) {
    const FrameEnd *end = window->frame.low.range ? &window->frame.low : &window->frame.high;
    if (window->frame.rows || !end->range) return ST_OK;
    if (!window->order_count) {
        return refuse(place, "window specification must contain an ORDER BY clause", err);
    }
    if (window->order_count > 1) {
        return refuse(place, "RANGE clause cannot be used with compound ORDER BY clause", err);
    }
    const Type *type = window->order[0].expr->type;
    if (!type_is_numeric(type) && !type_is_datetime(type)) {
        return refuse(place, "data type of ORDER BY prohibits use of RANGE clause", err);
    }
    if (type_is_numeric(type) != type_is_numeric(end->range->type)) {
        return refuse(place, "data type mismatch between ORDER BY and RANGE clause", err);
    }
    return ST_OK;
}

static Status bind_window(Binder *binder, const AstWindow *ast, Str function, bool ranking,
                          OverWindow *out, Error *err) {
    Arena *arena = binder->arena;
    AstWindow whole;
    TRY(window_resolve(binder, ast, &whole, err));
    if (ranking && whole.frame != FRAME_NONE && !str_is(function, "NTILE")) {
        return refuse(whole.span.place,
                      "ROW/RANGE not allowed with RANK, DENSE_RANK or ROW_NUMBER functions", err);
    }
    if (ranking && !whole.order.count &&
        (str_is(function, "RANK") || str_is(function, "DENSE_RANK") || is_fraction(function))) {
        return refuse(
            whole.span.place,
            "RANK or DENSE_RANK functions require ORDER BY clause in window specification", err);
    }
    out->partition = ARENA_ARRAY(arena, Expr *, whole.partition.count + 1);
    for (uint32_t i = 0; i < whole.partition.count; i++) {
        Expr *expr;
        TRY(bind_expr(binder, whole.partition.at[i], &expr, err));
        TRY(expr_fold(binder->context, &expr, err));
        if (expr->kind != EXPR_LITERAL) out->partition[out->partition_count++] = expr;
    }
    out->order = ARENA_ARRAY(arena, OverKey, whole.order.count + 1);
    for (uint32_t i = 0; i < whole.order.count; i++) {
        const AstOrder *order = &whole.order.at[i];
        Expr *expr;
        TRY(bind_expr(binder, order->expr, &expr, err));
        TRY(expr_fold(binder->context, &expr, err));
        bool nulls_first =
            order->nulls == NULLS_FIRST || (order->nulls == NULLS_UNSAID && !order->descending);
        if (expr->kind != EXPR_LITERAL) {
            out->order[out->order_count++] = (OverKey){expr, order->descending, nulls_first};
        }
    }
    TRY(bind_frame(binder, &whole, ranking, &out->frame, err));
    TRY(check_range(out, whole.span.place, err));
    if (binder->context->batch && !out->order_count && !ranking) {
        out->frame.low = out->frame.high = (FrameEnd){.unbounded = true};  // as Flink does
    }
    if (str_is(function, "ROW_NUMBER")) out->frame.rows = true;
    return ST_OK;
}

// PROCTIME() equals itself here, though not as an expression.
static bool same_key(const Expr *a, const Expr *b) {
    if (expr_equal(a, b)) return true;
    return a->type->attribute == TIME_PROCTIME && b->type->attribute == TIME_PROCTIME;
}

static bool same_end(const FrameEnd *a, const FrameEnd *b) {
    if (a->unbounded != b->unbounded || a->preceding != b->preceding || a->rows != b->rows) {
        return false;
    }
    if (!a->range || !b->range) return a->range == b->range;
    return type_equal(a->range->type, b->range->type) && vec_key_equal(a->range, 0, b->range, 0);
}

static bool same_window(const OverWindow *a, const OverWindow *b) {
    if (a->partition_count != b->partition_count || a->order_count != b->order_count) return false;
    for (uint32_t i = 0; i < a->partition_count; i++) {
        if (!expr_equal(a->partition[i], b->partition[i])) return false;
    }
    for (uint32_t i = 0; i < a->order_count; i++) {
        const OverKey *x = &a->order[i], *y = &b->order[i];
        if (!same_key(x->expr, y->expr) || x->descending != y->descending ||
            x->nulls_first != y->nulls_first) {
            return false;
        }
    }
    return a->frame.rows == b->frame.rows && a->frame.preceding == b->frame.preceding &&
           a->frame.general == b->frame.general && same_end(&a->frame.low, &b->frame.low) &&
           same_end(&a->frame.high, &b->frame.high);
}

// ---- calls -------------------------------------------------------------------------------------

static bool is_ranking(Str name) {
    return str_is(name, "ROW_NUMBER") || str_is(name, "RANK") || str_is(name, "DENSE_RANK") ||
           str_is(name, "NTILE") || is_fraction(name);
}

// Counts rows: what ROW_NUMBER is, and, in a stream, RANK and DENSE_RANK too: Flink's compare the
// order key with the last one in a way that never finds them equal. In a batch the operator knows
// each by its name (exec/batch_over.c), and the count only stands for the place of its result.
static Status ranking_call(Binder *binder, const AstExpr *ast, PlanAgg *agg, Expr ***args,
                           Error *err) {
    uint32_t argc = str_is(ast->call->name, "NTILE") ? 1 : 0;
    if (ast->call->arg.count != argc) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "invalid number of arguments to function '" STR_FMT "': %s",
                        STR_ARG(ast->call->name), argc ? "one is needed" : "none are needed");
    }
    AggCall *call = ARENA_NEW(binder->arena, AggCall);
    *call = (AggCall){.arena = binder->arena,
                      .env = binder->context->env,
                      .batch = binder->context->batch,
                      .arg = ARENA_ARRAY(binder->arena, const Type *, 2),
                      .literal = ARENA_ARRAY(binder->arena, const Vec *, 2)};
    TRY(agg_bind(call, agg_find(STR("COUNT")), err));
    if (argc) {
        Expr **arg = ARENA_ARRAY(binder->arena, Expr *, 2);
        TRY(bind_expr(binder, ast->call->arg.at[0], &arg[0], err));
        TRY(expr_fold(binder->context, &arg[0], err));
        bool integer = arg[0]->kind == EXPR_LITERAL && type_is_integer(arg[0]->type);
        if (!integer || vec_is_null(arg[0]->value, 0) || vec_integer(arg[0]->value, 0) < 0) {
            return error_at(err, ST_VALIDATION, ast->call->arg.at[0]->span.place,
                            "argument to function 'NTILE' must be a positive integer literal");
        }
        call->argc = argc;
        call->arg[0] = arg[0]->type;
        *args = arg;
    }
    if (is_fraction(ast->call->name)) call->result = type_of(TYPE_DOUBLE, false);
    *agg = (PlanAgg){.call = call, .filter = -1, .arg = ARENA_ARRAY(binder->arena, uint32_t, 2),
                     .name = ast->call->name};
    return ST_OK;
}

static bool same_call(const PlanAgg *a, Expr *const *a_arg, const PlanAgg *b, Expr *const *b_arg) {
    const AggCall *x = a->call, *y = b->call;
    if (!str_eq(a->name, b->name) || x->argc != y->argc || x->distinct != y->distinct) return false;
    if (x->ignore_nulls != y->ignore_nulls || x->absent_on_null != y->absent_on_null) return false;
    for (uint32_t i = 0; i < x->argc; i++) {
        if (!expr_equal(a_arg[i], b_arg[i])) return false;
    }
    return true;
}

// The placeholder of a call; the same call twice is one.
static Expr *window_add(Binder *binder, OverWindow *window, PlanAgg agg, Expr **arg, Place place) {
    Arena *arena = binder->arena;
    for (uint32_t i = 0; i < window->agg_count; i++) {
        if (same_call(&window->agg[i], window->arg[i], &agg, arg)) return window->result[i];
    }
    // Its column is filled in by bind_over_plan; until then no two placeholders are equal.
    Expr *result = expr_column(arena, UINT32_MAX - binder->over->placeholders++, agg.call->result);
    result->place = place;
    uint32_t a = window->agg_count, b = window->agg_count;
    ARENA_PUSH(arena, window->arg, a, window->arg_cap, arg);
    ARENA_PUSH(arena, window->result, b, window->result_cap, result);
    ARENA_PUSH(arena, window->agg, window->agg_count, window->agg_cap, agg);
    return result;
}

// [name] of [value] over the rows that [whole] is of, as [type].
static Status part_of(Binder *binder, OverWindow *window, const PlanAgg *whole, const char *name,
                      Expr *value, const Type *type, Expr **out, Error *err) {
    Arena *arena = binder->arena;
    PlanAgg agg = *whole;
    agg.call = arena_dup(arena, whole->call, sizeof *whole->call);
    agg.call->arg = arena_dup(arena, &value->type, sizeof(const Type *));
    agg.call->literal = ARENA_ARRAY(arena, const Vec *, 1);
    agg.arg = ARENA_ARRAY(arena, uint32_t, 1);
    agg.name = str_c(name);
    TRY(agg_bind(agg.call, agg_find(agg.name), err));
    Expr **arg = arena_dup(arena, &value, sizeof(Expr *));
    *out = expr_cast(arena, window_add(binder, window, agg, arg, value->place), type, false);
    return ST_OK;
}

// A variance is what Calcite makes of it over windows (AvgVarianceConvertlet), with every step in
// the type of the result: (SUM(x * x) - SUM(x) * SUM(x) / COUNT(x)) / COUNT(x), or COUNT(x) - 1 for
// a sample, and its root for a deviation. Whole numbers so differ from what groups give.
static Status add_variance(Binder *binder, OverWindow *window, const PlanAgg *whole, Expr *arg,
                           Place place, Expr **out, Error *err) {
    Arena *arena = binder->arena;
    const char *name = whole->call->func->name;
    const Type *type = type_nullable(arena, whole->call->result, true);
    Expr *x = expr_cast(arena, arg, type, false), *squares, *sum, *mean, *difference, *rows, *one;
    TRY(call2(binder, "*", x, x, place, &squares, err));
    squares = expr_cast(arena, squares, type, false);
    TRY(part_of(binder, window, whole, "SUM", squares, type, &squares, err));
    TRY(part_of(binder, window, whole, "SUM", x, type, &sum, err));
    TRY(part_of(binder, window, whole, "COUNT", x, type_of(TYPE_BIGINT, false), &rows, err));
    TRY(call2(binder, "*", sum, sum, place, &mean, err));
    TRY(call2(binder, "/", expr_cast(arena, mean, type, false), rows, place, &mean, err));
    TRY(call2(binder, "-", squares, expr_cast(arena, mean, type, false), place, &difference, err));
    if (strstr(name, "SAMP")) {
        TRY(call2(binder, "-", rows, expr_i64(arena, TYPE_BIGINT, 1), place, &one, err));
        TRY(call2(binder, "NULLIF", one, expr_i64(arena, TYPE_BIGINT, 0), place, &rows, err));
    }
    TRY(call2(binder, "/", expr_cast(arena, difference, type, false), rows, place, out, err));
    *out = expr_cast(arena, *out, type, false);
    if (strncmp(name, "STDDEV", 6) == 0) {
        Expr *squared = *out;
        TRY(expr_call(arena, binder->context->env, "SQRT", &squared, 1, place, out, err));
    }
    *out = expr_cast(arena, *out, type, false);
    return ST_OK;
}

static OverWindow *window_of(Binder *binder, const OverWindow *wanted) {
    if (!binder->over) binder->over = ARENA_NEW(binder->arena, struct OverList);
    for (OverWindow *at = binder->over->first; at; at = at->next) {
        if (same_window(at, wanted)) return at;
    }
    OverWindow *made = arena_dup(binder->arena, wanted, sizeof *wanted);
    *(binder->over->first ? &binder->over->last->next : &binder->over->first) = made;
    binder->over->last = made;
    return made;
}

// Whether the frame is known to hold the row itself: not with an offset, says Calcite.
static bool holds_itself(const Binder *binder, const AstWindow *ast) {
    AstWindow whole;
    if (window_resolve(binder, ast, &whole, NULL)) return true;
    return !whole.low.expr && !whole.high.expr;
}

Status bind_over_call(Binder *binder, const AstExpr *ast, Expr **out, Error *err) {
    const AstCall *call = ast->call;
    Place place = ast->span.place;
    if (!binder->allow_over) {
        return refuse(place, "windowed aggregate expression is illegal in this clause", err);
    }
    for (uint32_t i = 0; i < call->arg.count; i++) {
        if (ast_has_query(call->arg.at[i])) {
            return refuse(place, "a subquery cannot stand in a windowed aggregate", err);
        }
    }
    bool ranking = is_ranking(call->name);
    bool batch = binder->context->batch, lead = str_is(call->name, "LEAD");
    if (!batch && str_is(call->name, "APPROX_COUNT_DISTINCT")) {  // exact there, as in Flink
        AstExpr exact = *ast;
        exact.call = arena_dup(binder->arena, call, sizeof *call);
        exact.call->name = STR("COUNT");
        exact.call->quantifier = QUANT_DISTINCT;
        return bind_over_call(binder, &exact, out, err);
    }
    // LEAD is LAG that looks the other way: the name tells the operator.
    const AggFunc *func = ranking ? NULL : lead ? agg_find(STR("LAG"))
                                        : bind_agg_named(binder->context, call);
    if (call->filter) return refuse(place, "OVER must be applied to aggregate function", err);
    if (batch && call->quantifier == QUANT_DISTINCT) {
        return refuse(place, "Distinct not supported in Windowing function!", err);
    }
    if (!ranking && !func) return refuse(place, "OVER must be applied to aggregate function", err);
    Binder input = *binder;
    input.allow_over = false;
    OverWindow wanted = {0};
    PlanAgg agg = {0};
    Expr **arg = NULL;
    if (ranking) {
        TRY(ranking_call(&input, ast, &agg, &arg, err));
    } else {
        TRY(bind_agg_args(&input, ast, func, holds_itself(&input, call->over), &arg, &agg, err));
        if (lead) agg.name = STR("LEAD");
    }
    agg.place = place;
    bool no_frame = ranking || (func->flags & AGG_OVER_ONLY);
    TRY(bind_window(&input, call->over, call->name, no_frame, &wanted, err));
    if (batch && ranking && !wanted.order_count && !str_is(call->name, "NTILE")) {
        return refuse(place,
                      "the window rank function requires order by clause with non-constant fields",
                      err);
    }
    OverWindow *window = window_of(binder, &wanted);
    if (func && func->reduced) return add_variance(binder, window, &agg, arg[0], place, out, err);
    *out = window_add(binder, window, agg, arg, place);
    return ST_OK;
}

// ---- the plan ----------------------------------------------------------------------------------

typedef struct OverInput {
    Expr **expr;   // columns: those of the plan, then what the windows add
    uint32_t count, cap, own;
} OverInput;

static uint32_t input_column(Arena *arena, OverInput *input, Expr *expr) {
    if (expr->kind == EXPR_COLUMN) return expr->column;
    for (uint32_t i = input->own; i < input->count; i++) {
        if (same_key(input->expr[i], expr)) return i;
    }
    ARENA_PUSH(arena, input->expr, input->count, input->cap, expr);
    return input->count - 1;
}

static Plan *over_input(Binder *binder, OverInput *input) {
    const Type *row = binder->plan->type;
    if (input->count == row->child_count) return binder->plan;
    Str *name = ARENA_ARRAY(binder->arena, Str, input->count);
    for (uint32_t i = 0; i < input->count; i++) {
        name[i] = i < row->child_count ? row->field[i] : str_printf(binder->arena, "$o%u", i);
    }
    return plan_project(binder->context, binder->plan, input->expr, name, input->count);
}

static void over_columns(Arena *arena, OverInput *input, OverWindow *window, Plan *over) {
    over->key = ARENA_ARRAY(arena, uint32_t, window->partition_count + 1);
    over->key_count = window->partition_count;
    for (uint32_t i = 0; i < window->partition_count; i++) {
        over->key[i] = input_column(arena, input, window->partition[i]);
    }
    over->order = ARENA_ARRAY(arena, OrderKey, window->order_count + 1);
    over->order_count = window->order_count;
    for (uint32_t i = 0; i < window->order_count; i++) {
        const OverKey *key = &window->order[i];
        over->order[i] =
            (OrderKey){input_column(arena, input, key->expr), key->descending, key->nulls_first};
    }
    over->frame = window->frame;
    over->agg = window->agg;
    over->agg_count = window->agg_count;
    for (uint32_t a = 0; a < window->agg_count; a++) {
        for (uint32_t i = 0; i < window->agg[a].call->argc; i++) {
            window->agg[a].arg[i] = input_column(arena, input, window->arg[a][i]);
        }
    }
}

// The type of a node that appends its aggregates to its input's columns.
static const Type *over_type(Arena *arena, const Type *input, const PlanAgg *agg, uint32_t count) {
    uint32_t columns = input->child_count, total = columns + count;
    const Type **child = ARENA_ARRAY(arena, const Type *, total + 1);
    Str *name = ARENA_ARRAY(arena, Str, total + 1);
    for (uint32_t i = 0; i < total; i++) {
        child[i] = i < columns ? input->child[i] : agg[i - columns].call->result;
        name[i] = i < columns ? input->field[i] : str_printf(arena, "w%u$o", i - columns);
    }
    return type_row(arena, total, child, name, false);
}

Status bind_over_plan(Binder *binder, Error *err) {
    (void)err;
    Arena *arena = binder->arena;
    const Type *row = binder->plan->type;
    OverInput input = {.own = row->child_count};
    for (uint32_t i = 0; i < row->child_count; i++) {
        ARENA_PUSH(arena, input.expr, input.count, input.cap, expr_column(arena, i, row->child[i]));
    }
    uint32_t windows = 0;
    for (OverWindow *window = binder->over->first; window; window = window->next) windows++;
    Plan **over = ARENA_ARRAY(arena, Plan *, windows + 1);
    OverWindow *window = binder->over->first;
    for (uint32_t w = 0; w < windows; w++, window = window->next) {
        over[w] = plan_new(binder->context, PLAN_OVER, NULL, 1);
        over_columns(arena, &input, window, over[w]);
    }
    Plan *plan = over_input(binder, &input);
    window = binder->over->first;
    for (uint32_t w = 0; w < windows; w++, window = window->next) {
        uint32_t from = plan->type->child_count;
        over[w]->input[0] = plan;
        over[w]->over_chained = windows > 1;
        over[w]->type = over_type(arena, plan->type, over[w]->agg, over[w]->agg_count);
        for (uint32_t a = 0; a < window->agg_count; a++) window->result[a]->column = from + a;
        plan = over[w];
    }
    binder->plan = plan;
    return ST_OK;
}
