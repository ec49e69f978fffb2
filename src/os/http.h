// os/http.h - one request over HTTP as a client, by libcurl; connections are kept and used again.
//
// A build without libcurl has http_missing.c in its place, which says so. Any thread; the call
// blocks until there is an answer or a limit of time is met.
#pragma once

#include <stdatomic.h>

#include "base/text.h"

typedef struct HttpExchange {
    const char *method, *url;    // http:// or https://
    const char *address;         // of the server that is meant, of several of that name; or NULL
    const char *const *header;   // "name: value"; "name:" keeps libcurl from sending its own
    uint32_t header_count;
    Str body;                    // of PUT and POST
    size_t reply_size_max;       // a longer answer is an error
    int64_t connect_ms, answer_ms;  // limits; 0: 10 s to connect, and 30 s of silence afterwards
    void (*on_header)(void *arg, Str line);  // each line of the head of the answer; may be NULL
    void *arg;
    const _Atomic bool *cancel;  // may be NULL; once true the call soon ends with ST_CANCELLED
} HttpExchange;

typedef struct HttpReply {
    int status;  // whatever the server says: 404 is an answer, too
    Buf body;
} HttpReply;

// One try. ST_CONNECT: no answer came, another try may do; ST_IO: nor will one come. Messages name
// scheme, host and port alone: a path or a query may hold what is nobody's business. The reply's
// body is to be freed, whatever comes out.
NODISCARD Status http_exchange(const HttpExchange *exchange, HttpReply *reply, Error *err);
