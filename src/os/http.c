// os/http.c - by libcurl, which is loaded when first needed.
#include "os/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>

#include "os/address.h"
#include "os/library.h"

#define CURL_FUNCTIONS(X) \
    X(global_init) X(easy_init) X(easy_cleanup) X(easy_reset) X(easy_setopt) X(easy_perform) \
    X(easy_getinfo) X(easy_strerror) X(slist_append) X(slist_free_all)
#undef curl_easy_setopt  // macros that check types; here functions are called by pointers
#undef curl_easy_getinfo
#define CURL_MEMBER(name) __typeof__(&curl_##name) name;
static struct { CURL_FUNCTIONS(CURL_MEMBER) } curl;
#define CURL_NAME(name) "curl_" #name,
static const char *const CURL_NAMES[] = {CURL_FUNCTIONS(CURL_NAME)};
static Library curl_library = {
    .file = "libcurl.so.4", .purpose = "HTTP", .package = "libcurl4", .symbol = CURL_NAMES,
    .functions = &curl, .count = sizeof CURL_NAMES / sizeof *CURL_NAMES,
};

enum { HANDLES_MAX = 64, CONNECT_MS = 10000, SILENCE_S = 30 };

// Handles that nobody uses now, each with its connections.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CURL *idle[HANDLES_MAX];
static uint32_t idle_count;
static bool begun;

static Status take_handle(CURL **out, Error *err) {
    TRY(library_load(&curl_library, err));
    (void)pthread_mutex_lock(&lock);
    if (!begun) begun = curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CURL *handle = idle_count ? idle[--idle_count] : NULL;
    (void)pthread_mutex_unlock(&lock);
    if (!handle) handle = curl.easy_init();
    if (!handle) return error_set(err, ST_IO, "libcurl cannot be used");
    *out = handle;
    return ST_OK;
}

static void give_handle(CURL *handle) {
    curl.easy_reset(handle);
    (void)pthread_mutex_lock(&lock);
    bool kept = idle_count < HANDLES_MAX;
    if (kept) idle[idle_count++] = handle;
    (void)pthread_mutex_unlock(&lock);
    if (!kept) curl.easy_cleanup(handle);
}

typedef struct Sending {
    const HttpExchange *exchange;
    HttpReply *reply;
    uint32_t sent;
    bool too_long;
} Sending;

static size_t read_body(char *to, size_t size, size_t count, void *arg) {
    Sending *self = arg;
    Str left = str_sub(self->exchange->body, self->sent, self->exchange->body.len);
    size_t take = left.len < size * count ? left.len : size * count;
    if (take) memcpy(to, left.ptr, take);
    self->sent += (uint32_t)take;
    return take;
}

// libcurl goes back to the beginning of a body when a kept connection turns out to be dead.
static int seek_body(void *arg, curl_off_t offset, int origin) {
    Sending *self = arg;
    if (origin != SEEK_SET || offset < 0 || offset > (curl_off_t)self->exchange->body.len) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    self->sent = (uint32_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t write_body(char *bytes, size_t size, size_t count, void *arg) {
    Sending *self = arg;
    size_t more = size * count;
    if (self->reply->body.len + more > self->exchange->reply_size_max) {
        self->too_long = true;
        return 0;
    }
    buf_put(&self->reply->body, bytes, more);
    return more;
}

static size_t write_header(char *bytes, size_t size, size_t count, void *arg) {
    Sending *self = arg;
    const HttpExchange *exchange = self->exchange;
    if (exchange->on_header) exchange->on_header(exchange->arg, str_make(bytes, size * count));
    return size * count;
}

static int look_for_cancel(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    (void)a, (void)b, (void)c, (void)d;
    const HttpExchange *exchange = arg;
    return atomic_load(exchange->cancel);
}

static void prepare(CURL *handle, Sending *sending, struct curl_slist *headers) {
    const HttpExchange *exchange = sending->exchange;
    (void)curl.easy_setopt(handle, CURLOPT_URL, exchange->url);
    (void)curl.easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
    (void)curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    (void)curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    int64_t connect_ms = exchange->connect_ms ? exchange->connect_ms : CONNECT_MS;
    (void)curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    if (exchange->answer_ms) {
        (void)curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                               (long)(connect_ms + exchange->answer_ms));
    } else {
        (void)curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    }
    (void)curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, write_header);
    (void)curl.easy_setopt(handle, CURLOPT_HEADERDATA, sending);
    (void)curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, write_body);
    (void)curl.easy_setopt(handle, CURLOPT_WRITEDATA, sending);
    if (exchange->cancel) {
        (void)curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
        (void)curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_for_cancel);
        (void)curl.easy_setopt(handle, CURLOPT_XFERINFODATA, exchange);
    }
    if (strcmp(exchange->method, "HEAD") == 0) {
        (void)curl.easy_setopt(handle, CURLOPT_NOBODY, 1L);
    } else if (strcmp(exchange->method, "PUT") == 0 || strcmp(exchange->method, "POST") == 0) {
        (void)curl.easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        (void)curl.easy_setopt(handle, CURLOPT_READFUNCTION, read_body);
        (void)curl.easy_setopt(handle, CURLOPT_READDATA, sending);
        (void)curl.easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek_body);
        (void)curl.easy_setopt(handle, CURLOPT_SEEKDATA, sending);
        (void)curl.easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)exchange->body.len);
        (void)curl.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, exchange->method);
    } else {
        (void)curl.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, exchange->method);
    }
}

// The host alone: a query may hold what is nobody's business.
static Str place_of(const char *url) {
    Str text = str_c(url);
    int64_t slash = str_find(text, STR("/"), (uint32_t)str_find(text, STR("://"), 0) + 3);
    return str_sub(text, 0, slash < 0 ? text.len : (uint32_t)slash);
}

Status http_exchange(const HttpExchange *exchange, HttpReply *reply, Error *err) {
    CURL *handle = NULL;
    TRY(take_handle(&handle, err));
    Sending sending = {exchange, reply, 0, false};
    struct curl_slist *headers = NULL;
    for (uint32_t i = 0; i < exchange->header_count; i++) {
        headers = curl.slist_append(headers, exchange->header[i]);
    }
    prepare(handle, &sending, headers);
    // "::address:" is for any host and port: that address, the same port.
    char to[ADDRESS_MAX + 8];
    struct curl_slist *route = NULL;
    if (exchange->address) {
        (void)snprintf(to, sizeof to, "::%s:", exchange->address);
        route = curl.slist_append(NULL, to);
        (void)curl.easy_setopt(handle, CURLOPT_CONNECT_TO, route);
    }
    CURLcode code = curl.easy_perform(handle);
    long status = 0;
    (void)curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    give_handle(handle);
    curl.slist_free_all(headers);
    curl.slist_free_all(route);
    Str place = place_of(exchange->url);
    if (sending.too_long) {
        return error_set(err, ST_RUNTIME, "'" STR_FMT "': an answer is longer than what was asked "
                         "for", STR_ARG(place));
    }
    if (code == CURLE_OK) return ST_OK;
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return error_set(err, ST_CANCELLED, "'" STR_FMT "': cancelled", STR_ARG(place));
    }
    (void)error_set(err, ST_CONNECT, "'" STR_FMT "': no answer to %s: %s", STR_ARG(place),
                    exchange->method, curl.easy_strerror(code));
    // What will not be better the next time.
    bool hopeless = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                    code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    return hopeless ? ST_IO : ST_CONNECT;
}
