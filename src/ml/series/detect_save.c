// ml/series/detect_save.c - a detector's bytes: settings and state, not the model.
#include "ml/series/detect_int.h"

enum { STEP_DAYS_MAX = 36525, DETECTOR_MAGIC = 0x31445357, DETECTOR_VERSION = 4 };

static void code_f64s(Codec *codec, double *value, size_t count) {
    codec_f64s_at(codec, value, count);
    for (size_t i = 0; i < count; i++) {
        if (!codec->failed && !isfinite(value[i])) codec_fail(codec, "a number is not finite");
    }
}

// What version 1 did not have.
static void code_fit(Codec *codec, Detector *d) {
    codec_bool(codec, &d->promoted);
    codec_i64(codec, &d->turned);
    code_f64s(codec, &d->unrest, 1);
    codec_u32(codec, &d->fitted);
    codec_i64(codec, &d->drifted);
    told_code(codec, d);
    if (d->turned > d->slot || d->drifted > d->slot) codec_fail(codec, "a time is out of range");
}

// What follows from the past and the model is made again.
static void code_net(Codec *codec, Detector *d) {
    bool there = d->net != NULL;
    codec_bool(codec, &there);
    if (!there || codec->failed) return;
    if (codec_reads(codec)) d->net = NEW(NetState);
    net_past_code(codec, &d->net->past);
}

static void code_state(Codec *codec, Detector *d, uint32_t version) {
    codec_bool(codec, &d->started);
    series_code_slot(codec, &d->slot, d->settings.step_ms);
    codec_u32(codec, &d->depth);
    if (d->depth > SERIES_RING) codec_fail(codec, "the ring is larger than there are points");
    codec_u32(codec, &d->late);
    series_code_slot(codec, &d->late_slot, d->settings.step_ms);
    code_f64s(codec, &d->bar, 1);
    code_f64s(codec, &d->unsure, 1);
    code_f64s(codec, &d->unit, 1);
    if (!codec->failed && !(d->unit > 0)) codec_fail(codec, "its unit is not positive");
    code_f64s(codec, &d->level.wander, 1);
    code_f64s(codec, &d->level.drift, 1);
    code_f64s(codec, &d->level.holiday, 1);
    code_f64s(codec, d->level.p, 6);
    code_f64s(codec, &d->mean_level, 1);
    uint32_t run = (uint32_t)d->run;
    codec_u32(codec, &run);
    d->run = (int32_t)run;
    DetectRing *ring = &d->ring;
    float *const rings[] = {ring->value, ring->mean, ring->growth,
                            ring->wander, ring->drift, ring->holiday};
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        series_code_f32s(codec, rings[i], SERIES_RING);
    }
    int mode = (int)d->mode;
    codec_kind(codec, &mode, MODES);
    d->mode = (DetectMode)mode;
    series_code_slot(codec, &d->alarm.begin, d->settings.step_ms);
    series_code_slot(codec, &d->alarm.opened, d->settings.step_ms);
    uint8_t sign = (uint8_t)(d->alarm.sign + 1);
    codec_u8(codec, &sign);
    d->alarm.sign = sign == 0 ? -1 : sign == 1 ? 0 : 1;
    code_f64s(codec, &d->alarm.got, 1);
    code_f64s(codec, &d->alarm.expected, 1);
    code_f64s(codec, &d->alarm.worst, 1);
    codec_u64(codec, &d->alarms);
    codec_i64(codec, &d->closed);
    code_f64s(codec, &d->cold_mean, 1);
    code_f64s(codec, &d->cold_var, 1);
    codec_u32(codec, &d->cold_points);
    codec_u32(codec, &d->cold_row);
    novel_code(codec, d);
    if (version >= 2) code_fit(codec, d);
    if (version >= 3) code_net(codec, d);
    if (version >= 4) code_f64s(codec, &d->off, 1);
}

static void code_settings(Codec *codec, DetectSettings *settings) {
    codec_i64(codec, &settings->step_ms);
    if (settings->step_ms <= 0 || settings->step_ms > STEP_DAYS_MAX * (int64_t)SERIES_DAY_MS) {
        codec_fail(codec, "its step is %lld ms", (long long)settings->step_ms);
    }
    int direction = (int)settings->direction, sensitivity = (int)settings->sensitivity;
    codec_kind(codec, &direction, DETECT_DIRECTIONS);
    codec_kind(codec, &sensitivity, DETECT_LOW + 1);
    settings->direction = (DetectDirection)direction;
    settings->sensitivity = (DetectSensitivity)sensitivity;
    series_calendar_code(codec, &settings->calendar);
}

static void code_detector(Codec *codec, Detector *d) {
    uint32_t magic = DETECTOR_MAGIC, version = DETECTOR_VERSION;
    codec_u32(codec, &magic);
    codec_u32(codec, &version);
    if (magic != DETECTOR_MAGIC) codec_fail(codec, "it is not a detector");
    if (version < 1 || version > DETECTOR_VERSION)
        codec_fail(codec, "version %u is not known", version);
    code_settings(codec, &d->settings);
    code_state(codec, d, version);
}

void detector_save(const Detector *d, Buf *out) {
    Detector copy = *d;
    code_detector(&(Codec){.out = out, .what = "the detector"}, &copy);
}

Status detector_load(Str bytes, SeriesModel *model, Detector **out, Error *err) {
    Detector *d = NEW(Detector);
    d->turned = d->drifted = INT64_MIN / 2;
    Codec codec = {.in = bytes, .what = "the detector"};
    code_detector(&codec, d);
    Status st = codec_end(&codec, err);
    if (!st && model && model->step_ms != d->settings.step_ms) {
        st = error_set(err, ST_VALIDATION, "the model's step is not the detector's");
    }
    if (st) {
        detector_free(d);
        return st;
    }
    d->model = series_model_ref(model);
    net_state_use(&d->net, d->model, d->settings.calendar);
    if (d->model) {
        level_derive(d);
        if (d->started) level_place(d, d->slot);
    } else if (d->started) {
        d->moment.day = INT32_MIN;
    }
    *out = d;
    return ST_OK;
}

size_t detector_bytes(const Detector *d) {
    return sizeof *d + (d->net ? sizeof *d->net : 0) + (d->novelty ? novelty_bytes(d->novelty) : 0);
}
