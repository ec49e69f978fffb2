// AWS Signature Version 4 ("Signature Version 4 signing process" in AWS's reference; its published
// examples are the unit tests): the request in canonical form, its hash with time and scope, and an
// HMAC of that under a key that is derived for the day, the region and the service.
#include <time.h>

#include "base/hex.h"
#include "os/s3/s3_int.h"

enum { HASH_SIZE = 32, BLOCK_SIZE = 64 };

static Str hex(Arena *arena, const uint8_t *bytes, uint32_t size) {
    char *text = arena_alloc_aligned(arena, size * 2, 1);
    hex_write(bytes, size, text);
    return (Str){text, size * 2};
}

Str s3_hash(Arena *arena, Str bytes) {
    uint8_t sum[DIGEST_SIZE_MAX];
    return hex(arena, sum, digest(DIGEST_SHA256, bytes, sum));
}

// HMAC-SHA-256 (RFC 2104).
static void hmac(Str key, Str text, uint8_t out[DIGEST_SIZE_MAX]) {
    uint8_t pad[BLOCK_SIZE] = {0}, sum[DIGEST_SIZE_MAX];
    if (key.len > BLOCK_SIZE) {
        (void)digest(DIGEST_SHA256, key, sum);
        memcpy(pad, sum, HASH_SIZE);
    } else if (key.len) {
        memcpy(pad, key.ptr, key.len);
    }
    Buf inner = {0};
    for (uint32_t i = 0; i < BLOCK_SIZE; i++) buf_putc(&inner, (char)(pad[i] ^ 0x36));
    buf_put_str(&inner, text);
    (void)digest(DIGEST_SHA256, buf_str(&inner), sum);
    inner.len = 0;
    for (uint32_t i = 0; i < BLOCK_SIZE; i++) buf_putc(&inner, (char)(pad[i] ^ 0x5c));
    buf_put(&inner, sum, HASH_SIZE);
    (void)digest(DIGEST_SHA256, buf_str(&inner), out);
    buf_free(&inner);
}

static Str hash_str(const uint8_t *hash) {
    return str_make((const char *)hash, HASH_SIZE);
}

static Str header_names(Arena *arena, const S3Signing *at) {
    Buf names = {0};
    for (uint32_t i = 0; i < at->header_count; i++) {
        if (i) buf_putc(&names, ';');
        buf_put_str(&names, at->header[i].name);
    }
    Str out = str_dup(arena, buf_str(&names));
    buf_free(&names);
    return out;
}

static Str canonical_hash(Arena *arena, const S3Signing *at, Str names) {
    Buf text = {0};
    buf_printf(&text, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n", STR_ARG(at->method),
               STR_ARG(at->path), STR_ARG(at->query));
    for (uint32_t i = 0; i < at->header_count; i++) {
        buf_printf(&text, STR_FMT ":" STR_FMT "\n", STR_ARG(at->header[i].name),
                   STR_ARG(str_trim(at->header[i].value)));
    }
    buf_printf(&text, "\n" STR_FMT "\n" STR_FMT, STR_ARG(names), STR_ARG(at->body_hash));
    Str hash = s3_hash(arena, buf_str(&text));
    buf_free(&text);
    return hash;
}

Str s3_sign(Arena *arena, const S3Signing *at) {
    uint8_t key[DIGEST_SIZE_MAX];
    Str day = str_sub(at->time, 0, 8), names = header_names(arena, at);
    Str scope = str_printf(arena, STR_FMT "/" STR_FMT "/" STR_FMT "/aws4_request", STR_ARG(day),
                           STR_ARG(at->region), STR_ARG(at->service));
    Str hash = canonical_hash(arena, at, names);
    Str to_sign = str_printf(arena, "AWS4-HMAC-SHA256\n" STR_FMT "\n" STR_FMT "\n" STR_FMT,
                             STR_ARG(at->time), STR_ARG(scope), STR_ARG(hash));
    hmac(str_printf(arena, "AWS4" STR_FMT, STR_ARG(at->secret_key)), day, key);
    hmac(hash_str(key), at->region, key);
    hmac(hash_str(key), at->service, key);
    hmac(hash_str(key), STR("aws4_request"), key);
    hmac(hash_str(key), to_sign, key);
    return str_printf(arena,
                      "AWS4-HMAC-SHA256 Credential=" STR_FMT "/" STR_FMT
                      ",SignedHeaders=" STR_FMT ",Signature=" STR_FMT,
                      STR_ARG(at->access_key), STR_ARG(scope), STR_ARG(names),
                      STR_ARG(hex(arena, key, HASH_SIZE)));
}

Str s3_time(Arena *arena, int64_t epoch_ms) {
    time_t seconds = epoch_ms / 1000;
    struct tm at;
    char text[32];
    (void)gmtime_r(&seconds, &at);
    (void)strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &at);
    return str_dup(arena, str_c(text));
}
