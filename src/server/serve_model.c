// Requests for one model that come together are predicted together: the server hands on what it has
// read in one round of all its connections, and nobody waits for others to come.
//
// Files are looked at again by whoever calls model_server_refresh. A model that is replaced serves
// the requests that have begun with it; no row is predicted by two versions.
#include "server/serve_model.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/hex.h"
#include "model/registry.h"
#include "os/os.h"
#include "server/serve_int.h"

enum { SERVED_MAX = 1024 };

struct ModelServer {
    ServeSettings settings;
    HttpServer *http;
    OsMonitor monitor;     // of [served], its versions and [count]
    Served *served[SERVED_MAX];
    uint32_t count;
    bool only;             // one file is served: any name means it
    Arena *scratch;        // one for each thread
    _Atomic uint64_t unauthorized, unknown;
    int64_t started_ms;
};

static void say(const ModelServer *self, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(const ModelServer *self, const char *fmt, ...) {
    va_list args;
    char line[ERROR_MESSAGE_MAX + 256];
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (self->settings.say) self->settings.say(self->settings.arg, line);
}

// ---- versions ----------------------------------------------------------------------------------

static Version *use_begin(ModelServer *self, Served *served) {
    os_lock(&self->monitor);
    Version *version = served->version;
    if (version) version->users++;
    os_unlock(&self->monitor);
    return version;
}

static void use_end(ModelServer *self, Version *version) {
    if (!version) return;
    os_lock(&self->monitor);
    bool last = --version->users == 0;
    os_unlock(&self->monitor);
    if (!last) return;
    model_cache_put(version->model);
    mem_free(version);
}

static void replace(ModelServer *self, Served *served, CachedModel *model) {
    Version *next = NULL;
    if (model) {
        next = NEW(Version);
        *next = (Version){.model = model, .number = ++served->versions, .users = 1};
    }
    os_lock(&self->monitor);
    Version *before = served->version;
    served->version = next;
    atomic_store(&served->in_service, next ? next->number : 0);
    os_unlock(&self->monitor);
    use_end(self, before);
}

// ---- sources -----------------------------------------------------------------------------------

// The file that a source leads to: itself, or of a folder of versions the one that is in use.
static Status resolve(Str source, Arena *arena, Str *path, Error *err) {
    OsStat info;
    uint64_t version;
    bool found = false;
    RegistryVersion entry;
    *path = source;
    TRY(os()->stat(source, &info, err));
    if (!info.exists || !info.is_dir) return ST_OK;
    TRY(registry_current(source, &version, &found, err));
    if (!found) return ST_OK;
    TRY(registry_open(source, version, arena, &entry, err));
    *path = entry.path;
    return ST_OK;
}

static void drop(Str text) {
    mem_free((void *)(uintptr_t)text.ptr);
}

// Loads the file of [served] unless that is done, or was tried in vain.
static Status load(ModelServer *self, Served *served, Error *err) {
    Arena arena = {0};
    OsStat info = {0};
    Str path;
    CachedModel *model;
    Version *now = served->version;  // written by this thread alone
    Status st = resolve(served->source, &arena, &path, err);
    if (!st) st = os()->stat(path, &info, err);
    if (st) goto done;
    bool same = str_eq(path, served->path);
    bool tried = same && served->tried_modified_ms == info.modified_ms &&
                 served->tried_size == info.size;
    if (now && same ? !model_cache_stale(now->model) || (tried && !info.is_dir) : tried) goto done;
    served->tried_modified_ms = info.modified_ms;
    served->tried_size = info.size;
    if (!same) {
        drop(served->path);
        served->path = str_make(str_own(path), path.len);
    }
    st = model_cache_get(path, NULL, &model, err);
    if (st) {
        atomic_fetch_add(&served->reload_failures, 1);
        goto done;
    }
    replace(self, served, model);
    if (now) {
        say(self, "model '" STR_FMT "': version %llu is in service", STR_ARG(served->name),
            (unsigned long long)served->versions);
    }

done:
    arena_clear(&arena);
    return st;
}

static Served *find_served(ModelServer *self, Str name) {
    for (uint32_t i = 0; i < self->count; i++) {
        if (str_eq(self->served[i]->name, name)) return self->served[i];
    }
    return NULL;
}

static Status take_source(ModelServer *self, Str name, Str source, Error *err) {
    Served *served = find_served(self, name);
    bool fresh = !served;
    if (served && !str_eq(served->source, source)) {
        if (served->found) {
            return error_set(err, ST_VALIDATION, "two files for model '" STR_FMT "': " STR_FMT
                             " and " STR_FMT, STR_ARG(name), STR_ARG(served->source),
                             STR_ARG(source));
        }
        drop(served->source);
        served->source = str_make(str_own(source), source.len);
    }
    if (fresh) {
        if (self->count == SERVED_MAX) {
            return error_set(err, ST_VALIDATION, "more than %d models", SERVED_MAX);
        }
        served = NEW(Served);
        served->name = str_make(str_own(name), name.len);
        served->source = str_make(str_own(source), source.len);
    }
    served->found = true;
    Status st = load(self, served, err);
    if (fresh) {  // kept also when it cannot be loaded: it is known then that it was tried
        os_lock(&self->monitor);
        self->served[self->count++] = served;
        os_unlock(&self->monitor);
        if (!st && self->http) say(self, "model '" STR_FMT "' is in service", STR_ARG(name));
    }
    return st;
}

static Str name_of(Str path) {
    while (path.len > 1 && path.ptr[path.len - 1] == '/') path.len--;
    for (uint32_t i = path.len; i > 0; i--) {
        if (path.ptr[i - 1] == '/') {
            path = str_sub(path, i, path.len);
            break;
        }
    }
    for (uint32_t i = path.len; i > 1; i--) {
        if (path.ptr[i - 1] == '.') return str_sub(path, 0, i - 1);
    }
    return path;
}

typedef struct Look {
    ModelServer *server;
    Str folder;
} Look;

static Status look_at_entry(void *arg, Str name, Error *err) {
    Look *look = arg;
    (void)err;
    if (name.ptr[0] == '.') return ST_OK;
    Buf path = {0};
    Error why;
    buf_printf(&path, STR_FMT "/" STR_FMT, STR_ARG(look->folder), STR_ARG(name));
    if (take_source(look->server, name_of(name), buf_str(&path), &why)) {
        say(look->server, "passed over: %s", why.message);
    }
    buf_free(&path);
    return ST_OK;
}

static Status look_at(ModelServer *self, Str source, Error *err) {
    Arena arena = {0};
    OsStat info;
    Status st = ST_OK;
    int64_t equals = str_find(source, STR("="), 0), slash = str_find(source, STR("/"), 0);
    bool named = equals > 0 && (slash < 0 || equals < slash);
    Str name = named ? str_sub(source, 0, (uint32_t)equals) : name_of(source);
    Str path = named ? str_sub(source, (uint32_t)equals + 1, source.len) : source;
    st = os()->stat(path, &info, err);
    if (!st && !info.exists) {
        st = error_set(err, ST_VALIDATION, "there is no file or folder " STR_FMT, STR_ARG(path));
    }
    if (!st && info.is_dir && !named) {  // of models, unless it is one
        OsStat saved;
        bool versions = false;
        uint64_t current;
        st = os()->stat(str_printf(&arena, STR_FMT "/saved_model.pb", STR_ARG(path)), &saved, err);
        if (!st) st = registry_current(path, &current, &versions, err);
        if (!st && !saved.exists && !versions) {
            Look look = {self, path};
            st = os()->list(path, look_at_entry, &look, err);
            goto done;
        }
    }
    if (!st) st = take_source(self, name, path, err);

done:
    arena_clear(&arena);
    return st;
}

void model_server_refresh(ModelServer *self) {
    for (uint32_t i = 0; i < self->count; i++) self->served[i]->found = false;
    for (uint32_t i = 0; i < self->settings.source_count; i++) {
        Error err;
        Str source = str_c(self->settings.source[i]);
        if (look_at(self, source, &err)) say(self, "%s", err.message);
    }
    for (uint32_t i = 0; i < self->count; i++) {
        Served *served = self->served[i];
        if (served->found || !served->version) continue;
        OsStat info;
        // A file that is being replaced may be away for a moment; one of a folder is gone then.
        if (os()->stat(served->source, &info, NULL) || info.exists) continue;
        replace(self, served, NULL);
        served->tried_modified_ms = served->tried_size = 0;
        say(self, "model '" STR_FMT "' is gone", STR_ARG(served->name));
    }
}

// ---- requests ----------------------------------------------------------------------------------

static void fail(HttpCall *call, int status, const char *message) {
    call->status = status;
    call->body.len = 0;
    serve_print_error(message, &call->body);
}

// Takes as long whatever stands there, but for its length.
static bool token_is(Str token, Str given) {
    uint32_t differs = token.len ^ given.len;
    for (uint32_t i = 0; i < given.len; i++) {
        differs |= (unsigned char)given.ptr[i] ^ (unsigned char)token.ptr[i % token.len];
    }
    return differs == 0;
}

// A prediction that is asked for.
typedef struct Ask {
    HttpCall *call;
    Served *served;
    const JsonValue *instances;
    uint32_t from, rows;
} Ask;

static Status predict(const Version *version, ServeRows *rows, MlColumn **out, Error *err) {
    const MlModel *model = rows->model;
    for (uint32_t f = 0; f < model->in_count; f++) {
        if (bits_count(rows->in[f].valid, rows->rows) == rows->rows) rows->in[f].valid = NULL;
    }
    *out = ARENA_ARRAY(rows->arena, MlColumn, model->out_count + 1);
    return version->model->model->vt->predict(model, rows->in, rows->rows, *out, rows->arena, err);
}

static int status_of(Status st) {
    return st == ST_VALIDATION || st == ST_RUNTIME ? 400 : 500;
}

// One request by itself: when several together could not be predicted.
static void predict_one(const Version *version, Arena *arena, Ask *ask) {
    Error err;
    ServeRows rows;
    MlColumn *out;
    serve_rows_init(&rows, arena, version->model->model, ask->instances->count);
    Status st = serve_rows_add(&rows, ask->instances, &err);
    if (!st && rows.rows) st = predict(version, &rows, &out, &err);
    if (st) {
        fail(ask->call, status_of(st), err.message);
        return;
    }
    ask->rows = rows.rows;
    if (!rows.rows) buf_puts(&ask->call->body, "{\"predictions\":[]}");
    else serve_reply(rows.model, out, 0, rows.rows, &ask->call->body);
}

static void predict_all(ModelServer *self, Arena *arena, Ask *ask, uint32_t count) {
    Served *served = ask[0].served;
    Version *version = use_begin(self, served);
    int64_t began_ns = os()->monotonic_ns();
    if (!version) {
        for (uint32_t i = 0; i < count; i++) fail(ask[i].call, 404, "the model's file is gone");
        return;
    }
    uint32_t total = 0;
    Error err;
    ServeRows rows;
    MlColumn *out;
    for (uint32_t i = 0; i < count; i++) total += ask[i].instances->count;
    serve_rows_init(&rows, arena, version->model->model, total);
    bool together = count > 1 && total > 0;
    for (uint32_t i = 0; i < count && together; i++) {
        ask[i].from = rows.rows;
        ask[i].rows = ask[i].instances->count;
        together = !serve_rows_add(&rows, ask[i].instances, &err);
    }
    if (together) together = !predict(version, &rows, &out, &err);
    for (uint32_t i = 0; i < count; i++) {
        if (together) {
            serve_reply(rows.model, out, ask[i].from, ask[i].rows, &ask[i].call->body);
        } else {
            predict_one(version, arena, &ask[i]);
        }
    }
    int64_t took_ns = os()->monotonic_ns() - began_ns;
    for (uint32_t i = 0; i < count; i++) {
        serve_count(served, ask[i].call->status, ask[i].rows, took_ns);
    }
    atomic_fetch_add_explicit(&served->batches, together ? 1 : count, memory_order_relaxed);
    use_end(self, version);
}

static void list_models(ModelServer *self, HttpCall *call) {
    buf_puts(&call->body, "{\"models\":[");
    bool first = true;
    os_lock(&self->monitor);
    uint32_t count = self->count;  // names are only added
    os_unlock(&self->monitor);
    for (uint32_t i = 0; i < count; i++) {
        Version *version = use_begin(self, self->served[i]);
        if (!version) continue;
        if (!first) buf_putc(&call->body, ',');
        first = false;
        serve_print_model(self->served[i]->name, version, &call->body);
        use_end(self, version);
    }
    buf_puts(&call->body, "]}");
}

static void print_metrics(ModelServer *self, HttpCall *call) {
    HttpFigures figures = http_server_figures(self->http);
    call->type = "text/plain; version=0.0.4";
    os_lock(&self->monitor);
    serve_print_served(self->served, self->count, &call->body);
    os_unlock(&self->monitor);
    buf_printf(
        &call->body,
        "# HELP weir_http_connections Connections that are open.\n"
        "# TYPE weir_http_connections gauge\nweir_http_connections %llu\n"
        "# HELP weir_http_requests_total Requests that were answered.\n"
        "# TYPE weir_http_requests_total counter\nweir_http_requests_total %llu\n"
        "# HELP weir_http_refused_total Requests that were malformed, too large or too slow.\n"
        "# TYPE weir_http_refused_total counter\nweir_http_refused_total %llu\n"
        "# HELP weir_http_unauthorized_total Requests without the right token.\n"
        "# TYPE weir_http_unauthorized_total counter\nweir_http_unauthorized_total %llu\n"
        "# HELP weir_uptime_seconds Time since the server began.\n"
        "# TYPE weir_uptime_seconds gauge\nweir_uptime_seconds %.3f\n",
        (unsigned long long)figures.connections, (unsigned long long)figures.requests,
        (unsigned long long)figures.refused, (unsigned long long)atomic_load(&self->unauthorized),
        (double)(os_now_ms() - self->started_ms) / 1000);
}

static Served *named(ModelServer *self, Str name) {
    os_lock(&self->monitor);
    Served *served = find_served(self, name);
    if (!served && self->only && self->count) served = self->served[0];
    os_unlock(&self->monitor);
    return served;
}

static void no_model(ModelServer *self, HttpCall *call, Str name) {
    Error err;
    (void)error_set(&err, ST_VALIDATION, "there is no model '" STR_FMT "'", STR_ARG(name));
    fail(call, 404, err.message);
    atomic_fetch_add(&self->unknown, 1);
}

// True: a prediction is asked for, and [ask] says which; else the call has its answer.
static bool route(ModelServer *self, Arena *arena, HttpCall *call, Ask *ask) {
    static const char PREFIX[] = "/v1/models", VERB[] = ":predict";
    const HttpRequest *request = &call->request;
    Str path = request->path;
    bool get = str_is(request->method, "GET") || str_is(request->method, "HEAD");
    if (str_is(path, "/metrics") && get) return print_metrics(self, call), false;
    if (str_is(path, "/health") && get) return buf_puts(&call->body, "{\"status\":\"ok\"}"), false;
    if (self->settings.token.len &&
        !token_is(self->settings.token, http_field(request, "X-AUTH-TOKEN"))) {
        atomic_fetch_add(&self->unauthorized, 1);
        return fail(call, 401, "X-AUTH-TOKEN is missing or wrong"), false;
    }
    if (!str_starts(path, STR("/v1/models")))
        return fail(call, 404, "there is no such page"), false;
    path = str_sub(path, sizeof PREFIX - 1, path.len);
    if (!path.len || str_is(path, "/")) {
        if (get) list_models(self, call);
        else fail(call, 405, "GET it");
        return false;
    }
    if (path.ptr[0] != '/') return fail(call, 404, "there is no such page"), false;
    bool predicts = str_ends(path, STR(":predict"));
    path = str_sub(path, 1, path.len - 1 - (predicts ? (uint32_t)sizeof VERB - 1 : 0));
    Str name = percent_decode(arena, path);
    ask->served = named(self, name);
    if (!ask->served) return no_model(self, call, name), false;
    if (!predicts && get) {
        Version *version = use_begin(self, ask->served);
        if (version) serve_print_model(ask->served->name, version, &call->body);
        else no_model(self, call, name);
        return use_end(self, version), false;
    }
    if (!predicts || !str_is(request->method, "POST")) {
        call->fields = predicts ? "Allow: POST\r\n" : "Allow: GET\r\n";
        return fail(call, 405, predicts ? "POST it" : "GET it"), false;
    }
    ask->call = call;
    return true;
}

static void handle(void *arg, uint32_t thread, HttpCall *const *call, uint32_t count) {
    ModelServer *self = arg;
    Arena *arena = &self->scratch[thread];
    Ask ask[HTTP_TOGETHER_MAX];
    uint32_t asks = 0;
    arena_reset(arena);
    for (uint32_t i = 0; i < count; i++) {
        Ask *one = &ask[asks];
        *one = (Ask){0};
        if (!route(self, arena, call[i], one)) continue;
        Error err;
        JsonValue *body = ARENA_NEW(arena, JsonValue);
        if (serve_body_read(arena, call[i]->request.body, self->settings.rows_max, body,
                            &one->instances, &err)) {
            fail(call[i], 400, err.message);
            serve_count(one->served, 400, 0, 0);
            continue;
        }
        asks++;
    }
    // Those of one model stand together, in the order in which they came.
    for (uint32_t from = 0; from < asks;) {
        uint32_t to = from + 1;
        for (uint32_t i = to; i < asks; i++) {
            if (ask[i].served != ask[from].served) continue;
            Ask moved = ask[i];
            memmove(&ask[to + 1], &ask[to], (i - to) * sizeof *ask);
            ask[to++] = moved;
        }
        predict_all(self, arena, &ask[from], to - from);
        from = to;
    }
}

// ---- beginning and end -------------------------------------------------------------------------

static Status load_all(ModelServer *self, Error *err) {
    for (uint32_t i = 0; i < self->settings.source_count; i++) {
        TRY(look_at(self, str_c(self->settings.source[i]), err));
    }
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->served[i]->version) return ST_OK;
    }
    return error_set(err, ST_VALIDATION, "there is no model in %s", self->settings.source[0]);
}

Status model_server_start(const ServeSettings *settings, ModelServer **out, Error *err) {
    ModelServer *self = NEW(ModelServer);
    self->settings = *settings;
    if (!self->settings.rows_max) self->settings.rows_max = 65536;
    if (!self->settings.threads) self->settings.threads = 1;
    os()->monitor_init(&self->monitor);
    self->started_ms = os_now_ms();
    self->scratch = NEW_ARRAY(Arena, self->settings.threads);
    Status st = load_all(self, err);
    OsStat info;
    if (!st && settings->source_count == 1 && self->count == 1) {
        self->only = os()->stat(str_c(settings->source[0]), &info, NULL) ||
                     !info.exists || !info.is_dir;
    }
    HttpSettings http = {.host = settings->host, .port = settings->port,
                         .threads = self->settings.threads, .body_max = settings->body_max,
                         .handle = handle, .arg = self};
    if (!st) st = http_server_start(&http, &self->http, err);
    if (st) {
        model_server_stop(self);
        return st;
    }
    *out = self;
    return ST_OK;
}

uint16_t model_server_port(const ModelServer *server) {
    return http_server_port(server->http);
}

uint32_t model_server_models(const ModelServer *server) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < server->count; i++) count += server->served[i]->version != NULL;
    return count;
}

void model_server_stop(ModelServer *self) {
    enum { PATIENCE_MS = 10000 };
    if (!self) return;
    http_server_stop(self->http, PATIENCE_MS);
    for (uint32_t i = 0; i < self->count; i++) {
        Served *served = self->served[i];
        replace(self, served, NULL);
        drop(served->name);
        drop(served->source);
        drop(served->path);
        mem_free(served);
    }
    for (uint32_t i = 0; i < self->settings.threads; i++) arena_clear(&self->scratch[i]);
    mem_free(self->scratch);
    os()->monitor_clear(&self->monitor);
    mem_free(self);
}
