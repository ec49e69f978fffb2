// udf/udf.h - functions that users write: what is known of one, and where it comes from.
//
// A Udf is made by udf_new from a definition (weir_function.h): one that udf_load found in a shared
// object, one that the host program handed to weir_define, or one that a Python worker stands
// behind (udf/python.h). plan/bind_udf.c reads its signature; then it has the rows that the binder
// and the executor know functions by (ScalarFunc, AggFunc), and calls go through udf/call.h.
//
// Memory:  a Udf owns an arena with its types and goes with udf_unref; plans borrow it, and the
//     statement that drops it cannot run while they do. Libraries stay loaded until the process
//     ends: their code may hold threads and static data that nobody knows of.
// Threads: made and bound by the session's thread; read-only afterwards.
#pragma once

#include "func/agg.h"
#include "weir_function.h"

enum { UDF_ARGS_MAX = 32, UDF_AGG_ARGS_MAX = 4, UDF_STATES_MAX = 16, UDF_TABLES_MAX = 8 };

typedef struct UdfArg {
    Str name;          // ptr NULL: none
    const Type *type;  // NULL: any. Of a table: the ROW it must be
    bool table;
  uint32_t traits;   // of a table: WEIR_ flags, the function's and its own
  bool optional;
} UdfArg;

typedef struct Udf {
    Str name;  // as SQL has it, for messages
    const weir_function_def *def;
    void *arg;  // for the definition's callbacks
    Arena arena;
    uint32_t refs;
    // By plan/bind_udf.c:
    UdfArg *in;
    uint32_t in_count;
    bool variadic;  // the last argument may come any number of times, none included
    uint32_t optional;  // so many at the end may be left out
    const Type *result;  // of table and process functions a ROW
    ScalarFunc scalar;
    AggFunc agg;
    // For those whose definition was made, not found.
    const AggImpl *agg_impl;  // of an aggregate function, instead of the definition's callbacks
    Status (*check_type)(const Type *type, Error *err);  // whether arguments and result may be it
    void (*drop)(struct Udf *udf);
} Udf;

// Checks the definition but for its signature. ST_VALIDATION: it is of another ABI, or incomplete.
NODISCARD Status udf_new(Str name, const weir_function_def *def, void *arg, Udf **out, Error *err);
Udf *udf_ref(Udf *udf);
Udf *udf_unref(Udf *udf);  // NULL is fine; always returns NULL

const char *udf_kind_name(uint32_t kind);  // "SCALAR", "TABLE", "AGGREGATE", "PROCESS_TABLE"

// Finds the definition [symbol] in the shared object [path]. (load.c)
NODISCARD Status udf_load(Str path, Str symbol, const weir_function_def **out, Error *err);

// Fills udf->scalar or udf->agg, once the signature is known.
void udf_scalar_row(Udf *udf);
void udf_agg_row(Udf *udf);
static inline const Udf *udf_of_agg(const AggFunc *func) {
    return (const Udf *)(const void *)((const char *)func - offsetof(Udf, agg));
}

// Functions of the host program, of all sessions. False when the name is taken. Any thread.
bool udf_register(Udf *udf);
Udf *udf_registered(Str name);  // any case; NULL when there is none
// Walks them, the newest first: NULL begins, NULL ends.
Udf *udf_registered_next(const Udf *udf);
