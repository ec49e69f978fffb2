// ml/series/net.h - a network that knows what the profile does not: Fridays whose evenings are
// long, a day that follows the one before it. It corrects the profile's forecast by what it makes
// of the last day of residuals, as wavelets see it, and of the time to come.
//
// Residuals are those of blocks of about ten minutes. The correction of a block is made of blocks
// that lie further back than any lens looks (detect_int.h), so that no fault is followed: by the
// time that its blocks have a say, the alarm has taken them out. Two kinds stand for choice: a
// dense network over wavelet features (Haar), and an LSTM over ten stretches of the past.
//
// A network is a challenger: training takes it only if it forecasts the last quarter of history,
// which it has not seen, clearly better than the profile does (train_net.c).
#pragma once

#include "ml/model.h"
#include "ml/series/model.h"

enum {
    NET_RING = 256,      // blocks that are kept
    NET_WINDOW = 160,    // blocks that a network looks at
    NET_DAY_BLOCKS = 144,
    NET_FEATURES_MAX = 192,
};

// What came in, block by block, as the model speaks of it.
typedef struct NetPast {
    bool started;
    int64_t block;          // the newest, which is being filled
    double sum;             // of it
    uint32_t points;
    float mean[NET_RING];   // of those before it, by number; NAN: too few points
} NetPast;

struct SeriesNet {
    SeriesNetKind kind;
    MlModel *model;         // owned; of ml/weir
    double sd;              // of residuals; what is five times as far is cut
    double loss[2];         // of the last quarter of history: without it, with it
    NetPast past;           // as history ended
};

// In the stream: the past, and what follows from it and the model.
typedef struct NetState {
    NetPast past;
    float off[NET_RING];    // residuals, by number; NAN: none
    // Corrections of two blocks side by side, by number; between their middles lies a line.
    int64_t at[2];          // INT64_MIN: none
    double correction[2];
} NetState;

// Steps of a block; 0: metrics with such a step have no network.
uint32_t net_block_steps(int64_t step_ms);
// How many blocks before the one that is forecast the newest lies that has a say.
uint32_t net_lead(uint32_t block_steps);
// A block's residual from the profile, in the middle of the block.
float net_residual(const SeriesModel *model, const SeriesCalendar *calendar, int64_t block,
                   double mean);
// [window] is [NET_WINDOW], oldest first. *level receives their mean of a day, which the network's
// answer is to be added to. Returns how many features there are; 0: too little is known.
uint32_t net_features(const SeriesNet *net, const float *window, uint32_t lead,
                      const SeriesMoment *moment, double *x, double *level);
double net_answer(const SeriesNet *net, const double *x, uint32_t features);

void net_free(SeriesNet *net);
void net_code(Codec *codec, SeriesNet **net, int64_t step_ms);
void net_past_code(Codec *codec, NetPast *past);

// The stream's part. [state] may be NULL: nothing happens.
void net_state_use(NetState **state, const SeriesModel *model, const SeriesCalendar *calendar);
void net_state_advance(NetState *state, const SeriesModel *model, const SeriesCalendar *calendar,
                       int64_t slot);
void net_state_add(NetState *state, double value);
// Points from [slot] on were a fault.
void net_state_forget(NetState *state, const SeriesModel *model, int64_t slot);
// Corrects the profile's mean at a slot.
void net_state_correct(NetState *state, const SeriesModel *model, const SeriesCalendar *calendar,
                       int64_t slot, SeriesBase *base);
