// Whether a model's predictions become worse: ADWIN over the error of each row, which is 0 or 1 of
// a class, and of a number its distance in fours of the labels' deviation, at most 1 (as the online
// learners have it, ml/online/online.c).
#include <math.h>

#include "base/bits.h"
#include "exec/evaluate.h"
#include "ml/online/adwin.h"

struct DriftWatch {
    MlTask task;
    Adwin error;
    double mean, squares, count;  // of the labels
};

static const double DELTA = 0.002;

DriftWatch *drift_watch_new(MlTask task) {
    DriftWatch *self = NEW(DriftWatch);
    self->task = task;
    self->error = adwin_make(DELTA);
    return self;
}

void drift_watch_free(DriftWatch *self) {
    mem_free(self);
}

void drift_watch_reset(DriftWatch *self) {
    *self = (DriftWatch){.task = self->task, .error = adwin_make(DELTA)};
}

static double error_of_class(const MlColumn *label, size_t truth, const MlColumn *out,
                             size_t said) {
    if (label->text && out->text) return !str_eq(label->text[truth], out->text[said]);
    if (label->text || out->text) return 1;
    return label->number[truth] != out->number[said];
}

static double error_of_number(DriftWatch *self, double label, double out) {
    double off = label - self->mean;
    self->mean += off / ++self->count;
    self->squares += off * (label - self->mean);
    double scale = 4 * sqrt(self->squares / self->count);
    return scale > 0 ? fmin(1, fabs(out - label) / scale) : 0;
}

bool drift_watch_rows(DriftWatch *self, const MlEvalBatch *batch) {
    int32_t found = ml_field(batch->out, batch->out_count, STR("prediction"));
    uint32_t at = found < 0 ? 0 : (uint32_t)found;
    const MlColumn *out = &batch->out_column[at], *label = batch->label_column;
    bool numbers = self->task == ML_REGRESSION || self->task == ML_FORECASTING, drifted = false;
    if (self->task != ML_CLASSIFICATION && !numbers) return false;
    if (!(out->number || out->text) || !(label->number || label->text)) return false;
    if (numbers && (out->text || label->text)) return false;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (label->valid && !bits_get(label->valid, row)) continue;
        if (out->valid && !bits_get(out->valid, row)) continue;
        size_t truth = (size_t)row * batch->label->width, said = (size_t)row * batch->out[at].width;
        double error = numbers ? error_of_number(self, label->number[truth], out->number[said])
                               : error_of_class(label, truth, out, said);
        double before = adwin_mean(&self->error);
        if (adwin_add(&self->error, error)) drifted |= adwin_mean(&self->error) > before;
    }
    return drifted;
}

static void codec_watch(Codec *codec, DriftWatch *self) {
    adwin_codec(&self->error, codec);
    codec_f64(codec, &self->mean);
    codec_f64(codec, &self->squares);
    codec_f64(codec, &self->count);
}

void drift_watch_save(DriftWatch *self, Buf *out) {
    codec_watch(&(Codec){.out = out, .what = "the watch of a model"}, self);
}

Status drift_watch_load(DriftWatch *self, Str bytes, Error *err) {
    Codec codec = {.in = bytes, .what = "the watch of a model"};
    codec_watch(&codec, self);
    return codec_end(&codec, err);
}
