// func/func.h - SQL functions, a row each: signature, types, kernel, doc. Binder, executor, SHOW
// FUNCTIONS and the reference page read the same row, and the tests run its example.
//
// The way of a call:  binder finds the rows of a name, tries each in order: its argument specs (or
// its [bind] hook) accept the argument types, say which casts they need and what comes out. The
// executor makes the casts, evaluates the arguments densely (rows [0, rows), no selection), ANDs
// their validity for strict functions, and calls the kernel once a batch.
//
// Operators and predicates are functions too, by the names sql/ast.h gives them ("+", "=", "LIKE",
// "IS NULL", "CASE" is not one). Casts have a face of their own, func/cast.h.
#pragma once

#include "col/vec.h"
#include "type/zone.h"

typedef struct ScalarFunc ScalarFunc;
typedef struct KernelArgs KernelArgs;
typedef struct FuncCall FuncCall;

// What is fixed for a session or job and functions may ask for.
typedef struct FuncEnv {
    const Zone *zone;            // 'table.local-time-zone'
    int64_t (*now_ms)(void *);   // the clock of os/, for NOW() and its kind
    void *now_arg;
    int64_t query_start_ms;      // for functions fixed per statement (batch mode)
    uint64_t (*random)(void *);  // for RAND without a seed, UUID
    void *random_arg;
    bool batch;                  // execution.runtime-mode
    bool legacy_cast;            // table.exec.legacy-cast-behaviour
    Str database, catalog;       // CURRENT_DATABASE() …
    Str user;
} FuncEnv;

// One evaluation over one batch. All memory is the caller's.
struct KernelArgs {
    uint32_t rows;
    uint32_t argc;
    const Vec *const *arg;    // flat, of the types the call was bound to; constants are repeated
    const bool *constant;     // arg[i] has the same value in all rows: hoist its preparation
    const uint64_t *valid;    // strict functions: rows with no NULL argument; NULL means all. A
                              // kernel that can fail must skip the other rows
    const FuncCall *call;     // types, bound data
    void *state;              // made by open, one a call site and worker; NULL without open
    Arena *scratch;           // emptied after the batch
    const FuncEnv *env;
    const int64_t
        *watermark_ms;  // the last one of this operator's input; NULL, INT64_MIN: none yet
};

static inline bool kernel_row_valid(const KernelArgs *args, uint32_t row) {
    return !args->valid || bits_get(args->valid, row);
}

// Writes rows [0, args->rows) of [out]: its slots are zero and, for strict functions, its validity
// is set already. More rows may be made NULL with vec_set_null. ST_RUNTIME on bad data: the
// message names the value.
typedef Status (*Kernel)(const KernelArgs *args, Vec *out, Error *err);

// Checks and completes a call whose argument count fits. ST_VALIDATION: this row does not accept
// the arguments (the binder tries the next row of the name, then reports the last error).
typedef Status (*FuncBind)(FuncCall *call, Error *err);

struct FuncCall {
    const ScalarFunc *func;
    Arena *arena;          // for types and bound data; lives as long as the plan
    uint32_t argc;
    const Type **arg;      // in: types of the arguments; out: types to cast them to implicitly
    const Vec **literal;   // literal[i]: one row, when argument i is a constant, else NULL
    const Type *result;    // out
    Kernel kernel;         // out; preset to func->kernel
    const void *bound;     // out: whatever the kernel wants from bind
    const char *refused;   // out: why it cannot be run; it may stand where nobody reads its value
    const FuncEnv *env;
};

typedef enum NullRule {
    NULLS_STRICT,  // NULL in, NULL out; the executor does it
    NULLS_OWN,     // the kernel sees NULLs and sets the validity itself
} NullRule;

// Argument specs: a family the type must belong to, and the type it is cast to.
typedef enum ArgSpec {
    ARG_END = 0,    // no more arguments
    ARG_ANY,        // as it is
    ARG_STRING,     // CHAR or VARCHAR; kept as it is
    ARG_BYTES,      // BINARY or VARBINARY
    ARG_TEXT_OR_BYTES,
    ARG_BOOLEAN,
    ARG_INT,        // TINYINT SMALLINT INT, cast to INT
    ARG_BIGINT,     // any integer, cast to BIGINT
    ARG_INTEGER,    // any integer as it is
    ARG_EXACT,      // integer or DECIMAL as it is
    ARG_NUMERIC,    // any number as it is
    ARG_DOUBLE,     // any number, cast to DOUBLE
    ARG_DATE,
    ARG_TIME,
    ARG_TIMESTAMP,      // TIMESTAMP as it is
    ARG_TIMESTAMP_LTZ,
    ARG_ANY_TIMESTAMP,  // TIMESTAMP or TIMESTAMP_LTZ
    ARG_DATETIME,       // DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ
    ARG_INTERVAL,
    ARG_ARRAY,
    ARG_MAP,
    ARG_ROW,
    ARG_VARIANT,
    ARG_BITMAP,
    ARG_SYMBOL,   // a keyword of the grammar, as text
    ARG_COUNT_
} ArgSpec;

typedef enum ResultSpec {
    RESULT_BIND = 0,  // the bind hook sets it
    RESULT_STRING,
    RESULT_BYTES,
    RESULT_BOOLEAN,
    RESULT_TINYINT,
    RESULT_SMALLINT,
    RESULT_INT,
    RESULT_BIGINT,
    RESULT_FLOAT,
    RESULT_DOUBLE,
    RESULT_DATE,
    RESULT_VARIANT,
    RESULT_BITMAP,
    RESULT_ARG0,  // type of the first argument
    RESULT_ARG1,
    RESULT_COUNT_
} ResultSpec;

typedef enum ResultNull {
    RESULT_NULL_IF_ARGS,  // nullable when any argument is
    RESULT_NULL_ALWAYS,   // "force nullable"
    RESULT_NULL_NEVER,
} ResultNull;

enum { FUNC_ARGS_MAX = 12, FUNC_VARIADIC = 255 };

enum {
    FUNC_NONDETERMINISTIC = 1,  // differs from call to call: never folded (RAND, UUID)
    FUNC_DYNAMIC = 2,           // NOW(), CURRENT_TIMESTAMP: per record when streaming
    FUNC_CAN_FAIL = 4,          // may answer ST_RUNTIME: not evaluated for rows a CASE excludes
    FUNC_HIDDEN = 8,            // an operator: not listed by SHOW FUNCTIONS
    FUNC_SHORT_CIRCUIT = 16,    // AND, OR, COALESCE, IF …: the executor evaluates by parts
    // When all arguments but the first are literals, open is asked with them in call->literal; if
    // it makes a state, the kernel is given the first argument only.
    FUNC_LITERAL_SET = 64,
    FUNC_TAKES_NULL = 32,  // an untyped NULL may stand among the arguments: ARRAY[1, NULL]
};

struct ScalarFunc {
    const char *name;       // upper case
    const char *alias[3];   // other names, NULL-filled
    uint8_t args[FUNC_ARGS_MAX];  // ArgSpec; the last one repeats when argc_max says so
    uint8_t argc_min, argc_max;   // 0, 0: exactly the declared ones; argc_max FUNC_VARIADIC: no end
    uint8_t result;         // ResultSpec
    uint8_t result_null;    // ResultNull
    uint8_t nulls;          // NullRule
    uint8_t flags;
    FuncBind bind;          // runs after the specs accepted and [result] was set; may change all
    Kernel kernel;
    // Makes the state of one call site for one worker (compiled patterns, buffers).
    Status (*open)(const FuncCall *call, void **state, Error *err);
    void (*close)(void *state);
    const char *doc, *example, *gives;
};

typedef struct FuncTable {
    const char *topic;  // heads the reference page: "String functions"
    const ScalarFunc *row;
    uint32_t count;
} FuncTable;
#define FUNC_TABLE(topic_, rows) \
    { .topic = (topic_), .row = (rows), .count = sizeof(rows) / sizeof *(rows) }

// All tables; listed once, in func/builtin.c.
extern const FuncTable *const FUNC_TABLES[];
extern const uint32_t FUNC_TABLE_COUNT;

// The rows of a name (case-insensitive), in order of the tables; *count 0 when there are none.
// The array is static. Any thread.
const ScalarFunc *const *func_find(Str name, uint32_t *count);
// The name that SHOW FUNCTIONS gives the function (or aggregate function) [name]; NULL: none.
const char *func_listed(const char *name);
// What DESCRIBE FUNCTION EXTENDED tells of a name that SHOW FUNCTIONS lists. (signatures.c)
typedef struct FuncSignature {
    const char *kind, *forms;  // forms: the arguments in parentheses, a line for each form
    bool changes;              // another value each time
} FuncSignature;
bool func_signature(Str name, FuncSignature *out);
// Whether Flink knows it by a definition alone, not by an operator of its parser: then it prints in
// back-ticks where a view is shown.
bool func_is_defined_only(const char *name);
// What it lists beside them; ends with NULL. (listed.c)
extern const char *const FUNC_INNER_NAMES[];
// Adds a row that belongs to no table: a function of the host program. It lives as long as the
// process. False when the name is taken. Any thread.
bool func_register(const ScalarFunc *func);
// The nearest function name, for "did you mean".
const char *func_nearest(Str name);

// Runs specs and bind hook of [func] for [call] (func, arena, argc, arg, literal, env set).
NODISCARD Status func_bind(FuncCall *call, const ScalarFunc *func, Error *err);

// Whether [type] belongs to the family of [spec]; *cast is the type to cast it to.
bool arg_spec_accepts(ArgSpec spec, const Type *type, Arena *arena, const Type **cast);
const char *arg_spec_name(ArgSpec spec);  // "NUMERIC", for messages

// The type that all of [types] are cast to implicitly, or NULL: as the SQL validator finds it
// (CASE, IN, arrays, VALUES, set operations: Calcite's leastRestrictive) ...
const Type *type_common(Arena *arena, const Type *const *types, uint32_t count);
// ... and as functions find it (COALESCE, GREATEST, collections: LogicalTypeMerging). They differ
// for FLOAT beside DOUBLE or DECIMAL and between dates and timestamps.
// ROW(a, b) = ROW(c, d) is a = c AND b = d. Of any other rows, which are compared whole, NULL
// equals NULL in the fields.
void compare_rows_whole(FuncCall *call);
bool compares_rows_whole(const FuncCall *call);
const Type *type_merge(Arena *arena, const Type *const *types, uint32_t count);
// Whether a value of [from] may be given where [to] is asked for without a CAST.
bool type_casts_implicitly(const Type *from, const Type *to);
// Digits and scale of an integer or DECIMAL type, as decimal arithmetic counts them (INT: 10, 0).
int32_t type_exact_precision(const Type *type);
int32_t type_exact_scale(const Type *type);
