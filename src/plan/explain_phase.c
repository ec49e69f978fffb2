// Local and global aggregations, with Flink's names for what goes from one to the other: count$0,
// (sum$1, count$2), and distinct$0 for the values of a DISTINCT.
#include <ctype.h>
#include <string.h>

#include "plan/explain_int.h"

// The names of an aggregate's accumulator fields, as Flink's declarative functions have them.
static uint32_t accumulator(const PlanAgg *agg, char first[64], const char **second) {
    const char *name = agg->call->func->name;
    *second = NULL;
    if (strcmp(name, "COUNT") == 0) {
        (void)strcpy(first, agg->call->argc ? "count" : "count1");
    } else if (strcmp(name, "AVG") == 0) {
        (void)strcpy(first, "sum");
        *second = "count";
    } else if (strcmp(name, "LISTAGG") == 0 && !agg->call->retract) {
        (void)strcpy(first, "accDelimiter");
        *second = "concatAcc";
    } else {
        size_t i = 0;
        for (; name[i] && i < 63; i++) first[i] = (char)tolower((unsigned char)name[i]);
        first[i] = '\0';
    }
    return *second ? 2 : 1;
}

// "count$0" or "(sum$1, count$2)"; [at] counts fields.
static void put_accumulator(const Explain *self, const PlanAgg *agg, uint32_t *at) {
    char first[64];
    const char *second;
    uint32_t from = *at;
    *at += accumulator(agg, first, &second);
    if (second) {
        buf_printf(self->out, "(%s$%u, %s$%u)", first, from, second, from + 1);
    } else {
        buf_printf(self->out, "%s$%u", first, from);
    }
}

// Which set of DISTINCT values aggregate [i] takes: those over the same columns share one. *first:
// it is the first of them.
static uint32_t distinct_number(const Plan *plan, uint32_t i, bool *first) {
    const PlanAgg *agg = &plan->agg[i];
    uint32_t number = 0;
    *first = false;
    for (uint32_t j = 0; j < i; j++) {
        const PlanAgg *other = &plan->agg[j];
        if (!other->call->distinct) continue;
        bool is_first;
        uint32_t its = distinct_number(plan, j, &is_first);
        if (other->call->argc == agg->call->argc &&
            !memcmp(other->arg, agg->arg, agg->call->argc * sizeof *agg->arg)) {
            return its;
        }
        number += is_first;
    }
    *first = true;
    return number;
}

static void put_name(const Explain *self, const Plan *plan, uint32_t i) {
    const AggCall *call = plan->agg[i].call;
    bool first;
    buf_printf(self->out, "%s%s(", call->func->name, call->retract ? "_RETRACT" : "");
    if (call->distinct) buf_printf(self->out, "distinct$%u ", distinct_number(plan, i, &first));
}

static void put_sets(const Explain *self, const Plan *plan, const Str *in) {
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        const PlanAgg *agg = &plan->agg[i];
        bool first = false;
        uint32_t number = agg->call->distinct ? distinct_number(plan, i, &first) : 0;
        if (!first) continue;
        buf_puts(self->out, ", DISTINCT(");
        explain_columns(self, in, agg->arg, agg->call->argc);
        buf_printf(self->out, ") AS distinct$%u", number);
    }
}

void explain_local_select(const Explain *self, const Plan *plan, const Str *in) {
    uint32_t at = 0;
    bool counts = false, retracts = plan->changes & (CHANGE_UPDATE_BEFORE | CHANGE_DELETE);
    buf_puts(self->out, "select=[");
    explain_columns(self, in, plan->key, plan->key_count);
    const char *sep = plan->key_count ? ", " : "";
    for (uint32_t i = 0; i < plan->agg_count; i++, sep = ", ") {
        const PlanAgg *agg = &plan->agg[i];
        buf_puts(self->out, sep);
        put_name(self, plan, i);
        if (!agg->call->argc) buf_putc(self->out, '*');
        explain_columns(self, in, agg->arg, agg->call->argc);
        buf_putc(self->out, ')');
        if (agg->filter >= 0) buf_printf(self->out, " FILTER " STR_FMT, STR_ARG(in[agg->filter]));
        buf_puts(self->out, " AS ");
        put_accumulator(self, agg, &at);
        counts |= str_is(str_c(agg->call->func->name), "COUNT") && !agg->call->argc &&
                  agg->filter < 0;
    }
    // It is by the number of its rows that a group is known to be gone.
    if (retracts && !counts) buf_printf(self->out, "%sCOUNT_RETRACT(*) AS count1$%u", sep, at);
    put_sets(self, plan, in);
    buf_putc(self->out, ']');
}

void explain_global_select(const Explain *self, const Plan *plan, const Str *in, const Str *names) {
    uint32_t at = 0;
    buf_puts(self->out, "select=[");
    explain_columns(self, in, plan->key, plan->key_count);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        if (i || plan->key_count) buf_puts(self->out, ", ");
        put_name(self, plan, i);
        put_accumulator(self, &plan->agg[i], &at);
        buf_printf(self->out, ") AS " STR_FMT, STR_ARG(names[plan->key_count + i]));
    }
    buf_putc(self->out, ']');
}
