// Sub-plan reuse and stable ids. Both stand on the fingerprint: a text of all that a node is made
// of.
#include "base/hash.h"
#include "plan/match.h"
#include "plan/rule.h"

static void put_columns(const char *what, const uint32_t *column, uint32_t count, Buf *out) {
    buf_printf(out, " %s", what);
    for (uint32_t i = 0; i < count; i++) buf_printf(out, ",%u", column[i]);
}

static void put_expr(const Expr *expr, Buf *out) {
    buf_putc(out, ' ');
    if (expr) {
        expr_print(expr, NULL, out);
        buf_putc(out, ':');
        type_print(expr->type, out);
    }
}

static void put_filter(const TableFilter *filter, Buf *out) {
    buf_printf(out, " filter %d %u", (int)filter->op, filter->column);
    if (filter->value) {
        buf_putc(out, ' ');
        value_print(filter->value, 0, NULL, true, out);
    }
    for (uint32_t i = 0; i < 2 && filter->arg[i]; i++) put_filter(filter->arg[i], out);
}

static void put_scan(const Plan *plan, Buf *out) {
    object_name_print(plan->table->name, out);
    if (plan->scan) buf_printf(out, " limit %lld", (long long)plan->scan->limit);
    for (uint32_t i = 0; plan->scan && i < plan->scan->filter_count; i++) {
        put_filter(plan->scan->filter[i], out);
    }
    const Map *options = plan->desc->options.map;
    for (uint32_t i = 0; i < options->count; i++) {
        buf_printf(out, " " STR_FMT "=%s", STR_ARG(options->entry[i].key),
                   (const char *)options->entry[i].value);
    }
}

static void put_window(const WindowSpec *window, Buf *out) {
    buf_printf(out, " window %d %lld %lld %lld %u %d %d %u %u", (int)window->kind,
               (long long)window->size_ms, (long long)window->slide_ms,
               (long long)window->offset_ms, window->time_column, (int)window->proctime,
               (int)window->attached, window->start_column, window->end_column);
    put_columns("partition", window->partition, window->partition_count, out);
}

static void put_slots(const MatchSpec *spec, Buf *out) {
    for (uint32_t i = 0; i < spec->slot_count; i++) {
        const MatchSlot *slot = &spec->slot[i];
        buf_printf(out, " slot %d %d %d %d", (int)slot->kind, slot->var, slot->first, slot->offset);
        if (slot->kind != SLOT_AGG) continue;
        buf_printf(out, " %s", slot->call->func->name);
        for (uint32_t a = 0; a < slot->call->argc; a++) put_expr(slot->arg[a], out);
    }
}

static void put_match(const MatchSpec *spec, Buf *out) {
    for (uint32_t i = 0; i < spec->part_count; i++) {
        const MatchPart *part = &spec->part[i];
        buf_printf(out, " " STR_FMT "{%d,%d}%s as", STR_ARG(part->name), part->low, part->high,
                   part->greedy ? "" : "?");
        put_expr(spec->define[i].expr, out);
    }
    put_slots(spec, out);
    for (uint32_t i = 0; i < spec->measure_count; i++) put_expr(spec->measure[i], out);
    buf_printf(out, " skip %d %d within %lld", (int)spec->skip, spec->skip_var,
               (long long)spec->within_ms);
}

static void put_lookup(const LookupPlan *lookup, Buf *out) {
    const LookupHint *hint = &lookup->hint;
    buf_printf(out, " lookup %d %d %lld %lld %lld %lld", hint->async, hint->unordered,
               (long long)hint->capacity, (long long)hint->timeout_ms,
               (long long)hint->retry_attempts, (long long)hint->retry_delay_ms);
    if (!lookup->scan) return;
    type_print(lookup->scan->produced, out);
    for (uint32_t i = 0; i < lookup->scan->filter_count; i++) {
        put_filter(lookup->scan->filter[i], out);
    }
    put_expr(lookup->filter, out);
    for (uint32_t i = 0; i < lookup->right->child_count; i++) put_expr(lookup->project[i], out);
}

static void put_process(const Plan *plan, Buf *out) {
    const ProcessSpec *spec = plan->process;
    buf_printf(out, " uid " STR_FMT " timed %d", STR_ARG(spec->uid), spec->timed);
    for (uint32_t t = 0; t < spec->table_count; t++) {
        const ProcessTable *table = &spec->table[t];
        buf_printf(out, " table %u time %u", table->arg, table->time_column);
        put_columns("by", table->key, plan->key_count, out);
        for (uint32_t i = 0; i < table->order_count; i++) {
            buf_printf(out, " order %u %d %d", table->order[i].column, table->order[i].descending,
                       table->order[i].nulls_first);
        }
    }
    for (uint32_t i = 0; i < spec->udf->in_count; i++) put_expr(spec->arg[i], out);
}

void plan_fingerprint(const Plan *plan, Buf *out) {
    buf_printf(out, "%d ", (int)plan->kind);
    type_print(plan->type, out);
    bool names_table = plan->kind == PLAN_SCAN || plan->kind == PLAN_SINK;
    if (names_table || (plan->lookup && plan->desc)) put_scan(plan, out);
    for (uint32_t c = 0; plan->kind == PLAN_VALUES && c < plan->type->child_count; c++) {
        for (uint32_t r = 0; r < plan->row_count; r++) {
            buf_putc(out, ' ');
            value_print(plan->values[c], r, NULL, true, out);
        }
    }
    if (plan->kind == PLAN_VALUES) buf_printf(out, " rows %u", plan->row_count);
    for (uint32_t i = 0; plan->kind == PLAN_PROJECT && i < plan->type->child_count; i++) {
        put_expr(plan->expr[i], out);
    }
    put_expr(plan->condition, out);
    put_expr(plan->watermark, out);
    put_expr(plan->collection, out);
    buf_printf(out, " time %u idle %lld", plan->time_column, (long long)plan->idle_timeout_ms);
    put_columns("key", plan->key, plan->key_count, out);
    if (plan->right_key) put_columns("right", plan->right_key, plan->key_count, out);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        const PlanAgg *agg = &plan->agg[i];
        buf_printf(out, " %s%s filter %d", agg->call->func->name,
                   agg->call->distinct ? " distinct" : "", agg->filter);
        put_columns("of", agg->arg, agg->call->argc, out);
        type_print(agg->call->result, out);
    }
    if (plan->window) put_window(plan->window, out);
    for (uint32_t s = 0; s < plan->set_count; s++) {
        buf_printf(out, " set %lld:", (long long)plan->expand_id[s]);
        for (uint32_t c = 0; c + 1 < plan->type->child_count; c++) {
            buf_putc(out, plan->keep[s][c] ? '1' : '0');
        }
    }
    buf_printf(out, " join %d %lld %lld %u", (int)plan->join, (long long)plan->lower_ms,
               (long long)plan->upper_ms, plan->right_time_column);
    for (uint32_t i = 0; i < plan->order_count; i++) {
        buf_printf(out, " order %u %d %d", plan->order[i].column, plan->order[i].descending,
                   plan->order[i].nulls_first);
    }
    buf_printf(out, " limit %lld %lld rank %d %lld %lld %d %d %d frame %d %lld flags %d %d %d",
               (long long)plan->offset, (long long)plan->fetch, plan->rank_kind,
               (long long)plan->rank_start, (long long)plan->rank_end, plan->rank_end_column,
               plan->rank_output, plan->keep_last, plan->frame.rows,
               (long long)plan->frame.preceding, plan->ordinality, plan->outer, plan->to_changelog);
    for (uint32_t i = 0; i < plan->op_count; i++) {
        buf_printf(out, " op " STR_FMT "=%u", STR_ARG(plan->op_code[i]), plan->op_kind[i]);
    }
    buf_printf(out, " op %u ", plan->op_column);
    if (plan->match) put_match(plan->match, out);
    if (plan->lookup) put_lookup(plan->lookup, out);
    if (plan->predict) {
        buf_printf(out, " model " STR_FMT "." STR_FMT " %d", STR_ARG(plan->predict->of),
                   STR_ARG(plan->predict->model->name), plan->predict->model->challenger);
    }
    if (plan->vector) {
        buf_printf(out, " vector %u %u %d", plan->vector->column, plan->vector->top_k,
                   plan->vector->metric);
    }
    if (plan->process) put_process(plan, out);
    buf_put_str(out, plan->function);
    for (uint32_t i = 0; i < plan->func_arg_count; i++) put_expr(plan->func_arg[i], out);
}

static bool match_is_random(const MatchSpec *spec) {
    for (uint32_t i = 0; i < spec->part_count; i++) {
        const Expr *condition = spec->define[i].expr;
        if (condition && !expr_is_deterministic(condition)) return true;
    }
    for (uint32_t i = 0; i < spec->measure_count; i++) {
        if (!expr_is_deterministic(spec->measure[i])) return true;
    }
    return false;
}

// The moment at which a row is seen: two that are asked for it may differ by a little, one that
// serves for both may not. As in Flink such sub-plans stay apart, unless the setting says
// otherwise.
static bool is_now(const Expr *expr) {
    return expr->kind == EXPR_CALL && strcmp(expr->call->func->name, "PROCTIME") == 0;
}

static bool is_random(const PlanContext *context, const Plan *plan) {
    bool share_now = config_bool(context->config, "weir.reuse-processing-time", false);
    if (plan->kind == PLAN_TABLE_FUNC) return true;  // not described in full
    if (plan->match && match_is_random(plan->match)) return true;
    if (plan->udf && plan->udf->def->flags & WEIR_NONDETERMINISTIC) return true;
    for (uint32_t i = 0; plan->kind == PLAN_PROJECT && i < plan->type->child_count; i++) {
        if (share_now && is_now(plan->expr[i])) continue;
        if (!expr_is_deterministic(plan->expr[i])) return true;
    }
    return plan->condition && !expr_is_deterministic(plan->condition);
}

static Plan *reuse(PlanContext *context, PlanMemo *memo, Map *seen, Plan *plan) {
    if (memo->to[plan->id]) return memo->to[plan->id];
    for (uint32_t i = 0; i < plan->input_count; i++) {
        plan->input[i] = reuse(context, memo, seen, plan->input[i]);
    }
    Plan *kept = plan;
    bool apart = plan->kind == PLAN_SINK || plan->kind == PLAN_COLLECT ||
                 (plan->kind == PLAN_SCAN &&
                  !config_bool(context->config, "table.optimizer.reuse-source-enabled", true));
    if (!apart && !is_random(context, plan)) {
        Buf text = {0};
        plan_fingerprint(plan, &text);
        for (uint32_t i = 0; i < plan->input_count; i++) {
            buf_printf(&text, " <%u>", plan->input[i]->id);
        }
        kept = map_get(seen, buf_str(&text));
        if (!kept) {
            kept = plan;
            (void)map_put(seen, buf_str(&text), plan);
        }
        buf_free(&text);
    }
    memo->to[plan->id] = kept;
    return kept;
}

Status rule_reuse(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    (void)err;
    if (!config_bool(context->config, "table.optimizer.reuse-sub-plan-enabled", true)) return ST_OK;
    PlanMemo memo = plan_memo(context);
    Map seen = {0};
    for (uint32_t i = 0; i < count; i++) roots[i] = reuse(context, &memo, &seen, roots[i]);
    map_clear(&seen);
    return ST_OK;
}

// Nodes that are equal and yet not one (PROCTIME() keeps them apart) have each a state of its own:
// the second one's id says that it is the second.
static uint64_t number_equals(Map *taken, const Plan *plan, uint64_t id) {
    if (plan->kind == PLAN_SCAN || plan->kind == PLAN_SINK || plan->kind == PLAN_COLLECT) return id;
    while (map_put(taken, str_make((const char *)&id, sizeof id), taken)) id = hash_mix(id, 1);
    return id;
}

static uint64_t identify(Map *taken, Plan *plan) {
    if (plan->stable_id) return plan->stable_id;
    Buf text = {0};
    plan_fingerprint(plan, &text);
    uint64_t id = hash_bytes(text.ptr, text.len, 0);
    buf_free(&text);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        id = hash_mix(id, identify(taken, plan->input[i]));
    }
    // The state of a process table function outlives changes of the query around it: so says uid.
    if (plan->process) id = hash_bytes(plan->process->uid.ptr, plan->process->uid.len, plan->kind);
    else id = number_equals(taken, plan, id);
    plan->stable_id = id ? id : 1;
    return plan->stable_id;
}

void plan_identify(Plan **roots, uint32_t count) {
    Map taken = {0};
    for (uint32_t i = 0; i < count; i++) (void)identify(&taken, roots[i]);
    map_clear(&taken);
}

void plan_identify_materializers(Plan **roots, uint32_t count) {
    Map taken = {0};
    for (uint32_t i = 0; i < count; i++) {
        Plan *plan = roots[i]->kind == PLAN_SINK ? roots[i]->input[0] : roots[i];
        if (plan->kind != PLAN_MATERIALIZE) continue;
        uint64_t id = number_equals(&taken, plan, hash_mix(roots[i]->stable_id, PLAN_MATERIALIZE));
        plan->stable_id = id ? id : 1;
    }
    map_clear(&taken);
}
