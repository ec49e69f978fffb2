// FROM: tables, views, WITH queries and subqueries become a plan, and a scope in which its columns
// have names; what hints, column aliases and TABLESAMPLE make of them. Joins, functions, UNNEST and
// MATCH_RECOGNIZE have rooms of their own.
#include "plan/bind_subquery.h"

enum { VIEW_DEPTH_MAX = 64 };

static Cte *cte_find(Binder *binder, Str name) {
    for (Binder *at = binder; at; at = at->parent) {
        for (Cte *cte = at->cte; cte; cte = cte->next) {
            if (str_eq(cte->name, name)) return cte;
        }
    }
    return NULL;
}

Status bind_column_aliases(Binder *binder, Plan **plan, const AstIdents *names, Error *err) {
    if (!names->count) return ST_OK;
    const Type *row = (*plan)->type;
    if (names->count != row->child_count) {
        return error_at(
            err, ST_VALIDATION, names->at[0].span.place,
            "list of column aliases must have same degree as table: %u names for %u columns",
            names->count, row->child_count);
    }
    Expr **expr = ARENA_ARRAY(binder->arena, Expr *, row->child_count + 1);
    Str *name = ARENA_ARRAY(binder->arena, Str, row->child_count + 1);
    for (uint32_t i = 0; i < row->child_count; i++) {
        expr[i] = expr_column(binder->arena, i, row->child[i]);
        name[i] = names->at[i].name;
    }
    *plan = plan_project(binder->context, *plan, expr, name, row->child_count);
    return ST_OK;
}

static Status bind_view(Binder *binder, Table *table, Place place, Plan **plan, Error *err) {
    PlanContext *context = binder->context;
    if (context->depth >= VIEW_DEPTH_MAX) {
        return error_at(err, ST_VALIDATION, place, "views are nested more than %d deep",
                        VIEW_DEPTH_MAX);
    }
    AstQuery *query;
    TRY(sql_parse_query(context->arena, table->view_query, &query, err));
    // Short names mean what they meant where the view was made.
    Str catalog = context->catalogs->current_catalog,
        database = context->catalogs->current_database;
    struct Expansion *expansion = context->expansion;
    context->catalogs->current_catalog = table->view_catalog;
    context->catalogs->current_database = table->view_database;
    context->depth++;
    context->expansion = NULL;
    Status st = bind_query_in(NULL, context, query, plan, err);
    context->expansion = expansion;
    context->depth--;
    context->catalogs->current_catalog = catalog;
    context->catalogs->current_database = database;
    if (st) {
        if (err) err->place = place;
        error_while(err, "expanding view '" STR_FMT "'", STR_ARG(table->name.object));
        return st;
    }
    uint32_t count = (*plan)->type->child_count;
    if (count != table->column_count) return ST_OK;
    Expr **expr = ARENA_ARRAY(context->arena, Expr *, count + 1);
    Str *name = ARENA_ARRAY(context->arena, Str, count + 1);
    bool same = true;
    for (uint32_t i = 0; i < count; i++) {
        // The types are those of the day the view was made.
        const Type *was = table->column[i].type, *is = (*plan)->type->child[i];
        Expr *column = expr_column(context->arena, i, is);
        expr[i] = type_equal_but_null(was, is)
                      ? column
                      : expr_cast(context->arena, column,
                                  type_attribute(context->arena, was, TIME_NONE), false);
        name[i] = table->column[i].name;
        same &= expr[i] == column && str_eq(name[i], (*plan)->type->field[i]);
    }
    if (!same) *plan = plan_project(context, *plan, expr, name, count);
    return ST_OK;
}

// OPTIONS('k' = 'v') among the hints of a table; NULL when there are none.
static Map *hint_options(Binder *binder, const AstHints *hints) {
    Map *found = NULL;
    for (uint32_t i = 0; i < hints->count; i++) {
        if (!str_eq_nocase(hints->at[i].name.name, STR("OPTIONS"))) continue;
        if (!found) found = plan_map(binder->context);
        for (uint32_t k = 0; k < hints->at[i].option.count; k++) {
            const AstOption *option = &hints->at[i].option.at[k];
            if (!option->value) continue;
            (void)map_put(found, option->key.name,
                          (void *)(uintptr_t)str_cstr(binder->arena, option->value->literal.text));
        }
    }
    return found;
}

Status bind_check_dynamic(const PlanContext *context, Place place, Error *err) {
    if (config_bool(context->config, "table.dynamic-table-options.enabled", true)) return ST_OK;
    return error_at(err, ST_VALIDATION, place,
                    "the OPTIONS hint is allowed only when 'table.dynamic-table-options.enabled' "
                    "is 'true'");
}

// What 'table.column-expansion-strategy' lets stars leave out of a table; NULL: nothing.
static Status unstarred(Binder *binder, const ObjectName *object, const bool **out, Error *err) {
    static const char *const WORDS[] = {"EXCLUDE_DEFAULT_VIRTUAL_METADATA_COLUMNS",
                                        "EXCLUDE_ALIASED_VIRTUAL_METADATA_COLUMNS"};
    const char *key = "table.column-expansion-strategy";
    Str list = str_c(config_get(binder->context->config, key));
    bool excluded[2] = {false, false};
    *out = NULL;
    for (uint32_t at = 0; at < list.len;) {
        int64_t end = str_find(list, STR(";"), at);
        uint32_t stop = end < 0 ? list.len : (uint32_t)end, w = 0;
        Str word = str_trim(str_sub(list, at, stop - at));
        while (w < 2 && !str_eq_nocase(word, str_c(WORDS[w]))) w++;
        if (w == 2) {
            return error_set(err, ST_VALIDATION, "'%s' cannot be '" STR_FMT "': it takes %s, %s",
                             key, STR_ARG(word), WORDS[0], WORDS[1]);
        }
        excluded[w] = true;
        at = stop + 1;
    }
    const Table *table = object->object.ptr ? catalogs_table(binder->context->catalogs, *object)
                                            : NULL;
    if (!table || table->kind == TABLE_VIEW || (!excluded[0] && !excluded[1])) return ST_OK;
    bool *left_out = ARENA_ARRAY(binder->arena, bool, table->column_count + 1);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->column[i];
        left_out[i] = column->kind == COL_METADATA && column->is_virtual &&
                      excluded[column->metadata_from];
    }
    *out = left_out;
    return ST_OK;
}

Status bind_named_table(Binder *binder, const AstName *name, const AstHints *hints,
                        Plan **plan, ObjectName *object, Error *err) {
    if (name->count == 1) {
        Cte *cte = cte_find(binder, name->part[0].name);
        if (cte && cte->plan) return *plan = cte->plan, ST_OK;
        if (cte) {
            return error_at(err, ST_UNSUPPORTED, name->span.place,
                            "WITH RECURSIVE is not supported");
        }
    }
    const Catalogs *catalogs = binder->context->catalogs;
    TRY(catalogs_resolve(catalogs, name, object, err));
    Table *table = catalogs_table(catalogs, *object);
    if (!table) {
        (void)error_at(err, ST_VALIDATION, name->span.place, "object '" STR_FMT "' not found",
                       STR_ARG(ast_name_last(*name)));
        const char *near = catalogs_nearest_table(catalogs, *object);
        if (near) error_hint(err, "did you mean '%s'?", near);
        return ST_VALIDATION;
    }
    plan_use(binder->context, USE_TABLE, table);
    TRY(bind_check_table_hints(hints, err));
    Map *options = hint_options(binder, hints);
    if (options) TRY(bind_check_dynamic(binder->context, name->span.place, err));
    if (table->kind == TABLE_VIEW) {
        if (options) {
            return error_at(err, ST_VALIDATION, name->span.place,
                            "view '" STR_FMT "' cannot be enriched with new options",
                            STR_ARG(table->name.object));
        }
        return bind_view(binder, table, name->span.place, plan, err);
    }
    return bind_table(binder->context, table, options, name->span.place, plan, err);
}

static Status bind_from_table(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope,
                              Error *err) {
    ObjectName object = {0};
    TRY(bind_named_table(binder, &from->table.name, &from->table.hints, plan, &object, err));
    Str alias = ast_ident_given(from->alias) ? from->alias.name : ast_name_last(from->table.name);
    TRY(bind_column_aliases(binder, plan, &from->column, err));
    *scope = scope_single(binder->arena, (*plan)->type, alias);
    if (!ast_ident_given(from->alias)) (*scope)->item[0].object = object;
    if (!from->column.count) TRY(unstarred(binder, &object, &(*scope)->item[0].unstarred, err));
    Expansion *expansion = binder->context->expansion;
    if (expansion) expansion_table(expansion, from, &object);
    return ST_OK;
}

Str bind_relation_alias(Binder *binder, const AstFrom *from) {
    Expansion *expansion = binder->context->expansion;
    if (!expansion || ast_ident_given(from->alias)) return from->alias.name;
    Str alias = expansion_alias(expansion, from);
    if (from->kind != FROM_UNNEST) expansion_relation(expansion, from, alias);
    return alias;
}

static Scope *relation_scope(Binder *binder, const AstFrom *from, Str alias, const Plan *plan) {
    Scope *scope = scope_single(binder->arena, plan->type, from->alias.name);
    scope->item[0].printed = alias;
    return scope;
}

// (VALUES 1, 2) AS x: the alias names the only column too.
static bool is_one_column_of_values(const AstQuery *query) {
    return query->kind == Q_VALUES && !query->order.count && !query->fetch && !query->offset &&
           query->values.at[0]->call->arg.count == 1;
}

static Status bind_relation(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope,
                            Error *err) {
    Str alias;
    switch (from->kind) {
        case FROM_TABLE:
            if (!from->as_of) return bind_from_table(binder, from, plan, scope, err);
            break;
        case FROM_QUERY:
            alias = bind_relation_alias(binder, from);
            TRY(bind_query_in(binder, binder->context, from->query, plan, err));
            if ((*plan)->said && !from->column.count) {  // names that cannot be told apart
                *scope = scope_single(binder->arena, (*plan)->said, from->alias.name);
                (*scope)->item[0].printed = alias;
                return ST_OK;
            }
            AstIdents names = from->column;
            AstIdent only = from->alias;
            if (!names.count && !from->lateral && ast_ident_given(only) &&
                is_one_column_of_values(from->query)) {
                names = (AstIdents){.at = &only, .count = 1};
            }
            TRY(bind_column_aliases(binder, plan, &names, err));
            *scope = relation_scope(binder, from, alias, *plan);
            return ST_OK;
        case FROM_FUNCTION:
            alias = bind_relation_alias(binder, from);
            TRY(bind_table_function(binder, from, plan, err));
            TRY(bind_column_aliases(binder, plan, &from->column, err));
            *scope = relation_scope(binder, from, alias, *plan);
            return ST_OK;
        case FROM_JOIN: return bind_join(binder, from, plan, scope, err);
        case FROM_UNNEST: return bind_unnest(binder, from, plan, scope, err);
        case FROM_MATCH: return bind_match(binder, from, plan, scope, err);
        default: break;
    }
    return error_at(err, ST_UNSUPPORTED, from->span.place, "%s is not supported here",
                    from->kind == FROM_PIVOT     ? "PIVOT"
                    : from->kind == FROM_UNPIVOT ? "UNPIVOT"
                                                 : "FOR SYSTEM_TIME AS OF");
}

// TABLESAMPLE: Flink plans those that leave all rows or none; SUBSTITUTE names a data set that no
// source has.
static Status bind_sample(Binder *binder, const AstFrom *from, Plan **plan, Error *err) {
    const AstSample *sample = from->sample;
    double percent;
    if (str_is(sample->method, "SUBSTITUTE")) return ST_OK;
    if (!str_to_f64(sample->amount->literal.text, &percent) || percent < 0 || percent > 100) {
        return error_at(err, ST_VALIDATION, sample->amount->span.place,
                        "TABLESAMPLE percentage must be between 0 and 100, inclusive");
    }
    if (percent > 0 && percent < 100) {
        (void)error_at(err, ST_UNSUPPORTED, sample->amount->span.place,
                       "TABLESAMPLE of a part of the rows is not supported");
        error_hint(err, "WHERE RAND() < 0.5 lets about a half of them pass");
        return ST_UNSUPPORTED;
    }
    if (percent > 0) return ST_OK;
    Plan *none = plan_new(binder->context, PLAN_FILTER, (*plan)->type, 1);
    none->input[0] = *plan;
    none->condition = expr_bool(binder->arena, false);
    *plan = none;
    return ST_OK;
}

Status bind_from(Binder *binder, const AstFrom *from, Plan **plan, Scope **scope, Error *err) {
    TRY(bind_relation(binder, from, plan, scope, err));
    return from->sample ? bind_sample(binder, from, plan, err) : ST_OK;
}
