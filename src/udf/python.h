// udf/python.h - functions written in Python, behind the face that functions in C have: their
// definition is made here, and its callbacks talk to worker processes.
#pragma once

#include "udf/udf.h"

typedef struct PythonSpec {
    Str name;            // of the function, for messages
    Str target;          // 'module.func', as PyFlink has it
    Str executable;      // python.executable; empty: python3
    Str files;           // python.files: put on the path, parted by commas
    int64_t bundle_rows; // python.fn-execution.bundle.size: at most that many rows to a message
} PythonSpec;

// Starts a worker, asks it what the function is, and keeps it for the first call.
NODISCARD Status udf_python(const PythonSpec *spec, Udf **out, Error *err);
// Once the signature is read: whether the types of it can go to a worker.
NODISCARD Status udf_python_check(const Udf *udf, Error *err);
