// The bound tree as Calcite prints its Logical* nodes: columns by number, nothing optimised. What
// weir's binder has resolved already (subqueries are joins, windows are nodes) is shown as it is.
#include "plan/explain_int.h"

static void put_aggregate(Explain *self, const Plan *plan, const Str *names) {
    Buf *out = self->out;
    buf_puts(out, "LogicalAggregate(group=[{");
    for (uint32_t k = 0; k < plan->key_count; k++) {
        buf_printf(out, "%s%u", k ? ", " : "", plan->key[k]);
    }
    buf_puts(out, "}]");
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        const PlanAgg *agg = &plan->agg[i];
        buf_printf(out, ", " STR_FMT "=[%s(%s", STR_ARG(names[plan->key_count + i]),
                   agg->call->func->name, agg->call->distinct ? "DISTINCT " : "");
        for (uint32_t a = 0; a < agg->call->argc; a++) {
            buf_printf(out, "%s$%u", a ? ", " : "", agg->arg[a]);
        }
        buf_putc(out, ')');
        if (agg->filter >= 0) buf_printf(out, " FILTER $%d", agg->filter);
        buf_putc(out, ']');
    }
}

static void put_sort(Explain *self, const Plan *plan) {
    Buf *out = self->out;
    const char *sep = "";
    buf_puts(out, "LogicalSort(");
    for (uint32_t i = 0; i < plan->order_count; i++, sep = ", ") {
        buf_printf(out, "%ssort%u=[$%u]", sep, i, plan->order[i].column);
    }
    for (uint32_t i = 0; i < plan->order_count; i++) {
        const OrderKey *key = &plan->order[i];
        buf_printf(out, ", dir%u=[%s-nulls-%s]", i, key->descending ? "DESC" : "ASC",
                   key->nulls_first ? "first" : "last");
    }
    if (plan->offset) {
        buf_printf(out, "%soffset=[%lld]", sep, (long long)plan->offset);
        sep = ", ";
    }
    if (plan->fetch >= 0) buf_printf(out, "%sfetch=[%lld]", sep, (long long)plan->fetch);
}

static void put_project(Explain *self, const Plan *plan, const Str *names) {
    buf_puts(self->out, "LogicalProject(");
    for (uint32_t i = 0; i < plan->type->child_count; i++) {
        buf_printf(self->out, "%s" STR_FMT "=[", i ? ", " : "", STR_ARG(names[i]));
        explain_expr(self, plan->expr[i], NULL);
        buf_putc(self->out, ']');
    }
}

static void put_join(Explain *self, const Plan *plan) {
    static const char *const TYPES[] = {
        [JOIN_TYPE_INNER] = "inner", [JOIN_TYPE_LEFT] = "left", [JOIN_TYPE_RIGHT] = "right",
        [JOIN_TYPE_FULL] = "full",   [JOIN_TYPE_SEMI] = "semi", [JOIN_TYPE_ANTI] = "anti"};
    buf_puts(self->out, "LogicalJoin(condition=[");
    explain_join_condition(self, plan, NULL);
    buf_printf(self->out, "], joinType=[%s]", TYPES[plan->join]);
}

void explain_logical(Explain *self, const Plan *plan) {
    const Str *names = explain_names(self, plan);
    Buf *out = self->out;
    switch (plan->kind) {
        case PLAN_PROJECT: put_project(self, plan, names); break;
        case PLAN_FILTER:
            buf_puts(out, "LogicalFilter(condition=[");
            explain_expr(self, plan->condition, NULL);
            buf_putc(out, ']');
            break;
        case PLAN_SCAN: {
            const ObjectName *name = &plan->table->name;
            buf_printf(out, "LogicalTableScan(table=[[" STR_FMT ", " STR_FMT ", " STR_FMT "]]",
                       STR_ARG(name->catalog), STR_ARG(name->database), STR_ARG(name->object));
            break;
        }
        case PLAN_UNION: buf_puts(out, "LogicalUnion(all=[true]"); break;
        case PLAN_AGG: put_aggregate(self, plan, names); break;
        case PLAN_JOIN: put_join(self, plan); break;
        case PLAN_SORT:
        case PLAN_LIMIT: put_sort(self, plan); break;
        default:
            buf_puts(out, "Logical");
            explain_node(self, plan, NULL);
            break;
    }
    buf_putc(out, ')');
}
