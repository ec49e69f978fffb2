// ml/series/learn.c - a detector with its own history, that trains itself.
#include "ml/series/learn.h"

#include <stdio.h>

#include "ml/series/series_int.h"

enum {
    FIRST_DAYS = 2, STEADY_DAYS = 28, AGAIN_DAYS = 14, KEPT_DAYS = 42,
    POINTS_MAX = 60480, STEP_POINTS = 12, LEARNER_MAGIC = 0x314c5357, LEARNER_VERSION = 2
};

struct Learner {
    LearnSettings settings;
    Detector *detector;   // owned; NULL while the step is not known
    // Before the step is known.
    int64_t first[STEP_POINTS];
    double first_value[STEP_POINTS];
    uint32_t firsts;
    // History: [count] points from slot [from], the last one the newest.
    float *value;
    int64_t from;
    uint32_t count, room, max;
    int64_t next;         // slot at which to train
    uint32_t trainings;
};

static void begin(Learner *self, int64_t step_ms) {
    DetectSettings settings = self->settings.detect;
    settings.step_ms = step_ms;
    self->detector = detector_new(&settings);
    detector_listen(self->detector, self->settings.ear);
    int64_t points = KEPT_DAYS * (int64_t)SERIES_DAY_MS / step_ms;
    self->max = self->settings.history_points_max ? self->settings.history_points_max
                : points < POINTS_MAX             ? (uint32_t)points
                                                  : POINTS_MAX;
    if (self->max < 512) self->max = 512;
}

Learner *learner_new(const LearnSettings *settings) {
    Learner *self = NEW(Learner);
    self->settings = *settings;
    (void)series_calendar_ref(self->settings.detect.calendar);
    if (settings->detect.step_ms > 0) begin(self, settings->detect.step_ms);
    return self;
}

void learner_free(Learner *self) {
    if (!self) return;
    detector_free(self->detector);
    series_calendar_unref(self->settings.detect.calendar);
    mem_free(self->value);
    mem_free(self);
}

// A quarter more than is trained on: what is too old goes a quarter at a time.
static uint32_t most_of(const Learner *self) {
    return self->max + self->max / 4;
}

// The newest slot is [slot].
static void keep(Learner *self, int64_t slot, float value) {
    if (!self->count || slot - (self->from + self->count) > self->max) {
        self->from = slot;
        self->count = 0;
    }
    if (slot < self->from) return;
    if (slot < self->from + self->count) {
        float *at = &self->value[slot - self->from];
        if (isnan(*at)) *at = value;
        return;
    }
    uint32_t more = (uint32_t)(slot - self->from - self->count) + 1;
    if (self->count + more > most_of(self)) {
        uint32_t drop = self->max / 4 > more ? self->max / 4 : more;
        if (drop > self->count) drop = self->count;
        memmove(self->value, self->value + drop, (self->count - drop) * sizeof *self->value);
        self->from += drop;
        self->count -= drop;
    }
    if (self->count + more > self->room) {
        uint32_t room = self->room ? self->room : 1024;
        while (room < self->count + more) room += room / 2 + 1;
        self->room = room;
        self->value = mem_realloc(self->value, room * sizeof *self->value);
    }
    while (--more) self->value[self->count++] = NAN;
    self->value[self->count++] = value;
}

static void train(Learner *self) {
    int64_t step = detector_settings(self->detector)->step_ms;
    uint32_t old = self->count > self->max ? self->count - self->max : 0;
    SeriesHistory history = {.from_ms = (self->from + old) * step, .step_ms = step,
                             .value = self->value + old, .count = self->count - old,
                             .calendar = self->settings.detect.calendar,
                             .nets = self->settings.nets,
                             .general = self->settings.general};
    SeriesModel *model;
    int64_t day = SERIES_DAY_MS / step > 0 ? SERIES_DAY_MS / step : 1;
    int64_t end = self->from + self->count;
    if (series_train(&history, &model, NULL)) {
        self->next = end + day / 2 + 1;
        return;
    }
    detector_use(self->detector, model);
    series_model_unref(model);
    self->trainings++;
    int64_t more = self->count < STEADY_DAYS * day ? self->count : AGAIN_DAYS * day;
    if (self->count < STEADY_DAYS * day && self->count + more > STEADY_DAYS * day) {
        more = STEADY_DAYS * day - self->count;
    }
    self->next = end + more;
}

static void push(Learner *self, int64_t ts_ms, double value, DetectVerdict *out) {
    detector_push(self->detector, ts_ms, value, out);
    if (self->settings.untrained || out->flags & (DETECT_DUPLICATE | DETECT_INVALID)) return;
    int64_t step = detector_settings(self->detector)->step_ms;
    int64_t slot = ts_ms / step - (ts_ms % step < 0), day = SERIES_DAY_MS / step;
    bool first = !self->count;
    keep(self, slot, (float)value);
    if (first || slot < self->next - 2 * self->max) {
        self->next = slot + FIRST_DAYS * (day > 0 ? day : 1) + 1;
        if (self->next < slot + 40) self->next = slot + 40;
    }
    if (out->flags & DETECT_DRIFT) self->next = slot;  // its model is of another time
    if (slot >= self->next) train(self);
}

// The step is the smallest distance that occurs twice, which a clock that shakes does not fool.
static int64_t step_of(const Learner *self) {
    int64_t best = 0;
    for (uint32_t i = 1; i < self->firsts; i++) {
        int64_t step = self->first[i] - self->first[i - 1];
        uint32_t times = 0;
        for (uint32_t j = 1; j < self->firsts; j++) {
            times += self->first[j] - self->first[j - 1] == step;
        }
        if (step > 0 && times > 1 && (!best || step < best)) best = step;
    }
    for (uint32_t i = 1; i < self->firsts && !best; i++) {
        if (self->first[i] > self->first[i - 1]) best = self->first[i] - self->first[i - 1];
    }
    return best ? best : 60000;
}

void learner_push(Learner *self, int64_t ts_ms, double value, DetectVerdict *out) {
    if (self->detector) {
        push(self, ts_ms, value, out);
        return;
    }
    self->first[self->firsts] = ts_ms;
    self->first_value[self->firsts++] = value;
    *out = (DetectVerdict){.ts_ms = ts_ms, .actual = value, .forecast = value, .low = value,
                           .high = value, .flags = DETECT_COLD};
    if (!(fabs(value) < HUGE_VAL)) {
        out->forecast = out->low = out->high = 0;
        out->flags |= DETECT_INVALID;
    }
    if (self->firsts < STEP_POINTS) return;
    begin(self, step_of(self));
    DetectVerdict ignored;
    for (uint32_t i = 0; i < self->firsts; i++) {
        push(self, self->first[i], self->first_value[i], &ignored);
    }
}

Detector *learner_detector(Learner *self) {
    return self->detector;
}
uint32_t learner_trainings(const Learner *self) {
    return self->trainings;
}

static void code_learner(Codec *codec, Learner *self) {
    uint32_t magic = LEARNER_MAGIC, version = LEARNER_VERSION;
    codec_u32(codec, &magic);
    codec_u32(codec, &version);
    if (magic != LEARNER_MAGIC) codec_fail(codec, "it is not a learning detector");
    if (version < 1 || version > LEARNER_VERSION)
        codec_fail(codec, "version %u is not known", version);
    LearnSettings *settings = &self->settings;
    int direction = (int)settings->detect.direction,
        sensitivity = (int)settings->detect.sensitivity;
    codec_i64(codec, &settings->detect.step_ms);
    codec_kind(codec, &direction, DETECT_DIRECTIONS);
    codec_kind(codec, &sensitivity, DETECT_LOW + 1);
    settings->detect.direction = (DetectDirection)direction;
    settings->detect.sensitivity = (DetectSensitivity)sensitivity;
    series_calendar_code(codec, &settings->detect.calendar);
    codec_u32(codec, &settings->history_points_max);
    codec_bool(codec, &settings->untrained);
    codec_count(codec, &self->firsts, STEP_POINTS, 0);
    for (uint32_t i = 0; i < self->firsts; i++) {
        series_code_slot(codec, &self->first[i], 1);
        codec_f64(codec, &self->first_value[i]);
    }
    codec_u32(codec, &self->max);
    codec_i64(codec, &self->from);
    codec_count(codec, &self->count, SERIES_POINTS_MAX, 4);
    if (codec_reads(codec)) {
        self->room = self->count;
        self->value = NEW_ARRAY(float, self->count + 1);
    }
    series_code_f32s(codec, self->value, self->count);
    codec_i64(codec, &self->next);
    codec_u32(codec, &self->trainings);
    if (version >= 2) {
        int nets = (int)settings->nets;
        codec_kind(codec, &nets, SERIES_NETS);
        settings->nets = (SeriesNetKind)nets;
    }
}

void learner_save(const Learner *self, Buf *out) {
    Learner copy = *self;
    Codec codec = {.out = out, .what = "the learning detector"};
    code_learner(&codec, &copy);
    bool detector = self->detector != NULL;
    bool model = detector && detector_model(self->detector);
    codec_bool(&codec, &detector);
    codec_bool(&codec, &model);
    Buf part = {0};
    if (model) {
        series_model_save(detector_model(self->detector), &part);
        codec_str(&codec, &(Str){part.ptr, (uint32_t)part.len});
        part.len = 0;
    }
    if (detector) {
        detector_save(self->detector, &part);
        codec_str(&codec, &(Str){part.ptr, (uint32_t)part.len});
    }
    buf_free(&part);
}

static Str take(Codec *codec) {
    uint32_t len = 0;
    codec_count(codec, &len, UINT32_MAX, 1);
    Str part = str_make(codec->in.ptr, len);
    codec->in = str_make(codec->in.ptr + len, codec->in.len - len);
    return part;
}

Status learner_load(Str bytes, Learner **out, Error *err) {
    Learner *self = NEW(Learner);
    SeriesModel *model = NULL;
    Codec codec = {.in = bytes, .what = "the learning detector"};
    code_learner(&codec, self);
    bool has_detector = false, has_model = false;
    codec_bool(&codec, &has_detector);
    codec_bool(&codec, &has_model);
    Str model_bytes = has_model ? take(&codec) : STR("");
    Str detector = has_detector ? take(&codec) : STR("");
    Status st = codec_end(&codec, err);
    if (!st && has_model) st = series_model_load(model_bytes, &model, err);
    if (!st && has_detector) st = detector_load(detector, model, &self->detector, err);
    series_model_unref(model);
    if (!st && self->detector) {
        int64_t most = INT64_MAX / 4 / detector_settings(self->detector)->step_ms;
        if (self->from < -most || self->from > most || self->count > most_of(self)) {
            st = error_set(err, ST_VALIDATION,
                           "the learning detector cannot be read: its history is out of range");
        }
    }
    if (!st && !has_detector && self->firsts >= STEP_POINTS) {
        st = error_set(err, ST_VALIDATION, "the learning detector cannot be read: no detector");
    }
    if (st) learner_free(self);
    else *out = self;
    return st;
}

size_t learner_bytes(const Learner *self) {
    size_t bytes = sizeof *self + (size_t)self->room * sizeof *self->value;
    if (self->detector) {
        bytes += detector_bytes(self->detector);
        if (detector_model(self->detector))
            bytes += series_model_bytes(detector_model(self->detector));
    }
    return bytes;
}
