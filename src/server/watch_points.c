// Points in: pushed as JSON or CSV, written by Prometheus, loaded as history.
#include "ml/proto.h"
#include "server/snappy.h"
#include "server/watch_api_int.h"
#include "type/number.h"

enum {
    POINTS_MAX = 500000,        // of a request
    UNKNOWN_NAMED = 10,         // that an answer names
    BACKLOG_MAX = 1 << 30,      // bytes of the inbox that the job has not come to
    UNPACKED_MAX = 256 << 20,
};

// What a request's points come to.
typedef struct Intake {
    ApiCall *call;
    bool history;         // they go there at once, and nobody judges them
    Buf points;           // InboxPoint, until the whole request is read
    uint32_t unknown, invalid;
    Str name[UNKNOWN_NAMED];
    Str last;             // the metric that was found last: points often come by metric
    WatchMetric *metric;
} Intake;

static void take(Intake *self, Str id, int64_t ts_ms, double value) {
    if (!self->metric || !str_eq(self->last, id)) {
        self->metric = roster_metric(watch_roster(self->call->api->watch), self->call->platform,
                                     id);
        self->last = id;
    }
    if (!self->metric) {
        if (self->unknown < UNKNOWN_NAMED) self->name[self->unknown] = id;
        self->unknown++;
        return;
    }
    InboxPoint point = {self->metric->key, ts_ms, value};
    buf_put(&self->points, &point, sizeof point);
}

// ---- JSON --------------------------------------------------------------------------------------

// null is a point that is missing: it is not written.
static bool number_of(const JsonValue *value, double *out) {
    if (json_is_number(value) || value->kind == JK_TEXT) return f64_parse(value->text, out);
    return false;
}

static bool time_of(const JsonValue *value, int64_t *out) {
    return value && (json_is_number(value) || value->kind == JK_TEXT) &&
           watch_time_parse(value->text, out);
}

// {"metric":…,"ts":…,"value":…}, or {"ts":…,"values":{"metric":value,…}}. What is wrong with it;
// NULL: nothing.
static const char *take_object(Intake *self, const JsonValue *point) {
    const JsonValue *values = json_member(point, STR("values"));
    const JsonValue *metric = json_member(point, STR("metric"));
    const JsonValue *value = json_member(point, STR("value"));
    int64_t ts_ms;
    double number;
    if (point->kind != JK_OBJECT) return "it is no JSON object";
    if (!time_of(json_member(point, STR("ts")), &ts_ms)) {
        return json_member(point, STR("ts")) ? "its ts is no time" : "it has no ts";
    }
    if (values && values->kind == JK_OBJECT) {
        for (uint32_t i = 0; i < values->count; i++) {
            if (values->member[i].value.kind == JK_NULL) continue;
            if (!number_of(&values->member[i].value, &number)) return "a value is no number";
            take(self, values->member[i].name, ts_ms, number);
        }
        return NULL;
    }
    if (!metric || metric->kind != JK_TEXT) return "it has no metric";
    if (!value) return "it has no value";
    if (value->kind == JK_NULL) return NULL;
    if (!number_of(value, &number)) return "its value is no number";
    take(self, metric->text, ts_ms, number);
    return NULL;
}

static bool take_json(Intake *self) {
    JsonValue *body = ARENA_NEW(self->call->arena, JsonValue);
    if (!api_body(self->call, true, body)) return false;
    const JsonValue *list = body->kind == JK_ARRAY ? body : json_member(body, STR("points"));
    if (!list) list = body;
    uint32_t count = list->kind == JK_ARRAY ? list->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const char *fault = take_object(self, list->kind == JK_ARRAY ? &list->item[i] : list);
        if (!fault) continue;
        Error err;
        (void)error_set(&err, ST_VALIDATION, "point %u: %s", i + 1, fault);
        api_fail(self->call, 400, err.message,
                 "{\"metric\":\"id\",\"ts\":1700000000,\"value\":1.5}, or "
                 "{\"ts\":1700000000,\"values\":{\"id\":1.5}}");
        return false;
    }
    return true;
}

// ---- CSV ---------------------------------------------------------------------------------------

// metric,ts,value: the metric's id may be quoted; a head is passed over.
static bool take_line(Intake *self, Str line) {
    int64_t value_at = -1, ts_at = -1;
    for (uint32_t i = line.len; i > 0 && ts_at < 0; i--) {
        if (line.ptr[i - 1] != ',') continue;
        if (value_at < 0) value_at = i;
        else ts_at = i;
    }
    int64_t ts_ms;
    double value;
    if (ts_at < 0) return false;
    Str id = str_sub(line, 0, (uint32_t)ts_at - 1);
    Str text = str_trim(str_sub(line, (uint32_t)value_at, line.len));
    if (id.len > 1 && id.ptr[0] == '"' && id.ptr[id.len - 1] == '"')
        id = str_sub(id, 1, id.len - 2);
    if (!watch_time_parse(str_sub(line, (uint32_t)ts_at, (uint32_t)(value_at - ts_at - 1)),
                          &ts_ms)) {
        return false;
    }
    if (!text.len) return true;  // missing
    if (!f64_parse(text, &value)) return false;
    take(self, id, ts_ms, value);
    return true;
}

static bool take_csv(Intake *self) {
    Str body = self->call->http->request.body;
    uint32_t number = 0;
    for (uint32_t at = 0; at < body.len;) {
        const char *newline = memchr(body.ptr + at, '\n', body.len - at);
        uint32_t end = newline ? (uint32_t)(newline - body.ptr) : body.len;
        Str line = str_trim(str_sub(body, at, end - at));
        at = end + 1;
        number++;
        if (!line.len || take_line(self, line)) continue;
        if (number == 1 && str_starts(line, STR("metric"))) continue;
        Error err;
        (void)error_set(&err, ST_VALIDATION, "line %u is no point: '%.*s'", number,
                        line.len < 80 ? (int)line.len : 80, line.ptr);
        api_fail(self->call, 400, err.message, "metric,ts,value: orders,2025-03-31T00:00:00Z,42");
        return false;
    }
    return true;
}

// ---- where they go -----------------------------------------------------------------------------

// A platform's share of the second.
static bool within_quota(ApiCall *call, uint32_t count) {
    WatchPlatform *platform = call->platform;
    if (!platform->points_max) return true;
    int64_t now = os_now_ms() / 1000, second = atomic_load(&platform->second);
    if (second != now && atomic_compare_exchange_strong(&platform->second, &second, now)) {
        atomic_store(&platform->second_points, 0);
    }
    int64_t taken = atomic_fetch_add(&platform->second_points, count) + count;
    if (taken <= platform->points_max || taken == count) return true;
    atomic_fetch_add(&platform->points_refused, count);
    call->http->fields = "Retry-After: 1\r\n";
    api_fail(call, 429, "more points in this second than the platform's quota allows",
             "send them later, or have points_max raised");
    return false;
}

static Status put_history(ApiCall *call, const InboxPoint *point, uint32_t count, Error *err) {
    History *history = watch_history(call->api->watch);
    Roster *roster = watch_roster(call->api->watch);
    for (uint32_t i = 0; i < count; i++) {
        const WatchMetric *metric = roster_metric_of(roster, point[i].key);
        TRY(history_add(history, point[i].key, atomic_load(&metric->step_ms), point[i].ts_ms,
                        point[i].value, err));
    }
    return history_sync(history, err);
}

static void reply(const Intake *self, uint32_t accepted) {
    Buf *out = &self->call->http->body;
    buf_printf(out, "{\"accepted\":%u,\"unknown\":%u", accepted, self->unknown);
    uint32_t named = self->unknown < UNKNOWN_NAMED ? self->unknown : UNKNOWN_NAMED;
    for (uint32_t i = 0; i < named; i++) {
        buf_puts(out, i ? "," : ",\"unknown_metrics\":[");
        json_print_text(self->name[i], 0, out);
    }
    buf_puts(out, named ? "]}" : "}");
}

static void put_points(Intake *self) {
    ApiCall *call = self->call;
    uint32_t count = (uint32_t)(self->points.len / sizeof(InboxPoint));
    const InboxPoint *point = (const InboxPoint *)(const void *)self->points.ptr;
    Error err = {0};
    if (count > POINTS_MAX && !self->history) {
        api_fail(call, 413, "more than 500000 points in a request", "send them in several");
        return;
    }
    if (!self->history && inbox_backlog(watch_inbox(call->api->watch)) > BACKLOG_MAX) {
        call->http->fields = "Retry-After: 10\r\n";
        api_fail(call, 503, "the job has not come to what was pushed before",
                 "send it again later; GET /health says how the job is");
        return;
    }
    if (!self->history && !within_quota(call, count)) return;
    if (self->history) {
        Status st = put_history(call, point, count, &err);
        if (st) {
            api_fail_with(call, st, &err);
            return;
        }
    } else if (count) {
        inbox_append(watch_inbox(call->api->watch), point, count);
        call->pushed = true;
        atomic_fetch_add(&call->platform->points, count);
    }
    atomic_fetch_add(&call->platform->points_unknown, self->unknown);
    reply(self, count);
    if (!count && self->unknown) {
        (void)error_set(&err, ST_VALIDATION, "none of these metrics is registered, '" STR_FMT "'%s",
                        STR_ARG(self->name[0]), self->unknown > 1 ? " and others" : "");
        api_fail(call, 404, err.message, "POST /v1/metrics registers them");
    }
}

static void take_all(ApiCall *call, bool history) {
    Intake intake = {.call = call, .history = history};
    Str type = http_field(&call->http->request, "Content-Type");
    bool good = str_starts(type, STR("text/csv")) ? take_csv(&intake) : take_json(&intake);
    if (good) put_points(&intake);
    buf_free(&intake.points);
}

static void push_points(ApiCall *call) {
    take_all(call, false);
}

static void load_history(ApiCall *call) {
    take_all(call, true);
}

// ---- Prometheus --------------------------------------------------------------------------------

// A label's name and value.
static bool read_label(Str bytes, Str *name, Str *value) {
    Proto at = proto_of(bytes);
    ProtoField field;
    while (proto_next(&at, &field)) {
        if (field.number == 1 && field.wire == PROTO_BYTES) *name = field.bytes;
        if (field.number == 2 && field.wire == PROTO_BYTES) *value = field.bytes;
    }
    return !at.damaged;
}

// A series' metric is its name and its labels as PromQL writes them: up{instance="a",job="b"}.
static Str series_id(Arena *arena, Str series) {
    Proto at = proto_of(series);
    ProtoField field;
    Str own = STR("");
    Buf labels = {0};
    while (proto_next(&at, &field)) {
        Str name = STR(""), value = STR("");
        if (field.number != 1 || field.wire != PROTO_BYTES) continue;
        if (!read_label(field.bytes, &name, &value)) break;
        if (str_is(name, "__name__")) {
            own = value;
            continue;
        }
        buf_putc(&labels, labels.len ? ',' : '{');
        buf_put_str(&labels, name);
        buf_puts(&labels, "=\"");
        buf_put_str(&labels, value);
        buf_putc(&labels, '"');
    }
    if (labels.len) buf_putc(&labels, '}');
    Str id = str_printf(arena, STR_FMT STR_FMT, STR_ARG(own), STR_ARG(buf_str(&labels)));
    buf_free(&labels);
    return id;
}

static bool take_series(Intake *self, Str series) {
    Str id = series_id(self->call->arena, series);
    Proto at = proto_of(series);
    ProtoField field;
    while (proto_next(&at, &field)) {
        if (field.number != 2 || field.wire != PROTO_BYTES) continue;
        Proto sample = proto_of(field.bytes);
        ProtoField part;
        double value = 0;
        int64_t ts_ms = 0;
        while (proto_next(&sample, &part)) {
            if (part.number == 1 && part.wire == PROTO_FIXED64) value = proto_f64(&part);
            if (part.number == 2 && part.wire == PROTO_VARINT) ts_ms = proto_i64(&part);
        }
        if (sample.damaged) return false;
        take(self, id, ts_ms, value);
    }
    return !at.damaged;
}

static void remote_write(ApiCall *call) {
    Intake intake = {.call = call};
    Buf bytes = {0};
    Error err = {0};
    Status st = snappy_read(call->http->request.body, UNPACKED_MAX, &bytes, &err);
    Proto at = proto_of(buf_str(&bytes));
    ProtoField field;
    while (!st && proto_next(&at, &field)) {
        if (field.number != 1 || field.wire != PROTO_BYTES) continue;  // metadata
        if (!take_series(&intake, field.bytes)) at.damaged = true;
    }
    if (!st) st = proto_end(&at, "a WriteRequest", &err);
    if (st) {
        api_fail_with(call, st, &err);
    } else {
        put_points(&intake);
        // Metrics that nobody has registered are no failure: Prometheus would drop the others too.
        if (call->http->status == 404 || call->http->status == 200) {
            call->http->status = 204;
            call->http->body.len = 0;
        }
    }
    buf_free(&bytes);
    buf_free(&intake.points);
}

const ApiRoute WATCH_POINT_ROUTES[] = {
    {"POST", "/v1/points", API_PLATFORM, push_points},
    {"POST", "/v1/history", API_PLATFORM, load_history},
    {"POST", "/v1/prometheus/write", API_PLATFORM, remote_write},
    {0},
};
