// udf/python.h - functions written in Python, behind the face that functions in C have: their
// definition is made here, and its callbacks talk to worker processes.
#pragma once

#include "udf/udf.h"

typedef struct PythonSpec {
    Str name;             // of the function, for messages
    Str target;           // 'module.func', as PyFlink has it
    Str executable;       // empty: python3
    Str files, path;      // where modules are, parted by commas
    Str parameters;       // 'pipeline.global-job-parameters': key:value, …
    int64_t bundle_rows;  // at most that many rows to a message; 0: as many as there are
    int64_t arrow_rows;   // the same, of functions of whole columns
    int64_t async_rows;   // of an async function: rows at a time
    int64_t timeout_ms;   // without a sign of life; 0: for ever
} PythonSpec;

// Starts a worker, asks it what the function is, and keeps it for the first call.
NODISCARD Status udf_python(const PythonSpec *spec, Udf **out, Error *err);
