// ml/online/hoeffding.h - a decision tree that grows with the stream (VFDT: Domingos, Hulten,
// 2000): a leaf splits as soon as the Hoeffding bound says that the best cut so far stays the best.
//
// A leaf keeps, for each input and class, a normal distribution of numbers or counts of categories.
// Cuts of numbers are tried at ten places between the least and the most, with the distributions'
// parts on either side (Pfahringer and others, 2008). A leaf answers with its most frequent class
// or by naive Bayes, whichever was right more often there (Gama and others, 2003).
#pragma once

#include "ml/online/online_int.h"

typedef enum LeafAnswer { LEAF_ADAPTIVE, LEAF_MAJORITY, LEAF_BAYES } LeafAnswer;

typedef struct HoeffdingSpec {
    double delta, tie;
    uint32_t grace, leaves_max, depth_max;
    uint32_t inputs_tried;  // by a leaf, drawn when it begins; 0: all
    LeafAnswer answer;
} HoeffdingSpec;

typedef struct HoeffdingTree HoeffdingTree;

// clang-format off
#define HOEFFDING_OPTIONS \
    {"delta", ML_OPTION_DOUBLE, "1e-7", 1e-30, 1, .doc = "The chance that a split was too early."}, \
    {"tie", ML_OPTION_DOUBLE, "0.05", 0, 1, \
     .doc = "Two cuts whose gains cannot be told apart to this are as good as each other."}, \
    {"grace", ML_OPTION_INT, "200", 1, 1000000, .doc = "Rows of a leaf between two attempts."}, \
    {"max-leaves", ML_OPTION_INT, "10000", 1, 10000000, .doc = "No more are made."}, \
    {"max-depth", ML_OPTION_INT, "100", 1, 1000, .doc = "Questions that a row is asked."}, \
    {"leaf", ML_OPTION_CHOICE, "adaptive", .choices = "adaptive majority bayes", \
     .doc = "How a leaf answers: its most frequent class, naive Bayes, or the better of the two."}
// clang-format on

HoeffdingSpec hoeffding_spec(const MlLearner *learner);
HoeffdingTree *hoeffding_new(const HoeffdingSpec *spec, uint32_t inputs, Rng *rng);
void hoeffding_free(HoeffdingTree *tree);  // NULL is fine
void hoeffding_learn(HoeffdingTree *tree, const MlLearner *learner, const double *x, uint32_t class,
                     double weight, Rng *rng);
// A score for each class, adding up to 1. False: it has seen no row.
bool hoeffding_score(const HoeffdingTree *tree, const MlLearner *learner, const double *x,
                     double *out);
void hoeffding_codec(HoeffdingTree *tree, const MlLearner *learner, Codec *codec);
