// plan/plan.h - relational plans. A node says what its rows are (its ROW type), what changes it
// emits, and what it is made of; inputs come first. The binder makes a logical plan, rules rewrite
// it into a physical one of the same node type (some kinds exist on one side only), changelog
// inference fills [changes] and [emit_before], and exec/ has an operator for each physical kind.
//
// Memory: all of a plan lies in one arena; it is read-only once made. A node may have several
// consumers (shared sub-plans): the plan is a DAG.
#pragma once

#include "catalog/catalog.h"
#include "plan/expr.h"
#include "plan/settings.h"
#include "spi/model.h"

typedef struct Plan Plan;

typedef enum PlanKind {
    PLAN_SCAN,          // a table through its connector: physical and metadata columns
    PLAN_VALUES,        // literal rows
    PLAN_PROJECT,       // exprs
    PLAN_FILTER,        // condition
    PLAN_WATERMARK,     // assigns the row time [time_column] by [watermark]
    PLAN_UNION,         // all inputs, UNION ALL
    PLAN_AGG,           // GROUP BY keys; also DISTINCT (no aggregates)
    PLAN_LOCAL_AGG,     // its first phase: the input's columns, and BYTES that stand for rows
    PLAN_WINDOW_TVF,    // appends window_start, window_end, window_time
    PLAN_WINDOW_AGG,    // keys and aggregates per window, over WINDOW_TVF's columns or directly
    PLAN_EXPAND,        // one copy of the row per grouping set
    PLAN_JOIN,          // regular join, semi and anti joins among them
    PLAN_INTERVAL_JOIN,
    PLAN_TEMPORAL_JOIN, // event time, versioned right side
    PLAN_LOOKUP_JOIN,   // processing time, right side asked through its connector
    PLAN_WINDOW_JOIN,
    PLAN_UNNEST,        // rows of a collection, per input row
    PLAN_TABLE_FUNC,    // each row as often as its last column says
    PLAN_APPLY,         // LATERAL TABLE(f(…)) of a user's function: the rows it gives for each row
    PLAN_PROCESS,       // a process table function
    PLAN_PREDICT,       // ML_PREDICT: the input's columns and what a model gives
    PLAN_EVALUATE,      // ML_EVALUATE: metrics of it
    PLAN_VECTOR_SEARCH, // VECTOR_SEARCH: rows of a table whose vectors are nearest to each row's
    PLAN_SORT,          // bounded input, or by a time attribute
    PLAN_LIMIT,         // LIMIT/OFFSET without order
    PLAN_RANK,          // Top-N: partition, order, rank range
    PLAN_DEDUP,         // first or last row per key
    PLAN_WINDOW_RANK,   // Top-N and deduplication per window
    PLAN_OVER,
    PLAN_MATCH,         // MATCH_RECOGNIZE
    PLAN_NORMALIZE,     // upsert changes to full changelog, by key (ChangelogNormalize)
    PLAN_DROP_BEFORE,   // takes the -U away
    PLAN_MATERIALIZE,   // sink upsert materialiser
    PLAN_CHANGELOG,     // TO_CHANGELOG, FROM_CHANGELOG
    PLAN_SINK,          // into a table
    PLAN_COLLECT,       // to whoever asked the query
    PLAN_KIND_COUNT_
} PlanKind;

typedef struct OrderKey {
    uint32_t column;
    bool descending;
    bool nulls_first;
} OrderKey;

typedef struct PlanAgg {
    AggCall *call;
    uint32_t *arg;        // input columns, call->argc of them
    int32_t filter;       // BOOLEAN input column, or -1
    bool left_out;        // of PLAN_OVER: the projection right above takes nothing of it
    Place place;          // of PLAN_OVER
    Str name;
} PlanAgg;

typedef enum WindowKind { WINDOW_TUMBLE, WINDOW_HOP, WINDOW_CUMULATE, WINDOW_SESSION } WindowKind;

typedef struct WindowSpec {
    WindowKind kind;
    int64_t size_ms;      // max size of CUMULATE; gap of SESSION
    int64_t slide_ms;     // HOP slide, CUMULATE step
    int64_t offset_ms;
    uint32_t time_column; // of the input
    bool proctime;
    const Type *time_type;
    uint32_t *partition;  // SESSION's PARTITION BY
    uint32_t partition_count;
    // PLAN_WINDOW_AGG over rows that carry a window already (cascade, or below a join): columns.
    bool attached;
    uint32_t start_column, end_column;
    bool legacy;          // GROUP BY TUMBLE(…): the old group windows
} WindowSpec;

// Properties of the aggregated windows: columns between the keys and the aggregates.
typedef enum WindowProp { PROP_START, PROP_END, PROP_TIME } WindowProp;

typedef enum JoinType {
    JOIN_TYPE_INNER,
    JOIN_TYPE_LEFT,
    JOIN_TYPE_RIGHT,
    JOIN_TYPE_FULL,
    JOIN_TYPE_SEMI,
    JOIN_TYPE_ANTI
} JoinType;

// One end of a frame as it was written, relative to the current row.
typedef struct FrameEnd {
    bool unbounded;
    bool preceding;       // an offset counts towards the front
    int64_t rows;         // ROWS: how many
    const Vec *range;     // RANGE: how far, a number or an interval; NULL: the current row's peers
} FrameEnd;

typedef struct OverFrame {
    bool rows;            // ROWS, else RANGE
    int64_t preceding;    // rows, or ms of the time column; -1: UNBOUNDED
    bool general;         // it does not end at the current row, or begins there: streams refuse it
    FrameEnd low, high;   // batches take any frame: exec/frame.c
} OverFrame;

// What a Top-N may count on, see exec/rank.c.
typedef enum RankWay { RANK_APPEND, RANK_UPDATE, RANK_RETRACT } RankWay;

typedef struct MatchSpec MatchSpec;  // plan/match.h

// PLAN_LOOKUP_JOIN: how its right table is asked.
typedef struct LookupHint {    // LOOKUP('table' = …)
    bool async, unordered;
    int64_t capacity, timeout_ms;  // async: lookups under way, and how long one may take
    int64_t retry_attempts;        // of keys without rows; 0: none
    int64_t retry_delay_ms;
} LookupHint;

typedef struct LookupPlan {
    LookupHint hint;
    // The right input of the join until rule_prune has narrowed it; then folded into these.
    const LookupSpec *spec;    // for a connector that is asked by key
    const ScanSpec *scan;      // for one that is read as a whole (full cache)
    const Connector *connector;
    Expr *filter;              // over the row that the connector gives, or NULL
    Expr **project;            // the join's right columns, over the same row
    const Type *right;         // ROW of them
    bool unique;               // at most one row a key
} LookupPlan;

// A table that a process table function takes; the plan's input of the same number.
typedef struct ProcessTable {
    uint32_t arg;         // which argument of the function it is
    uint32_t traits;      // WEIR_ flags
    const Type *row;      // what the function sees
    uint32_t *key;        // PARTITION BY: the plan's key_count columns
    OrderKey *order;      // ORDER BY: rows wait for the watermark; order_count 0: they do not
    uint32_t order_count;
    uint32_t time_column; // of on_time
    bool before;          // it takes updates with what was before
} ProcessTable;

// A call of a process table function.
typedef struct ProcessSpec {
    const Udf *udf;       // borrowed from the catalog
    Expr **arg;           // literals, udf->in_count of them; NULL at the tables' places
    ProcessTable *table;
    uint32_t table_count;
    bool timed;           // on_time was given
    Str uid;
} ProcessSpec;

// A call of ML_PREDICT; the features are the plan's func_arg, of the types of the model's input.
typedef struct PredictSpec {
    ModelDesc *model;
    const ModelProvider *provider;
    bool async, ordered;  // asked by threads; answers leave in the order of the rows
    uint32_t window;      // of ML_EVALUATE: the last so many rows; 0: all
    double fading;  // of ML_EVALUATE: what a row weighs for each row after it; 0: all the same
    uint32_t at_a_time;   // requests under way
    int64_t timeout_ms;   // of one
    Str of;               // the catalog and database of the model
    bool versioned;       // behind the model's columns stands the number of the version that scored
} PredictSpec;

// As ml/evaluate.h numbers them.
typedef enum EvaluateTask {
    EVALUATE_CLASSIFICATION,
    EVALUATE_REGRESSION,
    EVALUATE_CLUSTERING,
    EVALUATE_OUTLIERS,
    EVALUATE_FORECASTING,
    EVALUATE_EMBEDDING,
    EVALUATE_TEXT_GENERATION,
} EvaluateTask;

// ML_EVALUATE over the rows of a PLAN_PREDICT.
typedef struct EvaluateSpec {
    uint8_t task;           // EvaluateTask
    uint32_t label;         // column of the input
    uint32_t first_output, output_count;  // columns of the model's output
    const Str *output_name;  // as the model has them
    uint32_t *feature, feature_count;
    uint32_t window;
    double fading;
    const ModelDesc *model;
    const ModelProvider *provider;
    bool watched;            // who trains it is told when its errors become more
    // A challenger has scored the rows, too: its output columns begin there.
    bool challenged;
    uint32_t first_challenger, version_column, challenger_version_column;
    Str promote;             // the rule by which it takes the champion's place; empty: never
} EvaluateSpec;

// As ml/nearest.h numbers them.
typedef enum VectorMetric { VECTOR_COSINE, VECTOR_DOT, VECTOR_L2 } VectorMetric;

// VECTOR_SEARCH: the table is the plan's lookup, the vector searched for its func_arg[0].
typedef struct VectorSpec {
    Place place;            // of the call
    uint32_t column;        // of the lookup's rows
    uint32_t top_k;
    VectorMetric metric;
    const char *unfit;      // why the table cannot be searched; NULL: it may
} VectorSpec;

struct Plan {
    PlanKind kind;
    const Type *type;     // ROW of the output
    const Type *said;  // a query's columns as its select names them, where two are alike; or NULL
    Plan **input;
    uint32_t input_count;
    uint32_t id;          // number within the plan, for EXPLAIN and statistics
    uint64_t stable_id;  // hash of what it means (kind, keys, expressions, inputs): names its state
    uint32_t parallelism; // scans and sinks: of their options; 0: the default
    int64_t ttl_ms;       // idle state retention; 0: none
    int64_t ttl_right_ms; // joins: of the right side; -1: as ttl_ms
    int64_t ttl_hint_ms[2];  // STATE_TTL hints, of each side; -1: none

    // Changelog: what can come out (CHANGE_ bits), and whether consumers want -U before +U.
    uint32_t changes;
    bool emit_before;

    // PLAN_SCAN
    Table *table;              // counted
    TableDesc *desc;
    const Connector *connector;
    ScanSpec *scan;
    // PLAN_VALUES: a column of rows each
    const Vec **values;
    uint32_t row_count;
    // PLAN_PROJECT: type->child_count of them
    Expr **expr;
    // PLAN_FILTER; joins: the rest beyond the equal keys, over the columns of both inputs
    Expr *condition;
    // PLAN_WATERMARK
    uint32_t time_column;
    Expr *watermark;
    int64_t idle_timeout_ms;
    bool on_event;              // scan.watermark.emit.strategy, for sources that know their splits
    Str align_group;            // scan.watermark.alignment.group; ptr NULL: none
    int64_t align_drift_ms, align_interval_ms;
    // keys: GROUP BY columns, partition columns, join keys of the left input
    uint32_t *key;
    uint32_t key_count;
    PlanAgg *agg;
    uint32_t agg_count;
    WindowSpec *window;
    uint8_t *prop;        // WindowProp
    uint32_t prop_count;
    // PLAN_EXPAND: for each set, for each column of the input: keep (1) or NULL (0); output adds a
    // BIGINT expand id
    uint8_t **keep;
    int64_t *expand_id;
    uint32_t set_count;
    // joins
    JoinType join;
    uint32_t *right_key;
    uint32_t *unique[2];  // joins: each input's unique key, or NULL, as column numbers
    uint32_t unique_count[2];
    uint8_t *null_safe;         // per key: IS NOT DISTINCT FROM
    const char *refused;        // why it cannot be run, should it come to that
    Place refused_at;
    int64_t lower_ms, upper_ms; // interval: left time between right time + lower and + upper
    uint32_t right_time_column;
    // PLAN_SORT, PLAN_RANK, PLAN_DEDUP, PLAN_OVER
    OrderKey *order;
    uint32_t order_count;
    int64_t offset, fetch;      // fetch -1: all
    uint8_t rank_kind;          // 0 ROW_NUMBER, 1 RANK, 2 DENSE_RANK
    int64_t rank_start, rank_end;
    int32_t rank_end_column;    // variable N, or -1
    bool rank_output;           // append the rank number
    RankWay rank_way;
    uint32_t *row_key;          // RANK_UPDATE: with the partition, what tells rows apart
    uint32_t row_key_count;
    bool keep_last;             // PLAN_DEDUP
    bool proctime_order;
    bool over_chained;          // PLAN_OVER: the select has other windows too
    bool below_window;          // a group window above goes by event time: what folds rows hands
                                // them on before it lets a watermark pass
    bool over_left_out;         // … and the projection above takes nothing of this one
    OverFrame frame;
    // PLAN_UNNEST, PLAN_TABLE_FUNC
    Expr *collection;
    bool ordinality, outer;
    Str function;
    Expr **func_arg;
    uint32_t func_arg_count;
    const MatchSpec *match;
    LookupPlan *lookup;
    const Udf *udf;             // PLAN_APPLY; its arguments are in func_arg
    const PredictSpec *predict; // PLAN_PREDICT
    const EvaluateSpec *evaluate; // PLAN_EVALUATE
    const VectorSpec *vector;   // PLAN_VECTOR_SEARCH
    const ProcessSpec *process; // PLAN_PROCESS; key, order, time_column: the first table's
    // PLAN_CHANGELOG: codes of the op column and the RowKinds they stand for
    bool to_changelog;
    Str *op_code;
    uint8_t *op_kind;
    uint32_t op_count, op_column;
    // PLAN_SINK
    SinkSpec *sink;
    uint8_t conflict;           // AstConflict: ON CONFLICT …
    uint8_t *not_null;          // per column: enforce
};

// What of the catalogs a statement stands on, each object once, in the order in which names were
// looked up: a view before what it reads.
typedef enum PlanUseKind { USE_TABLE, USE_MODEL, USE_FUNCTION } PlanUseKind;
typedef struct PlanUse {
    PlanUseKind kind;
    const void *object;          // Table, Model, UserFunction; the catalog's
} PlanUse;
typedef struct PlanUses {
    PlanUse *use;                // in the arena of the statement
    uint32_t count, capacity;
} PlanUses;

typedef struct PlanContext {     // what binding and planning may look at
    Arena *arena;
    Catalogs *catalogs;
    const Map *config;           // 'key' -> value, the session's
    const FuncEnv *env;
    bool batch;
    bool training;             // a model learns from its rows: they must come to an end
    bool explaining;             // EXPLAIN: nobody takes the rows of a query, so nobody needs -U
    uint32_t next_id;
    uint32_t depth;              // of view expansion
    bool in_value;               // within a subquery for a value
    uint32_t correlates;         // rows joined with what depends on them (LATERAL, UNNEST) so far
    Str statement;               // text of the statement, for slices
    struct PlanMap *maps;        // made by plan_map; plan_context_clear frees their tables
    struct Expansion *expansion; // of a view's query while it is made, else NULL
    PlanUses *uses;              // filled while names are looked up; NULL: nobody asks
    // User functions, hooks of libweir.
    const void *user;
    // Evaluates a constant expression (exec/ lies above plan/): a vec of one row in [arena].
    Status (*evaluate)(const Expr *expr, const FuncEnv *env, Arena *arena, Vec **out, Error *err);
} PlanContext;

// An empty map that lives as long as the statement (a Map's tables are not in its arena).
Map *plan_map(PlanContext *context);
void plan_context_clear(PlanContext *context);
void plan_use(PlanContext *context, PlanUseKind kind, const void *object);

Plan *plan_new(PlanContext *context, PlanKind kind, const Type *type, uint32_t input_count);
const char *plan_kind_name(PlanKind kind);

// SELECT … to a logical plan. (bind_query.c)
NODISCARD Status bind_query(PlanContext *context, const AstQuery *query, Plan **out, Error *err);
// One INSERT: bound query, casts to the table's columns, sink. (bind_insert.c)
NODISCARD Status bind_insert(PlanContext *context, const AstInsert *insert, Plan **out, Error *err);
// Reads the signature of a user's function; makes its rows for binder and executor. (bind_udf.c)
NODISCARD Status bind_signature(Udf *udf, Error *err);
// Loads a function of the catalog, unless it is loaded. ST_UNSUPPORTED: it is written in Java.
NODISCARD Status bind_user_function(PlanContext *context, UserFunction *function, Error *err);
// A type as written. (bind_type.c)
NODISCARD Status bind_type(Arena *arena, const AstType *ast, const Type **out, Error *err);
// An expression over the columns of [input] (a ROW type), e.g. a computed column. (bind_expr.c)
NODISCARD Status bind_row_expr(PlanContext *context, const AstExpr *ast, const Type *input,
                               Expr **out, Error *err);
// Scan of a table with its computed columns and watermark. (bind_scan.c)
NODISCARD Status bind_table(PlanContext *context, Table *table, const Map *hints, Place place,
                            Plan **out, Error *err);

// Rules, changelog inference, checks: logical plans of a statement set to physical ones, in place.
// Roots are PLAN_SINK or PLAN_COLLECT. (optimize.c)
NODISCARD Status plan_optimize(PlanContext *context, Plan **roots, uint32_t count, Error *err);

// Which columns the rows of input [input] must be gathered by: [key] of the input's columns, or all
// of them in one place when there are none. false: they may stay where they are. (spread.c)
bool plan_distribution(const Plan *plan, uint32_t input, const uint32_t **key, uint32_t *count);
// Whether [plan]'s rows are already with the worker that an exchange by [key] would send them to.
bool plan_spread_by(const Plan *plan, const uint32_t *key, uint32_t count);
