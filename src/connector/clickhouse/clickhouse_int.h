// connector/clickhouse/clickhouse_int.h - shared by the files of this folder and nobody else.
#pragma once

#include "connector/clickhouse/clickhouse.h"
#include "os/http.h"

// ---- clickhouse_table.c: the options ------------------------------------------------------------

extern const OptionDef CLICKHOUSE_OPTIONS[];

typedef struct ChTable {
    const TableDesc *desc;
    Options options;
    Str base;                  // "http://host:port/"
    Str shown;                 // "host:port", for messages
    Str database, name;
    const char *user, *password;  // NULL: none
    Str sign;                  // table.collapsing.field; empty: none
    bool discard_update;
    uint32_t batch_rows;
    int64_t flush_interval_ms, retries_max;
    bool exactly_once;         // held until a checkpoint is complete, where there are checkpoints
    bool demands_exactly_once; // said so in WITH
} ChTable;

// Reads and checks the options. ST_VALIDATION names the option.
NODISCARD Status ch_table_read(Arena *arena, const TableDesc *desc, ChTable *out, Error *err);

// ---- clickhouse_type.c: the types of the server's columns ---------------------------------------

typedef enum ChKind {
    CH_INT,         // Int8 … Int256, by [size]; also Bool and the intervals
    CH_UINT,
    CH_BOOL,
    CH_FLOAT,
    CH_DECIMAL,     // by [size] and [scale]
    CH_STRING,
    CH_FIXED,       // FixedString([size])
    CH_UUID,
    CH_DATE,        // UInt16, days
    CH_DATE32,      // Int32, days
    CH_DATETIME,    // UInt32, seconds
    CH_DATETIME64,  // Int64 of 10^-[scale] s
    CH_TIME,        // Int32, seconds
    CH_TIME64,      // Int64 of 10^-[scale] s
    CH_ENUM,        // Int8 or Int16, by [size]
    CH_ARRAY,       // child[0]
    CH_MAP,         // child[0], child[1]
    CH_TUPLE,       // all children
} ChKind;

typedef struct ChType ChType;
struct ChType {
    ChKind kind;
    bool nullable;
    bool low;            // LowCardinality: written as a dictionary and places in it
    uint32_t size;       // bytes of a value
    int32_t precision, scale;
    const Zone *zone;    // CH_DATETIME*: of its own, or NULL: the server's
    ChType *child;
    uint32_t child_count;
    Str *label;          // CH_ENUM: child_count names and what they stand for
    int16_t *number;
    Str text;            // as it is written in a block
};

// Reads a type as DESCRIBE TABLE shows it. ST_UNSUPPORTED for one that weir cannot write; its depth
// is limited. Texts are copied into [arena].
NODISCARD Status ch_type_read(Arena *arena, Str text, ChType *out, Error *err);
// Whether a column of [type] takes values of [from]; if not, *why says what to do.
bool ch_type_takes(const ChType *type, const Type *from, const char **why);

// ---- clickhouse_block.c: a block in the format Native -------------------------------------------

typedef struct ChColumn ChColumn;
struct ChColumn {
    const ChType *type;
    const Zone *zone;    // of TIMESTAMP without a zone, where the column has none of its own
    const TaskEnv *env;
    Buf nulls, data;     // a byte a value; values, or of lists where each ends
    uint64_t items;      // of lists: in the children so far; of LowCardinality: values so far
    ChColumn *child;
};

void ch_column_init(Arena *arena, ChColumn *column, const ChType *type, const TaskEnv *env,
                    const Zone *zone);
void ch_column_clear(ChColumn *column);
void ch_column_reset(ChColumn *column);  // no values, memory kept
size_t ch_column_bytes(const ChColumn *column);
// Appends rows [from, from + count). ST_RUNTIME says what value does not fit; what has been
// appended then is undefined.
NODISCARD Status ch_column_put(ChColumn *column, const Vec *vec, uint32_t from, uint32_t count,
                               Error *err);
// Appends what stands before the values of a column, then these in the server's layout.
void ch_column_write(const ChColumn *column, Buf *out);
void ch_put_varint(Buf *out, uint64_t value);
void ch_put_text(Buf *out, Str text);  // its length before it

// ---- clickhouse_server.c: what is said to the server --------------------------------------------

typedef struct ChServer {
    const ChTable *table;
    const Zone *zone;       // timezone()
    bool has_token;         // knows insert_deduplication_token
    bool has_async;         // knows async_insert
    bool has_log;           // query_log can be asked what became of an insert
    bool dedupes;           // the table's engine remembers what was inserted
    Str engine;
} ChServer;

typedef struct ChServerColumn {
    Str name;
    ChType type;
    bool computed;  // MATERIALIZED or ALIAS: cannot be written
} ChServerColumn;

// Asks what the server and the table are like. ST_VALIDATION when there is no such table.
NODISCARD Status ch_server_open(ChServer *server, const ChTable *table, Arena *arena, Error *err);
NODISCARD Status ch_server_columns(const ChServer *server, Arena *arena, ChServerColumn **out,
                                   uint32_t *count, Error *err);

// An insert, which is there at most once however often it is sent.
typedef struct ChInsert {
    Str token;    // a name that no other insert ever has
    Str columns;  // "(`a`, `b`)"
    Str block;    // in the format Native
} ChInsert;

// Sends it until it is there, as often as the options allow. [maybe_done]: an earlier run may have
// sent it. ST_CONNECT: worth another run of the job.
NODISCARD Status ch_server_insert(const ChServer *server, const ChInsert *insert, bool maybe_done,
                                  Error *err);
void ch_quote(Str name, Buf *out);  // `name`

// ---- clickhouse_sink.c --------------------------------------------------------------------------

NODISCARD Status ch_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                              Error *err);

// ---- clickhouse_commit.c: blocks that wait for their checkpoint ---------------------------------

typedef struct ChHeld {
    uint64_t checkpoint;  // that it goes with; 0: none has come yet
    Str token, columns;   // owned, as is the block
    Buf block;
} ChHeld;

typedef struct ChCommits {
    const ChServer *server;
    Budget *budget;       // NULL: nothing is charged
    ChHeld *held;
    uint32_t count, cap;
} ChCommits;

void ch_commits_clear(ChCommits *self);
// Keeps the block, which it takes over.
NODISCARD Status ch_commits_add(ChCommits *self, Str token, Str columns, Buf *block, Error *err);
// What waits for no checkpoint yet goes with this one. All that waits is saved to [out]; NULL:
// nowhere.
void ch_commits_prepare(ChCommits *self, uint64_t checkpoint, Buf *out);
NODISCARD Status ch_commits_commit(ChCommits *self, uint64_t checkpoint, Error *err);
// Inserts what a former run had prepared, unless that run had inserted it.
NODISCARD Status ch_commits_restore(ChCommits *self, Str saved, Error *err);
