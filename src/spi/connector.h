// spi/connector.h - the faces of a connector: a SourceReader hands batches in, a SinkWriter takes
// them out. The planner checks a table against its connector's row without knowing what it is.
//
// Threads: each worker opens readers and writers of its own (index of count) and calls them from
// its one thread. What blocks for long belongs on threads of the connector's own; poll and write
// may do some milliseconds of work.
#pragma once

#include "os/os.h"
#include "spi/format.h"

typedef struct Connector Connector;
typedef struct SourceReader SourceReader;
typedef struct SinkWriter SinkWriter;

typedef struct MetadataColumn {
    Str key;           // the connector's name for it ("timestamp", "file.path")
    const Type *type;  // as the connector gives it; the planner casts to the declared type
} MetadataColumn;

// A table as its connector sees it. Borrowed from the catalog, immutable while in use.
typedef struct TableDesc {
    Str name;             // for messages: "orders"
    const Type *physical; // ROW of the physical columns, in order of declaration
    Options options;      // all of WITH, prefix ""
    const uint32_t *primary_key;  // indexes into physical
    uint32_t primary_key_count;
    const Str *partition_key;     // PARTITIONED BY
    uint32_t partition_key_count;
    bool for_view;  // a view is made of it: what its format cannot hold is found by its reader
} TableDesc;

// The partitions of a table, each a row: [name] has a text for each partition key (ptr NULL: SQL
// NULL), [value] a column of [count] values for each, NULL also where a text is no such value.
typedef struct Partitions {
    uint32_t count;
    const Str *name;
    Vec **value;
} Partitions;

// A condition on a table that its connector takes over: a comparison of a column with a constant,
// or several of them. Rows for which it is not TRUE are not wanted.
typedef enum FilterOp {
    FILTER_EQUAL,
    FILTER_NOT_EQUAL,
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
    FILTER_LIKE,         // without an escape character
    FILTER_IS_NULL,
    FILTER_IS_NOT_NULL,
    FILTER_AND,
    FILTER_OR,
} FilterOp;

typedef struct TableFilter TableFilter;
struct TableFilter {
    FilterOp op;
    uint32_t column;        // of the table's physical ones; comparisons and IS NULL
    const Vec *value;  // comparisons: a vec of one row, not NULL, of the column's type or wider
    const TableFilter *arg[2];  // AND, OR
};

typedef struct ScanSpec {
    const TableDesc *table;
    const Type *wanted;     // ROW: physical fields to produce, pruned (format.h)
    const MetadataColumn *metadata;
    uint32_t metadata_count;
    const Type *produced;   // ROW: wanted's fields, then the metadata columns
    int64_t limit;          // rows that suffice, or -1
    // Partitions that no wanted row is in, each a text for every partition key, as in Partitions.
    const Str *left_out;
    uint32_t left_out_count;
    const TableFilter *const *filter;  // conditions that the connector has taken (filter_taken)
    uint32_t filter_count;
    // Terms over [produced] of the filter right above: rows that fail one need not be handed in.
    const FilterTerm *early;
    uint32_t early_count;
} ScanSpec;

// What a lookup join asks of a table.
typedef struct LookupSpec {
    const TableDesc *table;
    const Type *wanted;     // ROW: physical fields to produce, the keys not always among them
    const uint32_t *key;    // physical columns that are compared with the asked values …
    const Type *const *key_type;  // … which have these types (one layout with the columns')
    uint32_t key_count;
    const TableFilter *const *filter;  // conditions that the connector has taken
    uint32_t filter_count;
} LookupSpec;

typedef struct SinkSpec {
    const TableDesc *table;
    const Type *schema;     // ROW of the rows written: physical columns, then metadata columns
    const MetadataColumn *metadata;
    uint32_t metadata_count;
    uint32_t changes;       // CHANGE_ bits that can come
    bool leaves;            // -U are told apart by more than the query's own key: they come as -D
    bool overwrite;         // INSERT OVERWRITE
} SinkSpec;

// What a reader or writer gets from its worker.
typedef struct TaskEnv TaskEnv;
struct TaskEnv {
    uint32_t index, count;  // this worker among the parallel ones
    const Zone *zone;
    Budget *budget;
    Arena *arena;           // lives as long as the job
    bool checkpoints;       // commits follow checkpoints, and the job's end is one of them
    int64_t checkpoint_ms;  // between checkpoints; 0: there are none while the job runs
    bool unbounded;         // the job does not end by itself
    void (*print)(void *arg, Str line, bool to_stderr);  // where print writes; any thread
    void *print_arg;
    // Tells that predictions of the model in the folder [path] became worse; any thread. May be
    // NULL.
    void (*drifted)(void *arg, Str path);
    void *drift_arg;
    // Appends a value as CAST AS STRING prints it, BYTES as x'0aff'; func/ lies beside spi/, not
    // below.
    void (*value_print)(const TaskEnv *env, const Vec *vec, uint32_t row, Buf *out);
    const void *value_arg;
};

// Where a reader puts what it read.
typedef struct SourceOutput SourceOutput;
struct SourceOutput {
    // Hands on [batch] (the reference goes with it) of split [split]. Splits are named by dense
    // numbers per reader; each has a watermark of its own.
    Status (*batch)(SourceOutput *self, uint32_t split, Batch *batch, Error *err);
    Status (*split_end)(SourceOutput *self, uint32_t split,
                        Error *err);  // nothing more comes of it
    Status (*split_start)(SourceOutput *self, uint32_t split,
                          Error *err);  // implied by its first batch
};

typedef enum ReadState {
    READ_MORE,  // call again at once
    READ_IDLE,  // nothing there now: call again after wait()
    READ_END,   // bounded input is exhausted
} ReadState;

typedef struct SourceVt {
    Status (*poll)(SourceReader *self, SourceOutput *out, ReadState *state, Error *err);
    // Whether it is known that nothing is there for this reader (more workers than splits). It then
    // ends, or idles while more may turn up, and does not hold time back for the others; where that
    // is known from the start, before any other reader begins. NULL: never.
    bool (*is_empty)(SourceReader *self);
    // Sleeps until something may be there, at most [timeout_ms]. NULL: the worker just sleeps.
    void (*wait)(SourceReader *self, int64_t timeout_ms);
    // Stop taking in; poll then says READ_END when what was taken is handed out. NULL: end at once.
    void (*stop)(SourceReader *self);
    // Hand in nothing more of [split], or go on: it has run ahead of others (alignment of
    // watermarks). NULL: the whole reader waits.
    void (*pause_split)(SourceReader *self, uint32_t split, bool paused);
    // The position to go on from, as bytes; restored through TaskEnv of the next attempt.
    Status (*snapshot)(SourceReader *self, Buf *out, Error *err);
    // With another parallelism than that of the snapshot it is called for every former reader, and
    // takes of its splits those that are this one's now.
    Status (*restore)(SourceReader *self, Str bytes, Error *err);
    // The number that split [split] of the reader restored last has in this one; -1: it has become
    // another reader's. NULL: all are this one's, their numbers as they were.
    int64_t (*takes)(SourceReader *self, uint32_t split);
    // False while it looks for splits that may have been there from the beginning: what a restored
    // source holds of others waits, lest time runs ahead of them. NULL: it knows them all.
    bool (*knows_splits)(SourceReader *self);
    Status (*checkpoint_complete)(SourceReader *self, uint64_t checkpoint, Error *err);
    // Appends what it has handed in, for people: {"split":"clicks/0","from":10,"to":42}, such an
    // object for each split, with commas between. NULL: there is nothing to tell.
    void (*tell)(SourceReader *self, Buf *out);
    // The job has ended well: what was handed in has come through to the sinks, which are flushed.
    void (*drained)(SourceReader *self);
    void (*close)(SourceReader *self);
} SourceVt;

struct SourceReader {
    const SourceVt *vt;
};

// Where a lookup puts the rows that it found.
typedef struct LookupOutput LookupOutput;
struct LookupOutput {
    // Takes [batch] (the reference goes with it); row i answers the asked key number key[i].
    Status (*rows)(LookupOutput *self, Batch *batch, const uint32_t *key, Error *err);
};

typedef struct LookupReader LookupReader;

// A LookupReader is used by one thread at a time, not always the same one.
typedef struct LookupVt {
    // All rows of [count] different keys, none of them NULL, in one go: key[k] is the k-th key
    // column. The rows of one key come in the order in which they are found.
    Status (*lookup)(LookupReader *self, Vec *const *key, uint32_t count, LookupOutput *out,
                     Error *err);
    // Called by another thread: a lookup under way should fail soon. NULL: it cannot.
    void (*cancel)(LookupReader *self);
    void (*close)(LookupReader *self);
} LookupVt;

struct LookupReader {
    const LookupVt *vt;
};

typedef struct SinkVt {
    Status (*write)(SinkWriter *self, const Batch *batch, Error *err);
    // All written so far leaves the process (a barrier, the buffer timeout, the end).
    Status (*flush)(SinkWriter *self, bool end_of_input, Error *err);
    // When flush should be called though nothing is written any more (processing time); INT64_MAX:
    // nothing waits. Asked after each write and flush. NULL: never.
    int64_t (*due_ms)(SinkWriter *self);
    // No row before this time comes any more (event time). NULL: it does not matter.
    void (*watermark)(SinkWriter *self, int64_t ms);
    // Two-phase commit; NULL for sinks without transactions. flush precedes prepare.
    Status (*prepare)(SinkWriter *self, uint64_t checkpoint, Buf *committable, Error *err);
    Status (*commit)(SinkWriter *self, uint64_t checkpoint, Error *err);
    Status (*restore)(SinkWriter *self, Str committable, Error *err);
    void (*close)(SinkWriter *self);
} SinkVt;

struct SinkWriter {
    const SinkVt *vt;
};

struct Connector {
    const char *name;          // 'connector' = '…'
    const OptionDef *options;  // its own; formats add theirs
    bool source, sink;
    // Checks the options when the table is used (Flink checks then, not at CREATE).
    Status (*check)(const TableDesc *table, bool as_sink, Error *err);
    // CHANGE_ bits that come out of a scan; NULL: append only.
    Status (*source_changes)(const TableDesc *table, uint32_t *changes, Error *err);
    bool (*source_bounded)(const TableDesc *table);
    // Watermarks are kept per split (Kafka's partitions) and the least counts; else per reader.
    bool watermark_per_split;
    bool early_filter;  // its readers make use of ScanSpec.early
    // CHANGE_ bits the sink takes of the [requested] ones; NULL: append only.
    Status (*sink_changes)(const TableDesc *table, uint32_t requested, uint32_t *taken, Error *err);
    // What partitions there are while the query is planned; NULL: the connector knows none.
    Status (*partitions)(const TableDesc *table, Arena *arena, Partitions *out, Error *err);
    // Readable and writable metadata; NULL-terminated.
    const Type *(*metadata_type)(Arena *arena, const TableDesc *table, Str key, bool *writable);
    Status (*source_open)(const ScanSpec *spec, const TaskEnv *env, SourceReader **out, Error *err);
    Status (*sink_open)(const SinkSpec *spec, const TaskEnv *env, SinkWriter **out, Error *err);
    // Whether a lookup join may ask the table (spi/lookup.h); NULL: never. Without lookup_open only
    // a full cache can answer, which is read by a scan.
    bool (*lookup_allowed)(const TableDesc *table);
    Status (*lookup_open)(const LookupSpec *spec, const TaskEnv *env, LookupReader **out,
                          Error *err);
    // Whether scans and lookups of the table take the condition over in full; NULL: none.
    bool (*filter_taken)(const TableDesc *table, const TableFilter *filter);
    // What EXPLAIN says of a sink whose options decide; NULL: [guarantee].
    const char *(*guarantee_of)(const TableDesc *table);
    const char *guarantee;     // what EXPLAIN says of the sink: "exactly-once", "at-least-once"
    const char *doc;
};

// The options that every table may have, whatever its connector: for options_check_parts' [also].
extern const OptionDef TABLE_OPTIONS[];

const Connector *connector_find(Str name);
const char *connector_nearest(Str name);
const char *const *connector_list(uint32_t *count);  // the names of all, for completion
void connector_register(const Connector *connector);
