// EXPLAIN: the plan as an indented tree, children below their consumer.
#include "plan/bind.h"
#include "plan/match.h"

static void print_columns(const Plan *input, const uint32_t *column, uint32_t count, Buf *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_puts(out, ", ");
        buf_put_str(out, input->type->field[column[i]]);
    }
}

static void print_changes(const Plan *plan, Buf *out) {
    static const char *const NAMES[] = {"I", "UB", "UA", "D"};
    buf_puts(out, ", changelogMode=[");
    bool first = true;
    for (uint32_t kind = 0; kind < 4; kind++) {
        if (!(plan->changes & 1u << kind)) continue;
        if (kind == ROW_UPDATE_BEFORE && !plan->emit_before) continue;
        buf_printf(out, "%s%s", first ? "" : ",", NAMES[kind]);
        first = false;
    }
    buf_putc(out, ']');
}

static void print_pattern(const MatchSpec *spec, Buf *out) {
    for (uint32_t i = 0; i < spec->part_count; i++) {
        const MatchPart *part = &spec->part[i];
        int32_t low = part->low, high = part->high;
        if (i) buf_putc(out, ' ');
        buf_put_str(out, part->name);
        if (low == 1 && high == 1) continue;
        if (high < 0 && low <= 1) {
            buf_putc(out, low ? '+' : '*');
        } else if (low == 0 && high == 1) {
            buf_putc(out, '?');
        } else if (low == high) {
            buf_printf(out, "{%d}", low);
        } else if (high < 0) {
            buf_printf(out, "{%d,}", low);
        } else {
            buf_printf(out, "{%d,%d}", low, high);
        }
        if (!part->greedy && low != high && high != 1) buf_putc(out, '?');
    }
}

static void print_match(const Plan *plan, Buf *out) {
    static const char *const SKIP[] = {[MATCH_SKIP_PAST_LAST] = "PAST LAST ROW",
                                       [MATCH_SKIP_TO_NEXT] = "TO NEXT ROW",
                                       [MATCH_SKIP_TO_FIRST] = "TO FIRST ",
                                       [MATCH_SKIP_TO_LAST] = "TO LAST "};
    const MatchSpec *spec = plan->match;
    const Plan *input = plan->input[0];
    if (plan->key_count) {
        buf_puts(out, "partitionBy=[");
        print_columns(input, plan->key, plan->key_count, out);
        buf_puts(out, "], ");
    }
    buf_puts(out, plan->proctime_order ? "orderBy=[PROCTIME() ASC" : "orderBy=[");
    for (uint32_t i = 0; i < plan->order_count; i++) {
        buf_printf(out, "%s" STR_FMT " %s", i || plan->proctime_order ? ", " : "",
                   STR_ARG(input->type->field[plan->order[i].column]),
                   plan->order[i].descending ? "DESC" : "ASC");
    }
    buf_puts(out, "], measures=[");
    for (uint32_t i = 0; i < spec->measure_count; i++) {
        if (i) buf_puts(out, ", ");
        expr_print(spec->measure[i], spec->row, out);
        buf_printf(out, " AS " STR_FMT, STR_ARG(plan->type->field[plan->key_count + i]));
    }
    buf_printf(out, "], rowsPerMatch=[ONE ROW PER MATCH], after=[SKIP %s", SKIP[spec->skip]);
    bool to_var = spec->skip == MATCH_SKIP_TO_FIRST || spec->skip == MATCH_SKIP_TO_LAST;
    if (to_var && spec->skip_var >= 0) buf_put_str(out, spec->part[spec->skip_var].name);
    buf_puts(out, "], pattern=[");
    print_pattern(spec, out);
    buf_puts(out, "], define={");
    bool first = true;
    for (uint32_t i = 0; i < spec->part_count; i++) {
        if (!spec->define[i].expr) continue;
        buf_printf(out, "%s" STR_FMT "=>", first ? "" : ", ", STR_ARG(spec->part[i].name));
        expr_print(spec->define[i].expr, spec->row, out);
        first = false;
    }
    buf_putc(out, '}');
    if (spec->within_ms) buf_printf(out, ", within=[%lld ms]", (long long)spec->within_ms);
}

// What a connector evaluates itself.
static void print_taken(const TableDesc *desc, const TableFilter *filter, Buf *out) {
    static const char *const OPS[] = {
        [FILTER_EQUAL] = "=",
        [FILTER_NOT_EQUAL] = "<>",
        [FILTER_LESS] = "<",
        [FILTER_LESS_EQUAL] = "<=",
        [FILTER_GREATER] = ">",
        [FILTER_GREATER_EQUAL] = ">=",
        [FILTER_LIKE] = "LIKE",
        [FILTER_IS_NULL] = "IS NULL",
        [FILTER_IS_NOT_NULL] = "IS NOT NULL",
        [FILTER_AND] = "AND",
        [FILTER_OR] = "OR",
    };
    buf_putc(out, '(');
    if (filter->arg[0]) {
        print_taken(desc, filter->arg[0], out);
    } else {
        buf_put_str(out, desc->physical->field[filter->column]);
    }
    buf_printf(out, " %s", OPS[filter->op]);
    if (filter->arg[1] || filter->value) buf_putc(out, ' ');
    if (filter->arg[1]) print_taken(desc, filter->arg[1], out);
    bool text = filter->value && type_is_text(filter->value->type);
    if (text) buf_putc(out, '\'');
    if (filter->value) value_print(filter->value, 0, NULL, true, out);
    if (text) buf_putc(out, '\'');
    buf_putc(out, ')');
}

static void print_filters(const TableDesc *desc, const ScanSpec *scan, Buf *out) {
    if (!scan->filter_count) return;
    buf_puts(out, "filter=[");
    for (uint32_t i = 0; i < scan->filter_count; i++) {
        if (i) buf_puts(out, " AND ");
        print_taken(desc, scan->filter[i], out);
    }
    buf_puts(out, "], ");
}

static void print_lookup(const Plan *plan, Buf *out) {
    const LookupPlan *lookup = plan->lookup;
    const Type *right = lookup->right;
    buf_printf(out, "table=[" STR_FMT "], joinType=[%s], ", STR_ARG(plan->desc->name),
               plan->join == JOIN_TYPE_LEFT ? "LeftOuterJoin" : "InnerJoin");
    if (!lookup->right) {  // as it was bound
        buf_puts(out, "condition=[");
        if (plan->condition) expr_print(plan->condition, plan->type, out);
        buf_putc(out, ']');
        return;
    }
    if (lookup->hint.async) {
        buf_printf(out, "async=[%s, %lld ms, %lld], ",
                   lookup->hint.unordered ? "UNORDERED" : "ORDERED",
                   (long long)lookup->hint.timeout_ms, (long long)lookup->hint.capacity);
    }
    if (lookup->hint.retry_attempts) {
        buf_printf(out, "retry=[lookup_miss, FIXED_DELAY, %lld ms, %lld], ",
                   (long long)lookup->hint.retry_delay_ms, (long long)lookup->hint.retry_attempts);
    }
    buf_puts(out, "lookup=[");
    for (uint32_t i = 0; i < plan->key_count; i++) {
        Str name = plan->desc->physical->field[lookup->spec->key[i]];
        buf_printf(out, "%s" STR_FMT "=" STR_FMT, i ? ", " : "", STR_ARG(name),
                   STR_ARG(plan->input[0]->type->field[plan->key[i]]));
    }
    buf_puts(out, "], ");
    print_filters(plan->desc, lookup->scan, out);
    if (lookup->filter) {
        buf_puts(out, "where=[");
        expr_print(lookup->filter, lookup->scan->produced, out);
        buf_puts(out, "], ");
    }
    if (plan->condition) {
        buf_puts(out, "joinCondition=[");
        expr_print(plan->condition, plan->type, out);
        buf_puts(out, "], ");
    }
    buf_puts(out, "select=[");
    for (uint32_t i = 0; i < plan->type->child_count; i++) {
        uint32_t left = plan->input[0]->type->child_count;
        buf_printf(out, "%s" STR_FMT, i ? ", " : "",
                   STR_ARG(i < left ? plan->type->field[i] : right->field[i - left]));
    }
    buf_putc(out, ']');
}

// The terms that the scan was told.
static void print_filter(const Plan *plan, Buf *out) {
    static const char *const OPS[] = {
        [TERM_EQUAL] = "=",  [TERM_NOT_EQUAL] = "<>", [TERM_LESS] = "<",
        [TERM_LESS_EQUAL] = "<=", [TERM_GREATER] = ">",  [TERM_GREATER_EQUAL] = ">=",
        [TERM_IN] = "IN", [TERM_IS_NULL] = "IS NULL", [TERM_NOT_NULL] = "IS NOT NULL"};
    if (!plan->scan || !plan->scan->early_count) return;
    buf_puts(out, ", filter=[");
    for (uint32_t i = 0; i < plan->scan->early_count; i++) {
        const FilterTerm *term = &plan->scan->early[i];
        buf_printf(out, "%s" STR_FMT " %s", i ? ", " : "",
                   STR_ARG(plan->type->field[term->column]), OPS[term->op]);
        if (term->op == TERM_IN) buf_puts(out, " (");
        for (uint32_t v = 0; v < term->value_count; v++) {
            buf_puts(out, v ? ", " : term->op == TERM_IN ? "" : " ");
            const Expr literal = {.kind = EXPR_LITERAL, .type = term->value[v]->type,
                                  .value = term->value[v]};
            expr_print(&literal, NULL, out);
        }
        if (term->op == TERM_IN) buf_putc(out, ')');
    }
    buf_putc(out, ']');
}

static void print_process(const Plan *plan, Buf *out) {
    const ProcessSpec *spec = plan->process;
    const Type *row = plan->input[0]->type;
    const char *sep = "";
    buf_printf(out, "invocation=[" STR_FMT "(", STR_ARG(spec->udf->name));
    for (uint32_t i = 0; i < spec->udf->in_count; i++, sep = ", ") {
        buf_puts(out, sep);
        if (spec->arg[i]) {
            expr_print(spec->arg[i], row, out);
            continue;
        }
        buf_puts(out, "TABLE");
        if (plan->key_count) buf_puts(out, " PARTITION BY(");
        print_columns(plan->input[0], plan->key, plan->key_count, out);
        if (plan->key_count) buf_putc(out, ')');
        for (uint32_t o = 0; o < plan->order_count; o++) {
            buf_printf(out, "%s" STR_FMT "%s", o ? ", " : " ORDER BY(",
                       STR_ARG(row->field[plan->order[o].column]),
                       plan->order[o].descending ? " DESC" : "");
        }
        if (plan->order_count) buf_putc(out, ')');
    }
    if (spec->timed) {
        buf_printf(out, "%sDESCRIPTOR(" STR_FMT ")", sep, STR_ARG(row->field[plan->time_column]));
    }
    buf_printf(out, ")], uid=[" STR_FMT "], select=[", STR_ARG(spec->uid));
}

static const char *guarantee_of(const Plan *plan) {
    const Connector *connector = plan->connector;
    if (connector->guarantee_of) return connector->guarantee_of(plan->desc);
    return connector->guarantee ? connector->guarantee : "at-least-once";
}

static void print_details(const Plan *plan, Buf *out) {
    const Plan *input = plan->input_count ? plan->input[0] : NULL;
    switch (plan->kind) {
        case PLAN_SCAN:
            buf_printf(out, "table=[" STR_FMT, STR_ARG(plan->desc->name));
            print_filter(plan, out);
            buf_puts(out, "], ");
            print_filters(plan->desc, plan->scan, out);
            buf_puts(out, "fields=[");
            break;
        case PLAN_PROJECT:
            buf_puts(out, "select=[");
            for (uint32_t i = 0; i < plan->type->child_count; i++) {
                if (i) buf_puts(out, ", ");
                expr_print(plan->expr[i], input->type, out);
                buf_printf(out, " AS " STR_FMT, STR_ARG(plan->type->field[i]));
            }
            buf_putc(out, ']');
            return;
        case PLAN_FILTER:
            buf_puts(out, "where=[");
            expr_print(plan->condition, input->type, out);
            buf_putc(out, ']');
            return;
        case PLAN_AGG:
        case PLAN_WINDOW_AGG:
            if (plan->key_count) {
                buf_puts(out, "groupBy=[");
                print_columns(input, plan->key, plan->key_count, out);
                buf_puts(out, "], ");
            }
            buf_puts(out, "select=[");
            for (uint32_t i = 0; i < plan->agg_count; i++) {
                const PlanAgg *agg = &plan->agg[i];
                buf_printf(out, "%s%s(%s", i ? ", " : "", agg->call->func->name,
                           agg->call->distinct ? "DISTINCT " : agg->call->argc ? "" : "*");
                print_columns(input, agg->arg, agg->call->argc, out);
                buf_putc(out, ')');
                if (agg->filter >= 0) {
                    buf_printf(out, " FILTER " STR_FMT, STR_ARG(input->type->field[agg->filter]));
                }
            }
            buf_putc(out, ']');
            return;
        case PLAN_SINK:
            buf_printf(out, "table=[" STR_FMT "], guarantee=[%s], fields=[",
                       STR_ARG(plan->desc->name), guarantee_of(plan));
            break;
        case PLAN_MATCH: print_match(plan, out); return;
        case PLAN_LOOKUP_JOIN: print_lookup(plan, out); return;
        case PLAN_APPLY:
            buf_printf(out, "invocation=[" STR_FMT "(", STR_ARG(plan->udf->name));
            for (uint32_t i = 0; i < plan->func_arg_count; i++) {
                if (i) buf_puts(out, ", ");
                expr_print(plan->func_arg[i], input->type, out);
            }
            buf_printf(out, ")], joinType=[%s], select=[", plan->outer ? "LEFT" : "INNER");
            break;
        case PLAN_PROCESS: print_process(plan, out); break;
        case PLAN_SORT:
            buf_puts(out, "orderBy=[");
            for (uint32_t i = 0; i < plan->order_count; i++) {
                buf_printf(out, "%s" STR_FMT " %s", i ? ", " : "",
                           STR_ARG(input->type->field[plan->order[i].column]),
                           plan->order[i].descending ? "DESC" : "ASC");
            }
            buf_printf(out, "], offset=[%lld], fetch=[%lld]", (long long)plan->offset,
                       (long long)plan->fetch);
            return;
        default: buf_puts(out, "fields=["); break;
    }
    for (uint32_t i = 0; i < plan->type->child_count; i++) {
        if (i) buf_puts(out, ", ");
        buf_put_str(out, plan->type->field[i]);
    }
    buf_putc(out, ']');
}

static void explain(const Plan *plan, uint32_t depth, bool changelog, Buf *out) {
    for (uint32_t i = 1; i < depth; i++) buf_puts(out, "   ");
    if (depth) buf_puts(out, "+- ");
    buf_printf(out, "%s(", plan_kind_name(plan->kind));
    print_details(plan, out);
    if (changelog) print_changes(plan, out);
    buf_puts(out, ")\n");
    for (uint32_t i = 0; i < plan->input_count; i++) {
        explain(plan->input[i], depth + 1, changelog, out);
    }
}

void plan_explain(const Plan *const *roots, uint32_t count, bool changelog, Buf *out) {
    for (uint32_t i = 0; i < count; i++) explain(roots[i], 0, changelog, out);
}
