// base/status.h - how a call says that it failed.
//
// A function that can fail returns a Status and fills an Error. The Status is for code: recovery
// asks the table in status.c (SQLSTATE, worth retrying), never the text. The Error is for people:
// what, where, and, when we can guess it, the way out. An Error lives on the caller's stack and
// never allocates, so that running out of memory can be reported too.
//
// Conventions: `Error *err` is the last parameter, may be NULL, and is written only on failure.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

typedef enum Status {
    ST_OK = 0,
    ST_PARSE,        // the text is not the language
    ST_VALIDATION,   // names, types, plans, options: wrong before anything ran
    ST_UNSUPPORTED,  // parsed and understood, but weir cannot do it (yet); a kind of validation
    ST_RUNTIME,      // the data or the work failed: a cast, a division, a bad record
    ST_OVER_BUDGET,  // the memory limit: wait, spill or fail with the operator's name
    ST_IO,           // the operating system said no
    ST_CONNECT,      // the other side cannot be reached: worth retrying
    ST_CANCELLED,    // somebody asked to stop
    ST_END,          // nothing more to read; not a failure of anything
    ST_USAGE,        // the command line
    ST_INTERNAL,     // weir broke a promise to itself
    ST_COUNT_
} Status;

enum { ERROR_MESSAGE_MAX = 1536, ERROR_HINT_MAX = 256, ERROR_SOURCE_MAX = 256 };

// Where in a text an error lies; lines and columns count from 1, 0 is "not known".
typedef struct Place {
    uint32_t line, column;
    uint32_t end_line, end_column;  // of the last character, inclusive, as Calcite counts
} Place;

typedef struct Error {
    Status status;
    Place place;
    char source[ERROR_SOURCE_MAX];  // file or topic-partition-offset the place lies in; may be ""
    char message[ERROR_MESSAGE_MAX];
    char hint[ERROR_HINT_MAX];  // the way out; may be ""
} Error;

// Fills [err] (unless NULL) and returns [status], so that a failing path is one line:
//     return error_set(err, ST_RUNTIME, "division by zero");
Status error_set(Error *err, Status status, const char *fmt, ...) PRINTF_LIKE(3, 4);
// The same with the place of the text at fault.
Status error_at(Error *err, Status status, Place place, const char *fmt, ...) PRINTF_LIKE(4, 5);
// Adds the cure: "did you mean 'amount'?"
void error_hint(Error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Puts "while <doing>: " before the message; for the frames an error passes on its way up.
void error_while(Error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Sets the place if the error has none yet.
void error_place(Error *err, Place place);

// "parse", "validation" or "runtime": the stage as the case files name it.
const char *status_stage(Status status);
const char *status_sqlstate(Status status);  // five characters
bool status_retryable(Status status);

// Hands a failure on. For functions with nothing to undo.
#define TRY(call)                       \
    do {                                \
        Status try_status_ = (call);    \
        if (try_status_) return try_status_; \
    } while (0)
