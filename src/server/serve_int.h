// server/serve_int.h - shared by the serve_*.c and nobody else.
#pragma once

#include "base/json.h"
#include "model/cache.h"
#include "server/http.h"
#include "server/serve_model.h"

// Upper bounds of the histogram of answer times, in microseconds; the last one is without end.
enum { SERVE_BUCKETS = 12, SERVE_CODES = 4 };
extern const int64_t SERVE_BUCKET_US[SERVE_BUCKETS];

// A loaded model, which goes when it has been replaced and nobody uses it any more.
typedef struct Version {
    CachedModel *model;
    uint64_t number;  // 1, 2, … of its name
    uint32_t users;   // guarded by the server's lock; the name itself is one
} Version;

enum { SERVE_GOOD, SERVE_WRONG, SERVE_FAILED, SERVE_OUTCOMES };  // 200, 400, 500

// A name in service. Versions of its model come and go, the name and its figures stay.
typedef struct Served {
    Str name, source;       // owned; the source is a file or a folder
    Str path;               // owned: of the file that the source leads to
    Version *version;       // guarded by the server's lock; NULL: the file is gone
    uint64_t versions;      // there have been; known to the thread that looks at the sources alone
    _Atomic uint64_t in_service;  // the number of that version; 0: none, for the figures
    bool found;             // in the last look at the sources
    int64_t tried_modified_ms, tried_size;  // of the file that was last tried
    _Atomic uint64_t requests[SERVE_OUTCOMES], rows, batches, reload_failures;
    _Atomic uint64_t bucket[SERVE_BUCKETS + 1], time_us;
} Served;

// ---- serve_json.c: requests and replies ---------------------------------------------------------

// Rows of one or several requests as a model takes them.
typedef struct ServeRows {
    Arena *arena;
    const MlModel *model;
    MlColumn *in;     // model->in_count of them, for [cap] rows
    uint32_t *room;   // per field that is a list: values that it has memory for
    uint32_t rows, cap;
} ServeRows;

void serve_rows_init(ServeRows *self, Arena *arena, const MlModel *model, uint32_t cap);
// The instances of a request's body, parsed: *count is how many there are. ST_VALIDATION says what
// is wrong.
NODISCARD Status serve_body_read(Arena *arena, Str body, uint32_t rows_max, JsonValue *out,
                                 const JsonValue **instances, Error *err);
// Appends the instances. ST_VALIDATION names instance and field; rows may then be half filled.
NODISCARD Status serve_rows_add(ServeRows *self, const JsonValue *instances, Error *err);
// {"predictions":[…]} of the rows [from, from + count).
void serve_reply(const MlModel *model, const MlColumn *out, uint32_t from, uint32_t count,
                 Buf *reply);
void serve_print_error(const char *message, Buf *reply);
// {"name":…,"inputs":[…],…} of a model.
void serve_print_model(Str name, const Version *version, Buf *reply);

// ---- serve_metrics.c: figures in Prometheus' text format ----------------------------------------

void serve_count(Served *served, int status, uint32_t rows, int64_t time_ns);
void serve_print_served(Served *const *served, uint32_t count, Buf *out);
