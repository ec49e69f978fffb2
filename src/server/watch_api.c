// Routes, tokens, answers. A handler is one function of a call; the table says who may ask for it.
#include "server/watch_api.h"

#include <math.h>

#include "base/digest.h"
#include "server/watch_api_int.h"

enum { BODY_MAX_DEFAULT = 64 << 20 };

// ---- answers -----------------------------------------------------------------------------------

void api_fail(ApiCall *call, int status, const char *message, const char *hint) {
    Buf *body = &call->http->body;
    call->http->status = status;
    body->len = 0;
    buf_puts(body, "{\"error\":");
    json_print_text(str_c(message), 0, body);
    if (hint && *hint) {
        buf_puts(body, ",\"hint\":");
        json_print_text(str_c(hint), 0, body);
    }
    buf_putc(body, '}');
}

void api_fail_with(ApiCall *call, Status st, const Error *err) {
    bool theirs = st == ST_VALIDATION || st == ST_RUNTIME || st == ST_PARSE;
    if (!theirs) call->http->fields = "Retry-After: 5\r\n";
    api_fail(call, theirs ? 400 : 503, err->message, err->hint);
}

void api_text(Buf *out, const char *name, Str text) {
    buf_printf(out, ",\"%s\":", name);
    json_print_text(text, 0, out);
}

void api_number(Buf *out, double value) {
    if (isfinite(value)) buf_printf(out, "%.12g", value);
    else buf_puts(out, "null");
}

// ---- what a request says -----------------------------------------------------------------------

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static Str decoded(Arena *arena, Str text, bool query) {
    char *out = arena_alloc(arena, text.len + 1u);
    uint32_t n = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
        bool escape = text.ptr[i] == '%' && high >= 0 && low >= 0;
        out[n++] = escape                             ? (char)(high * 16 + low)
                   : query && text.ptr[i] == '+' ? ' '
                                                      : text.ptr[i];
        if (escape) i += 2;
    }
    return str_make(out, n);
}

bool api_body(ApiCall *call, bool array, JsonValue *out) {
    Error err = {0};
    Str body = call->http->request.body;
    Status st = json_parse(call->arena, body, 0, out, NULL, &err);
    if (st) {
        error_while(&err, "reading the body");
        api_fail(call, 400, err.message, "the body should be JSON");
        return false;
    }
    if (out->kind == JK_OBJECT || (array && out->kind == JK_ARRAY)) return true;
    api_fail(call, 400, "the body should be a JSON object", NULL);
    return false;
}

Str api_query(ApiCall *call, const char *name) {
    Str query = call->http->request.query, wanted = str_c(name);
    for (uint32_t at = 0; at < query.len;) {
        int64_t end = str_find(query, STR("&"), at);
        Str pair = str_sub(query, at, (end < 0 ? query.len : (uint32_t)end) - at);
        at = end < 0 ? query.len : (uint32_t)end + 1;
        if (pair.len > wanted.len && pair.ptr[wanted.len] == '=' && str_starts(pair, wanted)) {
            return decoded(call->arena, str_sub(pair, wanted.len + 1, pair.len), true);
        }
    }
    return STR("");
}

int64_t api_query_time(ApiCall *call, const char *name, int64_t otherwise) {
    int64_t ms;
    Str text = api_query(call, name);
    return text.len && watch_time_parse(text, &ms) ? ms : otherwise;
}

Str api_member(const JsonValue *object, const char *name, bool *wrong) {
    const JsonValue *value = json_member(object, str_c(name));
    if (!value || value->kind == JK_NULL) return STR("");
    if (json_is_number(value) || value->kind == JK_TEXT) return value->text;
    *wrong = true;
    return STR("");
}

WatchMetric *api_metric(ApiCall *call, Str id) {
    WatchMetric *metric = roster_metric(watch_roster(call->api->watch), call->platform, id);
    if (metric) return metric;
    Error err;
    (void)error_set(&err, ST_VALIDATION, "platform '" STR_FMT "' has no metric '" STR_FMT "'",
                    STR_ARG(call->platform->name), STR_ARG(id));
    api_fail(call, 404, err.message, "GET /v1/metrics lists them, POST /v1/metrics registers one");
    return NULL;
}

// ---- tokens ------------------------------------------------------------------------------------

static Str token_of(const HttpRequest *request) {
    Str field = http_field(request, "Authorization");
    if (field.len > 7 && str_eq_nocase(str_sub(field, 0, 7), STR("Bearer "))) {
        return str_trim(str_sub(field, 7, field.len));
    }
    return http_field(request, "X-AUTH-TOKEN");
}

// Hashes are compared, all of them: how long it takes tells nothing.
static bool token_is(Str token, Str given) {
    uint8_t a[DIGEST_SIZE_MAX], b[DIGEST_SIZE_MAX];
    uint32_t size = digest(DIGEST_SHA256, token, a);
    (void)digest(DIGEST_SHA256, given, b);
    unsigned differs = 0;
    for (uint32_t i = 0; i < size; i++) differs |= a[i] ^ b[i];
    return differs == 0;
}

static bool may(ApiCall *call, int who) {
    WatchApi *api = call->api;
    Str token = token_of(&call->http->request);
    if (who == API_OPEN) return true;
    if (who == API_ADMIN) {
        if (!api->settings.token.len || token_is(api->settings.token, token)) return true;
        api_fail(call, 401, "the administrator's token is missing or wrong",
                 "Authorization: Bearer TOKEN, as in --token-file");
    } else {
        call->platform = token.len ? roster_login(watch_roster(api->watch), token) : NULL;
        if (call->platform) return true;
        api_fail(call, 401, "the platform's token is missing or wrong",
                 "Authorization: Bearer TOKEN, as POST /v1/platforms gave it");
    }
    call->http->fields = "WWW-Authenticate: Bearer\r\n";
    atomic_fetch_add(&api->unauthorized, 1);
    return false;
}

// ---- routes ------------------------------------------------------------------------------------

// Holds a path against a route's; what stands for a star goes to call->part.
static bool path_matches(ApiCall *call, const char *pattern, Str path) {
    uint32_t parts = 0;
    Str wanted = str_c(pattern);
    while (wanted.len) {
        if (wanted.ptr[0] != '*') {
            if (!path.len || path.ptr[0] != wanted.ptr[0]) return false;
            path = str_sub(path, 1, path.len);
            wanted = str_sub(wanted, 1, wanted.len);
            continue;
        }
        uint32_t len = 0;
        while (len < path.len && path.ptr[len] != '/') len++;
        if (!len) return false;
        call->part[parts++] = decoded(call->arena, str_sub(path, 0, len), false);
        path = str_sub(path, len, path.len);
        wanted = str_sub(wanted, 1, wanted.len);
    }
    return path.len == 0;
}

// What stands in a query and cannot be read is refused: nobody gets another page than he asked for.
static bool query_is_good(ApiCall *call) {
    static const char *const NUMBERS[] = {"limit", "ahead"}, *const TIMES[] = {"since", "from",
                                                                               "to"};
    Error err;
    int64_t ignored;
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        Str text = api_query(call, NUMBERS[i]);
        if (!text.len || str_to_i64(text, &ignored)) continue;
        (void)error_set(&err, ST_VALIDATION, "%s='" STR_FMT "' is no whole number", NUMBERS[i],
                        STR_ARG(text));
        api_fail(call, 400, err.message, NULL);
        return false;
    }
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++) {
        Str text = api_query(call, TIMES[i]);
        if (!text.len || watch_time_parse(text, &ignored)) continue;
        (void)error_set(&err, ST_VALIDATION, "%s='" STR_FMT "' is no time", TIMES[i],
                        STR_ARG(text));
        api_fail(call, 400, err.message,
                 "2025-03-31T00:00:00Z, or seconds or milliseconds since 1970");
        return false;
    }
    return true;
}

void api_answer(ApiCall *call) {
    static const ApiRoute *const LISTS[] = {WATCH_POINT_ROUTES, WATCH_METRIC_ROUTES,
                                            WATCH_ALARM_ROUTES, WATCH_ADMIN_ROUTES};
    const HttpRequest *request = &call->http->request;
    Str path = request->path, method = request->method;
    if (path.len > 1 && path.ptr[path.len - 1] == '/') path.len--;
    if (str_is(method, "HEAD")) method = STR("GET");
    bool known = false;
    for (size_t list = 0; list < sizeof LISTS / sizeof *LISTS; list++) {
        for (const ApiRoute *route = LISTS[list]; route->method; route++) {
            if (!path_matches(call, route->path, path)) continue;
            known = true;
            if (!str_eq(method, str_c(route->method))) continue;
            if (may(call, route->who) && query_is_good(call)) route->handle(call);
            return;
        }
    }
    if (known) api_fail(call, 405, "this page has no such method", "docs/watch-platform.md");
    else api_fail(call, 404, "there is no such page", "docs/watch-platform.md lists them");
}

static void handle(void *arg, uint32_t thread, HttpCall *const *http, uint32_t count) {
    WatchApi *self = arg;
    Arena *arena = &self->scratch[thread];
    ApiCall call[HTTP_TOGETHER_MAX];
    bool pushed = false;
    Error err = {0};
    arena_reset(arena);
    for (uint32_t i = 0; i < count; i++) {
        call[i] = (ApiCall){.api = self, .arena = arena, .http = http[i]};
        api_answer(&call[i]);
        pushed |= call[i].pushed;
    }
    Status st = pushed ? inbox_commit(watch_inbox(self->watch), &err) : ST_OK;
    for (uint32_t i = 0; st && i < count; i++) {
        if (call[i].pushed) api_fail_with(&call[i], st, &err);
    }
}

// ---- beginning and end -------------------------------------------------------------------------

Status watch_api_start(const WatchApiSettings *settings, WatchApi **out, Error *err) {
    WatchApi *self = NEW(WatchApi);
    self->settings = *settings;
    self->watch = settings->watch;
    if (!self->settings.threads) self->settings.threads = 1;
    self->scratch = NEW_ARRAY(Arena, self->settings.threads);
    HttpSettings http = {.host = settings->host,
                         .port = settings->port,
                         .threads = self->settings.threads,
                         .body_max = settings->body_max ? settings->body_max : BODY_MAX_DEFAULT,
                         .handle = handle,
                         .arg = self};
    Status st = http_server_start(&http, &self->http, err);
    if (st) {
        watch_api_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

uint16_t watch_api_port(const WatchApi *self) {
    return http_server_port(self->http);
}

void watch_api_stop(WatchApi *self) {
    enum { PATIENCE_MS = 5000 };
    if (!self) return;
    if (self->http) http_server_stop(self->http, PATIENCE_MS);
    for (uint32_t i = 0; i < self->settings.threads; i++) arena_clear(&self->scratch[i]);
    mem_free(self->scratch);
    mem_free(self);
}
