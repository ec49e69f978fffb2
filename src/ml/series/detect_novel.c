// ml/series/detect_novel.c - verdicts on metrics of which nobody said what they are.
//
// The score is 1 and more where something new is told, and below 1 it ranks all other points by
// their surprise. An alarm is open while points lie far from all that the metric was; what is very
// new opens one, too, that closes with it.
//
// Points are judged in the order of their times, also those that share a slot: whoever does not say
// what a metric is may not have said what its step is, either.
#include <math.h>

#include "ml/series/detect_int.h"

static const double FAR = 1.5;  // spreads between the 5th and the 95th percentile, from the median
static const double BACK = 0.7;      // of that: closes
static const double VERY_NEW = 2;    // as NoveltyReading.first

void novel_begin(Detector *d) {
    bool wants = d->settings.direction == DETECT_ANY;
    if (wants == (d->novelty != NULL)) return;
    novelty_free(d->novelty);
    d->novelty = NULL;
    d->novel = false;
    d->novel_ms = INT64_MIN;
    if (!wants) return;
    int64_t points = SERIES_DAY_MS / d->settings.step_ms;
    d->novelty = novelty_new(points >= 4 ? (uint32_t)points : 0);
}

void novel_judge(Detector *d, double value, DetectVerdict *out) {
    NoveltyReading seen;
    if (out->flags & (DETECT_INVALID | DETECT_LATE) || out->ts_ms <= d->novel_ms) return;
    d->novel_ms = out->ts_ms;
    novelty_push(d->novelty, value, &seen);
    out->score = seen.first >= 1 ? seen.first : 0.99 * seen.surprise / NOVELTY_MAX;
    out->flags = (out->flags | DETECT_NOVEL) & ~(uint32_t)DETECT_EXCURSION;
    out->why = (DetectWhy){.points = 1, .deviation = (float)seen.distance};
    out->event = DETECT_NONE;
    if (!d->novel && (seen.distance >= FAR * d->bar || seen.first >= VERY_NEW * d->bar)) {
        d->novel = true;
        d->novel_begin = d->slot;
        d->alarms++;
        out->event = DETECT_OPEN;
    } else if (d->novel && seen.distance < BACK * FAR * d->bar) {
        d->novel = false;
        out->event = DETECT_CLOSE;
    }
    bool told = d->novel || out->event != DETECT_NONE;
    out->alarm = d->novel;
    out->alarm_id = told ? d->alarms : 0;
    out->begin_ms = told ? d->novel_begin * d->settings.step_ms : 0;
}

void novel_code(Codec *codec, Detector *d) {
    bool there = d->novelty != NULL;
    codec_bool(codec, &there);
    if (!codec->failed && there != (d->settings.direction == DETECT_ANY)) {
        codec_fail(codec, "the novelty and the direction do not go together");
    }
    if (!there || codec->failed) return;
    codec_i64(codec, &d->novel_ms);
    series_code_slot(codec, &d->novel_begin, d->settings.step_ms);
    codec_bool(codec, &d->novel);
    novelty_code(codec, &d->novelty);
}
