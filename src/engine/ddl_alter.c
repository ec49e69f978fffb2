// ALTER TABLE and ALTER VIEW: a changed copy takes the table's place.
#include "engine/ddl.h"
#include "sql/print.h"

static Status rename_table(DdlContext *ddl, Table *table, const AstAlter *alter, Error *err) {
    Database *database =
        catalogs_database(ddl->catalogs, table->name.catalog, table->name.database);
    Str to = ast_name_last(alter->target);
    Map *tables = table->temporary ? &database->temporary_tables : &database->tables;
    if (map_has(tables, to)) {
        return error_at(err, ST_VALIDATION, alter->target.span.place,
                        "table (or view) '" STR_FMT "' already exists", STR_ARG(to));
    }
    Table *copy = ddl_table_copy(table);
    copy->name.object = str_dup(&copy->arena, to);
    table_unref(map_remove(tables, table->name.object));
    (void)map_put(tables, copy->name.object, copy);
    return ST_OK;
}

static Column *find(Table *table, const AstName *name, Error *err) {
    Column *column = (Column *)(uintptr_t)table_column(table, ast_name_last(*name));
    if (!column || name->count != 1) {
        (void)error_at(err, ST_VALIDATION, name->span.place,
                       "the column '" STR_FMT "' doesn't exist in the table",
                       STR_ARG(ast_name_last(*name)));
        return NULL;
    }
    return column;
}

static bool contains(const Str *names, uint32_t count, Str name) {
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(names[i], name)) return true;
    }
    return false;
}

// Columns that others are made of can neither go nor change their name. (A key's column may change
// its name: the key goes along.)
static Status check_unused(DdlContext *ddl, const Table *table, Str name, Place place, Error *err) {
    if (contains(table->partition_key, table->partition_key_count, name)) {
        return error_at(err, ST_VALIDATION, place,
                        "the column '" STR_FMT "' is used as a partition key", STR_ARG(name));
    }
    if (contains(table->distribution_column, table->distribution_column_count, name)) {
        return error_at(err, ST_VALIDATION, place,
                        "the column '" STR_FMT "' is used as a distribution key", STR_ARG(name));
    }
    Str quoted = str_printf(ddl->plan->arena, "`" STR_FMT "`", STR_ARG(name));
    if (table->watermark_expr.ptr && (str_eq(table->watermark_column, name) ||
                                      str_find(table->watermark_expr, quoted, 0) >= 0)) {
        return error_at(err, ST_VALIDATION, place,
                        "the column '" STR_FMT "' is referenced by the watermark expression",
                        STR_ARG(name));
    }
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->column[i];
        if (column->kind == COL_COMPUTED && !str_eq(column->name, name) &&
            str_find(column->expr, quoted, 0) >= 0) {
            return error_at(err, ST_VALIDATION, place,
                            "the column '" STR_FMT "' is referenced by computed column '" STR_FMT
                            "'",
                            STR_ARG(name), STR_ARG(column->name));
        }
    }
    return ST_OK;
}

static Status place_of(Table *table, const AstColumn *ast, uint32_t fallback, uint32_t *at,
                       Error *err) {
    *at = fallback;
    if (ast->position == POSITION_FIRST) *at = 0;
    if (ast->position != POSITION_AFTER) return ST_OK;
    Column *after = find(table, &ast->after, err);
    if (!after) return ST_VALIDATION;
    *at = (uint32_t)(after - table->column) + 1;
    return ST_OK;
}

static Status add_columns(DdlContext *ddl, Table *table, const AstSchema *schema, Error *err) {
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        if (table_column(table, ast_name_last(ast->name))) {
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "the column '" STR_FMT "' already exists in the table",
                            STR_ARG(ast_name_last(ast->name)));
        }
        Column *all = ARENA_ARRAY(&table->arena, Column, table->column_count + 2);
        uint32_t at;
        TRY(place_of(table, ast, table->column_count, &at, err));
        memcpy(all, table->column, at * sizeof *all);
        memcpy(all + at + 1, table->column + at, (table->column_count - at) * sizeof *all);
        TRY(ddl_column_add(ddl, table, ast, &all[at], err));
        table->column = all;
        table->column_count++;
        if (ast->constraint) TRY(ddl_key_add(table, ast->constraint, &ast->name.part[0], 1, err));
    }
    return ST_OK;
}

static Status modify_columns(DdlContext *ddl, Table *table, const AstSchema *schema, Error *err) {
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        Column *column = find(table, &ast->name, err);
        if (!column) return ST_VALIDATION;
        Column changed;
        TRY(ddl_column_add(ddl, table, ast, &changed, err));
        if (!changed.comment.ptr) changed.comment = column->comment;
        bool key = contains(table->primary_key, table->primary_key_count, changed.name);
        if (key && changed.kind == COL_PHYSICAL) {
            changed.type = type_nullable(&table->arena, changed.type, false);
        }
        if (ast->position == POSITION_UNSAID) {
            *column = changed;
            continue;
        }
        uint32_t from = (uint32_t)(column - table->column), at;
        memmove(column, column + 1, (table->column_count - from - 1) * sizeof *column);
        table->column_count--;
        TRY(place_of(table, ast, from, &at, err));
        memmove(table->column + at + 1, table->column + at,
                (table->column_count - at) * sizeof *column);
        table->column[at] = changed;
        table->column_count++;
    }
    return ST_OK;
}

static Status add_or_modify(DdlContext *ddl, Table *table, const AstAlter *alter, Error *err) {
    bool add = alter->kind == ALTER_ADD;
    const AstSchema *schema = &alter->schema;
    TRY(add ? add_columns(ddl, table, schema, err) : modify_columns(ddl, table, schema, err));
    for (uint32_t i = 0; i < schema->constraint_count; i++) {
        const AstConstraint *key = &schema->constraint[i];
        if (add == (table->primary_key_count > 0)) {
            return error_at(err, ST_VALIDATION, key->span.place,
                            add ? "the table has a primary key already: MODIFY it or "
                                  "drop it first"
                                : "the table has no primary key: ADD it");
        }
        table->primary_key_count = 0;
        TRY(ddl_key_add(table, key, key->column.at, key->column.count, err));
    }
    for (uint32_t i = 0; i < schema->watermark_count; i++) {
        if (add == (table->watermark_expr.ptr != NULL)) {
            return error_at(err, ST_VALIDATION, schema->watermark[i].span.place,
                            add ? "the table has a watermark already: MODIFY it or drop it first"
                                : "the table has no watermark: ADD it");
        }
        TRY(ddl_watermark_add(ddl, table, &schema->watermark[i], err));
    }
    if (schema->distribution) {
        if (add == table->distributed) {
            return error_at(
                err, ST_VALIDATION, schema->distribution->span.place,
                add ? "the table has a distribution already" : "the table has no distribution");
        }
        TRY(ddl_distribution_add(table, schema->distribution, err));
    }
    return ddl_table_finish(ddl, table, alter->name.span.place, err);
}

static Status drop_columns(DdlContext *ddl, Table *table, const AstAlter *alter, Error *err) {
    for (uint32_t i = 0; i < alter->columns.count; i++) {
        const AstName *column = &alter->columns.at[i];
        Str name = ast_name_last(*column);
        if (!find(table, column, err)) return ST_VALIDATION;
        if (contains(table->primary_key, table->primary_key_count, name)) {
            return error_at(err, ST_VALIDATION, column->span.place,
                            "the column '" STR_FMT "' is used as the primary key", STR_ARG(name));
        }
        for (uint32_t k = 0; k < i; k++) {
            if (!str_eq(ast_name_last(alter->columns.at[k]), name)) continue;
            return error_at(err, ST_VALIDATION, column->span.place,
                            "duplicate column '" STR_FMT "'", STR_ARG(name));
        }
    }
    // Columns that refer to each other may go together: computed ones first.
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < alter->columns.count; i++) {
            Str name = ast_name_last(alter->columns.at[i]);
            Column *column = (Column *)(uintptr_t)table_column(table, name);
            if (!column || (column->kind == COL_COMPUTED) != (pass == 0)) continue;
            TRY(check_unused(ddl, table, name, alter->columns.at[i].span.place, err));
            uint32_t at = (uint32_t)(column - table->column);
            memmove(column, column + 1, (table->column_count - at - 1) * sizeof *column);
            table->column_count--;
        }
    }
    return ddl_table_finish(ddl, table, alter->name.span.place, err);
}

static Status rename_column(DdlContext *ddl, Table *table, const AstAlter *alter, Error *err) {
    Column *column = find(table, &alter->column, err);
    if (!column) return ST_VALIDATION;
    Str to = ast_name_last(alter->target);
    if (table_column(table, to)) {
        return error_at(err, ST_VALIDATION, alter->target.span.place,
                        "the column '" STR_FMT "' already exists in the table", STR_ARG(to));
    }
    TRY(check_unused(ddl, table, column->name, alter->column.span.place, err));
    Str from = column->name;
    column->name = str_dup(&table->arena, to);
    for (uint32_t i = 0; i < table->primary_key_count; i++) {
        if (str_eq(table->primary_key[i], from)) table->primary_key[i] = column->name;
    }
    return ST_OK;
}

static Status reset_options(Table *table, const AstAlter *alter, Error *err) {
    if (!alter->options.count) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "ALTER TABLE RESET does not support empty key");
    }
    for (uint32_t i = 0; i < alter->options.count; i++) {
        if (str_is(alter->options.at[i].key.name, "connector")) {
            return error_at(err, ST_VALIDATION, alter->options.at[i].span.place,
                            "ALTER TABLE RESET does not support changing 'connector'");
        }
        (void)map_remove(&table->options, alter->options.at[i].key.name);
    }
    return ST_OK;
}

// What a partition is called: `a=1/b=2`, in the order of the table's keys.
static Status partition_text(DdlContext *ddl, const Table *table, const AstOptions *spec, Str *out,
                             Error *err) {
    Buf text = {0};
    uint32_t found = 0;
    for (uint32_t k = 0; k < table->partition_key_count; k++) {
        for (uint32_t i = 0; i < spec->count; i++) {
            const AstOption *part = &spec->at[i];
            if (!str_eq(part->key.name, table->partition_key[k]) || !part->value) continue;
            buf_printf(&text, "%s" STR_FMT "=" STR_FMT, found++ ? "/" : "", STR_ARG(part->key.name),
                       STR_ARG(part->value->literal.text));
        }
    }
    *out = str_dup(ddl->plan->arena, buf_str(&text));
    buf_free(&text);
    if (found == table->partition_key_count && found == spec->count) return ST_OK;
    return error_set(err, ST_VALIDATION, "the partition has other keys than the table");
}

// The catalog keeps what it is told of partitions; connectors find theirs themselves.
static Status change_partitions(DdlContext *ddl, Table *table, const AstAlter *alter, Error *err) {
    bool add = alter->kind == ALTER_ADD_PARTITION;
    Place place = alter->name.span.place;
    if (!table->partition_key_count) {
        return error_at(err, ST_VALIDATION, place, "the table is not partitioned");
    }
    for (uint32_t i = 0; i < alter->partition_count; i++) {
        Str text;
        TRY(partition_text(ddl, table, &alter->partition[i], &text, err));
        if (map_has(&table->partitions, text) == add && !alter->partition_if) {
            return error_at(err, ST_VALIDATION, place, "partition " STR_FMT " %s", STR_ARG(text),
                            add ? "exists already" : "does not exist");
        }
        if (add) (void)map_put(&table->partitions, text, table);
        else (void)map_remove(&table->partitions, text);
    }
    return ST_OK;
}

static Status change_table(DdlContext *ddl, Table *table, const AstAlter *alter, Error *err) {
    switch (alter->kind) {
        case ALTER_SET:
            return ddl_options(&table->arena, &table->options, &alter->options, true, err);
        case ALTER_RESET: return reset_options(table, alter, err);
        case ALTER_ADD:
        case ALTER_MODIFY: return add_or_modify(ddl, table, alter, err);
        case ALTER_DROP_COLUMN: return drop_columns(ddl, table, alter, err);
        case ALTER_RENAME_COLUMN: return rename_column(ddl, table, alter, err);
        case ALTER_DROP_PRIMARY_KEY:
        case ALTER_DROP_CONSTRAINT:
            if (!table->primary_key_count) {
                return error_at(err, ST_VALIDATION, alter->name.span.place,
                                "the table does not define any primary key");
            }
            if (alter->kind == ALTER_DROP_CONSTRAINT &&
                !str_eq(ast_name_last(alter->target), table->constraint_name)) {
                return error_at(err, ST_VALIDATION, alter->target.span.place,
                                "the table does not define a primary key "
                                "constraint named '" STR_FMT "'",
                                STR_ARG(ast_name_last(alter->target)));
            }
            table->primary_key_count = 0;
            return ST_OK;
        case ALTER_DROP_WATERMARK:
            if (!table->watermark_expr.ptr) {
                return error_at(err, ST_VALIDATION, alter->name.span.place,
                                "the table does not define any watermark strategy");
            }
            table->watermark_expr = table->watermark_column = (Str){0};
            return ddl_table_finish(ddl, table, alter->name.span.place, err);
        case ALTER_DROP_DISTRIBUTION:
            if (!table->distributed) {
                return error_at(err, ST_VALIDATION, alter->name.span.place,
                                "the table does not define any distribution");
            }
            table->distributed = false;
            table->distribution_column_count = 0;
            return ST_OK;
        case ALTER_ADD_PARTITION:
        case ALTER_DROP_PARTITION: return change_partitions(ddl, table, alter, err);
        case ALTER_COMMENT: table->comment = str_dup(&table->arena, alter->comment); return ST_OK;
        default:
            return error_at(err, ST_UNSUPPORTED, alter->name.span.place,
                            "this form of ALTER TABLE is not supported yet");
    }
}

Status ddl_alter_table(DdlContext *ddl, const AstAlter *alter, Error *err) {
    ObjectName name;
    Table *table;
    TRY(ddl_resolve_table(ddl, &alter->name, &name, &table, err));
    if (!table || table->temporary) {
        bool drop = alter->kind == ALTER_DROP_PARTITION && alter->partition_if;
        if (alter->if_exists || drop) return ST_OK;
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "table `" STR_FMT "`.`" STR_FMT "`.`" STR_FMT
                        "` doesn't exist or is a temporary table",
                        STR_ARG(name.catalog), STR_ARG(name.database), STR_ARG(name.object));
    }
    if (table->kind == TABLE_VIEW || table->materialized) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "ALTER TABLE for a %s is not allowed",
                        table->materialized ? "materialized table" : "view");
    }
    if (alter->kind == ALTER_RENAME) return rename_table(ddl, table, alter, err);
    Table *copy = ddl_table_copy(table);
    Status st = change_table(ddl, copy, alter, err);
    if (st) {
        table_unref(copy);
        return st;
    }
    return ddl_table_replace(ddl, table, copy, err);
}

Status ddl_alter_view(DdlContext *ddl, const AstAlter *alter, Error *err) {
    ObjectName name;
    Table *view;
    TRY(ddl_resolve_table(ddl, &alter->name, &name, &view, err));
    if (!view || view->kind != TABLE_VIEW) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "view '" STR_FMT "' doesn't exist", STR_ARG(name.object));
    }
    if (view->temporary) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "view '" STR_FMT
                        "' is temporary and cannot be altered: drop it and create another",
                        STR_ARG(name.object));
    }
    if (alter->kind == ALTER_RENAME) return rename_table(ddl, view, alter, err);
    Table *copy = ddl_table_copy(view);
    Status st = ST_OK;
    if (alter->kind == ALTER_AS) {
        st = ddl_view_redefine(ddl, copy, alter->query, err);
    } else if (alter->kind == ALTER_SET) {
        st = ddl_options(&copy->arena, &copy->options, &alter->options, true, err);
    } else {
        st = error_at(err, ST_UNSUPPORTED, alter->name.span.place,
                      "this form of ALTER VIEW is not supported");
    }
    if (st) {
        table_unref(copy);
        return st;
    }
    return ddl_table_replace(ddl, view, copy, err);
}
