// ml/series/model.h - what is known about one metric: trained from history, never changed after,
// shared by whoever judges points with it.
//
//     SeriesModel *model;
//     TRY(series_train(&history, &model, err));  // ST_RUNTIME: not enough history, and why
//     detector_use(detector, model);
//     series_model_unref(model);
//
// A point is thought of as  profile(time) * exp(level)  (or profile + level, if not `scaled`) and
// noise. The profile is the shape of the day, of work and of rest days, and a factor for each day
// of the week; or the shape of another period. The level moves: a wander that goes back to nothing
// within hours, a drift that does not, and on holidays a growth. What is known of the noise is its
// variance as a function of the mean: of counts it is Poisson's and a little more, of rates that of
// the time of day, of latencies a share of the mean.
//
// Threads: counted references, no locks; anyone may read.
#pragma once

#include "ml/series/calendar.h"
#include "ml/series/general.h"
#include "ml/series/taste.h"

enum {
    SERIES_KNOTS_MAX = 144,     // of a day: ten minutes, over which no business changes its mind
    SERIES_PERIOD_MAX = 2880,   // of another period, in steps
    SERIES_HOURS = 24,
    SERIES_LENSES = 16,         // detect.h: windows that are looked through
    SERIES_POINTS_MAX = 1 << 22,
};

typedef enum SeriesClass {
    SERIES_CONSTANT,    // one value, but for a few points
    SERIES_STATIONARY,  // a level that stands
    SERIES_PERIODIC,    // a day, or another period, explains most of it
    SERIES_APERIODIC,   // it moves, and no period explains it
    SERIES_SPIKY,       // bursts over a floor: judged by distribution
    SERIES_CLASSES
} SeriesClass;
const char *series_class_name(SeriesClass kind);

// Networks that training may try to do better than the profile with (ml/series/net.h); the LSTM
// beside the dense one. What a model has says what won.
typedef enum SeriesNetKind {
    SERIES_NET_NONE,
    SERIES_NET_DENSE,
    SERIES_NET_LSTM,
    SERIES_NETS
} SeriesNetKind;
const char *series_net_name(SeriesNetKind kind);
bool series_net_parse(Str text, SeriesNetKind *out);  // none | dense | lstm
typedef struct SeriesNet SeriesNet;

typedef struct SeriesModel {
    _Atomic uint32_t refs;
    int64_t step_ms;
    int64_t zone_ms;
    SeriesClass kind;
    bool counts;   // whole numbers, never negative
    bool scaled;   // the level multiplies the profile; else it is added
    // A ceiling that is often reached (100 % of requests succeed): what is modelled is what lacks,
    // and all below, but for low and high, speaks of that. 0: none.
    double ceiling;
    int64_t from_ms, to_ms;  // the history; to_ms is outside
    uint32_t points;         // of it that were there

    // The profile: logarithms if scaled.
    uint32_t knots;           // of a day; 0: flat, or another period
    float *knot[2];  // of work days and of rest days; the same array twice if days are alike
    float weekday[7];
    uint32_t period;          // steps, if not a day: phase 0 is at the epoch
    float *phase;
    double base;              // what the profile is added to

    // Noise: variance = (flat + linear * mean + square * mean^2) * hour[...]
    double flat, linear, square;
    float hour[2][SERIES_HOURS];

    // The level.
    double wander_sd, wander_tau;  // stationary deviation; time constant in steps
    double drift_sd;               // of a step
    double level;                  // at the end of history, without wander
    double spread;                 // deviation of the level around its mean of days
    double growth, growth_sd;      // of holidays, as seen so far
    int32_t growth_shift_ms;       // on holidays the day begins later
    double low, high;              // all of history but a thousandth lay between

    float tail[SERIES_LENSES][2];  // scores of healthy history are wider than normal by this
    Taste taste;                   // what labels of history say of cases
    SeriesGeneral *general;        // moves the bar (general.h); NULL: none does well here
    SeriesNet *net;                // corrects the profile; NULL: nothing does better than it
    double unrest;                 // mean square of a healthy point's deviation; 0: not known
} SeriesModel;

// What people said of a stretch of history.
typedef struct SeriesLabel {
    int64_t from_ms, to_ms;
    bool incident;  // that nobody had noticed; else a false alarm
} SeriesLabel;

typedef struct SeriesHistory {
    int64_t from_ms;
    int64_t step_ms;
    const float *value;       // NAN: missing; borrowed
    uint32_t count;
    const uint8_t *outside;   // 1: known to be anomalous; may be NULL
    SeriesCalendar *calendar;  // may be NULL
    const SeriesLabel *label;  // borrowed; the cases that they stand for are learned
    uint32_t labels;
    SeriesGeneral *general;    // the network that all metrics have in common; NULL: none is tried
    SeriesNetKind nets;        // the best network that is tried; trying takes time
} SeriesHistory;

// ST_RUNTIME, the error saying what is missing, if history is not sufficient: a model wants two
// days, or 300 points of a metric with another rhythm. Deterministic.
NODISCARD Status series_train(const SeriesHistory *history, SeriesModel **out, Error *err);

SeriesModel *series_model_ref(SeriesModel *model);
SeriesModel *series_model_unref(SeriesModel *model);  // NULL is fine; always NULL
void series_model_save(const SeriesModel *model, Buf *out);
NODISCARD Status series_model_load(Str bytes, SeriesModel **out, Error *err);
size_t series_model_bytes(const SeriesModel *model);
void series_model_describe(const SeriesModel *model, Buf *out);  // a line for people

// The profile at a moment: the mean of a point at level 0, and what its noise is multiplied by.
typedef struct SeriesBase {
    double mean;
    float noise;
    float unsure;  // deviation of the profile itself, where one kind of day becomes another
} SeriesBase;
void series_model_at(const SeriesModel *model, const SeriesMoment *moment, int64_t ts_ms,
                     SeriesBase *out);
