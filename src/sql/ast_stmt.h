// sql/ast_stmt.h - of the tree: definitions of tables, and statements. See sql/ast.h.
#pragma once

#include "sql/ast_query.h"

// ---- table definitions -------------------------------------------------------------------------

typedef enum AstColumnKind {
    COLUMN_PHYSICAL,
    COLUMN_METADATA,
    COLUMN_COMPUTED,
    COLUMN_NAME_ONLY,  // CREATE TABLE t (a, b) AS SELECT …
} AstColumnKind;

typedef enum AstPosition { POSITION_UNSAID, POSITION_FIRST, POSITION_AFTER } AstPosition;
typedef enum AstEnforced { ENFORCED_UNSAID, ENFORCED, NOT_ENFORCED } AstEnforced;

typedef struct AstColumn {
    AstColumnKind kind;
    AstName name;         // more than one part only in ALTER TABLE … MODIFY r.f
    AstType *type;        // physical, metadata
    struct AstConstraint *constraint;  // c INT PRIMARY KEY NOT ENFORCED
    Str metadata_key;     // METADATA FROM 'key'
    bool is_virtual;
    AstExpr *expr;        // computed; its span gives the source text
    Str comment;
    AstPosition position; // ALTER TABLE ADD, MODIFY: FIRST, AFTER …
    AstName after;
    AstSpan span;
} AstColumn;

typedef struct AstWatermark {
    AstName column;
    AstExpr *expr;  // its span gives the source text
    AstSpan span;
} AstWatermark;

typedef struct AstConstraint {
    AstIdent name;     // CONSTRAINT name
    bool unique;       // UNIQUE rather than PRIMARY KEY
    AstIdents column;  // empty in a column's own constraint
    AstEnforced enforced;
    AstSpan span;
} AstConstraint;

// DISTRIBUTED BY HASH(a, b) INTO 4 BUCKETS.
typedef struct AstDistribution {
    enum { DISTRIBUTION_UNSAID, DISTRIBUTION_HASH, DISTRIBUTION_RANGE } kind;
    AstIdents column;
    AstExpr *buckets;  // an integer literal
    AstSpan span;
} AstDistribution;

typedef enum AstLikeMode { LIKE_INCLUDING, LIKE_EXCLUDING, LIKE_OVERWRITING } AstLikeMode;
typedef enum AstLikeWhat {
    LIKE_ALL,
    LIKE_CONSTRAINTS,
    LIKE_DISTRIBUTION,
    LIKE_GENERATED,
    LIKE_METADATA,
    LIKE_OPTIONS,
    LIKE_PARTITIONS,
    LIKE_WATERMARKS,
} AstLikeWhat;

typedef struct AstLike {
    AstName table;
    struct AstLikeOption {
        AstLikeMode mode;
        AstLikeWhat what;
        AstSpan span;
    } * option;
    uint32_t option_count;
    AstSpan span;
} AstLike;

// The list in parentheses of CREATE TABLE and ALTER TABLE ADD, MODIFY. At most one primary key and
// one watermark make sense, that is the validator's to say.
typedef struct AstSchema {
    bool present;  // parentheses were written
    AstColumn *column;
    uint32_t column_count;
    AstConstraint *constraint;
    uint32_t constraint_count;
    AstWatermark *watermark;
    uint32_t watermark_count;
    AstDistribution *distribution;  // ALTER TABLE ADD DISTRIBUTION …
} AstSchema;

// ---- statements --------------------------------------------------------------------------------

typedef enum AstStmtKind {
    STMT_QUERY,
    STMT_INSERT,
    STMT_UPDATE,
    STMT_DELETE,
    STMT_MERGE,  // parsed as Flink does, and refused later as Flink does
    STMT_TRUNCATE,
    STMT_STATEMENT_SET,
    STMT_BEGIN_STATEMENT_SET,  // BEGIN STATEMENT SET; alone, as the SQL client takes it
    STMT_END,                  // END; alone
    STMT_EXPLAIN,
    STMT_EXECUTE,              // EXECUTE stmt
    STMT_COMPILE_PLAN,         // COMPILE PLAN 'f' …, COMPILE AND EXECUTE PLAN 'f' …
    STMT_EXECUTE_PLAN,
    STMT_CREATE_TABLE,
    STMT_CREATE_MATERIALIZED_TABLE,
    STMT_CREATE_VIEW,
    STMT_CREATE_CATALOG,
    STMT_CREATE_DATABASE,
    STMT_CREATE_FUNCTION,
    STMT_CREATE_MODEL,
    STMT_CREATE_CONNECTION,
    STMT_ALTER_TABLE,
    STMT_ALTER_MATERIALIZED_TABLE,
    STMT_ALTER_VIEW,
    STMT_ALTER_CATALOG,
    STMT_ALTER_DATABASE,
    STMT_ALTER_FUNCTION,
    STMT_ALTER_MODEL,
    STMT_ALTER_CONNECTION,
    STMT_DROP,
    STMT_SHOW,
    STMT_DESCRIBE,
    STMT_USE,
    STMT_LOAD_MODULE,
    STMT_UNLOAD_MODULE,
    STMT_SET,
    STMT_RESET,
    STMT_ALTER_OPTION,  // ALTER SYSTEM|SESSION SET|RESET …: likewise
    STMT_JAR,      // ADD JAR, REMOVE JAR
    STMT_CALL,
    STMT_ANALYZE,
    STMT_STOP_JOB,
    STMT_CLIENT,   // QUIT, EXIT, CLEAR, HELP: words of the SQL client alone
} AstStmtKind;

// What CREATE, DROP, SHOW and DESCRIBE can name.
typedef enum AstObject {
    OBJ_TABLE,
    OBJ_VIEW,
    OBJ_MATERIALIZED_TABLE,
    OBJ_CATALOG,
    OBJ_DATABASE,
    OBJ_FUNCTION,
    OBJ_MODEL,
    OBJ_CONNECTION,
    OBJ_MODULE,
    OBJ_PROCEDURE,
    OBJ_COLUMN,
    OBJ_PARTITION,
    OBJ_JAR,
    OBJ_JOB,
    OBJ_CURRENT_CATALOG,   // SHOW CURRENT CATALOG
    OBJ_CURRENT_DATABASE,
    OBJ_USER_FUNCTION,     // SHOW USER FUNCTIONS
    OBJ_FULL_MODULE,       // SHOW FULL MODULES
} AstObject;

typedef enum AstConflict {
    CONFLICT_UNSAID,
    CONFLICT_NOTHING,
    CONFLICT_ERROR,
    CONFLICT_DEDUPLICATE
} AstConflict;

typedef struct AstInsert {
    bool overwrite;
    bool upsert;
    AstName table;
    AstHints hints;
    AstOptions partition;  // PARTITION (a = 1, b)
    AstNames column;       // (a, b.c)
    struct AstColumn *extend;  // (a INT), EXTEND (a INT): the validator refuses them
    uint32_t extend_count;
    AstQuery *query;
    AstConflict on_conflict;
} AstInsert;

typedef struct AstUpdate {
    AstName table;
    AstHints hints;
    AstIdent alias;
    struct AstAssign {
        AstIdent column;
        AstExpr *value;
    } * assign;
    uint32_t assign_count;
    AstExpr *where;
} AstUpdate;

typedef struct AstDelete {
    AstName table;
    AstHints hints;
    AstIdent alias;
    AstExpr *where;
} AstDelete;

// EXECUTE STATEMENT SET BEGIN … END, or BEGIN STATEMENT SET; … END: the inserts.
typedef struct AstStatementSet {
    bool begin_form;  // BEGIN STATEMENT SET; … END rather than [EXECUTE] STATEMENT SET BEGIN … END
    bool executed;    // EXECUTE was written; EXPLAIN and COMPILE PLAN go without
    AstStmt **stmt;
    uint32_t stmt_count;
} AstStatementSet;

enum {
    EXPLAIN_ESTIMATED_COST = 1,
    EXPLAIN_CHANGELOG_MODE = 2,
    EXPLAIN_JSON_EXECUTION_PLAN = 4,
    EXPLAIN_PLAN_ADVICE = 8,
};

typedef struct AstExplain {
    bool plan_for;     // EXPLAIN PLAN FOR
    uint32_t details;  // EXPLAIN_… bits
    AstStmt *stmt;
} AstExplain;

typedef struct AstPlan {  // COMPILE PLAN, COMPILE AND EXECUTE PLAN, EXECUTE PLAN
    Str path;
    bool if_not_exists;
    bool execute;   // COMPILE AND EXECUTE PLAN
    AstStmt *stmt;  // COMPILE
} AstPlan;

typedef struct AstCreateTable {
    AstName name;
    bool temporary, if_not_exists;
    bool replace;    // REPLACE TABLE or
    bool or_replace; // CREATE OR REPLACE TABLE; without AS it means CREATE TABLE to Flink
    AstSchema schema;
    Str comment;
    AstDistribution *distribution;
    AstIdents partition;
    AstOptions options;
    AstLike *like;
    AstQuery *query;  // AS
} AstCreateTable;

typedef enum AstRefresh { REFRESH_UNSAID, REFRESH_CONTINUOUS, REFRESH_FULL } AstRefresh;

typedef enum AstStartMode {
    START_UNSAID,
    START_FROM_BEGINNING,
    START_FROM_NOW,        // [start_expr]: an interval
    START_FROM_TIMESTAMP,  // start_expr
    START_RESUME_OR_FROM_BEGINNING,
    START_RESUME_OR_FROM_NOW,
    START_RESUME_OR_FROM_TIMESTAMP,
} AstStartMode;

typedef struct AstCreateMaterializedTable {
    AstName name;
    bool if_not_exists, or_alter;
    AstSchema schema;
    Str comment;
    AstDistribution *distribution;
    AstIdents partition;
    AstOptions options;
    AstExpr *freshness;  // an interval literal
    AstRefresh refresh;
    AstStartMode start;
    AstExpr *start_expr;
    AstQuery *query;
} AstCreateMaterializedTable;

typedef struct AstCreateView {
    AstName name;
    bool temporary, if_not_exists, replace;
    AstIdents column;
    Str comment;
    AstQuery *query;  // its span gives the source text
} AstCreateView;

typedef struct AstCreateSimple {  // catalog, database, connection
    AstName name;
    bool temporary, system, if_not_exists;
    Str comment;
    AstOptions options;
} AstCreateSimple;

typedef enum AstLanguage {
    LANGUAGE_UNSAID,
    LANGUAGE_JAVA,
    LANGUAGE_SCALA,
    LANGUAGE_PYTHON,
    LANGUAGE_SQL,
    LANGUAGE_C,  // weir's own
} AstLanguage;

typedef struct AstCreateFunction {  // ALTER FUNCTION too
    AstName name;
    bool temporary, system, if_exists;  // if_exists is IF NOT EXISTS in CREATE
    Str class_name;
    AstLanguage language;
    struct AstResource {
        bool artifact;  // ARTIFACT rather than JAR
        Str uri;
    } * resource;       // USING JAR 'uri', …
    uint32_t resource_count;
    AstOptions options;
} AstCreateFunction;

typedef struct AstCreateModel {
    AstName name;
    bool temporary, if_not_exists, replace;
    AstSchema input, output;
    Str comment;
    AstOptions options;
    AstQuery *query;  // AS
} AstCreateModel;

typedef enum AstAlterKind {
    ALTER_RENAME,           // TO target
    ALTER_RENAME_COLUMN,    // column TO target
    ALTER_SET,              // options
    ALTER_RESET,            // options: keys only
    ALTER_ADD,              // schema: columns, constraint, watermark, distribution
    ALTER_MODIFY,           // the same
    ALTER_DROP_COLUMN,      // columns
    ALTER_DROP_PRIMARY_KEY,
    ALTER_DROP_CONSTRAINT,  // target
    ALTER_DROP_WATERMARK,
    ALTER_DROP_DISTRIBUTION,
    ALTER_ADD_PARTITION,    // partitions
    ALTER_DROP_PARTITION,   // partitions
    ALTER_COMMENT,          // comment
    ALTER_AS,               // query
    ALTER_SUSPEND,          // materialized tables:
    ALTER_RESUME,           // options
    ALTER_REFRESH,          // one of partitions, or none
    ALTER_SET_FRESHNESS,    // expr
    ALTER_SET_REFRESH_MODE, // refresh
} AstAlterKind;

typedef struct AstAlter {  // table, materialized table, view, catalog, database, model, connection
    AstName name;
    bool if_exists;           // ALTER TABLE IF EXISTS t
    AstAlterKind kind;
    AstName target;
    AstName column;
    AstNames columns;
    bool parentheses;         // ADD (…), DROP (…)
    AstOptions options;
    AstSchema schema;
    AstOptions *partition;    // specs; each may have its own options
    AstOptions *partition_options;
    uint32_t partition_count;
    bool partition_if;        // ADD IF NOT EXISTS, DROP IF EXISTS
    Str comment;
    AstQuery *query;
    AstExpr *expr;
    AstRefresh refresh;
} AstAlter;

typedef enum AstDropMode { DROP_UNSAID, DROP_RESTRICT, DROP_CASCADE } AstDropMode;

typedef struct AstDrop {
    AstObject what;
    AstName name;
    bool temporary, system, if_exists;
    AstDropMode mode;
} AstDrop;

typedef struct AstShow {
    AstObject what;
    bool create;           // SHOW CREATE what name
    AstName name;          // of SHOW CREATE, SHOW PARTITIONS
    AstName from;          // FROM or IN; also the table of SHOW COLUMNS
    bool in;               // IN was written
    bool has_like, not_like, ilike;
    Str like;
    AstOptions partition;  // SHOW PARTITIONS t PARTITION (…)
} AstShow;

typedef struct AstDescribe {
    AstObject what;        // OBJ_TABLE for DESCRIBE t
    bool extended;
    bool table_word;       // DESCRIBE TABLE t, which Flink parses and refuses
    AstName name;
    AstIdent column;       // DESCRIBE TABLE t c
    Str job;               // OBJ_JOB
    AstStmt *stmt;         // DESCRIBE [STATEMENT] query: as EXPLAIN; Flink refuses it
} AstDescribe;

typedef struct AstUse {
    AstObject what;        // OBJ_CATALOG, OBJ_DATABASE, OBJ_MODULE
    AstName name;          // catalog, database
    AstIdents module;      // OBJ_MODULE
} AstUse;

typedef struct AstSet {    // SET, RESET: key.ptr NULL for all
    Str key, value;
} AstSet;

typedef struct AstModule {
    AstIdent name;
    AstOptions options;
} AstModule;

typedef struct AstJar {
    bool remove;
    Str path;
} AstJar;

typedef struct AstAnalyze {
    AstName table;
    AstOptions partition;  // PARTITION (a, b = 1)
    bool columns_all;      // FOR ALL COLUMNS
    AstIdents column;      // FOR COLUMNS a, b
} AstAnalyze;

typedef struct AstStopJob {
    Str job;
    bool savepoint, drain;
} AstStopJob;

typedef struct AstClient {
    Str word;  // upper-case: "QUIT" "EXIT" "CLEAR" "HELP"
} AstClient;

typedef struct AstAlterOption {
    bool session;  // else SYSTEM
    bool reset;
    AstName name;  // count 0: RESET ALL
    AstExpr *value;
} AstAlterOption;

typedef struct AstMerge {
    AstName table;
    AstHints hints;
    AstIdent alias;
    AstFrom *source;
    AstExpr *on;
    struct AstAssign *assign;  // WHEN MATCHED THEN UPDATE SET …
    uint32_t assign_count;
    bool has_insert;           // WHEN NOT MATCHED THEN INSERT …
    AstIdents column;
    AstExprs value;
} AstMerge;

struct AstStmt {
    AstStmtKind kind;
    AstSpan span;
    union {
        AstQuery *query;                // STMT_QUERY
        AstInsert *insert;
        AstUpdate *update;
        AstDelete *del;
        AstMerge *merge;
        AstName truncate;               // the table
        AstStatementSet *set_of;        // STMT_STATEMENT_SET
        AstExplain *explain;
        AstStmt *execute;               // STMT_EXECUTE
        AstPlan *plan;                  // STMT_COMPILE_PLAN, STMT_EXECUTE_PLAN
        AstCreateTable *create_table;
        AstCreateMaterializedTable *create_materialized_table;
        AstCreateView *create_view;
        AstCreateSimple *create_simple; // STMT_CREATE_CATALOG, _DATABASE, _CONNECTION
        AstCreateFunction *function;    // STMT_CREATE_FUNCTION, STMT_ALTER_FUNCTION
        AstCreateModel *create_model;
        AstAlter *alter;                // STMT_ALTER_… but FUNCTION
        AstDrop *drop;
        AstShow *show;
        AstDescribe *describe;
        AstUse *use;
        AstModule *module;              // STMT_LOAD_MODULE, STMT_UNLOAD_MODULE
        AstSet *set;                    // STMT_SET, STMT_RESET
        AstAlterOption *alter_option;
        AstJar *jar;
        AstExpr *call;                  // STMT_CALL: an EX_CALL
        AstAnalyze *analyze;
        AstStopJob *stop_job;
        AstClient *client;
    };
};

// The piece of [text] (what was parsed) that a node was made of.
static inline Str sql_slice(Str text, AstSpan span) {
    return str_sub(text, span.from, span.to - span.from);
}
static inline bool ast_ident_given(AstIdent ident) { return ident.name.ptr != NULL; }
static inline Str ast_name_last(AstName name) {
    return name.count ? name.part[name.count - 1].name : (Str){NULL, 0};
}
