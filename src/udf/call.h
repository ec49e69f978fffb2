// udf/call.h - a call of a user's function: columns as its header knows them, results, and what it
// asks of its host.
//
// Life:    udf_call_init, udf_call_open; then per batch udf_call_args and udf_call_results, one of
//     udf_call_run's callbacks, and udf_call_reset; udf_call_close at the end.
// Memory:  views of columns lie in the call's scratch arena, until udf_call_reset.
// Threads: one.
#pragma once

#include "col/batch.h"
#include "udf/udf.h"

typedef struct UdfCall UdfCall;

// What a process table function may ask for, and rows of table functions.
typedef struct UdfServices {
    Status (*emit)(UdfCall *call, uint32_t from, uint8_t kind, uint32_t *row, Error *err);
    void *(*state)(UdfCall *call, uint32_t entry, uint32_t row);
    int (*state_get)(UdfCall *call, uint32_t entry, uint32_t row, Str key, Str *out);
    Status (*state_put)(UdfCall *call, uint32_t entry, uint32_t row, Str key, Str value,
                        bool remove, Error *err);
    int (*state_next)(UdfCall *call, uint32_t entry, uint32_t row, uint64_t *cursor, Str *key,
                      Str *out);
    void (*state_clear)(UdfCall *call, uint32_t entry, uint32_t row);
    Status (*timer)(UdfCall *call, uint32_t row, const char *name, int64_t ms, Error *err);
    void (*timer_clear)(UdfCall *call, uint32_t row, const char *name, int64_t ms);
} UdfServices;

struct UdfCall {
    weir_call call;  // first: callbacks get this
    const Udf *udf;
    const UdfServices *services;  // NULL: none
    void *owner;                  // for the services
    const FuncEnv *env;           // may be NULL
    const Vec *const *arg;        // the columns that udf_call_args was given
    Arena scratch;
    Buf *written;  // where weir_put goes; NULL: it may not be called
    bool opened;
    bool failed;
    Error error;
};

void udf_call_init(UdfCall *call, const Udf *udf);
NODISCARD Status udf_call_open(UdfCall *call, Error *err);
void udf_call_close(UdfCall *call);
void udf_call_reset(UdfCall *call);

// Views of columns in [arena]. [type] is a ROW that gives them names, or NULL.
const weir_column *udf_columns(Arena *arena, const Vec *const *vec, const Type *row,
                               uint32_t count);
void udf_call_args(UdfCall *call, const Vec *const *arg, uint32_t argc);
// The columns that results go to. After they have grown (a builder's), udf_results_moved.
void udf_call_results(UdfCall *call, Vec *const *out, uint32_t count);
void udf_results_moved(UdfCall *call);
// Turns what a callback answered into a Status: its own text, with the function's name.
NODISCARD Status udf_call_done(UdfCall *call, int answer, Error *err);
