// watch/silence.h - whether a metric has stopped to report. A judge sees points; that none comes it
// is told by the warden (warden.c), which asks it through the inbox: the question is an entry like
// a point, so it is answered in the same order, by the same state, after any restart.
//
// How long a metric may be silent is its patience: what was registered for it, or five steps, or
// twice the longest gap of the last two to four weeks, whichever is longest. So a metric that has
// points only now and then, or none at night, is known for it. A gap that raised an alarm is
// learned only when it was the fourth within two weeks, or somebody called the alarm false.
//
// A group that falls silent as a whole is one alarm: the metric with the smallest key among those
// that could tell it speaks for all. It is over when any of them is heard.
//
// Pure: the same calls give the same answers. Times are event times.
#pragma once

#include "ml/codec.h"

enum { SILENCE_POINTS = 30 };  // before that nobody knows a metric's habits

typedef struct Silence {
    int64_t last_ms;        // the newest point
    int64_t gap_ms[2];      // the longest gap of this fortnight, and of the one before
    int64_t fortnight_ms;   // where this one began
    uint32_t points;        // SILENCE_POINTS at most
    uint32_t told;          // gaps of this fortnight that were beyond patience
    bool open;
    uint64_t number;        // alarms so far
    int64_t opened_ms;      // the newest of them
    int64_t begin_ms;       // the last point before it
    int64_t told_ms;        // its gap, as far as it has come
    bool group;             // it is, or was, the whole group's
    int64_t group_gap_ms;   // the longest silence of the group that was called fine
} Silence;

// How long after its newest point the metric is silent; INT64_MAX: never, or not known yet.
// [wanted_ms] as registered: 0 by habit, < 0 never.
int64_t silence_patience_ms(const Silence *silence, int64_t step_ms, int64_t wanted_ms);
// A point has come.
void silence_heard(Silence *silence, int64_t ts_ms, int64_t patience_ms);
// It is [ts_ms] now: true if that opens an alarm; [group]: its whole group's.
bool silence_asked(Silence *silence, int64_t ts_ms, int64_t patience_ms, bool group);
// Another metric of the group was heard: true if that ends the group's alarm.
bool silence_group_back(Silence *silence);
// Alarm [number] was false: it is over, and a gap as long is learned if it is the newest.
void silence_was_fine(Silence *silence, uint64_t number);
void silence_code(Codec *codec, Silence *silence);
void silence_group_code(Codec *codec, Silence *silence);  // what came later to the structure

// A metric as the warden sees it.
typedef struct SilenceView {
    int64_t now_ms;       // the clock
    int64_t group_ms;     // event time that two metrics of its group have reached
    int64_t last_ms;      // event time of its newest point
    int64_t step_ms, quiet_ms;
    int64_t patience_ms;  // 0: its judge has not said
    int64_t unheard_ms;   // by the clock: since a point came, or since the start
    int64_t rhythm_ms;    // by the clock: the longest time between two points
    int64_t asked_ms;  // by the clock: since it was asked, without a point since then; < 0: never
    bool silent;          // it has been told
} SilenceView;

// How long nothing of it must have come, by the clock, before it can be silent.
int64_t silence_wait_ms(const SilenceView *view);
// The time at which the metric's judge should be asked, or INT64_MIN: not now (warden.c).
int64_t silence_question(const SilenceView *view);
