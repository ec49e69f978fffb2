#include "server/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "os/os.h"

enum {
    EVENTS_MAX = HTTP_TOGETHER_MAX,  // an event brings one request at most
    READ_SIZE = 64 << 10,
    OUT_MAX = 1 << 20,     // unsent bytes of a connection beyond which nothing more is read from it
    SWEEP_MS = 500,        // how often it is looked for connections whose time is over
    KEPT_BUFFER = 64 << 10,  // a larger one goes when its request is answered
};

// A connection. It belongs to one thread.
typedef struct Conn Conn;
struct Conn {
    int fd;
    Buf in, out;
    size_t in_from;      // bytes before it are answered
    size_t out_from;     // bytes before it are sent
    HttpParser parser;
    HttpCall call;
    bool asks;           // [call] is to be answered
    bool closes;         // when all is sent
    bool ended;          // the other side sends nothing more
    bool waits_to_send;  // epoll tells when it can be written to
    int64_t since_ms;  // a request began to come, or the last one was answered, or sending stopped
    Conn *next, *before;
};

typedef struct HttpThread {
    HttpServer *server;
    OsThread *thread;
    uint32_t index;
    int epoll, listener, wake;
    bool listening;
    Conn *conn;          // all of them
    uint32_t conns;
    Conn **ready;        // with a request to be answered
    HttpCall **call;
    uint32_t ready_count;
    int64_t date_s;      // that [date] says
    char date[32];
} HttpThread;

struct HttpServer {
    HttpSettings settings;
    uint16_t port;
    HttpThread *thread;
    uint32_t threads;
    _Atomic bool stopping;
    _Atomic int64_t stop_at_ms;
    _Atomic uint64_t connections, requests, refused;
};

static int64_t now_ms(void) {
    return os()->monotonic_ns() / 1000000;
}

// ---- answers -----------------------------------------------------------------------------------

static const char *reason(int status) {
    switch (status) {
        case 200: return "OK";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 417: return "Expectation Failed";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        default: return "Answer";
    }
}

static const char *date(HttpThread *self) {
    time_t now = (time_t)(os_now_ms() / 1000);
    if (now != self->date_s) {
        struct tm utc;
        (void)gmtime_r(&now, &utc);
        (void)strftime(self->date, sizeof self->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        self->date_s = now;
    }
    return self->date;
}

static void put_answer(HttpThread *self, Conn *conn, const HttpCall *call, bool keep,
                       bool head_only) {
    buf_printf(&conn->out,
               "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
               call->status, reason(call->status), date(self), call->type, call->body.len,
               call->fields ? call->fields : "", keep ? "" : "Connection: close\r\n");
    if (!head_only) buf_put(&conn->out, call->body.ptr, call->body.len);
    if (!keep) conn->closes = true;
}

static void refuse(HttpThread *self, Conn *conn, int status) {
    HttpCall call = {.status = status, .type = "application/json"};
    buf_printf(&call.body, "{\"error\":\"%s\"}", reason(status));
    put_answer(self, conn, &call, false, false);
    buf_free(&call.body);
    atomic_fetch_add_explicit(&self->server->refused, 1, memory_order_relaxed);
}

// ---- connections -------------------------------------------------------------------------------

static void watch(HttpThread *self, Conn *conn, bool sending) {
    struct epoll_event event = {.events = sending ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = conn};
    if (conn->out.len - conn->out_from > OUT_MAX || conn->ended) event.events &= ~(uint32_t)EPOLLIN;
    (void)epoll_ctl(self->epoll, EPOLL_CTL_MOD, conn->fd, &event);
    conn->waits_to_send = sending;
}

static void listen_on(HttpThread *self, bool on) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &self->listener};
    if (on == self->listening) return;
    (void)epoll_ctl(self->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, self->listener, &event);
    self->listening = on;
}

static uint32_t conns_max(const HttpThread *self) {
    return self->server->settings.connections_max / self->server->settings.threads + 1;
}

static void conn_close(HttpThread *self, Conn *conn) {
    (void)close(conn->fd);
    *(conn->before ? &conn->before->next : &self->conn) = conn->next;
    if (conn->next) conn->next->before = conn->before;
    buf_free(&conn->in);
    buf_free(&conn->out);
    buf_free(&conn->call.body);
    mem_free(conn);
    self->conns--;
    atomic_fetch_sub_explicit(&self->server->connections, 1, memory_order_relaxed);
    if (!atomic_load(&self->server->stopping)) listen_on(self, true);
}

static void take_in(HttpThread *self) {
    for (;;) {
        if (self->conns >= conns_max(self)) {
            listen_on(self, false);
            return;
        }
        int fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Conn *conn = NEW(Conn);
        conn->fd = fd;
        conn->since_ms = now_ms();
        conn->next = self->conn;
        if (self->conn) self->conn->before = conn;
        self->conn = conn;
        self->conns++;
        atomic_fetch_add_explicit(&self->server->connections, 1, memory_order_relaxed);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
        if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event)) conn_close(self, conn);
    }
}

// Looks whether a request is complete; then it stands among those that are to be answered.
static void parse(HttpThread *self, Conn *conn) {
    while (!conn->asks && !conn->closes) {
        char *bytes = conn->in.ptr + conn->in_from;
        size_t size = conn->in.len - conn->in_from;
        if (!conn->parser.scanned && !conn->parser.head) {  // empty lines before a request
            while (size >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
                conn->in_from += 2;
                bytes += 2;
                size -= 2;
            }
        }
        if (!size) break;
        size_t used = 0;
        int status = 0;
        HttpState state = http_parse(&conn->parser, bytes, size, self->server->settings.body_max,
                                     &conn->call.request, &used, &status);
        if (state == HTTP_MORE) break;
        if (state == HTTP_CONTINUE) {
            buf_puts(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
            break;
        }
        if (state == HTTP_BAD) {
            refuse(self, conn, status);
            break;
        }
        conn->in_from += used;
        conn->asks = true;
        conn->call.status = 200;
        conn->call.type = "application/json";
        conn->call.fields = NULL;
        self->ready[self->ready_count] = conn;
        self->call[self->ready_count++] = &conn->call;
    }
}

// Bytes that are answered go, so that a request begins at the buffer's start.
static void tidy(Conn *conn) {
    if (!conn->in_from) return;
    size_t left = conn->in.len - conn->in_from;
    if (left) memmove(conn->in.ptr, conn->in.ptr + conn->in_from, left);
    conn->in.len = left;
    conn->in_from = 0;
    if (conn->in.cap > KEPT_BUFFER && left < KEPT_BUFFER / 2) {
        Buf small = {0};
        buf_put(&small, conn->in.ptr, left);
        buf_free(&conn->in);
        conn->in = small;
    }
}

// False: the connection is gone.
static bool send_out(HttpThread *self, Conn *conn) {
    while (conn->out_from < conn->out.len) {
        ssize_t sent = send(conn->fd, conn->out.ptr + conn->out_from,
                            conn->out.len - conn->out_from, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) {
            conn_close(self, conn);
            return false;
        }
        if (sent < 0) break;
        conn->out_from += (size_t)sent;
    }
    bool left = conn->out_from < conn->out.len;
    if (!left) {
        conn->out.len = conn->out_from = 0;
        if (conn->out.cap > KEPT_BUFFER) buf_free(&conn->out);
        bool over = conn->closes || (conn->ended && !conn->asks);
        if (over) {
            // What still comes is read before the end: a reset would take the answer with it.
            (void)shutdown(conn->fd, SHUT_WR);
            char rest[4096];
            while (recv(conn->fd, rest, sizeof rest, MSG_DONTWAIT) > 0) {}
            conn_close(self, conn);
            return false;
        }
    }
    if (left != conn->waits_to_send || left) watch(self, conn, left);
    return true;
}

// False: the connection is gone.
static bool receive(HttpThread *self, Conn *conn) {
    if (conn->asks || conn->closes || conn->ended) return true;
    tidy(conn);
    bool empty = !conn->in.len;
    char *to = buf_reserve(&conn->in, READ_SIZE);
    ssize_t got = recv(conn->fd, to, READ_SIZE, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got < 0) {
        conn_close(self, conn);
        return false;
    }
    if (!got) {
        conn->ended = true;
        if (conn->out_from == conn->out.len) {
            conn_close(self, conn);
            return false;
        }
        watch(self, conn, true);
        return true;
    }
    if (empty) conn->since_ms = now_ms();
    conn->in.len += (size_t)got;
    parse(self, conn);
    return conn->asks || conn->out_from == conn->out.len || send_out(self, conn);
}

// ---- the threads -------------------------------------------------------------------------------

// The request that stands behind an answered one, unless too much waits to be sent. Answers to
// requests that came together leave together.
static void go_on(HttpThread *self, Conn *conn) {
    bool full = conn->out.len - conn->out_from > OUT_MAX;
    if (!full) parse(self, conn);
    if (conn->asks || !send_out(self, conn)) return;
    if (full && conn->out_from == conn->out.len) go_on(self, conn);
}

// Answers all that is asked, again while requests stand behind the answered ones.
static void answer(HttpThread *self) {
    HttpServer *server = self->server;
    while (self->ready_count) {
        uint32_t count = self->ready_count;
        Conn *round[HTTP_TOGETHER_MAX];
        server->settings.handle(server->settings.arg, self->index, self->call, count);
        atomic_fetch_add_explicit(&server->requests, count, memory_order_relaxed);
        memcpy(round, self->ready, count * sizeof *round);
        self->ready_count = 0;
        int64_t now = now_ms();
        bool stopping = atomic_load_explicit(&server->stopping, memory_order_relaxed);
        for (uint32_t i = 0; i < count; i++) {
            Conn *conn = round[i];
            HttpCall *call = &conn->call;
            put_answer(self, conn, call, call->request.keep_alive && !stopping,
                       str_is(call->request.method, "HEAD"));
            call->body.len = 0;
            if (call->body.cap > KEPT_BUFFER) buf_free(&call->body);
            conn->asks = false;
            conn->since_ms = now;
            go_on(self, conn);
        }
    }
}

static void sweep(HttpThread *self) {
    const HttpSettings *settings = &self->server->settings;
    int64_t now = now_ms();
    bool stopping = atomic_load(&self->server->stopping);
    for (Conn *conn = self->conn, *next; conn; conn = next) {
        next = conn->next;
        bool sends = conn->out_from < conn->out.len;
        bool comes = conn->in.len > conn->in_from;
        int64_t limit = sends || comes ? settings->request_ms : settings->idle_ms;
        if (stopping && !sends && !comes) limit = 0;
        if (now - conn->since_ms < limit) continue;
        if (comes && !sends && !stopping) {
            refuse(self, conn, 408);
            (void)send_out(self, conn);
        } else {
            conn_close(self, conn);
        }
    }
}

static void serve(void *arg) {
    HttpThread *self = arg;
    HttpServer *server = self->server;
    struct epoll_event event[EVENTS_MAX];
    int64_t sweep_at = now_ms() + SWEEP_MS;
    bool stopping = false;
    while (!stopping || (self->conns && now_ms() < atomic_load(&server->stop_at_ms))) {
        int count = epoll_wait(self->epoll, event, EVENTS_MAX, stopping ? 20 : SWEEP_MS);
        for (int i = 0; i < count; i++) {
            void *about = event[i].data.ptr;
            if (about == &self->listener) {
                take_in(self);
                continue;
            }
            if (about == &self->wake) {
                uint64_t told;
                (void)!read(self->wake, &told, sizeof told);
                continue;
            }
            Conn *conn = about;
            if (event[i].events & EPOLLOUT) {
                conn->since_ms = now_ms();
                if (!send_out(self, conn)) continue;
                if (!conn->asks && conn->out_from == conn->out.len) go_on(self, conn);
                continue;
            }
            if (event[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) (void)receive(self, conn);
        }
        answer(self);
        if (!stopping && atomic_load(&server->stopping)) {
            stopping = true;
            listen_on(self, false);
        }
        if (stopping || now_ms() >= sweep_at) {
            sweep(self);
            sweep_at = now_ms() + SWEEP_MS;
        }
    }
    while (self->conn) conn_close(self, self->conn);
}

// ---- beginning and end -------------------------------------------------------------------------

typedef union Address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static Status open_listener(const HttpSettings *settings, uint16_t *port, int *out, Error *err) {
    Address at = {0};
    socklen_t size = 0;
    const char *host = strcmp(settings->host, "localhost") == 0 ? "127.0.0.1" : settings->host;
    if (inet_pton(AF_INET, host, &at.v4.sin_addr) == 1) {
        at.v4.sin_family = AF_INET;
        at.v4.sin_port = htons(settings->port);
        size = sizeof at.v4;
    } else if (inet_pton(AF_INET6, host, &at.v6.sin6_addr) == 1) {
        at.v6.sin6_family = AF_INET6;
        at.v6.sin6_port = htons(settings->port);
        size = sizeof at.v6;
    } else {
        return error_set(err, ST_USAGE, "'%s' is not an address to listen at", settings->host);
    }
    int on = 1, fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, &at.any, size) || listen(fd, SOMAXCONN) ||
        getsockname(fd, &at.any, &size)) {
        (void)error_set(err, ST_IO, "cannot listen at %s:%u: %s", settings->host, settings->port,
                        strerror(errno));
        if (fd >= 0) (void)close(fd);
        return ST_IO;
    }
    *port = ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port : at.v6.sin6_port);
    *out = fd;
    return ST_OK;
}

static void set_defaults(HttpSettings *settings) {
    if (!settings->threads) settings->threads = 1;
    if (!settings->connections_max) settings->connections_max = 4096;
    if (!settings->body_max) settings->body_max = 16 << 20;
    if (!settings->request_ms) settings->request_ms = 30000;
    if (!settings->idle_ms) settings->idle_ms = 75000;
}

static Status start_thread(HttpServer *server, HttpThread *self, int listener, Error *err) {
    self->server = server;
    self->listener = listener;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->ready = NEW_ARRAY(Conn *, HTTP_TOGETHER_MAX);
    self->call = NEW_ARRAY(HttpCall *, HTTP_TOGETHER_MAX);
    if (self->epoll < 0 || self->wake < 0) {
        return error_set(err, ST_IO, "cannot begin to serve: %s", strerror(errno));
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &self->wake};
    (void)epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->wake, &event);
    listen_on(self, true);
    return os()->thread_start(serve, self, &self->thread, err);
}

Status http_server_start(const HttpSettings *settings, HttpServer **out, Error *err) {
    HttpServer *self = NEW(HttpServer);
    self->settings = *settings;
    set_defaults(&self->settings);
    int listener = -1;
    Status st = open_listener(&self->settings, &self->port, &listener, err);
    if (st) {
        mem_free(self);
        return st;
    }
    *out = self;  // its threads may be asked for its figures at once
    self->thread = NEW_ARRAY(HttpThread, self->settings.threads);
    while (!st && self->threads < self->settings.threads) {
        HttpThread *thread = &self->thread[self->threads];
        thread->index = self->threads++;
        st = start_thread(self, thread, listener, err);
    }
    if (st) {
        http_server_stop(self, 0);
        *out = NULL;
    }
    return st;
}

uint16_t http_server_port(const HttpServer *server) {
    return server->port;
}

HttpFigures http_server_figures(const HttpServer *server) {
    return (HttpFigures){atomic_load(&server->connections), atomic_load(&server->requests),
                         atomic_load(&server->refused)};
}

void http_server_stop(HttpServer *self, int64_t ms) {
    if (!self) return;
    atomic_store(&self->stop_at_ms, now_ms() + ms);
    atomic_store(&self->stopping, true);
    int listener = self->threads ? self->thread[0].listener : -1;
    for (uint32_t i = 0; i < self->threads; i++) {
        uint64_t one = 1;
        if (self->thread[i].wake >= 0) (void)!write(self->thread[i].wake, &one, sizeof one);
    }
    for (uint32_t i = 0; i < self->threads; i++) {
        HttpThread *thread = &self->thread[i];
        os()->thread_join(thread->thread);
        if (thread->epoll >= 0) (void)close(thread->epoll);
        if (thread->wake >= 0) (void)close(thread->wake);
        mem_free(thread->ready);
        mem_free(thread->call);
    }
    if (listener >= 0) (void)close(listener);
    mem_free(self->thread);
    mem_free(self);
}
