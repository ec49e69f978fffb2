// ml/train/net.h - what networks share: parameters in one array, and Adam (Kingma, Ba, 2015), which
// moves them down their slope, a batch of samples at a time.
#pragma once

#include "ml/train/train_int.h"
#include "ml/weir/recurrent.h"

typedef struct NetTask {
    void *arg;
    double *param;
    uint32_t params;
    uint32_t samples;        // to learn from: 0 .. samples - 1
    uint32_t judged;         // behind them, for early stopping
    // Adds the slope of the samples' losses to [slope]; returns the sum of the losses.
    double (*slope)(void *arg, const uint32_t *sample, uint32_t count, double *slope);
    // The sum of the losses of samples [from, to).
    double (*loss)(void *arg, uint32_t from, uint32_t to);
    const bool *shrink;      // parameters on which 'l2' lies: weights; NULL: none
} NetTask;

// The options that net_train reads.
#define NET_OPTIONS(epochs, batch, rate, l2)                                                 \
    {"epochs", ML_OPTION_INT, epochs, 1, 1000000, .doc = "Passes over all rows, at most."},    \
    {"batch-size", ML_OPTION_INT, batch, 1, 1000000, .doc = "Rows of one step."},              \
    {"learning-rate", ML_OPTION_DOUBLE, rate, 1e-9, 10, .doc = "Of Adam."},                    \
    {"l2", ML_OPTION_DOUBLE, l2, 0, 1e9, .doc = "What half the squares of weights cost a row."}, \
    {"tolerance", ML_OPTION_DOUBLE, "1e-4", 0, 1,                                             \
     .doc = "End when ten passes did not make the loss less by so much."},                    \
    {"clip", ML_OPTION_DOUBLE, "5", 0, 1e9, .doc = "The longest slope that is believed; 0: any."}

Status net_train(MlTrainer *trainer, const NetTask *task, Error *err);

// Weights that let signals through at their size (Glorot, Bengio, 2010).
void net_glorot(Rng *rng, double *weight, uint32_t in, uint32_t out, double gain);

// For the tests that hold slopes against differences. One network each, its parameters as one
// array.
typedef struct DenseTask {
    const MlTrainer *trainer;
    Dense *net;
    const double *x;      // [rows][width]
    const double *y;      // a class's number, or a standardised value
    uint32_t classes;
    double *state;        // activations and their slopes, of one row
} DenseTask;

// [hidden] layers of units; lays the parameters out in one array.
Dense *dense_make(Arena *arena, uint32_t width, const uint32_t *hidden, uint32_t hidden_layers,
                  uint32_t outputs, Activation activation, bool classes, double **param,
                  uint32_t *params);
double dense_slope(void *arg, const uint32_t *sample, uint32_t count, double *slope);
double dense_loss(void *arg, uint32_t from, uint32_t to);
DenseTask dense_task(Arena *arena, Dense *net, const double *x, const double *y, uint32_t classes);

// Slopes of recurrent layers, a block of windows at a time, in floats (ml/weir/recurrent.h).
typedef struct RecurrentTask {
    Recurrent *net;
    const float *x;       // [samples][steps][step_features], standardised
    const float *y;       // [samples][horizon], standardised
    uint32_t windows;     // of a block at most
    RecurrentWeights *weights;
    RecurrentBlock *block;
    struct Slopes *slopes;
} RecurrentTask;

Recurrent *recurrent_make(Arena *arena, CellKind kind, uint32_t steps, uint32_t step_features,
                          uint32_t units, uint32_t cells, uint32_t horizon, double **param,
                          uint32_t *params);
RecurrentTask *recurrent_task(Arena *arena, Recurrent *net, const float *x, const float *y);
// Both read the network's parameters anew.
double recurrent_slope(void *arg, const uint32_t *sample, uint32_t count, double *slope);
double recurrent_loss(void *arg, uint32_t from, uint32_t to);
// Of samples [from, to), a block at most, by the weights as they were packed last:
// [samples][horizon], standardised, the task's own until the next call.
const float *recurrent_forecasts(const RecurrentTask *task, uint32_t from, uint32_t to);
