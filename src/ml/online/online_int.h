// ml/online/online_int.h - what the online learners share: rows as doubles, names of classes and
// categories as they come, the state around their own.
#pragma once

#include <math.h>

#include "base/map.h"
#include "ml/codec.h"
#include "ml/online.h"
#include "ml/online/adwin.h"
#include "ml/random.h"

enum { ONLINE_CLASSES_MAX = 1000, ONLINE_CATEGORIES_MAX = 256 };

// How a learner wants texts: as numbers of categories in the order of their coming (beyond
// ONLINE_CATEGORIES_MAX missing), as hashes (whole numbers below 2^53), or not at all.
typedef enum TextKind { TEXTS_COUNTED, TEXTS_HASHED, TEXTS_REFUSED } TextKind;

struct MlOnlineAlgorithm {
    const char *name;
    MlTask task;
    TextKind texts;
    const MlOption *option;
    const char *doc;
    void *(*make)(MlLearner *learner);  // the state; its options are read
    void (*free)(void *state);
    // [x] is a row, NaN where a value is missing; [y] a class's number or a value.
    void (*learn)(MlLearner *learner, const double *x, double y);
    // Classes: a score for each, that need not add up to 1. A number: it. Clusters: number and
    // distance. Outliers: score, and whether it is one. False: nothing is known yet.
    bool (*score)(const MlLearner *learner, const double *x, double *out);
    void (*codec)(MlLearner *learner, Codec *codec);
};

struct MlLearner {
    const MlOnlineAlgorithm *algorithm;
    Arena arena;          // of what never changes
    MlField *field;       // as given
    uint32_t fields;
    int32_t label;
    MlSetting *setting;
    uint32_t settings;
    MlOptions options;
    MlField *in, *out;
    uint32_t inputs, out_count;
    uint32_t listed;      // classes that an option lists
    Map classes;          // their texts, in the order of their coming
    Map *category;        // [inputs], of texts
    uint64_t rows, drifts;
    Rng rng;
    Adwin error;          // of what was predicted before it was learned
    double label_mean, label_squares, label_count;  // of numbers: to tell large errors from small
    double *x, *scores;   // scratch
    void *state;          // owned
};

static inline double learner_number(const MlLearner *learner, const char *key) {
    return options_number(&learner->options, key);
}
static inline uint32_t learner_count(const MlLearner *learner, const char *key) {
    return (uint32_t)learner_number(learner, key);
}
static inline uint32_t learner_classes(const MlLearner *learner) {
    return learner->classes.count;
}
static inline bool learner_is_text(const MlLearner *learner, uint32_t input) {
    return learner->in[input].type == ML_TEXT;
}

extern const MlOnlineAlgorithm ONLINE_LINEAR, ONLINE_LOGISTIC, ONLINE_HOEFFDING_TREE,
    ONLINE_ADAPTIVE_FOREST, ONLINE_KMEANS, ONLINE_HALF_SPACE;
