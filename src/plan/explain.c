// EXPLAIN: the plan as an indented tree, children below their consumer.
#include "plan/bind.h"

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

static void print_details(const Plan *plan, Buf *out) {
    const Plan *input = plan->input_count ? plan->input[0] : NULL;
    switch (plan->kind) {
        case PLAN_SCAN:
            buf_printf(out, "table=[" STR_FMT "], fields=[", STR_ARG(plan->desc->name));
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
                       STR_ARG(plan->desc->name),
                       plan->connector->guarantee ? plan->connector->guarantee : "at-least-once");
            break;
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
