// server/http.h - an HTTP/1.1 server: connections that are kept, requests one behind the other,
// bodies in chunks, limits on size and time, an end that lets what is under way be answered.
//
// Each of its threads has an epoll of its own. It reads what has come on all connections that are
// ready, hands the requests on together, and sends the answers: whoever answers several at once
// cheaper than one by one can. While a thread answers, its other connections wait: an answer takes
// milliseconds, or there are more threads.
//
// Security: it is meant for a network that is trusted, or behind a proxy that speaks TLS.
#pragma once

#include "server/http_parse.h"

typedef struct HttpServer HttpServer;

typedef struct HttpCall {
    HttpRequest request;  // points into the connection's buffer until it is answered
    // The answer, filled by the handler; [status] is 200 at first.
    int status;
    const char *type;     // "application/json" at first
    const char *fields;   // more of the head, each ending in CRLF, or NULL; a literal
    Buf body;
} HttpCall;

typedef struct HttpSettings {
    const char *host;     // an address: "127.0.0.1", "::1", "0.0.0.0"
    uint16_t port;        // 0: any free one
    uint32_t threads;     // 0: 1
    uint32_t connections_max;  // 0: 4096; further ones wait to be taken in
    size_t body_max;           // 0: 16 MiB
    int64_t request_ms;   // 0: 30 s: the most time from a request's first byte to its last
    int64_t idle_ms;      // 0: 75 s: how long a connection is kept that asks for nothing
    // Answers the calls, in any order; [thread] counts from 0. Called by the server's threads.
    void (*handle)(void *arg, uint32_t thread, HttpCall *const *call, uint32_t count);
    void *arg;
} HttpSettings;

typedef struct HttpFigures {
    uint64_t connections, requests, refused;  // open now; answered; malformed or over a limit
} HttpFigures;

enum { HTTP_TOGETHER_MAX = 256 };  // calls in one handle()

// Listens and serves in threads of its own; *out is set before they begin. ST_IO names the address.
NODISCARD Status http_server_start(const HttpSettings *settings, HttpServer **out, Error *err);
uint16_t http_server_port(const HttpServer *server);
HttpFigures http_server_figures(const HttpServer *server);
// Takes no new connections, answers the requests that have come, [ms] at most, and ends. Blocking.
void http_server_stop(HttpServer *server, int64_t ms);
