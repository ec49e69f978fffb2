// ml/series/detect_int.h - the parts of a detector: detect.c (points, alarms), detect_level.c (what
// the mean is), detect_window.c (how far windows are off), detect_fit.c (whether the model still
// fits, and the change to another one), detect_taste.c (labels), detect_save.c (its bytes).
#pragma once

#include "ml/series/general.h"
#include "ml/series/net.h"
#include "ml/series/novelty.h"
#include "ml/series/series_int.h"

typedef enum DetectMode {
    MODE_NORMAL,
    MODE_ALARM,
    MODE_EXCURSION,  // far off, but nobody asked: as an alarm, without a word
    MODES
} DetectMode;

// What is kept of each of the last points. A point that is missing, or that an alarm took the
// credit from, has no mean and no value, so that it weighs nothing in any window.
typedef struct DetectRing {
    float value[SERIES_RING];
    float mean[SERIES_RING];    // the profile's: level 0
    float growth[SERIES_RING];  // how much of a holiday's growth was felt
    // The level, as it was known once the point was.
    float wander[SERIES_RING], drift[SERIES_RING], holiday[SERIES_RING];
} DetectRing;

// The level as a Kalman filter sees it: a wander that decays, a drift, the holiday's coefficient;
// and what is not known of them (ff fs fg ss sg gg).
typedef struct DetectLevel {
    double wander, drift, holiday;
    double p[6];
} DetectLevel;

typedef struct DetectAlarm {
    int64_t begin, opened;  // slots
    int8_t sign;            // of the deviation
    double got, expected;   // sums, the older the lighter
    double worst;           // share that it was off by, at its worst
} DetectAlarm;

// What was told not long ago, should somebody say what it was worth.
enum { DETECT_TOLD = 8 };
typedef struct DetectTold {
    uint64_t alarm;
    TasteCase at;   // as it opened
    float score;    // that it reached
} DetectTold;

struct Detector {
    DetectSettings settings;
    SeriesModel *model;  // shared; NULL: cold
    bool started;
    int64_t slot;      // of the newest point: its time / step
    uint32_t depth;    // slots that the ring knows
    uint32_t late;     // in a row
    int64_t late_slot;
    double bar;        // what people said of all: thresholds are multiplied by it
    Taste taste;       // what they said of cases
    DetectTold told[DETECT_TOLD];  // by number

    double unit;       // what values are divided by: whoever sends them changed theirs by this

    DetectLevel level;
    double mean_level;  // of days, without anomalies
    SeriesMoment moment;
    SeriesBase base;
    double unsure;      // of the profile, here and shortly before
    int32_t run;        // the holiday whose coefficient `level.holiday` is
    bool promoted;      // a promotion that was announced is on
    int64_t turned;     // slot at which the last one began or ended
    DetectRing ring;

    NetState *net;     // owned; NULL: the model has no network

    const DetectEar *ear;  // borrowed; NULL: nobody listens

    // Does the model still fit?
    double unrest;      // mean square of a point's deviation, over the last day
    uint32_t fitted;    // points that it is the mean of, up to a day's
    int64_t drifted;    // slot at which it was last said that it does not
    double off;         // share of the last day's points at which something was off

    DetectMode mode;
    DetectAlarm alarm;
    uint64_t alarms;
    int64_t closed;     // slot where the last alarm closed

    // Cold start.
    double cold_mean, cold_var;
    uint32_t cold_points, cold_row;

    // Direction any; else NULL.
    Novelty *novelty;   // owned
    int64_t novel_ms;   // time of the newest point that it has seen
    int64_t novel_begin;  // slot
    bool novel;         // an alarm of its is open

    // Derived from the model: not saved.
    float decay[SERIES_LENSES], lead[SERIES_LENSES];
    double step_decay;
    double quiet;  // the profile in the quietest hour, where levels are added; 0: hours are alike
    float deviation[SERIES_LENSES];
};

static inline uint32_t ring_at(int64_t slot) {
    return (uint32_t)((uint64_t)slot & (SERIES_RING - 1));
}

// -- detect_novel.c
void novel_begin(Detector *d);   // makes or frees what the direction asks for
void novel_judge(Detector *d, double value, DetectVerdict *out);
void novel_code(Codec *codec, Detector *d);

// -- detect_level.c
// A moment, with what is felt of a holiday in it, and what the model says of it.
void level_moment(const Detector *d, int64_t ts_ms, SeriesMoment *moment, SeriesBase *base);
void level_place(Detector *d, int64_t slot);  // the moment and what the model says of a slot
void level_begin(Detector *d, double level);
void level_derive(Detector *d);            // what follows from the model
void level_predict(Detector *d, bool midnight);
void level_learn(Detector *d, double value, double mean, double growth);  // one point's worth
// The filter again from the state after slot [from] - 1, through the points of the ring.
void level_again(Detector *d, int64_t from);
// Back to where the level was [since] slots ago, and its forecast from there.
void level_rewind(Detector *d, uint32_t since);
void level_keep(Detector *d);              // into the ring
double level_now(const Detector *d, double growth);
double level_variance(const Detector *d, double growth);
void level_settle(Detector *d);            // the mean of days follows
// An announced promotion is on, or its end so near that windows still hold some of it.
bool level_promoted(const Detector *d);
// The forecast of one point and its variance, noise and all.
double level_forecast(const Detector *d, double mean, double growth, double noise,
                      double *variance);
double level_noise(const Detector *d, double mean, double noise);

// -- detect_fit.c
void fit_begin(Detector *d);                        // a model was given
void fit_look(Detector *d, DetectVerdict *out);     // a point, healthy or not
void fit_learn(Detector *d, DetectVerdict *out);    // a healthy point
void fit_drifted(Detector *d, DetectVerdict *out);  // says so, once a day

// -- detect.c
// A side's loudest lens, in units of the threshold.
double detect_loudest(const Detector *d, int sign, uint32_t *lens);
void alarm_called_off(Detector *d);  // the open alarm was none

// -- detect_taste.c
void detect_case(const Detector *d, uint32_t lens, int sign, TasteCase *out);
double detect_taste(const Detector *d, const TasteCase *at);  // what its threshold is multiplied by
void told_open(Detector *d, const TasteCase *at, double score);  // the newest alarm
void told_score(Detector *d, double score);                      // goes on
void told_code(Codec *codec, Detector *d);

// -- detect_general.c
// [rest]: the deviation of the window without its worst point.
void detect_general_case(const Detector *d, uint32_t lens, int sign, double threshold,
                         const DetectWhy *why, double rest, GeneralCase *at);

// -- detect_window.c
typedef struct WindowView {
    double sum, mean, square;  // values; forecasts; squares of forecasts
    uint32_t points;
    double deviation;
} WindowView;
void window_scan(Detector *d);  // all lenses into d->deviation
void window_view(const Detector *d, uint32_t lens, WindowView *out);
// Of the last [width] points against the level as it stands (frozen, while something is off).
void window_recent(const Detector *d, uint32_t width, WindowView *out, double *variance);
// Of the ring's points from the lens' forecast, in deviations of a point's noise.
void window_residuals(const Detector *d, uint32_t lens, float *residual);  // [SERIES_RING]
// As window_view, without the point that deviates most to the side of [sign].
double window_without_worst(const Detector *d, uint32_t lens, int sign);
// Against the same time in earlier periods: the mean level of days.
double window_earlier(const Detector *d, uint32_t width);
