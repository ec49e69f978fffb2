// weir_function.h - functions for weir's SQL, written in C. weir.h includes it.
//
// A function is one constant, a weir_function_def, in a shared object:
//
//     cc -shared -fPIC -o libmine.so mine.c
//     CREATE FUNCTION plus_one AS 'plus_one' LANGUAGE C USING ARTIFACT 'libmine.so';
//
// or in the host program, which hands it to weir_define. Nothing has to be linked: whatever a
// function asks of weir goes through the table of functions in its call (weir_host).
//
//     #include <weir.h>
//
//     WEIR_SCALAR_ROW(plus_one, "(x BIGINT) -> BIGINT", call, row) {
//         if (weir_is_null(&call->args[0], row)) return weir_set_null(&call->result[0], row);
//         return weir_set_int(&call->result[0], row, weir_int(&call->args[0], row) + 1);
//     }
//
// Kinds:     scalar functions give one value for each row, table functions any number of rows for
//     each row (LATERAL TABLE(f(x))), aggregate functions one value for a group of rows. A process
//     table function takes a table, has state and timers for each key, and gives rows:
//     SELECT * FROM f(TABLE t PARTITION BY k, on_time => DESCRIPTOR(ts)).
// Signature: "(name TYPE, …) -> TYPE", types and names as in CREATE TABLE; the names may be left
//     out; "…, TYPE...)" takes any number, "x TYPE?" may be left out, "x ANY" takes any type. Table
//     and process functions give a ROW<a INT, b STRING>, or any other type as the one column
//     EXPR$0. Process functions have arguments `name TABLE`, or `name TABLE ROW<…>` for a table of
//     just these columns; behind it may stand what holds for this table alone:
//     OPTIONAL_PARTITION_BY, PASS_COLUMNS_THROUGH, SUPPORT_UPDATES, REQUIRE_UPDATE_BEFORE,
//     REQUIRE_ON_TIME.
// Tables:    a function of several tables has set semantics; all are partitioned by keys of the
// same
//     types, and the rows of a key, of whichever table, share its state and timers. A call of eval
//     has rows of one table, call->table; the others have no rows and no columns then.
// Batches:   a call brings some thousand rows, column by column; the helpers with a row number,
//     and the macros at the end, make a function of one row of it.
// Errors:    callbacks answer 0. weir_fail says what is wrong and answers what is to be answered;
//     the job then ends with that text and the function's name.
// Threads:   one call belongs to one thread; a function is called by several threads, each with a
//     call of its own. State belongs to the call's key. Static variables are the function's own
//     business, and are not in checkpoints.
// Lifetime:  columns, results and what weir_alloc gave are good until the callback returns.
#ifndef WEIR_FUNCTION_H
#define WEIR_FUNCTION_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

// Of this header. A library built for another one is refused when it is loaded; fields are only
// ever added at the end of structs whose size is told.
#define WEIR_FUNCTION_ABI 1

#ifdef __GNUC__
#define WEIR_FUNCTION_EXPORT __attribute__((visibility("default"), used))
#define WEIR_FUNCTION_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define WEIR_FUNCTION_EXPORT
#define WEIR_FUNCTION_PRINTF(fmt, args)
#endif

// ---- Columns -----------------------------------------------------------------------------------

// How the values of a column lie in memory. Which SQL type it is, the signature says.
enum {
    WEIR_UINT8 = 1,  // BOOLEAN: 0 or 1
    WEIR_INT8,       // TINYINT
    WEIR_INT16,      // SMALLINT
    WEIR_INT32,  // INT, DATE (days since 1970), TIME (ms of the day), INTERVAL … MONTH (months)
    WEIR_INT64,  // BIGINT, TIMESTAMP and TIMESTAMP_LTZ up to (3) (ms since 1970), INTERVAL … (ms)
    WEIR_FLOAT32,
    WEIR_FLOAT64,
    WEIR_INT128,  // DECIMAL: the digits without the point
    WEIR_MOMENT,  // TIMESTAMP and TIMESTAMP_LTZ above (3): weir_moment
    WEIR_TEXT,    // CHAR, VARCHAR, STRING (UTF-8), BINARY, BYTES: weir_text
    WEIR_LIST,    // ARRAY; MAP and MULTISET: weir_list into child[0] (and child[1])
    WEIR_ROW,     // no values of its own: child[i] is field i
};

typedef struct weir_text {
    const char *ptr;  // not NUL-terminated
    uint32_t length;  // bytes
} weir_text;

typedef struct weir_moment {
    int64_t ms;  // since 1970-01-01
    int32_t ns;  // of the millisecond
    int32_t zero;
} weir_moment;

typedef struct weir_list {
    uint32_t first, count;  // slots of the children
} weir_list;

// Values to read. A slot that is NULL holds zero.
typedef struct weir_column {
    uint32_t layout;
    uint32_t rows;
    const uint64_t *valid;  // bit [row] set: not NULL; NULL pointer: none is
    const void *values;
    const struct weir_column *child;
    uint32_t child_count;
    const char *name;  // of a table's column; may be NULL. NUL-terminated
} weir_column;

typedef struct weir_call weir_call;

// Values to write. Numbers may be written to [values] as they are; texts, NULLs and lists go
// through the functions below.
typedef struct weir_result {
    uint32_t layout;
    void *values;
    struct weir_result *child;
    uint32_t child_count;
    weir_call *call;
    void *handle;  // weir's
} weir_result;

// ---- The call ----------------------------------------------------------------------------------

// What weir does for a function. Use the weir_… functions below.
typedef struct weir_host {
    uint32_t abi;
    uint32_t size;  // of this struct
    int (*error)(weir_call *call, const char *text);
    void *(*alloc)(weir_call *call, size_t size);
    int (*set_null)(weir_result *result, uint32_t row);
    int (*set_text)(weir_result *result, uint32_t row, const char *bytes, size_t length);
    int (*set_list)(weir_result *result, uint32_t row, uint32_t count, uint32_t *first);
    int (*emit)(weir_call *call, uint32_t from, int change, uint32_t *row);
    int (*put)(weir_call *call, const void *bytes, size_t size);
    void *(*state)(weir_call *call, uint32_t entry, uint32_t row);
    int (*state_get)(weir_call *call, uint32_t entry, uint32_t row, const void *key,
                     size_t key_size, weir_text *out);
    int (*state_put)(weir_call *call, uint32_t entry, uint32_t row, const void *key,
                     size_t key_size, const void *bytes, size_t size);
    int (*state_next)(weir_call *call, uint32_t entry, uint32_t row, uint64_t *cursor,
                      weir_text *key, weir_text *out);
    int (*state_clear)(weir_call *call, uint32_t entry, uint32_t row);
    int (*timer)(weir_call *call, uint32_t row, const char *name, int64_t ms);
    int (*timer_clear)(weir_call *call, uint32_t row, const char *name, int64_t ms);
} weir_host;

struct weir_call {
    const weir_host *host;
    void *arg;   // what weir_define was given
    void *user;  // yours: open may set it. Aggregate functions have none
    const weir_column *args;
    uint32_t argc;
    weir_result *result;  // columns: one, or those of the ROW of table and process functions
    uint32_t result_count;
    // The rows to work on: first <= row < end, of which [selected] (if not NULL) has the bit set.
    uint32_t first, end;
    const uint64_t *selected;

    // Process table functions. A table is args[…] as a ROW of its columns; the other arguments
    // are constants, the same in each row; one that was left out is NULL.
    const weir_column *keys;  // the columns of PARTITION BY
    uint32_t key_count;
    const weir_column *time;  // the column of on_time; NULL without it
    const uint8_t *changes;   // WEIR_INSERT … of each row; NULL: all are inserts
    int64_t watermark_ms;     // INT64_MIN: none yet
    // In on_timer, where keys, state and results go by row 0, and the table is not there.
    const char *timer;  // its name; NULL: it has none
    int64_t timer_ms;
    uint32_t table;  // the argument whose rows these are; WEIR_NO_TABLE in on_timer
};

#define WEIR_NO_TABLE UINT32_MAX

enum { WEIR_INSERT, WEIR_UPDATE_BEFORE, WEIR_UPDATE_AFTER, WEIR_DELETE };

// ---- The definition ----------------------------------------------------------------------------

enum { WEIR_SCALAR = 1, WEIR_TABLE, WEIR_AGGREGATE, WEIR_PROCESS };

enum {
    WEIR_NONDETERMINISTIC = 1,  // the same arguments may give another answer: never computed ahead
    WEIR_STRICT = 2,  // scalar: a NULL argument makes a NULL result, and is not asked about
    // Process table functions; Flink's traits.
    WEIR_SET_SEMANTICS = 4,  // the table is partitioned, its keys have state; else row semantics
    WEIR_OPTIONAL_PARTITION_BY = 8,
    WEIR_PASS_COLUMNS_THROUGH = 16,  // all columns of the table come first in the output, not just
                                     // the keys; no timers then
    WEIR_TAKES_UPDATES = 32,         // the table may change; [changes] says how
    WEIR_GIVES_UPDATES = 64,         // weir_emit_change
    WEIR_REQUIRE_ON_TIME = 128,
    // With WEIR_TAKES_UPDATES: a table that is partitioned by its upsert key comes without
    // WEIR_UPDATE_BEFORE, unless this asks for them. Others always have them.
    WEIR_REQUIRE_UPDATE_BEFORE = 256,
    WEIR_REQUIRE_FULL_DELETE = 512,  // weir's deletions are always whole rows
};

enum {
    WEIR_STATE_VALUE = 0,  // [size] bytes, zero at first: a struct without pointers
    WEIR_STATE_BYTES,      // bytes of any length
    WEIR_STATE_LIST,       // of bytes, in the order they were added
    WEIR_STATE_MAP,        // from bytes to bytes
};

// One entry of the state that a process table function has for each key. All are weir's to store.
typedef struct weir_state_def {
    const char *name;
    uint32_t kind;
    uint32_t size;   // of WEIR_STATE_VALUE
    int64_t ttl_ms;  // after the last write; 0: 'table.exec.state.ttl', -1: for ever
} weir_state_def;

typedef struct weir_function_def {
    uint32_t abi;  // WEIR_FUNCTION_ABI
    uint32_t kind;
    const char *signature;
    const char *doc;  // for DESCRIBE FUNCTION; may be NULL
    uint32_t flags;

    // Scalar, table and process functions: once a call site and thread. May be NULL.
    int (*open)(weir_call *call);
    void (*close)(weir_call *call);
    // Scalar: writes result[0] of each row. Table: weir_emit for each row it gives. Process: the
    // same, over a part of the table.
    int (*eval)(weir_call *call);

    // Process table functions.
    const weir_state_def *state;
    uint32_t state_count;
    int (*on_timer)(weir_call *call);

    // Aggregate functions: the state of a group is [state_size] bytes, zero before [init] (which
    // may be NULL). Rows come to accumulate and retract as batches: state[row] is of row's group.
    // Without retract it refuses changing input, without merge the windows and plans that merge.
    uint32_t state_size;
    int (*init)(weir_call *call, void *state);
    int (*accumulate)(weir_call *call, void *const *state);
    int (*retract)(weir_call *call, void *const *state);
    int (*merge)(weir_call *call, void *state, const void *other);
    int (*value)(weir_call *call, const void *state, uint32_t row);  // writes result[0] at row
    // A state that owns memory: clear frees it; write hands its content to weir_put (in parts, if
    // you like), read makes it of that again. Without them the state is its bytes.
    void (*clear)(weir_call *call, void *state);
    int (*write)(weir_call *call, const void *state);  // may not fail
    int (*read)(weir_call *call, void *state, const void *bytes, size_t size);
} weir_function_def;

// ---- Helpers: values of a row ------------------------------------------------------------------

static inline int weir_selected(const weir_call *call, uint32_t row) {
    return !call->selected || (call->selected[row / 64] >> row % 64 & 1);
}
#define WEIR_EACH_ROW(call, row)                                            \
    for (uint32_t row = (call)->first; row < (call)->end; row++)            \
        if (weir_selected((call), row))

static inline int weir_is_null(const weir_column *column, uint32_t row) {
    return column->valid && !(column->valid[row / 64] >> row % 64 & 1);
}
// Any integer, BOOLEAN, DATE, TIME, interval, or the milliseconds of a timestamp.
static inline int64_t weir_int(const weir_column *column, uint32_t row) {
    switch (column->layout) {
        case WEIR_UINT8: return ((const uint8_t *)column->values)[row];
        case WEIR_INT8: return ((const int8_t *)column->values)[row];
        case WEIR_INT16: return ((const int16_t *)column->values)[row];
        case WEIR_INT32: return ((const int32_t *)column->values)[row];
        case WEIR_INT64: return ((const int64_t *)column->values)[row];
        case WEIR_MOMENT: return ((const weir_moment *)column->values)[row].ms;
        case WEIR_FLOAT32: return (int64_t)((const float *)column->values)[row];
        case WEIR_FLOAT64: return (int64_t)((const double *)column->values)[row];
        default: return 0;
    }
}
static inline double weir_real(const weir_column *column, uint32_t row) {
    if (column->layout == WEIR_FLOAT64) return ((const double *)column->values)[row];
    if (column->layout == WEIR_FLOAT32) return (double)((const float *)column->values)[row];
    return (double)weir_int(column, row);
}
static inline weir_text weir_str(const weir_column *column, uint32_t row) {
    weir_text none = {"", 0};
    return column->layout == WEIR_TEXT ? ((const weir_text *)column->values)[row] : none;
}
static inline int weir_text_is(weir_text text, const char *other) {
    return text.length == strlen(other) && memcmp(text.ptr, other, text.length) == 0;
}
// The column of a table by its name; NULL when it has none of it.
static inline const weir_column *weir_field(const weir_column *table, const char *name) {
    for (uint32_t i = 0; i < table->child_count; i++) {
        if (table->child[i].name && strcmp(table->child[i].name, name) == 0) {
            return &table->child[i];
        }
    }
    return NULL;
}

// ---- Helpers: failing, memory ------------------------------------------------------------------

static inline int weir_fail(weir_call *call, const char *fmt, ...) WEIR_FUNCTION_PRINTF(2, 3);
static inline int weir_fail(weir_call *call, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return call->host->error(call, text);
}
// Memory until the callback returns; never NULL.
static inline void *weir_alloc(weir_call *call, size_t size) {
    return call->host->alloc(call, size);
}

// ---- Helpers: results --------------------------------------------------------------------------

static inline int weir_set_null(weir_result *result, uint32_t row) {
    return result->call->host->set_null(result, row);
}
// Any layout but text, lists and rows; fails when the value does not fit.
static inline int weir_set_int(weir_result *result, uint32_t row, int64_t value) {
    int64_t kept = value;
    switch (result->layout) {
        case WEIR_UINT8: ((uint8_t *)result->values)[row] = value != 0; return 0;
        case WEIR_INT8: kept = ((int8_t *)result->values)[row] = (int8_t)value; break;
        case WEIR_INT16: kept = ((int16_t *)result->values)[row] = (int16_t)value; break;
        case WEIR_INT32: kept = ((int32_t *)result->values)[row] = (int32_t)value; break;
        case WEIR_INT64: ((int64_t *)result->values)[row] = value; return 0;
        case WEIR_MOMENT: {
            weir_moment moment = {value, 0, 0};
            ((weir_moment *)result->values)[row] = moment;
            return 0;
        }
        case WEIR_FLOAT32: ((float *)result->values)[row] = (float)value; return 0;
        case WEIR_FLOAT64: ((double *)result->values)[row] = (double)value; return 0;
        default: return weir_fail(result->call, "its result is no number");
    }
    if (kept == value) return 0;
    return weir_fail(result->call, "its result %lld does not fit the declared type",
                     (long long)value);
}
static inline int weir_set_real(weir_result *result, uint32_t row, double value) {
    if (result->layout == WEIR_FLOAT64) ((double *)result->values)[row] = value;
    else if (result->layout == WEIR_FLOAT32) ((float *)result->values)[row] = (float)value;
    else return weir_set_int(result, row, (int64_t)value);
    return 0;
}
// The bytes are copied. Text has to be UTF-8.
static inline int weir_set_bytes(weir_result *result, uint32_t row, const char *bytes,
                                 size_t size) {
    return result->call->host->set_text(result, row, bytes, size);
}
static inline int weir_set_str(weir_result *result, uint32_t row, weir_text text) {
    return weir_set_bytes(result, row, text.ptr, text.length);
}
static inline int weir_set_text(weir_result *result, uint32_t row, const char *text) {
    return weir_set_bytes(result, row, text, strlen(text));
}
// Makes a list of [count] elements; write them to rows *first … of child[0] (and child[1]).
static inline int weir_set_list(weir_result *result, uint32_t row, uint32_t count,
                                uint32_t *first) {
    return result->call->host->set_list(result, row, count, first);
}

// Table and process functions: a new row of the output, for row [from] of the input (0 in
// on_timer). A table function emits in the order of [from]. *row is where its columns go, all of
// them 0 or "" until they are set.
static inline int weir_emit(weir_call *call, uint32_t from, uint32_t *row) {
    return call->host->emit(call, from, WEIR_INSERT, row);
}
static inline int weir_emit_change(weir_call *call, uint32_t from, int change, uint32_t *row) {
    return call->host->emit(call, from, change, row);
}

// In [write] of an aggregate function.
static inline int weir_put(weir_call *call, const void *bytes, size_t size) {
    return call->host->put(call, bytes, size);
}

// ---- Helpers: state and timers of process table functions --------------------------------------

// The value of entry [entry] for the key of row [row]; zero bytes at first, and when all bytes are
// zero again it takes no room.
static inline void *weir_state(weir_call *call, uint32_t entry, uint32_t row) {
    return call->host->state(call, entry, row);
}
// WEIR_STATE_BYTES: answers 1 and sets *out when there is something.
static inline int weir_state_bytes(weir_call *call, uint32_t entry, uint32_t row, weir_text *out) {
    return call->host->state_get(call, entry, row, NULL, 0, out);
}
static inline int weir_state_set(weir_call *call, uint32_t entry, uint32_t row, const void *bytes,
                                 size_t size) {
    return call->host->state_put(call, entry, row, NULL, 0, bytes, size);
}
// WEIR_STATE_LIST
static inline int weir_list_add(weir_call *call, uint32_t entry, uint32_t row, const void *bytes,
                                size_t size) {
    return call->host->state_put(call, entry, row, NULL, 0, bytes, size);
}
// WEIR_STATE_MAP: get answers 1 when the key is there; bytes NULL removes it.
static inline int weir_map_get(weir_call *call, uint32_t entry, uint32_t row, const void *key,
                               size_t key_size, weir_text *out) {
    return call->host->state_get(call, entry, row, key, key_size, out);
}
static inline int weir_map_put(weir_call *call, uint32_t entry, uint32_t row, const void *key,
                               size_t key_size, const void *bytes, size_t size) {
    return call->host->state_put(call, entry, row, key, key_size, bytes, size);
}
// Lists and maps: `for (uint64_t at = 0; weir_state_next(call, entry, row, &at, &key, &value);)`,
// in the order of their first arrival; [key] may be NULL. Keys may be removed meanwhile, nothing
// may be added.
static inline int weir_state_next(weir_call *call, uint32_t entry, uint32_t row, uint64_t *at,
                                  weir_text *key, weir_text *out) {
    return call->host->state_next(call, entry, row, at, key, out);
}
static inline int weir_state_clear(weir_call *call, uint32_t entry, uint32_t row) {
    return call->host->state_clear(call, entry, row);
}

// The time of the row, or of the timer. on_time has to be there.
static inline int64_t weir_time(const weir_call *call, uint32_t row) {
    return call->time ? weir_int(call->time, row) : call->timer_ms;
}
// Calls on_timer for the key of [row] once the watermark has come to [ms]. A timer with a name
// replaces the one of that name; without one (NULL) there is one for each time.
static inline int weir_timer(weir_call *call, uint32_t row, const char *name, int64_t ms) {
    return call->host->timer(call, row, name, ms);
}
// Takes a timer back: by its name, or (NULL) by its time.
static inline int weir_timer_clear(weir_call *call, uint32_t row, const char *name, int64_t ms) {
    return call->host->timer_clear(call, row, name, ms);
}
// All state and all timers of the key of [row].
#define WEIR_ALL UINT32_MAX
static inline int weir_clear_all(weir_call *call, uint32_t row) {
    if (call->host->state_clear(call, WEIR_ALL, row)) return 1;
    return call->host->timer_clear(call, row, NULL, INT64_MIN);
}

// ---- Helpers: whole functions ------------------------------------------------------------------

// A scalar function of one row. The block that follows is its body.
#define WEIR_SCALAR_ROW(name, signature_, call, row) \
    WEIR_ROW_FUNCTION_(name, WEIR_SCALAR, signature_, 0, call, row)
// A table function of one row: the body calls weir_emit as often as it likes.
#define WEIR_TABLE_ROW(name, signature_, call, row) \
    WEIR_ROW_FUNCTION_(name, WEIR_TABLE, signature_, 0, call, row)

#define WEIR_ROW_FUNCTION_(name, kind_, signature_, flags_, call, row)                \
    static int name##_row(weir_call *call, uint32_t row);                             \
    static int name##_eval(weir_call *call) {                                         \
        WEIR_EACH_ROW(call, row) {                                                    \
            int failed = name##_row(call, row);                                       \
            if (failed) return failed;                                                \
        }                                                                             \
        return 0;                                                                     \
    }                                                                                 \
    WEIR_FUNCTION_EXPORT const weir_function_def name = {.abi = WEIR_FUNCTION_ABI,    \
                                                         .kind = kind_,               \
                                                         .signature = signature_,     \
                                                         .flags = flags_,             \
                                                         .eval = name##_eval};        \
    static int name##_row(weir_call *call, uint32_t row)

#ifdef __cplusplus
}
#endif
#endif
