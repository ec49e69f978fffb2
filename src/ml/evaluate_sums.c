// ml/evaluate_sums.c - the sums of classes, numbers and clusters, and the metrics made of them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ml/evaluate_int.h"

void metric_set(MlMetric *metric, double value, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(metric->name, sizeof metric->name, fmt, args);
    va_end(args);
    metric->value = value;
}

// ---- scores

static int by_score(const void *a, const void *b) {
    double x = ((const Score *)a)->score, y = ((const Score *)b)->score;
    return (x > y) - (x < y);
}

// Sorts, and makes one of those that are equal.
static void scores_settle(Scores *self) {
    for (uint32_t i = 0; self->coarse && i < self->count; i++) {
        double grid = EVAL_SCORES_COARSE;
        self->score[i].score = round(self->score[i].score * grid) / grid;
    }
    qsort(self->score, self->count, sizeof *self->score, by_score);
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        const Score *from = &self->score[i];
        if (n && self->score[n - 1].score == from->score) {
            self->score[n - 1].positive += from->positive;
            self->score[n - 1].negative += from->negative;
        } else {
            self->score[n++] = *from;
        }
    }
    self->count = n;
    if (n <= EVAL_SCORES_MAX / 2 || self->coarse) return;
    self->coarse = true;
    scores_settle(self);
}

_Static_assert(EVAL_SCORES_COARSE + 1 < EVAL_SCORES_MAX, "settling makes room");

static void scores_add(Scores *self, Score score) {
    if (isnan(score.score)) return;
    score.score = fmin(fmax(score.score, 0), 1);
    if (self->count == EVAL_SCORES_MAX) scores_settle(self);
    if (self->count == self->cap) {
        uint32_t cap = self->cap ? self->cap * 2 : 256;
        self->cap = cap < EVAL_SCORES_MAX ? cap : EVAL_SCORES_MAX;
        self->score = mem_realloc(self->score, self->cap * sizeof *self->score);
    }
    self->score[self->count++] = score;
}

// The chance that one of the class scores higher than one of another (Mann-Whitney).
static double scores_auc(const Scores *self) {
    Scores copy = *self;
    copy.score = mem_alloc((self->count + 1) * sizeof *copy.score);
    if (self->count) memcpy(copy.score, self->score, self->count * sizeof *copy.score);
    scores_settle(&copy);
    double below = 0, pairs = 0, positive = 0;
    for (uint32_t i = 0; i < copy.count; i++) {
        const Score *at = &copy.score[i];
        pairs += at->positive * (below + at->negative / 2);
        below += at->negative;
        positive += at->positive;
    }
    mem_free(copy.score);
    return pairs / (positive * below);
}

// ---- classes

int32_t class_number(ClassSums *self, Str name) {
    for (uint32_t i = 0; i < self->classes; i++) {
        if (str_eq(self->name[i], name)) return (int32_t)i;
    }
    if (self->classes == EVAL_CLASSES_MAX) return -1;
    if (self->classes == self->cap) {
        uint32_t cap = self->cap ? self->cap * 2 : 4;
        double *confusion = NEW_ARRAY(double, (size_t)cap * cap);
        for (uint32_t i = 0; i < self->classes; i++) {
            memcpy(confusion + (size_t)i * cap, self->confusion + (size_t)i * self->cap,
                   self->classes * sizeof *confusion);
        }
        mem_free(self->confusion);
        self->confusion = confusion;
        self->name = mem_realloc(self->name, cap * sizeof *self->name);
        self->scores = mem_realloc(self->scores, cap * sizeof *self->scores);
        memset(self->scores + self->cap, 0, (cap - self->cap) * sizeof *self->scores);
        self->cap = cap;
    }
    self->name[self->classes] = str_make(str_own(name), name.len);
    return (int32_t)self->classes++;
}

void class_add(ClassSums *self, uint32_t actual, uint32_t predicted, const uint32_t *of,
               const double *probability, uint32_t probabilities, double weight) {
    self->confusion[(size_t)actual * self->cap + predicted] += weight;
    double chance = probabilities == 1 ? 1 - probability[0] : 0;  // one alone is of two classes
    for (uint32_t p = 0; p < probabilities; p++) {
        bool hit = of[p] == actual;
        if (hit) chance = probability[p];
        scores_add(&self->scores[of[p]],
                   (Score){probability[p], hit ? weight : 0, hit ? 0 : weight});
    }
    if (!probabilities || isnan(chance)) return;
    self->loss -= weight * log(fmax(chance, 1e-15));  // a chance of nothing costs 34.5, not all
    self->loss_weight += weight;
}

Status class_merge(ClassSums *self, const ClassSums *from, double scale, Error *err) {
    uint32_t number[EVAL_CLASSES_MAX];
    for (uint32_t i = 0; i < from->classes; i++) {
        int32_t at = class_number(self, from->name[i]);
        if (at < 0) return error_set(err, ST_RUNTIME, "more than %d classes", EVAL_CLASSES_MAX);
        number[i] = (uint32_t)at;
    }
    for (uint32_t a = 0; a < from->classes; a++) {
        for (uint32_t p = 0; p < from->classes; p++) {
            self->confusion[(size_t)number[a] * self->cap + number[p]] +=
                scale * from->confusion[(size_t)a * from->cap + p];
        }
        const Scores *scores = &from->scores[a];
        self->scores[number[a]].coarse |= scores->coarse;
        for (uint32_t i = 0; i < scores->count; i++) {
            Score score = scores->score[i];
            score.positive *= scale;
            score.negative *= scale;
            scores_add(&self->scores[number[a]], score);
        }
    }
    self->loss += scale * from->loss;
    self->loss_weight += scale * from->loss_weight;
    return ST_OK;
}

void class_scale(ClassSums *self, double by) {
    for (uint32_t a = 0; a < self->classes; a++) {
        for (uint32_t p = 0; p < self->classes; p++) {
            self->confusion[(size_t)a * self->cap + p] *= by;
        }
        for (uint32_t i = 0; i < self->scores[a].count; i++) {
            self->scores[a].score[i].positive *= by;
            self->scores[a].score[i].negative *= by;
        }
    }
    self->loss *= by;
    self->loss_weight *= by;
}

void class_clear(ClassSums *self) {
    for (uint32_t i = 0; i < self->classes; i++) {
        mem_free((char *)(uintptr_t)self->name[i].ptr);
        mem_free(self->scores[i].score);
    }
    mem_free(self->name);
    mem_free(self->scores);
    mem_free(self->confusion);
    *self = (ClassSums){0};
}

static void scores_codec(Scores *self, Codec *codec) {
    uint32_t count = self->count;
    codec_bool(codec, &self->coarse);
    codec_count(codec, &count, EVAL_SCORES_MAX, 24);
    if (codec_reads(codec)) {
        self->score = NEW_ARRAY(Score, count);
        self->cap = count;
        self->count = count;
    }
    for (uint32_t i = 0; i < count; i++) codec_f64s_at(codec, &self->score[i].score, 3);
}

void class_codec(ClassSums *self, Codec *codec) {
    uint32_t classes = self->classes;
    codec_count(codec, &classes, EVAL_CLASSES_MAX, 4);
    Arena names = {0};
    if (codec_reads(codec)) codec->arena = &names;
    for (uint32_t i = 0; i < classes && !codec->failed; i++) {
        Str name = codec_reads(codec) ? (Str){0} : self->name[i];
        codec_str(codec, &name);
        if (codec_reads(codec) && class_number(self, name) != (int32_t)i) {
            codec_fail(codec, "a class stands there twice");
        }
    }
    codec->arena = NULL;
    arena_clear(&names);
    for (uint32_t i = 0; i < self->classes && !codec->failed; i++) {
        codec_f64s_at(codec, self->confusion + (size_t)i * self->cap, self->classes);
        scores_codec(&self->scores[i], codec);
    }
    codec_f64(codec, &self->loss);
    codec_f64(codec, &self->loss_weight);
}

// Classes in the order of their names, as everything else that is listed.
static void class_order(const ClassSums *self, uint32_t *order) {
    for (uint32_t i = 0; i < self->classes; i++) {
        uint32_t at = i;
        for (; at > 0 && str_cmp(self->name[order[at - 1]], self->name[i]) > 0; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

typedef struct ClassRates {
    double precision, recall, f1, auc;
    bool there;  // it is actual or predicted at all
} ClassRates;

static ClassRates class_rates(const ClassSums *self, uint32_t class) {
    double actual = 0, predicted = 0, both = self->confusion[(size_t)class * self->cap + class];
    for (uint32_t i = 0; i < self->classes; i++) {
        actual += self->confusion[(size_t)class * self->cap + i];
        predicted += self->confusion[(size_t)i * self->cap + class];
    }
    ClassRates rates = {.there = actual > 0 || predicted > 0};
    rates.precision = predicted > 0 ? both / predicted : 0;
    rates.recall = actual > 0 ? both / actual : 0;
    rates.f1 = actual + predicted > 0 ? 2 * both / (actual + predicted) : 0;
    rates.auc = self->scores[class].count ? scores_auc(&self->scores[class]) : (double)NAN;
    return rates;
}

enum { CLASSES_LISTED_MAX = 16, CLASSES_CONFUSED_MAX = 8 };

static uint32_t list_classes(const ClassSums *self, const uint32_t *order, const ClassRates *rates,
                             MlMetric *out, uint32_t room) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->classes && self->classes <= CLASSES_LISTED_MAX; i++) {
        Str name = self->name[order[i]];
        const ClassRates *at = &rates[order[i]];
        if (n + 4 > room) return n;
        metric_set(&out[n++], at->precision, "Precision(" STR_FMT ")", STR_ARG(name));
        metric_set(&out[n++], at->recall, "Recall(" STR_FMT ")", STR_ARG(name));
        metric_set(&out[n++], at->f1, "F1(" STR_FMT ")", STR_ARG(name));
        if (!isnan(at->auc)) metric_set(&out[n++], at->auc, "AUC(" STR_FMT ")", STR_ARG(name));
    }
    for (uint32_t a = 0; a < self->classes && self->classes <= CLASSES_CONFUSED_MAX; a++) {
        for (uint32_t p = 0; p < self->classes && n < room; p++) {
            metric_set(&out[n++], self->confusion[(size_t)order[a] * self->cap + order[p]],
                       "Confusion(" STR_FMT "," STR_FMT ")", STR_ARG(self->name[order[a]]),
                       STR_ARG(self->name[order[p]]));
        }
    }
    return n;
}

uint32_t class_metrics(const ClassSums *self, MlMetric *out, uint32_t room) {
    uint32_t order[EVAL_CLASSES_MAX];
    ClassRates *rates = NEW_ARRAY(ClassRates, self->classes + 1), mean = {0};
    double hits = 0, all = 0, there = 0, curves = 0;
    class_order(self, order);
    for (uint32_t i = 0; i < self->classes; i++) {  // in the same order whoever came first
        uint32_t c = order[i];
        rates[c] = class_rates(self, c);
        hits += self->confusion[(size_t)c * self->cap + c];
        for (uint32_t p = 0; p < self->classes; p++) {
            all += self->confusion[(size_t)c * self->cap + order[p]];
        }
        if (!rates[c].there) continue;
        there++;
        mean.precision += rates[c].precision;
        mean.recall += rates[c].recall;
        mean.f1 += rates[c].f1;
        if (isnan(rates[c].auc)) continue;
        mean.auc += rates[c].auc;
        curves++;
    }
    uint32_t n = 0;
    metric_set(&out[n++], hits / all, "Accuracy");
    metric_set(&out[n++], mean.precision / there, "Precision");
    metric_set(&out[n++], mean.recall / there, "Recall");
    metric_set(&out[n++], mean.f1 / there, "F1");
    // Of two classes the second one's, as is the custom: they differ in the ties of chances near 1.
    if (curves == 2 && self->classes == 2) mean.auc = 2 * rates[order[1]].auc;
    if (curves > 0) metric_set(&out[n++], mean.auc / curves, "AUC");
    if (self->loss_weight > 0) metric_set(&out[n++], self->loss / self->loss_weight, "LogLoss");
    n += list_classes(self, order, rates, out + n, room - n);
    mem_free(rates);
    return n;
}

// ---- numbers

void number_add(NumberSums *self, double actual, double predicted, double weight) {
    double off = fabs(predicted - actual), delta = actual - self->mean;
    self->weight += weight;
    self->absolute += weight * off;
    self->squared += weight * off * off;
    self->mean += weight / self->weight * delta;  // Welford, with weights (West 1979)
    self->spread += weight * delta * (actual - self->mean);
    if (actual != 0) {
        self->percent += weight * off / fabs(actual);
        self->percent_weight += weight;
    }
    double size = fabs(actual) + fabs(predicted);
    if (size > 0) self->symmetric += weight * 2 * off / size;
    if (self->has_last) {
        self->naive += weight * fabs(actual - self->last);
        self->naive_weight += weight;
    }
    self->last = actual;
    self->has_last = true;
}

void number_merge(NumberSums *self, const NumberSums *from, double scale) {
    double weight = from->weight * scale, both = self->weight + weight;
    if (!(weight > 0)) return;
    double delta = from->mean - self->mean;
    self->spread += from->spread * scale + delta * delta * self->weight * weight / both;
    self->mean += delta * weight / both;
    self->weight = both;
    self->absolute += from->absolute * scale;
    self->squared += from->squared * scale;
    self->percent += from->percent * scale;
    self->percent_weight += from->percent_weight * scale;
    self->symmetric += from->symmetric * scale;
    self->naive += from->naive * scale;
    self->naive_weight += from->naive_weight * scale;
    self->last = from->last;
    self->has_last |= from->has_last;
}

void number_scale(NumberSums *self, double by) {
    double *sum[] = {&self->weight, &self->absolute, &self->squared, &self->spread, &self->percent,
                     &self->percent_weight, &self->symmetric, &self->naive, &self->naive_weight};
    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++) *sum[i] *= by;
}

void number_codec(NumberSums *self, Codec *codec) {
    double *sum[] = {&self->weight, &self->absolute, &self->squared, &self->mean, &self->spread,
                     &self->percent, &self->percent_weight, &self->symmetric, &self->naive,
                     &self->naive_weight, &self->last};
    for (size_t i = 0; i < sizeof sum / sizeof *sum; i++) codec_f64(codec, sum[i]);
    codec_bool(codec, &self->has_last);
}

uint32_t number_metrics(const NumberSums *self, bool forecast, MlMetric *out) {
    uint32_t n = 0;
    double mse = self->squared / self->weight;
    metric_set(&out[n++], self->absolute / self->weight, "MAE");
    metric_set(&out[n++], mse, "MSE");
    metric_set(&out[n++], sqrt(mse), "RMSE");
    if (self->spread > 0) metric_set(&out[n++], 1 - self->squared / self->spread, "R2");
    if (self->percent_weight > 0) {
        metric_set(&out[n++], self->percent / self->percent_weight, "MAPE");
    }
    if (!forecast) return n;
    metric_set(&out[n++], self->symmetric / self->weight, "sMAPE");
    if (self->naive > 0) {  // against "as it was a step ago" (Hyndman, Koehler, 2006)
        double naive = self->naive / self->naive_weight;
        metric_set(&out[n++], self->absolute / self->weight / naive, "MASE");
    }
    return n;
}

// ---- clusters

static void cluster_room(ClusterSums *self, uint32_t clusters) {
    if (clusters <= self->clusters) return;
    size_t width = self->width, old = self->clusters;
    self->weight = mem_realloc(self->weight, clusters * sizeof(double));
    self->squares = mem_realloc(self->squares, clusters * sizeof(double));
    self->sum = mem_realloc(self->sum, (clusters * width + 1) * sizeof(double));
    memset(self->weight + old, 0, (clusters - old) * sizeof(double));
    memset(self->squares + old, 0, (clusters - old) * sizeof(double));
    memset(self->sum + old * width, 0, (clusters - old) * width * sizeof(double));
    self->clusters = clusters;
}

bool cluster_add(ClusterSums *self, uint32_t cluster, const double *x, uint32_t width,
                 double weight) {
    if (!self->clusters) self->width = width;
    if (width != self->width || cluster >= EVAL_CLUSTERS_MAX) return false;
    cluster_room(self, cluster + 1);
    self->weight[cluster] += weight;
    for (uint32_t i = 0; i < width; i++) {
        self->sum[(size_t)cluster * width + i] += weight * x[i];
        self->squares[cluster] += weight * x[i] * x[i];
    }
    return true;
}

void cluster_merge(ClusterSums *self, const ClusterSums *from, double scale) {
    if (!from->clusters) return;
    if (!self->clusters) self->width = from->width;
    if (self->width != from->width) return;
    cluster_room(self, from->clusters);
    for (uint32_t c = 0; c < from->clusters; c++) {
        self->weight[c] += scale * from->weight[c];
        self->squares[c] += scale * from->squares[c];
    }
    for (size_t i = 0; i < (size_t)from->clusters * from->width; i++) {
        self->sum[i] += scale * from->sum[i];
    }
}

void cluster_scale(ClusterSums *self, double by) {
    for (uint32_t c = 0; c < self->clusters; c++) {
        self->weight[c] *= by;
        self->squares[c] *= by;
    }
    for (size_t i = 0; i < (size_t)self->clusters * self->width; i++) self->sum[i] *= by;
}

void cluster_clear(ClusterSums *self) {
    mem_free(self->weight);
    mem_free(self->sum);
    mem_free(self->squares);
    *self = (ClusterSums){0};
}

void cluster_codec(ClusterSums *self, Codec *codec) {
    uint32_t clusters = self->clusters, width = self->width;
    codec_count(codec, &clusters, EVAL_CLUSTERS_MAX, 16);
    codec_u32(codec, &width);
    if (width > EVAL_WIDTH_MAX) codec_fail(codec, "clusters too wide");
    if (codec_reads(codec)) {
        if (!codec->failed && (uint64_t)clusters * width * 8 > codec->in.len) {
            codec_fail(codec, "it ends too early");
        }
        if (codec->failed) return;
        self->width = width;
        cluster_room(self, clusters);
    }
    codec_f64s_at(codec, self->weight, clusters);
    codec_f64s_at(codec, self->squares, clusters);
    codec_f64s_at(codec, self->sum, (size_t)clusters * width);
}

static double within(const ClusterSums *self, uint32_t c) {  // squares about the cluster's mean
    double squares = self->squares[c];
    const double *sum = self->sum + (size_t)c * self->width;
    for (uint32_t i = 0; i < self->width; i++) squares -= sum[i] * sum[i] / self->weight[c];
    return fmax(squares, 0);
}

static double apart(const ClusterSums *self, uint32_t a, uint32_t b) {
    double sum = 0;
    for (uint32_t i = 0; i < self->width; i++) {
        double d = self->sum[(size_t)a * self->width + i] / self->weight[a] -
                   self->sum[(size_t)b * self->width + i] / self->weight[b];
        sum += d * d;
    }
    return sqrt(sum);
}

// Davies and Bouldin, 1979, with q = 2: a cluster's size is the root of its mean squared distance,
// for which no row has to be seen twice.
static double davies_bouldin(const ClusterSums *self, uint32_t there) {
    double sum = 0;
    for (uint32_t a = 0; a < self->clusters; a++) {
        double worst = 0;
        if (!(self->weight[a] > 0)) continue;
        double size = sqrt(within(self, a) / self->weight[a]);
        for (uint32_t b = 0; b < self->clusters; b++) {
            if (b == a || !(self->weight[b] > 0)) continue;
            double other = sqrt(within(self, b) / self->weight[b]), between = apart(self, a, b);
            if (between > 0) worst = fmax(worst, (size + other) / between);
        }
        sum += worst;
    }
    return sum / there;
}

uint32_t cluster_metrics(const ClusterSums *self, MlMetric *out) {
    double inside = 0, weight = 0, squares = 0, all = 0;
    uint32_t there = 0, n = 0;
    for (uint32_t c = 0; c < self->clusters; c++) {
        if (!(self->weight[c] > 0)) continue;
        there++;
        inside += within(self, c);
        weight += self->weight[c];
        squares += self->squares[c];
    }
    for (uint32_t i = 0; i < self->width; i++) {
        double sum = 0;
        for (uint32_t c = 0; c < self->clusters; c++) sum += self->sum[(size_t)c * self->width + i];
        all += sum * sum / weight;
    }
    metric_set(&out[n++], there, "Clusters");
    metric_set(&out[n++], inside, "WithinClusterSum");
    metric_set(&out[n++], inside / weight, "IntraClusterVariance");
    if (there < 2) return n;
    metric_set(&out[n++], davies_bouldin(self, there), "DaviesBouldin");
    double between = squares - all - inside;
    metric_set(&out[n++], between / (there - 1) / (inside / (weight - there)), "CalinskiHarabasz");
    return n;
}
