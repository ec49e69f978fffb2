// Alarms, labels, promotions; platforms, calendars, figures.
#include "server/watch_api_int.h"
#include "watch/explain.h"
#include "watch/judge.h"

enum { LIMIT_MAX = 1000, LIMIT_DEFAULT = 100 };

// ---- alarms ------------------------------------------------------------------------------------

// {"alarms":[...], the object still open.
static void put_alarms(const WatchAlarm *alarm, uint32_t count, Buf *out) {
    buf_puts(out, "{\"alarms\":[");
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_putc(out, ',');
        buf_put_str(out, alarm[i].message);  // JSON already
    }
    buf_putc(out, ']');
}

static void list_alarms_of(ApiCall *call, const WatchMetric *metric) {
    WatchAlarm *alarm;
    uint32_t count;
    Error err = {0};
    int64_t limit = LIMIT_DEFAULT;
    Buf *out = &call->http->body;
    (void)str_to_i64(api_query(call, "limit"), &limit);
    if (limit < 1 || limit > LIMIT_MAX) limit = LIMIT_MAX;
    Status st = roster_alarms(watch_roster(call->api->watch), call->platform, metric,
                              api_query_time(call, "since", INT64_MIN), (uint32_t)limit,
                              call->arena, &alarm, &count, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    put_alarms(alarm, count, out);
    buf_putc(out, '}');
}

// All of them, page by page: by=id&after=….
static void list_alarms_by_id(ApiCall *call) {
    WatchAlarm *alarm;
    uint32_t count;
    Error err = {0};
    int64_t limit = LIMIT_DEFAULT;
    Buf *out = &call->http->body;
    (void)str_to_i64(api_query(call, "limit"), &limit);
    if (limit < 1 || limit > LIMIT_MAX) limit = LIMIT_MAX;
    Status st = roster_alarms_by_id(watch_roster(call->api->watch), call->platform,
                                    api_query(call, "after"), (uint32_t)limit, call->arena, &alarm,
                                    &count, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    put_alarms(alarm, count, out);
    if (count == limit) api_text(out, "after", alarm[count - 1].id);
    buf_putc(out, '}');
}

static void list_alarms(ApiCall *call) {
    if (str_is(api_query(call, "by"), "id")) list_alarms_by_id(call);
    else list_alarms_of(call, NULL);
}

static void list_metric_alarms(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    if (metric) list_alarms_of(call, metric);
}

// ---- labels ------------------------------------------------------------------------------------

static bool read_time(const JsonValue *object, const char *name, int64_t *out) {
    const JsonValue *value = json_member(object, str_c(name));
    return value && (json_is_number(value) || value->kind == JK_TEXT) &&
           watch_time_parse(value->text, out);
}

// {"alarm":"shop/orders/17","kind":"false_alarm"} or {"metric":…,"from":…,"to":…,"kind":"missed"}.
static bool put_label(ApiCall *call, const JsonValue *object) {
    WatchLabel label = {0};
    WatchMetric *metric;
    bool wrong = false;
    Error err = {0};
    Roster *roster = watch_roster(call->api->watch);
    Str alarm_id = api_member(object, "alarm", &wrong), kind = api_member(object, "kind", &wrong);
    label.note = api_member(object, "note", &wrong);
    while (WATCH_LABEL_KINDS[label.kind] && !str_eq(kind, str_c(WATCH_LABEL_KINDS[label.kind]))) {
        label.kind++;
    }
    if (wrong || !WATCH_LABEL_KINDS[label.kind]) {
        api_fail(call, 400, "a label's kind is true_alarm, false_alarm or missed", NULL);
        return false;
    }
    if (alarm_id.len) {
        WatchAlarm alarm;
        Status st = roster_alarm(roster, call->platform, alarm_id, call->arena, &alarm, &err);
        if (st) {
            api_fail(call, 404, err.message, err.hint);
            return false;
        }
        label.alarm = watch_alarm_number(alarm_id);
        label.from_ms = alarm.opened_ms;
        label.to_ms = alarm.ts_ms;
        metric = roster_metric_of(roster, alarm.key);
    } else {
        metric = api_metric(call, api_member(object, "metric", &wrong));
        if (!metric) return false;
        if (!read_time(object, "from", &label.from_ms) || !read_time(object, "to", &label.to_ms)) {
            api_fail(call, 400, "a label names an alarm, or a metric with from and to", NULL);
            return false;
        }
    }
    // The same label a second time differs in nothing but how far the alarm has come.
    if (label.alarm) label.to_ms = label.from_ms;
    Status st = roster_label_add(roster, metric, &label, &err);
    // The warden asks anew, and the judge takes the label up.
    if (!st && label.alarm & WATCH_SILENCE_ALARM) atomic_store(&metric->silent, false);
    if (st) api_fail_with(call, st, &err);
    return !st;
}

static void add_labels(ApiCall *call) {
    JsonValue *body = ARENA_NEW(call->arena, JsonValue);
    if (!api_body(call, true, body)) return;
    const JsonValue *list = body->kind == JK_ARRAY ? body : json_member(body, STR("labels"));
    if (!list) list = body;
    uint32_t count = list->kind == JK_ARRAY ? list->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!put_label(call, list->kind == JK_ARRAY ? &list->item[i] : list)) return;
    }
    buf_printf(&call->http->body, "{\"labels\":%u}", count);
}

static void list_labels(ApiCall *call) {
    Roster *roster = watch_roster(call->api->watch);
    WatchLabel *label;
    uint32_t count;
    Error err = {0};
    int64_t limit = LIMIT_DEFAULT, after = 0;
    Buf *out = &call->http->body;
    (void)str_to_i64(api_query(call, "limit"), &limit);
    (void)str_to_i64(api_query(call, "after"), &after);
    if (limit < 1 || limit > LIMIT_MAX) limit = LIMIT_MAX;
    Status st = roster_labels(roster, call->platform, NULL, after, (uint32_t)limit, call->arena,
                              &label, &count, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    buf_puts(out, "{\"labels\":[");
    for (uint32_t i = 0; i < count; i++) {
        const WatchMetric *metric = roster_metric_of(roster, label[i].key);
        if (!metric) continue;
        JudgeMessage named = {.alarm = label[i].alarm & ~(WATCH_SILENCE_ALARM | WATCH_RULE_ALARM),
                              .rule = (label[i].alarm & WATCH_RULE_ALARM) != 0,
                              .silence = (label[i].alarm & WATCH_SILENCE_ALARM) != 0};
        Buf id = {0};
        if (label[i].alarm) judge_print_id(metric, &named, &id);
        buf_printf(out, "%s{\"id\":%lld,\"kind\":\"%s\",\"from\":%lld,\"to\":%lld", i ? "," : "",
                   (long long)label[i].id, WATCH_LABEL_KINDS[label[i].kind],
                   (long long)label[i].from_ms, (long long)label[i].to_ms);
        api_text(out, "metric", metric->id);
        if (id.len) api_text(out, "alarm", buf_str(&id));
        api_text(out, "note", label[i].note);
        buf_putc(out, '}');
        buf_free(&id);
    }
    buf_putc(out, ']');
    if (count == limit) buf_printf(out, ",\"after\":%lld", (long long)label[count - 1].id);
    buf_putc(out, '}');
}

// ---- drill-down --------------------------------------------------------------------------------

static void put_dimension(const ExplainDimension *dimension, Buf *out) {
    buf_puts(out, "{\"dimension\":");
    json_print_text(dimension->dimension, 0, out);
    buf_printf(out, ",\"share\":%.4g,\"surprise\":%.4g,\"values\":[", dimension->share,
               dimension->surprise);
    for (uint32_t i = 0; i < dimension->values; i++) {
        const ExplainValue *value = &dimension->value[i];
        buf_puts(out, i ? ",{\"value\":" : "{\"value\":");
        json_print_text(value->value, 0, out);
        buf_printf(out, ",\"actual\":%.10g,\"expected\":%.6g,\"share\":%.4g}", value->actual,
                   value->expected, value->share);
    }
    buf_puts(out, "]}");
}

// Which values of which dimension explain what the metric did from …, to ….
static void show_drill(ApiCall *call) {
    WatchMetric *metric = api_metric(call, call->part[0]);
    Buf *out = &call->http->body;
    Explanation found;
    Error err = {0};
    if (!metric) return;
    int64_t from_ms = api_query_time(call, "from", INT64_MIN);
    int64_t to_ms = api_query_time(call, "to", INT64_MIN);
    if (from_ms == INT64_MIN || to_ms < from_ms) {
        api_fail(call, 400, "a drill-down has from and to", "an alarm's begin and ts");
        return;
    }
    Status st = watch_explain(call->api->watch, metric, from_ms, to_ms, call->arena, &found, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    if (!found.parts) {
        api_fail(call, 404, "the metric has no parts",
                 "register metrics with \"part_of\" and with labels: they are its dimensions");
        return;
    }
    buf_printf(out, "{\"parts\":%u,\"actual\":%.10g,\"expected\":%.6g,\"explained\":[", found.parts,
               found.actual, found.expected);
    for (uint32_t i = 0; i < found.dimensions; i++) {
        if (i) buf_putc(out, ',');
        put_dimension(&found.dimension[i], out);
    }
    buf_puts(out, "]}");
}

// ---- promotions --------------------------------------------------------------------------------

static bool put_promotion(ApiCall *call, const JsonValue *object) {
    WatchPromotion promotion = {0};
    bool wrong = false;
    Error err = {0};
    promotion.name = api_member(object, "name", &wrong);
    promotion.group = api_member(object, "group", &wrong);
    if (wrong || !read_time(object, "from", &promotion.from_ms) ||
        !read_time(object, "to", &promotion.to_ms)) {
        api_fail(call, 400, "a promotion has from and to",
                 "{\"name\":…,\"group\":…,\"from\":…,\"to\":…}");
        return false;
    }
    Status st = roster_promotion_add(watch_roster(call->api->watch), call->platform, &promotion,
                                     &err);
    if (st) api_fail_with(call, st, &err);
    return !st;
}

static void add_promotions(ApiCall *call) {
    JsonValue *body = ARENA_NEW(call->arena, JsonValue);
    if (!api_body(call, true, body)) return;
    const JsonValue *list = body->kind == JK_ARRAY ? body : json_member(body, STR("promotions"));
    if (!list) list = body;
    bool good = true;
    for (uint32_t i = 0; good && i < (list->kind == JK_ARRAY ? list->count : 1); i++) {
        good = put_promotion(call, list->kind == JK_ARRAY ? &list->item[i] : list);
    }
    watch_calendars_changed(call->api->watch, call->platform);
    if (good) buf_puts(&call->http->body, "{\"announced\":true}");
}

static void list_promotions(ApiCall *call) {
    WatchPromotion *promotion;
    uint32_t count;
    Error err = {0};
    Buf *out = &call->http->body;
    Status st = roster_promotions(watch_roster(call->api->watch), call->platform, NULL,
                                  call->arena, &promotion, &count, &err);
    if (st) {
        api_fail_with(call, st, &err);
        return;
    }
    buf_puts(out, "{\"promotions\":[");
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(out, "%s{\"from\":%lld,\"to\":%lld", i ? "," : "",
                   (long long)promotion[i].from_ms, (long long)promotion[i].to_ms);
        api_text(out, "name", promotion[i].name);
        api_text(out, "group", promotion[i].group);
        buf_putc(out, '}');
    }
    buf_puts(out, "]}");
}

const ApiRoute WATCH_ALARM_ROUTES[] = {
    {"GET", "/v1/alarms", API_PLATFORM, list_alarms},
    {"GET", "/v1/metrics/*/alarms", API_PLATFORM, list_metric_alarms},
    {"GET", "/v1/metrics/*/drill", API_PLATFORM, show_drill},
    {"POST", "/v1/labels", API_PLATFORM, add_labels},
    {"GET", "/v1/labels", API_PLATFORM, list_labels},
    {"POST", "/v1/promotions", API_PLATFORM, add_promotions},
    {"GET", "/v1/promotions", API_PLATFORM, list_promotions},
    {0},
};

// ---- platforms ---------------------------------------------------------------------------------

static int64_t whole_member(const JsonValue *object, const char *name, bool *wrong) {
    const JsonValue *value = json_member(object, str_c(name));
    int64_t number = 0;
    if (!value || value->kind == JK_NULL) return 0;
    if (!json_is_number(value) || !str_to_i64(value->text, &number) || number < 0) *wrong = true;
    return number;
}

static void put_platform(ApiCall *call) {
    JsonValue *body = ARENA_NEW(call->arena, JsonValue);
    bool wrong = false;
    Error err = {0};
    Buf token = {0}, *out = &call->http->body;
    if (!api_body(call, false, body)) return;
    PlatformSpec spec = {.name = api_member(body, "name", &wrong),
                         .topic = api_member(body, "topic", &wrong),
                         .webhook = api_member(body, "webhook", &wrong),
                         .metrics_max = whole_member(body, "metrics_max", &wrong),
                         .points_max = whole_member(body, "points_max", &wrong)};
    const JsonValue *rotate = json_member(body, STR("rotate"));
    if (wrong) {
        api_fail(call, 400, "a platform has name, topic, webhook, metrics_max, points_max", NULL);
        return;
    }
    Status st = roster_platform_put(watch_roster(call->api->watch), &spec,
                                    rotate && rotate->kind == JK_BOOLEAN && rotate->boolean,
                                    &token, &err);
    if (st) {
        api_fail_with(call, st, &err);
    } else {
        if (token.len) call->http->status = 201;
        buf_puts(out, "{\"name\":");
        json_print_text(spec.name, 0, out);
        if (token.len) api_text(out, "token", buf_str(&token));
        buf_putc(out, '}');
    }
    buf_free(&token);
}

static void list_platforms(ApiCall *call) {
    WatchPlatform **platform;
    Buf *out = &call->http->body;
    uint32_t count =
        roster_platforms(watch_roster(call->api->watch), call->arena, &platform);
    buf_puts(out, "{\"platforms\":[");
    for (uint32_t i = 0; i < count; i++) {
        const WatchPlatform *one = platform[i];
        buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        json_print_text(one->name, 0, out);
        api_text(out, "topic", str_c(atomic_load(&one->topic)));
        buf_printf(out, ",\"metrics\":%lld,\"metrics_max\":%lld,\"points_max\":%lld}",
                   (long long)atomic_load(&one->metrics), (long long)one->metrics_max,
                   (long long)one->points_max);
    }
    buf_puts(out, "]}");
}

static void put_calendar(ApiCall *call) {
    Error err = {0};
    Str csv = call->http->request.body;
    Status st = watch_calendar_check(csv, &err);
    if (!st) {
        st = roster_calendar_put(watch_roster(call->api->watch), call->part[0], csv, &err);
    }
    watch_calendars_changed(call->api->watch, NULL);
    if (st) api_fail_with(call, st, &err);
    else buf_puts(&call->http->body, "{\"stored\":true}");
}

static void show_calendar(ApiCall *call) {
    Error err = {0};
    Str csv;
    Status st = roster_calendar(watch_roster(call->api->watch), call->part[0], call->arena, &csv,
                                &err);
    if (st) {
        api_fail_with(call, st, &err);
    } else if (csv.len || watch_calendar_built_in(call->part[0], &call->http->body)) {
        call->http->type = "text/csv";
        buf_put_str(&call->http->body, csv);
    } else {
        api_fail(call, 404, "there is no calendar of that name",
                 "'china' is built in; PUT one, a line a day: 2025-10-01,holiday");
    }
}

// ---- figures -----------------------------------------------------------------------------------

static void show_health(ApiCall *call) {
    Error why = {0};
    if (watch_runs(call->api->watch, &why)) {
        buf_puts(&call->http->body, "{\"status\":\"ok\"}");
    } else {
        api_fail(call, 503, why.message[0] ? why.message : "the job does not run", why.hint);
    }
}

static void put_figure(Buf *out, const char *name, const char *kind, const char *help,
                       double value) {
    buf_printf(out, "# HELP weir_watch_%s %s\n# TYPE weir_watch_%s %s\nweir_watch_%s %.17g\n",
               name, help, name, kind, name, value);
}

static void show_figures(ApiCall *call) {
    Watch *watch = call->api->watch;
    Buf *out = &call->http->body;
    WatchPlatform **platform;
    HistoryFigures history = history_figures(watch_history(watch));
    WatchTrainerFigures trainer = watch_trainer_figures(watch);
    uint32_t count = roster_platforms(watch_roster(watch), call->arena, &platform);
    int64_t metrics = 0;
    uint64_t unknown = 0, refused = 0;
    for (uint32_t i = 0; i < count; i++) {
        metrics += atomic_load(&platform[i]->metrics);
        unknown += atomic_load(&platform[i]->points_unknown);
        refused += atomic_load(&platform[i]->points_refused);
    }
    call->http->type = "text/plain; version=0.0.4";
    put_figure(out, "running", "gauge", "1: the job runs.", watch_runs(watch, NULL));
    put_figure(out, "metrics", "gauge", "Registered metrics.", (double)metrics);
    put_figure(out, "points_total", "counter", "Points that came to the inbox.",
               (double)inbox_points(watch_inbox(watch)));
    put_figure(out, "points_unknown_total", "counter", "Points of nobody's metric.",
               (double)unknown);
    put_figure(out, "points_refused_total", "counter", "Points over a quota.", (double)refused);
    put_figure(out, "inbox_backlog_bytes", "gauge", "Not judged yet.",
               (double)inbox_backlog(watch_inbox(watch)));
    put_figure(out, "history_points", "gauge", "Points kept.", (double)history.points);
    put_figure(out, "history_block_points", "gauge", "Points in blocks.",
               (double)history.block_points);
    put_figure(out, "history_block_bytes", "gauge", "Bytes of blocks.",
               (double)history.block_bytes);
    put_figure(out, "history_journal_bytes", "gauge", "Bytes of the journal.",
               (double)history.journal_bytes);
    put_figure(out, "models_trained_total", "counter", "Models made.", (double)trainer.trained);
    put_figure(out, "models_failed_total", "counter", "Models not made though due.",
               (double)trainer.failed);
    put_figure(out, "models_due", "gauge", "Metrics that wait for a model.",
               (double)trainer.wait);
    put_figure(out, "train_seconds_total", "counter", "Time in training.", trainer.train_s);
    put_figure(out, "unauthorized_total", "counter", "Requests without the right token.",
               (double)atomic_load(&call->api->unauthorized));
}

const ApiRoute WATCH_ADMIN_ROUTES[] = {
    {"POST", "/v1/platforms", API_ADMIN, put_platform},
    {"GET", "/v1/platforms", API_ADMIN, list_platforms},
    {"PUT", "/v1/calendars/*", API_ADMIN, put_calendar},
    {"GET", "/v1/calendars/*", API_OPEN, show_calendar},
    {"GET", "/health", API_OPEN, show_health},
    {"GET", "/metrics", API_OPEN, show_figures},
    {0},
};
