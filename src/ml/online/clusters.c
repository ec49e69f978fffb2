// ml/online/clusters.c - k-means over a stream, and half-space trees, which find outliers.
//
// k-means: the first rows are kept, centres are chosen from them (k-means++, then Lloyd's passes);
// from then on a centre moves to each of its rows by one part in the weight that it has (MacQueen,
// 1967), and weights may fade, so that centres follow.
//
// Half-space trees (Tan, Ting, Liu, 2011): random halvings of the space, the rows of each part
// counted in windows; a row is an outlier where the last window had few.
#include "ml/online/online_int.h"
#include "ml/vector.h"

// ---- k-means

// clang-format off
static const MlOption KMEANS_ROWS[] = {
    {"clusters", ML_OPTION_INT, "8", 1, 10000, .doc = "How many."},
    {"first-rows", ML_OPTION_INT, "500", 1, 1000000,
     .doc = "From which the first centres are made; at least as many as there are clusters."},
    {"decay", ML_OPTION_DOUBLE, "1", 0.5, 1,
     .doc = "What is left of a centre's weight with each row of its own; 1: all, it comes to rest."},
    {"standardize", ML_OPTION_BOOL, "true", .doc = "By the means and deviations of the first rows."},
    {0},
};
// clang-format on

typedef struct Kmeans {
    uint32_t inputs, clusters, first_rows, kept;
    double decay;
    bool ready, standardize;
    double *first;      // [first_rows][inputs]
    double *mean, *scale;
    double *center, *weight;
    double *row;        // scratch
} Kmeans;

static void *kmeans_make(MlLearner *learner) {
    Kmeans *self = NEW(Kmeans);
    self->inputs = learner->inputs;
    self->clusters = learner_count(learner, "clusters");
    self->first_rows = learner_count(learner, "first-rows");
    if (self->first_rows < self->clusters) self->first_rows = self->clusters;
    self->decay = learner_number(learner, "decay");
    self->standardize = learner_number(learner, "standardize") != 0;
    self->first = NEW_ARRAY(double, (size_t)self->first_rows * self->inputs);
    self->mean = NEW_ARRAY(double, self->inputs);
    self->scale = NEW_ARRAY(double, self->inputs);
    self->center = NEW_ARRAY(double, (size_t)self->clusters * self->inputs);
    self->weight = NEW_ARRAY(double, self->clusters);
    self->row = NEW_ARRAY(double, self->inputs);
    return self;
}

static void kmeans_free(void *state) {
    Kmeans *self = state;
    mem_free(self->first);
    mem_free(self->mean);
    mem_free(self->scale);
    mem_free(self->center);
    mem_free(self->weight);
    mem_free(self->row);
    mem_free(self);
}

static void encode(const Kmeans *self, const double *x, double *out) {
    for (uint32_t i = 0; i < self->inputs; i++) {
        double at = isnan(x[i]) ? self->mean[i] : x[i];
        out[i] = self->standardize ? (at - self->mean[i]) / self->scale[i] : at;
    }
}

static uint32_t nearest(const Kmeans *self, const double *row, uint32_t centers, double *squared) {
    uint32_t best = 0;
    *squared = INFINITY;
    for (uint32_t c = 0; c < centers; c++) {
        double d = vector_distance(row, self->center + (size_t)c * self->inputs, self->inputs);
        if (d < *squared) *squared = d, best = c;
    }
    return best;
}

static void measure_first(Kmeans *self) {
    for (uint32_t i = 0; i < self->inputs; i++) {
        double count = 0, sum = 0, squares = 0;
        for (uint32_t r = 0; r < self->kept; r++) {
            double x = self->first[(size_t)r * self->inputs + i];
            if (!isnan(x)) sum += x, count++;
        }
        self->mean[i] = count > 0 ? sum / count : 0;
        for (uint32_t r = 0; r < self->kept; r++) {
            double off = self->first[(size_t)r * self->inputs + i] - self->mean[i];
            if (!isnan(off)) squares += off * off;
        }
        self->scale[i] = squares > 0 ? sqrt(squares / count) : 1;
    }
    for (uint32_t r = 0; r < self->kept; r++) {
        double *row = self->first + (size_t)r * self->inputs;
        encode(self, row, row);
    }
}

static void begin_centers(Kmeans *self, Rng *rng) {
    enum { PASSES = 10 };
    uint32_t inputs = self->inputs;
    measure_first(self);
    for (uint32_t c = 0; c < self->clusters; c++) {
        double sum = 0, d;
        uint32_t chosen = rng_below(rng, self->kept);
        for (uint32_t r = 0; c && r < self->kept; r++) {
            (void)nearest(self, self->first + (size_t)r * inputs, c, &d);
            sum += d;
        }
        double at = rng_unit(rng) * sum;
        for (uint32_t r = 0; c && sum > 0 && r < self->kept; r++) {
            (void)nearest(self, self->first + (size_t)r * inputs, c, &d);
            if ((at -= d) >= 0) continue;
            chosen = r;
            break;
        }
        memcpy(self->center + (size_t)c * inputs, self->first + (size_t)chosen * inputs,
               inputs * sizeof(double));
    }
    double *sum = NEW_ARRAY(double, (size_t)self->clusters * inputs);
    for (int pass = 0; pass < PASSES; pass++) {
        memset(sum, 0, (size_t)self->clusters * inputs * sizeof *sum);
        memset(self->weight, 0, self->clusters * sizeof *self->weight);
        for (uint32_t r = 0; r < self->kept; r++) {
            double d;
            const double *row = self->first + (size_t)r * inputs;
            uint32_t c = nearest(self, row, self->clusters, &d);
            vector_add(sum + (size_t)c * inputs, 1, row, inputs);
            self->weight[c]++;
        }
        for (uint32_t c = 0; c < self->clusters; c++) {
            for (uint32_t i = 0; i < inputs && self->weight[c] > 0; i++) {
                self->center[(size_t)c * inputs + i] =
                    sum[(size_t)c * inputs + i] / self->weight[c];
            }
        }
    }
    mem_free(sum);
    self->ready = true;
    self->kept = 0;
}

static void kmeans_learn(MlLearner *learner, const double *x, double y) {
    (void)y;
    Kmeans *self = learner->state;
    if (!self->ready) {
        memcpy(self->first + (size_t)self->kept++ * self->inputs, x, self->inputs * sizeof *x);
        if (self->kept == self->first_rows) begin_centers(self, &learner->rng);
        return;
    }
    double squared, *row = self->row;
    encode(self, x, row);
    uint32_t c = nearest(self, row, self->clusters, &squared);
    double *center = self->center + (size_t)c * self->inputs;
    self->weight[c] = self->weight[c] * self->decay + 1;
    for (uint32_t i = 0; i < self->inputs; i++) center[i] += (row[i] - center[i]) / self->weight[c];
}

static bool kmeans_score(const MlLearner *learner, const double *x, double *out) {
    const Kmeans *self = learner->state;
    if (!self->ready) return false;
    double squared, *row = NEW_ARRAY(double, self->inputs);
    encode(self, x, row);
    out[0] = nearest(self, row, self->clusters, &squared);
    out[1] = sqrt(squared);
    mem_free(row);
    return true;
}

static void kmeans_codec(MlLearner *learner, Codec *codec) {
    Kmeans *self = learner->state;
    codec_bool(codec, &self->ready);
    codec_u32(codec, &self->kept);
    if (self->kept >= self->first_rows) codec_fail(codec, "more first rows than there are");
    if (codec->failed) self->kept = 0;
    codec_f64s_at(codec, self->first, (size_t)self->kept * self->inputs);
    if (!self->ready) return;
    codec_f64s_at(codec, self->mean, self->inputs);
    codec_f64s_at(codec, self->scale, self->inputs);
    codec_f64s_at(codec, self->center, (size_t)self->clusters * self->inputs);
    codec_f64s_at(codec, self->weight, self->clusters);
}

const MlOnlineAlgorithm ONLINE_KMEANS = {
    .name = "streaming-k-means", .task = ML_CLUSTERING, .texts = TEXTS_REFUSED,
    .option = KMEANS_ROWS, .make = kmeans_make, .free = kmeans_free, .learn = kmeans_learn,
    .score = kmeans_score, .codec = kmeans_codec,
    .doc = "Centres that move with their rows; with a `decay` they follow a drift.",
};

// ---- half-space trees

// clang-format off
static const MlOption HALF_SPACE_ROWS[] = {
    {"trees", ML_OPTION_INT, "25", 1, 1000, .doc = "How many."},
    {"depth", ML_OPTION_INT, "10", 1, 16, .doc = "Halvings of a tree."},
    {"window", ML_OPTION_INT, "250", 10, 1000000, .doc = "Rows whose counts the next ones are held against."},
    {"threshold", ML_OPTION_DOUBLE, "0.9", 0, 1, .doc = "The score above which a row is an outlier."},
    {0},
};
// clang-format on

typedef struct HalfSpace {
    uint32_t inputs, trees, depth, window, kept, nodes;
    double threshold;
    bool ready;
    double *first;             // [window][inputs], until the ranges are known
    double *low, *range;       // [inputs]
    uint32_t *input;           // [trees][nodes]: what a node asks; node n has 2n + 1 and 2n + 2
    double *cut;
    double *last, *now;        // rows that came by, in the last window and in this one
    uint32_t in_window;
} HalfSpace;

static void *half_space_make(MlLearner *learner) {
    HalfSpace *self = NEW(HalfSpace);
    self->inputs = learner->inputs;
    self->trees = learner_count(learner, "trees");
    self->depth = learner_count(learner, "depth");
    self->window = learner_count(learner, "window");
    self->threshold = learner_number(learner, "threshold");
    self->nodes = ((uint32_t)2 << self->depth) - 1;
    size_t all = (size_t)self->trees * self->nodes;
    self->first = NEW_ARRAY(double, (size_t)self->window * self->inputs);
    self->low = NEW_ARRAY(double, self->inputs);
    self->range = NEW_ARRAY(double, self->inputs);
    self->input = NEW_ARRAY(uint32_t, all);
    self->cut = NEW_ARRAY(double, all);
    self->last = NEW_ARRAY(double, all);
    self->now = NEW_ARRAY(double, all);
    return self;
}

static void half_space_free(void *state) {
    HalfSpace *self = state;
    mem_free(self->first);
    mem_free(self->low);
    mem_free(self->range);
    mem_free(self->input);
    mem_free(self->cut);
    mem_free(self->last);
    mem_free(self->now);
    mem_free(self);
}

static double scaled(const HalfSpace *self, const double *x, uint32_t i) {
    return isnan(x[i]) ? 0.5 : (x[i] - self->low[i]) / self->range[i];
}

// Halves [low, high] of one input after the other, drawn by chance; the box is put back on the way
// up.
static void make_node(HalfSpace *self, size_t tree, uint32_t node, uint32_t depth, double *low,
                      double *high, Rng *rng) {
    if (depth == self->depth) return;
    uint32_t i = rng_below(rng, self->inputs);
    double middle = (low[i] + high[i]) / 2, kept = high[i];
    self->input[tree + node] = i;
    self->cut[tree + node] = middle;
    high[i] = middle;
    make_node(self, tree, 2 * node + 1, depth + 1, low, high, rng);
    high[i] = kept;
    kept = low[i];
    low[i] = middle;
    make_node(self, tree, 2 * node + 2, depth + 1, low, high, rng);
    low[i] = kept;
}

// The space of a tree: about a point drawn by chance, as far as the first rows reach at least.
static void make_trees(HalfSpace *self, Rng *rng) {
    double *low = NEW_ARRAY(double, 2 * (size_t)self->inputs), *high = low + self->inputs;
    for (uint32_t i = 0; i < self->inputs; i++) {
        double least = INFINITY, most = -INFINITY;
        for (uint32_t r = 0; r < self->kept; r++) {
            least = fmin(least, self->first[(size_t)r * self->inputs + i]);
            most = fmax(most, self->first[(size_t)r * self->inputs + i]);
        }
        self->low[i] = least <= most ? least : 0;
        self->range[i] = most > least ? most - least : 1;
    }
    for (uint32_t t = 0; t < self->trees; t++) {
        for (uint32_t i = 0; i < self->inputs; i++) {
            double middle = rng_unit(rng), reach = 2 * fmax(middle, 1 - middle);
            low[i] = middle - reach;
            high[i] = middle + reach;
        }
        make_node(self, (size_t)t * self->nodes, 0, 0, low, high, rng);
    }
    mem_free(low);
    self->ready = true;
}

static void count_row(HalfSpace *self, const double *x) {
    for (uint32_t t = 0; t < self->trees; t++) {
        size_t tree = (size_t)t * self->nodes;
        uint32_t node = 0;
        self->now[tree]++;
        for (uint32_t d = 0; d < self->depth; d++) {
            bool right = scaled(self, x, self->input[tree + node]) >= self->cut[tree + node];
            node = 2 * node + 1 + right;
            self->now[tree + node]++;
        }
    }
    if (++self->in_window < self->window) return;
    double *kept = self->last;
    self->last = self->now;
    self->now = kept;
    memset(self->now, 0, (size_t)self->trees * self->nodes * sizeof *self->now);
    self->in_window = 0;
}

static void half_space_learn(MlLearner *learner, const double *x, double y) {
    (void)y;
    HalfSpace *self = learner->state;
    if (self->ready) {
        count_row(self, x);
        return;
    }
    memcpy(self->first + (size_t)self->kept++ * self->inputs, x, self->inputs * sizeof *x);
    if (self->kept < self->window) return;
    make_trees(self, &learner->rng);
    for (uint32_t r = 0; r < self->kept; r++) {
        count_row(self, self->first + (size_t)r * self->inputs);
    }
    self->kept = 0;
}

// The mass where the row falls, were the rows spread evenly over the space: 1 of the window. The
// score is 1 where there was none, a half at the even mass, 0 in a crowd.
static bool half_space_score(const MlLearner *learner, const double *x, double *out) {
    const HalfSpace *self = learner->state;
    if (!self->ready) return false;
    double few = 0.1 * self->window, mass = 0;
    for (uint32_t t = 0; t < self->trees; t++) {
        size_t tree = (size_t)t * self->nodes;
        uint32_t node = 0, d = 0;
        for (; d < self->depth && self->last[tree + node] > few; d++) {
            bool right = scaled(self, x, self->input[tree + node]) >= self->cut[tree + node];
            node = 2 * node + 1 + right;
        }
        mass += ldexp(self->last[tree + node], (int)d);
    }
    mass /= (double)self->trees * self->window;
    out[0] = 1 / (1 + mass);
    out[1] = out[0] > self->threshold;
    return true;
}

static void half_space_codec(MlLearner *learner, Codec *codec) {
    HalfSpace *self = learner->state;
    size_t all = (size_t)self->trees * self->nodes;
    codec_bool(codec, &self->ready);
    codec_u32(codec, &self->kept);
    codec_u32(codec, &self->in_window);
    if (self->kept >= self->window || self->in_window >= self->window) {
        codec_fail(codec, "more rows than a window has");
    }
    if (codec->failed) self->kept = 0;
    codec_f64s_at(codec, self->first, (size_t)self->kept * self->inputs);
    if (!self->ready) return;
    codec_f64s_at(codec, self->low, self->inputs);
    codec_f64s_at(codec, self->range, self->inputs);
    codec_u32s_at(codec, self->input, all);
    codec_f64s_at(codec, self->cut, all);
    codec_f64s_at(codec, self->last, all);
    codec_f64s_at(codec, self->now, all);
    for (size_t i = 0; i < all && codec_reads(codec); i++) {
        if (self->input[i] >= self->inputs) codec_fail(codec, "a node asks for no input");
    }
}

const MlOnlineAlgorithm ONLINE_HALF_SPACE = {
    .name = "half-space-trees", .task = ML_OUTLIERS, .texts = TEXTS_REFUSED,
    .option = HALF_SPACE_ROWS, .make = half_space_make, .free = half_space_free,
    .learn = half_space_learn, .score = half_space_score, .codec = half_space_codec,
    .doc = "Outliers of a stream: rows that fall where the last window had few.",
};
