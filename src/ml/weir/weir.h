// ml/weir/weir.h - the models that weir trains itself: what they hold in memory, their file format,
// how they predict. ml/train/ fills the structures, nobody else knows them.
//
// Inputs are taken apart first: a tensor of width 3 is three features, a text is the number of its
// category. Every feature of a row is one double then, NaN when it is missing (or a text that was
// not there in training).
//
// File: "WEIRMODL", version, length, the body, XXH3 of all before it; all little-endian. The body
// is one pass of weir_codec, which writes and reads.
#pragma once

#include "ml/codec.h"
#include "ml/evaluate.h"
#include "ml/formats.h"
#include "ml/model.h"
#include "ml/tree.h"

enum {
    WEIR_FEATURES_MAX = 1 << 16,
    WEIR_CLASSES_MAX = 1000,
    WEIR_CATEGORIES_MAX = 1 << 16,
    WEIR_LAYERS_MAX = 64,
    WEIR_UNITS_MAX = 1 << 16,
};

typedef struct Feature {
    Str name;            // "x", or "x[2]" of a tensor
    MlType type;
    uint32_t column, index;  // value [index] of input field [column]
    uint32_t categories; // of ML_TEXT
    Str *category;       // in order of bytes
    double mean, scale;  // of the numbers in training: (x - mean) / scale; the mean stands for NaN
} Feature;

// A trained tree: children stand behind their parents, so that a walk ends.
typedef struct WeirNode {
    int32_t feature;     // -1: a leaf, whose values begin at [left]
    uint32_t left, right;  // of all nodes of the model
    double threshold;    // at most this goes left; of a text unused
    uint32_t set, set_words;  // of a text: a bit for each category that goes left
    bool missing_left;
    double rows;         // that were here in training, by weight
} WeirNode;

typedef enum TreesSum {
    TREES_MEAN,       // of distributions or values
    TREES_SUM,        // base + the sum: squared error
    TREES_LOGISTIC,   // one score, of the second class
    TREES_SOFTMAX,    // a score for each class; tree t is of class t % classes
    TREES_ISOLATION,  // 2^(-mean depth / threshold of depth)
} TreesSum;

typedef struct Trees {
    TreesSum sum;
    uint32_t trees, nodes, values, set_words;
    uint32_t outputs;    // values of a leaf
    uint32_t *root;
    WeirNode *node;
    double *value;
    uint64_t *set;
    double *base;        // [classes] or [1]; of isolation: [0] normal depth, [1] threshold of score
    uint32_t base_count;
    TreeEnsemble *ensemble;  // the same, laid out for speed; owned
} Trees;

// The steps that a search in a tree of [rows] rows takes in the mean when it fails (Liu, Ting,
// Zhou, 2008).
double trees_normal_depth(double rows);

// y = b + W x over encoded inputs: numbers as they are (a missing one is its mean), texts as a
// column for each category. One row of W for each class, or one row in all (two classes: of the
// second one).
typedef struct Linear {
    uint32_t rows, width;
    double *weight;  // [rows][width]
    double *bias;
} Linear;

typedef struct Clusters {
    uint32_t clusters, width;
    double *center;   // [clusters][width] of standardised inputs when [standardised]
    double *rows;     // of each cluster
    bool standardised;
} Clusters;

typedef struct Bayes {
    double *prior;     // [classes]
    double *mean, *variance;  // [classes][features] of numbers
    double **log_likelihood;  // [features]: of texts [classes][categories], else NULL
} Bayes;

typedef enum Activation { ACT_RELU, ACT_TANH, ACT_SIGMOID, ACT_IDENTITY, ACT_SOFTMAX,
                          ACTIVATIONS_ } Activation;

typedef struct Layer {
    uint32_t in, out;
    Activation activation;
    double *weight;  // [out][in]
    double *bias;    // [out]
} Layer;

// Inputs are standardised; so is the target of a regression.
typedef struct Dense {
    uint32_t layers, width;
    Layer *layer;
    double target_mean, target_scale;
} Dense;

// One or more recurrent layers over a window of steps, then a linear layer on the last state.
typedef enum CellKind { CELL_LSTM, CELL_GRU, CELLS_ } CellKind;

typedef struct Cell {
    uint32_t in, units;
    double *weight;     // [gates * units][in]; LSTM: i f g o; GRU: r z n
    double *recurrent;  // [gates * units][units]
    double *bias;       // [gates * units]
    double *bias_n;     // GRU: the recurrent bias of n, [units]; LSTM: NULL
} Cell;

typedef struct RecurrentWeights RecurrentWeights;  // ml/weir/recurrent.h

typedef struct Recurrent {
    CellKind kind;
    uint32_t steps, step_features;  // of a window
    bool windows;   // inputs are windows of a field each, else a row's features in order of time
    uint32_t cells, horizon;
    Cell *cell;
    double *mean, *scale;           // [step_features]
    double *weight, *bias;          // [horizon][units], [horizon]
    double target_mean, target_scale;
    RecurrentWeights *packed;       // of a model that forecasts
} Recurrent;

typedef enum WeirKind { WEIR_TREES, WEIR_LINEAR, WEIR_CLUSTERS, WEIR_BAYES, WEIR_DENSE,
                        WEIR_RECURRENT, WEIR_KINDS_ } WeirKind;

typedef struct WeirModel {
    MlModel base;
    Arena arena;       // of everything below
    WeirKind kind;
    MlTask task;
    Str algorithm;     // "random-forest"
    MlField *in;
    uint32_t in_count;
    Feature *feature;
    uint32_t features;
    Str label;         // its name; "" if there is none
    MlType label_type;
    uint32_t classes;  // 0: a number is predicted
    Str *class_text;   // as printed; of a text label the label
    double *class_number;
    union {
        Trees *trees;
        Linear *linear;
        Clusters *clusters;
        Bayes *bayes;
        Dense *dense;
        Recurrent *recurrent;
    };
} WeirModel;

// A model to be filled; its arena is ready.
WeirModel *weir_model_new(void);
// Once filled: makes the fields that it gives, so that it can be asked.
NODISCARD Status weir_model_finish(WeirModel *model, Error *err);
// The model if it is one of ours, else NULL.
const WeirModel *weir_model_of(const MlModel *model);
void weir_model_codec(WeirModel *model, Codec *codec);

// The size of an encoded row: a number is one, a text as many as it has categories.
uint32_t weir_width(const Feature *feature, uint32_t features);
// One row of doubles, [features], to its encoding; a missing number is 0 standardised and its mean
// otherwise, a missing text zeros. [standardised]: (x - mean) / scale.
void weir_encode(const Feature *feature, uint32_t features, const double *x, bool standardised,
                 double *out);

// As many numbers a row as the kind gives: the probability of each class, a value, the distances
// from each centre; of outliers the score and whether it is one.
uint32_t weir_scores(const WeirModel *model);
// Rows [from, from + rows) of columns x[feature], to out[row][score].
void weir_score(const WeirModel *model, const double *const *x, uint32_t from, uint32_t rows,
                double *out, Arena *scratch);
// What the scores say, as the model's outputs; the arrays of [out] are made in [arena].
void weir_outputs(const WeirModel *model, const double *score, uint32_t rows, MlColumn *out,
                  Arena *arena);

// [x] is one row of features.
typedef void (*WeirScore)(const WeirModel *model, const double *x, double *out, double *scratch);
void linear_score(const WeirModel *model, const double *x, double *out, double *scratch);
void clusters_score(const WeirModel *model, const double *x, double *out, double *scratch);
void bayes_score(const WeirModel *model, const double *x, double *out, double *scratch);
void dense_score(const WeirModel *model, const double *x, double *out, double *scratch);
void trees_score(const WeirModel *model, const double *const *x, uint32_t rows, double *out,
                 Arena *scratch);

// Rows [from, from + rows) of columns x[feature].
void recurrent_score(const WeirModel *model, const double *const *x, uint32_t from, uint32_t rows,
                     double *out, Arena *scratch);

void layer_forward(const Layer *layer, const double *x, double *out);
uint32_t cell_gates(CellKind kind);

// Lays the trees out for speed.
Status trees_finish(WeirModel *model, Error *err);
void trees_codec(WeirModel *model, Codec *codec);
void linear_codec(WeirModel *model, Codec *codec);
void clusters_codec(WeirModel *model, Codec *codec);
void bayes_codec(WeirModel *model, Codec *codec);
void dense_codec(WeirModel *model, Codec *codec);
void recurrent_codec(WeirModel *model, Codec *codec);

// Doubles of scratch that a score of the model needs.
size_t weir_scratch(const WeirModel *model);
void activate(Activation kind, double *value, uint32_t count);
void softmax(double *value, uint32_t count);

// The number of a category, -1 if the feature has none of that name.
int32_t feature_category(const Feature *feature, Str name);
