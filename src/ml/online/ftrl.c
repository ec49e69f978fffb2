// ml/online/ftrl.c - linear and logistic regression by FTRL-proximal (McMahan and others, "Ad Click
// Prediction", 2013): each weight has a learning rate of its own and is 0 until it pays for itself.
//
// A number has a weight of its own, a text one of 2^hash-bits by the hash of column and value.
// Numbers are standardised by their mean and deviation so far. With many classes each is told from
// all others.
#include "ml/online/online_int.h"

// clang-format off
#define FTRL_OPTIONS \
    {"alpha", ML_OPTION_DOUBLE, "0.1", 1e-6, 100, .doc = "The learning rate to begin with."}, \
    {"beta", ML_OPTION_DOUBLE, "1", 0, 1e6, .doc = "Holds the first steps back."}, \
    {"l1", ML_OPTION_DOUBLE, "0", 0, 1e9, .doc = "What a weight must pay for itself."}, \
    {"l2", ML_OPTION_DOUBLE, "0", 0, 1e9, .doc = "Shrinks weights."}, \
    {"hash-bits", ML_OPTION_INT, "16", 4, 22, .doc = "Weights of texts: two to the power of this."}, \
    {"standardize", ML_OPTION_BOOL, "true", .doc = "Numbers count in deviations from their mean."}

static const MlOption FTRL_ROWS[] = {FTRL_OPTIONS, {0}};
// clang-format on

typedef struct Model {
    double *z, *n;  // [slots]
} Model;

typedef struct Ftrl {
    uint32_t inputs, slots, models, cap;
    uint64_t mask;
    Model *model;          // one for each class, or one
    double *count, *mean, *squares;  // [inputs]; of a number's label at the end
    double alpha, beta, l1, l2;
    bool standardize;
    uint32_t *slot;        // scratch: of a row
    double *value;
} Ftrl;

static void *ftrl_make(MlLearner *learner) {
    Ftrl *self = NEW(Ftrl);
    self->inputs = learner->inputs;
    bool texts = false;
    for (uint32_t i = 0; i < learner->inputs; i++) texts |= learner_is_text(learner, i);
    uint32_t hashed = texts ? (uint32_t)1 << learner_count(learner, "hash-bits") : 0;
    self->mask = hashed ? hashed - 1 : 0;
    self->slots = 1 + learner->inputs + hashed;  // the intercept, numbers, texts
    self->count = NEW_ARRAY(double, 3 * (learner->inputs + 1));
    self->mean = self->count + learner->inputs + 1;
    self->squares = self->mean + learner->inputs + 1;
    self->slot = NEW_ARRAY(uint32_t, learner->inputs + 1);
    self->value = NEW_ARRAY(double, learner->inputs + 1);
    self->alpha = learner_number(learner, "alpha");
    self->beta = learner_number(learner, "beta");
    self->l1 = learner_number(learner, "l1");
    self->l2 = learner_number(learner, "l2");
    self->standardize = learner_number(learner, "standardize") != 0;
    return self;
}

static void ftrl_free(void *state) {
    Ftrl *self = state;
    for (uint32_t m = 0; m < self->models; m++) mem_free(self->model[m].z);
    mem_free(self->model);
    mem_free(self->count);
    mem_free(self->slot);
    mem_free(self->value);
    mem_free(self);
}

static void need_models(Ftrl *self, uint32_t models) {
    if (models > self->cap) {
        self->cap = models > 2 * self->cap ? models : 2 * self->cap;
        self->model = mem_realloc(self->model, self->cap * sizeof *self->model);
    }
    for (; self->models < models; self->models++) {
        Model *model = &self->model[self->models];
        model->z = NEW_ARRAY(double, (size_t)2 * self->slots);
        model->n = model->z + self->slots;
    }
}

static double deviation(const Ftrl *self, uint32_t i) {
    double variance = self->count[i] > 0 ? self->squares[i] / self->count[i] : 0;
    return variance > 0 ? sqrt(variance) : 1;
}

// The weights that a row touches, and its values there. What is missing touches none.
static uint32_t row_slots(const Ftrl *self, const MlLearner *learner, const double *x,
                          uint32_t *slot, double *value) {
    uint32_t count = 0;
    slot[count] = 0;
    value[count++] = 1;
    for (uint32_t i = 0; i < self->inputs; i++) {
        if (isnan(x[i])) continue;
        if (learner_is_text(learner, i)) {
            slot[count] = 1 + self->inputs + (uint32_t)((uint64_t)x[i] & self->mask);
            value[count++] = 1;
            continue;
        }
        double at = self->standardize ? (x[i] - self->mean[i]) / deviation(self, i) : x[i];
        slot[count] = 1 + i;
        // A row far outside of all before it must not throw everything over.
        value[count++] = self->standardize ? fmin(fmax(at, -10), 10) : at;
    }
    return count;
}

static double weight(const Ftrl *self, const Model *model, uint32_t slot) {
    double z = model->z[slot];
    if (fabs(z) <= self->l1) return 0;
    double kept = z > 0 ? z - self->l1 : z + self->l1;
    return -kept / ((self->beta + sqrt(model->n[slot])) / self->alpha + self->l2);
}

static double sum_of(const Ftrl *self, const Model *model, const uint32_t *slot,
                     const double *value, uint32_t count) {
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += weight(self, model, slot[i]) * value[i];
    return sum;
}

static void move(const Ftrl *self, Model *model, const uint32_t *slot, const double *value,
                 uint32_t count, double off) {
    for (uint32_t i = 0; i < count; i++) {
        double slope = off * value[i], *n = &model->n[slot[i]];
        double before = sqrt(*n), w = weight(self, model, slot[i]);
        *n += slope * slope;
        model->z[slot[i]] += slope - (sqrt(*n) - before) / self->alpha * w;
    }
}

static void measure(Ftrl *self, uint32_t i, double value) {
    double off = value - self->mean[i];
    self->mean[i] += off / ++self->count[i];
    self->squares[i] += off * (value - self->mean[i]);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static void ftrl_learn(MlLearner *learner, const double *x, double y) {
    Ftrl *self = learner->state;
    bool classes = learner->algorithm->task == ML_CLASSIFICATION;
    need_models(self, classes ? learner_classes(learner) : 1);
    for (uint32_t i = 0; i < self->inputs; i++) {
        if (!isnan(x[i]) && !learner_is_text(learner, i)) measure(self, i, x[i]);
    }
    if (!classes) {
        measure(self, self->inputs, y);
        y = (y - self->mean[self->inputs]) / deviation(self, self->inputs);
    }
    uint32_t count = row_slots(self, learner, x, self->slot, self->value);
    for (uint32_t m = 0; m < self->models; m++) {
        double sum = sum_of(self, &self->model[m], self->slot, self->value, count);
        double off = classes ? sigmoid(sum) - (m == (uint32_t)y) : sum - y;
        move(self, &self->model[m], self->slot, self->value, count, off);
    }
}

static bool ftrl_score(const MlLearner *learner, const double *x, double *out) {
    const Ftrl *self = learner->state;
    if (!self->models) return false;
    uint32_t *slot = NEW_ARRAY(uint32_t, self->inputs + 1);
    double *value = NEW_ARRAY(double, self->inputs + 1);
    uint32_t count = row_slots(self, learner, x, slot, value);
    bool classes = learner->algorithm->task == ML_CLASSIFICATION;
    for (uint32_t c = 0; c < learner_classes(learner); c++) out[c] = 0;
    for (uint32_t m = 0; m < self->models; m++) {
        double sum = sum_of(self, &self->model[m], slot, value, count);
        out[m] = classes ? sigmoid(sum)
                         : sum * deviation(self, self->inputs) + self->mean[self->inputs];
    }
    mem_free(slot);
    mem_free(value);
    return true;
}

// Of a model only what is not 0: hashed weights are few beside their slots.
static void model_codec(const Ftrl *self, Model *model, Codec *codec) {
    uint32_t used = 0;
    for (uint32_t s = 0; s < self->slots; s++) used += model->n[s] != 0 || model->z[s] != 0;
    codec_count(codec, &used, self->slots, 20);
    for (uint32_t i = 0, s = 0; i < used && !codec->failed; i++, s++) {
        while (!codec_reads(codec) && model->n[s] == 0 && model->z[s] == 0) s++;
        codec_u32(codec, &s);
        if (s >= self->slots) codec_fail(codec, "there is no weight %u", s);
        if (codec->failed) return;
        codec_f64(codec, &model->z[s]);
        codec_f64(codec, &model->n[s]);
    }
}

static void ftrl_codec(MlLearner *learner, Codec *codec) {
    Ftrl *self = learner->state;
    uint32_t models = self->models;
    codec_f64s_at(codec, self->count, (size_t)3 * (self->inputs + 1));
    codec_count(codec, &models, ONLINE_CLASSES_MAX, 4);
    bool classes = learner->algorithm->task == ML_CLASSIFICATION;
    if (models > (classes ? learner_classes(learner) : 1)) codec_fail(codec, "too many classes");
    if (codec_reads(codec) && !codec->failed) need_models(self, models);
    for (uint32_t m = 0; m < models && !codec->failed; m++) {
        model_codec(self, &self->model[m], codec);
    }
}

const MlOnlineAlgorithm ONLINE_LOGISTIC = {
    .name = "online-logistic-regression",
    .task = ML_CLASSIFICATION,
    .texts = TEXTS_HASHED,
    .option = FTRL_ROWS,
    .make = ftrl_make,
    .free = ftrl_free,
    .learn = ftrl_learn,
    .score = ftrl_score,
    .codec = ftrl_codec,
    .doc =
        "Chances of classes from weighted sums of the inputs, by FTRL-proximal; texts are hashed.",
};

const MlOnlineAlgorithm ONLINE_LINEAR = {
    .name = "online-linear-regression", .task = ML_REGRESSION, .texts = TEXTS_HASHED,
    .option = FTRL_ROWS, .make = ftrl_make, .free = ftrl_free, .learn = ftrl_learn,
    .score = ftrl_score, .codec = ftrl_codec,
    .doc = "A weighted sum of the inputs, by FTRL-proximal; texts are hashed.",
};
