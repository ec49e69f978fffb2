// EXPLAIN PLAN_ADVICE. The first two kinds of advice are Flink's own, in its words: aggregations
// that mini-batch would speed up (its GroupAggregateAnalyzer), and updates that could miss their
// row (NonDeterministicUpdateAnalyzer; ndu.c). The third is weir's: state that only grows, in jobs
// that do not end.
#include "plan/advice.h"

#include "plan/bind.h"
#include "plan/match.h"

typedef struct Walk {
    PlanContext *context;
    Advice *advice;
    bool *seen;          // by Plan.id
    int8_t *endless;     // by Plan.id: 0 unknown, 1 no, 2 yes
    Buf *text;           // scratch
    uint32_t phase;      // the number of the advice on two phases; 0: not given yet
} Walk;

static uint32_t advice_add(Walk *self, Str text) {
    Advice *advice = self->advice;
    ARENA_PUSH(self->context->arena, advice->text, advice->count, advice->cap,
               str_dup(self->context->arena, text));
    return advice->count;
}

static void advice_label(Walk *self, const Plan *plan, uint32_t number) {
    Str *label = &self->advice->label[plan->id];
    *label = label->ptr ? str_printf(self->context->arena, STR_FMT ", %u", STR_ARG(*label), number)
                        : str_printf(self->context->arena, "%u", number);
}

// ---- two phases --------------------------------------------------------------------------------

static bool can_merge(const Plan *plan) {
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        const AggFunc *func = plan->agg[i].call->func;
        if (func && func->flags & AGG_NO_MERGE) return false;
    }
    return true;
}

static void advise_phases(Walk *self, const Plan *plan) {
    const Map *config = self->context->config;
    bool one = str_eq_nocase(str_c(config_get(config, "table.optimizer.agg-phase-strategy")),
                             STR("ONE_PHASE"));
    bool batches = config_bool(config, "table.exec.mini-batch.enabled", false);
    if (plan->kind != PLAN_AGG || (!one && batches) || !can_merge(plan)) return;
    if (!self->phase) {
        self->text->len = 0;
        buf_puts(self->text, "[ADVICE] You might want to enable local-global two-phase "
                             "optimization by configuring (");
        if (one) buf_puts(self->text, "'table.optimizer.agg-phase-strategy' to 'AUTO'");
        if (one && !batches) buf_puts(self->text, ", ");
        if (!batches) {
            buf_puts(self->text,
                     "'table.exec.mini-batch.enabled' to 'true', "
                     "'table.exec.mini-batch.allow-latency' to a positive long value, "
                     "'table.exec.mini-batch.size' to a positive long value");
        }
        buf_puts(self->text, ").");
        self->phase = advice_add(self, buf_str(self->text));
    }
    advice_label(self, plan, self->phase);
}

// ---- state that grows --------------------------------------------------------------------------

static bool is_endless(Walk *self, const Plan *plan) {
    int8_t *known = &self->endless[plan->id];
    if (*known) return *known == 2;
    bool endless =
        plan->kind == PLAN_SCAN && plan->connector &&
        !(plan->connector->source_bounded && plan->connector->source_bounded(plan->desc));
    for (uint32_t i = 0; i < plan->input_count && !endless; i++) {
        endless = is_endless(self, plan->input[i]);
    }
    *known = endless ? 2 : 1;
    return endless;
}

static void put_key(Walk *self, const Plan *input, const uint32_t *key, uint32_t count) {
    buf_putc(self->text, '[');
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(self->text, "%s" STR_FMT, i ? ", " : "", STR_ARG(input->type->field[key[i]]));
    }
    buf_putc(self->text, ']');
}

static bool keeps_values(const Plan *plan) {
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        if (plan->agg[i].call->distinct) return true;
    }
    return false;
}

// What a node keeps for ever, and the ways out; NULL: nothing.
static const char *what_grows(const Plan *plan, const char **ways) {
    bool kept = plan->ttl_ms > 0;
    *ways = "'table.exec.state.ttl' or a STATE_TTL hint";
    switch (plan->kind) {
        case PLAN_AGG:
            if (kept || (!plan->key_count && !keeps_values(plan))) return NULL;
            *ways = "a window (TUMBLE, HOP, CUMULATE or SESSION) over a time attribute, "
                    "'table.exec.state.ttl', or a STATE_TTL hint";
            return plan->key_count ? "a group for every value" : "every distinct value";
        case PLAN_JOIN:
            if (kept && plan->ttl_right_ms) return NULL;
            *ways = "a bound on both sides' time attributes (an interval join), windows on both "
                    "sides (a window join), 'table.exec.state.ttl', or a STATE_TTL hint";
            return "every row of both sides";
        case PLAN_RANK:
            if (kept || !plan->key_count) return NULL;
            *ways = "a window Top-N (PARTITION BY window_start, window_end) or "
                    "'table.exec.state.ttl'";
            return "rows for every value";
        case PLAN_DEDUP:
            if (kept) return NULL;
            *ways = "deduplication within windows (PARTITION BY window_start, window_end) or "
                    "'table.exec.state.ttl'";
            return "a row for every value";
        case PLAN_OVER:
            if (kept || plan->frame.preceding >= 0 || !plan->key_count) return NULL;
            *ways = "a bounded frame, or 'table.exec.state.ttl'";
            return "a result for every value";
        case PLAN_NORMALIZE:
        case PLAN_MATERIALIZE:
            if (kept) return NULL;
            *ways = "'table.exec.state.ttl'";
            return "a row for every value";
        case PLAN_MATCH:
            if (plan->match->within_ms) return NULL;
            *ways = "WITHIN INTERVAL … behind the pattern";
            return "unfinished matches, for as long as they stay unfinished, for every value";
        default: return NULL;
    }
}

static void advise_growth(Walk *self, const Plan *plan) {
    const char *ways, *what = what_grows(plan, &ways);
    if (!what || !is_endless(self, plan)) return;
    self->text->len = 0;
    buf_printf(self->text, "[WARNING] The state of %s grows without bound: it keeps %s",
               plan_kind_name(plan->kind), what);
    if (plan->key_count) {
        buf_puts(self->text, " of ");
        put_key(self, plan->input[0], plan->key, plan->key_count);
    }
    buf_printf(self->text, ". Ways out: %s.", ways);
    advice_label(self, plan, advice_add(self, buf_str(self->text)));
}

// ---- the whole ---------------------------------------------------------------------------------

static void walk(Walk *self, const Plan *plan, void (*advise)(Walk *self, const Plan *plan)) {
    if (self->seen[plan->id]) return;
    self->seen[plan->id] = true;
    for (uint32_t i = 0; i < plan->input_count; i++) walk(self, plan->input[i], advise);
    advise(self, plan);
}

void plan_advise(PlanContext *context, Plan *const *roots, uint32_t count, Advice *out) {
    uint32_t ids = context->next_id + 1;
    Buf text = {0};
    *out = (Advice){.label = ARENA_ARRAY(context->arena, Str, ids), .ids = ids};
    if (context->batch) return;
    Walk self = {.context = context, .advice = out, .text = &text,
                 .endless = ARENA_ARRAY(context->arena, int8_t, ids),
                 .seen = ARENA_ARRAY(context->arena, bool, ids)};
    for (uint32_t i = 0; i < count; i++) walk(&self, roots[i], advise_phases);
    text.len = 0;
    buf_puts(&text, "[WARNING] ");
    if (plan_find_update_risk(context, roots, count, &text))
        (void)advice_add(&self, buf_str(&text));
    memset(self.seen, 0, ids);
    for (uint32_t i = 0; i < count; i++) walk(&self, roots[i], advise_growth);
    buf_free(&text);
}
