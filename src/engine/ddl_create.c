// CREATE TABLE, CREATE VIEW and DROP.
#include "engine/ddl.h"

static Status column_add(DdlContext *ddl, Table *table, const AstColumn *ast, Column *out, Error *err) {
    Arena *arena = &table->arena;
    *out = (Column){.name = str_dup(arena, ast_name_last(ast->name)), .comment = ast->comment};
    if (ast->comment.ptr) out->comment = str_dup(arena, ast->comment);
    switch (ast->kind) {
        case COLUMN_PHYSICAL:
            out->kind = COL_PHYSICAL;
            return bind_type(arena, ast->type, &out->type, err);
        case COLUMN_METADATA:
            out->kind = COL_METADATA;
            out->is_virtual = ast->is_virtual;
            out->metadata_from = ast->metadata_key.ptr != NULL;
            out->metadata_key = out->metadata_from ? str_dup(arena, ast->metadata_key) : out->name;
            return bind_type(arena, ast->type, &out->type, err);
        case COLUMN_COMPUTED:
            out->kind = COL_COMPUTED;
            out->expr = str_dup(arena, sql_slice(ddl->text, ast->expr->span));
            return ST_OK;
        default:
            return error_at(err, ST_VALIDATION, ast->span.place, "column '" STR_FMT "' needs a type",
                            STR_ARG(out->name));
    }
}

// The row that computed columns and the watermark see: all columns but computed ones.
static const Type *base_row(DdlContext *ddl, const Table *table, bool with_computed) {
    Arena *arena = ddl->plan->arena;
    const Type **child = ARENA_ARRAY(arena, const Type *, table->column_count + 1);
    Str *name = ARENA_ARRAY(arena, Str, table->column_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->column[i];
        if (column->kind == COL_COMPUTED && !with_computed) continue;
        child[count] = column->type;
        name[count++] = column->name;
    }
    return type_row(arena, count, child, name, false);
}

static Status columns_finish(DdlContext *ddl, Table *table, const AstSchema *schema, Error *err) {
    const Type *row = base_row(ddl, table, false);
    for (uint32_t i = 0; i < table->column_count; i++) {
        Column *column = &table->column[i];
        if (column->kind != COL_COMPUTED) continue;
        Expr *expr;
        TRY(bind_row_expr(ddl->plan, schema->column[i].expr, row, &expr, err));
        column->type = type_dup(&table->arena, expr->type);
    }
    return ST_OK;
}

static Status key_add(Table *table, const AstConstraint *key, const AstIdent *column, uint32_t count,
                      Error *err) {
    if (key->enforced != NOT_ENFORCED) {
        (void)error_at(err, ST_VALIDATION, key->span.place,
                       "Flink doesn't support ENFORCED mode for PRIMARY KEY constraint");
        error_hint(err, "write PRIMARY KEY (…) NOT ENFORCED: the key is yours to keep");
        return ST_VALIDATION;
    }
    if (key->unique) return error_at(err, ST_VALIDATION, key->span.place, "UNIQUE constraint is not supported yet");
    if (table->primary_key_count) {
        return error_at(err, ST_VALIDATION, key->span.place, "duplicate primary key definition");
    }
    table->constraint_name = ast_ident_given(key->name) ? str_dup(&table->arena, key->name.name) : (Str){0};
    table->primary_key = ARENA_ARRAY(&table->arena, Str, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        Column *found = (Column *)(uintptr_t)table_column(table, column[i].name);
        if (!found || found->kind != COL_PHYSICAL) {
            return error_at(err, ST_VALIDATION, column[i].span.place,
                            "primary key column '" STR_FMT "' is not defined in the schema or is no physical "
                            "column", STR_ARG(column[i].name));
        }
        found->type = type_nullable(&table->arena, found->type, false);
        table->primary_key[table->primary_key_count++] = found->name;
    }
    return ST_OK;
}

static Status watermark_add(DdlContext *ddl, Table *table, const AstWatermark *mark, Error *err) {
    Column *column = (Column *)(uintptr_t)table_column(table, ast_name_last(mark->column));
    if (!column || mark->column.count != 1) {
        return error_at(err, ST_VALIDATION, mark->column.span.place,
                        "the rowtime attribute field '" STR_FMT "' is not defined in the table schema",
                        STR_ARG(ast_name_last(mark->column)));
    }
    if (!type_is_timestamp(column->type) || column->type->precision > 3) {
        Buf text = {0};
        type_print_summary(column->type, false, &text);
        Status st = error_at(err, ST_VALIDATION, mark->column.span.place,
                             "the watermark column '" STR_FMT "' must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p "
                             "from 0 to 3, but is " STR_FMT, STR_ARG(column->name), STR_ARG(buf_str(&text)));
        buf_free(&text);
        return st;
    }
    Expr *expr;
    TRY(bind_row_expr(ddl->plan, mark->expr, base_row(ddl, table, true), &expr, err));
    if (!type_is_timestamp(expr->type) || expr->type->precision > 3) {
        return error_at(err, ST_VALIDATION, mark->expr->span.place,
                        "the watermark expression must give a TIMESTAMP or TIMESTAMP_LTZ of precision 0 to 3");
    }
    column->type = type_attribute(&table->arena, column->type, TIME_ROWTIME);
    table->watermark_column = column->name;
    table->watermark_expr = str_dup(&table->arena, sql_slice(ddl->text, mark->expr->span));
    return ST_OK;
}

static Status schema_add(DdlContext *ddl, Table *table, const AstSchema *schema, Error *err) {
    table->column = ARENA_ARRAY(&table->arena, Column, schema->column_count + 1);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        if (table_column(table, ast_name_last(ast->name))) {
            return error_at(err, ST_VALIDATION, ast->span.place, "a column named '" STR_FMT "' already exists",
                            STR_ARG(ast_name_last(ast->name)));
        }
        TRY(column_add(ddl, table, ast, &table->column[i], err));
        table->column_count++;
    }
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        if (ast->constraint) TRY(key_add(table, ast->constraint, &ast->name.part[ast->name.count - 1], 1, err));
    }
    for (uint32_t i = 0; i < schema->constraint_count; i++) {
        const AstConstraint *key = &schema->constraint[i];
        TRY(key_add(table, key, key->column.at, key->column.count, err));
    }
    TRY(columns_finish(ddl, table, schema, err));
    if (schema->watermark_count > 1) {
        return error_at(err, ST_VALIDATION, schema->watermark[1].span.place,
                        "multiple WATERMARK declarations are not supported yet");
    }
    if (schema->watermark_count) TRY(watermark_add(ddl, table, &schema->watermark[0], err));
    return ST_OK;
}

static Status options_add(Table *table, const AstOptions *options, Error *err) {
    for (uint32_t i = 0; i < options->count; i++) {
        const AstOption *option = &options->at[i];
        if (map_has(&table->options, option->key.name)) {
            return error_at(err, ST_VALIDATION, option->span.place, "option '" STR_FMT "' is given twice",
                            STR_ARG(option->key.name));
        }
        (void)map_put(&table->options, option->key.name,
                      (void *)(uintptr_t)str_cstr(&table->arena, option->value->literal.text));
    }
    return ST_OK;
}

// Publishes [table] under its name; takes the reference.
static Status table_publish(DdlContext *ddl, Table *table, const AstName *name, bool if_not_exists,
                            bool replace, Error *err) {
    ObjectName full;
    Status st = catalogs_resolve(ddl->catalogs, name, &full, err);
    Database *database = st ? NULL : catalogs_database(ddl->catalogs, full.catalog, full.database);
    if (!st && !database) {
        st = error_at(err, ST_VALIDATION, name->span.place, "database '" STR_FMT "." STR_FMT "' does not exist",
                      STR_ARG(full.catalog), STR_ARG(full.database));
    }
    if (!st) {
        table->name = (ObjectName){str_dup(&table->arena, full.catalog), str_dup(&table->arena, full.database),
                                   str_dup(&table->arena, full.object)};
        Map *into = table->temporary ? &database->temporary_tables : &database->tables;
        Table *old = map_get(into, full.object);
        if (old && !replace) {
            if (!if_not_exists) {
                st = error_at(err, ST_VALIDATION, name->span.place,
                              "table (or view) " STR_FMT "." STR_FMT " already exists in catalog " STR_FMT,
                              STR_ARG(full.database), STR_ARG(full.object), STR_ARG(full.catalog));
            }
            table_unref(table);
            return st;
        }
        table_unref(map_put(into, full.object, table));
        return ST_OK;
    }
    table_unref(table);
    return st;
}

Status ddl_create_table(DdlContext *ddl, const AstCreateTable *create, Error *err) {
    if (create->like || create->query) {
        return error_at(err, ST_UNSUPPORTED, create->name.span.place, "CREATE TABLE … %s is not supported yet",
                        create->like ? "LIKE" : "AS");
    }
    Table *table = table_new(TABLE_BASE);
    table->temporary = create->temporary;
    if (create->comment.ptr) table->comment = str_dup(&table->arena, create->comment);
    Status st = schema_add(ddl, table, &create->schema, err);
    if (!st) st = options_add(table, &create->options, err);
    table->partition_key = ARENA_ARRAY(&table->arena, Str, create->partition.count + 1);
    for (uint32_t i = 0; i < create->partition.count && !st; i++) {
        const AstIdent *key = &create->partition.at[i];
        const Column *column = table_column(table, key->name);
        if (!column) {
            st = error_at(err, ST_VALIDATION, key->span.place, "partition column '" STR_FMT
                          "' not defined in the table schema", STR_ARG(key->name));
            break;
        }
        table->partition_key[table->partition_key_count++] = column->name;
    }
    if (st) {
        table_unref(table);
        return st;
    }
    return table_publish(ddl, table, &create->name, create->if_not_exists, create->or_replace, err);
}

Status ddl_create_view(DdlContext *ddl, const AstCreateView *create, Error *err) {
    Plan *plan;
    TRY(bind_query(ddl->plan, create->query, &plan, err));
    const Type *row = plan->type;
    if (create->column.count && create->column.count != row->child_count) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "VIEW definition and input fields not match: %u names for %u columns",
                        create->column.count, row->child_count);
    }
    Table *view = table_new(TABLE_VIEW);
    view->temporary = create->temporary;
    if (create->comment.ptr) view->comment = str_dup(&view->arena, create->comment);
    view->column = ARENA_ARRAY(&view->arena, Column, row->child_count + 1);
    view->column_count = row->child_count;
    for (uint32_t i = 0; i < row->child_count; i++) {
        Str name = create->column.count ? create->column.at[i].name : row->field[i];
        view->column[i] = (Column){.name = str_dup(&view->arena, name),
                                   .type = type_dup(&view->arena, row->child[i])};
    }
    view->view_original = str_dup(&view->arena, sql_slice(ddl->text, create->query->span));
    view->view_expanded = view->view_original;
    return table_publish(ddl, view, &create->name, create->if_not_exists, create->replace, err);
}

Status ddl_drop(DdlContext *ddl, const AstDrop *drop, Error *err) {
    if (drop->what != OBJ_TABLE && drop->what != OBJ_VIEW) return ST_END;
    ObjectName name;
    TRY(catalogs_resolve(ddl->catalogs, &drop->name, &name, err));
    Database *database = catalogs_database(ddl->catalogs, name.catalog, name.database);
    Map *from = database ? (drop->temporary ? &database->temporary_tables : &database->tables) : NULL;
    Table *table = from ? map_get(from, name.object) : NULL;
    bool view = drop->what == OBJ_VIEW;
    if (!table || (table->kind == TABLE_VIEW) != view) {
        if (drop->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, drop->name.span.place, "%s with identifier '" STR_FMT "." STR_FMT
                        "." STR_FMT "' does not exist", view ? "view" : "table", STR_ARG(name.catalog),
                        STR_ARG(name.database), STR_ARG(name.object));
    }
    table_unref(map_remove(from, name.object));
    return ST_OK;
}
