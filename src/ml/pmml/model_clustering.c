// ml/pmml/model_clustering.c - <ClusteringModel>: the nearest centre.
#include "ml/pmml/clusters.h"
#include "ml/pmml/measure.h"

typedef struct Clustering {
    Measure measure;
    Compared *field;
    uint32_t fields;
    double *missing_weight;  // or NULL
    Value **centre;          // of each cluster
    Value *id;
    Str *name;               // ptr NULL: none
    uint32_t clusters;
} Clustering;

static void fields_compile(Load *load, Model *model, Clustering *self) {
    const char *element = "ClusteringField";
    self->field = ARENA_ARRAY(load->arena, Compared, xml_count(model->xml, element));
    for (const Xml *f = xml_child(model->xml, element); f; f = xml_next(f, element)) {
        if (!attr_bool(load, f, "isCenterField", true)) continue;
        compared_compile(load, model, f, &self->measure, &self->field[self->fields++]);
    }
}

static void cluster_compile(Load *load, const Xml *at, Clustering *self) {
    uint32_t count, i = self->clusters++;
    const double *x = read_numbers(load, need_child(load, at, "Array"), &count);
    if (count != self->fields)
        load_fail(load, at, "a centre of %u numbers, not %u", count, self->fields);
    self->centre[i] = ARENA_ARRAY(load->arena, Value, count);
    for (uint32_t k = 0; k < count; k++) self->centre[i][k] = value_double(x[k]);
    Str id = xml_attr(at, "id");
    self->id[i] = value_text(id.ptr ? id : str_printf(load->arena, "%u", i + 1));
    self->name[i] = xml_attr(at, "name");
}

static void compile(Load *load, Model *model) {
    static const char *const CLASSES[] = {"centerBased", "distributionBased", ""};
    Clustering *self = ARENA_NEW(load->arena, Clustering);
    if (attr_enum(load, model->xml, "modelClass", CLASSES, 0) == 1) {
        load_unsupported(load, model->xml, "clustering by distributions");
    }
    measure_compile(load, model->xml, &self->measure);
    fields_compile(load, model, self);
    uint32_t count = xml_count(model->xml, "Cluster");
    self->centre = ARENA_ARRAY(load->arena, Value *, count);
    self->id = ARENA_ARRAY(load->arena, Value, count);
    self->name = ARENA_ARRAY(load->arena, Str, count);
    for (const Xml *c = xml_child(model->xml, "Cluster"); c; c = xml_next(c, "Cluster")) {
        cluster_compile(load, c, self);
    }
    if (count == 0) load_fail(load, model->xml, "there is no cluster");
    const Xml *weights = xml_child(model->xml, "MissingValueWeights");
    if (weights) {
        uint32_t n;
        self->missing_weight = read_numbers(load, need_child(load, weights, "Array"), &n);
        if (n != self->fields) load_fail(load, weights, "as many weights as fields are needed");
    }
    model->impl = self;
}

void result_rank(Row *row, Result *out) {
    uint32_t *order = ROW_ARRAY(row, uint32_t, out->count);
    for (uint32_t i = 0; i < out->count; i++) {
        uint32_t at = i;
        for (; at; at--) {
            double other = out->score[order[at - 1]];
            if (out->scores == DISTANCE ? other <= out->score[i] : other >= out->score[i]) break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    Str *ranked = ROW_ARRAY(row, Str, out->count);
    double *affinity = ROW_ARRAY(row, double, out->count);
    for (uint32_t i = 0; i < out->count; i++) {
        ranked[i] = out->category[order[i]].text;
        affinity[i] = out->score[order[i]];
    }
    out->ranked = ranked;
    out->ranked_affinity = affinity;
    out->rankeds = out->count;
    out->entity = ranked[0];
    out->entity_affinity = affinity[0];
    out->has_entity_affinity = true;
}

static void score(const Model *model, Row *row, Result *out) {
    const Clustering *self = model->impl;
    Value *value = ROW_ARRAY(row, Value, self->fields + 1);
    for (uint32_t i = 0; i < self->fields; i++) value[i] = field_value(row, self->field[i].field);
    double adjustment = self->measure.similarity
                            ? 1
                            : measure_adjustment(row, value, self->missing_weight, self->fields);
    out->category = self->id;
    out->count = self->clusters;
    out->score = ROW_ARRAY(row, double, self->clusters);
    for (uint32_t i = 0; i < self->clusters; i++) {
        out->score[i] = measure_value(&self->measure, self->field, value, self->centre[i],
                                      self->fields, adjustment);
    }
    row->steps += self->clusters;
    result_class(model, row, self->measure.similarity ? SIMILARITY : DISTANCE, out);
    out->display = self->name[result_winner(out)];
    result_rank(row, out);
}

const ModelKind CLUSTERING_MODEL = {"ClusteringModel", compile, score};
