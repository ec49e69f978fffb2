// STATE_TTL('t' = '1 d', …) behind SELECT: how long the joins and the aggregation of this select
// keep the rows of t. An alias hides a table's name.
#include "plan/bind.h"

static bool is_ttl(const AstHint *hint) {
    return str_eq_nocase(hint->name.name, STR("STATE_TTL"));
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

Status bind_check_ttl_hints(const AstHints *hints, const AstFrom *from, Error *err) {
    for (uint32_t h = 0; h < hints->count; h++) {
        const AstHint *hint = &hints->at[h];
        if (!is_ttl(hint)) continue;
        for (uint32_t i = 0; i < hint->option.count; i++) {
            const AstOption *option = &hint->option.at[i];
            Str name = key_of(option);
            if (!option->value) {
                return error_at(err, ST_VALIDATION, hint->span.place,
                                "STATE_TTL takes pairs: STATE_TTL('t' = '1 d')");
            }
            int64_t ms;
            Str text = option->value->literal.text;
            if (!option_read_duration(text, &ms)) {
                return error_at(err, ST_VALIDATION, hint->span.place,
                                "invalid STATE_TTL hint: '" STR_FMT
                                "' is no duration like '1 d'", STR_ARG(text));
            }
            if (is_named(from, name)) continue;
            return error_at(err, ST_VALIDATION, hint->span.place,
                            "the STATE_TTL hint names '" STR_FMT
                            "', which is no table of this SELECT (an alias hides the table's name)",
                            STR_ARG(name));
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
