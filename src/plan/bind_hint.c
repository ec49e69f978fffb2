// Hints, behind SELECT and behind a table: /*+ BROADCAST(t) */ and its kin name relations, an alias
// hides a table's name. Of those only STATE_TTL('t' = '1 d', …) has an effect: how long the joins
// and the aggregation of this select keep the rows of t. OPTIONS are read where the table is bound,
// LOOKUP in bind_lookup.c.
#include "plan/bind.h"

static bool is_hint(const AstHint *hint, const char *name) {
    return str_eq_nocase(hint->name.name, str_c(name));
}

static bool is_ttl(const AstHint *hint) {
    return is_hint(hint, "STATE_TTL");
}

static bool is_join_strategy(const AstHint *hint) {
    return is_hint(hint, "BROADCAST") || is_hint(hint, "SHUFFLE_HASH") ||
           is_hint(hint, "SHUFFLE_MERGE") || is_hint(hint, "NEST_LOOP") ||
           is_hint(hint, "MULTI_JOIN");
}

// That the hint is known and has the form that is its own, wherever it stands.
static Status check_form(const AstHint *hint, Error *err) {
    static const char *const NAMES[] = {
        "ALIAS",   "BROADCAST",    "JSON_AGGREGATE_WRAPPED", "LOOKUP",   "MULTI_JOIN", "NEST_LOOP",
        "OPTIONS", "SHUFFLE_HASH", "SHUFFLE_MERGE",          "STATE_TTL"};
    enum { COUNT = sizeof NAMES / sizeof *NAMES };
    uint32_t n = 0, bare = 0;
    while (n < COUNT && !is_hint(hint, NAMES[n])) n++;
    if (n == COUNT) {
        (void)error_at(err, ST_VALIDATION, hint->span.place, "unknown hint '" STR_FMT "'",
                       STR_ARG(hint->name.name));
        const char *near = text_nearest(hint->name.name, NAMES, COUNT);
        if (near) error_hint(err, "did you mean %s?", near);
        return ST_VALIDATION;
    }
    for (uint32_t i = 0; i < hint->option.count; i++) {
        const AstOption *option = &hint->option.at[i];
        bare += !option->key.name.ptr || !option->value;
    }
    if (is_join_strategy(hint) && !bare) {
        return error_at(err, ST_VALIDATION, hint->span.place,
                        "hint %s names at least one table or view: %s(t)", NAMES[n], NAMES[n]);
    }
    if (is_hint(hint, "OPTIONS") && (bare || !hint->option.count)) {
        return error_at(err, ST_VALIDATION, hint->span.place,
                        "hint OPTIONS takes 'key' = 'value' pairs only, at least one");
    }
    return ST_OK;
}

Status bind_check_table_hints(const AstHints *hints, Error *err) {
    for (uint32_t h = 0; h < hints->count; h++) TRY(check_form(&hints->at[h], err));
    return ST_OK;
}

// What a relation is called in hints; empty: it has no name.
static Str relation_name(const AstFrom *from) {
    if (ast_ident_given(from->alias)) return from->alias.name;
    return from->kind == FROM_TABLE ? ast_name_last(from->table.name) : (Str){0};
}

static bool is_named(const AstFrom *from, Str name) {
    if (!from) return false;
    if (from->kind == FROM_JOIN) {
        return is_named(from->join.left, name) || is_named(from->join.right, name);
    }
    return str_eq(relation_name(from), name);
}

static Str key_of(const AstOption *option) {
    return option->key.name;
}

static Status unknown_relation(const AstHint *hint, Str name, Error *err) {
    return error_at(err, ST_VALIDATION, hint->span.place,
                    "the " STR_FMT " hint names '" STR_FMT
                    "', which is no table of this SELECT (an alias hides the table's name)",
                    STR_ARG(hint->name.name), STR_ARG(name));
}

static Status check_ttl(const AstHint *hint, const AstFrom *from, bool sought, Error *err) {
    for (uint32_t i = 0; i < hint->option.count; i++) {
        const AstOption *option = &hint->option.at[i];
        if (!option->value) {
            return error_at(err, ST_VALIDATION, hint->span.place,
                            "STATE_TTL takes pairs: STATE_TTL('t' = '1 d')");
        }
        int64_t ms;
        Str text = option->value->literal.text;
        if (!option_read_duration(text, &ms)) {
            return error_at(err, ST_VALIDATION, hint->span.place,
                            "invalid STATE_TTL hint: '" STR_FMT "' is no duration like '1 d'",
                            STR_ARG(text));
        }
        if (sought && !is_named(from, key_of(option))) {
            return unknown_relation(hint, key_of(option), err);
        }
    }
    return ST_OK;
}

Status bind_check_select_hints(const AstHints *hints, const AstFrom *from, bool grouped,
                               Error *err) {
    bool joined = from && from->kind == FROM_JOIN;
    for (uint32_t h = 0; h < hints->count; h++) {
        const AstHint *hint = &hints->at[h];
        TRY(check_form(hint, err));
        if (is_ttl(hint)) TRY(check_ttl(hint, from, joined || grouped, err));
        if (!joined || !is_join_strategy(hint)) continue;
        for (uint32_t i = 0; i < hint->option.count; i++) {
            const AstOption *option = &hint->option.at[i];
            if (option->key.name.ptr && option->value) continue;
            Str name = option->key.name.ptr ? option->key.name : option->value->literal.text;
            if (!is_named(from, name)) return unknown_relation(hint, name, err);
        }
    }
    return ST_OK;
}

int64_t bind_ttl(const Binder *binder, const AstFrom *from) {
    int64_t ms = -1;
    if (!binder->select || !from || from->kind == FROM_JOIN) return ms;
    const AstHints *hints = &binder->select->hints;
    Str name = relation_name(from);
    for (uint32_t h = 0; h < hints->count && name.len && ms < 0; h++) {
        const AstHint *hint = &hints->at[h];
        for (uint32_t i = 0; is_ttl(hint) && i < hint->option.count; i++) {
            const AstOption *option = &hint->option.at[i];
            if (!option->value || !str_eq(key_of(option), name)) continue;
            (void)option_read_duration(option->value->literal.text, &ms);  // it was checked
        }
    }
    return ms;
}
