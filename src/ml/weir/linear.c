// ml/weir/linear.c - linear and logistic regression, nearest centres, naive Bayes: models of a
// row's encoded numbers and no more.
#include <math.h>

#include "ml/vector.h"
#include "ml/weir/weir.h"

// ---- linear

void linear_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    const Linear *linear = model->linear;
    weir_encode(model->feature, model->features, x, false, scratch);
    for (uint32_t r = 0; r < linear->rows; r++) {
        out[r] = linear->bias[r] +
                 vector_dot(linear->weight + (size_t)r * linear->width, scratch, linear->width);
    }
    if (!model->classes) return;
    if (linear->rows > 1) {
        softmax(out, linear->rows);
    } else {
        out[1] = 1 / (1 + exp(-out[0]));
        out[0] = 1 - out[1];
    }
}

void linear_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->linear = ARENA_NEW(&model->arena, Linear);
    Linear *linear = model->linear;
    codec_count(codec, &linear->rows, WEIR_CLASSES_MAX, 8);
    codec_count(codec, &linear->width, UINT32_MAX, 8);
    codec_f64s(codec, &linear->weight, (size_t)linear->rows * linear->width);
    codec_f64s(codec, &linear->bias, linear->rows);
    bool one = model->classes == 0 || model->classes == 2;
    if (codec->failed || linear->width != weir_width(model->feature, model->features) ||
        linear->rows != (one ? 1 : model->classes)) {
        codec_fail(codec, "the weights do not go with the features and classes");
    }
    if (model->task == ML_OUTLIERS) codec_fail(codec, "the weights do not go with the task");
}

// ---- centres

void clusters_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    const Clusters *clusters = model->clusters;
    weir_encode(model->feature, model->features, x, clusters->standardised, scratch);
    for (uint32_t c = 0; c < clusters->clusters; c++) {
        out[c] = sqrt(vector_distance(clusters->center + (size_t)c * clusters->width, scratch,
                                      clusters->width));
    }
}

void clusters_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->clusters = ARENA_NEW(&model->arena, Clusters);
    Clusters *clusters = model->clusters;
    codec_bool(codec, &clusters->standardised);
    codec_count(codec, &clusters->clusters, UINT32_MAX, 16);
    codec_count(codec, &clusters->width, UINT32_MAX, 8);
    codec_f64s(codec, &clusters->center, (size_t)clusters->clusters * clusters->width);
    codec_f64s(codec, &clusters->rows, clusters->clusters);
    if (codec->failed || !clusters->clusters ||
        clusters->width != weir_width(model->feature, model->features)) {
        codec_fail(codec, "the centres do not go with the features");
    }
}

// ---- Bayes

void bayes_score(const WeirModel *model, const double *x, double *out, double *scratch) {
    (void)scratch;
    const Bayes *bayes = model->bayes;
    for (uint32_t c = 0; c < model->classes; c++) {
        double sum = log(bayes->prior[c]);
        const double *mean = bayes->mean + (size_t)c * model->features;
        const double *variance = bayes->variance + (size_t)c * model->features;
        for (uint32_t f = 0; f < model->features; f++) {
            if (isnan(x[f])) continue;  // what is not known tells nothing
            if (bayes->log_likelihood[f]) {
                uint32_t categories = model->feature[f].categories;
                sum += bayes->log_likelihood[f][(size_t)c * categories + (uint32_t)x[f]];
            } else {
                double off = x[f] - mean[f];
                sum -= 0.5 * (log(6.283185307179586 * variance[f]) + off * off / variance[f]);
            }
        }
        out[c] = sum;
    }
    softmax(out, model->classes);
}

void bayes_codec(WeirModel *model, Codec *codec) {
    if (codec_reads(codec)) model->bayes = ARENA_NEW(&model->arena, Bayes);
    Bayes *bayes = model->bayes;
    size_t cells = (size_t)model->classes * model->features;
    codec_f64s(codec, &bayes->prior, model->classes);
    codec_f64s(codec, &bayes->mean, cells);
    codec_f64s(codec, &bayes->variance, cells);
    if (codec_reads(codec)) {
        bayes->log_likelihood = ARENA_ARRAY(&model->arena, double *, model->features + 1);
    }
    for (uint32_t f = 0; f < model->features && !codec->failed; f++) {
        const Feature *feature = &model->feature[f];
        if (feature->type != ML_TEXT) continue;
        codec_f64s(codec, &bayes->log_likelihood[f], (size_t)model->classes * feature->categories);
    }
    if (!model->classes) codec_fail(codec, "there are no classes");
}
