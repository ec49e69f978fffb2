// From a bound plan to one that runs: changelog inference and the checks that go with it.
//
// Two walks, as Flink's FlinkChangelogModeInferenceProgram: bottom-up, which kinds of change each
// node can emit; top-down, who needs the -U before each +U.
#include "plan/advice.h"
#include "plan/keys.h"
#include "plan/match.h"
#include "plan/monotonic.h"
#include "plan/rule.h"
#include "spi/lookup.h"

// How long the state of a silent key is kept: what a STATE_TTL hint says, or else the session.
static Status settle_ttl(const PlanContext *context, Plan *plan, Error *err) {
    TRY(setting_check(context->config, "table.exec.state.ttl", err));
    int64_t ttl = config_ms(context->config, "table.exec.state.ttl", 0);
    plan->ttl_ms = plan->ttl_hint_ms[0] >= 0 ? plan->ttl_hint_ms[0] : ttl;
    plan->ttl_right_ms = plan->ttl_hint_ms[1] >= 0 ? plan->ttl_hint_ms[1] : ttl;
    return ST_OK;
}

static uint32_t input_changes(const Plan *plan) {
    uint32_t changes = 0;
    for (uint32_t i = 0; i < plan->input_count; i++) changes |= plan->input[i]->changes;
    return changes;
}

static bool updates(uint32_t changes) {
    return changes & (CHANGE_UPDATE_AFTER | CHANGE_UPDATE_BEFORE | CHANGE_DELETE);
}

static Status input_append_only(const Plan *plan, uint32_t input, Error *err) {
    if (!updates(plan->input[input]->changes)) return ST_OK;
    return error_set(err, ST_VALIDATION,
                     "%s doesn't support consuming update and delete changes which is "
                     "produced by node %s",
                     plan_kind_name(plan->kind), plan_kind_name(plan->input[input]->kind));
}

static Status append_only(const Plan *plan, Error *err) {
    for (uint32_t i = 0; i < plan->input_count; i++) TRY(input_append_only(plan, i, err));
    return ST_OK;
}

// MAX of what only grows, MIN of what only falls: their retractions are followed by better values.
static bool only_improves(const PlanAgg *agg, const uint8_t *mono) {
    const char *name = agg->call->func->name;
    if (!mono || agg->call->argc != 1) return false;
    return (mono[agg->arg[0]] == MONO_INCREASING && strcmp(name, "MAX") == 0) ||
           (mono[agg->arg[0]] == MONO_DECREASING && strcmp(name, "MIN") == 0);
}

// Whether the groups of an aggregation stay what they are: only then is monotony made use of.
static bool keys_constant(const Plan *plan, const uint8_t *mono) {
    for (uint32_t i = 0; mono && i < plan->key_count; i++) {
        if (mono[plan->key[i]] != MONO_CONSTANT) return false;
    }
    return mono != NULL;
}

// Aggregates were bound before it was known whether the input retracts: bind them again.
static Status rebind_aggs(PlanContext *context, Plan *plan, bool retract, bool merge, Error *err) {
    const uint8_t *mono = NULL;
    if (retract && plan->kind == PLAN_AGG) mono = plan_monotony(context->arena, plan->input[0]);
    bool stable = keys_constant(plan, mono);
    for (uint32_t i = 0; i < plan->agg_count; i++) {
        AggCall *old = plan->agg[i].call, *call = arena_dup(context->arena, old, sizeof *old);
        if (old->refused) return error_set(err, ST_VALIDATION, "%s", old->refused);
        call->retract = retract && !(stable && only_improves(&plan->agg[i], mono));
        call->merge = merge;
        call->arg = arena_dup(context->arena, old->arg, (old->argc + 1) * sizeof *old->arg);
        TRY(agg_bind(call, old->func, err));
        plan->agg[i].call = call;
    }
    return ST_OK;
}

// Slices and sessions are merged, whole windows are not.
static bool merges_windows(const WindowSpec *window) {
    return !window->attached && window->kind != WINDOW_TUMBLE;
}

// Old group windows may fire before their time and be corrected; nothing else may, and in a batch
// nothing fires before its end.
static Status infer_emit(PlanContext *context, Plan *plan, Error *err) {
    const WindowSpec *window = plan->window;
    bool early = config_bool(context->config, "table.exec.emit.early-fire.enabled", false);
    bool late = config_bool(context->config, "table.exec.emit.late-fire.enabled", false);
    plan->changes = CHANGES_APPEND;
    if (context->batch || (!early && !late)) return ST_OK;
    if (!window->legacy) {
        return error_set(
            err, ST_VALIDATION,
            "Currently, window table function based aggregate doesn't support "
            "early-fire and late-fire configuration 'table.exec.emit.early-fire.enabled' and "
            "'table.exec.emit.late-fire.enabled'.");
    }
    if (window->kind == WINDOW_SESSION) {
        return error_set(err, ST_VALIDATION,
                         "Session window doesn't support EMIT strategy currently.");
    }
    int64_t ttl = config_ms(context->config, "table.exec.state.ttl", 0);
    if (late && config_ms(context->config, "table.exec.emit.allow-lateness", ttl) <= 0) {
        return error_set(err, ST_VALIDATION,
                         "The 'AFTER WATERMARK' emit strategy requires set 'allow-lateness' or "
                         "'minIdleStateRetentionTime' in table config.");
    }
    plan->changes |= CHANGE_UPDATE_BEFORE | CHANGE_UPDATE_AFTER;
    if (updates(input_changes(plan))) plan->changes |= CHANGE_DELETE;
    return ST_OK;
}

static Status check_window_agg(const Plan *plan, Error *err) {
    const WindowSpec *window = plan->window;
    if (window->legacy || window->kind != WINDOW_HOP || window->size_ms % window->slide_ms == 0) {
        return ST_OK;
    }
    return error_set(
        err, ST_VALIDATION,
        "HOP table function based aggregate requires size must be an integral multiple of slide, "
        "but got size %lld ms and slide %lld ms",
        (long long)window->size_ms, (long long)window->slide_ms);
}

// In a batch any frame will do. Where rows leave it again the aggregates take them back, if they
// can and the result is the same then: sums of floating point numbers are made anew for each row.
static Status infer_batch_over(PlanContext *context, Plan *plan) {
    plan->changes = CHANGES_APPEND;
    bool slides = !plan->frame.low.unbounded;
    for (uint32_t i = 0; i < plan->agg_count && slides; i++) {
        AggCall *call = plan->agg[i].call;
        if (!call->func || (call->func->flags & (AGG_NO_RETRACT | AGG_OVER_ONLY))) continue;
        if (call->argc && type_is_approx(call->arg[0])) continue;
        AggCall *made = arena_dup(context->arena, call, sizeof *call);
        const Type *result = call->result;
        made->retract = true;
        made->arg = arena_dup(context->arena, call->arg, (call->argc + 1) * sizeof *call->arg);
        if (agg_bind(made, call->func, NULL)) continue;
        if (type_equal(made->result, result)) plan->agg[i].call = made;
    }
    return ST_OK;
}

// Columns that are the same for all rows do not order them, nor do those that come again.
static void drop_constant_order(PlanContext *context, Plan *over) {
    OrderKey *order = ARENA_ARRAY(context->arena, OrderKey, over->order_count + 1);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < over->order_count; i++) {
        if (plan_column_constant(over->input[0], over->order[i].column)) continue;
        uint32_t k = 0;
        while (k < kept && order[k].column != over->order[i].column) k++;
        if (k < kept) continue;
        order[kept++] = over->order[i];
    }
    over->order = order;
    over->order_count = kept;
}

// What a stream can run of OVER, and what comes out of it. Over a time attribute only inserts come
// in and go out; any other order takes changes and corrects the rows behind.
static Status infer_over(PlanContext *context, Plan *plan, Error *err) {
    if (context->batch) return infer_batch_over(context, plan);
    const Type *row = plan->input[0]->type;
    uint32_t in = input_changes(plan);
    if (plan->frame.general) {
        return error_set(err, ST_VALIDATION, "OVER RANGE FOLLOWING windows are not supported yet.");
    }
    drop_constant_order(context, plan);
    if (plan->order_count != 1) {
        return error_set(err, ST_VALIDATION,
                         "The window can only be ordered by a single time column.");
    }
    if (plan->order[0].descending) {
        return error_set(err, ST_VALIDATION, "The window can only be ordered in ASCENDING mode.");
    }
    if (plan->over_chained && plan->input[0]->kind == PLAN_OVER && plan->input[0]->over_chained) {
        return error_set(err, ST_VALIDATION,
                         "Over Agg: Unsupported use of OVER windows. All aggregates must be "
                         "computed on the same window. please re-check the over window statement.");
    }
    bool timed = row->child[plan->order[0].column]->attribute != TIME_NONE;
    bool bounded = plan->frame.preceding >= 0;
    if (!timed && bounded) {
        return error_set(err, ST_VALIDATION,
                         "Non-time attribute sort is not supported for bounded OVER window.");
    }
    if (timed) TRY(append_only(plan, err));
    plan->proctime_order = row->child[plan->order[0].column]->attribute == TIME_PROCTIME;
    TRY(settle_ttl(context, plan, err));
    plan->changes =
        timed ? CHANGE_INSERT : CHANGE_INSERT | CHANGE_UPDATE_BEFORE | CHANGE_UPDATE_AFTER;
    if (!timed) plan->changes |= in & CHANGE_DELETE;
    return rebind_aggs(context, plan, bounded || updates(in), false, err);
}

// The right side of a temporal join is versioned by a key, and joined on it.
static Status check_versions(PlanContext *context, const Plan *join, Error *err) {
    const Plan *right = join->input[1];
    uint64_t *on = ARENA_ARRAY(context->arena, uint64_t, BITS_WORDS(right->type->child_count + 1));
    for (uint32_t i = 0; i < join->key_count; i++) {
        // A key that had to be computed, be it a cast, is the primary key no more.
        if (str_is(right->type->field[join->right_key[i]], "$key")) continue;
        bits_set(on, join->right_key[i]);
    }
    const PlanKeys *keys = plan_keys(context->arena, right);
    for (uint32_t i = 0; i < keys->count; i++) {
        bool inside = true;
        for (size_t w = 0; w < BITS_WORDS(right->type->child_count); w++)
            inside &= !(keys->set[i][w] & ~on[w]);
        if (inside) return ST_OK;
    }
    return error_set(
        err, ST_VALIDATION, "temporal table join requires primary key in versioned table, but %s",
        keys->count ? "it is not joined on the primary key" : "no primary key can be found");
}

static uint32_t bits_total(const uint64_t *set, uint32_t columns) {
    uint32_t total = 0;
    for (uint32_t c = 0; c < columns; c++) total += bits_get(set, c);
    return total;
}

// The unique key that a join keeps the rows of an input by: a new row replaces the one with its
// key. One that the join's own key contains comes first, then the one of the fewest columns.
static void join_unique(PlanContext *context, Plan *join, uint32_t s) {
    const Plan *input = join->input[s];
    uint32_t columns = input->type->child_count, best_total = UINT32_MAX;
    const uint64_t *best = NULL;
    const PlanKeys *keys = plan_upsert_keys(context->arena, input);
    for (uint32_t k = 0; k < keys->count; k++) {
        uint32_t total = bits_total(keys->set[k], columns), inside = 0;
        for (uint32_t i = 0; i < join->key_count; i++) {
            inside += bits_get(keys->set[k], s ? join->right_key[i] : join->key[i]);
        }
        if (inside < total) total += columns;
        if (total >= best_total) continue;
        best_total = total;
        best = keys->set[k];
    }
    if (!best) return;
    join->unique[s] = ARENA_ARRAY(context->arena, uint32_t, columns + 1);
    for (uint32_t c = 0; c < columns; c++) {
        if (bits_get(best, c)) join->unique[s][join->unique_count[s]++] = c;
    }
}

// Whether a table is partitioned by just the columns of an upsert key of its.
static bool partitioned_by_upsert_key(Arena *arena, const Plan *plan, uint32_t input) {
    const Plan *in = plan->input[input];
    uint64_t *key = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(in->type->child_count + 1));
    const PlanKeys *keys = plan_upsert_keys(arena, in);
    for (uint32_t i = 0; i < plan->key_count; i++)
        bits_set(key, plan->process->table[input].key[i]);
    for (uint32_t k = 0; plan->key_count && k < keys->count; k++) {
        if (!memcmp(keys->set[k], key, BITS_WORDS(in->type->child_count) * sizeof *key))
            return true;
    }
    return false;
}

// Process table functions take and give inserts, unless they declare more.
static Status infer_process(PlanContext *context, Plan *plan, Error *err) {
    uint32_t flags = plan->process->udf->def->flags;
    for (uint32_t i = 0; i < plan->process->table_count; i++) {
        ProcessTable *table = &plan->process->table[i];
        if (!(table->traits & WEIR_TAKES_UPDATES) || table->order_count) {
            TRY(input_append_only(plan, i, err));
        }
        table->before = !(table->traits & WEIR_SET_SEMANTICS) ||
                        table->traits & WEIR_REQUIRE_UPDATE_BEFORE ||
                        !partitioned_by_upsert_key(context->arena, plan, i);
    }
    plan->changes = flags & WEIR_GIVES_UPDATES ? CHANGES_ALL : CHANGES_APPEND;
    TRY(settle_ttl(context, plan, err));
    return ST_OK;
}

// Whether the table can be kept in memory, to be searched there.
static Status check_searched(const Plan *plan, Error *err) {
    const VectorSpec *spec = plan->vector;
    LookupOptions options = {.cache = LOOKUP_CACHE_NONE};
    if (spec->unfit) return error_at(err, ST_VALIDATION, spec->place, "%s", spec->unfit);
    const Connector *connector = plan->connector;
    bool asked = map_has(plan->desc->options.map, STR("lookup.cache"));
    if (asked) TRY(lookup_options(plan->desc, &options, err));
    if (options.cache != LOOKUP_CACHE_FULL || !connector->source_open) {
        (void)error_at(err, ST_VALIDATION, spec->place,
                       "table '" STR_FMT "' of connector '%s' cannot be searched for vectors",
                       STR_ARG(plan->desc->name), connector->name);
        error_hint(err,
                   "'lookup.cache' = 'FULL' in the options of a table of 'filesystem' or "
                   "'jdbc' keeps it in memory, where it can");
        return ST_VALIDATION;
    }
    if (!connector->source_bounded || connector->source_bounded(plan->desc)) return ST_OK;
    return error_at(err, ST_VALIDATION, spec->place,
                    "table '" STR_FMT "' has no end: a FULL cache could never be complete",
                    STR_ARG(plan->desc->name));
}

static Status infer_kinds(PlanContext *context, Plan *plan, Error *err) {
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (!plan->input[i]->changes) TRY(infer_kinds(context, plan->input[i], err));
    }
    uint32_t in = input_changes(plan);
    plan->changes = in;
    switch (plan->kind) {
        case PLAN_SCAN:
            if (!plan->changes) plan->changes = plan->desc ? CHANGES_APPEND : CHANGE_INSERT;
            break;
        case PLAN_VALUES: plan->changes = CHANGES_APPEND; break;
        case PLAN_AGG:
            TRY(setting_check(context->config, "table.exec.mini-batch.size", err));
            TRY(rebind_aggs(context, plan, updates(in), false, err));
            // DISTINCT, too: with a TTL it does send its rows again, which start it anew
            // downstream; without one Flink plans, and refuses, as if it did.
            plan->changes = CHANGE_INSERT | CHANGE_UPDATE_BEFORE | CHANGE_UPDATE_AFTER;
            TRY(settle_ttl(context, plan, err));
            if (updates(in)) plan->changes |= CHANGE_DELETE;
            if (context->batch) plan->changes = CHANGES_APPEND;
            break;
        case PLAN_WINDOW_AGG:
            TRY(rebind_aggs(context, plan, updates(in), merges_windows(plan->window), err));
            TRY(check_window_agg(plan, err));
            TRY(infer_emit(context, plan, err));
            break;
        case PLAN_JOIN:
            for (uint32_t s = 0; s < 2; s++) join_unique(context, plan, s);
            if (!context->batch && plan->join != JOIN_TYPE_INNER && plan->join != JOIN_TYPE_SEMI) {
                plan->changes |= CHANGE_INSERT | CHANGE_DELETE;
            }
            TRY(settle_ttl(context, plan, err));
            break;
        case PLAN_TEMPORAL_JOIN:
            TRY(check_versions(context, plan, err));
            plan->changes = plan->input[0]->changes;  // a new version changes no row that is out
            break;
        case PLAN_INTERVAL_JOIN:
        case PLAN_WINDOW_JOIN:
            TRY(append_only(plan, err));
            plan->changes = CHANGES_APPEND;
            break;
        case PLAN_NORMALIZE:
            plan->changes = CHANGES_ALL;
            TRY(settle_ttl(context, plan, err));
            break;
        case PLAN_CHANGELOG:
            plan->changes = plan->to_changelog ? CHANGES_APPEND : 0;
            for (uint32_t i = 0; i < plan->op_count && !plan->to_changelog; i++) {
                plan->changes |= 1u << plan->op_kind[i];
            }
            break;
        case PLAN_PROCESS: TRY(infer_process(context, plan, err)); break;
        case PLAN_EVALUATE:
            TRY(append_only(plan, err));
            plan->changes = context->batch
                                ? CHANGES_APPEND
                                : CHANGE_INSERT | CHANGE_UPDATE_BEFORE | CHANGE_UPDATE_AFTER;
            break;
        case PLAN_VECTOR_SEARCH:
            TRY(check_searched(plan, err));
            TRY(append_only(plan, err));
            break;
        case PLAN_PREDICT:
        case PLAN_SORT:
        case PLAN_WINDOW_RANK: TRY(append_only(plan, err)); break;
        case PLAN_MATCH:
            if (plan->match->refused) {
                return error_at(err, ST_VALIDATION, plan->match->refused_at, "%s",
                                plan->match->refused);
            }
            TRY(append_only(plan, err));
            break;
        case PLAN_LIMIT:
            if (!updates(in)) break;
            plan->kind = PLAN_RANK;
            plan->rank_start = plan->offset + 1;
            plan->rank_end = plan->offset + plan->fetch;
            rank_settle(context, plan, true);
            break;
        case PLAN_RANK:
            TRY(setting_check(context->config, "table.exec.state.ttl", err));
            rank_settle(context, plan, updates(in));
            break;
        case PLAN_OVER: TRY(infer_over(context, plan, err)); break;
        default: break;
    }
    return ST_OK;
}

// [asked]: per plan, 1 when it was asked without need, 2 with: a plan that many share is not asked
// once for each way that leads to it, of which there may be any number.
static void infer_before(Plan *plan, bool needed, uint8_t *asked) {
    if (asked[plan->id] > needed) return;
    asked[plan->id] = needed ? 2 : 1;
    bool before = plan->changes & CHANGE_UPDATE_BEFORE;
    plan->emit_before |= needed && before;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        bool wants = needed;
        switch (plan->kind) {
            case PLAN_AGG:
            case PLAN_WINDOW_AGG:
            case PLAN_JOIN:
            case PLAN_SORT:
            case PLAN_LIMIT:
            case PLAN_OVER: wants = true; break;
            case PLAN_PROCESS: wants = plan->process->table[i].before; break;
            case PLAN_MATERIALIZE: wants = true; break;
            case PLAN_EVALUATE:
            case PLAN_NORMALIZE: wants = false; break;
            case PLAN_CHANGELOG:
                wants = false;
                for (uint32_t k = 0; k < plan->op_count; k++) {
                    wants |= plan->op_kind[k] == ROW_UPDATE_BEFORE;
                }
                break;
            case PLAN_RANK: wants = plan->rank_way == RANK_RETRACT; break;
            case PLAN_SINK:
                wants = plan->sink->leaves || plan->sink->changes & CHANGE_UPDATE_BEFORE;
                break;
            default: break;
        }
        infer_before(plan->input[i], wants, asked);
    }
}

// A table without watermark below [plan], or NULL.
static const Plan *scan_without_watermark(const Plan *plan) {
    if (plan->kind == PLAN_SCAN) return plan->table->watermark_expr.ptr ? NULL : plan;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const Plan *found = scan_without_watermark(plan->input[i]);
        if (found) return found;
    }
    return NULL;
}

// How the primary key of a sink stands to what tells its rows apart: at least as many columns, just
// those, or others.
typedef enum KeyFit { KEY_OTHER, KEY_WIDER, KEY_SAME } KeyFit;

static KeyFit sink_key_fit(PlanContext *context, const Plan *sink) {
    const Plan *input = sink->input[0];
    uint64_t *key = ARENA_ARRAY(context->arena, uint64_t, BITS_WORDS(input->type->child_count + 1));
    size_t words = BITS_WORDS(input->type->child_count);
    for (uint32_t i = 0; i < sink->desc->primary_key_count; i++)
        bits_set(key, sink->desc->primary_key[i]);
    const PlanKeys *keys = plan_upsert_keys(context->arena, input);
    KeyFit fit = KEY_OTHER;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->set[i], key, words * sizeof *key) == 0) return KEY_SAME;
        size_t w = 0;
        while (w < words && !(keys->set[i][w] & ~key[w])) w++;
        if (w == words) fit = KEY_WIDER;
    }
    return fit;
}

// Whether a sink wants the -U of each update: it tells rows apart without any key. One that merely
// takes whatever comes does not.
static Status takes_before(const Plan *sink, bool *out, Error *err) {
    uint32_t taken = CHANGE_INSERT, asked = CHANGE_INSERT | CHANGE_UPDATE_AFTER;
    asked |= sink->input[0]->changes & CHANGE_DELETE;  // which a sink may refuse
    if (sink->connector->sink_changes) {
        TRY(sink->connector->sink_changes(sink->desc, asked, &taken, err));
    }
    *out = taken & CHANGE_UPDATE_BEFORE;
    return ST_OK;
}

// Two rows of the input with one key of the sink would overwrite each other: Flink wants to be told
// what is meant.
static Status check_conflict(PlanContext *context, const Plan *sink, KeyFit fit, Error *err) {
    bool keyed = sink->desc->primary_key_count > 0;
    if (!keyed && sink->conflict != CONFLICT_UNSAID) {
        return error_set(err, ST_VALIDATION,
                         "ON CONFLICT goes with sinks that have a PRIMARY KEY, '" STR_FMT
                         "' has none",
                         STR_ARG(sink->desc->name));
    }
    if (!keyed || context->batch) return ST_OK;
    if (!updates(sink->input[0]->changes)) {
        // What the sink makes of inserts: an upsert sink takes them as upserts.
        uint32_t taken = CHANGE_INSERT;
        if (sink->conflict != CONFLICT_UNSAID && sink->connector->sink_changes) {
            TRY(sink->connector->sink_changes(sink->desc, CHANGE_INSERT, &taken, err));
        }
        if (sink->conflict == CONFLICT_UNSAID || taken != CHANGE_INSERT) return ST_OK;
        return error_set(err, ST_VALIDATION,
                         "ON CONFLICT goes with upserts: sink '" STR_FMT "' is given inserts alone",
                         STR_ARG(sink->desc->name));
    }
    // Both order rows by their watermark, whether or not there is a conflict.
    bool ordered = sink->conflict == CONFLICT_ERROR || sink->conflict == CONFLICT_NOTHING;
    const Plan *scan = ordered ? scan_without_watermark(sink) : NULL;
    if (scan) {
        return error_set(err, ST_VALIDATION,
                         "ON CONFLICT DO ERROR and DO NOTHING require all source tables to define "
                         "watermarks, but '" STR_FMT "' does not",
                         STR_ARG(scan->desc->name));
    }
    Str mode = str_c(config_get(context->config, "table.exec.sink.upsert-materialize"));
    if (fit != KEY_OTHER || str_eq_nocase(mode, STR("NONE"))) return ST_OK;
    if (sink->conflict == CONFLICT_UNSAID &&
        config_bool(context->config, "table.exec.sink.require-on-conflict", true)) {
        (void)error_set(err, ST_VALIDATION,
                        "the query's upsert key differs from the primary key of sink '" STR_FMT "'",
                        STR_ARG(sink->desc->name));
        error_hint(err, "say what shall happen: ON CONFLICT DO DEDUPLICATE, NOTHING or ERROR");
        return ST_VALIDATION;
    }
    return ST_OK;
}

// Puts the materialiser before a sink whose key the query's rows do not have.
static Status materialize(PlanContext *context, Plan *sink, KeyFit fit, Error *err) {
    Str mode = str_c(config_get(context->config, "table.exec.sink.upsert-materialize"));
    bool keyed =
        sink->desc->primary_key_count > 0 && !context->batch && updates(sink->input[0]->changes);
    bool force = str_eq_nocase(mode, STR("FORCE"));
    if (!keyed || str_eq_nocase(mode, STR("NONE")) || (!force && fit != KEY_OTHER)) {
        return ST_OK;
    }
    Plan *plan = plan_new(context, PLAN_MATERIALIZE, sink->input[0]->type, 1);
    plan->input[0] = sink->input[0];
    plan->key = arena_dup(context->arena, sink->desc->primary_key,
                          sink->desc->primary_key_count * sizeof *plan->key);
    plan->key_count = sink->desc->primary_key_count;
    plan->changes = CHANGE_INSERT | CHANGE_UPDATE_AFTER | CHANGE_DELETE;
    TRY(settle_ttl(context, plan, err));
    sink->input[0] = plan;
    return ST_OK;
}

// Whether all rows come from one place, through projections and filters.
static bool is_single(const Plan *plan) {
    const uint32_t *key;
    uint32_t count;
    while (plan->kind == PLAN_PROJECT || plan->kind == PLAN_FILTER) plan = plan->input[0];
    return plan->input_count == 1 && plan_distribution(plan, 0, &key, &count) && !count;
}

// Writers that are not one for each of those before them take the changes of a key from one hand
// only if they know the key. Flink asks for it whatever the number is, and so does weir.
static Status check_writers(const Plan *sink, uint32_t changes, Error *err) {
    uint32_t writers = sink->parallelism;
    if (!writers || !updates(changes) || sink->desc->primary_key_count) return ST_OK;
    if (writers == 1 && is_single(sink->input[0])) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "the sink for table '" STR_FMT
                    "' has a configured parallelism of %u and takes "
                    "updates or deletions: a primary key is required",
                    STR_ARG(sink->desc->name), writers);
    error_hint(err, "without 'sink.parallelism' each worker writes what it has");
    return ST_VALIDATION;
}

static Status infer_sink(PlanContext *context, Plan *sink, Error *err) {
    bool before = false, keyed = sink->desc->primary_key_count > 0 && !context->batch;
    if (keyed) TRY(takes_before(sink, &before, err));  // who has no key may refuse updates
    if (before && keyed && sink->conflict != CONFLICT_UNSAID) {
        return error_set(err, ST_VALIDATION,
                         "ON CONFLICT goes with upserts: sink '" STR_FMT
                         "' wants the rows before updates, too",
                         STR_ARG(sink->desc->name));
    }
    KeyFit fit = !keyed || (before && updates(sink->input[0]->changes))
                     ? KEY_SAME
                     : sink_key_fit(context, sink);
    TRY(check_conflict(context, sink, fit, err));
    TRY(materialize(context, sink, fit, err));
    uint32_t requested = sink->input[0]->changes, taken = requested & CHANGES_APPEND;
    if (sink->connector->sink_changes) {
        TRY(sink->connector->sink_changes(sink->desc, requested, &taken, err));
    }
    uint32_t refused = requested & ~taken & ~(uint32_t)CHANGE_UPDATE_BEFORE;
    if (refused) {
        return error_set(err, ST_VALIDATION,
                         "table sink '" STR_FMT
                         "' doesn't support consuming %s changes which is produced by "
                         "node %s",
                         STR_ARG(sink->desc->name),
                         refused & CHANGE_UPDATE_AFTER ? "update" : "delete",
                         plan_kind_name(sink->input[0]->kind));
    }
    TRY(check_writers(sink, requested, err));
    sink->sink->changes = taken;
    sink->changes = taken;
    // A row that takes up another place leaves the one it had.
    sink->sink->leaves = fit == KEY_WIDER && requested & ~taken & CHANGE_UPDATE_BEFORE;
    return ST_OK;
}

// Settings that planning depends on, checked when a plan needs them.
static Status check_config(const PlanContext *context, Error *err) {
    TRY(settings_check(context->config, err));
    if (context->batch || !config_bool(context->config, "table.exec.mini-batch.enabled", false))
        return ST_OK;
    if (config_ms(context->config, "table.exec.mini-batch.allow-latency", 0) <= 0) {
        return error_set(err, ST_VALIDATION,
                         "mini-batch needs 'table.exec.mini-batch.allow-latency' above 0 ms");
    }
    if (config_int(context->config, "table.exec.mini-batch.size", -1) <= 0) {
        return error_set(err, ST_VALIDATION,
                         "mini-batch needs 'table.exec.mini-batch.size' above 0");
    }
    return ST_OK;
}

// The columns that the columns [used] of [plan] are made of, through projections on each other,
// which are one to Flink. Gives what is below them.
static Plan *below_projections(Arena *arena, Plan *plan, uint64_t **used) {
    while (plan->kind == PLAN_PROJECT) {
        uint64_t *below =
            ARENA_ARRAY(arena, uint64_t, BITS_WORDS(plan->input[0]->type->child_count + 1));
        for (uint32_t i = 0; i < plan->type->child_count; i++) {
            if (bits_get(*used, i)) expr_columns(plan->expr[i], below);
        }
        *used = below;
        plan = plan->input[0];
    }
    return plan;
}

// Marks the OVERs of which the projection right above takes nothing: Flink leaves those out, and
// with them their order and their late rows. Those that are merely not used further up do their
// work.
static void find_left_out(Arena *arena, Plan *plan, bool *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = true;
    for (uint32_t i = 0; i < plan->input_count; i++) find_left_out(arena, plan->input[i], seen);
    uint32_t count = plan->type->child_count;  // COUNT(*) reads no column: it leaves nothing out
    if (plan->kind != PLAN_PROJECT || !count) return;
    uint64_t *used = ARENA_ARRAY(arena, uint64_t, BITS_WORDS(count + 1));
    for (uint32_t i = 0; i < count; i++) bits_set(used, i);
    for (Plan *over = below_projections(arena, plan, &used); over->kind == PLAN_OVER;
         over = over->input[0]) {
        bool any = false;
        uint32_t before = over->input[0]->type->child_count;
        for (uint32_t a = 0; a < over->agg_count; a++) {
            any |= bits_get(used, before + a);
            over->agg[a].left_out |= !bits_get(used, before + a);
        }
        over->over_left_out |= !any;
    }
}

static void mark_left_out(PlanContext *context, Plan **roots, uint32_t count) {
    bool *seen = ARENA_ARRAY(context->arena, bool, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) find_left_out(context->arena, roots[i], seen);
}

// What OVER has in a batch only is refused in a stream, unless it is left out there.
static Status check_over(bool *seen, const Plan *plan, Error *err) {
    static const char *const BATCH_ONLY[] = {"LEAD", "NTILE", "CUME_DIST", "PERCENT_RANK"};
    if (seen[plan->id]) return ST_OK;
    seen[plan->id] = true;
    for (uint32_t i = 0; i < plan->input_count; i++) TRY(check_over(seen, plan->input[i], err));
    for (uint32_t a = 0; plan->kind == PLAN_OVER && a < plan->agg_count; a++) {
        for (uint32_t i = 0; i < sizeof BATCH_ONLY / sizeof *BATCH_ONLY; i++) {
            if (plan->agg[a].left_out || !str_eq(plan->agg[a].name, str_c(BATCH_ONLY[i]))) continue;
            return error_at(err, ST_VALIDATION, plan->agg[a].place,
                            "%s Function is not supported in stream mode", BATCH_ONLY[i]);
        }
    }
    return ST_OK;
}

static Status check_overs(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    bool *seen = ARENA_ARRAY(context->arena, bool, context->next_id + 1);
    for (uint32_t i = 0; i < count && !context->batch; i++) TRY(check_over(seen, roots[i], err));
    return ST_OK;
}

// Two process table functions of one statement set cannot share their state.
static Status check_uid(Map *uids, bool *seen, Plan *plan, Error *err) {
    if (seen[plan->id]) return ST_OK;
    seen[plan->id] = true;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        TRY(check_uid(uids, seen, plan->input[i], err));
    }
    if (!plan->process || !(plan->process->udf->def->flags & WEIR_SET_SEMANTICS)) return ST_OK;
    const ProcessSpec *spec = plan->process;
    if (!map_put(uids, spec->uid, plan)) return ST_OK;
    (void)error_set(err, ST_VALIDATION,
                    "process table function '" STR_FMT "' is called twice with the uid '" STR_FMT
                    "': each call has state of its own",
                    STR_ARG(spec->udf->name), STR_ARG(spec->uid));
    error_hint(err, "name them apart: uid => '" STR_FMT "-2'", STR_ARG(spec->uid));
    return ST_VALIDATION;
}

static Status check_uids(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    Map *uids = plan_map(context);
    bool *seen = ARENA_ARRAY(context->arena, bool, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) TRY(check_uid(uids, seen, roots[i], err));
    return ST_OK;
}

static Status check_call(const Expr *expr, Error *err) {
    if (expr->kind == EXPR_CALL && expr->call->refused) {
        return error_at(err, ST_VALIDATION, expr->place, "%s", expr->call->refused);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) TRY(check_call(expr->arg[i], err));
    return ST_OK;
}

// Calls that cannot be run, where somebody reads what they give; joins that cannot, where rows of
// them may be.
static Status check_calls(bool *seen, const Plan *plan, Error *err) {
    if (seen[plan->id]) return ST_OK;
    seen[plan->id] = true;
    for (uint32_t i = 0; i < plan->input_count; i++) TRY(check_calls(seen, plan->input[i], err));
    bool never = false;
    for (uint32_t i = 0; plan->refused && i < plan->input_count; i++) {
        never |= plan->input[i]->kind == PLAN_VALUES && !plan->input[i]->row_count;
    }
    if (plan->refused && !never) {
        return error_at(err, ST_VALIDATION, plan->refused_at, "%s", plan->refused);
    }
    for (uint32_t i = 0; plan->expr && i < plan->type->child_count; i++) {
        TRY(check_call(plan->expr[i], err));
    }
    if (plan->condition) TRY(check_call(plan->condition, err));
    if (plan->watermark) TRY(check_call(plan->watermark, err));
    if (plan->collection) TRY(check_call(plan->collection, err));
    for (uint32_t i = 0; i < plan->func_arg_count; i++) TRY(check_call(plan->func_arg[i], err));
    return ST_OK;
}

static void mark_below_window(Plan *plan) {
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (plan->input[i]->below_window) continue;
        plan->input[i]->below_window = true;
        mark_below_window(plan->input[i]);
    }
}

static void find_windows(Plan *plan, bool *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = true;
    if (plan->kind == PLAN_WINDOW_AGG || plan->kind == PLAN_TEMPORAL_JOIN) mark_below_window(plan);
    for (uint32_t i = 0; i < plan->input_count; i++) find_windows(plan->input[i], seen);
}

Status plan_optimize(PlanContext *context, Plan **roots, uint32_t count, Error *err) {
    TRY(check_config(context, err));
    mark_left_out(context, roots, count);  // before projections go above ORDER BY
    TRY(rule_calc(context, roots, count, err));
    TRY(rule_lookup(context, roots, count, err));
    TRY(rule_calc(context, roots, count, err));  // what went to either side goes further down
    rule_down(context, roots, count);
    TRY(rule_calc(context, roots, count, err));  // filters that met, projections on their way
    rule_push(context, roots, count);
    rule_agg(context, roots, count);
    rule_split(context, roots, count);
    TRY(rule_rank(context, roots, count, err));
    TRY(rule_calc(context, roots, count, err));  // what stood on a filter may merge now
    mark_left_out(context, roots, count);
    TRY(check_overs(context, roots, count, err));
    TRY(rule_window(context, roots, count, err));
    TRY(rule_calc(context, roots, count, err));
    TRY(rule_reuse(context, roots, count, err));
    TRY(rule_partition(context, roots, count, err));
    TRY(check_uids(context, roots, count, err));
    TRY(rule_prune(context, roots, count, err));
    bool *seen = ARENA_ARRAY(context->arena, bool, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) TRY(check_calls(seen, roots[i], err));
    rule_lookup_settle(context, roots, count);
    rule_filter(context, roots, count);
    plan_identify(roots, count);
    // Each sink may get a materialiser on the way.
    uint8_t *asked = ARENA_ARRAY(context->arena, uint8_t, context->next_id + count + 1);
    for (uint32_t i = 0; i < count; i++) {
        TRY(infer_kinds(context, roots[i], err));
        if (roots[i]->kind == PLAN_SINK) TRY(infer_sink(context, roots[i], err));
        infer_before(roots[i], !context->explaining, asked);
    }
    plan_identify_materializers(roots, count);
    TRY(plan_check_updates(context, roots, count, err));
    rule_phase(context, roots, count);
    seen = ARENA_ARRAY(context->arena, bool, context->next_id + 1);
    for (uint32_t i = 0; i < count; i++) find_windows(roots[i], seen);
    return ST_OK;
}
