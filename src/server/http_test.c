// Requests out of bytes, whole and in pieces; and a server that is asked over a socket.
#include "server/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os.h"
#include "test/unit.h"

enum { BODY_MAX = 100 };

// Parses [text] as it comes in pieces of [piece] bytes: "METHOD path body" or the status.
static const char *parse(Arena *arena, const char *text, size_t piece) {
    char *bytes = str_cstr(arena, str_c(text)) ? mem_strdup(text) : NULL;
    size_t size = strlen(text), used = 0;
    HttpParser parser = {0};
    HttpRequest request;
    int status = 0;
    HttpState state = HTTP_MORE;
    const char *result = "more";
    for (size_t have = piece; state == HTTP_MORE || state == HTTP_CONTINUE; have += piece) {
        if (have > size) have = size;
        state = http_parse(&parser, bytes, have, BODY_MAX, &request, &used, &status);
        if (have == size && state == HTTP_MORE) break;
    }
    if (state == HTTP_READY) {
        Str rest = str_make(text + used, size - used);
        result = arena_printf(arena, STR_FMT " " STR_FMT " " STR_FMT "|" STR_FMT "|%s",
                              STR_ARG(request.method), STR_ARG(request.path), STR_ARG(request.body),
                              STR_ARG(rest), request.keep_alive ? "keep" : "close");
    } else if (state == HTTP_BAD) {
        result = arena_printf(arena, "%d", status);
    }
    mem_free(bytes);
    return result;
}

#define H "Host: a\r\n"

TEST(http, requests_are_read_in_any_pieces) {
    static const char *const CASES[][2] = {
        {"GET / HTTP/1.1\r\n" H "\r\n", "GET / ||keep"},
        {"GET /a?b=c HTTP/1.0\r\n\r\nGET", "GET /a |GET|close"},
        {"POST /p HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET", "POST /p abc|GET|keep"},
        {"POST /p HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
         "POST /p abc||keep"},
        {"POST /p HTTP/1.1\r\n" H
         "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
         "Trailer: t\r\n\r\nX",
         "POST /p abcde|X|keep"},
        {"GET http://h:1/x HTTP/1.1\r\n" H "Connection: Close, TE\r\n\r\n", "GET /x ||close"},
        {"GET / HTTP/1.1\r\n" H, "more"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", "more"},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        for (size_t piece = 1; piece < 40; piece++) {
            CHECK_STR(parse(&arena, CASES[i][0], piece), CASES[i][1]);
        }
        CHECK_STR(parse(&arena, CASES[i][0], 4096), CASES[i][1]);
    }
    arena_clear(&arena);
}

TEST(http, what_could_be_read_in_two_ways_is_refused) {
    static const char *const CASES[][2] = {
        {"GET / HTTP/1.1\n" H "\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n" H " folded: x\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},  // no host
        {"GET  / HTTP/1.1\r\n" H "\r\n", "400"},
        {"GET / HTTP/2.0\r\n" H "\r\n", "505"},
        {"G(T / HTTP/1.1\r\n" H "\r\n", "400"},
        {"GET nowhere HTTP/1.1\r\n" H "\r\n", "400"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "400"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", "501"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 101\r\n\r\n", "413"},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", "413"},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", "400"},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", "400"},
        {"POST / HTTP/1.1\r\n" H "Expect: more\r\n\r\n", "417"},
    };
    Arena arena = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        CHECK_STR(parse(&arena, CASES[i][0], 1), CASES[i][1]);
        CHECK_STR(parse(&arena, CASES[i][0], 4096), CASES[i][1]);
    }
    Buf many = {0};
    buf_puts(&many, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < HTTP_HEAD_MAX / 4; i++) buf_puts(&many, "A: b\r\n\r");
    CHECK_STR(parse(&arena, buf_cstr(&many), 4096), "431");
    buf_free(&many);
    arena_clear(&arena);
}

// ---- the server --------------------------------------------------------------------------------

static void echo(void *arg, uint32_t thread, HttpCall *const *call, uint32_t count) {
    (void)arg, (void)thread;
    for (uint32_t i = 0; i < count; i++) {
        call[i]->type = "text/plain";
        buf_put_str(&call[i]->body, call[i]->request.path);
        buf_put_str(&call[i]->body, call[i]->request.body);
        if (str_is(call[i]->request.path, "/large")) {
            char *room = buf_reserve(&call[i]->body, 3000000);
            memset(room, 'x', 3000000);
            call[i]->body.len += 3000000;
        }
    }
}

static int connect_to(uint16_t port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 10};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    CHECK(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

// Sends [text] and reads until the server closes.
static Buf ask(uint16_t port, const char *text) {
    Buf out = {0};
    int fd = connect_to(port);
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
    for (;;) {
        ssize_t got = recv(fd, buf_reserve(&out, 65536), 65536, 0);
        if (got <= 0) break;
        out.len += (size_t)got;
    }
    (void)close(fd);
    return out;
}

static uint32_t times(const Buf *text, const char *needle) {
    uint32_t count = 0;
    for (int64_t at = -1; (at = str_find(buf_str(text), str_c(needle), (uint32_t)(at + 1))) >= 0;) {
        count++;
    }
    return count;
}

TEST(http, a_server_answers_in_order_and_ends_in_peace) {
    HttpServer *server;
    Error err = {0};
    HttpSettings settings = {.host = "127.0.0.1", .threads = 2, .handle = echo, .body_max = 1000};
    CHECK_OK(http_server_start(&settings, &server, &err), &err);
    uint16_t port = http_server_port(server);
    Buf got = ask(port, "POST /a HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nb1GET /c HTTP/1.1\r\n" H
                        "\r\nHEAD /dd HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    CHECK(times(&got, "HTTP/1.1 200 OK\r\n") == 3 && times(&got, "/ab1HTTP") == 1);
    CHECK(times(&got, "Content-Length: 3\r\n") == 1 && !times(&got, "/dd"));
    buf_free(&got);
    got = ask(port, "GET /large HTTP/1.1\r\n" H "\r\nGET /z HTTP/1.0\r\n\r\n");
    CHECK(got.len > 3000000 && times(&got, "\r\n\r\n/z") == 1);
    buf_free(&got);
    got = ask(port, "nonsense\r\n\r\n");
    CHECK(times(&got, "HTTP/1.1 400 Bad Request") == 1 && times(&got, "Connection: close") == 1);
    buf_free(&got);
    got = ask(port, "POST / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n");
    CHECK(times(&got, "HTTP/1.1 413 ") == 1);
    buf_free(&got);
    // A connection that is idle does not keep the server from ending.
    int idle = connect_to(port);
    int64_t before = os()->monotonic_ns();
    HttpFigures figures = http_server_figures(server);
    CHECK(figures.requests == 5 && figures.refused == 2);
    http_server_stop(server, 5000);
    CHECK(os()->monotonic_ns() - before < 4000000000);
    (void)close(idle);
    settings.host = "nowhere";
    CHECK(http_server_start(&settings, &server, &err) == ST_USAGE);
}

TEST(http, who_is_slow_is_sent_away) {
    HttpServer *server;
    Error err = {0};
    HttpSettings settings = {.host = "127.0.0.1", .handle = echo, .request_ms = 100,
                             .idle_ms = 100};
    CHECK_OK(http_server_start(&settings, &server, &err), &err);
    Buf got = ask(http_server_port(server), "GET / HTTP/1.1\r\nHost");
    CHECK(times(&got, "HTTP/1.1 408 ") == 1);
    buf_free(&got);
    got = ask(http_server_port(server), "");
    CHECK(got.len == 0);
    buf_free(&got);
    http_server_stop(server, 1000);
}
