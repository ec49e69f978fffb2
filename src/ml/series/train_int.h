// ml/series/train_int.h - the steps of training: train.c (order, sufficiency, cleaning by the
// detector itself), train_profile.c (days), train_kind.c
// (other periods), train_noise.c (noise and the level's habits).
#pragma once

#include "ml/series/series_int.h"

enum { OUTSIDE_FOUND = 2 };  // in `outside`: nobody said so, the detector found it

typedef struct TrainCell {
    float sum;     // of the points that count
    float points;  // how many they are
} TrainCell;

typedef struct Train {
    const SeriesHistory *history;
    SeriesModel *model;   // being made
    uint8_t *outside;     // of each point: not to be learned from
    uint32_t points;      // that are there
    // History by local days and knots, [days][knots].
    int32_t first_day;
    uint32_t days, knots;
    TrainCell *cell;
    double *level;        // of each day; NAN: the day says nothing
    bool *apart;          // of each day: a holiday, or next to one
    double median;        // of all values
} Train;

// Knots, days and cells out of history.
void train_cells(Train *train);
// Is a day, of work or of rest, enough of an explanation? Fills knots, weekdays and base.
void train_profile(Train *train);
// What kind of series it is, and its profile if it has a period that is no day.
void train_kind(Train *train);
// Holidays seen: their growth, their later mornings.
void train_holidays(Train *train);
void train_noise(Train *train);
void train_level(Train *train);
// Tries networks, up to [best]; whether one is better than the profile, and the model's from now
// on.
bool train_net(Train *train, SeriesNetKind best);
// Labels, of the history as it was given, by the model once it is complete.
void train_taste(Train *train, const SeriesHistory *history);

static inline bool train_has(const Train *train, uint32_t i) {
    return !isnan(train->history->value[i]) && !train->outside[i];
}
static inline int64_t train_ts(const Train *train, uint32_t i) {
    return train->history->from_ms + (int64_t)i * train->history->step_ms;
}
// 0 is Monday; also before 1970, which began on a Thursday.
static inline uint32_t train_weekday(const Train *train, uint32_t day) {
    int32_t since = ((int32_t)day + train->first_day + 3) % 7;
    return (uint32_t)(since < 0 ? since + 7 : since);
}
double train_median(float *value, uint32_t count);  // reorders
