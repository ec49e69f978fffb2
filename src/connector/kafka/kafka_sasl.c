// Saying to a broker who we are, on a connection of our own: PLAIN, and SCRAM as in RFC 5802 and
// 7677. The exchange is carried by two requests, SaslHandshake and SaslAuthenticate.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "connector/kafka/kafka_int.h"

enum {
    API_SASL_HANDSHAKE = 17,
    API_SASL_AUTHENTICATE = 36,
    HANDSHAKE_VERSION = 1,     // its tokens travel in SaslAuthenticate
    AUTHENTICATE_VERSION = 0,
    NONCE_SIZE = 18,
    ITERATIONS_MAX = 1000000,  // of a broker that would keep us busy
};

#define CRYPTO_FUNCTIONS(X)                                                                       \
    X(EVP_DecodeBlock) X(EVP_Digest) X(EVP_EncodeBlock) X(EVP_sha256) X(EVP_sha512) X(HMAC)       \
    X(PKCS5_PBKDF2_HMAC) X(RAND_bytes)
#define MEMBER(name) __typeof__(&name) name;
#define NAME(name) #name,
static struct {
    CRYPTO_FUNCTIONS(MEMBER)
} crypto;
static const char *const CRYPTO_NAMES[] = {CRYPTO_FUNCTIONS(NAME)};
static Library crypto_library = {
    .file = "libcrypto.so.3", .purpose = "a Kafka sink that is exactly-once under SCRAM",
    .package = "libssl3", .symbol = CRYPTO_NAMES, .functions = &crypto,
    .count = sizeof CRYPTO_NAMES / sizeof *CRYPTO_NAMES,
};

bool sasl_known(const char *mechanism) {
    return !strcmp(mechanism, "PLAIN") || !strcmp(mechanism, "SCRAM-SHA-256") ||
           !strcmp(mechanism, "SCRAM-SHA-512");
}

// --- SCRAM --------------------------------------------------------------------------------------

static void put_base64(Buf *out, const unsigned char *bytes, size_t size) {
    char *at = buf_reserve(out, size / 3 * 4 + 5);
    out->len += (uint32_t)crypto.EVP_EncodeBlock((unsigned char *)at, bytes, (int)size);
}

// False when [text] is no base64 of at most [max] bytes.
static bool read_base64(Str text, unsigned char *out, size_t max, size_t *size) {
    if (!text.len || text.len % 4 || text.len / 4 * 3 > max) return false;
    int got = crypto.EVP_DecodeBlock(out, (const unsigned char *)text.ptr, (int)text.len);
    if (got < 0) return false;
    *size = (size_t)got - (text.ptr[text.len - 1] == '=') - (text.ptr[text.len - 2] == '=');
    return true;
}

// A name as SCRAM writes it: '=' and ',' spelt out.
static void put_name(Buf *out, const char *name) {
    for (; *name; name++) {
        if (*name == '=') buf_puts(out, "=3D");
        else if (*name == ',') buf_puts(out, "=2C");
        else buf_putc(out, *name);
    }
}

// The value of attribute [name] in "r=...,s=...,i=...".
static bool attribute(Str message, char name, Str *out) {
    for (uint32_t at = 0; at < message.len;) {
        int64_t comma = str_find(message, STR(","), at);
        uint32_t end = comma < 0 ? message.len : (uint32_t)comma;
        if (end - at >= 2 && message.ptr[at] == name && message.ptr[at + 1] == '=') {
            *out = str_sub(message, at + 2, end - at - 2);
            return true;
        }
        at = end + 1;
    }
    return false;
}

bool scram_begin(Scram *self, const char *mechanism, const char *user, const char *nonce,
                 Error *err) {
    *self = (Scram){.wide = !strcmp(mechanism, "SCRAM-SHA-512")};
    if (library_load(&crypto_library, err)) return false;
    unsigned char random[NONCE_SIZE];
    if (nonce) {
        buf_puts(&self->nonce, nonce);
    } else if (crypto.RAND_bytes(random, sizeof random) == 1) {
        put_base64(&self->nonce, random, sizeof random);
    } else {
        (void)error_set(err, ST_IO, "no random numbers for SCRAM");
        return false;
    }
    buf_puts(&self->message, "n,,n=");
    put_name(&self->message, user);
    buf_puts(&self->message, ",r=");
    buf_put_str(&self->message, buf_str(&self->nonce));
    return true;
}

void scram_clear(Scram *self) {
    buf_free(&self->nonce);
    buf_free(&self->message);
    buf_free(&self->signed_text);
}

// [mac] of [text] under [key].
static void mac(const Scram *self, const unsigned char *key, size_t size, Str text,
                unsigned char *out) {
    unsigned got = 0;
    (void)crypto.HMAC(self->wide ? crypto.EVP_sha512() : crypto.EVP_sha256(), key, (int)size,
                      (const unsigned char *)text.ptr, text.len, out, &got);
}

const char *scram_answer(Scram *self, Str challenge, const char *password) {
    Str nonce, salt_text, count_text;
    unsigned char salt[256], salted[SCRAM_KEY_MAX], key[SCRAM_KEY_MAX], stored[SCRAM_KEY_MAX],
        signature[SCRAM_KEY_MAX];
    size_t salt_size, size = self->wide ? 64 : 32;
    int64_t count;
    const EVP_MD *hash = self->wide ? crypto.EVP_sha512() : crypto.EVP_sha256();
    if (!attribute(challenge, 'r', &nonce) || !attribute(challenge, 's', &salt_text) ||
        !attribute(challenge, 'i', &count_text) || !str_to_i64(count_text, &count) || count < 1 ||
        count > ITERATIONS_MAX || !read_base64(salt_text, salt, sizeof salt, &salt_size)) {
        return "the broker's challenge is malformed";
    }
    if (!str_starts(nonce, buf_str(&self->nonce)) || nonce.len == self->nonce.len) {
        return "the broker's challenge is for somebody else";
    }
    if (crypto.PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_size, (int)count,
                                 hash, (int)size, salted) != 1) {
        return "the password cannot be hashed";
    }
    // What both sides have said, without the "n,," of the first message.
    Buf *text = &self->signed_text, *out = &self->message;
    text->len = 0;
    buf_put_str(text, str_sub(buf_str(out), 3, (uint32_t)out->len - 3));
    buf_putc(text, ',');
    buf_put_str(text, challenge);
    buf_puts(text, ",c=biws,r=");
    buf_put_str(text, nonce);
    out->len = 0;
    buf_puts(out, "c=biws,r=");
    buf_put_str(out, nonce);
    mac(self, salted, size, STR("Client Key"), key);
    unsigned got = 0;
    (void)crypto.EVP_Digest(key, size, stored, &got, hash, NULL);
    mac(self, stored, size, buf_str(text), signature);
    for (size_t i = 0; i < size; i++) key[i] ^= signature[i];
    buf_puts(out, ",p=");
    put_base64(out, key, size);
    mac(self, salted, size, STR("Server Key"), key);
    mac(self, key, size, buf_str(text), self->expected);
    return NULL;
}

const char *scram_check(const Scram *self, Str last) {
    Str text;
    unsigned char proof[SCRAM_KEY_MAX + 3];
    size_t size;
    if (attribute(last, 'v', &text) && read_base64(text, proof, sizeof proof, &size) &&
        size == (self->wide ? 64u : 32u) && !memcmp(proof, self->expected, size)) {
        return NULL;
    }
    return "the broker does not know the password either";
}

// --- The exchange -------------------------------------------------------------------------------

static Status refused(KafkaWire *wire, const char *why, Error *err) {
    return broker_broken(&wire->broker, ST_RUNTIME, "authentication", why, err);
}

// One token there, one back; *token lies in [answer].
static Status exchange(KafkaWire *wire, Str bytes, Buf *answer, Str *token, Error *err) {
    Buf body = {0};
    bool good = true;
    wire_put_number(&body, bytes.len, 4);
    buf_put_str(&body, bytes);
    Status st = wire_call(wire, API_SASL_AUTHENTICATE, AUTHENTICATE_VERSION, buf_str(&body), answer,
                          err);
    buf_free(&body);
    TRY(st);
    Str in = buf_str(answer);
    int code = (int)wire_take_number(&in, 2, &good);
    Str message = wire_take_text(&in, &good);
    if (code) {
        char why[256];
        (void)snprintf(why, sizeof why, STR_FMT, STR_ARG(message));
        return refused(wire, message.len ? why : rdkafka.err2str((rd_kafka_resp_err_t)code), err);
    }
    int64_t size = wire_take_number(&in, 4, &good);
    if (!good || size > in.len) return refused(wire, "the broker's answer is cut short", err);
    *token = str_sub(in, 0, size < 0 ? 0 : (uint32_t)size);
    return ST_OK;
}

static Status plain(KafkaWire *wire, const char *user, const char *password, Error *err) {
    Buf token = {0}, answer = {0};
    Str reply;
    buf_putc(&token, 0);
    buf_puts(&token, user);
    buf_putc(&token, 0);
    buf_puts(&token, password);
    Status st = exchange(wire, buf_str(&token), &answer, &reply, err);
    buf_free(&token);
    buf_free(&answer);
    return st;
}

static Status scram(KafkaWire *wire, const char *mechanism, const char *user, const char *password,
                    Error *err) {
    Scram self = {0};
    Buf answer = {0};
    Str reply;
    Status st = scram_begin(&self, mechanism, user, NULL, err) ? ST_OK : err->status;
    if (!st) st = exchange(wire, buf_str(&self.message), &answer, &reply, err);
    const char *why = st ? NULL : scram_answer(&self, reply, password);
    if (!st && !why) st = exchange(wire, buf_str(&self.message), &answer, &reply, err);
    if (!st && !why) why = scram_check(&self, reply);
    if (why) st = refused(wire, why, err);
    scram_clear(&self);
    buf_free(&answer);
    return st;
}

Status sasl_authenticate(KafkaWire *wire, Error *err) {
    char mechanism[32], *user, *password;
    (void)snprintf(mechanism, sizeof mechanism, "%s",
                   broker_setting(&wire->broker, "sasl.mechanisms"));
    Buf body = {0}, answer = {0};
    bool good = true;
    wire_put_text(&body, str_c(mechanism));
    Status st =
        wire_call(wire, API_SASL_HANDSHAKE, HANDSHAKE_VERSION, buf_str(&body), &answer, err);
    buf_free(&body);
    Str in = buf_str(&answer);
    int code = st ? 0 : (int)wire_take_number(&in, 2, &good);
    buf_free(&answer);
    TRY(st);
    if (code || !good) {
        return refused(wire, good ? rdkafka.err2str((rd_kafka_resp_err_t)code)
                                  : "the broker's answer is cut short", err);
    }
    const char *value = broker_setting(&wire->broker, "sasl.username");
    user = mem_strdup(value ? value : "");
    value = broker_setting(&wire->broker, "sasl.password");
    password = mem_strdup(value ? value : "");
    st = str_is(str_c(mechanism), "PLAIN") ? plain(wire, user, password, err)
                                           : scram(wire, mechanism, user, password, err);
    mem_free(user);
    mem_free(password);
    return st;
}
