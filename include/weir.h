// weir.h - the public face of libweir: Flink SQL inside a host program.
//
// Open a session, run statements, take a query's rows as an Arrow C stream, hand a stream in as a
// table, add functions written in C. These names, all beginning with weir_ or WEIR_, are the only
// ones that the library shows; the Arrow structures are those of the public C data interface.
//
// Threads: a session serves one thread at a time, but for weir_stop. A stream that weir_query gave
// belongs to one thread, too, and must be released before its session is closed.
// Errors: calls answer 0, or WEIR_WRONG (the SQL or its use) or WEIR_FAILED (the work); weir_error
// then says what, where, and often the way out.
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#include "weir_function.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

// The version of the library, "0.1.0". Static; any thread.
WEIR_API const char *weir_version(void);

// ---- The Arrow C data and stream interfaces ----------------------------------------------------
// https://arrow.apache.org/docs/format/CDataInterface.html: a stable layout that Arrow's libraries,
// DuckDB, pandas, polars and others take as it is. The guards are those that the document asks for.

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif

// ---- Sessions ----------------------------------------------------------------------------------

typedef struct weir_session weir_session;

enum {
    WEIR_OK = 0,
    WEIR_FAILED = 1,  // the job or the system failed
    WEIR_WRONG = 2,   // the statement cannot be run, or the call was wrong
};

// A session with tables, views and settings of its own, as `weir` on the command line opens one.
// Never NULL. Settings are changed by the statement SET.
WEIR_API weir_session *weir_open(void);
// Stops what runs, and frees all. NULL is fine.
WEIR_API void weir_close(weir_session *session);

// What the last call on the session that did not answer WEIR_OK had to say; "" when all went well.
// Valid until the next call.
WEIR_API const char *weir_error(const weir_session *session);

// Runs the statements of a script, in turn, until one fails. INSERT statements run to the end of
// their job; rows of queries are thrown away.
WEIR_API int weir_execute(weir_session *session, const char *script);

// Lets the running job come to an orderly end; a second call ends it at once. Any thread, and
// signal handlers.
WEIR_API void weir_stop(weir_session *session);

enum {
    // Appends a column `change` (int8) to the rows of a query: 0 insert, 1 the row before an
    // update,
    // 2 the row after it, 3 delete. Without it a query that changes its rows ends with an error;
    // in batch mode ('execution.runtime-mode') no query does.
    WEIR_CHANGES = 1,
};

// Starts one query, or one statement that answers rows, and gives its rows as a stream of record
// batches. get_schema waits for the plan, get_next for rows; the query runs ahead by some batches.
// Releasing the stream ends the query. One stream per session at a time.
//
// BOOLEAN b, integers c s i l, FLOAT f, DOUBLE g, DECIMAL d:p,s, character types u, binary types z,
// DATE tdD, TIME ttm, TIMESTAMP tsm: (to 3 digits), tsu: (to 6), tsn:, the same with UTC for
// TIMESTAMP_LTZ, INTERVAL tiM and tDm, ARRAY +l, MAP and MULTISET +m, ROW +s. Other types have no
// Arrow form: cast them to STRING.
WEIR_API int weir_query(weir_session *session, const char *sql, int flags,
                        struct ArrowArrayStream *out);

// Makes a temporary table of a stream that the host gives, and moves the stream into the session:
// *data is marked released. [more] (may be NULL) is put behind the columns, say
// "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND". The table can be read once, from a thread of the
// session's, which calls get_next and may be kept waiting by it.
//
// Columns may be booleans, integers (signed), floats, decimals of 128 bits, text, binary (also the
// large variants), dates in days and timestamps.
WEIR_API int weir_feed(weir_session *session, const char *table, const char *more,
                       struct ArrowArrayStream *data);

// One value of a function written in C. Which member counts is said by the declared type.
typedef struct weir_value {
    int is_null;
    int64_t integer;   // BOOLEAN (0 or 1), INT, BIGINT
    double real;       // DOUBLE
    const char *text;  // STRING, not NUL-terminated. A result must stay until the next call
    size_t length;     // of text
} weir_value;

// Computes one row. Anything but 0 fails the job; [result] may then hold a text that says why.
typedef int (*weir_scalar)(void *arg, const weir_value *args, int argc, weir_value *result);

// Adds a function to all sessions of the process, until its end. [args] and [result] are types:
// "BIGINT, STRING" and "DOUBLE", of BOOLEAN, INT, BIGINT, DOUBLE, STRING. The call must have no
// effects and give the same answer to the same arguments; it comes from several threads at a time.
// WEIR_WRONG: the name is taken, or a type is none of these. Any thread.
WEIR_API int weir_function(const char *name, const char *args, const char *result,
                           weir_scalar call, void *arg);

// The same for functions of any kind and type, see weir_function.h. [def] and [arg] must stay; the
// calls find [arg] in theirs. WEIR_WRONG: the name is taken, or the definition is not sound; [why]
// (may be NULL) then gets a text that says what it is about. Any thread.
WEIR_API int weir_define(const char *name, const weir_function_def *def, void *arg, char *why,
                         size_t why_size);

#ifdef __cplusplus
}
#endif
#endif
