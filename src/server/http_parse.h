// server/http_parse.h - requests of HTTP/1.0 and 1.1 out of bytes, as RFC 9112 has them.
//
// The bytes of a connection lie in one buffer, which grows while a request is not complete. What
// might be read in two ways is refused: lines that end in LF alone, folded lines, blanks before a
// colon, two lengths, a length beside chunks.
//
// Nothing is allocated here. Threads: a parser belongs to one.
#pragma once

#include "base/text.h"

enum {
    HTTP_HEAD_MAX = 16 << 10,  // request line and fields
    HTTP_FIELDS_MAX = 64,
    HTTP_CHUNK_LINE_MAX = 256,  // size and extensions of a chunk, a line of the trailer
};

typedef struct HttpField {
    Str name, value;  // the value without blanks around it
} HttpField;

typedef struct HttpRequest {
    Str method, path, query;  // as they came, %XX and all; the query without its '?'
    HttpField field[HTTP_FIELDS_MAX];
    uint32_t field_count;
    Str body;
    bool keep_alive;
    bool has_version_1_1;
} HttpRequest;

// Zero-initialised it waits for the first byte of a request.
typedef struct HttpParser {
    size_t scanned;      // bytes in which no end of the head was found
    size_t head;         // length of the head, once it has been read; 0 before
    uint64_t length;     // of the body
    size_t chunk_at;     // of a body in chunks: what is read next
    size_t body_end;     // and where its decoded bytes end
    uint64_t chunk_left; // of the chunk at hand
    uint8_t chunk_state;
    bool chunked, expects;
} HttpParser;

typedef enum HttpState {
    HTTP_MORE,      // not complete
    HTTP_CONTINUE,  // the client waits for "100 Continue": told once
    HTTP_READY,
    HTTP_BAD,       // answer with *status and close
} HttpState;

// Looks at [size] bytes from the beginning of a request on, more each time. READY fills [out],
// which points into the bytes, and sets *used to where the next request begins; the parser is
// ready for it. The bytes of a body in chunks are moved together.
HttpState http_parse(HttpParser *self, char *bytes, size_t size, size_t body_max, HttpRequest *out,
                     size_t *used, int *status);

// The value of the first field of that name, in any case; ptr NULL: there is none.
Str http_field(const HttpRequest *request, const char *name);
