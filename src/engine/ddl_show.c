// SHOW and DESCRIBE.
#include <stdlib.h>

#include "engine/ddl.h"
#include "sql/print.h"

// ---- lists of names ----------------------------------------------------------------------------

typedef struct Names {
    Str *at;
    uint32_t count, cap;
} Names;

static void names_add(Arena *arena, Names *names, Str name) {
    if (names->count == names->cap) {
        uint32_t cap = names->cap ? names->cap * 2 : 64;
        Str *at = ARENA_ARRAY(arena, Str, cap);
        if (names->count) memcpy(at, names->at, names->count * sizeof *at);
        names->at = at;
        names->cap = cap;
    }
    names->at[names->count++] = name;
}

static void names_of(Arena *arena, Names *names, const Map *map) {
    for (uint32_t i = 0; i < map->count; i++) names_add(arena, names, map->entry[i].key);
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

// LIKE: % any text, _ one character, \ escapes; no case for ILIKE.
static bool like(Str text, Str pattern, bool nocase) {
    if (!pattern.len) return !text.len;
    char p = pattern.ptr[0];
    Str rest = str_sub(pattern, 1, pattern.len);
    if (p == '%') {
        for (uint32_t i = 0; i <= text.len; i++) {
            if (like(str_sub(text, i, text.len), rest, nocase)) return true;
        }
        return false;
    }
    if (!text.len) return false;
    if (p == '\\' && rest.len) {
        p = rest.ptr[0];
        rest = str_sub(rest, 1, rest.len);
    } else if (p == '_') {
        uint32_t code;
        return like(str_sub(text, utf8_next(text.ptr, str_end(text), &code), text.len), rest,
                    nocase);
    }
    bool same = nocase ? str_eq_nocase((Str){&p, 1}, (Str){text.ptr, 1}) : p == text.ptr[0];
    return same && like(str_sub(text, 1, text.len), rest, nocase);
}

static bool wanted(const AstShow *show, Str name) {
    if (!show->has_like) return true;
    return like(name, show->like, show->ilike) != show->not_like;
}

static Status show_names(DdlContext *ddl, const AstShow *show, const char *column, Names *names,
                         bool sorted, Error *err) {
    if (sorted && names->count) qsort(names->at, names->count, sizeof *names->at, by_bytes);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < names->count; i++) {
        if (i && str_eq(names->at[i], names->at[i - 1])) {
            continue;  // a temporary object hides another
        }
        if (wanted(show, names->at[i])) names->at[kept++] = names->at[i];
    }
    return ddl_rows(ddl, &column, NULL, 1, names->at, kept, err);
}

// The database of FROM or IN, or the current one.
static Status show_database(DdlContext *ddl, const AstShow *show, Database **out, Error *err) {
    Str catalog = ddl->catalogs->current_catalog, database = ddl->catalogs->current_database;
    if (show->from.count) {
        database = ast_name_last(show->from);
        if (show->from.count > 1) catalog = show->from.part[0].name;
    }
    *out = catalogs_database(ddl->catalogs, catalog, database);
    if (*out) return ST_OK;
    return error_at(err, ST_VALIDATION, show->from.span.place,
                    "a database with name [" STR_FMT "] does not exist in the catalog: [" STR_FMT
                    "]",
                    STR_ARG(database), STR_ARG(catalog));
}

static Status show_tables(DdlContext *ddl, const AstShow *show, Error *err) {
    bool views = show->what == OBJ_VIEW, materialized = show->what == OBJ_MATERIALIZED_TABLE;
    Database *database;
    TRY(show_database(ddl, show, &database, err));
    Names names = {0};
    const Map *maps[] = {&database->tables, &database->temporary_tables};
    for (uint32_t m = 0; m < 2; m++) {
        for (uint32_t i = 0; i < maps[m]->count; i++) {
            const Table *table = maps[m]->entry[i].value;
            if ((!views || table->kind == TABLE_VIEW) && (!materialized || table->materialized)) {
                names_add(ddl->plan->arena, &names, maps[m]->entry[i].key);
            }
        }
    }
    return show_names(ddl, show,
                      views          ? "view name"
                      : materialized ? "materialized table"
                                     : "table name",
                      &names, true, err);
}

static void builtin_functions(Arena *arena, Names *names) {
    for (uint32_t t = 0; t < FUNC_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < FUNC_TABLES[t]->count; i++) {
            const ScalarFunc *func = &FUNC_TABLES[t]->row[i];
            const char *listed = func->flags & FUNC_HIDDEN ? NULL : func_listed(func->name);
            if (listed) names_add(arena, names, str_c(listed));
        }
    }
    for (uint32_t t = 0; t < AGG_TABLE_COUNT; t++) {
        for (uint32_t i = 0; i < AGG_TABLES[t]->count; i++) {
            const AggFunc *func = &AGG_TABLES[t]->row[i];
            const char *listed = func->flags & AGG_HIDDEN ? NULL : func_listed(func->name);
            if (listed) names_add(arena, names, str_c(listed));
        }
    }
    for (uint32_t i = 0; FUNC_INNER_NAMES[i]; i++) {
        names_add(arena, names, str_c(FUNC_INNER_NAMES[i]));
    }
}

static Status show_functions(DdlContext *ddl, const AstShow *show, bool user, Error *err) {
    Database *database;
    Names names = {0};
    // A database that is not there has no functions: Flink does not mind here.
    if (!show_database(ddl, show, &database, NULL)) {
        names_of(ddl->plan->arena, &names, &database->functions);
        names_of(ddl->plan->arena, &names, &database->temporary_functions);
    }
    names_of(ddl->plan->arena, &names, &ddl->catalogs->system_functions);
    if (!user) builtin_functions(ddl->plan->arena, &names);
    for (const Udf *at = NULL; !user && (at = udf_registered_next(at));) {
        names_add(ddl->plan->arena, &names, at->name);
    }
    return show_names(ddl, show, "function name", &names, true, err);
}

static Status show_modules(DdlContext *ddl, bool full, Error *err) {
    const Catalogs *catalogs = ddl->catalogs;
    static const char *const COLUMNS[] = {"module name", "used"};
    static const TypeKind TYPES[] = {TYPE_VARCHAR, TYPE_BOOLEAN};
    Str cells[MODULES_MAX * 2];
    uint32_t rows = 0;
    for (uint32_t i = 0; i < (full ? catalogs->module_count : catalogs->modules_used); i++) {
        cells[full ? rows * 2 : rows] = catalogs->module[i];
        if (full) cells[rows * 2 + 1] = i < catalogs->modules_used ? STR("TRUE") : STR("FALSE");
        rows++;
    }
    return ddl_rows(ddl, COLUMNS, TYPES, full ? 2 : 1, cells, rows, err);
}

// ---- SHOW CREATE -------------------------------------------------------------------------------

static void put_options(const Map *options, Arena *arena, Buf *out) {
    Names keys = {0};
    names_of(arena, &keys, options);
    if (keys.count) qsort(keys.at, keys.count, sizeof *keys.at, by_bytes);
    buf_puts(out, "WITH (\n");
    for (uint32_t i = 0; i < keys.count; i++) {
        buf_puts(out, "  ");
        sql_print_text(keys.at[i], out);
        buf_puts(out, " = ");
        sql_print_text(str_c(map_get(options, keys.at[i])), out);
        buf_puts(out, i + 1 < keys.count ? ",\n" : "\n");
    }
    buf_puts(out, ")\n");
}

static void put_names(const Str *name, uint32_t count, Buf *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_puts(out, ", ");
        sql_print_name(name[i], out);
    }
}

static void put_comment(Str comment, Buf *out) {
    buf_puts(out, "COMMENT ");
    sql_print_text(comment, out);
    buf_putc(out, '\n');
}

static void put_column(const Column *column, Buf *out) {
    buf_puts(out, "  ");
    sql_print_name(column->name, out);
    if (column->kind == COL_COMPUTED) {
        buf_puts(out, " AS ");
        buf_put_str(out, column->expr);
    } else {
        buf_putc(out, ' ');
        type_print(column->type, out);
    }
    if (column->kind == COL_METADATA) {
        buf_puts(out, " METADATA");
        if (column->metadata_from) {
            buf_puts(out, " FROM ");
            sql_print_text(column->metadata_key, out);
        }
        if (column->is_virtual) buf_puts(out, " VIRTUAL");
    }
    if (column->comment.len) {
        buf_puts(out, " COMMENT ");
        sql_print_text(column->comment, out);
    }
}

static void put_object(ObjectName name, Buf *out) {
    if (name.catalog.ptr) {
        object_name_print(name, out);
    } else {
        sql_print_name(name.object, out);
    }
}

static void put_table(const Table *table, Arena *arena, Buf *out) {
    buf_printf(out, "CREATE %sTABLE ", table->temporary ? "TEMPORARY " : "");
    put_object(table->name, out);
    buf_puts(out, " (\n");
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (i) buf_puts(out, ",\n");
        put_column(&table->column[i], out);
    }
    if (table->watermark_expr.ptr) {
        buf_puts(out, ",\n  WATERMARK FOR ");
        sql_print_name(table->watermark_column, out);
        buf_puts(out, " AS ");
        buf_put_str(out, table->watermark_expr);
    }
    if (table->primary_key_count) {
        buf_puts(out, ",\n  CONSTRAINT ");
        sql_print_name(table->constraint_name, out);
        buf_puts(out, " PRIMARY KEY (");
        put_names(table->primary_key, table->primary_key_count, out);
        buf_puts(out, ") NOT ENFORCED");
    }
    buf_puts(out, "\n)\n");
    if (table->comment.len) put_comment(table->comment, out);
    if (table->distributed) {
        static const char *const KINDS[] = {" ", " HASH", " RANGE"};
        buf_puts(out, "DISTRIBUTED");
        if (table->distribution_column_count) {
            buf_printf(out, " BY%s(", KINDS[table->distribution_kind]);
            put_names(table->distribution_column, table->distribution_column_count, out);
            buf_putc(out, ')');
        }
        if (table->distribution_buckets > 0) {
            buf_printf(out, " INTO %d BUCKETS", table->distribution_buckets);
        }
        buf_putc(out, '\n');
    }
    if (table->partition_key_count) {
        buf_puts(out, "PARTITIONED BY (");
        put_names(table->partition_key, table->partition_key_count, out);
        buf_puts(out, ")\n");
    }
    if (table->options.count) put_options(&table->options, arena, out);
}

static void put_view(const Table *view, Buf *out) {
    buf_printf(out, "CREATE %sVIEW ", view->temporary ? "TEMPORARY " : "");
    put_object(view->name, out);
    buf_puts(out, " (\n");
    for (uint32_t i = 0; i < view->column_count; i++) {
        if (i) buf_puts(out, ",\n");
        buf_puts(out, "  ");
        sql_print_name(view->column[i].name, out);
    }
    buf_puts(out, "\n)\n");
    if (view->comment.len) put_comment(view->comment, out);
    buf_puts(out, "AS ");
    buf_put_str(out, view->view_expanded.ptr ? view->view_expanded : view->view_query);
    buf_putc(out, '\n');
}

static void put_model_columns(const char *what, const Type *row, Buf *out) {
    buf_printf(out, "%s (", what);
    for (uint32_t i = 0; i < row->child_count; i++) {
        if (i) buf_puts(out, ", ");
        sql_print_name(row->field[i], out);
        buf_putc(out, ' ');
        type_print(row->child[i], out);
        if (row->comment && row->comment[i].len) {
            buf_puts(out, " COMMENT ");
            sql_print_text(row->comment[i], out);
        }
    }
    buf_puts(out, ")\n");
}

static Model *model_find(DdlContext *ddl, const AstName *name, Error *err) {
    ObjectName full;
    if (catalogs_resolve(ddl->catalogs, name, &full, err)) return NULL;
    Model *model = catalogs_model(ddl->catalogs, full);
    if (!model) {
        (void)error_at(err, ST_VALIDATION, name->span.place, "model '" STR_FMT "' doesn't exist",
                       STR_ARG(full.object));
    }
    return model;
}

void ddl_print_table(const Table *table, Arena *arena, Buf *out) {
    if (table->kind == TABLE_VIEW) {
        put_view(table, out);
    } else {
        put_table(table, arena, out);
    }
}

void ddl_print_model(const Model *model, Arena *arena, Buf *out) {
    buf_printf(out, "CREATE %sMODEL ", model->temporary ? "TEMPORARY " : "");
    put_object(model->name, out);
    buf_putc(out, '\n');
    if (model->input->child_count) put_model_columns("INPUT", model->input, out);
    if (model->output->child_count) put_model_columns("OUTPUT", model->output, out);
    if (model->comment.len) put_comment(model->comment, out);
    put_options(&model->options, arena, out);
}

void ddl_print_function(const UserFunction *function, Buf *out) {
    static const char *const LANGUAGES[] = {
        [LANGUAGE_JAVA] = " LANGUAGE JAVA", [LANGUAGE_SCALA] = " LANGUAGE SCALA",
        [LANGUAGE_PYTHON] = " LANGUAGE PYTHON", [LANGUAGE_SQL] = " LANGUAGE SQL",
        [LANGUAGE_C] = " LANGUAGE C",
    };
    buf_printf(out, "CREATE %s%sFUNCTION ", function->temporary ? "TEMPORARY " : "",
               function->system ? "SYSTEM " : "");
    put_object(function->name, out);
    buf_puts(out, " AS ");
    sql_print_text(function->class_name, out);
    const char *language = LANGUAGES[function->language];
    if (language) buf_puts(out, language);
    for (uint32_t i = 0; i < function->artifact_count; i++) {
        buf_puts(out, i ? ", " : " USING ");
        buf_puts(out, function->language == LANGUAGE_C ? "ARTIFACT " : "JAR ");
        sql_print_text(function->artifact[i], out);
    }
    buf_putc(out, '\n');
}

void ddl_print_database(const Database *database, Arena *arena, Buf *out) {
    buf_puts(out, "CREATE DATABASE ");
    sql_print_name(database->name, out);
    buf_putc(out, '\n');
    if (database->comment.ptr) put_comment(database->comment, out);
    if (database->properties.count) put_options(&database->properties, arena, out);
}

static Status show_create(DdlContext *ddl, const AstShow *show, Error *err) {
    static const char *const COLUMNS[] = {"result"};
    Buf text = {0};
    Status st = ST_OK;
    if (show->what == OBJ_MODEL) {
        Model *model = model_find(ddl, &show->name, err);
        if (!model) return ST_VALIDATION;
        ddl_print_model(model, ddl->plan->arena, &text);
    } else if (show->what == OBJ_CATALOG) {
        CatalogEntry *catalog = map_get(&ddl->catalogs->catalogs, ast_name_last(show->name));
        if (!catalog || !catalog->properties.count) {
            return error_at(err, ST_VALIDATION, show->name.span.place,
                            "no metadata of a catalog '" STR_FMT "'",
                            STR_ARG(ast_name_last(show->name)));
        }
        buf_puts(&text, "CREATE CATALOG ");
        sql_print_name(catalog->name, &text);
        buf_putc(&text, '\n');
        if (catalog->comment.ptr) put_comment(catalog->comment, &text);
        put_options(&catalog->properties, ddl->plan->arena, &text);
    } else {
        ObjectName name;
        Table *table;
        TRY(ddl_resolve_table(ddl, &show->name, &name, &table, err));
        bool view = show->what == OBJ_VIEW;
        if (show->what == OBJ_MATERIALIZED_TABLE || (table && table->materialized)) {
            return error_at(err, ST_UNSUPPORTED, show->name.span.place,
                            "a materialized table cannot be shown as a statement yet");
        }
        if (!table || (table->kind == TABLE_VIEW) != view) {
            return error_at(err, ST_VALIDATION, show->name.span.place,
                            "could not execute SHOW CREATE %s: %s with identifier `" STR_FMT
                            "`.`" STR_FMT "`.`" STR_FMT "` %s",
                            view ? "VIEW" : "TABLE", view ? "view" : "table", STR_ARG(name.catalog),
                            STR_ARG(name.database), STR_ARG(name.object),
                            table ? "is of the other kind" : "does not exist");
        }
        if (view) put_view(table, &text);
        else put_table(table, ddl->plan->arena, &text);
    }
    Str cell = buf_str(&text);
    st = ddl_rows(ddl, COLUMNS, NULL, 1, &cell, 1, err);
    buf_free(&text);
    return st;
}

// ---- DESCRIBE ----------------------------------------------------------------------------------

static Str summary(Arena *arena, const Type *type) {
    Buf text = {0};
    type_print_summary(type, false, &text);
    Str copy = str_dup(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

static Status describe_table(DdlContext *ddl, const AstName *ast, const AstShow *show, Error *err) {
    ObjectName name;
    Table *table;
    Arena *arena = ddl->plan->arena;
    TRY(ddl_resolve_table(ddl, ast, &name, &table, err));
    if (!table) {
        return error_at(err, ST_VALIDATION, ast->span.place,
                        "tables or views with the identifier '" STR_FMT "." STR_FMT "." STR_FMT
                        "' doesn't exist",
                        STR_ARG(name.catalog), STR_ARG(name.database), STR_ARG(name.object));
    }
    static const char *const COLUMNS[] = {"name",   "type",      "null",   "key",
                                          "extras", "watermark", "comment"};
    static const TypeKind TYPES[] = {TYPE_VARCHAR, TYPE_VARCHAR, TYPE_BOOLEAN, TYPE_VARCHAR,
                                     TYPE_VARCHAR, TYPE_VARCHAR, TYPE_VARCHAR};
    bool comments = false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        comments |= table->column[i].comment.ptr != NULL;
    }
    uint32_t columns = comments ? 7 : 6, rows = 0;
    Str *cells = ARENA_ARRAY(arena, Str, table->column_count * 7 + 1), key = {0};
    Buf text = {0};
    buf_puts(&text, "PRI(");
    for (uint32_t i = 0; i < table->primary_key_count; i++) {
        buf_printf(&text, "%s" STR_FMT, i ? ", " : "", STR_ARG(table->primary_key[i]));
    }
    buf_putc(&text, ')');
    key = str_dup(arena, buf_str(&text));
    buf_free(&text);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->column[i];
        if (show && !wanted(show, column->name)) continue;
        Str *row = &cells[(size_t)rows++ * columns];
        row[0] = column->name;
        const Type *type = column->type;
        if (ddl->plan->batch && type->attribute == TIME_ROWTIME) {
            type = type_plain(arena, type);
        }
        row[1] = summary(arena, type);
        row[2] = column->type->nullable ? STR("TRUE") : STR("FALSE");
        for (uint32_t k = 0; k < table->primary_key_count; k++) {
            if (str_eq(table->primary_key[k], column->name)) row[3] = key;
        }
        if (column->kind == COL_COMPUTED) {
            row[4] = str_printf(arena, "AS " STR_FMT, STR_ARG(column->expr));
        }
        if (column->kind == COL_METADATA) {
            Str from = column->metadata_from
                ? str_printf(arena, " FROM '" STR_FMT "'", STR_ARG(column->metadata_key)) : STR("");
            row[4] = str_printf(arena, "METADATA" STR_FMT "%s", STR_ARG(from),
                                column->is_virtual ? " VIRTUAL" : "");
        }
        if (table->watermark_expr.ptr && str_eq(table->watermark_column, column->name)) {
            row[5] = table->watermark_expr;
        }
        if (comments) row[6] = column->comment;
    }
    return ddl_rows(ddl, COLUMNS, TYPES, columns, cells, rows, err);
}

// Flink's rows of a function that is not built in.
static Status describe_user_function(DdlContext *ddl, const AstDescribe *describe,
                                     UserFunction *function, Error *err) {
    static const char *const LANGUAGES[] = {
        [LANGUAGE_UNSAID] = "JAVA", [LANGUAGE_JAVA] = "JAVA", [LANGUAGE_SCALA] = "SCALA",
        [LANGUAGE_PYTHON] = "PYTHON", [LANGUAGE_SQL] = "SQL", [LANGUAGE_C] = "C"};
    static const char *const COLUMNS[] = {"info name", "info value"};
    Status st = bind_user_function(ddl->plan, function, err);
    if (st) {
        error_place(err, describe->name.span.place);
        return st;
    }
    const Udf *udf = function->udf;
    uint32_t flags = udf->def->flags;
    Arena *arena = ddl->plan->arena;
    Buf uris = {0};
    buf_putc(&uris, '[');
    for (uint32_t i = 0; i < function->artifact_count; i++) {
        buf_printf(&uris, "%sARTIFACT: " STR_FMT, i ? ", " : "", STR_ARG(function->artifact[i]));
    }
    buf_putc(&uris, ']');
    Str cells[] = {
        STR("is system function"),
        STR("false"),
        STR("is temporary"),
        function->temporary ? STR("true") : STR("false"),
        STR("class name"),
        function->class_name,
        STR("function language"),
        str_c(LANGUAGES[function->language]),
        STR("resource uris"),
        str_dup(arena, buf_str(&uris)),
        STR("kind"),
        str_c(udf_kind_name(udf->def->kind)),
        STR("requirements"),
        STR("[]"),
        STR("is deterministic"),
        flags & WEIR_NONDETERMINISTIC ? STR("false") : STR("true"),
        STR("supports constant folding"),
        flags & WEIR_NONDETERMINISTIC ? STR("false") : STR("true"),
        STR("signature"),
        str_printf(arena, STR_FMT "%s", STR_ARG(udf->name), udf->def->signature),
        STR("description"),
        str_c(udf->def->doc ? udf->def->doc : ""),
    };
    buf_free(&uris);
    uint32_t rows = (uint32_t)(sizeof cells / sizeof *cells) / 2 - !udf->def->doc;
    return ddl_rows(ddl, COLUMNS, NULL, 2, cells, describe->extended ? rows : 5, err);
}

static Status describe_function(DdlContext *ddl, const AstDescribe *describe, Error *err) {
    Str name = ast_name_last(describe->name);
    uint32_t overloads = 0;
    (void)func_find(name, &overloads);
    bool builtin = describe->name.count == 1 && (overloads || agg_find(name));
    UserFunction *user = catalogs_function(ddl->catalogs, &describe->name, true);
    if (!user && !builtin) user = catalogs_function(ddl->catalogs, &describe->name, false);
    if (user) return describe_user_function(ddl, describe, user, err);
    static const char *const COLUMNS[] = {"info name", "info value"};
    FuncSignature signature;
    if (!func_signature(name, &signature)) {
        return error_at(err, ST_VALIDATION, describe->name.span.place,
                        "function with the identifier '`" STR_FMT "`' doesn't exist",
                        STR_ARG(name));
    }
    Arena *arena = ddl->plan->arena;
    Buf text = {0};
    buf_put_str(&text, name);
    for (const char *at = signature.forms; *at; at++) {
        buf_putc(&text, *at);
        if (*at == '\n') buf_put_str(&text, name);
    }
    Str cells[] = {STR("is system function"),
                   STR("true"),
                   STR("is temporary"),
                   STR("false"),
                   STR("kind"),
                   str_c(signature.kind),
                   STR("requirements"),
                   STR("[]"),
                   STR("is deterministic"),
                   signature.changes ? STR("false") : STR("true"),
                   STR("supports constant folding"),
                   STR("true"),
                   STR("signature"),
                   str_dup(arena, buf_str(&text))};
    buf_free(&text);
    return ddl_rows(ddl, COLUMNS, NULL, 2, cells, describe->extended ? 7 : 2, err);
}

static Status describe_database(DdlContext *ddl, const AstDescribe *describe, Error *err) {
    (void)ddl;
    return error_at(err, ST_VALIDATION, describe->name.span.place,
                    "DESCRIBE DATABASE is not supported");
}

static Status describe_catalog(DdlContext *ddl, const AstDescribe *describe, Error *err) {
    CatalogEntry *catalog = map_get(&ddl->catalogs->catalogs, ast_name_last(describe->name));
    if (!catalog || !catalog->properties.count) {  // default_catalog was never created
        return error_at(err, ST_VALIDATION, describe->name.span.place,
                        "no metadata of a catalog '" STR_FMT "'",
                        STR_ARG(ast_name_last(describe->name)));
    }
    static const char *const COLUMNS[] = {"info name", "info value"};
    Arena *arena = ddl->plan->arena;
    Str *cells = ARENA_ARRAY(arena, Str, (catalog->properties.count + 3) * 2);
    const char *type = map_get(&catalog->properties, STR("type"));
    cells[0] = STR("name");
    cells[1] = catalog->name;
    cells[2] = STR("type");
    cells[3] = type ? str_c(type) : STR("generic_in_memory");
    cells[4] = STR("comment");
    cells[5] = catalog->comment;
    uint32_t rows = 3;
    for (uint32_t i = 0; describe->extended && i < catalog->properties.count; i++) {
        const MapEntry *entry = &catalog->properties.entry[i];
        if (str_is(entry->key, "type")) continue;
        cells[rows * 2] = str_printf(arena, "option:" STR_FMT, STR_ARG(entry->key));
        cells[rows++ * 2 + 1] = str_c(entry->value);
    }
    return ddl_rows(ddl, COLUMNS, NULL, 2, cells, rows, err);
}

static Status describe_model(DdlContext *ddl, const AstDescribe *describe, Error *err) {
    Model *model = model_find(ddl, &describe->name, err);
    if (!model) return ST_VALIDATION;
    static const char *const COLUMNS[] = {"name", "type", "null", "is input", "comment"};
    static const TypeKind TYPES[] = {TYPE_VARCHAR, TYPE_VARCHAR, TYPE_BOOLEAN, TYPE_BOOLEAN,
                                     TYPE_VARCHAR};
    uint32_t inputs = model->input->child_count, total = inputs + model->output->child_count;
    uint32_t width = model->input->comment || model->output->comment ? 5 : 4;  // only if there is
    Str *cells = ARENA_ARRAY(ddl->plan->arena, Str, total * width + 1);
    for (uint32_t i = 0; i < total; i++) {
        const Type *row = i < inputs ? model->input : model->output;
        uint32_t at = i < inputs ? i : i - inputs;
        cells[i * width] = row->field[at];
        cells[i * width + 1] = summary(ddl->plan->arena, row->child[at]);
        cells[i * width + 2] = row->child[at]->nullable ? STR("TRUE") : STR("FALSE");
        cells[i * width + 3] = i < inputs ? STR("TRUE") : STR("FALSE");
        if (width == 5 && row->comment) cells[i * width + 4] = row->comment[at];
    }
    return ddl_rows(ddl, COLUMNS, TYPES, width, cells, total, err);
}

Status ddl_describe(DdlContext *ddl, const AstDescribe *describe, Error *err) {
    switch (describe->what) {
        case OBJ_TABLE:
            // To Calcite DESCRIBE TABLE and DESCRIBE (query) are other statements, which the
            // validator then refuses.
            if (describe->table_word || describe->stmt) {
                return error_at(err, ST_VALIDATION, describe->name.span.place,
                                "write DESCRIBE and the name of a table");
            }
            return describe_table(ddl, &describe->name, NULL, err);
        case OBJ_FUNCTION: return describe_function(ddl, describe, err);
        case OBJ_DATABASE: return describe_database(ddl, describe, err);
        case OBJ_CATALOG: return describe_catalog(ddl, describe, err);
        case OBJ_MODEL: return describe_model(ddl, describe, err);
        case OBJ_JOB: return ddl_describe_job(ddl, describe->job, err);
        default: return ST_END;
    }
}

// ---- SHOW --------------------------------------------------------------------------------------

static Status show_one(DdlContext *ddl, const char *column, Str value, Error *err) {
    return ddl_rows(ddl, &column, NULL, 1, &value, 1, err);
}

static Status show_map(DdlContext *ddl, const AstShow *show, const char *column, const Map *map,
                       Error *err) {
    Names names = {0};
    names_of(ddl->plan->arena, &names, map);
    return show_names(ddl, show, column, &names, true, err);
}

static Status show_partitions(DdlContext *ddl, const AstShow *show, Error *err) {
    ObjectName name;
    Table *table;
    TRY(ddl_resolve_table(ddl, &show->name, &name, &table, err));
    if (!table || !table->partition_key_count) {
        return error_at(
            err, ST_VALIDATION, show->name.span.place,
            table ? "table '" STR_FMT "' is not partitioned" : "table '" STR_FMT "' does not exist",
            STR_ARG(name.object));
    }
    Names names = {0};
    names_of(ddl->plan->arena, &names, &table->partitions);
    return show_names(ddl, show, "partition name", &names, false, err);
}

Status ddl_show(DdlContext *ddl, const AstShow *show, Error *err) {
    if (show->create) return show_create(ddl, show, err);
    const Catalogs *catalogs = ddl->catalogs;
    Names none = {0};
    switch (show->what) {
        case OBJ_CATALOG:
            return show_map(ddl, show, "catalog name", &catalogs->catalogs, err);
        case OBJ_CURRENT_CATALOG:
            return show_one(ddl, "current catalog name", catalogs->current_catalog, err);
        case OBJ_CURRENT_DATABASE:
            return show_one(ddl, "current database name", catalogs->current_database, err);
        case OBJ_DATABASE: {
            Str name = show->from.count ? ast_name_last(show->from) : catalogs->current_catalog;
            const CatalogEntry *catalog = map_get(&catalogs->catalogs, name);
            if (!catalog) {
                return error_at(err, ST_VALIDATION, show->from.span.place,
                                "catalog '" STR_FMT "' does not exist", STR_ARG(name));
            }
            return show_map(ddl, show, "database name", &catalog->databases, err);
        }
        case OBJ_TABLE:
        case OBJ_VIEW:
        case OBJ_MATERIALIZED_TABLE: return show_tables(ddl, show, err);
        case OBJ_COLUMN: return describe_table(ddl, &show->from, show, err);
        case OBJ_FUNCTION: return show_functions(ddl, show, false, err);
        case OBJ_USER_FUNCTION: return show_functions(ddl, show, true, err);
        case OBJ_PROCEDURE:
            return error_at(err, ST_VALIDATION, show->from.span.place,
                            "a catalog in memory has no procedures");
        case OBJ_MODULE: return show_modules(ddl, false, err);
        case OBJ_FULL_MODULE: return show_modules(ddl, true, err);
        case OBJ_JOB: return ddl_show_jobs(ddl, err);
        case OBJ_JAR: return show_names(ddl, show, "jars", &none, false, err);
        case OBJ_PARTITION: return show_partitions(ddl, show, err);
        case OBJ_MODEL: {
            Database *database;
            TRY(show_database(ddl, show, &database, err));
            // Temporary models are not listed.
            return show_map(ddl, show, "model name", &database->models, err);
        }
        default: return ST_END;
    }
}
