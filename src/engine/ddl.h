// engine/ddl.h - statements that change or show the catalog: CREATE, ALTER, DROP, USE, SHOW,
// DESCRIBE. Shared by the files of engine/ and nobody else.
#pragma once

#include "engine/session.h"

// What a statement may touch.
typedef struct DdlContext {
    Session *session;
    PlanContext *plan;       // for binding: arena of this statement
    Catalogs *catalogs;
    Map *config;
    Str text;                // the statement
    const ResultSink *sink;
    // Runs INSERT INTO [table] [query], for CREATE TABLE … AS; the session's.
    Status (*insert)(struct DdlContext *ddl, const AstInsert *insert, Error *err);
    // Runs a query to its end, in batch mode, for CREATE MODEL … AS; says a line to whoever waits.
    Status (*query)(struct DdlContext *ddl, const AstQuery *query, const ResultSink *sink,
                    Error *err);
    void (*say)(struct DdlContext *ddl, Str line);
    Budget *budget;          // of the session's jobs
} DdlContext;

// ST_END: not a statement of this file's.
NODISCARD Status ddl_execute(DdlContext *ddl, const AstStmt *stmt, Error *err);

// ddl_create.c
NODISCARD Status ddl_create_table(DdlContext *ddl, const AstCreateTable *create, Error *err);
NODISCARD Status ddl_create_materialized(DdlContext *ddl, const AstCreateMaterializedTable *create,
                                         Error *err);
// No two of the names may be the same.
NODISCARD Status ddl_names_differ(const Str *name, uint32_t count, Error *err);
NODISCARD Status ddl_column_add(DdlContext *ddl, Table *table, const AstColumn *ast, Column *out,
                                Error *err);
// Derives the types of computed columns, and the watermark's attribute, again.
NODISCARD Status ddl_table_finish(DdlContext *ddl, Table *table, Place place, Error *err);
NODISCARD Status ddl_key_add(Table *table, const AstConstraint *key, const AstIdent *column,
                             uint32_t count, Error *err);
NODISCARD Status ddl_watermark_add(DdlContext *ddl, Table *table, const AstWatermark *mark,
                                   Error *err);
NODISCARD Status ddl_distribution_add(Table *table, const AstDistribution *distribution,
                                      Error *err);
Table *ddl_table_copy(const Table *table);
// Puts a new table in place of [old], which may be in use.
NODISCARD Status ddl_table_replace(DdlContext *ddl, Table *old, Table *table, Error *err);

// Enters a new table or view, which it owns from here on, under the name of the statement.
NODISCARD Status ddl_table_publish(DdlContext *ddl, Table *table, const AstName *name,
                                   bool if_not_exists, bool replace, Error *err);

// ddl_view.c
NODISCARD Status ddl_create_view(DdlContext *ddl, const AstCreateView *create, Error *err);
// ALTER VIEW … AS: [query] is changed into its expansion.
NODISCARD Status ddl_view_redefine(DdlContext *ddl, Table *view, AstQuery *query, Error *err);

// The query as text that means the same wherever it is read, in [arena]; the tree is changed.
NODISCARD Status ddl_query_text(DdlContext *ddl, AstQuery *query, Arena *arena, Str *out,
                                Error *err);

// ddl_alter.c
NODISCARD Status ddl_alter_table(DdlContext *ddl, const AstAlter *alter, Error *err);
NODISCARD Status ddl_alter_view(DdlContext *ddl, const AstAlter *alter, Error *err);

// ddl_catalog.c: catalogs, databases, functions, modules
NODISCARD Status ddl_create_catalog(DdlContext *ddl, const AstCreateSimple *create, Error *err);
NODISCARD Status ddl_create_database(DdlContext *ddl, const AstCreateSimple *create, Error *err);
NODISCARD Status ddl_alter_database(DdlContext *ddl, const AstAlter *alter, Error *err);
NODISCARD Status ddl_alter_catalog(DdlContext *ddl, const AstAlter *alter, Error *err);
NODISCARD Status ddl_create_function(DdlContext *ddl, const AstCreateFunction *create, Error *err);
NODISCARD Status ddl_alter_function(DdlContext *ddl, const AstCreateFunction *alter, Error *err);

// ddl_model.c
NODISCARD Status ddl_create_model(DdlContext *ddl, const AstCreateModel *create, Error *err);
NODISCARD Status ddl_alter_model(DdlContext *ddl, const AstAlter *alter, Error *err);
NODISCARD Status ddl_drop_model(DdlContext *ddl, const AstDrop *drop, Error *err);

// ddl_catalog.c
NODISCARD Status ddl_drop(DdlContext *ddl, const AstDrop *drop, Error *err);
NODISCARD Status ddl_use(DdlContext *ddl, const AstUse *use, Error *err);
NODISCARD Status ddl_module(DdlContext *ddl, const AstModule *module, bool load, Error *err);

// ddl_show.c
NODISCARD Status ddl_show(DdlContext *ddl, const AstShow *show, Error *err);
NODISCARD Status ddl_describe(DdlContext *ddl, const AstDescribe *describe, Error *err);

// ddl_jobs.c
NODISCARD Status ddl_show_jobs(DdlContext *ddl, Error *err);
NODISCARD Status ddl_describe_job(DdlContext *ddl, Str id, Error *err);
NODISCARD Status ddl_stop_job(DdlContext *ddl, const AstStopJob *stop, Error *err);

// The CREATE statements of objects; without catalog and database where their names have none.
void ddl_print_table(const Table *table, Arena *arena, Buf *out);  // and views
void ddl_print_model(const Model *model, Arena *arena, Buf *out);
void ddl_print_function(const UserFunction *function, Buf *out);
void ddl_print_database(const Database *database, Arena *arena, Buf *out);

// ddl_store.c: catalogs that lie in a file
NODISCARD Status durable_open(CatalogEntry *catalog, Str path, Error *err);
void durable_close(CatalogEntry *catalog);
// Brings the session's objects up to what the files hold, and the files to what a statement made.
NODISCARD Status durable_read(DdlContext *ddl, Error *err);
NODISCARD Status durable_write(DdlContext *ddl, Error *err);

// ddl.c
void ddl_ok(const DdlContext *ddl);
// A result for SHOW and DESCRIBE: [columns] names and types (NULL: all STRING), rows of cells, ptr
// NULL is NULL; BOOLEAN cells are "TRUE" or "FALSE".
NODISCARD Status ddl_rows(const DdlContext *ddl, const char *const *names, const TypeKind *types,
                          uint32_t columns, const Str *cells, uint32_t rows, Error *err);
NODISCARD Status ddl_resolve_table(DdlContext *ddl, const AstName *name, ObjectName *out,
                                   Table **table, Error *err);
NODISCARD Status ddl_options(Arena *arena, Map *into, const AstOptions *options, bool replace,
                             Error *err);
