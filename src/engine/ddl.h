// engine/ddl.h - statements that change or show the catalog: CREATE, ALTER, DROP, USE, SHOW, DESCRIBE.
#pragma once

#include "engine/session.h"

// What a statement may touch; shared by the files of engine/ and nobody else.
typedef struct DdlContext {
    Session *session;
    PlanContext *plan;       // for binding: arena of this statement
    Catalogs *catalogs;
    Map *config;
    Str text;                // the statement
    const ResultSink *sink;
} DdlContext;

// ST_END: not a statement of this file's.
NODISCARD Status ddl_execute(DdlContext *ddl, const AstStmt *stmt, Error *err);

// CREATE TABLE's and CREATE VIEW's part, for CTAS. (ddl_create.c)
NODISCARD Status ddl_create_table(DdlContext *ddl, const AstCreateTable *create, Error *err);
NODISCARD Status ddl_create_view(DdlContext *ddl, const AstCreateView *create, Error *err);
NODISCARD Status ddl_drop(DdlContext *ddl, const AstDrop *drop, Error *err);

void ddl_ok(const DdlContext *ddl);
// A result of text columns for SHOW and DESCRIBE: rows of cells, NULL ptr is NULL.
NODISCARD Status ddl_rows(const DdlContext *ddl, const char *const *names, uint32_t columns,
                          const Str *cells, uint32_t rows, Error *err);
