// ml/series/taste.c - labels as a network of radial basis functions.
#include "ml/series/taste.h"

#include <math.h>
#include <string.h>

static const double BAR_LOW = 0.64, BAR_HIGH = 6, LABEL_MOST = 3;
static const double ABOVE = 1.1, BELOW = 0.95;  // of the score, so that noise does not decide

static double alike(const TasteCase *a, const TasteCase *b) {
    double square = 0;
    for (uint32_t i = 0; i < TASTE_FEATURES; i++) {
        double off = (double)(a->x[i] - b->x[i]);
        square += off * off;
    }
    return exp(-square / 2);
}

static double raised(const Taste *taste, const TasteCase *at) {
    double sum = 0;
    for (uint32_t i = 0; i < taste->labels; i++) {
        sum += (double)taste->weight[i] * alike(&taste->at[i], at);
    }
    return sum;
}

double taste_bar(const Taste *taste, const TasteCase *at) {
    if (!taste->labels) return 1;
    return fmax(BAR_LOW, fmin(BAR_HIGH, exp(raised(taste, at))));
}

// A label says [weight] more at [at]. If there is no room, the one that says least gives way.
static void add(Taste *taste, const TasteCase *at, double weight) {
    double most = log(LABEL_MOST);
    weight = fmax(-most, fmin(most, weight));
    if (!(fabs(weight) > 1e-3)) return;
    uint32_t to = taste->labels;
    if (to == TASTE_LABELS_MAX) {
        to = 0;
        for (uint32_t i = 1; i < TASTE_LABELS_MAX; i++) {
            if (fabsf(taste->weight[i]) < fabsf(taste->weight[to])) to = i;
        }
    } else {
        taste->labels++;
    }
    taste->at[to] = *at;
    taste->weight[to] = (float)weight;
}

void taste_false(Taste *taste, const TasteCase *at, double score) {
    double wants = log(fmin(fmax(score, 1) * ABOVE, BAR_HIGH)), is = raised(taste, at);
    if (is < wants) add(taste, at, wants - is);
}

void taste_true(Taste *taste, const TasteCase *at) {
    double is = raised(taste, at);
    if (is > 0) add(taste, at, -is);
}

void taste_missed(Taste *taste, const TasteCase *at, double score) {
    double wants = log(fmax(fmin(score, 1) * BELOW, BAR_LOW)), is = raised(taste, at);
    if (is > wants) add(taste, at, wants - is);
}

void taste_code(Codec *codec, Taste *taste) {
    codec_count(codec, &taste->labels, TASTE_LABELS_MAX, 4);
    for (uint32_t i = 0; i < taste->labels && !codec->failed; i++) {
        for (uint32_t f = 0; f <= TASTE_FEATURES; f++) {
            float *value = f < TASTE_FEATURES ? &taste->at[i].x[f] : &taste->weight[i];
            uint32_t word;
            memcpy(&word, value, sizeof word);
            codec_u32(codec, &word);
            memcpy(value, &word, sizeof word);
            if (!isfinite(*value)) codec_fail(codec, "a label's number is not finite");
        }
    }
    if (codec->failed) taste->labels = 0;
}
