#include "catalog/catalog.h"

Table *table_new(TableKind kind) {
    Table *table = NEW(Table);
    table->kind = kind;
    table->refs = 1;
    table->distribution_buckets = -1;
    arena_init(&table->arena);
    return table;
}

Table *table_ref(Table *table) {
    table->refs++;
    return table;
}

Table *table_unref(Table *table) {
    if (!table || --table->refs) return NULL;
    map_clear(&table->options);
    map_clear(&table->partitions);
    Arena arena = table->arena;
    arena_clear(&arena);
    mem_free(table);
    return NULL;
}

const Column *table_column(const Table *table, Str name) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (str_eq(table->column[i].name, name)) return &table->column[i];
    }
    return NULL;
}

const Type *table_physical(const Table *table, Arena *arena) {
    const Type **child = ARENA_ARRAY(arena, const Type *, table->column_count + 1);
    Str *field = ARENA_ARRAY(arena, Str, table->column_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->column[i].kind != COL_PHYSICAL) continue;
        child[count] = type_attribute(arena, table->column[i].type, TIME_NONE);
        field[count++] = table->column[i].name;
    }
    return type_row(arena, count, child, field, false);
}

void catalogs_init(Catalogs *catalogs) {
    *catalogs = (Catalogs){0};
    CatalogEntry *catalog = catalogs_add(catalogs, STR("default_catalog"));
    (void)catalog_add_database(catalogs, catalog, STR("default_database"));
    catalogs->current_catalog = STR("default_catalog");
    catalogs->current_database = STR("default_database");
    catalogs->module[0] = STR("core");
    catalogs->module_count = catalogs->modules_used = 1;
}

static void tables_clear(Map *tables) {
    for (uint32_t i = 0; i < tables->count; i++) table_unref(tables->entry[i].value);
    map_clear(tables);
}

static void models_clear(Map *models) {
    for (uint32_t i = 0; i < models->count; i++) {
        Model *model = models->entry[i].value;
        map_clear(&model->options);
        arena_clear(&model->arena);
        mem_free(model);
    }
    map_clear(models);
}

void user_function_free(UserFunction *function) {
    if (!function) return;
    (void)udf_unref(function->udf);
    Arena arena = function->arena;
    arena_clear(&arena);
    mem_free(function);
}

static void functions_clear(Map *functions) {
    for (uint32_t i = 0; i < functions->count; i++) user_function_free(functions->entry[i].value);
    map_clear(functions);
}

void database_forget(Database *database) {
    tables_clear(&database->tables);
    models_clear(&database->models);
    functions_clear(&database->functions);
    database->tables = database->models = database->functions = (Map){0};
}

void database_free(Database *database) {
    database_forget(database);
    tables_clear(&database->temporary_tables);
    models_clear(&database->temporary_models);
    functions_clear(&database->temporary_functions);
    map_clear(&database->properties);
}

void catalogs_clear(Catalogs *catalogs) {
    for (uint32_t c = 0; c < catalogs->catalogs.count; c++) {
        CatalogEntry *catalog = catalogs->catalogs.entry[c].value;
        for (uint32_t d = 0; d < catalog->databases.count; d++) {
            database_free(catalog->databases.entry[d].value);
        }
        map_clear(&catalog->databases);
        map_clear(&catalog->properties);
    }
    map_clear(&catalogs->catalogs);
    functions_clear(&catalogs->system_functions);
    arena_clear(&catalogs->arena);
}

CatalogEntry *catalogs_add(Catalogs *catalogs, Str name) {
    CatalogEntry *catalog = ARENA_NEW(&catalogs->arena, CatalogEntry);
    catalog->name = str_dup(&catalogs->arena, name);
    (void)map_put(&catalogs->catalogs, name, catalog);
    return catalog;
}

Database *catalog_add_database(Catalogs *catalogs, CatalogEntry *catalog, Str name) {
    Database *database = ARENA_NEW(&catalogs->arena, Database);
    database->name = str_dup(&catalogs->arena, name);
    (void)map_put(&catalog->databases, name, database);
    return database;
}

Database *catalogs_database(const Catalogs *catalogs, Str catalog, Str database) {
    const CatalogEntry *entry = map_get(&catalogs->catalogs, catalog);
    return entry ? map_get(&entry->databases, database) : NULL;
}

Status catalogs_resolve(const Catalogs *catalogs, const AstName *name, ObjectName *out,
                        Error *err) {
    if (name->count > 3) {
        return error_at(err, ST_VALIDATION, name->span.place,
                        "a name has at most three parts: catalog.database.object");
    }
    *out =
        (ObjectName){catalogs->current_catalog, catalogs->current_database, ast_name_last(*name)};
    if (name->count >= 2) out->database = name->part[name->count - 2].name;
    if (name->count == 3) out->catalog = name->part[0].name;
    return ST_OK;
}

Table *catalogs_table(const Catalogs *catalogs, ObjectName name) {
    const Database *database = catalogs_database(catalogs, name.catalog, name.database);
    if (!database) return NULL;
    Table *table = map_get(&database->temporary_tables, name.object);
    return table ? table : map_get(&database->tables, name.object);
}

static const char *nearest_of(Str name, const Map *a, const Map *b) {
    enum { NAMES_MAX = 256 };
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < a->count && count < NAMES_MAX; i++)
        names[count++] = a->entry[i].key.ptr;
    for (uint32_t i = 0; i < b->count && count < NAMES_MAX; i++)
        names[count++] = b->entry[i].key.ptr;
    return text_nearest(name, names, count);
}

const char *catalogs_nearest_table(const Catalogs *catalogs, ObjectName name) {
    const Database *database = catalogs_database(catalogs, name.catalog, name.database);
    if (!database) return NULL;
    return nearest_of(name.object, &database->tables, &database->temporary_tables);
}

Model *catalogs_model(const Catalogs *catalogs, ObjectName name) {
    const Database *database = catalogs_database(catalogs, name.catalog, name.database);
    if (!database) return NULL;
    Model *model = map_get(&database->temporary_models, name.object);
    return model ? model : map_get(&database->models, name.object);
}

const char *catalogs_nearest_model(const Catalogs *catalogs, ObjectName name) {
    const Database *database = catalogs_database(catalogs, name.catalog, name.database);
    if (!database) return NULL;
    return nearest_of(name.object, &database->models, &database->temporary_models);
}

void object_name_print(ObjectName name, Buf *out) {
    buf_printf(out, "`" STR_FMT "`.`" STR_FMT "`.`" STR_FMT "`", STR_ARG(name.catalog),
               STR_ARG(name.database), STR_ARG(name.object));
}

UserFunction *catalogs_function(const Catalogs *catalogs, const AstName *name, bool system) {
    enum { NAME_MAX_LOWER = 256 };
    char lower[NAME_MAX_LOWER];
    Str last = ast_name_last(*name);
    ObjectName full;
    if (last.len > sizeof lower) return NULL;
    for (uint32_t i = 0; i < last.len; i++) {
        char c = last.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    Str key = str_make(lower, last.len);
    if (system) return name->count == 1 ? map_get(&catalogs->system_functions, key) : NULL;
    if (catalogs_resolve(catalogs, name, &full, NULL)) return NULL;
    const Database *database = catalogs_database(catalogs, full.catalog, full.database);
    if (!database) return NULL;
    UserFunction *found = map_get(&database->temporary_functions, key);
    return found ? found : map_get(&database->functions, key);
}
