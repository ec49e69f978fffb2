// fuzz_kafka_wire: what a broker answers to requests of our own. The first byte chooses whose
// answer the rest is: a request's head and body, a coordinator's address, a challenge of SCRAM, its
// proof.
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "connector/kafka/kafka_int.h"
#include "fuzz/fuzz.h"

// librdkafka stays out of this: the one function that is called has a word for each code.
static const char *err2str(rd_kafka_resp_err_t code) {
    (void)code;
    return "refused";
}

static void call(Str bytes) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair)) return;
    ASSERT(write(pair[1], bytes.ptr, bytes.len) == (ssize_t)bytes.len);
    (void)shutdown(pair[1], SHUT_WR);
    KafkaWire wire = {.broker = {.fd = pair[0], .address = "fuzz:1"}};
    Buf answer = {0};
    Error err = {0};
    Status st = wire_call(&wire, 22, 1, STR("body"), &answer, &err);
    if (st) ASSERT(err.message[0] && wire.broker.fd < 0);
    else ASSERT(answer.len + 8 <= bytes.len);
    buf_free(&answer);
    broker_close(&wire.broker);
    (void)close(pair[1]);
}

static void scram(Str bytes, bool wide) {
    Scram self;
    Error err = {0};
    ASSERT(scram_begin(&self, wide ? "SCRAM-SHA-512" : "SCRAM-SHA-256", "user", "ours", &err));
    int64_t end = str_find(bytes, STR("\n"), 0);
    Str challenge = end < 0 ? bytes : str_sub(bytes, 0, (uint32_t)end);
    // Many rounds of hashing are right and slow.
    if (str_find(challenge, STR("i=0000"), 0) < 0 && str_find(challenge, STR("i=1"), 0) < 0) {
        challenge.len = challenge.len > 4 ? 4 : challenge.len;
    }
    const char *why = scram_answer(&self, challenge, "word");
    ASSERT(why || self.message.len > 10);
    if (end >= 0) (void)scram_check(&self, str_sub(bytes, (uint32_t)end + 1, bytes.len));
    scram_clear(&self);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size || size > 1 << 12) return 0;
    Str bytes = str_make((const char *)data + 1, size - 1);
    rdkafka.err2str = err2str;
    switch (data[0] % 4) {
        case 0: call(bytes); break;
        case 1: {
            Buf address = {0};
            Error err = {0};
            Status st = wire_coordinator(bytes, "id", &address, &err);
            ASSERT(st ? err.message[0] != 0 : address.len > 1);
            buf_free(&address);
            break;
        }
        default: scram(bytes, data[0] % 4 == 3); break;
    }
    return 0;
}
