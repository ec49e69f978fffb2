// ml/tree_slice.c - trees over blocks of 256 rows, a bit a row.
//
// 1. Each different question of the ensemble is answered once for the block, into 256 bits. Where a
//    feature has many thresholds the rows are sorted among them first: in that order the answer to
//    the next question is the last one and some more bits.
// 2. Let the leaves of a tree be numbered from left to right, and S[i] the rows that end in leaf i
//    or further right. S[0] is all rows, S[leaves] none. An inner node over the leaves a to b - 1,
//    whose right child begins with leaf i, knows S[a] and S[b] from its ancestors and says
//        S[i] = S[b] | (S[a] & ~yes),
//    so a tree is a list of such steps, parents first, without a branch.
// 3. A row's leaf number comes in Gray code: its bit k changes at the leaves 2^k + j * 2^(k + 1)
//    and nowhere else, so plane k is the exclusive or of S at these. Eight planes are a byte a row.
//
// Steps are about as many as leaves, at a fraction of a cycle a row; what is left to do for each
// row is one look into the leaves' values.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ml/tree_int.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#endif

enum {
    WORDS = SLICE_ROWS / 64,
    LEAVES_MAX = 1 << 16,
    PLANES_MAX = 16,
    DIRECT_MAX = 10,  // questions of a feature that are asked of the numbers themselves
};

typedef uint64_t Vec256 __attribute__((vector_size(32)));

typedef struct Ask {
    double threshold;
    uint32_t feature;
    uint32_t set;
    uint32_t rank;  // with RANKED: yes when the value's rank is at most this
    uint16_t set_words;
    uint8_t test;
    bool missing_left;
} Ask;

typedef struct Step {
    uint16_t self, a;
    uint32_t b;  // may be [leaves]
    uint32_t ask;
} Step;

typedef struct SliceTree {
    uint32_t step, leaves, planes;
    uint32_t value;  // in TreeSlice.value, [outs] for each Gray code
    uint32_t node;   // in TreeSlice.node: the leaf of each Gray code
} SliceTree;

typedef struct SliceFeature {
    uint32_t feature, ask, asks;   // its questions
    uint32_t threshold, thresholds;  // ranked among these; 0: asked directly
    bool missing;                  // some question wants to know which are missing
} SliceFeature;

struct TreeSlice {
    Ask *ask;
    SliceFeature *feature;
    double *threshold;
    SliceTree *tree;
    Step *step;
    double *value;
    uint32_t *node;
    uint32_t asks, features, thresholds, steps, leaves_max;
    uint32_t ranks_max;
    size_t begin;  // where in the scratch ranks are counted
    uint64_t values, nodes;
    bool avx2;
};

// -- Building -------------------------------------------------------------------------------------

static int ask_cmp(const void *x, const void *y) {
    const Ask *a = x, *b = y;
    if (a->feature != b->feature) return a->feature < b->feature ? -1 : 1;
    if (a->test != b->test) return a->test < b->test ? -1 : 1;
    if (a->threshold != b->threshold) return a->threshold < b->threshold ? -1 : 1;
    if (a->set != b->set) return a->set < b->set ? -1 : 1;
    if (a->set_words != b->set_words) return a->set_words < b->set_words ? -1 : 1;
    return (int)a->missing_left - (int)b->missing_left;
}

static Ask ask_of(const TreeNode *node) {
    Ask ask = {.feature = node->feature, .test = node->test, .missing_left = node->missing_left};
    if (node->test == TREE_LE || node->test == TREE_EQ) ask.threshold = node->threshold;
    if (node->test == TREE_IN) ask.set = node->set, ask.set_words = node->set_words;
    if (node->test == TREE_MISSING) ask.missing_left = true;
    return ask;
}

static void collect_asks(TreeSlice *self, const TreeSpec *spec) {
    Ask *all = mem_alloc(sizeof *all * (spec->nodes + 1));
    uint32_t count = 0;
    for (uint32_t n = 0; n < spec->nodes; n++) {
        if (spec->node[n].test != TREE_LEAF) all[count++] = ask_of(&spec->node[n]);
    }
    qsort(all, count, sizeof *all, ask_cmp);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!kept || ask_cmp(&all[kept - 1], &all[i]) != 0) all[kept++] = all[i];
    }
    self->ask = all;
    self->asks = kept;
}

static void rank_feature(TreeSlice *self, SliceFeature *feature) {
    uint32_t numbers = 0;
    feature->threshold = self->thresholds;
    for (uint32_t i = 0; i < feature->asks; i++) {
        Ask *ask = &self->ask[feature->ask + i];
        feature->missing |= ask->missing_left;
        if (ask->test != TREE_LE) continue;
        double *last = &self->threshold[feature->threshold + numbers];
        if (numbers == 0 || last[-1] != ask->threshold) *last = ask->threshold, numbers++;
        ask->rank = numbers - 1;
    }
    if (numbers <= DIRECT_MAX || numbers > UINT16_MAX - 1) return;
    feature->thresholds = numbers;
    if (numbers + 3 > self->ranks_max) self->ranks_max = numbers + 3;
    self->thresholds += numbers;
}

static void group_features(TreeSlice *self) {
    self->feature = NEW_ARRAY(SliceFeature, self->asks + 1);
    self->threshold = mem_alloc(sizeof(double) * (self->asks + 1));
    for (uint32_t i = 0; i < self->asks;) {
        SliceFeature *feature = &self->feature[self->features++];
        feature->feature = self->ask[i].feature;
        feature->ask = i;
        while (i < self->asks && self->ask[i].feature == feature->feature) i++;
        feature->asks = i - feature->ask;
        rank_feature(self, feature);
    }
}

static uint32_t leaves_of(const TreeSpec *spec, uint32_t root, uint32_t *stack) {
    uint32_t depth = 0, leaves = 0;
    stack[depth++] = root;
    while (depth) {
        const TreeNode *node = &spec->node[stack[--depth]];
        if (node->test == TREE_LEAF) {
            leaves++;
            continue;
        }
        stack[depth++] = node->right;
        stack[depth++] = node->left;
    }
    return leaves;
}

typedef struct Build {
    TreeSlice *self;
    const TreeSpec *spec;
    const Tree *tree;
    SliceTree *out;
    uint32_t outs;
    uint32_t *count;  // leaves below each node
} Build;

// Leaves below each node of a tree; children come after their parents in [order].
static uint32_t order_of(const Build *b, uint32_t *order) {
    uint32_t count = 0;
    order[count++] = b->tree->root;
    for (uint32_t i = 0; i < count; i++) {
        const TreeNode *node = &b->spec->node[order[i]];
        if (node->test == TREE_LEAF) continue;
        order[count++] = node->left;
        order[count++] = node->right;
    }
    for (uint32_t i = count; i-- > 0;) {
        const TreeNode *node = &b->spec->node[order[i]];
        b->count[order[i]] =
            node->test == TREE_LEAF ? 1 : b->count[node->left] + b->count[node->right];
    }
    return count;
}

static void build_tree(Build *b, uint32_t *order, uint32_t *first) {
    TreeSlice *self = b->self;
    uint32_t count = order_of(b, order);
    first[b->tree->root] = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = order[i], at = first[n];
        const TreeNode *node = &b->spec->node[n];
        if (node->test == TREE_LEAF) {
            uint32_t gray = at ^ (at >> 1);
            self->node[b->out->node + gray] = n;
            memcpy(&self->value[b->out->value + (size_t)gray * b->outs],
                   &b->spec->value[node->left], sizeof(double) * b->outs);
            continue;
        }
        first[node->left] = at;
        first[node->right] = at + b->count[node->left];
        Ask key = ask_of(node);
        const Ask *ask = bsearch(&key, self->ask, self->asks, sizeof key, ask_cmp);
        self->step[self->steps++] = (Step){.self = (uint16_t)first[node->right],
                                           .a = (uint16_t)at,
                                           .b = at + b->count[n],
                                           .ask = (uint32_t)(ask - self->ask)};
    }
}

// What the questions cost, in cycles a row, from measurements; roughly.
static double asking(const TreeSlice *self) {
    double cycles = 0;
    for (uint32_t f = 0; f < self->features; f++) {
        const SliceFeature *feature = &self->feature[f];
        if (feature->thresholds) cycles += 6 + 2.5 * log2(feature->thresholds);
        cycles += feature->asks * (feature->thresholds ? 0.03 : 0.9);
    }
    return cycles;
}

// Sizes of the arrays, and whether slicing pays.
static bool sizes(TreeSlice *self, const TreeSpec *spec) {
    uint32_t *stack = mem_alloc(sizeof *stack * (TREE_DEPTH_MAX + 1) * 2);
    self->tree = NEW_ARRAY(SliceTree, spec->trees + 1);
    double walk = 0, slice = asking(self);
    for (uint32_t t = 0; t < spec->trees; t++) {
        SliceTree *tree = &self->tree[t];
        tree->leaves = leaves_of(spec, spec->tree[t].root, stack);
        while (1u << tree->planes < tree->leaves) tree->planes++;
        if (tree->leaves > self->leaves_max) self->leaves_max = tree->leaves;
        tree->value = (uint32_t)self->values;
        tree->node = (uint32_t)self->nodes;
        self->values += (uint64_t)spec->tree[t].outs << tree->planes;
        self->nodes += 1ull << tree->planes;
        walk += 6.0 + 8.0 * tree->planes;
        slice += 4.0 + tree->leaves / 40.0;
    }
    mem_free(stack);
    return slice < walk && self->leaves_max <= LEAVES_MAX && self->values < UINT32_MAX;
}

TreeSlice *slice_new(const TreeEnsemble *ensemble) {
    const TreeSpec *spec = &ensemble->spec;
    TreeSlice *self = NEW(TreeSlice);
    collect_asks(self, spec);
    group_features(self);
    if (!sizes(self, spec)) {
        slice_free(self);
        return NULL;
    }
    self->step = mem_alloc(sizeof *self->step * (spec->nodes + 1));
    self->value = NEW_ARRAY(double, self->values + 1);
    self->node = NEW_ARRAY(uint32_t, self->nodes + 1);
    uint32_t *order = mem_alloc(3 * sizeof *order * (spec->nodes + 1));
    for (uint32_t t = 0; t < spec->trees; t++) {
        self->tree[t].step = self->steps;
        Build b = {.self = self, .spec = spec, .tree = &spec->tree[t], .out = &self->tree[t],
                   .outs = spec->tree[t].outs, .count = order + spec->nodes + 1};
        build_tree(&b, order, order + 2 * (spec->nodes + 1));
    }
    mem_free(order);
    self->begin = (size_t)WORDS * (self->asks + self->leaves_max + 1);
#if defined(__x86_64__)
    self->avx2 = __builtin_cpu_supports("avx2");
#endif
    return self;
}

void slice_free(TreeSlice *self) {
    if (!self) return;
    mem_free(self->ask);
    mem_free(self->feature);
    mem_free(self->threshold);
    mem_free(self->tree);
    mem_free(self->step);
    mem_free(self->value);
    mem_free(self->node);
    mem_free(self);
}

uint64_t slice_bytes(const TreeSlice *self) {
    return sizeof *self + self->asks * (sizeof *self->ask + sizeof *self->feature + 8) +
           self->steps * sizeof *self->step + self->values * 8 + self->nodes * 4;
}

// -- 1. Questions ---------------------------------------------------------------------------------

// The answer to a comparison of numbers; rows behind the last are answered somehow.
static void numbers_plain(const double *value, uint32_t rows, const Ask *ask, uint64_t *bits) {
    memset(bits, 0, SLICE_ROWS / 8);
    for (uint32_t row = 0; row < rows; row++) {
        bool yes = ask->test == TREE_LE ? value[row] <= ask->threshold
                   : ask->test == TREE_EQ ? value[row] == ask->threshold : value[row] != value[row];
        bits[row / 64] |= (uint64_t)yes << (row % 64);
    }
}

static void set_bits(const TreeSpec *spec, const double *value, uint32_t rows, const Ask *ask,
                     uint64_t *bits) {
    TreeNode node = {.test = TREE_IN, .set = ask->set, .set_words = ask->set_words};
    memset(bits, 0, SLICE_ROWS / 8);
    for (uint32_t row = 0; row < rows; row++) {
        bits[row / 64] |= (uint64_t)tree_yes(spec, &node, value[row]) << (row % 64);
    }
}

#if defined(__x86_64__)
AVX2 static void numbers_avx2(const double *value, const Ask *ask, uint64_t *bits) {
    __m256d threshold = _mm256_set1_pd(ask->threshold);
    for (uint32_t w = 0; w < WORDS; w++, value += 64) {
        uint64_t word = 0;
        for (uint32_t i = 0; i < 64; i += 4) {
            __m256d x = _mm256_loadu_pd(value + i);
            __m256d yes = ask->test == TREE_LE ? _mm256_cmp_pd(x, threshold, _CMP_LE_OQ)
                          : ask->test == TREE_EQ ? _mm256_cmp_pd(x, threshold, _CMP_EQ_OQ)
                                                 : _mm256_cmp_pd(x, x, _CMP_UNORD_Q);
            word |= (uint64_t)(uint32_t)_mm256_movemask_pd(yes) << i;
        }
        bits[w] = word;
    }
}
#endif

enum { ABREAST = 4 };  // values that are looked up at a time: their steps overlap

// How many of the thresholds are below each value; without a branch, for none could be foretold.
static void ranks_of(const double *threshold, uint32_t count, const double *value, uint16_t *rank) {
    size_t at[ABREAST] = {0};
    for (uint32_t left = count; left > 1;) {
        uint32_t half = left / 2;
        for (uint32_t i = 0; i < ABREAST; i++) {
            at[i] += half & (0 - (size_t)(threshold[at[i] + half - 1] < value[i]));
        }
        left -= half;
    }
    for (uint32_t i = 0; i < ABREAST; i++)
        rank[i] = (uint16_t)(at[i] + (threshold[at[i]] < value[i]));
}

// The rows in the order of their ranks: row[i] for i from begin[r] to begin[r + 1] have rank r.
// Those of missing values come last, as rank [thresholds] + 1.
typedef struct Ranked {
    uint16_t *begin;  // thresholds + 3
    uint16_t row[SLICE_ROWS];
} Ranked;

static void rank_rows(const TreeSlice *self, const SliceFeature *feature, const double *value,
                      uint32_t rows, Ranked *out) {
    const double *threshold = self->threshold + feature->threshold;
    uint32_t count = feature->thresholds;
    uint16_t rank[SLICE_ROWS], *begin = out->begin;
    memset(begin, 0, sizeof *begin * (count + 3));
    for (uint32_t row = 0; row < rows; row += ABREAST) {
        double some[ABREAST] = {0};
        memcpy(some, value + row, sizeof *value * (rows - row < ABREAST ? rows - row : ABREAST));
        ranks_of(threshold, count, some, rank + row);
    }
    for (uint32_t row = 0; row < rows; row++) {
        if (value[row] != value[row]) rank[row] = (uint16_t)(count + 1);
        begin[rank[row] + 1]++;
    }
    for (uint32_t r = 0; r <= count; r++) begin[r + 1] = (uint16_t)(begin[r + 1] + begin[r]);
    for (uint32_t row = 0; row < rows; row++) out->row[begin[rank[row]]++] = (uint16_t)row;
    for (uint32_t r = count + 2; r > 0; r--) begin[r] = begin[r - 1];
    begin[0] = 0;
}

// Questions of one feature come in the order of their thresholds: from one to the next only the
// rows of the ranks between begin to say yes.
static inline void sweep_to(const Ranked *ranked, uint32_t rank, uint32_t *at, uint64_t *bits) {
    for (uint32_t end = ranked->begin[rank + 1]; *at < end; ++*at) {
        uint32_t row = ranked->row[*at];
        bits[row / 64] |= (uint64_t)1 << (row % 64);
    }
}

// All of them, where there is one for each threshold. Words are copied as words: a wider load would
// have to wait for the last bit's store.
static void sweep_all(const Ranked *ranked, uint32_t count, uint64_t *bits) {
    uint64_t yes[WORDS] = {0};
    uint32_t at = 0;
    for (uint32_t rank = 0; rank < count; rank++, bits += WORDS) {
        sweep_to(ranked, rank, &at, yes);
        for (uint32_t w = 0; w < WORDS; w++) bits[w] = yes[w];
    }
}

static void ask_numbers(const TreeSlice *self, const double *value, uint32_t rows, const Ask *ask,
                        uint64_t *bits) {
#if defined(__x86_64__)
    if (self->avx2 && rows == SLICE_ROWS) {
        numbers_avx2(value, ask, bits);
        return;
    }
#endif
    (void)self;
    numbers_plain(value, rows, ask, bits);
}

static void ask_feature(const TreeEnsemble *ensemble, const SliceFeature *feature,
                        const SliceJob *job) {
    const TreeSlice *self = ensemble->slice;
    const double *value = job->column[feature->feature];
    uint64_t missing[WORDS] = {0}, yes[WORDS] = {0};
    Ranked ranked = {.begin = (uint16_t *)(void *)(job->bits + self->begin)};
    uint32_t at = 0;
    if (feature->missing) {
        ask_numbers(self, value, job->rows, &(Ask){.test = TREE_MISSING}, missing);
    }
    if (feature->thresholds) rank_rows(self, feature, value, job->rows, &ranked);
    if (feature->thresholds == feature->asks && !feature->missing) {
        sweep_all(&ranked, feature->asks, job->bits + (size_t)feature->ask * WORDS);
        return;
    }
    for (uint32_t i = feature->ask; i < feature->ask + feature->asks; i++) {
        const Ask *ask = &self->ask[i];
        uint64_t *bits = job->bits + (size_t)i * WORDS;
        if (ask->test == TREE_LE && feature->thresholds) {
            sweep_to(&ranked, ask->rank, &at, yes);
            memcpy(bits, yes, sizeof yes);
        } else if (ask->test == TREE_MISSING) {
            memset(bits, 0, sizeof missing);
        } else if (ask->test == TREE_IN) {
            set_bits(&ensemble->spec, value, job->rows, ask, bits);
        } else {
            ask_numbers(self, value, job->rows, ask, bits);
        }
        for (uint32_t w = 0; ask->missing_left && w < WORDS; w++) bits[w] |= missing[w];
    }
}

// -- 2. and 3. ------------------------------------------------------------------------------------

static inline __attribute__((always_inline)) void steps_run(const TreeSlice *self,
                                                            const SliceTree *tree, uint32_t leaves,
                                                            const Vec256 *answer, Vec256 *s,
                                                            Vec256 *plane) {
    const Step *step = self->step + tree->step, *end = step + leaves - 1;
    s[0] = ~(Vec256){0};
    s[leaves] = (Vec256){0};
    for (; step < end; step++) s[step->self] = s[step->b] | (s[step->a] & ~answer[step->ask]);
    for (uint32_t k = 0; k < tree->planes; k++) {
        Vec256 bits = {0};
        for (uint32_t i = 1u << k; i < leaves; i += 2u << k) bits ^= s[i];
        plane[k] = bits;
    }
}

static void steps_plain(const TreeSlice *self, const SliceTree *tree, const Vec256 *answer,
                        Vec256 *s, Vec256 *plane) {
    steps_run(self, tree, tree->leaves, answer, s, plane);
}

// Turns up to eight planes into a byte a row.
static void bytes_of_planes(const uint64_t *plane, uint32_t planes, uint8_t *byte) {
    memset(byte, 0, SLICE_ROWS);
    for (uint32_t k = 0; k < planes; k++) {
        for (uint32_t row = 0; row < SLICE_ROWS; row++) {
            byte[row] |= (uint8_t)((plane[k * WORDS + row / 64] >> (row % 64) & 1) << k);
        }
    }
}

#if defined(__x86_64__)
AVX2 static void steps_avx2(const TreeSlice *self, const SliceTree *tree, const Vec256 *answer,
                            Vec256 *s, Vec256 *plane) {
    steps_run(self, tree, tree->leaves, answer, s, plane);
}

AVX2 static void bytes_of_planes_avx2(const uint64_t *plane, uint32_t planes, uint8_t *byte) {
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                              0x0303030303030303);
    const __m256i pick = _mm256_set1_epi64x((long long)0x8040201008040201);
    for (uint32_t part = 0; part < SLICE_ROWS / 32; part++) {
        __m256i sum = _mm256_setzero_si256();
        for (uint32_t k = 0; k < planes; k++) {
            uint32_t word = (uint32_t)(plane[k * WORDS + part / 2] >> (part % 2 * 32));
            __m256i bits = _mm256_shuffle_epi8(_mm256_set1_epi32((int)word), spread);
            bits = _mm256_cmpeq_epi8(_mm256_and_si256(bits, pick), pick);
            sum = _mm256_or_si256(sum, _mm256_and_si256(bits, _mm256_set1_epi8((char)(1u << k))));
        }
        _mm256_storeu_si256((__m256i *)(byte + (size_t)part * 32), sum);
    }
}
#endif

// Which leaf each row is in, in Gray code.
static void codes(const TreeSlice *self, const SliceTree *tree, const SliceJob *job, Vec256 *s,
                  uint8_t *low, uint8_t *high) {
    Vec256 plane[PLANES_MAX];
    const Vec256 *answer = (const Vec256 *)(const void *)job->bits;
    const uint64_t *word = (const uint64_t *)(const void *)plane;
    uint32_t lows = tree->planes < 8 ? tree->planes : 8;
#if defined(__x86_64__)
    if (self->avx2) {
        steps_avx2(self, tree, answer, s, plane);
        bytes_of_planes_avx2(word, lows, low);
        if (tree->planes > 8)
            bytes_of_planes_avx2(word + (size_t)8 * WORDS, tree->planes - 8, high);
        return;
    }
#endif
    steps_plain(self, tree, answer, s, plane);
    bytes_of_planes(word, lows, low);
    if (tree->planes > 8) bytes_of_planes(word + (size_t)8 * WORDS, tree->planes - 8, high);
}

static void add_values(const SliceJob *job, const double *value, const uint16_t *code,
                       uint32_t outs, uint32_t outputs, double *out) {
    if (job->fold == TREE_SUM && outs == 1 && outputs == 1) {
        for (uint32_t row = 0; row < job->rows; row++) out[row] += value[code[row]];
        return;
    }
    for (uint32_t row = 0; row < job->rows; row++, out += outputs) {
        const double *from = value + (size_t)code[row] * outs;
        for (uint32_t i = 0; i < outs; i++) tree_fold_one(&out[i], from[i], job->fold);
    }
}

size_t slice_scratch(const TreeSlice *self) {
    return self->begin + self->ranks_max / 4 + 2;
}

void slice_run(const TreeEnsemble *ensemble, const SliceJob *job) {
    const TreeSlice *self = ensemble->slice;
    const TreeSpec *spec = &ensemble->spec;
    Vec256 *s = (Vec256 *)(void *)(job->bits + (size_t)self->asks * WORDS);
    for (uint32_t f = 0; f < self->features; f++) ask_feature(ensemble, &self->feature[f], job);
    uint8_t low[SLICE_ROWS], high[SLICE_ROWS] = {0};
    uint16_t code[SLICE_ROWS];
    for (uint32_t t = 0; t < spec->trees; t++) {
        const SliceTree *tree = &self->tree[t];
        codes(self, tree, job, s, low, high);
        if (tree->planes > 8) {
            for (uint32_t i = 0; i < SLICE_ROWS; i++) code[i] = (uint16_t)(low[i] | high[i] << 8);
        } else {
            for (uint32_t i = 0; i < SLICE_ROWS; i++) code[i] = low[i];
        }
        const uint32_t *node = self->node + tree->node;
        for (uint32_t row = 0; job->leaf && row < job->rows; row++) {
            job->leaf[(size_t)t * job->stride + row] = node[code[row]];
        }
        if (job->out) {
            add_values(job, self->value + tree->value, code, spec->tree[t].outs, spec->outputs,
                       job->out + spec->tree[t].out);
        }
    }
}
