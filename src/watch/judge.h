// watch/judge.h - a metric in the stream: its detector, what of the registry it has taken up, and
// the points that a message about it shows. The state of WATCH_JUDGE.
//
// A judge that was restored holds its bytes until the first point: only then is it known which
// watch it belongs to, and which model the bytes are of.
//
// Threads: one at a time.
#pragma once

#include "watch/rule.h"
#include "watch/silence.h"
#include "watch/watch.h"

enum { JUDGE_WINDOW = 10 };  // points that a message shows

typedef struct JudgePoint {
    int64_t ts_ms;
    double value, forecast, low, high;
} JudgePoint;

typedef struct Judge {
    Detector *detector;      // NULL: new, or restored and not yet looked at
    Buf stored;              // of the detector, then; else empty
    uint64_t version;        // of the metric, as far as it was taken up in this process
    uint32_t model_number;   // of the model that the detector uses
    int64_t label_last;      // labels up to it have been told to the detector
    uint64_t alarm;          // number of the alarm that is open; 0: none
    int64_t seq;             // messages about it
    int64_t opened_ms;
    Silence silence;
    int64_t silence_ms;      // as registered
    bool silence_told;       // that it is silent; not yet that it is so no more
    int64_t silence_seq;
    WatchRule *rule;              // owned; NULL: the detector's alarms are the metric's
    RuleState ruled;
    int sensitivity;         // as registered, for the rule
    uint32_t points;         // ever written to the ring
    JudgePoint recent[JUDGE_WINDOW];
} Judge;

// What is to be told of an alarm.
typedef struct JudgeMessage {
    DetectEvent event;
    uint64_t alarm;
    int64_t seq, opened_ms;
    bool silence;  // not of the values, but of their absence
    bool group;    // of all the group's
    bool rule;     // of a rule's
} JudgeMessage;

// ST_RUNTIME: the stored detector is damaged. message->event is DETECT_NONE nearly always.
NODISCARD Status judge_push(Judge *judge, Watch *watch, WatchMetric *metric, int64_t ts_ms,
                            double value, DetectVerdict *verdict, JudgeMessage *message,
                            Error *err);
// No point, but a question at [ts_ms], whether the metric has stopped to report. The verdict has
// no values.
NODISCARD Status judge_ask(Judge *judge, Watch *watch, WatchMetric *metric, int64_t ts_ms,
                           InboxQuestion question, DetectVerdict *verdict, JudgeMessage *message,
                           Error *err);
// What the registry says of a metric's detection; the calendar is a reference for the caller.
DetectSettings judge_settings(Watch *watch, const WatchMetric *metric, int64_t *silence_ms);
void judge_clear(Judge *judge);
void judge_save(const Judge *judge, Buf *out);
NODISCARD Status judge_load(Judge *judge, Str bytes, Error *err);

// {"id":"shop/orders/17","event":"open",…}: docs/watch-platform.md tells its members.
void judge_print(const Judge *judge, Watch *watch, WatchMetric *metric,
                 const DetectVerdict *verdict, const JudgeMessage *message, Buf *out);
// "shop/orders/42-17", the alarm's number behind the metric's key: whoever bears the name later has
// another key. A silence has an s before its number, a rule's alarm an r.
void judge_print_id(const WatchMetric *metric, const JudgeMessage *message, Buf *out);
