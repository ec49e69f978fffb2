// A connection of our own to one broker: bytes out, bytes in, under TLS where the table's settings
// ask for it. The settings are read as librdkafka has them, so there is one translation of the Java
// client's (kafka_conf.c).
//
// TLS is OpenSSL's, between two buffers in memory: the socket stays ours, so that a broker that
// goes away is an answer and not a SIGPIPE.
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connector/kafka/kafka_int.h"

enum {
    CONNECT_MS = 5000,
    ANSWER_S = 15,
    PIECE = 16 * 1024,  // bytes between socket and TLS at once
    SETTING_MAX = 64 * 1024,
};

#define SSL_FUNCTIONS(X)                                                                          \
    X(SSL_CTX_ctrl) X(SSL_CTX_free) X(SSL_CTX_get_cert_store) X(SSL_CTX_load_verify_locations)    \
    X(SSL_CTX_new) X(SSL_CTX_set_default_passwd_cb) X(SSL_CTX_set_default_passwd_cb_userdata)     \
    X(SSL_CTX_set_default_verify_paths) X(SSL_CTX_set_verify) X(SSL_CTX_use_PrivateKey)           \
    X(SSL_CTX_use_PrivateKey_file) X(SSL_CTX_use_certificate)                                     \
    X(SSL_CTX_use_certificate_chain_file) X(SSL_connect) X(SSL_ctrl) X(SSL_free)                  \
    X(SSL_get0_param) X(SSL_get_error) X(SSL_get_verify_result) X(SSL_new) X(SSL_read)            \
    X(SSL_set1_host) X(SSL_set_bio) X(SSL_write) X(TLS_client_method)
#define CRYPTO_FUNCTIONS(X)                                                                       \
    X(BIO_ctrl) X(BIO_free) X(BIO_new) X(BIO_new_mem_buf) X(BIO_read) X(BIO_s_mem) X(BIO_write)   \
    X(ERR_clear_error) X(ERR_error_string_n) X(ERR_get_error) X(ERR_reason_error_string)          \
    X(EVP_PKEY_free) X(PEM_read_bio_PrivateKey) X(PEM_read_bio_X509) X(X509_STORE_add_cert)       \
    X(X509_VERIFY_PARAM_set1_ip_asc) X(X509_free) X(X509_verify_cert_error_string)
#define MEMBER(name) __typeof__(&name) name;
#define NAME(name) #name,

static struct {
    SSL_FUNCTIONS(MEMBER)
} ssl;
static const char *const SSL_NAMES[] = {SSL_FUNCTIONS(NAME)};
static Library ssl_library = {
    .file = "libssl.so.3", .purpose = "a Kafka sink that is exactly-once over TLS",
    .package = "libssl3", .symbol = SSL_NAMES, .functions = &ssl,
    .count = sizeof SSL_NAMES / sizeof *SSL_NAMES,
};
static struct {
    CRYPTO_FUNCTIONS(MEMBER)
} crypto;
static const char *const CRYPTO_NAMES[] = {CRYPTO_FUNCTIONS(NAME)};
static Library crypto_library = {
    .file = "libcrypto.so.3", .purpose = "a Kafka sink that is exactly-once over TLS",
    .package = "libssl3", .symbol = CRYPTO_NAMES, .functions = &crypto,
    .count = sizeof CRYPTO_NAMES / sizeof *CRYPTO_NAMES,
};

struct KafkaTls {
    SSL_CTX *context;
    SSL *session;
    BIO *in, *out;  // the session's: from and to the socket
};

// --- Settings -----------------------------------------------------------------------------------

const char *broker_setting(KafkaBroker *self, const char *name) {
    size_t size = SETTING_MAX;
    char *value = buf_reserve(&self->setting, size);
    bool found = rdkafka.conf_get(self->conf, name, value, &size) == RD_KAFKA_CONF_OK;
    return found && *value ? value : NULL;
}

static bool setting_is(KafkaBroker *self, const char *name, const char *value) {
    const char *is = broker_setting(self, name);
    return is && !strcmp(is, value);
}

// --- The socket ---------------------------------------------------------------------------------

static void tls_free(KafkaTls *tls) {
    if (!tls) return;
    if (tls->session) ssl.SSL_free(tls->session);
    if (tls->context) ssl.SSL_CTX_free(tls->context);
    mem_free(tls);
}

void broker_close(KafkaBroker *self) {
    tls_free(self->tls);
    self->tls = NULL;
    if (self->fd >= 0) (void)close(self->fd);
    self->fd = -1;
    self->address[0] = 0;
}

void broker_init(KafkaBroker *self, const KafkaTable *table) {
    *self = (KafkaBroker){.table = table, .fd = -1};
}

void broker_clear(KafkaBroker *self) {
    broker_close(self);
    if (self->conf) rdkafka.conf_destroy(self->conf);
    self->conf = NULL;
    buf_free(&self->setting);
}

Status broker_broken(KafkaBroker *self, Status st, const char *what, const char *why, Error *err) {
    char address[sizeof self->address];
    memcpy(address, self->address, sizeof address);
    broker_close(self);
    return error_set(err, st, "Kafka at '%s': %s: %s", address, what, why);
}

static Status broken(KafkaBroker *self, const char *what, Error *err) {
    int code = errno;
    return broker_broken(self, ST_CONNECT, what,
                       code ? strerror(code) : "the connection was closed", err);
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

// Connects to [host], which is self->address without port and brackets.
static Status socket_open(KafkaBroker *self, const char *host, const char *port, Error *err) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int code = getaddrinfo(host, port, &hints, &list);
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

static Status socket_wait(KafkaBroker *self, short events, Error *err) {
    struct pollfd event = {.fd = self->fd, .events = events};
    if (poll(&event, 1, ANSWER_S * 1000) == 1) return ST_OK;
    errno = ETIMEDOUT;
    return broken(self, "no answer", err);
}

static Status socket_send(KafkaBroker *self, Str bytes, Error *err) {
    while (bytes.len) {
        ssize_t sent = send(self->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = str_sub(bytes, (uint32_t)sent, bytes.len);
        } else if (errno == EAGAIN || errno == EINTR) {
            TRY(socket_wait(self, POLLOUT, err));
        } else {
            return broken(self, "sending", err);
        }
    }
    return ST_OK;
}

// At least one byte.
static Status socket_receive(KafkaBroker *self, char *out, size_t size, size_t *got, Error *err) {
    for (;;) {
        ssize_t count = recv(self->fd, out, size, 0);
        if (count > 0) {
            *got = (size_t)count;
            return ST_OK;
        }
        if (!count || (errno != EAGAIN && errno != EINTR)) {
            if (!count) errno = 0;
            return broken(self, "receiving", err);
        }
        TRY(socket_wait(self, POLLIN, err));
    }
}

// --- TLS ----------------------------------------------------------------------------------------

static Status tls_failed(KafkaBroker *self, const char *what, Error *err) {
    unsigned long code = crypto.ERR_get_error();
    const char *why = code ? crypto.ERR_reason_error_string(code) : NULL;
    if (self->tls->session && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        long verify = ssl.SSL_get_verify_result(self->tls->session);
        Status st = broker_broken(self, ST_RUNTIME, "the broker's certificate",
                                crypto.X509_verify_cert_error_string(verify), err);
        error_hint(err, "name its issuer: 'properties.ssl.truststore.location' (a PEM file)");
        return st;
    }
    return broker_broken(self, ST_RUNTIME, what, why ? why : "TLS fails", err);
}

// What the session wants to send goes out.
static Status tls_flush(KafkaBroker *self, Error *err) {
    char bytes[PIECE];
    for (int size; (size = crypto.BIO_read(self->tls->out, bytes, sizeof bytes)) > 0;) {
        TRY(socket_send(self, str_make(bytes, (size_t)size), err));
    }
    return ST_OK;
}

// After a call of the session that has not succeeded: lets it have what it waits for.
static Status tls_continue(KafkaBroker *self, int result, const char *what, Error *err) {
    int want = ssl.SSL_get_error(self->tls->session, result);
    TRY(tls_flush(self, err));
    if (want == SSL_ERROR_WANT_WRITE) return ST_OK;
    if (want == SSL_ERROR_ZERO_RETURN) {
        errno = 0;
        return broken(self, what, err);
    }
    if (want != SSL_ERROR_WANT_READ) return tls_failed(self, what, err);
    char bytes[PIECE];
    size_t got;
    TRY(socket_receive(self, bytes, sizeof bytes, &got, err));
    int taken = crypto.BIO_write(self->tls->in, bytes, (int)got);
    return taken == (int)got ? ST_OK : tls_failed(self, what, err);
}

static int give_password(char *out, int size, int writing, void *arg) {
    (void)writing;
    const char *password = broker_setting(arg, "ssl.key.password");
    size_t len = password ? strlen(password) : 0;
    if (len > (size_t)size) len = (size_t)size;
    if (len) memcpy(out, password, len);
    return (int)len;
}

// The certificates in [pem] become those that are trusted.
static bool trust(SSL_CTX *context, const char *pem) {
    BIO *in = crypto.BIO_new_mem_buf(pem, -1);
    uint32_t count = 0;
    for (X509 *one; in && (one = crypto.PEM_read_bio_X509(in, NULL, NULL, NULL)); count++) {
        (void)crypto.X509_STORE_add_cert(ssl.SSL_CTX_get_cert_store(context), one);
        crypto.X509_free(one);
    }
    crypto.ERR_clear_error();  // the end of the text is one
    (void)crypto.BIO_free(in);
    return count > 0;
}

static bool use_certificate(SSL_CTX *context, const char *pem) {
    BIO *in = crypto.BIO_new_mem_buf(pem, -1);
    X509 *one = in ? crypto.PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    bool good = one && ssl.SSL_CTX_use_certificate(context, one) == 1;
    if (one) crypto.X509_free(one);
    (void)crypto.BIO_free(in);
    return good;
}

static bool use_key(KafkaBroker *self, SSL_CTX *context, const char *pem) {
    BIO *in = crypto.BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = in ? crypto.PEM_read_bio_PrivateKey(in, NULL, give_password, self) : NULL;
    bool good = key && ssl.SSL_CTX_use_PrivateKey(context, key) == 1;
    if (key) crypto.EVP_PKEY_free(key);
    (void)crypto.BIO_free(in);
    return good;
}

// Whom the table's settings trust, and who they say that we are.
static Status tls_settings(KafkaBroker *self, SSL_CTX *context, Error *err) {
    const char *value;
    bool good = true, trusted = false;
    ssl.SSL_CTX_set_default_passwd_cb(context, give_password);
    ssl.SSL_CTX_set_default_passwd_cb_userdata(context, self);
    if ((value = broker_setting(self, "ssl.ca.location")) && strcmp(value, "probe") != 0) {
        good = ssl.SSL_CTX_load_verify_locations(context, value, NULL) == 1;
        trusted = true;
    }
    if (good && (value = broker_setting(self, "ssl.ca.pem")))
        trusted = good = trust(context, value);
    if (good && !trusted) good = ssl.SSL_CTX_set_default_verify_paths(context) == 1;
    if (!good) return tls_failed(self, "reading the trusted certificates", err);
    if ((value = broker_setting(self, "ssl.certificate.location"))) {
        good = ssl.SSL_CTX_use_certificate_chain_file(context, value) == 1;
    }
    if (good && (value = broker_setting(self, "ssl.certificate.pem"))) {
        good = use_certificate(context, value);
    }
    if (good && (value = broker_setting(self, "ssl.key.location"))) {
        good = ssl.SSL_CTX_use_PrivateKey_file(context, value, SSL_FILETYPE_PEM) == 1;
    }
    if (good && (value = broker_setting(self, "ssl.key.pem"))) good = use_key(self, context, value);
    return good ? ST_OK : tls_failed(self, "reading the client's certificate and key", err);
}

static Status tls_open(KafkaBroker *self, const char *host, Error *err) {
    TRY(library_load(&crypto_library, err));
    TRY(library_load(&ssl_library, err));
    KafkaTls *tls = self->tls = NEW(KafkaTls);
    crypto.ERR_clear_error();
    tls->context = ssl.SSL_CTX_new(ssl.TLS_client_method());
    if (!tls->context) return tls_failed(self, "TLS", err);
    (void)ssl.SSL_CTX_ctrl(tls->context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
    TRY(tls_settings(self, tls->context, err));
    bool verify = !setting_is(self, "enable.ssl.certificate.verification", "false");
    ssl.SSL_CTX_set_verify(tls->context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    tls->session = ssl.SSL_new(tls->context);
    if (!tls->session) return tls_failed(self, "TLS", err);
    tls->in = crypto.BIO_new(crypto.BIO_s_mem());
    tls->out = crypto.BIO_new(crypto.BIO_s_mem());
    ssl.SSL_set_bio(tls->session, tls->in, tls->out);
    // An empty end means "later", not "closed".
    (void)crypto.BIO_ctrl(tls->in, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, NULL);
    (void)crypto.BIO_ctrl(tls->out, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, NULL);
    struct in6_addr number;
    bool literal =
        inet_pton(AF_INET, host, &number) == 1 || inet_pton(AF_INET6, host, &number) == 1;
    if (!literal) {
        (void)ssl.SSL_ctrl(tls->session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                           (void *)(uintptr_t)host);
    }
    if (setting_is(self, "ssl.endpoint.identification.algorithm", "https")) {
        X509_VERIFY_PARAM *param = ssl.SSL_get0_param(tls->session);
        int named = literal ? crypto.X509_VERIFY_PARAM_set1_ip_asc(param, host)
                            : ssl.SSL_set1_host(tls->session, host);
        if (named != 1) return tls_failed(self, "TLS", err);
    }
    crypto.ERR_clear_error();
    for (int result; (result = ssl.SSL_connect(tls->session)) != 1;) {
        TRY(tls_continue(self, result, "the TLS handshake", err));
    }
    return tls_flush(self, err);
}

// --- Bytes --------------------------------------------------------------------------------------

Status broker_open(KafkaBroker *self, Str address, bool *fresh, Error *err) {
    *fresh = self->fd < 0 || !str_eq(str_c(self->address), address);
    if (!*fresh) return ST_OK;
    broker_close(self);
    if (!self->conf) TRY(kafka_conf(self->table, true, &self->conf, err));
    char host[sizeof self->address];
    (void)snprintf(self->address, sizeof self->address, STR_FMT, STR_ARG(address));
    (void)snprintf(host, sizeof host, "%s", self->address);
    char *port = strrchr(host, ':');
    if (port) *port++ = 0;
    size_t len = strlen(host);
    bool brackets = len && host[0] == '[' && host[len - 1] == ']';
    if (brackets) host[len - 1] = 0;
    TRY(socket_open(self, host + brackets, port ? port : "9092", err));
    const char *protocol = broker_setting(self, "security.protocol");
    bool secured = protocol && (!strcmp(protocol, "ssl") || !strcmp(protocol, "sasl_ssl"));
    return secured ? tls_open(self, host + brackets, err) : ST_OK;
}

Status broker_send(KafkaBroker *self, Str bytes, Error *err) {
    if (!self->tls) return socket_send(self, bytes, err);
    while (bytes.len) {
        crypto.ERR_clear_error();
        int sent = ssl.SSL_write(self->tls->session, bytes.ptr, (int)bytes.len);
        if (sent <= 0) {
            TRY(tls_continue(self, sent, "sending", err));
            continue;
        }
        bytes = str_sub(bytes, (uint32_t)sent, bytes.len);
        TRY(tls_flush(self, err));
    }
    return ST_OK;
}

Status broker_receive(KafkaBroker *self, char *out, size_t size, Error *err) {
    while (size) {
        size_t got = 0;
        if (self->tls) {
            crypto.ERR_clear_error();
            int count = ssl.SSL_read(self->tls->session, out, (int)size);
            if (count <= 0) {
                TRY(tls_continue(self, count, "receiving", err));
                continue;
            }
            got = (size_t)count;
        } else {
            TRY(socket_receive(self, out, size, &got, err));
        }
        out += got;
        size -= got;
    }
    return ST_OK;
}
