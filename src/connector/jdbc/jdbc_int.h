// connector/jdbc/jdbc_int.h - shared by the files of this folder and nobody else.
//
//   jdbc_table.c      options, the URL, what types there are
//   jdbc_link.c       a connection: made when needed, made again when lost; errors; the table's
//   columns jdbc_value.c      a column of PostgreSQL's binary values; values as PostgreSQL's text
//   jdbc_query.c      SQL: the select list, conditions, literals
//   jdbc_source.c     scans
//   jdbc_lookup.c     rows by key
//   jdbc_sink.c       inserts, upserts, deletions
//   jdbc_connector.c  the row in the table of connectors
#pragma once

#include <libpq-fe.h>
#include <pthread.h>

#include "connector/jdbc/jdbc.h"
#include "spi/lookup.h"
#include "os/library.h"

// libpq's functions, PQexec as pq.exec(...): os/library.h says why.
#define PQ_FUNCTIONS(X)                                                                           \
    X(cancel) X(clear) X(connectdbParams) X(errorMessage) X(exec) X(execParams) X(execPrepared)   \
    X(finish) X(freeCancel) X(freemem) X(getCancel) X(getCopyData) X(getResult) X(getisnull)      \
    X(getlength) X(getvalue) X(ntuples) X(prepare) X(resultErrorField) X(resultStatus)            \
    X(setClientEncoding) X(status)
#define PQ_MEMBER(name) __typeof__(&PQ##name) name;
typedef struct Pq {
    PQ_FUNCTIONS(PQ_MEMBER)
} Pq;
extern Pq pq;  // filled in before the first connection

extern const OptionDef JDBC_OPTIONS[];

enum { LINK_PARAMS_MAX = 16 };

// A table's options, read. Text lies in the arena that was given.
typedef struct JdbcTable {
    const TableDesc *desc;
    Options options;
    Str name;                                // 'table-name', as given: it may have a schema
    const char *keyword[LINK_PARAMS_MAX + 1];  // of the connection
    const char *value[LINK_PARAMS_MAX + 1];
    uint32_t params;
    // scan.partition.*
    bool partitioned;
    Str partition_column;
    int64_t partitions, lower, upper;
    // sink.*
    int64_t flush_rows, flush_interval_ms, retries_max;
    bool exactly_once;
    const char *transaction_prefix;
} JdbcTable;

NODISCARD Status jdbc_table_read(Arena *arena, const TableDesc *desc, JdbcTable *out, Error *err);
// Whether PostgreSQL has such a type.
bool jdbc_type_known(const Type *type);

// ---- jdbc_link.c

// A column of the table as PostgreSQL has it.
typedef struct PgColumn {
    Str name;    // not quoted
    Str type;    // "character varying": without the modifier
    Str full;    // "character varying(10)"
} PgColumn;

// One connection; one thread at a time, but for link_cancel.
typedef struct Link {
    const JdbcTable *table;
    const Zone *zone;
    PGconn *conn;            // NULL: not connected
    uint32_t connects;       // which connection it is: a later one may lie where this one lay
    PGcancel *cancel;
    pthread_mutex_t lock;    // of [cancel]
    Arena arena;             // of [column]
    PgColumn *column;        // in order of the physical columns of the table; found once
    Buf scratch;
} Link;

void link_init(Link *link, const JdbcTable *table, const Zone *zone);
void link_clear(Link *link);
// Connects unless it is connected; the columns are known afterwards.
NODISCARD Status link_open(Link *link, Error *err);
void link_drop(Link *link);    // the connection; the next link_open makes a new one
void link_cancel(Link *link);  // any thread: what runs should fail
// Any result but success as an error; [what] says what was tried. The result is cleared. A lost
// connection, a deadlock and the like give ST_CONNECT: worth trying again.
Status link_error(Link *link, PGresult *result, const char *what, Error *err);
// Runs SQL that gives no rows.
NODISCARD Status link_run(Link *link, const char *sql, const char *what, Error *err);

void link_try(Link *link, const char *sql);  // the same, and if it fails, so be it
const PgColumn *link_column(const Link *link, Str name);  // NULL: there is none

// ---- jdbc_value.c

// PostgreSQL's name for a type: "numeric", "integer[]".
void pg_type_name(const Type *type, Buf *out);
// Whether a column of type [actual] ("character varying") is read as [type] without a cast.
bool pg_type_fits(const Type *type, Str actual);
// Writes the binary value [bytes] (ptr NULL: NULL) to row [row] of [out]; ST_RUNTIME names neither
// table nor column.
NODISCARD Status pg_read(Str bytes, Vec *out, uint32_t row, Error *err);
// Appends a value as PostgreSQL reads it in text; it must not be NULL.
void pg_text(const TaskEnv *env, const Vec *vec, uint32_t row, Buf *out);
// Appends rows as the text of an array; NULL among them.
void pg_array(const TaskEnv *env, const Vec *vec, uint32_t from, uint32_t count, Buf *out);
void pg_array_item(const TaskEnv *env, const Vec *vec, uint32_t row, bool first, Buf *out);

// ---- jdbc_query.c

void sql_identifier(Str name, Buf *out);  // quoted
void sql_text(Str text, Buf *out);        // a literal, quoted
// The wanted columns, each cast to what weir declares unless it is that; [prefix] like "t.".
void sql_select_list(const Link *link, const Type *wanted, const char *prefix, Buf *out);
// " WHERE …" of the filters, and [more] when it is not empty.
void sql_where(const Link *link, const TaskEnv *env, const TableFilter *const *filter,
               uint32_t count, const char *prefix, Str more, Buf *out);

// ---- jdbc_source.c, jdbc_lookup.c, jdbc_sink.c

NODISCARD Status jdbc_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                  Error *err);
NODISCARD Status jdbc_lookup_open(const LookupSpec *spec, const TaskEnv *env, LookupReader **out,
                                  Error *err);
NODISCARD Status jdbc_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                                Error *err);

// ---- jdbc_commit.c

// The transactions of one sink that is exactly-once; they are written over [link].
typedef struct Commits Commits;

Commits *commits_new(Link *link, const JdbcTable *table, uint32_t subtask);
void commits_free(Commits *commits);
// Whether the server can do it; ST_VALIDATION says what to set.
NODISCARD Status commits_allowed(Link *link, Error *err);
// Rows may be sent: a transaction is open. ST_CONNECT: it is lost, the job must begin again.
NODISCARD Status commits_begin(Commits *commits, Error *err);
void commits_forget(Commits *commits);  // what is open, after a failure
NODISCARD Status commits_prepare(Commits *commits, uint64_t checkpoint, Error *err);
void commits_save(const Commits *commits, Buf *out);
NODISCARD Status commits_commit(Commits *commits, uint64_t checkpoint, Error *err);
NODISCARD Status commits_restore(Commits *commits, Str saved, Error *err);
