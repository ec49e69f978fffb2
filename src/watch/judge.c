#include "watch/judge.h"

#include <math.h>

// ---- what the registry says --------------------------------------------------------------------

static DetectSettings settings_of(Watch *watch, const WatchMetric *metric,
                                  int64_t *silence_ms) {
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
    Status st = roster_labels(watch_roster(watch), metric, self->label_last, &arena, &label,
                              &count, err);
    for (uint32_t i = 0; !st && i < count; i++) {
        uint64_t number = label[i].alarm;
        if (!(number & WATCH_SILENCE_ALARM)) {
            detector_label(self->detector, number, LABELS[label[i].kind]);
        } else if (label[i].kind == WATCH_FALSE_ALARM) {
            silence_was_fine(&self->silence, number & ~WATCH_SILENCE_ALARM);
        }
        self->label_last = label[i].id;
    }
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

static Status take_up(Judge *self, Watch *watch, WatchMetric *metric, Error *err) {
    uint64_t version = atomic_load(&metric->version);
    if (self->detector && version == self->version) return ST_OK;
    DetectSettings settings = settings_of(watch, metric, &self->silence_ms);
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
    return patience_ms;
}

static JudgeMessage silence_message(Judge *self, DetectEvent event) {
    self->silence_told = event == DETECT_OPEN;
    if (self->silence_told) self->silence_seq = 0;
    return (JudgeMessage){.event = event, .alarm = self->silence.number,
                          .seq = ++self->silence_seq, .opened_ms = self->silence.opened_ms,
                          .silence = true};
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
    *message = message_of(self, verdict);
    if (verdict->flags & DETECT_DRIFT) roster_drifted(watch_roster(watch), metric);
    if (verdict->flags & DETECT_INVALID) return ST_OK;  // a metric that says nothing
    silence_heard(&self->silence, ts_ms,
                  silence_patience_ms(&self->silence, atomic_load(&metric->step_ms),
                                      self->silence_ms));
    (void)publish_silence(self, metric);
    // A point has one message; what is said of the value is more urgent.
    if (self->silence_told && message->event == DETECT_NONE) {
        *message = silence_message(self, DETECT_CLOSE);
    }
    return ST_OK;
}

Status judge_ask(Judge *self, Watch *watch, WatchMetric *metric, int64_t ts_ms,
                 DetectVerdict *verdict, JudgeMessage *message, Error *err) {
    TRY(take_up(self, watch, metric, err));
    *verdict = (DetectVerdict){.ts_ms = ts_ms, .actual = NAN, .forecast = NAN, .low = NAN,
                               .high = NAN, .alarm = self->alarm != 0};
    *message = (JudgeMessage){0};
    int64_t patience_ms = publish_silence(self, metric);
    if (self->silence_told && !self->silence.open) {  // a label has ended it
        *message = silence_message(self, DETECT_CLOSE);
    } else if (silence_asked(&self->silence, ts_ms, patience_ms)) {
        *message = silence_message(self, DETECT_OPEN);
        atomic_store(&metric->silent, true);
    }
    return ST_OK;
}

// ---- saving ------------------------------------------------------------------------------------

static void code(Codec *codec, Judge *self) {
    uint64_t label = (uint64_t)self->label_last, seq = (uint64_t)self->seq;
    uint64_t opened = (uint64_t)self->opened_ms;
    codec_u32(codec, &self->model_number);
    codec_u64(codec, &label);
    codec_u64(codec, &self->alarm);
    codec_u64(codec, &seq);
    codec_u64(codec, &opened);
    silence_code(codec, &self->silence);
    codec_bool(codec, &self->silence_told);
    uint64_t silence_seq = (uint64_t)self->silence_seq;
    codec_u64(codec, &silence_seq);
    self->silence_seq = (int64_t)silence_seq;
    codec_u32(codec, &self->points);
    for (uint32_t i = 0; i < JUDGE_WINDOW; i++) {
        JudgePoint *point = &self->recent[i];
        uint64_t ts = (uint64_t)point->ts_ms;
        codec_u64(codec, &ts);
        point->ts_ms = (int64_t)ts;
        codec_f64(codec, &point->value);
        codec_f64(codec, &point->forecast);
        codec_f64(codec, &point->low);
        codec_f64(codec, &point->high);
    }
    self->label_last = (int64_t)label;
    self->seq = (int64_t)seq;
    self->opened_ms = (int64_t)opened;
}

void judge_save(const Judge *self, Buf *out) {
    Judge copy = *self;
    Codec codec = {.out = out, .what = "a metric's state"};
    code(&codec, &copy);
    Buf detector = {0};
    if (self->detector) detector_save(self->detector, &detector);
    Str bytes = self->detector ? buf_str(&detector) : buf_str(&self->stored);
    codec_str(&codec, &bytes);
    buf_free(&detector);
}

Status judge_load(Judge *self, Str bytes, Error *err) {
    Arena arena = {0};
    Codec codec = {.in = bytes, .what = "a metric's state", .arena = &arena};
    Str detector = {0};
    code(&codec, self);
    codec_str(&codec, &detector);
    Status st = codec_end(&codec, err);
    if (!st) buf_put_str(&self->stored, detector);
    arena_clear(&arena);
    return st;
}

void judge_clear(Judge *self) {
    detector_free(self->detector);
    buf_free(&self->stored);
    *self = (Judge){0};
}
