// What is told of an alarm, as JSON.
#include <math.h>

#include "base/json.h"
#include "type/datetime.h"
#include "watch/judge.h"

static const char *const EVENTS[] = {[DETECT_NONE] = "none", [DETECT_OPEN] = "open",
                                     [DETECT_UPDATE] = "update", [DETECT_CLOSE] = "close"};

void judge_print_id(const WatchMetric *metric, const JudgeMessage *message, Buf *out) {
    buf_printf(out, STR_FMT "/" STR_FMT "/%lld-%s%llu", STR_ARG(metric->platform->name),
               STR_ARG(metric->id), (long long)metric->key,
               message->silence ? "s"
               : message->rule  ? "r"
                                : "",
               (unsigned long long)message->alarm);
}

uint64_t watch_alarm_number(Str id) {
    int64_t number = 0;
    uint32_t at = id.len;
    while (at && id.ptr[at - 1] != '-' && id.ptr[at - 1] != '/') at--;
    bool silence = at < id.len && id.ptr[at] == 's', rule = at < id.len && id.ptr[at] == 'r';
    if (!str_to_i64(str_sub(id, at + (silence || rule), id.len), &number) || number <= 0) return 0;
    return (uint64_t)number | (silence ? WATCH_SILENCE_ALARM : rule ? WATCH_RULE_ALARM : 0);
}

static void put_name(const char *name, Buf *out) {
    buf_printf(out, ",\"%s\":", name);
}

static void put_text(const char *name, Str text, Buf *out) {
    put_name(name, out);
    json_print_text(text, 0, out);
}

static void put_number(double value, Buf *out) {
    if (isfinite(value)) buf_printf(out, "%.10g", value);
    else buf_puts(out, "null");
}

static void put_member(const char *name, double value, Buf *out) {
    put_name(name, out);
    put_number(value, out);
}

static void put_why(const DetectVerdict *verdict, Buf *out) {
    const DetectWhy *why = &verdict->why;
    buf_printf(out, ",\"why\":{\"points\":%u,\"since\":%u,\"in_a_row\":%u,\"confirmed\":%s",
               why->points, why->since, why->in_a_row, why->confirmed ? "true" : "false");
    put_member("deviation", (double)why->deviation, out);
    put_member("earlier", (double)why->earlier, out);
    put_member("share", (double)why->share, out);
    put_member("growth", (double)why->growth, out);
    put_member("general", why->general > 0 ? (double)why->general : 1, out);
    put_member("labels", why->labels > 0 ? (double)why->labels : 1, out);
    buf_printf(out, ",\"filled\":%u,\"cold\":%s}", why->filled,
               verdict->flags & DETECT_COLD ? "true" : "false");
}

// How many metrics a group has that is silent as a whole.
static uint32_t count_group(Roster *roster, const WatchMetric *metric) {
    uint32_t count = 0;
    for (int64_t key = 1; key <= roster_keys(roster); key++) {
        const WatchMetric *one = roster_metric_of(roster, key);
        count += one && !atomic_load(&one->gone) && !atomic_load(&one->paused) &&
                 atomic_load(&one->group) == atomic_load(&metric->group);
    }
    return count;
}

static void put_silence(const Judge *self, Watch *watch, const WatchMetric *metric,
                        const JudgeMessage *message, int64_t ts_ms, Buf *out) {
    int64_t step_ms = atomic_load(&metric->step_ms);
    const Silence *silence = &self->silence;
    int64_t patience_ms = silence_patience_ms(silence, step_ms, self->silence_ms);
    buf_printf(out, ",\"why\":{\"last\":%lld,\"silent_ms\":%lld", (long long)silence->begin_ms,
               (long long)(ts_ms - silence->begin_ms));
    if (patience_ms != INT64_MAX) buf_printf(out, ",\"patience_ms\":%lld", (long long)patience_ms);
    if (message->group) {
        buf_printf(out, ",\"group\":true,\"metrics\":%u",
                   count_group(watch_roster(watch), metric));
    }
    buf_putc(out, '}');
}

static void put_rule(Str rule, Buf *out) {
    buf_puts(out, ",\"why\":{\"rule\":");
    json_print_text(rule, 0, out);
    buf_putc(out, '}');
}

static double of_point(const JudgePoint *point, int which) {
    switch (which) {
        case 0: return (double)point->ts_ms;
        case 1: return point->value;
        case 2: return point->forecast;
        case 3: return point->low;
        default: return point->high;
    }
}

static void put_window(const Judge *self, Buf *out) {
    static const char *const NAMES[] = {"ts", "actual", "forecast", "low", "high"};
    uint32_t count = self->points < JUDGE_WINDOW ? self->points : JUDGE_WINDOW;
    buf_puts(out, ",\"window\":{");
    for (int which = 0; which < 5; which++) {
        buf_printf(out, "%s\"%s\":[", which ? "," : "", NAMES[which]);
        for (uint32_t i = 0; i < count; i++) {
            const JudgePoint *point = &self->recent[(self->points - count + i) % JUDGE_WINDOW];
            if (i) buf_putc(out, ',');
            if (which == 0) buf_printf(out, "%lld", (long long)point->ts_ms);
            else put_number(of_point(point, which), out);
        }
        buf_putc(out, ']');
    }
    buf_putc(out, '}');
}

// The same minutes of earlier days, which the decision was held against.
static void put_earlier(Watch *watch, const WatchMetric *metric, int64_t ts_ms, Buf *out) {
    static const int DAYS[] = {1, 7, 14};
    int64_t step_ms = atomic_load(&metric->step_ms), first_ms, last_ms;
    double value[JUDGE_WINDOW];
    bool any = false;
    if (!history_span(watch_history(watch), metric->key, &first_ms, &last_ms)) return;
    for (size_t d = 0; d < sizeof DAYS / sizeof *DAYS; d++) {
        int64_t from_ms = ts_ms - (JUDGE_WINDOW - 1) * step_ms - (int64_t)DAYS[d] * SERIES_DAY_MS;
        if (from_ms < first_ms) break;
        if (history_read(watch_history(watch), metric->key, step_ms, from_ms, JUDGE_WINDOW, value,
                         NULL)) {
            break;
        }
        buf_printf(out, "%s\"%dd\":[", any ? "," : ",\"earlier\":{", DAYS[d]);
        for (uint32_t i = 0; i < JUDGE_WINDOW; i++) {
            if (i) buf_putc(out, ',');
            put_number(value[i], out);
        }
        buf_putc(out, ']');
        any = true;
    }
    if (any) buf_putc(out, '}');
}

void judge_print(const Judge *self, Watch *watch, WatchMetric *metric,
                 const DetectVerdict *verdict, const JudgeMessage *message, Buf *out) {
    Arena arena = {0};
    Buf id = {0};
    MetricSpec spec = roster_spec(watch_roster(watch), metric, &arena);
    judge_print_id(metric, message, &id);
    buf_puts(out, "{\"id\":");
    json_print_text(buf_str(&id), 0, out);
    buf_printf(out, ",\"seq\":%lld,\"event\":\"%s\",\"kind\":\"%s\"", (long long)message->seq,
               EVENTS[message->event],
               message->silence ? "silence" : message->rule ? "rule" : "value");
    put_text("platform", metric->platform->name, out);
    put_text("metric", metric->id, out);
    if (spec.name.len) put_text("name", spec.name, out);
    if (spec.unit.len) put_text("unit", spec.unit, out);
    if (spec.group.len) put_text("group", spec.group, out);
    if (spec.labels.len) {
        put_name("labels", out);
        buf_put_str(out, spec.labels);
    }
    buf_printf(out, ",\"opened\":%lld,\"begin\":%lld,\"ts\":%lld", (long long)message->opened_ms,
               (long long)(message->silence ? self->silence.begin_ms
                           : message->rule  ? self->ruled.begin_ms
                                            : verdict->begin_ms),
               (long long)verdict->ts_ms);
    put_member("actual", verdict->actual, out);
    put_member("forecast", verdict->forecast, out);
    put_member("low", verdict->low, out);
    put_member("high", verdict->high, out);
    put_member("score", verdict->score, out);
    buf_printf(out, ",\"model\":%u", self->model_number);
    if (message->silence) put_silence(self, watch, metric, message, verdict->ts_ms, out);
    else if (message->rule) put_rule(spec.rule, out);
    else put_why(verdict, out);
    put_window(self, out);
    if (message->event != DETECT_CLOSE && !message->silence)
        put_earlier(watch, metric, verdict->ts_ms, out);
    buf_putc(out, '}');
    buf_free(&id);
    arena_clear(&arena);
}
