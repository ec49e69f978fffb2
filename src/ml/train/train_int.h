// ml/train/train_int.h - what the algorithms share: the rows taken apart, options, progress.
#pragma once

#include "ml/random.h"
#include "ml/train.h"
#include "ml/weir/weir.h"

// Rows [0, train_rows) are learned from, those behind them, up to [rows], are judged on. A value is
// a number, or the number of a category; NaN is missing.
struct MlTrainer {
    const MlTrainSpec *spec;
    const MlAlgorithm *algorithm;
    const MlTable *table;
    Arena arena;        // of the call
    MlOptions options;
    MlTask task;
    uint64_t seed;
    uint32_t threads;
    uint32_t patience;  // rounds without a better validation; 0: no early stopping
    WeirModel *model;   // with its features and classes; its kind is for the algorithm to fill
    double **x;         // [features][rows]
    double *y;          // [rows]: a class's number, or a value; NULL without a label
    uint32_t rows, train_rows;
    uint32_t rounds;
    int64_t charged;
    MlEval *eval[2];    // of learned and judged rows, where the algorithm judges itself; owned
};

double option_number(const MlTrainer *trainer, const char *key);
uint32_t option_count(const MlTrainer *trainer, const char *key);
bool option_bool(const MlTrainer *trainer, const char *key);
Str option_text(const MlTrainer *trainer, const char *key);
// Which of the option's choices, from 0.
uint32_t option_choice(const MlTrainer *trainer, const char *key);

// A line for those who wait.
void trainer_say(MlTrainer *trainer, const char *fmt, ...) PRINTF_LIKE(2, 3);
// ST_CANCELLED once somebody asked for it.
Status trainer_check(MlTrainer *trainer, Error *err);
// Takes [bytes] from the budget until the training is over.
Status trainer_charge(MlTrainer *trainer, uint64_t bytes, Error *err);

// Row [row] of the table taken apart.
void trainer_row(const MlTrainer *trainer, uint32_t row, double *x);
// All rows encoded (weir_encode), row after row, in the trainer's arena.
Status trainer_encode(MlTrainer *trainer, bool standardised, double **out, uint32_t *width,
                      Error *err);

// Runs work(arg, i, worker) for i of [0, count), each once, on that many threads; what it does for
// an i must not depend on the thread.
void parallel(uint32_t threads, uint32_t count,
              void (*work)(void *arg, uint32_t i, uint32_t worker), void *arg);
// Threads worth starting for [count] pieces.
uint32_t trainer_threads(const MlTrainer *trainer, uint32_t count);

// Early stopping: whether [loss], lower is better, is the best so far; [stop] once patience is out.
typedef struct Patience {
    uint32_t patience, since, best_round, round;
    double best;
} Patience;
bool patience_better(Patience *patience, double loss, bool *stop);

extern const MlAlgorithm TRAIN_DECISION_TREE, TRAIN_RANDOM_FOREST, TRAIN_GRADIENT_BOOSTING,
    TRAIN_ISOLATION_FOREST, TRAIN_LINEAR_REGRESSION, TRAIN_LOGISTIC_REGRESSION, TRAIN_KMEANS,
    TRAIN_NAIVE_BAYES, TRAIN_MLP, TRAIN_LSTM, TRAIN_GRU;

// ml/train/data.c
Status data_take(MlTrainer *trainer, Error *err);
Status data_check(const MlTrainSpec *spec, const MlAlgorithm *algorithm, const MlField *field,
                  uint32_t columns, MlTask task, Error *err);
