// ml/train/boost.c - gradient boosting: each tree learns what those before it got wrong (Friedman,
// 2001), its cuts found in histograms of at most 255 bins (Ke and others, LightGBM, 2017), leaf by
// leaf, the one that gains most first.
//
// A bin is a range of a feature's values, or some of its categories. One child's histogram is
// summed from its rows, the smaller one's; the other is the parent's less that.
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bits.h"
#include "ml/train/boost.h"

enum { BINS_MAX = 255, DEPTH_MAX = 1000 };  // depth: below tree.h's TREE_DEPTH_MAX

// clang-format off
static const MlOption BOOST_ROWS[] = {
    {"trees", ML_OPTION_INT, "100", 1, 100000,
     .doc = "Rounds: trees, or trees for each class when there are more than two."},
    {"learning-rate", ML_OPTION_DOUBLE, "0.1", 1e-6, 1, .doc = "How much of a tree is believed."},
    {"max-depth", ML_OPTION_INT, "0", 0, DEPTH_MAX,
     .doc = "Questions that a row is asked by one tree; 0: as many as its leaves make."},
    {"max-leaves", ML_OPTION_INT, "31", 2, 65536, .doc = "Leaves of one tree."},
    {"min-samples-leaf", ML_OPTION_INT, "20", 1, 1e9, .doc = "No leaf has fewer rows."},
    {"l2", ML_OPTION_DOUBLE, "0", 0, 1e9, .doc = "Shrinks what leaves say, small ones most."},
    {"min-gain", ML_OPTION_DOUBLE, "0", 0, 1e9, .doc = "A cut that gains less is not made."},
    {"subsample", ML_OPTION_DOUBLE, "1", 0.01, 1,
     .doc = "The part of the rows, drawn anew, that each tree learns from."},
    {"feature-fraction", ML_OPTION_DOUBLE, "1", 0.01, 1,
     .doc = "The part of the features, drawn anew, that each tree may ask."},
    {"max-bins", ML_OPTION_INT, "255", 2, BINS_MAX, .doc = "Ranges that a feature is cut into."},
    {"library", ML_OPTION_CHOICE, "weir", .choices = "weir xgboost",
     .doc = "Who grows the trees; XGBoost's library does where it is installed, and then knows no "
            "`min-samples-leaf`."},
    {0},
};
// clang-format on

typedef struct Binned {
    uint8_t *bin;      // [train_rows]; a missing value is of bin [bins]
    uint32_t bins;
    double *upper;     // [bins - 1]: the largest value of a bin, halfway to the next one
    uint32_t *of;      // of a text: the bin of each category
} Binned;

typedef struct Sum {
    double gradient, hessian, rows;
} Sum;

typedef struct BoostCut {
    double gain, threshold;
    uint32_t feature, bin;      // bins up to it go left
    bool missing_left;
    uint8_t in_left[BINS_MAX + 1];  // of a text: whether a bin goes left
} BoostCut;

typedef struct Leaf {
    uint32_t from, to, depth, node;
    Sum all;
    Sum *histogram;  // [features][BINS_MAX + 1], while the leaf may still be cut
    BoostCut cut;    // the best one; gain 0: none
} Leaf;

typedef struct Boost {
    MlTrainer *trainer;
    Binned *binned;
    bool *asked;       // features of this tree
    double *gradient, *hessian;  // [train_rows]
    double *score;     // [outputs][rows]
    uint32_t outputs;
    uint32_t *row, *spare, row_count;
    Leaf *leaf;
    Grove *grove;
    double l2, min_gain, rate;
    uint32_t depth_max, leaves_max, leaf_min;
    BoostCut *found;   // [features]: the best cut of each
    // what a thread is given
    Leaf *at;
    bool summed;       // whether the histogram is there already
} Boost;

// ---- bins

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double halfway(double a, double b) {
    double middle = a + (b - a) / 2;
    return middle < b ? middle : a;
}

static uint32_t bin_of(const Binned *binned, double x) {
    uint32_t low = 0, high = binned->bins - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (x <= binned->upper[middle]) high = middle;
        else low = middle + 1;
    }
    return low;
}

// Bins of about as many rows each; each value its own where there are few.
static void bin_numbers(const double *x, uint32_t rows, uint32_t bins_max, Binned *out,
                        double *sorted, Arena *arena) {
    uint32_t present = 0, distinct = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!isnan(x[i])) sorted[present++] = x[i];
    }
    qsort(sorted, present, sizeof *sorted, by_value);
    for (uint32_t i = 0; i < present; i++) distinct += !i || sorted[i] != sorted[i - 1];
    out->upper = ARENA_ARRAY(arena, double, bins_max);
    double share = distinct <= bins_max ? 0 : (double)present / bins_max;
    uint32_t bins = 0;
    for (uint32_t i = 1; i < present && bins + 1 < bins_max; i++) {
        if (sorted[i] == sorted[i - 1] || i < share * (bins + 1)) continue;
        out->upper[bins++] = halfway(sorted[i - 1], sorted[i]);
    }
    out->bins = bins + 1;
    for (uint32_t i = 0; i < rows; i++) {
        out->bin[i] = (uint8_t)(isnan(x[i]) ? out->bins : bin_of(out, x[i]));
    }
}

typedef struct Frequency {
    uint32_t category, rows;
} Frequency;

static int by_frequency(const void *a, const void *b) {
    const Frequency *x = a, *y = b;
    if (x->rows != y->rows) return x->rows < y->rows ? 1 : -1;
    return (x->category > y->category) - (x->category < y->category);
}

// A bin for each of the frequent categories, one for all others.
static void bin_texts(const double *x, uint32_t rows, uint32_t bins_max, uint32_t categories,
                      Binned *out, Arena *arena) {
    Frequency *frequency = ARENA_ARRAY(arena, Frequency, categories);
    for (uint32_t c = 0; c < categories; c++) frequency[c].category = c;
    for (uint32_t i = 0; i < rows; i++) {
        if (!isnan(x[i])) frequency[(uint32_t)x[i]].rows++;
    }
    qsort(frequency, categories, sizeof *frequency, by_frequency);
    out->of = ARENA_ARRAY(arena, uint32_t, categories);
    out->bins = categories < bins_max ? categories : bins_max;
    for (uint32_t c = 0; c < categories; c++) {
        out->of[frequency[c].category] = c < out->bins ? c : out->bins - 1;
    }
    for (uint32_t i = 0; i < rows; i++) {
        out->bin[i] = (uint8_t)(isnan(x[i]) ? out->bins : out->of[(uint32_t)x[i]]);
    }
}

static void make_bins(Boost *self) {
    MlTrainer *trainer = self->trainer;
    uint32_t rows = trainer->train_rows, features = trainer->model->features;
    uint32_t bins_max = option_count(trainer, "max-bins");
    double *sorted = NEW_ARRAY(double, rows);
    self->binned = ARENA_ARRAY(&trainer->arena, Binned, features);
    for (uint32_t f = 0; f < features; f++) {
        const Feature *feature = &trainer->model->feature[f];
        Binned *binned = &self->binned[f];
        binned->bin = ARENA_ARRAY(&trainer->arena, uint8_t, rows);
        if (feature->type == ML_TEXT) {
            bin_texts(trainer->x[f], rows, bins_max, feature->categories, binned, &trainer->arena);
        } else {
            bin_numbers(trainer->x[f], rows, bins_max, binned, sorted, &trainer->arena);
        }
    }
    mem_free(sorted);
}

// ---- cuts

static void sum_rows(const Boost *self, const Leaf *leaf, uint32_t feature, Sum *histogram) {
    const uint8_t *bin = self->binned[feature].bin;
    memset(histogram, 0, (BINS_MAX + 1) * sizeof *histogram);
    for (uint32_t i = leaf->from; i < leaf->to; i++) {
        uint32_t row = self->row[i];
        Sum *sum = &histogram[bin[row]];
        sum->gradient += self->gradient[row];
        sum->hessian += self->hessian[row];
        sum->rows++;
    }
}

static double worth(const Boost *self, double gradient, double hessian) {
    return gradient * gradient / (hessian + self->l2 + 1e-12);
}

typedef struct Order {
    double mean;
    uint32_t bin;
} Order;

static int by_mean(const void *a, const void *b) {
    const Order *x = a, *y = b;
    if (x->mean != y->mean) return x->mean < y->mean ? -1 : 1;
    return (x->bin > y->bin) - (x->bin < y->bin);
}

// The bins in the order in which they are cut: ranges as they lie, categories by their gradient.
static uint32_t order_bins(const Boost *self, uint32_t feature, const Sum *histogram,
                           Order *order) {
    uint32_t count = 0;
    bool text = self->trainer->model->feature[feature].type == ML_TEXT;
    for (uint32_t b = 0; b < self->binned[feature].bins; b++) {
        if (histogram[b].rows < 0.5) continue;
        order[count].bin = b;
        // Ten rows' worth of doubt, so that rare categories do not lie at the ends (LightGBM).
        order[count++].mean = text ? histogram[b].gradient / (histogram[b].hessian + 10) : 0;
    }
    if (text) qsort(order, count, sizeof *order, by_mean);
    return count;
}

static void search_feature(const Boost *self, const Leaf *leaf, uint32_t feature,
                           const Sum *histogram, BoostCut *best) {
    const Binned *binned = &self->binned[feature];
    const Sum *missing = &histogram[binned->bins];
    bool text = self->trainer->model->feature[feature].type == ML_TEXT, none = missing->rows < 0.5;
    Order order[BINS_MAX];
    uint32_t count = order_bins(self, feature, histogram, order), cut_at = 0;
    double whole = worth(self, leaf->all.gradient, leaf->all.hessian);
    *best = (BoostCut){.feature = feature};
    for (int missing_left = 0; missing_left < (none ? 1 : 2); missing_left++) {
        Sum left = {0};
        if (missing_left) left = *missing;
        uint32_t last = none || missing_left ? count - 1 : count;
        for (uint32_t i = 0; count && i < last; i++) {
            const Sum *bin = &histogram[order[i].bin];
            left.gradient += bin->gradient;
            left.hessian += bin->hessian;
            left.rows += bin->rows;
            double rest = leaf->all.rows - left.rows;
            if (left.rows < self->leaf_min || rest < self->leaf_min) continue;
            double gain = worth(self, left.gradient, left.hessian) - whole +
                          worth(self, leaf->all.gradient - left.gradient,
                                leaf->all.hessian - left.hessian);
            if (gain <= best->gain + 1e-10 * whole) continue;
            best->gain = gain;
            best->missing_left = none ? left.rows >= rest : missing_left;
            cut_at = i + 1;
        }
    }
    if (best->gain <= self->min_gain) best->gain = 0;
    if (best->gain <= 0) return;
    best->bin = order[cut_at - 1].bin;
    if (text) {
        for (uint32_t i = 0; i < cut_at; i++) best->in_left[order[i].bin] = 1;
    } else {
        best->threshold = best->bin + 1 < binned->bins ? binned->upper[best->bin] : INFINITY;
    }
}

static void work_feature(void *arg, uint32_t feature, uint32_t worker) {
    (void)worker;
    Boost *self = arg;
    if (!self->asked[feature]) return;
    Sum *histogram = self->at->histogram + (size_t)feature * (BINS_MAX + 1);
    if (!self->summed) sum_rows(self, self->at, feature, histogram);
    search_feature(self, self->at, feature, histogram, &self->found[feature]);
}

// Sums the leaf's histogram, unless it is there, and finds its best cut.
static void search_leaf(Boost *self, Leaf *leaf, bool summed) {
    uint32_t features = self->trainer->model->features;
    leaf->cut.gain = 0;
    self->at = leaf;
    self->summed = summed;
    // A thread is worth its start with a few hundred thousand steps only.
    uint64_t steps = (uint64_t)(summed ? 256 : leaf->to - leaf->from) * features;
    uint32_t threads = steps > 200000 ? trainer_threads(self->trainer, features) : 1;
    parallel(threads, features, work_feature, self);
    for (uint32_t f = 0; f < features; f++) {
        if (self->asked[f] && self->found[f].gain > leaf->cut.gain) leaf->cut = self->found[f];
    }
}

// ---- one tree

static bool bin_goes_left(const Boost *self, const BoostCut *cut, uint32_t bin) {
    if (bin == self->binned[cut->feature].bins) return cut->missing_left;
    if (self->binned[cut->feature].of) return cut->in_left[bin];
    return bin <= cut->bin;
}

static uint32_t part_rows(Boost *self, const Leaf *leaf) {
    const uint8_t *bin = self->binned[leaf->cut.feature].bin;
    uint32_t left = leaf->from, right = 0;
    for (uint32_t i = leaf->from; i < leaf->to; i++) {
        uint32_t row = self->row[i];
        if (bin_goes_left(self, &leaf->cut, bin[row])) self->row[left++] = row;
        else self->spare[right++] = row;
    }
    memcpy(self->row + left, self->spare, right * sizeof *self->row);
    return left;
}

static void write_cut(Boost *self, uint32_t at, const BoostCut *cut) {
    Grove *grove = self->grove;
    const Feature *feature = &self->trainer->model->feature[cut->feature];
    WeirNode node = {.feature = (int32_t)cut->feature, .threshold = cut->threshold,
                     .missing_left = cut->missing_left, .rows = grove->node[at].rows};
    if (feature->type == ML_TEXT) {
        node.set_words = (uint32_t)BITS_WORDS(feature->categories);
        node.set = grove_set(grove, node.set_words);
        for (uint32_t c = 0; c < feature->categories; c++) {
            if (cut->in_left[self->binned[cut->feature].of[c]]) bits_set(grove->set + node.set, c);
        }
    }
    node.left = grove_node(grove);
    node.right = grove_node(grove);
    grove->node[at] = node;
}

static Sum sum_leaf(const Boost *self, uint32_t from, uint32_t to) {
    Sum sum = {.rows = to - from};
    for (uint32_t i = from; i < to; i++) {
        sum.gradient += self->gradient[self->row[i]];
        sum.hessian += self->hessian[self->row[i]];
    }
    return sum;
}

static size_t histogram_cells(const Boost *self) {
    return (size_t)self->trainer->model->features * (BINS_MAX + 1);
}

// Cuts [leaf] in two: it becomes its left child, [right] the other one.
static void cut_leaf(Boost *self, Leaf *leaf, Leaf *right) {
    write_cut(self, leaf->node, &leaf->cut);
    uint32_t middle = part_rows(self, leaf), node = leaf->node;
    *right = (Leaf){.from = middle, .to = leaf->to, .depth = leaf->depth + 1};
    leaf->to = middle;
    leaf->depth++;
    leaf->node = self->grove->node[node].left;
    right->node = self->grove->node[node].right;
    leaf->all = sum_leaf(self, leaf->from, leaf->to);
    right->all = sum_leaf(self, right->from, right->to);
    self->grove->node[leaf->node].rows = leaf->all.rows;
    self->grove->node[right->node].rows = right->all.rows;
    if (leaf->depth >= self->depth_max) {  // neither will be cut
        mem_free(leaf->histogram);
        leaf->histogram = right->histogram = NULL;
        leaf->cut.gain = right->cut.gain = 0;
        return;
    }
    Leaf *small = leaf->all.rows < right->all.rows ? leaf : right;
    Leaf *large = small == leaf ? right : leaf;
    Sum *parent = leaf->histogram;
    small->histogram = mem_alloc(histogram_cells(self) * sizeof(Sum));
    large->histogram = parent;
    search_leaf(self, small, false);
    for (uint32_t f = 0; f < self->trainer->model->features; f++) {
        if (!self->asked[f]) continue;
        Sum *from = parent + (size_t)f * (BINS_MAX + 1);
        const Sum *less = small->histogram + (size_t)f * (BINS_MAX + 1);
        for (uint32_t b = 0; b <= self->binned[f].bins; b++) {
            from[b].gradient -= less[b].gradient;
            from[b].hessian -= less[b].hessian;
            from[b].rows -= less[b].rows;
        }
    }
    search_leaf(self, large, true);
}

static void close_leaf(Boost *self, Leaf *leaf, uint32_t output) {
    double value = -leaf->all.gradient / (leaf->all.hessian + self->l2 + 1e-12) * self->rate;
    uint32_t at = grove_values(self->grove, 1);
    self->grove->value[at] = value;
    self->grove->node[leaf->node].feature = -1;
    self->grove->node[leaf->node].left = at;
    mem_free(leaf->histogram);
    leaf->histogram = NULL;
    double *score = self->score + (size_t)output * self->trainer->rows;
    for (uint32_t i = leaf->from; i < leaf->to; i++) score[self->row[i]] += value;
}

static void grow_tree(Boost *self, Grove *grove, uint32_t output) {
    uint32_t leaves = 1;
    self->grove = grove;
    self->leaf[0] = (Leaf){.to = self->row_count, .node = grove_node(grove)};
    self->leaf[0].all = sum_leaf(self, 0, self->row_count);
    self->leaf[0].histogram = mem_alloc(histogram_cells(self) * sizeof(Sum));
    grove->node[0].rows = self->row_count;
    search_leaf(self, &self->leaf[0], false);
    while (leaves < self->leaves_max) {
        uint32_t best = 0;
        for (uint32_t l = 1; l < leaves; l++) {
            if (self->leaf[l].cut.gain > self->leaf[best].cut.gain) best = l;
        }
        if (self->leaf[best].cut.gain <= 0) break;
        cut_leaf(self, &self->leaf[best], &self->leaf[leaves]);
        leaves++;
    }
    for (uint32_t l = 0; l < leaves; l++) close_leaf(self, &self->leaf[l], output);
}

// Leaf by leaf is no pre-order: a child may stand before its uncle, but never before its parent,
// which is all that a reader of the file asks for.
static double walk(const MlTrainer *trainer, const Grove *grove, uint32_t row) {
    const WeirNode *node = grove->node;
    while (node->feature >= 0) {
        double x = trainer->x[node->feature][row];
        bool left = isnan(x)         ? node->missing_left
                    : node->set_words ? bits_get(grove->set + node->set, (uint32_t)x)
                                      : x <= node->threshold;
        node = &grove->node[left ? node->left : node->right];
    }
    return grove->value[node->left];
}

// ---- rounds

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static void take_gradients(Boost *self, uint32_t output) {
    const MlTrainer *trainer = self->trainer;
    uint32_t rows = trainer->train_rows, classes = trainer->model->classes;
    const double *score = self->score + (size_t)output * trainer->rows;
    for (uint32_t i = 0; i < rows; i++) {
        if (!classes) {
            self->gradient[i] = score[i] - trainer->y[i];
            self->hessian[i] = 1;
            continue;
        }
        double p = sigmoid(score[i]);
        if (classes > 2) {  // from the scores of all classes as they were before this round's trees
            double sum = 0;
            for (uint32_t c = 0; c < classes; c++) {
                sum += exp(self->score[(size_t)c * trainer->rows + i] - score[i]);
            }
            p = 1 / sum;
        }
        double truth = classes > 2 ? trainer->y[i] == output : trainer->y[i];
        self->gradient[i] = p - truth;
        self->hessian[i] = fmax(p * (1 - p), 1e-16);
    }
}

static double loss(const Boost *self, uint32_t from, uint32_t to) {
    const MlTrainer *trainer = self->trainer;
    uint32_t classes = trainer->model->classes;
    double sum = 0;
    for (uint32_t i = from; i < to; i++) {
        double y = trainer->y[i], score = self->score[i];
        if (!classes) {
            sum += (score - y) * (score - y);
        } else if (classes == 2) {
            double margin = y > 0 ? score : -score;
            sum += margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin;
        } else {
            double mine = self->score[(size_t)y * trainer->rows + i], all = 0;
            for (uint32_t c = 0; c < classes; c++) {
                all += exp(self->score[(size_t)c * trainer->rows + i] - mine);
            }
            sum += log(all);
        }
    }
    return sum / (to - from);
}

// Where all rows begin: the mean, or the logarithm of what a class's part of the rows is.
static double *make_base(const MlTrainer *trainer, uint32_t outputs) {
    double *base = ARENA_ARRAY(&trainer->model->arena, double, outputs);
    uint32_t rows = trainer->train_rows, classes = trainer->model->classes;
    for (uint32_t i = 0; i < rows; i++) {
        if (classes > 2) base[(uint32_t)trainer->y[i]] += 1.0 / rows;
        else base[0] += trainer->y[i] / rows;
    }
    if (classes == 2) {
        double part = fmin(fmax(base[0], 1e-6), 1 - 1e-6);
        base[0] = log(part / (1 - part));
    }
    for (uint32_t c = 0; classes > 2 && c < classes; c++) base[c] = log(fmax(base[c], 1e-6));
    return base;
}

static void choose(Boost *self, Rng *rng) {
    MlTrainer *trainer = self->trainer;
    double part = option_number(trainer, "subsample");
    double features = option_number(trainer, "feature-fraction");
    self->row_count = 0;
    for (uint32_t i = 0; i < trainer->train_rows; i++) {
        if (part >= 1 || rng_unit(rng) < part) self->row[self->row_count++] = i;
    }
    if (!self->row_count) self->row[self->row_count++] = 0;
    bool any = false;
    for (uint32_t f = 0; f < trainer->model->features; f++) {
        any |= self->asked[f] = features >= 1 || rng_unit(rng) < features;
    }
    if (!any) self->asked[rng_below(rng, trainer->model->features)] = true;
}

// Scores of the rows that the tree has not learned from.
static void score_others(Boost *self, const Grove *grove, uint32_t output) {
    MlTrainer *trainer = self->trainer;
    double *score = self->score + (size_t)output * trainer->rows;
    for (uint32_t i = trainer->train_rows; i < trainer->rows; i++) {
        score[i] += walk(trainer, grove, i);
    }
    if (self->row_count == trainer->train_rows) return;
    uint8_t *learned = NEW_ARRAY(uint8_t, trainer->train_rows);
    for (uint32_t i = 0; i < self->row_count; i++) learned[self->row[i]] = 1;
    for (uint32_t i = 0; i < trainer->train_rows; i++) {
        if (!learned[i]) score[i] += walk(trainer, grove, i);
    }
    mem_free(learned);
}

// All trees of a round learn from the scores before it: with many classes gradients are taken
// first.
static void boost_round(Boost *self, Grove *grove, Rng *rng, double *gradients) {
    MlTrainer *trainer = self->trainer;
    uint32_t rows = trainer->train_rows;
    for (uint32_t o = 0; o < self->outputs; o++) {
        self->gradient = gradients + (size_t)2 * o * rows;
        self->hessian = self->gradient + rows;
        take_gradients(self, o);
    }
    for (uint32_t o = 0; o < self->outputs; o++) {
        self->gradient = gradients + (size_t)2 * o * rows;
        self->hessian = self->gradient + rows;
        choose(self, rng);
        grow_tree(self, &grove[o], o);
        score_others(self, &grove[o], o);
    }
}

static Status boost_rounds(Boost *self, Grove *grove, uint32_t rounds, uint32_t *trees,
                           Error *err) {
    MlTrainer *trainer = self->trainer;
    Patience patience = {.patience = trainer->patience};
    Rng rng = rng_make(trainer->seed, 2);
    double *gradients = ARENA_ARRAY(&trainer->arena, double,
                                    (size_t)2 * self->outputs * trainer->train_rows);
    bool stop = false;
    uint32_t kept = 0;
    while (kept < rounds && !stop) {
        TRY(trainer_check(trainer, err));
        boost_round(self, grove + (size_t)kept * self->outputs, &rng, gradients);
        kept++;
        bool judged = trainer->rows > trainer->train_rows;
        if (judged) {
            double judgement = loss(self, trainer->train_rows, trainer->rows);
            patience_better(&patience, judgement, &stop);
            if (kept % 10 == 0 || stop) {
                trainer_say(trainer, "round %u: loss %.6g, on validation rows %.6g", kept,
                            loss(self, 0, trainer->train_rows), judgement);
            }
        } else if (kept % 10 == 0) {
            trainer_say(trainer, "round %u: loss %.6g", kept,
                        loss(self, 0, trainer->train_rows));
        }
    }
    if (trainer->patience) kept = patience.best_round;
    *trees = kept * self->outputs;
    return ST_OK;
}

static Status train_boost(MlTrainer *trainer, Error *err) {
    WeirModel *model = trainer->model;
    uint32_t rows = trainer->train_rows, outputs = model->classes > 2 ? model->classes : 1;
    uint32_t rounds = option_count(trainer, "trees"), depth = option_count(trainer, "max-depth");
    Boost self = {
        .trainer = trainer, .outputs = outputs, .l2 = option_number(trainer, "l2"),
        .min_gain = option_number(trainer, "min-gain"),
        .rate = option_number(trainer, "learning-rate"),
        .depth_max = depth ? depth : DEPTH_MAX,
        .leaves_max = option_count(trainer, "max-leaves"),
        .leaf_min = option_count(trainer, "min-samples-leaf"),
    };
    uint64_t bytes = (uint64_t)rows * (model->features + 16 * outputs + 8) +
                     (uint64_t)trainer->rows * outputs * 8 +
                     (uint64_t)(self.leaves_max + 1) * model->features * 256 * sizeof(Sum);
    bool library = option_choice(trainer, "library") > 0;
    TRY(trainer_charge(trainer, bytes, err));
    if (!library) make_bins(&self);
    double *base = make_base(trainer, outputs);
    self.score = ARENA_ARRAY(&trainer->arena, double, (size_t)outputs * trainer->rows);
    for (uint32_t o = 0; o < outputs; o++) {
        for (uint32_t i = 0; i < trainer->rows; i++) {
            self.score[(size_t)o * trainer->rows + i] = base[o];
        }
    }
    self.row = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    self.spare = ARENA_ARRAY(&trainer->arena, uint32_t, rows);
    self.asked = ARENA_ARRAY(&trainer->arena, bool, model->features);
    self.found = ARENA_ARRAY(&trainer->arena, BoostCut, model->features);
    self.leaf = ARENA_ARRAY(&trainer->arena, Leaf, self.leaves_max + 1);
    uint32_t kept = 0;
    Grove *grove = NEW_ARRAY(Grove, (size_t)rounds * outputs);
    Status st = library ? boost_by_xgboost(trainer, base, outputs, grove, rounds, &kept, err)
                        : boost_rounds(&self, grove, rounds, &kept, err);
    if (!st) {
        model->kind = WEIR_TREES;
        model->trees = groves_join(&model->arena, grove, kept, 1);
        model->trees->base = base;
        model->trees->base_count = outputs;
        model->trees->sum = !model->classes       ? TREES_SUM
                            : model->classes == 2 ? TREES_LOGISTIC
                                                  : TREES_SOFTMAX;
        trainer->rounds = kept / outputs;
    }
    for (size_t t = 0; t < (size_t)rounds * outputs; t++) grove_free(&grove[t]);
    mem_free(grove);
    return st;
}

const MlAlgorithm TRAIN_GRADIENT_BOOSTING = {
    .name = "gradient-boosting",
    .tasks = 1 << ML_CLASSIFICATION | 1 << ML_REGRESSION,
    .option = BOOST_ROWS,
    .train = train_boost,
    .doc = "A sum of small trees, each of which learns what those before it got wrong: usually the "
           "best there is for tables.",
};
