// server/watch_api_int.h - shared by the watch_*.c and nobody else.
#pragma once

#include "base/json.h"
#include "server/http.h"
#include "server/watch_api.h"

struct WatchApi {
    WatchApiSettings settings;
    Watch *watch;
    HttpServer *http;
    Arena *scratch;  // one for each thread
    _Atomic uint64_t unauthorized;
};

enum { API_PARTS_MAX = 2 };

// A request on its way through a handler.
typedef struct ApiCall {
    WatchApi *api;
    Arena *arena;
    HttpCall *http;
    WatchPlatform *platform;  // whose token was shown; NULL: the administrator's
    Str part[API_PARTS_MAX];  // what stands for the stars of the route, decoded
    bool pushed;              // points were appended: the answer waits for the commit
} ApiCall;

typedef void (*ApiHandler)(ApiCall *call);

enum { API_OPEN, API_ADMIN, API_PLATFORM };  // who may

typedef struct ApiRoute {
    const char *method, *path;  // "/v1/metrics/*/status"
    int who;
    ApiHandler handle;
} ApiRoute;

// Lists that end with a NULL method.
extern const ApiRoute WATCH_ADMIN_ROUTES[], WATCH_METRIC_ROUTES[], WATCH_POINT_ROUTES[],
    WATCH_ALARM_ROUTES[];

// Finds the route of the request, checks the token, calls the handler: everything but the commit of
// points. The fuzzer's door.
void api_answer(ApiCall *call);

// ---- answers -----------------------------------------------------------------------------------

// {"error":…,"hint":…}
void api_fail(ApiCall *call, int status, const char *message, const char *hint);
// Of a Status: 400 for what the caller can mend, 503 for the rest.
void api_fail_with(ApiCall *call, Status st, const Error *err);
void api_text(Buf *out, const char *name, Str text);  // ,"name":"text"
void api_number(Buf *out, double value);              // null if it is none

// ---- what a request says -----------------------------------------------------------------------

// False: it is no JSON object (or array, if [array]), and the call has its answer.
bool api_body(ApiCall *call, bool array, JsonValue *out);
// A parameter of the query, decoded; empty: not given.
Str api_query(ApiCall *call, const char *name);
int64_t api_query_time(ApiCall *call, const char *name, int64_t otherwise);
// The text of a member, empty when it is not there. *wrong is set when it is no text.
Str api_member(const JsonValue *object, const char *name, bool *wrong);
// The metric that the path or a body names; NULL: the call has its answer.
WatchMetric *api_metric(ApiCall *call, Str id);
