// ml/series/detect_taste.c - what people say about alarms, and what becomes of it:
// ml/series/taste.h by the features of a case that do not depend on the metric's unit.
#include "ml/series/detect_int.h"

// A drop and a rise have nothing in common; a share of a half more or less, a working day and a day
// of rest, six hours of the day are a distance of about one each.
static const double SIGN = 4, SHARE = 2, HOUR = 0.8, REST = 0.7, GROWTH = 1, WIDTH = 0.25;

void detect_case(const Detector *d, uint32_t lens, int sign, TasteCase *out) {
    WindowView view;
    window_view(d, lens, &view);
    double share = view.mean > 0 ? view.sum / view.mean - 1 : 0;
    double turn = 6.283185307179586 * d->moment.at_ms / SERIES_DAY_MS;
    const double x[TASTE_FEATURES] = {
        SIGN * sign, SHARE * fmax(-1, fmin(2, share)), HOUR * sin(turn), HOUR * cos(turn),
        d->moment.rest ? REST : 0, GROWTH * fmin(d->moment.growth, 1),
        WIDTH * log2((double)SERIES_LENS[lens].width)};
    for (uint32_t i = 0; i < TASTE_FEATURES; i++) out->x[i] = (float)x[i];
}

double detect_taste(const Detector *d, const TasteCase *at) {
    double bar = taste_bar(&d->taste, at);
    return d->model ? bar * taste_bar(&d->model->taste, at) : bar;
}

void told_open(Detector *d, const TasteCase *at, double score) {
    d->told[d->alarms % DETECT_TOLD] = (DetectTold){d->alarms, *at, (float)score};
}

void told_score(Detector *d, double score) {
    DetectTold *told = &d->told[d->alarms % DETECT_TOLD];
    if (told->alarm == d->alarms && score > (double)told->score) told->score = (float)score;
}

// An alarm that nobody remembers moves the bar for all.
static void label_unknown(Detector *d, DetectLabel label) {
    if (label == DETECT_FALSE_ALARM) d->bar = fmin(d->bar * 1.15, 1.6);
    if (label == DETECT_MISSED) d->bar = fmax(d->bar / 1.03, 0.8);
    if (label == DETECT_TRUE_ALARM) d->bar += (1 - d->bar) * 0.1;
}

void detector_label(Detector *d, uint64_t alarm_id, DetectLabel label) {
    const DetectTold *told = &d->told[alarm_id % DETECT_TOLD];
    bool known = alarm_id && told->alarm == alarm_id && !d->novelty && label != DETECT_MISSED;
    if (!known) label_unknown(d, label);
    else if (label == DETECT_FALSE_ALARM) taste_false(&d->taste, &told->at, (double)told->score);
    else taste_true(&d->taste, &told->at);
    if (label == DETECT_FALSE_ALARM && alarm_id == d->alarms) alarm_called_off(d);
}

void told_code(Codec *codec, Detector *d) {
    taste_code(codec, &d->taste);
    for (uint32_t i = 0; i < DETECT_TOLD; i++) {
        DetectTold *told = &d->told[i];
        codec_u64(codec, &told->alarm);
        series_code_f32s(codec, told->at.x, TASTE_FEATURES);
        series_code_f32s(codec, &told->score, 1);
        for (uint32_t f = 0; f < TASTE_FEATURES; f++) {
            if (!isfinite(told->at.x[f])) codec_fail(codec, "an alarm's number is not finite");
        }
    }
}
