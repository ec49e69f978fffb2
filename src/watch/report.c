// watch/report.c - collects what a report shows, and counts.
#include "watch/report.h"

#include <math.h>
#include <stdlib.h>

#include "watch/csv.h"
#include "watch/report_int.h"

enum { GRACE_MS = 300000, ECHO_MS = 1800000, LABELS_MAX = 1000000, AFTER_POINTS = 40 };

static ReportTrack *track_of(Report *self, Str name) {
    ReportTrack *track = map_get(&self->by_name, name);
    if (track) return track;
    track = ARENA_NEW(&self->arena, ReportTrack);
    track->name = str_dup(&self->arena, name);
    map_put(&self->by_name, name, track);
    return track;
}

// -- Labels ---------------------------------------------------------------------------------------

static Status on_label(void *arg, const Str *cell, Error *err) {
    Report *self = arg;
    int64_t begin_ms, end_ms;
    if (!replay_time_parse(cell[1], &begin_ms) || !replay_time_parse(cell[2], &end_ms)) {
        return error_set(err, ST_VALIDATION, "labels: '" STR_FMT "', '" STR_FMT "' are no times",
                         STR_ARG(cell[1]), STR_ARG(cell[2]));
    }
    ReportTrack *track = track_of(self, cell[0]);
    if (track->labels >= LABELS_MAX) return error_set(err, ST_VALIDATION, "too many labels");
    if (track->labels == track->label_room) {
        track->label_room = track->label_room ? track->label_room * 2 : 16;
        track->label = mem_realloc(track->label, track->label_room * sizeof *track->label);
    }
    track->label[track->labels++] = (ReportLabel){
        .begin_ms = begin_ms, .end_ms = end_ms, .type = str_dup(&self->arena, cell[3]),
        .incident = !str_is(cell[4], "benign"), .found_ms = -1};
    return ST_OK;
}

static int by_begin(const void *a, const void *b) {
    const ReportLabel *left = a, *right = b;
    return (left->begin_ms > right->begin_ms) - (left->begin_ms < right->begin_ms);
}

Status report_new(const ReportSettings *settings, Report **out, Error *err) {
    static const char *const METRIC[] = {"metric", NULL}, *const BEGIN[] = {"start", "begin", NULL},
                             *const END[] = {"end", NULL}, *const TYPE[] = {"type", NULL},
                             *const KIND[] = {"kind", NULL};
    const CsvColumn columns[] = {METRIC, BEGIN, END, TYPE, KIND};
    Report *self = NEW(Report);
    arena_init(&self->arena);
    self->title = str_dup(&self->arena, str_c(settings->title));
    self->after_ms = settings->after_ms;
    self->labelled = settings->labels.len > 0;
    Status st = ST_OK;
    if (self->labelled) st = csv_each(settings->labels, columns, 5, 3, on_label, self, err);
    for (uint32_t i = 0; i < self->by_name.count; i++) {
        ReportTrack *track = self->by_name.entry[i].value;
        qsort(track->label, track->labels, sizeof *track->label, by_begin);
    }
    if (st) report_free(self);
    else *out = self;
    return st;
}

void report_free(Report *self) {
    if (!self) return;
    for (uint32_t i = 0; i < self->by_name.count; i++) {
        mem_free(((ReportTrack *)self->by_name.entry[i].value)->label);
    }
    for (uint32_t i = 0; i < self->cards; i++) mem_free(self->card[i]->point);
    mem_free(self->card);
    map_clear(&self->by_name);
    arena_clear(&self->arena);
    mem_free(self);
}

// -- Cards ----------------------------------------------------------------------------------------

static void card_add(ReportCard *card, const ReportPoint *point) {
    if (card->points >= REPORT_POINTS_MAX) return;
    if (card->points == card->room) {
        card->room = card->room ? card->room * 2 : 2 * REPORT_BEFORE;
        card->point = mem_realloc(card->point, card->room * sizeof *card->point);
    }
    card->point[card->points++] = *point;
}

static ReportCard *card_new(Report *self, ReportTrack *track, int64_t step_ms) {
    uint32_t place = 0;
    while (place < REPORT_OPEN_MAX && track->open[place]) place++;
    if (place == REPORT_OPEN_MAX || self->cards >= REPORT_CARDS_MAX) {
        self->passed_over++;
        return NULL;
    }
    if (self->cards == self->card_room) {
        self->card_room = self->card_room ? self->card_room * 2 : 64;
        self->card = mem_realloc(self->card, self->card_room * sizeof(ReportCard *));
    }
    ReportCard *card = ARENA_NEW(&self->arena, ReportCard);
    card->track = track;
    card->step_ms = step_ms;
    card->until_ms = INT64_MAX;
    uint64_t before = track->seen < REPORT_BEFORE ? track->seen : REPORT_BEFORE;
    for (uint64_t i = track->seen - before; i < track->seen; i++) {
        card_add(card, &track->ring[i % REPORT_BEFORE]);
    }
    track->open[place] = card;
    self->card[self->cards++] = card;
    return card;
}

// The label that an alarm at this time speaks of: an incident before anything harmless.
static ReportLabel *label_at(ReportTrack *track, int64_t ts_ms, ReportKind *kind) {
    ReportLabel *harmless = NULL;
    *kind = REPORT_FALSE;
    for (uint32_t i = 0; i < track->labels; i++) {
        ReportLabel *label = &track->label[i];
        if (label->begin_ms > ts_ms) break;
        if (!label->incident && ts_ms <= label->end_ms + GRACE_MS) harmless = label;
        if (!label->incident || ts_ms > label->end_ms + ECHO_MS) continue;
        *kind = REPORT_TRUE;
        if (ts_ms <= label->end_ms + GRACE_MS && label->found_ms < 0) label->found_ms = ts_ms;
        return label;
    }
    return harmless;
}

static void on_open(Report *self, ReportTrack *track, const ReplayPoint *point) {
    int64_t step_ms = detector_settings(learner_detector(point->metric->learner))->step_ms;
    ReportKind kind = REPORT_UNLABELLED;
    ReportLabel *label = self->labelled ? label_at(track, point->ts_ms, &kind) : NULL;
    ReportCard *card = card_new(self, track, step_ms);
    if (!card) return;
    card->verdict = point->verdict;
    card->kind = kind;
    card->label = label;
}

// An incident that nobody has called yet by its end, or by then in the course of things.
static void on_missed(Report *self, ReportTrack *track, const ReplayPoint *point) {
    while (track->next_label < track->labels) {
        ReportLabel *label = &track->label[track->next_label];
        if (point->ts_ms < label->begin_ms) return;
        track->next_label++;
        if (!label->incident || label->begin_ms < self->after_ms) continue;
        ReportCard *card = card_new(self, track, 60000);
        if (!card) continue;
        card->kind = REPORT_MISSED;  // until an alarm opens
        card->label = label;
        card->verdict.ts_ms = label->begin_ms;
        card->until_ms = label->end_ms + ECHO_MS;
    }
}

static void collect(ReportTrack *track, const ReportPoint *point, const DetectVerdict *verdict) {
    for (uint32_t i = 0; i < REPORT_OPEN_MAX; i++) {
        ReportCard *card = track->open[i];
        if (!card) continue;
        card_add(card, point);
        card->verdict.score = fmax(card->verdict.score, verdict->score);
        bool its = card->kind != REPORT_MISSED && card->verdict.alarm_id == verdict->alarm_id;
        if (its && verdict->event == DETECT_CLOSE) {
            card->close_ms = point->ts_ms;
            card->until_ms = point->ts_ms + AFTER_POINTS * card->step_ms;
        }
        if (point->ts_ms >= card->until_ms) track->open[i] = NULL;
    }
}

Status report_point(void *arg, const ReplayPoint *point, Error *err) {
    (void)err;
    Report *self = arg;
    const DetectVerdict *verdict = &point->verdict;
    ReportTrack *track = point->metric->mark;
    if (!track) {
        track = track_of(self, point->metric->name);
        ((ReplayMetric *)(uintptr_t)point->metric)->mark = track;
        track->settings = point->metric->settings.detect;
    }
    if (verdict->flags & (DETECT_LATE | DETECT_DUPLICATE)) return ST_OK;
    if (point->ts_ms >= self->after_ms) {
        if (!track->first_ms) track->first_ms = point->ts_ms;
        track->last_ms = point->ts_ms;
        on_missed(self, track, point);
        if (verdict->event == DETECT_OPEN) on_open(self, track, point);
    }
    ReportPoint at = {point->ts_ms, (float)verdict->actual, (float)verdict->forecast,
                      (float)verdict->low, (float)verdict->high};
    collect(track, &at, verdict);
    track->ring[track->seen++ % REPORT_BEFORE] = at;
    return ST_OK;
}

// -- Figures --------------------------------------------------------------------------------------

static int by_size(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

void report_figures(Report *self, ReportFigures *out) {
    *out = (ReportFigures){0};
    Buf delays = {0};
    for (uint32_t i = 0; i < self->by_name.count; i++) {
        const ReportTrack *track = self->by_name.entry[i].value;
        out->metric_weeks += (double)(track->last_ms - track->first_ms) / (7.0 * SERIES_DAY_MS);
        for (uint32_t j = 0; j < track->labels; j++) {
            const ReportLabel *label = &track->label[j];
            if (!label->incident || label->begin_ms < self->after_ms || !track->seen) continue;
            out->incidents++;
            if (label->found_ms < 0) continue;
            out->found++;
            double delay = (double)(label->found_ms - label->begin_ms) / 1000;
            buf_put(&delays, &delay, sizeof delay);
        }
    }
    for (uint32_t i = 0; i < self->cards; i++) {
        ReportKind kind = self->card[i]->kind;
        out->alarms += kind != REPORT_MISSED;
        out->false_alarms += kind == REPORT_FALSE;
    }
    if (out->incidents) out->recall = (double)out->found / out->incidents;
    uint32_t both = out->found + out->false_alarms;
    if (both) out->precision = (double)out->found / both;
    if (out->metric_weeks > 0) out->false_per_week = out->false_alarms / out->metric_weeks;
    size_t count = delays.len / sizeof(double);
    if (count) {
        double *delay = (double *)(void *)delays.ptr;
        qsort(delay, count, sizeof *delay, by_size);
        out->delay_s = (delay[(count - 1) / 2] + delay[count / 2]) / 2;
    }
    buf_free(&delays);
}
