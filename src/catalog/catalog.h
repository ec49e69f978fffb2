// catalog/catalog.h - what names mean: catalogs of databases of tables, views, models, functions.
//
// Everything here is in memory and belongs to a session. Objects are counted references and
// immutable once published: ALTER makes a new one and replaces it, so that a running plan keeps
// what it was bound to. Threads: the session's own.
#pragma once

#include "func/func.h"
#include "spi/connector.h"
#include "sql/parser.h"
#include "udf/udf.h"

typedef enum ColumnKind { COL_PHYSICAL, COL_METADATA, COL_COMPUTED } ColumnKind;

typedef struct Column {
    Str name;
    ColumnKind kind;
    const Type *type;    // of a computed column: derived when the table is created
    Str metadata_key;    // COL_METADATA: the connector's key (the column's name unless FROM says)
    bool metadata_from;  // FROM was written
    bool is_virtual;     // METADATA … VIRTUAL: not written by sinks
    Str expr;            // COL_COMPUTED: canonical SQL text, read back by sql_parse_expr
    Str comment;         // ptr NULL: none
} Column;

typedef enum TableKind { TABLE_BASE, TABLE_VIEW } TableKind;

typedef struct ObjectName {
    Str catalog, database, object;
} ObjectName;

typedef struct Table {
    TableKind kind;
    ObjectName name;
    bool temporary;
    bool materialized;      // a materialized table: TABLE_BASE with a query that says its columns
    Arena arena;            // everything below lies in it
    uint32_t refs;
    Column *column;
    uint32_t column_count;
    // Watermark: column name (path) and the expression's canonical text; ptr NULL: none.
    Str watermark_column, watermark_expr;
    Str constraint_name;    // of the primary key
    Str *primary_key;       // column names
    uint32_t primary_key_count;
    Str *partition_key;
    uint32_t partition_key_count;
    bool distributed;
    int distribution_kind;  // as AstDistribution.kind
    Str *distribution_column;
    uint32_t distribution_column_count;
    int32_t distribution_buckets;  // -1: not said
    Map options;            // key -> NUL-terminated value in the arena
    Map partitions;         // what ALTER TABLE ADD PARTITION told of, as `a=1/b=2`
    Str comment;            // ptr NULL: none
    // TABLE_VIEW: the query as it is bound, and the catalog and database its short names meant;
    // columns above are its schema. [view_expanded] is the query as it prints; ptr NULL: the same.
    Str view_query, view_catalog, view_database, view_expanded;
} Table;

Table *table_new(TableKind kind);
Table *table_ref(Table *table);
Table *table_unref(Table *table);
const Column *table_column(const Table *table, Str name);
// ROW of the physical columns, made in [arena].
const Type *table_physical(const Table *table, Arena *arena);

typedef struct Model {
    ObjectName name;
    bool temporary;
    Arena arena;
    const Type *input, *output;  // ROW types
    Map options;
    Str comment;
} Model;

typedef struct UserFunction {
    ObjectName name;
    bool temporary, system;
    Arena arena;
    Str class_name;  // of Java; a symbol of C; module.name of Python
    AstLanguage language;
    Str *artifact;   // USING …
    uint32_t artifact_count;
    Udf *udf;        // once it was looked for (plan/bind_udf.c); counted
} UserFunction;

enum { MODULES_MAX = 16 };

typedef struct Database {
    Str name;
    Str comment;
    Map properties;  // NUL-terminated values, owned
    Map tables, temporary_tables;  // name -> Table*
    Map models, temporary_models;  // name -> Model*
    Map functions, temporary_functions;  // lower-case name -> UserFunction*
} Database;

typedef struct DurableCatalog DurableCatalog;  // engine/ddl_store.c

typedef struct CatalogEntry {
    Str name;
    Str comment;
    Map properties;
    Map databases;  // name -> Database*
    DurableCatalog *durable;  // it lies in a file; NULL: in memory. Owned by engine/
} CatalogEntry;

typedef struct Catalogs {
    Arena arena;
    Map catalogs;          // name -> CatalogEntry*
    Map system_functions;  // temporary system functions
    Str current_catalog, current_database;  // current_catalog.ptr NULL: none selected
    // Loaded modules, those in use first; only 'core' exists.
    Str module[MODULES_MAX];
    uint32_t module_count, modules_used;
} Catalogs;

// With default_catalog.default_database, as Flink starts.
void catalogs_init(Catalogs *catalogs);
void catalogs_clear(Catalogs *catalogs);
// Drops what lies in it.
void database_free(Database *database);
// The same of all but the temporary objects.
void database_forget(Database *database);
void user_function_free(UserFunction *function);
// The function that a name of one to three parts means, case aside; NULL when there is none. Of
// names of one part, those of temporary system functions alone when [system].
UserFunction *catalogs_function(const Catalogs *catalogs, const AstName *name, bool system);
CatalogEntry *catalogs_add(Catalogs *catalogs, Str name);
Database *catalog_add_database(Catalogs *catalogs, CatalogEntry *catalog, Str name);
Database *catalogs_database(const Catalogs *catalogs, Str catalog, Str database);  // or NULL

// Completes a name of one to three parts with the current catalog and database. ST_VALIDATION for
// more parts.
NODISCARD Status catalogs_resolve(const Catalogs *catalogs, const AstName *name, ObjectName *out,
                                  Error *err);
// A table or view by its name (temporary ones hide others); NULL when absent.
Table *catalogs_table(const Catalogs *catalogs, ObjectName name);
// A model by its name (temporary ones hide others); NULL when absent.
Model *catalogs_model(const Catalogs *catalogs, ObjectName name);
const char *catalogs_nearest_model(const Catalogs *catalogs, ObjectName name);
// The nearest table name in the database, for hints.
const char *catalogs_nearest_table(const Catalogs *catalogs, ObjectName name);
void object_name_print(ObjectName name, Buf *out);  // `a`.`b`.`c`
