#include "catalog/store.h"

#ifdef WEIR_SQLITE

#include <sqlite3.h>

#include "os/library.h"

// The functions of SQLite, sqlite3_exec as sqlite.exec(...).
#define FUNCTIONS(X)                                                                              \
    X(bind_parameter_count) X(bind_text) X(busy_timeout) X(close) X(column_bytes)                 \
    X(column_int64) X(column_text) X(errmsg) X(exec) X(finalize) X(open_v2) X(prepare_v2)         \
    X(step)
#define MEMBER(name) __typeof__(&sqlite3_##name) name;
#define NAME(name) "sqlite3_" #name,
static struct {
    FUNCTIONS(MEMBER)
} sqlite;
static const char *const SQLITE_NAMES[] = {FUNCTIONS(NAME)};
static Library sqlite_library = {
    .file = "libsqlite3.so.0",
    .purpose = "a catalog in a file",
    .package = "libsqlite3-0",
    .symbol = SQLITE_NAMES,
    .functions = &sqlite,
    .count = sizeof SQLITE_NAMES / sizeof *SQLITE_NAMES,
};

enum {
    APPLICATION_ID = 0x57656972,  // "Weir": what file(1) and we tell such files by
    SCHEMA_VERSION = 1,
    BUSY_TIMEOUT_MS = 5000,
};

struct CatalogStore {
    sqlite3 *db;
    char *path;
};

static Status failed(CatalogStore *store, const char *what, Error *err) {
    return error_set(err, ST_IO, "cannot %s catalog '%s': %s", what, store->path,
                     store->db ? sqlite.errmsg(store->db) : "out of memory");
}

static Status run(CatalogStore *store, const char *sql, const char *what, Error *err) {
    if (sqlite.exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK) return ST_OK;
    return failed(store, what, err);
}

static Status number(CatalogStore *store, const char *sql, int64_t *out, Error *err) {
    sqlite3_stmt *stmt = NULL;
    Status st = ST_OK;
    if (sqlite.prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite.step(stmt) != SQLITE_ROW) {
        st = failed(store, "read", err);
    } else {
        *out = sqlite.column_int64(stmt, 0);
    }
    (void)sqlite.finalize(stmt);
    return st;
}

// Makes the tables in an empty file; refuses what is no catalog, and what a newer weir wrote.
static Status check_schema(CatalogStore *store, Error *err) {
    int64_t application, version, tables;
    TRY(run(store, "BEGIN IMMEDIATE", "open", err));
    Status st = number(store, "PRAGMA application_id", &application, err);
    if (!st) st = number(store, "PRAGMA user_version", &version, err);
    if (!st) st = number(store, "SELECT COUNT(*) FROM sqlite_master", &tables, err);
    if (!st && !application && !version && !tables) {
        st = run(
            store,
            "CREATE TABLE object (id INTEGER PRIMARY KEY, database TEXT NOT NULL, kind TEXT NOT "
            "NULL, name TEXT NOT NULL, sql TEXT NOT NULL, UNIQUE (database, kind, name));"
            "PRAGMA application_id = 1466263922;"
            "PRAGMA user_version = 1",
            "make", err);
    } else if (!st && application != APPLICATION_ID) {
        st = error_set(err, ST_IO, "'%s' is a database, but no catalog of weir", store->path);
    } else if (!st && version != SCHEMA_VERSION) {
        (void)error_set(err, ST_IO, "catalog '%s' has schema version %lld, this weir knows %d",
                        store->path, (long long)version, SCHEMA_VERSION);
        error_hint(err, "use the weir that made it, or another file");
        st = ST_IO;
    }
    if (!st) return run(store, "COMMIT", "open", err);
    catalog_store_rollback(store);
    return st;
}

// An empty file that its owner alone may read: SQLite takes it as a new database.
static Status make_file(Str path, Error *err) {
    OsStat stat;
    TRY(os()->stat(path, &stat, err));
    if (stat.exists) return ST_OK;
    uint32_t slash = path.len;
    while (slash && path.ptr[slash - 1] != '/') slash--;
    if (slash > 1) TRY(os()->make_dirs(str_sub(path, 0, slash - 1), err));
    OsFile *file = NULL;
    Status st = os()->open(path, OS_SCRATCH, &file, err);
    if (st) {  // another process may have been faster
        TRY(os()->stat(path, &stat, NULL));
        return stat.exists ? ST_OK : st;
    }
    return os()->close(file, err);
}

Status catalog_store_open(Str path, CatalogStore **out, Error *err) {
    TRY(library_load(&sqlite_library, err));
    TRY(make_file(path, err));
    CatalogStore *store = NEW(CatalogStore);
    store->path = str_own(path);
    Status st = ST_OK;
    if (sqlite.open_v2(store->path, &store->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        st = failed(store, "open", err);
    }
    if (!st) (void)sqlite.busy_timeout(store->db, BUSY_TIMEOUT_MS);
    if (!st) st = check_schema(store, err);
    if (st) {
        catalog_store_close(store);
        return st;
    }
    *out = store;
    return ST_OK;
}

void catalog_store_close(CatalogStore *store) {
    if (!store) return;
    if (store->db) (void)sqlite.close(store->db);
    mem_free(store->path);
    mem_free(store);
}

Status catalog_store_version(CatalogStore *store, int64_t *version, Error *err) {
    return number(store, "PRAGMA data_version", version, err);
}

static Str column(sqlite3_stmt *stmt, int at, Arena *arena) {
    const char *text = (const char *)sqlite.column_text(stmt, at);
    return str_dup(arena, str_make(text ? text : "", (size_t)sqlite.column_bytes(stmt, at)));
}

Status catalog_store_read(CatalogStore *store, Arena *arena, StoredObject **out, uint32_t *count,
                          Error *err) {
    static const char SQL[] = "SELECT database, kind, name, sql FROM object ORDER BY id";
    sqlite3_stmt *stmt = NULL;
    uint32_t cap = 0;
    *out = NULL;
    *count = 0;
    int step = sqlite.prepare_v2(store->db, SQL, -1, &stmt, NULL);
    while (step == SQLITE_OK || step == SQLITE_ROW) {
        step = sqlite.step(stmt);
        if (step != SQLITE_ROW) break;
        if (*count == cap) {
            StoredObject *grown = ARENA_ARRAY(arena, StoredObject, cap ? cap * 2 : 64);
            if (cap) memcpy(grown, *out, cap * sizeof *grown);
            cap = cap ? cap * 2 : 64;
            *out = grown;
        }
        (*out)[(*count)++] = (StoredObject){column(stmt, 0, arena), column(stmt, 1, arena),
                                            column(stmt, 2, arena), column(stmt, 3, arena)};
    }
    Status st = step == SQLITE_DONE ? ST_OK : failed(store, "read", err);
    (void)sqlite.finalize(stmt);
    return st;
}

Status catalog_store_begin(CatalogStore *store, Error *err) {
    return run(store, "BEGIN IMMEDIATE", "change", err);
}

static Status change(CatalogStore *store, const char *sql, const StoredObject *object, Error *err) {
    const Str value[] = {object->database, object->kind, object->name, object->sql};
    sqlite3_stmt *stmt = NULL;
    bool good = sqlite.prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK;
    int wanted = good ? sqlite.bind_parameter_count(stmt) : 0;
    for (int i = 0; i < wanted && good; i++) {
        good = sqlite.bind_text(stmt, i + 1, value[i].ptr ? value[i].ptr : "", (int)value[i].len,
                                 SQLITE_STATIC) == SQLITE_OK;
    }
    good = good && sqlite.step(stmt) == SQLITE_DONE;
    Status st = good ? ST_OK : failed(store, "change", err);
    (void)sqlite.finalize(stmt);
    return st;
}

Status catalog_store_put(CatalogStore *store, const StoredObject *object, Error *err) {
    return change(store,
                  "INSERT INTO object (database, kind, name, sql) VALUES (?1, ?2, ?3, ?4) "
                  "ON CONFLICT (database, kind, name) DO UPDATE SET sql = excluded.sql",
                  object, err);
}

Status catalog_store_remove(CatalogStore *store, const StoredObject *object, Error *err) {
    return change(store, "DELETE FROM object WHERE database = ?1 AND kind = ?2 AND name = ?3",
                  object, err);
}

Status catalog_store_commit(CatalogStore *store, Error *err) {
    return run(store, "COMMIT", "change", err);
}

void catalog_store_rollback(CatalogStore *store) {
    (void)sqlite.exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

#else

Status catalog_store_open(Str path, CatalogStore **out, Error *err) {
    (void)out;
    return error_set(err, ST_UNSUPPORTED,
                     "catalog '" STR_FMT "' cannot be opened: this weir was built without SQLite",
                     STR_ARG(path));
}

// Nobody has a store to call the rest with.
void catalog_store_close(CatalogStore *store) {
    (void)store;
}
Status catalog_store_version(CatalogStore *store, int64_t *version, Error *err) {
    (void)store, (void)version, (void)err;
    return ST_UNSUPPORTED;
}
Status catalog_store_read(CatalogStore *store, Arena *arena, StoredObject **out, uint32_t *count,
                          Error *err) {
    (void)store, (void)arena, (void)out, (void)count, (void)err;
    return ST_UNSUPPORTED;
}
Status catalog_store_begin(CatalogStore *store, Error *err) {
    (void)store, (void)err;
    return ST_UNSUPPORTED;
}
Status catalog_store_put(CatalogStore *store, const StoredObject *object, Error *err) {
    (void)store, (void)object, (void)err;
    return ST_UNSUPPORTED;
}
Status catalog_store_remove(CatalogStore *store, const StoredObject *object, Error *err) {
    (void)store, (void)object, (void)err;
    return ST_UNSUPPORTED;
}
Status catalog_store_commit(CatalogStore *store, Error *err) {
    (void)store, (void)err;
    return ST_UNSUPPORTED;
}
void catalog_store_rollback(CatalogStore *store) {
    (void)store;
}

#endif
