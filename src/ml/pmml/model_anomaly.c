// ml/pmml/model_anomaly.c - <AnomalyDetectionModel>: a model inside says how deep in a forest, how
// far from a border or a centre a row lies; this makes a score of it.
#include <math.h>

#include "ml/pmml/pmml_int.h"

enum { ISOLATION_FOREST, ONE_CLASS, CLUSTER_MEAN, OTHER };

typedef struct Anomaly {
    const Model *inner;
    uint8_t algorithm;
    double mean_path;         // of a tree over the sample
    double *mean_distance;    // of each cluster
    uint32_t clusters;
} Anomaly;

// The mean length of an unsuccessful search among [n] records (Liu, Ting, Zhou 2008).
static double mean_path(double n) {
    if (n <= 1) return 0;
    return n == 2 ? 1 : 2 * (log(n - 1) + 0.57721566490153286) - 2 * (n - 1) / n;
}

static void compile(Load *load, Model *model) {
    static const char *const NAMES[] = {"iforest", "ocsvm", "clusterMeanDist", "other", ""};
    Anomaly *self = ARENA_NEW(load->arena, Anomaly);
    (void)need_attr(load, model->xml, "algorithmType");
    self->algorithm = (uint8_t)attr_enum(load, model->xml, "algorithmType", NAMES, OTHER);
    const Xml *inner = model_child(model->xml);
    if (!inner) load_fail(load, model->xml, "the model inside is missing");
    if (self->algorithm == ISOLATION_FOREST) {
        self->mean_path = mean_path(need_number(load, model->xml, "sampleDataSize"));
    }
    if (self->algorithm == CLUSTER_MEAN) {
        const Xml *means = need_child(load, model->xml, "MeanClusterDistances");
        self->mean_distance = read_numbers(load, need_child(load, means, "Array"), &self->clusters);
    }
    self->inner = model_compile(load, model, inner);
    Target *target = &model->target[0];
    if (target->synthetic) target->type.type = PT_DOUBLE, target->optype = OP_CONTINUOUS;
    model->impl = self;
}

static void score(const Model *model, Row *row, Result *out) {
    const Anomaly *self = model->impl;
    Result *inner = ROW_ARRAY(row, Result, 1);
    model_run(self->inner, row, inner);
    if (is_missing(inner->value)) return;
    double x = value_as_number(inner->value);
    if (self->algorithm == ISOLATION_FOREST) {
        x = pow(2, -x / self->mean_path);
    } else if (self->algorithm == CLUSTER_MEAN) {
        uint32_t winner = result_winner(inner);
        if (inner->count == 0 || winner >= self->clusters)
            row_fail(row, "a cluster without a mean distance");
        x = inner->score[winner] / self->mean_distance[winner];
    }
    result_number(model, row, x, out);
}

const ModelKind ANOMALY_MODEL = {"AnomalyDetectionModel", compile, score};
