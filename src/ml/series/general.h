// ml/series/general.h - one network for all metrics: is what a window shows an incident, or what
// this metric does now and then? It is asked when a window is nearly off enough for an alarm, or a
// little more than that, and what it says moves the bar, within bounds: below GENERAL_LOW nothing
// is an alarm whatever it says, above GENERAL_HIGH everything is that was one before.
//
// What it sees has no unit: deviations through all windows, Haar wavelets of the last points'
// residuals in units of their noise (detect_general.c), how the level stands to that of days, the
// shape of the doubt, hour and day, what kind of series it is. So one set of weights serves metrics
// that it was never shown. The weights that are built in come from simulated metrics and public
// data (`weir watch teach`, docs/watch.md); labels train them further, as a copy (general_train).
// A metric uses it only if training finds that it raises no more alarms in its healthy history.
//
// Two hidden layers, leaky units, a logistic end; the zero of its answer is where the bar stays.
// Threads: a network never changes once made; counted references; anyone may ask.
#pragma once

#include "ml/codec.h"

enum {
    GENERAL_FEATURES = 68,
    GENERAL_FIRST = 32,
    GENERAL_SECOND = 16,
    GENERAL_WEIGHTS = 2 * GENERAL_FEATURES + (GENERAL_FEATURES + 1) * GENERAL_FIRST +
                      (GENERAL_FIRST + 1) * GENERAL_SECOND + GENERAL_SECOND + 1,
};
#define GENERAL_LOW 0.85
#define GENERAL_HIGH 1.15
#define GENERAL_ASKS 0.7  // of the threshold: what is below it the network is not asked about

typedef struct SeriesGeneral SeriesGeneral;

// A doubt, as the network sees it.
typedef struct GeneralCase {
    float x[GENERAL_FEATURES];
} GeneralCase;

// The one that is built in; borrowed, there as long as the process is. NULL: none is built in.
SeriesGeneral *general_shipped(void);
SeriesGeneral *general_ref(SeriesGeneral *net);     // NULL is fine
SeriesGeneral *general_unref(SeriesGeneral *net);   // NULL is fine; always NULL
uint64_t general_number(const SeriesGeneral *net);  // of its weights: other weights, another number

// What the threshold is multiplied by: GENERAL_LOW to GENERAL_HIGH, less where an incident is
// likely.
double general_bar(const SeriesGeneral *net, const GeneralCase *at);
// The same of many cases, of any number of metrics.
void general_bars(const SeriesGeneral *net, const GeneralCase *at, uint32_t count, float *bar);
// How likely an incident is, before costs: for those who train and judge networks.
void general_answers(const SeriesGeneral *net, const GeneralCase *at, uint32_t count,
                     float *answer);

// A file of its own: magic, version, weights, a check sum.
void general_save(const SeriesGeneral *net, Buf *out);
NODISCARD Status general_load(Str bytes, SeriesGeneral **out, Error *err);
// As part of a model: nothing, the number of the one that is built in, or a file. A model that was
// made with another one than is built in now has none until it is trained again.
void general_code(Codec *codec, SeriesGeneral **net);

// A case of which it is known what it was.
typedef struct GeneralLesson {
    GeneralCase at;
    float incident;  // 1: an incident, 0: none
    float weight;    // how many others it stands for
} GeneralLesson;

typedef struct GeneralTraining {
    const SeriesGeneral *from;  // where to begin; NULL: from chance
    double hold;                // how firmly weights are held at where they began; 0: not at all
    double shift;               // added to the answer in the end: the more, the lower the bar
    uint32_t epochs;
    uint64_t seed;
    double rate;  // of learning
} GeneralTraining;

// The same lessons and settings make the same network, bit for bit.
SeriesGeneral *general_train(const GeneralLesson *lesson, uint32_t count,
                             const GeneralTraining *settings);
// The mean of -log of what it gave to what happened, by weight.
double general_loss(const SeriesGeneral *net, const GeneralLesson *lesson, uint32_t count);
