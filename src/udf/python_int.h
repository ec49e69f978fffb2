// udf/python_int.h - shared by python.c, python_agg.c and python_worker.c: worker processes, and
// messages to and from them. python/worker.py is the other end.
//
// A message is u32 the size of what follows, u32 what it is, u32 how many sections it has, u32 the
// size of each; then the sections, at multiples of eight behind the first u32. Those with rows are
// Arrow IPC streams of one batch (col/arrow.h); an answer has the batch alone, for its schema came
// with the question.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include "col/arrow.h"
#include "udf/call.h"
#include "udf/python.h"

enum { PYTHON_DESCRIBE, PYTHON_SCALAR = 2, PYTHON_TABLE, PYTHON_AGGREGATE, PYTHON_VALUES };
enum { PYTHON_DONE, PYTHON_FAILED, PYTHON_MORE, PYTHON_ALIVE };

enum { PYTHON_SECTIONS_MAX = 4 };

typedef struct PyWorker {
    struct PyWorker *next;
    pid_t pid;
    int socket;
    bool lost;  // it is gone, hangs, or is in the middle of something: not to be used again
} PyWorker;

typedef struct PyFunction {
    weir_function_def def;
    AggImpl agg;
    char *name, *executable, *order;  // owned; the order is the second message
    uint32_t bundle_rows;
    int64_t timeout_ms;
    pthread_mutex_t lock;
    PyWorker *idle;
} PyFunction;

// ---- messages ----------------------------------------------------------------------------------

typedef struct PyMessage {
    Buf bytes;
    uint32_t what, count;
    Str section[PYTHON_SECTIONS_MAX];  // of an answer
} PyMessage;

// Order: py_begin, then for each of [count] sections py_open, writes to bytes, py_close.
void py_begin(PyMessage *self, uint32_t what, uint32_t count);
size_t py_open(PyMessage *self);
void py_close(PyMessage *self, size_t from);
void py_put(PyMessage *self, Str section);
// A section with the schema of columns of these types, named f0 …; and, if there are [column]s,
// their rows.
NODISCARD Status py_put_columns(PyMessage *self, const Type *const *type, const Vec *const *column,
                                uint32_t count, uint32_t first, uint32_t rows, const FuncEnv *env,
                                Error *err);
void py_free(PyMessage *self);

// ---- workers (python_worker.c) -----------------------------------------------------------------

NODISCARD Status python_start(const PyFunction *self, PyWorker **out, PyMessage *description,
                              Error *err);
void python_end(PyWorker *worker);  // NULL is fine
// Sends [question] and reads the first message of the answer. ST_RUNTIME: the function failed, or
// the worker is lost.
NODISCARD Status python_ask(const PyFunction *self, PyWorker *worker, PyMessage *question,
                            PyMessage *answer, Error *err);
// Reads another message of it, while answer->what is PYTHON_MORE.
NODISCARD Status python_more(const PyFunction *self, PyWorker *worker, PyMessage *answer,
                             Error *err);
// A worker for one exchange; python_return takes it back, or ends it when it is lost.
NODISCARD Status python_borrow(PyFunction *self, PyWorker **out, Error *err);
void python_return(PyFunction *self, PyWorker *worker);

// ---- aggregate functions (python_agg.c) --------------------------------------------------------

extern const AggImpl PYTHON_AGG;
