// The three requests about transactions that librdkafka has no call for, on a socket of our own.
//
// A transaction can be committed by whoever knows its id, producer id and epoch (EndTxn): so what
// was prepared in a checkpoint is committed after the producer has died. InitProducerId aborts what
// a dead producer has left open, and says whether there ever was one. Both go to the broker that
// coordinates the transaction (FindCoordinator). Requests are repeated while brokers start, move
// or finish an earlier request: all three may safely arrive twice.
#include <stdio.h>

#include "connector/kafka/kafka_int.h"

enum {
    API_FIND_COORDINATOR = 10,
    API_INIT_PRODUCER_ID = 22,
    API_END_TXN = 26,
    VERSION = 1,              // of each: before flexible fields; known to all brokers since 0.11
    COORDINATES_TRANSACTIONS = 1,
    PATIENCE_MS = 60000,      // repetitions together
    RETRY_MS = 20,            // before the first repetition; each waits twice as long
    RETRY_MAX_MS = 500,
    ANSWER_MAX = 1 << 20,
    FENCE_TIMEOUT_MS = 60000, // of a transaction that is never begun
};

void wire_init(KafkaWire *self, const KafkaTable *table) {
    *self = (KafkaWire){.bootstrap = options_get(&table->options, "properties.bootstrap.servers")};
    broker_init(&self->broker, table);
}

void wire_clear(KafkaWire *self) {
    broker_clear(&self->broker);
}

// --- Bytes, high ones first ---------------------------------------------------------------------

void wire_put_number(Buf *out, uint64_t value, uint32_t size) {
    for (uint32_t i = size; i > 0; i--) buf_putc(out, (char)(value >> (i - 1) * 8));
}

void wire_put_text(Buf *out, Str text) {
    wire_put_number(out, text.len, 2);
    buf_put_str(out, text);
}

int64_t wire_take_number(Str *in, uint32_t size, bool *good) {
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

Str wire_take_text(Str *in, bool *good) {
    int64_t len = wire_take_number(in, 2, good);
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

Status wire_call(KafkaWire *self, int api, int version, Str body, Buf *answer, Error *err) {
    Buf request = {0};
    int32_t number = ++self->requests;
    static const char CLIENT[] = "weir";
    uint32_t head = 2 + 2 + 4 + 2 + sizeof CLIENT - 1;
    wire_put_number(&request, head + body.len, 4);
    wire_put_number(&request, (uint64_t)api, 2);
    wire_put_number(&request, (uint64_t)version, 2);
    wire_put_number(&request, (uint64_t)number, 4);
    wire_put_text(&request, str_c(CLIENT));
    buf_put_str(&request, body);
    Status st = broker_send(&self->broker, buf_str(&request), err);
    buf_free(&request);
    char bytes[8];
    if (!st) st = broker_receive(&self->broker, bytes, sizeof bytes, err);
    if (st) return st;
    bool good = true;
    Str in = str_make(bytes, sizeof bytes);
    int64_t size = wire_take_number(&in, 4, &good), echo = wire_take_number(&in, 4, &good);
    if (size < 4 || size > ANSWER_MAX || echo != number) {
        return broker_broken(&self->broker, ST_CONNECT, "its answer", "not Kafka's", err);
    }
    answer->len = 0;
    char *at = buf_reserve(answer, (size_t)size - 4);
    TRY(broker_receive(&self->broker, at, (size_t)size - 4, err));
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

// Leads the connection to [address], host:port.
static Status wire_connect(KafkaWire *self, Str address, Error *err) {
    bool fresh;
    TRY(broker_open(&self->broker, address, &fresh, err));
    if (!fresh) return ST_OK;
    const char *protocol = broker_setting(&self->broker, "security.protocol");
    bool sasl = protocol && !strncmp(protocol, "sasl_", 5);
    return sasl ? sasl_authenticate(self, err) : ST_OK;
}

Status wire_coordinator(Str answer, const char *id, Buf *address, Error *err) {
    bool good = true;
    (void)wire_take_number(&answer, 4, &good);  // throttle time
    int code = (int)wire_take_number(&answer, 2, &good);
    (void)wire_take_text(&answer, &good);       // message
    (void)wire_take_number(&answer, 4, &good);  // node
    Str host = wire_take_text(&answer, &good);
    int64_t port = wire_take_number(&answer, 4, &good);
    if (code) return refused(code, id, "finding the coordinator of", err);
    if (!good || !host.len) return error_set(err, ST_CONNECT, "Kafka's answer is cut short");
    bool six = str_find(host, STR(":"), 0) >= 0;  // IPv6
    address->len = 0;
    buf_printf(address, "%s" STR_FMT "%s:%d", six ? "[" : "", STR_ARG(host), six ? "]" : "",
               (int)port);
    return ST_OK;
}

// Asks the broker at hand who coordinates [id].
static Status ask_coordinator(KafkaWire *self, const char *id, Buf *answer, Buf *address,
                              Error *err) {
    Buf body = {0};
    wire_put_text(&body, str_c(id));
    buf_putc(&body, COORDINATES_TRANSACTIONS);
    Status st = wire_call(self, API_FIND_COORDINATOR, VERSION, buf_str(&body), answer, err);
    buf_free(&body);
    return st ? st : wire_coordinator(buf_str(answer), id, address, err);
}

// [address] becomes that of the coordinator of [id].
static Status find_coordinator(KafkaWire *self, const char *id, Buf *answer, Buf *address,
                               Error *err) {
    if (self->broker.fd >= 0 && !ask_coordinator(self, id, answer, address, err)) return ST_OK;
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
        if (!st) st = ask_coordinator(self, id, answer, address, err);
    }
    return st;
}

// One request to the coordinator of [id]; what follows throttle time and error is left in [in].
// Without [search] it goes to whoever was asked last: he says so if it is not he.
static Status ask(KafkaWire *self, int api, const char *id, bool search, Str body, Buf *answer,
                  Str *in, int *code, Error *err) {
    if (search || self->broker.fd < 0) {
        Buf address = {0};
        Status st = find_coordinator(self, id, answer, &address, err);
        if (!st) st = wire_connect(self, buf_str(&address), err);
        buf_free(&address);
        TRY(st);
    }
    TRY(wire_call(self, api, VERSION, body, answer, err));
    bool good = true;
    *in = buf_str(answer);
    (void)wire_take_number(in, 4, &good);
    *code = (int)wire_take_number(in, 2, &good);
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
    wire_put_text(&body, str_c(id));
    wire_put_number(&body, (uint64_t)producer, 8);
    wire_put_number(&body, (uint64_t)epoch, 2);
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
    wire_put_text(&body, str_c(id));
    wire_put_number(&body, FENCE_TIMEOUT_MS, 4);
    Str in;
    Status st =
        insist(self, API_INIT_PRODUCER_ID, id, buf_str(&body), "aborting", &answer, &in, err);
    if (!st) {
        bool good = true;
        (void)wire_take_number(&in, 8, &good);
        *unused = wire_take_number(&in, 2, &good) == 0;  // the first epoch
        if (!good) st = error_set(err, ST_CONNECT, "Kafka's answer is cut short");
    }
    buf_free(&body);
    buf_free(&answer);
    return st;
}
