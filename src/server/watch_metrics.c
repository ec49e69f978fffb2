// Metrics: registered, listed, changed; and what is known of one.
#include "server/watch_api_int.h"
#include "spi/option.h"
#include "watch/outlook.h"
#include "watch/rule.h"

enum { METRICS_MAX = 100000, PAGE_MAX = 1000, PAGE_DEFAULT = 100, HISTORY_MAX = 100000,
       FORECAST_MAX = 1440, FORECAST_DEFAULT = 10 };

// ---- registration ------------------------------------------------------------------------------

// "60 s", "1 min", or a number of seconds.
static bool read_step(const JsonValue *value, int64_t *ms) {
    double seconds;
    if (!value) return false;
    if (json_is_number(value) && str_to_f64(value->text, &seconds)) {
        if (!(seconds > 0 && seconds < 1e9)) return false;
        *ms = (int64_t)(seconds * 1000);
        return true;
    }
    return value->kind == JK_TEXT && option_read_duration(value->text, ms);
}

static bool one_of(Str text, const char *const *words, int otherwise, int *out) {
    *out = otherwise;
    if (!text.len) return true;
    for (*out = 0; words[*out]; ++*out) {
        if (str_eq_nocase(text, str_c(words[*out]))) return true;
    }
    return false;
}

// "auto", "off", or a time as granularity has it.
static bool read_silence(const JsonValue *value, int64_t *ms) {
    *ms = 0;
    if (!value || value->kind == JK_NULL) return true;
    if (value->kind == JK_TEXT && str_eq_nocase(value->text, STR("auto"))) return true;
    if (value->kind == JK_TEXT && str_eq_nocase(value->text, STR("off"))) {
        *ms = -1;
        return true;
    }
    return read_step(value, ms) && *ms > 0;
}

// What is wrong with a metric as it was sent; NULL: nothing.
static const char *read_metric(ApiCall *call, const JsonValue *object, MetricSpec *out) {
    static const char *const IMPORTANCE[] = {"plain", "important", NULL};
    static const char *const MEMBERS[] = {"id", "name", "unit", "group", "calendar", "part_of",
                                          "rule", "direction", "sensitivity", "importance",
                                          "granularity", "silence", "labels", "paused", NULL};
    bool wrong = false;
    const JsonValue *labels = json_member(object, STR("labels"));
    if (object->kind != JK_OBJECT) return "a metric is a JSON object";
    for (uint32_t i = 0; i < object->count; i++) {
        int known;
        Str name = object->member[i].name;
        if (one_of(name, MEMBERS, 0, &known)) continue;
        return arena_printf(call->arena, "a metric has no member '" STR_FMT "'", STR_ARG(name));
    }
    *out = (MetricSpec){.id = api_member(object, "id", &wrong),
                        .name = api_member(object, "name", &wrong),
                        .unit = api_member(object, "unit", &wrong),
                        .group = api_member(object, "group", &wrong),
                        .calendar = api_member(object, "calendar", &wrong),
                        .part_of = api_member(object, "part_of", &wrong),
                        .rule = api_member(object, "rule", &wrong)};
    Str direction = api_member(object, "direction", &wrong);
    Str sensitivity = api_member(object, "sensitivity", &wrong);
    Str importance = api_member(object, "importance", &wrong);
    if (wrong) {
        return "its id, name, unit, group, calendar, part_of, rule, direction, sensitivity and"
               " importance should be texts";
    }
    if (!out->id.len) return "it has no id";
    if (!read_step(json_member(object, STR("granularity")), &out->step_ms)) {
        return "its granularity should be a number of seconds, or a text as '1 min'";
    }
    if (!one_of(direction, WATCH_DIRECTIONS, WATCH_BOTH, &out->direction)) {
        return "its direction should be both, rise or fall";
    }
    if (!one_of(sensitivity, WATCH_SENSITIVITIES, WATCH_MIDDLE, &out->sensitivity)) {
        return "its sensitivity should be high, middle or low";
    }
    if (!one_of(importance, IMPORTANCE, 0, &out->importance)) {
        return "its importance should be plain or important";
    }
    if (!read_silence(json_member(object, STR("silence")), &out->silence_ms)) {
        return "its silence should be auto, off, or a time as '10 min'";
    }
    if (labels && labels->kind != JK_NULL) {
        Buf text = {0};
        if (labels->kind != JK_OBJECT) return "its labels should be an object of texts";
        json_print(labels, 0, &text);
        out->labels = str_dup(call->arena, buf_str(&text));
        buf_free(&text);
    }
    return NULL;
}

// What is wrong with a rule; NULL: nothing.
static const char *rule_fault(ApiCall *call, Str text) {
    WatchRule *rule = NULL;
    Error err = {0};
    Status st = watch_rule_parse(text, &rule, &err);
    watch_rule_free(rule);
    return st ? arena_printf(call->arena, "%s; %s", err.message, err.hint) : NULL;
}

// "paused" is no part of what a metric is; said in a registration, it is done after it.
static Status set_pauses(ApiCall *call, const JsonValue *list, const MetricSpec *spec,
                         uint32_t count, Error *err) {
    Roster *roster = watch_roster(call->api->watch);
    for (uint32_t i = 0; i < count; i++) {
        const JsonValue *object = list->kind == JK_ARRAY ? &list->item[i] : list;
        const JsonValue *paused = json_member(object, STR("paused"));
        if (!paused || paused->kind != JK_BOOLEAN) continue;
        WatchMetric *metric = roster_metric(roster, call->platform, spec[i].id);
        if (metric && atomic_load(&metric->paused) != paused->boolean) {
            TRY(roster_metric_pause(roster, metric, paused->boolean, err));
        }
    }
    return ST_OK;
}

static void register_metrics(ApiCall *call) {
    JsonValue *body = ARENA_NEW(call->arena, JsonValue);
    if (!api_body(call, true, body)) return;
    const JsonValue *list = body->kind == JK_ARRAY ? body : json_member(body, STR("metrics"));
    if (!list) list = body;
    uint32_t count = list->kind == JK_ARRAY ? list->count : 1;
    Error err = {0};
    if (count > METRICS_MAX) {
        api_fail(call, 413, "more than 100000 metrics in a request", "send them in several");
        return;
    }
    MetricSpec *spec = ARENA_ARRAY(call->arena, MetricSpec, count + 1);
    Str calendar = STR("");  // that is known to be there
    for (uint32_t i = 0; i < count; i++) {
        const char *fault =
            read_metric(call, list->kind == JK_ARRAY ? &list->item[i] : list, &spec[i]);
        if (!fault && !str_eq(spec[i].calendar, calendar)) {
            calendar = spec[i].calendar;
            if (!watch_calendar_known(call->api->watch, calendar)) {
                fault = "there is no calendar of that name; 'china' is built in, PUT"
                        " /v1/calendars/NAME makes another";
            }
        }
        if (!fault && spec[i].rule.len) fault = rule_fault(call, spec[i].rule);
        if (!fault) continue;
        (void)error_set(&err, ST_VALIDATION, "metric %u%s" STR_FMT "%s: %s", i + 1,
                        spec[i].id.len ? " ('" : "", STR_ARG(spec[i].id),
                        spec[i].id.len ? "')" : "", fault);
        api_fail(call, 400, err.message, "none of the request's metrics was registered");
        return;
    }
    MetricCounts counts;
    Status st = roster_metrics_put(watch_roster(call->api->watch), call->platform, spec, count,
                                   &counts, &err);
    if (!st) st = set_pauses(call, list, spec, count, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    buf_printf(&call->http->body, "{\"added\":%u,\"updated\":%u,\"same\":%u}", counts.added,
               counts.updated, counts.same);
}

// ---- pages -------------------------------------------------------------------------------------

static void put_spec(const MetricSpec *spec, const WatchMetric *metric, Buf *out) {
    buf_puts(out, "{\"id\":");
    json_print_text(spec->id, 0, out);
    api_text(out, "name", spec->name);
    api_text(out, "unit", spec->unit);
    api_text(out, "group", spec->group);
    api_text(out, "calendar", spec->calendar);
    if (spec->part_of.len) api_text(out, "part_of", spec->part_of);
    if (spec->rule.len) api_text(out, "rule", spec->rule);
    buf_printf(out, ",\"granularity\":%g,\"direction\":\"%s\",\"sensitivity\":\"%s\"",
               (double)spec->step_ms / 1000, WATCH_DIRECTIONS[spec->direction],
               WATCH_SENSITIVITIES[spec->sensitivity]);
    if (spec->silence_ms > 0) buf_printf(out, ",\"silence\":%g", (double)spec->silence_ms / 1000);
    else buf_printf(out, ",\"silence\":\"%s\"", spec->silence_ms ? "off" : "auto");
    buf_printf(out, ",\"importance\":\"%s\",\"paused\":%s,\"labels\":" STR_FMT "}",
               spec->importance ? "important" : "plain",
               atomic_load(&metric->paused) ? "true" : "false",
               spec->labels.len ? (int)spec->labels.len : 2,
               spec->labels.len ? spec->labels.ptr : "{}");
}

// The page that is asked for: limit=…&after=…, a key.
static void page_of(ApiCall *call, int64_t *limit, int64_t *after) {
    *limit = PAGE_DEFAULT, *after = 0;
    (void)str_to_i64(api_query(call, "limit"), limit);
    (void)str_to_i64(api_query(call, "after"), after);
    if (*limit < 1 || *limit > PAGE_MAX) *limit = PAGE_MAX;
}

static void list_metrics(ApiCall *call) {
    Roster *roster = watch_roster(call->api->watch);
    Buf *out = &call->http->body;
    int64_t limit, after;
    page_of(call, &limit, &after);
    uint32_t count = 0;
    buf_printf(out, "{\"count\":%lld,\"metrics\":[",
               (long long)atomic_load(&call->platform->metrics));
    int64_t key = after + 1;
    for (; key <= roster_keys(roster) && count < limit; key++) {
        const WatchMetric *metric = roster_metric_of(roster, key);
        if (!metric || metric->platform != call->platform || atomic_load(&metric->gone)) continue;
        MetricSpec spec = roster_spec(roster, metric, call->arena);
        if (count++) buf_putc(out, ',');
        put_spec(&spec, metric, out);
    }
    buf_putc(out, ']');
    if (key <= roster_keys(roster)) buf_printf(out, ",\"after\":%lld", (long long)key - 1);
    buf_putc(out, '}');
}

static void show_metric(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    if (!metric) return;
    MetricSpec spec = roster_spec(watch_roster(call->api->watch), metric, call->arena);
    put_spec(&spec, metric, &call->http->body);
}

static void remove_metric(ApiCall *call) {
    Error err = {0};
    WatchMetric *metric = api_metric(call, call->part[0]);
    if (!metric) return;
    Status st = watch_metric_remove(call->api->watch, metric, &err);
    if (st) api_fail_with(call, st, &err);
    else buf_puts(&call->http->body, "{\"removed\":true}");
}

static void set_paused(ApiCall *call, bool paused) {
    Error err = {0};
    WatchMetric *metric = api_metric(call, call->part[0]);
    if (!metric) return;
    Status st = roster_metric_pause(watch_roster(call->api->watch), metric, paused, &err);
    if (st) api_fail_with(call, st, &err);
    else buf_printf(&call->http->body, "{\"paused\":%s}", paused ? "true" : "false");
}

static void pause_metric(ApiCall *call) {
    set_paused(call, true);
}
static void resume_metric(ApiCall *call) {
    set_paused(call, false);
}

static void retrain_metric(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    if (!metric) return;
    roster_drifted(watch_roster(call->api->watch), metric);
    buf_puts(&call->http->body, "{\"due\":true}");
}

// ---- what is known -----------------------------------------------------------------------------

static void put_point(const WatchPoint *point, Buf *out) {
    buf_printf(out, "{\"ts\":%lld,\"actual\":", (long long)point->ts_ms);
    api_number(out, point->value);
    buf_puts(out, ",\"forecast\":");
    api_number(out, point->forecast);
    buf_puts(out, ",\"low\":");
    api_number(out, point->low);
    buf_puts(out, ",\"high\":");
    api_number(out, point->high);
    buf_puts(out, ",\"score\":");
    api_number(out, point->score);
    buf_printf(out, ",\"alarm\":%s}", point->alarm ? "true" : "false");
}

static void put_status(ApiCall *call, WatchMetric *metric, Buf *out) {
    WatchPoint recent[WATCH_RECENT];
    int64_t first_ms = 0, last_ms = 0;
    bool any = history_span(watch_history(call->api->watch), metric->key, &first_ms, &last_ms);
    uint32_t count = roster_recent(watch_roster(call->api->watch), metric, recent);
    Roster *roster = watch_roster(call->api->watch);
    roster_lock(roster);
    uint32_t version = metric->model_version;
    bool wants = metric->wants_training;
    roster_unlock(roster);
    bool quiet = atomic_load(&metric->silent) || atomic_load(&metric->hushed);
    const char *state = atomic_load(&metric->paused)       ? "paused"
                        : quiet                            ? "silent"
                        : count && recent[count - 1].alarm ? "alarm"
                        : version                          ? "live"
                        : any                              ? "collecting"
                                                           : "silent";
    buf_puts(out, "{\"metric\":");
    json_print_text(metric->id, 0, out);
    buf_printf(out, ",\"state\":\"%s\",\"model\":%u,\"due\":%s", state, version,
               wants ? "true" : "false");
    if (any) {
        buf_printf(out, ",\"first\":%lld,\"last\":%lld", (long long)first_ms, (long long)last_ms);
    }
    if (count) {
        buf_puts(out, ",\"point\":");
        put_point(&recent[count - 1], out);
    }
    buf_putc(out, '}');
}

static void show_status(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    if (metric) put_status(call, metric, &call->http->body);
}

static void list_status(ApiCall *call) {
    Roster *roster = watch_roster(call->api->watch);
    Buf *out = &call->http->body;
    int64_t limit, after;
    page_of(call, &limit, &after);
    uint32_t count = 0;
    buf_puts(out, "{\"status\":[");
    int64_t key = after + 1;
    for (; key <= roster_keys(roster) && count < limit; key++) {
        WatchMetric *metric = roster_metric_of(roster, key);
        if (!metric || metric->platform != call->platform || atomic_load(&metric->gone)) continue;
        if (count++) buf_putc(out, ',');
        put_status(call, metric, out);
    }
    buf_putc(out, ']');
    if (key <= roster_keys(roster)) buf_printf(out, ",\"after\":%lld", (long long)key - 1);
    buf_putc(out, '}');
}

static void show_model(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    Str summary;
    Error err = {0};
    if (!metric) return;
    Status st = roster_model_summary(watch_roster(call->api->watch), metric, call->arena, &summary,
                                     &err);
    if (st) {
        api_fail_with(call, st, &err);
    } else if (!summary.len) {
        api_fail(call, 404, "the metric has no model yet",
                 "two days of points make one; POST /v1/history loads what there is");
    } else {
        roster_lock(watch_roster(call->api->watch));
        uint32_t version = metric->model_version;
        roster_unlock(watch_roster(call->api->watch));
        buf_printf(&call->http->body, "{\"version\":%u,\"model\":" STR_FMT "}", version,
                   STR_ARG(summary));
    }
}

// The network that the platform's metrics have in common.
static void show_general(ApiCall *call) {
    GeneralFacts facts;
    SeriesGeneral *net = watch_general(call->api->watch, call->platform, &facts);
    Buf *out = &call->http->body;
    buf_printf(out, "{\"version\":%u,\"number\":\"%016llx\",\"labels\":%u", facts.number,
               net ? (unsigned long long)general_number(net) : 0, facts.labels);
    if (facts.labels) {
        buf_printf(out, ",\"loss\":%.6g,\"loss_before\":%.6g", facts.loss[1], facts.loss[0]);
    }
    buf_putc(out, '}');
    general_unref(net);
}

// The models in use, one for each metric that has one: a page of them.
static void list_models(ApiCall *call) {
    Roster *roster = watch_roster(call->api->watch);
    Buf *out = &call->http->body;
    int64_t limit, after;
    page_of(call, &limit, &after);
    uint32_t count = 0;
    Error err = {0};
    buf_puts(out, "{\"models\":[");
    int64_t key = after + 1;
    for (; key <= roster_keys(roster) && count < limit; key++) {
        const WatchMetric *metric = roster_metric_of(roster, key);
        Str summary;
        if (!metric || metric->platform != call->platform || atomic_load(&metric->gone)) continue;
        Status st = roster_model_summary(roster, metric, call->arena, &summary, &err);
        if (st) {
            api_fail_with(call, st, &err);
            return;
        }
        if (!summary.len) continue;
        roster_lock(roster);
        uint32_t version = metric->model_version;
        roster_unlock(roster);
        buf_puts(out, count++ ? ",{\"metric\":" : "{\"metric\":");
        json_print_text(metric->id, 0, out);
        // The summary is an object: its members follow.
        buf_printf(out, ",\"version\":%u," STR_FMT, version,
                   STR_ARG(str_sub(summary, 1, summary.len)));
    }
    buf_putc(out, ']');
    if (key <= roster_keys(roster)) buf_printf(out, ",\"after\":%lld", (long long)key - 1);
    buf_putc(out, '}');
}

static void show_history(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    int64_t first_ms = 0, last_ms = 0;
    Error err = {0};
    Buf *out = &call->http->body;
    if (!metric) return;
    int64_t step_ms = atomic_load(&metric->step_ms);
    if (!history_span(watch_history(call->api->watch), metric->key, &first_ms, &last_ms)) {
        buf_puts(out, "{\"values\":[]}");
        return;
    }
    int64_t from_ms = api_query_time(call, "from", first_ms);
    int64_t to_ms = api_query_time(call, "to", last_ms + step_ms);
    from_ms -= from_ms % step_ms;
    int64_t count = to_ms > from_ms ? (to_ms - from_ms + step_ms - 1) / step_ms : 0;
    if (count > HISTORY_MAX) count = HISTORY_MAX;
    double *value = ARENA_ARRAY(call->arena, double, count + 1);
    Status st = history_read(watch_history(call->api->watch), metric->key, step_ms, from_ms,
                             (uint32_t)count, value, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    buf_printf(out, "{\"from\":%lld,\"step\":%lld,\"values\":[", (long long)from_ms,
               (long long)step_ms);
    for (int64_t i = 0; i < count; i++) {
        if (i) buf_putc(out, ',');
        api_number(out, value[i]);
    }
    buf_puts(out, "]}");
}

// Beyond the newest point.
static Status put_ahead(ApiCall *call, WatchMetric *metric, uint32_t ahead, Buf *out, Error *err) {
    DetectVerdict *verdict = ARENA_ARRAY(call->arena, DetectVerdict, ahead + 1);
    uint32_t count;
    TRY(watch_outlook(call->api->watch, metric, ahead, verdict, &count, err));
    buf_puts(out, ",\"ahead\":[");
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(out, "%s{\"ts\":%lld,\"forecast\":", i ? "," : "",
                   (long long)verdict[i].ts_ms);
        api_number(out, verdict[i].forecast);
        buf_puts(out, ",\"low\":");
        api_number(out, verdict[i].low);
        buf_puts(out, ",\"high\":");
        api_number(out, verdict[i].high);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return ST_OK;
}

static void show_forecast(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    WatchPoint recent[WATCH_RECENT];
    Buf *out = &call->http->body;
    int64_t ahead = FORECAST_DEFAULT;
    Error err = {0};
    if (!metric) return;
    (void)str_to_i64(api_query(call, "ahead"), &ahead);
    if (ahead < 0 || ahead > FORECAST_MAX) ahead = FORECAST_MAX;
    uint32_t count = roster_recent(watch_roster(call->api->watch), metric, recent);
    buf_puts(out, "{\"recent\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_putc(out, ',');
        put_point(&recent[i], out);
    }
    buf_putc(out, ']');
    Status st = put_ahead(call, metric, (uint32_t)ahead, out, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    buf_putc(out, '}');
}

const ApiRoute WATCH_METRIC_ROUTES[] = {
    {"POST", "/v1/metrics", API_PLATFORM, register_metrics},
    {"GET", "/v1/metrics", API_PLATFORM, list_metrics},
    {"GET", "/v1/metrics/*", API_PLATFORM, show_metric},
    {"DELETE", "/v1/metrics/*", API_PLATFORM, remove_metric},
    {"POST", "/v1/metrics/*/pause", API_PLATFORM, pause_metric},
    {"POST", "/v1/metrics/*/resume", API_PLATFORM, resume_metric},
    {"POST", "/v1/metrics/*/retrain", API_PLATFORM, retrain_metric},
    {"GET", "/v1/metrics/*/status", API_PLATFORM, show_status},
    {"GET", "/v1/status", API_PLATFORM, list_status},
    {"GET", "/v1/metrics/*/model", API_PLATFORM, show_model},
    {"GET", "/v1/models", API_PLATFORM, list_models},
    {"GET", "/v1/general", API_PLATFORM, show_general},
    {"GET", "/v1/metrics/*/history", API_PLATFORM, show_history},
    {"GET", "/v1/metrics/*/forecast", API_PLATFORM, show_forecast},
    {0},
};
