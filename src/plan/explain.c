// EXPLAIN: a plan as Flink's users know it, a line for each node, inputs below their consumer.
//
// What is shown is what runs. A projection that passes its input on, be it under other names, or
// takes no column of it, is not shown; one right above a filter is shown with it, as one Calc. An
// Exchange stands where rows change hands when there is more than one worker. A node that several
// take rows from is shown once, with a reuse_id, and referred to after that; when the others lie in
// other trees of a statement set, it is a tree of its own before them.
#include "plan/explain.h"

#include "plan/bind.h"
#include "plan/explain_int.h"
#include "plan/keys.h"

enum { NAMES_TRIED_MAX = 1000 };

// ---- names -------------------------------------------------------------------------------------

// As Calcite tells equal names apart: a, a0, a1.
static void make_unique(Arena *arena, Str *name, uint32_t count) {
    Map seen = {0};
    for (uint32_t i = 0; i < count; i++) {
        Str base = name[i];
        for (uint32_t n = 0; n < NAMES_TRIED_MAX && map_has(&seen, name[i]); n++) {
            name[i] = str_printf(arena, STR_FMT "%u", STR_ARG(base), n);
        }
        (void)map_put(&seen, name[i], &seen);
    }
    map_clear(&seen);
}

static bool is_join(const Plan *plan) {
    return plan->kind == PLAN_JOIN || plan->kind == PLAN_INTERVAL_JOIN ||
           plan->kind == PLAN_TEMPORAL_JOIN || plan->kind == PLAN_WINDOW_JOIN ||
           (plan->kind == PLAN_LOOKUP_JOIN && plan->input_count == 2);
}

const Str *explain_names_both(Explain *self, const Plan *join) {
    uint32_t left = join->input[0]->type->child_count, right = join->input[1]->type->child_count;
    Str *name = ARENA_ARRAY(self->arena, Str, left + right + 1);
    memcpy(name, explain_names(self, join->input[0]), left * sizeof *name);
    memcpy(name + left, explain_names(self, join->input[1]), right * sizeof *name);
    make_unique(self->arena, name, left + right);
    return name;
}

// A projection that only gives its input's columns other names, or none.
static bool is_identity(const Plan *plan) {
    if (plan->kind != PLAN_PROJECT) return false;
    uint32_t count = plan->type->child_count;
    for (uint32_t i = 0; i < count; i++) {
        if (plan->expr[i]->kind != EXPR_COLUMN || plan->expr[i]->column != i) return false;
    }
    return count == plan->input[0]->type->child_count;
}

// The columns that OVER and rankings add, by the number of OVERs below: w0$o0, w0$o1.
static Str over_column(const Explain *self, const Plan *plan, uint32_t i) {
    uint32_t window = 0;
    for (const Plan *below = plan->input[0]; below->kind == PLAN_OVER; below = below->input[0]) {
        window++;
    }
    return str_printf(self->arena, "w%u$o%u", window, i);
}

static Str column_name(Explain *self, const Plan *plan, uint32_t c) {
    const Plan *input = plan->input_count ? plan->input[0] : NULL;
    const Str *in = input ? explain_names(self, input) : NULL;
    uint32_t in_count = input ? input->type->child_count : 0;
    const Str *wish = self->wish[plan->id];
    bool grouped = plan->kind == PLAN_AGG || plan->kind == PLAN_WINDOW_AGG;
    if (grouped && c < plan->key_count) return in[plan->key[c]];
    if (wish && wish[c].ptr) return wish[c];
    if (grouped || plan->kind == PLAN_PROJECT) return plan->type->field[c];
    if (plan->kind == PLAN_OVER && c >= in_count) return over_column(self, plan, c - in_count);
    bool ranks = plan->kind == PLAN_RANK || plan->kind == PLAN_WINDOW_RANK;
    if (ranks && c >= in_count) return over_column(self, plan, 0);
    if (c < in_count && str_eq(input->type->field[c], plan->type->field[c])) return in[c];
    return plan->type->field[c];
}

const Str *explain_names(Explain *self, const Plan *plan) {
    const Str **known = &self->name[plan->id];
    if (*known) return *known;
    if (plan->kind == PLAN_SINK || plan->kind == PLAN_MATERIALIZE || is_identity(plan)) {
        *known = explain_names(self, plan->input[0]);
    } else if (is_join(plan) && plan->join != JOIN_TYPE_SEMI && plan->join != JOIN_TYPE_ANTI) {
        *known = explain_names_both(self, plan);
    } else {
        uint32_t count = plan->type->child_count;
        Str *name = ARENA_ARRAY(self->arena, Str, count + 1);
        for (uint32_t c = 0; c < count; c++) name[c] = column_name(self, plan, c);
        make_unique(self->arena, name, count);
        *known = name;
    }
    return *known;
}

// Wishes go down to where a name is given: through what passes its input's columns on.
static void wish(Explain *self, const Plan *plan, const Str *names) {
    for (;;) {
        bool passes = plan->kind == PLAN_FILTER || plan->kind == PLAN_SORT ||
                      plan->kind == PLAN_LIMIT || plan->kind == PLAN_RANK ||
                      plan->kind == PLAN_DEDUP || is_identity(plan);
        if (self->consumers[plan->id] != 1) return;
        if (!passes) break;
        plan = plan->input[0];
    }
    bool gives = plan->kind == PLAN_AGG || plan->kind == PLAN_WINDOW_AGG ||
                 plan->kind == PLAN_VALUES || plan->kind == PLAN_PROJECT;
    if (!gives || self->wish[plan->id]) return;
    uint32_t count = plan->type->child_count;
    self->wish[plan->id] = arena_dup(self->arena, names, (count + 1) * sizeof *names);
}

// An aggregate is called what the select calls it: the projection above only gives it its name.
static void wish_names(Explain *self, const Plan *project, bool for_sink) {
    const Plan *below = project->input[0];
    uint32_t count = below->type->child_count;
    // The columns of a sink say nothing about the query.
    if (for_sink && is_identity(project)) return;
    Str *names = ARENA_ARRAY(self->arena, Str, count + 1);
    for (uint32_t i = 0; i < project->type->child_count; i++) {
        if (project->expr[i]->kind != EXPR_COLUMN) continue;
        uint32_t column = project->expr[i]->column;
        if (!names[column].ptr) names[column] = project->type->field[i];
    }
    wish(self, below, names);
}

// rule_window puts the time where the window's start was, under the start's name.
static void wish_time(Explain *self, const Plan *agg) {
    const Plan *project = agg->input[0];
    uint32_t time = agg->window->time_column;
    if (agg->window->attached || agg->window->legacy || project->kind != PLAN_PROJECT) return;
    if (project->expr[time]->kind != EXPR_COLUMN || self->wish[project->id]) return;
    Str *names = ARENA_ARRAY(self->arena, Str, project->type->child_count + 1);
    names[time] = project->input[0]->type->field[project->expr[time]->column];
    self->wish[project->id] = names;
}

// ---- what is shown -----------------------------------------------------------------------------

static bool passes_on(Explain *self, const Plan *plan) {
    if (plan->kind != PLAN_PROJECT) return false;
    const Plan *input = plan->input[0];
    if (!plan->type->child_count) return true;  // below COUNT(*)
    // A select list that takes all of FROM is part of the syntax.
    bool grouped = input->kind == PLAN_AGG || input->kind == PLAN_PROJECT;
    if (self->notation == NOTATION_INDEX && !grouped) return false;
    // Together with a filter it is a Calc anyway.
    if (input->kind == PLAN_FILTER && self->consumers[input->id] == 1) return false;
    return is_identity(plan);
}

static const Plan *shown_of(Explain *self, const Plan *plan) {
    while (passes_on(self, plan)) plan = plan->input[0];
    return plan;
}

// The filter that is shown with a projection, or NULL.
static const Plan *filter_of(Explain *self, const Plan *plan) {
    if (self->notation == NOTATION_INDEX) return NULL;
    if (plan->kind != PLAN_PROJECT || plan->input[0]->kind != PLAN_FILTER) return NULL;
    return self->consumers[plan->input[0]->id] == 1 ? plan->input[0] : NULL;
}

static const Plan *input_of(Explain *self, const Plan *plan, uint32_t i) {
    const Plan *filter = filter_of(self, plan);
    return shown_of(self, filter ? filter->input[0] : plan->input[i]);
}

static void count_consumers(Explain *self, const Plan *plan) {
    if (self->consumers[plan->id]++) return;
    for (uint32_t i = 0; i < plan->input_count; i++) count_consumers(self, plan->input[i]);
}

static const Plan *root_of(Explain *self, const Plan *root) {
    return shown_of(self, root->kind == PLAN_COLLECT ? root->input[0] : root);
}

static void count_takers(Explain *self, const Plan *plan) {
    if (self->takers[plan->id]++) return;
    uint32_t inputs = filter_of(self, plan) ? 1 : plan->input_count;
    for (uint32_t i = 0; i < inputs; i++) count_takers(self, input_of(self, plan, i));
}

static void find_wishes(Explain *self, const Plan *plan, bool for_sink, bool *seen) {
    if (seen[plan->id]) return;
    seen[plan->id] = true;
    if (plan->kind == PLAN_PROJECT) wish_names(self, plan, for_sink);
    if (plan->kind == PLAN_WINDOW_AGG) wish_time(self, plan);
    for_sink = plan->kind == PLAN_SINK || plan->kind == PLAN_MATERIALIZE;
    for (uint32_t i = 0; i < plan->input_count; i++) {
        find_wishes(self, plan->input[i], for_sink, seen);
    }
}

// ---- changes -----------------------------------------------------------------------------------

// Whether -U comes out. Those that make no changes of their own pass on what comes.
static bool sends_before(const Plan *plan) {
    if (!(plan->changes & CHANGE_UPDATE_BEFORE)) return false;
    switch (plan->kind) {
        case PLAN_SCAN: return true;
        case PLAN_PROJECT:
        case PLAN_FILTER:
        case PLAN_WATERMARK:
        case PLAN_UNION:
        case PLAN_EXPAND:
        case PLAN_UNNEST:
        case PLAN_TABLE_FUNC:
        case PLAN_APPLY:
        case PLAN_PREDICT:
        case PLAN_VECTOR_SEARCH:
            for (uint32_t i = 0; i < plan->input_count; i++) {
                if (sends_before(plan->input[i])) return true;
            }
            return false;
        default: return plan->emit_before;
    }
}

static void put_changes(const Plan *plan, Buf *out) {
    static const char *const NAMES[] = {"I", "UB", "UA", "D"};
    if (plan->kind == PLAN_SINK) {
        buf_puts(out, ", changelogMode=[NONE]");
        return;
    }
    buf_puts(out, ", changelogMode=[");
    bool first = true;
    for (uint32_t kind = 0; kind < 4; kind++) {
        if (!(plan->changes & 1u << kind)) continue;
        if (kind == ROW_UPDATE_BEFORE && !sends_before(plan)) continue;
        buf_printf(out, "%s%s", first ? "" : ",", NAMES[kind]);
        first = false;
    }
    buf_putc(out, ']');
}

static void put_upsert_keys(Explain *self, const Plan *plan) {
    const PlanKeys *keys = plan->kind == PLAN_SINK ? NULL : plan_upsert_keys(self->arena, plan);
    if (!keys || !keys->count) return;
    const Str *names = explain_names(self, plan);
    buf_puts(self->out, ", upsertKeys=[");
    for (uint32_t k = 0; k < keys->count; k++) {
        buf_puts(self->out, k ? ", [" : "[");
        bool first = true;
        for (uint32_t c = 0; c < plan->type->child_count; c++) {
            if (!bits_get(keys->set[k], c)) continue;
            buf_printf(self->out, "%s" STR_FMT, first ? "" : ", ", STR_ARG(names[c]));
            first = false;
        }
        buf_putc(self->out, ']');
    }
    buf_putc(self->out, ']');
}

// ---- trees -------------------------------------------------------------------------------------

// The exchange that input [i] of [plan] comes through; false when its rows stay where they are.
static bool put_exchange(Explain *self, const Plan *plan, uint32_t i) {
    const uint32_t *key;
    uint32_t count;
    const Plan *input = plan->input[i];
    if (!plan_distribution(plan, i, &key, &count) || plan_spread_by(input, key, count)) {
        return false;
    }
    buf_puts(self->out, "Exchange(distribution=[");
    if (count) {
        buf_puts(self->out, "hash[");
        explain_columns(self, explain_names(self, input), key, count);
        buf_puts(self->out, "]]");
    } else {
        buf_puts(self->out, "single]");
    }
    return true;
}

static void put_line(Explain *self, const Plan *plan) {
    if (self->notation == NOTATION_INDEX) {
        explain_logical(self, plan);
        return;
    }
    explain_node(self, plan, filter_of(self, plan));
    if (self->changelog) put_changes(plan, self->out);
    if (self->upsert_keys) put_upsert_keys(self, plan);
    buf_putc(self->out, ')');
}

// [indent]: what stands before the lines of the inputs.
static void put_tree(Explain *self, const Plan *plan, const Buf *indent) {
    if (self->takers[plan->id] > 1 && plan->kind != PLAN_VALUES) {
        if (self->reuse_id[plan->id]) {
            buf_printf(self->out, "Reused(reference_id=[%u])\n", self->reuse_id[plan->id]);
            return;
        }
        self->reuse_id[plan->id] = ++self->reused;
    }
    put_line(self, plan);
    if (self->reuse_id[plan->id]) {
        buf_printf(self->out, "(reuse_id=[%u])", self->reuse_id[plan->id]);
    }
    buf_putc(self->out, '\n');
    uint32_t inputs = filter_of(self, plan) ? 1 : plan->input_count;
    for (uint32_t i = 0; i < inputs; i++) {
        bool last = i + 1 == inputs;
        const Plan *input = input_of(self, plan, i);
        Buf below = {0};
        buf_put_str(&below, buf_str(indent));
        buf_put_str(self->out, buf_str(indent));
        buf_puts(self->out, last ? "+- " : ":- ");
        buf_puts(&below, last ? "   " : ":  ");
        if (self->notation != NOTATION_INDEX && !filter_of(self, plan) &&
            put_exchange(self, plan, i)) {
            if (self->changelog) put_changes(input, self->out);
            if (self->upsert_keys) put_upsert_keys(self, input);
            buf_puts(self->out, ")\n");
            buf_put_str(self->out, buf_str(&below));
            buf_puts(self->out, "+- ");
            buf_puts(&below, "   ");
        }
        put_tree(self, input, &below);
        buf_free(&below);
    }
}

// Trees of their own for what several roots take rows of: [tree] is the root that came first, plus
// one.
static void put_shared(Explain *self, const Plan *plan, uint32_t root, uint32_t *tree) {
    if (tree[plan->id]) {
        if (tree[plan->id] == root || self->reuse_id[plan->id]) return;
        const Buf none = {0};
        put_tree(self, plan, &none);
        buf_putc(self->out, '\n');
        return;
    }
    tree[plan->id] = root;
    uint32_t inputs = filter_of(self, plan) ? 1 : plan->input_count;
    for (uint32_t i = 0; i < inputs; i++) put_shared(self, input_of(self, plan, i), root, tree);
}

static void explain_init(Explain *self, Arena *arena, const Plan *const *roots, uint32_t count,
                         uint32_t ids, Notation notation, Buf *out) {
    *self = (Explain){.arena = arena, .notation = notation, .out = out};
    self->name = ARENA_ARRAY(arena, const Str *, ids);
    self->wish = ARENA_ARRAY(arena, Str *, ids);
    self->consumers = ARENA_ARRAY(arena, uint32_t, ids);
    self->takers = ARENA_ARRAY(arena, uint32_t, ids);
    self->reuse_id = ARENA_ARRAY(arena, uint32_t, ids);
    bool *seen = ARENA_ARRAY(arena, bool, ids);
    for (uint32_t i = 0; i < count; i++) count_consumers(self, roots[i]);
    for (uint32_t i = 0; i < count; i++) find_wishes(self, roots[i], false, seen);
    for (uint32_t i = 0; i < count; i++) count_takers(self, root_of(self, roots[i]));
}

void plan_explain(PlanContext *context, const Plan *const *roots, uint32_t count,
                  const ExplainSpec *spec, Buf *out) {
    Arena arena = {0};
    uint32_t ids = context->next_id + 1;
    static const Notation NOTATIONS[] = {[EXPLAIN_SYNTAX] = NOTATION_INDEX,
                                         [EXPLAIN_PHYSICAL] = NOTATION_PREFIX,
                                         [EXPLAIN_EXECUTION] = NOTATION_INFIX};
    Explain self;
    explain_init(&self, &arena, roots, count, ids, NOTATIONS[spec->form], out);
    self.changelog = spec->changelog;
    self.upsert_keys = spec->upsert_keys;
    self.advice = spec->advice;
    uint32_t *tree = ARENA_ARRAY(&arena, uint32_t, ids);
    const Buf none = {0};
    for (uint32_t i = 0; i < count && count > 1; i++) {
        put_shared(&self, root_of(&self, roots[i]), i + 1, tree);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_putc(out, '\n');
        put_tree(&self, root_of(&self, roots[i]), &none);
    }
    arena_clear(&arena);
}

void plan_explain_expr(PlanContext *context, const Plan *plan, const Expr *expr, bool by_name,
                       Buf *out) {
    Arena arena = {0};
    Explain self;
    explain_init(&self, &arena, &plan, 1, context->next_id + 1,
                 by_name ? NOTATION_PREFIX : NOTATION_INDEX, out);
    explain_expr(&self, expr, explain_names(&self, plan));
    arena_clear(&arena);
}

static const char *guarantee_of(const Plan *plan) {
    const Connector *connector = plan->connector;
    if (connector->guarantee_of) return connector->guarantee_of(plan->desc);
    return connector->guarantee ? connector->guarantee : "at-least-once";
}

void plan_explain_sinks(const Plan *const *roots, uint32_t count, Buf *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (roots[i]->kind != PLAN_SINK) continue;
        const ObjectName *name = &roots[i]->table->name;
        buf_printf(out, "Sink(table=[" STR_FMT "." STR_FMT "." STR_FMT "], guarantee=[%s])\n",
                   STR_ARG(name->catalog), STR_ARG(name->database), STR_ARG(name->object),
                   guarantee_of(roots[i]));
    }
}

// ---- JSON --------------------------------------------------------------------------------------

typedef struct Json {
    Explain *explain;
    uint32_t *id;  // by Plan.id; 0: not printed yet
    uint32_t next, parallelism;
    Buf *out;
} Json;

static void put_json_text(Buf *out, Str text) {
    buf_putc(out, '"');
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') {
            buf_printf(out, "\\%c", c);
        } else if (c < 0x20) {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_putc(out, (char)c);
        }
    }
    buf_putc(out, '"');
}

static void put_predecessor(Json *self, const Plan *plan, uint32_t i, bool first) {
    const uint32_t *key;
    uint32_t count;
    const Plan *input = plan->input[i];
    bool moves =
        plan_distribution(plan, i, &key, &count) && !plan_spread_by(input, key, count);
    buf_printf(self->out,
               "%s{\n      \"id\" : %u,\n      \"ship_strategy\" : \"%s\",\n"
               "      \"side\" : \"second\"\n    }",
               first ? " " : ", ", self->id[input_of(self->explain, plan, i)->id],
               !moves ? "FORWARD" : count ? "HASH" : "GLOBAL");
}

static void put_json(Json *self, const Plan *plan) {
    if (self->id[plan->id]) return;
    uint32_t inputs = filter_of(self->explain, plan) ? 1 : plan->input_count;
    for (uint32_t i = 0; i < inputs; i++) put_json(self, input_of(self->explain, plan, i));
    uint32_t id = self->id[plan->id] = ++self->next;
    Buf line = {0}, *was = self->explain->out;
    self->explain->out = &line;
    put_line(self->explain, plan);
    self->explain->out = was;
    int64_t paren = str_find(buf_str(&line), STR("("), 0);
    Str name = str_sub(buf_str(&line), 0, paren < 0 ? (uint32_t)line.len : (uint32_t)paren);
    const char *pact = inputs ? plan->kind == PLAN_SINK ? "Data Sink" : "Operator" : "Data Source";
    buf_printf(self->out, "%s{\n    \"id\" : %u,\n    \"type\" : \"", id > 1 ? ", " : " ", id);
    if (plan->kind == PLAN_SCAN) {
        buf_printf(self->out, "Source: " STR_FMT "[%u]", STR_ARG(plan->table->name.object), id);
    } else if (plan->kind == PLAN_SINK) {
        buf_printf(self->out, "Sink: " STR_FMT "[%u]", STR_ARG(plan->table->name.object), id);
    } else {
        buf_printf(self->out, STR_FMT "[%u]", STR_ARG(name), id);
    }
    buf_printf(self->out, "\",\n    \"pact\" : \"%s\",\n    \"contents\" : ", pact);
    Buf contents = {0};
    buf_printf(&contents, "[%u]:" STR_FMT, id, STR_ARG(buf_str(&line)));
    put_json_text(self->out, buf_str(&contents));
    buf_printf(self->out, ",\n    \"parallelism\" : %u", self->parallelism);
    if (inputs) buf_puts(self->out, ",\n    \"predecessors\" : [");
    for (uint32_t i = 0; i < inputs; i++) put_predecessor(self, plan, i, !i);
    buf_puts(self->out, inputs ? " ]\n  }" : "\n  }");
    buf_free(&contents);
    buf_free(&line);
}

void plan_explain_json(PlanContext *context, const Plan *const *roots, uint32_t count, Buf *out) {
    Arena arena = {0};
    Explain explain;
    explain_init(&explain, &arena, roots, count, context->next_id + 1, NOTATION_INFIX, out);
    int64_t workers = config_workers(context->config);
    Json self = {.explain = &explain,
                 .id = ARENA_ARRAY(&arena, uint32_t, context->next_id + 1),
                 .parallelism = workers > 0 ? (uint32_t)workers : 1,
                 .out = out};
    buf_puts(out, "{\n  \"nodes\" : [");
    for (uint32_t i = 0; i < count; i++) put_json(&self, root_of(&explain, roots[i]));
    buf_puts(out, " ]\n}");
    arena_clear(&arena);
}
