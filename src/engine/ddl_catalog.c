// Catalogs, databases, functions, modules; DROP of everything; USE.
#include "engine/ddl.h"

// ---- catalogs and databases --------------------------------------------------------------------

// Takes a catalog away; what lies in a file stays there.
static void catalog_forget(DdlContext *ddl, CatalogEntry *catalog) {
    durable_close(catalog);
    (void)map_remove(&ddl->catalogs->catalogs, catalog->name);
    for (uint32_t i = 0; i < catalog->databases.count; i++) {
        database_free(catalog->databases.entry[i].value);
    }
    map_clear(&catalog->databases);
    map_clear(&catalog->properties);
}

// ALTER … SET may name no option but those that CREATE CATALOG takes.
static Status memory_options(const AstOptions *options, Error *err) {
    for (uint32_t i = 0; i < options->count; i++) {
        Str key = options->at[i].key.name;
        if (str_is(key, "type") || str_is(key, "default-database") ||
            str_is(key, "property-version")) {
            continue;
        }
        return error_at(err, ST_VALIDATION, options->at[i].span.place,
                        "unsupported option '" STR_FMT
                        "' for a catalog: it takes 'default-database' and 'property-version'",
                        STR_ARG(key));
    }
    return ST_OK;
}

Status ddl_create_catalog(DdlContext *ddl, const AstCreateSimple *create, Error *err) {
    Str name = ast_name_last(create->name);
    if (map_has(&ddl->catalogs->catalogs, name)) {
        if (create->if_not_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "catalog '" STR_FMT "' already exists", STR_ARG(name));
    }
    const char *type = NULL;
    Str database = STR("default"), path = {0};
    for (uint32_t i = 0; i < create->options.count; i++) {
        const AstOption *option = &create->options.at[i];
        if (str_is(option->key.name, "type")) {
            type = str_cstr(ddl->plan->arena, option->value->literal.text);
        } else if (str_is(option->key.name, "default-database")) {
            database = option->value->literal.text;
        } else if (str_is(option->key.name, "path")) {
            path = option->value->literal.text;
        } else if (!str_is(option->key.name, "property-version")) {
            return error_at(err, ST_VALIDATION, option->span.place,
                            "unsupported option '" STR_FMT "' for a catalog",
                            STR_ARG(option->key.name));
        }
    }
    bool durable = type && strcmp(type, "sqlite") == 0;
    if (path.ptr && type && !durable) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "unsupported option 'path' for '%s'", type);
    }
    if (durable && !path.len) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "a catalog of type 'sqlite' needs a 'path': the file it lies in");
    }
    if (!durable && (!type || strcmp(type, "generic_in_memory") != 0)) {
        (void)error_at(err, ST_VALIDATION, create->name.span.place,
                       "could not find any catalog factory for '%s'",
                       type ? type : "(no 'type' option)");
        error_hint(err, "available: 'type' = 'generic_in_memory', 'type' = 'sqlite'");
        return ST_VALIDATION;
    }
    CatalogEntry *catalog = catalogs_add(ddl->catalogs, name);
    catalog->comment =
        create->comment.ptr ? str_dup(&ddl->catalogs->arena, create->comment) : create->comment;
    TRY(ddl_options(&ddl->catalogs->arena, &catalog->properties, &create->options, true, err));
    (void)catalog_add_database(ddl->catalogs, catalog, database);
    if (!durable) return ST_OK;
    Status st = durable_open(catalog, path, err);
    if (!st) return durable_read(ddl, err);
    error_place(err, create->name.span.place);
    catalog_forget(ddl, catalog);
    return st;
}

Status ddl_alter_catalog(DdlContext *ddl, const AstAlter *alter, Error *err) {
    CatalogEntry *catalog = map_get(&ddl->catalogs->catalogs, ast_name_last(alter->name));
    if (!catalog || !catalog->properties.count) {  // default_catalog is nobody's to change
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "catalog '" STR_FMT "' does not exist in the catalog store",
                        STR_ARG(ast_name_last(alter->name)));
    }
    if (catalog->durable) {
        return error_at(
            err, ST_UNSUPPORTED, alter->name.span.place,
            "a catalog in a file cannot be altered: drop and create it, its tables stay");
    }
    if (alter->kind == ALTER_COMMENT) {
        catalog->comment = str_dup(&ddl->catalogs->arena, alter->comment);
    } else if (alter->kind == ALTER_SET) {
        TRY(memory_options(&alter->options, err));
        TRY(ddl_options(&ddl->catalogs->arena, &catalog->properties, &alter->options, true, err));
    } else {
        if (!alter->options.count) {
            return error_at(err, ST_VALIDATION, alter->name.span.place,
                            "ALTER CATALOG RESET needs the keys of options");
        }
        for (uint32_t i = 0; i < alter->options.count; i++) {
            if (str_is(alter->options.at[i].key.name, "type")) {
                return error_at(err, ST_VALIDATION, alter->options.at[i].span.place,
                                "ALTER CATALOG RESET does not support changing 'type'");
            }
            (void)map_remove(&catalog->properties, alter->options.at[i].key.name);
        }
    }
    // A changed catalog is opened anew; what lay in it, in memory, is gone.
    while (catalog->databases.count) {
        Database *database = catalog->databases.entry[0].value;
        (void)map_remove(&catalog->databases, database->name);
        database_free(database);
    }
    const char *name = map_get(&catalog->properties, STR("default-database"));
    (void)catalog_add_database(ddl->catalogs, catalog, name ? str_c(name) : STR("default"));
    return ST_OK;
}

static Status database_name(DdlContext *ddl, const AstName *name, Str *catalog, Str *database,
                            Error *err) {
    *database = ast_name_last(*name);
    *catalog = name->count > 1 ? name->part[name->count - 2].name : ddl->catalogs->current_catalog;
    if (map_has(&ddl->catalogs->catalogs, *catalog)) return ST_OK;
    return error_at(err, ST_VALIDATION, name->span.place, "catalog '" STR_FMT "' does not exist",
                    STR_ARG(*catalog));
}

Status ddl_create_database(DdlContext *ddl, const AstCreateSimple *create, Error *err) {
    Str catalog, name;
    TRY(database_name(ddl, &create->name, &catalog, &name, err));
    CatalogEntry *entry = map_get(&ddl->catalogs->catalogs, catalog);
    if (map_has(&entry->databases, name)) {
        if (create->if_not_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "database '" STR_FMT "' already exists in catalog '" STR_FMT "'",
                        STR_ARG(name), STR_ARG(catalog));
    }
    Database *database = catalog_add_database(ddl->catalogs, entry, name);
    if (create->comment.ptr) database->comment = str_dup(&ddl->catalogs->arena, create->comment);
    return ddl_options(&ddl->catalogs->arena, &database->properties, &create->options, true, err);
}

Status ddl_alter_database(DdlContext *ddl, const AstAlter *alter, Error *err) {
    Str catalog, name;
    TRY(database_name(ddl, &alter->name, &catalog, &name, err));
    Database *database = catalogs_database(ddl->catalogs, catalog, name);
    if (!database) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "database '" STR_FMT "' does not exist", STR_ARG(name));
    }
    return ddl_options(&ddl->catalogs->arena, &database->properties, &alter->options, true, err);
}

static Status drop_database(DdlContext *ddl, const AstDrop *drop, Error *err) {
    Str catalog, name;
    TRY(database_name(ddl, &drop->name, &catalog, &name, err));
    Database *database = catalogs_database(ddl->catalogs, catalog, name);
    Place place = drop->name.span.place;
    if (!database) {
        if (drop->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, place,
                        "database '" STR_FMT "' does not exist in catalog '" STR_FMT "'",
                        STR_ARG(name), STR_ARG(catalog));
    }
    if (str_eq(catalog, ddl->catalogs->current_catalog) &&
        str_eq(name, ddl->catalogs->current_database)) {
        return error_at(err, ST_VALIDATION, place,
                        "cannot drop a database which is currently in use");
    }
    bool empty = !database->tables.count && !database->functions.count && !database->models.count;
    if (!empty && drop->mode != DROP_CASCADE) {
        (void)error_at(err, ST_VALIDATION, place,
                       "database '" STR_FMT "' in catalog '" STR_FMT "' is not empty",
                       STR_ARG(name), STR_ARG(catalog));
        error_hint(err, "add CASCADE to drop what lies in it too");
        return ST_VALIDATION;
    }
    CatalogEntry *entry = map_get(&ddl->catalogs->catalogs, catalog);
    (void)map_remove(&entry->databases, name);
    database_free(database);
    return ST_OK;
}

static Status drop_catalog(DdlContext *ddl, const AstDrop *drop, Error *err) {
    Str name = ast_name_last(drop->name);
    CatalogEntry *catalog = map_get(&ddl->catalogs->catalogs, name);
    if (!catalog) {
        if (drop->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, drop->name.span.place,
                        "catalog '" STR_FMT "' does not exist", STR_ARG(name));
    }
    if (str_eq(name, ddl->catalogs->current_catalog)) {
        return error_at(err, ST_VALIDATION, drop->name.span.place,
                        "cannot drop a catalog which is currently in use");
    }
    catalog_forget(ddl, catalog);
    return ST_OK;
}

// ---- functions ---------------------------------------------------------------------------------

static Str lower(Arena *arena, Str name) {
    Str copy = str_dup(arena, name);
    char *at = (char *)(uintptr_t)copy.ptr;
    for (uint32_t i = 0; i < copy.len; i++) {
        if (at[i] >= 'A' && at[i] <= 'Z') at[i] = (char)(at[i] + ('a' - 'A'));
    }
    return copy;
}

static Status functions_of(DdlContext *ddl, const AstName *name, bool temporary, bool system,
                           ObjectName *full, Map **out, Error *err) {
    TRY(catalogs_resolve(ddl->catalogs, name, full, err));
    full->object = lower(ddl->plan->arena, full->object);
    Database *database = catalogs_database(ddl->catalogs, full->catalog, full->database);
    if (!database) {
        return error_at(err, ST_VALIDATION, name->span.place,
                        "database '" STR_FMT "' does not exist", STR_ARG(full->database));
    }
    *out = system      ? &ddl->catalogs->system_functions
           : temporary ? &database->temporary_functions
                       : &database->functions;
    return ST_OK;
}

static UserFunction *function_new(ObjectName name, const AstCreateFunction *create) {
    UserFunction *function = NEW(UserFunction);
    Arena *arena = &function->arena;
    function->name = (ObjectName){str_dup(arena, name.catalog), str_dup(arena, name.database),
                                  str_dup(arena, name.object)};
    function->class_name = str_dup(arena, create->class_name);
    function->language = create->language;
    function->temporary = create->temporary;
    function->system = create->system;
    function->artifact = ARENA_ARRAY(arena, Str, create->resource_count + 1);
    function->artifact_count = create->resource_count;
    for (uint32_t i = 0; i < create->resource_count; i++) {
        function->artifact[i] = str_dup(arena, create->resource[i].uri);
    }
    return function;
}

Status ddl_create_function(DdlContext *ddl, const AstCreateFunction *create, Error *err) {
    ObjectName name;
    Map *functions = NULL;
    TRY(functions_of(ddl, &create->name, create->temporary, create->system, &name, &functions,
                     err));
    if (map_has(functions, name.object)) {
        if (create->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "function '" STR_FMT "' already exists", STR_ARG(name.object));
    }
    if (!create->class_name.len) {
        return error_at(err, ST_VALIDATION, create->name.span.place,
                        "the name of a function's class cannot be empty");
    }
    UserFunction *function = function_new(name, create);
    // As in Flink a temporary function is instantiated at once, a catalog function when it is first
    // called (one in Scala when it is, be it temporary or not). A shared object is looked at now in
    // either case: it is here or it is not.
    bool now = create->language == LANGUAGE_C ||
               (create->temporary && create->language != LANGUAGE_PYTHON &&
                create->language != LANGUAGE_SCALA);
    Status st = now ? bind_user_function(ddl->plan, function, err) : ST_OK;
    if (st) {
        error_place(err, create->name.span.place);
        user_function_free(function);
        return st == ST_UNSUPPORTED ? ST_VALIDATION : st;
    }
    (void)map_put(functions, name.object, function);
    return ST_OK;
}

Status ddl_alter_function(DdlContext *ddl, const AstCreateFunction *alter, Error *err) {
    ObjectName name;
    Map *functions;
    if (alter->temporary) {
        return error_at(err, ST_VALIDATION, alter->name.span.place,
                        "a temporary function cannot be altered");
    }
    TRY(functions_of(ddl, &alter->name, false, false, &name, &functions, err));
    if (map_has(functions, name.object)) {
        UserFunction *function = function_new(name, alter);
        const UserFunction *old = map_get(functions, name.object);
        // ALTER has no USING: the libraries stay.
        function->artifact = ARENA_ARRAY(&function->arena, Str, old->artifact_count + 1);
        function->artifact_count = old->artifact_count;
        for (uint32_t i = 0; i < old->artifact_count; i++) {
            function->artifact[i] = str_dup(&function->arena, old->artifact[i]);
        }
        Status st = alter->language == LANGUAGE_C ? bind_user_function(ddl->plan, function, err)
                                                  : ST_OK;
        if (st) {
            error_place(err, alter->name.span.place);
            user_function_free(function);
            return st;
        }
        user_function_free(map_put(functions, name.object, function));
        return ST_OK;
    }
    if (alter->if_exists) return ST_OK;
    return error_at(err, ST_VALIDATION, alter->name.span.place,
                    "function " STR_FMT "." STR_FMT " does not exist in catalog " STR_FMT,
                    STR_ARG(name.database), STR_ARG(name.object), STR_ARG(name.catalog));
}

static Status drop_function(DdlContext *ddl, const AstDrop *drop, Error *err) {
    ObjectName name;
    Map *functions;
    TRY(functions_of(ddl, &drop->name, drop->temporary, drop->system, &name, &functions, err));
    UserFunction *function = map_remove(functions, name.object);
    if (!function) {
        if (drop->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, drop->name.span.place,
                        "function " STR_FMT "." STR_FMT " does not exist in catalog " STR_FMT,
                        STR_ARG(name.database), STR_ARG(name.object), STR_ARG(name.catalog));
    }
    user_function_free(function);
    return ST_OK;
}

// ---- DROP, USE, modules ------------------------------------------------------------------------

static Status drop_table(DdlContext *ddl, const AstDrop *drop, Error *err) {
    ObjectName name;
    TRY(catalogs_resolve(ddl->catalogs, &drop->name, &name, err));
    Database *database = catalogs_database(ddl->catalogs, name.catalog, name.database);
    bool view = drop->what == OBJ_VIEW;
    bool materialized = drop->what == OBJ_MATERIALIZED_TABLE;
    const char *what = view ? "view" : materialized ? "materialized table" : "table";
    if (database && !drop->temporary && map_has(&database->temporary_tables, name.object)) {
        return error_at(err, ST_VALIDATION, drop->name.span.place,
                        "temporary %s '" STR_FMT
                        "' exists: drop it first before removing the permanent %s",
                        what, STR_ARG(name.object), what);
    }
    Map *from =
        database ? (drop->temporary ? &database->temporary_tables : &database->tables) : NULL;
    Table *table = from ? map_get(from, name.object) : NULL;
    if (!table || (table->kind == TABLE_VIEW) != view || table->materialized != materialized) {
        if (drop->if_exists) return ST_OK;
        return error_at(err, ST_VALIDATION, drop->name.span.place,
                        "%s%s with identifier '" STR_FMT "." STR_FMT "." STR_FMT "' does not exist",
                        drop->temporary ? "temporary " : "", what, STR_ARG(name.catalog),
                        STR_ARG(name.database), STR_ARG(name.object));
    }
    table_unref(map_remove(from, name.object));
    return ST_OK;
}

Status ddl_drop(DdlContext *ddl, const AstDrop *drop, Error *err) {
    switch (drop->what) {
        case OBJ_TABLE:
        case OBJ_MATERIALIZED_TABLE:
        case OBJ_VIEW: return drop_table(ddl, drop, err);
        case OBJ_DATABASE: return drop_database(ddl, drop, err);
        case OBJ_CATALOG: return drop_catalog(ddl, drop, err);
        case OBJ_FUNCTION: return drop_function(ddl, drop, err);
        case OBJ_MODEL: return ddl_drop_model(ddl, drop, err);
        default: return ST_END;
    }
}

static Status use_modules(DdlContext *ddl, const AstUse *use, Error *err) {
    Catalogs *catalogs = ddl->catalogs;
    for (uint32_t i = 0; i < use->module.count; i++) {
        bool known = false, twice = false;
        for (uint32_t m = 0; m < catalogs->module_count; m++) {
            known |= str_eq(catalogs->module[m], use->module.at[i].name);
        }
        for (uint32_t j = 0; j < i; j++) {
            twice |= str_eq(use->module.at[j].name, use->module.at[i].name);
        }
        if (known && !twice) continue;
        return error_at(err, ST_VALIDATION, use->module.at[i].span.place,
                        twice ? "module '" STR_FMT "' appears twice"
                              : "no module with name '" STR_FMT "' exists",
                        STR_ARG(use->module.at[i].name));
    }
    catalogs->modules_used = use->module.count;
    return ST_OK;
}

Status ddl_use(DdlContext *ddl, const AstUse *use, Error *err) {
    Catalogs *catalogs = ddl->catalogs;
    if (use->what == OBJ_MODULE) return use_modules(ddl, use, err);
    if (use->what == OBJ_CATALOG) {
        CatalogEntry *catalog = map_get(&catalogs->catalogs, ast_name_last(use->name));
        if (!catalog) {
            return error_at(err, ST_VALIDATION, use->name.span.place,
                            "a catalog with name [" STR_FMT "] does not exist",
                            STR_ARG(ast_name_last(use->name)));
        }
        if (str_eq(catalogs->current_catalog, catalog->name)) return ST_OK;
        catalogs->current_catalog = catalog->name;
        catalogs->current_database = catalog->databases.count
            ? ((Database *)catalog->databases.entry[0].value)->name : (Str){0};
        return ST_OK;
    }
    Str catalog, name;
    TRY(database_name(ddl, &use->name, &catalog, &name, err));
    Database *database = catalogs_database(catalogs, catalog, name);
    if (!database) {
        return error_at(err, ST_VALIDATION, use->name.span.place,
                        "a database with name [" STR_FMT
                        "] does not exist in the "
                        "catalog: [" STR_FMT "]",
                        STR_ARG(name), STR_ARG(catalog));
    }
    catalogs->current_catalog = ((CatalogEntry *)map_get(&catalogs->catalogs, catalog))->name;
    catalogs->current_database = database->name;
    return ST_OK;
}

Status ddl_module(DdlContext *ddl, const AstModule *module, bool load, Error *err) {
    Catalogs *catalogs = ddl->catalogs;
    Str name = module->name.name;
    uint32_t at = 0;
    while (at < catalogs->module_count && !str_eq(catalogs->module[at], name)) at++;
    bool known = at < catalogs->module_count;
    if (load) {
        if (known) {
            return error_at(err, ST_VALIDATION, module->name.span.place,
                            "a module with name '" STR_FMT "' already exists", STR_ARG(name));
        }
        if (!str_is(name, "core")) {
            return error_at(err, ST_VALIDATION, module->name.span.place,
                            "could not find a module '" STR_FMT "'; there is 'core'",
                            STR_ARG(name));
        }
        catalogs->module[catalogs->module_count++] = STR("core");
        catalogs->modules_used++;
        return ST_OK;
    }
    if (!known) {
        return error_at(err, ST_VALIDATION, module->name.span.place,
                        "no module with name '" STR_FMT "' exists", STR_ARG(name));
    }
    if (at < catalogs->modules_used) catalogs->modules_used--;
    memmove(catalogs->module + at, catalogs->module + at + 1,
            (catalogs->module_count - at - 1) * sizeof *catalogs->module);
    catalogs->module_count--;
    return ST_OK;
}
