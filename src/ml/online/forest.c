// ml/online/forest.c - adaptive random forest (Gomes and others, 2017): Hoeffding trees, each of
// which takes a row as often as chance says (Oza's bagging, by Poisson's distribution) and looks at
// other inputs in each leaf. A tree whose errors begin to change grows a successor in the
// background; when they have changed, it takes over.
#include "ml/online/hoeffding.h"

// clang-format off
static const MlOption FOREST_ROWS[] = {
    {"trees", ML_OPTION_INT, "10", 1, 1000, .doc = "How many."},
    {"lambda", ML_OPTION_DOUBLE, "6", 0.1, 20, .doc = "How often a tree takes a row, on average."},
    {"warning-delta", ML_OPTION_DOUBLE, "0.01", 0, 1,
     .doc = "How sure ADWIN must be for a tree to begin its successor."},
    {"tree-drift-delta", ML_OPTION_DOUBLE, "0.001", 0, 1,
     .doc = "How sure ADWIN must be for the successor to take over."},
    {"inputs-tried", ML_OPTION_INT, "0", 0, 65536,
     .doc = "By each leaf; 0: the square root of all and one."},
    HOEFFDING_OPTIONS, {0},
};
// clang-format on

typedef struct Member {
    HoeffdingTree *tree, *next;  // next: the successor, NULL while all is well
    Adwin warning, drift;
    double right, seen;          // since the tree took over
} Member;

typedef struct Forest {
    uint32_t members;
    Member *member;
    HoeffdingSpec spec;
    double lambda, warning_delta, drift_delta;
    uint32_t inputs;
} Forest;

static void *forest_make(MlLearner *learner) {
    Forest *self = NEW(Forest);
    self->spec = hoeffding_spec(learner);
    self->inputs = learner->inputs;
    uint32_t tried = learner_count(learner, "inputs-tried");
    self->spec.inputs_tried = tried ? tried : (uint32_t)sqrt(learner->inputs) + 1;
    self->lambda = learner_number(learner, "lambda");
    self->warning_delta = learner_number(learner, "warning-delta");
    self->drift_delta = learner_number(learner, "tree-drift-delta");
    self->members = learner_count(learner, "trees");
    self->member = NEW_ARRAY(Member, self->members);
    for (uint32_t m = 0; m < self->members; m++) {
        self->member[m].tree = hoeffding_new(&self->spec, self->inputs, &learner->rng);
        self->member[m].warning = adwin_make(self->warning_delta);
        self->member[m].drift = adwin_make(self->drift_delta);
    }
    return self;
}

static void forest_free(void *state) {
    Forest *self = state;
    for (uint32_t m = 0; m < self->members; m++) {
        hoeffding_free(self->member[m].tree);
        hoeffding_free(self->member[m].next);
    }
    mem_free(self->member);
    mem_free(self);
}

static uint32_t poisson(double lambda, Rng *rng) {  // Knuth, 3.4.1
    double limit = exp(-lambda), product = rng_unit(rng);
    uint32_t count = 0;
    while (product > limit && count < 100) {
        product *= rng_unit(rng);
        count++;
    }
    return count;
}

static bool became_worse(Adwin *adwin, double error) {
    double before = adwin_mean(adwin);
    return adwin_add(adwin, error) && adwin_mean(adwin) > before;
}

static void watch(Forest *self, Member *member, MlLearner *learner, double error) {
    if (self->warning_delta > 0 && became_worse(&member->warning, error)) {
        hoeffding_free(member->next);
        member->next = hoeffding_new(&self->spec, self->inputs, &learner->rng);
        member->warning = adwin_make(self->warning_delta);
    }
    if (self->drift_delta <= 0 || !became_worse(&member->drift, error)) return;
    hoeffding_free(member->tree);
    member->tree = member->next;
    if (!member->tree) member->tree = hoeffding_new(&self->spec, self->inputs, &learner->rng);
    member->next = NULL;
    member->warning = adwin_make(self->warning_delta);
    member->drift = adwin_make(self->drift_delta);
    member->right = member->seen = 0;
}

static uint32_t index_of_most(const double *value, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        if (value[i] > value[best]) best = i;
    }
    return best;
}

static void forest_learn(MlLearner *learner, const double *x, double y) {
    Forest *self = learner->state;
    double score[ONLINE_CLASSES_MAX];
    uint32_t class = (uint32_t)y;
    for (uint32_t m = 0; m < self->members; m++) {
        Member *member = &self->member[m];
        bool known = hoeffding_score(member->tree, learner, x, score);
        bool right = known && index_of_most(score, learner_classes(learner)) == class;
        member->seen++;
        member->right += right;
        uint32_t times = poisson(self->lambda, &learner->rng);
        if (times) {
            hoeffding_learn(member->tree, learner, x, class, times, &learner->rng);
            if (member->next) {
                hoeffding_learn(member->next, learner, x, class, times, &learner->rng);
            }
        }
        watch(self, member, learner, !right);
    }
}

// Trees vote by what they have been right about.
static bool forest_score(const MlLearner *learner, const double *x, double *out) {
    const Forest *self = learner->state;
    uint32_t classes = learner_classes(learner);
    double score[ONLINE_CLASSES_MAX];
    bool known = false;
    memset(out, 0, classes * sizeof *out);
    for (uint32_t m = 0; m < self->members; m++) {
        const Member *member = &self->member[m];
        if (!hoeffding_score(member->tree, learner, x, score)) continue;
        double weight = member->seen > 0 ? member->right / member->seen : 1;
        for (uint32_t c = 0; c < classes; c++) out[c] += (weight + 1e-6) * score[c];
        known = true;
    }
    return known;
}

static void forest_codec(MlLearner *learner, Codec *codec) {
    Forest *self = learner->state;
    for (uint32_t m = 0; m < self->members && !codec->failed; m++) {
        Member *member = &self->member[m];
        bool next = member->next != NULL;
        codec_f64(codec, &member->right);
        codec_f64(codec, &member->seen);
        adwin_codec(&member->warning, codec);
        adwin_codec(&member->drift, codec);
        hoeffding_codec(member->tree, learner, codec);
        codec_bool(codec, &next);
        if (codec->failed || !next) continue;
        Rng spare = {0};  // what is read takes the place of what is drawn
        if (!member->next) member->next = hoeffding_new(&self->spec, self->inputs, &spare);
        hoeffding_codec(member->next, learner, codec);
    }
}

const MlOnlineAlgorithm ONLINE_ADAPTIVE_FOREST = {
    .name = "adaptive-random-forest",
    .task = ML_CLASSIFICATION,
    .texts = TEXTS_COUNTED,
    .option = FOREST_ROWS,
    .make = forest_make,
    .free = forest_free,
    .learn = forest_learn,
    .score = forest_score,
    .codec = forest_codec,
    .doc =
        "Hoeffding trees that vote, each replaced when its errors change: for concepts that drift.",
};
