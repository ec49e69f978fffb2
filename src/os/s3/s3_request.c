// A request from its parts to its answer: signed, sent, tried again where that may help, and what
// servers say of failures in words of our own. Keys and signatures are in no message.
#include <stdio.h>

#include "os/http.h"
#include "os/s3/s3_int.h"

enum {
    TRIES_MAX = 8,
    PAUSE_FIRST_MS = 100,  // doubled for each try: 8 tries take about 11 s
    PAUSE_MOST_MS = 5000,
    HEADERS_MAX = 9,
    XML_SIZE_MAX = 32 << 20,  // a page of a listing has 1,000 keys of 1,024 bytes at most
};

static Str host_of(Str base) {
    uint32_t from = (uint32_t)str_find(base, STR("://"), 0) + 3;
    return str_sub(base, from, base.len);
}

// The headers in the order of their names, as they are signed.
static uint32_t headers_of(Arena *arena, const S3Request *request, const S3Config *config, Str base,
                           Str hash, Str time, S3Header out[HEADERS_MAX]) {
    uint32_t count = 0;
    out[count++] = (S3Header){STR("host"), host_of(base)};
    if (request->if_match.len) out[count++] = (S3Header){STR("if-match"), request->if_match};
    if (request->if_none_match.len) {
        out[count++] = (S3Header){STR("if-none-match"), request->if_none_match};
    }
    if (request->size) {
        Str range = str_printf(arena, "bytes=%lld-%lld", (long long)request->from,
                               (long long)(request->from + request->size - 1));
        out[count++] = (S3Header){STR("range"), range};
    }
    out[count++] = (S3Header){STR("x-amz-content-sha256"), hash};
    if (request->copy_of.len) out[count++] = (S3Header){STR("x-amz-copy-source"), request->copy_of};
    out[count++] = (S3Header){STR("x-amz-date"), time};
    if (config->session_token.len) {
        out[count++] = (S3Header){STR("x-amz-security-token"), config->session_token};
    }
    return count;
}

static void take_header(void *arg, Str line) {
    s3_reply_header(arg, line);
}

static Status send_once(const S3Request *request, S3Reply *reply, Error *err) {
    enum { EXTRA = 2 };
    Arena arena = {0};
    S3Config config;
    S3Header header[HEADERS_MAX];
    const char *line[HEADERS_MAX + EXTRA];
    Str base, path;
    Status st = s3_config(&arena, &config, err);
    if (st) goto done;
    s3_address(&arena, &config, &request->place, &base, &path);
    Str hash = s3_hash(&arena, request->body), time = s3_time(&arena, os_now_ms());
    uint32_t count = headers_of(&arena, request, &config, base, hash, time, header);
    S3Signing signing = {
        .method = str_c(request->method), .path = path, .query = request->query, .header = header,
        .header_count = count, .body_hash = hash, .time = time, .region = config.region,
        .service = STR("s3"), .access_key = config.access_key, .secret_key = config.secret_key,
    };
    Str authorization = s3_sign(&arena, &signing);
    for (uint32_t i = 0; i < count; i++) {
        line[i] = str_cstr(&arena, str_printf(&arena, STR_FMT ": " STR_FMT,
                                              STR_ARG(header[i].name), STR_ARG(header[i].value)));
    }
    line[count++] = str_cstr(&arena, str_printf(&arena, "Authorization: " STR_FMT,
                                                STR_ARG(authorization)));
    line[count++] = "Expect:";  // one round trip less; servers of S3 take what they are sent
    Str url = str_printf(&arena, STR_FMT STR_FMT "%s" STR_FMT, STR_ARG(base), STR_ARG(path),
                         request->query.len ? "?" : "", STR_ARG(request->query));
    HttpExchange exchange = {
        .method = request->method, .url = str_cstr(&arena, url), .header = line,
        .header_count = count, .body = request->body,
        .reply_size_max = request->size > XML_SIZE_MAX ? (size_t)request->size : XML_SIZE_MAX,
        .on_header = take_header, .arg = reply, .cancel = request->cancel,
    };
    HttpReply answer = {0};
    st = http_exchange(&exchange, &answer, err);
    if (st == ST_IO) error_hint(err, "look at 's3.endpoint'");
    reply->status = answer.status;
    reply->body = answer.body;

done:
    arena_clear(&arena);
    return st;
}

// ---- failures ----------------------------------------------------------------------------------

// What the server may get over by itself.
static bool is_passing(int status, Str code) {
    return status >= 500 || status == 429 || status == 408 || str_is(code, "SlowDown") ||
           str_is(code, "RequestTimeout") || str_is(code, "InternalError") ||
           str_is(code, "ServiceUnavailable");
}

static Status refused(const S3Request *request, const S3Reply *reply, Status st, Str message,
                      Error *err) {
    int status = reply->status;
    Str code = reply->code;
    const S3Place *at = &request->place;
    Buf place = {0};
    buf_printf(&place, "s3://" STR_FMT, STR_ARG(at->bucket));
    if (at->key.len) buf_printf(&place, "/" STR_FMT, STR_ARG(at->key));
    if (!code.len) {  // the answer to HEAD has no body
        code = status == 403 ? STR("AccessDenied") : status == 301 ? STR("PermanentRedirect")
                                                                   : STR("no code");
    }
    (void)error_set(err, st,
                    "'" STR_FMT "': the server refuses %s with %d " STR_FMT "%s" STR_FMT,
                    STR_ARG(buf_str(&place)), request->method, status, STR_ARG(code),
                    message.len ? ": " : "", STR_ARG(message));
    if (str_is(code, "AccessDenied")) {
        error_hint(err, "'s3.access-key' and 's3.secret-key' are wrong, or the policies of bucket '"
                   STR_FMT "' do not allow it", STR_ARG(at->bucket));
    } else if (str_is(code, "SignatureDoesNotMatch") || str_is(code, "InvalidAccessKeyId")) {
        error_hint(err, "'s3.access-key' and 's3.secret-key' are not what the server knows");
    } else if (str_is(code, "RequestTimeTooSkewed")) {
        error_hint(err, "the clock of this machine or of the server is wrong");
    } else if (status == 301 || str_is(code, "AuthorizationHeaderMalformed")) {
        error_hint(err, "the bucket may lie in another region: set 's3.region'");
    }
    buf_free(&place);
    return st;
}

// What has become of a try: ST_CONNECT when another one may do.
static Status judge(const S3Request *request, S3Reply *reply, Error *err) {
    Str code = STR(""), message = STR("");
    bool good = reply->status >= 200 && reply->status < 300;
    if (good && !request->reads_xml) return ST_OK;
    bool said = s3_error_read(&reply->arena, buf_str(&reply->body), &code, &message);
    if (good && !said) return ST_OK;
    reply->code = code;
    if (reply->status == 404 && !str_is(code, "NoSuchBucket")) return ST_OK;
    bool condition = reply->status == 409 || reply->status == 412 || reply->status == 501;
    if (request->conditional && condition) return ST_OK;
    bool again = is_passing(reply->status, code) || good;
    return refused(request, reply, again ? ST_CONNECT : ST_IO, message, err);
}

Status s3_request(const S3Request *request, S3Reply *reply, Error *err) {
    *reply = (S3Reply){.size = -1, .modified_ms = -1};
    int64_t pause_ms = PAUSE_FIRST_MS;
    for (uint32_t tries = 1;; tries++) {
        Status st = send_once(request, reply, err);
        if (!st) st = judge(request, reply, err);
        if (st != ST_CONNECT || request->once) return st;
        if (tries == TRIES_MAX) {
            error_while(err, "trying %d times", TRIES_MAX);
            return ST_CONNECT;
        }
        s3_reply_clear(reply);
        *reply = (S3Reply){.size = -1, .modified_ms = -1};
        // Those who were refused together should not come again together.
        os()->sleep_ms(pause_ms / 2 + (int64_t)(os()->random() % (uint64_t)pause_ms));
        pause_ms = pause_ms * 2 < PAUSE_MOST_MS ? pause_ms * 2 : PAUSE_MOST_MS;
    }
}
