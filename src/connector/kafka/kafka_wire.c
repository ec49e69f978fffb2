// The three requests about transactions that librdkafka has no call for, on a socket of our own.
//
// A transaction can be committed by whoever knows its id, producer id and epoch (EndTxn): so what
// was prepared in a checkpoint is committed after the producer has died. InitProducerId aborts what
// a dead producer has left open, and says whether there ever was one. Both go to the broker that
// coordinates the transaction (FindCoordinator). Requests are repeated while brokers start, move
// or finish an earlier request: all three may safely arrive twice.
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connector/kafka/kafka_int.h"

enum {
    API_FIND_COORDINATOR = 10,
    API_INIT_PRODUCER_ID = 22,
    API_END_TXN = 26,
    VERSION = 1,              // of each: before flexible fields; known to all brokers since 0.11
    COORDINATES_TRANSACTIONS = 1,
    CONNECT_MS = 5000,
    ANSWER_S = 15,
    PATIENCE_MS = 60000,      // repetitions together
    RETRY_MS = 20,            // before the first repetition; each waits twice as long
    RETRY_MAX_MS = 500,
    ANSWER_MAX = 1 << 20,
    FENCE_TIMEOUT_MS = 60000, // of a transaction that is never begun
};

void wire_init(KafkaWire *self, const KafkaTable *table) {
    *self = (KafkaWire){.fd = -1};
    self->bootstrap = options_get(&table->options, "properties.bootstrap.servers");
}

void wire_close(KafkaWire *self) {
    if (self->fd >= 0) (void)close(self->fd);
    self->fd = -1;
    self->address[0] = 0;
}

// --- Bytes, high ones first ---------------------------------------------------------------------

static void put_number(Buf *out, uint64_t value, uint32_t size) {
    for (uint32_t i = size; i > 0; i--) buf_putc(out, (char)(value >> (i - 1) * 8));
}

static void put_text(Buf *out, Str text) {
    put_number(out, text.len, 2);
    buf_put_str(out, text);
}

// Takes [size] bytes of [in]; [in] is all taken when it is too short, and *good false.
static int64_t take_number(Str *in, uint32_t size, bool *good) {
    if (in->len < size) {
        *good = false;
        *in = str_sub(*in, in->len, in->len);
        return 0;
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i < size; i++) value = value << 8 | (unsigned char)in->ptr[i];
    bool negative = size < 8 && value >> (size * 8 - 1);
    if (negative) value |= UINT64_MAX << size * 8;
    *in = str_sub(*in, size, in->len);
    return (int64_t)value;
}

// A text that may be null.
static Str take_text(Str *in, bool *good) {
    int64_t len = take_number(in, 2, good);
    if (len < 0) return STR("");
    if (len > in->len) {
        *good = false;
        len = in->len;
    }
    Str text = str_sub(*in, 0, (uint32_t)len);
    *in = str_sub(*in, (uint32_t)len, in->len);
    return text;
}

// --- A request and its answer -------------------------------------------------------------------

static Status broken(KafkaWire *self, const char *what, Error *err) {
    char address[sizeof self->address];
    memcpy(address, self->address, sizeof address);
    int code = errno;
    wire_close(self);
    return error_set(err, ST_CONNECT, "Kafka at '%s': %s: %s", address, what,
                     code ? strerror(code) : "the connection was closed");
}

static bool connect_one(int fd, const struct addrinfo *at) {
    if (!connect(fd, at->ai_addr, at->ai_addrlen)) return true;
    if (errno != EINPROGRESS) return false;
    struct pollfd event = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof failure;
    if (poll(&event, 1, CONNECT_MS) != 1) {
        errno = ETIMEDOUT;
        return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size)) return false;
    errno = failure;
    return !failure;
}

// Connects to [address], host:port, unless that is where the socket leads already.
static Status wire_connect(KafkaWire *self, Str address, Error *err) {
    if (self->fd >= 0 && str_eq(str_c(self->address), address)) return ST_OK;
    wire_close(self);
    char host[sizeof self->address];
    (void)snprintf(self->address, sizeof self->address, STR_FMT, STR_ARG(address));
    (void)snprintf(host, sizeof host, "%s", self->address);
    char *port = strrchr(host, ':');
    if (port) *port++ = 0;
    bool brackets = host[0] == '[' && host[strlen(host) - 1] == ']';
    if (brackets) host[strlen(host) - 1] = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int code = getaddrinfo(host + brackets, port ? port : "9092", &hints, &list);
    if (code) {
        return error_set(err, ST_CONNECT, "Kafka at '%s': %s", self->address, gai_strerror(code));
    }
    for (const struct addrinfo *at = list; at && self->fd < 0; at = at->ai_next) {
        self->fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (self->fd < 0 || connect_one(self->fd, at)) continue;
        int failure = errno;
        (void)close(self->fd);
        self->fd = -1;
        errno = failure;
    }
    freeaddrinfo(list);
    return self->fd < 0 ? broken(self, "cannot connect", err) : ST_OK;
}

static Status wire_wait(KafkaWire *self, short events, Error *err) {
    struct pollfd event = {.fd = self->fd, .events = events};
    if (poll(&event, 1, ANSWER_S * 1000) == 1) return ST_OK;
    errno = ETIMEDOUT;
    return broken(self, "no answer", err);
}

static Status wire_send(KafkaWire *self, Str bytes, Error *err) {
    while (bytes.len) {
        ssize_t sent = send(self->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = str_sub(bytes, (uint32_t)sent, bytes.len);
        } else if (errno == EAGAIN || errno == EINTR) {
            TRY(wire_wait(self, POLLOUT, err));
        } else {
            return broken(self, "sending", err);
        }
    }
    return ST_OK;
}

static Status wire_receive(KafkaWire *self, char *out, size_t size, Error *err) {
    while (size) {
        ssize_t got = recv(self->fd, out, size, 0);
        if (got > 0) {
            out += got;
            size -= (size_t)got;
        } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            TRY(wire_wait(self, POLLIN, err));
        } else {
            if (!got) errno = 0;
            return broken(self, "receiving", err);
        }
    }
    return ST_OK;
}

// Sends a request over the open connection; [answer] becomes what follows the head of its answer.
static Status wire_call(KafkaWire *self, int api, Str body, Buf *answer, Error *err) {
    Buf request = {0};
    int32_t number = ++self->requests;
    static const char CLIENT[] = "weir";
    uint32_t head = 2 + 2 + 4 + 2 + sizeof CLIENT - 1;
    put_number(&request, head + body.len, 4);
    put_number(&request, (uint64_t)api, 2);
    put_number(&request, VERSION, 2);
    put_number(&request, (uint64_t)number, 4);
    put_text(&request, str_c(CLIENT));
    buf_put_str(&request, body);
    Status st = wire_send(self, buf_str(&request), err);
    buf_free(&request);
    char bytes[8];
    if (!st) st = wire_receive(self, bytes, sizeof bytes, err);
    if (st) return st;
    bool good = true;
    Str in = str_make(bytes, sizeof bytes);
    int64_t size = take_number(&in, 4, &good), echo = take_number(&in, 4, &good);
    if (size < 4 || size > ANSWER_MAX || echo != number) {
        errno = EPROTO;
        return broken(self, "the answer is not Kafka's", err);
    }
    answer->len = 0;
    char *at = buf_reserve(answer, (size_t)size - 4);
    TRY(wire_receive(self, at, (size_t)size - 4, err));
    answer->len = (size_t)size - 4;
    return ST_OK;
}

// --- Coordinators -------------------------------------------------------------------------------

static bool is_passing(int code) {
    return code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           code == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS ||
           code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
           code == RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;  // its log is being made
}

static Status refused(int code, const char *id, const char *what, Error *err) {
    return error_set(err, is_passing(code) ? ST_CONNECT : ST_RUNTIME,
                     "%s Kafka transaction '%s': %s", what, id,
                     rdkafka.err2str((rd_kafka_resp_err_t)code));
}

// Asks the broker at hand who coordinates [id].
static Status ask_coordinator(KafkaWire *self, const char *id, Buf *answer, Str *address,
                              Error *err) {
    Buf body = {0};
    put_text(&body, str_c(id));
    buf_putc(&body, COORDINATES_TRANSACTIONS);
    Status st = wire_call(self, API_FIND_COORDINATOR, buf_str(&body), answer, err);
    buf_free(&body);
    TRY(st);
    bool good = true;
    Str in = buf_str(answer);
    (void)take_number(&in, 4, &good);  // throttle time
    int code = (int)take_number(&in, 2, &good);
    (void)take_text(&in, &good);       // message
    (void)take_number(&in, 4, &good);  // node
    Str host = take_text(&in, &good);
    int64_t port = take_number(&in, 4, &good);
    if (code) return refused(code, id, "finding the coordinator of", err);
    if (!good || !host.len) return error_set(err, ST_CONNECT, "Kafka's answer is cut short");
    char text[sizeof self->address];
    bool six = str_find(host, STR(":"), 0) >= 0;  // IPv6
    (void)snprintf(text, sizeof text, "%s" STR_FMT "%s:%d", six ? "[" : "", STR_ARG(host),
                   six ? "]" : "", (int)port);
    answer->len = 0;
    buf_puts(answer, text);
    *address = buf_str(answer);
    return ST_OK;
}

// Leads the connection to the coordinator of [id].
static Status find_coordinator(KafkaWire *self, const char *id, Buf *answer, Error *err) {
    Str address;
    if (self->fd >= 0 && !ask_coordinator(self, id, answer, &address, err)) {
        return wire_connect(self, address, err);
    }
    Str list = str_c(self->bootstrap);
    Status st = error_set(err, ST_CONNECT, "no Kafka broker is named");
    for (uint32_t at = 0; st && at < list.len;) {
        int64_t comma = str_find(list, STR(","), at);
        uint32_t end = comma < 0 ? list.len : (uint32_t)comma;
        Str broker = str_trim(str_sub(list, at, end - at));
        at = end + 1;
        int64_t scheme = str_find(broker, STR("://"), 0);
        if (scheme >= 0) broker = str_sub(broker, (uint32_t)scheme + 3, broker.len);
        if (!broker.len) continue;
        st = wire_connect(self, broker, err);
        if (!st) st = ask_coordinator(self, id, answer, &address, err);
    }
    TRY(st);
    return wire_connect(self, address, err);
}

// One request to the coordinator of [id]; what follows throttle time and error is left in [in].
// Without [search] it goes to whoever was asked last: he says so if it is not he.
static Status ask(KafkaWire *self, int api, const char *id, bool search, Str body, Buf *answer,
                  Str *in, int *code, Error *err) {
    if (search || self->fd < 0) TRY(find_coordinator(self, id, answer, err));
    TRY(wire_call(self, api, body, answer, err));
    bool good = true;
    *in = buf_str(answer);
    (void)take_number(in, 4, &good);
    *code = (int)take_number(in, 2, &good);
    return good ? ST_OK : error_set(err, ST_CONNECT, "Kafka's answer is cut short");
}

static Status insist(KafkaWire *self, int api, const char *id, Str body, const char *what,
                     Buf *answer, Str *in, Error *err) {
    int64_t until_ms = os_monotonic_ns() / 1000000 + PATIENCE_MS;
    int64_t wait_ms = 0;
    for (bool search = false;; search = true) {
        int code = 0;
        Status st = ask(self, api, id, search, body, answer, in, &code, err);
        if (!st && code) st = refused(code, id, what, err);
        if (st != ST_CONNECT || os_monotonic_ns() / 1000000 > until_ms) return st;
        if (search || code != RD_KAFKA_RESP_ERR_NOT_COORDINATOR) {
            wait_ms = wait_ms ? wait_ms * 2 : RETRY_MS;
            os()->sleep_ms(wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS);
        }
    }
}

Status wire_commit(KafkaWire *self, const char *id, int64_t producer, int16_t epoch, Error *err) {
    Buf body = {0}, answer = {0};
    put_text(&body, str_c(id));
    put_number(&body, (uint64_t)producer, 8);
    put_number(&body, (uint64_t)epoch, 2);
    buf_putc(&body, 1);  // commit, not abort
    Str in;
    Status st =
        insist(self, API_END_TXN, id, buf_str(&body), "committing", &answer, &in, err);
    if (st == ST_RUNTIME) {
        error_hint(err, "the broker has given it up: the outage was longer than "
                        "'properties.transaction.timeout.ms', or a later run has aborted it");
    }
    buf_free(&body);
    buf_free(&answer);
    return st;
}

Status wire_abort(KafkaWire *self, const char *id, bool *unused, Error *err) {
    Buf body = {0}, answer = {0};
    put_text(&body, str_c(id));
    put_number(&body, FENCE_TIMEOUT_MS, 4);
    Str in;
    Status st =
        insist(self, API_INIT_PRODUCER_ID, id, buf_str(&body), "aborting", &answer, &in, err);
    if (!st) {
        bool good = true;
        (void)take_number(&in, 8, &good);
        *unused = take_number(&in, 2, &good) == 0;  // the first epoch
        if (!good) st = error_set(err, ST_CONNECT, "Kafka's answer is cut short");
    }
    buf_free(&body);
    buf_free(&answer);
    return st;
}
