// ml/online/hoeffding.c - a decision tree that grows with the stream.
#include "ml/online/hoeffding.h"

// Of numbers: these for each class. Of texts: a count for each category.
enum { ROWS, MEAN, SQUARES, LEAST, MOST, STATS };
enum { CUTS = 10, NODES_MAX = 1 << 25 };

typedef struct Observer {
    uint32_t input, width;
    bool text;
    double *stat;  // [leaf's cap][width]
} Observer;

typedef struct Leaf {
    uint32_t cap;         // classes that there is room for
    double *count;        // [cap]
    double weight_tried;  // when a split was tried last
    double majority_right, bayes_right;
    Observer *observer;
    uint32_t observers;
    uint32_t depth;
} Leaf;

typedef struct Node {
    Leaf *leaf;      // owned; NULL: an inner node
    uint32_t input, left, right;
    bool text;       // x == threshold goes left, else x <= threshold
    double threshold;
} Node;

struct HoeffdingTree {
    HoeffdingSpec spec;
    uint32_t inputs, nodes, cap, leaves;
    Node *node;
};

HoeffdingSpec hoeffding_spec(const MlLearner *learner) {
    return (HoeffdingSpec){
        .delta = learner_number(learner, "delta"),
        .tie = learner_number(learner, "tie"),
        .grace = learner_count(learner, "grace"),
        .leaves_max = learner_count(learner, "max-leaves"),
        .depth_max = learner_count(learner, "max-depth"),
        .answer = (LeafAnswer)learner_count(learner, "leaf"),
    };
}

// ---- leaves

static void leaf_free(Leaf *leaf) {
    if (!leaf) return;
    for (uint32_t i = 0; i < leaf->observers; i++) mem_free(leaf->observer[i].stat);
    mem_free(leaf->observer);
    mem_free(leaf->count);
    mem_free(leaf);
}

// The inputs that a leaf looks at: all, or so many drawn by chance, in their order.
static Leaf *leaf_new(const HoeffdingTree *tree, uint32_t depth, Rng *rng) {
    Leaf *leaf = NEW(Leaf);
    uint32_t tried = tree->spec.inputs_tried;
    leaf->depth = depth;
    leaf->observers = tried && tried < tree->inputs ? tried : tree->inputs;
    leaf->observer = NEW_ARRAY(Observer, leaf->observers);
    uint32_t left = leaf->observers, at = 0;
    for (uint32_t i = 0; i < tree->inputs; i++) {
        if (rng_below(rng, tree->inputs - i) >= left) continue;
        leaf->observer[at++].input = i;
        left--;
    }
    return leaf;
}

static void observer_room(Observer *observer, uint32_t old_cap, uint32_t cap, uint32_t width) {
    double *stat = NEW_ARRAY(double, (size_t)cap * width);
    for (uint32_t c = 0; c < old_cap && observer->width; c++) {
        memcpy(stat + (size_t)c * width, observer->stat + (size_t)c * observer->width,
               observer->width * sizeof *stat);
    }
    mem_free(observer->stat);
    observer->stat = stat;
    observer->width = width;
}

static void leaf_room(Leaf *leaf, uint32_t classes) {
    if (classes <= leaf->cap) return;
    uint32_t cap = leaf->cap ? leaf->cap : 2;
    while (cap < classes) cap *= 2;
    leaf->count = mem_realloc(leaf->count, cap * sizeof *leaf->count);
    memset(leaf->count + leaf->cap, 0, (cap - leaf->cap) * sizeof *leaf->count);
    for (uint32_t i = 0; i < leaf->observers; i++) {
        Observer *observer = &leaf->observer[i];
        if (observer->width) observer_room(observer, leaf->cap, cap, observer->width);
    }
    leaf->cap = cap;
}

static double total(const double *count, uint32_t classes) {
    double sum = 0;
    for (uint32_t c = 0; c < classes; c++) sum += count[c];
    return sum;
}

static uint32_t index_of_most(const double *value, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (value[i] > value[best]) best = i;
    }
    return best;
}

static void observe_number(double *stat, double x, double weight) {
    if (stat[ROWS] == 0) stat[LEAST] = stat[MOST] = x;
    double off = x - stat[MEAN];
    stat[ROWS] += weight;
    stat[MEAN] += weight / stat[ROWS] * off;
    stat[SQUARES] += weight * off * (x - stat[MEAN]);
    stat[LEAST] = fmin(stat[LEAST], x);
    stat[MOST] = fmax(stat[MOST], x);
}

static void observe(Leaf *leaf, Observer *observer, const MlLearner *learner, double x,
                    uint32_t class, double weight) {
    if (isnan(x)) return;
    observer->text = learner_is_text(learner, observer->input);
    if (!observer->text) {
        if (!observer->width) observer_room(observer, leaf->cap, leaf->cap, STATS);
        observe_number(observer->stat + (size_t)class * STATS, x, weight);
        return;
    }
    uint32_t category = (uint32_t)x, width = observer->width ? observer->width : 4;
    while (width <= category) width *= 2;
    if (width != observer->width) observer_room(observer, leaf->cap, leaf->cap, width);
    observer->stat[(size_t)class * width + category] += weight;
}

// ---- answers

// Logarithms: of many inputs the product would leave the doubles.
static const double UNLIKELY = -20;

static double number_likelihood(const double *stat, double x) {
    if (stat[ROWS] < 2) return stat[ROWS] > 0 && x == stat[MEAN] ? 0 : UNLIKELY;
    double variance = stat[SQUARES] / (stat[ROWS] - 1), off = x - stat[MEAN];
    if (variance <= 0) return off == 0 ? 0 : UNLIKELY;
    return -0.5 * (off * off / variance + log(6.283185307179586 * variance));
}

static double text_likelihood(const Observer *observer, uint32_t class, double x) {
    const double *count = observer->stat + (size_t)class * observer->width;
    double rows = total(count, observer->width), hits = 0;
    if (x < observer->width) hits = count[(uint32_t)x];
    return log((hits + 1) / (rows + observer->width));
}

// The logarithm of each class's chance, but for a sum that all share.
static void bayes_scores(const Leaf *leaf, const double *x, uint32_t classes, double *out) {
    for (uint32_t c = 0; c < classes; c++) {
        out[c] = leaf->count[c] > 0 ? log(leaf->count[c]) : -INFINITY;
        for (uint32_t i = 0; i < leaf->observers && out[c] > -INFINITY; i++) {
            const Observer *observer = &leaf->observer[i];
            double at = x[observer->input];
            if (isnan(at) || !observer->width) continue;
            out[c] += observer->text
                          ? text_likelihood(observer, c, at)
                          : number_likelihood(observer->stat + (size_t)c * STATS, at);
        }
    }
}

static void leaf_scores(const HoeffdingTree *tree, const Leaf *leaf, const double *x,
                        uint32_t classes, double *out) {
    uint32_t known = classes < leaf->cap ? classes : leaf->cap;
    bool bayes = tree->spec.answer == LEAF_BAYES ||
                 (tree->spec.answer == LEAF_ADAPTIVE && leaf->bayes_right > leaf->majority_right);
    memset(out, 0, classes * sizeof *out);
    if (bayes) {
        bayes_scores(leaf, x, known, out);
        double most = -INFINITY;
        for (uint32_t c = 0; c < known; c++) most = fmax(most, out[c]);
        bayes = isfinite(most);
        for (uint32_t c = 0; c < known && bayes; c++) out[c] = exp(out[c] - most);
    }
    if (!bayes) memcpy(out, leaf->count, known * sizeof *out);
    double sum = total(out, known);
    for (uint32_t c = 0; c < classes; c++) out[c] = sum > 0 ? out[c] / sum : 1.0 / classes;
}

static bool goes_left(const Node *node, const double *x) {  // what is missing goes right
    return node->text ? x[node->input] == node->threshold : x[node->input] <= node->threshold;
}

static uint32_t leaf_of(const HoeffdingTree *tree, const double *x) {
    uint32_t at = 0;
    while (!tree->node[at].leaf) {
        const Node *node = &tree->node[at];
        at = goes_left(node, x) ? node->left : node->right;
    }
    return at;
}

bool hoeffding_score(const HoeffdingTree *tree, const MlLearner *learner, const double *x,
                     double *out) {
    uint32_t classes = learner_classes(learner);
    const Leaf *leaf = tree->node[leaf_of(tree, x)].leaf;
    if (!classes || (tree->nodes == 1 && !leaf->cap)) return false;
    leaf_scores(tree, leaf, x, classes, out);
    return true;
}

// ---- splits

typedef struct Split {
    double gain, threshold;
    uint32_t observer;
} Split;

static double entropy(const double *count, uint32_t classes, double sum) {
    double bits = 0;
    for (uint32_t c = 0; c < classes; c++) {
        if (count[c] > 0) bits -= count[c] / sum * log2(count[c] / sum);
    }
    return bits;
}

// Of the normal distribution [stat] the part up to [at].
static double part_below(const double *stat, double at) {
    if (stat[ROWS] <= 0 || at < stat[LEAST]) return 0;
    if (at >= stat[MOST]) return stat[ROWS];
    double variance = stat[ROWS] > 1 ? stat[SQUARES] / (stat[ROWS] - 1) : 0;
    if (variance <= 0) return at >= stat[MEAN] ? stat[ROWS] : 0;
    return stat[ROWS] * 0.5 * erfc(-(at - stat[MEAN]) / sqrt(2 * variance));
}

// The classes of the rows that go left.
static void left_counts(const Leaf *leaf, const Observer *observer, double threshold,
                        double *left) {
    for (uint32_t c = 0; c < leaf->cap; c++) {
        const double *stat = observer->stat + (size_t)c * observer->width;
        left[c] = observer->text ? stat[(uint32_t)threshold] : part_below(stat, threshold);
    }
}

static double gain_of(const Leaf *leaf, const double *left, double whole) {
    double right[ONLINE_CLASSES_MAX + 24], rows = total(leaf->count, leaf->cap);
    for (uint32_t c = 0; c < leaf->cap; c++) right[c] = fmax(0, leaf->count[c] - left[c]);
    double l = total(left, leaf->cap), r = total(right, leaf->cap);
    if (l < 0.01 * rows || r < 0.01 * rows) return 0;
    return whole - (l * entropy(left, leaf->cap, l) + r * entropy(right, leaf->cap, r)) / (l + r);
}

static Split best_of(const Leaf *leaf, uint32_t at, double whole) {
    const Observer *observer = &leaf->observer[at];
    Split best = {.observer = at};
    double left[ONLINE_CLASSES_MAX + 24], low = INFINITY, high = -INFINITY;
    uint32_t cuts = observer->text ? observer->width : CUTS;
    for (uint32_t c = 0; c < leaf->cap && observer->width && !observer->text; c++) {
        const double *stat = observer->stat + (size_t)c * STATS;
        if (stat[ROWS] <= 0) continue;
        low = fmin(low, stat[LEAST]);
        high = fmax(high, stat[MOST]);
    }
    if (!observer->width || (!observer->text && !(low < high))) return best;
    for (uint32_t cut = 0; cut < cuts; cut++) {
        double threshold = observer->text ? cut : low + (high - low) * (cut + 1) / (CUTS + 1);
        left_counts(leaf, observer, threshold, left);
        double gain = gain_of(leaf, left, whole);
        if (gain <= best.gain) continue;
        best.gain = gain;
        best.threshold = threshold;
    }
    return best;
}

static uint32_t new_node(HoeffdingTree *tree, Leaf *leaf) {
    if (tree->nodes == tree->cap) {
        tree->cap = tree->cap ? tree->cap * 2 : 8;
        tree->node = mem_realloc(tree->node, tree->cap * sizeof *tree->node);
    }
    tree->node[tree->nodes] = (Node){.leaf = leaf};
    return tree->nodes++;
}

static void split_leaf(HoeffdingTree *tree, uint32_t at, const Split *split, Rng *rng) {
    Leaf *leaf = tree->node[at].leaf;
    const Observer *observer = &leaf->observer[split->observer];
    Leaf *left = leaf_new(tree, leaf->depth + 1, rng),
         *right = leaf_new(tree, leaf->depth + 1, rng);
    leaf_room(left, leaf->cap);
    leaf_room(right, leaf->cap);
    left_counts(leaf, observer, split->threshold, left->count);
    for (uint32_t c = 0; c < leaf->cap; c++) {
        right->count[c] = fmax(0, leaf->count[c] - left->count[c]);
    }
    left->weight_tried = total(left->count, left->cap);
    right->weight_tried = total(right->count, right->cap);
    uint32_t l = new_node(tree, left), r = new_node(tree, right);
    tree->node[at] = (Node){.input = observer->input, .left = l, .right = r, .text = observer->text,
                            .threshold = split->threshold};
    tree->leaves++;
    leaf_free(leaf);
}

static void try_split(HoeffdingTree *tree, uint32_t at, uint32_t classes, Rng *rng) {
    Leaf *leaf = tree->node[at].leaf;
    double rows = total(leaf->count, leaf->cap), whole = entropy(leaf->count, leaf->cap, rows);
    leaf->weight_tried = rows;
    if (whole <= 0 || tree->leaves >= tree->spec.leaves_max) return;
    if (leaf->depth >= tree->spec.depth_max) return;
    Split best = {0};
    double second = 0;  // to do nothing gains nothing
    for (uint32_t i = 0; i < leaf->observers; i++) {
        Split split = best_of(leaf, i, whole);
        if (split.gain > best.gain) {
            second = best.gain;
            best = split;
        } else if (split.gain > second) {
            second = split.gain;
        }
    }
    double range = log2(classes < 2 ? 2 : classes);
    double bound = sqrt(range * range * log(1 / tree->spec.delta) / (2 * rows));
    if (best.gain <= 0) return;
    if (best.gain - second > bound || bound < tree->spec.tie) split_leaf(tree, at, &best, rng);
}

HoeffdingTree *hoeffding_new(const HoeffdingSpec *spec, uint32_t inputs, Rng *rng) {
    HoeffdingTree *tree = NEW(HoeffdingTree);
    tree->spec = *spec;
    tree->inputs = inputs;
    (void)new_node(tree, leaf_new(tree, 0, rng));
    tree->leaves = 1;
    return tree;
}

void hoeffding_free(HoeffdingTree *tree) {
    if (!tree) return;
    for (uint32_t i = 0; i < tree->nodes; i++) leaf_free(tree->node[i].leaf);
    mem_free(tree->node);
    mem_free(tree);
}

void hoeffding_learn(HoeffdingTree *tree, const MlLearner *learner, const double *x, uint32_t class,
                     double weight, Rng *rng) {
    uint32_t at = leaf_of(tree, x), classes = learner_classes(learner);
    Leaf *leaf = tree->node[at].leaf;
    leaf_room(leaf, classes);
    if (tree->spec.answer == LEAF_ADAPTIVE) {
        double score[ONLINE_CLASSES_MAX];
        if (index_of_most(leaf->count, classes) == class) leaf->majority_right += weight;
        bayes_scores(leaf, x, classes, score);
        if (index_of_most(score, classes) == class) leaf->bayes_right += weight;
    }
    leaf->count[class] += weight;
    for (uint32_t i = 0; i < leaf->observers; i++) {
        Observer *observer = &leaf->observer[i];
        observe(leaf, observer, learner, x[observer->input], class, weight);
    }
    if (total(leaf->count, leaf->cap) - leaf->weight_tried >= tree->spec.grace) {
        try_split(tree, at, classes, rng);
    }
}

// ---- state

static void observer_codec(const MlLearner *learner, const Leaf *leaf, Observer *observer,
                           uint32_t inputs, Codec *codec) {
    codec_u32(codec, &observer->input);
    codec_u32(codec, &observer->width);
    if (observer->input >= inputs) codec_fail(codec, "there is no input %u", observer->input);
    if (codec->failed) return;
    observer->text = learner_is_text(learner, observer->input);
    bool fits = observer->text ? observer->width <= 2 * ONLINE_CATEGORIES_MAX
                               : observer->width == 0 || observer->width == STATS;
    if (!fits || (observer->width && !leaf->cap)) codec_fail(codec, "what a leaf has seen");
    if (observer->width) codec_f64s(codec, &observer->stat, (size_t)leaf->cap * observer->width);
}

static void leaf_codec(const HoeffdingTree *tree, const MlLearner *learner, Leaf *leaf,
                       Codec *codec) {
    uint32_t observers = leaf->observers;
    codec_u32(codec, &leaf->depth);
    codec_f64(codec, &leaf->weight_tried);
    codec_f64(codec, &leaf->majority_right);
    codec_f64(codec, &leaf->bayes_right);
    codec_count(codec, &leaf->cap, 2 * ONLINE_CLASSES_MAX, 8);
    if (leaf->cap) codec_f64s(codec, &leaf->count, leaf->cap);
    codec_count(codec, &observers, tree->inputs, 8);
    if (codec_reads(codec)) {
        leaf->observer = NEW_ARRAY(Observer, observers + 1);
        leaf->observers = observers;
    }
    for (uint32_t i = 0; i < observers && !codec->failed; i++) {
        observer_codec(learner, leaf, &leaf->observer[i], tree->inputs, codec);
    }
    if (leaf->cap > ONLINE_CLASSES_MAX + 24) codec_fail(codec, "more classes than there may be");
}

static void node_codec(HoeffdingTree *tree, const MlLearner *learner, uint32_t at, uint32_t nodes,
                       Codec *codec) {
    Node *node = &tree->node[at];
    bool is_leaf = node->leaf != NULL;
    codec_bool(codec, &is_leaf);
    if (is_leaf && !codec->failed) {
        if (codec_reads(codec)) node->leaf = NEW(Leaf);
        leaf_codec(tree, learner, node->leaf, codec);
        return;
    }
    codec_u32(codec, &node->input);
    codec_u32(codec, &node->left);
    codec_u32(codec, &node->right);
    codec_bool(codec, &node->text);
    codec_f64(codec, &node->threshold);
    // Children come behind their parents, so that a walk ends.
    if (node->left <= at || node->right <= at || node->left >= nodes || node->right >= nodes ||
        node->input >= tree->inputs) {
        codec_fail(codec, "a node of a tree leads nowhere");
    }
}

void hoeffding_codec(HoeffdingTree *tree, const MlLearner *learner, Codec *codec) {
    uint32_t nodes = tree->nodes;
    codec_count(codec, &nodes, NODES_MAX, 21);
    codec_u32(codec, &tree->leaves);
    if (!nodes) codec_fail(codec, "a tree without a root");
    if (codec->failed) return;
    if (codec_reads(codec)) {
        for (uint32_t i = 0; i < tree->nodes; i++) leaf_free(tree->node[i].leaf);
        mem_free(tree->node);
        tree->node = NEW_ARRAY(Node, nodes);
        tree->nodes = tree->cap = nodes;
    }
    for (uint32_t i = 0; i < nodes && !codec->failed; i++)
        node_codec(tree, learner, i, nodes, codec);
}

// ---- the tree alone

static const MlOption TREE_ROWS[] = {HOEFFDING_OPTIONS, {0}};

static void *tree_make(MlLearner *learner) {
    HoeffdingSpec spec = hoeffding_spec(learner);
    return hoeffding_new(&spec, learner->inputs, &learner->rng);
}

static void tree_free(void *state) {
    hoeffding_free(state);
}

static void tree_learn(MlLearner *learner, const double *x, double y) {
    hoeffding_learn(learner->state, learner, x, (uint32_t)y, 1, &learner->rng);
}

static bool tree_score(const MlLearner *learner, const double *x, double *out) {
    return hoeffding_score(learner->state, learner, x, out);
}

static void tree_codec(MlLearner *learner, Codec *codec) {
    hoeffding_codec(learner->state, learner, codec);
}

const MlOnlineAlgorithm ONLINE_HOEFFDING_TREE = {
    .name = "hoeffding-tree",
    .task = ML_CLASSIFICATION,
    .texts = TEXTS_COUNTED,
    .option = TREE_ROWS,
    .make = tree_make,
    .free = tree_free,
    .learn = tree_learn,
    .score = tree_score,
    .codec = tree_codec,
    .doc =
        "A decision tree that grows with the stream, its leaves naive Bayes where that is better.",
};
