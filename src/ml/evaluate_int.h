// ml/evaluate_int.h - what an MlEval holds, for evaluate.c (rows in, metrics out) and
// evaluate_sums.c (the sums of each task).
#pragma once

#include "ml/codec.h"
#include "ml/evaluate.h"

enum {
    EVAL_CLASSES_MAX = 1000,
    EVAL_STEPS_MAX = EVAL_CLASSES_MAX,  // of a forecast: a window's records are pairs of either
    EVAL_CLUSTERS_MAX = 10000,
    EVAL_WIDTH_MAX = 1 << 16,
    EVAL_WINDOW_MAX = 1 << 24,
    EVAL_SCORES_MAX = 16384,  // held; half of them different, more are rounded
    EVAL_SCORES_COARSE = 4096,
};

// How often a class had a score, and how often another one had.
typedef struct Score {
    double score, positive, negative;
} Score;

typedef struct Scores {
    Score *score;  // owned
    uint32_t count, cap;
    bool coarse;   // there were too many: rounded to 1 / EVAL_SCORES_COARSE
} Scores;

typedef struct ClassSums {
    Str *name;          // owned, each
    uint32_t classes, cap;
    double *confusion;  // [cap][cap]: actual, predicted
    Scores *scores;     // [cap]
    double loss, loss_weight;
} ClassSums;

typedef struct NumberSums {
    double weight, absolute, squared;
    double mean, spread;  // of the true values: their sum of squares about the mean
    double percent, percent_weight, symmetric;
    double naive, naive_weight, last;
    bool has_last;
} NumberSums;

typedef struct ClusterSums {
    uint32_t clusters, width;
    double *weight;   // [clusters]
    double *sum;      // [clusters][width]
    double *squares;  // [clusters]
} ClusterSums;

enum { EVAL_MEANS_MAX = 4 };

struct MlEval {
    MlEvalSpec spec;
    double scale;  // the weight of the next row: with a fading factor it grows
    uint64_t rows, skipped;
    ClassSums class;
    NumberSums number;
    ClusterSums cluster;
    double mean[EVAL_MEANS_MAX], mean_weight;  // of similarities
    // A window: records of one row each, [record] doubles; classes by their numbers.
    double *ring;
    uint32_t record, kept, next;
};

// The number of a class, which is added when it is new; -1: there are too many.
int32_t class_number(ClassSums *self, Str name);
// One row: probability[p] is that of class of[p].
void class_add(ClassSums *self, uint32_t actual, uint32_t predicted, const uint32_t *of,
               const double *probability, uint32_t probabilities, double weight);
Status class_merge(ClassSums *self, const ClassSums *from, double scale, Error *err);
void class_scale(ClassSums *self, double by);
void class_clear(ClassSums *self);
void class_codec(ClassSums *self, Codec *codec);
uint32_t class_metrics(const ClassSums *self, MlMetric *out, uint32_t room);

void number_add(NumberSums *self, double actual, double predicted, double weight);
void number_merge(NumberSums *self, const NumberSums *from, double scale);
void number_scale(NumberSums *self, double by);
void number_codec(NumberSums *self, Codec *codec);
uint32_t number_metrics(const NumberSums *self, bool forecast, MlMetric *out);

bool cluster_add(ClusterSums *self, uint32_t cluster, const double *x, uint32_t width,
                 double weight);
void cluster_merge(ClusterSums *self, const ClusterSums *from, double scale);
void cluster_scale(ClusterSums *self, double by);
void cluster_clear(ClusterSums *self);
void cluster_codec(ClusterSums *self, Codec *codec);
uint32_t cluster_metrics(const ClusterSums *self, MlMetric *out);

void metric_set(MlMetric *metric, double value, const char *fmt, ...) PRINTF_LIKE(3, 4);

// Of two texts, word by word, in [0, 1]: BLEU to four words, ROUGE of words and of the longest
// common sequence, whether they are the same.
void text_similarity(Str actual, Str predicted, double out[EVAL_MEANS_MAX]);
// Of two vectors: cosine, Jaccard (weighted), Euclidean distance.
void vector_similarity(const double *a, const double *b, uint32_t width,
                       double out[EVAL_MEANS_MAX]);
