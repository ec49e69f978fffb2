// ml/series/general_train.c - lessons to weights: logistic loss by gradients with moments (Kingma
// and Ba, Adam, 2015), in small batches, from chance or from weights that are there. Those are held
// where they began by a spring (Li, Grandvalet and Davoine, L2-SP, 2018): a few labels bend the
// network where they speak, and leave it as it was elsewhere.
#include <math.h>
#include <string.h>

#include "ml/random.h"
#include "ml/series/general_int.h"

enum { BATCH = 64 };
static const double DECAY = 0.9, DECAY_SQUARE = 0.999, SMALL = 1e-8;
static const double SAME = 0.01;    // a deviation of an input below it is none
static const double SHRINK = 1e-3;  // of weights towards zero, when they began by chance

// What is usual. An input that is always the same teaches nothing, and must not say anything where
// it is another.
static void look(const GeneralLesson *lesson, uint32_t count, GeneralWeights *out) {
    double weight = 0, mean[GENERAL_FEATURES] = {0}, square[GENERAL_FEATURES] = {0};
    for (uint32_t i = 0; i < count; i++) {
        weight += (double)lesson[i].weight;
        for (uint32_t f = 0; f < GENERAL_FEATURES; f++) {
            mean[f] += (double)(lesson[i].weight * lesson[i].at.x[f]);
        }
    }
    for (uint32_t f = 0; f < GENERAL_FEATURES; f++) mean[f] /= fmax(weight, 1e-9);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t f = 0; f < GENERAL_FEATURES; f++) {
            double off = (double)lesson[i].at.x[f] - mean[f];
            square[f] += (double)lesson[i].weight * off * off;
        }
    }
    for (uint32_t f = 0; f < GENERAL_FEATURES; f++) {
        double size = sqrt(square[f] / fmax(weight, 1e-9));
        out->mean[f] = (float)mean[f];
        out->inverse[f] = size > SAME ? (float)(1 / size) : 0;
    }
}

static void begin(GeneralWeights *weights, uint64_t seed) {
    Rng rng = rng_make(seed, 1);
    float *first = &weights->first[0][0], *second = &weights->second[0][0];
    for (uint32_t i = 0; i < GENERAL_FEATURES * GENERAL_FIRST; i++) {
        first[i] = (float)(rng_normal(&rng) * sqrt(2.0 / GENERAL_FEATURES));
    }
    for (uint32_t i = 0; i < GENERAL_FIRST * GENERAL_SECOND; i++) {
        second[i] = (float)(rng_normal(&rng) * sqrt(2.0 / GENERAL_FIRST));
    }
    for (uint32_t i = 0; i < GENERAL_SECOND; i++) {
        weights->last[i] = (float)(rng_normal(&rng) * sqrt(1.0 / GENERAL_SECOND));
    }
}

// Adds the slope of one lesson's loss.
static void slope(const GeneralWeights *weights, const float *x, double incident, double weight,
                  GeneralWeights *sum) {
    GeneralUnits units;
    double answer = (double)general_forward(weights, x, &units);
    float off = (float)(weight * (1 / (1 + exp(-answer)) - incident));
    float second[GENERAL_SECOND], first[GENERAL_FIRST];
    sum->last_bias += off;
    for (uint32_t o = 0; o < GENERAL_SECOND; o++) {
        sum->last[o] += off * units.second[o];
        second[o] = off * weights->last[o] * (units.second[o] > 0 ? 1 : GENERAL_LEAK);
        sum->second_bias[o] += second[o];
    }
    for (uint32_t i = 0; i < GENERAL_FIRST; i++) {
        float back = 0;
        for (uint32_t o = 0; o < GENERAL_SECOND; o++) {
            sum->second[i][o] += second[o] * units.first[i];
            back += second[o] * weights->second[i][o];
        }
        first[i] = back * (units.first[i] > 0 ? 1 : GENERAL_LEAK);
        sum->first_bias[i] += first[i];
    }
    for (uint32_t i = 0; i < GENERAL_FEATURES; i++) {
        for (uint32_t o = 0; o < GENERAL_FIRST; o++) sum->first[i][o] += first[o] * x[i];
    }
}

typedef struct Moments {
    double mean[GENERAL_WEIGHTS], square[GENERAL_WEIGHTS];
    double mean_left, square_left;
} Moments;

// [anchor] is where weights are held, with [hold].
static void step(GeneralWeights *weights, const GeneralWeights *sum, const GeneralWeights *anchor,
                 double hold, double rate, Moments *moments) {
    float *weight = (float *)weights;
    const float *slopes = (const float *)sum, *held = (const float *)anchor;
    moments->mean_left *= DECAY;
    moments->square_left *= DECAY_SQUARE;
    for (uint32_t i = 2 * GENERAL_FEATURES; i < GENERAL_WEIGHTS; i++) {  // what is usual stays
        double g = (double)slopes[i] + hold * (double)(weight[i] - held[i]);
        moments->mean[i] = DECAY * moments->mean[i] + (1 - DECAY) * g;
        moments->square[i] = DECAY_SQUARE * moments->square[i] + (1 - DECAY_SQUARE) * g * g;
        double mean = moments->mean[i] / (1 - moments->mean_left);
        double square = moments->square[i] / (1 - moments->square_left);
        weight[i] -= (float)(rate * mean / (sqrt(square) + SMALL));
    }
}

SeriesGeneral *general_train(const GeneralLesson *lesson, uint32_t count,
                             const GeneralTraining *settings) {
    GeneralWeights *weights = NEW(GeneralWeights), *anchor = NEW(GeneralWeights);
    GeneralWeights *sum = NEW(GeneralWeights);
    Moments *moments = NEW(Moments);
    uint32_t *order = NEW_ARRAY(uint32_t, count + 1);
    float seen[GENERAL_FEATURES];
    double mean = 0, hold = settings->from ? settings->hold : SHRINK;
    if (settings->from) {
        *weights = *anchor = settings->from->weights;
    } else {
        look(lesson, count, weights);
        begin(weights, settings->seed);
    }
    for (uint32_t i = 0; i < count; i++) order[i] = i, mean += (double)lesson[i].weight;
    mean /= fmax(count, 1);
    moments->mean_left = moments->square_left = 1;
    Rng rng = rng_make(settings->seed, 2);
    for (uint32_t epoch = 0; epoch < settings->epochs && mean > 0; epoch++) {
        // Ever smaller steps, down to a twentieth.
        double rate = settings->rate * (1 - 0.95 * epoch / settings->epochs);
        rng_shuffle(&rng, order, count);
        for (uint32_t from = 0; from < count; from += BATCH) {
            uint32_t batch = count - from < BATCH ? count - from : BATCH;
            memset(sum, 0, sizeof *sum);
            for (uint32_t i = from; i < from + batch; i++) {
                const GeneralLesson *one = &lesson[order[i]];
                general_see(weights, &one->at, seen);
                slope(weights, seen, (double)one->incident, (double)one->weight / mean / batch,
                      sum);
            }
            step(weights, sum, anchor, hold, rate, moments);
        }
    }
    weights->last_bias += (float)settings->shift;
    SeriesGeneral *net = general_new(weights);
    mem_free(order);
    mem_free(moments);
    mem_free(sum);
    mem_free(anchor);
    mem_free(weights);
    return net;
}

double general_loss(const SeriesGeneral *net, const GeneralLesson *lesson, uint32_t count) {
    double sum = 0, weight = 0;
    for (uint32_t i = 0; i < count; i++) {
        float answer;
        general_answers(net, &lesson[i].at, 1, &answer);
        double sign = lesson[i].incident > 0 ? -(double)answer : (double)answer;
        sum += (double)lesson[i].weight * (fmax(sign, 0) + log1p(exp(-fabs(sign))));
        weight += (double)lesson[i].weight;
    }
    return weight > 0 ? sum / weight : 0;
}
