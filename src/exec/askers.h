// exec/askers.h - asks somebody slow (a database, a model elsewhere) while the worker goes on:
// threads, each with a connection of its own, and the line in which requests stand from the moment
// they are made until their answers are handed on.
//
// Life:    askers_open, then any mix of the calls below, then askers_close.
// Order:   in order requests leave from the head of the line; otherwise as they are answered, but
//          never past a watermark.
// Checkpoints: nothing in line is kept over one, so that askers_empty comes before a barrier (and
//          before an end and before silence).
// Threads: the calls are the worker's alone. The threads call [ask], one at a time for a
//          connection; all else of the table is called by the worker.
#pragma once

#include "exec/operator.h"

// What stands in line; an operator's request begins with it.
typedef struct Request {
    struct Request *later;  // in line
    struct Request *next;   // waits for a thread
    bool answered;          // set before askers_put when there is nothing to ask
    bool is_watermark;      // and no operator's request
    int64_t watermark_ms;
    int64_t begun_ns;
    Status status;          // of the question
    Error error;
} Request;

typedef struct AskersVt {
    // *out is given to disconnect on failure too, unless it is NULL.
    NODISCARD Status (*connect)(Operator *op, void **out, Error *err);
    NODISCARD Status (*ask)(void *connection, Request *request, Error *err);
    void (*cancel)(void *connection);  // an [ask] under way should end soon; any thread
    void (*disconnect)(void *connection);
    // Hands on an answered request, whose status is ST_OK.
    NODISCARD Status (*hand_on)(Operator *op, Request *request, Error *err);
    void (*free_request)(Request *request);
    // The error of a request that got no answer in time.
    NODISCARD Status (*late)(const Operator *op, Error *err);
} AskersVt;

typedef struct AskersSpec {
    const AskersVt *vt;
    Operator *op;
    uint32_t threads;
    uint32_t in_line_max;  // requests; the next one waits for room
    int64_t timeout_ms;    // from a request's place in line to its answer
    bool ordered;
} AskersSpec;

typedef struct Askers Askers;
// On failure *out is what there is of it, for askers_close.
NODISCARD Status askers_open(const AskersSpec *spec, Askers **out, Error *err);
void askers_close(Askers *self);  // NULL is fine; what is under way is cancelled

// Puts a request, which is the line's from now on, at its end; then hands on what may leave, and
// waits for a place when there is none left.
NODISCARD Status askers_put(Askers *self, Request *request, Error *err);
// Hands a watermark on after all requests before it.
NODISCARD Status askers_put_watermark(Askers *self, int64_t ms, Error *err);
// Hands on what may leave; to be called by the timer too, for which each call asks again.
NODISCARD Status askers_look(Askers *self, Error *err);
NODISCARD Status askers_empty(Askers *self, Error *err);  // waits for all
