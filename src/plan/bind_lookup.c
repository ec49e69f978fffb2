// Lookup joins: JOIN t FOR SYSTEM_TIME AS OF a processing time. The right table is not read: its
// connector is asked for the rows of each key that comes from the left. Here the join is found and
// its hints are read; rule_lookup.c makes keys of its condition.
#include <stdio.h>

#include "plan/bind.h"
#include "spi/lookup.h"

// ---- LOOKUP hints ------------------------------------------------------------------------------

static bool is_lookup(const AstHint *hint) {
    return str_eq_nocase(hint->name.name, STR("LOOKUP"));
}

static Str option_text(const AstHint *hint, const char *key) {
    for (uint32_t i = 0; i < hint->option.count; i++) {
        const AstOption *option = &hint->option.at[i];
        if (!str_eq(option->key.name, str_c(key)) || !option->value) continue;
        return option->value->literal.text;
    }
    return (Str){0};
}

static Status bad_hint(const AstHint *hint, Error *err, const char *key, Str value,
                       const char *wanted) {
    return error_at(err, ST_VALIDATION, hint->span.place,
                    "invalid LOOKUP hint: '%s' cannot be '" STR_FMT "', it takes %s", key,
                    STR_ARG(value), wanted);
}

static Status read_switch(const AstHint *hint, const char *key, const char *off, const char *on,
                          bool *value, Error *err) {
    Str text = option_text(hint, key);
    if (!text.ptr) return ST_OK;
    *value = str_eq_nocase(text, str_c(on));
    if (*value || str_eq_nocase(text, str_c(off))) return ST_OK;
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "'%s' or '%s'", off, on);
    return bad_hint(hint, err, key, text, wanted);
}

static Status read_count(const AstHint *hint, const char *key, int64_t *value, Error *err) {
    Str text = option_text(hint, key);
    if (!text.ptr) return ST_OK;
    if (str_to_i64(str_trim(text), value) && *value > 0) return ST_OK;
    return bad_hint(hint, err, key, text, "a whole number above 0");
}

static Status read_delay(const AstHint *hint, const char *key, int64_t *value, Error *err) {
    Str text = option_text(hint, key);
    if (!text.ptr) return ST_OK;
    if (option_read_duration(text, value)) return ST_OK;
    return bad_hint(hint, err, key, text, "a duration like '10 s'");
}

// A retry is described by four options: all of them or none.
static Status read_retry(const AstHint *hint, LookupHint *out, Error *err) {
    static const char *const KEYS[] = {"retry-predicate", "retry-strategy", "fixed-delay",
                                       "max-attempts"};
    uint32_t given = 0;
    for (uint32_t i = 0; i < 4; i++) given += option_text(hint, KEYS[i]).ptr != NULL;
    if (!given) return ST_OK;
    if (given < 4) {
        return error_at(err, ST_VALIDATION, hint->span.place,
                        "invalid LOOKUP hint: 'retry-predicate', 'retry-strategy', 'fixed-delay' "
                        "and 'max-attempts' go together: give all or none");
    }
    Str predicate = option_text(hint, KEYS[0]), strategy = option_text(hint, KEYS[1]);
    if (!str_eq_nocase(predicate, STR("lookup_miss"))) {
        return bad_hint(hint, err, KEYS[0], predicate, "'lookup_miss'");
    }
    if (!str_eq_nocase(strategy, STR("fixed_delay"))) {
        return bad_hint(hint, err, KEYS[1], strategy, "'fixed_delay'");
    }
    TRY(read_delay(hint, KEYS[2], &out->retry_delay_ms, err));
    return read_count(hint, KEYS[3], &out->retry_attempts, err);
}

static Status read_hint(const AstHint *hint, LookupHint *out, Error *err) {
    for (uint32_t i = 0; i < hint->option.count; i++) {
        const AstOption *option = &hint->option.at[i];
        if (option->key.name.ptr && option->value) continue;
        return error_at(err, ST_VALIDATION, option->span.place,
                        "invalid LOOKUP hint: it takes 'key' = 'value' pairs only");
    }
    if (!option_text(hint, "table").ptr) {
        return error_at(err, ST_VALIDATION, hint->span.place,
                        "invalid LOOKUP hint: it lacks 'table', the name of the table looked up");
    }
    TRY(read_switch(hint, "async", "false", "true", &out->async, err));
    TRY(read_switch(hint, "output-mode", "ordered", "allow_unordered", &out->unordered, err));
    TRY(read_count(hint, "capacity", &out->capacity, err));
    TRY(read_delay(hint, "timeout", &out->timeout_ms, err));
    return read_retry(hint, out, err);
}

static bool looks_up(const AstFrom *from) {
    return from->kind == FROM_JOIN && (from->join.right->as_of || looks_up(from->join.left) ||
                                       looks_up(from->join.right));
}

// Whether a table that is looked up goes by [name], or, where none is ([any]), one that is joined:
// there the hint has no effect.
static bool names_joined(const AstFrom *from, Str name, bool any) {
    if (from->kind == FROM_JOIN) {
        return names_joined(from->join.left, name, any) ||
               names_joined(from->join.right, name, any);
    }
    if (!any && !from->as_of) return false;
    if (ast_ident_given(from->alias)) return str_eq(from->alias.name, name);
    return from->kind == FROM_TABLE && str_eq(ast_name_last(from->table.name), name);
}

Status bind_check_lookup_hints(const AstHints *hints, const AstFrom *from, Error *err) {
    for (uint32_t i = 0; i < hints->count; i++) {
        if (!is_lookup(&hints->at[i])) continue;
        LookupHint ignored = {0};
        TRY(read_hint(&hints->at[i], &ignored, err));
        Str table = option_text(&hints->at[i], "table");
        if (!from || from->kind != FROM_JOIN) continue;
        if (names_joined(from, table, !looks_up(from))) continue;
        return error_at(err, ST_VALIDATION, hints->at[i].span.place,
                        "the LOOKUP hint names '" STR_FMT
                        "', which is no table of this SELECT (an alias hides the table's name)",
                        STR_ARG(table));
    }
    return ST_OK;
}

// The hint for the table called [name], over what the session says.
static Status lookup_hint(Binder *binder, Str name, LookupHint *out, Error *err) {
    const Map *config = binder->context->config;
    const char *mode = config_get(config, "table.exec.async-lookup.output-mode");
    *out = (LookupHint){
        .capacity = config_int(config, "table.exec.async-lookup.buffer-capacity", 100),
        .timeout_ms = config_ms(config, "table.exec.async-lookup.timeout", 180000),
        .unordered = mode && str_eq_nocase(str_c(mode), STR("ALLOW_UNORDERED")),
    };
    const AstHints *hints = &binder->select->hints;
    for (uint32_t i = 0; i < hints->count; i++) {
        if (!is_lookup(&hints->at[i]) || !str_eq(option_text(&hints->at[i], "table"), name)) {
            continue;
        }
        return read_hint(&hints->at[i], out, err);  // the first one counts
    }
    return ST_OK;
}

// ---- the join ----------------------------------------------------------------------------------

// The table behind plain projections, when its connector can be asked; else NULL.
static const Plan *lookup_table(const Plan *right) {
    while (right->kind == PLAN_PROJECT) right = right->input[0];
    if (right->kind != PLAN_SCAN || !right->connector) return NULL;
    const Connector *connector = right->connector;
    return connector->lookup_allowed && connector->lookup_allowed(right->desc) ? right : NULL;
}

// Without a connector that can be asked it would be a temporal join by processing time.
static Status cannot_look_up(const AstFrom *right, const Plan *plan, Error *err) {
    const Plan *scan = plan;
    bool plain = true;
    while (scan->kind != PLAN_SCAN && scan->input_count) {
        plain &= scan->kind == PLAN_PROJECT;
        scan = scan->input[0];
    }
    bool keyed = scan->kind == PLAN_SCAN && scan->desc && scan->desc->primary_key_count > 0;
    (void)error_at(err, ST_VALIDATION, right->as_of->span.place,
                   keyed ? "Processing-time temporal join is not supported yet"
                         : "temporal table join requires primary key in versioned table, but no "
                           "primary key can be found");
    bool file = scan->kind == PLAN_SCAN && scan->connector &&
                strcmp(scan->connector->name, "filesystem") == 0;
    if (plain && file) {
        error_hint(err, "'lookup.cache' = 'FULL' in the table's options makes it a lookup join");
    } else if (!plain && lookup_table(scan)) {
        error_hint(err, "a table that is looked up takes no filter or watermark before the join");
    } else {
        error_hint(err, "look up a table whose connector can be asked by key, like 'jdbc'");
    }
    return ST_VALIDATION;
}

Status bind_lookup(Binder *binder, const AstFrom *from, Plan *left, Scope *left_scope, Plan *right,
                   Scope *right_scope, JoinType type, Plan **plan, Scope **scope, Error *err) {
    Arena *arena = binder->arena;
    const Plan *table = lookup_table(right);
    if (!table) return cannot_look_up(from->join.right, right, err);
    LookupOptions options;
    TRY(lookup_options(table->desc, &options, err));
    if (options.cache == LOOKUP_CACHE_FULL && table->connector->source_bounded &&
        !table->connector->source_bounded(table->desc)) {
        return error_at(err, ST_VALIDATION, from->join.right->span.place,
                        "table '" STR_FMT "' has no end: a FULL cache could never be complete",
                        STR_ARG(table->desc->name));
    }
    uint32_t first = left->type->child_count, columns = first + right->type->child_count;
    const Type **child = ARENA_ARRAY(arena, const Type *, columns + 1);
    Str *name = ARENA_ARRAY(arena, Str, columns + 1);
    for (uint32_t i = 0; i < columns; i++) {
        bool l = i < first;
        const Type *of = l ? left->type->child[i] : right->type->child[i - first];
        if (!l) of = type_attribute(arena, of, TIME_NONE);
        child[i] = !l && type == JOIN_TYPE_LEFT ? type_nullable(arena, of, true) : of;
        name[i] = l ? left->type->field[i] : right->type->field[i - first];
    }
    Plan *join = plan_new(binder->context, PLAN_LOOKUP_JOIN,
                          type_row(arena, columns, child, name, false), 2);
    join->input[0] = left;
    join->input[1] = right;
    join->join = type;
    join->table = table->table;
    join->desc = table->desc;
    join->connector = table->connector;
    join->lookup = ARENA_NEW(arena, LookupPlan);
    Str called = right_scope->item_count ? right_scope->item[0].name : table->desc->name;
    TRY(lookup_hint(binder, called, &join->lookup->hint, err));
    Scope *both = scope_join(arena, left_scope, right_scope, join->type);
    Binder on = *binder;
    on.scope = both;
    on.allow_agg = on.allow_over = false;
    on.groups = NULL;
    if (from->join.on) {
        TRY(bind_condition(&on, from->join.on, "ON", &join->condition, err));
    } else if (from->join.natural || from->join.column.count) {
        TRY(bind_using(binder, from, left_scope, right_scope, both, &join->condition, err));
    }
    *plan = join;
    *scope = both;
    return ST_OK;
}
