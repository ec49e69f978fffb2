// connector/watch/watch_table.h - the tables of a metric watch that runs elsewhere, over its HTTP
// API (docs/watch-platform.md): what is registered, alarms, labels, models and points, read and
// written.
#pragma once

#include <stdatomic.h>

#include "base/json.h"
#include "os/http.h"
#include "spi/connector.h"

extern const Connector WATCH_CONNECTOR;

typedef enum WatchTableKind {
    WATCH_METRICS,
    WATCH_ALARMS,
    WATCH_LABELS,
    WATCH_MODELS,
    WATCH_PROMOTIONS,
    WATCH_POINTS,
    WATCH_HISTORY,
    WATCH_STATUS,
    WATCH_FORECASTS,
} WatchTableKind;

// What the API has of a table. Its columns are members of the API's objects, by their names.
typedef struct WatchTableRow {
    const char *name;     // 'table' = '…', and the member of answers and bodies that lists its rows
    const char *columns;  // " id name unit …"
    const char *list;     // GET: what stands before "&after="; NULL: it cannot be read so
    const char *post;     // NULL: it cannot be written
    bool by_metric;       // it is read one metric after the other
} WatchTableRow;

typedef struct WatchTable {
    const TableDesc *desc;
    Options options;
    WatchTableKind kind;
    const WatchTableRow *row;
    const char *url, *token;  // url without a slash at its end
    Str metric;               // pattern of ids, or empty: there is a column 'metric'
} WatchTable;

// The table of [desc], checked: options, columns and their types.
NODISCARD Status watch_table_read(const TableDesc *desc, bool as_sink, WatchTable *out, Error *err);
// The column of that name among [row]'s fields, or -1.
int64_t watch_table_column(const Type *row, const char *name);

// One request and its answer, asked again for a while when the other side is away or busy. The body
// of the answer replaces *reply.
NODISCARD Status watch_table_ask(const WatchTable *table, const char *method, Str path, Str body,
                                 Buf *reply, Error *err);

NODISCARD Status watch_source_open(const ScanSpec *spec, const TaskEnv *env, SourceReader **out,
                                   Error *err);
NODISCARD Status watch_sink_open(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out,
                                 Error *err);
