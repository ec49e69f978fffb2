// ml/series/detect.h - judges the points of one metric as they come. What it keeps is small; what
// it knows about the metric is the SeriesModel that it was given last, and until there is one it
// goes by a level and a deviation of its own, and is slow to call anything wrong.
//
//     Detector *detector = detector_new(&settings);
//     detector_use(detector, model);
//     detector_push(detector, ts_ms, value, &verdict);
//
// How a verdict comes about is told in docs/watch.md. The same points give the same verdicts, bit
// for bit, also after detector_save and detector_load; nothing depends on clock or chance.
//
// Memory: about 5 KB, of direction any up to 14 KB more; none is asked for after detector_new.
// Threads: one at a time.
#pragma once

#include "ml/series/model.h"

// Any: nobody said what is wanted, or what the metric is. What is new to it is told then, and what
// is far from all it was (ml/series/novelty.h); the model, once there is one, only forecasts.
typedef enum DetectDirection {
    DETECT_BOTH, DETECT_DROP, DETECT_RISE, DETECT_ANY, DETECT_DIRECTIONS
} DetectDirection;
// High: one deviating point is enough. Middle: two in a row. Low: only a very large deviation.
typedef enum DetectSensitivity { DETECT_HIGH, DETECT_MIDDLE, DETECT_LOW } DetectSensitivity;

typedef struct DetectSettings {
    int64_t step_ms;  // the metric's granularity, > 0
    DetectDirection direction;
    DetectSensitivity sensitivity;
    SeriesCalendar *calendar;  // may be NULL; a reference is taken
} DetectSettings;

bool detect_direction_parse(Str text, DetectDirection *out);    // drop | rise | both | any
bool detect_sensitivity_parse(Str text, DetectSensitivity *out);  // high | middle | low

enum { DETECT_NORMAL_HOURS = 24 };  // an alarm that lasts so long is the new normal

typedef enum DetectEvent { DETECT_NONE, DETECT_OPEN, DETECT_UPDATE, DETECT_CLOSE } DetectEvent;

enum {                      // flags of a verdict
    DETECT_LATE = 1,        // older than the newest point: it fills its place, and is not judged
    DETECT_DUPLICATE = 2,   // its place was taken: nothing changes
    DETECT_FILLED = 4,      // points before it were missing and stood for by forecasts
    DETECT_COLD = 8,        // there is no model yet
    DETECT_INVALID = 16,    // not a number, or too large to be one: taken for missing
    DETECT_JUMP = 32,       // the clock went so far that the past says nothing: begun anew
    DETECT_EXCURSION = 64,  // far off in the direction that nobody wants to hear of
    DETECT_NOVEL = 128,     // judged by novelty: the direction is any
    DETECT_ACCEPTED =
        256,             // what was off has lasted so long that it is the new normal from here on
    DETECT_DRIFT = 512,  // the model does not fit any more, train another one; said once a day
    DETECT_PROMOTION = 1024,  // an announced promotion is on, or just over: a rise is no news
};

// The path to a decision. `points` is 0 as long as nothing deviates.
typedef struct DetectWhy {
    uint16_t points;     // width of the window that deviated most
    uint16_t since;      // points since its forecast was made: the fault is not in it
    uint8_t in_a_row;    // deviating points at the end, on the wanted side
    bool confirmed;      // the same time in earlier periods says so too
    uint16_t filled;     // points of the last ten that forecasts stood for
    float deviation;     // of the window from its forecast, in standard deviations, signed
    float earlier;       // of the window from the same time of earlier periods
    float share;         // actual / forecast of the window, minus 1
    float growth;        // what the holiday's coefficient multiplies by; 1: none
    float general;       // what the general network multiplies it by; 0 or 1: nothing
    float labels;        // what labels of such cases multiply the threshold by; 0 or 1: none
} DetectWhy;

typedef struct DetectVerdict {
    int64_t ts_ms;
    double actual, forecast, low, high;
    double score;      // finite, >= 0, comparable between metrics: 1 is where an alarm opens
    bool alarm;        // an alarm is open
    DetectEvent event;
    uint64_t alarm_id;  // counts from 1 in this detector; of the open or just closed alarm
    int64_t begin_ms;   // of that alarm: where the deviation seems to have begun
    uint32_t flags;
    DetectWhy why;
} DetectVerdict;

typedef struct Detector Detector;

Detector *detector_new(const DetectSettings *settings);
void detector_free(Detector *detector);  // NULL is fine
void detector_set(Detector *detector, const DetectSettings *settings);  // step_ms stays
// Takes a reference. The model must have the detector's step. NULL: back to the cold start. Where
// the level stands, an open alarm and a holiday's growth go on under another model.
void detector_use(Detector *detector, SeriesModel *model);
const SeriesModel *detector_model(const Detector *detector);
const DetectSettings *detector_settings(const Detector *detector);
uint64_t detector_alarms(const Detector *detector);  // opened so far

void detector_push(Detector *detector, int64_t ts_ms, double value, DetectVerdict *out);
// The forecast [ahead] steps after the newest point; false before anything is known.
bool detector_forecast(const Detector *detector, uint32_t ahead, DetectVerdict *out);

// Whoever wants to know what the general network is asked, or would be if there were one: each
// case, as the point at hand brings it, with its score before all doubts. Borrowed; it outlives the
// detector, and is not saved. For those who make lessons of cases.
typedef struct DetectEar {
    void (*hear)(void *arg, int64_t ts_ms, double score, const GeneralCase *at);
    void *arg;
} DetectEar;
void detector_listen(Detector *detector, const DetectEar *ear);

// What people say about alarms.
typedef enum DetectLabel { DETECT_TRUE_ALARM, DETECT_FALSE_ALARM, DETECT_MISSED } DetectLabel;
// A false alarm closes, if it is still open, and raises the bar against its like, a true one takes
// that back (ml/series/taste.h). What nobody noticed has no number, nor has what is too long ago:
// such labels move the bar for all a little, and say the rest in training (SeriesHistory.label).
void detector_label(Detector *detector, uint64_t alarm_id, DetectLabel label);

// The state and the settings; the model is saved apart (series_model_save) and given again.
void detector_save(const Detector *detector, Buf *out);
NODISCARD Status detector_load(Str bytes, SeriesModel *model, Detector **out, Error *err);
size_t detector_bytes(const Detector *detector);
