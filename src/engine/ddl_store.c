// engine/ddl_store.c - catalogs that lie in a file: what is there becomes objects of the session,
// what statements change goes there.
//
// An object is kept as the CREATE statement that SHOW CREATE prints. Reading executes those
// statements; an object may need another one that was made later (a view that was altered), so what
// fails is tried again after the rest, and stays in the file if it fails for good. After each
// statement that changes catalogs the statements of all permanent objects are compared with those
// in the file, and the differences are written in one transaction. If that fails, the session reads
// the file again: what it holds is what counts.
//
// The file is read when the first statement comes that can name something in it, and again when
// another process has changed it.
#include "catalog/store.h"
#include "engine/ddl.h"
#include "sql/print.h"

struct DurableCatalog {
    CatalogStore *store;
    Arena arena;
    StoredObject *object;   // what the file holds, as far as is known
    bool *broken;           // could not be made: left alone
    uint32_t count;
    int64_t version;
    bool read;
};

Status durable_open(CatalogEntry *catalog, Str path, Error *err) {
    CatalogStore *store;
    TRY(catalog_store_open(path, &store, err));
    catalog->durable = NEW(DurableCatalog);
    catalog->durable->store = store;
    return ST_OK;
}

void durable_close(CatalogEntry *catalog) {
    if (!catalog->durable) return;
    catalog_store_close(catalog->durable->store);
    arena_clear(&catalog->durable->arena);
    mem_free(catalog->durable);
    catalog->durable = NULL;
}

// ---- reading -----------------------------------------------------------------------------------

static Status make_object(DdlContext *outer, CatalogEntry *catalog, const StoredObject *object,
                          Error *err) {
    Arena arena = {0};
    AstStmt *stmt;
    Status st = sql_parse(&arena, object->sql, &stmt, err);
    if (!st) {
        PlanContext context = *outer->plan;
        context.arena = &arena;
        context.statement = object->sql;
        context.maps = NULL;
        DdlContext ddl = *outer;
        ddl.plan = &context;
        ddl.text = object->sql;
        // The file may be known by another name here than where it was written.
        Catalogs *catalogs = outer->catalogs;
        Str old_catalog = catalogs->current_catalog, old_database = catalogs->current_database;
        catalogs->current_catalog = catalog->name;
        catalogs->current_database = object->database;
        if (stmt->kind == STMT_CREATE_TABLE) st = ddl_create_table(&ddl, stmt->create_table, err);
        if (stmt->kind == STMT_CREATE_VIEW) st = ddl_create_view(&ddl, stmt->create_view, err);
        if (stmt->kind == STMT_CREATE_MODEL) st = ddl_create_model(&ddl, stmt->create_model, err);
        if (stmt->kind == STMT_CREATE_FUNCTION) st = ddl_create_function(&ddl, stmt->function, err);
        if (stmt->kind == STMT_CREATE_DATABASE) {
            st = ddl_create_database(&ddl, stmt->create_simple, err);
        }
        catalogs->current_catalog = old_catalog;
        catalogs->current_database = old_database;
        plan_context_clear(&context);
    }
    arena_clear(&arena);
    return st;
}

// Databases stay where they are, for the session may be in one; those that the file does not have
// go.
static void forget_objects(CatalogEntry *catalog, const DurableCatalog *durable) {
    for (uint32_t i = catalog->databases.count; i-- > 0;) {
        Database *database = catalog->databases.entry[i].value;
        bool kept = false;
        for (uint32_t k = 0; k < durable->count; k++) {
            kept |= str_is(durable->object[k].kind, "database") &&
                    str_eq(durable->object[k].name, database->name);
        }
        database_forget(database);
        if (kept) continue;
        bool temporary = database->temporary_tables.count || database->temporary_models.count ||
                         database->temporary_functions.count;
        if (!temporary && catalog->databases.count > 1) {
            (void)map_remove(&catalog->databases, database->name);
            database_free(database);
        }
    }
}

// What cannot be made, a function whose library is gone, stays in the file and is told of.
static void tell_broken(DdlContext *ddl, CatalogEntry *catalog, const StoredObject *object) {
    Error why = {0};
    if (!make_object(ddl, catalog, object, &why) || !ddl->sink || !ddl->sink->message) return;
    Buf text = {0};
    buf_printf(&text, "note: the catalog's " STR_FMT " '" STR_FMT "' is out of use: %s",
               STR_ARG(object->kind), STR_ARG(object->name), why.message);
    ddl->sink->message(ddl->sink->arg, buf_str(&text));
    buf_free(&text);
}

static Status read_catalog(DdlContext *ddl, CatalogEntry *catalog, Error *err) {
    DurableCatalog *durable = catalog->durable;
    int64_t version;
    TRY(catalog_store_version(durable->store, &version, err));
    if (durable->read && version == durable->version) return ST_OK;
    arena_clear(&durable->arena);
    TRY(catalog_store_read(durable->store, &durable->arena, &durable->object, &durable->count,
                           err));
    durable->broken = ARENA_ARRAY(&durable->arena, bool, durable->count + 1);
    durable->version = version;
    durable->read = true;
    if (durable->count) forget_objects(catalog, durable);
    bool *done = ARENA_ARRAY(&durable->arena, bool, durable->count + 1);
    for (bool progress = true; progress;) {
        progress = false;
        for (uint32_t i = 0; i < durable->count; i++) {
            const StoredObject *object = &durable->object[i];
            if (done[i]) continue;
            bool there = str_is(object->kind, "database") &&
                         map_has(&catalog->databases, object->name);
            Status st = there ? ST_OK : make_object(ddl, catalog, object, NULL);
            done[i] = !st;
            progress |= !st;
        }
    }
    for (uint32_t i = 0; i < durable->count; i++) {
        durable->broken[i] = !done[i];
        if (!done[i]) tell_broken(ddl, catalog, &durable->object[i]);
    }
    return ST_OK;
}

Status durable_read(DdlContext *ddl, Error *err) {
    for (uint32_t i = 0; i < ddl->catalogs->catalogs.count; i++) {
        CatalogEntry *catalog = ddl->catalogs->catalogs.entry[i].value;
        if (catalog->durable) TRY(read_catalog(ddl, catalog, err));
    }
    return ST_OK;
}

// ---- writing -----------------------------------------------------------------------------------

typedef struct Writer {
    DurableCatalog *durable;
    bool *seen;             // of the objects known to be in the file
    Arena arena;
    uint32_t changes;
} Writer;

static StoredObject *find_known(const DurableCatalog *durable, const StoredObject *object) {
    for (uint32_t i = 0; i < durable->count; i++) {
        StoredObject *known = &durable->object[i];
        if (str_eq(known->name, object->name) && str_eq(known->kind, object->kind) &&
            str_eq(known->database, object->database)) {
            return known;
        }
    }
    return NULL;
}

// Nobody may have changed the file since it was read.
static Status begin(DurableCatalog *durable, Error *err) {
    int64_t version;
    TRY(catalog_store_begin(durable->store, err));
    TRY(catalog_store_version(durable->store, &version, err));
    if (version == durable->version) return ST_OK;
    (void)error_set(err, ST_IO, "another process has changed the catalog at the same moment");
    error_hint(err, "run the statement again");
    return ST_IO;
}

static Status write_object(Writer *self, Str database, const char *kind, Str name, Buf *sql,
                           Error *err) {
    StoredObject object = {database, str_c(kind), name, buf_str(sql)};
    const StoredObject *known = find_known(self->durable, &object);
    if (known) self->seen[known - self->durable->object] = true;
    Status st = ST_OK;
    if (!known || !str_eq(known->sql, object.sql)) {
        if (!self->changes++) st = begin(self->durable, err);
        if (!st) st = catalog_store_put(self->durable->store, &object, err);
    }
    buf_free(sql);
    *sql = (Buf){0};
    return st;
}

static Status write_database(Writer *self, const Database *database, Error *err) {
    Buf sql = {0};
    ddl_print_database(database, &self->arena, &sql);
    TRY(write_object(self, STR(""), "database", database->name, &sql, err));
    for (uint32_t i = 0; i < database->tables.count; i++) {
        const Table *table = database->tables.entry[i].value;
        if (table->materialized) {
            return error_set(err, ST_UNSUPPORTED,
                             "materialized table '" STR_FMT "' cannot be kept in a catalog file",
                             STR_ARG(table->name.object));
        }
        bool view = table->kind == TABLE_VIEW;
        Table bare = *table;  // the file's catalog may have another name tomorrow
        bare.name.catalog = bare.name.database = (Str){0};
        ddl_print_table(&bare, &self->arena, &sql);
        TRY(write_object(self, database->name, view ? "view" : "table", table->name.object, &sql,
                         err));
    }
    for (uint32_t i = 0; i < database->models.count; i++) {
        const Model *model = database->models.entry[i].value;
        Model bare = *model;
        bare.name.catalog = bare.name.database = (Str){0};
        ddl_print_model(&bare, &self->arena, &sql);
        TRY(write_object(self, database->name, "model", model->name.object, &sql, err));
    }
    for (uint32_t i = 0; i < database->functions.count; i++) {
        const UserFunction *function = database->functions.entry[i].value;
        UserFunction bare = *function;
        bare.name.catalog = bare.name.database = (Str){0};
        ddl_print_function(&bare, &sql);
        TRY(write_object(self, database->name, "function", function->name.object, &sql, err));
    }
    return ST_OK;
}

static Status write_catalog(CatalogEntry *catalog, Error *err) {
    DurableCatalog *durable = catalog->durable;
    Writer self = {.durable = durable, .seen = NEW_ARRAY(bool, durable->count + 1)};
    Status st = ST_OK;
    for (uint32_t i = 0; i < catalog->databases.count && !st; i++) {
        st = write_database(&self, catalog->databases.entry[i].value, err);
    }
    for (uint32_t i = 0; i < durable->count && !st; i++) {
        if (self.seen[i] || durable->broken[i]) continue;
        if (!self.changes++) st = begin(durable, err);
        if (!st) st = catalog_store_remove(durable->store, &durable->object[i], err);
    }
    if (self.changes) {
        if (!st) st = catalog_store_commit(durable->store, err);
        if (st) catalog_store_rollback(durable->store);
    }
    mem_free(self.seen);
    arena_clear(&self.arena);
    // What the file holds now is read when it is asked for next; the objects of the session are it.
    if (self.changes && !st) {
        arena_clear(&durable->arena);
        st = catalog_store_read(durable->store, &durable->arena, &durable->object, &durable->count,
                                err);
        durable->broken = ARENA_ARRAY(&durable->arena, bool, durable->count + 1);
    }
    if (st) durable->read = false;
    return st;
}

Status durable_write(DdlContext *ddl, Error *err) {
    for (uint32_t i = 0; i < ddl->catalogs->catalogs.count; i++) {
        CatalogEntry *catalog = ddl->catalogs->catalogs.entry[i].value;
        if (catalog->durable && catalog->durable->read) TRY(write_catalog(catalog, err));
    }
    return ST_OK;
}
