// fuzz_http: requests over HTTP (server/http_parse.c). The first byte says in what pieces the rest
// comes; whole and in pieces the same must be read.
#include "base/assert.h"
#include "fuzz/fuzz.h"
#include "server/http_parse.h"

enum { BODY_MAX = 64 };

static HttpState read_in_pieces(char *bytes, size_t size, size_t piece, HttpRequest *out,
                                size_t *used, int *status) {
    HttpParser parser = {0};
    for (size_t have = piece < size ? piece : size;; have = have + piece < size ? have + piece
                                                                                : size) {
        HttpState state = http_parse(&parser, bytes, have, BODY_MAX, out, used, status);
        if (state == HTTP_READY || state == HTTP_BAD) return state;
        if (have == size && state == HTTP_MORE) return state;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 16) return 0;
    char *whole = mem_alloc(size), *pieces = mem_alloc(size);
    memcpy(whole, data + 1, size - 1);
    memcpy(pieces, data + 1, size - 1);
    HttpRequest a = {0}, b = {0};
    size_t used_a = 0, used_b = 0;
    int status_a = 0, status_b = 0;
    HttpState one = read_in_pieces(whole, size - 1, size, &a, &used_a, &status_a);
    HttpState other = read_in_pieces(pieces, size - 1, data[0] % 32 + 1u, &b, &used_b, &status_b);
    ASSERT(one == other);
    if (one == HTTP_READY) {
        ASSERT(used_a == used_b && used_a <= size - 1 && a.body.len <= BODY_MAX);
        ASSERT(str_eq(a.method, b.method) && str_eq(a.path, b.path) && str_eq(a.body, b.body));
        ASSERT(a.field_count == b.field_count && a.keep_alive == b.keep_alive);
    } else if (one == HTTP_BAD) {
        ASSERT(status_a >= 400 && status_b >= 400);
    }
    mem_free(whole);
    mem_free(pieces);
    return 0;
}
