// Rows by order: which ORDER BY, LIMIT and ROW_NUMBER become what.
//
//   FILTER(rn <= n) over OVER(ROW_NUMBER)   a Top-N: PLAN_RANK, or per window PLAN_WINDOW_RANK
//   ORDER BY … LIMIT n                      a Top-N of one partition (streams)
//   ORDER BY time                           PLAN_SORT as it is (streams); any other is refused
//   LIMIT n                                 PLAN_LIMIT; over changing input a Top-N without an
//   order
//
// Whether a Top-N is a deduplication, and how much it may count on, is decided once the changes of
// its input are known: rank_settle, called by plan_optimize's inference.
#include "plan/keys.h"
#include "plan/monotonic.h"
#include "plan/rank_range.h"
#include "plan/rule.h"

// ---- ROW_NUMBER --------------------------------------------------------------------------------

static bool is_ranking(const Plan *over) {
    if (over->kind != PLAN_OVER || over->agg_count != 1 || over->agg[0].call->argc) return false;
    Str name = over->agg[0].name;
    return str_is(name, "ROW_NUMBER") || str_is(name, "RANK") || str_is(name, "DENSE_RANK");
}

static bool has_column(const uint32_t *list, uint32_t count, int32_t column) {
    for (uint32_t i = 0; i < count; i++) {
        if ((int32_t)list[i] == column) return true;
    }
    return false;
}

// A Top-N within windows: both bounds of the input's window are among the partition columns.
static void set_window(PlanContext *context, Plan *rank) {
    WindowColumns window;
    if (!plan_window_columns(rank->input[0], &window) || window.start < 0 || window.end < 0) return;
    if (!has_column(rank->key, rank->key_count, window.start) ||
        !has_column(rank->key, rank->key_count, window.end)) {
        return;
    }
    rank->kind = PLAN_WINDOW_RANK;
    rank->window = arena_dup(context->arena, window.spec, sizeof *window.spec);
    rank->window->attached = true;
    rank->window->start_column = (uint32_t)window.start;
    rank->window->end_column = (uint32_t)window.end;
    // The last row by time: a deduplication, where equal stamps replace each other.
    const OrderKey *order = &rank->order[0];
    rank->keep_last = rank->rank_start == 1 && rank->rank_end == 1 && !rank->rank_output &&
                      rank->order_count == 1 && order->descending &&
                      rank->input[0]->type->child[order->column]->attribute != TIME_NONE;
}

// [plan] with a constant behind its columns.
static Plan *add_constant(PlanContext *context, Plan *plan, const Type *type, int64_t value) {
    Arena *arena = context->arena;
    uint32_t count = plan->type->child_count;
    Expr **expr = ARENA_ARRAY(arena, Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) expr[i] = expr_column(arena, i, plan->type->child[i]);
    expr[count] = expr_i64(arena, TYPE_BIGINT, value);
    return plan_project(context, plan, expr, type->field, count + 1);
}

// Whether a batch had better keep the first rows of each partition than number all of them: few
// enough to hold, for a Top-N does not spill and the numbering does.
static bool batch_top(const Plan *over, const RankRange *range) {
    enum { TOP_ROWS_MAX = 100 };
    bool numbers = str_is(over->agg[0].name, "ROW_NUMBER");
    if (range->bounded && range->end < 1) return str_is(over->agg[0].name, "RANK");  // refused
    return range->bounded && range->end <= TOP_ROWS_MAX && numbers;
}

bool plan_column_constant(const Plan *plan, uint32_t column) {
    while (plan->kind == PLAN_FILTER) plan = plan->input[0];
    if (plan->kind != PLAN_PROJECT) return false;
    const Expr *expr = plan->expr[column];
    while (expr->kind == EXPR_CAST) expr = expr->arg[0];
    if (expr->kind == EXPR_COLUMN) return plan_column_constant(plan->input[0], expr->column);
    return expr->kind == EXPR_LITERAL;
}

static bool order_constant(const Plan *over) {
    for (uint32_t i = 0; i < over->order_count; i++) {
        if (!plan_column_constant(over->input[0], over->order[i].column)) return false;
    }
    return true;  // that of no columns too: literals are left out when it is bound
}

static Status rank_of_filter(PlanContext *context, Plan *filter, Plan **out, Error *err) {
    const Plan *over = filter->input[0];
    const Plan *input = over->input[0];
    uint32_t column = input->type->child_count;
    RankRange range;
    Expr *rest;
    rank_range_split(context, filter->condition, column, &range, &rest);
    if (!range.any) return ST_OK;
    if (context->batch && (range.variable >= 0 || !batch_top(over, &range))) return ST_OK;
    if (!range.bounded) {
        return error_set(err, ST_VALIDATION,
                         "Rank end is not specified. Currently rank only support TopN, which "
                         "means the rank end must be specified.");
    }
    if (range.end >= 1 && range.start > range.end) {
        return error_set(err, ST_VALIDATION,
                         "Rank start '%lld' can't greater than rank end '%lld'.",
                         (long long)range.start, (long long)range.end);
    }
    if (range.end < 1) {
        return error_set(err, ST_VALIDATION, "Rank end should not less than zero, but now is %lld",
                         (long long)range.end);
    }
    if (!context->batch && order_constant(over)) {
        return error_set(err, ST_VALIDATION,
                         "Over Agg: The window rank function requires order by clause with "
                         "non-constant fields. please re-check the over window statement.");
    }
    Str name = over->agg[0].name;
    if (!context->batch && !str_is(name, "ROW_NUMBER")) {
        return error_set(err, ST_VALIDATION,
                         STR_FMT "() on streaming table is not supported currently", STR_ARG(name));
    }
    bool constant = range.start == range.end && range.variable < 0 && str_is(name, "ROW_NUMBER");
    Plan *rank = plan_new(context, PLAN_RANK, constant ? input->type : over->type, 1);
    rank->input[0] = over->input[0];
    rank->key = over->key;
    rank->key_count = over->key_count;
    rank->order = over->order;
    rank->order_count = over->order_count;
    rank->rank_start = range.start;
    rank->rank_end = range.end;
    rank->rank_end_column = range.variable;
    rank->rank_kind = str_is(name, "RANK") ? 1 : str_is(name, "DENSE_RANK") ? 2 : 0;
    rank->rank_output = !constant;
    if (!context->batch && range.variable < 0) set_window(context, rank);
    Plan *plan = constant ? add_constant(context, rank, over->type, range.start) : rank;
    *out = rest ? plan_filter(context, plan, rest) : plan;
    return ST_OK;
}

// ---- ORDER BY and LIMIT ------------------------------------------------------------------------

static Status stream_sort(PlanContext *context, Plan *plan, Plan **out, Error *err) {
    if (plan->fetch == 0) {
        *out = plan_new(context, PLAN_VALUES, plan->type, 0);
        (*out)->values = ARENA_ARRAY(context->arena, const Vec *, plan->type->child_count + 1);
        for (uint32_t i = 0; i < plan->type->child_count; i++) {
            (*out)->values[i] = vec_new(context->arena, plan->type->child[i], 0);
        }
        return ST_OK;
    }
    if (plan->fetch < 0 && (plan->offset > 0 || plan->kind == PLAN_LIMIT)) {
        return error_set(err, ST_VALIDATION,
                         "FETCH is missed, which on streaming table is not supported currently.");
    }
    if (plan->kind == PLAN_LIMIT) return ST_OK;
    if (plan->fetch > 0) {
        plan->kind = PLAN_RANK;
        plan->rank_start = plan->offset + 1;
        plan->rank_end = plan->offset + plan->fetch;
        return ST_OK;
    }
    const OrderKey *first = &plan->order[0];
    TimeAttribute attribute = (TimeAttribute)plan->input[0]->type->child[first->column]->attribute;
    if (attribute == TIME_NONE || first->descending) {
        return error_set(err, ST_VALIDATION,
                         "Sort on a non-time-attribute field is not supported.");
    }
    plan->proctime_order = attribute == TIME_PROCTIME;
    return ST_OK;
}

// Whether a CAST keeps the order of values, as Calcite's SqlCastFunction sees it.
static bool keeps_order(const Type *from, const Type *to) {
    if (from->child_count) return false;  // rows have no order that their text would have
    bool counted = type_is_numeric(from) || type_is_interval(from);
    if (counted && type_is_text(to)) return false;
    if (type_is_text(from) && (type_is_numeric(to) || type_is_interval(to))) return false;
    return from->kind == to->kind || (from->kind != TYPE_TIME && to->kind != TYPE_TIME);
}

// The column that [expr] orders rows by as well: itself, or the one that it is a cast of.
static const Expr *ordered_as(const Expr *expr) {
    while (expr->kind == EXPR_CAST) {
        if (expr->try_cast || !keeps_order(expr->arg[0]->type, expr->type)) return NULL;
        expr = expr->arg[0];
    }
    return expr->kind == EXPR_COLUMN ? expr : NULL;
}

// ORDER BY and LIMIT go below a projection, where the order's columns are its input's: what is cut
// off need not be computed. (And a row is then told from others by all its columns, as Flink does.)
static Plan *below_project(PlanContext *context, Plan *sort) {
    Plan *project = sort->input[0];
    if (project->kind != PLAN_PROJECT) return sort;
    for (uint32_t i = 0; i < sort->order_count; i++) {
        if (!ordered_as(project->expr[sort->order[i].column])) return sort;
    }
    Plan *below = plan_new(context, sort->kind, project->input[0]->type, 1);
    below->input[0] = project->input[0];
    below->offset = sort->offset;
    below->fetch = sort->fetch;
    below->order_count = sort->order_count;
    below->order = ARENA_ARRAY(context->arena, OrderKey, sort->order_count + 1);
    for (uint32_t i = 0; i < sort->order_count; i++) {
        below->order[i] = sort->order[i];
        below->order[i].column = ordered_as(project->expr[sort->order[i].column])->column;
    }
    Plan *above = plan_new(context, PLAN_PROJECT, project->type, 1);
    above->input[0] = below;
    above->expr = project->expr;
    return above;
}

// A scan under a LIMIT need not read on: of a changelog too it is changes that count. Projections
// between the two make rows of rows.
static void limit_scan(PlanContext *context, Plan *limit) {
    const Plan *scan = limit->input[0];
    while (scan->kind == PLAN_PROJECT) scan = scan->input[0];
    if (scan->kind != PLAN_SCAN || limit->fetch < 0) return;
    for (Plan *above = limit; above->kind != PLAN_SCAN; above = above->input[0]) {
        Plan *copy = arena_dup(context->arena, above->input[0], sizeof *copy);
        copy->id = ++context->next_id;
        copy->input = arena_dup(context->arena, copy->input,
                                (copy->input_count + 1) * sizeof *copy->input);
        above->input[0] = copy;
        if (copy->kind != PLAN_SCAN) continue;
        copy->scan = arena_dup(context->arena, scan->scan, sizeof *scan->scan);
        copy->scan->limit = limit->offset + limit->fetch;
    }
}

static Status sort_of_stream(PlanContext *context, Plan *plan, Plan **out, Error *err) {
    Plan *top = below_project(context, plan), *sort = top == plan ? plan : top->input[0];
    Plan *made = sort;
    TRY(stream_sort(context, sort, &made, err));
    if (made->kind == PLAN_LIMIT) limit_scan(context, made);
    if (top == plan) return *out = made, ST_OK;
    top->input[0] = made;
    *out = top;
    return ST_OK;
}

static Status sort_of_batch(PlanContext *context, Plan *plan, Error *err) {
    for (uint32_t i = 0; i < plan->order_count; i++) {
        const Type *type = plan->type->child[plan->order[i].column];
        if (type->kind == TYPE_MAP || type->kind == TYPE_MULTISET) {
            return error_set(err, ST_VALIDATION, "%s has no order: it cannot be sorted by",
                             type_kind_name(type->kind));
        }
    }
    if (plan->kind == PLAN_SORT && plan->fetch < 0 && plan->offset > 0) {
        return error_set(err, ST_VALIDATION,
                         "FETCH is missed: ORDER BY with an OFFSET alone is not supported");
    }
    if (plan->kind == PLAN_LIMIT) limit_scan(context, plan);
    return ST_OK;
}

static Status rank_walk(PlanContext *context, PlanMemo *memo, Plan **at, Error *err) {
    Plan *plan = *at;
    if (plan->id < memo->cap && memo->to[plan->id]) return *at = memo->to[plan->id], ST_OK;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        TRY(rank_walk(context, memo, &plan->input[i], err));
    }
    Plan *made = plan;
    if (plan->kind == PLAN_FILTER && is_ranking(plan->input[0])) {
        TRY(rank_of_filter(context, plan, &made, err));
    } else if (plan->kind == PLAN_SORT || plan->kind == PLAN_LIMIT) {
        if (context->batch) {
            TRY(sort_of_batch(context, plan, err));
        } else {
            TRY(sort_of_stream(context, plan, &made, err));
        }
    }
    if (plan->id < memo->cap) memo->to[plan->id] = made;
    *at = made;
    return ST_OK;
}

Status rule_rank(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    PlanMemo memo = plan_memo(context);
    for (uint32_t i = 0; i < count; i++) TRY(rank_walk(context, &memo, &roots[i], err));
    return ST_OK;
}

// ---- what a Top-N may count on -----------------------------------------------------------------

// Every update moves a row towards the front, if it moves it at all.
static bool only_rises(Arena *arena, const Plan *rank) {
    const uint8_t *mono = plan_monotony(arena, rank->input[0]);
    if (!mono || !rank->order_count) return false;
    for (uint32_t i = 0; i < rank->order_count; i++) {
        const OrderKey *order = &rank->order[i];
        uint8_t is = mono[order->column];
        bool rises = is == MONO_CONSTANT || (is == MONO_DECREASING && !order->descending) ||
                     (is == MONO_INCREASING && order->descending);
        if (!rises) return false;
    }
    return true;
}

// Whether [plan] is a total that has passed a condition: that it is one row at most Flink forgets
// there.
static bool is_filtered_total(const Plan *plan) {
    bool filtered = false;
    for (; plan->kind == PLAN_PROJECT || plan->kind == PLAN_FILTER; plan = plan->input[0]) {
        filtered |= plan->kind == PLAN_FILTER;
    }
    return filtered && plan->kind == PLAN_AGG && !plan->key_count;
}

// A key of the input's rows that contains the partition; what it has beyond the partition goes to
// row_key.
static bool find_row_key(Arena *arena, Plan *rank) {
    if (is_filtered_total(rank->input[0])) return false;
    const PlanKeys *keys = plan_keys(arena, rank->input[0]);
    for (uint32_t i = 0; i < keys->count; i++) {
        const uint64_t *set = keys->set[i];
        bool whole = true;
        for (uint32_t k = 0; k < rank->key_count && whole; k++) whole = bits_get(set, rank->key[k]);
        if (!whole) continue;
        uint32_t columns = rank->input[0]->type->child_count;
        rank->row_key = ARENA_ARRAY(arena, uint32_t, columns + 1);
        rank->row_key_count = 0;
        for (uint32_t c = 0; c < columns; c++) {
            if (bits_get(set, c) && !has_column(rank->key, rank->key_count, (int32_t)c)) {
                rank->row_key[rank->row_key_count++] = c;
            }
        }
        return true;
    }
    return false;
}

// ROW_NUMBER = 1 by time over inserts.
static bool is_dedup(const Plan *rank) {
    if (rank->rank_output || rank->rank_kind || rank->rank_start != 1 || rank->rank_end != 1) {
        return false;
    }
    if (rank->order_count != 1) return false;
    return rank->input[0]->type->child[rank->order[0].column]->attribute != TIME_NONE;
}

void rank_settle(PlanContext *context, Plan *rank, bool updates) {
    Arena *arena = context->arena;
    bool sorted = rank->kind == PLAN_RANK && rank->key_count == 0 && rank->fetch > 0;
    rank->ttl_ms = config_ms(context->config, "table.exec.state.ttl", 0);
    if (!updates && !sorted && !context->batch && is_dedup(rank)) {
        rank->kind = PLAN_DEDUP;
        rank->keep_last = rank->order[0].descending;
        rank->proctime_order =
            rank->input[0]->type->child[rank->order[0].column]->attribute == TIME_PROCTIME;
        rank->changes = CHANGE_INSERT;
        if (rank->keep_last) rank->changes |= CHANGE_UPDATE_BEFORE | CHANGE_UPDATE_AFTER;
        return;
    }
    if (!updates) {
        rank->rank_way = RANK_APPEND;
    } else {
        rank->rank_way =
            rank->order_count && find_row_key(arena, rank) && only_rises(arena, rank)
                ? RANK_UPDATE
                : RANK_RETRACT;
    }
    bool moves = rank->rank_output || rank->rank_start > 1 || rank->rank_end == 1;
    rank->changes = CHANGES_ALL;
    if (rank->rank_way == RANK_APPEND && moves) rank->changes &= ~(uint32_t)CHANGE_DELETE;
    if (rank->rank_way == RANK_APPEND && !moves) rank->changes = CHANGE_INSERT | CHANGE_DELETE;
    if (context->batch) rank->changes = CHANGE_INSERT;
}
