// os/s3/s3_int.h - shared by the files of os/s3/ and nobody else.
#pragma once

#include "base/digest.h"
#include "os/s3/s3.h"

// ---- s3_config.c: who and where -----------------------------------------------------------------

typedef struct S3Config {
    Str endpoint;  // "https://host:port", without a path; empty: AWS's own of the region
    Str region, access_key, secret_key, session_token;
    bool path_style;  // the bucket is part of the path, not of the host
} S3Config;

// The options as they are now, and what the environment says where they say nothing. ST_VALIDATION
// without keys.
NODISCARD Status s3_config(Arena *arena, S3Config *out, Error *err);

typedef struct S3Place {
    Str bucket, key;  // the key without leading and trailing slashes, "." and ".."
} S3Place;

NODISCARD Status s3_place(Arena *arena, Str path, S3Place *out, Error *err);
// Where a request goes: "http://127.0.0.1:9000", "/bucket/a%20b".
void s3_address(Arena *arena, const S3Config *config, const S3Place *place, Str *base, Str *path);

// ---- s3_sign.c: AWS Signature Version 4 ---------------------------------------------------------

typedef struct S3Header {
    Str name, value;  // the name in lower case
} S3Header;

typedef struct S3Signing {
    Str method;
    Str path, query;         // encoded; the query's parameters sorted by name, each with its '='
    const S3Header *header;  // sorted by name; all of them are signed
    uint32_t header_count;
    Str body_hash;           // hexadecimal
    Str time;                // "20130524T000000Z"
    Str region, service;
    Str access_key, secret_key;
} S3Signing;

// The value of the header Authorization.
Str s3_sign(Arena *arena, const S3Signing *signing);
Str s3_hash(Arena *arena, Str bytes);  // SHA-256, hexadecimal
Str s3_time(Arena *arena, int64_t epoch_ms);  // "20130524T000000Z"

// ---- s3_request.c -------------------------------------------------------------------------------

typedef struct S3Request {
    const char *method;
    S3Place place;
    Str query;               // as in S3Signing
    Str body;
    int64_t from, size;      // GET: a range of bytes; size 0: all
    Str if_match;            // GET, PUT: the object's tag must be this one
    Str if_none_match;       // PUT: no object of this tag; "*": none at all
    bool conditional;        // PUT: 409, 412 and 501 are answers, too
    const _Atomic bool *cancel;  // true: it breaks off with ST_CANCELLED; may be NULL
    Str copy_of;             // PUT: no body, but the object of this encoded "/bucket/key"
    bool once;               // not tried again: it is no great matter
    bool reads_xml;          // an answer of 200 may be an error all the same
} S3Request;

typedef struct S3Reply {
    int status;              // 2xx, or 404 and those of [conditional]: other ones are errors
    Buf body;
    Str code;                // of the error in the body: "NoSuchUpload"
    Str tag;                 // ETag, with its quotes
    Str server;              // what it calls itself
    int64_t size;            // of the object, or -1
    int64_t modified_ms;
    Arena arena;             // of the texts
} S3Reply;

// Sends it until there is an answer. *reply is to be cleared, whatever comes out.
NODISCARD Status s3_request(const S3Request *request, S3Reply *reply, Error *err);
void s3_reply_clear(S3Reply *reply);

// ---- s3_hold.c: a name that one process holds at a time -----------------------------------------

typedef struct S3Hold S3Hold;

// *out is NULL when somebody else holds it. Waits some seconds where somebody did who may have
// gone.
NODISCARD Status s3_hold_open(Str path, S3Hold **out, Error *err);
// ST_VALIDATION: somebody has taken it over. Other failures: it is not known. Any thread.
NODISCARD Status s3_hold_check(S3Hold *self, Error *err);
void s3_hold_close(S3Hold *self);  // NULL is fine
// What tells a process from all others, also from one that gets its number later; empty where that
// cannot be known. And whether the process of a mark is known to have ended: of this machine alone.
Str s3_process_mark(Arena *arena, int64_t pid);
bool s3_process_ended(Arena *arena, Str mark);

// A line of the head of an answer; s3_reply.c.
void s3_reply_header(S3Reply *reply, Str line);

// ---- s3_reply.c: what servers send --------------------------------------------------------------

// What an error's body says; false when it is none.
bool s3_error_read(Arena *arena, Str xml, Str *code, Str *message);
// The text of the first element called [name].
bool s3_element_read(Arena *arena, Str xml, const char *name, Str *out);

typedef struct S3Entry {
    Str name;            // its last part
    bool is_dir;
    int64_t size, modified_ms;
} S3Entry;

typedef struct S3Listing {
    S3Entry *entry;      // in the arena
    uint32_t count, cap;
    Str next;            // token of the next page; empty: it was the last one
} S3Listing;

// One more page of what lies below [prefix]. ST_RUNTIME when it is not what it should be.
NODISCARD Status s3_listing_read(Arena *arena, Str xml, Str prefix, S3Listing *out, Error *err);
// "Wed, 21 Oct 2015 07:28:00 GMT" and "2009-10-12T17:50:30.000Z"; -1: neither.
int64_t s3_date_read(Str text);
