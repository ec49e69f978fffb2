// watch/db.h - a few statements over an SQLite file: what the registry stands on. Errors name the
// file and what SQLite says; nothing of a value.
//
// Statements are prepared once and kept by the address of their text, which is a literal. A value
// is bound in the order of the question marks. Threads: one at a time, the registry's lock sees to
// it. SQLite is loaded when the first file is opened (os/library.h).
#pragma once

#include "base/text.h"

typedef struct Db Db;
typedef struct DbUse DbUse;  // a statement while it is used; the next db_use of its text ends it

// Opens the file, making it (readable by its owner alone) when there is none; [schema] is executed
// when it has version 0, and its version is [version] afterwards. A newer one is refused.
// ST_UNSUPPORTED: this build has no SQLite.
NODISCARD Status db_open(Str path, const char *schema, int version, Db **out, Error *err);
void db_close(Db *db);  // NULL is fine

NODISCARD Status db_begin(Db *db, Error *err);
NODISCARD Status db_commit(Db *db, Error *err);
void db_rollback(Db *db);

// Prepares [sql], or takes it up again, all its values NULL.
NODISCARD Status db_use(Db *db, const char *sql, DbUse **out, Error *err);
void db_put_text(DbUse *use, Str text);  // copied
void db_put_i64(DbUse *use, int64_t value);
// The next row, or the end: *row is false.
NODISCARD Status db_step(DbUse *use, bool *row, Error *err);
// A statement that gives no rows, to its end.
NODISCARD Status db_run(DbUse *use, Error *err);
Str db_text(DbUse *use, int column, Arena *arena);
int64_t db_i64(DbUse *use, int column);
int64_t db_last_id(Db *db);
