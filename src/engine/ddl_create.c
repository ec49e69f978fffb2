// CREATE TABLE (with LIKE and AS) and CREATE VIEW.
#include "engine/ddl.h"
#include "engine/state_source.h"
#include "sql/print.h"

// ---- columns -----------------------------------------------------------------------------------

// The expression as Flink shows it, which is also what is parsed again when the table is used.
static Str expr_as_text(Arena *arena, const AstExpr *expr) {
    Buf text = {0};
    sql_print_expr(expr, SQL_FLINK, &text);
    Str copy = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

Status ddl_column_add(DdlContext *ddl, Table *table, const AstColumn *ast, Column *out,
                      Error *err) {
    (void)ddl;
    Arena *arena = &table->arena;
    *out = (Column){.name = str_dup(arena, ast_name_last(ast->name))};
    if (ast->comment.ptr) out->comment = str_dup(arena, ast->comment);
    switch (ast->kind) {
        case COLUMN_PHYSICAL:
            out->kind = COL_PHYSICAL;
            TRY(bind_type(arena, ast->type, &out->type, err));
            out->type = type_dup(arena, out->type);
            return ST_OK;
        case COLUMN_METADATA:
            out->kind = COL_METADATA;
            out->is_virtual = ast->is_virtual;
            out->metadata_from = ast->metadata_key.ptr != NULL;
            out->metadata_key = out->metadata_from ? str_dup(arena, ast->metadata_key) : out->name;
            TRY(bind_type(arena, ast->type, &out->type, err));
            out->type = type_dup(arena, out->type);
            return ST_OK;
        case COLUMN_COMPUTED:
            out->kind = COL_COMPUTED;
            out->expr = expr_as_text(arena, ast->expr);
            return ST_OK;
        default:
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "column '" STR_FMT "' needs a type", STR_ARG(out->name));
    }
}

// The row that computed columns see (all but computed ones), and the watermark sees (all).
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

static Status watermark_check(DdlContext *ddl, Table *table, Place place, Error *err) {
    if (!table->watermark_expr.ptr) return ST_OK;
    Column *column = (Column *)(uintptr_t)table_column(table, table->watermark_column);
    if (!column) {
        return error_at(err, ST_VALIDATION, place,
                        "the rowtime attribute field '" STR_FMT
                        "' is not defined in the table schema",
                        STR_ARG(table->watermark_column));
    }
    if (!type_is_timestamp(column->type) || column->type->precision > 3) {
        Buf text = {0};
        type_print_summary(column->type, false, &text);
        Status st = error_at(err, ST_VALIDATION, place,
                             "the watermark column '" STR_FMT
                             "' must be TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p "
                             "from 0 to 3, but is " STR_FMT,
                             STR_ARG(column->name), STR_ARG(buf_str(&text)));
        buf_free(&text);
        return st;
    }
    AstExpr *ast;
    Expr *expr;
    TRY(sql_parse_expr(ddl->plan->arena, table->watermark_expr, &ast, err));
    Status st = bind_row_expr(ddl->plan, ast, base_row(ddl, table, true), &expr, err);
    if (!st && (!type_is_timestamp(expr->type) || expr->type->precision > 3)) {
        st = error_set(
            err, ST_VALIDATION,
            "the watermark expression must give a TIMESTAMP or TIMESTAMP_LTZ of precision 0 to 3");
    }
    if (st) {
        if (err) err->place = place;
        return st;
    }
    column->type = type_attribute(&table->arena, column->type, TIME_ROWTIME);
    return ST_OK;
}

static Status check_metadata_keys(const Table *table, Place place, Error *err) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *a = &table->column[i];
        for (uint32_t k = 0; a->kind == COL_METADATA && k < i; k++) {
            const Column *b = &table->column[k];
            if (b->kind != COL_METADATA || !str_eq(a->metadata_key, b->metadata_key)) continue;
            (void)error_at(err, ST_VALIDATION, place,
                           "columns '" STR_FMT "' and '" STR_FMT "' are of the same metadata key '"
                           STR_FMT "'",
                           STR_ARG(b->name), STR_ARG(a->name), STR_ARG(a->metadata_key));
            error_hint(err, "make one of them a computed column: " STR_FMT " AS " STR_FMT,
                       STR_ARG(a->name), STR_ARG(b->name));
            return ST_VALIDATION;
        }
    }
    return ST_OK;
}

Status ddl_table_finish(DdlContext *ddl, Table *table, Place place, Error *err) {
    TRY(check_metadata_keys(table, place, err));
    for (uint32_t i = 0; i < table->column_count; i++) {
        Column *column = &table->column[i];
        if (column->kind == COL_COMPUTED) continue;
        column->type = type_plain(&table->arena, column->type);
    }
    const Type *row = base_row(ddl, table, false);
    for (uint32_t i = 0; i < table->column_count; i++) {
        Column *column = &table->column[i];
        if (column->kind != COL_COMPUTED) continue;
        AstExpr *ast;
        Expr *expr;
        TRY(sql_parse_expr(ddl->plan->arena, column->expr, &ast, err));
        Status st = bind_row_expr(ddl->plan, ast, row, &expr, err);
        if (st) {
            if (err) err->place = place;
            error_while(err, "column '" STR_FMT "'", STR_ARG(column->name));
            return st;
        }
        column->type = type_dup(&table->arena, expr->type);
    }
    return watermark_check(ddl, table, place, err);
}

// ---- constraints -------------------------------------------------------------------------------

Status ddl_key_add(Table *table, const AstConstraint *key, const AstIdent *column, uint32_t count,
                   Error *err) {
    if (key->enforced != NOT_ENFORCED) {
        (void)error_at(err, ST_VALIDATION, key->span.place,
                       "Flink doesn't support ENFORCED mode for PRIMARY KEY constraint");
        error_hint(err, "write PRIMARY KEY (…) NOT ENFORCED: the key is yours to keep");
        return ST_VALIDATION;
    }
    if (key->unique) {
        return error_at(err, ST_VALIDATION, key->span.place,
                        "UNIQUE constraint is not supported yet");
    }
    if (table->primary_key_count) {
        return error_at(err, ST_VALIDATION, key->span.place, "duplicate primary key definition");
    }
    Arena *arena = &table->arena;
    table->primary_key = ARENA_ARRAY(arena, Str, count + 1);
    Buf name = {0};
    buf_puts(&name, "PK");
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (!str_eq(column[k].name, column[i].name)) continue;
            buf_free(&name);
            return error_at(err, ST_VALIDATION, column[i].span.place,
                            "primary key column '" STR_FMT "' stands twice in the key",
                            STR_ARG(column[i].name));
        }
        Column *found = (Column *)(uintptr_t)table_column(table, column[i].name);
        if (!found || found->kind != COL_PHYSICAL) {
            buf_free(&name);
            return error_at(err, ST_VALIDATION, column[i].span.place,
                            "primary key column '" STR_FMT
                            "' is not defined in the schema or is no physical "
                            "column",
                            STR_ARG(column[i].name));
        }
        found->type = type_nullable(arena, found->type, false);
        table->primary_key[table->primary_key_count++] = found->name;
        buf_printf(&name, "_" STR_FMT, STR_ARG(found->name));
    }
    table->constraint_name =
        str_dup(arena, ast_ident_given(key->name) ? key->name.name : buf_str(&name));
    buf_free(&name);
    return ST_OK;
}

Status ddl_watermark_add(DdlContext *ddl, Table *table, const AstWatermark *mark, Error *err) {
    if (mark->column.count != 1) {
        return error_at(err, ST_VALIDATION, mark->column.span.place,
                        "the rowtime attribute must be a top-level column");
    }
    table->watermark_column = str_dup(&table->arena, ast_name_last(mark->column));
    table->watermark_expr = expr_as_text(&table->arena, mark->expr);
    (void)ddl;
    (void)err;
    return ST_OK;
}

Status ddl_distribution_add(Table *table, const AstDistribution *distribution, Error *err) {
    Arena *arena = &table->arena;
    table->distributed = true;
    table->distribution_kind = (int)distribution->kind;
    table->distribution_buckets = -1;
    table->distribution_column = ARENA_ARRAY(arena, Str, distribution->column.count + 1);
    table->distribution_column_count = 0;
    for (uint32_t i = 0; i < distribution->column.count; i++) {
        const AstIdent *key = &distribution->column.at[i];
        const Column *column = table_column(table, key->name);
        if (!column || column->kind != COL_PHYSICAL) {
            return error_at(err, ST_VALIDATION, key->span.place,
                            "invalid bucket key '" STR_FMT
                            "': a bucket key must be a physical column",
                            STR_ARG(key->name));
        }
        table->distribution_column[table->distribution_column_count++] = column->name;
    }
    int64_t buckets;
    if (!distribution->buckets) return ST_OK;
    if (!str_to_i64(distribution->buckets->literal.text, &buckets) || buckets < 1 ||
        buckets > INT32_MAX) {
        return error_at(err, ST_VALIDATION, distribution->span.place,
                        "the number of buckets must be positive");
    }
    table->distribution_buckets = (int32_t)buckets;
    return ST_OK;
}

// ---- LIKE --------------------------------------------------------------------------------------

typedef struct LikeRules {
    AstLikeMode mode[LIKE_WATERMARKS + 1];
} LikeRules;

static Status like_rules(const AstLike *like, LikeRules *out, Error *err) {
    LikeRules rules;
    for (uint32_t i = 0; i < like->option_count; i++) {
        AstLikeWhat what = like->option[i].what;
        if (like->option[i].mode == LIKE_OVERWRITING &&
            (what == LIKE_ALL || what == LIKE_PARTITIONS || what == LIKE_CONSTRAINTS ||
             what == LIKE_DISTRIBUTION)) {
            return error_at(err, ST_VALIDATION, like->option[i].span.place,
                            "OVERWRITING goes with GENERATED, METADATA, OPTIONS and WATERMARKS");
        }
        for (uint32_t k = 0; k < i; k++) {
            if (like->option[k].what != what) continue;
            return error_at(err, ST_VALIDATION, like->option[i].span.place,
                            "each like option can be declared only once");
        }
    }
    for (uint32_t w = 0; w <= LIKE_WATERMARKS; w++) rules.mode[w] = LIKE_INCLUDING;
    rules.mode[LIKE_OPTIONS] = LIKE_OVERWRITING;
    for (uint32_t pass = 0; pass < 2; pass++) {  // ALL first, then what is said of each
        for (uint32_t i = 0; i < like->option_count; i++) {
            bool all = like->option[i].what == LIKE_ALL;
            if (all != (pass == 0)) continue;
            for (uint32_t w = 0; w <= LIKE_WATERMARKS; w++) {
                if (all || w == (uint32_t)like->option[i].what) {
                    rules.mode[w] = like->option[i].mode;
                }
            }
        }
    }
    *out = rules;
    return ST_OK;
}

// OVERWRITING lets a declared column take the place of the base table's of its kind.
static bool like_overwrites(const LikeRules *rules, const Column *old, const AstColumn *ast) {
    return rules && ((old->kind == COL_COMPUTED && ast->kind == COLUMN_COMPUTED &&
                      rules->mode[LIKE_GENERATED] == LIKE_OVERWRITING) ||
                     (old->kind == COL_METADATA && ast->kind == COLUMN_METADATA &&
                      rules->mode[LIKE_METADATA] == LIKE_OVERWRITING));
}

// A key makes the columns declared with it NOT NULL, those that were there before must be.
static Status check_key(const Table *table, const AstIdents *key, uint32_t inherited, Error *err) {
    for (uint32_t i = 0; i < key->count; i++) {
        const Column *column = table_column(table, key->at[i].name);
        if (!column || column >= table->column + inherited || !column->type->nullable) continue;
        return error_at(err, ST_VALIDATION, key->at[i].span.place,
                        "invalid primary key: column '" STR_FMT "' is nullable",
                        STR_ARG(column->name));
    }
    return ST_OK;
}

// Adds what [schema] declares to what [table] has; [rules] of LIKE, or NULL.
static Status schema_add(DdlContext *ddl, Table *table, const AstSchema *schema,
                         const LikeRules *rules, Error *err) {
    Arena *arena = &table->arena;
    Column *all = ARENA_ARRAY(arena, Column, table->column_count + schema->column_count + 1);
    if (table->column_count) memcpy(all, table->column, table->column_count * sizeof *all);
    table->column = all;
    uint32_t inherited = table->column_count;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        Column *into = NULL;
        for (uint32_t j = 0; j < table->column_count; j++) {
            if (!str_eq(table->column[j].name, ast_name_last(ast->name))) continue;
            if (j < inherited && like_overwrites(rules, &table->column[j], ast)) {
                into = &table->column[j];
                continue;
            }
            return error_at(err, ST_VALIDATION, ast->span.place,
                            "a column named '" STR_FMT "' already exists in the %s",
                            STR_ARG(ast_name_last(ast->name)),
                            j < inherited ? "base table" : "table");
        }
        if (!into) into = &table->column[table->column_count++];
        TRY(ddl_column_add(ddl, table, ast, into, err));
    }
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        if (ast->constraint) {
            TRY(ddl_key_add(table, ast->constraint, &ast->name.part[ast->name.count - 1], 1, err));
        }
    }
    for (uint32_t i = 0; i < schema->constraint_count; i++) {
        const AstConstraint *key = &schema->constraint[i];
        TRY(check_key(table, &key->column, inherited, err));
        TRY(ddl_key_add(table, key, key->column.at, key->column.count, err));
    }
    Place place = {0};
    if (schema->watermark_count > 1) {
        return error_at(err, ST_VALIDATION, schema->watermark[1].span.place,
                        "multiple WATERMARK declarations are not supported yet");
    }
    if (schema->watermark_count) {
        if (table->watermark_expr.ptr &&
            !(rules && rules->mode[LIKE_WATERMARKS] == LIKE_OVERWRITING)) {
            return error_at(err, ST_VALIDATION, schema->watermark[0].span.place,
                            "there already exists a watermark in the base table");
        }
        TRY(ddl_watermark_add(ddl, table, &schema->watermark[0], err));
        place = schema->watermark[0].span.place;
    }
    return ddl_table_finish(ddl, table, place, err);
}


static Status like_apply(DdlContext *ddl, Table *table, const AstLike *like, LikeRules *rules,
                         Error *err) {
    ObjectName name;
    Table *base;
    TRY(ddl_resolve_table(ddl, &like->table, &name, &base, err));
    if (!base) {
        return error_at(err, ST_VALIDATION, like->table.span.place,
                        "source table '" STR_FMT
                        "' of the LIKE clause "
                        "not found in the catalog",
                        STR_ARG(name.object));
    }
    if (base->kind == TABLE_VIEW) {
        return error_at(err, ST_VALIDATION, like->table.span.place,
                        "source table '" STR_FMT "' of the LIKE clause can not be a view",
                        STR_ARG(name.object));
    }
    TRY(like_rules(like, rules, err));
    Table *copy = ddl_table_copy(base);
    Arena *arena = &table->arena;
    table->column = ARENA_ARRAY(arena, Column, copy->column_count + 1);
    for (uint32_t i = 0; i < copy->column_count; i++) {
        Column column = copy->column[i];
        if (column.kind == COL_COMPUTED && rules->mode[LIKE_GENERATED] == LIKE_EXCLUDING) continue;
        if (column.kind == COL_METADATA && rules->mode[LIKE_METADATA] == LIKE_EXCLUDING) continue;
        column.name = str_dup(arena, column.name);
        column.type = type_dup(arena, column.type);
        if (column.expr.ptr) column.expr = str_dup(arena, column.expr);
        if (column.comment.ptr) column.comment = str_dup(arena, column.comment);
        if (column.metadata_key.ptr) column.metadata_key = str_dup(arena, column.metadata_key);
        table->column[table->column_count++] = column;
    }
    if (rules->mode[LIKE_CONSTRAINTS] != LIKE_EXCLUDING && copy->primary_key_count) {
        table->primary_key = ARENA_ARRAY(arena, Str, copy->primary_key_count);
        for (uint32_t i = 0; i < copy->primary_key_count; i++) {
            table->primary_key[table->primary_key_count++] = str_dup(arena, copy->primary_key[i]);
        }
        table->constraint_name = str_dup(arena, copy->constraint_name);
    }
    if (rules->mode[LIKE_WATERMARKS] != LIKE_EXCLUDING && copy->watermark_expr.ptr) {
        table->watermark_column = str_dup(arena, copy->watermark_column);
        table->watermark_expr = str_dup(arena, copy->watermark_expr);
    }
    // EXCLUDING PARTITIONS and EXCLUDING DISTRIBUTION only let others be declared.
    table->partition_key = ARENA_ARRAY(arena, Str, copy->partition_key_count + 1);
    for (uint32_t i = 0; i < copy->partition_key_count; i++) {
        table->partition_key[table->partition_key_count++] = str_dup(arena, copy->partition_key[i]);
    }
    if (copy->distributed) {
        table->distributed = true;
        table->distribution_kind = copy->distribution_kind;
        table->distribution_buckets = copy->distribution_buckets;
        table->distribution_column_count = copy->distribution_column_count;
        table->distribution_column = ARENA_ARRAY(arena, Str, copy->distribution_column_count + 1);
        for (uint32_t i = 0; i < copy->distribution_column_count; i++) {
            table->distribution_column[i] = str_dup(arena, copy->distribution_column[i]);
        }
    }
    for (uint32_t i = 0; rules->mode[LIKE_OPTIONS] != LIKE_EXCLUDING && i < copy->options.count;
         i++) {
        const MapEntry *entry = &copy->options.entry[i];
        (void)map_put(&table->options, entry->key,
                      (void *)(uintptr_t)str_cstr(arena, str_c(entry->value)));
    }
    table_unref(copy);
    return ST_OK;
}

// ---- the table ---------------------------------------------------------------------------------

Table *ddl_table_copy(const Table *table) {
    Table *copy = table_new(table->kind);
    Arena *arena = &copy->arena, own = *arena;
    Map none = {0};
    uint32_t refs = copy->refs;
    *copy = *table;
    copy->arena = own;
    copy->refs = refs;
    copy->options = copy->partitions = none;
    copy->column = ARENA_ARRAY(arena, Column, table->column_count + 1);
    for (uint32_t i = 0; i < table->column_count; i++) {
        Column column = table->column[i];
        column.name = str_dup(arena, column.name);
        column.type = type_dup(arena, column.type);
        if (column.expr.ptr) column.expr = str_dup(arena, column.expr);
        if (column.comment.ptr) column.comment = str_dup(arena, column.comment);
        if (column.metadata_key.ptr) column.metadata_key = str_dup(arena, column.metadata_key);
        copy->column[i] = column;
    }
    Str *texts[] = {&copy->name.catalog,     &copy->name.database,  &copy->name.object,
                    &copy->watermark_column, &copy->watermark_expr, &copy->constraint_name,
                    &copy->comment,          &copy->view_query,     &copy->view_catalog,
                    &copy->view_database,    &copy->view_expanded};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->ptr) *texts[i] = str_dup(arena, *texts[i]);
    }
    struct {
        Str **list;
        uint32_t count;
    } lists[] = {{&copy->primary_key, copy->primary_key_count},
                 {&copy->partition_key, copy->partition_key_count},
                 {&copy->distribution_column, copy->distribution_column_count}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        Str *made = ARENA_ARRAY(arena, Str, lists[i].count + 1);
        for (uint32_t k = 0; k < lists[i].count; k++) made[k] = str_dup(arena, (*lists[i].list)[k]);
        *lists[i].list = made;
    }
    for (uint32_t i = 0; i < table->options.count; i++) {
        const MapEntry *entry = &table->options.entry[i];
        (void)map_put(&copy->options, entry->key,
                      (void *)(uintptr_t)str_cstr(arena, str_c(entry->value)));
    }
    for (uint32_t i = 0; i < table->partitions.count; i++) {
        (void)map_put(&copy->partitions, table->partitions.entry[i].key, copy);
    }
    return copy;
}

Status ddl_table_replace(DdlContext *ddl, Table *old, Table *table, Error *err) {
    Database *database = catalogs_database(ddl->catalogs, old->name.catalog, old->name.database);
    if (!database) {
        table_unref(table);
        return error_set(err, ST_INTERNAL, "the database of '" STR_FMT "' is gone",
                         STR_ARG(old->name.object));
    }
    Map *into = old->temporary ? &database->temporary_tables : &database->tables;
    table_unref(map_put(into, table->name.object, table));
    return ST_OK;
}

// Publishes [table] under its name; takes the reference.
Status ddl_table_publish(DdlContext *ddl, Table *table, const AstName *name, bool if_not_exists,
                         bool replace, Error *err) {
    ObjectName full;
    Status st = catalogs_resolve(ddl->catalogs, name, &full, err);
    Database *database = st ? NULL : catalogs_database(ddl->catalogs, full.catalog, full.database);
    if (!st && !database) {
        st = error_at(err, ST_VALIDATION, name->span.place,
                      "database '" STR_FMT "." STR_FMT "' does not exist", STR_ARG(full.catalog),
                      STR_ARG(full.database));
    }
    Map *into = st ? NULL : table->temporary ? &database->temporary_tables : &database->tables;
    if (!st && map_get(into, full.object) && !replace) {
        if (!if_not_exists) {
            st = error_at(err, ST_VALIDATION, name->span.place,
                          "table (or view) " STR_FMT "." STR_FMT
                          " already exists in catalog " STR_FMT,
                          STR_ARG(full.database), STR_ARG(full.object), STR_ARG(full.catalog));
        }
        table_unref(table);
        return st;
    }
    if (st) {
        table_unref(table);
        return st;
    }
    table->name =
        (ObjectName){str_dup(&table->arena, full.catalog), str_dup(&table->arena, full.database),
                     str_dup(&table->arena, full.object)};
    table_unref(map_put(into, full.object, table));
    return ST_OK;
}

static Status partition_add(Table *table, const AstIdents *partition, Error *err) {
    if (!partition->count) return ST_OK;
    table->partition_key = ARENA_ARRAY(&table->arena, Str, partition->count + 1);
    table->partition_key_count = 0;
    for (uint32_t i = 0; i < partition->count; i++) {
        const AstIdent *key = &partition->at[i];
        const Column *column = table_column(table, key->name);
        if (!column) {
            return error_at(err, ST_VALIDATION, key->span.place,
                            "partition column '" STR_FMT "' not defined in the table schema",
                            STR_ARG(key->name));
        }
        table->partition_key[table->partition_key_count++] = column->name;
    }
    return ST_OK;
}

// The columns of CREATE TABLE … AS: those declared that the query lacks, then the query's, with
// declared types; a list of bare names puts the query's columns in another order.
static Status columns_as(DdlContext *ddl, Table *table, const AstCreateTable *create, Error *err) {
    Plan *plan;
    TRY(bind_query(ddl->plan, create->query, &plan, err));
    const Type *row = plan->type;
    const AstSchema *schema = &create->schema;
    bool reorder = schema->column_count && schema->column[0].kind == COLUMN_NAME_ONLY;
    if (reorder && schema->column_count != row->child_count) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "the number of columns in the column list must match the number of columns "
                        "in the query");
    }
    AstSchema own = *schema;
    uint32_t count = 0;
    Column *column =
        ARENA_ARRAY(&table->arena, Column, schema->column_count + row->child_count + 1);
    for (uint32_t i = 0; i < schema->column_count && !reorder; i++) {
        uint32_t c = 0;
        while (c < row->child_count &&
               !str_eq(row->field[c], ast_name_last(schema->column[i].name))) {
            c++;
        }
        if (c < row->child_count) continue;
        TRY(ddl_column_add(ddl, table, &schema->column[i], &column[count++], err));
    }
    for (uint32_t i = 0; i < row->child_count; i++) {
        uint32_t from = i, declared = 0;
        if (reorder) {
            from = 0;
            while (from < row->child_count &&
                   !str_eq(row->field[from], ast_name_last(schema->column[i].name))) {
                from++;
            }
            if (from == row->child_count) {
                return error_at(err, ST_VALIDATION, schema->column[i].span.place,
                                "column '" STR_FMT "' not found in the source schema",
                                STR_ARG(ast_name_last(schema->column[i].name)));
            }
        }
        while (declared < schema->column_count &&
               !str_eq(ast_name_last(schema->column[declared].name), row->field[from])) {
            declared++;
        }
        if (!reorder && declared < schema->column_count) {
            TRY(ddl_column_add(ddl, table, &schema->column[declared], &column[count], err));
            const Column *made = &column[count++];
            if (made->type && !type_casts_implicitly(row->child[from], made->type)) {
                Buf types = {0};
                type_print(row->child[from], &types);
                buf_puts(&types, ", not ");
                type_print(made->type, &types);
                Status st = error_at(err, ST_VALIDATION, schema->column[declared].span.place,
                                     "incompatible types for sink column '" STR_FMT
                                     "': the query's is " STR_FMT,
                                     STR_ARG(made->name), STR_ARG(buf_str(&types)));
                buf_free(&types);
                return st;
            }
            if (made->type && !made->type->nullable && row->child[from]->nullable) {
                return error_at(err, ST_VALIDATION, schema->column[declared].span.place,
                                "incompatible types for sink column '" STR_FMT
                                "': the query's may be NULL",
                                STR_ARG(made->name));
            }
            continue;
        }
        const Type *type = type_plain(ddl->plan->arena, row->child[from]);
        column[count++] = (Column){.name = str_dup(&table->arena, row->field[from]),
                                   .type = type_dup(&table->arena, type)};
    }
    table->column = column;
    table->column_count = count;
    own.column_count = 0;
    TRY(schema_add(ddl, table, &own, NULL, err));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const AstColumn *ast = &schema->column[i];
        if (ast->constraint) {
            TRY(ddl_key_add(table, ast->constraint, &ast->name.part[ast->name.count - 1], 1, err));
        }
    }
    return ST_OK;
}

static Status create_as(DdlContext *ddl, const AstCreateTable *create, Error *err) {
    ObjectName name;
    Table *table;
    TRY(ddl_resolve_table(ddl, &create->name, &name, &table, err));
    AstInsert insert = {.table = create->name, .query = create->query};
    // The query's columns go by name: declared columns that it lacks are NULL.
    Plan *plan;
    TRY(bind_query(ddl->plan, create->query, &plan, err));
    const Type *row = plan->type;
    insert.column.at = ARENA_ARRAY(ddl->plan->arena, AstName, row->child_count + 1);
    bool all = true;
    for (uint32_t i = 0; i < row->child_count; i++) {
        AstIdent *part = ARENA_NEW(ddl->plan->arena, AstIdent);
        *part = (AstIdent){.name = row->field[i], .span = create->name.span};
        insert.column.at[i] = (AstName){.part = part, .count = 1, .span = create->name.span};
        all &= table_column(table, row->field[i]) != NULL;
    }
    insert.column.count = all ? row->child_count : 0;
    return ddl->insert(ddl, &insert, err);
}

// A table over a snapshot has the columns of the state, unless it declares some.
static Status columns_of_state(Table *table, Error *err) {
    const char *connector = map_get(&table->options, STR("connector"));
    if (!connector || !str_eq_nocase(str_c(connector), STR("savepoint"))) return ST_OK;
    Arena *arena = &table->arena;
    const Type *row;
    TRY(state_source_columns(arena, &table->options, &row, err));
    table->column = ARENA_ARRAY(arena, Column, row->child_count + 1);
    table->column_count = row->child_count;
    for (uint32_t i = 0; i < row->child_count; i++) {
        table->column[i] = (Column){.name = row->field[i], .kind = COL_PHYSICAL,
                                    .type = row->child[i]};
    }
    return ST_OK;
}

Status ddl_create_table(DdlContext *ddl, const AstCreateTable *create, Error *err) {
    if (create->temporary && create->query) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "CREATE TABLE … AS does not make temporary tables");
    }
    if (create->replace && !create->or_replace && !create->query) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "REPLACE TABLE needs AS and a query");
    }
    if (create->replace && !create->or_replace) {
        ObjectName name;
        Table *old;
        TRY(ddl_resolve_table(ddl, &create->name, &name, &old, err));
        if (!old) {
            return error_at(err, ST_VALIDATION, create->name.span.place,
                            "the table '" STR_FMT "' to be replaced does not exist",
                            STR_ARG(name.object));
        }
    }
    Table *table = table_new(TABLE_BASE);
    table->temporary = create->temporary;
    if (create->comment.ptr) table->comment = str_dup(&table->arena, create->comment);
    LikeRules rules = {0};
    Status st = create->like ? like_apply(ddl, table, create->like, &rules, err) : ST_OK;
    if (!st) {
        st = create->query
                 ? columns_as(ddl, table, create, err)
                 : schema_add(ddl, table, &create->schema, create->like ? &rules : NULL, err);
    }
    if (!st) {
        st = ddl_options(&table->arena, &table->options, &create->options,
                         !create->like || rules.mode[LIKE_OPTIONS] == LIKE_OVERWRITING, err);
    }
    if (!st && !table->column_count) st = columns_of_state(table, err);
    if (!st && create->like && create->partition.count && table->partition_key_count &&
        rules.mode[LIKE_PARTITIONS] != LIKE_EXCLUDING) {
        st = error_at(err, ST_VALIDATION, create->name.span.place,
                      "the base table has partitions already: say EXCLUDING PARTITIONS");
    }
    if (!st && create->like && create->distribution && table->distributed &&
        rules.mode[LIKE_DISTRIBUTION] != LIKE_EXCLUDING) {
        st = error_at(err, ST_VALIDATION, create->name.span.place,
                      "the base table has a distribution already: say EXCLUDING DISTRIBUTION");
    }
    if (!st) st = partition_add(table, &create->partition, err);
    if (!st && create->distribution) st = ddl_distribution_add(table, create->distribution, err);
    if (st) {
        table_unref(table);
        return st;
    }
    TRY(ddl_table_publish(ddl, table, &create->name, create->if_not_exists,
                      (create->or_replace || create->replace) && create->query, err));
    return create->query ? create_as(ddl, create, err) : ST_OK;
}

// A materialized table is entered in the catalog with the columns of its query. To keep it fresh is
// a service's work, not a session's: so it is in Flink, whose table environment does no more.
Status ddl_create_materialized(DdlContext *ddl, const AstCreateMaterializedTable *create,
                               Error *err) {
    if (create->freshness) {
        const AstExpr *every = create->freshness;
        int64_t count;
        AstUnit unit = every->literal.interval.from;
        if (!str_to_i64(every->literal.text, &count) || count < 1 || every->literal.negative ||
            (unit != UNIT_SECOND && unit != UNIT_MINUTE && unit != UNIT_HOUR && unit != UNIT_DAY &&
             unit != UNIT_WEEK)) {
            return error_at(err, ST_VALIDATION, every->span.place,
                            "FRESHNESS is a positive whole number of seconds, minutes, hours, days "
                            "or weeks");
        }
    }
    Table *table = table_new(TABLE_BASE);
    table->materialized = true;
    if (create->comment.ptr) table->comment = str_dup(&table->arena, create->comment);
    AstCreateTable like = {
        .name = create->name, .schema = create->schema, .query = create->query};
    Status st = columns_as(ddl, table, &like, err);
    if (!st) st = ddl_options(&table->arena, &table->options, &create->options, true, err);
    if (!st) st = partition_add(table, &create->partition, err);
    if (!st && create->distribution) st = ddl_distribution_add(table, create->distribution, err);
    if (st) {
        table_unref(table);
        return st;
    }
    return ddl_table_publish(ddl, table, &create->name, false, create->or_alter, err);
}

Status ddl_names_differ(const Str *name, uint32_t count, Error *err) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (!str_eq(name[i], name[k])) continue;
            return error_set(err, ST_VALIDATION, "two columns are named '" STR_FMT "'",
                             STR_ARG(name[i]));
        }
    }
    return ST_OK;
}
