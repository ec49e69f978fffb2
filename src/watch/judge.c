#include "watch/judge.h"

#include <math.h>

// ---- what the registry says --------------------------------------------------------------------

DetectSettings judge_settings(Watch *watch, const WatchMetric *metric, int64_t *silence_ms) {
    static const DetectDirection DIRECTIONS[] = {[WATCH_BOTH] = DETECT_BOTH,
                                                 [WATCH_RISE] = DETECT_RISE,
                                                 [WATCH_FALL] = DETECT_DROP};
    static const DetectSensitivity SENSITIVITIES[] = {[WATCH_HIGH] = DETECT_HIGH,
                                                      [WATCH_MIDDLE] = DETECT_MIDDLE,
                                                      [WATCH_LOW] = DETECT_LOW};
    Roster *roster = watch_roster(watch);
    roster_lock(roster);
    DetectSettings settings = {.step_ms = metric->spec->step_ms,
                               .direction = DIRECTIONS[metric->spec->direction],
                               .sensitivity = SENSITIVITIES[metric->spec->sensitivity]};
    *silence_ms = metric->spec->silence_ms;
    roster_unlock(roster);
    settings.calendar = watch_calendar(watch, metric);
    return settings;
}

static Status tell_labels(Judge *self, Watch *watch, const WatchMetric *metric, Error *err) {
    Arena arena = {0};
    WatchLabel *label;
    uint32_t count;
    roster_lock(watch_roster(watch));
    bool any = metric->label_last > self->label_last;
    roster_unlock(watch_roster(watch));
    if (!any) return ST_OK;
    static const DetectLabel LABELS[] = {[WATCH_TRUE_ALARM] = DETECT_TRUE_ALARM,
                                         [WATCH_FALSE_ALARM] = DETECT_FALSE_ALARM,
                                         [WATCH_MISSED] = DETECT_MISSED};
    Status st = roster_labels(watch_roster(watch), metric->platform, metric, self->label_last,
                              ROSTER_ALL, &arena, &label, &count, err);
    for (uint32_t i = 0; !st && i < count; i++) {
        uint64_t number = label[i].alarm;
        if (number & WATCH_RULE_ALARM) continue;  // rules are people's: they learn nothing
        if (!(number & WATCH_SILENCE_ALARM)) {
            detector_label(self->detector, number, LABELS[label[i].kind]);
        } else if (label[i].kind == WATCH_FALSE_ALARM) {
            silence_was_fine(&self->silence, number & ~WATCH_SILENCE_ALARM);
        }
    }
    if (!st && count) self->label_last = label[count - 1].id;
    arena_clear(&arena);
    return st;
}

// The detector as it was saved, with the model that it had then: what it knows of the level is in
// that model's terms. It takes up a newer one as it would have done without the restart.
static Status wake(Judge *self, Watch *watch, WatchMetric *metric, const DetectSettings *settings,
                   Error *err) {
    if (!self->stored.len) {
        self->detector = detector_new(settings);
        self->model_number = 0;
        return ST_OK;
    }
    SeriesModel *model = self->model_number
                             ? watch_model_version(watch, metric, self->model_number)
                             : NULL;
    if (self->model_number && !model) {  // it is no more; the one in use is the most like it
        model = watch_model(watch, metric, &self->model_number);
    }
    if (model && model->step_ms != settings->step_ms) model = series_model_unref(model);
    Status st = detector_load(buf_str(&self->stored), model, &self->detector, err);
    buf_free(&self->stored);
    self->stored = (Buf){0};
    if (st) error_while(err, "restoring metric '" STR_FMT "'", STR_ARG(metric->id));
    if (!model) self->model_number = 0;
    (void)series_model_unref(model);
    return st;
}

// The registry has it parsed before; one that is not understood any more is none.
static void take_up_rule(Judge *self, Watch *watch, const WatchMetric *metric) {
    Arena arena = {0};
    Error err;
    MetricSpec spec = roster_spec(watch_roster(watch), metric, &arena);
    watch_rule_free(self->rule);
    self->rule = NULL;
    self->sensitivity = spec.sensitivity;
    if (spec.rule.len && watch_rule_parse(spec.rule, &self->rule, &err)) {
        watch_say(watch, "metric '" STR_FMT "': %s", STR_ARG(metric->id), err.message);
    }
    arena_clear(&arena);
}

static Status take_up(Judge *self, Watch *watch, WatchMetric *metric, Error *err) {
    uint64_t version = atomic_load(&metric->version);
    if (self->detector && version == self->version) return ST_OK;
    DetectSettings settings = judge_settings(watch, metric, &self->silence_ms);
    Status st = self->detector ? ST_OK : wake(self, watch, metric, &settings, err);
    if (!st && detector_settings(self->detector)->step_ms != settings.step_ms) {
        // Another granularity is another series.
        detector_free(self->detector);
        self->detector = detector_new(&settings);
        self->model_number = 0;
        self->alarm = 0;
        self->silence.points = 0;
    }
    if (!st) {
        detector_set(self->detector, &settings);
        uint32_t number;
        SeriesModel *model = watch_model(watch, metric, &number);
        if (model && number != self->model_number && model->step_ms == settings.step_ms) {
            detector_use(self->detector, model);
            self->model_number = number;
        }
        (void)series_model_unref(model);
        take_up_rule(self, watch, metric);
        st = tell_labels(self, watch, metric, err);
    }
    (void)series_calendar_unref(settings.calendar);
    if (!st) self->version = version;
    return st;
}

// ---- points ------------------------------------------------------------------------------------

static void remember(Judge *self, const DetectVerdict *verdict) {
    JudgePoint *point = &self->recent[self->points++ % JUDGE_WINDOW];
    *point = (JudgePoint){verdict->ts_ms, verdict->actual, verdict->forecast, verdict->low,
                          verdict->high};
}

// What the verdict means for those who are told: the detector's event, or the end of an alarm that
// a label has ended.
static JudgeMessage message_of(Judge *self, const DetectVerdict *verdict) {
    JudgeMessage message = {.event = verdict->event, .alarm = verdict->alarm_id};
    if (message.event == DETECT_NONE && self->alarm && !verdict->alarm) {
        message.event = DETECT_CLOSE;
        message.alarm = self->alarm;
    }
    if (message.event == DETECT_CLOSE && !self->alarm) message.event = DETECT_NONE;  // it is told
    if (message.event == DETECT_NONE) return message;
    if (message.event == DETECT_OPEN) {
        self->seq = 0;
        self->opened_ms = verdict->ts_ms;
    }
    self->alarm = message.event == DETECT_CLOSE ? 0 : message.alarm;
    message.seq = ++self->seq;
    message.opened_ms = self->opened_ms;
    return message;
}

// For the warden: whether it should ask.
static int64_t publish_silence(const Judge *self, WatchMetric *metric) {
    int64_t patience_ms =
        silence_patience_ms(&self->silence, atomic_load(&metric->step_ms), self->silence_ms);
    atomic_store_explicit(&metric->last_ms, self->silence.last_ms, memory_order_relaxed);
    atomic_store_explicit(&metric->patience_ms, patience_ms, memory_order_relaxed);
    atomic_store_explicit(&metric->silent, self->silence.open, memory_order_relaxed);
    atomic_store_explicit(&metric->speaks, self->silence.open && self->silence.group,
                          memory_order_relaxed);
    atomic_store_explicit(&metric->group_gap_ms, self->silence.group_gap_ms, memory_order_relaxed);
    return patience_ms;
}

static JudgeMessage silence_message(Judge *self, DetectEvent event) {
    self->silence_told = event == DETECT_OPEN;
    if (self->silence_told) self->silence_seq = 0;
    return (JudgeMessage){.event = event, .alarm = self->silence.number,
                          .seq = ++self->silence_seq, .opened_ms = self->silence.opened_ms,
                          .silence = true, .group = self->silence.group};
}

// The rule's word on a point, where the metric has one: the detector's is not told then.
static JudgeMessage rule_message(Judge *self, DetectVerdict *verdict) {
    RulePoint point = {verdict->actual, verdict->forecast, verdict->low, verdict->high,
                       verdict->score};
    RuleEvent event = RULE_NONE;
    if (!self->rule) event = watch_rule_end(&self->ruled);
    else if (!(verdict->flags & DETECT_INVALID)) {
        event = watch_rule_push(&self->ruled, watch_rule_holds(self->rule, &point), verdict->ts_ms,
                                self->sensitivity);
    }
    if (self->rule) verdict->alarm = self->ruled.open;
    if (event == RULE_NONE) return (JudgeMessage){0};
    return (JudgeMessage){.event = event == RULE_OPEN ? DETECT_OPEN : DETECT_CLOSE,
                          .alarm = self->ruled.number, .seq = self->ruled.seq,
                          .opened_ms = self->ruled.opened_ms, .rule = true};
}

Status judge_push(Judge *self, Watch *watch, WatchMetric *metric, int64_t ts_ms, double value,
                  DetectVerdict *verdict, JudgeMessage *message, Error *err) {
    TRY(take_up(self, watch, metric, err));
    *verdict = (DetectVerdict){0};
    detector_push(self->detector, ts_ms, value, verdict);
    *message = (JudgeMessage){0};
    // What is late or doubled was not judged: it says nothing about the alarm, either.
    if (verdict->flags & (DETECT_LATE | DETECT_DUPLICATE)) return ST_OK;
    remember(self, verdict);
    if (self->rule) {
        verdict->event = DETECT_NONE;
        verdict->alarm = false;
    }
    *message = message_of(self, verdict);
    // A point has one message: an alarm that a new rule puts an end to ends first.
    if (message->event == DETECT_NONE) *message = rule_message(self, verdict);
    if (verdict->flags & DETECT_DRIFT) roster_drifted(watch_roster(watch), metric);
    if (verdict->flags & DETECT_INVALID) return ST_OK;  // a metric that says nothing
    silence_heard(&self->silence, ts_ms,
                  silence_patience_ms(&self->silence, atomic_load(&metric->step_ms),
                                      self->silence_ms));
    (void)publish_silence(self, metric);
    // What is said of the value is more urgent.
    if (self->silence_told && message->event == DETECT_NONE) {
        *message = silence_message(self, DETECT_CLOSE);
    }
    return ST_OK;
}

Status judge_ask(Judge *self, Watch *watch, WatchMetric *metric, int64_t ts_ms,
                 InboxQuestion question, DetectVerdict *verdict, JudgeMessage *message,
                 Error *err) {
    TRY(take_up(self, watch, metric, err));
    *verdict = (DetectVerdict){.ts_ms = ts_ms, .actual = NAN, .forecast = NAN, .low = NAN,
                               .high = NAN, .alarm = self->alarm != 0};
    *message = (JudgeMessage){0};
    int64_t patience_ms = silence_patience_ms(&self->silence, atomic_load(&metric->step_ms),
                                              self->silence_ms);
    if (question == ASK_BACK) (void)silence_group_back(&self->silence);
    bool asks = question == ASK_SILENT || question == ASK_GROUP;
    if (self->silence_told && !self->silence.open) {  // somebody is back, or a label has ended it
        *message = silence_message(self, DETECT_CLOSE);
    } else if (asks && silence_asked(&self->silence, ts_ms, patience_ms, question == ASK_GROUP)) {
        *message = silence_message(self, DETECT_OPEN);
    }
    (void)publish_silence(self, metric);
    return ST_OK;
}

// ---- saving ------------------------------------------------------------------------------------

static void code(Codec *codec, Judge *self) {
    codec_u32(codec, &self->model_number);
    codec_i64(codec, &self->label_last);
    codec_u64(codec, &self->alarm);
    codec_i64(codec, &self->seq);
    codec_i64(codec, &self->opened_ms);
    silence_code(codec, &self->silence);
    codec_bool(codec, &self->silence_told);
    codec_i64(codec, &self->silence_seq);
    codec_u32(codec, &self->points);
    for (uint32_t i = 0; i < JUDGE_WINDOW; i++) {
        JudgePoint *point = &self->recent[i];
        codec_i64(codec, &point->ts_ms);
        codec_f64(codec, &point->value);
        codec_f64(codec, &point->forecast);
        codec_f64(codec, &point->low);
        codec_f64(codec, &point->high);
    }
}

void judge_save(const Judge *self, Buf *out) {
    Judge copy = *self;
    Codec codec = {.out = out, .what = "a metric's state"};
    code(&codec, &copy);
    Buf detector = {0};
    if (self->detector) detector_save(self->detector, &detector);
    Str bytes = self->detector ? buf_str(&detector) : buf_str(&self->stored);
    codec_str(&codec, &bytes);
    silence_group_code(&codec, &copy.silence);
    watch_rule_code(&codec, &copy.ruled);
    buf_free(&detector);
}

Status judge_load(Judge *self, Str bytes, Error *err) {
    Arena arena = {0};
    Codec codec = {.in = bytes, .what = "a metric's state", .arena = &arena};
    Str detector = {0};
    code(&codec, self);
    codec_str(&codec, &detector);
    if (codec.in.len) {  // older states end here
        silence_group_code(&codec, &self->silence);
        watch_rule_code(&codec, &self->ruled);
    }
    Status st = codec_end(&codec, err);
    if (!st) buf_put_str(&self->stored, detector);
    arena_clear(&arena);
    return st;
}

void judge_clear(Judge *self) {
    detector_free(self->detector);
    watch_rule_free(self->rule);
    buf_free(&self->stored);
    *self = (Judge){0};
}
