// catalog/store.h - a catalog in a file (SQLite), so that it is there tomorrow and other processes
// see it: databases, and for each object the CREATE statement that makes it again. What the
// statements mean is engine/ddl_store.c's business.
//
// Concurrency: any number of processes; each change is a transaction, and whoever finds the file
// busy waits a few seconds. Options are kept as given, passwords too: the file is made for its
// owner alone. Threads: the session's own.
#pragma once

#include "base/map.h"
#include "os/os.h"

typedef struct CatalogStore CatalogStore;

typedef struct StoredObject {
    Str database, kind, name, sql;  // kind: "database", "table", "view", "model", "function"
} StoredObject;

// Opens the file, making it (and its directories) when there is none. ST_UNSUPPORTED: this build
// has no SQLite. Errors name the file, also when a newer weir has written it.
NODISCARD Status catalog_store_open(Str path, CatalogStore **out, Error *err);
void catalog_store_close(CatalogStore *store);  // NULL is fine

// A number that changes when another process has changed the file.
NODISCARD Status catalog_store_version(CatalogStore *store, int64_t *version, Error *err);
// All that is there, in the order in which it was made; strings in [arena].
NODISCARD Status catalog_store_read(CatalogStore *store, Arena *arena, StoredObject **out,
                                    uint32_t *count, Error *err);

// A change: begin, any number of puts and removes, commit or (also after a failure) roll back.
// Others wait meanwhile.
NODISCARD Status catalog_store_begin(CatalogStore *store, Error *err);
NODISCARD Status catalog_store_put(CatalogStore *store, const StoredObject *object, Error *err);
NODISCARD Status catalog_store_remove(CatalogStore *store, const StoredObject *object, Error *err);
NODISCARD Status catalog_store_commit(CatalogStore *store, Error *err);
void catalog_store_rollback(CatalogStore *store);
