#include "watch/db.h"

#ifdef WEIR_SQLITE

#include <sqlite3.h>

#include "os/library.h"
#include "os/os.h"

// The functions of SQLite, sqlite3_exec as sqlite.exec(...).
#define FUNCTIONS(X)                                                                              \
    X(bind_int64) X(bind_text) X(busy_timeout) X(clear_bindings) X(close) X(column_bytes)         \
    X(column_int64) X(column_text) X(errmsg) X(exec) X(finalize) X(last_insert_rowid) X(open_v2)  \
    X(prepare_v2) X(reset) X(step)
#define MEMBER(name) __typeof__(&sqlite3_##name) name;
#define NAME(name) "sqlite3_" #name,
static struct {
    FUNCTIONS(MEMBER)
} sqlite;
static const char *const SQLITE_NAMES[] = {FUNCTIONS(NAME)};
static Library sqlite_library = {
    .file = "libsqlite3.so.0",
    .purpose = "the watch's registry",
    .package = "libsqlite3-0",
    .symbol = SQLITE_NAMES,
    .functions = &sqlite,
    .count = sizeof SQLITE_NAMES / sizeof *SQLITE_NAMES,
};

enum { BUSY_TIMEOUT_MS = 5000, STATEMENTS_MAX = 64 };

struct DbUse {
    Db *db;
    const char *sql;
    sqlite3_stmt *stmt;
    int bound;
};

struct Db {
    sqlite3 *db;
    char *path;
    DbUse use[STATEMENTS_MAX];
    uint32_t uses;
};

static Status failed(Db *db, Error *err) {
    return error_set(err, ST_IO, "the registry '%s': %s", db->path,
                     db->db ? sqlite.errmsg(db->db) : "out of memory");
}

static Status run_sql(Db *db, const char *sql, Error *err) {
    return sqlite.exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ST_OK : failed(db, err);
}

static Status check_schema(Db *db, const char *schema, int version, Error *err) {
    DbUse *use;
    bool row;
    TRY(db_use(db, "PRAGMA user_version", &use, err));
    TRY(db_step(use, &row, err));
    int64_t found = row ? db_i64(use, 0) : 0;
    (void)sqlite.reset(use->stmt);
    if (found == version) return ST_OK;
    if (found) {
        (void)error_set(err, ST_IO, "the registry '%s' has schema version %lld, this weir knows %d",
                        db->path, (long long)found, version);
        error_hint(err, "use the weir that made it, or another --dir");
        return ST_IO;
    }
    Buf text = {0};
    buf_printf(&text, "BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", schema, version);
    Status st = run_sql(db, buf_cstr(&text), err);
    if (st) db_rollback(db);
    buf_free(&text);
    return st;
}

// An empty file that its owner alone may read: SQLite takes it as a new database.
static Status make_file(Str path, Error *err) {
    OsStat stat;
    OsFile *file = NULL;
    TRY(os()->stat(path, &stat, err));
    if (stat.exists) return ST_OK;
    TRY(os()->open(path, OS_SCRATCH, &file, err));
    return os()->close(file, err);
}

Status db_open(Str path, const char *schema, int version, Db **out, Error *err) {
    TRY(library_load(&sqlite_library, err));
    TRY(make_file(path, err));
    Db *db = NEW(Db);
    db->path = mem_alloc(path.len + 1u);
    memcpy(db->path, path.ptr, path.len);
    db->path[path.len] = 0;
    Status st = ST_OK;
    if (sqlite.open_v2(db->path, &db->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        st = failed(db, err);
    }
    if (!st) (void)sqlite.busy_timeout(db->db, BUSY_TIMEOUT_MS);
    // The log is synced by every commit: what a caller was told is there after a power cut.
    if (!st) st = run_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", err);
    if (!st) st = check_schema(db, schema, version, err);
    if (st) {
        db_close(db);
        return st;
    }
    *out = db;
    return ST_OK;
}

void db_close(Db *db) {
    if (!db) return;
    for (uint32_t i = 0; i < db->uses; i++) (void)sqlite.finalize(db->use[i].stmt);
    if (db->db) (void)sqlite.close(db->db);
    mem_free(db->path);
    mem_free(db);
}

Status db_begin(Db *db, Error *err) {
    return run_sql(db, "BEGIN IMMEDIATE", err);
}

Status db_commit(Db *db, Error *err) {
    return run_sql(db, "COMMIT", err);
}

void db_rollback(Db *db) {
    (void)sqlite.exec(db->db, "ROLLBACK", NULL, NULL, NULL);
}

Status db_use(Db *db, const char *sql, DbUse **out, Error *err) {
    for (uint32_t i = 0; i < db->uses; i++) {
        DbUse *use = &db->use[i];
        if (use->sql != sql) continue;
        (void)sqlite.reset(use->stmt);
        (void)sqlite.clear_bindings(use->stmt);
        use->bound = 0;
        *out = use;
        return ST_OK;
    }
    if (db->uses == STATEMENTS_MAX) {
        return error_set(err, ST_INTERNAL, "more than %d statements", STATEMENTS_MAX);
    }
    DbUse *use = &db->use[db->uses];
    *use = (DbUse){.db = db, .sql = sql};
    if (sqlite.prepare_v2(db->db, sql, -1, &use->stmt, NULL) != SQLITE_OK) return failed(db, err);
    db->uses++;
    *out = use;
    return ST_OK;
}

// A bind fails only where memory or the statement's text does; the step says so then.
void db_put_text(DbUse *use, Str text) {
    (void)sqlite.bind_text(use->stmt, ++use->bound, text.ptr ? text.ptr : "", (int)text.len,
                           SQLITE_TRANSIENT);
}

void db_put_i64(DbUse *use, int64_t value) {
    (void)sqlite.bind_int64(use->stmt, ++use->bound, value);
}

Status db_step(DbUse *use, bool *row, Error *err) {
    int step = sqlite.step(use->stmt);
    *row = step == SQLITE_ROW;
    if (step == SQLITE_ROW) return ST_OK;
    Status st = step == SQLITE_DONE ? ST_OK : failed(use->db, err);
    (void)sqlite.reset(use->stmt);  // no lock stays behind
    return st;
}

Status db_run(DbUse *use, Error *err) {
    bool row = true;
    Status st = ST_OK;
    while (!st && row) st = db_step(use, &row, err);
    return st;
}

Str db_text(DbUse *use, int column, Arena *arena) {
    const char *text = (const char *)sqlite.column_text(use->stmt, column);
    int size = sqlite.column_bytes(use->stmt, column);
    return str_dup(arena, str_make(text ? text : "", (size_t)size));
}

int64_t db_i64(DbUse *use, int column) {
    return sqlite.column_int64(use->stmt, column);
}

int64_t db_last_id(Db *db) {
    return sqlite.last_insert_rowid(db->db);
}

#else

Status db_open(Str path, const char *schema, int version, Db **out, Error *err) {
    (void)schema, (void)version, (void)out;
    return error_set(err, ST_UNSUPPORTED,
                     "the registry '" STR_FMT
                     "' cannot be opened: this weir was built without SQLite",
                     STR_ARG(path));
}

// Nobody has a registry to call the rest with.
void db_close(Db *db) {
    (void)db;
}
Status db_begin(Db *db, Error *err) {
    (void)db, (void)err;
    return ST_UNSUPPORTED;
}
Status db_commit(Db *db, Error *err) {
    (void)db, (void)err;
    return ST_UNSUPPORTED;
}
void db_rollback(Db *db) {
    (void)db;
}
Status db_use(Db *db, const char *sql, DbUse **out, Error *err) {
    (void)db, (void)sql, (void)out, (void)err;
    return ST_UNSUPPORTED;
}
void db_put_text(DbUse *use, Str text) {
    (void)use, (void)text;
}
void db_put_i64(DbUse *use, int64_t value) {
    (void)use, (void)value;
}
Status db_step(DbUse *use, bool *row, Error *err) {
    (void)use, (void)row, (void)err;
    return ST_UNSUPPORTED;
}
Status db_run(DbUse *use, Error *err) {
    (void)use, (void)err;
    return ST_UNSUPPORTED;
}
Str db_text(DbUse *use, int column, Arena *arena) {
    (void)use, (void)column, (void)arena;
    return STR("");
}
int64_t db_i64(DbUse *use, int column) {
    (void)use, (void)column;
    return 0;
}
int64_t db_last_id(Db *db) {
    (void)db;
    return 0;
}

#endif
