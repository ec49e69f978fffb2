// INSERT INTO: the query's columns become the table's, by position or by the column list.
#include "plan/bind.h"

Status table_describe(PlanContext *context, Table *table, const Map *hints, bool as_sink,
                      Place place, TableDesc **out, const Connector **connector, Error *err);

typedef struct SinkColumns {
    Expr **expr;      // per sink column; NULL until assigned
    const Column **column;
    uint32_t count, physical;
} SinkColumns;

// The columns a sink takes: physical ones, then metadata that is not VIRTUAL.
static void sink_columns(Arena *arena, const Table *table, SinkColumns *out) {
    *out = (SinkColumns){.expr = ARENA_ARRAY(arena, Expr *, table->column_count + 1),
                         .column = ARENA_ARRAY(arena, const Column *, table->column_count + 1)};
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->column[i].kind == COL_PHYSICAL) out->column[out->count++] = &table->column[i];
    }
    out->physical = out->count;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->column[i];
        if (column->kind == COL_METADATA && !column->is_virtual) out->column[out->count++] = column;
    }
}

static int64_t sink_column_find(const SinkColumns *columns, Str name) {
    for (uint32_t i = 0; i < columns->count; i++) {
        if (str_eq(columns->column[i]->name, name)) return i;
    }
    return -1;
}

// The sink columns in the order the query's columns go to: the list given, or the declared order
// (columns persisted, in the table's order) without those of PARTITION (k = v).
static Status insert_targets(const AstInsert *insert, const Table *table, SinkColumns *columns,
                             uint32_t *target, uint32_t *count, Error *err) {
    *count = 0;
    if (insert->column.count) {
        for (uint32_t i = 0; i < insert->column.count; i++) {
            const AstName *name = &insert->column.at[i];
            int64_t at = sink_column_find(columns, ast_name_last(*name));
            if (at < 0 || name->count != 1) {
                return error_at(err, ST_VALIDATION, name->span.place,
                                "unknown target column '" STR_FMT "'",
                                STR_ARG(ast_name_last(*name)));
            }
            for (uint32_t j = 0; j < *count; j++) {
                if (target[j] == at) {
                    return error_at(err, ST_VALIDATION, name->span.place,
                                    "target column '" STR_FMT "' is assigned more than once",
                                    STR_ARG(ast_name_last(*name)));
                }
            }
            target[(*count)++] = (uint32_t)at;
        }
        return ST_OK;
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        int64_t at = sink_column_find(columns, table->column[i].name);
        if (at >= 0 && !columns->expr[at]) target[(*count)++] = (uint32_t)at;
    }
    return ST_OK;
}

static Status insert_partition(PlanContext *context, const AstInsert *insert, const Table *table,
                               SinkColumns *columns, Error *err) {
    for (uint32_t i = 0; i < insert->partition.count; i++) {
        const AstOption *option = &insert->partition.at[i];
        bool is_key = false;
        for (uint32_t k = 0; k < table->partition_key_count; k++) {
            is_key |= str_eq(table->partition_key[k], option->key.name);
        }
        int64_t at = sink_column_find(columns, option->key.name);
        if (!is_key || at < 0) {
            return error_at(err, ST_VALIDATION, option->span.place,
                            "'" STR_FMT "' is no partition column of '" STR_FMT "'",
                            STR_ARG(option->key.name), STR_ARG(table->name.object));
        }
        if (!option->value) continue;
        if (columns->expr[at]) {
            return error_at(err, ST_VALIDATION, option->span.place,
                            "target column '" STR_FMT "' is assigned more than once",
                            STR_ARG(option->key.name));
        }
        Binder binder = {.context = context, .arena = context->arena};
        binder.scope =
            scope_single(context->arena, type_row(context->arena, 0, NULL, NULL, false), (Str){0});
        TRY(bind_expr(&binder, option->value, &columns->expr[at], err));
        const Type *wanted = type_nullable(context->arena, columns->column[at]->type, false);
        if (cast_allowed(columns->expr[at]->type, wanted)) {  // PARTITION (p = 5) of a STRING
            columns->expr[at] = expr_cast(context->arena, columns->expr[at], wanted, false);
        }
    }
    return ST_OK;
}

// The settings that a sink reads when it opens must be words that it knows.
static Status check_enforcers(const PlanContext *context, Error *err) {
    static const struct {
        const char *key;
        const char *word[4];
    } KNOWN[] = {
        {"table.exec.sink.not-null-enforcer", {"ERROR", "DROP"}},
        {"table.exec.sink.type-length-enforcer", {"IGNORE", "TRIM_PAD", "ERROR"}},
    };
    for (size_t k = 0; k < sizeof KNOWN / sizeof *KNOWN; k++) {
        const char *value = config_get(context->config, KNOWN[k].key);
        bool known = !value;
        for (uint32_t w = 0; !known && KNOWN[k].word[w]; w++) {
            known = str_eq_nocase(str_c(value), str_c(KNOWN[k].word[w]));
        }
        if (!known) {
            return error_set(err, ST_VALIDATION, "'%s' cannot be '%s'", KNOWN[k].key, value);
        }
    }
    return ST_OK;
}

static Status type_mismatch(const AstInsert *insert, const Table *table, const Column *column,
                            const Type *given, Error *err) {
    Buf a = {0}, b = {0};
    type_print_summary(given, true, &a);
    type_print_summary(column->type, true, &b);
    Status st = error_at(err, ST_VALIDATION, insert->query->span.place,
                         "column types of query result and sink for '" STR_FMT
                         "' do not match: incompatible "
                         "types for sink column '" STR_FMT "': query gives " STR_FMT
                         ", sink takes " STR_FMT,
                         STR_ARG(table->name.object), STR_ARG(column->name), STR_ARG(buf_str(&a)),
                         STR_ARG(buf_str(&b)));
    buf_free(&a);
    buf_free(&b);
    return st;
}

static Status sink_plan(PlanContext *context, const AstInsert *insert, Table *table,
                        TableDesc *desc, const Connector *connector, SinkColumns *columns,
                        Plan *query, Plan **out, Error *err) {
    Arena *arena = context->arena;
    uint32_t count = columns->count;
    if (insert->overwrite && !context->env->batch) {
        return error_at(err, ST_VALIDATION, insert->table.span.place,
                        "INSERT OVERWRITE needs batch mode: a stream has no end at which to "
                        "replace the old rows");
    }
    Str *name = ARENA_ARRAY(arena, Str, count + 1);
    MetadataColumn *metadata = ARENA_ARRAY(arena, MetadataColumn, count + 1);
    Plan *sink = plan_new(context, PLAN_SINK, NULL, 1);
    TRY(table_parallelism(table, desc->options.map, true, insert->table.span.place,
                          &sink->parallelism, err));
    sink->not_null = ARENA_ARRAY(arena, uint8_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const Column *column = columns->column[i];
        const Type *wanted = column->type;
        name[i] = column->name;
        if (!columns->expr[i]) {
            if (!wanted->nullable) {
                return error_at(err, ST_VALIDATION, insert->table.span.place,
                                "column '" STR_FMT
                                "' has no default value and does not allow NULLs",
                                STR_ARG(column->name));
            }
            columns->expr[i] = expr_null(arena, wanted);
        }
        Expr *expr = columns->expr[i];
        if (!type_casts_implicitly(expr->type, wanted)) {
            return type_mismatch(insert, table, column, expr->type, err);
        }
        columns->expr[i] =
            expr_cast(arena, expr, type_nullable(arena, wanted, expr->type->nullable), false);
        TRY(expr_fold(context, &columns->expr[i], err));
        sink->not_null[i] = !wanted->nullable;
        if (i >= columns->physical) {
            bool writable = false;
            const Type *type = connector->metadata_type
                ? connector->metadata_type(arena, desc, column->metadata_key, &writable) : NULL;
            if (!type || !writable) {
                return error_at(
                    err, ST_VALIDATION, insert->table.span.place,
                    "metadata '" STR_FMT "' of column '" STR_FMT "' cannot be written by '%s'",
                    STR_ARG(column->metadata_key), STR_ARG(column->name), connector->name);
            }
            metadata[i - columns->physical] = (MetadataColumn){column->metadata_key, type};
            columns->expr[i] = expr_cast(arena, columns->expr[i], type, false);
        }
    }
    Plan *project = plan_project(context, query, columns->expr, name, count);
    SinkSpec *spec = ARENA_NEW(arena, SinkSpec);
    spec->table = desc;
    spec->schema = project->type;
    spec->metadata = metadata;
    spec->metadata_count = count - columns->physical;
    spec->overwrite = insert->overwrite;
    sink->type = project->type;
    sink->input[0] = project;
    sink->sink = spec;
    sink->table = table;
    sink->conflict = (uint8_t)insert->on_conflict;
    sink->desc = desc;
    sink->connector = connector;
    *out = sink;
    return ST_OK;
}

Status bind_insert(PlanContext *context, const AstInsert *insert, Plan **out, Error *err) {
    ObjectName object;
    Arena *arena = context->arena;
    if (insert->upsert) {
        return error_at(err, ST_VALIDATION, insert->table.span.place,
                        "UPSERT INTO is not supported: use INSERT INTO");
    }
    TRY(check_enforcers(context, err));
    TRY(catalogs_resolve(context->catalogs, &insert->table, &object, err));
    Table *table = catalogs_table(context->catalogs, object);
    if (!table) {
        (void)error_at(err, ST_VALIDATION, insert->table.span.place,
                       "table '" STR_FMT "' not found", STR_ARG(object.object));
        const char *near = catalogs_nearest_table(context->catalogs, object);
        if (near) error_hint(err, "did you mean '%s'?", near);
        return ST_VALIDATION;
    }
    plan_use(context, USE_TABLE, table);
    if (table->kind == TABLE_VIEW) {
        return error_at(err, ST_VALIDATION, insert->table.span.place,
                        "'" STR_FMT
                        "' is a view and cannot be "
                        "inserted into",
                        STR_ARG(object.object));
    }
    if (insert->overwrite && !context->batch) {
        return error_at(err, ST_VALIDATION, insert->table.span.place,
                        "streaming mode not support overwrite: INSERT OVERWRITE runs with "
                        "'execution.runtime-mode' = 'batch'");
    }
    if (table->distributed) {
        return error_at(err, ST_VALIDATION, insert->table.span.place,
                        "table '" STR_FMT
                        "' is distributed into buckets, but its connector does not write buckets",
                        STR_ARG(object.object));
    }
    Map *hints = NULL;
    for (uint32_t h = 0; h < insert->hints.count; h++) {
        const AstHint *hint = &insert->hints.at[h];
        if (!str_eq_nocase(hint->name.name, STR("OPTIONS"))) continue;
        TRY(bind_check_dynamic(context, hint->span.place, err));
        if (!hints) hints = plan_map(context);
        for (uint32_t k = 0; k < hint->option.count; k++) {
            if (!hint->option.at[k].value) continue;
            (void)map_put(
                hints, hint->option.at[k].key.name,
                (void *)(uintptr_t)str_cstr(arena, hint->option.at[k].value->literal.text));
        }
    }
    TableDesc *desc;
    const Connector *connector;
    TRY(table_describe(context, table, hints, true, insert->table.span.place, &desc, &connector,
                       err));
    Plan *query;
    TRY(bind_query(context, insert->query, &query, err));
    SinkColumns columns;
    sink_columns(arena, table, &columns);
    TRY(insert_partition(context, insert, table, &columns, err));
    uint32_t *target = ARENA_ARRAY(arena, uint32_t, columns.count + insert->column.count + 1),
             count;
    TRY(insert_targets(insert, table, &columns, target, &count, err));
    if (count != query->type->child_count) {
        return error_at(err, ST_VALIDATION, insert->query->span.place,
                        "column types of query result and sink for '" STR_FMT
                        "' do not match: different number "
                        "of columns: the query gives %u, the sink takes %u",
                        STR_ARG(object.object), query->type->child_count, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        columns.expr[target[i]] = expr_column(arena, i, query->type->child[i]);
    }
    return sink_plan(context, insert, table, desc, connector, &columns, query, out, err);
}
