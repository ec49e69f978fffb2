// engine/compiled.h - compiled plans: a statement in a file, with all that it stands on.
//
// Flink's compiled plan fixes the operators of a job, because its state is found by their places.
// weir finds state by what an operator means (plan/rule_reuse.c), so its plan is the statement, the
// CREATE statements of the objects that it names, and the settings that decide how it is planned:
// enough to run it in a session that knows none of them. The file is JSON:
//
//     { "weirPlan": 1, "catalog": "…", "database": "…",
//       "settings": { "table.exec.mini-batch.enabled": "true" },
//       "objects": [ { "kind": "table", "name": "`c`.`d`.`t`", "schema": "…", "create": "…" } ],
//       "statement": "INSERT INTO …" }
//
// Threads: the session's own.
#pragma once

#include "engine/ddl.h"

typedef struct CompiledObject {
    Str kind, name, schema, create;  // [schema]: of a table, what of it must not have changed
    bool made;                       // for the time of the statement
} CompiledObject;

typedef struct CompiledPlan {
    Str catalog, database, statement;
    CompiledObject *object;
    uint32_t object_count;
    Str *key, *value;  // settings
    uint32_t setting_count;
} CompiledPlan;

// COMPILE PLAN and the first half of COMPILE AND EXECUTE PLAN: binds the statement and writes the
// file, unless there is one and that is as it should be. ST_VALIDATION when it must not be written
// over.
NODISCARD Status compiled_write(DdlContext *ddl, const AstPlan *plan, Error *err);
// Reads the file; everything lies in the statement's arena.
NODISCARD Status compiled_read(DdlContext *ddl, Str path, CompiledPlan *out, Error *err);
// Makes what the session does not have, as temporary objects, and holds what it has against the
// plan. compiled_unmake takes it away again, after a failure, too.
NODISCARD Status compiled_make(DdlContext *ddl, CompiledPlan *plan, Error *err);
void compiled_unmake(DdlContext *ddl, CompiledPlan *plan);
